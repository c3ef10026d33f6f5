// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Integer instructions of user mode: each is run by the host's own CPU and by the interpreter on
 * the same random and corner-case registers, and registers, flags and memory are compared bit by
 * bit. Flags that the manual (Intel SDM volume 2) leaves undefined are not compared.
 *
 * Guest and host see the same memory at the same addresses: a block at ARENA, mapped one to one.
 */
#include <check.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "module/x86/decode.h"
#include "vmm/cpu/cpu.h"

#define ARENA      0x10000000ull
#define ARENA_SIZE 0x400000ull
#define TABLES     (ARENA + 0x1000)
#define CODE       (ARENA + 0x100000)
#define DATA       (ARENA + 0x200800)
#define DATA_LEN   256
#define ROUNDS     400

struct regs {
	u64 gpr[16];
	u64 fl;
};

#ifdef __x86_64__

/* ---- the host's CPU ---- */

struct regs *native_cur;
u64 native_code, native_sp, native_tmp;
void native_enter(void);

/* Loads all registers but RSP, calls the code, stores them. */
__asm__(".text\n"
	"native_enter:\n"
	"	push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
	"	mov %rsp, native_sp(%rip)\n"
	"	mov native_cur(%rip), %rdi\n"
	"	pushq 128(%rdi); popfq\n"
	"	mov 0(%rdi), %rax; mov 8(%rdi), %rcx; mov 16(%rdi), %rdx; mov 24(%rdi), %rbx\n"
	"	mov 40(%rdi), %rbp; mov 48(%rdi), %rsi; mov 64(%rdi), %r8; mov 72(%rdi), %r9\n"
	"	mov 80(%rdi), %r10; mov 88(%rdi), %r11; mov 96(%rdi), %r12; mov 104(%rdi), %r13\n"
	"	mov 112(%rdi), %r14; mov 120(%rdi), %r15; mov 56(%rdi), %rdi\n"
	"	call *native_code(%rip)\n"
	"	mov %rdi, native_tmp(%rip)\n"
	"	mov native_cur(%rip), %rdi\n"
	"	pushfq; popq 128(%rdi)\n"
	"	cld\n"
	"	mov %rax, 0(%rdi); mov %rcx, 8(%rdi); mov %rdx, 16(%rdi); mov %rbx, 24(%rdi)\n"
	"	mov %rbp, 40(%rdi); mov %rsi, 48(%rdi); mov %r8, 64(%rdi); mov %r9, 72(%rdi)\n"
	"	mov %r10, 80(%rdi); mov %r11, 88(%rdi); mov %r12, 96(%rdi); mov %r13, 104(%rdi)\n"
	"	mov %r14, 112(%rdi); mov %r15, 120(%rdi)\n"
	"	mov native_tmp(%rip), %rax; mov %rax, 56(%rdi)\n"
	"	pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
	"	ret\n");

static sigjmp_buf on_fault;

static void fault(int sig)
{
	siglongjmp(on_fault, sig);
}

/* 0, or the signal that the instruction raised. */
static int native_run(struct regs *r)
{
	int sig = sigsetjmp(on_fault, 1);

	if (sig)
		return sig;
	native_cur = r;
	native_code = CODE;
	native_enter();
	return 0;
}

/* ---- the interpreter ---- */

static void page(void *o, u64 gpa, bool write, struct cpu_page *p)
{
	p->hva = gpa >= ARENA && gpa < ARENA + ARENA_SIZE ? (void *)(uintptr_t)gpa : NULL;
	p->readonly = false;
}
static u64 mmio_read(void *o, u64 gpa, unsigned int len) { return ~0ull; }
static void mmio_write(void *o, u64 gpa, unsigned int len, u64 v) {}
static u32 pio_in(void *o, u16 port, unsigned int len) { return ~0u; }
static void pio_out(void *o, u16 port, unsigned int len, u32 v) {}
static int irq_ack(void *o) { return -1; }
static int rdmsr(void *o, u32 msr, u64 *v) { *v = 0; return 0; }
static int wrmsr(void *o, u32 msr, u64 v) { return 0; }
static unsigned int get_tpr(void *o) { return 0; }
static void set_tpr(void *o, unsigned int v) {}
static u64 tsc(void *o) { return 0; }
static void ferr(void *o, bool l) {}

static const struct gm_cpu_host host = {
	.page = page, .mmio_read = mmio_read, .mmio_write = mmio_write, .pio_in = pio_in,
	.pio_out = pio_out, .irq_ack = irq_ack, .apic_rdmsr = rdmsr, .apic_wrmsr = wrmsr,
	.get_tpr = get_tpr, .set_tpr = set_tpr, .tsc = tsc, .ferr = ferr,
};

static struct cpu *c;

static void setup(void)
{
	struct x86_seg code = { .limit = 0xffffffff, .sel = 8, .attr = 0xa09b };
	struct x86_seg data = { .limit = 0xffffffff, .sel = 16, .attr = 0xc093 };
	u64 *t = (u64 *)TABLES;
	unsigned int i;

	ck_assert_ptr_eq(mmap((void *)ARENA, ARENA_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0),
			 (void *)ARENA);
	t[0] = (TABLES + 0x1000) | 7;
	t[512] = (TABLES + 0x2000) | 7;
	for (i = 0; i < 512; i++)
		t[1024 + i] = (u64)i << 21 | 0x87;
	c = cpu_new(&host, NULL, NULL);
	ck_assert_ptr_nonnull(c);
	c->cr0 = X86_CR0_PE | X86_CR0_PG | X86_CR0_ET | X86_CR0_NE;
	c->cr4 = X86_CR4_PAE | X86_CR4_OSFXSR;
	c->cr3 = TABLES;
	c->efer = X86_EFER_LME | X86_EFER_LMA;
	for (i = 0; i < 6; i++)
		cpu_set_seg(c, i, i == X86_CS ? &code : &data);
	cpu_tlb_flush_all(c);
	cpu_mode_changed(c);
	signal(SIGFPE, fault);
	signal(SIGILL, fault);
	signal(SIGSEGV, fault);
}

static void teardown(void)
{
	cpu_free(c);
	munmap((void *)ARENA, ARENA_SIZE);
}

/* Runs the code at CODE up to the HLT behind it. False: it raised an exception (no IDT: shutdown). */
static bool soft_run(struct regs *r)
{
	enum cpu_exit e;

	memcpy(c->gpr, r->gpr, sizeof(r->gpr));
	c->gpr[X86_RSP] = ARENA + 0x300000;
	cpu_set_rflags(c, (r->fl & (X86_FL_ARITH | X86_FL_DF)) | X86_FL_ONE);
	c->rip = CODE;
	c->halted = 0;
	c->shutdown = 0;
	c->idt.limit = 0;
	cpu_phys_written(c, CODE, 16);
	e = cpu_run(c, 1000);
	memcpy(r->gpr, c->gpr, sizeof(r->gpr));
	r->fl = cpu_get_rflags(c);
	return e == CPU_EXIT_HALT;
}

/* ---- random instructions ---- */

static u64 seed = 88172645463325252ull;

static u64 rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static u64 value(void)
{
	static const u64 corner[] = { 0, 1, ~0ull, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff,
				      0x7fffffff, 0x80000000, 0xffffffff, 0x7fffffffffffffff,
				      0x8000000000000000, 2, 31, 32, 63, 64 };
	u64 r = rnd();

	return r & 1 ? rnd() : r & 2 ? corner[(r >> 8) % ARRAY_SIZE(corner)] : rnd() & 0xff;
}

/* Opcodes to try: first byte, or 0F xx, 0F 38 xx, 0F 3A xx. */
struct group {
	const char *name;
	u32 first, last; /* 0x00..0xff, 0x0f00.., 0x0f3800.. */
	u8 prefix;       /* mandatory or 0 */
};

static const struct group groups[] = {
	{ "add or adc sbb and sub xor cmp", 0x00, 0x3d, 0 },
	{ "movsxd", 0x63, 0x63, 0 },
	{ "imul imm", 0x69, 0x6b, 0 },
	{ "group 1", 0x80, 0x83, 0 },
	{ "test xchg mov", 0x84, 0x8b, 0 },
	{ "lea", 0x8d, 0x8d, 0 },
	{ "xchg cbw cwd", 0x90, 0x99, 0 },
	{ "sahf lahf", 0x9e, 0x9f, 0 },
	{ "test imm", 0xa8, 0xa9, 0 },
	{ "mov imm", 0xb0, 0xbf, 0 },
	{ "shifts imm", 0xc0, 0xc1, 0 },
	{ "mov mem imm", 0xc6, 0xc7, 0 },
	{ "shifts 1, cl", 0xd0, 0xd3, 0 },
	{ "cmc clc stc", 0xf5, 0xf9, 0 },
	{ "group 3", 0xf6, 0xf7, 0 },
	{ "inc dec", 0xfe, 0xff, 0 },
	{ "cmovcc", 0x0f40, 0x0f4f, 0 },
	{ "setcc", 0x0f90, 0x0f9f, 0 },
	{ "bt shld", 0x0fa3, 0x0fa5, 0 },
	{ "bts shrd imul", 0x0fab, 0x0faf, 0 },
	{ "cmpxchg btr movzx", 0x0fb0, 0x0fb7, 0 },
	{ "popcnt", 0x0fb8, 0x0fb8, 0xf3 },
	{ "bt imm btc bsf bsr movsx", 0x0fba, 0x0fbf, 0 },
	{ "tzcnt lzcnt", 0x0fbc, 0x0fbd, 0xf3 },
	{ "xadd", 0x0fc0, 0x0fc1, 0 },
	{ "cmpxchg8b", 0x0fc7, 0x0fc7, 0 },
	{ "bswap", 0x0fc8, 0x0fcf, 0 },
	{ "movbe", 0x0f38f0, 0x0f38f1, 0 },
	{ "crc32", 0x0f38f0, 0x0f38f1, 0xf2 },
	{ "adcx", 0x0f38f6, 0x0f38f6, 0x66 },
	{ "adox", 0x0f38f6, 0x0f38f6, 0xf3 },
};

static unsigned int make(const struct group *g, u8 *b)
{
	u32 op = g->first + (u32)(rnd() % (g->last - g->first + 1));
	unsigned int n = 0, i;
	u64 r = rnd();

	if (g->prefix)
		b[n++] = g->prefix;
	if ((r & 7) == 0 && g->prefix != 0x66)
		b[n++] = 0x66;
	if ((r & 0x78) == 0)
		b[n++] = 0xf0;
	if (r & 0x80)
		b[n++] = (u8)(0x40 | (r >> 8 & 15));
	if (op > 0xffff)
		b[n++] = 0x0f;
	if (op > 0xff)
		b[n++] = (u8)(op >> 8);
	b[n++] = (u8)op;
	for (i = n; i < 24; i++)
		b[i] = (u8)rnd();
	if (r & 1 << 16) /* more registers than the 25% of random ModRM bytes */
		b[n] |= 0xc0;
	return n;
}

/* Flags that mean nothing after the instruction. */
static u32 undefined(const struct x86_insn *i, const struct regs *in)
{
	u64 cnt = i->form == X86_FORM_RM_CL || i->form == X86_FORM_RM_R_CL ? in->gpr[1] : i->imm;

	if (i->form == X86_FORM_RM_1)
		cnt = 1;
	cnt &= i->opsize == 8 ? 63 : 31;
	switch (i->op) {
	case X86_OP_AND: case X86_OP_OR: case X86_OP_XOR: case X86_OP_TEST:
		return X86_FL_AF;
	case X86_OP_SHL: case X86_OP_SHR: case X86_OP_SAR:
		if (cnt >= i->opsize * 8u)
			return X86_FL_AF | X86_FL_OF | X86_FL_CF;
		return cnt ? X86_FL_AF | (cnt > 1 ? X86_FL_OF : 0) : 0;
	case X86_OP_ROL: case X86_OP_ROR: case X86_OP_RCL: case X86_OP_RCR:
		return cnt > 1 ? X86_FL_OF : 0;
	case X86_OP_SHLD: case X86_OP_SHRD:
		if (cnt > i->opsize * 8u)
			return X86_FL_ARITH;
		return cnt ? X86_FL_AF | (cnt > 1 ? X86_FL_OF : 0) : 0;
	case X86_OP_MUL: case X86_OP_IMUL:
		return X86_FL_SF | X86_FL_ZF | X86_FL_AF | X86_FL_PF;
	case X86_OP_DIV: case X86_OP_IDIV:
		return X86_FL_ARITH;
	case X86_OP_BT: case X86_OP_BTS: case X86_OP_BTR: case X86_OP_BTC:
		return X86_FL_OF | X86_FL_SF | X86_FL_AF | X86_FL_PF;
	case X86_OP_BSF: case X86_OP_BSR:
		return X86_FL_ARITH & ~X86_FL_ZF;
	case X86_OP_TZCNT: case X86_OP_LZCNT:
		return X86_FL_OF | X86_FL_SF | X86_FL_AF | X86_FL_PF;
	default:
		return 0;
	}
}

static bool acceptable(const struct x86_insn *i, int len)
{
	static const u16 no[] = { X86_OP_INVALID, X86_OP_PUSH, X86_OP_POP, X86_OP_JMP_NEAR_IND,
				  X86_OP_CALL_NEAR_IND, X86_OP_JMP_FAR_IND, X86_OP_CALL_FAR_IND,
				  X86_OP_DAA, X86_OP_PAUSE, X86_OP_RDRAND, X86_OP_RDSEED, X86_OP_LFP };
	unsigned int k;

	if (len <= 0 || i->prefixes & (X86_PFX_SEG | X86_PFX_REP | X86_PFX_REPNE))
		return false;
	for (k = 0; k < ARRAY_SIZE(no); k++)
		if (i->op == no[k])
			return false;
	if (i->op >= X86_OP_SGDT || i->props & (X86_P_BRANCH | X86_P_PRIV | X86_P_IOPL))
		return false;
	if (i->mod == 3)
		return i->rm != X86_RSP && i->reg != X86_RSP;
	return i->base < 16 && i->base != X86_RSP && i->reg != X86_RSP && i->addrsize == 8 &&
	       !(i->props & X86_P_MOFFS);
}

/* The byte registers without REX: reg 4..7 are AH.. given as 0..3, so RSP is not meant. */
static void fix_address(const struct x86_insn *i, struct regs *r)
{
	u64 ea = DATA + rnd() % 64;

	if (i->mod == 3)
		return;
	if ((i->op == X86_OP_BT || i->op == X86_OP_BTS || i->op == X86_OP_BTR ||
	     i->op == X86_OP_BTC) && i->form == X86_FORM_RM_R)
		r->gpr[i->reg] = (u64)(s64)(s8)r->gpr[i->reg];
	if (i->op == X86_OP_CMPXCHG16B)
		ea &= ~15ull;
	if (i->index < 16 && i->index != i->base)
		r->gpr[i->index] &= 31;
	if (i->index == i->base)
		r->gpr[i->base] = (ea - (u64)i->disp) / (1 + (1u << i->scale));
	else
		r->gpr[i->base] = ea - (u64)i->disp -
				  (i->index < 16 ? r->gpr[i->index] << i->scale : 0);
}

static void dump(const struct group *g, const u8 *code, unsigned int len, const struct x86_insn *i,
		 const struct regs *in, const struct regs *n, const struct regs *s)
{
	unsigned int k;

	fprintf(stderr, "%s: %s:", g->name, x86_op_name(i->op));
	for (k = 0; k < len; k++)
		fprintf(stderr, " %02x", code[k]);
	fprintf(stderr, "\n");
	for (k = 0; k < 16; k++)
		if (n->gpr[k] != s->gpr[k] || in->gpr[k] != n->gpr[k])
			fprintf(stderr, "  r%u in %016lx native %016lx soft %016lx\n", k,
				in->gpr[k], n->gpr[k], s->gpr[k]);
	fprintf(stderr, "  flags in %lx native %lx soft %lx\n", in->fl & X86_FL_ARITH,
		n->fl & X86_FL_ARITH, s->fl & X86_FL_ARITH);
}

START_TEST(test_group)
{
	const struct group *g = &groups[_i];
	u8 *code = (u8 *)CODE, before[DATA_LEN], after[DATA_LEN];
	struct x86_insn insn;
	struct regs in, n, s;
	unsigned int done, k, tries = 0;
	u8 buf[24];

	for (done = 0; done < ROUNDS && tries < ROUNDS * 200; tries++) {
		int len, sig;
		bool ok;
		u32 skip;

		make(g, buf);
		len = x86_decode(&insn, X86_MODE_64, buf, sizeof(buf));
		if (!acceptable(&insn, len))
			continue;
		for (k = 0; k < 16; k++)
			in.gpr[k] = value();
		in.gpr[X86_RSP] = 0;
		in.fl = (rnd() & X86_FL_ARITH) | X86_FL_ONE;
		fix_address(&insn, &in);
		for (k = 0; k < DATA_LEN / 8; k++)
			((u64 *)(DATA - 64))[k] = value();
		memcpy(before, (void *)(DATA - 64), DATA_LEN);
		memcpy(code, buf, (size_t)len);
		code[len] = 0xc3;
		n = in;
		sig = native_run(&n);
		memcpy(after, (void *)(DATA - 64), DATA_LEN);
		memcpy((void *)(DATA - 64), before, DATA_LEN);
		code[len] = 0xf4;
		s = in;
		ok = soft_run(&s);
		if (sig == SIGILL)
			continue; /* a feature that the host lacks */
		skip = undefined(&insn, &in);
		s.gpr[X86_RSP] = n.gpr[X86_RSP] = 0;
		if (sig ? ok
			: !ok || memcmp(n.gpr, s.gpr, sizeof(n.gpr)) ||
			  ((n.fl ^ s.fl) & X86_FL_ARITH & ~skip) ||
			  memcmp(after, (void *)(DATA - 64), DATA_LEN)) {
			dump(g, buf, (unsigned int)len, &insn, &in, &n, &s);
			ck_abort_msg("%s: %s differs (signal %d, run %d)", g->name,
				     x86_op_name(insn.op), sig, ok);
		}
		done++;
	}
	ck_assert_uint_gt(done, 20);
}
END_TEST

/* Sequences whose flags are partly dead, which the translator rewrites. */
struct seq {
	const char *name;
	u8 len;
	u8 code[24];
};

static const struct seq seqs[] = {
	{ "and, xor", 12, { 0x81, 0xe2, 0x61, 0x81, 0x00, 0x07, 0x81, 0xf2, 0x61, 0x81, 0x00, 0x07 } },
	{ "and, xor, setne", 15, { 0x81, 0xe2, 0x61, 0x81, 0x00, 0x07, 0x81, 0xf2, 0x61, 0x81, 0x00,
				   0x07, 0x0f, 0x95, 0xc1 } },
	{ "add, add", 6, { 0x48, 0x01, 0xc8, 0x48, 0x01, 0xd0 } },
	{ "add imm8, sub 32", 7, { 0x48, 0x83, 0xc0, 0x85, 0x29, 0xd1, 0x90 } },
	{ "sub imm32, cmp", 9, { 0x48, 0x81, 0xe9, 0x00, 0x00, 0x00, 0x80, 0x39, 0xc8 } },
	{ "inc, dec, cmp", 7, { 0xff, 0xc0, 0x48, 0xff, 0xc9, 0x39, 0xc8 } },
	{ "cmp, inc, adc", 7, { 0x39, 0xc8, 0xff, 0xc2, 0x11, 0xdb, 0x90 } },
	{ "shl, shr, sar, or", 11, { 0xc1, 0xe0, 0x05, 0x48, 0xc1, 0xe9, 0x07, 0xd1, 0xfa, 0x09, 0xc8 } },
	{ "sub, lea, xor", 10, { 0x29, 0xc8, 0x48, 0x8d, 0x54, 0x08, 0x05, 0x48, 0x31, 0xd2 } },
	{ "cmp, jb", 8, { 0x48, 0x39, 0xc8, 0x72, 0x02, 0x89, 0xd1, 0x90 } },
	{ "test, jle", 6, { 0x85, 0xc9, 0x7e, 0x02, 0x89, 0xd1 } },
	{ "cmp imm, jg", 7, { 0x83, 0xf8, 0xff, 0x7f, 0x02, 0x89, 0xd1 } },
	{ "and, xor, jne", 16, { 0x81, 0xe2, 0x61, 0x81, 0x00, 0x07, 0x81, 0xf2, 0x61, 0x81, 0x00,
				 0x07, 0x75, 0x02, 0x89, 0xd1 } },
	{ "neg, sbb", 4, { 0xf7, 0xd8, 0x19, 0xc9 } },
	{ "bt, jae", 7, { 0x0f, 0xa3, 0xc8, 0x73, 0x02, 0x89, 0xd1 } },
	{ "push, push, pop, pop", 4, { 0x51, 0x52, 0x58, 0x5b } },
	{ "push 3, pop 3", 6, { 0x50, 0x51, 0x52, 0x5b, 0x58, 0x59 } },
	{ "cmp mem, reg; jb", 10, { 0x51, 0x48, 0x39, 0x14, 0x24, 0x72, 0x02, 0x89, 0xd1, 0x5e } },
	{ "cmp reg, mem; jle", 10, { 0x51, 0x48, 0x3b, 0x14, 0x24, 0x7e, 0x02, 0x89, 0xd1, 0x5e } },
	{ "test mem, imm; js", 10, { 0x51, 0xf6, 0x04, 0x24, 0x81, 0x78, 0x02, 0x89, 0xd1, 0x5e } },
	{ "cmp mem, imm; je", 12, { 0x51, 0x48, 0x83, 0x3c, 0x24, 0x01, 0x74, 0x02, 0x89, 0xd1, 0x5e,
				    0x90 } },
	{ "dec, jnz", 6, { 0xff, 0xc9, 0x75, 0x02, 0x89, 0xd1 } },
};

START_TEST(test_seq)
{
	const struct seq *q = &seqs[_i];
	u8 *code = (u8 *)CODE;
	struct regs in, n, s;
	unsigned int k, done;

	for (done = 0; done < ROUNDS; done++) {
		for (k = 0; k < 16; k++)
			in.gpr[k] = value();
		in.fl = (rnd() & X86_FL_ARITH) | X86_FL_ONE;
		memcpy(code, q->code, q->len);
		code[q->len] = 0xc3;
		n = s = in;
		ck_assert_int_eq(native_run(&n), 0);
		code[q->len] = 0xf4;
		ck_assert(soft_run(&s));
		s.gpr[X86_RSP] = n.gpr[X86_RSP] = 0;
		ck_assert_msg(!memcmp(n.gpr, s.gpr, sizeof(n.gpr)), "%s: registers", q->name);
		ck_assert_msg(!((n.fl ^ s.fl) & X86_FL_ARITH & ~X86_FL_AF & ~X86_FL_OF),
			      "%s: flags %lx %lx", q->name, n.fl, s.fl);
	}
}
END_TEST

#endif /* __x86_64__ */

int main(void)
{
	Suite *su = suite_create("cpu_native");
	SRunner *sr;
	int failed;
#ifdef __x86_64__
	TCase *tc = tcase_create("integer");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_group, 0, ARRAY_SIZE(groups));
	tcase_add_loop_test(tc, test_seq, 0, ARRAY_SIZE(seqs));
	suite_add_tcase(su, tc);
#endif
	sr = srunner_create(su);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interpreter's integer instructions against the host's CPU: short random sequences of 64-bit user
 * code run natively and in the guest from the same registers and memory; registers, flags,
 * memory, and the exception with its address must agree. Random, but the same in each run.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "module/x86/decode.h"
#include "test/unit/lib/cpu_user.h"

static struct user user;
static u64 seed;

static u64 rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* A group of opcodes: map, first and last opcode, how many sequences. */
struct group {
	const char *name;
	u8 map, first, last;
	int rounds;
	int compat;        /* run in 32-bit compatibility mode */
};

static const struct group groups[] = {
	{ "add or adc sbb", 0, 0x00, 0x1f, 4000 }, { "and sub xor cmp", 0, 0x20, 0x3f, 4000 },
	{ "push pop", 0, 0x50, 0x5f, 2000 }, { "63-6b", 0, 0x63, 0x6b, 2000 },
	{ "jcc", 0, 0x70, 0x7f, 3000 }, { "group 1", 0, 0x80, 0x83, 4000 }, { "test xchg", 0, 0x84, 0x87, 2000 },
	{ "mov lea", 0, 0x88, 0x8f, 3000 }, { "xchg cbw", 0, 0x90, 0x9f, 2000 },
	{ "strings", 0, 0xa4, 0xaf, 6000 }, { "mov imm", 0, 0xb0, 0xbf, 1000 },
	{ "shifts by imm", 0, 0xc0, 0xc1, 4000 }, { "ret mov enter leave", 0, 0xc2, 0xc9, 3000 },
	{ "shifts by 1, cl", 0, 0xd0, 0xd3, 4000 }, { "xlat", 0, 0xd7, 0xd7, 500 },
	{ "loop call jmp", 0, 0xe0, 0xeb, 2000 }, { "group 3", 0, 0xf6, 0xf7, 5000 },
	{ "flags, groups 4 and 5", 0, 0xf5, 0xff, 3000 },
	{ "cmov", 1, 0x40, 0x4f, 2000 }, { "jcc near", 1, 0x80, 0x8f, 1000 }, { "setcc", 1, 0x90, 0x9f, 1000 },
	{ "bt shld shrd imul", 1, 0xa3, 0xaf, 5000 }, { "cmpxchg movzx bt bsf", 1, 0xb0, 0xbf, 8000 },
	{ "xadd cmpxchg8b bswap", 1, 0xc0, 0xcf, 3000 }, { "nops", 1, 0x0d, 0x1f, 500 },
	{ "undefined", 1, 0xff, 0xff, 100 },
	{ "movbe crc32", 2, 0xf0, 0xf1, 1500 }, { "adx", 2, 0xf6, 0xf6, 500 }, { "bmi", 4, 0xf2, 0xf7, 3000 },
	{ "rorx", 5, 0xf0, 0xf0, 300 },
	{ "32: alu, decimal", 0, 0x00, 0x3f, 8000, 1 }, { "32: inc dec push pop", 0, 0x40, 0x63, 4000, 1 },
	{ "32: imm", 0, 0x68, 0x8f, 4000, 1 }, { "32: xchg mov strings", 0, 0x90, 0xbf, 4000, 1 },
	{ "32: shifts, stack", 0, 0xc0, 0xd7, 5000, 1 }, { "32: loops, groups", 0, 0xe0, 0xff, 4000, 1 },
	{ "32: two-byte", 1, 0x40, 0x4f, 1000, 1 }, { "32: bit, shld, imul", 1, 0x90, 0xcf, 6000, 1 },
};

/* Flags that an instruction leaves undefined, by the manual. */
static u32 undefined_flags(const struct x86_insn *in)
{
	switch (in->op) {
	case X86_OP_DIV: case X86_OP_IDIV:
		return X86_FL_ARITH;
	case X86_OP_MUL: case X86_OP_IMUL:
		return X86_FL_SF | X86_FL_ZF | X86_FL_AF | X86_FL_PF;
	case X86_OP_SHL: case X86_OP_SHR: case X86_OP_SAR: case X86_OP_SHLD: case X86_OP_SHRD:
		if (in->form == X86_FORM_RM_1)
			return X86_FL_AF;
		return X86_FL_AF | X86_FL_OF | (in->opsize < 4 ? X86_FL_CF : 0);
	case X86_OP_ROL: case X86_OP_ROR: case X86_OP_RCL: case X86_OP_RCR:
		return in->form == X86_FORM_RM_1 ? 0 : X86_FL_OF;
	case X86_OP_BSF: case X86_OP_BSR:
		return X86_FL_ARITH & ~X86_FL_ZF;
	case X86_OP_LZCNT: case X86_OP_TZCNT:
		return X86_FL_OF | X86_FL_SF | X86_FL_PF | X86_FL_AF;
	case X86_OP_BT: case X86_OP_BTS: case X86_OP_BTR: case X86_OP_BTC:
		return X86_FL_OF | X86_FL_SF | X86_FL_PF | X86_FL_AF;
	case X86_OP_AAA: case X86_OP_AAS:
		return X86_FL_OF | X86_FL_SF | X86_FL_ZF | X86_FL_PF;
	case X86_OP_DAA: case X86_OP_DAS:
		return X86_FL_OF;
	case X86_OP_AAM: case X86_OP_AAD:
		return X86_FL_OF | X86_FL_AF | X86_FL_CF;
	case X86_OP_BEXTR:
		return X86_FL_SF | X86_FL_PF | X86_FL_AF;
	case X86_OP_ANDN: case X86_OP_BLSI: case X86_OP_BLSR: case X86_OP_BLSMSK: case X86_OP_BZHI:
		return X86_FL_PF | X86_FL_AF;
	}
	return 0;
}

/* Results that the manual leaves undefined. */
static int undefined_result(const struct x86_insn *in)
{
	if (in->op == X86_OP_BSWAP)
		return in->opsize == 2;
	if (in->op == X86_OP_SHLD || in->op == X86_OP_SHRD)
		return in->opsize == 2 && (in->form == X86_FORM_RM_R_CL || (in->imm & 31) > 16);
	return 0;
}

/* Whether an instruction may take part: same on both sides, harmless natively. */
static int usable(const struct x86_insn *in, int last)
{
	if (in->op == X86_OP_INVALID || in->props & (X86_P_FPU | X86_P_MMX | X86_P_SSE))
		return 0;
	if (in->prefixes & X86_PFX_SEG && in->seg >= X86_FS)
		return 0;
	/* it reads before it finds that the segment cannot be written, and the order is nobody's business */
	if (in->op == X86_OP_ARPL && in->mod != 3 && in->seg == X86_CS)
		return 0;
	/* a fault in the first round has zero-extended RCX on some CPUs and not on others */
	if (in->props & X86_P_STRING && in->prefixes & X86_PFX_67)
		return 0;
	if (undefined_result(in) || (undefined_flags(in) && !last))
		return 0;
	switch (in->op) {
	case X86_OP_CALL_FAR_PTR: case X86_OP_JMP_FAR_PTR: case X86_OP_SYSCALL: case X86_OP_SYSENTER:
	case X86_OP_CALL_FAR_IND: case X86_OP_JMP_FAR_IND: case X86_OP_RET_FAR: case X86_OP_IRET:
	case X86_OP_INT: case X86_OP_INT1: case X86_OP_INT3: case X86_OP_POPF: case X86_OP_MOV_SREG:
	case X86_OP_PUSH_SREG: case X86_OP_POP_SREG: case X86_OP_LFP: case X86_OP_CPUID:
	case X86_OP_RDRAND: case X86_OP_RDSEED: case X86_OP_RDPID: case X86_OP_RSM: case X86_OP_XSAVEC:
	case X86_OP_XSAVES: case X86_OP_XRSTORS: case X86_OP_VMPTRLD: case X86_OP_VMPTRST: case X86_OP_VMCLEAR:
	case X86_OP_VMXON: case X86_OP_STI: case X86_OP_CLI: case X86_OP_PUSHF: case X86_OP_MOVNTI:
		return 0;
	}
	return in->isa != X86_ISA_XSAVE && in->isa != X86_ISA_XSAVEOPT && in->isa != X86_ISA_FSGSBASE;
}

/* Branches with a displacement may only skip: the displacement byte is patched to `skip`. */
static int is_relative(const struct x86_insn *in)
{
	return in->form == X86_FORM_REL;
}

static unsigned int put_prefixes(u8 *p, u8 map, int compat)
{
	static const u8 legacy[] = { 0x66, 0xf2, 0xf3, 0x67, 0x2e, 0xf0 };
	unsigned int n = 0;
	u64 r = rnd();

	if (map >= 4) /* VEX */
		return 0;
	if ((r & 7) < 2)
		p[n++] = 0x66;
	if ((r & 0x700) < 0x100)
		p[n++] = legacy[(r >> 16) % sizeof(legacy)];
	if ((r & 0x1000) && !compat)
		p[n++] = 0x40 | ((r >> 24) & 15);
	return n;
}

/* One random instruction of the group at p; its length. */
static unsigned int generate(const struct group *g, u8 *p, struct x86_insn *in, int last)
{
	unsigned int n, i;
	int rc, tries;

	for (tries = 0; tries < 1000; tries++) {
		n = put_prefixes(p, g->map, g->compat);
		if (g->map >= 4) {
			p[n++] = 0xc4;
			p[n++] = (u8)(0xe0 ^ (rnd() & 0xe0)) | (g->map - 2);
			p[n++] = rnd() & 0xfb;
		} else if (g->map) {
			p[n++] = 0x0f;
			if (g->map == 2)
				p[n++] = 0x38;
		}
		p[n++] = g->first + rnd() % (g->last - g->first + 1);
		for (i = n; i < n + 12; i++)
			p[i] = rnd();
		/* small displacements and registers are more interesting */
		if (rnd() & 1)
			p[n] |= 0xc0;
		else if (rnd() & 1)
			p[n] = (p[n] & 0x3f) | 0x40;
		rc = x86_decode(in, g->compat ? X86_MODE_32 : X86_MODE_64, p, 15);
		if (rc <= 0 || in->map != (g->map < 4 ? g->map : g->map - 2) || !usable(in, last))
			continue;
		if (in->disp_len == 4) { /* keep it near */
			p[n + 2 + (in->base == X86_RIP || (p[n] & 7) != 4 ? 0 : 1)] &= 0x0f;
			continue;
		}
		return rc;
	}
	p[0] = 0x90;
	x86_decode(in, X86_MODE_64, p, 1);
	return 1;
}

static u64 reg_value(void)
{
	static const u64 corners[] = { 0, 1, ~0ull, 0x80, 0x7f, 0x8000, 0x80000000u, 0x7fffffff,
				       0x8000000000000000ull, 0x7fffffffffffffffull, 0xffffffffu, 8 };
	u64 r = rnd();

	switch (r & 15) {
	case 0: case 1: case 2: case 3: case 4: case 5: case 6:
		return USER_DATA + 0x800 + (r >> 8) % 0x3000;
	case 7:
		return USER_DATA + ((r >> 8) & 7) * 0x1000 - 16 + ((r >> 16) & 31);
	case 8: case 9: case 10:
		return (r >> 8) & 63;
	case 11: case 12:
		return corners[(r >> 8) % (sizeof(corners) / sizeof(corners[0]))];
	}
	return rnd();
}

struct run {
	u8 code[160];
	unsigned int len;
	unsigned int start, body; /* the random part */
	enum x86_mode mode;
	u32 mask;          /* flags that count */
	struct native_regs in, nat, gst;
	char text[600];
};

static void describe(struct run *r)
{
	unsigned int i, at = r->start, n = 0;
	struct x86_insn in;
	int rc;

	for (i = at; i < r->start + r->body && n < sizeof(r->text) - 60; i++)
		n += (unsigned int)sprintf(r->text + n, "%02x", r->code[i]);
	while (at < r->start + r->body && n < sizeof(r->text) - 60) {
		rc = x86_decode(&in, r->mode, r->code + at, r->len - at);
		if (rc <= 0)
			break;
		n += (unsigned int)sprintf(r->text + n, " %s/%u", x86_op_name(in.op), in.opsize);
		at += rc;
	}
}

static u32 code_address(unsigned int offset)
{
	return (u32)(uintptr_t)user.nat.exec + user.nat.body + offset;
}

/* mov ds, [data]; mov es, [data]; then a far return to the 32-bit code segment. */
static unsigned int enter_compat(u8 *p)
{
	static const u8 code[] = { 0x8e, 0x1c, 0x25, 0, 0, 0, 0x10, 0x8e, 0x04, 0x25, 0, 0, 0, 0x10,
				   0x6a, 0x23, 0x68, 0, 0, 0, 0, 0x48, 0xcb };
	u32 to = code_address(sizeof(code));

	memcpy(p, code, sizeof(code));
	memcpy(p + 17, &to, 4);
	return sizeof(code);
}

/* jmp 0x33:next */
static unsigned int leave_compat(u8 *p, unsigned int at)
{
	u32 to = code_address(at + 7);

	p[0] = 0xea;
	memcpy(p + 1, &to, 4);
	p[5] = 0x33;
	p[6] = 0;
	return 7;
}

static void make_code(const struct group *g, struct run *r)
{
	int count = 1 + rnd() % 4, i, branch = -1;
	struct x86_insn in;
	unsigned int n;

	r->len = g->compat ? enter_compat(r->code) : 0;
	r->start = r->len;
	r->mode = g->compat ? X86_MODE_32 : X86_MODE_64;
	r->mask = X86_FL_ARITH | X86_FL_DF;
	for (i = 0; i < count; i++) {
		n = generate(g, r->code + r->len, &in, i == count - 1);
		if (branch >= 0)
			r->code[branch] = (u8)n;
		r->len += n;
		branch = -1;
		if (is_relative(&in)) {
			memset(r->code + r->len - in.imm_len, 0, in.imm_len);
			branch = r->len - in.imm_len;
		}
		r->mask &= ~undefined_flags(&in);
	}
	r->body = r->len - r->start;
	if (g->compat)
		r->len += leave_compat(r->code + r->len, r->len);
}

static void make_state(struct run *r)
{
	unsigned int i;
	u64 *p = (u64 *)user.data, a = rnd(), b = rnd();

	memset(&r->in, 0, sizeof(r->in));
	for (i = 0; i < 16; i++)
		r->in.gpr[i] = reg_value();
	if (rnd() & 3)
		r->in.gpr[X86_RSP] = USER_DATA + 0x1000 + (rnd() & 0xff8);
	if (r->mode == X86_MODE_32) {
		for (i = 0; i < 8; i++)
			r->in.gpr[i] = (u32)r->in.gpr[i];
		r->in.gpr[X86_RSP] = USER_DATA + 0x1000 + (rnd() & 0xff8);
	}
	if (rnd() & 3)
		r->in.gpr[X86_RCX] &= 0x1ff;
	r->in.flags = 0x202 | (rnd() & (X86_FL_ARITH | X86_FL_DF));
	for (i = 0; i < USER_DATA_SIZE / 8; i++) {
		a = a * 6364136223846793005ull + b;
		p[i] = i & 64 ? 0x4141414141414141ull : a;
	}
	p[0] = 0x2b; /* what enter_compat() loads */
	memcpy(user.rig->ram + USER_DATA_GPA, user.data, USER_DATA_SIZE);
}

/* AddressSanitizer has its shadow mapped where random addresses lead: native code would spoil it, so
 * that build only watches the interpreter. */
#ifdef __SANITIZE_ADDRESS__
#define RUN_NATIVE 0
#else
#define RUN_NATIVE 1
#endif

static int differs(struct run *r, int nrc, int grc)
{
	if (nrc != grc || memcmp(r->nat.gpr, r->gst.gpr, sizeof(r->nat.gpr)) ||
	    ((r->nat.flags ^ r->gst.flags) & r->mask))
		return 1;
	if (nrc && r->nat.rip != r->gst.rip)
		return 1;
	if (nrc == X86_PF + 1 && r->nat.addr != r->gst.addr)
		return 1;
	return memcmp(user.data, user.rig->ram + USER_DATA_GPA, USER_DATA_SIZE) != 0;
}

static void report(struct run *r, int round, int nrc, int grc)
{
	char regs[1200] = "";
	unsigned int i, n = 0;

	describe(r);
	for (i = 0; i < 16; i++)
		if (r->nat.gpr[i] != r->gst.gpr[i] || nrc != grc)
			n += (unsigned int)sprintf(regs + n, " r%u: %llx -> native %llx guest %llx", i,
						   (unsigned long long)r->in.gpr[i], (unsigned long long)r->nat.gpr[i],
						   (unsigned long long)r->gst.gpr[i]);
	for (i = 0; i < USER_DATA_SIZE; i++)
		if (user.data[i] != user.rig->ram[USER_DATA_GPA + i])
			break;
	if (i < USER_DATA_SIZE)
		n += (unsigned int)sprintf(regs + n, " memory +%x: %02x %02x", i, user.data[i],
					   user.rig->ram[USER_DATA_GPA + i]);
	ck_abort_msg("round %d: %s: native %d at %llx (%llx) guest %d at %llx (%llx), flags %x -> %x %x,%s rcx %llx",
		     round, r->text, nrc - 1, (unsigned long long)r->nat.rip, (unsigned long long)r->nat.addr,
		     grc - 1, (unsigned long long)r->gst.rip, (unsigned long long)r->gst.addr, (u32)r->in.flags,
		     (u32)r->nat.flags & r->mask, (u32)r->gst.flags & r->mask, regs,
		     (unsigned long long)r->in.gpr[1]);
}

START_TEST(test_group)
{
	const struct group *g = &groups[_i];
	static struct run r;
	int i, nrc, grc;

	seed = 0x9e3779b97f4a7c15ull + _i;
	for (i = 0; i < g->rounds; i++) {
		make_code(g, &r);
		make_state(&r);
		user_load(&user, r.code, r.len);
		r.nat = r.in;
		r.gst = r.in;
		grc = user_run(&user, &r.gst, r.len);
		if (!RUN_NATIVE)
			continue;
		nrc = native_run(&user.nat, &r.nat);
		if (differs(&r, nrc, grc))
			report(&r, i, nrc, grc);
	}
}
END_TEST

static void setup(void)
{
	user_open(&user);
	user_load(&user, NULL, 0); /* for nat.body */
}

int main(void)
{
	Suite *s = suite_create("cpu_int");
	TCase *tc = tcase_create("native");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_loop_test(tc, test_group, 0, (int)(sizeof(groups) / sizeof(groups[0])));
	tcase_set_timeout(tc, 60);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs one user-mode instruction on the host's own CPU from a given state of registers, and the same one
 * through the decoder and a handler of the software CPU, and compares everything that can be seen: general
 * registers, arithmetic flags, the FXSAVE image, a memory operand, the fault.
 *
 * An instruction under test may use any register but RSP; its memory operand is [rdi].
 */
#ifndef TEST_NATIVE_H
#define TEST_NATIVE_H

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <check.h>

#include "module/x86/decode.h"
#include "vmm/cpu/flags.h"
#include "vmm/cpu/fpu/fpu.h"
#include "vmm/cpu/mem.h"

#define NATIVE_MEM   256u
#define NATIVE_NOVEC 0xffu

/* Registers in the order of enum x86_gpr; offsets are known to the trampoline. */
struct native_state {
	u8 fx[512] __attribute__((aligned(64)));
	u64 gpr[16];
	u64 rflags;
	u64 pad[7];
};

struct native_cpu {
	u8 headroom[256]; /* the trampoline's stack is below `s` */
	struct native_state s;
	u64 host_rsp;
};

/* The bytes of a host page that holds the memory operand, one such page for each of the two runs. */
struct native {
	u8 *code;            /* the trampoline */
	size_t insn_at;      /* where the instruction goes */
	u8 *mem;             /* two pages; the operand is near the end of the first */
	struct native_cpu *cpu;
	struct cpu *c;
	struct cpu_tlb *tlb;
	u8 vector;           /* of the last run */
};

static struct {
	u64 after;
	u8 vector;
} native_trap;

static void native_on_signal(int sig, siginfo_t *info, void *ctx)
{
	ucontext_t *uc = ctx;

	(void)sig;
	(void)info;
	if (!native_trap.after)
		_exit(99);
	native_trap.vector = (u8)uc->uc_mcontext.gregs[REG_TRAPNO];
	uc->uc_mcontext.gregs[REG_RIP] = (greg_t)native_trap.after;
}

static void native_emit(struct native *n, size_t *at, const void *p, size_t len)
{
	memcpy(n->code + *at, p, len);
	*at += len;
}

/* mov r, [rsp + disp32] or back */
static void native_emit_mov(struct native *n, size_t *at, unsigned int reg, u32 disp, bool load)
{
	u8 b[8] = { (u8)(0x48 | (reg >> 3 << 2)), load ? 0x8b : 0x89, (u8)(0x84 | (reg & 7) << 3),
		    0x24 };

	memcpy(b + 4, &disp, 4);
	native_emit(n, at, b, 8);
}

#define NATIVE_BYTES(...)                                                                          \
	native_emit(n, &at, (const u8[]){ __VA_ARGS__ }, sizeof((const u8[]){ __VA_ARGS__ }))

/* Writes the trampoline with `len` bytes of instruction in it. RSP points to the state. */
static __attribute__((unused)) void native_build(struct native *n, const u8 *insn, unsigned int len)
{
	const u32 gpr = offsetof(struct native_state, gpr);
	const u32 rsp = offsetof(struct native_cpu, host_rsp) - offsetof(struct native_cpu, s);
	const u32 fl = offsetof(struct native_state, rflags);
	size_t at = 0;
	unsigned int r;

	NATIVE_BYTES(0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57);
	NATIVE_BYTES(0x48, 0x89, 0xa7); /* mov [rdi + host_rsp], rsp */
	native_emit(n, &at, &rsp, 4);
	NATIVE_BYTES(0x48, 0x89, 0xfc); /* mov rsp, rdi */
	NATIVE_BYTES(0xff, 0xb4, 0x24); /* push [rsp + rflags]; popfq */
	native_emit(n, &at, &fl, 4);
	NATIVE_BYTES(0x9d);
	for (r = 0; r < 16; r++)
		if (r != X86_RSP)
			native_emit_mov(n, &at, r, gpr + 8 * r, true);
	NATIVE_BYTES(0x48, 0x0f, 0xae, 0x0c, 0x24); /* fxrstor64 [rsp] */
	n->insn_at = at;
	native_emit(n, &at, insn, len);
	native_trap.after = (u64)(uintptr_t)(n->code + at);
	NATIVE_BYTES(0x48, 0x0f, 0xae, 0x04, 0x24); /* fxsave64 [rsp] */
	for (r = 0; r < 16; r++)
		if (r != X86_RSP)
			native_emit_mov(n, &at, r, gpr + 8 * r, false);
	NATIVE_BYTES(0x9c, 0x8f, 0x84, 0x24); /* pushfq; pop [rsp + rflags]: base is RSP after the pop */
	native_emit(n, &at, &fl, 4);
	NATIVE_BYTES(0xfc, 0xdb, 0xe3, 0x48, 0x8b, 0xa4, 0x24); /* cld; fninit; mov rsp, [..] */
	native_emit(n, &at, &rsp, 4);
	NATIVE_BYTES(0x41, 0x5f, 0x41, 0x5e, 0x41, 0x5d, 0x41, 0x5c, 0x5d, 0x5b, 0xc3);
}

static void native_init(struct native *n)
{
	static u8 stack[65536];
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction sa = { .sa_sigaction = native_on_signal,
				.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };
	int rw = PROT_READ | PROT_WRITE, anon = MAP_PRIVATE | MAP_ANONYMOUS, i;

	sigaltstack(&ss, NULL);
	sigaction(SIGFPE, &sa, NULL);
	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	sigaction(SIGILL, &sa, NULL);
	n->code = mmap(NULL, 4096, rw | PROT_EXEC, anon, -1, 0);
	n->mem = mmap(NULL, 3 * 4096, rw, anon, -1, 0);
	ck_assert(n->code != MAP_FAILED && n->mem != MAP_FAILED);
	n->cpu = aligned_alloc(64, (sizeof(*n->cpu) + 63) & ~63ul);
	n->c = aligned_alloc(64, (sizeof(*n->c) + 63) & ~63ul);
	n->tlb = calloc(1, sizeof(*n->tlb));
	memset(n->c, 0, sizeof(*n->c));
	n->c->tlb = n->tlb;
	for (i = 0; i < (int)CPU_TLB_SIZE; i++)
		n->tlb->e[i].rd = n->tlb->e[i].wr = ~0ull;
	for (i = 0; i < 2; i++) {
		u64 page = (u64)(uintptr_t)n->mem + 4096 * i;
		struct cpu_tlb_entry *e = &n->tlb->e[(page >> 12) & (CPU_TLB_SIZE - 1)];

		e->rd = e->wr = page;
	}
}

static void native_free(struct native *n)
{
	munmap(n->code, 4096);
	munmap(n->mem, 3 * 4096);
	free(n->cpu);
	free(n->c);
	free(n->tlb);
}

/* Runs it on the host: *s is the state before and after. */
static __attribute__((unused)) void native_run(struct native *n, struct native_state *s)
{
	void (*fn)(struct native_state *) = (void (*)(struct native_state *))(void *)n->code;
	u32 csr;

	__asm__ volatile("stmxcsr %0" : "=m"(csr));
	n->cpu->s = *s;
	native_trap.vector = NATIVE_NOVEC;
	fn(&n->cpu->s);
	__asm__ volatile("ldmxcsr %0" : : "m"(csr));
	native_trap.after = 0;
	*s = n->cpu->s;
	n->vector = native_trap.vector;
}

/* ---- the same on the software CPU ---- */

/*
 * What a whole CPU brings along. Weak: where the program is linked with the real ones, those count.
 */
__attribute__((weak)) u64 cpu_slow_read(struct cpu *c, const struct uop *u, u64 lin, unsigned int size)
{
	u64 v = 0;

	memcpy(&v, (void *)(uintptr_t)lin, size);
	return v;
}

__attribute__((weak)) void cpu_slow_write(struct cpu *c, const struct uop *u, u64 lin,
					  unsigned int size, u64 val)
{
	memcpy((void *)(uintptr_t)lin, &val, size);
}

__attribute__((weak)) void cpu_slow_read_n(struct cpu *c, const struct uop *u, u64 lin, void *buf,
					   unsigned int len)
{
	memcpy(buf, (void *)(uintptr_t)lin, len);
}

__attribute__((weak)) void cpu_slow_write_n(struct cpu *c, const struct uop *u, u64 lin,
					    const void *buf, unsigned int len)
{
	memcpy((void *)(uintptr_t)lin, buf, len);
}

__attribute__((weak)) u64 cpu_lin_seg(struct cpu *c, const struct uop *u, u64 ea, unsigned int size,
				      bool write)
{
	return ea;
}

__attribute__((weak)) void cpu_fault(struct cpu *c, u8 vector)
{
	c->fault.vector = vector;
	longjmp(c->escape, 1);
}

__attribute__((weak)) void cpu_fault_err(struct cpu *c, u8 vector, u32 err)
{
	c->fault.vector = vector;
	c->fault.err = err;
	longjmp(c->escape, 1);
}

static const struct uop *native_uop_end(struct cpu *c, const struct uop *u)
{
	return NULL;
}

/* The operands of *i as the translator would give them; false: no handler. */
static bool native_uop(const struct x86_insn *i, struct uop *u)
{
	memset(u, 0, 2 * sizeof(*u));
	u->reg = i->reg;
	u->rm = i->rm;
	u->imm = i->imm;
	u->len = i->len;
	u->disp = (s32)i->disp;
	u->base = i->base == X86_NO_REG ? CPU_ZERO : i->base;
	u->index = i->index == X86_NO_REG ? CPU_ZERO : i->index;
	u->scale = i->scale;
	u->seg = CPU_ZERO;
	u->am = i->mod == 3 ? AM_NONE : AM_64;
	u->flags = UOP_LONG;
	u->fn = cpu_fpu_uop(i, u);
	u[1].fn = native_uop_end;
	return u->fn;
}

static void native_to_cpu(struct cpu *c, const struct native_state *s)
{
	u8 image[CPU_XSAVE_SIZE] = { 0 };

	c->cr0 = X86_CR0_PE | X86_CR0_PG | X86_CR0_NE;
	c->cr4 = X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT | X86_CR4_OSXSAVE;
	memcpy(image, s->fx, 512);
	image[512] = 3;
	cpu_fpu_set_xsave(c, image);
	memcpy(c->gpr, s->gpr, sizeof(s->gpr));
	fl_unpack(c, (u32)s->rflags & X86_FL_ARITH);
}

static void native_from_cpu(struct cpu *c, struct native_state *s)
{
	u8 image[CPU_XSAVE_SIZE];

	cpu_fpu_get_xsave(c, image);
	memcpy(s->fx, image, 416);
	memcpy(s->gpr, c->gpr, sizeof(s->gpr));
	s->rflags = (s->rflags & ~(u64)X86_FL_ARITH) | fl_pack(c);
}

/* Runs `u` (from native_uop()) on the software CPU as native_run() does on the host. */
static __attribute__((unused)) void native_run_soft(struct native *n, struct native_state *s, const struct uop *u)
{
	struct cpu *c = n->c;
	const struct uop *volatile at = u;

	native_to_cpu(c, s);
	c->gpr[CPU_ZERO] = 0;
	c->gpr[CPU_RIP] = (u64)(uintptr_t)(n->code + n->insn_at);
	n->vector = NATIVE_NOVEC;
	cpu_fpu_enter(c);
	if (!setjmp(c->escape)) {
		do
			at = at->fn(c, at);
		while (at);
	} else {
		n->vector = c->fault.vector;
	}
	cpu_fpu_leave(c);
	native_from_cpu(c, s);
}

/* ---- inputs ---- */

/* xorshift64*: the same inputs on every run. */
static __attribute__((unused)) u64 native_random(u64 *seed)
{
	u64 x = *seed;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*seed = x;
	return x * 0x2545f4914f6cdd1dull;
}

#endif

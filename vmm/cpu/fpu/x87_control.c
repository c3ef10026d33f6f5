// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * x87 control: exceptions and their delivery, control and status words, environment and whole
 * state in the formats of FNSTENV and FNSAVE, and the host's control registers around guest
 * execution.
 *
 * Source: Intel SDM volume 1 sections 8.1 and 8.7, volume 3 section 2.5 (CR0.NE).
 */
#include "vmm/cpu/fpu/x87.h"

#define X87_CW_VALID 0x1f3fu /* the others read 0, but bit 6: 1 */
#define X87_CW_ONES  0x0040u
#define X87_ENV_MAX  28u
#define X87_REGS_SIZE 80u

/* ---- exceptions ---- */

static void ferr_line(struct cpu *c, bool level)
{
	if (!(c->cr0 & X86_CR0_NE) && c->host && c->host->ferr)
		c->host->ferr(c->host_opaque, level);
}

void x87_update_es(struct cpu *c)
{
	struct cpu_fpu *f = &c->fpu;
	bool was = f->sw & X87_ES, is = f->sw & ~f->cw & X87_FLAGS;

	f->sw &= ~(X87_ES | X87_B);
	if (is)
		f->sw |= X87_ES | X87_B;
	if (was != is)
		ferr_line(c, is);
}

/*
 * With CR0.NE clear the error goes to the interrupt controller and the instruction goes on: on a
 * PC the interrupt comes first, unless the guest has masked it, where a real CPU would wait.
 */
void x87_deliver(struct cpu *c, const struct uop *u)
{
	if (!(c->cr0 & X86_CR0_NE)) {
		ferr_line(c, true);
		return;
	}
	cpu_at(c, u);
	cpu_fault(c, X86_MF);
}

void x87_unmasked(struct cpu *c, const struct uop *u)
{
	struct cpu_fpu *f = &c->fpu;

	f->fop = u->imm & 0x7ff;
	f->fcs = c->seg[X86_CS].sel;
	if (u->am != AM_NONE) {
		unsigned int seg = u->am == AM_SEG ? u->seg : u->seg - CPU_SEGBASE;
		u64 ea = cpu_ea(c, u);

		f->fdp = u->flags & UOP_A16 ? (u16)ea : u->flags & UOP_LONG ? ea : (u32)ea;
		f->fds = seg < X86_LDTR ? c->seg[seg].sel : 0;
	}
	x87_update_es(c);
}

bool x87_stack_fault(struct cpu *c, const struct uop *u, bool over)
{
	struct cpu_fpu *f = &c->fpu;

	f->sw = (f->sw & ~X87_C1) | X87_IE | X87_SF | (over ? X87_C1 : 0);
	if (f->cw & X87_IE)
		return true;
	x87_unmasked(c, u);
	return false;
}

/* ---- the host's control registers ---- */

/*
 * The guest's MXCSR with all masked. Where underflow is unmasked, FTZ makes the host report it
 * whenever a result is tiny.
 */
static u32 sse_host_csr(const struct cpu_fpu *f)
{
	u32 v = (f->mxcsr & (MXCSR_RC | MXCSR_FTZ | MXCSR_DAZ)) | MXCSR_MASKS;

	return f->mxcsr & MXCSR_UE << MXCSR_MASK_SHIFT ? v : v | MXCSR_FTZ;
}

static void x87_host_load(struct cpu *c)
{
	u16 cw = x87_host_cw(c);

	if (c->fpu.entered)
		__asm__ volatile("fnclex\n\tfldcw %0" : : "m"(cw));
}

void cpu_fpu_enter(struct cpu *c)
{
	struct cpu_fpu *f = &c->fpu;

	f->host_mxcsr = fp_csr_get();
	__asm__ volatile("fnstcw %0" : "=m"(f->host_cw));
	f->entered = true;
	fp_csr_set(sse_host_csr(f));
	x87_host_load(c);
}

void cpu_fpu_leave(struct cpu *c)
{
	struct cpu_fpu *f = &c->fpu;

	f->mxcsr |= fp_csr_get() & MXCSR_FLAGS;
	fp_csr_set(f->host_mxcsr);
	__asm__ volatile("fnclex\n\tfldcw %0" : : "m"(f->host_cw));
	f->entered = false;
}

u32 cpu_fpu_mxcsr(struct cpu *c)
{
	struct cpu_fpu *f = &c->fpu;

	if (f->entered)
		f->mxcsr |= fp_csr_get() & MXCSR_FLAGS;
	return f->mxcsr;
}

void cpu_fpu_set_mxcsr(struct cpu *c, u32 val)
{
	struct cpu_fpu *f = &c->fpu;

	f->mxcsr = val;
	f->sse_strict = (val & MXCSR_MASKS) != MXCSR_MASKS;
	if (f->entered)
		fp_csr_set(sse_host_csr(f));
}

void cpu_fpu_set_cw(struct cpu *c, u16 cw)
{
	struct cpu_fpu *f = &c->fpu;

	f->cw = (cw & X87_CW_VALID) | X87_CW_ONES;
	f->x87_strict = (f->cw & X87_FLAGS) != X87_FLAGS;
	x87_host_load(c);
	x87_update_es(c);
}

void cpu_fpu_set_sw(struct cpu *c, u16 sw)
{
	struct cpu_fpu *f = &c->fpu;
	bool was = f->sw & X87_ES;

	f->top = sw >> 11 & 7;
	f->sw = sw & ~(X87_SW_TOP | X87_ES | X87_B);
	if (was && !(f->sw & ~f->cw & X87_FLAGS))
		ferr_line(c, false);
	x87_host_load(c);
	x87_update_es(c);
}

static void fpu_init(struct cpu *c)
{
	struct cpu_fpu *f = &c->fpu;

	cpu_fpu_set_cw(c, X87_CW_RESET);
	cpu_fpu_set_sw(c, 0);
	f->tags = 0;
	f->fip = f->fdp = 0;
	f->fop = f->fcs = f->fds = 0;
}

void cpu_fpu_reset(struct cpu *c)
{
	bool entered = c->fpu.entered;
	u32 csr = c->fpu.host_mxcsr;
	u16 cw = c->fpu.host_cw;

	memset(&c->fpu, 0, sizeof(c->fpu));
	c->fpu.entered = entered;
	c->fpu.host_mxcsr = csr;
	c->fpu.host_cw = cw;
	c->fpu.tags = 0xff;
	cpu_fpu_set_cw(c, X87_CW_ONES);
	cpu_fpu_set_mxcsr(c, MXCSR_RESET);
}

/* ---- environment ---- */

static u16 status_word(const struct cpu *c)
{
	return c->fpu.sw | c->fpu.top << 11;
}

/* The two-bit tags: 0 valid, 1 zero, 2 special, 3 empty. */
static u16 tag_word(const struct cpu *c)
{
	unsigned int i, tw = 0;

	for (i = 0; i < 8; i++) {
		const f80 *a = &c->fpu.st[i];
		unsigned int e = a->sexp & 0x7fff, tag = 0;

		if (!(c->fpu.tags >> i & 1))
			tag = 3;
		else if (!e && !a->mant)
			tag = 1;
		else if (!e || e == 0x7fff || !(a->mant >> 63))
			tag = 2;
		tw |= tag << 2 * i;
	}
	return tw;
}

static void set_tag_word(struct cpu *c, u16 tw)
{
	unsigned int i;

	c->fpu.tags = 0;
	for (i = 0; i < 8; i++)
		if ((tw >> 2 * i & 3) != 3)
			c->fpu.tags |= 1u << i;
}

static void put16(u8 *p, u32 v)
{
	u16 w = v;

	memcpy(p, &w, 2);
}

static void put32(u8 *p, u32 v)
{
	memcpy(p, &v, 4);
}

static u32 get16(const u8 *p)
{
	u16 w;

	memcpy(&w, p, 2);
	return w;
}

static u32 get32(const u8 *p)
{
	u32 w;

	memcpy(&w, p, 4);
	return w;
}

/* Real and virtual-8086 mode keep linear addresses where protected mode keeps selectors. */
static bool env_is_real(const struct cpu *c)
{
	return !(c->cr0 & X86_CR0_PE) || (c->rflags & X86_FL_VM);
}

/* Writes the environment; returns its size. The upper halves of 32-bit fields are ones. */
static unsigned int env_store(struct cpu *c, const struct uop *u, u8 *env)
{
	const struct cpu_fpu *f = &c->fpu;
	bool real = env_is_real(c), o16 = u->flags & UOP_O16;
	u32 ip = (u32)f->fip, dp = (u32)f->fdp;

	if (real) {
		ip += (u32)f->fcs << 4;
		dp += (u32)f->fds << 4;
	}
	if (o16) {
		put16(env, f->cw);
		put16(env + 2, status_word(c));
		put16(env + 4, tag_word(c));
		put16(env + 6, ip);
		put16(env + 8, real ? (ip >> 4 & 0xf000) | f->fop : f->fcs);
		put16(env + 10, dp);
		put16(env + 12, real ? dp >> 4 & 0xf000 : f->fds);
		return 14;
	}
	put32(env, 0xffff0000u | f->cw);
	put32(env + 4, 0xffff0000u | status_word(c));
	put32(env + 8, 0xffff0000u | tag_word(c));
	if (real) {
		put32(env + 12, 0xffff0000u | (ip & 0xffff));
		put32(env + 16, (ip >> 4 & 0x0ffff000) | f->fop);
		put32(env + 20, 0xffff0000u | (dp & 0xffff));
		put32(env + 24, dp >> 4 & 0x0ffff000);
	} else {
		put32(env + 12, ip);
		put32(env + 16, (u32)f->fop << 16 | f->fcs);
		put32(env + 20, dp);
		put32(env + 24, 0xffff0000u | f->fds);
	}
	return 28;
}

static void env_load_pointers(struct cpu *c, const struct uop *u, const u8 *env)
{
	struct cpu_fpu *f = &c->fpu;
	bool real = env_is_real(c);
	u32 step = u->flags & UOP_O16 ? 2 : 4;
	const u8 *p = env + 3 * step;

	f->fip = step == 2 || real ? get16(p) : get32(p);
	f->fdp = step == 2 || real ? get16(p + 2 * step) : get32(p + 2 * step);
	if (real) {
		/* Linear addresses: kept as offsets from a zero selector. */
		u32 hi = step == 2 ? get16(p + 2) : get32(p + 4);
		u32 dhi = step == 2 ? get16(p + 6) : get32(p + 12);

		f->fop = hi & 0x7ff;
		f->fip |= (hi & 0x0ffff000) << 4;
		f->fdp |= (dhi & 0x0ffff000) << 4;
		f->fcs = f->fds = 0;
	} else {
		f->fcs = get16(p + step);
		f->fds = get16(p + 3 * step);
		if (step == 4)
			f->fop = get16(p + 6) & 0x7ff;
	}
}

static void env_load(struct cpu *c, const struct uop *u, const u8 *env)
{
	u32 step = u->flags & UOP_O16 ? 2 : 4;

	cpu_fpu_set_cw(c, (u16)get16(env));
	cpu_fpu_set_sw(c, (u16)get16(env + step));
	set_tag_word(c, (u16)get16(env + 2 * step));
	env_load_pointers(c, u, env);
}

static unsigned int env_size(const struct uop *u)
{
	return u->flags & UOP_O16 ? 14 : 28;
}

/* FNSTENV leaves all exceptions masked. */
static UOP(mem_FNSTENV)
{
	u8 env[X87_ENV_MAX];

	cpu_store_n(c, u, env, env_store(c, u, env));
	cpu_fpu_set_cw(c, c->fpu.cw | X87_FLAGS);
	NEXT(c, u);
}

static UOP(mem_FLDENV)
{
	u8 env[X87_ENV_MAX];

	x87_wait(c, u);
	cpu_load_n(c, u, env, env_size(u));
	env_load(c, u, env);
	NEXT(c, u);
}

/* FNSAVE leaves the unit as FNINIT does. */
static UOP(mem_FNSAVE)
{
	u8 image[X87_ENV_MAX + X87_REGS_SIZE];
	unsigned int at = env_store(c, u, image), i;

	for (i = 0; i < 8; i++, at += 10)
		memcpy(image + at, x87_st(c, i), 10);
	cpu_store_n(c, u, image, at);
	fpu_init(c);
	NEXT(c, u);
}

static UOP(mem_FRSTOR)
{
	u8 image[X87_ENV_MAX + X87_REGS_SIZE];
	unsigned int at = env_size(u), i;

	x87_wait(c, u);
	cpu_load_n(c, u, image, at + X87_REGS_SIZE);
	env_load(c, u, image);
	for (i = 0; i < 8; i++, at += 10)
		memcpy(x87_st(c, i), image + at, 10);
	NEXT(c, u);
}

/* ---- words ---- */

static UOP(mem_FLDCW)
{
	u16 cw;

	x87_wait(c, u);
	cw = cpu_load16(c, u);
	cpu_fpu_set_cw(c, cw);
	NEXT(c, u);
}

static UOP(mem_FNSTCW)
{
	cpu_store16(c, u, c->fpu.cw);
	NEXT(c, u);
}

static UOP(mem_FNSTSW)
{
	cpu_store16(c, u, status_word(c));
	NEXT(c, u);
}

static UOP(ax_FNSTSW)
{
	cpu_set_r16(c, X86_RAX, status_word(c));
	NEXT(c, u);
}

static UOP(none_FNCLEX)
{
	cpu_fpu_set_sw(c, status_word(c) & ~(X87_FLAGS | X87_SF));
	NEXT(c, u);
}

static UOP(none_FNINIT)
{
	fpu_init(c);
	NEXT(c, u);
}

static UOP(none_FNOP)
{
	x87_begin(c, u);
	NEXT(c, u);
}

UOP(x87_uop_fwait)
{
	x87_wait(c, u);
	NEXT(c, u);
}

/* FENI, FDISI, FSETPM: what the 8087 and 287 did there, later units ignore. */
UOP(x87_uop_ignore)
{
	NEXT(c, u);
}

#define AT(OP, slot) [X86_OP_##OP - X87_FIRST][X87_##slot]

static const uop_fn control_table[X87_COUNT][X87_NSLOT] = {
	AT(FNSTENV, MEM) = mem_FNSTENV,
	AT(FLDENV, MEM) = mem_FLDENV,
	AT(FNSAVE, MEM) = mem_FNSAVE,
	AT(FRSTOR, MEM) = mem_FRSTOR,
	AT(FLDCW, MEM) = mem_FLDCW,
	AT(FNSTCW, MEM) = mem_FNSTCW,
	AT(FNSTSW, MEM) = mem_FNSTSW,
	AT(FNSTSW, AX) = ax_FNSTSW,
	AT(FNCLEX, NONE) = none_FNCLEX,
	AT(FNINIT, NONE) = none_FNINIT,
	AT(FNOP, NONE) = none_FNOP,
};

uop_fn x87_control_find(unsigned int op, unsigned int slot)
{
	return control_table[op - X87_FIRST][slot];
}

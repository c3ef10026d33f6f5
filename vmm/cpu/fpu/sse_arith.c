// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Handlers of SSE floating-point arithmetic, comparison and rounding. Each computes on the
 * host's unit under the guest's MXCSR, looks for unmasked exceptions, and only then stores.
 *
 * Source: Intel SDM volume 1 section 11.5, volume 2.
 */
#include "vmm/cpu/fpu/ops.h"
#include "vmm/cpu/fpu/sse_handlers.h"

#define load_PS(c, u) simd_load128(c, u, true)
#define load_PD(c, u) simd_load128(c, u, true)
#define load_SS(c, u) simd_load32(c, u)
#define load_SD(c, u) simd_load64(c, u)

#define fast_PS(c, u) fpu_mem_rd(c, u, 16, true)
#define fast_PD(c, u) fpu_mem_rd(c, u, 16, true)
#define fast_SS(c, u) fpu_mem_rd(c, u, 4, false)
#define fast_SD(c, u) fpu_mem_rd(c, u, 8, false)
#define at_PS(p) simd_at128(p)
#define at_PD(p) simd_at128(p)
#define at_SS(p) simd_at32(p)
#define at_SD(p) simd_at64(p)

/* name, function, size of a memory operand */
#define ARITH_FOUR(X, OP, fn)                                                                      \
	X(OP##PS, fn##ps, PS) X(OP##PD, fn##pd, PD) X(OP##SS, fn##ss, SS) X(OP##SD, fn##sd, SD)
#define ARITH_LIST(X)                                                                              \
	ARITH_FOUR(X, ADD, add) ARITH_FOUR(X, MUL, mul) ARITH_FOUR(X, SUB, sub)                    \
	ARITH_FOUR(X, DIV, div) ARITH_FOUR(X, MIN, min) ARITH_FOUR(X, MAX, max)                    \
	ARITH_FOUR(X, SQRT, sqrt)                                                                  \
	X(RSQRTPS, rsqrtps, PS) X(RSQRTSS, rsqrtss, SS) X(RCPPS, rcpps, PS) X(RCPSS, rcpss, SS)    \
	X(HADDPS, haddps, PS) X(HADDPD, haddpd, PD) X(HSUBPS, hsubps, PS) X(HSUBPD, hsubpd, PD)    \
	X(ADDSUBPS, addsubps, PS) X(ADDSUBPD, addsubpd, PD)
/* with a control byte */
#define ARITH_IMM_LIST(X)                                                                          \
	ARITH_FOUR(X, CMP, cmp)
#define ARITH_COMPARE_LIST(X)                                                                      \
	X(COMISS, comiss, SS) X(COMISD, comisd, SD) X(UCOMISS, ucomiss, SS) X(UCOMISD, ucomisd, SD)
#define ARITH_ROUND_LIST(X) ARITH_FOUR(X, ROUND, round)

#define ARITH_IMM_HANDLERS(OP, fn, size)                                                           \
	static UOP(xr_##OP)                                                                        \
	{                                                                                          \
		simd r = f_##fn(xmm_get(c, u->reg), xmm_get(c, u->rm), (u8)u->imm);                \
                                                                                                   \
		sse_finish(c, u);                                                                  \
		xmm_set(c, u->reg, r);                                                             \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(xm_##OP)                                                                        \
	{                                                                                          \
		simd s = load_##size(c, u);                                                        \
		simd r = f_##fn(xmm_get(c, u->reg), s, (u8)u->imm);                                \
                                                                                                   \
		sse_finish(c, u);                                                                  \
		xmm_set(c, u->reg, r);                                                             \
		NEXT(c, u);                                                                        \
	}

#define ARITH_COMPARE_HANDLERS(OP, fn, size)                                                       \
	static COLD UOP(xr_##OP##_slow)                                                            \
	{                                                                                          \
		u32 fl = f_##fn(xmm_get(c, u->reg), xmm_get(c, u->rm));                            \
                                                                                                   \
		sse_finish(c, u);                                                                  \
		fl_unpack(c, fl);                                                                  \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static COLD UOP(xm_##OP##_slow)                                                            \
	{                                                                                          \
		simd s = load_##size(c, u);                                                        \
		u32 fl = f_##fn(xmm_get(c, u->reg), s);                                            \
                                                                                                   \
		sse_finish(c, u);                                                                  \
		fl_unpack(c, fl);                                                                  \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(xr_##OP)                                                                        \
	{                                                                                          \
		if (unlikely(c->fpu.sse_strict))                                                   \
			return xr_##OP##_slow(c, u);                                               \
		fl_unpack(c, f_##fn(xmm_get(c, u->reg), xmm_get(c, u->rm)));                       \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(xm_##OP)                                                                        \
	{                                                                                          \
		const void *p = fast_##size(c, u);                                                 \
                                                                                                   \
		if (unlikely(!p || c->fpu.sse_strict))                                             \
			return xm_##OP##_slow(c, u);                                               \
		fl_unpack(c, f_##fn(xmm_get(c, u->reg), at_##size(p)));                            \
		NEXT(c, u);                                                                        \
	}

ARITH_LIST(SSE_XMM_HANDLERS)
ARITH_IMM_LIST(ARITH_IMM_HANDLERS)
ARITH_COMPARE_LIST(ARITH_COMPARE_HANDLERS)

/* A dot product stops at the first of its steps that raises an unmasked exception. */
static simd dot_ps(struct cpu *c, const struct uop *u, simd d, simd s)
{
	simd p = f_dpps_mul(d, s, (u8)u->imm);

	sse_finish(c, u);
	p = f_dpps_pairs(p);
	sse_finish(c, u);
	p = f_dpps_sum(p, (u8)u->imm);
	sse_finish(c, u);
	return p;
}

static simd dot_pd(struct cpu *c, const struct uop *u, simd d, simd s)
{
	simd p = f_dppd_mul(d, s, (u8)u->imm);

	sse_finish(c, u);
	p = f_dppd_sum(p, (u8)u->imm);
	sse_finish(c, u);
	return p;
}

#define ARITH_DOT_HANDLERS(OP, fn)                                                                 \
	static UOP(xr_##OP)                                                                        \
	{                                                                                          \
		xmm_set(c, u->reg, fn(c, u, xmm_get(c, u->reg), xmm_get(c, u->rm)));               \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(xm_##OP)                                                                        \
	{                                                                                          \
		simd s = simd_load128(c, u, true);                                                 \
                                                                                                   \
		xmm_set(c, u->reg, fn(c, u, xmm_get(c, u->reg), s));                               \
		NEXT(c, u);                                                                        \
	}

ARITH_DOT_HANDLERS(DPPS, dot_ps)
ARITH_DOT_HANDLERS(DPPD, dot_pd)

/* ROUNDxx is computed without the host's unit, so its exceptions are handed to sse_check(). */
static simd round_lanes(struct cpu *c, const struct uop *u, simd d, simd s, unsigned int n32,
			unsigned int n64)
{
	union simd_lanes r = { .v = s }, old = { .v = d };
	u32 csr = c->fpu.mxcsr, flags = 0;
	unsigned int i;

	for (i = 0; i < n32; i++)
		flags |= fp_round32(&r.d[i], (unsigned int)u->imm, csr);
	for (i = 0; i < n64; i++)
		flags |= fp_round64(&r.q[i], (unsigned int)u->imm, csr);
	if (flags)
		sse_check(c, u, flags);
	if (n32 == 1)
		r.d[1] = old.d[1];
	if (n32 == 1 || n64 == 1)
		r.q[1] = old.q[1];
	return r.v;
}

#define round_PS 4, 0
#define round_PD 0, 2
#define round_SS 1, 0
#define round_SD 0, 1

#define ARITH_ROUND_HANDLERS(OP, fn, size)                                                         \
	static UOP(xr_##OP)                                                                        \
	{                                                                                          \
		xmm_set(c, u->reg, round_lanes(c, u, xmm_get(c, u->reg), xmm_get(c, u->rm),        \
					       round_##size));                                     \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(xm_##OP)                                                                        \
	{                                                                                          \
		simd s = load_##size(c, u);                                                        \
                                                                                                   \
		xmm_set(c, u->reg, round_lanes(c, u, xmm_get(c, u->reg), s, round_##size));        \
		NEXT(c, u);                                                                        \
	}

ARITH_ROUND_LIST(ARITH_ROUND_HANDLERS)

#define ARITH_ROW(OP, ...) [X86_OP_##OP - SIMD_FIRST] = { xr_##OP, xm_##OP },

static const uop_fn arith_table[SIMD_COUNT][2] = {
	ARITH_LIST(ARITH_ROW)
	ARITH_IMM_LIST(ARITH_ROW)
	ARITH_COMPARE_LIST(ARITH_ROW)
	ARITH_ROUND_LIST(ARITH_ROW)
	ARITH_ROW(DPPS)
	ARITH_ROW(DPPD)
};

uop_fn simd_arith_find(unsigned int op, unsigned int slot)
{
	return slot < 2 ? arith_table[op - SIMD_FIRST][slot] : NULL;
}

void sse_check(struct cpu *c, const struct uop *u, u32 soft)
{
	struct cpu_fpu *f = &c->fpu;
	u32 csr = fp_csr_get(), flags = soft, open;

	if (f->sse_strict) {
		flags |= csr & MXCSR_FLAGS;
		fp_csr_set(csr & ~MXCSR_FLAGS);
	}
	open = flags & ~(f->mxcsr >> MXCSR_MASK_SHIFT);
	/* Exceptions of the operands come before there is a result: its own are not seen. */
	if (open & (MXCSR_IE | MXCSR_DE | MXCSR_ZE))
		flags &= MXCSR_IE | MXCSR_DE | MXCSR_ZE;
	f->mxcsr |= flags;
	if (!open)
		return;
	cpu_at(c, u);
	cpu_fault(c, c->cr4 & X86_CR4_OSXMMEXCPT ? X86_XM : X86_UD);
}

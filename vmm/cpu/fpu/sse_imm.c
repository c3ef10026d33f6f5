// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Handlers of SIMD instructions with a control byte: shifts by a constant, shuffles, blends,
 * carry-less multiplication, string comparison; and the tests that write RFLAGS.
 *
 * Source: Intel SDM volume 2.
 */
#include "vmm/cpu/fpu/ops.h"

#define IMM_XMM(X)                                                                                 \
	X(PSHUFD, pshufd) X(PSHUFHW, pshufhw) X(PSHUFLW, pshuflw) X(SHUFPS, shufps)             \
	X(SHUFPD, shufpd) X(PALIGNR, palignr) X(BLENDPS, blendps) X(BLENDPD, blendpd)              \
	X(PBLENDW, pblendw) X(MPSADBW, mpsadbw) X(AESKEYGENASSIST, aeskeygenassist)                \
	X(PCLMULQDQ, pclmulqdq)

#define IMM_XMM_HANDLERS(OP, fn)                                                                   \
	static UOP(xr_##OP)                                                                        \
	{                                                                                          \
		xmm_set(c, u->reg,                                                                 \
			x_##fn(xmm_get(c, u->reg), xmm_get(c, u->rm), (u8)u->imm));                \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(xm_##OP)                                                                        \
	{                                                                                          \
		simd s = simd_load128(c, u, true);                                                 \
                                                                                                   \
		xmm_set(c, u->reg, x_##fn(xmm_get(c, u->reg), s, (u8)u->imm));                     \
		NEXT(c, u);                                                                        \
	}

IMM_XMM(IMM_XMM_HANDLERS)

#define IMM_MMX_HANDLERS(OP, fn)                                                                   \
	static UOP(mr_##OP)                                                                        \
	{                                                                                          \
		x87_wait(c, u);                                                                    \
		mmx_touch(c);                                                                      \
		mmx_set(c, u->reg, fn(mmx_get(c, u->reg), mmx_get(c, u->rm), (u8)u->imm));         \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(mm_##OP)                                                                        \
	{                                                                                          \
		simd s;                                                                            \
                                                                                                   \
		x87_wait(c, u);                                                                    \
		s = simd_load64(c, u);                                                             \
		mmx_touch(c);                                                                      \
		mmx_set(c, u->reg, fn(mmx_get(c, u->reg), s, (u8)u->imm));                         \
		NEXT(c, u);                                                                        \
	}

IMM_MMX_HANDLERS(PALIGNR, m_palignr)
IMM_MMX_HANDLERS(PSHUFW, x_pshuflw)

/* Shifts by a constant: the rm register is source and destination. */
#define IMM_SHIFT(X)                                                                               \
	X(PSLLW, psllw) X(PSLLD, pslld) X(PSLLQ, psllq) X(PSRLW, psrlw) X(PSRLD, psrld)            \
	X(PSRLQ, psrlq) X(PSRAW, psraw) X(PSRAD, psrad)

#define IMM_SHIFT_HANDLERS(OP, fn)                                                                 \
	static UOP(xi_##OP)                                                                        \
	{                                                                                          \
		simd n = _mm_cvtsi32_si128((u8)u->imm);                                            \
                                                                                                   \
		xmm_set(c, u->rm, x_##fn(xmm_get(c, u->rm), n));                                   \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(mi_##OP)                                                                        \
	{                                                                                          \
		simd n = _mm_cvtsi32_si128((u8)u->imm);                                            \
                                                                                                   \
		x87_wait(c, u);                                                                    \
		mmx_touch(c);                                                                      \
		mmx_set(c, u->rm, x_##fn(mmx_get(c, u->rm), n));                                   \
		NEXT(c, u);                                                                        \
	}

IMM_SHIFT(IMM_SHIFT_HANDLERS)

static UOP(xi_PSLLDQ)
{
	xmm_set(c, u->rm, x_shift_bytes_left(xmm_get(c, u->rm), (u8)u->imm));
	NEXT(c, u);
}

static UOP(xi_PSRLDQ)
{
	xmm_set(c, u->rm, x_shift_bytes_right(xmm_get(c, u->rm), (u8)u->imm));
	NEXT(c, u);
}

/* ---- tests that write RFLAGS ---- */

static ALWAYS_INLINE void ptest(struct cpu *c, simd d, simd s)
{
	simd both = _mm_and_si128(s, d), rest = _mm_andnot_si128(d, s), zero = _mm_setzero_si128();
	bool z = _mm_movemask_epi8(_mm_cmpeq_epi8(both, zero)) == 0xffff;
	bool k = _mm_movemask_epi8(_mm_cmpeq_epi8(rest, zero)) == 0xffff;

	fl_unpack(c, (z ? X86_FL_ZF : 0) | (k ? X86_FL_CF : 0));
}

static UOP(xr_PTEST)
{
	ptest(c, xmm_get(c, u->reg), xmm_get(c, u->rm));
	NEXT(c, u);
}

static UOP(xm_PTEST)
{
	simd s = simd_load128(c, u, true);

	ptest(c, xmm_get(c, u->reg), s);
	NEXT(c, u);
}

/* The lengths of the explicit forms: EAX and EDX, with REX.W the whole of RAX and RDX. */
static s64 str_length(const struct cpu *c, const struct uop *u, unsigned int r)
{
	return u->flags & UOP_O64 ? (s64)c->gpr[r] : (s32)c->gpr[r];
}

static void str_run(struct cpu *c, const struct uop *u, simd s, bool explicit, bool mask)
{
	simd d = xmm_get(c, u->reg);
	struct simd_str_result r;
	u32 fl;

	if (explicit)
		fl = simd_str_explicit(d, str_length(c, u, X86_RAX), s, str_length(c, u, X86_RDX),
				       (u8)u->imm, &r);
	else
		fl = simd_str_implicit(d, s, (u8)u->imm, &r);
	fl_unpack(c, fl);
	if (mask)
		xmm_set(c, 0, r.mask);
	else
		c->gpr[X86_RCX] = r.index;
}

/* These do not ask for an aligned operand. */
#define IMM_STRING_HANDLERS(OP, explicit, mask)                                                    \
	static UOP(xr_##OP)                                                                        \
	{                                                                                          \
		str_run(c, u, xmm_get(c, u->rm), explicit, mask);                                  \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(xm_##OP)                                                                        \
	{                                                                                          \
		str_run(c, u, simd_load128(c, u, false), explicit, mask);                          \
		NEXT(c, u);                                                                        \
	}

#define IMM_STRING(X)                                                                              \
	X(PCMPESTRI, true, false) X(PCMPESTRM, true, true)                                         \
	X(PCMPISTRI, false, false) X(PCMPISTRM, false, true)

IMM_STRING(IMM_STRING_HANDLERS)

#define IMM_ROW(OP, ...)                                                                           \
	[X86_OP_##OP - SIMD_FIRST][SLOT_XR] = xr_##OP,                                             \
	[X86_OP_##OP - SIMD_FIRST][SLOT_XM] = xm_##OP,
#define IMM_SHIFT_ROW(OP, ...)                                                                     \
	[X86_OP_##OP - SIMD_FIRST][SLOT_XI] = xi_##OP,                                             \
	[X86_OP_##OP - SIMD_FIRST][SLOT_MI] = mi_##OP,
#define IMM_MMX_ROW(OP)                                                                            \
	[X86_OP_##OP - SIMD_FIRST][SLOT_MR] = mr_##OP,                                             \
	[X86_OP_##OP - SIMD_FIRST][SLOT_MM] = mm_##OP,

static const uop_fn imm_table[SIMD_COUNT][SLOT_MI + 1] = {
	IMM_XMM(IMM_ROW)
	IMM_STRING(IMM_ROW)
	IMM_ROW(PTEST)
	IMM_MMX_ROW(PALIGNR)
	IMM_MMX_ROW(PSHUFW)
	IMM_SHIFT(IMM_SHIFT_ROW)
	[X86_OP_PSLLDQ - SIMD_FIRST][SLOT_XI] = xi_PSLLDQ,
	[X86_OP_PSRLDQ - SIMD_FIRST][SLOT_XI] = xi_PSRLDQ,
};

uop_fn simd_imm_find(unsigned int op, unsigned int slot)
{
	return slot <= SLOT_MI ? imm_table[op - SIMD_FIRST][slot] : NULL;
}

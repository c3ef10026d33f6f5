// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Handlers of integer SIMD instructions on MMX and XMM registers: lane arithmetic, logic,
 * packing, shuffling. The lists name an operation once; macros make its register and memory
 * handlers and its rows of the table. Semantics are in simd_int.h.
 *
 * Source: Intel SDM volume 2; volume 1 sections 9.6 (MMX and x87 tags) and 11.6 (alignment).
 */
#include "vmm/cpu/fpu/ops.h"

/* Lane by lane: the MMX form is the XMM form on 8 bytes. */
#define INT_BOTH(X)                                                                                \
	X(PADDB, paddb) X(PADDW, paddw) X(PADDD, paddd) X(PADDQ, paddq)                            \
	X(PSUBB, psubb) X(PSUBW, psubw) X(PSUBD, psubd) X(PSUBQ, psubq)                            \
	X(PADDSB, paddsb) X(PADDSW, paddsw) X(PADDUSB, paddusb) X(PADDUSW, paddusw)                \
	X(PSUBSB, psubsb) X(PSUBSW, psubsw) X(PSUBUSB, psubusb) X(PSUBUSW, psubusw)                \
	X(PMULLW, pmullw) X(PMULHW, pmulhw) X(PMULHUW, pmulhuw) X(PMADDWD, pmaddwd)                \
	X(PMULUDQ, pmuludq) X(PAVGB, pavgb) X(PAVGW, pavgw) X(PMINUB, pminub)                      \
	X(PMAXUB, pmaxub) X(PMINSW, pminsw) X(PMAXSW, pmaxsw) X(PSADBW, psadbw)                    \
	X(PAND, pand) X(PANDN, pandn) X(POR, por) X(PXOR, pxor)                                    \
	X(PCMPEQB, pcmpeqb) X(PCMPEQW, pcmpeqw) X(PCMPEQD, pcmpeqd)                                \
	X(PCMPGTB, pcmpgtb) X(PCMPGTW, pcmpgtw) X(PCMPGTD, pcmpgtd)                                \
	X(PSLLW, psllw) X(PSLLD, pslld) X(PSLLQ, psllq) X(PSRLW, psrlw) X(PSRLD, psrld)            \
	X(PSRLQ, psrlq) X(PSRAW, psraw) X(PSRAD, psrad) X(PMADDUBSW, pmaddubsw)                    \
	X(PMULHRSW, pmulhrsw) X(PSIGNB, psignb) X(PSIGNW, psignw) X(PSIGND, psignd)                \
	X(PABSB, pabsb) X(PABSW, pabsw) X(PABSD, pabsd)

/* The MMX form has a function of its own. */
#define INT_CROSS(X)                                                                               \
	X(PUNPCKHBW, punpckhbw) X(PUNPCKHWD, punpckhwd) X(PUNPCKHDQ, punpckhdq)                    \
	X(PACKSSWB, packsswb) X(PACKSSDW, packssdw) X(PACKUSWB, packuswb)                          \
	X(PSHUFB, pshufb) X(PHADDW, phaddw) X(PHADDD, phaddd) X(PHADDSW, phaddsw)                  \
	X(PHSUBW, phsubw) X(PHSUBD, phsubd) X(PHSUBSW, phsubsw)

/* The MMX form reads 4 bytes of memory. */
#define INT_LOW(X) X(PUNPCKLBW, punpcklbw) X(PUNPCKLWD, punpcklwd) X(PUNPCKLDQ, punpckldq)

/* XMM registers only. */
#define INT_XMM(X)                                                                                 \
	X(PUNPCKLQDQ, punpcklqdq) X(PUNPCKHQDQ, punpckhqdq)                                        \
	X(UNPCKLPS, punpckldq) X(UNPCKHPS, punpckhdq) X(UNPCKLPD, punpcklqdq)                      \
	X(UNPCKHPD, punpckhqdq) X(ANDPS, pand) X(ANDPD, pand) X(ANDNPS, pandn) X(ANDNPD, pandn)    \
	X(ORPS, por) X(ORPD, por) X(XORPS, pxor) X(XORPD, pxor)                                    \
	X(PMULDQ, pmuldq) X(PMULLD, pmulld) X(PCMPEQQ, pcmpeqq) X(PCMPGTQ, pcmpgtq)                \
	X(PACKUSDW, packusdw) X(PMINSB, pminsb) X(PMINSD, pminsd) X(PMINUW, pminuw)                \
	X(PMINUD, pminud) X(PMAXSB, pmaxsb) X(PMAXSD, pmaxsd) X(PMAXUW, pmaxuw)                    \
	X(PMAXUD, pmaxud) X(PHMINPOSUW, phminposuw) X(AESENC, aesenc)                              \
	X(AESENCLAST, aesenclast) X(AESDEC, aesdec) X(AESDECLAST, aesdeclast) X(AESIMC, aesimc)

/* XMM0 is a third operand. */
#define INT_XMM0(X) X(PBLENDVB, pblendvb) X(BLENDVPS, blendvps) X(BLENDVPD, blendvpd)

/* The source is narrower than a register: its bits in memory. */
#define INT_EXTEND(X)                                                                              \
	X(PMOVSXBW, pmovsxbw, 64) X(PMOVSXBD, pmovsxbd, 32) X(PMOVSXBQ, pmovsxbq, 16)              \
	X(PMOVSXWD, pmovsxwd, 64) X(PMOVSXWQ, pmovsxwq, 32) X(PMOVSXDQ, pmovsxdq, 64)              \
	X(PMOVZXBW, pmovzxbw, 64) X(PMOVZXBD, pmovzxbd, 32) X(PMOVZXBQ, pmovzxbq, 16)              \
	X(PMOVZXWD, pmovzxwd, 64) X(PMOVZXWQ, pmovzxwq, 32) X(PMOVZXDQ, pmovzxdq, 64)

#define INT_XMM_HANDLERS(OP, fn)                                                                   \
	static UOP(xr_##OP)                                                                        \
	{                                                                                          \
		xmm_set(c, u->reg, x_##fn(xmm_get(c, u->reg), xmm_get(c, u->rm)));                 \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static COLD UOP(xm_##OP##_slow)                                                            \
	{                                                                                          \
		simd s = simd_load128(c, u, true);                                                 \
                                                                                                   \
		xmm_set(c, u->reg, x_##fn(xmm_get(c, u->reg), s));                                 \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(xm_##OP)                                                                        \
	{                                                                                          \
		const void *p = fpu_mem_rd(c, u, 16, true);                                        \
                                                                                                   \
		if (unlikely(!p))                                                                  \
			return xm_##OP##_slow(c, u);                                               \
		xmm_set(c, u->reg, x_##fn(xmm_get(c, u->reg), simd_at128(p)));                     \
		NEXT(c, u);                                                                        \
	}

#define INT_MMX_HANDLERS(OP, fn, load)                                                             \
	static UOP(mr_##OP)                                                                        \
	{                                                                                          \
		x87_wait(c, u);                                                                    \
		mmx_touch(c);                                                                      \
		mmx_set(c, u->reg, fn(mmx_get(c, u->reg), mmx_get(c, u->rm)));                     \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(mm_##OP)                                                                        \
	{                                                                                          \
		simd s;                                                                            \
                                                                                                   \
		x87_wait(c, u);                                                                    \
		s = load(c, u);                                                                    \
		mmx_touch(c);                                                                      \
		mmx_set(c, u->reg, fn(mmx_get(c, u->reg), s));                                     \
		NEXT(c, u);                                                                        \
	}

#define INT_BOTH_HANDLERS(OP, fn) INT_XMM_HANDLERS(OP, fn) INT_MMX_HANDLERS(OP, x_##fn, simd_load64)
#define INT_CROSS_HANDLERS(OP, fn)                                                                 \
	INT_XMM_HANDLERS(OP, fn) INT_MMX_HANDLERS(OP, m_##fn, simd_load64)
#define INT_LOW_HANDLERS(OP, fn) INT_XMM_HANDLERS(OP, fn) INT_MMX_HANDLERS(OP, x_##fn, simd_load32)

#define INT_XMM0_HANDLERS(OP, fn)                                                                  \
	static UOP(xr_##OP)                                                                        \
	{                                                                                          \
		xmm_set(c, u->reg,                                                                 \
			x_##fn(xmm_get(c, u->reg), xmm_get(c, u->rm), xmm_get(c, 0)));             \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(xm_##OP)                                                                        \
	{                                                                                          \
		simd s = simd_load128(c, u, true);                                                 \
                                                                                                   \
		xmm_set(c, u->reg, x_##fn(xmm_get(c, u->reg), s, xmm_get(c, 0)));                  \
		NEXT(c, u);                                                                        \
	}

#define INT_EXTEND_HANDLERS(OP, fn, bits)                                                          \
	static UOP(xr_##OP)                                                                        \
	{                                                                                          \
		simd s = xmm_get(c, u->rm);                                                        \
                                                                                                   \
		xmm_set(c, u->reg, x_##fn(s, s));                                                  \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(xm_##OP)                                                                        \
	{                                                                                          \
		simd s = simd_from_u64(cpu_load##bits(c, u));                                      \
                                                                                                   \
		xmm_set(c, u->reg, x_##fn(s, s));                                                  \
		NEXT(c, u);                                                                        \
	}

INT_BOTH(INT_BOTH_HANDLERS)
INT_CROSS(INT_CROSS_HANDLERS)
INT_LOW(INT_LOW_HANDLERS)
INT_XMM(INT_XMM_HANDLERS)
INT_XMM0(INT_XMM0_HANDLERS)
INT_EXTEND(INT_EXTEND_HANDLERS)

#define INT_ROW4(OP, ...) [X86_OP_##OP - SIMD_FIRST] = { xr_##OP, xm_##OP, mr_##OP, mm_##OP },
#define INT_ROW2(OP, ...) [X86_OP_##OP - SIMD_FIRST] = { xr_##OP, xm_##OP },

static const uop_fn int_table[SIMD_COUNT][4] = {
	INT_BOTH(INT_ROW4)
	INT_CROSS(INT_ROW4)
	INT_LOW(INT_ROW4)
	INT_XMM(INT_ROW2)
	INT_XMM0(INT_ROW2)
	INT_EXTEND(INT_ROW2)
};

uop_fn simd_int_find(unsigned int op, unsigned int slot)
{
	return slot < 4 ? int_table[op - SIMD_FIRST][slot] : NULL;
}

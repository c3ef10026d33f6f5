/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SSE floating point as functions of the operands, run by the host's SSE2 unit.
 *
 * The caller has put the guest's rounding, FTZ and DAZ into the host's MXCSR with every exception
 * masked (cpu_fpu_enter); the functions leave their exceptions in the host's sticky flags. They are
 * asm, not C, because a compiler may fold, swap the operands of a commutative operation (which
 * chooses another NaN) or move it across a change of MXCSR. Only SSE2 is asked of the host; what
 * came later is put together so that each lane is computed once and idle lanes raise nothing.
 *
 * Source: Intel SDM volume 1 chapter 11 and appendix E, volume 2 for each instruction.
 */
#ifndef VMM_CPU_FPU_SIMD_FP_H
#define VMM_CPU_FPU_SIMD_FP_H

#include "vmm/cpu/fpu/simd_int.h"

#define MXCSR_IE 0x0001u
#define MXCSR_DE 0x0002u
#define MXCSR_ZE 0x0004u
#define MXCSR_OE 0x0008u
#define MXCSR_UE 0x0010u
#define MXCSR_PE 0x0020u
#define MXCSR_FLAGS 0x003fu
#define MXCSR_DAZ 0x0040u
#define MXCSR_MASKS 0x1f80u
#define MXCSR_MASK_SHIFT 7
#define MXCSR_RC_SHIFT 13
#define MXCSR_RC 0x6000u
#define MXCSR_FTZ 0x8000u
#define MXCSR_RESET 0x1f80u
#define MXCSR_VALID 0xffffu

static inline u32 fp_csr_get(void)
{
	u32 v;

	__asm__ volatile("stmxcsr %0" : "=m"(v));
	return v;
}

static inline void fp_csr_set(u32 v)
{
	__asm__ volatile("ldmxcsr %0" : : "m"(v));
}

#define FP_OP(insn)                                                                                \
	SIMD_FN f_##insn(simd d, simd s)                                                           \
	{                                                                                          \
		__asm__ volatile(#insn " %1, %0" : "+x"(d) : "x"(s));                              \
		return d;                                                                          \
	}
#define FP_OP4(op) FP_OP(op##ps) FP_OP(op##pd) FP_OP(op##ss) FP_OP(op##sd)

FP_OP4(add)
FP_OP4(sub)
FP_OP4(mul)
FP_OP4(div)
FP_OP4(min)
FP_OP4(max)
FP_OP4(sqrt)
FP_OP(rcpps)
FP_OP(rcpss)
FP_OP(rsqrtps)
FP_OP(rsqrtss)
FP_OP(cvtps2pd)
FP_OP(cvtpd2ps)
FP_OP(cvtss2sd)
FP_OP(cvtsd2ss)
FP_OP(cvtdq2ps)
FP_OP(cvtps2dq)
FP_OP(cvttps2dq)
FP_OP(cvtdq2pd)
FP_OP(cvtpd2dq)
FP_OP(cvttpd2dq)

/* The predicate is part of the host's instruction; the guest's bits 7..3 are ignored. */
#define FP_CMP(sfx)                                                                                \
	SIMD_FN f_cmp##sfx(simd d, simd s, unsigned int imm)                                       \
	{                                                                                          \
		switch (imm & 7) {                                                                 \
			FP_CMP_CASE(sfx, 0)                                                        \
			FP_CMP_CASE(sfx, 1)                                                        \
			FP_CMP_CASE(sfx, 2)                                                        \
			FP_CMP_CASE(sfx, 3)                                                        \
			FP_CMP_CASE(sfx, 4)                                                        \
			FP_CMP_CASE(sfx, 5)                                                        \
			FP_CMP_CASE(sfx, 6)                                                        \
			FP_CMP_CASE(sfx, 7)                                                        \
		}                                                                                  \
		return d;                                                                          \
	}
#define FP_CMP_CASE(sfx, n)                                                                        \
	case n:                                                                                    \
		__asm__ volatile("cmp" #sfx " $" #n ", %1, %0" : "+x"(d) : "x"(s));                \
		break;

FP_CMP(ps)
FP_CMP(pd)
FP_CMP(ss)
FP_CMP(sd)

/* RFLAGS bits ZF, PF, CF of an ordered or unordered compare; the others come out clear. */
#define FP_COMPARE(insn)                                                                           \
	static inline u32 f_##insn(simd d, simd s)                                                 \
	{                                                                                          \
		u8 z, p, k;                                                                        \
                                                                                                   \
		__asm__ volatile(#insn " %4, %3"                                                   \
				 : "=@ccz"(z), "=@ccp"(p), "=@ccc"(k)                              \
				 : "x"(d), "x"(s));                                                \
		return (u32)z << 6 | (u32)p << 2 | k;                                              \
	}

FP_COMPARE(comiss)
FP_COMPARE(comisd)
FP_COMPARE(ucomiss)
FP_COMPARE(ucomisd)

#define FP_TO_INT(insn)                                                                            \
	static inline u32 f_##insn##_32(simd s)                                                    \
	{                                                                                          \
		u32 r;                                                                             \
                                                                                                   \
		__asm__ volatile(#insn " %1, %0" : "=r"(r) : "x"(s));                              \
		return r;                                                                          \
	}                                                                                          \
	static inline u64 f_##insn##_64(simd s)                                                    \
	{                                                                                          \
		u64 r;                                                                             \
                                                                                                   \
		__asm__ volatile(#insn "q %1, %0" : "=r"(r) : "x"(s));                             \
		return r;                                                                          \
	}

FP_TO_INT(cvtss2si)
FP_TO_INT(cvtsd2si)
FP_TO_INT(cvttss2si)
FP_TO_INT(cvttsd2si)

#define FP_FROM_INT(insn)                                                                          \
	SIMD_FN f_##insn##_32(simd d, u32 v)                                                       \
	{                                                                                          \
		__asm__ volatile(#insn "l %1, %0" : "+x"(d) : "r"(v));                             \
		return d;                                                                          \
	}                                                                                          \
	SIMD_FN f_##insn##_64(simd d, u64 v)                                                       \
	{                                                                                          \
		__asm__ volatile(#insn "q %1, %0" : "+x"(d) : "r"(v));                             \
		return d;                                                                          \
	}

FP_FROM_INT(cvtsi2ss)
FP_FROM_INT(cvtsi2sd)

/* Conversions with an MMX operand, which stands in the low 8 bytes of s or of the result. */

SIMD_FN f_cvtpi2ps(simd d, simd s)
{
	simd r = f_cvtdq2ps(d, _mm_move_epi64(s));

	return _mm_unpacklo_epi64(r, simd_high_to_low(d));
}

#define FP_LOW_TO_PI(name, insn)                                                                   \
	SIMD_FN f_##name(simd d, simd s)                                                           \
	{                                                                                          \
		return f_##insn(d, _mm_move_epi64(s));                                             \
	}

FP_LOW_TO_PI(cvtps2pi, cvtps2dq)
FP_LOW_TO_PI(cvttps2pi, cvttps2dq)

/* SSE3 */

SIMD_FN simd_even_ps(simd d, simd s)
{
	return _mm_castps_si128(
		_mm_shuffle_ps(_mm_castsi128_ps(d), _mm_castsi128_ps(s), 0x88));
}

SIMD_FN simd_odd_ps(simd d, simd s)
{
	return _mm_castps_si128(
		_mm_shuffle_ps(_mm_castsi128_ps(d), _mm_castsi128_ps(s), 0xdd));
}

SIMD_FN f_haddps(simd d, simd s)
{
	return f_addps(simd_even_ps(d, s), simd_odd_ps(d, s));
}

SIMD_FN f_hsubps(simd d, simd s)
{
	return f_subps(simd_even_ps(d, s), simd_odd_ps(d, s));
}

SIMD_FN f_haddpd(simd d, simd s)
{
	return f_addpd(_mm_unpacklo_epi64(d, s), _mm_unpackhi_epi64(d, s));
}

SIMD_FN f_hsubpd(simd d, simd s)
{
	return f_subpd(_mm_unpacklo_epi64(d, s), _mm_unpackhi_epi64(d, s));
}

/* Even lanes subtract, odd lanes add; the other lanes of each step are 0 and 0. */
SIMD_FN f_addsubps(simd d, simd s)
{
	simd even = _mm_set_epi32(0, -1, 0, -1);
	simd sub = f_subps(_mm_and_si128(even, d), _mm_and_si128(even, s));
	simd add = f_addps(_mm_andnot_si128(even, d), _mm_andnot_si128(even, s));

	return simd_select(even, sub, add);
}

SIMD_FN f_addsubpd(simd d, simd s)
{
	simd even = _mm_set_epi32(0, 0, -1, -1);
	simd sub = f_subpd(_mm_and_si128(even, d), _mm_and_si128(even, s));
	simd add = f_addpd(_mm_andnot_si128(even, d), _mm_andnot_si128(even, s));

	return simd_select(even, sub, add);
}

/* SSE4.1 */

SIMD_FN simd_mask_ps(unsigned int bits)
{
	return _mm_set_epi32(-(int)(bits >> 3 & 1), -(int)(bits >> 2 & 1), -(int)(bits >> 1 & 1),
			     -(int)(bits & 1));
}

/*
 * DPPS in the steps between which unmasked exceptions are looked for: lanes chosen by imm[7:4] are
 * multiplied, summed pairwise, summed; the sum goes to the lanes of imm[3:0].
 */
SIMD_FN f_dpps_mul(simd d, simd s, unsigned int imm)
{
	simd in = simd_mask_ps(imm >> 4);

	return f_mulps(_mm_and_si128(d, in), _mm_and_si128(s, in));
}

/* Each lane adds up in an order of its own, which shows in the choice among NaNs. */
SIMD_FN f_dpps_pairs(simd p)
{
	return f_addps(_mm_shuffle_epi32(p, 0xb1), p);
}

SIMD_FN f_dpps_sum(simd pairs, unsigned int imm)
{
	simd sum = f_addps(pairs, _mm_shuffle_epi32(pairs, 0x4e));

	return _mm_and_si128(sum, simd_mask_ps(imm));
}

SIMD_FN f_dppd_mul(simd d, simd s, unsigned int imm)
{
	simd in = _mm_shuffle_epi32(simd_mask_ps(imm >> 4), 0x50);

	return f_mulpd(_mm_and_si128(d, in), _mm_and_si128(s, in));
}

SIMD_FN f_dppd_sum(simd p, unsigned int imm)
{
	simd sum = f_addpd(p, _mm_shuffle_epi32(p, 0x4e));

	return _mm_and_si128(sum, _mm_shuffle_epi32(simd_mask_ps(imm), 0x50));
}

/*
 * Rounds one value to an integral one. imm is that of ROUNDxx: bits 1..0 the mode unless bit 2
 * takes it from MXCSR, bit 3 keeps the precision exception quiet. Returns the MXCSR exceptions;
 * a denormal raises nothing here, and counts as zero under DAZ.
 */
#define FP_ROUND(bits, type, mant, emax, bias)                                                     \
	static inline u32 fp_round##bits(type *v, unsigned int imm, u32 csr)                       \
	{                                                                                          \
		const type one = (type)1, sign = *v >> (bits - 1) << (bits - 1);                   \
		unsigned int e = *v >> mant & emax, rc = imm & 3, drop;                            \
		type frac, unit, keep, half;                                                       \
		bool up;                                                                           \
                                                                                                   \
		if (e == emax && *v << (bits - mant)) {                                            \
			u32 ie = *v >> (mant - 1) & 1 ? 0 : MXCSR_IE;                              \
                                                                                                   \
			*v |= one << (mant - 1);                                                   \
			return ie;                                                                 \
		}                                                                                  \
		if (imm & 4)                                                                       \
			rc = csr >> MXCSR_RC_SHIFT & 3;                                            \
		if (e >= bias + mant || !(type)(*v << 1))                                          \
			return 0;                                                                  \
		if (!e && (csr & MXCSR_DAZ)) {                                                     \
			*v = sign;                                                                 \
			return 0;                                                                  \
		}                                                                                  \
		if (e < bias) {                                                                    \
			/* Below one in magnitude: the result is 0 or 1. */                        \
			half = *v ^ sign;                                                          \
			up = rc == 0 ? half > (type)(bias - 1) << mant                             \
				     : rc == 1 ? sign != 0 : rc == 2 ? !sign : false;              \
			*v = sign | (up ? (type)bias << mant : 0);                                 \
			return imm & 8 ? 0 : MXCSR_PE;                                             \
		}                                                                                  \
		drop = bias + mant - e;                                                            \
		unit = one << drop;                                                                \
		frac = *v & (unit - 1);                                                            \
		if (!frac)                                                                         \
			return 0;                                                                  \
		keep = *v ^ frac;                                                                  \
		half = unit >> 1;                                                                  \
		/* In [1, 2) the unit's place is the exponent's low bit, which is 1. */            \
		up = rc == 0 ? frac > half || (frac == half && (keep & unit))                      \
			     : rc == 1 ? sign != 0 : rc == 2 ? !sign : false;                      \
		*v = keep + (up ? unit : 0);                                                       \
		return imm & 8 ? 0 : MXCSR_PE;                                                     \
	}

FP_ROUND(32, u32, 23, 0xff, 127)
FP_ROUND(64, u64, 52, 0x7ff, 1023)

#endif

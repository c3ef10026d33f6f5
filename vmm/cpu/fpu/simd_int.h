/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Integer SIMD arithmetic of MMX, SSE2, SSSE3, SSE4.1 and SSE4.2 as pure functions.
 *
 * Each function takes the destination's old value and the source and returns the destination's
 * new value. The x_ functions work on 16 bytes. The m_ functions work on MMX operands in the low
 * 8 bytes; what they leave in the upper half is never stored. Where the two sizes agree lane by
 * lane there is only the x_ function. The host needs SSE2 and nothing newer: later instructions
 * are built from SSE2 ones.
 *
 * Source: Intel SDM volume 2, the page of the instruction of the same name.
 */
#ifndef VMM_CPU_FPU_SIMD_INT_H
#define VMM_CPU_FPU_SIMD_INT_H

#include <emmintrin.h>

#include "vmm/types.h"

typedef __m128i simd;

/* One view per lane type of the same sixteen bytes. */
union simd_lanes {
	simd v;
	u8 b[16];
	s8 sb[16];
	u16 w[8];
	s16 sw[8];
	u32 d[4];
	s32 sd[4];
	u64 q[2];
	s64 sq[2];
};

#define SIMD_FN static inline __attribute__((always_inline, unused)) simd

/* Both halves' low 8 bytes side by side: what an MMX instruction sees as one row of lanes. */
SIMD_FN simd_pair(simd d, simd s)
{
	return _mm_unpacklo_epi64(d, s);
}

SIMD_FN simd_high_to_low(simd v)
{
	return _mm_unpackhi_epi64(v, v);
}

/* mask ? a : b, bit by bit */
SIMD_FN simd_select(simd mask, simd a, simd b)
{
	return _mm_or_si128(_mm_and_si128(mask, a), _mm_andnot_si128(mask, b));
}

#define SIMD_DIRECT(name, intrin)                                                                  \
	SIMD_FN x_##name(simd d, simd s)                                                           \
	{                                                                                          \
		return intrin(d, s);                                                               \
	}

SIMD_DIRECT(paddb, _mm_add_epi8)
SIMD_DIRECT(paddw, _mm_add_epi16)
SIMD_DIRECT(paddd, _mm_add_epi32)
SIMD_DIRECT(paddq, _mm_add_epi64)
SIMD_DIRECT(psubb, _mm_sub_epi8)
SIMD_DIRECT(psubw, _mm_sub_epi16)
SIMD_DIRECT(psubd, _mm_sub_epi32)
SIMD_DIRECT(psubq, _mm_sub_epi64)
SIMD_DIRECT(paddsb, _mm_adds_epi8)
SIMD_DIRECT(paddsw, _mm_adds_epi16)
SIMD_DIRECT(paddusb, _mm_adds_epu8)
SIMD_DIRECT(paddusw, _mm_adds_epu16)
SIMD_DIRECT(psubsb, _mm_subs_epi8)
SIMD_DIRECT(psubsw, _mm_subs_epi16)
SIMD_DIRECT(psubusb, _mm_subs_epu8)
SIMD_DIRECT(psubusw, _mm_subs_epu16)
SIMD_DIRECT(pmullw, _mm_mullo_epi16)
SIMD_DIRECT(pmulhw, _mm_mulhi_epi16)
SIMD_DIRECT(pmulhuw, _mm_mulhi_epu16)
SIMD_DIRECT(pmaddwd, _mm_madd_epi16)
SIMD_DIRECT(pmuludq, _mm_mul_epu32)
SIMD_DIRECT(pavgb, _mm_avg_epu8)
SIMD_DIRECT(pavgw, _mm_avg_epu16)
SIMD_DIRECT(pminub, _mm_min_epu8)
SIMD_DIRECT(pmaxub, _mm_max_epu8)
SIMD_DIRECT(pminsw, _mm_min_epi16)
SIMD_DIRECT(pmaxsw, _mm_max_epi16)
SIMD_DIRECT(psadbw, _mm_sad_epu8)
SIMD_DIRECT(pand, _mm_and_si128)
SIMD_DIRECT(pandn, _mm_andnot_si128)
SIMD_DIRECT(por, _mm_or_si128)
SIMD_DIRECT(pxor, _mm_xor_si128)
SIMD_DIRECT(pcmpeqb, _mm_cmpeq_epi8)
SIMD_DIRECT(pcmpeqw, _mm_cmpeq_epi16)
SIMD_DIRECT(pcmpeqd, _mm_cmpeq_epi32)
SIMD_DIRECT(pcmpgtb, _mm_cmpgt_epi8)
SIMD_DIRECT(pcmpgtw, _mm_cmpgt_epi16)
SIMD_DIRECT(pcmpgtd, _mm_cmpgt_epi32)
SIMD_DIRECT(punpcklbw, _mm_unpacklo_epi8)
SIMD_DIRECT(punpcklwd, _mm_unpacklo_epi16)
SIMD_DIRECT(punpckldq, _mm_unpacklo_epi32)
SIMD_DIRECT(punpcklqdq, _mm_unpacklo_epi64)
SIMD_DIRECT(punpckhbw, _mm_unpackhi_epi8)
SIMD_DIRECT(punpckhwd, _mm_unpackhi_epi16)
SIMD_DIRECT(punpckhdq, _mm_unpackhi_epi32)
SIMD_DIRECT(punpckhqdq, _mm_unpackhi_epi64)
SIMD_DIRECT(packsswb, _mm_packs_epi16)
SIMD_DIRECT(packssdw, _mm_packs_epi32)
SIMD_DIRECT(packuswb, _mm_packus_epi16)
/* A shift count is the low 8 bytes of the source, for MMX and SSE alike. */
SIMD_DIRECT(psllw, _mm_sll_epi16)
SIMD_DIRECT(pslld, _mm_sll_epi32)
SIMD_DIRECT(psllq, _mm_sll_epi64)
SIMD_DIRECT(psrlw, _mm_srl_epi16)
SIMD_DIRECT(psrld, _mm_srl_epi32)
SIMD_DIRECT(psrlq, _mm_srl_epi64)
SIMD_DIRECT(psraw, _mm_sra_epi16)
SIMD_DIRECT(psrad, _mm_sra_epi32)

SIMD_FN x_shift_bytes_left(simd d, unsigned int n)
{
	union simd_lanes r = { .q = { 0, 0 } }, a = { .v = d };
	unsigned int bits = n * 8;

	if (n >= 16)
		return r.v;
	if (n >= 8) {
		r.q[1] = a.q[0] << (bits - 64);
	} else if (n) {
		r.q[0] = a.q[0] << bits;
		r.q[1] = a.q[1] << bits | a.q[0] >> (64 - bits);
	} else {
		return d;
	}
	return r.v;
}

SIMD_FN x_shift_bytes_right(simd d, unsigned int n)
{
	union simd_lanes r = { .q = { 0, 0 } }, a = { .v = d };
	unsigned int bits = n * 8;

	if (n >= 16)
		return r.v;
	if (n >= 8) {
		r.q[0] = a.q[1] >> (bits - 64);
	} else if (n) {
		r.q[0] = a.q[0] >> bits | a.q[1] << (64 - bits);
		r.q[1] = a.q[1] >> bits;
	} else {
		return d;
	}
	return r.v;
}

/* The MMX forms whose lanes cross the 8-byte boundary. */
#define SIMD_UNPACK_HIGH(name, low)                                                                \
	SIMD_FN m_##name(simd d, simd s)                                                           \
	{                                                                                          \
		return simd_high_to_low(low(d, s));                                                \
	}

SIMD_UNPACK_HIGH(punpckhbw, _mm_unpacklo_epi8)
SIMD_UNPACK_HIGH(punpckhwd, _mm_unpacklo_epi16)
SIMD_UNPACK_HIGH(punpckhdq, _mm_unpacklo_epi32)

#define SIMD_PAIRED(name, fn)                                                                      \
	SIMD_FN m_##name(simd d, simd s)                                                           \
	{                                                                                          \
		simd row = simd_pair(d, s);                                                        \
                                                                                                   \
		return fn(row, row);                                                               \
	}

SIMD_PAIRED(packsswb, _mm_packs_epi16)
SIMD_PAIRED(packssdw, _mm_packs_epi32)
SIMD_PAIRED(packuswb, _mm_packus_epi16)

/* SSSE3 */

SIMD_FN simd_even_words(simd d, simd s)
{
	/* Sign-extended even words of both, packed: the saturation of packs never acts. */
	return _mm_packs_epi32(_mm_srai_epi32(_mm_slli_epi32(d, 16), 16),
			       _mm_srai_epi32(_mm_slli_epi32(s, 16), 16));
}

SIMD_FN simd_odd_words(simd d, simd s)
{
	return _mm_packs_epi32(_mm_srai_epi32(d, 16), _mm_srai_epi32(s, 16));
}

SIMD_FN simd_even_dwords(simd d, simd s)
{
	return _mm_unpacklo_epi64(_mm_shuffle_epi32(d, 0x08), _mm_shuffle_epi32(s, 0x08));
}

SIMD_FN simd_odd_dwords(simd d, simd s)
{
	return _mm_unpacklo_epi64(_mm_shuffle_epi32(d, 0x0d), _mm_shuffle_epi32(s, 0x0d));
}

#define SIMD_HORIZONTAL(name, width, fn)                                                           \
	SIMD_FN x_##name(simd d, simd s)                                                           \
	{                                                                                          \
		return fn(simd_even_##width(d, s), simd_odd_##width(d, s));                        \
	}                                                                                          \
	SIMD_FN m_##name(simd d, simd s)                                                           \
	{                                                                                          \
		simd row = simd_pair(d, s);                                                        \
                                                                                                   \
		return x_##name(row, row);                                                         \
	}

SIMD_HORIZONTAL(phaddw, words, _mm_add_epi16)
SIMD_HORIZONTAL(phaddd, dwords, _mm_add_epi32)
SIMD_HORIZONTAL(phaddsw, words, _mm_adds_epi16)
SIMD_HORIZONTAL(phsubw, words, _mm_sub_epi16)
SIMD_HORIZONTAL(phsubd, dwords, _mm_sub_epi32)
SIMD_HORIZONTAL(phsubsw, words, _mm_subs_epi16)

/* d unsigned times s signed, neighbours added with signed saturation. */
SIMD_FN x_pmaddubsw(simd d, simd s)
{
	simd low = _mm_set1_epi16(0xff);
	simd even = _mm_mullo_epi16(_mm_and_si128(d, low), _mm_srai_epi16(_mm_slli_epi16(s, 8), 8));
	simd odd = _mm_mullo_epi16(_mm_srli_epi16(d, 8), _mm_srai_epi16(s, 8));

	return _mm_adds_epi16(even, odd);
}

/* Bits 30..15 of the product, after adding one half: (((a * b) >> 14) + 1) >> 1. */
SIMD_FN x_pmulhrsw(simd d, simd s)
{
	simd lo = _mm_mullo_epi16(d, s), hi = _mm_mulhi_epi16(d, s);
	simd p0 = _mm_unpacklo_epi16(lo, hi), p1 = _mm_unpackhi_epi16(lo, hi);
	simd one = _mm_set1_epi32(1);

	p0 = _mm_srai_epi32(_mm_add_epi32(_mm_srai_epi32(p0, 14), one), 1);
	p1 = _mm_srai_epi32(_mm_add_epi32(_mm_srai_epi32(p1, 14), one), 1);
	/* -32768 * -32768 gives 32768, which wraps instead of saturating. */
	p0 = _mm_srai_epi32(_mm_slli_epi32(p0, 16), 16);
	p1 = _mm_srai_epi32(_mm_slli_epi32(p1, 16), 16);
	return _mm_packs_epi32(p0, p1);
}

SIMD_FN x_pshufb(simd d, simd s)
{
	union simd_lanes a = { .v = d }, m = { .v = s }, r;
	unsigned int i;

	for (i = 0; i < 16; i++)
		r.b[i] = m.sb[i] < 0 ? 0 : a.b[m.b[i] & 15];
	return r.v;
}

SIMD_FN m_pshufb(simd d, simd s)
{
	return x_pshufb(d, _mm_and_si128(s, _mm_set1_epi8((char)0x87)));
}

#define SIMD_SIGN(bits, name)                                                                      \
	SIMD_FN x_##name(simd d, simd s)                                                           \
	{                                                                                          \
		simd zero = _mm_setzero_si128();                                                   \
		simd neg = _mm_cmpgt_epi##bits(zero, s);                                           \
                                                                                                   \
		d = _mm_sub_epi##bits(_mm_xor_si128(d, neg), neg);                                 \
		return _mm_andnot_si128(_mm_cmpeq_epi##bits(s, zero), d);                          \
	}

SIMD_SIGN(8, psignb)
SIMD_SIGN(16, psignw)
SIMD_SIGN(32, psignd)

#define SIMD_ABS(bits, name)                                                                       \
	SIMD_FN x_##name(simd d, simd s)                                                           \
	{                                                                                          \
		simd neg = _mm_cmpgt_epi##bits(_mm_setzero_si128(), s);                            \
                                                                                                   \
		return _mm_sub_epi##bits(_mm_xor_si128(s, neg), neg);                              \
	}

SIMD_ABS(8, pabsb)
SIMD_ABS(16, pabsw)
SIMD_ABS(32, pabsd)

/* d:s shifted right by n bytes. */
SIMD_FN x_palignr(simd d, simd s, unsigned int n)
{
	union {
		simd v[3];
		u8 b[48];
	} row = { .v = { s, d, _mm_setzero_si128() } };

	return _mm_loadu_si128((const simd *)(row.b + (n > 32 ? 32 : n)));
}

SIMD_FN m_palignr(simd d, simd s, unsigned int n)
{
	return x_shift_bytes_right(simd_pair(s, d), n);
}

/* SSE4.1 */

SIMD_FN x_pmuldq(simd d, simd s)
{
	union simd_lanes a = { .v = d }, b = { .v = s }, r;

	r.sq[0] = (s64)a.sd[0] * b.sd[0];
	r.sq[1] = (s64)a.sd[2] * b.sd[2];
	return r.v;
}

SIMD_FN x_pmulld(simd d, simd s)
{
	simd even = _mm_mul_epu32(d, s);
	simd odd = _mm_mul_epu32(_mm_srli_epi64(d, 32), _mm_srli_epi64(s, 32));

	return _mm_unpacklo_epi32(_mm_shuffle_epi32(even, 0x08), _mm_shuffle_epi32(odd, 0x08));
}

SIMD_FN x_pcmpeqq(simd d, simd s)
{
	simd eq = _mm_cmpeq_epi32(d, s);

	return _mm_and_si128(eq, _mm_shuffle_epi32(eq, 0xb1));
}

SIMD_FN x_pcmpgtq(simd d, simd s)
{
	union simd_lanes a = { .v = d }, b = { .v = s }, r;

	r.sq[0] = -(s64)(a.sq[0] > b.sq[0]);
	r.sq[1] = -(s64)(a.sq[1] > b.sq[1]);
	return r.v;
}

/* Signed dwords to unsigned words with saturation: bias into the signed range around the pack. */
SIMD_FN x_packusdw(simd d, simd s)
{
	simd zero = _mm_setzero_si128(), bias = _mm_set1_epi32(0x8000);

	d = _mm_andnot_si128(_mm_cmpgt_epi32(zero, d), d);
	s = _mm_andnot_si128(_mm_cmpgt_epi32(zero, s), s);
	d = _mm_packs_epi32(_mm_sub_epi32(d, bias), _mm_sub_epi32(s, bias));
	return _mm_xor_si128(d, _mm_set1_epi16((short)0x8000));
}

/* Minimum and maximum: unsigned lanes compare as signed ones after flipping the top bit. */
#define SIMD_MINMAX(sfx, bits, flip)                                                               \
	SIMD_FN x_pmin##sfx(simd d, simd s)                                                        \
	{                                                                                          \
		return simd_select(_mm_cmpgt_epi##bits(_mm_xor_si128(s, flip),                     \
						       _mm_xor_si128(d, flip)),                    \
				   d, s);                                                          \
	}                                                                                          \
	SIMD_FN x_pmax##sfx(simd d, simd s)                                                        \
	{                                                                                          \
		return simd_select(_mm_cmpgt_epi##bits(_mm_xor_si128(d, flip),                     \
						       _mm_xor_si128(s, flip)),                    \
				   d, s);                                                          \
	}

SIMD_MINMAX(sb, 8, _mm_setzero_si128())
SIMD_MINMAX(sd, 32, _mm_setzero_si128())
SIMD_MINMAX(uw, 16, _mm_set1_epi16((short)0x8000))
SIMD_MINMAX(ud, 32, _mm_set1_epi32((int)0x80000000u))

SIMD_FN x_phminposuw(simd d, simd s)
{
	union simd_lanes a = { .v = s }, r = { .q = { 0, 0 } };
	unsigned int i, at = 0;

	for (i = 1; i < 8; i++)
		if (a.w[i] < a.w[at])
			at = i;
	r.w[0] = a.w[at];
	r.w[1] = at;
	return r.v;
}

SIMD_FN x_mpsadbw(simd d, simd s, unsigned int imm)
{
	union simd_lanes a = { .v = d }, b = { .v = s }, r;
	unsigned int da = imm & 4, sb = (imm & 3) * 4, i, k;

	for (i = 0; i < 8; i++) {
		unsigned int sum = 0;

		for (k = 0; k < 4; k++) {
			int diff = a.b[da + i + k] - b.b[sb + k];

			sum += diff < 0 ? -diff : diff;
		}
		r.w[i] = sum;
	}
	return r.v;
}

/* The sign bit of each lane of `mask` selects s over d. */
SIMD_FN x_pblendvb(simd d, simd s, simd mask)
{
	return simd_select(_mm_cmpgt_epi8(_mm_setzero_si128(), mask), s, d);
}

SIMD_FN x_blendvps(simd d, simd s, simd mask)
{
	return simd_select(_mm_srai_epi32(mask, 31), s, d);
}

SIMD_FN x_blendvpd(simd d, simd s, simd mask)
{
	return simd_select(_mm_shuffle_epi32(_mm_srai_epi32(mask, 31), 0xf5), s, d);
}

SIMD_FN x_pblendw(simd d, simd s, unsigned int imm)
{
	union simd_lanes a = { .v = d }, b = { .v = s };
	unsigned int i;

	for (i = 0; i < 8; i++)
		if (imm & 1u << i)
			a.w[i] = b.w[i];
	return a.v;
}

SIMD_FN x_blendps(simd d, simd s, unsigned int imm)
{
	union simd_lanes a = { .v = d }, b = { .v = s };
	unsigned int i;

	for (i = 0; i < 4; i++)
		if (imm & 1u << i)
			a.d[i] = b.d[i];
	return a.v;
}

SIMD_FN x_blendpd(simd d, simd s, unsigned int imm)
{
	union simd_lanes a = { .v = d }, b = { .v = s };

	if (imm & 1)
		a.q[0] = b.q[0];
	if (imm & 2)
		a.q[1] = b.q[1];
	return a.v;
}

#define SIMD_EXTEND(name, dst, src, n)                                                             \
	SIMD_FN x_##name(simd d, simd s)                                                           \
	{                                                                                          \
		union simd_lanes a = { .v = s }, r;                                                \
		unsigned int i;                                                                    \
                                                                                                   \
		for (i = 0; i < (n); i++)                                                          \
			r.dst[i] = a.src[i];                                                       \
		return r.v;                                                                        \
	}

SIMD_EXTEND(pmovsxbw, sw, sb, 8)
SIMD_EXTEND(pmovsxbd, sd, sb, 4)
SIMD_EXTEND(pmovsxbq, sq, sb, 2)
SIMD_EXTEND(pmovsxwd, sd, sw, 4)
SIMD_EXTEND(pmovsxwq, sq, sw, 2)
SIMD_EXTEND(pmovsxdq, sq, sd, 2)
SIMD_EXTEND(pmovzxbw, w, b, 8)
SIMD_EXTEND(pmovzxbd, d, b, 4)
SIMD_EXTEND(pmovzxbq, q, b, 2)
SIMD_EXTEND(pmovzxwd, d, w, 4)
SIMD_EXTEND(pmovzxwq, q, w, 2)
SIMD_EXTEND(pmovzxdq, q, d, 2)

/* Shuffles by immediate */

SIMD_FN x_pshufd(simd d, simd s, unsigned int imm)
{
	union simd_lanes a = { .v = s }, r;
	unsigned int i;

	for (i = 0; i < 4; i++)
		r.d[i] = a.d[imm >> 2 * i & 3];
	return r.v;
}

SIMD_FN x_pshuflw(simd d, simd s, unsigned int imm)
{
	union simd_lanes a = { .v = s }, r = { .v = s };
	unsigned int i;

	for (i = 0; i < 4; i++)
		r.w[i] = a.w[imm >> 2 * i & 3];
	return r.v;
}

SIMD_FN x_pshufhw(simd d, simd s, unsigned int imm)
{
	union simd_lanes a = { .v = s }, r = { .v = s };
	unsigned int i;

	for (i = 0; i < 4; i++)
		r.w[4 + i] = a.w[4 + (imm >> 2 * i & 3)];
	return r.v;
}

SIMD_FN x_shufps(simd d, simd s, unsigned int imm)
{
	union simd_lanes a = { .v = d }, b = { .v = s }, r;

	r.d[0] = a.d[imm & 3];
	r.d[1] = a.d[imm >> 2 & 3];
	r.d[2] = b.d[imm >> 4 & 3];
	r.d[3] = b.d[imm >> 6 & 3];
	return r.v;
}

SIMD_FN x_shufpd(simd d, simd s, unsigned int imm)
{
	union simd_lanes a = { .v = d }, b = { .v = s }, r;

	r.q[0] = a.q[imm & 1];
	r.q[1] = b.q[imm >> 1 & 1];
	return r.v;
}

#endif

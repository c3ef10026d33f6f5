/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the integer instructions compute: results and exact arithmetic flags, as pure functions.
 * Those that exist for several widths come from one template, compiled for 8, 16, 32 and 64 bits
 * (x86_add8() to x86_add64()).
 *
 * `fl` holds RFLAGS; only the arithmetic bits that the instruction writes are changed. Where the
 * manual calls a flag undefined, these functions do what Intel's CPUs of the last decade do (the
 * unit test compares with the host's CPU), with one exception: DIV and IDIV leave the flags alone.
 *
 * Sources: Intel SDM volume 2, the Operation and Flags Affected sections.
 */
#ifndef GM_X86_ALU_H
#define GM_X86_ALU_H

#include "module/x86/x86.h"

#define X86_ALU_DE (-1) /* what a division returns that must raise #DE */

static inline u32 x86_parity_flag(u32 v)
{
	return ((0x9669u >> ((v ^ v >> 4) & 15)) & 1) << 2;
}

static inline void x86_fl_set(u32 *fl, u32 mask, u32 val)
{
	*fl = (*fl & ~mask) | val;
}

/* A product of 64 by 64 bits. Returns the low half. */
static inline u64 x86_umul128(u64 a, u64 b, u64 *hi)
{
#ifdef __SIZEOF_INT128__
	unsigned __int128 p = (unsigned __int128)a * b;

	*hi = (u64)(p >> 64);
	return (u64)p;
#else
	u64 ll = (u64)(u32)a * (u32)b, lh = (u64)(u32)a * (u32)(b >> 32);
	u64 hl = (u64)(u32)(a >> 32) * (u32)b, hh = (u64)(u32)(a >> 32) * (u32)(b >> 32);
	u64 mid = (ll >> 32) + (u32)lh + (u32)hl;

	*hi = hh + (lh >> 32) + (hl >> 32) + (mid >> 32);
	return (mid << 32) | (u32)ll;
#endif
}

/* The same of signed numbers. */
static inline u64 x86_smul128(u64 a, u64 b, u64 *hi)
{
#ifdef __SIZEOF_INT128__
	__int128 p = (__int128)(s64)a * (s64)b;

	*hi = (u64)(p >> 64);
	return (u64)p;
#else
	u64 lo = x86_umul128(a, b, hi);

	*hi -= ((s64)a < 0 ? b : 0) + ((s64)b < 0 ? a : 0);
	return lo;
#endif
}

/* hi:lo / d for hi < d. No library division: kernels of 32 bits have none. */
static inline u64 x86_udiv128(u64 hi, u64 lo, u64 d, u64 *rem)
{
#if defined(__x86_64__)
	u64 q, r;

	__asm__("divq %4" : "=a"(q), "=d"(r) : "a"(lo), "d"(hi), "rm"(d) : "cc");
	*rem = r;
	return q;
#else
	u64 top;
	int i;

	for (i = 0; i < 64; i++) {
		top = hi >> 63;
		hi = hi << 1 | lo >> 63;
		lo <<= 1;
		if (top || hi >= d) {
			hi -= d;
			lo |= 1;
		}
	}
	*rem = hi;
	return lo;
#endif
}

static inline u32 x86_udiv64(u32 hi, u32 lo, u32 d, u32 *rem)
{
#if defined(__x86_64__) || defined(__i386__)
	u32 q, r;

	__asm__("divl %4" : "=a"(q), "=d"(r) : "a"(lo), "d"(hi), "rm"(d) : "cc");
	*rem = r;
	return q;
#else
	u64 r = 0, q = x86_udiv128(0, (u64)hi << 32 | lo, d, &r);

	*rem = (u32)r;
	return (u32)q;
#endif
}

/* Number of the lowest and of the highest set bit; v must not be 0. */
static inline unsigned int x86_bit_low(u64 v)
{
	return (u32)v ? __builtin_ctz((u32)v) : 32 + __builtin_ctz((u32)(v >> 32));
}

static inline unsigned int x86_bit_high(u64 v)
{
	return v >> 32 ? 63 - __builtin_clz((u32)(v >> 32)) : 31 - __builtin_clz((u32)v);
}

static inline unsigned int x86_bit_count(u64 v)
{
	v -= (v >> 1) & 0x5555555555555555ull;
	v = (v & 0x3333333333333333ull) + ((v >> 2) & 0x3333333333333333ull);
	v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0full;
	return (unsigned int)((v * 0x0101010101010101ull) >> 56);
}

static inline u32 x86_bswap32(u32 v)
{
	return v >> 24 | ((v >> 8) & 0xff00) | ((v << 8) & 0xff0000) | v << 24;
}

static inline u64 x86_bswap64(u64 v)
{
	return (u64)x86_bswap32((u32)v) << 32 | x86_bswap32((u32)(v >> 32));
}

/* MOVBE of 16 bits. BSWAP r16, which the manual leaves undefined, gives 0 on every Intel CPU. */
static inline u16 x86_bswap16(u16 v)
{
	return (u16)(v >> 8 | v << 8);
}

#define X86_ALU_PASTE2(a, b) a##b
#define X86_ALU_PASTE(a, b) X86_ALU_PASTE2(a, b)
#define X86_FN(name) X86_ALU_PASTE(x86_##name, X86_BITS)

#define X86_BITS 8
#define X86_T u8
#define X86_ST s8
#include "module/x86/alu_tmpl.h"

#define X86_BITS 16
#define X86_T u16
#define X86_ST s16
#include "module/x86/alu_tmpl.h"

#define X86_BITS 32
#define X86_T u32
#define X86_ST s32
#include "module/x86/alu_tmpl.h"

#define X86_BITS 64
#define X86_T u64
#define X86_ST s64
#include "module/x86/alu_tmpl.h"

#undef X86_FN

/*
 * The condition of Jcc, SETcc, CMOVcc: cc is the opcode's low four bits. Returns 0 or 1.
 */
static inline int x86_cond(unsigned int cc, u32 fl)
{
	int r = 0;

	switch (cc >> 1) {
	case 0: r = !!(fl & X86_FL_OF); break;
	case 1: r = !!(fl & X86_FL_CF); break;
	case 2: r = !!(fl & X86_FL_ZF); break;
	case 3: r = !!(fl & (X86_FL_CF | X86_FL_ZF)); break;
	case 4: r = !!(fl & X86_FL_SF); break;
	case 5: r = !!(fl & X86_FL_PF); break;
	case 6: r = !(fl & X86_FL_SF) != !(fl & X86_FL_OF); break;
	case 7: r = (fl & X86_FL_ZF) || !(fl & X86_FL_SF) != !(fl & X86_FL_OF); break;
	}
	return r ^ (int)(cc & 1);
}

/* ADCX and ADOX: `bit` is X86_FL_CF or X86_FL_OF. */
static inline u64 x86_adx(u64 a, u64 b, unsigned int bits, u32 bit, u32 *fl)
{
	u64 mask = bits == 64 ? ~0ull : 0xffffffffull;
	u64 r = a + b + !!(*fl & bit);
	int carry = *fl & bit ? (r & mask) <= (a & mask) : (r & mask) < (a & mask);

	x86_fl_set(fl, bit, carry ? bit : 0);
	return r & mask;
}

/* CRC32: polynomial 11EDC6F41, bit-reflected; `bytes` low bytes of v go into crc. */
static inline u32 x86_crc32c(u32 crc, u64 v, unsigned int bytes)
{
	unsigned int i;

	for (; bytes; bytes--, v >>= 8) {
		crc ^= (u8)v;
		for (i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
	}
	return crc;
}

static inline u64 x86_pdep(u64 src, u64 mask)
{
	u64 r = 0;

	for (; mask; mask &= mask - 1, src >>= 1)
		if (src & 1)
			r |= mask & -mask;
	return r;
}

static inline u64 x86_pext(u64 src, u64 mask)
{
	u64 r = 0, bit = 1;

	for (; mask; mask &= mask - 1, bit <<= 1)
		if (src & mask & -mask)
			r |= bit;
	return r;
}

/* Decimal adjustments. Each takes AX (or AL) and returns the new AX (or AL). */
static inline u8 x86_daa(u8 al, u32 *fl)
{
	u8 old = al;
	u32 f = 0;

	if ((al & 15) > 9 || (*fl & X86_FL_AF)) {
		al += 6;
		f |= X86_FL_AF;
	}
	if (old > 0x99 || (*fl & X86_FL_CF)) {
		al += 0x60;
		f |= X86_FL_CF;
	}
	x86_fl_set(fl, X86_FL_ARITH, f | x86_szp8(al));
	return al;
}

static inline u8 x86_das(u8 al, u32 *fl)
{
	u8 old = al;
	u32 f = 0;

	if ((al & 15) > 9 || (*fl & X86_FL_AF)) {
		if (al < 6)
			f |= X86_FL_CF;
		al -= 6;
		f |= X86_FL_AF;
	}
	if (old > 0x99 || (*fl & X86_FL_CF)) {
		al -= 0x60;
		f |= X86_FL_CF;
	}
	x86_fl_set(fl, X86_FL_ARITH, f | x86_szp8(al));
	return al;
}

static inline u16 x86_aaa(u16 ax, u32 *fl)
{
	u32 f = 0;

	if ((ax & 15) > 9 || (*fl & X86_FL_AF)) {
		ax += 0x106;
		f = X86_FL_AF | X86_FL_CF;
	}
	ax &= 0xff0f;
	x86_fl_set(fl, X86_FL_ARITH, f | x86_szp8((u8)ax));
	return ax;
}

static inline u16 x86_aas(u16 ax, u32 *fl)
{
	u32 f = 0;

	if ((ax & 15) > 9 || (*fl & X86_FL_AF)) {
		ax -= 0x106;
		f = X86_FL_AF | X86_FL_CF;
	}
	ax &= 0xff0f;
	x86_fl_set(fl, X86_FL_ARITH, f | x86_szp8((u8)ax));
	return ax;
}

/* Returns X86_ALU_DE for base 0, else 0. */
static inline int x86_aam(u16 *ax, u8 base, u32 *fl)
{
	u8 al = (u8)*ax;

	if (!base)
		return X86_ALU_DE;
	*ax = (u16)((al / base) << 8 | al % base);
	x86_fl_set(fl, X86_FL_ARITH, x86_szp8((u8)*ax));
	return 0;
}

static inline u16 x86_aad(u16 ax, u8 base, u32 *fl)
{
	u8 al = x86_add8((u8)ax, (u8)((ax >> 8) * base), fl);

	return al;
}

#endif

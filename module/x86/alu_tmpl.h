/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The template of alu.h: included once per operand width with X86_BITS, X86_T (unsigned) and X86_ST
 * (signed) defined. No include guard, that is its purpose.
 *
 * Shift and rotate counts are masked here, as the CPU does (5 bits, 6 for 64-bit operands); a masked
 * count of 0 changes no flag.
 */

#define X86_MSB(v) ((u32)((v) >> (X86_BITS - 1)) & 1)
#define X86_MSB2(v) ((u32)((v) >> (X86_BITS - 2)) & 1)
#define X86_COUNT_MASK (X86_BITS == 64 ? 63u : 31u)

static inline u32 X86_FN(szp)(X86_T r)
{
	return (r ? 0 : X86_FL_ZF) | X86_MSB(r) << 7 | x86_parity_flag((u8)r);
}

static inline X86_T X86_FN(add)(X86_T a, X86_T b, u32 *fl)
{
	X86_T r = (X86_T)(a + b);

	x86_fl_set(fl, X86_FL_ARITH, (u32)(r < a) | X86_FN(szp)(r) | (u32)((a ^ b ^ r) & 0x10) |
		   X86_MSB((X86_T)((a ^ r) & (b ^ r))) << 11);
	return r;
}

static inline X86_T X86_FN(adc)(X86_T a, X86_T b, u32 *fl)
{
	u32 c = *fl & X86_FL_CF;
	X86_T r = (X86_T)(a + b + c);

	x86_fl_set(fl, X86_FL_ARITH, (u32)(c ? r <= a : r < a) | X86_FN(szp)(r) |
		   (u32)((a ^ b ^ r) & 0x10) | X86_MSB((X86_T)((a ^ r) & (b ^ r))) << 11);
	return r;
}

static inline X86_T X86_FN(sub)(X86_T a, X86_T b, u32 *fl)
{
	X86_T r = (X86_T)(a - b);

	x86_fl_set(fl, X86_FL_ARITH, (u32)(a < b) | X86_FN(szp)(r) | (u32)((a ^ b ^ r) & 0x10) |
		   X86_MSB((X86_T)((a ^ b) & (a ^ r))) << 11);
	return r;
}

static inline X86_T X86_FN(sbb)(X86_T a, X86_T b, u32 *fl)
{
	u32 c = *fl & X86_FL_CF;
	X86_T r = (X86_T)(a - b - c);

	x86_fl_set(fl, X86_FL_ARITH, (u32)(c ? a <= b : a < b) | X86_FN(szp)(r) |
		   (u32)((a ^ b ^ r) & 0x10) | X86_MSB((X86_T)((a ^ b) & (a ^ r))) << 11);
	return r;
}

static inline void X86_FN(cmp)(X86_T a, X86_T b, u32 *fl)
{
	(void)X86_FN(sub)(a, b, fl);
}

static inline X86_T X86_FN(and)(X86_T a, X86_T b, u32 *fl)
{
	x86_fl_set(fl, X86_FL_ARITH, X86_FN(szp)((X86_T)(a & b)));
	return (X86_T)(a & b);
}

static inline X86_T X86_FN(or)(X86_T a, X86_T b, u32 *fl)
{
	x86_fl_set(fl, X86_FL_ARITH, X86_FN(szp)((X86_T)(a | b)));
	return (X86_T)(a | b);
}

static inline X86_T X86_FN(xor)(X86_T a, X86_T b, u32 *fl)
{
	x86_fl_set(fl, X86_FL_ARITH, X86_FN(szp)((X86_T)(a ^ b)));
	return (X86_T)(a ^ b);
}

static inline void X86_FN(test)(X86_T a, X86_T b, u32 *fl)
{
	(void)X86_FN(and)(a, b, fl);
}

static inline X86_T X86_FN(inc)(X86_T a, u32 *fl)
{
	u32 c = *fl & X86_FL_CF;
	X86_T r = X86_FN(add)(a, 1, fl);

	x86_fl_set(fl, X86_FL_CF, c);
	return r;
}

static inline X86_T X86_FN(dec)(X86_T a, u32 *fl)
{
	u32 c = *fl & X86_FL_CF;
	X86_T r = X86_FN(sub)(a, 1, fl);

	x86_fl_set(fl, X86_FL_CF, c);
	return r;
}

static inline X86_T X86_FN(neg)(X86_T a, u32 *fl)
{
	return X86_FN(sub)(0, a, fl);
}

/* OF of any shift or rotate is what a shift by one would have given. */
static inline X86_T X86_FN(shl)(X86_T a, unsigned int count, u32 *fl)
{
	X86_T r;
	u32 cf;

	count &= X86_COUNT_MASK;
	if (!count)
		return a;
	cf = count <= X86_BITS ? (u32)(a >> (X86_BITS - count)) & 1 : 0;
	r = count < X86_BITS ? (X86_T)(a << count) : 0;
	x86_fl_set(fl, X86_FL_ARITH, cf | X86_FN(szp)(r) | (X86_MSB(a) ^ X86_MSB2(a)) << 11);
	return r;
}

static inline X86_T X86_FN(shr)(X86_T a, unsigned int count, u32 *fl)
{
	X86_T r;
	u32 cf;

	count &= X86_COUNT_MASK;
	if (!count)
		return a;
	cf = count <= X86_BITS ? (u32)(a >> (count - 1)) & 1 : 0;
	r = count < X86_BITS ? (X86_T)(a >> count) : 0;
	x86_fl_set(fl, X86_FL_ARITH, cf | X86_FN(szp)(r) | X86_MSB(a) << 11);
	return r;
}

static inline X86_T X86_FN(sar)(X86_T a, unsigned int count, u32 *fl)
{
	X86_T r;
	u32 cf;

	count &= X86_COUNT_MASK;
	if (!count)
		return a;
	if (count >= X86_BITS)
		count = X86_BITS;
	cf = (u32)((X86_ST)a >> (count - 1)) & 1;
	r = (X86_T)((X86_ST)a >> (count == X86_BITS ? count - 1 : count));
	x86_fl_set(fl, X86_FL_ARITH, cf | X86_FN(szp)(r));
	return r;
}

/* `imm`: the count is an immediate byte (C0, C1); then OF stays for any count but 1. By CL it is
 * computed. */
static inline X86_T X86_FN(rol)(X86_T a, unsigned int count, int imm, u32 *fl)
{
	unsigned int n;

	count &= X86_COUNT_MASK;
	if (!count)
		return a;
	if (count == 1 || !imm)
		x86_fl_set(fl, X86_FL_OF, (X86_MSB(a) ^ X86_MSB2(a)) << 11);
	n = count & (X86_BITS - 1);
	if (n)
		a = (X86_T)(a << n | a >> (X86_BITS - n));
	x86_fl_set(fl, X86_FL_CF, (u32)a & 1);
	return a;
}

static inline X86_T X86_FN(ror)(X86_T a, unsigned int count, int imm, u32 *fl)
{
	unsigned int n;

	count &= X86_COUNT_MASK;
	if (!count)
		return a;
	if (count == 1 || !imm)
		x86_fl_set(fl, X86_FL_OF, (((u32)a & 1) ^ X86_MSB(a)) << 11);
	n = count & (X86_BITS - 1);
	if (n)
		a = (X86_T)(a >> n | a << (X86_BITS - n));
	x86_fl_set(fl, X86_FL_CF, X86_MSB(a));
	return a;
}

static inline X86_T X86_FN(rcl)(X86_T a, unsigned int count, u32 *fl)
{
	u32 c = *fl & X86_FL_CF;
	X86_T r;

	count = (count & X86_COUNT_MASK) % (X86_BITS + 1);
	if (!count)
		return a;
	r = count < X86_BITS ? (X86_T)(a << count) : 0;
	r |= (X86_T)((X86_T)c << (count - 1));
	if (count > 1)
		r |= (X86_T)(a >> (X86_BITS + 1 - count));
	x86_fl_set(fl, X86_FL_CF | X86_FL_OF, ((u32)(a >> (X86_BITS - count)) & 1) |
		   (X86_MSB(a) ^ X86_MSB2(a)) << 11);
	return r;
}

static inline X86_T X86_FN(rcr)(X86_T a, unsigned int count, u32 *fl)
{
	u32 c = *fl & X86_FL_CF;
	X86_T r;

	count = (count & X86_COUNT_MASK) % (X86_BITS + 1);
	if (!count)
		return a;
	r = count < X86_BITS ? (X86_T)(a >> count) : 0;
	r |= (X86_T)((X86_T)c << (X86_BITS - count));
	if (count > 1)
		r |= (X86_T)(a << (X86_BITS + 1 - count));
	x86_fl_set(fl, X86_FL_CF | X86_FL_OF, ((u32)(a >> (count - 1)) & 1) |
		   (X86_MSB(a) ^ c) << 11);
	return r;
}

#if X86_BITS != 8
/* A 16-bit count above 16 shifts a:b:a (undefined in the manual). */
static inline X86_T X86_FN(shld)(X86_T a, X86_T b, unsigned int count, u32 *fl)
{
	X86_T r, hi = a, lo = b;
	u32 of = (X86_MSB(a) ^ X86_MSB2(a)) << 11;

	count &= X86_COUNT_MASK;
	if (!count)
		return a;
	if (count > X86_BITS) {
		count -= X86_BITS;
		hi = b;
		lo = a;
	}
	r = count < X86_BITS ? (X86_T)(hi << count | lo >> (X86_BITS - count)) : lo;
	x86_fl_set(fl, X86_FL_ARITH, ((u32)(hi >> (X86_BITS - count)) & 1) | X86_FN(szp)(r) | of);
	return r;
}

static inline X86_T X86_FN(shrd)(X86_T a, X86_T b, unsigned int count, u32 *fl)
{
	X86_T r, hi = b, lo = a;
	u32 of = (X86_MSB(a) ^ ((u32)b & 1)) << 11;

	count &= X86_COUNT_MASK;
	if (!count)
		return a;
	if (count > X86_BITS) {
		count -= X86_BITS;
		hi = a;
		lo = b;
	}
	r = count < X86_BITS ? (X86_T)(lo >> count | hi << (X86_BITS - count)) : hi;
	x86_fl_set(fl, X86_FL_ARITH, ((u32)(lo >> (count - 1)) & 1) | X86_FN(szp)(r) | of);
	return r;
}
#endif

/* CF and OF as given, SF and PF of the low half, ZF and AF clear. */
static inline void X86_FN(mul_flags)(X86_T lo, int wide, u32 *fl)
{
	x86_fl_set(fl, X86_FL_ARITH, (X86_FN(szp)(lo) & ~X86_FL_ZF) |
		   (u32)!!wide * (X86_FL_CF | X86_FL_OF));
}

/* Returns the low half, *hi is the high half. */
static inline X86_T X86_FN(mul)(X86_T a, X86_T b, X86_T *hi, u32 *fl)
{
	X86_T lo;
#if X86_BITS == 64
	lo = x86_umul128(a, b, hi);
#else
	u64 p = (u64)a * b;

	lo = (X86_T)p;
	*hi = (X86_T)(p >> X86_BITS);
#endif
	X86_FN(mul_flags)(lo, *hi != 0, fl);
	return lo;
}

static inline X86_T X86_FN(imul)(X86_T a, X86_T b, X86_T *hi, u32 *fl)
{
	X86_T lo;
#if X86_BITS == 64
	lo = x86_smul128(a, b, hi);
#else
	s64 p = (s64)(X86_ST)a * (X86_ST)b;

	lo = (X86_T)p;
	*hi = (X86_T)(p >> X86_BITS);
#endif
	X86_FN(mul_flags)(lo, *hi != (X86_T)((X86_ST)lo >> (X86_BITS - 1)), fl);
	return lo;
}

/* The two- and three-operand forms. */
static inline X86_T X86_FN(imul2)(X86_T a, X86_T b, u32 *fl)
{
	X86_T hi;

	return X86_FN(imul)(a, b, &hi, fl);
}

/* hi:lo / d. 0, or X86_ALU_DE with nothing stored. */
static inline int X86_FN(div)(X86_T hi, X86_T lo, X86_T d, X86_T *quot, X86_T *rem)
{
	if (hi >= d)
		return X86_ALU_DE;
#if X86_BITS == 64
	*quot = x86_udiv128(hi, lo, d, rem);
#elif X86_BITS == 32
	*quot = x86_udiv64(hi, lo, d, rem);
#else
	{
		u32 n = (u32)hi << X86_BITS | lo;

		*quot = (X86_T)(n / d);
		*rem = (X86_T)(n % d);
	}
#endif
	return 0;
}

static inline int X86_FN(idiv)(X86_T hi, X86_T lo, X86_T d, X86_T *quot, X86_T *rem)
{
	u32 nneg = X86_MSB(hi), neg = nneg ^ X86_MSB(d);
	X86_T q, r;

	if (nneg) {
		lo = (X86_T)(0 - lo);
		hi = (X86_T)(~hi + !lo);
	}
	if (X86_MSB(d))
		d = (X86_T)(0 - d);
	if (X86_FN(div)(hi, lo, d, &q, &r))
		return X86_ALU_DE;
	/* The most negative quotient is the only one with the top bit set. */
	if (X86_MSB(q) && !(neg && !(X86_T)(q << 1)))
		return X86_ALU_DE;
	*quot = neg ? (X86_T)(0 - q) : q;
	*rem = nneg ? (X86_T)(0 - r) : r;
	return 0;
}

/* A source of 0 leaves the destination, which is `old`. */
static inline X86_T X86_FN(bsf)(X86_T v, X86_T old, u32 *fl)
{
	unsigned int n = v ? x86_bit_low(v) : 0;

	x86_fl_set(fl, X86_FL_ARITH, (v ? 0 : X86_FL_ZF) | x86_parity_flag(n));
	return v ? (X86_T)n : old;
}

static inline X86_T X86_FN(bsr)(X86_T v, X86_T old, u32 *fl)
{
	unsigned int n = v ? x86_bit_high(v) : 0;

	x86_fl_set(fl, X86_FL_ARITH, (v ? 0 : X86_FL_ZF) | x86_parity_flag(n));
	return v ? (X86_T)n : old;
}

/* Bit tests of a register; `bit` is masked here. A memory operand's address is the caller's work. */
static inline void X86_FN(bt)(X86_T a, u64 bit, u32 *fl)
{
	x86_fl_set(fl, X86_FL_CF, (u32)(a >> (bit & (X86_BITS - 1))) & 1);
}

static inline X86_T X86_FN(bts)(X86_T a, u64 bit, u32 *fl)
{
	X86_FN(bt)(a, bit, fl);
	return (X86_T)(a | (X86_T)1 << (bit & (X86_BITS - 1)));
}

static inline X86_T X86_FN(btr)(X86_T a, u64 bit, u32 *fl)
{
	X86_FN(bt)(a, bit, fl);
	return (X86_T)(a & ~((X86_T)1 << (bit & (X86_BITS - 1))));
}

static inline X86_T X86_FN(btc)(X86_T a, u64 bit, u32 *fl)
{
	X86_FN(bt)(a, bit, fl);
	return (X86_T)(a ^ (X86_T)1 << (bit & (X86_BITS - 1)));
}

static inline X86_T X86_FN(popcnt)(X86_T v, u32 *fl)
{
	x86_fl_set(fl, X86_FL_ARITH, v ? 0 : X86_FL_ZF);
	return (X86_T)x86_bit_count(v);
}

static inline X86_T X86_FN(tzcnt)(X86_T v, u32 *fl)
{
	X86_T r = v ? (X86_T)x86_bit_low(v) : X86_BITS;

	x86_fl_set(fl, X86_FL_ARITH, (v ? 0 : X86_FL_CF) | (r ? 0 : X86_FL_ZF));
	return r;
}

static inline X86_T X86_FN(lzcnt)(X86_T v, u32 *fl)
{
	X86_T r = v ? (X86_T)(X86_BITS - 1 - x86_bit_high(v)) : X86_BITS;

	x86_fl_set(fl, X86_FL_ARITH, (v ? 0 : X86_FL_CF) | (r ? 0 : X86_FL_ZF));
	return r;
}

#if X86_BITS >= 32
/* BMI1 and BMI2. PF and AF, undefined, come out clear. */
static inline u32 X86_FN(bmi_sz)(X86_T r)
{
	return X86_MSB(r) << 7 | (r ? 0 : X86_FL_ZF);
}

static inline X86_T X86_FN(andn)(X86_T a, X86_T b, u32 *fl)
{
	X86_T r = ~a & b;

	x86_fl_set(fl, X86_FL_ARITH, X86_FN(bmi_sz)(r));
	return r;
}

static inline X86_T X86_FN(bextr)(X86_T v, X86_T control, u32 *fl)
{
	unsigned int start = (unsigned int)control & 0xff, len = ((unsigned int)control >> 8) & 0xff;

	v = start < X86_BITS ? v >> start : 0;
	if (len < X86_BITS)
		v &= ((X86_T)1 << len) - 1;
	x86_fl_set(fl, X86_FL_ARITH, v ? 0 : X86_FL_ZF);
	return v;
}

static inline X86_T X86_FN(blsi)(X86_T v, u32 *fl)
{
	X86_T r = v & (0 - v);

	x86_fl_set(fl, X86_FL_ARITH, X86_FN(bmi_sz)(r) | (v ? X86_FL_CF : 0));
	return r;
}

static inline X86_T X86_FN(blsr)(X86_T v, u32 *fl)
{
	X86_T r = v & (v - 1);

	x86_fl_set(fl, X86_FL_ARITH, X86_FN(bmi_sz)(r) | (v ? 0 : X86_FL_CF));
	return r;
}

static inline X86_T X86_FN(blsmsk)(X86_T v, u32 *fl)
{
	X86_T r = v ^ (v - 1);

	x86_fl_set(fl, X86_FL_ARITH, X86_MSB(r) << 7 | (v ? 0 : X86_FL_CF));
	return r;
}

static inline X86_T X86_FN(bzhi)(X86_T v, X86_T index, u32 *fl)
{
	unsigned int n = (unsigned int)index & 0xff;

	if (n < X86_BITS)
		v &= ((X86_T)1 << n) - 1;
	x86_fl_set(fl, X86_FL_ARITH, X86_FN(bmi_sz)(v) | (n >= X86_BITS ? X86_FL_CF : 0));
	return v;
}

/* MULX, RORX, SARX, SHLX, SHRX touch no flags. */
static inline X86_T X86_FN(mulx)(X86_T a, X86_T b, X86_T *hi)
{
	u32 fl = 0;

	return X86_FN(mul)(a, b, hi, &fl);
}

static inline X86_T X86_FN(rorx)(X86_T v, unsigned int count)
{
	count &= X86_BITS - 1;
	return count ? v >> count | v << (X86_BITS - count) : v;
}

static inline X86_T X86_FN(sarx)(X86_T v, unsigned int count)
{
	return (X86_T)((X86_ST)v >> (count & (X86_BITS - 1)));
}

static inline X86_T X86_FN(shlx)(X86_T v, unsigned int count)
{
	return v << (count & (X86_BITS - 1));
}

static inline X86_T X86_FN(shrx)(X86_T v, unsigned int count)
{
	return v >> (count & (X86_BITS - 1));
}
#endif

#undef X86_MSB
#undef X86_MSB2
#undef X86_COUNT_MASK
#undef X86_BITS
#undef X86_T
#undef X86_ST

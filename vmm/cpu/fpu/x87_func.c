// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Handlers of x87 functions of ST(0) and ST(1): roots, remainders, scaling, transcendental
 * functions, constants, sign changes, classification.
 *
 * Source: Intel SDM volume 1 section 8.3, volume 2.
 */
#include "vmm/cpu/fpu/x87.h"

/* Instructions that answer in C2 clear it with a stack fault. */
static bool func_stack_fault(struct cpu *c, const struct uop *u, bool over, u16 cc)
{
	c->fpu.sw &= ~(cc & X87_C2);
	return x87_stack_fault(c, u, over);
}

static COLD void func_empty(struct cpu *c, const struct uop *u, u16 cc)
{
	if (func_stack_fault(c, u, false, cc))
		x87_set(c, 0, &x87_indefinite);
}

/* ---- ST(0) = f(ST(0)) ---- */

#define FUNC_UNARY(X)                                                                              \
	X(FSQRT, fsqrt, 0) X(FRNDINT, frndint, 0) X(F2XM1, f2xm1, 0) X(FSIN, fsin, X87_C2)         \
	X(FCOS, fcos, X87_C2)

#define FUNC_UNARY_FN(OP, fn, cc)                                                                  \
	X87_UNARY(fn, #fn)                                                                         \
	static UOP(none_##OP)                                                                      \
	{                                                                                          \
		f80 *d = x87_st(c, 0);                                                             \
                                                                                                   \
		x87_begin(c, u);                                                                   \
		if (unlikely(!x87_valid(c, 0)))                                                    \
			func_empty(c, u, cc);                                                      \
		else                                                                               \
			x87_##fn(c, u, d, d, cc);                                                  \
		NEXT(c, u);                                                                        \
	}

FUNC_UNARY(FUNC_UNARY_FN)

/* ---- ST(0) = f(ST(0), ST(1)) ---- */

/* The functions too slow for two versions: always the strict one. */
#define X87_ALWAYS_STRICT(insn, out, ...)                                                          \
	do {                                                                                       \
		u16 host = x87_host_cw(c);                                                         \
                                                                                                   \
		__asm__ volatile(X87_STRICT_IN insn "\n\t" X87_STRICT_OUT out X87_STRICT_END       \
				 : [sw] "=&a"(sw), [r] "=m"(*r), [r1] "=m"(*r1)                    \
				 : [cw] "m"(c->fpu.cw), [host] "m"(host), __VA_ARGS__);            \
	} while (0)

X87_BINARY(fscale, "fscale")

static UOP(none_FSCALE)
{
	f80 *d = x87_st(c, 0);

	x87_begin(c, u);
	if (unlikely(!x87_valid(c, 0) || !x87_valid(c, 1)))
		func_empty(c, u, 0);
	else
		x87_fscale(c, u, d, d, x87_st(c, 1), 0);
	NEXT(c, u);
}

#define FUNC_REMAINDER_FN(fn)                                                                      \
	static u16 x87_##fn(struct cpu *c, f80 *r, const f80 *a, const f80 *b)                     \
	{                                                                                          \
		f80 scratch, *r1 = &scratch;                                                       \
		u16 sw;                                                                            \
                                                                                                   \
		X87_ALWAYS_STRICT("fldt %[b]\n\tfldt %[a]\n\t" #fn, "fstpt %[r]\n\t",              \
				  [a] "m"(*a), [b] "m"(*b));                                       \
		return sw;                                                                         \
	}

FUNC_REMAINDER_FN(fprem)
FUNC_REMAINDER_FN(fprem1)

/* The quotient's bits come with a result only: without one just C2 is cleared. */
static ALWAYS_INLINE u16 remainder_cc(const struct cpu *c, const f80 *r, u16 sw)
{
	bool nan = (r->sexp & 0x7fff) == 0x7fff;

	if (nan || sw & (X87_IE | (X87_DE & ~c->fpu.cw)))
		return X87_C2;
	return X87_C0 | X87_C2 | X87_C3;
}

#define FUNC_BINARY(X)                                                                             \
	X(FPREM, fprem, remainder_cc(c, &r, sw)) X(FPREM1, fprem1, remainder_cc(c, &r, sw))

#define FUNC_BINARY_FN(OP, fn, cc)                                                                 \
	static UOP(none_##OP)                                                                      \
	{                                                                                          \
		f80 r = x87_indefinite;                                                            \
		bool done;                                                                         \
		u16 sw = 0;                                                                        \
                                                                                                   \
		x87_begin(c, u);                                                                   \
		if (unlikely(!x87_valid(c, 0) || !x87_valid(c, 1))) {                              \
			done = func_stack_fault(c, u, false, cc);                                  \
		} else {                                                                           \
			sw = x87_##fn(c, &r, x87_st(c, 0), x87_st(c, 1));                          \
			done = x87_end_cc(c, u, sw, cc, X87_STOP_REG);                             \
		}                                                                                  \
		if (done)                                                                          \
			x87_set(c, 0, &r);                                                         \
		NEXT(c, u);                                                                        \
	}

FUNC_BINARY(FUNC_BINARY_FN)

/* ---- ST(1) = f(ST(0), ST(1)), pop ---- */

#define FUNC_POP(X) X(FYL2X, fyl2x) X(FYL2XP1, fyl2xp1) X(FPATAN, fpatan)

#define FUNC_POP_FN(OP, fn)                                                                        \
	static u16 x87_##fn(struct cpu *c, f80 *r, const f80 *a, const f80 *b)                     \
	{                                                                                          \
		f80 scratch, *r1 = &scratch;                                                       \
		u16 sw;                                                                            \
                                                                                                   \
		X87_ALWAYS_STRICT("fldt %[b]\n\tfldt %[a]\n\t" #fn, "fstpt %[r]\n\t",              \
				  [a] "m"(*a), [b] "m"(*b));                                       \
		return sw;                                                                         \
	}                                                                                          \
	static UOP(none_##OP)                                                                      \
	{                                                                                          \
		f80 r = x87_indefinite;                                                            \
		bool done;                                                                         \
                                                                                                   \
		x87_begin(c, u);                                                                   \
		if (unlikely(!x87_valid(c, 0) || !x87_valid(c, 1)))                                \
			done = x87_stack_fault(c, u, false);                                       \
		else                                                                               \
			done = x87_end(c, u, x87_##fn(c, &r, x87_st(c, 0), x87_st(c, 1)));         \
		if (done) {                                                                        \
			x87_set(c, 1, &r);                                                         \
			x87_pop(c);                                                                \
		}                                                                                  \
		NEXT(c, u);                                                                        \
	}

FUNC_POP(FUNC_POP_FN)

/* ---- ST(0) replaced, one more pushed ---- */

#define FUNC_PUSH(X) X(FPTAN, fptan, X87_C2) X(FSINCOS, fsincos, X87_C2) X(FXTRACT, fxtract, 0)

/* *r1: the value pushed, *r: the one below it. */
#define FUNC_PUSH_FN(OP, fn, cc)                                                                   \
	static u16 x87_##fn(struct cpu *c, f80 *r, f80 *r1, const f80 *a)                          \
	{                                                                                          \
		u16 sw;                                                                            \
                                                                                                   \
		X87_ALWAYS_STRICT("fldt %[a]\n\t" #fn, "fstpt %[r1]\n\tfstpt %[r]\n\t",            \
				  [a] "m"(*a));                                                    \
		return sw;                                                                         \
	}                                                                                          \
	static UOP(none_##OP)                                                                      \
	{                                                                                          \
		f80 r = x87_indefinite, r1 = x87_indefinite;                                       \
		u16 sw = 0;                                                                        \
		bool done;                                                                         \
                                                                                                   \
		x87_begin(c, u);                                                                   \
		if (unlikely(!x87_valid(c, 0)))                                                    \
			done = func_stack_fault(c, u, false, cc);                                  \
		else if (unlikely(x87_valid(c, 7)))                                                \
			done = func_stack_fault(c, u, true, cc);                                   \
		else                                                                               \
			done = x87_end_cc(c, u, sw = x87_##fn(c, &r, &r1, x87_st(c, 0)), cc,       \
					  X87_STOP_REG);                                           \
		/* C2: the operand is out of range and nothing has changed. */                     \
		if (done && !(sw & (cc) & X87_C2)) {                                               \
			x87_set(c, 0, &r);                                                         \
			x87_push(c, &r1);                                                          \
		}                                                                                  \
		NEXT(c, u);                                                                        \
	}

FUNC_PUSH(FUNC_PUSH_FN)

/* ---- constants: the host rounds them as the guest's control word says ---- */

#define FUNC_CONST(X)                                                                              \
	X(FLD1, fld1) X(FLDL2T, fldl2t) X(FLDL2E, fldl2e) X(FLDPI, fldpi) X(FLDLG2, fldlg2)        \
	X(FLDLN2, fldln2) X(FLDZ, fldz)

static void push_result(struct cpu *c, const struct uop *u, const f80 *r)
{
	if (unlikely(x87_valid(c, 7))) {
		if (!x87_stack_fault(c, u, true))
			return;
		r = &x87_indefinite;
	} else {
		c->fpu.sw &= ~X87_C1;
	}
	x87_push(c, r);
}

#define FUNC_CONST_FN(OP, fn)                                                                      \
	static UOP(none_##OP)                                                                      \
	{                                                                                          \
		f80 r;                                                                             \
                                                                                                   \
		x87_begin(c, u);                                                                   \
		__asm__ volatile(#fn "\n\tfstpt %0" : "=m"(r));                                    \
		push_result(c, u, &r);                                                             \
		NEXT(c, u);                                                                        \
	}

FUNC_CONST(FUNC_CONST_FN)

/* ---- sign and class ---- */

#define FUNC_SIGN_FN(OP, change)                                                                   \
	static UOP(none_##OP)                                                                      \
	{                                                                                          \
		x87_begin(c, u);                                                                   \
		if (unlikely(!x87_valid(c, 0))) {                                                  \
			if (x87_stack_fault(c, u, false))                                          \
				x87_set(c, 0, &x87_indefinite);                                    \
			NEXT(c, u);                                                                \
		}                                                                                  \
		c->fpu.sw &= ~X87_C1;                                                              \
		x87_st(c, 0)->sexp change;                                                         \
		NEXT(c, u);                                                                        \
	}

FUNC_SIGN_FN(FCHS, ^= 0x8000)
FUNC_SIGN_FN(FABS, &= 0x7fff)

/* C3 C2 C0: class; C1: sign, of an empty register too. */
static UOP(none_FXAM)
{
	const f80 *a = x87_st(c, 0);
	u16 sw, e = a->sexp & 0x7fff;

	x87_begin(c, u);
	if (!x87_valid(c, 0))
		sw = X87_C3 | X87_C0;
	else if (!e)
		sw = a->mant ? X87_C3 | X87_C2 : X87_C3;
	else if (!(a->mant >> 63))
		sw = 0; /* unsupported */
	else if (e == 0x7fff)
		sw = a->mant << 1 ? X87_C0 : X87_C2 | X87_C0;
	else
		sw = X87_C2;
	if (a->sexp & 0x8000)
		sw |= X87_C1;
	c->fpu.sw = (c->fpu.sw & ~X87_CC) | sw;
	NEXT(c, u);
}

#define FUNC_ROW(OP, ...) [X86_OP_##OP - X87_FIRST] = none_##OP,

static const uop_fn func_table[X87_COUNT] = {
	FUNC_UNARY(FUNC_ROW)
	FUNC_BINARY(FUNC_ROW)
	FUNC_ROW(FSCALE)
	FUNC_POP(FUNC_ROW)
	FUNC_PUSH(FUNC_ROW)
	FUNC_CONST(FUNC_ROW)
	FUNC_ROW(FCHS)
	FUNC_ROW(FABS)
	FUNC_ROW(FXAM)
};

uop_fn x87_func_find(unsigned int op, unsigned int slot)
{
	return slot == X87_NONE ? func_table[op - X87_FIRST] : NULL;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Handlers of x87 addition, subtraction, multiplication, division and comparison.
 *
 * Source: Intel SDM volume 1 sections 8.3 and 8.5, volume 2.
 */
#include "vmm/cpu/fpu/x87.h"

#define ARITH_OPS(X)                                                                               \
	X(FADD, fadd) X(FMUL, fmul) X(FSUB, fsub) X(FSUBR, fsubr) X(FDIV, fdiv) X(FDIVR, fdivr)
#define ARITH_SIZES(X, OP, fn)                                                                     \
	X(OP, fn, M32, s, 32)                                                                      \
	X(OP, fn, M64, l, 64) X(OP, i##fn, M16I, s, 16) X(OP, i##fn, M32I, l, 32)

/* ---- register operands ---- */

static COLD bool arith_empty(struct cpu *c, const struct uop *u, unsigned int dst)
{
	if (!x87_stack_fault(c, u, false))
		return false;
	x87_set(c, dst, &x87_indefinite);
	return true;
}

/* dst = dst op src, by stack position; false: an unmasked exception leaves everything as it is. */
#define ARITH_REG_FN(OP, fn)                                                                       \
	X87_BINARY(fn, #fn " %%st(1), %%st")                                                       \
	static ALWAYS_INLINE bool reg_##OP(struct cpu *c, const struct uop *u, unsigned int dst,   \
					   unsigned int src)                                       \
	{                                                                                          \
		f80 *d = x87_st(c, dst);                                                           \
                                                                                                   \
		x87_begin(c, u);                                                                   \
		if (unlikely(!x87_valid(c, dst) || !x87_valid(c, src)))                            \
			return arith_empty(c, u, dst);                                             \
		return x87_##fn(c, u, d, d, x87_st(c, src), 0);                                    \
	}                                                                                          \
	static COLD UOP(st0_##OP##_slow)                                                           \
	{                                                                                          \
		reg_##OP(c, u, 0, u->rm);                                                          \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static COLD UOP(sti_##OP##_slow)                                                           \
	{                                                                                          \
		reg_##OP(c, u, u->rm, 0);                                                          \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static COLD UOP(pop_##OP##_slow)                                                           \
	{                                                                                          \
		if (reg_##OP(c, u, u->rm, 0))                                                      \
			x87_pop(c);                                                                \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(st0_##OP)                                                                       \
	{                                                                                          \
		f80 *d = x87_st(c, 0);                                                             \
                                                                                                   \
		if (!x87_fast(c, u->rm))                                                           \
			return st0_##OP##_slow(c, u);                                              \
		x87_begin_fast(c, u);                                                              \
		x87_##fn(c, u, d, d, x87_st(c, u->rm), 0);                                         \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(sti_##OP)                                                                       \
	{                                                                                          \
		f80 *d = x87_st(c, u->rm);                                                         \
                                                                                                   \
		if (!x87_fast(c, u->rm))                                                           \
			return sti_##OP##_slow(c, u);                                              \
		x87_begin_fast(c, u);                                                              \
		x87_##fn(c, u, d, d, x87_st(c, 0), 0);                                             \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(pop_##OP)                                                                       \
	{                                                                                          \
		f80 *d = x87_st(c, u->rm);                                                         \
                                                                                                   \
		if (!x87_fast(c, u->rm))                                                           \
			return pop_##OP##_slow(c, u);                                              \
		x87_begin_fast(c, u);                                                              \
		x87_##fn(c, u, d, d, x87_st(c, 0), 0);                                             \
		x87_pop(c);                                                                        \
		NEXT(c, u);                                                                        \
	}

ARITH_OPS(ARITH_REG_FN)

/* ---- memory operands: always st(0) = st(0) op memory ---- */

#define ARITH_MEM_FN(OP, fn, size, sfx, bits)                                                      \
	X87_MEMORY(fn##_##size, #fn #sfx, u##bits)                                                 \
	static COLD UOP(mem_##OP##_##size##_slow)                                                  \
	{                                                                                          \
		u##bits m;                                                                         \
		f80 *d = x87_st(c, 0);                                                             \
                                                                                                   \
		x87_wait(c, u);                                                                    \
		m = cpu_load##bits(c, u);                                                          \
		x87_begin(c, u);                                                                   \
		if (unlikely(!x87_valid(c, 0)))                                                    \
			arith_empty(c, u, 0);                                                      \
		else                                                                               \
			x87_##fn##_##size(c, u, d, d, &m);                                         \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(mem_##OP##_##size)                                                              \
	{                                                                                          \
		const u##bits##_una *m = fpu_mem_rd(c, u, bits / 8, false);                        \
		f80 *d = x87_st(c, 0);                                                             \
                                                                                                   \
		if (unlikely(!m) || !x87_fast(c, 0))                                               \
			return mem_##OP##_##size##_slow(c, u);                                     \
		x87_begin_fast(c, u);                                                              \
		x87_##fn##_##size(c, u, d, d, (const u##bits *)m);                                 \
		NEXT(c, u);                                                                        \
	}

/* The host's names of integer forms put the i after the f. */
#define ifadd  fiadd
#define ifmul  fimul
#define ifsub  fisub
#define ifsubr fisubr
#define ifdiv  fidiv
#define ifdivr fidivr
#define ARITH_MEM_EXPAND(OP, fn, size, sfx, bits) ARITH_MEM_FN(OP, fn, size, sfx, bits)
#define ARITH_MEM_OP(OP, fn) ARITH_SIZES(ARITH_MEM_EXPAND, OP, fn)

ARITH_OPS(ARITH_MEM_OP)

/* ---- comparison ---- */

X87_COMPARE(fcom, "fcom %%st(1)")
X87_COMPARE(fucom, "fucom %%st(1)")
X87_COMPARE_MEMORY(fcom_M32, "fcoms", u32)
X87_COMPARE_MEMORY(fcom_M64, "fcoml", u64)
X87_COMPARE_MEMORY(fcom_M16I, "ficoms", u16)
X87_COMPARE_MEMORY(fcom_M32I, "ficoml", u32)

/* The condition codes are set in any case; an unmasked exception only forbids the pop. */
static ALWAYS_INLINE bool compare_end(struct cpu *c, const struct uop *u, u16 sw)
{
	return x87_end_cc(c, u, sw, X87_C0 | X87_C2 | X87_C3, X87_STOP_REG);
}

static COLD bool compare_empty(struct cpu *c, const struct uop *u)
{
	c->fpu.sw |= X87_C0 | X87_C2 | X87_C3;
	return x87_stack_fault(c, u, false);
}

#define COMPARE_REG(OP, fn, pops)                                                                  \
	static COLD UOP(sti_##OP##_slow)                                                           \
	{                                                                                          \
		unsigned int i = (pops) == 2 ? 1 : u->rm;                                          \
		bool done;                                                                         \
                                                                                                   \
		x87_begin(c, u);                                                                   \
		if (unlikely(!x87_valid(c, 0) || !x87_valid(c, i)))                                \
			done = compare_empty(c, u);                                                \
		else                                                                               \
			done = compare_end(c, u, x87_##fn(c, x87_st(c, 0), x87_st(c, i)));         \
		if (done && (pops) > 0)                                                            \
			x87_pop(c);                                                                \
		if (done && (pops) > 1)                                                            \
			x87_pop(c);                                                                \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(sti_##OP)                                                                       \
	{                                                                                          \
		unsigned int i = (pops) == 2 ? 1 : u->rm;                                          \
                                                                                                   \
		if (!x87_fast(c, i))                                                               \
			return sti_##OP##_slow(c, u);                                              \
		x87_begin_fast(c, u);                                                              \
		compare_end(c, u, x87_##fn(c, x87_st(c, 0), x87_st(c, i)));                        \
		if ((pops) > 0)                                                                    \
			x87_pop(c);                                                                \
		if ((pops) > 1)                                                                    \
			x87_pop(c);                                                                \
		NEXT(c, u);                                                                        \
	}

COMPARE_REG(FCOM, fcom, 0)
COMPARE_REG(FCOMP, fcom, 1)
COMPARE_REG(FCOMPP, fcom, 2)
COMPARE_REG(FUCOM, fucom, 0)
COMPARE_REG(FUCOMP, fucom, 1)
COMPARE_REG(FUCOMPP, fucom, 2)

#define COMPARE_MEM(OP, size, bits, pops)                                                          \
	static UOP(mem_##OP##_##size)                                                              \
	{                                                                                          \
		u##bits m;                                                                         \
		bool done;                                                                         \
                                                                                                   \
		x87_wait(c, u);                                                                    \
		m = cpu_load##bits(c, u);                                                          \
		x87_begin(c, u);                                                                   \
		if (unlikely(!x87_valid(c, 0)))                                                    \
			done = compare_empty(c, u);                                                \
		else                                                                               \
			done = compare_end(c, u, x87_fcom_##size(c, x87_st(c, 0), &m));            \
		if (done && (pops) > 0)                                                            \
			x87_pop(c);                                                                \
		NEXT(c, u);                                                                        \
	}

COMPARE_MEM(FCOM, M32, 32, 0)
COMPARE_MEM(FCOM, M64, 64, 0)
COMPARE_MEM(FCOM, M16I, 16, 0)
COMPARE_MEM(FCOM, M32I, 32, 0)
COMPARE_MEM(FCOMP, M32, 32, 1)
COMPARE_MEM(FCOMP, M64, 64, 1)
COMPARE_MEM(FCOMP, M16I, 16, 1)
COMPARE_MEM(FCOMP, M32I, 32, 1)

/*
 * FCOMI and its kin: C3, C2, C0 go to ZF, PF, CF, unmasked exception or not; OF, SF, AF clear.
 * C1 keeps its value.
 */
static ALWAYS_INLINE bool compare_flags_end(struct cpu *c, const struct uop *u, u16 sw)
{
	fl_unpack(c, (sw & X87_C3 ? X86_FL_ZF : 0) | (sw & X87_C2 ? X86_FL_PF : 0) |
			     (sw & X87_C0 ? X86_FL_CF : 0));
	return x87_end(c, u, (sw & ~X87_C1) | (c->fpu.sw & X87_C1));
}

static COLD bool compare_flags_empty(struct cpu *c, const struct uop *u)
{
	fl_unpack(c, X86_FL_ZF | X86_FL_PF | X86_FL_CF);
	return x87_stack_fault(c, u, false);
}

#define COMPARE_FLAGS(OP, fn, pops)                                                                \
	static COLD UOP(sti_##OP##_slow)                                                           \
	{                                                                                          \
		bool done;                                                                         \
                                                                                                   \
		x87_begin(c, u);                                                                   \
		if (unlikely(!x87_valid(c, 0) || !x87_valid(c, u->rm)))                            \
			done = compare_flags_empty(c, u);                                          \
		else                                                                               \
			done = compare_flags_end(c, u,                                             \
						 x87_##fn(c, x87_st(c, 0), x87_st(c, u->rm)));     \
		if (done && (pops))                                                                \
			x87_pop(c);                                                                \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(sti_##OP)                                                                       \
	{                                                                                          \
		if (!x87_fast(c, u->rm))                                                           \
			return sti_##OP##_slow(c, u);                                              \
		x87_begin_fast(c, u);                                                              \
		compare_flags_end(c, u, x87_##fn(c, x87_st(c, 0), x87_st(c, u->rm)));              \
		if (pops)                                                                          \
			x87_pop(c);                                                                \
		NEXT(c, u);                                                                        \
	}

COMPARE_FLAGS(FCOMI, fcom, 0)
COMPARE_FLAGS(FCOMIP, fcom, 1)
COMPARE_FLAGS(FUCOMI, fucom, 0)
COMPARE_FLAGS(FUCOMIP, fucom, 1)

static UOP(none_FTST)
{
	static const f80 zero = { .mant = 0 };

	x87_begin(c, u);
	if (unlikely(!x87_valid(c, 0)))
		compare_empty(c, u);
	else
		compare_end(c, u, x87_fcom(c, x87_st(c, 0), &zero));
	NEXT(c, u);
}

#define AT(OP, slot) [X86_OP_##OP - X87_FIRST][X87_##slot]
#define ARITH_ROW(OP, fn)                                                                          \
	AT(OP, ST0_STI) = st0_##OP, AT(OP, STI_ST0) = sti_##OP, AT(OP##P, STI_ST0) = pop_##OP,     \
	AT(OP, M32) = mem_##OP##_M32, AT(OP, M64) = mem_##OP##_M64,                                \
	AT(OP, M16I) = mem_##OP##_M16I, AT(OP, M32I) = mem_##OP##_M32I,
#define COMPARE_ROW(OP)                                                                            \
	AT(OP, STI) = sti_##OP, AT(OP, ST0_STI) = sti_##OP, AT(OP, M32) = mem_##OP##_M32,          \
	AT(OP, M64) = mem_##OP##_M64, AT(OP, M16I) = mem_##OP##_M16I,                              \
	AT(OP, M32I) = mem_##OP##_M32I,

static const uop_fn arith_table[X87_COUNT][X87_NSLOT] = {
	ARITH_OPS(ARITH_ROW)
	COMPARE_ROW(FCOM)
	COMPARE_ROW(FCOMP)
	AT(FCOMPP, NONE) = sti_FCOMPP,
	AT(FUCOM, STI) = sti_FUCOM,
	AT(FUCOMP, STI) = sti_FUCOMP,
	AT(FUCOMPP, NONE) = sti_FUCOMPP,
	AT(FCOMI, ST0_STI) = sti_FCOMI,
	AT(FCOMIP, ST0_STI) = sti_FCOMIP,
	AT(FUCOMI, ST0_STI) = sti_FUCOMI,
	AT(FUCOMIP, ST0_STI) = sti_FUCOMIP,
	AT(FTST, NONE) = none_FTST,
};

uop_fn x87_arith_find(unsigned int op, unsigned int slot)
{
	return arith_table[op - X87_FIRST][slot];
}

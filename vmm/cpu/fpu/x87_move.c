// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Handlers of x87 loads, stores, exchanges, conditional moves and stack control.
 *
 * Source: Intel SDM volume 1 section 8.3, volume 2.
 */
#include "vmm/cpu/fpu/x87.h"

X87_LOAD(fld_M32, "flds", u32)
X87_LOAD(fld_M64, "fldl", u64)
X87_STORE(fst_M32, "fstps", u32)
X87_STORE(fst_M64, "fstpl", u64)
X87_STORE(fst_M16I, "fistps", u16)
X87_STORE(fst_M32I, "fistpl", u32)
X87_STORE(fst_M64I, "fistpll", u64)

struct bcd {
	u8 b[10];
};

X87_STORE(fst_BCD, "fbstp", struct bcd)

/* ---- loads ---- */

static COLD void load_overflow(struct cpu *c, const struct uop *u)
{
	if (x87_stack_fault(c, u, true))
		x87_push(c, &x87_indefinite);
}

/* Pushes r unless the register there is taken. */
static ALWAYS_INLINE void load_push(struct cpu *c, const struct uop *u, const f80 *r)
{
	if (unlikely(x87_valid(c, 7))) {
		load_overflow(c, u);
		return;
	}
	c->fpu.sw &= ~X87_C1;
	x87_push(c, r);
}

#define LOAD_FLOAT(size, bits)                                                                     \
	static COLD UOP(mem_FLD_##size##_slow)                                                     \
	{                                                                                          \
		u##bits m;                                                                         \
                                                                                                   \
		x87_wait(c, u);                                                                    \
		m = cpu_load##bits(c, u);                                                          \
		x87_begin(c, u);                                                                   \
		if (unlikely(x87_valid(c, 7)))                                                     \
			load_overflow(c, u);                                                       \
		else if (likely(x87_fld_##size(c, u, x87_st(c, 7), &m)))                           \
			x87_push_done(c);                                                          \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(mem_FLD_##size)                                                                 \
	{                                                                                          \
		const u##bits##_una *m = fpu_mem_rd(c, u, bits / 8, false);                        \
                                                                                                   \
		if (unlikely(!m) || !x87_fast_push(c))                                             \
			return mem_FLD_##size##_slow(c, u);                                        \
		x87_begin_fast(c, u);                                                              \
		x87_fld_##size(c, u, x87_st(c, 7), (const u##bits *)m);                            \
		x87_push_done(c);                                                                  \
		NEXT(c, u);                                                                        \
	}

LOAD_FLOAT(M32, 32)
LOAD_FLOAT(M64, 64)

static COLD UOP(mem_FLD_M80_slow)
{
	u64 lin;
	f80 r = { .mant = 0 };

	x87_wait(c, u);
	lin = cpu_lin(c, u, 10, false);
	if (likely(cpu_tlb_rd(c, lin, 10))) {
		r.mant = cpu_rd64(c, u, lin);
		r.sexp = cpu_rd16(c, u, lin + 8);
	} else {
		cpu_slow_read_n(c, u, lin, &r, 10);
	}
	x87_begin(c, u);
	load_push(c, u, &r);
	NEXT(c, u);
}

static UOP(mem_FLD_M80)
{
	const u64_una *m = fpu_mem_rd(c, u, 10, false);

	if (unlikely(!m) || !x87_fast_push(c))
		return mem_FLD_M80_slow(c, u);
	x87_begin_fast(c, u);
	c->fpu.sw &= ~X87_C1;
	x87_push_done(c);
	x87_st(c, 0)->mant = m[0];
	x87_st(c, 0)->sexp = *(const u16_una *)(m + 1);
	NEXT(c, u);
}

/* Integers of up to 64 bits are exact. */
#define LOAD_INT(size, bits, insn)                                                                 \
	static COLD UOP(mem_FILD_##size##_slow)                                                    \
	{                                                                                          \
		u##bits m;                                                                         \
                                                                                                   \
		x87_wait(c, u);                                                                    \
		m = cpu_load##bits(c, u);                                                          \
		x87_begin(c, u);                                                                   \
		if (unlikely(x87_valid(c, 7))) {                                                   \
			load_overflow(c, u);                                                       \
			NEXT(c, u);                                                                \
		}                                                                                  \
		c->fpu.sw &= ~X87_C1;                                                              \
		__asm__ volatile(insn " %1\n\tfstpt %0" : "=m"(*x87_st(c, 7)) : "m"(m));           \
		x87_push_done(c);                                                                  \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(mem_FILD_##size)                                                                \
	{                                                                                          \
		const u##bits##_una *m = fpu_mem_rd(c, u, bits / 8, false);                        \
                                                                                                   \
		if (unlikely(!m) || !x87_fast_push(c))                                             \
			return mem_FILD_##size##_slow(c, u);                                       \
		x87_begin_fast(c, u);                                                              \
		c->fpu.sw &= ~X87_C1;                                                              \
		__asm__ volatile(insn " %1\n\tfstpt %0" : "=m"(*x87_st(c, 7)) : "m"(*m));          \
		x87_push_done(c);                                                                  \
		NEXT(c, u);                                                                        \
	}

LOAD_INT(M16I, 16, "filds")
LOAD_INT(M32I, 32, "fildl")
LOAD_INT(M64I, 64, "fildll")

static UOP(mem_FBLD)
{
	struct bcd m;
	f80 r;

	x87_wait(c, u);
	cpu_load_n(c, u, &m, sizeof(m));
	x87_begin(c, u);
	__asm__ volatile("fbld %1\n\tfstpt %0" : "=m"(r) : "m"(m));
	load_push(c, u, &r);
	NEXT(c, u);
}

static COLD UOP(sti_FLD_slow)
{
	x87_begin(c, u);
	if (unlikely(!x87_valid(c, u->rm))) {
		if (x87_stack_fault(c, u, false))
			x87_push(c, &x87_indefinite);
		NEXT(c, u);
	}
	load_push(c, u, x87_st(c, u->rm));
	NEXT(c, u);
}

static UOP(sti_FLD)
{
	if (!x87_fast_push(c) || unlikely(!x87_valid(c, u->rm)))
		return sti_FLD_slow(c, u);
	x87_begin_fast(c, u);
	c->fpu.sw &= ~X87_C1;
	x87_push(c, x87_st(c, u->rm));
	NEXT(c, u);
}

/* ---- stores ---- */

/*
 * A store may fault after the conversion has raised exceptions in the host's status word; then
 * the guest has not seen them, so they are cleared there before the store is tried.
 */
static ALWAYS_INLINE void store_forget(struct cpu *c, u16 sw)
{
	if (unlikely(sw & X87_FLAGS & ~c->fpu.sw))
		__asm__ volatile("fnclex");
}

#define STORE_CONVERT(OP, size, bits, indefinite, pops)                                            \
	static COLD UOP(mem_##OP##_##size##_slow)                                                  \
	{                                                                                          \
		u##bits m = (u##bits)(indefinite);                                                 \
		u16 sw;                                                                            \
                                                                                                   \
		x87_wait(c, u);                                                                    \
		if (unlikely(!x87_valid(c, 0))) {                                                  \
			x87_begin(c, u);                                                           \
			if (!(c->fpu.cw & X87_IE)) {                                               \
				x87_stack_fault(c, u, false);                                      \
				NEXT(c, u);                                                        \
			}                                                                          \
			cpu_store##bits(c, u, m);                                                  \
			x87_stack_fault(c, u, false);                                              \
		} else {                                                                           \
			sw = x87_fst_##size(c, &m, x87_st(c, 0));                                  \
			store_forget(c, sw);                                                       \
			if (likely(!c->fpu.x87_strict ||                                           \
				   !(sw & ~c->fpu.cw & X87_STOP_MEM)))                             \
				cpu_store##bits(c, u, m);                                          \
			x87_begin(c, u);                                                           \
			if (unlikely(!x87_end_cc(c, u, sw, 0, X87_STOP_MEM)))                      \
				NEXT(c, u);                                                        \
		}                                                                                  \
		if (pops)                                                                          \
			x87_pop(c);                                                                \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(mem_##OP##_##size)                                                              \
	{                                                                                          \
		u##bits##_una *m = fpu_mem_wr(c, u, bits / 8, false);                              \
                                                                                                   \
		if (unlikely(!m) || !x87_fast(c, 0))                                               \
			return mem_##OP##_##size##_slow(c, u);                                     \
		x87_begin_fast(c, u);                                                              \
		x87_take_status(c, x87_fst_##size(c, (u##bits *)m, x87_st(c, 0)), 0);              \
		if (pops)                                                                          \
			x87_pop(c);                                                                \
		NEXT(c, u);                                                                        \
	}

STORE_CONVERT(FST, M32, 32, 0xffc00000u, 0)
STORE_CONVERT(FST, M64, 64, 0xfff8000000000000ull, 0)
STORE_CONVERT(FSTP, M32, 32, 0xffc00000u, 1)
STORE_CONVERT(FSTP, M64, 64, 0xfff8000000000000ull, 1)
STORE_CONVERT(FIST, M16I, 16, 0x8000u, 0)
STORE_CONVERT(FIST, M32I, 32, 0x80000000u, 0)
STORE_CONVERT(FISTP, M16I, 16, 0x8000u, 1)
STORE_CONVERT(FISTP, M32I, 32, 0x80000000u, 1)
STORE_CONVERT(FISTP, M64I, 64, 0x8000000000000000ull, 1)

/* FISTTP: FISTP under truncation, whatever the control word says. The host may lack SSE3. */
#define STORE_TRUNCATE(size, bits, indefinite, insn)                                               \
	static u16 x87_fisttp_##size(const struct cpu *c, u##bits *m, const f80 *a)                \
	{                                                                                          \
		u16 sw, host = x87_host_cw(c), cw = c->fpu.cw | 0x0c00;                            \
                                                                                                   \
		__asm__ volatile(X87_STRICT_IN "fldt %[a]\n\t" insn                                \
					       " %[m]\n\t" X87_STRICT_OUT X87_STRICT_END           \
				 : [sw] "=&a"(sw), [m] "+m"(*m)                                    \
				 : [a] "m"(*a), [cw] "m"(cw), [host] "m"(host));                   \
		return sw;                                                                         \
	}                                                                                          \
	static UOP(mem_FISTTP_##size)                                                              \
	{                                                                                          \
		u##bits m = (u##bits)(indefinite);                                                 \
		u16 sw = 0;                                                                        \
		bool empty;                                                                        \
                                                                                                   \
		x87_wait(c, u);                                                                    \
		empty = !x87_valid(c, 0);                                                          \
		if (!empty)                                                                        \
			sw = x87_fisttp_##size(c, &m, x87_st(c, 0));                               \
		if (!((empty ? X87_IE : sw) & ~c->fpu.cw & X87_STOP_MEM))                          \
			cpu_store##bits(c, u, m);                                                  \
		x87_begin(c, u);                                                                   \
		if (empty ? x87_stack_fault(c, u, false) :                                         \
			    x87_end_cc(c, u, sw & ~X87_C1, 0, X87_STOP_MEM))                       \
			x87_pop(c);                                                                \
		NEXT(c, u);                                                                        \
	}

STORE_TRUNCATE(M16I, 16, 0x8000u, "fistps")
STORE_TRUNCATE(M32I, 32, 0x80000000u, "fistpl")
STORE_TRUNCATE(M64I, 64, 0x8000000000000000ull, "fistpll")

static UOP(mem_FBSTP)
{
	struct bcd m = { { 0, 0, 0, 0, 0, 0, 0, 0xc0, 0xff, 0xff } };
	u16 sw = 0;
	bool empty;

	x87_wait(c, u);
	empty = !x87_valid(c, 0);
	if (!empty) {
		sw = x87_fst_BCD(c, &m, x87_st(c, 0));
		store_forget(c, sw);
	}
	if (!((empty ? X87_IE : sw) & ~c->fpu.cw & X87_STOP_MEM))
		cpu_store_n(c, u, &m, sizeof(m));
	x87_begin(c, u);
	if (empty ? x87_stack_fault(c, u, false) : x87_end_cc(c, u, sw, 0, X87_STOP_MEM))
		x87_pop(c);
	NEXT(c, u);
}

static UOP(mem_FSTP_M80)
{
	bool empty;
	f80 r;

	x87_wait(c, u);
	empty = !x87_valid(c, 0);
	x87_copy(&r, empty ? &x87_indefinite : x87_st(c, 0));
	if (likely(!empty || (c->fpu.cw & X87_IE))) {
		u64 lin = cpu_lin(c, u, 10, true);

		if (likely(cpu_tlb_wr(c, lin, 10))) {
			cpu_wr64(c, u, lin, r.mant);
			cpu_wr16(c, u, lin + 8, r.sexp);
		} else {
			cpu_slow_write_n(c, u, lin, &r, 10);
		}
	}
	x87_begin(c, u);
	c->fpu.sw &= ~X87_C1;
	if (likely(!empty) || x87_stack_fault(c, u, false))
		x87_pop(c);
	NEXT(c, u);
}

static ALWAYS_INLINE bool store_reg(struct cpu *c, const struct uop *u)
{
	const f80 *r = x87_st(c, 0);

	x87_begin(c, u);
	if (unlikely(!x87_valid(c, 0))) {
		if (!x87_stack_fault(c, u, false))
			return false;
		r = &x87_indefinite;
	} else {
		c->fpu.sw &= ~X87_C1;
	}
	x87_set(c, u->rm, r);
	return true;
}

static UOP(sti_FST)
{
	store_reg(c, u);
	NEXT(c, u);
}

static COLD UOP(sti_FSTP_slow)
{
	if (store_reg(c, u))
		x87_pop(c);
	NEXT(c, u);
}

static UOP(sti_FSTP)
{
	if (!x87_fast(c, 0))
		return sti_FSTP_slow(c, u);
	x87_begin_fast(c, u);
	c->fpu.sw &= ~X87_C1;
	x87_set(c, u->rm, x87_st(c, 0));
	x87_pop(c);
	NEXT(c, u);
}

/* ---- between registers ---- */

static COLD UOP(sti_FXCH_slow)
{
	f80 a, b;

	x87_begin(c, u);
	x87_copy(&a, x87_st(c, 0));
	x87_copy(&b, x87_st(c, u->rm));
	if (unlikely(!x87_valid(c, 0) || !x87_valid(c, u->rm))) {
		if (!x87_stack_fault(c, u, false))
			NEXT(c, u);
		if (!x87_valid(c, 0))
			a = x87_indefinite;
		if (!x87_valid(c, u->rm))
			b = x87_indefinite;
	} else {
		c->fpu.sw &= ~X87_C1;
	}
	x87_set(c, 0, &b);
	x87_set(c, u->rm, &a);
	NEXT(c, u);
}

static UOP(sti_FXCH)
{
	f80 *s = x87_st(c, 0), *d = x87_st(c, u->rm), t;

	if (!x87_fast(c, u->rm))
		return sti_FXCH_slow(c, u);
	x87_begin_fast(c, u);
	c->fpu.sw &= ~X87_C1;
	x87_copy(&t, s);
	x87_copy(s, d);
	x87_copy(d, &t);
	NEXT(c, u);
}

/* aux: the x86 condition, of those that look at CF, ZF and PF */
static UOP(sti_FCMOVCC)
{
	x87_begin(c, u);
	if (unlikely(!x87_valid(c, 0) || !x87_valid(c, u->rm))) {
		/* Whatever the condition. */
		if (x87_stack_fault(c, u, false))
			x87_set(c, 0, &x87_indefinite);
		NEXT(c, u);
	}
	if (fl_cond(c, u->aux))
		x87_set(c, 0, x87_st(c, u->rm));
	NEXT(c, u);
}

static UOP(sti_FFREE)
{
	x87_begin(c, u);
	c->fpu.sw &= ~X87_C1;
	c->fpu.tags &= ~(1u << x87_phys(c, u->rm));
	NEXT(c, u);
}

static UOP(sti_FFREEP)
{
	x87_begin(c, u);
	c->fpu.sw &= ~X87_C1;
	c->fpu.tags &= ~(1u << x87_phys(c, u->rm));
	x87_pop(c);
	NEXT(c, u);
}

static UOP(none_FDECSTP)
{
	x87_begin(c, u);
	c->fpu.sw &= ~X87_C1;
	c->fpu.top = (c->fpu.top - 1) & 7;
	NEXT(c, u);
}

static UOP(none_FINCSTP)
{
	x87_begin(c, u);
	c->fpu.sw &= ~X87_C1;
	c->fpu.top = (c->fpu.top + 1) & 7;
	NEXT(c, u);
}

#define AT(OP, slot) [X86_OP_##OP - X87_FIRST][X87_##slot]

static const uop_fn move_table[X87_COUNT][X87_NSLOT] = {
	AT(FLD, M32) = mem_FLD_M32,
	AT(FLD, M64) = mem_FLD_M64,
	AT(FLD, M80) = mem_FLD_M80,
	AT(FLD, STI) = sti_FLD,
	AT(FILD, M16I) = mem_FILD_M16I,
	AT(FILD, M32I) = mem_FILD_M32I,
	AT(FILD, M64I) = mem_FILD_M64I,
	AT(FBLD, BCD) = mem_FBLD,
	AT(FST, M32) = mem_FST_M32,
	AT(FST, M64) = mem_FST_M64,
	AT(FST, STI) = sti_FST,
	AT(FSTP, M32) = mem_FSTP_M32,
	AT(FSTP, M64) = mem_FSTP_M64,
	AT(FSTP, M80) = mem_FSTP_M80,
	AT(FSTP, STI) = sti_FSTP,
	AT(FIST, M16I) = mem_FIST_M16I,
	AT(FIST, M32I) = mem_FIST_M32I,
	AT(FISTP, M16I) = mem_FISTP_M16I,
	AT(FISTP, M32I) = mem_FISTP_M32I,
	AT(FISTP, M64I) = mem_FISTP_M64I,
	AT(FISTTP, M16I) = mem_FISTTP_M16I,
	AT(FISTTP, M32I) = mem_FISTTP_M32I,
	AT(FISTTP, M64I) = mem_FISTTP_M64I,
	AT(FBSTP, BCD) = mem_FBSTP,
	AT(FXCH, STI) = sti_FXCH,
	AT(FCMOVCC, ST0_STI) = sti_FCMOVCC,
	AT(FFREE, STI) = sti_FFREE,
	AT(FFREEP, STI) = sti_FFREEP,
	AT(FDECSTP, NONE) = none_FDECSTP,
	AT(FINCSTP, NONE) = none_FINCSTP,
};

uop_fn x87_move_find(unsigned int op, unsigned int slot)
{
	return move_table[op - X87_FIRST][slot];
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Uops of the eight arithmetic operations, TEST, INC, DEC, NEG, NOT and shifts of registers: one
 * function per operation, operand form and width. Semantics: Intel SDM volume 2.
 */
#include "vmm/cpu/uops.h"

/* reg = reg op rm; reg = reg op imm */
#define DEF_RR_RI(name, w, ALU)                                                                    \
	static UOP(name##w##_rr)                                                                   \
	{                                                                                          \
		u##w a = RD##w(u->reg), b = RD##w(u->rm), r;                                       \
		ALU(w, a, b, r)                                                                    \
		WR##w(u->reg, r);                                                                  \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(name##w##_ri)                                                                   \
	{                                                                                          \
		u##w a = RD##w(u->reg), b = (u##w)u->imm, r;                                       \
		ALU(w, a, b, r)                                                                    \
		WR##w(u->reg, r);                                                                  \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	DEF_LOAD(name##w##_rm, w, {                                                                \
		u##w a = RD##w(u->reg), r;                                                         \
		ALU(w, a, v, r)                                                                    \
		WR##w(u->reg, r);                                                                  \
	})                                                                                         \
	DEF_RMW(name##w##_mr, w, {                                                                 \
		u##w b = RD##w(u->reg);                                                            \
		ALU(w, v, b, r)                                                                    \
	})                                                                                         \
	DEF_RMW(name##w##_mi, w, {                                                                 \
		u##w b = (u##w)u->imm;                                                             \
		ALU(w, v, b, r)                                                                    \
	})

#define DEF_CMP(name, w, ALU)                                                                      \
	static UOP(name##w##_rr)                                                                   \
	{                                                                                          \
		u##w a = RD##w(u->reg), b = RD##w(u->rm), r;                                       \
		ALU(w, a, b, r)                                                                    \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(name##w##_ri)                                                                   \
	{                                                                                          \
		u##w a = RD##w(u->reg), b = (u##w)u->imm, r;                                       \
		ALU(w, a, b, r)                                                                    \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	DEF_LOAD(name##w##_rm, w, {                                                                \
		u##w a = RD##w(u->reg), r;                                                         \
		ALU(w, a, v, r)                                                                    \
	})                                                                                         \
	DEF_LOAD(name##w##_mr, w, {                                                                \
		u##w b = RD##w(u->reg), r;                                                         \
		ALU(w, v, b, r)                                                                    \
	})                                                                                         \
	DEF_LOAD(name##w##_mi, w, {                                                                \
		u##w b = (u##w)u->imm, r;                                                          \
		ALU(w, v, b, r)                                                                    \
	})

#define ALL_OPS(w)                                                                                 \
	DEF_RR_RI(add, w, ALU_ADD)                                                                 \
	DEF_RR_RI(or, w, ALU_OR)                                                                   \
	DEF_RR_RI(adc, w, ALU_ADC)                                                                 \
	DEF_RR_RI(sbb, w, ALU_SBB)                                                                 \
	DEF_RR_RI(and, w, ALU_AND)                                                                 \
	DEF_RR_RI(sub, w, ALU_SUB)                                                                 \
	DEF_RR_RI(xor, w, ALU_XOR)                                                                 \
	DEF_CMP(cmp, w, ALU_SUB)                                                                   \
	DEF_CMP(test, w, ALU_AND)

ALL_OPS(8)
ALL_OPS(16)
ALL_OPS(32)
ALL_OPS(64)

#define W4(n, f) { n##8_##f, n##16_##f, n##32_##f, n##64_##f }
#define W4ROW(n, f) { ROW(n##8_##f), ROW(n##16_##f), ROW(n##32_##f), ROW(n##64_##f) }
#define TABLE(t, M, f)                                                                             \
	{                                                                                          \
		M(add, f), M(or, f), M(adc, f), M(sbb, f), M(and, f), M(sub, f), M(xor, f),        \
			M(cmp, f), M(test, f),                                                     \
	}
const uop_fn uop_alu_rr[ALU_NIDX][4] = TABLE(, W4, rr);
const uop_fn uop_alu_ri[ALU_NIDX][4] = TABLE(, W4, ri);
const uop_fn uop_alu_rm[ALU_NIDX][4][AM_NR] = TABLE(, W4ROW, rm);
const uop_fn uop_alu_mr[ALU_NIDX][4][AM_NR] = TABLE(, W4ROW, mr);
const uop_fn uop_alu_mi[ALU_NIDX][4][AM_NR] = TABLE(, W4ROW, mi);

/* -- forms whose flags nobody reads -- */

#define DEF_NF(name, w, op)                                                                        \
	static UOP(name##w##_nf_rr)                                                                \
	{                                                                                          \
		WR##w(u->reg, RD##w(u->reg) op RD##w(u->rm));                                      \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(name##w##_nf_ri)                                                                \
	{                                                                                          \
		WR##w(u->reg, RD##w(u->reg) op (u##w)u->imm);                                      \
		NEXT(c, u);                                                                        \
	}
DEF_NF(and, 32, &)
DEF_NF(and, 64, &)
DEF_NF(or, 32, |)
DEF_NF(or, 64, |)
DEF_NF(xor, 32, ^)
DEF_NF(xor, 64, ^)

#define DEF_SHIFT_NF(name, w, T, op)                                                               \
	static UOP(name##w##_nf_ri)                                                                \
	{                                                                                          \
		WR##w(u->reg, (u##w)((T)RD##w(u->reg) op u->imm));                                 \
		NEXT(c, u);                                                                        \
	}
DEF_SHIFT_NF(shl, 32, u32, <<)
DEF_SHIFT_NF(shl, 64, u64, <<)
DEF_SHIFT_NF(shr, 32, u32, >>)
DEF_SHIFT_NF(shr, 64, u64, >>)
DEF_SHIFT_NF(sar, 32, s32, >>)
DEF_SHIFT_NF(sar, 64, s64, >>)

#define W2(n, f) { n##32_nf_##f, n##64_nf_##f }
const uop_fn uop_logic_nf_rr[3][2] = { W2(and, rr), W2(or, rr), W2(xor, rr) };
const uop_fn uop_logic_nf_ri[3][2] = { W2(and, ri), W2(or, ri), W2(xor, ri) };
const uop_fn uop_shift_nf_ri[3][2] = { W2(shl, ri), W2(shr, ri), W2(sar, ri) };

/* -- one operand -- */

#define DEF_ONE(w)                                                                                 \
	static UOP(inc##w##_r)                                                                     \
	{                                                                                          \
		u##w a = RD##w(u->reg), r = (u##w)(a + 1);                                         \
		fl_inc##w(c, a, r, r == 0);                                                        \
		WR##w(u->reg, r);                                                                  \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(dec##w##_r)                                                                     \
	{                                                                                          \
		u##w a = RD##w(u->reg), r = (u##w)(a - 1);                                         \
		fl_inc##w(c, a, r, a == 0);                                                        \
		WR##w(u->reg, r);                                                                  \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(neg##w##_r)                                                                     \
	{                                                                                          \
		u##w a = RD##w(u->reg), z = 0, r;                                                  \
		ALU_SUB(w, z, a, r)                                                                \
		WR##w(u->reg, r);                                                                  \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(not##w##_r)                                                                     \
	{                                                                                          \
		WR##w(u->reg, (u##w)~RD##w(u->reg));                                               \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	DEF_RMW(inc##w##_m, w, {                                                                   \
		r = (u##w)(v + 1);                                                                 \
		fl_inc##w(c, v, r, r == 0);                                                        \
	})                                                                                         \
	DEF_RMW(dec##w##_m, w, {                                                                   \
		r = (u##w)(v - 1);                                                                 \
		fl_inc##w(c, v, r, v == 0);                                                        \
	})
DEF_ONE(8)
DEF_ONE(16)
DEF_ONE(32)
DEF_ONE(64)
const uop_fn uop_inc_r[4] = W4(inc, r);
const uop_fn uop_dec_r[4] = W4(dec, r);
const uop_fn uop_neg_r[4] = W4(neg, r);
const uop_fn uop_not_r[4] = W4(not, r);
const uop_fn uop_inc_m[4][AM_NR] = W4ROW(inc, m);
const uop_fn uop_dec_m[4][AM_NR] = W4ROW(dec, m);

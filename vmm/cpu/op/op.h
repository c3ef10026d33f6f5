/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of rarer integer uops share: the r/m operand, picking a handler by width, and the
 * way to the common semantics of module/x86/alu.h.
 *
 * Those functions take and give RFLAGS bits. An instruction that writes all six arithmetic flags
 * starts with any and ends with fl_unpack(); one that reads some starts with fl_pack(); for CF and OF
 * alone fl_set_cf() and fl_set_cfof() are cheaper. What a program does all the time (additions,
 * comparisons, logic, INC, DEC, NEG, SHL, SHR, SAR, and with them CMPXCHG and XADD) does not go this
 * way: it writes the lazy form of flags.h at once, see ALU_ADD() and its like in uops.h, and shift.h.
 */
#ifndef VMM_CPU_OP_OP_H
#define VMM_CPU_OP_OP_H

#include "module/x86/alu.h"
#include "module/x86/decode.h"
#include "vmm/cpu/uops.h"

#define INT_WIDTH(w)                                                                               \
	/* The r/m operand: register rm or memory. */                                              \
	static ALWAYS_INLINE u##w rm_read##w(struct cpu *c, const struct uop *u)                   \
	{                                                                                          \
		return u->am == AM_NONE ? RD##w(u->rm) : cpu_load##w(c, u);                        \
	}                                                                                          \
	/* BTS, BTR, BTC; op: enum rmw_op; n is masked to the width */                             \
	static ALWAYS_INLINE u##w bit_change##w(struct cpu *c, unsigned int op, u##w a, u64 n)     \
	{                                                                                          \
		u32 fl = 0;                                                                        \
		u##w r;                                                                            \
		if (op == RMW_BTS)                                                                 \
			r = x86_bts##w(a, n, &fl);                                                 \
		else if (op == RMW_BTR)                                                            \
			r = x86_btr##w(a, n, &fl);                                                 \
		else                                                                               \
			r = x86_btc##w(a, n, &fl);                                                 \
		fl_set_cf(c, fl & X86_FL_CF);                                                      \
		return r;                                                                          \
	}
INT_WIDTH(8)
INT_WIDTH(16)
INT_WIDTH(32)
INT_WIDTH(64)
#undef INT_WIDTH

static inline uop_fn pick3(const struct x86_insn *i, uop_fn w16, uop_fn w32, uop_fn w64)
{
	return i->opsize == 2 ? w16 : i->opsize == 8 ? w64 : w32;
}

static inline uop_fn pick4(const struct x86_insn *i, uop_fn w8, uop_fn w16, uop_fn w32, uop_fn w64)
{
	return i->opsize == 1 ? w8 : pick3(i, w16, w32, w64);
}

#define PICK2(n) (i->opsize == 8 ? n##64 : n##32)
#define PICK3(n) pick3(i, n##16, n##32, n##64)
#define PICK4(n) pick4(i, n##8, n##16, n##32, n##64)

/* The handler of an instruction, with what it needs of `u` filled in; NULL: not one of this file's. */
uop_fn uop_mul_find(const struct x86_insn *i, struct uop *u);     /* mul.c */
uop_fn uop_bit_find(const struct x86_insn *i, struct uop *u);     /* bit.c */
uop_fn uop_bmi_find(const struct x86_insn *i, struct uop *u);     /* bmi.c */
uop_fn uop_bcd_find(const struct x86_insn *i, struct uop *u);     /* bcd.c */
uop_fn uop_cmpxchg_find(const struct x86_insn *i, struct uop *u); /* cmpxchg.c */
uop_fn uop_flag_find(const struct x86_insn *i, const struct cpu *c); /* flag.c */
uop_fn uop_shxd_find(const struct x86_insn *i, struct uop *u);    /* shift.c: SHLD, SHRD */

#endif

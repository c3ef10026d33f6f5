// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Uops of single bits: BT and its kin, bit scans and counts; results and flags come from
 * module/x86/alu.h. Bits of memory that a register numbers can be far from the operand.
 */
#include "vmm/cpu/op/op.h"

#define DEF_BITS(w)                                                                                \
	static ALWAYS_INLINE void bt_flag##w(struct cpu *c, u##w v, u64 n)                         \
	{                                                                                          \
		u32 fl = 0;                                                                        \
		x86_bt##w(v, n, &fl);                                                              \
		fl_set_cf(c, fl & X86_FL_CF);                                                      \
	}                                                                                          \
	static UOP(bt_i##w)                                                                        \
	{                                                                                          \
		bt_flag##w(c, rm_read##w(c, u), u->imm);                                           \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(bt_rr##w)                                                                       \
	{                                                                                          \
		bt_flag##w(c, RD##w(u->rm), RD##w(u->reg));                                        \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(bt_mr##w)                                                                       \
	{                                                                                          \
		u##w n = RD##w(u->reg);                                                            \
		u64 ea = cpu_ea(c, u) + (u64)((s64)(s##w)n >> __builtin_ctz(w)) * (w / 8), lin;    \
		if (u->am <= AM_64X)                                                               \
			lin = ea + c->gpr[u->seg];                                                 \
		else if (u->am == AM_32)                                                           \
			lin = (u32)(ea + c->gpr[u->seg]);                                          \
		else                                                                               \
			lin = cpu_lin_seg(c, u, ea, w / 8, false);                                 \
		bt_flag##w(c, cpu_rd##w(c, u, lin), n);                                            \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	/* BTS, BTR, BTC of a register; aux: enum rmw_op, RMW_REG: the bit's number is in reg */   \
	static UOP(btx_r##w)                                                                       \
	{                                                                                          \
		u64 n = u->aux & RMW_REG ? c->gpr[u->reg] : u->imm;                                \
		WR##w(u->rm, bit_change##w(c, u->aux & 0x3f, RD##w(u->rm), n));                    \
		NEXT(c, u);                                                                        \
	}

/* Source 0: the destination stays as it is, upper half included. */
#define DEF_SCAN(name, w)                                                                          \
	static UOP(name##w)                                                                        \
	{                                                                                          \
		u##w v = rm_read##w(c, u), r;                                                      \
		u32 fl = 0;                                                                        \
		r = x86_##name##w(v, 0, &fl);                                                      \
		fl_unpack(c, fl);                                                                  \
		if (v)                                                                             \
			WR##w(u->reg, r);                                                          \
		NEXT(c, u);                                                                        \
	}

#define DEF_COUNT(name, w)                                                                         \
	static UOP(name##w)                                                                        \
	{                                                                                          \
		u32 fl = 0;                                                                        \
		u##w r = x86_##name##w(rm_read##w(c, u), &fl);                                     \
		fl_unpack(c, fl);                                                                  \
		WR##w(u->reg, r);                                                                  \
		NEXT(c, u);                                                                        \
	}

#define DEF_WIDTH(w)                                                                               \
	DEF_BITS(w) DEF_SCAN(bsf, w) DEF_SCAN(bsr, w)                                              \
	DEF_COUNT(tzcnt, w) DEF_COUNT(lzcnt, w) DEF_COUNT(popcnt, w)
DEF_WIDTH(16)
DEF_WIDTH(32)
DEF_WIDTH(64)

static u8 change_op(const struct x86_insn *i)
{
	return i->op == X86_OP_BTS ? RMW_BTS : i->op == X86_OP_BTR ? RMW_BTR : RMW_BTC;
}

uop_fn uop_bit_find(const struct x86_insn *i, struct uop *u)
{
	bool reg_bit = i->form == X86_FORM_RM_R;

	switch (i->op) {
	case X86_OP_BT:
		if (!reg_bit)
			return PICK3(bt_i);
		return i->mod == 3 ? PICK3(bt_rr) : PICK3(bt_mr);
	case X86_OP_BTS:
	case X86_OP_BTR:
	case X86_OP_BTC:
		u->aux = (u8)(change_op(i) | (reg_bit ? RMW_REG : 0));
		return i->mod == 3 ? PICK3(btx_r) : uop_rmw_m[__builtin_ctz(i->opsize)];
	case X86_OP_BSF: return PICK3(bsf);
	case X86_OP_BSR: return PICK3(bsr);
	case X86_OP_TZCNT: return PICK3(tzcnt);
	case X86_OP_LZCNT: return PICK3(lzcnt);
	case X86_OP_POPCNT: return PICK3(popcnt);
	default: return NULL;
	}
}

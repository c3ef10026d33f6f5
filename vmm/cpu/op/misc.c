// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Integer instructions that have no room of their own (conversions, byte order, XLAT, MOV from a
 * segment register), and the way to those that have: uop_misc_find().
 * Semantics: Intel SDM volume 2, byte order from module/x86/alu.h.
 */
#include "vmm/cpu/op/op.h"

#define DEF_MOVBE(w)                                                                               \
	static UOP(movbe_rm##w)                                                                    \
	{                                                                                          \
		WR##w(u->reg, x86_bswap##w(cpu_load##w(c, u)));                                    \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(movbe_mr##w)                                                                    \
	{                                                                                          \
		cpu_store##w(c, u, x86_bswap##w(RD##w(u->reg)));                                   \
		NEXT(c, u);                                                                        \
	}
DEF_MOVBE(16)
DEF_MOVBE(32)
DEF_MOVBE(64)

static UOP(bswap16) { WR16(u->rm, 0); NEXT(c, u); } /* undefined; processors clear it */
static UOP(bswap32) { WR32(u->rm, x86_bswap32(RD32(u->rm))); NEXT(c, u); }
static UOP(bswap64) { WR64(u->rm, x86_bswap64(RD64(u->rm))); NEXT(c, u); }
static UOP(cbw16) { WR16(0, (u16)(s8)c->gpr[0]); NEXT(c, u); }
static UOP(cbw32) { WR32(0, (u32)(s16)c->gpr[0]); NEXT(c, u); }
static UOP(cbw64) { WR64(0, (u64)(s64)(s32)c->gpr[0]); NEXT(c, u); }
static UOP(cwd16) { WR16(2, (u16)((s16)c->gpr[0] >> 15)); NEXT(c, u); }
static UOP(cwd32) { WR32(2, (u32)((s32)c->gpr[0] >> 31)); NEXT(c, u); }
static UOP(cwd64) { WR64(2, (u64)((s64)c->gpr[0] >> 63)); NEXT(c, u); }

/* seg: enum x86_seg_reg */
static UOP(xlat)
{
	u64 ea = c->gpr[X86_RBX] + (u8)c->gpr[X86_RAX];

	if (u->flags & UOP_A16)
		ea = (u16)ea;
	else if (u->flags & UOP_A32)
		ea = (u32)ea;
	WR8(0, cpu_rd8(c, u, cpu_seg_lin(c, u, u->seg, ea, 1, false)));
	NEXT(c, u);
}

/* MOV r/m,Sreg: a register gets the operand size, memory 16 bits. */
static UOP(mov_from_sreg)
{
	u16 sel = c->seg[u->reg].sel;

	if (u->am != AM_NONE)
		cpu_store16(c, u, sel);
	else if (u->flags & UOP_O16)
		WR16(u->rm, sel);
	else
		c->gpr[u->rm] = sel;
	NEXT(c, u);
}

uop_fn uop_misc_find(const struct x86_insn *i, struct uop *u, const struct cpu *c)
{
	uop_fn f;

	switch (i->op) {
	case X86_OP_CBW: return PICK3(cbw);
	case X86_OP_CWD: return PICK3(cwd);
	case X86_OP_BSWAP: return PICK3(bswap);
	case X86_OP_MOVBE:
		return i->form == X86_FORM_R_RM ? PICK3(movbe_rm) : PICK3(movbe_mr);
	case X86_OP_XLAT:
		u->seg = i->seg;
		return xlat;
	case X86_OP_MOV_SREG:
		return i->form == X86_FORM_RM_SREG ? mov_from_sreg : NULL;
	default: break;
	}
	f = uop_flag_find(i, c);
	if (!f)
		f = uop_bit_find(i, u);
	if (!f)
		f = uop_mul_find(i, u);
	if (!f)
		f = uop_cmpxchg_find(i, u);
	if (!f)
		f = uop_shxd_find(i, u);
	if (!f)
		f = uop_bmi_find(i, u);
	return f ? f : uop_bcd_find(i, u);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* Uops of the decimal adjustments, all of module/x86/alu.h. */
#include "vmm/cpu/op/op.h"

#define DEF_ADJUST(name, w)                                                                        \
	static UOP(name)                                                                           \
	{                                                                                          \
		u32 fl = fl_pack(c);                                                               \
		WR##w(X86_RAX, x86_##name((u##w)c->gpr[X86_RAX], &fl));                            \
		fl_unpack(c, fl);                                                                  \
		NEXT(c, u);                                                                        \
	}
DEF_ADJUST(daa, 8)
DEF_ADJUST(das, 8)
DEF_ADJUST(aaa, 16)
DEF_ADJUST(aas, 16)

static UOP(aam)
{
	u16 ax = (u16)c->gpr[X86_RAX];
	u32 fl = 0;

	if (x86_aam(&ax, (u8)u->imm, &fl)) {
		cpu_at(c, u);
		cpu_fault(c, X86_DE);
	}
	WR16(X86_RAX, ax);
	fl_unpack(c, fl);
	NEXT(c, u);
}

static UOP(aad)
{
	u32 fl = 0;

	WR16(X86_RAX, x86_aad((u16)c->gpr[X86_RAX], (u8)u->imm, &fl));
	fl_unpack(c, fl);
	NEXT(c, u);
}

uop_fn uop_bcd_find(const struct x86_insn *i, struct uop *u)
{
	switch (i->op) {
	case X86_OP_DAA: return daa;
	case X86_OP_DAS: return das;
	case X86_OP_AAA: return aaa;
	case X86_OP_AAS: return aas;
	case X86_OP_AAM: return aam;
	case X86_OP_AAD: return aad;
	default: return NULL;
	}
}

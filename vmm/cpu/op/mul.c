// SPDX-License-Identifier: GPL-2.0-or-later
/* Uops of multiplication and division; results and flags come from module/x86/alu.h. */
#include "vmm/cpu/op/op.h"

static COLD _Noreturn void divide_error(struct cpu *c, const struct uop *u)
{
	cpu_at(c, u);
	cpu_fault(c, X86_DE);
}

/* The forms with two and three operands are busy: those of registers need no stack frame. */
#define DEF_IMUL2(name, w, a, b)                                                                   \
	static UOP(name##w)                                                                        \
	{                                                                                          \
		u32 fl = 0;                                                                        \
		u##w lo = x86_imul2##w(a, b, &fl);                                                 \
		WR##w(u->reg, lo);                                                                 \
		fl_mul##w(c, lo, fl & X86_FL_CF);                                                  \
		NEXT(c, u);                                                                        \
	}
#define DEF_IMUL2S(w)                                                                              \
	DEF_IMUL2(imul_rr, w, RD##w(u->reg), RD##w(u->rm))                                         \
	DEF_IMUL2(imul_rm, w, RD##w(u->reg), cpu_load##w(c, u))                                    \
	DEF_IMUL2(imul_rri, w, RD##w(u->rm), (u##w)u->imm)                                         \
	DEF_IMUL2(imul_rmi, w, cpu_load##w(c, u), (u##w)u->imm)

#define DEF_MUL(name, w)                                                                           \
	static UOP(name##w)                                                                        \
	{                                                                                          \
		u32 fl = 0;                                                                        \
		u##w hi, lo = x86_##name##w(RD##w(X86_RAX), rm_read##w(c, u), &hi, &fl);           \
		WR##w(X86_RAX, lo);                                                                \
		WR##w(X86_RDX, hi);                                                                \
		fl_mul##w(c, lo, fl & X86_FL_CF);                                                  \
		NEXT(c, u);                                                                        \
	}

#define DEF_DIV(name, w)                                                                           \
	static UOP(name##w)                                                                        \
	{                                                                                          \
		u##w d = rm_read##w(c, u), quot, rem;                                              \
		if (unlikely(x86_##name##w(RD##w(X86_RDX), RD##w(X86_RAX), d, &quot, &rem)))       \
			divide_error(c, u);                                                        \
		WR##w(X86_RAX, quot);                                                              \
		WR##w(X86_RDX, rem);                                                               \
		NEXT(c, u);                                                                        \
	}

/* Operands of 8 bits: AH takes the part of DX. */
#define DEF_MUL_8(name)                                                                            \
	static UOP(name##8)                                                                        \
	{                                                                                          \
		u32 fl = 0;                                                                        \
		u8 hi, lo = x86_##name##8((u8)c->gpr[X86_RAX], rm_read8(c, u), &hi, &fl);          \
		WR16(X86_RAX, (u16)(hi << 8 | lo));                                                \
		fl_mul8(c, lo, fl & X86_FL_CF);                                                    \
		NEXT(c, u);                                                                        \
	}
#define DEF_DIV_8(name)                                                                            \
	static UOP(name##8)                                                                        \
	{                                                                                          \
		u8 d = rm_read8(c, u), quot, rem;                                                  \
		u16 ax = (u16)c->gpr[X86_RAX];                                                     \
		if (unlikely(x86_##name##8((u8)(ax >> 8), (u8)ax, d, &quot, &rem)))                \
			divide_error(c, u);                                                        \
		WR16(X86_RAX, (u16)(rem << 8 | quot));                                             \
		NEXT(c, u);                                                                        \
	}

#define DEF_WIDTH(w) DEF_IMUL2S(w) DEF_MUL(mul, w) DEF_MUL(imul, w) DEF_DIV(div, w) DEF_DIV(idiv, w)
DEF_WIDTH(16)
DEF_WIDTH(32)
DEF_WIDTH(64)
DEF_MUL_8(mul)
DEF_MUL_8(imul)
DEF_DIV_8(div)
DEF_DIV_8(idiv)

uop_fn uop_mul_find(const struct x86_insn *i, struct uop *u)
{
	switch (i->op) {
	case X86_OP_MUL: return PICK4(mul);
	case X86_OP_DIV: return PICK4(div);
	case X86_OP_IDIV: return PICK4(idiv);
	case X86_OP_IMUL:
		if (i->form == X86_FORM_R_RM)
			return i->mod == 3 ? PICK3(imul_rr) : PICK3(imul_rm);
		if (i->form == X86_FORM_R_RM_IMM)
			return i->mod == 3 ? PICK3(imul_rri) : PICK3(imul_rmi);
		return PICK4(imul);
	default: return NULL;
	}
}

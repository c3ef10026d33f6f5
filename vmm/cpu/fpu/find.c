// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which function runs a floating-point or vector instruction, and whether the unit may be used.
 *
 * Source: Intel SDM volume 3 sections 2.5 (CR0.EM, MP, TS) and 13.1; volume 2 for the exceptions.
 */
#include "vmm/cpu/fpu/ops.h"

/* The slot of a form's register variant + 1, 0: not a vector form. */
static const u8 simd_slot_of[X86_FORM_COUNT] = {
	[X86_FORM_NONE] = SLOT_NONE + 1,
	[X86_FORM_MEM] = SLOT_NONE + 1,
	[X86_FORM_XMM_XMMM] = SLOT_XR + 1,
	[X86_FORM_XMMM_XMM] = SLOT_XSR + 1,
	[X86_FORM_XMM_IMM] = SLOT_XI + 1,
	[X86_FORM_XMM_RM] = SLOT_X_GR + 1,
	[X86_FORM_RM_XMM] = SLOT_G_XR + 1,
	[X86_FORM_R_XMMM] = SLOT_R_XR + 1,
	[X86_FORM_XMM_MMM] = SLOT_X_MR + 1,
	[X86_FORM_MM_XMMM] = SLOT_M_XR + 1,
	[X86_FORM_MM_MMM] = SLOT_MR + 1,
	[X86_FORM_MMM_MM] = SLOT_MSR + 1,
	[X86_FORM_MM_IMM] = SLOT_MI + 1,
	[X86_FORM_MM_RM] = SLOT_M_GR + 1,
	[X86_FORM_RM_MM] = SLOT_G_MR + 1,
	[X86_FORM_R_MMM] = SLOT_R_MR + 1,
};

/* + 1, 0: not an x87 form. */
static const u8 x87_slot_of[X86_FORM_COUNT] = {
	[X86_FORM_FP_NONE] = X87_NONE + 1,
	[X86_FORM_NONE] = X87_NONE + 1,
	[X86_FORM_FP_ST0_STI] = X87_ST0_STI + 1,
	[X86_FORM_FP_STI_ST0] = X87_STI_ST0 + 1,
	[X86_FORM_FP_STI] = X87_STI + 1,
	[X86_FORM_FP_AX] = X87_AX + 1,
	[X86_FORM_FP_M32] = X87_M32 + 1,
	[X86_FORM_FP_M64] = X87_M64 + 1,
	[X86_FORM_FP_M80] = X87_M80 + 1,
	[X86_FORM_FP_M16I] = X87_M16I + 1,
	[X86_FORM_FP_M32I] = X87_M32I + 1,
	[X86_FORM_FP_M64I] = X87_M64I + 1,
	[X86_FORM_FP_BCD] = X87_BCD + 1,
	[X86_FORM_FP_MEM] = X87_MEM + 1,
};

static uop_fn (*const simd_find[])(unsigned int op, unsigned int slot) = {
	simd_int_find, simd_move_find, simd_arith_find, simd_imm_find, simd_convert_find,
};

static uop_fn (*const x87_find[])(unsigned int op, unsigned int slot) = {
	x87_arith_find, x87_move_find, x87_func_find, x87_control_find,
};

static uop_fn find_x87(const struct x86_insn *i, struct uop *u)
{
	unsigned int slot = x87_slot_of[i->form], k;
	uop_fn fn = NULL;

	if (i->op == X86_OP_FNOP && (i->props & X86_P_FPU_NOWAIT))
		return x87_uop_ignore;
	/* The last-opcode register: the low three bits of D8..DF, and ModRM. */
	u->imm = (u64)(i->opcode & 7) << 8 | (i->mod & 3) << 6 | (i->reg & 7) << 3 | (i->rm & 7);
	u->aux = i->cc;
	/* Environment and state have a short form. */
	u->flags &= ~UOP_O16;
	if (i->memsize == 14 || i->memsize == 94)
		u->flags |= UOP_O16;
	for (k = 0; slot && !fn && k < ARRAY_SIZE(x87_find); k++)
		fn = x87_find[k](i->op, slot - 1);
	return fn;
}

/* The memory operand that MASKMOVQ and MASKMOVDQU have without saying so: DS:rDI. */
static void implicit_rdi(const struct x86_insn *i, struct uop *u)
{
	u->base = X86_RDI;
	u->index = CPU_ZERO;
	u->scale = 0;
	u->disp = 0;
	u->am = AM_SEG;
	u->seg = i->seg;
	u->flags &= ~(UOP_A16 | UOP_A32);
	u->flags |= i->addrsize == 2 ? UOP_A16 : i->addrsize == 4 ? UOP_A32 : 0;
}

static uop_fn find_simd(const struct x86_insn *i, struct uop *u)
{
	unsigned int slot = simd_slot_of[i->form], k;
	uop_fn fn = NULL;

	if (!slot)
		return NULL;
	slot -= 1;
	if (slot < SLOT_NONE && slot != SLOT_XI && slot != SLOT_MI && i->mod != 3)
		slot++;
	u->aux = i->opsize;
	if (i->op == X86_OP_MASKMOVQ || i->op == X86_OP_MASKMOVDQU)
		implicit_rdi(i, u);
	for (k = 0; !fn && k < ARRAY_SIZE(simd_find); k++)
		fn = simd_find[k](i->op, slot);
	return fn;
}

uop_fn cpu_fpu_uop(const struct x86_insn *i, struct uop *u)
{
	/* REX.W changes the length registers of PCMPESTRx and the pointers of FXSAVE. */
	u->flags &= ~UOP_O64;
	if (i->rex & 8)
		u->flags |= UOP_O64;
	if (i->op == X86_OP_FWAIT)
		return x87_uop_fwait;
	if (i->op >= X87_FIRST && i->op < X87_FIRST + X87_COUNT)
		return find_x87(i, u);
	if (i->op >= SIMD_FIRST && i->op < SIMD_FIRST + SIMD_COUNT)
		return find_simd(i, u);
	return fpu_image_find(i->op);
}

/* FXSAVE and XSAVE kinds: device not available, but never undefined for CR4.OSFXSR. */
static bool is_image_op(unsigned int op)
{
	return op >= X86_OP_FXSAVE && op <= X86_OP_XRSTORS;
}

void cpu_fpu_guard(struct cpu *c, const struct x86_insn *i)
{
	bool em = c->cr0 & X86_CR0_EM, ts = c->cr0 & X86_CR0_TS;

	if (i->op == X86_OP_FWAIT) {
		if (ts && (c->cr0 & X86_CR0_MP))
			cpu_fault(c, X86_NM);
		return;
	}
	if (is_image_op(i->op)) {
		if (ts || (em && i->op <= X86_OP_FXRSTOR))
			cpu_fault(c, X86_NM);
		return;
	}
	if (i->props & X86_P_FPU) {
		if (em || ts)
			cpu_fault(c, X86_NM);
		return;
	}
	if (em || (!(i->props & X86_P_MMX) && !(c->cr4 & X86_CR4_OSFXSR)) ||
	    ((i->props & X86_P_SSE) && !(c->cr4 & X86_CR4_OSFXSR)))
		cpu_fault(c, X86_UD);
	if (ts)
		cpu_fault(c, X86_NM);
}

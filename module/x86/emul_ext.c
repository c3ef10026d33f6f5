// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * More of the emulator of single instructions (see emul.h): CMPXCHG8B and CMPXCHG16B, and moves of MMX
 * and SSE registers.
 *
 * Sources: Intel SDM volume 2, AMD APM volume 3 to 5.
 */
#include "module/x86/emul_impl.h"

/* `size` bytes, up to 16, with the check of alignment where the instruction has one. */
static int wide(struct x86_emul *e, unsigned int size, u8 *buf, int write)
{
	unsigned int acc = write ? X86_ACC_WRITE : X86_ACC_READ;
	u64 lin;
	int ret = x86_linear(&e->ctx, e->insn.seg, x86_emul_ea(e), size, acc, &lin);

	if (ret)
		return ret;
	if ((e->insn.props & X86_P_ALIGN) && (lin & (size - 1)))
		return x86_raise_err(&e->ctx, X86_GP, 0);
	return write ? e->ctx.ops->write(&e->ctx, lin, buf, size, acc) :
		       e->ctx.ops->read(&e->ctx, lin, buf, size, acc);
}

int x86_emul_cmpxchg_wide(struct x86_emul *e)
{
	unsigned int half = e->insn.op == X86_OP_CMPXCHG16B ? 8 : 4;
	u64 old[2] = { 0, 0 };
	u8 buf[16];
	int ret = wide(e, 2 * half, buf, 0), equal;

	if (ret)
		return ret;
	memcpy(&old[0], buf, half);
	memcpy(&old[1], buf + half, half);
	equal = old[0] == x86_emul_gpr(e, X86_RAX, half, 0) &&
		old[1] == x86_emul_gpr(e, X86_RDX, half, 0);
	if (equal) {
		memcpy(buf, &e->gpr[X86_RBX], half);
		memcpy(buf + half, &e->gpr[X86_RCX], half);
	}
	ret = wide(e, 2 * half, buf, 1);
	if (ret)
		return ret;
	if (!equal) {
		x86_emul_set_gpr(e, X86_RAX, half, 0, old[0]);
		x86_emul_set_gpr(e, X86_RDX, half, 0, old[1]);
	}
	e->ctx.rflags = (e->ctx.rflags & ~(u64)X86_FL_ZF) | (equal ? X86_FL_ZF : 0);
	return 0;
}

/* ---- moves of vectors ---- */

/* Bytes moved, where in the register they are, whether a load clears the rest of it. */
static const struct {
	u16 op;
	u8 size, at, clear;
} vec_moves[] = {
	{ X86_OP_MOVUPS, 16, 0, 0 },  { X86_OP_MOVUPD, 16, 0, 0 },
	{ X86_OP_MOVAPS, 16, 0, 0 },  { X86_OP_MOVAPD, 16, 0, 0 },
	{ X86_OP_MOVDQA, 16, 0, 0 },  { X86_OP_MOVDQU, 16, 0, 0 },
	{ X86_OP_LDDQU, 16, 0, 0 },   { X86_OP_MOVNTDQA, 16, 0, 0 },
	{ X86_OP_MOVNTPS, 16, 0, 0 }, { X86_OP_MOVNTPD, 16, 0, 0 },
	{ X86_OP_MOVNTDQ, 16, 0, 0 }, { X86_OP_MOVSS, 4, 0, 1 },
	{ X86_OP_MOVSD, 8, 0, 1 },    { X86_OP_MOVQ, 8, 0, 1 },
	{ X86_OP_MOVNTQ, 8, 0, 0 },   { X86_OP_MOVLPS, 8, 0, 0 },
	{ X86_OP_MOVLPD, 8, 0, 0 },   { X86_OP_MOVHPS, 8, 8, 0 },
	{ X86_OP_MOVHPD, 8, 8, 0 },   { X86_OP_MOVD, 0, 0, 1 },
};

/* The faults that come before the access: the unit is off, or switched lazily. */
static int vec_check(struct x86_emul *e, int mmx)
{
	u64 cr0 = e->ctx.ops->get_cr(&e->ctx, 0);

	if ((cr0 & X86_CR0_EM) || (!mmx && !(e->ctx.ops->get_cr(&e->ctx, 4) & X86_CR4_OSFXSR)))
		return x86_raise(&e->ctx, X86_UD);
	return cr0 & X86_CR0_TS ? x86_raise(&e->ctx, X86_NM) : 0;
}

int x86_emul_vec_move(struct x86_emul *e)
{
	unsigned int i, size, form = e->insn.form;
	int mmx = form == X86_FORM_MM_MMM || form == X86_FORM_MMM_MM || form == X86_FORM_MM_RM ||
		  form == X86_FORM_RM_MM;
	int store = form == X86_FORM_XMMM_XMM || form == X86_FORM_MMM_MM || form == X86_FORM_RM_XMM ||
		    form == X86_FORM_RM_MM;
	u8 reg[16], buf[16];
	int ret;

	for (i = 0; vec_moves[i].op != e->insn.op; i++)
		if (i + 1 == sizeof(vec_moves) / sizeof(vec_moves[0]))
			return X86_EMUL_UNKNOWN;
	if (!e->io->vec || e->insn.mod == 3 || (e->insn.props & X86_P_VEX))
		return X86_EMUL_UNKNOWN;
	ret = vec_check(e, mmx);
	if (ret)
		return ret;
	size = vec_moves[i].size ? vec_moves[i].size : e->insn.memsize;
	if (size != 4 && size != 8 && size != 16)
		return X86_EMUL_UNKNOWN;
	memset(reg, 0, sizeof(reg));
	if (store || !vec_moves[i].clear)
		e->io->vec(&e->ctx, e->insn.reg, mmx, reg, 0);
	if (store)
		return wide(e, size, reg + vec_moves[i].at, 1);
	ret = wide(e, size, buf, 0);
	if (ret)
		return ret;
	memcpy(reg + vec_moves[i].at, buf, size);
	e->io->vec(&e->ctx, e->insn.reg, mmx, reg, 1);
	return 0;
}

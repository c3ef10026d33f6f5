// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The emulator's segments, far transfers, software interrupts, descriptor tables and the flags that
 * depend on IOPL. Leans on seg.h, xfer.h, event.h, which find out about the mode by themselves.
 *
 * Sources: Intel SDM volume 2 for each instruction; volume 3, 2.8.
 */
#include "module/x86/emul_impl.h"
#include "module/x86/event.h"
#include "module/x86/task.h"

static int jumped(int ret)
{
	return ret ? ret : X86_EMUL_JUMPED;
}

/* ---- segment registers ---- */

static int sreg_load(struct x86_emul *e, unsigned int seg, u16 sel)
{
	int ret = x86_seg_load(&e->ctx, seg, sel);

	if (!ret && seg == X86_SS)
		e->shadow = X86_EMUL_SHADOW;
	return ret;
}

int x86_emul_sreg(struct x86_emul *e)
{
	struct x86_stack st;
	struct x86_seg s;
	u64 v;
	int ret;

	if (e->insn.reg > X86_GS)
		return x86_raise(&e->ctx, X86_UD);
	switch (e->insn.op) {
	case X86_OP_MOV_SREG:
		e->ctx.ops->get_seg(&e->ctx, e->insn.reg, &s);
		if (e->insn.form == X86_FORM_RM_SREG)
			return x86_emul_rm_set(e, e->insn.mod == 3 ? e->insn.opsize : 2, s.sel);
		if (e->insn.reg == X86_CS)
			return x86_raise(&e->ctx, X86_UD);
		ret = x86_emul_rm_get(e, 2, &v);
		return ret ? ret : sreg_load(e, e->insn.reg, (u16)v);
	case X86_OP_PUSH_SREG:
		e->ctx.ops->get_seg(&e->ctx, e->insn.reg, &s);
		x86_stack_current(&e->ctx, &st);
		ret = x86_push(&e->ctx, &st, e->insn.opsize, s.sel);
		break;
	default:
		/* POP SS moves the stack pointer in the width of the old stack. */
		x86_stack_current(&e->ctx, &st);
		ret = x86_pop(&e->ctx, &st, e->insn.opsize, &v);
		if (!ret)
			ret = sreg_load(e, e->insn.reg, (u16)v);
	}
	if (!ret)
		x86_stack_commit(&e->ctx, &st);
	return ret;
}

/* A far pointer in memory: an offset of the operand's size, then the selector. */
static int far_pointer(struct x86_emul *e, u64 *off, u16 *sel)
{
	u64 v, at = x86_emul_ea(e);
	int ret = x86_emul_mem(e, e->insn.seg, at, e->insn.opsize, off, 0);

	at = (at + e->insn.opsize) & x86_emul_mask(e->insn.addrsize);
	if (!ret)
		ret = x86_emul_mem(e, e->insn.seg, at, 2, &v, 0);
	*sel = ret ? 0 : (u16)v;
	return ret;
}

int x86_emul_lfp(struct x86_emul *e)
{
	u64 off;
	u16 sel;
	int ret = far_pointer(e, &off, &sel);

	if (!ret)
		ret = sreg_load(e, e->insn.imm2, sel);
	if (!ret)
		x86_emul_set_gpr(e, e->insn.reg, e->insn.opsize, 0, off);
	return ret;
}

/* ---- far transfers ---- */

int x86_emul_far(struct x86_emul *e)
{
	unsigned int osz = e->insn.opsize;
	u64 off = e->insn.imm;
	u16 sel = e->insn.imm2;
	int ret = 0;

	if (e->insn.op == X86_OP_JMP_FAR_IND || e->insn.op == X86_OP_CALL_FAR_IND)
		ret = far_pointer(e, &off, &sel);
	if (ret)
		return ret;
	e->ctx.rip += e->insn.len;
	switch (e->insn.op) {
	case X86_OP_JMP_FAR_PTR:
	case X86_OP_JMP_FAR_IND:
		return jumped(x86_far_jmp(&e->ctx, sel, off, osz));
	case X86_OP_CALL_FAR_PTR:
	case X86_OP_CALL_FAR_IND:
		return jumped(x86_far_call(&e->ctx, sel, off, osz));
	case X86_OP_RET_FAR:
		return jumped(x86_far_ret(&e->ctx, osz, (u16)e->insn.imm));
	}
	return jumped(x86_iret(&e->ctx, osz));
}

int x86_emul_int(struct x86_emul *e)
{
	e->ctx.rip += e->insn.len;
	switch (e->insn.op) {
	case X86_OP_INT:
		return jumped(x86_event_soft(&e->ctx, (u8)e->insn.imm, X86_EV_SOFT));
	case X86_OP_INT3:
		return jumped(x86_event_soft(&e->ctx, X86_BP, X86_EV_SOFT_EXC));
	case X86_OP_INT1:
		return jumped(x86_event_soft(&e->ctx, X86_DB, X86_EV_ICEBP));
	}
	if (!(e->ctx.rflags & X86_FL_OF))
		return X86_EMUL_JUMPED;
	return jumped(x86_event_soft(&e->ctx, X86_OF, X86_EV_SOFT_EXC));
}

/* ---- flags ---- */

static unsigned int iopl(struct x86_emul *e)
{
	return (e->ctx.rflags & X86_FL_IOPL) >> 12;
}

/* Without the extensions that virtualize IF (VME, PVI): those states no CPU hands over. */
int x86_emul_if(struct x86_emul *e)
{
	if (e->ctx.cpl > iopl(e))
		return x86_raise_err(&e->ctx, X86_GP, 0);
	if (e->insn.op == X86_OP_CLI) {
		e->ctx.rflags &= ~(u64)X86_FL_IF;
		return 0;
	}
	if (!(e->ctx.rflags & X86_FL_IF))
		e->shadow = X86_EMUL_SHADOW;
	e->ctx.rflags |= X86_FL_IF;
	return 0;
}

int x86_emul_pushf(struct x86_emul *e)
{
	u64 mask = X86_FL_ARITH | X86_FL_TF | X86_FL_DF | X86_FL_NT, fl;
	struct x86_stack st;
	int ret;

	if (x86_is_v86(&e->ctx) && iopl(e) < 3)
		return x86_raise_err(&e->ctx, X86_GP, 0);
	x86_stack_current(&e->ctx, &st);
	if (e->insn.op == X86_OP_PUSHF) {
		fl = e->ctx.rflags & ~(u64)(X86_FL_VM | X86_FL_RF);
		ret = x86_push(&e->ctx, &st, e->insn.opsize,
			       fl & x86_emul_mask(e->insn.opsize));
	} else {
		ret = x86_pop(&e->ctx, &st, e->insn.opsize, &fl);
		if (e->insn.opsize > 2)
			mask |= X86_FL_AC | X86_FL_ID;
		if (!e->ctx.cpl)
			mask |= X86_FL_IOPL;
		if (e->ctx.cpl <= iopl(e))
			mask |= X86_FL_IF;
		if (!ret)
			e->ctx.rflags = (e->ctx.rflags & ~mask) | (fl & mask);
	}
	if (!ret)
		x86_stack_commit(&e->ctx, &st);
	return ret;
}

/* ---- descriptor tables ---- */

int x86_emul_table(struct x86_emul *e)
{
	int idt = e->insn.op == X86_OP_LIDT || e->insn.op == X86_OP_SIDT, ret;
	unsigned int len = e->mode == X86_MODE_64 ? 8 : 4;
	u64 v, at = x86_emul_ea(e), at2 = (at + 2) & x86_emul_mask(e->insn.addrsize);
	struct x86_dtr t;

	if (e->insn.op == X86_OP_SGDT || e->insn.op == X86_OP_SIDT) {
		if (idt)
			e->ctx.ops->get_idt(&e->ctx, &t);
		else
			e->ctx.ops->get_gdt(&e->ctx, &t);
		v = t.limit;
		ret = x86_emul_mem(e, e->insn.seg, at, 2, &v, 1);
		v = t.base;
		return ret ? ret : x86_emul_mem(e, e->insn.seg, at2, len, &v, 1);
	}
	ret = x86_emul_mem(e, e->insn.seg, at, 2, &v, 0);
	if (ret)
		return ret;
	t.limit = (u16)v;
	ret = x86_emul_mem(e, e->insn.seg, at2, len, &t.base, 0);
	if (ret)
		return ret;
	if (e->insn.opsize == 2)
		t.base &= 0xffffff;
	if (!x86_is_canonical(t.base) && len == 8)
		return x86_raise_err(&e->ctx, X86_GP, 0);
	return e->io->set_table(&e->ctx, idt, &t);
}

int x86_emul_selector(struct x86_emul *e)
{
	struct x86_seg s;
	u64 v;
	int ret;

	if (e->insn.op == X86_OP_SLDT || e->insn.op == X86_OP_STR) {
		e->ctx.ops->get_seg(&e->ctx, e->insn.op == X86_OP_STR ? X86_TR : X86_LDTR, &s);
		return x86_emul_rm_set(e, e->insn.mod == 3 ? e->insn.opsize : 2, s.sel);
	}
	ret = x86_emul_rm_get(e, 2, &v);
	if (ret)
		return ret;
	if (e->insn.op == X86_OP_LTR)
		return x86_seg_load_tr(&e->ctx, (u16)v);
	return x86_seg_load_ldtr(&e->ctx, (u16)v);
}

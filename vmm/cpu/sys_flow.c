/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Slow handlers: segment registers, far transfers, software interrupts, and the flags that
 * depend on IOPL.
 *
 * Leans on the shared code of module/x86 (seg, xfer, event). Follows Intel SDM volume 2 for each
 * instruction, volume 3, section 20.3 for VME and 20.4 for PVI.
 */
#include "module/x86/event.h"
#include "module/x86/xfer.h"
#include "vmm/cpu/sys_impl.h"

static void load_sreg(struct cpu *c, unsigned int seg, u16 sel)
{
	struct x86_ctx x;

	cpu_ctx_init(c, &x);
	sys_finish(c, &x, x86_seg_load(&x, seg, sel));
}

static void mov_sreg(struct cpu *c, const struct x86_insn *i)
{
	if (i->form == X86_FORM_RM_SREG) {
		if (i->reg > X86_GS)
			cpu_fault(c, X86_UD);
		sys_rm_write16(c, i, c->seg[i->reg].sel);
		return;
	}
	if (i->reg > X86_GS || i->reg == X86_CS)
		cpu_fault(c, X86_UD);
	load_sreg(c, i->reg, (u16)sys_rm_read(c, i, 2));
	if (i->reg == X86_SS)
		c->shadow = CPU_SHADOW_SS;
}

static void push_value(struct cpu *c, unsigned int size, u64 val)
{
	struct x86_stack st;
	struct x86_ctx x;
	int ret;

	cpu_ctx_init(c, &x);
	x86_stack_current(&x, &st);
	ret = x86_push(&x, &st, size, val);
	if (!ret)
		x86_stack_commit(&x, &st);
	sys_finish(c, &x, ret);
}

static void push_sreg(struct cpu *c, const struct x86_insn *i)
{
	push_value(c, i->opsize, c->seg[i->reg].sel);
}

static void pop_sreg(struct cpu *c, const struct x86_insn *i)
{
	struct x86_stack st;
	struct x86_ctx x;
	u64 sel;
	int ret;

	cpu_ctx_init(c, &x);
	x86_stack_current(&x, &st);
	ret = x86_pop(&x, &st, i->opsize, &sel);
	if (!ret)
		ret = x86_seg_load(&x, i->reg, (u16)sel);
	/* POP SS moves the stack pointer in the width of the old stack. */
	if (!ret)
		x86_stack_commit(&x, &st);
	sys_finish(c, &x, ret);
	if (i->reg == X86_SS)
		c->shadow = CPU_SHADOW_SS;
}

/* A far pointer in memory: offset of the operand size, then the selector. */
static u64 far_pointer(struct cpu *c, const struct x86_insn *i, u16 *sel)
{
	u64 off = 0, lin = cpu_insn_lin(c, i, i->opsize + 2u, false);

	cpu_lin_read(c, lin, &off, i->opsize);
	lin += i->opsize;
	cpu_lin_read(c, sys_code64(c) ? lin : (u32)lin, sel, 2);
	return off;
}

static void load_far_pointer(struct cpu *c, const struct x86_insn *i)
{
	u16 sel;
	u64 off = far_pointer(c, i, &sel);

	load_sreg(c, i->imm2, sel);
	sys_set_gpr(c, i->reg, i->opsize, off);
}

static void jmp_far_ptr(struct cpu *c, const struct x86_insn *i)
{
	struct x86_ctx x;

	cpu_ctx_init(c, &x);
	sys_finish(c, &x, x86_far_jmp(&x, i->imm2, i->imm, i->opsize));
}

static void jmp_far_ind(struct cpu *c, const struct x86_insn *i)
{
	struct x86_ctx x;
	u16 sel;
	u64 off = far_pointer(c, i, &sel);

	cpu_ctx_init(c, &x);
	sys_finish(c, &x, x86_far_jmp(&x, sel, off, i->opsize));
}

static void call_far_ptr(struct cpu *c, const struct x86_insn *i)
{
	struct x86_ctx x;

	cpu_ctx_init(c, &x);
	sys_finish(c, &x, x86_far_call(&x, i->imm2, i->imm, i->opsize));
}

static void call_far_ind(struct cpu *c, const struct x86_insn *i)
{
	struct x86_ctx x;
	u16 sel;
	u64 off = far_pointer(c, i, &sel);

	cpu_ctx_init(c, &x);
	sys_finish(c, &x, x86_far_call(&x, sel, off, i->opsize));
}

static void ret_far(struct cpu *c, const struct x86_insn *i)
{
	struct x86_ctx x;

	cpu_ctx_init(c, &x);
	sys_finish(c, &x, x86_far_ret(&x, i->opsize, (u16)i->imm));
}

static void iret(struct cpu *c, const struct x86_insn *i)
{
	struct x86_ctx x;

	cpu_ctx_init(c, &x);
	sys_finish(c, &x, x86_iret(&x, i->opsize));
}

static void soft_int(struct cpu *c, u8 vector, unsigned int kind)
{
	struct x86_ctx x;

	cpu_ctx_init(c, &x);
	sys_finish(c, &x, x86_event_soft(&x, vector, kind));
}

static void int_n(struct cpu *c, const struct x86_insn *i)
{
	soft_int(c, (u8)i->imm, X86_EV_SOFT);
}

static void int3(struct cpu *c, const struct x86_insn *i)
{
	soft_int(c, X86_BP, X86_EV_SOFT_EXC);
}

static void int1(struct cpu *c, const struct x86_insn *i)
{
	soft_int(c, X86_DB, X86_EV_ICEBP);
}

static void into(struct cpu *c, const struct x86_insn *i)
{
	if (c->rflags & X86_FL_OF)
		soft_int(c, X86_OF, X86_EV_SOFT_EXC);
}

static void bound(struct cpu *c, const struct x86_insn *i)
{
	unsigned int size = i->opsize;
	u64 lin = cpu_insn_lin(c, i, size * 2, false);
	s64 idx, lo, hi;

	if (size == 2) {
		s16 b[2];

		cpu_lin_read(c, lin, b, sizeof(b));
		lo = b[0];
		hi = b[1];
		idx = (s16)c->gpr[i->reg];
	} else {
		s32 b[2];

		cpu_lin_read(c, lin, b, sizeof(b));
		lo = b[0];
		hi = b[1];
		idx = (s32)c->gpr[i->reg];
	}
	if (idx < lo || idx > hi)
		cpu_fault(c, X86_BR);
}

static unsigned int iopl(const struct cpu *c)
{
	return (c->rflags & X86_FL_IOPL) >> 12;
}

static bool is_v86(const struct cpu *c)
{
	return (c->rflags & X86_FL_VM) && (c->cr0 & X86_CR0_PE);
}

/* IF belongs to this code (in real mode CPL is 0). */
static bool may_change_if(const struct cpu *c)
{
	return c->cpl <= iopl(c);
}

/* CLI and STI act on VIF: v8086 mode with VME, or level 3 with PVI. */
static bool virtual_if(const struct cpu *c)
{
	if (is_v86(c))
		return c->cr4 & X86_CR4_VME;
	return c->cpl == 3 && (c->cr4 & X86_CR4_PVI);
}

static void cli(struct cpu *c, const struct x86_insn *i)
{
	if (may_change_if(c))
		c->rflags &= ~(u64)X86_FL_IF;
	else if (virtual_if(c))
		c->rflags &= ~(u64)X86_FL_VIF;
	else
		cpu_fault_err(c, X86_GP, 0);
}

static void sti(struct cpu *c, const struct x86_insn *i)
{
	if (may_change_if(c)) {
		if (!(c->rflags & X86_FL_IF))
			c->shadow = CPU_SHADOW_STI;
		c->rflags |= X86_FL_IF;
	} else if (virtual_if(c) && !(c->rflags & X86_FL_VIP)) {
		c->rflags |= X86_FL_VIF;
	} else {
		cpu_fault_err(c, X86_GP, 0);
	}
}

static void pushf(struct cpu *c, const struct x86_insn *i)
{
	u64 fl = (c->rflags | X86_FL_ONE) & ~(u64)(X86_FL_VM | X86_FL_RF);

	if (is_v86(c) && iopl(c) < 3) {
		if (i->opsize != 2 || !(c->cr4 & X86_CR4_VME))
			cpu_fault_err(c, X86_GP, 0);
		fl = (fl & ~(u64)X86_FL_IF) | X86_FL_IOPL;
		if (c->rflags & X86_FL_VIF)
			fl |= X86_FL_IF;
	}
	push_value(c, i->opsize, fl);
}

/* POPF in virtual-8086 mode below IOPL 3: VIF takes the place of IF. May change *fl. */
static u64 popf_v86(struct cpu *c, unsigned int opsize, u64 mask, u64 *fl)
{
	mask &= ~(u64)(X86_FL_IF | X86_FL_IOPL);
	if (iopl(c) == 3)
		return mask | X86_FL_IF;
	if (opsize != 2 || !(c->cr4 & X86_CR4_VME) || (*fl & X86_FL_TF) ||
	    ((*fl & X86_FL_IF) && (c->rflags & X86_FL_VIP)))
		cpu_fault_err(c, X86_GP, 0);
	*fl &= 0xffff;
	if (*fl & X86_FL_IF)
		*fl |= X86_FL_VIF;
	return mask | X86_FL_VIF;
}

static void popf(struct cpu *c, const struct x86_insn *i)
{
	u64 mask = X86_FL_ARITH | X86_FL_TF | X86_FL_DF | X86_FL_NT | X86_FL_IF | X86_FL_IOPL;
	u64 fl, old;
	struct x86_stack st;
	struct x86_ctx x;
	int ret;

	/* What cannot succeed does not touch the stack. */
	if (is_v86(c) && iopl(c) < 3 && (i->opsize != 2 || !(c->cr4 & X86_CR4_VME)))
		cpu_fault_err(c, X86_GP, 0);
	cpu_ctx_init(c, &x);
	x86_stack_current(&x, &st);
	ret = x86_pop(&x, &st, i->opsize, &fl);
	if (ret)
		sys_finish(c, &x, ret);
	if (i->opsize != 2)
		mask |= X86_FL_AC | X86_FL_ID;
	if (is_v86(c)) {
		mask = popf_v86(c, i->opsize, mask, &fl);
	} else {
		if (c->cpl)
			mask &= ~(u64)X86_FL_IOPL;
		if (!may_change_if(c))
			mask &= ~(u64)X86_FL_IF;
	}
	x86_stack_commit(&x, &st);
	old = c->rflags;
	c->rflags = (old & ~(mask | (i->opsize != 2 ? X86_FL_RF : 0))) | (fl & mask) | X86_FL_ONE;
	if ((old ^ c->rflags) & (X86_FL_TF | X86_FL_AC))
		cpu_mode_changed(c);
}

static const struct cpu_sys_entry entries[] = {
	{ X86_OP_MOV_SREG, mov_sreg },
	{ X86_OP_PUSH_SREG, push_sreg },
	{ X86_OP_POP_SREG, pop_sreg },
	{ X86_OP_LFP, load_far_pointer },
	{ X86_OP_JMP_FAR_PTR, jmp_far_ptr },
	{ X86_OP_JMP_FAR_IND, jmp_far_ind },
	{ X86_OP_CALL_FAR_PTR, call_far_ptr },
	{ X86_OP_CALL_FAR_IND, call_far_ind },
	{ X86_OP_RET_FAR, ret_far },
	{ X86_OP_IRET, iret },
	{ X86_OP_INT, int_n },
	{ X86_OP_INT3, int3 },
	{ X86_OP_INT1, int1 },
	{ X86_OP_INTO, into },
	{ X86_OP_BOUND, bound },
	{ X86_OP_CLI, cli },
	{ X86_OP_STI, sti },
	{ X86_OP_PUSHF, pushf },
	{ X86_OP_POPF, popf },
};

const struct cpu_sys_table cpu_sys_flow = { entries, ARRAY_SIZE(entries) };

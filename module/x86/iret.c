/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IRET in all modes.
 *
 * Follows Intel SDM volume 2 (IRET/IRETD/IRETQ), volume 3, sections 6.12 to 6.14, 7.4, 20.2
 * and 20.3 (virtual-8086 mode and its extensions).
 */
#include "module/x86/xfer.h"
#include "module/x86/task.h"

/* What any IRET loads; IF, IOPL and the virtual interrupt flags depend on privilege. */
#define IRET_LOW  (X86_FL_ARITH | X86_FL_TF | X86_FL_DF | X86_FL_NT)
#define IRET_HIGH (X86_FL_RF | X86_FL_AC | X86_FL_ID)

/* The frame that every form pops first. */
struct iret_frame {
	u64 rip;
	u64 sel;
	u64 flags;
};

static int pop_frame(struct x86_ctx *ctx, struct x86_stack *st, unsigned int osz,
		     struct iret_frame *f)
{
	int ret;

	ret = x86_pop(ctx, st, osz, &f->rip);
	if (!ret)
		ret = x86_pop(ctx, st, osz, &f->sel);
	if (!ret)
		ret = x86_pop(ctx, st, osz, &f->flags);
	return ret;
}

static void set_flags(struct x86_ctx *ctx, u64 flags, u64 mask)
{
	ctx->rflags = (ctx->rflags & ~mask) | (flags & mask) | X86_FL_ONE;
}

/* Real mode, and virtual-8086 mode once it is known what may change. */
static int iret_real(struct x86_ctx *ctx, unsigned int osz, u64 mask, int virtual_if)
{
	struct iret_frame f;
	struct x86_stack st;
	struct x86_seg cs;
	int ret;

	x86_stack_current(ctx, &st);
	ret = pop_frame(ctx, &st, osz, &f);
	if (ret)
		return ret;
	ctx->ops->get_seg(ctx, X86_CS, &cs);
	x86_seg_real(&cs, (u16)f.sel, x86_is_v86(ctx));
	if (f.rip > cs.limit)
		return x86_raise_err(ctx, X86_GP, 0);
	if (virtual_if) {
		if ((f.flags & X86_FL_TF) ||
		    ((f.flags & X86_FL_IF) && (ctx->rflags & X86_FL_VIP)))
			return x86_raise_err(ctx, X86_GP, 0);
		f.flags &= 0xffff;
		if (f.flags & X86_FL_IF)
			f.flags |= X86_FL_VIF;
	}
	ctx->ops->set_seg(ctx, X86_CS, &cs);
	ctx->rip = f.rip;
	set_flags(ctx, f.flags, mask);
	x86_stack_commit(ctx, &st);
	return 0;
}

static int iret_v86(struct x86_ctx *ctx, unsigned int osz)
{
	u64 mask = IRET_LOW;

	if ((ctx->rflags & X86_FL_IOPL) == X86_FL_IOPL) {
		mask |= X86_FL_IF;
		if (osz == 4)
			mask |= IRET_HIGH;
		return iret_real(ctx, osz, mask, 0);
	}
	if (osz == 2 && (ctx->ops->get_cr(ctx, 4) & X86_CR4_VME))
		return iret_real(ctx, osz, mask | X86_FL_VIF, 1);
	return x86_raise_err(ctx, X86_GP, 0);
}

/* IRET with NT set: back to the task that the TSS links to (SDM volume 3, section 7.4). */
static int iret_task(struct x86_ctx *ctx)
{
	struct x86_seg tr;
	u16 link;
	int ret;

	if (ctx->long_mode)
		return x86_raise_err(ctx, X86_GP, 0);
	ctx->ops->get_seg(ctx, X86_TR, &tr);
	ret = ctx->ops->read(ctx, tr.base & 0xffffffffu, &link, 2, X86_ACC_READ | X86_ACC_SYSTEM);
	if (ret)
		return ret;
	return x86_task_switch(ctx, link, X86_TASK_IRET, 0, 0, 0);
}

/* To virtual-8086 mode: six more values, and registers as that mode has them. */
static int iret_to_v86(struct x86_ctx *ctx, struct x86_stack *st, const struct iret_frame *f)
{
	static const u8 order[] = { X86_SS, X86_ES, X86_DS, X86_FS, X86_GS };
	u64 sp, sel[sizeof(order)];
	struct x86_seg s;
	unsigned int i;
	int ret;

	ret = x86_pop(ctx, st, 4, &sp);
	for (i = 0; i < sizeof(order) && !ret; i++)
		ret = x86_pop(ctx, st, 4, &sel[i]);
	if (ret)
		return ret;
	if (f->rip > 0xffff)
		return x86_raise_err(ctx, X86_GP, 0);
	for (i = 0; i < sizeof(order); i++) {
		memset(&s, 0, sizeof(s));
		x86_seg_real(&s, (u16)sel[i], 1);
		ctx->ops->set_seg(ctx, order[i], &s);
	}
	memset(&s, 0, sizeof(s));
	x86_seg_real(&s, (u16)f->sel, 1);
	ctx->ops->set_seg(ctx, X86_CS, &s);
	ctx->rip = f->rip;
	ctx->gpr[X86_RSP] = sp;
	set_flags(ctx, f->flags, IRET_LOW | IRET_HIGH | X86_FL_IF | X86_FL_IOPL | X86_FL_VM |
					 X86_FL_VIF | X86_FL_VIP);
	ctx->cpl = 3;
	ctx->ops->set_cpl(ctx, 3);
	return 0;
}

/* Which flags IRET at this level changes; decided before CPL does. */
static u64 iret_mask(struct x86_ctx *ctx, unsigned int osz)
{
	u64 mask = IRET_LOW;

	if (osz != 2)
		mask |= IRET_HIGH;
	if (ctx->cpl <= ((ctx->rflags & X86_FL_IOPL) >> 12))
		mask |= X86_FL_IF;
	if (ctx->cpl == 0) {
		mask |= X86_FL_IOPL;
		if (osz != 2)
			mask |= X86_FL_VIF | X86_FL_VIP;
	}
	return mask;
}

static int iret_protected(struct x86_ctx *ctx, unsigned int osz)
{
	u64 sp = 0, ss_sel = 0, mask;
	int from64 = x86_is_code64(ctx), to64, with_ss, ret;
	struct x86_seg cs, ss;
	struct iret_frame f;
	struct x86_stack st;

	x86_stack_current(ctx, &st);
	ret = pop_frame(ctx, &st, osz, &f);
	if (ret)
		return ret;
	if (osz == 4 && (f.flags & X86_FL_VM) && ctx->cpl == 0 && !ctx->long_mode)
		return iret_to_v86(ctx, &st, &f);
	ret = x86_return_code(ctx, (u16)f.sel, f.rip, &cs);
	if (ret)
		return ret;
	to64 = ctx->long_mode && (cs.attr & X86_SEG_L);
	with_ss = from64 || (cs.sel & 3) > ctx->cpl;
	if (with_ss) {
		ret = x86_pop(ctx, &st, osz, &sp);
		if (!ret)
			ret = x86_pop(ctx, &st, osz, &ss_sel);
		if (!ret)
			ret = x86_return_ss(ctx, (u16)ss_sel, cs.sel & 3, to64, &ss);
		if (ret)
			return ret;
	}
	mask = iret_mask(ctx, osz);
	ctx->ops->set_seg(ctx, X86_CS, &cs);
	ctx->rip = f.rip;
	set_flags(ctx, f.flags, mask);
	if (with_ss)
		x86_return_outer(ctx, cs.sel & 3, &ss, sp, to64);
	else
		x86_stack_commit(ctx, &st);
	return 0;
}

int x86_iret(struct x86_ctx *ctx, unsigned int osz)
{
	int ret;

	if (!x86_is_protected(ctx)) {
		u64 mask = IRET_LOW | X86_FL_IF | X86_FL_IOPL;

		ret = iret_real(ctx, osz, osz == 4 ? mask | IRET_HIGH : mask, 0);
	} else if (ctx->rflags & X86_FL_VM) {
		ret = iret_v86(ctx, osz);
	} else if (ctx->rflags & X86_FL_NT) {
		ret = iret_task(ctx);
	} else {
		ret = iret_protected(ctx, osz);
	}
	if (!ret)
		ctx->nmi_blocked = 0;
	return ret;
}

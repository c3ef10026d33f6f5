/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Delivery of exceptions and interrupts in real, virtual-8086, protected and long mode.
 *
 * Follows Intel SDM volume 3, chapter 6, sections 20.1.4 and 20.3, and INT n in volume 2.
 * Frames are written before any register changes; a fault on the way leaves all as it was.
 */
#include "module/x86/event.h"
#include "module/x86/task.h"
#include "module/x86/xfer.h"

/* A gate of the IDT, checked, and what delivery through it needs. */
struct idt_gate {
	u64 off;
	u16 sel;
	u8 type;
	u8 ist;
	u32 ext; /* bit 0 of error codes raised on the way */
};

/* Faults push an image with RF set, so that the return does not meet its breakpoint again. */
#define FAULT_CLASS                                                                                \
	((1u << X86_DE) | (1u << X86_BR) | (1u << X86_UD) | (1u << X86_NM) | (1u << X86_CSO) |    \
	 (1u << X86_TS) | (1u << X86_NP) | (1u << X86_SSF) | (1u << X86_GP) | (1u << X86_PF) |    \
	 (1u << X86_MF) | (1u << X86_AC) | (1u << X86_XM))

#define CONTRIBUTORY                                                                               \
	((1u << X86_DE) | (1u << X86_TS) | (1u << X86_NP) | (1u << X86_SSF) | (1u << X86_GP))

static int is_contributory(unsigned int vector)
{
	return vector < 32 && (CONTRIBUTORY & (1u << vector));
}

enum x86_event_class x86_event_combine(const struct x86_event *first,
				       const struct x86_fault *second)
{
	int second_bad = is_contributory(second->vector) || second->vector == X86_PF;

	if (first->kind != X86_EV_EXCEPTION || !second_bad)
		return X86_EVC_SECOND;
	if (first->vector == X86_DF)
		return X86_EVC_SHUTDOWN;
	if (first->vector == X86_PF)
		return X86_EVC_DOUBLE;
	if (is_contributory(first->vector) && is_contributory(second->vector))
		return X86_EVC_DOUBLE;
	return X86_EVC_SECOND;
}

void x86_event_from_fault(const struct x86_fault *f, struct x86_event *ev)
{
	memset(ev, 0, sizeof(*ev));
	ev->vector = f->vector;
	ev->kind = X86_EV_EXCEPTION;
	ev->has_err = f->has_err;
	ev->err = f->err;
	ev->cr2 = f->cr2;
}

static int is_software(const struct x86_event *ev)
{
	return ev->kind == X86_EV_SOFT || ev->kind == X86_EV_SOFT_EXC;
}

static u64 pushed_flags(struct x86_ctx *ctx, const struct x86_event *ev)
{
	u64 flags = ctx->rflags | X86_FL_ONE;

	if (ev->kind == X86_EV_EXCEPTION && ev->vector < 32 && (FAULT_CLASS & (1u << ev->vector)))
		flags |= X86_FL_RF;
	return flags;
}

/* The interrupt vector table of real mode at `base` (SDM volume 3, section 20.1.4). Pushes
 * `image`, then clears `clear` in the flags. */
static int deliver_ivt(struct x86_ctx *ctx, u64 base, u8 vector, u64 image, u64 clear)
{
	struct x86_stack st;
	struct x86_seg cs;
	u16 entry[2];
	int ret;

	ret = ctx->ops->read(ctx, (base + vector * 4u) & 0xffffffffu, entry, 4,
			     X86_ACC_READ | X86_ACC_SYSTEM);
	if (ret)
		return ret;
	x86_stack_current(ctx, &st);
	ctx->ops->get_seg(ctx, X86_CS, &cs);
	ret = x86_push(ctx, &st, 2, image & 0xffff);
	if (!ret)
		ret = x86_push(ctx, &st, 2, cs.sel);
	if (!ret)
		ret = x86_push(ctx, &st, 2, ctx->rip & 0xffff);
	if (ret)
		return ret;
	x86_seg_real(&cs, entry[1], x86_is_v86(ctx));
	ctx->ops->set_seg(ctx, X86_CS, &cs);
	ctx->rip = entry[0];
	ctx->rflags &= ~clear;
	x86_stack_commit(ctx, &st);
	return 0;
}

static int deliver_real(struct x86_ctx *ctx, const struct x86_event *ev)
{
	struct x86_dtr idt;

	ctx->ops->get_idt(ctx, &idt);
	if (ev->vector * 4u + 3 > idt.limit)
		return x86_raise_err(ctx, X86_GP, ev->vector * 8u + 2 + !is_software(ev));
	return deliver_ivt(ctx, idt.base, ev->vector, pushed_flags(ctx, ev),
			   X86_FL_IF | X86_FL_TF | X86_FL_AC | X86_FL_RF);
}

/* Reads and checks the gate of `ev` (SDM volume 3, section 6.12.1.1 and 6.13). */
static int gate_read(struct x86_ctx *ctx, const struct x86_event *ev, struct idt_gate *g)
{
	unsigned int size = ctx->long_mode ? 16 : 8, attr;
	struct x86_dtr idt;
	u32 w[4] = { 0 }, err;
	int ret;

	g->ext = !is_software(ev);
	err = ev->vector * 8u + 2 + g->ext;
	ctx->ops->get_idt(ctx, &idt);
	if (ev->vector * size + size - 1 > idt.limit)
		return x86_raise_err(ctx, X86_GP, err);
	idt.base += ev->vector * size;
	if (!ctx->long_mode)
		idt.base &= 0xffffffffu;
	ret = ctx->ops->read(ctx, idt.base, w, size, X86_ACC_READ | X86_ACC_SYSTEM);
	if (ret)
		return ret;
	attr = (w[1] >> 8) & 0xff;
	g->type = attr & 0x1f;
	g->sel = (u16)(w[0] >> 16);
	g->off = (w[0] & 0xffff) | (w[1] & 0xffff0000u);
	g->ist = 0;
	if (g->type == X86_SYS_INT16 || g->type == X86_SYS_TRAP16)
		g->off &= 0xffff;
	if (ctx->long_mode) {
		g->off |= (u64)w[2] << 32;
		g->ist = w[1] & 7;
	}
	if (g->type != X86_SYS_INT32 && g->type != X86_SYS_TRAP32 &&
	    (ctx->long_mode || (g->type != X86_SYS_INT16 && g->type != X86_SYS_TRAP16 &&
				g->type != X86_SYS_TASK_GATE)))
		return x86_raise_err(ctx, X86_GP, err);
	if (is_software(ev) && ((attr >> 5) & 3u) < ctx->cpl)
		return x86_raise_err(ctx, X86_GP, err);
	if (!(attr & X86_SEG_P))
		return x86_raise_err(ctx, X86_NP, err);
	return 0;
}

/* What the frame starts with when the stack changes or the mode is long: old SS:RSP; from v8086
 * mode the data segments come before them. */
static int push_old_stack(struct x86_ctx *ctx, struct x86_stack *st, unsigned int size)
{
	static const u8 v86[] = { X86_GS, X86_FS, X86_DS, X86_ES };
	struct x86_seg s;
	unsigned int i;
	int ret;

	for (i = 0; i < sizeof(v86) && (ctx->rflags & X86_FL_VM); i++) {
		ctx->ops->get_seg(ctx, v86[i], &s);
		ret = x86_push(ctx, st, size, s.sel);
		if (ret)
			return ret;
	}
	ctx->ops->get_seg(ctx, X86_SS, &s);
	ret = x86_push(ctx, st, size, s.sel);
	return ret ? ret : x86_push(ctx, st, size, ctx->gpr[X86_RSP]);
}

static int push_frame(struct x86_ctx *ctx, struct x86_stack *st, unsigned int size,
		      const struct x86_event *ev)
{
	struct x86_seg cs;
	int ret;

	ctx->ops->get_seg(ctx, X86_CS, &cs);
	ret = x86_push(ctx, st, size, pushed_flags(ctx, ev));
	if (!ret)
		ret = x86_push(ctx, st, size, cs.sel);
	if (!ret)
		ret = x86_push(ctx, st, size, ctx->rip);
	if (!ret && ev->has_err)
		ret = x86_push(ctx, st, size, ev->err);
	return ret;
}

/* Enters the handler: all checks are done. */
static void enter_handler(struct x86_ctx *ctx, const struct idt_gate *g, const struct x86_seg *cs,
			  unsigned int cpl, const struct x86_stack *st, int new_ss)
{
	static const u8 data[] = { X86_ES, X86_DS, X86_FS, X86_GS };
	struct x86_seg s;
	unsigned int i;

	if (ctx->rflags & X86_FL_VM) {
		x86_seg_null(&s, 0);
		for (i = 0; i < sizeof(data); i++)
			ctx->ops->set_seg(ctx, data[i], &s);
	}
	ctx->rflags &= ~(u64)(X86_FL_TF | X86_FL_NT | X86_FL_RF | X86_FL_VM);
	if (!(g->type & 1))
		ctx->rflags &= ~(u64)X86_FL_IF;
	ctx->ops->set_seg(ctx, X86_CS, cs);
	if (new_ss)
		ctx->ops->set_seg(ctx, X86_SS, &st->ss);
	ctx->rip = g->off;
	ctx->cpl = (u8)cpl;
	ctx->ops->set_cpl(ctx, cpl);
	x86_stack_commit(ctx, st);
}

/* Legacy protected mode: a handler at an inner level, on the stack of the TSS. */
static int deliver_inner(struct x86_ctx *ctx, const struct x86_event *ev,
			 const struct idt_gate *g, struct x86_desc *code)
{
	unsigned int cpl = x86_desc_dpl(code), size = (g->type & 8) ? 4 : 2;
	struct x86_stack st;
	struct x86_seg cs, ss;
	u16 sel;
	u64 sp;
	int ret;

	ret = x86_tss_stack(ctx, cpl, g->ext, &sel, &sp);
	if (!ret)
		ret = x86_seg_check_ss(ctx, sel, cpl, X86_TS, g->ext, &ss);
	if (ret)
		return ret;
	x86_stack_set(ctx, &st, &ss, sp, 0, cpl);
	st.has_sel = 1;
	st.ext = (u8)g->ext;
	ret = x86_code_target(ctx, g->sel, code, cpl, g->off, g->ext, &cs);
	if (!ret)
		ret = push_old_stack(ctx, &st, size);
	if (!ret)
		ret = push_frame(ctx, &st, size, ev);
	if (!ret)
		enter_handler(ctx, g, &cs, cpl, &st, 1);
	return ret;
}

/* Legacy protected mode: a handler at the running level, on its stack. */
static int deliver_same(struct x86_ctx *ctx, const struct x86_event *ev,
			const struct idt_gate *g, struct x86_desc *code)
{
	struct x86_stack st;
	struct x86_seg cs;
	int ret;

	x86_stack_current(ctx, &st);
	st.ext = (u8)g->ext;
	ret = x86_code_target(ctx, g->sel, code, ctx->cpl, g->off, g->ext, &cs);
	if (!ret)
		ret = push_frame(ctx, &st, (g->type & 8) ? 4 : 2, ev);
	if (!ret)
		enter_handler(ctx, g, &cs, ctx->cpl, &st, 0);
	return ret;
}

/* RSP of interrupt stack `ist` (1 to 7) of the 64-bit TSS (SDM volume 3, section 6.14.5). */
static int ist_stack(struct x86_ctx *ctx, const struct idt_gate *g, u64 *sp)
{
	unsigned int off = 0x24 + (g->ist - 1u) * 8;
	struct x86_seg tr;

	ctx->ops->get_seg(ctx, X86_TR, &tr);
	if (tr.unusable || off + 7 > tr.limit)
		return x86_raise_err(ctx, X86_TS, (tr.sel & 0xfffc) | g->ext);
	return ctx->ops->read(ctx, tr.base + off, sp, 8, X86_ACC_READ | X86_ACC_SYSTEM);
}

/* SDM volume 3, section 6.14: always SS:RSP in the frame, eight bytes each, aligned to 16. */
static int deliver_long(struct x86_ctx *ctx, const struct x86_event *ev,
			const struct idt_gate *g, struct x86_desc *code, unsigned int cpl)
{
	int inner = cpl != ctx->cpl, ret = 0;
	struct x86_stack st;
	struct x86_seg cs, ss;
	u64 sp = ctx->gpr[X86_RSP];
	u16 sel;

	ctx->ops->get_seg(ctx, X86_SS, &ss);
	if (g->ist)
		ret = ist_stack(ctx, g, &sp);
	else if (inner)
		ret = x86_tss_stack(ctx, cpl, g->ext, &sel, &sp);
	if (ret)
		return ret;
	if (inner) {
		x86_seg_null(&ss, (u16)cpl);
		ss.attr = (u16)(cpl << X86_SEG_DPL_SHIFT);
	}
	x86_stack_set(ctx, &st, &ss, sp & ~(u64)15, 1, cpl);
	st.has_sel = (u8)inner;
	st.ext = (u8)g->ext;
	ret = x86_code_target(ctx, g->sel, code, cpl, g->off, g->ext, &cs);
	if (!ret)
		ret = push_old_stack(ctx, &st, 8);
	if (!ret)
		ret = push_frame(ctx, &st, 8, ev);
	if (!ret)
		enter_handler(ctx, g, &cs, cpl, &st, inner);
	return ret;
}

static int deliver_protected(struct x86_ctx *ctx, const struct x86_event *ev)
{
	struct x86_desc code;
	struct idt_gate g;
	int ret, inner;

	ret = gate_read(ctx, ev, &g);
	if (ret)
		return ret;
	if (g.type == X86_SYS_TASK_GATE)
		return x86_task_switch(ctx, g.sel, X86_TASK_INT, g.ext, ev->has_err, ev->err);
	ret = x86_gate_code(ctx, g.sel, g.ext, &code);
	if (ret)
		return ret;
	inner = !(x86_desc_type(&code) & X86_TYPE_E) && x86_desc_dpl(&code) < ctx->cpl;
	/* Virtual-8086 mode is left for level 0 only. */
	if ((ctx->rflags & X86_FL_VM) && (!inner || x86_desc_dpl(&code) != 0))
		return x86_raise_err(ctx, X86_GP, (g.sel & 0xfffc) | g.ext);
	if (ctx->long_mode)
		return deliver_long(ctx, ev, &g, &code, inner ? x86_desc_dpl(&code) : ctx->cpl);
	if (inner)
		return deliver_inner(ctx, ev, &g, &code);
	return deliver_same(ctx, ev, &g, &code);
}

/* Does the bit map below the I/O bit map keep INT `vector` in the v8086 task? 1, 0 or a fault. */
static int v86_redirected(struct x86_ctx *ctx, u8 vector)
{
	struct x86_seg tr;
	u16 iomap;
	u32 off;
	u8 byte;
	int ret;

	ctx->ops->get_seg(ctx, X86_TR, &tr);
	if (tr.unusable || !(tr.attr & 8) || tr.limit < 0x67)
		return x86_raise_err(ctx, X86_GP, 0);
	ret = ctx->ops->read(ctx, (tr.base + 0x66) & 0xffffffffu, &iomap, 2,
			     X86_ACC_READ | X86_ACC_SYSTEM);
	if (ret)
		return ret;
	off = iomap - 32u + vector / 8u;
	if (iomap < 32 || off > tr.limit)
		return x86_raise_err(ctx, X86_GP, 0);
	ret = ctx->ops->read(ctx, (tr.base + off) & 0xffffffffu, &byte, 1,
			     X86_ACC_READ | X86_ACC_SYSTEM);
	return ret ? ret : !(byte & (1u << (vector & 7)));
}

/* INT n in virtual-8086 mode (SDM volume 3, section 20.3.3, table 20-2). */
static int deliver_v86_soft(struct x86_ctx *ctx, const struct x86_event *ev)
{
	int iopl3 = (ctx->rflags & X86_FL_IOPL) == X86_FL_IOPL, ret;
	u64 image;

	if (ctx->ops->get_cr(ctx, 4) & X86_CR4_VME) {
		ret = v86_redirected(ctx, ev->vector);
		if (ret < 0)
			return ret;
		if (ret && iopl3)
			return deliver_ivt(ctx, 0, ev->vector, ctx->rflags,
					   X86_FL_IF | X86_FL_TF | X86_FL_NT);
		if (ret) {
			image = (ctx->rflags & ~(u64)X86_FL_IF) | X86_FL_IOPL;
			if (ctx->rflags & X86_FL_VIF)
				image |= X86_FL_IF;
			return deliver_ivt(ctx, 0, ev->vector, image,
					   X86_FL_VIF | X86_FL_TF | X86_FL_NT);
		}
	}
	if (!iopl3)
		return x86_raise_err(ctx, X86_GP, 0);
	return deliver_protected(ctx, ev);
}

int x86_event_deliver(struct x86_ctx *ctx, const struct x86_event *ev)
{
	if (ev->kind == X86_EV_EXCEPTION && ev->vector == X86_PF)
		ctx->ops->set_cr(ctx, 2, ev->cr2);
	if (!x86_is_protected(ctx))
		return deliver_real(ctx, ev);
	if (ev->kind == X86_EV_SOFT && (ctx->rflags & X86_FL_VM))
		return deliver_v86_soft(ctx, ev);
	return deliver_protected(ctx, ev);
}

int x86_event_raise(struct x86_ctx *ctx, const struct x86_event *ev)
{
	struct x86_event cur = *ev;
	unsigned int rounds;
	int ret;

	/* Each round brings the event nearer to #DF; the bound is for chains of debug traps. */
	for (rounds = 0; rounds < 16; rounds++) {
		ret = x86_event_deliver(ctx, &cur);
		if (ret != X86_FAULT)
			return ret;
		switch (x86_event_combine(&cur, &ctx->fault)) {
		case X86_EVC_SECOND:
			x86_event_from_fault(&ctx->fault, &cur);
			break;
		case X86_EVC_DOUBLE:
			memset(&cur, 0, sizeof(cur));
			cur.vector = X86_DF;
			cur.kind = X86_EV_EXCEPTION;
			cur.has_err = 1;
			break;
		case X86_EVC_SHUTDOWN:
			return X86_SHUTDOWN;
		}
	}
	return X86_SHUTDOWN;
}

int x86_event_soft(struct x86_ctx *ctx, u8 vector, unsigned int kind)
{
	struct x86_event ev;

	memset(&ev, 0, sizeof(ev));
	ev.vector = vector;
	ev.kind = (u8)kind;
	return x86_event_deliver(ctx, &ev);
}

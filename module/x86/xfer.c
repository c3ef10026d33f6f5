/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Far JMP, CALL and RET in all modes, with call gates; task gates and TSS go to task.c.
 *
 * Follows Intel SDM volume 2 (CALL, JMP, RET) and volume 3, section 5.8. Registers change in
 * one place per transfer, after the last check.
 */
#include "module/x86/xfer.h"
#include "module/x86/task.h"

static u64 osz_mask(unsigned int osz)
{
	return osz == 8 ? ~(u64)0 : osz == 4 ? 0xffffffffu : 0xffffu;
}

int x86_code_target(struct x86_ctx *ctx, u16 sel, struct x86_desc *d, unsigned int cpl, u64 off,
		    unsigned int ext, struct x86_seg *cs)
{
	struct x86_seg s;
	int ret;

	sel = (u16)((sel & 0xfffc) | cpl);
	x86_desc_unpack(d, sel, &s);
	if (ctx->long_mode && (s.attr & X86_SEG_L)) {
		if (!x86_is_canonical(off))
			return x86_raise_err(ctx, X86_GP, ext);
	} else if (off > s.limit) {
		return x86_raise_err(ctx, X86_GP, ext);
	}
	ret = x86_desc_set_accessed(ctx, sel, d);
	if (ret)
		return ret;
	x86_desc_unpack(d, sel, cs);
	return 0;
}

/* L and D together are reserved in long mode. */
static int code_size_ok(struct x86_ctx *ctx, const struct x86_desc *d)
{
	return !ctx->long_mode ||
	       (x86_desc_attr(d) & (X86_SEG_L | X86_SEG_DB)) != (X86_SEG_L | X86_SEG_DB);
}

/* JMP and CALL straight to code: the privilege rules of SDM volume 3, section 5.8.1. */
static int check_direct(struct x86_ctx *ctx, u16 sel, const struct x86_desc *d)
{
	unsigned int dpl = x86_desc_dpl(d);
	int ok;

	if (x86_desc_type(d) & X86_TYPE_E)
		ok = dpl <= ctx->cpl;
	else
		ok = (sel & 3u) <= ctx->cpl && dpl == ctx->cpl;
	if (!ok || !code_size_ok(ctx, d))
		return x86_raise_err(ctx, X86_GP, sel & 0xfffc);
	if (!(x86_desc_attr(d) & X86_SEG_P))
		return x86_raise_err(ctx, X86_NP, sel & 0xfffc);
	return 0;
}

/* Real and virtual-8086 mode: CS for `sel`, with the limit check of the target. */
static int real_target(struct x86_ctx *ctx, u16 sel, u64 off, struct x86_seg *cs)
{
	ctx->ops->get_seg(ctx, X86_CS, cs);
	x86_seg_real(cs, sel, x86_is_v86(ctx));
	if (off > cs->limit)
		return x86_raise_err(ctx, X86_GP, 0);
	return 0;
}

static void load_cs(struct x86_ctx *ctx, const struct x86_seg *cs, u64 rip)
{
	ctx->ops->set_seg(ctx, X86_CS, cs);
	ctx->rip = rip;
}

static void load_cpl(struct x86_ctx *ctx, unsigned int cpl)
{
	if (ctx->cpl == cpl)
		return;
	ctx->cpl = (u8)cpl;
	ctx->ops->set_cpl(ctx, cpl);
}

/* What a call gate holds. */
struct call_gate {
	u16 sel;
	u64 off;
	unsigned int size;  /* of the values it pushes */
	unsigned int count; /* parameters to copy */
};

/* Checks a call gate and takes it apart; then the code segment it names (section 5.8.3). */
static int gate_open(struct x86_ctx *ctx, u16 sel, const struct x86_desc *d, struct call_gate *g,
		     struct x86_desc *code)
{
	unsigned int dpl = x86_desc_dpl(d);

	if (dpl < ctx->cpl || dpl < (sel & 3u))
		return x86_raise_err(ctx, X86_GP, sel & 0xfffc);
	if (ctx->long_mode && (d->up_hi & 0x1f00))
		return x86_raise_err(ctx, X86_GP, sel & 0xfffc);
	if (!(x86_desc_attr(d) & X86_SEG_P))
		return x86_raise_err(ctx, X86_NP, sel & 0xfffc);
	g->sel = (u16)(d->lo >> 16);
	g->off = d->lo & 0xffff;
	g->count = d->hi & 0x1f;
	g->size = 2;
	if (x86_desc_type(d) == X86_SYS_CALL32) {
		g->off |= d->hi & 0xffff0000u;
		g->size = 4;
	}
	if (ctx->long_mode) {
		g->off |= (u64)d->up_lo << 32;
		g->size = 8;
		g->count = 0;
	}
	return x86_gate_code(ctx, g->sel, 0, code);
}

int x86_gate_code(struct x86_ctx *ctx, u16 sel, unsigned int ext, struct x86_desc *d)
{
	u32 err = (sel & 0xfffc) | ext;
	int ret;

	if (x86_sel_is_null(sel))
		return x86_raise_err(ctx, X86_GP, ext);
	ret = x86_desc_read(ctx, sel, 0, X86_GP, ext, d);
	if (ret)
		return ret;
	if (!x86_desc_is_code(d) || x86_desc_dpl(d) > ctx->cpl)
		return x86_raise_err(ctx, X86_GP, err);
	if (ctx->long_mode && (x86_desc_attr(d) & (X86_SEG_L | X86_SEG_DB)) != X86_SEG_L)
		return x86_raise_err(ctx, X86_GP, err);
	if (!(x86_desc_attr(d) & X86_SEG_P))
		return x86_raise_err(ctx, X86_NP, err);
	return 0;
}

static int jmp_gate(struct x86_ctx *ctx, u16 sel, const struct x86_desc *d)
{
	struct x86_desc code;
	struct call_gate g;
	struct x86_seg cs;
	int ret;

	ret = gate_open(ctx, sel, d, &g, &code);
	if (ret)
		return ret;
	if (!(x86_desc_type(&code) & X86_TYPE_E) && x86_desc_dpl(&code) != ctx->cpl)
		return x86_raise_err(ctx, X86_GP, g.sel & 0xfffc);
	ret = x86_code_target(ctx, g.sel, &code, ctx->cpl, g.off, 0, &cs);
	if (ret)
		return ret;
	load_cs(ctx, &cs, g.off);
	return 0;
}

/* Is `d` a call gate (in this mode), a TSS or a task gate? Else a far transfer may not name it. */
static int is_call_gate(struct x86_ctx *ctx, const struct x86_desc *d)
{
	unsigned int type = x86_desc_type(d);

	return type == X86_SYS_CALL32 || (type == X86_SYS_CALL16 && !ctx->long_mode);
}

int x86_far_jmp(struct x86_ctx *ctx, u16 sel, u64 off, unsigned int osz)
{
	struct x86_desc d;
	struct x86_seg cs;
	int ret;

	off &= osz_mask(osz);
	if (!x86_uses_descriptors(ctx)) {
		ret = real_target(ctx, sel, off, &cs);
		if (ret)
			return ret;
		load_cs(ctx, &cs, off);
		return 0;
	}
	if (x86_sel_is_null(sel))
		return x86_raise_err(ctx, X86_GP, 0);
	ret = x86_desc_read(ctx, sel, 1, X86_GP, 0, &d);
	if (ret)
		return ret;
	if (!(d.hi & 0x1000)) {
		if (is_call_gate(ctx, &d))
			return jmp_gate(ctx, sel, &d);
		return x86_task_far(ctx, sel, &d, X86_TASK_JMP);
	}
	if (!x86_desc_is_code(&d))
		return x86_raise_err(ctx, X86_GP, sel & 0xfffc);
	ret = check_direct(ctx, sel, &d);
	if (ret)
		return ret;
	ret = x86_code_target(ctx, sel, &d, ctx->cpl, off, 0, &cs);
	if (ret)
		return ret;
	load_cs(ctx, &cs, off);
	return 0;
}

/* Pushes CS and RIP, the return address of a far call. */
static int push_return(struct x86_ctx *ctx, struct x86_stack *st, unsigned int size)
{
	struct x86_seg cs;
	int ret;

	ctx->ops->get_seg(ctx, X86_CS, &cs);
	ret = x86_push(ctx, st, size, cs.sel);
	if (ret)
		return ret;
	return x86_push(ctx, st, size, ctx->rip & osz_mask(size));
}

/* Copies a 16- or 32-bit gate's parameters from the caller's stack to the new one. */
static int copy_params(struct x86_ctx *ctx, struct x86_stack *from, struct x86_stack *to,
		       const struct call_gate *g)
{
	u64 val[31];
	unsigned int i;
	int ret;

	for (i = 0; i < g->count; i++) {
		ret = x86_pop(ctx, from, g->size, &val[i]);
		if (ret)
			return ret;
	}
	while (i-- > 0) {
		ret = x86_push(ctx, to, g->size, val[i]);
		if (ret)
			return ret;
	}
	return 0;
}

/* The inner stack that the TSS gives for level `cpl`, checked and ready for pushes. */
static int inner_stack(struct x86_ctx *ctx, unsigned int cpl, struct x86_stack *st)
{
	struct x86_seg ss;
	u16 sel;
	u64 sp;
	int ret;

	ret = x86_tss_stack(ctx, cpl, 0, &sel, &sp);
	if (ret)
		return ret;
	if (ctx->long_mode) {
		x86_seg_null(&ss, (u16)cpl);
		ss.attr = (u16)(cpl << X86_SEG_DPL_SHIFT);
	} else {
		ret = x86_seg_check_ss(ctx, sel, cpl, X86_TS, 0, &ss);
		if (ret)
			return ret;
	}
	x86_stack_set(ctx, st, &ss, sp, ctx->long_mode, cpl);
	st->has_sel = 1;
	return 0;
}

static int call_gate_inner(struct x86_ctx *ctx, const struct call_gate *g, struct x86_desc *code)
{
	unsigned int cpl = x86_desc_dpl(code);
	struct x86_stack old, st;
	struct x86_seg cs;
	u64 old_sp;
	int ret;

	ret = inner_stack(ctx, cpl, &st);
	if (ret)
		return ret;
	x86_stack_current(ctx, &old);
	old_sp = ctx->gpr[X86_RSP] & osz_mask(g->size);
	ret = x86_push(ctx, &st, g->size, old.ss.sel);
	if (ret)
		return ret;
	ret = x86_push(ctx, &st, g->size, old_sp);
	if (ret)
		return ret;
	ret = copy_params(ctx, &old, &st, g);
	if (ret)
		return ret;
	ret = push_return(ctx, &st, g->size);
	if (ret)
		return ret;
	ret = x86_code_target(ctx, g->sel, code, cpl, g->off, 0, &cs);
	if (ret)
		return ret;
	load_cs(ctx, &cs, g->off);
	load_cpl(ctx, cpl);
	ctx->ops->set_seg(ctx, X86_SS, &st.ss);
	x86_stack_commit(ctx, &st);
	return 0;
}

static int call_gate(struct x86_ctx *ctx, u16 sel, const struct x86_desc *d)
{
	struct x86_desc code;
	struct x86_stack st;
	struct call_gate g;
	struct x86_seg cs;
	int ret;

	ret = gate_open(ctx, sel, d, &g, &code);
	if (ret)
		return ret;
	if (!(x86_desc_type(&code) & X86_TYPE_E) && x86_desc_dpl(&code) < ctx->cpl)
		return call_gate_inner(ctx, &g, &code);
	x86_stack_current(ctx, &st);
	/* From compatibility mode the frame is already a 64-bit one. */
	if (ctx->long_mode)
		x86_stack_set(ctx, &st, &st.ss, ctx->gpr[X86_RSP], 1, ctx->cpl);
	ret = push_return(ctx, &st, g.size);
	if (ret)
		return ret;
	ret = x86_code_target(ctx, g.sel, &code, ctx->cpl, g.off, 0, &cs);
	if (ret)
		return ret;
	load_cs(ctx, &cs, g.off);
	x86_stack_commit(ctx, &st);
	return 0;
}

/* A call that keeps its level: `cs` is the checked target. */
static int call_same(struct x86_ctx *ctx, const struct x86_seg *cs, u64 off, unsigned int osz)
{
	struct x86_stack st;
	int ret;

	x86_stack_current(ctx, &st);
	ret = push_return(ctx, &st, osz);
	if (ret)
		return ret;
	load_cs(ctx, cs, off);
	x86_stack_commit(ctx, &st);
	return 0;
}

int x86_far_call(struct x86_ctx *ctx, u16 sel, u64 off, unsigned int osz)
{
	struct x86_desc d;
	struct x86_seg cs;
	int ret;

	off &= osz_mask(osz);
	if (!x86_uses_descriptors(ctx)) {
		ret = real_target(ctx, sel, off, &cs);
		return ret ? ret : call_same(ctx, &cs, off, osz);
	}
	if (x86_sel_is_null(sel))
		return x86_raise_err(ctx, X86_GP, 0);
	ret = x86_desc_read(ctx, sel, 1, X86_GP, 0, &d);
	if (ret)
		return ret;
	if (!(d.hi & 0x1000)) {
		if (is_call_gate(ctx, &d))
			return call_gate(ctx, sel, &d);
		return x86_task_far(ctx, sel, &d, X86_TASK_CALL);
	}
	if (!x86_desc_is_code(&d))
		return x86_raise_err(ctx, X86_GP, sel & 0xfffc);
	ret = check_direct(ctx, sel, &d);
	if (ret)
		return ret;
	ret = x86_code_target(ctx, sel, &d, ctx->cpl, off, 0, &cs);
	return ret ? ret : call_same(ctx, &cs, off, osz);
}

void x86_seg_nullify_outer(struct x86_ctx *ctx, unsigned int cpl)
{
	static const u8 regs[] = { X86_ES, X86_DS, X86_FS, X86_GS };
	struct x86_seg s;
	unsigned int i;

	for (i = 0; i < sizeof(regs); i++) {
		ctx->ops->get_seg(ctx, regs[i], &s);
		if (s.unusable || x86_seg_dpl(&s) >= cpl)
			continue;
		if ((s.attr & (X86_TYPE_CODE | X86_TYPE_E)) == (X86_TYPE_CODE | X86_TYPE_E))
			continue;
		x86_seg_null(&s, 0);
		ctx->ops->set_seg(ctx, regs[i], &s);
	}
}

/* The code segment that RET or IRET returns to (SDM volume 3, section 5.8.6). */
static int return_code(struct x86_ctx *ctx, u16 sel, struct x86_desc *d)
{
	unsigned int rpl = sel & 3, dpl;
	int ret, ok;

	if (x86_sel_is_null(sel))
		return x86_raise_err(ctx, X86_GP, 0);
	ret = x86_desc_read(ctx, sel, 0, X86_GP, 0, d);
	if (ret)
		return ret;
	dpl = x86_desc_dpl(d);
	ok = x86_desc_is_code(d) && rpl >= ctx->cpl && code_size_ok(ctx, d);
	if (x86_desc_type(d) & X86_TYPE_E)
		ok = ok && dpl <= rpl;
	else
		ok = ok && dpl == rpl;
	if (!ok)
		return x86_raise_err(ctx, X86_GP, sel & 0xfffc);
	if (!(x86_desc_attr(d) & X86_SEG_P))
		return x86_raise_err(ctx, X86_NP, sel & 0xfffc);
	return 0;
}

int x86_return_ss(struct x86_ctx *ctx, u16 sel, unsigned int cpl, int code64, struct x86_seg *ss)
{
	if (code64 && cpl < 3 && x86_sel_is_null(sel) && (sel & 3) == cpl) {
		x86_seg_null(ss, sel);
		ss->attr = (u16)(cpl << X86_SEG_DPL_SHIFT);
		return 0;
	}
	return x86_seg_check_ss(ctx, sel, cpl, X86_GP, 0, ss);
}

int x86_return_code(struct x86_ctx *ctx, u16 sel, u64 rip, struct x86_seg *cs)
{
	struct x86_desc d;
	int ret;

	ret = return_code(ctx, sel, &d);
	if (ret)
		return ret;
	return x86_code_target(ctx, sel, &d, sel & 3, rip, 0, cs);
}

void x86_return_outer(struct x86_ctx *ctx, unsigned int cpl, const struct x86_seg *ss, u64 sp,
		      int code64)
{
	struct x86_stack st;

	ctx->ops->set_seg(ctx, X86_SS, ss);
	x86_stack_set(ctx, &st, ss, sp, code64, cpl);
	x86_stack_commit(ctx, &st);
	if (cpl != ctx->cpl) {
		load_cpl(ctx, cpl);
		x86_seg_nullify_outer(ctx, cpl);
	}
}

static int ret_real(struct x86_ctx *ctx, struct x86_stack *st, u64 rip, u16 sel, u16 imm)
{
	struct x86_seg cs;
	int ret;

	ret = real_target(ctx, sel, rip, &cs);
	if (ret)
		return ret;
	load_cs(ctx, &cs, rip);
	st->sp = (st->sp + imm) & st->mask;
	x86_stack_commit(ctx, st);
	return 0;
}

int x86_far_ret(struct x86_ctx *ctx, unsigned int osz, u16 imm)
{
	u64 rip, sel, sp, ss_sel;
	struct x86_seg cs, ss;
	struct x86_stack st;
	int code64, ret;

	x86_stack_current(ctx, &st);
	ret = x86_pop(ctx, &st, osz, &rip);
	if (ret)
		return ret;
	ret = x86_pop(ctx, &st, osz, &sel);
	if (ret)
		return ret;
	if (!x86_uses_descriptors(ctx))
		return ret_real(ctx, &st, rip, (u16)sel, imm);
	ret = x86_return_code(ctx, (u16)sel, rip, &cs);
	if (ret)
		return ret;
	st.sp = (st.sp + imm) & st.mask;
	if ((cs.sel & 3) == ctx->cpl) {
		load_cs(ctx, &cs, rip);
		x86_stack_commit(ctx, &st);
		return 0;
	}
	ret = x86_pop(ctx, &st, osz, &sp);
	if (ret)
		return ret;
	ret = x86_pop(ctx, &st, osz, &ss_sel);
	if (ret)
		return ret;
	code64 = ctx->long_mode && (cs.attr & X86_SEG_L);
	ret = x86_return_ss(ctx, (u16)ss_sel, cs.sel & 3, code64, &ss);
	if (ret)
		return ret;
	load_cs(ctx, &cs, rip);
	x86_return_outer(ctx, cs.sel & 3, &ss, sp + imm, code64);
	return 0;
}

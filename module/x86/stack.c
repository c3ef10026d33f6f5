/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stacks of far transfers and event delivery: push and pop through any SS, and the stack that
 * the TSS holds for an inner level. The operations write memory as they go; registers change
 * only when the caller commits.
 *
 * Follows Intel SDM volume 1, chapter 6, and volume 3, section 5.8.5 and 7.7.
 */
#include "module/x86/xfer.h"

void x86_stack_set(struct x86_ctx *ctx, struct x86_stack *st, const struct x86_seg *ss, u64 sp,
		   int code64, unsigned int cpl)
{
	memset(st, 0, sizeof(*st));
	st->ss = *ss;
	if (code64)
		st->mask = ~(u64)0;
	else
		st->mask = (ss->attr & X86_SEG_DB) ? 0xffffffffu : 0xffffu;
	st->sp = sp & st->mask;
	st->acc = cpl < 3 ? X86_ACC_SYSTEM : 0;
	st->vec = X86_SSF;
}

void x86_stack_current(struct x86_ctx *ctx, struct x86_stack *st)
{
	struct x86_seg ss;

	ctx->ops->get_seg(ctx, X86_SS, &ss);
	x86_stack_set(ctx, st, &ss, ctx->gpr[X86_RSP], x86_is_code64(ctx), ctx->cpl);
}

static int stack_linear(struct x86_ctx *ctx, struct x86_stack *st, u64 sp, unsigned int len,
			unsigned int acc, u64 *lin)
{
	int bad;

	if (st->mask == ~(u64)0) {
		*lin = sp;
		bad = !x86_is_canonical(sp) || !x86_is_canonical(sp + (len - 1));
	} else {
		bad = x86_linear_seg(ctx, &st->ss, 1, sp, len, acc, lin);
	}
	if (!bad)
		return 0;
	return x86_raise_err(ctx, st->vec, (st->has_sel ? st->ss.sel & 0xfffc : 0) | st->ext);
}

int x86_push(struct x86_ctx *ctx, struct x86_stack *st, unsigned int size, u64 val)
{
	u64 sp = (st->sp - size) & st->mask;
	u64 lin;
	int ret;

	ret = stack_linear(ctx, st, sp, size, X86_ACC_WRITE, &lin);
	if (ret)
		return ret;
	ret = ctx->ops->write(ctx, lin, &val, size, X86_ACC_WRITE | st->acc);
	if (ret)
		return ret;
	st->sp = sp;
	return 0;
}

int x86_pop(struct x86_ctx *ctx, struct x86_stack *st, unsigned int size, u64 *val)
{
	u64 lin;
	int ret;

	ret = stack_linear(ctx, st, st->sp, size, X86_ACC_READ, &lin);
	if (ret)
		return ret;
	*val = 0;
	ret = ctx->ops->read(ctx, lin, val, size, X86_ACC_READ | st->acc);
	if (ret)
		return ret;
	st->sp = (st->sp + size) & st->mask;
	return 0;
}

void x86_stack_commit(struct x86_ctx *ctx, const struct x86_stack *st)
{
	u64 old = ctx->gpr[X86_RSP];

	/* A 16-bit stack leaves the upper part of ESP alone; a 32-bit one clears that of RSP. */
	if (st->mask == 0xffff)
		ctx->gpr[X86_RSP] = (old & ~(u64)0xffff) | st->sp;
	else
		ctx->gpr[X86_RSP] = st->sp;
}

int x86_tss_stack(struct x86_ctx *ctx, unsigned int cpl, unsigned int ext, u16 *sel, u64 *sp)
{
	unsigned int off, len, size;
	struct x86_seg tr;
	u8 buf[8] = { 0 };
	u64 lin;
	int ret;

	ctx->ops->get_seg(ctx, X86_TR, &tr);
	if (ctx->long_mode) {
		off = 4 + cpl * 8;
		len = 8;
		size = 8;
	} else if ((tr.attr & X86_SEG_TYPE) & 8) {
		off = 4 + cpl * 8;
		len = 6;
		size = 4;
	} else {
		off = 2 + cpl * 4;
		len = 4;
		size = 2;
	}
	if (tr.unusable || off + len - 1 > tr.limit)
		return x86_raise_err(ctx, X86_TS, (tr.sel & 0xfffc) | ext);
	lin = tr.base + off;
	if (!ctx->long_mode)
		lin &= 0xffffffffu;
	ret = ctx->ops->read(ctx, lin, buf, len, X86_ACC_READ | X86_ACC_SYSTEM);
	if (ret)
		return ret;
	*sp = 0;
	*sel = 0;
	memcpy(sp, buf, size);
	if (!ctx->long_mode)
		memcpy(sel, buf + size, 2);
	return 0;
}

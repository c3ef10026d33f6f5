/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Segments: descriptors, loads of segment registers, the address check of a logical address.
 *
 * Leans on struct x86_ops alone. Follows Intel SDM volume 3, chapters 3 and 5, and volume 2 for
 * MOV, LLDT, LTR, LAR, LSL, VERR, VERW.
 */
#include "module/x86/seg.h"

int x86_is_code64(struct x86_ctx *ctx)
{
	struct x86_seg cs;

	if (!ctx->long_mode)
		return 0;
	ctx->ops->get_seg(ctx, X86_CS, &cs);
	return (cs.attr & X86_SEG_L) != 0;
}

/* Table address of `sel` when `len` bytes of it lie within the table. 1 or 0. */
static int desc_locate(struct x86_ctx *ctx, u16 sel, unsigned int len, u64 *lin)
{
	struct x86_seg ldt;
	struct x86_dtr gdt;
	u64 base;
	u32 limit, off = sel & 0xfff8;

	if (sel & 4) {
		ctx->ops->get_seg(ctx, X86_LDTR, &ldt);
		if (ldt.unusable)
			return 0;
		base = ldt.base;
		limit = ldt.limit;
	} else {
		ctx->ops->get_gdt(ctx, &gdt);
		base = gdt.base;
		limit = gdt.limit;
	}
	if (off + (len - 1) > limit)
		return 0;
	*lin = base + off;
	if (!ctx->long_mode)
		*lin &= 0xffffffffu;
	return 1;
}

static int desc_read_at(struct x86_ctx *ctx, u64 lin, struct x86_desc *d)
{
	u32 w[2];
	int ret;

	ret = ctx->ops->read(ctx, lin, w, 8, X86_ACC_READ | X86_ACC_SYSTEM);
	if (ret)
		return ret;
	d->lo = w[0];
	d->hi = w[1];
	d->up_lo = 0;
	d->up_hi = 0;
	return 0;
}

int x86_desc_read(struct x86_ctx *ctx, u16 sel, int wide, u8 vec, unsigned int ext,
		  struct x86_desc *d)
{
	u32 w[2];
	u64 lin;
	int ret;

	if (!desc_locate(ctx, sel, 8, &lin))
		return x86_raise_err(ctx, vec, (sel & 0xfffc) | ext);
	ret = desc_read_at(ctx, lin, d);
	if (ret)
		return ret;
	if (!wide || !ctx->long_mode || (d->hi & 0x1000))
		return 0;
	if (!desc_locate(ctx, sel, 16, &lin))
		return x86_raise_err(ctx, vec, (sel & 0xfffc) | ext);
	ret = ctx->ops->read(ctx, lin + 8, w, 8, X86_ACC_READ | X86_ACC_SYSTEM);
	if (ret)
		return ret;
	d->up_lo = w[0];
	d->up_hi = w[1];
	return 0;
}

u64 x86_desc_linear(struct x86_ctx *ctx, u16 sel)
{
	struct x86_seg ldt;
	struct x86_dtr gdt;
	u64 lin;

	if (sel & 4) {
		ctx->ops->get_seg(ctx, X86_LDTR, &ldt);
		lin = ldt.base + (sel & 0xfff8);
	} else {
		ctx->ops->get_gdt(ctx, &gdt);
		lin = gdt.base + (sel & 0xfff8);
	}
	return ctx->long_mode ? lin : lin & 0xffffffffu;
}

int x86_desc_set_accessed(struct x86_ctx *ctx, u16 sel, struct x86_desc *d)
{
	u8 byte;
	int ret;

	if (d->hi & 0x100)
		return 0;
	byte = (u8)(((d->hi >> 8) & 0xff) | X86_TYPE_A);
	ret = ctx->ops->write(ctx, x86_desc_linear(ctx, sel) + 5, &byte, 1,
			      X86_ACC_WRITE | X86_ACC_SYSTEM);
	if (ret)
		return ret;
	d->hi |= 0x100;
	return 0;
}

int x86_desc_write_hi(struct x86_ctx *ctx, u16 sel, u32 hi)
{
	return ctx->ops->write(ctx, x86_desc_linear(ctx, sel) + 4, &hi, 4,
			       X86_ACC_WRITE | X86_ACC_SYSTEM);
}

void x86_desc_unpack(const struct x86_desc *d, u16 sel, struct x86_seg *s)
{
	memset(s, 0, sizeof(*s));
	s->sel = sel;
	s->attr = (u16)x86_desc_attr(d);
	s->base = (d->lo >> 16) | ((d->hi & 0xff) << 16) | (d->hi & 0xff000000u);
	if (!(s->attr & X86_SEG_S))
		s->base |= (u64)d->up_lo << 32;
	s->limit = (d->lo & 0xffff) | (d->hi & 0xf0000);
	if (s->attr & X86_SEG_G)
		s->limit = (s->limit << 12) | 0xfff;
}

void x86_seg_real(struct x86_seg *s, u16 sel, int v86)
{
	unsigned int keep = s->attr & (X86_SEG_G | X86_SEG_DB | X86_SEG_AVL);

	s->sel = sel;
	s->base = (u64)sel << 4;
	if (v86) {
		s->attr = X86_SEG_P | X86_SEG_DPL | X86_SEG_S | X86_TYPE_W | X86_TYPE_A;
		s->limit = 0xffff;
	} else {
		s->attr = (u16)(X86_SEG_P | X86_SEG_S | X86_TYPE_W | X86_TYPE_A | keep);
		/* A register that held a null selector kept no limit to go on with. */
		if (s->unusable)
			s->limit = 0xffff;
	}
	s->unusable = 0;
}

void x86_seg_flat_code(struct x86_seg *s, u16 sel, unsigned int dpl, int l)
{
	memset(s, 0, sizeof(*s));
	s->sel = sel;
	s->limit = 0xffffffffu;
	s->attr = (u16)(X86_SEG_P | X86_SEG_S | X86_SEG_G | X86_TYPE_CODE | X86_TYPE_W |
			X86_TYPE_A | (dpl << X86_SEG_DPL_SHIFT) | (l ? X86_SEG_L : X86_SEG_DB));
}

void x86_seg_flat_data(struct x86_seg *s, u16 sel, unsigned int dpl)
{
	memset(s, 0, sizeof(*s));
	s->sel = sel;
	s->limit = 0xffffffffu;
	s->attr = (u16)(X86_SEG_P | X86_SEG_S | X86_SEG_G | X86_SEG_DB | X86_TYPE_W | X86_TYPE_A |
			(dpl << X86_SEG_DPL_SHIFT));
}

void x86_seg_null(struct x86_seg *s, u16 sel)
{
	memset(s, 0, sizeof(*s));
	s->sel = sel;
	s->unusable = 1;
}

int x86_seg_check_ss(struct x86_ctx *ctx, u16 sel, unsigned int cpl, u8 vec, unsigned int ext,
		     struct x86_seg *out)
{
	u32 err = (sel & 0xfffc) | ext;
	struct x86_desc d;
	int ret;

	if (x86_sel_is_null(sel))
		return x86_raise_err(ctx, vec, ext);
	ret = x86_desc_read(ctx, sel, 0, vec, ext, &d);
	if (ret)
		return ret;
	if (!x86_desc_is_data(&d) || !(x86_desc_type(&d) & X86_TYPE_W) ||
	    (sel & 3) != cpl || x86_desc_dpl(&d) != cpl)
		return x86_raise_err(ctx, vec, err);
	if (!(x86_desc_attr(&d) & X86_SEG_P))
		return x86_raise_err(ctx, X86_SSF, err);
	ret = x86_desc_set_accessed(ctx, sel, &d);
	if (ret)
		return ret;
	x86_desc_unpack(&d, sel, out);
	return 0;
}

int x86_seg_check_data(struct x86_ctx *ctx, u16 sel, unsigned int cpl, u8 vec, unsigned int ext,
		       struct x86_seg *out)
{
	u32 err = (sel & 0xfffc) | ext;
	unsigned int type, dpl;
	struct x86_desc d;
	int ret;

	if (x86_sel_is_null(sel)) {
		x86_seg_null(out, sel);
		return 0;
	}
	ret = x86_desc_read(ctx, sel, 0, vec, ext, &d);
	if (ret)
		return ret;
	type = x86_desc_type(&d);
	dpl = x86_desc_dpl(&d);
	if (!x86_desc_is_data(&d) && !(x86_desc_is_code(&d) && (type & X86_TYPE_W)))
		return x86_raise_err(ctx, vec, err);
	/* Conforming code is readable from anywhere. */
	if (!(x86_desc_is_code(&d) && (type & X86_TYPE_E)) && (cpl > dpl || (sel & 3u) > dpl))
		return x86_raise_err(ctx, vec, err);
	if (!(x86_desc_attr(&d) & X86_SEG_P))
		return x86_raise_err(ctx, X86_NP, err);
	ret = x86_desc_set_accessed(ctx, sel, &d);
	if (ret)
		return ret;
	x86_desc_unpack(&d, sel, out);
	return 0;
}

static int load_ss(struct x86_ctx *ctx, u16 sel, struct x86_seg *out)
{
	if (x86_sel_is_null(sel) && x86_is_code64(ctx) && ctx->cpl < 3 && (sel & 3) == ctx->cpl) {
		x86_seg_null(out, sel);
		out->attr = (u16)((unsigned int)ctx->cpl << X86_SEG_DPL_SHIFT);
		return 0;
	}
	return x86_seg_check_ss(ctx, sel, ctx->cpl, X86_GP, 0, out);
}

int x86_seg_load(struct x86_ctx *ctx, unsigned int seg, u16 sel)
{
	struct x86_seg s;
	int ret;

	if (seg == X86_CS || seg > X86_GS)
		return x86_raise(ctx, X86_UD);
	if (!x86_uses_descriptors(ctx)) {
		ctx->ops->get_seg(ctx, seg, &s);
		x86_seg_real(&s, sel, x86_is_v86(ctx));
		ctx->ops->set_seg(ctx, seg, &s);
		return 0;
	}
	if (seg == X86_SS)
		ret = load_ss(ctx, sel, &s);
	else
		ret = x86_seg_check_data(ctx, sel, ctx->cpl, X86_GP, 0, &s);
	if (ret)
		return ret;
	ctx->ops->set_seg(ctx, seg, &s);
	return 0;
}

/* A 16-byte system descriptor: the bits where its upper half would have a type must be clear. */
static int sys_desc_ok(struct x86_ctx *ctx, const struct x86_desc *d)
{
	struct x86_seg s;

	if (!ctx->long_mode)
		return 1;
	x86_desc_unpack(d, 0, &s);
	return !(d->up_hi & 0x1f00) && x86_is_canonical(s.base);
}

int x86_seg_load_ldtr(struct x86_ctx *ctx, u16 sel)
{
	struct x86_desc d;
	struct x86_seg s;
	int ret;

	if (x86_sel_is_null(sel)) {
		x86_seg_null(&s, sel);
		ctx->ops->set_seg(ctx, X86_LDTR, &s);
		return 0;
	}
	if (sel & 4)
		return x86_raise_err(ctx, X86_GP, sel & 0xfffc);
	ret = x86_desc_read(ctx, sel, 1, X86_GP, 0, &d);
	if (ret)
		return ret;
	if ((x86_desc_attr(&d) & (X86_SEG_S | X86_SEG_TYPE)) != X86_SYS_LDT || !sys_desc_ok(ctx, &d))
		return x86_raise_err(ctx, X86_GP, sel & 0xfffc);
	if (!(x86_desc_attr(&d) & X86_SEG_P))
		return x86_raise_err(ctx, X86_NP, sel & 0xfffc);
	x86_desc_unpack(&d, sel, &s);
	ctx->ops->set_seg(ctx, X86_LDTR, &s);
	return 0;
}

int x86_seg_load_tr(struct x86_ctx *ctx, u16 sel)
{
	struct x86_desc d;
	struct x86_seg s;
	unsigned int type;
	int ret;

	if (x86_sel_is_null(sel))
		return x86_raise_err(ctx, X86_GP, 0);
	if (sel & 4)
		return x86_raise_err(ctx, X86_GP, sel & 0xfffc);
	ret = x86_desc_read(ctx, sel, 1, X86_GP, 0, &d);
	if (ret)
		return ret;
	type = x86_desc_attr(&d) & (X86_SEG_S | X86_SEG_TYPE);
	if (type != X86_SYS_TSS32 && (type != X86_SYS_TSS16 || ctx->long_mode))
		return x86_raise_err(ctx, X86_GP, sel & 0xfffc);
	if (!sys_desc_ok(ctx, &d))
		return x86_raise_err(ctx, X86_GP, sel & 0xfffc);
	if (!(x86_desc_attr(&d) & X86_SEG_P))
		return x86_raise_err(ctx, X86_NP, sel & 0xfffc);
	d.hi |= 0x200;
	ret = x86_desc_write_hi(ctx, sel, d.hi);
	if (ret)
		return ret;
	x86_desc_unpack(&d, sel, &s);
	ctx->ops->set_seg(ctx, X86_TR, &s);
	return 0;
}

/* System types that LAR (bit n: type n) and LSL know, outside and in long mode. */
#define LAR_TYPES      0x1a3eu
#define LAR_TYPES_LONG 0x1a04u
#define LSL_TYPES      0x0a0eu
#define LSL_TYPES_LONG 0x0a04u

/* The descriptor of `sel` if it is visible at CPL and RPL. 1, 0, or a fault. */
static int sel_visible(struct x86_ctx *ctx, u16 sel, u32 types, struct x86_desc *d)
{
	unsigned int type, dpl;
	u64 lin;
	int ret;

	if (x86_sel_is_null(sel) || !desc_locate(ctx, sel, 8, &lin))
		return 0;
	ret = desc_read_at(ctx, lin, d);
	if (ret)
		return ret;
	type = x86_desc_type(d);
	if (!(d->hi & 0x1000) && !(types & (1u << type)))
		return 0;
	if (x86_desc_is_code(d) && (type & X86_TYPE_E))
		return 1;
	dpl = x86_desc_dpl(d);
	return ctx->cpl <= dpl && (sel & 3u) <= dpl;
}

int x86_sel_lar(struct x86_ctx *ctx, u16 sel, u32 *out)
{
	struct x86_desc d;
	int ret;

	ret = sel_visible(ctx, sel, ctx->long_mode ? LAR_TYPES_LONG : LAR_TYPES, &d);
	if (ret == 1)
		*out = d.hi & 0x00ffff00u;
	return ret;
}

int x86_sel_lsl(struct x86_ctx *ctx, u16 sel, u32 *out)
{
	struct x86_desc d;
	struct x86_seg s;
	int ret;

	ret = sel_visible(ctx, sel, ctx->long_mode ? LSL_TYPES_LONG : LSL_TYPES, &d);
	if (ret == 1) {
		x86_desc_unpack(&d, sel, &s);
		*out = s.limit;
	}
	return ret;
}

int x86_sel_verify(struct x86_ctx *ctx, u16 sel, int write)
{
	struct x86_desc d;
	int ret;

	ret = sel_visible(ctx, sel, 0, &d);
	if (ret != 1)
		return ret;
	if (x86_desc_is_code(&d))
		return !write && (x86_desc_type(&d) & X86_TYPE_W);
	return !write || (x86_desc_type(&d) & X86_TYPE_W);
}

/* Does the type of a segment allow the access? Only protected mode asks. */
static int seg_type_allows(const struct x86_seg *s, unsigned int acc)
{
	/* A fetch goes by the limit alone: real mode leaves a data segment in CS when PE is set. */
	if (acc & X86_ACC_EXEC)
		return 1;
	if (s->attr & X86_TYPE_CODE)
		return !(acc & X86_ACC_WRITE) && (s->attr & X86_TYPE_W);
	return !(acc & X86_ACC_WRITE) || (s->attr & X86_TYPE_W);
}

static int seg_limit_allows(const struct x86_seg *s, u64 off, unsigned int len)
{
	u64 last = off + (len - 1);
	u64 top;

	if ((s->attr & (X86_TYPE_CODE | X86_TYPE_E)) == X86_TYPE_E) {
		top = (s->attr & X86_SEG_DB) ? 0xffffffffu : 0xffffu;
		return off > s->limit && last <= top;
	}
	return last <= s->limit;
}

int x86_linear_seg(struct x86_ctx *ctx, const struct x86_seg *s, int is_stack, u64 off,
		   unsigned int len, unsigned int acc, u64 *lin)
{
	u8 vec = is_stack ? X86_SSF : X86_GP;

	if (s->unusable || !seg_limit_allows(s, off, len))
		return x86_raise_err(ctx, vec, 0);
	if (x86_uses_descriptors(ctx) && !seg_type_allows(s, acc))
		return x86_raise_err(ctx, vec, 0);
	*lin = (s->base + off) & 0xffffffffu;
	return 0;
}

int x86_linear(struct x86_ctx *ctx, unsigned int seg, u64 off, unsigned int len, unsigned int acc,
	       u64 *lin)
{
	struct x86_seg s;

	if (!x86_is_code64(ctx)) {
		ctx->ops->get_seg(ctx, seg, &s);
		return x86_linear_seg(ctx, &s, seg == X86_SS, off, len, acc, lin);
	}
	*lin = off;
	if (seg == X86_FS || seg == X86_GS) {
		ctx->ops->get_seg(ctx, seg, &s);
		*lin += s.base;
	}
	if (!x86_is_canonical(*lin) || !x86_is_canonical(*lin + (len - 1)))
		return x86_raise_err(ctx, seg == X86_SS ? X86_SSF : X86_GP, 0);
	return 0;
}

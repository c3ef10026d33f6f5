/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hardware task switch and the I/O permission bit map.
 *
 * Follows Intel SDM volume 3, chapter 7: section 7.3 gives the order of steps, table 7-1 the
 * exceptions. Everything that can fault in the old task (both TSSs, the descriptors) is touched
 * before the first register changes; after that faults belong to the new task.
 */
#include "module/x86/task.h"
#include "module/x86/xfer.h"

#define TSS32_LIMIT 0x67u
#define TSS16_LIMIT 0x2bu

/* The registers of a TSS in one format for both sizes. */
struct task_state {
	u32 cr3;
	u32 eip;
	u32 eflags;
	u32 gpr[8];
	u16 seg[6]; /* ES, CS, SS, DS, FS, GS: enum x86_seg_reg */
	u16 ldt;
	u16 trap;
};

/* A switch in the making. */
struct task {
	struct x86_seg old_tr;
	struct x86_seg new_tr;
	struct x86_desc new_desc;
	enum x86_task_source src;
	u32 ext;
	struct task_state st; /* of the new task */
};

static int is_tss32(const struct x86_seg *tr)
{
	return (tr->attr & 8) != 0;
}

static int sys_read(struct x86_ctx *ctx, u64 lin, void *buf, unsigned int len)
{
	return ctx->ops->read(ctx, lin & 0xffffffffu, buf, len, X86_ACC_READ | X86_ACC_SYSTEM);
}

static int sys_write(struct x86_ctx *ctx, u64 lin, const void *buf, unsigned int len)
{
	return ctx->ops->write(ctx, lin & 0xffffffffu, buf, len, X86_ACC_WRITE | X86_ACC_SYSTEM);
}

static int sys_probe(struct x86_ctx *ctx, u64 lin, unsigned int len)
{
	return ctx->ops->probe(ctx, lin & 0xffffffffu, len, X86_ACC_WRITE | X86_ACC_SYSTEM);
}

/* Descriptor checks of the new TSS (SDM volume 3, section 7.3, steps 3 to 6). */
static int check_new_tss(struct x86_ctx *ctx, struct task *t, u16 sel)
{
	u8 vec = t->src == X86_TASK_IRET ? X86_TS : X86_GP;
	unsigned int type, want_busy = t->src == X86_TASK_IRET ? 2 : 0;
	u32 err = (sel & 0xfffc) | t->ext;
	int ret;

	if (x86_sel_is_null(sel) || (sel & 4))
		return x86_raise_err(ctx, vec, err);
	ret = x86_desc_read(ctx, sel, 0, vec, t->ext, &t->new_desc);
	if (ret)
		return ret;
	type = x86_desc_attr(&t->new_desc) & (X86_SEG_S | X86_SEG_TYPE);
	if (type != (X86_SYS_TSS16 | want_busy) && type != (X86_SYS_TSS32 | want_busy))
		return x86_raise_err(ctx, vec, err);
	if (!(x86_desc_attr(&t->new_desc) & X86_SEG_P))
		return x86_raise_err(ctx, X86_NP, err);
	x86_desc_unpack(&t->new_desc, sel, &t->new_tr);
	if (t->new_tr.limit < (is_tss32(&t->new_tr) ? TSS32_LIMIT : TSS16_LIMIT))
		return x86_raise_err(ctx, X86_TS, err);
	return 0;
}

static int read_tss32(struct x86_ctx *ctx, u64 base, struct task_state *st)
{
	u32 w[26];
	unsigned int i;
	int ret;

	ret = sys_read(ctx, base, w, sizeof(w));
	if (ret)
		return ret;
	st->cr3 = w[7];
	st->eip = w[8];
	st->eflags = w[9];
	for (i = 0; i < 8; i++)
		st->gpr[i] = w[10 + i];
	for (i = 0; i < 6; i++)
		st->seg[i] = (u16)w[18 + i];
	st->ldt = (u16)w[24];
	st->trap = w[25] & 1;
	return 0;
}

static int read_tss16(struct x86_ctx *ctx, u64 base, struct task_state *st)
{
	u16 w[22];
	unsigned int i;
	int ret;

	ret = sys_read(ctx, base, w, sizeof(w));
	if (ret)
		return ret;
	memset(st, 0, sizeof(*st));
	st->eip = w[7];
	st->eflags = w[8];
	/* The upper halves hold ones after a 16-bit switch, as on the hardware. */
	for (i = 0; i < 8; i++)
		st->gpr[i] = 0xffff0000u | w[9 + i];
	for (i = 0; i < 4; i++)
		st->seg[i] = w[17 + i];
	st->ldt = w[21];
	return 0;
}

/* The flags that the old TSS keeps. */
static u32 saved_flags(struct x86_ctx *ctx, const struct task *t)
{
	u32 flags = (u32)ctx->rflags;

	return t->src == X86_TASK_IRET ? flags & ~X86_FL_NT : flags;
}

static int save_tss32(struct x86_ctx *ctx, const struct task *t)
{
	struct x86_seg s;
	u32 w[10];
	unsigned int i;
	int ret;

	w[0] = (u32)ctx->rip;
	w[1] = saved_flags(ctx, t);
	for (i = 0; i < 8; i++)
		w[2 + i] = (u32)ctx->gpr[i];
	ret = sys_write(ctx, t->old_tr.base + 0x20, w, sizeof(w));
	for (i = 0; i < 6 && !ret; i++) {
		ctx->ops->get_seg(ctx, i, &s);
		ret = sys_write(ctx, t->old_tr.base + 0x48 + i * 4, &s.sel, 2);
	}
	return ret;
}

static int save_tss16(struct x86_ctx *ctx, const struct task *t)
{
	struct x86_seg s;
	u16 w[14];
	unsigned int i;

	w[0] = (u16)ctx->rip;
	w[1] = (u16)saved_flags(ctx, t);
	for (i = 0; i < 8; i++)
		w[2 + i] = (u16)ctx->gpr[i];
	for (i = 0; i < 4; i++) {
		ctx->ops->get_seg(ctx, i, &s);
		w[10 + i] = s.sel;
	}
	return sys_write(ctx, t->old_tr.base + 0x0e, w, sizeof(w));
}

/* Touches all that will be written, so that the writes cannot fault half way. */
static int probe_writes(struct x86_ctx *ctx, const struct task *t, u16 sel)
{
	int nested = t->src == X86_TASK_CALL || t->src == X86_TASK_INT, ret;

	if (t->old_tr.unusable || t->old_tr.limit < (is_tss32(&t->old_tr) ? 0x5fu : 0x29u))
		return x86_raise_err(ctx, X86_TS, (t->old_tr.sel & 0xfffc) | t->ext);
	if (is_tss32(&t->old_tr))
		ret = sys_probe(ctx, t->old_tr.base + 0x20, 0x40);
	else
		ret = sys_probe(ctx, t->old_tr.base + 0x0e, 0x1c);
	if (!ret && !nested)
		ret = sys_probe(ctx, x86_desc_linear(ctx, t->old_tr.sel) + 4, 4);
	if (!ret && nested)
		ret = sys_probe(ctx, t->new_tr.base, 2);
	if (!ret && t->src != X86_TASK_IRET)
		ret = sys_probe(ctx, x86_desc_linear(ctx, sel) + 4, 4);
	return ret;
}

/* Clears the busy bit of the task that is left for good, sets that of the new one. */
static int switch_busy(struct x86_ctx *ctx, struct task *t, u16 sel)
{
	struct x86_desc old;
	int ret = 0;

	if (t->src == X86_TASK_JMP || t->src == X86_TASK_IRET) {
		ret = x86_desc_read(ctx, t->old_tr.sel, 0, X86_TS, t->ext, &old);
		if (!ret)
			ret = x86_desc_write_hi(ctx, t->old_tr.sel, old.hi & ~0x200u);
	}
	if (!ret && t->src != X86_TASK_IRET) {
		t->new_desc.hi |= 0x200;
		ret = x86_desc_write_hi(ctx, sel, t->new_desc.hi);
	}
	return ret;
}

/* The new task's LDTR (SDM volume 3, table 7-1: #TS for whatever is wrong). */
static int load_ldt(struct x86_ctx *ctx, const struct task *t)
{
	u32 err = (t->st.ldt & 0xfffc) | t->ext;
	struct x86_desc d;
	struct x86_seg s;
	int ret;

	if (x86_sel_is_null(t->st.ldt))
		return 0;
	if (t->st.ldt & 4)
		return x86_raise_err(ctx, X86_TS, err);
	ret = x86_desc_read(ctx, t->st.ldt, 0, X86_TS, t->ext, &d);
	if (ret)
		return ret;
	if ((x86_desc_attr(&d) & (X86_SEG_P | X86_SEG_S | X86_SEG_TYPE)) !=
	    (X86_SEG_P | X86_SYS_LDT))
		return x86_raise_err(ctx, X86_TS, err);
	x86_desc_unpack(&d, t->st.ldt, &s);
	ctx->ops->set_seg(ctx, X86_LDTR, &s);
	return 0;
}

static int load_cs(struct x86_ctx *ctx, const struct task *t)
{
	u16 sel = t->st.seg[X86_CS];
	unsigned int dpl, rpl = sel & 3;
	struct x86_desc d;
	struct x86_seg s;
	int ret;

	if (x86_sel_is_null(sel))
		return x86_raise_err(ctx, X86_TS, t->ext);
	ret = x86_desc_read(ctx, sel, 0, X86_TS, t->ext, &d);
	if (ret)
		return ret;
	dpl = x86_desc_dpl(&d);
	if (!x86_desc_is_code(&d) ||
	    ((x86_desc_type(&d) & X86_TYPE_E) ? dpl > rpl : dpl != rpl))
		return x86_raise_err(ctx, X86_TS, (sel & 0xfffc) | t->ext);
	if (!(x86_desc_attr(&d) & X86_SEG_P))
		return x86_raise_err(ctx, X86_NP, (sel & 0xfffc) | t->ext);
	ret = x86_desc_set_accessed(ctx, sel, &d);
	if (ret)
		return ret;
	x86_desc_unpack(&d, sel, &s);
	ctx->ops->set_seg(ctx, X86_CS, &s);
	return 0;
}

/* Descriptors of the new task, in the order of SDM volume 3, section 7.3, step 12 and on. */
static int load_segments(struct x86_ctx *ctx, const struct task *t)
{
	static const u8 data[] = { X86_ES, X86_DS, X86_FS, X86_GS };
	struct x86_seg s;
	unsigned int i;
	int ret;

	ret = load_ldt(ctx, t);
	if (ret || (ctx->rflags & X86_FL_VM))
		return ret;
	ret = load_cs(ctx, t);
	if (!ret)
		ret = x86_seg_check_ss(ctx, t->st.seg[X86_SS], ctx->cpl, X86_TS, t->ext, &s);
	if (ret)
		return ret;
	ctx->ops->set_seg(ctx, X86_SS, &s);
	for (i = 0; i < sizeof(data); i++) {
		ret = x86_seg_check_data(ctx, t->st.seg[data[i]], ctx->cpl, X86_TS, t->ext, &s);
		if (ret)
			return ret;
		ctx->ops->set_seg(ctx, data[i], &s);
	}
	return 0;
}

/* Selectors without their descriptors: what a fault in the new task's loads leaves behind. */
static void load_selectors(struct x86_ctx *ctx, const struct task *t)
{
	struct x86_seg s;
	unsigned int i;

	x86_seg_null(&s, t->st.ldt);
	ctx->ops->set_seg(ctx, X86_LDTR, &s);
	for (i = 0; i < 6; i++) {
		x86_seg_null(&s, t->st.seg[i]);
		if (ctx->rflags & X86_FL_VM)
			x86_seg_real(&s, t->st.seg[i], 1);
		ctx->ops->set_seg(ctx, i, &s);
	}
}

static int enter_task(struct x86_ctx *ctx, struct task *t)
{
	u64 cr0 = ctx->ops->get_cr(ctx, 0);
	unsigned int i;
	int ret = 0;

	ctx->committed = 1;
	t->new_tr.attr |= 2;
	ctx->ops->set_seg(ctx, X86_TR, &t->new_tr);
	ctx->rip = t->st.eip;
	ctx->rflags = (t->st.eflags & 0x3f7fd5u) | X86_FL_ONE;
	if (t->src == X86_TASK_CALL || t->src == X86_TASK_INT)
		ctx->rflags |= X86_FL_NT;
	for (i = 0; i < 8; i++)
		ctx->gpr[i] = t->st.gpr[i];
	ctx->cpl = (ctx->rflags & X86_FL_VM) ? 3 : t->st.seg[X86_CS] & 3;
	load_selectors(ctx, t);
	ctx->ops->set_cpl(ctx, ctx->cpl);
	/* Breakpoints that are local to a task end with it. */
	ctx->ops->set_dr(ctx, 7, ctx->ops->get_dr(ctx, 7) & ~(u64)0x155);
	if (is_tss32(&t->new_tr) && (cr0 & X86_CR0_PG))
		ret = ctx->ops->set_cr(ctx, 3, t->st.cr3);
	if (!ret)
		ret = ctx->ops->set_cr(ctx, 0, cr0 | X86_CR0_TS);
	return ret ? ret : load_segments(ctx, t);
}

static int push_error(struct x86_ctx *ctx, const struct task *t, u32 err)
{
	struct x86_stack st;
	int ret;

	x86_stack_current(ctx, &st);
	st.ext = (u8)t->ext;
	ret = x86_push(ctx, &st, is_tss32(&t->new_tr) ? 4 : 2, err);
	if (!ret)
		x86_stack_commit(ctx, &st);
	return ret;
}

/* The old task is saved, the links are made; nothing here faults after probe_writes(). */
static int leave_task(struct x86_ctx *ctx, struct task *t, u16 sel)
{
	int ret;

	ret = is_tss32(&t->old_tr) ? save_tss32(ctx, t) : save_tss16(ctx, t);
	if (!ret)
		ret = switch_busy(ctx, t, sel);
	if (!ret && (t->src == X86_TASK_CALL || t->src == X86_TASK_INT))
		ret = sys_write(ctx, t->new_tr.base, &t->old_tr.sel, 2);
	return ret;
}

int x86_task_switch(struct x86_ctx *ctx, u16 sel, enum x86_task_source src, unsigned int ext,
		    int has_err, u32 err)
{
	struct task t;
	int ret;

	memset(&t, 0, sizeof(t));
	t.src = src;
	t.ext = ext;
	ctx->ops->get_seg(ctx, X86_TR, &t.old_tr);
	ret = check_new_tss(ctx, &t, sel);
	if (!ret)
		ret = is_tss32(&t.new_tr) ? read_tss32(ctx, t.new_tr.base, &t.st) :
					    read_tss16(ctx, t.new_tr.base, &t.st);
	if (!ret)
		ret = probe_writes(ctx, &t, sel);
	if (!ret)
		ret = leave_task(ctx, &t, sel);
	/* A task that switches to itself takes the state that was just saved. */
	if (!ret && (t.old_tr.sel & 0xfffc) == (sel & 0xfffc))
		ret = is_tss32(&t.new_tr) ? read_tss32(ctx, t.new_tr.base, &t.st) :
					    read_tss16(ctx, t.new_tr.base, &t.st);
	if (!ret)
		ret = enter_task(ctx, &t);
	if (!ret && has_err)
		ret = push_error(ctx, &t, err);
	if (ret)
		return ret;
	if (t.st.trap) {
		ctx->ops->set_dr(ctx, 6, ctx->ops->get_dr(ctx, 6) | 0x8000);
		return x86_raise(ctx, X86_DB);
	}
	return 0;
}

int x86_task_far(struct x86_ctx *ctx, u16 sel, const struct x86_desc *d,
		 enum x86_task_source src)
{
	unsigned int type = x86_desc_attr(d) & (X86_SEG_S | X86_SEG_TYPE);
	unsigned int dpl = x86_desc_dpl(d);

	if (ctx->long_mode ||
	    (type != X86_SYS_TASK_GATE && type != X86_SYS_TSS16 && type != X86_SYS_TSS32) ||
	    dpl < ctx->cpl || dpl < (sel & 3u))
		return x86_raise_err(ctx, X86_GP, sel & 0xfffc);
	if (!(x86_desc_attr(d) & X86_SEG_P))
		return x86_raise_err(ctx, X86_NP, sel & 0xfffc);
	if (type == X86_SYS_TASK_GATE)
		sel = (u16)(d->lo >> 16);
	return x86_task_switch(ctx, sel, src, 0, 0, 0);
}

int x86_io_check(struct x86_ctx *ctx, u16 port, unsigned int len)
{
	struct x86_seg tr;
	u16 iomap, bits;
	u32 off;
	int ret;

	if (!x86_is_protected(ctx))
		return 0;
	if (!(ctx->rflags & X86_FL_VM) && ctx->cpl <= ((ctx->rflags & X86_FL_IOPL) >> 12))
		return 0;
	ctx->ops->get_seg(ctx, X86_TR, &tr);
	if (tr.unusable || !is_tss32(&tr) || tr.limit < TSS32_LIMIT)
		return x86_raise_err(ctx, X86_GP, 0);
	ret = ctx->ops->read(ctx, ctx->long_mode ? tr.base + 0x66 : (tr.base + 0x66) & 0xffffffffu,
			     &iomap, 2, X86_ACC_READ | X86_ACC_SYSTEM);
	if (ret)
		return ret;
	/* Two bytes are always read: the map ends with a byte of ones for this. */
	off = (u32)iomap + port / 8u;
	if (off + 1 > tr.limit)
		return x86_raise_err(ctx, X86_GP, 0);
	ret = ctx->ops->read(ctx, ctx->long_mode ? tr.base + off : (tr.base + off) & 0xffffffffu,
			     &bits, 2, X86_ACC_READ | X86_ACC_SYSTEM);
	if (ret)
		return ret;
	if ((bits >> (port & 7)) & ((1u << len) - 1))
		return x86_raise_err(ctx, X86_GP, 0);
	return 0;
}

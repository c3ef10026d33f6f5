/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Slow handlers: control and debug registers, descriptor-table registers, selector tests, TLB
 * and cache control.
 *
 * Follows Intel SDM volume 2 for each instruction, volume 3, section 2.8.
 */
#include "vmm/cpu/sys_impl.h"

#define DR6_BD 0x2000u
#define DR7_GD 0x2000u

static void raise_if(struct cpu *c, int ret)
{
	if (ret)
		cpu_raise(c);
}

/* CR1 and CR5 to CR7 do not exist, CR8 in 64-bit mode only. */
static void mov_cr(struct cpu *c, const struct x86_insn *i)
{
	unsigned int cr = i->reg;
	bool wide = sys_code64(c);

	if (!(cr <= 4 && cr != 1) && !(cr == 8 && wide))
		cpu_fault(c, X86_UD);
	sys_need_cpl0(c);
	if (i->form == X86_FORM_R_CR)
		c->gpr[i->rm] = wide ? cpu_cr_read(c, cr) : (u32)cpu_cr_read(c, cr);
	else
		raise_if(c, cpu_cr_write(c, cr, wide ? c->gpr[i->rm] : (u32)c->gpr[i->rm]));
}

static void mov_dr(struct cpu *c, const struct x86_insn *i)
{
	unsigned int dr = i->reg;
	bool wide = sys_code64(c);

	if (dr > 7 || ((dr == 4 || dr == 5) && (c->cr4 & X86_CR4_DE)))
		cpu_fault(c, X86_UD);
	sys_need_cpl0(c);
	if (c->dr[7] & DR7_GD) {
		/* General detect; the handler can use the registers, since GD is cleared. */
		c->dr[7] &= ~(u64)DR7_GD;
		c->dr[6] |= DR6_BD;
		cpu_fault(c, X86_DB);
	}
	if (i->form == X86_FORM_R_DR)
		c->gpr[i->rm] = wide ? cpu_dr_read(c, dr) : (u32)cpu_dr_read(c, dr);
	else
		raise_if(c, cpu_dr_write(c, dr, wide ? c->gpr[i->rm] : (u32)c->gpr[i->rm]));
}

/* UMIP keeps SGDT, SIDT, SLDT, STR and SMSW from level 3. */
static void umip(struct cpu *c)
{
	if (c->cpl && (c->cr4 & X86_CR4_UMIP))
		cpu_fault_err(c, X86_GP, 0);
}

static void smsw(struct cpu *c, const struct x86_insn *i)
{
	umip(c);
	sys_rm_write16(c, i, c->cr0);
}

static void lmsw(struct cpu *c, const struct x86_insn *i)
{
	u64 val;

	sys_need_cpl0(c);
	/* PE can be set but not cleared. */
	val = sys_rm_read(c, i, 2) & 0xf;
	val |= c->cr0 & X86_CR0_PE;
	raise_if(c, cpu_cr_write(c, 0, (c->cr0 & ~0xfull) | val));
}

static void clts(struct cpu *c, const struct x86_insn *i)
{
	sys_need_cpl0(c);
	c->cr0 &= ~(u64)X86_CR0_TS;
	cpu_mode_changed(c);
}

static void load_table(struct cpu *c, const struct x86_insn *i, struct x86_dtr *t)
{
	unsigned int len = sys_code64(c) ? 8 : 4;
	u64 lin, base = 0;
	u16 limit;

	sys_need_cpl0(c);
	lin = cpu_insn_lin(c, i, 2 + len, false);
	cpu_lin_read(c, lin, &limit, 2);
	cpu_lin_read(c, sys_code64(c) ? lin + 2 : (u32)(lin + 2), &base, len);
	if (len == 8) {
		if (!x86_is_canonical(base))
			cpu_fault_err(c, X86_GP, 0);
	} else if (i->opsize == 2) {
		base &= 0xffffff;
	}
	t->base = base;
	t->limit = limit;
}

static void store_table(struct cpu *c, const struct x86_insn *i, const struct x86_dtr *t)
{
	unsigned int len = sys_code64(c) ? 8 : 4;
	u8 buf[10];

	umip(c);
	memcpy(buf, &t->limit, 2);
	memcpy(buf + 2, &t->base, 8);
	cpu_lin_write(c, cpu_insn_lin(c, i, 2 + len, true), buf, 2 + len);
}

static void lgdt(struct cpu *c, const struct x86_insn *i)
{
	load_table(c, i, &c->gdt);
}

static void lidt(struct cpu *c, const struct x86_insn *i)
{
	load_table(c, i, &c->idt);
}

static void sgdt(struct cpu *c, const struct x86_insn *i)
{
	store_table(c, i, &c->gdt);
}

static void sidt(struct cpu *c, const struct x86_insn *i)
{
	store_table(c, i, &c->idt);
}

static void sldt(struct cpu *c, const struct x86_insn *i)
{
	sys_need_protected(c);
	umip(c);
	sys_rm_write16(c, i, c->seg[X86_LDTR].sel);
}

static void str(struct cpu *c, const struct x86_insn *i)
{
	sys_need_protected(c);
	umip(c);
	sys_rm_write16(c, i, c->seg[X86_TR].sel);
}

static void lldt(struct cpu *c, const struct x86_insn *i)
{
	struct x86_ctx x;

	sys_need_protected(c);
	sys_need_cpl0(c);
	cpu_ctx_init(c, &x);
	sys_finish(c, &x, x86_seg_load_ldtr(&x, (u16)sys_rm_read(c, i, 2)));
}

static void ltr(struct cpu *c, const struct x86_insn *i)
{
	struct x86_ctx x;

	sys_need_protected(c);
	sys_need_cpl0(c);
	cpu_ctx_init(c, &x);
	sys_finish(c, &x, x86_seg_load_tr(&x, (u16)sys_rm_read(c, i, 2)));
}

/* LAR and LSL: the destination changes only where the selector qualifies. */
static void selector_value(struct cpu *c, const struct x86_insn *i,
			   int (*get)(struct x86_ctx *, u16, u32 *))
{
	struct x86_ctx x;
	u32 val = 0;
	int ret;

	sys_need_protected(c);
	cpu_ctx_init(c, &x);
	ret = get(&x, (u16)sys_rm_read(c, i, 2), &val);
	if (ret < 0)
		sys_finish(c, &x, ret);
	if (ret > 0)
		sys_set_gpr(c, i->reg, i->opsize, val);
	sys_set_flag(c, X86_FL_ZF, ret > 0);
}

static void lar(struct cpu *c, const struct x86_insn *i)
{
	selector_value(c, i, x86_sel_lar);
}

static void lsl(struct cpu *c, const struct x86_insn *i)
{
	selector_value(c, i, x86_sel_lsl);
}

static void verify(struct cpu *c, const struct x86_insn *i, int write)
{
	struct x86_ctx x;
	int ret;

	sys_need_protected(c);
	cpu_ctx_init(c, &x);
	ret = x86_sel_verify(&x, (u16)sys_rm_read(c, i, 2), write);
	if (ret < 0)
		sys_finish(c, &x, ret);
	sys_set_flag(c, X86_FL_ZF, ret > 0);
}

static void verr(struct cpu *c, const struct x86_insn *i)
{
	verify(c, i, 0);
}

static void verw(struct cpu *c, const struct x86_insn *i)
{
	verify(c, i, 1);
}

static void arpl(struct cpu *c, const struct x86_insn *i)
{
	u16 dst, src = (u16)c->gpr[i->reg];
	u64 lin = 0;
	bool raise;

	sys_need_protected(c);
	if (i->mod == 3) {
		dst = (u16)c->gpr[i->rm];
	} else {
		lin = cpu_insn_lin(c, i, 2, true);
		cpu_lin_read(c, lin, &dst, 2);
	}
	raise = (dst & 3) < (src & 3);
	dst = (u16)((dst & ~3) | (src & 3));
	if (raise && i->mod == 3)
		sys_set_gpr(c, i->rm, 2, dst);
	else if (raise)
		cpu_lin_write(c, lin, &dst, 2);
	sys_set_flag(c, X86_FL_ZF, raise);
}

static void invlpg(struct cpu *c, const struct x86_insn *i)
{
	u64 lin = cpu_insn_ea(c, i);

	sys_need_cpl0(c);
	if (!sys_code64(c))
		lin = (u32)(lin + c->seg[i->seg].base);
	else if (i->seg == X86_FS || i->seg == X86_GS)
		lin += c->seg[i->seg].base;
	if (x86_is_canonical(lin))
		cpu_tlb_flush_page(c, lin);
}

static void invpcid(struct cpu *c, const struct x86_insn *i)
{
	u64 type = sys_code64(c) ? c->gpr[i->reg] : (u32)c->gpr[i->reg];
	u64 d[2];

	sys_need_cpl0(c);
	cpu_lin_read(c, cpu_insn_lin(c, i, 16, false), d, 16);
	if (type > 3 || (d[0] >> 12) || (type == 0 && !x86_is_canonical(d[1])) ||
	    (type < 2 && d[0] && !(c->cr4 & X86_CR4_PCIDE)))
		cpu_fault_err(c, X86_GP, 0);
	if (type == 2)
		cpu_tlb_flush_all(c);
	else
		cpu_tlb_flush_pcid(c, (unsigned int)type, (unsigned int)d[0], d[1]);
}

/* Caches are the host's business: INVD, WBINVD do nothing to be seen. */
static void wbinvd(struct cpu *c, const struct x86_insn *i)
{
	sys_need_cpl0(c);
}

static const struct cpu_sys_entry entries[] = {
	{ X86_OP_MOV_CR, mov_cr },   { X86_OP_MOV_DR, mov_dr }, { X86_OP_SMSW, smsw },
	{ X86_OP_LMSW, lmsw },	     { X86_OP_CLTS, clts },     { X86_OP_LGDT, lgdt },
	{ X86_OP_LIDT, lidt },	     { X86_OP_SGDT, sgdt },     { X86_OP_SIDT, sidt },
	{ X86_OP_SLDT, sldt },	     { X86_OP_STR, str },       { X86_OP_LLDT, lldt },
	{ X86_OP_LTR, ltr },	     { X86_OP_LAR, lar },       { X86_OP_LSL, lsl },
	{ X86_OP_VERR, verr },	     { X86_OP_VERW, verw },     { X86_OP_ARPL, arpl },
	{ X86_OP_INVLPG, invlpg },   { X86_OP_INVPCID, invpcid }, { X86_OP_INVD, wbinvd },
	{ X86_OP_WBINVD, wbinvd },
};

const struct cpu_sys_table cpu_sys_regs = { entries, ARRAY_SIZE(entries) };

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The CPU's state as a whole: reset, what is derived from segments and control registers, flags,
 * faults, and the interface to the shared slow paths (struct x86_ops).
 */
#include <stdlib.h>

#include "vmm/cpu/debug.h"
#include "vmm/cpu/dma.h"
#include "vmm/cpu/flags.h"
#include "vmm/cpu/sys.h"
#include "vmm/cpu/tlb.h"

/* -- faults -- */

_Noreturn void cpu_raise(struct cpu *c)
{
	longjmp(c->escape, 1);
}

_Noreturn void cpu_fault(struct cpu *c, u8 vector)
{
	c->fault.vector = vector;
	c->fault.has_err = 0;
	c->fault.err = 0;
	cpu_raise(c);
}

_Noreturn void cpu_fault_err(struct cpu *c, u8 vector, u32 err)
{
	c->fault.vector = vector;
	c->fault.has_err = 1;
	c->fault.err = err;
	cpu_raise(c);
}

/* -- flags -- */

u64 cpu_get_rflags(struct cpu *c)
{
	return (c->rflags & ~(u64)X86_FL_ARITH) | fl_pack(c) | X86_FL_ONE;
}

void cpu_set_rflags(struct cpu *c, u64 val)
{
	u64 old = c->rflags;

	fl_unpack(c, (u32)val);
	c->rflags = val | X86_FL_ONE;
	if ((old ^ val) & (X86_FL_AC | X86_FL_VM | X86_FL_TF))
		cpu_mode_changed(c);
}

void cpu_set_arith(struct cpu *c, u32 fl)
{
	fl_unpack(c, fl);
}

/* -- derived state -- */

/* A data segment that needs no check: writable, from 0 to 4 GiB. */
static bool seg_is_flat(const struct x86_seg *s, bool any_base)
{
	return !s->unusable && (any_base || s->base == 0) && s->limit == 0xffffffffu &&
	       (s->attr & (X86_TYPE_CODE | X86_TYPE_E | X86_TYPE_W)) == X86_TYPE_W;
}

static void seg_limits(struct cpu *c, unsigned int i, bool pe)
{
	const struct x86_seg *s = &c->seg[i];
	bool code = s->attr & X86_TYPE_CODE;

	c->seg_rmax[i] = c->seg_wmax[i] = -1;
	if (s->unusable || c->mode & CPU_MODE_CS64)
		return;
	if (!pe) {
		c->seg_rmax[i] = c->seg_wmax[i] = s->limit;
		return;
	}
	if (!code && s->attr & X86_TYPE_E)
		return;
	if (!code || s->attr & X86_TYPE_W)
		c->seg_rmax[i] = s->limit;
	if (!code && s->attr & X86_TYPE_W)
		c->seg_wmax[i] = s->limit;
}

static u32 mode_bits(const struct cpu *c)
{
	const struct x86_seg *cs = &c->seg[X86_CS];
	bool lma = c->efer & X86_EFER_LMA;
	u32 m = lma ? CPU_MODE_LMA : 0;

	if (c->cr0 & X86_CR0_PE)
		m |= c->rflags & X86_FL_VM ? CPU_MODE_VM : CPU_MODE_PE;
	if (c->cpl == 3)
		m |= CPU_MODE_USER;
	if (!(c->cr0 & (X86_CR0_EM | X86_CR0_TS)) && c->cr4 & X86_CR4_OSFXSR)
		m |= CPU_MODE_FPU;
	if (lma && cs->attr & X86_SEG_L)
		return m | CPU_MODE_CS64 | CPU_MODE_FLAT | CPU_MODE_CSFLAT | CPU_MODE_FSGS;
	if (cs->attr & X86_SEG_DB)
		m |= CPU_MODE_CS32;
	if (c->seg[X86_SS].attr & X86_SEG_DB)
		m |= CPU_MODE_SS32;
	if (cs->base == 0 && cs->limit == 0xffffffffu)
		m |= CPU_MODE_CSFLAT;
	if (seg_is_flat(&c->seg[X86_DS], false) && seg_is_flat(&c->seg[X86_ES], false) &&
	    seg_is_flat(&c->seg[X86_SS], false))
		m |= CPU_MODE_FLAT;
	if (seg_is_flat(&c->seg[X86_FS], true) && seg_is_flat(&c->seg[X86_GS], true))
		m |= CPU_MODE_FSGS;
	return m;
}

static struct cpu_tlb *pick_tlb(const struct cpu *c)
{
	unsigned int i;

	if (c->cpl == 3 && c->cr0 & X86_CR0_AM && c->rflags & X86_FL_AC)
		return &c->tlbs[CPU_TLB_EMPTY];
	if (c->debug && c->debug->nwatches)
		return &c->tlbs[CPU_TLB_EMPTY];
	for (i = 0; i < 4; i++)
		if (c->dr[7] >> (2 * i) & 3 && c->dr[7] >> (16 + 4 * i) & 1)
			return &c->tlbs[CPU_TLB_EMPTY];
	if (c->cpl == 3)
		return &c->tlbs[CPU_TLB_USER];
	if (c->cr4 & X86_CR4_SMAP && c->rflags & X86_FL_AC)
		return &c->tlbs[CPU_TLB_SUPER_AC];
	return &c->tlbs[CPU_TLB_SUPER];
}

void cpu_mode_changed(struct cpu *c)
{
	const struct x86_seg *cs = &c->seg[X86_CS];
	unsigned int i;
	bool pe;

	c->mode = mode_bits(c);
	pe = c->mode & CPU_MODE_PE;
	for (i = X86_ES; i <= X86_GS; i++) {
		bool zero = c->mode & CPU_MODE_CS64 && i < X86_FS;

		c->gpr[CPU_SEGBASE + i] = zero ? 0 : c->seg[i].base;
		seg_limits(c, i, pe);
	}
	c->tlb = pick_tlb(c);
	if (!(c->mode & CPU_MODE_CSFLAT) && (cs->base != c->cs_base || cs->limit != c->cs_limit)) {
		c->cs_base = cs->base;
		c->cs_limit = cs->limit;
		cpu_tags_renew(c);
	}
	cpu_tags_update(c);
}

void cpu_set_seg(struct cpu *c, unsigned int seg, const struct x86_seg *s)
{
	c->seg[seg] = *s;
	if (seg <= X86_GS)
		cpu_mode_changed(c);
}

void cpu_set_cpl(struct cpu *c, unsigned int cpl)
{
	c->cpl = (u8)cpl;
	cpu_mode_changed(c);
}

void cpu_set_seg_base(struct cpu *c, unsigned int seg, u64 base)
{
	c->seg[seg].base = base;
	c->gpr[CPU_SEGBASE + seg] = base;
}

/* -- struct x86_ops -- */

static struct cpu *of(struct x86_ctx *ctx)
{
	return ctx->cpu;
}

static int fail(struct x86_ctx *ctx)
{
	ctx->fault = of(ctx)->fault;
	return X86_FAULT;
}

static int op_read(struct x86_ctx *ctx, u64 lin, void *buf, unsigned int len, unsigned int acc)
{
	return cpu_try_read(of(ctx), lin, buf, len, acc) ? fail(ctx) : 0;
}

static int op_write(struct x86_ctx *ctx, u64 lin, const void *buf, unsigned int len,
		    unsigned int acc)
{
	return cpu_try_write(of(ctx), lin, buf, len, acc) ? fail(ctx) : 0;
}

static int op_probe(struct x86_ctx *ctx, u64 lin, unsigned int len, unsigned int acc)
{
	return cpu_try_probe(of(ctx), lin, len, acc) ? fail(ctx) : 0;
}

static void op_get_seg(struct x86_ctx *ctx, unsigned int seg, struct x86_seg *out)
{
	*out = of(ctx)->seg[seg];
}

/* What depends on segments and CPL is brought up to date by cpu_ctx_done(). */
static void op_set_seg(struct x86_ctx *ctx, unsigned int seg, const struct x86_seg *in)
{
	of(ctx)->seg[seg] = *in;
}

static void op_get_gdt(struct x86_ctx *ctx, struct x86_dtr *out)
{
	*out = of(ctx)->gdt;
}

static void op_get_idt(struct x86_ctx *ctx, struct x86_dtr *out)
{
	*out = of(ctx)->idt;
}

static u64 op_get_cr(struct x86_ctx *ctx, unsigned int cr)
{
	struct cpu *c = of(ctx);

	switch (cr) {
	case 0: return c->cr0;
	case 2: return c->cr2;
	case 3: return c->cr3;
	case 4: return c->cr4;
	default: return cpu_cr_read(c, cr);
	}
}

static int op_set_cr(struct x86_ctx *ctx, unsigned int cr, u64 val)
{
	if (cr == 2) {
		of(ctx)->cr2 = val;
		return 0;
	}
	return cpu_cr_write(of(ctx), cr, val) ? fail(ctx) : 0;
}

static u64 op_get_dr(struct x86_ctx *ctx, unsigned int dr)
{
	return of(ctx)->dr[dr & 7];
}

static void op_set_dr(struct x86_ctx *ctx, unsigned int dr, u64 val)
{
	of(ctx)->dr[dr & 7] = val;
}

static u64 op_get_efer(struct x86_ctx *ctx)
{
	return of(ctx)->efer;
}

static void op_set_cpl(struct x86_ctx *ctx, unsigned int cpl)
{
	of(ctx)->cpl = (u8)cpl;
	ctx->cpl = (u8)cpl;
}

const struct x86_ops cpu_x86_ops = {
	.read = op_read,
	.write = op_write,
	.probe = op_probe,
	.get_seg = op_get_seg,
	.set_seg = op_set_seg,
	.get_gdt = op_get_gdt,
	.get_idt = op_get_idt,
	.get_cr = op_get_cr,
	.set_cr = op_set_cr,
	.get_dr = op_get_dr,
	.set_dr = op_set_dr,
	.get_efer = op_get_efer,
	.set_cpl = op_set_cpl,
};

void cpu_ctx_init(struct cpu *c, struct x86_ctx *ctx)
{
	memset(ctx, 0, sizeof(*ctx));
	ctx->ops = &cpu_x86_ops;
	ctx->cpu = c;
	ctx->gpr = c->gpr;
	ctx->rip = c->rip;
	ctx->rflags = c->in_slow ? c->rflags : cpu_get_rflags(c);
	ctx->cpl = c->cpl;
	ctx->nmi_blocked = c->nmi_blocked;
	ctx->long_mode = (c->efer & X86_EFER_LMA) != 0;
}

void cpu_ctx_done(struct cpu *c, const struct x86_ctx *ctx)
{
	c->rip = ctx->rip;
	c->rflags = ctx->rflags;
	if (!c->in_slow)
		fl_unpack(c, (u32)ctx->rflags);
	c->cpl = ctx->cpl;
	c->nmi_blocked = ctx->nmi_blocked;
	cpu_mode_changed(c);
}

/* -- birth and reset -- */

static void reset_segs(struct cpu *c)
{
	unsigned int i;

	memset(c->seg, 0, sizeof(c->seg));
	for (i = 0; i < X86_NSEG; i++) {
		c->seg[i].limit = 0xffff;
		c->seg[i].attr = X86_SEG_P | X86_SEG_S | X86_TYPE_W | X86_TYPE_A;
	}
	c->seg[X86_CS].sel = 0xf000;
	c->seg[X86_CS].base = 0xffff0000u;
	c->seg[X86_CS].attr |= X86_TYPE_CODE;
	c->seg[X86_LDTR].attr = X86_SEG_P | 2;
	c->seg[X86_TR].attr = X86_SEG_P | 11;
	memset(&c->gdt, 0, sizeof(c->gdt));
	memset(&c->idt, 0, sizeof(c->idt));
	c->gdt.limit = c->idt.limit = 0xffff;
}

void cpu_reset(struct cpu *c, bool init)
{
	memset(c->gpr, 0, sizeof(c->gpr));
	c->gpr[X86_RDX] = cpu_model_signature(c->model);
	c->rip = 0xfff0;
	c->rflags = X86_FL_ONE;
	fl_unpack(c, 0);
	reset_segs(c);
	c->cr0 = X86_CR0_ET | (init ? c->cr0 & (X86_CR0_CD | X86_CR0_NW) : X86_CR0_CD | X86_CR0_NW);
	c->cr2 = c->cr3 = c->cr4 = c->cr8 = 0;
	c->efer = 0;
	memset(c->dr, 0, sizeof(c->dr));
	c->dr[6] = 0xffff0ff0u;
	c->dr[7] = 0x400;
	c->cpl = 0;
	c->halted = c->shadow = c->nmi_blocked = c->db_pending = c->in_slow = c->shutdown = 0;
	cpu_msr_reset(c, init);
	if (!init) {
		c->xcr0 = 1;
		cpu_fpu_reset(c);
	}
	cpu_tlb_flush_all(c);
	cpu_mode_changed(c);
}

struct cpu *cpu_new(const struct gm_cpu_host *host, void *opaque, const struct cpu_model *model)
{
	struct cpu *c = aligned_alloc(64, (sizeof(*c) + 63) & ~(size_t)63);

	if (!c)
		return NULL;
	memset(c, 0, sizeof(*c));
	c->host = host;
	c->host_opaque = opaque;
	c->model = model ? model : cpu_model_find(NULL);
	if (cpu_tlb_init(c) || cpu_cache_init(c) || cpu_dma_init(c)) {
		cpu_free(c);
		return NULL;
	}
	cpu_reset(c, false);
	return c;
}

void cpu_free(struct cpu *c)
{
	if (!c)
		return;
	cpu_dma_fini(c);
	cpu_cache_fini(c);
	free(c->debug);
	cpu_tlb_fini(c);
	free(c);
}

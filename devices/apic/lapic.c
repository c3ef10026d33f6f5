// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Local APIC: registers, priorities, acceptance and delivery of interrupts, and the LINT pins.
 *
 * Source: Intel SDM volume 3, chapter 11, sections 11.4 to 11.9. Where the APIC is disabled by
 * IA32_APIC_BASE, or the CPU model has none, LINT0 and LINT1 are the INTR and NMI pins.
 * The polarity bits of the LVT are kept but have no effect: the pins carry "asserted".
 */
#include "devices/apic/lapic_priv.h"

#include <errno.h>

/* Writable bits of the LVT entries (figure 11-8). */
static const u32 lvt_writable[LVT_COUNT] = {
	[LVT_TIMER] = 0x700ff,
	[LVT_THERMAL] = 0x107ff,
	[LVT_PERF] = 0x107ff,
	[LVT_LINT0] = 0x1a7ff,
	[LVT_LINT1] = 0x1a7ff,
	[LVT_ERROR] = 0x100ff,
	[LVT_CMCI] = 0x107ff,
};

/* ---- vector bitmaps ---- */

static bool vec_test(const u32 *map, u8 v)
{
	return map[v >> 5] >> (v & 31) & 1;
}

static void vec_set(u32 *map, u8 v)
{
	map[v >> 5] |= 1u << (v & 31);
}

static void vec_clear(u32 *map, u8 v)
{
	map[v >> 5] &= ~(1u << (v & 31));
}

static int vec_highest(const u32 *map)
{
	for (int i = 7; i >= 0; i--)
		if (map[i])
			return i * 32 + 31 - __builtin_clz(map[i]);
	return -1;
}

/* ---- priorities ---- */

u32 lapic_ppr(const struct lapic *l)
{
	int isrv = l->isrv < 0 ? 0 : l->isrv;

	return l->tpr >> 4 >= isrv >> 4 ? l->tpr : isrv & 0xf0;
}

/* Arbitration priority, 11.6.2.4. */
static u32 lapic_apr(const struct lapic *l)
{
	int irrv = vec_highest(l->irr), isrv = l->isrv < 0 ? 0 : l->isrv;

	irrv = irrv < 0 ? 0 : irrv;
	if (l->tpr >> 4 >= irrv >> 4 && l->tpr >> 4 > isrv >> 4)
		return l->tpr;
	return MAX(irrv, isrv) & 0xf0;
}

/* The vector that the processor should take now, or -1. */
static int lapic_deliverable(const struct lapic *l)
{
	int irrv = vec_highest(l->irr);

	return irrv >= 0 && (u32)irrv >> 4 > lapic_ppr(l) >> 4 ? irrv : -1;
}

/* The 8259A's request reaches the processor. */
static bool lapic_extint(const struct lapic *l)
{
	u32 lvt = l->lvt[LVT_LINT0];

	if (l->extint)
		return true;
	if (!l->lint[0])
		return false;
	if (!lapic_hw_enabled(l))
		return true;
	return !(lvt & LVT_MASKED) && (lvt >> LVT_MODE_SHIFT & 7) == APIC_EXTINT;
}

void lapic_update(struct lapic *l)
{
	if (lapic_deliverable(l) >= 0 || lapic_extint(l))
		gm_vcpu_interrupt(l->cfg.vcpu);
}

bool lapic_requested(const struct lapic *l, u8 vector)
{
	return vec_test(l->irr, vector);
}

bool lapic_accept(struct lapic *l, u8 vector, bool level)
{
	if (!lapic_hw_enabled(l) || !(l->svr & SVR_ENABLE))
		return false;
	if (vector < 16) {
		lapic_error(l, ESR_RECV_VECTOR);
		return false;
	}
	vec_set(l->irr, vector);
	if (level)
		vec_set(l->tmr, vector);
	else
		vec_clear(l->tmr, vector);
	lapic_update(l);
	return true;
}

/* ---- local sources ---- */

void lapic_error(struct lapic *l, u32 esr_bit)
{
	bool again = l->esr_pending & esr_bit;

	l->esr_pending |= esr_bit;
	/* An illegal vector in the error entry itself must not come back here without end. */
	if (!again)
		lapic_local_event(l, LVT_ERROR);
}

void lapic_local_event(struct lapic *l, enum lapic_lvt n)
{
	u32 lvt = l->lvt[n];
	unsigned int mode = n == LVT_TIMER || n == LVT_ERROR ? APIC_FIXED
							     : lvt >> LVT_MODE_SHIFT & 7;
	bool level = n == LVT_LINT0 && lvt & LVT_LEVEL;

	if (lvt & LVT_MASKED || !lapic_hw_enabled(l))
		return;
	switch (mode) {
	case APIC_FIXED:
		if (level && lvt & LVT_REMOTE_IRR)
			return;
		if (lapic_accept(l, lvt & 0xff, level) && level)
			l->lvt[n] |= LVT_REMOTE_IRR;
		break;
	case APIC_NMI:
		gm_vcpu_nmi(l->cfg.vcpu);
		break;
	case APIC_INIT:
		if (l->cfg.init_ipi)
			l->cfg.init_ipi(l->cfg.ipi_opaque);
		break;
	case APIC_EXTINT:
		lapic_update(l);
		break;
	}
}

void lapic_lint_set(void *opaque, int line, int level)
{
	struct lapic *l = opaque;
	bool rise;

	if (line < 0 || line > 1)
		return;
	rise = level && !l->lint[line];
	l->lint[line] = level != 0;
	if (!rise)
		return;
	if (lapic_hw_enabled(l))
		lapic_local_event(l, line ? LVT_LINT1 : LVT_LINT0);
	else if (line)
		gm_vcpu_nmi(l->cfg.vcpu);
	else
		lapic_update(l);
}

/* An entry for a pin changed or was ended: a level that still stands counts again. */
static void lint_recheck(struct lapic *l)
{
	u32 lvt = l->lvt[LVT_LINT0];
	unsigned int mode = lvt >> LVT_MODE_SHIFT & 7;

	if (l->lint[0] && (mode == APIC_EXTINT || (mode == APIC_FIXED && lvt & LVT_LEVEL)))
		lapic_local_event(l, LVT_LINT0);
}

/* ---- what the vCPU asks ---- */

bool lapic_intr_pending(struct gm_vcpu *v)
{
	struct lapic *l = lapic_of(v);

	return lapic_extint(l) || lapic_deliverable(l) >= 0;
}

int lapic_intr_ack(struct gm_vcpu *v)
{
	struct lapic *l = lapic_of(v);
	int vector;

	if (lapic_extint(l) && l->cfg.extint_ack) {
		l->extint = false;
		return l->cfg.extint_ack(l->cfg.extint_opaque);
	}
	vector = lapic_deliverable(l);
	if (vector < 0)
		return -1;
	vec_clear(l->irr, vector);
	vec_set(l->isr, vector);
	l->isrv = vector;
	return vector;
}

static void lapic_set_tpr(struct lapic *l, u8 tpr)
{
	bool lower = tpr < l->tpr;

	l->tpr = tpr;
	if (lower)
		lapic_update(l);
}

u64 lapic_tpr_get(struct gm_vcpu *v)
{
	return lapic_of(v)->tpr >> 4;
}

void lapic_tpr_set(struct gm_vcpu *v, u64 cr8)
{
	lapic_set_tpr(lapic_of(v), (cr8 & 15) << 4);
}

static void lapic_eoi(struct lapic *l)
{
	int v = l->isrv;

	if (v < 0)
		return;
	vec_clear(l->isr, v);
	l->isrv = vec_highest(l->isr);
	if (vec_test(l->tmr, v)) {
		u32 *lint0 = &l->lvt[LVT_LINT0];

		if (*lint0 & LVT_REMOTE_IRR && (*lint0 & 0xff) == (u32)v) {
			*lint0 &= ~LVT_REMOTE_IRR;
			lint_recheck(l);
		} else if (l->cfg.eoi) {
			l->cfg.eoi(l->cfg.eoi_opaque, v);
		}
	}
	lapic_update(l);
}

/* ---- registers ---- */

u32 lapic_reg_read(struct lapic *l, unsigned int reg)
{
	switch (reg) {
	case LAPIC_ID:
		return l->id;
	case LAPIC_VERSION:
		return (LVT_COUNT - 1) << 16 | 0x14;
	case LAPIC_TPR:
		return l->tpr;
	case LAPIC_APR:
		return lapic_apr(l);
	case LAPIC_PPR:
		return lapic_ppr(l);
	case LAPIC_LDR:
		return l->ldr;
	case LAPIC_DFR:
		return l->dfr;
	case LAPIC_SVR:
		return l->svr;
	case LAPIC_ISR ... LAPIC_ISR + 7:
		return l->isr[reg - LAPIC_ISR];
	case LAPIC_TMR ... LAPIC_TMR + 7:
		return l->tmr[reg - LAPIC_TMR];
	case LAPIC_IRR ... LAPIC_IRR + 7:
		return l->irr[reg - LAPIC_IRR];
	case LAPIC_ESR:
		return l->esr;
	case LAPIC_CMCI:
		return l->lvt[LVT_CMCI];
	case LAPIC_ICR:
		return l->icr_lo;
	case LAPIC_ICR_HI:
		return l->icr_hi;
	case LAPIC_LVT ... LAPIC_LVT + LVT_ERROR:
		return l->lvt[reg - LAPIC_LVT];
	case LAPIC_ICT:
		return l->ict;
	case LAPIC_CCT:
		return lapic_timer_count(l);
	case LAPIC_DCR:
		return l->dcr;
	case LAPIC_EOI:
		return 0;
	}
	lapic_error(l, ESR_ILLEGAL_REG);
	return 0;
}

static void write_lvt(struct lapic *l, enum lapic_lvt n, u32 val)
{
	u32 old = l->lvt[n], mask = lvt_writable[n];

	if (n == LVT_TIMER) {
		if (!l->cfg.tsc_deadline)
			mask &= ~LVT_DEADLINE;
		else if (val & LVT_DEADLINE)
			mask &= ~LVT_PERIODIC; /* the fourth mode is reserved */
	}
	val &= mask;
	if (!(l->svr & SVR_ENABLE))
		val |= LVT_MASKED;
	if (val & LVT_LEVEL)
		val |= old & LVT_REMOTE_IRR;
	l->lvt[n] = val;
	if (n == LVT_TIMER)
		lapic_timer_set_lvt(l, old);
	else if (n == LVT_LINT0)
		lint_recheck(l);
}

static void write_svr(struct lapic *l, u32 val)
{
	l->svr = val & 0x3ff;
	if (val & SVR_ENABLE)
		return;
	for (int i = 0; i < LVT_COUNT; i++)
		l->lvt[i] |= LVT_MASKED;
	lapic_timer_arm(l);
}

void lapic_reg_write(struct lapic *l, unsigned int reg, u32 val)
{
	switch (reg) {
	case LAPIC_EOI:
		lapic_eoi(l);
		break;
	case LAPIC_TPR:
		lapic_set_tpr(l, (u8)val);
		break;
	case LAPIC_ICR:
		l->icr_lo = val & 0xccfff & ~BIT(12);
		lapic_icr_send(l);
		break;
	case LAPIC_ICR_HI:
		l->icr_hi = val & 0xff000000;
		break;
	case LAPIC_ICT:
		lapic_timer_set_count(l, val);
		break;
	case LAPIC_LVT ... LAPIC_LVT + LVT_ERROR:
		write_lvt(l, reg - LAPIC_LVT, val);
		break;
	case LAPIC_CMCI:
		write_lvt(l, LVT_CMCI, val);
		break;
	case LAPIC_DCR:
		lapic_timer_set_divide(l, val);
		break;
	case LAPIC_SVR:
		write_svr(l, val);
		break;
	case LAPIC_ID:
		l->id = val & 0xff000000;
		break;
	case LAPIC_LDR:
		l->ldr = val & 0xff000000;
		break;
	case LAPIC_DFR:
		l->dfr = val | 0x0fffffff;
		break;
	case LAPIC_ESR:
		l->esr = l->esr_pending;
		l->esr_pending = 0;
		break;
	case LAPIC_SELF_IPI: /* exists in x2APIC mode only */
		if (lapic_x2(l))
			lapic_self_ipi(l, (u8)val);
		else
			lapic_error(l, ESR_ILLEGAL_REG);
		break;
	default:
		lapic_error(l, ESR_ILLEGAL_REG);
	}
}

/* The page answers in xAPIC mode only. */
static bool page_visible(const struct lapic *l)
{
	return lapic_hw_enabled(l) && !lapic_x2(l);
}

u32 lapic_mmio_read(struct gm_dev *d, u32 off)
{
	struct lapic *l = (struct lapic *)d;

	if (!page_visible(l))
		return 0xffffffff;
	return off & 15 ? 0 : lapic_reg_read(l, off >> 4 & 0xff);
}

void lapic_mmio_write(struct gm_dev *d, u32 off, u32 val)
{
	struct lapic *l = (struct lapic *)d;

	if (!(off & 15) && page_visible(l))
		lapic_reg_write(l, off >> 4 & 0xff, val);
}

/* The page shows each vCPU its own APIC; an access from elsewhere sees the first one's. */
static struct gm_dev *page_lapic(void *opaque)
{
	return gm_vcpu_current && gm_vcpu_current->lapic ? gm_vcpu_current->lapic : opaque;
}

static u64 page_read(void *opaque, u64 off, unsigned int size)
{
	return lapic_mmio_read(page_lapic(opaque), (u32)off);
}

static void page_write(void *opaque, u64 off, unsigned int size, u64 val)
{
	lapic_mmio_write(page_lapic(opaque), (u32)off, (u32)val);
}

static const struct gm_region_ops page_ops = {
	.name = "lapic", .read = page_read, .write = page_write, .min_size = 4, .max_size = 4,
};

/*
 * The one region serves all: it follows the first vCPU's IA32_APIC_BASE (systems that move their
 * APICs apart are not known) and is there as long as any vCPU is in xAPIC mode.
 */
void lapic_place(struct lapic *l)
{
	struct gm_machine *m = l->dev.m;
	struct lapic *first = lapic_of(m->vcpus[0]);
	bool visible = false;

	if (!first || !first->region)
		return;
	for (unsigned int i = 0; i < m->nvcpus && !visible; i++) {
		const struct lapic *o = m->vcpus[i] ? lapic_of(m->vcpus[i]) : NULL;

		visible = o && page_visible(o);
	}
	gm_region_move(first->region, first->base & ~APIC_BASE_FLAGS);
	gm_region_enable(first->region, visible);
}

/* ---- class ---- */

void lapic_init_reset(struct gm_dev *d)
{
	struct lapic *l = (struct lapic *)d;

	l->ldr = lapic_x2(l) ? (l->id >> 4) << 16 | 1u << (l->id & 15) : 0;
	l->dfr = 0xffffffff;
	l->svr = 0xff;
	l->esr = l->esr_pending = 0;
	l->icr_lo = l->icr_hi = 0;
	for (int i = 0; i < LVT_COUNT; i++)
		l->lvt[i] = LVT_MASKED;
	memset(l->isr, 0, sizeof(l->isr));
	memset(l->tmr, 0, sizeof(l->tmr));
	memset(l->irr, 0, sizeof(l->irr));
	l->isrv = -1;
	l->ict = l->dcr = 0;
	l->tpr = 0;
	l->extint = false;
	l->timer_start = l->deadline = l->ticks = 0;
	l->backlog = 0;
	gm_timer_cancel(&l->timer);
}

static void lapic_vcpu_init(struct gm_vcpu *v)
{
	lapic_init_reset(&lapic_of(v)->dev);
}

static void lapic_reset(struct gm_dev *d)
{
	struct lapic *l = (struct lapic *)d;

	l->base = LAPIC_BASE | (l->cfg.vcpu->index == 0 ? APIC_BASE_BSP : 0);
	if (!l->cfg.absent)
		l->base |= APIC_BASE_ENABLE;
	l->id = l->cfg.apic_id << 24;
	lapic_init_reset(d);
	lapic_place(l);
}

void lapic_set_virtual_wire(struct gm_dev *d)
{
	struct lapic *l = (struct lapic *)d;

	write_svr(l, SVR_ENABLE | 0xff);
	write_lvt(l, LVT_LINT0, APIC_EXTINT << LVT_MODE_SHIFT);
	write_lvt(l, LVT_LINT1, APIC_NMI << LVT_MODE_SHIFT);
}

static int lapic_init(struct gm_dev *d, const void *cfg)
{
	struct lapic *l = (struct lapic *)d;
	struct gm_vcpu *v;

	l->cfg = *(const struct lapic_cfg *)cfg;
	v = l->cfg.vcpu;
	if (!v || !l->cfg.tsc_hz || (!l->cfg.x2apic && l->cfg.apic_id > 254))
		return -EINVAL;
	gm_timer_init(&l->timer, d->m->clock, lapic_timer_fn, l);
	l->isrv = -1;
	if (v->index == 0) {
		l->region = gm_region_add_prio(d->m->mem, LAPIC_BASE, 4096, GM_PRIO_FIXED,
					       &page_ops, l);
		if (!l->region)
			return -ENOMEM;
	}
	v->lapic = l;
	v->intr_pending = lapic_intr_pending;
	v->intr_ack = lapic_intr_ack;
	v->tpr_get = lapic_tpr_get;
	v->tpr_set = lapic_tpr_set;
	v->apic_msr_get = lapic_msr_get;
	v->apic_msr_set = lapic_msr_set;
	v->init = lapic_vcpu_init;
	return 0;
}

static void lapic_fini(struct gm_dev *d)
{
	struct lapic *l = (struct lapic *)d;

	gm_timer_cancel(&l->timer);
	if (l->region)
		gm_region_remove(l->region);
	l->cfg.vcpu->lapic = NULL;
}

static int lapic_loaded(struct gm_dev *d)
{
	struct lapic *l = (struct lapic *)d;
	u64 mode = l->base & (APIC_BASE_ENABLE | APIC_BASE_EXTD);

	if (mode == APIC_BASE_EXTD || (mode & APIC_BASE_EXTD && !l->cfg.x2apic))
		return -EINVAL;
	if (l->base >> (l->cfg.phys_bits ? l->cfg.phys_bits : 36))
		return -EINVAL;
	l->isrv = vec_highest(l->isr);
	lapic_place(l);
	lapic_update(l);
	return 0;
}

static const struct gm_field lapic_fields[] = {
	GM_U64(struct lapic, base),
	GM_U32(struct lapic, id),
	GM_U32(struct lapic, ldr),
	GM_U32(struct lapic, dfr),
	GM_U32(struct lapic, svr),
	GM_U32(struct lapic, esr),
	GM_U32(struct lapic, esr_pending),
	GM_U32(struct lapic, icr_lo),
	GM_U32(struct lapic, icr_hi),
	GM_U32(struct lapic, lvt),
	GM_U32(struct lapic, isr),
	GM_U32(struct lapic, tmr),
	GM_U32(struct lapic, irr),
	GM_U32(struct lapic, ict),
	GM_U32(struct lapic, dcr),
	GM_U8(struct lapic, tpr),
	GM_U8(struct lapic, lint),
	GM_BOOL(struct lapic, extint),
	GM_OMIT(struct lapic, isrv, "follows from isr"),
	GM_U64(struct lapic, timer_start),
	GM_U64(struct lapic, deadline),
	GM_U64(struct lapic, ticks),
	GM_U32(struct lapic, backlog),
	GM_TIMER(struct lapic, timer),
	GM_OMIT(struct lapic, cfg, "wiring, fixed at creation"),
	GM_OMIT(struct lapic, region, "place on the bus, follows from base"),
	GM_FIELDS_END,
};

static const struct gm_state_desc lapic_desc = {
	.name = "lapic", .version = 1, .size = sizeof(struct lapic), .fields = lapic_fields,
};

const struct gm_dev_class lapic_class = {
	.name = "lapic",
	.title = "local APIC",
	.size = sizeof(struct lapic),
	.state = &lapic_desc,
	.init = lapic_init,
	.reset = lapic_reset,
	.loaded = lapic_loaded,
	.fini = lapic_fini,
};

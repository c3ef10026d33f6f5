// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The local APIC through model-specific registers: IA32_APIC_BASE (SDM volume 3, 11.4.4 and
 * 11.12.5), the x2APIC registers (table 11-6) and IA32_TSC_DEADLINE (11.5.4.1).
 */
#include "devices/apic/lapic_priv.h"

#define MSR_APIC_BASE    0x1b
#define MSR_TSC_DEADLINE 0x6e0
#define MSR_X2APIC       0x800
#define MSR_X2APIC_END   0x8ff

enum x2_access { X2_NONE, X2_READ, X2_WRITE, X2_BOTH };

struct x2_reg {
	u8 access;
	u32 reserved; /* bits 31:0 that must be written as 0 */
};

static const struct x2_reg x2_regs[0x40] = {
	[LAPIC_ID] = {X2_READ},
	[LAPIC_VERSION] = {X2_READ},
	[LAPIC_TPR] = {X2_BOTH, 0xffffff00},
	[LAPIC_PPR] = {X2_READ},
	[LAPIC_EOI] = {X2_WRITE, 0xffffffff},
	[LAPIC_LDR] = {X2_READ},
	[LAPIC_SVR] = {X2_BOTH, 0xfffffc00},
	[LAPIC_ISR ... LAPIC_ISR + 7] = {X2_READ},
	[LAPIC_TMR ... LAPIC_TMR + 7] = {X2_READ},
	[LAPIC_IRR ... LAPIC_IRR + 7] = {X2_READ},
	[LAPIC_ESR] = {X2_BOTH, 0xffffffff},
	[LAPIC_CMCI] = {X2_BOTH, 0xfffee800},
	[LAPIC_ICR] = {X2_BOTH, 0xfff32000},
	[LAPIC_LVT + LVT_TIMER] = {X2_BOTH, 0xfff8ef00},
	[LAPIC_LVT + LVT_THERMAL] = {X2_BOTH, 0xfffee800},
	[LAPIC_LVT + LVT_PERF] = {X2_BOTH, 0xfffee800},
	[LAPIC_LVT + LVT_LINT0] = {X2_BOTH, 0xfffe0800},
	[LAPIC_LVT + LVT_LINT1] = {X2_BOTH, 0xfffe0800},
	[LAPIC_LVT + LVT_ERROR] = {X2_BOTH, 0xfffeef00},
	[LAPIC_ICT] = {X2_BOTH},
	[LAPIC_CCT] = {X2_READ},
	[LAPIC_DCR] = {X2_BOTH, 0xfffffff4},
	[LAPIC_SELF_IPI] = {X2_WRITE, 0xffffff00},
};

static int x2_get(struct lapic *l, u32 msr, u64 *val)
{
	u32 reg = msr - MSR_X2APIC;

	if (!lapic_x2(l) || reg >= ARRAY_SIZE(x2_regs) || !(x2_regs[reg].access & X2_READ))
		return -1;
	*val = lapic_reg_read(l, reg);
	if (reg == LAPIC_ICR)
		*val |= (u64)l->icr_hi << 32;
	return 0;
}

static int x2_set(struct lapic *l, u32 msr, u64 val)
{
	u32 reg = msr - MSR_X2APIC;

	if (!lapic_x2(l) || reg >= ARRAY_SIZE(x2_regs) || !(x2_regs[reg].access & X2_WRITE))
		return -1;
	if (val & x2_regs[reg].reserved || (reg != LAPIC_ICR && val >> 32))
		return -1;
	if (reg == LAPIC_ICR)
		l->icr_hi = val >> 32;
	lapic_reg_write(l, reg, (u32)val);
	return 0;
}

/* The transitions of figure 11-27; -1 for those that fault. */
static int base_set(struct lapic *l, u64 val)
{
	unsigned int bits = l->cfg.phys_bits ? l->cfg.phys_bits : 36;
	u64 flags = APIC_BASE_BSP | APIC_BASE_ENABLE | (l->cfg.x2apic ? APIC_BASE_EXTD : 0);
	u64 mode = val & (APIC_BASE_ENABLE | APIC_BASE_EXTD);
	u64 old = l->base & (APIC_BASE_ENABLE | APIC_BASE_EXTD);

	if (val & APIC_BASE_FLAGS & ~flags || (bits < 64 && val >> bits))
		return -1;
	if (mode == APIC_BASE_EXTD)
		return -1;
	if (mode & APIC_BASE_EXTD && !old)
		return -1; /* x2APIC only from xAPIC */
	if (old & APIC_BASE_EXTD && mode == APIC_BASE_ENABLE)
		return -1; /* and back only by way of disabled */
	l->base = val;
	if (mode != old) {
		if (!mode)
			lapic_init_reset(&l->dev);
		if (mode & APIC_BASE_EXTD) {
			l->id = l->cfg.apic_id;
			l->ldr = (l->id >> 4) << 16 | 1u << (l->id & 15);
			l->icr_hi = 0;
		} else {
			l->id = l->cfg.apic_id << 24;
		}
	}
	lapic_place(l);
	lapic_update(l);
	return 0;
}

int lapic_msr_get(struct gm_vcpu *v, u32 msr, u64 *val)
{
	struct lapic *l = lapic_of(v);

	if (!l || l->cfg.absent)
		return -1;
	switch (msr) {
	case MSR_APIC_BASE:
		*val = l->base;
		return 0;
	case MSR_TSC_DEADLINE:
		if (!l->cfg.tsc_deadline)
			return -1;
		*val = lapic_timer_deadline(l);
		return 0;
	case MSR_X2APIC ... MSR_X2APIC_END:
		return x2_get(l, msr, val);
	}
	return -1;
}

int lapic_msr_set(struct gm_vcpu *v, u32 msr, u64 val)
{
	struct lapic *l = lapic_of(v);

	if (!l || l->cfg.absent)
		return -1;
	switch (msr) {
	case MSR_APIC_BASE:
		return base_set(l, val);
	case MSR_TSC_DEADLINE:
		if (!l->cfg.tsc_deadline)
			return -1;
		lapic_timer_set_deadline(l, val);
		return 0;
	case MSR_X2APIC ... MSR_X2APIC_END:
		return x2_set(l, msr, val);
	}
	return -1;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Control and debug registers: what a write checks and what it sets in motion.
 *
 * Follows Intel SDM volume 3, sections 2.5 (control registers), 4.1 (paging modes), 4.4.1 (PDPTE
 * registers), 4.10 (TLB), 9.8.5 (entering IA-32e mode), 17.2 (debug registers).
 */
#include "vmm/cpu/sys_impl.h"

#define CR0_DEFINED                                                                                \
	((u64)X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS | X86_CR0_ET | X86_CR0_NE |        \
	 X86_CR0_WP | X86_CR0_AM | X86_CR0_NW | X86_CR0_CD | X86_CR0_PG)
#define CR3_NOFLUSH (1ull << 63)

#define DR6_FIXED    0xffff0ff0ull
#define DR6_WRITABLE 0x0000e00full
#define DR7_FIXED    0x00000400ull
#define DR7_WRITABLE 0xffff23ffull

static int gp(struct cpu *c)
{
	c->fault.vector = X86_GP;
	c->fault.has_err = 1;
	c->fault.err = 0;
	return X86_FAULT;
}

static u64 phys_reserved(const struct cpu *c)
{
	return ~((1ull << c->model->phys_bits) - 1);
}

/* The EFER that goes with a change of CR0.PG; false: the change is not allowed. */
static bool paging_changes(struct cpu *c, u64 val, u64 *efer)
{
	bool code64 = (c->efer & X86_EFER_LMA) && (c->seg[X86_CS].attr & X86_SEG_L);

	if (val & X86_CR0_PG) {
		if (!(c->efer & X86_EFER_LME))
			return true;
		*efer |= X86_EFER_LMA;
		return (c->cr4 & X86_CR4_PAE) && !(c->seg[X86_CS].attr & X86_SEG_L);
	}
	*efer &= ~(u64)X86_EFER_LMA;
	return !code64 && !(c->cr4 & X86_CR4_PCIDE);
}

static int cr0_write(struct cpu *c, u64 val)
{
	u64 changed, efer = c->efer;

	if (val >> 32)
		return gp(c);
	val = (val & CR0_DEFINED) | X86_CR0_ET;
	changed = c->cr0 ^ val;
	if ((val & X86_CR0_PG) && !(val & X86_CR0_PE))
		return gp(c);
	if ((val & X86_CR0_NW) && !(val & X86_CR0_CD))
		return gp(c);
	if ((changed & X86_CR0_PG) && !paging_changes(c, val, &efer))
		return gp(c);
	if ((changed & (X86_CR0_PG | X86_CR0_CD | X86_CR0_NW)) && (val & X86_CR0_PG) &&
	    (c->cr4 & X86_CR4_PAE) && !(efer & X86_EFER_LMA) && cpu_pdpte_load(c, c->cr3))
		return X86_FAULT;
	c->cr0 = val;
	c->efer = efer;
	if (changed & (X86_CR0_PG | X86_CR0_PE | X86_CR0_WP))
		cpu_tlb_flush_all(c);
	cpu_mode_changed(c);
	return 0;
}

static int cr3_write(struct cpu *c, u64 val)
{
	bool keep = false;

	if (c->efer & X86_EFER_LMA) {
		if (c->cr4 & X86_CR4_PCIDE) {
			keep = val & CR3_NOFLUSH;
			val &= ~CR3_NOFLUSH;
		}
		if (val & phys_reserved(c))
			return gp(c);
	} else {
		val = (u32)val;
		if ((c->cr0 & X86_CR0_PG) && (c->cr4 & X86_CR4_PAE) && cpu_pdpte_load(c, val))
			return X86_FAULT;
	}
	c->cr3 = val;
	cpu_tlb_flush_cr3(c, keep);
	return 0;
}

static int cr4_write(struct cpu *c, u64 val)
{
	const u64 tlb = X86_CR4_PGE | X86_CR4_PAE | X86_CR4_PSE | X86_CR4_SMEP | X86_CR4_SMAP |
			X86_CR4_PCIDE;
	bool lma = c->efer & X86_EFER_LMA;
	u64 changed = c->cr4 ^ val;

	if (val & ~cpu_cr4_valid(c->model))
		return gp(c);
	if ((changed & val & X86_CR4_PCIDE) && (!lma || (c->cr3 & 0xfff)))
		return gp(c);
	if (lma && !(val & X86_CR4_PAE))
		return gp(c);
	if (!lma && (c->cr0 & X86_CR0_PG) && (val & X86_CR4_PAE) &&
	    (changed & (X86_CR4_PGE | X86_CR4_PAE | X86_CR4_PSE | X86_CR4_SMEP)) &&
	    cpu_pdpte_load(c, c->cr3))
		return X86_FAULT;
	c->cr4 = val;
	if (changed & tlb)
		cpu_tlb_flush_all(c);
	cpu_mode_changed(c);
	return 0;
}

static int cr8_write(struct cpu *c, u64 val)
{
	if (val > 15)
		return gp(c);
	c->cr8 = val;
	if (c->host->set_tpr)
		c->host->set_tpr(c->host_opaque, (unsigned int)val);
	return 0;
}

int cpu_cr_write(struct cpu *c, unsigned int cr, u64 val)
{
	switch (cr) {
	case 0:
		return cr0_write(c, val);
	case 2:
		c->cr2 = val;
		return 0;
	case 3:
		return cr3_write(c, val);
	case 4:
		return cr4_write(c, val);
	case 8:
		return cr8_write(c, val);
	default:
		c->fault.vector = X86_UD;
		c->fault.has_err = 0;
		return X86_FAULT;
	}
}

u64 cpu_cr_read(struct cpu *c, unsigned int cr)
{
	switch (cr) {
	case 0:
		return c->cr0;
	case 2:
		return c->cr2;
	case 3:
		return c->cr3;
	case 4:
		return c->cr4;
	case 8:
		return c->host->get_tpr ? c->host->get_tpr(c->host_opaque) : c->cr8;
	default:
		return 0;
	}
}

int cpu_dr_write(struct cpu *c, unsigned int dr, u64 val)
{
	if (dr == 4 || dr == 5)
		dr += 2;
	if (dr >= 6 && (val >> 32))
		return gp(c);
	if (dr == 6)
		val = (val & DR6_WRITABLE) | DR6_FIXED;
	else if (dr == 7)
		val = (val & DR7_WRITABLE) | DR7_FIXED;
	c->dr[dr & 7] = val;
	cpu_mode_changed(c);
	return 0;
}

u64 cpu_dr_read(struct cpu *c, unsigned int dr)
{
	if (dr == 4 || dr == 5)
		dr += 2;
	if (dr == 6)
		return (c->dr[6] & DR6_WRITABLE) | DR6_FIXED;
	if (dr == 7)
		return (c->dr[7] & DR7_WRITABLE) | DR7_FIXED;
	return c->dr[dr & 7];
}

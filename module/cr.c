// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Control registers: what a guest may set, and what follows (Intel SDM volume 3, 2.5 and 4.1; AMD
 * APM volume 2, 3.1 and 14.6).
 */
#include "module/gm.h"

#include <asm/cpufeature.h>
#include <asm/msr.h>

#define EFER_OFFERED ((u64)(EFER_SCE | EFER_LME | EFER_LMA | EFER_NX))
#define CR4_BIT(n) (1ull << (n))
#define CR4_PCIDE  CR4_BIT(17)
#define CR4_ALWAYS 0x7ffull /* VME to OSXMMEXCPT: on every CPU that has guest mode */

/* Bits that come with a feature of CPUID: leaf, register (0: EAX), bit. */
static const struct {
	u8 cr4, reg, bit;
	u32 leaf;
} cr4_features[] = {
	{ 11, 2, 2, 7 },  /* UMIP */
	{ 16, 1, 0, 7 },  /* FSGSBASE */
	{ 17, 2, 17, 1 }, /* PCIDE */
	{ 18, 2, 26, 1 }, /* OSXSAVE */
	{ 20, 1, 7, 7 },  /* SMEP */
	{ 21, 1, 20, 7 }, /* SMAP */
	{ 22, 2, 3, 7 },  /* PKE */
};

u64 gm_cr4_mask(const struct gm_cpuid_entry *e, unsigned int n)
{
	u64 m = CR4_ALWAYS;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cr4_features); i++)
		if (gm_cpuid_has(e, n, cr4_features[i].leaf, cr4_features[i].reg,
				 cr4_features[i].bit))
			m |= CR4_BIT(cr4_features[i].cr4);
	return m;
}

static int cr0_valid(u64 v)
{
	return !(v >> 32) && !((v & X86_CR0_PG) && !(v & X86_CR0_PE)) &&
	       !((v & X86_CR0_NW) && !(v & X86_CR0_CD));
}

int gm_set_cr0(struct gm_vcpu *vcpu, u64 val)
{
	struct gm_seg cs;

	if (!cr0_valid(val))
		return -EINVAL;
	if ((val & X86_CR0_PG) && !(vcpu->cr0 & X86_CR0_PG) && (vcpu->efer & EFER_LME)) {
		gm_backend->get_seg(vcpu, GM_CS, &cs);
		if (!(vcpu->cr4 & X86_CR4_PAE) || (cs.attr & 0x2000))
			return -EINVAL;
		vcpu->efer |= EFER_LMA;
	} else if (!(val & X86_CR0_PG) && (vcpu->cr0 & X86_CR0_PG)) {
		gm_backend->get_seg(vcpu, GM_CS, &cs);
		if (((vcpu->efer & EFER_LMA) && (cs.attr & 0x2000)) || (vcpu->cr4 & CR4_PCIDE))
			return -EINVAL;
		vcpu->efer &= ~(u64)EFER_LMA;
	}
	vcpu->cr0 = val | X86_CR0_ET;
	gm_mmu_changed(vcpu);
	return 0;
}

int gm_set_cr3(struct gm_vcpu *vcpu, u64 val)
{
	if (val >> gm_phys_bits())
		return -EINVAL;
	vcpu->cr3 = val;
	gm_mmu_changed(vcpu);
	return 0;
}

int gm_set_cr4(struct gm_vcpu *vcpu, u64 val)
{
	if ((val & ~vcpu->cr4_mask) || ((vcpu->efer & EFER_LMA) && !(val & X86_CR4_PAE)))
		return -EINVAL;
	/* SDM 4.10.1: process contexts are switched on in long mode, with context 0 in use. */
	if ((val & ~vcpu->cr4 & CR4_PCIDE) &&
	    (!(vcpu->efer & EFER_LMA) || (vcpu->cr3 & (PAGE_SIZE - 1))))
		return -EINVAL;
	vcpu->cr4 = val;
	gm_mmu_changed(vcpu);
	return 0;
}

int gm_set_efer(struct gm_vcpu *vcpu, u64 val)
{
	if ((val & ~EFER_OFFERED) || ((val & EFER_NX) && !(vcpu->features & GM_G_NX)))
		return -EINVAL;
	if ((vcpu->cr0 & X86_CR0_PG) && ((val ^ vcpu->efer) & EFER_LME))
		return -EINVAL;
	/* LMA is the CPU's to set. */
	vcpu->efer = (val & ~(u64)EFER_LMA) | (vcpu->efer & EFER_LMA);
	gm_mmu_changed(vcpu);
	return 0;
}

int gm_set_xcr0(struct gm_vcpu *vcpu, u64 val)
{
	if ((val & ~vcpu->xcr0_mask) || !(val & 1) || ((val & 4) && !(val & 2)))
		return -EINVAL;
	if ((val & 0xe0) && (val & 0xe4) != 0xe4)
		return -EINVAL;
	vcpu->xcr0 = val;
	return 0;
}

/* What the CPU would refuse at entry, and what is not offered. */
int gm_sregs_valid(struct gm_vcpu *vcpu, const struct gm_sregs *s)
{
	if (!cr0_valid(s->cr0) || (s->cr4 & ~vcpu->cr4_mask) || (s->efer & ~EFER_OFFERED) ||
	    s->cr8 > 15 || s->cr3 >> gm_phys_bits())
		return 0;
	if ((s->cr0 & X86_CR0_PG) && (s->efer & EFER_LME)) {
		if (!(s->cr4 & X86_CR4_PAE) || !(s->efer & EFER_LMA))
			return 0;
		return !(s->cs.l && s->cs.db);
	}
	return !(s->efer & EFER_LMA) && !s->cs.l && !(s->cr4 & CR4_PCIDE);
}

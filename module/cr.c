// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Control registers: what a guest may set, and what follows (Intel SDM volume 3, 2.5 and 4.1; AMD
 * APM volume 2, 3.1 and 14.6).
 */
#include "module/gm.h"

#include <asm/cpufeature.h>
#include <asm/msr.h>

#define EFER_OFFERED ((u64)(EFER_SCE | EFER_LME | EFER_LMA | EFER_NX))

static u64 cr4_offered(void)
{
	u64 m = X86_CR4_VME | X86_CR4_PVI | X86_CR4_TSD | X86_CR4_DE | X86_CR4_PSE | X86_CR4_PAE |
		X86_CR4_MCE | X86_CR4_PGE | X86_CR4_PCE | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT;

	if (boot_cpu_has(X86_FEATURE_FSGSBASE))
		m |= X86_CR4_FSGSBASE;
	if (boot_cpu_has(X86_FEATURE_SMEP))
		m |= X86_CR4_SMEP;
	if (boot_cpu_has(X86_FEATURE_SMAP))
		m |= X86_CR4_SMAP;
	if (boot_cpu_has(X86_FEATURE_UMIP))
		m |= X86_CR4_UMIP;
	if (gm_fpu_mask())
		m |= X86_CR4_OSXSAVE;
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
		if ((vcpu->efer & EFER_LMA) && (cs.attr & 0x2000))
			return -EINVAL;
		vcpu->efer &= ~(u64)EFER_LMA;
	}
	vcpu->cr0 = val | X86_CR0_ET;
	gm_mmu_changed(vcpu);
	return 0;
}

int gm_set_cr3(struct gm_vcpu *vcpu, u64 val)
{
	if ((vcpu->efer & EFER_LMA) && val >> boot_cpu_data.x86_phys_bits)
		return -EINVAL;
	vcpu->cr3 = val;
	gm_mmu_changed(vcpu);
	return 0;
}

int gm_set_cr4(struct gm_vcpu *vcpu, u64 val)
{
	if ((val & ~cr4_offered()) || ((vcpu->efer & EFER_LMA) && !(val & X86_CR4_PAE)))
		return -EINVAL;
	vcpu->cr4 = val;
	gm_mmu_changed(vcpu);
	return 0;
}

int gm_set_efer(struct gm_vcpu *vcpu, u64 val)
{
	if (val & ~EFER_OFFERED)
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
	u64 mask = gm_fpu_mask();

	if ((val & ~mask) || !(val & 1) || ((val & 4) && !(val & 2)))
		return -EINVAL;
	if ((val & 0xe0) && (val & 0xe4) != 0xe4)
		return -EINVAL;
	vcpu->xcr0 = val;
	return 0;
}

/* What the CPU would refuse at entry, and what is not offered. */
int gm_sregs_valid(const struct gm_sregs *s)
{
	if (!cr0_valid(s->cr0) || (s->cr4 & ~cr4_offered()) || (s->efer & ~EFER_OFFERED) ||
	    s->cr8 > 15)
		return 0;
	if ((s->cr0 & X86_CR0_PG) && (s->efer & EFER_LME)) {
		if (!(s->cr4 & X86_CR4_PAE) || !(s->efer & EFER_LMA))
			return 0;
		if (s->cr3 >> boot_cpu_data.x86_phys_bits)
			return 0;
		return !(s->cs.l && s->cs.db);
	}
	return !(s->efer & EFER_LMA) && !s->cs.l;
}

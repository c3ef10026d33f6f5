// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest's machine-check registers (Intel SDM volume 3, chapter 16). Nothing is ever reported in them
 * but what the program injects; a machine check of the host never reaches a guest.
 */
#include "module/gm.h"

#define MSR_MCG_CAP    0x179
#define MSR_MCG_STATUS 0x17a
#define MSR_MCG_CTL    0x17b
#define MSR_MC0        0x400 /* four registers per bank: CTL, STATUS, ADDR, MISC */

#define CAP_BANKS 0xffull
#define CAP_CTL_P (1ull << 8)
#define CAP_SER_P (1ull << 24)

#define MCG_MCIP (1ull << 2)
#define MC_VAL   (1ull << 63)
#define MC_OVER  (1ull << 62)
#define MC_UC    (1ull << 61)

#define MC_VECTOR 18

enum { BANK_CTL, BANK_STATUS, BANK_ADDR, BANK_MISC };

u64 gm_mce_supported(void)
{
	return GM_MAX_MCE_BANKS | CAP_CTL_P | CAP_SER_P;
}

int gm_mce_setup(struct gm_vcpu *vcpu, u64 cap)
{
	unsigned int i, n = cap & CAP_BANKS;

	if (!n || n > GM_MAX_MCE_BANKS || (cap & ~(gm_mce_supported() | CAP_BANKS)))
		return -EINVAL;
	vcpu->mcg_cap = cap;
	vcpu->mcg_ctl = cap & CAP_CTL_P ? ~0ull : 0;
	vcpu->mcg_status = 0;
	memset(vcpu->mce, 0, sizeof(vcpu->mce));
	for (i = 0; i < n; i++)
		vcpu->mce[i][BANK_CTL] = ~0ull;
	return 0;
}

static u64 *bank_register(struct gm_vcpu *vcpu, u32 index)
{
	if (index < MSR_MC0 || index >= MSR_MC0 + 4 * (u32)(vcpu->mcg_cap & CAP_BANKS))
		return NULL;
	return &vcpu->mce[(index - MSR_MC0) / 4][(index - MSR_MC0) % 4];
}

int gm_mce_get(struct gm_vcpu *vcpu, u32 index, u64 *val)
{
	u64 *p = bank_register(vcpu, index);

	switch (index) {
	case MSR_MCG_CAP:
		*val = vcpu->mcg_cap;
		return 0;
	case MSR_MCG_STATUS:
		*val = vcpu->mcg_status;
		return 0;
	case MSR_MCG_CTL:
		*val = vcpu->mcg_ctl;
		return vcpu->mcg_cap & CAP_CTL_P ? 0 : -EINVAL;
	}
	if (!p)
		return -EINVAL;
	*val = *p;
	return 0;
}

/* All or nothing; Linux leaves bit 10 of a bank out because some CPUs need that. */
static int ctl_valid(u64 val)
{
	return !val || !~(val | 1ull << 10);
}

int gm_mce_set(struct gm_vcpu *vcpu, u32 index, u64 val, int host)
{
	u64 *p = bank_register(vcpu, index);

	switch (index) {
	case MSR_MCG_CAP: /* not to be written; old kernels do it all the same */
		return 0;
	case MSR_MCG_STATUS:
		vcpu->mcg_status = val;
		return 0;
	case MSR_MCG_CTL:
		if (!(vcpu->mcg_cap & CAP_CTL_P) || (val && ~val))
			return -EINVAL;
		vcpu->mcg_ctl = val;
		return 0;
	}
	if (!p)
		return -EINVAL;
	if (index % 4 == BANK_CTL && !ctl_valid(val))
		return -EINVAL;
	if (index % 4 == BANK_STATUS && val && !host)
		return -EINVAL;
	*p = val;
	return 0;
}

static void bank_fill(struct gm_vcpu *vcpu, u64 *bank, const struct gm_mce *m, u64 over)
{
	bank[BANK_STATUS] = m->status | over;
	bank[BANK_ADDR] = m->addr;
	bank[BANK_MISC] = m->misc;
}

int gm_mce_inject(struct gm_vcpu *vcpu, const struct gm_mce *m)
{
	u64 *bank, over;

	if (m->bank >= (vcpu->mcg_cap & CAP_BANKS) || !(m->status & MC_VAL))
		return -EINVAL;
	bank = vcpu->mce[m->bank];
	over = bank[BANK_STATUS] & MC_VAL ? MC_OVER : 0;
	if (!(m->status & MC_UC)) {
		if (!over || !(bank[BANK_STATUS] & MC_UC))
			bank_fill(vcpu, bank, m, over);
		else
			bank[BANK_STATUS] |= MC_OVER;
		return 0;
	}
	if (((vcpu->mcg_cap & CAP_CTL_P) && ~vcpu->mcg_ctl) || ~bank[BANK_CTL])
		return 0;
	if ((vcpu->mcg_status & MCG_MCIP) || !(vcpu->cr4 & X86_CR4_MCE)) {
		vcpu->triple_fault = 1;
		return 0;
	}
	bank_fill(vcpu, bank, m, over);
	vcpu->mcg_status = m->mcg_status;
	gm_queue_exception(vcpu, MC_VECTOR, 0, 0);
	return 0;
}

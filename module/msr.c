// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Model-specific registers of a guest that do not depend on the vendor (Intel SDM volume 4, AMD APM
 * volume 2, appendix A). Those that guest mode itself switches are the backend's (gm_backend.msr).
 */
#include "module/gm.h"

#include <asm/msr.h>

#define MSR_MTRR_VAR0   0x200
#define MSR_MTRR_DEF    0x2ff
#define MSR_MTRR_CAP    0xfe
#define MTRR_CAP_VALUE  0x508 /* 8 variable ranges, fixed ranges, write-combining */

static const u32 mtrr_fixed[] = {
	0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f,
};

/* Registers of the board and the CPU model that systems look at: read as zero, writes are dropped. */
static const u32 ignored[] = {
	MSR_IA32_PLATFORM_ID, MSR_IA32_UCODE_REV, MSR_IA32_MCG_CAP, MSR_IA32_MCG_STATUS,
	0xc0010000, 0xc0010001, 0xc0010002, 0xc0010003, 0xc0010004, 0xc0010005, 0xc0010006,
	0xc0010007, 0xc0010010, 0xc0010015, 0xc001001a, 0xc001001d, 0xc001001f, 0xc0010055,
	0xc0010058, 0xc0010112, 0xc0010113, 0xc0010117, 0xc0011020, 0xc0011021, 0xc0011022,
	0xc0011023, 0xc0011029, 0xc001102a,
};

const u32 gm_msr_list[] = {
	MSR_IA32_TSC, MSR_IA32_SYSENTER_CS, MSR_IA32_SYSENTER_ESP, MSR_IA32_SYSENTER_EIP,
	MSR_STAR, MSR_LSTAR, MSR_CSTAR, MSR_SYSCALL_MASK, MSR_KERNEL_GS_BASE, MSR_IA32_CR_PAT,
	MSR_IA32_MISC_ENABLE, MSR_MTRR_DEF,
	0x200, 0x201, 0x202, 0x203, 0x204, 0x205, 0x206, 0x207,
	0x208, 0x209, 0x20a, 0x20b, 0x20c, 0x20d, 0x20e, 0x20f,
	0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f,
};
const unsigned int gm_msr_count = ARRAY_SIZE(gm_msr_list);

/* Registers without side effects: where they are kept, or NULL. */
static u64 *stored(struct gm_vcpu *vcpu, u32 index)
{
	unsigned int i;
	u64 *p = gm_backend->msr(vcpu, index);

	if (p)
		return p;
	if (index >= MSR_MTRR_VAR0 && index < MSR_MTRR_VAR0 + ARRAY_SIZE(vcpu->mtrr_var))
		return &vcpu->mtrr_var[index - MSR_MTRR_VAR0];
	for (i = 0; i < ARRAY_SIZE(mtrr_fixed); i++)
		if (mtrr_fixed[i] == index)
			return &vcpu->mtrr_fixed[i];
	switch (index) {
	case MSR_IA32_CR_PAT: return &vcpu->pat;
	case MSR_IA32_MISC_ENABLE: return &vcpu->misc_enable;
	case MSR_MTRR_DEF: return &vcpu->mtrr_def;
	case MSR_IA32_APICBASE: return &vcpu->apic_base;
	}
	return NULL;
}

static int is_ignored(u32 index)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ignored); i++)
		if (ignored[i] == index)
			return 1;
	return 0;
}

int gm_msr_get(struct gm_vcpu *vcpu, u32 index, u64 *val)
{
	u64 *p = stored(vcpu, index);

	*val = 0;
	if (p)
		*val = *p;
	else if (index == MSR_IA32_TSC)
		*val = rdtsc() + vcpu->tsc_offset;
	else if (index == MSR_EFER)
		*val = vcpu->efer;
	else if (index == MSR_MTRR_CAP)
		*val = MTRR_CAP_VALUE;
	else if (!is_ignored(index))
		return -EINVAL;
	return 0;
}

/* Each byte a memory type: 0, 1, 4, 5, 6, and 7 in PAT only. */
static int types_valid(u64 v, int pat)
{
	unsigned int i, t;

	for (i = 0; i < 8; i++, v >>= 8) {
		t = v & 0xff;
		if (t > 7 || t == 2 || t == 3 || (t == 7 && !pat))
			return 0;
	}
	return 1;
}

static int is_address_msr(u32 index)
{
	switch (index) {
	case MSR_LSTAR: case MSR_CSTAR: case MSR_KERNEL_GS_BASE: case MSR_FS_BASE:
	case MSR_GS_BASE: case MSR_IA32_SYSENTER_ESP: case MSR_IA32_SYSENTER_EIP:
		return 1;
	}
	return 0;
}

int gm_msr_set(struct gm_vcpu *vcpu, u32 index, u64 val)
{
	u64 *p = stored(vcpu, index);

	if (index == MSR_IA32_CR_PAT && !types_valid(val, 1))
		return -EINVAL;
	if (index >= 0x250 && index <= 0x26f && !types_valid(val, 0))
		return -EINVAL;
	if (is_address_msr(index) && (u64)((s64)(val << 16) >> 16) != val)
		return -EINVAL;
	if (p) {
		*p = val;
		return 0;
	}
	switch (index) {
	case MSR_IA32_TSC:
		vcpu->tsc_offset = val - rdtsc();
		return 0;
	case MSR_EFER:
		return gm_set_efer(vcpu, val);
	}
	return is_ignored(index) ? 0 : -EINVAL;
}

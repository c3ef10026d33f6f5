// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Model-specific registers of a guest that do not depend on the vendor (Intel SDM volume 4, AMD APM
 * volume 2, appendix A). Those that guest mode itself switches are the backend's (gm_backend.msr).
 */
#include "module/gm.h"

#include <linux/math64.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/tsc.h>

#define MSR_MTRR_VAR0     0x200
#define MSR_MTRR_DEF      0x2ff
#define MSR_MTRR_CAP      0xfe
#define MSR_SPEC_CTRL     0x48
#define MSR_PRED_CMD      0x49
#define MSR_ADJUST        0x3b
#define MSR_UCODE         0x8b
#define MSR_PLATFORM      0xce
#define MSR_ARCH_CAPS     0x10a
#define MSR_MISC_FEATURES 0x140
#define MSR_HWCR          0xc0010015
#define MSR_DE_CFG        0xc0011029
#define MSR_AUX           0xc0000103
#define MTRR_CAP_VALUE    0x508 /* 8 variable ranges, fixed ranges, write-combining */
#define DE_CFG_LFENCE     2ull  /* LFENCE waits for what is before it */

/* IBRS_ALL, SKIP_L1DFL and all "not affected" bits; none that announces a further register. */
#define ARCH_CAPS_OFFERED 0x0d10e17bull

static const u32 mtrr_fixed[] = {
	0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f,
};

/* Registers of the board and the CPU model that systems look at: read as zero, writes are dropped. */
static const u32 ignored[] = {
	MSR_IA32_PLATFORM_ID, MSR_IA32_DEBUGCTLMSR, 0x79,
	0xc0010000, 0xc0010001, 0xc0010002, 0xc0010003, 0xc0010004, 0xc0010005, 0xc0010006,
	0xc0010007, 0xc0010010, 0xc001001a, 0xc001001d, 0xc001001f, 0xc0010020, 0xc0010055,
	0xc0010058, 0xc0010112, 0xc0010113, 0xc0010117, 0xc0011020, 0xc0011021, 0xc0011022,
	0xc0011023, 0xc001102a,
};

const u32 gm_msr_list[] = {
	MSR_IA32_TSC, MSR_IA32_SYSENTER_CS, MSR_IA32_SYSENTER_ESP, MSR_IA32_SYSENTER_EIP,
	MSR_STAR, MSR_LSTAR, MSR_CSTAR, MSR_SYSCALL_MASK, MSR_KERNEL_GS_BASE, MSR_IA32_CR_PAT,
	MSR_IA32_MISC_ENABLE, MSR_MTRR_DEF,
	0x200, 0x201, 0x202, 0x203, 0x204, 0x205, 0x206, 0x207,
	0x208, 0x209, 0x20a, 0x20b, 0x20c, 0x20d, 0x20e, 0x20f,
	0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f,
	MSR_ADJUST, MSR_AUX, MSR_SPEC_CTRL, MSR_UCODE, MSR_PLATFORM, MSR_ARCH_CAPS,
	MSR_MISC_FEATURES, MSR_HWCR, MSR_DE_CFG, MSR_IA32_TSC_DEADLINE,
	0x11, 0x12, 0x4b564d00, 0x4b564d01, 0x4b564d03, 0x4b564d04,
};
const unsigned int gm_msr_count = ARRAY_SIZE(gm_msr_list);

const u32 gm_msr_features[] = { MSR_UCODE, MSR_PLATFORM, MSR_ARCH_CAPS, MSR_DE_CFG };
const unsigned int gm_msr_nfeatures = ARRAY_SIZE(gm_msr_features);

int gm_msr_feature(u32 index, u64 *val)
{
	*val = 0;
	switch (index) {
	case MSR_UCODE:
		rdmsrl_safe(MSR_UCODE, val);
		return 0;
	case MSR_PLATFORM:
		*val = 1ull << 31; /* CPUID can be made to fault */
		return 0;
	case MSR_ARCH_CAPS:
		if (cpuid_eax(0) >= 7 && (cpuid_edx(7) >> 29 & 1) && !rdmsrl_safe(index, val))
			*val &= ARCH_CAPS_OFFERED;
		return 0;
	case MSR_DE_CFG:
		if (!rdmsrl_safe(index, val))
			*val &= DE_CFG_LFENCE;
		return 0;
	}
	return -EINVAL;
}

/*
 * Registers without side effects: where they are kept, the bits that can be set, the feature (GM_G_*)
 * without which a guest has no such register.
 */
#define AT(field) offsetof(struct gm_vcpu, field)
static const struct kept {
	u32 index;
	u32 offset;
	u64 mask;
	u8 feature;
	u8 fixed;              /* only the program sets it */
} kept[] = {
	{ MSR_IA32_CR_PAT, AT(pat), ~0ull, 0, 0 },
	{ MSR_IA32_MISC_ENABLE, AT(misc_enable), ~0ull, 0, 0 },
	{ MSR_MTRR_DEF, AT(mtrr_def), 0xcff, 0, 0 },
	{ MSR_IA32_APICBASE, AT(apic_base), ~0ull, 0, 0 },
	{ MSR_AUX, AT(tsc_aux), 0xffffffff, GM_G_TSC_AUX, 0 },
	{ MSR_SPEC_CTRL, AT(spec_ctrl), 7, GM_G_SPEC_CTRL, 0 },
	{ MSR_UCODE, AT(ucode_rev), ~0ull, 0, 1 },
	{ MSR_ARCH_CAPS, AT(arch_caps), ~0ull, GM_G_ARCH_CAPS, 1 },
	{ MSR_PLATFORM, AT(platform_info), ~0ull, 0, 1 },
	{ MSR_MISC_FEATURES, AT(misc_features), 1, 0, 0 },
	{ MSR_HWCR, AT(hwcr), 0x1000158, 0, 0 },
	{ MSR_DE_CFG, AT(de_cfg), DE_CFG_LFENCE, 0, 1 },
};

/* Bits of SPEC_CTRL that this CPU takes: any other would be a fault of the host, at an entry. */
static u64 spec_ctrl_mask = 7;

void gm_msr_setup(void)
{
	unsigned long flags;
	u64 old, bit;

	if (!boot_cpu_has(X86_FEATURE_MSR_SPEC_CTRL))
		return; /* it is not loaded */
	local_irq_save(flags);
	if (!rdmsrl_safe(MSR_SPEC_CTRL, &old)) {
		for (bit = 1; bit <= 4; bit <<= 1)
			if (!(old & bit) && wrmsrl_safe(MSR_SPEC_CTRL, old | bit))
				spec_ctrl_mask &= ~bit;
		wrmsrl_safe(MSR_SPEC_CTRL, old);
	}
	local_irq_restore(flags);
}

static u64 *kept_at(struct gm_vcpu *vcpu, const struct kept *k)
{
	return (u64 *)((char *)vcpu + k->offset);
}

static const struct kept *kept_find(u32 index)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kept); i++)
		if (kept[i].index == index)
			return &kept[i];
	return NULL;
}

static u64 *mtrr_range(struct gm_vcpu *vcpu, u32 index)
{
	unsigned int i;

	if (index >= MSR_MTRR_VAR0 && index < MSR_MTRR_VAR0 + ARRAY_SIZE(vcpu->mtrr_var))
		return &vcpu->mtrr_var[index - MSR_MTRR_VAR0];
	for (i = 0; i < ARRAY_SIZE(mtrr_fixed); i++)
		if (mtrr_fixed[i] == index)
			return &vcpu->mtrr_fixed[i];
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

/* ---- time ---- */

u8 gm_tsc_scaling;

/* As the CPU does it, with 32 bits behind the point; the upper half of the ratio is small. */
u64 gm_tsc_scale(const struct gm_vcpu *vcpu, u64 tsc)
{
	u64 ratio = vcpu->tsc_ratio, low = (u32)tsc;

	return (tsc >> 32) * ratio + low * (ratio >> 32) + (low * (u32)ratio >> 32);
}

u64 gm_tsc_read(struct gm_vcpu *vcpu)
{
	return gm_tsc_scale(vcpu, rdtsc()) + vcpu->tsc_offset;
}

long gm_tsc_set_khz(struct gm_vcpu *vcpu, unsigned long khz)
{
	u32 host = gm_tsc_khz();

	if (!khz)
		khz = host;
	/* Ratios from 1/16 to 16: none of the computations overflows. */
	if (khz != host && (!gm_tsc_scaling || khz < host / 16 || khz / 16 > host))
		return -EINVAL;
	vcpu->tsc_khz = khz;
	vcpu->tsc_ratio = khz == host ? GM_TSC_RATIO_ONE : div_u64((u64)khz << 32, host);
	gm_clock_tsc_moved(vcpu, 0);
	return 0;
}

/* A guest moves its counter, and TSC_ADJUST with it (SDM 18.17.3). */
static void tsc_move(struct gm_vcpu *vcpu, u64 delta)
{
	vcpu->tsc_offset += delta;
	vcpu->tsc_adjust += delta;
	if (delta)
		gm_clock_tsc_moved(vcpu, 1);
}

void gm_tsc_set_offset(struct gm_vcpu *vcpu, u64 offset)
{
	vcpu->tsc_offset = offset;
	vcpu->vm->tsc_offset = offset;
	gm_clock_tsc_moved(vcpu, 0);
}

/*
 * A program sets the counters of a VM's vCPUs one after the other, to the same value or (at a reset)
 * to 0, and means them to agree: what is within a second of the VM's counter is the VM's counter.
 */
static void tsc_set(struct gm_vcpu *vcpu, u64 val)
{
	u64 now = gm_tsc_scale(vcpu, rdtsc()), off = vcpu->vm->tsc_offset, second = (u64)vcpu->tsc_khz * 1000;
	s64 diff = (s64)(val - (now + off));

	if (!val || (diff < (s64)second && diff > -(s64)second)) {
		vcpu->tsc_offset = off;
		gm_clock_tsc_moved(vcpu, 0);
		return;
	}
	gm_tsc_set_offset(vcpu, val - now);
}

/* ---- reading and writing ---- */

int gm_msr_get(struct gm_vcpu *vcpu, u32 index, u64 *val, int host)
{
	const struct kept *k = kept_find(index);
	u64 *p = k ? kept_at(vcpu, k) : gm_backend->msr(vcpu, index);
	int ret = gm_lapic_msr_get(vcpu, index, val);

	if (ret == -ENOENT)
		ret = gm_clock_msr_get(vcpu, index, val, host);
	if (ret != -ENOENT)
		return ret;
	if (index == MSR_PLATFORM && !host && vcpu->vm->hide_platform_info)
		return -EINVAL;
	if (k && k->feature && !host && !(vcpu->features & k->feature))
		return -EINVAL;
	if (!p)
		p = mtrr_range(vcpu, index);
	*val = 0;
	if (p)
		*val = *p;
	else if (index == MSR_IA32_TSC)
		*val = gm_tsc_read(vcpu);
	else if (index == MSR_ADJUST && (host || (vcpu->features & GM_G_ADJUST)))
		*val = vcpu->tsc_adjust;
	else if (index == MSR_EFER)
		*val = vcpu->efer;
	else if (index == MSR_MTRR_CAP)
		*val = MTRR_CAP_VALUE;
	else if (!is_ignored(index))
		return gm_mce_get(vcpu, index, val);
	return 0;
}

static int type_valid(unsigned int t, int pat)
{
	return t <= 7 && t != 2 && t != 3 && (t != 7 || pat);
}

/* Each byte a memory type: 0, 1, 4, 5, 6, and 7 in PAT only. */
static int types_valid(u64 v, int pat)
{
	unsigned int i;

	for (i = 0; i < 8; i++, v >>= 8)
		if (!type_valid(v & 0xff, pat))
			return 0;
	return 1;
}

static int mtrr_valid(u32 index, u64 val)
{
	u64 reserved = ~0ull << gm_phys_bits();

	if (index >= 0x250 && index <= 0x26f)
		return types_valid(val, 0);
	if (index & 1) /* a mask: valid bit, then from bit 12 on */
		return !(val & (reserved | 0x7ff));
	return !(val & (reserved | 0xf00)) && type_valid(val & 0xff, 0);
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

static int kept_set(struct gm_vcpu *vcpu, const struct kept *k, u64 val, int host)
{
	if (!host && k->feature && !(vcpu->features & k->feature))
		return -EINVAL;
	if (!host && k->fixed) /* a microcode update that is taken and has no effect */
		return k->index == MSR_UCODE || k->index == MSR_DE_CFG ? 0 : -EINVAL;
	if (val & ~k->mask)
		return -EINVAL;
	if (k->index == MSR_SPEC_CTRL && (val & ~spec_ctrl_mask))
		return -EINVAL;
	if (k->index == MSR_IA32_CR_PAT && !types_valid(val, 1))
		return -EINVAL;
	if (k->index == MSR_MTRR_DEF && !type_valid(val & 0xff, 0))
		return -EINVAL;
	if (k->index == MSR_MISC_FEATURES && val && !(vcpu->platform_info >> 31 & 1))
		return -EINVAL;
	*kept_at(vcpu, k) = val;
	return 0;
}

/* Forgets what branches were predicted: the only bit. */
static int pred_cmd(struct gm_vcpu *vcpu, u64 val, int host)
{
	if ((!host && !(vcpu->features & GM_G_IBPB)) || (val & ~1ull))
		return -EINVAL;
	if (val && !host)
		wrmsrl_safe(MSR_PRED_CMD, 1);
	return 0;
}

int gm_msr_set(struct gm_vcpu *vcpu, u32 index, u64 val, int host)
{
	const struct kept *k = kept_find(index);
	int ret = gm_lapic_msr_set(vcpu, index, val, host);
	u64 *p;

	if (ret == -ENOENT)
		ret = gm_clock_msr_set(vcpu, index, val, host);
	if (ret != -ENOENT)
		return ret;
	if (k)
		return kept_set(vcpu, k, val, host);
	p = mtrr_range(vcpu, index);
	if (p && !mtrr_valid(index, val))
		return -EINVAL;
	if (!p)
		p = gm_backend->msr(vcpu, index);
	if (is_address_msr(index) && (u64)((s64)(val << 16) >> 16) != val)
		return -EINVAL;
	if (index == MSR_SYSCALL_MASK && val >> 32)
		return -EINVAL;
	if (p) {
		*p = val;
		return 0;
	}
	switch (index) {
	case MSR_IA32_TSC:
		if (host)
			tsc_set(vcpu, val);
		else
			tsc_move(vcpu, val - gm_tsc_read(vcpu));
		return 0;
	case MSR_ADJUST:
		if (host)
			vcpu->tsc_adjust = val;
		else if (vcpu->features & GM_G_ADJUST)
			tsc_move(vcpu, val - vcpu->tsc_adjust);
		else
			return -EINVAL;
		return 0;
	case MSR_PRED_CMD:
		return pred_cmd(vcpu, val, host);
	case MSR_EFER:
		return gm_set_efer(vcpu, val);
	}
	return is_ignored(index) ? 0 : gm_mce_set(vcpu, index, val, host);
}

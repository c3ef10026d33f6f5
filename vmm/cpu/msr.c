/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Model-specific registers: one table, an entry a register or a run of registers.
 *
 * Follows Intel SDM volume 4 (architectural MSRs, and those of the P6 family that operating
 * systems touch without asking), volume 3, chapters 11 (MTRR, PAT), 15 (machine check), 17.17
 * (time stamp counter). MTRRs and the PAT are kept and checked but have no effect: guest memory
 * is always cached by the host.
 */
#include "vmm/cpu/sys.h"
#include "module/x86/seg.h"

#define MICROCODE_REVISION 1ull
#define MISC_ENABLE_RESET  (1ull | 1ull << 11 | 1ull << 12) /* fast strings; no BTS, no PEBS */
#define MISC_ENABLE_WRITE  (1ull | 1ull << 16 | 1ull << 18 | 1ull << 22 | 1ull << 34)
#define PAT_RESET          0x0007040600070406ull
#define MC_BANKS           8
#define MTRR_VAR           8
/* What an interpreter does not suffer from: RDCL, L1TF flush, SSB, MDS, TAA, stale data, .. */
#define ARCH_CAPABILITIES                                                                          \
	(1ull << 0 | 1ull << 1 | 1ull << 3 | 1ull << 4 | 1ull << 5 | 1ull << 6 | 1ull << 8 |       \
	 1ull << 13 | 1ull << 14 | 1ull << 15 | 1ull << 20 | 1ull << 24 | 1ull << 26 |             \
	 1ull << 27 | 1ull << 62)

/* How a stored value is checked. */
enum msr_check {
	CHECK_ANY,
	CHECK_U32,       /* bits 63:32 reserved */
	CHECK_CANONICAL,
	CHECK_TYPES,     /* eight memory types */
	CHECK_RO,        /* WRMSR is #GP */
	CHECK_IGNORE,    /* WRMSR is ignored */
};

struct msr_entry {
	u32 first, last;
	u16 feature;     /* CPU_F_* + 1 that the register belongs to; 0: none */
	u8 check;        /* enum msr_check */
	u16 off;         /* of its u64 (the first of an array) in struct cpu; 0: reads as `value` */
	u64 value;
	int (*rd)(struct cpu *c, u32 msr, u64 *val);
	int (*wr)(struct cpu *c, u32 msr, u64 val);
};

static void tsc_moved(struct cpu *c)
{
	if (c->host->tsc_changed)
		c->host->tsc_changed(c->host_opaque);
}

u64 cpu_tsc(struct cpu *c)
{
	return c->host->tsc(c->host_opaque) + (u64)c->tsc_offset;
}

static int tsc_rd(struct cpu *c, u32 msr, u64 *val)
{
	*val = cpu_tsc(c);
	return 0;
}

static int tsc_wr(struct cpu *c, u32 msr, u64 val)
{
	u64 delta = val - cpu_tsc(c);

	/* Parts before Nehalem write the low half only and clear the high one. */
	if (!cpu_feature(c, CPU_F_LM))
		delta = (val & 0xffffffff) - cpu_tsc(c);
	c->tsc_offset = (s64)((u64)c->tsc_offset + delta);
	c->msr.tsc_adjust += delta;
	tsc_moved(c);
	return 0;
}

static int tsc_adjust_wr(struct cpu *c, u32 msr, u64 val)
{
	c->tsc_offset = (s64)((u64)c->tsc_offset + (val - c->msr.tsc_adjust));
	c->msr.tsc_adjust = val;
	tsc_moved(c);
	return 0;
}

static int apic_rd(struct cpu *c, u32 msr, u64 *val)
{
	return c->host->apic_rdmsr ? c->host->apic_rdmsr(c->host_opaque, msr, val) : -1;
}

static int apic_wr(struct cpu *c, u32 msr, u64 val)
{
	return c->host->apic_wrmsr ? c->host->apic_wrmsr(c->host_opaque, msr, val) : -1;
}

static int efer_rd(struct cpu *c, u32 msr, u64 *val)
{
	if (!cpu_feature(c, CPU_F_NX) && !cpu_feature(c, CPU_F_LM))
		return -1;
	*val = c->efer;
	return 0;
}

static int efer_wr(struct cpu *c, u32 msr, u64 val)
{
	u64 valid = X86_EFER_LMA, changed;

	if (cpu_feature(c, CPU_F_NX))
		valid |= X86_EFER_NXE;
	if (cpu_feature(c, CPU_F_SYSCALL))
		valid |= X86_EFER_SCE;
	if (cpu_feature(c, CPU_F_LM))
		valid |= X86_EFER_LME;
	if (valid == X86_EFER_LMA || (val & ~valid))
		return -1;
	val = (val & ~(u64)X86_EFER_LMA) | (c->efer & X86_EFER_LMA);
	changed = c->efer ^ val;
	if ((changed & X86_EFER_LME) && (c->cr0 & X86_CR0_PG))
		return -1;
	c->efer = val;
	if (changed & X86_EFER_NXE)
		cpu_tlb_flush_all(c);
	cpu_mode_changed(c);
	return 0;
}

static int base_rd(struct cpu *c, u32 msr, u64 *val)
{
	*val = c->seg[msr == 0xc0000100 ? X86_FS : X86_GS].base;
	return 0;
}

static int base_wr(struct cpu *c, u32 msr, u64 val)
{
	if (!x86_is_canonical(val))
		return -1;
	cpu_set_seg_base(c, msr == 0xc0000100 ? X86_FS : X86_GS, val);
	return 0;
}

static bool type_ok(unsigned int type, bool pat)
{
	/* UC, WC, WT, WP, WB; the PAT knows UC- too. */
	return type < 8 && ((pat ? 0xf3u : 0x73u) >> type & 1);
}

static u64 phys_reserved(const struct cpu *c)
{
	return ~((1ull << c->model->phys_bits) - 1);
}

static int mtrr_phys_wr(struct cpu *c, u32 msr, u64 val)
{
	u64 reserved = phys_reserved(c) | (msr & 1 ? 0x7ff : 0xf00);

	if ((val & reserved) || (!(msr & 1) && !type_ok(val & 0xff, false)))
		return -1;
	c->msr.mtrr_phys[msr - 0x200] = val;
	return 0;
}

static int mtrr_fixed_index(u32 msr)
{
	if (msr == 0x250)
		return 0;
	return msr <= 0x259 ? (int)(1 + msr - 0x258) : (int)(3 + msr - 0x268);
}

static int mtrr_fixed_rd(struct cpu *c, u32 msr, u64 *val)
{
	*val = c->msr.mtrr_fixed[mtrr_fixed_index(msr)];
	return 0;
}

static bool types_ok(u64 val, bool pat)
{
	unsigned int i;

	for (i = 0; i < 64; i += 8)
		if (!type_ok((val >> i) & 0xff, pat))
			return false;
	return true;
}

static int mtrr_fixed_wr(struct cpu *c, u32 msr, u64 val)
{
	if (!types_ok(val, false))
		return -1;
	c->msr.mtrr_fixed[mtrr_fixed_index(msr)] = val;
	return 0;
}

static int mtrr_def_wr(struct cpu *c, u32 msr, u64 val)
{
	if ((val & ~0xcffull) || !type_ok(val & 0xff, false))
		return -1;
	c->msr.mtrr_def = val;
	return 0;
}

static int misc_enable_wr(struct cpu *c, u32 msr, u64 val)
{
	c->msr.misc_enable = (val & MISC_ENABLE_WRITE) | (c->msr.misc_enable & ~MISC_ENABLE_WRITE);
	return 0;
}

static int debugctl_wr(struct cpu *c, u32 msr, u64 val)
{
	/* LBR and BTF; there is no branch record, so the former only reads back. */
	if (val & ~3ull)
		return -1;
	c->msr.debugctl = val;
	return 0;
}

static int mcg_status_wr(struct cpu *c, u32 msr, u64 val)
{
	if (val & ~7ull)
		return -1;
	c->msr.mcg_status = val;
	return 0;
}

static int mc_wr(struct cpu *c, u32 msr, u64 val)
{
	/* MCi_CTL takes anything; STATUS, ADDR and MISC may only be cleared. */
	if ((msr & 3) && val)
		return -1;
	c->msr.mc[msr - 0x400] = val;
	return 0;
}

static int spec_ctrl_wr(struct cpu *c, u32 msr, u64 val)
{
	/* IBRS and BHI_DIS_S: nothing of the guest steers the host's predictors. */
	if (val & ~(1ull | (cpu_feature(c, CPU_F_BHI_CTRL) ? 1ull << 10 : 0)))
		return -1;
	c->msr.spec_ctrl = val;
	return 0;
}

static int pred_cmd_wr(struct cpu *c, u32 msr, u64 val)
{
	return val & ~1ull ? -1 : 0;
}

static int none_rd(struct cpu *c, u32 msr, u64 *val)
{
	return -1;
}

#define MSR(field) .off = offsetof(struct cpu, msr.field)
#define HAS(f)     .feature = (f) + 1

/* Those that run often come first. */
static const struct msr_entry msrs[] = {
	{ 0xc0000100, 0xc0000101, HAS(CPU_F_LM), .rd = base_rd, .wr = base_wr },
	{ 0xc0000102, 0xc0000102, HAS(CPU_F_LM), CHECK_CANONICAL, MSR(kernel_gs_base) },
	{ 0x6e0, 0x6e0, HAS(CPU_F_DEADLINE), .rd = apic_rd, .wr = apic_wr },
	{ 0x800, 0x8ff, HAS(CPU_F_X2APIC), .rd = apic_rd, .wr = apic_wr },
	{ 0x48, 0x48, HAS(CPU_F_SPEC_CTRL), MSR(spec_ctrl), .wr = spec_ctrl_wr },
	{ 0x49, 0x49, HAS(CPU_F_SPEC_CTRL), .rd = none_rd, .wr = pred_cmd_wr },
	{ 0x10, 0x10, HAS(CPU_F_TSC), .rd = tsc_rd, .wr = tsc_wr },
	{ 0x1b, 0x1b, HAS(CPU_F_APIC), .rd = apic_rd, .wr = apic_wr },
	{ 0xc0000080, 0xc0000080, .rd = efer_rd, .wr = efer_wr },
	{ 0xc0000081, 0xc0000081, HAS(CPU_F_SYSCALL), CHECK_ANY, MSR(star) },
	{ 0xc0000082, 0xc0000082, HAS(CPU_F_SYSCALL), CHECK_CANONICAL, MSR(lstar) },
	{ 0xc0000083, 0xc0000083, HAS(CPU_F_SYSCALL), CHECK_CANONICAL, MSR(cstar) },
	{ 0xc0000084, 0xc0000084, HAS(CPU_F_SYSCALL), CHECK_U32, MSR(sfmask) },
	{ 0xc0000103, 0xc0000103, HAS(CPU_F_RDTSCP), CHECK_U32, MSR(tsc_aux) },
	{ 0x174, 0x174, HAS(CPU_F_SEP), CHECK_ANY, MSR(sysenter_cs) },
	{ 0x175, 0x175, HAS(CPU_F_SEP), CHECK_CANONICAL, MSR(sysenter_esp) },
	{ 0x176, 0x176, HAS(CPU_F_SEP), CHECK_CANONICAL, MSR(sysenter_eip) },
	{ 0x00, 0x01, HAS(CPU_F_MCE), CHECK_IGNORE }, /* P5_MC_ADDR, P5_MC_TYPE */
	{ 0x17, 0x17, HAS(CPU_F_CMOV), CHECK_RO },    /* PLATFORM_ID */
	{ 0x2a, 0x2a, HAS(CPU_F_CMOV), CHECK_IGNORE }, /* EBL_CR_POWERON */
	{ 0x3a, 0x3a, HAS(CPU_F_CX16), CHECK_RO, .value = 1 }, /* FEATURE_CONTROL: locked */
	{ 0x3b, 0x3b, HAS(CPU_F_TSC_ADJUST), MSR(tsc_adjust), .wr = tsc_adjust_wr },
	{ 0x79, 0x79, HAS(CPU_F_CMOV), CHECK_IGNORE, .rd = none_rd }, /* BIOS_UPDT_TRIG */
	{ 0x8b, 0x8b, HAS(CPU_F_CMOV), CHECK_IGNORE, .value = MICROCODE_REVISION << 32 },
	{ 0xce, 0xce, HAS(CPU_F_SSE42), CHECK_RO }, /* PLATFORM_INFO */
	{ 0xfe, 0xfe, HAS(CPU_F_MTRR), CHECK_RO, .value = 0x500 | MTRR_VAR },
	{ 0x10a, 0x10a, HAS(CPU_F_ARCH_CAP), CHECK_RO, .value = ARCH_CAPABILITIES },
	{ 0x11e, 0x11e, HAS(CPU_F_CMOV), CHECK_IGNORE }, /* BBL_CR_CTL3 */
	{ 0x140, 0x140, HAS(CPU_F_SSE42), CHECK_IGNORE }, /* MISC_FEATURES_ENABLES */
	{ 0x179, 0x179, HAS(CPU_F_MCA), CHECK_RO, .value = MC_BANKS },
	{ 0x17a, 0x17a, HAS(CPU_F_MCA), MSR(mcg_status), .wr = mcg_status_wr },
	{ 0x198, 0x19c, HAS(CPU_F_SSE2), CHECK_IGNORE }, /* PERF_STATUS .. THERM_STATUS */
	{ 0x1a0, 0x1a0, HAS(CPU_F_SSE2), MSR(misc_enable), .wr = misc_enable_wr },
	{ 0x1d9, 0x1d9, HAS(CPU_F_CMOV), MSR(debugctl), .wr = debugctl_wr },
	{ 0x1db, 0x1de, HAS(CPU_F_CMOV), CHECK_IGNORE }, /* last branch, last exception */
	{ 0x200, 0x20f, HAS(CPU_F_MTRR), MSR(mtrr_phys), .wr = mtrr_phys_wr },
	{ 0x250, 0x250, HAS(CPU_F_MTRR), .rd = mtrr_fixed_rd, .wr = mtrr_fixed_wr },
	{ 0x258, 0x259, HAS(CPU_F_MTRR), .rd = mtrr_fixed_rd, .wr = mtrr_fixed_wr },
	{ 0x268, 0x26f, HAS(CPU_F_MTRR), .rd = mtrr_fixed_rd, .wr = mtrr_fixed_wr },
	{ 0x277, 0x277, HAS(CPU_F_PAT), CHECK_TYPES, MSR(pat) },
	{ 0x2ff, 0x2ff, HAS(CPU_F_MTRR), MSR(mtrr_def), .wr = mtrr_def_wr },
	{ 0x400, 0x400 + MC_BANKS * 4 - 1, HAS(CPU_F_MCA), MSR(mc), .wr = mc_wr },
};

_Static_assert(sizeof(((struct cpu_msr *)0)->mc) == MC_BANKS * 4 * sizeof(u64), "banks");
_Static_assert(sizeof(((struct cpu_msr *)0)->mtrr_phys) == MTRR_VAR * 2 * sizeof(u64), "MTRRs");

static const struct msr_entry *msr_find(const struct cpu *c, u32 msr)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(msrs); i++) {
		if (msr < msrs[i].first || msr > msrs[i].last)
			continue;
		if (msrs[i].feature && !cpu_feature(c, msrs[i].feature - 1u))
			return NULL;
		return &msrs[i];
	}
	return NULL;
}

static u64 *msr_slot(struct cpu *c, const struct msr_entry *e, u32 msr)
{
	return (u64 *)((char *)c + e->off) + (msr - e->first);
}

int cpu_msr_read(struct cpu *c, u32 msr, u64 *val)
{
	const struct msr_entry *e = msr_find(c, msr);

	if (!e)
		return -1;
	if (e->rd)
		return e->rd(c, msr, val);
	*val = e->off ? *msr_slot(c, e, msr) : e->value;
	return 0;
}

int cpu_msr_write(struct cpu *c, u32 msr, u64 val)
{
	const struct msr_entry *e = msr_find(c, msr);

	if (!e)
		return -1;
	if (e->wr)
		return e->wr(c, msr, val);
	switch (e->check) {
	case CHECK_IGNORE:
		return 0;
	case CHECK_RO:
		return -1;
	case CHECK_U32:
		if (val >> 32)
			return -1;
		break;
	case CHECK_CANONICAL:
		if (!x86_is_canonical(val))
			return -1;
		break;
	case CHECK_TYPES:
		if (!types_ok(val, true))
			return -1;
		break;
	default:
		break;
	}
	if (!e->off)
		return -1;
	*msr_slot(c, e, msr) = val;
	return 0;
}

void cpu_msr_reset(struct cpu *c, bool init)
{
	c->efer = 0;
	if (init)
		return;
	memset(&c->msr, 0, sizeof(c->msr));
	c->msr.pat = PAT_RESET;
	c->msr.misc_enable = MISC_ENABLE_RESET;
	c->tsc_offset = (s64)(0 - c->host->tsc(c->host_opaque));
	tsc_moved(c);
}

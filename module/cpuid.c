// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * CPUID: what a guest can be offered (the host's features, less what the driver does not switch or
 * emulate), and the instruction itself. Intel SDM volume 2 (CPUID), AMD APM volume 3, appendix E.
 */
#include "module/gm.h"

#include <linux/slab.h>
#include <asm/cpufeature.h>
#include <asm/processor.h>

/* Leaf 1: SSE3 PCLMUL SSSE3 FMA CX16 SSE4.1 SSE4.2 MOVBE POPCNT AES XSAVE AVX F16C RDRAND */
#define L1_ECX 0x76d83203u
#define L1_ECX_XSAVE 0x34001000u /* of these, those that need XSAVE: FMA XSAVE AVX F16C */
#define L1_ECX_PCID (1u << 17)
#define L1_ECX_X2APIC (1u << 21) /* with a local APIC in the kernel */
#define L1_ECX_HYPERVISOR (1u << 31)
/* FPU VME DE PSE TSC MSR PAE MCE CX8 APIC SEP MTRR PGE MCA CMOV PAT PSE36 CLFLUSH MMX FXSR SSE SSE2 */
#define L1_EDX 0x078bfbffu
/* Leaf 7: FSGSBASE BMI1 AVX2 SMEP BMI2 ERMS RDSEED ADX SMAP CLFLUSHOPT CLWB SHA */
#define L7_EBX 0x219c03a9u
#define L7_EBX_ADJUST (1u << 1)
#define L7_EBX_INVPCID (1u << 10)
#define L7_EBX_AVX512 0xd0230000u /* F DQ IFMA CD BW VL */
#define L7_ECX 0x00400004u        /* UMIP RDPID */
#define L7_ECX_PKU 0x00000008u
#define L7_ECX_AVX 0x00000700u    /* GFNI VAES VPCLMULQDQ */
#define L7_ECX_AVX512 0x00005842u /* VBMI VBMI2 VNNI BITALG VPOPCNTDQ */
#define L7_EDX 0xac004410u        /* FSRM MD_CLEAR SERIALIZE SPEC_CTRL STIBP ARCH_CAPS SSBD */
#define L7_EDX_AVX512 0x0080010cu /* 4VNNIW 4FMAPS VP2INTERSECT FP16 */
/* 80000001: LAHF CR8 LZCNT SSE4A MISALIGNSSE PREFETCHW */
#define E1_ECX 0x000001f1u
#define E1_ECX_XSAVE 0x00010800u /* XOP FMA4 */
/* those of leaf 1 that AMD repeats, SYSCALL NX MMXEXT PDPE1GB RDTSCP LM */
#define E1_EDX 0x2dd3fbffu
/* 80000008: CLZERO XSAVEERPTR WBNOINVD IBPB IBRS STIBP SSBD SSB_NO */
#define E8_EBX 0x0500d205u

struct cpuid_out {
	struct gm_cpuid_entry *e;
	unsigned int n, max;
};

/* The host's values of a leaf; the caller masks them. NULL: no room. */
static struct gm_cpuid_entry *add(struct cpuid_out *o, u32 leaf, u32 index, u32 flags)
{
	struct gm_cpuid_entry *e;

	if (o->n == o->max)
		return NULL;
	e = &o->e[o->n++];
	memset(e, 0, sizeof(*e));
	e->function = leaf;
	e->index = index;
	e->flags = flags;
	cpuid_count(leaf, index, &e->eax, &e->ebx, &e->ecx, &e->edx);
	return e;
}

/* Bytes of a standard XSAVE image with the components of xcr0. */
static u32 xsave_size(u64 xcr0)
{
	u32 size = 576, a, b, c, d;
	unsigned int i;

	for (i = 2; i < 10; i++) {
		if (!(xcr0 >> i & 1))
			continue;
		cpuid_count(0xd, i, &a, &b, &c, &d);
		size = max(size, a + b);
	}
	return size;
}

static int add_xsave(struct cpuid_out *o)
{
	struct gm_cpuid_entry *e;
	unsigned int i;

	if (!gm_fpu_mask())
		return 0;
	e = add(o, 0xd, 0, GM_CPUID_INDEXED);
	if (!e)
		return -E2BIG;
	e->eax = (u32)gm_fpu_mask();
	e->ebx = e->ecx = xsave_size(gm_fpu_mask());
	e->edx = 0;
	e = add(o, 0xd, 1, GM_CPUID_INDEXED);
	if (!e)
		return -E2BIG;
	e->eax &= 7; /* XSAVEOPT, XSAVEC, XGETBV with ECX = 1 */
	e->ebx = e->ecx = e->edx = 0;
	for (i = 2; i < 10; i++) {
		if (!(gm_fpu_mask() >> i & 1))
			continue;
		e = add(o, 0xd, i, GM_CPUID_INDEXED);
		if (!e)
			return -E2BIG;
		e->ecx = e->edx = 0;
	}
	return 0;
}

static int add_leaf7(struct cpuid_out *o)
{
	struct gm_cpuid_entry *e = add(o, 7, 0, GM_CPUID_INDEXED);
	u64 xcr0 = gm_fpu_mask();
	u32 ebx = L7_EBX, ecx = L7_ECX, edx = L7_EDX;

	if (!e)
		return -E2BIG;
	if (xcr0 & 4)
		ecx |= L7_ECX_AVX;
	if (xcr0 & 0x80) {
		ebx |= L7_EBX_AVX512;
		ecx |= L7_ECX_AVX512;
		edx |= L7_EDX_AVX512;
	}
	if (xcr0 & 0x200)
		ecx |= L7_ECX_PKU;
	if (gm_paging.nested)
		ebx |= L7_EBX_INVPCID;
	e->eax = 0;
	e->ebx = (e->ebx & ebx) | L7_EBX_ADJUST;
	e->ecx &= ecx;
	e->edx &= edx;
	return 0;
}

/* Caches, none of them shared; a timer that does not stop; no performance counters. Programs look for these leaves. */
static int add_small(struct cpuid_out *o)
{
	struct gm_cpuid_entry *e;
	unsigned int i;

	for (i = 0; i < 8; i++) {
		e = add(o, 4, i, GM_CPUID_INDEXED);
		if (!e)
			return -E2BIG;
		e->eax &= 0x3fff;
		if (!(e->eax & 31))
			break;
	}
	for (i = 6; i <= 10; i += 4) {
		e = add(o, i, 0, 0);
		if (!e)
			return -E2BIG;
		e->eax = i == 6 ? 4 : 0;
		e->ebx = e->ecx = e->edx = 0;
	}
	return 0;
}

static int add_basic(struct cpuid_out *o)
{
	struct gm_cpuid_entry *e;
	u32 max_leaf = min(cpuid_eax(0), 0xdu);

	e = add(o, 0, 0, 0);
	if (!e)
		return -E2BIG;
	e->eax = max_leaf;
	e = add(o, 1, 0, 0);
	if (!e)
		return -E2BIG;
	e->ebx &= 0xff00;
	/* Process contexts: with shadow paging there are no tags to keep them apart. */
	e->ecx &= L1_ECX | (gm_paging.nested ? L1_ECX_PCID : 0);
	if (!gm_fpu_mask())
		e->ecx &= ~L1_ECX_XSAVE;
	e->ecx |= L1_ECX_HYPERVISOR | L1_ECX_X2APIC;
	e->edx &= L1_EDX;
	if ((max_leaf >= 10 && add_small(o)) || (max_leaf >= 7 && add_leaf7(o)))
		return -E2BIG;
	return max_leaf >= 0xd ? add_xsave(o) : 0;
}

static int add_extended(struct cpuid_out *o)
{
	struct gm_cpuid_entry *e;
	u32 leaf, last = min(cpuid_eax(0x80000000), 0x80000008u);

	for (leaf = 0x80000000; leaf <= last; leaf++) {
		e = add(o, leaf, 0, 0);
		if (!e)
			return -E2BIG;
		switch (leaf) {
		case 0x80000000:
			e->eax = last;
			break;
		case 0x80000001:
			e->ecx &= E1_ECX | (gm_fpu_mask() ? E1_ECX_XSAVE : 0);
			e->edx &= E1_EDX;
			break;
		case 0x80000007:
			e->eax = e->ebx = e->ecx = 0;
			e->edx &= 0x100; /* invariant TSC */
			break;
		case 0x80000008:
			e->eax = 0x3000 | min_t(u32, gm_phys_bits(), 48);
			e->ebx &= E8_EBX;
			e->ecx = e->edx = 0;
			break;
		}
	}
	return 0;
}

/* What the driver itself offers (Documentation/virt/kvm/x86/cpuid.rst); the signature tells guests. */
static int add_paravirtual(struct cpuid_out *o)
{
	struct gm_cpuid_entry *e = add(o, 0x40000000, 0, 0);

	if (!e)
		return -E2BIG;
	e->eax = 0x40000001;
	e->ebx = 0x4b4d564b; /* "KVMKVMKVM" */
	e->ecx = 0x564b4d56;
	e->edx = 0x4d;
	e = add(o, 0x40000001, 0, 0);
	if (!e)
		return -E2BIG;
	/* The clock's old and new MSRs, no delays at I/O, EOI in memory, its stable bit; stolen time. */
	e->eax = 1 | 2 | 8 | 1 << 6 | 1 << 24;
#ifdef CONFIG_SCHED_INFO
	e->eax |= 1 << 5;
#endif
	e->ebx = e->ecx = e->edx = 0;
	return 0;
}

int gm_cpuid_supported(struct gm_cpuid_entry *e, unsigned int max)
{
	struct cpuid_out o = { e, 0, max };
	int ret = add_basic(&o);

	if (!ret)
		ret = add_paravirtual(&o);
	if (!ret)
		ret = add_extended(&o);
	return ret ? ret : (int)o.n;
}

/* ---- what a guest was given ---- */

static const struct gm_cpuid_entry *find(const struct gm_cpuid_entry *e, unsigned int n, u32 leaf,
					 u32 index)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (e[i].function == leaf &&
		    (!(e[i].flags & GM_CPUID_INDEXED) || e[i].index == index))
			return &e[i];
	return NULL;
}

int gm_cpuid_has(const struct gm_cpuid_entry *e, unsigned int n, u32 leaf, unsigned int reg,
		 unsigned int bit)
{
	const struct gm_cpuid_entry *f = find(e, n, leaf, 0);
	u32 v[4];

	if (!f)
		return 0;
	v[0] = f->eax;
	v[1] = f->ebx;
	v[2] = f->ecx;
	v[3] = f->edx;
	return v[reg] >> bit & 1;
}

/* What GM_G_* comes with: any of these. */
static const struct {
	u32 leaf;
	u8 reg, bit;
	u16 feature;
} guest_features[] = {
	{ 0x80000001, 3, 27, GM_G_TSC_AUX | GM_G_RDTSCP },
	{ 7, 2, 22, GM_G_TSC_AUX },
	{ 7, 3, 26, GM_G_SPEC_CTRL | GM_G_IBPB },
	{ 7, 3, 27, GM_G_SPEC_CTRL },
	{ 7, 3, 31, GM_G_SPEC_CTRL },
	{ 0x80000008, 1, 12, GM_G_IBPB },
	{ 0x80000008, 1, 14, GM_G_SPEC_CTRL },
	{ 0x80000008, 1, 15, GM_G_SPEC_CTRL },
	{ 0x80000008, 1, 24, GM_G_SPEC_CTRL },
	{ 7, 1, 1, GM_G_ADJUST },
	{ 7, 3, 29, GM_G_ARCH_CAPS },
	{ 0x80000001, 3, 20, GM_G_NX },
	{ 7, 1, 10, GM_G_INVPCID },
	{ 1, 2, 21, GM_G_X2APIC },
};

void gm_cpuid_apply(struct gm_vcpu *vcpu)
{
	struct gm_cpuid_entry *all = kcalloc(GM_MAX_CPUID, sizeof(*all), GFP_KERNEL);
	const struct gm_cpuid_entry *e = vcpu->ncpuid ? vcpu->cpuid : all, *x;
	unsigned int i, n, offered;

	if (!all)
		return;
	offered = max(gm_cpuid_supported(all, GM_MAX_CPUID), 0);
	n = vcpu->ncpuid ? vcpu->ncpuid : offered;
	vcpu->features = 0;
	for (i = 0; i < ARRAY_SIZE(guest_features); i++)
		if (gm_cpuid_has(e, n, guest_features[i].leaf, guest_features[i].reg,
				 guest_features[i].bit))
			vcpu->features |= guest_features[i].feature;
	/* A program's table may name what this CPU has not: its register would not be there to switch. */
	if (!boot_cpu_has(X86_FEATURE_RDTSCP))
		vcpu->features &= ~(GM_G_TSC_AUX | GM_G_RDTSCP);
	vcpu->cr4_mask = gm_cr4_mask(e, n) & gm_cr4_mask(all, offered);
	x = find(e, n, 0x40000001, 0);
	vcpu->pv.announced = x ? x->eax : 0;
	x = find(e, n, 0xd, 0);
	vcpu->xcr0_mask = x ? gm_fpu_mask() & (x->eax | (u64)x->edx << 32) : 0;
	if (gm_fpu_mask())
		vcpu->xcr0_mask |= 3;
	kfree(all);
	gm_backend->update(vcpu);
}

/* ---- the instruction ---- */

/* The bits that follow what the guest has switched on. */
void gm_cpuid_live(struct gm_vcpu *vcpu, struct gm_cpuid_entry *e)
{
	if (e->function == 1) {
		e->ecx &= ~(1u << 27);
		e->ecx |= vcpu->cr4 & X86_CR4_OSXSAVE ? 1u << 27 : 0;
		if (vcpu->lapic && !(vcpu->apic_base & 0x800))
			e->edx &= ~(1u << 9);
	} else if (e->function == 7 && !e->index) {
		e->ecx &= ~(1u << 4);
		e->ecx |= (u32)(vcpu->cr4 >> 22 & 1) << 4; /* OSPKE */
	} else if (e->function == 0xd && !e->index) {
		e->ebx = xsave_size(vcpu->xcr0);
	}
}

void gm_cpuid(struct gm_vcpu *vcpu, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx)
{
	const struct gm_cpuid_entry *e = find(vcpu->cpuid, vcpu->ncpuid, *eax, *ecx);
	struct gm_cpuid_entry live;

	if (e)
		live = *e;
	else
		memset(&live, 0, sizeof(live));
	gm_cpuid_live(vcpu, &live);
	*eax = live.eax;
	*ebx = live.ebx;
	*ecx = live.ecx;
	*edx = live.edx;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * CPUID: what a guest can be offered (the host's features, less what the driver does not switch or
 * emulate), and the instruction itself. Intel SDM volume 2 (CPUID), AMD APM volume 3, appendix E.
 */
#include "module/gm.h"

#include <asm/cpufeature.h>
#include <asm/processor.h>

/* Leaf 1: SSE3 PCLMUL SSSE3 FMA CX16 SSE4.1 SSE4.2 MOVBE POPCNT AES XSAVE AVX F16C RDRAND */
#define L1_ECX 0x76d83203u
#define L1_ECX_XSAVE 0x34001000u /* of these, those that need XSAVE: FMA XSAVE AVX F16C */
/* FPU VME DE PSE TSC MSR PAE MCE CX8 APIC SEP MTRR PGE MCA CMOV PAT PSE36 CLFLUSH MMX FXSR SSE SSE2 */
#define L1_EDX 0x078bfbffu
/* Leaf 7: FSGSBASE BMI1 AVX2 SMEP BMI2 ERMS RDSEED ADX SMAP CLFLUSHOPT CLWB SHA */
#define L7_EBX 0x219c03a9u
#define L7_ECX 0x00000004u /* UMIP */
#define L7_EDX 0x00000010u /* FSRM */
/* 80000001: LAHF CR8 LZCNT SSE4A MISALIGNSSE PREFETCHW */
#define E1_ECX 0x000001f1u
/* those of leaf 1 that AMD repeats, SYSCALL NX MMXEXT PDPE1GB LM */
#define E1_EDX 0x25d3fbffu

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

	for (i = 2; i < 8; i++) {
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
	for (i = 2; i < 8; i++) {
		if (!(gm_fpu_mask() >> i & 1))
			continue;
		e = add(o, 0xd, i, GM_CPUID_INDEXED);
		if (!e)
			return -E2BIG;
		e->ecx = e->edx = 0;
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
	e->ecx &= L1_ECX;
	if (!gm_fpu_mask())
		e->ecx &= ~L1_ECX_XSAVE;
	e->edx &= L1_EDX;
	if (max_leaf >= 7) {
		e = add(o, 7, 0, GM_CPUID_INDEXED);
		if (!e)
			return -E2BIG;
		e->eax = 0;
		e->ebx &= L7_EBX;
		e->ecx &= L7_ECX;
		e->edx &= L7_EDX;
	}
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
			e->ecx &= E1_ECX;
			e->edx &= E1_EDX;
			break;
		case 0x80000007:
			e->eax = e->ebx = e->ecx = 0;
			e->edx &= 0x100; /* invariant TSC */
			break;
		case 0x80000008:
			e->eax = 0x3000 | min_t(u32, boot_cpu_data.x86_phys_bits, 48);
			e->ebx = e->ecx = e->edx = 0;
			break;
		}
	}
	return 0;
}

int gm_cpuid_supported(struct gm_cpuid_entry *e, unsigned int max)
{
	struct cpuid_out o = { e, 0, max };
	int ret = add_basic(&o);

	if (!ret)
		ret = add_extended(&o);
	return ret ? ret : (int)o.n;
}

/* ---- the instruction ---- */

static const struct gm_cpuid_entry *find(struct gm_vcpu *vcpu, u32 leaf, u32 index)
{
	unsigned int i;

	for (i = 0; i < vcpu->ncpuid; i++)
		if (vcpu->cpuid[i].function == leaf &&
		    (!(vcpu->cpuid[i].flags & GM_CPUID_INDEXED) || vcpu->cpuid[i].index == index))
			return &vcpu->cpuid[i];
	return NULL;
}

void gm_cpuid(struct gm_vcpu *vcpu, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx)
{
	u32 leaf = *eax, index = *ecx;
	const struct gm_cpuid_entry *e = find(vcpu, leaf, index);

	*eax = *ebx = *ecx = *edx = 0;
	if (!e)
		return;
	*eax = e->eax;
	*ebx = e->ebx;
	*ecx = e->ecx;
	*edx = e->edx;
	if (leaf == 1) {
		*ecx &= ~(1u << 27);
		*ecx |= vcpu->cr4 & X86_CR4_OSXSAVE ? 1u << 27 : 0;
	} else if (leaf == 0xd && index == 0) {
		*ebx = xsave_size(vcpu->xcr0);
	}
}

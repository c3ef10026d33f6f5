/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPUID: the model's words, and the few bits that follow the CPU's state.
 *
 * Follows Intel SDM volume 2, CPUID; the hypervisor leaf 0x40000000 by the convention that all
 * hypervisors share (its signature is our own, so that no guest takes us for another one and
 * uses that one's interface).
 */
#include "vmm/cpu/sys.h"

#define XSAVE_SIZE 576u /* legacy area and header: x87 and SSE state */

static void put(u32 out[4], u32 a, u32 b, u32 c, u32 d)
{
	out[0] = a;
	out[1] = b;
	out[2] = c;
	out[3] = d;
}

/* A string of 12 characters over EBX, EDX, ECX (vendor) or EBX, ECX, EDX (hypervisor). */
static u32 four(const char *s)
{
	return (u32)(u8)s[0] | (u32)(u8)s[1] << 8 | (u32)(u8)s[2] << 16 | (u32)(u8)s[3] << 24;
}

static struct gm_topology topology(const struct cpu *c)
{
	return gm_topology_of(c->topology, 1);
}

/* Logical processors in a package. */
static unsigned int package_count(const struct cpu *c)
{
	struct gm_topology t = topology(c);

	return t.cores * t.threads;
}

static void leaf_1(struct cpu *c, u32 out[4])
{
	const struct cpu_model *m = c->model;
	u32 ecx = m->words[CPU_W_1_ECX] & ~c->cpuid_hide, edx = m->words[CPU_W_1_EDX];
	struct gm_topology t = topology(c);
	unsigned int n = package_count(c), ids = 1u << gm_topology_package_bits(&t);
	u64 base;

	if (c->cr4 & X86_CR4_OSXSAVE)
		ecx |= 1u << (CPU_F_OSXSAVE % 32);
	/* The APIC's bit goes with its enable bit in IA32_APIC_BASE. */
	if (cpu_feature(c, CPU_F_APIC) && c->host->apic_rdmsr &&
	    !c->host->apic_rdmsr(c->host_opaque, 0x1b, &base) && !(base & 0x800))
		edx &= ~(1u << (CPU_F_APIC % 32));
	if (n > 1 && m->family >= 6)
		edx |= 1u << 28;
	put(out, cpu_model_signature(m),
	    (c->apic_id & 0xff) << 24 | (n > 1 ? MIN(ids, 255u) << 16 : 0) | (u32)m->clflush << 8,
	    ecx, edx);
}

/* Deterministic cache parameters: L1 data, L1 instruction, L2, L3 (64-byte lines). */
static void leaf_4(const struct cpu *c, u32 sub, u32 out[4])
{
	static const struct {
		u8 type, level, ways, shared;
		u32 sets;
	} cache[] = {
		{ 1, 1, 8, 0, 64 },
		{ 2, 1, 8, 0, 64 },
		{ 3, 2, 8, 0, 1024 },
		{ 3, 3, 16, 1, 8192 },
	};
	struct gm_topology t = topology(c);
	u32 thread = (1u << gm_topology_thread_bits(&t)) - 1;
	u32 package = (1u << gm_topology_package_bits(&t)) - 1;
	u32 cores = (1u << gm_topology_bits(t.cores)) - 1;

	if (!c->model->caches || sub >= ARRAY_SIZE(cache))
		return;
	put(out,
	    cache[sub].type | cache[sub].level << 5 | 1u << 8 |
		    ((cache[sub].shared ? package : thread) & 0xfff) << 14 |
		    MIN(cores, 63u) << 26,
	    (cache[sub].ways - 1u) << 22 | 63, cache[sub].sets - 1, 0);
}

/* Extended topology: threads, then cores. */
static void leaf_b(const struct cpu *c, u32 sub, u32 out[4])
{
	struct gm_topology t = topology(c);

	if (sub == 0)
		put(out, gm_topology_thread_bits(&t), t.threads, 1u << 8, c->apic_id);
	else if (sub == 1)
		put(out, gm_topology_package_bits(&t), package_count(c), 2u << 8 | 1, c->apic_id);
	else
		put(out, 0, 0, sub & 0xff, c->apic_id);
}

static void leaf_d(const struct cpu *c, u32 sub, u32 out[4])
{
	if (!cpu_feature(c, CPU_F_XSAVE))
		return;
	if (sub == 0)
		put(out, 3, XSAVE_SIZE, XSAVE_SIZE, 0);
	else if (sub == 1)
		put(out, c->model->words[CPU_W_D1_EAX], XSAVE_SIZE, 0, 0);
}

/* In lowest terms: Linux multiplies the crystal's kHz by EBX in 32 bits. */
static void leaf_crystal(const struct cpu *c, u32 out[4])
{
	u32 a = c->apic_khz, b = c->tsc_khz, t;

	if (!a || !b || a > ~0u / 1000)
		return;
	while (b) {
		t = a % b;
		a = b;
		b = t;
	}
	put(out, c->apic_khz / a, c->tsc_khz / a, c->apic_khz * 1000, 0);
}

static void leaf_basic(struct cpu *c, u32 leaf, u32 sub, u32 out[4])
{
	const struct cpu_model *m = c->model;

	switch (leaf) {
	case 0:
		put(out, m->max_leaf, four("Genu"), four("ntel"), four("ineI"));
		break;
	case 1:
		leaf_1(c, out);
		break;
	case 2:
		memcpy(out, m->leaf2, sizeof(m->leaf2));
		break;
	case 4:
		leaf_4(c, sub, out);
		break;
	case 6: /* the APIC timer runs in every state of sleep */
		put(out, m->max_leaf >= 0x0b ? 4 : 0, 0, 0, 0);
		break;
	case 7:
		if (sub == 0)
			put(out, m->words[CPU_W_72_EDX] ? 2 : 0, m->words[CPU_W_7_EBX],
			    m->words[CPU_W_7_ECX], m->words[CPU_W_7_EDX]);
		else if (sub == 2)
			put(out, 0, 0, 0, m->words[CPU_W_72_EDX]);
		break;
	case 0x0b:
		leaf_b(c, sub, out);
		break;
	case 0x0d:
		leaf_d(c, sub, out);
		break;
	case 0x15: /* TSC = core crystal (which clocks the APIC timer) * EBX / EAX */
		leaf_crystal(c, out);
		break;
	case 0x16:
		put(out, c->tsc_khz / 1000, c->tsc_khz / 1000, 100, 0);
		break;
	default:
		break;
	}
}

static void leaf_extended(struct cpu *c, u32 leaf, u32 out[4])
{
	const struct cpu_model *m = c->model;
	char brand[48] = { 0 };
	u32 edx;

	switch (leaf) {
	case 0x80000000:
		put(out, m->max_ext, 0, 0, 0);
		break;
	case 0x80000001:
		edx = m->words[CPU_W_E1_EDX];
		/* Intel's processors tell of SYSCALL in 64-bit mode only. */
		if (!(c->mode & CPU_MODE_CS64))
			edx &= ~(1u << (CPU_F_SYSCALL % 32));
		put(out, 0, 0, m->words[CPU_W_E1_ECX], edx);
		break;
	case 0x80000002:
	case 0x80000003:
	case 0x80000004:
		memcpy(brand, m->brand ? m->brand : "", m->brand ? strnlen(m->brand, 47) : 0);
		memcpy(out, brand + (leaf - 0x80000002) * 16, 16);
		break;
	case 0x80000006: /* L2: 512 KB, 8 ways, 64-byte lines */
		put(out, 0, 0, m->caches ? 0x02006040 : 0, 0);
		break;
	case 0x80000007:
		put(out, 0, 0, 0, m->words[CPU_W_E7_EDX]);
		break;
	case 0x80000008:
		put(out, m->phys_bits | 48u << 8, 0, 0, 0);
		break;
	default:
		break;
	}
}

void cpu_cpuid(struct cpu *c, u32 leaf, u32 sub, u32 out[4])
{
	const struct cpu_model *m = c->model;

	put(out, 0, 0, 0, 0);
	if (cpu_feature(c, CPU_F_HYPERVISOR) && leaf >= 0x40000000 && leaf < 0x40000100) {
		if (leaf == 0x40000000)
			put(out, 0x40000000, four("Gues"), four("tmod"), four("eVMM"));
		return;
	}
	if (leaf >= 0x80000000 && m->max_ext && leaf <= m->max_ext) {
		leaf_extended(c, leaf, out);
		return;
	}
	/* Beyond the last leaf Intel's processors answer as for the last basic one. */
	if (leaf > m->max_leaf)
		leaf = m->max_leaf;
	leaf_basic(c, leaf, sub, out);
}

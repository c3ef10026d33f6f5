/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of CPU models and what follows from a model's features.
 *
 * The named old models have the feature words of the parts themselves (Intel application note
 * 485, "Processor Identification and the CPUID Instruction"). The largest has all that the
 * software CPU can do. Its family and model are Intel's, so that operating systems take Intel's
 * rules (SYSCALL, canonical addresses), and a model number that no part bears, so that none
 * looks for registers of one part.
 */
#include "vmm/cpu/model.h"

#define F(f) (1u << ((f) % 32))

#define P5_EDX                                                                                     \
	(F(CPU_F_FPU) | F(CPU_F_VME) | F(CPU_F_DE) | F(CPU_F_PSE) | F(CPU_F_TSC) | F(CPU_F_MSR) |  \
	 F(CPU_F_MCE) | F(CPU_F_CX8) | F(CPU_F_APIC))
#define P2_EDX                                                                                     \
	(P5_EDX | F(CPU_F_PAE) | F(CPU_F_SEP) | F(CPU_F_MTRR) | F(CPU_F_PGE) | F(CPU_F_MCA) |      \
	 F(CPU_F_CMOV) | F(CPU_F_PAT) | F(CPU_F_PSE36) | F(CPU_F_MMX) | F(CPU_F_FXSR))
#define P3_EDX    (P2_EDX | F(CPU_F_SSE))
#define CORE2_EDX (P3_EDX | F(CPU_F_CLFSH) | F(CPU_F_SSE2) | F(CPU_F_SS))
#define CORE2_ECX (F(CPU_F_SSE3) | F(CPU_F_SSSE3) | F(CPU_F_CX16))
#define CORE2_E1  (F(CPU_F_SYSCALL) | F(CPU_F_NX) | F(CPU_F_LM))

static const struct cpu_model models[] = {
	{
		.name = "max",
		.about = "everything the software CPU can do",
		.brand = "Guestmode software CPU",
		.family = 6,
		.model = 0x2b,
		.stepping = 1,
		.phys_bits = 40,
		.clflush = 8,
		.caches = 1,
		.max_leaf = 0x16,
		.max_ext = 0x80000008,
		.leaf2 = { 0x00feff01, 0, 0, 0 },
		.words = {
			[CPU_W_1_EDX] = CORE2_EDX,
			[CPU_W_1_ECX] = CORE2_ECX | F(CPU_F_PCLMUL) | F(CPU_F_PCID) |
					F(CPU_F_SSE41) | F(CPU_F_SSE42) | F(CPU_F_X2APIC) |
					F(CPU_F_MOVBE) | F(CPU_F_POPCNT) | F(CPU_F_DEADLINE) |
					F(CPU_F_AES) | F(CPU_F_XSAVE) | F(CPU_F_RDRAND) |
					F(CPU_F_HYPERVISOR),
			[CPU_W_7_EBX] = F(CPU_F_FSGSBASE) | F(CPU_F_TSC_ADJUST) | F(CPU_F_BMI1) |
					F(CPU_F_SMEP) | F(CPU_F_BMI2) | F(CPU_F_ERMS) |
					F(CPU_F_INVPCID) | F(CPU_F_RDSEED) | F(CPU_F_ADX) |
					F(CPU_F_SMAP) | F(CPU_F_CLFLUSHOPT) | F(CPU_F_CLWB),
			[CPU_W_7_ECX] = F(CPU_F_UMIP) | F(CPU_F_RDPID),
			[CPU_W_7_EDX] = F(CPU_F_FSRM) | F(CPU_F_SPEC_CTRL) | F(CPU_F_ARCH_CAP),
			[CPU_W_72_EDX] = F(CPU_F_BHI_CTRL),
			[CPU_W_D1_EAX] = F(CPU_F_XSAVEOPT) | F(CPU_F_XSAVEC) | F(CPU_F_XGETBV1),
			[CPU_W_E1_EDX] = CORE2_E1 | F(CPU_F_PDPE1GB) | F(CPU_F_RDTSCP),
			[CPU_W_E1_ECX] = F(CPU_F_LAHF) | F(CPU_F_LZCNT) | F(CPU_F_PREFETCHW),
			[CPU_W_E7_EDX] = F(CPU_F_INVTSC),
		},
	},
	{
		.name = "core2",
		.about = "Core 2 Duo: 64-bit, SSSE3",
		.brand = "Intel(R) Core(TM)2 Duo CPU     T7700  @ 2.40GHz",
		.family = 6,
		.model = 15,
		.stepping = 11,
		.phys_bits = 36,
		.clflush = 8,
		.caches = 1,
		.max_leaf = 0x0a,
		.max_ext = 0x80000008,
		.leaf2 = { 0x05b0b101, 0x005657f0, 0, 0x2cb43049 },
		.words = {
			[CPU_W_1_EDX] = CORE2_EDX,
			[CPU_W_1_ECX] = CORE2_ECX,
			[CPU_W_E1_EDX] = CORE2_E1,
			[CPU_W_E1_ECX] = F(CPU_F_LAHF),
		},
	},
	{
		.name = "pentium3",
		.about = "Pentium III: 32-bit, SSE",
		.family = 6,
		.model = 8,
		.stepping = 6,
		.phys_bits = 36,
		.max_leaf = 2,
		.leaf2 = { 0x03020101, 0, 0, 0x0c040882 },
		.words = { [CPU_W_1_EDX] = P3_EDX },
	},
	{
		.name = "pentium2",
		.about = "Pentium II: 32-bit, PAE, MMX",
		.family = 6,
		.model = 5,
		.stepping = 2,
		.phys_bits = 36,
		.max_leaf = 2,
		.leaf2 = { 0x03020101, 0, 0, 0x0c040843 },
		.words = { [CPU_W_1_EDX] = P2_EDX },
	},
	{
		.name = "pentium",
		.about = "Pentium: 4 MB pages, time stamp counter",
		.family = 5,
		.model = 2,
		.stepping = 12,
		.phys_bits = 32,
		.max_leaf = 1,
		.words = { [CPU_W_1_EDX] = P5_EDX },
	},
	{
		.name = "486",
		.about = "late 486DX with CPUID",
		.family = 4,
		.model = 8,
		.stepping = 0,
		.phys_bits = 32,
		.max_leaf = 1,
		.words = { [CPU_W_1_EDX] = F(CPU_F_FPU) | F(CPU_F_VME) },
	},
};

const struct cpu_model *cpu_model_at(unsigned int index)
{
	return index < ARRAY_SIZE(models) ? &models[index] : NULL;
}

const struct cpu_model *cpu_model_find(const char *name)
{
	unsigned int i;

	if (!name)
		return &models[0];
	for (i = 0; i < ARRAY_SIZE(models); i++)
		if (!strcmp(models[i].name, name))
			return &models[i];
	return NULL;
}

u32 cpu_model_signature(const struct cpu_model *m)
{
	return (u32)m->family << 8 | (m->model & 0xfu) << 4 | (m->model & 0xf0u) << 12 | m->stepping;
}

/* The feature that brings each group of instructions, plus one; 0: every model has it. */
static const u16 isa_feature[X86_ISA_COUNT] = {
	[X86_ISA_FPU] = CPU_F_FPU + 1,
	[X86_ISA_TSC] = CPU_F_TSC + 1,
	[X86_ISA_MSR] = CPU_F_MSR + 1,
	[X86_ISA_CX8] = CPU_F_CX8 + 1,
	[X86_ISA_SEP] = CPU_F_SEP + 1,
	[X86_ISA_CMOV] = CPU_F_CMOV + 1,
	/* No bit of its own: it came with the P6 family, as CMOV did. */
	[X86_ISA_RDPMC] = CPU_F_CMOV + 1,
	[X86_ISA_MMX] = CPU_F_MMX + 1,
	[X86_ISA_FXSR] = CPU_F_FXSR + 1,
	[X86_ISA_SSE] = CPU_F_SSE + 1,
	[X86_ISA_SSE2] = CPU_F_SSE2 + 1,
	[X86_ISA_SSE3] = CPU_F_SSE3 + 1,
	[X86_ISA_MONITOR] = CPU_F_MONITOR + 1,
	[X86_ISA_SSSE3] = CPU_F_SSSE3 + 1,
	[X86_ISA_SSE41] = CPU_F_SSE41 + 1,
	[X86_ISA_SSE42] = CPU_F_SSE42 + 1,
	[X86_ISA_POPCNT] = CPU_F_POPCNT + 1,
	[X86_ISA_AES] = CPU_F_AES + 1,
	[X86_ISA_PCLMUL] = CPU_F_PCLMUL + 1,
	[X86_ISA_MOVBE] = CPU_F_MOVBE + 1,
	[X86_ISA_CX16] = CPU_F_CX16 + 1,
	[X86_ISA_LM] = CPU_F_LM + 1,
	[X86_ISA_SYSCALL] = CPU_F_SYSCALL + 1,
	[X86_ISA_RDTSCP] = CPU_F_RDTSCP + 1,
	[X86_ISA_CLFLUSH] = CPU_F_CLFSH + 1,
	[X86_ISA_CLFLUSHOPT] = CPU_F_CLFLUSHOPT + 1,
	[X86_ISA_CLWB] = CPU_F_CLWB + 1,
	[X86_ISA_XSAVE] = CPU_F_XSAVE + 1,
	[X86_ISA_XSAVEOPT] = CPU_F_XSAVEOPT + 1,
	[X86_ISA_XSAVEC] = CPU_F_XSAVEC + 1,
	[X86_ISA_XSAVES] = CPU_F_XSAVES + 1,
	[X86_ISA_LZCNT] = CPU_F_LZCNT + 1,
	[X86_ISA_BMI1] = CPU_F_BMI1 + 1,
	[X86_ISA_BMI2] = CPU_F_BMI2 + 1,
	[X86_ISA_ADX] = CPU_F_ADX + 1,
	[X86_ISA_RDRAND] = CPU_F_RDRAND + 1,
	[X86_ISA_RDSEED] = CPU_F_RDSEED + 1,
	[X86_ISA_FSGSBASE] = CPU_F_FSGSBASE + 1,
	[X86_ISA_INVPCID] = CPU_F_INVPCID + 1,
	[X86_ISA_SMAP] = CPU_F_SMAP + 1,
	[X86_ISA_RDPID] = CPU_F_RDPID + 1,
	[X86_ISA_VMX] = CPU_F_VMX + 1,
	[X86_ISA_SVM] = CPU_F_SVM + 1,
};

bool cpu_has(const struct cpu *c, unsigned int isa)
{
	if (isa >= X86_ISA_COUNT)
		return false;
	return !isa_feature[isa] || cpu_feature(c, isa_feature[isa] - 1u);
}

u64 cpu_cr4_valid(const struct cpu_model *m)
{
	static const struct {
		u16 feature;
		u32 bits;
	} map[] = {
		{ CPU_F_VME, X86_CR4_VME | X86_CR4_PVI },
		{ CPU_F_TSC, X86_CR4_TSD },
		{ CPU_F_DE, X86_CR4_DE },
		{ CPU_F_PSE, X86_CR4_PSE },
		{ CPU_F_PAE, X86_CR4_PAE },
		{ CPU_F_MCE, X86_CR4_MCE },
		{ CPU_F_PGE, X86_CR4_PGE },
		{ CPU_F_CMOV, X86_CR4_PCE },
		{ CPU_F_FXSR, X86_CR4_OSFXSR },
		{ CPU_F_SSE, X86_CR4_OSXMMEXCPT },
		{ CPU_F_UMIP, X86_CR4_UMIP },
		{ CPU_F_FSGSBASE, X86_CR4_FSGSBASE },
		{ CPU_F_PCID, X86_CR4_PCIDE },
		{ CPU_F_XSAVE, X86_CR4_OSXSAVE },
		{ CPU_F_SMEP, X86_CR4_SMEP },
		{ CPU_F_SMAP, X86_CR4_SMAP },
	};
	u64 valid = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(map); i++)
		if ((m->words[map[i].feature / 32] >> (map[i].feature % 32)) & 1)
			valid |= map[i].bits;
	return valid;
}

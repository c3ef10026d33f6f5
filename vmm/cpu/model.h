/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPU models: what CPUID announces, and with it which instructions exist.
 *
 * A model is a set of CPUID words. An instruction whose feature bit is clear raises #UD, a CR4
 * or EFER bit whose feature is absent is reserved.
 */
#ifndef VMM_CPU_MODEL_H
#define VMM_CPU_MODEL_H

#include "module/x86/decode.h"
#include "vmm/cpu/cpu.h"

/* The words of CPUID that hold features. */
enum cpu_word {
	CPU_W_1_EDX,
	CPU_W_1_ECX,
	CPU_W_7_EBX,
	CPU_W_7_ECX,
	CPU_W_7_EDX,
	CPU_W_72_EDX, /* leaf 7, subleaf 2 */
	CPU_W_D1_EAX,
	CPU_W_E1_EDX, /* leaf 0x80000001 */
	CPU_W_E1_ECX,
	CPU_W_E7_EDX,
	CPU_NWORDS,
};

/* A feature: word * 32 + bit. Names as in the SDM. */
#define CPU_F(word, bit) ((word) * 32u + (bit))
#define CPU_F_FPU        CPU_F(CPU_W_1_EDX, 0)
#define CPU_F_VME        CPU_F(CPU_W_1_EDX, 1)
#define CPU_F_DE         CPU_F(CPU_W_1_EDX, 2)
#define CPU_F_PSE        CPU_F(CPU_W_1_EDX, 3)
#define CPU_F_TSC        CPU_F(CPU_W_1_EDX, 4)
#define CPU_F_MSR        CPU_F(CPU_W_1_EDX, 5)
#define CPU_F_PAE        CPU_F(CPU_W_1_EDX, 6)
#define CPU_F_MCE        CPU_F(CPU_W_1_EDX, 7)
#define CPU_F_CX8        CPU_F(CPU_W_1_EDX, 8)
#define CPU_F_APIC       CPU_F(CPU_W_1_EDX, 9)
#define CPU_F_SEP        CPU_F(CPU_W_1_EDX, 11)
#define CPU_F_MTRR       CPU_F(CPU_W_1_EDX, 12)
#define CPU_F_PGE        CPU_F(CPU_W_1_EDX, 13)
#define CPU_F_MCA        CPU_F(CPU_W_1_EDX, 14)
#define CPU_F_CMOV       CPU_F(CPU_W_1_EDX, 15)
#define CPU_F_PAT        CPU_F(CPU_W_1_EDX, 16)
#define CPU_F_PSE36      CPU_F(CPU_W_1_EDX, 17)
#define CPU_F_CLFSH      CPU_F(CPU_W_1_EDX, 19)
#define CPU_F_MMX        CPU_F(CPU_W_1_EDX, 23)
#define CPU_F_FXSR       CPU_F(CPU_W_1_EDX, 24)
#define CPU_F_SSE        CPU_F(CPU_W_1_EDX, 25)
#define CPU_F_SSE2       CPU_F(CPU_W_1_EDX, 26)
#define CPU_F_SS         CPU_F(CPU_W_1_EDX, 27)
#define CPU_F_SSE3       CPU_F(CPU_W_1_ECX, 0)
#define CPU_F_PCLMUL     CPU_F(CPU_W_1_ECX, 1)
#define CPU_F_MONITOR    CPU_F(CPU_W_1_ECX, 3)
#define CPU_F_VMX        CPU_F(CPU_W_1_ECX, 5)
#define CPU_F_SSSE3      CPU_F(CPU_W_1_ECX, 9)
#define CPU_F_CX16       CPU_F(CPU_W_1_ECX, 13)
#define CPU_F_PCID       CPU_F(CPU_W_1_ECX, 17)
#define CPU_F_SSE41      CPU_F(CPU_W_1_ECX, 19)
#define CPU_F_SSE42      CPU_F(CPU_W_1_ECX, 20)
#define CPU_F_X2APIC     CPU_F(CPU_W_1_ECX, 21)
#define CPU_F_MOVBE      CPU_F(CPU_W_1_ECX, 22)
#define CPU_F_POPCNT     CPU_F(CPU_W_1_ECX, 23)
#define CPU_F_DEADLINE   CPU_F(CPU_W_1_ECX, 24)
#define CPU_F_AES        CPU_F(CPU_W_1_ECX, 25)
#define CPU_F_XSAVE      CPU_F(CPU_W_1_ECX, 26)
#define CPU_F_OSXSAVE    CPU_F(CPU_W_1_ECX, 27)
#define CPU_F_RDRAND     CPU_F(CPU_W_1_ECX, 30)
#define CPU_F_HYPERVISOR CPU_F(CPU_W_1_ECX, 31)
#define CPU_F_FSGSBASE   CPU_F(CPU_W_7_EBX, 0)
#define CPU_F_TSC_ADJUST CPU_F(CPU_W_7_EBX, 1)
#define CPU_F_BMI1       CPU_F(CPU_W_7_EBX, 3)
#define CPU_F_SMEP       CPU_F(CPU_W_7_EBX, 7)
#define CPU_F_BMI2       CPU_F(CPU_W_7_EBX, 8)
#define CPU_F_ERMS       CPU_F(CPU_W_7_EBX, 9)
#define CPU_F_INVPCID    CPU_F(CPU_W_7_EBX, 10)
#define CPU_F_FDP_EXCPT  CPU_F(CPU_W_7_EBX, 6)
#define CPU_F_RDSEED     CPU_F(CPU_W_7_EBX, 18)
#define CPU_F_ADX        CPU_F(CPU_W_7_EBX, 19)
#define CPU_F_SMAP       CPU_F(CPU_W_7_EBX, 20)
#define CPU_F_CLFLUSHOPT CPU_F(CPU_W_7_EBX, 23)
#define CPU_F_CLWB       CPU_F(CPU_W_7_EBX, 24)
#define CPU_F_UMIP       CPU_F(CPU_W_7_ECX, 2)
#define CPU_F_RDPID      CPU_F(CPU_W_7_ECX, 22)
#define CPU_F_FSRM       CPU_F(CPU_W_7_EDX, 4)
#define CPU_F_SPEC_CTRL  CPU_F(CPU_W_7_EDX, 26)
#define CPU_F_ARCH_CAP   CPU_F(CPU_W_7_EDX, 29)
#define CPU_F_BHI_CTRL   CPU_F(CPU_W_72_EDX, 4)
#define CPU_F_XSAVEOPT   CPU_F(CPU_W_D1_EAX, 0)
#define CPU_F_XSAVEC     CPU_F(CPU_W_D1_EAX, 1)
#define CPU_F_XGETBV1    CPU_F(CPU_W_D1_EAX, 2)
#define CPU_F_XSAVES     CPU_F(CPU_W_D1_EAX, 3)
#define CPU_F_SYSCALL    CPU_F(CPU_W_E1_EDX, 11)
#define CPU_F_NX         CPU_F(CPU_W_E1_EDX, 20)
#define CPU_F_PDPE1GB    CPU_F(CPU_W_E1_EDX, 26)
#define CPU_F_RDTSCP     CPU_F(CPU_W_E1_EDX, 27)
#define CPU_F_LM         CPU_F(CPU_W_E1_EDX, 29)
#define CPU_F_LAHF       CPU_F(CPU_W_E1_ECX, 0)
#define CPU_F_SVM        CPU_F(CPU_W_E1_ECX, 2)
#define CPU_F_LZCNT      CPU_F(CPU_W_E1_ECX, 5)
#define CPU_F_PREFETCHW  CPU_F(CPU_W_E1_ECX, 8)
#define CPU_F_INVTSC     CPU_F(CPU_W_E7_EDX, 8)

struct cpu_model {
	const char *name;      /* of the --cpu option */
	const char *about;     /* a few words for a list of models */
	const char *brand;     /* up to 47 characters; NULL: no brand string */
	u8 family, model, stepping;
	u8 phys_bits;          /* physical address width */
	u8 clflush;            /* line size in units of 8 bytes */
	u8 caches;             /* leaf 4 describes L1, L2 and L3 */
	u32 max_leaf;          /* 0 still has leaf 0 */
	u32 max_ext;           /* 0: no extended leaves */
	u32 leaf2[4];
	u32 words[CPU_NWORDS];
};

/* The model of that name, or NULL. NULL or "max": the largest. */
const struct cpu_model *cpu_model_find(const char *name);
/* The model at `index` from 0, NULL after the last. */
const struct cpu_model *cpu_model_at(unsigned int index);
/* Family, model and stepping as CPUID leaf 1 gives them, and EDX after RESET. */
u32 cpu_model_signature(const struct cpu_model *m);

/* Does the model have the feature CPU_F_*? */
static inline bool cpu_model_has(const struct cpu_model *m, unsigned int f)
{
	return (m->words[f / 32] >> (f % 32)) & 1;
}

static inline bool cpu_feature(const struct cpu *c, unsigned int f)
{
	return cpu_model_has(c->model, f);
}

/* Does it have the instructions of this enum x86_isa? The translator asks for each instruction. */
bool cpu_has(const struct cpu *c, unsigned int isa);

/* Bits of CR4 that this model lets software set. */
u64 cpu_cr4_valid(const struct cpu_model *m);

#endif

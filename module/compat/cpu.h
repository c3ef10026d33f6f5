/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The processor as kernels name it: registers, features and MSRs that headers of some kernels lack, and
 * accessors that changed. Numbers are those of the Intel SDM volumes 2 to 4 and the AMD APM volume 2.
 */
#ifndef GM_COMPAT_CPU_H
#define GM_COMPAT_CPU_H

#include <asm/asm.h>
#include <asm/cpufeature.h>
#include <asm/cpuid/api.h>
#include <asm/debugreg.h>
#include <asm/desc.h>
#include <asm/irq_vectors.h>
#include <asm/mce.h>
#include <asm/processor-flags.h>

/* ---- flags, control register bits ---- */

#ifndef X86_EFLAGS_FIXED
#define X86_EFLAGS_FIXED 0x00000002
#endif


#ifndef X86_CR4_VME
#define X86_CR4_VME        0x000001
#define X86_CR4_PVI        0x000002
#define X86_CR4_TSD        0x000004
#define X86_CR4_DE         0x000008
#define X86_CR4_PSE        0x000010
#define X86_CR4_PAE        0x000020
#define X86_CR4_MCE        0x000040
#define X86_CR4_PGE        0x000080
#define X86_CR4_PCE        0x000100
#define X86_CR4_OSFXSR     0x000200
#define X86_CR4_OSXMMEXCPT 0x000400
#endif
#ifndef X86_CR4_UMIP
#define X86_CR4_UMIP 0x000800
#endif
#ifndef X86_CR4_LA57
#define X86_CR4_LA57 0x001000
#endif
#ifndef X86_CR4_VMXE
#define X86_CR4_VMXE 0x002000
#endif
#ifndef X86_CR4_FSGSBASE
#define X86_CR4_FSGSBASE 0x010000
#endif
#ifndef X86_CR4_PCIDE
#define X86_CR4_PCIDE 0x020000
#endif
#ifndef X86_CR4_OSXSAVE
#define X86_CR4_OSXSAVE 0x040000
#endif
#ifndef X86_CR4_SMEP
#define X86_CR4_SMEP 0x100000
#endif
#ifndef X86_CR4_SMAP
#define X86_CR4_SMAP 0x200000
#endif
#ifndef X86_CR4_PKE
#define X86_CR4_PKE 0x400000
#endif

#ifndef GM_HAVE_DESC_PTR
struct desc_ptr {
	u16 size;
	unsigned long address;
} __attribute__((packed));
#endif

/* ---- MSRs ---- */

#ifndef MSR_EFER
#define MSR_EFER 0xc0000080
#endif
#ifndef MSR_STAR
#define MSR_STAR           0xc0000081
#define MSR_LSTAR          0xc0000082
#define MSR_CSTAR          0xc0000083
#define MSR_SYSCALL_MASK   0xc0000084
#define MSR_FS_BASE        0xc0000100
#define MSR_GS_BASE        0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102
#endif
#ifndef EFER_SCE
#define EFER_SCE 0x0001
#endif
#ifndef EFER_LME
#define EFER_LME 0x0100
#define EFER_LMA 0x0400
#endif
#ifndef EFER_NX
#define EFER_NX 0x0800
#endif
#ifndef EFER_SVME
#define EFER_SVME 0x1000
#endif
#ifndef MSR_TSC_AUX
#define MSR_TSC_AUX 0xc0000103
#endif
#ifndef MSR_VM_CR
#define MSR_VM_CR       0xc0010114
#define MSR_VM_HSAVE_PA 0xc0010117
#endif
#ifndef MSR_IA32_TSC
#define MSR_IA32_TSC 0x10
#endif
#ifndef MSR_IA32_PLATFORM_ID
#define MSR_IA32_PLATFORM_ID 0x17
#endif
#ifndef MSR_IA32_APICBASE
#define MSR_IA32_APICBASE 0x1b
#endif
#ifndef MSR_IA32_UCODE_REV
#define MSR_IA32_UCODE_REV 0x8b
#endif
#ifndef MSR_IA32_SYSENTER_CS
#define MSR_IA32_SYSENTER_CS  0x174
#define MSR_IA32_SYSENTER_ESP 0x175
#define MSR_IA32_SYSENTER_EIP 0x176
#endif
#ifndef MSR_IA32_MCG_CAP
#define MSR_IA32_MCG_CAP    0x179
#define MSR_IA32_MCG_STATUS 0x17a
#endif
#ifndef MSR_IA32_MISC_ENABLE
#define MSR_IA32_MISC_ENABLE 0x1a0
#endif
#ifndef MSR_IA32_CR_PAT
#define MSR_IA32_CR_PAT 0x277
#endif
#ifndef MSR_IA32_TSC_DEADLINE
#define MSR_IA32_TSC_DEADLINE 0x6e0
#endif
#ifndef MSR_IA32_XSS
#define MSR_IA32_XSS 0xda0
#endif

#ifndef MSR_IA32_FEAT_CTL
#define MSR_IA32_FEAT_CTL                0x3a
#define FEAT_CTL_LOCKED                  0x1
#define FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX 0x4
#endif
#ifndef MSR_IA32_DEBUGCTLMSR
#define MSR_IA32_DEBUGCTLMSR 0x1d9
#endif
#ifndef MSR_IA32_SPEC_CTRL
#define MSR_IA32_SPEC_CTRL 0x48
#endif
#ifndef MSR_IA32_FLUSH_CMD
#define MSR_IA32_FLUSH_CMD 0x10b
#define L1D_FLUSH          0x1
#endif
#ifndef MSR_IA32_VMX_BASIC
#define MSR_IA32_VMX_BASIC          0x480
#define MSR_IA32_VMX_PINBASED_CTLS  0x481
#define MSR_IA32_VMX_PROCBASED_CTLS 0x482
#define MSR_IA32_VMX_EXIT_CTLS      0x483
#define MSR_IA32_VMX_ENTRY_CTLS     0x484
#define MSR_IA32_VMX_MISC           0x485
#define MSR_IA32_VMX_CR0_FIXED0     0x486
#define MSR_IA32_VMX_CR0_FIXED1     0x487
#define MSR_IA32_VMX_CR4_FIXED0     0x488
#define MSR_IA32_VMX_CR4_FIXED1     0x489
#endif
#ifndef MSR_IA32_VMX_MISC
#define MSR_IA32_VMX_MISC 0x485
#endif
#ifndef MSR_IA32_VMX_PROCBASED_CTLS2
#define MSR_IA32_VMX_PROCBASED_CTLS2 0x48b
#define MSR_IA32_VMX_EPT_VPID_CAP    0x48c
#endif
#ifndef MSR_IA32_VMX_TRUE_PINBASED_CTLS
#define MSR_IA32_VMX_TRUE_PINBASED_CTLS 0x48d
#endif

/* Called MSRs in 64 bits until 6.15, and since. */
#ifndef rdmsrl
#define rdmsrl rdmsrq
#define wrmsrl wrmsrq
#endif
#undef rdmsrl_safe
#undef wrmsrl_safe
#define rdmsrl_safe gm_rdmsr_safe
#define wrmsrl_safe(msr, v) wrmsr_safe(msr, (u32)(u64)(v), (u32)((u64)(v) >> 32))

static inline int gm_rdmsr_safe(u32 msr, u64 *val)
{
	u32 lo = 0, hi = 0;
	int err = rdmsr_safe(msr, &lo, &hi);

	*val = lo | (u64)hi << 32;
	return err;
}

/* ---- features ---- */

/*
 * A feature that the kernel has no number for is asked of the CPU itself: GM_FEATURE in the number,
 * then the leaf (bit 24: 0x8000xxxx), index, register (0 to 3: EAX to EDX) and bit.
 */
#define GM_FEATURE 0x40000000u
#define GM_CPUID_BIT(ext, leaf, index, reg, bit)                                                   \
	(GM_FEATURE | (ext) << 24 | (leaf) << 16 | (index) << 8 | (reg) << 5 | (bit))

#ifndef X86_FEATURE_VMX
#define X86_FEATURE_VMX GM_CPUID_BIT(0, 1, 0, 2, 5)
#endif
#ifndef X86_FEATURE_PCID
#define X86_FEATURE_PCID GM_CPUID_BIT(0, 1, 0, 2, 17)
#endif
#ifndef X86_FEATURE_XSAVE
#define X86_FEATURE_XSAVE GM_CPUID_BIT(0, 1, 0, 2, 26)
#endif
#ifndef X86_FEATURE_OSXSAVE
#define X86_FEATURE_OSXSAVE GM_CPUID_BIT(0, 1, 0, 2, 27)
#endif
#ifndef X86_FEATURE_FSGSBASE
#define X86_FEATURE_FSGSBASE GM_CPUID_BIT(0, 7, 0, 1, 0)
#endif
#ifndef X86_FEATURE_SMEP
#define X86_FEATURE_SMEP GM_CPUID_BIT(0, 7, 0, 1, 7)
#endif
#ifndef X86_FEATURE_INVPCID
#define X86_FEATURE_INVPCID GM_CPUID_BIT(0, 7, 0, 1, 10)
#endif
#ifndef X86_FEATURE_SMAP
#define X86_FEATURE_SMAP GM_CPUID_BIT(0, 7, 0, 1, 20)
#endif
#ifndef X86_FEATURE_UMIP
#define X86_FEATURE_UMIP GM_CPUID_BIT(0, 7, 0, 2, 2)
#endif
#ifndef X86_FEATURE_MD_CLEAR
#define X86_FEATURE_MD_CLEAR GM_CPUID_BIT(0, 7, 0, 3, 10)
#endif
#ifndef X86_FEATURE_MSR_SPEC_CTRL
#define X86_FEATURE_MSR_SPEC_CTRL GM_CPUID_BIT(0, 7, 0, 3, 26)
#endif
#ifndef X86_FEATURE_FLUSH_L1D
#define X86_FEATURE_FLUSH_L1D GM_CPUID_BIT(0, 7, 0, 3, 28)
#endif
#ifndef X86_FEATURE_XSAVES
#define X86_FEATURE_XSAVES GM_CPUID_BIT(0, 0xd, 1, 0, 3)
#endif
#ifndef X86_FEATURE_SVM
#define X86_FEATURE_SVM GM_CPUID_BIT(1, 1, 0, 2, 2)
#endif
#ifndef X86_FEATURE_NX
#define X86_FEATURE_NX GM_CPUID_BIT(1, 1, 0, 3, 20)
#endif
#ifndef X86_FEATURE_RDTSCP
#define X86_FEATURE_RDTSCP GM_CPUID_BIT(1, 1, 0, 3, 27)
#endif
#ifndef X86_FEATURE_GBPAGES
#define X86_FEATURE_GBPAGES GM_CPUID_BIT(1, 1, 0, 3, 26)
#endif

static inline int gm_cpu_has(u32 feature)
{
	u32 r[4], base = feature >> 24 & 1 ? 0x80000000u : 0, leaf = feature >> 16 & 0xff;

	if (!(feature & GM_FEATURE))
		return boot_cpu_has(feature);
	if (cpuid_eax(base) < base + leaf)
		return 0;
	cpuid_count(base + leaf, feature >> 8 & 0xff, &r[0], &r[1], &r[2], &r[3]);
	return r[feature >> 5 & 3] >> (feature & 31) & 1;
}

#if (X86_FEATURE_NX | X86_FEATURE_XSAVES | X86_FEATURE_UMIP | X86_FEATURE_MD_CLEAR |                \
     X86_FEATURE_FLUSH_L1D) & GM_FEATURE
#undef boot_cpu_has
#define boot_cpu_has(feature) gm_cpu_has(feature)
#endif

/* Faults of the CPU that the kernel knows of; one that does not guards itself against none. */
#ifdef X86_BUG_L1TF
#define GM_CPU_L1TF boot_cpu_has_bug(X86_BUG_L1TF)
#else
#define GM_CPU_L1TF 0
#endif

/*
 * For MSRs that are there for certain, at each entry: the kernel's own ways are calls on kernels that may be guests of
 * Xen, and look for who traces them.
 */
static inline u64 gm_rdmsr(u32 index)
{
	u32 low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(index));
	return (u64)high << 32 | low;
}

static inline void gm_wrmsr(u32 index, u64 v)
{
	asm volatile("wrmsr" : : "c"(index), "a"((u32)v), "d"((u32)(v >> 32)) : "memory");
}

/* Code in pages of changing sizes can end in a machine check. (ARCH_CAPABILITIES: PSCHANGE_MC_NO) */
static inline int gm_cpu_itlb_multihit(void)
{
#ifdef X86_BUG_ITLB_MULTIHIT
	return boot_cpu_has_bug(X86_BUG_ITLB_MULTIHIT);
#else
	u64 caps = 0;

	if (cpuid_eax(0) >= 7 && (cpuid_edx(7) >> 29 & 1) && rdmsrl_safe(0x10a, &caps))
		return 1;
	return !(caps >> 6 & 1);
#endif
}

/*
 * The CPU's buffers are to be emptied before guest mode (VERW, where the microcode has that): MDS, TAA,
 * stale data of MMIO, RFDS, TSA. Kernels say so by bug, since 6.8 also by what they decided.
 */
static inline int gm_cpu_clear_buffers(void)
{
	int need = 0;

#ifdef X86_FEATURE_CLEAR_CPU_BUF
	/* Microcode against RFDS need not come with MD_CLEAR. */
	if (boot_cpu_has(X86_FEATURE_CLEAR_CPU_BUF))
		return 1;
#elif defined(X86_BUG_MDS)
	need |= boot_cpu_has_bug(X86_BUG_MDS);
#endif
#ifdef X86_FEATURE_CLEAR_CPU_BUF_VM
	if (boot_cpu_has(X86_FEATURE_CLEAR_CPU_BUF_VM))
		return 1;
#endif
#ifdef X86_BUG_MMIO_STALE_DATA
	need |= boot_cpu_has_bug(X86_BUG_MMIO_STALE_DATA);
#endif
	return need && boot_cpu_has(X86_FEATURE_MD_CLEAR);
}

/* Bits of a physical address of this CPU. */
static inline unsigned int gm_phys_bits(void)
{
#ifdef GM_HAVE_X86_PHYS_BITS
	return boot_cpu_data.x86_phys_bits;
#else
	return cpuid_eax(0x80000000) >= 0x80000008 ? cpuid_eax(0x80000008) & 0xff : 36;
#endif
}

/* ---- instructions ---- */

#ifndef GM_HAVE_RDTSC
#undef rdtsc
static inline u64 rdtsc(void)
{
	u32 lo, hi;

	asm volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return lo | (u64)hi << 32;
}
#endif

#ifndef GM_HAVE_READ_CR4
#define __read_cr4 read_cr4
#endif

#ifndef savesegment
#define savesegment(seg, value) asm("mov %%" #seg ", %0" : "=rm"(value) : : "memory")
#endif

#ifdef CONFIG_X86_64
/*
 * GS of a user, and the kernel's base back. Interrupts are off; the caller writes KERNEL_GS_BASE after it,
 * which meanwhile holds the kernel's base, for an NMI that finds a user's in GS. A selector that
 * is no longer good is left out.
 */
static inline void gm_gs_load(u16 sel)
{
#if defined(GM_EXPORTS_ASM_LOAD_GS_INDEX) || defined(GM_EXPORTS_NATIVE_LOAD_GS_INDEX) ||           \
	(defined(GM_EXPORTS_LOAD_GS_INDEX) && !defined(load_gs_index))
	load_gs_index(sel);
#else
	u64 base;

	rdmsrl(MSR_GS_BASE, base);
	wrmsrl(MSR_KERNEL_GS_BASE, base);
	asm volatile("1: mov %0, %%gs\n2:\n" _ASM_EXTABLE(1b, 2b) : : "r"((u32)sel));
	wrmsrl(MSR_GS_BASE, base);
#endif
}
#endif

/* A barrier for indirect branch prediction, where the kernel sees a use in it. */
static inline void gm_branch_barrier(void)
{
#if defined(X86_FEATURE_USE_IBPB)
	if (boot_cpu_has(X86_FEATURE_USE_IBPB))
		wrmsrl(MSR_IA32_PRED_CMD, 1);
#elif defined(X86_FEATURE_IBPB)
	if (boot_cpu_has(X86_FEATURE_IBPB))
		wrmsrl(MSR_IA32_PRED_CMD, 1);
#endif
}

/* Before the program that runs a guest goes on: it shares predictors with it (VMSCAPE). */
static inline void gm_user_barrier(void)
{
#ifdef X86_FEATURE_IBPB_EXIT_TO_USER
	if (boot_cpu_has(X86_FEATURE_IBPB_EXIT_TO_USER))
		wrmsrl(MSR_IA32_PRED_CMD, 1);
#endif
}

/* The value found at p; `val` is there now if that was `old`. The CPU is one with CMPXCHG8B. */
static inline u64 gm_cmpxchg64(volatile u64 *p, u64 old, u64 val)
{
#ifdef CONFIG_X86_64
	return cmpxchg(p, old, val);
#else
	asm volatile("lock; cmpxchg8b %1"
		     : "+A"(old), "+m"(*p)
		     : "b"((u32)val), "c"((u32)(val >> 32))
		     : "memory", "cc");
	return old;
#endif
}

/* ---- debug registers ---- */

/* The host's breakpoints, around guest mode: it loads its own and ends with none armed. Interrupts off. */
struct gm_debug {
	unsigned long dr[4], dr6, dr7; /* dr7 0: none armed */
};

#define GM_DR_GET(n, v) asm volatile("mov %%db" #n ", %0" : "=r"(v))
#define GM_DR_PUT(n, v) asm volatile("mov %0, %%db" #n : : "r"(v))

static inline void gm_debug_save(struct gm_debug *d)
{
#ifdef GM_HAVE_HW_BREAKPOINTS
	memset(d, 0, sizeof(*d));
	if (!hw_breakpoint_active())
		return;
#endif
	GM_DR_GET(7, d->dr7);
	d->dr7 &= ~0x400ul; /* always set */
	if (!d->dr7)
		return;
	GM_DR_GET(0, d->dr[0]);
	GM_DR_GET(1, d->dr[1]);
	GM_DR_GET(2, d->dr[2]);
	GM_DR_GET(3, d->dr[3]);
	GM_DR_GET(6, d->dr6);
}

static inline void gm_debug_restore(const struct gm_debug *d)
{
	if (!d->dr7)
		return;
	GM_DR_PUT(0, d->dr[0]);
	GM_DR_PUT(1, d->dr[1]);
	GM_DR_PUT(2, d->dr[2]);
	GM_DR_PUT(3, d->dr[3]);
	GM_DR_PUT(6, d->dr6);
	GM_DR_PUT(7, d->dr7);
}

/* ---- clock ---- */

/* The time stamp counter runs at one rate, in sleep too, and alike on all CPUs; or tsc=reliable says so. */
static inline int gm_tsc_stable(void)
{
#ifdef X86_FEATURE_TSC_RELIABLE
	if (boot_cpu_has(X86_FEATURE_TSC_RELIABLE) && !check_tsc_unstable())
		return 1;
#endif
#ifdef X86_FEATURE_NONSTOP_TSC
	return boot_cpu_has(X86_FEATURE_CONSTANT_TSC) && boot_cpu_has(X86_FEATURE_NONSTOP_TSC) &&
	       !check_tsc_unstable();
#else
	return 0;
#endif
}

/* Nanoseconds that this thread waited for a CPU; always 0 where the kernel does not count them. */
static inline u64 gm_run_delay(void)
{
#ifdef CONFIG_SCHED_INFO
	return current->sched_info.run_delay;
#else
	return 0;
#endif
}

/* Frequency of the time stamp counter in kHz. */
static inline unsigned int gm_tsc_khz(void)
{
#ifdef GM_EXPORTS_TSC_KHZ
	return tsc_khz;
#else
	return cpu_khz;
#endif
}

/*
 * A machine check of the host that an exit consumed; interrupts are off. To the kernel the guest is its
 * process' user mode, so that memory that is lost costs this process and not the host; gm_user_work() is
 * what the kernel has left to do then. Where it cannot be told it is raised again.
 */
static inline void gm_host_machine_check(void)
{
#if defined(GM_EXPORTS_DO_MACHINE_CHECK) && (defined(GM_HAVE_MACHINE_CHECK) || defined(GM_HAVE_MACHINE_CHECK_ERROR))
	struct pt_regs regs;

	memset(&regs, 0, sizeof(regs));
	regs.cs = 3;
	regs.flags = X86_EFLAGS_IF;
#ifdef GM_HAVE_MACHINE_CHECK
	do_machine_check(&regs);
#else
	do_machine_check(&regs, 0);
#endif
#else
	asm volatile("int $18");
#endif
}

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the VT-x backend share.
 *   caps.c    what the CPU can do, and the controls that follow from it
 *   window.c  VMX operation in and out, and the host's state around an entry
 *   state.c   the guest's registers to and from the VMCS
 *   real.c    what a CPU without unrestricted guests cannot hold
 *   exit.c    events to inject, and what an exit means
 *   vmx.c     the backend's table, a vCPU's life, the run window
 */
#ifndef GM_VMX_VMX_H
#define GM_VMX_VMX_H

#include "module/gm.h"
#include "module/vmx/vmcs.h"

#include <asm/desc.h>

/* What was found at module load; constant after it. */
struct vmx_caps {
	u32 revision;      /* of VMCS regions */
	u32 pin, cpu, cpu2, exit, entry;
	u32 cpu2_can;
	u64 ept;           /* IA32_VMX_EPT_VPID_CAP */
	u64 cr0_set, cr4_set; /* bits that guest mode needs */
	u64 cr0_can, cr4_can;
	u64 eptp;          /* without the root */
	u8 unrestricted;
	u8 tpr_shadow;     /* CR8 without exits */
	u8 timer_shift;    /* of the preemption timer against the TSC */
};
extern struct vmx_caps vmx_caps;

/* The one VPID of all our guests: kvm_intel hands them out from 1 upwards. */
#define VMX_VPID 0xffffu

/* How the CPU holds the guest's state: see real.c. */
enum { HOLD_DIRECT, HOLD_V86, HOLD_NOT };

#define VMX_ALL_SEGS ((1u << (GM_IDTR + 1)) - 1)

enum { VMX_STAR, VMX_LSTAR, VMX_SFMASK, VMX_CSTAR, VMX_KERNEL_GS, VMX_NMSRS };

struct vmx_vcpu {
	void *vmcs;
	u8 *vapic;         /* virtual APIC page, of which CR8 is used; NULL: CR8 is an exit */
	u8 fresh;          /* the VMCS has no constants yet */
	u8 launched;       /* in this window */
	u8 update;         /* controls that depend on CPUID or debugging are to be written */
	/* Segments, GDTR and IDTR: those in `valid` are here, those in `dirty` are newer than in the VMCS. */
	struct gm_seg seg[GM_IDTR + 1];
	u32 valid, dirty;
	u64 msr[VMX_NMSRS];
	u64 sysenter[3];   /* CS, ESP, EIP */
	u8 sysenter_dirty;
	u8 pdpte_dirty;
	u64 pdpte[4];
	u8 hold;           /* HOLD_* */
	u8 pe;             /* CR0.PE when that was found */
	u64 exit_rip;
	u32 interruptibility; /* as the last exit left it */
	u8 soft_len;       /* of the INT n whose delivery was interrupted */
	/* What the VMCS has: */
	u64 cr0, cr0_shadow, cr3, cr4, cr4_shadow, efer, dr7, pat, tsc_offset, tsc_ratio, eptp;
	u32 cpu_ctl;
	int host_cpu;      /* whose host state it is */
};

/* The host's state while a window is open. */
struct vmx_window {
	unsigned long cr4;
	u64 prev;          /* the VMCS to give back, or ~0 */
	u8 borrowed;       /* VMX operation was on */
};

static inline struct vmx_vcpu *vmx_of(struct gm_vcpu *vcpu)
{
	return vcpu->arch;
}

static inline unsigned long vmx_read(unsigned long field)
{
	unsigned long v;

	asm volatile("vmread %1, %0" : "=rm"(v) : "r"(field) : "cc");
	return v;
}

static inline void vmx_write(unsigned long field, unsigned long v)
{
	asm volatile("vmwrite %1, %0" : : "r"(field), "rm"(v) : "cc");
}

static inline u64 vmx_read64(unsigned long field)
{
#ifdef CONFIG_X86_64
	return vmx_read(field);
#else
	return vmx_read(field) | (u64)vmx_read(field + 1) << 32;
#endif
}

static inline void vmx_write64(unsigned long field, u64 v)
{
	vmx_write(field, v);
#ifndef CONFIG_X86_64
	vmx_write(field + 1, v >> 32);
#endif
}

/* caps.c */
int vmx_probe(void);
int vmx_caps_setup(void);

/* window.c. Interrupts are off from open to close. */
int vmx_window_setup(void);
void vmx_window_cleanup(void);
int vmx_open(struct vmx_window *w, u64 vmcs);
void vmx_close(struct vmx_window *w, u64 vmcs);
void vmx_host_write(struct gm_vcpu *vcpu, struct vmx_window *w);
/* Enters guest mode once, with the vendor's registers swapped around it. 0; 1: VM entry was refused. */
int vmx_enter(struct gm_vcpu *vcpu);

/* state.c */
void vmx_constants_write(struct gm_vcpu *vcpu);
void vmx_state_prepare(struct gm_vcpu *vcpu);
void vmx_state_write(struct gm_vcpu *vcpu);
void vmx_state_read(struct gm_vcpu *vcpu);
void vmx_get_seg(struct gm_vcpu *vcpu, unsigned int seg, struct gm_seg *out);
void vmx_set_seg(struct gm_vcpu *vcpu, unsigned int seg, const struct gm_seg *in);
/* Outside of the run window: all of seg[] is valid afterwards. */
void vmx_segs_fetch(struct gm_vcpu *vcpu);
unsigned int vmx_get_cpl(struct gm_vcpu *vcpu);
void vmx_update(struct gm_vcpu *vcpu);
u64 *vmx_msr(struct gm_vcpu *vcpu, u32 index);
int vmx_state_setup(void);
void vmx_state_cleanup(void);

/* real.c. vmx_hold_prepare(): 1 to enter; 0 if *x says what is to be done instead. */
int vmx_hold_prepare(struct gm_vcpu *vcpu, struct gm_exit *x);
void vmx_v86_segs_write(struct vmx_vcpu *v);
void vmx_v86_segs_read(struct vmx_vcpu *v);
u64 vmx_v86_flags_load(u64 rflags);
u64 vmx_v86_flags_read(u64 now, u64 old);
void vmx_v86_exception(struct gm_vcpu *vcpu, struct gm_exit *x, u32 info);

/* exit.c */
void vmx_events_write(struct gm_vcpu *vcpu);
void vmx_cr8_take(struct gm_vcpu *vcpu);
/* In the window: reads what the exit is about. */
void vmx_exit_read(struct gm_vcpu *vcpu, struct gm_exit *x);

/* entry.S */
#define VMX_F_RESUME 1
#define VMX_F_VERW   2
asmlinkage int gm_vmx_enter(u64 *gpr, unsigned int flags);
extern const char gm_vmx_exited[];

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Accelerators: who runs guest code. Three of them (guestmode, kvm, soft), one interface; nothing
 * above asks which one is active.
 *
 * A vCPU's device accesses (I/O ports, MMIO, interrupt acknowledge, local APIC registers) are
 * made by the accelerator through struct gm_vcpu and the buses from inside run(), so that run()
 * returns only for what concerns the machine.
 */
#ifndef VMM_ACCEL_H
#define VMM_ACCEL_H

#include "module/x86/x86.h"
#include "vmm/machine.h"

struct gm_vm;
struct gm_vcpu;

enum gm_exit_reason {
	GM_EXIT_KICKED,   /* gm_accel.kick, or a signal */
	GM_EXIT_HALTED,   /* HLT (or MWAIT): wait for an interrupt, then run again */
	GM_EXIT_SHUTDOWN, /* triple fault */
	GM_EXIT_ERROR,    /* the accelerator cannot go on; text says why */
	GM_EXIT_DEBUG,    /* a point of gm_accel.debug_set, or a step; see gm_exit.debug */
};

/* What a debugger outside of the guest asks for. Addresses are linear. */
enum gm_point_kind { GM_POINT_EXEC, GM_POINT_WRITE, GM_POINT_READ, GM_POINT_ACCESS };

struct gm_point {
	enum gm_point_kind kind;
	u64 addr;
	u32 len; /* bytes; 1 for GM_POINT_EXEC */
};

struct gm_debug {
	bool step; /* one instruction, then GM_EXIT_DEBUG */
	const struct gm_point *points;
	unsigned int npoints;
};

enum gm_debug_why { GM_DEBUG_STEP, GM_DEBUG_BREAK, GM_DEBUG_WATCH };

struct gm_exit {
	enum gm_exit_reason reason;
	char text[160];
	struct {
		enum gm_debug_why why;
		u64 addr;    /* GM_DEBUG_WATCH */
		bool write;
	} debug;
};

/* One register-state format for all accelerators. Group masks for get and set. */
#define GM_REGS_GPR  1
#define GM_REGS_SYS  2 /* segments, tables, control and debug registers, EFER */
#define GM_REGS_FPU  4
#define GM_REGS_MSR  8
#define GM_REGS_EVT  16
#define GM_REGS_ALL  31

struct gm_msr_entry {
	u32 index, pad;
	u64 value;
};
#define GM_NMSRS 64

struct gm_regs {
	u64 gpr[16];
	u64 rip, rflags;
	struct x86_seg seg[X86_NSEG];
	struct x86_dtr gdt, idt;
	u64 cr0, cr2, cr3, cr4, cr8, efer, apic_base, xcr0;
	u64 dr[8];            /* 4 and 5 unused */
	u8 xsave[4096];       /* standard (not compacted) XSAVE image */
	u32 nmsrs;
	struct gm_msr_entry msrs[GM_NMSRS];
	struct {
		u8 exception_pending, exception_vector, exception_has_err;
		u8 interrupt_pending, interrupt_vector, interrupt_soft, interrupt_shadow;
		u8 nmi_pending, nmi_blocked, halted;
		u8 wait_sipi, sipi_pending, sipi_vector; /* gm_vcpu_regs_get() */
		u8 pad[3];
		u32 exception_err;
	} evt;
};

/* What an accelerator's vCPU needs from the machine around it; filled in by vmm/vcpu.c. */
struct gm_vcpu {
	struct gm_machine *m;
	unsigned int index;
	u32 apic_id;               /* after reset; by the machine's topology */
	char lapic_name[16];       /* "lapic0": the local APIC's device name */
	void *priv;                /* the accelerator's */
	void *lapic;               /* struct lapic *, NULL for a CPU without */
	/* Interrupt controller's side; each may be called with or without pending work. Machine
	 * lock held. */
	bool (*intr_pending)(struct gm_vcpu *v);
	int (*intr_ack)(struct gm_vcpu *v); /* vector, or -1 */
	/* Local APIC state reached through CPU registers. Return 0, or -1 for #GP. */
	u64 (*tpr_get)(struct gm_vcpu *v);  /* CR8 */
	void (*tpr_set)(struct gm_vcpu *v, u64 cr8);
	int (*apic_msr_get)(struct gm_vcpu *v, u32 msr, u64 *val); /* APIC_BASE, TSC_DEADLINE, x2APIC */
	int (*apic_msr_set)(struct gm_vcpu *v, u32 msr, u64 val);
	/* Set by gm_vcpu_interrupt(): look at intr_pending/NMI at the next instruction boundary. */
	int irq_request;           /* atomic */
	int nmi_request;           /* atomic */
	/* FERR# of an x87 exception with CR0.NE = 0: to ISA IRQ 13. Machine lock held. */
	void (*ferr)(struct gm_vcpu *v, int level);
	void *board;               /* the board's, for its callbacks */
	/* What the local APIC offers, for CPUID; set with the callbacks. */
	bool has_x2apic, has_tsc_deadline;
	/* A debugger keeps it from running while others run. Machine lock held. */
	bool held;
	/* Ticks that the guest added to its TSC; the accelerator writes it, machine lock held. */
	u64 tsc_offset;
	/* The vCPU got an INIT: resets the local APIC. Optional. Machine lock held. */
	void (*init)(struct gm_vcpu *v);
	/* tsc_offset changed. Optional. Machine lock held. */
	void (*tsc_changed)(struct gm_vcpu *v);
};

struct gm_accel_options {
	const char *cpu_model; /* NULL: the accelerator's default */
	const char *device;    /* device file for guestmode and kvm */
	bool irqchip;          /* the kernel's interrupt controllers; not with soft */
};

typedef void gm_accel_stat_fn(void *opaque, const char *name, u64 value);

struct gm_accel {
	const char *name;
	/* 0, or -errno with the reason in words. */
	int (*probe)(char *why, size_t len);
	int (*vm_open)(struct gm_machine *m, const struct gm_accel_options *o, struct gm_vm **out,
		       char *err, size_t errlen);
	void (*vm_close)(struct gm_vm *vm);
	/* The memory bus' flat view changed: take it over. Machine lock held. */
	void (*memory_changed)(struct gm_vm *vm);
	void (*memory_written)(struct gm_vm *vm, u64 gpa, u64 len);
	void (*dirty_sync)(struct gm_vm *vm, struct gm_ram *ram, u64 first, u64 npages);
	bool dirty_told; /* see gm_bus_listener.tells */
	void (*a20)(struct gm_vm *vm, bool enabled);
	int (*vcpu_open)(struct gm_vm *vm, struct gm_vcpu *v);
	void (*vcpu_close)(struct gm_vcpu *v);
	/* Puts the vCPU into its state after power-on or INIT (SDM volume 3, 9.1.1). */
	void (*vcpu_reset)(struct gm_vcpu *v, bool init);
	/* Runs guest code in the calling thread until there is a reason to return. */
	void (*run)(struct gm_vcpu *v, struct gm_exit *e);
	/* Makes run() return soon, or look at irq_request again. Any thread, signal-safe. */
	void (*kick)(struct gm_vcpu *v);
	int (*regs_get)(struct gm_vcpu *v, unsigned int groups, struct gm_regs *r);
	int (*regs_set)(struct gm_vcpu *v, unsigned int groups, const struct gm_regs *r);
	/* Points and the step flag for this vCPU; NULL: none. It stands still. -ENOSPC: more points
	 * than it has room for. */
	int (*debug_set)(struct gm_vcpu *v, const struct gm_debug *d);
	/* Guest time stopped and went on (pause): keep the TSC in step. Optional. */
	void (*pause)(struct gm_vm *vm, bool paused);
	/* The kernel's counters of the machine, or of a vCPU if that is not NULL: fn for each.
	 * Optional. */
	void (*stats)(struct gm_vm *vm, const struct gm_vcpu *v, gm_accel_stat_fn *fn,
		      void *opaque);
	/* With gm_vm.irqchip: the level of an ISA line (0 to 15), a message-signalled interrupt. */
	void (*irq_line)(struct gm_vm *vm, unsigned int line, int level);
	void (*msi)(struct gm_vm *vm, u64 addr, u32 data);
};

/* The first member of an accelerator's VM. */
struct gm_vm {
	const struct gm_accel *accel;
	struct gm_machine *m;
	/* The interrupt controllers are the accelerator's: lines and messages go to irq_line and msi,
	 * HLT, INIT and start-up messages do not come out of run(). Constant. */
	bool irqchip;
};

extern const struct gm_accel gm_accel_guestmode, gm_accel_kvm, gm_accel_soft;

/* Opens the accelerator `name` ("auto": the first of guestmode, kvm, soft that this host offers)
 * and connects it to the memory bus. -errno with a one-line message. Machine lock not needed. */
int gm_accel_open(struct gm_machine *m, const char *name, const struct gm_accel_options *o,
		  char *err, size_t errlen);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later WITH Linux-syscall-note */
/*
 * The ABI of /dev/guestmode: what it offers of the KVM ABI (API version 12), with the same numbers
 * and layouts, so that programs made for /dev/kvm run unchanged. Only what is here is offered;
 * CHECK_EXTENSION says the same. Results are 0 or more, or -1 with errno.
 *
 * Common errors: EFAULT (bad pointer), EINVAL (bad argument), ENOTTY (no such ioctl), EIO (the
 * calling process is not the one that made the VM).
 */
#ifndef GUESTMODE_UAPI_H
#define GUESTMODE_UAPI_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define GM_API_VERSION 12
#define GM_IO 0xae

/* ---- the device ---- */

/* Returns 12. */
#define GM_GET_API_VERSION _IO(GM_IO, 0x00)
/* Argument 0. Returns a file descriptor for a new virtual machine. */
#define GM_CREATE_VM _IO(GM_IO, 0x01)
/* The MSRs that GET_MSRS and SET_MSRS know. E2BIG with nmsrs filled in when there is no room. */
#define GM_GET_MSR_INDEX_LIST _IOWR(GM_IO, 0x02, struct gm_msr_list)
/* Argument: a GM_CAP number. Returns 0 (no) or a positive number. Also on a VM's descriptor. */
#define GM_CHECK_EXTENSION _IO(GM_IO, 0x03)
/* Returns the size of a vCPU's mapping: struct gm_run, the page of port data, the VM's ring of
 * coalesced writes. */
#define GM_GET_VCPU_MMAP_SIZE _IO(GM_IO, 0x04)
/* What a guest can be given. E2BIG when nent is too small. */
#define GM_GET_SUPPORTED_CPUID _IOWR(GM_IO, 0x05, struct gm_cpuid2)
/*
 * The MSRs that describe what the host offers to guests; GET_MSRS on the device's descriptor reads them.
 * E2BIG as with GET_MSR_INDEX_LIST.
 */
#define GM_GET_MSR_FEATURE_INDEX_LIST _IOWR(GM_IO, 0x0a, struct gm_msr_list)

/* The machine-check capabilities (MCG_CAP) that SETUP_MCE takes. */
#define GM_X86_GET_MCE_CAP_SUPPORTED _IOR(GM_IO, 0x9d, __u64)

/* ---- a virtual machine ---- */

/* Argument: number of the vCPU, also its APIC id. Returns its descriptor. EEXIST, EINVAL. */
#define GM_CREATE_VCPU _IO(GM_IO, 0x41)
/*
 * Makes, moves, changes (flags) or deletes (size 0) a memory slot. It stays ordinary memory of the
 * process: what is done to that (munmap, madvise, fork, swap) is what the guest meets. EEXIST:
 * overlaps another slot.
 */
#define GM_SET_USER_MEMORY_REGION _IOW(GM_IO, 0x46, struct gm_memory_region)
/*
 * The pages written since the last call or since logging began, one bit each. ENOENT. With
 * GM_CAP_MANUAL_DIRTY_LOG enabled the bits stay until CLEAR_DIRTY_LOG names them.
 */
#define GM_GET_DIRTY_LOG _IOW(GM_IO, 0x42, struct gm_dirty_log)
/*
 * Forgets the bits that the bitmap names, of a range of a slot: both ends multiples of 64 pages, or
 * the slot's end. Writes from then on count again. EINVAL, ENOENT.
 */
#define GM_CLEAR_DIRTY_LOG _IOWR(GM_IO, 0xc0, struct gm_clear_dirty_log)
/*
 * Sets what a capability does: GM_CAP_MANUAL_DIRTY_LOG, args[0] 1 or 0; GM_CAP_MSR_PLATFORM_INFO, args[0]
 * 0: guests cannot read that MSR; GM_CAP_MAX_VCPU_ID, args[0]: no vCPU gets that number or a higher one
 * (EBUSY: there is a vCPU already). On a vCPU's descriptor: GM_CAP_ENFORCE_PV_CPUID, args[0] 1: the guest has
 * only those paravirtual MSRs that leaf 0x40000001 of its CPUID announces, 0: all of them. EINVAL: others.
 */
#define GM_ENABLE_CAP _IOW(GM_IO, 0xa3, struct gm_enable_cap)
/* Accepted and without effect: this driver needs no pages of its own in the guest. */
#define GM_SET_TSS_ADDR _IO(GM_IO, 0x47)
#define GM_SET_IDENTITY_MAP_ADDR _IOW(GM_IO, 0x48, __u64)

/*
 * Also on a vCPU's descriptor: a descriptor to read counters from. At its start struct gm_stats_header;
 * where that says, an identification, num_desc descriptors (each with a name of name_size bytes), and the
 * values.
 */
#define GM_GET_STATS_FD _IO(GM_IO, 0xce)

/* ---- a vCPU ---- */

/* Runs guest code until there is an exit. EINTR: a signal, or immediate_exit. */
#define GM_RUN _IO(GM_IO, 0x80)
#define GM_GET_REGS _IOR(GM_IO, 0x81, struct gm_regs)
#define GM_SET_REGS _IOW(GM_IO, 0x82, struct gm_regs)
/* EINVAL when CR0, CR4 and EFER contradict each other or have bits that are not offered. */
#define GM_GET_SREGS _IOR(GM_IO, 0x83, struct gm_sregs)
#define GM_SET_SREGS _IOW(GM_IO, 0x84, struct gm_sregs)
/* An external interrupt, delivered when the guest can take it. EEXIST: one is waiting already. */
#define GM_INTERRUPT _IOW(GM_IO, 0x86, struct gm_interrupt)
/* Return the number of entries done, which stops at the first that is refused. E2BIG over 256. */
/* The page-table walk of a privileged read; `valid` is 0 when it faults. */
#define GM_TRANSLATE _IOWR(GM_IO, 0x85, struct gm_translation)
#define GM_GET_MSRS _IOWR(GM_IO, 0x88, struct gm_msrs)
#define GM_SET_MSRS _IOW(GM_IO, 0x89, struct gm_msrs)
/* The signals blocked while RUN runs; a null argument ends that. */
#define GM_SET_SIGNAL_MASK _IOW(GM_IO, 0x8b, struct gm_signal_mask)
#define GM_GET_FPU _IOR(GM_IO, 0x8c, struct gm_fpu)
#define GM_SET_FPU _IOW(GM_IO, 0x8d, struct gm_fpu)
/* Once the vCPU has run, EINVAL unless nothing changes. */
#define GM_SET_CPUID2 _IOW(GM_IO, 0x90, struct gm_cpuid2)
#define GM_GET_CPUID2 _IOWR(GM_IO, 0x91, struct gm_cpuid2)
#define GM_GET_MP_STATE _IOR(GM_IO, 0x98, struct gm_mp_state)
#define GM_SET_MP_STATE _IOW(GM_IO, 0x99, struct gm_mp_state)
#define GM_NMI _IO(GM_IO, 0x9a)
/* Gives the vCPU machine-check banks: its MCG_CAP. EINVAL: banks 0 or over 32, unknown bits. */
#define GM_X86_SETUP_MCE _IOW(GM_IO, 0x9c, __u64)
/* Accepted and without effect: accesses to the TPR are not reported, so no guest is made to use it. */
#define GM_SET_VAPIC_ADDR _IOW(GM_IO, 0x93, __u64)
/* Reports a machine check to the guest. EINVAL: no such bank, not valid. */
#define GM_X86_SET_MCE _IOW(GM_IO, 0x9e, struct gm_mce)
/*
 * Breakpoints and single steps that end in GM_EXIT_DEBUG and that the guest does not see. GM_DEBUG_STEP
 * takes the trap flag from the guest while it lasts. EBUSY: INJECT while an exception is waiting.
 */
#define GM_SET_GUEST_DEBUG _IOW(GM_IO, 0x9b, struct gm_guest_debug)
#define GM_GET_VCPU_EVENTS _IOR(GM_IO, 0x9f, struct gm_vcpu_events)
#define GM_SET_VCPU_EVENTS _IOW(GM_IO, 0xa0, struct gm_vcpu_events)
#define GM_GET_DEBUGREGS _IOR(GM_IO, 0xa1, struct gm_debugregs)
#define GM_SET_DEBUGREGS _IOW(GM_IO, 0xa2, struct gm_debugregs)
/* The rate of the vCPU's TSC in kHz, 0: the host's. EINVAL for another than that without GM_CAP_TSC_CONTROL. */
#define GM_SET_TSC_KHZ _IO(GM_IO, 0xa2)
/* Returns kHz. Also on a VM's descriptor. */
#define GM_GET_TSC_KHZ _IO(GM_IO, 0xa3)
/* ENXIO: no such attribute. */
#define GM_SET_DEVICE_ATTR _IOW(GM_IO, 0xe1, struct gm_device_attr)
#define GM_GET_DEVICE_ATTR _IOW(GM_IO, 0xe2, struct gm_device_attr)
#define GM_HAS_DEVICE_ATTR _IOW(GM_IO, 0xe3, struct gm_device_attr)
#define GM_GET_XSAVE _IOR(GM_IO, 0xa4, struct gm_xsave)
#define GM_SET_XSAVE _IOW(GM_IO, 0xa5, struct gm_xsave)
/* As GET_XSAVE; CHECK_EXTENSION(GM_CAP_XSAVE2) tells the size: 4096. */
#define GM_GET_XSAVE2 _IOR(GM_IO, 0xcf, struct gm_xsave)
#define GM_GET_XCRS _IOR(GM_IO, 0xa6, struct gm_xcrs)
#define GM_SET_XCRS _IOW(GM_IO, 0xa7, struct gm_xcrs)

#define GM_CAP_USER_MEMORY 3
#define GM_CAP_SET_TSS_ADDR 4
#define GM_CAP_EXT_CPUID 7
#define GM_CAP_NR_VCPUS 9
#define GM_CAP_NR_MEMSLOTS 10
#define GM_CAP_MP_STATE 14
#define GM_CAP_SYNC_MMU 16 /* 1: slots follow what the process does to its memory */
#define GM_CAP_DESTROY_MEMORY_REGION_WORKS 21
#define GM_CAP_MANUAL_DIRTY_LOG 168
#define GM_CAP_USER_NMI 22
#define GM_CAP_MCE 31 /* the number of banks */
#define GM_CAP_JOIN_MEMORY_REGIONS_WORKS 30
#define GM_CAP_SET_IDENTITY_MAP_ADDR 37
#define GM_CAP_SET_GUEST_DEBUG 23
#define GM_CAP_INTERNAL_ERROR_DATA 40
#define GM_CAP_VCPU_EVENTS 41
#define GM_CAP_INTR_SHADOW 49
#define GM_CAP_DEBUGREGS 50
#define GM_CAP_ROBUST_SINGLESTEP 51 /* the trap flag of a step is not among the guest's */
#define GM_CAP_XSAVE 55
#define GM_CAP_XCRS 56
#define GM_CAP_TSC_CONTROL 60
#define GM_CAP_GET_TSC_KHZ 61
#define GM_CAP_MAX_VCPUS 66
#define GM_CAP_SYNC_REGS 74 /* the GM_SYNC bits */
#define GM_CAP_READONLY_MEM 81
#define GM_CAP_ENABLE_CAP_VM 98
#define GM_CAP_CHECK_EXTENSION_VM 105
#define GM_CAP_VCPU_ATTRIBUTES 127
#define GM_CAP_MAX_VCPU_ID 128
#define GM_CAP_IMMEDIATE_EXIT 136
#define GM_CAP_GET_MSR_FEATURES 153
#define GM_CAP_MSR_PLATFORM_INFO 159
#define GM_CAP_ENFORCE_PV_CPUID 190
#define GM_CAP_SET_GUEST_DEBUG2 195 /* the GM_DEBUG bits */
#define GM_CAP_BINARY_STATS_FD 203
#define GM_CAP_XSAVE2 208

struct gm_stats_header {
	__u32 flags; /* 0 */
	__u32 name_size;
	__u32 num_desc;
	__u32 id_offset; /* bytes from the start, as the two that follow */
	__u32 desc_offset;
	__u32 data_offset;
};

struct gm_stats_desc {
	__u32 flags;
	__s16 exponent; /* 0 */
	__u16 size;     /* values: 1 */
	__u32 offset;   /* of the value, from data_offset; 8 bytes */
	__u32 bucket_size;
	char name[];
};
#define GM_STATS_CUMULATIVE 0u
#define GM_STATS_INSTANT    1u

struct gm_msr_list {
	__u32 nmsrs;
	__u32 indices[];
};

struct gm_msr_entry {
	__u32 index;
	__u32 reserved;
	__u64 data;
};

struct gm_msrs {
	__u32 nmsrs;
	__u32 pad;
	struct gm_msr_entry entries[];
};

struct gm_cpuid_entry {
	__u32 function;
	__u32 index;
	__u32 flags;
	__u32 eax, ebx, ecx, edx;
	__u32 padding[3];
};
#define GM_CPUID_INDEXED 1 /* flags: `index` counts */

struct gm_cpuid2 {
	__u32 nent;
	__u32 padding;
	struct gm_cpuid_entry entries[];
};

struct gm_memory_region {
	__u32 slot;
	__u32 flags;
	__u64 guest_phys_addr; /* bytes, in whole pages, as the two that follow */
	__u64 memory_size;
	__u64 userspace_addr;
};
#define GM_MEM_LOG_DIRTY 1u
#define GM_MEM_READONLY  2u /* writes are GM_EXIT_MMIO */

struct gm_dirty_log {
	__u32 slot;
	__u32 padding;
	__u64 bitmap; /* user address; a multiple of 8 bytes long */
};

struct gm_enable_cap {
	__u32 cap;
	__u32 flags; /* 0 */
	__u64 args[4];
	__u8 padding[64];
};

struct gm_device_attr {
	__u32 flags; /* 0 */
	__u32 group;
	__u64 attr;
	__u64 addr;  /* of the user's value */
};
/* The only attribute: what a vCPU's TSC is ahead of the host's (at the vCPU's rate); 64 bits. */
#define GM_VCPU_TSC_CTRL 0
#define GM_VCPU_TSC_OFFSET 0

struct gm_clear_dirty_log {
	__u32 slot;
	__u32 num_pages;
	__u64 first_page;
	__u64 bitmap; /* user address; bit 0 is first_page */
};

struct gm_regs {
	__u64 rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp;
	__u64 r8, r9, r10, r11, r12, r13, r14, r15;
	__u64 rip, rflags;
};

struct gm_segment {
	__u64 base;
	__u32 limit;
	__u16 selector;
	__u8 type;
	__u8 present, dpl, db, s, l, g, avl;
	__u8 unusable;
	__u8 padding;
};

struct gm_dtable {
	__u64 base;
	__u16 limit;
	__u16 padding[3];
};

struct gm_sregs {
	struct gm_segment cs, ds, es, fs, gs, ss;
	struct gm_segment tr, ldt;
	struct gm_dtable gdt, idt;
	__u64 cr0, cr2, cr3, cr4, cr8;
	__u64 efer;
	__u64 apic_base;
	__u64 interrupt_bitmap[4]; /* at most one bit: an interrupt that waits to be delivered */
};

struct gm_fpu {
	__u8 fpr[8][16];
	__u16 fcw, fsw;
	__u8 ftwx; /* as in FXSAVE's image */
	__u8 pad1;
	__u16 last_opcode;
	__u64 last_ip, last_dp;
	__u8 xmm[16][16];
	__u32 mxcsr;
	__u32 pad2;
};

struct gm_interrupt {
	__u32 irq; /* vector, 0 to 255 */
};

struct gm_signal_mask {
	__u32 len; /* bytes: 8 */
	__u8 sigset[];
};

struct gm_mp_state {
	__u32 mp_state;
};
/* Without a local APIC in the kernel: RUNNABLE or HALTED only. */
#define GM_MP_RUNNABLE      0
#define GM_MP_UNINITIALIZED 1 /* waits for INIT and a start-up message, as all but the boot processor */
#define GM_MP_INIT_RECEIVED 2
#define GM_MP_HALTED        3
#define GM_MP_SIPI_RECEIVED 4

struct gm_vcpu_events {
	struct {
		__u8 injected, nr, has_error_code, pending;
		__u32 error_code;
	} exception;
	struct {
		__u8 injected, nr, soft, shadow;
	} interrupt;
	struct {
		__u8 injected, pending, masked, pad;
	} nmi;
	__u32 sipi_vector;
	__u32 flags;
	__u8 reserved[40];
};
#define GM_EVENTS_NMI_PENDING 1u
#define GM_EVENTS_SIPI        2u
#define GM_EVENTS_SHADOW      4u

struct gm_translation {
	__u64 linear_address;
	__u64 physical_address;
	__u8 valid, writeable, usermode;
	__u8 pad[5];
};

struct gm_guest_debug {
	__u32 control; /* GM_DEBUG_* */
	__u32 pad;
	__u64 debugreg[8]; /* with GM_DEBUG_HW_BP: DR0 to DR3 and DR7 */
};
#define GM_DEBUG_ENABLE    0x1u
#define GM_DEBUG_STEP      0x2u
#define GM_DEBUG_SW_BP     0x10000u  /* INT3 */
#define GM_DEBUG_HW_BP     0x20000u
#define GM_DEBUG_INJECT_DB 0x40000u
#define GM_DEBUG_INJECT_BP 0x80000u
#define GM_DEBUG_BLOCK_IRQ 0x100000u /* no external interrupt is delivered meanwhile */

struct gm_mce {
	__u64 status, addr, misc;
	__u64 mcg_status;
	__u8 bank;
	__u8 pad1[7];
	__u64 pad2[3];
};

struct gm_debugregs {
	__u64 db[4];
	__u64 dr6, dr7;
	__u64 flags; /* 0 */
	__u64 reserved[9];
};

/* The standard (not compacted) format of XSAVE. */
struct gm_xsave {
	__u32 region[1024];
};

struct gm_xcr {
	__u32 xcr;
	__u32 reserved;
	__u64 value;
};

struct gm_xcrs {
	__u32 nr_xcrs;
	__u32 flags;
	struct gm_xcr xcrs[16];
	__u64 padding[16];
};

/* ---- devices in the kernel ---- */

/*
 * A guest's write of `len` bytes (0: any length) at addr signals an eventfd instead of an exit.
 * EEXIST: there is one already; ENOENT: none to take away; ENOSPC: over 1000 with coalesced zones.
 */
#define GM_IOEVENTFD _IOW(GM_IO, 0x79, struct gm_ioeventfd)
/*
 * Writes in a zone go to the ring in page GM_CAP_COALESCED_MMIO of each vCPU's mapping, an exit comes
 * only when it is full. The program reads entries from `first` to `last` and moves `first`.
 * UNREGISTER ends all zones inside the range.
 */
#define GM_REGISTER_COALESCED_MMIO _IOW(GM_IO, 0x67, struct gm_coalesced_zone)
#define GM_UNREGISTER_COALESCED_MMIO _IOW(GM_IO, 0x68, struct gm_coalesced_zone)

#define GM_CAP_COALESCED_MMIO 15
#define GM_CAP_IOEVENTFD 36
#define GM_CAP_IOEVENTFD_ANY_LENGTH 122
#define GM_CAP_COALESCED_PIO 162

/*
 * Interrupt controllers in the kernel: the PIC pair, an I/O APIC at 0xfec00000, and a local APIC for each
 * vCPU, all of which are made later (EINVAL: there are some already; EEXIST). HLT, INIT and start-up
 * messages are then the kernel's, INTERRUPT is refused (ENXIO).
 */
#define GM_CREATE_IRQCHIP _IO(GM_IO, 0x60)
/* The level of a GSI's line. ENXIO without irqchip, as all that follows. */
#define GM_IRQ_LINE _IOW(GM_IO, 0x61, struct gm_irq_level)
/* The same; then `status`: -1 masked or nobody there, 0 it was up already, else how many took it. */
#define GM_IRQ_LINE_STATUS _IOWR(GM_IO, 0x67, struct gm_irq_level)
#define GM_GET_IRQCHIP _IOWR(GM_IO, 0x62, struct gm_irqchip_state)
#define GM_SET_IRQCHIP _IOR(GM_IO, 0x63, struct gm_irqchip_state)
/*
 * Where GSIs lead, instead of all that was set before. At first 0 to 15 go to both controllers, 16 to
 * 23 to the I/O APIC. EINVAL: an entry is bad, or a GSI leads to the same controller twice.
 */
#define GM_SET_GSI_ROUTING _IOW(GM_IO, 0x6a, struct gm_irq_routing)
/* Returns how many local APICs took it. */
#define GM_SIGNAL_MSI _IOW(GM_IO, 0xa5, struct gm_msi)
/* The 8254; CREATE_PIT has port 61h too, CREATE_PIT2 with GM_PIT_SPEAKER_DUMMY. ENOENT, EEXIST. */
#define GM_CREATE_PIT _IO(GM_IO, 0x64)
#define GM_CREATE_PIT2 _IOW(GM_IO, 0x77, struct gm_pit_config)
#define GM_GET_PIT _IOWR(GM_IO, 0x65, struct gm_pit_state)
#define GM_SET_PIT _IOR(GM_IO, 0x66, struct gm_pit_state)
#define GM_GET_PIT2 _IOR(GM_IO, 0x9f, struct gm_pit_state2)
#define GM_SET_PIT2 _IOW(GM_IO, 0xa0, struct gm_pit_state2)
/* Whether ticks that the guest was too slow for come later (they do at first). */
#define GM_REINJECT_CONTROL _IO(GM_IO, 0x71)
/* Argument: the id of the boot processor (0). EBUSY when there are vCPUs. */
#define GM_SET_BOOT_CPU_ID _IO(GM_IO, 0x78)
/*
 * An eventfd's signal is an interrupt on a GSI. With GM_IRQFD_RESAMPLE the line stays up until the
 * guest ends the interrupt; then resamplefd is signalled. EBUSY: the eventfd is in use already.
 */
#define GM_IRQFD _IOW(GM_IO, 0x76, struct gm_irqfd)
/* A vCPU's local APIC: its registers as they stand in the page. EINVAL without one. */
#define GM_GET_LAPIC _IOR(GM_IO, 0x8e, struct gm_lapic_state)
#define GM_SET_LAPIC _IOW(GM_IO, 0x8f, struct gm_lapic_state)

/*
 * The paravirtual clock, ns since the VM was made. SET with GM_CLOCK_REALTIME: `realtime` is when it
 * read so; what has passed since is added.
 */
#define GM_SET_CLOCK _IOW(GM_IO, 0x7b, struct gm_clock_data)
#define GM_GET_CLOCK _IOR(GM_IO, 0x7c, struct gm_clock_data)
/* A vCPU's clock page says that the guest was stopped. EINVAL: it has none. */
#define GM_KVMCLOCK_CTRL _IO(GM_IO, 0xad)

#define GM_CAP_IRQCHIP 0
#define GM_CAP_CLOCKSOURCE 8
#define GM_CAP_ADJUST_CLOCK 39 /* the flags that GET_CLOCK knows */
#define GM_CAP_KVMCLOCK_CTRL 76
#define GM_CAP_HLT 1
#define GM_CAP_PIT 11
#define GM_CAP_REINJECT_CONTROL 24
#define GM_CAP_IRQ_ROUTING 25
#define GM_CAP_IRQ_INJECT_STATUS 26
#define GM_CAP_IRQFD 32
#define GM_CAP_PIT2 33
#define GM_CAP_SET_BOOT_CPU_ID 34
#define GM_CAP_PIT_STATE2 35
#define GM_CAP_TSC_DEADLINE_TIMER 72
#define GM_CAP_SIGNAL_MSI 77
#define GM_CAP_IRQFD_RESAMPLE 82

struct gm_irq_level {
	union {
		__u32 irq;
		__s32 status;
	};
	__u32 level;
};

struct gm_pic_state {
	__u8 last_irr; /* levels of the inputs */
	__u8 irr, imr, isr;
	__u8 priority_add; /* the line of highest priority */
	__u8 irq_base;
	__u8 read_reg_select, poll, special_mask;
	__u8 init_state; /* which initialization word comes next; 0: none */
	__u8 auto_eoi, rotate_on_auto_eoi, special_fully_nested_mode;
	__u8 init4; /* ICW4 will come */
	__u8 elcr, elcr_mask;
};

struct gm_ioapic_state {
	__u64 base_address;
	__u32 ioregsel;
	__u32 id;
	__u32 irr; /* level-triggered pins that are up */
	__u32 pad;
	__u64 redirtbl[24];
};

#define GM_IRQCHIP_PIC_MASTER 0
#define GM_IRQCHIP_PIC_SLAVE  1
#define GM_IRQCHIP_IOAPIC     2

struct gm_irqchip_state {
	__u32 chip_id;
	__u32 pad;
	union {
		char dummy[512];
		struct gm_pic_state pic;
		struct gm_ioapic_state ioapic;
	};
};

struct gm_irq_routing_entry {
	__u32 gsi;
	__u32 type;
	__u32 flags; /* 0 */
	__u32 pad;
	union {
		struct {
			__u32 irqchip;
			__u32 pin;
		} irqchip;
		struct {
			__u32 address_lo, address_hi, data, pad;
		} msi;
		__u32 padding[8];
	};
};
#define GM_IRQ_ROUTING_IRQCHIP 1
#define GM_IRQ_ROUTING_MSI     2

struct gm_irq_routing {
	__u32 nr; /* up to GM_CAP_IRQ_ROUTING */
	__u32 flags;
	struct gm_irq_routing_entry entries[];
};

struct gm_msi {
	__u32 address_lo, address_hi, data;
	__u32 flags; /* 0 */
	__u32 devid;
	__u8 pad[12];
};

struct gm_pit_channel {
	__u32 count; /* 1 to 65536 */
	__u16 latched_count;
	__u8 count_latched, status_latched, status;
	__u8 read_state, write_state, write_latch;
	__u8 rw_mode, mode, bcd, gate;
	__s64 count_load_time;
};

struct gm_pit_state {
	struct gm_pit_channel channels[3];
};

struct gm_pit_state2 {
	struct gm_pit_channel channels[3];
	__u32 flags;
	__u32 reserved[9];
};
#define GM_PIT_FLAGS_HPET_LEGACY     1u
#define GM_PIT_FLAGS_SPEAKER_DATA_ON 2u

struct gm_pit_config {
	__u32 flags;
	__u32 pad[15];
};
#define GM_PIT_SPEAKER_DUMMY 1u

struct gm_reinject_control {
	__u8 pit_reinject;
	__u8 reserved[31];
};

struct gm_irqfd {
	__u32 fd;
	__u32 gsi;
	__u32 flags;
	__u32 resamplefd;
	__u8 pad[16];
};
#define GM_IRQFD_DEASSIGN 1u
#define GM_IRQFD_RESAMPLE 2u

struct gm_clock_data {
	__u64 clock;
	__u32 flags;
	__u32 pad0;
	__u64 realtime; /* ns since 1970, with GM_CLOCK_REALTIME */
	__u64 host_tsc; /* with GM_CLOCK_HOST_TSC */
	__u32 pad[4];
};
#define GM_CLOCK_TSC_STABLE 2u
#define GM_CLOCK_REALTIME   4u
#define GM_CLOCK_HOST_TSC   8u

#define GM_LAPIC_REGS 64
struct gm_lapic_state {
	char regs[GM_LAPIC_REGS * 16];
};

struct gm_ioeventfd {
	__u64 datamatch;
	__u64 addr;
	__u32 len; /* 0, 1, 2, 4, 8 */
	__s32 fd;
	__u32 flags;
	__u8 pad[36];
};
#define GM_IOEVENTFD_DATAMATCH 1u /* only this value, not with len 0 */
#define GM_IOEVENTFD_PIO       2u
#define GM_IOEVENTFD_DEASSIGN  4u

struct gm_coalesced_zone {
	__u64 addr;
	__u32 size;
	__u32 pio;
};

struct gm_coalesced_entry {
	__u64 phys_addr;
	__u32 len;
	__u32 pio;
	__u8 data[8];
};

struct gm_coalesced_ring {
	__u32 first, last;
	struct gm_coalesced_entry entries[];
};
#define GM_PAGE_BYTES 4096
#define GM_COALESCED_MAX ((GM_PAGE_BYTES - 8) / 24)

/* gm_run.exit_reason */
#define GM_EXIT_IO              2
#define GM_EXIT_DEBUG           4
#define GM_EXIT_HLT             5
#define GM_EXIT_MMIO            6
#define GM_EXIT_IRQ_WINDOW_OPEN 7
#define GM_EXIT_SHUTDOWN        8
#define GM_EXIT_FAIL_ENTRY      9
#define GM_EXIT_INTR            10
#define GM_EXIT_SET_TPR         11
#define GM_EXIT_INTERNAL_ERROR  17

#define GM_INTERNAL_EMULATION  1 /* suberror: an instruction that cannot be emulated */
#define GM_INTERNAL_DELIVERY   3 /* an event whose delivery touches device memory */
#define GM_INTERNAL_UNEXPECTED 4 /* an exit that the driver does not know */

/* Shared with the program through mmap of the vCPU's descriptor. */
struct gm_run {
	__u8 request_interrupt_window; /* in: exit when an interrupt could be delivered */
	__u8 immediate_exit;           /* in: RUN returns EINTR at once */
	__u8 padding1[6];
	__u32 exit_reason;
	__u8 ready_for_interrupt_injection;
	__u8 if_flag;
	__u16 flags;
	__u64 cr8;                     /* in and out */
	__u64 apic_base;               /* in and out */
	union {
		struct {
			__u8 direction; /* GM_IO_IN, GM_IO_OUT */
			__u8 size;
			__u16 port;
			__u32 count;
			__u64 data_offset; /* from the start of struct gm_run */
		} io;
		struct {
			__u64 phys_addr;
			__u8 data[8];
			__u32 len;
			__u8 is_write;
		} mmio;
		struct {
			__u64 hardware_entry_failure_reason;
			__u32 cpu;
		} fail_entry;
		struct {
			__u32 suberror;
			__u32 ndata;
			__u64 data[16];
		} internal;
		struct {
			__u32 exception; /* 1: #DB, 3: #BP */
			__u32 pad;
			__u64 pc;        /* linear */
			__u64 dr6, dr7;
		} debug;
		__u8 padding[256];
	};
	__u64 valid_regs;              /* in: GM_SYNC_*, what RUN leaves in sync_regs */
	__u64 dirty_regs;              /* in: what RUN is to take from there first; RUN clears it */
	__u8 sync_regs[2048];          /* struct gm_sync_regs */
};

struct gm_sync_regs {
	struct gm_regs regs;
	struct gm_sregs sregs;
	struct gm_vcpu_events events;
};
#define GM_SYNC_REGS   1u
#define GM_SYNC_SREGS  2u
#define GM_SYNC_EVENTS 4u
#define GM_SYNC_ALL    7u
#define GM_IO_IN  0
#define GM_IO_OUT 1

#endif

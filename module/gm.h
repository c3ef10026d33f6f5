/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guestmode: the core's structures and the backend interface. Read this first.
 *
 * A struct gm_vm is behind the descriptor of CREATE_VM, a struct gm_vcpu behind that of CREATE_VCPU;
 * each vCPU holds a reference on its VM. All their ioctls come from the process that made the VM
 * (vm->mm); others get EIO.
 *
 * Locks, outermost first:
 *   vm->lock        vcpus[], nvcpus
 *   vcpu->mutex     everything in the vCPU; held through RUN
 *   vm->slots_sem   slots[]: read to use guest memory, write to change slots
 *   (mm's own locks: faults of the process' memory are taken under slots_sem)
 *   vm->mmu_lock    a spinlock, also taken by the mm when it takes pages away: all tables of mmu*.c
 *   vm->bus_sem     inside of slots_sem: what is on the in-kernel bus: ioeventfds, irqfds, zones of coalesced writes
 *   irq->lock       a spinlock, taken with interrupts off: interrupt controllers, timers, routes (irq/irq.h)
 * A vCPU in the run window holds vcpu->mutex only. It uses the tables without a lock: whoever takes
 * something away from them raises vm->flush_gen and sends the VM's vCPUs an interrupt (gm_mmu_flush()),
 * which drives them out of guest mode before it returns. So nobody waits for mmu_lock with interrupts off.
 *
 * Others reach a vCPU, from any context, through vcpu->requests alone: gm_vcpu_request() sets a bit,
 * ends its guest mode and wakes it when it is blocked; gm_run_loop() answers before the next entry.
 */
#ifndef GM_H
#define GM_H

#include "module/compat/compat.h"

#include <linux/kref.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/sched.h>
#include <linux/signal.h>
#include <linux/smp.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <asm/processor-flags.h>

#include "module/mmu.h"
#include "module/x86/decode.h"
#include "module/uapi/guestmode.h"

#define GM_MAX_VCPUS 64
#define GM_MAX_SLOTS 64
#define GM_MAX_CPUID 128
#define GM_MAX_MSRS  256
#define GM_MAX_MCE_BANKS 32
#define GM_MAX_GSIS  4096
#define GM_RUN_PAGES 2
#define GM_PIO_OFFSET PAGE_SIZE

struct gm_vcpu;
struct gm_irqchip;
struct gm_lapic;

struct gm_slot {
	u64 gfn;
	u64 npages;           /* 0: not in use */
	unsigned long hva;
	u32 flags;            /* GM_MEM_* */
	unsigned long *dirty; /* with GM_MEM_LOG_DIRTY; bits are set by anyone with slots_sem */
	u32 *rmap;            /* shadow paging: the first mapping of each page (mmu_shadow_page.c); mmu_lock */
#ifndef GM_MMU_NOTIFIERS
	struct page **pages;  /* pinned when first used; slots_sem (any), cmpxchg */
#endif
};

struct gm_vm_stats {
	u64 flushes;           /* of all CPUs' translations */
	u64 zaps;              /* all tables thrown away */
	u64 shadow_pages;      /* in use */
	u64 shadow_recycled;   /* taken back because the pool was empty */
};

struct gm_vm {
	struct kref refs;
	struct mm_struct *mm;          /* held with gm_mm_hold(); whose memory the slots are */
	struct mutex lock;
	struct gm_vcpu *vcpus[GM_MAX_VCPUS]; /* lock */
	unsigned int nvcpus;           /* lock */
	struct rw_semaphore slots_sem;
	struct gm_slot slots[GM_MAX_SLOTS]; /* written under slots_sem and mmu_lock */
	u8 slot_order[GM_MAX_SLOTS];   /* likewise: indices of the slots in use, by gfn */
	unsigned int nslots;           /* likewise: how many those are */
	u8 slot_last;                  /* index of the slot that was found last: a hint, without a lock */
	u32 slots_gen;                 /* likewise: how often they changed */
	spinlock_t mmu_lock;
	struct gm_vm_mmu mmu;
	u8 dirty_manual;               /* slots_sem: GET_DIRTY_LOG leaves the bits to CLEAR_DIRTY_LOG */
#ifdef GM_MMU_NOTIFIERS
	struct mmu_notifier notifier;
#endif
	atomic_t flush_gen;
	u64 tsc_offset;                /* of new vCPUs; constant */
	struct rw_semaphore bus_sem;
	struct list_head ioeventfds;   /* bus_sem */
	struct list_head zones;        /* bus_sem: of coalesced writes */
	unsigned int nbus;             /* bus_sem: entries of both */
	struct gm_coalesced_ring *ring; /* shared with the program; entries under ring_lock */
	spinlock_t ring_lock;
	u32 max_vcpu_id;               /* lock: numbers below it */
	u8 hide_platform_info;         /* ENABLE_CAP */
	struct gm_vm_stats stats;      /* read without a lock (stats.c) */
	struct dentry *stats_file;     /* with the next three: stats.c */
	struct list_head stats_list;
	int stats_pid, stats_fd;
	struct {
		spinlock_t lock;
		s64 offset;            /* lock: the guest's clock less the host's monotonic one, ns */
		u64 ref_tsc, ref_ns;   /* lock: where the clock and the host's TSC met; 0: not yet */
		u64 wall;              /* the MSR */
		u8 uneven;             /* a guest moved the counter of one vCPU */
	} clock;
	u32 bsp;                       /* id of the boot processor; lock */
	struct gm_irqchip *irq;        /* NULL: the program has the interrupt controllers; set under lock */
};

/* Why guest mode was left, the same for every backend. */
enum gm_exit_kind {
	GM_X_UNKNOWN,     /* code */
	GM_X_NONE,        /* handled in the backend, or nothing to do: interrupt, NMI */
	GM_X_CPUID,
	GM_X_HLT,
	GM_X_IO,          /* port, size, in; not a string instruction */
	GM_X_EMULATE,     /* string I/O, CR and DR accesses */
	GM_X_RDMSR,
	GM_X_WRMSR,
	GM_X_PAGE,        /* addr, acc: see mmu.h */
	GM_X_INVLPG,      /* addr, next_rip */
	GM_X_SKIP,        /* an instruction that does nothing here (WBINVD, INVD) */
	GM_X_UD,
	GM_X_UD_INSN,     /* #UD of an instruction that may be the other vendor's hypercall */
	GM_X_HYPERCALL,
	GM_X_DB,          /* #DB, before anything of it is in the guest; code: DR6 of it */
	GM_X_BP,          /* INT3, while the program has breakpoints; rip is at it */
	GM_X_GP,
	GM_X_XSETBV,
	GM_X_TASK,        /* task, next_rip: what the old task goes on with */
	GM_X_SHUTDOWN,
	GM_X_FAIL,        /* the CPU refuses the state: code */
	GM_X_COUNT
};

struct gm_vcpu_stats {
	u64 exits[GM_X_COUNT];
	u64 runs;
	u64 signals;           /* RUN ended by one */
	u64 emulated;          /* instructions */
};

struct gm_exit {
	enum gm_exit_kind kind;
	u64 addr;              /* nested paging: guest-physical; shadow paging and INVLPG: linear */
	u32 acc;               /* GM_PF_* */
	u64 code;
	u64 next_rip;          /* 0: not known, decode to skip */
	u16 port;
	u8 size;
	u8 in;
	struct {
		u16 sel;
		u8 source;     /* enum x86_task_source */
		u8 has_err;
		u32 err;
	} task;
	u8 in_event;           /* while an event was being delivered */
	u8 data_gpa;           /* GM_X_PAGE: addr is where the instruction's own operand is */
	u8 host_vector;        /* of an event for the host that the exit consumed; the backend's own */
	u8 ninsn;              /* bytes of insn[] that the CPU handed over */
	u8 insn[15];
};

/* Values of a piece of an emulated access. */
enum gm_frag_kind { GM_FRAG_MMIO, GM_FRAG_PIO };

struct gm_frag {
	u64 addr;
	u8 data[8];
	u8 len;
	u8 kind;
};
#define GM_MAX_FRAGS 8

/* A walk for code or a device register, by entries from the top, and what it was done with (fetch.c). */
struct gm_fetch {
	u64 lin, gpa;          /* of the page */
	u64 cr0, cr3, cr4, efer;
	u64 entry[4];
	unsigned long hva[4];  /* where the entries are in the process */
	unsigned long code;    /* where the page is there, for code */
	u32 slots_gen;
	u32 ac;                /* of RFLAGS */
	u8 levels;             /* entries; 0: nothing is known */
	u8 acc;                /* X86_ACC_* */
	u8 user;
};

/* What is kept of an instruction that waits for a read: it is not fetched and decoded again. */
struct gm_emulated {
	u64 rip;
	u64 gpa;               /* with has_gpa: the operand's, from the exit */
	u8 valid;
	u8 mode;               /* enum x86_mode */
	u8 has_gpa;
	u8 gpa_write;          /* a write there was allowed */
	struct x86_insn insn;
};

enum gm_pending { GM_PEND_NONE, GM_PEND_IN, GM_PEND_INS, GM_PEND_READ, GM_PEND_WRITE };

struct gm_seg {
	u64 base;
	u32 limit;
	u16 sel;
	u16 attr;              /* as in struct x86_seg */
	u8 unusable;
};

/* In the order of enum x86_seg_reg. */
enum { GM_ES, GM_CS, GM_SS, GM_DS, GM_FS, GM_GS, GM_LDTR, GM_TR, GM_GDTR, GM_IDTR };

/* What a guest's CPUID announces, as far as the driver has to know. */
#define GM_G_TSC_AUX   1u /* RDTSCP or RDPID */
#define GM_G_RDTSCP    2u
#define GM_G_SPEC_CTRL 4u /* any of what is in that register */
#define GM_G_IBPB      8u
#define GM_G_ADJUST    16u
#define GM_G_ARCH_CAPS 32u
#define GM_G_NX        64u
#define GM_G_INVPCID   128u
#define GM_G_X2APIC    256u

struct gm_vcpu {
	struct gm_vm *vm;
	struct mutex mutex;
	unsigned int id;
	u64 serial;            /* unique among all vCPUs ever made */
	struct gm_run *run;    /* shared with the program: read nothing from it twice */
	void *arch;            /* the backend's */

	/* Registers, all under mutex; in step with the backend outside of the run window. */
	u64 gpr[16];           /* in the order of enum x86_gpr */
	u64 rip, rflags;
	u64 cr0, cr2, cr3, cr4, cr8;
	u64 efer;
	u64 apic_base;
	u64 xcr0;
	u64 db[4], dr6, dr7;
	u64 tsc_offset;        /* guest's TSC = the host's * tsc_ratio >> 32, plus this */
	u64 tsc_ratio;
	u32 tsc_khz;
	u64 pat;
	u64 misc_enable;
	u64 tsc_adjust;
	u64 tsc_aux;
	u64 spec_ctrl;
	u64 ucode_rev;
	u64 arch_caps;
	u64 platform_info;
	u64 misc_features;
	u64 hwcr;
	u64 mcg_cap, mcg_status, mcg_ctl;
	u64 mce[GM_MAX_MCE_BANKS][4];
	u64 de_cfg;
	u64 mtrr_def;
	u64 mtrr_fixed[11];
	u64 mtrr_var[16];
	u8 int_shadow;
	u8 mp_state;           /* GM_MP_* */
	struct gm_vcpu_mmu mmu;

	/* SET_GUEST_DEBUG: while `debug` is not 0 these are loaded in place of the guest's */
	u32 debug;             /* GM_DEBUG_* */
	u32 debug_hit;         /* DR6 bits of a step or breakpoint for the program, to be reported */
	u64 debug_db[4];
	u64 debug_dr7;

	/* Events */
	struct {
		u8 valid, nr, has_err;
		u32 err;
	} exc;                 /* to be injected at the next entry, or was being injected */
	s16 irq_injected;      /* vector whose delivery was interrupted, or -1 */
	u8 irq_soft;
	s16 irq_pending;       /* from INTERRUPT, waits until the guest can take it, or -1 */
	u8 triple_fault;       /* RUN ends with SHUTDOWN */
	u8 nmi_injected;
	u8 nmi_pending;        /* 0 to 2 */
	u8 nmi_masked;
	u8 irq_window;         /* something waits for the guest to take interrupts: look after each exit */

	unsigned long requests; /* atomic bits GM_REQ_*: see gm_vcpu_request() */
	int guest_cpu;          /* the CPU of the run window, or -1 */
	wait_queue_head_t wq;   /* where it waits when it is not runnable */
	struct gm_lapic *lapic; /* NULL: the program's; constant */

	/* Paravirtual clock and stolen time (irq/clock.c) */
	struct {
		u64 system, steal, eoi; /* the MSRs: an address and bit 0 */
		u64 delay;             /* waiting time of the thread that the guest knows of, ns */
		int cpu;
		u8 stopped;
		u8 eoi_offered;        /* in guest mode only */
		u8 enforce;            /* ENABLE_CAP: the guest has the MSRs that `announced` says */
		u32 announced;         /* EAX of leaf 0x40000001 of cpuid[] */
	} pv;

	/* An exit that the program answers */
	enum gm_pending pending;
	u8 in_size;
	u16 ins_count;         /* elements of a repeated INS */
	u8 nread;              /* reads[] answered; kept while the instruction is run again */
	u8 pos;                /* of them, those used in this attempt */
	u8 nwrite, wrote;
	u8 want_read;          /* reads[nread] is to be asked for */
	struct gm_emulated emulated;
	struct gm_fetch fetch[2]; /* code, device register */
	struct x86_decoded decoded[X86_DECODED];
	struct gm_frag reads[GM_MAX_FRAGS];
	struct gm_frag writes[GM_MAX_FRAGS];

	int last_cpu;
	int seen_gen;          /* flush_gen of the last entry */
	u8 sigset_active;
	sigset_t sigset;
	u32 ncpuid;
	struct gm_cpuid_entry cpuid[GM_MAX_CPUID];
	u32 features;          /* GM_G_*, from cpuid[], as the masks that follow */
	u64 cr4_mask;
	u64 xcr0_mask;
	struct gm_vcpu_stats stats; /* read without a lock (stats.c) */
	u32 host_pkru;         /* in the run window */
	u8 *fpu;               /* image of XSAVE (standard format) or FXSAVE, 4096 bytes, page aligned */
};

/*
 * A vendor. probe: 0 or -errno, said once in the log. run enters guest mode once, from process
 * context with interrupts on, and fills in *exit; it returns 0 or -errno. The others are called with
 * vcpu->mutex held, outside of the run window.
 */
struct gm_backend {
	const char *name;
	int (*probe)(void);
	int (*setup)(void);
	void (*cleanup)(void);
	int (*vcpu_init)(struct gm_vcpu *vcpu);
	void (*vcpu_fini)(struct gm_vcpu *vcpu);
	int (*run)(struct gm_vcpu *vcpu, struct gm_exit *exit);
	void (*get_seg)(struct gm_vcpu *vcpu, unsigned int seg, struct gm_seg *out);
	void (*set_seg)(struct gm_vcpu *vcpu, unsigned int seg, const struct gm_seg *in);
	unsigned int (*get_cpl)(struct gm_vcpu *vcpu);
	/* vcpu->features or vcpu->debug changed. */
	void (*update)(struct gm_vcpu *vcpu);
	/* MSRs that live in the backend's control structure: a pointer, or NULL. */
	u64 *(*msr)(struct gm_vcpu *vcpu, u32 index);
};

extern const struct gm_backend gm_backend_svm, gm_backend_vmx;
extern const struct gm_backend *gm_backend;

/* vm.c */
int gm_vm_create(struct file *from);
void gm_vm_put(struct gm_vm *vm);
int gm_check_extension(unsigned long cap);

/* vcpu.c */
int gm_vcpu_create(struct gm_vm *vm, struct file *from, unsigned long id);
int gm_can_inject(struct gm_vcpu *vcpu);
int gm_run_loop(struct gm_vcpu *vcpu);

enum {
	GM_REQ_KICK,           /* nothing but leaving guest mode */
	GM_REQ_IRQ,            /* look for an interrupt to deliver */
	GM_REQ_NMI,
	GM_REQ_INIT,
	GM_REQ_SIPI,
	GM_REQ_CLOCK,          /* the guest's clock page is to be written */
};
/* From any context, under any lock. */
void gm_vcpu_request(struct gm_vcpu *vcpu, unsigned int req);

/*
 * In the run window, with interrupts off, before anything is loaded: 0 if guest mode must wait,
 * because whoever asked for attention did so before his interrupt would end it. After 1,
 * gm_vcpu_left() follows.
 */
static inline int gm_vcpu_may_enter(struct gm_vcpu *vcpu)
{
	WRITE_ONCE(vcpu->guest_cpu, raw_smp_processor_id());
	smp_mb(); /* pairs with the one in gm_vcpu_request() */
	if (!signal_pending(current) && !need_resched() && !gm_user_work() &&
	    !READ_ONCE(vcpu->requests) && !READ_ONCE(vcpu->run->immediate_exit))
		return 1;
	WRITE_ONCE(vcpu->guest_cpu, -1);
	return 0;
}

static inline void gm_vcpu_left(struct gm_vcpu *vcpu)
{
	WRITE_ONCE(vcpu->guest_cpu, -1);
}

/*
 * irq/bus.c: devices in the kernel, before the program's. kind: enum gm_frag_kind. 0: done; -ENOENT:
 * nobody here answers. Under vcpu->mutex; reads also under slots_sem.
 */
int gm_bus_read(struct gm_vcpu *vcpu, int kind, u64 addr, unsigned int len, void *val);
int gm_bus_write(struct gm_vcpu *vcpu, int kind, u64 addr, unsigned int len, const void *val);
/* Somebody in the kernel may have something at this port. */
int gm_bus_has_port(struct gm_vm *vm, u16 port);
int gm_bus_init(struct gm_vm *vm);
void gm_bus_fini(struct gm_vm *vm);
long gm_bus_ioctl(struct gm_vm *vm, unsigned int cmd, void __user *arg);

/* irq/irqchip.c, irq/irqfd.c */
void gm_irqchip_free(struct gm_vm *vm);
int gm_irqfd_setup(void);
void gm_irqfd_cleanup(void);
void gm_irqfds_end(struct gm_vm *vm); /* all of them; takes bus_sem */

/* irq/clock.c; the MSR functions return -ENOENT for others. gm_clock_service() takes slots_sem. */
void gm_clock_init(struct gm_vm *vm);
void gm_clock_service(struct gm_vcpu *vcpu);
int gm_clock_msr_get(struct gm_vcpu *vcpu, u32 index, u64 *val, int host);
int gm_clock_msr_set(struct gm_vcpu *vcpu, u32 index, u64 val, int host);
void gm_clock_tsc_moved(struct gm_vcpu *vcpu, int by_guest);
int gm_clock_stopped(struct gm_vcpu *vcpu);
long gm_clock_ioctl(struct gm_vm *vm, unsigned int cmd, void __user *arg);

/*
 * irq/lapic.c, under vcpu->mutex; they take irq->lock. Without a local APIC in the kernel the MSR
 * functions return -ENOENT, those for CR8 and IA32_APIC_BASE just keep the value. host: from an ioctl.
 */
int gm_lapic_create(struct gm_vcpu *vcpu); /* vm->lock held */
void gm_lapic_free(struct gm_vcpu *vcpu);
void gm_lapic_reset(struct gm_vcpu *vcpu); /* by INIT */
int gm_lapic_msr_get(struct gm_vcpu *vcpu, u32 index, u64 *val);
int gm_lapic_msr_set(struct gm_vcpu *vcpu, u32 index, u64 val, int host);
int gm_lapic_set_base(struct gm_vcpu *vcpu, u64 val, int host);
void gm_lapic_set_cr8(struct gm_vcpu *vcpu, u64 cr8);
/* The task priority register, of which CR8 is the upper half. There is a local APIC in the kernel. */
u8 gm_lapic_tpr(const struct gm_vcpu *vcpu);
void gm_lapic_set_tpr(struct gm_vcpu *vcpu, u8 tpr);
/*
 * The priority class of an interrupt that CR8 holds back, or 0. Without the lock: whoever adds an interrupt
 * asks for attention afterwards.
 */
u8 gm_lapic_threshold(struct gm_vcpu *vcpu);
long gm_lapic_get(struct gm_vcpu *vcpu, struct gm_lapic_state *s);
long gm_lapic_put(struct gm_vcpu *vcpu, const struct gm_lapic_state *s);
/* Takes the interrupt that is to be delivered if it can be, else -1; sets vcpu->irq_window. */
int gm_irq_take(struct gm_vcpu *vcpu, int can);
unsigned int gm_lapic_nmis(struct gm_vcpu *vcpu); /* those that came since the last call, 0 to 2 */
void gm_lapic_pv_eoi(struct gm_vcpu *vcpu); /* after guest mode, while pv.eoi_offered; takes slots_sem */
u8 gm_lapic_sipi(struct gm_vcpu *vcpu);
void gm_lapic_set_sipi(struct gm_vcpu *vcpu, u8 vector);

/* The breakpoints that are to be in the CPU while the guest runs. */
static inline u64 gm_loaded_dr7(const struct gm_vcpu *vcpu)
{
	return vcpu->debug & GM_DEBUG_HW_BP ? vcpu->debug_dr7 : vcpu->dr7;
}

static inline const u64 *gm_loaded_db(const struct gm_vcpu *vcpu)
{
	return vcpu->debug & GM_DEBUG_HW_BP ? vcpu->debug_db : vcpu->db;
}

/* state.c: the ioctls that read and write a vCPU's state; 0 or more, or -errno */
/* Around RUN: registers from and to the shared page. 0 or -EINVAL. */
long gm_sync_in(struct gm_vcpu *vcpu);
void gm_sync_out(struct gm_vcpu *vcpu);
long gm_state_ioctl(struct gm_vcpu *vcpu, unsigned int cmd, void __user *arg);
void gm_vcpu_reset(struct gm_vcpu *vcpu);
void gm_vcpu_init(struct gm_vcpu *vcpu); /* the INIT signal, but for the local APIC */
void gm_vcpu_sipi(struct gm_vcpu *vcpu, u8 vector);

/* memslot.c; all need slots_sem (read), but those that change slots or read logs, which take it */
int gm_slot_set(struct gm_vm *vm, const struct gm_memory_region *r);
int gm_dirty_log(struct gm_vm *vm, const struct gm_dirty_log *log);
int gm_dirty_clear(struct gm_vm *vm, const struct gm_clear_dirty_log *log);
void gm_slots_free(struct gm_vm *vm);
struct gm_slot *gm_slot_find(struct gm_vm *vm, u64 gfn);
/* The page at an index of a slot, for the moment; may sleep. NULL: the process has none there. */
struct page *gm_slot_page(struct gm_slot *slot, u64 index, int write);
void gm_slot_page_put(struct gm_slot *slot, struct page *page, int written);
/* A page that the process has mapped there may be used without gm_slot_page(). */
int gm_slot_has_page(struct gm_slot *slot, u64 index, u64 pfn);
void gm_slot_dirty(struct gm_slot *slot, u64 index);
/*
 * Copies within one page, by a thread of the VM's process; may sleep. -ENOENT: not memory (or not
 * writable); -EFAULT: the process has nothing there. 1, 2, 4 and (64-bit hosts) 8 aligned bytes are
 * one access.
 */
int gm_mem_read(struct gm_vm *vm, u64 gpa, void *buf, unsigned int len);
/* Where `gpa` is in the process, or 0: valid as long as vm->slots_gen stays. */
unsigned long gm_mem_hva(struct gm_vm *vm, u64 gpa);
/* From there; 1, 2, 4 and (on 64-bit hosts) 8 bytes at once. 0 or -EFAULT. */
int gm_user_read(unsigned long hva, void *buf, unsigned int len);
int gm_mem_write(struct gm_vm *vm, u64 gpa, const void *buf, unsigned int len);
int gm_mem_writable(struct gm_vm *vm, u64 gpa);
/* 1: replaced; 0: was not `old`; negative as above. Aligned, 4 or 8 bytes. */
int gm_mem_cmpxchg(struct gm_vm *vm, u64 gpa, unsigned int size, u64 old, u64 val);

/*
 * fetch.c: walks that are kept. slots_sem is held; acc is X86_ACC_EXEC, READ or WRITE alone. find(): 1 with the
 * guest-physical address; code(): 1 with up to 15 bytes of code from `lin`; 0: not known. keep(): a walk
 * that succeeded.
 */
struct x86_walk_trail;
int gm_fetch_code(struct gm_vcpu *vcpu, u64 lin, int user, void *buf, unsigned int len);
int gm_fetch_find(struct gm_vcpu *vcpu, u64 lin, unsigned int acc, int user, u64 *gpa);
void gm_fetch_keep(struct gm_vcpu *vcpu, u64 lin, unsigned int acc, int user,
		   const struct x86_walk_result *r, const struct x86_walk_trail *t);

/* mmu.c (see mmu.h too) */
int gm_mmu_init(struct gm_vm *vm);
void gm_mmu_fini(struct gm_vm *vm);
/*
 * For local APICs in the kernel: their page is mapped where all start with it, so that the CPU tells
 * of each access what it is. off: one of them moved, is off or has no page; slots_sem is taken.
 */
int gm_mmu_apic_init(struct gm_vm *vm);
void gm_mmu_apic_off(struct gm_vm *vm);
int gm_mmu_vcpu_init(struct gm_vcpu *vcpu);
void gm_mmu_vcpu_fini(struct gm_vcpu *vcpu); /* vm->vcpus[] does not name it any more */
/* Forgets all mappings; no vCPU uses one any more when it returns. slots_sem held for writing. */
void gm_mmu_zap(struct gm_vm *vm);
/* Takes the right to write from mappings of a slot's pages. mmu_lock held. */
void gm_mmu_protect(struct gm_vm *vm, struct gm_slot *slot, u64 first, u64 n);
/* No vCPU uses what was taken away under mmu_lock any more when it returns; held throughout. */
void gm_mmu_flush(struct gm_vm *vm);
/* Flushes if anything was taken away (mmu.stale). */
void gm_mmu_unlock(struct gm_vm *vm);
/* Bytes of guest memory were written by the driver: shadowed tables follow. slots_sem. */
void gm_mmu_written(struct gm_vm *vm, u64 gpa, unsigned int len);

/*
 * notifier.c, and what it calls: pages in [start, end) of the process go away or are looked at. sleep: the caller may,
 * as often as there are many.
 */
int gm_notifier_init(struct gm_vm *vm);
void gm_notifier_fini(struct gm_vm *vm);
void gm_mmu_notify_start(struct gm_vm *vm, unsigned long start, unsigned long end, int sleep);
void gm_mmu_notify_end(struct gm_vm *vm);
int gm_mmu_notify_young(struct gm_vm *vm, unsigned long start, unsigned long end, int clear,
			int flush);

/* cr0, cr3, cr4 or efer changed: translations may be stale. */
static inline void gm_mmu_changed(struct gm_vcpu *vcpu)
{
	vcpu->mmu.reload |= 1;
	vcpu->seen_gen--;
}

/* exit.c. 1: go on, 0: to the program, negative: -errno */
int gm_exit_handle(struct gm_vcpu *vcpu, const struct gm_exit *exit);
int gm_exit_complete(struct gm_vcpu *vcpu);
/* Hand the queued writes, or the read at reads[nread], to the program. */
int gm_exit_frags(struct gm_vcpu *vcpu);
int gm_exit_read(struct gm_vcpu *vcpu);
int gm_internal_error(struct gm_vcpu *vcpu, u32 suberror, u64 info);
void gm_queue_exception(struct gm_vcpu *vcpu, unsigned int nr, int has_err, u32 err);

/* emulate.c */
/* Executes the instruction that left guest mode; exit is NULL when a read of it was answered. */
int gm_emulate(struct gm_vcpu *vcpu, const struct gm_exit *exit);
/* The same for a plain load whose only read was answered. 0: it is something else, for gm_emulate(). */
int gm_emulate_load(struct gm_vcpu *vcpu);
/*
 * Delivers an event through the guest's own tables, for a CPU that cannot. 0; -ECANCELED: shutdown; -EIO:
 * what it needs is not memory.
 */
struct x86_event;
int gm_deliver(struct gm_vcpu *vcpu, const struct x86_event *ev);
/* A hardware task switch. As a handler of exits (exit.c). */
int gm_task_switch(struct gm_vcpu *vcpu, const struct gm_exit *exit);
/* The answer to a repeated INS. */
int gm_emulate_ins(struct gm_vcpu *vcpu);
/* The #UD at rip is of VMCALL or VMMCALL: 1, and rip is behind it. */
int gm_is_hypercall(struct gm_vcpu *vcpu);
/* The walk of a privileged read. 0, or -EINVAL when it faults. */
int gm_translate(struct gm_vcpu *vcpu, u64 lin, u64 *gpa);
/* An instruction was completed in software: the trap that TF asks for after it. */
void gm_step_trap(struct gm_vcpu *vcpu);
/* Moves rip behind the current instruction. 0; negative: a fault was queued or nothing is known. */
int gm_skip(struct gm_vcpu *vcpu, u64 next_rip);

/* cr.c: checked writes. 0, or -EINVAL for what is #GP. */
int gm_set_cr0(struct gm_vcpu *vcpu, u64 val);
int gm_set_cr3(struct gm_vcpu *vcpu, u64 val);
int gm_set_cr4(struct gm_vcpu *vcpu, u64 val);
int gm_set_efer(struct gm_vcpu *vcpu, u64 val);
int gm_set_xcr0(struct gm_vcpu *vcpu, u64 val);
int gm_sregs_valid(struct gm_vcpu *vcpu, const struct gm_sregs *s);
/* The bits of CR4 that a CPU with this CPUID has. */
u64 gm_cr4_mask(const struct gm_cpuid_entry *e, unsigned int n);

/* cpuid.c */
int gm_cpuid_supported(struct gm_cpuid_entry *e, unsigned int max);
/* A feature bit; reg: 0 is EAX. */
int gm_cpuid_has(const struct gm_cpuid_entry *e, unsigned int n, u32 leaf, unsigned int reg,
		 unsigned int bit);
/* Works out what follows from vcpu->cpuid[] (all that can be offered while ncpuid is 0). */
void gm_cpuid_apply(struct gm_vcpu *vcpu);
/* In a copy of one of its entries: what follows the vCPU's registers. */
void gm_cpuid_live(struct gm_vcpu *vcpu, struct gm_cpuid_entry *e);
void gm_cpuid(struct gm_vcpu *vcpu, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx);

/*
 * msr.c. 0, or -EINVAL for what is #GP. host: on behalf of the program, which may set what a guest
 * cannot, and what its CPUID does not announce.
 */
extern const u32 gm_msr_list[];
extern const unsigned int gm_msr_count;
int gm_msr_get(struct gm_vcpu *vcpu, u32 index, u64 *val, int host);
int gm_msr_set(struct gm_vcpu *vcpu, u32 index, u64 val, int host);
/* Those that describe the host to programs (GET_MSRS on the device). */
extern const u32 gm_msr_features[];
extern const unsigned int gm_msr_nfeatures;
int gm_msr_feature(u32 index, u64 *val);
/* Once, before there are guests. */
void gm_msr_setup(void);
/* The backend has tsc_ratio. Set by its setup(). */
extern u8 gm_tsc_scaling;
#define GM_TSC_RATIO_ONE (1ull << 32)
void gm_tsc_set_offset(struct gm_vcpu *vcpu, u64 offset); /* by the program */
long gm_tsc_set_khz(struct gm_vcpu *vcpu, unsigned long khz);
/* The host's counter at the guest's rate. */
u64 gm_tsc_scale(const struct gm_vcpu *vcpu, u64 tsc);
/* The guest's time stamp counter now. */
u64 gm_tsc_read(struct gm_vcpu *vcpu);

/* stats.c. fd: the new VM's, which names its file. */
void gm_stats_init(void);
void gm_stats_exit(void);
void gm_stats_vm(struct gm_vm *vm, int fd);
void gm_stats_vm_end(struct gm_vm *vm);
int gm_stats_fd_vm(struct file *file, struct gm_vm *vm);
int gm_stats_fd_vcpu(struct file *file, struct gm_vcpu *vcpu);

/* mce.c: machine-check registers. 0 or -EINVAL. */
u64 gm_mce_supported(void);
int gm_mce_setup(struct gm_vcpu *vcpu, u64 cap);
int gm_mce_get(struct gm_vcpu *vcpu, u32 index, u64 *val);
int gm_mce_set(struct gm_vcpu *vcpu, u32 index, u64 val, int host);
int gm_mce_inject(struct gm_vcpu *vcpu, const struct gm_mce *m);

/* fpu.c */
void gm_fpu_setup(void);
u64 gm_fpu_mask(void); /* XCR0 bits that a guest can have; 0 without XSAVE */
extern u32 gm_mxcsr_mask; /* bits of MXCSR that this CPU has; constant */
void gm_fpu_reset(struct gm_vcpu *vcpu);
/* In the run window, between kernel_fpu_begin() and kernel_fpu_end(). */
void gm_fpu_load(struct gm_vcpu *vcpu);
void gm_fpu_save(struct gm_vcpu *vcpu);

#endif

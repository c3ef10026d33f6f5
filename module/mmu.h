/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest memory as the CPU sees it: what backends and exits need of mmu*.c.
 *
 * Two ways, chosen once for the module by the backend's setup() in gm_paging:
 *   nested  one tree of tables per VM, guest-physical to host-physical, in the format that gm_paging
 *           describes (AMD's nested tables, Intel's EPT). The guest's paging registers are its own.
 *   shadow  tables made by the driver, linear to host-physical, in the CPU's own PAE or 4-level
 *           format, one root per vCPU. The guest runs with paging on and write protection on all the
 *           time. For CPUs without nested paging, and with the module parameter nested=0.
 *
 * A backend in nested mode
 *   - loads gm_mmu_root() as nCR3 or into the EPT pointer, in the run window, with interrupts off, after it has
 *     read vm->flush_gen;
 *   - reports a violation as GM_X_PAGE with addr = guest-physical address and acc = GM_PF_*.
 * In shadow mode
 *   - loads CR3 = gm_mmu_root(), in the run window as above, and CR0, CR4, EFER from gm_mmu_cr0(), gm_mmu_cr4(),
 *     gm_mmu_efer() (VT-x adds what it requires); PAT stays the host's;
 *   - keeps the vCPU's cr0, cr3, cr4 and efer as the guest set them: nothing but TS may come back
 *     from the CPU;
 *   - intercepts #PF (GM_X_PAGE with addr = linear address, acc = the error code), INVLPG (GM_X_INVLPG with addr, or
 *     GM_X_EMULATE), writes of CR0 (TS may be the guest's own), CR3, CR4, EFER, reads of CR3, reads of
 *     CR0 and CR4 where the loaded value differs from the guest's, and task switches.
 * In both modes whoever changes cr0, cr3, cr4, efer or pdpte of a vCPU calls gm_mmu_changed(), and the loop
 * that calls run() calls gm_mmu_reload() before it while vcpu->mmu.reload is set.
 */
#ifndef GM_MMU_H
#define GM_MMU_H

#include <linux/list.h>
#include <linux/semaphore.h>
#include <linux/types.h>

/* How an access failed: bits of a page fault's error code (Intel SDM volume 3, 4.7). */
#define GM_PF_WRITE 0x02u
#define GM_PF_USER  0x04u
#define GM_PF_FETCH 0x10u

struct gm_vcpu;
struct gm_vm;

/* Filled in by the backend's setup(), constant after it. Bits of entries with nested paging only. */
struct gm_paging {
	u8 nested;        /* 0: shadow */
	u8 levels;        /* of tables: 4 or 5 */
	u8 max_level;     /* of a leaf: 1 is 4 KiB, 2 is 2 MiB, 3 is 1 GiB */
	u64 table;        /* an entry that points to a table: all rights */
	u64 leaf;         /* an entry that maps a page: present, read, execute, memory type */
	u64 write;
	u64 large;        /* in leaves above level 1 */
	u64 small_only;   /* of `leaf`, what is not in those: execution, where the CPU has that fault */
	u64 accessed;     /* 0: the CPU does not set it */
	u8 apic_page;     /* nested: the CPU tells what a guest does in a page that stands for its local APIC's */
};
extern struct gm_paging gm_paging;
/* The module parameter: nested paging may be used where the CPU has it. */
extern bool gm_nested;

#define GM_SPARE_PAGES 16
#define GM_NO_GFN (~0ull)
#define GM_NO_GPA (~0ull)

struct gm_shadow;
struct x86_fault;
struct x86_mmu;
struct x86_walk_result;

/* Of a VM; all under mmu_lock. */
struct gm_vm_mmu {
	u8 stale;                   /* something was taken away: gm_mmu_unlock() flushes */
	unsigned long notify_seq;   /* the process' memory changed so many times */
	unsigned int notify_count;  /* it is being changed right now */
	u64 *spare[GM_SPARE_PAGES];
	unsigned int nspare;
	void *apic;                 /* what is mapped there for gm_paging.apic_page, or NULL; constant */
	u8 apic_off;                /* not any more; slots_sem */
	u64 *root, *root_spare;     /* nested; root is read in the run window */
	struct gm_shadow *pool;     /* shadow: see mmu_shadow_page.c */
	unsigned int npool;         /* how many there can be */
	unsigned int nused;         /* how many have pages */
	unsigned int nfree;
	struct semaphore grow;      /* whoever gives pages to another; taken before mmu_lock */
	struct hlist_head *hash;
	struct list_head used, free, unsync;
};

/* Also: the program may have written new tables itself. */
#define GM_RELOAD_ALL 2

/* Of a vCPU, under its mutex. */
struct gm_vcpu_mmu {
	u8 reload;        /* GM_RELOAD_*: cr0, cr3, cr4 or efer changed: call gm_mmu_reload() before run() */
	u64 pdpte[4];     /* shadow: of a guest with PAE paging, as its last load of CR3 left them */
	struct gm_shadow *top; /* shadow: what points to the root, or roots with PAE; mmu_lock */
	u64 fault_gpa;    /* shadow: where the operand of the last fault is, or GM_NO_GPA */
	u64 table_gfn;    /* shadow: the table that the last fault wanted to write, or GM_NO_GFN */
	u64 tried_gfn, tried_rip; /* where gm_mmu_unprotect() was the answer the last time */
};

/* 0; or -errno, which ends RUN. May sleep. */
int gm_mmu_reload(struct gm_vcpu *vcpu);
/* Physical address of the root, for this entry only. Run window. */
u64 gm_mmu_root(struct gm_vcpu *vcpu);
/* What the CPU is to have in place of the guest's registers. */
u64 gm_mmu_cr0(struct gm_vcpu *vcpu);
u64 gm_mmu_cr4(struct gm_vcpu *vcpu);
u64 gm_mmu_efer(struct gm_vcpu *vcpu);

/*
 * Answers GM_X_PAGE. 0: go on in the guest (mapped; or the guest's own #PF is queued). -ENOENT: the
 * instruction is to be emulated (no memory there, a write to a read-only slot or to a guest table that
 * is shadowed). Other -errno end RUN. Needs slots_sem (read); may sleep.
 */
int gm_mmu_fault(struct gm_vcpu *vcpu, u64 addr, u32 acc);
/*
 * After -ENOENT: 1 if it was for a shadowed table, which is no longer one, so that the guest can execute the
 * instruction itself; 0 if there is no such way out.
 */
int gm_mmu_unprotect(struct gm_vcpu *vcpu);
/* What x86_walk() needs to follow the guest's tables. 0; X86_FAULT: bad PDPTEs; -errno. slots_sem. */
int gm_walk_setup(struct gm_vcpu *vcpu, struct x86_mmu *mmu);
/* The guest executed INVLPG. Needs slots_sem (read). */
void gm_mmu_invlpg(struct gm_vcpu *vcpu, u64 lin);

#endif

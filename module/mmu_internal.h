/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What mmu.c, mmu_nested.c, mmu_shadow.c and notifier.c share among themselves. */
#ifndef GM_MMU_INTERNAL_H
#define GM_MMU_INTERNAL_H

#include "module/gm.h"

#include <asm/msr.h>

#include "module/x86/walk.h"

/* Entries of the CPU's own page tables (Intel SDM volume 3, 4.5). */
#define GM_PT_P    0x001ull
#define GM_PT_W    0x002ull
#define GM_PT_U    0x004ull
#define GM_PT_A    0x020ull
#define GM_PT_D    0x040ull
#define GM_PT_PS   0x080ull
#define GM_PT_NX   (1ull << 63)
#define GM_PT_ADDR 0x000ffffffffff000ull

#define GM_APIC_GFN 0xfee00ull

#ifdef CONFIG_X86_64
#define GM_GFP_DMA32 __GFP_DMA32
#else
#define GM_GFP_DMA32 0
#endif

#define GM_CR4_LA57 (1ul << 12)
#define GM_CR4_SMEP (1ul << 20)
#define GM_CR4_SMAP (1ul << 21)
#define GM_CR4_PKE  (1ul << 22)

/* One of the two ways of paging. Those without a word on locks are called with mmu_lock held. */
struct gm_mmu_ops {
	int (*init)(struct gm_vm *vm);               /* no lock */
	void (*fini)(struct gm_vm *vm);              /* no lock, no vCPU left */
	int (*vcpu_init)(struct gm_vcpu *vcpu);      /* no lock */
	void (*vcpu_fini)(struct gm_vcpu *vcpu);     /* no lock */
	int (*fault)(struct gm_vcpu *vcpu, u64 addr, u32 acc); /* slots_sem; -EAGAIN: try again */
	void (*reload)(struct gm_vcpu *vcpu);        /* slots_sem */
	void (*invlpg)(struct gm_vcpu *vcpu, u64 lin); /* slots_sem */
	void (*written)(struct gm_vm *vm, u64 gpa, unsigned int len); /* slots_sem */
	int (*unprotect)(struct gm_vcpu *vcpu);      /* no lock, or slots_sem */
	u64 (*root)(struct gm_vcpu *vcpu);           /* run window */
	/* Forgets everything. slots_sem held for writing, no other lock; no vCPU uses a mapping after. */
	void (*zap)(struct gm_vm *vm);
	/* For n pages of a slot from an index on: forget; take the right to write; accessed? */
	void (*unmap)(struct gm_vm *vm, struct gm_slot *slot, u64 first, u64 n);
	void (*protect)(struct gm_vm *vm, struct gm_slot *slot, u64 first, u64 n);
	int (*young)(struct gm_vm *vm, struct gm_slot *slot, u64 first, u64 n, int clear);
};
extern const struct gm_mmu_ops gm_mmu_nested, gm_mmu_shadow;

/* A page on its way into a mapping. */
struct gm_fill {
	struct gm_slot *slot; /* NULL: the local APIC's page (nested) */
	u64 gfn;
	struct page *page;    /* held until gm_fill_end(); NULL: it needs not to be */
	u64 pfn;
	u8 write;       /* it is to be written */
	u8 writable;    /* a mapping may allow writes */
	u8 level;       /* largest leaf that is possible */
};
/*
 * Finds the page of a guest-physical address and takes mmu_lock. 0; or, without the lock: -ENOENT (no
 * memory, or not writable), -EFAULT (the process has nothing there), -EAGAIN. Needs slots_sem.
 */
int gm_fill_begin(struct gm_vm *vm, struct gm_fill *f, u64 gpa, int write);
/*
 * Between those two, with a copy of what begin found: another page, if the process has it mapped already. 1: found, and
 * nothing is held for it; 0: not. Nothing sleeps.
 */
int gm_fill_peek(struct gm_vm *vm, struct gm_fill *f, u64 gfn);
void gm_fill_end(struct gm_vm *vm, struct gm_fill *f);

/* Zeroed pages that are there when mmu_lock forbids to wait for one. At most GM_SPARE_PAGES. */
int gm_mmu_spare(struct gm_vm *vm, unsigned int want);
u64 *gm_mmu_spare_take(struct gm_vm *vm);

/* Writes an entry that a CPU may be reading. */
static inline void gm_entry_set(u64 *entry, u64 val)
{
#ifdef CONFIG_X86_64
	WRITE_ONCE(*entry, val);
#else
	u32 *half = (u32 *)entry;

	/* Not present while the halves do not belong together. */
	WRITE_ONCE(half[0], 0);
	smp_wmb();
	WRITE_ONCE(half[1], val >> 32);
	smp_wmb();
	WRITE_ONCE(half[0], (u32)val);
#endif
}

static inline u64 *gm_entry_table(u64 entry)
{
	return (u64 *)__va(entry & GM_PT_ADDR);
}

#endif

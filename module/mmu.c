// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Nested page tables: guest-physical to host-physical, 4 KiB leaves, in the format of gm_paging (AMD
 * APM volume 2, 15.25; Intel SDM volume 3, 29.3). Leaves name pages that the slot holds pinned, so a mapping never
 * outlives its page: slots unpin after gm_mmu_zap() only.
 */
#include "module/gm.h"

#include <linux/gfp.h>
#include <linux/smp.h>
#include <asm/io.h>

#define NPT_P     0x01ull /* EPT: readable */
#define NPT_ADDR  0x000ffffffffff000ull
/* Pages mapped at one fault, aligned. */
#define NPT_AROUND 16

struct gm_paging gm_paging;

static u64 *table_alloc(void)
{
	return (u64 *)__get_free_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
}

static u64 *table_of(u64 entry)
{
	return (u64 *)__va(entry & NPT_ADDR);
}

/* Frees what hangs on the entries of a table; level 1 holds leaves. */
static void table_clear(u64 *table, unsigned int level)
{
	unsigned int i;

	for (i = 0; i < 512; i++) {
		if (level > 1 && (table[i] & NPT_P)) {
			table_clear(table_of(table[i]), level - 1);
			free_page((unsigned long)table_of(table[i]));
		}
		table[i] = 0;
	}
}

int gm_mmu_init(struct gm_vm *vm)
{
	vm->root = table_alloc();
	vm->root_spare = table_alloc();
	if (vm->root && vm->root_spare)
		return 0;
	gm_mmu_fini(vm);
	return -ENOMEM;
}

void gm_mmu_fini(struct gm_vm *vm)
{
	if (vm->root)
		table_clear(vm->root, gm_paging.levels);
	free_page((unsigned long)vm->root);
	free_page((unsigned long)vm->root_spare);
	vm->root = vm->root_spare = NULL;
}

/* The leaf entry of a page; with `make`, tables on the way are made. NULL: not there. */
static u64 *leaf(u64 *table, unsigned int level, u64 gfn, int make)
{
	u64 *entry, *sub;

	for (;; level--) {
		entry = &table[(gfn >> (9 * (level - 1))) & 511];
		if (level == 1)
			return entry;
		if (!(*entry & NPT_P)) {
			sub = make ? table_alloc() : NULL;
			if (!sub)
				return NULL;
			WRITE_ONCE(*entry, virt_to_phys(sub) | gm_paging.table);
		}
		table = table_of(*entry);
	}
}

int gm_mmu_reload(struct gm_vcpu *vcpu)
{
	vcpu->mmu.reload = 0;
	return 0;
}

u64 gm_mmu_root(struct gm_vcpu *vcpu)
{
	return virt_to_phys(READ_ONCE(vcpu->vm->root));
}

/* A guest that has its caches off would crawl: hide it from the CPU, not from the guest. */
u64 gm_mmu_cr0(struct gm_vcpu *vcpu)
{
	return vcpu->cr0 & ~(u64)(X86_CR0_CD | X86_CR0_NW);
}

u64 gm_mmu_cr4(struct gm_vcpu *vcpu)
{
	return vcpu->cr4;
}

u64 gm_mmu_efer(struct gm_vcpu *vcpu)
{
	return vcpu->efer;
}

void gm_mmu_invlpg(struct gm_vcpu *vcpu, u64 lin)
{
	vcpu->seen_gen--;
}

int gm_mmu_fault(struct gm_vcpu *vcpu, u64 gpa, u32 acc)
{
	struct gm_vm *vm = vcpu->vm;
	struct gm_slot *slot = gm_slot_find(vm, gpa >> PAGE_SHIFT);
	u64 gfn, first, last, *entry;
	struct page *page;
	int ret = -EFAULT;

	if (!slot || ((acc & GM_PF_WRITE) && (slot->flags & GM_MEM_READONLY)))
		return -ENOENT;
	first = max((gpa >> PAGE_SHIFT) & ~(u64)(NPT_AROUND - 1), slot->gfn);
	last = min(((gpa >> PAGE_SHIFT) | (NPT_AROUND - 1)) + 1, slot->gfn + slot->npages);
	mutex_lock(&vm->mmu_lock);
	for (gfn = first; gfn < last; gfn++) {
		page = gm_slot_page(vm, slot, gfn - slot->gfn);
		if (!page)
			continue;
		entry = leaf(vm->root, gm_paging.levels, gfn, 1);
		if (!entry) {
			ret = -ENOMEM;
			break;
		}
		if (!(*entry & NPT_P))
			WRITE_ONCE(*entry, page_to_phys(page) | gm_paging.leaf |
						   (slot->flags & GM_MEM_READONLY ? 0 : gm_paging.write));
		if (gfn == gpa >> PAGE_SHIFT)
			ret = 0;
	}
	mutex_unlock(&vm->mmu_lock);
	return ret;
}

void gm_mmu_harvest(struct gm_vm *vm, u64 *root, struct gm_slot *slot)
{
	u64 i, *entry;

	for (i = 0; i < slot->npages; i++) {
		cond_resched();
		entry = leaf(root, gm_paging.levels, slot->gfn + i, 0);
		if (!entry) {
			/* No table: on to the first page of the next one. */
			i = ((slot->gfn + i) | 511) - slot->gfn;
			continue;
		}
		if (test_and_clear_bit(gm_paging.dirty_bit, (unsigned long *)entry))
			gm_slot_dirty(slot, i);
	}
}

static void flush_ack(void *unused)
{
	/* The interrupt itself is what makes guest mode end. */
}

void gm_mmu_flush(struct gm_vm *vm)
{
	atomic_inc(&vm->flush_gen);
	smp_mb(); /* before the CPUs are looked at: see the run window's check */
	preempt_disable();
	gm_call_others(flush_ack, NULL);
	preempt_enable();
}

void gm_mmu_zap(struct gm_vm *vm)
{
	u64 *old;
	unsigned int i;

	mutex_lock(&vm->mmu_lock);
	old = vm->root;
	WRITE_ONCE(vm->root, vm->root_spare);
	gm_mmu_flush(vm);
	for (i = 0; i < GM_MAX_SLOTS; i++)
		if (vm->slots[i].dirty)
			gm_mmu_harvest(vm, old, &vm->slots[i]);
	table_clear(old, gm_paging.levels);
	vm->root_spare = old;
	mutex_unlock(&vm->mmu_lock);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Nested page tables: one tree per VM, guest-physical to host-physical, in the format of gm_paging
 * (AMD APM volume 2, 15.25; Intel SDM volume 3, 29.3). Where process and guest have memory in large
 * pages, so has the tree; a large page is split when something smaller than it happens.
 */
#include "module/mmu_internal.h"

#include <linux/gfp.h>
#include <asm/io.h>

static u64 *table_alloc(void)
{
	return (u64 *)__get_free_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
}

static int is_table(u64 entry, unsigned int level)
{
	return level > 1 && (entry & GM_PT_P) && !(entry & gm_paging.large);
}

/* Frees what hangs on the entries of a table. */
static void table_clear(u64 *table, unsigned int level)
{
	unsigned int i;

	for (i = 0; i < 512; i++) {
		if (is_table(table[i], level)) {
			table_clear(gm_entry_table(table[i]), level - 1);
			free_page((unsigned long)gm_entry_table(table[i]));
		}
		table[i] = 0;
		/* So large ones are cleared without the lock only. */
		if (level > 2)
			cond_resched();
	}
}

static void nested_fini(struct gm_vm *vm)
{
	if (vm->mmu.root)
		table_clear(vm->mmu.root, gm_paging.levels);
	free_page((unsigned long)vm->mmu.root);
	free_page((unsigned long)vm->mmu.root_spare);
}

static int nested_init(struct gm_vm *vm)
{
	vm->mmu.root = table_alloc();
	vm->mmu.root_spare = table_alloc();
	return vm->mmu.root && vm->mmu.root_spare ? 0 : -ENOMEM;
}

static u64 nested_root(struct gm_vcpu *vcpu)
{
	return virt_to_phys(READ_ONCE(vcpu->vm->mmu.root));
}

static u64 *entry_of(u64 *table, u64 gfn, unsigned int level)
{
	return &table[(gfn >> (9 * (level - 1))) & 511];
}

/* Puts a table in the place of a large leaf, that maps the same. */
static void split(u64 *entry, u64 *table, unsigned int level)
{
	u64 leaf = *entry, step = 1ull << (PAGE_SHIFT + 9 * (level - 2));
	unsigned int i;

	if (level == 2)
		leaf = (leaf & ~gm_paging.large) | gm_paging.leaf;
	for (i = 0; i < 512; i++)
		table[i] = leaf + i * step;
	smp_wmb(); /* the table is filled before it is reachable */
}

static int nested_map(struct gm_vm *vm, const struct gm_fill *f)
{
	unsigned int level = gm_paging.levels, want = min(f->level, gm_paging.max_level);
	u64 *table = vm->mmu.root, *entry, *sub, leaf, old;

	for (;; level--) {
		entry = entry_of(table, f->gfn, level);
		old = *entry;
		if (level == want)
			break;
		if (!is_table(old, level)) {
			sub = gm_mmu_spare_take(vm);
			if (!sub)
				return -EAGAIN;
			if (old & GM_PT_P) {
				split(entry, sub, level);
				vm->mmu.stale = 1;
			}
			gm_entry_set(entry, virt_to_phys(sub) | gm_paging.table);
		}
		table = gm_entry_table(*entry);
	}
	leaf = (f->pfn & ~((1ull << (9 * (level - 1))) - 1)) << PAGE_SHIFT;
	leaf |= gm_paging.leaf | gm_paging.accessed | (f->writable ? gm_paging.write : 0);
	if (level > 1)
		leaf = (leaf & ~gm_paging.small_only) | gm_paging.large;
	/* Another vCPU may have cached the right to write: it stays, or a dirty log would miss its writes. */
	if ((old & GM_PT_P) && !is_table(old, level) && !((old ^ leaf) & GM_PT_ADDR))
		leaf |= old & gm_paging.write;
	gm_entry_set(entry, leaf);
	if (is_table(old, level)) {
		gm_mmu_flush(vm);
		table_clear(gm_entry_table(old), level - 1);
		free_page((unsigned long)gm_entry_table(old));
	} else if ((old & GM_PT_P) && ((old ^ leaf) & GM_PT_ADDR)) {
		vm->mmu.stale = 1;
	}
	if (f->writable && f->slot)
		gm_slot_dirty(f->slot, f->gfn - f->slot->gfn);
	return 0;
}

static int nested_fault(struct gm_vcpu *vcpu, u64 gpa, u32 acc)
{
	struct gm_vm *vm = vcpu->vm;
	struct gm_fill f;
	int ret;

	if (gpa >> min_t(unsigned int, PAGE_SHIFT + 9 * gm_paging.levels, 63))
		return -ENOENT;
	ret = gm_mmu_spare(vm, gm_paging.levels);
	if (!ret)
		ret = gm_fill_begin(vm, &f, gpa, !!(acc & GM_PF_WRITE));
	if (ret)
		return ret;
	/*
	 * A guest that changes the size of pages that it executes can stop some CPUs (CVE-2018-12207), if we have
	 * large pages there as well.
	 */
	if ((acc & GM_PF_FETCH) && gm_paging.small_only)
		f.level = 1;
	ret = nested_map(vm, &f);
	gm_fill_end(vm, &f);
	return ret;
}

/* The entry that ends the walk to a frame: a leaf, or one that is not present. */
static u64 *nested_find(struct gm_vm *vm, u64 gfn, unsigned int *level)
{
	u64 *entry, *table = vm->mmu.root;

	for (*level = gm_paging.levels;; (*level)--) {
		entry = entry_of(table, gfn, *level);
		if (!is_table(*entry, *level))
			return entry;
		table = gm_entry_table(*entry);
	}
}

/* Clears bits in all leaves that touch the range. Returns which of them were set somewhere. */
static u64 range_clear(struct gm_vm *vm, struct gm_slot *slot, u64 first, u64 n, u64 bits)
{
	u64 gfn = slot->gfn + first, end = gfn + n, *entry, had = 0;
	unsigned int level;

	for (; gfn < end; gfn = (gfn | ((1ull << (9 * (level - 1))) - 1)) + 1) {
		entry = nested_find(vm, gfn, &level);
		if (!(*entry & bits))
			continue;
		had |= *entry & bits;
		gm_entry_set(entry, *entry & ~bits);
	}
	return had;
}

static void nested_unmap(struct gm_vm *vm, struct gm_slot *slot, u64 first, u64 n)
{
	if (range_clear(vm, slot, first, n, ~0ull))
		vm->mmu.stale = 1;
}

static void nested_protect(struct gm_vm *vm, struct gm_slot *slot, u64 first, u64 n)
{
	if (range_clear(vm, slot, first, n, gm_paging.write))
		vm->mmu.stale = 1;
}

/* Where the CPU does not set accessed bits, whatever is mapped was accessed. */
static int nested_young(struct gm_vm *vm, struct gm_slot *slot, u64 first, u64 n, int clear)
{
	u64 bit = gm_paging.accessed, gfn;
	unsigned int level;

	if (clear && bit)
		return !!range_clear(vm, slot, first, n, bit);
	if (clear) {
		bit = range_clear(vm, slot, first, n, ~0ull);
		vm->mmu.stale |= !!bit;
		return !!bit;
	}
	for (gfn = slot->gfn + first; n; gfn++, n--)
		if (*nested_find(vm, gfn, &level) & (bit ? bit : GM_PT_P))
			return 1;
	return 0;
}

static void nested_zap(struct gm_vm *vm)
{
	u64 *old = vm->mmu.root;

	spin_lock(&vm->mmu_lock);
	WRITE_ONCE(vm->mmu.root, vm->mmu.root_spare);
	vm->mmu.stale = 1;
	gm_mmu_unlock(vm);
	/* slots_sem is held for writing: nobody else needs the other root now. */
	table_clear(old, gm_paging.levels);
	vm->mmu.root_spare = old;
}

const struct gm_mmu_ops gm_mmu_nested = {
	.init = nested_init,
	.fini = nested_fini,
	.fault = nested_fault,
	.root = nested_root,
	.zap = nested_zap,
	.unmap = nested_unmap,
	.protect = nested_protect,
	.young = nested_young,
};

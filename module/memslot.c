// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guest memory: slots of the process' memory. A page is pinned when it is first used and stays so
 * until its slot goes, so that no munmap, fork or swap-out can take it from under a running guest;
 * the whole slot counts against RLIMIT_MEMLOCK from the start. A process that unmaps or remaps
 * a slot's range sees other pages than the guest until it sets the slot anew.
 */
#include "module/gm.h"

#include <linux/bitops.h>
#include <linux/highmem.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

/* 512 GiB: the array of pages stays below what the kernel allocates at once. */
#define SLOT_MAX_PAGES (1ull << 27)

struct gm_slot *gm_slot_find(struct gm_vm *vm, u64 gfn)
{
	unsigned int i;

	for (i = 0; i < GM_MAX_SLOTS; i++)
		if (gfn >= vm->slots[i].gfn && gfn - vm->slots[i].gfn < vm->slots[i].npages)
			return &vm->slots[i];
	return NULL;
}

struct page *gm_slot_page(struct gm_vm *vm, struct gm_slot *slot, u64 index)
{
	if (!slot->pages[index])
		slot->pages[index] = gm_page_pin(slot->hva + (index << PAGE_SHIFT),
						 !(slot->flags & GM_MEM_READONLY));
	return slot->pages[index];
}

void gm_slot_dirty(struct gm_slot *slot, u64 index)
{
	if (slot->dirty)
		set_bit(index, slot->dirty);
}

/* Ends a slot that no mapping refers to any more. */
static void slot_release(struct gm_vm *vm, struct gm_slot *slot)
{
	bool dirty = !(slot->flags & GM_MEM_READONLY);
	u64 i;

	for (i = 0; slot->pages && i < slot->npages; i++) {
		if (slot->pages[i])
			gm_page_unpin(slot->pages[i], dirty);
		if (!(i & 1023))
			cond_resched();
	}
	if (slot->npages)
		gm_mm_charge(vm->mm, slot->npages, 0);
	kvfree(slot->pages);
	kvfree(slot->dirty);
	memset(slot, 0, sizeof(*slot));
}

void gm_slots_free(struct gm_vm *vm)
{
	unsigned int i;

	for (i = 0; i < GM_MAX_SLOTS; i++)
		slot_release(vm, &vm->slots[i]);
}

static unsigned long *bitmap_alloc_pages(u64 npages)
{
	return kvcalloc(BITS_TO_LONGS(npages), sizeof(long), GFP_KERNEL_ACCOUNT);
}

static int slot_make(struct gm_vm *vm, const struct gm_memory_region *r, struct gm_slot *s)
{
	int ret;

	memset(s, 0, sizeof(*s));
	ret = gm_mm_charge(vm->mm, r->memory_size >> PAGE_SHIFT, 1);
	if (ret)
		return ret;
	s->gfn = r->guest_phys_addr >> PAGE_SHIFT;
	s->npages = r->memory_size >> PAGE_SHIFT;
	s->hva = r->userspace_addr;
	s->flags = r->flags;
	s->pages = kvcalloc(s->npages, sizeof(*s->pages), GFP_KERNEL_ACCOUNT);
	if (s->pages && (r->flags & GM_MEM_LOG_DIRTY))
		s->dirty = bitmap_alloc_pages(s->npages);
	if (s->pages && (s->dirty || !(r->flags & GM_MEM_LOG_DIRTY)))
		return 0;
	slot_release(vm, s);
	return -ENOMEM;
}

static int region_check(const struct gm_memory_region *r)
{
	u64 limit = 1ull << min_t(unsigned int, gm_phys_bits(), 48);

	if (r->slot >= GM_MAX_SLOTS || (r->flags & ~(GM_MEM_LOG_DIRTY | GM_MEM_READONLY)))
		return -EINVAL;
	if ((r->guest_phys_addr | r->memory_size | r->userspace_addr) & ~PAGE_MASK)
		return -EINVAL;
	if (r->memory_size >> PAGE_SHIFT > SLOT_MAX_PAGES)
		return -EINVAL;
	if (r->guest_phys_addr >= limit || r->memory_size > limit - r->guest_phys_addr)
		return -EINVAL;
	if (r->userspace_addr != (unsigned long)r->userspace_addr ||
	    !gm_access_ok(r->userspace_addr, r->memory_size))
		return -EINVAL;
	return 0;
}

static int region_overlaps(struct gm_vm *vm, const struct gm_memory_region *r)
{
	u64 gfn = r->guest_phys_addr >> PAGE_SHIFT, n = r->memory_size >> PAGE_SHIFT;
	unsigned int i;

	for (i = 0; i < GM_MAX_SLOTS; i++)
		if (i != r->slot && gfn < vm->slots[i].gfn + vm->slots[i].npages &&
		    vm->slots[i].gfn < gfn + n)
			return 1;
	return 0;
}

/* Turns dirty logging on or off without touching the pages. */
static int slot_log(struct gm_vm *vm, struct gm_slot *slot, u32 flags)
{
	unsigned long *dirty = NULL, *old;

	if (flags & GM_MEM_LOG_DIRTY) {
		if (slot->dirty)
			return 0;
		dirty = bitmap_alloc_pages(slot->npages);
		if (!dirty)
			return -ENOMEM;
		/* What was written before does not count. */
		mutex_lock(&vm->mmu_lock);
		gm_mmu_harvest(vm, vm->root, slot);
		gm_mmu_flush(vm);
		mutex_unlock(&vm->mmu_lock);
	}
	old = slot->dirty;
	slot->dirty = dirty;
	slot->flags = flags;
	kvfree(old);
	return 0;
}

int gm_slot_set(struct gm_vm *vm, const struct gm_memory_region *r)
{
	struct gm_slot *slot, fresh;
	int ret = region_check(r);

	if (ret)
		return ret;
	memset(&fresh, 0, sizeof(fresh));
	down_write(&vm->slots_sem);
	slot = &vm->slots[r->slot];
	ret = -EINVAL;
	if (!r->memory_size && !slot->npages)
		goto out;
	ret = -EEXIST;
	if (region_overlaps(vm, r))
		goto out;
	if (r->memory_size && slot->npages == r->memory_size >> PAGE_SHIFT &&
	    slot->gfn == r->guest_phys_addr >> PAGE_SHIFT && slot->hva == r->userspace_addr &&
	    !((slot->flags ^ r->flags) & GM_MEM_READONLY)) {
		ret = slot_log(vm, slot, r->flags);
		goto out;
	}
	ret = r->memory_size ? slot_make(vm, r, &fresh) : 0;
	if (ret)
		goto out;
	if (slot->npages) {
		gm_mmu_zap(vm);
		slot_release(vm, slot);
	}
	*slot = fresh;
out:
	up_write(&vm->slots_sem);
	return ret;
}

int gm_dirty_log(struct gm_vm *vm, const struct gm_dirty_log *log)
{
	unsigned long *fresh = NULL, *old = NULL;
	struct gm_slot *slot;
	size_t bytes = 0;
	int ret = -ENOENT;

	if (log->slot >= GM_MAX_SLOTS)
		return -EINVAL;
	down_write(&vm->slots_sem);
	slot = &vm->slots[log->slot];
	if (!slot->dirty)
		goto out;
	ret = -ENOMEM;
	bytes = BITS_TO_LONGS(slot->npages) * sizeof(long);
	fresh = bitmap_alloc_pages(slot->npages);
	if (!fresh)
		goto out;
	mutex_lock(&vm->mmu_lock);
	gm_mmu_harvest(vm, vm->root, slot);
	gm_mmu_flush(vm);
	mutex_unlock(&vm->mmu_lock);
	old = slot->dirty;
	slot->dirty = fresh;
	ret = 0;
out:
	up_write(&vm->slots_sem);
	if (!ret && copy_to_user((void __user *)(unsigned long)log->bitmap, old, bytes))
		ret = -EFAULT;
	kvfree(old);
	return ret;
}

/* ---- access by the driver itself ---- */

/* The page that holds gpa, or NULL; mmu_lock is taken for the pinning only: slots_sem keeps it. */
static struct page *mem_page(struct gm_vm *vm, u64 gpa, int write)
{
	struct gm_slot *slot = gm_slot_find(vm, gpa >> PAGE_SHIFT);
	struct page *page;
	u64 index;

	if (!slot || (write && (slot->flags & GM_MEM_READONLY)))
		return NULL;
	index = (gpa >> PAGE_SHIFT) - slot->gfn;
	mutex_lock(&vm->mmu_lock);
	page = gm_slot_page(vm, slot, index);
	if (page && write)
		gm_slot_dirty(slot, index);
	mutex_unlock(&vm->mmu_lock);
	return page;
}

int gm_mem_read(struct gm_vm *vm, u64 gpa, void *buf, unsigned int len)
{
	struct page *page = mem_page(vm, gpa, 0);

	if (!page)
		return -ENOENT;
	memcpy(buf, (u8 *)kmap(page) + offset_in_page(gpa), len);
	kunmap(page);
	return 0;
}

int gm_mem_write(struct gm_vm *vm, u64 gpa, const void *buf, unsigned int len)
{
	struct page *page = mem_page(vm, gpa, 1);

	if (!page)
		return -ENOENT;
	memcpy((u8 *)kmap(page) + offset_in_page(gpa), buf, len);
	kunmap(page);
	return 0;
}

int gm_mem_writable(struct gm_vm *vm, u64 gpa)
{
	struct gm_slot *slot = gm_slot_find(vm, gpa >> PAGE_SHIFT);

	return slot && !(slot->flags & GM_MEM_READONLY);
}

int gm_mem_cmpxchg(struct gm_vm *vm, u64 gpa, unsigned int size, u64 old, u64 val)
{
	struct page *page = mem_page(vm, gpa, 1);
	void *p;
	int done;

	if (!page)
		return -ENOENT;
	p = (u8 *)kmap(page) + offset_in_page(gpa);
	if (size == 8)
		done = gm_cmpxchg64((u64 *)p, old, val) == old;
	else
		done = cmpxchg((u32 *)p, (u32)old, (u32)val) == (u32)old;
	kunmap(page);
	return done;
}

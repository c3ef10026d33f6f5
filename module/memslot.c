// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guest memory: slots of the process' ordinary memory. Nothing is pinned: a page is looked for when
 * it is used, and the process' memory management tells when it takes one away (notifier.c). So
 * guests are swapped, shared and moved like any other memory.
 *
 * A kernel without mmu notifiers cannot tell: there a page is pinned when it is first used and stays
 * so until its slot goes, and the whole slot counts against RLIMIT_MEMLOCK.
 */
#include "module/gm.h"

#include <linux/bitops.h>
#include <linux/highmem.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

/* What one allocation of an array can hold. */
#define SLOT_MAX_PAGES (1ull << 27)
/* For so many at a time mmu_lock is held. */
#define PROTECT_PAGES ((u64)0x10000)

struct gm_slot *gm_slot_find(struct gm_vm *vm, u64 gfn)
{
	struct gm_slot *slot = &vm->slots[READ_ONCE(vm->slot_last)];
	unsigned int lo = 0, hi = vm->nslots, mid;

	if (gfn - slot->gfn < slot->npages)
		return slot;
	/* The last that begins at or before gfn. */
	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (vm->slots[vm->slot_order[mid]].gfn <= gfn)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo)
		return NULL;
	slot = &vm->slots[vm->slot_order[lo - 1]];
	if (gfn - slot->gfn >= slot->npages)
		return NULL;
	WRITE_ONCE(vm->slot_last, vm->slot_order[lo - 1]);
	return slot;
}

/* After a change of slots[]: those in use, by guest address. Both locks are held. */
static void slots_sort(struct gm_vm *vm)
{
	unsigned int i, j;

	vm->slots_gen++;
	vm->nslots = 0;
	for (i = 0; i < GM_MAX_SLOTS; i++) {
		if (!vm->slots[i].npages)
			continue;
		for (j = vm->nslots++; j && vm->slots[vm->slot_order[j - 1]].gfn > vm->slots[i].gfn; j--)
			vm->slot_order[j] = vm->slot_order[j - 1];
		vm->slot_order[j] = i;
	}
}

static unsigned long slot_hva(const struct gm_slot *slot, u64 index)
{
	return slot->hva + (unsigned long)(index << PAGE_SHIFT);
}

/* ---- pages ---- */

#ifdef GM_MMU_NOTIFIERS
struct page *gm_slot_page(struct gm_slot *slot, u64 index, int write)
{
	return gm_page_get(slot_hva(slot, index), write);
}

void gm_slot_page_put(struct gm_slot *slot, struct page *page, int written)
{
	if (written && !PageDirty(page))
		set_page_dirty_lock(page);
	put_page(page);
}

int gm_slot_has_page(struct gm_slot *slot, u64 index, u64 pfn)
{
	return 1;
}

static int pages_make(struct gm_vm *vm, struct gm_slot *slot)
{
	return 0;
}

static void pages_release(struct gm_vm *vm, struct gm_slot *slot)
{
}
#else
struct page *gm_slot_page(struct gm_slot *slot, u64 index, int write)
{
	struct page *page = READ_ONCE(slot->pages[index]);

	if (page)
		return page;
	page = gm_page_pin(slot_hva(slot, index), !(slot->flags & GM_MEM_READONLY));
	/* Another vCPU may have been faster. */
	if (page && cmpxchg(&slot->pages[index], NULL, page))
		gm_page_unpin(page, 0);
	return slot->pages[index];
}

void gm_slot_page_put(struct gm_slot *slot, struct page *page, int written)
{
}

int gm_slot_has_page(struct gm_slot *slot, u64 index, u64 pfn)
{
	struct page *page = READ_ONCE(slot->pages[index]);

	return page && page_to_pfn(page) == pfn;
}

static int pages_make(struct gm_vm *vm, struct gm_slot *slot)
{
	int ret = gm_mm_charge(vm->mm, slot->npages, 1);

	if (ret)
		return ret;
	slot->pages = kvcalloc(slot->npages, sizeof(*slot->pages), GFP_KERNEL_ACCOUNT);
	if (!slot->pages)
		gm_mm_charge(vm->mm, slot->npages, 0);
	return slot->pages ? 0 : -ENOMEM;
}

static void pages_release(struct gm_vm *vm, struct gm_slot *slot)
{
	bool dirty = !(slot->flags & GM_MEM_READONLY);
	u64 i;

	if (!slot->pages)
		return;
	for (i = 0; i < slot->npages; i++) {
		if (slot->pages[i])
			gm_page_unpin(slot->pages[i], dirty);
		if (!(i & 1023))
			cond_resched();
	}
	gm_mm_charge(vm->mm, slot->npages, 0);
	kvfree(slot->pages);
}
#endif

/* ---- slots ---- */

void gm_slot_dirty(struct gm_slot *slot, u64 index)
{
	if (slot->dirty)
		set_bit(index, slot->dirty);
}

/* Ends a slot that no mapping refers to any more. */
static void slot_release(struct gm_vm *vm, struct gm_slot *slot)
{
	pages_release(vm, slot);
	kvfree(slot->rmap);
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
	s->gfn = r->guest_phys_addr >> PAGE_SHIFT;
	s->npages = r->memory_size >> PAGE_SHIFT;
	s->hva = r->userspace_addr;
	s->flags = r->flags;
	ret = pages_make(vm, s);
	if (ret)
		return ret;
	if (!gm_paging.nested)
		s->rmap = kvcalloc(s->npages, sizeof(*s->rmap), GFP_KERNEL_ACCOUNT);
	if (r->flags & GM_MEM_LOG_DIRTY)
		s->dirty = bitmap_alloc_pages(s->npages);
	if ((s->rmap || gm_paging.nested) && (s->dirty || !(r->flags & GM_MEM_LOG_DIRTY)))
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
	/* Addresses in it are computed without looking again: it may not wrap on a 32-bit host. */
	if (r->userspace_addr != (unsigned long)r->userspace_addr ||
	    r->memory_size != (unsigned long)r->memory_size ||
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
	u64 i;

	if (!(flags & GM_MEM_LOG_DIRTY) == !slot->dirty)
		return 0;
	if (flags & GM_MEM_LOG_DIRTY) {
		dirty = bitmap_alloc_pages(slot->npages);
		if (!dirty)
			return -ENOMEM;
		/* What was written before does not count. */
		for (i = 0; i < slot->npages; i += PROTECT_PAGES) {
			spin_lock(&vm->mmu_lock);
			gm_mmu_protect(vm, slot, i, min(slot->npages - i, PROTECT_PAGES));
			gm_mmu_unlock(vm);
			cond_resched();
		}
	}
	old = slot->dirty;
	slot->dirty = dirty;
	slot->flags = flags;
	kvfree(old);
	return 0;
}

int gm_slot_set(struct gm_vm *vm, const struct gm_memory_region *r)
{
	struct gm_slot *slot, fresh, old;
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
	if (r->memory_size && region_overlaps(vm, r))
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
	/* What is new may take the place of the local APIC's page. */
	if (slot->npages || vm->mmu.apic)
		gm_mmu_zap(vm);
	/* Nobody looks at slots but who holds one of the two locks. */
	spin_lock(&vm->mmu_lock);
	old = *slot;
	*slot = fresh;
	slots_sort(vm);
	spin_unlock(&vm->mmu_lock);
	slot_release(vm, &old);
out:
	up_write(&vm->slots_sem);
	return ret;
}

/* ---- dirty logs: slots_sem held for writing keeps everybody else from setting bits ---- */

/* Mappings of the pages that `bits` names, from index `first` on, are to fault at the next write. */
static void protect_bits(struct gm_vm *vm, struct gm_slot *slot, u64 first, unsigned long bits)
{
	unsigned int from, n;

	spin_lock(&vm->mmu_lock);
	while (bits) {
		from = __ffs(bits);
		n = ~(bits >> from) ? __ffs(~(bits >> from)) : BITS_PER_LONG;
		gm_mmu_protect(vm, slot, first + from, n);
		bits &= from + n < BITS_PER_LONG ? ~0ul << (from + n) : 0;
	}
	/* The caller flushes once for all. */
	spin_unlock(&vm->mmu_lock);
	cond_resched();
}

static void protect_end(struct gm_vm *vm)
{
	spin_lock(&vm->mmu_lock);
	gm_mmu_unlock(vm);
}

int gm_dirty_log(struct gm_vm *vm, const struct gm_dirty_log *log)
{
	void __user *to = (void __user *)(unsigned long)log->bitmap;
	struct gm_slot *slot;
	u64 i, n;
	int ret = -ENOENT;

	if (log->slot >= GM_MAX_SLOTS)
		return -EINVAL;
	down_write(&vm->slots_sem);
	slot = &vm->slots[log->slot];
	if (!slot->dirty)
		goto out;
	n = BITS_TO_LONGS(slot->npages);
	for (i = 0; i < n && !vm->dirty_manual; i++)
		if (slot->dirty[i])
			protect_bits(vm, slot, i * BITS_PER_LONG, slot->dirty[i]);
	protect_end(vm);
	ret = copy_to_user(to, slot->dirty, n * sizeof(long)) ? -EFAULT : 0;
	if (!ret && !vm->dirty_manual)
		memset(slot->dirty, 0, n * sizeof(long));
out:
	up_write(&vm->slots_sem);
	return ret;
}

static int clear_bits(struct gm_vm *vm, struct gm_slot *slot, const struct gm_clear_dirty_log *log)
{
	const unsigned long __user *from = (void __user *)(unsigned long)log->bitmap;
	unsigned long i, first = log->first_page / BITS_PER_LONG, word;

	for (i = 0; i < BITS_TO_LONGS(log->num_pages); i++) {
		if (get_user(word, from + i))
			return -EFAULT;
		if (log->num_pages - i * BITS_PER_LONG < BITS_PER_LONG)
			word &= (1ul << (log->num_pages % BITS_PER_LONG)) - 1;
		word &= slot->dirty[first + i];
		if (!word)
			continue;
		slot->dirty[first + i] &= ~word;
		protect_bits(vm, slot, (u64)(first + i) * BITS_PER_LONG, word);
	}
	return 0;
}

int gm_dirty_clear(struct gm_vm *vm, const struct gm_clear_dirty_log *log)
{
	struct gm_slot *slot;
	int ret = -ENOENT;

	if (log->slot >= GM_MAX_SLOTS || (log->first_page & 63))
		return -EINVAL;
	down_write(&vm->slots_sem);
	slot = &vm->slots[log->slot];
	if (!slot->dirty)
		goto out;
	ret = -EINVAL;
	if (log->first_page > slot->npages || log->num_pages > slot->npages - log->first_page ||
	    (log->num_pages < slot->npages - log->first_page && (log->num_pages & 63)))
		goto out;
	ret = clear_bits(vm, slot, log);
	protect_end(vm);
out:
	up_write(&vm->slots_sem);
	return ret;
}

/* ---- access by the driver itself ---- */

/* The address in the process, or 0. */
static unsigned long mem_hva(struct gm_vm *vm, u64 gpa, int write, struct gm_slot **slot)
{
	*slot = gm_slot_find(vm, gpa >> PAGE_SHIFT);
	if (!*slot || (write && ((*slot)->flags & GM_MEM_READONLY)))
		return 0;
	return slot_hva(*slot, (gpa >> PAGE_SHIFT) - (*slot)->gfn) + offset_in_page(gpa);
}

/* Access of `size` bytes at once: others see all of a table entry or nothing. */
#define READ_AS(type) __get_user(*(type *)buf, (type __user *)hva)
#define WRITE_AS(type) __put_user(*(const type *)buf, (type __user *)hva)

int gm_user_read(unsigned long hva, void *buf, unsigned int len)
{
	switch (len) {
	case 1: return READ_AS(u8);
	case 2: return READ_AS(u16);
	case 4: return READ_AS(u32);
#ifdef CONFIG_X86_64
	case 8: return READ_AS(u64);
	case 15: /* code: two words that overlap */
		return __get_user(*(u64 *)buf, (u64 __user *)hva) |
		       __get_user(*(u64 *)((u8 *)buf + 7), (u64 __user *)(hva + 7));
#else
	case 8: /* P is in the first half, and guests set it last */
		return READ_AS(u32) || __get_user(*((u32 *)buf + 1), (u32 __user *)hva + 1);
#endif
	}
	return __copy_from_user(buf, (void __user *)hva, len) ? -EFAULT : 0;
}

unsigned long gm_mem_hva(struct gm_vm *vm, u64 gpa)
{
	struct gm_slot *slot;

	return mem_hva(vm, gpa, 0, &slot);
}

int gm_mem_read(struct gm_vm *vm, u64 gpa, void *buf, unsigned int len)
{
	unsigned long hva = gm_mem_hva(vm, gpa);

	return hva ? gm_user_read(hva, buf, len) : -ENOENT;
}

static int user_write(unsigned long hva, const void *buf, unsigned int len)
{
	switch (len) {
	case 1: return WRITE_AS(u8);
	case 2: return WRITE_AS(u16);
	case 4: return WRITE_AS(u32);
#ifdef CONFIG_X86_64
	case 8: return WRITE_AS(u64);
#endif
	}
	return __copy_to_user((void __user *)hva, buf, len) ? -EFAULT : 0;
}

int gm_mem_write(struct gm_vm *vm, u64 gpa, const void *buf, unsigned int len)
{
	struct gm_slot *slot;
	unsigned long hva = mem_hva(vm, gpa, 1, &slot);
	int ret;

	if (!hva)
		return -ENOENT;
	ret = user_write(hva, buf, len);
	gm_slot_dirty(slot, (gpa >> PAGE_SHIFT) - slot->gfn);
	gm_mmu_written(vm, gpa, len);
	return ret;
}

int gm_mem_writable(struct gm_vm *vm, u64 gpa)
{
	struct gm_slot *slot = gm_slot_find(vm, gpa >> PAGE_SHIFT);

	return slot && !(slot->flags & GM_MEM_READONLY);
}

int gm_mem_cmpxchg(struct gm_vm *vm, u64 gpa, unsigned int size, u64 old, u64 val)
{
	struct gm_slot *slot;
	unsigned long hva = mem_hva(vm, gpa, 1, &slot);
	struct page *page;
	u64 index;
	void *p;
	int done;

	if (!hva)
		return -ENOENT;
	index = (gpa >> PAGE_SHIFT) - slot->gfn;
	page = gm_slot_page(slot, index, 1);
	if (!page)
		return -EFAULT;
	p = (u8 *)kmap(page) + offset_in_page(gpa);
	if (size == 8)
		done = gm_cmpxchg64((u64 *)p, old, val) == old;
	else
		done = cmpxchg((u32 *)p, (u32)old, (u32)val) == (u32)old;
	kunmap(page);
	gm_slot_dirty(slot, index);
	gm_slot_page_put(slot, page, 1);
	return done;
}

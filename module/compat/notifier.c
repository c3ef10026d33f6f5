// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the memory management of a VM's process tells about its pages: they go away, or somebody asks
 * whether they are in use. Linux: Documentation/mm/mmu_notifier.rst, include/linux/mmu_notifier.h. The
 * calls are the same since 2.6.27, their arguments are not.
 */
#include "module/mmu_internal.h"

#ifdef GM_MMU_NOTIFIERS

static struct gm_vm *vm_of(struct mmu_notifier *mn)
{
	return container_of(mn, struct gm_vm, notifier);
}

/* ---- pages go away ---- */

/* Early ones called with locks held, and do not say so. */
#ifdef MMU_NOTIFIER_RANGE_BLOCKABLE
#define SLEEPS 1
#define RANGE_SLEEPS(range) mmu_notifier_range_blockable(range)
#else
#define SLEEPS 0
#define RANGE_SLEEPS(range) 0
#endif

#if defined(GM_HAVE_NOTIFIER_RANGE)
static int notify_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	gm_mmu_notify_start(vm_of(mn), range->start, range->end, RANGE_SLEEPS(range));
	return 0;
}

static void notify_end(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	gm_mmu_notify_end(vm_of(mn));
}
#else
#ifdef GM_HAVE_NOTIFIER_BLOCKABLE
static int notify_start(struct mmu_notifier *mn, struct mm_struct *mm, unsigned long start,
			unsigned long end, bool blockable)
{
	gm_mmu_notify_start(vm_of(mn), start, end, 0);
	return 0;
}
#else
static void notify_start(struct mmu_notifier *mn, struct mm_struct *mm, unsigned long start,
			 unsigned long end)
{
	gm_mmu_notify_start(vm_of(mn), start, end, 0);
}
#endif

static void notify_end(struct mmu_notifier *mn, struct mm_struct *mm, unsigned long start,
		       unsigned long end)
{
	gm_mmu_notify_end(vm_of(mn));
}
#endif

#ifdef GM_HAVE_NOTIFIER_PAGE
static void notify_page(struct mmu_notifier *mn, struct mm_struct *mm, unsigned long addr)
{
	gm_mmu_notify_start(vm_of(mn), addr, addr + PAGE_SIZE, 0);
	gm_mmu_notify_end(vm_of(mn));
}
#endif

/* The process ends: no thread of it runs a vCPU any more. */
static void notify_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	gm_mmu_notify_start(vm_of(mn), 0, ~0ul, SLEEPS);
	gm_mmu_notify_end(vm_of(mn));
}

/* ---- are they in use? ---- */

#ifdef GM_HAVE_NOTIFIER_YOUNG_BOOL
typedef bool notify_answer;
#else
typedef int notify_answer;
#endif

#ifdef GM_HAVE_NOTIFIER_YOUNG_RANGE
static notify_answer notify_clear_flush_young(struct mmu_notifier *mn, struct mm_struct *mm,
					      unsigned long start, unsigned long end)
{
	return gm_mmu_notify_young(vm_of(mn), start, end, 1, 1);
}
#else
static notify_answer notify_clear_flush_young(struct mmu_notifier *mn, struct mm_struct *mm,
					      unsigned long addr)
{
	return gm_mmu_notify_young(vm_of(mn), addr, addr + PAGE_SIZE, 1, 1);
}
#endif

#ifdef GM_HAVE_NOTIFIER_CLEAR_YOUNG
static notify_answer notify_clear_young(struct mmu_notifier *mn, struct mm_struct *mm,
					unsigned long start, unsigned long end)
{
	return gm_mmu_notify_young(vm_of(mn), start, end, 1, 0);
}
#endif

#ifdef GM_HAVE_NOTIFIER_TEST_YOUNG
static notify_answer notify_test_young(struct mmu_notifier *mn, struct mm_struct *mm,
				       unsigned long addr)
{
	return gm_mmu_notify_young(vm_of(mn), addr, addr + 1, 0, 0);
}
#endif

static const struct mmu_notifier_ops notifier_ops = {
	.invalidate_range_start = notify_start,
	.invalidate_range_end = notify_end,
#ifdef GM_HAVE_NOTIFIER_PAGE
	.invalidate_page = notify_page,
#endif
	.clear_flush_young = notify_clear_flush_young,
#ifdef GM_HAVE_NOTIFIER_CLEAR_YOUNG
	.clear_young = notify_clear_young,
#endif
#ifdef GM_HAVE_NOTIFIER_TEST_YOUNG
	.test_young = notify_test_young,
#endif
	.release = notify_release,
};

int gm_notifier_init(struct gm_vm *vm)
{
	vm->notifier.ops = &notifier_ops;
	return mmu_notifier_register(&vm->notifier, vm->mm);
}

void gm_notifier_fini(struct gm_vm *vm)
{
	mmu_notifier_unregister(&vm->notifier, vm->mm);
}

#else /* pages are pinned: see memslot.c */

int gm_notifier_init(struct gm_vm *vm)
{
	return 0;
}

void gm_notifier_fini(struct gm_vm *vm)
{
}

#endif

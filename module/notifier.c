// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the memory management of a VM's process tells about its pages: they go away, or somebody asks
 * whether they are in use. Linux: Documentation/mm/mmu_notifier.rst, include/linux/mmu_notifier.h.
 */
#include "module/mmu_internal.h"

#ifdef CONFIG_MMU_NOTIFIER
#include <linux/mmu_notifier.h>

static struct gm_vm *vm_of(struct mmu_notifier *mn)
{
	return container_of(mn, struct gm_vm, notifier);
}

static int notify_start(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	gm_mmu_notify_start(vm_of(mn), range->start, range->end);
	return 0;
}

static void notify_end(struct mmu_notifier *mn, const struct mmu_notifier_range *range)
{
	gm_mmu_notify_end(vm_of(mn));
}

static int notify_clear_flush_young(struct mmu_notifier *mn, struct mm_struct *mm,
				    unsigned long start, unsigned long end)
{
	return gm_mmu_notify_young(vm_of(mn), start, end, 1, 1);
}

static int notify_clear_young(struct mmu_notifier *mn, struct mm_struct *mm, unsigned long start,
			      unsigned long end)
{
	return gm_mmu_notify_young(vm_of(mn), start, end, 1, 0);
}

static int notify_test_young(struct mmu_notifier *mn, struct mm_struct *mm, unsigned long addr)
{
	return gm_mmu_notify_young(vm_of(mn), addr, addr + 1, 0, 0);
}

/* The process ends: no thread of it runs a vCPU any more. */
static void notify_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	gm_mmu_notify_start(vm_of(mn), 0, ~0ul);
	gm_mmu_notify_end(vm_of(mn));
}

static const struct mmu_notifier_ops notifier_ops = {
	.invalidate_range_start = notify_start,
	.invalidate_range_end = notify_end,
	.clear_flush_young = notify_clear_flush_young,
	.clear_young = notify_clear_young,
	.test_young = notify_test_young,
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

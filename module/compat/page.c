// SPDX-License-Identifier: GPL-2.0-or-later
/* Pages of a process, held from its address space to the driver's tables. */
#include "module/compat/compat.h"

#include <asm/io.h>

/* The kernel's own is not exported to modules on every kernel. */
u64 gm_zero_page(void)
{
	static u8 zeroes[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));

	return page_to_phys(vmalloc_to_page(zeroes));
}

struct page *gm_page_get(unsigned long hva, int write)
{
	struct page *page = NULL;
	int n;

#if defined(GM_HAVE_GUP_FAST_FLAGS)
	n = get_user_pages_fast(hva, 1, write ? FOLL_WRITE : 0, &page);
#elif defined(GM_HAVE_GUP_FAST)
	n = get_user_pages_fast(hva, 1, write, &page);
#else
	mmap_read_lock(current->mm);
	n = get_user_pages(current, current->mm, hva, 1, write, 0, &page, NULL);
	mmap_read_unlock(current->mm);
#endif
	return n == 1 ? page : NULL;
}

struct page *gm_page_pin(unsigned long hva, int write)
{
#if defined(GM_EXPORTS_PIN_USER_PAGES_FAST)
	struct page *page = NULL;

	return pin_user_pages_fast(hva, 1, FOLL_LONGTERM | (write ? FOLL_WRITE : 0), &page) == 1 ?
		       page : NULL;
#else
	return gm_page_get(hva, write);
#endif
}

void gm_page_unpin(struct page *page, int dirty)
{
#if defined(GM_EXPORTS_PIN_USER_PAGES_FAST)
	unpin_user_pages_dirty_lock(&page, 1, dirty);
#else
	if (dirty)
		set_page_dirty_lock(page);
	put_page(page);
#endif
}

#ifdef GM_EXPORTS_ACCOUNT_LOCKED_VM

int gm_mm_charge(struct mm_struct *mm, unsigned long pages, int charge)
{
	return account_locked_vm(mm, pages, charge);
}

#else

int gm_mm_charge(struct mm_struct *mm, unsigned long pages, int charge)
{
	unsigned long limit = current->signal->rlim[RLIMIT_MEMLOCK].rlim_cur >> PAGE_SHIFT;
	int ret = 0;

#ifndef GM_EXPORTS___MMDROP
	/* There is no hold on it: it may be gone, and then so is its account. */
	if (mm != current->mm)
		return 0;
#endif
	mmap_write_lock(mm);
	if (!charge)
		mm->locked_vm -= min(pages, (unsigned long)mm->locked_vm);
	else if (!capable(CAP_IPC_LOCK) && mm->locked_vm + pages > limit)
		ret = -ENOMEM;
	else
		mm->locked_vm += pages;
	mmap_write_unlock(mm);
	return ret;
}

#endif

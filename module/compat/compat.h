/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The differences between kernels, from 2.6.16 to today. The driver is written for the newest one; what
 * an older kernel lacks, or names or declares otherwise, is made up for here, guarded by what the probes
 * found (compat_config.h; GM_HAVE_* and GM_EXPORTS_* of probes.c and symbols.c). Where a name of the
 * kernel's cannot be given to older ones, a gm_ name stands for it everywhere. Headers that older kernels
 * do not have stand in include/, which is searched after the kernel's own.
 */
#ifndef GM_COMPAT_H
#define GM_COMPAT_H

#include <linux/kernel.h>
#include <linux/compiler.h>
#include <linux/types.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include <asm/msr.h>
#include <asm/processor.h>
#include <asm/special_insns.h>
#include <asm/tsc.h>

#include "compat_config.h"
#if defined(CONFIG_SMP) && !defined(GM_EXPORTS_SMP_OPS)
#include <asm/apic.h>
#include <asm/hw_irq.h>
#endif
#include "module/compat/cpu.h"
#undef lapic /* a macro of <asm/apicdef.h> until 2.6.17 */
#undef set_base /* one of <asm/system.h>, for i386 segments, until 2.6.3x */

/* ---- language and basic types ---- */

#ifndef GM_HAVE_BOOL
typedef _Bool bool;
#define true 1
#define false 0
#endif

#ifndef READ_ONCE
#define READ_ONCE(x) (*(volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))
#endif

#ifndef IS_ENABLED
/* 1 if the option is defined as 1, else 0: "CONFIG_X" as 1 makes one argument more. */
#define GM_ENABLED_1 0,
#define GM_ENABLED3(a, b, ...) b
#define GM_ENABLED2(one) GM_ENABLED3(one 1, 0)
#define GM_ENABLED(value) GM_ENABLED2(GM_ENABLED_##value)
#define IS_ENABLED(option) GM_ENABLED(option)
#endif

#ifndef pr_err
#define pr_err(fmt, ...) printk(KERN_ERR fmt, ##__VA_ARGS__)
#endif
#ifndef pr_info
#define pr_info(fmt, ...) printk(KERN_INFO fmt, ##__VA_ARGS__)
#endif

#ifndef BUILD_BUG_ON
#define BUILD_BUG_ON(c) ((void)sizeof(char[1 - 2 * !!(c)]))
#endif

#ifndef clamp_t
#define clamp_t(type, v, lo, hi) min_t(type, max_t(type, v, lo), hi)
#endif

#ifndef offset_in_page
#define offset_in_page(p) ((unsigned long)(p) & ~PAGE_MASK)
#endif

#ifndef BITS_TO_LONGS
#define BITS_TO_LONGS(n) (((n) + BITS_PER_LONG - 1) / BITS_PER_LONG)
#endif

#ifndef __maybe_unused
#define __maybe_unused __attribute__((unused))
#endif

#ifndef GM_HAVE_IS_ERR_OR_NULL
#define IS_ERR_OR_NULL(p) (!(p) || IS_ERR(p))
#endif

#ifndef GM_HAVE_MEMCHR_INV
/* The first byte that is not c, or NULL. */
static inline void *memchr_inv(const void *p, int c, size_t n)
{
	const u8 *b = p;

	for (; n; b++, n--)
		if (*b != (u8)c)
			return (void *)b;
	return NULL;
}
#endif

/* ---- memory ---- */

#ifndef GM_HAVE_GFP_KERNEL_ACCOUNT
#define GFP_KERNEL_ACCOUNT GFP_KERNEL
#endif

#ifndef GM_HAVE_IS_VMALLOC_ADDR
static inline int is_vmalloc_addr(const void *p)
{
	return (unsigned long)p >= VMALLOC_START && (unsigned long)p < VMALLOC_END;
}
#endif

#ifndef GM_HAVE_KVFREE
static inline void kvfree(const void *p)
{
	if (is_vmalloc_addr(p))
		vfree((void *)p);
	else
		kfree((void *)p);
}
#endif

#ifndef GM_HAVE_KVZALLOC
static inline void *kvzalloc(size_t size, gfp_t flags)
{
	void *p = size <= 2 * PAGE_SIZE ? kmalloc(size, flags | __GFP_NOWARN) : NULL;

	if (!p)
		p = vmalloc(size);
	if (p)
		memset(p, 0, size);
	return p;
}
#endif

#ifndef GM_HAVE_VMALLOC_USER
static inline void *vmalloc_user(unsigned long size)
{
	void *p = vmalloc(size);

	if (p)
		memset(p, 0, size);
	return p;
}
#endif

#ifndef GM_HAVE_KVCALLOC
static inline void *kvcalloc(size_t n, size_t size, gfp_t flags)
{
	return size && n > ULONG_MAX / size ? NULL : kvzalloc(n * size, flags);
}
#endif

/* ---- a process' memory ---- */

/*
 * gm_mm_hold(): the process' struct mm_struct stays valid as an identity (not its memory) until
 * gm_mm_drop(). Kernels that export nothing to drop it with keep no hold: then only compare it.
 */
static inline void gm_mm_hold(struct mm_struct *mm)
{
#ifdef GM_EXPORTS___MMDROP
#ifdef GM_HAVE_MMGRAB
	mmgrab(mm);
#else
	atomic_inc(&mm->mm_count);
#endif
#endif
}

static inline void gm_mm_drop(struct mm_struct *mm)
{
#ifdef GM_EXPORTS___MMDROP
	mmdrop(mm);
#endif
}

#ifndef GM_HAVE_PAGEFAULT_DISABLE
#define pagefault_disable() inc_preempt_count()
#define pagefault_enable() dec_preempt_count()
#endif

#ifndef GM_HAVE_MMAP_LOCK
#define mmap_read_lock(mm) down_read(&(mm)->mmap_sem)
#define mmap_read_unlock(mm) up_read(&(mm)->mmap_sem)
#define mmap_write_lock(mm) down_write(&(mm)->mmap_sem)
#define mmap_write_unlock(mm) up_write(&(mm)->mmap_sem)
#endif

#if defined(CONFIG_MMU_NOTIFIER) && defined(GM_EXPORTS_MMU_NOTIFIER_REGISTER)
#include <linux/mmu_notifier.h>
#define GM_MMU_NOTIFIERS 1
#endif

/* The page at hva of the current process, with a reference (put_page() gives it back). NULL: there is none. */
struct page *gm_page_get(unsigned long hva, int write);
/* Physical address of a page of zeroes. */
u64 gm_zero_page(void);
/* The page at hva of the current process, pinned for long (page.c). NULL: there is none. */
struct page *gm_page_pin(unsigned long hva, int write);
void gm_page_unpin(struct page *page, int dirty);
/* Charge, or give back, pages to the memory that mm may lock. 0 or -ENOMEM. */
int gm_mm_charge(struct mm_struct *mm, unsigned long pages, int charge);

static inline int gm_access_ok(unsigned long addr, unsigned long size)
{
#ifdef GM_HAVE_ACCESS_OK_TYPE
	return access_ok(VERIFY_WRITE, (void __user *)addr, size);
#else
	return access_ok((void __user *)addr, size);
#endif
}

/* ---- locks, CPUs ---- */

#if !defined(GM_HAVE_MUTEX_LOCK_KILLABLE) && !defined(mutex_lock_killable)
#define mutex_lock_killable mutex_lock_interruptible
#endif

#ifndef GM_HAVE_FOR_EACH_POSSIBLE_CPU
#define for_each_possible_cpu for_each_cpu
#endif

/* Runs a function on another CPU (old kernels: on all others) and waits for it; preemption is off,
 * interrupts are on. */
static inline void gm_call_cpu(int cpu, void (*fn)(void *), void *arg)
{
#if !defined(CONFIG_SMP)
	/* There is no other. */
#elif defined(GM_HAVE_SMP_CALL_RETRY)
	smp_call_function(fn, arg, 0, 1);
#else
	smp_call_function_single(cpu, fn, arg, 1);
#endif
}

/* Interrupts another CPU, so that guest mode ends there. Preemption is off. */
static inline void gm_cpu_kick(int cpu)
{
#if defined(GM_HAVE_ARCH_SEND_RESCHEDULE) && defined(GM_EXPORTS_SMP_OPS)
	arch_smp_send_reschedule(cpu);
#elif defined(CONFIG_SMP) && defined(GM_EXPORTS_SMP_OPS)
	smp_send_reschedule(cpu);
#elif defined(CONFIG_SMP)
	/* The vector is known, the CPU's APIC ID is not: all others get the interrupt. */
	unsigned long flags;

	local_irq_save(flags);
	while (apic_read(APIC_ICR) & APIC_ICR_BUSY)
		cpu_relax();
	apic_write(APIC_ICR, APIC_DEST_ALLBUT | APIC_DM_FIXED | RESCHEDULE_VECTOR);
	local_irq_restore(flags);
#endif
}

#ifdef GM_HAVE_THIS_CPU_READ
#define gm_this_cpu(v) this_cpu_ptr(&(v))
#else
#define gm_this_cpu(v) (&__get_cpu_var(v))
#define __this_cpu_read(v) __get_cpu_var(v)
#define __this_cpu_write(v, x) (__get_cpu_var(v) = (x))
#endif

/*
 * Whether the kernel keeps work for when this task goes back to user mode: timers of CPU time, balancing of
 * NUMA nodes, a limit of memory that was passed. TIF_NOTIFY_RESUME alone does not tell: a task with
 * restartable sequences has it after each switch. Any context; racy unless interrupts are off.
 */
static inline int gm_user_work(void)
{
#ifdef GM_HAVE_TASK_WORKS
	if (!test_thread_flag(TIF_NOTIFY_RESUME))
		return 0;
	if (READ_ONCE(current->task_works))
		return 1;
#ifdef GM_HAVE_MEMCG_OVER_HIGH
	if (READ_ONCE(current->memcg_nr_pages_over_high))
		return 1;
#endif
#endif
	return 0;
}

/* A number that no other caller gets, from 1 on. */
u64 gm_serial_next(void);

/* ---- files ---- */

#ifdef GM_HAVE_I_PRIVATE
#define gm_inode_data(inode) ((inode)->i_private)
#else
#define gm_inode_data(inode) ((inode)->u.generic_ip)
#endif

#ifndef GM_HAVE_NOOP_LLSEEK
static inline loff_t noop_llseek(struct file *file, loff_t offset, int origin)
{
	return file->f_pos;
}
#endif

#ifdef GM_HAVE_COMPAT_PTR_IOCTL
#define gm_compat_ioctl compat_ptr_ioctl
#else
/* Numbers and structures are the same for 32-bit programs. */
static inline long gm_compat_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return file->f_op->unlocked_ioctl(file, cmd, (u32)arg);
}
#endif

#ifdef GM_HAVE_CONST_FOPS
#define GM_FOPS(fops) (fops)
#else
#define GM_FOPS(fops) ((struct file_operations *)(fops))
#endif

/* A descriptor, open for reading and writing and closed by exec where the kernel can, or -errno. `from` is
 * an open file of this driver. */
int gm_fd_get(struct file *from, const char *name, const struct file_operations *fops, void *data);

#endif

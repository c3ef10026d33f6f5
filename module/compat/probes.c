// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a kernel's headers offer: probe.sh compiles this file once and looks under which #line the
 * compiler reports errors. Each probe is a function of its own, so that an error in one is none in the next;
 * it takes addresses and compares types, since those are errors with every compiler, where a call of
 * something unknown may be a warning. The comment says since when (or until when) it holds in Linux
 * itself; distributions carry some of it back, which is why nobody asks for the version.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/compiler.h>
#include <linux/types.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/interrupt.h>
#include <linux/hrtimer.h>
#include <linux/math64.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/anon_inodes.h>
#include <linux/eventfd.h>
#include <linux/hw_breakpoint.h>
#include <linux/mmu_notifier.h>
#include <linux/preempt.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include <asm/debugreg.h>
#include <asm/desc.h>
#include <asm/fpu/api.h>
#include <asm/io.h>
#include <asm/mce.h>
#include <asm/msr.h>
#include <asm/nospec-branch.h>
#include <asm/processor.h>
#include <asm/special_insns.h>
#include <asm/tsc.h>

#define SAME(a, b) ((void)sizeof(char[__builtin_types_compatible_p(__typeof__(a), __typeof__(b)) ? 1 : -1]))
#define USE(x) ((void)(x))

/* clang-format off */
#line 1 "CONTROL_GOOD_FIRST"
void gm_p1(void) { USE(&kfree); SAME(1, 2); }
#line 1 "CONTROL_BAD_FIRST"
void gm_p2(void) { USE(&gm_no_such_function); }

/* ---- language and basic types ---- */
#line 1 "BOOL" /* 2.6.19 */
bool gm_bool(void); bool gm_bool(void) { return true; }
#line 1 "IS_ERR_OR_NULL" /* 2.6.33 */
void gm_b1(void) { USE(&IS_ERR_OR_NULL); }
#line 1 "MEMCHR_INV" /* 3.2 */
void gm_b2(void) { USE(&memchr_inv); }

/* ---- memory ---- */
#line 1 "KVZALLOC" /* 4.12 */
void gm_m1(void) { SAME(kvzalloc(1, GFP_KERNEL), (void *)0); }
#line 1 "KVFREE" /* 3.15 */
void gm_m2(void) { void (*p)(const void *) = &kvfree; USE(p); }
#line 1 "KVCALLOC" /* 4.18 */
void gm_m3(void) { SAME(kvcalloc(1, 2, GFP_KERNEL), (void *)0); }
#line 1 "GFP_KERNEL_ACCOUNT" /* 4.5 */
void gm_m4(void) { USE(GFP_KERNEL_ACCOUNT); }
#line 1 "VMALLOC_USER" /* 2.6.18 */
void gm_m6(void) { SAME(vmalloc_user(1), (void *)0); }
#line 1 "IS_VMALLOC_ADDR" /* 2.6.25 */
void gm_m5(void) { USE(&is_vmalloc_addr); }

/* ---- other processes' memory ---- */
#line 1 "MMGRAB" /* 4.11 */
void gm_u1(void) { USE(&mmgrab); }
#line 1 "PIN_USER_PAGES_FAST" /* 5.6 */
void gm_u2(void) { USE(&pin_user_pages_fast); }
#line 1 "UNPIN_USER_PAGES_DIRTY_LOCK" /* 5.6 */
void gm_u3(void) { USE(&unpin_user_pages_dirty_lock); }
#line 1 "ACCOUNT_LOCKED_VM" /* 5.3 */
void gm_u4(void) { USE(&account_locked_vm); }
#line 1 "GUP_FAST_FLAGS" /* get_user_pages_fast(..., unsigned int gup_flags, ...): 5.2; int write before */
int gm_u5(unsigned long, int, unsigned int, struct page **);
void gm_u6(void) { SAME(get_user_pages_fast, gm_u5); }
#line 1 "GUP_FAST" /* 2.6.27 */
void gm_u7(void) { USE(&get_user_pages_fast); }
#line 1 "PINNED_VM" /* in struct mm_struct: 3.2; atomic64_t since 5.1 */
void gm_u8(struct mm_struct *mm); void gm_u8(struct mm_struct *mm) { USE(&mm->pinned_vm); }
#line 1 "MMAP_LOCK" /* mmap_read_lock() and the like: 5.8 */
void gm_u9(void) { USE(&mmap_read_lock); USE(&mmap_write_lock); }
#line 1 "PAGEFAULT_DISABLE" /* 2.6.20 */
void gm_u11(void) { USE(&pagefault_disable); }
#line 1 "ACCESS_OK_TYPE" /* until 5.0 */
void gm_u10(void *p); void gm_u10(void *p) { USE(access_ok(VERIFY_READ, p, 1)); }

#line 1 "NOTIFIER_RANGE" /* mmu_notifier_ops.invalidate_range_start with a structure: 5.0 */
int gm_n1(struct mmu_notifier *, const struct mmu_notifier_range *);
void gm_n2(struct mmu_notifier_ops *o);
void gm_n2(struct mmu_notifier_ops *o) { SAME(*o->invalidate_range_start, gm_n1); }
#line 1 "NOTIFIER_BLOCKABLE" /* 4.19 */
int gm_n3(struct mmu_notifier *, struct mm_struct *, unsigned long, unsigned long, bool);
void gm_n4(struct mmu_notifier_ops *o);
void gm_n4(struct mmu_notifier_ops *o) { SAME(*o->invalidate_range_start, gm_n3); }
#line 1 "NOTIFIER_PAGE" /* mmu_notifier_ops.invalidate_page: until 4.14 */
void gm_n5(struct mmu_notifier_ops *o); void gm_n5(struct mmu_notifier_ops *o) { USE(o->invalidate_page); }
#line 1 "NOTIFIER_YOUNG_RANGE" /* clear_flush_young of a range: 3.19 */
void gm_n6(struct mmu_notifier_ops *o);
void gm_n6(struct mmu_notifier_ops *o) { USE(o->clear_flush_young(0, 0, 1, 2)); }
#line 1 "NOTIFIER_YOUNG_BOOL" /* 7.1 */
void gm_n7(struct mmu_notifier_ops *o);
void gm_n7(struct mmu_notifier_ops *o) { SAME(o->test_young(0, 0, 1), (bool)1); }
#line 1 "NOTIFIER_CLEAR_YOUNG" /* 4.2 */
void gm_n8(struct mmu_notifier_ops *o); void gm_n8(struct mmu_notifier_ops *o) { USE(o->clear_young); }
#line 1 "NOTIFIER_TEST_YOUNG" /* 2.6.38 */
void gm_n9(struct mmu_notifier_ops *o); void gm_n9(struct mmu_notifier_ops *o) { USE(o->test_young); }

/* ---- locks, signals, scheduling ---- */
#line 1 "MUTEX_LOCK_KILLABLE" /* 2.6.25 */
void gm_l1(void) { USE(&mutex_lock_killable); }
#line 1 "SMP_CALL_RETRY" /* smp_call_function() with four arguments: until 2.6.27 */
int gm_l2(void (*)(void *), void *, int, int);
void gm_l3(void) { SAME(smp_call_function, gm_l2); }
#line 1 "ARCH_SEND_RESCHEDULE" /* 6.4, where smp_send_reschedule() drags in tracepoints */
void gm_l6(void) { USE(&arch_smp_send_reschedule); }
#line 1 "FOR_EACH_POSSIBLE_CPU" /* 2.6.17 */
void gm_l4(void) { int cpu; for_each_possible_cpu(cpu) { } }
#line 1 "THIS_CPU_READ" /* __this_cpu_read(): 2.6.33 */
DEFINE_PER_CPU(int, gm_var);
void gm_l5(void) { USE(__this_cpu_read(gm_var)); }
#line 1 "TASK_WORKS" /* in struct task_struct: 3.5 */
void gm_l7(void) { USE(current->task_works); }
#line 1 "MEMCG_OVER_HIGH" /* in struct task_struct: 4.3, with CONFIG_MEMCG */
void gm_l8(void) { USE(current->memcg_nr_pages_over_high); }

/* ---- timers, waiting ---- */
#line 1 "HRTIMER_SETUP" /* 6.13; hrtimer_init() and the member function went in 6.15 */
void gm_t1(void) { USE(&hrtimer_setup); }
#line 1 "HRTIMER_MODE_ABS" /* 2.6.21; HRTIMER_ABS before, where they tick with the jiffies */
void gm_t4(void) { USE(HRTIMER_MODE_ABS); }
#line 1 "DIV64_U64_REM" /* 3.12 */
void gm_t2(void) { SAME(div64_u64_rem(1, 2, (u64 *)0), (u64)1); }
#line 1 "WAIT_QUEUE_ENTRY" /* 4.13; wait_queue_t before */
void gm_t3(void) { SAME(((wait_queue_entry_t *)0)->private, (void *)0); }

/* ---- files ---- */
#line 1 "COMPAT_PTR_IOCTL" /* 5.5 */
void gm_f1(void) { void *p = (void *)compat_ptr_ioctl; USE(p); }
#line 1 "I_PRIVATE" /* struct inode: 2.6.19 */
void gm_f9(struct inode *i); void gm_f9(struct inode *i) { USE(i->i_private); }
#line 1 "NOOP_LLSEEK" /* 2.6.35 */
void gm_f2(void) { USE(&noop_llseek); }
#line 1 "CONST_FOPS" /* struct miscdevice points at constant operations: 2.6.17 */
void gm_f3(void) { SAME(((struct miscdevice *)0)->fops, (const struct file_operations *)0); }
#line 1 "ANON_INODE_FLAGS" /* anon_inode_getfd() as it is today: 2.6.27 */
int gm_f4(const char *, const struct file_operations *, void *, int);
void gm_f5(void) { SAME(anon_inode_getfd, gm_f4); }
#line 1 "ANON_INODE_FD" /* 2.6.22 to 2.6.26: hands out the file as well, and no flags */
int gm_f6(int *, struct inode **, struct file **, const char *, const struct file_operations *, void *);
void gm_f7(void) { SAME(anon_inode_getfd, gm_f6); }

#line 1 "EVENTFD_SIGNAL_COUNT" /* eventfd_signal() with a count: until 6.8 */
void gm_f8(struct eventfd_ctx *c); void gm_f8(struct eventfd_ctx *c) { eventfd_signal(c, 1); }

/* ---- the CPU ---- */
#line 1 "DESC_PTR" /* x86_64: always; i386: 2.6.25 */
void gm_c0(struct desc_ptr *d); void gm_c0(struct desc_ptr *d) { d->size = 1; d->address = 2; }
#line 1 "RDTSC" /* 4.3: a function; before, a macro with two arguments or none */
void gm_c1(void) { USE(&rdtsc); }
#line 1 "READ_CR4" /* __read_cr4(): 4.0 */
void gm_c2(void) { USE(&__read_cr4); }
#line 1 "HW_BREAKPOINTS" /* 2.6.33 */
void gm_c6(void) { USE(&hw_breakpoint_active); }
#line 1 "X86_PHYS_BITS" /* x86_64: always; i386: 2.6.27 */
void gm_c8(void) { USE(boot_cpu_data.x86_phys_bits); }
#line 1 "MACHINE_CHECK" /* do_machine_check(): 5.8 */
void gm_c9(struct pt_regs *);
void gm_c10(void) { SAME(do_machine_check, gm_c9); }
#line 1 "MACHINE_CHECK_ERROR" /* with an error code: until 5.8 */
void gm_c11(struct pt_regs *, long);
void gm_c12(void) { SAME(do_machine_check, gm_c11); }

#line 1 "CONTROL_GOOD_LAST"
void gm_p3(void) { USE(&kfree); SAME(1, 2); }
#line 1 "CONTROL_BAD_LAST"
void gm_p4(void) { USE(&gm_no_such_function); }
/* clang-format on */

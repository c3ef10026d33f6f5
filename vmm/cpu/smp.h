/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Several software CPUs in one machine. Each runs in a thread of its own, with TLBs and translated
 * code of its own; host and guest are both x86, so ordinary accesses and LOCKed operations are
 * the host's. What is left to do here, in order:
 *
 *  Code. A CPU must hear of every write to memory that it has translated code of. The group knows
 *  for each guest page in which 128-byte pieces some CPU has code; such a page is writable in no
 *  TLB, and whoever writes to it the slow way tells the others first to forget what they made
 *  of the piece. A CPU that makes code of a page which others may have writable makes them
 *  take the permission back, and waits until none of them is inside of an access. The others hear
 *  of a write at the latest at their next slow instruction, which all serializing instructions
 *  are: what Intel SDM volume 3, section 8.1.3, asks of cross-modifying code.
 *
 *  Exclusive sections. A LOCKed operation that no host instruction can do (over a boundary, on
 *  device registers, on a page with code) is done while all other CPUs stand still.
 *
 * A CPU is `busy` while it may be inside of a guest memory access; it answers CPU_REQ_SYNC between
 * blocks. Nothing here is done for a CPU without a group.
 */
#ifndef VMM_CPU_SMP_H
#define VMM_CPU_SMP_H

#include <pthread.h>

#include "vmm/cpu/cache.h"

struct cpu_group {
	struct cpu **cpus;         /* fixed before the first of them runs */
	unsigned int n, max;
	bool crowded;              /* more CPUs than the host has: spinning is no use */
	pthread_mutex_t lock;      /* held over an exclusive section */
	_Atomic u32 exclusive;
	_Atomic u64 *pages;        /* by page number below `npages`, see smp.c */
	u64 npages;
};

/* For at most `max` CPUs and guest memory below `top`. NULL when out of memory. */
struct cpu_group *cpu_group_new(unsigned int max, u64 top);
void cpu_group_free(struct cpu_group *g);
/* Before any of them runs. */
void cpu_group_add(struct cpu_group *g, struct cpu *c);

/* Around all guest code. */
void cpu_smp_enter(struct cpu *c);
void cpu_smp_leave(struct cpu *c);
/* CPU_REQ_SYNC, between blocks. */
void cpu_smp_sync(struct cpu *c);

/* The others stand still from here to the end; ends by itself when an access in it faults. */
void cpu_smp_exclusive_begin(struct cpu *c);
void cpu_smp_exclusive_end(struct cpu *c);
static inline void cpu_lock_begin(struct cpu *c, const struct uop *u)
{
	if (c->group && u->flags & UOP_LOCK)
		cpu_smp_exclusive_begin(c);
}

static inline void cpu_lock_end(struct cpu *c)
{
	if (c->exclusive)
		cpu_smp_exclusive_end(c);
}

/* May the page get into a TLB as writable? From then on it counts as such. */
bool cpu_smp_writable(struct cpu *c, u64 gpa);
/* [gpa, gpa + len) within one page has been written, not by way of a TLB; u: the running uop. */
void cpu_smp_written(struct cpu *c, u64 gpa, unsigned int len, const struct uop *u);
/*
 * From now on [off, off + len) of the page is watched for c. False: it was before the call; true:
 * the bytes may have changed up to now without notice.
 */
bool cpu_smp_claim(struct cpu *c, struct cpu_code_page *p, unsigned int off, unsigned int len);
/* c has no code in the page any more. */
void cpu_smp_disclaim(struct cpu *c, struct cpu_code_page *p);

#endif

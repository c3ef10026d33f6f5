// SPDX-License-Identifier: GPL-2.0-or-later
/* The machine lock. */
#include <sched.h>

#include "vmm/machine.h"
#include "vmm/vcpu.h"

__thread struct gm_vcpu *gm_vcpu_current;

/* How often a vCPU yields to a waiting thread before it takes the lock all the same. */
#define LOCK_YIELDS 1000

void gm_lock(struct gm_machine *m)
{
	unsigned int i;

	if (gm_vcpu_current) {
		for (i = 0; i < LOCK_YIELDS && __atomic_load_n(&m->lock_wanted, __ATOMIC_RELAXED);
		     i++)
			sched_yield();
		pthread_mutex_lock(&m->lock);
		return;
	}
	__atomic_fetch_add(&m->lock_wanted, 1, __ATOMIC_RELAXED);
	pthread_mutex_lock(&m->lock);
	__atomic_fetch_sub(&m->lock_wanted, 1, __ATOMIC_RELAXED);
}

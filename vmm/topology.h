/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the vCPUs of a machine are spread over sockets, cores and threads, and the APIC IDs that
 * follow: one bit field per level, as wide as the level's number of members needs (Intel SDM
 * volume 3, section 8.9).
 */
#ifndef VMM_TOPOLOGY_H
#define VMM_TOPOLOGY_H

#include "vmm/types.h"

#define GM_CPUS_MAX 255

/* All zero stands for one socket with as many cores as there are vCPUs. */
struct gm_topology {
	u32 sockets, cores, threads; /* cores per socket, threads per core */
};

static inline unsigned int gm_topology_bits(u32 members)
{
	unsigned int bits = 0;

	while (1u << bits < members)
		bits++;
	return bits;
}

static inline struct gm_topology gm_topology_of(struct gm_topology t, unsigned int ncpus)
{
	if (!t.sockets || !t.cores || !t.threads)
		t = (struct gm_topology){.sockets = 1, .cores = ncpus ? ncpus : 1, .threads = 1};
	return t;
}

/* Width of the thread field, and of thread and core field together. */
static inline unsigned int gm_topology_thread_bits(const struct gm_topology *t)
{
	return gm_topology_bits(t->threads);
}

static inline unsigned int gm_topology_package_bits(const struct gm_topology *t)
{
	return gm_topology_bits(t->threads) + gm_topology_bits(t->cores);
}

/* vCPUs are numbered thread by thread, then core by core. t has no zero in it. */
static inline u32 gm_topology_apic_id(const struct gm_topology *t, unsigned int index)
{
	u32 thread = index % t->threads, core = index / t->threads % t->cores;
	u32 socket = index / t->threads / t->cores;

	return socket << gm_topology_package_bits(t) | core << gm_topology_thread_bits(t) | thread;
}

#endif

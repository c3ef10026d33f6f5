/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests from other threads: memory written behind the CPU's back, which may make translated
 * code stale. Pages with translated code are known by a hashed filter that writers may read, so
 * that ordinary DMA costs the CPU nothing.
 */
#ifndef VMM_CPU_DMA_H
#define VMM_CPU_DMA_H

#include <pthread.h>

#include "vmm/cpu/cpu.h"

#define CPU_DMA_RANGES 32u
#define CPU_DMA_WRITES 512u   /* a disk or network device writes many pages before the CPU looks */
#define CPU_DMA_FILTER 65536u /* a slot a page in 256 MiB: few other pages share those of code */

struct cpu_dma {
	pthread_mutex_t lock; /* over the rest but the filter */
	unsigned int n;
	bool all;             /* too many: drop everything */
	unsigned int nprotect; /* pages to take write permission from; CPU_DMA_RANGES: all pages */
	u64 protect[CPU_DMA_RANGES];
	struct {
		u64 gpa, len;
	} r[CPU_DMA_WRITES];
	_Atomic u8 filter[CPU_DMA_FILTER];
};

int cpu_dma_init(struct cpu *c);
void cpu_dma_fini(struct cpu *c);
/* On the CPU's thread: drops code of the ranges that came in. */
void cpu_dma_run(struct cpu *c);
/* From any thread: c takes write permission of the page out of its TLBs, at its next event. */
void cpu_dma_protect(struct cpu *c, u64 gpa);
/* On the CPU's thread, also in the middle of a block: does so. */
void cpu_dma_protect_run(struct cpu *c);
/* Code of the page is about to be translated. */
void cpu_dma_watch(struct cpu *c, u64 gpa);

#endif

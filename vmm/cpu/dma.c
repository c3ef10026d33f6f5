// SPDX-License-Identifier: GPL-2.0-or-later
/* Requests to a CPU from other threads; see dma.h. */
#include <stdlib.h>

#include "vmm/cpu/cache.h"
#include "vmm/cpu/dma.h"

int cpu_dma_init(struct cpu *c)
{
	c->dma = calloc(1, sizeof(*c->dma));
	if (!c->dma)
		return -1;
	pthread_mutex_init(&c->dma->lock, NULL);
	return 0;
}

void cpu_dma_fini(struct cpu *c)
{
	if (!c->dma)
		return;
	pthread_mutex_destroy(&c->dma->lock);
	free(c->dma);
	c->dma = NULL;
}

static _Atomic u8 *slot(struct cpu *c, u64 gpa)
{
	return &c->dma->filter[(gpa >> CPU_PAGE_SHIFT) & (CPU_DMA_FILTER - 1)];
}

void cpu_dma_watch(struct cpu *c, u64 gpa)
{
	atomic_store(slot(c, gpa), 1);
}

void cpu_request(struct cpu *c, u32 req)
{
	atomic_fetch_or(&c->requests, req);
}

void cpu_clear(struct cpu *c, u32 req)
{
	atomic_fetch_and(&c->requests, ~req);
}

void cpu_phys_written(struct cpu *c, u64 gpa, u64 len)
{
	struct cpu_dma *d = c->dma;
	u64 at = gpa & CPU_PAGE_MASK, end = gpa + len;
	bool hit = false;

	atomic_thread_fence(memory_order_seq_cst);
	for (; at < end && !hit; at += CPU_PAGE_SIZE)
		hit = atomic_load_explicit(slot(c, at), memory_order_relaxed);
	if (!hit || !len)
		return;
	pthread_mutex_lock(&d->lock);
	if (d->n && gpa == d->r[d->n - 1].gpa + d->r[d->n - 1].len) {
		d->r[d->n - 1].len += len;
	} else if (d->n < CPU_DMA_WRITES) {
		d->r[d->n].gpa = gpa;
		d->r[d->n].len = len;
		d->n++;
	} else {
		d->all = true;
	}
	pthread_mutex_unlock(&d->lock);
	cpu_request(c, CPU_REQ_PHYS);
}

void cpu_dma_protect(struct cpu *c, u64 gpa)
{
	struct cpu_dma *d = c->dma;

	pthread_mutex_lock(&d->lock);
	if (d->nprotect < CPU_DMA_RANGES)
		d->protect[d->nprotect++] = gpa;
	pthread_mutex_unlock(&d->lock);
	cpu_request(c, CPU_REQ_PHYS);
}

void cpu_dma_protect_run(struct cpu *c)
{
	struct cpu_dma *d = c->dma;
	unsigned int i;

	pthread_mutex_lock(&d->lock);
	if (d->nprotect == CPU_DMA_RANGES)
		cpu_tlb_protect_all(c);
	for (i = 0; i < d->nprotect && d->nprotect < CPU_DMA_RANGES; i++)
		cpu_tlb_protect(c, d->protect[i]);
	d->nprotect = 0;
	pthread_mutex_unlock(&d->lock);
}

void cpu_dma_run(struct cpu *c)
{
	struct cpu_dma *d = c->dma;
	unsigned int i, n;

	cpu_dma_protect_run(c);
	pthread_mutex_lock(&d->lock);
	for (i = 0; i < d->n && !d->all; i++) {
		u64 gpa = d->r[i].gpa, len = d->r[i].len;

		while (len) {
			u64 room = CPU_PAGE_SIZE - (gpa & ~CPU_PAGE_MASK);

			n = (unsigned int)MIN(room, len);
			cpu_code_written(c, gpa, n, NULL);
			gpa += n;
			len -= n;
		}
	}
	if (d->all)
		cpu_cache_flush(c);
	d->n = 0;
	d->all = false;
	pthread_mutex_unlock(&d->lock);
}

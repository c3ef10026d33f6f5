// SPDX-License-Identifier: GPL-2.0-or-later
/* Several software CPUs in one machine; see smp.h. */
#include "vmm/cpu/smp.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm/cpu/dma.h"

/*
 * A page's word: which pieces have code, whether a TLB may have the page writable, and how many
 * CPUs have code there. TLBs get the page as writable only while no piece has code.
 */
#define PIECES     0xffffffffull
#define WRITABLE   (1ull << 32)
#define OWNER_ONE  (1ull << 33)
#define OWNERS     (~(OWNER_ONE - 1))
#define PIECE_SIZE 128u

#define YIELDS     64 /* before a waiting thread sleeps */
#define SLEEP_US   50

struct cpu_group *cpu_group_new(unsigned int max, u64 top)
{
	struct cpu_group *g = calloc(1, sizeof(*g));
	cpu_set_t set;

	if (!g)
		return NULL;
	g->max = max;
	g->npages = (top + CPU_PAGE_SIZE - 1) >> CPU_PAGE_SHIFT;
	g->cpus = calloc(max, sizeof(struct cpu *));
	g->pages = mmap(NULL, g->npages * sizeof(u64), PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (!g->cpus || g->pages == MAP_FAILED) {
		if (g->pages != MAP_FAILED)
			munmap(g->pages, g->npages * sizeof(u64));
		free(g->cpus);
		free(g);
		return NULL;
	}
	CPU_ZERO(&set);
	if (!sched_getaffinity(0, sizeof(set), &set))
		g->crowded = max > (unsigned int)CPU_COUNT(&set);
	pthread_mutex_init(&g->lock, NULL);
	return g;
}

void cpu_group_free(struct cpu_group *g)
{
	if (!g)
		return;
	pthread_mutex_destroy(&g->lock);
	munmap(g->pages, g->npages * sizeof(u64));
	free(g->cpus);
	free(g);
}

void cpu_group_add(struct cpu_group *g, struct cpu *c)
{
	if (g->n == g->max)
		return;
	g->cpus[g->n++] = c;
	c->group = g;
}

/* ---- standing still ---- */

void cpu_smp_enter(struct cpu *c)
{
	struct cpu_group *g = c->group;

	for (;;) {
		atomic_store(&c->busy, 1);
		if (!atomic_load(&g->exclusive))
			return;
		atomic_store(&c->busy, 0);
		/* whoever has the section holds the lock */
		pthread_mutex_lock(&g->lock);
		pthread_mutex_unlock(&g->lock);
	}
}

void cpu_smp_leave(struct cpu *c)
{
	atomic_store(&c->busy, 0);
}

void cpu_smp_sync(struct cpu *c)
{
	cpu_clear(c, CPU_REQ_SYNC);
	if (atomic_load(&c->group->exclusive)) {
		cpu_smp_leave(c);
		cpu_smp_enter(c);
	}
}

/* After standing still in the middle of a block: others have not waited for this CPU to take back
 * its write permissions. */
static void resume(struct cpu *c)
{
	cpu_smp_enter(c);
	if (atomic_load(&c->requests) & CPU_REQ_PHYS)
		cpu_dma_protect_run(c);
}

/* Until `o` has been between two blocks, or is outside of guest code. */
static void wait_for(struct cpu *o, bool standing)
{
	unsigned int i;

	for (i = 0; atomic_load(&o->busy); i++) {
		if (!standing && !(atomic_load(&o->requests) & CPU_REQ_SYNC))
			return;
		if (i < YIELDS)
			sched_yield();
		else
			usleep(SLEEP_US);
	}
}

/* Asks all others, then waits for each. c itself is not busy: others may wait for it meanwhile. */
static void sync_others(struct cpu *c, bool standing)
{
	struct cpu_group *g = c->group;
	unsigned int i;

	for (i = 0; i < g->n; i++)
		if (g->cpus[i] != c)
			cpu_request(g->cpus[i], CPU_REQ_SYNC);
	for (i = 0; i < g->n; i++)
		if (g->cpus[i] != c)
			wait_for(g->cpus[i], standing);
}

void cpu_smp_exclusive_begin(struct cpu *c)
{
	struct cpu_group *g = c->group;

	cpu_smp_leave(c);
	pthread_mutex_lock(&g->lock);
	atomic_store(&g->exclusive, 1);
	sync_others(c, true);
	c->exclusive = 1;
}

void cpu_smp_exclusive_end(struct cpu *c)
{
	struct cpu_group *g = c->group;

	c->exclusive = 0;
	atomic_store(&g->exclusive, 0);
	pthread_mutex_unlock(&g->lock);
	resume(c);
}

/* ---- code ---- */

static _Atomic u64 *word_of(const struct cpu_group *g, u64 gpa)
{
	u64 n = gpa >> CPU_PAGE_SHIFT;

	return n < g->npages ? &g->pages[n] : NULL;
}

static u64 pieces(u64 off, unsigned int len)
{
	unsigned int a = (unsigned int)(off & ~CPU_PAGE_MASK) / PIECE_SIZE;
	unsigned int b = (unsigned int)((off & ~CPU_PAGE_MASK) + len - 1) / PIECE_SIZE;

	return ((2ull << MIN(b, 31u)) - 1) & ~((1ull << a) - 1);
}

bool cpu_smp_writable(struct cpu *c, u64 gpa)
{
	_Atomic u64 *w = word_of(c->group, gpa);
	u64 v;

	if (!w)
		return false;
	v = atomic_load(w);
	do {
		if (v & PIECES)
			return false;
		if (v & WRITABLE)
			return true;
	} while (!atomic_compare_exchange_weak(w, &v, v | WRITABLE));
	return true;
}

static void tell_others(struct cpu *c, u64 gpa, unsigned int len)
{
	struct cpu_group *g = c->group;
	unsigned int i;

	for (i = 0; i < g->n; i++)
		if (g->cpus[i] != c)
			cpu_phys_written(g->cpus[i], gpa, len);
}

/*
 * The store comes first, then the look at the word; a CPU that makes code sets the word first,
 * then looks at the bytes. So one of the two sees the other.
 */
void cpu_smp_written(struct cpu *c, u64 gpa, unsigned int len, const struct uop *u)
{
	_Atomic u64 *w;
	u64 v, hit, first;

	gpa &= c->phys_mask;
	w = word_of(c->group, gpa);
	atomic_thread_fence(memory_order_seq_cst);
	if (!w) {
		tell_others(c, gpa, len);
		return;
	}
	hit = atomic_load(w) & pieces(gpa, len);
	if (!hit)
		return;
	/* All code of these pieces goes, here too: nobody watches them from now on. */
	atomic_fetch_and(w, ~hit);
	for (v = hit; v; v &= v - 1) {
		first = (gpa & CPU_PAGE_MASK) + (u64)__builtin_ctzll(v) * PIECE_SIZE;
		cpu_code_written(c, first, PIECE_SIZE, u);
		tell_others(c, first, PIECE_SIZE);
	}
}

/* No TLB has the page writable when this returns. */
static void take_back(struct cpu *c, u64 gpa)
{
	struct cpu_group *g = c->group;
	unsigned int i;

	cpu_smp_leave(c);
	for (i = 0; i < g->n; i++)
		if (g->cpus[i] != c)
			cpu_dma_protect(g->cpus[i], gpa);
	sync_others(c, false);
	resume(c);
}

bool cpu_smp_claim(struct cpu *c, struct cpu_code_page *p, unsigned int off, unsigned int len)
{
	_Atomic u64 *w = word_of(c->group, p->gpa);
	u64 m = pieces(off, len), old, gpa = p->gpa;
	bool again;

	if (!w)
		return false;
	old = atomic_load(w);
	while (!atomic_compare_exchange_weak(w, &old, (old | m) + (p->shared ? 0 : OWNER_ONE)))
		;
	p->shared = 1;
	again = m & ~old;
	if (!(old & WRITABLE))
		return again;
	cpu_tlb_protect(c, gpa);
	take_back(c, gpa);
	/* Where somebody has unwatched the piece meanwhile, the page may be writable again. */
	old = atomic_load(w);
	while ((old & m) == m && !atomic_compare_exchange_weak(w, &old, old & ~WRITABLE))
		;
	return true;
}

void cpu_smp_disclaim(struct cpu *c, struct cpu_code_page *p)
{
	_Atomic u64 *w = word_of(c->group, p->gpa);
	u64 old, new;

	if (!p->shared || !w)
		return;
	p->shared = 0;
	old = atomic_load(w);
	do {
		new = old - OWNER_ONE;
		if (!(new & OWNERS))
			new &= ~PIECES;
	} while (!atomic_compare_exchange_weak(w, &old, new));
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* The debugger's points of the software CPU: see debug.h. */
#include "vmm/cpu/debug.h"

#include <errno.h>
#include <stdlib.h>
#include "vmm/cpu/cache.h"
#include "vmm/cpu/uops.h"

int cpu_debug_set(struct cpu *c, const struct cpu_debug *d)
{
	struct cpu_debug *n = NULL, *old = c->debug;
	bool code;

	if (d) {
		n = malloc(sizeof(*n));
		if (!n)
			return -ENOMEM;
		*n = *d;
		n->hit = CPU_DEBUG_NONE;
	}
	/* Translated code holds checks: only other breakpoints make it stale. */
	code = (old ? old->nbreaks : 0) != (n ? n->nbreaks : 0) ||
	       (old && n && memcmp(old->breaks, n->breaks, n->nbreaks * sizeof(n->breaks[0])));
	c->debug = n;
	free(old);
	if (code)
		cpu_cache_flush(c);
	cpu_mode_changed(c);
	return 0;
}

bool cpu_debug_break_at(const struct cpu *c, u64 lin)
{
	unsigned int i;

	for (i = 0; i < c->debug->nbreaks; i++)
		if (c->debug->breaks[i] == lin)
			return true;
	return false;
}

bool cpu_debug_break_near(const struct cpu *c, unsigned int page_off)
{
	unsigned int i;

	for (i = 0; i < c->debug->nbreaks; i++)
		if ((c->debug->breaks[i] & ~CPU_PAGE_MASK) == page_off)
			return true;
	return false;
}

void cpu_debug_access(struct cpu *c, u64 lin, unsigned int size, bool write)
{
	struct cpu_debug *d = c->debug;
	unsigned int i;

	for (i = 0; i < d->nwatches; i++) {
		const struct cpu_debug_watch *w = &d->watches[i];

		if (!(write ? w->write : w->read) || lin - w->addr >= w->len + 0ull) {
			/* An access that begins below the range may reach into it. */
			if (!(write ? w->write : w->read) || w->addr - lin >= size)
				continue;
		}
		d->hit = CPU_DEBUG_WATCH;
		d->addr = w->addr;
		d->write = write;
	}
}

/* Stands before the first instruction of a block. */
UOP(uop_debug)
{
	u64 rip = c->gpr[CPU_RIP];
	u64 lin = c->mode & CPU_MODE_CS64 ? rip : (u32)(rip + c->seg[X86_CS].base);

	if (!c->debug || !cpu_debug_break_at(c, lin))
		NEXT(c, u);
	c->rip = rip;
	c->debug->hit = CPU_DEBUG_BREAK;
	return NULL;
}

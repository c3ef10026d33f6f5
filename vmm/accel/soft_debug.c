// SPDX-License-Identifier: GPL-2.0-or-later
/* A debugger's points for the software CPU. */
#include <errno.h>
#include <stdlib.h>
#include "vmm/accel/soft_priv.h"
#include "vmm/cpu/debug.h"

static int point_add(struct cpu_debug *c, const struct gm_point *p)
{
	if (p->kind == GM_POINT_EXEC) {
		if (c->nbreaks == CPU_DEBUG_BREAKS)
			return -ENOSPC;
		c->breaks[c->nbreaks++] = p->addr;
		return 0;
	}
	if (c->nwatches == CPU_DEBUG_WATCHES)
		return -ENOSPC;
	c->watches[c->nwatches++] = (struct cpu_debug_watch){
		.addr = p->addr, .len = p->len, .read = p->kind != GM_POINT_WRITE,
		.write = p->kind != GM_POINT_READ};
	return 0;
}

int soft_debug_set(struct gm_vcpu *v, const struct gm_debug *d)
{
	struct cpu_debug *c;
	unsigned int i;
	int ret = 0;

	if (!d || (!d->step && !d->npoints))
		return cpu_debug_set(soft_cpu(v), NULL);
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->step = d->step;
	for (i = 0; i < d->npoints && !ret; i++)
		ret = point_add(c, &d->points[i]);
	if (!ret)
		ret = cpu_debug_set(soft_cpu(v), c);
	free(c);
	return ret;
}

void soft_debug_exit(struct gm_vcpu *v, struct gm_exit *e)
{
	struct cpu_debug *d = soft_cpu(v)->debug;

	e->reason = GM_EXIT_DEBUG;
	e->debug.why = d->hit == CPU_DEBUG_BREAK ? GM_DEBUG_BREAK :
		       d->hit == CPU_DEBUG_WATCH ? GM_DEBUG_WATCH : GM_DEBUG_STEP;
	e->debug.addr = d->addr;
	e->debug.write = d->write;
	d->hit = CPU_DEBUG_NONE;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A clock that only its user moves, in place of vmm/clock.c. The user adds gm_clock_free() and
 * gm_clock_run(), which check what matters to it.
 */
#ifndef TEST_MANUAL_CLOCK_H
#define TEST_MANUAL_CLOCK_H

#include <stdlib.h>

#include "vmm/clock.h"

struct gm_clock {
	u64 now;
	u64 step; /* how long each reading takes */
	struct gm_timer *timers;
};

struct gm_clock *gm_clock_new(void)
{
	return calloc(1, sizeof(struct gm_clock));
}

u64 gm_clock_now(struct gm_clock *c)
{
	return c->now += c->step;
}

void gm_clock_stop(struct gm_clock *c)
{
}

void gm_clock_start(struct gm_clock *c)
{
}

void gm_clock_set_notify(struct gm_clock *c, void (*fn)(void *), void *opaque)
{
}

void gm_timer_init(struct gm_timer *t, struct gm_clock *c, void (*fn)(void *), void *opaque)
{
	*t = (struct gm_timer){.expires = GM_TIME_NEVER, .fn = fn, .opaque = opaque, .clock = c};
}

void gm_timer_cancel(struct gm_timer *t)
{
	struct gm_timer **p = &t->clock->timers;

	while (*p && *p != t)
		p = &(*p)->next;
	if (*p)
		*p = t->next;
	t->expires = GM_TIME_NEVER;
}

void gm_timer_set(struct gm_timer *t, u64 expires)
{
	struct gm_timer **p = &t->clock->timers;

	gm_timer_cancel(t);
	if (expires == GM_TIME_NEVER)
		return;
	while (*p && (*p)->expires <= expires)
		p = &(*p)->next;
	t->expires = expires;
	t->next = *p;
	*p = t;
}

#endif

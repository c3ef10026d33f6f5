// SPDX-License-Identifier: GPL-2.0-or-later
/* Guest time on the host's monotonic clock, and the sorted list of timers. */
#include "vmm/clock.h"

#include <stdlib.h>
#include <time.h>

/* Timers that fire in one call of gm_clock_run(), at most. */
#define CLOCK_ROUND 64

struct gm_clock {
	/* Guest time = host monotonic - offset while running, else `frozen`. Written under the
	 * machine lock; read without it, hence the sequence count. */
	u32 seq;
	bool running;
	u64 offset, frozen;
	struct gm_timer *timers;
	void (*notify)(void *);
	void *notify_opaque;
};

static u64 host_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * NSEC_PER_SEC + (u64)ts.tv_nsec;
}

struct gm_clock *gm_clock_new(void)
{
	return calloc(1, sizeof(struct gm_clock));
}

void gm_clock_free(struct gm_clock *c)
{
	free(c);
}

u64 gm_clock_now(struct gm_clock *c)
{
	u32 seq;
	u64 now;

	do {
		seq = __atomic_load_n(&c->seq, __ATOMIC_ACQUIRE);
		if (__atomic_load_n(&c->running, __ATOMIC_ACQUIRE))
			now = host_now() - __atomic_load_n(&c->offset, __ATOMIC_ACQUIRE);
		else
			now = __atomic_load_n(&c->frozen, __ATOMIC_ACQUIRE);
	} while (seq & 1 || seq != __atomic_load_n(&c->seq, __ATOMIC_RELAXED));
	return now;
}

static void clock_switch(struct gm_clock *c, bool run)
{
	u64 now = gm_clock_now(c);

	__atomic_store_n(&c->seq, c->seq + 1, __ATOMIC_RELAXED);
	__atomic_store_n(&c->frozen, now, __ATOMIC_RELEASE);
	__atomic_store_n(&c->offset, host_now() - now, __ATOMIC_RELEASE);
	__atomic_store_n(&c->running, run, __ATOMIC_RELEASE);
	__atomic_store_n(&c->seq, c->seq + 1, __ATOMIC_RELEASE);
	if (run && c->notify)
		c->notify(c->notify_opaque);
}

void gm_clock_stop(struct gm_clock *c)
{
	if (c->running)
		clock_switch(c, false);
}

void gm_clock_start(struct gm_clock *c)
{
	if (!c->running)
		clock_switch(c, true);
}

void gm_clock_set_notify(struct gm_clock *c, void (*fn)(void *), void *opaque)
{
	c->notify = fn;
	c->notify_opaque = opaque;
}

void gm_timer_init(struct gm_timer *t, struct gm_clock *c, void (*fn)(void *), void *opaque)
{
	*t = (struct gm_timer){
		.expires = GM_TIME_NEVER, .fn = fn, .opaque = opaque, .clock = c};
}

static void timer_unlink(struct gm_timer *t)
{
	struct gm_timer **p = &t->clock->timers;

	while (*p && *p != t)
		p = &(*p)->next;
	if (*p)
		*p = t->next;
	t->expires = GM_TIME_NEVER;
}

void gm_timer_cancel(struct gm_timer *t)
{
	if (gm_timer_active(t))
		timer_unlink(t);
}

void gm_timer_set(struct gm_timer *t, u64 expires)
{
	struct gm_clock *c = t->clock;
	struct gm_timer **p = &c->timers;

	gm_timer_cancel(t);
	if (expires == GM_TIME_NEVER)
		return;
	while (*p && (*p)->expires <= expires)
		p = &(*p)->next;
	t->expires = expires;
	t->next = *p;
	*p = t;
	if (c->timers == t && c->notify)
		c->notify(c->notify_opaque);
}

u64 gm_clock_run(struct gm_clock *c)
{
	u64 now = gm_clock_now(c);
	unsigned int left = CLOCK_ROUND;

	if (!c->running)
		return GM_TIME_NEVER;
	/* A callback may arm a timer in the past: bounded, so that the loop gets to its other work. */
	while (left-- && c->timers && c->timers->expires <= now) {
		struct gm_timer *t = c->timers;

		c->timers = t->next;
		t->expires = GM_TIME_NEVER;
		t->fn(t->opaque);
	}
	if (!c->timers)
		return GM_TIME_NEVER;
	now = gm_clock_now(c);
	return c->timers->expires > now ? c->timers->expires - now : 0;
}

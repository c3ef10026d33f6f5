/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest time: nanoseconds since the machine was switched on. It stands still while the machine
 * is paused. Timers run in the I/O thread with the machine lock held.
 */
#ifndef VMM_CLOCK_H
#define VMM_CLOCK_H

#include "vmm/types.h"

#define GM_TIME_NEVER UINT64_MAX
#define NSEC_PER_SEC  1000000000ULL

struct gm_clock;

struct gm_timer {
	u64 expires; /* guest time in ns; GM_TIME_NEVER when idle */
	void (*fn)(void *opaque);
	void *opaque;
	struct gm_clock *clock;
	struct gm_timer *next; /* in the clock's list, by expiry */
};

struct gm_clock *gm_clock_new(void);
void gm_clock_free(struct gm_clock *c);
/* Guest time now. Any thread, no lock needed. */
u64 gm_clock_now(struct gm_clock *c);
/* Stops and restarts guest time. Machine lock held. */
void gm_clock_stop(struct gm_clock *c);
void gm_clock_start(struct gm_clock *c);
/* Calls `fn` whenever the earliest expiry became earlier, so that the I/O thread looks again. */
void gm_clock_set_notify(struct gm_clock *c, void (*fn)(void *), void *opaque);
/* Runs what has expired; returns ns until the next expiry, or GM_TIME_NEVER. Machine lock held. */
u64 gm_clock_run(struct gm_clock *c);

/* A timer that calls fn(opaque) once at its expiry. It is idle until gm_timer_set(). */
void gm_timer_init(struct gm_timer *t, struct gm_clock *c, void (*fn)(void *), void *opaque);
/* (Re)arms at absolute guest time `expires`; a time in the past fires at once (from the I/O
 * thread, never from inside this call). Machine lock held. */
void gm_timer_set(struct gm_timer *t, u64 expires);
void gm_timer_cancel(struct gm_timer *t);
static inline bool gm_timer_active(const struct gm_timer *t)
{
	return t->expires != GM_TIME_NEVER;
}

/* a * b / c with a 128-bit product: ticks to nanoseconds and back. c must not be 0. */
static inline u64 gm_muldiv(u64 a, u64 b, u64 c)
{
	return (u64)((unsigned __int128)a * b / c);
}

#endif

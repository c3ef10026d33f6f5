/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * High-resolution timers, times and 64-bit division as kernels name them.
 */
#ifndef GM_COMPAT_TIME_H
#define GM_COMPAT_TIME_H

#include "module/compat/compat.h"

#include <linux/hrtimer.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/time.h>
#include <linux/timer.h>

#ifndef GM_HAVE_DIV64_U64_REM
static inline u64 div64_u64_rem(u64 n, u64 d, u64 *rest)
{
	u64 q = div64_u64(n, d);

	*rest = n - q * d;
	return q;
}
#endif

#ifndef GM_HAVE_HRTIMER_MODE_ABS

/*
 * Until 2.6.20 high-resolution timers tick with the jiffies as all others do, modules cannot use all of
 * them, and a ktime_t is not a number on i386. Usual timers serve as well: one that expires before
 * its time waits for the next jiffy.
 */
#undef hrtimer_restart /* a function, while it is the name of a type to us */
struct gm_timer {
	struct timer_list list;
	enum hrtimer_restart (*function)(struct gm_timer *timer);
	s64 expires;           /* ns */
};
#define hrtimer gm_timer

#undef ktime_t
#undef ktime_sub
#undef ktime_add_ns
#undef ktime_to_ns
#define ktime_t s64
#define ktime_sub(a, b) ((a) - (b))
#define ktime_add_ns(t, ns) ((t) + (s64)(ns))
#define ktime_to_ns(t) (t)
#define ktime_get gm_time
#define ktime_get_real gm_time_real

static inline s64 gm_time(void)
{
	struct timespec t;

	ktime_get_ts(&t);
	return (s64)t.tv_sec * NSEC_PER_SEC + t.tv_nsec;
}

static inline s64 gm_time_real(void)
{
	struct timeval t;

	do_gettimeofday(&t);
	return (s64)t.tv_sec * NSEC_PER_SEC + t.tv_usec * 1000;
}

#define HRTIMER_MODE_ABS 0

static inline void gm_timer_fn(unsigned long data)
{
	struct gm_timer *timer = (struct gm_timer *)data;

	if (gm_time() < READ_ONCE(timer->expires))
		mod_timer(&timer->list, jiffies + 1);
	else
		timer->function(timer);
}

#define hrtimer_setup(timer, fn, clock, mode) gm_timer_setup(timer, fn)
static inline void gm_timer_setup(struct gm_timer *timer, enum hrtimer_restart (*fn)(struct gm_timer *))
{
	init_timer(&timer->list);
	timer->list.function = gm_timer_fn;
	timer->list.data = (unsigned long)timer;
	timer->function = fn;
}

#define hrtimer_start(timer, when, mode) gm_timer_start(timer, when)
static inline void gm_timer_start(struct gm_timer *timer, s64 when)
{
	s64 ns = when - gm_time();
	u64 n = ns <= 0 ? 0 : div_u64(ns, NSEC_PER_SEC / HZ);

	timer->expires = when;
	mod_timer(&timer->list, jiffies + 1 + min_t(u64, n, LONG_MAX / 4));
}

#define hrtimer_is_queued(timer) timer_pending(&(timer)->list)
#define hrtimer_try_to_cancel(timer) del_timer(&(timer)->list)
#define hrtimer_cancel(timer) del_timer_sync(&(timer)->list)

#elif !defined(GM_HAVE_HRTIMER_SETUP)

static inline void hrtimer_setup(struct hrtimer *timer, enum hrtimer_restart (*fn)(struct hrtimer *),
				 clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = fn;
}

#endif
#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * High-resolution timers and 64-bit division as kernels name them.
 */
#ifndef GM_COMPAT_TIME_H
#define GM_COMPAT_TIME_H

#include "module/compat/compat.h"

#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/math64.h>

#ifndef GM_HAVE_HRTIMER_SETUP
static inline void hrtimer_setup(struct hrtimer *timer, enum hrtimer_restart (*fn)(struct hrtimer *),
				 clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = fn;
}
#endif

#ifndef GM_HAVE_DIV64_U64_REM
static inline u64 div64_u64_rem(u64 n, u64 d, u64 *rest)
{
	u64 q = div64_u64(n, d);

	*rest = n - q * d;
	return q;
}
#endif

#endif

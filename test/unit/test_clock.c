// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guest time on the host's clock: it runs at the same rate, stands while stopped, never goes back.
 * Readings are compared with readings of the host's clock before and after, so that a busy host
 * makes the bounds wider, never the test fail.
 */
#include "test/unit/lib/run.h"

#include <time.h>
#include "vmm/clock.h"

static u64 host(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * NSEC_PER_SEC + (u64)ts.tv_nsec;
}

static void wait_ns(long ns)
{
	struct timespec ts = {.tv_nsec = ns};

	nanosleep(&ts, NULL);
}

/* A reading of guest time lies in [lo, hi] of host time less `lag`. */
struct reading {
	u64 lo, guest, hi;
};

static struct reading take(struct gm_clock *c)
{
	struct reading r;

	r.lo = host();
	r.guest = gm_clock_now(c);
	r.hi = host();
	return r;
}

START_TEST(test_rate)
{
	struct gm_clock *c = gm_clock_new();
	struct reading a, b;
	int i;

	ck_assert_uint_eq(gm_clock_now(c), 0);
	gm_clock_start(c);
	a = take(c);
	for (i = 0; i < 20; i++) {
		wait_ns(5000000);
		b = take(c);
		/* what passed for the guest is what passed for the host, to the nanosecond */
		ck_assert_uint_ge(b.guest - a.guest, b.lo - a.hi);
		ck_assert_uint_le(b.guest - a.guest, b.hi - a.lo);
	}
	gm_clock_free(c);
}
END_TEST

START_TEST(test_stop)
{
	struct gm_clock *c = gm_clock_new();
	struct reading a, b;
	u64 stood = 0, frozen, before, after;
	int i;

	gm_clock_start(c);
	a = take(c);
	for (i = 0; i < 10; i++) {
		gm_clock_stop(c);
		before = host();
		frozen = gm_clock_now(c);
		wait_ns(3000000);
		ck_assert_uint_eq(gm_clock_now(c), frozen);
		after = host();
		gm_clock_start(c);
		stood += after - before;
		ck_assert_uint_ge(gm_clock_now(c), frozen);
	}
	b = take(c);
	/* all the time that it surely stood is missing */
	ck_assert_uint_le(b.guest - a.guest, b.hi - a.lo - stood);
	gm_clock_free(c);
}
END_TEST

static unsigned int fired, order[8];

static void fire(void *opaque)
{
	order[fired++ % 8] = (unsigned int)(uintptr_t)opaque;
}

/* Timers do not run while the clock stands; afterwards they come in their order. */
START_TEST(test_timers)
{
	struct gm_clock *c = gm_clock_new();
	struct gm_timer t[3];
	u64 now;
	unsigned int i;

	fired = 0;
	gm_clock_start(c);
	now = gm_clock_now(c);
	gm_clock_stop(c);
	for (i = 0; i < 3; i++) {
		gm_timer_init(&t[i], c, fire, (void *)(uintptr_t)i);
		gm_timer_set(&t[i], now + (3 - i) * 1000);
	}
	wait_ns(2000000);
	ck_assert_uint_eq(gm_clock_run(c), GM_TIME_NEVER);
	ck_assert_uint_eq(fired, 0);
	gm_clock_start(c);
	wait_ns(2000000);
	gm_clock_run(c);
	ck_assert_uint_eq(fired, 3);
	for (i = 0; i < 3; i++)
		ck_assert_uint_eq(order[i], 2 - i);
	gm_clock_free(c);
}
END_TEST

int main(void)
{
	const struct fake_test tests[] = {{test_rate, 1}, {test_stop, 1}, {test_timers, 1}};

	return fake_run("clock", tests, ARRAY_SIZE(tests));
}

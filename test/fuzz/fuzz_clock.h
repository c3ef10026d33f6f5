/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A clock that the input moves, in place of vmm/clock.c; what it runs is bounded. */
#ifndef TEST_FUZZ_CLOCK_H
#define TEST_FUZZ_CLOCK_H

#include "test/fuzz/fuzz.h"
#include "test/unit/lib/manual_clock.h"

void gm_clock_free(struct gm_clock *c)
{
	fuzz_check(!c || !c->timers, "a timer outlived its device");
	free(c);
}

u64 gm_clock_run(struct gm_clock *c)
{
	int left = 2000;

	while (left-- && c->timers && c->timers->expires <= c->now) {
		struct gm_timer *t = c->timers;

		c->timers = t->next;
		t->expires = GM_TIME_NEVER;
		t->fn(t->opaque);
	}
	return GM_TIME_NEVER;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pace of a stream of samples in guest time: how many frames should have passed by now. A host
 * that comes late makes up for a quarter of a second at most.
 */
#ifndef DEVICES_SOUND_PACE_H
#define DEVICES_SOUND_PACE_H

#include "devices/dev.h"

struct pace {
	u64 base; /* guest time when it began */
	u64 done; /* frames since */
	u32 rate; /* frames a second; not 0 once it began */
};

static inline void pace_start(struct pace *p, u32 rate, u64 now)
{
	*p = (struct pace){.base = now, .rate = rate};
}

/* Frames that have not been passed yet. */
static inline u32 pace_due(struct pace *p, u64 now)
{
	u64 total = now > p->base ? gm_muldiv(now - p->base, p->rate, NSEC_PER_SEC) : 0;
	u64 due = total > p->done ? total - p->done : 0;

	if (due <= p->rate / 4)
		return (u32)due;
	pace_start(p, p->rate, now - NSEC_PER_SEC / 4);
	return p->rate / 4;
}

/* Guest time when n more will have passed. */
static inline u64 pace_when(const struct pace *p, u32 n)
{
	return p->base + gm_muldiv(p->done + n, NSEC_PER_SEC, p->rate) + 1;
}

static const struct gm_field pace_fields[] = {
	GM_U64(struct pace, base),
	GM_U64(struct pace, done),
	GM_U32(struct pace, rate),
	GM_FIELDS_END,
};

static const struct gm_state_desc pace_state = {
	.name = "pace", .version = 1, .size = sizeof(struct pace), .fields = pace_fields,
};

#endif

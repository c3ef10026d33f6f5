// SPDX-License-Identifier: GPL-2.0-or-later
/* Saving and loading of state by its description. */
#include "vmm/state.h"

#include <errno.h>
#include "vmm/clock.h"

static size_t field_size(const struct gm_field *f)
{
	switch (f->kind) {
	case GM_FIELD_OMIT: return 0;
	case GM_FIELD_BOOL: return f->count;
	case GM_FIELD_TIMER: return 8 * (size_t)f->count;
	case GM_FIELD_STRUCT: return f->count * gm_state_size(f->sub);
	default: return (size_t)f->size * f->count;
	}
}

size_t gm_state_size(const struct gm_state_desc *d)
{
	const struct gm_field *f;
	size_t n = 0;

	for (f = d->fields; f->kind; f++)
		n += field_size(f);
	return n;
}

static size_t field_save(const struct gm_field *f, const u8 *p, u8 *buf)
{
	u64 expires;

	switch (f->kind) {
	case GM_FIELD_OMIT: return 0;
	case GM_FIELD_STRUCT: return gm_state_save(f->sub, p, buf);
	case GM_FIELD_TIMER:
		expires = ((const struct gm_timer *)p)->expires;
		memcpy(buf, &expires, 8);
		return 8;
	case GM_FIELD_BOOL: buf[0] = *(const bool *)p; return 1;
	default: memcpy(buf, p, f->size); return f->size;
	}
}

size_t gm_state_save(const struct gm_state_desc *d, const void *state, u8 *buf)
{
	const struct gm_field *f;
	size_t n = 0;
	u32 i;

	for (f = d->fields; f->kind; f++)
		for (i = 0; i < f->count; i++)
			n += field_save(f, (const u8 *)state + f->offset + (size_t)i * f->size,
					buf + n);
	return n;
}

static size_t field_load(const struct gm_field *f, u8 *p, const u8 *buf)
{
	u64 expires;

	switch (f->kind) {
	case GM_FIELD_OMIT: return 0;
	case GM_FIELD_STRUCT:
		/* The whole was checked against gm_state_size(), which covers this part. */
		gm_state_load(f->sub, p, buf, gm_state_size(f->sub));
		return gm_state_size(f->sub);
	case GM_FIELD_TIMER:
		memcpy(&expires, buf, 8);
		gm_timer_set((struct gm_timer *)p, expires);
		if (expires == GM_TIME_NEVER)
			gm_timer_cancel((struct gm_timer *)p);
		return 8;
	case GM_FIELD_BOOL: *(bool *)p = buf[0] != 0; return 1;
	default: memcpy(p, buf, f->size); return f->size;
	}
}

int gm_state_load(const struct gm_state_desc *d, void *state, const u8 *buf, size_t len)
{
	const struct gm_field *f;
	size_t n = 0;
	u32 i;

	if (len != gm_state_size(d))
		return -EINVAL;
	for (f = d->fields; f->kind; f++)
		for (i = 0; i < f->count; i++)
			n += field_load(f, (u8 *)state + f->offset + (size_t)i * f->size, buf + n);
	return 0;
}

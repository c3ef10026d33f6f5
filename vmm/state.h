/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * State descriptions: one table per device that lists every guest-visible field of its state.
 * Reset, introspection and (later) snapshots and migration all read this one table.
 *
 * The saved form is little-endian, field after field in table order, each with its declared
 * size; timers are saved as their absolute expiry in nanoseconds of virtual time (~0 when idle).
 */
#ifndef VMM_STATE_H
#define VMM_STATE_H

#include "vmm/types.h"

enum gm_field_kind {
	GM_FIELD_U8 = 1,
	GM_FIELD_U16,
	GM_FIELD_U32,
	GM_FIELD_U64,
	GM_FIELD_BOOL,
	GM_FIELD_BYTES,  /* raw bytes, `size` of them */
	GM_FIELD_STRUCT, /* `count` structures described by `sub` */
	GM_FIELD_TIMER,  /* struct gm_timer */
	GM_FIELD_OMIT,   /* not saved; `why` says the reason */
};

struct gm_state_desc;

struct gm_field {
	const char *name;
	enum gm_field_kind kind;
	u32 offset;
	u32 size;                        /* of one element, bytes */
	u32 count;                       /* elements; 1 for a scalar */
	u16 since;                       /* version of the description that brought it */
	const struct gm_state_desc *sub; /* for GM_FIELD_STRUCT */
	const char *why;                 /* for GM_FIELD_OMIT */
};

struct gm_state_desc {
	const char *name;
	u16 version;
	u32 size;                      /* sizeof the structure described */
	const struct gm_field *fields; /* ends with kind 0 */
};

#define GM_FIELD_(k, s, f, n, c)                                                                   \
	{                                                                                          \
		.name = #f, .kind = (k), .offset = offsetof(s, f), .size = (n), .count = (c),      \
		.since = 1,                                                                        \
	}
/* Scalars and arrays of scalars; the size of the member is checked at compile time. */
#define GM_SCALAR_(k, s, f, n)                                                                     \
	GM_FIELD_(k, s, f, (n) + 0 * sizeof(char[sizeof(((s *)0)->f) % (n) ? -1 : 1]),             \
		  sizeof(((s *)0)->f) / (n))
#define GM_U8(s, f)    GM_SCALAR_(GM_FIELD_U8, s, f, 1)
#define GM_U16(s, f)   GM_SCALAR_(GM_FIELD_U16, s, f, 2)
#define GM_U32(s, f)   GM_SCALAR_(GM_FIELD_U32, s, f, 4)
#define GM_U64(s, f)   GM_SCALAR_(GM_FIELD_U64, s, f, 8)
#define GM_BOOL(s, f)  GM_SCALAR_(GM_FIELD_BOOL, s, f, sizeof(bool))
#define GM_BYTES(s, f) GM_FIELD_(GM_FIELD_BYTES, s, f, sizeof(((s *)0)->f), 1)
#define GM_TIMER(s, f) GM_FIELD_(GM_FIELD_TIMER, s, f, sizeof(struct gm_timer), 1)
/* A structure described by `d`, and an array of `elem`s. */
#define GM_STRUCT(s, f, d)                                                                         \
	{                                                                                          \
		.name = #f, .kind = GM_FIELD_STRUCT, .offset = offsetof(s, f),                     \
		.size = sizeof(((s *)0)->f), .count = 1, .since = 1, .sub = (d),                   \
	}
#define GM_STRUCTS(s, f, elem, d)                                                                  \
	{                                                                                          \
		.name = #f, .kind = GM_FIELD_STRUCT, .offset = offsetof(s, f),                     \
		.size = sizeof(elem), .count = sizeof(((s *)0)->f) / sizeof(elem), .since = 1,     \
		.sub = (d),                                                                        \
	}
#define GM_OMIT(s, f, reason)                                                                      \
	{                                                                                          \
		.name = #f, .kind = GM_FIELD_OMIT, .offset = offsetof(s, f),                       \
		.size = sizeof(((s *)0)->f), .count = 1, .since = 1, .why = (reason),              \
	}
#define GM_FIELDS_END                                                                              \
	{                                                                                          \
		.kind = 0                                                                          \
	}

/* Bytes that `state` takes when saved. */
size_t gm_state_size(const struct gm_state_desc *d);
/* Saves into buf (at least gm_state_size() bytes); returns the bytes written. */
size_t gm_state_save(const struct gm_state_desc *d, const void *state, u8 *buf);
/* Loads; -EINVAL when len is not what the description needs. The bytes may be hostile: the
 * caller's class checks the values that index something in its `loaded` callback. */
int gm_state_load(const struct gm_state_desc *d, void *state, const u8 *buf, size_t len);

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * State descriptions: those of all device classes cover their structures, and what is saved,
 * loaded and saved again is the same. The functions of vmm/state.c on a structure of every kind.
 */
#include <errno.h>
#include <stdlib.h>

#include "devices/dev.h"
#include "test/unit/lib/run.h"

/* ---- coverage ---- */

/* What the compiler aligns a field to, as far as the description knows; 8 where it may hold
 * anything. */
static u32 field_align(const struct gm_field *f)
{
	switch (f->kind) {
	case GM_FIELD_U8:
	case GM_FIELD_BOOL:
	case GM_FIELD_BYTES:
		return 1;
	case GM_FIELD_U16:
		return 2;
	case GM_FIELD_U32:
		return 4;
	default:
		return 8;
	}
}

/* Marks the bytes of every field; header bytes are marked already. */
static void mark(const struct gm_state_desc *d, u8 *map)
{
	for (const struct gm_field *f = d->fields; f->kind; f++) {
		u64 end = f->offset + (u64)f->size * f->count;

		ck_assert_msg(f->name && f->size && f->count, "%s: a field without name or size",
			      d->name);
		ck_assert_msg(end <= d->size, "%s.%s ends beyond the structure", d->name, f->name);
		ck_assert_msg(f->since >= 1 && f->since <= d->version,
			      "%s.%s is since version %u of %u", d->name, f->name, f->since,
			      d->version);
		for (u64 i = f->offset; i < end; i++) {
			if (map[i]) /* structures are large: no assertion for every byte */
				ck_abort_msg("%s.%s overlaps another field at byte %lu", d->name,
					     f->name, (unsigned long)i);
			map[i] = 1;
		}
	}
}

/* A gap is padding if no smaller one would have aligned the field behind it. */
static bool is_padding(const struct gm_state_desc *d, u32 start, u32 end)
{
	u32 align = 1;

	/* At the end it is the strictest field that counts. */
	for (const struct gm_field *f = d->fields; f->kind; f++)
		if (f->offset == end || (end == d->size && field_align(f) > align))
			align = field_align(f);
	return end - start < align && end % align == 0;
}

/* header: leading bytes that need no field (struct gm_dev), unless one stands there. */
static void check_desc(const struct gm_state_desc *d, u32 header)
{
	u8 *map = calloc(d->size + 1, 1);
	bool described = false;

	ck_assert_ptr_nonnull(map);
	ck_assert_msg(d->version >= 1 && d->fields && d->name, "a description is incomplete");
	for (const struct gm_field *f = d->fields; f->kind; f++)
		described |= f->offset == 0;
	if (!described)
		memset(map, 1, header);
	mark(d, map);
	for (u32 i = 0, end; i < d->size; i = end + 1) {
		for (end = i; end < d->size && !map[end]; end++)
			;
		if (end != i && !is_padding(d, i, end))
			ck_abort_msg("%s: bytes %u to %u are in no field", d->name, i, end - 1);
	}
	free(map);
	for (const struct gm_field *f = d->fields; f->kind; f++) {
		if (f->kind == GM_FIELD_OMIT)
			ck_assert_msg(f->why && strlen(f->why) > 4, "%s.%s is left out, but why?",
				      d->name, f->name);
		if (f->kind == GM_FIELD_STRUCT) {
			ck_assert_msg(f->sub && f->sub->size == f->size,
				      "%s.%s: its description is of another size", d->name,
				      f->name);
			check_desc(f->sub, f->offset == 0 ? header : 0);
		}
	}
}

static size_t class_count(void)
{
	size_t n = 0;

	while (gm_dev_classes[n])
		n++;
	return n;
}

START_TEST(test_class_coverage)
{
	for (size_t i = 0; i < class_count(); i++) {
		const struct gm_dev_class *cls = gm_dev_classes[i];

		ck_assert_msg(cls->name && cls->title && cls->init && cls->reset && cls->state,
			      "class %zu is incomplete", i);
		ck_assert_msg(cls->state->size == cls->size, "%s: description of another size",
			      cls->name);
		check_desc(cls->state, sizeof(struct gm_dev));
		for (size_t k = 0; k < i; k++)
			ck_assert_msg(strcmp(gm_dev_classes[k]->name, cls->name),
				      "two classes are called %s", cls->name);
	}
}
END_TEST

/* ---- save, load, save ---- */

static struct gm_clock *clk;

/* Gives every timer in the structure its clock. */
static void init_timers(const struct gm_state_desc *d, u8 *p)
{
	for (const struct gm_field *f = d->fields; f->kind; f++)
		for (u32 i = 0; i < f->count; i++) {
			u8 *at = p + f->offset + (size_t)f->size * i;

			if (f->kind == GM_FIELD_TIMER)
				gm_timer_init((struct gm_timer *)at, clk, NULL, NULL);
			else if (f->kind == GM_FIELD_STRUCT)
				init_timers(f->sub, at);
		}
}

START_TEST(test_class_round_trip)
{
	u32 x = 4711;

	for (size_t i = 0; i < class_count(); i++) {
		const struct gm_state_desc *d = gm_dev_classes[i]->state;
		size_t n = gm_state_size(d);
		u8 *first = calloc(1, d->size), *second = calloc(1, d->size);
		u8 *a = malloc(n + 1), *b = malloc(n + 1);

		clk = gm_clock_new();
		ck_assert(clk && first && second && a && b);
		init_timers(d, first);
		init_timers(d, second);
		for (size_t k = 0; k < n; k++)
			a[k] = (u8)((x = x * 1664525 + 1013904223) >> 24);
		a[n] = b[n] = 0xa5;
		/* Any bytes can be loaded (flags become 0 or 1); from then on nothing changes. */
		ck_assert_int_eq(gm_state_load(d, first, a, n), 0);
		ck_assert_uint_eq(gm_state_save(d, first, a), n);
		ck_assert_int_eq(gm_state_load(d, second, a, n), 0);
		ck_assert_uint_eq(gm_state_save(d, second, b), n);
		ck_assert_msg(!memcmp(a, b, n), "%s: saved twice, not the same", d->name);
		ck_assert_msg(a[n] == 0xa5 && b[n] == 0xa5, "%s: saved too much", d->name);
		ck_assert_int_eq(gm_state_load(d, second, a, n + 1), -EINVAL);
		if (n)
			ck_assert_int_eq(gm_state_load(d, second, a, n - 1), -EINVAL);
		gm_clock_free(clk);
		free(first);
		free(second);
		free(a);
		free(b);
	}
}
END_TEST

/* ---- the functions themselves ---- */

struct part {
	u16 a;
	u8 b;
};

static const struct gm_field part_fields[] = {
	GM_U16(struct part, a),
	GM_U8(struct part, b),
	GM_FIELDS_END,
};

static const struct gm_state_desc part_desc = {
	.name = "part", .version = 1, .size = sizeof(struct part), .fields = part_fields,
};

struct all {
	u8 byte;
	u16 words[2];
	u32 dword;
	u64 qword;
	bool flag;
	u8 raw[3];
	struct part one, many[2];
	struct gm_timer timer, idle;
	void *host;
};

static const struct gm_field all_fields[] = {
	GM_U8(struct all, byte),
	GM_U16(struct all, words),
	GM_U32(struct all, dword),
	GM_U64(struct all, qword),
	GM_BOOL(struct all, flag),
	GM_BYTES(struct all, raw),
	GM_STRUCT(struct all, one, &part_desc),
	GM_STRUCTS(struct all, many, struct part, &part_desc),
	GM_TIMER(struct all, timer),
	GM_TIMER(struct all, idle),
	GM_OMIT(struct all, host, "a host pointer"),
	GM_FIELDS_END,
};

static const struct gm_state_desc all_desc = {
	.name = "all", .version = 1, .size = sizeof(struct all), .fields = all_fields,
};

START_TEST(test_saved_form)
{
	static const u8 want[] = {
		0x11, 0x22, 0x33, 0x44, 0x55, 0x04, 0x03, 0x02, 0x01, 8, 7, 6, 5, 4, 3, 2, 1, 1,
		'a', 'b', 'c', 0x01, 0x02, 3, 0x04, 0x05, 6, 0x07, 0x08, 9,
		0xd2, 0x04, 0, 0, 0, 0, 0, 0,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	};
	struct all s = {
		.byte = 0x11, .words = {0x3322, 0x5544}, .dword = 0x01020304,
		.qword = 0x0102030405060708, .flag = true, .raw = {'a', 'b', 'c'},
		.one = {0x0201, 3}, .many = {{0x0504, 6}, {0x0807, 9}}, .host = &s,
	}, t = {.host = &t};
	u8 buf[sizeof(want)];

	clk = gm_clock_new();
	init_timers(&all_desc, (u8 *)&s);
	init_timers(&all_desc, (u8 *)&t);
	gm_timer_set(&s.timer, 1234);
	gm_timer_set(&t.idle, 99);
	check_desc(&all_desc, 0);
	ck_assert_uint_eq(gm_state_size(&all_desc), sizeof(want));
	ck_assert_uint_eq(gm_state_save(&all_desc, &s, buf), sizeof(want));
	ck_assert_mem_eq(buf, want, sizeof(want));
	ck_assert_int_eq(gm_state_load(&all_desc, &t, want, sizeof(want)), 0);
	ck_assert_uint_eq(t.words[1], 0x5544);
	ck_assert_uint_eq(t.many[1].a, 0x0807);
	ck_assert_uint_eq(t.timer.expires, 1234);
	ck_assert(gm_timer_active(&t.timer));
	ck_assert(!gm_timer_active(&t.idle));
	ck_assert_ptr_eq(t.host, &t);
	gm_clock_free(clk);
}
END_TEST

int main(void)
{
	const struct fake_test tests[] = {
		{test_class_coverage},
		{test_class_round_trip},
		{test_saved_form},
	};

	return fake_run("state", tests, ARRAY_SIZE(tests));
}

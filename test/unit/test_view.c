// SPDX-License-Identifier: GPL-2.0-or-later
/* Views of the screen: looked at while it changes, asleep when it does not, tiles that differ. */
#include <stdlib.h>
#include "test/unit/lib/run.h"
#include "vmm/loop.h"
#include "vmm/machine.h"
#include "vmm/ui/view.h"

/* A screen of one colour but for one pixel; counts who asks. */
static struct {
	unsigned int w, h, looks, unwatched;
	bool off, changed, deaf;
	u32 x, y, pixel;
	struct gm_display_watch *watch;
} scr;

static bool snapshot(void *opaque, struct gm_screen *s, bool want_pixels, u64 *since)
{
	scr.looks++;
	if (!scr.changed && *since)
		return false;
	scr.changed = false;
	*since = 1;
	s->kind = scr.off ? GM_SCREEN_OFF : GM_SCREEN_PIXELS;
	ck_assert(want_pixels);
	ck_assert_int_eq(gm_screen_pixel_size(s, scr.w, scr.h), 0);
	memset(s->pixels, 0x11, (size_t)scr.w * scr.h * 4);
	s->pixels[scr.y * scr.w + scr.x] = scr.pixel;
	return true;
}

static bool watch(void *opaque, struct gm_display_watch *w)
{
	if (scr.deaf)
		return false;
	ck_assert_ptr_null(scr.watch);
	scr.watch = w;
	return true;
}

static void unwatch(void *opaque, struct gm_display_watch *w)
{
	if (scr.watch == w)
		scr.unwatched++;
	scr.watch = NULL;
}

static struct gm_machine *m;
static struct gm_view *v;
static struct gm_view_port port;
static unsigned int wakes;

static void wake(void *opaque)
{
	wakes++;
}

static void setup(void)
{
	struct gm_display_source src = {.snapshot = snapshot, .watch = watch, .unwatch = unwatch};

	memset(&scr, 0, sizeof(scr));
	scr.w = 640;
	scr.h = 480;
	scr.pixel = 0x11111111;
	wakes = 0;
	m = gm_machine_new("view");
	gm_lock(m);
	ck_assert_int_eq(gm_view_new(m, &src, &v), 0);
	port = (struct gm_view_port){.wake = wake};
	gm_unlock(m);
}

static void finish(void)
{
	gm_lock(m);
	gm_view_free(v);
	gm_unlock(m);
	gm_machine_free(m);
}

static void attach(void)
{
	gm_lock(m);
	gm_view_attach(v, &port);
	gm_unlock(m);
}

static void detach(void)
{
	gm_lock(m);
	gm_view_detach(v, &port);
	gm_unlock(m);
}

/* Rounds of the loop that do not wait for anything. */
static void rounds(int n)
{
	while (n--) {
		gm_loop_wake(m->loop);
		gm_loop_step(m->loop);
	}
}

/* Until the view sleeps; it must not look for ever at what does not change. */
static void settle(void)
{
	int left = 20;

	while (!scr.watch) {
		ck_assert_msg(left--, "it does not stop looking");
		gm_loop_step(m->loop);
	}
}

static void change(void)
{
	struct gm_display_watch *w = scr.watch;

	scr.changed = true;
	if (!w)
		return;
	gm_lock(m);
	scr.watch = NULL;
	w->fn(w->opaque);
	gm_unlock(m);
}

static unsigned int drain(struct gm_rect *last)
{
	unsigned int n = 0;

	gm_view_lock(v);
	while (gm_view_next(v, &port, last)) {
		ck_assert(last->w && last->h && last->x + last->w <= v->width &&
			  last->y + last->h <= v->height);
		n++;
	}
	gm_view_unlock(v);
	return n;
}

START_TEST(test_nobody)
{
	setup();
	rounds(5);
	ck_assert_uint_eq(scr.looks, 0);
	attach();
	settle();
	detach();
	ck_assert_uint_eq(scr.unwatched, 1);
	scr.looks = 0;
	rounds(5);
	ck_assert_uint_eq(scr.looks, 0);
	finish();
}
END_TEST

START_TEST(test_idle)
{
	unsigned int looks;

	setup();
	attach();
	settle();
	looks = scr.looks;
	ck_assert_uint_eq(looks, 2); /* the picture, and that it has not changed */
	wakes = 0;
	rounds(20);
	ck_assert_uint_eq(scr.looks, looks);
	ck_assert_uint_eq(wakes, 0);
	change();
	settle();
	ck_assert_uint_eq(scr.looks, looks + 2);
	ck_assert_uint_eq(wakes, 0); /* told of a change, but the picture is the same */
	ck_assert_uint_eq(v->looks, scr.looks);
	detach();
	finish();
}
END_TEST

/* A source that does not hear of changes is asked again. */
START_TEST(test_deaf)
{
	unsigned int i;

	setup();
	scr.deaf = true;
	attach();
	for (i = 0; i < 5; i++)
		gm_loop_step(m->loop);
	ck_assert_uint_ge(scr.looks, 3);
	detach();
	finish();
}
END_TEST

static const struct {
	u32 x, y;
	struct gm_rect want;
} spots[] = {
	{0, 0, {0, 0, 64, 16}},
	{63, 15, {0, 0, 64, 16}},
	{64, 16, {64, 16, 64, 16}},
	{639, 479, {576, 464, 64, 16}},
	{649, 489, {640, 480, 10, 10}}, /* of 650 by 490 */
};

START_TEST(test_tiles)
{
	struct gm_rect r = {0};

	setup();
	if (spots[_i].x > 639) {
		scr.w = 650;
		scr.h = 490;
	}
	attach();
	settle();
	ck_assert_uint_eq(v->width, scr.w);
	ck_assert_uint_eq(drain(&r), (scr.h + 15) / 16); /* all of it: a run a row of tiles */
	ck_assert_uint_eq(drain(&r), 0);
	scr.x = spots[_i].x;
	scr.y = spots[_i].y;
	scr.pixel = 0x00ffffff;
	change();
	settle();
	ck_assert_uint_eq(drain(&r), 1);
	ck_assert_int_eq(memcmp(&r, &spots[_i].want, sizeof(r)), 0);
	ck_assert_uint_eq(v->pixels[scr.y * scr.w + scr.x], 0x00ffffff);
	detach();
	finish();
}
END_TEST

START_TEST(test_resize_and_off)
{
	struct gm_rect r;

	setup();
	attach();
	settle();
	scr.w = 1024;
	scr.h = 768;
	change();
	settle();
	ck_assert_uint_eq(v->width * 10000 + v->height, 10240768);
	ck_assert_uint_eq(drain(&r), 48);
	scr.off = true;
	change();
	settle();
	ck_assert_uint_eq(v->width * 10000 + v->height, 10240768);
	ck_assert_uint_eq(v->pixels[0] | v->pixels[1024 * 768 - 1], 0);
	ck_assert_uint_eq(drain(&r), 48);
	scr.off = false;
	scr.w = 4096;
	scr.h = 4096;
	change();
	settle();
	ck_assert_uint_eq(drain(&r), 256);
	detach();
	finish();
}
END_TEST

/* Two who look see the same changes, each at its own time. */
START_TEST(test_two)
{
	struct gm_view_port other = {.wake = wake};
	struct gm_rect r;

	setup();
	attach();
	gm_lock(m);
	gm_view_attach(v, &other);
	gm_unlock(m);
	settle();
	drain(&r);
	scr.pixel = 0x00123456;
	change();
	settle();
	ck_assert_uint_eq(drain(&r), 1);
	detach();
	ck_assert_ptr_nonnull(scr.watch); /* one still looks */
	gm_view_lock(v);
	ck_assert(gm_view_next(v, &other, &r));
	gm_view_unlock(v);
	gm_lock(m);
	gm_view_detach(v, &other);
	gm_unlock(m);
	ck_assert_ptr_null(scr.watch);
	finish();
}
END_TEST

int main(void)
{
	const struct fake_test tests[] = {
		{test_nobody, 0}, {test_idle, 0}, {test_deaf, 0},
		{test_tiles, ARRAY_SIZE(spots)}, {test_resize_and_off, 0}, {test_two, 0},
	};

	return fake_run("view", tests, ARRAY_SIZE(tests));
}

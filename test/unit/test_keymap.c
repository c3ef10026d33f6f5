// SPDX-License-Identifier: GPL-2.0-or-later
/* Keysyms, scan codes and USB usages become key events; the queue keeps them in order. */
#include <linux/input-event-codes.h>
#include <stdio.h>
#include "test/unit/lib/run.h"
#include "vmm/loop.h"
#include "vmm/machine.h"
#include "vmm/ui/feed.h"
#include "vmm/ui/keymap.h"

static char events[4096];
static unsigned int nevents;
static u8 leds;
static bool full;

static void key(void *opaque, unsigned int k, bool down)
{
	size_t n = strlen(events);

	nevents++;
	snprintf(events + n, sizeof(events) - n, "%c%u ", down ? '+' : '-', k);
}

static void pointer(void *opaque, int dx, int dy, int dz, unsigned int buttons)
{
	size_t n = strlen(events);

	snprintf(events + n, sizeof(events) - n, "rel %d %d %d %u ", dx, dy, dz, buttons);
}

static bool ready(void *opaque)
{
	return !full;
}

static u8 get_leds(void *opaque)
{
	return leds;
}

static bool listens;

static bool active(void *opaque)
{
	return listens;
}

static void move(void *opaque, unsigned int x, unsigned int y, int dz, unsigned int buttons)
{
	size_t n = strlen(events);

	snprintf(events + n, sizeof(events) - n, "abs %u %u %d %u ", x, y, dz, buttons);
}

static struct gm_machine *m;
static struct gm_feed *f;

static void setup(void)
{
	const struct gm_input_sink sink = {.key = key, .pointer = pointer, .ready = ready,
					   .leds = get_leds};
	const struct gm_tablet_sink tablet = {.active = active, .move = move};

	events[0] = 0;
	nevents = 0;
	leds = 0;
	full = listens = false;
	m = gm_machine_new("keys");
	gm_lock(m);
	ck_assert_int_eq(gm_feed_new(m, &sink, &tablet, &f), 0);
	gm_unlock(m);
}

static void finish(void)
{
	gm_lock(m);
	gm_feed_free(f);
	gm_unlock(m);
	gm_machine_free(m);
}

/* Lets n events in all come through. */
static void settle(unsigned int n)
{
	int left = 3000;

	while (nevents < n && left--)
		gm_loop_step(m->loop);
	ck_assert_uint_eq(nevents, n);
}

static const struct {
	const char *name;
	struct {
		u32 sym;
		bool down;
	} in[8];
	u8 leds;
	unsigned int n;
	const char *want;
} syms[] = {
	{"a letter", {{'a', 1}, {'a', 0}}, 0, 2, "+30 -30 "},
	{"with the user's shift", {{0xffe1, 1}, {'A', 1}, {'A', 0}, {0xffe1, 0}}, 0, 4,
	 "+42 +30 -30 -42 "},
	{"without it", {{'A', 1}, {'A', 0}}, 0, 4, "+42 +30 -42 -30 "},
	{"a shift too much", {{0xffe2, 1}, {'/', 1}, {'/', 0}, {0xffe2, 0}}, 0, 6,
	 "+54 -54 +53 +54 -53 -54 "},
	{"caps lock on", {{'A', 1}, {'A', 0}}, 4, 2, "+30 -30 "},
	{"caps lock and shift", {{0xffe1, 1}, {'a', 1}, {'a', 0}, {0xffe1, 0}}, 4, 4,
	 "+42 +30 -30 -42 "},
	{"caps lock does not touch digits", {{'1', 1}, {'1', 0}}, 4, 2, "+2 -2 "},
	{"shift let go first", {{0xffe1, 1}, {'"', 1}, {0xffe1, 0}, {'2', 0}}, 0, 4,
	 "+42 +40 -42 -40 "},
	{"repetition", {{'x', 1}, {'x', 1}, {'x', 0}}, 0, 3, "+45 +45 -45 "},
	{"control and alt", {{0xffe3, 1}, {0xffe9, 1}, {0xffff, 1}, {0xffff, 0}, {0xffe9, 0}, {0xffe3, 0}},
	 0, 6, "+29 +56 +111 -111 -56 -29 "},
	{"no keysym: Latin 1 is not in the range of Unicode", {{0x01000041, 1}, {0x01000041, 0}}, 0, 0, ""},
	{"third level shift", {{0xfe03, 1}, {'@', 1}, {'@', 0}, {0xfe03, 0}}, 0, 4,
	 "+42 +3 -42 -3 "},
	{"what the keyboard has not", {{0xe4, 1}, {0xe4, 0}, {0, 1}, {0xffffffff, 1}}, 0, 0, ""},
	{"keypad and back tab", {{0xffb5, 1}, {0xffb5, 0}, {0xfe20, 1}, {0xfe20, 0}}, 0, 4,
	 "+76 -76 +15 -15 "},
};

START_TEST(test_syms)
{
	struct gm_keys_held h = {0};
	unsigned int i;

	setup();
	leds = syms[_i].leds;
	gm_lock(m);
	for (i = 0; i < 8 && (syms[_i].in[i].sym || syms[_i].in[i].down); i++)
		gm_keys_sym(&h, f, syms[_i].in[i].sym, syms[_i].in[i].down);
	gm_unlock(m);
	settle(syms[_i].n);
	ck_assert_msg(!strcmp(events, syms[_i].want), "%s: %s", syms[_i].name, events);
	ck_assert_uint_eq(h.n, 0);
	finish();
}
END_TEST

START_TEST(test_release)
{
	struct gm_keys_held h = {0};
	u32 i;

	setup();
	gm_lock(m);
	for (i = 0; i < 40; i++)
		gm_keys_key(&h, f, KEY_1 + i, true);
	gm_keys_release(&h, f);
	gm_unlock(m);
	ck_assert_uint_eq(h.n, 0);
	settle(2 * GM_HELD_MAX);
	finish();
}
END_TEST

static const struct {
	unsigned int (*fn)(u32 code);
	u32 code;
	unsigned int want;
} codes[] = {
	{gm_key_from_xt, 0x1e, KEY_A}, {gm_key_from_xt, 0x9d, KEY_RIGHTCTRL},
	{gm_key_from_xt, 0xc6, KEY_PAUSE}, {gm_key_from_xt, 0x54, KEY_SYSRQ},
	{gm_key_from_xt, 0x57, KEY_F11}, {gm_key_from_xt, 0xff, 0}, {gm_key_from_xt, 0xffffffff, 0},
	{gm_key_from_xt, 0, 0}, {gm_key_from_xt, 0x55, 0}, {gm_key_from_xt, 0x11e, 0},
	{gm_key_from_usb, 4, KEY_A}, {gm_key_from_usb, 0x1d, KEY_Z}, {gm_key_from_usb, 0x27, KEY_0},
	{gm_key_from_usb, 0x28, KEY_ENTER}, {gm_key_from_usb, 0x45, KEY_F12},
	{gm_key_from_usb, 0x52, KEY_UP}, {gm_key_from_usb, 0x64, KEY_102ND},
	{gm_key_from_usb, 0xe0, KEY_LEFTCTRL}, {gm_key_from_usb, 0xe7, KEY_RIGHTMETA},
	{gm_key_from_usb, 0x53, KEY_NUMLOCK}, {gm_key_from_usb, 0x63, KEY_KPDOT},
	{gm_key_from_usb, 0, 0}, {gm_key_from_usb, 3, 0}, {gm_key_from_usb, 0xe8, 0},
	{gm_key_from_usb, 0xffffffff, 0},
};

START_TEST(test_codes)
{
	ck_assert_uint_eq(codes[_i].fn(codes[_i].code), codes[_i].want);
}
END_TEST

/* A keyboard that takes nothing: the queue is bounded, and keeps room for releases. */
START_TEST(test_queue)
{
	unsigned int i;

	setup();
	full = true;
	gm_lock(m);
	for (i = 0; i < 2000; i++)
		gm_feed_key(f, KEY_A, true);
	gm_feed_key(f, KEY_A, false);
	gm_unlock(m);
	ck_assert_uint_eq(nevents, 0);
	full = false;
	for (i = 0; i < 3000 && !strstr(events, "-30"); i++)
		gm_loop_step(m->loop);
	ck_assert_uint_eq(nevents, 512 - 128 + 1);
	finish();
}
END_TEST

START_TEST(test_points)
{
	setup();
	gm_lock(m);
	gm_feed_point(f, 10, 10, 640, 480, 0, 0);
	gm_feed_point(f, 15, 8, 640, 480, -1, 1);
	gm_feed_point(f, 5000, -7, 640, 480, 0, 0);
	listens = true;
	gm_feed_point(f, 639, 0, 640, 480, 1, 4);
	gm_feed_point(f, 320, 240, 640, 480, 0, 0);
	gm_feed_point(f, 0, 0, 1, 1, 0, 0);
	gm_unlock(m);
	ck_assert_str_eq(events, "rel 0 0 0 0 rel 5 -2 -1 1 rel 624 -8 0 0 abs 32767 0 1 4 "
				 "abs 16409 16417 0 0 abs 0 0 0 0 ");
	finish();
}
END_TEST

int main(void)
{
	const struct fake_test tests[] = {
		{test_syms, ARRAY_SIZE(syms)}, {test_release, 0}, {test_codes, ARRAY_SIZE(codes)},
		{test_queue, 0}, {test_points, 0},
	};

	return fake_run("keymap", tests, ARRAY_SIZE(tests));
}

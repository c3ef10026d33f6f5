// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The terminal user interface: which keys reach the guest for what a terminal sends, and the
 * colours of xterm's palette.
 */
#include <check.h>
#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include "vmm/ui/term_int.h"

static const struct {
	bool code;
	u32 key;
	bool alt;
	const char *want; /* a combination, "'x" for a character, NULL for nothing */
} keys[] = {
	{ 0, 'a', 0, "'a" },
	{ 0, '~', 0, "'~" },
	{ 0, 'x', 1, "alt-x" },
	{ 0, 'X', 1, "alt-shift-X" },
	{ 0, '-', 1, "alt-minus" },
	{ 0, 1, 0, "ctrl-a" },
	{ 0, 26, 0, "ctrl-z" },
	{ 0, 3, 1, "ctrl-alt-c" },
	{ 0, 0, 0, "ctrl-spc" },
	{ 0, 9, 0, "tab" },
	{ 0, 13, 0, "ret" },
	{ 0, 10, 0, "ctrl-j" },
	{ 0, 8, 0, "backspace" },
	{ 0, 127, 0, "backspace" },
	{ 0, 27, 0, "esc" },
	{ 0, 28, 0, "ctrl-\\" },
	{ 0, 30, 0, "ctrl-6" },
	{ 0, 31, 0, "ctrl-minus" },
	{ 0, 0xe4, 0, NULL },
	{ 0, 0x1f600, 0, NULL },
	{ 1, KEY_UP, 0, "up" },
	{ 1, KEY_LEFT, 1, "alt-left" },
	{ 1, KEY_BACKSPACE, 0, "backspace" },
	{ 1, KEY_DC, 0, "delete" },
	{ 1, KEY_BTAB, 0, "shift-tab" },
	{ 1, KEY_F(1), 0, "f1" },
	{ 1, KEY_F(12), 0, "f12" },
	{ 1, KEY_F(13), 0, "shift-f1" },
	{ 1, KEY_F(26), 0, "ctrl-f2" },
	{ 1, KEY_F(51), 0, "alt-f3" },
	{ 1, KEY_F(0), 0, NULL },
	{ 1, KEY_MOUSE, 0, NULL },
};

static unsigned int sent;

static void key(void *opaque, unsigned int k, bool down)
{
	sent++;
}

START_TEST(test_keys)
{
	const struct gm_input_sink sink = { .key = key };
	struct term_key k;
	bool ok = term_key_translate(keys[_i].code, keys[_i].key, keys[_i].alt, &k);

	ck_assert_int_eq(ok, keys[_i].want != NULL);
	if (!ok)
		return;
	if (keys[_i].want[0] == '\'') {
		ck_assert_uint_eq(k.ch, (u8)keys[_i].want[1]);
		return;
	}
	ck_assert_str_eq(k.combo, keys[_i].want);
	/* and the keyboard knows it */
	ck_assert(gm_input_sendkey(&sink, k.combo));
	ck_assert_uint_ge(sent, 2);
}
END_TEST

static const struct {
	u32 rgb;
	int want;
} colors[] = {
	{ 0x000000, 16 },  { 0xffffff, 231 }, { 0xff0000, 196 }, { 0x00ff00, 46 },
	{ 0x0000ff, 21 },  { 0x5f87af, 67 },  { 0x808080, 244 }, { 0x121212, 233 },
	{ 0xfe01fe, 201 }, { 0xeeeeee, 255 },
};

START_TEST(test_colors)
{
	ck_assert_int_eq(term_color_256(colors[_i].rgb), colors[_i].want);
}
END_TEST

START_TEST(test_no_terminal)
{
	struct gm_term_cfg cfg = { .name = "x" };
	struct gm_term *t;

	ck_assert_int_eq(dup2(open("/dev/null", O_RDWR), 0), 0);
	ck_assert_int_eq(gm_term_start(NULL, &cfg, &t), -ENOTTY);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("term");
	TCase *t = tcase_create("term");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, test_keys, 0, ARRAY_SIZE(keys));
	tcase_add_loop_test(t, test_colors, 0, ARRAY_SIZE(colors));
	tcase_add_test(t, test_no_terminal);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}

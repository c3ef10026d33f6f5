// SPDX-License-Identifier: GPL-2.0-or-later
/* Characters and key names become key events. */
#include <check.h>
#include <linux/input-event-codes.h>
#include <stdio.h>
#include "vmm/ui/input.h"

static char events[256];

static void key(void *opaque, unsigned int k, bool down)
{
	size_t n = strlen(events);

	snprintf(events + n, sizeof(events) - n, "%c%u ", down ? '+' : '-', k);
}

static const struct gm_input_sink sink = { .key = key };

static const struct {
	u32 c;
	const char *want; /* NULL: refused */
} types[] = {
	{ 'a', "+30 -30 " },	 { 'A', "+42 +30 -30 -42 " }, { '1', "+2 -2 " },
	{ '!', "+42 +2 -2 -42 " }, { '~', "+42 +41 -41 -42 " }, { '\n', "+28 -28 " },
	{ '\r', "+28 -28 " },	 { ' ', "+57 -57 " },	      { '\\', "+43 -43 " },
	{ '|', "+42 +43 -43 -42 " }, { '"', "+42 +40 -40 -42 " }, { '@', "+42 +3 -3 -42 " },
	{ '^', "+42 +7 -7 -42 " }, { '?', "+42 +53 -53 -42 " }, { '`', "+41 -41 " },
	{ '_', "+42 +12 -12 -42 " }, { '}', "+42 +27 -27 -42 " }, { 'z', "+44 -44 " },
	{ 0, NULL },		 { 1, NULL },		      { 128, NULL },
	{ 0xe4, NULL },		 { 0xffffffff, NULL },
};

START_TEST(test_type)
{
	events[0] = '\0';
	ck_assert_int_eq(gm_input_type(&sink, types[_i].c), types[_i].want != NULL);
	ck_assert_str_eq(events, types[_i].want ? types[_i].want : "");
}
END_TEST

static const struct {
	const char *combo, *want;
} combos[] = {
	{ "a", "+30 -30 " },
	{ "ret", "+28 -28 " },
	{ "F12", "+88 -88 " },
	{ "ctrl-alt-delete", "+29 +56 +111 -111 -56 -29 " },
	{ "alt-minus", "+56 +12 -12 -56 " },
	{ "ctrl-c", "+29 +46 -46 -29 " },
	{ "", NULL },
	{ "-", NULL },
	{ "ctrl-", NULL },
	{ "nosuchkey", NULL },
	{ "ctrl-nosuchkey", NULL },
	{ "a-b-c-d-e-f-g", NULL },
};

START_TEST(test_sendkey)
{
	events[0] = '\0';
	ck_assert_int_eq(gm_input_sendkey(&sink, combos[_i].combo), combos[_i].want != NULL);
	ck_assert_str_eq(events, combos[_i].want ? combos[_i].want : "");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("input");
	TCase *t = tcase_create("input");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, test_type, 0, ARRAY_SIZE(types));
	tcase_add_loop_test(t, test_sendkey, 0, ARRAY_SIZE(combos));
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}

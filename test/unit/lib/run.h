/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Running the tests of one Check program. */
#ifndef TEST_RUN_H
#define TEST_RUN_H

#include <check.h>
#include <stddef.h>

/* A test and how often it runs, with _i from 0 (the rows of a table). */
struct fake_test {
	const TTest *test;
	int n;
};

/* Runs the suite of one test program; the value for main to return. */
static inline int fake_run(const char *name, const struct fake_test *tests, size_t n)
{
	Suite *s = suite_create(name);
	TCase *tc = tcase_create(name);
	SRunner *sr;
	int failed;

	for (size_t i = 0; i < n; i++)
		tcase_add_loop_test(tc, tests[i].test, 0, tests[i].n ? tests[i].n : 1);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}

#endif

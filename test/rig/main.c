// SPDX-License-Identifier: GPL-2.0-or-later
/* The loop over all tests. Prints a line per test and a summary. */
#include "test/rig/rig.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

/* Names with `match` in them; or, behind a '-', all names but those with one of the words in them. */
static int wanted(const char *name, const char *match)
{
	char words[256], *w, *rest = words;

	if (match[0] != '-')
		return strstr(name, match) != NULL;
	snprintf(words, sizeof(words), "%s", match + 1);
	while ((w = strsep(&rest, ",")))
		if (*w && strstr(name, w))
			return 0;
	return 1;
}

static jmp_buf skip;
static const char *skip_why;

void test_skip(const char *why)
{
	skip_why = why;
	longjmp(skip, 1);
}

/* 0, or 1 when it was skipped; less: it failed. */
static int run(struct guest *g, const struct test *t)
{
	return setjmp(skip) ? 1 : t->fn(g);
}

static void report(int ret, const char *name, unsigned int *passed, unsigned int *failed)
{
	if (ret > 0)
		printf("skip %s: %s\n", name, skip_why);
	else
		printf("%s %s\n", ret ? "FAIL" : "ok  ", name);
	fflush(stdout);
	if (ret <= 0)
		++*(ret ? failed : passed);
}

static void run_all(const char *path, const char *match, const struct test *t,
		    unsigned int *passed, unsigned int *failed)
{
	struct guest g;
	int ret;

	for (; t->name; t++) {
		if (!wanted(t->name, match))
			continue;
		memset(&g, 0, sizeof(g));
		g.path = path;
		ret = guest_open(&g);
		if (!ret)
			ret = run(&g, t);
		guest_close(&g);
		report(ret, t->name, passed, failed);
	}
}

/*
 * rigtest DEVICE fuzz SECONDS [SEED], see fuzz.c; rigtest screen ACCELERATOR, see screen.c;
 * rigtest DEVICE host:, see host.c; or
 * rigtest [DEVICE [MATCH]]: those tests whose name has MATCH in it (-WORD,...: has no WORD); on another device than ours only
 * the guest programs.
 */
int main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "/dev/guestmode";
	const char *match = argc > 2 ? argv[2] : "";
	unsigned int passed = 0, failed = 0;

	if (!strcmp(path, "screen"))
		return rig_screen(match) ? 1 : 0;
	if (argc > 3 && !strcmp(match, "fuzz"))
		return rig_fuzz(path, atoi(argv[3]), argc > 4 ? strtoull(argv[4], NULL, 0) : 1);
	if (!strncmp(match, "host:", 5)) {
		run_all(path, match, tests_host, &passed, &failed);
		printf("%u passed, %u failed\n", passed, failed);
		return failed != 0;
	}
	run_all(path, match, tests_modes, &passed, &failed);
	run_all(path, match, tests_abi, &passed, &failed);
	run_all(path, match, tests_memory, &passed, &failed);
	run_all(path, match, tests_paging, &passed, &failed);
	run_all(path, match, tests_irq, &passed, &failed);
	if (!strcmp(path, "/dev/guestmode"))
		run_all(path, match, tests_state, &passed, &failed);
	printf("%u passed, %u failed\n", passed, failed);
	return failed != 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* The loop over all tests. Prints a line per test and a summary. */
#include "test/rig/rig.h"

#include <string.h>

static void run_all(const char *path, const struct test *t, unsigned int *passed,
		    unsigned int *failed)
{
	struct guest g;
	int ret;

	for (; t->name; t++) {
		memset(&g, 0, sizeof(g));
		g.path = path;
		ret = guest_open(&g);
		if (!ret)
			ret = t->fn(&g);
		guest_close(&g);
		printf("%s %s\n", ret ? "FAIL" : "ok  ", t->name);
		fflush(stdout);
		++*(ret ? failed : passed);
	}
}

/* With an argument: only the guest programs, on that device file. */
int main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "/dev/guestmode";
	unsigned int passed = 0, failed = 0;

	run_all(path, tests_modes, &passed, &failed);
	if (argc == 1)
		run_all(path, tests_state, &passed, &failed);
	printf("%u passed, %u failed\n", passed, failed);
	return failed != 0;
}

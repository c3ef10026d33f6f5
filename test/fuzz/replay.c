// SPDX-License-Identifier: GPL-2.0-or-later
/* Runs stored inputs through a fuzzing harness, for compilers without libFuzzer. */
#include "test/fuzz/fuzz.h"

static void replay(const char *path)
{
	FILE *f = fopen(path, "re");
	size_t len, cap = 1 << 20;
	u8 *buf = malloc(cap), *exact;

	if (!f || !buf) {
		perror(path);
		exit(1);
	}
	len = fread(buf, 1, cap, f);
	fclose(f);
	/* In a block of its own size, so that reading on behind it is noticed. */
	exact = malloc(len ? len : 1);
	if (!exact)
		exit(1);
	memcpy(exact, buf, len);
	LLVMFuzzerTestOneInput(exact, len);
	free(exact);
	free(buf);
}

int main(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		replay(argv[i]);
	return 0;
}

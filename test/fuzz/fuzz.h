/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every fuzzing harness needs: reading its input, and files that exist in memory only. */
#ifndef TEST_FUZZ_H
#define TEST_FUZZ_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm/types.h"

/* libFuzzer's entry (or replay.c's); must not keep anything from one input to the next. */
int LLVMFuzzerTestOneInput(const u8 *data, size_t len);

/* The rest of the input; beyond its end everything is 0. */
struct fuzz_in {
	const u8 *p, *end;
};

static inline u64 fuzz_get(struct fuzz_in *in, unsigned int n)
{
	u64 v = 0;
	unsigned int i;

	for (i = 0; i < n && in->p < in->end; i++)
		v |= (u64)*in->p++ << 8 * i;
	return v;
}

/* A promise that the code under test has broken. */
static inline void fuzz_check(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "broken: %s\n", what);
	abort();
}

/* A file with these bytes, extended with zeros to size; path gets its name. */
static inline int fuzz_file(char path[64], const u8 *data, size_t len, u64 size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, len) != (ssize_t)len || (size && ftruncate(fd, (off_t)size)))
		abort();
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	return fd;
}

#endif

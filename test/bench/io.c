// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the guest of io.py runs on a block device: io DEVICE read|write BLOCK COUNT [random].
 * Direct I/O, one request at a time; offsets of "random" come from a fixed sequence.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	size_t block, count, i;
	uint64_t x = 4711, blocks;
	void *buf;
	int fd, write_it, random;

	if (argc < 5)
		return 2;
	write_it = !strcmp(argv[2], "write");
	block = strtoul(argv[3], NULL, 10);
	count = strtoul(argv[4], NULL, 10);
	random = argc > 5;
	fd = open(argv[1], O_RDWR | O_DIRECT);
	if (fd < 0 || !block || posix_memalign(&buf, 4096, block)) {
		perror(argv[1]);
		return 1;
	}
	memset(buf, 0x5a, block);
	blocks = (uint64_t)lseek(fd, 0, SEEK_END) / block;
	for (i = 0; i < count; i++) {
		uint64_t at = i % blocks;
		ssize_t n;

		x = x * 6364136223846793005ULL + 1442695040888963407ULL;
		if (random)
			at = (x >> 33) % blocks;
		n = write_it ? pwrite(fd, buf, block, (off_t)(at * block))
			     : pread(fd, buf, block, (off_t)(at * block));
		if (n != (ssize_t)block) {
			perror("transfer");
			return 1;
		}
	}
	return fsync(fd) != 0;
}

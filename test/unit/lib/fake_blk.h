/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For tests of what does disk I/O: a fake machine with the real I/O loop (the test runs its work
 * to completion with pump()), temporary disk images, and a back end that fails on demand.
 */
#ifndef TEST_FAKE_BLK_H
#define TEST_FAKE_BLK_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test/unit/lib/fake_machine.h"
#include "vmm/block/block_int.h"
#include "vmm/loop.h"

static unsigned int fake_pauses, fake_ends;

void gm_machine_pause(struct gm_machine *m)
{
	fake_pauses++;
}

void gm_machine_end(struct gm_machine *m, enum gm_end end, const char *fmt, ...)
{
	fake_ends++;
}

void gm_machine_service(struct gm_machine *m)
{
}

static inline struct gm_machine *fake_blk_machine(void)
{
	struct gm_machine *m = fake_new(1);

	m->loop = gm_loop_new(m);
	ck_assert_ptr_nonnull(m->loop);
	fake_pauses = fake_ends = 0;
	return m;
}

/* Everything that was submitted, and what it led to, is done. */
static inline void pump(struct gm_machine *m)
{
	gm_loop_drain(m->loop);
}

static inline void fake_blk_machine_free(struct gm_machine *m)
{
	pump(m);
	gm_loop_free(m->loop);
	m->loop = NULL;
	fake_free(m);
}

/* A temporary image; sector n is filled with the 32-bit number n, if `filled`. */
static inline const char *image_new(char *path, u64 size, bool filled)
{
	u32 sec[128];
	int fd, i;

	strcpy(path, "/tmp/gm-test-XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
	for (u32 n = 0; filled && n < size / 512; n++) {
		for (i = 0; i < 128; i++)
			sec[i] = n;
		ck_assert_int_eq(pwrite(fd, sec, 512, (off_t)n * 512), 512);
	}
	close(fd);
	return path;
}

/* ---- a disk in memory whose operations fail when told to ---- */

struct fake_disk {
	u8 *mem;
	u64 size;
	int fail_read, fail_write, fail_flush; /* -errno, or 0 */
	unsigned int flushes, discards;
};

static struct fake_disk fake_disk;

static int fake_disk_open(struct gm_blk *b, const struct gm_blk_options *o, char *err, size_t len)
{
	b->size = fake_disk.size;
	return 0;
}

static void fake_disk_close(struct gm_blk *b)
{
}

static int fake_disk_readv(struct gm_blk *b, u64 off, struct iovec *iov, int n)
{
	for (int i = 0; !fake_disk.fail_read && i < n; off += iov[i++].iov_len)
		memcpy(iov[i].iov_base, fake_disk.mem + off, iov[i].iov_len);
	return fake_disk.fail_read;
}

static int fake_disk_writev(struct gm_blk *b, u64 off, struct iovec *iov, int n)
{
	for (int i = 0; !fake_disk.fail_write && i < n; off += iov[i++].iov_len)
		memcpy(fake_disk.mem + off, iov[i].iov_base, iov[i].iov_len);
	return fake_disk.fail_write;
}

static int fake_disk_flush(struct gm_blk *b)
{
	fake_disk.flushes++;
	return fake_disk.fail_flush;
}

static int fake_disk_discard(struct gm_blk *b, u64 off, u64 len)
{
	fake_disk.discards++;
	memset(fake_disk.mem + off, 0, len);
	return 0;
}

static const struct gm_blk_driver fake_disk_driver = {
	.name = "fake",
	.open = fake_disk_open,
	.close = fake_disk_close,
	.readv = fake_disk_readv,
	.writev = fake_disk_writev,
	.flush = fake_disk_flush,
	.discard = fake_disk_discard,
};

/* Sector n holds the number n. One at a time. */
static inline struct gm_blk *fake_disk_new(struct gm_machine *m, u64 sectors,
					   const struct gm_blk_options *opt)
{
	struct gm_blk_options o = {.path = "fake.img"};
	struct gm_blk *b;
	char err[256];

	free(fake_disk.mem);
	fake_disk = (struct fake_disk){.mem = malloc(sectors * 512), .size = sectors * 512};
	for (u64 i = 0; i < sectors * 128; i++)
		((u32 *)fake_disk.mem)[i] = (u32)(i / 128);
	if (opt)
		o = *opt;
	o.path = "fake.img";
	b = gm_blk_open_driver(m, &fake_disk_driver, &o, err, sizeof(err));
	ck_assert_ptr_nonnull(b);
	return b;
}

#endif

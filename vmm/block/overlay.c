// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The overlay of snapshot=on: an unlinked, sparse temporary file that takes all writes, and a
 * bitmap that says which blocks of it are valid. Everything else is read from the disk below,
 * which is never written. It vanishes when it is closed, or when the process dies.
 *
 * The file lies in $TMPDIR, or /var/tmp: /tmp is often memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "vmm/block/block_int.h"

#define OVL_BLOCK 4096u
#define OVL_SLICE 64

struct gm_overlay {
	int fd;
	u64 size;              /* of the disk, bytes */
	pthread_mutex_t write; /* one writer at a time: filling a block up is not atomic */
	atomic_uchar *map;     /* a bit a block */
};

static bool ovl_has(struct gm_overlay *o, u64 block)
{
	return atomic_load_explicit(&o->map[block / 8], memory_order_acquire) >> (block % 8) & 1;
}

static void ovl_set(struct gm_overlay *o, u64 block)
{
	atomic_fetch_or_explicit(&o->map[block / 8], (unsigned char)(1u << (block % 8)),
				 memory_order_release);
}

static int ovl_tmpfile(const char *dir)
{
	char name[4096];
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	/* A file system without O_TMPFILE. */
	if ((size_t)snprintf(name, sizeof(name), "%s/vmm-snapshot-XXXXXX", dir) >= sizeof(name))
		return -ENAMETOOLONG;
	fd = mkostemp(name, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	unlink(name);
	return fd;
}

struct gm_overlay *gm_overlay_new(u64 size, char *err, size_t errlen)
{
	const char *dir = getenv("TMPDIR");
	struct gm_overlay *o = calloc(1, sizeof(*o));
	u64 blocks = (size + OVL_BLOCK - 1) / OVL_BLOCK;

	if (!dir || !*dir)
		dir = "/var/tmp";
	if (!o)
		goto nomem;
	/* Untouched parts of the bitmap cost nothing, however large the disk. */
	o->map = calloc(blocks / 8 + 1, 1);
	if (!o->map)
		goto nomem;
	o->size = size;
	o->fd = ovl_tmpfile(dir);
	if (o->fd < 0) {
		snprintf(err, errlen,
			 "%s: no temporary file for snapshot=on can be made here: %s; set TMPDIR to "
			 "a folder with room",
			 dir, strerror(-o->fd));
		free(o->map);
		free(o);
		return NULL;
	}
	pthread_mutex_init(&o->write, NULL);
	return o;
nomem:
	snprintf(err, errlen, "not enough memory for the snapshot's bitmap");
	free(o);
	return NULL;
}

void gm_overlay_free(struct gm_overlay *o)
{
	close(o->fd);
	pthread_mutex_destroy(&o->write);
	free(o->map);
	free(o);
}

/* Bytes from off on, at most len, that are all in the overlay or all not. */
static u64 ovl_run(struct gm_overlay *o, u64 off, u64 len, bool *in)
{
	u64 block = off / OVL_BLOCK, end = off + len, next;

	*in = ovl_has(o, block);
	do {
		block++;
		next = block * OVL_BLOCK;
	} while (next < end && ovl_has(o, block) == *in);
	return MIN(next, end) - off;
}

int gm_overlay_readv(struct gm_overlay *o, struct gm_blk *b, u64 off, struct iovec *iov, int n)
{
	struct iovec v[OVL_SLICE];
	u64 done = 0, len = gm_iov_len(iov, n), run, part;
	ssize_t got;
	bool in;
	int k, err;

	while (done < len) {
		run = ovl_run(o, off + done, len - done, &in);
		part = gm_iov_slice(iov, n, done, run, v, OVL_SLICE, &k);
		if (in) {
			got = gm_blk_pio(o->fd, false, off + done, v, k);
			if (got < 0)
				return (int)got;
			/* A valid block whose end was never written is a hole. */
			gm_iov_zero(v, k, (size_t)got, part - (u64)got);
		} else {
			err = b->drv->readv(b, off + done, v, k);
			if (err)
				return err;
		}
		done += part;
	}
	return 0;
}

/* Copies a block of the disk below into the overlay, so that a part of it can be written. */
static int ovl_fill(struct gm_overlay *o, struct gm_blk *b, u64 block)
{
	u64 off = block * OVL_BLOCK;
	u8 buf[OVL_BLOCK];
	struct iovec v = {buf, MIN(o->size - off, (u64)OVL_BLOCK)};
	ssize_t put;
	int err;

	if (ovl_has(o, block))
		return 0;
	err = b->drv->readv(b, off, &v, 1);
	if (err)
		return err;
	put = gm_blk_pio(o->fd, true, off, &v, 1);
	if (put < 0)
		return (int)put;
	ovl_set(o, block);
	return 0;
}

int gm_overlay_writev(struct gm_overlay *o, struct gm_blk *b, u64 off, struct iovec *iov, int n)
{
	u64 end = off + gm_iov_len(iov, n), first = off / OVL_BLOCK, last, block;
	ssize_t put;
	int err = 0;

	if (end == off)
		return 0;
	last = (end - 1) / OVL_BLOCK;
	pthread_mutex_lock(&o->write);
	if (off % OVL_BLOCK)
		err = ovl_fill(o, b, first);
	if (!err && end % OVL_BLOCK && end != o->size)
		err = ovl_fill(o, b, last);
	if (!err) {
		put = gm_blk_pio(o->fd, true, off, iov, n);
		err = put < 0 ? (int)put : 0;
	}
	for (block = first; !err && block <= last; block++)
		ovl_set(o, block);
	pthread_mutex_unlock(&o->write);
	return err;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disk images as the tools and the qcow2 format's backing files see them: raw or qcow2, opened
 * without a machine. Calls block and are safe from several threads.
 */
#ifndef VMM_BLOCK_IMAGE_H
#define VMM_BLOCK_IMAGE_H

#include <sys/uio.h>
#include "vmm/types.h"

struct qcow2;

/* How an image is opened. */
#define IMG_WRITE   1u
#define IMG_SHARE   2u  /* no exclusive lock although it is written */
#define IMG_NOLOCK  4u  /* look at an image that may be in use */
#define IMG_NOBACK  8u  /* leave the backing file alone: unallocated parts cannot be read */
#define IMG_BROKEN  16u /* also an image marked dirty or corrupt (check, repair) */
#define IMG_GUESSED 32u /* nobody said that it is qcow2: it may have no backing file, see below */

#define IMG_BACKING_MAX 32 /* files in a chain */

struct img {
	char *path;
	const char *format; /* "raw" or "qcow2" */
	u64 size;           /* bytes of the disk that it holds; the raw file's own size */
	u64 file_size;      /* of the file, as opened */
	int fd;             /* raw */
	bool writable;
	struct qcow2 *q;    /* qcow2 */
};

/* What a range of an image is made of, see img_map(). */
enum img_kind {
	IMG_DATA,
	IMG_ZERO,        /* reads as zeros and takes no room */
	IMG_UNALLOCATED, /* not in this file: the backing file's, or zeros where there is none */
};

/*
 * Opens `path`; format NULL: what its first bytes say. 0, or -errno with one line in err.
 *
 * A guest can write anything into its raw disk, also the header of a qcow2 image whose backing
 * file is one of the host's. Hence what was only guessed to be qcow2 may not have one, unless the
 * user names the image himself in a tool.
 */
int img_open(struct img **out, const char *path, const char *format, unsigned int flags, char *err,
	     size_t errlen);
/* Writes back what is cached: the error of that, or 0. The image is gone in any case. */
int img_close(struct img *i);
/* What lies beyond the end reads as zeros. 0 or -errno. */
int img_readv(struct img *i, u64 off, const struct iovec *iov, int n);
int img_read(struct img *i, u64 off, void *buf, size_t len);
int img_write(struct img *i, u64 off, const void *buf, size_t len);
int img_flush(struct img *i);
/* The kind of the bytes at off, and how many from there on (at most len) are of the same kind. */
int img_map(struct img *i, u64 off, u64 len, enum img_kind *kind, u64 *run);

/* Opens the file itself. The lock that `flags` asks for is taken. A descriptor or -errno. */
int img_file_open(const char *path, unsigned int flags, u64 *size, char *err, size_t errlen);
/* "qcow2" or "raw", by the first bytes. */
const char *img_probe(int fd);

#endif

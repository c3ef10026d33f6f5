/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The qcow2 image format, versions 2 and 3: reading, writing, making, checking, resizing,
 * internal snapshots.
 *
 * Source: QEMU's interface document docs/interop/qcow2. Not taken (refused with a reason):
 * encryption, external data files, extended L2 entries. Persistent bitmaps are dropped from what
 * is valid when an image is written, as the format foresees.
 *
 * All functions are safe from several threads; those that change the structure as a whole
 * (snapshots, resize, check) wait for reads and writes under way. They return 0 or -errno.
 */
#ifndef VMM_BLOCK_QCOW2_H
#define VMM_BLOCK_QCOW2_H

#include <sys/uio.h>
#include "vmm/block/image.h"
#include "vmm/types.h"

struct qcow2;

#define QCOW2_ZLIB 0
#define QCOW2_ZSTD 1

struct qcow2_info {
	unsigned int version, cluster_bits, refcount_bits, compression;
	u64 size, file_size;
	bool dirty, corrupt, lazy_refcounts;
	const char *backing, *backing_format; /* NULL: none, not said */
	unsigned int nsnapshots;
};

struct qcow2_snapshot_info {
	const char *id, *name;
	u64 disk_size, vm_state;
	s64 seconds;
};

struct qcow2_create {
	u64 size;
	unsigned int version;      /* 2 or 3; 0: 3 */
	unsigned int cluster_bits; /* 9 to 21; 0: 16 */
	unsigned int refcount_bits; /* 1, 2, 4 to 64; 0: 16, as version 2 wants */
	unsigned int compression;
	bool lazy_refcounts;
	const char *backing, *backing_format;
};

struct qcow2_check {
	u64 errors;    /* what endangers data */
	u64 leaks;     /* clusters that nobody uses */
	u64 allocated, compressed, total; /* clusters of the disk */
	u64 fixed;
	/* A line for each finding (the first hundred); may be NULL. */
	void (*report)(void *opaque, const char *line);
	void (*progress)(void *opaque, u64 done, u64 all);
	void *opaque;
};

/* Takes the descriptor over on success. `depth`: how many images are open above this one. */
int qcow2_open(struct qcow2 **out, int fd, const char *path, unsigned int flags, unsigned int depth,
	       char *err, size_t errlen);
int qcow2_close(struct qcow2 *q);
void qcow2_info(struct qcow2 *q, struct qcow2_info *info);
u64 qcow2_size(const struct qcow2 *q);
struct img *qcow2_backing(struct qcow2 *q);

/* Ranges lie within the disk; bytes, any alignment. */
int qcow2_readv(struct qcow2 *q, u64 off, const struct iovec *iov, int n);
int qcow2_writev(struct qcow2 *q, u64 off, const struct iovec *iov, int n);
int qcow2_flush(struct qcow2 *q);
int qcow2_discard(struct qcow2 *q, u64 off, u64 len);
int qcow2_write_zeroes(struct qcow2 *q, u64 off, u64 len);
int qcow2_map(struct qcow2 *q, u64 off, u64 len, enum img_kind *kind, u64 *run);
/* A whole cluster that is not yet allocated, compressed if that makes it smaller. off is a
 * multiple of the cluster's size; the last cluster may be short. */
int qcow2_write_compressed(struct qcow2 *q, u64 off, const void *buf, size_t len);

/* Makes an empty image in the file. */
int qcow2_create(int fd, const struct qcow2_create *c, char *err, size_t errlen);
/* Shrinking throws away what lies behind the new end. */
int qcow2_resize(struct qcow2 *q, u64 size, bool shrink, char *err, size_t errlen);
/* repair: writes the reference counts anew where they are wrong. */
int qcow2_check(struct qcow2 *q, bool repair, struct qcow2_check *c);

bool qcow2_snapshot_at(struct qcow2 *q, unsigned int i, struct qcow2_snapshot_info *s);
int qcow2_snapshot_create(struct qcow2 *q, const char *name, char *err, size_t errlen);
int qcow2_snapshot_apply(struct qcow2 *q, const char *name, char *err, size_t errlen);
int qcow2_snapshot_delete(struct qcow2 *q, const char *name, char *err, size_t errlen);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Block back ends: what a disk, CD-ROM or floppy device reads and writes. Asynchronous: a
 * request is submitted with the machine lock held, and its `done` is called in the I/O loop with
 * the lock held. A back end never knows a register, a device never knows a file.
 */
#ifndef VMM_BLOCK_H
#define VMM_BLOCK_H

#include <sys/uio.h>
#include "vmm/loop.h"
#include "vmm/types.h"

struct gm_blk;

enum gm_blk_op {
	GM_BLK_READ,
	GM_BLK_WRITE,
	GM_BLK_FLUSH, /* all completed writes are on stable storage when it is done */
	GM_BLK_DISCARD,
	GM_BLK_WRITE_ZEROES,
};

struct gm_blk_req {
	enum gm_blk_op op;
	u64 offset;         /* bytes */
	u64 len;            /* bytes; for reads and writes the sum of iov */
	struct iovec *iov;  /* host memory; stays valid until done */
	int iovcnt;
	/* err: 0 or -errno (-EIO, -ENOSPC, -EROFS, -ENOMEDIUM ...) */
	void (*done)(struct gm_blk_req *req, int err);
	void *opaque;
	/* the back end's own: */
	struct gm_work work;
	struct gm_blk *blk;
	int err;
	struct gm_blk_req *next;
};

/* What to do when the host cannot read or write (ENOSPC, EIO). */
enum gm_blk_on_error { GM_BLK_REPORT, GM_BLK_PAUSE, GM_BLK_STOP };

struct gm_blk_options {
	const char *path;    /* a file or block device; its size is a multiple of 512, or it is
				opened readonly or snapshot and reads as if zeros followed */
	const char *format;  /* "raw", "qcow2", or NULL to find out */
	bool fd_given;       /* fd is what the path names, opened by someone else; it is duplicated */
	int fd;
	bool readonly;
	bool snapshot;       /* writes go to a temporary overlay and are thrown away */
	bool share;          /* take no exclusive lock (readonly CDs) */
	bool no_lock;        /* take none at all (to look at an image in use) */
	bool any_size;       /* the file is a container, whose own size says nothing */
	enum gm_blk_on_error on_error;
};

/* One const table per format (raw, qcow2): see vmm/block/block_int.h. Calls block; they
 * run on worker threads, several at once, and return 0 or -errno. */
struct gm_blk_driver {
	const char *name;
	int (*open)(struct gm_blk *b, const struct gm_blk_options *o, char *err, size_t errlen);
	void (*close)(struct gm_blk *b);
	int (*readv)(struct gm_blk *b, u64 off, struct iovec *iov, int n);
	int (*writev)(struct gm_blk *b, u64 off, struct iovec *iov, int n);
	int (*flush)(struct gm_blk *b);
	int (*discard)(struct gm_blk *b, u64 off, u64 len);
	int (*write_zeroes)(struct gm_blk *b, u64 off, u64 len);
};

/* Opens a disk. On failure returns NULL with a one-line message in err that names the path and
 * says what to do. */
struct gm_blk *gm_blk_open(struct gm_machine *m, const struct gm_blk_options *o, char *err,
			   size_t errlen);
/* Waits for what is under way, flushes, closes. Machine lock held. */
void gm_blk_close(struct gm_blk *b);
/* Machine lock held. req->done is always called later, never from inside. */
void gm_blk_submit(struct gm_blk *b, struct gm_blk_req *req);
/* Waits until every request of this disk is done or is held back by GM_BLK_PAUSE. Machine lock
 * held; not from inside a `done`. */
void gm_blk_drain(struct gm_blk *b);
/* As drain; what is held back is done with its error (a device is being reset). */
void gm_blk_abort(struct gm_blk *b);
/* The machine runs again: what GM_BLK_PAUSE held back is tried again. Called by the device's
 * `resume`. Machine lock held. */
void gm_blk_resume(struct gm_blk *b);
u64 gm_blk_size(const struct gm_blk *b); /* bytes */
bool gm_blk_readonly(const struct gm_blk *b);
const char *gm_blk_path(const struct gm_blk *b);
const char *gm_blk_format(const struct gm_blk *b);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the formats (raw.c ...) and the overlay share with block.c. Devices do not include this. */
#ifndef VMM_BLOCK_INT_H
#define VMM_BLOCK_INT_H

#include <stdatomic.h>
#include "vmm/block/block.h"
#include "vmm/machine.h"

#define GM_BLK_SECTOR 512

struct gm_overlay;

struct gm_blk {
	struct gm_machine *m;
	const struct gm_blk_driver *drv;
	void *priv;                 /* the driver's */
	struct gm_overlay *overlay; /* snapshot: where writes go */
	char *path;
	u64 size;                   /* bytes, a multiple of 512; set by the driver's open */
	bool readonly;              /* as the device sees it */
	bool draining;              /* machine lock: failed requests are not held back now */
	enum gm_blk_on_error on_error;
	unsigned int inflight;      /* machine lock: submitted to the loop, not done */
	struct gm_blk_req *parked;  /* machine lock: held back by GM_BLK_PAUSE, oldest first */
	atomic_bool dirty;          /* something was written since the last flush began */
	pthread_mutex_t flush_lock;
	int flush_err;              /* flush_lock: the first error; what it lost stays lost */
};

extern const struct gm_blk_driver gm_blk_raw, gm_blk_qcow2;

/* gm_blk_open() with a given driver (tests bring their own). */
struct gm_blk *gm_blk_open_driver(struct gm_machine *m, const struct gm_blk_driver *drv,
				  const struct gm_blk_options *o, char *err, size_t errlen);

/* Opens a file or block device for a driver: checks its kind, takes the advisory lock (shared for
 * readers, exclusive for writers) and finds the size. Returns the descriptor or -errno with the
 * message in err. */
int gm_blk_file_open(const struct gm_blk_options *o, bool readonly, u64 *size, char *err,
		     size_t errlen);

/* preadv/pwritev until everything moved: short transfers and EINTR are dealt with. Reading stops
 * at the end of the file: returns the bytes moved, or -errno. */
ssize_t gm_blk_pio(int fd, bool write, u64 off, const struct iovec *iov, int n);

/* Describes bytes [off, off + len) of iov[n] in out[max]; returns how many bytes that covers
 * (less than len when out is too short) and their number in *outn. */
size_t gm_iov_slice(const struct iovec *iov, int n, size_t off, size_t len, struct iovec *out,
		    int max, int *outn);
size_t gm_iov_len(const struct iovec *iov, int n);
/* Fills bytes [off, off + len) with zeros. */
void gm_iov_zero(const struct iovec *iov, int n, size_t off, size_t len);

/* The overlay of snapshot=on. */
struct gm_overlay *gm_overlay_new(u64 size, char *err, size_t errlen);
void gm_overlay_free(struct gm_overlay *o);
int gm_overlay_readv(struct gm_overlay *o, struct gm_blk *b, u64 off, struct iovec *iov, int n);
int gm_overlay_writev(struct gm_overlay *o, struct gm_blk *b, u64 off, struct iovec *iov, int n);

#endif

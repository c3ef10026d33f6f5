// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Raw images and block devices: byte n of the file is byte n of the disk.
 * Leans on fallocate(2) for holes, BLKDISCARD for block devices.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "vmm/block/block_int.h"

struct raw {
	int fd;
	u64 file_size; /* bytes; b->size is this, rounded up to whole sectors */
	bool blkdev;
};

static int raw_open(struct gm_blk *b, const struct gm_blk_options *o, char *err, size_t errlen)
{
	struct raw *r = calloc(1, sizeof(*r));
	struct stat st;

	if (!r)
		return -ENOMEM;
	/* Under a snapshot the file itself is only read. */
	r->fd = gm_blk_file_open(o, o->readonly || o->snapshot, &r->file_size, err, errlen);
	if (r->fd < 0) {
		int ret = r->fd;

		free(r);
		return ret;
	}
	r->blkdev = !fstat(r->fd, &st) && S_ISBLK(st.st_mode);
	b->size = (r->file_size + GM_BLK_SECTOR - 1) / GM_BLK_SECTOR * GM_BLK_SECTOR;
	b->priv = r;
	return 0;
}

static void raw_close(struct gm_blk *b)
{
	struct raw *r = b->priv;

	close(r->fd);
	free(r);
}

static int raw_readv(struct gm_blk *b, u64 off, struct iovec *iov, int n)
{
	struct raw *r = b->priv;
	size_t len = gm_iov_len(iov, n);
	ssize_t got = gm_blk_pio(r->fd, false, off, iov, n);

	if (got < 0)
		return (int)got;
	/* Only the rest of an odd-sized file's last sector may be missing; a file that someone cut
	 * off while it is in use is a failing disk. */
	if ((size_t)got < len && off + (u64)got < r->file_size)
		return -EIO;
	gm_iov_zero(iov, n, (size_t)got, len - (size_t)got);
	return 0;
}

static int raw_writev(struct gm_blk *b, u64 off, struct iovec *iov, int n)
{
	struct raw *r = b->priv;
	ssize_t put = gm_blk_pio(r->fd, true, off, iov, n);

	return put < 0 ? (int)put : 0;
}

static int raw_flush(struct gm_blk *b)
{
	struct raw *r = b->priv;

	while (fdatasync(r->fd)) {
		if (errno == EINTR)
			continue;
		/* Nothing to synchronize on such a file. */
		return errno == EINVAL || errno == EROFS ? 0 : -errno;
	}
	return 0;
}

static int raw_fallocate(struct raw *r, int mode, u64 off, u64 len)
{
	while (fallocate(r->fd, mode, (off_t)off, (off_t)len)) {
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

static int raw_discard(struct gm_blk *b, u64 off, u64 len)
{
	struct raw *r = b->priv;
	u64 range[2] = {off, len};
	int err;

	if (r->blkdev)
		err = ioctl(r->fd, BLKDISCARD, range) ? -errno : 0;
	else
		err = raw_fallocate(r, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, off, len);
	/* It is advice: a file system that cannot do it has lost nothing. */
	return err == -EOPNOTSUPP || err == -ENOTTY || err == -ENOSYS ? 0 : err;
}

static int raw_write_zeroes(struct gm_blk *b, u64 off, u64 len)
{
	static const u8 zeros[65536];
	struct raw *r = b->priv;
	struct iovec v = {(void *)zeros, 0};
	ssize_t put;
	int err;

	err = raw_fallocate(r, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, off, len);
	if (err == -EOPNOTSUPP)
		err = raw_fallocate(r, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, off, len);
	if (err != -EOPNOTSUPP && err != -ENOSYS)
		return err;
	while (len) {
		v.iov_len = MIN(len, (u64)sizeof(zeros));
		put = gm_blk_pio(r->fd, true, off, &v, 1);
		if (put < 0)
			return (int)put;
		off += v.iov_len;
		len -= v.iov_len;
	}
	return 0;
}

const struct gm_blk_driver gm_blk_raw = {
	.name = "raw",
	.open = raw_open,
	.close = raw_close,
	.readv = raw_readv,
	.writev = raw_writev,
	.flush = raw_flush,
	.discard = raw_discard,
	.write_zeroes = raw_write_zeroes,
};

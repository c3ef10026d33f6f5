// SPDX-License-Identifier: GPL-2.0-or-later
/* qcow2 images as disks of a machine. */
#include "vmm/block/qcow2_int.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static int q2_blk_open(struct gm_blk *b, const struct gm_blk_options *o, char *err, size_t errlen)
{
	unsigned int flags = (o->readonly || o->snapshot ? 0 : IMG_WRITE) |
			     (o->share ? IMG_SHARE : 0) | (o->format ? 0 : IMG_GUESSED);
	struct gm_blk_options file = {.path = o->path, .fd_given = o->fd_given, .fd = o->fd,
				      .share = o->share, .any_size = true};
	struct qcow2 *q;
	u64 size;
	int fd = gm_blk_file_open(&file, !(flags & IMG_WRITE), &size, err, errlen), ret;

	if (fd < 0)
		return fd;
	ret = qcow2_open(&q, fd, o->path, flags, 0, err, errlen);
	if (ret) {
		close(fd);
		return ret;
	}
	b->size = (qcow2_size(q) + GM_BLK_SECTOR - 1) / GM_BLK_SECTOR * GM_BLK_SECTOR;
	b->priv = q;
	if (b->size)
		return 0;
	snprintf(err, errlen, "%s: holds a disk of no size; give it one: vmm image resize FILE 8G",
		 o->path);
	qcow2_close(q);
	return -EINVAL;
}

static void q2_blk_close(struct gm_blk *b)
{
	int err = qcow2_close(b->priv);

	if (err)
		gm_machine_warn(b->m, "%s: closing it failed, the last writes may be lost: %s",
				b->path, strerror(-err));
}

/* A disk whose size is no multiple of a sector: its last sector is read with zeros behind it. */
static int q2_blk_readv(struct gm_blk *b, u64 off, struct iovec *iov, int n)
{
	struct qcow2 *q = b->priv;
	u64 len = gm_iov_len(iov, n), in = off < qcow2_size(q) ? qcow2_size(q) - off : 0;
	struct iovec last, there;
	u64 done;
	int k, ret;

	if (len <= in)
		return qcow2_readv(q, off, iov, n);
	/* Only the last sector can be short. */
	for (done = 0; done < len; done += last.iov_len) {
		gm_iov_slice(iov, n, done, MIN(len - done, (u64)GM_BLK_SECTOR), &last, 1, &k);
		in = off + done < qcow2_size(q) ? qcow2_size(q) - off - done : 0;
		memset(last.iov_base, 0, last.iov_len);
		there.iov_base = last.iov_base;
		there.iov_len = MIN(last.iov_len, in);
		ret = in ? qcow2_readv(q, off + done, &there, 1) : 0;
		if (ret)
			return ret;
	}
	return 0;
}

static int q2_blk_writev(struct gm_blk *b, u64 off, struct iovec *iov, int n)
{
	if (off + gm_iov_len(iov, n) > qcow2_size(b->priv))
		return -EIO;
	return qcow2_writev(b->priv, off, iov, n);
}

static int q2_blk_flush(struct gm_blk *b)
{
	return qcow2_flush(b->priv);
}

static int q2_blk_discard(struct gm_blk *b, u64 off, u64 len)
{
	if (off + len > qcow2_size(b->priv))
		return 0;
	return qcow2_discard(b->priv, off, len);
}

static int q2_blk_write_zeroes(struct gm_blk *b, u64 off, u64 len)
{
	if (off + len > qcow2_size(b->priv))
		return -EIO;
	return qcow2_write_zeroes(b->priv, off, len);
}

const struct gm_blk_driver gm_blk_qcow2 = {
	.name = "qcow2",
	.open = q2_blk_open,
	.close = q2_blk_close,
	.readv = q2_blk_readv,
	.writev = q2_blk_writev,
	.flush = q2_blk_flush,
	.discard = q2_blk_discard,
	.write_zeroes = q2_blk_write_zeroes,
};

// SPDX-License-Identifier: GPL-2.0-or-later
/* Disk images without a machine around them: raw files and qcow2 behind one interface. */
#include "vmm/block/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "vmm/block/qcow2_int.h"

int img_file_open(const char *path, unsigned int flags, u64 *size, char *err, size_t errlen)
{
	struct gm_blk_options o = {.path = path, .share = flags & IMG_SHARE, .any_size = true,
				   .no_lock = flags & IMG_NOLOCK};

	return gm_blk_file_open(&o, !(flags & IMG_WRITE), size, err, errlen);
}

const char *img_probe(int fd)
{
	u8 b[4];

	return pread(fd, b, sizeof(b), 0) == sizeof(b) && q2_get32(b) == Q2_MAGIC ? "qcow2" : "raw";
}

static int format_find(const char *name, const char **out)
{
	static const char *const names[] = {"raw", "qcow2"};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(names[i], name)) {
			*out = names[i];
			return 0;
		}
	}
	return -EINVAL;
}

int img_open_depth(struct img **out, const char *path, const char *format, unsigned int flags,
		   unsigned int depth, char *err, size_t errlen)
{
	struct img *i = calloc(1, sizeof(*i));
	int fd = -1, ret = -ENOMEM;

	if (!i || !(i->path = strdup(path))) {
		snprintf(err, errlen, "%s: out of memory", path);
		goto fail;
	}
	i->fd = -1;
	i->writable = flags & IMG_WRITE;
	fd = img_file_open(path, flags, &i->file_size, err, errlen);
	if (fd < 0) {
		ret = fd;
		goto fail;
	}
	if (!format) {
		i->format = img_probe(fd);
		flags |= depth ? IMG_GUESSED : 0;
	} else if (format_find(format, &i->format)) {
		snprintf(err, errlen, "%s: unknown disk format '%s' (raw, qcow2)", path, format);
		ret = -EINVAL;
		goto fail;
	}
	if (!strcmp(i->format, "qcow2")) {
		ret = qcow2_open(&i->q, fd, path, flags, depth, err, errlen);
		if (ret)
			goto fail;
		i->size = qcow2_size(i->q);
	} else {
		i->fd = fd;
		i->size = i->file_size;
	}
	*out = i;
	return 0;
fail:
	if (fd >= 0)
		close(fd);
	if (i)
		free(i->path);
	free(i);
	return ret;
}

int img_open(struct img **out, const char *path, const char *format, unsigned int flags, char *err,
	     size_t errlen)
{
	return img_open_depth(out, path, format, flags, 0, err, errlen);
}

int img_close(struct img *i)
{
	int ret = 0;

	if (i->q)
		ret = qcow2_close(i->q);
	else if (close(i->fd))
		ret = -errno;
	free(i->path);
	free(i);
	return ret;
}

static int raw_readv(struct img *i, u64 off, const struct iovec *iov, int n)
{
	size_t len = gm_iov_len(iov, n);
	ssize_t got = gm_blk_pio(i->fd, false, off, iov, n);

	if (got < 0)
		return (int)got;
	gm_iov_zero(iov, n, (size_t)got, len - (size_t)got);
	return 0;
}

int img_readv(struct img *i, u64 off, const struct iovec *iov, int n)
{
	struct iovec v[64];
	u64 len = gm_iov_len(iov, n), done = 0, part, in;
	int k, ret = 0;

	while (done < len && !ret) {
		in = off + done < i->size ? i->size - off - done : 0;
		part = gm_iov_slice(iov, n, done, in ? MIN(len - done, in) : len - done, v, 64, &k);
		if (!in)
			gm_iov_zero(v, k, 0, part);
		else
			ret = i->q ? qcow2_readv(i->q, off + done, v, k)
				   : raw_readv(i, off + done, v, k);
		done += part;
	}
	return ret;
}

int img_read(struct img *i, u64 off, void *buf, size_t len)
{
	return img_readv(i, off, &(struct iovec){buf, len}, 1);
}

int img_write(struct img *i, u64 off, const void *buf, size_t len)
{
	struct iovec v = {(void *)buf, len};
	ssize_t n;

	if (!i->writable)
		return -EROFS;
	if (off > i->size || len > i->size - off)
		return -EINVAL;
	if (i->q)
		return qcow2_writev(i->q, off, &v, 1);
	n = gm_blk_pio(i->fd, true, off, &v, 1);
	return n < 0 ? (int)n : 0;
}

int img_flush(struct img *i)
{
	if (i->q)
		return qcow2_flush(i->q);
	return fdatasync(i->fd) && errno != EINVAL && errno != EROFS ? -errno : 0;
}

/* Holes of a sparse file, where the file system tells. */
static void raw_map(struct img *i, u64 off, u64 len, enum img_kind *kind, u64 *run)
{
	off_t data = lseek(i->fd, (off_t)off, SEEK_DATA), hole;

	*kind = IMG_DATA;
	*run = len;
	if (data < 0 && errno == ENXIO) {
		*kind = IMG_ZERO;
	} else if (data >= 0 && (u64)data > off) {
		*kind = IMG_ZERO;
		*run = MIN(len, (u64)data - off);
	} else if (data >= 0) {
		hole = lseek(i->fd, (off_t)off, SEEK_HOLE);
		if (hole > 0 && (u64)hole > off)
			*run = MIN(len, (u64)hole - off);
	}
}

int img_map(struct img *i, u64 off, u64 len, enum img_kind *kind, u64 *run)
{
	int ret;

	if (off >= i->size) {
		*kind = IMG_ZERO;
		*run = len;
		return 0;
	}
	len = MIN(len, i->size - off);
	if (!i->q) {
		raw_map(i, off, len, kind, run);
		return 0;
	}
	ret = qcow2_map(i->q, off, len, kind, run);
	return ret;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * qcow2: compressed clusters, by zlib (a raw deflate stream with a window of 4 KiB) or zstd. The
 * last one that was unpacked is kept, as readers ask for small pieces in a row.
 */
#include "vmm/block/qcow2_int.h"

#include <errno.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

/* ---- unpacking ---- */

/* The stream may end before the room does only if the cluster is full. */
static int inflate_cluster(const u8 *in, size_t n, u8 *out, size_t room)
{
	z_stream z = {.next_in = (u8 *)in, .avail_in = (uInt)n, .next_out = out,
		      .avail_out = (uInt)room};
	int ret;

	if (inflateInit2(&z, -15) != Z_OK)
		return -ENOMEM;
	ret = inflate(&z, Z_FINISH);
	inflateEnd(&z);
	return (ret == Z_STREAM_END || ret == Z_BUF_ERROR) && !z.avail_out ? 0 : -EIO;
}

static int unzstd_cluster(const u8 *in, size_t n, u8 *out, size_t room)
{
	ZSTD_inBuffer src = {in, n, 0};
	ZSTD_outBuffer dst = {out, room, 0};
	ZSTD_DStream *z = ZSTD_createDStream();
	size_t ret = 0, before;

	if (!z)
		return -ENOMEM;
	/* What lies behind the frame, up to the next sector, is none of ours. */
	while (dst.pos < dst.size) {
		before = src.pos + dst.pos;
		ret = ZSTD_decompressStream(z, &dst, &src);
		if (ZSTD_isError(ret) || src.pos + dst.pos == before)
			break;
	}
	ZSTD_freeDStream(z);
	return ZSTD_isError(ret) || dst.pos < dst.size ? -EIO : 0;
}

/* unpack_lock held. */
static int unpack(struct qcow2 *q, u64 entry)
{
	u64 off, len;
	ssize_t n;
	int ret;

	q2_packed_range(q, entry, &off, &len);
	q->unpacked = 0;
	if (off > INT64_MAX - len)
		return -EIO;
	n = gm_blk_pio(q->fd, false, off, &(struct iovec){q->unpack_in, len}, 1);
	if (n <= 0)
		return n ? (int)n : -EIO;
	ret = q->compression == QCOW2_ZSTD
		      ? unzstd_cluster(q->unpack_in, (size_t)n, q->unpack_buf, q->cluster_size)
		      : inflate_cluster(q->unpack_in, (size_t)n, q->unpack_buf, q->cluster_size);
	if (!ret)
		q->unpacked = entry;
	return ret;
}

int q2_unpack(struct qcow2 *q, u64 entry, u64 from, const struct iovec *iov, int n)
{
	size_t len = gm_iov_len(iov, n);
	u64 done = 0, part;
	struct iovec v;
	int k, ret;

	if (from + len > q->cluster_size)
		return -EIO;
	pthread_mutex_lock(&q->unpack_lock);
	ret = q->unpacked == entry ? 0 : unpack(q, entry);
	while (!ret && done < len) {
		part = gm_iov_slice(iov, n, done, len - done, &v, 1, &k);
		memcpy(v.iov_base, q->unpack_buf + from + done, part);
		done += part;
	}
	pthread_mutex_unlock(&q->unpack_lock);
	return ret;
}

/* ---- packing ---- */

/* Bytes, or 0 when it does not get smaller. */
static size_t deflate_cluster(const u8 *in, size_t n, u8 *out, size_t room)
{
	z_stream z = {.next_in = (u8 *)in, .avail_in = (uInt)n, .next_out = out,
		      .avail_out = (uInt)room};
	int ret;

	if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -12, 9, Z_DEFAULT_STRATEGY) != Z_OK)
		return 0;
	ret = deflate(&z, Z_FINISH);
	deflateEnd(&z);
	return ret == Z_STREAM_END ? room - z.avail_out : 0;
}

static size_t pack(const struct qcow2 *q, const u8 *in, u8 *out)
{
	size_t room = q->cluster_size - 1, n;

	if (q->compression != QCOW2_ZSTD)
		return deflate_cluster(in, q->cluster_size, out, room);
	n = ZSTD_compress(out, room, in, q->cluster_size, ZSTD_CLEVEL_DEFAULT);
	return ZSTD_isError(n) ? 0 : n;
}

/* Room for n bytes, directly behind the compressed cluster before where that is possible. A host
 * cluster counts one for each compressed cluster that touches it. */
static int pack_room(struct qcow2 *q, u64 n, u64 *off)
{
	u64 at = q->packed_at, left = at ? q->cluster_size - (at & (q->cluster_size - 1)) : 0;
	u64 more = n > left ? 1 : 0, next;
	int ret;

	if (left && left < q->cluster_size && q2_ref_add(q, at >> q->cluster_bits, 1) == 0) {
		if (!more) {
			*off = at;
			q->packed_at = at + n;
			return 0;
		}
		ret = q2_alloc(q, 1, &next);
		if (ret)
			return ret;
		if (next == ((at >> q->cluster_bits) + 1) << q->cluster_bits) {
			*off = at;
			q->packed_at = at + n;
			return 0;
		}
		ret = q2_ref_add(q, at >> q->cluster_bits, -1);
		*off = next;
		q->packed_at = next + n;
		return ret;
	}
	ret = q2_alloc(q, 1, off);
	q->packed_at = *off + n;
	return ret;
}

static int packed_link(struct qcow2 *q, u64 off, u64 host, u64 n)
{
	unsigned int shift = 62 - (q->cluster_bits - 8);
	u64 sectors = ((host + n - 1) >> 9) - (host >> 9), i;
	struct q2_table *t;
	int ret = q2_l2_get(q, off, true, &t, &i);

	if (ret)
		return ret;
	if (q2_entry(t, i))
		return -EEXIST;
	q2_entry_set(&q->l2, t, i, Q2_COMPRESSED | sectors << shift | host);
	return 0;
}

static int packed_write(struct qcow2 *q, u64 off, const u8 *data, size_t n)
{
	u64 host;
	int ret = pack_room(q, n, &host);

	if (!ret)
		ret = q2_pwrite(q, host, data, n);
	return ret ? ret : packed_link(q, off, host, n);
}

int qcow2_write_compressed(struct qcow2 *q, u64 off, const void *buf, size_t len)
{
	struct iovec v = {(void *)buf, len};
	u8 *in, *out;
	size_t n;
	int ret;

	if (!q->writable)
		return -EROFS;
	if (off & (q->cluster_size - 1) || len > q->cluster_size)
		return -EINVAL;
	in = calloc(2, q->cluster_size);
	if (!in)
		return -ENOMEM;
	out = in + q->cluster_size;
	memcpy(in, buf, len);
	n = pack(q, in, out);
	pthread_rwlock_rdlock(&q->io);
	pthread_mutex_lock(&q->lock);
	ret = n ? packed_write(q, off, out, n) : q2_write_locked(q, off, &v, 1);
	pthread_mutex_unlock(&q->lock);
	pthread_rwlock_unlock(&q->io);
	free(in);
	return ret;
}

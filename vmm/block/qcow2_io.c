// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * qcow2: from bytes of the disk to bytes of the file. Where a cluster is this image's alone it is
 * read and written in place, without the lock; everything else that a write meets (nothing there,
 * zeros, a compressed cluster, one shared with a snapshot) becomes a new cluster.
 */
#include "vmm/block/qcow2_int.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define RUN_MAX   (1 * MiB) /* bytes allocated at once, so that others get the lock */
#define SLICE_MAX 64
#define SYNC_SECONDS 5

enum extent_kind { EXT_NONE, EXT_ZERO, EXT_DATA, EXT_PACKED };

struct extent {
	enum extent_kind kind;
	bool own;   /* COPIED: may be written in place */
	u64 host;   /* EXT_DATA: bytes */
	u64 entry;
	u64 len;    /* bytes from the asked one on */
};

/* ---- tables ---- */

/* An L2 table that snapshots share is copied before it changes. */
static int l2_copy(struct qcow2 *q, u32 l1i, u64 off, struct q2_table **out)
{
	struct q2_table *old, *t;
	u64 at;
	u8 *data;
	int ret = q2_alloc_meta(q, 1, &at);

	if (ret)
		return ret;
	ret = q2_table_get(q, &q->l2, off, &old);
	if (ret)
		return ret;
	data = malloc(q->cluster_size);
	if (!data)
		return -ENOMEM;
	memcpy(data, old->data, q->cluster_size);
	ret = q2_table_new(q, &q->l2, at, &t);
	if (!ret) {
		memcpy(t->data, data, q->cluster_size);
		q2_l1_set(q, l1i, at | Q2_COPIED);
		ret = q2_free(q, off, 1);
		*out = t;
	}
	free(data);
	return ret;
}

int q2_l2_get(struct qcow2 *q, u64 off, bool write, struct q2_table **t, u64 *idx)
{
	u64 i = off / q2_l2_cover(q), e, at;
	int ret;

	*t = NULL;
	*idx = off % q2_l2_cover(q) >> q->cluster_bits;
	if (i >= q->l1_size)
		return q2_corrupt(q);
	e = q->l1[i];
	if (e & Q2_OFFSET && (!write || e & Q2_COPIED))
		return q2_table_get(q, &q->l2, e & Q2_OFFSET, t);
	if (!write)
		return 0;
	if (e & Q2_OFFSET)
		return l2_copy(q, (u32)i, e & Q2_OFFSET, t);
	ret = q2_alloc_meta(q, 1, &at);
	if (!ret)
		ret = q2_table_new(q, &q->l2, at, t);
	if (!ret)
		q2_l1_set(q, (u32)i, at | Q2_COPIED);
	return ret;
}

static int extent_one(struct qcow2 *q, u64 e, struct extent *x)
{
	*x = (struct extent){.entry = e, .host = e & Q2_OFFSET, .own = e & Q2_COPIED};
	if (e & Q2_COMPRESSED) {
		x->kind = EXT_PACKED;
		x->own = false;
		return 0;
	}
	if (e & Q2_ZERO) {
		x->kind = EXT_ZERO;
		return q->version < 3 ? q2_corrupt(q) : 0;
	}
	x->kind = x->host ? EXT_DATA : EXT_NONE;
	if (x->host & (q->cluster_size - 1))
		return q2_corrupt(q);
	return 0;
}

static bool extent_goes_on(const struct qcow2 *q, const struct extent *a, u64 n,
			   const struct extent *b)
{
	if (a->kind != b->kind || a->kind == EXT_PACKED)
		return false;
	if (a->kind != EXT_DATA)
		return true;
	return a->own == b->own && a->host + (n << q->cluster_bits) == b->host;
}

/* What is at `off`, and for how many of the next `len` bytes (within one L2 table). Lock held. */
static int extent_find(struct qcow2 *q, u64 off, u64 len, struct extent *x)
{
	u64 in = off & (q->cluster_size - 1), i, n, max;
	struct extent next;
	struct q2_table *t;
	int ret = q2_l2_get(q, off, false, &t, &i);

	if (ret)
		return ret;
	max = MIN(q2_clusters(q, in + len), q->nl2 - i);
	ret = extent_one(q, t ? q2_entry(t, i) : 0, x);
	if (ret)
		return ret;
	for (n = 1; n < max; n++) {
		if (t && (ret = extent_one(q, q2_entry(t, i + n), &next)))
			return ret;
		if (t && !extent_goes_on(q, x, n, &next))
			break;
	}
	x->len = MIN((n << q->cluster_bits) - in, len);
	if (x->kind == EXT_DATA)
		x->host += in;
	return 0;
}

int qcow2_map(struct qcow2 *q, u64 off, u64 len, enum img_kind *kind, u64 *run)
{
	struct extent x;
	int ret;

	pthread_mutex_lock(&q->lock);
	ret = extent_find(q, off, len, &x);
	pthread_mutex_unlock(&q->lock);
	if (ret)
		return ret;
	*kind = x.kind == EXT_NONE ? IMG_UNALLOCATED : x.kind == EXT_ZERO ? IMG_ZERO : IMG_DATA;
	*run = x.len;
	return 0;
}

/* ---- reading ---- */

static int extent_read(struct qcow2 *q, const struct extent *x, u64 off, const struct iovec *v,
		       int n)
{
	size_t len = gm_iov_len(v, n);
	ssize_t got;

	switch (x->kind) {
	case EXT_DATA:
		if (x->host > INT64_MAX - len)
			return -EIO;
		got = gm_blk_pio(q->fd, false, x->host, v, n);
		if (got < 0)
			return (int)got;
		gm_iov_zero(v, n, (size_t)got, len - (size_t)got);
		return 0;
	case EXT_PACKED:
		return q2_unpack(q, x->entry, off & (q->cluster_size - 1), v, n);
	case EXT_NONE:
		if (q->backing)
			return img_readv(q->backing, off, v, n);
		break;
	case EXT_ZERO:
		break;
	}
	gm_iov_zero(v, n, 0, len);
	return 0;
}

static int read_range(struct qcow2 *q, u64 off, const struct iovec *iov, int n, bool locked)
{
	struct iovec v[SLICE_MAX];
	u64 done = 0, len = gm_iov_len(iov, n);
	struct extent x;
	int k, ret;

	while (done < len) {
		if (!locked)
			pthread_mutex_lock(&q->lock);
		ret = extent_find(q, off + done, len - done, &x);
		if (!locked)
			pthread_mutex_unlock(&q->lock);
		if (ret)
			return ret;
		x.len = gm_iov_slice(iov, n, done, x.len, v, SLICE_MAX, &k);
		ret = extent_read(q, &x, off + done, v, k);
		if (ret)
			return ret;
		done += x.len;
	}
	return 0;
}

int qcow2_readv(struct qcow2 *q, u64 off, const struct iovec *iov, int n)
{
	int ret;

	pthread_rwlock_rdlock(&q->io);
	ret = read_range(q, off, iov, n, false);
	pthread_rwlock_unlock(&q->io);
	return ret;
}

/* ---- writing ---- */

/* Data never goes where tables are, whatever an L2 table says. */
static int host_check(struct qcow2 *q, u64 host, u64 len)
{
	u64 c = host >> q->cluster_bits, last = (host + len - 1) >> q->cluster_bits;

	for (; c <= last; c++)
		if (q2_set_has(&q->meta, c))
			return q2_corrupt(q);
	return 0;
}

/* New clusters for one write. */
struct fresh {
	u64 off, len;     /* what is written */
	u64 start, n;     /* disk offset of the first cluster; clusters */
	u64 host;
	u64 head, tail;   /* old bytes to keep, before and behind */
	u8 *buf;          /* of both */
};

/* How many clusters from the first on need a new place. */
static u64 fresh_count(struct qcow2 *q, const struct q2_table *t, u64 i, u64 want)
{
	struct extent x;
	u64 n;

	for (n = 0; n < want && i + n < q->nl2; n++)
		if (extent_one(q, q2_entry(t, i + n), &x) || (x.kind == EXT_DATA && x.own))
			break;
	return n;
}

static int fresh_keep(struct qcow2 *q, struct fresh *f)
{
	u64 end = f->start + (f->n << q->cluster_bits);
	struct iovec v;
	int ret = 0;

	f->head = f->off - f->start;
	f->tail = end - (f->off + f->len);
	f->buf = NULL;
	if (!f->head && !f->tail)
		return 0;
	f->buf = calloc(1, f->head + f->tail);
	if (!f->buf)
		return -ENOMEM;
	v = (struct iovec){f->buf, f->head};
	if (f->head)
		ret = read_range(q, f->start, &v, 1, true);
	/* Behind the end of the disk there is nothing to keep. */
	v.iov_base = f->buf + f->head;
	v.iov_len = MIN(f->tail, q->size - (f->off + f->len));
	if (!ret && v.iov_len)
		ret = read_range(q, f->off + f->len, &v, 1, true);
	return ret;
}

static bool all_zero(const u8 *p, size_t n)
{
	return !n || (!*p && !memcmp(p, p + 1, n - 1));
}

/* The data with what is kept around it. Behind the file's end zeros need not be written. */
static int fresh_write(struct qcow2 *q, const struct fresh *f, const struct iovec *v, int n)
{
	bool beyond = f->host >= q->file_end;
	u64 end = f->host + (f->n << q->cluster_bits);
	ssize_t put;
	int ret = 0;

	if (f->head && !(beyond && all_zero(f->buf, f->head)))
		ret = q2_pwrite(q, f->host, f->buf, f->head);
	if (ret)
		return ret;
	put = gm_blk_pio(q->fd, true, f->host + f->head, v, n);
	if (put < 0)
		return (int)put;
	q->file_end = MAX(q->file_end, f->host + f->head + f->len);
	if (f->tail && !(beyond && all_zero(f->buf + f->head, f->tail)))
		ret = q2_pwrite(q, end - f->tail, f->buf + f->head, f->tail);
	/* The next new cluster lies behind this one, also where its end was not written. */
	q->file_end = MAX(q->file_end, end);
	return ret;
}

static int fresh_link(struct qcow2 *q, const struct fresh *f)
{
	struct q2_table *t;
	u64 i, k, old;
	int ret = q2_l2_get(q, f->start, true, &t, &i);

	for (k = 0; k < f->n && !ret; k++) {
		old = q2_entry(t, i + k);
		q2_entry_set(&q->l2, t, i + k, (f->host + (k << q->cluster_bits)) | Q2_COPIED);
		ret = q2_free_entry(q, old);
	}
	return ret;
}

static int fresh_do(struct qcow2 *q, struct fresh *f, const struct iovec *v, int n)
{
	int ret = fresh_keep(q, f);

	if (!ret)
		ret = q2_alloc(q, f->n, &f->host);
	if (ret)
		goto out;
	ret = fresh_write(q, f, v, n);
	if (!ret)
		ret = fresh_link(q, f);
	else
		q2_free(q, f->host, f->n);
out:
	free(f->buf);
	return ret;
}

/* Writes the first bytes of [off, off + len) into new clusters; *done: how many. Lock held. */
static int write_fresh(struct qcow2 *q, u64 off, u64 len, const struct iovec *iov, int n, u64 at,
		       u64 *done)
{
	struct fresh f = {.off = off, .start = off & ~(u64)(q->cluster_size - 1)};
	struct iovec v[SLICE_MAX];
	struct q2_table *t;
	u64 i, room;
	int k, ret = q2_l2_get(q, off, true, &t, &i);

	if (ret)
		return ret;
	room = MAX(q2_clusters(q, MIN(off - f.start + len, RUN_MAX)), 1ull);
	f.n = fresh_count(q, t, i, MIN(room, q2_alloc_max(q)));
	if (!f.n)
		return q2_corrupt(q);
	room = (f.n << q->cluster_bits) - (off - f.start);
	f.len = gm_iov_slice(iov, n, at, MIN(len, room), v, SLICE_MAX, &k);
	f.n = q2_clusters(q, off - f.start + f.len);
	*done = f.len;
	return fresh_do(q, &f, v, k);
}

/* In place, the lock let go meanwhile unless the caller keeps it. */
static int write_own(struct qcow2 *q, const struct extent *x, const struct iovec *iov, int n,
		     u64 at, bool keep, u64 *done)
{
	struct iovec v[SLICE_MAX];
	ssize_t put;
	int k, ret;

	*done = gm_iov_slice(iov, n, at, x->len, v, SLICE_MAX, &k);
	ret = host_check(q, x->host, *done);
	if (ret)
		return ret;
	/* The last cluster of a file may end before its end. */
	q->file_end = MAX(q->file_end, x->host + *done);
	if (!keep)
		pthread_mutex_unlock(&q->lock);
	put = gm_blk_pio(q->fd, true, x->host, v, k);
	if (!keep)
		pthread_mutex_lock(&q->lock);
	return put < 0 ? (int)put : 0;
}

static int write_range(struct qcow2 *q, u64 off, const struct iovec *iov, int n, bool keep)
{
	u64 at = 0, len = gm_iov_len(iov, n), done;
	struct extent x;
	int ret = 0;

	while (at < len && !ret) {
		ret = q->corrupt ? -EIO : extent_find(q, off + at, len - at, &x);
		if (ret)
			break;
		if (x.kind == EXT_DATA && x.own)
			ret = write_own(q, &x, iov, n, at, keep, &done);
		else
			ret = write_fresh(q, off + at, x.len, iov, n, at, &done);
		at += done;
	}
	return ret;
}

int q2_write_locked(struct qcow2 *q, u64 off, const struct iovec *iov, int n)
{
	return write_range(q, off, iov, n, true);
}

/* A guest that never flushes shall not lose more than the last few seconds if we are killed. */
static int sync_now_and_then(struct qcow2 *q)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	if (now.tv_sec - q->synced < SYNC_SECONDS)
		return 0;
	q->synced = now.tv_sec;
	return q2_sync(q, false);
}

int qcow2_writev(struct qcow2 *q, u64 off, const struct iovec *iov, int n)
{
	bool many;
	int ret;

	if (!q->writable)
		return -EROFS;
	pthread_rwlock_rdlock(&q->io);
	pthread_mutex_lock(&q->lock);
	ret = write_range(q, off, iov, n, false);
	if (!ret)
		ret = sync_now_and_then(q);
	many = q->nfrees > Q2_FREES_MAX;
	pthread_mutex_unlock(&q->lock);
	pthread_rwlock_unlock(&q->io);
	return !ret && many ? qcow2_flush(q) : ret;
}

/* ---- zeros ---- */

/* The entry that says "zeros", or 0 when this image cannot say so. */
static u64 zero_entry(const struct qcow2 *q, bool *possible)
{
	*possible = true;
	if (!q->backing_name)
		return 0;
	*possible = q->version >= 3;
	return Q2_ZERO;
}

static int zero_clusters(struct qcow2 *q, u64 off, u64 n, u64 entry, u64 *done)
{
	struct q2_table *t;
	u64 i, k, old;
	int ret = q2_l2_get(q, off, false, &t, &i);

	*done = MIN(n, q->nl2 - i);
	if (ret || (!t && !entry))
		return ret;
	ret = q2_l2_get(q, off, true, &t, &i);
	for (k = 0; k < *done && !ret; k++) {
		old = q2_entry(t, i + k);
		if (old == entry)
			continue;
		q2_entry_set(&q->l2, t, i + k, entry);
		ret = q2_free_entry(q, old);
	}
	return ret;
}

static int zero_bytes(struct qcow2 *q, u64 off, u64 len)
{
	static const u8 zeros[65536];
	struct iovec v = {(void *)zeros, 0};
	int ret = 0;

	while (len && !ret) {
		v.iov_len = MIN(len, (u64)sizeof(zeros));
		ret = q2_write_locked(q, off, &v, 1);
		off += v.iov_len;
		len -= v.iov_len;
	}
	return ret;
}

/* Lock and io held. What is not a whole cluster is written, or (discard) left alone. */
int q2_zero_range(struct qcow2 *q, u64 off, u64 len, bool discard)
{
	u64 mask = q->cluster_size - 1, first = (off + mask) & ~mask, last = off + len, done;
	bool possible;
	u64 entry = zero_entry(q, &possible);
	int ret = 0;

	/* The disk's last cluster counts as whole. */
	last = last == q->size ? (last + mask) & ~mask : last & ~mask;
	if (!possible || first >= last)
		return discard ? 0 : zero_bytes(q, off, len);
	if (!discard && off < first)
		ret = zero_bytes(q, off, first - off);
	if (!discard && !ret && off + len > last)
		ret = zero_bytes(q, last, off + len - last);
	for (; first < last && !ret; first += done << q->cluster_bits)
		ret = zero_clusters(q, first, (last - first) >> q->cluster_bits, entry, &done);
	return ret;
}

static int zero_op(struct qcow2 *q, u64 off, u64 len, bool discard)
{
	int ret;

	if (!q->writable)
		return -EROFS;
	pthread_rwlock_wrlock(&q->io);
	pthread_mutex_lock(&q->lock);
	ret = q->corrupt ? -EIO : q2_zero_range(q, off, len, discard);
	if (!ret && q->nfrees > Q2_FREES_MAX) {
		ret = q2_sync(q, true);
		if (!ret)
			ret = q2_frees_apply(q);
	}
	pthread_mutex_unlock(&q->lock);
	pthread_rwlock_unlock(&q->io);
	return ret;
}

int qcow2_discard(struct qcow2 *q, u64 off, u64 len)
{
	return zero_op(q, off, len, true);
}

int qcow2_write_zeroes(struct qcow2 *q, u64 off, u64 len)
{
	return zero_op(q, off, len, false);
}

/* ---- flush ---- */

/* Most of the data goes to the disk while others may go on. */
int qcow2_flush(struct qcow2 *q)
{
	bool frees;
	int ret = q2_barrier(q);

	pthread_mutex_lock(&q->lock);
	if (!ret && q->writable)
		ret = q2_sync(q, true);
	frees = !ret && q->nfrees;
	pthread_mutex_unlock(&q->lock);
	if (!frees)
		return ret;
	pthread_rwlock_wrlock(&q->io);
	pthread_mutex_lock(&q->lock);
	/* Another thread may have noted down more since. */
	ret = q2_settle(q);
	pthread_mutex_unlock(&q->lock);
	pthread_rwlock_unlock(&q->io);
	return ret;
}

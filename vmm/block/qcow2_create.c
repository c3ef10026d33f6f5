// SPDX-License-Identifier: GPL-2.0-or-later
/* qcow2: making an empty image, and changing the size of one. */
#include "vmm/block/qcow2_int.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define HEADER_LENGTH 112u
#define EXT_FORMAT    0xe2792acau

/* ---- making ---- */

static int fail(char *err, size_t len, int ret, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
static int fail(char *err, size_t len, int ret, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err, len, fmt, ap);
	va_end(ap);
	return ret;
}

/* Clusters: header, refcount table, refcount blocks, L1 table. */
struct layout {
	u64 nt, nb, l1_entries, nl1, total;
};

static void layout_plan(const struct qcow2 *q, struct layout *l)
{
	u64 per = q2_rb_entries(q), nb;

	l->l1_entries = (q->size + q2_l2_cover(q) - 1) / q2_l2_cover(q);
	l->nl1 = MAX(q2_clusters(q, l->l1_entries * 8), 1ull);
	l->nb = 1;
	do {
		nb = l->nb;
		l->nt = q2_clusters(q, nb * 8);
		l->total = 1 + l->nt + nb + l->nl1;
		l->nb = (l->total + per - 1) / per;
	} while (l->nb > nb);
	l->nb = nb;
}

static int options_check(const struct qcow2_create *c, struct qcow2 *q, char *err, size_t errlen)
{
	unsigned int bits;

	q->version = c->version ? c->version : 3;
	q->cluster_bits = c->cluster_bits ? c->cluster_bits : 16;
	bits = c->refcount_bits ? c->refcount_bits : 16;
	q->refcount_order = (unsigned int)__builtin_ctz(bits);
	q->compression = c->compression;
	if (q->version != 2 && q->version != 3)
		return fail(err, errlen, -EINVAL, "qcow2 has versions 2 and 3");
	if (q->cluster_bits < 9 || q->cluster_bits > 21)
		return fail(err, errlen, -EINVAL, "clusters have 512 bytes to 2M");
	if (bits > 64 || bits & (bits - 1))
		return fail(err, errlen, -EINVAL, "reference counts have 1, 2, 4 ... 64 bits");
	if (q->version == 2 && (q->refcount_order != 4 || q->compression || c->lazy_refcounts))
		return fail(err, errlen, -EINVAL, "version 2 has neither other reference counts, "
						  "nor zstd, nor lazy refcounts");
	q->cluster_size = 1u << q->cluster_bits;
	q->nl2 = q->cluster_size / 8;
	q->size = c->size;
	if (c->size > Q2_L1_MAX / 8 * q2_l2_cover(q) || c->size > INT64_MAX / 2)
		return fail(err, errlen, -EFBIG, "too large for clusters of %u bytes; take larger "
						 "ones", q->cluster_size);
	return 0;
}

/* The header's cluster: the fixed part, the backing file's format, its name. */
static int header_make(const struct qcow2_create *c, const struct qcow2 *q,
		       const struct layout *l, u8 *h, char *err, size_t errlen)
{
	u32 at = q->version == 3 ? HEADER_LENGTH : 72;
	size_t fmt = c->backing_format ? strlen(c->backing_format) : 0;
	size_t name = c->backing ? strlen(c->backing) : 0;

	if (name > 1023 || at + 16 + ((fmt + 7) & ~(size_t)7) + name > q->cluster_size)
		return fail(err, errlen, -ENAMETOOLONG,
			    "the name of the backing file is too long");
	q2_put32(h, Q2_MAGIC);
	q2_put32(h + 4, q->version);
	q2_put32(h + 20, q->cluster_bits);
	q2_put64(h + 24, q->size);
	q2_put32(h + 36, (u32)l->l1_entries);
	q2_put64(h + 40, (1 + l->nt + l->nb) << q->cluster_bits);
	q2_put64(h + 48, q->cluster_size);
	q2_put32(h + 56, (u32)l->nt);
	if (q->version == 3) {
		q2_put64(h + 72, q->compression ? Q2_INCOMPAT_COMP : 0);
		q2_put64(h + 80, c->lazy_refcounts ? Q2_COMPAT_LAZY : 0);
		q2_put32(h + 96, q->refcount_order);
		q2_put32(h + 100, HEADER_LENGTH);
		h[104] = (u8)q->compression;
	}
	if (fmt) {
		q2_put32(h + at, EXT_FORMAT);
		q2_put32(h + at + 4, (u32)fmt);
		memcpy(h + at + 8, c->backing_format, fmt);
		at += 8 + (u32)((fmt + 7) & ~(size_t)7);
	}
	at += 8; /* the end of the extensions: zeros */
	if (name) {
		q2_put64(h + 8, at);
		q2_put32(h + 16, (u32)name);
		memcpy(h + at, c->backing, name);
	}
	return 0;
}

static int counts_make(struct qcow2 *q, const struct layout *l, u8 *buf)
{
	u64 per = q2_rb_entries(q), b, i;
	int ret = 0;

	for (b = 0; b < l->nb && !ret; b++) {
		memset(buf, 0, q->cluster_size);
		for (i = 0; i < per && b * per + i < l->total; i++)
			q2_ref_write(q, buf, i, 1);
		ret = q2_pwrite(q, (1 + l->nt + b) << q->cluster_bits, buf, q->cluster_size);
	}
	for (b = 0; b < l->nb && !ret; b++) {
		q2_put64(buf, (1 + l->nt + b) << q->cluster_bits);
		ret = q2_pwrite(q, q->cluster_size + 8 * b, buf, 8);
	}
	return ret;
}

int qcow2_create(int fd, const struct qcow2_create *c, char *err, size_t errlen)
{
	struct qcow2 q = {.fd = fd};
	struct layout l;
	u8 *buf;
	int ret = options_check(c, &q, err, errlen);

	if (ret)
		return ret;
	layout_plan(&q, &l);
	buf = calloc(1, q.cluster_size);
	if (!buf)
		return fail(err, errlen, -ENOMEM, "out of memory");
	err[0] = 0;
	/* The header comes last: half an image is none. */
	ret = ftruncate(fd, 0) || ftruncate(fd, (off_t)(l.total << q.cluster_bits)) ? -errno : 0;
	if (!ret)
		ret = counts_make(&q, &l, buf);
	memset(buf, 0, q.cluster_size);
	if (!ret)
		ret = header_make(c, &q, &l, buf, err, errlen);
	if (!ret)
		ret = q2_pwrite(&q, 0, buf, q.cluster_size);
	if (!ret)
		ret = q2_barrier(&q);
	free(buf);
	return ret && !err[0] ? fail(err, errlen, ret, "%s", strerror(-ret)) : ret;
}

/* ---- resizing ---- */

static int size_write(struct qcow2 *q, u64 size)
{
	u8 b[8];
	int ret = q2_settle(q);

	q2_put64(b, size);
	if (!ret)
		ret = q2_pwrite(q, 24, b, 8);
	if (!ret)
		ret = q2_barrier(q);
	if (!ret)
		q->size = size;
	return ret;
}

static int grow(struct qcow2 *q, u64 size)
{
	u64 need = (size + q2_l2_cover(q) - 1) / q2_l2_cover(q), old = q->size, shown;
	u64 *l1;
	int ret = 0;

	if (need > q->l1_size) {
		l1 = calloc(need, 8);
		if (!l1)
			return -ENOMEM;
		memcpy(l1, q->l1, q->l1_size * 8ull);
		ret = q2_l1_replace(q, l1, (u32)need, old);
		if (ret) {
			free(l1);
			return ret;
		}
	}
	/* New room reads as zeros, also where the backing file is longer than the disk was. */
	shown = q->backing ? MIN(size, q->backing->size) : 0;
	if (shown > old) {
		q->size = size;
		ret = q2_zero_range(q, old, shown - old, false);
		q->size = old;
	}
	return ret ? ret : size_write(q, size);
}

/* L2 entries from disk offset `from` on (a multiple of the cluster) are forgotten. */
static int cut(struct qcow2 *q, u64 from)
{
	u64 i = from / q2_l2_cover(q), first = from % q2_l2_cover(q) >> q->cluster_bits, k, e;
	struct q2_table *t;
	int ret = 0;

	for (; i < q->l1_size && !ret; i++, first = 0) {
		if (!(q->l1[i] & Q2_OFFSET))
			continue;
		ret = q2_l2_get(q, i * q2_l2_cover(q), first != 0, &t, &k);
		for (k = first; k < q->nl2 && !ret; k++) {
			e = q2_entry(t, k);
			if (e && first)
				q2_entry_set(&q->l2, t, k, 0);
			ret = q2_free_entry(q, e);
		}
		if (!ret && !first) {
			ret = q2_free(q, q->l1[i] & Q2_OFFSET, 1);
			q2_l1_set(q, (u32)i, 0);
		}
	}
	return ret;
}

static int shrink_to(struct qcow2 *q, u64 size)
{
	u64 up = (size + q->cluster_size - 1) & ~(u64)(q->cluster_size - 1);
	u8 *zeros = calloc(1, q->cluster_size);
	u64 end = MIN(up, q->size);
	struct iovec v = {zeros, end - size};
	int ret = zeros ? 0 : -ENOMEM;

	/* What stays of the last cluster must be zero when the disk grows again. */
	if (!ret && v.iov_len)
		ret = q2_write_locked(q, size, &v, 1);
	free(zeros);
	if (!ret)
		ret = size_write(q, size);
	if (!ret)
		ret = cut(q, up);
	return ret ? ret : q2_settle(q);
}

int qcow2_resize(struct qcow2 *q, u64 size, bool shrink, char *err, size_t errlen)
{
	int ret = 0;

	err[0] = 0;
	pthread_rwlock_wrlock(&q->io);
	pthread_mutex_lock(&q->lock);
	if (!q->writable)
		ret = -EROFS;
	else if (size % 512)
		ret = fail(err, errlen, -EINVAL, "%s: the size must be a multiple of 512", q->path);
	else if (size > Q2_L1_MAX / 8 * q2_l2_cover(q) || size > INT64_MAX / 2)
		ret = fail(err, errlen, -EFBIG, "%s: too large for clusters of %u bytes", q->path,
			   q->cluster_size);
	else if (size < q->size && !shrink)
		ret = fail(err, errlen, -EINVAL, "%s: smaller than it is: what lies behind the new "
						 "end would be lost; say --shrink if that is meant",
			   q->path);
	else if (q->nsnaps && (size < q->size || q->version < 3))
		ret = fail(err, errlen, -ENOTSUP, "%s: has snapshots, which depend on its size",
			   q->path);
	if (!ret)
		ret = size < q->size ? shrink_to(q, size) : size > q->size ? grow(q, size) : 0;
	if (!ret)
		ret = q2_settle(q);
	if (ret && !err[0])
		fail(err, errlen, ret, "%s: %s", q->path, strerror(-ret));
	pthread_mutex_unlock(&q->lock);
	pthread_rwlock_unlock(&q->io);
	return ret;
}

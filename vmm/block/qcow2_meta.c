// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * qcow2: tables in memory and the order in which they go to the disk (see qcow2_int.h), and the
 * set of host clusters that hold tables. The lock is held in all of this.
 */
#include "vmm/block/qcow2_int.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

int q2_pread(struct qcow2 *q, u64 off, void *buf, size_t len)
{
	struct iovec v = {buf, len};
	ssize_t n;

	if (off > INT64_MAX - len)
		return -EIO;
	n = gm_blk_pio(q->fd, false, off, &v, 1);
	if (n < 0)
		return (int)n;
	return (size_t)n == len ? 0 : -EIO;
}

int q2_pwrite(struct qcow2 *q, u64 off, const void *buf, size_t len)
{
	struct iovec v = {(void *)buf, len};
	ssize_t n;

	if (off > INT64_MAX - len)
		return -EFBIG;
	n = gm_blk_pio(q->fd, true, off, &v, 1);
	if (n < 0)
		return (int)n;
	q->file_end = MAX(q->file_end, off + len);
	return 0;
}

int q2_barrier(struct qcow2 *q)
{
	while (fdatasync(q->fd)) {
		if (errno == EINTR)
			continue;
		return errno == EINVAL || errno == EROFS ? 0 : -errno;
	}
	return 0;
}

int q2_corrupt(struct qcow2 *q)
{
	if (q->corrupt)
		return -EIO;
	q->corrupt = true;
	if (q->writable) {
		q->incompat |= Q2_INCOMPAT_CORRUPT;
		q2_header_features(q); /* if that fails too, this process at least knows */
	}
	return -EIO;
}

/* ---- cached tables ---- */

int q2_cache_init(struct q2_cache *c, unsigned int n)
{
	c->t = calloc(n, sizeof(*c->t));
	c->n = n;
	return c->t ? 0 : -ENOMEM;
}

void q2_cache_fini(struct q2_cache *c)
{
	unsigned int i;

	for (i = 0; c->t && i < c->n; i++)
		free(c->t[i].data);
	free(c->t);
	c->t = NULL;
}

static struct q2_table *cache_find(struct q2_cache *c, u64 off)
{
	unsigned int i;

	if (c->t[c->last].off == off)
		return &c->t[c->last];
	for (i = 0; i < c->n; i++) {
		if (c->t[i].off != off)
			continue;
		c->last = i;
		return &c->t[i];
	}
	return NULL;
}

/* A place for another table; when that means giving up a changed one, all are written first. */
static int cache_room(struct qcow2 *q, struct q2_cache *c, struct q2_table **out)
{
	struct q2_table *t, *old = &c->t[0];
	unsigned int i;
	int ret;

	for (i = 1; i < c->n && old->off; i++) {
		t = &c->t[i];
		if (!t->off || t->used < old->used)
			old = t;
	}
	if (old->off && old->dirty) {
		ret = q2_sync(q, false);
		if (ret)
			return ret;
	}
	if (!old->data)
		old->data = malloc(q->cluster_size);
	if (!old->data)
		return -ENOMEM;
	old->off = 0;
	old->used = ++c->clock;
	*out = old;
	return 0;
}

int q2_table_get(struct qcow2 *q, struct q2_cache *c, u64 off, struct q2_table **out)
{
	struct q2_table *t = cache_find(c, off);
	int ret;

	if (!off || off & (q->cluster_size - 1))
		return q2_corrupt(q);
	if (t) {
		t->used = ++c->clock;
		*out = t;
		return 0;
	}
	ret = cache_room(q, c, &t);
	if (ret)
		return ret;
	ret = q2_pread(q, off, t->data, q->cluster_size);
	if (ret)
		return ret;
	t->off = off;
	*out = t;
	return 0;
}

int q2_table_new(struct qcow2 *q, struct q2_cache *c, u64 off, struct q2_table **out)
{
	struct q2_table *t;
	int ret;

	q2_table_drop(c, off);
	ret = cache_room(q, c, &t);
	if (ret)
		return ret;
	memset(t->data, 0, q->cluster_size);
	t->off = off;
	q2_table_dirty(c, t);
	*out = t;
	return 0;
}

void q2_table_dirty(struct q2_cache *c, struct q2_table *t)
{
	if (t->dirty)
		return;
	t->dirty = true;
	c->ndirty++;
}

void q2_table_drop(struct q2_cache *c, u64 off)
{
	struct q2_table *t = off ? cache_find(c, off) : NULL;

	if (!t)
		return;
	if (t->dirty)
		c->ndirty--;
	t->dirty = false;
	t->off = 0;
	t->used = 0;
}

void q2_entry_set(struct q2_cache *c, struct q2_table *t, u64 i, u64 val)
{
	q2_put64(t->data + 8 * i, val);
	q2_table_dirty(c, t);
}

void q2_l1_set(struct qcow2 *q, u32 i, u64 val)
{
	q->l1[i] = val;
	if (q->l1_hi == q->l1_lo) {
		q->l1_lo = i;
		q->l1_hi = i + 1;
	}
	q->l1_lo = MIN(q->l1_lo, i);
	q->l1_hi = MAX(q->l1_hi, i + 1);
}

void q2_rt_set(struct qcow2 *q, u64 i, u64 val)
{
	q->rt[i] = val;
	if (q->rt_hi == q->rt_lo) {
		q->rt_lo = i;
		q->rt_hi = i + 1;
	}
	q->rt_lo = MIN(q->rt_lo, i);
	q->rt_hi = MAX(q->rt_hi, i + 1);
}

/* ---- to the disk ---- */

static int cache_write(struct qcow2 *q, struct q2_cache *c)
{
	unsigned int i;
	int ret;

	for (i = 0; i < c->n && c->ndirty; i++) {
		struct q2_table *t = &c->t[i];

		if (!t->off || !t->dirty)
			continue;
		ret = q2_pwrite(q, t->off, t->data, q->cluster_size);
		if (ret)
			return ret;
		t->dirty = false;
		c->ndirty--;
	}
	return 0;
}

static int entries_write(struct qcow2 *q, u64 off, const u64 *t, u64 lo, u64 hi)
{
	u8 buf[4096];
	u64 i, n;
	int ret = 0;

	for (; lo < hi && !ret; lo += n) {
		n = MIN(hi - lo, (u64)sizeof(buf) / 8);
		for (i = 0; i < n; i++)
			q2_put64(buf + 8 * i, t[lo + i]);
		ret = q2_pwrite(q, off + lo * 8, buf, n * 8);
	}
	return ret;
}

static int sync_refcounts(struct qcow2 *q)
{
	int ret = cache_write(q, &q->rb);

	if (ret || q->rt_lo == q->rt_hi)
		return ret;
	ret = q2_barrier(q);
	if (!ret)
		ret = entries_write(q, q->rt_off, q->rt, q->rt_lo, q->rt_hi);
	if (!ret)
		q->rt_lo = q->rt_hi = 0;
	return ret;
}

static int sync_l2(struct qcow2 *q)
{
	int ret = q2_barrier(q);

	if (!ret)
		ret = cache_write(q, &q->l2);
	if (ret || q->l1_lo == q->l1_hi)
		return ret;
	ret = q2_barrier(q);
	if (!ret)
		ret = entries_write(q, q->l1_off, q->l1, q->l1_lo, q->l1_hi);
	if (!ret)
		q->l1_lo = q->l1_hi = 0;
	return ret;
}

int q2_sync(struct qcow2 *q, bool full)
{
	int ret;

	if (q->corrupt)
		return -EIO;
	ret = sync_refcounts(q);
	if (!ret && (q->l2.ndirty || q->l1_lo != q->l1_hi))
		ret = sync_l2(q);
	if (!ret && full)
		ret = q2_barrier(q);
	return ret;
}

/* ---- sets of clusters ---- */

static u64 *set_slot(const struct q2_set *s, u64 cluster)
{
	u64 h = (cluster * 0x9e3779b97f4a7c15ull) & (s->cap - 1);

	while (s->slot[h] && s->slot[h] != cluster + 1)
		h = (h + 1) & (s->cap - 1);
	return &s->slot[h];
}

static int set_grow(struct q2_set *s)
{
	struct q2_set n = {.cap = s->cap ? s->cap * 2 : 64, .n = s->n};
	u64 i;

	n.slot = calloc(n.cap, sizeof(*n.slot));
	if (!n.slot)
		return -ENOMEM;
	for (i = 0; i < s->cap; i++)
		if (s->slot[i])
			*set_slot(&n, s->slot[i] - 1) = s->slot[i];
	free(s->slot);
	*s = n;
	return 0;
}

int q2_set_add(struct q2_set *s, u64 cluster)
{
	u64 *slot;

	if (2 * s->n >= s->cap && set_grow(s))
		return -ENOMEM;
	slot = set_slot(s, cluster);
	if (*slot)
		return -EEXIST;
	*slot = cluster + 1;
	s->n++;
	return 0;
}

bool q2_set_has(const struct q2_set *s, u64 cluster)
{
	return s->cap && *set_slot(s, cluster);
}

/* What follows in the same run is put in again, as it may have been displaced. */
void q2_set_del(struct q2_set *s, u64 cluster)
{
	u64 *slot = s->cap ? set_slot(s, cluster) : NULL, h, key;

	if (!slot || !*slot)
		return;
	*slot = 0;
	s->n--;
	for (h = (u64)(slot - s->slot + 1) & (s->cap - 1); s->slot[h]; h = (h + 1) & (s->cap - 1)) {
		key = s->slot[h];
		s->slot[h] = 0;
		*set_slot(s, key - 1) = key;
	}
}

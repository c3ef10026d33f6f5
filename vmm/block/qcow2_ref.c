// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * qcow2: reference counts of host clusters, and finding free ones. Counts have 1 to 64 bits; a
 * block of them is an ordinary cluster that the refcount table points to, and which counts itself.
 * The lock is held in all of this.
 */
#include "vmm/block/qcow2_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

/* ---- one block ---- */

u64 q2_ref_read(const struct qcow2 *q, const u8 *b, u64 i)
{
	unsigned int bits = 1u << q->refcount_order;
	u64 v = 0;

	if (bits < 8)
		return b[i * bits / 8] >> (i * bits % 8) & ((1u << bits) - 1);
	b += i * (bits / 8);
	for (bits /= 8; bits; bits--)
		v = v << 8 | *b++;
	return v;
}

void q2_ref_write(const struct qcow2 *q, u8 *b, u64 i, u64 v)
{
	unsigned int bits = 1u << q->refcount_order, shift, n;
	u8 mask;

	if (bits < 8) {
		shift = (unsigned int)(i * bits % 8);
		mask = (u8)(((1u << bits) - 1) << shift);
		b[i * bits / 8] = (u8)((b[i * bits / 8] & ~mask) | (v << shift & mask));
		return;
	}
	b += i * (bits / 8);
	for (n = bits / 8; n; n--, v >>= 8)
		b[n - 1] = (u8)v;
}

u64 q2_ref_max(const struct qcow2 *q)
{
	return q->refcount_order == 6 ? INT64_MAX : (1ull << (1u << q->refcount_order)) - 1;
}

/* ---- blocks ---- */

/* The block that counts `cluster`; *out NULL: there is none, all its counts are 0. */
static int block_get(struct qcow2 *q, u64 cluster, struct q2_table **out)
{
	u64 i = cluster / q2_rb_entries(q);

	*out = NULL;
	if (i >= q->rt_size || !(q->rt[i] & ~511ull))
		return 0;
	return q2_table_get(q, &q->rb, q->rt[i] & ~511ull, out);
}

int q2_ref_get(struct qcow2 *q, u64 cluster, u64 *val)
{
	struct q2_table *t;
	int ret = block_get(q, cluster, &t);

	*val = 0;
	if (!ret && t)
		*val = q2_ref_read(q, t->data, cluster % q2_rb_entries(q));
	return ret;
}

int q2_ref_add(struct qcow2 *q, u64 cluster, s64 delta)
{
	u64 i = cluster % q2_rb_entries(q), v;
	struct q2_table *t;
	int ret = block_get(q, cluster, &t);

	if (ret)
		return ret;
	v = t ? q2_ref_read(q, t->data, i) : 0;
	/* A cluster that is referred to has a block, and a count that can be lowered. */
	if (!t || (delta < 0 && v < (u64)-delta))
		return q2_corrupt(q);
	if (delta > 0 && v > q2_ref_max(q) - (u64)delta)
		return -EOVERFLOW;
	v += (u64)delta;
	q2_ref_write(q, t->data, i, v);
	q2_table_dirty(&q->rb, t);
	if (!v)
		q->hint = MIN(q->hint, cluster);
	return 0;
}

/* A block for clusters from index * entries on. It lies in the first of them. */
static int block_new(struct qcow2 *q, u64 index)
{
	u64 cluster = index * q2_rb_entries(q), off = cluster << q->cluster_bits;
	struct q2_table *t;
	int ret;

	if (q2_set_has(&q->meta, cluster))
		return q2_corrupt(q);
	ret = q2_table_new(q, &q->rb, off, &t);
	if (ret)
		return ret;
	q2_ref_write(q, t->data, 0, 1);
	/* The room must be there when it is needed: better no space now than at a flush. */
	ret = q2_pwrite(q, off, t->data, q->cluster_size);
	if (ret) {
		q2_table_drop(&q->rb, off);
		return ret;
	}
	q2_rt_set(q, index, off);
	return q2_set_add(&q->meta, cluster) == -ENOMEM ? -ENOMEM : 0;
}

/* ---- a larger refcount table ---- */

struct growth {
	u64 start;   /* first cluster that the old table does not reach */
	u64 nblocks; /* for the new clusters */
	u64 entries; /* of the new table */
	u64 nt;      /* its clusters */
};

static void growth_plan(const struct qcow2 *q, struct growth *g)
{
	u64 per = q2_rb_entries(q), n;

	g->start = q->rt_size * per;
	g->nblocks = 1;
	do {
		n = g->nblocks;
		g->entries = MAX(q->rt_size * 2, q->rt_size + n);
		g->nt = q2_clusters(q, g->entries * 8);
		g->entries = (g->nt << q->cluster_bits) / 8;
		g->nblocks = (n + g->nt + per - 1) / per;
	} while (g->nblocks > n);
}

static int growth_write(struct qcow2 *q, const struct growth *g, u64 *table)
{
	u64 per = q2_rb_entries(q), used = g->nblocks + g->nt, b, i;
	u64 base = g->start << q->cluster_bits;
	u8 *block = malloc(q->cluster_size);
	int ret = block ? 0 : -ENOMEM;

	for (b = 0; b < g->nblocks && !ret; b++) {
		memset(block, 0, q->cluster_size);
		for (i = 0; i < per && b * per + i < used; i++)
			q2_ref_write(q, block, i, 1);
		ret = q2_pwrite(q, base + (b << q->cluster_bits), block, q->cluster_size);
		table[q->rt_size + b] = base + (b << q->cluster_bits);
	}
	for (i = 0; i < g->entries; i++)
		table[i] = htobe64(table[i]);
	if (!ret)
		ret = q2_pwrite(q, base + (g->nblocks << q->cluster_bits), table, g->entries * 8);
	for (i = 0; i < g->entries; i++)
		table[i] = be64toh(table[i]);
	free(block);
	return ret ? ret : q2_barrier(q);
}

static int table_grow(struct qcow2 *q)
{
	u64 old_off = q->rt_off, i, *table;
	u32 old_clusters = q->rt_clusters;
	struct growth g;
	u8 head[12];
	int ret = q2_sync(q, false);

	if (ret)
		return ret;
	growth_plan(q, &g);
	if (g.entries * 8 > Q2_RT_MAX)
		return -EFBIG;
	table = calloc(g.entries, 8);
	if (!table)
		return -ENOMEM;
	memcpy(table, q->rt, q->rt_size * 8);
	ret = growth_write(q, &g, table);
	if (!ret) {
		q2_put64(head, (g.start + g.nblocks) << q->cluster_bits);
		q2_put32(head + 8, (u32)g.nt);
		ret = q2_pwrite(q, 48, head, sizeof(head));
	}
	if (!ret)
		ret = q2_barrier(q);
	if (ret) {
		free(table);
		return ret;
	}
	free(q->rt);
	q->rt = table;
	q->rt_size = g.entries;
	q->rt_off = (g.start + g.nblocks) << q->cluster_bits;
	q->rt_clusters = (u32)g.nt;
	for (i = 0; i < g.nblocks + g.nt && !ret; i++)
		ret = q2_set_add(&q->meta, g.start + i);
	return ret == -ENOMEM ? ret : q2_free(q, old_off, old_clusters);
}

/* ---- allocation ---- */

/* Is there a block for this cluster? If not, one is made, and the search begins again. */
static int block_ensure(struct qcow2 *q, u64 cluster, bool *again)
{
	u64 i = cluster / q2_rb_entries(q);

	*again = true;
	if (i >= q->rt_size)
		return table_grow(q);
	if (!(q->rt[i] & ~511ull))
		return block_new(q, i);
	*again = false;
	return 0;
}

static int find_free(struct qcow2 *q, u64 n, u64 *first)
{
	u64 run = 0, c = q->hint, val;
	bool again;
	int ret;

	while (run < n) {
		ret = block_ensure(q, c, &again);
		if (ret)
			return ret;
		if (again)
			continue;
		ret = q2_ref_get(q, c, &val);
		if (ret)
			return ret;
		run = val ? 0 : run + 1;
		c++;
		if (c << q->cluster_bits > INT64_MAX / 2)
			return -EFBIG;
	}
	*first = c - n;
	return 0;
}

/*
 * More clusters in a row than may be found between refcount blocks that lie in what they count:
 * behind everything else, with the blocks for them in front.
 */
static int alloc_area(struct qcow2 *q, u64 n, u64 *off)
{
	u64 per = q2_rb_entries(q), first = q->rt_size, nb = (n + per - 2) / (per - 1), b, i;
	struct q2_table *t;
	int ret = 0;

	while (first && !(q->rt[first - 1] & ~511ull))
		first--;
	while (first + nb > q->rt_size && !ret)
		ret = table_grow(q);
	/* Growing has put a new table behind what there was. */
	for (; first < q->rt_size && q->rt[first] & ~511ull; first++)
		;
	if (!ret && first + nb > q->rt_size)
		return alloc_area(q, n, off);
	for (b = 0; b < nb && !ret; b++) {
		u64 at = (first * per + b) << q->cluster_bits;

		ret = q2_table_new(q, &q->rb, at, &t);
		for (i = 0; i < per && !ret && b * per + i < nb + n; i++)
			q2_ref_write(q, t->data, i, 1);
		if (!ret)
			ret = q2_pwrite(q, at, t->data, q->cluster_size);
		q2_rt_set(q, first + b, at);
		if (!ret && q2_set_add(&q->meta, first * per + b) == -ENOMEM)
			ret = -ENOMEM;
	}
	*off = (first * per + nb) << q->cluster_bits;
	return ret;
}

int q2_alloc(struct qcow2 *q, u64 n, u64 *off)
{
	u64 first, i;
	int ret;

	if (q->corrupt)
		return -EIO;
	if (n > q2_alloc_max(q))
		return alloc_area(q, n, off);
	ret = find_free(q, n, &first);
	if (ret)
		return ret;
	for (i = 0; i < n; i++)
		if (q2_set_has(&q->meta, first + i))
			return q2_corrupt(q); /* in use but not counted */
	for (i = 0; i < n && !ret; i++)
		ret = q2_ref_add(q, first + i, 1);
	if (ret)
		return ret;
	if (first == q->hint || n == 1)
		q->hint = first + n;
	*off = first << q->cluster_bits;
	return 0;
}

int q2_alloc_meta(struct qcow2 *q, u64 n, u64 *off)
{
	u8 *zeros = calloc(1, q->cluster_size);
	u64 i;
	int ret = zeros ? q2_alloc(q, n, off) : -ENOMEM;

	for (i = 0; i < n && !ret; i++) {
		ret = q2_pwrite(q, *off + (i << q->cluster_bits), zeros, q->cluster_size);
		if (!ret && q2_set_add(&q->meta, (*off >> q->cluster_bits) + i) == -ENOMEM)
			ret = -ENOMEM;
	}
	free(zeros);
	return ret;
}

/* ---- giving back ---- */

int q2_free(struct qcow2 *q, u64 off, u64 n)
{
	struct q2_freed *last = q->nfrees ? &q->frees[q->nfrees - 1] : NULL, *p;
	u32 cap;

	if (!n)
		return 0;
	if (last && last->off + (last->n << q->cluster_bits) == off) {
		last->n += n;
		return 0;
	}
	if (q->nfrees == q->frees_cap) {
		cap = q->frees_cap ? q->frees_cap * 2 : 64;
		p = realloc(q->frees, cap * sizeof(*p));
		if (!p)
			return 0; /* the cluster leaks, which a check mends */
		q->frees = p;
		q->frees_cap = cap;
	}
	q->frees[q->nfrees++] = (struct q2_freed){off, n};
	return 0;
}

void q2_packed_range(const struct qcow2 *q, u64 entry, u64 *off, u64 *len)
{
	unsigned int shift = 62 - (q->cluster_bits - 8);

	*off = entry & ((1ull << shift) - 1);
	*len = ((entry >> shift & ((1u << (q->cluster_bits - 8)) - 1)) + 1) * 512 - (*off & 511);
}

int q2_free_entry(struct qcow2 *q, u64 e)
{
	u64 off, len, first, last;

	if (e & Q2_COMPRESSED) {
		q2_packed_range(q, e, &off, &len);
		first = off >> q->cluster_bits;
		last = (off + len - 1) >> q->cluster_bits;
		return q2_free(q, first << q->cluster_bits, last - first + 1);
	}
	return e & Q2_OFFSET ? q2_free(q, e & Q2_OFFSET, 1) : 0;
}

/* The last reference of a cluster is gone: so is what we know of it, and its room. */
static void cluster_forget(struct qcow2 *q, u64 cluster)
{
	u64 off = cluster << q->cluster_bits;

	q2_table_drop(&q->l2, off);
	q2_set_del(&q->meta, cluster);
	if (q->packed_at >> q->cluster_bits == cluster)
		q->packed_at = 0;
	/* Advice: a file system that cannot do it loses nothing but room. */
	fallocate(q->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)off, q->cluster_size);
}

int q2_frees_apply(struct qcow2 *q)
{
	u64 i, c, val;
	u32 k;
	int ret = 0;

	pthread_mutex_lock(&q->unpack_lock);
	q->unpacked = 0;
	pthread_mutex_unlock(&q->unpack_lock);
	for (k = 0; k < q->nfrees && !ret; k++) {
		for (i = 0; i < q->frees[k].n && !ret; i++) {
			c = (q->frees[k].off >> q->cluster_bits) + i;
			ret = q2_ref_add(q, c, -1);
			if (!ret)
				ret = q2_ref_get(q, c, &val);
			if (!ret && !val)
				cluster_forget(q, c);
		}
	}
	q->nfrees = 0;
	return ret;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * qcow2: checking an image. Every reference is followed and counted; the counts must be those that
 * the image holds. Repair writes a whole new set of counts at the end of the file and switches the
 * header over to it, so that the old ones stay in force until the new ones are complete.
 */
#include "vmm/block/qcow2_int.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define CLUSTERS_MAX  (1ull << 28)
#define REPORTS_MAX   100
/* Entries looked at. A hostile image can lead to one table from millions of places. */
#define ENTRIES_MAX   (1ull << 31)

struct check {
	struct qcow2 *q;
	struct qcow2_check *c;
	u32 *count;       /* references found, by host cluster */
	u64 n;            /* clusters of the file */
	u64 entries;
	unsigned int reports;
	bool counts_bad;  /* something that a new set of counts mends */
	bool fatal;       /* something that it does not mend */
};

static void finding(struct check *k, u64 *sum, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void finding(struct check *k, u64 *sum, const char *fmt, ...)
{
	char line[200];
	va_list ap;

	++*sum;
	if (!k->c->report || k->reports++ >= REPORTS_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	k->c->report(k->c->opaque, line);
}

/* ---- following references ---- */

/* [off, off + len) of the file is referred to once more. */
static void refer(struct check *k, u64 off, u64 len, const char *what)
{
	u64 c = off >> k->q->cluster_bits, last = (off + len - 1) >> k->q->cluster_bits;

	if (!len)
		return;
	if (off + len < off || last >= k->n) {
		finding(k, &k->c->errors, "%s at %#llx lies beyond the end of the file", what,
			(unsigned long long)off);
		k->fatal = true;
		return;
	}
	for (; c <= last; c++)
		if (k->count[c] < UINT32_MAX)
			k->count[c]++;
}

static bool aligned(struct check *k, u64 off, const char *what)
{
	if (!(off & (k->q->cluster_size - 1)))
		return true;
	finding(k, &k->c->errors, "%s at %#llx does not begin at a cluster", what,
		(unsigned long long)off);
	k->fatal = true;
	return false;
}

static int copied_check(struct check *k, u64 e, const char *what)
{
	u64 val = 0, off = e & Q2_OFFSET;
	int ret;

	if (off >> k->q->cluster_bits >= k->n)
		return 0;
	ret = q2_ref_get(k->q, off >> k->q->cluster_bits, &val);
	if (!ret && (val == 1) != !!(e & Q2_COPIED)) {
		finding(k, &k->c->errors, "%s at %#llx: its COPIED flag is wrong", what,
			(unsigned long long)off);
		k->counts_bad = true;
	}
	return ret == -EIO ? 0 : ret;
}

static int check_entry(struct check *k, u64 e, bool active)
{
	u64 off, len;

	if (e & Q2_COMPRESSED) {
		q2_packed_range(k->q, e, &off, &len);
		/* The last sector of the file may be short. */
		len = off < k->q->file_end ? MIN(len, k->q->file_end - off) : len;
		k->c->allocated += active;
		k->c->compressed += active;
		refer(k, off, len, "a compressed cluster");
		return 0;
	}
	off = e & Q2_OFFSET;
	if (!off)
		return 0;
	k->c->allocated += active;
	if (!aligned(k, off, "a data cluster"))
		return 0;
	/* A data cluster at the end of the file may be short. */
	refer(k, off, 1, "a data cluster");
	return active ? copied_check(k, e, "a data cluster") : 0;
}

static int check_tree(struct check *k, const u64 *l1, u32 n, bool active)
{
	struct qcow2 *q = k->q;
	struct q2_table *t;
	u64 off;
	u32 i, j;
	int ret = 0;

	for (i = 0; i < n && !ret; i++) {
		off = l1[i] & Q2_OFFSET;
		if (k->c->progress && active)
			k->c->progress(k->c->opaque, i, n);
		if (!off || !aligned(k, off, "an L2 table"))
			continue;
		refer(k, off, q->cluster_size, "an L2 table");
		if (active)
			ret = copied_check(k, l1[i], "an L2 table");
		if (ret || off + q->cluster_size > q->file_end)
			continue;
		k->entries += q->nl2;
		ret = k->entries > ENTRIES_MAX ? -EFBIG : q2_table_get(q, &q->l2, off, &t);
		for (j = 0; j < q->nl2 && !ret; j++)
			ret = check_entry(k, q2_entry(t, j), active);
	}
	return ret;
}

static int check_snapshots(struct check *k)
{
	struct qcow2 *q = k->q;
	u64 *l1;
	u32 i, j;
	int ret = 0;

	refer(k, q->snaps_off, q->snaps_bytes, "the snapshot table");
	for (i = 0; i < q->nsnaps && !ret; i++) {
		const struct q2_extra *s = &q->snaps[i];

		refer(k, s->l1_off, s->l1_size * 8ull, "a snapshot's L1 table");
		if (s->l1_off + s->l1_size * 8ull > q->file_end)
			continue;
		l1 = malloc(s->l1_size * 8ull + 8);
		if (!l1)
			return -ENOMEM;
		ret = q2_pread(q, s->l1_off, l1, s->l1_size * 8ull);
		for (j = 0; j < s->l1_size; j++)
			l1[j] = be64toh(l1[j]);
		if (!ret)
			ret = check_tree(k, l1, s->l1_size, false);
		free(l1);
	}
	return ret;
}

/* Persistent bitmaps: their directory, their tables, and what these lead to. */
static int check_bitmaps(struct check *k)
{
	struct qcow2 *q = k->q;
	u8 e[24], b[8];
	u64 at = 0, table, off;
	u32 i, j, n;
	int ret = 0;

	refer(k, q->bitmaps_off, q->nbitmaps ? q->bitmaps_len : 0, "the bitmap directory");
	for (i = 0; i < q->nbitmaps && !ret && at + sizeof(e) <= q->bitmaps_len; i++) {
		ret = q2_pread(q, q->bitmaps_off + at, e, sizeof(e));
		if (ret)
			break;
		table = q2_get64(e);
		n = q2_get32(e + 8);
		if (n > MiB || !aligned(k, table, "a bitmap table"))
			break;
		refer(k, table, n * 8ull, "a bitmap table");
		for (j = 0; j < n && !ret; j++) {
			ret = q2_pread(q, table + j * 8ull, b, 8);
			off = ret ? 0 : q2_get64(b) & Q2_OFFSET;
			if (off)
				refer(k, off, 1, "a bitmap");
		}
		at += (24 + (q2_get32(e + 20)) + (e[18] << 8 | e[19]) + 7) & ~7ull;
	}
	return ret == -EIO ? 0 : ret;
}

static void check_counts_tables(struct check *k)
{
	struct qcow2 *q = k->q;
	u64 i;

	refer(k, q->rt_off, (u64)q->rt_clusters << q->cluster_bits, "the refcount table");
	for (i = 0; i < q->rt_size; i++) {
		u64 off = q->rt[i] & ~511ull;

		if (!off)
			continue;
		if (off & (q->cluster_size - 1) || off + q->cluster_size > q->file_end) {
			finding(k, &k->c->errors, "refcount block %llu at %#llx is impossible",
				(unsigned long long)i, (unsigned long long)off);
			k->counts_bad = true;
			q->rt[i] = 0; /* not to be read; the file is not changed */
			continue;
		}
		refer(k, off, q->cluster_size, "a refcount block");
	}
}

/* Counts everything but, for a rebuild, the old counts themselves. */
static int check_walk(struct check *k, bool counts)
{
	struct qcow2 *q = k->q;
	int ret;

	refer(k, 0, q->cluster_size, "the header");
	if (counts)
		check_counts_tables(k);
	refer(k, q->l1_off, q->l1_size * 8ull, "the L1 table");
	ret = check_tree(k, q->l1, q->l1_size, true);
	if (!ret)
		ret = check_snapshots(k);
	return ret ? ret : check_bitmaps(k);
}

static void compare_one(struct check *k, u64 c, u64 val)
{
	u32 used = c < k->n ? k->count[c] : 0;

	if (val == used)
		return;
	k->counts_bad = true;
	if (val > used)
		finding(k, &k->c->leaks, "cluster %llu leaks: counted %llu times, used %u",
			(unsigned long long)c, (unsigned long long)val, used);
	else
		finding(k, &k->c->errors, "cluster %llu: counted %llu times, used %u",
			(unsigned long long)c, (unsigned long long)val, used);
}

/* Block by block; where there is none, all counts are 0. */
static int check_compare(struct check *k)
{
	struct qcow2 *q = k->q;
	u64 per = q2_rb_entries(q), blocks = MAX((k->n + per - 1) / per, q->rt_size), b, i, off;
	struct q2_table *t;
	int ret;

	for (b = 0; b < blocks && b * per < CLUSTERS_MAX; b++) {
		off = b < q->rt_size ? q->rt[b] & ~511ull : 0;
		if (!off && b * per >= k->n)
			continue;
		ret = off ? q2_table_get(q, &q->rb, off, &t) : 0;
		if (ret)
			return ret;
		for (i = 0; i < per && (off || b * per + i < k->n); i++)
			compare_one(k, b * per + i, off ? q2_ref_read(q, t->data, i) : 0);
	}
	return 0;
}

static int check_once(struct check *k)
{
	struct qcow2 *q = k->q;
	int ret;

	k->c->total = q2_clusters(q, q->size);
	k->c->errors = k->c->leaks = k->c->allocated = k->c->compressed = 0;
	k->counts_bad = k->fatal = false;
	k->entries = 0;
	k->n = q2_clusters(q, q->file_end);
	if (k->n > CLUSTERS_MAX)
		return -EFBIG;
	free(k->count);
	k->count = calloc(k->n + 1, sizeof(*k->count));
	if (!k->count)
		return -ENOMEM;
	ret = check_walk(k, true);
	return ret ? ret : check_compare(k);
}

/* ---- repair ---- */

struct rebuild {
	u64 base;    /* first cluster of the new blocks */
	u64 nb, nt;  /* blocks, clusters of the table */
};

static int rebuild_block(struct check *k, const struct rebuild *r, u64 b, u8 *buf)
{
	struct qcow2 *q = k->q;
	u64 per = q2_rb_entries(q), i, c, v;

	memset(buf, 0, q->cluster_size);
	for (i = 0; i < per; i++) {
		c = b * per + i;
		v = c < k->n ? k->count[c] : c >= r->base && c < r->base + r->nb + r->nt;
		if (v > q2_ref_max(q))
			return -EOVERFLOW;
		q2_ref_write(q, buf, i, v);
	}
	return q2_pwrite(q, (r->base + b) << q->cluster_bits, buf, q->cluster_size);
}

static int rebuild_write(struct check *k, const struct rebuild *r, u64 *table)
{
	struct qcow2 *q = k->q;
	u8 *buf = malloc(q->cluster_size), head[12];
	u64 b, at = (r->base + r->nb) << q->cluster_bits;
	int ret = buf ? 0 : -ENOMEM;

	for (b = 0; b < r->nb && !ret; b++) {
		ret = rebuild_block(k, r, b, buf);
		table[b] = htobe64((r->base + b) << q->cluster_bits);
	}
	free(buf);
	if (!ret)
		ret = q2_pwrite(q, at, table, r->nt << q->cluster_bits);
	if (!ret)
		ret = q2_barrier(q);
	q2_put64(head, at);
	q2_put32(head + 8, (u32)r->nt);
	if (!ret)
		ret = q2_pwrite(q, 48, head, sizeof(head));
	return ret ? ret : q2_barrier(q);
}

static int rebuild(struct check *k)
{
	struct qcow2 *q = k->q;
	struct rebuild r = {.base = k->n, .nb = 1, .nt = 1};
	u64 per = q2_rb_entries(q), nb, i, *table;
	int ret;

	memset(k->count, 0, k->n * sizeof(*k->count));
	ret = check_walk(k, false);
	if (ret)
		return ret;
	do {
		nb = r.nb;
		r.nt = q2_clusters(q, nb * 8);
		r.nb = (r.base + nb + r.nt + per - 1) / per;
	} while (r.nb > nb);
	r.nb = nb;
	if (r.nt << q->cluster_bits > Q2_RT_MAX)
		return -EFBIG;
	table = calloc(r.nt, q->cluster_size);
	if (!table)
		return -ENOMEM;
	ret = rebuild_write(k, &r, table);
	if (ret) {
		free(table);
		return ret;
	}
	for (i = 0; i < r.nb; i++)
		table[i] = be64toh(table[i]);
	for (i = 0; i < q->rb.n; i++)
		q2_table_drop(&q->rb, q->rb.t[i].off);
	free(q->rt);
	q->rt = table;
	q->rt_off = (r.base + r.nb) << q->cluster_bits;
	q->rt_clusters = (u32)r.nt;
	q->rt_size = (r.nt << q->cluster_bits) / 8;
	q->rt_lo = q->rt_hi = 0;
	q->hint = 0;
	q->nfrees = 0;
	ret = q2_copied_renew(q, q->l1, q->l1_size);
	return ret ? ret : q2_sync(q, true);
}

static int repair(struct check *k)
{
	struct qcow2 *q = k->q;
	u64 before = k->c->errors + k->c->leaks;
	u64 marks = Q2_INCOMPAT_DIRTY | Q2_INCOMPAT_CORRUPT;
	int ret = 0;

	if (k->counts_bad && !k->fatal)
		ret = rebuild(k);
	if (!ret && k->counts_bad && !k->fatal) {
		k->reports = REPORTS_MAX; /* what is left was reported already */
		ret = check_once(k);
	}
	k->c->fixed = before - MIN(before, k->c->errors + k->c->leaks);
	/* The sums are those of the first look. */
	k->c->errors += k->c->fixed;
	if (!ret && before == k->c->fixed && q->incompat & marks) {
		q->incompat &= ~marks;
		ret = q2_header_features(q);
		if (!ret)
			ret = q2_barrier(q);
	}
	return ret;
}

int qcow2_check(struct qcow2 *q, bool fix, struct qcow2_check *c)
{
	struct check k = {.q = q, .c = c};
	int ret = 0;

	c->fixed = 0;
	pthread_rwlock_wrlock(&q->io);
	pthread_mutex_lock(&q->lock);
	if (q->writable && !q->corrupt)
		ret = q2_settle(q);
	if (!ret)
		ret = check_once(&k);
	if (!ret && fix)
		ret = q->writable ? repair(&k) : -EROFS;
	free(k.count);
	pthread_mutex_unlock(&q->lock);
	pthread_rwlock_unlock(&q->io);
	return ret;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * qcow2: internal snapshots. A snapshot is a copy of the L1 table; what both lead to is counted
 * twice, lacks COPIED, and is copied when the disk is written. Source: docs/interop/qcow2,
 * "Snapshots". The state of a running machine (VM state) is kept as other programs left it.
 */
#include "vmm/block/qcow2_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ENTRY_FIXED 40u /* bytes of a table entry before what varies */
#define EXTRA_SIZES 16u /* VM state size and disk size in the extra data */

/* ---- the table ---- */

void q2_snaps_free(struct qcow2 *q)
{
	u32 i;

	for (i = 0; q->snaps && i < q->nsnaps; i++) {
		free(q->snaps[i].id);
		free(q->snaps[i].name);
		free(q->snaps[i].extra);
	}
	free(q->snaps);
	q->snaps = NULL;
	q->nsnaps = 0;
}

static int snap_strings(struct qcow2 *q, struct q2_extra *s, u64 *at, u32 extra, u32 idlen,
			u32 namelen)
{
	u32 known = extra >= EXTRA_SIZES ? EXTRA_SIZES : 0;
	u8 sizes[EXTRA_SIZES];
	int ret = 0;

	s->has_sizes = known;
	s->extra_len = extra - known;
	s->id = calloc(1, idlen + 1);
	s->name = calloc(1, namelen + 1);
	s->extra = malloc(s->extra_len + 1);
	if (!s->id || !s->name || !s->extra)
		return -ENOMEM;
	if (known)
		ret = q2_pread(q, *at, sizes, known);
	if (!ret && known) {
		s->vm_state = q2_get64(sizes);
		s->disk_size = q2_get64(sizes + 8);
	}
	if (!ret && s->extra_len)
		ret = q2_pread(q, *at + known, s->extra, s->extra_len);
	*at += extra;
	if (!ret && idlen)
		ret = q2_pread(q, *at, s->id, idlen);
	*at += idlen;
	if (!ret && namelen)
		ret = q2_pread(q, *at, s->name, namelen);
	*at += namelen;
	*at = (*at + 7) & ~7ull;
	return ret;
}

static int snap_read(struct qcow2 *q, struct q2_extra *s, u64 *at)
{
	u8 b[ENTRY_FIXED];
	u32 extra;
	int ret = q2_pread(q, *at, b, sizeof(b));

	if (ret)
		return ret;
	s->l1_off = q2_get64(b);
	s->l1_size = q2_get32(b + 8);
	s->sec = q2_get32(b + 16);
	s->nsec = q2_get32(b + 20);
	s->vm_clock = q2_get64(b + 24);
	s->vm_state = q2_get32(b + 32);
	s->disk_size = q->size;
	extra = q2_get32(b + 36);
	*at += sizeof(b);
	if (extra > 1024 || s->l1_size > Q2_L1_MAX / 8 || s->l1_off & (q->cluster_size - 1) ||
	    s->l1_off > INT64_MAX - Q2_L1_MAX)
		return -EINVAL;
	return snap_strings(q, s, at, extra, b[12] << 8 | b[13], b[14] << 8 | b[15]);
}

int q2_snaps_read(struct qcow2 *q, u64 off, u32 n, char *err, size_t errlen)
{
	u64 at = off;
	u32 i;
	int ret = 0;

	q->nsnaps = 0;
	q->snaps_bytes = 0;
	if (!n)
		return 0;
	q->snaps = calloc(n, sizeof(*q->snaps));
	if (!q->snaps)
		ret = -ENOMEM;
	for (i = 0; i < n && !ret; i++) {
		q->nsnaps = i + 1;
		ret = snap_read(q, &q->snaps[i], &at);
		if (at - off > Q2_SNAP_BYTES)
			ret = -EFBIG;
	}
	q->snaps_bytes = at - off;
	if (ret)
		snprintf(err, errlen, "%s: its snapshot table cannot be used: %s", q->path,
			 strerror(-ret));
	return ret;
}

static size_t snap_write_one(const struct q2_extra *s, u8 *p)
{
	size_t idlen = strlen(s->id), namelen = strlen(s->name), at = ENTRY_FIXED;

	q2_put64(p, s->l1_off);
	q2_put32(p + 8, s->l1_size);
	q2_put32(p + 12, (u32)(idlen << 16 | namelen));
	q2_put32(p + 16, s->sec);
	q2_put32(p + 20, s->nsec);
	q2_put64(p + 24, s->vm_clock);
	q2_put32(p + 32, (u32)MIN(s->vm_state, (u64)UINT32_MAX));
	q2_put32(p + 36, EXTRA_SIZES + s->extra_len);
	q2_put64(p + at, s->vm_state);
	q2_put64(p + at + 8, s->disk_size);
	memcpy(p + at + 16, s->extra, s->extra_len);
	at += EXTRA_SIZES + s->extra_len;
	memcpy(p + at, s->id, idlen);
	memcpy(p + at + idlen, s->name, namelen);
	return (at + idlen + namelen + 7) & ~(size_t)7;
}

/* The table as it is now in memory to a new place, and the header to it. */
static int snaps_write(struct qcow2 *q)
{
	u64 old = q->snaps_off, old_n = q2_clusters(q, q->snaps_bytes), off = 0;
	size_t cap = 0, at = 0;
	u8 *buf, head[12];
	u32 i;
	int ret = 0;

	for (i = 0; i < q->nsnaps; i++)
		cap += ENTRY_FIXED + EXTRA_SIZES + 8 + q->snaps[i].extra_len +
		       strlen(q->snaps[i].id) + strlen(q->snaps[i].name);
	if (cap > Q2_SNAP_BYTES)
		return -EFBIG;
	buf = calloc(1, cap + 1);
	if (!buf)
		return -ENOMEM;
	for (i = 0; i < q->nsnaps; i++)
		at += snap_write_one(&q->snaps[i], buf + at);
	if (at)
		ret = q2_alloc_meta(q, q2_clusters(q, at), &off);
	if (!ret && at)
		ret = q2_pwrite(q, off, buf, at);
	free(buf);
	if (!ret)
		ret = q2_sync(q, true);
	q2_put32(head, q->nsnaps);
	q2_put64(head + 4, off);
	if (!ret)
		ret = q2_pwrite(q, 60, head, sizeof(head));
	if (!ret)
		ret = q2_barrier(q);
	if (ret)
		return ret;
	q->snaps_off = off;
	q->snaps_bytes = at;
	return q2_free(q, old, old_n);
}

/* ---- trees ---- */

/* Calls fn for at most *left entries of a tree, and counts them down. */
static int tree_each(struct qcow2 *q, const u64 *l1, u32 n, u64 *left,
		     int (*fn)(struct qcow2 *q, u64 entry))
{
	struct q2_table *t;
	u32 i, k;
	int ret = 0;

	for (i = 0; i < n && !ret && *left; i++) {
		if (!(l1[i] & Q2_OFFSET))
			continue;
		ret = q2_table_get(q, &q->l2, l1[i] & Q2_OFFSET, &t);
		for (k = 0; k < q->nl2 && !ret && *left; k++) {
			ret = fn(q, q2_entry(t, k));
			*left -= !ret;
		}
		if (!ret && *left) {
			ret = fn(q, l1[i] & Q2_OFFSET);
			*left -= !ret;
		}
	}
	return ret;
}

static int entry_ref(struct qcow2 *q, u64 e)
{
	u64 off = e & Q2_OFFSET, len = 1, c, first, last;
	int ret = 0;

	if (e & Q2_COMPRESSED)
		q2_packed_range(q, e, &off, &len);
	else if (!off)
		return 0;
	first = off >> q->cluster_bits;
	last = (off + len - 1) >> q->cluster_bits;
	for (c = first; c <= last && !ret; c++)
		ret = q2_ref_add(q, c, 1);
	if (ret && c - 1 > first)
		q2_free(q, off & ~(u64)(q->cluster_size - 1), c - 1 - first);
	return ret;
}

/* When a count has no room for one more, those before it are taken back. */
int q2_tree_ref(struct qcow2 *q, const u64 *l1, u32 n)
{
	u64 left = UINT64_MAX, done;
	int ret = tree_each(q, l1, n, &left, entry_ref);

	if (ret != -EOVERFLOW)
		return ret;
	done = UINT64_MAX - left;
	tree_each(q, l1, n, &done, q2_free_entry);
	return ret;
}

int q2_tree_free(struct qcow2 *q, const u64 *l1, u32 n)
{
	u64 left = UINT64_MAX;

	return tree_each(q, l1, n, &left, q2_free_entry);
}

static int copied_set(struct qcow2 *q, u64 e, u64 *out)
{
	u64 val;
	int ret;

	*out = e;
	if (e & Q2_COMPRESSED || !(e & Q2_OFFSET))
		return 0;
	ret = q2_ref_get(q, (e & Q2_OFFSET) >> q->cluster_bits, &val);
	*out = val == 1 ? e | Q2_COPIED : e & ~Q2_COPIED;
	return ret;
}

int q2_copied_renew(struct qcow2 *q, u64 *l1, u32 n)
{
	struct q2_table *t;
	u64 e, now;
	u32 i, k;
	int ret = 0;

	for (i = 0; i < n && !ret; i++) {
		if (!(l1[i] & Q2_OFFSET))
			continue;
		ret = q2_table_get(q, &q->l2, l1[i] & Q2_OFFSET, &t);
		for (k = 0; k < q->nl2 && !ret; k++) {
			e = q2_entry(t, k);
			ret = copied_set(q, e, &now);
			if (!ret && now != e)
				q2_entry_set(&q->l2, t, k, now);
		}
		if (!ret)
			ret = copied_set(q, l1[i], &now);
		if (ret || now == l1[i])
			continue;
		if (l1 == q->l1)
			q2_l1_set(q, i, now);
		else
			l1[i] = now;
	}
	return ret;
}

static int l1_write(struct qcow2 *q, const u64 *l1, u32 n, u64 *off)
{
	u64 *be = malloc(n * 8ull + 8);
	u32 i;
	int ret = be ? q2_alloc_meta(q, MAX(q2_clusters(q, n * 8ull), 1ull), off) : -ENOMEM;

	for (i = 0; be && i < n; i++)
		be[i] = htobe64(l1[i]);
	if (!ret && n)
		ret = q2_pwrite(q, *off, be, n * 8ull);
	free(be);
	return ret;
}

int q2_l1_replace(struct qcow2 *q, u64 *l1, u32 n, u64 size)
{
	u64 old = q->l1_off, old_n = q2_clusters(q, q->l1_size * 8ull), off;
	u8 head[24] = {0};
	int ret = l1_write(q, l1, n, &off);

	if (!ret)
		ret = q2_sync(q, true);
	q2_put64(head, size);
	q2_put32(head + 12, n);
	q2_put64(head + 16, off);
	if (!ret)
		ret = q2_pwrite(q, 24, head, sizeof(head));
	if (!ret)
		ret = q2_barrier(q);
	if (ret)
		return ret;
	free(q->l1);
	q->l1 = l1;
	q->l1_off = off;
	q->l1_size = n;
	q->l1_lo = q->l1_hi = 0;
	q->size = size;
	return q2_free(q, old, old_n);
}

int q2_settle(struct qcow2 *q)
{
	int ret = q2_sync(q, true);

	if (!ret && q->nfrees) {
		ret = q2_frees_apply(q);
		if (!ret)
			ret = q2_sync(q, true);
	}
	return ret;
}

/* ---- for the user ---- */

bool qcow2_snapshot_at(struct qcow2 *q, unsigned int i, struct qcow2_snapshot_info *s)
{
	if (i >= q->nsnaps)
		return false;
	*s = (struct qcow2_snapshot_info){.id = q->snaps[i].id, .name = q->snaps[i].name,
					  .disk_size = q->snaps[i].disk_size,
					  .vm_state = q->snaps[i].vm_state,
					  .seconds = q->snaps[i].sec};
	return true;
}

/* By name, else by number. */
static struct q2_extra *snap_find(struct qcow2 *q, const char *name)
{
	u32 i;

	for (i = 0; i < q->nsnaps; i++)
		if (!strcmp(q->snaps[i].name, name))
			return &q->snaps[i];
	for (i = 0; i < q->nsnaps; i++)
		if (!strcmp(q->snaps[i].id, name))
			return &q->snaps[i];
	return NULL;
}

static int op_begin(struct qcow2 *q, char *err, size_t errlen)
{
	int ret = 0;

	pthread_rwlock_wrlock(&q->io);
	pthread_mutex_lock(&q->lock);
	if (!q->writable)
		ret = -EROFS;
	else
		ret = q2_settle(q);
	if (ret)
		snprintf(err, errlen, "%s: %s", q->path, strerror(-ret));
	return ret;
}

static int op_end(struct qcow2 *q, int ret, char *err, size_t errlen)
{
	if (ret == -EOVERFLOW) {
		snprintf(err, errlen, "%s: its reference counts are too narrow for one more "
				      "snapshot", q->path);
		q2_settle(q);
	}
	if (ret && !err[0])
		snprintf(err, errlen, "%s: %s", q->path, strerror(-ret));
	pthread_mutex_unlock(&q->lock);
	pthread_rwlock_unlock(&q->io);
	return ret;
}

static int snap_add(struct qcow2 *q, const char *name, u64 l1_off)
{
	struct q2_extra *p = realloc(q->snaps, (q->nsnaps + 1) * sizeof(*p)), *s;
	unsigned long id = 0, v;
	struct timespec now;
	u32 i;

	if (!p)
		return -ENOMEM;
	q->snaps = p;
	for (i = 0; i < q->nsnaps; i++) {
		v = strtoul(p[i].id, NULL, 10);
		id = MAX(id, v);
	}
	clock_gettime(CLOCK_REALTIME, &now);
	s = &p[q->nsnaps];
	*s = (struct q2_extra){.l1_off = l1_off, .l1_size = q->l1_size, .sec = (u32)now.tv_sec,
			       .nsec = (u32)now.tv_nsec, .disk_size = q->size, .has_sizes = true};
	s->name = strdup(name);
	s->extra = malloc(1);
	if (!s->name || !s->extra || asprintf(&s->id, "%lu", id + 1) < 0) {
		free(s->name);
		free(s->extra);
		return -ENOMEM;
	}
	q->nsnaps++;
	return 0;
}

static int snap_remove(struct qcow2 *q, struct q2_extra *s)
{
	u32 i = (u32)(s - q->snaps);

	free(s->id);
	free(s->name);
	free(s->extra);
	memmove(s, s + 1, (q->nsnaps - i - 1) * sizeof(*s));
	q->nsnaps--;
	return snaps_write(q);
}

int qcow2_snapshot_create(struct qcow2 *q, const char *name, char *err, size_t errlen)
{
	u64 l1_off;
	int ret;

	err[0] = 0;
	ret = op_begin(q, err, errlen);
	if (!ret && (!*name || strlen(name) > 255)) {
		snprintf(err, errlen, "a snapshot needs a name of 1 to 255 bytes");
		ret = -EINVAL;
	} else if (!ret && snap_find(q, name)) {
		snprintf(err, errlen, "%s: there is a snapshot '%s' already", q->path, name);
		ret = -EEXIST;
	} else if (!ret && q2_ref_max(q) < 2) {
		snprintf(err, errlen, "%s: its reference counts are too narrow for snapshots",
			 q->path);
		ret = -ENOTSUP;
	}
	if (!ret)
		ret = q2_tree_ref(q, q->l1, q->l1_size);
	if (!ret)
		ret = q2_copied_renew(q, q->l1, q->l1_size);
	if (!ret)
		ret = l1_write(q, q->l1, q->l1_size, &l1_off);
	if (!ret)
		ret = snap_add(q, name, l1_off);
	if (!ret)
		ret = snaps_write(q);
	if (!ret)
		ret = q2_settle(q);
	return op_end(q, ret, err, errlen);
}

static int snap_l1(struct qcow2 *q, const struct q2_extra *s, u32 n, u64 **out)
{
	u64 *l1 = calloc(n + 1ull, 8);
	u32 i;
	int ret = l1 ? 0 : -ENOMEM;

	if (!ret && s->l1_size)
		ret = q2_pread(q, s->l1_off, l1, s->l1_size * 8ull);
	if (ret) {
		free(l1);
		return ret;
	}
	for (i = 0; i < s->l1_size; i++)
		l1[i] = be64toh(l1[i]);
	*out = l1;
	return 0;
}

static int snap_apply(struct qcow2 *q, const struct q2_extra *s, char *err, size_t errlen)
{
	u32 old_n = q->l1_size, n;
	u64 *l1 = NULL, *old = NULL;
	int ret;

	n = MAX(s->l1_size, (u32)((s->disk_size + q2_l2_cover(q) - 1) / q2_l2_cover(q)));
	if (s->disk_size > Q2_L1_MAX / 8 * q2_l2_cover(q))
		return -EFBIG;
	ret = snap_l1(q, s, n, &l1);
	if (ret)
		return ret;
	old = malloc(old_n * 8ull + 8);
	ret = old ? q2_tree_ref(q, l1, n) : -ENOMEM;
	if (!ret)
		ret = q2_copied_renew(q, l1, n);
	if (!ret) {
		memcpy(old, q->l1, old_n * 8ull);
		ret = q2_l1_replace(q, l1, n, s->disk_size);
	}
	if (!ret) {
		l1 = NULL;
		ret = q2_tree_free(q, old, old_n);
	}
	if (!ret)
		ret = q2_settle(q);
	if (!ret)
		ret = q2_copied_renew(q, q->l1, q->l1_size);
	if (!ret)
		ret = q2_settle(q);
	if (!ret)
		ret = q2_meta_collect(q, err, errlen);
	free(old);
	free(l1);
	return ret;
}

static int op_find(struct qcow2 *q, const char *name, struct q2_extra **s, char *err, size_t errlen)
{
	*s = snap_find(q, name);
	if (*s)
		return 0;
	snprintf(err, errlen, "%s: there is no snapshot '%s'", q->path, name);
	return -ENOENT;
}

int qcow2_snapshot_apply(struct qcow2 *q, const char *name, char *err, size_t errlen)
{
	struct q2_extra *s = NULL;
	int ret;

	err[0] = 0;
	ret = op_begin(q, err, errlen);
	if (!ret)
		ret = op_find(q, name, &s, err, errlen);
	if (!ret)
		ret = snap_apply(q, s, err, errlen);
	return op_end(q, ret, err, errlen);
}

int qcow2_snapshot_delete(struct qcow2 *q, const char *name, char *err, size_t errlen)
{
	struct q2_extra *s = NULL;
	u64 *l1 = NULL, l1_off = 0;
	u32 n = 0;
	int ret;

	err[0] = 0;
	ret = op_begin(q, err, errlen);
	if (!ret)
		ret = op_find(q, name, &s, err, errlen);
	if (!ret) {
		n = s->l1_size;
		l1_off = s->l1_off;
		ret = snap_l1(q, s, n, &l1);
	}
	if (!ret)
		ret = snap_remove(q, s);
	if (!ret)
		ret = q2_tree_free(q, l1, n);
	if (!ret)
		ret = q2_free(q, l1_off, MAX(q2_clusters(q, n * 8ull), 1ull));
	if (!ret)
		ret = q2_settle(q);
	if (!ret)
		ret = q2_copied_renew(q, q->l1, q->l1_size);
	if (!ret)
		ret = q2_settle(q);
	free(l1);
	return op_end(q, ret, err, errlen);
}

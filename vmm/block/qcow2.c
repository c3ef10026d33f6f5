// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * qcow2: the header and its extensions, opening and closing. Every number of the header is
 * checked before it is used. Source: QEMU's docs/interop/qcow2, "Header" and "Header extensions".
 */
#include "vmm/block/qcow2_int.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADER_V2  72u
#define HEADER_V3  104u
#define HEADER_MAX 65536u
#define NAME_MAX_Q 1023u

#define EXT_END     0u
#define EXT_FORMAT  0xe2792acau
#define EXT_BITMAPS 0x23852875u

struct opening {
	struct qcow2 *q;
	unsigned int flags, depth;
	u8 *head; /* the first bytes of the file */
	u32 head_len;
	char *err;
	size_t errlen;
};

static int bad(struct opening *o, int ret, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static int bad(struct opening *o, int ret, const char *fmt, ...)
{
	int n = snprintf(o->err, o->errlen, "%s: ", o->q->path);
	va_list ap;

	va_start(ap, fmt);
	if (n > 0 && (size_t)n < o->errlen)
		vsnprintf(o->err + n, o->errlen - (size_t)n, fmt, ap);
	va_end(ap);
	return ret;
}

/* ---- the header ---- */

static int features_check(struct opening *o)
{
	struct qcow2 *q = o->q;
	u64 unknown = q->incompat & ~(u64)(Q2_INCOMPAT_DIRTY | Q2_INCOMPAT_CORRUPT |
					   Q2_INCOMPAT_COMP);

	if (unknown & Q2_INCOMPAT_DATA)
		return bad(o, -ENOTSUP, "keeps its data in another file, which is not supported; "
					"convert it with the program that made it");
	if (unknown & Q2_INCOMPAT_L2EXT)
		return bad(o, -ENOTSUP, "has extended L2 entries, which are not supported; convert "
					"it with the program that made it");
	if (unknown)
		return bad(o, -ENOTSUP, "needs features that are not known here (%#llx)",
			   (unsigned long long)unknown);
	if (q->compression > QCOW2_ZSTD)
		return bad(o, -ENOTSUP, "compression method %u is not known", q->compression);
	if (q->incompat & Q2_INCOMPAT_CORRUPT && o->flags & IMG_WRITE &&
	    !(o->flags & IMG_BROKEN))
		return bad(o, -EIO, "is marked as corrupt; repair it: vmm image check --repair "
				    "FILE, or open it with readonly");
	return 0;
}

static int header_v3(struct opening *o)
{
	struct qcow2 *q = o->q;
	const u8 *h = o->head;

	q->incompat = q2_get64(h + 72);
	q->compat = q2_get64(h + 80);
	q->autoclear = q2_get64(h + 88);
	q->refcount_order = q2_get32(h + 96);
	q->header_length = q2_get32(h + 100);
	if (q->header_length < HEADER_V3 || q->header_length > q->cluster_size ||
	    q->header_length % 8)
		return bad(o, -EINVAL, "header length %u is impossible", q->header_length);
	if (q->header_length > 104 && o->head_len > 104)
		q->compression = h[104];
	if (q->refcount_order > 6)
		return bad(o, -EINVAL, "reference counts of 2^%u bits are impossible",
			   q->refcount_order);
	return features_check(o);
}

static int range_check(struct opening *o, const char *what, u64 off, u64 len)
{
	if (off & (o->q->cluster_size - 1))
		return bad(o, -EINVAL, "its %s does not begin at a cluster", what);
	if (off > INT64_MAX - len)
		return bad(o, -EINVAL, "its %s lies beyond all bounds", what);
	return 0;
}

static int header_tables(struct opening *o)
{
	struct qcow2 *q = o->q;
	const u8 *h = o->head;
	u64 need;
	int ret;

	q->size = q2_get64(h + 24);
	q->l1_size = q2_get32(h + 36);
	q->l1_off = q2_get64(h + 40);
	q->rt_off = q2_get64(h + 48);
	q->rt_clusters = q2_get32(h + 56);
	q->nsnaps = q2_get32(h + 60);
	q->snaps_off = q2_get64(h + 64);
	if (q2_get32(h + 32))
		return bad(o, -ENOTSUP, "is encrypted, which is not supported");
	if (q->size > Q2_L1_MAX / 8 * q2_l2_cover(q) || q->size > INT64_MAX)
		return bad(o, -EFBIG, "a disk of %llu bytes is too large",
			   (unsigned long long)q->size);
	need = (q->size + q2_l2_cover(q) - 1) / q2_l2_cover(q);
	if (q->l1_size > Q2_L1_MAX / 8)
		return bad(o, -EFBIG, "its L1 table is too large");
	if (q->l1_size < need)
		return bad(o, -EINVAL, "its L1 table is too small for the disk");
	if ((u64)q->rt_clusters << q->cluster_bits > Q2_RT_MAX || !q->rt_clusters)
		return bad(o, -EINVAL, "its refcount table has an impossible size");
	if (q->nsnaps > Q2_SNAPS_MAX)
		return bad(o, -EINVAL, "has too many snapshots");
	ret = range_check(o, "L1 table", q->l1_off, q->l1_size * 8ull);
	if (!ret)
		ret = range_check(o, "refcount table", q->rt_off,
				  (u64)q->rt_clusters << q->cluster_bits);
	return ret ? ret : range_check(o, "snapshot table", q->snaps_off, 0);
}

static int header_parse(struct opening *o)
{
	struct qcow2 *q = o->q;
	const u8 *h = o->head;

	if (o->head_len < HEADER_V3 || q2_get32(h) != Q2_MAGIC)
		return bad(o, -EINVAL, "is no qcow2 image");
	q->version = q2_get32(h + 4);
	q->cluster_bits = q2_get32(h + 20);
	if (q->version != 2 && q->version != 3)
		return bad(o, -ENOTSUP, "qcow version %u is not supported (2 and 3 are)",
			   q->version);
	if (q->cluster_bits < 9 || q->cluster_bits > 21)
		return bad(o, -EINVAL, "clusters of 2^%u bytes are impossible", q->cluster_bits);
	q->cluster_size = 1u << q->cluster_bits;
	q->nl2 = q->cluster_size / 8;
	q->refcount_order = 4;
	q->header_length = HEADER_V2;
	if (q->version == 3) {
		int ret = header_v3(o);

		if (ret)
			return ret;
	}
	return header_tables(o);
}

static int string_copy(struct opening *o, char **out, const u8 *p, u32 len)
{
	if (memchr(p, 0, len))
		return bad(o, -EINVAL, "a name in its header holds a zero byte");
	*out = strndup((const char *)p, len);
	return *out ? 0 : bad(o, -ENOMEM, "out of memory");
}

static int bitmaps_parse(struct opening *o, const u8 *p, u32 len)
{
	struct qcow2 *q = o->q;

	if (len != 24 || !(q->autoclear & Q2_AUTOCLEAR_BITMAPS))
		return 0;
	q->nbitmaps = q2_get32(p);
	q->bitmaps_len = q2_get64(p + 8);
	q->bitmaps_off = q2_get64(p + 16);
	if (q->nbitmaps > 65535 || q->bitmaps_len > 64 * MiB)
		return bad(o, -EINVAL, "its table of bitmaps is too large");
	return range_check(o, "table of bitmaps", q->bitmaps_off, q->bitmaps_len);
}

static int extensions_parse(struct opening *o)
{
	struct qcow2 *q = o->q;
	u32 at = q->header_length, type, len;
	u64 back_off = q2_get64(o->head + 8);
	u32 back_len = q2_get32(o->head + 16), end = MIN(o->head_len, q->cluster_size);
	int ret = 0;

	if (back_off && (back_len > NAME_MAX_Q || back_off > end - back_len || back_len > end))
		return bad(o, -EINVAL, "the name of its backing file lies outside of the header");
	if (back_off)
		end = MIN(end, (u32)back_off);
	while (!ret && at + 8 <= end) {
		type = q2_get32(o->head + at);
		len = q2_get32(o->head + at + 4);
		at += 8;
		if (type == EXT_END)
			break;
		if (len > end - at)
			return bad(o, -EINVAL, "a header extension is too long");
		if (type == EXT_FORMAT && !q->backing_format)
			ret = string_copy(o, &q->backing_format, o->head + at, MIN(len, 64u));
		else if (type == EXT_BITMAPS)
			ret = bitmaps_parse(o, o->head + at, len);
		at += (len + 7) & ~7u;
	}
	if (!ret && back_off && back_len)
		ret = string_copy(o, &q->backing_name, o->head + back_off, back_len);
	return ret;
}

int q2_header_features(struct qcow2 *q)
{
	u8 b[24];

	if (q->version < 3)
		return 0;
	q2_put64(b, q->incompat);
	q2_put64(b + 8, q->compat);
	q2_put64(b + 16, q->autoclear);
	return q2_pwrite(q, 72, b, sizeof(b));
}

/* ---- tables ---- */

static int table_load(struct opening *o, const char *what, u64 off, u64 n, u64 **out)
{
	u64 i, *t = calloc(n ? n : 1, 8);
	int ret;

	if (!t)
		return bad(o, -ENOMEM, "out of memory");
	ret = n ? q2_pread(o->q, off, t, n * 8) : 0;
	if (ret) {
		free(t);
		return bad(o, ret, "its %s cannot be read: %s", what, strerror(-ret));
	}
	for (i = 0; i < n; i++)
		t[i] = be64toh(t[i]);
	*out = t;
	return 0;
}

static int tables_load(struct opening *o)
{
	struct qcow2 *q = o->q;
	unsigned int nl2 = (unsigned int)(4 * MiB >> q->cluster_bits);
	unsigned int nrb = (unsigned int)(1 * MiB >> q->cluster_bits);
	int ret;

	q->rt_size = ((u64)q->rt_clusters << q->cluster_bits) / 8;
	ret = table_load(o, "L1 table", q->l1_off, q->l1_size, &q->l1);
	if (!ret)
		ret = table_load(o, "refcount table", q->rt_off, q->rt_size, &q->rt);
	if (ret)
		return ret;
	if (q2_cache_init(&q->l2, MIN(MAX(nl2, 8u), 256u)) ||
	    q2_cache_init(&q->rb, MIN(MAX(nrb, 8u), 64u)))
		return bad(o, -ENOMEM, "out of memory");
	return q2_snaps_read(q, q->snaps_off, q->nsnaps, o->err, o->errlen);
}

static int meta_add(struct qcow2 *q, u64 off, u64 n)
{
	u64 i, c = off >> q->cluster_bits;
	int ret = 0;

	for (i = 0; i < n && !ret; i++)
		ret = q2_set_add(&q->meta, c + i);
	return ret;
}

/* Which host clusters hold tables: data is never written there. */
int q2_meta_collect(struct qcow2 *q, char *err, size_t errlen)
{
	u64 i;
	int ret;

	free(q->meta.slot);
	memset(&q->meta, 0, sizeof(q->meta));
	ret = meta_add(q, 0, 1);
	if (!ret)
		ret = meta_add(q, q->l1_off, q2_clusters(q, q->l1_size * 8ull));
	if (!ret)
		ret = meta_add(q, q->rt_off, q->rt_clusters);
	if (!ret)
		ret = meta_add(q, q->snaps_off, q2_clusters(q, q->snaps_bytes));
	for (i = 0; i < q->nsnaps && !ret; i++)
		ret = meta_add(q, q->snaps[i].l1_off, q2_clusters(q, q->snaps[i].l1_size * 8ull));
	for (i = 0; i < q->rt_size && !ret; i++)
		if (q->rt[i] & ~511ull)
			ret = meta_add(q, q->rt[i] & ~511ull, 1);
	for (i = 0; i < q->l1_size && !ret; i++)
		if (q->l1[i] & Q2_OFFSET)
			ret = meta_add(q, q->l1[i] & Q2_OFFSET, 1);
	if (ret == -EEXIST)
		snprintf(err, errlen, "%s: its tables overlap: it is corrupt; look at it with: "
				      "vmm image check FILE, or open it with readonly", q->path);
	else if (ret)
		snprintf(err, errlen, "%s: out of memory", q->path);
	return ret == -EEXIST ? -EIO : ret;
}

/* ---- the backing file ---- */

/* The name is relative to the image's own folder. */
static char *backing_path(const struct qcow2 *q)
{
	const char *slash = strrchr(q->path, '/');
	char *out;

	if (q->backing_name[0] == '/' || !slash)
		return strdup(q->backing_name);
	if (asprintf(&out, "%.*s/%s", (int)(slash - q->path), q->path, q->backing_name) < 0)
		return NULL;
	return out;
}

static int backing_open(struct opening *o)
{
	struct qcow2 *q = o->q;
	const char *colon, *slash;
	char *path, why[400];
	int ret;

	if (!q->backing_name || o->flags & IMG_NOBACK)
		return 0;
	if (o->flags & IMG_GUESSED)
		return bad(o, -EPERM, "has a backing file ('%s'), and nobody said that it is a "
				      "qcow2 image; say %s", q->backing_name,
			   o->depth ? "so in the image above it (backing format)" : "format=qcow2");
	if (o->depth >= IMG_BACKING_MAX)
		return bad(o, -ELOOP, "more than %d backing files, or a loop of them",
			   IMG_BACKING_MAX);
	colon = strchr(q->backing_name, ':');
	slash = strchr(q->backing_name, '/');
	if (colon && (!slash || colon < slash))
		return bad(o, -ENOTSUP, "its backing file '%s' is not a plain file name",
			   q->backing_name);
	path = backing_path(q);
	if (!path)
		return bad(o, -ENOMEM, "out of memory");
	ret = img_open_depth(&q->backing, path, q->backing_format,
			     o->flags & (IMG_NOLOCK | IMG_BROKEN), o->depth + 1, why, sizeof(why));
	free(path);
	if (ret && o->depth) /* one such prefix is enough for a chain */
		snprintf(o->err, o->errlen, "%s", why);
	else if (ret)
		bad(o, ret, "its backing file: %s", why);
	return ret;
}

/* ---- opening and closing ---- */

static int open_check_dirty(struct opening *o)
{
	struct qcow2 *q = o->q;
	struct qcow2_check c = {0};
	int ret;

	if (!q->writable)
		return 0;
	/* Who writes must not leave valid what he does not keep up. */
	if (q->autoclear) {
		q->autoclear = 0;
		q->nbitmaps = 0;
		ret = q2_header_features(q);
		if (ret)
			return bad(o, ret, "cannot be written: %s", strerror(-ret));
	}
	if (!(q->incompat & Q2_INCOMPAT_DIRTY) || o->flags & IMG_BROKEN)
		return 0;
	ret = qcow2_check(q, true, &c);
	if (!ret && c.errors + c.leaks > c.fixed)
		ret = -EIO;
	return ret ? bad(o, ret, "was not closed properly and its reference counts cannot be "
				 "rebuilt: %s", strerror(-ret)) : 0;
}

static int open_all(struct opening *o)
{
	struct qcow2 *q = o->q;
	struct stat st;
	ssize_t n;
	int ret;

	if (fstat(q->fd, &st))
		return bad(o, -errno, "%s", strerror(errno));
	q->file_end = S_ISREG(st.st_mode) ? (u64)st.st_size : (u64)lseek(q->fd, 0, SEEK_END);
	n = gm_blk_pio(q->fd, false, 0, &(struct iovec){o->head, HEADER_MAX}, 1);
	if (n < 0)
		return bad(o, (int)n, "%s", strerror((int)-n));
	o->head_len = (u32)n;
	if ((ret = header_parse(o)) || (ret = extensions_parse(o)) || (ret = tables_load(o)))
		return ret;
	q->unpack_buf = malloc(q->cluster_size);
	q->unpack_in = malloc((size_t)q->cluster_size * 2 + 512);
	if (!q->unpack_buf || !q->unpack_in)
		return bad(o, -ENOMEM, "out of memory");
	if (q->writable && !(o->flags & IMG_BROKEN))
		ret = q2_meta_collect(q, o->err, o->errlen);
	if (!ret)
		ret = backing_open(o);
	return ret ? ret : open_check_dirty(o);
}

static void qcow2_release(struct qcow2 *q)
{
	if (q->backing)
		img_close(q->backing);
	q2_snaps_free(q);
	q2_cache_fini(&q->l2);
	q2_cache_fini(&q->rb);
	free(q->meta.slot);
	free(q->frees);
	free(q->l1);
	free(q->rt);
	free(q->unpack_buf);
	free(q->unpack_in);
	free(q->backing_name);
	free(q->backing_format);
	free(q->path);
	pthread_rwlock_destroy(&q->io);
	pthread_mutex_destroy(&q->lock);
	pthread_mutex_destroy(&q->unpack_lock);
	free(q);
}

int qcow2_open(struct qcow2 **out, int fd, const char *path, unsigned int flags, unsigned int depth,
	       char *err, size_t errlen)
{
	struct qcow2 *q = calloc(1, sizeof(*q));
	struct opening o = {.q = q, .flags = flags, .depth = depth, .err = err, .errlen = errlen};
	int ret;

	if (!q) {
		snprintf(err, errlen, "%s: out of memory", path);
		return -ENOMEM;
	}
	q->fd = fd;
	q->writable = flags & IMG_WRITE;
	pthread_rwlock_init(&q->io, NULL);
	pthread_mutex_init(&q->lock, NULL);
	pthread_mutex_init(&q->unpack_lock, NULL);
	q->path = strdup(path);
	o.head = malloc(HEADER_MAX);
	if (!q->path || !o.head) {
		snprintf(err, errlen, "%s: out of memory", path);
		ret = -ENOMEM;
	} else {
		ret = open_all(&o);
	}
	free(o.head);
	if (ret) {
		qcow2_release(q);
		return ret;
	}
	*out = q;
	return 0;
}

int qcow2_close(struct qcow2 *q)
{
	int err = q->writable && !q->corrupt ? qcow2_flush(q) : 0;

	close(q->fd);
	qcow2_release(q);
	return err;
}

u64 qcow2_size(const struct qcow2 *q)
{
	return q->size;
}

struct img *qcow2_backing(struct qcow2 *q)
{
	return q->backing;
}

void qcow2_info(struct qcow2 *q, struct qcow2_info *i)
{
	*i = (struct qcow2_info){
		.version = q->version,
		.cluster_bits = q->cluster_bits,
		.refcount_bits = 1u << q->refcount_order,
		.compression = q->compression,
		.size = q->size,
		.file_size = q->file_end,
		.dirty = q->incompat & Q2_INCOMPAT_DIRTY,
		.corrupt = q->corrupt || q->incompat & Q2_INCOMPAT_CORRUPT,
		.lazy_refcounts = q->compat & Q2_COMPAT_LAZY,
		.backing = q->backing_name,
		.backing_format = q->backing_format,
		.nsnapshots = q->nsnaps,
	};
}

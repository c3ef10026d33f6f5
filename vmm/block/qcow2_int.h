/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the qcow2 format share.
 *
 * Order on the disk. Tables are changed in memory and written by q2_sync() in an order that keeps
 * the image valid at every moment: reference counts before what refers to the clusters, tables
 * before what refers to the tables. What is no longer referred to gets its count lowered only
 * after that (q2_free() notes it down, q2_frees_apply() does it), so that a cluster is never used
 * again before the disk has forgotten its old use. A crash leaks clusters at worst.
 *
 * Locks: `io` (read: data is moved; write: clusters are given back, the structure changes), then
 * `lock` (tables in memory), then `unpack_lock`.
 */
#ifndef VMM_BLOCK_QCOW2_INT_H
#define VMM_BLOCK_QCOW2_INT_H

#include <endian.h>
#include <pthread.h>
#include "vmm/block/block_int.h"
#include "vmm/block/qcow2.h"

#define Q2_MAGIC 0x514649fbu

/* L1 and L2 entries */
#define Q2_OFFSET     0x00fffffffffffe00ull
#define Q2_COPIED     (1ull << 63) /* reference count is exactly one */
#define Q2_COMPRESSED (1ull << 62)
#define Q2_ZERO       1ull         /* version 3 */

/* incompatible features */
#define Q2_INCOMPAT_DIRTY   1u
#define Q2_INCOMPAT_CORRUPT 2u
#define Q2_INCOMPAT_DATA    4u
#define Q2_INCOMPAT_COMP    8u
#define Q2_INCOMPAT_L2EXT   16u
#define Q2_COMPAT_LAZY      1u
#define Q2_AUTOCLEAR_BITMAPS 1u

/* Bounds that keep a hostile image from taking all memory. */
#define Q2_L1_MAX       (32 * MiB)
#define Q2_RT_MAX       (8 * MiB)
#define Q2_SNAPS_MAX    65536u
#define Q2_SNAP_BYTES   (64 * MiB)
#define Q2_FREES_MAX    4096u

struct q2_table { /* a cached cluster: L2 table or refcount block, as on the disk */
	u64 off;  /* 0: free */
	u64 used; /* for finding the one that was not used for longest */
	bool dirty;
	u8 *data;
};

struct q2_cache {
	struct q2_table *t;
	unsigned int n;
	u64 clock;
	unsigned int ndirty;
	unsigned int last; /* the one that was found last */
};

struct q2_extra { /* of a snapshot */
	u64 l1_off;
	u32 l1_size;
	char *id, *name;
	u32 sec, nsec;
	u64 vm_clock, vm_state, disk_size;
	u8 *extra; /* as on the disk, behind the fields known here */
	u32 extra_len;
	bool has_sizes;
};

struct q2_freed {
	u64 off, n; /* bytes, clusters */
};

struct q2_set { /* host clusters that hold metadata */
	u64 *slot; /* cluster number + 1; 0: free */
	u64 n, cap;
};

struct qcow2 {
	int fd;
	char *path;
	bool writable, corrupt;
	unsigned int version, cluster_bits, refcount_order, compression;
	u32 cluster_size, header_length, nl2; /* nl2: entries of an L2 table */
	u64 size;
	u64 file_end;      /* bytes of the file in use; at least what fstat says */
	u64 incompat, compat, autoclear;
	char *backing_name, *backing_format;
	struct img *backing;
	u64 bitmaps_off, bitmaps_len;
	u32 nbitmaps;

	pthread_rwlock_t io;
	pthread_mutex_t lock;
	u64 *l1;           /* host byte order */
	u64 l1_off;
	u32 l1_size;
	u32 l1_lo, l1_hi;  /* entries changed: [lo, hi) */
	u64 *rt;           /* refcount table */
	u64 rt_off;
	u32 rt_clusters;
	u64 rt_size;       /* entries */
	u64 rt_lo, rt_hi;
	struct q2_cache l2, rb;
	struct q2_set meta;
	u64 hint;          /* no free cluster below */
	struct q2_freed *frees;
	u32 nfrees, frees_cap;
	u64 packed_at;     /* where the next compressed cluster may go on; 0: nowhere */
	s64 synced;        /* seconds, when tables went to the disk */
	struct q2_extra *snaps;
	u32 nsnaps;
	u64 snaps_off;
	u64 snaps_bytes;

	pthread_mutex_t unpack_lock;
	u64 unpacked;      /* the L2 entry that unpack_buf holds; 0: none */
	u8 *unpack_buf, *unpack_in;
};

static inline u64 q2_clusters(const struct qcow2 *q, u64 bytes)
{
	return (bytes >> q->cluster_bits) + !!(bytes & (q->cluster_size - 1));
}

static inline u64 q2_l2_cover(const struct qcow2 *q) /* bytes of the disk behind an L1 entry */
{
	return (u64)q->nl2 << q->cluster_bits;
}

static inline u64 q2_rb_entries(const struct qcow2 *q)
{
	return (u64)q->cluster_size * 8 >> q->refcount_order;
}

static inline u64 q2_get64(const void *p)
{
	u64 v;

	memcpy(&v, p, 8);
	return be64toh(v);
}

static inline u32 q2_get32(const void *p)
{
	u32 v;

	memcpy(&v, p, 4);
	return be32toh(v);
}

static inline void q2_put64(void *p, u64 v)
{
	v = htobe64(v);
	memcpy(p, &v, 8);
}

static inline void q2_put32(void *p, u32 v)
{
	v = htobe32(v);
	memcpy(p, &v, 4);
}

static inline u64 q2_entry(const struct q2_table *t, u64 i)
{
	return q2_get64(t->data + 8 * i);
}

/* ---- qcow2_meta.c: the file, tables in memory, the order of writing. Lock held. ---- */
/* Whole transfers; reading beyond the end of the file is -EIO. */
int q2_pread(struct qcow2 *q, u64 off, void *buf, size_t len);
int q2_pwrite(struct qcow2 *q, u64 off, const void *buf, size_t len);
int q2_barrier(struct qcow2 *q);
int q2_cache_init(struct q2_cache *c, unsigned int n);
void q2_cache_fini(struct q2_cache *c);
/* The table at `off`. Valid until the next but one call for the same cache. */
int q2_table_get(struct qcow2 *q, struct q2_cache *c, u64 off, struct q2_table **out);
/* A new one of zeros in a cluster just allocated. */
int q2_table_new(struct qcow2 *q, struct q2_cache *c, u64 off, struct q2_table **out);
void q2_table_dirty(struct q2_cache *c, struct q2_table *t);
void q2_table_drop(struct q2_cache *c, u64 off);
void q2_entry_set(struct q2_cache *c, struct q2_table *t, u64 i, u64 val);
void q2_l1_set(struct qcow2 *q, u32 i, u64 val);
void q2_rt_set(struct qcow2 *q, u64 i, u64 val);
/* Brings the tables to the disk; `full`: and waits until they are there. */
int q2_sync(struct qcow2 *q, bool full);
/* What was found is no valid image: it is marked as corrupt and not written any more. -EIO. */
int q2_corrupt(struct qcow2 *q);
int q2_set_add(struct q2_set *s, u64 cluster);
bool q2_set_has(const struct q2_set *s, u64 cluster);
void q2_set_del(struct q2_set *s, u64 cluster);

/* ---- qcow2_ref.c: reference counts. Lock held. ---- */
u64 q2_ref_read(const struct qcow2 *q, const u8 *block, u64 i);
void q2_ref_write(const struct qcow2 *q, u8 *block, u64 i, u64 val);
u64 q2_ref_max(const struct qcow2 *q);
int q2_ref_get(struct qcow2 *q, u64 cluster, u64 *val);
int q2_ref_add(struct qcow2 *q, u64 cluster, s64 delta);
/* n clusters in a row, count one each. Up to q2_alloc_max() are found between others. */
static inline u64 q2_alloc_max(const struct qcow2 *q)
{
	return q2_rb_entries(q) / 2;
}
int q2_alloc(struct qcow2 *q, u64 n, u64 *off);
/* The same for metadata: the room is really there, filled with zeros, and guarded. */
int q2_alloc_meta(struct qcow2 *q, u64 n, u64 *off);
/* One reference less, once the disk knows. */
int q2_free(struct qcow2 *q, u64 off, u64 n);
int q2_free_entry(struct qcow2 *q, u64 l2_entry);
/* Lock and io (for writing) held, after q2_sync(full). */
int q2_frees_apply(struct qcow2 *q);
/* Host bytes of a compressed cluster. */
void q2_packed_range(const struct qcow2 *q, u64 entry, u64 *off, u64 *len);

/* ---- qcow2_io.c ---- */
/* The L2 table for a byte of the disk; write: made or copied when needed. *t NULL: there is none. */
int q2_l2_get(struct qcow2 *q, u64 off, bool write, struct q2_table **t, u64 *idx);
int q2_write_locked(struct qcow2 *q, u64 off, const struct iovec *iov, int n);
int q2_zero_range(struct qcow2 *q, u64 off, u64 len, bool discard);

/* ---- qcow2_pack.c ---- */
int q2_unpack(struct qcow2 *q, u64 entry, u64 from, const struct iovec *iov, int n);

/* ---- qcow2_snap.c ---- */
int q2_snaps_read(struct qcow2 *q, u64 off, u32 n, char *err, size_t errlen);
void q2_snaps_free(struct qcow2 *q);
/* Lock and io held in these. One reference more for all that an L1 table leads to. */
int q2_tree_ref(struct qcow2 *q, const u64 *l1, u32 n);
/* One less (see q2_free()). */
int q2_tree_free(struct qcow2 *q, const u64 *l1, u32 n);
/* Sets COPIED in the tables by what the counts say. */
int q2_copied_renew(struct qcow2 *q, u64 *l1, u32 n);
/* Another L1 table (taken over on success) and disk size in place of the active ones. */
int q2_l1_replace(struct qcow2 *q, u64 *l1, u32 n, u64 size);
/* Everything to the disk, and what was freed is free. */
int q2_settle(struct qcow2 *q);

/* ---- image.c ---- */
int img_open_depth(struct img **out, const char *path, const char *format, unsigned int flags,
		   unsigned int depth, char *err, size_t errlen);

/* ---- qcow2.c ---- */
/* Writes the feature words of the header. */
int q2_header_features(struct qcow2 *q);
int q2_meta_collect(struct qcow2 *q, char *err, size_t errlen);

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * qcow2: random work on images of many shapes against a plain copy of the disk; checked by our own
 * check and, where it is installed, by qemu-img, which also reads the image. Images made by
 * qemu-img are read back. Broken images are refused or repaired.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test/unit/lib/run.h"
#include "vmm/block/qcow2_int.h"

/* In memory: what these tests sync is many times what a disk likes. */
static char dir[] = "/dev/shm/test-qcow2-XXXXXX", path[128], err[512];
static u64 seed;

static u64 rnd(u64 n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (seed >> 20) % n;
}

static bool have_qemu_img(void)
{
	return !system("qemu-img --version >/dev/null 2>&1");
}

static int sh(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static int sh(const char *fmt, ...)
{
	char cmd[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	return system(cmd);
}

static struct img *open_image(unsigned int flags)
{
	struct img *i;

	ck_assert_msg(!img_open(&i, path, "qcow2", flags, err, sizeof(err)), "%s", err);
	return i;
}

static void make_image(const struct qcow2_create *c)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_msg(!qcow2_create(fd, c, err, sizeof(err)), "%s", err);
	close(fd);
}

static void report(void *opaque, const char *line)
{
	fprintf(stderr, "%s: %s\n", (const char *)opaque, line);
}

static void check_clean(struct img *i, const char *name)
{
	struct qcow2_check c = {.report = report, .opaque = (void *)name};

	ck_assert_int_eq(qcow2_check(i->q, false, &c), 0);
	ck_assert_msg(!c.errors && !c.leaks, "%s: %d errors, %d leaks", name, (int)c.errors,
		      (int)c.leaks);
}

static void compare(struct img *i, const u8 *want, u64 size, const char *name)
{
	u8 *buf = malloc(size);
	u64 k;

	ck_assert_int_eq(img_read(i, 0, buf, size), 0);
	for (k = 0; k < size && buf[k] == want[k]; k++)
		;
	ck_assert_msg(k == size, "%s: byte %llu differs", name, (unsigned long long)k);
	free(buf);
}

/* ---- random work ---- */

struct shape {
	const char *name;
	struct qcow2_create c;
	unsigned int ops;
	bool backing;
};

static const struct shape shapes[] = {
	{"v3 64K", {.size = 24 * MiB + 512}, 600},
	{"v2 64K", {.size = 24 * MiB, .version = 2}, 600},
	{"v3 512", {.size = 2 * MiB + 1024, .cluster_bits = 9}, 1500},
	{"v3 4K refs 1", {.size = 8 * MiB, .cluster_bits = 12, .refcount_bits = 1}, 800},
	{"v3 512 refs 64", {.size = 3 * MiB, .cluster_bits = 9, .refcount_bits = 64}, 1500},
	{"v3 1K refs 2 lazy", {.size = 4 * MiB, .cluster_bits = 10, .refcount_bits = 2,
			       .lazy_refcounts = true}, 1000},
	{"v3 2M", {.size = 30 * MiB, .cluster_bits = 21}, 100},
	{"v3 4K zstd", {.size = 8 * MiB, .cluster_bits = 12, .compression = QCOW2_ZSTD}, 600},
	{"v2 backing", {.size = 8 * MiB, .version = 2, .cluster_bits = 12}, 600, true},
	{"v3 backing", {.size = 8 * MiB + 512, .cluster_bits = 13}, 600, true},
};

struct model {
	u8 *disk, *snap;
	u64 size;
	bool snapped;
	struct img *i;
	const struct shape *s;
};

static void op_write(struct model *m)
{
	u64 off = rnd(m->size), len = 1 + rnd(rnd(4) ? 9000 : 300000), k;
	struct iovec v[3];

	len = MIN(len, m->size - off);
	for (k = 0; k < len; k++)
		m->disk[off + k] = (u8)(rnd(8) ? (k * 7 + seed) >> 3 : 0);
	v[0] = (struct iovec){m->disk + off, len / 3};
	v[1] = (struct iovec){m->disk + off + len / 3, len / 3};
	v[2] = (struct iovec){m->disk + off + 2 * (len / 3), len - 2 * (len / 3)};
	ck_assert_int_eq(qcow2_writev(m->i->q, off, v, 3), 0);
}

static void op_zero(struct model *m)
{
	u64 off = rnd(m->size), len = MIN(1 + rnd(300000), m->size - off);

	memset(m->disk + off, 0, len);
	ck_assert_int_eq(qcow2_write_zeroes(m->i->q, off, len), 0);
}

/* Discarded whole clusters read as zeros here; the rest stays. Version 2 on a backing file cannot
 * say so, and does nothing. */
static void op_discard(struct model *m)
{
	u64 cs = m->i->q->cluster_size, off = rnd(m->size), len = MIN(1 + rnd(300000), m->size - off);
	u64 first = (off + cs - 1) / cs * cs, last = (off + len) / cs * cs;

	if (off + len == m->size)
		last = m->size;
	ck_assert_int_eq(qcow2_discard(m->i->q, off, len), 0);
	if (first < last && !(m->s->backing && m->s->c.version == 2))
		memset(m->disk + first, 0, last - first);
}

static void op_read(struct model *m)
{
	u64 off = rnd(m->size), len = MIN(1 + rnd(300000), m->size - off);
	u8 *buf = malloc(len);
	struct iovec v[2] = {{buf, len / 2}, {buf + len / 2, len - len / 2}};

	ck_assert_int_eq(qcow2_readv(m->i->q, off, v, 2), 0);
	ck_assert_msg(!memcmp(buf, m->disk + off, len), "%s: read at %llu", m->s->name,
		      (unsigned long long)off);
	free(buf);
}

static void op_flush(struct model *m)
{
	ck_assert_int_eq(qcow2_flush(m->i->q), 0);
}

static void op_reopen(struct model *m)
{
	ck_assert_int_eq(img_close(m->i), 0);
	m->i = open_image(IMG_WRITE);
}

static void op_snapshot(struct model *m)
{
	if (q2_ref_max(m->i->q) < 2)
		return;
	if (!m->snapped) {
		int ret = qcow2_snapshot_create(m->i->q, "one", err, sizeof(err));

		/* Several compressed clusters in one: two bits may not count them twice. */
		if (ret == -EOVERFLOW && q2_ref_max(m->i->q) == 3)
			return;
		ck_assert_msg(!ret, "%s", err);
		memcpy(m->snap, m->disk, m->size);
		m->snapped = true;
	} else if (rnd(2)) {
		ck_assert_msg(!qcow2_snapshot_apply(m->i->q, "one", err, sizeof(err)), "%s", err);
		memcpy(m->disk, m->snap, m->size);
	} else {
		ck_assert_msg(!qcow2_snapshot_delete(m->i->q, "one", err, sizeof(err)), "%s", err);
		m->snapped = false;
	}
}

static void op_compressed(struct model *m)
{
	u64 cs = m->i->q->cluster_size, off = rnd(m->size) / cs * cs, len = MIN(cs, m->size - off);
	enum img_kind kind;
	u64 run;

	ck_assert_int_eq(qcow2_map(m->i->q, off, len, &kind, &run), 0);
	if (kind != IMG_UNALLOCATED)
		return;
	memset(m->disk + off, (int)rnd(255) + 1, len);
	ck_assert_int_eq(qcow2_write_compressed(m->i->q, off, m->disk + off, len), 0);
}

static const struct {
	unsigned int weight;
	void (*fn)(struct model *m);
} ops[] = {
	{40, op_write}, {8, op_zero}, {8, op_discard}, {30, op_read},
	{5, op_flush}, {2, op_reopen}, {2, op_snapshot}, {20, op_compressed},
};

static void op_any(struct model *m)
{
	unsigned int k, sum = 0, pick;

	for (k = 0; k < ARRAY_SIZE(ops); k++)
		sum += ops[k].weight;
	pick = (unsigned int)rnd(sum);
	for (k = 0; pick >= ops[k].weight; k++)
		pick -= ops[k].weight;
	ops[k].fn(m);
}

static void backing_make(struct model *m, struct qcow2_create *c)
{
	u64 len = m->size - 100000, k;
	char name[160];
	int fd;

	snprintf(name, sizeof(name), "%s/base.raw", dir);
	for (k = 0; k < len; k++)
		m->disk[k] = (u8)(k >> 9);
	fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	ck_assert_int_eq(pwrite(fd, m->disk, len / 512 * 512, 0), (ssize_t)(len / 512 * 512));
	memset(m->disk + len / 512 * 512, 0, m->size - len / 512 * 512);
	close(fd);
	c->backing = "base.raw";
	c->backing_format = "raw";
}

static void qemu_agrees(const struct model *m)
{
	char raw[160];
	struct stat st;
	u8 *buf;
	int fd;

	if (!have_qemu_img())
		return;
	snprintf(raw, sizeof(raw), "%s/out.raw", dir);
	ck_assert_msg(!sh("qemu-img check -q %s", path), "%s: qemu-img check", m->s->name);
	ck_assert_int_eq(sh("qemu-img convert -f qcow2 -O raw %s %s", path, raw), 0);
	fd = open(raw, O_RDONLY);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(st.st_size, m->size);
	buf = malloc(m->size);
	ck_assert_int_eq(read(fd, buf, m->size), m->size);
	ck_assert_msg(!memcmp(buf, m->disk, m->size), "%s: qemu-img reads it differently",
		      m->s->name);
	free(buf);
	close(fd);
}

START_TEST(test_random)
{
	const struct shape *s = &shapes[_i];
	struct qcow2_create c = s->c;
	struct model m = {.size = c.size, .s = s};
	unsigned int n;

	seed = 1 + (u64)_i;
	m.disk = calloc(1, m.size);
	m.snap = malloc(m.size);
	if (s->backing)
		backing_make(&m, &c);
	make_image(&c);
	m.i = open_image(IMG_WRITE);
	for (n = 0; n < s->ops; n++) {
		op_any(&m);
		if (n % 100 == 99)
			check_clean(m.i, s->name);
	}
	compare(m.i, m.disk, m.size, s->name);
	check_clean(m.i, s->name);
	ck_assert_int_eq(img_close(m.i), 0);
	qemu_agrees(&m);
	free(m.disk);
	free(m.snap);
}
END_TEST

/* ---- images of the other program ---- */

static const struct {
	const char *name, *make; /* a command; %1$s: the image, %2$s: raw data */
	bool leaks;
} foreign[] = {
	{"plain", "qemu-img convert -f raw -O qcow2 %2$s %1$s"},
	{"compressed", "qemu-img convert -c -f raw -O qcow2 %2$s %1$s"},
	{"zstd", "qemu-img convert -c -f raw -O qcow2 -o compression_type=zstd %2$s %1$s"},
	{"v2 512", "qemu-img convert -c -f raw -O qcow2 -o compat=0.10,cluster_size=512 %2$s %1$s"},
	{"2M compressed", "qemu-img convert -c -f raw -O qcow2 -o cluster_size=2M %2$s %1$s"},
	{"metadata", "qemu-img convert -f raw -O qcow2 -o preallocation=metadata %2$s %1$s"},
	{"refcounts 1", "qemu-img convert -f raw -O qcow2 -o refcount_bits=1 %2$s %1$s"},
	{"snapshot", "qemu-img convert -f raw -O qcow2 %2$s %1$s && qemu-img snapshot -c x %1$s"},
	{"backing", "qemu-img create -q -f qcow2 -F raw -b %2$s %1$s"},
	/* What a bitmap took is a leak once somebody wrote who does not keep bitmaps up. */
	{"bitmap", "qemu-img convert -f raw -O qcow2 %2$s %1$s && qemu-img bitmap --add %1$s b0",
	 true},
};

START_TEST(test_foreign)
{
	u64 size = 5 * MiB + 512, k;
	u8 *disk = malloc(size);
	char raw[160], cmd[1024];
	struct img *i;
	int fd;

	if (!have_qemu_img()) {
		free(disk);
		return;
	}
	seed = 99;
	snprintf(raw, sizeof(raw), "%s/in.raw", dir);
	for (k = 0; k < size; k++)
		disk[k] = k / 40000 % 3 == 0 ? 0 : k / 40000 % 3 == 1 ? (u8)(k >> 7) : (u8)rnd(256);
	fd = open(raw, O_RDWR | O_CREAT | O_TRUNC, 0600);
	ck_assert_int_eq(write(fd, disk, size), size);
	close(fd);
	unlink(path);
	snprintf(cmd, sizeof(cmd), foreign[_i].make, path, raw);
	ck_assert_int_eq(system(cmd), 0);
	i = open_image(0);
	compare(i, disk, size, foreign[_i].name);
	check_clean(i, foreign[_i].name);
	img_close(i);
	/* Written by us, read by the other. */
	i = open_image(IMG_WRITE);
	for (k = 0; k < 200; k++) {
		u64 off = rnd(size), len = MIN(rnd(100000) + 1, size - off);

		memset(disk + off, (int)k, len);
		ck_assert_int_eq(img_write(i, off, disk + off, len), 0);
	}
	compare(i, disk, size, foreign[_i].name);
	if (!foreign[_i].leaks)
		check_clean(i, foreign[_i].name);
	ck_assert_int_eq(img_close(i), 0);
	ck_assert_msg(sh("qemu-img check -q %s", path) == (foreign[_i].leaks ? 3 << 8 : 0),
		      "%s: qemu-img check", foreign[_i].name);
	snprintf(raw, sizeof(raw), "%s/want.raw", dir);
	fd = open(raw, O_RDWR | O_CREAT | O_TRUNC, 0600);
	ck_assert_int_eq(write(fd, disk, size), size);
	close(fd);
	ck_assert_int_eq(sh("qemu-img compare -q -f raw -F qcow2 %s %s", raw, path), 0);
	free(disk);
}
END_TEST

/* ---- broken images ---- */

static void poke(u64 off, u64 val, unsigned int size)
{
	int fd = open(path, O_RDWR);
	u8 b[8];

	q2_put64(b, val << (64 - 8 * size));
	ck_assert_int_eq(pwrite(fd, b, size, (off_t)off), size);
	close(fd);
}

static u64 peek(u64 off)
{
	int fd = open(path, O_RDONLY);
	u8 b[8];

	ck_assert_int_eq(pread(fd, b, 8, (off_t)off), 8);
	close(fd);
	return q2_get64(b);
}

static const struct {
	const char *name;
	u64 off, val;
	unsigned int size;
	bool write;         /* the refusal is for writers only */
	const char *wanted; /* part of the message */
} refused[] = {
	{"magic", 0, 0, 4, 0, "no qcow2"},
	{"version 1", 4, 1, 4, 0, "version 1"},
	{"version 4", 4, 4, 4, 0, "version 4"},
	{"cluster bits 8", 20, 8, 4, 0, "impossible"},
	{"cluster bits 63", 20, 63, 4, 0, "impossible"},
	{"encrypted", 32, 1, 4, 0, "encrypted"},
	{"huge disk", 24, 1ull << 62, 8, 0, "too large"},
	{"L1 too small", 36, 0, 4, 0, "too small"},
	{"L1 huge", 36, 0x7fffffff, 4, 0, "too large"},
	{"L1 unaligned", 40, 0x30001, 8, 0, "does not begin"},
	{"L1 far away", 40, 1ull << 55, 8, 0, "cannot be read"},
	{"L1 negative", 40, ~0xffffull, 8, 0, "beyond"},
	{"refcount table empty", 56, 0, 4, 0, "impossible size"},
	{"refcount table huge", 56, 0xffffff, 4, 0, "impossible size"},
	{"refcount table at L1", 48, 0x30000, 8, 1, "overlap"},
	{"many snapshots", 60, 1 << 20, 4, 0, "too many"},
	{"snapshots nowhere", 60, 3, 4, 0, "snapshot"},
	{"external data", 72, 4, 8, 0, "another file"},
	{"extended L2", 72, 16, 8, 0, "extended"},
	{"unknown feature", 72, 1ull << 40, 8, 0, "not known"},
	{"corrupt", 72, 2, 8, 1, "marked as corrupt"},
	{"refcount order", 96, 7, 4, 0, "impossible"},
	{"header length", 100, 1 << 20, 4, 0, "impossible"},
	{"compression", 104, 9, 1, 0, "compression"},
	{"backing name", 16, 0xffffffff, 4, 0, "outside"},
};

START_TEST(test_refused)
{
	struct img *i;
	int ret;

	make_image(&(struct qcow2_create){.size = 8 * MiB});
	if (refused[_i].off == 16)
		poke(8, 1000, 8);
	poke(refused[_i].off, refused[_i].val, refused[_i].size);
	ret = img_open(&i, path, "qcow2", refused[_i].write ? IMG_WRITE : 0, err, sizeof(err));
	ck_assert_msg(ret < 0, "%s: opened", refused[_i].name);
	ck_assert_msg(strstr(err, refused[_i].wanted), "%s: '%s'", refused[_i].name, err);
	if (!refused[_i].write)
		return;
	ck_assert_msg(!img_open(&i, path, "qcow2", 0, err, sizeof(err)), "%s", err);
	img_close(i);
}
END_TEST

#define L2_OFF 0x40000u /* the first cluster that a fresh image hands out */

static void make_written(void)
{
	static u8 data[200000];
	struct img *i;

	memset(data, 0x5a, sizeof(data));
	make_image(&(struct qcow2_create){.size = 8 * MiB});
	i = open_image(IMG_WRITE);
	ck_assert_int_eq(img_write(i, 0, data, sizeof(data)), 0);
	ck_assert_int_eq(img_close(i), 0);
	ck_assert_int_eq(peek(0x30000) & Q2_OFFSET, L2_OFF);
}

/* An entry that leads to tables, or nowhere: an I/O error, the mark, nothing written there. */
START_TEST(test_corrupt_entry)
{
	static const struct {
		u64 entry;
		bool read_fails;
	} cases[] = {
		{Q2_COPIED | 0x0, false},     /* a plain hole */
		{Q2_COPIED | 0x10000, false}, /* the refcount table */
		{Q2_COPIED | 0x30000, false}, /* the L1 table */
		{Q2_COPIED | L2_OFF, false},  /* itself */
		{Q2_COPIED | 0x50200, true},  /* not at a cluster */
	};
	u8 buf[512];
	struct img *i;
	u64 before;

	make_written();
	poke(L2_OFF, cases[_i].entry, 8);
	before = peek(0x30000);
	i = open_image(IMG_WRITE);
	ck_assert_int_eq(img_read(i, 0, buf, sizeof(buf)), cases[_i].read_fails ? -EIO : 0);
	memset(buf, 0xff, sizeof(buf));
	ck_assert_int_eq(img_write(i, 0, buf, sizeof(buf)), _i ? -EIO : 0);
	img_close(i);
	ck_assert_uint_eq(peek(0x30000), before);
	ck_assert_uint_eq(peek(72), _i ? Q2_INCOMPAT_CORRUPT : 0);
}
END_TEST

static const struct {
	const char *name;
	u64 off, val; /* off: of refcount or entry */
	unsigned int size;
	bool errors, leaks;
} repairs[] = {
	{"leak", 0x20000 + 2 * 200, 1, 2, false, true},
	{"count too low", 0x20000 + 2 * 5, 0, 2, true, false},
	{"count too high", 0x20000 + 2 * 5, 3, 2, true, true},
	{"refcount block lost", 0x10000, 0, 8, true, false},
	{"refcount block impossible", 0x10000, 0x12345600, 8, true, false},
	{"COPIED missing", L2_OFF, 0x50000, 8, true, false},
	{"dirty", 72, 1, 8, false, false},
};

START_TEST(test_repair)
{
	struct qcow2_check c = {0};
	struct img *i;
	u8 *want = malloc(200000);

	make_written();
	poke(repairs[_i].off, repairs[_i].val, repairs[_i].size);
	i = open_image(IMG_WRITE | IMG_BROKEN);
	ck_assert_int_eq(qcow2_check(i->q, false, &c), 0);
	ck_assert_msg(!!c.errors == repairs[_i].errors && !!c.leaks == repairs[_i].leaks,
		      "%s: %d errors, %d leaks", repairs[_i].name, (int)c.errors, (int)c.leaks);
	ck_assert_int_eq(qcow2_check(i->q, true, &c), 0);
	img_close(i);
	i = open_image(IMG_WRITE);
	check_clean(i, repairs[_i].name);
	memset(want, 0x5a, 200000);
	compare(i, want, 200000, repairs[_i].name);
	ck_assert_int_eq(img_close(i), 0);
	if (have_qemu_img())
		ck_assert_msg(!sh("qemu-img check -q %s", path), "%s", repairs[_i].name);
	free(want);
}
END_TEST

/* A writer opens a dirty image after mending it by itself. */
START_TEST(test_dirty)
{
	struct img *i;

	make_written();
	poke(72, 1, 8);
	poke(0x20000 + 2 * 5, 0, 2);
	i = open_image(0);
	img_close(i);
	ck_assert_uint_eq(peek(72), 1);
	i = open_image(IMG_WRITE);
	check_clean(i, "dirty");
	img_close(i);
	ck_assert_uint_eq(peek(72), 0);
}
END_TEST

/* ---- size ---- */

START_TEST(test_resize)
{
	static const u64 sizes[] = {8 * MiB, 300 * MiB, 40 * MiB, 2 * MiB + 512, 900 * MiB, 0, MiB};
	u8 *buf = malloc(65536), *zero = calloc(1, 65536);
	struct img *i;
	unsigned int k;

	make_image(&(struct qcow2_create){.size = 4 * MiB, .cluster_bits = _i ? 9 : 16});
	i = open_image(IMG_WRITE);
	memset(buf, 7, 65536);
	for (k = 0; k < ARRAY_SIZE(sizes); k++) {
		u64 old = i->q->size;

		if (sizes[k] < old)
			ck_assert_int_eq(qcow2_resize(i->q, sizes[k], false, err, sizeof(err)),
					 -EINVAL);
		ck_assert_msg(!qcow2_resize(i->q, sizes[k], true, err, sizeof(err)), "%s", err);
		check_clean(i, "resize");
		i->size = i->q->size;
		if (sizes[k] > old) {
			ck_assert_int_eq(img_read(i, old, buf, 65536), 0);
			ck_assert_int_eq(memcmp(buf, zero, 65536), 0);
		}
		memset(buf, 7, 65536);
		if (sizes[k] >= 65536)
			ck_assert_int_eq(img_write(i, sizes[k] - 65536, buf, 65536), 0);
	}
	ck_assert_int_eq(img_close(i), 0);
	if (have_qemu_img())
		ck_assert_int_eq(sh("qemu-img check -q %s", path), 0);
	free(buf);
	free(zero);
}
END_TEST

/* A full file system: the write fails, what was there stays, and it goes on when there is room. */
START_TEST(test_no_space)
{
	struct img *i;
	u8 *buf = malloc(MiB);
	struct rlimit old, now;
	int k, ret = 0;

	make_image(&(struct qcow2_create){.size = 64 * MiB});
	i = open_image(IMG_WRITE);
	getrlimit(RLIMIT_FSIZE, &old);
	signal(SIGXFSZ, SIG_IGN);
	now = old;
	now.rlim_cur = 5 * MiB;
	setrlimit(RLIMIT_FSIZE, &now);
	for (k = 0; k < 60 && !ret; k++) {
		memset(buf, k + 1, MiB);
		ret = img_write(i, (u64)k * MiB, buf, MiB);
	}
	ck_assert_int_eq(ret, -EFBIG);
	ck_assert_int_ge(k, 4);
	ck_assert_int_eq(img_flush(i), 0);
	setrlimit(RLIMIT_FSIZE, &old);
	ck_assert_int_eq(img_write(i, (u64)(k - 1) * MiB, buf, MiB), 0);
	check_clean(i, "no space");
	ck_assert_int_eq(img_read(i, (u64)(k - 2) * MiB, buf, MiB), 0);
	ck_assert_int_eq(buf[5], k - 1);
	ck_assert_int_eq(img_close(i), 0);
	free(buf);
}
END_TEST

int main(void)
{
	const struct fake_test tests[] = {
		{test_random, ARRAY_SIZE(shapes)},
		{test_foreign, ARRAY_SIZE(foreign)},
		{test_refused, ARRAY_SIZE(refused)},
		{test_corrupt_entry, 5},
		{test_repair, ARRAY_SIZE(repairs)},
		{test_dirty},
		{test_resize, 2},
		{test_no_space},
	};
	int ret;

	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/disk.qcow2", dir);
	ret = fake_run("qcow2", tests, ARRAY_SIZE(tests));
	sh("rm -rf %s", dir);
	return ret;
}

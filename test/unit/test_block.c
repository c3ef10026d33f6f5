// SPDX-License-Identifier: GPL-2.0-or-later
/* Block back ends: opening and its errors, locks, requests, snapshots, host errors. */
#include <sys/resource.h>
#include <sys/wait.h>
#include "test/unit/lib/fake_blk.h"

static struct gm_machine *m;
static char path[64], err[512];

static struct gm_blk *open_path(const char *p, bool readonly, bool snapshot)
{
	struct gm_blk_options o = {.path = p, .readonly = readonly, .snapshot = snapshot};

	return gm_blk_open(m, &o, err, sizeof(err));
}

/* ---- one request at a time ---- */

static int done_err, done_count;

static void done(struct gm_blk_req *r, int e)
{
	done_err = e;
	done_count++;
}

static struct gm_blk_req req;
static struct iovec vec;

static void submit(struct gm_blk *b, enum gm_blk_op op, u64 off, void *buf, u64 len)
{
	vec = (struct iovec){buf, len};
	req = (struct gm_blk_req){.op = op, .offset = off, .len = len, .iov = &vec,
				  .iovcnt = buf ? 1 : 0, .done = done};
	done_err = 1;
	done_count = 0;
	gm_blk_submit(b, &req);
	ck_assert_int_eq(done_count, 0);
}

static int run(struct gm_blk *b, enum gm_blk_op op, u64 off, void *buf, u64 len)
{
	submit(b, op, off, buf, len);
	pump(m);
	ck_assert_int_eq(done_count, 1);
	return done_err;
}

/* ---- opening ---- */

struct open_case {
	const char *name;
	void (*prepare)(void);
	bool readonly, snapshot;
	const char *wanted; /* part of the message; NULL: it opens */
	u64 size;
};

static void p_missing(void)
{
	strcpy(path, "/nonexistent/disk.img");
}

static void p_empty(void)
{
	image_new(path, 0, false);
}

static void p_directory(void)
{
	strcpy(path, "/tmp");
}

static void p_odd(void)
{
	image_new(path, 1000, false);
}

static void p_good(void)
{
	image_new(path, 4096, true);
}

static void p_device(void)
{
	strcpy(path, "/dev/null");
}

static void p_fifo(void)
{
	image_new(path, 0, false);
	unlink(path);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
}

static void p_qcow2(void)
{
	FILE *f;

	image_new(path, 4096, false);
	f = fopen(path, "r+");
	fwrite("QFI\xfb", 1, 4, f);
	fclose(f);
}

static const struct open_case open_cases[] = {
	{"missing", p_missing, 0, 0, "no such file"},
	{"empty", p_empty, 0, 0, "is empty"},
	{"directory", p_directory, 0, 0, "is a directory"},
	{"character device", p_device, 0, 0, "neither a file nor a block device"},
	{"fifo", p_fifo, 0, 0, "neither a file nor a block device"},
	{"odd size", p_odd, 0, 0, "not a multiple of 512"},
	{"odd size, readonly", p_odd, 1, 0, NULL, 1024},
	{"odd size, snapshot", p_odd, 0, 1, NULL, 1024},
	{"broken qcow2", p_qcow2, 0, 0, "qcow version 0"},
	{"good", p_good, 0, 0, NULL, 4096},
	{"good, readonly", p_good, 1, 0, NULL, 4096},
};

START_TEST(test_open)
{
	const struct open_case *c = &open_cases[_i];
	struct gm_blk *b;

	m = fake_blk_machine();
	c->prepare();
	b = open_path(path, c->readonly, c->snapshot);
	if (c->wanted) {
		ck_assert_msg(!b, "%s: opened", c->name);
		ck_assert_msg(strstr(err, c->wanted) && strstr(err, path) && !strchr(err, '\n'),
			      "%s: %s", c->name, err);
	} else {
		ck_assert_msg(b != NULL, "%s: %s", c->name, err);
		ck_assert_uint_eq(gm_blk_size(b), c->size);
		gm_blk_close(b);
	}
	if (!strncmp(path, "/tmp/", 5))
		unlink(path);
	fake_blk_machine_free(m);
}
END_TEST

START_TEST(test_unreadable)
{
	int status;
	pid_t pid;

	/* Root may read everything: look as an ordinary user. */
	image_new(path, 4096, true);
	chmod(path, 0);
	pid = fork();
	if (!pid) {
		struct gm_blk *b;

		if (geteuid() == 0 && (setgid(65534) || setuid(65534)))
			_exit(3);
		m = fake_blk_machine();
		b = open_path(path, false, false);
		_exit(b ? 1 : strstr(err, "permission denied") ? 0 : 2);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	unlink(path);
}
END_TEST

START_TEST(test_format_option)
{
	struct gm_blk_options o = {.path = path, .format = "raw"};
	struct gm_blk *b;

	m = fake_blk_machine();
	p_qcow2();
	b = gm_blk_open(m, &o, err, sizeof(err));
	ck_assert_msg(b != NULL, "%s", err);
	gm_blk_close(b);
	o.format = "nonsense";
	ck_assert_ptr_null(gm_blk_open(m, &o, err, sizeof(err)));
	ck_assert_ptr_nonnull(strstr(err, "unknown disk format 'nonsense'"));
	unlink(path);
	fake_blk_machine_free(m);
}
END_TEST

/* A writer excludes everyone, readers go together. */
static const struct {
	const char *name;
	bool ro1, ro2, ok;
} lock_cases[] = {
	{"writer, writer", 0, 0, false},
	{"writer, reader", 0, 1, false},
	{"reader, writer", 1, 0, false},
	{"reader, reader", 1, 1, true},
};

START_TEST(test_lock)
{
	struct gm_blk *a, *b;

	m = fake_blk_machine();
	image_new(path, 4096, true);
	a = open_path(path, lock_cases[_i].ro1, false);
	ck_assert_ptr_nonnull(a);
	b = open_path(path, lock_cases[_i].ro2, false);
	ck_assert_msg(!!b == lock_cases[_i].ok, "%s", lock_cases[_i].name);
	if (!b)
		ck_assert_msg(strstr(err, "given twice") != NULL, "%s", err);
	gm_blk_close(b);
	gm_blk_close(a);
	b = open_path(path, false, false);
	ck_assert_msg(b != NULL, "the lock goes with the disk: %s", err);
	gm_blk_close(b);
	unlink(path);
	fake_blk_machine_free(m);
}
END_TEST

START_TEST(test_lock_other_process)
{
	int up[2], down[2];
	char want[64], c;
	pid_t pid;

	image_new(path, 4096, true);
	ck_assert_int_eq(pipe(up) | pipe(down), 0);
	pid = fork();
	if (!pid) {
		m = fake_blk_machine();
		c = open_path(path, false, false) ? 'y' : 'n';
		if (write(up[1], &c, 1) != 1 || read(down[0], &c, 1) != 1)
			_exit(1);
		_exit(0);
	}
	ck_assert_int_eq(read(up[0], &c, 1), 1);
	ck_assert_int_eq(c, 'y');
	m = fake_blk_machine();
	ck_assert_ptr_null(open_path(path, false, false));
	snprintf(want, sizeof(want), "already in use by process %d;", (int)pid);
	ck_assert_msg(strstr(err, want) != NULL, "%s", err);
	ck_assert_int_eq(write(down[1], "x", 1), 1);
	waitpid(pid, NULL, 0);
	unlink(path);
	fake_blk_machine_free(m);
}
END_TEST

/* ---- requests ---- */

START_TEST(test_read_write)
{
	u32 buf[256], back[128];
	struct gm_blk *b;
	int fd;

	m = fake_blk_machine();
	image_new(path, 64 * 512, true);
	b = open_path(path, false, false);
	ck_assert_int_eq(run(b, GM_BLK_READ, 5 * 512, buf, 1024), 0);
	ck_assert_uint_eq(buf[0], 5);
	ck_assert_uint_eq(buf[255], 6);
	memset(buf, 0xab, sizeof(buf));
	ck_assert_int_eq(run(b, GM_BLK_WRITE, 63 * 512, buf, 512), 0);
	ck_assert_int_eq(run(b, GM_BLK_FLUSH, 0, NULL, 0), 0);
	fd = open(path, O_RDONLY);
	ck_assert_int_eq(pread(fd, back, 512, 63 * 512), 512);
	close(fd);
	ck_assert_mem_eq(back, buf, 512);
	ck_assert_int_eq(run(b, GM_BLK_WRITE_ZEROES, 8 * 512, NULL, 3 * 512), 0);
	ck_assert_int_eq(run(b, GM_BLK_DISCARD, 12 * 512, NULL, 512), 0);
	ck_assert_int_eq(run(b, GM_BLK_READ, 10 * 512, buf, 1024), 0);
	ck_assert_uint_eq(buf[0], 0);
	ck_assert_uint_eq(buf[255], 11);
	gm_blk_close(b);
	unlink(path);
	fake_blk_machine_free(m);
}
END_TEST

static const struct {
	const char *name;
	enum gm_blk_op op;
	u64 off, len;
	int wanted;
} bad_cases[] = {
	{"last sector", GM_BLK_READ, 63 * 512, 512, 0},
	{"one past the end", GM_BLK_READ, 64 * 512, 512, -EINVAL},
	{"across the end", GM_BLK_READ, 63 * 512, 1024, -EINVAL},
	{"offset wraps", GM_BLK_READ, UINT64_MAX - 511, 1024, -EINVAL},
	{"length wraps", GM_BLK_DISCARD, 512, UINT64_MAX - 100, -EINVAL},
	{"write to readonly", GM_BLK_WRITE, 0, 512, -EROFS},
	{"discard on readonly", GM_BLK_DISCARD, 0, 512, -EROFS},
	{"flush of readonly", GM_BLK_FLUSH, 0, 0, 0},
};

START_TEST(test_bad_request)
{
	static u8 buf[1024];
	struct gm_blk *b;
	int got;

	m = fake_blk_machine();
	image_new(path, 64 * 512, true);
	b = open_path(path, bad_cases[_i].wanted != -EINVAL, false);
	got = run(b, bad_cases[_i].op, bad_cases[_i].off,
		  bad_cases[_i].op <= GM_BLK_WRITE ? buf : NULL, bad_cases[_i].len);
	ck_assert_msg(got == bad_cases[_i].wanted, "%s: %d", bad_cases[_i].name, got);
	gm_blk_close(b);
	unlink(path);
	fake_blk_machine_free(m);
}
END_TEST

/* More vectors than one system call takes, of odd lengths. */
START_TEST(test_many_vectors)
{
	static u8 data[64 * 512], back[64 * 512];
	static struct iovec iov[2100];
	struct gm_blk *b;
	size_t pos = 0;
	int n = 0;

	m = fake_blk_machine();
	image_new(path, 64 * 512, false);
	b = open_path(path, false, false);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (u8)(i * 7 + i / 512);
	while (pos < sizeof(data)) {
		size_t len = MIN((size_t)(1 + n % 31), sizeof(data) - pos);

		iov[n++] = (struct iovec){data + pos, len};
		pos += len;
	}
	req = (struct gm_blk_req){.op = GM_BLK_WRITE, .len = sizeof(data), .iov = iov, .iovcnt = n,
				  .done = done};
	gm_blk_submit(b, &req);
	pump(m);
	ck_assert_int_eq(done_err, 0);
	ck_assert_int_eq(run(b, GM_BLK_READ, 0, back, sizeof(back)), 0);
	ck_assert_mem_eq(back, data, sizeof(data));
	gm_blk_close(b);
	unlink(path);
	fake_blk_machine_free(m);
}
END_TEST

START_TEST(test_odd_tail)
{
	u8 buf[512];
	struct gm_blk *b;
	FILE *f;

	m = fake_blk_machine();
	p_odd();
	f = fopen(path, "w");
	for (int i = 0; i < 1000; i++)
		fputc(0x5a, f);
	fclose(f);
	b = open_path(path, true, false);
	memset(buf, 0xff, sizeof(buf));
	ck_assert_int_eq(run(b, GM_BLK_READ, 512, buf, 512), 0);
	ck_assert_uint_eq(buf[487], 0x5a);
	ck_assert_uint_eq(buf[488], 0);
	ck_assert_uint_eq(buf[511], 0);
	/* A file that someone cuts off is a disk that fails. */
	ck_assert_int_eq(truncate(path, 100), 0);
	ck_assert_int_eq(run(b, GM_BLK_READ, 0, buf, 512), -EIO);
	gm_blk_close(b);
	unlink(path);
	fake_blk_machine_free(m);
}
END_TEST

/* Random writes to a snapshot read back like an array of bytes, and the file stays as it was. */
START_TEST(test_snapshot)
{
	enum { SIZE = 100 * 512 };
	static u8 model[SIZE], base[SIZE], buf[SIZE];
	struct gm_blk *b;
	u32 rnd = 1;
	int fd;

	m = fake_blk_machine();
	image_new(path, SIZE, true);
	fd = open(path, O_RDONLY);
	ck_assert_int_eq(read(fd, base, SIZE), SIZE);
	memcpy(model, base, SIZE);
	b = open_path(path, false, true);
	ck_assert_msg(b != NULL, "%s", err);
	ck_assert(!gm_blk_readonly(b));
	for (int i = 0; i < 200; i++) {
		u32 off, len;

		rnd = rnd * 1103515245 + 12345;
		off = (rnd >> 8) % 100 * 512;
		len = MIN(((rnd >> 20) % 20 + 1) * 512, SIZE - off);
		memset(buf, (int)rnd >> 3, len);
		memset(model + off, (int)rnd >> 3, len);
		ck_assert_int_eq(run(b, GM_BLK_WRITE, off, buf, len), 0);
		if (i % 10)
			continue;
		ck_assert_int_eq(run(b, GM_BLK_READ, 0, buf, SIZE), 0);
		ck_assert_mem_eq(buf, model, SIZE);
	}
	ck_assert_int_eq(run(b, GM_BLK_WRITE_ZEROES, 3 * 512, NULL, 90 * 512), 0);
	memset(model + 3 * 512, 0, 90 * 512);
	ck_assert_int_eq(run(b, GM_BLK_READ, 0, buf, SIZE), 0);
	ck_assert_mem_eq(buf, model, SIZE);
	gm_blk_close(b);
	ck_assert_int_eq(pread(fd, buf, SIZE, 0), SIZE);
	ck_assert_mem_eq(buf, base, SIZE);
	close(fd);
	unlink(path);
	fake_blk_machine_free(m);
}
END_TEST

/* ---- host errors ---- */

START_TEST(test_error_report)
{
	u8 buf[512] = {0};
	struct gm_blk *b;

	m = fake_blk_machine();
	b = fake_disk_new(m, 8, NULL);
	fake_disk.fail_write = -ENOSPC;
	ck_assert_int_eq(run(b, GM_BLK_WRITE, 0, buf, 512), -ENOSPC);
	fake_disk.fail_read = -EIO;
	ck_assert_int_eq(run(b, GM_BLK_READ, 0, buf, 512), -EIO);
	ck_assert_uint_eq(fake_pauses + fake_ends, 0);
	gm_blk_close(b);
	fake_blk_machine_free(m);
}
END_TEST

START_TEST(test_error_pause)
{
	struct gm_blk_options o = {.on_error = GM_BLK_PAUSE};
	u8 buf[512];
	struct gm_blk *b;

	m = fake_blk_machine();
	memset(buf, 0x77, sizeof(buf));
	b = fake_disk_new(m, 8, &o);
	fake_disk.fail_write = -ENOSPC;
	submit(b, GM_BLK_WRITE, 512, buf, 512);
	pump(m);
	ck_assert_int_eq(done_count, 0);
	ck_assert_uint_eq(fake_pauses, 1);
	gm_blk_drain(b); /* does not wait for what is held back */
	gm_blk_resume(b);
	pump(m);
	ck_assert_int_eq(done_count, 0);
	ck_assert_uint_eq(fake_pauses, 2);
	fake_disk.fail_write = 0;
	gm_blk_resume(b);
	pump(m);
	ck_assert_int_eq(done_count, 1);
	ck_assert_int_eq(done_err, 0);
	ck_assert_uint_eq(fake_disk.mem[512], 0x77);
	/* Held back again, then given up: its owner hears of it. */
	fake_disk.fail_write = -EIO;
	submit(b, GM_BLK_WRITE, 512, buf, 512);
	pump(m);
	gm_blk_abort(b);
	ck_assert_int_eq(done_count, 1);
	ck_assert_int_eq(done_err, -EIO);
	/* What the guest got wrong does not stop it. */
	ck_assert_int_eq(run(b, GM_BLK_READ, 8 * 512, buf, 512), -EINVAL);
	ck_assert_uint_eq(fake_pauses, 3);
	gm_blk_close(b);
	fake_blk_machine_free(m);
}
END_TEST

START_TEST(test_error_stop)
{
	struct gm_blk_options o = {.on_error = GM_BLK_STOP};
	u8 buf[512] = {0};
	struct gm_blk *b;

	m = fake_blk_machine();
	b = fake_disk_new(m, 8, &o);
	fake_disk.fail_write = -EIO;
	ck_assert_int_eq(run(b, GM_BLK_WRITE, 0, buf, 512), -EIO);
	ck_assert_uint_eq(fake_ends, 1);
	gm_blk_close(b);
	fake_blk_machine_free(m);
}
END_TEST

START_TEST(test_flush)
{
	u8 buf[512] = {0};
	struct gm_blk *b;

	m = fake_blk_machine();
	b = fake_disk_new(m, 8, NULL);
	ck_assert_int_eq(run(b, GM_BLK_FLUSH, 0, NULL, 0), 0);
	ck_assert_uint_eq(fake_disk.flushes, 0);
	ck_assert_int_eq(run(b, GM_BLK_WRITE, 0, buf, 512), 0);
	ck_assert_int_eq(run(b, GM_BLK_FLUSH, 0, NULL, 0), 0);
	ck_assert_int_eq(run(b, GM_BLK_FLUSH, 0, NULL, 0), 0);
	ck_assert_uint_eq(fake_disk.flushes, 1);
	/* A failed flush stays failed, even when the host would say yes again. */
	ck_assert_int_eq(run(b, GM_BLK_WRITE, 0, buf, 512), 0);
	fake_disk.fail_flush = -EIO;
	ck_assert_int_eq(run(b, GM_BLK_FLUSH, 0, NULL, 0), -EIO);
	fake_disk.fail_flush = 0;
	ck_assert_int_eq(run(b, GM_BLK_FLUSH, 0, NULL, 0), -EIO);
	ck_assert_int_eq(run(b, GM_BLK_WRITE, 0, buf, 512), 0);
	ck_assert_int_eq(run(b, GM_BLK_FLUSH, 0, NULL, 0), -EIO);
	gm_blk_close(b);
	fake_blk_machine_free(m);
}
END_TEST

/* The kernel's own refusal: a file size limit. What was written before stays. */
START_TEST(test_file_limit)
{
	struct rlimit old, low;
	u8 buf[1024];
	struct gm_blk *b;

	m = fake_blk_machine();
	memset(buf, 0x33, sizeof(buf));
	image_new(path, 64 * 512, false);
	b = open_path(path, false, false);
	getrlimit(RLIMIT_FSIZE, &old);
	low = old;
	low.rlim_cur = 10 * 512;
	setrlimit(RLIMIT_FSIZE, &low);
	ck_assert_int_eq(run(b, GM_BLK_WRITE, 0, buf, 512), 0);
	ck_assert_int_eq(run(b, GM_BLK_FLUSH, 0, NULL, 0), 0);
	ck_assert_int_eq(run(b, GM_BLK_WRITE, 9 * 512, buf, 1024), -EFBIG);
	ck_assert_int_eq(run(b, GM_BLK_READ, 0, buf + 512, 512), 0);
	setrlimit(RLIMIT_FSIZE, &old);
	ck_assert_mem_eq(buf, buf + 512, 512);
	gm_blk_close(b);
	unlink(path);
	fake_blk_machine_free(m);
}
END_TEST

int main(void)
{
	const struct fake_test tests[] = {
		{test_open, ARRAY_SIZE(open_cases)},
		{test_unreadable},
		{test_format_option},
		{test_lock, ARRAY_SIZE(lock_cases)},
		{test_lock_other_process},
		{test_read_write},
		{test_bad_request, ARRAY_SIZE(bad_cases)},
		{test_many_vectors},
		{test_odd_tail},
		{test_snapshot},
		{test_error_report},
		{test_error_pause},
		{test_error_stop},
		{test_flush},
		{test_file_limit},
	};

	return fake_run("block", tests, ARRAY_SIZE(tests));
}

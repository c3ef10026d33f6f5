// SPDX-License-Identifier: GPL-2.0-or-later
/* "vmm image": the sub-commands, and what they share. */
#include "vmm/image.h"

#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "vmm/block/image.h"
#include "vmm/block/qcow2.h"
#include "vmm/run.h"

#define BAR_WIDTH 40

/* ---- shared ---- */

bool image_size_parse(const char *s, u64 *out)
{
	static const char suffixes[] = "KMGTP";
	const char *unit;
	char *end;
	u64 n;

	errno = 0;
	n = strtoull(s, &end, 10);
	if (end == s || errno || *s < '0' || *s > '9')
		return false;
	*out = n;
	if (!*end)
		return true;
	unit = strchr(suffixes, *end >= 'a' ? *end - 'a' + 'A' : *end);
	if (!unit || end[1])
		return false;
	for (unit++; unit > suffixes; unit--) {
		if (*out > UINT64_MAX / KiB)
			return false;
		*out *= KiB;
	}
	return true;
}

int image_fail(int status, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "vmm: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
	return status;
}

void image_progress(const char *what, u64 done, u64 all)
{
	char bar[BAR_WIDTH + 1];
	u64 full = all ? (u64)((double)done / (double)all * BAR_WIDTH) : BAR_WIDTH;

	if (!isatty(STDERR_FILENO))
		return;
	memset(bar, ' ', BAR_WIDTH);
	memset(bar, '#', MIN(full, (u64)BAR_WIDTH));
	bar[BAR_WIDTH] = 0;
	fprintf(stderr, "\r%s [%s] %3u%%%s", what, bar,
		all ? (unsigned int)((double)done / (double)all * 100) : 100,
		done == all ? "\n" : "");
}

const char *image_size_text(u64 bytes, char buf[32])
{
	static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB"};
	double n = (double)bytes;
	unsigned int i = 0;

	for (; n >= 1024 && i + 1 < ARRAY_SIZE(units); i++)
		n /= 1024;
	snprintf(buf, 32, n == (double)(u64)n ? "%.0f %s" : "%.2f %s", n, units[i]);
	return buf;
}

static u64 disk_usage(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : (u64)st.st_blocks * 512;
}

/* ---- create ---- */

static const struct option create_options[] = {
	{"format", required_argument, NULL, 'f'},
	{"backing", required_argument, NULL, 'b'},
	{"backing-format", required_argument, NULL, 'F'},
	{"cluster-size", required_argument, NULL, 'c'},
	{"compat", required_argument, NULL, 'v'},
	{"refcount-bits", required_argument, NULL, 'r'},
	{"compression", required_argument, NULL, 'z'},
	{"lazy-refcounts", no_argument, NULL, 'l'},
	{"force", no_argument, NULL, 'y'},
	{0},
};

static bool log2_parse(const char *s, unsigned int *out)
{
	u64 n;

	if (!image_size_parse(s, &n) || !n || n & (n - 1))
		return false;
	*out = (unsigned int)__builtin_ctzll(n);
	return true;
}

static int create_option(struct qcow2_create *c, int opt, const char *arg)
{
	switch (opt) {
	case 'b': c->backing = arg; return 0;
	case 'F': c->backing_format = arg; return 0;
	case 'l': c->lazy_refcounts = true; return 0;
	case 'v':
		c->version = !strcmp(arg, "2") ? 2 : !strcmp(arg, "3") ? 3 : 0;
		return c->version ? 0 : -EINVAL;
	case 'c':
		return log2_parse(arg, &c->cluster_bits) ? 0 : -EINVAL;
	case 'r':
		c->refcount_bits = (unsigned int)atoi(arg);
		return c->refcount_bits ? 0 : -EINVAL;
	case 'z':
		c->compression = !strcmp(arg, "zstd") ? QCOW2_ZSTD : QCOW2_ZLIB;
		return c->compression || !strcmp(arg, "zlib") ? 0 : -EINVAL;
	}
	return -EINVAL;
}

/* The backing file gives the size when none is said, and its format. */
static int create_backing(const char *path, struct qcow2_create *c, bool sized, char *err,
			  size_t errlen)
{
	const char *slash = strrchr(path, '/');
	struct img *i;
	char *full = NULL;
	int ret;

	if (c->backing[0] != '/' && slash &&
	    asprintf(&full, "%.*s/%s", (int)(slash - path), path, c->backing) < 0)
		return -ENOMEM;
	ret = img_open(&i, full ? full : c->backing, c->backing_format, IMG_NOLOCK, err, errlen);
	free(full);
	if (ret)
		return ret;
	if (!sized)
		c->size = i->size;
	if (!c->backing_format)
		c->backing_format = i->format;
	img_close(i);
	return 0;
}

static int cmd_create(int argc, char **argv)
{
	struct qcow2_create c = {0};
	const char *format = NULL;
	char err[512] = "";
	bool force = false;
	int opt, ret;

	while ((opt = getopt_long(argc, argv, "f:b:F:", create_options, NULL)) != -1) {
		if (opt == 'f')
			format = optarg;
		else if (opt == 'y')
			force = true;
		else if (opt == '?')
			return VMM_EXIT_USAGE;
		else if (create_option(&c, opt, optarg))
			return image_fail(VMM_EXIT_USAGE, "image create: '%s' is not possible here",
					  optarg);
	}
	argc -= optind;
	argv += optind;
	if (argc < 1 || argc > 2 || (argc == 1 && !c.backing))
		return image_fail(VMM_EXIT_USAGE, "usage: vmm image create [OPTION...] FILE SIZE");
	if (argc == 2 && !image_size_parse(argv[1], &c.size))
		return image_fail(VMM_EXIT_USAGE, "'%s' is not a size (512M, 8G)", argv[1]);
	if (c.size % 512)
		return image_fail(VMM_EXIT_USAGE, "the size must be a multiple of 512");
	if (!format)
		format = "qcow2";
	if (c.backing && strcmp(format, "qcow2"))
		return image_fail(VMM_EXIT_USAGE, "only a qcow2 image can have a backing file");
	ret = c.backing ? create_backing(argv[0], &c, argc == 2, err, sizeof(err)) : 0;
	if (!ret)
		ret = image_create_file(argv[0], format, &c, force, err, sizeof(err));
	if (ret)
		return image_fail(ret == -EINVAL ? VMM_EXIT_USAGE : VMM_EXIT_HOST, "%s",
				  err[0] ? err : strerror(-ret));
	return VMM_EXIT_OK;
}

/* ---- info ---- */

static json_t *info_snapshots(struct qcow2 *q)
{
	struct qcow2_snapshot_info s;
	json_t *list = json_array();
	unsigned int i;

	for (i = 0; qcow2_snapshot_at(q, i, &s); i++)
		json_array_append_new(list, json_pack("{s:s+, s:s+, s:I, s:I, s:I}", "id", s.id, "",
						      "name", s.name, "", "disk-size",
						      (json_int_t)s.disk_size, "vm-state",
						      (json_int_t)s.vm_state, "time",
						      (json_int_t)s.seconds));
	return list;
}

static json_t *info_make(struct img *i)
{
	json_t *o = json_object();
	struct qcow2_info q;

	json_object_set_new(o, "file", json_string(i->path));
	json_object_set_new(o, "format", json_string(i->format));
	json_object_set_new(o, "size", json_integer((json_int_t)i->size));
	json_object_set_new(o, "used", json_integer((json_int_t)disk_usage(i->path)));
	if (!i->q)
		return o;
	qcow2_info(i->q, &q);
	json_object_set_new(o, "version", json_integer(q.version));
	json_object_set_new(o, "cluster-size", json_integer(1 << q.cluster_bits));
	json_object_set_new(o, "refcount-bits", json_integer(q.refcount_bits));
	json_object_set_new(o, "compression",
			    json_string(q.compression == QCOW2_ZSTD ? "zstd" : "zlib"));
	json_object_set_new(o, "lazy-refcounts", json_boolean(q.lazy_refcounts));
	json_object_set_new(o, "dirty", json_boolean(q.dirty));
	json_object_set_new(o, "corrupt", json_boolean(q.corrupt));
	if (q.backing)
		json_object_set_new(o, "backing", json_string(q.backing));
	if (q.backing_format)
		json_object_set_new(o, "backing-format", json_string(q.backing_format));
	json_object_set_new(o, "snapshots", info_snapshots(i->q));
	return o;
}

static void snapshots_print(const json_t *list)
{
	size_t n;
	json_t *s;

	if (!json_array_size(list))
		return;
	printf("snapshots:\n");
	json_array_foreach(list, n, s) {
		time_t when = (time_t)json_integer_value(json_object_get(s, "time"));
		char text[32] = "", size[32];
		struct tm tm;

		if (localtime_r(&when, &tm))
			strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
		printf("  %-4s %-24s %s  %s\n", json_string_value(json_object_get(s, "id")),
		       json_string_value(json_object_get(s, "name")), text,
		       image_size_text((u64)json_integer_value(json_object_get(s, "disk-size")),
				       size));
	}
}

static void info_print(const json_t *o)
{
	static const char *const sizes = "size used cluster-size";
	const char *key;
	char text[32];
	json_t *v;

	json_object_foreach((json_t *)o, key, v) {
		if (json_is_string(v))
			printf("%s: %s\n", key, json_string_value(v));
		else if (json_is_integer(v) && strstr(sizes, key))
			printf("%s: %s (%lld bytes)\n", key,
			       image_size_text((u64)json_integer_value(v), text),
			       (long long)json_integer_value(v));
		else if (json_is_integer(v))
			printf("%s: %lld\n", key, (long long)json_integer_value(v));
		else if (json_is_boolean(v))
			printf("%s: %s\n", key, json_is_true(v) ? "yes" : "no");
	}
	snapshots_print(json_object_get(o, "snapshots"));
}

static int cmd_info(int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'},
						{"format", required_argument, NULL, 'f'}, {0}};
	const char *format = NULL;
	bool json = false;
	char err[512];
	struct img *i;
	json_t *o;
	int opt;

	while ((opt = getopt_long(argc, argv, "f:", options, NULL)) != -1) {
		if (opt == '?')
			return VMM_EXIT_USAGE;
		json = json || opt == 'j';
		format = opt == 'f' ? optarg : format;
	}
	if (argc - optind != 1)
		return image_fail(VMM_EXIT_USAGE, "usage: vmm image info [--json] FILE");
	if (img_open(&i, argv[optind], format, IMG_NOLOCK | IMG_NOBACK | IMG_BROKEN, err,
		     sizeof(err)))
		return image_fail(VMM_EXIT_HOST, "%s", err);
	o = info_make(i);
	if (json) {
		json_dumpf(o, stdout, JSON_INDENT(2));
		printf("\n");
	} else {
		info_print(o);
	}
	json_decref(o);
	img_close(i);
	return VMM_EXIT_OK;
}

/* ---- check ---- */

static void check_report(void *opaque, const char *line)
{
	printf("%s\n", line);
}

static void check_progress(void *opaque, u64 done, u64 all)
{
	if (done % 64 == 0)
		image_progress("checking", done, all);
}

static int check_result(const struct qcow2_check *c)
{
	printf("%llu errors, %llu leaked clusters", (unsigned long long)c->errors,
	       (unsigned long long)c->leaks);
	if (c->fixed)
		printf(", %llu repaired", (unsigned long long)c->fixed);
	printf("; %llu of %llu clusters in use, %llu of them compressed\n",
	       (unsigned long long)c->allocated, (unsigned long long)c->total,
	       (unsigned long long)c->compressed);
	if (c->errors + c->leaks <= c->fixed)
		return VMM_EXIT_OK;
	return c->errors ? IMAGE_EXIT_ERRORS : IMAGE_EXIT_LEAKS;
}

static int cmd_check(int argc, char **argv)
{
	static const struct option options[] = {{"repair", no_argument, NULL, 'r'}, {0}};
	struct qcow2_check c = {.report = check_report, .progress = check_progress};
	bool repair = false;
	char err[512];
	struct img *i;
	int opt, ret;

	while ((opt = getopt_long(argc, argv, "r", options, NULL)) != -1) {
		if (opt == '?')
			return VMM_EXIT_USAGE;
		repair = true;
	}
	if (argc - optind != 1)
		return image_fail(VMM_EXIT_USAGE, "usage: vmm image check [--repair] FILE");
	if (img_open(&i, argv[optind], NULL, IMG_NOBACK | IMG_BROKEN | (repair ? IMG_WRITE : 0),
		     err, sizeof(err)))
		return image_fail(VMM_EXIT_HOST, "%s", err);
	if (!i->q) {
		img_close(i);
		printf("a raw image has nothing to check\n");
		return VMM_EXIT_OK;
	}
	ret = qcow2_check(i->q, repair, &c);
	image_progress("checking", 1, 1);
	if (!ret)
		opt = check_result(&c);
	img_close(i);
	return ret ? image_fail(VMM_EXIT_HOST, "%s: %s", argv[optind], strerror(-ret)) : opt;
}

/* ---- resize ---- */

static int resize_raw(struct img *i, u64 size, bool shrink, char *err, size_t errlen)
{
	if (size < i->size && !shrink)
		snprintf(err, errlen, "%s: smaller than it is: what lies behind the new end would "
				      "be lost; say --shrink if that is meant", i->path);
	else if (ftruncate(i->fd, (off_t)size))
		snprintf(err, errlen, "%s: %s", i->path, strerror(errno));
	else
		return 0;
	return -EINVAL;
}

static bool resize_parse(const char *s, u64 now, u64 *out)
{
	u64 n;

	if (!image_size_parse(*s == '+' || *s == '-' ? s + 1 : s, &n))
		return false;
	if (*s == '-' && n > now)
		return false;
	if (*s == '+' && n > INT64_MAX - now)
		return false;
	*out = *s == '+' ? now + n : *s == '-' ? now - n : n;
	return *out <= INT64_MAX;
}

static int cmd_resize(int argc, char **argv)
{
	static const struct option options[] = {{"shrink", no_argument, NULL, 's'},
						{"format", required_argument, NULL, 'f'}, {0}};
	const char *format = NULL;
	bool shrink = false;
	char err[512] = "";
	struct img *i;
	u64 size;
	int opt, ret;

	/* "-1G" is an argument here: options end at the first of those. */
	while ((opt = getopt_long(argc, argv, "+f:", options, NULL)) != -1) {
		if (opt == '?')
			return VMM_EXIT_USAGE;
		shrink = shrink || opt == 's';
		format = opt == 'f' ? optarg : format;
	}
	if (argc - optind != 2)
		return image_fail(VMM_EXIT_USAGE,
				  "usage: vmm image resize [--shrink] FILE [+|-]SIZE");
	argv += optind;
	if (img_open(&i, argv[0], format, IMG_WRITE, err, sizeof(err)))
		return image_fail(VMM_EXIT_HOST, "%s", err);
	if (!resize_parse(argv[1], i->size, &size)) {
		img_close(i);
		return image_fail(VMM_EXIT_USAGE, "'%s' is not a size (8G, +1G, -512M)", argv[1]);
	}
	ret = i->q ? qcow2_resize(i->q, size, shrink, err, sizeof(err))
		   : resize_raw(i, size, shrink, err, sizeof(err));
	if (img_close(i) && !ret)
		ret = image_fail(VMM_EXIT_HOST, "%s: cannot be written", argv[0]);
	return ret ? image_fail(VMM_EXIT_HOST, "%s", err) : VMM_EXIT_OK;
}

/* ---- snapshots ---- */

static const struct {
	const char *name;
	int (*fn)(struct qcow2 *q, const char *name, char *err, size_t errlen);
} snapshot_ops[] = {
	{"create", qcow2_snapshot_create},
	{"apply", qcow2_snapshot_apply},
	{"delete", qcow2_snapshot_delete},
	{"list", NULL},
};

static int cmd_snapshot(int argc, char **argv)
{
	const char *op = argc > 1 ? argv[1] : "";
	char err[512] = "";
	struct img *i;
	json_t *list;
	size_t k;
	int ret = 0;

	for (k = 0; k < ARRAY_SIZE(snapshot_ops) && strcmp(op, snapshot_ops[k].name); k++)
		;
	if (k == ARRAY_SIZE(snapshot_ops) || argc != (snapshot_ops[k].fn ? 4 : 3))
		return image_fail(VMM_EXIT_USAGE, "usage: vmm image snapshot list FILE, or "
						  "create|apply|delete FILE NAME");
	if (img_open(&i, argv[2], "qcow2",
		     snapshot_ops[k].fn ? IMG_WRITE : IMG_NOLOCK | IMG_NOBACK, err, sizeof(err)))
		return image_fail(VMM_EXIT_HOST, "%s", err);
	if (snapshot_ops[k].fn) {
		ret = snapshot_ops[k].fn(i->q, argv[3], err, sizeof(err));
	} else {
		list = info_snapshots(i->q);
		snapshots_print(list);
		json_decref(list);
	}
	if (img_close(i) && !ret)
		return image_fail(VMM_EXIT_HOST, "%s: cannot be written", argv[2]);
	return ret ? image_fail(VMM_EXIT_HOST, "%s", err) : VMM_EXIT_OK;
}

/* ---- the table ---- */

static const struct {
	const char *name, *args, *help;
	int (*fn)(int argc, char **argv); /* argv[0]: the name */
} commands[] = {
	{"create", "[-f qcow2|raw] [-b BACKING [-F FORMAT]] [--cluster-size SIZE] [--compat 2|3] "
		   "[--refcount-bits N] [--compression zlib|zstd] [--lazy-refcounts] [--force] "
		   "FILE SIZE", "make an empty image", cmd_create},
	{"info", "[--json] [-f FORMAT] FILE", "what the image is", cmd_info},
	{"convert", "[-f FORMAT] [-O FORMAT] [-c] [create's options] FROM TO",
	 "copy into another format", image_convert},
	{"check", "[--repair] FILE", "look for errors and leaks (exit 3: leaks, 4: errors)",
	 cmd_check},
	{"resize", "[--shrink] [-f FORMAT] FILE [+|-]SIZE", "make the disk larger or smaller",
	 cmd_resize},
	{"snapshot", "list|create|apply|delete FILE [NAME]", "internal snapshots", cmd_snapshot},
};

int vmm_image(int argc, char **argv)
{
	size_t i;

	if (argc && strcmp(argv[0], "--help") && strcmp(argv[0], "-h")) {
		for (i = 0; i < ARRAY_SIZE(commands); i++)
			if (!strcmp(argv[0], commands[i].name))
				return commands[i].fn(argc, argv);
		return image_fail(VMM_EXIT_USAGE, "image %s: unknown; 'vmm image --help' lists what "
						  "there is", argv[0]);
	}
	printf("usage: vmm image COMMAND ...\n\n");
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		printf("  %s %s\n        %s\n", commands[i].name, commands[i].args,
		       commands[i].help);
	return argc ? VMM_EXIT_OK : VMM_EXIT_USAGE;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * "vmm image convert": copies what a disk holds, its backing files included, into a new image.
 * Zeros are not written. The new file appears under its name when it is complete.
 */
#include "vmm/image.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "vmm/block/image.h"
#include "vmm/block/qcow2.h"
#include "vmm/run.h"

#define CHUNK (2 * MiB)
#define GRAIN (64 * KiB) /* zeros are looked for in pieces of this size */

/* ---- making files ---- */

int image_create_file(const char *path, const char *format, const struct qcow2_create *c, bool force,
		      char *err, size_t errlen)
{
	int fd, ret = 0;

	if (strcmp(format, "raw") && strcmp(format, "qcow2")) {
		snprintf(err, errlen, "unknown disk format '%s' (raw, qcow2)", format);
		return -EINVAL;
	}
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | (force ? 0 : O_EXCL), 0644);
	if (fd < 0) {
		ret = -errno;
		snprintf(err, errlen, "%s: %s%s", path, strerror(errno),
			 errno == EEXIST ? "; say --force to write over it" : "");
		return ret;
	}
	if (!strcmp(format, "qcow2"))
		ret = qcow2_create(fd, c, err, errlen);
	else if (ftruncate(fd, 0) || ftruncate(fd, (off_t)c->size))
		ret = -errno;
	if (close(fd) && !ret)
		ret = -errno;
	if (!ret)
		return 0;
	if (!err[0])
		snprintf(err, errlen, "%s: %s", path, strerror(-ret));
	if (!force)
		unlink(path);
	return ret;
}

/* ---- copying ---- */

struct copy {
	struct img *from, *to;
	u8 *buf;
	u64 grain;
	bool compress;
	u64 step;   /* bytes copied at once */
};

static bool all_zero(const u8 *p, size_t n)
{
	return !*p && !memcmp(p, p + 1, n - 1);
}

static int put(struct copy *c, u64 off, const u8 *p, u64 n)
{
	return c->compress ? qcow2_write_compressed(c->to->q, off, p, n)
			   : img_write(c->to, off, p, n);
}

/* Writes the parts of the buffer that are not zero. */
static int copy_data(struct copy *c, u64 off, u64 len)
{
	u64 at, n, start = 0, run = 0;
	int ret = 0;

	for (at = 0; at < len && !ret; at += n) {
		n = MIN(c->grain, len - at);
		if (!all_zero(c->buf + at, n)) {
			start = run ? start : at;
			run += n;
			if (!c->compress)
				continue;
		}
		if (run)
			ret = put(c, off + start, c->buf + start, run);
		run = 0;
	}
	return !ret && run ? put(c, off + start, c->buf + start, run) : ret;
}

static int copy_all(struct copy *c)
{
	u64 off, len, run, size = c->from->size;
	enum img_kind kind;
	int ret = 0;

	for (off = 0; off < size && !ret; off += len) {
		image_progress("converting", off, size);
		len = MIN(c->step, size - off);
		ret = img_map(c->from, off, size - off, &kind, &run);
		if (ret)
			break;
		/* What is not in the image itself may be in its backing file. On with whole steps,
		 * so that clusters stay aligned. */
		if (kind == IMG_ZERO ||
		    (kind == IMG_UNALLOCATED && (!c->from->q || !qcow2_backing(c->from->q)))) {
			run = run == size - off ? run : run / c->step * c->step;
			if (run) {
				len = run;
				continue;
			}
		}
		ret = img_read(c->from, off, c->buf, len);
		if (!ret)
			ret = copy_data(c, off, len);
	}
	image_progress("converting", 1, 1);
	return ret ? ret : img_flush(c->to);
}

static int copy_into(struct img *from, const char *path, const char *format, bool compress, char *err,
		     size_t errlen)
{
	struct copy c = {.from = from, .grain = GRAIN, .step = CHUNK, .compress = compress};
	struct qcow2_info info;
	int ret, ret2;

	ret = img_open(&c.to, path, format, IMG_WRITE, err, errlen);
	if (ret)
		return ret;
	if (c.to->q) {
		qcow2_info(c.to->q, &info);
		c.grain = 1u << info.cluster_bits;
	}
	c.buf = malloc(c.step);
	ret = c.buf ? copy_all(&c) : -ENOMEM;
	free(c.buf);
	ret2 = img_close(c.to);
	ret = ret ? ret : ret2;
	if (ret)
		snprintf(err, errlen, "%s: %s", path, strerror(-ret));
	return ret;
}

/* ---- the command ---- */

static const struct option options[] = {
	{"format", required_argument, NULL, 'f'},
	{"to", required_argument, NULL, 'O'},
	{"compress", no_argument, NULL, 'c'},
	{"cluster-size", required_argument, NULL, 's'},
	{"compression", required_argument, NULL, 'z'},
	{"compat", required_argument, NULL, 'v'},
	{"force", no_argument, NULL, 'y'},
	{0},
};

struct convert {
	const char *from_format, *to_format;
	struct qcow2_create create;
	bool compress, force;
};

static int option_take(struct convert *v, int opt, const char *arg)
{
	u64 n;

	switch (opt) {
	case 'f': v->from_format = arg; return 0;
	case 'O': v->to_format = arg; return 0;
	case 'c': v->compress = true; return 0;
	case 'y': v->force = true; return 0;
	case 'z':
		v->create.compression = !strcmp(arg, "zstd") ? QCOW2_ZSTD : QCOW2_ZLIB;
		return v->create.compression || !strcmp(arg, "zlib") ? 0 : -EINVAL;
	case 'v':
		v->create.version = !strcmp(arg, "2") ? 2 : 3;
		return v->create.version == 2 || !strcmp(arg, "3") ? 0 : -EINVAL;
	case 's':
		if (!image_size_parse(arg, &n) || !n || n & (n - 1))
			return -EINVAL;
		v->create.cluster_bits = (unsigned int)__builtin_ctzll(n);
		return 0;
	}
	return -EINVAL;
}

static int convert(struct convert *v, const char *from, const char *to, char *err, size_t errlen)
{
	struct stat st;
	struct img *src;
	char *part;
	bool device = !stat(to, &st) && S_ISBLK(st.st_mode);
	int ret;

	if (!v->force && !device && !access(to, F_OK)) {
		snprintf(err, errlen, "%s: exists; say --force to write over it", to);
		return -EEXIST;
	}
	ret = img_open(&src, from, v->from_format, 0, err, errlen);
	if (ret)
		return ret;
	v->create.size = (src->size + 511) / 512 * 512;
	if (device) {
		ret = copy_into(src, to, "raw", false, err, errlen);
		img_close(src);
		return ret;
	}
	if (asprintf(&part, "%s.part", to) < 0) {
		img_close(src);
		return -ENOMEM;
	}
	ret = image_create_file(part, v->to_format, &v->create, true, err, errlen);
	if (!ret)
		ret = copy_into(src, part, v->to_format, v->compress, err, errlen);
	if (!ret && rename(part, to)) {
		ret = -errno;
		snprintf(err, errlen, "%s: %s", to, strerror(errno));
	}
	if (ret)
		unlink(part);
	free(part);
	img_close(src);
	return ret;
}

int image_convert(int argc, char **argv)
{
	struct convert v = {.to_format = "qcow2"};
	char err[512] = "";
	int opt, ret;

	while ((opt = getopt_long(argc, argv, "f:O:c", options, NULL)) != -1) {
		if (opt == '?')
			return VMM_EXIT_USAGE;
		if (option_take(&v, opt, optarg))
			return image_fail(VMM_EXIT_USAGE, "image convert: '%s' is not possible here",
					  optarg);
	}
	if (argc - optind != 2)
		return image_fail(VMM_EXIT_USAGE, "usage: vmm image convert [-f FORMAT] [-O FORMAT] "
						  "[-c] FROM TO");
	if (v.compress && strcmp(v.to_format, "qcow2"))
		return image_fail(VMM_EXIT_USAGE, "only qcow2 images can be compressed");
	ret = convert(&v, argv[optind], argv[optind + 1], err, sizeof(err));
	if (ret)
		return image_fail(ret == -EINVAL ? VMM_EXIT_USAGE : VMM_EXIT_HOST, "%s",
				  err[0] ? err : strerror(-ret));
	return VMM_EXIT_OK;
}

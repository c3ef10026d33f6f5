// SPDX-License-Identifier: GPL-2.0-or-later
/* Where configuration comes from: the command line and machine files (INI, read by libinih). */
#include "vmm/config.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <sys/stat.h>

struct file_reader {
	struct config *config;
	const char *path;
	char *err;
	size_t errlen;
};

static int file_entry(void *user, const char *section, const char *name, const char *value,
		      int line)
{
	struct file_reader *r = user;
	char why[256];

	if (*section) {
		snprintf(r->err, r->errlen, "%s:%d: sections are not known here: [%s]", r->path,
			 line, section);
		return 0;
	}
	if (config_set(r->config, name, value ? value : "", why, sizeof(why))) {
		snprintf(r->err, r->errlen, "%s:%d: %s: %s", r->path, line, name, why);
		return 0;
	}
	return 1;
}

int config_read_file(struct config *c, const char *path, char *err, size_t errlen)
{
	struct file_reader r = {.config = c, .path = path, .err = err, .errlen = errlen};
	struct stat st;
	int line;

	if (stat(path, &st)) {
		snprintf(err, errlen, "%s: %s", path, strerror(errno));
		return -errno;
	}
	if (!S_ISREG(st.st_mode)) {
		snprintf(err, errlen, "%s: a machine file must be a regular file", path);
		return -EINVAL;
	}
	err[0] = 0;
	line = ini_parse(path, file_entry, &r);
	if (line && !err[0])
		snprintf(err, errlen, "%s:%d: not of the form 'key = value'", path,
			 line < 0 ? 0 : line);
	return line ? -EINVAL : 0;
}

static bool ends_with(const char *s, const char *tail)
{
	size_t n = strlen(s), t = strlen(tail);

	return n > t && !strcmp(s + n - t, tail);
}

/* A name without "--": a machine file, a CD image, or a disk. */
static int parse_positional(struct config *c, const char *arg, char *err, size_t errlen)
{
	char why[256];

	if (ends_with(arg, ".conf"))
		return config_read_file(c, arg, err, errlen);
	if (config_set(c, ends_with(arg, ".iso") ? "cdrom" : "disk", arg, why, sizeof(why))) {
		snprintf(err, errlen, "%s: %s", arg, why);
		return -EINVAL;
	}
	return 0;
}

static int parse_option(struct config *c, const char *arg, const char *next, bool *used, char *err,
			size_t errlen)
{
	char key[32], why[256];
	const char *eq = strchr(arg, '='), *value;
	size_t n = eq ? (size_t)(eq - arg) : strlen(arg);
	bool wants;

	snprintf(key, sizeof(key), "%.*s", (int)MIN(n, sizeof(key) - 1), arg);
	if (n >= sizeof(key) || !config_key_known(key, &wants)) {
		snprintf(err, errlen, "--%.*s: unknown option; 'vmm help run' lists them", (int)n,
			 arg);
		return -EINVAL;
	}
	*used = wants && !eq;
	value = eq ? eq + 1 : wants ? next : "yes";
	if (!value) {
		snprintf(err, errlen, "--%s: needs a value; 'vmm help run' tells which", key);
		return -EINVAL;
	}
	if (config_set(c, key, value, why, sizeof(why))) {
		snprintf(err, errlen, "--%s: %s", key, why);
		return -EINVAL;
	}
	return 0;
}

int config_parse_args(struct config *c, int argc, char **argv, char *err, size_t errlen)
{
	bool only_files = false, used;
	int i, ret;

	for (i = 0; i < argc; i++) {
		used = false;
		if (!only_files && !strcmp(argv[i], "--")) {
			only_files = true;
			continue;
		}
		if (!only_files && (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")))
			return 1;
		if (!only_files && argv[i][0] == '-' && argv[i][1] != '-') {
			snprintf(err, errlen, "%s: unknown option; 'vmm help run' lists them",
				 argv[i]);
			return -EINVAL;
		}
		if (!only_files && argv[i][0] == '-')
			ret = parse_option(c, argv[i] + 2, argv[i + 1], &used, err, errlen);
		else
			ret = parse_positional(c, argv[i], err, errlen);
		if (ret)
			return ret;
		i += used;
	}
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* Where configuration comes from: the command line and machine files (INI, read by libinih). */
#include "vmm/config.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <sys/stat.h>

struct file_reader {
	struct config *config;
	FILE *f;
	int line;      /* last one read; libinih does not tell its handler */
	int bad_line;  /* of the first key refused, 0: none */
	char why[256];
};

static char *file_line(char *buf, int size, void *user)
{
	struct file_reader *r = user;

	r->line++;
	return fgets(buf, size, r->f);
}

static int file_entry(void *user, const char *section, const char *name, const char *value)
{
	struct file_reader *r = user;
	char why[192];

	if (r->bad_line)
		return 0;
	if (*section)
		snprintf(r->why, sizeof(r->why), "sections are not known here: [%.64s]", section);
	else if (config_set(r->config, name, value ? value : "", why, sizeof(why)))
		snprintf(r->why, sizeof(r->why), "%.48s: %s", name, why);
	else
		return 1;
	r->bad_line = r->line;
	return 0;
}

int config_read_file(struct config *c, const char *path, char *err, size_t errlen)
{
	struct file_reader r = {.config = c};
	struct stat st;
	int line;

	r.f = fopen(path, "re");
	if (!r.f || fstat(fileno(r.f), &st)) {
		snprintf(err, errlen, "%s: %s", path, strerror(errno));
		if (r.f)
			fclose(r.f);
		return -ENOENT;
	}
	line = S_ISREG(st.st_mode) ? ini_parse_stream(file_line, &r, file_entry, &r) : -1;
	fclose(r.f);
	if (line < 0)
		snprintf(err, errlen, "%s: not a machine file that can be read", path);
	else if (line && line == r.bad_line)
		snprintf(err, errlen, "%s:%d: %s", path, line, r.why);
	else if (line)
		snprintf(err, errlen, "%s:%d: not of the form 'key = value'", path, line);
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

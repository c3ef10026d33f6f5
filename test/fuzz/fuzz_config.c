// SPDX-License-Identifier: GPL-2.0-or-later
/* The command line (lines that start the input with 'a') and the machine file (all others). */
#include "test/fuzz/fuzz.h"
#include "vmm/config.h"

#define ARGS_MAX 16

static void parse_args(struct config *c, char *text)
{
	char *argv[ARGS_MAX + 1] = {0}, *p = text, err[512];
	int argc = 0;

	while (argc < ARGS_MAX && p) {
		argv[argc++] = p;
		p = strchr(p, '\n');
		if (p)
			*p++ = '\0';
	}
	if (!config_parse_args(c, argc, argv, err, sizeof(err)))
		config_check(c, err, sizeof(err));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	char path[64], err[512], *text = malloc(len + 1);
	struct config c;
	int fd;

	if (!text)
		return 0;
	config_init(&c);
	if (len && data[0] == 'a') {
		memcpy(text, data + 1, len - 1);
		text[len - 1] = '\0';
		parse_args(&c, text);
	} else {
		fd = fuzz_file(path, data, len, 0);
		if (!config_read_file(&c, path, err, sizeof(err)))
			config_check(&c, err, sizeof(err));
		close(fd);
	}
	config_fini(&c);
	free(text);
	return 0;
}

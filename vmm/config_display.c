// SPDX-License-Identifier: GPL-2.0-or-later
/* The value of --display: where the guest's screen is shown. */
#include "vmm/config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "vmm/ui/vnc.h"

static int text_set(char **to, const char *v, char *err, size_t len)
{
	char *copy = strdup(v);

	if (!copy)
		return config_fail(err, len, "out of memory");
	free(*to);
	*to = copy;
	return 0;
}

static int part_set(struct config_display *d, const char *kind, const char *part, char *err,
		    size_t len)
{
	bool vnc = !strcmp(kind, "vnc"), sdl = !strcmp(kind, "sdl");

	if (vnc && !strncmp(part, "password-file=", 14) && part[14])
		return text_set(&d->password_file, part + 14, err, len);
	if (sdl && !strcmp(part, "fullscreen"))
		d->fullscreen = true;
	else if ((vnc || sdl) && !strcmp(part, "no-tablet"))
		d->no_tablet = true;
	else
		return config_fail(err, len, "'%s' is not known here (%s)", part,
			    vnc ? "password-file=FILE, no-tablet" :
			    sdl ? "fullscreen, no-tablet" : "nothing may follow");
	return 0;
}

void config_display_fini(struct config_display *d)
{
	free(d->kind);
	free(d->address);
	free(d->password_file);
	memset(d, 0, sizeof(*d));
}

static int display_parse(struct config_display *d, char *v, char *err, size_t len)
{
	static const char *const kinds[] = {"term", "none", "vnc", "sdl"};
	char *p = v, *part = config_next_part(&p), *address = strchr(part, '=');
	size_t i;
	int ret;

	if (address)
		*address++ = 0;
	for (i = 0; i < ARRAY_SIZE(kinds) && strcmp(kinds[i], part); i++)
		;
	if (i == ARRAY_SIZE(kinds) || (address && strcmp(part, "vnc")))
		return config_fail(err, len, "'%s' is not known (term, vnc[=ADDRESS], sdl, none)", v);
	if (address && !gm_vnc_address_check(address))
		return config_fail(err, len, "'%s' is not an address ([HOST]:DISPLAY, unix:PATH)", address);
	ret = text_set(&d->kind, part, err, len);
	if (!ret && address)
		ret = text_set(&d->address, address, err, len);
	while (!ret && (part = config_next_part(&p)))
		ret = part_set(d, d->kind, part, err, len);
	return ret;
}

int config_display_parse(struct config_display *d, const char *v, char *err, size_t len)
{
	struct config_display new = {0};
	char *copy = strdup(v);
	int ret = copy ? display_parse(&new, copy, err, len) : config_fail(err, len, "out of memory");

	free(copy);
	if (ret) {
		config_display_fini(&new);
		return ret;
	}
	config_display_fini(d);
	*d = new;
	return 0;
}

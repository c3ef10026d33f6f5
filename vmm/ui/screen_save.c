// SPDX-License-Identifier: GPL-2.0-or-later
/* The screen into a file: PNG, or text for a name that ends with .txt. Whoever waits for the file
 * sees it whole or not at all. */
#include "vmm/ui/screen_save.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "vmm/sandbox/keeper.h"

bool gm_screen_path_is_text(const char *path)
{
	size_t n = strlen(path);

	return n > 4 && !strcmp(path + n - 4, ".txt");
}

static int write_text(const struct gm_screen *s, FILE *f)
{
	char *text = gm_screen_to_utf8(s);
	int err = text ? 0 : -ENOMEM;

	if (!err && fputs(text, f) == EOF)
		err = -EIO;
	free(text);
	return err;
}

int gm_screen_save(struct gm_keeper *k, const struct gm_screen *s, const char *path)
{
	bool text = gm_screen_path_is_text(path);
	int fd, err, ret;
	FILE *f;

	if (!text && (s->kind == GM_SCREEN_OFF || !s->pixels))
		return -ENODATA;
	fd = gm_keeper_save(k, path);
	if (fd < 0)
		return fd;
	f = fdopen(fd, "wb");
	if (!f) {
		err = -errno;
		close(fd);
	} else {
		err = text ? write_text(s, f) : gm_screen_write_png_file(s, f);
		if (fclose(f) && !err)
			err = -errno;
	}
	ret = gm_keeper_save_done(k, path, !err);
	return err ? err : ret;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "vmm image": making, looking at, converting, checking and resizing disk images. */
#ifndef VMM_IMAGE_H
#define VMM_IMAGE_H

#include "vmm/types.h"

/* argv: what follows "vmm image". Returns the exit status. */
int vmm_image(int argc, char **argv);

/* image.c, for the sub-commands. */

/* Exit statuses of "vmm image check" beside those of run.h. */
#define IMAGE_EXIT_LEAKS  3
#define IMAGE_EXIT_ERRORS 4

/* "8G", "512M", bytes without a suffix. False when it is no size. */
bool image_size_parse(const char *s, u64 *out);
/* One line on standard error; returns `status`. */
int image_fail(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A progress bar on standard error when that is a terminal; `done` == `all` ends its line. */
void image_progress(const char *what, u64 done, u64 all);
/* "8 GiB", "1.5 MiB". */
const char *image_size_text(u64 bytes, char buf[32]);

/* image_convert.c */
int image_convert(int argc, char **argv);
/* Makes the file: an empty image. */
struct qcow2_create;
int image_create_file(const char *path, const char *format, const struct qcow2_create *c, bool force,
		      char *err, size_t errlen);

#endif

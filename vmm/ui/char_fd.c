// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Character back ends on descriptors of files, terminals and pipes: stdio, file, pty.
 *
 * Standard output is opened a second time through /proc, because non-blocking mode belongs to
 * the open file and would be seen by every process that shares the terminal.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>
#include "vmm/ui/chardev_int.h"

/* ---- stdio ---- */

static int stdout_open(struct gm_char *c)
{
	struct stat st;
	int fd;

	if (fstat(STDOUT_FILENO, &st))
		return 0; /* closed: output is swallowed */
	if (S_ISREG(st.st_mode)) {
		c->out_direct = true;
		c->out.fd = STDOUT_FILENO;
		return 0;
	}
	fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd >= 0) {
		c->out.fd = fd;
		return 0;
	}
	/* A socket, or a terminal that is not ours to open. */
	c->restore_flags = fcntl(STDOUT_FILENO, F_GETFL);
	if (c->restore_flags < 0 ||
	    fcntl(STDOUT_FILENO, F_SETFL, c->restore_flags | O_NONBLOCK) < 0)
		return -errno;
	c->out.fd = STDOUT_FILENO;
	return 0;
}

static int stdin_open(struct gm_char *c)
{
	int err;

	if (fcntl(STDIN_FILENO, F_GETFL) < 0)
		return 0; /* closed: no input */
	if (!isatty(STDIN_FILENO)) {
		c->in.fd = STDIN_FILENO;
		return 0;
	}
	/* A background job must not touch its terminal. */
	if (tcgetpgrp(STDIN_FILENO) != getpgrp())
		return 0;
	err = gm_tty_raw(STDIN_FILENO, true);
	if (err)
		return err;
	c->tty = true;
	c->in.fd = STDIN_FILENO;
	return 0;
}

static int stdio_open(struct gm_char *c, const char *arg, char *err, size_t errlen)
{
	int rc = stdout_open(c);

	if (!rc)
		rc = stdin_open(c);
	if (rc)
		snprintf(err, errlen, "stdio: %s", strerror(-rc));
	return rc;
}

static void stdio_close(struct gm_char *c)
{
	if (c->restore_flags >= 0)
		fcntl(STDOUT_FILENO, F_SETFL, c->restore_flags);
	if (c->out.fd > STDERR_FILENO)
		close(c->out.fd);
	if (c->tty)
		gm_tty_restore();
}

const struct char_kind char_stdio = {
	.name = "stdio",
	.open = stdio_open,
	.close = stdio_close,
};

/* ---- file ---- */

static int file_open(struct gm_char *c, const char *arg, char *err, size_t errlen)
{
	struct stat st;
	int rc;

	/* Non-blocking: a FIFO without a reader is refused instead of waited for. */
	c->out.fd = open(arg, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_CLOEXEC | O_NOCTTY,
			 0666);
	if (c->out.fd < 0 || fstat(c->out.fd, &st)) {
		rc = -errno;
		snprintf(err, errlen, "%s: cannot open for writing: %s", arg, strerror(-rc));
		if (c->out.fd >= 0)
			close(c->out.fd);
		return rc;
	}
	c->out_direct = S_ISREG(st.st_mode);
	c->spare_fd = c->out.fd; /* to close even after an error took out.fd away */
	return 0;
}

static void file_close(struct gm_char *c)
{
	close(c->spare_fd);
}

const struct char_kind char_file = {
	.name = "file:",
	.open = file_open,
	.close = file_close,
};

/* ---- pty ---- */

static int pty_open(struct gm_char *c, const char *arg, char *err, size_t errlen)
{
	struct termios t;
	char name[64];
	int rc, fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || grantpt(fd) || unlockpt(fd) || ptsname_r(fd, name, sizeof(name)))
		goto fail;
	/* Held open: without any user of the other side the line would be hung up. */
	c->spare_fd = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (c->spare_fd < 0 || tcgetattr(c->spare_fd, &t))
		goto fail;
	cfmakeraw(&t);
	tcsetattr(c->spare_fd, TCSANOW, &t);
	c->in.fd = c->out.fd = fd;
	gm_machine_warn(c->m, "character device is %s", name);
	return 0;
fail:
	rc = -errno;
	snprintf(err, errlen, "pty: %s", strerror(-rc));
	if (c->spare_fd >= 0)
		close(c->spare_fd);
	if (fd >= 0)
		close(fd);
	return rc;
}

static void pty_close(struct gm_char *c)
{
	close(c->spare_fd);
	if (c->in.fd >= 0)
		close(c->in.fd);
}

const struct char_kind char_pty = {
	.name = "pty",
	.open = pty_open,
	.close = pty_close,
	.no_wait = true,
};

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files that the keeper opens, read only, by its list: those below a folder (openat2(2), Linux 5.6),
 * and the media that a running machine may insert into its drives.
 */
#include "vmm/sandbox/keeper_int.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#if __has_include(<linux/openat2.h>)
#include <linux/openat2.h>
#endif

#define FLAGS (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

/* What is opened for the machine is a file, and no FIFO, terminal or folder. */
static int kind_check(int fd, bool device)
{
	struct stat st;

	if (!fstat(fd, &st) && (S_ISREG(st.st_mode) || (device && S_ISBLK(st.st_mode))))
		return fd;
	close(fd);
	return -EACCES;
}

static int open_beneath(int dirfd, const char *path)
{
#ifdef RESOLVE_BENEATH
	struct open_how how = {.flags = FLAGS, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
	int fd = (int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how));

	if (fd >= 0)
		return kind_check(fd, false);
	return errno == EXDEV || errno == ELOOP ? -EACCES : -errno;
#else
	return -ENOSYS;
#endif
}

int keeper_open_below(const struct keeper_right *r, const char *path)
{
	size_t n = strlen(r->path);

	if (strncmp(path, r->path, n))
		return -EACCES;
	while (n && r->path[n - 1] == '/')
		n--;
	if (path[n] != '/')
		return -EACCES;
	while (path[n] == '/')
		n++;
	return open_beneath(r->dirfd, path + n);
}

int keeper_open_media(const struct keeper_right *r, unsigned int n, const char *path)
{
	int fd, ret = -EACCES;

	for (; n; n--, r++) {
		fd = -EACCES;
		if (r->right == GM_KEEPER_MEDIUM && !strcmp(path, r->path)) {
			fd = open(path, FLAGS);
			fd = fd < 0 ? -errno : kind_check(fd, true);
		} else if (r->right == GM_KEEPER_MEDIA_DIR && *path && !strchr(path, '/')) {
			fd = open_beneath(r->dirfd, path);
		} else if (r->right == GM_KEEPER_MEDIA_DIR) {
			fd = keeper_open_below(r, path);
		}
		if (fd >= 0)
			return fd;
		/* That a named file is missing says more than that it was not named. */
		if (fd != -EACCES)
			ret = fd;
	}
	return ret;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Opening the file behind a disk: what kinds are taken, the advisory lock, and error messages
 * that say what to do. Leans on open file description locks (fcntl(2), F_OFD_SETLK): unlike the
 * classic ones they also tell two disks of one process apart. Other emulators that lock their
 * images the same way are noticed too.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "vmm/block/block_int.h"

/* Does process `pid` hold a lock through a descriptor on this file? */
static bool holder_check(const char *pid, const struct stat *want)
{
	char path[600], line[256];
	struct dirent *e;
	struct stat st;
	bool found = false;
	FILE *f;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	d = opendir(path);
	if (!d)
		return false;
	while (!found && (e = readdir(d))) {
		snprintf(path, sizeof(path), "/proc/%s/fd/%s", pid, e->d_name);
		if (stat(path, &st) || st.st_dev != want->st_dev || st.st_ino != want->st_ino)
			continue;
		snprintf(path, sizeof(path), "/proc/%s/fdinfo/%s", pid, e->d_name);
		f = fopen(path, "re");
		while (f && !found && fgets(line, sizeof(line), f))
			found = !strncmp(line, "lock:", 5);
		if (f)
			fclose(f);
	}
	closedir(d);
	return found;
}

/* The kernel does not name the owner of such a lock; /proc does. 0 when it cannot be seen. */
static int holder_find(int fd)
{
	struct dirent *e;
	struct stat st;
	int pid = 0;
	DIR *d;

	if (fstat(fd, &st))
		return 0;
	d = opendir("/proc");
	if (!d)
		return 0;
	while (!pid && (e = readdir(d)))
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9' && holder_check(e->d_name, &st))
			pid = atoi(e->d_name);
	closedir(d);
	return pid;
}

static int file_lock(int fd, const char *path, bool exclusive, char *err, size_t errlen)
{
	struct flock fl = {.l_type = exclusive ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET};
	int pid;

	if (!fcntl(fd, F_OFD_SETLK, &fl))
		return 0;
	/* A file system without locks cannot protect anyone; that is no reason not to run. */
	if (errno != EAGAIN && errno != EACCES)
		return 0;
	pid = holder_find(fd);
	if (pid == getpid())
		snprintf(err, errlen,
			 "%s: given twice; a disk that is written can be used once only", path);
	else if (pid)
		snprintf(err, errlen,
			 "%s: already in use by process %d; stop that one first, or use "
			 "a copy of the image",
			 path, pid);
	else
		snprintf(err, errlen,
			 "%s: already in use by another process; stop that one first, or use "
			 "a copy of the image",
			 path);
	return -EBUSY;
}

static void open_error(const struct gm_blk_options *o, bool readonly, int e, char *err, size_t len)
{
	const char *p = o->path;

	switch (e) {
	case ENOENT:
	case ENOTDIR:
		snprintf(err, len, "%s: no such file; check the name, or make an empty disk with: "
				   "truncate -s 8G FILE", p);
		return;
	case EACCES:
	case EPERM:
	case EROFS:
		if (!readonly && !access(p, R_OK))
			snprintf(err, len, "%s: may be read but not written; open it with readonly "
					   "or snapshot, or change its permissions", p);
		else
			snprintf(err, len, "%s: permission denied; make it readable and writable "
					   "for your user", p);
		return;
	case EISDIR:
		snprintf(err, len, "%s: is a directory; give a disk image or a block device", p);
		return;
	case EBUSY:
		snprintf(err, len, "%s: in use by the host (mounted?); unmount it first, or open it "
				   "with readonly", p);
		return;
	default:
		snprintf(err, len, "%s: cannot be opened: %s", p, strerror(e));
	}
}

static int size_check(int fd, const struct gm_blk_options *o, bool readonly, u64 *size, char *err,
		      size_t errlen)
{
	off_t end = lseek(fd, 0, SEEK_END);

	if (end < 0) {
		snprintf(err, errlen, "%s: its size cannot be found: %s", o->path, strerror(errno));
		return -EINVAL;
	}
	if (o->any_size) {
		*size = (u64)end;
		return 0;
	}
	if (end == 0) {
		snprintf(err, errlen, "%s: is empty; give it a size first: truncate -s 8G FILE",
			 o->path);
		return -EINVAL;
	}
	if (end % GM_BLK_SECTOR && !readonly) {
		snprintf(err, errlen,
			 "%s: its size, %lld bytes, is not a multiple of 512, so its last sector "
			 "could not be written; open it with readonly or snapshot, or round it up: "
			 "truncate -s %%512 FILE",
			 o->path, (long long)end);
		return -EINVAL;
	}
	*size = (u64)end;
	return 0;
}

/* Somebody else's descriptor must be open for what this one is to do. */
static int fd_take(const struct gm_blk_options *o, bool readonly)
{
	int mode = fcntl(o->fd, F_GETFL);

	if (mode < 0)
		return -1;
	mode &= O_ACCMODE;
	if (mode != O_RDWR && (!readonly || mode != O_RDONLY)) {
		errno = EACCES;
		return -1;
	}
	return fcntl(o->fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
}

int gm_blk_file_open(const struct gm_blk_options *o, bool readonly, u64 *size, char *err,
		     size_t errlen)
{
	struct stat st;
	int fd, ret, flags = O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

	/* stat first: opening a FIFO or a device may have effects. */
	if (o->fd_given ? fstat(o->fd, &st) : stat(o->path, &st)) {
		ret = -errno;
		open_error(o, readonly, -ret, err, errlen);
		return ret;
	}
	if (S_ISDIR(st.st_mode)) {
		open_error(o, readonly, EISDIR, err, errlen);
		return -EISDIR;
	}
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)) {
		snprintf(err, errlen, "%s: is neither a file nor a block device; give a disk image",
			 o->path);
		return -EINVAL;
	}
	/* O_EXCL on a block device fails when the host has it mounted. */
	if (S_ISBLK(st.st_mode) && !readonly)
		flags |= O_EXCL;
	fd = o->fd_given ? fd_take(o, readonly)
			 : open(o->path, flags | (readonly ? O_RDONLY : O_RDWR));
	if (fd < 0) {
		ret = -errno;
		open_error(o, readonly, -ret, err, errlen);
		return ret;
	}
	ret = size_check(fd, o, readonly, size, err, errlen);
	if (!ret && !o->no_lock)
		ret = file_lock(fd, o->path, !readonly && !o->share, err, errlen);
	if (ret) {
		close(fd);
		return ret;
	}
	return fd;
}

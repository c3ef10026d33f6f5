// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The keeper's answers to a filter that asks it (seccomp_unotify(2), Linux 5.9): libslirp reads
 * /etc/resolv.conf when a guest looks a name up, and the files of the TFTP server. The path is read
 * from the machine's memory once and used from that copy; the keeper opens the file itself and puts
 * the descriptor into the machine, so that nothing the machine changes afterwards matters.
 */
#include "vmm/sandbox/keeper_int.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#ifdef SECCOMP_IOCTL_NOTIF_ADDFD
#define FLAGS_IGNORED (O_CLOEXEC | O_LARGEFILE | O_NOCTTY | O_NONBLOCK)

/* A string of the other process, page by page: what lies behind it may not be mapped. */
static bool path_read(pid_t pid, u64 addr, char *buf, size_t len)
{
	size_t at = 0, n;

	while (at < len) {
		struct iovec local = {buf + at, MIN(len - at, 4096 - (addr + at) % 4096)};
		struct iovec remote = {(void *)(uintptr_t)(addr + at), local.iov_len};
		ssize_t got = process_vm_readv(pid, &local, 1, &remote, 1, 0);

		if (got <= 0)
			return false;
		n = strnlen(buf + at, (size_t)got);
		if (n < (size_t)got)
			return true;
		at += (size_t)got;
	}
	return false;
}

static int open_allowed(const char *path, const struct keeper_right *r, unsigned int n)
{
	int fd;

	for (; n; n--, r++) {
		if (r->right == GM_KEEPER_READ && !strcmp(path, r->path)) {
			fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
			return fd < 0 ? -errno : fd;
		}
		if (r->right == GM_KEEPER_READ_DIR) {
			fd = keeper_open_below(r, path);
			if (fd != -EACCES)
				return fd;
		}
	}
	return -EACCES;
}

/* The descriptor's number in the other process, or -errno. */
static int fd_give(int listener, u64 id, int fd)
{
	struct seccomp_notif_addfd a = {.id = id, .srcfd = (u32)fd, .newfd_flags = O_CLOEXEC};
	int n = ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &a);

	return n < 0 ? -errno : n;
}

/* Where the path is among the arguments, and whether the call opens the file. */
static const struct {
	int nr, path, flags; /* flags: -1 when it only looks */
} calls[] = {
	{SCMP_SYS(open), 0, 1},
	{SCMP_SYS(openat), 1, 2},
	{SCMP_SYS(stat), 0, -1},
	{SCMP_SYS(stat64), 0, -1},
	{SCMP_SYS(newfstatat), 1, -1},
	{SCMP_SYS(fstatat64), 1, -1},
};

static int answer(int listener, const struct seccomp_notif *q, const struct keeper_right *r,
		  unsigned int n, bool *go_on)
{
	char path[PATH_MAX];
	size_t i;
	int fd, ret;

	for (i = 0; i < ARRAY_SIZE(calls) && calls[i].nr != q->data.nr; i++)
		;
	if (i == ARRAY_SIZE(calls) ||
	    !path_read((pid_t)q->pid, q->data.args[calls[i].path], path, sizeof(path)) ||
	    ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &q->id))
		return -EACCES;
	if (path[0] != '/' || (calls[i].flags >= 0 &&
			       ((u32)q->data.args[calls[i].flags] & ~(u32)FLAGS_IGNORED)))
		return -EACCES;
	fd = open_allowed(path, r, n);
	if (fd < 0)
		return fd;
	/* Looking gives nothing away that the filter's fstat() rule does not. */
	*go_on = calls[i].flags < 0;
	ret = *go_on ? 0 : fd_give(listener, q->id, fd);
	close(fd);
	return ret;
}

bool keeper_notify(int fd, const struct keeper_right *rights, unsigned int n)
{
	/* A kernel with longer structures than these headers writes into the room behind them. */
	union {
		struct seccomp_notif q;
		char room[512];
	} q = {0};
	union {
		struct seccomp_notif_resp a;
		char room[512];
	} a = {0};
	bool go_on = false;
	int ret;

	/* Taken back already: the thread got a signal. */
	if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &q))
		return errno == ENOENT || errno == EINTR;
	ret = answer(fd, &q.q, rights, n, &go_on);
	a.a.id = q.q.id;
	a.a.error = ret < 0 ? ret : 0;
	a.a.val = ret > 0 ? ret : 0;
	a.a.flags = go_on ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0;
	return !ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &a) || errno == ENOENT || errno == EINTR;
}
#else
bool keeper_notify(int fd, const struct keeper_right *rights, unsigned int n)
{
	return false;
}
#endif

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where control sockets are: $XDG_RUNTIME_DIR/guestmode, else /run/user/UID/guestmode, else
 * /tmp/guestmode-UID; a folder that is the user's own and closed to others. A machine's name is
 * held by a lock on NAME.lock for as long as its process lives; whoever has the lock may remove a
 * socket that a killed process left.
 */
#include "vmm/control/control_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "vmm/sandbox/keeper.h"

bool gm_control_name_ok(const char *name)
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-";
	size_t n = strlen(name);

	return n && n <= CONTROL_NAME_MAX && name[0] != '.' && strspn(name, ok) == n;
}

static int dir_check(const char *path, char *err, size_t errlen)
{
	struct stat st;

	if (mkdir(path, 0700) && errno != EEXIST) {
		int ret = -errno;

		snprintf(err, errlen, "%s: %s", path, strerror(errno));
		return ret;
	}
	if (lstat(path, &st)) {
		snprintf(err, errlen, "%s: %s", path, strerror(errno));
		return -EACCES;
	}
	if (S_ISDIR(st.st_mode) && st.st_uid == geteuid() && !(st.st_mode & 077))
		return 0;
	snprintf(err, errlen, "%s: must be a folder of your own that is closed to others "
			      "(chmod 700)", path);
	return -EACCES;
}

int gm_control_dir(char *buf, size_t len, char *err, size_t errlen)
{
	const char *xdg = getenv("XDG_RUNTIME_DIR");
	char run[64];
	struct stat st;
	int n;

	snprintf(run, sizeof(run), "/run/user/%u", (unsigned int)geteuid());
	if (xdg && xdg[0] == '/')
		n = snprintf(buf, len, "%s/guestmode", xdg);
	else if (!lstat(run, &st) && S_ISDIR(st.st_mode) && st.st_uid == geteuid())
		n = snprintf(buf, len, "%s/guestmode", run);
	else
		n = snprintf(buf, len, "/tmp/guestmode-%u", (unsigned int)geteuid());
	/* The longest name must still fit into a socket's address. */
	if (n < 0 || (size_t)n >= len ||
	    (size_t)n + 2 + CONTROL_NAME_MAX > sizeof(((struct sockaddr_un *)0)->sun_path)) {
		snprintf(err, errlen, "the path of the runtime folder is too long for sockets; set "
				      "XDG_RUNTIME_DIR to a shorter one");
		return -ENAMETOOLONG;
	}
	return dir_check(buf, err, errlen);
}

/* The lock is good only if the file is still the one that has the name. */
static int lock_take(const char *path)
{
	struct stat a, b;
	int fd, tries;

	for (tries = 0; tries < 10; tries++) {
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0)
			return -errno;
		if (flock(fd, LOCK_EX | LOCK_NB)) {
			close(fd);
			return errno == EWOULDBLOCK ? -EADDRINUSE : -errno;
		}
		if (!fstat(fd, &a) && !stat(path, &b) && a.st_ino == b.st_ino &&
		    a.st_dev == b.st_dev)
			return fd;
		close(fd);
	}
	return -EBUSY;
}

int control_name_take(struct gm_control *c, const char *name, char *err, size_t errlen)
{
	char dir[256], pid[32];
	int ret = gm_control_dir(dir, sizeof(dir), err, errlen), n;

	if (ret)
		return ret;
	if (asprintf(&c->path, "%s/%s", dir, name) < 0)
		c->path = NULL;
	if (asprintf(&c->lock_path, "%s/.%s.lock", dir, name) < 0)
		c->lock_path = NULL;
	if (!c->path || !c->lock_path) {
		ret = -ENOMEM;
		snprintf(err, errlen, "out of memory");
		goto fail;
	}
	c->lock_fd = lock_take(c->lock_path);
	if (c->lock_fd < 0) {
		ret = c->lock_fd;
		if (ret == -EADDRINUSE)
			snprintf(err, errlen, "a machine with the name '%s' is running; stop it "
					      "('vmm stop %s'), or give this one another --name",
				 name, name);
		else
			snprintf(err, errlen, "%s: %s", c->lock_path, strerror(-ret));
		goto fail;
	}
	n = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
	if (ftruncate(c->lock_fd, 0) || pwrite(c->lock_fd, pid, (size_t)n, 0) != n)
		snprintf(err, errlen, "%s: %s", c->lock_path, strerror(errno));
	unlink(c->path);
	ret = gm_keeper_allow(c->keeper, GM_KEEPER_UNLINK, c->lock_path);
	if (!ret)
		return 0;
	snprintf(err, errlen, "%s: %s", c->lock_path, strerror(-ret));
	unlink(c->lock_path);
	close(c->lock_fd);
fail:
	free(c->path);
	free(c->lock_path);
	c->path = c->lock_path = NULL;
	c->lock_fd = -1;
	return ret;
}

void control_name_drop(struct gm_control *c)
{
	if (c->path && c->bound)
		gm_keeper_unlink(c->keeper, c->path);
	if (c->lock_path)
		gm_keeper_unlink(c->keeper, c->lock_path);
	if (c->lock_fd >= 0)
		close(c->lock_fd);
	free(c->path);
	free(c->lock_path);
	c->path = c->lock_path = NULL;
	c->lock_fd = -1;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* The machine's side of its keeper (keeper.h), and what both sides share. */
#include "vmm/sandbox/keeper_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct gm_keeper {
	int sock;
	pid_t pid;
	bool sealed;
	pthread_mutex_t lock; /* over a request and its answer */
};

/* ---- the work itself ---- */

static int save_open(const char *part)
{
	int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY |
				O_NONBLOCK, 0666);

	return fd < 0 ? -errno : fd;
}

static int medium_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	return fd < 0 ? -errno : fd;
}

/* Nobody answered at a socket that is there: it was left behind by a machine that was killed. */
static int listen_at(int fd, const struct sockaddr_un *a)
{
	struct stat st;

	if (!lstat(a->sun_path, &st) && S_ISSOCK(st.st_mode))
		unlink(a->sun_path);
	return bind(fd, (const struct sockaddr *)a, sizeof(*a)) || chmod(a->sun_path, 0600) ||
	       listen(fd, 1);
}

static int join(const char *path, bool first)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd, err;

	if (strlen(path) >= sizeof(a.sun_path))
		return -ENAMETOOLONG;
	strcpy(a.sun_path, path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (first ? !listen_at(fd, &a) : !connect(fd, (struct sockaddr *)&a, sizeof(a)))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

int keeper_do(enum keeper_op op, const char *path, int *fd)
{
	char part[PATH_MAX + 8];
	int ret = 0;

	*fd = -1;
	snprintf(part, sizeof(part), "%s.part", path);
	switch (op) {
	case KEEPER_UNLINK_IT: return unlink(path) ? -errno : 0;
	case KEEPER_SAVE_KEEP: return rename(part, path) ? -errno : 0;
	case KEEPER_SAVE_DROP: return unlink(part) ? -errno : 0;
	case KEEPER_SAVE_OPEN: ret = *fd = save_open(part); break;
	case KEEPER_CONNECT: ret = *fd = join(path, false); break;
	case KEEPER_LISTEN: ret = *fd = join(path, true); break;
	case KEEPER_MEDIUM: ret = *fd = medium_open(path); break;
	default: return -EINVAL;
	}
	return ret < 0 ? ret : 0;
}

/* ---- requests ---- */

/* Returns the descriptor that was asked for, 0 when none was, or -errno. */
static int request(struct gm_keeper *k, struct keeper_msg *m, int send_fd)
{
	struct keeper_reply r = {.ret = -EPIPE};
	ssize_t n;
	int fd = -1;

	pthread_mutex_lock(&k->lock);
	n = gm_fd_send(k->sock, m, sizeof(*m), send_fd);
	if (n >= 0)
		n = gm_fd_recv(k->sock, &r, sizeof(r), 0, &fd);
	pthread_mutex_unlock(&k->lock);
	if (n != sizeof(r))
		return n < 0 ? (int)n : -EPIPE;
	return r.ret || fd < 0 ? r.ret : fd;
}

static int path_set(struct keeper_msg *m, const char *path)
{
	size_t n = strlen(path);

	if (n >= sizeof(m->path))
		return -ENAMETOOLONG;
	memcpy(m->path, path, n + 1);
	return 0;
}

static int ask(struct gm_keeper *k, enum keeper_op op, const char *path)
{
	struct keeper_msg m = {.op = op};
	int fd, ret;

	if (!gm_keeper_sealed(k)) {
		ret = strlen(path) < PATH_MAX ? keeper_do(op, path, &fd) : -ENAMETOOLONG;
		return ret || fd < 0 ? ret : fd;
	}
	ret = path_set(&m, path);
	return ret ? ret : request(k, &m, -1);
}

int gm_keeper_allow(struct gm_keeper *k, enum gm_keeper_right right, const char *path)
{
	struct keeper_msg m = {.op = KEEPER_ALLOW, .right = right};
	int ret = k ? path_set(&m, path) : 0;

	return ret || !k ? ret : request(k, &m, -1);
}

int gm_keeper_seal(struct gm_keeper *k, int notify_fd)
{
	struct keeper_msg m = {.op = KEEPER_SEAL};
	int ret = k ? request(k, &m, notify_fd) : 0;

	if (k && !ret)
		k->sealed = true;
	return ret;
}

bool gm_keeper_sealed(const struct gm_keeper *k)
{
	return k && k->sealed;
}

int gm_keeper_pid(const struct gm_keeper *k)
{
	return k ? (int)k->pid : 0;
}

int gm_keeper_fd(const struct gm_keeper *k)
{
	return k ? k->sock : -1;
}

int gm_keeper_unlink(struct gm_keeper *k, const char *path)
{
	return ask(k, KEEPER_UNLINK_IT, path);
}

int gm_keeper_save(struct gm_keeper *k, const char *path)
{
	return ask(k, KEEPER_SAVE_OPEN, path);
}

int gm_keeper_save_done(struct gm_keeper *k, const char *path, bool keep)
{
	return ask(k, keep ? KEEPER_SAVE_KEEP : KEEPER_SAVE_DROP, path);
}

int gm_keeper_connect(struct gm_keeper *k, const char *path)
{
	return ask(k, KEEPER_CONNECT, path);
}

int gm_keeper_listen(struct gm_keeper *k, const char *path)
{
	return ask(k, KEEPER_LISTEN, path);
}

int gm_keeper_medium(struct gm_keeper *k, const char *path)
{
	return ask(k, KEEPER_MEDIUM, path);
}

/* ---- life ---- */

int gm_keeper_start(struct gm_keeper **out)
{
	struct gm_keeper *k = calloc(1, sizeof(*k));
	int s[2], err;

	if (!k)
		return -ENOMEM;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s)) {
		err = -errno;
		free(k);
		return err;
	}
	k->pid = fork();
	if (!k->pid) {
		close(s[0]);
		keeper_main(s[1]);
	}
	err = -errno;
	close(s[1]);
	if (k->pid < 0) {
		close(s[0]);
		free(k);
		return err;
	}
	k->sock = s[0];
	pthread_mutex_init(&k->lock, NULL);
	*out = k;
	return 0;
}

/* It notices the closed socket and ends; the machine's process is about to end as well, so that
 * nobody needs to wait for it. */
void gm_keeper_stop(struct gm_keeper *k)
{
	if (!k)
		return;
	close(k->sock);
	pthread_mutex_destroy(&k->lock);
	free(k);
}

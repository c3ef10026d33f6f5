// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Character back ends that listen for a client: on a Unix socket, or on a TCP port of the local
 * host (and of no other address). One client at a time; who comes next sees the output that
 * nobody took, up to the ring's bound.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "vmm/loop.h"
#include "vmm/sandbox/keeper.h"
#include "vmm/ui/chardev_int.h"

static void client_gone(struct gm_char *c)
{
	char_unwatch(c, &c->in);
	if (c->in.fd >= 0)
		close(c->in.fd);
	c->in.fd = c->out.fd = -1;
}

static void client_accept(void *opaque, u32 events)
{
	struct gm_char *c = opaque;
	int one = 1, fd = accept4(c->listen.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (c->in.fd >= 0) {
		close(fd);
		return;
	}
	/* Fails harmlessly on a Unix socket. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	c->in.fd = c->out.fd = fd;
	char_watch(c);
}

static int listen_start(struct gm_char *c, const struct sockaddr *sa, socklen_t len)
{
	int one = 1, err, fd = socket(sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (sa->sa_family == AF_INET)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, sa, len) || listen(fd, 1)) {
		err = -errno;
		close(fd);
		return err;
	}
	err = gm_loop_add(c->m->loop, fd, EPOLLIN, client_accept, c);
	if (err) {
		close(fd);
		return err;
	}
	c->listen.fd = fd;
	c->listen.events = EPOLLIN;
	return 0;
}

static void sock_close(struct gm_char *c)
{
	client_gone(c);
	if (c->listen.fd >= 0)
		close(c->listen.fd);
	if (c->path)
		gm_keeper_unlink(c->m->keeper, c->path);
}

/* ---- unix ---- */

/* A socket file that nobody listens on is left over from a program that was killed. */
static void stale_remove(const struct sockaddr_un *sa)
{
	struct stat st;
	int fd;

	if (lstat(sa->sun_path, &st) || !S_ISSOCK(st.st_mode))
		return;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	if (connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) && errno == ECONNREFUSED)
		unlink(sa->sun_path);
	close(fd);
}

static int unix_open(struct gm_char *c, const char *arg, char *err, size_t errlen)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int rc;

	if (strlen(arg) >= sizeof(sa.sun_path)) {
		snprintf(err, errlen, "%s: a socket's path has at most %zu characters", arg,
			 sizeof(sa.sun_path) - 1);
		return -ENAMETOOLONG;
	}
	memcpy(sa.sun_path, arg, strlen(arg) + 1);
	c->path = strdup(arg);
	if (!c->path) {
		snprintf(err, errlen, "%s: out of memory", arg);
		return -ENOMEM;
	}
	stale_remove(&sa);
	rc = gm_keeper_allow(c->m->keeper, GM_KEEPER_UNLINK, arg);
	if (!rc)
		rc = listen_start(c, (struct sockaddr *)&sa, sizeof(sa));
	if (rc) {
		snprintf(err, errlen, "%s: cannot listen: %s", arg, strerror(-rc));
		free(c->path);
		c->path = NULL;
	}
	return rc;
}

const struct char_kind char_unix = {
	.name = "unix:",
	.open = unix_open,
	.close = sock_close,
	.hangup = client_gone,
	.no_wait = true,
};

/* ---- tcp ---- */

static int tcp_open(struct gm_char *c, const char *arg, char *err, size_t errlen)
{
	struct sockaddr_in sa = { .sin_family = AF_INET };
	socklen_t len = sizeof(sa);
	unsigned long port;
	char *end;
	int rc;

	errno = 0;
	port = strtoul(arg, &end, 10);
	if (errno || *end || arg[0] < '0' || arg[0] > '9' || port > 65535) {
		snprintf(err, errlen, "tcp:%s: not a port number from 0 to 65535", arg);
		return -EINVAL;
	}
	sa.sin_port = htons((u16)port);
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	rc = listen_start(c, (struct sockaddr *)&sa, sizeof(sa));
	if (rc) {
		snprintf(err, errlen, "tcp:%s: cannot listen: %s", arg, strerror(-rc));
		return rc;
	}
	if (!port && !getsockname(c->listen.fd, (struct sockaddr *)&sa, &len))
		gm_machine_warn(c->m, "character device is tcp:%u", ntohs(sa.sin_port));
	return 0;
}

const struct char_kind char_tcp = {
	.name = "tcp:",
	.open = tcp_open,
	.close = sock_close,
	.hangup = client_gone,
	.no_wait = true,
};

// SPDX-License-Identifier: GPL-2.0-or-later
/* The gdb server's socket and its one client. Whoever connects stops the machine; it goes on when he
 * leaves. */
#include "vmm/gdb/gdb_int.h"

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

/* ---- the client ---- */

static void client_watch(struct gm_gdb *g)
{
	u32 want = EPOLLIN | (g->out_at < g->out_len ? EPOLLOUT : 0);

	if (want != g->watched && !gm_loop_modify(g->m->loop, g->fd, want))
		g->watched = want;
}

void gdb_flush(struct gm_gdb *g)
{
	ssize_t n;

	while (g->fd >= 0 && g->out_at < g->out_len && !g->broken) {
		n = send(g->fd, g->out + g->out_at, g->out_len - g->out_at,
			 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			g->broken = errno != EAGAIN;
			break;
		}
		g->out_at += (size_t)n;
	}
	if (g->fd >= 0)
		client_watch(g);
}

static void client_close(struct gm_gdb *g)
{
	gm_loop_remove(g->m->loop, g->fd);
	close(g->fd);
	g->fd = -1;
	gdb_release(g);
}

static void client_ready(void *opaque, u32 events)
{
	struct gm_gdb *g = opaque;
	ssize_t n = 1;

	if (events & EPOLLOUT)
		gdb_flush(g);
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
		n = recv(g->fd, g->in + g->in_len, GDB_PACKET_MAX - g->in_len, MSG_DONTWAIT);
		if (n > 0) {
			g->in_len += (size_t)n;
			gdb_input(g);
		}
	}
	if (g->broken || n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		client_close(g);
}

static void client_new(void *opaque, u32 events)
{
	struct gm_gdb *g = opaque;
	int fd = accept4(g->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK), one = 1;

	if (fd < 0)
		return;
	if (g->fd >= 0 || g->m->state == GM_STATE_ENDED ||
	    gm_loop_add(g->m->loop, fd, EPOLLIN, client_ready, g)) {
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	g->fd = fd;
	g->watched = EPOLLIN;
	g->in_len = g->out_at = g->out_len = g->reply_len = 0;
	g->no_ack = g->broken = g->running = g->physical = false;
	g->cpu = g->stop_cpu = 0;
	gdb_hold(g);
	g->event.set = false;
	if (gdb_regs_init(g))
		client_close(g);
}

/* ---- the listener ---- */

static int listen_unix(struct gm_gdb *g, const char *path, char *err, size_t errlen)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	struct stat st;

	if (strlen(path) >= sizeof(a.sun_path)) {
		snprintf(err, errlen, "--gdb: %s: too long for a socket's path", path);
		return -ENAMETOOLONG;
	}
	strcpy(a.sun_path, path);
	g->path = strdup(path);
	g->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (!lstat(path, &st) && S_ISSOCK(st.st_mode))
		unlink(path);
	if (g->path && g->listen_fd >= 0 &&
	    !gm_keeper_allow(g->m->keeper, GM_KEEPER_UNLINK, path) &&
	    !bind(g->listen_fd, (struct sockaddr *)&a, sizeof(a)) && !listen(g->listen_fd, 1))
		return 0;
	snprintf(err, errlen, "--gdb: %s: %s", path, strerror(errno));
	return -EIO;
}

static int listen_tcp(struct gm_gdb *g, const char *spec, char *err, size_t errlen)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const char *colon = strrchr(spec, ':'), *port = colon ? colon + 1 : spec;
	socklen_t len = sizeof(a);
	char host[64], *end;
	unsigned long n = strtoul(port, &end, 10);
	int one = 1;

	snprintf(host, sizeof(host), "%.*s", colon ? (int)MIN(colon - spec, 63) : 0, spec);
	if (end == port || *end || n > 65535 ||
	    (host[0] && inet_pton(AF_INET, host, &a.sin_addr) != 1)) {
		snprintf(err, errlen, "--gdb: '%s' is neither [ADDRESS:]PORT nor unix:PATH", spec);
		return -EINVAL;
	}
	a.sin_port = htons((u16)n);
	g->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (g->listen_fd >= 0)
		setsockopt(g->listen_fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (g->listen_fd < 0 || bind(g->listen_fd, (struct sockaddr *)&a, sizeof(a)) ||
	    listen(g->listen_fd, 1) || getsockname(g->listen_fd, (struct sockaddr *)&a, &len)) {
		snprintf(err, errlen, "--gdb: %s: %s", spec, strerror(errno));
		return -EIO;
	}
	g->port = ntohs(a.sin_port);
	return 0;
}

static int option(struct gm_gdb *g, const char *o, char *err, size_t errlen)
{
	static const char *const archs[] = {"auto", "i8086", "i386", "x86-64"};
	size_t i;

	if (!strcmp(o, "wait")) {
		g->m->held = true;
		return 0;
	}
	for (i = 0; !strncmp(o, "arch=", 5) && i < ARRAY_SIZE(archs); i++) {
		if (strcmp(o + 5, archs[i]))
			continue;
		g->arch_wanted = (enum gdb_arch)i;
		return 0;
	}
	snprintf(err, errlen, "--gdb: '%s' is not known (wait, arch=auto|i8086|i386|x86-64)", o);
	return -EINVAL;
}

static int start(struct gm_gdb *g, char *spec, char *err, size_t errlen)
{
	char *save = NULL, *where = strtok_r(spec, ",", &save), *o;
	int ret = 0;

	while (!ret && (o = strtok_r(NULL, ",", &save)))
		ret = option(g, o, err, errlen);
	if (ret)
		return ret;
	if (where && !strncmp(where, "unix:", 5))
		ret = listen_unix(g, where + 5, err, errlen);
	else
		ret = listen_tcp(g, where ? where : "", err, errlen);
	if (ret)
		return ret;
	ret = gm_loop_add(g->m->loop, g->listen_fd, EPOLLIN, client_new, g);
	if (ret)
		snprintf(err, errlen, "--gdb: %s", strerror(-ret));
	return ret;
}

int gm_gdb_start(struct gm_machine *m, const char *spec, struct gm_control *control,
		 struct gm_gdb **out, char *err, size_t errlen)
{
	struct gm_gdb *g = calloc(1, sizeof(*g));
	char *copy = strdup(spec);
	int ret = -ENOMEM;

	if (g && copy) {
		g->m = m;
		g->control = control;
		g->fd = g->listen_fd = -1;
		gdb_run_init(g);
		ret = start(g, copy, err, errlen);
	} else {
		snprintf(err, errlen, "out of memory");
		free(g);
		g = NULL;
	}
	free(copy);
	if (ret)
		gm_gdb_stop(g);
	else
		*out = g;
	return ret;
}

unsigned int gm_gdb_port(const struct gm_gdb *g)
{
	return g->port;
}

void gm_gdb_stop(struct gm_gdb *g)
{
	if (!g)
		return;
	gdb_run_fini(g);
	if (g->fd >= 0) {
		gdb_put(g, "W00");
		gdb_reply(g);
		gm_loop_remove(g->m->loop, g->fd);
		close(g->fd);
	}
	if (g->listen_fd >= 0) {
		gm_loop_remove(g->m->loop, g->listen_fd);
		close(g->listen_fd);
	}
	if (g->path)
		gm_keeper_unlink(g->m->keeper, g->path);
	free(g->path);
	free(g->xml);
	free(g->out);
	free(g);
}

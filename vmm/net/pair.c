// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pair: a cable between two machines, a UNIX socket that keeps frames apart (SOCK_SEQPACKET).
 * The machine that finds nobody at the path listens there; the other one connects. When the peer
 * ends, the cable counts as pulled, and whoever is left listens again. Each packet is one frame.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "vmm/net/net_int.h"
#include "vmm/sandbox/keeper.h"

#define RETRY_NS (200 * 1000000ULL)

struct pair {
	int listener, fd;      /* -1: not there */
	bool fixed;            /* given as a descriptor: there is no way to connect again */
	u32 events;            /* what the loop watches fd for; 0: not in the loop */
	bool stopped;          /* the card has no room: do not read */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct gm_timer retry;
	struct net_queue tx;   /* for a peer that is slow to read */
	u8 buf[GM_NET_FRAME_MAX];
};

static void pair_event(void *opaque, u32 events);
static void pair_accept(void *opaque, u32 events);

static void pair_watch(struct gm_net *n)
{
	struct pair *p = n->priv;
	u32 want = p->fd < 0 ? 0 : (p->stopped ? 0 : EPOLLIN) | (p->tx.head ? EPOLLOUT : 0) | EPOLLRDHUP;

	if (p->fd < 0 || want == p->events)
		return;
	if (!p->events)
		gm_loop_add(n->m->loop, p->fd, want, pair_event, n);
	else
		gm_loop_modify(n->m->loop, p->fd, want);
	p->events = want;
}

static void pair_connected(struct gm_net *n, int fd)
{
	struct pair *p = n->priv;

	p->fd = fd;
	p->events = 0;
	p->stopped = net_waiting(n);
	pair_watch(n);
	net_link_set(n, true);
}

static void pair_unlisten(struct gm_net *n)
{
	struct pair *p = n->priv;

	if (p->listener < 0)
		return;
	gm_loop_remove(n->m->loop, p->listener);
	close(p->listener);
	p->listener = -1;
	gm_keeper_unlink(n->m->keeper, p->path);
}

static void pair_gone(struct gm_net *n)
{
	struct pair *p = n->priv;

	if (p->fd < 0)
		return;
	if (p->events)
		gm_loop_remove(n->m->loop, p->fd);
	close(p->fd);
	p->fd = -1;
	p->events = 0;
	net_queue_clear(&p->tx);
	net_link_set(n, false);
	if (!p->fixed && p->listener < 0)
		gm_timer_set(&p->retry, gm_clock_now(n->m->clock) + RETRY_NS);
}

/* A third machine is turned away while there is a peer. */
static void pair_accept(void *opaque, u32 events)
{
	struct gm_net *n = opaque;
	struct pair *p = n->priv;
	int fd = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	if (p->fd >= 0)
		close(fd);
	else
		pair_connected(n, fd);
}

static int pair_listen(struct gm_net *n)
{
	struct pair *p = n->priv;
	int err;

	p->listener = gm_keeper_listen(n->m->keeper, p->path);
	if (p->listener < 0) {
		err = p->listener;
		p->listener = -1;
		return err;
	}
	err = gm_loop_add(n->m->loop, p->listener, EPOLLIN, pair_accept, n);
	if (err) {
		close(p->listener);
		p->listener = -1;
		gm_keeper_unlink(n->m->keeper, p->path);
	}
	return err;
}

/* Connects to who listens at the path, or else listens there. */
static int pair_join(struct gm_net *n)
{
	struct pair *p = n->priv;
	int fd = gm_keeper_connect(n->m->keeper, p->path);

	if (fd >= 0) {
		pair_connected(n, fd);
		return 0;
	}
	return fd == -ENOENT || fd == -ECONNREFUSED ? pair_listen(n) : fd;
}

static void pair_retry(void *opaque)
{
	struct gm_net *n = opaque;
	struct pair *p = n->priv;

	if (p->fd < 0 && p->listener < 0 && pair_join(n))
		gm_timer_set(&p->retry, gm_clock_now(n->m->clock) + RETRY_NS);
}

static void pair_flush(struct gm_net *n)
{
	struct pair *p = n->priv;

	while (p->tx.head) {
		ssize_t ret = send(p->fd, p->tx.head->data, p->tx.head->len,
				   MSG_DONTWAIT | MSG_NOSIGNAL);

		if (ret < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOBUFS))
			return;
		if (ret < 0 && errno != EMSGSIZE) {
			pair_gone(n);
			return;
		}
		net_queue_drop(&p->tx);
	}
}

static void pair_read(struct gm_net *n)
{
	struct pair *p = n->priv;
	int left = NET_ROUND;

	while (left-- && p->fd >= 0 && !p->stopped) {
		ssize_t len = recv(p->fd, p->buf, sizeof(p->buf), MSG_DONTWAIT | MSG_TRUNC);

		if (len < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (len <= 0) {
			pair_gone(n);
			return;
		}
		/* net_deliver() throws away a frame longer than the buffer before it looks. */
		if (!net_deliver(n, p->buf, (size_t)len))
			p->stopped = true;
	}
}

static void pair_event(void *opaque, u32 events)
{
	struct gm_net *n = opaque;
	struct pair *p = n->priv;

	if (events & EPOLLOUT)
		pair_flush(n);
	if (p->fd >= 0 && events & EPOLLIN)
		pair_read(n);
	else if (p->fd >= 0 && events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP))
		pair_gone(n);
	pair_watch(n);
}

static int pair_open_path(struct gm_net *n, const char *path, char *err, size_t errlen)
{
	struct pair *p = n->priv;
	int ret;

	if (strlen(path) >= sizeof(p->path)) {
		snprintf(err, errlen, "pair: %s: the path is too long for a socket", path);
		return -EINVAL;
	}
	strcpy(p->path, path);
	n->link = false;
	ret = gm_keeper_allow(n->m->keeper, GM_KEEPER_JOIN, path);
	if (!ret)
		ret = pair_join(n);
	if (ret)
		snprintf(err, errlen, "pair: %s: %s", path, strerror(-ret));
	snprintf(n->about, sizeof(n->about), "pair %.120s", path);
	return ret;
}

static int pair_open_fd(struct gm_net *n, int fd, char *err, size_t errlen)
{
	struct pair *p = n->priv;
	socklen_t len = sizeof(int);
	int type = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) ||
	    (type != SOCK_SEQPACKET && type != SOCK_DGRAM)) {
		snprintf(err, errlen, "pair: fd=%d: not a socket that keeps packets apart", fd);
		return -EINVAL;
	}
	p->fixed = true;
	snprintf(n->about, sizeof(n->about), "pair fd %d", fd);
	pair_connected(n, fd);
	return 0;
}

static int pair_open(struct gm_net *n, const struct gm_net_options *o, char *err, size_t errlen)
{
	struct pair *p = calloc(1, sizeof(*p));
	int ret;

	if (!p)
		return -ENOMEM;
	p->listener = p->fd = -1;
	net_queue_init(&p->tx);
	gm_timer_init(&p->retry, n->m->clock, pair_retry, n);
	n->priv = p;
	if (o->path)
		ret = pair_open_path(n, o->path, err, errlen);
	else
		ret = pair_open_fd(n, o->fd, err, errlen);
	if (ret)
		free(p);
	return ret;
}

static void pair_close(struct gm_net *n)
{
	struct pair *p = n->priv;

	p->fixed = true; /* do not try again */
	pair_gone(n);
	pair_unlisten(n);
	gm_timer_cancel(&p->retry);
	net_queue_clear(&p->tx);
	free(p);
}

static void pair_send(struct gm_net *n, const u8 *frame, size_t len)
{
	struct pair *p = n->priv;

	if (p->fd < 0 || !net_queue_put(&p->tx, frame, len)) {
		n->stats.tx_dropped++;
		return;
	}
	pair_flush(n);
	pair_watch(n);
}

static void pair_ready(struct gm_net *n)
{
	struct pair *p = n->priv;

	p->stopped = false;
	pair_watch(n);
}

const struct net_kind net_kind_pair = {
	.name = "pair",
	.open = pair_open,
	.close = pair_close,
	.send = pair_send,
	.ready = pair_ready,
};

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * User networking: libslirp plays a router at 10.0.2.2 with DHCP, DNS (10.0.2.3) and TFTP, and
 * turns the guest's connections into the process's own sockets. Needs no privilege.
 *
 * libslirp wants to be asked for its descriptors before each wait. They live in an epoll set of
 * their own, which stands in the I/O loop as one descriptor and is brought up to date after
 * everything that may have changed what libslirp waits for.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <slirp/libslirp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vmm/net/net_int.h"

#define USER_FDS_MAX 1024 /* sockets at a time; libslirp closes idle ones only late */
#define NSEC_PER_MS  1000000ULL

struct user_fd {
	int fd;
	u32 want, have; /* epoll events: asked for in this round, in the set */
	u32 ready;      /* what the last wait reported */
};

struct user {
	struct gm_net *n;
	Slirp *slirp;
	int epfd;
	struct user_fd fds[USER_FDS_MAX]; /* dense; index as told to libslirp */
	unsigned int nfds;
	struct gm_timer timer; /* libslirp's time-outs */
};

struct user_timer {
	struct gm_timer t;
	struct user *u;
	SlirpTimerId id;
	void *opaque;
};

static void user_refill(struct user *u);

/* ---- what libslirp calls ---- */

static ssize_t user_cb_send(const void *buf, size_t len, void *opaque)
{
	struct user *u = opaque;

	net_deliver(u->n, buf, len);
	return (ssize_t)len;
}

/* What a guest does wrong is its own affair. */
static void user_cb_guest_error(const char *msg, void *opaque)
{
}

static int64_t user_cb_clock(void *opaque)
{
	struct user *u = opaque;

	return (int64_t)gm_clock_now(u->n->m->clock);
}

static void user_timer_fire(void *opaque)
{
	struct user_timer *t = opaque;

	slirp_handle_timer(t->u->slirp, t->id, t->opaque);
	user_refill(t->u);
}

static void *user_cb_timer_new(SlirpTimerId id, void *cb_opaque, void *opaque)
{
	struct user_timer *t = calloc(1, sizeof(*t));
	struct user *u = opaque;

	if (!t)
		return NULL;
	t->u = u;
	t->id = id;
	t->opaque = cb_opaque;
	gm_timer_init(&t->t, u->n->m->clock, user_timer_fire, t);
	return t;
}

static void user_cb_timer_free(void *timer, void *opaque)
{
	struct user_timer *t = timer;

	if (t)
		gm_timer_cancel(&t->t);
	free(t);
}

static void user_cb_timer_mod(void *timer, int64_t ms, void *opaque)
{
	struct user_timer *t = timer;

	if (t)
		gm_timer_set(&t->t, ms < 0 ? 0 : (u64)ms * NSEC_PER_MS);
}

/* A socket was opened, perhaps under the number of one that was closed and so left the set. */
static void user_cb_register(int fd, void *opaque)
{
	struct user *u = opaque;
	unsigned int i;

	for (i = 0; i < u->nfds; i++)
		if (u->fds[i].fd == fd)
			u->fds[i].have = 0;
}

static void user_cb_unregister(int fd, void *opaque)
{
}

static void user_cb_notify(void *opaque)
{
}

static const SlirpCb user_callbacks = {
	.send_packet = user_cb_send,
	.guest_error = user_cb_guest_error,
	.clock_get_ns = user_cb_clock,
	.timer_new_opaque = user_cb_timer_new,
	.timer_free = user_cb_timer_free,
	.timer_mod = user_cb_timer_mod,
	.register_poll_fd = user_cb_register,
	.unregister_poll_fd = user_cb_unregister,
	.notify = user_cb_notify,
};

/* ---- descriptors ---- */

static u32 events_from_slirp(int ev)
{
	return (ev & SLIRP_POLL_IN ? EPOLLIN : 0) | (ev & SLIRP_POLL_OUT ? EPOLLOUT : 0) |
	       (ev & SLIRP_POLL_PRI ? EPOLLPRI : 0) | (ev & SLIRP_POLL_ERR ? EPOLLERR : 0) |
	       (ev & SLIRP_POLL_HUP ? EPOLLHUP : 0);
}

static int events_to_slirp(u32 ev)
{
	return (ev & EPOLLIN ? SLIRP_POLL_IN : 0) | (ev & EPOLLOUT ? SLIRP_POLL_OUT : 0) |
	       (ev & EPOLLPRI ? SLIRP_POLL_PRI : 0) | (ev & EPOLLERR ? SLIRP_POLL_ERR : 0) |
	       (ev & EPOLLHUP ? SLIRP_POLL_HUP : 0);
}

static int user_add_poll(int fd, int events, void *opaque)
{
	struct user *u = opaque;
	unsigned int i;

	for (i = 0; i < u->nfds; i++)
		if (u->fds[i].fd == fd)
			break;
	if (i == u->nfds) {
		if (u->nfds == USER_FDS_MAX)
			return -1;
		u->fds[u->nfds++] = (struct user_fd){.fd = fd};
	}
	u->fds[i].want |= events_from_slirp(events) | (1u << 31);
	return (int)i;
}

static int user_get_revents(int idx, void *opaque)
{
	struct user *u = opaque;

	if (idx < 0 || idx >= (int)u->nfds)
		return 0;
	return events_to_slirp(u->fds[idx].ready);
}

/* A closed descriptor has left the epoll set by itself, and its number may be another socket's
 * by now: then MOD fails and ADD is right, or the other way round. */
static void user_fd_apply(struct user *u, struct user_fd *f, unsigned int i)
{
	struct epoll_event ev = {.events = f->want & ~(1u << 31), .data.u32 = i};

	if (epoll_ctl(u->epfd, EPOLL_CTL_MOD, f->fd, &ev) && errno == ENOENT)
		epoll_ctl(u->epfd, EPOLL_CTL_ADD, f->fd, &ev);
}

static void user_refill(struct user *u)
{
	uint32_t timeout = UINT32_MAX;
	unsigned int i, kept = 0;

	for (i = 0; i < u->nfds; i++)
		u->fds[i].want = 0;
	slirp_pollfds_fill(u->slirp, &timeout, user_add_poll, u);
	for (i = 0; i < u->nfds; i++) {
		struct user_fd *f = &u->fds[i];

		if (!f->want) {
			epoll_ctl(u->epfd, EPOLL_CTL_DEL, f->fd, NULL);
			continue;
		}
		if (kept != i || f->want != f->have) {
			u->fds[kept] = *f;
			user_fd_apply(u, &u->fds[kept], kept);
			u->fds[kept].have = f->want;
		}
		kept++;
	}
	u->nfds = kept;
	if (timeout == UINT32_MAX)
		gm_timer_cancel(&u->timer);
	else
		gm_timer_set(&u->timer,
			     gm_clock_now(u->n->m->clock) + MAX(timeout, 1u) * NSEC_PER_MS);
}

/* The indices must be those of now: libslirp may have opened and closed sockets since. */
static void user_poll(struct user *u)
{
	struct epoll_event ev[64];
	uint32_t timeout = UINT32_MAX;
	unsigned int i;
	int k, n;

	slirp_pollfds_fill(u->slirp, &timeout, user_add_poll, u);
	for (i = 0; i < u->nfds; i++)
		u->fds[i].ready = 0;
	n = epoll_wait(u->epfd, ev, ARRAY_SIZE(ev), 0);
	for (k = 0; k < n; k++)
		if (ev[k].data.u32 < u->nfds)
			u->fds[ev[k].data.u32].ready = ev[k].events;
	slirp_pollfds_poll(u->slirp, 0, user_get_revents, u);
	user_refill(u);
}

static void user_event(void *opaque, u32 events)
{
	user_poll(opaque);
}

static void user_timeout(void *opaque)
{
	user_poll(opaque);
}

/* ---- options ---- */

struct forward {
	bool udp;
	struct in_addr host, guest;
	int host_port, guest_port;
};

static bool port_parse(const char *s, int *out)
{
	char *end;
	long v = strtol(s, &end, 10);

	*out = (int)v;
	return end != s && !*end && v > 0 && v < 65536;
}

/* "tcp:[ADDRESS:]PORT:[ADDRESS:]PORT"; without addresses 127.0.0.1 and whom DHCP serves first. */
static bool forward_parse(const char *text, struct forward *f)
{
	char copy[128], *part[5], *save = NULL, *p;
	unsigned int n = 0, at = 1;

	if (strlen(text) >= sizeof(copy))
		return false;
	strcpy(copy, text);
	for (p = strtok_r(copy, ":", &save); p; p = strtok_r(NULL, ":", &save)) {
		if (n == ARRAY_SIZE(part))
			return false;
		part[n++] = p;
	}
	*f = (struct forward){.host.s_addr = htonl(INADDR_LOOPBACK)};
	if (n < 3 || (strcmp(part[0], "tcp") && strcmp(part[0], "udp")))
		return false;
	f->udp = part[0][0] == 'u';
	if (strchr(part[at], '.') && !inet_aton(part[at++], &f->host))
		return false;
	if (at >= n || !port_parse(part[at++], &f->host_port) || at >= n)
		return false;
	if (strchr(part[at], '.') && !inet_aton(part[at++], &f->guest))
		return false;
	return at + 1 == n && port_parse(part[at], &f->guest_port);
}

bool gm_net_forward_valid(const char *text)
{
	struct forward f;

	return forward_parse(text, &f);
}

static int user_forward(struct user *u, const char *text, char *err, size_t errlen)
{
	struct forward f;

	if (!forward_parse(text, &f)) {
		snprintf(err, errlen, "forward=%s: not understood (tcp:2222:22)", text);
		return -EINVAL;
	}
	if (slirp_add_hostfwd(u->slirp, f.udp, f.host, f.host_port, f.guest, f.guest_port)) {
		snprintf(err, errlen, "forward=%s: port %d: %s", text, f.host_port,
			 strerror(errno));
		return -EADDRINUSE;
	}
	return 0;
}

static void user_config(SlirpConfig *c, const struct gm_net_options *o)
{
	*c = (SlirpConfig){.version = 4, .restricted = o->restrict_host, .in_enabled = true,
			   .in6_enabled = true, .vprefix_len = 64, .vhostname = "vmm",
			   .tftp_path = o->tftp, .bootfile = o->bootfile};
	inet_aton("10.0.2.0", &c->vnetwork);
	inet_aton("255.255.255.0", &c->vnetmask);
	inet_aton("10.0.2.2", &c->vhost);
	inet_aton("10.0.2.15", &c->vdhcp_start);
	inet_aton("10.0.2.3", &c->vnameserver);
	inet_pton(AF_INET6, "fec0::", &c->vprefix_addr6);
	inet_pton(AF_INET6, "fec0::2", &c->vhost6);
	inet_pton(AF_INET6, "fec0::3", &c->vnameserver6);
}

static void user_free(struct user *u)
{
	if (u->epfd >= 0)
		gm_loop_remove(u->n->m->loop, u->epfd);
	if (u->slirp)
		slirp_cleanup(u->slirp);
	gm_timer_cancel(&u->timer);
	if (u->epfd >= 0)
		close(u->epfd);
	free(u);
}

static int user_open(struct gm_net *n, const struct gm_net_options *o, char *err, size_t errlen)
{
	struct user *u = calloc(1, sizeof(*u));
	SlirpConfig cfg;
	unsigned int i;
	int ret = -ENOMEM;

	if (!u)
		return -ENOMEM;
	u->n = n;
	n->priv = u;
	gm_timer_init(&u->timer, n->m->clock, user_timeout, u);
	u->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (u->epfd < 0 || gm_loop_add(n->m->loop, u->epfd, EPOLLIN, user_event, u)) {
		snprintf(err, errlen, "user networking: %s", strerror(errno));
		goto fail;
	}
	if (o->tftp && access(o->tftp, R_OK | X_OK)) {
		snprintf(err, errlen, "tftp=%s: %s", o->tftp, strerror(errno));
		ret = -errno;
		goto fail;
	}
	user_config(&cfg, o);
	u->slirp = slirp_new(&cfg, &user_callbacks, u);
	if (!u->slirp) {
		snprintf(err, errlen, "user networking cannot be set up (is bootfile= too long?)");
		ret = -EINVAL;
		goto fail;
	}
	for (i = 0; i < o->nforwards; i++) {
		ret = user_forward(u, o->forwards[i], err, errlen);
		if (ret)
			goto fail;
	}
	user_refill(u);
	return 0;
fail:
	user_free(u);
	return ret;
}

static void user_close(struct gm_net *n)
{
	user_free(n->priv);
}

static void user_send(struct gm_net *n, const u8 *frame, size_t len)
{
	struct user *u = n->priv;

	slirp_input(u->slirp, frame, (int)len);
	user_refill(u);
}

const struct net_kind net_kind_user = {
	.name = "user",
	.open = user_open,
	.close = user_close,
	.send = user_send,
};

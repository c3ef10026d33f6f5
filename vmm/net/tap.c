// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tap: frames go to an interface of the host's kernel, as if it were the other end of the cable.
 * scripts/vmm-ifup makes an interface that belongs to a user, who then needs no privilege.
 * Source: Linux, Documentation/networking/tuntap.rst.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmm/net/net_int.h"

struct tap {
	int fd;
	bool reading; /* in the loop */
	u8 buf[GM_NET_FRAME_MAX];
};

static void tap_watch(struct gm_net *n, bool on);

/* The interface was deleted, or the driver is gone: the cable is pulled. */
static void tap_vanished(struct gm_net *n, int err)
{
	struct tap *t = n->priv;

	if (t->fd < 0)
		return;
	gm_machine_warn(n->m, "%s: the interface of %s is gone: %s", n->id, n->about,
			strerror(err));
	tap_watch(n, false);
	close(t->fd);
	t->fd = -1;
	net_link_set(n, false);
}

static void tap_event(void *opaque, u32 events)
{
	struct gm_net *n = opaque;
	struct tap *t = n->priv;
	int left = NET_ROUND;

	while (left-- && t->fd >= 0) {
		ssize_t len = read(t->fd, t->buf, sizeof(t->buf));

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0 && errno == EAGAIN && !(events & (EPOLLERR | EPOLLHUP)))
			return;
		/* Down but there: frames just do not come. */
		if (len < 0 && errno == EIO && !(events & EPOLLHUP))
			return;
		if (len <= 0) {
			tap_vanished(n, len ? errno : ENODEV);
			return;
		}
		if (!net_deliver(n, t->buf, (size_t)len)) {
			tap_watch(n, false);
			return;
		}
	}
}

static void tap_watch(struct gm_net *n, bool on)
{
	struct tap *t = n->priv;

	if (t->fd < 0 || t->reading == on)
		return;
	if (on && gm_loop_add(n->m->loop, t->fd, EPOLLIN, tap_event, n))
		return;
	if (!on)
		gm_loop_remove(n->m->loop, t->fd);
	t->reading = on;
}

/* Runs "SCRIPT up IFNAME" and waits for it. */
static int tap_script(const char *script, const char *ifname, char *err, size_t errlen)
{
	int status = 0;
	pid_t pid = fork();

	if (!pid) {
		execl(script, script, "up", ifname, (char *)NULL);
		_exit(127);
	}
	if (pid < 0) {
		snprintf(err, errlen, "script=%s: %s", script, strerror(errno));
		return -errno;
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	snprintf(err, errlen, "script=%s: %s", script,
		 WIFEXITED(status) && WEXITSTATUS(status) == 127 ? "cannot be run" : "it failed");
	return -EINVAL;
}

static int tap_attach(struct tap *t, const struct gm_net_options *o, char *err, size_t errlen)
{
	struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI};

	if (strlen(o->ifname) >= sizeof(ifr.ifr_name)) {
		snprintf(err, errlen, "ifname=%s: the name is too long", o->ifname);
		return -EINVAL;
	}
	strcpy(ifr.ifr_name, o->ifname);
	t->fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (t->fd < 0) {
		snprintf(err, errlen, "tap: /dev/net/tun: %s%s", strerror(errno),
			 errno == ENOENT ? " (load the kernel's module tun)" : "");
		return -ENODEV;
	}
	if (!ioctl(t->fd, TUNSETIFF, &ifr))
		return o->script ? tap_script(o->script, o->ifname, err, errlen) : 0;
	if (errno == EPERM)
		snprintf(err, errlen, "tap: %s: not permitted: make the interface for this user "
			 "first: sudo ip tuntap add dev %s mode tap user \"$USER\"", o->ifname,
			 o->ifname);
	else if (errno == EBUSY)
		snprintf(err, errlen, "tap: %s: another program uses it", o->ifname);
	else
		snprintf(err, errlen, "tap: %s: %s", o->ifname, strerror(errno));
	return -EINVAL;
}

static int tap_open(struct gm_net *n, const struct gm_net_options *o, char *err, size_t errlen)
{
	struct tap *t = calloc(1, sizeof(*t));
	int ret;

	if (!t)
		return -ENOMEM;
	ret = tap_attach(t, o, err, errlen);
	if (ret) {
		if (t->fd > 0)
			close(t->fd);
		free(t);
		return ret;
	}
	n->priv = t;
	snprintf(n->about, sizeof(n->about), "tap %s", o->ifname);
	tap_watch(n, true);
	return 0;
}

static void tap_close(struct gm_net *n)
{
	struct tap *t = n->priv;

	tap_watch(n, false);
	if (t->fd >= 0)
		close(t->fd);
	free(t);
}

static void tap_send(struct gm_net *n, const u8 *frame, size_t len)
{
	struct tap *t = n->priv;
	ssize_t ret;

	do
		ret = write(t->fd, frame, len);
	while (ret < 0 && errno == EINTR);
	if (ret >= 0)
		return;
	n->stats.tx_dropped++;
	/* EIO: the interface is down. EAGAIN, ENOBUFS: its queue is full; the wire loses frames. */
	if (errno == EBADFD || errno == ENODEV || errno == EBADF)
		tap_vanished(n, errno);
}

static void tap_ready(struct gm_net *n)
{
	tap_watch(n, true);
}

const struct net_kind net_kind_tap = {
	.name = "tap",
	.open = tap_open,
	.close = tap_close,
	.send = tap_send,
	.ready = tap_ready,
};

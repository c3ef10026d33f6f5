// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Character back ends: what is common to all of them. Output is put in a ring and sent by the
 * I/O loop when the descriptor takes it, so that a vCPU never waits and single bytes of a serial
 * port travel in batches; input is read only as far as the device has room.
 */
#include "vmm/ui/chardev_int.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>
#include "vmm/loop.h"

#define POLL_NS      (2 * 1000000ULL)
#define FLUSH_MS     2000
#define ESCAPE_KEY   1 /* Ctrl-A */

/* ---- rings ---- */

static void ring_grow(struct char_ring *r, size_t want)
{
	size_t cap = r->cap ? r->cap : MIN((size_t)CHAR_RING_MIN, r->max);
	u8 *buf;

	while (cap < want && cap < r->max)
		cap *= 2;
	if (cap == r->cap)
		return;
	buf = malloc(cap);
	if (!buf)
		return;
	r->len = char_ring_copy(r, buf, r->len);
	free(r->buf);
	r->buf = buf;
	r->cap = cap;
	r->head = 0;
}

void char_ring_put(struct char_ring *r, const u8 *buf, size_t len)
{
	size_t at, n;

	if (r->len + len > r->cap)
		ring_grow(r, r->len + len);
	if (len > r->cap) {
		buf += len - r->cap;
		len = r->cap;
	}
	if (!len)
		return;
	if (r->len + len > r->cap)
		char_ring_drop(r, r->len + len - r->cap);
	at = (r->head + r->len) & (r->cap - 1);
	n = MIN(len, r->cap - at);
	memcpy(r->buf + at, buf, n);
	memcpy(r->buf, buf + n, len - n);
	r->len += len;
}

const u8 *char_ring_peek(const struct char_ring *r, size_t *len)
{
	*len = MIN(r->len, r->cap - r->head);
	return r->buf + r->head;
}

void char_ring_drop(struct char_ring *r, size_t len)
{
	len = MIN(len, r->len);
	r->len -= len;
	r->head = r->len ? (r->head + len) & (r->cap - 1) : 0;
}

/* Copies the newest `len` bytes, or fewer where there are fewer. */
size_t char_ring_copy(const struct char_ring *r, u8 *buf, size_t len)
{
	size_t i, skip;

	len = MIN(len, r->len);
	skip = r->len - len;
	for (i = 0; i < len; i++)
		buf[i] = r->buf[(r->head + skip + i) & (r->cap - 1)];
	return len;
}

/* ---- input ---- */

size_t char_room(struct gm_char *c)
{
	return c->has_client && c->client.can_receive ? c->client.can_receive(c->client.opaque) : 0;
}

static void deliver_raw(struct gm_char *c, const u8 *buf, size_t len)
{
	if (len && c->has_client && c->client.receive)
		c->client.receive(c->client.opaque, buf, len);
}

/* The escape key and the key after it are taken out of what goes to the device. */
void char_deliver(struct gm_char *c, const u8 *buf, size_t len)
{
	size_t i, start = 0;

	if (!c->escape) {
		deliver_raw(c, buf, len);
		return;
	}
	for (i = 0; i < len; i++) {
		if (!c->escape_armed) {
			if (buf[i] != ESCAPE_KEY)
				continue;
			deliver_raw(c, buf + start, i - start);
			start = i + 1;
			c->escape_armed = true;
			continue;
		}
		c->escape_armed = false;
		if (buf[i] == ESCAPE_KEY)
			continue; /* stays in the stream: start points at it */
		c->escape(c->escape_opaque, buf[i]);
		start = i + 1;
	}
	deliver_raw(c, buf + start, len - start);
}

/* Bytes that wait because the device had no room. */
static void rx_drain(struct gm_char *c)
{
	size_t len, room;
	const u8 *p;

	while (c->rx.len && (room = char_room(c)) > 0) {
		p = char_ring_peek(&c->rx, &len);
		len = MIN(len, room);
		deliver_raw(c, p, len);
		char_ring_drop(&c->rx, len);
	}
}

static void in_gone(struct gm_char *c)
{
	char_unwatch(c, &c->in);
	if (c->kind->hangup)
		c->kind->hangup(c);
	else
		c->in.fd = -1;
}

static void in_read(struct gm_char *c)
{
	u8 buf[1024];
	size_t room;
	ssize_t n;

	rx_drain(c);
	room = c->rx.len ? 0 : char_room(c);
	if (!room || c->in.fd < 0) {
		char_watch(c);
		return;
	}
	n = read(c->in.fd, buf, MIN(room, sizeof(buf)));
	if (n > 0)
		char_deliver(c, buf, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		in_gone(c);
	char_watch(c);
}

static void in_poll(void *opaque)
{
	struct gm_char *c = opaque;

	in_read(c);
	if (c->in.fd >= 0)
		gm_timer_set(&c->poll, gm_clock_now(c->m->clock) + POLL_NS);
}

/* ---- output ---- */

/* Sends what the descriptor takes now. False when the other side is gone. */
static bool tx_send(struct gm_char *c)
{
	while (c->tx.len && c->out.fd >= 0) {
		size_t len;
		const u8 *p = char_ring_peek(&c->tx, &len);
		ssize_t n = write(c->out.fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN;
		char_ring_drop(&c->tx, (size_t)n);
	}
	return true;
}

static void out_gone(struct gm_char *c)
{
	char_unwatch(c, &c->out);
	if (c->kind->hangup) {
		c->kind->hangup(c);
		return;
	}
	c->out.fd = -1;
	char_ring_drop(&c->tx, c->tx.len);
}

/* Every byte at once: a file always takes them, and a killed program has lost none. */
static void direct_write(struct gm_char *c, const u8 *buf, size_t len)
{
	while (len) {
		ssize_t n = write(c->out.fd, buf, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			gm_machine_warn(c->m, "cannot write character output: %s", strerror(errno));
			c->out.fd = -1;
			return;
		}
		buf += n;
		len -= (size_t)n;
	}
}

/* ---- the loop ---- */

static void out_event(void *opaque, u32 events)
{
	struct gm_char *c = opaque;

	if (!tx_send(c))
		out_gone(c);
	char_watch(c);
}

/* A socket's or a pty's descriptor serves both directions. */
static void in_event(void *opaque, u32 events)
{
	struct gm_char *c = opaque;

	if (events & (EPOLLOUT | EPOLLERR) && c->in.fd == c->out.fd)
		if (!tx_send(c))
			out_gone(c);
	/* Standard input may be in blocking mode: read only what is known to be there. */
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR) && c->in.events & EPOLLIN)
		in_read(c);
	else
		char_watch(c);
}

static int watch_set(struct gm_char *c, struct char_fd *f, u32 events)
{
	int err = 0;

	if (f->events == events)
		return 0;
	if (!events)
		gm_loop_remove(c->m->loop, f->fd);
	else if (f->events)
		err = gm_loop_modify(c->m->loop, f->fd, events);
	else
		err = gm_loop_add(c->m->loop, f->fd, events, f == &c->out ? out_event : in_event,
				  c);
	if (!err)
		f->events = events;
	return err;
}

void char_unwatch(struct gm_char *c, struct char_fd *f)
{
	if (f->fd >= 0)
		watch_set(c, f, 0);
}

void char_watch(struct gm_char *c)
{
	u32 in = 0, out = 0;

	if (c->keep)
		return;
	if (c->in.fd >= 0 && !c->in_polled && !c->rx.len && char_room(c))
		in = EPOLLIN;
	if (c->out.fd >= 0 && c->tx.len)
		out = EPOLLOUT;
	if (c->in.fd >= 0 && c->in.fd == c->out.fd) {
		watch_set(c, &c->in, in | out);
		return;
	}
	if (c->in.fd >= 0 && watch_set(c, &c->in, in) == -EPERM) {
		c->in_polled = true;
		gm_timer_set(&c->poll, gm_clock_now(c->m->clock));
	}
	if (c->out.fd >= 0 && watch_set(c, &c->out, out) && out)
		/* What epoll does not take is always ready (/dev/null). */
		if (!tx_send(c))
			out_gone(c);
}

/* ---- opening ---- */

static int none_open(struct gm_char *c, const char *arg, char *err, size_t errlen)
{
	return 0;
}

static int screen_open(struct gm_char *c, const char *arg, char *err, size_t errlen)
{
	c->keep = true;
	c->tx.max = CHAR_HISTORY;
	return 0;
}

static const struct char_kind char_none = { .name = "none", .open = none_open };
static const struct char_kind char_screen = { .name = "screen", .open = screen_open };

static const struct char_kind *const kinds[] = {
	&char_none, &char_stdio, &char_file, &char_pty, &char_unix, &char_tcp, &char_screen,
};

/* A name that ends in a colon takes an argument, which must not be empty. */
static const struct char_kind *kind_find(const char *spec, const char **arg)
{
	size_t i, n;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		n = strlen(kinds[i]->name);
		*arg = spec + n;
		if (kinds[i]->name[n - 1] == ':' ? !strncmp(spec, kinds[i]->name, n) && spec[n] :
						   !strcmp(spec, kinds[i]->name))
			return kinds[i];
	}
	return NULL;
}

struct gm_char *gm_char_open(struct gm_machine *m, const char *spec, char *err, size_t errlen)
{
	const struct char_kind *kind;
	const char *arg;
	struct gm_char *c;

	kind = kind_find(spec, &arg);
	if (!kind) {
		snprintf(err, errlen,
			 "%s: not a character device: use stdio, none, screen, pty, file:PATH, "
			 "unix:PATH or tcp:PORT",
			 spec);
		return NULL;
	}
	c = calloc(1, sizeof(*c));
	if (!c) {
		snprintf(err, errlen, "%s: out of memory", spec);
		return NULL;
	}
	c->m = m;
	c->kind = kind;
	c->in.fd = c->out.fd = c->listen.fd = c->spare_fd = c->restore_flags = -1;
	c->tx.max = CHAR_RING_MAX;
	c->rx.max = CHAR_IN_MAX;
	gm_timer_init(&c->poll, m->clock, in_poll, c);
	/* A reader who goes away is an error of the write, not the end of the program. */
	signal(SIGPIPE, SIG_IGN);
	if (kind->open(c, arg, err, errlen)) {
		free(c);
		return NULL;
	}
	return c;
}

/* What is still buffered goes out if somebody reads it, within FLUSH_MS of host time. */
static void tx_flush(struct gm_char *c)
{
	struct timespec start, now;
	long left = c->kind->no_wait ? 0 : FLUSH_MS;

	clock_gettime(CLOCK_MONOTONIC, &start);
	while (tx_send(c) && c->tx.len && c->out.fd >= 0) {
		struct pollfd pfd = { .fd = c->out.fd, .events = POLLOUT };

		clock_gettime(CLOCK_MONOTONIC, &now);
		left = (c->kind->no_wait ? 0 : FLUSH_MS) - (now.tv_sec - start.tv_sec) * 1000 -
		       (now.tv_nsec - start.tv_nsec) / 1000000;
		if (left <= 0)
			break;
		poll(&pfd, 1, (int)left);
	}
}

void gm_char_close(struct gm_char *c)
{
	if (!c)
		return;
	gm_timer_cancel(&c->poll);
	if (!c->keep)
		tx_flush(c);
	char_unwatch(c, &c->in);
	char_unwatch(c, &c->out);
	char_unwatch(c, &c->listen);
	if (c->kind->close)
		c->kind->close(c);
	free(c->tx.buf);
	free(c->rx.buf);
	free(c->path);
	free(c);
}

/* ---- the device's side ---- */

void gm_char_set_client(struct gm_char *c, const struct gm_char_client *client)
{
	if (!c)
		return;
	c->has_client = client;
	if (client)
		c->client = *client;
	char_watch(c);
}

void gm_char_tap_add(struct gm_char *c, struct gm_char_tap *t)
{
	t->next = c->taps;
	c->taps = t;
}

void gm_char_tap_remove(struct gm_char *c, struct gm_char_tap *t)
{
	struct gm_char_tap **p = &c->taps;

	while (*p && *p != t)
		p = &(*p)->next;
	if (*p)
		*p = t->next;
}

void gm_char_write(struct gm_char *c, const u8 *buf, size_t len)
{
	struct gm_char_tap *t, *next;

	if (!c)
		return;
	for (t = c->taps; t; t = next) {
		next = t->next;
		t->fn(t->opaque, buf, len);
	}
	if (c->out_direct) {
		if (c->out.fd >= 0)
			direct_write(c, buf, len);
		return;
	}
	if (c->keep) {
		char_ring_put(&c->tx, buf, len);
		if (c->viewer)
			c->viewer(c->viewer_opaque, buf, len);
		return;
	}
	/* A listener keeps what its next client will want to see. */
	if (c->out.fd < 0 && c->listen.fd < 0)
		return;
	char_ring_put(&c->tx, buf, len);
	char_watch(c);
}

void gm_char_ready(struct gm_char *c)
{
	if (!c)
		return;
	rx_drain(c);
	char_watch(c);
}

/* ---- the user interface's side ---- */

void gm_char_input(struct gm_char *c, const u8 *buf, size_t len)
{
	if (!c)
		return;
	len = MIN(len, CHAR_IN_MAX - c->rx.len);
	char_ring_put(&c->rx, buf, len);
	rx_drain(c);
}

void gm_char_send_break(struct gm_char *c)
{
	if (c && c->has_client && c->client.break_received)
		c->client.break_received(c->client.opaque);
}

void gm_char_set_escape(struct gm_char *c, void (*fn)(void *opaque, u8 key), void *opaque)
{
	if (!c || !c->tty)
		return;
	c->escape = fn;
	c->escape_opaque = opaque;
	gm_tty_raw(STDIN_FILENO, !fn);
}

void gm_char_set_viewer(struct gm_char *c, void (*fn)(void *opaque, const u8 *buf, size_t len),
			void *opaque)
{
	if (!c)
		return;
	c->viewer = fn;
	c->viewer_opaque = opaque;
}

size_t gm_char_history(const struct gm_char *c, u8 *buf, size_t len)
{
	return c && c->keep && c->tx.len ? char_ring_copy(&c->tx, buf, len) : 0;
}

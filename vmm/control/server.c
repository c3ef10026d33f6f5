// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control socket's connections. A line is a request, a line is its answer; the next request is
 * read when the answer before has been taken, so that a client who does not read costs one answer.
 * After "console" a connection carries the bytes of a serial port instead.
 */
#include "vmm/control/control_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "vmm/loop.h"
#include "vmm/sandbox/fdpass.h"
#include "vmm/sandbox/keeper.h"

struct control_conn {
	struct gm_control *c;
	struct control_conn *next;
	int fd;
	int passed;          /* a descriptor that came with a request, or -1 */
	u32 watched;
	char *in;            /* CONTROL_LINE_MAX */
	size_t in_len;
	char *out;
	size_t out_at, out_len, out_cap;
	bool events;         /* wants to be told */
	bool eof;            /* goes when its answers are sent */
	bool broken;
	struct gm_char *console;
	struct gm_char_tap tap;
};

/* ---- output ---- */

static void out_put(struct control_conn *k, const void *buf, size_t len)
{
	size_t cap = k->out_cap ? k->out_cap : 4096;
	char *p;

	if (k->out_at == k->out_len)
		k->out_at = k->out_len = 0;
	while (cap < k->out_len + len)
		cap *= 2;
	if (cap > k->out_cap) {
		p = cap > 2 * CONTROL_OUT_MAX ? NULL : realloc(k->out, cap);
		if (!p) {
			k->broken = true;
			return;
		}
		k->out = p;
		k->out_cap = cap;
	}
	memcpy(k->out + k->out_len, buf, len);
	k->out_len += len;
}

static void out_json(struct control_conn *k, json_t *o)
{
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;

	if (text) {
		out_put(k, text, strlen(text));
		out_put(k, "\n", 1);
	} else {
		k->broken = true;
	}
	free(text);
	json_decref(o);
}

static void out_send(struct control_conn *k)
{
	ssize_t n;

	while (k->out_at < k->out_len && !k->broken) {
		n = send(k->fd, k->out + k->out_at, k->out_len - k->out_at,
			 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			k->broken = errno != EAGAIN;
			return;
		}
		k->out_at += (size_t)n;
	}
	if (k->out_cap > 1 * MiB) {
		free(k->out);
		k->out = NULL;
		k->out_cap = 0;
	}
	k->out_at = k->out_len = 0;
}

/* ---- connections ---- */

static void conn_detach(struct control_conn *k)
{
	if (k->console)
		gm_char_tap_remove(k->console, &k->tap);
	k->console = NULL;
	gm_loop_remove(k->c->m->loop, k->fd);
}

static void passed_drop(struct control_conn *k)
{
	if (k->passed >= 0)
		close(k->passed);
	k->passed = -1;
}

static void conn_free(struct control_conn *k)
{
	struct control_conn **p = &k->c->conns;

	while (*p != k)
		p = &(*p)->next;
	*p = k->next;
	k->c->nconns--;
	close(k->fd);
	passed_drop(k);
	free(k->in);
	free(k->out);
	free(k);
}

static void conn_close(struct control_conn *k)
{
	conn_detach(k);
	conn_free(k);
}

static void conn_watch(struct control_conn *k)
{
	u32 want = 0;

	if (k->out_at < k->out_len)
		want = EPOLLOUT;
	else if (!k->eof)
		want = EPOLLIN;
	if (want != k->watched && !gm_loop_modify(k->c->m->loop, k->fd, want))
		k->watched = want;
}

static void console_output(void *opaque, const u8 *buf, size_t len)
{
	struct control_conn *k = opaque;

	/* Who does not read misses what the machine cannot wait for. */
	if (k->out_len - k->out_at + len > CONTROL_STREAM_MAX)
		return;
	out_put(k, buf, len);
	if (!k->broken)
		out_send(k);
	conn_watch(k);
}

/* The serial ports, then the virtio consoles. */
static struct gm_char *port_find(struct pc *pc, json_int_t n)
{
	if (!pc || n < 0 || n >= CONFIG_NSERIALS + CONFIG_NDEVICES)
		return NULL;
	return n < CONFIG_NSERIALS ? pc->serial[n] : pc->cards.consoles[n - CONFIG_NSERIALS];
}

static json_t *do_console(struct control_conn *k, const json_t *args, char *err, size_t errlen)
{
	const json_t *port = json_object_get(args, "port");
	json_int_t n = port ? json_integer_value(port) : 0;
	struct gm_char *chr = port_find(k->c->cfg.pc, n);
	u8 *text;
	size_t len;

	if (!chr) {
		snprintf(err, errlen, "there is no serial port %d (give the machine one: --serial "
				      "screen)", (int)n);
		return NULL;
	}
	out_json(k, json_pack("{s:{s:b}}", "return", "console", 1));
	text = malloc(65536);
	len = text ? gm_char_history(chr, text, 65536) : 0;
	out_put(k, text ? (char *)text : "", len);
	free(text);
	k->console = chr;
	k->tap = (struct gm_char_tap){.fn = console_output, .opaque = k};
	gm_char_tap_add(chr, &k->tap);
	return json_null();
}

static json_t *conn_command(struct control_conn *k, json_t *req, char *err, size_t errlen)
{
	const json_t *args;
	const struct control_command *cmd = control_request_check(req, &args, err, errlen);

	if (!cmd || !cmd->connection)
		return cmd ? gm_control_do(k->c, req, err, errlen) : NULL;
	if (!strcmp(cmd->name, "console"))
		return do_console(k, args, err, errlen);
	k->events = true;
	return json_object();
}

static json_t *answer(const json_t *id, json_t *result, const char *err)
{
	json_t *o = json_object();

	if (id)
		json_object_set(o, "id", (json_t *)id);
	if (result)
		json_object_set_new(o, "return", result);
	else
		json_object_set_new(o, "error", json_string(err));
	return o;
}

static void conn_line(struct control_conn *k, const char *line, size_t len)
{
	char err[300] = "";
	json_error_t why;
	json_t *req, *id = NULL, *result = NULL;

	if (!len || (len == 1 && *line == '\r'))
		return;
	req = json_loadb(line, len, JSON_REJECT_DUPLICATES, &why);
	if (!req) {
		snprintf(err, sizeof(err), "not JSON: %s", why.text);
	} else {
		id = json_object_get(req, "id");
		k->c->passed = k->passed;
		result = conn_command(k, req, err, sizeof(err));
		k->c->passed = -1;
		passed_drop(k);
	}
	if (!k->console)
		out_json(k, answer(id, result, err));
	json_decref(req);
}

/* Requests that are there, one after the other while their answers are taken. */
static void conn_requests(struct control_conn *k)
{
	char *end;
	size_t n;

	while (!k->broken && !k->console && k->out_at == k->out_len &&
	       (end = memchr(k->in, '\n', k->in_len))) {
		n = (size_t)(end - k->in);
		conn_line(k, k->in, n);
		k->in_len -= n + 1;
		memmove(k->in, end + 1, k->in_len);
		if (!k->broken)
			out_send(k);
	}
	if (k->console && k->in_len) {
		gm_char_input(k->console, (u8 *)k->in, k->in_len);
		k->in_len = 0;
	}
	if (k->in_len == CONTROL_LINE_MAX && !memchr(k->in, '\n', k->in_len)) {
		out_json(k, answer(NULL, NULL, "the request is too long"));
		k->eof = true;
		k->in_len = 0;
		if (!k->broken)
			out_send(k);
	}
}

static void conn_read(struct control_conn *k)
{
	int fd;
	ssize_t n = gm_fd_recv(k->fd, k->in + k->in_len, CONTROL_LINE_MAX - k->in_len,
			       MSG_DONTWAIT, &fd);

	/* It is meant for the request that is not whole yet or just came whole. */
	if (fd >= 0) {
		passed_drop(k);
		k->passed = fd;
	}
	if (n > 0)
		k->in_len += (size_t)n;
	else if (n == 0)
		k->eof = true;
	else if (n != -EAGAIN)
		k->broken = true;
}

static void conn_ready(void *opaque, u32 events)
{
	struct control_conn *k = opaque;

	if (events & EPOLLOUT)
		out_send(k);
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR) && k->out_at == k->out_len)
		conn_read(k);
	else if (events & (EPOLLHUP | EPOLLERR))
		k->broken = true;
	if (!k->broken)
		conn_requests(k);
	if (k->broken || (k->eof && k->out_at == k->out_len))
		conn_close(k);
	else
		conn_watch(k);
}

static void conn_new(struct gm_control *c, int fd)
{
	struct control_conn *k = calloc(1, sizeof(*k));

	if (!k || c->nconns >= CONTROL_CLIENTS || !(k->in = malloc(CONTROL_LINE_MAX)) ||
	    gm_loop_add(c->m->loop, fd, EPOLLIN, conn_ready, k)) {
		close(fd);
		if (k)
			free(k->in);
		free(k);
		return;
	}
	k->c = c;
	k->fd = fd;
	k->passed = -1;
	k->watched = EPOLLIN;
	k->next = c->conns;
	c->conns = k;
	c->nconns++;
	out_json(k, json_pack("{s:{s:s, s:s, s:i}}", "guestmode", "version", VMM_VERSION, "name",
			      c->name, "protocol", 1));
	out_send(k);
	conn_watch(k);
}

static void listener_ready(void *opaque, u32 events)
{
	struct gm_control *c = opaque;
	int fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0)
		conn_new(c, fd);
}

void control_event(struct gm_control *c, const char *name)
{
	struct control_conn *k, *next;

	for (k = c->conns; k; k = next) {
		next = k->next;
		if (!k->events || k->console || k->out_len - k->out_at > CONTROL_STREAM_MAX)
			continue;
		out_json(k, json_pack("{s:s}", "event", name));
		if (!k->broken)
			out_send(k);
		conn_watch(k);
	}
}

int control_listen(struct gm_control *c, char *err, size_t errlen)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	mode_t old;
	int ret = 0;

	if (strlen(c->path) >= sizeof(a.sun_path)) {
		snprintf(err, errlen, "%s: too long for a socket's path", c->path);
		return -ENAMETOOLONG;
	}
	strcpy(a.sun_path, c->path);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0)
		ret = -errno;
	old = umask(0177);
	if (!ret && bind(c->fd, (struct sockaddr *)&a, sizeof(a)))
		ret = -errno;
	c->bound = !ret;
	if (!ret && listen(c->fd, 64))
		ret = -errno;
	umask(old);
	if (!ret)
		ret = gm_keeper_allow(c->keeper, GM_KEEPER_UNLINK, c->path);
	if (!ret)
		ret = gm_loop_add(c->m->loop, c->fd, EPOLLIN, listener_ready, c);
	if (!ret)
		return 0;
	snprintf(err, errlen, "%s: %s", c->path, strerror(-ret));
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	return ret;
}

void control_unlisten(struct gm_control *c)
{
	struct control_conn *k;

	for (k = c->conns; k; k = k->next)
		conn_detach(k);
	if (c->fd < 0)
		return;
	gm_loop_remove(c->m->loop, c->fd);
	close(c->fd);
	c->fd = -1;
}

void control_conns_free(struct gm_control *c)
{
	while (c->conns)
		conn_free(c->conns);
}

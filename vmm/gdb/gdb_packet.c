// SPDX-License-Identifier: GPL-2.0-or-later
/* Packets of gdb's remote protocol: $DATA#SUM, acknowledged by + and -; } escapes a byte. Source: the
 * manual "Debugging with GDB", appendix E. */
#include "vmm/gdb/gdb_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void gdb_put(struct gm_gdb *g, const char *fmt, ...)
{
	size_t room = sizeof(g->reply) - g->reply_len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(g->reply + g->reply_len, room, fmt, ap);
	va_end(ap);
	if (n > 0)
		g->reply_len += MIN((size_t)n, room - 1);
}

void gdb_put_hex(struct gm_gdb *g, const u8 *p, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < n && g->reply_len + 3 < sizeof(g->reply); i++) {
		g->reply[g->reply_len++] = digits[p[i] >> 4];
		g->reply[g->reply_len++] = digits[p[i] & 15];
	}
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int gdb_hex(const char *p, u8 *out, size_t n)
{
	size_t i;
	int a, b;

	for (i = 0; i < n; i++) {
		a = digit(p[2 * i]);
		b = a < 0 ? -1 : digit(p[2 * i + 1]);
		if (b < 0)
			return -1;
		out[i] = (u8)(a << 4 | b);
	}
	return 0;
}

static void raw(struct gm_gdb *g, const void *buf, size_t len)
{
	size_t cap = g->out_cap ? g->out_cap : 4096;
	char *p;

	if (g->out_at == g->out_len)
		g->out_at = g->out_len = 0;
	while (cap < g->out_len + len)
		cap *= 2;
	if (cap > g->out_cap) {
		/* Who sends and never reads is not gdb. */
		p = cap > 1 * MiB ? NULL : realloc(g->out, cap);
		if (!p) {
			g->broken = true;
			return;
		}
		g->out = p;
		g->out_cap = cap;
	}
	memcpy(g->out + g->out_len, buf, len);
	g->out_len += len;
}

void gdb_reply(struct gm_gdb *g)
{
	char tail[4];
	u8 sum = 0;
	size_t i;

	for (i = 0; i < g->reply_len; i++)
		sum = (u8)(sum + (u8)g->reply[i]);
	snprintf(tail, sizeof(tail), "#%02x", sum);
	raw(g, "$", 1);
	raw(g, g->reply, g->reply_len);
	raw(g, tail, 3);
	g->reply_len = 0;
	gdb_flush(g);
}

/* A whole packet: data without $ and #, len bytes; the sum was right. */
static void packet(struct gm_gdb *g, char *p, size_t len)
{
	size_t i, n = 0;

	for (i = 0; i < len; i++) {
		if (p[i] == '}' && i + 1 < len)
			p[n++] = (char)(p[++i] ^ 0x20);
		else
			p[n++] = p[i];
	}
	p[n] = 0;
	g->reply_len = 0;
	gdb_command(g, p, n);
}

/* Takes one unit off the input; 0: more is needed. */
static size_t unit(struct gm_gdb *g)
{
	char *p = g->in, *end;
	size_t len, i;
	u8 sum = 0, want;

	if (*p == 3) {
		if (g->running) {
			g->interrupted = true;
			gm_machine_pause(g->m);
		}
		return 1;
	}
	if (*p != '$')
		return 1; /* acknowledgements, noise */
	end = memchr(p, '#', g->in_len);
	if (!end || (size_t)(end - p) + 3 > g->in_len)
		return 0;
	len = (size_t)(end - p) - 1;
	for (i = 0; i < len; i++)
		sum = (u8)(sum + (u8)p[1 + i]);
	if (!g->no_ack) {
		if (gdb_hex(end + 1, &want, 1) || want != sum) {
			raw(g, "-", 1);
			gdb_flush(g);
			return len + 4;
		}
		raw(g, "+", 1);
	}
	packet(g, p + 1, len);
	return len + 4;
}

void gdb_input(struct gm_gdb *g)
{
	size_t n;

	while (g->in_len && !g->broken && (n = unit(g))) {
		n = MIN(n, g->in_len);
		g->in_len -= n;
		memmove(g->in, g->in + n, g->in_len);
	}
	if (g->in_len >= GDB_PACKET_MAX)
		g->broken = true; /* longer than what we said we take */
}

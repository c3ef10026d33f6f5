// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Typing for the control commands. A PS/2 keyboard's queue holds sixteen bytes: what is to be typed
 * waits here and goes out, press by press, as the guest empties that queue.
 */
#include "vmm/control/control_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include "vmm/loop.h"

#define TICK_NS   20000000L /* some 25 characters a second: a BIOS keeps fifteen */
#define STALL_MAX 1500 /* ticks after which a keyboard that nobody reads gets no more */

static void timer_set(struct gm_control *c, bool on)
{
	struct itimerspec t = {.it_value.tv_nsec = on ? TICK_NS : 0,
			       .it_interval.tv_nsec = on ? TICK_NS : 0};

	c->key_stalled = 0;
	timerfd_settime(c->key_timer, 0, &t, NULL);
}

/* Takes down what a key consists of. */
static void event_add(void *opaque, unsigned int key, bool down)
{
	struct gm_control *c = opaque;

	if (c->event_len < CONTROL_EVENTS)
		c->events[c->event_len++] = (struct control_event){(u16)key, down};
}

static void key_expand(struct gm_control *c)
{
	const struct gm_input_sink notes = {.key = event_add, .opaque = c};
	const struct control_key *k = &c->keys[c->key_head];

	c->event_at = c->event_len = 0;
	if (k->ch)
		gm_input_type(&notes, k->ch);
	else
		gm_input_sendkey(&notes, k->combo);
	c->key_head = (c->key_head + 1) % CONTROL_KEYS_MAX;
	c->key_len--;
}

/* One event, when the keyboard has room; false when it has not. */
static bool event_pass(struct gm_control *c)
{
	const struct gm_input_sink *sink = &c->cfg.pc->input;
	const struct control_event *e;

	if (sink->ready && !sink->ready(sink->opaque))
		return false;
	while (c->event_at == c->event_len && c->key_len)
		key_expand(c);
	if (c->event_at < c->event_len) {
		e = &c->events[c->event_at++];
		sink->key(sink->opaque, e->key, e->down);
	}
	return true;
}

static void keys_pump(struct gm_control *c)
{
	if (c->m->state != GM_STATE_RUNNING)
		return;
	c->key_stalled = event_pass(c) ? 0 : c->key_stalled + 1;
	if (c->key_stalled == STALL_MAX)
		c->key_len = c->event_at = c->event_len = 0;
	if (!c->key_len && c->event_at == c->event_len)
		timer_set(c, false);
}

static void tick(void *opaque, u32 events)
{
	struct gm_control *c = opaque;
	u64 n;

	if (read(c->key_timer, &n, sizeof(n)) == sizeof(n))
		keys_pump(c);
}

static int keys_init(struct gm_control *c)
{
	if (c->keys)
		return 0;
	c->key_timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (c->key_timer < 0 || gm_loop_add(c->m->loop, c->key_timer, EPOLLIN, tick, c))
		return -EIO;
	c->keys = calloc(CONTROL_KEYS_MAX, sizeof(*c->keys));
	return c->keys ? 0 : -ENOMEM;
}

void control_keys_fini(struct gm_control *c)
{
	if (c->key_timer >= 0) {
		gm_loop_remove(c->m->loop, c->key_timer);
		close(c->key_timer);
	}
	free(c->keys);
}

static bool key_add(struct gm_control *c, const struct control_key *k)
{
	if (c->key_len == CONTROL_KEYS_MAX)
		return false;
	c->keys[(c->key_head + c->key_len++) % CONTROL_KEYS_MAX] = *k;
	return true;
}

static int keys_ready(struct gm_control *c, char *err, size_t errlen)
{
	if (!c->cfg.pc || !c->cfg.pc->input.key)
		snprintf(err, errlen, "this machine has no keyboard");
	else if (keys_init(c))
		snprintf(err, errlen, "out of memory");
	else
		return 0;
	return -EIO;
}

/* Whether a name is one that the keyboard has: tried on a sink that leads nowhere. */
static void no_key(void *opaque, unsigned int key, bool down)
{
}

json_t *control_sendkey(struct gm_control *c, const json_t *args, char *err, size_t errlen)
{
	const struct gm_input_sink nowhere = {.key = no_key};
	const char *keys = json_string_value(json_object_get(args, "keys"));
	struct control_key k = {0};

	if (keys_ready(c, err, errlen))
		return NULL;
	if (strlen(keys) >= sizeof(k.combo) || !gm_input_sendkey(&nowhere, keys)) {
		snprintf(err, errlen, "'%.40s' is not a key (a, f1, ret, ctrl-alt-delete)", keys);
		return NULL;
	}
	strcpy(k.combo, keys);
	if (!key_add(c, &k)) {
		snprintf(err, errlen, "too many keys wait to be typed");
		return NULL;
	}
	timer_set(c, true);
	return json_object();
}

/* One character of UTF-8; 0 for what is none. */
static u32 utf8_next(const char **p)
{
	const u8 *s = (const u8 *)*p;
	unsigned int n = *s < 0x80 ? 0 : *s >= 0xf0 ? 3 : *s >= 0xe0 ? 2 : *s >= 0xc0 ? 1 : 4, i;
	u32 c = n == 0 ? *s : *s & (0x3f >> n);

	for (i = 1; n < 4 && i <= n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			n = 4;
		else
			c = c << 6 | (s[i] & 0x3f);
	}
	*p += n < 4 ? n + 1 : 1;
	return n < 4 ? c : 0;
}

json_t *control_type(struct gm_control *c, const json_t *args, char *err, size_t errlen)
{
	const char *p = json_string_value(json_object_get(args, "text"));
	struct control_key k = {0};

	if (keys_ready(c, err, errlen))
		return NULL;
	if (strlen(p) > CONTROL_KEYS_MAX - c->key_len) {
		snprintf(err, errlen, "the text is too long (%u characters at a time)",
			 CONTROL_KEYS_MAX);
		return NULL;
	}
	while (*p) {
		k.ch = utf8_next(&p);
		if (k.ch)
			key_add(c, &k);
	}
	timer_set(c, c->key_len != 0);
	return json_object();
}

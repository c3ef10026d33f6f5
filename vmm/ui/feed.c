// SPDX-License-Identifier: GPL-2.0-or-later
/* The queue of key events, and pointer positions as positions or motion. */
#include "vmm/ui/feed.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include "vmm/loop.h"
#include "vmm/machine.h"

#define QUEUE     512 /* events */
#define RESERVED  128 /* of them for releases, so that no key stays down */
#define KEY_NS    5000000L /* between two events: guests poll keyboards, too */
#define STALL_MAX 200 /* ticks after which a keyboard that nobody reads is left alone */

struct gm_feed {
	struct gm_machine *m;
	struct gm_input_sink sink;
	struct gm_tablet_sink tablet;
	int timer_fd;
	bool ticking;
	unsigned int stalled;
	struct {
		u16 key;
		bool down;
	} queue[QUEUE];
	unsigned int head, len;
	bool placed;          /* x and y are known */
	int x, y;
};

static void timer_set(struct gm_feed *f, bool on)
{
	struct itimerspec t = {.it_value.tv_nsec = on ? KEY_NS : 0,
			       .it_interval.tv_nsec = on ? KEY_NS : 0};

	f->ticking = on;
	f->stalled = 0;
	timerfd_settime(f->timer_fd, 0, &t, NULL);
}

/* Hands on one event, when the keyboard takes it. */
static bool pass(struct gm_feed *f)
{
	unsigned int at = f->head;

	if (!f->len || (f->sink.ready && !f->sink.ready(f->sink.opaque)))
		return false;
	f->head = (f->head + 1) % QUEUE;
	f->len--;
	f->sink.key(f->sink.opaque, f->queue[at].key, f->queue[at].down);
	return true;
}

static void tick(void *opaque, u32 events)
{
	struct gm_feed *f = opaque;
	u64 n;

	if (read(f->timer_fd, &n, sizeof(n)) != sizeof(n))
		return;
	f->stalled = pass(f) ? 0 : f->stalled + 1;
	if (!f->len || f->stalled == STALL_MAX)
		timer_set(f, false);
}

void gm_feed_key(struct gm_feed *f, unsigned int key, bool down)
{
	unsigned int at = (f->head + f->len) % QUEUE;

	if (!f->sink.key || !key || key > 255 || f->len >= (down ? QUEUE - RESERVED : QUEUE))
		return;
	f->queue[at].key = (u16)key;
	f->queue[at].down = down;
	f->len++;
	if (f->ticking)
		return;
	pass(f);
	timer_set(f, true);
}

u8 gm_feed_leds(const struct gm_feed *f)
{
	return f->sink.leds ? f->sink.leds(f->sink.opaque) : 0;
}

/* ---- the pointer ---- */

static unsigned int scale(int v, unsigned int n)
{
	return n > 1 ? (unsigned int)((u64)(unsigned int)v * GM_TABLET_MAX / (n - 1)) : 0;
}

bool gm_feed_absolute(const struct gm_feed *f)
{
	return f->tablet.active && f->tablet.active(f->tablet.opaque);
}

void gm_feed_motion(struct gm_feed *f, int dx, int dy, int dz, unsigned int buttons)
{
	if (f->sink.pointer)
		f->sink.pointer(f->sink.opaque, dx, dy, dz, buttons);
}

void gm_feed_point(struct gm_feed *f, int x, int y, unsigned int w, unsigned int h, int dz,
		   unsigned int buttons)
{
	int dx, dy;

	x = MIN(MAX(x, 0), (int)w - 1);
	y = MIN(MAX(y, 0), (int)h - 1);
	dx = f->placed ? x - f->x : 0;
	dy = f->placed ? y - f->y : 0;
	f->placed = true;
	f->x = x;
	f->y = y;
	if (gm_feed_absolute(f))
		f->tablet.move(f->tablet.opaque, scale(x, w), scale(y, h), dz, buttons);
	else
		gm_feed_motion(f, dx, dy, dz, buttons);
}

/* ---- life ---- */

int gm_feed_new(struct gm_machine *m, const struct gm_input_sink *sink,
		const struct gm_tablet_sink *tablet, struct gm_feed **out)
{
	struct gm_feed *f = calloc(1, sizeof(*f));
	int err;

	if (!f)
		return -ENOMEM;
	f->m = m;
	f->sink = *sink;
	if (tablet)
		f->tablet = *tablet;
	f->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	err = f->timer_fd < 0 ? -errno : gm_loop_add(m->loop, f->timer_fd, EPOLLIN, tick, f);
	if (err) {
		gm_feed_free(f);
		return err;
	}
	*out = f;
	return 0;
}

void gm_feed_free(struct gm_feed *f)
{
	if (!f)
		return;
	if (f->timer_fd >= 0) {
		gm_loop_remove(f->m->loop, f->timer_fd);
		close(f->timer_fd);
	}
	free(f);
}

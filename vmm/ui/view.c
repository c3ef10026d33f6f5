// SPDX-License-Identifier: GPL-2.0-or-later
/* Pictures of the guest's screen while it changes, and what differs from one to the next. */
#include "vmm/ui/view.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include "vmm/loop.h"
#include "vmm/machine.h"

#define FRAME_NS  33333333L /* between two pictures */
#define SETTLE_NS 10000000L /* a change is seldom alone */
#define POLL_NS   100000000L /* where the adapter does not hear of every change */

static void timer_set(struct gm_view *v, long ns)
{
	struct itimerspec t = {.it_value.tv_nsec = ns};

	v->looking = ns != 0;
	timerfd_settime(v->timer_fd, 0, &t, NULL);
}

/* ---- damage ---- */

static u64 tile_mask(unsigned int width)
{
	unsigned int n = (width + GM_TILE_W - 1) / GM_TILE_W;

	return n >= 64 ? UINT64_MAX : (1ULL << n) - 1;
}

static void damage_all(struct gm_view *v, struct gm_view_port *p)
{
	unsigned int row, rows = (v->height + GM_TILE_H - 1) / GM_TILE_H;

	memset(p->damage, 0, sizeof(p->damage));
	for (row = 0; row < rows; row++)
		p->damage[row] = tile_mask(v->width);
	p->wake(p->opaque);
}

/* Copies a line that differs; returns the tiles in which it does. */
static u64 line_update(u32 *old, const u32 *new, unsigned int width)
{
	unsigned int x, n;
	u64 tiles = 0;

	for (x = 0; x < width; x += GM_TILE_W) {
		n = MIN(width - x, (unsigned int)GM_TILE_W);
		if (!memcmp(old + x, new + x, n * sizeof(*old)))
			continue;
		memcpy(old + x, new + x, n * sizeof(*old));
		tiles |= 1ULL << x / GM_TILE_W;
	}
	return tiles;
}

static void picture_compare(struct gm_view *v, const u32 *new)
{
	u64 damage[GM_TILE_ROWS] = {0}, any = 0;
	struct gm_view_port *p;
	unsigned int y, row;

	for (y = 0; y < v->height; y++) {
		u64 tiles = line_update(v->pixels + (size_t)y * v->width,
					new + (size_t)y * v->width, v->width);

		damage[y / GM_TILE_H] |= tiles;
		any |= tiles;
	}
	for (p = any ? v->ports : NULL; p; p = p->next) {
		for (row = 0; row < GM_TILE_ROWS; row++)
			p->damage[row] |= damage[row];
		p->wake(p->opaque);
	}
}

static void picture_replace(struct gm_view *v, unsigned int w, unsigned int h, const u32 *new)
{
	size_t n = (size_t)w * h;
	struct gm_view_port *p;

	if (n > v->cap) {
		u32 *pixels = realloc(v->pixels, n * sizeof(*pixels));

		if (!pixels)
			return; /* the old picture stays */
		v->pixels = pixels;
		v->cap = n;
	}
	v->width = w;
	v->height = h;
	memcpy(v->pixels, new, n * sizeof(*new));
	for (p = v->ports; p; p = p->next)
		damage_all(v, p);
}

/* A screen that is off is black, in the size that it had. */
static void picture_blank(struct gm_view *v)
{
	struct gm_view_port *p;

	memset(v->pixels, 0, (size_t)v->width * v->height * sizeof(*v->pixels));
	for (p = v->ports; p; p = p->next)
		damage_all(v, p);
}

bool gm_view_next(struct gm_view *v, struct gm_view_port *p, struct gm_rect *r)
{
	unsigned int row, first, n, rows = (v->height + GM_TILE_H - 1) / GM_TILE_H;

	for (row = 0; row < rows && !(p->damage[row] & tile_mask(v->width)); row++)
		;
	if (row == rows)
		return false;
	first = (unsigned int)__builtin_ctzll(p->damage[row]);
	for (n = 0; first + n < 64 && p->damage[row] >> (first + n) & 1; n++)
		p->damage[row] &= ~(1ULL << (first + n));
	r->x = first * GM_TILE_W;
	r->y = row * GM_TILE_H;
	r->w = MIN(n * GM_TILE_W, v->width - r->x);
	r->h = MIN((unsigned int)GM_TILE_H, v->height - r->y);
	return true;
}

/* ---- looking ---- */

static void publish(struct gm_view *v)
{
	const struct gm_screen *s = &v->now;

	gm_view_lock(v);
	if (s->kind == GM_SCREEN_OFF || !s->width || !s->height)
		picture_blank(v);
	else if (s->width != v->width || s->height != v->height)
		picture_replace(v, s->width, s->height, s->pixels);
	else
		picture_compare(v, s->pixels);
	gm_view_unlock(v);
}

static void watch_fired(void *opaque)
{
	struct gm_view *v = opaque;

	v->watching = false;
	timer_set(v, SETTLE_NS);
}

static void look(struct gm_view *v)
{
	v->looks++;
	if (v->source.snapshot(v->source.opaque, &v->now, true, &v->since)) {
		publish(v);
		timer_set(v, FRAME_NS);
		return;
	}
	v->watching = v->source.watch && v->source.watch(v->source.opaque, &v->watch);
	timer_set(v, v->watching ? 0 : POLL_NS);
}

static void timer_event(void *opaque, u32 events)
{
	struct gm_view *v = opaque;
	u64 n;

	if (read(v->timer_fd, &n, sizeof(n)) == sizeof(n) && v->ports)
		look(v);
}

/* ---- life ---- */

int gm_view_new(struct gm_machine *m, const struct gm_display_source *source,
		struct gm_view **out)
{
	struct gm_view *v = calloc(1, sizeof(*v));
	int err;

	if (!v)
		return -ENOMEM;
	v->m = m;
	v->source = *source;
	v->watch = (struct gm_display_watch){.fn = watch_fired, .opaque = v};
	pthread_mutex_init(&v->lock, NULL);
	v->width = 640;
	v->height = 400;
	v->cap = (size_t)v->width * v->height;
	v->pixels = calloc(v->cap, sizeof(*v->pixels));
	v->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	err = !v->pixels ? -ENOMEM : v->timer_fd < 0 ? -errno : 0;
	if (!err)
		err = gm_loop_add(m->loop, v->timer_fd, EPOLLIN, timer_event, v);
	if (err) {
		gm_view_free(v);
		return err;
	}
	*out = v;
	return 0;
}

void gm_view_free(struct gm_view *v)
{
	if (!v)
		return;
	if (v->watching)
		v->source.unwatch(v->source.opaque, &v->watch);
	if (v->timer_fd >= 0) {
		gm_loop_remove(v->m->loop, v->timer_fd);
		close(v->timer_fd);
	}
	gm_screen_fini(&v->now);
	free(v->pixels);
	pthread_mutex_destroy(&v->lock);
	free(v);
}

void gm_view_attach(struct gm_view *v, struct gm_view_port *p)
{
	gm_view_lock(v);
	p->next = v->ports;
	v->ports = p;
	damage_all(v, p);
	gm_view_unlock(v);
	if (!v->looking && !v->watching)
		timer_set(v, 1);
}

void gm_view_detach(struct gm_view *v, struct gm_view_port *p)
{
	struct gm_view_port **at = &v->ports;

	gm_view_lock(v);
	while (*at && *at != p)
		at = &(*at)->next;
	if (*at)
		*at = p->next;
	gm_view_unlock(v);
	if (v->ports)
		return;
	timer_set(v, 0);
	if (v->watching)
		v->source.unwatch(v->source.opaque, &v->watch);
	v->watching = false;
}

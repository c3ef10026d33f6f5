/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The picture of the guest's screen for those who show it elsewhere (VNC clients, a window), and
 * what has changed in it since each of them last looked.
 *
 * The view takes pictures as long as they change, at most 30 a second, compares them with the last
 * one and marks the tiles that differ. When nothing has changed it leaves a watch with the display
 * adapter and sleeps; with nobody attached it does nothing at all.
 *
 * Locking: the picture and the damage are under the view's own lock, which is taken inside the
 * machine lock and held for copying only, so that slow clients hold up nobody.
 */
#ifndef VMM_VIEW_H
#define VMM_VIEW_H

#include <pthread.h>
#include "vmm/ui/display.h"

#define GM_TILE_W    64
#define GM_TILE_H    16
#define GM_TILE_ROWS (4096 / GM_TILE_H)

struct gm_machine;

/* Somebody who shows the picture. The owner fills in wake and opaque. */
struct gm_view_port {
	/* There is damage. View lock held: set a flag or write to an eventfd. */
	void (*wake)(void *opaque);
	void *opaque;
	u64 damage[GM_TILE_ROWS]; /* a bit a tile */
	struct gm_view_port *next;
};

struct gm_view {
	struct gm_machine *m;
	struct gm_display_source source;
	/* machine lock */
	struct gm_screen now;
	u64 since;
	int timer_fd;
	bool looking;             /* the timer runs */
	bool watching;
	struct gm_display_watch watch;
	struct gm_view_port *ports;
	u64 looks;                /* how often the screen was looked at */
	/* view lock */
	pthread_mutex_t lock;
	unsigned int width, height; /* never 0 */
	u32 *pixels;              /* 0x00rrggbb */
	size_t cap;
};

struct gm_rect {
	unsigned int x, y, w, h;
};

/* -errno. Machine lock held (all but gm_view_next()). */
int gm_view_new(struct gm_machine *m, const struct gm_display_source *source,
		struct gm_view **out);
/* Nobody is attached any more. */
void gm_view_free(struct gm_view *v);
/* The whole picture counts as damaged. */
void gm_view_attach(struct gm_view *v, struct gm_view_port *p);
void gm_view_detach(struct gm_view *v, struct gm_view_port *p);

static inline void gm_view_lock(struct gm_view *v)
{
	pthread_mutex_lock(&v->lock);
}

static inline void gm_view_unlock(struct gm_view *v)
{
	pthread_mutex_unlock(&v->lock);
}

/* Takes a damaged rectangle off the port's list; false when there is none left. View lock held. */
bool gm_view_next(struct gm_view *v, struct gm_view_port *p, struct gm_rect *r);

#endif

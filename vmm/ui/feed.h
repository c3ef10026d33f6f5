/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a user at a picture (VNC, window) to the guest's keyboard and pointer. Key events wait here
 * when they come faster than a PS/2 keyboard takes them; pointer positions go to the tablet, or as
 * motion to the mouse. Machine lock held in all functions.
 */
#ifndef VMM_FEED_H
#define VMM_FEED_H

#include "vmm/ui/input.h"

struct gm_feed;
struct gm_machine;

/* -errno. */
int gm_feed_new(struct gm_machine *m, const struct gm_input_sink *sink,
		const struct gm_tablet_sink *tablet, struct gm_feed **out);
void gm_feed_free(struct gm_feed *f);
/* KEY_ number of <linux/input-event-codes.h>; others are ignored. */
void gm_feed_key(struct gm_feed *f, unsigned int key, bool down);
u8 gm_feed_leds(const struct gm_feed *f);
/* Whether the guest's pointer follows positions; else only motion moves it. */
bool gm_feed_absolute(const struct gm_feed *f);
/* The pointer is at (x, y) of a picture of w by h; outside of it counts as its edge. dz and buttons
 * as in gm_input_sink. */
void gm_feed_point(struct gm_feed *f, int x, int y, unsigned int w, unsigned int h, int dz,
		   unsigned int buttons);
/* Motion of a captured pointer. */
void gm_feed_motion(struct gm_feed *f, int dx, int dy, int dz, unsigned int buttons);

#endif

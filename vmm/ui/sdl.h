/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's screen in a window of this desktop, by SDL 2. The window has a thread of its own: a
 * display server that is slow does not hold up the machine.
 *
 * Ctrl+Alt+G captures pointer and keyboard and lets them go, Ctrl+Alt+F fills the whole screen.
 */
#ifndef VMM_SDL_H
#define VMM_SDL_H

#include "vmm/types.h"

struct gm_feed;
struct gm_machine;
struct gm_sdl;
struct gm_view;

struct gm_sdl_cfg {
	const char *name;
	struct gm_view *view;
	struct gm_feed *feed;
	bool fullscreen;
	/* The window was closed. Machine lock held. */
	void (*close)(void *opaque);
	void *opaque;
};

/* Opens the window. 0, or -errno with one line in err. Machine lock held. */
int gm_sdl_start(struct gm_machine *m, const struct gm_sdl_cfg *cfg, struct gm_sdl **out, char *err,
		 size_t errlen);
/* Closes it. Machine lock not held; NULL is fine. */
void gm_sdl_stop(struct gm_sdl *s);
/* Whether this vmm was built with SDL and the library can be loaded; else why not. */
bool gm_sdl_available(char *why, size_t len);

#endif

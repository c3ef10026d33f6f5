/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the window does by itself on X11, so that no desktop can hold up the machine:
 *
 * - The window is shown without waiting. SDL_ShowWindow() waits for the window manager's answer, which
 *   does not come from one that was just starting, and late from one that lets the user choose a place.
 *   Here the request is repeated until the window is there.
 * - Nobody but the window's thread calls Xlib. SDL wakes a thread that waits in SDL_WaitEvent() by a
 *   call into Xlib from the waking thread, which would wait with it for a server that stands still.
 *   Here the thread waits for the connection and an eventfd.
 * - A server that is gone ends the window's thread, and not the process.
 *
 * Functions belong to the window's thread but where it says otherwise.
 */
#ifndef VMM_SDL_X11_H
#define VMM_SDL_X11_H

#include "vmm/types.h"

struct SDL_SysWMinfo;
struct gm_sdl_x11;

enum gm_sdl_seen {
	GM_SDL_SEEN,
	GM_SDL_UNSEEN,
	GM_SDL_UNSEEN_LONG, /* for ten seconds; said once */
};

/* NULL where Xlib cannot be used: the window is then SDL's alone. */
struct gm_sdl_x11 *gm_sdl_x11_new(void);
void gm_sdl_x11_free(struct gm_sdl_x11 *x);
/* The window that was created, hidden. */
bool gm_sdl_x11_attach(struct gm_sdl_x11 *x, const struct SDL_SysWMinfo *info);
/* Asks for the window to be shown, once a second at most; whether it is. */
enum gm_sdl_seen gm_sdl_x11_show(struct gm_sdl_x11 *x);
/* Waits for the server to send something, for gm_sdl_x11_wake(), or so long; -1: without a limit.
 * SDL's queue of events must be empty. */
void gm_sdl_x11_wait(struct gm_sdl_x11 *x, int ms);
/* From any thread: ends a wait. Never waits itself. */
void gm_sdl_x11_wake(struct gm_sdl_x11 *x);
/* Calls fn(opaque). False when the server went away meanwhile: neither Xlib nor SDL's video is to be called
 * again then. */
bool gm_sdl_x11_guard(struct gm_sdl_x11 *x, void (*fn)(void *opaque), void *opaque);

#endif

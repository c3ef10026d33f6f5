// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The window's own dealings with the X server: see the header. Xlib's manual: "Mapping Windows",
 * XSetIOErrorHandler(3). The library is the one that SDL has loaded already.
 */
#ifdef HAVE_SDL2
#include "vmm/ui/sdl_x11.h"

#include <SDL2/SDL.h>
#include <SDL2/SDL_syswm.h>

#ifdef SDL_VIDEO_DRIVER_X11
#include <X11/Xlib.h>
#include <poll.h>
#include <setjmp.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include "vmm/clock.h"
#include "vmm/dl.h"

#define SONAME "libX11.so.6"
#define ASK_NS NSEC_PER_SEC /* between two requests */
#define LONG   10           /* requests after which it is said */

#define X11_LIBRARY(F) F(XMapRaised) F(XFlush) F(XGetWindowAttributes) F(XSetIOErrorHandler)

struct x11_api {
	X11_LIBRARY(GM_DL_MEMBER)
};

struct gm_sdl_x11 {
	struct x11_api api;
	void *dl;
	int event;
	Display *display;
	Window window;
	u64 asked;          /* host time of the last request */
	unsigned int times; /* requests, up to LONG */
	jmp_buf lost;
};

#define ENTRY(f) GM_DL_ENTRY(struct x11_api, f)
static const struct gm_dl_sym symbols[] = {X11_LIBRARY(ENTRY)};

/* The one that this thread guards: Xlib's handler has no argument for it. */
static __thread struct gm_sdl_x11 *guarded;

struct gm_sdl_x11 *gm_sdl_x11_new(void)
{
	struct gm_sdl_x11 *x = calloc(1, sizeof(*x));
	char why[160];

	if (!x)
		return NULL;
	x->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (x->event < 0 || gm_dl_open(SONAME, "libx11-6", symbols, ARRAY_SIZE(symbols), &x->api,
				       &x->dl, why, sizeof(why))) {
		gm_sdl_x11_free(x);
		return NULL;
	}
	return x;
}

void gm_sdl_x11_free(struct gm_sdl_x11 *x)
{
	if (!x)
		return;
	gm_dl_close(x->dl);
	if (x->event >= 0)
		close(x->event);
	free(x);
}

bool gm_sdl_x11_attach(struct gm_sdl_x11 *x, const struct SDL_SysWMinfo *info)
{
	if (info->subsystem != SDL_SYSWM_X11)
		return false;
	x->display = info->info.x11.display;
	x->window = info->info.x11.window;
	return true;
}

static u64 host_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * NSEC_PER_SEC + (u64)ts.tv_nsec;
}

/* The answer of a server without a window manager is there when the attributes are asked for. */
enum gm_sdl_seen gm_sdl_x11_show(struct gm_sdl_x11 *x)
{
	XWindowAttributes a;
	u64 now = host_now();
	bool ask = !x->asked || now - x->asked >= ASK_NS;

	if (ask) {
		x->asked = now;
		x->api.XMapRaised(x->display, x->window);
	}
	if (x->api.XGetWindowAttributes(x->display, x->window, &a) && a.map_state != IsUnmapped)
		return GM_SDL_SEEN;
	x->api.XFlush(x->display);
	if (!ask || x->times >= LONG)
		return GM_SDL_UNSEEN;
	return ++x->times == LONG ? GM_SDL_UNSEEN_LONG : GM_SDL_UNSEEN;
}

void gm_sdl_x11_wait(struct gm_sdl_x11 *x, int ms)
{
	struct pollfd fds[] = {{.fd = ConnectionNumber(x->display), .events = POLLIN},
			       {.fd = x->event, .events = POLLIN}};
	u64 n;

	if (poll(fds, ARRAY_SIZE(fds), ms) > 0 && fds[1].revents && read(x->event, &n, sizeof(n)) < 0)
		return; /* woken by nobody: no harm */
}

void gm_sdl_x11_wake(struct gm_sdl_x11 *x)
{
	u64 one = 1;

	if (write(x->event, &one, sizeof(one)) < 0)
		return; /* so often that it is full: awake */
}

/* Where this returns, Xlib ends the process. */
static int on_lost(Display *display)
{
	if (guarded && guarded->display == display)
		longjmp(guarded->lost, 1);
	return 0;
}

bool gm_sdl_x11_guard(struct gm_sdl_x11 *x, void (*fn)(void *opaque), void *opaque)
{
	if (setjmp(x->lost))
		return false;
	guarded = x;
	x->api.XSetIOErrorHandler(on_lost);
	fn(opaque);
	guarded = NULL;
	return true;
}
#else
struct gm_sdl_x11 *gm_sdl_x11_new(void)
{
	return NULL;
}

void gm_sdl_x11_free(struct gm_sdl_x11 *x)
{
}

bool gm_sdl_x11_attach(struct gm_sdl_x11 *x, const struct SDL_SysWMinfo *info)
{
	return false;
}

enum gm_sdl_seen gm_sdl_x11_show(struct gm_sdl_x11 *x)
{
	return GM_SDL_SEEN;
}

void gm_sdl_x11_wait(struct gm_sdl_x11 *x, int ms)
{
}

void gm_sdl_x11_wake(struct gm_sdl_x11 *x)
{
}

bool gm_sdl_x11_guard(struct gm_sdl_x11 *x, void (*fn)(void *opaque), void *opaque)
{
	return false;
}
#endif
#endif

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The window: pictures from the view as one texture, scaled to the window; keys by their place on
 * the keyboard; the pointer as positions where the guest has a tablet that it listens to, else
 * captured, as motion.
 *
 * Drawing is done in software: no graphics driver is loaded into the process, and nothing is opened
 * once the window is there.
 *
 * The machine never waits for the desktop: only the window's thread calls into the display server,
 * and it holds no lock meanwhile. On X11 SDL would wait without a limit for a window manager to show a
 * new window, and Xlib ends the process when its server goes: sdl_x11.c does both in another way.
 */
#ifdef HAVE_SDL2
#include "vmm/ui/sdl.h"

#include <SDL2/SDL.h>
#include <SDL2/SDL_syswm.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "vmm/dl.h"
#include "vmm/machine.h"
#include "vmm/sandbox/sandbox.h"
#include "vmm/ui/feed.h"
#include "vmm/ui/keymap.h"
#include "vmm/ui/sdl_x11.h"
#include "vmm/ui/view.h"

#define SONAME "libSDL2-2.0.so.0"
#define STOP_SECONDS 5    /* that a display server which does not answer is given at the end */
#define ASK_MS       1000 /* between two requests to show the window */

#define SDL_LIBRARY(F)                                                                             \
	F(SDL_InitSubSystem) F(SDL_QuitSubSystem) F(SDL_SetHint) F(SDL_GetError)                   \
	F(SDL_CreateWindow) F(SDL_DestroyWindow) F(SDL_CreateRenderer) F(SDL_DestroyRenderer)      \
	F(SDL_CreateTexture) F(SDL_DestroyTexture) F(SDL_UpdateTexture) F(SDL_RenderClear)         \
	F(SDL_RenderCopy) F(SDL_RenderPresent) F(SDL_WaitEvent) F(SDL_PushEvent)                   \
	F(SDL_RegisterEvents) F(SDL_SetRelativeMouseMode) F(SDL_SetWindowGrab)                     \
	F(SDL_SetWindowKeyboardGrab) F(SDL_SetWindowTitle) F(SDL_SetWindowSize)                    \
	F(SDL_SetWindowFullscreen) F(SDL_GetRendererOutputSize) F(SDL_ShowCursor)                  \
	F(SDL_StopTextInput) F(SDL_GetWindowFlags) F(SDL_GetWindowWMInfo) F(SDL_ShowWindow)        \
	F(SDL_PollEvent) F(SDL_GetCurrentVideoDriver)

struct sdl_api {
	SDL_LIBRARY(GM_DL_MEMBER)
};

struct gm_sdl {
	struct gm_machine *m;
	struct gm_sdl_cfg cfg;
	struct sdl_api api;
	void *dl;
	char *name;
	pthread_t thread;
	struct gm_view_port port;
	int woken;            /* atomic: there is damage, and the thread was told */
	int leaving;          /* atomic: the window is to go; machine and view may be gone */
	u32 event;            /* of our events, which say nothing but that something has happened */
	/* start: the thread's first word */
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool started;
	int err;
	char why[160];
	/* the window's thread */
	struct gm_sdl_x11 *x11; /* NULL: another kind of display */
	SDL_Window *window;
	SDL_Renderer *renderer;
	SDL_Texture *texture;
	unsigned int width, height; /* of the texture */
	SDL_Rect place;       /* of the picture within the window */
	struct gm_keys_held held; /* machine lock */
	unsigned int buttons;
	bool captured, fullscreen, hidden;
	bool seen;            /* the window was on the screen; it may be an icon now */
};

#define ENTRY(f) GM_DL_ENTRY(struct sdl_api, f)
static const struct gm_dl_sym symbols[] = {SDL_LIBRARY(ENTRY)};

/* ---- drawing ---- */

/* The largest place for the picture in the window that keeps its shape. */
static void place_update(struct gm_sdl *s)
{
	int w = 0, h = 0;

	s->api.SDL_GetRendererOutputSize(s->renderer, &w, &h);
	if (w <= 0 || h <= 0 || !s->width || !s->height)
		return;
	s->place = (SDL_Rect){.w = w, .h = h};
	if ((s64)w * s->height > (s64)h * s->width)
		s->place.w = MAX((int)((s64)h * s->width / s->height), 1);
	else
		s->place.h = MAX((int)((s64)w * s->height / s->width), 1);
	s->place.x = (w - s->place.w) / 2;
	s->place.y = (h - s->place.h) / 2;
}

static void draw(struct gm_sdl *s)
{
	if (!s->texture)
		return;
	place_update(s);
	s->api.SDL_RenderClear(s->renderer);
	s->api.SDL_RenderCopy(s->renderer, s->texture, NULL, &s->place);
	s->api.SDL_RenderPresent(s->renderer);
}

/* A texture of the view's size; view lock held. */
static bool texture_fit(struct gm_sdl *s)
{
	const struct gm_view *view = s->cfg.view;

	if (s->texture && s->width == view->width && s->height == view->height)
		return false;
	if (s->texture)
		s->api.SDL_DestroyTexture(s->texture);
	s->width = view->width;
	s->height = view->height;
	s->texture = s->api.SDL_CreateTexture(s->renderer, SDL_PIXELFORMAT_RGB888,
					      SDL_TEXTUREACCESS_STREAMING, (int)s->width,
					      (int)s->height);
	return true;
}

static void picture_update(struct gm_sdl *s)
{
	struct gm_view *view = s->cfg.view;
	bool resized, any = false;
	struct gm_rect r;

	__atomic_store_n(&s->woken, 0, __ATOMIC_RELEASE);
	gm_view_lock(view);
	resized = texture_fit(s);
	while (gm_view_next(view, &s->port, &r)) {
		SDL_Rect to = {.x = (int)r.x, .y = (int)r.y, .w = (int)r.w, .h = (int)r.h};

		any = true;
		if (s->texture)
			s->api.SDL_UpdateTexture(s->texture, &to,
						 view->pixels + (size_t)r.y * view->width + r.x,
						 (int)(view->width * sizeof(u32)));
	}
	gm_view_unlock(view);
	if (resized && !s->fullscreen &&
	    !(s->api.SDL_GetWindowFlags(s->window) & SDL_WINDOW_MAXIMIZED))
		s->api.SDL_SetWindowSize(s->window, (int)s->width, (int)s->height);
	if (any)
		draw(s);
}

/* ---- capture ---- */

static void title_update(struct gm_sdl *s)
{
	char title[256];

	snprintf(title, sizeof(title), s->captured ? "%s - Ctrl+Alt+G lets the pointer go" : "%s",
		 s->name);
	s->api.SDL_SetWindowTitle(s->window, title);
}

static void capture(struct gm_sdl *s, bool on)
{
	bool absolute;

	if (on == s->captured)
		return;
	gm_lock(s->m);
	absolute = gm_feed_absolute(s->cfg.feed);
	gm_unlock(s->m);
	s->captured = on;
	s->api.SDL_SetWindowGrab(s->window, on);
	s->api.SDL_SetWindowKeyboardGrab(s->window, on);
	s->api.SDL_SetRelativeMouseMode(on && !absolute);
	title_update(s);
}

static void fullscreen_toggle(struct gm_sdl *s)
{
	s->fullscreen = !s->fullscreen;
	s->api.SDL_SetWindowFullscreen(s->window,
				       s->fullscreen ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0);
	draw(s);
}

/* ---- input ---- */

static void keys_release(struct gm_sdl *s)
{
	gm_lock(s->m);
	gm_keys_release(&s->held, s->cfg.feed);
	gm_unlock(s->m);
}

/* Whether the key was meant for the window. */
static bool key_ours(struct gm_sdl *s, const SDL_KeyboardEvent *e)
{
	if (!(e->keysym.mod & KMOD_CTRL) || !(e->keysym.mod & KMOD_ALT))
		return false;
	if (e->keysym.scancode != SDL_SCANCODE_G && e->keysym.scancode != SDL_SCANCODE_F)
		return false;
	if (e->type != SDL_KEYDOWN || e->repeat)
		return true;
	keys_release(s);
	if (e->keysym.scancode == SDL_SCANCODE_G)
		capture(s, !s->captured);
	else
		fullscreen_toggle(s);
	return true;
}

static void on_key(struct gm_sdl *s, const SDL_KeyboardEvent *e)
{
	if (key_ours(s, e))
		return;
	gm_lock(s->m);
	gm_keys_key(&s->held, s->cfg.feed, gm_key_from_usb((u32)e->keysym.scancode),
		    e->type == SDL_KEYDOWN);
	gm_unlock(s->m);
}

/* The pointer of the desktop is seen unless the guest draws one in its place. */
static void cursor_show(struct gm_sdl *s, bool on)
{
	if (s->hidden != on)
		return;
	s->hidden = !on;
	s->api.SDL_ShowCursor(on ? SDL_ENABLE : SDL_DISABLE);
}

static void on_pointer(struct gm_sdl *s, int x, int y, int dx, int dy, int dz)
{
	bool absolute;

	if (s->place.w <= 0 || s->place.h <= 0)
		return;
	gm_lock(s->m);
	absolute = gm_feed_absolute(s->cfg.feed);
	if (absolute)
		gm_feed_point(s->cfg.feed, (int)((s64)(x - s->place.x) * s->width / s->place.w),
			      (int)((s64)(y - s->place.y) * s->height / s->place.h), s->width,
			      s->height, dz, s->buttons);
	else if (s->captured)
		gm_feed_motion(s->cfg.feed, dx, dy, dz, s->buttons);
	gm_unlock(s->m);
	if (!s->captured)
		cursor_show(s, !absolute);
}

static void on_button(struct gm_sdl *s, const SDL_MouseButtonEvent *e)
{
	static const u8 bits[] = {[SDL_BUTTON_LEFT] = 1, [SDL_BUTTON_RIGHT] = 2,
				  [SDL_BUTTON_MIDDLE] = 4};
	unsigned int bit = e->button < ARRAY_SIZE(bits) ? bits[e->button] : 0;
	bool absolute;

	gm_lock(s->m);
	absolute = gm_feed_absolute(s->cfg.feed);
	gm_unlock(s->m);
	/* The click that captures is not the guest's. */
	if (!absolute && !s->captured) {
		if (e->type == SDL_MOUSEBUTTONUP)
			capture(s, true);
		return;
	}
	s->buttons = e->type == SDL_MOUSEBUTTONDOWN ? s->buttons | bit : s->buttons & ~bit;
	on_pointer(s, e->x, e->y, 0, 0, 0);
}

static void on_wheel(struct gm_sdl *s, const SDL_MouseWheelEvent *e)
{
	on_pointer(s, e->mouseX, e->mouseY, 0, 0, e->direction == SDL_MOUSEWHEEL_FLIPPED ? e->y : -e->y);
}

static void on_close(struct gm_sdl *s)
{
	gm_lock(s->m);
	s->cfg.close(s->cfg.opaque);
	gm_unlock(s->m);
}

/* The window manager has been asked for a while. */
static void on_unseen(struct gm_sdl *s)
{
	gm_lock(s->m);
	gm_machine_warn(s->m, "the window manager does not show the window of '%s'; it is asked again "
			"every second", s->name);
	gm_unlock(s->m);
}

static void on_window(struct gm_sdl *s, const SDL_WindowEvent *e)
{
	switch (e->event) {
	case SDL_WINDOWEVENT_CLOSE:
		on_close(s);
		break;
	case SDL_WINDOWEVENT_FOCUS_LOST:
		keys_release(s);
		capture(s, false);
		break;
	case SDL_WINDOWEVENT_EXPOSED:
	case SDL_WINDOWEVENT_SIZE_CHANGED:
		draw(s);
		break;
	}
}

static void handle(struct gm_sdl *s, const SDL_Event *e)
{
	switch (e->type) {
	case SDL_KEYDOWN:
	case SDL_KEYUP:
		on_key(s, &e->key);
		break;
	case SDL_MOUSEMOTION:
		on_pointer(s, e->motion.x, e->motion.y, e->motion.xrel, e->motion.yrel, 0);
		break;
	case SDL_MOUSEBUTTONDOWN:
	case SDL_MOUSEBUTTONUP:
		on_button(s, &e->button);
		break;
	case SDL_MOUSEWHEEL:
		on_wheel(s, &e->wheel);
		break;
	case SDL_WINDOWEVENT:
		on_window(s, &e->window);
		break;
	}
}

/* ---- the window's thread ---- */

static bool window_create(struct gm_sdl *s)
{
	u32 flags = SDL_WINDOW_RESIZABLE;

	if (s->x11)
		flags |= SDL_WINDOW_HIDDEN;
	s->fullscreen = s->cfg.fullscreen;
	if (s->fullscreen)
		flags |= SDL_WINDOW_FULLSCREEN_DESKTOP;
	s->window = s->api.SDL_CreateWindow(s->name, SDL_WINDOWPOS_CENTERED, SDL_WINDOWPOS_CENTERED,
					    720, 400, flags);
	if (s->window)
		s->renderer = s->api.SDL_CreateRenderer(s->window, -1, SDL_RENDERER_SOFTWARE);
	return s->renderer;
}

static bool window_open(struct gm_sdl *s)
{
	SDL_SysWMinfo info;
	const char *driver;

	/* No drivers, no helpers on the bus, no signals: the machine's signals are vmm's. */
	s->api.SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
	s->api.SDL_SetHint(SDL_HINT_FRAMEBUFFER_ACCELERATION, "0");
	s->api.SDL_SetHint(SDL_HINT_VIDEO_ALLOW_SCREENSAVER, "1");
	s->api.SDL_SetHint(SDL_HINT_QUIT_ON_LAST_WINDOW_CLOSE, "0");
	if (s->api.SDL_InitSubSystem(SDL_INIT_VIDEO))
		return false;
	s->api.SDL_StopTextInput();
	s->event = s->api.SDL_RegisterEvents(1);
	driver = s->api.SDL_GetCurrentVideoDriver();
	s->x11 = driver && !strcmp(driver, "x11") ? gm_sdl_x11_new() : NULL;
	if (!window_create(s))
		return false;
	SDL_VERSION(&info.version);
	return !s->x11 || (s->api.SDL_GetWindowWMInfo(s->window, &info) &&
			   gm_sdl_x11_attach(s->x11, &info));
}

static void window_close(struct gm_sdl *s)
{
	if (s->texture)
		s->api.SDL_DestroyTexture(s->texture);
	if (s->renderer)
		s->api.SDL_DestroyRenderer(s->renderer);
	if (s->window)
		s->api.SDL_DestroyWindow(s->window);
	s->api.SDL_QuitSubSystem(SDL_INIT_VIDEO);
}

/* Until the window is seen it is asked for; how long to wait for something else to happen. */
static int window_show(struct gm_sdl *s)
{
	s->seen |= s->api.SDL_GetWindowFlags(s->window) & SDL_WINDOW_SHOWN;
	if (s->seen)
		return -1;
	switch (gm_sdl_x11_show(s->x11)) {
	case GM_SDL_SEEN:
		s->api.SDL_ShowWindow(s->window);
		return 0;
	case GM_SDL_UNSEEN_LONG:
		on_unseen(s);
		break;
	case GM_SDL_UNSEEN:
		break;
	}
	return ASK_MS;
}

static void events_take(void *opaque)
{
	struct gm_sdl *s = opaque;
	SDL_Event e;

	while (!__atomic_load_n(&s->leaving, __ATOMIC_ACQUIRE)) {
		if (__atomic_load_n(&s->woken, __ATOMIC_ACQUIRE))
			picture_update(s);
		else if (s->x11 ? s->api.SDL_PollEvent(&e) : s->api.SDL_WaitEvent(&e))
			handle(s, &e);
		else if (s->x11)
			gm_sdl_x11_wait(s->x11, window_show(s));
		else
			break;
	}
}

static void started(struct gm_sdl *s, bool ok)
{
	pthread_mutex_lock(&s->lock);
	s->started = true;
	s->err = ok ? 0 : -ENODEV;
	if (!ok)
		snprintf(s->why, sizeof(s->why), "%s", s->api.SDL_GetError());
	pthread_cond_signal(&s->cond);
	pthread_mutex_unlock(&s->lock);
}

static void *window_thread(void *arg)
{
	struct gm_sdl *s = arg;
	bool ok, leaving, lost = false;

	pthread_setname_np(pthread_self(), "window");
	ok = window_open(s);
	started(s, ok);
	if (ok && s->x11)
		lost = !gm_sdl_x11_guard(s->x11, events_take, s);
	else if (ok)
		events_take(s);
	leaving = __atomic_load_n(&s->leaving, __ATOMIC_ACQUIRE);
	if (ok && !leaving)
		keys_release(s);
	if (!lost)
		window_close(s);
	else if (!leaving)
		on_close(s);
	return NULL;
}

static void wake(struct gm_sdl *s)
{
	SDL_Event e = {.user = {.type = s->event}};

	if (s->x11)
		gm_sdl_x11_wake(s->x11);
	else
		s->api.SDL_PushEvent(&e);
}

static void port_wake(void *opaque)
{
	struct gm_sdl *s = opaque;

	if (!__atomic_exchange_n(&s->woken, 1, __ATOMIC_ACQ_REL))
		wake(s);
}

/* ---- life ---- */

static int thread_start(struct gm_sdl *s)
{
	sigset_t all, old;
	int err;

	gm_sandbox_sigmask(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&s->thread, NULL, window_thread, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err) {
		snprintf(s->why, sizeof(s->why), "no thread for the window: %s", strerror(err));
		return -err;
	}
	pthread_mutex_lock(&s->lock);
	while (!s->started)
		pthread_cond_wait(&s->cond, &s->lock);
	pthread_mutex_unlock(&s->lock);
	if (s->err)
		pthread_join(s->thread, NULL);
	return s->err;
}

static void sdl_free(struct gm_sdl *s)
{
	gm_sdl_x11_free(s->x11);
	gm_dl_close(s->dl);
	pthread_cond_destroy(&s->cond);
	pthread_mutex_destroy(&s->lock);
	free(s->name);
	free(s);
}

int gm_sdl_start(struct gm_machine *m, const struct gm_sdl_cfg *cfg, struct gm_sdl **out, char *err,
		 size_t errlen)
{
	struct gm_sdl *s = calloc(1, sizeof(*s));
	int ret;

	snprintf(err, errlen, "out of memory");
	if (!s)
		return -ENOMEM;
	s->m = m;
	s->cfg = *cfg;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->cond, NULL);
	s->name = strdup(cfg->name ? cfg->name : "vmm");
	ret = s->name ? gm_dl_open(SONAME, "libsdl2-2.0-0", symbols, ARRAY_SIZE(symbols), &s->api,
				   &s->dl, err, errlen) : -ENOMEM;
	if (!ret) {
		ret = thread_start(s);
		if (ret)
			snprintf(err, errlen, "no window: %s", s->why);
	}
	if (ret) {
		sdl_free(s);
		return ret;
	}
	s->port = (struct gm_view_port){.wake = port_wake, .opaque = s};
	gm_view_attach(cfg->view, &s->port);
	*out = s;
	return 0;
}

void gm_sdl_stop(struct gm_sdl *s)
{
	struct timespec end;

	if (!s)
		return;
	gm_lock(s->m);
	gm_view_detach(s->cfg.view, &s->port);
	gm_unlock(s->m);
	__atomic_store_n(&s->leaving, 1, __ATOMIC_RELEASE);
	wake(s);
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += STOP_SECONDS;
	/* The process ends; a thread that is held up by the display server is not waited for. */
	if (!pthread_timedjoin_np(s->thread, NULL, &end))
		sdl_free(s);
}

bool gm_sdl_available(char *why, size_t len)
{
	struct sdl_api api;
	void *dl;

	if (gm_dl_open(SONAME, "libsdl2-2.0-0", symbols, ARRAY_SIZE(symbols), &api, &dl, why, len))
		return false;
	gm_dl_close(dl);
	return true;
}
#else
#include "vmm/ui/sdl.h"

#include <errno.h>
#include <stdio.h>

#define WHY "this vmm was built without SDL 2 (package 'libsdl2-dev')"

int gm_sdl_start(struct gm_machine *m, const struct gm_sdl_cfg *cfg, struct gm_sdl **out, char *err,
		 size_t errlen)
{
	snprintf(err, errlen, WHY);
	return -ENOSYS;
}

void gm_sdl_stop(struct gm_sdl *s)
{
}

bool gm_sdl_available(char *why, size_t len)
{
	snprintf(why, len, WHY);
	return false;
}
#endif

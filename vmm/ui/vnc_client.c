// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One VNC client: its thread brings what has changed of the picture into the client's own frame
 * buffer, lets libvncserver do the talking, and hands keys and pointer on.
 *
 * Sources: RFC 6143; the RFB protocol's registry for the extended key event (pseudo-encoding -258,
 * message 255): scan codes instead of characters, which are right with every keyboard layout.
 */
#ifdef HAVE_LIBVNCSERVER
#include "vmm/ui/vnc_int.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "vmm/machine.h"
#include "vmm/ui/feed.h"

#define HANDSHAKE_MS 10000 /* to get as far as the screen */
#define CLIENT_MS    10000 /* for the rest of a message that has begun, and to take ours */
#define EXT_KEY_ENCODING (-258)
#define EXT_KEY_MESSAGE  255

#define SONAME "libvncserver.so.1"

/* ---- the guest's input ---- */

static struct vnc_client *client_of(rfbClientPtr cl)
{
	return cl->screen->screenData;
}

static void on_key(rfbBool down, rfbKeySym sym, rfbClientPtr cl)
{
	struct vnc_client *c = client_of(cl);

	gm_lock(c->v->m);
	gm_keys_sym(&c->held, c->v->feed, (u32)sym, down);
	gm_unlock(c->v->m);
}

/* Buttons as the protocol has them: left, middle, right, and the wheel as buttons 4 and 5. */
static void on_pointer(int mask, int x, int y, rfbClientPtr cl)
{
	struct vnc_client *c = client_of(cl);
	unsigned int now = (unsigned int)mask & 0x1f, pressed = now & ~c->buttons;
	unsigned int buttons = (now & 1) | (now & 2) << 1 | (now & 4) >> 1;
	int dz = (pressed >> 4 & 1) - (pressed >> 3 & 1);

	c->buttons = now;
	gm_lock(c->v->m);
	gm_feed_point(c->v->feed, x, y, c->width, c->height, dz, buttons);
	gm_unlock(c->v->m);
}

static void on_cut_text(char *text, int len, rfbClientPtr cl)
{
}

/* ---- keys by number ---- */

static int ext_encodings[] = {EXT_KEY_ENCODING, 0};

static rfbBool ext_enable(rfbClientPtr cl, void **data, int encoding)
{
	if (encoding != EXT_KEY_ENCODING)
		return FALSE;
	client_of(cl)->key_numbers = true;
	return TRUE;
}

static rfbBool ext_message(rfbClientPtr cl, void *data, const rfbClientToServerMsg *msg)
{
	struct vnc_client *c = client_of(cl);
	struct {
		u8 kind, down[2], sym[4], code[4];
	} key;
	u32 code;

	if (msg->type != EXT_KEY_MESSAGE)
		return FALSE;
	if (c->v->api.rfbReadExact(cl, (char *)&key, sizeof(key)) <= 0 || key.kind) {
		c->v->api.rfbCloseClient(cl);
		return TRUE;
	}
	code = (u32)key.code[0] << 24 | (u32)key.code[1] << 16 | (u32)key.code[2] << 8 | key.code[3];
	gm_lock(c->v->m);
	gm_keys_key(&c->held, c->v->feed, gm_key_from_xt(code), key.down[0] | key.down[1]);
	gm_unlock(c->v->m);
	return TRUE;
}

static rfbProtocolExtension ext_keys = {
	.pseudoEncodings = ext_encodings,
	.enablePseudoEncoding = ext_enable,
	.handleMessage = ext_message,
};

/* An empty rectangle of this encoding tells the client that the messages are understood. */
static void ext_confirm(struct vnc_client *c)
{
	struct {
		u8 type, pad;
		u16 nrects, x, y, w, h;
		u32 encoding;
	} msg = {.nrects = htons(1), .encoding = htonl((u32)EXT_KEY_ENCODING)};

	c->key_numbers = false;
	if (c->v->api.rfbWriteExact(c->cl, (char *)&msg, sizeof(msg)) < 0)
		c->v->api.rfbCloseClient(c->cl);
}

/* ---- the picture ---- */

static void rect_copy(struct vnc_client *c, const struct gm_rect *r)
{
	const struct gm_view *view = c->v->view;
	unsigned int x, y;

	for (y = r->y; y < r->y + r->h; y++) {
		const u32 *in = view->pixels + (size_t)y * view->width + r->x;
		u32 *out = c->pixels + (size_t)y * c->width + r->x;

		for (x = 0; x < r->w; x++)
			out[x] = (in[x] & 0xff) << 16 | (in[x] & 0xff00) | (in[x] >> 16 & 0xff);
	}
}

/* View lock held. False: out of memory, or the size is as it was. */
static bool picture_resize(struct vnc_client *c, u32 **old)
{
	const struct gm_view *view = c->v->view;
	u32 *pixels;

	if (c->width == view->width && c->height == view->height)
		return false;
	pixels = calloc((size_t)view->width * view->height, sizeof(*pixels));
	if (!pixels)
		return false;
	*old = c->pixels;
	c->pixels = pixels;
	c->width = view->width;
	c->height = view->height;
	return true;
}

static void picture_update(struct vnc_client *c)
{
	struct gm_view *view = c->v->view;
	struct gm_rect r;
	u32 *old = NULL;
	bool resized;

	gm_view_lock(view);
	resized = picture_resize(c, &old);
	if (c->width == view->width && c->height == view->height) {
		while (gm_view_next(view, &c->port, &r)) {
			rect_copy(c, &r);
			if (!resized && c->screen)
				c->v->api.rfbMarkRectAsModified(c->screen, (int)r.x, (int)r.y,
								(int)(r.x + r.w), (int)(r.y + r.h));
		}
	}
	gm_view_unlock(view);
	c->tell_size |= resized && c->screen;
	if (resized && c->screen)
		c->v->api.rfbNewFramebuffer(c->screen, (char *)c->pixels, (int)c->width,
					    (int)c->height, 8, 3, 4);
	free(old);
}

static void port_wake(void *opaque)
{
	struct vnc_client *c = opaque;
	u64 one = 1;

	if (write(c->wake_fd, &one, sizeof(one)) < 0)
		return; /* full: it is awake */
}

/* ---- the client ---- */

/* libvncserver 0.9.14 does not free what it has for a WebSocket (later ones do, after this), nor its
 * list of extensions. */
static void on_gone(rfbClientPtr cl)
{
	rfbExtensionData *e = cl->extensions, *next;

	cl->extensions = NULL;
	for (; e; e = next) {
		next = e->next;
		free(e);
	}
#ifdef LIBVNCSERVER_WITH_WEBSOCKETS
	free(cl->wsctx);
	cl->wsctx = NULL;
#endif
	client_of(cl)->cl = NULL;
}

/* Who guesses passwords does so slowly. */
static rfbBool on_password(rfbClientPtr cl, const char *response, int len)
{
	static const struct timespec second = {.tv_sec = 1};

	if (client_of(cl)->v->api.rfbCheckPasswordByList(cl, response, len))
		return TRUE;
	nanosleep(&second, NULL);
	return FALSE;
}

/* ---- screens ---- */

static rfbScreenInfoPtr screen_new(struct gm_vnc *v)
{
	rfbScreenInfoPtr s = v->api.rfbGetScreen(NULL, NULL, 64, 64, 8, 3, 4);

	if (!s)
		return NULL;
	s->alwaysShared = TRUE;
	s->deferUpdateTime = 0; /* the view sets the pace */
	s->maxClientWait = CLIENT_MS;
	s->cursor = NULL;       /* the guest draws its own */
	s->kbdAddEvent = on_key;
	s->ptrAddEvent = on_pointer;
	s->setXCutText = on_cut_text;
	s->passwordCheck = on_password;
	s->authPasswdFirstViewOnly = 1;
	return s;
}

static int screens_make(struct gm_vnc *v)
{
	while (v->nscreens < VNC_CLIENTS_MAX) {
		v->screens[v->nscreens] = screen_new(v);
		if (!v->screens[v->nscreens])
			return -ENOMEM;
		v->nscreens++;
	}
	return 0;
}

static rfbScreenInfoPtr screen_take(struct vnc_client *c)
{
	struct gm_vnc *v = c->v;
	rfbScreenInfoPtr s = NULL;

	pthread_mutex_lock(&v->lock);
	if (v->nscreens)
		s = v->screens[--v->nscreens];
	pthread_mutex_unlock(&v->lock);
	if (!s)
		return NULL;
	s->screenData = c;
	s->desktopName = v->name;
	s->authPasswdData = v->passwords[0] ? v->passwords : NULL;
	v->api.rfbNewFramebuffer(s, (char *)c->pixels, (int)c->width, (int)c->height, 8, 3, 4);
	return s;
}

/* As it was before its client: without the client, and without the smaller pictures it asked for. */
static void screen_give(struct vnc_client *c)
{
	struct gm_vnc *v = c->v;
	rfbScreenInfoPtr s = c->screen, scaled;

	if (c->cl) {
		v->api.rfbCloseClient(c->cl);
		v->api.rfbProcessEvents(s, 0);
	}
	while ((scaled = s->scaledScreenNext)) {
		s->scaledScreenNext = scaled->scaledScreenNext;
		free(scaled->frameBuffer);
		free(scaled);
	}
	s->screenData = NULL;
	s->frameBuffer = NULL;
	pthread_mutex_lock(&v->lock);
	v->screens[v->nscreens++] = s;
	pthread_mutex_unlock(&v->lock);
}

static s64 now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (s64)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Waits for the client or for damage; false when the client has taken too long to log in. */
static bool client_wait(struct vnc_client *c, s64 deadline)
{
	struct pollfd fds[2] = {{.fd = c->own_fd, .events = POLLIN},
				{.fd = c->wake_fd, .events = POLLIN}};
	s64 left = deadline - now_ms();
	u64 n;

	if (c->cl->state == RFB_NORMAL)
		left = -1;
	else if (left <= 0)
		return false;
	if (poll(fds, 2, (int)left) < 0 && errno != EINTR)
		return false;
	if (fds[1].revents & POLLIN && read(c->wake_fd, &n, sizeof(n)) == sizeof(n))
		picture_update(c);
	return true;
}

static void client_talk(struct vnc_client *c)
{
	s64 deadline = now_ms() + HANDSHAKE_MS;

	c->cl = c->v->api.rfbNewClient(c->screen, c->fd);
	if (!c->cl)
		return;
	c->cl->clientGoneHook = on_gone;
	while (c->cl && client_wait(c, deadline)) {
		c->v->api.rfbProcessEvents(c->screen, 0);
		/* A size that came before the client said that it understands sizes is not told. */
		if (c->cl && c->tell_size && c->cl->useNewFBSize) {
			c->cl->newFBSizePending = TRUE;
			c->tell_size = false;
		}
		if (c->cl && c->key_numbers)
			ext_confirm(c);
	}
}

void vnc_client_serve(struct vnc_client *c)
{
	struct gm_vnc *v = c->v;

	c->port = (struct gm_view_port){.wake = port_wake, .opaque = c};
	gm_lock(v->m);
	gm_view_attach(v->view, &c->port);
	gm_unlock(v->m);
	picture_update(c);
	c->screen = c->pixels ? screen_take(c) : NULL;
	if (c->screen) {
		client_talk(c);
		screen_give(c);
	} else {
		close(c->fd);
	}
	gm_lock(v->m);
	gm_view_detach(v->view, &c->port);
	gm_keys_release(&c->held, v->feed);
	gm_unlock(v->m);
	free(c->pixels);
}

struct vnc_client *vnc_client_new(struct gm_vnc *v, int fd)
{
	struct vnc_client *c = calloc(1, sizeof(*c));

	if (!c || fd >= FD_SETSIZE)
		goto fail;
	c->v = v;
	c->fd = fd;
	c->own_fd = dup(fd);
	c->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->own_fd >= 0 && c->wake_fd >= 0)
		return c;
	if (c->own_fd >= 0)
		close(c->own_fd);
	if (c->wake_fd >= 0)
		close(c->wake_fd);
fail:
	free(c);
	close(fd);
	return NULL;
}

/* ---- the library ---- */

#define ENTRY(f) GM_DL_ENTRY(struct vnc_api, f)
static const struct gm_dl_sym symbols[] = {VNC_LIBRARY(ENTRY)};

/* A conversation with ourselves up to the challenge, so that the library has made its list of
 * security types and found its source of random numbers before threads and sandbox. */
static int library_warm(struct gm_vnc *v)
{
	static const char hello[] = "RFB 003.008\n\2";
	struct vnc_client c = {.v = v, .width = 64, .height = 64};
	rfbClientPtr cl = NULL;
	int fds[2], i;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
		return -errno;
	c.pixels = calloc(64 * 64, sizeof(*c.pixels));
	c.screen = c.pixels ? screen_take(&c) : NULL;
	if (write(fds[1], hello, sizeof(hello) - 1) > 0 && c.screen)
		cl = v->api.rfbNewClient(c.screen, fds[0]);
	c.cl = cl;
	if (cl)
		cl->clientGoneHook = on_gone;
	for (i = 0; c.cl && i < 2; i++)
		v->api.rfbProcessEvents(c.screen, 0);
	if (c.screen)
		screen_give(&c);
	if (!cl)
		close(fds[0]);
	close(fds[1]);
	free(c.pixels);
	return cl ? 0 : -ENOMEM;
}

int vnc_library_open(struct gm_vnc *v, char *err, size_t errlen)
{
	int ret = gm_dl_open(SONAME, "libvncserver1", symbols, ARRAY_SIZE(symbols), &v->api, &v->dl,
			     err, errlen);

	if (ret)
		return ret;
	v->api.rfbLogEnable(0);
	v->api.rfbRegisterProtocolExtension(&ext_keys);
	ret = screens_make(v);
	if (!ret)
		ret = library_warm(v);
	if (ret)
		snprintf(err, errlen, "%s does not work here: %s", SONAME, strerror(-ret));
	return ret;
}

void vnc_library_close(struct gm_vnc *v)
{
	if (!v->dl)
		return;
	while (v->nscreens)
		v->api.rfbScreenCleanup(v->screens[--v->nscreens]);
	v->api.rfbUnregisterProtocolExtension(&ext_keys);
	gm_dl_close(v->dl);
}
#endif

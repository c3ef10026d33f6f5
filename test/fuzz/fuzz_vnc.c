// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A VNC client's bytes, to a server with a small screen. The first byte chooses: with bit 0 the
 * handshake is made for the input, which begins behind it; with bit 1 the picture changes its
 * size. Keys and pointer end in sinks that check what they get.
 */
#include "test/fuzz/fuzz.h"

#ifdef HAVE_LIBVNCSERVER
#include <pthread.h>
#include <sys/socket.h>
#include "vmm/loop.h"
#include "vmm/machine.h"
#include "vmm/ui/feed.h"
#include "vmm/ui/vnc_int.h"

#define INPUT_MAX 8192

static const char hello[] = "RFB 003.008\n\1\1";

struct server {
	struct gm_machine *m;
	struct gm_vnc vnc;
	bool changed, large;
};

static bool snapshot(void *opaque, struct gm_screen *s, bool want_pixels, u64 *since)
{
	struct server *v = opaque;

	if (!v->changed && *since)
		return false;
	v->changed = false;
	*since = 1;
	s->kind = GM_SCREEN_PIXELS;
	if (gm_screen_pixel_size(s, v->large ? 100 : 64, v->large ? 70 : 48))
		abort();
	memset(s->pixels, 0x5a, (size_t)s->width * s->height * 4);
	return true;
}

static bool watch(void *opaque, struct gm_display_watch *w)
{
	return true;
}

static void unwatch(void *opaque, struct gm_display_watch *w)
{
}

static void key(void *opaque, unsigned int k, bool down)
{
	fuzz_check(k && k < 256, "a key that there is not");
}

static void pointer(void *opaque, int dx, int dy, int dz, unsigned int buttons)
{
	fuzz_check(buttons < 8 && dz >= -1 && dz <= 1, "buttons or wheel");
	fuzz_check(dx > -4096 && dx < 4096 && dy > -4096 && dy < 4096, "motion beyond the picture");
}

static void *drain(void *arg)
{
	char buf[65536];

	while (recv(*(int *)arg, buf, sizeof(buf), 0) > 0)
		;
	return NULL;
}

static void server_make(struct server *v)
{
	const struct gm_display_source src = {.snapshot = snapshot, .watch = watch,
					      .unwatch = unwatch, .opaque = v};
	const struct gm_input_sink sink = {.key = key, .pointer = pointer};

	v->m = v->vnc.m = gm_machine_new("fuzz");
	gm_lock(v->m);
	if (gm_view_new(v->m, &src, &v->vnc.view) ||
	    gm_feed_new(v->m, &sink, NULL, &v->vnc.feed))
		abort();
	gm_unlock(v->m);
	v->vnc.name = "fuzz";
}

static void talk(struct server *v, const u8 *data, size_t len, bool greeted)
{
	struct vnc_client *c;
	pthread_t reader;
	int fds[2], big = INPUT_MAX * 4;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
		abort();
	setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &big, sizeof(big));
	if ((greeted && write(fds[1], hello, sizeof(hello) - 1) < 0) ||
	    (len && write(fds[1], data, len) < 0))
		abort();
	shutdown(fds[1], SHUT_WR);
	pthread_create(&reader, NULL, drain, &fds[1]);
	c = vnc_client_new(&v->vnc, fds[0]);
	if (!c)
		abort();
	vnc_client_serve(c);
	close(c->own_fd);
	close(c->wake_fd);
	fuzz_check(!c->held.n, "a key stays down");
	fuzz_check(v->vnc.nscreens == 1 && !v->vnc.screens[0]->clientHead, "the screen was not given back");
	free(c);
	pthread_join(reader, NULL);
	close(fds[1]);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	static struct gm_vnc library;
	struct server v = {0};
	char err[300];

	if (!len || len > INPUT_MAX)
		return 0;
	if (!library.dl && vnc_library_open(&library, err, sizeof(err)))
		return 0; /* not installed */
	server_make(&v);
	v.vnc.api = library.api;
	v.vnc.screens[0] = library.screens[0]; /* each client leaves it as it was */
	v.vnc.nscreens = 1;
	v.large = data[0] & 2;
	v.changed = true;
	talk(&v, data + 1, len - 1, data[0] & 1);
	gm_lock(v.m);
	gm_feed_free(v.vnc.feed);
	gm_view_free(v.vnc.view);
	gm_unlock(v.m);
	gm_machine_free(v.m);
	return 0;
}
#else
int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	return 0;
}
#endif

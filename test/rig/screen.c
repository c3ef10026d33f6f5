// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest's linear frame buffer as a VNC client sees it, under an accelerator: what the guest writes there makes no exit
 * and reaches the client through the dirty log; of a picture that stands still nothing is sent. vmm runs vesa.S,
 * and this program is its serial line and its client (RFC 6143: security type 1, encoding 0).
 */
#include "test/rig/rig.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define VMM    "/vmm"
#define SOCKET "/tmp/screen.vnc"
#define WIDTH  1024u
#define HEIGHT 768u
#define WRITES 8u
#define LIMIT  180 /* seconds for all of it */

struct screen {
	pid_t pid;
	int to, from, sock; /* its serial line, its VNC server */
	uint32_t *pixels;
};

static int get(int fd, void *buf, size_t len)
{
	char *p = buf;
	ssize_t n;

	for (; len; p += n, len -= (size_t)n) {
		n = read(fd, p, len);
		if (n <= 0)
			return -1;
	}
	return 0;
}

static int put(int fd, const void *buf, size_t len)
{
	return write(fd, buf, len) == (ssize_t)len ? 0 : -1;
}

static unsigned int be16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

static int vmm_start(struct screen *s, const char *accel)
{
	int in[2], out[2];

	CHECK(pipe(in) == 0 && pipe(out) == 0);
	unlink(SOCKET);
	s->pid = fork();
	CHECK(s->pid >= 0);
	if (!s->pid) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[1]);
		close(out[0]);
		execl(VMM, VMM, "run", "--accel", accel, "--name", "screen", "--memory", "32M", "--serial", "stdio",
		      "--display", "vnc=unix:" SOCKET, "--disk", "/vesa.img,readonly", (char *)NULL);
		perror(VMM);
		_exit(1);
	}
	close(in[0]);
	close(out[1]);
	s->to = in[1];
	s->from = out[0];
	return 0;
}

/* Up to the first picture asked for. */
static int vnc_login(struct screen *s)
{
	static const uint8_t encodings[] = { 2, 0, 0, 1, 0, 0, 0, 0 };
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = SOCKET };
	uint8_t buf[256];

	s->sock = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK(s->sock >= 0 && connect(s->sock, (struct sockaddr *)&a, sizeof(a)) == 0);
	CHECK(get(s->sock, buf, 12) == 0 && put(s->sock, "RFB 003.008\n", 12) == 0);
	CHECK(get(s->sock, buf, 1) == 0 && buf[0] && get(s->sock, buf + 1, buf[0]) == 0);
	CHECK(put(s->sock, "\1", 1) == 0 && get(s->sock, buf, 4) == 0 && !buf[3]);
	CHECK(put(s->sock, "\1", 1) == 0 && get(s->sock, buf, 24) == 0);
	CHECK(be16(buf) == WIDTH && be16(buf + 2) == HEIGHT && buf[4] == 32);
	CHECK(!buf[20] && !buf[21] && buf[23] < sizeof(buf) && get(s->sock, buf + 24, buf[23]) == 0);
	CHECK(put(s->sock, encodings, sizeof(encodings)) == 0);
	return 0;
}

static int picture_ask(struct screen *s, int changes)
{
	uint8_t ask[10] = { 3, (uint8_t)changes, 0, 0, 0, 0, WIDTH >> 8, 0, HEIGHT >> 8, 0 };

	return put(s->sock, ask, sizeof(ask));
}

/* One update, rectangle by rectangle. */
static int picture_take(struct screen *s)
{
	uint8_t h[12];
	unsigned int n, x, y, w, rows;

	CHECK(get(s->sock, h, 4) == 0 && h[0] == 0);
	for (n = be16(h + 2); n; n--) {
		CHECK(get(s->sock, h, 12) == 0);
		x = be16(h);
		y = be16(h + 2);
		w = be16(h + 4);
		rows = be16(h + 6);
		CHECK(!h[8] && !h[9] && !h[10] && !h[11] && x + w <= WIDTH && y + rows <= HEIGHT);
		for (; rows; rows--, y++)
			CHECK(get(s->sock, s->pixels + y * WIDTH + x, w * 4) == 0);
	}
	return 0;
}

static int more(struct screen *s, int ms)
{
	struct pollfd p = { .fd = s->sock, .events = POLLIN };

	return poll(&p, 1, ms) > 0;
}

/* How often vmm has looked at the guest's screen: here, asked for the dirty log. */
static long looks(void)
{
	FILE *f = popen(VMM " info screen display --json", "r");
	char line[512], *p;
	long n = -1;

	while (f && fgets(line, sizeof(line), f)) {
		p = strstr(line, "\"looks\":");
		if (p)
			n = atol(p + 8);
	}
	if (f)
		pclose(f);
	return n;
}

/* A change is asked for, then made: it comes. */
static int change(struct screen *s, uint8_t n)
{
	uint32_t grey = n * 0x010101u;
	char done;
	unsigned int i;

	CHECK(s->pixels[16u * n * WIDTH] != grey);
	CHECK(put(s->to, &n, 1) == 0 && get(s->from, &done, 1) == 0 && done == 'D');
	while (s->pixels[16u * n * WIDTH + 7] != grey)
		CHECK(picture_take(s) == 0 && picture_ask(s, 1) == 0);
	for (i = 0; i < 8; i++)
		CHECK(s->pixels[16u * n * WIDTH + i] == grey);
	return 0;
}

static int talk(struct screen *s)
{
	char ready;
	unsigned int n;
	long before;

	CHECK(get(s->from, &ready, 1) == 0 && ready == 'R');
	CHECK(vnc_login(s) == 0 && picture_ask(s, 0) == 0);
	CHECK(picture_take(s) == 0 && picture_ask(s, 1) == 0);
	/* What the change of modes has left to tell. */
	while (more(s, 3000))
		CHECK(picture_take(s) == 0 && picture_ask(s, 1) == 0);
	before = looks();
	CHECK(before > 0 && !more(s, 5000));
	for (n = 1; n <= WRITES; n++)
		CHECK(change(s, (uint8_t)(n * 5)) == 0);
	CHECK(looks() > before);
	return 0;
}

int rig_screen(const char *accel)
{
	struct screen s = { .sock = -1 };
	int ret = -1;

	signal(SIGPIPE, SIG_IGN);
	alarm(LIMIT);
	s.pixels = calloc(WIDTH * HEIGHT, sizeof(*s.pixels));
	if (s.pixels && !vmm_start(&s, accel)) {
		ret = talk(&s);
		kill(s.pid, SIGKILL);
		waitpid(s.pid, NULL, 0);
	}
	free(s.pixels);
	return ret;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Network ports and their back ends, with the real I/O loop in a thread: frames both ways, queues
 * that fill up, peers that come and go, the capture file, user networking.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test/unit/lib/run.h"
#include "vmm/clock.h"
#include "vmm/loop.h"
#include "vmm/machine.h"
#include "vmm/net/net.h"

/* What a card saw. */
struct card {
	struct gm_net *n;
	bool full;           /* takes nothing */
	unsigned int frames, links;
	size_t len;
	u8 last[GM_NET_FRAME_MAX];
};

static struct gm_machine *m;
static pthread_t thread;
static char err[512];

static bool card_receive(void *opaque, const u8 *frame, size_t len)
{
	struct card *c = opaque;

	if (c->full)
		return false;
	c->frames++;
	c->len = len;
	memcpy(c->last, frame, len);
	return true;
}

static void card_link(void *opaque, bool up)
{
	((struct card *)opaque)->links++;
}

static void *loop_thread(void *arg)
{
	gm_loop_run(m->loop);
	return NULL;
}

static void quiet(void *opaque, const char *text)
{
}

/* Leaves with the machine lock held. */
static void setup(void)
{
	m = gm_machine_new("net");
	ck_assert_ptr_nonnull(m);
	m->warn = quiet;
	gm_lock(m);
	m->state = GM_STATE_RUNNING;
	gm_clock_start(m->clock);
	pthread_create(&thread, NULL, loop_thread, NULL);
}

static void finish(void)
{
	gm_unlock(m);
	gm_loop_quit(m->loop);
	pthread_join(thread, NULL);
	gm_machine_free(m);
}

/* Lets the loop run until cond; ten seconds are for machines that are broken. */
#define WAIT_FOR(cond)                                                                             \
	do {                                                                                       \
		int left_ = 10000;                                                                 \
		while (!(cond) && left_--) {                                                       \
			gm_unlock(m);                                                              \
			usleep(1000);                                                              \
			gm_lock(m);                                                                \
		}                                                                                  \
		ck_assert_msg(cond, "never: %s", #cond);                                           \
	} while (0)

static struct gm_net *port(struct card *c, const struct gm_net_options *opt)
{
	struct gm_net_options o = *opt;
	struct gm_net_client client = {.receive = card_receive, .link_changed = card_link,
				       .opaque = c};

	o.id = "net0";
	memset(c, 0, sizeof(*c));
	c->n = gm_net_open(m, &o, err, sizeof(err));
	if (c->n)
		gm_net_set_client(c->n, &client);
	return c->n;
}

static void frame_make(u8 *p, size_t len, u8 mark)
{
	memset(p, mark, len);
	memset(p, 0xff, 6);
}

/* ---- pair ---- */

static struct card a, b;

static void pair_fd(int sv[2])
{
	setup();
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, sv), 0);
	ck_assert_ptr_nonnull(port(&a, &(struct gm_net_options){.kind = GM_NET_PAIR, .fd = sv[0]}));
}

static const struct {
	const char *name;
	size_t len;
	bool passes;
} sizes[] = {
	{"shorter than a header", 13, false},
	{"a header", 14, true},
	{"usual", 1514, true},
	{"the largest", GM_NET_FRAME_MAX, true},
	{"too long", GM_NET_FRAME_MAX + 1, false},
	{"far too long", 60000, false},
};

START_TEST(test_pair_sizes)
{
	static u8 p[65536], q[65536];
	int sv[2];

	pair_fd(sv);
	frame_make(p, sizeof(p), 7);
	gm_net_send(a.n, p, sizes[_i].len);
	ck_assert_msg(recv(sv[1], q, sizeof(q), 0) == (sizes[_i].passes ? (ssize_t)sizes[_i].len : -1),
		      "%s", sizes[_i].name);
	/* And in the other direction; a good one behind it. */
	ck_assert_int_eq(send(sv[1], p, sizes[_i].len, 0), sizes[_i].len);
	frame_make(p, 100, 9);
	ck_assert_int_eq(send(sv[1], p, 100, 0), 100);
	WAIT_FOR(a.len == 100);
	ck_assert_msg(a.frames == 1u + sizes[_i].passes, "%s", sizes[_i].name);
	ck_assert_uint_eq(a.last[50], 9);
	gm_net_close(a.n);
	close(sv[1]);
	finish();
}
END_TEST

/* Nobody reads: sending goes on, frames are lost at the end, and none of those before. */
START_TEST(test_pair_full)
{
	unsigned int i, got = 0;
	u8 p[1514];
	u32 n;
	int sv[2];

	pair_fd(sv);
	for (i = 0; i < 20000; i++) {
		frame_make(p, sizeof(p), 1);
		memcpy(p + 20, &i, 4);
		gm_net_send(a.n, p, sizeof(p));
	}
	ck_assert_uint_gt(gm_net_stats(a.n)->tx_dropped, 1000);
	/* A descriptor's buffer and the port's queue come out whole and in order. */
	while (got < 1000) {
		ssize_t len = recv(sv[1], p, sizeof(p), 0);

		if (len < 0) {
			WAIT_FOR(recv(sv[1], p, 1, MSG_PEEK) > 0);
			continue;
		}
		memcpy(&n, p + 20, 4);
		ck_assert_uint_eq(n, got);
		got++;
	}
	gm_net_close(a.n);
	close(sv[1]);
	finish();
}
END_TEST

/* A card without room: what comes waits, in order, and is bounded by the sender's socket. */
START_TEST(test_card_full)
{
	unsigned int i;
	u8 p[100];
	int sv[2];

	pair_fd(sv);
	a.full = true;
	for (i = 0; i < 5; i++) {
		frame_make(p, sizeof(p), (u8)i);
		ck_assert_int_eq(send(sv[1], p, sizeof(p), 0), (ssize_t)sizeof(p));
	}
	gm_unlock(m);
	usleep(20000);
	gm_lock(m);
	ck_assert_uint_eq(a.frames, 0);
	a.full = false;
	gm_net_ready(a.n);
	WAIT_FOR(a.frames == 5);
	ck_assert_uint_eq(a.last[50], 4);
	ck_assert_uint_eq(gm_net_stats(a.n)->rx_frames, 5);
	ck_assert_uint_eq(gm_net_stats(a.n)->rx_dropped, 0);
	gm_net_close(a.n);
	close(sv[1]);
	finish();
}
END_TEST

START_TEST(test_pair_peer_gone)
{
	u8 p[100];
	int sv[2];

	pair_fd(sv);
	ck_assert(gm_net_link(a.n));
	close(sv[1]);
	WAIT_FOR(!gm_net_link(a.n));
	ck_assert_uint_eq(a.links, 1);
	frame_make(p, sizeof(p), 1);
	gm_net_send(a.n, p, sizeof(p));
	ck_assert_uint_eq(gm_net_stats(a.n)->tx_dropped, 1);
	gm_net_close(a.n);
	finish();
}
END_TEST

/* By path: whoever comes first listens; when it ends the other takes over. A socket that was left
 * behind is no hindrance. */
START_TEST(test_pair_path)
{
	char dir[] = "/tmp/gm-test-XXXXXX", path[64];
	struct gm_net_options o = {.kind = GM_NET_PAIR, .path = path, .fd = -1};
	struct stat st;
	u8 p[100];

	setup();
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/cable", dir);
	ck_assert_ptr_nonnull(port(&a, &o));
	ck_assert(!gm_net_link(a.n));
	ck_assert_int_eq(lstat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert_ptr_nonnull(port(&b, &o));
	WAIT_FOR(gm_net_link(a.n) && gm_net_link(b.n));
	frame_make(p, sizeof(p), 3);
	gm_net_send(b.n, p, sizeof(p));
	WAIT_FOR(a.frames == 1);
	gm_net_close(a.n);
	WAIT_FOR(!gm_net_link(b.n));
	ck_assert_ptr_nonnull(port(&a, &o));
	WAIT_FOR(gm_net_link(a.n) && gm_net_link(b.n));
	gm_net_send(a.n, p, sizeof(p));
	WAIT_FOR(b.frames == 1);
	gm_net_close(a.n);
	gm_net_close(b.n);
	ck_assert_int_eq(lstat(path, &st), -1);
	rmdir(dir);
	finish();
}
END_TEST

/* ---- what cannot be opened ---- */

static const struct {
	const char *name;
	struct gm_net_options o;
	const char *want; /* in the message */
} refused[] = {
	{"a socket path that is too long",
	 {.kind = GM_NET_PAIR, .fd = -1,
	  .path = "/tmp/0123456789012345678901234567890123456789012345678901234567890123456789"
		  "0123456789012345678901234567890123456789"}, "too long"},
	{"a folder that is not there", {.kind = GM_NET_PAIR, .fd = -1, .path = "/nonexistent/x"},
	 "No such file"},
	{"a descriptor that is no socket", {.kind = GM_NET_PAIR, .fd = 1}, "packets apart"},
	{"an interface name that is too long", {.kind = GM_NET_TAP, .ifname = "abcdefghijklmnopq"},
	 "too long"},
	{"a TFTP folder that is not there", {.kind = GM_NET_USER, .tftp = "/nonexistent"},
	 "No such file"},
	{"a capture that cannot be written", {.kind = GM_NET_NONE, .capture = "/dev/full"},
	 "No space"},
	{"a capture in no folder", {.kind = GM_NET_NONE, .capture = "/nonexistent/x"},
	 "No such file"},
	{"a forward that is none", {.kind = GM_NET_USER, .forwards = {"tcp:x"}, .nforwards = 1},
	 "not understood"},
};

START_TEST(test_refused)
{
	setup();
	ck_assert_msg(!port(&a, &refused[_i].o), "%s", refused[_i].name);
	ck_assert_msg(strstr(err, refused[_i].want), "%s: %s", refused[_i].name, err);
	finish();
}
END_TEST

static const struct {
	const char *text;
	bool valid;
} forwards[] = {
	{"tcp:2222:22", true},
	{"udp:53:53", true},
	{"tcp:127.0.0.1:2222:10.0.2.15:22", true},
	{"tcp:2222:10.0.2.16:22", true},
	{"tcp:0.0.0.0:1:65535", true},
	{"", false},
	{"tcp", false},
	{"tcp:22", false},
	{"icmp:1:2", false},
	{"tcp:0:22", false},
	{"tcp:65536:22", false},
	{"tcp:2222:22:1", false},
	{"tcp:2222:22:1:2:3", false},
	{"tcp:a.b:22:22", false},
	{"tcp:22x:22", false},
	{"tcp:-1:22", false},
	{"tcp:127.0.0.1:2222", false},
};

START_TEST(test_forward)
{
	ck_assert_msg(gm_net_forward_valid(forwards[_i].text) == forwards[_i].valid, "%s",
		      forwards[_i].text);
}
END_TEST

/* ---- capture ---- */

START_TEST(test_capture)
{
	char path[] = "/tmp/gm-test-XXXXXX";
	u32 words[1024];
	u8 p[60];
	int sv[2], fd = mkstemp(path);
	ssize_t n;

	setup();
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, sv), 0);
	ck_assert_ptr_nonnull(port(&a, &(struct gm_net_options){.kind = GM_NET_PAIR, .fd = sv[0],
								.capture = path}));
	frame_make(p, sizeof(p), 5);
	gm_net_send(a.n, p, sizeof(p));
	ck_assert_int_eq(send(sv[1], p, 20, 0), 20);
	WAIT_FOR(a.frames == 1);
	/* In the file at once: a machine may be killed. */
	n = read(fd, words, sizeof(words));
	ck_assert_int_eq(n, 24 + 16 + 60 + 16 + 20);
	ck_assert_uint_eq(words[0], 0xa1b23c4d);
	ck_assert_uint_eq(words[5], 1);
	ck_assert_uint_eq(words[8], 60);
	ck_assert_uint_eq(words[9], 60);
	ck_assert(!memcmp(&words[10], p, 60));
	gm_net_close(a.n);
	close(sv[1]);
	close(fd);
	unlink(path);
	finish();
}
END_TEST

/* ---- user networking ---- */

/* Who has 10.0.2.2? */
static void arp_make(u8 *p)
{
	static const u8 body[] = {0, 1, 8, 0, 6, 4, 0, 1, 0x52, 0x54, 0, 1, 2, 3, 10, 0, 2, 15,
				  0, 0, 0, 0, 0, 0, 10, 0, 2, 2};

	memset(p, 0, 60);
	memset(p, 0xff, 6);
	memcpy(p + 6, body + 8, 6);
	p[12] = 8;
	p[13] = 6;
	memcpy(p + 14, body, sizeof(body));
}

/* The answer does not come while the card is sending, but soon after. */
START_TEST(test_user)
{
	u8 p[60];

	setup();
	ck_assert_ptr_nonnull(port(&a, &(struct gm_net_options){.kind = GM_NET_USER}));
	ck_assert(gm_net_link(a.n));
	arp_make(p);
	gm_net_send(a.n, p, sizeof(p));
	ck_assert_uint_eq(a.frames, 0);
	WAIT_FOR(a.frames >= 1);
	ck_assert_uint_eq(a.last[20] << 8 | a.last[21], 2);
	ck_assert(!memcmp(a.last + 28, (u8[]){10, 0, 2, 2}, 4));
	gm_net_close(a.n);
	finish();
}
END_TEST

/* Whatever the guest sends, the host lives. */
START_TEST(test_user_garbage)
{
	unsigned int i, k;
	u8 p[1514];
	u32 x = 4711;

	setup();
	ck_assert_ptr_nonnull(port(&a, &(struct gm_net_options){.kind = GM_NET_USER,
								.restrict_host = true}));
	for (i = 0; i < 3000; i++) {
		for (k = 0; k < sizeof(p); k++)
			p[k] = (u8)((x = x * 1664525 + 1013904223) >> 24);
		p[12] = 8;
		p[13] = (u8)(i % 3 == 0 ? 6 : 0);
		p[14] = 0x45;
		p[23] = (u8)(i % 2 ? 17 : 6);
		memcpy(p + 30, (u8[]){10, 0, 2, 2}, 4);
		gm_net_send(a.n, p, 14 + i % 1500);
	}
	gm_net_close(a.n);
	finish();
}
END_TEST

START_TEST(test_none)
{
	u8 p[60] = {0};

	setup();
	ck_assert_ptr_nonnull(port(&a, &(struct gm_net_options){.kind = GM_NET_NONE}));
	ck_assert(!gm_net_link(a.n));
	ck_assert(!gm_net_link(NULL));
	gm_net_send(a.n, p, sizeof(p));
	gm_net_send(NULL, p, sizeof(p));
	gm_net_ready(NULL);
	gm_net_close(a.n);
	finish();
}
END_TEST

int main(void)
{
	const struct fake_test tests[] = {
		{test_pair_sizes, ARRAY_SIZE(sizes)},
		{test_pair_full},
		{test_card_full},
		{test_pair_peer_gone},
		{test_pair_path},
		{test_refused, ARRAY_SIZE(refused)},
		{test_forward, ARRAY_SIZE(forwards)},
		{test_capture},
		{test_user},
		{test_user_garbage},
		{test_none},
	};

	return fake_run("net", tests, ARRAY_SIZE(tests));
}

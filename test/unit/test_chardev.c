// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Character back ends against real descriptors: files, pipes as stdin and stdout, a pty, Unix and
 * TCP sockets, the console ring. The I/O loop runs for as long as a test's condition is false.
 */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "vmm/clock.h"
#include "vmm/loop.h"
#include "vmm/machine.h"
#include "vmm/ui/chardev.h"

static struct gm_machine *m;
static char err[256], got[4096];
static size_t got_len, room;
static char dir[] = "/tmp/test_chardev.XXXXXX";

static size_t can_receive(void *opaque)
{
	return room;
}

static void receive(void *opaque, const u8 *buf, size_t len)
{
	ck_assert_uint_le(len, room);
	memcpy(got + got_len, buf, len);
	got_len += len;
	got[got_len] = '\0';
	room -= len;
}

static const struct gm_char_client client = { .can_receive = can_receive, .receive = receive };

static void setup(void)
{
	strcpy(dir, "/tmp/test_chardev.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	m = gm_machine_new("test");
	ck_assert_ptr_nonnull(m);
	gm_clock_start(m->clock);
	got_len = 0;
	got[0] = '\0';
	room = 1000;
}

static void teardown(void)
{
	gm_machine_free(m);
	rmdir(dir);
}

static void *loop_thread(void *arg)
{
	gm_loop_run(m->loop);
	return NULL;
}

static pthread_t thread;

static void loop_start(void)
{
	pthread_create(&thread, NULL, loop_thread, NULL);
}

static void loop_stop(void)
{
	gm_loop_quit(m->loop);
	pthread_join(thread, NULL);
}

/* Waits, with the loop running, until the device has received `want`. */
static bool received(const char *want)
{
	unsigned int i;
	bool same = false;

	for (i = 0; i < 5000 && !same; i++) {
		gm_lock(m);
		same = !strcmp(got, want);
		gm_unlock(m);
		if (!same)
			usleep(1000);
	}
	return same;
}

static struct gm_char *open_char(const char *spec)
{
	struct gm_char *c;

	gm_lock(m);
	c = gm_char_open(m, spec, err, sizeof(err));
	if (c)
		gm_char_set_client(c, &client);
	gm_unlock(m);
	return c;
}

static void put(struct gm_char *c, const char *s)
{
	gm_lock(m);
	gm_char_write(c, (const u8 *)s, strlen(s));
	gm_unlock(m);
}

static void close_char(struct gm_char *c)
{
	gm_lock(m);
	gm_char_close(c);
	gm_unlock(m);
}

static ssize_t read_all(int fd, char *buf, size_t len, int ms)
{
	size_t n = 0;

	while (n < len) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t r;

		if (poll(&p, 1, ms) <= 0)
			break;
		r = read(fd, buf + n, len - n);
		if (r <= 0)
			break;
		n += (size_t)r;
	}
	return (ssize_t)n;
}

static const struct {
	const char *spec, *says;
} bad[] = {
	{ "", "not a character device" },
	{ "nonsense", "not a character device" },
	{ "file:", "not a character device" },
	{ "stdio:x", "not a character device" },
	{ "file:/nonexistent/x", "cannot open for writing" },
	{ "file:/", "cannot open for writing" },
	{ "tcp:99999", "not a port number" },
	{ "tcp:12x", "not a port number" },
	{ "tcp:-1", "not a port number" },
	{ "unix:/nonexistent/x", "cannot listen" },
};

START_TEST(test_bad)
{
	ck_assert_ptr_null(open_char(bad[_i].spec));
	ck_assert_msg(strstr(err, bad[_i].says), "%s: %s", bad[_i].spec, err);
	ck_assert_ptr_null(strchr(err, '\n'));
}
END_TEST

START_TEST(test_none)
{
	struct gm_char *c = open_char("none");

	put(c, "x");
	put(NULL, "x");
	close_char(c);
	close_char(NULL);
}
END_TEST

/* A file has every byte at once, before anything is flushed or closed. */
START_TEST(test_file)
{
	char spec[100], buf[16] = "";
	struct gm_char *c;
	int fd;

	snprintf(spec, sizeof(spec), "file:%s/out", dir);
	c = open_char(spec);
	ck_assert_ptr_nonnull(c);
	put(c, "one\r\n");
	put(c, "two");
	fd = open(spec + 5, O_RDONLY);
	ck_assert_int_eq(read(fd, buf, sizeof(buf)), 8);
	ck_assert_str_eq(buf, "one\r\ntwo");
	close(fd);
	unlink(spec + 5);
	close_char(c);
}
END_TEST

/* stdio on pipes, in a child so that this program keeps its own. */
static void with_pipes(int in[2], int out[2], pid_t *pid, int (*fn)(void))
{
	ck_assert_int_eq(pipe(in), 0);
	ck_assert_int_eq(pipe(out), 0);
	*pid = fork();
	if (!*pid) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[0]);
		close(in[1]);
		close(out[0]);
		close(out[1]);
		_exit(fn());
	}
	close(in[0]);
	close(out[1]);
}

static int child_echo(void)
{
	struct gm_char *c = open_char("stdio");
	int ok;

	if (!c)
		return 10;
	loop_start();
	/* end of file follows the last byte and must not end anything */
	ok = received("hello\n");
	usleep(20000);
	put(c, "still here\n");
	close_char(c);
	loop_stop();
	return ok ? 0 : 11;
}

START_TEST(test_stdio_pipe)
{
	int in[2], out[2], status;
	char buf[64] = "";
	pid_t pid;

	with_pipes(in, out, &pid, child_echo);
	ck_assert_int_eq(write(in[1], "hello\n", 6), 6);
	close(in[1]);
	read_all(out[0], buf, sizeof(buf) - 1, 5000);
	ck_assert_str_eq(buf, "still here\n");
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

static char big[300000];

/* More than a pipe holds, with nobody reading: writing returns at once; closing waits. */
static int child_flood(void)
{
	struct gm_char *c = open_char("stdio");
	size_t i;

	if (!c)
		return 10;
	for (i = 0; i < sizeof(big) - 1; i++)
		big[i] = (char)('a' + i % 26);
	put(c, big);
	if (write(200, "w", 1) != 1)
		return 12;
	close_char(c);
	return 0;
}

START_TEST(test_stdio_flush)
{
	int in[2], out[2], sync[2], status;
	char *buf = calloc(1, sizeof(big)), w;
	pid_t pid;
	size_t i;

	ck_assert_int_eq(pipe(sync), 0);
	ck_assert_int_eq(dup2(sync[1], 200), 200);
	with_pipes(in, out, &pid, child_flood);
	ck_assert_int_eq(read(sync[0], &w, 1), 1);
	ck_assert_int_eq(read_all(out[0], buf, sizeof(big), 5000), sizeof(big) - 1);
	for (i = 0; i < sizeof(big) - 1; i++)
		ck_assert_int_eq(buf[i], 'a' + (int)(i % 26));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	free(buf);
}
END_TEST

/* The reader goes away: no signal, no end. */
static int child_epipe(void)
{
	struct gm_char *c = open_char("stdio");

	loop_start();
	if (!received("go"))
		return 13;
	put(c, "nobody reads this");
	usleep(50000);
	put(c, "nor this");
	close_char(c);
	loop_stop();
	return 0;
}

START_TEST(test_stdio_epipe)
{
	int in[2], out[2], status;
	pid_t pid;

	with_pipes(in, out, &pid, child_epipe);
	close(out[0]);
	ck_assert_int_eq(write(in[1], "go", 2), 2);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	close(in[1]);
}
END_TEST

/* Input from a regular file, which epoll does not take, and output to one. */
static int child_files(void)
{
	struct gm_char *c;
	char path[100];
	int ok, fd;

	snprintf(path, sizeof(path), "%s/in", dir);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	if (write(fd, "from a file", 11) != 11)
		return 14;
	lseek(fd, 0, SEEK_SET);
	dup2(fd, 0);
	unlink(path);
	c = open_char("stdio");
	loop_start();
	ok = received("from a file");
	put(c, "x");
	close_char(c);
	loop_stop();
	return ok ? 0 : 15;
}

START_TEST(test_stdio_files)
{
	int in[2], out[2], status;
	pid_t pid;

	with_pipes(in, out, &pid, child_files);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

/* The device takes three bytes, then says that it has room again. */
/*
 * Connects, sends `text` and waits until the device has `want`; connects anew as long as the loop has not
 * yet seen that the client before has left and turns this one away. The socket, or -1.
 */
static int next_client(const struct sockaddr_un *sa, const char *text, const char *want)
{
	int fd = -1, left;
	char c;

	for (left = 10000; left; left--) {
		if (fd < 0) {
			fd = socket(AF_UNIX, SOCK_STREAM, 0);
			if (connect(fd, (const struct sockaddr *)sa, sizeof(*sa)))
				break;
			send(fd, text, strlen(text), MSG_NOSIGNAL);
		}
		gm_lock(m);
		if (!strcmp(got, want)) {
			gm_unlock(m);
			return fd;
		}
		gm_unlock(m);
		usleep(1000);
		if (recv(fd, &c, 1, MSG_DONTWAIT) >= 0 || errno == ECONNRESET) {
			close(fd);
			fd = -1;
		}
	}
	return -1;
}

START_TEST(test_unix)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	char spec[100], buf[32] = "";
	struct gm_char *c;
	int fd, second;

	snprintf(spec, sizeof(spec), "unix:%s/sock", dir);
	strcpy(sa.sun_path, spec + 5);
	c = open_char(spec);
	ck_assert_msg(c != NULL, "%s", err);
	put(c, "before");
	loop_start();
	room = 3;
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	ck_assert_int_eq(write(fd, "abcdef", 6), 6);
	ck_assert(received("abc"));
	ck_assert_int_eq(read_all(fd, buf, 6, 5000), 6);
	ck_assert_str_eq(buf, "before");
	gm_lock(m);
	room = 100;
	gm_char_ready(c);
	gm_unlock(m);
	ck_assert(received("abcdef"));
	/* a second client is turned away, and a new one served when the first has left */
	second = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(second, (struct sockaddr *)&sa, sizeof(sa)), 0);
	ck_assert_int_eq(read_all(second, buf, 1, 5000), 0);
	close(second);
	close(fd);
	second = next_client(&sa, "gh", "abcdefgh");
	ck_assert_int_ge(second, 0);
	close_char(c);
	loop_stop();
	ck_assert_int_ne(access(sa.sun_path, F_OK), 0);
	close(second);
}
END_TEST

START_TEST(test_unix_stale)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	char spec[100];
	struct gm_char *c, *d;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(spec, sizeof(spec), "unix:%s/sock", dir);
	strcpy(sa.sun_path, spec + 5);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	close(fd);
	c = open_char(spec);
	ck_assert_msg(c != NULL, "%s", err);
	d = open_char(spec); /* somebody listens: left alone */
	ck_assert_ptr_null(d);
	close_char(c);
}
END_TEST

START_TEST(test_tcp)
{
	struct sockaddr_in sa = { .sin_family = AF_INET };
	socklen_t len = sizeof(sa);
	char spec[32], buf[8] = "";
	struct gm_char *c;
	int fd;

	/* a free port: bind to 0, look, close */
	fd = socket(AF_INET, SOCK_STREAM, 0);
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	getsockname(fd, (struct sockaddr *)&sa, &len);
	close(fd);
	snprintf(spec, sizeof(spec), "tcp:%u", ntohs(sa.sin_port));
	c = open_char(spec);
	ck_assert_msg(c != NULL, "%s", err);
	loop_start();
	fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	ck_assert_int_eq(write(fd, "in", 2), 2);
	ck_assert(received("in"));
	put(c, "out");
	ck_assert_int_eq(read_all(fd, buf, 3, 5000), 3);
	ck_assert_str_eq(buf, "out");
	close(fd);
	close_char(c);
	loop_stop();
}
END_TEST

static size_t seen;

static void viewer(void *opaque, const u8 *buf, size_t len)
{
	seen += len;
}

START_TEST(test_screen)
{
	struct gm_char *c = open_char("screen");
	u8 buf[16] = "";
	unsigned int i;

	put(c, "early ");
	gm_lock(m);
	gm_char_set_viewer(c, viewer, NULL);
	gm_unlock(m);
	put(c, "later");
	ck_assert_uint_eq(seen, 5);
	ck_assert_uint_eq(gm_char_history(c, buf, sizeof(buf)), 11);
	ck_assert_str_eq((char *)buf, "early later");
	for (i = 0; i < 70000; i++)
		put(c, i & 1 ? "b" : "a");
	ck_assert_uint_eq(gm_char_history(c, buf, 4), 4);
	ck_assert_mem_eq(buf, "abab", 4);
	gm_lock(m);
	room = 2;
	gm_char_input(c, (const u8 *)"keys", 4);
	ck_assert_str_eq(got, "ke");
	room = 10;
	gm_char_ready(c);
	ck_assert_str_eq(got, "keys");
	gm_unlock(m);
	close_char(c);
}
END_TEST

/* Bound: the oldest is dropped where nobody takes anything. */
START_TEST(test_bound)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	char spec[100], *buf = malloc(2 << 20), line[32];
	struct gm_char *c;
	ssize_t n;
	int fd, i;

	snprintf(spec, sizeof(spec), "unix:%s/sock", dir);
	strcpy(sa.sun_path, spec + 5);
	c = open_char(spec);
	for (i = 0; i < 150000; i++) {
		snprintf(line, sizeof(line), "%09d\n", i);
		put(c, line);
	}
	loop_start();
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	n = read_all(fd, buf, 2 << 20, 2000);
	ck_assert_int_eq(n, 1 << 20);
	ck_assert_mem_eq(buf + n - 10, "000149999\n", 10);
	close_char(c);
	loop_stop();
	close(fd);
	free(buf);
}
END_TEST

START_TEST(test_pty)
{
	struct gm_char *c;
	int saved = dup(2), p[2], fd;
	char buf[200] = "", *name;

	/* the name is told on standard error */
	ck_assert_int_eq(pipe(p), 0);
	dup2(p[1], 2);
	c = open_char("pty");
	fflush(stderr);
	dup2(saved, 2);
	ck_assert_msg(c != NULL, "%s", err);
	ck_assert_int_gt(read(p[0], buf, sizeof(buf) - 1), 0);
	name = strstr(buf, "/dev/pts/");
	ck_assert_ptr_nonnull(name);
	name[strcspn(name, "\n")] = '\0';
	loop_start();
	fd = open(name, O_RDWR | O_NOCTTY);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "a\r\x03", 3), 3);
	ck_assert(received("a\r\x03"));
	put(c, "b\n");
	memset(buf, 0, sizeof(buf));
	ck_assert_int_eq(read_all(fd, buf, 2, 5000), 2);
	ck_assert_str_eq(buf, "b\n");
	close(fd);
	close_char(c);
	loop_stop();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("chardev");
	TCase *t = tcase_create("chardev");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_loop_test(t, test_bad, 0, ARRAY_SIZE(bad));
	tcase_add_test(t, test_none);
	tcase_add_test(t, test_file);
	tcase_add_test(t, test_stdio_pipe);
	tcase_add_test(t, test_stdio_flush);
	tcase_add_test(t, test_stdio_epipe);
	tcase_add_test(t, test_stdio_files);
	tcase_add_test(t, test_unix);
	tcase_add_test(t, test_unix_stale);
	tcase_add_test(t, test_tcp);
	tcase_add_test(t, test_screen);
	tcase_add_test(t, test_bound);
	tcase_add_test(t, test_pty);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}

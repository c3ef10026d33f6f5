// SPDX-License-Identifier: GPL-2.0-or-later
/* The command line's side of the control socket: list, stat, stop, console and the rest. */
#include "vmm/control/client.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <fcntl.h>
#include <unistd.h>
#include "vmm/block/block_int.h"
#include "vmm/control/control_int.h"
#include "vmm/run.h"
#include "vmm/sandbox/fdpass.h"
#include "vmm/ui/tty.h"

#define ANSWER_SECONDS 20
#define STOP_SECONDS   60 /* longer than the machine's own patience with its guest */
#define ANSWER_MAX     (128 * MiB)
#define DETACH_KEY     0x1d /* Ctrl-] */

struct link {
	int fd;
	int pass; /* goes with the next request; -1: none */
	char *buf;
	size_t len, cap;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

static int fail(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int fail(int status, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "vmm: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
	return status;
}

/* ---- the connection ---- */

static int link_open(struct link *l, const char *name, char *err, size_t errlen)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char dir[256];

	memset(l, 0, sizeof(*l));
	l->fd = l->pass = -1;
	if (strchr(name, '/')) {
		dir[0] = 0;
	} else if (!gm_control_name_ok(name)) {
		snprintf(err, errlen, "'%.80s' cannot be a machine's name", name);
		return -EINVAL;
	} else if (gm_control_dir(dir, sizeof(dir), err, errlen)) {
		return -EACCES;
	}
	if ((size_t)snprintf(l->path, sizeof(l->path), "%s%s%s", dir, dir[0] ? "/" : "", name) >=
	    sizeof(l->path)) {
		snprintf(err, errlen, "%s: too long for a socket's path", name);
		return -ENAMETOOLONG;
	}
	strcpy(a.sun_path, l->path);
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (l->fd >= 0 && !connect(l->fd, (struct sockaddr *)&a, sizeof(a)))
		return 0;
	if (errno == ENOENT || errno == ECONNREFUSED)
		snprintf(err, errlen, "no machine '%s' is running; 'vmm list' shows those that are",
			 name);
	else
		snprintf(err, errlen, "%s: %s", l->path, strerror(errno));
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	return -ENOENT;
}

static void link_close(struct link *l)
{
	if (l->fd >= 0)
		close(l->fd);
	if (l->pass >= 0)
		close(l->pass);
	free(l->buf);
}

/* More bytes, within `ms`: 1, 0 at the end of the stream or of the time, -errno. */
static int link_fill(struct link *l, int ms)
{
	struct pollfd p = {.fd = l->fd, .events = POLLIN};
	char *buf;
	ssize_t n;

	if (l->cap - l->len < 4096) {
		l->cap = l->cap ? l->cap * 2 : 65536;
		buf = l->cap > ANSWER_MAX ? NULL : realloc(l->buf, l->cap);
		if (!buf)
			return -ENOMEM;
		l->buf = buf;
	}
	n = poll(&p, 1, ms);
	if (n <= 0)
		return n < 0 && errno != EINTR ? -errno : 0;
	n = recv(l->fd, l->buf + l->len, l->cap - l->len, 0);
	if (n > 0)
		l->len += (size_t)n;
	return n > 0;
}

/* The next line as JSON; NULL when none comes. */
static json_t *link_line(struct link *l)
{
	char *end;
	json_t *o;
	size_t n;

	while (!l->len || !(end = memchr(l->buf, '\n', l->len)))
		if (link_fill(l, ANSWER_SECONDS * 1000) <= 0)
			return NULL;
	n = (size_t)(end - l->buf);
	o = json_loadb(l->buf, n, 0, NULL);
	l->len -= n + 1;
	memmove(l->buf, end + 1, l->len);
	return o;
}

static json_t *link_ask(struct link *l, json_t *req, char *err, size_t errlen)
{
	char *text = json_dumps(req, JSON_COMPACT);
	json_t *hello = link_line(l), *o = NULL, *result;
	size_t n = text ? strlen(text) : 0;

	if (hello && text) {
		text[n] = '\n';
		if (gm_fd_send(l->fd, text, n + 1, l->pass) == (ssize_t)n + 1)
			o = link_line(l);
	}
	free(text);
	json_decref(hello);
	result = json_object_get(o, "return");
	json_incref(result);
	if (!result)
		snprintf(err, errlen, "%s", o && json_object_get(o, "error")
			 ? json_string_value(json_object_get(o, "error"))
			 : "the machine does not answer");
	json_decref(o);
	return result;
}

/* ---- list ---- */

static json_t *ask_name(const char *name, const char *command)
{
	json_t *req = json_pack("{s:s}", "command", command), *o = NULL;
	char err[300];
	struct link l;

	if (!link_open(&l, name, err, sizeof(err)))
		o = link_ask(&l, req, err, sizeof(err));
	link_close(&l);
	json_decref(req);
	return o;
}

/* A socket without a process behind it goes, unless somebody is just starting. */
static void stale_remove(const char *dir, const char *name)
{
	char lock[512], sock[512];
	int fd;

	snprintf(lock, sizeof(lock), "%s/.%.64s.lock", dir, name);
	snprintf(sock, sizeof(sock), "%s/%.64s", dir, name);
	fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return;
	if (!flock(fd, LOCK_EX | LOCK_NB)) {
		unlink(sock);
		unlink(lock);
	}
	close(fd);
}

int vmm_list(int argc, char **argv)
{
	bool json = argc && !strcmp(argv[0], "--json");
	json_t *list = json_array(), *o;
	char dir[256], err[300];
	struct dirent *e;
	DIR *d;

	if (argc > json)
		return fail(VMM_EXIT_USAGE, "usage: vmm list [--json]");
	if (gm_control_dir(dir, sizeof(dir), err, sizeof(err)))
		return fail(VMM_EXIT_HOST, "%s", err);
	d = opendir(dir);
	while (d && (e = readdir(d))) {
		if (!gm_control_name_ok(e->d_name))
			continue;
		o = ask_name(e->d_name, "stat");
		if (o) {
			json_object_del(o, "counters");
			json_array_append_new(list, o);
		} else {
			stale_remove(dir, e->d_name);
		}
	}
	if (d)
		closedir(d);
	if (json) {
		json_dumpf(list, stdout, JSON_INDENT(2));
		printf("\n");
	} else if (!json_array_size(list)) {
		printf("no machine is running\n");
	} else {
		gm_control_print(list, stdout);
	}
	json_decref(list);
	return VMM_EXIT_OK;
}

/* ---- commands with something special about them ---- */

static int base64_value(int c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static int base64_write(const char *s, FILE *f)
{
	u32 v = 0, bits = 0;
	int c;

	for (; *s && *s != '='; s++) {
		c = base64_value(*s);
		if (c < 0)
			return -EINVAL;
		v = v << 6 | (u32)c;
		bits += 6;
		if (bits < 8)
			continue;
		bits -= 8;
		putc((int)(v >> bits & 0xff), f);
	}
	return ferror(f) ? -EIO : 0;
}

static int screenshot_save(const json_t *result, const char *path)
{
	const char *png = json_string_value(json_object_get(result, "png"));
	const char *text = json_string_value(json_object_get(result, "text"));
	FILE *f = strcmp(path, "-") ? fopen(path, "wbe") : stdout;
	int err = f ? 0 : -errno;

	if (!err && png)
		err = base64_write(png, f);
	else if (!err && text && fputs(text, f) == EOF)
		err = -EIO;
	if (f && f != stdout && fclose(f) && !err)
		err = -errno;
	return err ? fail(VMM_EXIT_HOST, "%s: %s", path, strerror(-err)) : VMM_EXIT_OK;
}

static bool ends_with(const char *s, const char *tail)
{
	size_t n = strlen(s), t = strlen(tail);

	return n > t && !strcmp(s + n - t, tail);
}

static int do_screenshot(struct link *l, int argc, char **argv)
{
	const char *path = argc == 3 ? argv[2] : NULL;
	char err[300];
	json_t *req, *result;
	int ret;

	if (!path)
		return fail(VMM_EXIT_USAGE, "usage: vmm screenshot NAME FILE.png|FILE.txt|-");
	req = json_pack("{s:s, s:{s:s}}", "command", "screenshot", "arguments", "format",
			ends_with(path, ".txt") || !strcmp(path, "-") ? "text" : "png");
	result = link_ask(l, req, err, sizeof(err));
	ret = result ? screenshot_save(result, path) : fail(VMM_EXIT_HOST, "%s", err);
	json_decref(req);
	json_decref(result);
	return ret;
}

/* Waits until the machine's socket closes: then its process is about to be gone. */
static int wait_end(struct link *l, int seconds)
{
	struct timespec now, end;
	int left;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += seconds;
	for (;;) {
		struct pollfd p = {.fd = l->fd, .events = POLLIN};
		char buf[512];

		clock_gettime(CLOCK_MONOTONIC, &now);
		left = (int)(end.tv_sec - now.tv_sec) * 1000;
		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&p, 1, left) > 0 && recv(l->fd, buf, sizeof(buf), 0) <= 0)
			return 0;
	}
}

static int do_end(struct link *l, int argc, char **argv)
{
	json_t *req = json_pack("{s:s}", "command", argv[0]), *result;
	char err[300];
	int ret = VMM_EXIT_OK;

	if (argc > 2) {
		json_decref(req);
		return fail(VMM_EXIT_USAGE, "usage: vmm %s NAME", argv[0]);
	}
	result = link_ask(l, req, err, sizeof(err));
	if (!result)
		ret = fail(VMM_EXIT_HOST, "%s", err);
	else if (wait_end(l, STOP_SECONDS))
		ret = fail(VMM_EXIT_HOST, "%s still runs; 'vmm kill %s' ends it at once", argv[1],
			   argv[1]);
	json_decref(req);
	json_decref(result);
	return ret;
}

/* As "kill", and when the process does not even answer: by a signal. */
static int do_kill(struct link *l, int argc, char **argv)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	json_t *hello;

	if (argc > 2)
		return fail(VMM_EXIT_USAGE, "usage: vmm kill NAME");
	hello = link_line(l);
	if (hello) {
		json_decref(hello);
		if (send(l->fd, "{\"command\":\"kill\"}\n", 19, MSG_NOSIGNAL) == 19 &&
		    !wait_end(l, ANSWER_SECONDS))
			return VMM_EXIT_OK;
	}
	if (getsockopt(l->fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) || cred.pid <= 0 ||
	    kill(cred.pid, SIGKILL))
		return fail(VMM_EXIT_HOST, "%s does not answer and cannot be killed", argv[1]);
	return VMM_EXIT_OK;
}

/* ---- console ---- */

static bool copy_out(struct link *l)
{
	char buf[4096];
	ssize_t n = recv(l->fd, buf, sizeof(buf), 0);

	return n > 0 && write(STDOUT_FILENO, buf, (size_t)n) == n;
}

static bool copy_in(struct link *l, bool tty)
{
	char buf[256], *end;
	ssize_t n = read(STDIN_FILENO, buf, sizeof(buf));

	if (n <= 0)
		return false;
	end = tty ? memchr(buf, DETACH_KEY, (size_t)n) : NULL;
	if (end)
		n = end - buf;
	return (!n || send(l->fd, buf, (size_t)n, MSG_NOSIGNAL) == n) && !end;
}

static void console_run(struct link *l, bool tty)
{
	struct pollfd p[2] = {{.fd = l->fd, .events = POLLIN},
			      {.fd = STDIN_FILENO, .events = POLLIN}};

	if (l->len && write(STDOUT_FILENO, l->buf, l->len) < 0)
		return;
	for (;;) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return;
		if (p[0].revents && !copy_out(l))
			return;
		/* At the end of the input what the machine still says is shown. */
		if (p[1].revents && !copy_in(l, tty)) {
			if (tty)
				return;
			p[1].fd = -1;
		}
	}
}

static int do_console(struct link *l, int argc, char **argv)
{
	json_t *req, *result;
	bool tty = isatty(STDIN_FILENO);
	char err[300], *end;
	long port = 0;

	if (argc > 3)
		return fail(VMM_EXIT_USAGE, "usage: vmm console NAME [PORT]");
	if (argc == 3) {
		port = strtol(argv[2], &end, 10);
		if (*end || end == argv[2])
			return fail(VMM_EXIT_USAGE, "'%s' is not a port (0, 1)", argv[2]);
	}
	req = json_pack("{s:s, s:{s:i}}", "command", "console", "arguments", "port", (int)port);
	result = link_ask(l, req, err, sizeof(err));
	json_decref(req);
	if (!result)
		return fail(VMM_EXIT_HOST, "%s", err);
	json_decref(result);
	if (tty) {
		fprintf(stderr, "serial port %ld of %s; Ctrl-] leaves it\n", port, argv[1]);
		gm_tty_raw(STDIN_FILENO, false);
	}
	console_run(l, tty);
	if (tty)
		gm_tty_restore();
	return VMM_EXIT_OK;
}

/* ---- all others ---- */

static int do_words(struct link *l, int argc, char **argv)
{
	char err[300], *words[8];
	bool json = argc > 2 && !strcmp(argv[argc - 1], "--json");
	json_t *req, *result;
	int i, n = 0;

	argc -= json;
	words[n++] = argv[0];
	for (i = 2; i < argc && n < (int)ARRAY_SIZE(words); i++)
		words[n++] = argv[i];
	req = gm_control_parse(n, words, err, sizeof(err));
	if (!req)
		return fail(VMM_EXIT_USAGE, "%s", err);
	result = link_ask(l, req, err, sizeof(err));
	json_decref(req);
	if (!result)
		return fail(VMM_EXIT_HOST, "%s", err);
	if (json) {
		json_dumpf(result, stdout, JSON_INDENT(2));
		printf("\n");
	} else {
		gm_control_print(result, stdout);
	}
	json_decref(result);
	return VMM_EXIT_OK;
}

/* The machine in its sandbox opens no files, and its process may have another working folder: it
 * gets the path to show, and the file. */
static int medium_open(struct link *l, const char *drive, char **path, char *err, size_t errlen)
{
	struct gm_blk_options o = {.path = *path, .no_lock = true, .any_size = true};
	u64 size;
	int fd = gm_blk_file_open(&o, !strncmp(drive, "cd", 2), &size, err, errlen);

	if (fd < 0)
		return fd;
	l->pass = fd;
	*path = realpath(*path, NULL);
	if (*path)
		return 0;
	snprintf(err, errlen, "%s: %s", o.path, strerror(errno));
	return -ENOENT;
}

static int do_insert(struct link *l, int argc, char **argv)
{
	char err[300], *path = argc > 3 ? argv[3] : NULL;
	int ret;

	if (argc < 4)
		return do_words(l, argc, argv);
	if (medium_open(l, argv[2], &path, err, sizeof(err)))
		return fail(VMM_EXIT_HOST, "%s", err);
	argv[3] = path;
	ret = do_words(l, argc, argv);
	free(path);
	return ret;
}

static const struct {
	const char *name, *args, *help;
	int (*fn)(struct link *l, int argc, char **argv);
} commands[] = {
	{"stat", "NAME", "state of a machine", do_words},
	{"stop", "NAME", "press its power button; end it if it does not follow", do_end},
	{"kill", "NAME", "end it at once", do_kill},
	{"pause", "NAME", "stop it and its time", do_words},
	{"resume", "NAME", "let it go on", do_words},
	{"reset", "NAME", "press its reset button", do_words},
	{"power", "NAME", "press its power button", do_words},
	{"nmi", "NAME", "send a non-maskable interrupt", do_words},
	{"screenshot", "NAME FILE.png|FILE.txt|-", "save its screen", do_screenshot},
	{"sendkey", "NAME KEYS", "press keys together: ctrl-alt-delete", do_words},
	{"type", "NAME TEXT", "type a text", do_words},
	{"eject", "NAME DRIVE [force]", "take the medium out of cd0, fd0", do_words},
	{"insert", "NAME DRIVE FILE [force]", "put an image into cd0, fd0", do_insert},
	{"balloon", "NAME [MIB]", "how much memory its guest is to keep", do_words},
	{"console", "NAME [PORT]", "talk to its serial port", do_console},
	{"info", "NAME cpus|pci|mtree|irq|block|net|devices [DEVICE]", "look inside", do_words},
};

bool vmm_control_known(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].name, name))
			return true;
	return false;
}

void vmm_control_help(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		printf("  vmm %s %s\n        %s\n", commands[i].name, commands[i].args,
		       commands[i].help);
}

int vmm_control(int argc, char **argv)
{
	char err[300];
	struct link l;
	size_t i;
	int ret;

	for (i = 0; strcmp(commands[i].name, argv[0]); i++)
		;
	if (argc < 2 || argv[1][0] == '-')
		return fail(argc < 2 || strcmp(argv[1], "--help") ? VMM_EXIT_USAGE : VMM_EXIT_OK,
			    "usage: vmm %s %s", commands[i].name, commands[i].args);
	if (link_open(&l, argv[1], err, sizeof(err)))
		return fail(VMM_EXIT_HOST, "%s", err);
	ret = commands[i].fn(&l, argc, argv);
	link_close(&l);
	return ret;
}

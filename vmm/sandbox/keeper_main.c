// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The keeper's process: one packet, one answer, until the machine's end of the socket closes. It
 * believes what it is told before it is sealed and checks everything after: then the machine may
 * be in the hands of its guest.
 */
#include "vmm/sandbox/keeper_int.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "vmm/sandbox/sandbox.h"

#define RIGHTS_MAX 64

struct keeper {
	int sock, notify;
	bool sealed;
	struct keeper_right right[RIGHTS_MAX];
	unsigned int n;
};

/* Which right an operation needs. */
static const u32 op_right[] = {
	[KEEPER_UNLINK_IT] = GM_KEEPER_UNLINK,
	[KEEPER_SAVE_OPEN] = GM_KEEPER_SAVE,
	[KEEPER_SAVE_KEEP] = GM_KEEPER_SAVE,
	[KEEPER_SAVE_DROP] = GM_KEEPER_SAVE,
	[KEEPER_CONNECT] = GM_KEEPER_JOIN,
	[KEEPER_LISTEN] = GM_KEEPER_JOIN,
};

static int allow(struct keeper *k, const struct keeper_msg *m)
{
	struct keeper_right *r = &k->right[k->n];

	if (k->sealed)
		return -EPERM;
	if (k->n == RIGHTS_MAX)
		return -ENOSPC;
	r->right = m->right;
	r->dirfd = -1;
	if (m->right == GM_KEEPER_READ_DIR || m->right == GM_KEEPER_MEDIA_DIR) {
		r->dirfd = open(m->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (r->dirfd < 0)
			return -errno;
	}
	r->path = strdup(m->path);
	if (!r->path)
		return -ENOMEM;
	k->n++;
	return 0;
}

static int seal(struct keeper *k, int fd)
{
	if (k->sealed)
		return -EPERM;
	k->sealed = true;
	k->notify = fd;
	/* Its own rights go at the same time; only files that the user could not write without it
	 * keep one capability alive. */
	return gm_sandbox_keeper();
}

/* "debian-" allows debian-20260131-120000.png. */
static bool stamped(const char *prefix, const char *path)
{
	size_t n = strlen(prefix);

	if (strncmp(path, prefix, n))
		return false;
	path += n;
	return !strcmp(path + strspn(path, "0123456789-"), ".png");
}

static bool right_matches(const struct keeper_right *r, u32 op, const char *path)
{
	u32 need = op_right[op];

	if (r->right == GM_KEEPER_STAMP)
		return need == GM_KEEPER_SAVE && stamped(r->path, path);
	if (r->right == GM_KEEPER_JOIN && op == KEEPER_UNLINK_IT)
		need = GM_KEEPER_JOIN;
	return r->right == need && !strcmp(r->path, path);
}

static bool allowed(const struct keeper *k, const struct keeper_msg *m)
{
	unsigned int i;

	for (i = 0; i < k->n; i++)
		if (right_matches(&k->right[i], m->op, m->path))
			return true;
	return false;
}

static int medium(const struct keeper *k, const char *path, int *out)
{
	*out = keeper_open_media(k->right, k->n, path);
	return *out < 0 ? *out : 0;
}

/* Says why the machine ended: its own standard error may be the terminal display's. */
static void __attribute__((noreturn)) violation(int nr)
{
	const char *name = gm_sandbox_syscall_name(nr);

	fprintf(stderr, "vmm: the sandbox ended the machine: it tried the system call %s (%d)\n",
		name ? name : "without a name", nr);
	_exit(0);
}

static void serve(struct keeper *k, struct keeper_msg *m, int fd)
{
	struct keeper_reply r = {.ret = -EPERM};
	int out = -1;

	m->path[sizeof(m->path) - 1] = 0;
	if (m->op == KEEPER_VIOLATION)
		violation(m->nr);
	if (m->op == KEEPER_ALLOW)
		r.ret = allow(k, m);
	else if (m->op == KEEPER_SEAL)
		r.ret = seal(k, fd);
	else if (m->op == KEEPER_MEDIUM)
		r.ret = medium(k, m->path, &out);
	else if (m->op > KEEPER_SEAL && m->op < ARRAY_SIZE(op_right) && allowed(k, m))
		r.ret = keeper_do((enum keeper_op)m->op, m->path, &out);
	gm_fd_send(k->sock, &r, sizeof(r), out);
	if (out >= 0)
		close(out);
	if (fd >= 0 && fd != k->notify)
		close(fd);
}

/* Nothing of the caller's stays open but standard error: a pipe or a lock must not outlive the
 * machine in here. */
static void fds_close(int sock)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), fd;
	long max = sysconf(_SC_OPEN_MAX);

	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
	}
	for (fd = STDERR_FILENO + 1; fd < (max > 0 && max < 4096 ? max : 4096); fd++)
		if (fd != sock)
			close(fd);
}

/* What is meant for the machine (Ctrl-C in its terminal, a service manager's SIGTERM) is not meant
 * for its keeper, which ends when the machine has. */
static void signals_ignore(void)
{
	int sig;

	for (sig = 1; sig < 32; sig++)
		if (sig != SIGSEGV && sig != SIGBUS && sig != SIGFPE && sig != SIGILL &&
		    sig != SIGABRT && sig != SIGSYS)
			signal(sig, SIG_IGN);
}

void keeper_main(int sock)
{
	static struct keeper k;
	static struct keeper_msg m;
	int fd;

	k.sock = sock;
	k.notify = -1;
	signals_ignore();
	fds_close(sock);
	prctl(PR_SET_NAME, "vmm-keeper");
	for (;;) {
		struct pollfd p[2] = {{.fd = k.sock, .events = POLLIN},
				      {.fd = k.notify, .events = POLLIN}};

		if (poll(p, 2, -1) < 0 && errno != EINTR)
			_exit(1);
		/* Who asks a closed listener is told ENOSYS by the kernel. */
		if (p[1].revents && (!(p[1].revents & POLLIN) ||
				     !keeper_notify(k.notify, k.right, k.n))) {
			close(k.notify);
			k.notify = -1;
		}
		if (!p[0].revents)
			continue;
		if (gm_fd_recv(k.sock, &m, sizeof(m), 0, &fd) != sizeof(m))
			_exit(0);
		serve(&k, &m, fd);
	}
}

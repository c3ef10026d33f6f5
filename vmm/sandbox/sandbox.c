// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Entering the sandbox. Capabilities belong to a thread and only the thread itself can drop them:
 * a library's threads are told by a signal. The filter reaches all threads by itself (TSYNC).
 * Follows capabilities(7), seccomp(2) and Linux' Documentation/userspace-api/seccomp_filter.rst.
 *
 * The handler of SIGSYS is the one thing here with state outside of a machine: a signal handler
 * reaches nothing else.
 */
#include "vmm/sandbox/sandbox.h"

#include <cap-ng.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "vmm/run.h"
#include "vmm/sandbox/keeper_int.h"
#include "vmm/ui/tty.h"

#define DROP_SIGNAL  SIGRTMIN
#define DROP_TRIES   200
#define DROP_WAIT_NS 5000000L

static struct {
	volatile int keeper_fd;
} sandbox = {.keeper_fd = -1};

static const char *const names[] = {
#include "sandbox/syscalls.h"
};

const char *gm_sandbox_syscall_name(int nr)
{
	return nr >= 0 && nr < (int)ARRAY_SIZE(names) ? names[nr] : NULL;
}

void gm_sandbox_sigmask(sigset_t *set)
{
	sigfillset(set);
	sigdelset(set, SIGSYS);
	sigdelset(set, DROP_SIGNAL);
}

bool gm_sandbox_is_wide(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
	__has_feature(memory_sanitizer)
	return true;
#else
	return false;
#endif
#else
	return false;
#endif
}

/* ---- a violation ---- */

/* The keeper says it on the standard error that the user sees, and ends; then so does this. Nothing
 * is flushed or saved: whoever made the call is not to be trusted with that. */
static void violation(int sig, siginfo_t *si, void *context)
{
	static struct keeper_msg m;
	struct pollfd p = {.fd = sandbox.keeper_fd};

	m.op = KEEPER_VIOLATION;
	m.nr = si->si_syscall;
	gm_tty_restore();
	if (p.fd >= 0 && send(p.fd, &m, sizeof(m), MSG_NOSIGNAL) == sizeof(m))
		poll(&p, 1, 2000);
	_exit(VMM_EXIT_SANDBOX);
}

static int handler_install(void)
{
	struct sigaction sa = {.sa_sigaction = violation, .sa_flags = SA_SIGINFO};
	sigset_t set;

	sigfillset(&sa.sa_mask);
	sigemptyset(&set);
	sigaddset(&set, SIGSYS);
	if (sigaction(SIGSYS, &sa, NULL) || pthread_sigmask(SIG_UNBLOCK, &set, NULL))
		return -errno;
	return 0;
}

/* ---- capabilities ---- */

/* The bounding set is beyond reach without CAP_SETPCAP; no new privileges makes it moot. */
static int caps_drop(int keep)
{
	capng_select_t what = CAPNG_SELECT_CAPS;

	if (capng_get_caps_process())
		return -EPERM;
	if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP))
		what = CAPNG_SELECT_BOTH;
	if (keep >= 0 && !capng_have_capability(CAPNG_EFFECTIVE, (unsigned int)keep))
		keep = -1;
	capng_clear(CAPNG_SELECT_BOTH);
	if (keep >= 0 && capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED,
				      (unsigned int)keep))
		return -EPERM;
	if (capng_apply(what))
		return -EPERM;
	/* What is not permitted cannot be ambient either: the kernel sees to it. */
	return 0;
}

/* In a signal handler, so without the library: version 3 of the structures, all bits off. */
static void caps_drop_here(int sig)
{
	struct {
		u32 version;
		int pid;
	} header = {0x20080522, 0};
	u32 none[6] = {0};
	int err = errno;

	syscall(SYS_capset, &header, none);
	errno = err;
}

/* Does a thread (a name below /proc/self/task) still have any? */
static bool thread_has_caps(const char *tid)
{
	char path[64], line[128];
	unsigned long long v = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%.20s/status", tid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "CapPrm: %llx", &v) == 1)
			break;
	if (f)
		fclose(f);
	return v != 0;
}

/* One look at all threads: those with capabilities get the signal. Their number, or -errno. */
static int threads_tell(void)
{
	DIR *d = opendir("/proc/self/task");
	struct dirent *e;
	int n = 0;

	if (!d)
		return -errno;
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.' || !thread_has_caps(e->d_name))
			continue;
		syscall(SYS_tgkill, getpid(), atoi(e->d_name), DROP_SIGNAL);
		n++;
	}
	closedir(d);
	return n;
}

/* Threads that libraries started while the machine was built. */
static int threads_drop(void)
{
	struct sigaction sa = {.sa_handler = caps_drop_here, .sa_flags = SA_RESTART}, old;
	struct timespec wait = {.tv_nsec = DROP_WAIT_NS};
	int left, tries;

	if (sigaction(DROP_SIGNAL, &sa, &old))
		return -errno;
	for (tries = 0; (left = threads_tell()) > 0 && tries < DROP_TRIES; tries++)
		nanosleep(&wait, NULL);
	sigaction(DROP_SIGNAL, &old, NULL);
	/* A sanitizer's own thread takes no signals. */
	return left > 0 ? gm_sandbox_is_wide() ? 0 : -EBUSY : left;
}

/* ---- all of it ---- */

static int fail(int ret, const char *what, char *err, size_t errlen)
{
	snprintf(err, errlen, "the sandbox cannot be entered: %s: %s (--sandbox off runs without)",
		 what, strerror(-ret));
	return ret;
}

/* A filter that asks the keeper wants a newer kernel (5.9); without, files are refused. */
static int filter_load(const struct gm_sandbox_cfg *cfg, int *notify_fd)
{
	bool notify = cfg->sockets && cfg->keeper && !gm_sandbox_is_wide();
	gm_filter f = NULL;
	int ret, fd;

	*notify_fd = -1;
	do {
		ret = gm_filter_machine(cfg, notify, &f);
		if (!ret)
			ret = seccomp_load(f);
		if (!ret && notify) {
			fd = seccomp_notify_fd(f);
			*notify_fd = fd;
		}
		if (f)
			seccomp_release(f);
		f = NULL;
	} while (ret && notify && !(notify = false));
	return ret;
}

int gm_sandbox_enter(const struct gm_sandbox_cfg *cfg, char *err, size_t errlen)
{
	int ret = caps_drop(-1), fd;

	if (!ret)
		ret = threads_drop();
	if (ret)
		return fail(ret, "dropping capabilities", err, errlen);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return fail(-ENOSYS, "no new privileges", err, errlen);
	/* Where only parents may look into a process (Yama), the keeper may too: it reads the names
	 * of files that it is asked for. Refused by kernels without Yama. */
	prctl(PR_SET_PTRACER, gm_keeper_pid(cfg->keeper), 0, 0, 0);
	sandbox.keeper_fd = gm_keeper_fd(cfg->keeper);
	ret = handler_install();
	if (ret)
		return fail(ret, "SIGSYS", err, errlen);
	ret = filter_load(cfg, &fd);
	if (ret)
		return fail(ret == -EINVAL || ret == -EOPNOTSUPP ? -ENOSYS : ret, "seccomp filter",
			    err, errlen);
	ret = gm_keeper_seal(cfg->keeper, fd);
	if (fd >= 0)
		close(fd);
	if (ret)
		return fail(ret, "the keeper", err, errlen);
	return fd < 0 && cfg->sockets && cfg->keeper && !gm_sandbox_is_wide();
}

/* A file that only its owner may write, and the user is the administrator: what was possible
 * without a sandbox stays possible for the paths on the list. */
int gm_sandbox_keeper(void)
{
	gm_filter f = NULL;
	int ret = caps_drop(CAP_DAC_OVERRIDE);

	if (!ret && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		ret = -ENOSYS;
	if (!ret)
		ret = gm_filter_keeper(&f);
	if (!ret)
		ret = seccomp_load(f);
	if (f)
		seccomp_release(f);
	/* Without filters it is as it was: the machine says what is missing. */
	return ret == -EINVAL ? 0 : ret;
}

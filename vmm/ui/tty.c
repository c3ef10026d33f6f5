// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The process's terminal in raw mode, and back again whatever happens.
 *
 * The saved settings are the one piece of state in the program that is not part of a machine: a
 * process has one controlling terminal, and signal handlers and atexit() reach nothing else.
 * Follows POSIX.1-2008, chapter 11 (general terminal interface).
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include "vmm/types.h"
#include "vmm/ui/tty.h"

static struct {
	volatile sig_atomic_t taken;
	int fd;
	bool registered;
	const char *goodbye;
	struct termios saved;
} tty;

void gm_tty_restore(void)
{
	int err = errno;

	if (!tty.taken)
		return;
	tty.taken = 0;
	if (tty.goodbye && write(STDOUT_FILENO, tty.goodbye, strlen(tty.goodbye)) < 0)
		errno = 0; /* nobody there to see it */
	tcsetattr(tty.fd, TCSANOW, &tty.saved);
	errno = err;
}

static void fatal_signal(int sig)
{
	gm_tty_restore();
	signal(sig, SIG_DFL);
	raise(sig);
}

/* Signals that somebody already handles are that handler's business. */
static void handlers_install(void)
{
	static const int sigs[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT,
				    SIGINT,  SIGTERM, SIGHUP, SIGQUIT };
	struct sigaction old, act = { .sa_handler = fatal_signal, .sa_flags = SA_NODEFER };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sigs); i++)
		if (!sigaction(sigs[i], NULL, &old) && old.sa_handler == SIG_DFL)
			sigaction(sigs[i], &act, NULL);
}

void gm_tty_goodbye(const char *bytes)
{
	tty.goodbye = bytes;
}

int gm_tty_take(int fd)
{
	if (tty.taken)
		return tty.fd == fd ? 0 : -EBUSY;
	if (tcgetattr(fd, &tty.saved))
		return -errno;
	tty.fd = fd;
	tty.taken = 1;
	if (!tty.registered) {
		atexit(gm_tty_restore);
		handlers_install();
		tty.registered = true;
	}
	return 0;
}

int gm_tty_raw(int fd, bool signals)
{
	struct termios t;
	int err = gm_tty_take(fd);

	if (err)
		return err;
	t = tty.saved;
	cfmakeraw(&t);
	t.c_oflag |= OPOST; /* messages of the program itself end in a plain newline */
	if (signals)
		t.c_lflag |= ISIG;
	t.c_cc[VSUSP] = _POSIX_VDISABLE; /* stopped in raw mode, nobody could type */
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	return tcsetattr(fd, TCSANOW, &t) ? -errno : 0;
}

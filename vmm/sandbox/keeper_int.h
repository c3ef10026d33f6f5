/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The packets between a machine and its keeper. One request, one answer. */
#ifndef VMM_SANDBOX_KEEPER_INT_H
#define VMM_SANDBOX_KEEPER_INT_H

#include <limits.h>
#include "vmm/sandbox/fdpass.h"
#include "vmm/sandbox/keeper.h"

enum keeper_op {
	KEEPER_ALLOW,     /* right, path */
	KEEPER_SEAL,      /* with a descriptor when there is a listener */
	KEEPER_UNLINK_IT, /* the rest: a path that was allowed */
	KEEPER_SAVE_OPEN,
	KEEPER_SAVE_KEEP,
	KEEPER_SAVE_DROP,
	KEEPER_CONNECT,
	KEEPER_LISTEN,
	KEEPER_MEDIUM,
	KEEPER_VIOLATION, /* nr; no answer: the machine's process is ended */
};

struct keeper_msg {
	u32 op;
	u32 right;
	s32 nr;
	char path[PATH_MAX];
};

struct keeper_reply {
	s32 ret; /* 0 or -errno; a descriptor comes with it when one was asked for */
};

/* What both sides do: the machine before it is sealed, the keeper afterwards. */
int keeper_do(enum keeper_op op, const char *path, int *fd);

/* The keeper process: never returns. */
void keeper_main(int sock) __attribute__((noreturn));

struct keeper_right {
	u32 right;
	int dirfd; /* of GM_KEEPER_READ_DIR and _MEDIA_DIR, else -1 */
	char *path;
};

/* keeper_open.c: a file by its path below a folder of the list, without a way out by "..", links or mount
 * points of /proc; a medium that the list has, or has the folder of. A descriptor for reading, or -EACCES
 * when it is not on the list, or -errno. */
int keeper_open_below(const struct keeper_right *r, const char *path);
int keeper_open_media(const struct keeper_right *rights, unsigned int n, const char *path);

/* keeper_notify.c: one question of the filter, answered by the list. false: this kernel cannot. */
bool keeper_notify(int fd, const struct keeper_right *rights, unsigned int n);

#endif

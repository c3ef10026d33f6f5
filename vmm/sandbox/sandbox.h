/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sandbox of a running machine (docs/safety.md): no capabilities, no new privileges, and a
 * seccomp filter that lets through what a machine needs when everything is open. It is entered once,
 * by every thread that there is; threads that start later inherit it.
 */
#ifndef VMM_SANDBOX_SANDBOX_H
#define VMM_SANDBOX_SANDBOX_H

#include <signal.h>
#include "vmm/types.h"

struct gm_keeper;

struct gm_sandbox_cfg {
	struct gm_keeper *keeper; /* sealed on the way in; may be NULL (tests) */
	bool kvm;                 /* an accelerator with ioctls */
	bool sockets;             /* user networking opens sockets for its guest */
	bool libraries;           /* SDL: its drivers need shared memory, and ioctls of theirs */
};

/* 0; 1 when the keeper cannot be asked for what libslirp reads, as this kernel is too old for that;
 * -errno with one line in err: -ENOSYS when this kernel has no filters: nothing has changed then but
 * the capabilities, which are gone. No lock held. */
int gm_sandbox_enter(const struct gm_sandbox_cfg *cfg, char *err, size_t errlen);
/* The same for the keeper's process. 0 or -errno. */
int gm_sandbox_keeper(void);
/* The signals that a thread beside the main one blocks: all but those by which the sandbox reaches
 * each thread. */
void gm_sandbox_sigmask(sigset_t *set);
/* Is this a build with sanitizers, whose run-time libraries need files and ptrace? */
bool gm_sandbox_is_wide(void);
/* NULL: not known. */
const char *gm_sandbox_syscall_name(int nr);

/* ---- filter.c ---- */

typedef void *gm_filter; /* a scmp_filter_ctx */

/* notify: ask the keeper about files instead of refusing. -errno. */
int gm_filter_machine(const struct gm_sandbox_cfg *cfg, bool notify, gm_filter *out);
int gm_filter_keeper(gm_filter *out);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The I/O loop: one thread that waits for file descriptors, timers and finished work, and calls
 * back with the machine lock held. Blocking work (disk) runs on worker threads without the lock.
 */
#ifndef VMM_LOOP_H
#define VMM_LOOP_H

#include "vmm/types.h"

struct gm_loop;
struct gm_machine;

/* Called with the machine lock held; `events` are EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR. */
typedef void (*gm_fd_fn)(void *opaque, u32 events);

struct gm_loop *gm_loop_new(struct gm_machine *m);
void gm_loop_free(struct gm_loop *l);
/* Watches `fd`; -errno (EPERM for a regular file, which is always ready: use a worker). */
int gm_loop_add(struct gm_loop *l, int fd, u32 events, gm_fd_fn fn, void *opaque);
int gm_loop_modify(struct gm_loop *l, int fd, u32 events);
void gm_loop_remove(struct gm_loop *l, int fd);
/* Runs until gm_loop_quit(). */
void gm_loop_run(struct gm_loop *l);
/* One round: waits for something to do and does it. No lock held (both). */
void gm_loop_step(struct gm_loop *l);
/* Any thread, signal-safe. */
void gm_loop_quit(struct gm_loop *l);
void gm_loop_wake(struct gm_loop *l);

/* One piece of blocking work. The caller owns it until `done` has been called. */
struct gm_work {
	void (*run)(struct gm_work *w);  /* on a worker thread, no lock held */
	void (*done)(struct gm_work *w); /* in the I/O thread, machine lock held */
	struct gm_work *next;
};
/* Machine lock held. Work items may run in parallel and finish in any order. */
void gm_loop_submit(struct gm_loop *l, struct gm_work *w);
/* Waits until everything submitted is done; runs the done callbacks. Machine lock held. */
void gm_loop_drain(struct gm_loop *l);

#endif

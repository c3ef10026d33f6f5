/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine: address spaces, clock, I/O loop, vCPUs and devices, and the lock over them.
 *
 * Locking: the machine lock protects all device state, the buses' topology and the timers. vCPU
 * threads take it for every device access; the I/O loop holds it in callbacks. Nothing is held
 * while a vCPU runs guest code.
 */
#ifndef VMM_MACHINE_H
#define VMM_MACHINE_H

#include <pthread.h>
#include "vmm/types.h"

struct gm_accel;
struct gm_bus;
struct gm_clock;
struct gm_dev;
struct gm_loop;
struct gm_ram;
struct gm_vcpu;
struct gm_vm;

enum gm_run_state {
	GM_STATE_RUNNING,
	GM_STATE_PAUSED,
	GM_STATE_ENDED,
};

/* Why a machine ended; vmm/main.c turns it into the exit status. */
enum gm_end {
	GM_END_NONE,
	GM_END_POWEROFF, /* the guest switched itself off */
	GM_END_RESET,    /* the guest reset itself and --no-reboot was given */
	GM_END_CRASH,    /* triple fault with --no-reboot, or a state no CPU can run */
	GM_END_QUIT,     /* the user ended it */
	GM_END_ERROR,    /* the host failed */
};

struct gm_machine {
	pthread_mutex_t lock;
	const char *name;
	struct gm_bus *mem, *pio;
	struct gm_clock *clock;
	struct gm_loop *loop;
	struct gm_ram *ram;       /* main memory */
	u64 ram_size;
	u64 ram_below_4g;         /* bytes of it mapped from 0 up; the rest starts at 4 GiB */
	struct gm_dev *devices;   /* in order of creation */
	struct gm_vm *vm;
	struct gm_vcpu **vcpus;
	unsigned int nvcpus;
	enum gm_run_state state;
	enum gm_end end;
	char end_reason[256];     /* one line for the user */
	bool no_reboot;
	bool reset_wanted;        /* done by the I/O loop once the vCPUs stand still */
	bool quiet;
};

static inline void gm_lock(struct gm_machine *m)
{
	pthread_mutex_lock(&m->lock);
}

static inline void gm_unlock(struct gm_machine *m)
{
	pthread_mutex_unlock(&m->lock);
}

/* What devices ask for. Machine lock held; each takes effect soon after, not inside the call. */
void gm_machine_request_reset(struct gm_machine *m);
void gm_machine_request_poweroff(struct gm_machine *m);
/* Ends the machine; the first reason given is kept. */
void gm_machine_end(struct gm_machine *m, enum gm_end end, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void gm_machine_pause(struct gm_machine *m);
void gm_machine_resume(struct gm_machine *m);
/* A message to the user about this machine (one line, to stderr or the screen's status line). */
void gm_machine_warn(struct gm_machine *m, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif

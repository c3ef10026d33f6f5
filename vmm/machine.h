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
#include "vmm/topology.h"
#include "vmm/types.h"

struct gm_accel;
struct gm_bus;
struct gm_clock;
struct gm_dev;
struct gm_exit;
struct gm_loop;
struct gm_keeper;
struct gm_machine;
struct gm_ram;
struct gm_trace;
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

/* Told when the machine pauses, resumes, resets. Machine lock held. */
struct gm_state_listener {
	void (*fn)(void *opaque, struct gm_machine *m);
	void *opaque;
	struct gm_state_listener *next;
};

struct gm_machine {
	pthread_mutex_t lock;
	unsigned int lock_wanted; /* atomic: threads other than vCPUs that wait for the lock */
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
	struct gm_topology topology; /* of the vCPUs; their product is nvcpus */
	u64 tsc_hz;               /* rate of the guest's time-stamp counter */
	/* The rest is protected by the machine lock. */
	enum gm_run_state state;
	enum gm_end end;
	char end_reason[256];     /* one line for the user */
	bool no_reboot;
	bool reset_wanted, pause_wanted, resume_wanted; /* done by gm_machine_service() */
	unsigned int resets;      /* how often it was reset */
	unsigned int crashes;     /* triple faults that were shown */
	struct gm_state_listener *listeners;
	/* A debugger's: a vCPU came to one of its points. In the vCPU's thread. */
	void (*debug_event)(void *opaque, struct gm_vcpu *v, const struct gm_exit *e);
	void *debug_opaque;
	unsigned int trace_mask;  /* kinds of events that are written down, see trace.h */
	struct gm_trace *trace;
	struct gm_keeper *keeper; /* does what the sandbox forbids; NULL: without a sandbox */
	bool held;                /* a debugger has stopped it: others do not resume it */
	/* Shows a message; stderr when NULL. */
	void (*warn)(void *opaque, const char *text);
	void *warn_opaque;
	/* The board's own: closes the back ends, after the devices are gone. Machine lock held. */
	void (*board_fini)(void *opaque);
	void *board;
	/* The power button, set by the device that has it; false when the guest does not see it. */
	bool (*power_button)(void *opaque);
	void *power_button_opaque;
};

/* A vCPU that accesses devices in a tight loop would keep the lock to itself, as a mutex is not
 * fair: it steps back when another thread waits. */
void gm_lock(struct gm_machine *m);

static inline void gm_unlock(struct gm_machine *m)
{
	pthread_mutex_unlock(&m->lock);
}

/* An empty machine in state PAUSED: buses, clock, loop. NULL when out of memory. */
struct gm_machine *gm_machine_new(const char *name);
/* Ends the threads, closes devices (last first), the accelerator and the buses. No lock held. */
void gm_machine_free(struct gm_machine *m);
/* Main memory of `size` bytes: up to 3 GiB from 0, the rest from 4 GiB. -errno. */
int gm_machine_add_ram(struct gm_machine *m, u64 size);
/* Resets everything, starts the vCPUs, runs the I/O loop in the calling thread until the machine
 * has ended. No lock held. */
enum gm_end gm_machine_run(struct gm_machine *m);

/* What devices and users ask for. Machine lock held; each takes effect soon after, in the I/O
 * loop, not inside the call. */
void gm_machine_request_reset(struct gm_machine *m);
void gm_machine_request_poweroff(struct gm_machine *m);
/* Presses the power button; false when the guest does not listen to it. Machine lock held. */
bool gm_machine_power_button(struct gm_machine *m);
void gm_machine_pause(struct gm_machine *m);
void gm_machine_resume(struct gm_machine *m);
/* Ends the machine; the first reason given is kept. */
void gm_machine_end(struct gm_machine *m, enum gm_end end, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Adds and removes who is told. Machine lock held. */
void gm_machine_listen(struct gm_machine *m, struct gm_state_listener *l);
void gm_machine_unlisten(struct gm_machine *m, struct gm_state_listener *l);
/* A message to the user about this machine: one line, without newline. */
void gm_machine_warn(struct gm_machine *m, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Carries out what was requested. Called by the I/O loop, machine lock held. */
void gm_machine_service(struct gm_machine *m);

#endif

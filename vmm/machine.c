// SPDX-License-Identifier: GPL-2.0-or-later
/* A machine's life: creation, reset, pause, end. What stands on the board is machine_pc.c's. */
#include "vmm/machine.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "devices/dev.h"
#include "vmm/accel/accel.h"
#include "vmm/bus.h"
#include "vmm/clock.h"
#include "vmm/loop.h"
#include "vmm/vcpu.h"

#define RAM_HOLE_START (3 * GiB)
#define RAM_HOLE_END   (4 * GiB)

struct gm_machine *gm_machine_new(const char *name)
{
	struct gm_machine *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->name = name;
	m->state = GM_STATE_PAUSED;
	pthread_mutex_init(&m->lock, NULL);
	m->mem = gm_bus_new(GM_BUS_MEM);
	m->pio = gm_bus_new(GM_BUS_PIO);
	m->clock = gm_clock_new();
	if (m->clock)
		m->loop = gm_loop_new(m);
	if (!m->mem || !m->pio || !m->loop) {
		gm_machine_free(m);
		return NULL;
	}
	return m;
}

static void devices_free(struct gm_machine *m)
{
	while (m->devices) {
		struct gm_dev **p = &m->devices, *d;

		while ((*p)->next)
			p = &(*p)->next;
		d = *p;
		*p = NULL;
		if (d->cls->fini)
			d->cls->fini(d);
		free(d);
	}
}

void gm_machine_free(struct gm_machine *m)
{
	if (!m)
		return;
	gm_vcpus_stop(m);
	/* Requests that end and devices that go still move interrupt lines: the vCPUs go later. */
	gm_lock(m);
	if (m->loop)
		gm_loop_drain(m->loop);
	devices_free(m);
	if (m->board_fini)
		m->board_fini(m->board);
	gm_unlock(m);
	gm_vcpus_free(m);
	if (m->vm)
		m->vm->accel->vm_close(m->vm);
	gm_loop_free(m->loop);
	gm_clock_free(m->clock);
	gm_bus_free(m->pio);
	gm_bus_free(m->mem);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

int gm_machine_add_ram(struct gm_machine *m, u64 size)
{
	u64 low = MIN(size, RAM_HOLE_START);

	m->ram = gm_ram_new(m->mem, "ram", size, 0);
	if (!m->ram)
		return -ENOMEM;
	m->ram_size = size;
	m->ram_below_4g = low;
	if (!gm_ram_map(m->mem, m->ram, 0, 0, low, GM_PRIO_RAM, false))
		return -ENOMEM;
	if (size > low && !gm_ram_map(m->mem, m->ram, low, RAM_HOLE_END, size - low, GM_PRIO_RAM,
				      false))
		return -ENOMEM;
	return 0;
}

void gm_machine_listen(struct gm_machine *m, struct gm_state_listener *l)
{
	l->next = m->listeners;
	m->listeners = l;
}

void gm_machine_unlisten(struct gm_machine *m, struct gm_state_listener *l)
{
	struct gm_state_listener **p = &m->listeners;

	while (*p && *p != l)
		p = &(*p)->next;
	if (*p)
		*p = l->next;
}

/* ---- requests ---- */

void gm_machine_request_reset(struct gm_machine *m)
{
	m->reset_wanted = true;
	/* To the guest the reset comes with the instruction that asks for it. */
	if (gm_vcpu_current)
		gm_vcpu_stand(gm_vcpu_current);
	gm_loop_wake(m->loop);
}

void gm_machine_request_poweroff(struct gm_machine *m)
{
	gm_machine_end(m, GM_END_POWEROFF, "the guest powered off");
}

bool gm_machine_power_button(struct gm_machine *m)
{
	return m->power_button && m->power_button(m->power_button_opaque);
}

void gm_machine_pause(struct gm_machine *m)
{
	m->pause_wanted = true;
	m->resume_wanted = false;
	gm_loop_wake(m->loop);
}

void gm_machine_resume(struct gm_machine *m)
{
	m->resume_wanted = true;
	m->pause_wanted = false;
	gm_loop_wake(m->loop);
}

void gm_machine_end(struct gm_machine *m, enum gm_end end, const char *fmt, ...)
{
	va_list ap;

	if (m->end != GM_END_NONE)
		return;
	m->end = end;
	m->state = GM_STATE_ENDED;
	va_start(ap, fmt);
	vsnprintf(m->end_reason, sizeof(m->end_reason), fmt, ap);
	va_end(ap);
	if (gm_vcpu_current)
		gm_vcpu_stand(gm_vcpu_current);
	gm_loop_quit(m->loop);
}

void gm_machine_warn(struct gm_machine *m, const char *fmt, ...)
{
	char text[4096]; /* room for a register dump */
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (m->warn)
		m->warn(m->warn_opaque, text);
	else
		fprintf(stderr, "vmm: %s\n", text);
}

/* ---- what the I/O loop does about them ---- */

static void reset_all(struct gm_machine *m)
{
	struct gm_dev *d;

	for (d = m->devices; d; d = d->next)
		if (d->cls->reset)
			d->cls->reset(d);
	gm_vcpus_reset(m);
}

static void state_tell(struct gm_machine *m)
{
	struct gm_state_listener *l, *next;

	for (l = m->listeners; l; l = next) {
		next = l->next;
		l->fn(l->opaque, m);
	}
}

static void do_reset(struct gm_machine *m)
{
	m->reset_wanted = false;
	if (m->no_reboot) {
		gm_machine_end(m, GM_END_RESET, "the guest reset the machine");
		return;
	}
	gm_vcpus_pause(m);
	gm_loop_drain(m->loop);
	reset_all(m);
	m->resets++;
	gm_vcpus_resume(m);
	state_tell(m);
}

static void do_pause(struct gm_machine *m)
{
	struct gm_dev *d;

	m->pause_wanted = false;
	if (m->state != GM_STATE_RUNNING)
		return;
	gm_vcpus_pause(m);
	/* A vCPU may have ended the machine on its last steps. */
	if (m->state != GM_STATE_RUNNING)
		return;
	m->state = GM_STATE_PAUSED;
	gm_clock_stop(m->clock);
	if (m->vm->accel->pause)
		m->vm->accel->pause(m->vm, true);
	for (d = m->devices; d; d = d->next)
		if (d->cls->pause)
			d->cls->pause(d);
	state_tell(m);
}

static void do_resume(struct gm_machine *m)
{
	struct gm_dev *d;

	m->resume_wanted = false;
	if (m->state != GM_STATE_PAUSED || m->held)
		return;
	for (d = m->devices; d; d = d->next)
		if (d->cls->resume)
			d->cls->resume(d);
	m->state = GM_STATE_RUNNING;
	gm_clock_start(m->clock);
	if (m->vm->accel->pause)
		m->vm->accel->pause(m->vm, false);
	gm_vcpus_resume(m);
	state_tell(m);
}

void gm_machine_service(struct gm_machine *m)
{
	if (m->state == GM_STATE_ENDED)
		return;
	if (m->reset_wanted)
		do_reset(m);
	if (m->pause_wanted)
		do_pause(m);
	if (m->resume_wanted)
		do_resume(m);
}

enum gm_end gm_machine_run(struct gm_machine *m)
{
	int err;

	gm_lock(m);
	reset_all(m);
	err = gm_vcpus_start(m);
	if (err) {
		gm_machine_end(m, GM_END_ERROR, "cannot start a vCPU thread: %s", strerror(-err));
	} else if (!m->held) {
		m->state = GM_STATE_RUNNING;
		gm_clock_start(m->clock);
		gm_vcpus_resume(m);
		state_tell(m);
	}
	gm_unlock(m);
	gm_loop_run(m->loop);
	gm_vcpus_stop(m);
	gm_lock(m);
	gm_clock_stop(m->clock);
	gm_unlock(m);
	return m->end;
}

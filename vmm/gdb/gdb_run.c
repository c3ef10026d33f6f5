// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stopping and going on under gdb. Everything stands when one vCPU comes to a point ("all-stop"):
 * its thread notes down why and asks for a pause; when the machine has paused, gdb is told.
 */
#include "vmm/gdb/gdb_int.h"

#include <errno.h>

/* In the thread of the vCPU, machine lock held. The first to come is what gdb hears of; others that
 * came to a breakpoint have not run the instruction and will come again. */
static void point_reached(void *opaque, struct gm_vcpu *v, const struct gm_exit *e)
{
	struct gm_gdb *g = opaque;

	v->held = true;
	if (!g->event.set)
		g->event = (struct gdb_event){.set = true, .cpu = v->index, .why = e->debug.why,
					      .addr = e->debug.addr, .write = e->debug.write};
	gm_machine_pause(g->m);
}

static void stopped(struct gm_gdb *g)
{
	g->running = false;
	g->m->held = true;
	if (g->event.set) {
		g->cpu = g->stop_cpu = g->event.cpu;
	} else {
		g->cpu = g->stop_cpu = MIN(g->stop_cpu, g->m->nvcpus - 1);
	}
	gdb_put_stop(g);
	gdb_reply(g);
	g->event.set = false;
	g->interrupted = false;
}

static void state_changed(void *opaque, struct gm_machine *m)
{
	struct gm_gdb *g = opaque;

	if (m->state == GM_STATE_PAUSED && g->running && g->fd >= 0)
		stopped(g);
}

void gdb_hold(struct gm_gdb *g)
{
	g->m->held = false;
	if (g->m->state == GM_STATE_RUNNING) {
		gm_machine_pause(g->m);
		gm_machine_service(g->m);
	}
	g->m->held = true;
}

static int points_apply(struct gm_gdb *g, const char *act)
{
	struct gm_machine *m = g->m;
	struct gm_debug d = {.points = g->points, .npoints = g->npoints};
	unsigned int i;
	int ret = 0;

	for (i = 0; i < m->nvcpus && !ret; i++) {
		d.step = act && act[i] == 's';
		ret = m->vm->accel->debug_set ? m->vm->accel->debug_set(m->vcpus[i], &d) : -ENOTSUP;
		m->vcpus[i]->held = act && !act[i];
	}
	return ret;
}

void gdb_go(struct gm_gdb *g, const char *act)
{
	if (points_apply(g, act)) {
		gdb_put(g, "E16");
		gdb_reply(g);
		return;
	}
	g->running = true;
	g->m->held = false;
	gm_machine_resume(g->m);
	gm_machine_service(g->m);
}

void gdb_release(struct gm_gdb *g)
{
	struct gm_machine *m = g->m;
	unsigned int i;

	gdb_hold(g);
	g->npoints = 0;
	g->running = false;
	g->event.set = false;
	for (i = 0; i < m->nvcpus; i++) {
		if (m->vm->accel->debug_set)
			m->vm->accel->debug_set(m->vcpus[i], NULL);
		m->vcpus[i]->held = false;
	}
	m->held = false;
	if (m->state != GM_STATE_ENDED) {
		gm_machine_resume(m);
		gm_machine_service(m);
	}
}

static bool point_equal(const struct gm_point *a, const struct gm_point *b)
{
	return a->kind == b->kind && a->addr == b->addr && a->len == b->len;
}

/* It is tried at once, so that gdb learns when there is no room for it. */
int gdb_point_add(struct gm_gdb *g, const struct gm_point *p)
{
	unsigned int i;
	int ret;

	for (i = 0; i < g->npoints; i++)
		if (point_equal(&g->points[i], p))
			return 0;
	if (g->npoints == GDB_POINTS_MAX)
		return -ENOSPC;
	g->points[g->npoints++] = *p;
	ret = points_apply(g, NULL);
	if (ret) {
		g->npoints--;
		points_apply(g, NULL);
	}
	return ret;
}

int gdb_point_del(struct gm_gdb *g, const struct gm_point *p)
{
	unsigned int i;

	for (i = 0; i < g->npoints; i++) {
		if (!point_equal(&g->points[i], p))
			continue;
		g->points[i] = g->points[--g->npoints];
		return points_apply(g, NULL);
	}
	return 0;
}

void gdb_run_init(struct gm_gdb *g)
{
	g->listener = (struct gm_state_listener){.fn = state_changed, .opaque = g};
	gm_machine_listen(g->m, &g->listener);
	g->m->debug_event = point_reached;
	g->m->debug_opaque = g;
}

void gdb_run_fini(struct gm_gdb *g)
{
	g->m->debug_event = NULL;
	gm_machine_unlisten(g->m, &g->listener);
}

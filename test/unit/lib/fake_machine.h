/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine for device tests: the real buses, a clock that only the test moves, and back ends
 * that record what they are told. Include it once in a test program; the definitions here take
 * the place of vmm/clock.c, vmm/vcpu.c, vmm/machine.c and vmm/ui/ in it.
 */
#ifndef TEST_FAKE_MACHINE_H
#define TEST_FAKE_MACHINE_H

#include <stdarg.h>
#include <stdlib.h>

#include "devices/dev.h"
#include "test/unit/lib/manual_clock.h"
#include "test/unit/lib/run.h"
#include "vmm/ui/chardev.h"
#include "vmm/vcpu.h"

/* ---- clock ---- */

void gm_clock_free(struct gm_clock *c)
{
	free(c);
}

/* Runs at most 10,000 timers, so that a device that rearms without end fails its test. */
u64 gm_clock_run(struct gm_clock *c)
{
	int left = 10000;

	while (c->timers && c->timers->expires <= c->now) {
		struct gm_timer *t = c->timers;

		ck_assert_msg(left-- > 0, "a timer rearms itself without end");
		c->timers = t->next;
		t->expires = GM_TIME_NEVER;
		t->fn(t->opaque);
	}
	return c->timers ? c->timers->expires - c->now : GM_TIME_NEVER;
}

/* ---- machine and vCPUs ---- */

struct fake {
	struct gm_machine m;
	struct gm_vcpu vcpu[4];
	struct gm_vcpu *vcpup[4];
};

static unsigned int fake_resets, fake_interrupts, fake_nmis;


void gm_vcpu_interrupt(struct gm_vcpu *v)
{
	v->irq_request = 1;
	fake_interrupts++;
}

void gm_vcpu_nmi(struct gm_vcpu *v)
{
	v->nmi_request++;
	fake_nmis++;
}

void gm_machine_request_reset(struct gm_machine *m)
{
	fake_resets++;
}

void gm_machine_warn(struct gm_machine *m, const char *fmt, ...)
{
}

static inline struct gm_machine *fake_new(unsigned int nvcpus)
{
	struct fake *f = calloc(1, sizeof(*f));

	ck_assert_ptr_nonnull(f);
	pthread_mutex_init(&f->m.lock, NULL);
	f->m.mem = gm_bus_new(GM_BUS_MEM);
	f->m.pio = gm_bus_new(GM_BUS_PIO);
	f->m.clock = gm_clock_new();
	f->m.vcpus = f->vcpup;
	f->m.nvcpus = nvcpus;
	for (unsigned int i = 0; i < nvcpus; i++) {
		f->vcpup[i] = &f->vcpu[i];
		f->vcpu[i].m = &f->m;
		f->vcpu[i].index = i;
	}
	fake_resets = fake_interrupts = fake_nmis = 0;
	gm_vcpu_current = NULL;
	return &f->m;
}

/* Takes the devices down and frees everything. */
static inline void fake_free(struct gm_machine *m)
{
	while (m->devices) {
		struct gm_dev *d = m->devices;

		m->devices = d->next;
		if (d->cls->fini)
			d->cls->fini(d);
		free(d);
	}
	gm_bus_free(m->mem);
	gm_bus_free(m->pio);
	gm_clock_free(m->clock);
	free(container_of(m, struct fake, m));
}

static inline struct gm_dev *fake_device(struct gm_machine *m, const struct gm_dev_class *cls,
					 const void *cfg)
{
	struct gm_dev *d = NULL;

	ck_assert_int_eq(gm_dev_create(m, cls, cls->name, cfg, &d), 0);
	cls->reset(d);
	return d;
}

static inline void fake_outb(struct gm_machine *m, u16 port, u8 val)
{
	gm_bus_write(m->pio, port, 1, val);
}

static inline u8 fake_inb(struct gm_machine *m, u16 port)
{
	return (u8)gm_bus_read(m->pio, port, 1);
}

/* Lets ns pass, stopping at every timer on the way. */
static inline void fake_advance(struct gm_machine *m, u64 ns)
{
	u64 end = m->clock->now + ns;
	int left = 1000000;

	while (m->clock->timers && m->clock->timers->expires <= end) {
		ck_assert_msg(left-- > 0, "too many timers");
		m->clock->now = MAX(m->clock->now, m->clock->timers->expires);
		gm_clock_run(m->clock);
	}
	m->clock->now = end;
}

/* Lets ns pass as on a host that was busy: the timers run only at the end. */
static inline void fake_stall(struct gm_machine *m, u64 ns)
{
	m->clock->now += ns;
	gm_clock_run(m->clock);
}

/* ---- interrupt lines ---- */

struct fake_line {
	int level;
	unsigned int rises, falls;
};

static inline void fake_line_set(void *opaque, int line, int level)
{
	struct fake_line *l = opaque;

	if (level && !l->level)
		l->rises++;
	if (!level && l->level)
		l->falls++;
	l->level = level;
}

static inline struct gm_irq fake_irq(struct fake_line *l)
{
	return (struct gm_irq){.set = fake_line_set, .opaque = l};
}

/* ---- character back end ---- */

struct gm_char {
	struct gm_char_client client;
	u8 out[4096];
	size_t nout;
	unsigned int ready;
};

void gm_char_set_client(struct gm_char *c, const struct gm_char_client *client)
{
	if (c)
		c->client = *client;
}

void gm_char_write(struct gm_char *c, const u8 *buf, size_t len)
{
	for (size_t i = 0; c && i < len && c->nout < sizeof(c->out); i++)
		c->out[c->nout++] = buf[i];
}

void gm_char_ready(struct gm_char *c)
{
	if (c)
		c->ready++;
}

/* ---- tables of register accesses ---- */

/* One step of a table-driven test; a table ends with op 0. */
struct fake_step {
	char op; /* 'w' write port, 'r' read port and compare (masked by mask, 0 = all bits) */
	u16 port;
	u8 val, mask;
};

static inline void fake_steps(struct gm_machine *m, const char *name, const struct fake_step *s)
{
	for (int i = 0; s->op; s++, i++) {
		u8 mask = s->mask ? s->mask : 0xff, got;

		if (s->op == 'w') {
			fake_outb(m, s->port, s->val);
			continue;
		}
		got = fake_inb(m, s->port);
		ck_assert_msg((got & mask) == s->val, "%s: step %d: port %#x gave %#x, wanted %#x",
			      name, i, s->port, got & mask, s->val);
	}
}

#endif

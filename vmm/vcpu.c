// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vCPU threads: each runs its vCPU at the accelerator, waits while it is halted, paused, or after
 * an INIT for its start-up message (Intel SDM volume 3, section 8.4).
 */
#include "vmm/vcpu.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "vmm/clock.h"
#include "vmm/sandbox/sandbox.h"
#include "vmm/trace.h"

#define CRASHES_SHOWN 3

/* All fields are protected by the machine lock. */
struct vcpu {
	struct gm_vcpu pub;
	pthread_t thread;
	pthread_cond_t wake_cond; /* the thread waits on it when halted or standing */
	pthread_cond_t stand_cond;/* whoever pauses waits on it */
	u64 wakes;                /* counts interrupts; a halted vCPU waits for a change */
	bool started, standing, paused, stop, halted, open;
	bool init_wanted, sipi_wanted; /* messages not yet acted on */
	bool wait_sipi;           /* after INIT, before the start-up message */
	u8 sipi_vector;
};

static struct vcpu *vcpu_of(struct gm_vcpu *v)
{
	return container_of(v, struct vcpu, pub);
}

int gm_vcpus_create(struct gm_machine *m, void (*setup)(void *, struct gm_vcpu *), void *opaque)
{
	unsigned int i;
	int err;

	m->topology = gm_topology_of(m->topology, m->nvcpus);
	m->vcpus = calloc(m->nvcpus, sizeof(*m->vcpus));
	if (!m->vcpus)
		return -ENOMEM;
	for (i = 0; i < m->nvcpus; i++) {
		struct vcpu *v = calloc(1, sizeof(*v));

		if (!v)
			return -ENOMEM;
		m->vcpus[i] = &v->pub;
		v->pub.m = m;
		v->pub.index = i;
		v->pub.apic_id = gm_topology_apic_id(&m->topology, i);
		snprintf(v->pub.lapic_name, sizeof(v->pub.lapic_name), "lapic%u", i);
		v->paused = true;
		pthread_cond_init(&v->wake_cond, NULL);
		pthread_cond_init(&v->stand_cond, NULL);
		setup(opaque, &v->pub);
		err = m->vm->accel->vcpu_open(m->vm, &v->pub);
		if (err)
			return err;
		v->open = true;
	}
	return 0;
}

void gm_vcpu_stand(struct gm_vcpu *v)
{
	vcpu_of(v)->paused = true;
	v->m->vm->accel->kick(v);
}

static void vcpu_wake(struct vcpu *v)
{
	v->wakes++;
	if (gm_vcpu_current == &v->pub)
		return;
	pthread_cond_signal(&v->wake_cond);
}

void gm_vcpu_interrupt(struct gm_vcpu *v)
{
	__atomic_store_n(&v->irq_request, 1, __ATOMIC_SEQ_CST);
	v->m->vm->accel->kick(v);
	vcpu_wake(vcpu_of(v));
}

void gm_vcpu_nmi(struct gm_vcpu *v)
{
	__atomic_store_n(&v->nmi_request, 1, __ATOMIC_SEQ_CST);
	v->m->vm->accel->kick(v);
	vcpu_wake(vcpu_of(v));
}

/* ---- INIT and start-up ---- */

void gm_vcpu_init(struct gm_vcpu *v)
{
	struct vcpu *p = vcpu_of(v);

	p->init_wanted = true;
	p->sipi_wanted = false;
	v->m->vm->accel->kick(v);
	vcpu_wake(p);
}

void gm_vcpu_sipi(struct gm_vcpu *v, u8 vector)
{
	struct vcpu *p = vcpu_of(v);

	if (!p->init_wanted && !p->wait_sipi)
		return;
	p->sipi_wanted = true;
	p->sipi_vector = vector;
	vcpu_wake(p);
}

static void vcpu_do_init(struct vcpu *p)
{
	struct gm_vcpu *v = &p->pub;

	p->init_wanted = false;
	p->halted = false;
	p->wait_sipi = v->index != 0;
	v->m->vm->accel->vcpu_reset(v, true);
	if (v->init)
		v->init(v);
}

static void vcpu_do_sipi(struct vcpu *p)
{
	struct gm_vcpu *v = &p->pub;
	struct gm_regs *r = calloc(1, sizeof(*r));
	int err = r ? v->m->vm->accel->regs_get(v, GM_REGS_GPR | GM_REGS_SYS, r) : -ENOMEM;

	if (!err) {
		r->seg[X86_CS].sel = (u16)(p->sipi_vector << 8);
		r->seg[X86_CS].base = (u64)p->sipi_vector << 12;
		r->rip = 0;
		err = v->m->vm->accel->regs_set(v, GM_REGS_GPR | GM_REGS_SYS, r);
	}
	free(r);
	p->sipi_wanted = p->wait_sipi = false;
	if (err)
		gm_machine_end(v->m, GM_END_ERROR, "vCPU %u cannot be started: %s", v->index,
			       strerror(-err));
}

void gm_vcpus_reset(struct gm_machine *m)
{
	unsigned int i;

	for (i = 0; i < m->nvcpus; i++) {
		struct vcpu *v = vcpu_of(m->vcpus[i]);

		v->init_wanted = v->sipi_wanted = v->halted = false;
		v->wait_sipi = i != 0 && !m->vm->irqchip;
		m->vm->accel->vcpu_reset(&v->pub, false);
	}
}

int gm_vcpu_regs_get(struct gm_vcpu *v, unsigned int groups, struct gm_regs *r)
{
	struct vcpu *p = vcpu_of(v);
	int err = v->m->vm->accel->regs_get(v, groups, r);

	if (!err && groups & GM_REGS_EVT) {
		r->evt.wait_sipi = p->wait_sipi;
		r->evt.sipi_pending = p->sipi_wanted;
		r->evt.sipi_vector = p->sipi_vector;
	}
	return err;
}

int gm_vcpu_regs_set(struct gm_vcpu *v, unsigned int groups, const struct gm_regs *r)
{
	struct vcpu *p = vcpu_of(v);
	int err = v->m->vm->accel->regs_set(v, groups, r);

	if (!err && groups & GM_REGS_EVT) {
		p->wait_sipi = r->evt.wait_sipi && v->index;
		p->sipi_wanted = p->wait_sipi && r->evt.sipi_pending;
		p->sipi_vector = r->evt.sipi_vector;
		p->init_wanted = false;
	}
	return err;
}

/* ---- what an exit means ---- */

static void vcpu_shutdown(struct gm_vcpu *v)
{
	struct gm_machine *m = v->m;
	char dump[2048];

	/* A guest that crashes again and again after each reset must not fill the user's log. */
	if (m->crashes < CRASHES_SHOWN) {
		gm_vcpu_dump(v, dump, sizeof(dump));
		gm_machine_warn(m, "triple fault on vCPU %u%s\n%s", v->index,
				m->no_reboot ? "" : ", resetting", dump);
		if (++m->crashes == CRASHES_SHOWN)
			gm_machine_warn(m, "further triple faults are not shown");
	}
	if (m->no_reboot)
		gm_machine_end(m, GM_END_CRASH, "guest crash: triple fault on vCPU %u", v->index);
	else
		gm_machine_request_reset(m);
}

static void vcpu_handle_exit(struct gm_vcpu *v, const struct gm_exit *e, u64 wakes)
{
	static const char *const names[] = {"kicked", "halted", "shutdown", "error", "debug"};
	struct vcpu *p = vcpu_of(v);

	if (gm_trace_on(v->m, GM_TRACE_EXIT))
		gm_trace_put(v->m, GM_TRACE_EXIT, "%s",
			     e->reason < ARRAY_SIZE(names) ? names[e->reason] : "?");
	switch (e->reason) {
	case GM_EXIT_HALTED: p->halted = p->wakes == wakes; break;
	case GM_EXIT_SHUTDOWN: vcpu_shutdown(v); break;
	case GM_EXIT_ERROR: gm_machine_end(v->m, GM_END_ERROR, "%s", e->text); break;
	case GM_EXIT_DEBUG:
		if (v->m->debug_event)
			v->m->debug_event(v->m->debug_opaque, v, e);
		break;
	case GM_EXIT_KICKED: break;
	}
}

static void vcpu_loop(struct gm_vcpu *v)
{
	struct gm_machine *m = v->m;
	struct vcpu *p = vcpu_of(v);

	while (!p->stop) {
		struct gm_exit e = {.reason = GM_EXIT_KICKED};
		u64 wakes = p->wakes;

		if (p->init_wanted)
			vcpu_do_init(p);
		if (p->paused || v->held || m->state != GM_STATE_RUNNING) {
			p->standing = true;
			pthread_cond_broadcast(&p->stand_cond);
			pthread_cond_wait(&p->wake_cond, &m->lock);
			continue;
		}
		p->standing = false;
		if (p->wait_sipi && !p->sipi_wanted) {
			pthread_cond_wait(&p->wake_cond, &m->lock);
			continue;
		}
		if (p->wait_sipi)
			vcpu_do_sipi(p);
		if (p->halted) {
			pthread_cond_wait(&p->wake_cond, &m->lock);
			p->halted = p->halted && p->wakes == wakes;
			continue;
		}
		gm_unlock(m);
		m->vm->accel->run(v, &e);
		gm_lock(m);
		vcpu_handle_exit(v, &e, wakes);
	}
	p->standing = true;
	pthread_cond_broadcast(&p->stand_cond);
}

static void *vcpu_thread(void *arg)
{
	struct gm_vcpu *v = arg;

	gm_vcpu_current = v;
	gm_lock(v->m);
	vcpu_loop(v);
	gm_unlock(v->m);
	return NULL;
}

/* ---- all of them ---- */

int gm_vcpus_start(struct gm_machine *m)
{
	unsigned int i;
	int err = 0;
	sigset_t all, old;

	/* Signals for the process go to the main thread. */
	gm_sandbox_sigmask(&all);
	sigdelset(&all, SIGUSR1);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	for (i = 0; i < m->nvcpus && !err; i++) {
		struct vcpu *v = vcpu_of(m->vcpus[i]);

		err = -pthread_create(&v->thread, NULL, vcpu_thread, &v->pub);
		v->started = !err;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return err;
}

void gm_vcpus_pause(struct gm_machine *m)
{
	unsigned int i;

	for (i = 0; i < m->nvcpus; i++) {
		struct vcpu *v = vcpu_of(m->vcpus[i]);

		v->paused = true;
		m->vm->accel->kick(&v->pub);
		pthread_cond_signal(&v->wake_cond);
	}
	for (i = 0; i < m->nvcpus; i++) {
		struct vcpu *v = vcpu_of(m->vcpus[i]);

		while (v->started && !v->standing)
			pthread_cond_wait(&v->stand_cond, &m->lock);
	}
}

void gm_vcpus_resume(struct gm_machine *m)
{
	unsigned int i;

	for (i = 0; i < m->nvcpus; i++) {
		struct vcpu *v = vcpu_of(m->vcpus[i]);

		v->paused = false;
		/* After a reset it runs, and after a pause it finds out again that it is halted. */
		v->halted = false;
		v->standing = false;
		pthread_cond_signal(&v->wake_cond);
	}
}

void gm_vcpus_stop(struct gm_machine *m)
{
	unsigned int i;

	if (!m->vcpus)
		return;
	gm_lock(m);
	for (i = 0; i < m->nvcpus && m->vcpus[i]; i++) {
		struct vcpu *v = vcpu_of(m->vcpus[i]);

		v->stop = true;
		m->vm->accel->kick(&v->pub);
		pthread_cond_signal(&v->wake_cond);
	}
	gm_unlock(m);
	for (i = 0; i < m->nvcpus && m->vcpus[i]; i++) {
		struct vcpu *v = vcpu_of(m->vcpus[i]);

		if (v->started)
			pthread_join(v->thread, NULL);
		v->started = false;
	}
}

void gm_vcpus_free(struct gm_machine *m)
{
	unsigned int i;

	for (i = 0; m->vcpus && i < m->nvcpus && m->vcpus[i]; i++) {
		struct vcpu *v = vcpu_of(m->vcpus[i]);

		if (v->open)
			m->vm->accel->vcpu_close(&v->pub);
		pthread_cond_destroy(&v->wake_cond);
		pthread_cond_destroy(&v->stand_cond);
		free(v);
	}
	free(m->vcpus);
	m->vcpus = NULL;
	m->nvcpus = 0;
}

/* ---- crash reports ---- */

struct text {
	char *buf;
	size_t len, at;
};

static void put(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void put(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->at < t->len ? t->buf + t->at : NULL, t->at < t->len ? t->len - t->at : 0,
		      fmt, ap);
	va_end(ap);
	t->at += n > 0 ? (size_t)n : 0;
}

int gm_vcpu_dump(struct gm_vcpu *v, char *buf, size_t len)
{
	static const char *const gpr[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
					  "r8 ", "r9 ", "r10", "r11", "r12", "r13", "r14", "r15"};
	static const char *const seg[] = {"es", "cs", "ss", "ds", "fs", "gs", "ldtr", "tr"};
	struct text t = {.buf = buf, .len = len};
	struct gm_regs *r = calloc(1, sizeof(*r));
	unsigned int i;

	if (!r || v->m->vm->accel->regs_get(v, GM_REGS_GPR | GM_REGS_SYS, r)) {
		free(r);
		return snprintf(buf, len, "(registers not available)");
	}
	for (i = 0; i < 16; i++)
		put(&t, "%s %016lx%s", gpr[i], r->gpr[i], i % 4 == 3 ? "\n" : "  ");
	put(&t, "rip %016lx  rflags %08lx\n", r->rip, r->rflags);
	for (i = 0; i < X86_NSEG; i++)
		put(&t, "%-4s %04x base %016lx limit %08x attr %04x\n", seg[i], r->seg[i].sel,
		    r->seg[i].base, r->seg[i].limit, r->seg[i].attr);
	put(&t, "gdt %016lx+%04x  idt %016lx+%04x  efer %lx\n", r->gdt.base, r->gdt.limit,
	    r->idt.base, r->idt.limit, r->efer);
	put(&t, "cr0 %lx  cr2 %lx  cr3 %lx  cr4 %lx", r->cr0, r->cr2, r->cr3, r->cr4);
	free(r);
	return (int)t.at;
}

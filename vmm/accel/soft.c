/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The accelerator that needs nothing from the host: the software CPU of vmm/cpu/.
 *
 * A vCPU thread runs its struct cpu without a lock; what reaches outside takes the machine lock.
 * Other threads talk to a CPU through cpu_request() and cpu_phys_written() only.
 */
#include "vmm/accel/accel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "vmm/accel/soft_priv.h"
#include "vmm/bus.h"
#include "vmm/clock.h"

/* Guest TSC and APIC timer tick once a nanosecond of guest time. */
#define SOFT_TSC_HZ  NSEC_PER_SEC
#define SOFT_APIC_HZ NSEC_PER_SEC
/* Instructions between two looks at the loop around cpu_run(); requests end it earlier. */
#define SOFT_BUDGET  (1ll << 40)

/* Pages of a logged RAM block that were dirty at the last fetch: see soft_dirty_sync(). */
struct soft_dirty {
	struct soft_dirty *next;
	struct gm_ram *ram;
	u64 *prev;
};

struct soft_vm {
	struct gm_vm vm;
	const struct cpu_model *model;
	struct soft_dirty *dirty; /* machine lock */
	struct cpu_group *group;  /* of several vCPUs */
};

static struct soft_vm *vm_of(struct gm_vm *vm)
{
	return container_of(vm, struct soft_vm, vm);
}

/* ---- what the CPU sees of the machine; opaque is the struct gm_vcpu ---- */

static void mark_dirty(struct gm_ram *ram, u64 off)
{
	u64 page = off / CPU_PAGE_SIZE;

	if (ram->dirty)
		__atomic_or_fetch(&ram->dirty[page / 64], 1ull << (page % 64), __ATOMIC_RELAXED);
	if (ram->dirtied)
		ram->dirtied(ram->dirtied_opaque);
}

static void host_page(void *opaque, u64 gpa, bool write, struct cpu_page *out)
{
	struct gm_vcpu *v = opaque;
	const struct gm_flat *f;

	gpa &= CPU_PAGE_MASK;
	out->hva = NULL;
	out->readonly = false;
	gm_lock(v->m);
	f = gm_bus_lookup(v->m->mem, gpa);
	/* A page that registers share with RAM is accessed through the bus. */
	if (f && f->ram && f->end - gpa >= CPU_PAGE_SIZE) {
		u64 off = f->ram_off + (gpa - f->start);

		out->hva = f->ram->host + off;
		out->readonly = f->readonly;
		if (write && !f->readonly)
			mark_dirty(f->ram, off);
	}
	gm_unlock(v->m);
}

static u64 host_mmio_read(void *opaque, u64 gpa, unsigned int len)
{
	struct gm_vcpu *v = opaque;
	u64 val;

	gm_lock(v->m);
	val = gm_bus_read(v->m->mem, gpa, len);
	gm_unlock(v->m);
	return val;
}

static void host_mmio_write(void *opaque, u64 gpa, unsigned int len, u64 val)
{
	struct gm_vcpu *v = opaque;

	gm_lock(v->m);
	gm_bus_write(v->m->mem, gpa, len, val);
	gm_unlock(v->m);
}

static u32 host_pio_in(void *opaque, u16 port, unsigned int len)
{
	struct gm_vcpu *v = opaque;
	u64 val;

	gm_lock(v->m);
	val = gm_bus_read(v->m->pio, port, len);
	gm_unlock(v->m);
	return (u32)val;
}

static void host_pio_out(void *opaque, u16 port, unsigned int len, u32 val)
{
	struct gm_vcpu *v = opaque;

	gm_lock(v->m);
	gm_bus_write(v->m->pio, port, len, val);
	gm_unlock(v->m);
}

static int host_irq_ack(void *opaque)
{
	struct gm_vcpu *v = opaque;
	int vector;

	gm_lock(v->m);
	vector = v->intr_pending(v) ? v->intr_ack(v) : -1;
	/* INTR as it now is; who raises it later takes the machine lock first. */
	if (!v->intr_pending(v))
		cpu_clear(soft_cpu(v), CPU_REQ_IRQ);
	gm_unlock(v->m);
	return vector;
}

static int host_apic_rdmsr(void *opaque, u32 msr, u64 *val)
{
	struct gm_vcpu *v = opaque;
	int ret;

	gm_lock(v->m);
	ret = v->apic_msr_get(v, msr, val);
	gm_unlock(v->m);
	return ret;
}

static int host_apic_wrmsr(void *opaque, u32 msr, u64 val)
{
	struct gm_vcpu *v = opaque;
	int ret;

	gm_lock(v->m);
	ret = v->apic_msr_set(v, msr, val);
	gm_unlock(v->m);
	return ret;
}

static unsigned int host_get_tpr(void *opaque)
{
	struct gm_vcpu *v = opaque;
	u64 tpr;

	gm_lock(v->m);
	tpr = v->tpr_get(v);
	gm_unlock(v->m);
	return (unsigned int)tpr;
}

static void host_set_tpr(void *opaque, unsigned int tpr)
{
	struct gm_vcpu *v = opaque;

	gm_lock(v->m);
	v->tpr_set(v, tpr);
	gm_unlock(v->m);
}

static u64 host_tsc(void *opaque)
{
	struct gm_vcpu *v = opaque;

	return gm_clock_now(v->m->clock);
}

static void host_tsc_changed(void *opaque)
{
	struct gm_vcpu *v = opaque;
	/* A reset happens in a thread that holds the machine lock already. */
	bool lock = gm_vcpu_current == v;

	if (lock)
		gm_lock(v->m);
	if (v->priv)
		v->tsc_offset = (u64)soft_cpu(v)->tsc_offset;
	if (v->tsc_changed)
		v->tsc_changed(v);
	if (lock)
		gm_unlock(v->m);
}

static void host_ferr(void *opaque, bool level)
{
	struct gm_vcpu *v = opaque;

	if (!v->ferr)
		return;
	gm_lock(v->m);
	v->ferr(v, level);
	gm_unlock(v->m);
}

static const struct gm_cpu_host soft_host = {
	.page = host_page,
	.mmio_read = host_mmio_read,
	.mmio_write = host_mmio_write,
	.pio_in = host_pio_in,
	.pio_out = host_pio_out,
	.irq_ack = host_irq_ack,
	.apic_rdmsr = host_apic_rdmsr,
	.apic_wrmsr = host_apic_wrmsr,
	.get_tpr = host_get_tpr,
	.set_tpr = host_set_tpr,
	.tsc = host_tsc,
	.tsc_changed = host_tsc_changed,
	.ferr = host_ferr,
};

/* ---- the machine ---- */

static int soft_probe(char *why, size_t len)
{
	return 0;
}

static int soft_vm_open(struct gm_machine *m, const struct gm_accel_options *o, struct gm_vm **out,
			char *err, size_t errlen)
{
	const struct cpu_model *model = cpu_model_find(o->cpu_model);
	struct soft_vm *s;

	if (!model) {
		snprintf(err, errlen, "--cpu %s: not known ('--cpu help' lists the models)",
			 o->cpu_model);
		return -EINVAL;
	}
	s = calloc(1, sizeof(*s));
	if (!s) {
		snprintf(err, errlen, "out of memory");
		return -ENOMEM;
	}
	s->model = model;
	m->tsc_hz = SOFT_TSC_HZ;
	*out = &s->vm;
	return 0;
}

static void soft_vm_close(struct gm_vm *vm)
{
	struct soft_vm *s = vm_of(vm);

	while (s->dirty) {
		struct soft_dirty *d = s->dirty;

		s->dirty = d->next;
		free(d->prev);
		free(d);
	}
	cpu_group_free(s->group);
	free(s);
}

/* Asks every vCPU that is there. */
static void request_all(struct gm_vm *vm, u32 req)
{
	unsigned int i;

	for (i = 0; vm->m->vcpus && i < vm->m->nvcpus; i++)
		if (vm->m->vcpus[i] && vm->m->vcpus[i]->priv)
			cpu_request(soft_cpu(vm->m->vcpus[i]), req);
}

static void soft_memory_changed(struct gm_vm *vm)
{
	request_all(vm, CPU_REQ_FLUSH);
}

static void soft_memory_written(struct gm_vm *vm, u64 gpa, u64 len)
{
	unsigned int i;

	for (i = 0; vm->m->vcpus && i < vm->m->nvcpus; i++)
		if (vm->m->vcpus[i] && vm->m->vcpus[i]->priv)
			cpu_phys_written(soft_cpu(vm->m->vcpus[i]), gpa, len);
}

static struct soft_dirty *dirty_of(struct soft_vm *s, struct gm_ram *ram)
{
	struct soft_dirty *d;

	for (d = s->dirty; d; d = d->next)
		if (d->ram == ram)
			return d;
	d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	d->prev = calloc((ram->size / CPU_PAGE_SIZE + 63) / 64, sizeof(u64));
	if (!d->prev) {
		free(d);
		return NULL;
	}
	d->ram = ram;
	d->next = s->dirty;
	s->dirty = d;
	return d;
}

/*
 * A CPU marks a page dirty when it first writes there after its TLB forgot the page. So all TLBs
 * are told to forget; until they have, a CPU may write to a page that is clean by then. Hence
 * each dirty page is reported once more by the next fetch.
 */
static void soft_dirty_sync(struct gm_vm *vm, struct gm_ram *ram, u64 first, u64 npages)
{
	struct soft_dirty *d = dirty_of(vm_of(vm), ram);
	u64 w, last, cur;
	bool any = false;

	if (!d || !npages || first >= ram->size / CPU_PAGE_SIZE)
		return;
	last = MIN(first + npages, ram->size / CPU_PAGE_SIZE) - 1;
	for (w = first / 64; w <= last / 64; w++) {
		cur = __atomic_fetch_or(&ram->dirty[w], d->prev[w], __ATOMIC_RELAXED);
		d->prev[w] = cur;
		any = any || cur;
	}
	if (any)
		request_all(vm, CPU_REQ_FLUSH);
}

/* To the CPU that switches it, it counts from the next instruction on. */
static void soft_a20(struct gm_vm *vm, bool enabled)
{
	unsigned int i;

	for (i = 0; vm->m->vcpus && i < vm->m->nvcpus; i++)
		if (vm->m->vcpus[i] && vm->m->vcpus[i]->priv)
			atomic_store(&soft_cpu(vm->m->vcpus[i])->a20_off, !enabled);
	request_all(vm, CPU_REQ_A20);
}

/* ---- vCPUs ---- */

static int soft_vcpu_open(struct gm_vm *vm, struct gm_vcpu *v)
{
	struct soft_vm *s = vm_of(vm);
	struct cpu *c;

	if (v->m->nvcpus > 1 && !s->group) {
		s->group = cpu_group_new(v->m->nvcpus,
					 4 * GiB + v->m->ram_size - v->m->ram_below_4g);
		if (!s->group)
			return -ENOMEM;
	}
	c = cpu_new(&soft_host, v, s->model);
	if (!c)
		return -ENOMEM;
	if (s->group)
		cpu_group_add(s->group, c);
	c->tsc_khz = SOFT_TSC_HZ / 1000;
	c->apic_khz = SOFT_APIC_HZ / 1000;
	c->apic_id = v->apic_id;
	c->topology = v->m->topology;
	if (!v->has_x2apic)
		c->cpuid_hide |= 1u << (CPU_F_X2APIC % 32);
	if (!v->has_tsc_deadline)
		c->cpuid_hide |= 1u << (CPU_F_DEADLINE % 32);
	v->priv = c;
	v->tsc_offset = (u64)c->tsc_offset;
	return 0;
}

static void soft_vcpu_close(struct gm_vcpu *v)
{
	cpu_free(soft_cpu(v));
	v->priv = NULL;
}

static void soft_vcpu_reset(struct gm_vcpu *v, bool init)
{
	struct cpu *c = soft_cpu(v);

	cpu_reset(c, init);
	cpu_clear(c, CPU_REQ_NMI);
	if (init || !v->index)
		return;
	/* All TSCs begin at the same moment: the first one's. */
	c->tsc_offset = soft_cpu(v->m->vcpus[0])->tsc_offset;
	host_tsc_changed(v);
}

static void soft_kick(struct gm_vcpu *v)
{
	struct cpu *c = soft_cpu(v);
	bool irq = __atomic_exchange_n(&v->irq_request, 0, __ATOMIC_SEQ_CST);
	bool nmi = __atomic_exchange_n(&v->nmi_request, 0, __ATOMIC_SEQ_CST);

	if (irq)
		cpu_request(c, CPU_REQ_IRQ);
	if (nmi)
		cpu_request(c, CPU_REQ_NMI);
	/* Neither: somebody wants the thread. */
	if (!irq && !nmi)
		cpu_request(c, CPU_REQ_KICK);
}

static void soft_run(struct gm_vcpu *v, struct gm_exit *e)
{
	switch (cpu_run(soft_cpu(v), SOFT_BUDGET)) {
	case CPU_EXIT_HALT:
		e->reason = GM_EXIT_HALTED;
		break;
	case CPU_EXIT_TRIPLE:
		e->reason = GM_EXIT_SHUTDOWN;
		break;
	case CPU_EXIT_DEBUG:
		soft_debug_exit(v, e);
		break;
	default:
		e->reason = GM_EXIT_KICKED;
		break;
	}
}

const struct gm_accel gm_accel_soft = {
	.name = "soft",
	.probe = soft_probe,
	.vm_open = soft_vm_open,
	.vm_close = soft_vm_close,
	.memory_changed = soft_memory_changed,
	.memory_written = soft_memory_written,
	.dirty_sync = soft_dirty_sync,
	.dirty_told = true,
	.a20 = soft_a20,
	.vcpu_open = soft_vcpu_open,
	.vcpu_close = soft_vcpu_close,
	.vcpu_reset = soft_vcpu_reset,
	.run = soft_run,
	.kick = soft_kick,
	.debug_set = soft_debug_set,
	.regs_get = soft_regs_get,
	.regs_set = soft_regs_set,
};

// SPDX-License-Identifier: GPL-2.0-or-later
/* Choice of an accelerator: by name, or the first one that this machine offers. */
#include "vmm/accel/accel.h"

#include <cpuid.h>
#include <errno.h>
#include <stdio.h>
#include "vmm/bus.h"

static const struct gm_accel *const accels[] = {&gm_accel_guestmode, &gm_accel_kvm,
						 &gm_accel_soft};

static void vm_memory_changed(void *opaque)
{
	struct gm_vm *vm = opaque;

	vm->accel->memory_changed(vm);
}

static void vm_memory_written(void *opaque, u64 gpa, u64 len)
{
	struct gm_vm *vm = opaque;

	if (vm->accel->memory_written)
		vm->accel->memory_written(vm, gpa, len);
}

static void vm_dirty_sync(void *opaque, struct gm_ram *ram, u64 first, u64 npages)
{
	struct gm_vm *vm = opaque;

	if (vm->accel->dirty_sync)
		vm->accel->dirty_sync(vm, ram, first, npages);
}

/* A device file named kvm may be there on a CPU that has no hardware virtualization (a
 * paravirtual one that crawls): it is taken only when asked for by name. */
static bool host_has_virt(void)
{
	u32 a, b, c = 0, d;

	if (__get_cpuid(1, &a, &b, &c, &d) && c & 1u << 5)
		return true;
	return __get_cpuid(0x80000001, &a, &b, &c, &d) && c & 1u << 2;
}

static int vm_open(const struct gm_accel *a, struct gm_machine *m,
		   const struct gm_accel_options *o, char *err, size_t errlen)
{
	struct gm_bus_listener l = {.changed = vm_memory_changed, .written = vm_memory_written,
				    .dirty_sync = vm_dirty_sync};
	int ret = a->vm_open(m, o, &m->vm, err, errlen);

	if (ret)
		return ret;
	m->vm->accel = a;
	m->vm->m = m;
	l.opaque = m->vm;
	l.tells = a->dirty_told;
	gm_bus_set_listener(m->mem, &l);
	a->memory_changed(m->vm);
	return 0;
}

int gm_accel_open(struct gm_machine *m, const char *name, const struct gm_accel_options *o,
		  char *err, size_t errlen)
{
	bool any = !strcmp(name, "auto");
	char why[160];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(accels); i++) {
		if (!any && strcmp(name, accels[i]->name))
			continue;
		why[0] = 0;
		/* A CPU model is the software CPU's to emulate. */
		if (any && o->cpu_model && accels[i] != &gm_accel_soft)
			continue;
		if (any && accels[i] == &gm_accel_kvm && !host_has_virt())
			continue;
		if (any && o->irqchip && accels[i] == &gm_accel_soft)
			continue;
		if (o->irqchip && accels[i] == &gm_accel_soft) {
			snprintf(err, errlen, "--irqchip kernel: not with --accel soft");
			return -EINVAL;
		}
		if (accels[i]->probe(why, sizeof(why)) == 0)
			return vm_open(accels[i], m, o, err, errlen);
		if (!any) {
			snprintf(err, errlen, "--accel %s: %s", name, why);
			return -ENODEV;
		}
	}
	if (any) {
		snprintf(err, errlen, "--irqchip kernel: neither guestmode nor kvm is there");
		return -ENODEV;
	}
	snprintf(err, errlen, "--accel %s: not known (auto, guestmode, kvm or soft)", name);
	return -EINVAL;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guest time behind the KVM ABI stands still while the machine is paused: the time-stamp counters
 * of all vCPUs go on from where they were, by the same distance, and so does the paravirtual clock.
 *
 * Source: Linux, Documentation/virt/kvm/api.rst (KVM_SET_CLOCK, KVM_KVMCLOCK_CTRL) and
 * devices/vcpu.rst (KVM_VCPU_TSC_CTRL). A kernel without the latter gets the counter's value by
 * its MSR: vCPUs that are set to one value shortly after another agree there (KVM does so).
 */
#include "vmm/accel/kvm.h"

#include <sys/ioctl.h>
#include <x86intrin.h>

#define MSR_TSC 0x10

static int tsc_msr(struct kvm_vcpu *k, unsigned long ioctl_nr, u64 *val)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} m = {.head.nmsrs = 1, .entry = {.index = MSR_TSC, .data = *val}};
	int n = ioctl(k->fd, ioctl_nr, &m);

	*val = m.entry.data;
	return n == 1 ? 0 : -1;
}

/* Moves a counter back; false when the kernel has no such attribute. */
static bool tsc_shift(struct kvm_vcpu *k, u64 ticks)
{
	u64 offset = 0;
	struct kvm_device_attr a = {.group = KVM_VCPU_TSC_CTRL, .attr = KVM_VCPU_TSC_OFFSET,
				    .addr = (u64)(uintptr_t)&offset};

	if (ioctl(k->fd, KVM_GET_DEVICE_ATTR, &a))
		return false;
	offset -= ticks;
	return !ioctl(k->fd, KVM_SET_DEVICE_ATTR, &a);
}

void kvm_pause(struct gm_vm *v, bool paused)
{
	struct kvm_vm *vm = container_of(v, struct kvm_vm, vm);
	struct gm_machine *m = v->m;
	u64 ticks;
	unsigned int i;

	if (paused) {
		vm->paused_at = __rdtsc();
		vm->tsc_valid = !tsc_msr(m->vcpus[0]->priv, KVM_GET_MSRS, &vm->tsc);
		vm->clock_valid = !ioctl(vm->vmfd, KVM_GET_CLOCK, &vm->clock);
		return;
	}
	ticks = __rdtsc() - vm->paused_at;
	for (i = 0; i < m->nvcpus; i++) {
		struct kvm_vcpu *k = m->vcpus[i]->priv;

		if (!tsc_shift(k, ticks) && vm->tsc_valid)
			tsc_msr(k, KVM_SET_MSRS, &vm->tsc);
		ioctl(k->fd, KVM_KVMCLOCK_CTRL, 0); /* refused by a guest without that clock */
	}
	vm->clock.flags = 0;
	if (vm->clock_valid)
		ioctl(vm->vmfd, KVM_SET_CLOCK, &vm->clock);
	vm->tsc_valid = vm->clock_valid = false;
}

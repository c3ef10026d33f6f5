// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel's interrupt controllers (PIC pair, I/O APIC, local APICs) in place of the VMM's own; the
 * timers besides the local APIC's stay the VMM's. Source: Linux, Documentation/virt/kvm/api.rst.
 * What they hold right after they were made is what a reset gives them back.
 */
#include "vmm/accel/kvm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#define NPINS 24

/* As on the board: ISA lines to both controllers, line 0 to pin 2 of the I/O APIC. */
static int routes_set(struct kvm_vm *vm)
{
	struct kvm_irq_routing *r;
	struct kvm_irq_routing_entry *e;
	unsigned int i;
	int err;

	r = calloc(1, sizeof(*r) + (16 + NPINS) * sizeof(r->entries[0]));
	if (!r)
		return -ENOMEM;
	for (i = 0; i < NPINS; i++) {
		if (i < 16) {
			e = &r->entries[r->nr++];
			e->gsi = i;
			e->type = KVM_IRQ_ROUTING_IRQCHIP;
			e->u.irqchip.irqchip = i < 8 ? KVM_IRQCHIP_PIC_MASTER : KVM_IRQCHIP_PIC_SLAVE;
			e->u.irqchip.pin = i & 7;
		}
		if (i == 2)
			continue;
		e = &r->entries[r->nr++];
		e->gsi = i;
		e->type = KVM_IRQ_ROUTING_IRQCHIP;
		e->u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC;
		e->u.irqchip.pin = i ? i : 2;
	}
	err = ioctl(vm->vmfd, KVM_SET_GSI_ROUTING, r) ? -errno : 0;
	free(r);
	return err;
}

int kvm_irqchip_open(struct kvm_vm *vm, char *err, size_t errlen)
{
	unsigned int i;
	int ret = 0;

	if (ioctl(vm->vmfd, KVM_CREATE_IRQCHIP, 0))
		ret = -errno;
	if (!ret)
		ret = routes_set(vm);
	for (i = 0; i < 3 && !ret; i++) {
		vm->chip_made[i].chip_id = i;
		if (ioctl(vm->vmfd, KVM_GET_IRQCHIP, &vm->chip_made[i]))
			ret = -errno;
	}
	if (ret)
		snprintf(err, errlen, "--irqchip kernel: the device has no interrupt controllers: %s",
			 strerror(-ret));
	vm->vm.irqchip = !ret;
	return ret;
}

int kvm_irqchip_vcpu_open(struct kvm_vcpu *k)
{
	return ioctl(k->fd, KVM_GET_LAPIC, &k->lapic_made) ? -errno : 0;
}

/* After the registers, IA32_APIC_BASE among them. */
int kvm_irqchip_reset(struct gm_vcpu *v)
{
	struct kvm_vcpu *k = v->priv;
	struct kvm_mp_state m = {v->index ? KVM_MP_STATE_UNINITIALIZED : KVM_MP_STATE_RUNNABLE};
	unsigned int i;

	for (i = 0; !v->index && i < 3; i++)
		if (ioctl(k->vm->vmfd, KVM_SET_IRQCHIP, &k->vm->chip_made[i]))
			return -errno;
	if (ioctl(k->fd, KVM_SET_LAPIC, &k->lapic_made) || ioctl(k->fd, KVM_SET_MP_STATE, &m))
		return -errno;
	return 0;
}

void kvm_irq_line(struct gm_vm *v, unsigned int line, int level)
{
	struct kvm_irq_level l = {.irq = line, .level = (u32)level};

	ioctl(container_of(v, struct kvm_vm, vm)->vmfd, KVM_IRQ_LINE, &l);
}

void kvm_msi(struct gm_vm *v, u64 addr, u32 data)
{
	struct kvm_msi msi = {.address_lo = (u32)addr, .address_hi = (u32)(addr >> 32), .data = data};

	ioctl(container_of(v, struct kvm_vm, vm)->vmfd, KVM_SIGNAL_MSI, &msi);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* The interrupt controllers of a VM: their making, their registers on the bus, their ioctls. */
#include "module/irq/irq.h"

int gm_irq_read(struct gm_vcpu *vcpu, int kind, u64 addr, unsigned int len, void *val)
{
	return -ENOENT;
}

int gm_irq_write(struct gm_vcpu *vcpu, int kind, u64 addr, unsigned int len, const void *val)
{
	return -ENOENT;
}

long gm_irq_ioctl(struct gm_vm *vm, unsigned int cmd, void __user *arg)
{
	return -ENOTTY;
}

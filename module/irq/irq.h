/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The interrupt controllers and timers of a VM, as the bus and the vCPUs see them. */
#ifndef GM_IRQ_H
#define GM_IRQ_H

#include "module/gm.h"

/* The controllers' registers. 0; -ENOENT: not theirs. */
int gm_irq_read(struct gm_vcpu *vcpu, int kind, u64 addr, unsigned int len, void *val);
int gm_irq_write(struct gm_vcpu *vcpu, int kind, u64 addr, unsigned int len, const void *val);
long gm_irq_ioctl(struct gm_vm *vm, unsigned int cmd, void __user *arg);

#endif

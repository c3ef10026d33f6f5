/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What soft.c (running) and soft_regs.c (registers) share. */
#ifndef VMM_ACCEL_SOFT_PRIV_H
#define VMM_ACCEL_SOFT_PRIV_H

#include "vmm/accel/accel.h"
#include "vmm/cpu/smp.h"
#include "vmm/cpu/sys.h"
#include "vmm/vcpu.h"

static inline struct cpu *soft_cpu(struct gm_vcpu *v)
{
	return v->priv;
}

int soft_regs_get(struct gm_vcpu *v, unsigned int groups, struct gm_regs *r);
int soft_regs_set(struct gm_vcpu *v, unsigned int groups, const struct gm_regs *r);

/* soft_debug.c */
int soft_debug_set(struct gm_vcpu *v, const struct gm_debug *d);
void soft_debug_exit(struct gm_vcpu *v, struct gm_exit *e);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vCPU threads: running, halting, pausing, resetting. */
#ifndef VMM_VCPU_H
#define VMM_VCPU_H

#include "vmm/accel/accel.h"

/* The vCPU whose thread this is; NULL in other threads. */
extern __thread struct gm_vcpu *gm_vcpu_current;

/* An interrupt may be pending for v: makes it look. Any thread. */
void gm_vcpu_interrupt(struct gm_vcpu *v);
void gm_vcpu_nmi(struct gm_vcpu *v);

/* Starts one thread per vCPU; -errno. */
int gm_vcpus_start(struct gm_machine *m);
/* Makes all vCPU threads leave guest code and waits until they stand still. Machine lock held on
 * entry and return, released while waiting. */
void gm_vcpus_pause(struct gm_machine *m);
void gm_vcpus_resume(struct gm_machine *m);
/* Ends and joins the threads. Machine lock not held. */
void gm_vcpus_stop(struct gm_machine *m);
/* Registers of a standing vCPU as text, for crash reports; returns length as snprintf. */
int gm_vcpu_dump(struct gm_vcpu *v, char *buf, size_t len);

#endif

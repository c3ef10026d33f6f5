/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vCPU threads: running, halting, pausing, resetting. */
#ifndef VMM_VCPU_H
#define VMM_VCPU_H

#include "vmm/accel/accel.h"

/* The vCPU whose thread this is; NULL in all other threads. */
extern __thread struct gm_vcpu *gm_vcpu_current;

/* Makes m->nvcpus vCPUs (the field is set by the caller) and opens them at the accelerator.
 * setup() fills in the interrupt controller's callbacks before. -errno. */
int gm_vcpus_create(struct gm_machine *m, void (*setup)(void *opaque, struct gm_vcpu *v),
		    void *opaque);

/* An interrupt (an NMI) may be pending for v: makes it look. Machine lock held. */
void gm_vcpu_interrupt(struct gm_vcpu *v);
void gm_vcpu_nmi(struct gm_vcpu *v);

/* Starts one thread per vCPU, standing until gm_vcpus_resume(); -errno. Machine lock held. */
int gm_vcpus_start(struct gm_machine *m);
/* Makes all vCPU threads leave guest code and waits until they stand still. Machine lock held on
 * entry and return, released while waiting. Not from a vCPU thread. */
void gm_vcpus_pause(struct gm_machine *m);
void gm_vcpus_resume(struct gm_machine *m);
/* In a vCPU's own thread: it runs nothing more until gm_vcpus_resume(). Machine lock held. */
void gm_vcpu_stand(struct gm_vcpu *v);
/* Ends and joins the threads. Machine lock not held. */
void gm_vcpus_stop(struct gm_machine *m);
/* Closes the stopped vCPUs, after the devices whose lines lead to them. */
void gm_vcpus_free(struct gm_machine *m);
/* Registers of a standing vCPU as text, for crash reports; returns length as snprintf. */
int gm_vcpu_dump(struct gm_vcpu *v, char *buf, size_t len);

#endif

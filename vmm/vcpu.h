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

/* INIT: resets v; all but the first vCPU then wait for a start-up message. That one makes a vCPU
 * that waits begin at vector << 12, in real mode; others ignore it. Any thread, machine lock held.
 * Intel SDM volume 3, section 8.4. */
void gm_vcpu_init(struct gm_vcpu *v);
void gm_vcpu_sipi(struct gm_vcpu *v, u8 vector);
/* Power-on state of all, which stand still: the first one will run, the others wait. */
void gm_vcpus_reset(struct gm_machine *m);
/* The accelerator's regs_get and regs_set and, in `evt`, what the vCPU waits for. v stands. */
int gm_vcpu_regs_get(struct gm_vcpu *v, unsigned int groups, struct gm_regs *r);
int gm_vcpu_regs_set(struct gm_vcpu *v, unsigned int groups, const struct gm_regs *r);

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

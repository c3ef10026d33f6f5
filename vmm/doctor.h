/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "vmm doctor": what this machine offers for running guests, and what to do about what it lacks. */
#ifndef VMM_DOCTOR_H
#define VMM_DOCTOR_H

/* Returns the exit status: 1 when a machine could not be run at all. */
int vmm_doctor(int argc, char **argv);

#endif

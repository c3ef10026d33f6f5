/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command "vmm run". */
#ifndef VMM_RUN_H
#define VMM_RUN_H

/* What the process ends with; vmm(1) documents them. */
enum {
	VMM_EXIT_OK = 0,      /* the guest powered off, or the user ended it */
	VMM_EXIT_HOST = 1,    /* the host failed */
	VMM_EXIT_USAGE = 2,   /* the command line or a file named there is wrong */
	VMM_EXIT_RESET = 3,   /* the guest reset itself, with --no-reboot */
	VMM_EXIT_CRASH = 4,   /* the guest crashed (triple fault), with --no-reboot */
	VMM_EXIT_SANDBOX = 5, /* the machine tried what its sandbox forbids */
};

/* argc, argv: what stands behind "run". Returns the exit status. */
int vmm_run(int argc, char **argv);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands of the command line that talk to a running machine. */
#ifndef VMM_CONTROL_CLIENT_H
#define VMM_CONTROL_CLIENT_H

#include "vmm/types.h"

/* "vmm list" */
int vmm_list(int argc, char **argv);
/* "vmm stat|stop|... NAME [WORD...]"; argv[0] is the command. Returns the exit status. */
int vmm_control(int argc, char **argv);
/* Is it the name of such a command? */
bool vmm_control_known(const char *name);
/* Their lines of "vmm help". */
void vmm_control_help(void);

#endif

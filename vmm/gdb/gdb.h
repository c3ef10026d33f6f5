/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The remote server for gdb: registers, memory, breakpoints, watchpoints, single steps, a thread for
 * each vCPU. See docs/control.md.
 */
#ifndef VMM_GDB_GDB_H
#define VMM_GDB_GDB_H

#include "vmm/machine.h"

struct gm_gdb;
struct gm_control;

/* spec: "[ADDRESS:]PORT" (localhost unless told) or "unix:PATH", then ",wait" (the machine starts
 * when gdb lets it) and ",arch=auto|i8086|i386|x86-64". control: whose commands "monitor" has; may
 * be NULL. Before the machine runs; machine lock held. 0, or -errno with one line in err. */
int gm_gdb_start(struct gm_machine *m, const char *spec, struct gm_control *control,
		 struct gm_gdb **out, char *err, size_t errlen);
/* The port that it listens on, 0 for a UNIX socket. */
unsigned int gm_gdb_port(const struct gm_gdb *g);
/* Machine lock held. */
void gm_gdb_stop(struct gm_gdb *g);

#endif

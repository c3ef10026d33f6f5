/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --trace: a line for each event of the chosen kinds. A kind that is off costs one test of a bit in
 * the machine, and none at all on the buses, which know only whether they are traced.
 */
#ifndef VMM_TRACE_H
#define VMM_TRACE_H

#include "vmm/machine.h"

#define GM_TRACE_EXIT  1u  /* why a vCPU left guest code */
#define GM_TRACE_IO    2u  /* port reads and writes */
#define GM_TRACE_MMIO  4u  /* register reads and writes in memory space */
#define GM_TRACE_IRQ   8u  /* interrupt lines of the board */
#define GM_TRACE_BLOCK 16u /* disk requests */
#define GM_TRACE_STATE 32u /* pause, resume, reset, end */

struct gm_trace;

static inline bool gm_trace_on(const struct gm_machine *m, unsigned int kind)
{
	return __builtin_expect(m->trace_mask & kind, 0);
}

/* One line, without newline; only when gm_trace_on(). Any thread. */
void gm_trace_put(struct gm_machine *m, unsigned int kind, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Is `spec` ("io,irq,block[=FILE]", "all") one? For the configuration. */
bool gm_trace_check(const char *spec);
/* Starts; the lines go to FILE or to standard error. 0, or -errno with one line in err. */
int gm_trace_start(struct gm_machine *m, const char *spec, char *err, size_t errlen);
/* After the vCPUs have ended. */
void gm_trace_stop(struct gm_machine *m);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What trace.c (writing lines) and trace_setup.c share. */
#ifndef VMM_TRACE_INT_H
#define VMM_TRACE_INT_H

#include <stdio.h>
#include "vmm/trace.h"

#define GM_TRACE_NKINDS 7u

struct gm_trace {
	FILE *f;
	struct gm_state_listener listener;
};

struct gm_trace_kind {
	const char *name;
	unsigned int kind;
};

extern const struct gm_trace_kind gm_trace_kinds[GM_TRACE_NKINDS];

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
/* Traces: which kinds there are, and writing their lines. */
#include "vmm/trace_int.h"

#include <stdarg.h>
#include "vmm/clock.h"
#include "vmm/vcpu.h"

const struct gm_trace_kind gm_trace_kinds[GM_TRACE_NKINDS] = {
	{"exit", GM_TRACE_EXIT}, {"io", GM_TRACE_IO},       {"mmio", GM_TRACE_MMIO},
	{"irq", GM_TRACE_IRQ},   {"block", GM_TRACE_BLOCK}, {"state", GM_TRACE_STATE},
	{"all", ~0u},
};

static const char *kind_name(unsigned int kind)
{
	size_t i;

	for (i = 0; i < GM_TRACE_NKINDS; i++)
		if (gm_trace_kinds[i].kind == kind)
			return gm_trace_kinds[i].name;
	return "?";
}

/* The line goes out in one piece, so that threads do not mix theirs. */
void gm_trace_put(struct gm_machine *m, unsigned int kind, const char *fmt, ...)
{
	u64 now = gm_clock_now(m->clock);
	char who[16] = "-", text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (gm_vcpu_current)
		snprintf(who, sizeof(who), "cpu%u", gm_vcpu_current->index);
	fprintf(m->trace->f, "%llu.%09llu %s %s %s\n", (unsigned long long)(now / NSEC_PER_SEC),
		(unsigned long long)(now % NSEC_PER_SEC), who, kind_name(kind), text);
}

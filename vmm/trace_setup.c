// SPDX-License-Identifier: GPL-2.0-or-later
/* Starting and ending traces: the option, the file, the listeners. */
#include "vmm/trace_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "vmm/bus.h"

static void state_changed(void *opaque, struct gm_machine *m)
{
	static const char *const names[] = {"running", "paused", "ended"};

	if (gm_trace_on(m, GM_TRACE_STATE))
		gm_trace_put(m, GM_TRACE_STATE, "%s, %u resets", names[m->state], m->resets);
}

static bool mask_parse(const char *spec, unsigned int *mask, const char **file)
{
	const char *p = spec;
	size_t n, i;

	*mask = 0;
	*file = NULL;
	for (;;) {
		n = strcspn(p, ",=");
		for (i = 0; i < GM_TRACE_NKINDS; i++)
			if (strlen(gm_trace_kinds[i].name) == n && !strncmp(gm_trace_kinds[i].name, p, n))
				break;
		if (i == GM_TRACE_NKINDS)
			return false;
		*mask |= gm_trace_kinds[i].kind;
		p += n;
		if (*p != ',')
			break;
		p++;
	}
	*file = *p ? p + 1 : NULL;
	return !*p || p[1];
}

bool gm_trace_check(const char *spec)
{
	unsigned int mask;
	const char *file;

	return mask_parse(spec, &mask, &file);
}

int gm_trace_start(struct gm_machine *m, const char *spec, char *err, size_t errlen)
{
	struct gm_trace *t = calloc(1, sizeof(*t));
	unsigned int mask;
	const char *file;
	int ret = -ENOMEM;

	if (!t || !mask_parse(spec, &mask, &file)) {
		snprintf(err, errlen, "--trace: '%s' cannot be traced", spec);
		free(t);
		return t ? -EINVAL : ret;
	}
	t->f = file ? fopen(file, "we") : stderr;
	if (!t->f) {
		ret = -errno;
		snprintf(err, errlen, "--trace: %s: %s", file, strerror(errno));
		free(t);
		return ret;
	}
	/* By lines: what leads to the end of a process is there to be read. */
	setvbuf(t->f, NULL, _IOLBF, 4096);
	m->trace = t;
	m->trace_mask = mask;
	t->listener = (struct gm_state_listener){.fn = state_changed};
	gm_machine_listen(m, &t->listener);
	gm_bus_set_trace(m->pio, mask & GM_TRACE_IO ? m : NULL);
	gm_bus_set_trace(m->mem, mask & GM_TRACE_MMIO ? m : NULL);
	return 0;
}

void gm_trace_stop(struct gm_machine *m)
{
	if (!m->trace)
		return;
	gm_bus_set_trace(m->pio, NULL);
	gm_bus_set_trace(m->mem, NULL);
	gm_machine_unlisten(m, &m->trace->listener);
	m->trace_mask = 0;
	if (m->trace->f != stderr)
		fclose(m->trace->f);
	free(m->trace);
	m->trace = NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the slow handler of an operation in the tables of the sys_*.c files. */
#include "vmm/cpu/sys.h"

cpu_sys_fn cpu_sys_find(unsigned int op)
{
	static const struct cpu_sys_table *const tables[] = {
		&cpu_sys_regs,
		&cpu_sys_flow,
		&cpu_sys_misc,
	};
	unsigned int t, n;

	/* Asked once for each instruction that is translated, so a search will do. */
	for (t = 0; t < ARRAY_SIZE(tables); t++)
		for (n = 0; n < tables[t]->n; n++)
			if (tables[t]->e[n].op == op)
				return tables[t]->e[n].fn;
	return NULL;
}

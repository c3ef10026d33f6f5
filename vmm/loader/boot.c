/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Booting a kernel given by the user: see boot.h. */
#include "vmm/loader/boot.h"

#include <errno.h>
#include <stdio.h>

bool gm_boot_entry_parse(const char *name, enum gm_boot_entry *out)
{
	static const char *const names[] = {"auto", "16", "32", "64", "multiboot", "pvh"};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(name, names[i]))
			continue;
		*out = (enum gm_boot_entry)i;
		return true;
	}
	return false;
}

int gm_boot_setup(struct gm_machine *m, struct gm_dev *fw_cfg, const struct gm_boot_cfg *cfg,
		  char *err, size_t errlen)
{
	snprintf(err, errlen, "%s: booting a kernel file is not supported", cfg->kernel);
	return -ENOTSUP;
}

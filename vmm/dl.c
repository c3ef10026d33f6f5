// SPDX-License-Identifier: GPL-2.0-or-later
/* Loads shared libraries when they are asked for: dlopen(3). */
#include "vmm/dl.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What a library leaves running or registered must not go away with it: it stays mapped. */
int gm_dl_open(const char *soname, const char *package, const struct gm_dl_sym *syms, size_t n,
	       void *api, void **dl, char *err, size_t errlen)
{
	size_t i;

	*dl = dlopen(soname, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (!*dl) {
		snprintf(err, errlen, "%s cannot be loaded: install the package '%s'", soname,
			 package);
		return -ENOENT;
	}
	for (i = 0; i < n; i++) {
		void *fn = dlsym(*dl, syms[i].name);

		if (!fn) {
			snprintf(err, errlen, "%s has no %s: it is too old", soname, syms[i].name);
			gm_dl_close(*dl);
			*dl = NULL;
			return -ENOENT;
		}
		memcpy((char *)api + syms[i].offset, &fn, sizeof(fn));
	}
	return 0;
}

void gm_dl_close(void *dl)
{
	if (dl)
		dlclose(dl);
}

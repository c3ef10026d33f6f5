// SPDX-License-Identifier: GPL-2.0-or-later
/* What vmm says of VNC when it was built without libvncserver. */
#ifndef HAVE_LIBVNCSERVER
#include "vmm/ui/vnc.h"

#include <errno.h>
#include <stdio.h>

#define WHY "this vmm was built without libvncserver (package 'libvncserver-dev')"

bool gm_vnc_address_check(const char *address)
{
	return true;
}

int gm_vnc_start(struct gm_machine *m, const struct gm_vnc_cfg *cfg, struct gm_vnc **out, char *err,
		 size_t errlen)
{
	snprintf(err, errlen, WHY);
	return -ENOSYS;
}

void gm_vnc_stop(struct gm_vnc *v)
{
}

bool gm_vnc_available(char *why, size_t len)
{
	snprintf(why, len, WHY);
	return false;
}
#endif

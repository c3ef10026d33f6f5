/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's screen, keyboard and pointer for VNC clients (RFC 6143), by libvncserver.
 * Sockets and password are opened in gm_vnc_start(); afterwards only threads are made.
 */
#ifndef VMM_VNC_H
#define VMM_VNC_H

#include "vmm/types.h"

struct gm_feed;
struct gm_machine;
struct gm_view;
struct gm_vnc;

struct gm_vnc_cfg {
	const char *name;          /* what clients show as title */
	const char *address;       /* see gm_vnc_address_check(); NULL: the first free display */
	const char *password_file; /* its first line; NULL: no password */
	struct gm_view *view;
	struct gm_feed *feed;
};

/* "[HOST]:DISPLAY" (TCP port 5900 + DISPLAY; no HOST: this host only), "unix:PATH". */
bool gm_vnc_address_check(const char *address);
/* Starts to listen. 0, or -errno with one line in err. Machine lock held. */
int gm_vnc_start(struct gm_machine *m, const struct gm_vnc_cfg *cfg, struct gm_vnc **out, char *err,
		 size_t errlen);
/* Disconnects everybody and frees v. Machine lock not held; NULL is fine. */
void gm_vnc_stop(struct gm_vnc *v);
/* Whether this vmm was built with libvncserver and the library can be loaded; else why not. */
bool gm_vnc_available(char *why, size_t len);

#endif

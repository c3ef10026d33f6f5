/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the VNC server share.
 *
 * Each client is served by a thread and an rfbScreenInfo of its own: libvncserver reads and writes
 * its messages with blocking calls, so that a client which is slow or stops in the middle of a
 * message holds up itself alone. Nothing that libvncserver keeps is seen by two threads, but for
 * its list of extensions and of security types, which do not change after gm_vnc_start(), and the
 * lock of its lists of clients. rfbGetScreen() sets that lock up anew each time, also while another
 * client's thread has it: hence all screens are made before there are threads, and used again.
 */
#ifndef VMM_VNC_INT_H
#define VMM_VNC_INT_H

#include <pthread.h>
#include <rfb/rfb.h>
#undef max
#include "vmm/dl.h"
#include "vmm/ui/keymap.h"
#include "vmm/ui/view.h"
#include "vmm/ui/vnc.h"

#define VNC_CLIENTS_MAX 8u
#define VNC_LISTEN_MAX  4u
#define VNC_PASSWORD    8 /* characters that the protocol's authentication uses */

#define VNC_LIBRARY(F)                                                                             \
	F(rfbGetScreen) F(rfbNewClient) F(rfbProcessEvents) F(rfbScreenCleanup)                    \
	F(rfbNewFramebuffer) F(rfbMarkRectAsModified) F(rfbLogEnable) F(rfbCheckPasswordByList)    \
	F(rfbRegisterProtocolExtension) F(rfbUnregisterProtocolExtension) F(rfbWriteExact)         \
	F(rfbReadExact) F(rfbCloseClient)

struct vnc_api {
	VNC_LIBRARY(GM_DL_MEMBER)
};

struct gm_vnc {
	struct gm_machine *m;
	struct gm_view *view;
	struct gm_feed *feed;
	struct vnc_api api;
	void *dl;
	char *name, *path; /* path of a Unix socket, removed at the end */
	char password[VNC_PASSWORD + 1], *passwords[2]; /* [0] is NULL for none */
	int listen[VNC_LISTEN_MAX];
	unsigned int nlisten;
	/* below: lock */
	pthread_mutex_t lock;
	rfbScreenInfoPtr screens[VNC_CLIENTS_MAX]; /* that no client has */
	unsigned int nscreens;
	pthread_cond_t gone;
	struct vnc_client *clients;
	unsigned int nclients;
	bool stopping;
};

struct vnc_client {
	struct gm_vnc *v;
	int fd;             /* the library's, which closes it */
	int own_fd, wake_fd; /* the same socket, for waiting and shutting down; an eventfd */
	struct gm_view_port port;
	rfbScreenInfoPtr screen;
	rfbClientPtr cl;    /* NULL when the library has let go of it */
	u32 *pixels;        /* the library's frame buffer: red in the lowest byte */
	unsigned int width, height;
	struct gm_keys_held held; /* machine lock */
	unsigned int buttons;
	bool key_numbers;   /* asked for key numbers, and was not told yet that they are understood */
	bool tell_size; /* the picture has a size that the client may not know */
	struct vnc_client *next;
};

/* vnc_client.c: loads the library; warms up what it sets up on first use. */
int vnc_library_open(struct gm_vnc *v, char *err, size_t errlen);
void vnc_library_close(struct gm_vnc *v);
/* Serves a client until it has gone; closes its descriptors and frees c. */
void vnc_client_serve(struct vnc_client *c);
/* Takes over fd, a connected socket. NULL when out of memory or descriptors (fd is closed). */
struct vnc_client *vnc_client_new(struct gm_vnc *v, int fd);

#endif

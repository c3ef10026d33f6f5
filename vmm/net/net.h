/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Network back ends: what the guest's network cards are plugged into. A card and a back end are
 * joined by a port (struct gm_net): frames go both ways through it, the capture file sees both.
 * A back end never knows a register, a card never knows a socket.
 *
 * A frame is an Ethernet frame from the destination address to the last byte of data, without
 * preamble and frame check sequence. Machine lock held in everything here.
 */
#ifndef VMM_NET_H
#define VMM_NET_H

#include <sys/uio.h>
#include "vmm/types.h"

#define GM_NET_FRAME_MIN 14    /* a header */
#define GM_NET_FRAME_MAX 16384 /* the largest jumbo frame that a card knows */

struct gm_machine;
struct gm_net;

/* The card's side of a port. */
struct gm_net_client {
	/* Takes a frame, in the I/O loop's thread. False: no room now; the frame waits in the port
	 * until gm_net_ready(). */
	bool (*receive)(void *opaque, const u8 *frame, size_t len);
	/* optional: the cable was plugged in or pulled out */
	void (*link_changed)(void *opaque, bool up);
	void *opaque;
};

enum gm_net_kind { GM_NET_NONE, GM_NET_USER, GM_NET_TAP, GM_NET_PAIR };

#define GM_NET_FORWARDS 16

struct gm_net_options {
	enum gm_net_kind kind;
	const char *id;      /* "net0": in messages */
	const char *capture; /* pcap file, or NULL */
	/* user */
	const char *forwards[GM_NET_FORWARDS]; /* "tcp:[ADDRESS:]2222:[ADDRESS:]22" */
	unsigned int nforwards;
	const char *tftp;     /* folder that the TFTP server shows, or NULL */
	const char *bootfile; /* DHCP's boot file name, or NULL */
	bool restrict_host;   /* the guest reaches neither the host nor the world */
	/* tap */
	const char *ifname;   /* "tap0" */
	const char *script;   /* run as "SCRIPT up IFNAME" once the interface is there, or NULL */
	/* pair */
	const char *path;     /* UNIX socket: the first machine listens, the second connects */
	int fd;               /* or a connected SOCK_SEQPACKET or SOCK_DGRAM socket; -1: none */
};

struct gm_net_stats {
	u64 rx_frames, rx_bytes; /* towards the guest */
	u64 tx_frames, tx_bytes;
	u64 rx_dropped, tx_dropped;
};

/* NULL with a one-line message in err that says what to do. */
struct gm_net *gm_net_open(struct gm_machine *m, const struct gm_net_options *o, char *err,
			   size_t errlen);
void gm_net_close(struct gm_net *n);
void gm_net_set_client(struct gm_net *n, const struct gm_net_client *client);
/* A frame from the card. Never blocks: what the other side does not take is queued (bounded) or
 * lost, as on a wire. Frames shorter than a header or longer than GM_NET_FRAME_MAX are lost. n may
 * be NULL (no cable). */
void gm_net_send(struct gm_net *n, const u8 *frame, size_t len);
/* The card has room again: frames that wait are given to it soon, from the I/O loop. */
void gm_net_ready(struct gm_net *n);
/* False while the other side is away (no peer, the tap vanished) and when n is NULL. */
bool gm_net_link(const struct gm_net *n);
const struct gm_net_stats *gm_net_stats(const struct gm_net *n);
/* "user", "tap tap0": for people. */
const char *gm_net_describe(const struct gm_net *n);

/* Once every port is open: gives up the privilege (CAP_NET_ADMIN) that only opening a tap may
 * need. -errno. */
int gm_net_drop_privileges(void);

/* Whether a --net forward=... can be understood; used by the configuration. */
bool gm_net_forward_valid(const char *text);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the back ends (user.c, tap.c, pair.c) share with net.c and pcap.c. Cards do not include
 * this. */
#ifndef VMM_NET_INT_H
#define VMM_NET_INT_H

#include "vmm/clock.h"
#include "vmm/loop.h"
#include "vmm/machine.h"
#include "vmm/net/net.h"

#define NET_QUEUE_FRAMES 1024u
#define NET_QUEUE_BYTES  (4u * 1024 * 1024)
/* Frames read from a descriptor in one round of the loop, so that others get their turn. */
#define NET_ROUND        64

struct net_frame {
	struct net_frame *next;
	size_t len;
	u8 data[];
};

/* Frames that wait, first in, first out, bounded in number and bytes. */
struct net_queue {
	struct net_frame *head, **tail;
	unsigned int frames;
	size_t bytes;
};

void net_queue_init(struct net_queue *q);
/* Copies the frame; false when the queue is full or memory is short. */
bool net_queue_put(struct net_queue *q, const u8 *frame, size_t len);
void net_queue_drop(struct net_queue *q);
void net_queue_clear(struct net_queue *q);

struct net_kind {
	const char *name;
	int (*open)(struct gm_net *n, const struct gm_net_options *o, char *err, size_t errlen);
	void (*close)(struct gm_net *n);
	void (*send)(struct gm_net *n, const u8 *frame, size_t len);
	/* optional: the card took all that waited; reading may go on */
	void (*ready)(struct gm_net *n);
};

struct net_pcap;

struct gm_net {
	struct gm_machine *m;
	const struct net_kind *kind;
	void *priv; /* the kind's */
	char *id;
	char about[160];
	struct gm_net_client client;
	bool has_client, link;
	bool sending;             /* inside the kind's send(): what arrives now waits */
	struct net_queue rx;      /* for the card */
	struct gm_timer deliver;  /* gives the card what waits, from the I/O loop */
	struct gm_net_stats stats;
	struct net_pcap *pcap;
};

extern const struct net_kind net_kind_user, net_kind_tap, net_kind_pair;

/* A frame for the card. False when it had no room and the frame waits: a kind that can stop its
 * source does so until ready(). */
bool net_deliver(struct gm_net *n, const u8 *frame, size_t len);
bool net_waiting(const struct gm_net *n);
void net_link_set(struct gm_net *n, bool up);

/* pcap.c: a capture file (libpcap's classic format, nanoseconds). */
struct net_pcap *net_pcap_open(const char *path, char *err, size_t errlen);
void net_pcap_close(struct net_pcap *p);
/* -errno when the file cannot be written: the caller ends the capture. */
int net_pcap_write(struct net_pcap *p, const u8 *frame, size_t len);

#endif

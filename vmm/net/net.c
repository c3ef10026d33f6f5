// SPDX-License-Identifier: GPL-2.0-or-later
/* The port between a network card and its back end; see net.h. */
#include <cap-ng.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "vmm/net/net_int.h"

static const struct net_kind net_kind_none;

static const struct net_kind *const net_kinds[] = {
	[GM_NET_NONE] = &net_kind_none,
	[GM_NET_USER] = &net_kind_user,
	[GM_NET_TAP] = &net_kind_tap,
	[GM_NET_PAIR] = &net_kind_pair,
};

/* ---- queues ---- */

void net_queue_init(struct net_queue *q)
{
	*q = (struct net_queue){.tail = &q->head};
}

bool net_queue_put(struct net_queue *q, const u8 *frame, size_t len)
{
	struct net_frame *f;

	if (q->frames >= NET_QUEUE_FRAMES || q->bytes + len > NET_QUEUE_BYTES)
		return false;
	f = malloc(sizeof(*f) + len);
	if (!f)
		return false;
	f->next = NULL;
	f->len = len;
	memcpy(f->data, frame, len);
	*q->tail = f;
	q->tail = &f->next;
	q->frames++;
	q->bytes += len;
	return true;
}

void net_queue_drop(struct net_queue *q)
{
	struct net_frame *f = q->head;

	if (!f)
		return;
	q->head = f->next;
	if (!q->head)
		q->tail = &q->head;
	q->frames--;
	q->bytes -= f->len;
	free(f);
}

void net_queue_clear(struct net_queue *q)
{
	while (q->head)
		net_queue_drop(q);
}

/* ---- towards the card ---- */

static void net_capture(struct gm_net *n, const u8 *frame, size_t len)
{
	int err = n->pcap ? net_pcap_write(n->pcap, frame, len) : 0;

	if (!err)
		return;
	gm_machine_warn(n->m, "%s: the capture ends here: %s", n->id, strerror(-err));
	net_pcap_close(n->pcap);
	n->pcap = NULL;
}

bool net_waiting(const struct gm_net *n)
{
	return n->rx.head;
}

static bool net_give(struct gm_net *n, const u8 *frame, size_t len)
{
	if (!n->has_client || n->m->state == GM_STATE_PAUSED)
		return false;
	if (!n->client.receive(n->client.opaque, frame, len))
		return false;
	n->stats.rx_frames++;
	n->stats.rx_bytes += len;
	return true;
}

bool net_deliver(struct gm_net *n, const u8 *frame, size_t len)
{
	if (len < GM_NET_FRAME_MIN || len > GM_NET_FRAME_MAX) {
		n->stats.rx_dropped++;
		return true;
	}
	net_capture(n, frame, len);
	if (!n->sending && !n->rx.head && net_give(n, frame, len))
		return true;
	if (!net_queue_put(&n->rx, frame, len))
		n->stats.rx_dropped++;
	/* A card in the middle of sending gets its answers when it is done. */
	if (n->sending && !gm_timer_active(&n->deliver))
		gm_timer_set(&n->deliver, gm_clock_now(n->m->clock));
	return false;
}

static void net_deliver_waiting(void *opaque)
{
	struct gm_net *n = opaque;

	while (n->rx.head && net_give(n, n->rx.head->data, n->rx.head->len))
		net_queue_drop(&n->rx);
	if (!n->rx.head && n->kind->ready)
		n->kind->ready(n);
}

void gm_net_ready(struct gm_net *n)
{
	if (n && n->rx.head && !gm_timer_active(&n->deliver))
		gm_timer_set(&n->deliver, gm_clock_now(n->m->clock));
}

void net_link_set(struct gm_net *n, bool up)
{
	if (n->link == up)
		return;
	n->link = up;
	if (n->has_client && n->client.link_changed)
		n->client.link_changed(n->client.opaque, up);
}

/* ---- from the card ---- */

void gm_net_send(struct gm_net *n, const u8 *frame, size_t len)
{
	if (!n)
		return;
	if (!n->link || len < GM_NET_FRAME_MIN || len > GM_NET_FRAME_MAX) {
		n->stats.tx_dropped++;
		return;
	}
	net_capture(n, frame, len);
	n->stats.tx_frames++;
	n->stats.tx_bytes += len;
	n->sending = true;
	n->kind->send(n, frame, len);
	n->sending = false;
}

/* ---- the port ---- */

struct gm_net *gm_net_open(struct gm_machine *m, const struct gm_net_options *o, char *err,
			   size_t errlen)
{
	struct gm_net *n = calloc(1, sizeof(*n));

	snprintf(err, errlen, "out of memory");
	if (!n)
		return NULL;
	n->m = m;
	n->kind = net_kinds[o->kind];
	n->id = strdup(o->id);
	n->link = true;
	net_queue_init(&n->rx);
	gm_timer_init(&n->deliver, m->clock, net_deliver_waiting, n);
	snprintf(n->about, sizeof(n->about), "%s", n->kind->name);
	if (!n->id)
		goto fail;
	if (o->capture) {
		n->pcap = net_pcap_open(o->capture, err, errlen);
		if (!n->pcap)
			goto fail;
	}
	if (n->kind->open(n, o, err, errlen))
		goto fail;
	return n;
fail:
	net_pcap_close(n->pcap);
	free(n->id);
	free(n);
	return NULL;
}

void gm_net_close(struct gm_net *n)
{
	if (!n)
		return;
	n->has_client = false;
	n->kind->close(n);
	gm_timer_cancel(&n->deliver);
	net_queue_clear(&n->rx);
	net_pcap_close(n->pcap);
	free(n->id);
	free(n);
}

void gm_net_set_client(struct gm_net *n, const struct gm_net_client *client)
{
	if (!n)
		return;
	n->client = *client;
	n->has_client = true;
	gm_net_ready(n);
}

bool gm_net_link(const struct gm_net *n)
{
	return n && n->link;
}

const struct gm_net_stats *gm_net_stats(const struct gm_net *n)
{
	return &n->stats;
}

const char *gm_net_describe(const struct gm_net *n)
{
	return n->about;
}

int gm_net_drop_privileges(void)
{
	if (capng_get_caps_process())
		return -EIO;
	if (!capng_have_capability(CAPNG_PERMITTED, CAP_NET_ADMIN))
		return 0;
	if (capng_update(CAPNG_DROP, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_INHERITABLE,
			 CAP_NET_ADMIN) ||
	    capng_apply(CAPNG_SELECT_CAPS))
		return -EPERM;
	return 0;
}

/* ---- a card without a cable ---- */

static int none_open(struct gm_net *n, const struct gm_net_options *o, char *err, size_t errlen)
{
	n->link = false;
	return 0;
}

static void none_close(struct gm_net *n)
{
}

static void none_send(struct gm_net *n, const u8 *frame, size_t len)
{
}

static const struct net_kind net_kind_none = {
	.name = "none",
	.open = none_open,
	.close = none_close,
	.send = none_send,
};

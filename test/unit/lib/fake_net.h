/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A network port that records what the card sends; takes the place of vmm/net/net.c. */
#ifndef TEST_FAKE_NET_H
#define TEST_FAKE_NET_H

#include "test/unit/lib/run.h"
#include "vmm/net/net.h"

#define FAKE_NET_FRAMES 64

struct gm_net {
	struct gm_net_client client;
	bool down;
	unsigned int ready, nsent;
	struct {
		size_t len;
		u8 data[GM_NET_FRAME_MAX];
	} sent[FAKE_NET_FRAMES];
};

void gm_net_set_client(struct gm_net *n, const struct gm_net_client *client)
{
	if (n)
		n->client = *client;
}

void gm_net_send(struct gm_net *n, const u8 *frame, size_t len)
{
	if (!n || n->down)
		return;
	ck_assert_uint_le(len, GM_NET_FRAME_MAX);
	if (n->nsent < FAKE_NET_FRAMES) {
		n->sent[n->nsent].len = len;
		memcpy(n->sent[n->nsent].data, frame, len);
	}
	n->nsent++;
}

void gm_net_ready(struct gm_net *n)
{
	if (n)
		n->ready++;
}

bool gm_net_link(const struct gm_net *n)
{
	return n && !n->down;
}

static inline bool fake_net_give(struct gm_net *n, const u8 *frame, size_t len)
{
	return n->client.receive(n->client.opaque, frame, len);
}

/* An Ethernet frame of len bytes: to, from 02:..:02, IPv4 type, then 0, 1, 2 ... */
static inline void fake_frame(u8 *p, size_t len, const u8 to[6])
{
	static const u8 from[6] = {2, 0, 0, 0, 0, 2};

	memcpy(p, to, 6);
	memcpy(p + 6, from, 6);
	p[12] = 0x08;
	p[13] = 0x00;
	for (size_t i = 14; i < len; i++)
		p[i] = (u8)(i - 14);
}

/* Headers of TCP over IPv4 at frame: ports 1 and 2, sequence number 1000, n bytes of payload.
 * 54 bytes, checksums left 0. */
static inline void fake_tcp(u8 *p, const u8 to[6], size_t n)
{
	fake_frame(p, 14, to);
	memset(p + 14, 0, 40);
	p[14] = 0x45;
	p[16] = (u8)((40 + n) >> 8);
	p[17] = (u8)(40 + n);
	p[22] = 64;
	p[23] = 6;
	memcpy(p + 26, (u8[]){10, 0, 2, 15, 10, 0, 2, 2}, 8);
	p[35] = 1;
	p[37] = 2;
	p[40] = 1000 >> 8;
	p[41] = 1000 & 255;
	p[46] = 0x50;
	p[47] = 0x19; /* FIN, PSH, ACK */
	for (size_t i = 0; i < n; i++)
		p[54 + i] = (u8)i;
}

#endif

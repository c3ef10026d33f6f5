/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What network cards do for their drivers: Internet checksums, segmentation of large TCP packets,
 * VLAN tags, address filters. Works on whole frames; lengths and offsets come from guests.
 * Sources: RFC 1071 (checksum), RFC 791, 793, 768, 8200; IEEE 802.1Q; IEEE 802.3 (CRC-32).
 */
#ifndef GM_NET_OFFLOAD_H
#define GM_NET_OFFLOAD_H

#include "vmm/net/net.h"

#define NET_TX_MAX (65536 + 512) /* a packet before segmentation, at most */
#define NET_VLAN_TYPE 0x8100

/* The Internet checksum of len bytes, as it is stored big-endian (not complemented: a sum). */
u16 net_sum(const u8 *p, size_t len, u32 start);
/* Stores the complement of the sum over [from, to) at `at`; to is cut to len. Nothing is done when
 * the field does not lie within the frame. */
void net_csum_store(u8 *frame, size_t len, size_t from, size_t at, size_t to);

/* A packet to be cut into segments of mss bytes of payload behind hdr bytes of headers. */
struct net_tso {
	size_t l3, l4, hdr;  /* offsets of the IP and TCP headers, length of all headers */
	unsigned int mss;
};

/* Sends the frame in segments, each with its own lengths, sequence number and checksums. False
 * when the headers do not fit together: nothing is sent. */
bool net_tso_send(struct gm_net *n, const u8 *frame, size_t len, const struct net_tso *t);

/* What is known of a received frame's checksums. */
#define NET_IP_CHECKED 1
#define NET_IP_GOOD    2
#define NET_L4_CHECKED 4
#define NET_L4_GOOD    8
#define NET_L4_UDP     16
unsigned int net_csum_check(const u8 *frame, size_t len);

/* Puts a VLAN tag behind the addresses; frame has room for 4 more bytes. */
void net_vlan_insert(u8 *frame, size_t *len, u16 tag);

static inline bool net_is_broadcast(const u8 *mac)
{
	static const u8 all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

	return !memcmp(mac, all, 6);
}

static inline u16 net_get16(const u8 *p)
{
	return (u16)(p[0] << 8 | p[1]);
}

static inline void net_put16(u8 *p, u16 v)
{
	p[0] = (u8)(v >> 8);
	p[1] = (u8)v;
}

/* The upper six bits of the Ethernet CRC of an address: the multicast hash of NS8390 and
 * RTL8139. */
unsigned int net_mac_hash(const u8 *mac);
/* The Ethernet CRC-32 of a frame, as it follows it on the wire (little-endian). */
u32 net_crc32(const u8 *p, size_t len);

#endif

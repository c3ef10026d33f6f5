// SPDX-License-Identifier: GPL-2.0-or-later
/* Checksums, segmentation, VLAN tags; see offload.h. */
#include "devices/net/offload.h"

#include <zlib.h>

#define ETH_HDR   14
#define TYPE_IPV4 0x0800
#define TYPE_IPV6 0x86dd
#define PROTO_TCP 6
#define PROTO_UDP 17
#define TCP_FIN   0x01
#define TCP_PSH   0x08
#define TCP_CWR   0x80

u16 net_sum(const u8 *p, size_t len, u32 start)
{
	u64 sum = start;

	for (; len >= 2; p += 2, len -= 2)
		sum += net_get16(p);
	if (len)
		sum += (u32)p[0] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (u16)sum;
}

void net_csum_store(u8 *frame, size_t len, size_t from, size_t at, size_t to)
{
	to = MIN(to, len);
	if (from >= to || at + 2 > len)
		return;
	net_put16(frame + at, (u16)~net_sum(frame + from, to - from, 0));
}

/* ---- segmentation ---- */

/* The sum over the pseudo header of n bytes of TCP or UDP (RFC 793, RFC 8200 8.1). */
static u32 pseudo_sum(const u8 *ip, u8 proto, size_t n)
{
	u32 start = proto + (u32)(n >> 16) + (u32)(n & 0xffff);

	return ip[0] >> 4 == 6 ? net_sum(ip + 8, 32, start) : net_sum(ip + 12, 8, start);
}

static void segment_ip(u8 *ip, size_t l4, size_t n, unsigned int index)
{
	if (ip[0] >> 4 == 6) {
		net_put16(ip + 4, (u16)(l4 + n - 40));
		return;
	}
	net_put16(ip + 2, (u16)(l4 + n));
	net_put16(ip + 4, (u16)(net_get16(ip + 4) + index));
	net_put16(ip + 10, 0);
	net_put16(ip + 10, (u16)~net_sum(ip, MIN(l4, (size_t)(ip[0] & 15) * 4), 0));
}

/* One segment: seg holds headers and n - (hdr - l4) bytes of payload; done bytes went before. */
static void segment_finish(u8 *seg, const struct net_tso *t, size_t len, u32 done,
			   unsigned int index, bool last)
{
	u8 *ip = seg + t->l3, *l4 = seg + t->l4;
	size_t n = len - t->l4;
	bool udp = (ip[0] >> 4 == 6 ? ip[6] : ip[9]) == PROTO_UDP;
	u32 seq;

	segment_ip(ip, t->l4 - t->l3, n, index);
	if (udp) {
		net_put16(l4 + 4, (u16)n);
		net_put16(l4 + 6, 0);
		net_put16(l4 + 6, (u16)~net_sum(l4, n, pseudo_sum(ip, PROTO_UDP, n)));
		return;
	}
	seq = ((u32)net_get16(l4 + 4) << 16 | net_get16(l4 + 6)) + done;
	net_put16(l4 + 4, (u16)(seq >> 16));
	net_put16(l4 + 6, (u16)seq);
	if (!last)
		l4[13] &= (u8)~(TCP_FIN | TCP_PSH);
	if (index)
		l4[13] &= (u8)~TCP_CWR;
	net_put16(l4 + 16, 0);
	net_put16(l4 + 16, (u16)~net_sum(l4, n, pseudo_sum(ip, PROTO_TCP, n)));
}

bool net_tso_send(struct gm_net *n, const u8 *frame, size_t len, const struct net_tso *t)
{
	u8 seg[GM_NET_FRAME_MAX];
	size_t done = 0, payload;
	unsigned int index = 0;

	if (t->hdr >= len || t->l3 + 20 > t->l4 || t->l4 + 8 > t->hdr || !t->mss ||
	    t->hdr + t->mss > sizeof(seg) || len > NET_TX_MAX)
		return false;
	if (frame[t->l3] >> 4 == 6) {
		if (t->l3 + 40 > t->l4)
			return false;
		if (frame[t->l3 + 6] != PROTO_UDP && t->l4 + 20 > t->hdr)
			return false;
	} else if (frame[t->l3 + 9] != PROTO_UDP && t->l4 + 20 > t->hdr) {
		return false;
	}
	payload = len - t->hdr;
	/* A tiny segment size would make a guest's one packet the host's tens of thousands. */
	if (payload / t->mss > 2048)
		return false;
	while (done < payload) {
		size_t part = MIN((size_t)t->mss, payload - done);

		memcpy(seg, frame, t->hdr);
		memcpy(seg + t->hdr, frame + t->hdr + done, part);
		segment_finish(seg, t, t->hdr + part, (u32)done, index++, done + part == payload);
		gm_net_send(n, seg, t->hdr + part);
		done += part;
	}
	return true;
}

/* ---- received frames ---- */

static unsigned int check_l4(const u8 *ip, const u8 *l4, size_t n, u8 proto)
{
	unsigned int known = NET_L4_CHECKED | (proto == PROTO_UDP ? NET_L4_UDP : 0);

	if (proto != PROTO_TCP && proto != PROTO_UDP)
		return 0;
	if (n < (proto == PROTO_TCP ? 20u : 8u))
		return 0;
	/* UDP may go without (IPv4 only). */
	if (proto == PROTO_UDP && !net_get16(l4 + 6))
		return 0;
	return net_sum(l4, n, pseudo_sum(ip, proto, n)) == 0xffff ? known | NET_L4_GOOD : known;
}

static unsigned int check_ipv4(const u8 *ip, size_t len)
{
	size_t ihl = (ip[0] & 15) * 4u, total;
	unsigned int known = NET_IP_CHECKED;

	if (len < 20 || ip[0] >> 4 != 4 || ihl < 20 || ihl > len)
		return 0;
	total = net_get16(ip + 2);
	if (total < ihl || total > len)
		return known;
	if (net_sum(ip, ihl, 0) == 0xffff)
		known |= NET_IP_GOOD;
	/* A fragment's checksum is that of the whole. */
	if (net_get16(ip + 6) & 0x3fff)
		return known;
	return known | check_l4(ip, ip + ihl, total - ihl, ip[9]);
}

unsigned int net_csum_check(const u8 *frame, size_t len)
{
	size_t l3 = ETH_HDR, n;
	u16 type;

	if (len < ETH_HDR)
		return 0;
	type = net_get16(frame + 12);
	if (type == NET_VLAN_TYPE && len >= ETH_HDR + 4) {
		type = net_get16(frame + 16);
		l3 += 4;
	}
	if (type == TYPE_IPV4 && len >= l3 + 20)
		return check_ipv4(frame + l3, len - l3);
	if (type != TYPE_IPV6 || len < l3 + 40)
		return 0;
	n = net_get16(frame + l3 + 4);
	if (n > len - l3 - 40)
		return 0;
	return check_l4(frame + l3, frame + l3 + 40, n, frame[l3 + 6]);
}

/* ---- tags and addresses ---- */

void net_vlan_insert(u8 *frame, size_t *len, u16 tag)
{
	if (*len < 12)
		return;
	memmove(frame + 16, frame + 12, *len - 12);
	net_put16(frame + 12, NET_VLAN_TYPE);
	net_put16(frame + 14, tag);
	*len += 4;
}

static u32 crc_be(const u8 *p, size_t len)
{
	u32 crc = 0xffffffff;
	int bit;

	while (len--) {
		u8 b = *p++;

		for (bit = 0; bit < 8; bit++, b >>= 1)
			crc = crc << 1 ^ ((crc >> 31 ^ b) & 1 ? 0x04c11db7u : 0);
	}
	return crc;
}

unsigned int net_mac_hash(const u8 *mac)
{
	return crc_be(mac, 6) >> 26;
}

u32 net_crc32(const u8 *p, size_t len)
{
	return (u32)crc32(0, p, (uInt)len);
}

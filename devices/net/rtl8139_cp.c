// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * RTL8139C+: the C+ mode's descriptor rings, checksums, large send, VLAN tags. Source: RTL8139C+
 * data sheet 1.6, sections 8.1 (transmit) and 8.2 (receive descriptors).
 */
#include "devices/net/rtl8139.h"

#define RING_MAX   64  /* descriptors of a ring (section 8) */
#define TX_ROUND   64

#define DESC_OWN   (1u << 31)
#define DESC_END   (1u << 30)
#define DESC_FIRST (1u << 29)
#define DESC_LAST  (1u << 28)
#define TX_LARGE   (1u << 27)
#define TX_IPCS    (1u << 18)
#define TX_UDPCS   (1u << 17)
#define TX_TCPCS   (1u << 16)
#define TX_TAGC    (1u << 17) /* in the second word */
#define RX_PHYS    (1u << 26)
#define RX_MULTI   (1u << 27)
#define RX_BROAD   (1u << 25)
#define RX_TCP     (1u << 16)
#define RX_UDP     (2u << 16)
#define RX_IP      (3u << 16)
#define RX_IPF     (1u << 15)
#define RX_UDPF    (1u << 14)
#define RX_TCPF    (1u << 13)
#define RX_TAVA    (1u << 16) /* in the second word */

#define CRC_LEN    4
#define FRAME_MIN  60

struct cp_desc {
	u32 opts1, opts2;
	u64 addr;
};

/* ---- transmission ---- */

/* Offsets of the headers of an IPv4 packet; false for what the chip does not know. */
static bool ip_layout(const u8 *p, size_t len, struct net_tso *t)
{
	size_t ihl;

	t->l3 = len >= 18 && net_get16(p + 12) == NET_VLAN_TYPE ? 18 : 14;
	if (len < t->l3 + 20 || p[t->l3] >> 4 != 4)
		return false;
	ihl = (p[t->l3] & 15) * 4u;
	t->l4 = t->l3 + ihl;
	return ihl >= 20 && t->l4 + 8 <= len;
}

/* The chip computes the pseudo header, too: the driver leaves the field empty. */
static void l4_checksum(u8 *p, size_t len, const struct net_tso *t, size_t at)
{
	size_t total = net_get16(p + t->l3 + 2), n;
	u32 start;

	if (total < t->l4 - t->l3 || total > len - t->l3)
		return;
	n = total - (t->l4 - t->l3);
	if (at + 2 > n)
		return;
	net_put16(p + t->l4 + at, 0);
	start = net_sum(p + t->l3 + 12, 8, p[t->l3 + 9] + (u32)n);
	net_put16(p + t->l4 + at, (u16)~net_sum(p + t->l4, n, start));
}

static void packet_send(struct rtl8139 *s)
{
	struct net_tso t;
	size_t len = s->tx_len;

	if (s->tx_opts2 & TX_TAGC)
		net_vlan_insert(s->tx, &len, (u16)((s->tx_opts2 & 0xff) << 8 |
						   (s->tx_opts2 >> 8 & 0xff)));
	if (s->tx_opts1 & TX_LARGE) {
		t.mss = s->tx_opts1 >> 16 & 0x7ff;
		if (!ip_layout(s->tx, len, &t) || t.l4 + 20 > len)
			return;
		t.hdr = t.l4 + (s->tx[t.l4 + 12] >> 4) * 4u;
		net_tso_send(s->net, s->tx, len, &t);
		return;
	}
	if (s->tx_opts1 & (TX_IPCS | TX_UDPCS | TX_TCPCS) && ip_layout(s->tx, len, &t)) {
		if (s->tx_opts1 & TX_TCPCS)
			l4_checksum(s->tx, len, &t, 16);
		else if (s->tx_opts1 & TX_UDPCS)
			l4_checksum(s->tx, len, &t, 6);
		if (s->tx_opts1 & TX_IPCS) {
			net_put16(s->tx + t.l3 + 10, 0);
			net_csum_store(s->tx, len, t.l3, t.l3 + 10, t.l4);
		}
	}
	rtl8139_send(s, s->tx, len);
}

static void desc_send(struct rtl8139 *s, const struct cp_desc *d)
{
	u32 n = d->opts1 & 0xffff;

	if (d->opts1 & DESC_FIRST) {
		s->tx_len = 0;
		s->tx_drop = false;
		s->tx_opts1 = d->opts1;
		s->tx_opts2 = d->opts2;
	}
	if (n > NET_TX_MAX - s->tx_len) {
		s->tx_drop = true;
		n = NET_TX_MAX - s->tx_len;
	}
	gm_pci_dma_read(&s->pci, d->addr, s->tx + s->tx_len, n);
	s->tx_len += n;
	if (!(d->opts1 & DESC_LAST))
		return;
	if (!s->tx_drop)
		packet_send(s);
	s->tx_len = 0;
}

void rtl8139_cp_tx(struct rtl8139 *s)
{
	u64 ring = (u64)s->tsad[1] << 32 | s->tsad[0];
	unsigned int left = TX_ROUND;
	u16 causes = ISR_TDU;
	struct cp_desc d;

	if (!(s->cr & CR_TX_ON) || !(s->cpcr & CPCR_TX_ON) || !gm_pci_bus_master(&s->pci))
		return;
	while (left--) {
		u64 at = ring + 16ULL * s->tx_next;

		gm_pci_dma_read(&s->pci, at, &d, sizeof(d));
		if (!(d.opts1 & DESC_OWN))
			break;
		desc_send(s, &d);
		d.opts1 &= ~(DESC_OWN | 0x0fff0000u) | DESC_END | DESC_FIRST | DESC_LAST;
		gm_pci_dma_write(&s->pci, at, &d.opts1, 4);
		s->tx_next = d.opts1 & DESC_END || s->tx_next + 1 == RING_MAX ? 0
									      : s->tx_next + 1;
		causes |= ISR_TOK;
	}
	if (left == UINT32_MAX) {
		causes &= (u16)~ISR_TDU;
		gm_timer_set(&s->tx_more, gm_clock_now(s->pci.dev.m->clock));
	}
	rtl8139_cause(s, causes);
}

/* ---- reception ---- */

static u32 rx_checksums(const struct rtl8139 *s, const u8 *p, size_t len)
{
	unsigned int known = s->cpcr & CPCR_RX_CSUM ? net_csum_check(p, len) : 0;
	u32 opts = 0;

	if (!(known & NET_IP_CHECKED))
		return 0;
	opts = RX_IP;
	if (known & NET_L4_CHECKED)
		opts = known & NET_L4_UDP ? RX_UDP : RX_TCP;
	if (!(known & NET_IP_GOOD))
		opts |= RX_IPF;
	if (known & NET_L4_CHECKED && !(known & NET_L4_GOOD))
		opts |= known & NET_L4_UDP ? RX_UDPF : RX_TCPF;
	return opts;
}

/* One descriptor a frame: its buffer is at most 8 KiB, and what does not fit is lost. */
bool rtl8139_cp_rx(struct rtl8139 *s, const u8 *frame, size_t len)
{
	u64 at = s->rdsar + 16ULL * s->rx_next;
	u8 buf[GM_NET_FRAME_MAX + CRC_LEN];
	struct cp_desc d;
	u32 size, tag = 0, end, crc;

	gm_pci_dma_read(&s->pci, at, &d, sizeof(d));
	if (!(d.opts1 & DESC_OWN)) {
		s->rx_wait = true;
		rtl8139_cause(s, ISR_RXOVW);
		return false;
	}
	size = d.opts1 & 0x1fff;
	end = d.opts1 & DESC_END;
	d.opts1 = DESC_FIRST | DESC_LAST | rx_checksums(s, frame, len);
	d.opts1 |= net_is_broadcast(frame) ? RX_BROAD : frame[0] & 1 ? RX_MULTI : RX_PHYS;
	memcpy(buf, frame, len);
	if (s->cpcr & CPCR_RX_VLAN && len >= 18 && net_get16(frame + 12) == NET_VLAN_TYPE) {
		tag = RX_TAVA | (u32)frame[15] << 8 | frame[14];
		len -= 4;
		memcpy(buf + 12, frame + 16, len - 12);
	}
	if (len < FRAME_MIN) {
		memset(buf + len, 0, FRAME_MIN - len);
		len = FRAME_MIN;
	}
	crc = net_crc32(buf, len);
	memcpy(buf + len, &crc, CRC_LEN);
	if (len + CRC_LEN > size)
		return true;
	gm_pci_dma_write(&s->pci, d.addr, buf, len + CRC_LEN);
	d.opts1 |= (u32)(len + CRC_LEN) | end;
	d.opts2 = tag;
	gm_pci_dma_write(&s->pci, at + 4, &d.opts2, 4);
	gm_pci_dma_write(&s->pci, at, &d.opts1, 4);
	s->rx_next = end || s->rx_next + 1 == RING_MAX ? 0 : s->rx_next + 1;
	rtl8139_cause(s, ISR_ROK);
	return true;
}

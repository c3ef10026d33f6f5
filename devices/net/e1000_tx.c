// SPDX-License-Identifier: GPL-2.0-or-later
/* Intel 82540EM: transmission (SDM 3.3 and 3.4): descriptors, checksums, segmentation, VLAN. */
#include "devices/net/e1000.h"

#define TCTL_EN      2u
#define TX_ROUND     256 /* descriptors worked in one go */

#define CMD_EOP      0x01u
#define CMD_IC       0x04u /* legacy */
#define CMD_TSE      0x04u /* data */
#define CMD_RS       0x08u
#define CMD_RPS      0x10u
#define CMD_DEXT     0x20u
#define CMD_VLE      0x40u
#define CMD_IDE      0x80u
#define STA_DD       0x01
#define POPTS_IXSM   1
#define POPTS_TXSM   2
#define TUCMD_TSE    4
#define DTYP_DATA    1

#define RCTL_LOOPBACK 0xc0u

/* Bytes 8 to 15 of a descriptor as two words; bytes 0 to 7 are an address or the checksum part. */
struct tx_desc {
	u64 addr;
	u32 lower, upper;
};

static void context_load(struct e1000 *s, const struct tx_desc *d)
{
	u8 tucmd = (u8)(d->lower >> 24);
	struct e1000_ctx *c = &s->ctx[!!(tucmd & TUCMD_TSE)];

	c->ipcss = (u8)d->addr;
	c->ipcso = (u8)(d->addr >> 8);
	c->ipcse = (u16)(d->addr >> 16);
	c->tucss = (u8)(d->addr >> 32);
	c->tucso = (u8)(d->addr >> 40);
	c->tucse = (u16)(d->addr >> 48);
	c->paylen = d->lower & 0xfffff;
	c->tucmd = tucmd;
	c->hdrlen = (u8)(d->upper >> 8);
	c->mss = (u16)(d->upper >> 16);
}

/* An end of 0 is the packet's. */
static size_t csum_end(u16 cse, size_t len)
{
	return cse ? (size_t)cse + 1 : len;
}

static void transmit(struct e1000 *s, u8 *frame, size_t len)
{
	if (*e1000_reg(s, R_RCTL) & RCTL_LOOPBACK)
		e1000_receive(s, frame, len);
	else
		gm_net_send(s->net, frame, len);
	e1000_count(s, R_GPTC, 1);
	e1000_count(s, R_TPT, 1);
	e1000_count(s, R_GOTCL, len + 4);
	e1000_count(s, R_TOTL, len + 4);
}

static void packet_segment(struct e1000 *s, size_t len)
{
	const struct e1000_ctx *c = &s->ctx[1];
	size_t shift = 0;
	struct net_tso t;

	if (s->tx_cmd & CMD_VLE && *e1000_reg(s, R_CTRL) & CTRL_VME && len >= 14) {
		net_vlan_insert(s->tx, &len, s->tx_special);
		shift = 4;
	}
	t = (struct net_tso){.l3 = c->ipcss + shift, .l4 = c->tucss + shift,
			     .hdr = c->hdrlen + shift, .mss = c->mss};
	if (!net_tso_send(s->net, s->tx, len, &t))
		return;
	e1000_count(s, R_GPTC, (len - t.hdr + t.mss - 1) / t.mss);
	e1000_count(s, R_TPT, (len - t.hdr + t.mss - 1) / t.mss);
	e1000_count(s, R_GOTCL, len);
	e1000_count(s, R_TOTL, len);
}

static void packet_send(struct e1000 *s)
{
	const struct e1000_ctx *c = &s->ctx[0];
	size_t len = s->tx_len;

	if (s->tx_drop || !len)
		return;
	if (s->tx_cmd & CMD_DEXT && s->tx_cmd & CMD_TSE) {
		packet_segment(s, len);
		return;
	}
	if (s->tx_cmd & CMD_DEXT) {
		if (s->tx_popts & POPTS_TXSM)
			net_csum_store(s->tx, len, c->tucss, c->tucso, csum_end(c->tucse, len));
		if (s->tx_popts & POPTS_IXSM)
			net_csum_store(s->tx, len, c->ipcss, c->ipcso, csum_end(c->ipcse, len));
	} else if (s->tx_cmd & CMD_IC) {
		net_csum_store(s->tx, len, s->tx_css, s->tx_cso, len);
	}
	if (s->tx_cmd & CMD_VLE && *e1000_reg(s, R_CTRL) & CTRL_VME)
		net_vlan_insert(s->tx, &len, s->tx_special);
	transmit(s, s->tx, len);
}

static void packet_add(struct e1000 *s, const struct tx_desc *d, bool extended)
{
	u32 cmd = d->lower >> 24, n = d->lower & (extended ? 0xfffff : 0xffff);

	if (!s->tx_open) {
		s->tx_open = true;
		s->tx_drop = false;
		s->tx_len = 0;
		s->tx_cmd = 0;
		s->tx_popts = extended ? (u8)(d->upper >> 8) : 0;
		s->tx_cso = (u8)(d->lower >> 16);
		s->tx_css = (u8)(d->upper >> 8);
	}
	s->tx_cmd |= cmd;
	if (cmd & CMD_VLE)
		s->tx_special = (u16)(d->upper >> 16);
	if (n > NET_TX_MAX - s->tx_len) {
		s->tx_drop = true;
		n = NET_TX_MAX - s->tx_len;
	}
	gm_pci_dma_read(&s->pci, d->addr, s->tx + s->tx_len, n);
	s->tx_len += n;
	if (!(cmd & CMD_EOP))
		return;
	packet_send(s);
	s->tx_open = false;
	s->tx_len = 0;
}

/* Works one descriptor; the causes it asks for. */
static u32 desc_run(struct e1000 *s, u64 at, bool *delay)
{
	struct tx_desc d;
	u32 cmd;
	u8 sta;

	gm_pci_dma_read(&s->pci, at, &d, sizeof(d));
	cmd = d.lower >> 24;
	if (cmd & CMD_DEXT && (d.lower >> 20 & 15) != DTYP_DATA)
		context_load(s, &d);
	else if (d.addr || !(cmd & CMD_DEXT)) /* a null address adds nothing (SDM 3.4.1) */
		packet_add(s, &d, cmd & CMD_DEXT);
	if (!(cmd & (CMD_RS | CMD_RPS)))
		return 0;
	sta = (u8)(d.upper | STA_DD);
	gm_pci_dma_write(&s->pci, at + 12, &sta, 1);
	*delay &= !!(cmd & CMD_IDE);
	return ICR_TXDW;
}

void e1000_tx_run(struct e1000 *s)
{
	u64 base = (u64)*e1000_reg(s, R_TDBAH) << 32 | *e1000_reg(s, R_TDBAL);
	u32 n = *e1000_reg(s, R_TDLEN) / 16, *head = e1000_reg(s, R_TDH), left = TX_ROUND;
	u32 tail = *e1000_reg(s, R_TDT), causes = 0;
	bool delay = true;

	if (!(*e1000_reg(s, R_TCTL) & TCTL_EN) || !gm_pci_bus_master(&s->pci) || *head >= n ||
	    tail >= n || *head == tail)
		return;
	while (*head != tail && left--) {
		causes |= desc_run(s, base + 16ULL * *head, &delay);
		*head = *head + 1 == n ? 0 : *head + 1;
	}
	if (*head == tail)
		causes |= ICR_TXQE;
	else
		gm_timer_set(&s->tx_more, gm_clock_now(s->pci.dev.m->clock));
	if (causes & ICR_TXDW && delay) {
		e1000_cause_delayed(s, ICR_TXDW, &s->tidv, R_TIDV, &s->tadv, R_TADV);
		causes &= ~(u32)ICR_TXDW;
	}
	e1000_cause(s, causes);
}

void e1000_tx_more(void *opaque)
{
	e1000_tx_run(opaque);
}

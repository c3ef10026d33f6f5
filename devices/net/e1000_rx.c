// SPDX-License-Identifier: GPL-2.0-or-later
/* Intel 82540EM: reception (SDM 3.2): filters, descriptors, checksum indication, VLAN. */
#include "devices/net/e1000.h"

#define RCTL_EN     (1u << 1)
#define RCTL_UPE    (1u << 3)
#define RCTL_MPE    (1u << 4)
#define RCTL_LPE    (1u << 5)
#define RCTL_BAM    (1u << 15)
#define RCTL_VFE    (1u << 18)
#define RCTL_BSEX   (1u << 25)
#define RCTL_SECRC  (1u << 26)

#define RXCSUM_IPOFL 0x100u
#define RXCSUM_TUOFL 0x200u

#define STA_DD      0x01
#define STA_EOP     0x02
#define STA_IXSM    0x04
#define STA_VP      0x08
#define STA_TCPCS   0x20
#define STA_IPCS    0x40
#define STA_PIF     0x80
#define ERR_TCPE    0x20
#define ERR_IPE     0x40

#define FRAME_MIN   60
#define FRAME_LONG  1518 /* without VLAN tag and CRC more needs LPE */
#define CRC_LEN     4

struct rx_desc {
	u64 addr;
	u16 len, csum;
	u8 status, errors;
	u16 special;
};

static u32 buffer_size(const struct e1000 *s)
{
	u32 rctl = s->reg[R_RCTL / 4], shift = rctl >> 16 & 3;

	if (rctl & RCTL_BSEX && shift)
		return 32768u >> shift;
	return 2048u >> shift;
}

/* SDM 13.5.2: twelve bits of the address, which ones RCTL says. */
static bool multicast_listed(const struct e1000 *s, const u8 *mac)
{
	static const u8 shift[] = {4, 3, 2, 0};
	u32 hash = (mac[4] | (u32)mac[5] << 8) >> shift[s->reg[R_RCTL / 4] >> 12 & 3] & 0xfff;

	return s->reg[R_MTA / 4 + hash / 32] >> hash % 32 & 1;
}

static bool address_listed(const struct e1000 *s, const u8 *mac)
{
	const u32 *ra = &s->reg[R_RA / 4];
	u32 lo = mac[0] | mac[1] << 8 | mac[2] << 16 | (u32)mac[3] << 24, hi = mac[4] | mac[5] << 8;
	unsigned int i;

	for (i = 0; i < 16; i++)
		if (ra[2 * i + 1] >> 31 && ra[2 * i] == lo && (ra[2 * i + 1] & 0xffff) == hi)
			return true;
	return false;
}

static bool is_vlan(const struct e1000 *s, const u8 *p, size_t len)
{
	u16 vet = (u16)s->reg[R_VET / 4];

	return len >= 18 && net_get16(p + 12) == (vet ? vet : NET_VLAN_TYPE);
}

/* Whether the frame is for this card; *status gets PIF when only a hash says so. */
static bool rx_wanted(const struct e1000 *s, const u8 *p, size_t len, u8 *status)
{
	u32 rctl = s->reg[R_RCTL / 4];

	if (rctl & RCTL_VFE && is_vlan(s, p, len)) {
		unsigned int id = net_get16(p + 14) & 0xfff;

		if (!(s->reg[R_VFTA / 4 + id / 32] >> id % 32 & 1))
			return false;
	}
	if (net_is_broadcast(p) && rctl & (RCTL_BAM | RCTL_MPE))
		return true;
	if (address_listed(s, p))
		return true;
	if (!(p[0] & 1))
		return rctl & RCTL_UPE;
	if (rctl & RCTL_MPE)
		return true;
	*status |= STA_PIF;
	return multicast_listed(s, p);
}

static void rx_checksums(const struct e1000 *s, const u8 *p, size_t len, struct rx_desc *d)
{
	u32 ctl = s->reg[R_RXCSUM / 4];
	unsigned int known = ctl & (RXCSUM_IPOFL | RXCSUM_TUOFL) ? net_csum_check(p, len) : 0;

	if (!(ctl & RXCSUM_IPOFL))
		known &= ~(unsigned int)NET_IP_CHECKED;
	if (!(ctl & RXCSUM_TUOFL))
		known &= ~(unsigned int)NET_L4_CHECKED;
	if (!(known & (NET_IP_CHECKED | NET_L4_CHECKED))) {
		d->status |= STA_IXSM;
		return;
	}
	if (known & NET_IP_CHECKED) {
		d->status |= STA_IPCS;
		d->errors |= known & NET_IP_GOOD ? 0 : ERR_IPE;
	}
	if (known & NET_L4_CHECKED) {
		d->status |= STA_TCPCS;
		d->errors |= known & NET_L4_GOOD ? 0 : ERR_TCPE;
	}
}

static u32 rx_free(const struct e1000 *s, u32 n)
{
	u32 head = s->reg[R_RDH / 4], tail = s->reg[R_RDT / 4];

	if (head >= n || tail >= n)
		return 0;
	return tail >= head ? tail - head : n - head + tail;
}

static void rx_count(struct e1000 *s, const u8 *p, size_t len)
{
	e1000_count(s, R_GPRC, 1);
	e1000_count(s, R_TPR, 1);
	e1000_count(s, R_GORCL, len + CRC_LEN);
	e1000_count(s, R_TORL, len + CRC_LEN);
	if (net_is_broadcast(p))
		e1000_count(s, R_BPRC, 1);
	else if (p[0] & 1)
		e1000_count(s, R_MPRC, 1);
}

/* Writes the frame into as many buffers as it takes; there are enough. */
static void rx_store(struct e1000 *s, const u8 *p, size_t len, const struct rx_desc *info, u32 n)
{
	u64 base = (u64)s->reg[R_RDBAH / 4] << 32 | s->reg[R_RDBAL / 4];
	u32 size = buffer_size(s), *head = e1000_reg(s, R_RDH);
	size_t done = 0, part;
	struct rx_desc d;

	do {
		u64 at = base + 16ULL * *head;

		gm_pci_dma_read(&s->pci, at, &d, 8);
		part = MIN(len - done, (size_t)size);
		if (d.addr)
			gm_pci_dma_write(&s->pci, d.addr, p + done, part);
		done += part;
		d.len = (u16)part;
		d.csum = 0;
		d.status = STA_DD;
		d.errors = 0;
		d.special = 0;
		if (done == len) {
			d.status = (u8)(info->status | STA_DD | STA_EOP);
			d.errors = info->errors;
			d.special = info->special;
		}
		/* Status last: it says that the rest is there. */
		gm_pci_dma_write(&s->pci, at + 8, (u8 *)&d + 8, 8);
		*head = *head + 1 == n ? 0 : *head + 1;
	} while (done < len);
}

/* The low-water mark counts when it is reached, not as long as the level stays below. */
static void rx_causes(struct e1000 *s, u32 n, u32 before)
{
	u32 low = n >> ((*e1000_reg(s, R_RCTL) >> 8 & 3) + 1);

	if (before > low && rx_free(s, n) <= low)
		e1000_cause(s, ICR_RXDMT0);
	e1000_cause_delayed(s, ICR_RXT0, &s->rdtr, R_RDTR, &s->radv, R_RADV);
}

bool e1000_receive(void *opaque, const u8 *frame, size_t len)
{
	struct e1000 *s = opaque;
	u32 rctl = *e1000_reg(s, R_RCTL), n = *e1000_reg(s, R_RDLEN) / 16;
	u8 buf[GM_NET_FRAME_MAX + CRC_LEN];
	struct rx_desc info = {0};
	u32 crc, need, before;

	if (!(rctl & RCTL_EN) || !gm_pci_bus_master(&s->pci) || len > GM_NET_FRAME_MAX ||
	    len < GM_NET_FRAME_MIN || !rx_wanted(s, frame, len, &info.status))
		return true;
	if (len > FRAME_LONG && !(rctl & RCTL_LPE))
		return true;
	need = (u32)(len + CRC_LEN + buffer_size(s)) / buffer_size(s);
	if (need >= n)
		return true; /* there is no room, and there never will be */
	if (rx_free(s, n) < need) {
		s->rx_wait = true;
		return false;
	}
	rx_checksums(s, frame, len, &info);
	rx_count(s, frame, len);
	memcpy(buf, frame, len);
	if (*e1000_reg(s, R_CTRL) & CTRL_VME && is_vlan(s, frame, len)) {
		info.special = net_get16(frame + 14);
		info.status |= STA_VP;
		len -= 4;
		memcpy(buf + 12, frame + 16, len - 12);
	}
	if (len < FRAME_MIN) {
		memset(buf + len, 0, FRAME_MIN - len);
		len = FRAME_MIN;
	}
	if (!(rctl & RCTL_SECRC)) {
		crc = net_crc32(buf, len);
		memcpy(buf + len, &crc, CRC_LEN);
		len += CRC_LEN;
	}
	before = rx_free(s, n);
	rx_store(s, buf, len, &info, n);
	rx_causes(s, n, before);
	return true;
}

void e1000_rx_ready(struct e1000 *s)
{
	if (!s->rx_wait)
		return;
	s->rx_wait = false;
	gm_net_ready(s->net);
}

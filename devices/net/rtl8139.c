// SPDX-License-Identifier: GPL-2.0-or-later
/* Realtek RTL8139C+: registers, C mode. Source: see rtl8139.h. */
#include "devices/net/rtl8139.h"

#include <errno.h>

#define REGS         256
#define TSD_OWN      (1u << 13)
#define TSD_TOK      (1u << 15)
#define TSD_CARRIER  (1u << 31)

#define RCR_ALL      0x01
#define RCR_PHYS     0x02
#define RCR_MULTI    0x04
#define RCR_BROAD    0x08
#define RCR_WRAP     0x80

#define RX_ROK       0x0001
#define RX_MULTICAST 0x8000
#define RX_PHYSICAL  0x4000
#define RX_BROADCAST 0x2000

#define EE_DO        0x01
#define EE_DI        0x02
#define EE_SK        0x04
#define EE_CS        0x08
#define EE_UNLOCK    0xc0

#define CRC_LEN      4
#define FRAME_MIN    60
#define TX_MAX       0x700 /* C mode: bytes of a frame */
#define TIMER_HZ     33333333ULL
#define HW_VERSION   0x74800000u /* bits 30 to 26, 23, 22 of TCR: RTL8139C+ */

/* ---- interrupts and timer ---- */

static void irq_update(struct rtl8139 *s)
{
	gm_pci_irq(&s->pci, (s->isr & s->imr) != 0);
}

void rtl8139_cause(struct rtl8139 *s, u16 causes)
{
	s->isr |= causes;
	irq_update(s);
}

static u64 now(const struct rtl8139 *s)
{
	return gm_clock_now(s->pci.dev.m->clock);
}

static u32 tctr(const struct rtl8139 *s)
{
	return (u32)gm_muldiv(now(s) - s->timer_base, TIMER_HZ, NSEC_PER_SEC);
}

/* TimerInt is reached once, after TCTR was set to 0 or TimerInt written. */
static void timer_arm(struct rtl8139 *s)
{
	u32 at = tctr(s);

	gm_timer_cancel(&s->timer);
	if (s->timer_int)
		gm_timer_set(&s->timer, now(s) + gm_muldiv((u32)(s->timer_int - at), NSEC_PER_SEC,
							   TIMER_HZ) + 1);
}

static void timer_fire(void *opaque)
{
	rtl8139_cause(opaque, ISR_TIMER);
}

/* ---- frames ---- */

static bool receive(void *opaque, const u8 *frame, size_t len);

void rtl8139_send(struct rtl8139 *s, u8 *frame, size_t len)
{
	if ((s->tcr & TCR_LOOP) == TCR_LOOP)
		receive(s, frame, len);
	else
		gm_net_send(s->net, frame, len);
}

static void tsd_write(struct rtl8139 *s, unsigned int slot, u32 val)
{
	size_t len = val & 0x1fff;

	/* In C+ mode the registers are others. */
	s->tsd[slot] = val & 0x003f3fff;
	if (val & TSD_OWN || !(s->cr & CR_TX_ON) || !gm_pci_bus_master(&s->pci) || len > TX_MAX)
		return;
	gm_pci_dma_read(&s->pci, s->tsad[slot], s->tx, len);
	rtl8139_send(s, s->tx, len);
	s->tsd[slot] |= TSD_OWN | TSD_TOK;
	rtl8139_cause(s, ISR_TOK);
}

bool rtl8139_wanted(const struct rtl8139 *s, const u8 *p)
{
	unsigned int hash;

	if (s->rcr & RCR_ALL)
		return true;
	if (net_is_broadcast(p))
		return s->rcr & RCR_BROAD;
	if (!(p[0] & 1))
		return s->rcr & RCR_PHYS && !memcmp(p, s->idr, 6);
	hash = net_mac_hash(p);
	return s->rcr & RCR_MULTI && s->mar[hash / 8] >> hash % 8 & 1;
}

static u32 ring_size(const struct rtl8139 *s)
{
	return 8192u << (s->rcr >> 11 & 3);
}

/* Bytes that are there to be read; CAPR stands 16 behind the read pointer. */
static u32 ring_used(const struct rtl8139 *s)
{
	return (u32)(s->cbr - (s->capr + 16)) & (ring_size(s) - 1);
}

static void ring_write(struct rtl8139 *s, const void *data, size_t len)
{
	u32 size = ring_size(s), at = s->cbr & (size - 1);
	size_t first = s->rcr & RCR_WRAP && size < 65536 ? len : MIN(len, (size_t)(size - at));

	gm_pci_dma_write(&s->pci, s->rbstart + at, data, first);
	if (first < len)
		gm_pci_dma_write(&s->pci, s->rbstart, (const u8 *)data + first, len - first);
	s->cbr = (u16)((s->cbr + len) & (size - 1));
}

/* C mode: a header of status and length, the frame with its check sequence, all on multiples of
 * four bytes in a ring. */
static bool ring_receive(struct rtl8139 *s, const u8 *frame, size_t len)
{
	u8 buf[4 + GM_NET_FRAME_MAX + CRC_LEN + 4] = {0};
	size_t n = MAX(len, (size_t)FRAME_MIN), total = (4 + n + CRC_LEN + 3) & ~3ul;
	u16 status = RX_ROK;
	u32 crc;

	if (total + 16 >= ring_size(s) || n > 4096)
		return true;
	if (ring_used(s) + total + 16 >= ring_size(s)) {
		s->rx_wait = true;
		rtl8139_cause(s, ISR_RXOVW);
		return false;
	}
	status |= net_is_broadcast(frame) ? RX_BROADCAST : frame[0] & 1 ? RX_MULTICAST : RX_PHYSICAL;
	memcpy(buf, (u16[]){status, (u16)(n + CRC_LEN)}, 4);
	memcpy(buf + 4, frame, len);
	crc = net_crc32(buf + 4, n);
	memcpy(buf + 4 + n, &crc, CRC_LEN);
	ring_write(s, buf, total);
	rtl8139_cause(s, ISR_ROK);
	return true;
}

static bool receive(void *opaque, const u8 *frame, size_t len)
{
	struct rtl8139 *s = opaque;

	if (!(s->cr & CR_RX_ON) || !gm_pci_bus_master(&s->pci) || len > GM_NET_FRAME_MAX ||
	    !rtl8139_wanted(s, frame))
		return true;
	if (s->cpcr & CPCR_RX_ON)
		return rtl8139_cp_rx(s, frame, len);
	return ring_receive(s, frame, len);
}

static void rx_ready(struct rtl8139 *s)
{
	if (!s->rx_wait)
		return;
	s->rx_wait = false;
	gm_net_ready(s->net);
}

static void tx_more(void *opaque)
{
	rtl8139_cp_tx(opaque);
}

/* ---- registers ---- */

static void soft_reset(struct rtl8139 *s)
{
	gm_timer_cancel(&s->timer);
	gm_timer_cancel(&s->tx_more);
	memset(s->tsd, 0, sizeof(s->tsd));
	memset(s->tsad, 0, sizeof(s->tsad));
	s->tsd[0] = s->tsd[1] = s->tsd[2] = s->tsd[3] = TSD_OWN;
	s->rbstart = 0;
	s->tcr = HW_VERSION;
	s->rcr = 0;
	s->capr = 0xfff0;
	s->cbr = s->imr = s->isr = 0;
	s->cr = 0;
	s->cpcr = 0;
	s->rdsar = 0;
	s->timer_int = 0;
	s->timer_base = now(s);
	s->tx_next = s->rx_next = 0;
	s->tx_drop = false;
	s->tx_len = s->tx_opts1 = s->tx_opts2 = 0;
	irq_update(s);
	rx_ready(s);
}

static void cr_write(struct rtl8139 *s, u8 val)
{
	if (val & CR_RESET) {
		soft_reset(s);
		return;
	}
	if (val & CR_RX_ON && !(s->cr & CR_RX_ON))
		s->rx_next = 0;
	if (val & CR_TX_ON && !(s->cr & CR_TX_ON))
		s->tx_next = 0;
	s->cr = val & (CR_RX_ON | CR_TX_ON);
	rx_ready(s);
}

static u8 ee_read(const struct rtl8139 *s)
{
	return (u8)((s->cfg9346 & ~EE_DO) | (s->eeprom.out ? EE_DO : 0));
}

static void ee_write(struct rtl8139 *s, u8 val)
{
	s->cfg9346 = val & 0xce;
	if ((val & EE_UNLOCK) == 0x80)
		eeprom93_set(&s->eeprom, val & EE_CS, val & EE_SK, val & EE_DI);
	else
		eeprom93_set(&s->eeprom, false, false, false);
}

static u16 bmsr(const struct rtl8139 *s)
{
	return (u16)(0x7809 | (gm_net_link(s->net) ? 0x24 : 0));
}

/* Bits 2 and 3 are active low: link, 100 Mb/s. */
static u8 msr(const struct rtl8139 *s)
{
	return gm_net_link(s->net) ? 0 : 0x04;
}

/* Registers of whole 32-bit words; byte and 16-bit accesses are parts of them. */
static u32 word_read(struct rtl8139 *s, unsigned int off)
{
	u32 v;

	switch (off) {
	case 0x00:
	case 0x04: memcpy(&v, s->idr + off, 4); return v;
	case 0x08:
	case 0x0c: memcpy(&v, s->mar + off - 8, 4); return v;
	case 0x10: case 0x14: case 0x18: case 0x1c: return s->tsd[(off - 0x10) / 4];
	case 0x20: case 0x24: case 0x28: case 0x2c: return s->tsad[(off - 0x20) / 4];
	case 0x30: return s->rbstart;
	case 0x34: return (u32)(s->cr | (ring_used(s) ? 0 : CR_EMPTY)) << 24;
	case 0x38: return s->capr | (u32)s->cbr << 16;
	case 0x3c: return s->imr | (u32)s->isr << 16;
	case 0x40: return s->tcr;
	case 0x44: return s->rcr;
	case 0x48: return tctr(s);
	case 0x50: return ee_read(s) | (u32)s->config[0] << 8 | (u32)s->config[1] << 16;
	case 0x54: return s->timer_int;
	case 0x58: return msr(s) | (u32)s->config[2] << 8 | (u32)s->config[3] << 16;
	case 0x60: return (u32)s->bmcr << 16;
	case 0x64: return bmsr(s) | (u32)s->anar << 16;
	case 0x68: return gm_net_link(s->net) ? 0x45e1 : 0;
	case 0xd8: return s->config[4];
	case 0xe0: return s->cpcr;
	case 0xe4: return (u32)s->rdsar;
	case 0xe8: return (u32)(s->rdsar >> 32);
	default: return 0;
	}
}

static u64 regs_read(void *opaque, u64 off, unsigned int size)
{
	u32 v = word_read(opaque, (unsigned int)off & ~3u);

	/* TSAD status: whether the four slots are the host's (section 5.13). */
	if ((off & ~1ULL) == 0x60) {
		struct rtl8139 *s = opaque;
		unsigned int i;

		for (i = 0; i < 4; i++)
			v |= (s->tsd[i] & TSD_OWN ? 1u << i : 0) | (s->tsd[i] & TSD_TOK ? 0x1000u << i : 0);
	}
	return v >> 8 * (off & 3);
}

static bool unlocked(const struct rtl8139 *s)
{
	return (s->cfg9346 & EE_UNLOCK) == EE_UNLOCK;
}

static void byte_write(struct rtl8139 *s, unsigned int off, u8 val)
{
	switch (off) {
	case 0x00: case 0x01: case 0x02: case 0x03: case 0x04: case 0x05:
		if (unlocked(s))
			s->idr[off] = val;
		break;
	case 0x08: case 0x09: case 0x0a: case 0x0b: case 0x0c: case 0x0d: case 0x0e: case 0x0f:
		s->mar[off - 8] = val;
		break;
	case 0x37: cr_write(s, val); break;
	case 0x50: ee_write(s, val); break;
	case 0x51: case 0x52: case 0x59: case 0x5a: case 0xd8:
		if (unlocked(s))
			s->config[off == 0xd8 ? 4 : off < 0x59 ? off - 0x51 : off - 0x57] = val;
		break;
	case 0xd9:
		if (val & 0xc0)
			rtl8139_cp_tx(s);
		break;
	}
}

static void half_write(struct rtl8139 *s, unsigned int off, u16 val)
{
	switch (off) {
	case 0x38:
		s->capr = val;
		rx_ready(s);
		break;
	case 0x3c:
		s->imr = val;
		irq_update(s);
		/* A C+ driver gives descriptors without telling, around its interrupts. */
		rx_ready(s);
		break;
	case 0x3e:
		s->isr &= (u16)~val;
		irq_update(s);
		rx_ready(s);
		break;
	case 0x62: s->bmcr = val & 0x3100; break;
	case 0x66: s->anar = val; break;
	case 0xe0: s->cpcr = val & 0x7f; break;
	default:
		byte_write(s, off, (u8)val);
		byte_write(s, off + 1, (u8)(val >> 8));
	}
}

static void word_write(struct rtl8139 *s, unsigned int off, u32 val)
{
	switch (off) {
	case 0x10: case 0x14: case 0x18: case 0x1c: tsd_write(s, (off - 0x10) / 4, val); break;
	case 0x20: case 0x24: case 0x28: case 0x2c: s->tsad[(off - 0x20) / 4] = val; break;
	case 0x30: s->rbstart = val; break;
	case 0x40: s->tcr = HW_VERSION | (val & 0x03061ff1); break;
	case 0x44:
		s->rcr = val;
		rx_ready(s);
		break;
	case 0x48:
		s->timer_base = now(s);
		timer_arm(s);
		break;
	case 0x54:
		s->timer_int = val;
		timer_arm(s);
		break;
	case 0xe4: s->rdsar = (s->rdsar & ~0xffffffffULL) | (val & ~0xffu); break;
	case 0xe8: s->rdsar = (u64)val << 32 | (u32)s->rdsar; break;
	default:
		half_write(s, off, (u16)val);
		half_write(s, off + 2, (u16)(val >> 16));
	}
}

static void regs_write(void *opaque, u64 off, unsigned int size, u64 val)
{
	struct rtl8139 *s = opaque;

	if (size == 4)
		word_write(s, (unsigned int)off, (u32)val);
	else if (size == 2)
		half_write(s, (unsigned int)off, (u16)val);
	else
		byte_write(s, (unsigned int)off, (u8)val);
}

static const struct gm_region_ops regs_ops = {
	.name = "rtl8139",
	.read = regs_read,
	.write = regs_write,
	.min_size = 1,
	.max_size = 4,
};

/* ---- class ---- */

static void link_changed(void *opaque, bool up)
{
	rtl8139_cause(opaque, ISR_LINK);
}

/* The map of the data sheet's section 6. */
static void eeprom_fill(struct rtl8139 *s)
{
	u16 *w = s->eeprom.word;
	unsigned int i;

	w[0] = 0x8129;
	w[1] = w[3] = s->pci.pci->vendor;
	w[2] = w[4] = s->pci.pci->device;
	for (i = 0; i < 3; i++)
		w[7 + i] = (u16)(s->mac[2 * i] | s->mac[2 * i + 1] << 8);
}

static void rtl8139_reset(struct gm_dev *d)
{
	struct rtl8139 *s = container_of(d, struct rtl8139, pci.dev);

	gm_pci_reset(&s->pci);
	memset(s->idr, 0, sizeof(s->idr));
	memcpy(s->idr, s->mac, 6);
	memset(s->mar, 0, sizeof(s->mar));
	memset(s->config, 0, sizeof(s->config));
	s->config[1] = 0x0c; /* both register windows are on */
	ee_write(s, 0);
	s->bmcr = 0x3100;
	s->anar = 0x01e1;
	soft_reset(s);
}

static int rtl8139_init(struct gm_dev *d, const void *cfg_)
{
	static const struct gm_pci_bar io = {.size = REGS, .flags = GM_PCI_BAR_IO,
					     .ops = &regs_ops};
	static const struct gm_pci_bar mmio = {.size = REGS, .ops = &regs_ops};
	struct rtl8139 *s = container_of(d, struct rtl8139, pci.dev);
	const struct nic_cfg *cfg = cfg_;
	struct gm_net_client client = {.receive = receive, .link_changed = link_changed,
				       .opaque = s};
	int err = gm_pci_init(&s->pci, &cfg->pci);

	if (!err)
		err = gm_pci_bar_add(&s->pci, 0, &io, s);
	if (!err)
		err = gm_pci_bar_add(&s->pci, 1, &mmio, s);
	if (!err && cfg->rom)
		err = gm_pci_bar_add(&s->pci, GM_PCI_ROM,
				     &(struct gm_pci_bar){.size = cfg->rom->size, .ram = cfg->rom},
				     NULL);
	if (err)
		return err;
	s->net = cfg->net;
	memcpy(s->mac, cfg->mac, 6);
	gm_timer_init(&s->timer, d->m->clock, timer_fire, s);
	gm_timer_init(&s->tx_more, d->m->clock, tx_more, s);
	eeprom_fill(s);
	gm_net_set_client(s->net, &client);
	return 0;
}

static void rtl8139_resume(struct gm_dev *d)
{
	gm_net_ready(container_of(d, struct rtl8139, pci.dev)->net);
}

static int rtl8139_loaded(struct gm_dev *d)
{
	struct rtl8139 *s = container_of(d, struct rtl8139, pci.dev);

	if (s->tx_len > NET_TX_MAX || s->tx_next > 63 || s->rx_next > 63 || s->eeprom.addr > 63)
		return -EINVAL;
	gm_pci_loaded(&s->pci);
	return 0;
}

static void rtl8139_fini(struct gm_dev *d)
{
	struct rtl8139 *s = container_of(d, struct rtl8139, pci.dev);

	gm_timer_cancel(&s->timer);
	gm_timer_cancel(&s->tx_more);
}

static const struct gm_field rtl8139_fields[] = {
	GM_STRUCT(struct rtl8139, pci, &gm_pci_state),
	GM_STRUCT(struct rtl8139, eeprom, &eeprom93_state),
	GM_BYTES(struct rtl8139, idr),
	GM_BYTES(struct rtl8139, mar),
	GM_U32(struct rtl8139, tsd),
	GM_U32(struct rtl8139, tsad),
	GM_U32(struct rtl8139, rbstart),
	GM_U32(struct rtl8139, tcr),
	GM_U32(struct rtl8139, rcr),
	GM_U16(struct rtl8139, capr),
	GM_U16(struct rtl8139, cbr),
	GM_U16(struct rtl8139, imr),
	GM_U16(struct rtl8139, isr),
	GM_U8(struct rtl8139, cr),
	GM_U8(struct rtl8139, cfg9346),
	GM_U8(struct rtl8139, config),
	GM_U16(struct rtl8139, bmcr),
	GM_U16(struct rtl8139, anar),
	GM_U16(struct rtl8139, cpcr),
	GM_U64(struct rtl8139, rdsar),
	GM_U32(struct rtl8139, timer_int),
	GM_U64(struct rtl8139, timer_base),
	GM_TIMER(struct rtl8139, timer),
	GM_TIMER(struct rtl8139, tx_more),
	GM_U16(struct rtl8139, tx_next),
	GM_U16(struct rtl8139, rx_next),
	GM_BOOL(struct rtl8139, rx_wait),
	GM_BOOL(struct rtl8139, tx_drop),
	GM_U32(struct rtl8139, tx_len),
	GM_U32(struct rtl8139, tx_opts1),
	GM_U32(struct rtl8139, tx_opts2),
	GM_BYTES(struct rtl8139, tx),
	GM_OMIT(struct rtl8139, net, "machine configuration"),
	GM_OMIT(struct rtl8139, mac, "machine configuration"),
	GM_FIELDS_END,
};

static const struct gm_state_desc rtl8139_state = {
	.name = "rtl8139",
	.version = 1,
	.size = sizeof(struct rtl8139),
	.fields = rtl8139_fields,
};

const struct gm_pci_class rtl8139_class = {
	.dev = {
		.name = "rtl8139",
		.title = "Realtek RTL8139C+ network card",
		.size = sizeof(struct rtl8139),
		.state = &rtl8139_state,
		.init = rtl8139_init,
		.reset = rtl8139_reset,
		.resume = rtl8139_resume,
		.loaded = rtl8139_loaded,
		.fini = rtl8139_fini,
	},
	.vendor = 0x10ec,
	.device = 0x8139,
	.subvendor = 0x10ec,
	.subdevice = 0x8139,
	.class_code = 0x020000,
	.revision = 0x20,
	.int_pin = 1,
};

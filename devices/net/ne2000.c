// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * NE2000: a DP8390 network controller with 16 KiB of memory behind a data port, as an ISA card
 * and as a RTL8029AS on PCI. Sources: National DP8390D data sheet (TL/F/8582), sections 5
 * (packet reception), 7 (remote DMA), 10 (registers); Realtek RTL8029AS data sheet, section 5.
 */
#include <errno.h>

#include "devices/net/nic.h"
#include "devices/net/offload.h"

#define CR_STOP    0x01
#define CR_START   0x02
#define CR_TXP     0x04
#define CR_DMA     0x38
#define CR_DMA_OFF 0x20

#define ISR_PRX    0x01
#define ISR_PTX    0x02
#define ISR_RDC    0x40
#define ISR_RST    0x80

#define RCR_BROAD  0x04
#define RCR_MULTI  0x08
#define RCR_PROMISC 0x10
#define RCR_MON    0x20
#define RSR_PRX    0x01
#define RSR_PHY    0x20
#define TSR_PTX    0x01
#define TCR_LOOP   0x06
#define DCR_WORD   0x01

#define PROM_SIZE  32
#define RAM_START  0x4000
#define RAM_SIZE   0x4000
#define PORTS      32
#define PORT_DATA  0x10
#define PORT_RESET 0x18
#define FRAME_MIN  60
#define FRAME_MAX  1518

/* Page 0 and 1 registers, by what they hold. */
struct ne2000 {
	u8 cr, isr, imr, dcr, tcr, rcr, rsr, tsr;
	u8 pstart, pstop, bnry, curr, tpsr;
	u16 tbcr, rsar, rbcr;
	u8 par[6], mar[8];
	bool rx_wait;
	struct gm_net *net;
	u8 prom[PROM_SIZE];
	u8 ram[RAM_SIZE];
	bool pci;
	void (*set_irq)(struct ne2000 *s, int level);
};

static void irq_update(struct ne2000 *s)
{
	s->set_irq(s, (s->isr & s->imr & 0x7f) != 0);
}

static void rx_ready(struct ne2000 *s)
{
	if (!s->rx_wait)
		return;
	s->rx_wait = false;
	gm_net_ready(s->net);
}

/* ---- the card's memory ---- */

static u8 mem_get(const struct ne2000 *s, u16 addr)
{
	if (addr < PROM_SIZE)
		return s->prom[addr];
	return addr >= RAM_START && addr < RAM_START + RAM_SIZE ? s->ram[addr - RAM_START] : 0xff;
}

static void mem_put(struct ne2000 *s, u16 addr, u8 val)
{
	if (addr >= RAM_START && addr < RAM_START + RAM_SIZE)
		s->ram[addr - RAM_START] = val;
}

/* Remote DMA moves on; reading wraps in the receive ring (DP8390D, section 7). */
static void dma_advance(struct ne2000 *s)
{
	s->rsar++;
	if (s->rsar == s->pstop << 8)
		s->rsar = (u16)(s->pstart << 8);
	if (s->rbcr && !--s->rbcr) {
		s->isr |= ISR_RDC;
		irq_update(s);
	}
}

static u32 data_read(struct ne2000 *s, unsigned int size)
{
	u32 val = 0;
	unsigned int i;

	for (i = 0; i < size; i++) {
		val |= (u32)mem_get(s, s->rsar) << 8 * i;
		dma_advance(s);
	}
	return val;
}

static void data_write(struct ne2000 *s, unsigned int size, u32 val)
{
	unsigned int i;

	for (i = 0; i < size && s->rbcr; i++) {
		mem_put(s, s->rsar, (u8)(val >> 8 * i));
		dma_advance(s);
	}
}

/* ---- frames ---- */

static void transmit(struct ne2000 *s)
{
	u8 frame[FRAME_MAX + 64];
	size_t i, len = MIN((size_t)s->tbcr, sizeof(frame));

	for (i = 0; i < len; i++)
		frame[i] = mem_get(s, (u16)((s->tpsr << 8) + i));
	if (!(s->tcr & TCR_LOOP))
		gm_net_send(s->net, frame, len);
	s->tsr = TSR_PTX;
	s->isr |= ISR_PTX;
	s->cr &= (u8)~CR_TXP;
	irq_update(s);
}

static bool rx_wanted(const struct ne2000 *s, const u8 *p)
{
	unsigned int hash;

	if (s->rcr & RCR_PROMISC)
		return true;
	if (net_is_broadcast(p))
		return s->rcr & RCR_BROAD;
	if (!(p[0] & 1))
		return !memcmp(p, s->par, 6);
	hash = net_mac_hash(p);
	return s->rcr & RCR_MULTI && s->mar[hash / 8] >> hash % 8 & 1;
}

/* Drivers set BNRY to one before the page they read next, also when that is before PSTART. */
static unsigned int pages_free(const struct ne2000 *s)
{
	unsigned int size = (unsigned int)(s->pstop - s->pstart);

	if (s->bnry > s->curr)
		return (unsigned int)(s->bnry - s->curr);
	return size - MIN(size, (unsigned int)(s->curr - s->bnry));
}

static void ring_put(struct ne2000 *s, const u8 *p, size_t len)
{
	unsigned int pages = (unsigned int)(len + 4 + 4 + 255) / 256;
	unsigned int next = s->curr + pages, i;
	u16 at = (u16)(s->curr << 8);
	u8 head[4];

	if (next >= s->pstop)
		next -= (unsigned int)(s->pstop - s->pstart);
	s->rsr = (u8)(RSR_PRX | (p[0] & 1 ? RSR_PHY : 0));
	head[0] = s->rsr;
	head[1] = (u8)next;
	/* The count has the frame check sequence in it; drivers take it for the header's. */
	head[2] = (u8)(len + 4);
	head[3] = (u8)((len + 4) >> 8);
	for (i = 0; i < len + 4; i++) {
		mem_put(s, at, i < 4 ? head[i] : p[i - 4]);
		if (++at == s->pstop << 8)
			at = (u16)(s->pstart << 8);
	}
	s->curr = (u8)next;
	s->isr |= ISR_PRX;
	irq_update(s);
}

static bool ne2000_receive(void *opaque, const u8 *frame, size_t len)
{
	struct ne2000 *s = opaque;
	u8 buf[FRAME_MAX] = {0};

	if (s->cr & CR_STOP || !(s->cr & CR_START) || s->rcr & RCR_MON || len > FRAME_MAX ||
	    s->pstart >= s->pstop || s->curr < s->pstart || s->curr >= s->pstop ||
	    !rx_wanted(s, frame))
		return true;
	memcpy(buf, frame, len);
	len = MAX(len, (size_t)FRAME_MIN);
	if ((len + 4 + 4 + 255) / 256 >= (size_t)(s->pstop - s->pstart))
		return true;
	if (pages_free(s) <= (len + 4 + 4 + 255) / 256) {
		/* The frame waits instead of being lost with an overflow. What lies in the ring is told once
		 * more: the driver may have ended that interrupt after its last look. */
		s->rx_wait = true;
		s->isr |= ISR_PRX;
		irq_update(s);
		return false;
	}
	ring_put(s, buf, len);
	return true;
}

/* ---- registers ---- */

static void reset(struct ne2000 *s)
{
	s->cr = CR_STOP | CR_DMA_OFF;
	s->isr = ISR_RST;
	s->imr = s->dcr = s->tcr = s->rcr = s->rsr = s->tsr = 0;
	irq_update(s);
	rx_ready(s);
}

static void cr_write(struct ne2000 *s, u8 val)
{
	/* Once started it runs until it is stopped: a command without either bit changes nothing. */
	s->cr = val | (val & CR_STOP ? 0 : s->cr & CR_START);
	if (val & CR_STOP) {
		s->isr |= ISR_RST;
		s->cr &= (u8)~CR_TXP;
		rx_ready(s);
		return;
	}
	s->isr &= (u8)~ISR_RST;
	/* A remote DMA of no bytes is complete at once. */
	if (!s->rbcr && (val & CR_DMA) && !(val & CR_DMA_OFF))
		s->isr |= ISR_RDC;
	if (val & CR_TXP)
		transmit(s);
	irq_update(s);
	rx_ready(s);
}

static u8 page0_read(const struct ne2000 *s, unsigned int reg)
{
	switch (reg) {
	case 0x02: return s->curr;
	case 0x03: return s->bnry;
	case 0x04: return s->tsr;
	case 0x07: return s->isr;
	case 0x08: return (u8)s->rsar;
	case 0x09: return (u8)(s->rsar >> 8);
	case 0x0a: return s->pci ? 0x50 : 0xff; /* RTL8029AS: its name */
	case 0x0b: return s->pci ? 0x43 : 0xff;
	case 0x0c: return s->rsr;
	default: return 0;
	}
}

static void page0_write(struct ne2000 *s, unsigned int reg, u8 val)
{
	switch (reg) {
	case 0x01: s->pstart = val; break;
	case 0x02: s->pstop = val; break;
	case 0x03:
		s->bnry = val;
		rx_ready(s);
		break;
	case 0x04: s->tpsr = val; break;
	case 0x05: s->tbcr = (u16)((s->tbcr & 0xff00) | val); break;
	case 0x06: s->tbcr = (u16)((s->tbcr & 0xff) | val << 8); break;
	case 0x07:
		s->isr &= (u8)~(val & 0x7f);
		irq_update(s);
		if (val & ISR_PRX)
			rx_ready(s);
		break;
	case 0x08: s->rsar = (u16)((s->rsar & 0xff00) | val); break;
	case 0x09: s->rsar = (u16)((s->rsar & 0xff) | val << 8); break;
	case 0x0a: s->rbcr = (u16)((s->rbcr & 0xff00) | val); break;
	case 0x0b: s->rbcr = (u16)((s->rbcr & 0xff) | val << 8); break;
	case 0x0c: s->rcr = val & 0x3f; break;
	case 0x0d: s->tcr = val & 0x1f; break;
	case 0x0e: s->dcr = val & 0x7f; break;
	case 0x0f:
		s->imr = val & 0x7f;
		irq_update(s);
		break;
	}
}

static u8 page1_read(const struct ne2000 *s, unsigned int reg)
{
	if (reg <= 6)
		return s->par[reg - 1];
	return reg == 7 ? s->curr : s->mar[reg - 8];
}

static void page1_write(struct ne2000 *s, unsigned int reg, u8 val)
{
	if (reg <= 6)
		s->par[reg - 1] = val;
	else if (reg == 7)
		s->curr = val;
	else
		s->mar[reg - 8] = val;
}

static u8 page2_read(const struct ne2000 *s, unsigned int reg)
{
	switch (reg) {
	case 0x01: return s->pstart;
	case 0x02: return s->pstop;
	case 0x04: return s->tpsr;
	case 0x0c: return s->rcr | 0xc0;
	case 0x0d: return s->tcr | 0xe0;
	case 0x0e: return s->dcr | 0x80;
	case 0x0f: return s->imr | 0x80;
	default: return 0;
	}
}

static u8 reg_read(struct ne2000 *s, unsigned int reg)
{
	if (!reg)
		return s->cr;
	switch (s->cr >> 6) {
	case 0: return page0_read(s, reg);
	case 1: return page1_read(s, reg);
	case 2: return page2_read(s, reg);
	default: return reg == 6 && s->pci ? 0x40 : 0; /* CONFIG3: full duplex */
	}
}

static void reg_write(struct ne2000 *s, unsigned int reg, u8 val)
{
	if (!reg)
		cr_write(s, val);
	else if (s->cr >> 6 == 0)
		page0_write(s, reg, val);
	else if (s->cr >> 6 == 1)
		page1_write(s, reg, val);
}

static u64 ports_read(void *opaque, u64 off, unsigned int size)
{
	struct ne2000 *s = opaque;
	u32 val = 0;
	unsigned int i;

	if (off >= PORT_DATA && off < PORT_RESET)
		return data_read(s, size);
	if (off >= PORT_RESET) {
		reset(s);
		return 0;
	}
	for (i = 0; i < size; i++)
		val |= (u32)reg_read(s, (unsigned int)off + i) << 8 * i;
	return val;
}

static void ports_write(void *opaque, u64 off, unsigned int size, u64 val)
{
	struct ne2000 *s = opaque;
	unsigned int i;

	if (off >= PORT_DATA && off < PORT_RESET) {
		data_write(s, size, (u32)val);
		return;
	}
	for (i = 0; i < size && off < PORT_DATA; i++)
		reg_write(s, (unsigned int)off + i, (u8)(val >> 8 * i));
}

static const struct gm_region_ops ports_ops = {
	.name = "ne2000",
	.read = ports_read,
	.write = ports_write,
	.min_size = 1,
	.max_size = 4,
};

/* ---- what both cards do ---- */

static void core_init(struct ne2000 *s, struct gm_net *net, const u8 *mac)
{
	struct gm_net_client client = {.receive = ne2000_receive, .opaque = s};
	unsigned int i;

	s->net = net;
	/* Each byte twice: an 8-bit card would differ in this. 57h marks the 16-bit one. */
	for (i = 0; i < PROM_SIZE; i++)
		s->prom[i] = i / 2 < 6 ? mac[i / 2] : i / 2 >= 14 ? 0x57 : 0;
	gm_net_set_client(net, &client);
}

static void core_reset(struct ne2000 *s)
{
	s->pstart = s->pstop = s->bnry = s->curr = s->tpsr = 0;
	s->tbcr = s->rsar = s->rbcr = 0;
	memset(s->par, 0, sizeof(s->par));
	memset(s->mar, 0, sizeof(s->mar));
	memset(s->ram, 0, sizeof(s->ram));
	reset(s);
}

static const struct gm_field core_fields[] = {
	GM_U8(struct ne2000, cr),
	GM_U8(struct ne2000, isr),
	GM_U8(struct ne2000, imr),
	GM_U8(struct ne2000, dcr),
	GM_U8(struct ne2000, tcr),
	GM_U8(struct ne2000, rcr),
	GM_U8(struct ne2000, rsr),
	GM_U8(struct ne2000, tsr),
	GM_U8(struct ne2000, pstart),
	GM_U8(struct ne2000, pstop),
	GM_U8(struct ne2000, bnry),
	GM_U8(struct ne2000, curr),
	GM_U8(struct ne2000, tpsr),
	GM_U16(struct ne2000, tbcr),
	GM_U16(struct ne2000, rsar),
	GM_U16(struct ne2000, rbcr),
	GM_BYTES(struct ne2000, par),
	GM_BYTES(struct ne2000, mar),
	GM_BOOL(struct ne2000, rx_wait),
	GM_BYTES(struct ne2000, ram),
	GM_OMIT(struct ne2000, net, "machine configuration"),
	GM_OMIT(struct ne2000, prom, "machine configuration"),
	GM_OMIT(struct ne2000, pci, "constant of the class"),
	GM_OMIT(struct ne2000, set_irq, "constant of the class"),
	GM_FIELDS_END,
};

static const struct gm_state_desc core_state = {
	.name = "dp8390",
	.version = 1,
	.size = sizeof(struct ne2000),
	.fields = core_fields,
};

/* ---- ISA ---- */

struct ne2000_isa {
	struct gm_dev dev;
	struct ne2000 core;
	struct gm_irq irq;
	struct gm_region *region;
};

static void isa_set_irq(struct ne2000 *s, int level)
{
	gm_irq_set(&container_of(s, struct ne2000_isa, core)->irq, level);
}

static int isa_init(struct gm_dev *d, const void *cfg_)
{
	struct ne2000_isa *s = container_of(d, struct ne2000_isa, dev);
	const struct ne2000_isa_cfg *cfg = cfg_;

	s->irq = cfg->irq;
	s->core.set_irq = isa_set_irq;
	s->region = gm_region_add(d->m->pio, cfg->base, PORTS, &ports_ops, &s->core);
	if (!s->region)
		return -ENOMEM;
	core_init(&s->core, cfg->net, cfg->mac);
	return 0;
}

static void isa_reset(struct gm_dev *d)
{
	core_reset(&container_of(d, struct ne2000_isa, dev)->core);
}

static void isa_resume(struct gm_dev *d)
{
	gm_net_ready(container_of(d, struct ne2000_isa, dev)->core.net);
}

static int isa_loaded(struct gm_dev *d)
{
	irq_update(&container_of(d, struct ne2000_isa, dev)->core);
	return 0;
}

static const struct gm_field isa_fields[] = {
	GM_STRUCT(struct ne2000_isa, core, &core_state),
	GM_OMIT(struct ne2000_isa, dev, "set up at creation"),
	GM_OMIT(struct ne2000_isa, irq, "machine configuration"),
	GM_OMIT(struct ne2000_isa, region, "set up at creation"),
	GM_FIELDS_END,
};

static const struct gm_state_desc isa_state = {
	.name = "ne2000-isa",
	.version = 1,
	.size = sizeof(struct ne2000_isa),
	.fields = isa_fields,
};

const struct gm_dev_class ne2000_isa_class = {
	.name = "ne2000-isa",
	.title = "NE2000 network card (ISA)",
	.size = sizeof(struct ne2000_isa),
	.state = &isa_state,
	.init = isa_init,
	.reset = isa_reset,
	.resume = isa_resume,
	.loaded = isa_loaded,
};

/* ---- PCI ---- */

struct ne2000_pci {
	struct gm_pci_dev pci;
	struct ne2000 core;
};

static void pci_set_irq(struct ne2000 *s, int level)
{
	gm_pci_irq(&container_of(s, struct ne2000_pci, core)->pci, level);
}

static int pci_init(struct gm_dev *d, const void *cfg_)
{
	static const struct gm_pci_bar bar = {.size = PORTS, .flags = GM_PCI_BAR_IO,
					      .ops = &ports_ops};
	struct ne2000_pci *s = container_of(d, struct ne2000_pci, pci.dev);
	const struct nic_cfg *cfg = cfg_;
	int err = gm_pci_init(&s->pci, &cfg->pci);

	s->core.set_irq = pci_set_irq;
	s->core.pci = true;
	if (!err)
		err = gm_pci_bar_add(&s->pci, 0, &bar, &s->core);
	if (!err && cfg->rom)
		err = gm_pci_bar_add(&s->pci, GM_PCI_ROM,
				     &(struct gm_pci_bar){.size = cfg->rom->size, .ram = cfg->rom},
				     NULL);
	if (!err)
		core_init(&s->core, cfg->net, cfg->mac);
	return err;
}

static void pci_reset(struct gm_dev *d)
{
	struct ne2000_pci *s = container_of(d, struct ne2000_pci, pci.dev);

	gm_pci_reset(&s->pci);
	core_reset(&s->core);
}

static void pci_resume(struct gm_dev *d)
{
	gm_net_ready(container_of(d, struct ne2000_pci, pci.dev)->core.net);
}

static int pci_loaded(struct gm_dev *d)
{
	gm_pci_loaded(container_of(d, struct gm_pci_dev, dev));
	return 0;
}

static const struct gm_field pci_fields[] = {
	GM_STRUCT(struct ne2000_pci, pci, &gm_pci_state),
	GM_STRUCT(struct ne2000_pci, core, &core_state),
	GM_FIELDS_END,
};

static const struct gm_state_desc pci_state = {
	.name = "ne2000",
	.version = 1,
	.size = sizeof(struct ne2000_pci),
	.fields = pci_fields,
};

const struct gm_pci_class ne2000_class = {
	.dev = {
		.name = "ne2000",
		.title = "RTL8029AS network card (NE2000 on PCI)",
		.size = sizeof(struct ne2000_pci),
		.state = &pci_state,
		.init = pci_init,
		.reset = pci_reset,
		.resume = pci_resume,
		.loaded = pci_loaded,
	},
	.vendor = 0x10ec,
	.device = 0x8029,
	.subvendor = 0x10ec,
	.subdevice = 0x8029,
	.class_code = 0x020000,
	.int_pin = 1,
};

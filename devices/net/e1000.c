// SPDX-License-Identifier: GPL-2.0-or-later
/* Intel 82540EM: registers, interrupts, EEPROM, PHY. Source: see e1000.h. */
#include "devices/net/e1000.h"

#include <errno.h>

#define EECD_SK      1u
#define EECD_CS      2u
#define EECD_DI      4u
#define EECD_DO      8u
#define EECD_REQ     0x40u
#define EECD_GNT     0x80u
#define EECD_PRES    0x100u
#define EERD_START   1u
#define EERD_DONE    0x10u
#define EE_CHECKSUM  0xbaba

#define MDIC_WRITE   1u
#define MDIC_READ    2u
#define MDIC_READY   (1u << 28)
#define MDIC_IRQ     (1u << 29)
#define MDIC_ERROR   (1u << 30)

#define PHY_CTRL     0
#define PHY_STATUS   1
#define PHY_LPA      5
#define PHY_1000_STATUS 10
#define PHY_M88_STATUS  17

#define STATUS_DEFAULT 0x0281u /* full duplex, 1000 Mb/s */

#define TIMER_UNIT_NS  1024
#define ITR_UNIT_NS    256

static void e1000_reset_regs(struct e1000 *s);

/* ---- interrupts (SDM 3.2.7, 13.4.17 to 13.4.21) ---- */

static void irq_update(struct e1000 *s)
{
	bool want = *e1000_reg(s, R_ICR) & *e1000_reg(s, R_IMS);
	u32 itr = *e1000_reg(s, R_ITR) & 0xffff;

	if (want == s->irq)
		return;
	if (want && gm_timer_active(&s->throttle))
		return;
	s->irq = want;
	gm_pci_irq(&s->pci, want);
	if (want && itr)
		gm_timer_set(&s->throttle,
			     gm_clock_now(s->pci.dev.m->clock) + (u64)itr * ITR_UNIT_NS);
}

static void throttle_end(void *opaque)
{
	irq_update(opaque);
}

void e1000_cause(struct e1000 *s, u32 causes)
{
	*e1000_reg(s, R_ICR) |= causes;
	irq_update(s);
}

void e1000_cause_delayed(struct e1000 *s, u32 cause, struct gm_timer *packet, u32 packet_reg,
			 struct gm_timer *absolute, u32 absolute_reg)
{
	u64 now = gm_clock_now(s->pci.dev.m->clock);
	u32 delay = *e1000_reg(s, packet_reg) & 0xffff, most = *e1000_reg(s, absolute_reg) & 0xffff;

	if (!delay) {
		e1000_cause(s, cause);
		return;
	}
	gm_timer_set(packet, now + (u64)delay * TIMER_UNIT_NS);
	if (most && !gm_timer_active(absolute))
		gm_timer_set(absolute, now + (u64)most * TIMER_UNIT_NS);
}

static void rx_timer(void *opaque)
{
	struct e1000 *s = opaque;

	gm_timer_cancel(&s->rdtr);
	gm_timer_cancel(&s->radv);
	e1000_cause(s, ICR_RXT0);
}

static void tx_timer(void *opaque)
{
	struct e1000 *s = opaque;

	gm_timer_cancel(&s->tidv);
	gm_timer_cancel(&s->tadv);
	e1000_cause(s, ICR_TXDW);
}

void e1000_count(struct e1000 *s, u32 counter, u64 n)
{
	u32 *r = e1000_reg(s, counter);

	/* Byte counts have 64 bits and wrap; packet counts stick at their maximum (SDM 13.7). */
	if (counter == R_GORCL || counter == R_GOTCL || counter == R_TORL || counter == R_TOTL) {
		u64 sum = ((u64)r[1] << 32 | r[0]) + n;

		r[0] = (u32)sum;
		r[1] = (u32)(sum >> 32);
	} else {
		*r = *r > UINT32_MAX - n ? UINT32_MAX : *r + (u32)n;
	}
}

/* ---- EEPROM and PHY ---- */

/* The map of SDM 5.6, as far as drivers look at it. */
static void eeprom_fill(struct e1000 *s)
{
	u16 *w = s->eeprom.word, sum = 0;
	unsigned int i;

	for (i = 0; i < 3; i++)
		w[i] = (u16)(s->mac[2 * i] | s->mac[2 * i + 1] << 8);
	w[0x04] = 0xffff;
	w[0x0a] = 0x4408;
	w[0x0b] = s->pci.pci->subdevice;
	w[0x0c] = s->pci.pci->subvendor;
	w[0x0d] = s->pci.pci->device;
	w[0x0e] = s->pci.pci->vendor;
	w[0x0f] = 0x3040;
	for (i = 0; i < 63; i++)
		sum = (u16)(sum + w[i]);
	w[63] = (u16)(EE_CHECKSUM - sum);
}

static void phy_reset(struct e1000 *s)
{
	static const struct {
		u8 reg;
		u16 val;
	} defaults[] = {
		{PHY_CTRL, 0x1140}, {PHY_STATUS, 0x7949}, {2, 0x0141}, {3, 0x0c20}, {4, 0x0de1},
		{9, 0x0e00}, {15, 0x3000}, {16, 0x0360}, {20, 0x0d60},
	};
	size_t i;

	memset(s->phy, 0, sizeof(s->phy));
	for (i = 0; i < ARRAY_SIZE(defaults); i++)
		s->phy[defaults[i].reg] = defaults[i].val;
}

/* What depends on the cable: link, negotiated abilities. */
static void link_update(struct e1000 *s)
{
	bool up = gm_net_link(s->net);
	u32 *status = e1000_reg(s, R_STATUS);

	*status = up ? *status | STATUS_LU : *status & ~STATUS_LU;
	s->phy[PHY_STATUS] = (u16)((s->phy[PHY_STATUS] & ~0x24) | (up ? 0x24 : 0));
	s->phy[PHY_LPA] = up ? 0x45e1 : 0;
	s->phy[PHY_1000_STATUS] = up ? 0x3c00 : 0;
	s->phy[PHY_M88_STATUS] = up ? 0xac08 : 0x8000;
}

static void link_changed(void *opaque, bool up)
{
	struct e1000 *s = opaque;

	link_update(s);
	e1000_cause(s, ICR_LSC);
	if (up)
		e1000_rx_ready(s);
}

static void phy_write(struct e1000 *s, unsigned int reg, u16 val)
{
	static const u32 writable = 1u << PHY_CTRL | 1u << 4 | 1u << 7 | 1u << 9 | 1u << 16 |
				    1u << 18 | 1u << 20 | 1u << 29 | 1u << 30;

	if (!(writable >> reg & 1))
		return;
	if (reg != PHY_CTRL) {
		s->phy[reg] = val;
		return;
	}
	if (val & 0x8000) {
		phy_reset(s);
		link_update(s);
		return;
	}
	/* Restarted negotiation ends at once. */
	s->phy[reg] = val & 0x7dff;
	if (val & 0x0200) {
		link_update(s);
		e1000_cause(s, ICR_LSC);
	}
}

static void mdic_write(struct e1000 *s, u32 off, u32 val)
{
	unsigned int reg = val >> 16 & 31, op = val >> 26 & 3;

	val &= ~(MDIC_READY | MDIC_ERROR);
	if ((val >> 21 & 31) != 1 || (op != MDIC_READ && op != MDIC_WRITE))
		val |= MDIC_ERROR;
	else if (op == MDIC_WRITE)
		phy_write(s, reg, (u16)val);
	else
		val = (val & 0xffff0000) | s->phy[reg];
	*e1000_reg(s, off) = val | MDIC_READY;
	if (val & MDIC_IRQ)
		e1000_cause(s, ICR_MDAC);
}

static u32 eecd_read(struct e1000 *s, u32 off)
{
	u32 val = *e1000_reg(s, off) & (EECD_SK | EECD_CS | EECD_DI | EECD_REQ);

	return val | EECD_PRES | (val & EECD_REQ ? EECD_GNT : 0) | (s->eeprom.out ? EECD_DO : 0);
}

static void eecd_write(struct e1000 *s, u32 off, u32 val)
{
	*e1000_reg(s, off) = val;
	eeprom93_set(&s->eeprom, val & EECD_CS, val & EECD_SK, val & EECD_DI);
}

static void eerd_write(struct e1000 *s, u32 off, u32 val)
{
	u32 addr = val >> 8 & 0xff;

	if (val & EERD_START)
		val = (u32)(addr < 64 ? s->eeprom.word[addr] : 0xffff) << 16 | addr << 8 | EERD_DONE;
	*e1000_reg(s, off) = val;
}

/* ---- registers ---- */

static void ctrl_write(struct e1000 *s, u32 off, u32 val)
{
	if (val & CTRL_PHYRST) {
		phy_reset(s);
		link_update(s);
	}
	*e1000_reg(s, off) = val & ~(CTRL_RST | CTRL_PHYRST);
	if (val & CTRL_RST)
		e1000_reset_regs(s);
}

static u32 icr_read(struct e1000 *s, u32 off)
{
	u32 val = *e1000_reg(s, R_ICR);

	*e1000_reg(s, R_ICR) = 0;
	irq_update(s);
	return val;
}

static void icr_write(struct e1000 *s, u32 off, u32 val)
{
	*e1000_reg(s, R_ICR) &= ~val;
	irq_update(s);
}

static void ics_write(struct e1000 *s, u32 off, u32 val)
{
	e1000_cause(s, val & 0x1ffff);
}

static void ims_write(struct e1000 *s, u32 off, u32 val)
{
	*e1000_reg(s, R_IMS) |= val & 0x1ffff;
	irq_update(s);
}

static void imc_write(struct e1000 *s, u32 off, u32 val)
{
	*e1000_reg(s, R_IMS) &= ~val;
	irq_update(s);
}

static void rctl_write(struct e1000 *s, u32 off, u32 val)
{
	*e1000_reg(s, off) = val;
	e1000_rx_ready(s);
}

static void rdt_write(struct e1000 *s, u32 off, u32 val)
{
	*e1000_reg(s, off) = val & 0xffff;
	e1000_rx_ready(s);
}

static void rdtr_write(struct e1000 *s, u32 off, u32 val)
{
	*e1000_reg(s, off) = val & 0xffff;
	/* Bit 31 flushes: the interrupt comes now. */
	if (val >> 31 && gm_timer_active(&s->rdtr))
		rx_timer(s);
}

static void tctl_write(struct e1000 *s, u32 off, u32 val)
{
	*e1000_reg(s, off) = val;
	e1000_tx_run(s);
}

static void tdt_write(struct e1000 *s, u32 off, u32 val)
{
	*e1000_reg(s, off) = val & 0xffff;
	e1000_tx_run(s);
}

static u32 zero_read(struct e1000 *s, u32 off)
{
	return 0;
}

static u32 clear_read(struct e1000 *s, u32 off)
{
	u32 val = *e1000_reg(s, off);

	*e1000_reg(s, off) = 0;
	return val;
}

static void no_write(struct e1000 *s, u32 off, u32 val)
{
}

/* Ranges in ascending order; what is in none reads as 0. Without functions: storage. */
static const struct range {
	u16 first, last;
	u32 mask; /* bits that can be written */
	u32 (*read)(struct e1000 *s, u32 off);
	void (*write)(struct e1000 *s, u32 off, u32 val);
} ranges[] = {
	{R_CTRL, R_CTRL, ~0u, NULL, ctrl_write},
	{R_STATUS, R_STATUS, 0, NULL, no_write},
	{R_EECD, R_EECD, ~0u, eecd_read, eecd_write},
	{R_EERD, R_EERD, ~0u, NULL, eerd_write},
	{R_CTRLX, R_CTRLX, ~0u, NULL, NULL},
	{R_MDIC, R_MDIC, ~0u, NULL, mdic_write},
	{R_FCAL, R_FCAH, ~0u, NULL, NULL},
	{R_FCT, R_FCT, 0xffff, NULL, NULL},
	{R_VET, R_VET, 0xffff, NULL, NULL},
	{R_ICR, R_ICR, ~0u, icr_read, icr_write},
	{R_ITR, R_ITR, 0xffff, NULL, NULL},
	{R_ICS, R_ICS, ~0u, zero_read, ics_write},
	{R_IMS, R_IMS, ~0u, NULL, ims_write},
	{R_IMC, R_IMC, ~0u, zero_read, imc_write},
	{R_RCTL, R_RCTL, ~0u, NULL, rctl_write},
	{R_FCTTV, R_FCTTV, 0xffff, NULL, NULL},
	{R_TXCW, R_TXCW, ~0u, NULL, NULL},
	{R_TCTL, R_TCTL, ~0u, NULL, tctl_write},
	{R_TIPG, R_TIPG, ~0u, NULL, NULL},
	{R_AIT, R_AIT, 0xffff, NULL, NULL},
	{R_LEDCTL, R_LEDCTL, ~0u, NULL, NULL},
	{R_PBA, R_PBA, 0xffff, NULL, NULL},
	{R_FCRTL, R_FCRTL, ~0u, NULL, NULL},
	{R_FCRTH, R_FCRTH, ~0u, NULL, NULL},
	{R_RDBAL, R_RDBAL, ~15u, NULL, NULL},
	{R_RDBAH, R_RDBAH, ~0u, NULL, NULL},
	{R_RDLEN, R_RDLEN, 0xfff80, NULL, NULL},
	{R_RDH, R_RDH, 0xffff, NULL, NULL},
	{R_RDT, R_RDT, 0xffff, NULL, rdt_write},
	{R_RDTR, R_RDTR, ~0u, NULL, rdtr_write},
	{R_RXDCTL, R_RXDCTL, ~0u, NULL, NULL},
	{R_RADV, R_RADV, 0xffff, NULL, NULL},
	{R_TDBAL, R_TDBAL, ~15u, NULL, NULL},
	{R_TDBAH, R_TDBAH, ~0u, NULL, NULL},
	{R_TDLEN, R_TDLEN, 0xfff80, NULL, NULL},
	{R_TDH, R_TDH, 0xffff, NULL, NULL},
	{R_TDT, R_TDT, 0xffff, NULL, tdt_write},
	{R_TIDV, R_TIDV, 0xffff, NULL, NULL},
	{R_TXDCTL, R_TXDCTL, ~0u, NULL, NULL},
	{R_TADV, R_TADV, 0xffff, NULL, NULL},
	{R_STATS, 0x40fc, 0, clear_read, no_write},
	{R_RXCSUM, R_RXCSUM, 0x3ff, NULL, NULL},
	{R_MTA, R_MTA + 4 * 127, ~0u, NULL, NULL},
	{R_RA, R_RA + 4 * 31, ~0u, NULL, NULL},
	{R_VFTA, R_VFTA + 4 * 127, ~0u, NULL, NULL},
	{0x5800, 0x5ffc, ~0u, NULL, NULL}, /* wake-up: kept, without effect */
};

static const struct range *range_find(u32 off)
{
	size_t lo = 0, hi = ARRAY_SIZE(ranges);

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (off > ranges[mid].last)
			lo = mid + 1;
		else if (off < ranges[mid].first)
			hi = mid;
		else
			return &ranges[mid];
	}
	return NULL;
}

static u64 mmio_read(void *opaque, u64 off, unsigned int size)
{
	struct e1000 *s = opaque;
	const struct range *r = range_find((u32)off);

	if (!r)
		return 0;
	return r->read ? r->read(s, (u32)off) : *e1000_reg(s, (u32)off);
}

static void mmio_write(void *opaque, u64 off, unsigned int size, u64 val)
{
	struct e1000 *s = opaque;
	const struct range *r = range_find((u32)off);

	if (!r)
		return;
	if (r->write)
		r->write(s, (u32)off, (u32)val);
	else
		*e1000_reg(s, (u32)off) = (u32)val & r->mask;
}

/* SDM 13.2: 32-bit accesses only. */
static const struct gm_region_ops mmio_ops = {
	.name = "e1000",
	.read = mmio_read,
	.write = mmio_write,
	.min_size = 4,
	.max_size = 4,
};

/* The I/O window: address at 0, data at 4 (SDM 13.2.2). */
static u64 io_read(void *opaque, u64 off, unsigned int size)
{
	struct e1000 *s = opaque;

	if (off == 0)
		return s->ioaddr;
	return off == 4 && s->ioaddr < 0x20000 ? mmio_read(s, s->ioaddr & ~3u, 4) : 0;
}

static void io_write(void *opaque, u64 off, unsigned int size, u64 val)
{
	struct e1000 *s = opaque;

	if (off == 0)
		s->ioaddr = (u32)val;
	else if (off == 4 && s->ioaddr < 0x20000)
		mmio_write(s, s->ioaddr & ~3u, 4, val);
}

static const struct gm_region_ops io_ops = {
	.name = "e1000-io",
	.read = io_read,
	.write = io_write,
	.min_size = 4,
	.max_size = 4,
};

/* ---- reset and class ---- */

static void e1000_reset_regs(struct e1000 *s)
{
	u32 *ra = e1000_reg(s, R_RA);

	gm_timer_cancel(&s->throttle);
	gm_timer_cancel(&s->rdtr);
	gm_timer_cancel(&s->radv);
	gm_timer_cancel(&s->tidv);
	gm_timer_cancel(&s->tadv);
	gm_timer_cancel(&s->tx_more);
	memset(s->reg, 0, sizeof(s->reg));
	memset(s->ctx, 0, sizeof(s->ctx));
	s->tx_len = s->tx_cmd = 0;
	s->tx_popts = s->tx_css = s->tx_cso = 0;
	s->tx_special = 0;
	s->tx_open = s->tx_drop = false;
	*e1000_reg(s, R_CTRL) = 1;
	*e1000_reg(s, R_STATUS) = STATUS_DEFAULT;
	*e1000_reg(s, R_LEDCTL) = 0x0602;
	*e1000_reg(s, R_PBA) = 0x00100030;
	/* The first address comes from the EEPROM, valid (bit 31). */
	ra[0] = s->mac[0] | s->mac[1] << 8 | s->mac[2] << 16 | (u32)s->mac[3] << 24;
	ra[1] = s->mac[4] | (u32)s->mac[5] << 8 | 1u << 31;
	link_update(s);
	irq_update(s);
	e1000_rx_ready(s);
}

static void e1000_reset(struct gm_dev *d)
{
	struct e1000 *s = container_of(d, struct e1000, pci.dev);

	gm_pci_reset(&s->pci);
	s->irq = false;
	s->ioaddr = 0;
	phy_reset(s);
	eeprom93_set(&s->eeprom, false, false, false);
	e1000_reset_regs(s);
}

static int e1000_init(struct gm_dev *d, const void *cfg_)
{
	static const struct gm_pci_bar mmio = {.size = 128 * KiB, .ops = &mmio_ops};
	static const struct gm_pci_bar io = {.size = 64, .flags = GM_PCI_BAR_IO, .ops = &io_ops};
	struct e1000 *s = container_of(d, struct e1000, pci.dev);
	const struct nic_cfg *cfg = cfg_;
	struct gm_net_client client = {.receive = e1000_receive, .link_changed = link_changed,
				       .opaque = s};
	int err = gm_pci_init(&s->pci, &cfg->pci);

	if (!err)
		err = gm_pci_bar_add(&s->pci, 0, &mmio, s);
	if (!err)
		err = gm_pci_bar_add(&s->pci, 1, &io, s);
	if (!err && cfg->rom)
		err = gm_pci_bar_add(&s->pci, GM_PCI_ROM,
				     &(struct gm_pci_bar){.size = cfg->rom->size, .ram = cfg->rom},
				     NULL);
	if (err)
		return err;
	s->net = cfg->net;
	memcpy(s->mac, cfg->mac, 6);
	gm_timer_init(&s->throttle, d->m->clock, throttle_end, s);
	gm_timer_init(&s->rdtr, d->m->clock, rx_timer, s);
	gm_timer_init(&s->radv, d->m->clock, rx_timer, s);
	gm_timer_init(&s->tidv, d->m->clock, tx_timer, s);
	gm_timer_init(&s->tadv, d->m->clock, tx_timer, s);
	gm_timer_init(&s->tx_more, d->m->clock, e1000_tx_more, s);
	eeprom_fill(s);
	gm_net_set_client(s->net, &client);
	return 0;
}

static void e1000_resume(struct gm_dev *d)
{
	gm_net_ready(container_of(d, struct e1000, pci.dev)->net);
}

static int e1000_loaded(struct gm_dev *d)
{
	struct e1000 *s = container_of(d, struct e1000, pci.dev);

	if (s->tx_len > NET_TX_MAX || s->eeprom.addr > 63)
		return -EINVAL;
	gm_pci_loaded(&s->pci);
	link_update(s);
	return 0;
}

static void e1000_fini(struct gm_dev *d)
{
	struct e1000 *s = container_of(d, struct e1000, pci.dev);

	gm_timer_cancel(&s->throttle);
	gm_timer_cancel(&s->rdtr);
	gm_timer_cancel(&s->radv);
	gm_timer_cancel(&s->tidv);
	gm_timer_cancel(&s->tadv);
	gm_timer_cancel(&s->tx_more);
}

static const struct gm_field ctx_fields[] = {
	GM_U8(struct e1000_ctx, ipcss),
	GM_U8(struct e1000_ctx, ipcso),
	GM_U8(struct e1000_ctx, tucss),
	GM_U8(struct e1000_ctx, tucso),
	GM_U16(struct e1000_ctx, ipcse),
	GM_U16(struct e1000_ctx, tucse),
	GM_U32(struct e1000_ctx, paylen),
	GM_U8(struct e1000_ctx, tucmd),
	GM_U8(struct e1000_ctx, hdrlen),
	GM_U16(struct e1000_ctx, mss),
	GM_FIELDS_END,
};

static const struct gm_state_desc ctx_state = {
	.name = "e1000-context",
	.version = 1,
	.size = sizeof(struct e1000_ctx),
	.fields = ctx_fields,
};

static const struct gm_field e1000_fields[] = {
	GM_STRUCT(struct e1000, pci, &gm_pci_state),
	GM_U32(struct e1000, reg),
	GM_U16(struct e1000, phy),
	GM_STRUCT(struct e1000, eeprom, &eeprom93_state),
	GM_U32(struct e1000, ioaddr),
	GM_TIMER(struct e1000, throttle),
	GM_TIMER(struct e1000, rdtr),
	GM_TIMER(struct e1000, radv),
	GM_TIMER(struct e1000, tidv),
	GM_TIMER(struct e1000, tadv),
	GM_BOOL(struct e1000, irq),
	GM_TIMER(struct e1000, tx_more),
	GM_STRUCTS(struct e1000, ctx, struct e1000_ctx, &ctx_state),
	GM_U32(struct e1000, tx_len),
	GM_U32(struct e1000, tx_cmd),
	GM_U8(struct e1000, tx_popts),
	GM_U16(struct e1000, tx_special),
	GM_U8(struct e1000, tx_css),
	GM_U8(struct e1000, tx_cso),
	GM_BOOL(struct e1000, tx_open),
	GM_BOOL(struct e1000, tx_drop),
	GM_BOOL(struct e1000, rx_wait),
	GM_BYTES(struct e1000, tx),
	GM_OMIT(struct e1000, net, "machine configuration"),
	GM_OMIT(struct e1000, mac, "machine configuration"),
	GM_FIELDS_END,
};

static const struct gm_state_desc e1000_state = {
	.name = "e1000",
	.version = 1,
	.size = sizeof(struct e1000),
	.fields = e1000_fields,
};

const struct gm_pci_class e1000_class = {
	.dev = {
		.name = "e1000",
		.title = "Intel 82540EM network card",
		.size = sizeof(struct e1000),
		.state = &e1000_state,
		.init = e1000_init,
		.reset = e1000_reset,
		.resume = e1000_resume,
		.loaded = e1000_loaded,
		.fini = e1000_fini,
	},
	.vendor = 0x8086,
	.device = 0x100e,
	.subvendor = 0x8086,
	.subdevice = 0x001e,
	.class_code = 0x020000,
	.revision = 0x02,
	.int_pin = 1,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PCI bus: configuration space of the devices, decoding of their base address registers, and
 * the wired-OR interrupt lines. One bus, no bridges behind it: what a 440FX board has.
 * Source: PCI Local Bus Specification 2.2, chapter 6 (configuration space) and 2.2.6 (interrupts).
 */
#include <errno.h>
#include <stdlib.h>

#include "devices/pci/pci.h"

#define PCI_COMMAND      0x04
#define PCI_STATUS       0x06
#define PCI_BAR0         0x10
#define PCI_ROM_BAR      0x30
#define PCI_CAP_PTR      0x34
#define PCI_INT_LINE     0x3c
#define PCI_INT_PIN      0x3d

#define CMD_IO           0x0001
#define CMD_MEM          0x0002
#define CMD_WRITABLE     0x0547 /* I/O, memory, master, parity, SERR#, INTx disable */
#define CMD_INTX_OFF     0x0400
#define STATUS_INT       0x08   /* low byte */
#define STATUS_CAPS      0x10
#define STATUS_W1C_HI    0xf9   /* high byte: parity and abort bits */
#define ROM_ENABLE       1

#define PCI_LINES        4

struct gm_pci_bus {
	struct gm_machine *m;
	struct gm_pci_dev *devs[256]; /* by devfn */
	struct gm_pci_bus_ops ops;
	struct gm_pci_cf9 cf9;
	unsigned int lines;           /* asserted now, bit per line */
};

static const struct gm_field pci_fields[] = {
	GM_BYTES(struct gm_pci_dev, config),
	GM_BOOL(struct gm_pci_dev, irq_level),
	GM_OMIT(struct gm_pci_dev, dev, "set up at creation"),
	GM_OMIT(struct gm_pci_dev, pci, "set up at creation"),
	GM_OMIT(struct gm_pci_dev, bus, "set up at creation"),
	GM_OMIT(struct gm_pci_dev, devfn, "machine configuration"),
	GM_OMIT(struct gm_pci_dev, wmask, "constant of the class"),
	GM_OMIT(struct gm_pci_dev, w1cmask, "constant of the class"),
	GM_OMIT(struct gm_pci_dev, bars, "constant of the class"),
	GM_OMIT(struct gm_pci_dev, regions, "follows from config"),
	GM_OMIT(struct gm_pci_dev, caps, "constant of the class"),
	GM_FIELDS_END,
};

const struct gm_state_desc gm_pci_state = {
	.name = "pci",
	.version = 1,
	.size = sizeof(struct gm_pci_dev),
	.fields = pci_fields,
};

struct gm_pci_bus *gm_pci_bus_new(struct gm_machine *m)
{
	struct gm_pci_bus *b = calloc(1, sizeof(*b));

	if (b)
		b->m = m;
	return b;
}

void gm_pci_bus_free(struct gm_pci_bus *b)
{
	free(b);
}

void gm_pci_bus_set_ops(struct gm_pci_bus *b, const struct gm_pci_bus_ops *ops)
{
	b->ops = *ops;
}

void gm_pci_bus_set_cf9(struct gm_pci_bus *b, const struct gm_pci_cf9 *cf9)
{
	b->cf9 = *cf9;
}

const struct gm_pci_cf9 *gm_pci_bus_cf9(const struct gm_pci_bus *b)
{
	return &b->cf9;
}

struct gm_pci_dev *gm_pci_bus_find(struct gm_pci_bus *b, u8 devfn)
{
	return b->devs[devfn];
}

unsigned int gm_pci_bus_lines(const struct gm_pci_bus *b)
{
	return b->lines;
}

/* ---- interrupts ---- */

static bool pci_irq_driven(const struct gm_pci_dev *d)
{
	return d->irq_level && d->pci->int_pin &&
	       !(gm_pci_get16(d, PCI_COMMAND) & CMD_INTX_OFF);
}

/* Lines are few and change seldom: looking at every device is simpler than counting holders. */
static void pci_irq_update(struct gm_pci_bus *b)
{
	unsigned int lines = 0, changed, i;

	if (!b->ops.route)
		return;
	for (i = 0; i < ARRAY_SIZE(b->devs); i++) {
		const struct gm_pci_dev *d = b->devs[i];

		if (d && pci_irq_driven(d)) {
			int pin = (d->pci->int_pin - 1) & 3;

			lines |= 1u << (b->ops.route(b->ops.opaque, d->devfn, pin) & 3);
		}
	}
	changed = lines ^ b->lines;
	b->lines = lines;
	for (i = 0; i < PCI_LINES; i++)
		if (changed & 1u << i && b->ops.set_irq)
			b->ops.set_irq(b->ops.opaque, (int)i, lines >> i & 1);
}

void gm_pci_irq(struct gm_pci_dev *d, int level)
{
	d->irq_level = level != 0;
	if (level)
		d->config[PCI_STATUS] |= STATUS_INT;
	else
		d->config[PCI_STATUS] &= (u8)~STATUS_INT;
	pci_irq_update(d->bus);
}

/* ---- base address registers ---- */

static unsigned int pci_bar_off(unsigned int n)
{
	return n == GM_PCI_ROM ? PCI_ROM_BAR : PCI_BAR0 + 4 * n;
}

static u32 pci_get32(const struct gm_pci_dev *d, unsigned int off)
{
	return (u32)gm_pci_get16(d, off + 2) << 16 | gm_pci_get16(d, off);
}

static void pci_put32(u8 *p, u32 v)
{
	p[0] = (u8)v;
	p[1] = (u8)(v >> 8);
	p[2] = (u8)(v >> 16);
	p[3] = (u8)(v >> 24);
}

/*
 * A BAR that holds 0 is taken as not programmed, and so is one whose window does not fit into the
 * address space: both are what firmware leaves behind between sizing and assigning.
 */
u64 gm_pci_bar_base(const struct gm_pci_dev *d, unsigned int n)
{
	const struct gm_pci_bar *bar = &d->bars[n];
	u16 cmd = gm_pci_get16(d, PCI_COMMAND);
	u64 base, limit = 1ULL << 32;

	if (!bar->size)
		return UINT64_MAX;
	base = pci_get32(d, pci_bar_off(n));
	if (n == GM_PCI_ROM && !(base & ROM_ENABLE))
		return UINT64_MAX;
	if (bar->flags & GM_PCI_BAR_IO) {
		if (!(cmd & CMD_IO))
			return UINT64_MAX;
		limit = 1ULL << 16;
	} else {
		if (!(cmd & CMD_MEM))
			return UINT64_MAX;
		if (bar->flags & GM_PCI_BAR_64) {
			base |= (u64)pci_get32(d, pci_bar_off(n) + 4) << 32;
			limit = 1ULL << 52;
		}
	}
	base &= ~(bar->size - 1);
	if (!base || base >= limit || bar->size > limit - base)
		return UINT64_MAX;
	return base;
}

static void pci_bars_update(struct gm_pci_dev *d)
{
	unsigned int n;

	for (n = 0; n < ARRAY_SIZE(d->bars); n++) {
		u64 base;

		if (!d->regions[n])
			continue;
		base = gm_pci_bar_base(d, n);
		if (base == UINT64_MAX) {
			gm_region_enable(d->regions[n], false);
			continue;
		}
		gm_region_move(d->regions[n], base);
		gm_region_enable(d->regions[n], true);
	}
}

static void pci_bar_masks(struct gm_pci_dev *d, unsigned int n)
{
	const struct gm_pci_bar *bar = &d->bars[n];
	unsigned int off = pci_bar_off(n);
	u64 mask = ~(bar->size - 1);
	u8 low = 0;

	if (n == GM_PCI_ROM) {
		mask |= ROM_ENABLE;
	} else if (bar->flags & GM_PCI_BAR_IO) {
		low = 1;
	} else {
		low = (bar->flags & GM_PCI_BAR_64 ? 4 : 0) |
		      (bar->flags & GM_PCI_BAR_PREFETCH ? 8 : 0);
	}
	pci_put32(d->wmask + off, (u32)mask);
	pci_put32(d->config + off, low);
	if (bar->flags & GM_PCI_BAR_64) {
		pci_put32(d->wmask + off + 4, (u32)(mask >> 32));
		pci_put32(d->config + off + 4, 0);
	}
}

int gm_pci_bar_add(struct gm_pci_dev *d, unsigned int n, const struct gm_pci_bar *bar, void *opaque)
{
	struct gm_machine *m = d->dev.m;
	u64 min = bar->flags & GM_PCI_BAR_IO ? 4 : n == GM_PCI_ROM ? 2048 : 16;
	struct gm_region *r;

	if (n >= ARRAY_SIZE(d->bars) || bar->size < min || bar->size & (bar->size - 1))
		return -EINVAL;
	if (bar->flags & GM_PCI_BAR_64 && n + 1 >= GM_PCI_NBARS)
		return -EINVAL;
	if (bar->ram)
		r = gm_ram_map(m->mem, bar->ram, 0, 0, bar->size, GM_PRIO_PCI, n == GM_PCI_ROM);
	else
		r = gm_region_add_prio(bar->flags & GM_PCI_BAR_IO ? m->pio : m->mem, 0, bar->size,
				       GM_PRIO_PCI, bar->ops, opaque);
	if (!r)
		return -ENOMEM;
	gm_region_enable(r, false);
	d->bars[n] = *bar;
	d->regions[n] = r;
	pci_bar_masks(d, n);
	return 0;
}

/* ---- DMA ---- */

/* Bytes from gpa to the end of its page, or len. */
static size_t pci_dma_piece(u64 gpa, size_t len)
{
	return MIN((u64)len, 4096 - (gpa & 4095));
}

void gm_pci_dma_read(struct gm_pci_dev *d, u64 gpa, void *buf, size_t len)
{
	u8 *p = buf;

	while (len) {
		size_t n = len;
		void *host = gm_dma_map(d->dev.m->mem, gpa, &n, false);

		if (host && gm_pci_bus_master(d)) {
			memcpy(p, host, n);
		} else {
			n = pci_dma_piece(gpa, len);
			memset(p, 0xff, n);
		}
		p += n;
		gpa += n;
		len -= n;
	}
}

void gm_pci_dma_write(struct gm_pci_dev *d, u64 gpa, const void *buf, size_t len)
{
	const u8 *p = buf;

	while (len) {
		size_t n = len;
		void *host = gm_dma_map(d->dev.m->mem, gpa, &n, true);

		if (host && gm_pci_bus_master(d)) {
			memcpy(host, p, n);
			gm_dma_dirty(d->dev.m->mem, gpa, n);
		} else {
			n = pci_dma_piece(gpa, len);
		}
		p += n;
		gpa += n;
		len -= n;
	}
}

/* ---- configuration space ---- */

static void pci_header_set(struct gm_pci_dev *d)
{
	const struct gm_pci_class *c = d->pci;
	unsigned int n;

	memset(d->config, 0, 0x40);
	gm_pci_set16(d, 0x00, c->vendor);
	gm_pci_set16(d, 0x02, c->device);
	d->config[0x08] = c->revision;
	d->config[0x09] = (u8)c->class_code;
	d->config[0x0a] = (u8)(c->class_code >> 8);
	d->config[0x0b] = (u8)(c->class_code >> 16);
	d->config[0x0e] = c->header_type;
	gm_pci_set16(d, 0x2c, c->subvendor);
	gm_pci_set16(d, 0x2e, c->subdevice);
	d->config[PCI_INT_PIN] = c->int_pin;
	d->config[PCI_CAP_PTR] = d->caps;
	if (d->caps)
		d->config[PCI_STATUS] |= STATUS_CAPS;
	for (n = 0; n < ARRAY_SIZE(d->bars); n++)
		if (d->bars[n].size)
			pci_bar_masks(d, n);
}

void gm_pci_cap_add(struct gm_pci_dev *d, u8 off, u8 id)
{
	d->config[off] = id;
	d->config[off + 1] = d->caps;
	d->caps = off;
	pci_header_set(d);
}

int gm_pci_init(struct gm_pci_dev *d, const struct gm_pci_cfg *cfg)
{
	if (cfg->bus->devs[cfg->devfn])
		return -EBUSY;
	d->pci = container_of(d->dev.cls, struct gm_pci_class, dev);
	d->bus = cfg->bus;
	d->devfn = cfg->devfn;
	cfg->bus->devs[cfg->devfn] = d;

	d->wmask[PCI_COMMAND] = (u8)CMD_WRITABLE;
	d->wmask[PCI_COMMAND + 1] = CMD_WRITABLE >> 8;
	d->w1cmask[PCI_STATUS + 1] = STATUS_W1C_HI;
	d->wmask[0x0c] = 0xff; /* cache line size */
	d->wmask[0x0d] = 0xff; /* latency timer */
	d->wmask[PCI_INT_LINE] = 0xff;
	pci_header_set(d);
	return 0;
}

void gm_pci_reset(struct gm_pci_dev *d)
{
	pci_header_set(d);
	pci_bars_update(d);
	gm_pci_irq(d, 0);
}

void gm_pci_loaded(struct gm_pci_dev *d)
{
	pci_bars_update(d);
	pci_irq_update(d->bus);
}

static struct gm_pci_dev *pci_dev_at(struct gm_pci_bus *b, u32 addr)
{
	return addr >> 16 & 0xff ? NULL : b->devs[addr >> 8 & 0xff];
}

u32 gm_pci_config_read(struct gm_pci_bus *b, u32 addr, unsigned int size)
{
	u32 mask = size >= 4 ? UINT32_MAX : (1u << 8 * size) - 1;
	struct gm_pci_dev *d = pci_dev_at(b, addr);
	unsigned int off = addr & 0xff;
	u32 val = 0;
	unsigned int i;

	if (!d || (off & 3) + size > 4)
		return mask;
	for (i = 0; i < size; i++)
		val |= (u32)d->config[off + i] << 8 * i;
	if (d->pci->config_read)
		val = d->pci->config_read(d, off, size, val);
	return val & mask;
}

void gm_pci_config_write(struct gm_pci_bus *b, u32 addr, unsigned int size, u32 val)
{
	struct gm_pci_dev *d = pci_dev_at(b, addr);
	unsigned int off = addr & 0xff;
	unsigned int i;

	if (!d || (off & 3) + size > 4)
		return;
	for (i = 0; i < size; i++) {
		u8 v = (u8)(val >> 8 * i), w = d->wmask[off + i];
		u8 *p = &d->config[off + i];

		*p = (u8)((*p & ~w) | (v & w));
		*p &= (u8)~(v & d->w1cmask[off + i]);
	}
	if (off < PCI_STATUS && off + size > PCI_COMMAND) {
		pci_bars_update(d);
		pci_irq_update(b);
	} else if (off >= PCI_BAR0 && off < PCI_INT_LINE) {
		pci_bars_update(d);
	}
	if (d->pci->config_written)
		d->pci->config_written(d, off, size);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intel 82371SB PCI-to-ISA bridge: steering of PIRQA#..D# to ISA interrupts, and the reset
 * control register at port CF9h. The ISA devices behind it are devices of their own.
 * Source: Intel 82371FB/82371SB datasheet (290550), sections 2.2 and 2.5.8.
 */
#include "devices/pci/piix3.h"

#define REG_PIRQRCA  0x60
#define PIRQ_OFF     0x80 /* not routed */
#define PIRQ_VALID   0xdef8 /* IRQ 0, 1, 2, 8 and 13 are reserved */
#define REG_XBCS     0x4e
#define REG_TOM      0x69
#define SCI_IRQ      9

#define RCR_SRST     2 /* hard reset when the reset goes off */
#define RCR_RCPU     4 /* its rising edge resets */

struct piix3 {
	struct gm_pci_dev pci;
	struct gm_irq irq[16];
	u16 levels; /* what the ISA lines carry now */
	u8 sci;
	u8 rcr;
};

/* ISA lines that are held: those of asserted PIRQs that are routed somewhere, and the SCI's. */
static u16 piix3_levels(const struct piix3 *s)
{
	unsigned int lines = gm_pci_bus_lines(s->pci.bus);
	u16 levels = s->sci ? 1u << SCI_IRQ : 0;
	int i;

	for (i = 0; i < 4; i++) {
		u8 route = s->pci.config[REG_PIRQRCA + i];

		if (lines >> i & 1 && !(route & PIRQ_OFF))
			levels |= (u16)(1u << (route & 15)) & PIRQ_VALID;
	}
	return levels;
}

static void piix3_irq_update(struct piix3 *s)
{
	u16 levels = piix3_levels(s);
	u16 changed = levels ^ s->levels;
	int i;

	s->levels = levels;
	for (i = 0; i < 16; i++)
		if (changed >> i & 1)
			gm_irq_set(&s->irq[i], levels >> i & 1);
}

void gm_piix3_set_sci(void *opaque, int line, int level)
{
	struct piix3 *s = container_of((struct gm_dev *)opaque, struct piix3, pci.dev);

	s->sci = level != 0;
	piix3_irq_update(s);
}

/* Slot 1 has INTA# on PIRQA; each further slot is turned by one, as PC boards wire them. */
static int piix3_route(void *opaque, u8 devfn, int pin)
{
	return ((devfn >> 3) + pin + 3) & 3;
}

static void piix3_pirq(void *opaque, int line, int level)
{
	piix3_irq_update(opaque);
}

static u8 piix3_rcr_read(void *opaque)
{
	struct piix3 *s = opaque;

	return s->rcr;
}

static void piix3_rcr_write(void *opaque, u8 val)
{
	struct piix3 *s = opaque;

	if (val & RCR_RCPU && !(s->rcr & RCR_RCPU))
		gm_machine_request_reset(s->pci.dev.m);
	s->rcr = val & RCR_SRST;
}

static void piix3_config_written(struct gm_pci_dev *d, unsigned int off, unsigned int size)
{
	if (off < REG_PIRQRCA + 4 && off + size > REG_PIRQRCA)
		piix3_irq_update(container_of(d, struct piix3, pci));
}

static int piix3_init(struct gm_dev *d, const void *cfg)
{
	struct piix3 *s = container_of(d, struct piix3, pci.dev);
	const struct gm_piix3_cfg *c = cfg;
	struct gm_pci_bus_ops ops = {.route = piix3_route, .set_irq = piix3_pirq, .opaque = s};
	struct gm_pci_cf9 cf9 = {.read = piix3_rcr_read, .write = piix3_rcr_write, .opaque = s};
	/* Registers that hold what is written: recovery timer, chip selects, steering, memory top,
	 * motherboard IRQ and DMA, APIC base, deterministic latency, SMI control. */
	static const u8 writable[][2] = {
		{0x4c, 0xff}, {0x4e, 0xff}, {0x4f, 0x01}, {0x60, 0x8f}, {0x61, 0x8f}, {0x62, 0x8f},
		{0x63, 0x8f}, {0x69, 0xfe}, {0x6a, 0xff}, {0x6b, 0x80}, {0x70, 0xef}, {0x71, 0xef},
		{0x76, 0x8f}, {0x77, 0x8f}, {0x78, 0xff}, {0x79, 0xff}, {0x80, 0x7f}, {0x82, 0x0f},
		{0xa0, 0x1f}, {0xa2, 0xff}, {0xa3, 0x01}, {0xa4, 0xff}, {0xa5, 0xff}, {0xa6, 0xff},
		{0xa7, 0xff}, {0xa8, 0xff}, {0xac, 0xff}, {0xae, 0xff},
	};
	unsigned int i;
	int rc = gm_pci_init(&s->pci, &c->pci);

	if (rc)
		return rc;
	memcpy(s->irq, c->irq, sizeof(s->irq));
	for (i = 0; i < ARRAY_SIZE(writable); i++)
		s->pci.wmask[writable[i][0]] = writable[i][1];
	gm_pci_bus_set_ops(c->pci.bus, &ops);
	gm_pci_bus_set_cf9(c->pci.bus, &cf9);
	return 0;
}

static void piix3_reset(struct gm_dev *d)
{
	struct piix3 *s = container_of(d, struct piix3, pci.dev);
	u8 *c = s->pci.config;

	gm_pci_reset(&s->pci);
	gm_pci_set16(&s->pci, 0x04, 0x0007);
	gm_pci_set16(&s->pci, 0x06, 0x0200);
	memset(c + 0x40, 0, 0xc0);
	c[0x4c] = 0x4d;
	c[REG_XBCS] = 0x03;
	memset(c + REG_PIRQRCA, PIRQ_OFF, 4);
	c[REG_TOM] = 0x02;
	c[0x70] = c[0x71] = PIRQ_OFF;
	c[0x76] = c[0x77] = 0x0c;
	c[0x78] = 0x02;
	c[0xa0] = 0x08;
	c[0xa8] = 0x0f;
	s->rcr = 0;
	s->sci = 0;
	piix3_irq_update(s);
}

static int piix3_loaded(struct gm_dev *d)
{
	struct piix3 *s = container_of(d, struct piix3, pci.dev);

	s->rcr &= RCR_SRST;
	s->sci = s->sci != 0;
	gm_pci_loaded(&s->pci);
	s->levels = piix3_levels(s);
	return 0;
}

static const struct gm_field piix3_fields[] = {
	GM_STRUCT(struct piix3, pci, &gm_pci_state),
	GM_U8(struct piix3, sci),
	GM_U8(struct piix3, rcr),
	GM_OMIT(struct piix3, irq, "wiring"),
	GM_OMIT(struct piix3, levels, "follows from the PIRQ lines, their routes and the SCI"),
	GM_FIELDS_END,
};

static const struct gm_state_desc piix3_state = {
	.name = "piix3",
	.version = 1,
	.size = sizeof(struct piix3),
	.fields = piix3_fields,
};

const struct gm_pci_class gm_piix3_class = {
	.dev = {
		.name = "piix3",
		.title = "Intel PIIX3 ISA bridge",
		.size = sizeof(struct piix3),
		.state = &piix3_state,
		.init = piix3_init,
		.reset = piix3_reset,
		.loaded = piix3_loaded,
	},
	.vendor = 0x8086,
	.device = 0x7000,
	.subvendor = 0x1af4,
	.subdevice = 0x1100,
	.class_code = 0x060100,
	.header_type = 0x80,
	.config_written = piix3_config_written,
};

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * I/O APIC with 24 pins. Source: Intel 82093AA datasheet (290566-001).
 *
 * Polarity bits are kept but have no effect: pins carry "asserted" and "not asserted".
 */
#include "devices/apic/ioapic.h"

#include <errno.h>

#include "devices/apic/lapic.h"

#define IOREGSEL         0x00
#define IOWIN            0x10

#define REG_ID           0x00
#define REG_VERSION      0x01
#define REG_ARBITRATION  0x02
#define REG_REDIRECTION  0x10

#define REDIR_MODE_SHIFT 8
#define REDIR_LOGICAL    BIT(11)
#define REDIR_REMOTE_IRR BIT(14)
#define REDIR_LEVEL      BIT(15)
#define REDIR_MASKED     BIT(16)
#define REDIR_WRITABLE   0x1afffu
#define REDIR_DEST_SHIFT 56

struct ioapic {
	struct gm_dev dev;
	u32 id;
	u8 select;
	u32 lines;                  /* levels of the pins */
	u64 redirection[IOAPIC_PINS];
	struct ioapic_cfg cfg;
	struct gm_region *region;
};

static bool is_level(u64 entry)
{
	unsigned int mode = entry >> REDIR_MODE_SHIFT & 7;

	/* The other modes are edge-triggered, whatever bit 15 says. */
	return entry & REDIR_LEVEL && (mode == APIC_FIXED || mode == APIC_LOWEST);
}

static void pin_deliver(struct ioapic *s, unsigned int pin)
{
	u64 entry = s->redirection[pin];
	struct apic_msg msg = {
		.dest = entry >> REDIR_DEST_SHIFT,
		.logical = entry & REDIR_LOGICAL,
		.level = is_level(entry),
		.mode = entry >> REDIR_MODE_SHIFT & 7,
		.vector = entry & 0xff,
	};

	if (msg.level)
		s->redirection[pin] |= REDIR_REMOTE_IRR;
	if (!apic_deliver(s->dev.m, &msg) && msg.level)
		s->redirection[pin] &= ~REDIR_REMOTE_IRR;
}

/* A level-triggered pin that stands requests unless it waits for its EOI. */
static void pin_check_level(struct ioapic *s, unsigned int pin)
{
	u64 entry = s->redirection[pin];

	if (is_level(entry) && s->lines >> pin & 1 && !(entry & (REDIR_MASKED | REDIR_REMOTE_IRR)))
		pin_deliver(s, pin);
}

void ioapic_set_irq(void *opaque, int pin, int level)
{
	struct ioapic *s = opaque;
	bool rise;

	if (pin < 0 || pin >= IOAPIC_PINS)
		return;
	rise = level && !(s->lines >> pin & 1);
	if (!level)
		s->lines &= ~BIT(pin);
	if (!rise)
		return;
	s->lines |= BIT(pin);
	if (is_level(s->redirection[pin]))
		pin_check_level(s, pin);
	else if (!(s->redirection[pin] & REDIR_MASKED))
		pin_deliver(s, pin); /* an edge on a masked pin is lost */
}

void ioapic_eoi(void *opaque, u8 vector)
{
	struct ioapic *s = opaque;

	for (unsigned int pin = 0; pin < IOAPIC_PINS; pin++) {
		u64 *entry = &s->redirection[pin];

		if ((*entry & 0xff) != vector || !(*entry & REDIR_REMOTE_IRR))
			continue;
		*entry &= ~REDIR_REMOTE_IRR;
		pin_check_level(s, pin);
	}
}

/* ---- registers ---- */

static u32 ioapic_reg_read(struct ioapic *s)
{
	unsigned int pin = (s->select - REG_REDIRECTION) / 2u;

	switch (s->select) {
	case REG_ID:
	case REG_ARBITRATION:
		return s->id;
	case REG_VERSION:
		return (IOAPIC_PINS - 1) << 16 | 0x11;
	}
	if (s->select < REG_REDIRECTION || pin >= IOAPIC_PINS)
		return 0;
	return (u32)(s->redirection[pin] >> (s->select & 1 ? 32 : 0));
}

static void redirection_write(struct ioapic *s, unsigned int pin, bool high, u32 val)
{
	u64 *entry = &s->redirection[pin];

	if (high) {
		*entry = (*entry & 0xffffffff) | (u64)(val & 0xff000000) << 32;
	} else {
		*entry = (*entry & ~(u64)REDIR_WRITABLE) | (val & REDIR_WRITABLE);
		if (!is_level(*entry))
			*entry &= ~REDIR_REMOTE_IRR;
	}
	pin_check_level(s, pin);
}

static void ioapic_reg_write(struct ioapic *s, u32 val)
{
	unsigned int pin = (s->select - REG_REDIRECTION) / 2u;

	if (s->select == REG_ID)
		s->id = val & 0x0f000000;
	else if (s->select >= REG_REDIRECTION && pin < IOAPIC_PINS)
		redirection_write(s, pin, s->select & 1, val);
}

static u64 ioapic_read(void *opaque, u64 off, unsigned int size)
{
	struct ioapic *s = opaque;

	if (off == IOREGSEL)
		return s->select;
	return off == IOWIN ? ioapic_reg_read(s) : 0;
}

static void ioapic_write(void *opaque, u64 off, unsigned int size, u64 val)
{
	struct ioapic *s = opaque;

	if (off == IOREGSEL)
		s->select = (u8)val;
	else if (off == IOWIN)
		ioapic_reg_write(s, (u32)val);
}

static const struct gm_region_ops ioapic_ops = {
	.name = "ioapic", .read = ioapic_read, .write = ioapic_write, .min_size = 4, .max_size = 4,
};

/* ---- class ---- */

static int ioapic_init(struct gm_dev *d, const void *cfg)
{
	struct ioapic *s = (struct ioapic *)d;

	s->cfg = *(const struct ioapic_cfg *)cfg;
	s->region = gm_region_add_prio(d->m->mem, s->cfg.base ? s->cfg.base : IOAPIC_BASE, 4096,
				       GM_PRIO_FIXED, &ioapic_ops, s);
	return s->region ? 0 : -ENOMEM;
}

static void ioapic_fini(struct gm_dev *d)
{
	gm_region_remove(((struct ioapic *)d)->region);
}

static void ioapic_reset(struct gm_dev *d)
{
	struct ioapic *s = (struct ioapic *)d;

	s->id = (s->cfg.apic_id & 15u) << 24;
	s->select = 0;
	for (int i = 0; i < IOAPIC_PINS; i++)
		s->redirection[i] = REDIR_MASKED;
}

static const struct gm_field ioapic_fields[] = {
	GM_U32(struct ioapic, id),
	GM_U8(struct ioapic, select),
	GM_U32(struct ioapic, lines),
	GM_U64(struct ioapic, redirection),
	GM_OMIT(struct ioapic, cfg, "wiring, fixed at creation"),
	GM_OMIT(struct ioapic, region, "place on the bus, fixed at creation"),
	GM_FIELDS_END,
};

static const struct gm_state_desc ioapic_desc = {
	.name = "ioapic", .version = 1, .size = sizeof(struct ioapic), .fields = ioapic_fields,
};

const struct gm_dev_class ioapic_class = {
	.name = "ioapic",
	.title = "Intel 82093AA I/O APIC",
	.size = sizeof(struct ioapic),
	.state = &ioapic_desc,
	.init = ioapic_init,
	.reset = ioapic_reset,
	.fini = ioapic_fini,
};

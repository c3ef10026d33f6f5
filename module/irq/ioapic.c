// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * I/O APIC with 24 pins, in the ABI's form (struct gm_ioapic_state). Source: Intel 82093AA datasheet
 * (290566-001). Polarity bits are kept and have no effect: pins carry "asserted" and "not asserted".
 */
#include "module/irq/irq.h"

#define REDIR_LOGICAL    (1u << 11)
#define REDIR_REMOTE_IRR (1u << 14)
#define REDIR_LEVEL      (1u << 15)
#define REDIR_MASKED     (1u << 16)
#define REDIR_WRITABLE   0x1afffu
#define REDIR_KEPT       0xff0000000001ffffull

void gm_ioapic_reset(struct gm_irqchip *irq)
{
	unsigned int i;

	memset(&irq->ioapic, 0, sizeof(irq->ioapic));
	irq->ioapic.base_address = GM_IOAPIC_BASE;
	for (i = 0; i < GM_IOAPIC_PINS; i++)
		irq->ioapic.redirtbl[i] = REDIR_MASKED;
}

static int is_level(u64 entry)
{
	unsigned int mode = entry >> 8 & 7;

	/* The other modes are edge-triggered, whatever bit 15 says. */
	return (entry & REDIR_LEVEL) && mode <= GM_APIC_LOWEST;
}

static int deliver(struct gm_irqchip *irq, unsigned int pin)
{
	u64 *entry = &irq->ioapic.redirtbl[pin];
	struct gm_apic_msg msg;
	int ret;

	memset(&msg, 0, sizeof(msg));
	msg.dest = *entry >> 56;
	msg.logical = !!(*entry & REDIR_LOGICAL);
	msg.level = is_level(*entry);
	msg.mode = *entry >> 8 & 7;
	msg.vector = *entry;
	ret = gm_apic_deliver(irq, NULL, &msg);
	if (msg.level && ret > 0)
		*entry |= REDIR_REMOTE_IRR;
	return ret;
}

/* A level-triggered pin that stands asks again unless it waits for its EOI. */
static int check_level(struct gm_irqchip *irq, unsigned int pin)
{
	u64 entry = irq->ioapic.redirtbl[pin];

	if (!is_level(entry) || !(irq->ioapic_lines >> pin & 1))
		return 0;
	if (entry & REDIR_MASKED)
		return -1;
	return entry & REDIR_REMOTE_IRR ? 0 : deliver(irq, pin);
}

int gm_ioapic_set(struct gm_irqchip *irq, unsigned int pin, int level)
{
	u32 bit = 1u << pin;
	int rise = level && !(irq->ioapic_lines & bit);

	if (!level) {
		irq->ioapic_lines &= ~bit;
		return 1;
	}
	irq->ioapic_lines |= bit;
	if (is_level(irq->ioapic.redirtbl[pin]))
		return check_level(irq, pin);
	if (!rise)
		return 0;
	/* An edge on a masked pin is lost. */
	return irq->ioapic.redirtbl[pin] & REDIR_MASKED ? -1 : deliver(irq, pin);
}

void gm_ioapic_eoi(struct gm_irqchip *irq, u8 vector, int level)
{
	unsigned int pin;
	u64 *entry;

	for (pin = 0; pin < GM_IOAPIC_PINS; pin++) {
		entry = &irq->ioapic.redirtbl[pin];
		if ((u8)*entry != vector)
			continue;
		irq->acked |= 1ull << pin;
		/* Held up until this; whoever did is told when the lock is dropped. */
		if (irq->ioapic_src[pin] == GM_SRC_RESAMPLE)
			irq->ioapic_lines &= ~(1u << pin);
		irq->ioapic_src[pin] &= ~GM_SRC_RESAMPLE;
		if (!level || !(*entry & REDIR_REMOTE_IRR))
			continue;
		*entry &= ~(u64)REDIR_REMOTE_IRR;
		check_level(irq, pin);
	}
	gm_pit_acked(irq);
}

/* ---- registers ---- */

static u32 reg_read(struct gm_irqchip *irq)
{
	struct gm_ioapic_state *s = &irq->ioapic;
	unsigned int pin = (s->ioregsel - 0x10) / 2;

	switch (s->ioregsel) {
	case 0:
	case 2:
		return (s->id & 15) << 24;
	case 1:
		return (GM_IOAPIC_PINS - 1) << 16 | 0x11;
	}
	if (s->ioregsel < 0x10 || pin >= GM_IOAPIC_PINS)
		return 0;
	return (u32)(s->redirtbl[pin] >> (s->ioregsel & 1 ? 32 : 0));
}

static void reg_write(struct gm_irqchip *irq, u32 val)
{
	struct gm_ioapic_state *s = &irq->ioapic;
	unsigned int pin = (s->ioregsel - 0x10) / 2;
	u64 *entry;

	if (s->ioregsel == 0)
		s->id = val >> 24 & 15;
	if (s->ioregsel < 0x10 || pin >= GM_IOAPIC_PINS)
		return;
	entry = &s->redirtbl[pin];
	if (s->ioregsel & 1) {
		*entry = (u32)*entry | (u64)(val & 0xff000000u) << 32;
	} else {
		*entry = (*entry & ~(u64)REDIR_WRITABLE) | (val & REDIR_WRITABLE);
		if (!is_level(*entry))
			*entry &= ~(u64)REDIR_REMOTE_IRR;
	}
	gm_pit_unmasked(irq);
	check_level(irq, pin);
}

u32 gm_ioapic_read(struct gm_irqchip *irq, u32 off)
{
	if (off == 0)
		return irq->ioapic.ioregsel;
	return off == 0x10 ? reg_read(irq) : 0;
}

void gm_ioapic_write(struct gm_irqchip *irq, u32 off, u32 val)
{
	if (off == 0)
		irq->ioapic.ioregsel = val & 0xff;
	else if (off == 0x10)
		reg_write(irq, val);
}

void gm_ioapic_restore(struct gm_irqchip *irq, const struct gm_ioapic_state *s)
{
	unsigned int pin;

	irq->ioapic = *s;
	irq->ioapic.base_address = GM_IOAPIC_BASE;
	irq->ioapic.ioregsel &= 0xff;
	irq->ioapic.pad = 0;
	irq->ioapic_lines = s->irr & ((1u << GM_IOAPIC_PINS) - 1);
	for (pin = 0; pin < GM_IOAPIC_PINS; pin++) {
		irq->ioapic.redirtbl[pin] &= REDIR_KEPT;
		check_level(irq, pin);
	}
}

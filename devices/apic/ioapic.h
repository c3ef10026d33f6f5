/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Intel 82093AA I/O APIC: 24 pins, registers at FEC00000h. */
#ifndef DEVICES_APIC_IOAPIC_H
#define DEVICES_APIC_IOAPIC_H

#include "devices/dev.h"

#define IOAPIC_BASE 0xfec00000u
#define IOAPIC_PINS 24

struct ioapic_cfg {
	u64 base;   /* IOAPIC_BASE when 0 */
	u8 apic_id; /* after reset; the guest may change it */
};

extern const struct gm_dev_class ioapic_class;

/* Fits struct gm_irq with opaque = the struct gm_dev; pin 0..23, level 0 or 1 as seen on the pin
 * with the polarity that its device has by nature (1 = asserted). Machine lock held. */
void ioapic_set_irq(void *opaque, int pin, int level);
/* A local APIC ended a level-triggered interrupt. Fits struct lapic_cfg.eoi. */
void ioapic_eoi(void *opaque, u8 vector);

#endif

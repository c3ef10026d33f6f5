/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keyboard controller (ports 60h, 64h) with a PS/2 keyboard and a PS/2 mouse behind it, and the
 * system control port 92h (fast A20, fast reset).
 */
#ifndef DEVICES_ISA_I8042_H
#define DEVICES_ISA_I8042_H

#include "devices/dev.h"
#include "vmm/ui/input.h"

struct i8042_cfg {
	struct gm_irq irq_kbd;   /* IRQ 1 */
	struct gm_irq irq_mouse; /* IRQ 12 */
	/* The A20 gate changed. Called at reset too (with true: firmware starts above 1 MiB).
	 * Machine lock held. */
	void (*a20)(void *opaque, bool on);
	void *opaque;
};

extern const struct gm_dev_class i8042_class;

/* Where the user interface sends keys and pointer movements; its calls need the machine lock. */
struct gm_input_sink i8042_input_sink(struct gm_dev *d);
/* The three keyboard LEDs: bit 0 scroll lock, 1 num lock, 2 caps lock. */
u8 i8042_leds(struct gm_dev *d);

#endif

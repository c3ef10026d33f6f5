/* SPDX-License-Identifier: GPL-2.0-or-later */
/* National Semiconductor 16550A serial port. */
#ifndef DEVICES_ISA_UART16550_H
#define DEVICES_ISA_UART16550_H

#include "devices/dev.h"
#include "vmm/ui/chardev.h"

struct uart16550_cfg {
	u16 base;           /* first of eight I/O ports: 3F8h, 2F8h, 3E8h, 2E8h */
	struct gm_irq irq;  /* IRQ 4 or 3 */
	struct gm_char *chr; /* NULL: nothing connected */
};

extern const struct gm_dev_class uart16550_class;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Standard parallel port (SPP) with a printer that is always ready. */
#ifndef DEVICES_ISA_PARALLEL_H
#define DEVICES_ISA_PARALLEL_H

#include "devices/dev.h"
#include "vmm/ui/chardev.h"

struct parallel_cfg {
	u16 base;            /* first of three I/O ports: 378h, 278h, 3BCh */
	struct gm_irq irq;   /* IRQ 7 */
	struct gm_char *chr; /* what is printed; NULL: no printer connected */
};

extern const struct gm_dev_class parallel_class;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Intel 82371SB (PIIX3) PCI-to-ISA bridge, function 00:01.0. */
#ifndef GM_PIIX3_H
#define GM_PIIX3_H

#include "devices/pci/pci.h"

struct gm_piix3_cfg {
	struct gm_pci_cfg pci;
	/* ISA interrupt lines that PIRQA#..D# and the SCI drive; levels. The receiver treats those
	 * that firmware made level-triggered (ELCR) as shared. */
	struct gm_irq irq[16];
};

extern const struct gm_pci_class gm_piix3_class;

/* The power management function's SCI, wired-OR with what PIRQs put on IRQ 9: fits struct gm_irq
 * (opaque is the struct gm_dev, line is not looked at). */
void gm_piix3_set_sci(void *opaque, int line, int level);

#endif

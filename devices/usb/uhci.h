/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The USB host controller of the PIIX3 (UHCI) with a tablet at its first port. */
#ifndef DEVICES_USB_UHCI_H
#define DEVICES_USB_UHCI_H

#include "devices/pci/pci.h"
#include "vmm/ui/input.h"

struct gm_uhci_cfg {
	struct gm_pci_cfg pci;
};

extern const struct gm_pci_class gm_uhci_class;

/* Where the user interface sends positions; its calls need the machine lock. */
struct gm_tablet_sink gm_uhci_tablet(struct gm_dev *d);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The display adapter: an IBM VGA with the Bochs VBE extension on PCI (1234:1111, "stdvga").
 * Configuration and what others call; see vga.c.
 */
#ifndef GM_VGA_H
#define GM_VGA_H

#include "devices/pci/pci.h"
#include "vmm/ui/display.h"

struct gm_vga_cfg {
	struct gm_pci_cfg pci;
	/* The video BIOS, shown through the expansion ROM BAR; copied. NULL: no ROM. */
	const u8 *rom;
	size_t rom_len; /* at most 1 MiB */
};

extern const struct gm_pci_class gm_vga_class;

/* How a user interface looks at the screen of `d`, a device of gm_vga_class. */
void gm_vga_display_source(struct gm_dev *d, struct gm_display_source *src);

#endif

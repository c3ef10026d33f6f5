/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The PC that vmm emulates: an i440FX/PIIX3 board built from a configuration. */
#ifndef VMM_MACHINE_PC_H
#define VMM_MACHINE_PC_H

#include "vmm/config.h"
#include "vmm/machine.h"
#include "vmm/machine_cards.h"
#include "vmm/ui/chardev.h"
#include "vmm/ui/display.h"
#include "vmm/ui/input.h"

struct gm_view;

struct pc {
	struct gm_machine *m;
	struct gm_display_source display;
	struct gm_input_sink input;
	struct gm_tablet_sink tablet;
	struct gm_view *view; /* of VNC and window; NULL for other displays */
	struct gm_char *serial[CONFIG_NSERIALS];
	struct gm_char *parallel, *debugcon;
	unsigned int ncdroms, nfloppies; /* drives, with a medium or without */
	u8 cd_place[CONFIG_NCDROMS];     /* 2 * channel + drive */
	struct gm_blk *disks[CONFIG_NDISKS], *cdroms[CONFIG_NCDROMS], *floppies[CONFIG_NFLOPPIES];
	struct gm_dev *pic, *ioapic, *lapic, *cmos, *kbd, *pm, *vga, *fw_cfg, *dma, *bridge, *ide, *fdc;
	struct gm_pci_bus *pci;
	struct pc_cards cards;
	bool a20;
};

/* Puts the board together: memory, firmware, devices, vCPUs. m has an accelerator. On failure
 * err holds one line. gm_machine_free() releases what was made, in either case. */
int pc_create(struct gm_machine *m, const struct config *c, struct pc **out, char *err,
	      size_t errlen);

#endif

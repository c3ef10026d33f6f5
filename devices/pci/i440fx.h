/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Intel 82441FX (440FX) host bridge, function 00:00.0. */
#ifndef GM_I440FX_H
#define GM_I440FX_H

#include "devices/pci/pci.h"

struct gm_i440fx_cfg {
	struct gm_pci_cfg pci;
	/* The firmware's ROM block, or NULL: what C0000h..FFFFFh shows below the RAM. Its last
	 * bytes are seen up to FFFFFh. The bridge maps it (there, and below 4 GiB). */
	struct gm_ram *rom;
};

extern const struct gm_pci_class gm_i440fx_class;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Debug consoles: ports 402h and E9h, each byte written goes to a character back end. */
#ifndef DEVICES_ISA_DEBUGCON_H
#define DEVICES_ISA_DEBUGCON_H

#include "devices/dev.h"
#include "vmm/ui/chardev.h"

struct debugcon_cfg {
	struct gm_char *chr; /* NULL: the ports answer, what is written is dropped */
};

extern const struct gm_dev_class debugcon_class;

#endif

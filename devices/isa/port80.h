/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Port 80h: the firmware's progress (POST) code, and the port that drivers write for a delay. */
#ifndef DEVICES_ISA_PORT80_H
#define DEVICES_ISA_PORT80_H

#include "devices/dev.h"

extern const struct gm_dev_class port80_class; /* cfg is NULL */

/* The last code written. Machine lock held. */
u8 port80_code(struct gm_dev *d);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two cascaded Intel 8259A interrupt controllers (ports 20h, A0h) and ELCR (4D0h, 4D1h). */
#ifndef DEVICES_ISA_I8259_H
#define DEVICES_ISA_I8259_H

#include "devices/dev.h"

struct i8259_cfg {
	struct gm_irq intr; /* the master's INTR output: to the CPU or to LINT0 */
};

extern const struct gm_dev_class i8259_class;

/* All functions: machine lock held. `opaque` is the struct gm_dev, so that pic_set_irq fits
 * struct gm_irq; line 0..15 (2 is the cascade and is ignored), level 0 or 1. */
void pic_set_irq(void *opaque, int line, int level);
/* The CPU's two INTA cycles: the vector, always valid (a spurious one when nothing waits). Fits
 * struct lapic_cfg.extint_ack. */
int pic_ack(void *opaque);
/* INTR is high. */
bool pic_pending(struct gm_dev *d);

#endif

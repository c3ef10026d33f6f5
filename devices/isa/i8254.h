/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Intel 8254 programmable interval timer (ports 40h to 43h) and the NMI status port 61h. */
#ifndef DEVICES_ISA_I8254_H
#define DEVICES_ISA_I8254_H

#include "devices/dev.h"

#define PIT_HZ 1193182

struct i8254_cfg {
	struct gm_irq irq; /* output of channel 0: IRQ 0 */
	/* Optional: the speaker changed. hz is the frequency of channel 2 in Hz, 0 when it is
	 * silent or only switched by hand. Machine lock held. */
	void (*speaker)(void *opaque, unsigned int hz);
	void *speaker_opaque;
};

extern const struct gm_dev_class i8254_class;

#endif

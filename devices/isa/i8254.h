/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Intel 8254 programmable interval timer (ports 40h to 43h) and the NMI status port 61h. */
#ifndef DEVICES_ISA_I8254_H
#define DEVICES_ISA_I8254_H

#include "devices/dev.h"

#define PIT_HZ 1193182

/* The level at the speaker from now on, until the next is told. */
struct speaker_wave {
	u32 period; /* clocks of PIT_HZ; 0: it does not repeat */
	u32 high;   /* of those, the first that are high */
	/* Guest time: when a period began; else from when on it is high (GM_TIME_NEVER: never). */
	u64 start;
};

struct i8254_cfg {
	struct gm_irq irq; /* output of channel 0: IRQ 0 */
	/* Optional: what the speaker is given has changed. Machine lock held. */
	void (*speaker)(void *opaque, const struct speaker_wave *wave);
	void *speaker_opaque;
};

extern const struct gm_dev_class i8254_class;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MC146818 real-time clock and CMOS memory (ports 70h, 71h; second bank 72h, 73h). */
#ifndef DEVICES_ISA_MC146818_H
#define DEVICES_ISA_MC146818_H

#include "devices/dev.h"

enum mc146818_base {
	MC146818_UTC,   /* the host's time, UTC */
	MC146818_LOCAL, /* the host's time in its time zone */
	MC146818_DATE,  /* a given date at power-on */
};

struct mc146818_cfg {
	struct gm_irq irq; /* IRQ 8, level */
	enum mc146818_base base;
	s64 date;          /* for MC146818_DATE: seconds since 1970-01-01 00:00, no zone */
};

extern const struct gm_dev_class mc146818_class;

/* Bytes that the board fixes (memory sizes, floppy types, boot order): index 0 to 255, 128 and up
 * being the second bank. Clock registers (0 to 0Dh) are refused. Machine lock held. */
void cmos_set(struct gm_dev *d, unsigned int index, u8 val);
u8 cmos_get(struct gm_dev *d, unsigned int index);
/* Bit 7 of port 70h: NMI is masked. */
bool cmos_nmi_masked(struct gm_dev *d);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Intel 82077AA floppy disk controller with two drives. */
#ifndef DEVICES_ISA_FDC_H
#define DEVICES_ISA_FDC_H

#include "devices/dev.h"
#include "vmm/block/block.h"

/* Drive types as in CMOS register 10h. */
enum fdc_drive_type {
	FDC_DRIVE_NONE,
	FDC_DRIVE_360K,
	FDC_DRIVE_1200K,
	FDC_DRIVE_720K,
	FDC_DRIVE_1440K,
	FDC_DRIVE_2880K,
};

struct fdc_cfg {
	u16 base;            /* 0x3f0 */
	struct gm_irq irq;   /* IRQ 6 */
	struct gm_dev *dma;  /* the 8237s, see devices/isa/i8237.h */
	u8 dma_channel;      /* 2 */
	/* type NONE with a medium: what fits it; without: no drive. The media stay the caller's,
	 * who closes them after the machine's devices are gone. */
	struct {
		struct gm_blk *blk;
		enum fdc_drive_type type;
	} drive[2];
};

extern const struct gm_dev_class fdc_class;

/* For CMOS register 10h and the equipment word. */
enum fdc_drive_type fdc_drive_type(struct gm_dev *d, unsigned int drive);

/* Puts a medium in, or takes it out (NULL); *old gets what was in the drive. -ENODEV: there is no
 * such drive. Machine lock held; waits for what is under way. */
int fdc_media_change(struct gm_dev *d, unsigned int drive, struct gm_blk *blk,
		     struct gm_blk **old);

#endif

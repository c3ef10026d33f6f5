/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PIIX3 IDE: two channels of two drives, disks and CD-ROMs, with bus-master DMA. */
#ifndef DEVICES_IDE_IDE_H
#define DEVICES_IDE_IDE_H

#include "devices/pci/pci.h"
#include "vmm/block/block.h"

struct ide_cfg {
	struct gm_pci_cfg pci;
	struct gm_irq irq[2]; /* IRQ 14 and 15 */
	/* [channel][drive]. A disk needs blk; a CD-ROM drive without blk is empty. The disks stay
	 * the caller's, who closes them after the machine's devices are gone. */
	struct {
		struct gm_blk *blk;
		bool cdrom;
	} drive[2][2];
};

/* PCI 8086:7010, function 1 of the PIIX3. As on the chip, the ports of a channel answer once the
 * firmware has set I/O space in the command register and bit 15 of IDETIM (0x40, 0x42). */
extern const struct gm_pci_class piix3_ide_class;

struct ide_geometry {
	u16 cylinders; /* default CHS translation as IDENTIFY tells it */
	u8 heads, sectors;
	u64 total;           /* sectors of 512 bytes */
	bool lba_translation; /* the BIOS should translate by LBA (CMOS 0x39: 1, else 0) */
};

/* False when there is no disk (nothing, or a CD-ROM). */
bool ide_drive_geometry(struct gm_dev *d, unsigned int channel, unsigned int drive,
			struct ide_geometry *g);
bool ide_drive_present(struct gm_dev *d, unsigned int channel, unsigned int drive, bool *cdrom);

/* Puts a medium (blk) into a CD-ROM drive, or takes it out (NULL). *old gets the medium that was
 * in it, for the caller to close. -ENODEV: no such CD-ROM drive. -EBUSY: the guest has locked the
 * tray and `force` is false; the guest is told that someone pressed the button. Machine lock held;
 * waits for what is under way. */
int ide_cd_change(struct gm_dev *d, unsigned int channel, unsigned int drive, struct gm_blk *blk,
		  bool force, struct gm_blk **old);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the board tells its firmware: memory map, CPUs, boot order, ACPI and SMBIOS tables and,
 * for a kernel given on the command line, the boot ROM with all it loads.
 */
#ifndef VMM_FIRMWARE_H
#define VMM_FIRMWARE_H

#include "vmm/loader/boot.h"
#include "vmm/topology.h"
#include "vmm/types.h"

struct gm_dev;
struct gm_machine;

#define GM_HAS_COM1   1 /* for `legacy` */
#define GM_HAS_COM2   2
#define GM_HAS_LPT1   4
#define GM_HAS_FLOPPY 8

#define GM_BOOT_DEVS_MAX 8

struct gm_firmware_cfg {
	struct gm_dev *fw_cfg;  /* of gm_fw_cfg_class */
	unsigned int ncpus;     /* present when switched on */
	struct gm_topology topology;
	unsigned int legacy;    /* GM_HAS_* */
	/* What to boot from, best first: letters a and b (floppies), c (the first hard disk), d (the
	 * first CD-ROM); others are ignored. */
	const char *boot;
	u8 ide_disks, ide_cds;  /* bit 2 * channel + drive */
	const u8 *virtio_slots; /* PCI slots of virtio disks; they belong to letter c, too */
	unsigned int nvirtio;
	bool virtio_first;      /* before the IDE disks */
	const u8 *net_slots;    /* letter n: PCI slots of network cards with a boot ROM */
	unsigned int nnets;
	bool boot_menu;         /* offer the firmware's menu */
	struct gm_boot_cfg kernel; /* kernel.kernel is NULL when there is none */
	const u8 *uuid;         /* 16 bytes for SMBIOS and fw_cfg, or NULL */
};

/* The I/O APIC's ID: the first one that no CPU has, as far as its four bits go. */
static inline u8 gm_ioapic_id(unsigned int ncpus)
{
	return ncpus < 16 ? (u8)ncpus : 0;
}

/* Fills fw_cfg. Before the machine starts. -errno, with one line in err. */
int gm_firmware_setup(struct gm_machine *m, const struct gm_firmware_cfg *cfg, char *err,
		      size_t errlen);

#endif

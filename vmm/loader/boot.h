/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Booting a kernel given by the user. The firmware runs first and initializes the machine as a
 * PC; then our option ROM (bios/bootrom.S), which the firmware boots from, has fw_cfg copy every
 * piece to its place in guest memory and jumps in the way the kernel wants.
 */
#ifndef VMM_BOOT_H
#define VMM_BOOT_H

#include "vmm/types.h"

struct gm_dev;
struct gm_machine;

enum gm_boot_entry {
	GM_BOOT_AUTO, /* Linux: 16; ELF: PVH note if there is one, else multiboot */
	GM_BOOT_LINUX16,
	GM_BOOT_LINUX32,
	GM_BOOT_LINUX64,
	GM_BOOT_MULTIBOOT,
	GM_BOOT_PVH,
};

struct gm_boot_cfg {
	const char *kernel; /* path; NULL: boot from a disk */
	const char *initrd; /* path; for multiboot "file args,file2 args" */
	const char *append; /* command line; may be NULL */
	enum gm_boot_entry entry;
};

/* "auto", "16", "32", "64", "multiboot", "pvh"; false when it is none of them. */
bool gm_boot_entry_parse(const char *name, enum gm_boot_entry *out);

/* Reads and checks the files, lays them out and adds them and the boot ROM to fw_cfg. -errno,
 * with one line in err. */
int gm_boot_setup(struct gm_machine *m, struct gm_dev *fw_cfg, const struct gm_boot_cfg *cfg,
		  char *err, size_t errlen);

/* The boot ROM's path in the firmware's boot order. */
#define GM_BOOT_ROM_NAME "guestmode.rom"

#endif

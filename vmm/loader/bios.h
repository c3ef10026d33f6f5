/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds, checks and loads the firmware images: SeaBIOS and SeaVGABIOS. See bios/README.md. */
#ifndef VMM_BIOS_H
#define VMM_BIOS_H

#include "vmm/types.h"

struct gm_machine;
struct gm_ram;

#define GM_BIOS_MIN (64 * KiB)
#define GM_BIOS_MAX (4 * MiB)

/* Opens a regular file of min..max bytes: the descriptor, or -errno with one line in err. */
int gm_file_open(const char *path, const char *what, u64 min, u64 max, u32 *len, char *err,
		 size_t errlen);
/* Reads len bytes from where fd stands. -EIO when the file has become shorter. */
int gm_file_read_all(int fd, u8 *buf, size_t len);
/* Reads a file of min..max bytes whole; *data is malloc()ed. `what` names it in messages ("BIOS
 * image"). -errno with one line in err. */
int gm_file_read(const char *path, const char *what, u64 min, u64 max, u8 **data, u32 *len,
		 char *err, size_t errlen);

/* Loads the BIOS from `path`, or from where distributions put it when NULL, into a RAM block of
 * its own (the host bridge maps it). -ENOENT when there is none; err says which package has it. */
int gm_bios_load(struct gm_machine *m, const char *path, struct gm_ram **out, char *err,
		 size_t errlen);

/* Checks an image: size, and a reset vector that leads somewhere. NULL, or what is wrong. */
const char *gm_bios_check(const u8 *data, u64 len);

/* Loads the VGA BIOS (an option ROM): *data is malloc()ed, *len a multiple of 512. */
int gm_vgabios_load(const char *path, u8 **data, u32 *len, char *err, size_t errlen);
/* Checks an option ROM: signature, length, checksum. NULL, or what is wrong. */
const char *gm_optrom_check(const u8 *data, u64 len);

#endif

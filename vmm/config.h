/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the user asked for: one table of keys serves the command line (--key VALUE) and the
 * machine file (key = value).
 */
#ifndef VMM_CONFIG_H
#define VMM_CONFIG_H

#include "vmm/block/block.h"
#include "vmm/topology.h"
#include "vmm/types.h"

#define CONFIG_NDISKS    4
#define CONFIG_NCDROMS   4
#define CONFIG_NFLOPPIES 2
#define CONFIG_NSERIALS  2

struct config_disk {
	char *path; /* NULL in a CD-ROM or floppy drive: no medium */
	char *format;
	bool readonly, snapshot;
};

enum config_clock { CONFIG_CLOCK_UTC, CONFIG_CLOCK_LOCAL, CONFIG_CLOCK_DATE };

struct config {
	char *name;
	u64 memory; /* bytes */
	struct gm_topology cpus;
	struct config_disk disks[CONFIG_NDISKS], cdroms[CONFIG_NCDROMS];
	struct config_disk floppies[CONFIG_NFLOPPIES];
	unsigned int ndisks, ncdroms, nfloppies;
	char *boot;  /* letters: a floppy, c disk, d CD-ROM, n network */
	char *kernel, *initrd, *append, *entry;
	char *serials[CONFIG_NSERIALS];
	unsigned int nserials;
	char *parallel, *debugcon;
	char *display, *accel, *cpu, *device;
	char *bios, *vgabios;
	char *screenshot; /* written when the machine ends */
	enum config_clock clock;
	s64 clock_date;
	enum gm_blk_on_error on_disk_error;
	bool no_reboot;
};

void config_init(struct config *c);
void config_fini(struct config *c);
/* Sets one key. 0, or -EINVAL with a one-line message without the place (option or file line). */
int config_set(struct config *c, const char *key, const char *value, char *err, size_t errlen);
/* Whether the key exists and wants a value on the command line. */
bool config_key_known(const char *key, bool *wants_value);
/* Reads a machine file. -errno with a message that names file and line. */
int config_read_file(struct config *c, const char *path, char *err, size_t errlen);
/* Parses the arguments behind "vmm run". -EINVAL with a message; 1 when help was asked for. */
int config_parse_args(struct config *c, int argc, char **argv, char *err, size_t errlen);
/* What no single key can tell: limits of memory, number of drives, combinations. */
int config_check(struct config *c, char *err, size_t errlen);
/* The options with their help, a line each. */
void config_print_help(void);

#endif

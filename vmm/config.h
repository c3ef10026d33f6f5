/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the user asked for: one table of keys serves the command line (--key VALUE) and the
 * machine file (key = value).
 */
#ifndef VMM_CONFIG_H
#define VMM_CONFIG_H

#include "vmm/audio/audio.h"
#include "vmm/block/block.h"
#include "vmm/net/net.h"
#include "vmm/topology.h"
#include "vmm/types.h"

#define CONFIG_NDISKS    8 /* 4 of them on IDE */
#define CONFIG_NCDROMS   4
#define CONFIG_NFLOPPIES 2
#define CONFIG_NSERIALS  2
#define CONFIG_NNETS     8
#define CONFIG_NDEVICES  8
#define CONFIG_NMEDIA    16

struct config_disk {
	char *path; /* NULL in a CD-ROM or floppy drive: no medium */
	char *format;
	bool readonly, snapshot;
	bool virtio;          /* if=virtio: on a PCI card of its own, not on IDE */
	bool modern, split;   /* no transitional interface; no packed rings */
	unsigned int queues;  /* of a virtio disk; 0: one per vCPU, up to 8 */
};

enum config_nic {
	CONFIG_NIC_E1000,
	CONFIG_NIC_RTL8139,
	CONFIG_NIC_NE2000,
	CONFIG_NIC_NE2000_ISA,
	CONFIG_NIC_VIRTIO,
};

/* --net: a back end and the card that is plugged into it. The strings of `o` are the
 * configuration's own. */
struct config_net {
	struct gm_net_options o;
	enum config_nic model;
	bool has_mac, modern, split, no_rom;
	u8 mac[6];
	char *text; /* what the strings point into */
};

enum config_device_kind {
	CONFIG_DEV_VIRTIO_RNG,
	CONFIG_DEV_VIRTIO_BALLOON,
	CONFIG_DEV_VIRTIO_CONSOLE,
};

/* --device */
struct config_device {
	enum config_device_kind kind;
	bool modern, split;
	char *chardev; /* of a console */
};

/* --display */
struct config_display {
	char *kind;          /* "term", "vnc", "sdl", "none"; NULL: not said */
	char *address;       /* of VNC; NULL: the first free display */
	char *password_file;
	bool fullscreen;     /* of a window */
	bool no_tablet;
};

enum config_sound_card { CONFIG_SOUND_NONE, CONFIG_SOUND_SPEAKER, CONFIG_SOUND_SB16, CONFIG_SOUND_AC97 };

/* --sound: a card (the speaker is always there beside it) and who hears it. */
struct config_sound {
	enum config_sound_card card;
	enum gm_audio_out out;
	char *wav;
};

enum config_clock { CONFIG_CLOCK_UTC, CONFIG_CLOCK_LOCAL, CONFIG_CLOCK_DATE };

struct config {
	char *name;
	u64 memory; /* bytes */
	struct gm_topology cpus;
	struct config_disk disks[CONFIG_NDISKS], cdroms[CONFIG_NCDROMS];
	struct config_disk floppies[CONFIG_NFLOPPIES];
	unsigned int ndisks, ncdroms, nfloppies;
	char *media[CONFIG_NMEDIA]; /* images and folders that may be inserted later */
	unsigned int nmedia;
	char *boot;  /* letters: a floppy, c disk, d CD-ROM, n network */
	char *kernel, *initrd, *append, *entry;
	char *serials[CONFIG_NSERIALS];
	unsigned int nserials;
	struct config_net nets[CONFIG_NNETS];
	struct config_device devices[CONFIG_NDEVICES];
	unsigned int nnets, ndevices;
	struct config_sound sound;
	char *parallel, *debugcon;
	struct config_display display;
	char *accel, *cpu, *device, *irqchip;
	char *bios, *vgabios;
	char *screenshot; /* written when the machine ends */
	char *trace;      /* kinds of events, and where to */
	char *gdb;        /* where gdb connects */
	char *control;    /* path of the control socket, or "none" */
	enum config_clock clock;
	s64 clock_date;
	enum gm_blk_on_error on_disk_error;
	bool no_sandbox;
	bool sandbox_wanted; /* said, so that going without is an error */
	bool no_reboot;
};

/* Leaves the message in err; -EINVAL. */
int config_fail(char *err, size_t len, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

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
/* config_net.c: the values of --net and --device. 0 or -EINVAL with a message. */
int config_net_parse(struct config *c, const char *v, char *err, size_t errlen);
int config_device_parse(struct config *c, const char *v, char *err, size_t errlen);
void config_net_fini(struct config *c);
/* config_display.c: the value of --display. 0 or -EINVAL with a message, and d as it was. */
int config_display_parse(struct config_display *d, const char *v, char *err, size_t errlen);
void config_display_fini(struct config_display *d);
/* config_sound.c: the value of --sound. */
int config_sound_parse(struct config *c, const char *v, char *err, size_t errlen);
/* Cuts the next part off at a single comma; a comma inside a part is written twice. NULL at the
 * end; *p moves on, what it points into is changed. */
char *config_next_part(char **p);
/* What no single key can tell: limits of memory, number of drives, combinations. */
int config_check(struct config *c, char *err, size_t errlen);
/* The options with their help, a line each. */
void config_print_help(void);

#endif

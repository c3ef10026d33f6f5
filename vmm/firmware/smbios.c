/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SMBIOS 2.8 structures: what `dmidecode` shows about this machine.
 * Source: DMTF DSP0134 2.8.0, chapters 5.2.1 (entry point) and 7.
 */
#include <errno.h>
#include <stdio.h>

#include "vmm/firmware/tables.h"

#define ENTRY_LEN    0x1f
#define DIMM_MAX     (16 * GiB) /* one memory device per 16 GiB */
#define DIMMS_MAX    64

#define HANDLE_CHASSIS 0x0300
#define HANDLE_CPU     0x0400
#define HANDLE_ARRAY   0x1000
#define HANDLE_DIMM    0x1100
#define HANDLE_MAPPED  0x1300

struct smbios {
	struct gm_blob *t;
	u32 start;   /* of the structure being made */
	u32 largest;
	u16 count;
};

static void smb_begin(struct smbios *s, u8 type, u16 handle)
{
	s->start = gm_blob_u8(s->t, type);
	gm_blob_u8(s->t, 0); /* length: smb_end() */
	gm_blob_u16(s->t, handle);
}

/* Ends the formatted part; the strings follow, numbered from 1, up to NULL. */
static void smb_end(struct smbios *s, const char *const *strings)
{
	gm_blob_put(s->t, s->start + 1, s->t->len - s->start, 1);
	if (!strings || !*strings)
		gm_blob_u8(s->t, 0);
	for (; strings && *strings; strings++)
		gm_blob_add(s->t, *strings, (u32)strlen(*strings) + 1);
	gm_blob_u8(s->t, 0);
	s->largest = MAX(s->largest, s->t->len - s->start);
	s->count++;
}

static void smb_bios(struct smbios *s)
{
	static const char *const str[] = {"SeaBIOS", VMM_VERSION, "04/01/2014", NULL};

	smb_begin(s, 0, 0);
	gm_blob_add(s->t, "\1\2", 2);
	gm_blob_u16(s->t, 0xe800); /* starting segment */
	gm_blob_u8(s->t, 3);       /* release date */
	gm_blob_u8(s->t, 0);       /* 64 KiB of ROM */
	gm_blob_u64(s->t, 0x08);   /* characteristics: not supported */
	gm_blob_u8(s->t, 0);
	gm_blob_u8(s->t, 0x14);    /* a virtual machine; targeted content distribution */
	gm_blob_u32(s->t, 0xffff0000); /* release 0.0, no embedded controller */
	smb_end(s, str);
}

static void smb_system(struct smbios *s, const u8 *uuid)
{
	static const char *const str[] = {"guestmode", "Standard PC (i440FX + PIIX)", VMM_VERSION,
					  NULL};

	smb_begin(s, 1, 0x0100);
	gm_blob_add(s->t, "\1\2\3\0", 4);
	gm_blob_add(s->t, uuid, 16);
	gm_blob_u8(s->t, 6); /* woken by the power switch */
	gm_blob_u8(s->t, 0);
	gm_blob_u8(s->t, 0);
	smb_end(s, str);
}

static void smb_chassis(struct smbios *s)
{
	static const char *const str[] = {"guestmode", NULL};

	smb_begin(s, 3, HANDLE_CHASSIS);
	gm_blob_add(s->t, "\1\1\0\0\0", 5); /* type: other */
	gm_blob_add(s->t, "\3\3\3\2", 4);   /* states safe, security unknown */
	gm_blob_u32(s->t, 0);
	gm_blob_add(s->t, "\0\0\0\0\0", 5); /* height, cords, elements; no SKU */
	smb_end(s, str);
}

/* One socket. */
static void smb_cpu(struct smbios *s, unsigned int n, const struct gm_topology *topo)
{
	char socket[16];
	const char *const str[] = {socket, "guestmode", NULL};

	snprintf(socket, sizeof(socket), "CPU %u", n);
	smb_begin(s, 4, (u16)(HANDLE_CPU + n));
	gm_blob_u8(s->t, 1);
	gm_blob_u8(s->t, 3);    /* central processor */
	gm_blob_u8(s->t, 1);    /* family: other */
	gm_blob_u8(s->t, 2);
	gm_blob_u64(s->t, 0);   /* id: CPUID has it */
	gm_blob_u8(s->t, 0);
	gm_blob_u8(s->t, 0);    /* voltage */
	gm_blob_u16(s->t, 0);   /* clocks: unknown */
	gm_blob_u16(s->t, 0);
	gm_blob_u16(s->t, 0);
	gm_blob_u8(s->t, 0x41); /* populated, enabled */
	gm_blob_u8(s->t, 1);    /* upgrade: other */
	gm_blob_u16(s->t, 0xffff);
	gm_blob_u16(s->t, 0xffff);
	gm_blob_u16(s->t, 0xffff);
	gm_blob_add(s->t, "\0\0\0", 3);
	gm_blob_u8(s->t, (u8)topo->cores);
	gm_blob_u8(s->t, (u8)topo->cores); /* enabled */
	gm_blob_u8(s->t, (u8)(topo->cores * topo->threads));
	gm_blob_u16(s->t, 2);   /* characteristics unknown */
	gm_blob_u16(s->t, 1);
	smb_end(s, str);
}

static void smb_memory_array(struct smbios *s, u64 size, unsigned int dimms)
{
	u64 kib = size / KiB;

	smb_begin(s, 16, HANDLE_ARRAY);
	gm_blob_add(s->t, "\1\3\6", 3); /* other place, system memory, multi-bit ECC */
	gm_blob_u32(s->t, kib < 0x80000000 ? (u32)kib : 0x80000000);
	gm_blob_u16(s->t, 0xfffe);
	gm_blob_u16(s->t, (u16)dimms);
	gm_blob_u64(s->t, kib < 0x80000000 ? 0 : size);
	smb_end(s, NULL);
}

static void smb_dimm(struct smbios *s, unsigned int n, u64 size)
{
	char name[16];
	const char *const str[] = {name, "guestmode", NULL};

	snprintf(name, sizeof(name), "DIMM %u", n);
	smb_begin(s, 17, (u16)(HANDLE_DIMM + n));
	gm_blob_u16(s->t, HANDLE_ARRAY);
	gm_blob_u16(s->t, 0xfffe);
	gm_blob_u16(s->t, 0xffff); /* widths unknown */
	gm_blob_u16(s->t, 0xffff);
	gm_blob_u16(s->t, (u16)(size / MiB));
	gm_blob_add(s->t, "\x9\0\1\0\7", 5); /* DIMM, set 0, locator, no bank, RAM */
	gm_blob_u16(s->t, 2);
	gm_blob_u16(s->t, 0);
	gm_blob_add(s->t, "\2\0\0\0\0", 5);
	gm_blob_u32(s->t, 0);
	gm_blob_u16(s->t, 0);
	gm_blob_add(s->t, NULL, 6); /* voltages unknown */
	smb_end(s, str);
}

static void smb_mapped(struct smbios *s, unsigned int n, u64 base, u64 len)
{
	u64 first = base / KiB, last = (base + len) / KiB - 1;
	bool wide = last >= 0xffffffff;

	smb_begin(s, 19, (u16)(HANDLE_MAPPED + n));
	gm_blob_u32(s->t, wide ? 0xffffffff : (u32)first);
	gm_blob_u32(s->t, wide ? 0xffffffff : (u32)last);
	gm_blob_u16(s->t, HANDLE_ARRAY);
	gm_blob_u8(s->t, 1);
	gm_blob_u64(s->t, wide ? base : 0);
	gm_blob_u64(s->t, wide ? base + len - 1 : 0);
	smb_end(s, NULL);
}

static void smb_tail(struct smbios *s)
{
	smb_begin(s, 32, 0x2000); /* no boot errors */
	gm_blob_add(s->t, NULL, 7);
	smb_end(s, NULL);
	smb_begin(s, 127, 0x7f00);
	smb_end(s, NULL);
}

/* The firmware puts the tables somewhere, writes their address here and makes both sums right. */
static void smb_entry(struct smbios *s, struct gm_blob *e)
{
	gm_blob_add(e, "_SM_", 4);
	gm_blob_u8(e, 0);
	gm_blob_u8(e, ENTRY_LEN);
	gm_blob_u8(e, 2);
	gm_blob_u8(e, 8);
	gm_blob_u16(e, (u16)s->largest);
	gm_blob_add(e, NULL, 6);
	gm_blob_add(e, "_DMI_", 5);
	gm_blob_u8(e, 0);
	gm_blob_u16(e, (u16)s->t->len);
	gm_blob_u32(e, 0);
	gm_blob_u16(e, s->count);
	gm_blob_u8(e, 0x28);
}

int gm_smbios_build(struct gm_blob *tables, struct gm_blob *anchor,
		    const struct gm_smbios_cfg *cfg)
{
	static const u8 no_uuid[16];
	struct gm_topology topo = gm_topology_of(cfg->topology, cfg->ncpus);
	struct smbios s = {.t = tables};
	unsigned int i, dimms;
	u64 left = cfg->ram_size;

	memset(tables, 0, sizeof(*tables));
	memset(anchor, 0, sizeof(*anchor));
	dimms = (unsigned int)MIN((left + DIMM_MAX - 1) / DIMM_MAX, (u64)DIMMS_MAX);
	smb_bios(&s);
	smb_system(&s, cfg->uuid ? cfg->uuid : no_uuid);
	smb_chassis(&s);
	for (i = 0; i < topo.sockets; i++)
		smb_cpu(&s, i, &topo);
	smb_memory_array(&s, cfg->ram_size, dimms);
	for (i = 0; i < dimms; i++, left -= MIN(left, (u64)DIMM_MAX))
		smb_dimm(&s, i, MIN(left, (u64)DIMM_MAX));
	smb_mapped(&s, 0, 0, cfg->ram_below_4g);
	if (cfg->ram_size > cfg->ram_below_4g)
		smb_mapped(&s, 1, 4 * GiB, cfg->ram_size - cfg->ram_below_4g);
	smb_tail(&s);
	smb_entry(&s, anchor);
	if (tables->failed || anchor->failed) {
		gm_blob_free(tables);
		gm_blob_free(anchor);
		return -ENOMEM;
	}
	return 0;
}

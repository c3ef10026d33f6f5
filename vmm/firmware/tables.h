/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The firmware tables: ACPI and SMBIOS, as blobs for fw_cfg. */
#ifndef VMM_FIRMWARE_TABLES_H
#define VMM_FIRMWARE_TABLES_H

#include "vmm/topology.h"
#include "vmm/types.h"

/* A growing byte buffer; once an allocation failed it stays failed and takes nothing more. */
struct gm_blob {
	u8 *data;
	u32 len, cap;
	bool failed;
};

/* Appends len bytes (zeros when data is NULL); returns their offset. */
u32 gm_blob_add(struct gm_blob *b, const void *data, u32 len);
u32 gm_blob_u8(struct gm_blob *b, u8 v);
u32 gm_blob_u16(struct gm_blob *b, u16 v);
u32 gm_blob_u32(struct gm_blob *b, u32 v);
u32 gm_blob_u64(struct gm_blob *b, u64 v);
void gm_blob_align(struct gm_blob *b, u32 align);
/* Overwrites little-endian; out of range is ignored. */
void gm_blob_put(struct gm_blob *b, u32 off, u64 v, unsigned int size);
void gm_blob_free(struct gm_blob *b);
/* The byte that makes [off, off + len) sum to 0. */
u8 gm_blob_checksum(const struct gm_blob *b, u32 off, u32 len);

struct gm_acpi_cfg {
	unsigned int ncpus;
	struct gm_topology topology;
	unsigned int legacy; /* GM_HAS_* */
	u64 ram_below_4g;
};

struct gm_acpi {
	struct gm_blob tables; /* addresses inside are offsets, for the loader script to relocate */
	struct gm_blob rsdp;
	struct gm_blob script; /* "etc/table-loader" */
};

/* At most 255 CPUs. -ENOMEM, -EINVAL. */
int gm_acpi_build(struct gm_acpi *a, const struct gm_acpi_cfg *cfg);
void gm_acpi_free(struct gm_acpi *a);

struct gm_smbios_cfg {
	unsigned int ncpus;
	struct gm_topology topology;
	u64 ram_size, ram_below_4g;
	const u8 *uuid; /* 16 bytes or NULL */
};
/* `tables` and the 2.x entry point `anchor`, whose address the firmware fills in. -ENOMEM. */
int gm_smbios_build(struct gm_blob *tables, struct gm_blob *anchor,
		    const struct gm_smbios_cfg *cfg);

#endif

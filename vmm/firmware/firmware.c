/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fills the firmware configuration device: what SeaBIOS asks a board for.
 * Source: SeaBIOS's documentation of its runtime configuration ("Runtime_config") and the
 * documented fw_cfg keys.
 */
#include "vmm/firmware/firmware.h"

#include <errno.h>
#include <stdio.h>

#include "devices/fw_cfg/fw_cfg.h"
#include "vmm/firmware/tables.h"
#include "vmm/machine.h"

#define E820_RAM   1
#define BOOT_MENU_MS 2500

static int fw_file(const struct gm_firmware_cfg *cfg, const char *name, const struct gm_blob *b)
{
	int rc;

	if (b->failed)
		return -ENOMEM;
	rc = gm_fw_cfg_add_file(cfg->fw_cfg, name, b->data, b->len, 0);
	return rc < 0 ? rc : 0;
}

static int fw_memory(struct gm_machine *m, const struct gm_firmware_cfg *cfg)
{
	struct gm_blob b = {0};
	int rc;

	gm_blob_u64(&b, 0);
	gm_blob_u64(&b, m->ram_below_4g);
	gm_blob_u32(&b, E820_RAM);
	if (m->ram_size > m->ram_below_4g) {
		gm_blob_u64(&b, 4 * GiB);
		gm_blob_u64(&b, m->ram_size - m->ram_below_4g);
		gm_blob_u32(&b, E820_RAM);
	}
	rc = fw_file(cfg, "etc/e820", &b);
	gm_blob_free(&b);
	return rc ? rc : gm_fw_cfg_add_u64(cfg->fw_cfg, GM_FW_RAM_SIZE, m->ram_size);
}

static int fw_acpi(struct gm_machine *m, const struct gm_firmware_cfg *cfg)
{
	struct gm_acpi_cfg ac = {
		.ncpus = cfg->ncpus,
		.topology = cfg->topology,
		.legacy = cfg->legacy,
		.ram_below_4g = m->ram_below_4g,
	};
	struct gm_acpi a;
	int rc = gm_acpi_build(&a, &ac);

	if (rc)
		return rc;
	rc = fw_file(cfg, "etc/acpi/tables", &a.tables);
	if (!rc)
		rc = fw_file(cfg, "etc/acpi/rsdp", &a.rsdp);
	if (!rc)
		rc = fw_file(cfg, "etc/table-loader", &a.script);
	gm_acpi_free(&a);
	return rc;
}

static int fw_smbios(struct gm_machine *m, const struct gm_firmware_cfg *cfg)
{
	struct gm_smbios_cfg sc = {
		.ncpus = cfg->ncpus,
		.topology = cfg->topology,
		.ram_size = m->ram_size,
		.ram_below_4g = m->ram_below_4g,
		.uuid = cfg->uuid,
	};
	struct gm_blob tables, anchor;
	int rc = gm_smbios_build(&tables, &anchor, &sc);

	if (rc)
		return rc;
	rc = fw_file(cfg, "etc/smbios/smbios-tables", &tables);
	if (!rc)
		rc = fw_file(cfg, "etc/smbios/smbios-anchor", &anchor);
	gm_blob_free(&tables);
	gm_blob_free(&anchor);
	return rc;
}

/* ---- boot order ---- */

static void order_add(struct gm_blob *b, const char *path)
{
	if (b->len)
		gm_blob_u8(b, '\n');
	gm_blob_add(b, path, (u32)strlen(path));
}

/* All drives of a kind: those behind the first one are what SeaBIOS falls back to. */
static void order_add_ide(struct gm_blob *b, unsigned int drives)
{
	unsigned int i;

	for (i = 0; i < 4; i++) {
		char path[64];

		if (!(drives >> i & 1))
			continue;
		snprintf(path, sizeof(path), "/pci@i0cf8/ide@1,1/drive@%u/disk@%u", i >> 1, i & 1);
		order_add(b, path);
	}
}

static void order_add_slots(struct gm_blob *b, const char *what, const u8 *slots, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		char path[64];

		snprintf(path, sizeof(path), "/pci@i0cf8/%s@%x%s", what, slots[i],
			 what[0] == 's' ? "/disk@0,0" : "");
		order_add(b, path);
	}
}

static void order_add_disks(struct gm_blob *b, const struct gm_firmware_cfg *cfg)
{
	if (cfg->virtio_first)
		order_add_slots(b, "scsi", cfg->virtio_slots, cfg->nvirtio);
	order_add_ide(b, cfg->ide_disks & 15);
	if (!cfg->virtio_first)
		order_add_slots(b, "scsi", cfg->virtio_slots, cfg->nvirtio);
}

/* Paths as Open Firmware writes them, one a line, with a 0 at the end. */
static int fw_boot_order(const struct gm_firmware_cfg *cfg)
{
	const char *p = cfg->boot ? cfg->boot : "";
	struct gm_blob b = {0};
	int rc = 0;

	if (cfg->kernel.kernel)
		order_add(&b, "/rom@genroms/" GM_BOOT_ROM_NAME);
	for (; *p && b.len < 1024; p++) {
		switch (*p) {
		case 'a': order_add(&b, "/pci@i0cf8/isa@1/fdc@03f0/floppy@0"); break;
		case 'b': order_add(&b, "/pci@i0cf8/isa@1/fdc@03f0/floppy@1"); break;
		case 'c': order_add_disks(&b, cfg); break;
		case 'd': order_add_ide(&b, cfg->ide_cds & 15); break;
		case 'n': order_add_slots(&b, "ethernet", cfg->net_slots, cfg->nnets); break;
		default: break;
		}
	}
	if (b.len) {
		gm_blob_u8(&b, 0);
		rc = fw_file(cfg, "bootorder", &b);
	}
	gm_blob_free(&b);
	return rc;
}

static int fw_keys(const struct gm_firmware_cfg *cfg)
{
	static const u8 no_uuid[16];
	struct gm_blob wait = {0};
	int rc;

	rc = gm_fw_cfg_add_key(cfg->fw_cfg, GM_FW_UUID, cfg->uuid ? cfg->uuid : no_uuid, 16);
	if (!rc)
		rc = gm_fw_cfg_add_u16(cfg->fw_cfg, GM_FW_NB_CPUS, (u16)cfg->ncpus);
	if (!rc)
		rc = gm_fw_cfg_add_u16(cfg->fw_cfg, GM_FW_MAX_CPUS, (u16)cfg->ncpus);
	if (!rc)
		rc = gm_fw_cfg_add_u16(cfg->fw_cfg, GM_FW_NOGRAPHIC, 0);
	if (!rc)
		rc = gm_fw_cfg_add_u16(cfg->fw_cfg, GM_FW_BOOT_MENU, cfg->boot_menu);
	/* the timer's interrupt is input 2 of the I/O APIC */
	if (!rc)
		rc = gm_fw_cfg_add_u32(cfg->fw_cfg, GM_FW_IRQ0_OVERRIDE, 1);
	if (!rc && cfg->boot_menu) {
		gm_blob_u16(&wait, BOOT_MENU_MS);
		rc = fw_file(cfg, "etc/boot-menu-wait", &wait);
		gm_blob_free(&wait);
	}
	return rc;
}

int gm_firmware_setup(struct gm_machine *m, const struct gm_firmware_cfg *cfg, char *err,
		      size_t errlen)
{
	int rc;

	if (!cfg->ncpus || cfg->ncpus > 255) {
		snprintf(err, errlen, "%u CPUs: a machine has 1 to 255", cfg->ncpus);
		return -EINVAL;
	}
	rc = fw_memory(m, cfg);
	if (!rc)
		rc = fw_keys(cfg);
	if (!rc)
		rc = fw_acpi(m, cfg);
	if (!rc)
		rc = fw_smbios(m, cfg);
	if (!rc)
		rc = fw_boot_order(cfg);
	if (rc) {
		snprintf(err, errlen, "firmware tables: %s", strerror(-rc));
		return rc;
	}
	return cfg->kernel.kernel ? gm_boot_setup(m, cfg->fw_cfg, &cfg->kernel, err, errlen) : 0;
}

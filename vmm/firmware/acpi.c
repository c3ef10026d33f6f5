/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ACPI tables of the board. Addresses in them are offsets into one blob; a script tells the
 * firmware to allocate it, to add its address to each pointer, and to fill in the checksums.
 * Sources: ACPI specification 2.0c, chapter 5 (tables); Intel 82371AB datasheet (the register
 * blocks that the FADT describes); the linker/loader interface of SeaBIOS ("etc/table-loader").
 */
#include <errno.h>
#include <stdio.h>

#include "devices/pci/piix4pm.h"
#include "firmware/dsdt.h"
#include "vmm/firmware/firmware.h"
#include "vmm/firmware/tables.h"

#define FILE_TABLES   "etc/acpi/tables"
#define FILE_RSDP     "etc/acpi/rsdp"
#define LOADER_NAME   56
#define LOADER_ENTRY  128
#define LOADER_ALLOCATE 1
#define LOADER_POINTER  2
#define LOADER_CHECKSUM 3
#define ZONE_HIGH     1
#define ZONE_FSEG     2

#define HEADER_LEN    36
#define HEADER_SUM    9
#define RSDP_LEN      36

#define LAPIC_ADDR    0xfee00000
#define IOAPIC_ADDR   0xfec00000

#define FADT_WBINVD   0x001
#define FADT_PROC_C1  0x004
#define FADT_NO_SLPBTN 0x020
#define FADT_NO_FIXRTC 0x040
#define FADT_RESET    0x400
#define BOOT_LEGACY   0x01
#define BOOT_8042     0x02
#define RTC_CENTURY   0x32
#define RESET_PORT    0xcf9
#define RESET_VALUE   6

/* ---- the loader script ---- */

static void script_file(struct gm_blob *s, const char *name)
{
	char b[LOADER_NAME] = {0};

	snprintf(b, sizeof(b), "%s", name);
	gm_blob_add(s, b, sizeof(b));
}

static void script_end(struct gm_blob *s)
{
	gm_blob_align(s, LOADER_ENTRY);
}

static void script_allocate(struct gm_blob *s, const char *file, u32 align, u8 zone)
{
	gm_blob_u32(s, LOADER_ALLOCATE);
	script_file(s, file);
	gm_blob_u32(s, align);
	gm_blob_u8(s, zone);
	script_end(s);
}

/* Adds the address of FILE_TABLES to the pointer of `size` bytes at `off` of `file`. */
static void script_pointer(struct gm_blob *s, const char *file, u32 off, u8 size)
{
	gm_blob_u32(s, LOADER_POINTER);
	script_file(s, file);
	script_file(s, FILE_TABLES);
	gm_blob_u32(s, off);
	gm_blob_u8(s, size);
	script_end(s);
}

static void script_checksum(struct gm_blob *s, const char *file, u32 off, u32 start, u32 len)
{
	gm_blob_u32(s, LOADER_CHECKSUM);
	script_file(s, file);
	gm_blob_u32(s, off);
	gm_blob_u32(s, start);
	gm_blob_u32(s, len);
	script_end(s);
}

/* ---- tables ---- */

static u32 table_begin(struct gm_acpi *a, const char *sig, u8 rev)
{
	struct gm_blob *t = &a->tables;
	u32 at;

	gm_blob_align(t, 16);
	at = gm_blob_add(t, sig, 4);
	gm_blob_u32(t, 0); /* length: table_end() */
	gm_blob_u8(t, rev);
	gm_blob_u8(t, 0);
	gm_blob_add(t, "GSTMD ", 6);
	gm_blob_add(t, "GSTMPC  ", 8);
	gm_blob_u32(t, 1);
	gm_blob_add(t, "GSTM", 4);
	gm_blob_u32(t, 1);
	return at;
}

static void table_end(struct gm_acpi *a, u32 at)
{
	u32 len = a->tables.len - at;

	gm_blob_put(&a->tables, at + 4, len, 4);
	script_checksum(&a->script, FILE_TABLES, at + HEADER_SUM, at, len);
}

/* Replaces the value of a Name (name, DWord) in compiled ASL: 08h, name, 0Ch, value. */
static void aml_set_dword(struct gm_blob *t, u32 at, u32 len, const char *name, u32 v)
{
	u32 i;

	for (i = at; !t->failed && i + 10 <= at + len; i++)
		if (t->data[i] == 0x08 && !memcmp(t->data + i + 1, name, 4) &&
		    t->data[i + 5] == 0x0c)
			gm_blob_put(t, i + 6, v, 4);
}

/*
 * Where the firmware puts PCI memory follows from the size of memory: SeaBIOS begins at 2 GiB or
 * 3 GiB, whichever is free.
 */
static u32 acpi_dsdt(struct gm_acpi *a, const struct gm_acpi_cfg *cfg)
{
	struct gm_blob *t = &a->tables;
	u32 len = sizeof(gm_dsdt_aml), at;

	gm_blob_align(t, 16);
	at = gm_blob_add(t, gm_dsdt_aml, len);
	aml_set_dword(t, at, len, "PMIN", cfg->ram_below_4g <= 2 * GiB ? 0x80000000 : 0xc0000000);
	aml_set_dword(t, at, len, "DEVS", cfg->legacy);
	gm_blob_put(t, at + HEADER_SUM, 0, 1);
	script_checksum(&a->script, FILE_TABLES, at + HEADER_SUM, at, len);
	return at;
}

/* The SSDT: Scope (\_SB) { Processor (CPnn, n, 0, 0) {} ... }, one per CPU. */
static u32 acpi_ssdt(struct gm_acpi *a, const struct gm_acpi_cfg *cfg)
{
	struct gm_blob *t = &a->tables;
	u32 at = table_begin(a, "SSDT", 1), len;
	unsigned int i;

	/* 2 bytes of length, 5 of name */
	len = 2 + 5 + cfg->ncpus * 13;
	gm_blob_u8(t, 0x10);
	gm_blob_u8(t, (u8)(0x40 | (len & 15)));
	gm_blob_u8(t, (u8)(len >> 4));
	gm_blob_add(t, "\\_SB_", 5);
	for (i = 0; i < cfg->ncpus; i++) {
		char name[8];

		snprintf(name, sizeof(name), "CP%02X", i & 0xff);
		gm_blob_add(t, "\x5b\x83\x0b", 3); /* ProcessorOp, length 11 */
		gm_blob_add(t, name, 4);
		gm_blob_u8(t, (u8)i);
		gm_blob_u32(t, 0);
		gm_blob_u8(t, 0);
	}
	table_end(a, at);
	return at;
}

static u32 acpi_facs(struct gm_acpi *a)
{
	u32 at;

	gm_blob_align(&a->tables, 64);
	at = gm_blob_add(&a->tables, "FACS", 4);
	gm_blob_u32(&a->tables, 64);
	gm_blob_add(&a->tables, NULL, 24);
	gm_blob_u8(&a->tables, 1); /* version */
	gm_blob_add(&a->tables, NULL, 31);
	return at;
}

static void gas_io(struct gm_blob *t, u32 port, u8 bits)
{
	gm_blob_u8(t, port ? 1 : 0); /* system I/O */
	gm_blob_u8(t, bits);
	gm_blob_u8(t, 0);
	gm_blob_u8(t, 0);
	gm_blob_u64(t, port);
}

static void table_pointer(struct gm_acpi *a, u32 target, unsigned int size)
{
	u32 at = gm_blob_add(&a->tables, NULL, size);

	gm_blob_put(&a->tables, at, target, size);
	script_pointer(&a->script, FILE_TABLES, at, (u8)size);
}

/* Section 5.2.8. Revision 3 of the table, 244 bytes. */
static u32 acpi_fadt(struct gm_acpi *a, u32 facs, u32 dsdt)
{
	struct gm_blob *t = &a->tables;
	u32 at = table_begin(a, "FACP", 3);

	table_pointer(a, facs, 4);
	table_pointer(a, dsdt, 4);
	gm_blob_u8(t, 1); /* dual PIC */
	gm_blob_u8(t, 0); /* power profile: unspecified */
	gm_blob_u16(t, GM_PM_SCI_IRQ);
	gm_blob_u32(t, GM_PM_SMI_CMD);
	gm_blob_u8(t, GM_PM_ACPI_ON);
	gm_blob_u8(t, GM_PM_ACPI_OFF);
	gm_blob_u8(t, 0); /* no S4BIOS */
	gm_blob_u8(t, 0); /* no P-state control */
	gm_blob_u32(t, GM_PM_IO_BASE);     /* PM1a events */
	gm_blob_u32(t, 0);
	gm_blob_u32(t, GM_PM_IO_BASE + 4); /* PM1a control */
	gm_blob_u32(t, 0);
	gm_blob_u32(t, 0);                 /* no PM2 control */
	gm_blob_u32(t, GM_PM_IO_BASE + 8); /* timer */
	gm_blob_u32(t, GM_PM_IO_BASE + 12);/* GPE0 */
	gm_blob_u32(t, 0);
	gm_blob_add(t, "\4\2\0\4\4\0\0\0", 8); /* their lengths; no C-state control */
	gm_blob_u16(t, 0xfff); /* no C2 */
	gm_blob_u16(t, 0xfff); /* no C3 */
	gm_blob_u32(t, 0);     /* flush size and stride */
	gm_blob_u16(t, 0);     /* duty offset and width */
	gm_blob_u8(t, 0);      /* RTC alarm: no day, */
	gm_blob_u8(t, 0);      /* no month, */
	gm_blob_u8(t, RTC_CENTURY);
	gm_blob_u16(t, BOOT_LEGACY | BOOT_8042);
	gm_blob_u8(t, 0);
	gm_blob_u32(t, FADT_WBINVD | FADT_PROC_C1 | FADT_NO_SLPBTN | FADT_NO_FIXRTC | FADT_RESET);
	gas_io(t, RESET_PORT, 8);
	gm_blob_u8(t, RESET_VALUE);
	gm_blob_add(t, NULL, 3);
	table_pointer(a, facs, 8);
	table_pointer(a, dsdt, 8);
	gas_io(t, GM_PM_IO_BASE, 32);
	gas_io(t, 0, 0);
	gas_io(t, GM_PM_IO_BASE + 4, 16);
	gas_io(t, 0, 0);
	gas_io(t, 0, 0);
	gas_io(t, GM_PM_IO_BASE + 8, 32);
	gas_io(t, GM_PM_IO_BASE + 12, 32);
	gas_io(t, 0, 0);
	table_end(a, at);
	return at;
}

/* A local APIC, or where its ID needs more than 8 bits a local x2APIC; enabled. */
static void madt_cpu(struct gm_blob *t, unsigned int n, u32 apic_id)
{
	bool wide = apic_id > 254;

	gm_blob_u8(t, wide ? 9 : 0);
	gm_blob_u8(t, wide ? 16 : 8);
	if (wide) {
		gm_blob_u16(t, 0);
		gm_blob_u32(t, apic_id);
		gm_blob_u32(t, 1);
		gm_blob_u32(t, n);
	} else {
		gm_blob_u8(t, (u8)n); /* processor object */
		gm_blob_u8(t, (u8)apic_id);
		gm_blob_u32(t, 1);
	}
}

static void madt_override(struct gm_blob *t, u8 irq, u32 gsi, u16 flags)
{
	gm_blob_u8(t, 2);
	gm_blob_u8(t, 10);
	gm_blob_u8(t, 0); /* ISA */
	gm_blob_u8(t, irq);
	gm_blob_u32(t, gsi);
	gm_blob_u16(t, flags);
}

/* Section 5.2.10. PCI interrupts reach the I/O APIC as the ISA lines they are steered to: level
 * and active high there. */
static u32 acpi_madt(struct gm_acpi *a, const struct gm_acpi_cfg *cfg)
{
	static const u8 level_irqs[] = {5, GM_PM_SCI_IRQ, 10, 11};
	struct gm_topology topo = gm_topology_of(cfg->topology, cfg->ncpus);
	struct gm_blob *t = &a->tables;
	bool wide = gm_topology_apic_id(&topo, cfg->ncpus - 1) > 254;
	u32 at = table_begin(a, "APIC", wide ? 3 : 1);
	unsigned int i;

	gm_blob_u32(t, LAPIC_ADDR);
	gm_blob_u32(t, 1); /* there are two 8259 as well */
	for (i = 0; i < cfg->ncpus; i++)
		madt_cpu(t, i, gm_topology_apic_id(&topo, i));
	gm_blob_u8(t, 1); /* I/O APIC */
	gm_blob_u8(t, 12);
	gm_blob_u8(t, gm_ioapic_id(cfg->ncpus));
	gm_blob_u8(t, 0);
	gm_blob_u32(t, IOAPIC_ADDR);
	gm_blob_u32(t, 0);
	madt_override(t, 0, 2, 0);
	for (i = 0; i < ARRAY_SIZE(level_irqs); i++)
		madt_override(t, level_irqs[i], level_irqs[i], 0x0d);
	gm_blob_u8(t, 4); /* NMI: LINT1 of all CPUs */
	gm_blob_u8(t, 6);
	gm_blob_u8(t, 0xff);
	gm_blob_u16(t, 0);
	gm_blob_u8(t, 1);
	table_end(a, at);
	return at;
}

static u32 acpi_root(struct gm_acpi *a, const char *sig, unsigned int size, const u32 *tables,
		     unsigned int n)
{
	u32 at = table_begin(a, sig, 1);
	unsigned int i;

	for (i = 0; i < n; i++)
		table_pointer(a, tables[i], size);
	table_end(a, at);
	return at;
}

/* Section 5.2.5. */
static void acpi_rsdp(struct gm_acpi *a, u32 rsdt, u32 xsdt)
{
	struct gm_blob *r = &a->rsdp;

	gm_blob_add(r, "RSD PTR ", 8);
	gm_blob_u8(r, 0);
	gm_blob_add(r, "GSTMD ", 6);
	gm_blob_u8(r, 2);
	gm_blob_u32(r, rsdt);
	gm_blob_u32(r, RSDP_LEN);
	gm_blob_u64(r, xsdt);
	gm_blob_u32(r, 0);
	script_pointer(&a->script, FILE_RSDP, 16, 4);
	script_pointer(&a->script, FILE_RSDP, 24, 8);
	script_checksum(&a->script, FILE_RSDP, 8, 0, 20);
	script_checksum(&a->script, FILE_RSDP, 32, 0, RSDP_LEN);
}

void gm_acpi_free(struct gm_acpi *a)
{
	gm_blob_free(&a->tables);
	gm_blob_free(&a->rsdp);
	gm_blob_free(&a->script);
}

/*
 * The script is carried out in order, so a checksum must come after the pointers that it covers:
 * every table adds its own checksum when it is complete.
 */
int gm_acpi_build(struct gm_acpi *a, const struct gm_acpi_cfg *cfg)
{
	u32 facs, dsdt, roots[3], rsdt, xsdt;

	memset(a, 0, sizeof(*a));
	if (!cfg->ncpus || cfg->ncpus > GM_CPUS_MAX)
		return -EINVAL;
	script_allocate(&a->script, FILE_TABLES, 64, ZONE_HIGH);
	script_allocate(&a->script, FILE_RSDP, 16, ZONE_FSEG);
	facs = acpi_facs(a);
	dsdt = acpi_dsdt(a, cfg);
	roots[0] = acpi_fadt(a, facs, dsdt);
	roots[1] = acpi_ssdt(a, cfg);
	roots[2] = acpi_madt(a, cfg);
	rsdt = acpi_root(a, "RSDT", 4, roots, ARRAY_SIZE(roots));
	xsdt = acpi_root(a, "XSDT", 8, roots, ARRAY_SIZE(roots));
	acpi_rsdp(a, rsdt, xsdt);
	if (a->tables.failed || a->rsdp.failed || a->script.failed) {
		gm_acpi_free(a);
		return -ENOMEM;
	}
	return 0;
}

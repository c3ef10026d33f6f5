// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The firmware tables, as they are after the firmware has carried out the loader script: the
 * script is interpreted here, then every pointer is followed and every checksum computed.
 */
#include <stdio.h>
#include <unistd.h>

#include "devices/fw_cfg/fw_cfg.h"
#include "devices/pci/piix4pm.h"
#include "test/unit/lib/fake_board.h"
#include "vmm/firmware/firmware.h"
#include "vmm/firmware/tables.h"
#include "vmm/loader/plan.h"

#define TABLES_AT 0x07ff0000u
#define RSDP_AT   0x000f5000u

static struct gm_acpi acpi;

static u8 sum(const u8 *b, u32 len)
{
	u8 s = 0;

	while (len--)
		s = (u8)(s + *b++);
	return s;
}

static struct gm_blob *file(const u8 *name, u32 *at)
{
	if (!strcmp((const char *)name, "etc/acpi/tables")) {
		*at = TABLES_AT;
		return &acpi.tables;
	}
	ck_assert_str_eq((const char *)name, "etc/acpi/rsdp");
	*at = RSDP_AT;
	return &acpi.rsdp;
}

static void run_pointer(const u8 *e)
{
	u32 at, source;
	struct gm_blob *b = file(e + 4, &at);
	u32 off = le32(e + 116);
	u8 size = e[120];
	u64 v = size == 4 ? le32(b->data + off) : le64(b->data + off);

	file(e + 60, &source);
	ck_assert_uint_le(off + size, b->len);
	ck_assert_uint_lt(v, acpi.tables.len);
	gm_blob_put(b, off, v + source, size);
}

static void run_checksum(const u8 *e)
{
	u32 at, off = le32(e + 60), start = le32(e + 64), len = le32(e + 68);
	struct gm_blob *b = file(e + 4, &at);

	ck_assert_uint_le(start + len, b->len);
	gm_blob_put(b, off, b->data[off] - sum(b->data + start, len), 1);
}

static void build_cfg(const struct gm_acpi_cfg *cfg)
{
	u32 i, allocated = 0;

	ck_assert_int_eq(gm_acpi_build(&acpi, cfg), 0);
	ck_assert_uint_eq(acpi.script.len % 128, 0);
	for (i = 0; i < acpi.script.len; i += 128) {
		const u8 *e = acpi.script.data + i;

		switch (le32(e)) {
		case 1: allocated++; break;
		case 2: run_pointer(e); break;
		case 3: run_checksum(e); break;
		default: ck_abort_msg("unknown command %u", le32(e));
		}
	}
	ck_assert_uint_eq(allocated, 2);
}

static void build(unsigned int ncpus, u64 ram)
{
	struct gm_acpi_cfg cfg = {.ncpus = ncpus, .legacy = 5, .ram_below_4g = ram};

	build_cfg(&cfg);
}

static const u8 *at(u64 addr)
{
	ck_assert_uint_ge(addr, TABLES_AT);
	ck_assert_uint_lt(addr, TABLES_AT + acpi.tables.len);
	return acpi.tables.data + (addr - TABLES_AT);
}

/* The table with this signature, through the XSDT; its checksum is right. */
static const u8 *table(const char *sig)
{
	const u8 *x = at(le64(acpi.rsdp.data + 24));
	u32 i;

	for (i = 36; i < le32(x + 4); i += 8) {
		const u8 *t = at(le64(x + i));

		ck_assert_uint_eq(sum(t, le32(t + 4)), 0);
		if (!memcmp(t, sig, 4))
			return t;
	}
	ck_abort_msg("no table %s", sig);
	return NULL;
}

START_TEST(test_roots)
{
	const u8 *r, *x;
	u32 i;

	build(2, 128 * MiB);
	ck_assert_uint_eq(acpi.rsdp.len, 36);
	ck_assert_uint_eq(sum(acpi.rsdp.data, 20), 0);
	ck_assert_uint_eq(sum(acpi.rsdp.data, 36), 0);
	r = at(le32(acpi.rsdp.data + 16));
	x = at(le64(acpi.rsdp.data + 24));
	ck_assert_int_eq(memcmp(r, "RSDT", 4), 0);
	ck_assert_int_eq(memcmp(x, "XSDT", 4), 0);
	ck_assert_uint_eq(sum(r, le32(r + 4)), 0);
	ck_assert_uint_eq(sum(x, le32(x + 4)), 0);
	ck_assert_uint_eq((le32(r + 4) - 36) / 4, (le32(x + 4) - 36) / 8);
	for (i = 0; i < (le32(r + 4) - 36) / 4; i++)
		ck_assert_uint_eq(le32(r + 36 + 4 * i), le64(x + 36 + 8 * i));
	gm_acpi_free(&acpi);
}
END_TEST

START_TEST(test_fadt)
{
	const u8 *f;

	build(1, 128 * MiB);
	f = table("FACP");
	ck_assert_uint_eq(le32(f + 4), 244);
	ck_assert_int_eq(memcmp(at(le32(f + 36)), "FACS", 4), 0);
	ck_assert_uint_eq(le32(f + 36) % 64, 0);
	ck_assert_int_eq(memcmp(at(le32(f + 40)), "DSDT", 4), 0);
	ck_assert_uint_eq(sum(at(le32(f + 40)), le32(at(le32(f + 40)) + 4)), 0);
	ck_assert_uint_eq(le16(f + 46), 9);
	ck_assert_uint_eq(le32(f + 48), 0xb2);
	ck_assert_uint_eq(f[52], 0xf1);
	ck_assert_uint_eq(le32(f + 56), GM_PM_IO_BASE);
	ck_assert_uint_eq(le32(f + 64), GM_PM_IO_BASE + 4);
	ck_assert_uint_eq(le32(f + 76), GM_PM_IO_BASE + 8);
	ck_assert_uint_eq(f[91], 4);
	ck_assert_uint_eq(f[108], 0x32);
	ck_assert_uint_eq(le16(f + 109), 3);
	ck_assert_uint_eq(le32(f + 112) & 0x400, 0x400);
	ck_assert_uint_eq(le64(f + 120), 0xcf9);
	ck_assert_uint_eq(f[128], 6);
	ck_assert_uint_eq(le64(f + 132), le32(f + 36));
	ck_assert_uint_eq(le64(f + 140), le32(f + 40));
	ck_assert_uint_eq(le64(f + 148 + 4), GM_PM_IO_BASE);
	ck_assert_uint_eq(le64(f + 208 + 4), GM_PM_IO_BASE + 8);
	gm_acpi_free(&acpi);
}
END_TEST

static const struct {
	unsigned int ncpus;
} cpus[] = {{1}, {2}, {16}, {255}};

START_TEST(test_madt)
{
	unsigned int n = cpus[_i].ncpus, found[16] = {0};
	const u8 *t, *e, *end;

	build(n, 128 * MiB);
	t = table("APIC");
	end = t + le32(t + 4);
	for (e = t + 44; e < end; e += e[1]) {
		ck_assert_uint_gt(e[1], 1);
		ck_assert_uint_lt(e[0], 16);
		if (e[0] == 0)
			ck_assert_uint_eq(e[3], found[0]);
		if (e[0] == 1)
			ck_assert_uint_eq(le32(e + 4), 0xfec00000);
		if (e[0] == 2 && e[3] == 0)
			ck_assert_uint_eq(le32(e + 4), 2);
		found[e[0]]++;
	}
	ck_assert_ptr_eq(e, end);
	ck_assert_uint_eq(found[0], n);
	ck_assert_uint_eq(found[1], 1);
	ck_assert_uint_eq(found[2], 5);
	ck_assert_uint_eq(found[4], 1);
	gm_acpi_free(&acpi);
}
END_TEST

/* APIC IDs that 8 bits do not hold stand in x2APIC entries. */
START_TEST(test_madt_wide)
{
	struct gm_acpi_cfg cfg = {.ncpus = 255, .topology = {17, 5, 3}, .legacy = 5,
				  .ram_below_4g = 128 * MiB};
	unsigned int narrow = 0, wide = 0;
	const u8 *t, *e, *end;

	build_cfg(&cfg);
	t = table("APIC");
	end = t + le32(t + 4);
	for (e = t + 44; e < end; e += e[1]) {
		if (e[0] == 0)
			ck_assert_uint_eq(e[3], gm_topology_apic_id(&cfg.topology, e[2]));
		if (e[0] == 9)
			ck_assert_uint_eq(le32(e + 4), gm_topology_apic_id(&cfg.topology,
									   le32(e + 12)));
		narrow += e[0] == 0;
		wide += e[0] == 9;
	}
	ck_assert_ptr_eq(e, end);
	ck_assert_uint_eq(t[8], 3);
	ck_assert_uint_eq(narrow + wide, 255);
	ck_assert_uint_eq(wide, 135);
	gm_acpi_free(&acpi);
}
END_TEST

/* iasl takes what we made apart again. */
static void disassemble(const u8 *t, const char *name, const char *want)
{
	char path[64], cmd[256], line[512];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/tmp/gm-test-%s-%d", name, (int)getpid());
	f = fopen(path, "wb");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(t, 1, le32(t + 4), f), le32(t + 4));
	fclose(f);
	snprintf(cmd, sizeof(cmd), "iasl -d %s >/dev/null 2>&1", path);
	ck_assert_msg(system(cmd) == 0, "iasl -d %s", name);
	unlink(path);
	strcat(path, ".dsl");
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f))
		found |= strstr(line, want) != NULL;
	fclose(f);
	unlink(path);
	ck_assert_msg(found, "%s: no \"%s\"", name, want);
}

START_TEST(test_disassembles)
{
	if (system("iasl -v >/dev/null 2>&1"))
		return;
	build(200, 3 * GiB);
	disassemble(table("SSDT"), "ssdt", "Processor (CPC7, 0xC7");
	disassemble(table("APIC"), "apic", "Local Apic ID : C7");
	disassemble(table("FACP"), "facp", "00000CF9");
	disassemble(at(le32(table("FACP") + 40)), "dsdt", "Name (PMIN, 0xC0000000)");
	disassemble(at(le32(table("FACP") + 40)), "dsdt", "Name (DEVS, 0x00000005)");
	gm_acpi_free(&acpi);
}
END_TEST

START_TEST(test_limits)
{
	struct gm_acpi_cfg cfg = {.ncpus = 0, .ram_below_4g = 128 * MiB};

	ck_assert_int_ne(gm_acpi_build(&acpi, &cfg), 0);
	cfg.ncpus = 256;
	ck_assert_int_ne(gm_acpi_build(&acpi, &cfg), 0);
}
END_TEST

START_TEST(test_smbios)
{
	static const u8 uuid[16] = "0123456789abcde";
	struct gm_smbios_cfg cfg = {
		.ncpus = 3, .topology = {3, 1, 1}, .ram_size = 40 * GiB, .ram_below_4g = 3 * GiB, .uuid = uuid,
	};
	unsigned int found[128] = {0}, n = 0;
	struct gm_blob t, a;
	u32 off = 0;

	ck_assert_int_eq(gm_smbios_build(&t, &a, &cfg), 0);
	ck_assert_uint_eq(a.len, 0x1f);
	ck_assert_uint_eq(le16(a.data + 22), t.len);
	while (off < t.len) {
		const u8 *s = t.data + off;

		ck_assert_uint_lt(s[0], 128);
		ck_assert_uint_le(off + s[1] + 2, t.len);
		if (s[0] == 1)
			ck_assert_int_eq(memcmp(s + 8, uuid, 16), 0);
		found[s[0]]++;
		n++;
		for (off += s[1]; t.data[off] || t.data[off + 1]; off++)
			ck_assert_uint_lt(off + 2, t.len);
		off += 2;
		if (s[0] == 127)
			break;
	}
	ck_assert_uint_eq(off, t.len);
	ck_assert_uint_eq(le16(a.data + 28), n);
	ck_assert_uint_eq(found[0], 1);
	ck_assert_uint_eq(found[4], 3);
	ck_assert_uint_eq(found[17], 3);
	ck_assert_uint_eq(found[19], 2);
	gm_blob_free(&t);
	gm_blob_free(&a);
}
END_TEST

static const struct {
	const char *boot;
	u8 disks, cds;
	const char *want; /* NULL: no file */
} orders[] = {
	{"c", 0x1, 0, "/pci@i0cf8/ide@1,1/drive@0/disk@0"},
	{"dc", 0x2, 0x8,
	 "/pci@i0cf8/ide@1,1/drive@1/disk@1\n/pci@i0cf8/ide@1,1/drive@0/disk@1"},
	{"an", 0, 0, "/pci@i0cf8/isa@1/fdc@03f0/floppy@0"},
	{"d", 0x1, 0, NULL},
	{"", 0x1, 0, NULL},
	{NULL, 0x1, 0, NULL},
};

START_TEST(test_boot_order)
{
	struct gm_firmware_cfg cfg = {
		.ncpus = 1, .boot = orders[_i].boot,
		.ide_disks = orders[_i].disks, .ide_cds = orders[_i].cds,
	};
	char err[256];
	const u8 *got;
	u32 len;

	board_new(4 * MiB);
	cfg.fw_cfg = fake_device(m, &gm_fw_cfg_class, NULL);
	ck_assert_msg(gm_firmware_setup(m, &cfg, err, sizeof(err)) == 0, "%s", err);
	got = gm_fw_cfg_find(cfg.fw_cfg, "bootorder", &len);
	if (!orders[_i].want) {
		ck_assert_ptr_null(got);
	} else {
		ck_assert_str_eq((const char *)got, orders[_i].want);
		ck_assert_uint_eq(len, strlen(orders[_i].want) + 1);
	}
	got = gm_fw_cfg_find(cfg.fw_cfg, "etc/e820", &len);
	ck_assert_uint_eq(len, 20);
	ck_assert_uint_eq(le64(got + 8), 4 * MiB);
	board_free();
}
END_TEST

int main(void)
{
	const struct fake_test tests[] = {
		{test_roots, 0}, {test_fadt, 0}, {test_madt, ARRAY_SIZE(cpus)},
		{test_madt_wide, 0},
		{test_disassembles, 0}, {test_limits, 0}, {test_smbios, 0},
		{test_boot_order, ARRAY_SIZE(orders)},
	};

	return fake_run("acpi", tests, ARRAY_SIZE(tests));
}

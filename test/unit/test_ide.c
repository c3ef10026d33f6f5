// SPDX-License-Identifier: GPL-2.0-or-later
/* PIIX3 IDE with disks: task file, PIO, bus master, resets, hostile guests. ATA/ATAPI-6. */
#include "test/unit/lib/fake_ide.h"

#define SECTORS (40u * 16 * 63)

static struct gm_blk *disk;

static void setup_opt(const struct gm_blk_options *o)
{
	struct ide_cfg cfg = {0};

	m = fake_blk_machine();
	disk = fake_disk_new(m, SECTORS, o);
	cfg.drive[0][0].blk = disk;
	ide_new(&cfg);
}

static void setup(void)
{
	setup_opt(NULL);
}

static void teardown(void)
{
	ide_free();
	gm_blk_close(disk);
}

static u32 disk32(u32 sector)
{
	return ((u32 *)fake_disk.mem)[sector * 128];
}

START_TEST(test_decode)
{
	setup();
	ck_assert_uint_eq(gm_pci_config_read(bus, DEVFN << 8, 4), 0x70108086);
	ck_assert_uint_eq(gm_pci_config_read(bus, (DEVFN << 8) + 8, 4) >> 8, 0x010180);
	ck_assert_uint_eq(in(CMD + 7), 0x50);
	/* Bit 15 of IDETIM, and I/O space: both are needed. */
	pci_write(0x40, 2, 0);
	ck_assert_uint_eq(in(CMD + 7), 0xff);
	pci_write(0x40, 2, 0x8000);
	ck_assert_uint_eq(in(CMD + 7), 0x50);
	pci_write(0x04, 2, 4);
	ck_assert_uint_eq(in(CMD + 7), 0xff);
	teardown();
}
END_TEST

/* How firmware finds out what is there. */
START_TEST(test_presence)
{
	setup();
	/* Registers of a drive hold what is written. */
	out(CMD + 6, 0xa0);
	out(CMD + 2, 0x55);
	out(CMD + 3, 0xaa);
	ck_assert_uint_eq(in(CMD + 6), 0xa0);
	ck_assert_uint_eq(in(CMD + 2), 0x55);
	ck_assert_uint_eq(in(CMD + 3), 0xaa);
	/* The absent slave: drive 0 answers, with status 0. */
	out(CMD + 6, 0xb0);
	ck_assert_uint_eq(in(CMD + 7), 0);
	ck_assert_uint_eq(in(CTL), 0);
	out(CMD + 7, 0xec);
	ck_assert_uint_eq(settle(), 0);
	ck_assert_int_eq(irq[0].level, 0);
	/* The empty channel: a pulled-down bus, never busy. */
	ck_assert_uint_eq(in(0x177), 0x7f);
	out(0x172, 0x55);
	ck_assert_uint_eq(in(0x172), 0x7f);
	ck_assert(ide_drive_present(ide, 0, 0, NULL));
	ck_assert(!ide_drive_present(ide, 1, 0, NULL));
	teardown();
}
END_TEST

START_TEST(test_signature)
{
	setup();
	out(CMD + 2, 9);
	out(CTL, 4);
	ck_assert_uint_eq(in(CTL), 0x80);
	out(CTL, 0);
	ck_assert_uint_eq(in(CTL), 0x50);
	ck_assert_uint_eq(in(CMD + 1), 1);
	ck_assert_uint_eq(in(CMD + 2), 1);
	ck_assert_uint_eq(in(CMD + 3), 1);
	ck_assert_uint_eq(in(CMD + 4), 0);
	ck_assert_uint_eq(in(CMD + 5), 0);
	ck_assert_int_eq(irq[0].level, 0);
	out(CMD + 3, 7);
	out(CMD + 7, 0x90);
	ck_assert_uint_eq(in(CMD + 1), 1);
	ck_assert_uint_eq(in(CMD + 3), 1);
	ck_assert_int_eq(irq[0].level, 1);
	teardown();
}
END_TEST

START_TEST(test_identify)
{
	struct ide_geometry g;
	u8 b[512], sum = 0;

	setup();
	command(0xa0, 0xec, 0, 0);
	ck_assert_uint_eq(in(CTL), 0x58);
	ck_assert_int_eq(irq[0].level, 1);
	ck_assert_uint_eq(in(CMD + 7), 0x58);
	ck_assert_int_eq(irq[0].level, 0);
	data_in(b, 512);
	ck_assert_uint_eq(in(CMD + 7), 0x50);
	for (int i = 0; i < 512; i++)
		sum += b[i];
	ck_assert_uint_eq(sum, 0);
	ck_assert_uint_eq(b[510], 0xa5);
	ck_assert_uint_eq(word(b, 0), 0x40);
	ck_assert_uint_eq(word(b, 1), 40);
	ck_assert_uint_eq(word(b, 3), 16);
	ck_assert_uint_eq(word(b, 6), 63);
	ck_assert_uint_eq(word(b, 60) | word(b, 61) << 16, SECTORS);
	ck_assert_uint_eq(word(b, 100) | word(b, 101) << 16, SECTORS);
	ck_assert_uint_eq(word(b, 88), 0x3f);
	ck_assert_mem_eq(b + 54, "UGSEMTDO", 8);
	ck_assert(ide_drive_geometry(ide, 0, 0, &g));
	ck_assert_uint_eq(g.cylinders, 40);
	ck_assert_uint_eq(g.total, SECTORS);
	ck_assert(!g.lba_translation);
	/* A transfer mode shows up. */
	out(CMD + 1, 3);
	command(0xa0, 0xef, 0, 0x45);
	command(0xa0, 0xec, 0, 0);
	data_in(b, 512);
	ck_assert_uint_eq(word(b, 88), 0x203f);
	teardown();
}
END_TEST

/* Where commands find their data, and what is beyond the disk. */
static const struct addr_case {
	const char *name;
	u8 dev, cmd;
	u64 lba;   /* or cylinder << 8 | sector for CHS; the head is in dev */
	u16 count;
	u8 status; /* after it is settled */
	u8 error;
	u32 first; /* number of the first sector */
} addr_cases[] = {
	{"CHS 0/0/1", 0xa0, 0x20, 0x000001, 1, 0x58, 0, 0},
	{"CHS 1/2/3", 0xa2, 0x20, 0x000103, 1, 0x58, 0, (16 + 2) * 63 + 2},
	{"CHS without retry", 0xa2, 0x21, 0x000103, 1, 0x58, 0, (16 + 2) * 63 + 2},
	{"CHS sector 0", 0xa0, 0x20, 0x000000, 1, 0x51, 0x10, 0},
	{"CHS sector 64", 0xa0, 0x20, 0x000040, 1, 0x51, 0x10, 0},
	{"CHS cylinder 40", 0xa0, 0x20, 0x002801, 1, 0x51, 0x10, 0},
	{"LBA28", 0xe0, 0x20, 1234, 1, 0x58, 0, 1234},
	{"LBA28, last", 0xe0, 0x20, SECTORS - 1, 1, 0x58, 0, SECTORS - 1},
	{"LBA28, beyond", 0xe0, 0x20, SECTORS, 1, 0x51, 0x10, 0},
	{"LBA28, across the end", 0xe0, 0x20, SECTORS - 1, 2, 0x51, 0x10, 0},
	{"LBA28, 256 sectors", 0xe0, 0x20, SECTORS - 256, 0, 0x58, 0, SECTORS - 256},
	{"LBA28, 256 across the end", 0xe0, 0x20, SECTORS - 255, 0, 0x51, 0x10, 0},
	{"LBA48", 0xe0, 0x24, 4321, 1, 0x58, 0, 4321},
	{"LBA48, high", 0xe0, 0x24, 1ULL << 40, 1, 0x51, 0x10, 0},
	{"LBA48, 65536 sectors", 0xe0, 0x24, 0, 0, 0x51, 0x10, 0},
	{"verify", 0xe0, 0x40, 5, 200, 0x50, 0, 0},
	{"verify ext", 0xe0, 0x42, 5, 2000, 0x50, 0, 0},
	{"verify, beyond", 0xe0, 0x40, SECTORS, 1, 0x51, 0x10, 0},
	{"seek", 0xe0, 0x70, 99, 0, 0x50, 0, 0},
	{"seek, beyond", 0xe0, 0x70, SECTORS, 0, 0x51, 0x10, 0},
	{"multiple, not set", 0xe0, 0xc4, 0, 1, 0x51, 0x04, 0},
	{"recalibrate", 0xa0, 0x10, 0, 0, 0x50, 0, 0},
	{"NOP", 0xa0, 0x00, 0, 0, 0x51, 0x04, 0},
	{"unknown", 0xa0, 0x55, 0, 0, 0x51, 0x04, 0},
	{"PACKET", 0xa0, 0xa0, 0, 0, 0x51, 0x04, 0},
	{"DEVICE RESET", 0xa0, 0x08, 0, 0, 0x51, 0x04, 0},
	{"flush", 0xa0, 0xe7, 0, 0, 0x50, 0, 0},
	{"flush ext", 0xa0, 0xea, 0, 0, 0x50, 0, 0},
	{"standby immediate", 0xa0, 0xe0, 0, 0, 0x50, 0, 0},
};

START_TEST(test_addresses)
{
	const struct addr_case *c = &addr_cases[_i];
	u8 status, buf[512];

	setup();
	if (c->cmd == 0x24 || c->cmd == 0x42 || c->cmd == 0xea)
		command_ext(c->dev, c->cmd, c->lba, c->count);
	else
		command(c->dev, c->cmd, (u32)c->lba, (u8)c->count);
	status = settle();
	ck_assert_msg(status == c->status, "%s: status %#x", c->name, status);
	ck_assert_msg(irq[0].level == 1, "%s: no interrupt", c->name);
	if (c->status & 1) {
		ck_assert_msg(in(CMD + 1) == c->error, "%s: error %#x", c->name, in(CMD + 1));
	} else if (c->status & 8) {
		data_in(buf, 512);
		ck_assert_msg(*(u32 *)buf == c->first, "%s: sector %u", c->name, *(u32 *)buf);
	}
	teardown();
}
END_TEST

START_TEST(test_pio_read)
{
	u32 buf[128], i;

	setup();
	command(0xe0, 0x20, 100, 200);
	ck_assert_uint_eq(in(CTL), 0xd0);
	for (i = 0; i < 200; i++) {
		ck_assert_uint_eq(settle() & 0x88, 0x08);
		ck_assert_int_eq(irq[0].level, 1);
		in(CMD + 7);
		ck_assert_int_eq(irq[0].level, 0);
		data_in(buf, 512);
		ck_assert_uint_eq(buf[0], 100 + i);
		ck_assert_uint_eq(buf[127], 100 + i);
	}
	/* No interrupt after the last block. */
	ck_assert_uint_eq(settle(), 0x50);
	ck_assert_int_eq(irq[0].level, 0);
	ck_assert_uint_eq(irq[0].rises, 200);
	teardown();
}
END_TEST

START_TEST(test_pio_write)
{
	u32 buf[128], i, j;

	setup();
	command(0xe0, 0x30, 100, 200);
	/* The first block is asked for without an interrupt. */
	ck_assert_uint_eq(in(CTL), 0x58);
	ck_assert_int_eq(irq[0].level, 0);
	for (i = 0; i < 200; i++) {
		ck_assert_uint_eq(settle(), 0x58);
		in(CMD + 7);
		for (j = 0; j < 128; j++)
			buf[j] = 0xf000 + i;
		data_out(buf, 512);
	}
	ck_assert_uint_eq(settle(), 0x50);
	ck_assert_int_eq(irq[0].level, 1);
	ck_assert_uint_eq(irq[0].rises, 200);
	for (i = 0; i < 200; i++)
		ck_assert_uint_eq(disk32(100 + i), 0xf000 + i);
	ck_assert_uint_eq(disk32(99), 99);
	ck_assert_uint_eq(disk32(300), 300);
	teardown();
}
END_TEST

START_TEST(test_multiple)
{
	u32 buf[16 * 128];

	setup();
	command(0xe0, 0xc6, 0, 3);
	ck_assert_uint_eq(in(CMD + 7), 0x51);
	command(0xe0, 0xc6, 0, 32);
	ck_assert_uint_eq(in(CMD + 7), 0x51);
	command(0xe0, 0xc6, 0, 8);
	ck_assert_uint_eq(in(CMD + 7), 0x50);
	irq[0].rises = 0;
	/* Blocks of 8, 8 and 4 sectors. */
	command(0xe0, 0xc4, 10, 20);
	settle();
	for (int i = 0; i < 3; i++) {
		in(CMD + 7);
		data_in(buf, i < 2 ? 4096 : 2048);
		ck_assert_uint_eq(buf[0], 10u + 8 * i);
	}
	ck_assert_uint_eq(settle(), 0x50);
	ck_assert_uint_eq(irq[0].rises, 3);
	memset(buf, 0x11, sizeof(buf));
	command(0xe0, 0xc5, 500, 10);
	data_out(buf, 4096);
	settle();
	data_out(buf, 1024);
	ck_assert_uint_eq(settle(), 0x50);
	ck_assert_uint_eq(disk32(509), 0x11111111);
	ck_assert_uint_eq(disk32(510), 510);
	teardown();
}
END_TEST

/* ---- bus master ---- */

static void dma_start(u8 cmd, u64 lba, u16 count, bool to_mem)
{
	command_ext(0xe0, cmd, lba, count);
	out(BM, to_mem ? 9 : 1);
}

static const struct dma_case {
	const char *name;
	u16 count;
	struct prd prd[4];
	u8 bm;     /* status of the bus master in the end */
	u8 status; /* of the drive */
	bool irq;
} dma_cases[] = {
	{"exact", 8, {{0x10000, 4096 | EOT}}, 0x04, 0x50, true},
	{"several regions", 8, {{0x10000, 1024}, {0x20000, 2048}, {0x30000, 1024 | EOT}}, 4, 0x50, 1},
	{"64 KiB is 0", 128, {{0x10000, 0 | EOT}}, 0x04, 0x50, true},
	{"table describes more", 8, {{0x10000, 8192 | EOT}}, 0x05, 0x50, true},
	{"table describes more regions", 8, {{0x10000, 4096}, {0x20000, 512 | EOT}}, 5, 0x50, 1},
	{"table too short", 8, {{0x10000, 2048 | EOT}}, 0x00, 0x58, false},
	{"cut sectors", 8, {{0x10002, 510}, {0x20004, 3588 - 2}, {0x30006, EOT}}, 0x05, 0x50, 1},
	{"odd address and count", 1, {{0x10001, 0x201 | EOT}}, 0x04, 0x50, true},
	{"1024 sectors", 1024, {{0x10000, 0}, {0x20000, 0}, {0x40000, 0}, {0x80000, EOT}}, 0, 0x58},
};

/* Moves what the case's descriptors describe between a flat copy and guest memory. */
static void prd_copy(const struct prd *p, u8 *flat, u32 len, bool from_guest)
{
	for (; len; p++) {
		u32 n = p->count & 0xfffe ? p->count & 0xfffe : 65536;

		n = MIN(n, len);
		if (from_guest)
			mem_read(p->addr & ~1u, flat, n);
		else
			mem_write(p->addr & ~1u, flat, n);
		flat += n;
		len -= n;
		if (p->count & EOT)
			return;
	}
}

START_TEST(test_dma_read)
{
	const struct dma_case *c = &dma_cases[_i];
	static u8 buf[1024 * 512];
	u8 status;

	setup();
	prd_write(c->prd, 4);
	dma_start(0x25, 77, c->count, true);
	status = settle();
	ck_assert_msg(status == c->status, "%s: status %#x", c->name, status);
	ck_assert_msg(in(BM + 2) == c->bm, "%s: bus master %#x", c->name, in(BM + 2));
	ck_assert_msg(irq[0].level == c->irq, "%s: interrupt %d", c->name, irq[0].level);
	memset(buf, 0xee, sizeof(buf));
	prd_copy(c->prd, buf, c->count * 512u, true);
	if (c->irq)
		ck_assert_msg(!memcmp(buf, fake_disk.mem + 77 * 512, c->count * 512u), "%s",
			      c->name);
	else
		ck_assert_mem_eq(buf, fake_disk.mem + 77 * 512, 2048);
	/* A drive that is stuck comes back by a soft reset. */
	out(BM, 0);
	out(CTL, 4);
	out(CTL, 0);
	ck_assert_uint_eq(settle(), 0x50);
	teardown();
}
END_TEST

START_TEST(test_dma_write)
{
	const struct dma_case *c = &dma_cases[_i];
	static u8 buf[1024 * 512];
	u8 status;

	setup();
	for (u32 i = 0; i < sizeof(buf); i++)
		buf[i] = (u8)(i * 3 + i / 512);
	prd_copy(c->prd, buf, c->count * 512u, false);
	prd_write(c->prd, 4);
	dma_start(0x35, 77, c->count, false);
	status = settle();
	ck_assert_msg(status == c->status, "%s: status %#x", c->name, status);
	ck_assert_msg(in(BM + 2) == c->bm, "%s: bus master %#x", c->name, in(BM + 2));
	if (c->irq)
		ck_assert_msg(!memcmp(buf, fake_disk.mem + 77 * 512, c->count * 512u), "%s",
			      c->name);
	ck_assert_uint_eq(disk32(76), 76);
	teardown();
}
END_TEST

START_TEST(test_dma_order)
{
	static const struct prd p[] = {{0x10000, 512 | EOT}};

	setup();
	prd_write(p, 1);
	/* Started first, then the command. */
	out(BM, 9);
	ck_assert_uint_eq(in(BM + 2), 1);
	command(0xe0, 0xc8, 9, 1);
	ck_assert_uint_eq(settle(), 0x50);
	ck_assert_uint_eq(in(BM + 2), 4);
	out(BM, 0);
	/* Without the bus master bit nothing moves until it is set. */
	pci_write(0x04, 2, 1);
	prd_write(p, 1);
	command(0xe0, 0xc8, 10, 1);
	out(BM, 9);
	ck_assert_uint_eq(settle() & 0x80, 0x80);
	pci_write(0x04, 2, 5);
	ck_assert_uint_eq(settle(), 0x50);
	teardown();
}
END_TEST

START_TEST(test_dma_no_table)
{
	setup();
	gm_bus_write(m->pio, BM + 4, 4, 0xf0000000);
	command(0xe0, 0xc8, 0, 1);
	out(BM, 9);
	settle();
	ck_assert_uint_eq(in(BM + 2), 2);
	ck_assert_int_eq(irq[0].level, 0);
	out(CTL, 4);
	out(CTL, 0);
	ck_assert_uint_eq(in(CTL), 0x50);
	teardown();
}
END_TEST

/* Regions that are no memory: nothing there, but the transfer is done. */
START_TEST(test_dma_to_nowhere)
{
	static const struct prd p[] = {{0xe0000000, 512}, {0x3ffe00, 1024}, {0xfffffe00, EOT}};

	setup();
	prd_write(p, 3);
	dma_start(0x25, 3, 128, true);
	ck_assert_uint_eq(settle(), 0x50);
	prd_write(p, 3);
	out(BM, 0);
	dma_start(0x35, 3, 128, false);
	ck_assert_uint_eq(settle(), 0x50);
	/* The part of the second region that is memory. */
	ck_assert_uint_eq(disk32(4), 4);
	teardown();
}
END_TEST

/* ---- cache, errors, resets ---- */

START_TEST(test_cache)
{
	u8 buf[512] = {0};

	setup();
	command(0xe0, 0x30, 0, 1);
	data_out(buf, 512);
	settle();
	ck_assert_uint_eq(fake_disk.flushes, 0);
	command(0xe0, 0xe7, 0, 0);
	settle();
	ck_assert_uint_eq(fake_disk.flushes, 1);
	/* FUA */
	command_ext(0xe0, 0x3d, 0, 1);
	prd_write((struct prd[]){{0x10000, 512 | EOT}}, 1);
	out(BM, 1);
	ck_assert_uint_eq(settle(), 0x50);
	ck_assert_uint_eq(fake_disk.flushes, 2);
	/* Cache off */
	out(CMD + 1, 0x82);
	command(0xe0, 0xef, 0, 0);
	settle();
	command(0xe0, 0x30, 0, 1);
	data_out(buf, 512);
	ck_assert_uint_eq(settle(), 0x50);
	ck_assert_uint_eq(fake_disk.flushes, 3);
	teardown();
}
END_TEST

START_TEST(test_host_error)
{
	u8 buf[512] = {0};

	setup();
	fake_disk.fail_read = -EIO;
	command(0xe0, 0x20, 1234, 1);
	ck_assert_uint_eq(settle(), 0x51);
	ck_assert_uint_eq(in(CMD + 1), 0x40);
	ck_assert_uint_eq(in(CMD + 3) | in(CMD + 4) << 8, 1234);
	fake_disk.fail_write = -ENOSPC;
	command(0xe0, 0x30, 4321, 1);
	data_out(buf, 512);
	ck_assert_uint_eq(settle(), 0x51);
	ck_assert_uint_eq(in(CMD + 1), 0x04);
	fake_disk.fail_read = 0;
	command(0xe0, 0x20, 7, 1);
	ck_assert_uint_eq(settle(), 0x58);
	teardown();
}
END_TEST

START_TEST(test_readonly)
{
	struct gm_blk_options o = {.readonly = true};

	setup_opt(&o);
	command(0xe0, 0x30, 0, 1);
	ck_assert_uint_eq(settle(), 0x51);
	ck_assert_uint_eq(in(CMD + 1), 0x04);
	command(0xe0, 0x20, 0, 1);
	ck_assert_uint_eq(settle(), 0x58);
	teardown();
}
END_TEST

/* ENOSPC with the policy "pause": the guest's write waits and is done in the end. */
START_TEST(test_pause_on_error)
{
	struct gm_blk_options o = {.on_error = GM_BLK_PAUSE};
	u8 buf[512];

	setup_opt(&o);
	memset(buf, 0x66, sizeof(buf));
	fake_disk.fail_write = -ENOSPC;
	command(0xe0, 0x30, 50, 1);
	data_out(buf, 512);
	ck_assert_uint_eq(settle() & 0x80, 0x80);
	ck_assert_uint_eq(fake_pauses, 1);
	ide->cls->pause(ide);
	fake_disk.fail_write = 0;
	ide->cls->resume(ide);
	ck_assert_uint_eq(settle(), 0x50);
	ck_assert_uint_eq(disk32(50), 0x66666666);
	/* Reset while a request is held back: it is dropped. */
	fake_disk.fail_write = -ENOSPC;
	command(0xe0, 0x30, 51, 1);
	data_out(buf, 512);
	settle();
	out(CTL, 4);
	out(CTL, 0);
	ck_assert_uint_eq(settle(), 0x50);
	teardown();
}
END_TEST

START_TEST(test_reset_in_flight)
{
	static const struct prd p[] = {{0x10000, 0 | EOT}};

	setup();
	prd_write(p, 1);
	dma_start(0x25, 0, 128, true);
	out(CTL, 4); /* with the request at the back end */
	out(CTL, 0);
	ck_assert_uint_eq(settle(), 0x50);
	ck_assert_int_eq(irq[0].level, 0);
	out(BM, 0);
	/* The bus master is stopped in flight, and started again. */
	prd_write(p, 1);
	dma_start(0x25, 0, 128, true);
	out(BM, 0);
	pump(m);
	ck_assert_uint_eq(in(CTL) & 0x80, 0x80);
	out(BM, 9);
	ck_assert_uint_eq(settle(), 0x50);
	/* Machine reset in flight. */
	command(0xe0, 0x20, 0, 1);
	ide->cls->reset(ide);
	ide_enable();
	ck_assert_uint_eq(settle(), 0x50);
	teardown();
}
END_TEST

/* Registers cannot be written while a command runs; another command is not taken. */
START_TEST(test_busy)
{
	u32 buf[128];

	setup();
	command(0xe0, 0x20, 8, 2);
	out(CMD + 6, 0xb0);
	out(CMD + 3, 99);
	out(CMD + 7, 0x30);
	ck_assert_uint_eq(settle(), 0x58);
	ck_assert_uint_eq(in(CMD + 3), 8);
	out(CMD + 7, 0xec);
	data_in(buf, 512);
	ck_assert_uint_eq(buf[0], 8);
	data_in(buf, 512);
	ck_assert_uint_eq(buf[0], 9);
	ck_assert_uint_eq(in(CTL), 0x50);
	/* Data port without a transfer. */
	ck_assert_uint_eq(gm_bus_read(m->pio, CMD, 2), 0xffff);
	gm_bus_write(m->pio, CMD, 4, 0x12345678);
	ck_assert_uint_eq(in(CTL), 0x50);
	teardown();
}
END_TEST

START_TEST(test_nien)
{
	setup();
	out(CTL, 2);
	command(0xe0, 0x10, 0, 0);
	ck_assert_int_eq(irq[0].level, 0);
	out(CTL, 0);
	ck_assert_int_eq(irq[0].level, 1);
	out(CMD + 6, 0xb0); /* the other drive's line is not driven */
	ck_assert_int_eq(irq[0].level, 0);
	out(CMD + 6, 0xa0);
	ck_assert_int_eq(irq[0].level, 1);
	in(CTL);
	ck_assert_int_eq(irq[0].level, 1);
	in(CMD + 7);
	ck_assert_int_eq(irq[0].level, 0);
	teardown();
}
END_TEST

START_TEST(test_smart)
{
	u8 b[512], sum = 0;

	setup();
	out(CMD + 1, 0xd0);
	command(0xa0, 0xb0, 0xc24f00, 1);
	ck_assert_uint_eq(in(CMD + 7), 0x58);
	data_in(b, 512);
	for (int i = 0; i < 512; i++)
		sum += b[i];
	ck_assert_uint_eq(sum, 0);
	out(CMD + 1, 0xda);
	command(0xa0, 0xb0, 0xc24f00, 0);
	ck_assert_uint_eq(in(CMD + 7), 0x50);
	ck_assert_uint_eq(in(CMD + 4), 0x4f);
	command(0xa0, 0xb0, 0, 0); /* without the key */
	ck_assert_uint_eq(in(CMD + 7), 0x51);
	out(CMD + 1, 0xd9);
	command(0xa0, 0xb0, 0xc24f00, 0);
	ck_assert_uint_eq(in(CMD + 7), 0x50);
	out(CMD + 1, 0xd0);
	command(0xa0, 0xb0, 0xc24f00, 1);
	ck_assert_uint_eq(in(CMD + 7), 0x51);
	teardown();
}
END_TEST

START_TEST(test_trim)
{
	u64 ranges[64] = {[0] = 10 | 5ULL << 48, [1] = 100 | 1ULL << 48};

	setup();
	mem_write(0x10000, ranges, sizeof(ranges));
	prd_write((struct prd[]){{0x10000, 512 | EOT}}, 1);
	out(CMD + 1, 1);
	command_ext(0xe0, 0x06, 0, 1);
	out(BM, 1);
	ck_assert_uint_eq(settle(), 0x50);
	ck_assert_uint_eq(fake_disk.discards, 2);
	ck_assert_uint_eq(disk32(10), 0);
	ck_assert_uint_eq(disk32(15), 15);
	ck_assert_uint_eq(disk32(100), 0);
	/* One bad range: none is discarded. */
	ranges[1] = (u64)(SECTORS - 1) | 2ULL << 48;
	mem_write(0x10000, ranges, sizeof(ranges));
	prd_write((struct prd[]){{0x10000, 512 | EOT}}, 1);
	out(BM, 0);
	out(CMD + 1, 1);
	command_ext(0xe0, 0x06, 0, 1);
	out(BM, 1);
	ck_assert_uint_eq(settle(), 0x51);
	ck_assert_uint_eq(fake_disk.discards, 2);
	teardown();
}
END_TEST

START_TEST(test_params)
{
	u8 b[512];

	setup();
	command(0xa7, 0x91, 0, 32); /* 8 heads, 32 sectors */
	ck_assert_uint_eq(in(CMD + 7), 0x50);
	command(0xa1, 0x20, 0x000102, 1);
	settle();
	data_in(b, 512);
	ck_assert_uint_eq(*(u32 *)b, (8 + 1) * 32 + 1);
	command(0xa0, 0xec, 0, 0);
	data_in(b, 512);
	ck_assert_uint_eq(word(b, 54), SECTORS / 256);
	ck_assert_uint_eq(word(b, 55), 8);
	ck_assert_uint_eq(word(b, 56), 32);
	command(0xe0, 0xf8, 0, 0);
	ck_assert_uint_eq(in(CMD + 3) | in(CMD + 4) << 8, SECTORS - 1);
	teardown();
}
END_TEST

/* Save, load, save: equal bytes, and a transfer goes on where it was. */
START_TEST(test_state)
{
	const struct gm_state_desc *desc = piix3_ide_class.dev.state;
	size_t size = gm_state_size(desc);
	u8 *a = malloc(size), *b = malloc(size);
	u32 buf[128];

	setup();
	command(0xe0, 0x20, 30, 200);
	settle();
	data_in(buf, 512);
	data_in(buf, 100);
	ide->cls->pause(ide);
	ck_assert_uint_eq(gm_state_save(desc, ide, a), size);
	ide->cls->reset(ide);
	ck_assert_int_eq(gm_state_load(desc, ide, a, size), 0);
	ck_assert_int_eq(ide->cls->loaded(ide), 0);
	gm_state_save(desc, ide, b);
	ck_assert_mem_eq(a, b, size);
	ide->cls->resume(ide);
	data_in(buf, 412);
	ck_assert_uint_eq(buf[0], 31);
	/* Stopped between two requests. */
	for (int i = 2; i < 128; i++)
		data_in(buf, 512);
	ide->cls->pause(ide);
	ck_assert_uint_eq(in(CTL) & 0x88, 0x08);
	gm_state_save(desc, ide, a);
	ide->cls->reset(ide);
	ck_assert_int_eq(gm_state_load(desc, ide, a, size), 0);
	ck_assert_int_eq(ide->cls->loaded(ide), 0);
	ide->cls->resume(ide);
	settle();
	data_in(buf, 512);
	ck_assert_uint_eq(buf[0], 30 + 128);
	free(a);
	free(b);
	teardown();
}
END_TEST

/* Random port accesses, with the back end working or not: nothing may break. The disk and memory
 * are checked by the sanitizers. */
START_TEST(test_random)
{
	static const u8 cmds[] = {0x20, 0x24, 0x25, 0x30, 0x35, 0xc4, 0xc5, 0xc6, 0xc8, 0xca, 0xec,
				  0xef, 0xb0, 0x06, 0x42, 0xe7, 0x91, 0x08, 0x90, 0xa0, 0xe8, 0xe4};
	u32 rnd = (u32)_i * 7919 + 1;

	setup();
	for (int i = 0; i < 20000; i++) {
		u32 r;

		rnd = rnd * 1664525 + 1013904223;
		r = rnd >> 8;
		switch (r % 16) {
		case 0:
			pump(m);
			break;
		case 1:
			out(CTL, r >> 8 & 1 ? 0 : (u8)(r >> 12));
			break;
		case 2:
			out(CMD + 7, cmds[(r >> 8) % ARRAY_SIZE(cmds)]);
			break;
		case 3:
			out(BM, (u8)(r >> 9));
			break;
		case 4:
			gm_bus_write(m->pio, BM + 4, 4, r >> 8 & 0x3ffff);
			break;
		case 5:
			mem_write(r >> 4 & 0x3fff8, &rnd, 4);
			break;
		case 6:
		case 7:
			out(CMD + 1 + (r >> 8) % 6, (u8)(r >> 16 & (r & 0x100 ? 0xff : 3)));
			break;
		case 8:
			in((u16)(CMD + (r >> 8) % 8));
			break;
		case 9:
			out(BM + 2, (u8)(r >> 8));
			break;
		default:
			for (int k = 0; k < 64; k++)
				if (r & 0x1000)
					gm_bus_read(m->pio, CMD, r & 0x2000 ? 4 : 2);
				else
					gm_bus_write(m->pio, CMD, r & 0x2000 ? 4 : 2, rnd);
		}
	}
	teardown();
}
END_TEST

int main(void)
{
	const struct fake_test tests[] = {
		{test_decode},
		{test_presence},
		{test_signature},
		{test_identify},
		{test_addresses, ARRAY_SIZE(addr_cases)},
		{test_pio_read},
		{test_pio_write},
		{test_multiple},
		{test_dma_read, ARRAY_SIZE(dma_cases)},
		{test_dma_write, ARRAY_SIZE(dma_cases)},
		{test_dma_order},
		{test_dma_no_table},
		{test_dma_to_nowhere},
		{test_cache},
		{test_host_error},
		{test_readonly},
		{test_pause_on_error},
		{test_reset_in_flight},
		{test_busy},
		{test_nien},
		{test_smart},
		{test_trim},
		{test_params},
		{test_state},
		{test_random, 8},
	};

	return fake_run("ide", tests, ARRAY_SIZE(tests));
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* The 82077AA: registers, resets, seeks, transfers by DMA and programmed I/O, errors. */
#include "test/unit/lib/fake_blk.h"
#include "devices/isa/fdc_int.h"
#include "devices/isa/i8237.h"

#define BASE 0x3f0

static struct gm_machine *m;
static struct gm_dev *fdc;
static struct gm_blk *disk;
static struct fake_line irq;

/* ---- a DMA channel: a piece of memory and a count ---- */

static u8 dma_mem[65536];
static size_t dma_pos, dma_len;
static enum dma_dir dma_dir;

size_t dma_channel_transfer(struct gm_dev *dma, unsigned int channel, void *buf, size_t len,
			    bool *tc)
{
	size_t n = MIN(len, dma_len - dma_pos);

	ck_assert_uint_eq(channel, 2);
	if (dma_dir == DMA_IDLE)
		return 0;
	if (dma_dir == DMA_TO_MEM)
		memcpy(dma_mem + dma_pos, buf, n);
	else if (dma_dir == DMA_FROM_MEM)
		memcpy(buf, dma_mem + dma_pos, n);
	dma_pos += n;
	*tc = n && dma_pos == dma_len;
	return n;
}

static void dma(enum dma_dir dir, size_t len)
{
	dma_dir = dir;
	dma_pos = 0;
	dma_len = len;
}

/* ---- the controller ---- */

static void setup_size(u64 kib, bool readonly, enum fdc_drive_type type)
{
	struct gm_blk_options o = {.readonly = readonly};
	struct fdc_cfg cfg = {.base = BASE, .irq = fake_irq(&irq), .dma_channel = 2};

	irq = (struct fake_line){0};
	m = fake_blk_machine();
	disk = kib ? fake_disk_new(m, kib * 2, &o) : NULL;
	cfg.drive[0].blk = disk;
	cfg.drive[0].type = type;
	fdc = fake_device(m, &fdc_class, &cfg);
	dma(DMA_IDLE, 0);
}

static void teardown(void)
{
	fake_blk_machine_free(m);
	gm_blk_close(disk);
	disk = NULL;
}

static u8 in(u16 off)
{
	return fake_inb(m, BASE + off);
}

static void out(u16 off, u8 val)
{
	fake_outb(m, BASE + off, val);
}

static void send(const u8 *p, int n)
{
	for (int i = 0; i < n; i++) {
		ck_assert_uint_eq(in(4) & 0xc0, 0x80);
		out(5, p[i]);
	}
}

/* Reads results until there are none; gives their number. */
static int results(u8 *p, int max)
{
	int n = 0;

	pump(m);
	while ((in(4) & 0xd0) == 0xd0 && !(in(4) & 0x20) && n < max)
		p[n++] = in(5);
	ck_assert_uint_eq(in(4) & 0xd0, 0x80);
	return n;
}

#define SEND(...)                                                                                  \
	do {                                                                                       \
		const u8 bytes_[] = {__VA_ARGS__};                                                 \
		send(bytes_, sizeof(bytes_));                                                      \
	} while (0)

static void power_on(u8 rate)
{
	u8 r[2];

	out(2, 0x00);
	out(2, 0x1c);
	ck_assert_int_eq(irq.level, 1);
	for (int i = 0; i < 4; i++) {
		SEND(0x08);
		ck_assert_int_eq(results(r, 2), 2);
		ck_assert_uint_eq(r[0], 0xc0 + i);
		ck_assert_int_eq(irq.level, 0);
	}
	out(7, rate);
	SEND(0x03, 0xaf, 0x02);
}

static void seek(u8 cyl)
{
	u8 r[2];

	SEND(0x0f, 0, cyl);
	ck_assert_int_eq(irq.level, 1);
	SEND(0x08);
	ck_assert_int_eq(results(r, 2), 2);
	ck_assert_uint_eq(r[0], 0x20);
	ck_assert_uint_eq(r[1], cyl);
}

static void setup(void)
{
	setup_size(1440, false, FDC_DRIVE_NONE);
	power_on(0);
}

START_TEST(test_reset)
{
	u8 r[10];

	setup_size(1440, false, FDC_DRIVE_NONE);
	ck_assert_uint_eq(in(4), 0); /* held in reset */
	power_on(0);
	/* Nothing is pending now. */
	SEND(0x08);
	ck_assert_int_eq(results(r, 2), 1);
	ck_assert_uint_eq(r[0], 0x80);
	/* By DSR. */
	out(4, 0x80);
	ck_assert_int_eq(irq.level, 1);
	/* Without the gate of DOR there is no interrupt. */
	out(2, 0x14);
	ck_assert_int_eq(irq.level, 0);
	out(2, 0x1c);
	ck_assert_int_eq(irq.level, 1);
	SEND(0x08);
	ck_assert_int_eq(results(r, 2), 2);
	/* A reset switches polling on again, so that it interrupts after this CONFIGURE, too. */
	SEND(0x13, 0, 0x1f, 0);
	SEND(0x94);
	ck_assert_int_eq(results(r, 2), 1);
	ck_assert_uint_eq(r[0], 0x10);
	out(4, 0x80);
	ck_assert_int_eq(irq.level, 1);
	SEND(0x08);
	ck_assert_int_eq(results(r, 2), 2);
	ck_assert_uint_eq(r[0], 0xc0);
	/* LOCK kept the threshold. */
	SEND(0x0e);
	ck_assert_int_eq(results(r, 10), 10);
	ck_assert_uint_eq(r[7], 0x80);
	ck_assert_uint_eq(r[8], 0x0f);
	SEND(0x14);
	results(r, 2);
	out(4, 0x80);
	SEND(0x0e);
	results(r, 10);
	ck_assert_uint_eq(r[8], 0x20);
	teardown();
}
END_TEST

static const struct {
	const char *name;
	u8 cmd[9], ncmd;
	u8 res[10], nres;
} simple[] = {
	{"VERSION", {0x10}, 1, {0x90}, 1},
	{"invalid", {0x1f}, 1, {0x80}, 1},
	{"PART ID is no 82077's", {0x18}, 1, {0x80}, 1},
	{"SENSE DRIVE STATUS", {0x04, 0x04}, 2, {0x3c}, 1},
	{"SENSE DRIVE STATUS, no drive", {0x04, 0x01}, 2, {0x29}, 1},
	{"DUMPREG", {0x0e}, 1, {0, 0, 0, 0, 0xaf, 0x02, 0, 0, 0x20, 0}, 10},
	{"LOCK", {0x94}, 1, {0x10}, 1},
	{"READ ID", {0x4a, 0x04}, 2, {0x04, 0, 0, 0, 1, 1, 2}, 7},
	{"READ ID, FM", {0x0a, 0x00}, 2, {0x40, 1, 0, 0, 0, 0, 0}, 7},
	{"READ ID, no drive", {0x4a, 0x01}, 2, {0x41, 1, 0, 0, 0, 0, 0}, 7},
	{"READ, no drive", {0x46, 1, 0, 0, 1, 2, 18, 0x1b, 0xff}, 9, {0x41, 1, 0, 0, 0, 1, 2}, 7},
	{"READ, wrong cylinder", {0x46, 0, 5, 0, 1, 2, 18, 0x1b, 0xff}, 9,
	 {0x40, 4, 0x10, 5, 0, 1, 2}, 7},
	{"READ, bad cylinder", {0x46, 0, 0xff, 0, 1, 2, 18, 0x1b, 0xff}, 9,
	 {0x40, 4, 0x12, 0xff, 0, 1, 2}, 7},
	{"READ, sector 19", {0x46, 0, 0, 0, 19, 2, 19, 0x1b, 0xff}, 9, {0x40, 4, 0, 0, 0, 19, 2}, 7},
	{"READ, sector 0", {0x46, 0, 0, 0, 0, 2, 18, 0x1b, 0xff}, 9, {0x40, 4, 0, 0, 0, 0, 2}, 7},
	{"READ, wrong head", {0x46, 0, 0, 1, 1, 2, 18, 0x1b, 0xff}, 9, {0x40, 4, 0, 0, 1, 1, 2}, 7},
	{"READ, size 1024", {0x46, 0, 0, 0, 1, 3, 18, 0x1b, 0xff}, 9, {0x40, 4, 0, 0, 0, 1, 3}, 7},
	{"READ, DMA masked", {0x46, 0, 0, 0, 1, 2, 18, 0x1b, 0xff}, 9, {0x40, 16, 0, 0, 0, 1, 2}, 7},
	{"VERIFY, two", {0x56, 0x80, 0, 0, 1, 2, 18, 0x1b, 2}, 9, {0, 0, 0, 0, 0, 3, 2}, 7},
	{"VERIFY, track", {0x56, 0, 0, 0, 1, 2, 18, 0x1b, 0xff}, 9, {0, 0, 0, 1, 0, 1, 2}, 7},
	{"READ DELETED, skip", {0x6c, 0, 0, 0, 1, 2, 18, 0x1b, 0xff}, 9,
	 {0x40, 4, 0x40, 0, 0, 1, 2}, 7},
	{"POWERDOWN", {0x17, 0x21}, 2, {0x21}, 1},
};

START_TEST(test_simple)
{
	u8 r[10];
	int n;

	setup();
	send(simple[_i].cmd, simple[_i].ncmd);
	n = results(r, 10);
	ck_assert_msg(n == simple[_i].nres, "%s: %d results", simple[_i].name, n);
	for (int i = 0; i < n; i++)
		ck_assert_msg(r[i] == simple[_i].res[i], "%s: result %d is %#x", simple[_i].name, i,
			      r[i]);
	teardown();
}
END_TEST

START_TEST(test_seek)
{
	u8 r[2];

	setup();
	ck_assert_uint_eq(in(7), 0x80); /* not seen yet */
	seek(10);
	ck_assert_uint_eq(in(7), 0);
	SEND(0x04, 0);
	results(r, 1);
	ck_assert_uint_eq(r[0] & 0x10, 0);
	SEND(0xcf, 0, 5); /* relative, inwards */
	ck_assert_uint_eq(in(4) & 0x0f, 1);
	SEND(0x08);
	results(r, 2);
	ck_assert_uint_eq(r[1], 15);
	ck_assert_uint_eq(in(4) & 0x0f, 0);
	SEND(0x8f, 0, 3);
	SEND(0x08);
	results(r, 2);
	ck_assert_uint_eq(r[1], 12);
	SEND(0x07, 0);
	ck_assert_int_eq(irq.level, 1);
	SEND(0x08);
	results(r, 2);
	ck_assert_uint_eq(r[0], 0x20);
	ck_assert_uint_eq(r[1], 0);
	/* Drive 1 is not there: no track 0. */
	SEND(0x07, 1);
	SEND(0x08);
	results(r, 2);
	ck_assert_uint_eq(r[0], 0x71);
	teardown();
}
END_TEST

/* Reads and writes by DMA: where they stop and what ID is left (82077AA, table 5). */
static const struct xfer_case {
	const char *name;
	u8 cyl, cmd, unit, c, h, r, eot;
	u32 len;     /* until terminal count */
	u32 sector;  /* the first one */
	u32 moved;   /* bytes */
	u8 res[7];
} xfers[] = {
	{"one sector", 0, 0x46, 0, 0, 0, 1, 18, 512, 0, 512, {0, 0, 0, 0, 0, 2, 2}},
	{"last of a track", 0, 0x46, 0, 0, 0, 18, 18, 512, 17, 512, {0, 0, 0, 1, 0, 1, 2}},
	{"head 1", 0, 0x46, 4, 0, 1, 5, 18, 1024, 22, 1024, {4, 0, 0, 0, 1, 7, 2}},
	{"MT across heads", 3, 0xc6, 0, 3, 0, 17, 18, 2048, 3 * 36 + 16, 2048,
	 {4, 0, 0, 3, 1, 3, 2}},
	{"MT to the end", 3, 0xc6, 0, 3, 0, 1, 18, 36 * 512, 108, 36 * 512, {4, 0, 0, 4, 0, 1, 2}},
	{"MT, one side", 3, 0xc6, 0, 3, 0, 18, 18, 512, 108 + 17, 512, {0, 0, 0, 3, 1, 1, 2}},
	{"no terminal count", 3, 0x46, 0, 3, 0, 17, 18, 65536, 108 + 16, 1024,
	 {0x40, 0x80, 0, 4, 0, 1, 2}},
	{"EOT beyond the track", 3, 0x46, 0, 3, 0, 17, 30, 65536, 108 + 16, 1024,
	 {0x40, 4, 0, 3, 0, 19, 2}},
	{"part of a sector", 0, 0x46, 0, 0, 0, 4, 18, 700, 3, 700, {0, 0, 0, 0, 0, 6, 2}},
	{"track", 1, 0x42, 0, 1, 0, 9, 18, 18 * 512, 36, 18 * 512, {0, 0, 0, 2, 0, 1, 2}},
	{"deleted", 0, 0x4c, 0, 0, 0, 4, 18, 2048, 3, 512, {0, 0, 0x40, 0, 0, 5, 2}},
	{"write one", 0, 0x45, 0, 0, 0, 1, 18, 512, 0, 512, {0, 0, 0, 0, 0, 2, 2}},
	{"write MT", 3, 0xc5, 0, 3, 0, 17, 18, 2048, 3 * 36 + 16, 2048, {4, 0, 0, 3, 1, 3, 2}},
	{"write deleted", 79, 0x49, 4, 79, 1, 18, 18, 512, 2879, 512, {4, 0, 0, 80, 1, 1, 2}},
};

START_TEST(test_dma)
{
	const struct xfer_case *c = &xfers[_i];
	bool write = (c->cmd & 0x1f) == 5 || (c->cmd & 0x1f) == 9;
	u8 r[7], *at;

	setup();
	seek(c->cyl);
	for (u32 i = 0; i < sizeof(dma_mem); i++)
		dma_mem[i] = (u8)(i / 512 + 0x80 + i);
	dma(write ? DMA_FROM_MEM : DMA_TO_MEM, c->len);
	at = fake_disk.mem + c->sector * 512;
	SEND(c->cmd, c->unit, c->c, c->h, c->r, 2, c->eot, 0x1b, 0xff);
	pump(m);
	ck_assert_int_eq(irq.level, 1);
	ck_assert_int_eq(results(r, 7), 7);
	ck_assert_int_eq(irq.level, 0);
	for (int i = 0; i < 7; i++)
		ck_assert_msg(r[i] == c->res[i], "%s: result %d is %#x", c->name, i, r[i]);
	ck_assert_msg(dma_pos == c->moved, "%s: %zu bytes", c->name, dma_pos);
	ck_assert_msg(!memcmp(dma_mem, at, c->moved), "%s: data", c->name);
	teardown();
}
END_TEST

START_TEST(test_pio)
{
	u8 r[7];

	setup();
	SEND(0x03, 0xaf, 0x03);
	SEND(0x46, 0, 0, 0, 7, 2, 8, 0x1b, 0xff);
	pump(m);
	for (int i = 0; i < 1024; i++) {
		ck_assert_uint_eq(in(4), 0xf0);
		ck_assert_int_eq(irq.level, 1);
		ck_assert_uint_eq(in(5), fake_disk.mem[6 * 512 + i]);
	}
	ck_assert_int_eq(results(r, 7), 7);
	ck_assert_uint_eq(r[0], 0x40);
	ck_assert_uint_eq(r[1], 0x80);
	SEND(0x45, 0, 0, 0, 7, 2, 7, 0x1b, 0xff);
	for (int i = 0; i < 512; i++) {
		ck_assert_uint_eq(in(4), 0xb0);
		out(5, (u8)(i * 5));
	}
	ck_assert_int_eq(results(r, 7), 7);
	ck_assert_uint_eq(fake_disk.mem[6 * 512 + 100], (u8)500);
	teardown();
}
END_TEST

START_TEST(test_format)
{
	u8 r[7];

	setup();
	seek(2);
	for (int i = 0; i < 18; i++)
		memcpy(dma_mem + 4 * i, (u8[]){2, 1, (u8)(i + 1), 2}, 4);
	dma(DMA_FROM_MEM, 72);
	SEND(0x4d, 4, 2, 18, 0x54, 0xf6);
	ck_assert_int_eq(results(r, 7), 7);
	ck_assert_uint_eq(r[0], 0x04);
	for (int i = 0; i < 18 * 512; i++)
		ck_assert_uint_eq(fake_disk.mem[(2 * 36 + 18) * 512 + i], 0xf6);
	ck_assert_uint_eq(fake_disk.mem[(3 * 36) * 512], 108);
	/* A sector that the format does not have. */
	dma_mem[2] = 19;
	dma(DMA_FROM_MEM, 72);
	SEND(0x4d, 4, 2, 18, 0x54, 0xf6);
	results(r, 7);
	ck_assert_uint_eq(r[0], 0x44);
	teardown();
}
END_TEST

START_TEST(test_scan)
{
	u8 r[7];

	setup();
	memset(fake_disk.mem, 5, 512);
	memset(fake_disk.mem + 512, 7, 512);
	memset(dma_mem, 7, 1024);
	dma(DMA_FROM_MEM, 1024);
	SEND(0x51, 0, 0, 0, 1, 2, 2, 0x1b, 1);
	results(r, 7);
	ck_assert_uint_eq(r[2], 0x08); /* equal, in the second sector */
	ck_assert_uint_eq(r[5], 2);
	dma(DMA_FROM_MEM, 1024);
	SEND(0x5d, 0, 0, 0, 1, 2, 1, 0x1b, 1);
	results(r, 7);
	ck_assert_uint_eq(r[2], 0x04); /* 5 is not high or equal */
	dma(DMA_FROM_MEM, 1024);
	SEND(0x59, 0, 0, 0, 1, 2, 1, 0x1b, 1);
	results(r, 7);
	ck_assert_uint_eq(r[2], 0); /* but low */
	teardown();
}
END_TEST

START_TEST(test_readonly_and_errors)
{
	u8 r[7];

	setup_size(1440, true, FDC_DRIVE_NONE);
	power_on(0);
	SEND(0x04, 0);
	results(r, 1);
	ck_assert_uint_eq(r[0] & 0x40, 0x40);
	dma(DMA_FROM_MEM, 512);
	SEND(0x45, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
	results(r, 7);
	ck_assert_uint_eq(r[0], 0x40);
	ck_assert_uint_eq(r[1], 0x02);
	fake_disk.fail_read = -EIO;
	dma(DMA_TO_MEM, 512);
	SEND(0x46, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
	results(r, 7);
	ck_assert_uint_eq(r[0], 0x40);
	ck_assert_uint_eq(r[1], 0x20);
	ck_assert_uint_eq(r[2], 0x20);
	teardown();
}
END_TEST

/* Which images are which media, in which drives, at which data rate. */
static const struct {
	u32 kib;
	enum fdc_drive_type given, type;
	u8 rate, cyl, eot;
	u32 last; /* sector at the end of track cyl, head 0 */
} media[] = {
	{160, 0, FDC_DRIVE_360K, 2, 39, 8, 39 * 8 + 7},
	{180, 0, FDC_DRIVE_360K, 2, 39, 9, 39 * 9 + 8},
	{320, 0, FDC_DRIVE_360K, 2, 39, 8, 39 * 16 + 7},
	{360, 0, FDC_DRIVE_360K, 2, 39, 9, 39 * 18 + 8},
	{360, FDC_DRIVE_1200K, FDC_DRIVE_1200K, 1, 39, 9, 39 * 18 + 8},
	{720, 0, FDC_DRIVE_1440K, 2, 79, 9, 79 * 18 + 8},
	{1200, 0, FDC_DRIVE_1200K, 0, 79, 15, 79 * 30 + 14},
	{1440, 0, FDC_DRIVE_1440K, 0, 79, 18, 79 * 36 + 17},
	{2880, 0, FDC_DRIVE_2880K, 3, 79, 36, 79 * 72 + 35},
	{400, 0, FDC_DRIVE_1440K, 0, 10, 18, 10 * 36 + 17},
};

START_TEST(test_media)
{
	u8 r[7], track;

	setup_size(media[_i].kib, false, media[_i].given);
	ck_assert_int_eq(fdc_drive_type(fdc, 0), media[_i].type);
	ck_assert_int_eq(fdc_drive_type(fdc, 1), FDC_DRIVE_NONE);
	power_on(media[_i].rate);
	track = media[_i].cyl * (media[_i].given == FDC_DRIVE_1200K ? 2 : 1);
	seek(track);
	dma(DMA_TO_MEM, 512);
	SEND(0x46, 0, media[_i].cyl, 0, media[_i].eot, 2, media[_i].eot, 0x1b, 0xff);
	ck_assert_int_eq(results(r, 7), 7);
	ck_assert_msg(r[0] == 0 && *(u32 *)dma_mem == media[_i].last, "%u: ST0 %#x, sector %u",
		      media[_i].kib, r[0], *(u32 *)dma_mem);
	/* Any other rate finds no address mark. */
	for (u8 rate = 0; rate < 4; rate++) {
		out(7, rate);
		SEND(0x4a, 0);
		results(r, 7);
		ck_assert_uint_eq(r[0], rate == media[_i].rate ? 0 : 0x40);
	}
	teardown();
}
END_TEST

/* An image shorter than its format reads as zeros behind its end. */
START_TEST(test_short_image)
{
	u8 r[7];

	setup_size(400, false, 0);
	power_on(0);
	seek(60);
	memset(dma_mem, 0xee, 512);
	dma(DMA_TO_MEM, 512);
	SEND(0x46, 0, 60, 0, 1, 2, 18, 0x1b, 0xff);
	results(r, 7);
	ck_assert_uint_eq(r[0], 0);
	ck_assert_uint_eq(dma_mem[0], 0);
	ck_assert_uint_eq(dma_mem[511], 0);
	teardown();
}
END_TEST

START_TEST(test_media_change)
{
	struct gm_blk *old;
	u8 r[7];

	setup();
	seek(1);
	ck_assert_uint_eq(in(7), 0);
	ck_assert_int_eq(fdc_media_change(fdc, 0, NULL, &old), 0);
	ck_assert_ptr_eq(old, disk);
	ck_assert_uint_eq(in(7), 0x80);
	seek(0);
	ck_assert_uint_eq(in(7), 0x80); /* stays while there is no medium */
	SEND(0x4a, 0);
	results(r, 7);
	ck_assert_uint_eq(r[0], 0x40);
	ck_assert_uint_eq(r[1], 0x01);
	ck_assert_int_eq(fdc_media_change(fdc, 0, disk, &old), 0);
	ck_assert_ptr_null(old);
	seek(1);
	ck_assert_uint_eq(in(7), 0);
	/* Out while it is read. */
	dma(DMA_TO_MEM, 512);
	SEND(0x46, 0, 1, 0, 1, 2, 18, 0x1b, 0xff);
	ck_assert_uint_eq(in(4), 0x10);
	ck_assert_int_eq(fdc_media_change(fdc, 0, NULL, &old), 0);
	results(r, 7);
	ck_assert_uint_eq(r[0], 0x40);
	ck_assert_int_eq(fdc_media_change(fdc, 1, NULL, &old), -ENODEV);
	teardown();
}
END_TEST

START_TEST(test_state)
{
	size_t size = gm_state_size(fdc_class.state);
	u8 *a = malloc(size), *b = malloc(size), r[7];

	setup();
	SEND(0x03, 0xaf, 0x03);
	SEND(0x46, 0, 0, 0, 7, 2, 8, 0x1b, 0xff);
	pump(m);
	for (int i = 0; i < 600; i++)
		in(5);
	fdc->cls->pause(fdc);
	gm_state_save(fdc_class.state, fdc, a);
	fdc->cls->reset(fdc);
	ck_assert_int_eq(gm_state_load(fdc_class.state, fdc, a, size), 0);
	ck_assert_int_eq(fdc->cls->loaded(fdc), 0);
	gm_state_save(fdc_class.state, fdc, b);
	ck_assert_mem_eq(a, b, size);
	fdc->cls->resume(fdc);
	for (int i = 600; i < 1024; i++)
		ck_assert_uint_eq(in(5), fake_disk.mem[6 * 512 + i]);
	ck_assert_int_eq(results(r, 7), 7);
	/* Reset with a request in flight. */
	SEND(0x46, 0, 0, 0, 7, 2, 8, 0x1b, 0xff);
	out(2, 0);
	pump(m);
	ck_assert_uint_eq(in(4), 0);
	free(a);
	free(b);
	teardown();
}
END_TEST

START_TEST(test_random)
{
	u32 rnd = (u32)_i * 31337 + 1;

	setup();
	for (int i = 0; i < 100000; i++) {
		rnd = rnd * 1664525 + 1013904223;
		switch (rnd >> 28) {
		case 0:
			out(2, rnd >> 8 & 1 ? 0x1c : (u8)(rnd >> 16));
			break;
		case 1:
			out(rnd >> 8 & 1 ? 7 : 4, (u8)(rnd >> 16) & 3);
			break;
		case 2:
			dma((enum dma_dir)(rnd >> 8 & 3), rnd >> 10 & 0x3fff);
			break;
		case 3:
			pump(m);
			break;
		case 4:
			in(rnd >> 8 & 7);
			break;
		case 5:
		case 6:
			in(5);
			break;
		default:
			out(5, rnd >> 20 & 1 ? (u8)(rnd >> 12 & 3) : (u8)(rnd >> 12));
		}
	}
	teardown();
}
END_TEST

int main(void)
{
	const struct fake_test tests[] = {
		{test_reset},
		{test_simple, ARRAY_SIZE(simple)},
		{test_seek},
		{test_dma, ARRAY_SIZE(xfers)},
		{test_pio},
		{test_format},
		{test_scan},
		{test_readonly_and_errors},
		{test_media, ARRAY_SIZE(media)},
		{test_short_image},
		{test_media_change},
		{test_state},
		{test_random, 8},
	};

	return fake_run("fdc", tests, ARRAY_SIZE(tests));
}

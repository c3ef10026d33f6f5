// SPDX-License-Identifier: GPL-2.0-or-later
/* The CD-ROM drive: packet protocol, sense, reading, media change. ATA/ATAPI-6, MMC-3. */
#include "test/unit/lib/fake_ide.h"

#define BLOCKS 400u

static struct gm_blk *cd;

static void setup(void)
{
	struct gm_blk_options o = {.readonly = true};
	struct ide_cfg cfg = {0};

	m = fake_blk_machine();
	cd = fake_disk_new(m, BLOCKS * 4, &o);
	cfg.drive[0][0].cdrom = true;
	cfg.drive[0][0].blk = cd;
	ide_new(&cfg);
}

static void teardown(void)
{
	ide_free();
	gm_blk_close(cd);
}

/* Sends a packet by PIO (or announces DMA) and lets the drive work. */
static u8 packet_limit(const u8 *cdb, u16 limit, bool dma)
{
	out(CMD + 6, 0xa0);
	out(CMD + 1, dma);
	out(CMD + 4, (u8)limit);
	out(CMD + 5, (u8)(limit >> 8));
	out(CMD + 7, 0xa0);
	ck_assert_uint_eq(in(CTL) & 0x88, 0x08);
	ck_assert_uint_eq(in(CMD + 2) & 3, 1);
	ck_assert_int_eq(irq[0].level, 0);
	data_out(cdb, 12);
	return settle();
}

static u8 packet(const u8 *cdb)
{
	return packet_limit(cdb, 0xfffe, false);
}

/* Reads the whole reply; gives its length. */
static u32 reply(void *buf, u32 max)
{
	u32 len = 0, n;

	while ((settle() & 0x08) && len < max) {
		ck_assert_uint_eq(in(CMD + 2) & 3, 2);
		ck_assert_int_eq(irq[0].level, 1);
		n = in(CMD + 4) | in(CMD + 5) << 8;
		ck_assert_uint_gt(n, 0);
		ck_assert_uint_le(len + n, max);
		in(CMD + 7);
		data_in((u8 *)buf + len, n);
		len += n;
	}
	ck_assert_uint_eq(in(CMD + 2) & 3, 3);
	ck_assert_int_eq(irq[0].level, 1);
	in(CMD + 7);
	return len;
}

static u32 sense(void)
{
	static const u8 cdb[12] = {0x03, 0, 0, 0, 18};
	u8 b[18];

	packet(cdb);
	ck_assert_uint_eq(reply(b, 18), 18);
	return (u32)b[2] << 16 | b[12] << 8 | b[13];
}

#define TUR ((const u8[12]){0})

/* Clears the unit attention of power-on. */
static void ready(void)
{
	ck_assert_uint_eq(packet(TUR), 0x51);
	ck_assert_uint_eq(in(CMD + 1) >> 4, 6);
	ck_assert_uint_eq(sense(), 0x062900);
	ck_assert_uint_eq(packet(TUR), 0x50);
	ck_assert_uint_eq(sense(), 0);
}

START_TEST(test_identify)
{
	u8 b[512];

	setup();
	ck_assert_uint_eq(in(CTL), 0);
	ck_assert_uint_eq(in(CMD + 4), 0x14);
	ck_assert_uint_eq(in(CMD + 5), 0xeb);
	/* IDENTIFY DEVICE and READ SECTORS are refused, with the signature. */
	command(0xa0, 0xec, 0, 0);
	ck_assert_uint_eq(in(CMD + 7), 0x51);
	ck_assert_uint_eq(in(CMD + 1), 0x04);
	ck_assert_uint_eq(in(CMD + 4), 0x14);
	command(0xa0, 0x20, 0, 1);
	ck_assert_uint_eq(in(CMD + 7), 0x51);
	ck_assert_uint_eq(in(CMD + 5), 0xeb);
	command(0xa0, 0xa1, 0, 0);
	ck_assert_uint_eq(in(CMD + 7), 0x58);
	data_in(b, 512);
	ck_assert_uint_eq(in(CMD + 7), 0x50);
	ck_assert_int_eq(irq[0].level, 0);
	ck_assert_uint_eq(word(b, 0), 0x85c0);
	out(CMD + 4, 0);
	out(CMD + 7, 0x08);
	ck_assert_uint_eq(in(CTL), 0);
	ck_assert_uint_eq(in(CMD + 4), 0x14);
	teardown();
}
END_TEST

/* Commands, their errors and the sense codes they leave. */
static const struct cmd_case {
	const char *name;
	u8 cdb[12];
	bool empty;  /* without a medium */
	u32 sense;   /* key, ASC, ASCQ; 0: no error */
	u32 len;     /* of the reply */
	u8 at[4], is[4]; /* bytes of it, to the first place 0 */
} cmd_cases[] = {
	{"TEST UNIT READY", {0}, 0, 0, 0},
	{"TEST UNIT READY, empty", {0}, 1, 0x023a01, 0},
	{"unknown", {0xff}, 0, 0x052000, 0},
	{"write", {0x2a, [8] = 1}, 0, 0x052000, 0},
	{"INQUIRY", {0x12, [4] = 36}, 0, 0, 36, {1, 3, 4}, {0x80, 0x21, 31}},
	{"INQUIRY, short", {0x12, [4] = 5}, 1, 0, 5},
	{"INQUIRY, VPD", {0x12, 1, [4] = 5}, 0, 0x052400, 0},
	{"READ CAPACITY", {0x25}, 0, 0, 8, {2, 3, 6}, {1, 0x8f, 8}},
	{"READ CAPACITY, empty", {0x25}, 1, 0x023a01, 0},
	{"READ(10), last", {0x28, [4] = 1, 0x8f, [8] = 1}, 0, 0, 2048},
	{"READ(10), beyond", {0x28, [4] = 1, 0x90, [8] = 1}, 0, 0x052100, 0},
	{"READ(10), nothing", {0x28}, 0, 0, 0},
	{"READ(10), empty", {0x28, [8] = 1}, 1, 0x023a01, 0},
	{"READ(12), huge", {0xa8, 0, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff}, 0, 0x052100, 0},
	{"READ(12)", {0xa8, [9] = 3}, 0, 0, 6144},
	{"TOC", {0x43, [8] = 100}, 0, 0, 20, {1, 5, 14, 18}, {18, 0x14, 0xaa, 1}},
	{"TOC, MSF", {0x43, 2, [8] = 100}, 0, 0, 20, {10, 17, 18}, {2, 0, 7}},
	{"TOC, lead-out", {0x43, [6] = 0xaa, [8] = 100}, 0, 0, 12, {1, 6}, {10, 0xaa}},
	{"TOC, track 2", {0x43, [6] = 2, [8] = 100}, 0, 0x052400, 0},
	{"TOC, sessions", {0x43, 0, 1, [8] = 100}, 0, 0, 12, {1, 6}, {10, 1}},
	{"TOC, full", {0x43, 2, 2, [8] = 100}, 0, 0, 48, {1, 7, 18}, {46, 0xa0, 0xa1}},
	{"TOC, sessions as in SFF-8020", {0x43, [8] = 100, 0x40}, 0, 0, 12, {1, 6}, {10, 1}},
	{"TOC, format 5", {0x43, 0, 5, [8] = 100}, 0, 0x052400, 0},
	{"SUBCHANNEL", {0x42, [8] = 4}, 0, 0, 4, {1}, {0x15}},
	{"SUBCHANNEL, position", {0x42, 2, 0x40, 1, [8] = 16}, 0, 0, 16, {3, 5}, {12, 0x14}},
	{"MODE SENSE, capabilities", {0x5a, 0, 0x2a, [8] = 100}, 0, 0, 30, {1, 8}, {28, 0x2a}},
	{"MODE SENSE, all", {0x5a, 0, 0x3f, [8] = 200}, 0, 0, 8 + 8 + 8 + 16 + 22},
	{"MODE SENSE, saved", {0x5a, 0, 0xea, [8] = 100}, 0, 0x053900, 0},
	{"MODE SENSE, unknown", {0x5a, 0, 0x11, [8] = 100}, 0, 0x052400, 0},
	{"CONFIGURATION", {0x46, [8] = 8}, 0, 0, 8, {7}, {8}},
	{"CONFIGURATION, empty", {0x46, [8] = 8}, 1, 0, 8, {3}, {72 - 4}},
	{"CONFIGURATION, one feature", {0x46, 2, 0, 3, [8] = 99}, 0, 0, 16, {3, 9}, {12, 3}},
	{"EVENT STATUS", {0x4a, 1, 0, 0, 0x10, [8] = 8}, 0, 0, 8, {1, 2, 4, 5}, {6, 4, 2, 2}},
	{"EVENT STATUS, other class", {0x4a, 1, 0, 0, 2, [8] = 8}, 0, 0, 4, {2}, {0x80}},
	{"EVENT STATUS, not polled", {0x4a, 0, 0, 0, 0x10, [8] = 8}, 0, 0x052400, 0},
	{"DISC INFORMATION", {0x51, [8] = 34}, 0, 0, 34, {1, 2}, {32, 0x0e}},
	{"TRACK INFORMATION", {0x52, 1, [5] = 1, [8] = 36}, 0, 0, 36, {26, 27}, {1, 0x90}},
	{"MECHANISM STATUS", {0xbd, [9] = 8}, 0, 0, 8, {5}, {1}},
	{"SET CD SPEED", {0xbb, 0, 0xff, 0xff}, 0, 0, 0},
	{"SEEK", {0x2b, [5] = 9}, 0, 0, 0},
	{"SEEK, beyond", {0x2b, [4] = 9}, 0, 0x052100, 0},
	{"READ CD, data", {0xbe, [5] = 7, [8] = 2, 0x10}, 0, 0, 4096, {1}, {0}},
	{"READ CD, raw", {0xbe, [5] = 7, [8] = 30, 0xf8}, 0, 0, 30 * 2352, {1, 13, 14, 15},
	 {0xff, 0x02, 0x07, 1}},
	{"READ CD, header", {0xbe, [5] = 7, [8] = 2, 0x20}, 0, 0, 8, {1, 2, 3}, {2, 7, 1}},
	{"READ CD, nothing", {0xbe, [5] = 7, [8] = 2, 0}, 0, 0, 0},
	{"READ CD, audio", {0xbe, 0x04, [5] = 7, [8] = 2, 0x10}, 0, 0x056400, 0},
	{"READ CD MSF", {0xb9, 0, 0, 0, 2, 1, 0, 2, 3, 0x10}, 0, 0, 4096},
	{"READ CD MSF, backwards", {0xb9, 0, 0, 0, 2, 3, 0, 2, 1, 0x10}, 0, 0x052400, 0},
	{"DVD STRUCTURE of a CD", {0xad, [9] = 8}, 0, 0x053002, 0},
};

START_TEST(test_commands)
{
	const struct cmd_case *c = &cmd_cases[_i];
	static u8 buf[131072];
	struct gm_blk *old;
	u32 len, got;
	u8 status;

	setup();
	ready();
	if (c->empty)
		ck_assert_int_eq(ide_cd_change(ide, 0, 0, NULL, false, &old), 0);
	status = packet(c->cdb);
	len = reply(buf, sizeof(buf));
	ck_assert_msg(len == c->len, "%s: %u bytes", c->name, len);
	status = in(CTL);
	ck_assert_msg(status == (c->sense ? 0x51 : 0x50), "%s: status %#x", c->name, status);
	if (c->sense)
		ck_assert_msg(in(CMD + 1) == (c->sense >> 16 << 4 | 4), "%s: error %#x", c->name,
			      in(CMD + 1));
	for (int i = 0; i < 4 && c->at[i]; i++)
		ck_assert_msg(buf[c->at[i]] == c->is[i], "%s: byte %u is %#x", c->name, c->at[i],
			      buf[c->at[i]]);
	got = sense();
	ck_assert_msg(got == c->sense, "%s: sense %06x", c->name, got);
	teardown();
}
END_TEST

/* DRQ blocks: as large as the host allows, even, the last one what is left. */
static const struct {
	u16 limit;
	u32 first;
} limits[] = {{2048, 2048}, {2047, 2046}, {0xffff, 8192}, {0, 8192}, {64, 64}, {1, 2}, {5000, 5000}};

START_TEST(test_limit)
{
	static const u8 cdb[12] = {0x28, [5] = 20, [8] = 4};
	u8 buf[8192];

	setup();
	ready();
	packet_limit(cdb, limits[_i].limit, false);
	ck_assert_uint_eq(in(CMD + 4) | in(CMD + 5) << 8, limits[_i].first);
	ck_assert_uint_eq(reply(buf, sizeof(buf)), 8192);
	ck_assert_mem_eq(buf, fake_disk.mem + 20 * 2048, 8192);
	teardown();
}
END_TEST

START_TEST(test_read_long)
{
	static const u8 cdb[12] = {0x28, [8] = 200};
	static u8 buf[200 * 2048];

	setup();
	ready();
	packet(cdb);
	ck_assert_uint_eq(reply(buf, sizeof(buf)), sizeof(buf));
	ck_assert_mem_eq(buf, fake_disk.mem, sizeof(buf));
	teardown();
}
END_TEST

START_TEST(test_dma)
{
	static const struct prd p[] = {{0x10000, 4096}, {0x20000, 0 | EOT}};
	static const u8 rd[12] = {0x28, [5] = 5, [8] = 34}, inq[12] = {0x12, [4] = 36};
	static u8 buf[34 * 2048];
	u8 raw[12] = {0xbe, [5] = 7, [8] = 1, 0xf8};

	setup();
	ready();
	prd_write(p, 2);
	packet_limit(rd, 0, true);
	out(BM, 9);
	ck_assert_uint_eq(settle(), 0x50);
	ck_assert_uint_eq(in(BM + 2), 4);
	ck_assert_uint_eq(in(CMD + 2) & 3, 3);
	ck_assert_int_eq(irq[0].level, 1);
	mem_read(0x10000, buf, 4096);
	mem_read(0x20000, buf + 4096, 65536);
	ck_assert_mem_eq(buf, fake_disk.mem + 5 * 2048, 34 * 2048);
	out(BM, 0);
	prd_write(p, 2);
	packet_limit(inq, 0, true);
	out(BM, 9);
	ck_assert_uint_eq(settle(), 0x50);
	ck_assert_uint_eq(in(BM + 2), 5);
	mem_read(0x10000, buf, 36);
	ck_assert_mem_eq(buf + 8, "GUESTMOD", 8);
	/* Raw sectors go through the buffer. */
	out(BM, 0);
	prd_write(p, 2);
	packet_limit(raw, 0, true);
	out(BM, 9);
	ck_assert_uint_eq(settle(), 0x50);
	mem_read(0x10000, buf, 2352);
	ck_assert_mem_eq(buf + 16, fake_disk.mem + 7 * 2048, 2048);
	teardown();
}
END_TEST

/* A sector of ECMA-130: the EDC over the sector with its EDC appended is 0, and every P and Q code
 * word has zero syndromes. */
START_TEST(test_raw_sector)
{
	static const u8 cdb[12] = {0xbe, [5] = 16, [8] = 1, 0xf8};
	u8 s[2352];
	u32 crc = 0;

	setup();
	ready();
	for (int i = 0; i < 2048; i++)
		fake_disk.mem[16 * 2048 + i] = (u8)(i * i + 3 * i);
	packet(cdb);
	ck_assert_uint_eq(reply(s, sizeof(s)), 2352);
	for (int i = 0; i < 2068; i++) {
		crc ^= s[i];
		for (int k = 0; k < 8; k++)
			crc = crc >> 1 ^ (crc & 1 ? 0xd8018001 : 0);
	}
	ck_assert_uint_eq(crc, 0);
	/* P: 43 columns of two byte planes, 26 rows. */
	for (int col = 0; col < 86; col++) {
		u8 s0 = 0, s1 = 0;

		for (int row = 0; row < 26; row++) {
			u8 v = s[12 + row * 86 + col];

			s0 ^= v;
			s1 = (u8)((s1 << 1) ^ (s1 & 0x80 ? 0x1d : 0) ^ v);
		}
		ck_assert_msg(!s0 && !s1, "P word %d", col);
	}
	teardown();
}
END_TEST

START_TEST(test_media_change)
{
	static const u8 event[12] = {0x4a, 1, 0, 0, 0x10, [8] = 8}, lock[12] = {0x1e, [4] = 1};
	static const u8 eject[12] = {0x1b, [4] = 2}, load[12] = {0x1b, [4] = 3}, unlock[12] = {0x1e};
	struct gm_blk *old = NULL;
	u8 b[8];

	setup();
	ready();
	packet(event);
	reply(b, 8);
	/* Locked: the user is refused, the guest hears of the button. */
	packet(lock);
	ck_assert_int_eq(ide_cd_change(ide, 0, 0, NULL, false, &old), -EBUSY);
	packet(event);
	reply(b, 8);
	ck_assert_uint_eq(b[4], 1);
	packet(event);
	reply(b, 8);
	ck_assert_uint_eq(b[4], 0);
	ck_assert_uint_eq(packet(eject), 0x51);
	ck_assert_uint_eq(sense(), 0x055302);
	packet(unlock);
	/* The guest opens the tray and closes it. */
	ck_assert_uint_eq(packet(eject), 0x50);
	ck_assert_uint_eq(packet(TUR), 0x51);
	ck_assert_uint_eq(sense(), 0x023a02);
	packet(event);
	reply(b, 8);
	ck_assert_uint_eq(b[5], 1);
	ck_assert_uint_eq(packet(load), 0x50);
	ck_assert_uint_eq(packet(TUR), 0x51);
	ck_assert_uint_eq(sense(), 0x062800);
	ck_assert_uint_eq(packet(TUR), 0x50);
	/* The user takes it out and puts it back. */
	ck_assert_int_eq(ide_cd_change(ide, 0, 0, NULL, false, &old), 0);
	ck_assert_ptr_eq(old, cd);
	ck_assert_uint_eq(packet(TUR), 0x51);
	ck_assert_uint_eq(sense(), 0x023a01);
	ck_assert_int_eq(ide_cd_change(ide, 0, 0, cd, false, &old), 0);
	ck_assert_ptr_null(old);
	ck_assert_uint_eq(packet(TUR), 0x51);
	ck_assert_uint_eq(sense(), 0x062800);
	ck_assert_int_eq(ide_cd_change(ide, 0, 1, NULL, false, &old), -ENODEV);
	ck_assert_int_eq(ide_cd_change(ide, 2, 0, NULL, false, &old), -ENODEV);
	teardown();
}
END_TEST

/* The medium goes while it is read. */
START_TEST(test_change_in_flight)
{
	static const u8 cdb[12] = {0x28, [8] = 200};
	struct gm_blk *old;

	setup();
	ready();
	out(CMD + 4, 0);
	out(CMD + 5, 8);
	out(CMD + 7, 0xa0);
	data_out(cdb, 12);
	ck_assert_uint_eq(in(CTL) & 0x80, 0x80);
	ck_assert_int_eq(ide_cd_change(ide, 0, 0, NULL, false, &old), 0);
	ck_assert_uint_eq(settle(), 0x51);
	ck_assert_uint_eq(sense(), 0x023a01);
	teardown();
}
END_TEST

START_TEST(test_host_error)
{
	static const u8 cdb[12] = {0x28, [8] = 1};

	setup();
	ready();
	fake_disk.fail_read = -EIO;
	ck_assert_uint_eq(packet(cdb), 0x51);
	ck_assert_uint_eq(sense(), 0x031100);
	teardown();
}
END_TEST

static const struct {
	const char *name;
	u8 data[40];
	u8 len;
	u32 sense;
} selects[] = {
	{"audio volume", {[8] = 0x0e, 0x0e, 4, [16] = 1, 0x80, 2, 0x40}, 24, 0},
	{"recovery", {[8] = 1, 6, 0x20, 9}, 16, 0},
	{"unknown page", {[8] = 0x11, 6}, 16, 0x052600},
	{"too short", {0}, 6, 0x051a00},
	{"page cut off", {[8] = 0x0e, 0x0e}, 20, 0x051a00},
	{"page of no length", {[8] = 0x11}, 10, 0x052600},
	{"descriptor beyond the end", {[6] = 0xff, 0xff}, 16, 0},
};

START_TEST(test_mode_select)
{
	u8 cdb[12] = {0x55, 0x10, [8] = selects[_i].len}, b[30];
	static const u8 get[12] = {0x5a, 0, 0x0e, [8] = 24};
	u32 got;

	setup();
	ready();
	ck_assert_uint_eq(packet(cdb), 0x58);
	ck_assert_int_eq(irq[0].level, 1);
	ck_assert_uint_eq(in(CMD + 2) & 3, 0);
	data_out(selects[_i].data, selects[_i].len);
	got = sense();
	ck_assert_msg(got == selects[_i].sense, "%s: sense %06x", selects[_i].name, got);
	packet(get);
	ck_assert_uint_eq(reply(b, 30), 24);
	ck_assert_uint_eq(b[17], _i == 0 ? 0x80 : 0xff);
	teardown();
}
END_TEST

/* Random packets, chunks of replies read and resets. */
START_TEST(test_random)
{
	u32 rnd = (u32)_i * 104729 + 7;
	u8 cdb[12];

	setup();
	for (int i = 0; i < 4000; i++) {
		for (int k = 0; k < 12; k++) {
			rnd = rnd * 1664525 + 1013904223;
			cdb[k] = rnd >> 28 < 9 ? 0 : (u8)(rnd >> 16);
		}
		if (rnd >> 8 & 1)
			cdb[0] = ((const u8[]){0x28, 0xbe, 0x43, 0x5a, 0x46, 0x55, 0xa8,
					       0xb9})[rnd >> 9 & 7];
		out(CMD + 1, rnd >> 13 & 1);
		out(CMD + 4, (u8)(rnd >> 14));
		out(CMD + 5, (u8)(rnd >> 22));
		out(CMD + 7, 0xa0);
		data_out(cdb, 12);
		for (u32 k = 0; k < (rnd >> 12 & 7); k++) {
			pump(m);
			if (rnd >> 20 & 1)
				data_out(cdb, 12);
			for (int n = 0; n < 200; n++)
				gm_bus_read(m->pio, CMD, rnd >> 10 & 1 ? 4 : 2);
			out(BM, rnd >> 11 & 1 ? 9 : 0);
		}
		if (rnd >> 25 & 1)
			out(CMD + 7, 0x08);
	}
	teardown();
}
END_TEST

int main(void)
{
	const struct fake_test tests[] = {
		{test_identify},
		{test_commands, ARRAY_SIZE(cmd_cases)},
		{test_limit, ARRAY_SIZE(limits)},
		{test_read_long},
		{test_dma},
		{test_raw_sector},
		{test_media_change},
		{test_change_in_flight},
		{test_host_error},
		{test_mode_select, ARRAY_SIZE(selects)},
		{test_random, 4},
	};

	return fake_run("atapi", tests, ARRAY_SIZE(tests));
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* AC'97 sound of the ICH by its data sheet: codec, buffer lists, positions, interrupts, hostile values. */
#include "test/unit/lib/fake_board.h"
#include "test/unit/lib/fake_audio.h"
#include "devices/sound/sound.h"

#define FN   GM_PCI_DEVFN(3, 0)
#define NAM  0xc000u
#define NABM 0xc400u
#define PI   0x00
#define PO   0x10
#define MC   0x20
#define LIST 0x100000u
#define BUF  0x110000u
#define MS   1000000ULL
#define VOICE (fake_audio.voice[0])

static struct gm_dev *card;
static int line_level;

static int route(void *opaque, u8 fn, int pin)
{
	return 0;
}

static void set_irq(void *opaque, int line, int level)
{
	line_level = level;
}

static u32 nr(unsigned int reg, unsigned int size)
{
	return (u32)gm_bus_read(m->pio, NABM + reg, size);
}

static void nw(unsigned int reg, unsigned int size, u32 val)
{
	gm_bus_write(m->pio, NABM + reg, size, val);
}

static u16 cr(unsigned int reg)
{
	return (u16)gm_bus_read(m->pio, NAM + reg, 2);
}

static void cw(unsigned int reg, u16 val)
{
	gm_bus_write(m->pio, NAM + reg, 2, val);
}

static void setup(void)
{
	struct gm_pci_bus_ops ops = {.route = route, .set_irq = set_irq};
	struct ac97_cfg cfg = {.pci = {.devfn = FN}, .audio = fake_audio_new()};
	unsigned int i;

	board_new(8 * MiB);
	gm_pci_bus_set_ops(bus, &ops);
	line_level = 0;
	m->clock->now = 7 * NSEC_PER_SEC;
	cfg.pci.bus = bus;
	card = fake_device(m, &ac97_class.dev, &cfg);
	cfg_write(FN, 0x10, 4, NAM);
	cfg_write(FN, 0x14, 4, NABM);
	cfg_write(FN, 4, 2, 5);
	memset(m->ram->host + LIST, 0, 0x10000);
	for (i = 0; i < 0x8000; i++)
		((u16 *)(m->ram->host + BUF))[i] = (u16)i;
	nw(0x2c, 4, 2);
}

/* Entry i of the list: samples at BUF + 0x1000 * i. */
static void entry(unsigned int i, u32 samples, bool ioc)
{
	u32 desc[2] = {BUF + 0x1000 * i, samples | (ioc ? 1u << 31 : 0)};

	memcpy(m->ram->host + LIST + 8 * i, desc, 8);
}

static void run(unsigned int box, u8 lvi, u8 enables)
{
	nw(box + 0, 4, LIST);
	nw(box + 5, 1, lvi);
	nw(box + 0xb, 1, 1 | enables);
}

/* ---- registers ---- */

/* Codec registers: what they are after a reset, and what a written FFFFh leaves. */
START_TEST(test_codec)
{
	static const struct {
		u8 reg;
		u16 first, ones;
	} rows[] = {
		{0x00, 0x0000, 0x0000}, {0x02, 0x8000, 0x9f1f}, {0x06, 0x8000, 0x801f},
		{0x0e, 0x8008, 0x805f}, {0x18, 0x8808, 0x9f1f}, {0x1a, 0x0000, 0x0707},
		{0x1c, 0x8000, 0x8f0f}, {0x22, 0x0000, 0x0000}, {0x26, 0x000f, 0xff00},
		{0x28, 0x0009, 0x0009}, {0x2a, 0x0000, 0x0009}, {0x2c, 0xbb80, 0xbb80},
		{0x7c, 0x8384, 0x8384}, {0x7e, 0x7600, 0x7600}, {0x80, 0xffff, 0xffff},
	};
	unsigned int i;

	setup();
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		ck_assert_msg(cr(rows[i].reg) == rows[i].first, "register %02x is %04x", rows[i].reg,
			      cr(rows[i].reg));
		cw(rows[i].reg, 0xffff);
		ck_assert_msg(cr(rows[i].reg) == rows[i].ones, "register %02x keeps %04x",
			      rows[i].reg, cr(rows[i].reg));
		if (!rows[i].reg || rows[i].reg == 0x2a)
			cw(0x2a, 0);
	}
	cw(0, 0);
	ck_assert_uint_eq(cr(0x02), 0x8000);
	board_free();
}
END_TEST

START_TEST(test_volume)
{
	static const struct {
		u16 master, pcm;
		u32 left, right;
	} rows[] = {
		{0x8000, 0x0808, 0, 0}, {0x0000, 0x8808, 0, 0}, {0x0000, 0x0808, 65536, 65536},
		{0x0000, 0x0000, 260904, 260904}, {0x0400, 0x0808, 32846, 65536},
		{0x0004, 0x0c08, 32846, 32846}, {0x2000, 0x0808, 310, 65536},
	};
	unsigned int i;

	setup();
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		cw(0x02, rows[i].master);
		cw(0x18, rows[i].pcm);
		ck_assert_msg(VOICE->volume[0] == rows[i].left && VOICE->volume[1] == rows[i].right,
			      "%04x, %04x: %u, %u", rows[i].master, rows[i].pcm, VOICE->volume[0],
			      VOICE->volume[1]);
	}
	cw(0x02, 0);
	cw(0x26, 0x0200);
	ck_assert_uint_eq(VOICE->volume[0], 0);
	ck_assert_uint_eq(cr(0x26), 0x020d);
	board_free();
}
END_TEST

START_TEST(test_rates)
{
	setup();
	entry(0, 0x4000, false);
	run(PO, 0, 0);
	ck_assert_uint_eq(VOICE->rate, 48000);
	cw(0x2c, 22050);
	ck_assert_uint_eq(cr(0x2c), 48000);
	cw(0x2a, 1);
	cw(0x2c, 22050);
	ck_assert_uint_eq(cr(0x2c), 22050);
	ck_assert_uint_eq(VOICE->rate, 22050);
	cw(0x2c, 1);
	ck_assert_uint_eq(cr(0x2c), 4000);
	cw(0x2c, 0xffff);
	ck_assert_uint_eq(cr(0x2c), 48000);
	cw(0x2c, 8000);
	fake_advance(m, 100 * MS);
	ck_assert_uint_ge(VOICE->n, 795);
	ck_assert_uint_le(VOICE->n, 801);
	cw(0x2a, 0);
	ck_assert_uint_eq(VOICE->rate, 48000);
	board_free();
}
END_TEST

START_TEST(test_global)
{
	setup();
	ck_assert_uint_eq(nr(0x30, 4), 0x100);
	nw(0x2c, 4, 6);
	ck_assert_uint_eq(nr(0x2c, 4), 2);
	cw(0x02, 0);
	entry(0, 1000, true);
	run(PO, 0, 0);
	nw(0x2c, 4, 0);
	ck_assert_uint_eq(nr(0x30, 4), 0);
	ck_assert_uint_eq(cr(0x02), 0x8000);
	ck_assert_uint_eq(nr(PO + 0xb, 1), 0);
	ck_assert(!VOICE->on);
	/* The semaphore is taken by a read, and given back by an access to the codec. */
	cr(0);
	ck_assert_uint_eq(nr(0x34, 1), 0);
	ck_assert_uint_eq(nr(0x34, 1), 1);
	cr(0);
	ck_assert_uint_eq(nr(0x34, 1), 0);
	board_free();
}
END_TEST

/* ---- buffers ---- */

START_TEST(test_play)
{
	unsigned int i;

	setup();
	entry(0, 960, true); /* 10 ms */
	entry(1, 960, false);
	entry(2, 1920, true);
	ck_assert_uint_eq(nr(PO + 6, 2), 1);
	run(PO, 2, 0x14);
	ck_assert(VOICE->on);
	ck_assert_uint_eq(nr(PO + 4, 1), 0);
	ck_assert_uint_eq(nr(PO + 0xa, 1), 1);
	ck_assert_uint_eq(nr(PO + 8, 2), 960);
	ck_assert_uint_eq(nr(PO + 6, 2), 0);
	fake_advance(m, 5 * MS);
	ck_assert_uint_eq(nr(PO + 8, 2), 480);
	ck_assert_int_eq(line_level, 0);
	fake_advance(m, 5 * MS + MS / 2);
	ck_assert_int_eq(line_level, 1);
	ck_assert_uint_eq(nr(PO + 6, 2), 8);
	ck_assert_uint_eq(nr(0x30, 4), 0x140);
	ck_assert_uint_eq(nr(PO + 4, 1), 1);
	nw(PO + 6, 2, 0xffff);
	ck_assert_int_eq(line_level, 0);
	fake_advance(m, 10 * MS);
	ck_assert_int_eq(line_level, 0);
	ck_assert_uint_eq(nr(PO + 4, 1), 2);
	/* Behind the last one it halts; its position stays. */
	fake_advance(m, 100 * MS);
	ck_assert_int_eq(line_level, 1);
	ck_assert_uint_eq(nr(PO + 6, 2), 0x0f);
	ck_assert_uint_eq(nr(PO + 4, 1), 2);
	ck_assert_uint_eq(nr(PO + 8, 2), 0);
	ck_assert(!VOICE->on);
	ck_assert_uint_eq(VOICE->n, 1920);
	for (i = 0; i < 480; i++)
		ck_assert_int_eq(VOICE->frame[i][1], (s16)(2 * i + 1));
	ck_assert_int_eq(VOICE->frame[480][0], 0x800);
	/* One more buffer: it goes on there. */
	entry(3, 960, false);
	nw(PO + 6, 2, 0x1c);
	ck_assert_int_eq(line_level, 0);
	nw(PO + 5, 1, 3);
	ck_assert(VOICE->on);
	ck_assert_uint_eq(nr(PO + 4, 1), 3);
	ck_assert_uint_eq(nr(PO + 6, 2), 0);
	fake_advance(m, 11 * MS);
	ck_assert_uint_eq(nr(PO + 6, 2), 7);
	ck_assert_uint_eq(VOICE->n, 1920 + 480);
	board_free();
}
END_TEST

/* Clearing the run bit keeps the place; the reset bit forgets it. */
START_TEST(test_pause)
{
	setup();
	entry(0, 9600, true);
	run(PO, 0, 0x10);
	fake_advance(m, 50 * MS);
	nw(PO + 0xb, 1, 0x10);
	ck_assert_uint_eq(nr(PO + 6, 2), 1);
	ck_assert_uint_eq(nr(PO + 8, 2), 4800);
	ck_assert(!VOICE->on);
	fake_advance(m, 500 * MS);
	ck_assert_uint_eq(nr(PO + 8, 2), 4800);
	nw(PO + 0xb, 1, 0x11);
	fake_advance(m, 51 * MS);
	ck_assert_int_eq(line_level, 1);
	nw(PO + 0xb, 1, 0x02);
	ck_assert_int_eq(line_level, 0);
	ck_assert_uint_eq(nr(PO + 0xb, 1), 0);
	ck_assert_uint_eq(nr(PO + 0, 4), 0);
	ck_assert_uint_eq(nr(PO + 6, 2), 1);
	board_free();
}
END_TEST

START_TEST(test_record)
{
	static const struct {
		unsigned int box, samples, ms, status;
	} rows[] = {{PI, 960, 10, 0x120}, {MC, 960, 20, 0x180}};
	unsigned int i;

	setup();
	entry(0, 960, true);
	run(rows[_i].box, 0, 0x10);
	fake_advance(m, rows[_i].ms * MS - MS / 2);
	ck_assert_int_eq(line_level, 0);
	fake_advance(m, MS);
	ck_assert_int_eq(line_level, 1);
	ck_assert_uint_eq(nr(0x30, 4), rows[_i].status);
	for (i = 0; i < 1920; i++)
		ck_assert_uint_eq(m->ram->host[BUF + i], 0);
	ck_assert_uint_eq(m->ram->host[BUF + 1920], 0xc0);
	ck_assert_uint_eq(VOICE->starts, 0);
	board_free();
}
END_TEST

/* Which events reach the line under which enables. */
START_TEST(test_enables)
{
	unsigned int enables;

	for (enables = 0; enables < 0x20; enables += 4) {
		setup();
		entry(0, 96, _i);
		run(PO, 0, (u8)enables);
		fake_advance(m, 3 * MS);
		ck_assert_int_eq(line_level, enables & 4 || (_i && enables & 0x10));
		nw(PO + 0xb, 1, 0);
		ck_assert_int_eq(line_level, 0);
		nw(PO + 0xb, 1, 0x14);
		ck_assert_int_eq(line_level, 1);
		board_free();
	}
}
END_TEST

/* A late host: the guest is told of each buffer, with time in between. */
START_TEST(test_late)
{
	unsigned int i, told = 0;

	setup();
	for (i = 0; i < 32; i++)
		entry(i, 960, true);
	run(PO, 31, 0x10);
	fake_stall(m, 80 * MS);
	for (i = 0; i < 40; i++) {
		if (nr(PO + 6, 2) & 8) {
			told++;
			nw(PO + 6, 2, 8);
		}
		fake_advance(m, MS / 4);
	}
	ck_assert_uint_ge(told, 8);
	ck_assert_uint_ge(VOICE->n, 8 * 480);
	board_free();
}
END_TEST

/* ---- hostile ---- */

/* Empty buffers without end, lists and buffers where there is no memory, no bus master. */
START_TEST(test_bad_lists)
{
	unsigned int i;

	setup();
	switch (_i) {
	case 0: /* all empty */
		run(PO, 31, 0x14);
		fake_advance(m, 50 * MS);
		ck_assert_uint_eq(nr(PO + 6, 2), 7);
		ck_assert_int_eq(line_level, 1);
		break;
	case 1: /* empty, and the end moves on each time */
		for (i = 0; i < 32; i++)
			entry(i, 0, true);
		run(PO, 31, 0x14);
		for (i = 0; i < 1000; i++) {
			nw(PO + 5, 1, nr(PO + 4, 1) - 1);
			nw(PO + 6, 2, 0x1c);
			fake_advance(m, MS);
		}
		break;
	case 2: /* a list beyond memory reads as ones */
		nw(PO, 4, 0xd0000000);
		nw(PO + 5, 1, 3);
		nw(PO + 0xb, 1, 1);
		ck_assert_uint_eq(nr(PO + 8, 2), 0xffff);
		fake_advance(m, NSEC_PER_SEC);
		break;
	case 3: /* buffers over registers are not written */
		entry(0, 0xffff, true);
		m->ram->host[LIST + 3] = 0xfe;
		run(PI, 0, 0x14);
		fake_advance(m, NSEC_PER_SEC);
		ck_assert_int_eq(line_level, 1);
		break;
	case 4: /* an odd number of samples */
		entry(0, 1, false);
		entry(1, 3, true);
		run(PO, 1, 0x14);
		fake_advance(m, 20 * MS);
		ck_assert_uint_eq(nr(PO + 6, 2), 0x0f);
		break;
	case 5: /* not a bus master: it waits */
		entry(0, 960, true);
		run(PO, 0, 0x14);
		cfg_write(FN, 4, 2, 1);
		fake_advance(m, NSEC_PER_SEC);
		ck_assert_int_eq(line_level, 0);
		cfg_write(FN, 4, 2, 5);
		fake_advance(m, 21 * MS);
		ck_assert_int_eq(line_level, 1);
		break;
	}
	board_free();
}
END_TEST

START_TEST(test_random)
{
	static const u8 sizes[] = {1, 2, 4, 1};
	u32 x = (u32)_i * 2654435761u + 99, i;

	setup();
	for (i = 0; i < 32; i++)
		entry(i, (i * 77) & 1023, i & 1);
	for (i = 0; i < 4000; i++) {
		x = x * 1664525 + 1013904223;
		switch (x >> 29) {
		case 0:
			fake_advance(m, (x >> 8 & 15) * MS);
			break;
		case 1:
			cw(x >> 12 & 0xfe, (u16)x);
			break;
		case 2:
			nr(x >> 12 & 0x3c, sizes[x >> 8 & 3]);
			break;
		case 3:
			nw((x >> 12 & 0x30) + 0xb, 1, x >> 20 & 0x1f);
			break;
		case 4:
			nw(x >> 12 & 0x30, 4, LIST);
			break;
		default:
			nw(x >> 12 & 0x3f, 1, x >> 20 & 0xff);
		}
	}
	board_free();
}
END_TEST

START_TEST(test_state)
{
	const struct gm_state_desc *d = ac97_class.dev.state;
	size_t len = gm_state_size(d), n;
	u8 *buf = malloc(len);

	setup();
	entry(0, 9600, true);
	run(PO, 0, 0x10);
	fake_advance(m, 50 * MS);
	gm_state_save(d, card, buf);
	n = VOICE->n;
	ac97_class.dev.reset(card);
	ck_assert(!VOICE->on);
	ck_assert_int_eq(gm_state_load(d, card, buf, len), 0);
	ck_assert_int_eq(ac97_class.dev.loaded(card), 0);
	ck_assert(VOICE->on);
	fake_advance(m, 51 * MS);
	ck_assert_int_eq(line_level, 1);
	ck_assert_uint_ge(VOICE->n, n + 2390);
	memset(buf, 0xff, len);
	ck_assert_int_eq(gm_state_load(d, card, buf, len), 0);
	ck_assert_int_ne(ac97_class.dev.loaded(card), 0);
	ac97_class.dev.reset(card);
	free(buf);
	board_free();
}
END_TEST

int main(void)
{
	const struct fake_test tests[] = {
		{test_codec},
		{test_volume},
		{test_rates},
		{test_global},
		{test_play},
		{test_pause},
		{test_record, 2},
		{test_enables, 2},
		{test_late},
		{test_bad_lists, 6},
		{test_random, 8},
		{test_state},
	};

	return fake_run("ac97", tests, ARRAY_SIZE(tests));
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* The Sound Blaster 16 by its programming guide: DSP, mixer, DMA, interrupts, hostile values. */
#include "test/unit/lib/fake_machine.h"
#include "test/unit/lib/fake_audio.h"
#include "devices/isa/i8237.h"
#include "devices/sound/sound.h"

#define BASE  0x220
#define INDEX (BASE + 4)
#define DATA  (BASE + 5)
#define RESET (BASE + 6)
#define READ  (BASE + 0xa)
#define WRITE (BASE + 0xc)
#define AVAIL (BASE + 0xe)
#define ACK16 (BASE + 0xf)
#define MS    1000000ULL
#define BUF   0x20000u

static struct gm_machine *m;
static struct gm_dev *dma, *card;
static struct fake_line line[SB16_IRQS];
#define VOICE8  (fake_audio.voice[0])
#define VOICE16 (fake_audio.voice[1])
#define DIRECT  (fake_audio.voice[2])
#define IRQ     (line[1]) /* 5, the default */

static void dsp(u8 val)
{
	fake_outb(m, WRITE, val);
}

static void dsp_reset(void)
{
	fake_outb(m, RESET, 1);
	fake_outb(m, RESET, 0);
	ck_assert_uint_eq(fake_inb(m, READ), 0xaa);
}

static void setup(void)
{
	struct sb16_cfg cfg = {.base = BASE, .audio = fake_audio_new()};
	unsigned int i;

	memset(line, 0, sizeof(line));
	m = fake_new(1);
	m->clock->now = 5 * NSEC_PER_SEC;
	m->ram = gm_ram_new(m->mem, "ram", 2 * MiB, 0);
	gm_ram_map(m->mem, m->ram, 0, 0, 2 * MiB, GM_PRIO_RAM, false);
	for (i = 0; i < 0x20000; i++)
		m->ram->host[BUF + i] = (u8)i;
	dma = fake_device(m, &i8237_class, NULL);
	for (i = 0; i < SB16_IRQS; i++)
		cfg.irq[i] = fake_irq(&line[i]);
	cfg.dma = dma;
	card = fake_device(m, &sb16_class, &cfg);
	dsp_reset();
}

/* Channel 1 (bytes) or 5 (words) at BUF: count units; mode without the channel's number. */
static void dma_setup(unsigned int ch, u8 mode, u32 count)
{
	u16 addr = ch < 4 ? BUF & 0xffff : (BUF >> 1) & 0xffff, n = (u16)(count - 1);
	u16 base = ch < 4 ? 0 : 0xc0, step = ch < 4 ? 1 : 2;
	u8 c = ch & 3;

	fake_outb(m, base + 10 * step, 4 | c);
	fake_outb(m, base + 12 * step, 0);
	fake_outb(m, base + 11 * step, mode | c);
	fake_outb(m, base + c * 2 * step, (u8)addr);
	fake_outb(m, base + c * 2 * step, (u8)(addr >> 8));
	fake_outb(m, base + (c * 2 + 1) * step, (u8)n);
	fake_outb(m, base + (c * 2 + 1) * step, (u8)(n >> 8));
	fake_outb(m, ch < 4 ? 0x83 : 0x8b, BUF >> 16);
	fake_outb(m, base + 10 * step, c);
}

static void dsp3(u8 cmd, u8 mode, u32 samples)
{
	dsp(cmd);
	dsp(mode);
	dsp((u8)(samples - 1));
	dsp((u8)((samples - 1) >> 8));
}

static void rate(u16 hz)
{
	dsp(0x41);
	dsp((u8)(hz >> 8));
	dsp((u8)hz);
}

/* ---- DSP and mixer ---- */

struct talk {
	const char *name;
	struct fake_step step[12];
};

static const struct talk talks[] = {
	{"reset says AAh once", {{'w', RESET, 1}, {'r', AVAIL, 0, 0x80}, {'w', RESET, 0},
				 {'r', AVAIL, 0x80, 0x80}, {'r', READ, 0xaa}, {'r', AVAIL, 0, 0x80}}},
	{"no reset without its end", {{'w', RESET, 0}, {'r', AVAIL, 0, 0x80}}},
	{"version 4.05", {{'w', WRITE, 0xe1}, {'r', READ, 4}, {'r', READ, 5}}},
	{"identification inverts", {{'w', WRITE, 0xe0}, {'w', WRITE, 0x5a}, {'r', READ, 0xa5}}},
	{"test register", {{'w', WRITE, 0xe4}, {'w', WRITE, 0x42}, {'w', WRITE, 0xe8}, {'r', READ, 0x42}}},
	{"copyright", {{'w', WRITE, 0xe3}, {'r', READ, 'C'}, {'r', READ, 'O'}, {'r', READ, 'P'}}},
	{"speaker", {{'w', WRITE, 0xd1}, {'w', WRITE, 0xd8}, {'r', READ, 0xff}, {'w', WRITE, 0xd3},
		     {'w', WRITE, 0xd8}, {'r', READ, 0}}},
	{"direct input is silence", {{'w', WRITE, 0x20}, {'r', READ, 0x80}}},
	{"never busy", {{'r', WRITE, 0, 0x80}}},
	{"what is unknown has no parameters", {{'w', WRITE, 0x01}, {'w', WRITE, 0xe1}, {'r', READ, 4}}},
	{"what is not there takes its parameters",
	 {{'w', WRITE, 0x38}, {'w', WRITE, 0xe1}, {'r', AVAIL, 0, 0x80}}},
	{"a reset forgets half a command",
	 {{'w', WRITE, 0xe0}, {'w', RESET, 1}, {'w', RESET, 0}, {'r', READ, 0xaa}, {'w', WRITE, 0xe1},
	  {'r', READ, 4}}},
	{"no synthesizer", {{'r', BASE, 0xff}, {'r', BASE + 8, 0xff}}},
	{"mixer defaults", {{'w', INDEX, 0x80}, {'r', DATA, 2}, {'w', INDEX, 0x81}, {'r', DATA, 0x22},
			    {'w', INDEX, 0x30}, {'r', DATA, 0xc0}, {'w', INDEX, 0x3c}, {'r', DATA, 0x1f}}},
	{"mixer keeps what there is of a register",
	 {{'w', INDEX, 0x31}, {'w', DATA, 0xff}, {'r', DATA, 0xf8}, {'w', INDEX, 0x81},
	  {'w', DATA, 0xff}, {'r', DATA, 0xeb}, {'w', INDEX, 0x80}, {'w', DATA, 0xff}, {'r', DATA, 0x0f}}},
	{"mixer of the Pro", {{'w', INDEX, 0x22}, {'w', DATA, 0xa5}, {'r', DATA, 0xa5}, {'w', INDEX, 0x30},
			      {'r', DATA, 0xa8}, {'w', INDEX, 0x31}, {'r', DATA, 0x58}}},
	{"mixer reset leaves the lines", {{'w', INDEX, 0x80}, {'w', DATA, 8}, {'w', INDEX, 0x32},
					  {'w', DATA, 0}, {'w', INDEX, 0}, {'w', DATA, 1},
					  {'w', INDEX, 0x80}, {'r', DATA, 8}, {'w', INDEX, 0x32},
					  {'r', DATA, 0xc0}}},
};

START_TEST(test_talk)
{
	setup();
	fake_steps(m, talks[_i].name, talks[_i].step);
	fake_free(m);
}
END_TEST

START_TEST(test_volume)
{
	setup();
	/* Two attenuations of 14 dB. */
	ck_assert_uint_eq(VOICE8->volume[0], 13076ull * 13076 / 65536);
	fake_outb(m, INDEX, 0x30);
	fake_outb(m, DATA, 0xf8);
	fake_outb(m, INDEX, 0x32);
	fake_outb(m, DATA, 0xf8);
	ck_assert_uint_eq(VOICE16->volume[0], GM_AUDIO_UNITY);
	ck_assert_uint_lt(VOICE16->volume[1], GM_AUDIO_UNITY);
	fake_outb(m, INDEX, 0x41);
	fake_outb(m, DATA, 0x40);
	ck_assert_uint_eq(DIRECT->volume[0], 2 * GM_AUDIO_UNITY);
	fake_free(m);
}
END_TEST

/* ---- playing ---- */

START_TEST(test_single)
{
	unsigned int i;

	setup();
	dma_setup(1, 0x48, 256);
	dsp(0x40); /* 8000 Hz */
	dsp(131);
	dsp(0x14);
	dsp(255);
	ck_assert(!VOICE8->on);
	dsp(0);
	ck_assert(VOICE8->on);
	ck_assert_uint_eq(VOICE8->rate, 8000);
	fake_advance(m, 16 * MS);
	ck_assert_uint_ge(VOICE8->n, 96);
	ck_assert_uint_le(VOICE8->n, 128);
	ck_assert_int_eq(IRQ.level, 0);
	ck_assert_uint_eq(fake_inb(m, 0x08) & 0x20, 0x20);
	fake_advance(m, 16 * MS + MS / 10);
	ck_assert_uint_eq(VOICE8->n, 256);
	ck_assert(!VOICE8->on);
	ck_assert_int_eq(IRQ.level, 1);
	for (i = 0; i < 256; i++)
		ck_assert_int_eq(VOICE8->frame[i][0], (s16)((i ^ 0x80) << 8));
	fake_outb(m, INDEX, 0x82);
	ck_assert_uint_eq(fake_inb(m, DATA) & 7, 1);
	fake_inb(m, ACK16);
	ck_assert_int_eq(IRQ.level, 1);
	fake_inb(m, AVAIL);
	ck_assert_int_eq(IRQ.level, 0);
	fake_advance(m, 100 * MS);
	ck_assert_uint_eq(VOICE8->n, 256);
	ck_assert_uint_eq(IRQ.rises, 1);
	fake_free(m);
}
END_TEST

/* Commands, and what they make: frames a second, of which value, and interrupts of which kind in
 * half a second. DMA memory holds 0, 1, 2... and the channel goes around 1024 bytes. */
struct play {
	const char *name;
	unsigned int channel;
	u8 cmd[10];
	unsigned int ncmd;
	bool voice16;
	u32 rate;
	unsigned int blocks; /* in half a second */
	u8 ack;
	s16 first[2], second[2];
};

static const struct play plays[] = {
	{"1Ch auto-init", 1, {0x40, 131, 0x48, 99, 0, 0x1c}, 6, false, 8000, 40, 1,
	 {-32768, -32768}, {-32512, -32512}},
	{"90h high speed", 1, {0x40, 256 - 45, 0x48, 0xff, 3, 0x90}, 6, false, 22222, 10, 1,
	 {-32768, -32768}, {-32512, -32512}},
	{"C6h unsigned mono", 1, {0x41, 0x1f, 0x40, 0xc6, 0x00, 99, 0}, 7, false, 8000, 40, 1,
	 {-32768, -32768}, {-32512, -32512}},
	{"C6h signed stereo", 1, {0x41, 0x1f, 0x40, 0xc6, 0x30, 99, 0}, 7, false, 8000, 80, 1,
	 {0, 0x100}, {0x200, 0x300}},
	{"B6h signed mono", 5, {0x41, 0x1f, 0x40, 0xb6, 0x10, 99, 0}, 7, true, 8000, 40, 2,
	 {0x100, 0x100}, {0x302, 0x302}},
	{"B6h unsigned stereo", 5, {0x41, 0xac, 0x44, 0xb6, 0x20, 0x43, 0x04}, 7, true, 44100, 40, 2,
	 {(s16)0x8100, (s16)0x8302}, {(s16)0x8504, (s16)0x8706}},
	{"rate beyond the card's", 1, {0x41, 0xff, 0xff, 0xc6, 0x00, 0xdf, 0x2e}, 7, false, 48000, 2, 1,
	 {-32768, -32768}, {-32512, -32512}},
};

START_TEST(test_auto)
{
	const struct play *p = &plays[_i];
	struct gm_voice *v;
	unsigned int i, n = 0;

	setup();
	v = p->voice16 ? VOICE16 : VOICE8;
	dma_setup(p->channel, 0x58, p->channel < 4 ? 1024 : 512);
	for (i = 0; i < p->ncmd; i++)
		dsp(p->cmd[i]);
	ck_assert_msg(v->rate == p->rate, "%s: rate %u", p->name, v->rate);
	for (i = 0; i < 5000; i++) {
		fake_advance(m, MS / 10);
		if (!IRQ.level)
			continue;
		fake_outb(m, INDEX, 0x82);
		ck_assert_uint_eq(fake_inb(m, DATA), p->ack);
		fake_inb(m, p->ack == 1 ? AVAIL : ACK16);
		n++;
	}
	/* The last one may be due just now. */
	ck_assert_msg(n >= p->blocks - 1 && n <= p->blocks + 1, "%s: %u blocks", p->name, n);
	ck_assert_msg(v->n >= p->rate / 2 - p->rate / 200 && v->n <= p->rate / 2, "%s: %zu frames",
		      p->name, v->n);
	ck_assert_msg(!memcmp(v->frame[0], p->first, 4) && !memcmp(v->frame[1], p->second, 4),
		      "%s: first %x, second %x", p->name, (u16)v->frame[0][0], (u16)v->frame[1][0]);
	dsp(p->voice16 ? 0xd9 : 0xda);
	fake_advance(m, 600 * MS);
	ck_assert(!v->on);
	fake_free(m);
}
END_TEST

/* The Pro's stereo: two bytes a frame, and the time constant counts bytes. */
START_TEST(test_pro_stereo)
{
	setup();
	dma_setup(1, 0x58, 1024);
	fake_outb(m, INDEX, 0x0e);
	fake_outb(m, DATA, 0x02);
	dsp(0x40);
	dsp(256 - 50); /* 20000 bytes a second */
	dsp(0x48);
	dsp(0xff);
	dsp(0);
	dsp(0x90);
	ck_assert_uint_eq(VOICE8->rate, 10000);
	fake_advance(m, 100 * MS);
	ck_assert_int_eq(VOICE8->frame[1][0], (s16)(0x82 << 8));
	ck_assert_int_eq(VOICE8->frame[1][1], (s16)(0x83 << 8));
	fake_free(m);
}
END_TEST

START_TEST(test_halt)
{
	static const u8 halt[2][2] = {{0xd0, 0xd4}, {0xd5, 0xd6}};
	struct gm_voice *v;
	size_t n;

	setup();
	v = _i ? VOICE16 : VOICE8;
	dma_setup(_i ? 5 : 1, 0x58, 512);
	rate(10000);
	dsp3(_i ? 0xb6 : 0xc6, 0, 1000);
	fake_advance(m, 50 * MS);
	dsp(halt[_i][0]);
	n = v->n;
	ck_assert_uint_ge(n, 499);
	ck_assert(!v->on);
	fake_advance(m, 300 * MS);
	ck_assert_uint_eq(v->n, n);
	ck_assert_uint_eq(IRQ.rises, 0);
	dsp(halt[_i][1]);
	ck_assert(v->on);
	fake_advance(m, 50 * MS + MS);
	ck_assert_uint_eq(IRQ.rises, 1);
	ck_assert_int_eq(v->frame[n][0], (s16)((_i ? (2 * n + 1) << 8 | (2 * n & 255) : n << 8) ^ 0x8000));
	fake_free(m);
}
END_TEST

/* 16-bit samples pass over the 8-bit channel when no other was chosen. */
START_TEST(test_wide_over_narrow)
{
	setup();
	fake_outb(m, INDEX, 0x81);
	fake_outb(m, DATA, 0x02);
	dma_setup(1, 0x48, 2000);
	rate(10000);
	dsp3(0xb0, 0x10, 1000);
	fake_advance(m, 101 * MS);
	ck_assert_uint_eq(VOICE16->n, 1000);
	ck_assert_int_eq(VOICE16->frame[1][0], 0x0302);
	fake_outb(m, INDEX, 0x82);
	ck_assert_uint_eq(fake_inb(m, DATA), 2);
	fake_free(m);
}
END_TEST

/* The 8-bit channel plays while the 16-bit channel records silence. */
START_TEST(test_both_ways)
{
	unsigned int i;

	setup();
	dma_setup(1, 0x58, 1024);
	dma_setup(5, 0x54, 500);
	rate(10000);
	dsp3(0xc6, 0, 500);
	dsp3(0xbe, 0x10, 500);
	fake_advance(m, 49 * MS);
	for (i = 0; i < 900; i++)
		ck_assert_uint_eq(m->ram->host[BUF + i], 0);
	fake_advance(m, 2 * MS);
	fake_outb(m, INDEX, 0x82);
	ck_assert_uint_eq(fake_inb(m, DATA), 3);
	ck_assert(VOICE8->on);
	ck_assert(!VOICE16->on);
	fake_free(m);
}
END_TEST

START_TEST(test_record_unsigned)
{
	setup();
	dma_setup(1, 0x44, 256);
	rate(8000);
	dsp(0x24);
	dsp(255);
	dsp(0);
	fake_advance(m, 40 * MS);
	ck_assert_uint_eq(m->ram->host[BUF], 0x80);
	ck_assert_uint_eq(m->ram->host[BUF + 255], 0x80);
	ck_assert_uint_eq(m->ram->host[BUF + 256], 0);
	ck_assert_int_eq(IRQ.level, 1);
	fake_free(m);
}
END_TEST

/* 80h: no data, an interrupt when its time has passed. ADPCM: data without sound. */
START_TEST(test_silence)
{
	static const struct {
		u8 cmd[3];
		unsigned int ms, left;
	} rows[] = {
		{{0x80, 0xff, 0x03}, 128, 2048}, {{0x74, 0xff, 0x03}, 256, 1024},
		{{0x76, 0xff, 0x03}, 384, 1024}, {{0x16, 0xff, 0x03}, 512, 1024},
	};
	unsigned int i;

	setup();
	dma_setup(1, 0x48, 2048);
	rate(8000);
	for (i = 0; i < 3; i++)
		dsp(rows[_i].cmd[i]);
	fake_advance(m, (rows[_i].ms - 1) * MS);
	ck_assert_int_eq(IRQ.level, 0);
	fake_advance(m, 2 * MS);
	ck_assert_int_eq(IRQ.level, 1);
	ck_assert_uint_eq(dma_channel_left(dma, 1), rows[_i].left);
	ck_assert_uint_eq(VOICE8->n, 0);
	fake_free(m);
}
END_TEST

START_TEST(test_direct)
{
	setup();
	dsp(0x10);
	dsp(0xc0);
	ck_assert(DIRECT->on);
	ck_assert_uint_eq(DIRECT->rate, GM_AUDIO_HZ);
	fake_advance(m, 10 * MS);
	dsp(0x10);
	dsp(0x40);
	ck_assert_uint_eq(DIRECT->n, 480);
	fake_audio_all(DIRECT, 0, 480, 0x4000, 0x4000);
	fake_advance(m, 10 * MS);
	DIRECT->client.pull(DIRECT->client.opaque);
	ck_assert_uint_eq(DIRECT->n, 960);
	fake_audio_all(DIRECT, 480, 480, -0x4000, -0x4000);
	fake_advance(m, 300 * MS);
	DIRECT->client.pull(DIRECT->client.opaque);
	ck_assert(!DIRECT->on);
	fake_free(m);
}
END_TEST

/* ---- interrupts and lines ---- */

START_TEST(test_irq_choice)
{
	unsigned int i;

	setup();
	for (i = 0; i < SB16_IRQS; i++) {
		fake_outb(m, INDEX, 0x80);
		fake_outb(m, DATA, (u8)(1 << i));
		dsp(0xf2);
		ck_assert_int_eq(line[i].level, 1);
		ck_assert_int_eq(line[(i + 1) & 3].level, 0);
		dsp(0xf3);
		fake_inb(m, AVAIL);
		ck_assert_int_eq(line[i].level, 1);
		fake_inb(m, ACK16);
		ck_assert_int_eq(line[i].level, 0);
		ck_assert_uint_eq(line[i].rises, 1);
	}
	/* A line that is chosen later is held too; one that is not chosen is never touched. */
	dsp(0xf2);
	fake_outb(m, DATA, 1);
	ck_assert_int_eq(line[3].level, 0);
	ck_assert_int_eq(line[0].level, 1);
	fake_outb(m, DATA, 0);
	ck_assert_int_eq(line[0].level, 0);
	fake_free(m);
}
END_TEST

/* The host comes late: every block has its interrupt all the same, with time between them. */
START_TEST(test_late)
{
	unsigned int n = 0, i;

	setup();
	dma_setup(1, 0x58, 1024);
	rate(10000);
	dsp3(0xc6, 0, 100);
	fake_stall(m, 100 * MS);
	for (i = 0; i < 40; i++) {
		if (IRQ.level) {
			n++;
			fake_inb(m, AVAIL);
		}
		fake_advance(m, MS / 4);
	}
	ck_assert_uint_ge(n, 10);
	ck_assert_uint_ge(VOICE8->n, 1000);
	/* A whole second is not made up for. */
	fake_stall(m, NSEC_PER_SEC);
	n = (unsigned int)VOICE8->n;
	fake_advance(m, 200 * MS);
	ck_assert_uint_le(VOICE8->n - n, 5000);
	fake_free(m);
}
END_TEST

/* ---- hostile ---- */

/* A channel that is masked, of the other direction, or ends early: silence, no interrupt, no end. */
START_TEST(test_stall)
{
	setup();
	rate(10000);
	switch (_i) {
	case 0:
		break;
	case 1:
		dma_setup(1, 0x54, 1024);
		break;
	case 2:
		dma_setup(1, 0x48, 50);
		break;
	case 3:
		fake_outb(m, INDEX, 0x81);
		fake_outb(m, DATA, 0);
		break;
	}
	dsp3(0xc6, 0, 100);
	fake_advance(m, 500 * MS);
	ck_assert_uint_eq(VOICE8->n, _i == 2 ? 50 : 0);
	ck_assert_uint_eq(IRQ.rises, 0);
	ck_assert(VOICE8->on);
	/* It goes on as soon as the guest has put it right. */
	fake_outb(m, INDEX, 0x81);
	fake_outb(m, DATA, 2);
	dma_setup(1, 0x58, 1024);
	fake_advance(m, 20 * MS);
	ck_assert_uint_ge(IRQ.rises, 1);
	fake_free(m);
}
END_TEST

/* Blocks of one sample, lengths that are no whole frames, memory that is not there, any command. */
START_TEST(test_hostile)
{
	u32 x = (u32)_i * 2654435761u + 1, i;

	setup();
	dma_setup(1, 0x58, 1);
	dsp3(0xc6, 0x30, 1);
	fake_advance(m, 100 * MS);
	ck_assert_uint_ge(IRQ.rises, 1);
	dsp3(0xb6, 0x30, 3);
	dma_setup(5, 0x58, 65536);
	fake_outb(m, 0x8b, 0xff);
	fake_advance(m, 100 * MS);
	for (i = 0; i < 3000; i++) {
		x = x * 1664525 + 1013904223;
		if (x >> 28 == 0)
			fake_advance(m, (x >> 8 & 31) * MS);
		else
			fake_outb(m, x & 0x80000 ? WRITE : (u16)(BASE + (x >> 20 & 15)), (u8)(x >> 8));
		fake_inb(m, (u16)(BASE + (x >> 24 & 15)));
	}
	fake_free(m);
}
END_TEST

/* What is saved while it plays goes on elsewhere; values that index something are looked at. */
START_TEST(test_state)
{
	const struct gm_state_desc *d = sb16_class.state;
	size_t n, len = gm_state_size(d);
	u8 *buf = malloc(len);

	setup();
	dma_setup(1, 0x58, 1024);
	rate(10000);
	dsp3(0xc6, 0, 1000);
	fake_advance(m, 50 * MS);
	gm_state_save(d, card, buf);
	dsp_reset();
	ck_assert(!VOICE8->on);
	n = VOICE8->n;
	ck_assert_int_eq(gm_state_load(d, card, buf, len), 0);
	ck_assert_int_eq(sb16_class.loaded(card), 0);
	ck_assert(VOICE8->on);
	fake_advance(m, 51 * MS);
	ck_assert_int_eq(IRQ.level, 1);
	ck_assert_uint_ge(VOICE8->n, n + 500);
	memset(buf, 0xff, len);
	ck_assert_int_eq(gm_state_load(d, card, buf, len), 0);
	ck_assert_int_ne(sb16_class.loaded(card), 0);
	free(buf);
	sb16_class.reset(card);
	fake_free(m);
}
END_TEST

int main(void)
{
	const struct fake_test tests[] = {
		{test_talk, ARRAY_SIZE(talks)},
		{test_volume},
		{test_single},
		{test_auto, ARRAY_SIZE(plays)},
		{test_pro_stereo},
		{test_halt, 2},
		{test_wide_over_narrow},
		{test_both_ways},
		{test_record_unsigned},
		{test_silence, 4},
		{test_direct},
		{test_irq_choice},
		{test_late},
		{test_stall, 4},
		{test_hostile, 8},
		{test_state},
	};

	return fake_run("sb16", tests, ARRAY_SIZE(tests));
}

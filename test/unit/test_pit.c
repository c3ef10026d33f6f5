// SPDX-License-Identifier: GPL-2.0-or-later
/* The 8254: modes, BCD, latches, read-back, gates, IRQ 0 and port 61h. */
#include "test/unit/lib/fake_machine.h"
#include "devices/isa/i8254.h"

static struct fake_line irq;
static struct speaker_wave told;
static struct gm_machine *m;
static struct gm_dev *pit;

static void speaker(void *opaque, const struct speaker_wave *w)
{
	told = *w;
}

static void setup(void)
{
	struct i8254_cfg cfg = {.irq = fake_irq(&irq), .speaker = speaker};

	irq = (struct fake_line){0};
	told = (struct speaker_wave){0};
	m = fake_new(1);
	m->clock->now = 1000000;
	pit = fake_device(m, &i8254_class, &cfg);
}

/* Advances to the middle of the nth input clock after the current time. */
static void clocks(u64 n)
{
	fake_advance(m, n * NSEC_PER_SEC / PIT_HZ + (n ? 100 : 0));
}

/* Programs channel 2 (gate from port 61h) and follows count and output. */
struct wave {
	const char *name;
	u8 control;
	u8 lo, hi; /* both written when rw is 3, else the one that counts */
	struct {
		unsigned int after; /* clocks since loading */
		u16 count;
		bool out;
	} at[8];
};

static const struct wave waves[] = {
	{"mode 0: interrupt on terminal count", 0xb0, 5, 0,
	 {{0, 5, 0}, {1, 4, 0}, {4, 1, 0}, {5, 0, 1}, {6, 0xffff, 1}, {65541, 0, 1}}},
	{"mode 0, BCD", 0xb1, 0x10, 0, {{0, 0x10, 0}, {1, 0x09, 0}, {10, 0, 1}, {11, 0x9999, 1}}},
	{"mode 2: rate generator", 0xb4, 4, 0,
	 {{0, 4, 1}, {2, 2, 1}, {3, 1, 0}, {4, 4, 1}, {7, 1, 0}, {401, 3, 1}}},
	{"mode 2, count 0 is 65536", 0xb4, 0, 0, {{0, 0, 1}, {1, 0xffff, 1}, {65535, 1, 0}}},
	{"mode 2, BCD count 0 is 10000", 0xb5, 0, 0, {{0, 0, 1}, {1, 0x9999, 1}, {9999, 1, 0}}},
	{"mode 2, numbered 6", 0xbc, 4, 0, {{3, 1, 0}, {4, 4, 1}}},
	{"mode 2, low byte only", 0x94, 4, 0, {{3, 1, 0}, {4, 4, 1}}},
	{"mode 3: square wave, even", 0xb6, 4, 0,
	 {{0, 4, 1}, {1, 2, 1}, {2, 4, 0}, {3, 2, 0}, {4, 4, 1}}},
	{"mode 3, odd: high one clock longer", 0xb6, 5, 0,
	 {{0, 4, 1}, {1, 2, 1}, {2, 0, 1}, {3, 4, 0}, {4, 2, 0}, {5, 4, 1}}},
	{"mode 4: software strobe", 0xb8, 3, 0,
	 {{0, 3, 1}, {2, 1, 1}, {3, 0, 0}, {4, 0xffff, 1}, {65539, 0, 1}}},
};

static u16 read_count(u8 rw)
{
	u16 v;

	fake_outb(m, 0x43, 0x80);
	v = fake_inb(m, 0x42);
	if (rw == 3)
		v |= fake_inb(m, 0x42) << 8;
	return v;
}

START_TEST(test_waves)
{
	const struct wave *w = &waves[_i];
	u64 start;
	u8 rw = w->control >> 4 & 3;

	setup();
	fake_outb(m, 0x61, 1);
	fake_outb(m, 0x43, w->control);
	start = m->clock->now;
	if (rw & 1)
		fake_outb(m, 0x42, w->lo);
	if (rw & 2)
		fake_outb(m, 0x42, w->hi);
	for (size_t i = 0; i < 8 && (w->at[i].after || i == 0); i++) {
		u16 count;
		bool out;

		m->clock->now = start + w->at[i].after * NSEC_PER_SEC / PIT_HZ + 100;
		count = read_count(rw);
		out = fake_inb(m, 0x61) & 0x20;
		ck_assert_msg(count == w->at[i].count,
			      "%s: after %u: count %#x, wanted %#x", w->name, w->at[i].after,
			      count, w->at[i].count);
		ck_assert_msg(out == w->at[i].out, "%s: after %u: out %d, wanted %d", w->name,
			      w->at[i].after, out, w->at[i].out);
	}
	fake_free(m);
}
END_TEST

START_TEST(test_latch_and_status)
{
	static const struct fake_step steps[] = {
		{'w', 0x43, 0x34}, {'w', 0x43, 0xe2}, /* status of 0: null count set */
		{'r', 0x40, 0xf4},
		{'w', 0x40, 0x34}, {'w', 0x40, 0x12}, {'w', 0x43, 0xe2}, {'r', 0x40, 0xb4},
		{'w', 0x43, 0xc2},                         /* both: status first */
		{'r', 0x40, 0xb4}, {'r', 0x40, 0x34}, {'r', 0x40, 0x12},
		{'w', 0x43, 0x54}, {'w', 0x41, 0x77},      /* channel 1, low byte only */
		{'r', 0x41, 0x77}, {'r', 0x41, 0x77},
		{'w', 0x43, 0x64}, {'w', 0x41, 0x55},      /* high byte only */
		{'r', 0x41, 0x55},
		{'r', 0x43, 0xff}, {0},
	};
	u16 v;

	setup();
	fake_steps(m, "latch", steps);
	/* A latched count stays until it is read, a second latch command has no effect. */
	fake_outb(m, 0x43, 0x00);
	clocks(100);
	fake_outb(m, 0x43, 0x00);
	v = fake_inb(m, 0x40);
	v |= fake_inb(m, 0x40) << 8;
	ck_assert_uint_eq(v, 0x1234);
	v = fake_inb(m, 0x40);
	v |= fake_inb(m, 0x40) << 8;
	ck_assert_uint_eq(v, 0x1234 - 100);
	fake_free(m);
}
END_TEST

static void load0(u8 control, u16 n)
{
	fake_outb(m, 0x43, control);
	fake_outb(m, 0x40, n & 0xff);
	fake_outb(m, 0x40, n >> 8);
}

START_TEST(test_irq_rate)
{
	static const struct {
		u8 control;
		u16 count;
		unsigned int per_10s;
	} rows[] = {{0x34, 11932, 999}, {0x36, 1193, 10001}, {0x36, 0, 182}, {0x35, 0x1000, 11931}};

	setup();
	load0(rows[_i].control, rows[_i].count);
	irq.rises = 0;
	fake_advance(m, 10 * NSEC_PER_SEC);
	ck_assert_uint_eq(irq.rises, rows[_i].per_10s);
	fake_free(m);
}
END_TEST

START_TEST(test_irq_one_shot)
{
	setup();
	load0(0x30, 1000);
	ck_assert_int_eq(irq.level, 0);
	irq.rises = 0;
	clocks(999);
	ck_assert_int_eq(irq.level, 0);
	clocks(2);
	ck_assert_int_eq(irq.level, 1);
	fake_advance(m, NSEC_PER_SEC);
	ck_assert_uint_eq(irq.rises, 1);
	/* The first byte of a new count takes the output low and stops the counter. */
	fake_outb(m, 0x40, 0xe8);
	ck_assert_int_eq(irq.level, 0);
	fake_advance(m, NSEC_PER_SEC);
	ck_assert_int_eq(irq.level, 0);
	fake_outb(m, 0x40, 0x03);
	clocks(1001);
	ck_assert_int_eq(irq.level, 1);
	fake_free(m);
}
END_TEST

START_TEST(test_lost_ticks)
{
	setup();
	load0(0x34, 11932); /* 100 Hz */
	irq.rises = 0;
	fake_stall(m, NSEC_PER_SEC / 2 + 1000);
	ck_assert_uint_eq(irq.rises, 1);
	/* Fifty were due; they come at twice the rate and no more than that. */
	fake_advance(m, NSEC_PER_SEC / 10);
	ck_assert_uint_ge(irq.rises, 18);
	ck_assert_uint_le(irq.rises, 22);
	fake_advance(m, NSEC_PER_SEC * 9 / 10);
	ck_assert_uint_ge(irq.rises, 148);
	ck_assert_uint_le(irq.rises, 151);
	/* An hour's gap is not made up for. */
	fake_stall(m, 3600 * NSEC_PER_SEC);
	irq.rises = 0;
	fake_advance(m, 10 * NSEC_PER_SEC);
	ck_assert_uint_le(irq.rises, 1101);
	fake_free(m);
}
END_TEST

START_TEST(test_fast_count)
{
	setup();
	load0(0x34, 2); /* 600 kHz: no more than 50,000 interrupts a second are made */
	irq.rises = 0;
	fake_advance(m, NSEC_PER_SEC / 10);
	ck_assert_uint_le(irq.rises, 5001);
	ck_assert_uint_ge(irq.rises, 4000);
	load0(0x34, 1);
	fake_advance(m, NSEC_PER_SEC / 100);
	fake_free(m);
}
END_TEST

START_TEST(test_new_count_waits_for_period)
{
	setup();
	load0(0x34, 1000);
	clocks(300);
	fake_outb(m, 0x40, 100);
	fake_outb(m, 0x40, 0);
	irq.rises = 0;
	fake_outb(m, 0x43, 0xe2);
	ck_assert_uint_eq(fake_inb(m, 0x40), 0xf4); /* null count until then */
	clocks(690);
	ck_assert_uint_eq(irq.rises, 0);
	clocks(15);
	ck_assert_uint_eq(irq.rises, 1);
	clocks(1000);
	ck_assert_uint_eq(irq.rises, 11);
	fake_free(m);
}
END_TEST

START_TEST(test_gate_modes)
{
	setup();
	/* mode 1: the gate's rise starts it, again and again */
	fake_outb(m, 0x43, 0xb2);
	fake_outb(m, 0x42, 50);
	fake_outb(m, 0x42, 0);
	ck_assert(fake_inb(m, 0x61) & 0x20);
	fake_outb(m, 0x61, 1);
	ck_assert(!(fake_inb(m, 0x61) & 0x20));
	clocks(49);
	ck_assert(!(fake_inb(m, 0x61) & 0x20));
	clocks(2);
	ck_assert(fake_inb(m, 0x61) & 0x20);
	fake_outb(m, 0x61, 0);
	fake_outb(m, 0x61, 1);
	ck_assert(!(fake_inb(m, 0x61) & 0x20));
	/* mode 5: a strobe of one clock after the gate's rise */
	fake_outb(m, 0x61, 0);
	fake_outb(m, 0x43, 0xba);
	fake_outb(m, 0x42, 10);
	fake_outb(m, 0x42, 0);
	fake_outb(m, 0x61, 1);
	ck_assert(fake_inb(m, 0x61) & 0x20);
	clocks(10);
	ck_assert(!(fake_inb(m, 0x61) & 0x20));
	clocks(1);
	ck_assert(fake_inb(m, 0x61) & 0x20);
	/* mode 0: the gate holds the count */
	fake_outb(m, 0x43, 0xb0);
	fake_outb(m, 0x42, 100);
	fake_outb(m, 0x42, 0);
	clocks(40);
	fake_outb(m, 0x61, 0);
	clocks(1000);
	ck_assert_uint_eq(read_count(3), 60);
	fake_outb(m, 0x61, 1);
	clocks(59);
	ck_assert(!(fake_inb(m, 0x61) & 0x20));
	clocks(2);
	ck_assert(fake_inb(m, 0x61) & 0x20);
	fake_free(m);
}
END_TEST

/* What the speaker is given in each mode, with port 61h as said. */
struct given {
	const char *name;
	u8 control, count, port61;
	u32 period;
	s64 start; /* since now, ns; -1: never, -2: always */
};

static const struct given givens[] = {
	{"square wave", 0xb6, 100, 3, 100, 0},
	{"rate generator", 0xb4, 100, 3, 100, 0},
	{"square wave, gate off: held high", 0xb6, 100, 2, 0, -2},
	{"square wave, switched off", 0xb6, 100, 1, 0, -1},
	{"mode 0: rises when it has counted", 0xb0, 119, 3, 0, 99734},
	{"mode 0, gate off: stays low", 0xb0, 119, 2, 0, -1},
	{"mode 1 without a trigger: high", 0xb2, 100, 3, 0, -2},
	{"mode 4: high but for a clock", 0xb8, 100, 3, 0, -2},
};

START_TEST(test_speaker_modes)
{
	const struct given *g = &givens[_i];
	u64 start;

	setup();
	fake_outb(m, 0x61, g->port61);
	fake_outb(m, 0x43, g->control);
	fake_outb(m, 0x42, g->count);
	fake_outb(m, 0x42, 0);
	start = g->start == -1 ? GM_TIME_NEVER : g->start == -2 ? 0 : m->clock->now + (u64)g->start;
	ck_assert_msg(told.period == g->period, "%s: period %u", g->name, told.period);
	ck_assert_msg(told.start == start, "%s: start %lld", g->name,
		      (long long)(told.start - m->clock->now));
	fake_free(m);
}
END_TEST

START_TEST(test_port61_and_speaker)
{
	unsigned int toggles = 0;
	u8 last;

	setup();
	fake_outb(m, 0x61, 0xff);
	ck_assert_uint_eq(fake_inb(m, 0x61) & 0x0f, 0x0f);
	fake_outb(m, 0x43, 0xb6);
	fake_outb(m, 0x42, 1193 & 0xff);
	fake_outb(m, 0x42, 1193 >> 8);
	ck_assert_uint_eq(told.period, 1193);
	ck_assert_uint_eq(told.high, 597);
	ck_assert_uint_eq(told.start, m->clock->now);
	fake_outb(m, 0x61, 0x01);
	ck_assert_uint_eq(told.period, 0);
	ck_assert_uint_eq(told.start, GM_TIME_NEVER);
	last = fake_inb(m, 0x61) & 0x10;
	for (int i = 0; i < 1000; i++) {
		fake_advance(m, 1000);
		if ((fake_inb(m, 0x61) & 0x10) != last) {
			last ^= 0x10;
			toggles++;
		}
	}
	ck_assert_uint_ge(toggles, 65);
	ck_assert_uint_le(toggles, 67);
	fake_free(m);
}
END_TEST

int main(void)
{
	const struct fake_test tests[] = {
		{test_waves, ARRAY_SIZE(waves)},
		{test_latch_and_status},
		{test_irq_rate, 4},
		{test_irq_one_shot},
		{test_lost_ticks},
		{test_fast_count},
		{test_new_count_waits_for_period},
		{test_gate_modes},
		{test_speaker_modes, ARRAY_SIZE(givens)},
		{test_port61_and_speaker},
	};

	return fake_run("pit", tests, ARRAY_SIZE(tests));
}

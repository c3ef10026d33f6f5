// SPDX-License-Identifier: GPL-2.0-or-later
/* The MC146818: calendar, formats, alarm, periodic and update interrupts, CMOS banks. */
#include "test/unit/lib/fake_machine.h"
#include "devices/isa/mc146818.h"

static struct fake_line irq;
static struct gm_machine *m;
static struct gm_dev *rtc;

/* 1999-12-31 23:59:50, a Friday */
#define EVE 946684790

static void setup(s64 date)
{
	struct mc146818_cfg cfg = {.irq = fake_irq(&irq), .base = MC146818_DATE, .date = date};

	irq = (struct fake_line){0};
	m = fake_new(1);
	rtc = fake_device(m, &mc146818_class, &cfg);
}

static u8 rd(u8 i)
{
	fake_outb(m, 0x70, i);
	return fake_inb(m, 0x71);
}

static void wr(u8 i, u8 val)
{
	fake_outb(m, 0x70, i);
	fake_outb(m, 0x71, val);
}

struct moment {
	const char *name;
	s64 date;
	u8 b;          /* register B */
	u8 reg[8];     /* sec, min, hour, wday, mday, month, year, century */
};

static const struct moment moments[] = {
	{"epoch, BCD, 24 h", 0, 0x02, {0, 0, 0, 5, 1, 1, 0x70, 0x19}},
	{"epoch, binary, 24 h", 0, 0x06, {0, 0, 0, 5, 1, 1, 70, 19}},
	{"eve, BCD, 24 h", EVE, 0x02, {0x50, 0x59, 0x23, 6, 0x31, 0x12, 0x99, 0x19}},
	{"eve, BCD, 12 h", EVE, 0x00, {0x50, 0x59, 0x91, 6, 0x31, 0x12, 0x99, 0x19}},
	{"eve, binary, 12 h", EVE, 0x04, {50, 59, 0x8b, 6, 31, 12, 99, 19}},
	{"leap day of 2000", 951782400, 0x02, {0, 0, 0, 3, 0x29, 2, 0x00, 0x20}},
	{"midnight is 12 am", 951782400, 0x00, {0, 0, 0x12, 3, 0x29, 2, 0x00, 0x20}},
	{"noon is 12 pm", 951782400 + 43200, 0x00, {0, 0, 0x92, 3, 0x29, 2, 0x00, 0x20}},
	{"no leap day in 2100", 4107542400, 0x02, {0, 0, 0, 2, 1, 3, 0x00, 0x21}},
	{"before 1970", -1, 0x02, {0x59, 0x59, 0x23, 4, 0x31, 0x12, 0x69, 0x19}},
};

static const u8 time_regs[8] = {0, 2, 4, 6, 7, 8, 9, 0x32};

START_TEST(test_read_time)
{
	const struct moment *t = &moments[_i];

	setup(t->date);
	wr(0x0b, t->b);
	for (int i = 0; i < 8; i++)
		ck_assert_msg(rd(time_regs[i]) == t->reg[i], "%s: register %#x is %#x, wanted %#x",
			      t->name, time_regs[i], rd(time_regs[i]), t->reg[i]);
	fake_free(m);
}
END_TEST

START_TEST(test_set_time)
{
	const struct moment *t = &moments[_i];

	setup(123456789);
	wr(0x0b, t->b | 0x80);
	for (int i = 0; i < 8; i++)
		wr(time_regs[i], t->reg[i]);
	fake_advance(m, 5 * NSEC_PER_SEC); /* stands while SET is 1 */
	ck_assert_uint_eq(rd(0), t->reg[0]);
	wr(0x0b, t->b);
	for (int i = 0; i < 8; i++)
		ck_assert_msg(rd(time_regs[i]) == t->reg[i], "%s: register %#x is %#x, wanted %#x",
			      t->name, time_regs[i], rd(time_regs[i]), t->reg[i]);
	fake_free(m);
}
END_TEST

START_TEST(test_time_runs)
{
	setup(EVE);
	fake_advance(m, 10 * NSEC_PER_SEC);
	ck_assert_uint_eq(rd(9), 0x00);
	ck_assert_uint_eq(rd(0x32), 0x20);
	ck_assert_uint_eq(rd(8), 1);
	ck_assert_uint_eq(rd(6), 7);
	/* writing one register without SET keeps the others running */
	wr(4, 0x15);
	fake_advance(m, 3600 * NSEC_PER_SEC);
	ck_assert_uint_eq(rd(4), 0x16);
	/* the divider chain in reset stops the clock */
	wr(0x0a, 0x66);
	fake_advance(m, 3600 * NSEC_PER_SEC);
	ck_assert_uint_eq(rd(4), 0x16);
	wr(0x0a, 0x26);
	fake_advance(m, 3600 * NSEC_PER_SEC);
	ck_assert_uint_eq(rd(4), 0x17);
	fake_free(m);
}
END_TEST

START_TEST(test_uip)
{
	setup(0);
	ck_assert(!(rd(0x0a) & 0x80));
	fake_advance(m, NSEC_PER_SEC - 2000000);
	ck_assert(rd(0x0a) & 0x80);
	ck_assert_uint_eq(rd(0), 0);
	fake_advance(m, 2000000);
	ck_assert(!(rd(0x0a) & 0x80));
	ck_assert_uint_eq(rd(0), 1);
	fake_free(m);
}
END_TEST

START_TEST(test_alarm)
{
	static const struct {
		const char *name;
		u8 sec, min, hour;
		unsigned int after; /* seconds from EVE; 0 never */
		unsigned int in_day;
	} rows[] = {
		{"exact", 0x55, 0x59, 0x23, 5, 1},
		{"over midnight", 0x00, 0x00, 0x00, 10, 1},
		{"nearly a day away", 0x49, 0x59, 0x23, 86399, 1},
		{"every hour", 0x00, 0x30, 0xc0, 1810, 24},
		{"every minute", 0x05, 0xff, 0xff, 15, 1440},
		{"every second", 0xff, 0xff, 0xff, 1, 86400},
		{"hour alone", 0xc0, 0xc0, 0x01, 3610, 3600},
		{"no such minute", 0x00, 0x75, 0x00, 0, 0},
	};
	unsigned int n = 0, first = 0;

	setup(EVE);
	wr(1, rows[_i].sec);
	wr(3, rows[_i].min);
	wr(5, rows[_i].hour);
	wr(0x0b, 0x22);
	for (unsigned int s = 1; s <= 86400; s++) {
		fake_advance(m, NSEC_PER_SEC);
		if (!irq.level)
			continue;
		ck_assert_uint_eq(rd(0x0c) & 0xa0, 0xa0);
		ck_assert(!irq.level);
		first = first ? first : s;
		n++;
	}
	ck_assert_msg(first == rows[_i].after && n == rows[_i].in_day,
		      "%s: first after %u s (%u), %u in a day (%u)", rows[_i].name, first,
		      rows[_i].after, n, rows[_i].in_day);
	fake_free(m);
}
END_TEST

START_TEST(test_update_interrupt)
{
	setup(0);
	wr(0x0a, 0x20);
	wr(0x0b, 0x12);
	fake_advance(m, NSEC_PER_SEC - 1);
	ck_assert(!irq.level);
	fake_advance(m, 1);
	ck_assert(irq.level);
	fake_advance(m, NSEC_PER_SEC);
	ck_assert(irq.level);
	ck_assert_uint_eq(rd(0x0c), 0x90);
	ck_assert_uint_eq(rd(0x0c), 0);
	/* without UIE the flag comes all the same, without IRQ */
	wr(0x0b, 0x02);
	fake_advance(m, NSEC_PER_SEC);
	ck_assert(!irq.level);
	ck_assert_uint_eq(rd(0x0c) & 0x10, 0x10);
	/* SET clears UIE */
	wr(0x0b, 0x92);
	ck_assert_uint_eq(rd(0x0b), 0x82);
	fake_free(m);
}
END_TEST

START_TEST(test_periodic)
{
	static const struct {
		u8 rs;
		unsigned int hz;
	} rows[] = {{1, 256}, {2, 128}, {3, 8192}, {6, 1024}, {13, 8}, {15, 2}};
	unsigned int n = 0;

	setup(0);
	wr(0x0a, 0x20 | rows[_i].rs);
	wr(0x0b, 0x42);
	rd(0x0c);
	fake_advance(m, 1000);
	for (int i = 0; i < 20000; i++) {
		fake_advance(m, 50000);
		if (irq.level) {
			ck_assert_uint_eq(rd(0x0c) & 0xc0, 0xc0);
			n++;
		}
	}
	ck_assert_uint_eq(n, rows[_i].hz);
	fake_free(m);
}
END_TEST

START_TEST(test_periodic_catches_up)
{
	unsigned int n = 0;

	setup(0);
	wr(0x0a, 0x26);
	wr(0x0b, 0x42);
	rd(0x0c);
	fake_stall(m, NSEC_PER_SEC / 8); /* 128 ticks */
	for (int i = 0; i < 1000; i++) {
		if (irq.level) {
			rd(0x0c);
			n++;
		}
		fake_advance(m, 125000);
	}
	ck_assert_uint_ge(n, 254);
	ck_assert_uint_le(n, 257);
	/* off: nothing is owed any more */
	fake_stall(m, NSEC_PER_SEC);
	wr(0x0b, 0x02);
	rd(0x0c);
	fake_advance(m, NSEC_PER_SEC);
	ck_assert(!irq.level);
	fake_free(m);
}
END_TEST

START_TEST(test_cmos)
{
	setup(0);
	cmos_set(rtc, 0x15, 0x80);
	cmos_set(rtc, 0x90, 0x12);
	cmos_set(rtc, 0x00, 0x55); /* refused: a clock register */
	cmos_set(rtc, 0x1000, 0x55);
	ck_assert_uint_eq(rd(0x15), 0x80);
	ck_assert_uint_eq(rd(0x00), 0x00);
	fake_outb(m, 0x72, 0x10);
	ck_assert_uint_eq(fake_inb(m, 0x73), 0x12);
	fake_outb(m, 0x73, 0x34);
	ck_assert_uint_eq(cmos_get(rtc, 0x90), 0x34);
	ck_assert_uint_eq(rd(0x0d), 0x80);
	wr(0x0d, 0);
	ck_assert_uint_eq(rd(0x0d), 0x80);
	ck_assert_uint_eq(fake_inb(m, 0x70), 0xff);
	ck_assert(!cmos_nmi_masked(rtc));
	fake_outb(m, 0x70, 0x8f);
	ck_assert(cmos_nmi_masked(rtc));
	fake_outb(m, 0x71, 0x0a);
	ck_assert_uint_eq(rd(0x0f), 0x0a);
	rtc->cls->reset(rtc);
	ck_assert_uint_eq(rd(0x0f), 0x0a); /* memory survives a reset */
	fake_free(m);
}
END_TEST

/* Any bytes in any register: no trap, and the clock still answers. */
START_TEST(test_hostile)
{
	u32 x = 12345;

	setup(0);
	for (int i = 0; i < 20000; i++) {
		x = x * 1664525 + 1013904223;
		wr(x >> 8 & 0x3f, x >> 16);
		if (!(x & 0x70000000))
			fake_advance(m, x >> 4);
		rd(x >> 24 & 0x3f);
	}
	fake_free(m);
}
END_TEST

int main(void)
{
	const struct fake_test tests[] = {
		{test_read_time, ARRAY_SIZE(moments)},
		{test_set_time, ARRAY_SIZE(moments)},
		{test_time_runs},
		{test_uip},
		{test_alarm, 8},
		{test_update_interrupt},
		{test_periodic, 6},
		{test_periodic_catches_up},
		{test_cmos},
		{test_hostile},
	};

	return fake_run("rtc", tests, ARRAY_SIZE(tests));
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* The 16550A: interrupt identification and priority, FIFOs, loopback, modem lines. */
#include "test/unit/lib/fake_machine.h"
#include "devices/isa/uart16550.h"

#define B 0x3f8

static struct fake_line irq;
static struct gm_char chr;
static struct gm_machine *m;
static struct gm_dev *uart;

static void setup(void)
{
	struct uart16550_cfg cfg = {.base = B, .irq = fake_irq(&irq), .chr = &chr};

	irq = (struct fake_line){0};
	memset(&chr, 0, sizeof(chr));
	m = fake_new(1);
	uart = fake_device(m, &uart16550_class, &cfg);
}

static void feed(const char *s)
{
	chr.client.receive(chr.client.opaque, (const u8 *)s, strlen(s));
}

struct table {
	const char *name;
	struct fake_step step[24];
};

static const struct table tables[] = {
	{"after reset", {{'r', B + 1, 0}, {'r', B + 2, 1}, {'r', B + 3, 0}, {'r', B + 4, 0},
			 {'r', B + 5, 0x60}, {'r', B + 6, 0xb0}}},
	{"scratch and divisor latch",
	 {{'w', B + 7, 0x5a}, {'r', B + 7, 0x5a}, {'w', B + 3, 0x83}, {'w', B, 0x01}, {'w', B + 1, 0x02},
	  {'r', B, 0x01}, {'r', B + 1, 0x02}, {'w', B + 3, 0x03}, {'r', B + 1, 0x00}, {'r', B + 3, 0x03}}},
	{"unused bits of IER and MCR", {{'w', B + 1, 0xff}, {'r', B + 1, 0x0f}, {'w', B + 4, 0xff},
					{'r', B + 4, 0x1f}}},
	{"FIFO identification", {{'w', B + 2, 0x01}, {'r', B + 2, 0xc1}, {'w', B + 2, 0x00},
				 {'r', B + 2, 0x01}, {'w', B + 2, 0xc0}, {'r', B + 2, 0x01}}},
	{"enabling THRE raises it, reading IIR withdraws it",
	 {{'w', B + 1, 0x02}, {'r', B + 2, 0x02}, {'r', B + 2, 0x01}, {'w', B, 'x'}, {'r', B + 2, 0x02},
	  {'w', B + 1, 0x00}, {'r', B + 2, 0x01}, {'w', B + 1, 0x02}, {'r', B + 2, 0x02}}},
	{"loopback of modem lines",
	 {{'w', B + 4, 0x10}, {'r', B + 6, 0x0b}, {'w', B + 4, 0x1a}, {'r', B + 6, 0x99},
	  {'r', B + 6, 0x90}, {'w', B + 4, 0x15}, {'r', B + 6, 0x6b}, {'w', B + 4, 0x11},
	  {'r', B + 6, 0x24}}},
	{"loopback of data",
	 {{'w', B + 4, 0x10}, {'w', B, 0x41}, {'r', B + 5, 0x61}, {'r', B, 0x41}, {'r', B + 5, 0x60}}},
	{"loopback of break",
	 {{'w', B + 4, 0x10}, {'w', B + 3, 0x43}, {'r', B + 5, 0x71}, {'r', B + 5, 0x61}, {'r', B, 0}}},
	{"overrun without FIFO",
	 {{'w', B + 4, 0x10}, {'w', B, 1}, {'w', B, 2}, {'r', B + 5, 0x63}, {'r', B, 2},
	  {'r', B + 5, 0x60}}},
	{"line status is above received data, that above THRE, that above modem status",
	 {{'w', B + 4, 0x13}, {'r', B + 6, 0, 0x0}, {'w', B + 1, 0x0f}, {'w', B, 1}, {'w', B, 2},
	  {'r', B + 2, 0x06}, {'r', B + 5, 0x63}, {'r', B + 2, 0x04}, {'r', B, 2}, {'r', B + 2, 0x02},
	  {'w', B + 4, 0x10}, {'r', B + 2, 0x00}, {'r', B + 6, 0x03}, {'r', B + 2, 0x01}}},
};

START_TEST(test_tables)
{
	setup();
	if (!strncmp(tables[_i].name, "line status is above", 20)) {
		fake_outb(m, B + 4, 0x13);
		fake_inb(m, B + 6);
		fake_steps(m, tables[_i].name, tables[_i].step + 2);
	} else {
		fake_steps(m, tables[_i].name, tables[_i].step);
	}
	fake_free(m);
}
END_TEST

START_TEST(test_transmit)
{
	setup();
	fake_outb(m, B, 'h');
	fake_outb(m, B, 'i');
	ck_assert_uint_eq(chr.nout, 2);
	ck_assert_mem_eq(chr.out, "hi", 2);
	/* the line falls and rises with each byte */
	fake_outb(m, B + 4, 0x08);
	fake_outb(m, B + 1, 0x02);
	ck_assert(irq.level);
	irq.rises = irq.falls = 0;
	fake_outb(m, B, '!');
	ck_assert(irq.level);
	ck_assert_uint_eq(irq.rises, 1);
	ck_assert_uint_eq(irq.falls, 1);
	/* OUT2 gates the line */
	fake_outb(m, B + 4, 0x00);
	ck_assert(!irq.level);
	fake_free(m);
}
END_TEST

START_TEST(test_receive_trigger_and_timeout)
{
	static const u8 level[4] = {1, 4, 8, 14};

	setup();
	fake_outb(m, B + 3, 0x83);
	fake_outb(m, B, 1); /* 115200 */
	fake_outb(m, B + 3, 0x03);
	fake_outb(m, B + 4, 0x08);
	fake_outb(m, B + 1, 0x01);
	fake_outb(m, B + 2, 0x01 | _i << 6);
	for (int i = 1; i < level[_i]; i++) {
		feed("a");
		ck_assert(!irq.level);
	}
	feed("b");
	ck_assert(irq.level);
	ck_assert_uint_eq(fake_inb(m, B + 2), 0xc4);
	fake_inb(m, B);
	if (level[_i] > 1) {
		ck_assert(!irq.level);
		fake_advance(m, 340000);
		ck_assert(!irq.level);
		fake_advance(m, 10000); /* four characters are 347 us */
		ck_assert(irq.level);
		ck_assert_uint_eq(fake_inb(m, B + 2), 0xcc);
		fake_inb(m, B);
	}
	ck_assert(!irq.level);
	fake_free(m);
}
END_TEST

START_TEST(test_fifo_flow)
{
	setup();
	ck_assert_uint_eq(chr.client.can_receive(chr.client.opaque), 1);
	fake_outb(m, B + 2, 0x01);
	ck_assert_uint_eq(chr.client.can_receive(chr.client.opaque), 16);
	feed("0123456789abcdef");
	ck_assert_uint_eq(chr.client.can_receive(chr.client.opaque), 0);
	feed("X"); /* overrun: the FIFO keeps what it has */
	ck_assert_uint_eq(fake_inb(m, B + 5), 0x63);
	chr.ready = 0;
	for (int i = 0; i < 16; i++)
		ck_assert_uint_eq(fake_inb(m, B), "0123456789abcdef"[i]);
	ck_assert_uint_eq(chr.ready, 16);
	ck_assert_uint_eq(fake_inb(m, B + 5), 0x60);
	feed("abc");
	fake_outb(m, B + 2, 0x03);
	ck_assert_uint_eq(fake_inb(m, B + 5), 0x60);
	/* a break inside the FIFO: error bit at once, BI when it is at the top */
	feed("a");
	chr.client.break_received(chr.client.opaque);
	ck_assert_uint_eq(fake_inb(m, B + 5), 0xe1);
	ck_assert_uint_eq(fake_inb(m, B), 'a');
	ck_assert_uint_eq(fake_inb(m, B + 5), 0xf1);
	ck_assert_uint_eq(fake_inb(m, B), 0);
	ck_assert_uint_eq(fake_inb(m, B + 5), 0x60);
	fake_free(m);
}
END_TEST

START_TEST(test_unconnected)
{
	struct uart16550_cfg cfg = {.base = 0x2f8};

	m = fake_new(1);
	uart = fake_device(m, &uart16550_class, &cfg);
	fake_outb(m, 0x2f8, 'x');
	ck_assert_uint_eq(fake_inb(m, 0x2f8 + 6), 0);
	ck_assert_uint_eq(fake_inb(m, 0x2f8 + 5), 0x60);
	ck_assert_uint_eq(fake_inb(m, 0x2f8), 0);
	fake_free(m);
}
END_TEST

int main(void)
{
	const struct fake_test tests[] = {
		{test_tables, ARRAY_SIZE(tables)},
		{test_transmit},
		{test_receive_trigger_and_timeout, 4},
		{test_fifo_flow},
		{test_unconnected},
	};

	return fake_run("uart", tests, ARRAY_SIZE(tests));
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* DMA controllers, parallel port, debug consoles and port 80h. */
#include "test/unit/lib/fake_machine.h"
#include "devices/isa/debugcon.h"
#include "devices/isa/i8237.h"
#include "devices/isa/parallel.h"
#include "devices/isa/port80.h"

static struct gm_machine *m;
static struct gm_dev *dma;
static struct gm_ram *ram;

static void setup(void)
{
	m = fake_new(1);
	ram = gm_ram_new(m->mem, "ram", 1 << 20, 0);
	ck_assert_ptr_nonnull(ram);
	ck_assert_ptr_nonnull(gm_ram_map(m->mem, ram, 0, 0, 1 << 20, GM_PRIO_RAM, false));
	dma = fake_device(m, &i8237_class, NULL);
}

/* Programs a channel; count is the register's value (units - 1). */
static void program(unsigned int ch, u8 mode, u8 page, u16 addr, u16 count)
{
	static const u8 page_port[8] = {0x87, 0x83, 0x81, 0x82, 0x8f, 0x8b, 0x89, 0x8a};
	u16 base = ch < 4 ? 0 : 0xc0, step = ch < 4 ? 1 : 2;

	fake_outb(m, base + 10 * step, 4 | (ch & 3));
	fake_outb(m, base + 12 * step, 0);
	fake_outb(m, base + 11 * step, mode | (ch & 3));
	fake_outb(m, base + (ch & 3) * 2 * step, addr & 0xff);
	fake_outb(m, base + (ch & 3) * 2 * step, addr >> 8);
	fake_outb(m, base + ((ch & 3) * 2 + 1) * step, count & 0xff);
	fake_outb(m, base + ((ch & 3) * 2 + 1) * step, count >> 8);
	fake_outb(m, page_port[ch], page);
	fake_outb(m, base + 10 * step, ch & 3);
}

struct dma_row {
	const char *name;
	unsigned int ch;
	u8 mode, page;
	u16 addr, count;
	size_t len;       /* what the device offers */
	size_t passed;
	bool tc;
	u32 first, last;  /* memory addresses of the first and last byte passed */
	u16 addr_after, count_after;
};

static const struct dma_row dma_rows[] = {
	{"floppy read, whole", 2, 0x44, 1, 0x2000, 511, 512, 512, true, 0x12000, 0x121ff, 0x2200, 0xffff},
	{"part of it", 2, 0x44, 1, 0x2000, 511, 100, 100, false, 0x12000, 0x12063, 0x2064, 411},
	{"more than asked for", 2, 0x44, 1, 0x2000, 9, 100, 10, true, 0x12000, 0x12009, 0x200a, 0xffff},
	{"wraps inside 64 KiB", 1, 0x44, 1, 0xfffe, 3, 4, 4, true, 0x1fffe, 0x10001, 0x0002, 0xffff},
	{"downwards", 3, 0x64, 0, 0x1003, 3, 4, 4, true, 0x1003, 0x1000, 0x0fff, 0xffff},
	{"autoinit", 2, 0x54, 1, 0x2000, 9, 10, 10, true, 0x12000, 0x12009, 0x2000, 9},
	{"words", 5, 0x44, 0x05, 0x1000, 3, 8, 8, true, 0x42000, 0x42007, 0x1004, 0xffff},
	{"words, odd length", 5, 0x44, 0x04, 0x1000, 3, 5, 4, false, 0x42000, 0x42003, 0x1002, 1},
	{"verify", 2, 0x40, 1, 0x2000, 9, 10, 10, true, 0, 0, 0x200a, 0xffff},
	{"cascade", 2, 0xc4, 1, 0x2000, 9, 10, 0, false, 0, 0, 0x2000, 9},
	{"illegal type", 2, 0x4c, 1, 0x2000, 9, 10, 0, false, 0, 0, 0x2000, 9},
};

static u16 read_pair(u16 clear, u16 port)
{
	u16 v;

	fake_outb(m, clear, 0);
	v = fake_inb(m, port);
	return v | fake_inb(m, port) << 8;
}

START_TEST(test_dma_to_memory)
{
	const struct dma_row *t = &dma_rows[_i];
	u8 buf[512];
	bool tc;
	u16 base = t->ch < 4 ? 0 : 0xc0, step = t->ch < 4 ? 1 : 2;
	size_t n;

	setup();
	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = (u8)(i * 7 + 1);
	program(t->ch, t->mode, t->page, t->addr, t->count);
	n = dma_channel_transfer(dma, t->ch, buf, t->len, &tc);
	ck_assert_msg(n == t->passed, "%s: passed %zu", t->name, n);
	ck_assert_msg(tc == t->tc, "%s: terminal count %d", t->name, tc);
	if (t->last) {
		ck_assert_uint_eq(ram->host[t->first], buf[0]);
		ck_assert_msg(ram->host[t->last] == buf[n - 1], "%s: last byte", t->name);
	}
	ck_assert_uint_eq(read_pair(base + 12 * step, base + (t->ch & 3) * 2 * step),
			  t->addr_after);
	ck_assert_uint_eq(read_pair(base + 12 * step, base + ((t->ch & 3) * 2 + 1) * step),
			  t->count_after);
	/* without autoinit, terminal count masks the channel; the status shows it once */
	if (t->tc && !(t->mode & 0x10))
		ck_assert_int_eq(dma_channel_direction(dma, t->ch), DMA_IDLE);
	ck_assert_uint_eq(fake_inb(m, base + 8 * step), t->tc ? 1u << (t->ch & 3) : 0);
	ck_assert_uint_eq(fake_inb(m, base + 8 * step), 0);
	fake_free(m);
}
END_TEST

START_TEST(test_dma_from_memory)
{
	u8 buf[16] = {0};
	bool tc;

	setup();
	memcpy(ram->host + 0x34567, "hello, floppy", 13);
	program(2, 0x48, 3, 0x4567, 12);
	ck_assert_int_eq(dma_channel_direction(dma, 2), DMA_FROM_MEM);
	ck_assert_uint_eq(dma_channel_left(dma, 2), 13);
	ck_assert_uint_eq(dma_channel_transfer(dma, 2, buf, 5, &tc), 5);
	ck_assert(!tc);
	ck_assert_uint_eq(dma_channel_transfer(dma, 2, buf + 5, 11, &tc), 8);
	ck_assert(tc);
	ck_assert_mem_eq(buf, "hello, floppy", 13);
	ck_assert_uint_eq(dma_channel_transfer(dma, 2, buf, 5, &tc), 0);
	fake_free(m);
}
END_TEST

START_TEST(test_dma_control)
{
	u8 b = 0;
	bool tc;

	setup();
	ck_assert_uint_eq(fake_inb(m, 0x0f), 0xff); /* all masked after reset */
	program(2, 0x44, 0, 0, 9);
	ck_assert_int_eq(dma_channel_direction(dma, 2), DMA_TO_MEM);
	fake_outb(m, 0x08, 0x04); /* controller off */
	ck_assert_int_eq(dma_channel_direction(dma, 2), DMA_IDLE);
	fake_outb(m, 0x08, 0x00);
	fake_outb(m, 0x0f, 0x04);
	ck_assert_int_eq(dma_channel_direction(dma, 2), DMA_IDLE);
	fake_outb(m, 0x0e, 0);
	ck_assert_uint_eq(fake_inb(m, 0x0f), 0xf0);
	dma_channel_request(dma, 2, true);
	fake_outb(m, 0x09, 0x05);
	ck_assert_uint_eq(fake_inb(m, 0x08), 0x60);
	dma_channel_request(dma, 2, false);
	fake_outb(m, 0x0d, 0);
	ck_assert_uint_eq(fake_inb(m, 0x08), 0x00);
	ck_assert_uint_eq(fake_inb(m, 0x0f), 0xff);
	fake_outb(m, 0x84, 0x77); /* spare page registers store */
	ck_assert_uint_eq(fake_inb(m, 0x84), 0x77);
	/* channels that are none */
	ck_assert_uint_eq(dma_channel_transfer(dma, 4, &b, 1, &tc), 0);
	ck_assert_uint_eq(dma_channel_transfer(dma, 8, &b, 1, &tc), 0);
	ck_assert_uint_eq(dma_channel_left(dma, 99), 0);
	dma_channel_request(dma, 99, true);
	fake_free(m);
}
END_TEST

START_TEST(test_parallel)
{
	struct fake_line irq = {0};
	static struct gm_char chr;
	struct parallel_cfg cfg = {.base = 0x378, .irq = fake_irq(&irq), .chr = &chr};
	static const struct fake_step steps[] = {
		{'r', 0x379, 0xdf}, {'w', 0x378, 'P'}, {'r', 0x378, 'P'}, {'w', 0x37a, 0x0d},
		{'w', 0x37a, 0x0c}, {'r', 0x37a, 0xcc}, {'w', 0x378, 'C'}, {'w', 0x37a, 0x1d},
		{'w', 0x37a, 0x1d}, {'w', 0x37a, 0x2c}, {'r', 0x378, 0xff}, {0},
	};

	m = fake_new(1);
	memset(&chr, 0, sizeof(chr));
	fake_device(m, &parallel_class, &cfg);
	fake_steps(m, "parallel", steps);
	ck_assert_uint_eq(chr.nout, 2);
	ck_assert_mem_eq(chr.out, "PC", 2);
	ck_assert_uint_eq(irq.rises, 1);
	fake_free(m);
}
END_TEST

START_TEST(test_no_printer)
{
	struct parallel_cfg cfg = {.base = 0x278};

	m = fake_new(1);
	fake_device(m, &parallel_class, &cfg);
	ck_assert_uint_eq(fake_inb(m, 0x279), 0x7f);
	fake_outb(m, 0x27a, 0x11);
	fake_free(m);
}
END_TEST

START_TEST(test_debug_ports)
{
	static struct gm_char chr;
	struct debugcon_cfg cfg = {.chr = &chr};
	struct gm_dev *post;

	m = fake_new(1);
	memset(&chr, 0, sizeof(chr));
	fake_device(m, &debugcon_class, &cfg);
	post = fake_device(m, &port80_class, NULL);
	ck_assert_uint_eq(fake_inb(m, 0x402), 0xe9);
	ck_assert_uint_eq(fake_inb(m, 0xe9), 0xe9);
	fake_outb(m, 0x402, 'o');
	fake_outb(m, 0xe9, 'k');
	ck_assert_mem_eq(chr.out, "ok", 2);
	fake_outb(m, 0x80, 0x42);
	ck_assert_uint_eq(fake_inb(m, 0x80), 0x42);
	ck_assert_uint_eq(port80_code(post), 0x42);
	fake_free(m);
}
END_TEST

int main(void)
{
	const struct fake_test tests[] = {
		{test_dma_to_memory, ARRAY_SIZE(dma_rows)},
		{test_dma_from_memory},
		{test_dma_control},
		{test_parallel},
		{test_no_printer},
		{test_debug_ports},
	};

	return fake_run("isa", tests, ARRAY_SIZE(tests));
}

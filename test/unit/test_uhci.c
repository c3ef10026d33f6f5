// SPDX-License-Identifier: GPL-2.0-or-later
/* The USB controller and its tablet, driven as the UHCI Design Guide's chapters 2 and 3 say. */
#include "test/unit/lib/fake_machine.h"
#include "devices/usb/tablet.h"
#include "devices/usb/uhci.h"

#define IO     0xc000u
#define LIST   0x10000u
#define QH     0x20000u
#define TD     0x30000u
#define BUF    0x40000u
#define MS     1000000ULL

#define ACTIVE (1u << 23)
#define IOC    (1u << 24)
#define SPD    (1u << 29)

static struct gm_machine *m;
static struct gm_pci_bus *bus;
static struct gm_tablet_sink sink;
static int level;

static int route(void *opaque, u8 fn, int pin)
{
	return pin;
}

static void set_irq(void *opaque, int line, int l)
{
	ck_assert_int_eq(line, 3);
	level = l;
}

static void reg(unsigned int off, u16 val)
{
	gm_bus_write(m->pio, IO + off, 2, val);
}

static u16 get(unsigned int off)
{
	return (u16)gm_bus_read(m->pio, IO + off, 2);
}

static void put(u32 at, u32 val)
{
	memcpy(m->ram->host + at, &val, 4);
}

static u32 mem(u32 at)
{
	u32 val;

	memcpy(&val, m->ram->host + at, 4);
	return val;
}

static void setup(void)
{
	struct gm_pci_bus_ops ops = {.route = route, .set_irq = set_irq};
	struct gm_uhci_cfg cfg = {.pci = {.devfn = GM_PCI_DEVFN(1, 2)}};
	struct gm_dev *d;
	unsigned int i;

	m = fake_new(1);
	m->clock->now = 5000 * MS;
	m->ram = gm_ram_new(m->mem, "ram", 4 * MiB, 0);
	gm_ram_map(m->mem, m->ram, 0, 0, 4 * MiB, GM_PRIO_RAM, false);
	bus = gm_pci_bus_new(m);
	gm_pci_bus_set_ops(bus, &ops);
	level = 0;
	cfg.pci.bus = bus;
	d = fake_device(m, &gm_uhci_class.dev, &cfg);
	sink = gm_uhci_tablet(d);
	gm_pci_config_write(bus, 0x0a20, 4, IO);
	gm_pci_config_write(bus, 0x0a04, 2, 5);
	for (i = 0; i < 1024; i++)
		put(LIST + 4 * i, QH | 2);
	put(QH, 1);
	put(QH + 4, 1);
	reg(8, (u16)LIST);
	reg(10, LIST >> 16);
	reg(4, 0xf);
}

static void finish(void)
{
	fake_free(m);
	gm_pci_bus_free(bus);
}

/* Resets and enables port 1, starts the controller. */
static void start(void)
{
	reg(0x10, 0x200);
	fake_advance(m, 10 * MS);
	reg(0x10, 0);
	reg(0x10, 0x0e);
	reg(0, 0x41);
}

static void td(unsigned int n, u32 link, u32 ctrl, u8 pid, unsigned int addr, unsigned int ep,
	       unsigned int len)
{
	u32 at = TD + 16 * n;

	put(at, link);
	put(at + 4, ctrl);
	put(at + 8, (((u32)len - 1) & 0x7ff) << 21 | ep << 15 | addr << 8 | pid);
	put(at + 12, BUF + 0x100 * n);
}

static u32 td_ctrl(unsigned int n)
{
	return mem(TD + 16 * n + 4);
}

/* A control request: SETUP, data IN, status OUT (or status IN without data). */
static unsigned int control(unsigned int addr, const u8 req[8], u8 *data, unsigned int len)
{
	unsigned int n = 1, left, got = 0, i;

	memcpy(m->ram->host + BUF, req, 8);
	td(0, (TD + 16) | 4, ACTIVE, 0x2d, addr, 0, 8);
	for (left = len; left; left -= MIN(left, 8u), n++)
		td(n, (TD + 16 * (n + 1)) | 4, ACTIVE, 0x69, addr, 0, MIN(left, 8u));
	td(n, 1, ACTIVE | IOC, len ? 0xe1 : 0x69, addr, 0, 0);
	put(QH + 4, TD);
	fake_advance(m, 30 * MS);
	for (i = 1; i < n && !(td_ctrl(i) & ACTIVE); i++) {
		unsigned int part = (td_ctrl(i) + 1) & 0x7ff;

		memcpy(data + got, m->ram->host + BUF + 0x100 * i, part);
		got += part;
	}
	return got;
}

static const struct {
	const char *name;
	u8 req[8];
	unsigned int want; /* bytes */
	u8 first, last;
} requests[] = {
	{"device descriptor", {0x80, 6, 0, 1, 0, 0, 18, 0}, 18, 18, 1},
	{"its first eight bytes", {0x80, 6, 0, 1, 0, 0, 8, 0}, 8, 18, 8},
	{"configuration", {0x80, 6, 0, 2, 0, 0, 34, 0}, 34, 9, 8},
	{"language", {0x80, 6, 0, 3, 0, 0, 4, 0}, 4, 4, 4},
	{"product string", {0x80, 6, 2, 3, 9, 4, 22, 0}, 22, 22, 0},
	{"HID descriptor", {0x81, 6, 0, 0x21, 0, 0, 9, 0}, 9, 9, 0},
	{"report descriptor", {0x81, 6, 0, 0x22, 0, 0, 72, 0}, 72, 5, 0xc0},
	{"status", {0x80, 0, 0, 0, 0, 0, 2, 0}, 2, 0, 0},
	{"configuration number", {0x80, 8, 0, 0, 0, 0, 1, 0}, 1, 0, 0},
	{"report", {0xa1, 1, 0, 1, 0, 0, 6, 0}, 6, 0, 0},
};

START_TEST(test_requests)
{
	u8 data[256] = {0};
	unsigned int got;

	setup();
	start();
	got = control(0, requests[_i].req, data, requests[_i].req[6]);
	ck_assert_msg(got == requests[_i].want, "%s: %u bytes", requests[_i].name, got);
	ck_assert_msg(data[0] == requests[_i].first && data[got - 1] == requests[_i].last,
		      "%s: %02x ... %02x", requests[_i].name, data[0], data[got - 1]);
	ck_assert_uint_eq(get(2) & 1, 1);
	ck_assert_int_eq(level, 1);
	reg(2, 1);
	ck_assert_int_eq(level, 0);
	finish();
}
END_TEST

static const u8 refused[][8] = {
	{0x80, 6, 0, 9, 0, 0, 8, 0}, {0x80, 6, 9, 3, 0, 0, 8, 0}, {0x80, 99, 0, 0, 0, 0, 8, 0},
	{0xc0, 1, 0, 0, 0, 0, 8, 0}, {0x81, 6, 0, 0x23, 0, 0, 8, 0}, {0x80, 6, 1, 2, 0, 0, 8, 0},
};

START_TEST(test_refused)
{
	u8 data[8];

	setup();
	start();
	ck_assert_uint_eq(control(0, refused[_i], data, 8), 0);
	ck_assert_uint_eq(td_ctrl(0) & ACTIVE, 0);
	ck_assert_uint_eq(td_ctrl(1) & (ACTIVE | 1u << 22), 1u << 22);
	ck_assert_uint_eq(get(2) & 2, 2);
	finish();
}
END_TEST

static void configure(void)
{
	static const u8 address[8] = {0, 5, 7}, config[8] = {0, 9, 1};

	start();
	control(0, address, NULL, 0);
	ck_assert_uint_eq(td_ctrl(1) & ACTIVE, 0);
	control(7, config, NULL, 0);
	ck_assert_uint_eq(td_ctrl(1) & ACTIVE, 0);
	reg(2, 0x1f);
}

START_TEST(test_reports)
{
	static const u8 want[6] = {1, 0x34, 0x12, 0x78, 0x56, 0xff};
	const u8 *buf;

	setup();
	configure();
	ck_assert(!sink.active(sink.opaque));
	td(0, 1, ACTIVE | IOC | SPD, 0x69, 7, 1, 8);
	put(QH + 4, TD);
	fake_advance(m, 50 * MS);
	ck_assert_uint_eq(td_ctrl(0) & (ACTIVE | 1u << 19), ACTIVE | 1u << 19);
	ck_assert(sink.active(sink.opaque));
	buf = m->ram->host + BUF;
	sink.move(sink.opaque, 0x1234, 0x5678, 1, 1);
	fake_advance(m, 2 * MS);
	ck_assert_uint_eq(td_ctrl(0) & (ACTIVE | 0x7ff), 5);
	ck_assert_int_eq(memcmp(buf, want, 6), 0);
	ck_assert_uint_eq(get(2) & 1, 1);
	ck_assert_uint_eq(mem(QH + 4), TD); /* a short packet stops the queue */
	fake_advance(m, 2000 * MS);
	ck_assert(!sink.active(sink.opaque));
	finish();
}
END_TEST

/* Clicks are kept in order, positions without a click give way to newer ones. */
START_TEST(test_queue)
{
	struct usb_tablet t = {0};
	u8 buf[8];
	int i;

	usb_tablet_reset(&t);
	t.configuration = 1;
	for (i = 0; i < 5; i++)
		usb_tablet_move(&t, (unsigned int)i, 0, 0, 0);
	usb_tablet_move(&t, 9, 0, 0, 1);
	usb_tablet_move(&t, 9, 0, 0, 0);
	usb_tablet_move(&t, 0xfffff, 0xfffff, 1000, 0);
	ck_assert_int_eq(usb_tablet_in(&t, 1, buf, 8, 1), 6);
	ck_assert_uint_eq(buf[1], 4);
	usb_tablet_in(&t, 1, buf, 8, 1);
	ck_assert_uint_eq(buf[0], 1);
	usb_tablet_in(&t, 1, buf, 8, 1);
	ck_assert_uint_eq(buf[0], 0);
	ck_assert_int_eq(usb_tablet_in(&t, 1, buf, 4, 1), 4);
	ck_assert_uint_eq(buf[2] << 8 | buf[1], 0x7fff);
	ck_assert_int_eq(usb_tablet_in(&t, 1, buf, 8, 1), USB_NAK);
	for (i = 0; i < 100; i++)
		usb_tablet_move(&t, 1, 1, 0, (unsigned int)i & 1);
	ck_assert(usb_tablet_valid(&t));
	for (i = 0; usb_tablet_in(&t, 1, buf, 8, 1) > 0; i++)
		;
	ck_assert_int_eq(i, TABLET_QUEUE);
	ck_assert_uint_eq(buf[0], 1); /* the last state */
}
END_TEST

START_TEST(test_nobody_there)
{
	static const u8 req[8] = {0x80, 6, 0, 1, 0, 0, 8, 0};
	u8 data[8];

	setup();
	start();
	ck_assert_uint_eq(control(5, req, data, 8), 0); /* no such address */
	ck_assert_uint_eq(td_ctrl(0) & (ACTIVE | 1u << 18), 1u << 18);
	reg(0x10, 0); /* port disabled */
	ck_assert_uint_eq(control(0, req, data, 8), 0);
	ck_assert_uint_eq(td_ctrl(0) & ACTIVE, 0);
	finish();
}
END_TEST

START_TEST(test_registers)
{
	setup();
	ck_assert_uint_eq(get(2), 0x20);
	ck_assert_uint_eq(get(0x0c) & 0xff, 64);
	ck_assert_uint_eq(get(0x10), 0x93);      /* something is connected */
	ck_assert_uint_eq(get(0x12), 0x80);
	ck_assert_uint_eq(get(0x14) & 0x80, 0);  /* there is no third port */
	reg(0x10, 2);
	ck_assert_uint_eq(get(0x10), 0x91);
	reg(6, 0x7ff);
	ck_assert_uint_eq(get(6), 0x7ff);
	reg(0, 1);
	ck_assert_uint_eq(get(2) & 0x20, 0);
	fake_advance(m, 3 * MS);
	ck_assert_uint_eq(get(6), 2);
	fake_stall(m, 100000 * MS); /* a host that slept */
	ck_assert_uint_eq(get(6), (2 + 100000) & 0x7ff);
	reg(0, 0);
	ck_assert_uint_eq(get(2) & 0x20, 0x20);
	ck_assert_ptr_null(m->clock->timers);
	reg(0, 2);
	ck_assert_uint_eq(get(0) | get(4), 0);
	finish();
}
END_TEST

/* Circles of queues and of transfers, lists and buffers outside of memory. */
static const struct {
	const char *name;
	u32 frame, qh, element, td_link;
} hostile[] = {
	{"a queue beside itself", QH | 2, QH | 2, 1, 1},
	{"a queue whose element is itself", QH | 2, 1, QH | 2, 1},
	{"a transfer after itself", TD, 1, 1, TD | 4},
	{"a queue's transfer after itself", QH | 2, QH | 2, TD, TD | 4},
	{"outside of memory", 0xfffffff2, 0xfffffff2, 0xfffffff0, 0xfffffff4},
	{"registers", 0xfee00002, 1, 0xfec00000, 1},
};

START_TEST(test_hostile)
{
	unsigned int i;

	setup();
	configure();
	for (i = 0; i < 1024; i++)
		put(LIST + 4 * i, hostile[_i].frame);
	td(0, hostile[_i].td_link, ACTIVE | IOC, 0xe1, 7, 0, 1280);
	put(TD + 12, 0xffffffff);
	put(QH, hostile[_i].qh);
	put(QH + 4, hostile[_i].element);
	fake_advance(m, 200 * MS);
	ck_assert_uint_eq(get(2) & 0x20, 0);
	finish();
}
END_TEST

/* Slower when there is nothing to do: what it costs is counted in timers. */
START_TEST(test_rest)
{
	u64 start_at;
	int n = 0;

	setup();
	configure();
	put(QH + 4, 1);
	fake_advance(m, 200 * MS);
	start_at = m->clock->now;
	while (m->clock->now < start_at + 1000 * MS && m->clock->timers) {
		fake_advance(m, m->clock->timers->expires - m->clock->now);
		n++;
	}
	ck_assert_int_le(n, 51);
	ck_assert_int_ge(n, 45);
	finish();
}
END_TEST

int main(void)
{
	const struct fake_test tests[] = {
		{test_requests, ARRAY_SIZE(requests)}, {test_refused, ARRAY_SIZE(refused)},
		{test_reports, 0}, {test_queue, 0}, {test_nobody_there, 0}, {test_registers, 0},
		{test_hostile, ARRAY_SIZE(hostile)}, {test_rest, 0},
	};

	return fake_run("uhci", tests, ARRAY_SIZE(tests));
}

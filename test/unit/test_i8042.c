// SPDX-License-Identifier: GPL-2.0-or-later
/* Keyboard controller, keyboard, mouse, A20 and reset. */
#include <linux/input-event-codes.h>

#include "test/unit/lib/fake_machine.h"
#include "devices/isa/i8042.h"

static struct fake_line irq1, irq12;
static struct gm_machine *m;
static struct gm_dev *kbc;
static struct gm_input_sink sink;
static int a20;

static void on_a20(void *opaque, bool on)
{
	a20 = on;
}

static void setup(void)
{
	struct i8042_cfg cfg = {.irq_kbd = fake_irq(&irq1), .irq_mouse = fake_irq(&irq12),
				.a20 = on_a20};

	irq1 = irq12 = (struct fake_line){0};
	a20 = -1;
	m = fake_new(1);
	m->clock->now = 1000;
	kbc = fake_device(m, &i8042_class, &cfg);
	sink = i8042_input_sink(kbc);
	fake_outb(m, 0x64, 0x60);
	fake_outb(m, 0x60, 0x47); /* both ports and interrupts on, translation */
}

static void cmd(u8 c)
{
	fake_outb(m, 0x64, c);
}

static void data(u8 d)
{
	fake_outb(m, 0x60, d);
}

/* Reads what comes, waiting up to 10 ms; -1 for nothing, 0x100 set for the mouse. */
static int get(void)
{
	u8 st;

	for (int i = 0; i < 100; i++) {
		st = fake_inb(m, 0x64);
		if (st & 1)
			return fake_inb(m, 0x60) | (st & 0x20 ? 0x100 : 0);
		fake_advance(m, 100000);
	}
	return -1;
}

static void expect(const char *name, const int *want, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int got = get();

		ck_assert_msg(got == want[i], "%s: byte %zu: %#x, wanted %#x", name, i, got, want[i]);
	}
	ck_assert_msg(get() == -1, "%s: more than %zu bytes", name, n);
}

#define EXPECT(name, ...)                                                                          \
	do {                                                                                       \
		const int want_[] = {__VA_ARGS__};                                                 \
		expect(name, want_, ARRAY_SIZE(want_));                                            \
	} while (0)

/* ---- controller ---- */

struct kbc_row {
	const char *name;
	int command, data; /* data -1: none */
	int answer;        /* -1: none */
};

static const struct kbc_row kbc_rows[] = {
	{"read command byte", 0x20, -1, 0x47},
	{"self-test", 0xaa, -1, 0x55},
	{"keyboard line test", 0xab, -1, 0x00},
	{"mouse line test", 0xa9, -1, 0x00},
	{"password", 0xa4, -1, 0xf1},
	{"input port", 0xc0, -1, 0x80},
	{"output port", 0xd0, -1, 0xc3},
	{"keyboard loop", 0xd2, 0x5a, 0x5a},
	{"mouse loop", 0xd3, 0xa5, 0x1a5},
	{"mouse identity goes through", 0xd4, 0xf2, 0x1fa},
	{"unknown", 0xb0, -1, -1},
};

START_TEST(test_controller)
{
	const struct kbc_row *t = &kbc_rows[_i];

	setup();
	cmd(t->command);
	ck_assert_uint_eq(fake_inb(m, 0x64) & 0x1c, 0x1c);
	if (t->data >= 0)
		data(t->data);
	ck_assert_msg(get() == t->answer, "%s", t->name);
	fake_free(m);
}
END_TEST

START_TEST(test_command_byte)
{
	setup();
	cmd(0xa7);
	cmd(0x20);
	EXPECT("aux off", 0x67);
	cmd(0xad);
	cmd(0x20);
	EXPECT("both off", 0x77);
	cmd(0xa8);
	cmd(0xae);
	cmd(0x20);
	EXPECT("both on", 0x47);
	cmd(0x65);
	data(0x99);
	cmd(0x25);
	EXPECT("controller memory", 0x99);
	/* keys wait while the line is off */
	cmd(0xad);
	sink.key(sink.opaque, KEY_A, true);
	ck_assert_int_eq(get(), -1);
	cmd(0xae);
	EXPECT("later", 0x1e);
	/* and a byte to the keyboard switches it on */
	cmd(0xad);
	data(0xee);
	EXPECT("echo", 0xee);
	fake_free(m);
}
END_TEST

START_TEST(test_interrupts)
{
	setup();
	sink.key(sink.opaque, KEY_A, true);
	ck_assert_int_eq(irq1.level, 1);
	ck_assert_int_eq(irq12.level, 0);
	sink.key(sink.opaque, KEY_A, false);
	ck_assert_uint_eq(fake_inb(m, 0x60), 0x1e);
	ck_assert_int_eq(irq1.level, 0);
	ck_assert_uint_eq(fake_inb(m, 0x60), 0x1e); /* read twice: the same byte */
	fake_advance(m, 1000000);
	ck_assert_int_eq(irq1.level, 1);
	ck_assert_uint_eq(irq1.rises, 2);
	ck_assert_uint_eq(fake_inb(m, 0x60), 0x9e);
	cmd(0xd3);
	data(1);
	ck_assert_int_eq(irq12.level, 1);
	fake_inb(m, 0x60);
	ck_assert_int_eq(irq12.level, 0);
	cmd(0x60);
	data(0x44);
	sink.key(sink.opaque, KEY_A, true);
	fake_advance(m, 1000000);
	ck_assert_int_eq(irq1.level, 0);
	fake_free(m);
}
END_TEST

START_TEST(test_a20_and_reset)
{
	setup();
	ck_assert_int_eq(a20, 1);
	cmd(0xdd);
	ck_assert_int_eq(a20, 0);
	ck_assert_uint_eq(fake_inb(m, 0x92), 0);
	cmd(0xdf);
	ck_assert_int_eq(a20, 1);
	cmd(0xd1);
	data(0xdd);
	ck_assert_int_eq(a20, 0);
	cmd(0xd0);
	EXPECT("output port", 0xc1);
	fake_outb(m, 0x92, 2);
	ck_assert_int_eq(a20, 1);
	ck_assert_uint_eq(fake_inb(m, 0x92), 2);
	ck_assert_uint_eq(fake_resets, 0);
	cmd(0xfe);
	ck_assert_uint_eq(fake_resets, 1);
	cmd(0xff);
	ck_assert_uint_eq(fake_resets, 1);
	fake_outb(m, 0x92, 3);
	ck_assert_uint_eq(fake_resets, 2);
	fake_outb(m, 0x92, 3);
	ck_assert_uint_eq(fake_resets, 2);
	cmd(0xd1);
	data(0xfe);
	ck_assert_uint_eq(fake_resets, 3);
	fake_free(m);
}
END_TEST

/* ---- keyboard ---- */

struct key_row {
	const char *name;
	unsigned int key;
	int set;         /* 0: set 2 with translation */
	unsigned int hold; /* held meanwhile */
	int make[9], brk[9]; /* end with 0 */
};

static const struct key_row key_rows[] = {
	{"A translated", KEY_A, 0, 0, {0x1e}, {0x9e}},
	{"A set 1", KEY_A, 1, 0, {0x1e}, {0x9e}},
	{"A set 2", KEY_A, 2, 0, {0x1c}, {0xf0, 0x1c}},
	{"A set 3", KEY_A, 3, 0, {0x1c}, {0xf0, 0x1c}},
	{"Escape set 2", KEY_ESC, 2, 0, {0x76}, {0xf0, 0x76}},
	{"Escape set 3", KEY_ESC, 3, 0, {0x08}, {0xf0, 0x08}},
	{"F7 set 2", KEY_F7, 2, 0, {0x83}, {0xf0, 0x83}},
	{"F7 translated", KEY_F7, 0, 0, {0x41}, {0xc1}},
	{"F12 translated", KEY_F12, 0, 0, {0x58}, {0xd8}},
	{"102nd set 2", KEY_102ND, 2, 0, {0x61}, {0xf0, 0x61}},
	{"up translated", KEY_UP, 0, 0, {0xe0, 0x48}, {0xe0, 0xc8}},
	{"up set 2", KEY_UP, 2, 0, {0xe0, 0x75}, {0xe0, 0xf0, 0x75}},
	{"up set 3", KEY_UP, 3, 0, {0x63}, {0xf0, 0x63}},
	{"right ctrl set 2", KEY_RIGHTCTRL, 2, 0, {0xe0, 0x14}, {0xe0, 0xf0, 0x14}},
	{"keypad enter set 3", KEY_KPENTER, 3, 0, {0x79}, {0xf0, 0x79}},
	{"left GUI translated", KEY_LEFTMETA, 0, 0, {0xe0, 0x5b}, {0xe0, 0xdb}},
	{"print screen translated", KEY_SYSRQ, 0, 0, {0xe0, 0x2a, 0xe0, 0x37},
	 {0xe0, 0xb7, 0xe0, 0xaa}},
	{"print screen set 2", KEY_SYSRQ, 2, 0, {0xe0, 0x12, 0xe0, 0x7c},
	 {0xe0, 0xf0, 0x7c, 0xe0, 0xf0, 0x12}},
	{"print screen set 3", KEY_SYSRQ, 3, 0, {0x57}, {0xf0, 0x57}},
	{"alt + print screen", KEY_SYSRQ, 0, KEY_LEFTALT, {0x54}, {0xd4}},
	{"ctrl + print screen", KEY_SYSRQ, 0, KEY_LEFTCTRL, {0xe0, 0x37}, {0xe0, 0xb7}},
	{"pause translated", KEY_PAUSE, 0, 0, {0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5}, {0}},
	{"pause set 2", KEY_PAUSE, 2, 0, {0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77}, {0}},
	{"ctrl + pause", KEY_PAUSE, 0, KEY_LEFTCTRL, {0xe0, 0x46, 0xe0, 0xc6}, {0}},
	{"no such key", 240, 0, 0, {0}, {0}},
};

static size_t length(const int *v)
{
	size_t n = 0;

	while (n < 9 && v[n])
		n++;
	return n;
}

START_TEST(test_keys)
{
	const struct key_row *t = &key_rows[_i];

	setup();
	if (t->set) {
		cmd(0x60);
		data(0x07);
		data(0xf0);
		data(t->set);
		EXPECT("set", 0xfa, 0xfa);
		data(0xfa);
		EXPECT("all keys with breaks", 0xfa);
	}
	if (t->hold) {
		sink.key(sink.opaque, t->hold, true);
		while (get() >= 0)
			;
	}
	sink.key(sink.opaque, t->key, true);
	expect(t->name, t->make, length(t->make));
	sink.key(sink.opaque, t->key, false);
	expect(t->name, t->brk, length(t->brk));
	fake_free(m);
}
END_TEST

START_TEST(test_keyboard_commands)
{
	setup();
	data(0xf2);
	EXPECT("identify, translated", 0xfa, 0xab, 0x41);
	cmd(0x60);
	data(0x03);
	data(0xf2);
	EXPECT("identify", 0xfa, 0xab, 0x83);
	data(0xfe);
	EXPECT("resend", 0x83);
	data(0xff);
	EXPECT("reset", 0xfa, 0xaa);
	data(0xed);
	EXPECT("LEDs", 0xfa);
	data(0x05);
	EXPECT("LEDs", 0xfa);
	ck_assert_uint_eq(i8042_leds(kbc), 5);
	data(0xed);
	data(0xf4); /* a command in place of the argument */
	EXPECT("LEDs given up", 0xfa, 0xfa);
	ck_assert_uint_eq(i8042_leds(kbc), 5);
	data(0xf0);
	data(0x00);
	EXPECT("which set", 0xfa, 0xfa, 0x02);
	data(0xf0);
	data(0x04);
	EXPECT("no such set", 0xfa, 0xfe);
	data(0xf3);
	data(0x20);
	EXPECT("typematic", 0xfa, 0xfa);
	data(0x12);
	EXPECT("no such command", 0xfe);
	data(0xf5);
	EXPECT("disable", 0xfa);
	sink.key(sink.opaque, KEY_A, true);
	ck_assert_int_eq(get(), -1);
	data(0xf4);
	EXPECT("enable", 0xfa);
	sink.key(sink.opaque, KEY_A, true);
	EXPECT("key", 0x1c);
	fake_free(m);
}
END_TEST

START_TEST(test_overrun)
{
	int n = 0, last = 0, v;

	setup();
	cmd(0x60);
	data(0x03);
	for (int i = 0; i < 40; i++)
		sink.key(sink.opaque, KEY_A, true);
	while ((v = get()) >= 0) {
		last = v;
		n++;
	}
	ck_assert_int_le(n, 18);
	ck_assert_int_ge(n, 16);
	ck_assert_int_eq(last, 0);
	sink.key(sink.opaque, KEY_B, true);
	EXPECT("goes on", 0x32);
	fake_free(m);
}
END_TEST

/* ---- mouse ---- */

static void mouse(u8 d)
{
	cmd(0xd4);
	data(d);
}

static void move(int dx, int dy, int dz, unsigned int buttons)
{
	sink.pointer(sink.opaque, dx, dy, dz, buttons);
}

START_TEST(test_mouse_commands)
{
	setup();
	mouse(0xff);
	EXPECT("reset", 0x1fa, 0x1aa, 0x100);
	mouse(0xe9);
	EXPECT("status", 0x1fa, 0x100, 0x102, 0x164);
	mouse(0xe7);
	mouse(0xe8);
	mouse(0x03);
	mouse(0xf3);
	mouse(0x28);
	mouse(0xf4);
	EXPECT("settings", 0x1fa, 0x1fa, 0x1fa, 0x1fa, 0x1fa, 0x1fa);
	mouse(0xe9);
	EXPECT("status", 0x1fa, 0x130, 0x103, 0x128);
	mouse(0xe8);
	mouse(0x04);
	EXPECT("no such resolution", 0x1fa, 0x1fe);
	mouse(0xe1);
	EXPECT("no such command", 0x1fe);
	mouse(0xee);
	mouse(0x55);
	mouse(0xec);
	EXPECT("wrap", 0x1fa, 0x155, 0x1fa);
	mouse(0xf6);
	mouse(0xe9);
	EXPECT("defaults", 0x1fa, 0x1fa, 0x100, 0x102, 0x164);
	fake_free(m);
}
END_TEST

START_TEST(test_mouse_packets)
{
	setup();
	move(5, 5, 0, 1);
	ck_assert_int_eq(get(), -1); /* not enabled */
	mouse(0xf4);
	EXPECT("enable", 0x1fa);
	move(0, 0, 0, 0);
	EXPECT("left released", 0x108, 0x100, 0x100);
	move(10, -20, 0, 0);
	EXPECT("right and up", 0x108, 0x10a, 0x114);
	move(-1, 1, 0, 2);
	EXPECT("left and down, right button", 0x13a, 0x1ff, 0x1ff);
	move(300, 0, 5, 0);
	EXPECT("far: in two packets; no wheel", 0x108, 0x1ff, 0x100, 0x108, 0x12d, 0x100);
	/* a click between two packets is not lost */
	move(1, 0, 0, 0);
	ck_assert_int_eq(get(), 0x108);
	move(0, 0, 0, 1);
	move(0, 0, 0, 0);
	EXPECT("click", 0x101, 0x100, 0x109, 0x100, 0x100, 0x108, 0x100, 0x100);
	mouse(0xf0);
	EXPECT("remote mode", 0x1fa);
	move(3, 0, 0, 0);
	ck_assert_int_eq(get(), -1);
	mouse(0xeb);
	EXPECT("read data", 0x1fa, 0x108, 0x103, 0x100);
	mouse(0xfe);
	EXPECT("resend", 0x108, 0x103, 0x100);
	fake_free(m);
}
END_TEST

START_TEST(test_mouse_wheel)
{
	static const u8 knock[2][3] = {{200, 100, 80}, {200, 200, 80}};

	setup();
	mouse(0xf2);
	EXPECT("standard", 0x1fa, 0x100);
	for (int k = 0; k < 2; k++) {
		for (int i = 0; i < 3; i++) {
			mouse(0xf3);
			mouse(knock[k][i]);
			EXPECT("rate", 0x1fa, 0x1fa);
		}
		mouse(0xf2);
		EXPECT("identity", 0x1fa, 0x103 + k);
		mouse(0xf4);
		EXPECT("enable", 0x1fa);
		move(0, 0, -1, 0);
		if (k == 0)
			EXPECT("wheel up", 0x108, 0x100, 0x100, 0x1ff);
		else
			EXPECT("wheel up", 0x108, 0x100, 0x100, 0x10f);
		mouse(0xf5);
		EXPECT("disable", 0x1fa);
	}
	mouse(0xf4);
	EXPECT("enable", 0x1fa);
	move(0, 0, 0, 0x18);
	EXPECT("buttons 4 and 5", 0x108, 0x100, 0x100, 0x130);
	mouse(0xff);
	EXPECT("reset", 0x1fa, 0x1aa, 0x100);
	mouse(0xf2);
	EXPECT("standard again", 0x1fa, 0x100);
	fake_free(m);
}
END_TEST

START_TEST(test_mouse_rate)
{
	unsigned int bytes = 0;

	setup();
	mouse(0xf3);
	mouse(20);
	mouse(0xf4);
	EXPECT("rate 20", 0x1fa, 0x1fa, 0x1fa);
	for (int i = 0; i < 1000; i++) {
		move(1, 0, 0, 0);
		fake_advance(m, 1000000);
		while (fake_inb(m, 0x64) & 1) {
			fake_inb(m, 0x60);
			bytes++;
			fake_advance(m, 250000);
		}
	}
	ck_assert_uint_ge(bytes, 20 * 3);
	ck_assert_uint_le(bytes, 24 * 3);
	fake_free(m);
}
END_TEST

START_TEST(test_hostile)
{
	u32 x = 7;

	setup();
	for (int i = 0; i < 200000; i++) {
		x = x * 1664525 + 1013904223;
		switch (x >> 29) {
		case 0: cmd(x >> 8); break;
		case 1: data(x >> 8); break;
		case 2: fake_inb(m, 0x60); break;
		case 3: sink.key(sink.opaque, x >> 8 & 0x3ff, x >> 20 & 1); break;
		case 4: move((s32)(x << 3), (s32)(x << 7), (s32)(x << 9), x >> 8); break;
		case 5: fake_advance(m, x & 0xfffff); break;
		case 6: mouse(x >> 8); break;
		default: fake_inb(m, 0x64);
		}
	}
	fake_free(m);
}
END_TEST

int main(void)
{
	const struct fake_test tests[] = {
		{test_controller, ARRAY_SIZE(kbc_rows)},
		{test_command_byte},
		{test_interrupts},
		{test_a20_and_reset},
		{test_keys, ARRAY_SIZE(key_rows)},
		{test_keyboard_commands},
		{test_overrun},
		{test_mouse_commands},
		{test_mouse_packets},
		{test_mouse_wheel},
		{test_mouse_rate},
		{test_hostile},
	};

	return fake_run("i8042", tests, ARRAY_SIZE(tests));
}

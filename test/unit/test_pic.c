// SPDX-License-Identifier: GPL-2.0-or-later
/* The two 8259A: initialization, priorities, end of interrupt, cascade, level and edge. */
#include "test/unit/lib/fake_machine.h"
#include "devices/isa/i8259.h"

static struct fake_line intr;
static struct gm_machine *m;
static struct gm_dev *pic;

/* The usual PC initialization: vectors 08h and 70h, all lines open. */
static const struct fake_step pc_init[] = {
	{'w', 0x20, 0x11}, {'w', 0x21, 0x08}, {'w', 0x21, 0x04}, {'w', 0x21, 0x01},
	{'w', 0xa0, 0x11}, {'w', 0xa1, 0x70}, {'w', 0xa1, 0x02}, {'w', 0xa1, 0x01},
	{'w', 0x21, 0x00}, {'w', 0xa1, 0x00}, {0},
};

static void setup(void)
{
	struct i8259_cfg cfg = {.intr = fake_irq(&intr)};

	intr = (struct fake_line){0};
	m = fake_new(1);
	pic = fake_device(m, &i8259_class, &cfg);
	fake_steps(m, "init", pc_init);
}

/* One step: 'u' line up, 'd' line down, 'a' acknowledge gives val, 'i' INTR level is val,
 * 'w' and 'r' as in fake_steps with arg the port. */
struct step {
	char op;
	u16 arg;
	u8 val;
};

struct scenario {
	const char *name;
	struct step step[32];
};

static const struct scenario scenarios[] = {
	{"vector and in-service bit",
	 {{'u', 0}, {'i', 0, 1}, {'r', 0x20, 0x01}, {'a', 0, 0x08}, {'i', 0, 0}, {'w', 0x20, 0x0b},
	  {'r', 0x20, 0x01}, {'w', 0x20, 0x20}, {'r', 0x20, 0x00}}},
	{"edge: a line that stays up requests once",
	 {{'u', 1}, {'a', 0, 0x09}, {'w', 0x20, 0x20}, {'i', 0, 0}, {'d', 1}, {'u', 1}, {'i', 0, 1}}},
	{"higher priority interrupts lower, not the other way",
	 {{'u', 3}, {'a', 0, 0x0b}, {'u', 5}, {'i', 0, 0}, {'u', 1}, {'i', 0, 1}, {'a', 0, 0x09},
	  {'w', 0x20, 0x20}, {'i', 0, 0}, {'w', 0x20, 0x20}, {'i', 0, 1}, {'a', 0, 0x0d}}},
	{"mask",
	 {{'w', 0x21, 0x02}, {'u', 1}, {'i', 0, 0}, {'r', 0x21, 0x02}, {'w', 0x21, 0x00}, {'i', 0, 1},
	  {'a', 0, 0x09}}},
	{"slave through the cascade; both need an EOI",
	 {{'u', 9}, {'i', 0, 1}, {'a', 0, 0x71}, {'w', 0xa0, 0x0b}, {'r', 0xa0, 0x02}, {'w', 0x20, 0x0b},
	  {'r', 0x20, 0x04}, {'u', 12}, {'i', 0, 0}, {'w', 0xa0, 0x20}, {'i', 0, 0}, {'w', 0x20, 0x20},
	  {'i', 0, 1}, {'a', 0, 0x74}}},
	{"spurious interrupt 7",
	 {{'a', 0, 0x0f}, {'w', 0x20, 0x0b}, {'r', 0x20, 0x00}}},
	{"a slave's request that is withdrawn gives the master's spurious vector",
	 {{'w', 0x4d1, 0x02}, {'u', 9}, {'d', 9}, {'i', 0, 0}, {'a', 0, 0x0f}}},
	{"specific EOI",
	 {{'u', 4}, {'a', 0, 0x0c}, {'u', 3}, {'a', 0, 0x0b}, {'w', 0x20, 0x64}, {'w', 0x20, 0x0b},
	  {'r', 0x20, 0x08}, {'w', 0x20, 0x63}, {'r', 0x20, 0x00}}},
	{"automatic EOI",
	 {{'w', 0x20, 0x11}, {'w', 0x21, 0x08}, {'w', 0x21, 0x04}, {'w', 0x21, 0x03}, {'u', 6},
	  {'a', 0, 0x0e}, {'w', 0x20, 0x0b}, {'r', 0x20, 0x00}, {'d', 6}, {'u', 6}, {'i', 0, 1}}},
	{"rotation on automatic EOI",
	 {{'w', 0x20, 0x11}, {'w', 0x21, 0x08}, {'w', 0x21, 0x04}, {'w', 0x21, 0x03}, {'w', 0x20, 0x80},
	  {'u', 0}, {'a', 0, 0x08}, {'d', 0}, {'u', 0}, {'u', 1}, {'a', 0, 0x09}, {'a', 0, 0x08}}},
	{"rotation on non-specific EOI",
	 {{'u', 0}, {'a', 0, 0x08}, {'w', 0x20, 0xa0}, {'d', 0}, {'u', 0}, {'u', 7}, {'a', 0, 0x0f}}},
	{"set priority: 3 lowest, 4 highest",
	 {{'w', 0x20, 0xc3}, {'u', 0}, {'u', 3}, {'u', 4}, {'a', 0, 0x0c}, {'w', 0x20, 0x20},
	  {'a', 0, 0x08}, {'w', 0x20, 0x20}, {'a', 0, 0x0b}}},
	{"special mask mode lets lower priorities in",
	 {{'u', 3}, {'a', 0, 0x0b}, {'w', 0x21, 0x08}, {'u', 6}, {'i', 0, 0}, {'w', 0x20, 0x68},
	  {'i', 0, 1}, {'a', 0, 0x0e}, {'w', 0x20, 0x20}, {'w', 0x20, 0x0b}, {'r', 0x20, 0x08},
	  {'w', 0x20, 0x48}, {'w', 0x20, 0x20}, {'r', 0x20, 0x00}}},
	{"special fully nested mode: the slave interrupts itself",
	 {{'w', 0x20, 0x11}, {'w', 0x21, 0x08}, {'w', 0x21, 0x04}, {'w', 0x21, 0x11}, {'u', 12},
	  {'a', 0, 0x74}, {'u', 8}, {'i', 0, 1}, {'a', 0, 0x70}}},
	{"poll",
	 {{'w', 0x21, 0x00}, {'w', 0x20, 0x0c}, {'r', 0x20, 0x07}, {'u', 5}, {'w', 0x20, 0x0c},
	  {'r', 0x20, 0x85}, {'i', 0, 0}, {'w', 0x20, 0x0b}, {'r', 0x20, 0x20}}},
	{"level: requests again until the line falls",
	 {{'w', 0x4d1, 0x0c}, {'r', 0x4d1, 0x0c}, {'u', 10}, {'a', 0, 0x72}, {'w', 0xa0, 0x20},
	  {'w', 0x20, 0x20}, {'i', 0, 1}, {'d', 10}, {'i', 0, 0}}},
	{"ELCR: system lines cannot be level",
	 {{'w', 0x4d0, 0xff}, {'r', 0x4d0, 0xf8}, {'w', 0x4d1, 0xff}, {'r', 0x4d1, 0xde}}},
	{"ICW1 forgets edges, masks and what is in service",
	 {{'u', 1}, {'a', 0, 0x09}, {'u', 0}, {'w', 0x21, 0xff}, {'w', 0x20, 0x11}, {'r', 0x20, 0x00},
	  {'w', 0x21, 0x20}, {'w', 0x21, 0x04}, {'w', 0x21, 0x01}, {'r', 0x21, 0x00}, {'i', 0, 0},
	  {'d', 0}, {'u', 0}, {'a', 0, 0x20}}},
	{"single mode skips ICW3; without IC4 no ICW4",
	 {{'w', 0x20, 0x12}, {'w', 0x21, 0x40}, {'w', 0x21, 0xfe}, {'r', 0x21, 0xfe}, {'u', 0},
	  {'a', 0, 0x40}}},
	{"the cascade line is no input",
	 {{'u', 2}, {'i', 0, 0}}},
};

START_TEST(test_scenarios)
{
	const struct scenario *sc = &scenarios[_i];

	setup();
	for (size_t i = 0; i < ARRAY_SIZE(sc->step) && sc->step[i].op; i++) {
		const struct step *s = &sc->step[i];
		int got = s->val;

		switch (s->op) {
		case 'u':
		case 'd': pic_set_irq(pic, s->arg, s->op == 'u'); break;
		case 'a': got = pic_ack(pic); break;
		case 'i': got = pic_pending(pic); break;
		case 'w': fake_outb(m, s->arg, s->val); break;
		case 'r': got = fake_inb(m, s->arg); break;
		}
		ck_assert_msg(got == s->val, "%s: step %zu: got %#x, wanted %#x", sc->name, i, got,
			      s->val);
		ck_assert_int_eq(intr.level, pic_pending(pic));
	}
	fake_free(m);
}
END_TEST

START_TEST(test_bad_lines)
{
	setup();
	pic_set_irq(pic, -1, 1);
	pic_set_irq(pic, 16, 1);
	pic_set_irq(pic, 1000, 1);
	ck_assert(!pic_pending(pic));
	fake_free(m);
}
END_TEST

int main(void)
{
	const struct fake_test tests[] = {
		{test_scenarios, ARRAY_SIZE(scenarios)},
		{test_bad_lines},
	};

	return fake_run("pic", tests, ARRAY_SIZE(tests));
}

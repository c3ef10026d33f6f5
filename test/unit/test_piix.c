// SPDX-License-Identifier: GPL-2.0-or-later
/* PIIX3: interrupt steering, reset control. PIIX4 power management: timer, SCI, button, S5. */
#include "devices/pci/piix3.h"
#include "devices/pci/piix4pm.h"
#include "test/unit/lib/fake_board.h"

#define ISA   GM_PCI_DEVFN(1, 0)
#define PM    GM_PCI_DEVFN(1, 3)
#define BASE  0x600
#define TICKS(n) gm_muldiv((n), NSEC_PER_SEC, GM_PM_TIMER_HZ)

static int isa_levels[16];
static struct gm_dev *pm, *bridge;

static void isa_set(void *opaque, int line, int level)
{
	isa_levels[line] = level;
}

/* A device that only has an interrupt pin. */
static int pin_init(struct gm_dev *d, const void *cfg)
{
	return gm_pci_init(container_of(d, struct gm_pci_dev, dev), cfg);
}

static void pin_reset(struct gm_dev *d)
{
	gm_pci_reset(container_of(d, struct gm_pci_dev, dev));
}

static const struct gm_pci_class pin_class = {
	.dev = {.name = "pin", .size = sizeof(struct gm_pci_dev), .init = pin_init,
		.reset = pin_reset, .state = &gm_pci_state},
	.vendor = 0x1234, .device = 1, .int_pin = 1,
};

static struct gm_pci_dev *pin_new(unsigned int slot)
{
	struct gm_pci_cfg cfg = {.bus = bus, .devfn = (u8)GM_PCI_DEVFN(slot, 0)};

	return container_of(fake_device(m, &pin_class.dev, &cfg), struct gm_pci_dev, dev);
}

static void setup(void)
{
	struct gm_piix3_cfg isa;
	struct gm_piix4pm_cfg pmc;
	int i;

	board_new(4 * MiB);
	memset(isa_levels, 0, sizeof(isa_levels));
	isa.pci = (struct gm_pci_cfg){.bus = bus, .devfn = ISA};
	for (i = 0; i < 16; i++)
		isa.irq[i] = (struct gm_irq){.set = isa_set, .line = i};
	bridge = fake_device(m, &gm_piix3_class.dev, &isa);
	memset(&pmc, 0, sizeof(pmc));
	pmc.pci = (struct gm_pci_cfg){.bus = bus, .devfn = PM};
	pmc.sci = (struct gm_irq){.set = gm_piix3_set_sci, .opaque = bridge};
	pm = fake_device(m, &gm_piix4pm_class.dev, &pmc);
	/* as firmware does */
	cfg_write(PM, 0x40, 4, BASE | 1);
	cfg_write(PM, 0x80, 1, 1);
	cfg_write(PM, 0x90, 4, 0x701);
	cfg_write(PM, 0xd2, 1, 9);
}

/* slot, PIRQ register that routes it, value; ISA line that rises (-1: none) */
static const struct {
	const char *name;
	u8 slot, reg, route;
	int want;
} routes[] = {
	{"slot 5 is PIRQA", 5, 0x60, 10, 10},
	{"slot 2 is PIRQB", 2, 0x61, 11, 11},
	{"slot 3 is PIRQC", 3, 0x62, 5, 5},
	{"slot 4 is PIRQD", 4, 0x63, 15, 15},
	{"bit 7: not routed", 2, 0x61, 0x8b, -1},
	{"reset value", 2, 0x61, 0x80, -1},
	{"IRQ 0 is reserved", 2, 0x61, 0, -1},
	{"IRQ 2 is reserved", 2, 0x61, 2, -1},
	{"IRQ 8 is reserved", 2, 0x61, 8, -1},
	{"IRQ 13 is reserved", 2, 0x61, 13, -1},
};

START_TEST(test_route)
{
	struct gm_pci_dev *d;
	int i;

	setup();
	d = pin_new(routes[_i].slot);
	cfg_write(ISA, routes[_i].reg, 1, routes[_i].route);
	gm_pci_irq(d, 1);
	for (i = 0; i < 16; i++)
		ck_assert_msg(isa_levels[i] == (i == routes[_i].want), "%s: line %d",
			      routes[_i].name, i);
	/* Switched off while asserted: the line falls. */
	cfg_write(ISA, routes[_i].reg, 1, 0x80);
	for (i = 0; i < 16; i++)
		ck_assert_int_eq(isa_levels[i], 0);
	board_free();
}
END_TEST

START_TEST(test_shared_line)
{
	struct gm_pci_dev *a, *b;

	setup();
	a = pin_new(2);
	b = pin_new(3);
	cfg_write(ISA, 0x60, 4, 0x800b0b80);
	gm_pci_irq(a, 1);
	gm_pci_irq(b, 1);
	gm_pci_irq(a, 0);
	ck_assert_int_eq(isa_levels[11], 1);
	cfg_write(ISA, 0x62, 1, 10);
	ck_assert_int_eq(isa_levels[11], 0);
	ck_assert_int_eq(isa_levels[10], 1);
	board_free();
}
END_TEST

START_TEST(test_cf9)
{
	setup();
	fake_outb(m, 0xcf9, 2);
	ck_assert_uint_eq(fake_inb(m, 0xcf9), 2);
	ck_assert_uint_eq(fake_resets, 0);
	fake_outb(m, 0xcf9, 6);
	ck_assert_uint_eq(fake_resets, 1);
	/* A dword there is the configuration address. */
	gm_bus_write(m->pio, 0xcf8, 4, 0x80000600);
	ck_assert_uint_eq(fake_resets, 1);
	ck_assert_uint_eq(gm_bus_read(m->pio, 0xcf8, 4), 0x80000600);
	board_free();
}
END_TEST

START_TEST(test_pm_timer)
{
	u32 t;

	setup();
	t = (u32)gm_bus_read(m->pio, BASE + 8, 4);
	fake_advance(m, NSEC_PER_SEC);
	ck_assert_uint_eq((gm_bus_read(m->pio, BASE + 8, 4) - t) & 0xffffff, 3579545);
	/* 24 bits: 2^24 ticks are 4.687 s. */
	fake_advance(m, 4 * NSEC_PER_SEC);
	ck_assert_uint_lt(gm_bus_read(m->pio, BASE + 8, 4), 1 << 24);
	ck_assert_uint_eq(gm_bus_read(m->pio, BASE + 8, 4), 5 * 3579545 - (1 << 24));
	board_free();
}
END_TEST

START_TEST(test_timer_overflow)
{
	setup();
	gm_bus_write(m->pio, BASE + 4, 2, 1); /* SCI_EN */
	gm_bus_write(m->pio, BASE + 2, 2, 1); /* TMROF_EN */
	fake_advance(m, TICKS(0x7fff00));
	ck_assert_int_eq(isa_levels[9], 0);
	fake_advance(m, TICKS(0x200));
	ck_assert_int_eq(isa_levels[9], 1);
	ck_assert_uint_eq(gm_bus_read(m->pio, BASE, 2) & 1, 1);
	gm_bus_write(m->pio, BASE, 2, 1);
	ck_assert_int_eq(isa_levels[9], 0);
	fake_advance(m, TICKS(0x800000));
	ck_assert_int_eq(isa_levels[9], 1);
	board_free();
}
END_TEST

START_TEST(test_power_button)
{
	setup();
	ck_assert(!gm_piix4pm_power_button(pm));
	ck_assert_int_eq(isa_levels[9], 0);
	ck_assert_uint_eq(gm_bus_read(m->pio, BASE, 2), 0x100);
	gm_bus_write(m->pio, BASE, 2, 0x100);
	fake_outb(m, 0xb2, 0xf1); /* ACPI on */
	ck_assert_uint_eq(gm_bus_read(m->pio, BASE + 4, 2) & 1, 1);
	gm_bus_write(m->pio, BASE + 2, 2, 0x100);
	ck_assert_ptr_nonnull(m->power_button);
	ck_assert(m->power_button(m->power_button_opaque));
	ck_assert_int_eq(isa_levels[9], 1);
	/* Cleared with a byte, as some systems do. */
	gm_bus_write(m->pio, BASE + 1, 1, 1);
	ck_assert_int_eq(isa_levels[9], 0);
	fake_outb(m, 0xb2, 0xf0); /* ACPI off */
	ck_assert_uint_eq(gm_bus_read(m->pio, BASE + 4, 2) & 1, 0);
	ck_assert_uint_eq(fake_inb(m, 0xb2), 0xf0);
	board_free();
}
END_TEST

START_TEST(test_sci_shares_irq9)
{
	struct gm_pci_dev *d;

	setup();
	d = pin_new(2);
	cfg_write(ISA, 0x61, 1, 9);
	gm_pci_irq(d, 1);
	gm_piix3_set_sci(bridge, 0, 1);
	gm_pci_irq(d, 0);
	ck_assert_int_eq(isa_levels[9], 1);
	gm_piix3_set_sci(bridge, 0, 0);
	ck_assert_int_eq(isa_levels[9], 0);
	board_free();
}
END_TEST

static const struct {
	const char *name;
	u16 val;
	unsigned int off;
} sleeps[] = {
	{"S5", 0x2001, 1},
	{"without SLP_EN", 0x0001, 0},
	{"another type", 0x2401, 0},
};

START_TEST(test_sleep)
{
	setup();
	gm_bus_write(m->pio, BASE + 4, 2, sleeps[_i].val);
	ck_assert_msg(fake_poweroffs == sleeps[_i].off, "%s", sleeps[_i].name);
	/* SLP_EN reads as 0 */
	ck_assert_uint_eq(gm_bus_read(m->pio, BASE + 4, 2), sleeps[_i].val & 0x1c01u);
	board_free();
}
END_TEST

START_TEST(test_decode)
{
	setup();
	cfg_write(PM, 0x80, 1, 0);
	ck_assert_uint_eq(gm_bus_read(m->pio, BASE, 2), 0xffff);
	cfg_write(PM, 0x80, 1, 1);
	cfg_write(PM, 0x40, 4, 0xb000);
	ck_assert_uint_eq(gm_bus_read(m->pio, BASE, 2), 0xffff);
	ck_assert_uint_eq(gm_bus_read(m->pio, 0xb000, 2), 0);
	ck_assert_uint_eq(cfg_read(PM, 0x40, 4), 0xb001);
	/* SMM is said to be set up already: firmware that sees bit 25 leaves it alone. */
	ck_assert_uint_eq(cfg_read(PM, 0x58, 4) >> 25 & 1, 1);
	board_free();
}
END_TEST

START_TEST(test_smbus_is_empty)
{
	setup();
	ck_assert_uint_eq(fake_inb(m, 0x700), 0);
	fake_outb(m, 0x704, 0xa1);
	fake_outb(m, 0x702, 0x48); /* byte data, start */
	ck_assert_uint_eq(fake_inb(m, 0x700), 0x04);
	ck_assert_uint_eq(fake_inb(m, 0x702), 0x08);
	fake_outb(m, 0x700, 0x1e);
	ck_assert_uint_eq(fake_inb(m, 0x700), 0);
	board_free();
}
END_TEST

/* Any access to the block is harmless, and reads what fits into its size. */
START_TEST(test_all_sizes)
{
	unsigned int size, off;

	setup();
	for (size = 1; size <= 4; size *= 2) {
		for (off = 0; off < 64; off++) {
			if (off / 2 == 2)
				continue; /* not to switch off */
			gm_bus_write(m->pio, BASE + off, size, 0);
			ck_assert_uint_le(gm_bus_read(m->pio, BASE + off, size),
					  size == 4 ? 0xffffffff : (1u << 8 * size) - 1);
		}
	}
	ck_assert_uint_eq(gm_bus_read(m->pio, BASE + 0x30, 4), 0);
	gm_bus_write(m->pio, BASE + 0x31, 1, 0xab);
	ck_assert_uint_eq(gm_bus_read(m->pio, BASE + 0x30, 4), 0xab00);
	board_free();
}
END_TEST

int main(void)
{
	const struct fake_test tests[] = {
		{test_route, ARRAY_SIZE(routes)}, {test_shared_line, 0}, {test_cf9, 0},
		{test_pm_timer, 0}, {test_timer_overflow, 0}, {test_power_button, 0},
		{test_sci_shares_irq9, 0}, {test_sleep, ARRAY_SIZE(sleeps)}, {test_decode, 0},
		{test_smbus_is_empty, 0}, {test_all_sizes, 0},
	};

	return fake_run("piix", tests, ARRAY_SIZE(tests));
}

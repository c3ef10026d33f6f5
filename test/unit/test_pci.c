// SPDX-License-Identifier: GPL-2.0-or-later
/* The PCI bus: configuration mechanism 1, BARs, interrupt lines; the 440FX's memory attributes. */
#include <errno.h>

#include "test/unit/lib/fake_board.h"

/* A device with one of each kind of BAR. */
struct probe {
	struct gm_pci_dev pci;
	u32 reg;
	unsigned int config_writes;
};

static u64 probe_read(void *opaque, u64 off, unsigned int size)
{
	return ((struct probe *)opaque)->reg + off;
}

static void probe_write(void *opaque, u64 off, unsigned int size, u64 val)
{
	((struct probe *)opaque)->reg = (u32)val;
}

static const struct gm_region_ops probe_ops = {
	.name = "probe",
	.read = probe_read,
	.write = probe_write,
	.min_size = 1,
	.max_size = 4,
};

static void probe_config_written(struct gm_pci_dev *d, unsigned int off, unsigned int size)
{
	container_of(d, struct probe, pci)->config_writes++;
}

static int probe_init(struct gm_dev *d, const void *cfg)
{
	struct probe *s = container_of(d, struct probe, pci.dev);
	int rc = gm_pci_init(&s->pci, cfg);

	if (rc)
		return rc;
	rc |= gm_pci_bar_add(&s->pci, 0, &(struct gm_pci_bar){.size = 4096, .ops = &probe_ops}, s);
	rc |= gm_pci_bar_add(&s->pci, 1,
			     &(struct gm_pci_bar){.size = 16, .flags = GM_PCI_BAR_IO,
						  .ops = &probe_ops}, s);
	rc |= gm_pci_bar_add(&s->pci, 2,
			     &(struct gm_pci_bar){.size = 64 * KiB, .ops = &probe_ops,
						  .flags = GM_PCI_BAR_64 | GM_PCI_BAR_PREFETCH}, s);
	rc |= gm_pci_bar_add(&s->pci, GM_PCI_ROM,
			     &(struct gm_pci_bar){.size = 4096,
						  .ram = gm_ram_new(d->m->mem, "rom", 4096, 0)}, s);
	return rc;
}

static void probe_reset(struct gm_dev *d)
{
	gm_pci_reset(container_of(d, struct gm_pci_dev, dev));
}

static const struct gm_state_desc probe_state = {
	.name = "probe", .version = 1, .size = sizeof(struct probe),
	.fields = (const struct gm_field[]){GM_FIELDS_END},
};

static const struct gm_pci_class probe_class = {
	.dev = {.name = "probe", .size = sizeof(struct probe), .state = &probe_state,
		.init = probe_init, .reset = probe_reset},
	.vendor = 0x1234, .device = 0x5678, .class_code = 0xff0102, .revision = 3, .int_pin = 1,
	.config_written = probe_config_written,
};

static struct probe *p;
static const u8 devfn = GM_PCI_DEVFN(3, 0);
static int line_levels[4];

static int route(void *opaque, u8 fn, int pin)
{
	return (fn >> 3) + pin;
}

static void set_irq(void *opaque, int line, int level)
{
	line_levels[line] = level;
}

static void setup(void)
{
	struct gm_pci_bus_ops ops = {.route = route, .set_irq = set_irq};

	board_new(4 * MiB);
	gm_pci_bus_set_ops(bus, &ops);
	memset(line_levels, 0, sizeof(line_levels));
	p = container_of(fake_device(m, &probe_class.dev,
				     &(struct gm_pci_cfg){.bus = bus, .devfn = devfn}),
			 struct probe, pci.dev);
}

static const struct {
	const char *name;
	u8 devfn, reg, size;
	u32 want;
} ids[] = {
	{"ids", GM_PCI_DEVFN(3, 0), 0, 4, 0x56781234},
	{"device, word", GM_PCI_DEVFN(3, 0), 2, 2, 0x5678},
	{"class and revision", GM_PCI_DEVFN(3, 0), 8, 4, 0xff010203},
	{"base class, byte", GM_PCI_DEVFN(3, 0), 11, 1, 0xff},
	{"interrupt pin", GM_PCI_DEVFN(3, 0), 0x3d, 1, 1},
	{"memory BAR", GM_PCI_DEVFN(3, 0), 0x10, 4, 0},
	{"I/O BAR", GM_PCI_DEVFN(3, 0), 0x14, 4, 1},
	{"64-bit prefetchable BAR", GM_PCI_DEVFN(3, 0), 0x18, 4, 0xc},
	{"nobody there", GM_PCI_DEVFN(4, 0), 0, 4, 0xffffffff},
	{"nobody there, word", GM_PCI_DEVFN(4, 0), 0, 2, 0xffff},
	{"absent function", GM_PCI_DEVFN(3, 1), 0, 4, 0xffffffff},
	{"host bridge", 0, 0, 4, 0x12378086},
	{"host bridge's subsystem", 0, 0x2c, 4, 0x11001af4},
};

START_TEST(test_ids)
{
	setup();
	ck_assert_msg(cfg_read(ids[_i].devfn, ids[_i].reg, ids[_i].size) == ids[_i].want, "%s",
		      ids[_i].name);
	board_free();
}
END_TEST

START_TEST(test_address_register)
{
	setup();
	gm_bus_write(m->pio, 0xcf8, 4, 0xffffffff);
	ck_assert_uint_eq(gm_bus_read(m->pio, 0xcf8, 4), 0x80fffffc);
	/* Bus 255 has nobody; without the enable bit nothing is configuration. */
	ck_assert_uint_eq(gm_bus_read(m->pio, 0xcfc, 4), 0xffffffff);
	gm_bus_write(m->pio, 0xcf8, 4, devfn << 8);
	ck_assert_uint_eq(gm_bus_read(m->pio, 0xcfc, 4), 0xffffffff);
	/* Smaller accesses do not reach it. */
	gm_bus_write(m->pio, 0xcf8, 4, 0x80000000);
	gm_bus_write(m->pio, 0xcf8, 1, 0x10);
	gm_bus_write(m->pio, 0xcfa, 2, 0x10);
	ck_assert_uint_eq(gm_bus_read(m->pio, 0xcf8, 4), 0x80000000);
	board_free();
}
END_TEST

static const struct {
	const char *name;
	u8 reg;
	u32 want;
} sizes[] = {
	{"4 KiB", 0x10, 0xfffff000},
	{"16 ports", 0x14, 0xfffffff1},
	{"64 KiB, low", 0x18, 0xffff000c},
	{"64 KiB, high", 0x1c, 0xffffffff},
	{"no BAR", 0x20, 0},
	{"ROM", 0x30, 0xfffff001},
	{"ids are read-only", 0x00, 0x56781234},
	{"command", 0x04, 0x00000547},
};

START_TEST(test_sizing)
{
	setup();
	cfg_write(devfn, sizes[_i].reg, 4, 0xffffffff);
	ck_assert_msg(cfg_read(devfn, sizes[_i].reg, 4) == sizes[_i].want, "%s: %#x",
		      sizes[_i].name, cfg_read(devfn, sizes[_i].reg, 4));
	board_free();
}
END_TEST

START_TEST(test_decode)
{
	setup();
	p->reg = 0x11223344;
	cfg_write(devfn, 0x10, 4, 0xe0000000);
	cfg_write(devfn, 0x14, 4, 0xc000);
	cfg_write(devfn, 0x18, 4, 0x10000000);
	cfg_write(devfn, 0x1c, 4, 0x00000080); /* 0x80_1000_0000 */
	ck_assert_uint_eq(gm_bus_read(m->mem, 0xe0000000, 4), 0xffffffff);
	ck_assert_uint_eq(gm_pci_bar_base(&p->pci, 0), UINT64_MAX);
	cfg_write(devfn, 4, 2, 2);
	ck_assert_uint_eq(gm_bus_read(m->mem, 0xe0000000, 4), 0x11223344);
	ck_assert_uint_eq(gm_bus_read(m->mem, 0x8010000000, 4), 0x11223344);
	ck_assert_uint_eq(gm_bus_read(m->pio, 0xc000, 4), 0xffffffff);
	cfg_write(devfn, 4, 2, 3);
	gm_bus_write(m->pio, 0xc000, 4, 0xdead);
	ck_assert_uint_eq(p->reg, 0xdead);
	ck_assert_uint_eq(gm_pci_bar_base(&p->pci, 1), 0xc000);
	/* Moved with one byte. */
	cfg_write(devfn, 0x13, 1, 0xe1);
	ck_assert_uint_eq(gm_bus_read(m->mem, 0xe0000000, 4), 0xffffffff);
	ck_assert_uint_eq(gm_bus_read(m->mem, 0xe1000004, 4), 0xdeb1);
	/* While it is sized, and beyond the address space, it is nowhere. */
	cfg_write(devfn, 0x14, 4, 0x12340000);
	ck_assert_uint_eq(gm_pci_bar_base(&p->pci, 1), UINT64_MAX);
	cfg_write(devfn, 0x1c, 4, 0xffffffff);
	ck_assert_uint_eq(gm_pci_bar_base(&p->pci, 2), UINT64_MAX);
	/* Reset takes it all back. */
	probe_class.dev.reset(&p->pci.dev);
	ck_assert_uint_eq(gm_bus_read(m->mem, 0xe1000004, 4), 0xffffffff);
	ck_assert_uint_eq(cfg_read(devfn, 0x10, 4), 0);
	board_free();
}
END_TEST

START_TEST(test_rom_bar)
{
	setup();
	p->pci.bars[GM_PCI_ROM].ram->host[0] = 0x55;
	cfg_write(devfn, 4, 2, 2);
	cfg_write(devfn, 0x30, 4, 0xe2000000);
	ck_assert_uint_eq(gm_bus_read(m->mem, 0xe2000000, 1), 0xff);
	cfg_write(devfn, 0x30, 4, 0xe2000001);
	ck_assert_uint_eq(gm_bus_read(m->mem, 0xe2000000, 1), 0x55);
	gm_bus_write(m->mem, 0xe2000000, 1, 0);
	ck_assert_uint_eq(gm_bus_read(m->mem, 0xe2000000, 1), 0x55);
	board_free();
}
END_TEST

START_TEST(test_irq)
{
	setup(); /* slot 3, INTA#: line 3 */
	gm_pci_irq(&p->pci, 1);
	ck_assert_int_eq(line_levels[3], 1);
	ck_assert_uint_eq(gm_pci_bus_lines(bus), 8);
	ck_assert_uint_eq(cfg_read(devfn, 6, 2) & 8, 8);
	cfg_write(devfn, 4, 2, 0x400);
	ck_assert_int_eq(line_levels[3], 0);
	ck_assert_uint_eq(cfg_read(devfn, 6, 2) & 8, 8);
	cfg_write(devfn, 4, 2, 0);
	ck_assert_int_eq(line_levels[3], 1);
	probe_class.dev.reset(&p->pci.dev);
	ck_assert_int_eq(line_levels[3], 0);
	board_free();
}
END_TEST

START_TEST(test_shared_irq)
{
	struct gm_dev *d = NULL;
	struct gm_pci_dev *q;

	setup();
	ck_assert_int_eq(gm_dev_create(m, &probe_class.dev, "two",
				       &(struct gm_pci_cfg){.bus = bus, .devfn = devfn}, &d),
			 -EBUSY);
	q = container_of(fake_device(m, &probe_class.dev,
				     &(struct gm_pci_cfg){.bus = bus, .devfn = GM_PCI_DEVFN(7, 0)}),
			 struct gm_pci_dev, dev);
	gm_pci_irq(&p->pci, 1);
	gm_pci_irq(q, 1);
	gm_pci_irq(&p->pci, 0);
	ck_assert_int_eq(line_levels[3], 1);
	gm_pci_irq(q, 0);
	ck_assert_int_eq(line_levels[3], 0);
	board_free();
}
END_TEST

START_TEST(test_config_hook)
{
	setup();
	cfg_write(devfn, 0x50, 4, 1);
	cfg_write(devfn, 0x3c, 1, 11);
	ck_assert_uint_eq(p->config_writes, 2);
	ck_assert_uint_eq(cfg_read(devfn, 0x50, 4), 0);
	ck_assert_uint_eq(cfg_read(devfn, 0x3c, 1), 11);
	board_free();
}
END_TEST

/* What a PAM nibble makes of a segment; "after" is what memory holds after a guest wrote C3h. */
static const struct {
	const char *name;
	u8 reg, val;
	u32 addr;
	u8 read, after;
} pams[] = {
	{"off: ROM, writes lost", 0x59, 0x00, 0xf0000, 0x30, 0x5a},
	{"read: RAM, writes lost", 0x59, 0x10, 0xf0000, 0x5a, 0x5a},
	{"write: ROM, writes to RAM", 0x59, 0x20, 0xf0000, 0x30, 0xc3},
	{"both: RAM", 0x59, 0x30, 0xfffff, 0x5a, 0xc3},
	{"low nibble of 5Ah is C0000h", 0x5a, 0x03, 0xc0000, 0x5a, 0xc3},
	{"and ends at C3FFFh", 0x5a, 0x03, 0xc4000, 0xff, 0x5a},
	{"high nibble is C4000h", 0x5a, 0x30, 0xc7fff, 0x5a, 0xc3},
	{"5Dh is D8000h", 0x5d, 0x03, 0xd8000, 0x5a, 0xc3},
	{"5Eh is E0000h", 0x5e, 0x02, 0xe0000, 0x20, 0xc3},
	{"5Fh is ECFFFh", 0x5f, 0x30, 0xec000, 0x5a, 0xc3},
	{"off: nothing below the ROM", 0x5b, 0x00, 0xc8000, 0xff, 0x5a},
};

START_TEST(test_pam)
{
	setup();
	cfg_write(0, pams[_i].reg, 1, pams[_i].val);
	ck_assert_msg(gm_bus_read(m->mem, pams[_i].addr, 1) == pams[_i].read, "%s: %#x",
		      pams[_i].name, (unsigned int)gm_bus_read(m->mem, pams[_i].addr, 1));
	gm_bus_write(m->mem, pams[_i].addr, 1, 0xc3);
	ck_assert_msg(m->ram->host[pams[_i].addr] == pams[_i].after, "%s", pams[_i].name);
	ck_assert_uint_eq(rom->host[0x30000], 0x30);
	gm_i440fx_class.dev.reset(&gm_pci_bus_find(bus, 0)->dev);
	ck_assert_uint_eq(cfg_read(0, pams[_i].reg, 1), 0);
	board_free();
}
END_TEST

START_TEST(test_rom_below_4g)
{
	setup();
	ck_assert_uint_eq(gm_bus_read(m->mem, 0xfffff000, 1), 0x3f);
	ck_assert_uint_eq(gm_bus_read(m->mem, 0xfffc0000, 1), 0x00);
	gm_bus_write(m->mem, 0xfffff000, 1, 0);
	ck_assert_uint_eq(gm_bus_read(m->mem, 0xfffff000, 1), 0x3f);
	ck_assert_uint_eq(gm_bus_read(m->mem, 0xe0000, 1), 0x20);
	board_free();
}
END_TEST

START_TEST(test_smram)
{
	setup();
	ck_assert_uint_eq(cfg_read(0, 0x72, 1), 0x02);
	ck_assert_uint_eq(gm_bus_read(m->mem, 0xa0000, 1), 0xff);
	cfg_write(0, 0x72, 1, 0x4a);
	ck_assert_uint_eq(gm_bus_read(m->mem, 0xa0000, 1), 0x5a);
	cfg_write(0, 0x72, 1, 0x1a); /* locked: closed for good */
	ck_assert_uint_eq(gm_bus_read(m->mem, 0xa0000, 1), 0xff);
	cfg_write(0, 0x72, 1, 0x4a);
	ck_assert_uint_eq(cfg_read(0, 0x72, 1) & 0x50, 0x10);
	ck_assert_uint_eq(gm_bus_read(m->mem, 0xa0000, 1), 0xff);
	gm_i440fx_class.dev.reset(&gm_pci_bus_find(bus, 0)->dev);
	ck_assert_uint_eq(cfg_read(0, 0x72, 1), 0x02);
	board_free();
}
END_TEST

int main(void)
{
	const struct fake_test tests[] = {
		{test_ids, ARRAY_SIZE(ids)}, {test_address_register, 0},
		{test_sizing, ARRAY_SIZE(sizes)}, {test_decode, 0}, {test_rom_bar, 0}, {test_irq, 0},
		{test_shared_irq, 0}, {test_config_hook, 0}, {test_pam, ARRAY_SIZE(pams)},
		{test_rom_below_4g, 0}, {test_smram, 0},
	};

	return fake_run("pci", tests, ARRAY_SIZE(tests));
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The VGA at register level, through the buses as a guest sees it: write and read modes, address
 * modes, text, planar, CGA and 256-colour pictures, the Bochs VBE extension.
 * Wanted values are from the IBM PS/2 Hardware Interface Technical Reference and the Bochs
 * display interface description.
 */
#include <check.h>
#include <stdlib.h>
#include "devices/vga/vga.h"
#include "vmm/bus.h"
#include "vmm/loop.h"

static struct gm_machine *m;
static struct gm_dev *dev;
static struct gm_pci_bus *bus;
static struct gm_display_source src;
static struct gm_screen scr;
static u64 since;

static void setup(void)
{
	static const u8 rom[1024] = { 0x55, 0xaa, 2 };
	struct gm_vga_cfg cfg = { .rom = rom, .rom_len = sizeof(rom) };

	m = gm_machine_new("test");
	ck_assert_ptr_nonnull(m);
	gm_lock(m);
	bus = gm_pci_bus_new(m);
	cfg.pci.bus = bus;
	cfg.pci.devfn = GM_PCI_DEVFN(2, 0);
	ck_assert_int_eq(gm_dev_create(m, &gm_vga_class.dev, "vga0", &cfg, &dev), 0);
	dev->cls->reset(dev);
	gm_vga_display_source(dev, &src);
	since = 0;
}

static void teardown(void)
{
	gm_screen_fini(&scr);
	gm_unlock(m);
	gm_machine_free(m);
	gm_pci_bus_free(bus);
}

static void outb(u16 port, u8 v) { gm_bus_write(m->pio, port, 1, v); }
static void outw(u16 port, u16 v) { gm_bus_write(m->pio, port, 2, v); }
static u8 inb(u16 port) { return (u8)gm_bus_read(m->pio, port, 1); }
static u16 inw(u16 port) { return (u16)gm_bus_read(m->pio, port, 2); }
static void poke(u32 a, u8 v) { gm_bus_write(m->mem, a, 1, v); }
static u8 peek(u32 a) { return (u8)gm_bus_read(m->mem, a, 1); }
static void seq(u8 i, u8 v) { outw(0x3c4, (u16)(i | v << 8)); }
static void gfx(u8 i, u8 v) { outw(0x3ce, (u16)(i | v << 8)); }
static void crtc(u8 i, u8 v) { outw(0x3d4, (u16)(i | v << 8)); }

static void dac(u8 i, u8 r, u8 g, u8 b)
{
	outb(0x3c8, i);
	outb(0x3c9, r);
	outb(0x3c9, g);
	outb(0x3c9, b);
}

static void attr(u8 i, u8 v)
{
	inb(0x3da);
	outb(0x3c0, i);
	outb(0x3c0, v);
}

/* Standard mode settings of the IBM BIOS: misc, seq 1-4, crtc 0-18h, gfx 0-8, attr 10h-13h. */
struct mode {
	u8 misc, seq[4], crtc[25], gfx[9], attr[4];
};

static const struct mode mode3 = {
	0x67, { 0x00, 0x03, 0x00, 0x02 },
	{ 0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00, 0x4f, 0x0d, 0x0e, 0x00,
	  0x00, 0x00, 0x00, 0x9c, 0x8e, 0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff },
	{ 0, 0, 0, 0, 0, 0x10, 0x0e, 0x00, 0xff }, { 0x0c, 0x00, 0x0f, 0x08 },
};
static const struct mode mode4 = {
	0x63, { 0x09, 0x03, 0x00, 0x02 },
	{ 0x2d, 0x27, 0x28, 0x90, 0x2b, 0x80, 0xbf, 0x1f, 0x00, 0xc1, 0x00, 0x00, 0x00,
	  0x00, 0x00, 0x00, 0x9c, 0x8e, 0x8f, 0x14, 0x00, 0x96, 0xb9, 0xa2, 0xff },
	{ 0, 0, 0, 0, 0, 0x30, 0x0f, 0x0f, 0xff }, { 0x01, 0x00, 0x03, 0x00 },
};
static const struct mode mode6 = {
	0x63, { 0x01, 0x01, 0x00, 0x06 },
	{ 0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0x00, 0xc1, 0x00, 0x00, 0x00,
	  0x00, 0x00, 0x00, 0x9c, 0x8e, 0x8f, 0x28, 0x00, 0x96, 0xb9, 0xc2, 0xff },
	{ 0, 0, 0, 0, 0, 0x00, 0x0d, 0x0f, 0xff }, { 0x01, 0x00, 0x01, 0x00 },
};
static const struct mode mode12 = {
	0xe3, { 0x01, 0x0f, 0x00, 0x06 },
	{ 0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0x0b, 0x3e, 0x00, 0x40, 0x00, 0x00, 0x00,
	  0x00, 0x00, 0x00, 0xea, 0x8c, 0xdf, 0x28, 0x00, 0xe7, 0x04, 0xe3, 0xff },
	{ 0, 0, 0, 0, 0, 0x00, 0x05, 0x0f, 0xff }, { 0x01, 0x00, 0x0f, 0x00 },
};
static const struct mode mode13 = {
	0x63, { 0x01, 0x0f, 0x00, 0x0e },
	{ 0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0x00, 0x41, 0x00, 0x00, 0x00,
	  0x00, 0x00, 0x00, 0x9c, 0x8e, 0x8f, 0x28, 0x40, 0x96, 0xb9, 0xa3, 0xff },
	{ 0, 0, 0, 0, 0, 0x40, 0x05, 0x0f, 0xff }, { 0x41, 0x00, 0x0f, 0x00 },
};

static void mode_set(const struct mode *md)
{
	u8 i;

	outb(0x3c2, md->misc);
	for (i = 0; i < 4; i++)
		seq(i + 1, md->seq[i]);
	seq(0, 3);
	crtc(0x11, 0);
	for (i = 0; i < 25; i++)
		crtc(i, md->crtc[i]);
	for (i = 0; i < 9; i++)
		gfx(i, md->gfx[i]);
	for (i = 0; i < 16; i++)
		attr(i, i);
	for (i = 0; i < 4; i++)
		attr(0x10 + i, md->attr[i]);
	inb(0x3da);
	outb(0x3c0, 0x20);
	outb(0x3c6, 0xff);
	for (i = 0; i < 16; i++)
		dac(i, i, (u8)(2 * i), (u8)(3 * i));
}

/* The colour that mode_set() gives DAC entry i. */
static u32 colour(unsigned int i)
{
	u32 r = i, g = 2 * i, b = 3 * i;

	return (r << 2 | r >> 4) << 16 | (g << 2 | g >> 4) << 8 | (b << 2 | b >> 4);
}

static void look(void)
{
	since = 0;
	ck_assert(src.snapshot(src.opaque, &scr, true, &since));
}

/* ---- memory path ---- */

/* Planar mode, planes preset to 11 22 44 88 and read into the latch; one byte written. */
static const struct {
	const char *name;
	u8 mode, rot, sr, sre, mask, planes, val;
	u8 want[4];
} writes[] = {
	{ "mode 0 plain", 0, 0, 0, 0, 0xff, 0xf, 0xa5, { 0xa5, 0xa5, 0xa5, 0xa5 } },
	{ "plane mask", 0, 0, 0, 0, 0xff, 0x5, 0xa5, { 0xa5, 0x22, 0xa5, 0x88 } },
	{ "rotate 3", 0, 3, 0, 0, 0xff, 0xf, 0x81, { 0x30, 0x30, 0x30, 0x30 } },
	{ "set/reset", 0, 0, 0x5, 0xf, 0xff, 0xf, 0x00, { 0xff, 0x00, 0xff, 0x00 } },
	{ "set/reset on two planes", 0, 0, 0x5, 0x3, 0xff, 0xf, 0x3c, { 0xff, 0x00, 0x3c, 0x3c } },
	{ "bit mask", 0, 0, 0, 0, 0x0f, 0xf, 0xff, { 0x1f, 0x2f, 0x4f, 0x8f } },
	{ "and", 0, 0x08, 0, 0, 0xff, 0xf, 0x33, { 0x11, 0x22, 0x00, 0x00 } },
	{ "or", 0, 0x10, 0, 0, 0xff, 0xf, 0x03, { 0x13, 0x23, 0x47, 0x8b } },
	{ "xor", 0, 0x18, 0, 0, 0xff, 0xf, 0xff, { 0xee, 0xdd, 0xbb, 0x77 } },
	{ "xor within mask", 0, 0x18, 0, 0, 0xf0, 0xf, 0xff, { 0xe1, 0xd2, 0xb4, 0x78 } },
	{ "mode 1", 1, 0x18, 0xf, 0xf, 0x0f, 0xf, 0xff, { 0x11, 0x22, 0x44, 0x88 } },
	{ "mode 2", 2, 0, 0, 0, 0xff, 0xf, 0x06, { 0x00, 0xff, 0xff, 0x00 } },
	{ "mode 2 mask", 2, 0, 0, 0, 0x0f, 0xf, 0x06, { 0x10, 0x2f, 0x4f, 0x80 } },
	{ "mode 3", 3, 0, 0x9, 0, 0xff, 0xf, 0x0f, { 0x1f, 0x20, 0x40, 0x8f } },
	{ "mode 3 mask and rotate", 3, 4, 0xf, 0, 0xcc, 0xf, 0x0f, { 0xd1, 0xe2, 0xc4, 0xc8 } },
};

START_TEST(test_write_modes)
{
	static const u8 preset[4] = { 0x11, 0x22, 0x44, 0x88 };
	unsigned int p;

	mode_set(&mode12);
	for (p = 0; p < 4; p++) {
		seq(2, (u8)(1 << p));
		poke(0xa1234, preset[p]);
	}
	peek(0xa1234);
	seq(2, writes[_i].planes);
	gfx(0, writes[_i].sr);
	gfx(1, writes[_i].sre);
	gfx(3, writes[_i].rot);
	gfx(5, writes[_i].mode);
	gfx(8, writes[_i].mask);
	poke(writes[_i].mode == 1 ? 0xa4321 : 0xa1234, writes[_i].val);
	for (p = 0; p < 4; p++) {
		gfx(4, (u8)p);
		gfx(5, 0);
		ck_assert_msg(peek(writes[_i].mode == 1 ? 0xa4321 : 0xa1234) == writes[_i].want[p],
			      "%s: plane %u", writes[_i].name, p);
	}
}
END_TEST

START_TEST(test_read_mode1)
{
	static const struct {
		u8 compare, care, want;
	} t[] = {
		{ 0x0, 0xf, 0x0f }, { 0x3, 0xf, 0x30 }, { 0xf, 0xf, 0xc0 },
		{ 0x1, 0x1, 0xf0 }, { 0x0, 0x0, 0xff }, { 0x5, 0xf, 0x00 },
	};
	static const u8 preset[4] = { 0xf0, 0xf0, 0xc0, 0xc0 };
	unsigned int i;

	mode_set(&mode12);
	for (i = 0; i < 4; i++) {
		seq(2, (u8)(1 << i));
		poke(0xa0000, preset[i]);
	}
	gfx(5, 8);
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		gfx(2, t[i].compare);
		gfx(7, t[i].care);
		ck_assert_uint_eq(peek(0xa0000), t[i].want);
	}
}
END_TEST

START_TEST(test_windows)
{
	static const struct {
		u8 map;
		u32 in[2], out[2];
	} t[] = {
		{ 0x00, { 0xa0000, 0xbffff }, { 0xa0000, 0xbffff } },
		{ 0x04, { 0xa0000, 0xaffff }, { 0xb0000, 0xb8000 } },
		{ 0x08, { 0xb0000, 0xb7fff }, { 0xa0000, 0xb8000 } },
		{ 0x0c, { 0xb8000, 0xbffff }, { 0xaffff, 0xb7fff } },
	};
	unsigned int i, k;

	mode_set(&mode12);
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		gfx(6, t[i].map | 1);
		for (k = 0; k < 2; k++) {
			poke(t[i].in[k], (u8)(0x40 + i * 2 + k));
			ck_assert_uint_eq(peek(t[i].in[k]), 0x40 + i * 2 + k);
			if (t[i].map)
				ck_assert_uint_eq(peek(t[i].out[k]), 0xff);
		}
	}
	outb(0x3c2, 0x61); /* memory off */
	ck_assert_uint_eq(peek(0xb8000), 0xff);
}
END_TEST

/* Text memory: even bytes in plane 0, odd bytes in plane 1, both at the even address. */
START_TEST(test_odd_even)
{
	mode_set(&mode3);
	gm_bus_write(m->mem, 0xb8002, 4, 0x44434241);
	ck_assert_uint_eq(gm_bus_read(m->mem, 0xb8002, 4), 0x44434241);
	seq(4, 6);
	gfx(5, 0);
	gfx(6, 4);
	gfx(4, 0);
	ck_assert_uint_eq(peek(0xa0002), 0x41);
	ck_assert_uint_eq(peek(0xa0004), 0x43);
	gfx(4, 1);
	ck_assert_uint_eq(peek(0xa0002), 0x42);
	ck_assert_uint_eq(peek(0xa0004), 0x44);
	ck_assert_uint_eq(peek(0xa0003), 0);
}
END_TEST

START_TEST(test_chain4)
{
	unsigned int i;

	mode_set(&mode13);
	for (i = 0; i < 8; i++)
		poke(0xa0100 + i, (u8)(0x50 + i));
	/* unchained: byte 4n + p lies on plane p */
	seq(4, 6);
	for (i = 0; i < 4; i++) {
		gfx(4, (u8)i);
		ck_assert_uint_eq(peek(0xa0040), 0x50 + i);
		ck_assert_uint_eq(peek(0xa0041), 0x54 + i);
	}
	/* chained, with a plane mask: the direct window must not be used */
	seq(4, 0x0e);
	seq(2, 0x2);
	gm_bus_write(m->mem, 0xa0100, 4, 0xffffffff);
	ck_assert_uint_eq(gm_bus_read(m->mem, 0xa0100, 4), 0x5352ff50);
}
END_TEST

/* ---- registers ---- */

START_TEST(test_crtc_protect)
{
	mode_set(&mode3);
	ck_assert_uint_eq(inb(0x3d5), 0xff); /* index is 18h */
	crtc(0x11, 0x8e);
	crtc(0, 0x12);
	crtc(7, 0x00);
	outb(0x3d4, 0);
	ck_assert_uint_eq(inb(0x3d5), 0x5f);
	outb(0x3d4, 7);
	ck_assert_uint_eq(inb(0x3d5), 0x0f); /* line compare bit 8 alone was written */
	crtc(0x11, 0x0e);
	crtc(0, 0x12);
	outb(0x3d4, 0);
	ck_assert_uint_eq(inb(0x3d5), 0x12);
	outb(0x3d4, 0x3f);
	outb(0x3d5, 0xaa);
	ck_assert_uint_eq(inb(0x3d5), 0);
}
END_TEST

START_TEST(test_relocation)
{
	outb(0x3c2, 0x67);
	ck_assert_uint_eq(inb(0x3cc), 0x67);
	outb(0x3d4, 0x0f);
	ck_assert_uint_eq(inb(0x3d4), 0x0f);
	ck_assert_uint_eq(inb(0x3b4), 0xff);
	outb(0x3c2, 0x66);
	ck_assert_uint_eq(inb(0x3d4), 0xff);
	ck_assert_uint_eq(inb(0x3b4), 0x0f);
}
END_TEST

START_TEST(test_attr_flipflop)
{
	mode_set(&mode3);
	inb(0x3da);
	outb(0x3c0, 0x31); /* overscan, palette on */
	outb(0x3c0, 0x2a);
	outb(0x3c0, 0x31);
	ck_assert_uint_eq(inb(0x3c1), 0x2a);
	inb(0x3da);
	outb(0x3c0, 0x25);
	outb(0x3c0, 0x3f); /* palette registers are locked while shown */
	ck_assert_uint_eq(inb(0x3c1), 5);
	ck_assert_uint_eq(inb(0x3c0), 0x25);
}
END_TEST

START_TEST(test_dac)
{
	dac(10, 0x3f, 0xff, 0x01);
	outb(0x3c7, 10);
	ck_assert_uint_eq(inb(0x3c7), 3);
	ck_assert_uint_eq(inb(0x3c9), 0x3f);
	ck_assert_uint_eq(inb(0x3c9), 0x3f);
	ck_assert_uint_eq(inb(0x3c9), 0x01);
	ck_assert_uint_eq(inb(0x3c9), 0);
	outb(0x3c8, 0xff);
	ck_assert_uint_eq(inb(0x3c8), 0xff);
	ck_assert_uint_eq(inb(0x3c7), 0);
	outb(0x3c9, 1);
	outb(0x3c9, 2);
	outb(0x3c9, 3);
	ck_assert_uint_eq(inb(0x3c8), 0); /* wraps */
}
END_TEST

/* ---- pictures ---- */

START_TEST(test_text)
{
	static const char text[] = "Hello \xb0\x01";
	char *utf8;
	unsigned int i;

	mode_set(&mode3);
	for (i = 0; i < 80 * 25; i++)
		gm_bus_write(m->mem, 0xb8000 + 2 * i, 2, 0x0720);
	for (i = 0; text[i]; i++)
		gm_bus_write(m->mem, 0xb8000 + 160 + 2 * i, 2, (u64)(0x1e00 | (u8)text[i]));
	crtc(0x0f, 83);
	look();
	ck_assert_int_eq(scr.kind, GM_SCREEN_TEXT);
	ck_assert_uint_eq(scr.cols, 80);
	ck_assert_uint_eq(scr.rows, 25);
	ck_assert_int_eq(scr.cursor_x, 3);
	ck_assert_int_eq(scr.cursor_y, 1);
	ck_assert_uint_eq(scr.cells[80].ch, 'H');
	ck_assert_uint_eq(scr.cells[80].attr, 0x1e);
	ck_assert(scr.blink);
	ck_assert_uint_eq(scr.palette[5], colour(5));
	utf8 = gm_screen_to_utf8(&scr);
	ck_assert_msg(!strncmp(utf8, "\nHello \u2591\u263a\n\n", 15), "%s", utf8);
	free(utf8);
	ck_assert_uint_eq(scr.width, 720);
	ck_assert_uint_eq(scr.height, 400);
	/* unchanged: nothing to do */
	ck_assert(!src.snapshot(src.opaque, &scr, true, &since));
	gm_bus_write(m->mem, 0xb8000, 1, 'x');
	ck_assert(src.snapshot(src.opaque, &scr, true, &since));
	ck_assert_uint_eq(scr.cells[0].ch, 'x');
	/* start address, hidden cursor */
	crtc(0x0d, 80);
	crtc(0x0a, 0x20);
	look();
	ck_assert_uint_eq(scr.cells[0].ch, 'H');
	ck_assert_int_eq(scr.cursor_x, -1);
	/* split screen from scan line 32 on: two rows, then memory from 0 */
	crtc(0x18, 31);
	crtc(7, 0x0f);
	crtc(9, 0x0f);
	look();
	ck_assert_uint_eq(scr.cells[0].ch, 'H');
	ck_assert_uint_eq(scr.cells[160].ch, 'x');
}
END_TEST

START_TEST(test_text_pixels)
{
	unsigned int i;

	mode_set(&mode3);
	/* a glyph for 'A' in font 0: row 0 is 81, row 1 is 18, the same for line graphics C4 */
	seq(2, 4);
	seq(4, 6);
	gfx(5, 0);
	gfx(6, 4);
	for (i = 0; i < 0x4000; i++)
		poke(0xa0000 + i, 0);
	poke(0xa0000 + 'A' * 32, 0x81);
	poke(0xa0000 + 'A' * 32 + 1, 0x18);
	poke(0xa0000 + 0xc4 * 32, 0x01);
	poke(0xa2000 + 'A' * 32, 0x40); /* second font: only reached when selected */
	seq(2, 3);
	seq(4, 2);
	gfx(5, 0x10);
	gfx(6, 0x0e);
	gm_bus_write(m->mem, 0xb8000, 4, 0x2ec42e41);
	crtc(0x0a, 0x20);
	look();
	ck_assert_uint_eq(scr.pixels[0], colour(14));
	ck_assert_uint_eq(scr.pixels[1], colour(2));
	ck_assert_uint_eq(scr.pixels[7], colour(14));
	ck_assert_uint_eq(scr.pixels[8], colour(2));
	ck_assert_uint_eq(scr.pixels[9 + 6], colour(2));
	ck_assert_uint_eq(scr.pixels[9 + 7], colour(14));
	ck_assert_uint_eq(scr.pixels[9 + 8], colour(14));
	ck_assert_uint_eq(scr.pixels[720 + 2], colour(2));
	ck_assert_uint_eq(scr.pixels[720 + 3], colour(14));
	/* 512 characters: attribute bit 3 set takes map A, here the font at 8 KiB */
	seq(3, 0x20);
	look();
	ck_assert_uint_eq(scr.pixels[0], colour(2));
	ck_assert_uint_eq(scr.pixels[1], colour(14));
	/* cursor over the whole cell */
	crtc(0x0a, 0);
	crtc(0x0b, 15);
	crtc(0x0f, 0);
	look();
	ck_assert_uint_eq(scr.pixels[15 * 720 + 8], colour(14));
	/* eight dots a character */
	seq(1, 1);
	look();
	ck_assert_uint_eq(scr.width, 640);
}
END_TEST

START_TEST(test_mode13)
{
	unsigned int i;

	mode_set(&mode13);
	for (i = 0; i < 320; i++)
		poke(0xa0000 + 320 * 199 + i, (u8)i & 15);
	poke(0xa0000, 7);
	look();
	ck_assert_int_eq(scr.kind, GM_SCREEN_PIXELS);
	ck_assert_uint_eq(scr.width, 320);
	ck_assert_uint_eq(scr.height, 200);
	ck_assert_uint_eq(scr.pixels[0], colour(7));
	for (i = 0; i < 320; i++)
		ck_assert_uint_eq(scr.pixels[320 * 199 + i], colour(i & 15));
	/* start address in steps of four pixels */
	crtc(0x0d, 80);
	look();
	ck_assert_uint_eq(scr.pixels[320 * 198 + 5], colour(5));
	/* a write through the direct window is seen as a change */
	src.snapshot(src.opaque, &scr, false, &since);
	ck_assert(!src.snapshot(src.opaque, &scr, false, &since));
	poke(0xa0000, 9);
	ck_assert(src.snapshot(src.opaque, &scr, false, &since));
}
END_TEST

START_TEST(test_mode_x)
{
	mode_set(&mode13);
	seq(4, 6);
	crtc(0x14, 0);
	crtc(0x17, 0xe3);
	seq(2, 8);
	poke(0xa0000 + 80 * 10 + 1, 5);
	look();
	ck_assert_uint_eq(scr.pixels[320 * 10 + 7], colour(5));
	ck_assert_uint_eq(scr.pixels[320 * 10 + 6], colour(0));
}
END_TEST

START_TEST(test_planar)
{
	mode_set(&mode12);
	seq(2, 0xa);
	poke(0xa0000 + 80 * 479 + 79, 0x01);
	look();
	ck_assert_uint_eq(scr.width, 640);
	ck_assert_uint_eq(scr.height, 480);
	ck_assert_uint_eq(scr.pixels[640 * 480 - 1], colour(10));
	ck_assert_uint_eq(scr.pixels[640 * 480 - 2], colour(0));
	/* pel panning by 3 */
	poke(0xa0000, 0x10);
	attr(0x13, 3);
	inb(0x3da);
	outb(0x3c0, 0x20);
	look();
	ck_assert_uint_eq(scr.pixels[0], colour(10));
}
END_TEST

START_TEST(test_cga)
{
	mode_set(&mode4);
	poke(0xb8000, 0x1b);
	poke(0xba001, 0xe4);
	look();
	ck_assert_uint_eq(scr.width, 320);
	ck_assert_uint_eq(scr.height, 200);
	ck_assert_uint_eq(scr.pixels[0], colour(0));
	ck_assert_uint_eq(scr.pixels[1], colour(1));
	ck_assert_uint_eq(scr.pixels[3], colour(3));
	ck_assert_uint_eq(scr.pixels[320 + 4], colour(3));
	ck_assert_uint_eq(scr.pixels[320 + 7], colour(0));

	mode_set(&mode6);
	poke(0xb8000, 0x00);
	poke(0xba000 + 80, 0x40);
	look();
	ck_assert_uint_eq(scr.width, 640);
	ck_assert_uint_eq(scr.height, 200);
	ck_assert_uint_eq(scr.pixels[640 * 3 + 0], colour(0));
	ck_assert_uint_eq(scr.pixels[640 * 3 + 1], colour(1));
}
END_TEST

START_TEST(test_blank)
{
	mode_set(&mode3);
	seq(1, 0x20);
	look();
	ck_assert_int_eq(scr.kind, GM_SCREEN_OFF);
}
END_TEST

/* ---- VBE ---- */

static void vbe(u16 index, u16 val)
{
	outw(0x1ce, index);
	outw(0x1cf, val);
}

static u16 vbe_get(u16 index)
{
	outw(0x1ce, index);
	return inw(0x1cf);
}

static void pci_map(void)
{
	struct gm_pci_dev *p = gm_pci_bus_find(bus, GM_PCI_DEVFN(2, 0));

	gm_pci_set16(p, 0x12, 0xe000);
	gm_pci_set16(p, 0x1a, 0xf000);
	p->config[4] = 3;
	gm_pci_loaded(p);
}

START_TEST(test_vbe_registers)
{
	ck_assert_uint_eq(vbe_get(0), 0xb0c5);
	vbe(0, 0xb0c2);
	ck_assert_uint_eq(vbe_get(0), 0xb0c2);
	vbe(0, 0x1234);
	ck_assert_uint_eq(vbe_get(0), 0xb0c2);
	ck_assert_uint_eq(vbe_get(10), 256);
	vbe(4, 2);
	ck_assert_uint_eq(vbe_get(1), 2560);
	ck_assert_uint_eq(vbe_get(2), 1600);
	ck_assert_uint_eq(vbe_get(3), 32);
	vbe(4, 0);
	vbe(1, 1024);
	vbe(2, 768);
	vbe(3, 32);
	vbe(4, 0x41);
	ck_assert_uint_eq(vbe_get(4), 0x41);
	ck_assert_uint_eq(vbe_get(6), 1024);
	ck_assert_uint_eq(vbe_get(7), 4096);
	vbe(6, 2048);
	ck_assert_uint_eq(vbe_get(6), 2048);
	ck_assert_uint_eq(vbe_get(7), 2048);
	vbe(6, 100); /* narrower than the picture: refused */
	ck_assert_uint_eq(vbe_get(6), 2048);
	vbe(3, 13);
	ck_assert_uint_eq(vbe_get(3), 32);
	vbe(1, 60000);
	ck_assert_uint_eq(vbe_get(1), 1024);
	vbe(5, 256); /* bank beyond memory */
	ck_assert_uint_eq(vbe_get(5), 0);
	outw(0x1ce, 0xffff);
	ck_assert_uint_eq(inw(0x1cf), 0);
	outw(0x1cf, 0xffff);
}
END_TEST

static const struct {
	u16 bpp;
	u32 store, want;
} depths[] = {
	{ 8, 0x0b, 0 /* colour(11) */ },
	{ 15, 0x7c1f, 0xff00ff },
	{ 16, 0x07e0, 0x00ff00 },
	{ 24, 0x123456, 0x123456 },
	{ 32, 0xff654321, 0x654321 },
};

START_TEST(test_vbe_pixels)
{
	unsigned int bytes = (depths[_i].bpp + 7) / 8, i;
	u32 at = (640 * 100 + 7) * bytes;
	u32 want = depths[_i].want ? depths[_i].want : colour(11);

	mode_set(&mode3);
	pci_map();
	vbe(1, 640);
	vbe(2, 480);
	vbe(3, depths[_i].bpp);
	vbe(4, 0x41);
	for (i = 0; i < bytes; i++)
		poke(0xe0000000 + at + i, (u8)(depths[_i].store >> 8 * i));
	look();
	ck_assert_int_eq(scr.kind, GM_SCREEN_PIXELS);
	ck_assert_uint_eq(scr.width, 640);
	ck_assert_uint_eq(scr.height, 480);
	ck_assert_uint_eq(scr.pixels[640 * 100 + 7], want);
	ck_assert_uint_eq(scr.pixels[640 * 100 + 8], depths[_i].bpp == 8 ? colour(0) : 0);
	/* the same memory through the bank at A0000 */
	vbe(5, (u16)(at >> 16));
	ck_assert_uint_eq(peek(0xa0000 + (at & 0xffff)), depths[_i].store & 0xff);
	/* offsets */
	vbe(8, 7);
	vbe(9, 100);
	look();
	ck_assert_uint_eq(scr.pixels[0], want);
	/* an offset that leaves memory shows black, not host memory */
	vbe(9, 0xffff);
	look();
	ck_assert_uint_eq(scr.pixels[640 * 479], 0);
	vbe(4, 0);
	look();
	ck_assert_int_eq(scr.kind, GM_SCREEN_TEXT);
}
END_TEST

START_TEST(test_vbe_mmio)
{
	unsigned int i, sum = 0;

	pci_map();
	for (i = 0; i < 128; i++)
		sum += peek(0xf0000000 + i);
	ck_assert_uint_eq(sum & 0xff, 0);
	ck_assert_uint_eq(gm_bus_read(m->mem, 0xf0000000, 4), 0xffffff00);
	ck_assert_uint_eq(peek(0xf0000000 + 56), 1280 & 0xff);
	ck_assert_uint_eq(gm_bus_read(m->mem, 0xf0000500, 2), 0xb0c5);
	gm_bus_write(m->mem, 0xf0000502, 2, 800);
	ck_assert_uint_eq(vbe_get(1), 800);
	gm_bus_write(m->mem, 0xf0000402, 1, 0x67);
	ck_assert_uint_eq(inb(0x3cc), 0x67);
	ck_assert_uint_eq(gm_bus_read(m->mem, 0xf0000600, 4), 8);
	ck_assert_uint_eq(gm_bus_read(m->mem, 0xf0000604, 4), 0x1e1e1e1e);
}
END_TEST

START_TEST(test_vbe_dac8)
{
	dac(1, 0x3f, 0x20, 0);
	vbe(4, 0x20);
	dac(2, 0xab, 0xcd, 0xef);
	outb(0x3c7, 1);
	ck_assert_uint_eq(inb(0x3c9), 0xff);
	ck_assert_uint_eq(inb(0x3c9), 0x82);
	inb(0x3c9);
	ck_assert_uint_eq(inb(0x3c9), 0xab);
	vbe(4, 0);
	outb(0x3c7, 1);
	ck_assert_uint_eq(inb(0x3c9), 0x3f);
	ck_assert_uint_eq(inb(0x3c9), 0x20);
}
END_TEST

/* ---- whole device ---- */

START_TEST(test_state)
{
	const struct gm_state_desc *d = dev->cls->state;
	size_t n = gm_state_size(d);
	u8 *a = malloc(n), *b = malloc(n);

	mode_set(&mode12);
	vbe(1, 800);
	ck_assert_uint_eq(gm_state_save(d, dev, a), n);
	dev->cls->reset(dev);
	ck_assert_int_eq(gm_state_load(d, dev, a, n), 0);
	ck_assert_int_eq(dev->cls->loaded(dev), 0);
	gm_state_save(d, dev, b);
	ck_assert_mem_eq(a, b, n);
	look();
	ck_assert_uint_eq(scr.width, 640);
	free(a);
	free(b);
}
END_TEST

/* Any bytes in any register, any mode: pictures stay within bounds (for the sanitizers). */
START_TEST(test_hostile)
{
	static const u16 ports[] = { 0x3c0, 0x3c2, 0x3c4, 0x3c5, 0x3ce, 0x3cf, 0x3d4, 0x3d5,
				     0x3b4, 0x3b5, 0x3c8, 0x3c9, 0x3da };
	u32 x = 12345u + (u32)_i, i, j;

	pci_map();
	for (i = 0; i < 300; i++) {
		for (j = 0; j < 60; j++) {
			x = x * 1664525 + 1013904223;
			outb(ports[(x >> 24) % ARRAY_SIZE(ports)], (u8)(x >> 8));
			if (!(j % 5))
				vbe((u16)(x >> 28), (u16)(x >> 10));
			poke(0xa0000 + (x >> 15), (u8)x);
			peek(0xa0000 + (x >> 15));
		}
		attr(0x3f, 0);
		crtc(0x17, 0xa3);
		src.snapshot(src.opaque, &scr, true, &since);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("vga");
	TCase *t = tcase_create("vga");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, test_write_modes, 0, ARRAY_SIZE(writes));
	tcase_add_test(t, test_read_mode1);
	tcase_add_test(t, test_windows);
	tcase_add_test(t, test_odd_even);
	tcase_add_test(t, test_chain4);
	tcase_add_test(t, test_crtc_protect);
	tcase_add_test(t, test_relocation);
	tcase_add_test(t, test_attr_flipflop);
	tcase_add_test(t, test_dac);
	tcase_add_test(t, test_text);
	tcase_add_test(t, test_text_pixels);
	tcase_add_test(t, test_mode13);
	tcase_add_test(t, test_mode_x);
	tcase_add_test(t, test_planar);
	tcase_add_test(t, test_cga);
	tcase_add_test(t, test_blank);
	tcase_add_test(t, test_vbe_registers);
	tcase_add_loop_test(t, test_vbe_pixels, 0, ARRAY_SIZE(depths));
	tcase_add_test(t, test_vbe_mmio);
	tcase_add_test(t, test_vbe_dac8);
	tcase_add_test(t, test_state);
	tcase_add_loop_test(t, test_hostile, 0, 4);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}

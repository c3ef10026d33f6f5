// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The VGA's path between the bus and its four memory planes: address modes, write modes 0 to 3,
 * read modes 0 and 1, latches, the logic unit.
 *
 * Text scrolling and planar drawing come through here byte by byte, so what depends on registers
 * alone is worked out beforehand (vga_mem_update), and the common case, a write that nothing
 * transforms, is a masked store. Where the registers make the window plain linear memory (mode
 * 13h as everyone programs it, VBE banks), video memory itself is mapped and nothing comes here.
 *
 * Source: IBM PS/2 Hardware Interface Technical Reference, Video Subsystem, "Graphics
 * Controller Registers" and "Sequencer Registers".
 */
#include "devices/vga/vga_int.h"

#define BYTES(b) ((u32)(b) * 0x01010101u) /* one byte for all planes */

/* A four-bit plane selection as a mask of bytes. */
static u32 planes_expand(u8 bits)
{
	u32 m = 0;
	unsigned int p;

	for (p = 0; p < 4; p++)
		if (bits >> p & 1)
			m |= 0xffu << 8 * p;
	return m;
}

static void vga_window_update(struct vga *v)
{
	u64 off = 0;
	bool on;

	if (v->vbe_on) {
		on = true;
		off = (u64)v->vbe[VBE_BANK] << 16;
	} else {
		on = v->mem_on && v->chain4 && v->plain && v->plane_mask == 0xffffffffu &&
		     !(v->gfx[5] & 8) && v->win_base == 0;
	}
	if (!v->window)
		return;
	if (on && off != v->window_off) {
		gm_ram_remap(v->window, v->vram, off, false);
		v->window_off = off;
	}
	if (on != v->window_on) {
		gm_region_enable(v->window, on);
		v->window_on = on;
	}
}

/* Works out what the memory path needs; called after a change of a register that it depends
 * on. */
void vga_mem_update(struct vga *v)
{
	static const struct {
		u32 base, len;
	} windows[4] = { { 0, 0x20000 }, { 0, 0x10000 }, { 0x10000, 0x8000 }, { 0x18000, 0x8000 } };
	unsigned int map = v->gfx[6] >> 2 & 3;

	v->win_base = windows[map].base;
	v->win_len = windows[map].len;
	v->mem_on = v->misc & 2;
	v->chain4 = v->seq[4] & 8;
	v->odd_even_write = !(v->seq[4] & 4);
	v->odd_even_read = v->gfx[5] & 0x10;
	v->odd_even_addr = v->gfx[6] & 2;
	v->plane_mask = planes_expand(v->seq[2]);
	v->set_reset = planes_expand(v->gfx[0]);
	v->set_reset_enable = planes_expand(v->gfx[1]);
	v->compare = planes_expand(v->gfx[2]);
	v->compare_care = planes_expand(v->gfx[7]);
	v->bit_mask = BYTES(v->gfx[8]);
	v->plain = !(v->gfx[5] & 3) && !(v->gfx[3] & 0x1f) && !(v->gfx[1] & 0xf) &&
		   v->gfx[8] == 0xff;
	v->vbe_on = v->vbe[VBE_ENABLE] & VBE_ENABLED;
	vga_window_update(v);
}

/* Planar address of a window offset, in other modes than chain-4. In odd/even mode address bit 0
 * selects the plane; with the 128 KiB window bit 16 takes its place. */
static inline u32 plane_address(const struct vga *v, u32 off)
{
	if (v->odd_even_addr)
		return (off & 0xfffe) | off >> 16;
	return off & 0xffff;
}

static u32 logic_unit(const struct vga *v, u32 val)
{
	switch (v->gfx[3] >> 3 & 3) {
	case 1:
		return val & v->latch;
	case 2:
		return val | v->latch;
	case 3:
		return val ^ v->latch;
	default:
		return val;
	}
}

/* What a CPU byte becomes on the four planes. */
static u32 write_data(const struct vga *v, u8 val)
{
	unsigned int rot = v->gfx[3] & 7;
	u8 rotated = (u8)(val >> rot | val << (8 - rot));
	u32 bits = v->bit_mask, data;

	switch (v->gfx[5] & 3) {
	case 0:
		data = BYTES(rotated);
		data = (data & ~v->set_reset_enable) | (v->set_reset & v->set_reset_enable);
		break;
	case 1:
		return v->latch;
	case 2:
		data = planes_expand(val);
		break;
	default:
		data = v->set_reset;
		bits &= BYTES(rotated);
		break;
	}
	data = logic_unit(v, data);
	return (data & bits) | (v->latch & ~bits);
}

void vga_mem_write(struct vga *v, u32 off, u8 val)
{
	u32 a, mask = v->plane_mask, data;

	if (v->vbe_on) {
		u64 byte = ((u64)v->vbe[VBE_BANK] << 16) + off;

		if (off < 0x10000 && byte < v->vram->size) {
			v->vram->host[byte] = val;
			vga_mark(v, byte);
		}
		return;
	}
	off -= v->win_base;
	if (off >= v->win_len || !v->mem_on)
		return;
	if (v->chain4) {
		a = off >> 2;
		mask &= 0xffu << 8 * (off & 3);
	} else {
		a = plane_address(v, off);
		if (v->odd_even_write)
			mask &= off & 1 ? 0xff00ff00u : 0x00ff00ffu;
	}
	data = v->plain ? BYTES(val) : write_data(v, val);
	v->vram32[a] = (v->vram32[a] & ~mask) | (data & mask);
	vga_mark(v, (u64)a * 4);
}

u8 vga_mem_read(struct vga *v, u32 off)
{
	unsigned int plane;
	u32 a, t;

	if (v->vbe_on) {
		u64 byte = ((u64)v->vbe[VBE_BANK] << 16) + off;

		return off < 0x10000 && byte < v->vram->size ? v->vram->host[byte] : 0xff;
	}
	off -= v->win_base;
	if (off >= v->win_len || !v->mem_on)
		return 0xff;
	if (v->chain4) {
		a = off >> 2;
		plane = off & 3;
	} else {
		a = plane_address(v, off);
		plane = v->gfx[4] & 3;
		if (v->odd_even_read)
			plane = (plane & 2) | (off & 1);
	}
	v->latch = v->vram32[a];
	if (!(v->gfx[5] & 8))
		return (u8)(v->latch >> 8 * plane);
	t = (v->latch ^ v->compare) & v->compare_care;
	t |= t >> 16;
	t |= t >> 8;
	return (u8)~t;
}

static u64 vga_window_read(void *opaque, u64 off, unsigned int size)
{
	u64 val = 0;
	unsigned int i;

	for (i = 0; i < size; i++)
		val |= (u64)vga_mem_read(opaque, (u32)off + i) << 8 * i;
	return val;
}

static void vga_window_write(void *opaque, u64 off, unsigned int size, u64 val)
{
	unsigned int i;

	for (i = 0; i < size; i++)
		vga_mem_write(opaque, (u32)off + i, (u8)(val >> 8 * i));
}

const struct gm_region_ops vga_mem_ops = {
	.name = "vga window",
	.read = vga_window_read,
	.write = vga_window_write,
	.min_size = 1,
	.max_size = 8,
};

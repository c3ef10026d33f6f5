// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The Bochs display interface (VBE extension): modes beyond VGA's with a linear frame buffer,
 * through ports 1CE (index) and 1CF or 1D0 (data) and through the memory BAR, where the VGA's own
 * registers and the monitor's EDID are found, too.
 *
 * Sources: Bochs "VBE Display" interface description (vbe_display_api.txt), ids B0C0 to B0C5;
 * the layout of BAR 2 as drivers of "stdvga" know it: EDID at 000, VGA ports 3C0.. at 400,
 * display interface registers at 500, a byte-order register at 604.
 */
#include "devices/vga/vga_int.h"

#define ID_FIRST 0xb0c0
#define ID_LAST  0xb0c5

unsigned int vbe_bytes_per_pixel(const struct vga *v)
{
	return (v->vbe[VBE_BPP] + 7u) / 8;
}

/* Bytes from one line to the next. */
u64 vbe_pitch(const struct vga *v)
{
	return (u64)v->vbe[VBE_VIRT_WIDTH] * vbe_bytes_per_pixel(v);
}

static bool bpp_valid(u16 bpp)
{
	return bpp == 8 || bpp == 15 || bpp == 16 || bpp == 24 || bpp == 32;
}

/* Brings the registers that depend on others within what video memory holds. */
static void virt_update(struct vga *v)
{
	u16 *r = v->vbe;
	u64 rows;

	if (r[VBE_VIRT_WIDTH] < r[VBE_XRES])
		r[VBE_VIRT_WIDTH] = r[VBE_XRES];
	rows = vbe_pitch(v) ? VGA_VRAM_SIZE / vbe_pitch(v) : 0;
	r[VBE_VIRT_HEIGHT] = (u16)MIN(rows, 0xffffULL);
}

static bool mode_fits(const struct vga *v)
{
	const u16 *r = v->vbe;

	return r[VBE_XRES] && r[VBE_YRES] &&
	       (u64)r[VBE_XRES] * r[VBE_YRES] * vbe_bytes_per_pixel(v) <= VGA_VRAM_SIZE;
}

/* Six bits a DAC component or eight: what is there keeps its colour. */
static void dac_width_set(struct vga *v, bool eight)
{
	size_t i;

	for (i = 0; i < sizeof(v->dac); i++)
		v->dac[i] = eight ? (u8)(v->dac[i] << 2 | v->dac[i] >> 4) : v->dac[i] >> 2;
}

static void enable_write(struct vga *v, u16 val)
{
	u16 old = v->vbe[VBE_ENABLE];

	val &= VBE_ENABLED | VBE_GETCAPS | VBE_8BIT_DAC | VBE_LFB | VBE_NOCLEARMEM;
	if ((old ^ val) & VBE_8BIT_DAC)
		dac_width_set(v, val & VBE_8BIT_DAC);
	if (val & VBE_ENABLED && !mode_fits(v))
		val &= (u16)~VBE_ENABLED;
	if (val & VBE_ENABLED && !(old & VBE_ENABLED)) {
		v->vbe[VBE_VIRT_WIDTH] = v->vbe[VBE_XRES];
		v->vbe[VBE_X_OFFSET] = v->vbe[VBE_Y_OFFSET] = 0;
		v->vbe[VBE_BANK] = 0;
		virt_update(v);
		if (!(val & VBE_NOCLEARMEM)) {
			u64 bytes = vbe_pitch(v) * v->vbe[VBE_YRES];

			memset(v->vram->host, 0, MIN(bytes, VGA_VRAM_SIZE));
		}
	}
	if (!(val & VBE_ENABLED))
		v->vbe[VBE_BANK] = 0;
	v->vbe[VBE_ENABLE] = val;
}

/* A resolution or depth written while a mode is on: the mode goes off if it no longer fits. */
static void geometry_write(struct vga *v, unsigned int index, u16 val)
{
	static const u16 limits[] = { [VBE_XRES] = VBE_MAX_XRES, [VBE_YRES] = VBE_MAX_YRES };

	if (index == VBE_BPP) {
		val = val ? val : 8;
		if (!bpp_valid(val))
			return;
	} else if (val > limits[index]) {
		return;
	}
	v->vbe[index] = val;
	if (!(v->vbe[VBE_ENABLE] & VBE_ENABLED))
		return;
	if (mode_fits(v))
		virt_update(v);
	else
		v->vbe[VBE_ENABLE] &= (u16)~VBE_ENABLED;
}

/* Index ranges over VBE_*; others read as 0. */
u16 vbe_read(struct vga *v, unsigned int index)
{
	static const u16 caps[] = {
		[VBE_XRES] = VBE_MAX_XRES, [VBE_YRES] = VBE_MAX_YRES, [VBE_BPP] = VBE_MAX_BPP
	};

	if (index >= VBE_NREGS)
		return 0;
	if (v->vbe[VBE_ENABLE] & VBE_GETCAPS && index >= VBE_XRES && index <= VBE_BPP)
		return caps[index];
	return v->vbe[index];
}

void vbe_write(struct vga *v, unsigned int index, u16 val)
{
	switch (index) {
	case VBE_ID:
		if (val >= ID_FIRST && val <= ID_LAST)
			v->vbe[VBE_ID] = val;
		return;
	case VBE_XRES:
	case VBE_YRES:
	case VBE_BPP:
		geometry_write(v, index, val);
		break;
	case VBE_ENABLE:
		enable_write(v, val);
		break;
	case VBE_BANK:
		if (((u64)val << 16) >= VGA_VRAM_SIZE)
			return;
		v->vbe[VBE_BANK] = val;
		break;
	case VBE_VIRT_WIDTH:
		if (val < v->vbe[VBE_XRES] || (u64)val * vbe_bytes_per_pixel(v) *
						      v->vbe[VBE_YRES] > VGA_VRAM_SIZE)
			return;
		v->vbe[VBE_VIRT_WIDTH] = val;
		virt_update(v);
		break;
	case VBE_X_OFFSET:
	case VBE_Y_OFFSET:
		v->vbe[index] = val;
		break;
	default:
		return;
	}
	vga_changed(v);
	vga_mem_update(v);
}

void vbe_reset(struct vga *v)
{
	memset(v->vbe, 0, sizeof(v->vbe));
	v->vbe_index = 0;
	v->vbe[VBE_ID] = ID_LAST;
	v->vbe[VBE_BPP] = 8;
	v->vbe[VBE_MEMORY_64K] = VGA_VRAM_SIZE >> 16;
}

/* After a load: values that no write could have left are made harmless. */
void vbe_limit(struct vga *v)
{
	u16 *r = v->vbe;

	r[VBE_MEMORY_64K] = VGA_VRAM_SIZE >> 16;
	if (!bpp_valid(r[VBE_BPP]))
		r[VBE_BPP] = 8;
	if (r[VBE_XRES] > VBE_MAX_XRES || r[VBE_YRES] > VBE_MAX_YRES || !mode_fits(v))
		r[VBE_ENABLE] &= (u16)~VBE_ENABLED;
	if ((u64)r[VBE_BANK] << 16 >= VGA_VRAM_SIZE)
		r[VBE_BANK] = 0;
	if (r[VBE_ENABLE] & VBE_ENABLED)
		virt_update(v);
}

/* ---- ports 1CE to 1D1 ---- */

static u64 vbe_port_read(void *opaque, u64 off, unsigned int size)
{
	struct vga *v = opaque;

	if (off == 0)
		return v->vbe_index;
	return off <= 2 ? vbe_read(v, v->vbe_index) : 0xffff;
}

static void vbe_port_write(void *opaque, u64 off, unsigned int size, u64 val)
{
	struct vga *v = opaque;

	if (off == 0)
		v->vbe_index = (u16)val;
	else if (off <= 2 && size == 2)
		vbe_write(v, v->vbe_index, (u16)val);
}

const struct gm_region_ops vbe_port_ops = {
	.name = "vbe ports",
	.read = vbe_port_read,
	.write = vbe_port_write,
	.min_size = 1,
	.max_size = 2,
	.unaligned = true,
};

/* ---- BAR 2 ---- */

#define MMIO_EDID_END  0x080
#define MMIO_VGA       0x400
#define MMIO_VGA_END   0x420
#define MMIO_DISPI     0x500
#define MMIO_DISPI_END (MMIO_DISPI + 2 * VBE_NREGS)
#define MMIO_EXT       0x600 /* size of the extension block: 8 bytes */
#define MMIO_ORDER     0x604 /* byte order of the frame buffer: 1E1E1E1E little */

static u64 vbe_mmio_read(void *opaque, u64 off, unsigned int size)
{
	struct vga *v = opaque;

	if (off + size <= MMIO_EDID_END)
		return size == 2 ? v->edid[off] | v->edid[off + 1] << 8 : v->edid[off];
	if (off >= MMIO_VGA && off + size <= MMIO_VGA_END) {
		u16 port = (u16)(0x3c0 + off - MMIO_VGA);
		u16 val = vga_port_read(v, port);

		return size == 2 ? val | vga_port_read(v, port + 1) << 8 : val;
	}
	if (off >= MMIO_DISPI && off < MMIO_DISPI_END)
		return vbe_read(v, (unsigned int)(off - MMIO_DISPI) / 2) >> 8 * (off & 1);
	if (off == MMIO_EXT)
		return 8;
	if (off >= MMIO_ORDER && off < MMIO_ORDER + 4)
		return 0x1e1e;
	return 0;
}

static void vbe_mmio_write(void *opaque, u64 off, unsigned int size, u64 val)
{
	struct vga *v = opaque;

	if (off >= MMIO_VGA && off + size <= MMIO_VGA_END) {
		u16 port = (u16)(0x3c0 + off - MMIO_VGA);

		vga_port_write(v, port, (u8)val);
		if (size == 2)
			vga_port_write(v, port + 1, (u8)(val >> 8));
	} else if (off >= MMIO_DISPI && off < MMIO_DISPI_END && size == 2) {
		vbe_write(v, (unsigned int)(off - MMIO_DISPI) / 2, (u16)val);
	}
}

const struct gm_region_ops vbe_mmio_ops = {
	.name = "vga mmio",
	.read = vbe_mmio_read,
	.write = vbe_mmio_write,
	.min_size = 1,
	.max_size = 2,
};

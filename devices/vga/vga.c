// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * IBM VGA: registers, and the device as a whole (PCI 1234:1111 with the Bochs VBE extension).
 *
 * Leans on vga_mem.c (planes), vbe.c (VBE extension), vga_render.c and vga_text.c (drawing).
 * Sources: IBM PS/2 Hardware Interface Technical Reference, Video Subsystem; the legacy ports
 * are decoded whatever the PCI command register says, as chipset-routed VGA ports are.
 */
#include <errno.h>
#include <stdlib.h>
#include "devices/vga/vga_int.h"

#define ROM_MAX (1 * MiB)

/* Bits that exist in each register. */
static const u8 seq_bits[VGA_NSEQ] = { 0x03, 0x3d, 0x0f, 0x3f, 0x0e };
static const u8 gfx_bits[VGA_NGFX] = { 0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff };
static const u8 attr_bits[VGA_NATTR] = {
	0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f,
	0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0xef, 0xff, 0x3f, 0x0f, 0x0f,
};

/* ---- timing ---- */

struct vga_timing {
	u64 line_ns, frame_ns, shown_ns; /* shown_ns: the visible part of a line */
	unsigned int shown_lines, retrace_start, retrace_lines;
};

static void vga_timing_get(const struct vga *v, struct vga_timing *t)
{
	static const u32 clocks[4] = { 25175000, 28322000, 25175000, 25175000 };
	u64 hz = clocks[v->misc >> 2 & 3] >> (v->seq[1] >> 3 & 1);
	unsigned int dots = v->seq[1] & 1 ? 8 : 9, over = v->crtc[7];
	unsigned int total = v->crtc[6] | (over & 1) << 8 | (over >> 5 & 1) << 9;
	unsigned int start = v->crtc[0x10] | (over >> 2 & 1) << 8 | (over >> 7 & 1) << 9;

	t->line_ns = (v->crtc[0] + 5) * dots * NSEC_PER_SEC / hz;
	t->shown_ns = (v->crtc[1] + 1) * dots * NSEC_PER_SEC / hz;
	total += 2;
	t->frame_ns = total * t->line_ns;
	t->shown_lines = (v->crtc[0x12] | (over >> 1 & 1) << 8 | (over >> 6 & 1) << 9) + 1;
	t->retrace_start = start;
	t->retrace_lines = ((v->crtc[0x11] & 0xf) - (start & 0xf)) & 0xf;
	/* Not programmed to anything that a monitor would show: 60 frames of 525 lines. */
	if (total < 100 || t->retrace_start >= total || t->shown_lines >= total ||
	    t->shown_ns >= t->line_ns) {
		t->line_ns = 31746;
		t->shown_ns = 25400;
		t->frame_ns = 525 * t->line_ns;
		t->shown_lines = 480;
		t->retrace_start = 490;
	}
	if (t->retrace_lines < 2)
		t->retrace_lines = 2;
}

/* Input status 1: bit 0 display not enabled, bit 3 vertical retrace. */
static u8 vga_status1(struct vga *v)
{
	struct vga_timing t;
	u64 in_frame, line;
	u8 st = 0;

	vga_timing_get(v, &t);
	in_frame = gm_clock_now(v->pci.dev.m->clock) % t.frame_ns;
	line = in_frame / t.line_ns;
	if (line >= t.shown_lines || in_frame % t.line_ns >= t.shown_ns)
		st |= 1;
	if (line >= t.retrace_start && line < t.retrace_start + t.retrace_lines)
		st |= 9;
	return st;
}

/* ---- register groups ---- */

static void seq_write(struct vga *v, u8 val)
{
	if (v->seq_index >= VGA_NSEQ)
		return;
	v->seq[v->seq_index] = val & seq_bits[v->seq_index];
	vga_changed(v);
	if (v->seq_index == 2 || v->seq_index == 4)
		vga_mem_update(v);
}

static void gfx_write(struct vga *v, u8 val)
{
	if (v->gfx_index >= VGA_NGFX)
		return;
	v->gfx[v->gfx_index] = val & gfx_bits[v->gfx_index];
	if (v->gfx_index == 5 || v->gfx_index == 6)
		vga_changed(v);
	vga_mem_update(v);
}

static void crtc_write(struct vga *v, u8 val)
{
	u8 i = v->crtc_index;

	if (i >= VGA_NCRTC)
		return;
	/* Registers 0 to 7 can be locked; the line compare bit in 7 stays open. */
	if (i <= 7 && v->crtc[0x11] & 0x80) {
		if (i == 7)
			v->crtc[7] = (v->crtc[7] & ~0x10) | (val & 0x10);
	} else {
		v->crtc[i] = val;
	}
	vga_changed(v);
}

static void attr_write(struct vga *v, u8 val)
{
	u8 i = v->attr_index & 0x1f;

	if (!v->attr_data) {
		if ((v->attr_index ^ val) & 0x20)
			vga_changed(v);
		v->attr_index = val & 0x3f;
	} else if (i < VGA_NATTR && !(i < 16 && v->attr_index & 0x20)) {
		/* The palette proper is locked while it feeds the screen. */
		v->attr[i] = val & attr_bits[i];
		vga_changed(v);
	}
	v->attr_data = !v->attr_data;
}

static u8 dac_data_read(struct vga *v)
{
	u8 val = v->dac[v->dac_read * 3 + v->dac_sub];

	if (++v->dac_sub == 3) {
		v->dac_sub = 0;
		v->dac_read++;
	}
	return val;
}

static void dac_data_write(struct vga *v, u8 val)
{
	v->dac_part[v->dac_sub] = v->vbe[VBE_ENABLE] & VBE_8BIT_DAC ? val : val & 0x3f;
	if (++v->dac_sub < 3)
		return;
	memcpy(&v->dac[v->dac_write * 3], v->dac_part, 3);
	v->dac_sub = 0;
	v->dac_write++;
	vga_changed(v);
}

/* ---- ports ---- */

/* 3Bx answers when the adapter is set to monochrome addresses, 3Dx when to colour. */
static bool vga_port_off(const struct vga *v, u16 port)
{
	if ((port & ~0xfu) == 0x3b0)
		return v->misc & 1;
	if ((port & ~0xfu) == 0x3d0)
		return !(v->misc & 1);
	return false;
}

u8 vga_port_read(struct vga *v, u16 port)
{
	if (vga_port_off(v, port))
		return 0xff;
	switch (port) {
	case 0x3b4:
	case 0x3d4:
		return v->crtc_index;
	case 0x3b5:
	case 0x3d5:
		return v->crtc_index < VGA_NCRTC ? v->crtc[v->crtc_index] : 0;
	case 0x3ba:
	case 0x3da:
		v->attr_data = false;
		return vga_status1(v);
	case 0x3c0:
		return v->attr_data ? 0 : v->attr_index;
	case 0x3c1:
		return (v->attr_index & 0x1f) < VGA_NATTR ? v->attr[v->attr_index & 0x1f] : 0;
	case 0x3c2:
		return 0x10; /* monitor sense: a colour monitor */
	case 0x3c3:
		return v->subsystem;
	case 0x3c4:
		return v->seq_index;
	case 0x3c5:
		return v->seq_index < VGA_NSEQ ? v->seq[v->seq_index] : 0;
	case 0x3c6:
		return v->dac_mask;
	case 0x3c7:
		return v->dac_state;
	case 0x3c8:
		return v->dac_write;
	case 0x3c9:
		return dac_data_read(v);
	case 0x3ca:
		return v->feature;
	case 0x3cc:
		return v->misc;
	case 0x3ce:
		return v->gfx_index;
	case 0x3cf:
		return v->gfx_index < VGA_NGFX ? v->gfx[v->gfx_index] : 0;
	default:
		return 0xff;
	}
}

void vga_port_write(struct vga *v, u16 port, u8 val)
{
	if (vga_port_off(v, port))
		return;
	switch (port) {
	case 0x3b4:
	case 0x3d4:
		v->crtc_index = val & 0x3f;
		break;
	case 0x3b5:
	case 0x3d5:
		crtc_write(v, val);
		break;
	case 0x3ba:
	case 0x3da:
		v->feature = val & 0x0b;
		break;
	case 0x3c0:
		attr_write(v, val);
		break;
	case 0x3c2:
		v->misc = val & 0xef;
		vga_changed(v);
		vga_mem_update(v);
		break;
	case 0x3c3:
		v->subsystem = val & 1;
		break;
	case 0x3c4:
		v->seq_index = val & 7;
		break;
	case 0x3c5:
		seq_write(v, val);
		break;
	case 0x3c6:
		v->dac_mask = val;
		vga_changed(v);
		break;
	case 0x3c7:
		v->dac_read = val;
		v->dac_sub = 0;
		v->dac_state = 3;
		break;
	case 0x3c8:
		v->dac_write = val;
		v->dac_sub = 0;
		v->dac_state = 0;
		break;
	case 0x3c9:
		dac_data_write(v, val);
		break;
	case 0x3ce:
		v->gfx_index = val & 0x0f;
		break;
	case 0x3cf:
		gfx_write(v, val);
		break;
	}
}

#define VGA_PORTS(base)                                                                            \
	static u64 vga_read_##base(void *opaque, u64 off, unsigned int size)                       \
	{                                                                                          \
		return vga_port_read(opaque, (u16)(0x##base + off));                               \
	}                                                                                          \
	static void vga_write_##base(void *opaque, u64 off, unsigned int size, u64 val)            \
	{                                                                                          \
		vga_port_write(opaque, (u16)(0x##base + off), (u8)val);                            \
	}                                                                                          \
	static const struct gm_region_ops vga_ops_##base = {                                       \
		.name = "vga ports",                                                               \
		.read = vga_read_##base,                                                           \
		.write = vga_write_##base,                                                         \
		.min_size = 1,                                                                     \
		.max_size = 1,                                                                     \
	}

VGA_PORTS(3b4);
VGA_PORTS(3ba);
VGA_PORTS(3c0);
VGA_PORTS(3d4);
VGA_PORTS(3da);

static const struct {
	u16 base, len;
	const struct gm_region_ops *ops;
} vga_port_ranges[] = {
	{ 0x3b4, 2, &vga_ops_3b4 },  { 0x3ba, 1, &vga_ops_3ba }, { 0x3c0, 16, &vga_ops_3c0 },
	{ 0x3d4, 2, &vga_ops_3d4 },  { 0x3da, 1, &vga_ops_3da }, { 0x1ce, 4, &vbe_port_ops },
};

/* ---- the device ---- */

static void vga_reset(struct gm_dev *d)
{
	struct vga *v = container_of(d, struct vga, pci.dev);

	gm_pci_reset(&v->pci);
	v->misc = v->feature = 0;
	v->subsystem = 1;
	v->seq_index = v->gfx_index = v->crtc_index = v->attr_index = 0;
	memset(v->seq, 0, sizeof(v->seq));
	memset(v->gfx, 0, sizeof(v->gfx));
	memset(v->crtc, 0, sizeof(v->crtc));
	memset(v->attr, 0, sizeof(v->attr));
	memset(v->dac, 0, sizeof(v->dac));
	memset(v->dac_part, 0, sizeof(v->dac_part));
	v->attr_data = false;
	v->dac_mask = 0xff;
	v->dac_state = v->dac_read = v->dac_write = v->dac_sub = 0;
	v->latch = 0;
	vbe_reset(v);
	vga_changed(v);
	vga_mem_update(v);
}

static int vga_loaded(struct gm_dev *d)
{
	struct vga *v = container_of(d, struct vga, pci.dev);

	if (v->dac_sub > 2)
		return -EINVAL;
	v->crtc_index &= 0x3f;
	v->seq_index &= 7;
	v->gfx_index &= 0xf;
	vbe_limit(v);
	vga_changed(v);
	gm_pci_loaded(&v->pci);
	vga_mem_update(v);
	return 0;
}

static int vga_rom_init(struct vga *v, const struct gm_vga_cfg *cfg)
{
	struct gm_pci_bar bar = { .flags = 0 };
	u64 size = 4096;

	if (!cfg->rom || !cfg->rom_len)
		return 0;
	if (cfg->rom_len > ROM_MAX)
		return -EFBIG;
	while (size < cfg->rom_len)
		size *= 2;
	v->rom = gm_ram_new(v->pci.dev.m->mem, "vga rom", size, 0);
	if (!v->rom)
		return -ENOMEM;
	memcpy(v->rom->host, cfg->rom, cfg->rom_len);
	v->rom->readonly_backing = true;
	bar.size = size;
	bar.ram = v->rom;
	return gm_pci_bar_add(&v->pci, GM_PCI_ROM, &bar, v);
}

static int vga_bars_init(struct vga *v, const struct gm_vga_cfg *cfg)
{
	struct gm_pci_bar lfb = { .size = VGA_VRAM_SIZE, .flags = GM_PCI_BAR_PREFETCH };
	struct gm_pci_bar mmio = { .size = 4096, .ops = &vbe_mmio_ops };
	int err;

	lfb.ram = v->vram;
	err = gm_pci_bar_add(&v->pci, 0, &lfb, v);
	if (!err)
		err = gm_pci_bar_add(&v->pci, 2, &mmio, v);
	return err ? err : vga_rom_init(v, cfg);
}

static void vga_dirtied(void *opaque)
{
	vga_tell(opaque);
}

static int vga_init(struct gm_dev *d, const void *config)
{
	struct vga *v = container_of(d, struct vga, pci.dev);
	const struct gm_vga_cfg *cfg = config;
	struct gm_machine *m = d->m;
	unsigned int i;
	int err;

	err = gm_pci_init(&v->pci, &cfg->pci);
	if (err)
		return err;
	v->vram = gm_ram_new(m->mem, "vga", VGA_VRAM_SIZE, GM_RAM_DIRTY_LOG);
	if (!v->vram)
		return -ENOMEM;
	v->vram32 = (u32 *)v->vram->host;
	v->vram->dirtied = vga_dirtied;
	v->vram->dirtied_opaque = v;
	vga_edid_make(v->edid);
	err = vga_bars_init(v, cfg);
	if (err)
		return err;
	for (i = 0; i < ARRAY_SIZE(vga_port_ranges); i++)
		if (!gm_region_add(m->pio, vga_port_ranges[i].base, vga_port_ranges[i].len,
				   vga_port_ranges[i].ops, v))
			return -ENOMEM;
	/* Registers lie under the direct window, which is switched on where it gives the same. */
	if (!gm_region_add_prio(m->mem, 0xa0000, 0x20000, GM_PRIO_PCI, &vga_mem_ops, v))
		return -ENOMEM;
	v->window = gm_ram_map(m->mem, v->vram, 0, 0xa0000, 0x10000, GM_PRIO_FIXED, false);
	if (!v->window)
		return -ENOMEM;
	gm_region_enable(v->window, false);
	return 0;
}

void gm_vga_display_source(struct gm_dev *d, struct gm_display_source *src)
{
	src->snapshot = vga_snapshot;
	src->watch = vga_watch;
	src->unwatch = vga_unwatch;
	src->opaque = container_of(d, struct vga, pci.dev);
}

static const struct gm_field vga_fields[] = {
	GM_STRUCT(struct vga, pci, &gm_pci_state),
	GM_U8(struct vga, misc),
	GM_U8(struct vga, feature),
	GM_U8(struct vga, subsystem),
	GM_U8(struct vga, seq_index),
	GM_U8(struct vga, seq),
	GM_U8(struct vga, gfx_index),
	GM_U8(struct vga, gfx),
	GM_U8(struct vga, crtc_index),
	GM_U8(struct vga, crtc),
	GM_U8(struct vga, attr_index),
	GM_U8(struct vga, attr),
	GM_BOOL(struct vga, attr_data),
	GM_U8(struct vga, dac_mask),
	GM_U8(struct vga, dac_state),
	GM_U8(struct vga, dac_read),
	GM_U8(struct vga, dac_write),
	GM_U8(struct vga, dac_sub),
	GM_U8(struct vga, dac_part),
	GM_BYTES(struct vga, dac),
	GM_U32(struct vga, latch),
	GM_U16(struct vga, vbe_index),
	GM_U16(struct vga, vbe),
	GM_OMIT(struct vga, vram, "a RAM block, saved with the machine's memory"),
	GM_OMIT(struct vga, vram32, "points into vram"),
	GM_OMIT(struct vga, rom, "read-only, comes from the configuration"),
	GM_OMIT(struct vga, window, "host object; placed again by vga_mem_update"),
	GM_OMIT(struct vga, window_on, "derived by vga_mem_update"),
	GM_OMIT(struct vga, window_off, "derived by vga_mem_update"),
	GM_OMIT(struct vga, win_base, "derived by vga_mem_update"),
	GM_OMIT(struct vga, win_len, "derived by vga_mem_update"),
	GM_OMIT(struct vga, plane_mask, "derived by vga_mem_update"),
	GM_OMIT(struct vga, set_reset, "derived by vga_mem_update"),
	GM_OMIT(struct vga, set_reset_enable, "derived by vga_mem_update"),
	GM_OMIT(struct vga, compare, "derived by vga_mem_update"),
	GM_OMIT(struct vga, compare_care, "derived by vga_mem_update"),
	GM_OMIT(struct vga, bit_mask, "derived by vga_mem_update"),
	GM_OMIT(struct vga, plain, "derived by vga_mem_update"),
	GM_OMIT(struct vga, chain4, "derived by vga_mem_update"),
	GM_OMIT(struct vga, odd_even_write, "derived by vga_mem_update"),
	GM_OMIT(struct vga, odd_even_read, "derived by vga_mem_update"),
	GM_OMIT(struct vga, odd_even_addr, "derived by vga_mem_update"),
	GM_OMIT(struct vga, vbe_on, "derived by vga_mem_update"),
	GM_OMIT(struct vga, mem_on, "derived by vga_mem_update"),
	GM_OMIT(struct vga, changed, "for the user interface; set by a load"),
	GM_OMIT(struct vga, generation, "counts changes for the user interface"),
	GM_OMIT(struct vga, watches, "the user interface's"),
	GM_OMIT(struct vga, edid, "constant"),
	GM_FIELDS_END,
};

static const struct gm_state_desc vga_state = {
	.name = "vga",
	.version = 1,
	.size = sizeof(struct vga),
	.fields = vga_fields,
};

const struct gm_pci_class gm_vga_class = {
	.dev = {
		.name = "vga",
		.title = "VGA with Bochs VBE extension",
		.size = sizeof(struct vga),
		.state = &vga_state,
		.init = vga_init,
		.reset = vga_reset,
		.loaded = vga_loaded,
	},
	.vendor = 0x1234,
	.device = 0x1111,
	.subvendor = 0x1af4,
	.subdevice = 0x1100,
	.class_code = 0x030000,
	.revision = 2, /* from 2 on drivers look for the registers of BAR 2 */
};

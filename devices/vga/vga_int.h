/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the VGA share: its state and the seams between registers (vga.c), memory
 * path (vga_mem.c), VBE extension (vbe.c), and drawing (vga_text.c, vga_render.c).
 *
 * Video memory is kept as the hardware wires it: byte 4 * a + p is address `a` of plane `p`, so
 * that one 32-bit load fetches all four planes. Chain-4 addresses are linear in this layout,
 * which lets mode 13h and the VBE modes be mapped into the guest directly.
 */
#ifndef GM_VGA_INT_H
#define GM_VGA_INT_H

#include "devices/vga/vga.h"

#define VGA_VRAM_SIZE  (16 * MiB)
#define VGA_PLANE_SIZE 0x10000u /* addresses a plane that the VGA proper reaches */
#define VGA_NSEQ       5
#define VGA_NGFX       9
#define VGA_NCRTC      25
#define VGA_NATTR      21
#define VGA_PAGE_SHIFT 12

/* Bochs display interface registers (VBE_DISPI_INDEX_*). */
enum {
	VBE_ID,
	VBE_XRES,
	VBE_YRES,
	VBE_BPP,
	VBE_ENABLE,
	VBE_BANK,
	VBE_VIRT_WIDTH,
	VBE_VIRT_HEIGHT,
	VBE_X_OFFSET,
	VBE_Y_OFFSET,
	VBE_MEMORY_64K,
	VBE_NREGS,
};
#define VBE_ENABLED     0x01
#define VBE_GETCAPS     0x02
#define VBE_8BIT_DAC    0x20
#define VBE_LFB         0x40
#define VBE_NOCLEARMEM  0x80
#define VBE_MAX_XRES    2560
#define VBE_MAX_YRES    1600
#define VBE_MAX_BPP     32

struct vga {
	struct gm_pci_dev pci;
	u8 misc, feature, subsystem;
	u8 seq_index, seq[VGA_NSEQ];
	u8 gfx_index, gfx[VGA_NGFX];
	u8 crtc_index, crtc[VGA_NCRTC];
	u8 attr_index; /* with bit 5: palette address source */
	u8 attr[VGA_NATTR];
	bool attr_data; /* the flip-flop: the next write to 3C0 is data */
	u8 dac_mask, dac_state, dac_read, dac_write, dac_sub;
	u8 dac_part[3];
	u8 dac[256 * 3]; /* 6 bits a component, 8 with VBE_8BIT_DAC */
	u32 latch;
	u16 vbe_index, vbe[VBE_NREGS];

	/* Below: derived from the registers by vga_mem_update(), or not guest-visible. */
	struct gm_ram *vram;
	u32 *vram32;
	struct gm_ram *rom;
	struct gm_region *window; /* A0000: video memory seen directly */
	bool window_on;
	u64 window_off;
	u32 win_base, win_len; /* the legacy window within A0000..BFFFF */
	u32 plane_mask, set_reset, set_reset_enable, compare, compare_care, bit_mask;
	bool plain, chain4, odd_even_write, odd_even_read, odd_even_addr, vbe_on, mem_on;
	bool changed; /* a register that shows was written */
	u64 generation;
	struct gm_display_watch *watches;
	u8 edid[128];
};

/* vga.c */
u8 vga_port_read(struct vga *v, u16 port);
void vga_port_write(struct vga *v, u16 port, u8 val);

/* vga_mem.c: offsets are relative to A0000. */
extern const struct gm_region_ops vga_mem_ops;
void vga_mem_update(struct vga *v);
u8 vga_mem_read(struct vga *v, u32 off);
void vga_mem_write(struct vga *v, u32 off, u8 val);

/* vga_render.c: something that shows has changed. */
void vga_watches_call(struct vga *v);
bool vga_watch(void *opaque, struct gm_display_watch *w);
void vga_unwatch(void *opaque, struct gm_display_watch *w);

static inline void vga_tell(struct vga *v)
{
	if (v->watches)
		vga_watches_call(v);
}

static inline void vga_changed(struct vga *v)
{
	v->changed = true;
	vga_tell(v);
}

static inline void vga_mark(struct vga *v, u64 byte)
{
	u64 page = byte >> VGA_PAGE_SHIFT, bit = 1ULL << (page & 63);
	u64 *word = &v->vram->dirty[page >> 6];

	if (__atomic_load_n(word, __ATOMIC_RELAXED) & bit)
		return;
	__atomic_fetch_or(word, bit, __ATOMIC_RELAXED);
	vga_tell(v);
}

/* vbe.c */
u16 vbe_read(struct vga *v, unsigned int index);
void vbe_write(struct vga *v, unsigned int index, u16 val);
void vbe_reset(struct vga *v);
void vbe_limit(struct vga *v);
unsigned int vbe_bytes_per_pixel(const struct vga *v);
u64 vbe_pitch(const struct vga *v);
extern const struct gm_region_ops vbe_port_ops, vbe_mmio_ops;

/* edid.c: fills in 128 bytes: VESA E-EDID 1.4 of a 1280 x 800 monitor. */
void vga_edid_make(u8 *edid);

/* What is on the screen, worked out from the registers. */
struct vga_geometry {
	enum gm_screen_kind kind;
	unsigned int chars;   /* character clocks shown */
	unsigned int lines;   /* scan lines shown */
	unsigned int repeat;  /* scan lines that show the same line of memory */
	unsigned int cell_h;  /* scan lines a character row */
	unsigned int cell_w;  /* dots a character */
	unsigned int width, height; /* of the picture */
	u32 start, offset, line_compare;
	bool doubled;
};

/* vga_render.c */
void vga_geometry_get(const struct vga *v, struct vga_geometry *g);
u32 vga_crtc_address(const struct vga *v, u32 counter, unsigned int row);
u32 vga_dac_colour(const struct vga *v, u8 index);
u32 vga_attr_colour(const struct vga *v, u8 index);
/* Walks the scan lines as the CRT controller does: calls `line` once for each line of the
 * picture with the memory counter and row within the character. */
struct vga_scan {
	const struct vga *v;
	const struct vga_geometry *g;
	u32 *out; /* g->width pixels */
	u32 counter;
	unsigned int row, pan;
	unsigned int y;
	bool split; /* below line compare */
};
typedef void (*vga_line_fn)(const struct vga_scan *s);
void vga_scan_lines(const struct vga *v, const struct vga_geometry *g, u32 *pixels,
		    vga_line_fn fn);
bool vga_snapshot(void *opaque, struct gm_screen *s, bool want_pixels, u64 *since);

/* vga_text.c */
void vga_text_cells(const struct vga *v, const struct vga_geometry *g, struct gm_screen *s);
void vga_text_line(const struct vga_scan *s);

#endif

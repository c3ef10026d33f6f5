// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The VGA's text modes: as cells (for terminals and tests) and as pixels drawn with the guest's
 * own fonts, 8 or 9 dots wide, one font or two.
 *
 * Source: IBM PS/2 Hardware Interface Technical Reference, Video Subsystem, "Alphanumeric
 * Modes", "Character Map Select Register", "Attribute Mode Control Register".
 */
#include "devices/vga/vga_int.h"

#define FONT_STRIDE 32 /* bytes a glyph in plane 2 */

/* Where the two fonts begin: map selects 0 to 3 are at 0, 16, 32, 48 KiB, 4 to 7 8 KiB up. */
static void fonts_get(const struct vga *v, u32 font[2])
{
	u8 r = v->seq[3];

	font[0] = (u32)(r & 3) << 14 | (u32)(r >> 4 & 1) << 13;      /* map B: attribute bit 3 = 0 */
	font[1] = (u32)(r >> 2 & 3) << 14 | (u32)(r >> 5 & 1) << 13; /* map A: attribute bit 3 = 1 */
}

static u32 cursor_address(const struct vga *v)
{
	return (u32)(v->crtc[0x0e] << 8 | v->crtc[0x0f]);
}

void vga_text_cells(const struct vga *v, const struct vga_geometry *g, struct gm_screen *s)
{
	u32 counter = g->start + (v->crtc[8] >> 5 & 3), cursor = cursor_address(v);
	bool shown = !(v->crtc[0x0a] & 0x20);
	unsigned int x, y, cell_lines = g->cell_h * g->repeat;
	bool split = false;

	s->cursor_x = s->cursor_y = -1;
	s->cursor_start = v->crtc[0x0a] & 0x1f;
	s->cursor_end = v->crtc[0x0b] & 0x1f;
	if (s->cursor_start > s->cursor_end || s->cursor_start >= g->cell_h)
		shown = false;
	s->blink = v->attr[0x10] & 8;
	for (x = 0; x < 16; x++)
		s->palette[x] = vga_attr_colour(v, (u8)(x & v->attr[0x12]));
	for (y = 0; y < s->rows; y++, counter += g->offset) {
		if (!split && y * cell_lines > g->line_compare) {
			split = true;
			counter = 0;
		}
		for (x = 0; x < s->cols; x++) {
			u32 data = v->vram32[vga_crtc_address(v, counter + x, 0)];
			struct gm_cell *c = &s->cells[(size_t)y * s->cols + x];

			c->ch = (u8)data;
			c->attr = (u8)(data >> 8);
			if (shown && ((counter + x) & 0xffff) == cursor) {
				s->cursor_x = (int)x;
				s->cursor_y = (int)y;
				shown = false;
			}
		}
	}
}

/* The dots of one row of a cell, leftmost in the highest of cell_w bits. */
static unsigned int cell_dots(const struct vga *v, const struct vga_scan *s, const u32 font[2],
			      u8 ch, u8 attr)
{
	u32 a = font[attr >> 3 & 1] + ch * FONT_STRIDE + s->row;
	unsigned int dots = v->vram32[a & (VGA_PLANE_SIZE - 1)] >> 16 & 0xff;

	if (s->row == (v->crtc[0x14] & 0x1f) && (attr & 0x77) == 1)
		dots = 0xff;
	if (s->g->cell_w == 8)
		return dots;
	/* The ninth dot: line graphics characters extend into it. */
	if (v->attr[0x10] & 4 && (ch & 0xe0) == 0xc0)
		return dots << 1 | (dots & 1);
	return dots << 1;
}

/* Draws one scan line. Horizontal panning in text counts from 8 in nine-dot modes: 8 is none. */
void vga_text_line(const struct vga_scan *s)
{
	const struct vga *v = s->v;
	unsigned int w = s->g->cell_w, pan = s->pan, i, bit;
	u32 font[2], colours[16], cursor = cursor_address(v);
	bool cursor_row = !(v->crtc[0x0a] & 0x20) && s->row >= (v->crtc[0x0a] & 0x1fu) &&
			  s->row <= (v->crtc[0x0b] & 0x1fu);
	u32 *out = s->out, *end = out + s->g->width;

	if (w == 9)
		pan = pan >= 8 ? 0 : pan + 1;
	pan = MIN(pan, w - 1);
	fonts_get(v, font);
	for (i = 0; i < 16; i++)
		colours[i] = vga_attr_colour(v, (u8)(i & v->attr[0x12]));
	for (i = 0; out < end; i++) {
		u32 data = v->vram32[vga_crtc_address(v, s->counter + i, s->row)];
		u8 attr = (u8)(data >> 8);
		unsigned int dots = cell_dots(v, s, font, (u8)data, attr);
		u32 fg = colours[attr & 15];
		u32 bg = colours[attr >> 4 & (v->attr[0x10] & 8 ? 7 : 15)];

		if (cursor_row && ((s->counter + i) & 0xffff) == cursor)
			dots = (1u << w) - 1;
		for (bit = i ? 0 : pan; bit < w && out < end; bit++)
			*out++ = dots >> (w - 1 - bit) & 1 ? fg : bg;
	}
}

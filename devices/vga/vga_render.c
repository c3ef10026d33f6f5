// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the VGA shows: the picture worked out from registers and video memory, when somebody asks
 * for it. The CRT controller's address generation is followed line by line, so that splits,
 * panning, interleaved CGA modes and mode X come out as hardware draws them.
 *
 * Source: IBM PS/2 Hardware Interface Technical Reference, Video Subsystem, "CRT Controller
 * Registers" and "Attribute Controller Registers"; shift register modes after "Graphics Mode
 * Register". Every size is bounded: a line has at most 256 character clocks, a frame 1024 lines.
 */
#include "devices/vga/vga_int.h"

#define MAX_CHARS 256

u32 vga_dac_colour(const struct vga *v, u8 index)
{
	const u8 *c = &v->dac[(index & v->dac_mask) * 3];
	u32 r = c[0], g = c[1], b = c[2];

	if (!(v->vbe[VBE_ENABLE] & VBE_8BIT_DAC)) {
		r = r << 2 | r >> 4;
		g = g << 2 | g >> 4;
		b = b << 2 | b >> 4;
	}
	return r << 16 | g << 8 | b;
}

/* A four-bit colour through the attribute controller's palette and the DAC. */
u32 vga_attr_colour(const struct vga *v, u8 index)
{
	u8 p = v->attr[index & 0xf];

	if (v->attr[0x10] & 0x80)
		p = (u8)((p & 0x0f) | (v->attr[0x14] & 0x0f) << 4);
	else
		p = (u8)((p & 0x3f) | (v->attr[0x14] & 0x0c) << 4);
	return vga_dac_colour(v, p);
}

static bool vga_graphics(const struct vga *v)
{
	return v->gfx[6] & 1;
}

static bool vga_256(const struct vga *v)
{
	return v->gfx[5] & 0x40;
}

static void geometry_vbe(const struct vga *v, struct vga_geometry *g)
{
	g->kind = GM_SCREEN_PIXELS;
	g->width = v->vbe[VBE_XRES];
	g->height = v->vbe[VBE_YRES];
}

void vga_geometry_get(const struct vga *v, struct vga_geometry *g)
{
	unsigned int over = v->crtc[7];

	memset(g, 0, sizeof(*g));
	/* Palette address source off, screen off, or CRT controller in reset: nothing shown. */
	if (!(v->attr_index & 0x20) || v->seq[1] & 0x20)
		return;
	if (v->vbe[VBE_ENABLE] & VBE_ENABLED) {
		geometry_vbe(v, g);
		return;
	}
	if (!(v->crtc[0x17] & 0x80))
		return;
	g->chars = v->crtc[1] + 1u;
	g->lines = (v->crtc[0x12] | (over >> 1 & 1) << 8 | (over >> 6 & 1) << 9) + 1u;
	g->doubled = v->crtc[9] & 0x80;
	g->cell_h = (v->crtc[9] & 0x1f) + 1u;
	g->start = (u32)(v->crtc[0x0c] << 8 | v->crtc[0x0d]);
	g->offset = v->crtc[0x13] * 2u;
	g->line_compare =
		v->crtc[0x18] | (over >> 4 & 1) << 8 | (u32)(v->crtc[9] >> 6 & 1) << 9;
	g->repeat = g->doubled ? 2 : 1;
	if (vga_graphics(v)) {
		g->kind = GM_SCREEN_PIXELS;
		g->cell_w = vga_256(v) ? 4 : 8;
		/* Rows within a character that address the same memory look the same. */
		if ((v->crtc[0x17] & 3) == 3)
			g->repeat *= g->cell_h;
	} else {
		g->kind = GM_SCREEN_TEXT;
		g->cell_w = v->seq[1] & 1 ? 8 : 9;
	}
	g->width = g->chars * g->cell_w;
	g->height = g->lines / g->repeat;
	if (!g->height)
		g->kind = GM_SCREEN_OFF;
}

/* Planar address that the CRT controller puts out for a counter value and a row. Chain-4 memory
 * is kept packed, so that doubleword addressing is the counter itself. */
u32 vga_crtc_address(const struct vga *v, u32 counter, unsigned int row)
{
	u32 mode = v->crtc[0x17], a = counter;

	if (!(v->crtc[0x14] & 0x40) && !(mode & 0x40))
		a = counter << 1 | ((mode & 0x20 ? counter >> 15 : counter >> 13) & 1);
	if (!(mode & 1))
		a = (a & ~0x2000u) | (row & 1) << 13;
	if (!(mode & 2))
		a = (a & ~0x4000u) | (row >> 1 & 1) << 14;
	return a & (VGA_PLANE_SIZE - 1);
}

/* ---- shift register modes ---- */

static void shift_planar(u32 data, u8 *out)
{
	unsigned int i;

	for (i = 0; i < 8; i++) {
		unsigned int s = 7 - i;

		out[i] = (u8)((data >> s & 1) | (data >> (8 + s) & 1) << 1 |
			      (data >> (16 + s) & 1) << 2 | (data >> (24 + s) & 1) << 3);
	}
}

/* CGA's packed pairs of bits: planes 0 and 2 give the first four pixels, 1 and 3 the others. */
static void shift_pairs(u32 data, u8 *out)
{
	unsigned int i;

	for (i = 0; i < 8; i++) {
		unsigned int s = 6 - 2 * (i & 3) + (i & 4 ? 8 : 0);

		out[i] = (u8)((data >> s & 3) | (data >> (16 + s) & 3) << 2);
	}
}

static void shift_bytes(u32 data, u8 *out)
{
	memcpy(out, &data, 4);
}

static void graphics_line(const struct vga_scan *s)
{
	const struct vga *v = s->v;
	u8 index[(MAX_CHARS + 2) * 8];
	u32 colours[16];
	bool bytes = vga_256(v);
	void (*shift)(u32 data, u8 *out) = bytes	    ? shift_bytes :
					   v->gfx[5] & 0x20 ? shift_pairs :
							      shift_planar;
	unsigned int slow = v->crtc[0x14] & 0x20 ? 2 : v->crtc[0x17] & 8 ? 1 : 0;
	unsigned int i, n = s->g->cell_w, pan = bytes ? s->pan >> 1 : s->pan;
	const u8 *in = index + MIN(pan, n);

	for (i = 0; i <= s->g->chars; i++)
		shift(v->vram32[vga_crtc_address(v, s->counter + (i >> slow), s->row)],
		      index + i * n);
	if (bytes) {
		for (i = 0; i < s->g->width; i++)
			s->out[i] = vga_dac_colour(v, in[i]);
		return;
	}
	for (i = 0; i < 16; i++)
		colours[i] = vga_attr_colour(v, (u8)(i & v->attr[0x12]));
	for (i = 0; i < s->g->width; i++)
		s->out[i] = colours[in[i]];
}

void vga_scan_lines(const struct vga *v, const struct vga_geometry *g, u32 *pixels,
		    vga_line_fn fn)
{
	struct vga_scan s = { .v = v, .g = g, .pan = v->attr[0x13] & 0xf };
	u32 row_start = g->start + (v->crtc[8] >> 5 & 3);
	unsigned int line, row = v->crtc[8] & 0x1f;

	for (line = 0; line < g->lines; line++) {
		if (line % g->repeat == 0 && line / g->repeat < g->height) {
			s.y = line / g->repeat;
			s.out = pixels + (size_t)s.y * g->width;
			s.counter = row_start;
			s.row = row;
			fn(&s);
		}
		if (line == g->line_compare) {
			row_start = 0;
			row = 0;
			s.split = true;
			if (v->attr[0x10] & 0x20)
				s.pan = 0;
			continue;
		}
		if (g->doubled && !(line & 1))
			continue;
		if (row == g->cell_h - 1) {
			row = 0;
			row_start += g->offset;
		} else {
			row = (row + 1) & 0x1f;
		}
	}
}

/* ---- VBE modes ---- */

static u32 pixel15(const u8 *p)
{
	u32 w = p[0] | p[1] << 8, r = w >> 10 & 31, g = w >> 5 & 31, b = w & 31;

	return (r << 3 | r >> 2) << 16 | (g << 3 | g >> 2) << 8 | (b << 3 | b >> 2);
}

static u32 pixel16(const u8 *p)
{
	u32 w = p[0] | p[1] << 8, r = w >> 11, g = w >> 5 & 63, b = w & 31;

	return (r << 3 | r >> 2) << 16 | (g << 2 | g >> 4) << 8 | (b << 3 | b >> 2);
}

static void vbe_line(const struct vga *v, const u8 *in, u32 *out, unsigned int n,
		     const u32 *palette)
{
	unsigned int i;

	switch (v->vbe[VBE_BPP]) {
	case 8:
		for (i = 0; i < n; i++)
			out[i] = palette[in[i]];
		break;
	case 15:
		for (i = 0; i < n; i++)
			out[i] = pixel15(in + 2 * i);
		break;
	case 16:
		for (i = 0; i < n; i++)
			out[i] = pixel16(in + 2 * i);
		break;
	case 24:
		for (i = 0; i < n; i++, in += 3)
			out[i] = (u32)(in[2] << 16 | in[1] << 8 | in[0]);
		break;
	default:
		for (i = 0; i < n; i++, in += 4)
			out[i] = (u32)(in[2] << 16 | in[1] << 8 | in[0]);
		break;
	}
}

/* First byte shown, and the length of video memory from there to the end of the picture. */
static void vbe_extent(const struct vga *v, u64 *start, u64 *len)
{
	*start = vbe_pitch(v) * v->vbe[VBE_Y_OFFSET] +
		 (u64)v->vbe[VBE_X_OFFSET] * vbe_bytes_per_pixel(v);
	*len = vbe_pitch(v) * v->vbe[VBE_YRES];
}

static void vbe_draw(const struct vga *v, u32 *pixels)
{
	unsigned int w = v->vbe[VBE_XRES], y, i;
	u64 start, len, line = (u64)w * vbe_bytes_per_pixel(v);
	u32 palette[256];

	for (i = 0; i < 256; i++)
		palette[i] = vga_dac_colour(v, (u8)i);
	vbe_extent(v, &start, &len);
	for (y = 0; y < v->vbe[VBE_YRES]; y++, start += vbe_pitch(v), pixels += w) {
		if (start + line > v->vram->size)
			memset(pixels, 0, w * sizeof(*pixels));
		else
			vbe_line(v, v->vram->host + start, pixels, w, palette);
	}
}

/* ---- snapshots ---- */

/* Did anything that shows change? Collects the dirty bits of what is displayed. */
static void vga_collect(struct vga *v, const struct vga_geometry *g)
{
	u64 bits[VGA_VRAM_SIZE >> VGA_PAGE_SHIFT >> 6];
	u64 start = 0, len = 4 * VGA_PLANE_SIZE, first, last;

	if (v->changed) {
		v->changed = false;
		v->generation++;
	}
	if (g->kind == GM_SCREEN_OFF)
		return;
	if (v->vbe[VBE_ENABLE] & VBE_ENABLED)
		vbe_extent(v, &start, &len);
	if (start >= v->vram->size)
		return;
	len = MIN(len, v->vram->size - start);
	first = start >> VGA_PAGE_SHIFT;
	last = (start + len - 1) >> VGA_PAGE_SHIFT;
	if (gm_ram_dirty_fetch(v->pci.dev.m->mem, v->vram, first, last - first + 1, bits))
		v->generation++;
}

static bool snapshot_pixels(struct vga *v, const struct vga_geometry *g, struct gm_screen *s)
{
	if (gm_screen_pixel_size(s, g->width, g->height))
		return false;
	if (v->vbe[VBE_ENABLE] & VBE_ENABLED)
		vbe_draw(v, s->pixels);
	else
		vga_scan_lines(v, g, s->pixels,
			       g->kind == GM_SCREEN_TEXT ? vga_text_line : graphics_line);
	return true;
}

bool vga_snapshot(void *opaque, struct gm_screen *s, bool want_pixels, u64 *since)
{
	struct vga *v = opaque;
	struct vga_geometry g;
	u64 now;

	vga_geometry_get(v, &g);
	vga_collect(v, &g);
	/* Bit 0: whether the caller's screen has pixels, too. 0 never comes up. */
	now = (v->generation + 1) << 1 | want_pixels;
	if (*since == now)
		return false;
	*since = now;
	s->kind = g.kind;
	if (g.kind == GM_SCREEN_TEXT) {
		if (gm_screen_text_size(s, g.chars, MAX(1u, g.lines / g.repeat / g.cell_h)))
			s->kind = GM_SCREEN_OFF;
		else
			vga_text_cells(v, &g, s);
	}
	if (s->kind == GM_SCREEN_PIXELS || (s->kind == GM_SCREEN_TEXT && want_pixels))
		if (!snapshot_pixels(v, &g, s))
			s->kind = GM_SCREEN_OFF;
	return true;
}

/* ---- watches ---- */

/* Where vCPUs write to video memory without an exit, only the accelerator can tell. */
static bool vga_direct(const struct vga *v)
{
	return v->window_on || v->vbe[VBE_ENABLE] & VBE_ENABLED;
}

bool vga_watch(void *opaque, struct gm_display_watch *w)
{
	struct vga *v = opaque;

	if (vga_direct(v) && !gm_bus_tells(v->pci.dev.m->mem))
		return false;
	w->next = v->watches;
	v->watches = w;
	return true;
}

void vga_unwatch(void *opaque, struct gm_display_watch *w)
{
	struct gm_display_watch **p = &((struct vga *)opaque)->watches;

	while (*p && *p != w)
		p = &(*p)->next;
	if (*p)
		*p = w->next;
}

void vga_watches_call(struct vga *v)
{
	struct gm_display_watch *w = v->watches, *next;

	v->watches = NULL;
	for (; w; w = next) {
		next = w->next;
		w->fn(w->opaque);
	}
}

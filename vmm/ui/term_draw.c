// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guest's screen in the terminal: text with its sixteen colours, graphics as half blocks,
 * scaled down to fit; the status line.
 *
 * Colours: the standard sixteen use the terminal's own, so that the user's theme holds; a palette
 * that the guest changed, and pictures, are matched to the 256-colour cube of xterm.
 */
#include <curses.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "vmm/ui/cp437.h"
#include "vmm/ui/term_int.h"

/* The VGA BIOS's default colours. */
static const u32 standard[16] = {
	0x000000, 0x0000aa, 0x00aa00, 0x00aaaa, 0xaa0000, 0xaa00aa, 0xaa5500, 0xaaaaaa,
	0x555555, 0x5555ff, 0x55ff55, 0x55ffff, 0xff5555, 0xff55ff, 0xffff55, 0xffffff,
};

int term_draw_init(struct gm_term *t)
{
	raw();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(25);
	if (has_colors())
		start_color();
	return 0;
}

/* A level 0..255 on the cube's scale 0, 95, 135, 175, 215, 255. */
static int cube_level(unsigned int v)
{
	return v < 48 ? 0 : v < 115 ? 1 : (int)(v - 35) / 40;
}

/* The nearest of xterm's 256 colours, from 16 on: the cube or the grey ramp. */
int term_color_256(u32 rgb)
{
	static const int levels[6] = { 0, 95, 135, 175, 215, 255 };
	int r = rgb >> 16 & 255, g = rgb >> 8 & 255, b = rgb & 255;
	int cr = cube_level((unsigned int)r), cg = cube_level((unsigned int)g),
	    cb = cube_level((unsigned int)b);
	int grey = (r + g + b) / 3, gi = grey < 8 ? 0 : grey > 238 ? 23 : (grey - 3) / 10;
	int gv = 8 + 10 * gi;
	int dc = (levels[cr] - r) * (levels[cr] - r) + (levels[cg] - g) * (levels[cg] - g) +
		 (levels[cb] - b) * (levels[cb] - b);
	int dg = (gv - r) * (gv - r) + (gv - g) * (gv - g) + (gv - b) * (gv - b);

	return dg < dc ? 232 + gi : 16 + 36 * cr + 6 * cg + cb;
}

/* PC colour order has blue in bit 0, terminals have red there. */
static int ansi(unsigned int i)
{
	return (int)((i & 0xa) | (i & 1) << 2 | (i >> 2 & 1));
}

static void colors_update(struct gm_term *t)
{
	unsigned int i;

	for (i = 0; i < 16; i++) {
		t->first_color[i] = ansi(i);
		if (COLORS >= 256 && t->screen.palette[i] != standard[i])
			t->first_color[i] = term_color_256(t->screen.palette[i]);
	}
}

/* Draws a character with terminal colours, which fewer than 16 stretch by bold. */
static void put_char(int y, int x, u32 ch, int fg, int bg, attr_t attr)
{
	wchar_t text[2] = { (wchar_t)ch, 0 };
	cchar_t cc;
	int pair = 0;

	if (fg >= COLORS && COLORS >= 8) {
		attr |= fg & 8 ? A_BOLD : 0;
		fg &= 7;
	}
	if (bg >= COLORS)
		bg &= 7;
	if (has_colors())
		pair = alloc_pair(fg, bg);
	else if (bg)
		attr |= A_REVERSE;
	if (setcchar(&cc, text, attr, (short)MIN(MAX(pair, 0), 32767), &pair) != ERR)
		mvadd_wch(y, x, &cc);
}

/* ---- text ---- */

/* Keeps the cursor in sight on a terminal smaller than the screen. */
static void follow(struct gm_term *t, int rows, int cols)
{
	const struct gm_screen *s = &t->screen;
	int max_y = MAX(0, (int)s->rows - rows), max_x = MAX(0, (int)s->cols - cols);

	if (s->cursor_y >= 0 && (s->cursor_y != t->cursor_y || s->cursor_x != t->cursor_x)) {
		if (s->cursor_y < t->scroll_y)
			t->scroll_y = s->cursor_y;
		else if (s->cursor_y >= t->scroll_y + rows)
			t->scroll_y = s->cursor_y - rows + 1;
		if (s->cursor_x < t->scroll_x)
			t->scroll_x = s->cursor_x < cols ? 0 : s->cursor_x;
		else if (s->cursor_x >= t->scroll_x + cols)
			t->scroll_x = s->cursor_x - cols + 1;
	}
	t->cursor_x = s->cursor_x;
	t->cursor_y = s->cursor_y;
	t->scroll_y = MIN(MAX(t->scroll_y, 0), max_y);
	t->scroll_x = MIN(MAX(t->scroll_x, 0), max_x);
}

static void draw_text(struct gm_term *t, int rows)
{
	const struct gm_screen *s = &t->screen;
	int x, y, cx, cy;

	colors_update(t);
	follow(t, rows, COLS);
	for (y = 0; y < rows && y + t->scroll_y < (int)s->rows; y++) {
		const struct gm_cell *row = s->cells + (size_t)(y + t->scroll_y) * s->cols;

		for (x = 0; x < COLS && x + t->scroll_x < (int)s->cols; x++) {
			struct gm_cell c = row[x + t->scroll_x];
			attr_t attr = s->blink && c.attr & 0x80 ? A_BLINK : A_NORMAL;

			put_char(y, x, gm_cp437[c.ch], t->first_color[c.attr & 15],
				 t->first_color[c.attr >> 4 & (s->blink ? 7 : 15)], attr);
		}
	}
	cx = s->cursor_x - t->scroll_x;
	cy = s->cursor_y - t->scroll_y;
	if (s->cursor_y >= 0 && cy >= 0 && cy < rows && cx >= 0 && cx < COLS) {
		curs_set(1);
		move(cy, cx);
	} else {
		curs_set(0);
	}
}

/* ---- graphics ---- */

/* The mean colour of the source rectangle that becomes one preview dot. */
static u32 box_mean(const struct gm_screen *s, unsigned int x0, unsigned int x1, unsigned int y0,
		    unsigned int y1)
{
	u64 r = 0, g = 0, b = 0, n;
	unsigned int x, y;

	x1 = MAX(x1, x0 + 1);
	y1 = MAX(y1, y0 + 1);
	for (y = y0; y < y1; y++) {
		const u32 *p = s->pixels + (size_t)y * s->width;

		for (x = x0; x < x1; x++) {
			r += p[x] >> 16 & 255;
			g += p[x] >> 8 & 255;
			b += p[x] & 255;
		}
	}
	n = (u64)(x1 - x0) * (y1 - y0);
	return (u32)(r / n << 16 | g / n << 8 | b / n);
}

/* The terminal's colour for a picture's. */
static int picture_color(u32 rgb)
{
	unsigned int i, best = 0;
	int d, best_d = INT32_MAX;

	if (COLORS >= 256)
		return term_color_256(rgb);
	for (i = 0; i < 16; i++) {
		int r = (int)(standard[i] >> 16 & 255) - (int)(rgb >> 16 & 255);
		int g = (int)(standard[i] >> 8 & 255) - (int)(rgb >> 8 & 255);
		int b = (int)(standard[i] & 255) - (int)(rgb & 255);

		d = r * r + g * g + b * b;
		if (d < best_d) {
			best_d = d;
			best = i;
		}
	}
	return ansi(best);
}

/* Two dots a cell: the upper half block's foreground and background. Dots are about square. */
static void draw_pixels(struct gm_term *t, int rows)
{
	const struct gm_screen *s = &t->screen;
	unsigned int w = (unsigned int)COLS, h = (unsigned int)rows * 2, x, y;
	/* 320 x 200 and their like were shown on 4:3 monitors, with pixels higher than wide. */
	unsigned int height = s->width * 3 > s->height * 4 && s->height <= 240 ?
				      s->width * 3 / 4 : s->height;

	if (s->width * h < height * w)
		w = MAX(1u, s->width * h / height);
	else
		h = MAX(2u, height * w / s->width);
	if (w > s->width) {
		h = MAX(2u, h * s->width / w);
		w = s->width;
	}
	for (y = 0; y + 1 < h; y += 2) {
		unsigned int y0 = y * s->height / h, y1 = (y + 1) * s->height / h,
			     y2 = MIN((y + 2) * s->height / h, s->height);

		for (x = 0; x < w; x++) {
			unsigned int x0 = x * s->width / w, x1 = (x + 1) * s->width / w;
			u32 top = box_mean(s, x0, x1, y0, y1), low = box_mean(s, x0, x1, y1, y2);

			put_char((int)y / 2, (int)x, 0x2580, picture_color(top),
				 picture_color(low), A_NORMAL);
		}
	}
	curs_set(0);
}

/* ---- status ---- */

void term_draw_status(struct gm_term *t)
{
	const struct gm_screen *s = &t->screen;
	char line[512], mode[48] = "no picture";
	size_t n;

	if (s->kind == GM_SCREEN_TEXT)
		snprintf(mode, sizeof(mode), "text %ux%u", s->cols, s->rows);
	else if (s->kind == GM_SCREEN_PIXELS)
		snprintf(mode, sizeof(mode), "graphics %ux%u", s->width, s->height);
	if (t->message_ticks)
		snprintf(line, sizeof(line), " %s", t->message);
	else
		snprintf(line, sizeof(line), " %s | %s | %s%s | Ctrl-%c: menu",
			 t->cfg.name ? t->cfg.name : "vmm", mode,
			 t->m->state == GM_STATE_PAUSED ? "paused" : "running",
			 t->queue_len ? " | typing" : "", t->cfg.escape + '@');
	n = strlen(line);
	attrset(A_REVERSE);
	mvhline(LINES - 1, 0, ' ', COLS);
	mvaddnstr(LINES - 1, 0, line, (int)MIN(n, (size_t)MAX(COLS - 1, 0)));
	attrset(A_NORMAL);
}

void term_draw(struct gm_term *t)
{
	const struct gm_screen *s = &t->screen;
	bool status;
	int cx, cy;

	erase();
	/* Text of 25 lines on a terminal of 25: the status line would hide the last. */
	status = s->kind != GM_SCREEN_TEXT || LINES > (int)s->rows || t->message_ticks || t->menu ||
		 t->paused;
	if (s->kind == GM_SCREEN_TEXT)
		draw_text(t, LINES > (int)s->rows || LINES < (int)s->rows ? LINES - 1 : LINES);
	else if (s->kind == GM_SCREEN_PIXELS && LINES > 1)
		draw_pixels(t, LINES - 1);
	else
		curs_set(0);
	if (LINES < (int)s->rows)
		status = true;
	getyx(stdscr, cy, cx);
	if (status)
		term_draw_status(t);
	move(cy, cx);
	wnoutrefresh(stdscr);
	if (t->menu)
		term_menu_draw(t);
}

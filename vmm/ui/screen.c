// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pictures of the guest's screen: their buffers, text as UTF-8, PNG files (by libpng).
 */
#include "vmm/ui/display.h"

#include <errno.h>
#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "vmm/ui/cp437.h"

#define SIDE_MAX 4096u

void gm_screen_fini(struct gm_screen *s)
{
	free(s->cells);
	free(s->pixels);
	memset(s, 0, sizeof(*s));
}

/* Makes *buf hold n elements; it never shrinks. */
static int buffer_size(void **buf, size_t *cap, size_t n, size_t elem)
{
	void *p;

	if (n <= *cap)
		return 0;
	p = realloc(*buf, n * elem);
	if (!p)
		return -ENOMEM;
	*buf = p;
	*cap = n;
	return 0;
}

int gm_screen_text_size(struct gm_screen *s, unsigned int cols, unsigned int rows)
{
	void *buf = s->cells;
	int err;

	if (!cols || !rows || cols > SIDE_MAX || rows > SIDE_MAX)
		return -ENOMEM;
	err = buffer_size(&buf, &s->cells_cap, (size_t)cols * rows, sizeof(*s->cells));
	s->cells = buf;
	if (err)
		return err;
	s->cols = cols;
	s->rows = rows;
	return 0;
}

int gm_screen_pixel_size(struct gm_screen *s, unsigned int w, unsigned int h)
{
	void *buf = s->pixels;
	int err;

	if (!w || !h || w > SIDE_MAX || h > SIDE_MAX)
		return -ENOMEM;
	err = buffer_size(&buf, &s->pixels_cap, (size_t)w * h, sizeof(*s->pixels));
	s->pixels = buf;
	if (err)
		return err;
	s->width = w;
	s->height = h;
	return 0;
}

/* ---- text ---- */

size_t gm_utf8_put(u32 c, char *out)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | (c >> 18 & 7));
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

char *gm_screen_to_utf8(const struct gm_screen *s)
{
	unsigned int x, y, end;
	char *text, *p;

	if (s->kind != GM_SCREEN_TEXT)
		return calloc(1, 1);
	p = text = malloc((size_t)s->rows * (s->cols * 3 + 1) + 1);
	if (!text)
		return NULL;
	for (y = 0; y < s->rows; y++) {
		const struct gm_cell *row = s->cells + (size_t)y * s->cols;

		for (end = s->cols; end; end--)
			if (gm_cp437[row[end - 1].ch] != ' ')
				break;
		for (x = 0; x < end; x++)
			p += gm_utf8_put(gm_cp437[row[x].ch], p);
		*p++ = '\n';
	}
	*p = '\0';
	return text;
}

/* ---- PNG ---- */

static void png_quiet(png_structp png, png_const_charp msg)
{
}

static void png_give_up(png_structp png, png_const_charp msg)
{
	longjmp(png_jmpbuf(png), 1);
}

/* Writes all rows; libpng leaves by longjmp, so that nothing here may need unwinding. */
static int png_rows(const struct gm_screen *s, FILE *f, u8 *row)
{
	png_structp png;
	png_infop info;
	unsigned int x, y;

	png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, png_give_up, png_quiet);
	if (!png)
		return -ENOMEM;
	info = png_create_info_struct(png);
	if (!info || setjmp(png_jmpbuf(png))) {
		png_destroy_write_struct(&png, info ? &info : NULL);
		return -EIO;
	}
	png_init_io(png, f);
	png_set_IHDR(png, info, s->width, s->height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
		     PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
	png_write_info(png, info);
	for (y = 0; y < s->height; y++) {
		const u32 *in = s->pixels + (size_t)y * s->width;

		for (x = 0; x < s->width; x++) {
			row[3 * x] = (u8)(in[x] >> 16);
			row[3 * x + 1] = (u8)(in[x] >> 8);
			row[3 * x + 2] = (u8)in[x];
		}
		png_write_row(png, row);
	}
	png_write_end(png, NULL);
	png_destroy_write_struct(&png, &info);
	return 0;
}

int gm_screen_write_png_file(const struct gm_screen *s, FILE *f)
{
	u8 *row;
	int err;

	if (s->kind == GM_SCREEN_OFF || !s->pixels || !s->width || !s->height)
		return -ENODATA;
	row = malloc((size_t)s->width * 3);
	if (!row)
		return -ENOMEM;
	err = png_rows(s, f, row);
	free(row);
	return err;
}

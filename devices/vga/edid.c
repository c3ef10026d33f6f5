// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The monitor that the display adapter tells of: an EDID block, computed from a short table.
 * Source: VESA Enhanced EDID Standard, release A revision 2 (EDID 1.4), section 3; the detailed
 * timing is the VESA CVT timing of 1280 x 800 at 60 Hz.
 */
#include "devices/vga/vga_int.h"

static const struct {
	unsigned int clock_10khz;
	unsigned int h, h_blank, h_front, h_sync;
	unsigned int v, v_blank, v_front, v_sync;
	unsigned int mm_w, mm_h;
} preferred = { 8350, 1280, 400, 72, 128, 800, 31, 3, 6, 338, 211 };

/* Standard timings: width, aspect code (0 16:10, 1 4:3, 2 5:4, 3 16:9), all at 60 Hz. */
static const struct {
	unsigned int width, aspect;
} standard[8] = {
	{ 1280, 0 }, { 1024, 1 }, { 1280, 2 }, { 1440, 0 },
	{ 1600, 1 }, { 1680, 0 }, { 1920, 3 }, { 1600, 3 },
};

static void detailed_timing(u8 *d)
{
	d[0] = preferred.clock_10khz & 0xff;
	d[1] = preferred.clock_10khz >> 8;
	d[2] = preferred.h & 0xff;
	d[3] = preferred.h_blank & 0xff;
	d[4] = (u8)(preferred.h >> 8 << 4 | preferred.h_blank >> 8);
	d[5] = preferred.v & 0xff;
	d[6] = preferred.v_blank & 0xff;
	d[7] = (u8)(preferred.v >> 8 << 4 | preferred.v_blank >> 8);
	d[8] = preferred.h_front & 0xff;
	d[9] = preferred.h_sync & 0xff;
	d[10] = (u8)((preferred.v_front & 0xf) << 4 | (preferred.v_sync & 0xf));
	d[12] = preferred.mm_w & 0xff;
	d[13] = preferred.mm_h & 0xff;
	d[14] = (u8)(preferred.mm_w >> 8 << 4 | preferred.mm_h >> 8);
	d[17] = 0x1a; /* digital separate sync, vertical positive */
}

/* A display descriptor with text of at most 13 characters. */
static void text_descriptor(u8 *d, u8 tag, const char *text)
{
	size_t n = strlen(text);

	d[3] = tag;
	memset(d + 5, ' ', 13);
	memcpy(d + 5, text, MIN(n, (size_t)13));
	if (n < 13)
		d[5 + n] = '\n';
}

static void range_descriptor(u8 *d)
{
	d[3] = 0xfd;
	d[5] = 50;  /* Hz vertical */
	d[6] = 125;
	d[7] = 30;  /* kHz horizontal */
	d[8] = 160;
	d[9] = 30;  /* 300 MHz */
	d[10] = 1;  /* no secondary timing formula */
	d[11] = '\n';
	memset(d + 12, ' ', 6);
}

void vga_edid_make(u8 *e)
{
	static const u8 header[8] = { 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0 };
	unsigned int maker = ('G' - '@') << 10 | ('M' - '@') << 5 | ('D' - '@');
	unsigned int i, sum = 0;

	memset(e, 0, 128);
	memcpy(e, header, sizeof(header));
	e[8] = (u8)(maker >> 8);
	e[9] = (u8)maker;
	e[10] = 1;        /* product code */
	e[16] = 0xff;     /* model year follows */
	e[17] = 2026 - 1990;
	e[18] = 1;
	e[19] = 4;
	e[20] = 0xa5;     /* digital, 8 bits a colour, DisplayPort */
	e[21] = (u8)(preferred.mm_w / 10);
	e[22] = (u8)(preferred.mm_h / 10);
	e[23] = 120;      /* gamma 2.2 */
	e[24] = 0x06;     /* sRGB, preferred timing is native */
	/* sRGB primaries and white point, 10 bits each */
	memcpy(e + 25, (const u8[]){ 0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26, 0x0f, 0x50, 0x54 },
	       10);
	e[35] = 0x21;     /* 640x480 and 800x600 at 60 Hz */
	e[36] = 0x08;     /* 1024x768 at 60 Hz */
	for (i = 0; i < 8; i++) {
		e[38 + 2 * i] = (u8)(standard[i].width / 8 - 31);
		e[39 + 2 * i] = (u8)(standard[i].aspect << 6);
	}
	detailed_timing(e + 54);
	range_descriptor(e + 72);
	text_descriptor(e + 90, 0xfc, "Guestmode");
	text_descriptor(e + 108, 0xfe, "virtual");
	for (i = 0; i < 127; i++)
		sum += e[i];
	e[127] = (u8)-sum;
}

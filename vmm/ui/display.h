/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between a display adapter and who shows it (terminal, screenshot, VNC, window).
 * The shower asks; an adapter that nobody looks at does no work. Who shows a screen that stands
 * still leaves a watch with the adapter and sleeps.
 */
#ifndef VMM_DISPLAY_H
#define VMM_DISPLAY_H

#include <stdio.h>
#include "vmm/types.h"

enum gm_screen_kind { GM_SCREEN_OFF, GM_SCREEN_TEXT, GM_SCREEN_PIXELS };

struct gm_cell {
	u8 ch;   /* code page 437 (the font's slot) */
	u8 attr; /* VGA attribute as stored */
};

/* A picture of the screen. The buffers belong to the screen and grow as needed. */
struct gm_screen {
	enum gm_screen_kind kind;
	/* text */
	unsigned int cols, rows;
	struct gm_cell *cells;      /* cols * rows */
	int cursor_x, cursor_y;     /* -1 when hidden */
	u8 cursor_start, cursor_end;
	bool blink;                 /* attribute bit 7 blinks instead of bright background */
	u32 palette[16];            /* 0x00rrggbb of the sixteen text colours */
	/* pixels: also filled for text when asked (drawn with the guest's font) */
	unsigned int width, height;
	u32 *pixels;                /* 0x00rrggbb, width * height */
	size_t cells_cap, pixels_cap;
};
void gm_screen_fini(struct gm_screen *s);
/* Make room; -ENOMEM. Sizes are bounded by 4096 x 4096. */
int gm_screen_text_size(struct gm_screen *s, unsigned int cols, unsigned int rows);
int gm_screen_pixel_size(struct gm_screen *s, unsigned int w, unsigned int h);

/* To be told of the next change. */
struct gm_display_watch {
	/* Once, then the watch is gone. Machine lock held, in any thread; must not take a snapshot
	 * or leave a watch itself. */
	void (*fn)(void *opaque);
	void *opaque;
	struct gm_display_watch *next;
};

struct gm_display_source {
	/* Fills in the screen as it is now; with pixels when want_pixels, whatever the mode.
	 * Returns whether anything changed since the last call with the same `since` cookie
	 * (a counter that the source advances). Machine lock held. */
	bool (*snapshot)(void *opaque, struct gm_screen *s, bool want_pixels, u64 *since);
	/* Leaves a watch behind a snapshot that showed no change. False: the source does not hear of
	 * every change (an accelerator writes to the frame buffer unseen): look again instead. Machine
	 * lock held. Unwatch of a watch that is not there does nothing. */
	bool (*watch)(void *opaque, struct gm_display_watch *w);
	void (*unwatch)(void *opaque, struct gm_display_watch *w);
	void *opaque;
};

/* Writes the screen as PNG; -errno (-ENODATA: the screen is off). */
int gm_screen_write_png_file(const struct gm_screen *s, FILE *f);
/* The text screen as UTF-8 lines without trailing blanks; malloc'ed, NULL when out of memory. */
char *gm_screen_to_utf8(const struct gm_screen *s);

#endif

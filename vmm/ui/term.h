/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The terminal user interface: the guest's screen drawn in the terminal with ncurses, the
 * terminal's keys turned into key events, a menu behind an escape key, and a serial console view.
 */
#ifndef VMM_UI_TERM_H
#define VMM_UI_TERM_H

#include "vmm/ui/chardev.h"
#include "vmm/ui/display.h"
#include "vmm/ui/input.h"

struct gm_term;

struct gm_term_cfg {
	const char *name;                 /* of the machine, for the status line; may be NULL */
	struct gm_display_source display; /* snapshot NULL: no display, serial console only */
	struct gm_input_sink input;
	struct gm_char *serial;           /* a "screen" character back end, or NULL */
	int escape;                       /* control character that opens the menu; 0: Ctrl-] */
	/* Called with the machine lock held; any may be NULL. */
	void (*reset)(void *opaque);
	void (*powerbutton)(void *opaque);
	void (*pause)(void *opaque, bool on);
	void (*quit)(void *opaque);
	/* Carries out a command line; its answer is malloc'ed, NULL when out of memory. */
	char *(*command)(void *opaque, const char *line);
	void *opaque;
};

/* Takes the terminal over; 0, -ENOTTY when stdin or stdout is not a terminal, or -errno. The
 * structure is copied. Called before the I/O loop runs, from the thread that runs it. */
int gm_term_start(struct gm_machine *m, const struct gm_term_cfg *cfg, struct gm_term **out);
/* Gives the terminal back. Also done at exit of the process and on fatal signals. */
void gm_term_stop(struct gm_term *t);
/* One line on the status row for a few seconds. Machine lock held. */
void gm_term_message(struct gm_term *t, const char *text);
/* The terminal may have another size (SIGWINCH). Machine lock held; NULL is fine. */
void gm_term_resized(struct gm_term *t);

#endif

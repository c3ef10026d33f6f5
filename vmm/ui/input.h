/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Key and pointer events on their way from a user interface to the guest's input devices. */
#ifndef VMM_INPUT_H
#define VMM_INPUT_H

#include "vmm/types.h"

/* Keys are numbered as in <linux/input-event-codes.h> (KEY_A ...). */
struct gm_input_sink {
	void (*key)(void *opaque, unsigned int key, bool down);
	/* relative motion in counts (x right, y down), wheel in notches (away from the user is
	 * negative), buttons: bit 0 left, 1 right, 2 middle */
	void (*pointer)(void *opaque, int dx, int dy, int dz, unsigned int buttons);
	/* Whether the keyboard takes another key now. NULL: always. */
	bool (*ready)(void *opaque);
	/* Bit 0 scroll lock, 1 num lock, 2 caps lock. NULL: none. */
	u8 (*leds)(void *opaque);
	void *opaque;
};

/* A pointer that is where the user points: x and y from 0 to GM_TABLET_MAX, buttons and wheel as
 * above. It counts while the guest listens to it. Machine lock held. */
#define GM_TABLET_MAX 0x7fff
struct gm_tablet_sink {
	bool (*active)(void *opaque);
	void (*move)(void *opaque, unsigned int x, unsigned int y, int dz, unsigned int buttons);
	void *opaque;
};

/* Types a Unicode character on a US keyboard: press, release, with shift where needed. Returns
 * false for what that keyboard does not have. Machine lock held. */
bool gm_input_type(const struct gm_input_sink *sink, u32 codepoint);
/* The key, and whether with shift, that types a character; false as above. */
bool gm_input_stroke(u32 codepoint, unsigned int *key, bool *shift);
/* A key by name ("a", "f1", "ctrl-alt-delete", "ret"); false when unknown. Machine lock held. */
bool gm_input_sendkey(const struct gm_input_sink *sink, const char *combo);

#endif

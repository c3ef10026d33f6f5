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
	void *opaque;
};

/* Types a Unicode character on a US keyboard: press, release, with shift where needed. Returns
 * false for what that keyboard does not have. Machine lock held. */
bool gm_input_type(const struct gm_input_sink *sink, u32 codepoint);
/* A key by name ("a", "f1", "ctrl-alt-delete", "ret"); false when unknown. Machine lock held. */
bool gm_input_sendkey(const struct gm_input_sink *sink, const char *combo);

#endif

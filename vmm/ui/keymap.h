/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys as others number them: scan codes of the PC/XT (with which VNC clients name keys), USB usages
 * (SDL), and X keysyms (characters: VNC clients that know no better), all to the numbers of
 * <linux/input-event-codes.h>.
 */
#ifndef VMM_KEYMAP_H
#define VMM_KEYMAP_H

#include "vmm/types.h"

struct gm_feed;

/* A scan code of set 1, with 0x80 for the E0 prefix; 0 for none. */
unsigned int gm_key_from_xt(u32 code);
/* A usage of the USB keyboard page (HID Usage Tables, section 10); 0 for none. */
unsigned int gm_key_from_usb(u32 usage);

/* What one user holds down. All zeroes is nothing. */
#define GM_HELD_MAX 24
struct gm_keys_held {
	struct {
		u32 sym; /* 0: by key number */
		u8 key;
	} held[GM_HELD_MAX];
	unsigned int n;
	bool shift[2];   /* left, right */
};

/* A key event by keysym. The guest is taken to have a US keyboard: where the character needs
 * another state of shift than the user's, it is typed with that. Machine lock held (all). */
void gm_keys_sym(struct gm_keys_held *h, struct gm_feed *f, u32 sym, bool down);
/* A key event by number. */
void gm_keys_key(struct gm_keys_held *h, struct gm_feed *f, unsigned int key, bool down);
/* The user has gone: nothing stays down. */
void gm_keys_release(struct gm_keys_held *h, struct gm_feed *f);

#endif

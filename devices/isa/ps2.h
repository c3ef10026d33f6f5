/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PS/2 keyboard and mouse: the devices at the far end of the keyboard controller's two serial
 * lines. They know bytes sent to them and bytes they have to say; i8042.c does the rest. They are
 * part of the controller's state and have no lock of their own.
 */
#ifndef DEVICES_ISA_PS2_H
#define DEVICES_ISA_PS2_H

#include "vmm/state.h"
#include "vmm/types.h"

#define PS2_FIFO 32

struct ps2_fifo {
	u8 data[PS2_FIFO];
	u8 head, count;
};

static inline void ps2_fifo_clear(struct ps2_fifo *f)
{
	f->head = f->count = 0;
}

/* Whether it fitted. */
static inline bool ps2_fifo_put(struct ps2_fifo *f, u8 byte)
{
	if (f->count >= PS2_FIFO)
		return false;
	f->data[(f->head + f->count++) % PS2_FIFO] = byte;
	return true;
}

static inline bool ps2_fifo_get(struct ps2_fifo *f, u8 *byte)
{
	if (!f->count)
		return false;
	*byte = f->data[f->head];
	f->head = (f->head + 1) % PS2_FIFO;
	f->count--;
	return true;
}

static inline bool ps2_fifo_valid(const struct ps2_fifo *f)
{
	return f->head < PS2_FIFO && f->count <= PS2_FIFO;
}

extern const struct gm_state_desc ps2_fifo_desc;

/* ---- keyboard ---- */

struct ps2_kbd {
	struct ps2_fifo reply; /* answers to commands, sent first */
	struct ps2_fifo keys;
	u8 scan_set;           /* 1, 2, 3 */
	u8 command;            /* waits for its argument; 0 for none */
	u8 leds, typematic;
	u8 last;               /* byte sent last */
	bool scanning;
	bool set3_breaks;      /* set 3: all keys have break codes */
	u8 down[32];           /* bit per key number: held, for PrintScreen and Pause */
};

extern const struct gm_state_desc ps2_kbd_desc;

void ps2_kbd_reset(struct ps2_kbd *k);
void ps2_kbd_write(struct ps2_kbd *k, u8 byte);
/* key is a KEY_ number of <linux/input-event-codes.h>; unknown ones are ignored. */
void ps2_kbd_key(struct ps2_kbd *k, unsigned int key, bool down);
/* Whether the longest sequence of a key still fits. */
bool ps2_kbd_room(const struct ps2_kbd *k);
bool ps2_kbd_get(struct ps2_kbd *k, u8 *byte);
bool ps2_kbd_valid(const struct ps2_kbd *k);

/* The controller's translation of one byte of scan code set 2 to set 1, without break prefix. */
u8 ps2_translate(u8 byte);

/* ---- mouse ---- */

struct ps2_mouse {
	struct ps2_fifo reply;
	struct ps2_fifo packets;
	u8 command;
	u8 id;            /* 0 standard, 3 with wheel, 4 with five buttons */
	u8 rate, resolution;
	u8 rates[2];      /* the two rates set before the last */
	u8 buttons, sent_buttons;
	u8 last[4], last_len; /* for resend */
	bool reporting, remote, wrap, scale2;
	s32 dx, dy, dz;   /* not yet reported; y up */
	u64 next_packet;  /* guest time from which a packet may be sent */
};

extern const struct gm_state_desc ps2_mouse_desc;

void ps2_mouse_reset(struct ps2_mouse *p);
void ps2_mouse_write(struct ps2_mouse *p, u8 byte);
void ps2_mouse_move(struct ps2_mouse *p, int dx, int dy, int dz, unsigned int buttons);
/* The next byte at guest time `now`; makes a packet where one is due. */
bool ps2_mouse_get(struct ps2_mouse *p, u64 now, u8 *byte);
/* When there will be something to send: 0 means at once, GM_TIME_NEVER for nothing. */
u64 ps2_mouse_due(const struct ps2_mouse *p);
bool ps2_mouse_valid(const struct ps2_mouse *p);

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * PS/2 keyboard with 102 keys and the usual extra ones, scan code sets 1, 2 and 3.
 *
 * Source: IBM Personal System/2 Hardware Interface Technical Reference, "Keyboard (101- and
 * 102-key)". Repetition of held keys comes from the user interface; the rate that the guest sets
 * is kept and has no effect.
 */
#include "devices/isa/ps2.h"

#include <linux/input-event-codes.h>

#define KEYS_MAX  16 /* bytes of scan codes that the keyboard itself holds */
#define KEY_BYTES_MAX 8 /* of one key: Pause */

#define ACK       0xfa
#define RESEND    0xfe
#define BAT_OK    0xaa

/* Scan code set 2 to set 1, as the 8042's firmware has it; from 85h on bytes stay as they are. */
static const u8 set2_to_set1[0x85] = {
	0xff, 0x43, 0x41, 0x3f, 0x3d, 0x3b, 0x3c, 0x58, 0x64, 0x44, 0x42, 0x40, 0x3e, 0x0f, 0x29,
	0x59, 0x65, 0x38, 0x2a, 0x70, 0x1d, 0x10, 0x02, 0x5a, 0x66, 0x71, 0x2c, 0x1f, 0x1e, 0x11,
	0x03, 0x5b, 0x67, 0x2e, 0x2d, 0x20, 0x12, 0x05, 0x04, 0x5c, 0x68, 0x39, 0x2f, 0x21, 0x14,
	0x13, 0x06, 0x5d, 0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5e, 0x6a, 0x72, 0x32, 0x24,
	0x16, 0x08, 0x09, 0x5f, 0x6b, 0x33, 0x25, 0x17, 0x18, 0x0b, 0x0a, 0x60, 0x6c, 0x34, 0x35,
	0x26, 0x27, 0x19, 0x0c, 0x61, 0x6d, 0x73, 0x28, 0x74, 0x1a, 0x0d, 0x62, 0x6e, 0x3a, 0x36,
	0x1c, 0x1b, 0x75, 0x2b, 0x63, 0x76, 0x55, 0x56, 0x77, 0x78, 0x79, 0x7a, 0x0e, 0x7b, 0x7c,
	0x4f, 0x7d, 0x4b, 0x47, 0x7e, 0x7f, 0x6f, 0x52, 0x53, 0x50, 0x4c, 0x4d, 0x48, 0x01, 0x45,
	0x57, 0x4e, 0x51, 0x4a, 0x37, 0x49, 0x46, 0x54, 0x80, 0x81, 0x82, 0x41, 0x54,
};

/* Key numbers whose set 1 code is not the number itself; EXT marks the E0 prefix. */
#define EXT 0x100
static const struct {
	u8 key;
	u16 set1;
} special_keys[] = {
	{KEY_RO, 0x73},
	{KEY_KATAKANAHIRAGANA, 0x70},
	{KEY_HENKAN, 0x79},
	{KEY_MUHENKAN, 0x7b},
	{KEY_YEN, 0x7d},
	{KEY_KPEQUAL, 0x59},
	{KEY_KPCOMMA, 0x7e},
	{KEY_KPENTER, EXT | 0x1c},
	{KEY_RIGHTCTRL, EXT | 0x1d},
	{KEY_KPSLASH, EXT | 0x35},
	{KEY_RIGHTALT, EXT | 0x38},
	{KEY_HOME, EXT | 0x47},
	{KEY_UP, EXT | 0x48},
	{KEY_PAGEUP, EXT | 0x49},
	{KEY_LEFT, EXT | 0x4b},
	{KEY_RIGHT, EXT | 0x4d},
	{KEY_END, EXT | 0x4f},
	{KEY_DOWN, EXT | 0x50},
	{KEY_PAGEDOWN, EXT | 0x51},
	{KEY_INSERT, EXT | 0x52},
	{KEY_DELETE, EXT | 0x53},
	{KEY_LEFTMETA, EXT | 0x5b},
	{KEY_RIGHTMETA, EXT | 0x5c},
	{KEY_COMPOSE, EXT | 0x5d},
	{KEY_POWER, EXT | 0x5e},
	{KEY_SLEEP, EXT | 0x5f},
	{KEY_WAKEUP, EXT | 0x63},
	{KEY_MUTE, EXT | 0x20},
	{KEY_VOLUMEDOWN, EXT | 0x2e},
	{KEY_VOLUMEUP, EXT | 0x30},
	{KEY_CALC, EXT | 0x21},
	{KEY_MAIL, EXT | 0x6c},
	{KEY_BACK, EXT | 0x6a},
	{KEY_FORWARD, EXT | 0x69},
	{KEY_STOP, EXT | 0x68},
	{KEY_HOMEPAGE, EXT | 0x32},
	{KEY_BOOKMARKS, EXT | 0x66},
	{KEY_COMPUTER, EXT | 0x6b},
	{KEY_REFRESH, EXT | 0x67},
	{KEY_SEARCH, EXT | 0x65},
	{KEY_PREVIOUSSONG, EXT | 0x10},
	{KEY_NEXTSONG, EXT | 0x19},
	{KEY_PLAYPAUSE, EXT | 0x22},
	{KEY_STOPCD, EXT | 0x24},
};

/* Set 3: where it differs from set 2 without prefixes. */
static const struct {
	u8 key, set3;
} set3_keys[] = {
	{KEY_ESC, 0x08}, {KEY_F1, 0x07}, {KEY_F2, 0x0f}, {KEY_F3, 0x17}, {KEY_F4, 0x1f},
	{KEY_F5, 0x27}, {KEY_F6, 0x2f}, {KEY_F7, 0x37}, {KEY_F8, 0x3f}, {KEY_F9, 0x47},
	{KEY_F10, 0x4f}, {KEY_F11, 0x56}, {KEY_F12, 0x5e}, {KEY_BACKSLASH, 0x5c},
	{KEY_CAPSLOCK, 0x14}, {KEY_LEFTCTRL, 0x11}, {KEY_LEFTALT, 0x19}, {KEY_RIGHTALT, 0x39},
	{KEY_RIGHTCTRL, 0x58}, {KEY_SYSRQ, 0x57}, {KEY_SCROLLLOCK, 0x5f}, {KEY_PAUSE, 0x62},
	{KEY_INSERT, 0x67}, {KEY_DELETE, 0x64}, {KEY_HOME, 0x6e}, {KEY_END, 0x65},
	{KEY_PAGEUP, 0x6f}, {KEY_PAGEDOWN, 0x6d}, {KEY_UP, 0x63}, {KEY_LEFT, 0x61},
	{KEY_DOWN, 0x60}, {KEY_RIGHT, 0x6a}, {KEY_NUMLOCK, 0x76}, {KEY_KPSLASH, 0x77},
	{KEY_KPASTERISK, 0x7e}, {KEY_KPMINUS, 0x84}, {KEY_KPENTER, 0x79}, {KEY_102ND, 0x13},
	{KEY_LEFTMETA, 0x8b}, {KEY_RIGHTMETA, 0x8c}, {KEY_COMPOSE, 0x8d}, {KEY_KPPLUS, 0x7c},
};

u8 ps2_translate(u8 byte)
{
	return byte < sizeof(set2_to_set1) ? set2_to_set1[byte] : byte;
}

/* Set 1 code with EXT, or 0 for a key that this keyboard does not have. */
static u16 key_set1(unsigned int key)
{
	for (size_t i = 0; i < ARRAY_SIZE(special_keys); i++)
		if (special_keys[i].key == key)
			return special_keys[i].set1;
	if (key == KEY_102ND || key == KEY_F11 || key == KEY_F12)
		return key;
	return key <= KEY_KPDOT ? key : 0;
}

/* From the end: F7 is 83h, although 02h gives the same set 1 code. */
static u8 set1_to_set2(u8 set1)
{
	for (unsigned int i = sizeof(set2_to_set1); i-- > 0;)
		if (set2_to_set1[i] == set1)
			return i;
	return 0;
}

static u8 key_set3(unsigned int key)
{
	for (size_t i = 0; i < ARRAY_SIZE(set3_keys); i++)
		if (set3_keys[i].key == key)
			return set3_keys[i].set3;
	return key_set1(key) & EXT ? 0 : set1_to_set2(key_set1(key));
}

/* ---- output ---- */

/* Queues a scan code sequence, whole or not at all; a full keyboard says so once. */
static void kbd_send(struct ps2_kbd *k, const u8 *set2, unsigned int n)
{
	u8 out[8], len = 0, brk = 0;

	for (unsigned int i = 0; i < n; i++) {
		if (k->scan_set != 1) {
			out[len++] = set2[i];
		} else if (set2[i] == 0xf0) {
			brk = 0x80;
		} else {
			out[len++] = ps2_translate(set2[i]) | brk;
			brk = 0;
		}
	}
	if (k->keys.count + len > KEYS_MAX - 1) {
		if (k->keys.count < KEYS_MAX)
			while (k->keys.count < KEYS_MAX)
				ps2_fifo_put(&k->keys, k->scan_set == 1 ? 0xff : 0x00);
		return;
	}
	for (unsigned int i = 0; i < len; i++)
		ps2_fifo_put(&k->keys, out[i]);
}

static bool is_down(const struct ps2_kbd *k, unsigned int key)
{
	return k->down[key >> 3 & 31] >> (key & 7) & 1;
}

static bool is_modifier(unsigned int key)
{
	return key == KEY_LEFTSHIFT || key == KEY_RIGHTSHIFT || key == KEY_LEFTCTRL ||
	       key == KEY_RIGHTCTRL || key == KEY_LEFTALT || key == KEY_RIGHTALT ||
	       key == KEY_CAPSLOCK;
}

static void send_print_screen(struct ps2_kbd *k, bool down)
{
	static const u8 make[] = {0xe0, 0x12, 0xe0, 0x7c};
	static const u8 brk[] = {0xe0, 0xf0, 0x7c, 0xe0, 0xf0, 0x12};
	static const u8 alt_make[] = {0x84}, alt_brk[] = {0xf0, 0x84};
	bool shift = is_down(k, KEY_LEFTSHIFT) || is_down(k, KEY_RIGHTSHIFT) ||
		     is_down(k, KEY_LEFTCTRL) || is_down(k, KEY_RIGHTCTRL);

	if (is_down(k, KEY_LEFTALT) || is_down(k, KEY_RIGHTALT))
		kbd_send(k, down ? alt_make : alt_brk, down ? 1 : 2);
	else if (shift)
		kbd_send(k, down ? make + 2 : brk, down ? 2 : 3);
	else
		kbd_send(k, down ? make : brk, down ? 4 : 6);
}

/* Pause has no break code: everything is sent when it goes down. */
static void send_pause(struct ps2_kbd *k, bool down)
{
	static const u8 pause[] = {0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77};
	static const u8 ctrl_break[] = {0xe0, 0x7e, 0xe0, 0xf0, 0x7e};

	if (!down)
		return;
	if (is_down(k, KEY_LEFTCTRL) || is_down(k, KEY_RIGHTCTRL))
		kbd_send(k, ctrl_break, sizeof(ctrl_break));
	else
		kbd_send(k, pause, sizeof(pause));
}

static void send_key(struct ps2_kbd *k, unsigned int key, bool down)
{
	u16 set1 = key_set1(key);
	u8 seq[3];
	unsigned int n = 0;

	if (k->scan_set == 3) {
		if (!down && !k->set3_breaks && !is_modifier(key))
			return;
		seq[0] = 0xf0;
		seq[1] = key_set3(key);
		if (seq[1])
			kbd_send(k, down ? seq + 1 : seq, down ? 1 : 2);
		return;
	}
	if (!set1)
		return;
	if (set1 & EXT)
		seq[n++] = 0xe0;
	if (!down)
		seq[n++] = 0xf0;
	seq[n++] = set1_to_set2(set1 & 0xff);
	kbd_send(k, seq, n);
}

void ps2_kbd_key(struct ps2_kbd *k, unsigned int key, bool down)
{
	if (!key || key > 255)
		return;
	if (down)
		k->down[key >> 3] |= 1 << (key & 7);
	else
		k->down[key >> 3] &= ~(1 << (key & 7));
	if (!k->scanning)
		return;
	if (k->scan_set != 3 && key == KEY_SYSRQ)
		send_print_screen(k, down);
	else if (k->scan_set != 3 && key == KEY_PAUSE)
		send_pause(k, down);
	else
		send_key(k, key, down);
}

bool ps2_kbd_room(const struct ps2_kbd *k)
{
	return k->keys.count + KEY_BYTES_MAX <= KEYS_MAX - 1;
}

bool ps2_kbd_get(struct ps2_kbd *k, u8 *byte)
{
	if (!ps2_fifo_get(&k->reply, byte) && !ps2_fifo_get(&k->keys, byte))
		return false;
	k->last = *byte;
	return true;
}

/* ---- commands ---- */

static void kbd_defaults(struct ps2_kbd *k)
{
	ps2_fifo_clear(&k->keys);
	k->scan_set = 2;
	k->typematic = 0x2b; /* 10.9 characters/s after 500 ms */
	k->set3_breaks = false;
	k->command = 0;
}

void ps2_kbd_reset(struct ps2_kbd *k)
{
	ps2_fifo_clear(&k->reply);
	kbd_defaults(k);
	k->leds = 0;
	k->last = 0;
	k->scanning = true;
	memset(k->down, 0, sizeof(k->down));
}

static void kbd_reply(struct ps2_kbd *k, u8 byte)
{
	ps2_fifo_put(&k->reply, byte);
}

static void set_scan_set(struct ps2_kbd *k, u8 set)
{
	if (set > 3) {
		kbd_reply(k, RESEND);
		return;
	}
	kbd_reply(k, ACK);
	if (!set) {
		kbd_reply(k, k->scan_set);
		return;
	}
	k->scan_set = set;
	ps2_fifo_clear(&k->keys);
}

/* The second byte of a command; whether it was one. */
static bool kbd_argument(struct ps2_kbd *k, u8 byte)
{
	u8 command = k->command;

	k->command = 0;
	if (!command || byte >= 0x90)
		return false;
	switch (command) {
	case 0xed:
		k->leds = byte & 7;
		kbd_reply(k, ACK);
		break;
	case 0xf0:
		set_scan_set(k, byte);
		break;
	case 0xf3:
		k->typematic = byte & 0x7f;
		kbd_reply(k, ACK);
		break;
	default: /* FBh to FDh: a list of keys, ended by the next command */
		k->command = command;
		kbd_reply(k, ACK);
	}
	return true;
}

void ps2_kbd_write(struct ps2_kbd *k, u8 byte)
{
	if (kbd_argument(k, byte))
		return;
	switch (byte) {
	case 0xee:
		kbd_reply(k, 0xee);
		return;
	case 0xfe:
		kbd_reply(k, k->last);
		return;
	case 0xed:
	case 0xf0:
	case 0xf3:
	case 0xfb:
	case 0xfc:
	case 0xfd:
		kbd_reply(k, ACK);
		k->command = byte;
		return;
	case 0xf2:
		kbd_reply(k, ACK);
		kbd_reply(k, 0xab);
		kbd_reply(k, 0x83);
		return;
	case 0xf4:
		ps2_fifo_clear(&k->keys);
		k->scanning = true;
		break;
	case 0xf5:
		kbd_defaults(k);
		k->scanning = false;
		break;
	case 0xf6:
		kbd_defaults(k);
		break;
	case 0xf7:
	case 0xf9:
		k->set3_breaks = false;
		break;
	case 0xf8:
	case 0xfa:
		k->set3_breaks = true;
		break;
	case 0xff:
		ps2_fifo_clear(&k->reply);
		kbd_defaults(k);
		k->leds = 0;
		k->scanning = true;
		kbd_reply(k, ACK);
		kbd_reply(k, BAT_OK);
		return;
	default:
		kbd_reply(k, RESEND);
		return;
	}
	kbd_reply(k, ACK);
}

/* ---- state ---- */

bool ps2_kbd_valid(const struct ps2_kbd *k)
{
	return ps2_fifo_valid(&k->reply) && ps2_fifo_valid(&k->keys) && k->scan_set >= 1 &&
	       k->scan_set <= 3;
}

static const struct gm_field fifo_fields[] = {
	GM_BYTES(struct ps2_fifo, data),
	GM_U8(struct ps2_fifo, head),
	GM_U8(struct ps2_fifo, count),
	GM_FIELDS_END,
};

const struct gm_state_desc ps2_fifo_desc = {
	.name = "fifo", .version = 1, .size = sizeof(struct ps2_fifo), .fields = fifo_fields,
};

static const struct gm_field kbd_fields[] = {
	GM_STRUCT(struct ps2_kbd, reply, &ps2_fifo_desc),
	GM_STRUCT(struct ps2_kbd, keys, &ps2_fifo_desc),
	GM_U8(struct ps2_kbd, scan_set),
	GM_U8(struct ps2_kbd, command),
	GM_U8(struct ps2_kbd, leds),
	GM_U8(struct ps2_kbd, typematic),
	GM_U8(struct ps2_kbd, last),
	GM_BOOL(struct ps2_kbd, scanning),
	GM_BOOL(struct ps2_kbd, set3_breaks),
	GM_BYTES(struct ps2_kbd, down),
	GM_FIELDS_END,
};

const struct gm_state_desc ps2_kbd_desc = {
	.name = "keyboard", .version = 1, .size = sizeof(struct ps2_kbd), .fields = kbd_fields,
};

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tables of keys, and typing by keysym.
 *
 * Sources: IBM PS/2 Hardware Interface Technical Reference, "Keyboard", scan code set 1; USB HID
 * Usage Tables 1.12, section 10; the X protocol, appendix A (keysym encoding).
 */
#include "vmm/ui/keymap.h"

#include <linux/input-event-codes.h>
#include "vmm/ui/feed.h"
#include "vmm/ui/input.h"

/* Up to here the numbers of Linux are the scan codes of set 1. */
#define XT_SAME KEY_KPDOT

static const struct {
	u8 xt, key;
} xt_keys[] = {
	{0x54, KEY_SYSRQ},	{0x56, KEY_102ND},	{0x57, KEY_F11},
	{0x58, KEY_F12},	{0x59, KEY_KPEQUAL},	{0x70, KEY_KATAKANAHIRAGANA},
	{0x73, KEY_RO},		{0x79, KEY_HENKAN},	{0x7b, KEY_MUHENKAN},
	{0x7d, KEY_YEN},	{0x7e, KEY_KPCOMMA},	{0x90, KEY_PREVIOUSSONG},
	{0x99, KEY_NEXTSONG},	{0x9c, KEY_KPENTER},	{0x9d, KEY_RIGHTCTRL},
	{0xa0, KEY_MUTE},	{0xa1, KEY_CALC},	{0xa2, KEY_PLAYPAUSE},
	{0xa4, KEY_STOPCD},	{0xae, KEY_VOLUMEDOWN}, {0xb0, KEY_VOLUMEUP},
	{0xb2, KEY_HOMEPAGE},	{0xb5, KEY_KPSLASH},	{0xb7, KEY_SYSRQ},
	{0xb8, KEY_RIGHTALT},	{0xc6, KEY_PAUSE},	{0xc7, KEY_HOME},
	{0xc8, KEY_UP},		{0xc9, KEY_PAGEUP},	{0xcb, KEY_LEFT},
	{0xcd, KEY_RIGHT},	{0xcf, KEY_END},	{0xd0, KEY_DOWN},
	{0xd1, KEY_PAGEDOWN},	{0xd2, KEY_INSERT},	{0xd3, KEY_DELETE},
	{0xdb, KEY_LEFTMETA},	{0xdc, KEY_RIGHTMETA},	{0xdd, KEY_COMPOSE},
	{0xde, KEY_POWER},	{0xdf, KEY_SLEEP},	{0xe3, KEY_WAKEUP},
	{0xe5, KEY_SEARCH},	{0xe6, KEY_BOOKMARKS},	{0xe7, KEY_REFRESH},
	{0xe8, KEY_STOP},	{0xe9, KEY_FORWARD},	{0xea, KEY_BACK},
	{0xeb, KEY_COMPUTER},	{0xec, KEY_MAIL},
};

unsigned int gm_key_from_xt(u32 code)
{
	size_t i;

	if (code <= XT_SAME)
		return code;
	for (i = 0; i < ARRAY_SIZE(xt_keys); i++)
		if (xt_keys[i].xt == code)
			return xt_keys[i].key;
	return 0;
}

/* From usage 4 on, and the modifiers from E0h on. */
static const u8 usb_keys[] = {
	KEY_A, KEY_B, KEY_C, KEY_D, KEY_E, KEY_F, KEY_G, KEY_H, KEY_I, KEY_J, KEY_K, KEY_L,
	KEY_M, KEY_N, KEY_O, KEY_P, KEY_Q, KEY_R, KEY_S, KEY_T, KEY_U, KEY_V, KEY_W, KEY_X,
	KEY_Y, KEY_Z, KEY_1, KEY_2, KEY_3, KEY_4, KEY_5, KEY_6, KEY_7, KEY_8, KEY_9, KEY_0,
	KEY_ENTER, KEY_ESC, KEY_BACKSPACE, KEY_TAB, KEY_SPACE, KEY_MINUS, KEY_EQUAL,
	KEY_LEFTBRACE, KEY_RIGHTBRACE, KEY_BACKSLASH, KEY_BACKSLASH, KEY_SEMICOLON,
	KEY_APOSTROPHE, KEY_GRAVE, KEY_COMMA, KEY_DOT, KEY_SLASH, KEY_CAPSLOCK,
	KEY_F1, KEY_F2, KEY_F3, KEY_F4, KEY_F5, KEY_F6, KEY_F7, KEY_F8, KEY_F9, KEY_F10,
	KEY_F11, KEY_F12, KEY_SYSRQ, KEY_SCROLLLOCK, KEY_PAUSE, KEY_INSERT, KEY_HOME,
	KEY_PAGEUP, KEY_DELETE, KEY_END, KEY_PAGEDOWN, KEY_RIGHT, KEY_LEFT, KEY_DOWN, KEY_UP,
	KEY_NUMLOCK, KEY_KPSLASH, KEY_KPASTERISK, KEY_KPMINUS, KEY_KPPLUS, KEY_KPENTER,
	KEY_KP1, KEY_KP2, KEY_KP3, KEY_KP4, KEY_KP5, KEY_KP6, KEY_KP7, KEY_KP8, KEY_KP9,
	KEY_KP0, KEY_KPDOT, KEY_102ND, KEY_COMPOSE, KEY_POWER, KEY_KPEQUAL,
};
static const u8 usb_modifiers[] = {
	KEY_LEFTCTRL, KEY_LEFTSHIFT, KEY_LEFTALT, KEY_LEFTMETA,
	KEY_RIGHTCTRL, KEY_RIGHTSHIFT, KEY_RIGHTALT, KEY_RIGHTMETA,
};

static const struct {
	u8 usage, key;
} usb_more[] = {
	{0x7f, KEY_MUTE}, {0x80, KEY_VOLUMEUP}, {0x81, KEY_VOLUMEDOWN}, {0x85, KEY_KPCOMMA},
	{0x87, KEY_RO}, {0x88, KEY_KATAKANAHIRAGANA}, {0x89, KEY_YEN}, {0x8a, KEY_HENKAN},
	{0x8b, KEY_MUHENKAN},
};

unsigned int gm_key_from_usb(u32 usage)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(usb_more); i++)
		if (usb_more[i].usage == usage)
			return usb_more[i].key;
	if (usage >= 4 && usage - 4 < ARRAY_SIZE(usb_keys))
		return usb_keys[usage - 4];
	if (usage >= 0xe0 && usage - 0xe0 < ARRAY_SIZE(usb_modifiers))
		return usb_modifiers[usage - 0xe0];
	return 0;
}

/* Keysyms that are no characters: FF00h and up. */
static const struct {
	u16 sym;
	u8 key;
} sym_keys[] = {
	{0xff08, KEY_BACKSPACE}, {0xff09, KEY_TAB},	  {0xff0d, KEY_ENTER},
	{0xff13, KEY_PAUSE},	 {0xff14, KEY_SCROLLLOCK}, {0xff15, KEY_SYSRQ},
	{0xff1b, KEY_ESC},	 {0xff22, KEY_MUHENKAN},  {0xff23, KEY_HENKAN},
	{0xff27, KEY_KATAKANAHIRAGANA},
	{0xff50, KEY_HOME},	 {0xff51, KEY_LEFT},	  {0xff52, KEY_UP},
	{0xff53, KEY_RIGHT},	 {0xff54, KEY_DOWN},	  {0xff55, KEY_PAGEUP},
	{0xff56, KEY_PAGEDOWN},	 {0xff57, KEY_END},	  {0xff61, KEY_SYSRQ},
	{0xff63, KEY_INSERT},	 {0xff67, KEY_COMPOSE},	  {0xff6b, KEY_PAUSE},
	{0xff7f, KEY_NUMLOCK},	 {0xff80, KEY_SPACE},	  {0xff89, KEY_TAB},
	{0xff8d, KEY_KPENTER},	 {0xff95, KEY_KP7},	  {0xff96, KEY_KP4},
	{0xff97, KEY_KP8},	 {0xff98, KEY_KP6},	  {0xff99, KEY_KP2},
	{0xff9a, KEY_KP9},	 {0xff9b, KEY_KP3},	  {0xff9c, KEY_KP1},
	{0xff9d, KEY_KP5},	 {0xff9e, KEY_KP0},	  {0xff9f, KEY_KPDOT},
	{0xffaa, KEY_KPASTERISK}, {0xffab, KEY_KPPLUS},	  {0xffac, KEY_KPCOMMA},
	{0xffad, KEY_KPMINUS},	 {0xffae, KEY_KPDOT},	  {0xffaf, KEY_KPSLASH},
	{0xffb0, KEY_KP0},	 {0xffb1, KEY_KP1},	  {0xffb2, KEY_KP2},
	{0xffb3, KEY_KP3},	 {0xffb4, KEY_KP4},	  {0xffb5, KEY_KP5},
	{0xffb6, KEY_KP6},	 {0xffb7, KEY_KP7},	  {0xffb8, KEY_KP8},
	{0xffb9, KEY_KP9},	 {0xffbd, KEY_KPEQUAL},	  {0xffbe, KEY_F1},
	{0xffbf, KEY_F2},	 {0xffc0, KEY_F3},	  {0xffc1, KEY_F4},
	{0xffc2, KEY_F5},	 {0xffc3, KEY_F6},	  {0xffc4, KEY_F7},
	{0xffc5, KEY_F8},	 {0xffc6, KEY_F9},	  {0xffc7, KEY_F10},
	{0xffc8, KEY_F11},	 {0xffc9, KEY_F12},	  {0xffe1, KEY_LEFTSHIFT},
	{0xffe2, KEY_RIGHTSHIFT}, {0xffe3, KEY_LEFTCTRL}, {0xffe4, KEY_RIGHTCTRL},
	{0xffe5, KEY_CAPSLOCK},	 {0xffe7, KEY_LEFTMETA},  {0xffe8, KEY_RIGHTMETA},
	{0xffe9, KEY_LEFTALT},	 {0xffea, KEY_RIGHTALT},  {0xffeb, KEY_LEFTMETA},
	{0xffec, KEY_RIGHTMETA}, {0xffff, KEY_DELETE},	  {0xfe20, KEY_TAB},
};

static unsigned int sym_key(u32 sym)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sym_keys); i++)
		if (sym_keys[i].sym == sym)
			return sym_keys[i].key;
	return 0;
}

/* ---- what is held ---- */

static void held_drop(struct gm_keys_held *h, unsigned int i)
{
	h->held[i] = h->held[--h->n];
}

static bool is_shift(unsigned int key)
{
	return key == KEY_LEFTSHIFT || key == KEY_RIGHTSHIFT;
}

static bool is_modifier(unsigned int key)
{
	return is_shift(key) || key == KEY_LEFTCTRL || key == KEY_RIGHTCTRL || key == KEY_LEFTALT ||
	       key == KEY_RIGHTALT || key == KEY_LEFTMETA || key == KEY_RIGHTMETA;
}

static void send(struct gm_keys_held *h, struct gm_feed *f, unsigned int key, bool down)
{
	if (is_shift(key))
		h->shift[key == KEY_RIGHTSHIFT] = down;
	gm_feed_key(f, key, down);
}

/* A release of something that is not held: shift was let go before it, and it has another name now.
 * What that was cannot be told, so all keys that are no modifiers are let go. */
static void release_strays(struct gm_keys_held *h, struct gm_feed *f)
{
	unsigned int i = 0;

	while (i < h->n) {
		if (is_modifier(h->held[i].key)) {
			i++;
			continue;
		}
		send(h, f, h->held[i].key, false);
		held_drop(h, i);
	}
}

static void key_up(struct gm_keys_held *h, struct gm_feed *f, u32 sym, unsigned int key)
{
	unsigned int i;

	for (i = 0; i < h->n; i++)
		if (h->held[i].sym == sym && (sym || h->held[i].key == key))
			break;
	if (i < h->n) {
		send(h, f, h->held[i].key, false);
		held_drop(h, i);
	} else if (sym) {
		release_strays(h, f);
	}
}

static void key_down(struct gm_keys_held *h, struct gm_feed *f, u32 sym, unsigned int key)
{
	unsigned int i;

	for (i = 0; i < h->n && h->held[i].key != key; i++)
		;
	if (i == GM_HELD_MAX)
		return;
	h->held[i].sym = sym;
	h->held[i].key = (u8)key;
	h->n = MAX(h->n, i + 1);
	send(h, f, key, true);
}

/* Presses or lets go what differs from the state of shift that a character needs. */
static void shift_force(struct gm_keys_held *h, struct gm_feed *f, bool want, bool back)
{
	bool now = h->shift[0] || h->shift[1];

	if (now == want)
		return;
	if (want) {
		gm_feed_key(f, KEY_LEFTSHIFT, !back);
		return;
	}
	if (h->shift[0])
		gm_feed_key(f, KEY_LEFTSHIFT, back);
	if (h->shift[1])
		gm_feed_key(f, KEY_RIGHTSHIFT, back);
}

/* ISO_Level3_Shift and Mode_switch choose a character; the guest gets that alone. */
static bool is_level_shift(u32 sym)
{
	return (sym >= 0xfe01 && sym <= 0xfe0f) || sym == 0xff7e;
}

void gm_keys_sym(struct gm_keys_held *h, struct gm_feed *f, u32 sym, bool down)
{
	unsigned int key = sym_key(sym);
	u32 c = sym >= 0x01000100 && sym <= 0x0110ffff ? sym - 0x01000000 : sym;
	bool shift, plain = !key;

	if (!sym || is_level_shift(sym))
		return;
	if (plain && (c < ' ' || c > '~' || !gm_input_stroke(c, &key, &shift)))
		return;
	if (!down) {
		key_up(h, f, sym, key);
		return;
	}
	if (!plain) {
		key_down(h, f, sym, key);
		return;
	}
	/* Caps lock reverses shift for letters. */
	if (gm_feed_leds(f) & 4 && (c | 0x20) >= 'a' && (c | 0x20) <= 'z')
		shift = !shift;
	shift_force(h, f, shift, false);
	key_down(h, f, sym, key);
	shift_force(h, f, shift, true);
}

void gm_keys_key(struct gm_keys_held *h, struct gm_feed *f, unsigned int key, bool down)
{
	if (!key || key > 255)
		return;
	if (down)
		key_down(h, f, 0, key);
	else
		key_up(h, f, 0, key);
}

void gm_keys_release(struct gm_keys_held *h, struct gm_feed *f)
{
	while (h->n) {
		send(h, f, h->held[h->n - 1].key, false);
		h->n--;
	}
}

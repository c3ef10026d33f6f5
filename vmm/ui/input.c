// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Key events from characters and from key names, on a US keyboard.
 * Key numbers are those of <linux/input-event-codes.h>.
 */
#include "vmm/ui/input.h"

#include <linux/input-event-codes.h>
#include <strings.h>

#define COMBO_MAX 6

struct stroke {
	u8 key;
	bool shift;
};

/* Printable ASCII, from 32 on. */
static const struct stroke strokes[] = {
	{ KEY_SPACE, 0 },      { KEY_1, 1 },	     { KEY_APOSTROPHE, 1 }, { KEY_3, 1 },
	{ KEY_4, 1 },	       { KEY_5, 1 },	     { KEY_7, 1 },	    { KEY_APOSTROPHE, 0 },
	{ KEY_9, 1 },	       { KEY_0, 1 },	     { KEY_8, 1 },	    { KEY_EQUAL, 1 },
	{ KEY_COMMA, 0 },      { KEY_MINUS, 0 },     { KEY_DOT, 0 },	    { KEY_SLASH, 0 },
	{ KEY_0, 0 },	       { KEY_1, 0 },	     { KEY_2, 0 },	    { KEY_3, 0 },
	{ KEY_4, 0 },	       { KEY_5, 0 },	     { KEY_6, 0 },	    { KEY_7, 0 },
	{ KEY_8, 0 },	       { KEY_9, 0 },	     { KEY_SEMICOLON, 1 },  { KEY_SEMICOLON, 0 },
	{ KEY_COMMA, 1 },      { KEY_EQUAL, 0 },     { KEY_DOT, 1 },	    { KEY_SLASH, 1 },
	{ KEY_2, 1 },	       { KEY_A, 1 },	     { KEY_B, 1 },	    { KEY_C, 1 },
	{ KEY_D, 1 },	       { KEY_E, 1 },	     { KEY_F, 1 },	    { KEY_G, 1 },
	{ KEY_H, 1 },	       { KEY_I, 1 },	     { KEY_J, 1 },	    { KEY_K, 1 },
	{ KEY_L, 1 },	       { KEY_M, 1 },	     { KEY_N, 1 },	    { KEY_O, 1 },
	{ KEY_P, 1 },	       { KEY_Q, 1 },	     { KEY_R, 1 },	    { KEY_S, 1 },
	{ KEY_T, 1 },	       { KEY_U, 1 },	     { KEY_V, 1 },	    { KEY_W, 1 },
	{ KEY_X, 1 },	       { KEY_Y, 1 },	     { KEY_Z, 1 },	    { KEY_LEFTBRACE, 0 },
	{ KEY_BACKSLASH, 0 },  { KEY_RIGHTBRACE, 0 }, { KEY_6, 1 },	    { KEY_MINUS, 1 },
	{ KEY_GRAVE, 0 },      { KEY_A, 0 },	     { KEY_B, 0 },	    { KEY_C, 0 },
	{ KEY_D, 0 },	       { KEY_E, 0 },	     { KEY_F, 0 },	    { KEY_G, 0 },
	{ KEY_H, 0 },	       { KEY_I, 0 },	     { KEY_J, 0 },	    { KEY_K, 0 },
	{ KEY_L, 0 },	       { KEY_M, 0 },	     { KEY_N, 0 },	    { KEY_O, 0 },
	{ KEY_P, 0 },	       { KEY_Q, 0 },	     { KEY_R, 0 },	    { KEY_S, 0 },
	{ KEY_T, 0 },	       { KEY_U, 0 },	     { KEY_V, 0 },	    { KEY_W, 0 },
	{ KEY_X, 0 },	       { KEY_Y, 0 },	     { KEY_Z, 0 },	    { KEY_LEFTBRACE, 1 },
	{ KEY_BACKSLASH, 1 },  { KEY_RIGHTBRACE, 1 }, { KEY_GRAVE, 1 },
};

static const struct {
	const char *name;
	unsigned int key;
} names[] = {
	{ "ctrl", KEY_LEFTCTRL },	{ "shift", KEY_LEFTSHIFT },   { "alt", KEY_LEFTALT },
	{ "ctrl_r", KEY_RIGHTCTRL },	{ "shift_r", KEY_RIGHTSHIFT }, { "alt_r", KEY_RIGHTALT },
	{ "altgr", KEY_RIGHTALT },	{ "meta", KEY_LEFTMETA },     { "meta_r", KEY_RIGHTMETA },
	{ "menu", KEY_COMPOSE },	{ "ret", KEY_ENTER },	      { "enter", KEY_ENTER },
	{ "esc", KEY_ESC },		{ "tab", KEY_TAB },	      { "spc", KEY_SPACE },
	{ "space", KEY_SPACE },		{ "backspace", KEY_BACKSPACE }, { "delete", KEY_DELETE },
	{ "del", KEY_DELETE },		{ "insert", KEY_INSERT },     { "home", KEY_HOME },
	{ "end", KEY_END },		{ "pgup", KEY_PAGEUP },	      { "pgdn", KEY_PAGEDOWN },
	{ "up", KEY_UP },		{ "down", KEY_DOWN },	      { "left", KEY_LEFT },
	{ "right", KEY_RIGHT },		{ "f1", KEY_F1 },	      { "f2", KEY_F2 },
	{ "f3", KEY_F3 },		{ "f4", KEY_F4 },	      { "f5", KEY_F5 },
	{ "f6", KEY_F6 },		{ "f7", KEY_F7 },	      { "f8", KEY_F8 },
	{ "f9", KEY_F9 },		{ "f10", KEY_F10 },	      { "f11", KEY_F11 },
	{ "f12", KEY_F12 },		{ "caps_lock", KEY_CAPSLOCK }, { "num_lock", KEY_NUMLOCK },
	{ "scroll_lock", KEY_SCROLLLOCK }, { "print", KEY_SYSRQ },    { "sysrq", KEY_SYSRQ },
	{ "pause", KEY_PAUSE },		{ "minus", KEY_MINUS },	      { "equal", KEY_EQUAL },
	{ "comma", KEY_COMMA },		{ "dot", KEY_DOT },	      { "slash", KEY_SLASH },
	{ "backslash", KEY_BACKSLASH }, { "semicolon", KEY_SEMICOLON },
	{ "apostrophe", KEY_APOSTROPHE }, { "grave_accent", KEY_GRAVE },
	{ "bracket_left", KEY_LEFTBRACE }, { "bracket_right", KEY_RIGHTBRACE },
	{ "less", KEY_102ND },		{ "kp_0", KEY_KP0 },	      { "kp_1", KEY_KP1 },
	{ "kp_2", KEY_KP2 },		{ "kp_3", KEY_KP3 },	      { "kp_4", KEY_KP4 },
	{ "kp_5", KEY_KP5 },		{ "kp_6", KEY_KP6 },	      { "kp_7", KEY_KP7 },
	{ "kp_8", KEY_KP8 },		{ "kp_9", KEY_KP9 },	      { "kp_decimal", KEY_KPDOT },
	{ "kp_enter", KEY_KPENTER },	{ "kp_add", KEY_KPPLUS },     { "kp_subtract", KEY_KPMINUS },
	{ "kp_multiply", KEY_KPASTERISK }, { "kp_divide", KEY_KPSLASH },
};

static struct stroke stroke_find(u32 c)
{
	static const struct stroke none;

	switch (c) {
	case '\r':
	case '\n':
		return (struct stroke){ KEY_ENTER, 0 };
	case '\t':
		return (struct stroke){ KEY_TAB, 0 };
	case 8:
	case 127:
		return (struct stroke){ KEY_BACKSPACE, 0 };
	case 27:
		return (struct stroke){ KEY_ESC, 0 };
	}
	if (c < ' ' || c - ' ' >= ARRAY_SIZE(strokes))
		return none;
	return strokes[c - ' '];
}

bool gm_input_stroke(u32 codepoint, unsigned int *key, bool *shift)
{
	struct stroke s = stroke_find(codepoint);

	*key = s.key;
	*shift = s.shift;
	return s.key;
}

static void press(const struct gm_input_sink *sink, unsigned int key, bool down)
{
	sink->key(sink->opaque, key, down);
}

bool gm_input_type(const struct gm_input_sink *sink, u32 codepoint)
{
	struct stroke s = stroke_find(codepoint);

	if (!s.key || !sink->key)
		return false;
	if (s.shift)
		press(sink, KEY_LEFTSHIFT, true);
	press(sink, s.key, true);
	press(sink, s.key, false);
	if (s.shift)
		press(sink, KEY_LEFTSHIFT, false);
	return true;
}

/* The key of a name of `len` characters, or 0. A single character names its own key. */
static unsigned int key_find(const char *name, size_t len)
{
	size_t i;

	if (len == 1)
		return stroke_find((u8)name[0]).key;
	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (strlen(names[i].name) == len && !strncasecmp(names[i].name, name, len))
			return names[i].key;
	return 0;
}

bool gm_input_sendkey(const struct gm_input_sink *sink, const char *combo)
{
	unsigned int keys[COMBO_MAX], n = 0, i;

	if (!sink->key)
		return false;
	for (;;) {
		size_t len = strcspn(combo, "-");

		if (n == COMBO_MAX || !len)
			return false;
		keys[n] = key_find(combo, len);
		if (!keys[n++])
			return false;
		if (!combo[len])
			break;
		combo += len + 1;
	}
	for (i = 0; i < n; i++)
		press(sink, keys[i], true);
	while (n--)
		press(sink, keys[n], false);
	return true;
}

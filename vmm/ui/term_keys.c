// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From the terminal's keys to the guest's keyboard. A terminal sends characters and escape
 * sequences, not presses and releases: each becomes a press and release with its modifiers.
 * Pasted text waits in a queue, for a PS/2 keyboard's own holds but a few keys.
 */
#include <curses.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "vmm/ui/term_int.h"

#define ESC 27

/* Keys of curses with a name of their own. */
static const struct {
	int key;
	const char *combo;
} keys[] = {
	{ KEY_UP, "up" },	  { KEY_DOWN, "down" },	     { KEY_LEFT, "left" },
	{ KEY_RIGHT, "right" },	  { KEY_HOME, "home" },	     { KEY_END, "end" },
	{ KEY_PPAGE, "pgup" },	  { KEY_NPAGE, "pgdn" },     { KEY_IC, "insert" },
	{ KEY_DC, "delete" },	  { KEY_ENTER, "ret" },	     { KEY_BACKSPACE, "backspace" },
	{ KEY_BTAB, "shift-tab" }, { KEY_SLEFT, "shift-left" }, { KEY_SRIGHT, "shift-right" },
	{ KEY_SR, "shift-up" },	  { KEY_SF, "shift-down" },  { KEY_SHOME, "shift-home" },
	{ KEY_SEND, "shift-end" }, { KEY_SDC, "shift-delete" }, { KEY_SIC, "shift-insert" },
	{ KEY_SPREVIOUS, "shift-pgup" }, { KEY_SNEXT, "shift-pgdn" }, { KEY_B2, "kp_5" },
	{ KEY_A1, "home" },	  { KEY_A3, "pgup" },	     { KEY_C1, "end" },
	{ KEY_C3, "pgdn" },
};

/* Terminfo's extended names of modified keys: a stem and a digit. */
static const struct {
	const char *stem, *combo;
} stems[] = {
	{ "kUP", "up" },    { "kDN", "down" }, { "kLFT", "left" },   { "kRIT", "right" },
	{ "kHOM", "home" }, { "kEND", "end" }, { "kPRV", "pgup" },   { "kNXT", "pgdn" },
	{ "kIC", "insert" }, { "kDC", "delete" },
};

/* mods as xterm counts them: 1 shift, 2 alt, 4 ctrl. */
static bool combo_make(struct term_key *out, unsigned int mods, const char *key)
{
	out->ch = 0;
	snprintf(out->combo, sizeof(out->combo), "%s%s%s%s", mods & 4 ? "ctrl-" : "",
		 mods & 2 ? "alt-" : "", mods & 1 ? "shift-" : "", key);
	return true;
}

static bool function_key(u32 n, unsigned int mods, struct term_key *out)
{
	/* kf13 to kf63 of xterm: shift, ctrl, ctrl-shift, alt, alt-shift */
	static const u8 banks[] = { 0, 1, 4, 5, 2, 3 };
	char name[8];

	if (!n || n > 12 * ARRAY_SIZE(banks))
		return false;
	snprintf(name, sizeof(name), "f%u", (n - 1) % 12 + 1);
	return combo_make(out, mods | banks[(n - 1) / 12], name);
}

static bool extended_key(u32 key, unsigned int mods, struct term_key *out)
{
	const char *name = keyname((int)key);
	size_t i, n;

	for (i = 0; name && i < ARRAY_SIZE(stems); i++) {
		n = strlen(stems[i].stem);
		if (strncmp(name, stems[i].stem, n) || name[n] < '2' || name[n] > '8')
			continue;
		return combo_make(out, mods | (unsigned int)(name[n] - '1'), stems[i].combo);
	}
	return false;
}

static bool control_char(u32 c, unsigned int mods, struct term_key *out)
{
	static const char high[] = "\\]6-";
	char name[2] = { 0 };

	switch (c) {
	case 0:
		return combo_make(out, mods | 4, "spc");
	case 8:
	case 127:
		return combo_make(out, mods, "backspace");
	case 9:
		return combo_make(out, mods, "tab");
	case 13:
		return combo_make(out, mods, "ret");
	case ESC:
		return combo_make(out, mods, "esc");
	case 31:
		return combo_make(out, mods | 4, "minus");
	}
	name[0] = c < ESC ? (char)('a' + c - 1) : high[c - 28];
	return combo_make(out, mods | 4, name);
}

bool term_key_translate(bool code, u32 key, bool alt, struct term_key *out)
{
	unsigned int mods = alt ? 2 : 0;
	char name[2] = { 0 };
	size_t i;

	memset(out, 0, sizeof(*out));
	if (code) {
		if (key >= KEY_F0 && key < KEY_F0 + 64)
			return function_key(key - KEY_F0, mods, out);
		for (i = 0; i < ARRAY_SIZE(keys); i++)
			if ((u32)keys[i].key == key)
				return combo_make(out, mods, keys[i].combo);
		return extended_key(key, mods, out);
	}
	if (key < 32 || key == 127)
		return control_char(key, mods, out);
	if (key > 126)
		return false;
	if (!alt) {
		out->ch = key;
		return true;
	}
	if (key == '-')
		return combo_make(out, mods, "minus");
	if (key >= 'A' && key <= 'Z')
		mods |= 1;
	name[0] = (char)key;
	return combo_make(out, mods, name);
}

/* A keyboard that takes one more of its longest sequences takes a shifted character. */
void term_keys_pump(struct gm_term *t, unsigned int n)
{
	const struct gm_input_sink *sink = &t->cfg.input;

	while (n-- && t->queue_len && (!sink->ready || sink->ready(sink->opaque))) {
		struct term_key *k = &t->queue[t->queue_head];

		if (k->ch)
			gm_input_type(sink, k->ch);
		else
			gm_input_sendkey(sink, k->combo);
		t->queue_head = (t->queue_head + 1) % TERM_QUEUE;
		t->queue_len--;
		if (!t->queue_len)
			t->redraw = true;
	}
}

static void enqueue(struct gm_term *t, const struct term_key *k)
{
	if (t->queue_len == TERM_QUEUE)
		return;
	t->queue[(t->queue_head + t->queue_len) % TERM_QUEUE] = *k;
	t->queue_len++;
}

void term_keys_read(struct gm_term *t)
{
	unsigned int budget = TERM_QUEUE;
	bool idle = !t->queue_len;
	struct term_key k;
	wint_t c;
	int rc;

	while (t->in_curses && budget-- && (rc = get_wch(&c)) != ERR) {
		bool code = rc == KEY_CODE_YES, alt = false;

		if (code && c == KEY_RESIZE)
			continue;
		if (!code && c == (wint_t)t->cfg.escape && !t->menu) {
			term_menu_open(t);
			continue;
		}
		/* Alt comes as Escape with the key right behind it. */
		if (!code && c == ESC) {
			rc = get_wch(&c);
			alt = rc != ERR;
			code = rc == KEY_CODE_YES;
			if (!alt)
				c = ESC;
		}
		if (t->menu)
			term_menu_key(t, code, c);
		else if (term_key_translate(code, c, alt, &k))
			enqueue(t, &k);
	}
	/* A key typed by hand goes at once; the rest of a paste with the timer. */
	if (idle)
		term_keys_pump(t, 1);
}

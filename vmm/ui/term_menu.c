// SPDX-License-Identifier: GPL-2.0-or-later
/* The menu behind the escape key of the terminal user interface. */
#include <curses.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "vmm/ui/term_int.h"

#define ESC 27

static void menu_close(struct gm_term *t)
{
	t->menu = false;
	t->menu_confirm = 0;
	term_view_set(t, t->view);
}

static void do_view(struct gm_term *t)
{
	if (!t->cfg.serial || !t->cfg.display.snapshot)
		gm_term_message(t, t->cfg.serial ? "this machine has no screen" :
						   "no serial line is connected to the terminal");
	else
		t->view = t->view == TERM_SCREEN ? TERM_SERIAL : TERM_SCREEN;
}

static void do_screenshot(struct gm_term *t)
{
	term_screenshot(t);
}

static void do_cad(struct gm_term *t)
{
	gm_input_sendkey(&t->cfg.input, "ctrl-alt-delete");
}

static void do_pause(struct gm_term *t)
{
	if (t->cfg.pause)
		t->cfg.pause(t->cfg.opaque, t->m->state != GM_STATE_PAUSED);
}

static void do_power(struct gm_term *t)
{
	if (t->cfg.powerbutton)
		t->cfg.powerbutton(t->cfg.opaque);
}

static void do_reset(struct gm_term *t)
{
	if (t->cfg.reset)
		t->cfg.reset(t->cfg.opaque);
}

static void do_command(struct gm_term *t)
{
	if (t->cfg.command)
		term_cmd_open(t);
}

static void do_quit(struct gm_term *t)
{
	if (t->cfg.quit)
		t->cfg.quit(t->cfg.opaque);
}

/* The escape character itself, to the guest's keyboard or its serial line. */
static void do_escape(struct gm_term *t)
{
	u8 c = (u8)t->cfg.escape;
	struct term_key k;

	if (t->view == TERM_SERIAL)
		gm_char_input(t->cfg.serial, &c, 1);
	else if (term_key_translate(false, c, false, &k))
		gm_input_sendkey(&t->cfg.input, k.combo);
}

static const struct {
	char key;
	bool confirm;
	const char *text, *other; /* other: when the first does not fit (paused, serial) */
	void (*fn)(struct gm_term *t);
} items[] = {
	{ 's', false, "serial console", "screen", do_view },
	{ 'p', false, "picture of the screen to a PNG file", NULL, do_screenshot },
	{ 'd', false, "send Ctrl-Alt-Delete", NULL, do_cad },
	{ 'e', false, "send the escape key itself", NULL, do_escape },
	{ 'z', false, "pause", "resume", do_pause },
	{ 'b', false, "power button", NULL, do_power },
	{ 'r', true, "reset", NULL, do_reset },
	{ ':', false, "a command (stat, info pci, insert, help ...)", NULL, do_command },
	{ 'q', true, "quit: switch the machine off at once", NULL, do_quit },
};

void term_menu_open(struct gm_term *t)
{
	t->menu = true;
	t->menu_at = 0;
	t->menu_confirm = 0;
	term_view_set(t, t->view);
}

static void choose(struct gm_term *t, unsigned int i)
{
	t->menu_at = i;
	t->redraw = true;
	if (items[i].confirm && t->menu_confirm != items[i].key) {
		t->menu_confirm = items[i].key;
		return;
	}
	items[i].fn(t);
	if (!t->cmd)
		menu_close(t);
}

void term_menu_key(struct gm_term *t, bool code, u32 key)
{
	unsigned int i, n = ARRAY_SIZE(items);

	t->redraw = true;
	if (t->cmd) {
		if (!term_cmd_key(t, code, key))
			menu_close(t);
		return;
	}
	if (code && (key == KEY_UP || key == KEY_DOWN)) {
		t->menu_at = (t->menu_at + (key == KEY_DOWN ? 1 : n - 1)) % n;
		t->menu_confirm = 0;
		return;
	}
	if (code && (key == KEY_PPAGE || key == KEY_NPAGE)) {
		t->scroll_y += key == KEY_PPAGE ? -LINES / 2 : LINES / 2;
		return;
	}
	if ((code && key == KEY_ENTER) || (!code && (key == '\r' || key == '\n'))) {
		choose(t, t->menu_at);
		return;
	}
	if (!code && key == (u32)t->cfg.escape) {
		do_escape(t);
		menu_close(t);
		return;
	}
	for (i = 0; !code && i < n; i++) {
		if (key == (u32)items[i].key) {
			choose(t, i);
			return;
		}
	}
	menu_close(t);
}

/* A frame of Unicode lines: the terminal's alternate character set is not always what it says. */
static void frame_draw(WINDOW *w)
{
	static const wchar_t chars[8] = { 0x2502, 0x2502, 0x2500, 0x2500,
					  0x250c, 0x2510, 0x2514, 0x2518 };
	cchar_t c[8];
	unsigned int i;

	for (i = 0; i < 8; i++) {
		wchar_t text[2] = { chars[i], 0 };

		setcchar(&c[i], text, A_NORMAL, 0, NULL);
	}
	wborder_set(w, &c[0], &c[1], &c[2], &c[3], &c[4], &c[5], &c[6], &c[7]);
}

void term_menu_draw(struct gm_term *t)
{
	int width = 46, height = (int)ARRAY_SIZE(items) + 4;
	int top = MAX(0, (LINES - height) / 2), left = MAX(0, (COLS - width) / 2);
	unsigned int i;
	char line[80];
	WINDOW *w;

	if (t->cmd) {
		term_cmd_draw(t);
		return;
	}
	w = newwin(MIN(height, LINES), MIN(width, COLS), top, left);
	if (!w)
		return;
	curs_set(0);
	frame_draw(w);
	snprintf(line, sizeof(line), " %.30s ", t->cfg.name ? t->cfg.name : "vmm");
	mvwaddstr(w, 0, 2, line);
	for (i = 0; i < ARRAY_SIZE(items); i++) {
		const char *text = items[i].text;

		if ((items[i].key == 's' && t->view == TERM_SERIAL) ||
		    (items[i].key == 'z' && t->m->state == GM_STATE_PAUSED))
			text = items[i].other;
		if (t->menu_confirm == items[i].key)
			snprintf(line, sizeof(line), " %c  sure? once more: %-24.24s", items[i].key,
				 text);
		else
			snprintf(line, sizeof(line), " %c  %-40.40s", items[i].key, text);
		wattrset(w, i == t->menu_at ? A_REVERSE : A_NORMAL);
		mvwaddnstr(w, (int)i + 1, 1, line, MAX(MIN(width, COLS) - 2, 0));
	}
	wattrset(w, A_NORMAL);
	mvwaddnstr(w, height - 2, 2, "Enter or letter: do it   other keys: back",
		   MAX(MIN(width, COLS) - 4, 0));
	wnoutrefresh(w);
	delwin(w);
}

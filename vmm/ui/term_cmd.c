// SPDX-License-Identifier: GPL-2.0-or-later
/* The command line behind the menu's colon: typing a command, and its answer, page by page. */
#include <curses.h>
#include <stdio.h>
#include <stdlib.h>
#include "vmm/ui/term_int.h"

#define ESC 27

void term_cmd_open(struct gm_term *t)
{
	t->cmd = TERM_CMD_TYPE;
	t->cmd_line[0] = 0;
	t->cmd_at = 0;
}

static void cmd_close(struct gm_term *t)
{
	free(t->cmd_text);
	t->cmd_text = NULL;
	t->cmd = TERM_CMD_OFF;
}

static bool cmd_run(struct gm_term *t)
{
	char *text;

	if (!t->cmd_line[0]) {
		cmd_close(t);
		return false;
	}
	text = t->cfg.command(t->cfg.opaque, t->cmd_line);
	t->cmd_at = 0;
	if (text && !*text) {
		free(text);
		text = strdup("done\n");
	}
	t->cmd_text = text;
	t->cmd = TERM_CMD_SHOW;
	return true;
}

static bool type_key(struct gm_term *t, bool code, u32 key)
{
	size_t n = strlen(t->cmd_line);

	if ((code && key == KEY_ENTER) || (!code && (key == '\r' || key == '\n')))
		return cmd_run(t);
	if ((code && key == KEY_BACKSPACE) || (!code && (key == 8 || key == 127))) {
		if (n)
			t->cmd_line[n - 1] = 0;
	} else if (!code && (key == ESC || key == (u32)t->cfg.escape)) {
		cmd_close(t);
		return false;
	} else if (!code && key >= ' ' && key < 127 && n + 1 < sizeof(t->cmd_line)) {
		t->cmd_line[n] = (char)key;
		t->cmd_line[n + 1] = 0;
	}
	return true;
}

bool term_cmd_key(struct gm_term *t, bool code, u32 key)
{
	int page = MAX(LINES - 4, 1);

	if (t->cmd == TERM_CMD_TYPE)
		return type_key(t, code, key);
	if (code && (key == KEY_DOWN || key == KEY_NPAGE)) {
		t->cmd_at += key == KEY_DOWN ? 1 : page;
		return true;
	}
	if (code && (key == KEY_UP || key == KEY_PPAGE)) {
		t->cmd_at = MAX(0, t->cmd_at - (key == KEY_UP ? 1 : page));
		return true;
	}
	cmd_close(t);
	return false;
}

static void type_draw(const struct gm_term *t)
{
	WINDOW *w = newwin(1, COLS, MAX(LINES - 1, 0), 0);
	size_t n = strlen(t->cmd_line), room = (size_t)MAX(COLS - 3, 1);

	if (!w)
		return;
	mvwaddch(w, 0, 0, ':');
	waddstr(w, t->cmd_line + (n > room ? n - room : 0));
	curs_set(1);
	wnoutrefresh(w);
	delwin(w);
}

static void show_draw(struct gm_term *t)
{
	const char *p = t->cmd_text ? t->cmd_text : "out of memory\n", *end;
	WINDOW *w = newwin(LINES, COLS, 0, 0);
	int i, y = 0;

	if (!w)
		return;
	for (i = 0; i < t->cmd_at && (end = strchr(p, '\n')) && end[1]; i++)
		p = end + 1;
	t->cmd_at = i;
	for (; *p && y < LINES - 1; y++) {
		end = p + strcspn(p, "\n");
		mvwaddnstr(w, y, 0, p, MIN((int)(end - p), COLS));
		p = *end ? end + 1 : end;
	}
	wattrset(w, A_REVERSE);
	mvwaddnstr(w, LINES - 1, 0, *p ? "arrows: more   other keys: back" : "any key: back", COLS);
	curs_set(0);
	wnoutrefresh(w);
	delwin(w);
}

void term_cmd_draw(struct gm_term *t)
{
	if (t->cmd == TERM_CMD_TYPE)
		type_draw(t);
	else
		show_draw(t);
}

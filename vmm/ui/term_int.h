/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the terminal user interface share: term.c, term_draw.c, term_keys.c,
 * term_menu.c. All run in the I/O loop's thread with the machine lock held. */
#ifndef VMM_UI_TERM_INT_H
#define VMM_UI_TERM_INT_H

#include "vmm/machine.h"
#include "vmm/ui/term.h"

#define TERM_QUEUE 1024u /* keys that wait to be typed */
#define TERM_COMBO 24

struct term_key {
	u32 ch;                 /* a character, or 0: see combo */
	char combo[TERM_COMBO]; /* for gm_input_sendkey() */
};

enum term_view { TERM_SCREEN, TERM_SERIAL };

struct gm_term {
	struct gm_machine *m;
	struct gm_term_cfg cfg;
	struct gm_screen screen;
	u64 since;          /* cookie of the display source */
	bool redraw;        /* draw even if the guest's screen has not changed */
	enum term_view view;
	int timer_fd;
	bool ticking, watching;
	struct gm_display_watch watch;
	struct gm_state_listener listener;
	struct screen *curses; /* ncurses' SCREEN */
	bool in_curses;
	bool leave_serial;  /* the escape key came on the serial view */
	char goodbye[128];
	/* drawing */
	int scroll_y, scroll_x;      /* first row and column shown of a larger screen */
	int cursor_x, cursor_y;      /* as last drawn, to follow when they move */
	int first_color[16];         /* terminal colour of each text colour */
	/* messages */
	char message[200];
	unsigned int message_ticks;  /* timer ticks that it stays */
	int err_saved, err_pipe;     /* the real standard error; what is written to it meanwhile */
	char *err_text;
	size_t err_len;
	/* serial console */
	struct gm_char *tty;
	u64 serial_seen, serial_total; /* bytes of output shown, and produced */
	/* keys */
	struct term_key queue[TERM_QUEUE];
	unsigned int queue_head, queue_len;
	/* menu */
	bool menu;
	unsigned int menu_at;
	int menu_confirm; /* key that must be pressed again; 0: none */
	bool paused;
	/* the command line behind the menu's colon */
	enum { TERM_CMD_OFF, TERM_CMD_TYPE, TERM_CMD_SHOW } cmd;
	char cmd_line[256];
	char *cmd_text;              /* the answer */
	int cmd_at;                  /* first line of it shown */
};

/* term.c */
void term_view_set(struct gm_term *t, enum term_view view);
void term_screenshot(struct gm_term *t);

/* term_draw.c */
int term_draw_init(struct gm_term *t);
void term_draw(struct gm_term *t);
/* A line across the bottom row. */
void term_draw_status(struct gm_term *t);
int term_color_256(u32 rgb);

/* term_keys.c: reads what the terminal has typed. */
void term_keys_read(struct gm_term *t);
/* Types up to n waiting keys. */
void term_keys_pump(struct gm_term *t, unsigned int n);
/* A key of curses, code or character: its place in the queue. False when it means nothing. */
bool term_key_translate(bool code, u32 key, bool alt, struct term_key *out);

/* term_menu.c */
void term_menu_open(struct gm_term *t);
/* key: a character, or a KEY_* of curses when code. */
void term_menu_key(struct gm_term *t, bool code, u32 key);
void term_menu_draw(struct gm_term *t);

/* term_cmd.c: the command line and its answer, while t->cmd. */
void term_cmd_open(struct gm_term *t);
/* False: done, the menu closes. */
bool term_cmd_key(struct gm_term *t, bool code, u32 key);
void term_cmd_draw(struct gm_term *t);

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The terminal user interface: taking the terminal over and giving it back, the redraw timer,
 * the two views.
 *
 * The screen view is drawn with ncurses, 30 times a second at most and only what changed; with nothing
 * to draw the timer stops, until the display adapter, a key or a message starts it again. In the
 * serial view curses steps aside and bytes pass between the terminal and the serial line
 * unchanged, so that the terminal's own emulation serves. Host time drives the redraw: a paused
 * guest can be looked at. Standard error is caught meanwhile and shown on the status line; all
 * of it comes out on the terminal in the end.
 */
#include "vmm/ui/term.h"

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>
#include <term.h>
#include <time.h>
#include <unistd.h>
#include "vmm/loop.h"
#include "vmm/ui/screen_save.h"
#include "vmm/ui/term_int.h"
#include "vmm/ui/tty.h"

#define TICK_NS       33333333L
#define MESSAGE_TICKS 150
#define REPLAY_MAX    16384u
#define ERR_TEXT_MAX  16384u
#define KEYS_A_TICK   2 /* what a PS/2 keyboard's queue takes without loss */
#define ESCAPE_DEFAULT 0x1d /* Ctrl-] */

/* ---- the timer ---- */

static void tick_set(struct gm_term *t, bool on)
{
	struct itimerspec its = { .it_interval.tv_nsec = on ? TICK_NS : 0,
				  .it_value.tv_nsec = on ? TICK_NS : 0 };

	t->ticking = on;
	timerfd_settime(t->timer_fd, 0, &its, NULL);
}

static void term_wake(struct gm_term *t)
{
	if (!t->ticking)
		tick_set(t, true);
}

static void watch_fired(void *opaque)
{
	struct gm_term *t = opaque;

	t->watching = false;
	term_wake(t);
}

static void state_changed(void *opaque, struct gm_machine *m)
{
	term_wake(opaque);
}

void gm_term_resized(struct gm_term *t)
{
	if (t)
		term_wake(t);
}

/* Nothing waits for a tick, and the display adapter tells of its next change. */
static bool can_rest(struct gm_term *t)
{
	const struct gm_display_source *d = &t->cfg.display;

	if (t->message_ticks || t->queue_len || t->leave_serial || t->redraw)
		return false;
	if (!t->in_curses || !d->snapshot || t->watching)
		return true;
	t->watching = d->watch && d->watch(d->opaque, &t->watch);
	return t->watching;
}

/* ---- messages ---- */

void gm_term_message(struct gm_term *t, const char *text)
{
	size_t n = strcspn(text, "\n");

	snprintf(t->message, sizeof(t->message), "%.*s", (int)n, text);
	t->message_ticks = MESSAGE_TICKS;
	t->redraw = true;
	term_wake(t);
}

/* What somebody wrote to standard error: kept for the end, its last line shown. */
static void err_event(void *opaque, u32 events)
{
	struct gm_term *t = opaque;
	char buf[1025], *line;
	ssize_t n = read(t->err_pipe, buf, sizeof(buf) - 1);

	if (n <= 0)
		return;
	if (t->err_len + (size_t)n <= ERR_TEXT_MAX) {
		memcpy(t->err_text + t->err_len, buf, (size_t)n);
		t->err_len += (size_t)n;
	}
	while (n && buf[n - 1] == '\n')
		n--;
	buf[n] = '\0';
	line = strrchr(buf, '\n');
	gm_term_message(t, line ? line + 1 : buf);
}

static int err_catch(struct gm_term *t)
{
	int p[2], err;

	if (!isatty(STDERR_FILENO))
		return 0; /* it goes elsewhere and disturbs nothing */
	t->err_text = malloc(ERR_TEXT_MAX);
	if (!t->err_text)
		return -ENOMEM;
	if (pipe2(p, O_CLOEXEC | O_NONBLOCK))
		return -errno;
	t->err_saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	t->err_pipe = p[0];
	if (dup2(p[1], STDERR_FILENO) < 0)
		err = -errno;
	else
		err = gm_loop_add(t->m->loop, p[0], EPOLLIN, err_event, t);
	close(p[1]);
	return err;
}

static void err_release(struct gm_term *t)
{
	if (t->err_pipe < 0)
		return;
	err_event(t, 0);
	gm_loop_remove(t->m->loop, t->err_pipe);
	if (t->err_saved >= 0) {
		dup2(t->err_saved, STDERR_FILENO);
		close(t->err_saved);
		if (t->err_len && write(STDERR_FILENO, t->err_text, t->err_len) < 0)
			t->err_len = 0; /* nobody there to read it */
	}
	close(t->err_pipe);
	t->err_pipe = t->err_saved = -1;
}

/* ---- the serial view ---- */

static void serial_output(void *opaque, const u8 *buf, size_t len)
{
	struct gm_term *t = opaque;

	t->serial_total += len;
	if (t->tty) {
		gm_char_write(t->tty, buf, len);
		t->serial_seen = t->serial_total;
	}
}

static size_t tty_room(void *opaque)
{
	return 1024;
}

static void stdin_event(void *opaque, u32 events);

static void tty_input(void *opaque, const u8 *buf, size_t len)
{
	struct gm_term *t = opaque;
	const u8 *esc = memchr(buf, t->cfg.escape, len);

	gm_char_input(t->cfg.serial, buf, esc ? (size_t)(esc - buf) : len);
	/* Not from inside the back end that calls this. */
	if (esc) {
		t->leave_serial = true;
		term_wake(t);
	}
}

/* Output since the line was last looked at comes first. */
static void serial_enter(struct gm_term *t)
{
	static const struct gm_char_client client = { .can_receive = tty_room,
						      .receive = tty_input };
	struct gm_char_client c = client;
	u64 missed = t->serial_total - t->serial_seen;
	u8 *buf = malloc(REPLAY_MAX);
	char err[128];
	size_t n;

	gm_loop_remove(t->m->loop, STDIN_FILENO);
	endwin();
	t->in_curses = false;
	gm_tty_goodbye(NULL);
	t->tty = gm_char_open(t->m, "stdio", err, sizeof(err));
	c.opaque = t;
	gm_char_set_client(t->tty, &c);
	gm_tty_raw(STDIN_FILENO, false);
	if (buf && missed) {
		n = gm_char_history(t->cfg.serial, buf, (size_t)MIN(missed, (u64)REPLAY_MAX));
		gm_char_write(t->tty, buf, n);
	}
	t->serial_seen = t->serial_total;
	free(buf);
}

static void serial_leave(struct gm_term *t)
{
	gm_char_close(t->tty);
	t->tty = NULL;
	gm_tty_take(STDIN_FILENO);
	gm_tty_goodbye(t->goodbye);
	gm_loop_add(t->m->loop, STDIN_FILENO, EPOLLIN, stdin_event, t);
	t->in_curses = true;
	clearok(curscr, TRUE);
	refresh();
	t->redraw = true;
}

/* Shows a view; the menu is drawn by curses, over either. */
void term_view_set(struct gm_term *t, enum term_view view)
{
	bool want_tty;

	if (view == TERM_SERIAL && !t->cfg.serial)
		view = TERM_SCREEN;
	t->view = view;
	want_tty = view == TERM_SERIAL && !t->menu;
	if (want_tty && !t->tty)
		serial_enter(t);
	else if (!want_tty && t->tty)
		serial_leave(t);
	t->redraw = true;
}

/* ---- screenshots ---- */

void term_screenshot(struct gm_term *t)
{
	struct gm_screen s = { .kind = GM_SCREEN_OFF };
	time_t now = time(NULL);
	char path[160], text[220], stamp[32];
	struct tm tm;
	u64 since = 0;
	int err;

	localtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &tm);
	snprintf(path, sizeof(path), "%.100s-%s.png", t->cfg.name ? t->cfg.name : "vmm", stamp);
	if (t->cfg.display.snapshot)
		t->cfg.display.snapshot(t->cfg.display.opaque, &s, true, &since);
	err = gm_screen_save(t->m->keeper, &s, path);
	if (err == -ENODATA)
		snprintf(text, sizeof(text), "no screenshot: the screen is off");
	else if (err)
		snprintf(text, sizeof(text), "%s: %s", path, strerror(-err));
	else
		snprintf(text, sizeof(text), "screenshot: %s", path);
	gm_screen_fini(&s);
	gm_term_message(t, text);
}

/* ---- events ---- */

static void size_check(struct gm_term *t)
{
	struct winsize ws;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) || !ws.ws_row || !ws.ws_col)
		return;
	if (ws.ws_row == LINES && ws.ws_col == COLS)
		return;
	resizeterm(ws.ws_row, ws.ws_col);
	clearok(curscr, TRUE);
	t->redraw = true;
}

static void frame(struct gm_term *t)
{
	bool changed = false;

	if (!t->in_curses)
		return;
	size_check(t);
	if (t->message_ticks && !--t->message_ticks)
		t->redraw = true;
	if (t->paused != (t->m->state == GM_STATE_PAUSED)) {
		t->paused = !t->paused;
		t->redraw = true;
	}
	if (t->cfg.display.snapshot)
		changed = t->cfg.display.snapshot(t->cfg.display.opaque, &t->screen, false,
						  &t->since);
	if (!changed && !t->redraw)
		return;
	t->redraw = false;
	term_draw(t);
	/* A slow terminal must not hold up the machine. */
	gm_unlock(t->m);
	doupdate();
	gm_lock(t->m);
}

static void timer_event(void *opaque, u32 events)
{
	struct gm_term *t = opaque;
	u64 n;

	if (read(t->timer_fd, &n, sizeof(n)) != sizeof(n))
		return;
	if (t->leave_serial) {
		t->leave_serial = false;
		term_menu_open(t);
	}
	term_keys_pump(t, KEYS_A_TICK);
	frame(t);
	if (can_rest(t))
		tick_set(t, false);
}

static void stdin_event(void *opaque, u32 events)
{
	struct gm_term *t = opaque;

	/* The terminal is gone: it would be readable for ever. */
	if (events & (EPOLLHUP | EPOLLERR)) {
		gm_loop_remove(t->m->loop, STDIN_FILENO);
		if (t->cfg.quit)
			t->cfg.quit(t->cfg.opaque);
		return;
	}
	term_keys_read(t);
	if (t->redraw)
		frame(t);
	term_wake(t);
}

/* ---- start and stop ---- */

/* Line graphics need UTF-8; where the user's locale says nothing, C.UTF-8 is it. */
static void locale_set(void)
{
	setlocale(LC_CTYPE, "");
	if (strcmp(nl_langinfo(CODESET), "UTF-8"))
		setlocale(LC_CTYPE, "C.UTF-8");
}

static void goodbye_make(struct gm_term *t)
{
	static const char *const caps[] = { "sgr0", "cnorm", "rmkx", "rmcup" };
	size_t i, n = 0;

	for (i = 0; i < ARRAY_SIZE(caps); i++) {
		char *s = tigetstr((char *)caps[i]);

		if (s && s != (char *)-1 && n + strlen(s) < sizeof(t->goodbye))
			n += (size_t)snprintf(t->goodbye + n, sizeof(t->goodbye) - n, "%s", s);
	}
}

static int timer_start(struct gm_term *t)
{
	t->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (t->timer_fd < 0)
		return -errno;
	tick_set(t, true);
	return gm_loop_add(t->m->loop, t->timer_fd, EPOLLIN, timer_event, t);
}

int gm_term_start(struct gm_machine *m, const struct gm_term_cfg *cfg, struct gm_term **out)
{
	struct gm_term *t;
	int err;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return -ENOTTY;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->m = m;
	t->cfg = *cfg;
	t->timer_fd = t->err_pipe = t->err_saved = -1;
	t->watch = (struct gm_display_watch){ .fn = watch_fired, .opaque = t };
	t->listener = (struct gm_state_listener){ .fn = state_changed, .opaque = t };
	gm_machine_listen(m, &t->listener);
	t->cursor_x = t->cursor_y = -1;
	if (!t->cfg.escape)
		t->cfg.escape = ESCAPE_DEFAULT;
	locale_set();
	err = gm_tty_take(STDIN_FILENO);
	if (err)
		goto fail;
	err = -ENOTTY; /* a terminal that terminfo does not know */
	t->curses = newterm(NULL, stdout, stdin);
	if (!t->curses)
		goto fail;
	t->in_curses = true;
	goodbye_make(t);
	gm_tty_goodbye(t->goodbye);
	err = term_draw_init(t);
	if (!err)
		err = err_catch(t);
	if (!err)
		err = timer_start(t);
	if (!err)
		err = gm_loop_add(m->loop, STDIN_FILENO, EPOLLIN, stdin_event, t);
	if (err)
		goto fail;
	gm_char_set_viewer(cfg->serial, serial_output, t);
	t->redraw = true;
	if (!cfg->display.snapshot)
		term_view_set(t, TERM_SERIAL);
	*out = t;
	return 0;
fail:
	gm_term_stop(t);
	return err;
}

void gm_term_stop(struct gm_term *t)
{
	if (!t)
		return;
	gm_char_set_viewer(t->cfg.serial, NULL, NULL);
	gm_machine_unlisten(t->m, &t->listener);
	if (t->watching)
		t->cfg.display.unwatch(t->cfg.display.opaque, &t->watch);
	if (t->timer_fd >= 0) {
		gm_loop_remove(t->m->loop, t->timer_fd);
		close(t->timer_fd);
	}
	gm_loop_remove(t->m->loop, STDIN_FILENO);
	if (t->tty)
		gm_char_close(t->tty);
	if (t->in_curses)
		endwin();
	if (t->curses)
		delscreen(t->curses);
	gm_tty_goodbye(NULL);
	gm_tty_restore();
	err_release(t);
	free(t->err_text);
	gm_screen_fini(&t->screen);
	free(t);
}

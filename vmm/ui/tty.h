/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The process's terminal: taken over, and given back whatever happens. See tty.c. */
#ifndef VMM_UI_TTY_H
#define VMM_UI_TTY_H

#include <stdbool.h>

/* Remembers the settings of the terminal on `fd`, to be restored by gm_tty_restore(), at exit and
 * on fatal signals. A process has one terminal: -EBUSY when another is taken; or -errno. */
int gm_tty_take(int fd);
/* The same, and puts it in raw mode. signals: keep Ctrl-C and Ctrl-\. */
int gm_tty_raw(int fd, bool signals);
/* Bytes (a string that stays valid; NULL for none) that bring the screen back, written first. */
void gm_tty_goodbye(const char *bytes);
void gm_tty_restore(void);

#endif

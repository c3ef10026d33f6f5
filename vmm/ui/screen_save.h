/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The screen into a file. */
#ifndef VMM_UI_SCREEN_SAVE_H
#define VMM_UI_SCREEN_SAVE_H

#include "vmm/ui/display.h"

struct gm_keeper;

/* Does the name ask for text and not for a picture? */
bool gm_screen_path_is_text(const char *path);
/* Through the keeper, which must allow it (GM_KEEPER_SAVE or GM_KEEPER_STAMP). -ENODATA: there is
 * no picture, the screen is off. Or another -errno. */
int gm_screen_save(struct gm_keeper *k, const struct gm_screen *s, const char *path);

#endif

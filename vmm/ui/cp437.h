/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Code page 437, the PC's character set, and UTF-8. */
#ifndef VMM_UI_CP437_H
#define VMM_UI_CP437_H

#include "vmm/types.h"

/* Unicode of each character, control codes as the pictures that a VGA shows for them; 0, 32 and
 * 255 are blanks. */
extern const u16 gm_cp437[256];
/* The code page's byte for a Unicode character, or -1. */
int gm_cp437_from(u32 codepoint);
/* Writes c (below 0x110000) as UTF-8; 1 to 4 bytes, which it returns. */
size_t gm_utf8_put(u32 c, char *out);

#endif

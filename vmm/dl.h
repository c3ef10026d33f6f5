/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Libraries that only some machines need. They are loaded when they are asked for, so that all
 * other machines start without them, and a host without them runs those.
 *
 * A library's functions stand in a struct of pointers of their own types:
 *
 *	#define LIST(F) F(SDL_Init) F(SDL_Quit)
 *	struct sdl { void *dl; LIST(GM_DL_MEMBER) };
 *	#define ENTRY(f) GM_DL_ENTRY(struct sdl, f)
 *	static const struct gm_dl_sym syms[] = { LIST(ENTRY) };
 */
#ifndef VMM_DL_H
#define VMM_DL_H

#include <stddef.h>
#include "vmm/types.h"

struct gm_dl_sym {
	const char *name;
	size_t offset; /* of the pointer */
};

#define GM_DL_MEMBER(f) __typeof__(&f) f;
#define GM_DL_ENTRY(type, f) { #f, offsetof(type, f) },

/* Loads the library `soname` and fills in the pointers of `api`. 0, or -ENOENT with one line in
 * err, which names the package to install. */
int gm_dl_open(const char *soname, const char *package, const struct gm_dl_sym *syms, size_t n,
	       void *api, void **dl, char *err, size_t errlen);
void gm_dl_close(void *dl);

#endif

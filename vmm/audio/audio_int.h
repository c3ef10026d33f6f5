/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the mixer and its back ends share. */
#ifndef VMM_AUDIO_INT_H
#define VMM_AUDIO_INT_H

#include "vmm/audio/audio.h"

/* One way out; `state` is what open gave. Machine lock held; none of them waits for anything. */
struct audio_back {
	/* -errno with a message. */
	int (*open)(void **state, const struct gm_audio_options *o, struct gm_machine *m, char *err,
		    size_t errlen);
	/* Frames of GM_AUDIO_HZ. */
	void (*write)(void *state, const gm_frame *frames, size_t n);
	/* Sound begins, or nothing more comes for a while. */
	void (*active)(void *state, bool on);
	void (*close)(void *state);
};

extern const struct audio_back audio_wav;
#ifdef HAVE_SDL2
extern const struct audio_back audio_sdl;
int audio_sdl_probe(char *buf, size_t len);
#endif

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The host's sound through SDL2, which knows PulseAudio, PipeWire, ALSA and others; the environment
 * variable SDL_AUDIODRIVER chooses among them. SDL's own thread plays a queue that is filled here.
 *
 * Guest time and the sound card's clock are two clocks: a queue that grows is cut, one that runs
 * empty is silence. Some silence goes ahead of each sound, so that it does not run empty at once.
 */
#ifdef HAVE_SDL2
#include <SDL.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "vmm/audio/audio_int.h"

#define FRAME     ((u32)sizeof(gm_frame))
#define QUEUE_MAX (GM_AUDIO_HZ / 4 * FRAME)  /* bytes: a quarter of a second */
#define LEAD      (GM_AUDIO_HZ / 25 * FRAME) /* 40 ms */
#define PERIOD    1024                       /* frames that the card takes at once */

struct sdl {
	SDL_AudioDeviceID dev;
};

static void sdl_write(void *state, const gm_frame *frames, size_t n)
{
	static const u8 silence[LEAD];
	struct sdl *s = state;
	u32 queued = SDL_GetQueuedAudioSize(s->dev);

	if (!queued)
		SDL_QueueAudio(s->dev, silence, LEAD);
	if (queued < QUEUE_MAX)
		SDL_QueueAudio(s->dev, frames, (u32)n * FRAME);
}

/* What waits is silence by the time it is told to rest. */
static void sdl_active(void *state, bool on)
{
	struct sdl *s = state;

	SDL_PauseAudioDevice(s->dev, !on);
	if (!on)
		SDL_ClearQueuedAudio(s->dev);
}

static void sdl_close(void *state)
{
	struct sdl *s = state;

	SDL_CloseAudioDevice(s->dev);
	SDL_QuitSubSystem(SDL_INIT_AUDIO);
	free(s);
}

/* 0 when there is none. */
static SDL_AudioDeviceID device_open(void)
{
	SDL_AudioSpec want = {.freq = GM_AUDIO_HZ, .format = AUDIO_S16SYS, .channels = 2,
			      .samples = PERIOD};
	SDL_AudioDeviceID dev = 0;

	/* Signals are vmm's own. */
	SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
	if (SDL_InitSubSystem(SDL_INIT_AUDIO))
		return 0;
	dev = SDL_OpenAudioDevice(NULL, 0, &want, NULL, 0);
	if (!dev)
		SDL_QuitSubSystem(SDL_INIT_AUDIO);
	return dev;
}

static int sdl_open(void **state, const struct gm_audio_options *o, struct gm_machine *m, char *err,
		    size_t errlen)
{
	struct sdl *s = calloc(1, sizeof(*s));

	if (!s) {
		snprintf(err, errlen, "out of memory");
		return -ENOMEM;
	}
	s->dev = device_open();
	if (!s->dev) {
		snprintf(err, errlen, "--sound: this host's sound cannot be used (%s): say wav=FILE "
			 "or mute", SDL_GetError());
		free(s);
		return -ENODEV;
	}
	*state = s;
	return 0;
}

int audio_sdl_probe(char *buf, size_t len)
{
	SDL_AudioDeviceID dev = device_open();
	const char *driver = SDL_GetCurrentAudioDriver();

	snprintf(buf, len, "%s", !dev ? SDL_GetError() : driver ? driver : "unknown");
	if (!dev)
		return -ENODEV;
	SDL_CloseAudioDevice(dev);
	SDL_QuitSubSystem(SDL_INIT_AUDIO);
	return 0;
}

const struct audio_back audio_sdl = {
	.open = sdl_open,
	.write = sdl_write,
	.active = sdl_active,
	.close = sdl_close,
};
#endif

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
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "vmm/audio/audio_int.h"
#include "vmm/dl.h"

#define FUNCTIONS(F)                                                                               \
	F(SDL_ClearQueuedAudio) F(SDL_CloseAudioDevice) F(SDL_GetCurrentAudioDriver)               \
	F(SDL_GetError) F(SDL_GetQueuedAudioSize) F(SDL_InitSubSystem) F(SDL_OpenAudioDevice)      \
	F(SDL_PauseAudioDevice) F(SDL_QueueAudio) F(SDL_QuitSubSystem) F(SDL_SetHint)

#define FRAME     ((u32)sizeof(gm_frame))
#define QUEUE_MAX (GM_AUDIO_HZ / 4 * FRAME)  /* bytes: a quarter of a second */
#define LEAD      (GM_AUDIO_HZ / 25 * FRAME) /* 40 ms */
#define PERIOD    1024                       /* frames that the card takes at once */

struct sdl {
	void *dl;
	FUNCTIONS(GM_DL_MEMBER)
	SDL_AudioDeviceID dev;
};

#define ENTRY(f) GM_DL_ENTRY(struct sdl, f)
static const struct gm_dl_sym syms[] = { FUNCTIONS(ENTRY) };

static void sdl_write(void *state, const gm_frame *frames, size_t n)
{
	static const u8 silence[LEAD];
	struct sdl *s = state;
	u32 queued = s->SDL_GetQueuedAudioSize(s->dev);

	if (!queued)
		s->SDL_QueueAudio(s->dev, silence, LEAD);
	if (queued < QUEUE_MAX)
		s->SDL_QueueAudio(s->dev, frames, (u32)n * FRAME);
}

/* What waits is silence by the time it is told to rest. */
static void sdl_active(void *state, bool on)
{
	struct sdl *s = state;

	s->SDL_PauseAudioDevice(s->dev, !on);
	if (!on)
		s->SDL_ClearQueuedAudio(s->dev);
}

/* ALSA's library writes pages about what it does not find; SDL has it in a line. Gives what
 * stderr_restore() takes. */
static int stderr_hide(void)
{
	int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (saved >= 0 && null >= 0)
		dup2(null, STDERR_FILENO);
	if (null >= 0)
		close(null);
	return saved;
}

static void stderr_restore(int saved)
{
	if (saved < 0)
		return;
	dup2(saved, STDERR_FILENO);
	close(saved);
}

/* -errno with the reason in err. */
static int device_open(struct sdl *s, char *err, size_t errlen)
{
	SDL_AudioSpec want = {.freq = GM_AUDIO_HZ, .format = AUDIO_S16SYS, .channels = 2,
			      .samples = PERIOD};
	int ret = gm_dl_open("libSDL2-2.0.so.0", "libsdl2-2.0-0 (Debian), SDL2 (Fedora)", syms,
			     ARRAY_SIZE(syms), s, &s->dl, err, errlen), saved;

	if (ret)
		return ret;
	saved = stderr_hide();
	/* Signals are vmm's own. */
	s->SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
	if (!s->SDL_InitSubSystem(SDL_INIT_AUDIO)) {
		s->dev = s->SDL_OpenAudioDevice(NULL, 0, &want, NULL, 0);
		if (!s->dev)
			s->SDL_QuitSubSystem(SDL_INIT_AUDIO);
	}
	stderr_restore(saved);
	if (s->dev)
		return 0;
	snprintf(err, errlen, "%s", s->SDL_GetError());
	gm_dl_close(s->dl);
	return -ENODEV;
}

static void device_close(struct sdl *s)
{
	s->SDL_CloseAudioDevice(s->dev);
	s->SDL_QuitSubSystem(SDL_INIT_AUDIO);
	gm_dl_close(s->dl);
}

static void sdl_close(void *state)
{
	device_close(state);
	free(state);
}

static int sdl_open(void **state, const struct gm_audio_options *o, struct gm_machine *m, char *err,
		    size_t errlen)
{
	struct sdl *s = calloc(1, sizeof(*s));
	char why[192] = "out of memory";
	int ret = s ? device_open(s, why, sizeof(why)) : -ENOMEM;

	if (!ret) {
		*state = s;
		return 0;
	}
	snprintf(err, errlen, "--sound: this host's sound cannot be used (%s): say wav=FILE or mute",
		 why);
	free(s);
	return ret;
}

int audio_sdl_probe(char *buf, size_t len)
{
	struct sdl s = {0};
	const char *driver;
	int ret = device_open(&s, buf, len);

	if (ret)
		return ret;
	driver = s.SDL_GetCurrentAudioDriver();
	snprintf(buf, len, "%s", driver ? driver : "unknown");
	device_close(&s);
	return 0;
}

const struct audio_back audio_sdl = {
	.open = sdl_open,
	.write = sdl_write,
	.active = sdl_active,
	.close = sdl_close,
};
#endif

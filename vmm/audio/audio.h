/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine's sound: devices put frames into voices, one mixer adds them up in guest time, and one
 * back end (the host's sound through SDL2, a WAV file, nobody) takes the sum.
 *
 * The pace is the guest's: the mixer runs on a timer of guest time, asks every voice for what it has
 * played until now, and hands the sum on. A back end never makes anybody wait; what it has no room
 * for is lost, and what a voice does not have is silence.
 *
 * All functions: machine lock held. Those of voices accept NULL: a device that nobody listens to.
 */
#ifndef VMM_AUDIO_H
#define VMM_AUDIO_H

#include "vmm/types.h"

#define GM_AUDIO_HZ       48000 /* of the mixed sound: 16 bits, two channels */
#define GM_AUDIO_RATE_MIN 1000  /* of a voice, Hz */
#define GM_AUDIO_RATE_MAX 200000
#define GM_AUDIO_UNITY    65536 /* volume: as loud as the frames are */

struct gm_audio;
struct gm_machine;
struct gm_voice;

enum gm_audio_out {
	GM_AUDIO_MUTE,
	GM_AUDIO_HOST, /* SDL2: PulseAudio, PipeWire, ALSA... */
	GM_AUDIO_WAV,
};

struct gm_audio_options {
	enum gm_audio_out out;
	const char *path; /* of the WAV file */
};

/* NULL with a one-line message in err that says what to do. */
struct gm_audio *gm_audio_open(struct gm_machine *m, const struct gm_audio_options *o, char *err,
			       size_t errlen);
/* Every voice is gone by now. NULL is allowed. */
void gm_audio_close(struct gm_audio *a);
/* Tries the host's sound and closes it again: 0 with the name of what plays it, or -errno with the
 * reason, in words (-ENOSYS: built without SDL2). No lock needed. */
int gm_audio_host_probe(char *buf, size_t len);

/* One frame: left, right. */
typedef s16 gm_frame[2];

struct gm_voice_client {
	/* The mixer is about to take what has been played: the device writes it with
	 * gm_voice_write(). It may start and stop its voice meanwhile. */
	void (*pull)(void *opaque);
	void *opaque;
};

/* NULL when a is NULL or out of memory: nothing is heard then. */
struct gm_voice *gm_voice_new(struct gm_audio *a, const struct gm_voice_client *client);
void gm_voice_free(struct gm_voice *v);
/* From now on pull() is called, and frames follow at `rate` a second. What was written before and
 * has not been heard yet is heard first. A rate beyond the limits is moved to the nearest. */
void gm_voice_start(struct gm_voice *v, u32 rate);
/* No more frames follow; those that wait are heard. */
void gm_voice_stop(struct gm_voice *v);
void gm_voice_volume(struct gm_voice *v, u32 left, u32 right);
void gm_voice_write(struct gm_voice *v, const gm_frame *frames, size_t n);

/* Samples as cards know them. */
struct gm_sample_format {
	bool bits16, is_signed, stereo;
};

static inline unsigned int gm_sample_frame_size(struct gm_sample_format f)
{
	return 1u << (f.bits16 + f.stereo);
}

/* Converts n frames of little-endian samples. */
void gm_sample_convert(struct gm_sample_format f, const u8 *in, gm_frame *out, size_t n);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Voices that record what a device plays; takes the place of vmm/audio/mixer.c. */
#ifndef TEST_FAKE_AUDIO_H
#define TEST_FAKE_AUDIO_H

#include <stdlib.h>

#include "test/unit/lib/run.h"
#include "vmm/audio/audio.h"

#define FAKE_FRAMES 65536

struct gm_voice {
	struct gm_voice_client client;
	bool on;
	u32 rate, volume[2];
	unsigned int starts;
	size_t n; /* frames written; the first FAKE_FRAMES are kept */
	gm_frame frame[FAKE_FRAMES];
};

struct gm_audio {
	struct gm_voice *voice[8]; /* in order of creation */
	unsigned int n;
};

static struct gm_audio fake_audio;

struct gm_voice *gm_voice_new(struct gm_audio *a, const struct gm_voice_client *client)
{
	struct gm_voice *v = calloc(1, sizeof(*v));

	ck_assert(a && v && a->n < 8);
	v->client = *client;
	a->voice[a->n++] = v;
	return v;
}

void gm_voice_free(struct gm_voice *v)
{
	free(v);
}

void gm_voice_start(struct gm_voice *v, u32 rate)
{
	v->on = true;
	v->rate = rate;
	v->starts++;
}

void gm_voice_stop(struct gm_voice *v)
{
	v->on = false;
}

void gm_voice_volume(struct gm_voice *v, u32 left, u32 right)
{
	v->volume[0] = left;
	v->volume[1] = right;
}

void gm_voice_write(struct gm_voice *v, const gm_frame *frames, size_t n)
{
	ck_assert(v->on || !n);
	for (size_t i = 0; i < n; i++, v->n++)
		if (v->n < FAKE_FRAMES)
			memcpy(v->frame[v->n], frames[i], sizeof(gm_frame));
}

static inline struct gm_audio *fake_audio_new(void)
{
	memset(&fake_audio, 0, sizeof(fake_audio));
	return &fake_audio;
}

/* Frames from index `from` on are all (left, right), n of them. */
static inline void fake_audio_all(const struct gm_voice *v, size_t from, size_t n, s16 left,
				  s16 right)
{
	for (size_t i = from; i < from + n; i++)
		ck_assert_msg(v->frame[i][0] == left && v->frame[i][1] == right,
			      "frame %zu is %d, %d, wanted %d, %d", i, v->frame[i][0],
			      v->frame[i][1], left, right);
}

#endif

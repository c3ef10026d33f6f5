// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The mixer: voices of any rate are brought to 48 kHz by linear interpolation and added.
 *
 * It runs every ten milliseconds of guest time while a voice is on or has frames left, and for a
 * while after that, so that a player that starts again at once is not cut; else it costs nothing.
 */
#include "vmm/audio/audio_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "vmm/clock.h"
#include "vmm/machine.h"

#define TICK_NS    (10 * NSEC_PER_SEC / 1000)
#define TAIL_TICKS 20    /* of silence before the back end is told that it is over */
#define LATE_MAX   24000 /* frames that one tick makes up for, half a second */
#define CHUNK      480
#define RING       131072u /* frames; a power of two */
#define LEAD_MS    20    /* silence ahead of a voice: a device may be that late without a gap */
#define QUEUE_MS   400   /* what waits longer is dropped */

struct gm_voice {
	struct gm_audio *audio;
	struct gm_voice *next;
	struct gm_voice_client client;
	bool on;
	u32 rate;
	u32 volume[2];
	u64 step, pos;  /* in frames, 32.32: how far one output frame goes; where it is behind `head` */
	u32 head, tail; /* free-running indices of ring */
	gm_frame *ring;
};

struct gm_audio {
	struct gm_machine *m;
	const struct audio_back *back; /* NULL: nobody listens */
	void *state;
	struct gm_voice *voices;
	struct gm_timer timer;
	u64 base, done;     /* guest time when mixing began; frames made since */
	unsigned int quiet; /* ticks without a voice */
	bool active;        /* the timer runs */
};

/* ---- voices ---- */

static u32 voice_queued(const struct gm_voice *v)
{
	return v->tail - v->head;
}

static void voice_push(struct gm_voice *v, const s16 *frame)
{
	v->ring[v->tail % RING][0] = frame[0];
	v->ring[v->tail % RING][1] = frame[1];
	v->tail++;
}

/* The frames behind head are played; interpolation needs the one after as well. */
static void voice_add(struct gm_voice *v, s32 (*sum)[2], size_t n)
{
	const s16 *a, *b;
	size_t i;
	s64 val;
	int c;

	for (i = 0; i < n && voice_queued(v) >= 2; i++) {
		a = v->ring[v->head % RING];
		b = v->ring[(v->head + 1) % RING];
		for (c = 0; c < 2; c++) {
			val = a[c] + (((s64)(b[c] - a[c]) * (s64)(v->pos >> 16)) >> 16);
			sum[i][c] += (s32)((val * v->volume[c]) >> 16);
		}
		v->pos += v->step;
		v->head += MIN((u32)(v->pos >> 32), voice_queued(v));
		v->pos &= 0xffffffffu;
	}
	/* The last frame has no neighbour to come. */
	if (!v->on && voice_queued(v) < 2)
		v->head = v->tail;
}

/* ---- mixing ---- */

static void mix_chunk(struct gm_audio *a, size_t n)
{
	s32 sum[CHUNK][2] = {{0}};
	gm_frame out[CHUNK];
	struct gm_voice *v;
	size_t i;

	for (v = a->voices; v; v = v->next)
		voice_add(v, sum, n);
	for (i = 0; i < n; i++) {
		out[i][0] = (s16)MAX(MIN(sum[i][0], 32767), -32768);
		out[i][1] = (s16)MAX(MIN(sum[i][1], 32767), -32768);
	}
	if (a->back)
		a->back->write(a->state, (const gm_frame *)out, n);
}

static bool voices_pull(struct gm_audio *a)
{
	struct gm_voice *v;
	bool any = false;

	for (v = a->voices; v; v = v->next) {
		if (v->on)
			v->client.pull(v->client.opaque);
		any |= v->on || voice_queued(v);
	}
	return any;
}

static void mix_until(struct gm_audio *a, u64 now)
{
	u64 due = gm_muldiv(now - a->base, GM_AUDIO_HZ, NSEC_PER_SEC) - a->done;

	a->done += due;
	due = MIN(due, (u64)LATE_MAX);
	while (due) {
		size_t n = MIN(due, (u64)CHUNK);

		mix_chunk(a, n);
		due -= n;
	}
}

static void mixer_activate(struct gm_audio *a, bool on)
{
	a->active = on;
	if (a->back)
		a->back->active(a->state, on);
}

static void mixer_tick(void *opaque)
{
	struct gm_audio *a = opaque;
	u64 now = gm_clock_now(a->m->clock);

	a->quiet = voices_pull(a) ? 0 : a->quiet + 1;
	mix_until(a, now);
	if (a->quiet <= TAIL_TICKS)
		gm_timer_set(&a->timer, now + TICK_NS);
	else
		mixer_activate(a, false);
}

static void mixer_wake(struct gm_audio *a)
{
	a->quiet = 0;
	if (a->active)
		return;
	a->base = gm_clock_now(a->m->clock);
	a->done = 0;
	mixer_activate(a, true);
	gm_timer_set(&a->timer, a->base + TICK_NS);
}

/* ---- the devices' side ---- */

struct gm_voice *gm_voice_new(struct gm_audio *a, const struct gm_voice_client *client)
{
	struct gm_voice *v = a ? calloc(1, sizeof(*v)) : NULL;

	if (!v)
		return NULL;
	v->ring = malloc(RING * sizeof(gm_frame));
	if (!v->ring) {
		free(v);
		return NULL;
	}
	v->audio = a;
	v->client = *client;
	v->volume[0] = v->volume[1] = GM_AUDIO_UNITY;
	v->next = a->voices;
	a->voices = v;
	return v;
}

void gm_voice_free(struct gm_voice *v)
{
	struct gm_voice **p;

	if (!v)
		return;
	for (p = &v->audio->voices; *p != v; p = &(*p)->next)
		;
	*p = v->next;
	free(v->ring);
	free(v);
}

void gm_voice_start(struct gm_voice *v, u32 rate)
{
	static const gm_frame silence = {0, 0};
	u32 lead;

	if (!v)
		return;
	rate = MIN(MAX(rate, (u32)GM_AUDIO_RATE_MIN), (u32)GM_AUDIO_RATE_MAX);
	mixer_wake(v->audio);
	if (v->rate != rate) {
		v->rate = rate;
		v->step = ((u64)rate << 32) / GM_AUDIO_HZ;
		v->head = v->tail;
	}
	if (!v->on && !voice_queued(v)) {
		v->pos = 0;
		for (lead = rate * LEAD_MS / 1000; lead; lead--)
			voice_push(v, silence);
	}
	v->on = true;
}

void gm_voice_stop(struct gm_voice *v)
{
	if (v)
		v->on = false;
}

void gm_voice_volume(struct gm_voice *v, u32 left, u32 right)
{
	if (!v)
		return;
	v->volume[0] = MIN(left, 16u * GM_AUDIO_UNITY);
	v->volume[1] = MIN(right, 16u * GM_AUDIO_UNITY);
}

void gm_voice_write(struct gm_voice *v, const gm_frame *frames, size_t n)
{
	u32 most;
	size_t i;

	if (!v)
		return;
	most = v->rate * QUEUE_MS / 1000;
	if (n > most) {
		frames += n - most;
		n = most;
	}
	for (i = 0; i < n; i++)
		voice_push(v, frames[i]);
	if (voice_queued(v) > most)
		v->head = v->tail - most;
}

/* ---- opening and closing ---- */

static const struct audio_back *back_of(enum gm_audio_out out)
{
	switch (out) {
	case GM_AUDIO_WAV:
		return &audio_wav;
	case GM_AUDIO_HOST:
#ifdef HAVE_SDL2
		return &audio_sdl;
#endif
	default:
		return NULL;
	}
}

int gm_audio_host_probe(char *buf, size_t len)
{
#ifdef HAVE_SDL2
	return audio_sdl_probe(buf, len);
#else
	snprintf(buf, len, "built without SDL2");
	return -ENOSYS;
#endif
}

struct gm_audio *gm_audio_open(struct gm_machine *m, const struct gm_audio_options *o, char *err,
			       size_t errlen)
{
	struct gm_audio *a;

	if (o->out == GM_AUDIO_HOST && !back_of(o->out)) {
		snprintf(err, errlen, "--sound: this vmm was built without SDL2: say wav=FILE or "
			 "mute, or build it again with libsdl2-dev (Debian) or SDL2-devel (Fedora) installed");
		return NULL;
	}
	a = calloc(1, sizeof(*a));
	if (!a) {
		snprintf(err, errlen, "out of memory");
		return NULL;
	}
	a->m = m;
	a->back = back_of(o->out);
	gm_timer_init(&a->timer, m->clock, mixer_tick, a);
	if (a->back && a->back->open(&a->state, o, m, err, errlen)) {
		free(a);
		return NULL;
	}
	return a;
}

void gm_audio_close(struct gm_audio *a)
{
	if (!a)
		return;
	gm_timer_cancel(&a->timer);
	if (a->back)
		a->back->close(a->state);
	free(a);
}

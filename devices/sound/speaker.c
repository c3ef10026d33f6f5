// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The PC speaker: what port 61h and channel 2 of the timer give it, as samples. Each sample is the
 * share of its time in which the level was high, so that tones, sounds made by switching the speaker
 * by hand, and those of pulse widths (a timer faster than can be heard) come out alike.
 *
 * Source: IBM Personal Computer AT Technical Reference (1502494), system board, speaker interface.
 */
#include "devices/sound/sound.h"

#include <errno.h>

#define RATE      GM_AUDIO_HZ
#define AMPLITUDE 9000
#define SUB       256ULL                  /* parts of a clock of the timer */
#define REST_NS   (NSEC_PER_SEC / 10)     /* a level that long unchanged is silence */
#define LATE_NS   (NSEC_PER_SEC / 4)
#define CHUNK     256

struct speaker {
	struct gm_dev dev;
	struct gm_voice *voice;
	struct speaker_wave wave;
	bool on;
	u64 changed;     /* guest time of the last change */
	u64 base, frame; /* guest time when the voice began; the frame that is being made */
	u64 at, area;    /* guest time that is accounted for; ns of the frame that were high */
	s32 in, out;     /* of the filter that takes the constant part away */
};

static u64 frame_time(const struct speaker *s, u64 frame)
{
	return s->base + gm_muldiv(frame, NSEC_PER_SEC, RATE);
}

/* Time, in parts of a clock, for which a wave was high in its first t parts. */
static u64 high_before(const struct speaker_wave *w, u64 t)
{
	u64 period = w->period * SUB, high = w->high * SUB;

	return t / period * high + MIN(t % period, high);
}

/* ns of [from, to) in which the level is high. */
static u64 high_time(const struct speaker_wave *w, u64 from, u64 to)
{
	u64 a, b;

	if (!w->period)
		return to > w->start ? to - MAX(from, w->start) : 0;
	a = gm_muldiv(from - MIN(from, w->start), PIT_HZ * SUB, NSEC_PER_SEC);
	b = gm_muldiv(to - MIN(to, w->start), PIT_HZ * SUB, NSEC_PER_SEC);
	return MIN(gm_muldiv(high_before(w, b) - high_before(w, a), NSEC_PER_SEC, PIT_HZ * SUB),
		   to - from);
}

/* A high-pass of some 30 Hz; 24.8 fixed point. */
static s16 filter(struct speaker *s, u64 area, u64 length)
{
	s32 in = (s32)(gm_muldiv(area, AMPLITUDE, length) << 8);

	s->out += in - s->in - s->out / 256;
	s->in = in;
	return (s16)(s->out / 256);
}

static void advance(struct speaker *s, u64 now)
{
	gm_frame buf[CHUNK];
	size_t n = 0;
	u64 end;

	if (now > s->at + LATE_NS) {
		s->at = s->base = now;
		s->frame = s->area = 0;
	}
	while (s->at < now) {
		end = frame_time(s, s->frame + 1);
		s->area += high_time(&s->wave, s->at, MIN(end, now));
		s->at = MIN(end, now);
		if (s->at < end)
			break;
		buf[n][0] = buf[n][1] = filter(s, s->area, end - frame_time(s, s->frame));
		s->frame++;
		s->area = 0;
		if (++n < CHUNK)
			continue;
		gm_voice_write(s->voice, (const gm_frame *)buf, n);
		n = 0;
	}
	gm_voice_write(s->voice, (const gm_frame *)buf, n);
}

static void pull(void *opaque)
{
	struct speaker *s = opaque;
	u64 now = gm_clock_now(s->dev.m->clock);
	bool still = !s->wave.period && (s->wave.start <= now || s->wave.start == GM_TIME_NEVER);

	advance(s, now);
	if (!still || now < s->changed + REST_NS)
		return;
	s->on = false;
	gm_voice_stop(s->voice);
}

void speaker_wave_set(void *opaque, const struct speaker_wave *wave)
{
	struct speaker *s = opaque;
	u64 now = gm_clock_now(s->dev.m->clock);
	bool same = s->wave.period == wave->period && s->wave.start == wave->start &&
		    s->wave.high == wave->high;

	if (same)
		return;
	if (s->on)
		advance(s, now);
	s->wave = *wave;
	s->changed = now;
	if (s->on || !s->voice)
		return;
	s->on = true;
	s->at = s->base = now;
	s->frame = s->area = 0;
	gm_voice_start(s->voice, RATE);
}

/* ---- class ---- */

/* What it is given follows from the timer, which is reset by itself. */
static void speaker_reset(struct gm_dev *d)
{
	struct speaker *s = (struct speaker *)d;

	s->in = s->out = 0;
}

static int speaker_init(struct gm_dev *d, const void *cfg)
{
	struct speaker *s = (struct speaker *)d;
	struct gm_voice_client client = {.pull = pull, .opaque = s};

	s->wave.start = GM_TIME_NEVER;
	s->voice = gm_voice_new(((const struct speaker_cfg *)cfg)->audio, &client);
	return 0;
}

static void speaker_fini(struct gm_dev *d)
{
	gm_voice_free(((struct speaker *)d)->voice);
}

static const struct gm_field speaker_fields[] = {
	GM_OMIT(struct speaker, voice, "the host's side"),
	GM_OMIT(struct speaker, wave, "the timer tells it when its state was loaded"),
	GM_OMIT(struct speaker, on, "follows from the wave"),
	GM_OMIT(struct speaker, changed, "of the sound that the host hears"),
	GM_OMIT(struct speaker, base, "of the sound that the host hears"),
	GM_OMIT(struct speaker, frame, "of the sound that the host hears"),
	GM_OMIT(struct speaker, at, "of the sound that the host hears"),
	GM_OMIT(struct speaker, area, "of the sound that the host hears"),
	GM_OMIT(struct speaker, in, "of the sound that the host hears"),
	GM_OMIT(struct speaker, out, "of the sound that the host hears"),
	GM_FIELDS_END,
};

static const struct gm_state_desc speaker_desc = {
	.name = "speaker", .version = 1, .size = sizeof(struct speaker), .fields = speaker_fields,
};

const struct gm_dev_class speaker_class = {
	.name = "speaker",
	.title = "PC speaker",
	.size = sizeof(struct speaker),
	.state = &speaker_desc,
	.init = speaker_init,
	.reset = speaker_reset,
	.fini = speaker_fini,
};

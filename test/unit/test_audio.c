// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The mixer and its WAV file: rates, volumes, sums, silence; sample formats; the speaker's waves; the
 * host's sound with a driver that plays nothing; the values of --sound.
 */
#include <math.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test/unit/lib/fake_machine.h"
#include "devices/sound/sound.h"

#define MS 1000000ULL

static struct gm_machine *m;
static struct gm_audio *audio;
static char path[] = "/tmp/test_audio.XXXXXX";
static char err[256];

static void setup(void)
{
	struct gm_audio_options o = {.out = GM_AUDIO_WAV, .path = path};
	int fd;

	strcpy(path, "/tmp/test_audio.XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	close(fd);
	m = fake_new(1);
	m->clock->now = 3 * NSEC_PER_SEC;
	audio = gm_audio_open(m, &o, err, sizeof(err));
	ck_assert_msg(audio, "%s", err);
}

static u32 le(const u8 *p, unsigned int n)
{
	return n ? p[0] | le(p + 1, n - 1) << 8 : 0;
}

/* Closes the back end, reads its file; frames in *out, to be freed. */
static size_t finish(gm_frame **out)
{
	struct stat st;
	FILE *f;
	u8 *buf;

	gm_audio_close(audio);
	fake_free(m);
	f = fopen(path, "re");
	ck_assert(f && !fstat(fileno(f), &st) && st.st_size >= 44);
	buf = malloc((size_t)st.st_size);
	ck_assert(buf && fread(buf, 1, (size_t)st.st_size, f) == (size_t)st.st_size);
	fclose(f);
	unlink(path);
	ck_assert(!memcmp(buf, "RIFF", 4) && !memcmp(buf + 8, "WAVEfmt ", 8) &&
		  !memcmp(buf + 36, "data", 4));
	ck_assert_uint_eq(le(buf + 4, 4), st.st_size - 8);
	ck_assert_uint_eq(le(buf + 20, 2), 1);
	ck_assert_uint_eq(le(buf + 22, 2), 2);
	ck_assert_uint_eq(le(buf + 24, 4), 48000);
	ck_assert_uint_eq(le(buf + 34, 2), 16);
	ck_assert_uint_eq(le(buf + 40, 4), st.st_size - 44);
	memmove(buf, buf + 44, (size_t)st.st_size - 44);
	*out = (gm_frame *)buf;
	return ((size_t)st.st_size - 44) / 4;
}

/* The share of a frequency in n frames from `from` on: 1 for a sine of this amplitude. */
static double goertzel(const gm_frame *f, size_t from, size_t n, double hz, double amplitude)
{
	double w = 2 * M_PI * hz / 48000, a = 0, b = 0;
	size_t i;

	for (i = from; i < from + n; i++) {
		a += f[i][0] * cos(w * (double)i);
		b += f[i][0] * sin(w * (double)i);
	}
	return sqrt(a * a + b * b) * 2 / (double)n / amplitude;
}

/* ---- a voice that plays a sine in guest time ---- */

struct player {
	struct gm_voice *v;
	u32 rate, hz, amplitude;
	u64 base, done;
	bool dry; /* gives nothing */
};

static void pull(void *opaque)
{
	struct player *p = opaque;
	u64 due = gm_muldiv(m->clock->now - p->base, p->rate, NSEC_PER_SEC);

	for (; p->done < due; p->done++) {
		s16 x = (s16)(p->amplitude * sin(2 * M_PI * p->hz * (double)p->done / p->rate));
		gm_frame f = {x, x};

		if (!p->dry)
			gm_voice_write(p->v, (const gm_frame *)&f, 1);
	}
}

static void play(struct player *p, u32 rate, u32 hz, u32 amplitude)
{
	struct gm_voice_client c = {.pull = pull, .opaque = p};

	*p = (struct player){.v = gm_voice_new(audio, &c), .rate = rate, .hz = hz,
			     .amplitude = amplitude, .base = m->clock->now};
	gm_voice_start(p->v, rate);
}

START_TEST(test_rate)
{
	static const u32 rates[] = {4000, 8000, 11025, 22050, 44100, 48000, 96000, 200000};
	gm_frame *f;
	struct player p;
	size_t n;
	double got;

	setup();
	play(&p, rates[_i], 440, 10000);
	fake_advance(m, 500 * MS);
	gm_voice_stop(p.v);
	fake_advance(m, 1000 * MS);
	ck_assert_ptr_null(m->clock->timers);
	gm_voice_free(p.v);
	n = finish(&f);
	ck_assert_uint_ge(n, 24000);
	ck_assert_uint_le(n, 38000);
	got = goertzel(f, 4800, 16800, 440, 10000);
	ck_assert_msg(got > 0.95 && got < 1.02, "%u: %f", rates[_i], got);
	ck_assert(goertzel(f, 4800, 16800, 880, 10000) < 0.02);
	free(f);
}
END_TEST

/* Two voices are added, each with its volume; what is too loud is cut. */
START_TEST(test_sum)
{
	struct player p, q;
	gm_frame *f;
	size_t i, n;
	int most = 0;

	setup();
	play(&p, 44100, 500, _i ? 30000 : 10000);
	play(&q, 8000, 1000, 10000);
	gm_voice_volume(q.v, GM_AUDIO_UNITY / 2, 0);
	if (_i)
		gm_voice_volume(p.v, 4 * GM_AUDIO_UNITY, 4 * GM_AUDIO_UNITY);
	fake_advance(m, 300 * MS);
	gm_voice_free(p.v);
	gm_voice_free(q.v);
	n = finish(&f);
	for (i = 0; i < n; i++)
		most = MAX(most, abs(f[i][0]));
	ck_assert_int_eq(most >= 32767, _i);
	ck_assert(_i || fabs(goertzel(f, 4800, 9600, 500, 10000) - 1) < 0.05);
	ck_assert(_i || fabs(goertzel(f, 4800, 9600, 1000, 5000) - 1) < 0.05);
	free(f);
}
END_TEST

/* A voice that has nothing to give is silence, and nobody waits for it. */
START_TEST(test_dry)
{
	struct player p;
	gm_frame *f;
	size_t i;

	setup();
	play(&p, 44100, 500, 10000);
	fake_advance(m, 100 * MS);
	p.dry = true;
	fake_advance(m, 400 * MS);
	gm_voice_free(p.v);
	ck_assert_uint_ge(finish(&f), 23000);
	for (i = 7200; i < 23000; i++)
		ck_assert_int_eq(f[i][0], 0);
	free(f);
}
END_TEST

/* A host that is late has half a second made up for, and no more; too much at once is cut. */
START_TEST(test_late)
{
	struct player p;
	gm_frame *f;
	size_t n;

	setup();
	play(&p, 48000, 500, 10000);
	fake_stall(m, 10 * NSEC_PER_SEC);
	fake_advance(m, 100 * MS);
	gm_voice_free(p.v);
	n = finish(&f);
	ck_assert_uint_ge(n, 24000);
	ck_assert_uint_le(n, 30000);
	free(f);
}
END_TEST

/* The lengths in the file are right while the machine runs. */
START_TEST(test_header)
{
	struct player p;
	u8 head[44];
	gm_frame *f;
	FILE *file;

	setup();
	play(&p, 48000, 500, 10000);
	fake_advance(m, 3 * NSEC_PER_SEC);
	file = fopen(path, "re");
	ck_assert(file && fread(head, 1, 44, file) == 44);
	fclose(file);
	ck_assert_uint_ge(le(head + 40, 4), 2 * 48000 * 4);
	gm_voice_free(p.v);
	finish(&f);
	free(f);
}
END_TEST

START_TEST(test_bad_file)
{
	static const char *const bad[] = {"/nonexistent/x.wav", "/dev/null", "/tmp"};
	struct gm_audio_options o = {.out = GM_AUDIO_WAV, .path = bad[_i]};

	m = fake_new(1);
	ck_assert_ptr_null(gm_audio_open(m, &o, err, sizeof(err)));
	ck_assert_msg(strstr(err, bad[_i]), "%s", err);
	fake_free(m);
}
END_TEST

/* ---- formats ---- */

START_TEST(test_format)
{
	static const u8 in[8] = {0x00, 0x80, 0x7f, 0xff, 0x34, 0x12, 0x00, 0x00};
	static const struct {
		struct gm_sample_format f;
		gm_frame out[2];
	} rows[] = {
		{{false, false, false}, {{-32768, -32768}, {0, 0}}},
		{{false, true, false}, {{0, 0}, {-32768, -32768}}},
		{{false, false, true}, {{-32768, 0}, {-256, 0x7f00}}},
		{{true, true, false}, {{-32768, -32768}, {-129, -129}}},
		{{true, true, true}, {{-32768, -129}, {0x1234, 0}}},
		{{true, false, true}, {{0, 0x7f7f}, {0x1234 - 32768, -32768}}},
	};
	gm_frame out[2];

	gm_sample_convert(rows[_i].f, in, out, 2);
	ck_assert_mem_eq(out, rows[_i].out, sizeof(out));
}
END_TEST

/* ---- the speaker ---- */

static struct gm_dev *speaker_setup(void)
{
	struct speaker_cfg cfg;

	setup();
	cfg.audio = audio;
	return fake_device(m, &speaker_class, &cfg);
}

START_TEST(test_speaker_tone)
{
	static const u32 periods[] = {1193, 2712, 300};
	struct speaker_wave wave = {.period = periods[_i], .high = periods[_i] / 2,
				    .start = 3 * NSEC_PER_SEC};
	struct gm_dev *d = speaker_setup();
	gm_frame *f;
	double hz = (double)PIT_HZ / periods[_i];

	speaker_wave_set(d, &wave);
	fake_advance(m, 500 * MS);
	speaker_wave_set(d, &(struct speaker_wave){.start = GM_TIME_NEVER});
	fake_advance(m, 1000 * MS);
	ck_assert_ptr_null(m->clock->timers);
	speaker_class.fini(d);
	m->devices = NULL;
	free(d);
	ck_assert_uint_ge(finish(&f), 24000);
	/* A square wave's first part is 4 / pi of it. */
	ck_assert(fabs(goertzel(f, 4800, 16800, hz, 4500 * 4 / M_PI) - 1) < 0.1);
	ck_assert(goertzel(f, 4800, 16800, hz * 1.5, 4500) < 0.05);
	free(f);
}
END_TEST

/* Switched by hand every millisecond: 500 Hz. By pulses of a sixteenth, then of fifteen, at 16 kHz:
 * what cannot be heard is a level, and the levels alternate at 500 Hz. */
START_TEST(test_speaker_by_hand)
{
	struct gm_dev *d = speaker_setup();
	gm_frame *f;
	unsigned int i;

	for (i = 0; i < (_i ? 8000u : 500u); i++) {
		bool high = _i ? i / 16 & 1 : i & 1;
		struct speaker_wave wave = {.start = high ? 0 : GM_TIME_NEVER};

		if (_i)
			wave.start = m->clock->now + (high ? 3906 : 58594);
		speaker_wave_set(d, &wave);
		fake_advance(m, _i ? 62500 : MS);
	}
	speaker_class.fini(d);
	m->devices = NULL;
	free(d);
	ck_assert_uint_ge(finish(&f), 23000);
	ck_assert(goertzel(f, 4800, 16800, 500, 4500) > 0.9);
	ck_assert(goertzel(f, 4800, 16800, 750, 4500) < 0.05);
	free(f);
}
END_TEST

/* ---- the host ---- */

START_TEST(test_host)
{
	struct gm_audio_options o = {.out = GM_AUDIO_HOST};
	struct player p;

	setenv("SDL_AUDIODRIVER", _i ? "no-such-driver" : "dummy", 1);
	m = fake_new(1);
	audio = gm_audio_open(m, &o, err, sizeof(err));
#ifdef HAVE_SDL2
	ck_assert_int_eq(!audio, _i);
#else
	ck_assert_ptr_null(audio);
#endif
	if (audio) {
		play(&p, 44100, 500, 10000);
		fake_advance(m, 2 * NSEC_PER_SEC);
		gm_voice_stop(p.v);
		fake_advance(m, NSEC_PER_SEC);
		gm_voice_free(p.v);
		gm_audio_close(audio);
	} else {
		ck_assert_msg(strstr(err, "wav=FILE"), "%s", err);
	}
	fake_free(m);
}
END_TEST

int main(void)
{
	const struct fake_test tests[] = {
		{test_rate, 8},
		{test_sum, 2},
		{test_dry},
		{test_late},
		{test_header},
		{test_bad_file, 3},
		{test_format, 6},
		{test_speaker_tone, 3},
		{test_speaker_by_hand, 2},
		{test_host, 2},
	};

	return fake_run("audio", tests, ARRAY_SIZE(tests));
}

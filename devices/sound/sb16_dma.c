// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The Sound Blaster 16's transfers: samples pass over the 8237s at the pace of guest time, in steps
 * that end at the interrupt of a block. Direct output holds each level until the next comes.
 */
#include "devices/sound/sb16.h"

#define STEP_NS    (4 * NSEC_PER_SEC / 1000) /* how stale the 8237's counters may be */
#define SOON_NS    250000                    /* two steps are never closer than this */
#define CHUNK      1024                      /* bytes at once */
#define DIRECT_NS  (NSEC_PER_SEC / 5)        /* after that, direct output is over */

static u64 now_of(const struct sb16 *s)
{
	return gm_clock_now(s->dev.m->clock);
}

static struct gm_sample_format format_of(const struct sb16_xfer *x)
{
	return (struct gm_sample_format){x->bits16, x->is_signed, x->stereo};
}

static u32 frame_size(const struct sb16_xfer *x)
{
	return gm_sample_frame_size(format_of(x));
}

static u32 frames_of(const struct sb16_xfer *x, u32 bytes)
{
	return (bytes + frame_size(x) - 1) / frame_size(x);
}

static bool running(const struct sb16_xfer *x)
{
	return x->kind != SB16_OFF && !x->halted;
}

/* ---- data ---- */

static void silence_fill(const struct sb16_xfer *x, u8 *buf, u32 n)
{
	u32 i;

	memset(buf, x->is_signed || x->bits16 ? 0 : 0x80, n);
	for (i = 1; !x->is_signed && x->bits16 && i < n; i += 2)
		buf[i] = 0x80;
}

/* Passes n bytes over the 8237; less when the channel is not ready. A terminal count in between does
 * not matter to the card: with auto-initialization the channel goes on. */
static u32 data_move(struct sb16 *s, const struct sb16_xfer *x, u8 *buf, u32 n)
{
	int channel = sb16_mixer_dma(s, x->bits16);
	enum dma_dir want = x->kind == SB16_RECORD ? DMA_TO_MEM : DMA_FROM_MEM, dir;
	u32 done = 0;
	size_t got;
	bool tc;

	while (channel >= 0 && done < n) {
		dir = dma_channel_direction(s->cfg.dma, (unsigned int)channel);
		if (dir != want && dir != DMA_VERIFY)
			break;
		got = dma_channel_transfer(s->cfg.dma, (unsigned int)channel, buf + done, n - done,
					   &tc);
		if (!got)
			break;
		done += (u32)got;
	}
	return done;
}

/* n bytes of the block; what was really passed. */
static u32 step(struct sb16 *s, unsigned int i, u32 n)
{
	struct sb16_xfer *x = &s->xfer[i];
	gm_frame frames[CHUNK];
	u8 buf[CHUNK];
	u32 got = n;

	silence_fill(x, buf, n);
	if (x->kind != SB16_PAUSE)
		got = data_move(s, x, buf, n);
	if (x->kind != SB16_PLAY)
		return got;
	gm_sample_convert(format_of(x), buf, frames, got / frame_size(x));
	gm_voice_write(s->voice[i], (const gm_frame *)frames, got / frame_size(x));
	return got;
}

/* ---- blocks ---- */

static void block_end(struct sb16 *s, unsigned int i)
{
	struct sb16_xfer *x = &s->xfer[i];

	if (x->auto_init)
		x->left = x->block;
	else
		sb16_xfer_stop(s, i);
	sb16_irq_raise(s, i == SB16_XFER16 ? SB16_IRQ_16BIT : SB16_IRQ_8BIT);
}

/* Brings a transfer up to now, or to the end of its block: then the guest comes first. */
static void xfer_run(struct sb16 *s, unsigned int i)
{
	struct sb16_xfer *x = &s->xfer[i];
	u64 now = now_of(s);
	u32 n, got;

	while (running(x)) {
		n = MIN(pace_due(&x->pace, now) * frame_size(x), MIN(x->left, (u32)CHUNK));
		if (!n)
			return;
		got = step(s, i, n);
		x->left -= got;
		x->pace.done += frames_of(x, got);
		if (!x->left) {
			block_end(s, i);
			return;
		}
		if (got < n) {
			/* The channel is not ready: nothing is played, and time goes on. */
			pace_start(&x->pace, x->pace.rate, now);
			return;
		}
	}
}

static void timer_arm(struct sb16 *s)
{
	u64 now = now_of(s), at = GM_TIME_NEVER;
	unsigned int i;

	for (i = 0; i < SB16_NXFERS; i++) {
		const struct sb16_xfer *x = &s->xfer[i];

		if (!running(x))
			continue;
		at = MIN(at, MIN(pace_when(&x->pace, frames_of(x, x->left)), now + STEP_NS));
	}
	gm_timer_set(&s->timer, at == GM_TIME_NEVER ? at : MAX(at, now + SOON_NS));
}

void sb16_xfer_timer(void *opaque)
{
	struct sb16 *s = opaque;
	unsigned int i;

	for (i = 0; i < SB16_NXFERS; i++)
		xfer_run(s, i);
	timer_arm(s);
}

void sb16_xfer_pull(void *opaque)
{
	struct sb16 *s = opaque;
	unsigned int i;

	for (i = 0; i < SB16_NXFERS; i++)
		if (s->xfer[i].kind == SB16_PLAY)
			xfer_run(s, i);
}

/* ---- what commands do ---- */

static void request_set(struct sb16 *s, const struct sb16_xfer *x, bool on)
{
	int channel = sb16_mixer_dma(s, x->bits16);

	if (channel >= 0)
		dma_channel_request(s->cfg.dma, (unsigned int)channel, on);
}

void sb16_xfer_start(struct sb16 *s, unsigned int n, const struct sb16_xfer *from, u32 rate)
{
	struct sb16_xfer *x = &s->xfer[n];

	sb16_xfer_stop(s, n);
	*x = *from;
	x->left = x->block;
	pace_start(&x->pace, MIN(MAX(rate, (u32)GM_AUDIO_RATE_MIN), (u32)GM_AUDIO_RATE_MAX),
		   now_of(s));
	if (x->kind == SB16_PLAY)
		gm_voice_start(s->voice[n], x->pace.rate);
	if (x->kind != SB16_PAUSE)
		request_set(s, x, true);
	timer_arm(s);
}

void sb16_xfer_stop(struct sb16 *s, unsigned int n)
{
	struct sb16_xfer *x = &s->xfer[n];

	if (x->kind == SB16_OFF)
		return;
	request_set(s, x, false);
	x->kind = SB16_OFF;
	gm_voice_stop(s->voice[n]);
	timer_arm(s);
}

void sb16_xfer_halt(struct sb16 *s, unsigned int n, bool halt)
{
	struct sb16_xfer *x = &s->xfer[n];

	if (x->kind == SB16_OFF || x->halted == halt)
		return;
	xfer_run(s, n);
	x->halted = halt;
	if (x->kind == SB16_PLAY && halt)
		gm_voice_stop(s->voice[n]);
	else if (x->kind == SB16_PLAY)
		gm_voice_start(s->voice[n], x->pace.rate);
	if (!halt && x->kind != SB16_OFF)
		pace_start(&x->pace, x->pace.rate, now_of(s));
	timer_arm(s);
}

/* The voices of what was loaded. */
void sb16_xfer_loaded(struct sb16 *s)
{
	unsigned int i;

	for (i = 0; i < SB16_NXFERS; i++) {
		const struct sb16_xfer *x = &s->xfer[i];

		if (x->kind == SB16_PLAY && running(x))
			gm_voice_start(s->voice[i], x->pace.rate);
		else
			gm_voice_stop(s->voice[i]);
	}
	timer_arm(s);
}

/* ---- direct output ---- */

static void direct_run(struct sb16 *s, u64 now)
{
	u64 due = gm_muldiv(now - MIN(now, s->direct_base), GM_AUDIO_HZ, NSEC_PER_SEC);
	s16 level = (s16)((s->direct ^ 0x80) << 8);
	gm_frame frame = {level, level};

	due = due > s->direct_done ? due - s->direct_done : 0;
	s->direct_done += due;
	for (due = MIN(due, (u64)GM_AUDIO_HZ / 4); due; due--)
		gm_voice_write(s->direct_voice, (const gm_frame *)&frame, 1);
}

void sb16_direct_write(struct sb16 *s, u8 val)
{
	u64 now = now_of(s);

	if (s->direct_on) {
		direct_run(s, now);
	} else {
		s->direct_on = true;
		s->direct_base = now;
		s->direct_done = 0;
		gm_voice_start(s->direct_voice, GM_AUDIO_HZ);
	}
	s->direct = val;
	s->direct_last = now;
}

void sb16_direct_pull(void *opaque)
{
	struct sb16 *s = opaque;
	u64 now = now_of(s);

	direct_run(s, now);
	if (now < s->direct_last + DIRECT_NS)
		return;
	s->direct_on = false;
	s->direct = 0x80;
	gm_voice_stop(s->direct_voice);
}

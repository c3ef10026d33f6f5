// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The bus master channels of the ICH's AC'97 controller: lists of 32 buffers, passed at the codec's
 * rate in guest time. Recording gives silence.
 *
 * A buffer's end with an interrupt ends a step, so that the guest comes before the next buffer even
 * on a host that is late. Source: see ac97.h, sections 13.2.1 to 13.2.7.
 */
#include "devices/sound/ac97.h"

#define STEP_NS   (10 * NSEC_PER_SEC / 1000)
#define SOON_NS   250000
#define CHUNK     512 /* samples at once; even */
#define BUFFERS   32  /* of a list; also how many a step passes at most */

#define DESC_IOC  (1u << 31)
#define DESC_LEN  0xffffu

static u64 now_of(const struct ac97 *s)
{
	return gm_clock_now(s->pci.dev.m->clock);
}

static unsigned int channels(unsigned int n)
{
	return n == AC97_MIC ? 1 : 2;
}

static bool running(const struct ac97_box *b)
{
	return b->cr & AC97_CR_RPBM && !(b->sr & AC97_SR_DCH);
}

/* The descriptor of the current index. */
static void desc_load(struct ac97 *s, struct ac97_box *b)
{
	u32 desc[2];

	gm_pci_dma_read(&s->pci, b->bdbar + b->civ * 8u, desc, sizeof(desc));
	b->addr = desc[0] & ~1u;
	b->picb = (u16)(desc[1] & DESC_LEN);
	b->ioc = desc[1] & DESC_IOC;
	b->loaded = true;
}

static void buffer_next(struct ac97 *s, struct ac97_box *b)
{
	b->civ = b->piv;
	b->piv = (b->piv + 1) % BUFFERS;
	desc_load(s, b);
}

static void timer_arm(struct ac97 *s)
{
	u64 now = now_of(s), at = GM_TIME_NEVER;
	unsigned int i;

	for (i = 0; i < AC97_NBOXES; i++) {
		const struct ac97_box *b = &s->box[i];

		if (running(b))
			at = MIN(at, MIN(now + STEP_NS,
					 pace_when(&b->pace, (b->picb + channels(i) - 1) / channels(i))));
	}
	gm_timer_set(&s->timer, at == GM_TIME_NEVER ? at : MAX(at, now + SOON_NS));
}

/* Whatever of a channel's state changed: its voice follows. */
static void voice_update(struct ac97 *s, unsigned int n)
{
	if (n != AC97_OUT)
		return;
	if (running(&s->box[n]))
		gm_voice_start(s->voice, s->box[n].pace.rate);
	else
		gm_voice_stop(s->voice);
}

/* ---- data ---- */

/* n samples of 16 bits. */
static void move(struct ac97 *s, unsigned int i, u32 addr, u32 n)
{
	static const struct gm_sample_format format = {true, true, true};
	u8 buf[CHUNK * 2] = {0};
	gm_frame frames[CHUNK / 2];

	if (i != AC97_OUT) {
		gm_pci_dma_write(&s->pci, addr, buf, n * 2);
		return;
	}
	gm_pci_dma_read(&s->pci, addr, buf, n * 2);
	gm_sample_convert(format, buf, frames, n / 2);
	gm_voice_write(s->voice, (const gm_frame *)frames, n / 2);
}

/* True when the guest is told. */
static bool buffer_end(struct ac97 *s, unsigned int i)
{
	struct ac97_box *b = &s->box[i];
	bool told = b->ioc || b->civ == b->lvi;

	if (b->ioc)
		b->sr |= AC97_SR_BCIS;
	if (b->civ == b->lvi) {
		b->sr |= AC97_SR_LVBCI | AC97_SR_CELV | AC97_SR_DCH;
		voice_update(s, i);
	} else {
		buffer_next(s, b);
	}
	ac97_irq_update(s);
	return told;
}

/* Samples that may pass. Looking at a register does not take a channel past an interrupt while the
 * one before is pending. */
static u32 room(const struct ac97_box *b, unsigned int spf, bool look)
{
	if (look && b->ioc && b->sr & AC97_SR_BCIS)
		return b->picb > spf ? MIN(b->picb - spf, (u32)CHUNK) : 0;
	return MIN((u32)b->picb, (u32)CHUNK);
}

/* Brings a channel up to now. */
static void box_run(struct ac97 *s, unsigned int n, bool look)
{
	struct ac97_box *b = &s->box[n];
	unsigned int left = BUFFERS, spf = channels(n);
	u64 now = now_of(s);
	u32 count;

	/* Who may not be a bus master waits. */
	if (running(b) && !gm_pci_bus_master(&s->pci))
		pace_start(&b->pace, b->pace.rate, now);
	while (running(b)) {
		count = MIN(pace_due(&b->pace, now) * spf, room(b, spf, look));
		if (!count && b->picb)
			return;
		if (count)
			move(s, n, b->addr, count);
		b->addr += count * 2;
		b->picb -= (u16)count;
		b->pace.done += (count + spf - 1) / spf;
		if (!b->picb && (buffer_end(s, n) || !--left))
			return;
	}
}

void ac97_box_run(struct ac97 *s, unsigned int n)
{
	box_run(s, n, true);
}

void ac97_timer(void *opaque)
{
	struct ac97 *s = opaque;
	unsigned int i;

	for (i = 0; i < AC97_NBOXES; i++)
		box_run(s, i, false);
	timer_arm(s);
}

void ac97_pull(void *opaque)
{
	ac97_box_run(opaque, AC97_OUT);
}

/* ---- what registers do ---- */

void ac97_box_start(struct ac97 *s, unsigned int n)
{
	struct ac97_box *b = &s->box[n];

	b->cr |= AC97_CR_RPBM;
	if (!b->loaded || b->sr & AC97_SR_CELV)
		buffer_next(s, b);
	b->sr &= (u16)~(AC97_SR_DCH | AC97_SR_CELV);
	pace_start(&b->pace, ac97_codec_rate(s, n), now_of(s));
	voice_update(s, n);
	timer_arm(s);
}

void ac97_box_stop(struct ac97 *s, unsigned int n)
{
	struct ac97_box *b = &s->box[n];

	if (!(b->cr & AC97_CR_RPBM))
		return;
	ac97_box_run(s, n);
	b->cr &= (u8)~AC97_CR_RPBM;
	b->sr |= AC97_SR_DCH;
	voice_update(s, n);
	timer_arm(s);
}

void ac97_box_continue(struct ac97 *s, unsigned int n)
{
	struct ac97_box *b = &s->box[n];

	if (b->cr & AC97_CR_RPBM && b->sr & AC97_SR_CELV)
		ac97_box_start(s, n);
}

void ac97_box_reset(struct ac97 *s, unsigned int n)
{
	struct ac97_box *b = &s->box[n];

	*b = (struct ac97_box){.sr = AC97_SR_DCH};
	voice_update(s, n);
	ac97_irq_update(s);
	timer_arm(s);
}

void ac97_box_rate(struct ac97 *s, unsigned int n)
{
	struct ac97_box *b = &s->box[n];
	u32 rate = ac97_codec_rate(s, n);

	if (!running(b) || b->pace.rate == rate)
		return;
	ac97_box_run(s, n);
	pace_start(&b->pace, rate, now_of(s));
	voice_update(s, n);
	timer_arm(s);
}

void ac97_boxes_loaded(struct ac97 *s)
{
	voice_update(s, AC97_OUT);
	timer_arm(s);
}

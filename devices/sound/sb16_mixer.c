// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The CT1745 mixer of the Sound Blaster 16: volumes, and the choice of interrupt and DMA lines.
 * Tone and gain of the inputs are kept without effect. Source: see sb16.h, chapter 4.
 */
#include "devices/sound/sb16.h"

#define REG_RESET    0x00
#define REG_STEREO   0x0e
#define REG_MASTER   0x30
#define REG_VOICE    0x32
#define REG_GAIN     0x41
#define REG_IRQ      0x80
#define REG_DMA      0x81
#define REG_STATUS   0x82

/* 16-bit volumes fall by 2 dB a step from 31 on: 65536 * 10^(-(31 - i) / 10). */
static const u32 level[32] = {
	52,    66,    83,    104,   131,   165,   207,   261,   328,   414,   521,
	655,   825,   1039,  1308,  1646,  2072,  2609,  3285,  4135,  5206,  6554,
	8250,  10387, 13076, 16462, 20724, 26090, 32846, 41350, 52057, 65536,
};

/* Defaults of the registers that a reset of the mixer touches. */
static const struct {
	u8 reg, val;
} defaults[] = {
	{0x0e, 0x00}, {0x30, 0xc0}, {0x31, 0xc0}, {0x32, 0xc0}, {0x33, 0xc0}, {0x34, 0xc0},
	{0x35, 0xc0}, {0x36, 0x00}, {0x37, 0x00}, {0x38, 0x00}, {0x39, 0x00}, {0x3a, 0x00},
	{0x3b, 0x00}, {0x3c, 0x1f}, {0x3d, 0x15}, {0x3e, 0x0b}, {0x3f, 0x00}, {0x40, 0x00},
	{0x41, 0x00}, {0x42, 0x00}, {0x43, 0x00}, {0x44, 0x80}, {0x45, 0x80}, {0x46, 0x80},
	{0x47, 0x80},
};

/* Bits that registers 30h to 47h keep. */
static const u8 masks[] = {
	0xf8, 0xf8, 0xf8, 0xf8, 0xf8, 0xf8, 0xf8, 0xf8, 0xf8, 0xf8, 0xf8, 0xc0,
	0x1f, 0x7f, 0x7f, 0xc0, 0xc0, 0xc0, 0xc0, 0x01, 0xf0, 0xf0, 0xf0, 0xf0,
};

/* Registers of the Sound Blaster Pro: both channels in one, four bits each. */
static const struct {
	u8 reg, left;
} pairs[] = {{0x04, 0x32}, {0x22, 0x30}, {0x26, 0x34}, {0x28, 0x36}, {0x2e, 0x38}};

static int pair_of(u8 reg)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(pairs); i++)
		if (pairs[i].reg == reg)
			return pairs[i].left;
	return -1;
}

static u32 channel_volume(const struct sb16 *s, unsigned int right)
{
	u64 v = (u64)level[s->mixer[REG_MASTER + right] >> 3] *
		level[s->mixer[REG_VOICE + right] >> 3] / GM_AUDIO_UNITY;

	return (u32)(v << (s->mixer[REG_GAIN + right] >> 6));
}

static void volume_update(struct sb16 *s)
{
	u32 left = channel_volume(s, 0), right = channel_volume(s, 1);
	unsigned int i;

	for (i = 0; i < SB16_NXFERS; i++)
		gm_voice_volume(s->voice[i], left, right);
	gm_voice_volume(s->direct_voice, left, right);
}

/* ---- lines ---- */

/* Other lines of the four belong to other devices. */
static void irq_update(struct sb16 *s)
{
	u8 lines = s->irq_status ? s->mixer[REG_IRQ] & 0x0f : 0, changed = lines ^ s->irq_lines;
	unsigned int i;

	s->irq_lines = lines;
	for (i = 0; i < SB16_IRQS; i++)
		if (changed >> i & 1)
			gm_irq_set(&s->cfg.irq[i], lines >> i & 1);
}

void sb16_irq_raise(struct sb16 *s, u8 bits)
{
	s->irq_status |= bits;
	irq_update(s);
}

void sb16_irq_ack(struct sb16 *s, u8 bits)
{
	s->irq_status &= (u8)~bits;
	irq_update(s);
}

/* Without a 16-bit channel 16-bit samples pass over the other one. */
int sb16_mixer_dma(const struct sb16 *s, bool bits16)
{
	static const u8 order[2][4] = {{0, 1, 3, 0xff}, {5, 6, 7, 0xff}};
	unsigned int i;

	for (i = 0; order[bits16][i] != 0xff; i++)
		if (s->mixer[REG_DMA] >> order[bits16][i] & 1)
			return order[bits16][i];
	return bits16 ? sb16_mixer_dma(s, false) : -1;
}

bool sb16_mixer_stereo(const struct sb16 *s)
{
	return s->mixer[REG_STEREO] & 2;
}

/* ---- registers ---- */

void sb16_mixer_reset(struct sb16 *s)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(defaults); i++)
		s->mixer[defaults[i].reg] = defaults[i].val;
	volume_update(s);
}

void sb16_mixer_power_on(struct sb16 *s)
{
	memset(s->mixer, 0, sizeof(s->mixer));
	s->index = 0;
	s->mixer[REG_IRQ] = 0x02; /* IRQ 5 */
	s->mixer[REG_DMA] = 0x22; /* channels 1 and 5 */
	sb16_mixer_reset(s);
}

void sb16_mixer_loaded(struct sb16 *s)
{
	volume_update(s);
	s->irq_lines = 0;
	irq_update(s);
}

static void volume_write(struct sb16 *s, u8 val)
{
	int left = pair_of(s->index);

	if (left >= 0) {
		s->mixer[left] = (u8)((val & 0xf0) | 0x08);
		s->mixer[left + 1] = (u8)(val << 4 | 0x08);
	} else if (s->index >= REG_MASTER && s->index < REG_MASTER + ARRAY_SIZE(masks)) {
		s->mixer[s->index] = val & masks[s->index - REG_MASTER];
	} else {
		s->mixer[s->index] = val;
	}
	volume_update(s);
}

void sb16_mixer_write(struct sb16 *s, u8 val)
{
	switch (s->index) {
	case REG_RESET:
		sb16_mixer_reset(s);
		break;
	case REG_IRQ:
		s->mixer[REG_IRQ] = val & 0x0f;
		irq_update(s);
		break;
	case REG_DMA:
		s->mixer[REG_DMA] = val & 0xeb;
		break;
	case REG_STATUS:
		break;
	default:
		volume_write(s, val);
	}
}

u8 sb16_mixer_read(struct sb16 *s)
{
	int left = pair_of(s->index);

	if (left >= 0)
		return (u8)((s->mixer[left] & 0xf0) | s->mixer[left + 1] >> 4);
	if (s->index == REG_STATUS)
		return s->irq_status;
	return s->mixer[s->index];
}

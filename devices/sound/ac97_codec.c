// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The AC'97 codec: a mixer whose master and PCM volumes are heard, and variable rates. Volumes of
 * the inputs are kept without effect. Source: see ac97.h.
 */
#include "devices/sound/ac97.h"

#define REG(offset) ((offset) / 2)

#define REG_RESET    0x00
#define REG_MASTER   0x02
#define REG_PCM      0x18
#define REG_POWER    0x26
#define REG_EXT_ID   0x28
#define REG_EXT_CTRL 0x2a
#define REG_RATE_OUT 0x2c
#define REG_RATE_IN  0x32
#define REG_RATE_MIC 0x34

#define MUTE         0x8000
#define EXT_VRA      0x0001 /* variable rates */
#define EXT_VRM      0x0008 /* of the microphone too */
#define RATE         48000
#define RATE_MIN     4000
#define POWER_PR1    0x0200 /* DAC off */
#define POWER_PR3    0x0800 /* mixer and reference off */

/* 65536 * 10^((12 - 1.5 i) / 20): attenuation of master and PCM added, where 8 is 0 dB of PCM. */
static const u32 gain[63] = {
	260904, 219523, 184706, 155410, 130762, 110022, 92572,  77890,  65536,
	55142,  46396,  39037,  32846,  27636,  23253,  19565,  16462,  13851,
	11654,  9806,   8250,   6942,   5841,   4915,   4135,   3479,   2927,
	2463,   2072,   1744,   1467,   1234,   1039,   874,    735,    619,
	521,    438,    369,    310,    261,    220,    185,    155,    131,
	110,    93,     78,     66,     55,     46,     39,     33,     28,
	23,     20,     16,     14,     12,     10,     8,      7,      6,
};

/* Defaults, and the bits that a guest may write. What is not here reads as 0. */
static const struct {
	u8 reg;
	u16 val, mask;
} regs[] = {
	{0x00, 0x0000, 0x0000}, /* no optional features */
	{0x02, 0x8000, 0x9f1f}, {0x04, 0x8000, 0x9f1f}, {0x06, 0x8000, 0x801f},
	{0x0a, 0x0000, 0x801e}, {0x0c, 0x8008, 0x801f}, {0x0e, 0x8008, 0x805f},
	{0x10, 0x8808, 0x9f1f}, {0x12, 0x8808, 0x9f1f}, {0x14, 0x8808, 0x9f1f},
	{0x16, 0x8808, 0x9f1f}, {0x18, 0x8808, 0x9f1f}, {0x1a, 0x0000, 0x0707},
	{0x1c, 0x8000, 0x8f0f}, {0x20, 0x0000, 0x0380},
	{0x26, 0x000f, 0xff00},
	{0x28, 0x0009, 0x0000}, /* primary codec; VRA, VRM */
	{0x2a, 0x0000, 0x0009},
	{0x2c, 0xbb80, 0xffff}, {0x32, 0xbb80, 0xffff}, {0x34, 0xbb80, 0xffff},
	{0x7c, 0x8384, 0x0000}, {0x7e, 0x7600, 0x0000}, /* SigmaTel STAC9700 */
};

static const u8 rate_reg[AC97_NBOXES] = {REG_RATE_IN, REG_RATE_OUT, REG_RATE_MIC};
static const u8 rate_enable[AC97_NBOXES] = {EXT_VRA, EXT_VRA, EXT_VRM};

u32 ac97_codec_rate(const struct ac97 *s, unsigned int box)
{
	u32 rate = s->codec[REG(rate_reg[box])];

	if (!(s->codec[REG(REG_EXT_CTRL)] & rate_enable[box]))
		return RATE;
	return MIN(MAX(rate, (u32)RATE_MIN), (u32)RATE);
}

void ac97_volume_update(struct ac97 *s)
{
	u16 master = s->codec[REG(REG_MASTER)], pcm = s->codec[REG(REG_PCM)];
	u32 left = gain[(master >> 8 & 31) + (pcm >> 8 & 31)];
	u32 right = gain[(master & 31) + (pcm & 31)];
	bool off = (master | pcm) & MUTE || s->codec[REG(REG_POWER)] & (POWER_PR1 | POWER_PR3);

	gm_voice_volume(s->voice, off ? 0 : left, off ? 0 : right);
}

static void rates_update(struct ac97 *s)
{
	unsigned int i;

	for (i = 0; i < AC97_NBOXES; i++)
		ac97_box_rate(s, i);
}

void ac97_codec_reset(struct ac97 *s)
{
	size_t i;

	memset(s->codec, 0, sizeof(s->codec));
	for (i = 0; i < ARRAY_SIZE(regs); i++)
		s->codec[REG(regs[i].reg)] = regs[i].val;
	ac97_volume_update(s);
	rates_update(s);
}

/* Ready are the sections that are not powered down: ADC, DAC, mixer, reference. */
static u16 power_read(const struct ac97 *s)
{
	u16 v = s->codec[REG(REG_POWER)] & 0xff00;

	return (u16)(v | (v & 0x0100 ? 0 : 1) | (v & POWER_PR1 ? 0 : 2) |
		     (v & (0x0400 | POWER_PR3) ? 0 : 4) | (v & POWER_PR3 ? 0 : 8));
}

u16 ac97_codec_read(struct ac97 *s, unsigned int reg)
{
	return reg == REG_POWER ? power_read(s) : s->codec[REG(reg)];
}

/* A volume of five bits takes the sixth, which others have, as all ones. */
static u16 volume_saturate(u16 val)
{
	if (val & 0x0020)
		val |= 0x001f;
	if (val & 0x2000)
		val |= 0x1f00;
	return val;
}

static void rate_write(struct ac97 *s, unsigned int box, u16 val)
{
	if (!(s->codec[REG(REG_EXT_CTRL)] & rate_enable[box]))
		return;
	s->codec[REG(rate_reg[box])] = MIN(MAX(val, (u16)RATE_MIN), (u16)RATE);
	ac97_box_rate(s, box);
}

static void ext_write(struct ac97 *s, u16 val)
{
	unsigned int i;

	s->codec[REG(REG_EXT_CTRL)] = val;
	for (i = 0; i < AC97_NBOXES; i++)
		if (!(val & rate_enable[i]))
			s->codec[REG(rate_reg[i])] = RATE;
	rates_update(s);
}

void ac97_codec_write(struct ac97 *s, unsigned int reg, u16 val)
{
	unsigned int i;

	if (reg == REG_RESET) {
		ac97_codec_reset(s);
		return;
	}
	for (i = 0; i < AC97_NBOXES; i++) {
		if (reg == rate_reg[i]) {
			rate_write(s, i, val);
			return;
		}
	}
	for (i = 0; i < ARRAY_SIZE(regs) && regs[i].reg != reg; i++)
		;
	if (i == ARRAY_SIZE(regs) || !regs[i].mask)
		return;
	if (reg <= 0x18 && reg != 0x0a)
		val = volume_saturate(val);
	val &= regs[i].mask;
	if (reg == REG_EXT_CTRL) {
		ext_write(s, val);
		return;
	}
	s->codec[REG(reg)] = val;
	ac97_volume_update(s);
}

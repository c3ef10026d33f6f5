// SPDX-License-Identifier: GPL-2.0-or-later
/* The Sound Blaster 16's DSP: commands and their parameters. Source: see sb16.h, chapters 2, 3, 6. */
#include "devices/sound/sb16.h"

#define VERSION_MAJOR 4
#define VERSION_MINOR 5
#define RATE_MIN      4000
#define RATE_MAX      48000
#define ALIVE         0xaa

static const char copyright[] = "COPYRIGHT (C) CREATIVE TECHNOLOGY LTD, 1992.";

static void out_put(struct sb16 *s, u8 val)
{
	if (s->out_len == SB16_OUT)
		return;
	s->out[(s->out_head + s->out_len) % SB16_OUT] = val;
	s->out_len++;
}

u8 sb16_dsp_read(struct sb16 *s)
{
	if (s->out_len) {
		s->last_out = s->out[s->out_head];
		s->out_head = (s->out_head + 1) % SB16_OUT;
		s->out_len--;
	}
	return s->last_out;
}

static void warn_once(struct sb16 *s, const char *what)
{
	if (!s->warned)
		gm_machine_warn(s->dev.m, "Sound Blaster: the guest uses %s, which this card does not "
				"have", what);
	s->warned = true;
}

/* ---- transfers ---- */

static u16 word(const u8 *p)
{
	return (u16)(p[0] | p[1] << 8);
}

/* The commands of older cards: 8 bits, unsigned; two channels share the time constant's rate. */
static void old_start(struct sb16 *s, u8 kind, bool auto_init, u32 block, u32 samples)
{
	struct sb16_xfer x = {.kind = kind, .auto_init = auto_init, .block = block,
			      .stereo = kind == SB16_PLAY && sb16_mixer_stereo(s)};
	u32 rate = s->by_const && x.stereo ? s->rate / 2 : s->rate;

	sb16_xfer_start(s, SB16_XFER8, &x, rate / samples);
}

/* 14h, 24h; 1Ch, 2Ch, 90h, 91h, 98h, 99h take the size from command 48h. */
static void cmd_play_single(struct sb16 *s)
{
	old_start(s, SB16_PLAY, false, word(s->param) + 1u, 1);
}

static void cmd_record_single(struct sb16 *s)
{
	old_start(s, SB16_RECORD, false, word(s->param) + 1u, 1);
}

static void cmd_play_auto(struct sb16 *s)
{
	old_start(s, SB16_PLAY, true, s->block, 1);
}

static void cmd_record_auto(struct sb16 *s)
{
	old_start(s, SB16_RECORD, true, s->block, 1);
}

static void cmd_play_block(struct sb16 *s)
{
	old_start(s, SB16_PLAY, false, s->block, 1);
}

static void cmd_record_block(struct sb16 *s)
{
	old_start(s, SB16_RECORD, false, s->block, 1);
}

/* Samples in a byte of ADPCM: 16h, 17h, 1Fh: 4; 74h, 75h, 7Dh: 2; 76h, 77h, 7Fh: 3. */
static void cmd_adpcm(struct sb16 *s)
{
	bool auto_init = s->cmd == 0x1f || s->cmd == 0x7d || s->cmd == 0x7f;
	u32 samples = s->cmd < 0x20 ? 4 : s->cmd <= 0x75 || s->cmd == 0x7d ? 2 : 3;

	warn_once(s, "ADPCM");
	old_start(s, SB16_ADPCM, auto_init, auto_init ? s->block : word(s->param) + 1u, samples);
}

/* 80h: an interrupt after so many samples of silence. */
static void cmd_silence(struct sb16 *s)
{
	old_start(s, SB16_PAUSE, false, word(s->param) + 1u, 1);
}

/* Bxh (16 bits) and Cxh (8 bits): bit 3 record, bit 2 auto-init; mode: bit 5 stereo, bit 4 signed;
 * the length counts samples. */
static void cmd_generic(struct sb16 *s)
{
	bool bits16 = s->cmd < 0xc0;
	struct sb16_xfer x = {
		.kind = s->cmd & 8 ? SB16_RECORD : SB16_PLAY,
		.auto_init = s->cmd & 4,
		.bits16 = bits16,
		.is_signed = s->param[0] & 0x10,
		.stereo = s->param[0] & 0x20,
		.block = (word(s->param + 1) + 1u) << bits16,
	};

	sb16_xfer_start(s, bits16 ? SB16_XFER16 : SB16_XFER8, &x, s->rate);
}

/* ---- rates and control ---- */

static void cmd_direct(struct sb16 *s)
{
	sb16_direct_write(s, s->param[0]);
}

static void cmd_direct_input(struct sb16 *s)
{
	out_put(s, 0x80);
}

static void cmd_time_constant(struct sb16 *s)
{
	s->rate = 1000000 / (256u - s->param[0]);
	s->by_const = true;
}

static void cmd_rate(struct sb16 *s)
{
	u32 rate = (u32)(s->param[0] << 8 | s->param[1]);

	s->rate = MIN(MAX(rate, (u32)RATE_MIN), (u32)RATE_MAX);
	s->by_const = false;
}

static void cmd_block(struct sb16 *s)
{
	s->block = word(s->param) + 1u;
}

static void cmd_speaker(struct sb16 *s)
{
	s->speaker = s->cmd == 0xd1;
}

static void cmd_speaker_status(struct sb16 *s)
{
	out_put(s, s->speaker ? 0xff : 0);
}

static void cmd_halt(struct sb16 *s)
{
	bool bits16 = s->cmd == 0xd5 || s->cmd == 0xd6;

	sb16_xfer_halt(s, bits16 ? SB16_XFER16 : SB16_XFER8, s->cmd == 0xd0 || s->cmd == 0xd5);
}

/* The block that runs is the last one. */
static void cmd_exit_auto(struct sb16 *s)
{
	s->xfer[s->cmd == 0xd9 ? SB16_XFER16 : SB16_XFER8].auto_init = false;
}

static void cmd_identify(struct sb16 *s)
{
	out_put(s, (u8)~s->param[0]);
}

static void cmd_version(struct sb16 *s)
{
	out_put(s, VERSION_MAJOR);
	out_put(s, VERSION_MINOR);
}

static void cmd_copyright(struct sb16 *s)
{
	size_t i;

	for (i = 0; i < sizeof(copyright); i++)
		out_put(s, (u8)copyright[i]);
}

static void cmd_test_write(struct sb16 *s)
{
	s->test = s->param[0];
}

static void cmd_test_read(struct sb16 *s)
{
	out_put(s, s->test);
}

static void cmd_irq(struct sb16 *s)
{
	sb16_irq_raise(s, s->cmd == 0xf3 ? SB16_IRQ_16BIT : SB16_IRQ_8BIT);
}

static void cmd_zero(struct sb16 *s)
{
	out_put(s, 0);
}

static void cmd_dma_id(struct sb16 *s)
{
	warn_once(s, "DSP command E2h (DMA identification)");
}

/* What is not in the table has no parameters and no effect; neither has what has no function. */
static const struct {
	u8 first, last, params;
	void (*run)(struct sb16 *s);
} commands[] = {
	{0x04, 0x04, 1, NULL}, /* 04h to 0Fh: the ASP */
	{0x05, 0x05, 2, NULL},
	{0x08, 0x08, 1, cmd_zero},
	{0x0e, 0x0e, 2, NULL},
	{0x0f, 0x0f, 1, cmd_zero},
	{0x10, 0x10, 1, cmd_direct},
	{0x14, 0x15, 2, cmd_play_single},
	{0x16, 0x17, 2, cmd_adpcm},
	{0x1c, 0x1c, 0, cmd_play_auto},
	{0x1f, 0x1f, 0, cmd_adpcm},
	{0x20, 0x20, 0, cmd_direct_input},
	{0x24, 0x24, 2, cmd_record_single},
	{0x2c, 0x2c, 0, cmd_record_auto},
	{0x38, 0x38, 1, NULL}, /* MIDI */
	{0x40, 0x40, 1, cmd_time_constant},
	{0x41, 0x42, 2, cmd_rate},
	{0x48, 0x48, 2, cmd_block},
	{0x74, 0x77, 2, cmd_adpcm},
	{0x7d, 0x7d, 0, cmd_adpcm},
	{0x7f, 0x7f, 0, cmd_adpcm},
	{0x80, 0x80, 2, cmd_silence},
	{0x90, 0x90, 0, cmd_play_auto},
	{0x91, 0x91, 0, cmd_play_block},
	{0x98, 0x98, 0, cmd_record_auto},
	{0x99, 0x99, 0, cmd_record_block},
	{0xb0, 0xcf, 3, cmd_generic},
	{0xd0, 0xd0, 0, cmd_halt},
	{0xd1, 0xd1, 0, cmd_speaker},
	{0xd3, 0xd3, 0, cmd_speaker},
	{0xd4, 0xd6, 0, cmd_halt},
	{0xd8, 0xd8, 0, cmd_speaker_status},
	{0xd9, 0xda, 0, cmd_exit_auto},
	{0xe0, 0xe0, 1, cmd_identify},
	{0xe1, 0xe1, 0, cmd_version},
	{0xe2, 0xe2, 1, cmd_dma_id},
	{0xe3, 0xe3, 0, cmd_copyright},
	{0xe4, 0xe4, 1, cmd_test_write},
	{0xe8, 0xe8, 0, cmd_test_read},
	{0xf2, 0xf3, 0, cmd_irq},
	{0xf8, 0xf8, 0, cmd_zero},
	{0xf9, 0xf9, 1, cmd_zero},
	{0xfa, 0xfa, 2, NULL},
};

static int command_find(u8 cmd)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (cmd >= commands[i].first && cmd <= commands[i].last)
			return (int)i;
	return -1;
}

/* A byte at the command port: a command, or a parameter of the one before. */
void sb16_dsp_write(struct sb16 *s, u8 val)
{
	int i;

	if (s->in_reset)
		return;
	if (s->need) {
		s->param[s->got++] = val;
		s->need--;
	} else {
		i = command_find(val);
		s->cmd = val;
		s->got = 0;
		s->need = i < 0 ? 0 : commands[i].params;
	}
	i = command_find(s->cmd);
	if (!s->need && i >= 0 && commands[i].run)
		commands[i].run(s);
}

/* At the end of the pulse on the reset port. */
void sb16_dsp_reset(struct sb16 *s)
{
	unsigned int i;

	for (i = 0; i < SB16_NXFERS; i++)
		sb16_xfer_stop(s, i);
	sb16_irq_ack(s, SB16_IRQ_8BIT | SB16_IRQ_16BIT);
	s->need = s->got = s->cmd = 0;
	s->out_head = s->out_len = 0;
	s->speaker = false;
	s->rate = 11025;
	s->by_const = false;
	s->block = 2048;
	out_put(s, ALIVE);
}

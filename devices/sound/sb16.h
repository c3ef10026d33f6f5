/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sound Blaster 16 with DSP 4.05 and CT1745 mixer: what its files share.
 *
 * There: reset, 8 and 16 bit samples, mono and stereo, single-cycle and auto-init DMA, playing and
 * (as silence) recording, both at once; direct output; pause, continue, rates by time constant and in
 * Hz; interrupt and DMA lines chosen through the mixer. Not there: the FM synthesizer, MIDI, CD-ROM
 * interface, game port, the ASP; ADPCM is played as silence of the right length.
 *
 * Source: Creative Labs, Sound Blaster Series Hardware Programming Guide (1996), chapters 2 to 4, 6.
 */
#ifndef DEVICES_SOUND_SB16_H
#define DEVICES_SOUND_SB16_H

#include "devices/isa/i8237.h"
#include "devices/sound/pace.h"
#include "devices/sound/sound.h"

#define SB16_PORTS 16
#define SB16_OUT   64 /* bytes that wait to be read from the DSP */

enum { SB16_XFER8, SB16_XFER16, SB16_NXFERS };

enum sb16_kind {
	SB16_OFF,
	SB16_PLAY,
	SB16_RECORD,
	SB16_ADPCM, /* data is taken from memory, and not heard */
	SB16_PAUSE, /* command 80h: no data, the interrupt at the end */
	SB16_NKINDS,
};

/* A DMA transfer. Counts are bytes of the transfer. */
struct sb16_xfer {
	u8 kind;
	bool bits16, is_signed, stereo;
	bool auto_init;
	bool halted; /* paused by a command */
	u32 block;   /* 1..131072 */
	u32 left;    /* of the block */
	struct pace pace;
};

struct sb16 {
	struct gm_dev dev;
	/* DSP */
	u8 cmd, need, got;  /* the command whose parameters are awaited; need 0: none */
	u8 param[3];
	u8 out[SB16_OUT];
	u8 out_head, out_len, last_out;
	u8 test;            /* the test register */
	bool in_reset, speaker;
	u32 rate;           /* Hz, or bytes a second when by_const */
	bool by_const;
	u32 block;          /* bytes, command 48h */
	struct sb16_xfer xfer[SB16_NXFERS];
	u8 direct;          /* level of direct output */
	u64 direct_base, direct_done, direct_last; /* its frames, and the guest time of its last byte */
	bool direct_on;
	/* mixer */
	u8 index;
	u8 mixer[256];
	u8 irq_status;
	u8 irq_lines;       /* that are held */
	struct gm_timer timer;
	/* wiring */
	struct sb16_cfg cfg;
	struct gm_region *region;
	struct gm_voice *voice[SB16_NXFERS], *direct_voice;
	bool warned;
};

/* sb16_dsp.c */
void sb16_dsp_reset(struct sb16 *s);
void sb16_dsp_write(struct sb16 *s, u8 val);
u8 sb16_dsp_read(struct sb16 *s);

/* sb16_dma.c: begins, stops, pauses transfers; n is SB16_XFER8 or SB16_XFER16. */
void sb16_xfer_start(struct sb16 *s, unsigned int n, const struct sb16_xfer *x, u32 rate);
void sb16_xfer_stop(struct sb16 *s, unsigned int n);
void sb16_xfer_halt(struct sb16 *s, unsigned int n, bool halt);
void sb16_xfer_pull(void *opaque);
void sb16_xfer_timer(void *opaque);
void sb16_xfer_loaded(struct sb16 *s);
void sb16_direct_write(struct sb16 *s, u8 val);
void sb16_direct_pull(void *opaque);

/* sb16_mixer.c */
#define SB16_IRQ_8BIT  1
#define SB16_IRQ_16BIT 2
void sb16_mixer_reset(struct sb16 *s);
void sb16_mixer_power_on(struct sb16 *s);
void sb16_mixer_write(struct sb16 *s, u8 val);
u8 sb16_mixer_read(struct sb16 *s);
void sb16_mixer_loaded(struct sb16 *s);
/* Mixer register 0Eh: the old commands play two channels. */
bool sb16_mixer_stereo(const struct sb16 *s);
/* The 8237 channel for samples of this width, or -1: none was chosen. */
int sb16_mixer_dma(const struct sb16 *s, bool bits16);
/* Sets or clears bits of the interrupt status, and drives the line. */
void sb16_irq_raise(struct sb16 *s, u8 bits);
void sb16_irq_ack(struct sb16 *s, u8 bits);

#endif

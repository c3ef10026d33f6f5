/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AC'97 sound of the 82801AA (ICH): what its files share. Bus master channels for playing, recording
 * and the microphone (both as silence), a codec with variable rate.
 *
 * Not there: S/PDIF, more than two channels, the modem, a secondary codec, wake-up by the codec.
 *
 * Sources: Intel 82801AA (ICH) datasheet (290655-003), section 13; Intel, Audio Codec '97, revision
 * 2.1 (1998), section 5.7.
 */
#ifndef DEVICES_SOUND_AC97_H
#define DEVICES_SOUND_AC97_H

#include "devices/sound/pace.h"
#include "devices/sound/sound.h"

enum { AC97_IN, AC97_OUT, AC97_MIC, AC97_NBOXES };

/* A bus master channel; the names of its registers are the datasheet's. */
struct ac97_box {
	u32 bdbar;
	u8 civ, lvi, piv, cr;
	u16 sr, picb;
	u32 addr;    /* of the sample that is next */
	bool ioc;    /* of the descriptor that was read */
	bool loaded; /* a descriptor was read since the reset */
	struct pace pace;
};

#define AC97_REGS 64 /* of the codec, 16 bits each */

struct ac97 {
	struct gm_pci_dev pci;
	struct ac97_box box[AC97_NBOXES];
	u32 glob_cnt, glob_sta;
	u8 cas;
	u16 codec[AC97_REGS];
	struct gm_timer timer;
	struct gm_voice *voice;
};

/* ac97_codec.c: reg is the byte offset, even. */
void ac97_codec_reset(struct ac97 *s);
u16 ac97_codec_read(struct ac97 *s, unsigned int reg);
void ac97_codec_write(struct ac97 *s, unsigned int reg, u16 val);
/* Frames a second of a channel. */
u32 ac97_codec_rate(const struct ac97 *s, unsigned int box);
void ac97_volume_update(struct ac97 *s);

/* ac97_dma.c */
void ac97_box_reset(struct ac97 *s, unsigned int n);
void ac97_box_start(struct ac97 *s, unsigned int n);
void ac97_box_stop(struct ac97 *s, unsigned int n);
/* The last valid index moved: a channel that ran out of buffers goes on. */
void ac97_box_continue(struct ac97 *s, unsigned int n);
/* The codec's rate changed. */
void ac97_box_rate(struct ac97 *s, unsigned int n);
/* Up to now, or to the interrupt that would follow one that is pending. */
void ac97_box_run(struct ac97 *s, unsigned int n);
void ac97_timer(void *opaque);
void ac97_pull(void *opaque);
void ac97_boxes_loaded(struct ac97 *s);

/* ac97.c: drives the interrupt line. */
void ac97_irq_update(struct ac97 *s);

#define AC97_SR_DCH   0x01 /* DMA controller halted */
#define AC97_SR_CELV  0x02 /* current equals last valid */
#define AC97_SR_LVBCI 0x04
#define AC97_SR_BCIS  0x08
#define AC97_SR_FIFOE 0x10
#define AC97_CR_RPBM  0x01 /* run */
#define AC97_CR_RR    0x02 /* reset registers */
#define AC97_CR_LVBIE 0x04
#define AC97_CR_FEIE  0x08
#define AC97_CR_IOCE  0x10

#endif

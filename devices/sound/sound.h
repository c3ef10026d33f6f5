/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What makes sound: the PC speaker, the Sound Blaster 16, AC'97. */
#ifndef DEVICES_SOUND_SOUND_H
#define DEVICES_SOUND_SOUND_H

#include "devices/dev.h"
#include "devices/isa/i8254.h"
#include "devices/pci/pci.h"
#include "vmm/audio/audio.h"

struct speaker_cfg {
	struct gm_audio *audio;
};
extern const struct gm_dev_class speaker_class;
/* The timer's callback; `opaque` is the speaker's struct gm_dev. Machine lock held. */
void speaker_wave_set(void *opaque, const struct speaker_wave *wave);

#define SB16_IRQS 4
struct sb16_cfg {
	u16 base;                     /* 220h */
	struct gm_irq irq[SB16_IRQS]; /* lines 9 (2), 5, 7, 10, of which the guest chooses one */
	struct gm_dev *dma;           /* the 8237As */
	struct gm_audio *audio;
};
extern const struct gm_dev_class sb16_class;

struct ac97_cfg {
	struct gm_pci_cfg pci;
	struct gm_audio *audio;
};
extern const struct gm_pci_class ac97_class;

#endif

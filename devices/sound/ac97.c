// SPDX-License-Identifier: GPL-2.0-or-later
/* The ICH's AC'97 controller: registers in I/O space, interrupts, class. Source: see ac97.h. */
#include "devices/sound/ac97.h"

#include <errno.h>

#define NAM_SIZE      256 /* the mixer: codec registers; the upper half is the second codec's */
#define NABM_SIZE     64  /* the bus master channels and global registers */
#define NAM_SECOND    0x80

#define BOX_SIZE      0x10
#define BOX_BDBAR     0x0
#define BOX_CIV       0x4
#define BOX_LVI       0x5
#define BOX_SR        0x6
#define BOX_PICB      0x8
#define BOX_PIV       0xa
#define BOX_CR        0xb
#define REG_GLOB_CNT  0x2c
#define REG_GLOB_STA  0x30
#define REG_CAS       0x34

#define CNT_COLD      0x02 /* 0 holds the codec in reset */
#define CNT_WARM      0x04
#define CNT_BITS      0x3b /* that are kept */
#define STA_READY     0x100 /* the primary codec */
#define STA_CLEAR     0x8c01 /* GSCI, RCS, resume: cleared by a written one */

static const u32 box_status[AC97_NBOXES] = {1u << 5, 1u << 6, 1u << 7};

void ac97_irq_update(struct ac97 *s)
{
	unsigned int i;
	u32 wanted = 0;

	for (i = 0; i < AC97_NBOXES; i++) {
		const struct ac97_box *b = &s->box[i];

		if ((b->sr & AC97_SR_LVBCI && b->cr & AC97_CR_LVBIE) ||
		    (b->sr & AC97_SR_BCIS && b->cr & AC97_CR_IOCE) ||
		    (b->sr & AC97_SR_FIFOE && b->cr & AC97_CR_FEIE))
			wanted |= box_status[i];
	}
	s->glob_sta = (s->glob_sta & ~(box_status[0] | box_status[1] | box_status[2])) | wanted;
	gm_pci_irq(&s->pci, wanted != 0);
}

/* ---- the codec's registers ---- */

static u64 nam_read(void *opaque, u64 off, unsigned int size)
{
	struct ac97 *s = opaque;

	s->cas = 0;
	return off < NAM_SECOND ? ac97_codec_read(s, (unsigned int)off) : 0xffff;
}

static void nam_write(void *opaque, u64 off, unsigned int size, u64 val)
{
	struct ac97 *s = opaque;

	s->cas = 0;
	if (off < NAM_SECOND)
		ac97_codec_write(s, (unsigned int)off, (u16)val);
}

static const struct gm_region_ops nam_ops = {
	.name = "ac97-mixer", .read = nam_read, .write = nam_write, .min_size = 2, .max_size = 2,
};

/* ---- bus master registers ---- */

static u32 box_read(struct ac97 *s, unsigned int n, unsigned int reg)
{
	const struct ac97_box *b = &s->box[n];

	/* Positions are looked at between interrupts. */
	ac97_box_run(s, n);
	switch (reg) {
	case 0x0: return b->bdbar;
	case 0x4: return b->civ | (u32)b->lvi << 8 | (u32)b->sr << 16;
	case 0x8: return b->picb | (u32)b->piv << 16 | (u32)b->cr << 24;
	default: return 0;
	}
}

static u64 nabm_read(void *opaque, u64 off, unsigned int size)
{
	struct ac97 *s = opaque;
	unsigned int reg = (unsigned int)off & ~3u;
	u32 v = 0;

	if (reg == REG_GLOB_CNT) {
		v = s->glob_cnt;
	} else if (reg == REG_GLOB_STA) {
		v = s->glob_sta | (s->glob_cnt & CNT_COLD ? STA_READY : 0);
	} else if (off == REG_CAS) {
		v = s->cas;
		s->cas = 1;
	} else if (reg < BOX_SIZE * AC97_NBOXES) {
		v = box_read(s, reg / BOX_SIZE, reg % BOX_SIZE);
	}
	return v >> 8 * (off & 3);
}

static void cr_write(struct ac97 *s, unsigned int n, u8 val)
{
	struct ac97_box *b = &s->box[n];

	if (val & AC97_CR_RR && !(val & AC97_CR_RPBM)) {
		ac97_box_reset(s, n);
		return;
	}
	if (!(val & AC97_CR_RPBM))
		ac97_box_stop(s, n);
	b->cr = (u8)((val & (AC97_CR_LVBIE | AC97_CR_FEIE | AC97_CR_IOCE)) | (b->cr & AC97_CR_RPBM));
	if (val & AC97_CR_RPBM && !(b->cr & AC97_CR_RPBM))
		ac97_box_start(s, n);
	ac97_irq_update(s);
}

static void box_write(struct ac97 *s, unsigned int n, unsigned int reg, u8 val)
{
	struct ac97_box *b = &s->box[n];

	switch (reg) {
	case BOX_BDBAR ... BOX_BDBAR + 3:
		reg *= 8;
		b->bdbar = (b->bdbar & ~(0xffu << reg)) | (u32)val << reg;
		b->bdbar &= ~7u;
		break;
	case BOX_LVI:
		ac97_box_run(s, n);
		b->lvi = val & 31;
		ac97_box_continue(s, n);
		break;
	case BOX_SR:
		b->sr &= (u16)~(val & (AC97_SR_LVBCI | AC97_SR_BCIS | AC97_SR_FIFOE));
		ac97_irq_update(s);
		break;
	case BOX_CR:
		cr_write(s, n, val);
		break;
	}
}

static void glob_cnt_write(struct ac97 *s, u32 val)
{
	unsigned int i;

	/* Held in reset: the codec forgets, and the channels end. */
	if (s->glob_cnt & CNT_COLD && !(val & CNT_COLD)) {
		for (i = 0; i < AC97_NBOXES; i++)
			ac97_box_reset(s, i);
		ac97_codec_reset(s);
	}
	/* A warm reset ends at once: its bit is never seen. */
	s->glob_cnt = val & CNT_BITS & ~(u32)CNT_WARM;
}

static void byte_write(struct ac97 *s, unsigned int off, u8 val)
{
	unsigned int shift = 8 * (off & 3);

	switch (off & ~3u) {
	case REG_GLOB_CNT:
		glob_cnt_write(s, (s->glob_cnt & ~(0xffu << shift)) | (u32)val << shift);
		break;
	case REG_GLOB_STA:
		s->glob_sta &= ~((u32)val << shift & STA_CLEAR);
		break;
	default:
		if (off < BOX_SIZE * AC97_NBOXES)
			box_write(s, off / BOX_SIZE, off % BOX_SIZE, val);
	}
}

static void nabm_write(void *opaque, u64 off, unsigned int size, u64 val)
{
	unsigned int i;

	for (i = 0; i < size; i++)
		byte_write(opaque, (unsigned int)off + i, (u8)(val >> 8 * i));
}

static const struct gm_region_ops nabm_ops = {
	.name = "ac97", .read = nabm_read, .write = nabm_write, .min_size = 1, .max_size = 4,
};

/* ---- class ---- */

static void ac97_reset(struct gm_dev *d)
{
	struct ac97 *s = container_of(d, struct ac97, pci.dev);
	unsigned int i;

	gm_pci_reset(&s->pci);
	s->glob_cnt = s->glob_sta = 0;
	s->cas = 0;
	/* All at once: what they were may be what ac97_loaded() refused. */
	memset(s->box, 0, sizeof(s->box));
	for (i = 0; i < AC97_NBOXES; i++)
		ac97_box_reset(s, i);
	ac97_codec_reset(s);
}

static int ac97_init(struct gm_dev *d, const void *cfg_)
{
	static const struct gm_pci_bar nam = {.size = NAM_SIZE, .flags = GM_PCI_BAR_IO,
					      .ops = &nam_ops};
	static const struct gm_pci_bar nabm = {.size = NABM_SIZE, .flags = GM_PCI_BAR_IO,
					       .ops = &nabm_ops};
	struct ac97 *s = container_of(d, struct ac97, pci.dev);
	struct gm_voice_client client = {.pull = ac97_pull, .opaque = s};
	const struct ac97_cfg *cfg = cfg_;
	int err = gm_pci_init(&s->pci, &cfg->pci);

	if (!err)
		err = gm_pci_bar_add(&s->pci, 0, &nam, s);
	if (!err)
		err = gm_pci_bar_add(&s->pci, 1, &nabm, s);
	if (err)
		return err;
	gm_timer_init(&s->timer, d->m->clock, ac97_timer, s);
	s->voice = gm_voice_new(cfg->audio, &client);
	return 0;
}

static int ac97_loaded(struct gm_dev *d)
{
	struct ac97 *s = container_of(d, struct ac97, pci.dev);
	unsigned int i;

	for (i = 0; i < AC97_NBOXES; i++) {
		const struct ac97_box *b = &s->box[i];

		if (b->civ > 31 || b->lvi > 31 || b->piv > 31)
			return -EINVAL;
		if (b->cr & AC97_CR_RPBM && (b->pace.rate < GM_AUDIO_RATE_MIN ||
					     b->pace.rate > GM_AUDIO_RATE_MAX))
			return -EINVAL;
	}
	gm_pci_loaded(&s->pci);
	ac97_volume_update(s);
	ac97_boxes_loaded(s);
	return 0;
}

static void ac97_fini(struct gm_dev *d)
{
	struct ac97 *s = container_of(d, struct ac97, pci.dev);

	gm_timer_cancel(&s->timer);
	gm_voice_free(s->voice);
}

static const struct gm_field box_fields[] = {
	GM_U32(struct ac97_box, bdbar),
	GM_U8(struct ac97_box, civ),
	GM_U8(struct ac97_box, lvi),
	GM_U8(struct ac97_box, piv),
	GM_U8(struct ac97_box, cr),
	GM_U16(struct ac97_box, sr),
	GM_U16(struct ac97_box, picb),
	GM_U32(struct ac97_box, addr),
	GM_BOOL(struct ac97_box, ioc),
	GM_BOOL(struct ac97_box, loaded),
	GM_STRUCT(struct ac97_box, pace, &pace_state),
	GM_FIELDS_END,
};

static const struct gm_state_desc box_desc = {
	.name = "channel", .version = 1, .size = sizeof(struct ac97_box), .fields = box_fields,
};

static const struct gm_field ac97_fields[] = {
	GM_STRUCT(struct ac97, pci, &gm_pci_state),
	GM_STRUCTS(struct ac97, box, struct ac97_box, &box_desc),
	GM_U32(struct ac97, glob_cnt),
	GM_U32(struct ac97, glob_sta),
	GM_U8(struct ac97, cas),
	GM_U16(struct ac97, codec),
	GM_TIMER(struct ac97, timer),
	GM_OMIT(struct ac97, voice, "the host's side"),
	GM_FIELDS_END,
};

static const struct gm_state_desc ac97_desc = {
	.name = "ac97", .version = 1, .size = sizeof(struct ac97), .fields = ac97_fields,
};

const struct gm_pci_class ac97_class = {
	.dev = {
		.name = "ac97",
		.title = "Intel 82801AA AC'97 sound",
		.size = sizeof(struct ac97),
		.state = &ac97_desc,
		.init = ac97_init,
		.reset = ac97_reset,
		.loaded = ac97_loaded,
		.fini = ac97_fini,
	},
	.vendor = 0x8086,
	.device = 0x2415,
	.subvendor = 0x8086,
	.subdevice = 0x0000,
	.class_code = 0x040100,
	.revision = 0x01,
	.int_pin = 1,
};

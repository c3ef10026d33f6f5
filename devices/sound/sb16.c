// SPDX-License-Identifier: GPL-2.0-or-later
/* The Sound Blaster 16's ports and class. Source: see sb16.h. */
#include "devices/sound/sb16.h"

#include <errno.h>

#define PORT_MIXER_INDEX 0x4
#define PORT_MIXER_DATA  0x5
#define PORT_RESET       0x6
#define PORT_READ        0xa
#define PORT_WRITE       0xc
#define PORT_STATUS      0xe /* and acknowledges 8-bit interrupts */
#define PORT_ACK16       0xf

#define STATUS_READY     0x80

static u64 port_read(void *opaque, u64 off, unsigned int size)
{
	struct sb16 *s = opaque;

	switch (off) {
	case PORT_MIXER_INDEX:
		return s->index;
	case PORT_MIXER_DATA:
		return sb16_mixer_read(s);
	case PORT_READ:
		return sb16_dsp_read(s);
	case PORT_WRITE:
		return 0x7f; /* bit 7: busy; it never is */
	case PORT_STATUS:
		sb16_irq_ack(s, SB16_IRQ_8BIT);
		return 0x7f | (s->out_len ? STATUS_READY : 0);
	case PORT_ACK16:
		sb16_irq_ack(s, SB16_IRQ_16BIT);
		return 0xff;
	}
	return 0xff;
}

static void reset_write(struct sb16 *s, u8 val)
{
	if (s->in_reset && !(val & 1))
		sb16_dsp_reset(s);
	s->in_reset = val & 1;
}

static void port_write(void *opaque, u64 off, unsigned int size, u64 val)
{
	struct sb16 *s = opaque;

	switch (off) {
	case PORT_MIXER_INDEX:
		s->index = (u8)val;
		break;
	case PORT_MIXER_DATA:
		sb16_mixer_write(s, (u8)val);
		break;
	case PORT_RESET:
		reset_write(s, (u8)val);
		break;
	case PORT_WRITE:
		sb16_dsp_write(s, (u8)val);
		break;
	}
}

static const struct gm_region_ops port_ops = {
	.name = "sb16", .read = port_read, .write = port_write, .max_size = 1,
};

/* ---- class ---- */

static void sb16_fini(struct gm_dev *d)
{
	struct sb16 *s = (struct sb16 *)d;
	unsigned int i;

	gm_timer_cancel(&s->timer);
	for (i = 0; i < SB16_NXFERS; i++)
		gm_voice_free(s->voice[i]);
	gm_voice_free(s->direct_voice);
	if (s->region)
		gm_region_remove(s->region);
}

static int sb16_init(struct gm_dev *d, const void *cfg)
{
	struct sb16 *s = (struct sb16 *)d;
	struct gm_voice_client client = {.pull = sb16_xfer_pull, .opaque = s};
	unsigned int i;

	s->cfg = *(const struct sb16_cfg *)cfg;
	gm_timer_init(&s->timer, d->m->clock, sb16_xfer_timer, s);
	s->region = gm_region_add(d->m->pio, s->cfg.base, SB16_PORTS, &port_ops, s);
	if (!s->region)
		return -ENOMEM;
	for (i = 0; i < SB16_NXFERS; i++)
		s->voice[i] = gm_voice_new(s->cfg.audio, &client);
	client.pull = sb16_direct_pull;
	s->direct_voice = gm_voice_new(s->cfg.audio, &client);
	return 0;
}

/* The DSP says that it is alive only after a reset through its port. */
static void sb16_reset(struct gm_dev *d)
{
	struct sb16 *s = (struct sb16 *)d;

	/* First: what was there may be what sb16_loaded() refused. */
	memset(s->xfer, 0, sizeof(s->xfer));
	sb16_xfer_loaded(s);
	sb16_dsp_reset(s);
	sb16_dsp_read(s);
	sb16_mixer_power_on(s);
	s->last_out = s->test = 0;
	s->in_reset = s->direct_on = s->warned = false;
	s->direct = 0x80;
	gm_voice_stop(s->direct_voice);
}

static bool xfer_valid(const struct sb16_xfer *x)
{
	if (x->kind == SB16_OFF)
		return true;
	return x->kind < SB16_NKINDS && x->block && x->block <= 131072 && x->left &&
	       x->left <= x->block && x->pace.rate >= GM_AUDIO_RATE_MIN &&
	       x->pace.rate <= GM_AUDIO_RATE_MAX;
}

static int sb16_loaded(struct gm_dev *d)
{
	struct sb16 *s = (struct sb16 *)d;

	if (s->need + s->got > (int)sizeof(s->param) || s->out_head >= SB16_OUT ||
	    s->out_len > SB16_OUT || !s->block || s->block > 65536 || s->rate > 1000000 ||
	    !xfer_valid(&s->xfer[0]) || !xfer_valid(&s->xfer[1]))
		return -EINVAL;
	s->direct_on = false;
	gm_voice_stop(s->direct_voice);
	sb16_mixer_loaded(s);
	sb16_xfer_loaded(s);
	return 0;
}

static const struct gm_field xfer_fields[] = {
	GM_U8(struct sb16_xfer, kind),
	GM_BOOL(struct sb16_xfer, bits16),
	GM_BOOL(struct sb16_xfer, is_signed),
	GM_BOOL(struct sb16_xfer, stereo),
	GM_BOOL(struct sb16_xfer, auto_init),
	GM_BOOL(struct sb16_xfer, halted),
	GM_U32(struct sb16_xfer, block),
	GM_U32(struct sb16_xfer, left),
	GM_STRUCT(struct sb16_xfer, pace, &pace_state),
	GM_FIELDS_END,
};

static const struct gm_state_desc xfer_desc = {
	.name = "transfer", .version = 1, .size = sizeof(struct sb16_xfer), .fields = xfer_fields,
};

static const struct gm_field sb16_fields[] = {
	GM_U8(struct sb16, cmd),
	GM_U8(struct sb16, need),
	GM_U8(struct sb16, got),
	GM_BYTES(struct sb16, param),
	GM_BYTES(struct sb16, out),
	GM_U8(struct sb16, out_head),
	GM_U8(struct sb16, out_len),
	GM_U8(struct sb16, last_out),
	GM_U8(struct sb16, test),
	GM_BOOL(struct sb16, in_reset),
	GM_BOOL(struct sb16, speaker),
	GM_U32(struct sb16, rate),
	GM_BOOL(struct sb16, by_const),
	GM_U32(struct sb16, block),
	GM_STRUCTS(struct sb16, xfer, struct sb16_xfer, &xfer_desc),
	GM_U8(struct sb16, direct),
	GM_OMIT(struct sb16, direct_base, "of the sound that the host hears"),
	GM_OMIT(struct sb16, direct_done, "of the sound that the host hears"),
	GM_OMIT(struct sb16, direct_last, "of the sound that the host hears"),
	GM_OMIT(struct sb16, direct_on, "of the sound that the host hears"),
	GM_U8(struct sb16, index),
	GM_BYTES(struct sb16, mixer),
	GM_U8(struct sb16, irq_status),
	GM_OMIT(struct sb16, irq_lines, "follows from the status and the mixer"),
	GM_TIMER(struct sb16, timer),
	GM_OMIT(struct sb16, cfg, "wiring, fixed at creation"),
	GM_OMIT(struct sb16, region, "place on the bus, fixed at creation"),
	GM_OMIT(struct sb16, voice, "the host's side"),
	GM_OMIT(struct sb16, direct_voice, "the host's side"),
	GM_OMIT(struct sb16, warned, "what the user was told"),
	GM_FIELDS_END,
};

static const struct gm_state_desc sb16_desc = {
	.name = "sb16", .version = 1, .size = sizeof(struct sb16), .fields = sb16_fields,
};

const struct gm_dev_class sb16_class = {
	.name = "sb16",
	.title = "Sound Blaster 16",
	.size = sizeof(struct sb16),
	.state = &sb16_desc,
	.init = sb16_init,
	.reset = sb16_reset,
	.loaded = sb16_loaded,
	.fini = sb16_fini,
};

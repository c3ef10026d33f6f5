// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Debug consoles: port 402h, where SeaBIOS writes its log after it has read E9h there, and port
 * E9h, known from Bochs.
 */
#include "devices/isa/debugcon.h"

#include <errno.h>

struct debugcon {
	struct gm_dev dev;
	struct debugcon_cfg cfg;
	struct gm_region *region[2];
};

static const u16 ports[2] = {0x402, 0xe9};

static u64 debugcon_read(void *opaque, u64 off, unsigned int size)
{
	return 0xe9;
}

static void debugcon_write(void *opaque, u64 off, unsigned int size, u64 val)
{
	struct debugcon *s = opaque;
	u8 byte = (u8)val;

	gm_char_write(s->cfg.chr, &byte, 1);
}

static const struct gm_region_ops debugcon_ops = {
	.name = "debugcon", .read = debugcon_read, .write = debugcon_write, .max_size = 1,
};

static void debugcon_fini(struct gm_dev *d)
{
	struct debugcon *s = (struct debugcon *)d;

	for (size_t i = 0; i < ARRAY_SIZE(s->region); i++)
		if (s->region[i])
			gm_region_remove(s->region[i]);
}

static int debugcon_init(struct gm_dev *d, const void *cfg)
{
	struct debugcon *s = (struct debugcon *)d;

	s->cfg = *(const struct debugcon_cfg *)cfg;
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
		s->region[i] = gm_region_add(d->m->pio, ports[i], 1, &debugcon_ops, s);
		if (!s->region[i]) {
			debugcon_fini(d);
			return -ENOMEM;
		}
	}
	return 0;
}

static void debugcon_reset(struct gm_dev *d)
{
}

static const struct gm_field debugcon_fields[] = {
	GM_OMIT(struct debugcon, cfg, "wiring, fixed at creation"),
	GM_OMIT(struct debugcon, region, "place on the bus, fixed at creation"),
	GM_FIELDS_END,
};

static const struct gm_state_desc debugcon_desc = {
	.name = "debugcon", .version = 1, .size = sizeof(struct debugcon),
	.fields = debugcon_fields,
};

const struct gm_dev_class debugcon_class = {
	.name = "debugcon",
	.title = "debug console ports 402h and E9h",
	.size = sizeof(struct debugcon),
	.state = &debugcon_desc,
	.init = debugcon_init,
	.reset = debugcon_reset,
	.fini = debugcon_fini,
};

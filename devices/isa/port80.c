// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Port 80h: a byte of storage that on a PC shows the firmware's progress. Operating systems write
 * to it to wait a microsecond, so it does nothing else.
 */
#include "devices/isa/port80.h"

#include <errno.h>

struct port80 {
	struct gm_dev dev;
	u8 code;
	struct gm_region *region;
};

static u64 port80_read(void *opaque, u64 off, unsigned int size)
{
	return ((struct port80 *)opaque)->code;
}

static void port80_write(void *opaque, u64 off, unsigned int size, u64 val)
{
	((struct port80 *)opaque)->code = (u8)val;
}

static const struct gm_region_ops port80_ops = {
	.name = "port80", .read = port80_read, .write = port80_write, .max_size = 1,
};

u8 port80_code(struct gm_dev *d)
{
	return ((struct port80 *)d)->code;
}

static int port80_init(struct gm_dev *d, const void *cfg)
{
	struct port80 *s = (struct port80 *)d;

	s->region = gm_region_add(d->m->pio, 0x80, 1, &port80_ops, s);
	return s->region ? 0 : -ENOMEM;
}

static void port80_fini(struct gm_dev *d)
{
	gm_region_remove(((struct port80 *)d)->region);
}

static void port80_reset(struct gm_dev *d)
{
	((struct port80 *)d)->code = 0;
}

static const struct gm_field port80_fields[] = {
	GM_U8(struct port80, code),
	GM_OMIT(struct port80, region, "place on the bus, fixed at creation"),
	GM_FIELDS_END,
};

static const struct gm_state_desc port80_desc = {
	.name = "port80", .version = 1, .size = sizeof(struct port80), .fields = port80_fields,
};

const struct gm_dev_class port80_class = {
	.name = "port80",
	.title = "POST code port",
	.size = sizeof(struct port80),
	.state = &port80_desc,
	.init = port80_init,
	.reset = port80_reset,
	.fini = port80_fini,
};

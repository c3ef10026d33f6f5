// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Standard parallel port with a printer that takes each byte at once.
 * Source: IEEE 1284-1994, compatibility mode, and the registers of the IBM PC's printer adapter.
 */
#include "devices/isa/parallel.h"

#include <errno.h>

#define STS_PRINTER    0xdf /* not busy, no acknowledge, paper, selected, no error */
#define STS_NO_PRINTER 0x7f /* inputs pulled up; "busy" is inverted */

#define CTL_STROBE     0x01
#define CTL_IRQ        0x10
#define CTL_INPUT      0x20
#define CTL_WRITABLE   0x3f

struct parallel {
	struct gm_dev dev;
	u8 data, control;
	struct parallel_cfg cfg;
	struct gm_region *region;
};

static u64 parallel_read(void *opaque, u64 off, unsigned int size)
{
	struct parallel *p = opaque;

	switch (off) {
	case 0:
		return p->control & CTL_INPUT ? 0xff : p->data;
	case 1:
		return p->cfg.chr ? STS_PRINTER : STS_NO_PRINTER;
	}
	return p->control | 0xc0;
}

static void parallel_write(void *opaque, u64 off, unsigned int size, u64 v)
{
	struct parallel *p = opaque;
	u8 val = (u8)v;
	bool strobe;

	if (off == 0)
		p->data = val;
	if (off != 2)
		return;
	strobe = val & ~p->control & CTL_STROBE;
	p->control = val & CTL_WRITABLE;
	if (!strobe || !p->cfg.chr)
		return;
	gm_char_write(p->cfg.chr, &p->data, 1);
	/* The printer's acknowledge pulse. */
	if (p->control & CTL_IRQ)
		gm_irq_pulse(&p->cfg.irq);
}

static const struct gm_region_ops parallel_ops = {
	.name = "parallel", .read = parallel_read, .write = parallel_write, .max_size = 1,
};

static int parallel_init(struct gm_dev *d, const void *cfg)
{
	struct parallel *p = (struct parallel *)d;

	p->cfg = *(const struct parallel_cfg *)cfg;
	p->region = gm_region_add(d->m->pio, p->cfg.base, 3, &parallel_ops, p);
	return p->region ? 0 : -ENOMEM;
}

static void parallel_fini(struct gm_dev *d)
{
	gm_region_remove(((struct parallel *)d)->region);
}

static void parallel_reset(struct gm_dev *d)
{
	struct parallel *p = (struct parallel *)d;

	p->data = 0;
	p->control = 0;
}

static const struct gm_field parallel_fields[] = {
	GM_U8(struct parallel, data),
	GM_U8(struct parallel, control),
	GM_OMIT(struct parallel, cfg, "wiring, fixed at creation"),
	GM_OMIT(struct parallel, region, "place on the bus, fixed at creation"),
	GM_FIELDS_END,
};

static const struct gm_state_desc parallel_desc = {
	.name = "parallel", .version = 1, .size = sizeof(struct parallel),
	.fields = parallel_fields,
};

const struct gm_dev_class parallel_class = {
	.name = "parallel",
	.title = "standard parallel port",
	.size = sizeof(struct parallel),
	.state = &parallel_desc,
	.init = parallel_init,
	.reset = parallel_reset,
	.fini = parallel_fini,
};

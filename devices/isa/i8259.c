// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two cascaded 8259A interrupt controllers as on a PC/AT, with the edge/level control registers
 * that EISA and PIIX3 added.
 *
 * Sources: Intel 8259A datasheet (231468-003); Intel 82371SB (PIIX3) datasheet, section 2.5.4.
 *
 * One deliberate difference to the datasheet: a request in edge mode stays latched when its line
 * falls again before the acknowledge. A device of ours may hold its line for no time at all, and
 * real pulses are always longer than the CPU's response.
 */
#include "devices/isa/i8259.h"

#include <errno.h>

#define CASCADE_LINE 2

enum icw_step {
	STEP_READY,
	STEP_ICW2,
	STEP_ICW3,
	STEP_ICW4,
};

#define ICW1_IC4    0x01
#define ICW1_SNGL   0x02
#define ICW1_SELECT 0x10
#define ICW4_AEOI   0x02
#define ICW4_SFNM   0x10

#define OCW3_SELECT 0x08
#define OCW3_RIS    0x01
#define OCW3_RR     0x02
#define OCW3_POLL   0x04
#define OCW3_SMM    0x20
#define OCW3_ESMM   0x40

struct pic {
	u8 irr, imr, isr;
	u8 lines;         /* levels of the inputs */
	u8 elcr;          /* 1: level-triggered */
	u8 vector_base;   /* ICW2 */
	u8 top;           /* the line of highest priority */
	u8 step;          /* enum icw_step: which initialization word comes next */
	bool want_icw4, single;
	bool auto_eoi, rotate_aeoi, nested; /* nested: special fully nested mode */
	bool special_mask;
	bool read_isr, poll;
};

struct i8259 {
	struct gm_dev dev;
	struct pic pic[2]; /* master, slave */
	bool intr;         /* level of the master's output */
	struct i8259_cfg cfg;
	struct gm_region *region[3];
};

static const u8 elcr_writable[2] = {0xf8, 0xde};

/* How far below the highest priority the best line in mask is; 8 when mask is empty. */
static unsigned int pic_rank(const struct pic *p, u8 mask)
{
	u8 turned = (u8)((mask | mask << 8) >> p->top);

	return turned ? (unsigned int)__builtin_ctz(turned) : 8;
}

/* The line that requests service, or -1. */
static int pic_request(const struct pic *p, bool master)
{
	unsigned int want = pic_rank(p, p->irr & ~p->imr), now;
	u8 busy = p->isr;

	if (want == 8)
		return -1;
	if (p->special_mask)
		busy &= ~p->imr;
	if (master && p->nested)
		busy &= ~BIT(CASCADE_LINE);
	now = pic_rank(p, busy);
	return want < now ? (int)((want + p->top) & 7) : -1;
}

static void i8259_update(struct i8259 *s)
{
	struct pic *m = &s->pic[0];
	bool level;

	/* The cascade line is no device: the master sees the slave's output as it is. */
	if (pic_request(&s->pic[1], false) >= 0)
		m->irr |= BIT(CASCADE_LINE);
	else
		m->irr &= ~BIT(CASCADE_LINE);
	level = pic_request(m, true) >= 0;
	if (level != s->intr) {
		s->intr = level;
		gm_irq_set(&s->cfg.intr, level);
	}
}

void pic_set_irq(void *opaque, int line, int level)
{
	struct i8259 *s = opaque;
	struct pic *p = &s->pic[line >> 3 & 1];
	u8 bit = BIT(line & 7);

	if (line < 0 || line > 15 || line == CASCADE_LINE)
		return;
	if (!level) {
		if (!(p->lines & bit))
			return;
		p->lines &= ~bit;
		if (!(p->elcr & bit))
			return;
		p->irr &= ~bit;
	} else {
		if (p->lines & bit)
			return;
		p->lines |= bit;
		p->irr |= bit;
	}
	i8259_update(s);
}

/* The effect of INTA on the request and in-service bits of `line`. */
static void pic_accept(struct pic *p, int line)
{
	u8 bit = BIT(line);

	if (!(p->elcr & bit))
		p->irr &= ~bit;
	if (!p->auto_eoi)
		p->isr |= bit;
	else if (p->rotate_aeoi)
		p->top = (line + 1) & 7;
}

int pic_ack(void *opaque)
{
	struct i8259 *s = opaque;
	struct pic *p = &s->pic[0];
	int line = pic_request(p, true);

	if (line < 0)
		return p->vector_base + 7; /* spurious: nothing in service */
	pic_accept(p, line);
	if (line == CASCADE_LINE) {
		p = &s->pic[1];
		line = pic_request(p, false);
		if (line >= 0)
			pic_accept(p, line);
		else
			line = 7;
	}
	i8259_update(s);
	return p->vector_base + line;
}

bool pic_pending(struct gm_dev *d)
{
	return ((struct i8259 *)d)->intr;
}

/* ---- registers ---- */

static void pic_icw1(struct pic *p, u8 val)
{
	p->irr = p->lines & p->elcr;
	p->imr = 0;
	p->isr = 0;
	p->top = 0;
	p->special_mask = p->read_isr = p->poll = false;
	p->want_icw4 = val & ICW1_IC4;
	p->single = val & ICW1_SNGL;
	if (!p->want_icw4)
		p->auto_eoi = p->nested = false;
	p->rotate_aeoi = false;
	p->step = STEP_ICW2;
}

static void pic_ocw2(struct pic *p, u8 val)
{
	unsigned int rank;
	int line = val & 7;

	switch (val >> 5) {
	case 0: /* rotate in automatic EOI mode: clear, set */
	case 4:
		p->rotate_aeoi = val >> 7;
		break;
	case 1: /* non-specific EOI, without and with rotation */
	case 5:
		rank = pic_rank(p, p->special_mask ? p->isr & ~p->imr : p->isr);
		if (rank == 8)
			break;
		line = (rank + p->top) & 7;
		p->isr &= ~BIT(line);
		if (val >> 7)
			p->top = (line + 1) & 7;
		break;
	case 3: /* specific EOI */
		p->isr &= ~BIT(line);
		break;
	case 7: /* rotate on specific EOI */
		p->isr &= ~BIT(line);
		p->top = (line + 1) & 7;
		break;
	case 6: /* set priority: `line` becomes the lowest */
		p->top = (line + 1) & 7;
		break;
	}
}

static void pic_ocw3(struct pic *p, u8 val)
{
	if (val & OCW3_POLL)
		p->poll = true;
	if (val & OCW3_RR)
		p->read_isr = val & OCW3_RIS;
	if (val & OCW3_ESMM)
		p->special_mask = val & OCW3_SMM;
}

/* A write to the odd port: the next initialization word, or the mask. */
static void pic_write_data(struct pic *p, u8 val)
{
	switch (p->step) {
	case STEP_ICW2:
		p->vector_base = val & 0xf8;
		p->step = !p->single ? STEP_ICW3 : p->want_icw4 ? STEP_ICW4 : STEP_READY;
		break;
	case STEP_ICW3: /* the cascade is wired at line 2, whatever is written */
		p->step = p->want_icw4 ? STEP_ICW4 : STEP_READY;
		break;
	case STEP_ICW4:
		p->auto_eoi = val & ICW4_AEOI;
		p->nested = val & ICW4_SFNM;
		p->step = STEP_READY;
		break;
	default:
		p->imr = val;
	}
}

static void pic_write(struct i8259 *s, struct pic *p, u64 off, u8 val)
{
	if (off & 1)
		pic_write_data(p, val);
	else if (val & ICW1_SELECT)
		pic_icw1(p, val);
	else if (val & OCW3_SELECT)
		pic_ocw3(p, val);
	else
		pic_ocw2(p, val);
	i8259_update(s);
}

/* The read that follows a poll command acts as the acknowledge. */
static u8 pic_poll(struct i8259 *s, struct pic *p)
{
	int line = pic_request(p, p == &s->pic[0]);

	p->poll = false;
	if (line < 0)
		return 7;
	pic_accept(p, line);
	i8259_update(s);
	return 0x80 | line;
}

static u8 pic_read(struct i8259 *s, struct pic *p, u64 off)
{
	if (p->poll)
		return pic_poll(s, p);
	if (off & 1)
		return p->imr;
	return p->read_isr ? p->isr : p->irr;
}

static u64 master_read(void *opaque, u64 off, unsigned int size)
{
	struct i8259 *s = opaque;

	return pic_read(s, &s->pic[0], off);
}

static void master_write(void *opaque, u64 off, unsigned int size, u64 val)
{
	struct i8259 *s = opaque;

	pic_write(s, &s->pic[0], off, (u8)val);
}

static u64 slave_read(void *opaque, u64 off, unsigned int size)
{
	struct i8259 *s = opaque;

	return pic_read(s, &s->pic[1], off);
}

static void slave_write(void *opaque, u64 off, unsigned int size, u64 val)
{
	struct i8259 *s = opaque;

	pic_write(s, &s->pic[1], off, (u8)val);
}

static u64 elcr_read(void *opaque, u64 off, unsigned int size)
{
	struct i8259 *s = opaque;

	return s->pic[off & 1].elcr;
}

static void elcr_write(void *opaque, u64 off, unsigned int size, u64 val)
{
	struct i8259 *s = opaque;
	struct pic *p = &s->pic[off & 1];
	u8 new = val & elcr_writable[off & 1], changed = new ^ p->elcr;

	p->elcr = new;
	p->irr = (p->irr & ~changed) | (p->lines & new & changed);
	i8259_update(s);
}

static const struct gm_region_ops pic_ops[3] = {
	{.name = "pic-master", .read = master_read, .write = master_write, .max_size = 1},
	{.name = "pic-slave", .read = slave_read, .write = slave_write, .max_size = 1},
	{.name = "elcr", .read = elcr_read, .write = elcr_write, .max_size = 1},
};

/* ---- class ---- */

static void i8259_fini(struct gm_dev *d)
{
	struct i8259 *s = (struct i8259 *)d;

	for (size_t i = 0; i < ARRAY_SIZE(s->region); i++)
		if (s->region[i])
			gm_region_remove(s->region[i]);
}

static int i8259_init(struct gm_dev *d, const void *cfg)
{
	struct i8259 *s = (struct i8259 *)d;
	static const u16 base[3] = {0x20, 0xa0, 0x4d0};

	s->cfg = *(const struct i8259_cfg *)cfg;
	for (size_t i = 0; i < ARRAY_SIZE(base); i++) {
		s->region[i] = gm_region_add(d->m->pio, base[i], 2, &pic_ops[i], s);
		if (!s->region[i]) {
			i8259_fini(d);
			return -ENOMEM;
		}
	}
	return 0;
}

/* Reset leaves the chips as an empty ICW1..ICW4 sequence would; firmware programs them anyway. */
static void i8259_reset(struct gm_dev *d)
{
	struct i8259 *s = (struct i8259 *)d;

	for (int i = 0; i < 2; i++) {
		u8 lines = s->pic[i].lines;

		s->pic[i] = (struct pic){.lines = lines};
	}
	i8259_update(s);
}

static int i8259_loaded(struct gm_dev *d)
{
	struct i8259 *s = (struct i8259 *)d;

	for (int i = 0; i < 2; i++) {
		struct pic *p = &s->pic[i];

		if (p->top > 7 || p->step > STEP_ICW4 || p->elcr & ~elcr_writable[i])
			return -EINVAL;
	}
	return 0;
}

static const struct gm_field pic_fields[] = {
	GM_U8(struct pic, irr),
	GM_U8(struct pic, imr),
	GM_U8(struct pic, isr),
	GM_U8(struct pic, lines),
	GM_U8(struct pic, elcr),
	GM_U8(struct pic, vector_base),
	GM_U8(struct pic, top),
	GM_U8(struct pic, step),
	GM_BOOL(struct pic, want_icw4),
	GM_BOOL(struct pic, single),
	GM_BOOL(struct pic, auto_eoi),
	GM_BOOL(struct pic, rotate_aeoi),
	GM_BOOL(struct pic, nested),
	GM_BOOL(struct pic, special_mask),
	GM_BOOL(struct pic, read_isr),
	GM_BOOL(struct pic, poll),
	GM_FIELDS_END,
};

static const struct gm_state_desc pic_desc = {
	.name = "pic", .version = 1, .size = sizeof(struct pic), .fields = pic_fields,
};

static const struct gm_field i8259_fields[] = {
	GM_STRUCTS(struct i8259, pic, struct pic, &pic_desc),
	GM_BOOL(struct i8259, intr),
	GM_OMIT(struct i8259, cfg, "wiring, fixed at creation"),
	GM_OMIT(struct i8259, region, "place on the bus, fixed at creation"),
	GM_FIELDS_END,
};

static const struct gm_state_desc i8259_desc = {
	.name = "i8259", .version = 1, .size = sizeof(struct i8259), .fields = i8259_fields,
};

const struct gm_dev_class i8259_class = {
	.name = "i8259",
	.title = "two Intel 8259A interrupt controllers",
	.size = sizeof(struct i8259),
	.state = &i8259_desc,
	.init = i8259_init,
	.reset = i8259_reset,
	.loaded = i8259_loaded,
	.fini = i8259_fini,
};

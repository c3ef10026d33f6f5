// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two cascaded 8259A interrupt controllers with the edge/level registers of EISA. Sources: Intel
 * 8259A datasheet (231468-003); Intel 82371SB datasheet, 2.5.4.
 *
 * State is kept in the ABI's form (struct gm_pic_state): last_irr holds the levels of the inputs,
 * init_state the initialization word that comes next, priority_add the line of highest priority.
 * An edge stays latched when its line falls before the acknowledge.
 */
#include "module/irq/irq.h"

#define CASCADE 2

enum { STEP_READY, STEP_ICW2, STEP_ICW3, STEP_ICW4 };

static const u8 elcr_writable[2] = { 0xf8, 0xde };

void gm_pic_reset(struct gm_irqchip *irq)
{
	unsigned int i;

	memset(irq->pic, 0, sizeof(irq->pic));
	for (i = 0; i < 2; i++)
		irq->pic[i].elcr_mask = elcr_writable[i];
}

/* How far below the highest priority the best line of a set is; 8 for an empty one. */
static unsigned int rank(const struct gm_pic_state *p, u8 set)
{
	unsigned int i;

	for (i = 0; i < 8; i++)
		if (set >> ((p->priority_add + i) & 7) & 1)
			return i;
	return 8;
}

/* The line that asks for service, or -1. */
static int request(const struct gm_pic_state *p, int master)
{
	unsigned int want = rank(p, p->irr & ~p->imr);
	u8 busy = p->isr;

	if (want == 8)
		return -1;
	if (p->special_mask)
		busy &= ~p->imr;
	if (master && p->special_fully_nested_mode)
		busy &= ~(1 << CASCADE);
	return want < rank(p, busy) ? (int)((want + p->priority_add) & 7) : -1;
}

/* The processors whose LINT0 takes the output look; all of them see the same line. */
static void output(struct gm_irqchip *irq, u8 level)
{
	unsigned int i;
	int rise = level && !irq->pic_out;

	irq->pic_out = level;
	for (i = 0; rise && i < irq->nlapics; i++)
		if (irq->lapics[i] && gm_lapic_takes_pic(irq->lapics[i]))
			gm_vcpu_request(irq->lapics[i]->vcpu, GM_REQ_IRQ);
}

static void update(struct gm_irqchip *irq)
{
	struct gm_pic_state *m = &irq->pic[0];

	if (request(&irq->pic[1], 0) >= 0)
		m->irr |= 1 << CASCADE;
	else
		m->irr &= ~(1 << CASCADE);
	output(irq, request(m, 1) >= 0);
}

int gm_pic_set(struct gm_irqchip *irq, unsigned int pin, int level)
{
	struct gm_pic_state *p = &irq->pic[pin >> 3];
	u8 bit = 1 << (pin & 7), was = p->irr;

	if (pin == CASCADE)
		return 0;
	if (p->elcr & bit)
		p->irr = level ? p->irr | bit : p->irr & ~bit;
	else if (level && !(p->last_irr & bit))
		p->irr |= bit;
	p->last_irr = level ? p->last_irr | bit : p->last_irr & ~bit;
	update(irq);
	if (p->imr & bit)
		return -1;
	return !(was & bit);
}

/* Who waits for the end of this line's interrupt may raise it again. */
static void ended(struct gm_irqchip *irq, struct gm_pic_state *p, unsigned int line)
{
	unsigned int pin = line + (p == &irq->pic[1] ? 8 : 0);
	u8 bit = 1 << line;

	irq->acked |= 1ull << (32 + pin);
	/* Held up until this; whoever did is told when the lock is dropped. */
	if (irq->pic_src[pin] == GM_SRC_RESAMPLE) {
		p->last_irr &= ~bit;
		p->irr &= ~(bit & p->elcr);
	}
	irq->pic_src[pin] &= ~GM_SRC_RESAMPLE;
	gm_pit_acked(irq);
}

static void isr_clear(struct gm_irqchip *irq, struct gm_pic_state *p, unsigned int line)
{
	if (!(p->isr >> line & 1))
		return;
	p->isr &= ~(1 << line);
	ended(irq, p, line);
}

static void accept(struct gm_irqchip *irq, struct gm_pic_state *p, unsigned int line)
{
	if (!(p->elcr >> line & 1))
		p->irr &= ~(1 << line);
	if (!p->auto_eoi) {
		p->isr |= 1 << line;
		return;
	}
	if (p->rotate_on_auto_eoi)
		p->priority_add = (line + 1) & 7;
	ended(irq, p, line);
}

int gm_pic_ack(struct gm_irqchip *irq)
{
	struct gm_pic_state *p = &irq->pic[0];
	int line = request(p, 1);

	if (line < 0)
		return p->irq_base + 7; /* spurious: nothing is in service */
	accept(irq, p, line);
	if (line == CASCADE) {
		p = &irq->pic[1];
		line = request(p, 0);
		if (line >= 0)
			accept(irq, p, line);
		else
			line = 7;
	}
	update(irq);
	return p->irq_base + line;
}

/* ---- registers ---- */

static void icw1(struct gm_irqchip *irq, struct gm_pic_state *p, u8 val)
{
	unsigned int i;

	p->irr = p->last_irr & p->elcr;
	p->imr = 0;
	p->priority_add = 0;
	p->special_mask = p->read_reg_select = p->poll = 0;
	p->init4 = val & 1;
	if (!p->init4)
		p->auto_eoi = p->special_fully_nested_mode = 0;
	p->rotate_on_auto_eoi = 0;
	p->init_state = STEP_ICW2;
	for (i = 0; i < 8; i++)
		isr_clear(irq, p, i);
}

static void ocw2(struct gm_irqchip *irq, struct gm_pic_state *p, u8 val)
{
	unsigned int r, line = val & 7;

	switch (val >> 5) {
	case 0: /* rotate in automatic EOI mode: clear, set */
	case 4:
		p->rotate_on_auto_eoi = val >> 7;
		break;
	case 1: /* non-specific EOI, without and with rotation */
	case 5:
		r = rank(p, p->special_mask ? p->isr & ~p->imr : p->isr);
		if (r == 8)
			break;
		line = (r + p->priority_add) & 7;
		isr_clear(irq, p, line);
		if (val >> 7)
			p->priority_add = (line + 1) & 7;
		break;
	case 3: /* specific EOI */
		isr_clear(irq, p, line);
		break;
	case 7: /* rotate on specific EOI */
		isr_clear(irq, p, line);
		p->priority_add = (line + 1) & 7;
		break;
	case 6: /* `line` becomes the lowest */
		p->priority_add = (line + 1) & 7;
		break;
	}
}

static void ocw3(struct gm_pic_state *p, u8 val)
{
	if (val & 0x04)
		p->poll = 1;
	if (val & 0x02)
		p->read_reg_select = val & 1;
	if (val & 0x40)
		p->special_mask = val >> 5 & 1;
}

/* The odd port: the next initialization word, or the mask. */
static void write_data(struct gm_irqchip *irq, struct gm_pic_state *p, u8 val)
{
	switch (p->init_state) {
	case STEP_ICW2:
		p->irq_base = val & 0xf8;
		p->init_state = STEP_ICW3;
		break;
	case STEP_ICW3: /* the cascade is wired to line 2, whatever is written */
		p->init_state = p->init4 ? STEP_ICW4 : STEP_READY;
		break;
	case STEP_ICW4:
		p->auto_eoi = val >> 1 & 1;
		p->special_fully_nested_mode = val >> 4 & 1;
		p->init_state = STEP_READY;
		break;
	default:
		p->imr = val;
		gm_pit_unmasked(irq);
	}
}

static void elcr_write(struct gm_irqchip *irq, unsigned int chip, u8 val)
{
	struct gm_pic_state *p = &irq->pic[chip];
	u8 changed;

	val &= p->elcr_mask;
	changed = val ^ p->elcr;
	p->elcr = val;
	p->irr = (p->irr & ~changed) | (p->last_irr & val & changed);
}

void gm_pic_write(struct gm_irqchip *irq, u16 port, u8 val)
{
	struct gm_pic_state *p = &irq->pic[port >> 7 & 1];

	if (port >= 0x4d0)
		elcr_write(irq, port & 1, val);
	else if (port & 1)
		write_data(irq, p, val);
	else if (val & 0x10)
		icw1(irq, p, val);
	else if (val & 0x08)
		ocw3(p, val);
	else
		ocw2(irq, p, val);
	update(irq);
}

/* The read after a poll command is an acknowledge. */
static u8 poll(struct gm_irqchip *irq, struct gm_pic_state *p)
{
	int line = request(p, p == &irq->pic[0]);

	p->poll = 0;
	if (line < 0)
		return 7;
	accept(irq, p, line);
	update(irq);
	return 0x80 | line;
}

u8 gm_pic_read(struct gm_irqchip *irq, u16 port)
{
	struct gm_pic_state *p = &irq->pic[port >> 7 & 1];

	if (port >= 0x4d0)
		return irq->pic[port & 1].elcr;
	if (p->poll)
		return poll(irq, p);
	if (port & 1)
		return p->imr;
	return p->read_reg_select ? p->isr : p->irr;
}

void gm_pic_restore(struct gm_irqchip *irq, unsigned int chip, const struct gm_pic_state *s)
{
	struct gm_pic_state *p = &irq->pic[chip];

	*p = *s;
	p->elcr_mask = elcr_writable[chip];
	p->elcr &= p->elcr_mask;
	p->priority_add &= 7;
	p->init_state &= 3;
	update(irq);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Interrupt messages: inter-processor interrupts, those of the I/O APIC, message-signalled ones.
 * Source: Intel SDM volume 3, 11.6 and 11.11.
 */
#include "module/irq/irq.h"

#define ICR_LOGICAL (1u << 11)
#define ICR_ASSERT  (1u << 14)
#define ICR_LEVEL   (1u << 15)

enum { SHORT_NONE, SHORT_SELF, SHORT_ALL, SHORT_OTHERS };

#define ESR_SEND_VECTOR (1u << 5)

static int match_logical(const struct gm_lapic *l, u32 dest)
{
	u8 mine;

	if (gm_lapic_x2(l))
		return l->regs[LAPIC_LDR] >> 16 == dest >> 16 && (l->regs[LAPIC_LDR] & dest & 0xffff);
	mine = l->regs[LAPIC_LDR] >> 24;
	if (l->regs[LAPIC_DFR] >> 28 == 0xf) /* flat model */
		return mine & dest;
	return mine >> 4 == (dest >> 4 & 15) && (mine & dest & 15);
}

static int match(const struct gm_lapic *l, const struct gm_lapic *from,
		 const struct gm_apic_msg *msg)
{
	u32 all = from && gm_lapic_x2(from) ? 0xffffffff : 0xff;

	switch (msg->shorthand) {
	case SHORT_SELF:
		return l == from;
	case SHORT_ALL:
		return 1;
	case SHORT_OTHERS:
		return l != from;
	}
	if (!gm_lapic_enabled(l))
		return 0;
	if (msg->dest == all)
		return 1;
	if (msg->logical)
		return match_logical(l, msg->dest);
	return msg->dest == (gm_lapic_x2(l) ? l->id : l->regs[LAPIC_ID] >> 24);
}

/* Whether this one took the message. */
static int deliver_one(struct gm_lapic *l, const struct gm_apic_msg *msg)
{
	switch (msg->mode) {
	case GM_APIC_FIXED:
	case GM_APIC_LOWEST:
		return gm_lapic_accept(l, msg->vector, msg->level);
	case GM_APIC_NMI:
		l->nmis = min(l->nmis + 1, 2);
		gm_vcpu_request(l->vcpu, GM_REQ_NMI);
		return 1;
	case GM_APIC_INIT:
		/* A start-up message of before does not count any more. */
		clear_bit(GM_REQ_SIPI, &l->vcpu->requests);
		gm_vcpu_request(l->vcpu, GM_REQ_INIT);
		return 1;
	case GM_APIC_STARTUP:
		l->sipi_vector = msg->vector;
		gm_vcpu_request(l->vcpu, GM_REQ_SIPI);
		return 1;
	}
	/* SMI: there is no system management mode. ExtINT: the PIC's output is a wire. */
	return 0;
}

/* The least busy of those addressed; among equals one after the other. */
static int deliver_lowest(struct gm_irqchip *irq, const struct gm_lapic *from,
			  const struct gm_apic_msg *msg)
{
	struct gm_lapic *l, *best = NULL;
	unsigned int i, at;

	for (i = 1; i <= irq->nlapics; i++) {
		at = (irq->lowest + i) % irq->nlapics;
		l = irq->lapics[at];
		if (!l || !match(l, from, msg) || !(l->regs[LAPIC_SVR] & 0x100))
			continue;
		if (!best || gm_lapic_ppr(l) < gm_lapic_ppr(best))
			best = l;
	}
	if (!best)
		return -1;
	irq->lowest = best->vcpu->id;
	return deliver_one(best, msg);
}

int gm_apic_deliver(struct gm_irqchip *irq, const struct gm_lapic *from,
		    const struct gm_apic_msg *msg)
{
	struct gm_lapic *l;
	unsigned int i;
	int ret = -1;

	if (msg->mode == GM_APIC_LOWEST && msg->shorthand == SHORT_NONE)
		return deliver_lowest(irq, from, msg);
	for (i = 0; i < irq->nlapics; i++) {
		l = irq->lapics[i];
		if (l && match(l, from, msg))
			ret = max(ret, 0) + deliver_one(l, msg);
	}
	return ret;
}

void gm_lapic_icr(struct gm_lapic *l)
{
	u32 lo = l->regs[LAPIC_ICR], hi = l->regs[LAPIC_ICR_HI];
	struct gm_apic_msg msg;

	memset(&msg, 0, sizeof(msg));
	msg.dest = gm_lapic_x2(l) ? hi : hi >> 24;
	msg.logical = !!(lo & ICR_LOGICAL);
	msg.mode = lo >> 8 & 7;
	msg.vector = lo;
	msg.shorthand = lo >> 18 & 3;
	/* INIT level de-assert only set arbitration ids, of CPUs long gone. */
	if (msg.mode == GM_APIC_INIT && (lo & ICR_LEVEL) && !(lo & ICR_ASSERT))
		return;
	if (msg.mode <= GM_APIC_LOWEST && msg.vector < 16) {
		gm_lapic_error(l, ESR_SEND_VECTOR);
		return;
	}
	gm_apic_deliver(l->irq, l, &msg);
}

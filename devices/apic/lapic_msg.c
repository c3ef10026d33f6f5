// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Messages between interrupt controllers: inter-processor interrupts (SDM volume 3, 11.6), those
 * of the I/O APIC and message-signalled ones (11.11).
 */
#include "devices/apic/lapic_priv.h"

#include "vmm/accel/accel.h"

#define ICR_LOGICAL   BIT(11)
#define ICR_ASSERT    BIT(14)
#define ICR_LEVEL     BIT(15)
#define ICR_SHORTHAND 18

#define EVERYBODY     0xffffffffu

enum { SHORT_NONE, SHORT_SELF, SHORT_ALL, SHORT_OTHERS };

static bool match_logical(const struct lapic *l, u32 dest)
{
	u8 mine = l->ldr >> 24;

	if (lapic_x2(l))
		return l->ldr >> 16 == dest >> 16 && l->ldr & dest & 0xffff;
	if (l->dfr >> 28 == 0xf) /* flat model */
		return mine & dest;
	return (mine >> 4 == (dest >> 4 & 15) || (dest >> 4 & 15) == 15) && mine & dest & 15;
}

static bool match(const struct lapic *l, u32 dest, bool logical)
{
	if (!lapic_hw_enabled(l))
		return false;
	if (dest == EVERYBODY)
		return true;
	if (logical)
		return match_logical(l, dest);
	return dest == (lapic_x2(l) ? l->id : l->id >> 24);
}

/* Delivers to one local APIC; whether it took the message. */
static bool deliver_one(struct lapic *l, const struct apic_msg *msg)
{
	switch (msg->mode) {
	case APIC_FIXED:
	case APIC_LOWEST:
		return lapic_accept(l, msg->vector, msg->level);
	case APIC_NMI:
		gm_vcpu_nmi(l->cfg.vcpu);
		return true;
	case APIC_EXTINT:
		l->extint = true;
		lapic_update(l);
		return true;
	case APIC_INIT:
		if (l->cfg.init_ipi)
			l->cfg.init_ipi(l->cfg.ipi_opaque);
		return true;
	case APIC_STARTUP:
		if (l->cfg.sipi)
			l->cfg.sipi(l->cfg.ipi_opaque, msg->vector);
		return true;
	}
	return false; /* SMI: the machine has no system management mode to enter this way */
}

/* Sends to all that match, except `except`; for lowest priority to the one least busy. */
static bool deliver(struct gm_machine *m, const struct apic_msg *msg, const struct lapic *except)
{
	struct lapic *best = NULL;
	bool taken = false;

	for (unsigned int i = 0; i < m->nvcpus; i++) {
		struct lapic *l = lapic_of(m->vcpus[i]);

		if (!l || l == except || !match(l, msg->dest, msg->logical))
			continue;
		if (msg->mode != APIC_LOWEST)
			taken |= deliver_one(l, msg);
		else if (l->svr & SVR_ENABLE && (!best || lapic_ppr(l) < lapic_ppr(best)))
			best = l;
	}
	return best ? deliver_one(best, msg) : taken;
}

bool apic_deliver(struct gm_machine *m, const struct apic_msg *msg)
{
	struct apic_msg copy = *msg;

	if (!copy.logical && copy.dest == 0xff)
		copy.dest = EVERYBODY;
	return deliver(m, &copy, NULL);
}

void apic_msi_send(struct gm_machine *m, u64 addr, u32 data)
{
	struct apic_msg msg = {
		.dest = addr >> 12 & 0xff,
		.logical = addr >> 2 & 1,
		.level = data >> 15 & 1,
		.mode = data >> 8 & 7,
		.vector = data & 0xff,
	};

	if (m->vm && m->vm->irqchip) {
		m->vm->accel->msi(m->vm, addr, data);
		return;
	}
	/* A level-triggered message that says "deasserted" asks for nothing. */
	if (msg.level && !(data >> 14 & 1))
		return;
	apic_deliver(m, &msg);
}

void lapic_icr_send(struct lapic *l)
{
	struct apic_msg msg = {
		.dest = lapic_x2(l) ? l->icr_hi : l->icr_hi >> 24,
		.logical = l->icr_lo & ICR_LOGICAL,
		.mode = l->icr_lo >> 8 & 7,
		.vector = l->icr_lo & 0xff,
	};
	unsigned int shorthand = l->icr_lo >> ICR_SHORTHAND & 3;

	if (msg.mode == APIC_RESERVED || msg.mode == APIC_EXTINT)
		return;
	/* INIT level de-assert only synchronized arbitration IDs of early APICs. */
	if (msg.mode == APIC_INIT && l->icr_lo & ICR_LEVEL && !(l->icr_lo & ICR_ASSERT))
		return;
	if ((msg.mode == APIC_FIXED || msg.mode == APIC_LOWEST) && msg.vector < 16) {
		lapic_error(l, ESR_SEND_VECTOR);
		return;
	}
	if (!lapic_x2(l) && !msg.logical && msg.dest == 0xff)
		msg.dest = EVERYBODY;
	if (shorthand == SHORT_SELF) {
		deliver_one(l, &msg);
		return;
	}
	if (shorthand != SHORT_NONE) {
		msg.dest = EVERYBODY;
		msg.logical = false;
	}
	deliver(l->dev.m, &msg, shorthand == SHORT_OTHERS ? l : NULL);
}

void lapic_self_ipi(struct lapic *l, u8 vector)
{
	if (vector < 16)
		lapic_error(l, ESR_SEND_VECTOR);
	else
		lapic_accept(l, vector, false);
}

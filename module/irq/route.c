// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Global system interrupts and where they lead: pins of the PIC pair and of the I/O APIC, or a
 * message. ABI: SET_GSI_ROUTING in uapi/guestmode.h; the message's form: Intel SDM volume 3, 11.11.
 */
#include "module/irq/irq.h"

#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

/* ---- the table ---- */

static struct gm_routes *routes_alloc(unsigned int n)
{
	struct gm_routes *t = kvzalloc(sizeof(*t) + n * sizeof(t->r[0]), GFP_KERNEL_ACCOUNT);

	if (t)
		memset(t->first, 0xff, sizeof(t->first));
	return t;
}

static int entry_valid(const struct gm_irq_routing_entry *e)
{
	if (e->gsi >= GM_MAX_GSIS || e->flags)
		return 0;
	switch (e->type) {
	case GM_IRQ_ROUTING_IRQCHIP:
		return e->irqchip.irqchip == GM_IRQCHIP_IOAPIC ? e->irqchip.pin < GM_IOAPIC_PINS :
		       e->irqchip.irqchip <= GM_IRQCHIP_PIC_SLAVE && e->irqchip.pin < 8;
	case GM_IRQ_ROUTING_MSI:
		return 1;
	}
	return 0;
}

/* A GSI leads to a message and nothing else, or to each controller at most once. */
static int routes_add(struct gm_routes *t, const struct gm_irq_routing_entry *e)
{
	const struct gm_irq_routing_entry *o;
	int i;

	if (!entry_valid(e))
		return -EINVAL;
	for (i = t->first[e->gsi]; i >= 0; i = t->r[i].next) {
		o = &t->r[i].e;
		if (o->type != GM_IRQ_ROUTING_IRQCHIP || e->type != GM_IRQ_ROUTING_IRQCHIP ||
		    o->irqchip.irqchip == e->irqchip.irqchip)
			return -EINVAL;
	}
	t->r[t->n].e = *e;
	t->r[t->n].next = t->first[e->gsi];
	t->first[e->gsi] = t->n++;
	return 0;
}

static void routes_replace(struct gm_irqchip *irq, struct gm_routes *t)
{
	struct gm_routes *old;
	unsigned long flags = gm_irq_lock(irq);

	old = irq->routes;
	irq->routes = t;
	gm_irq_unlock(irq, flags);
	kvfree(old);
}

int gm_routes_default(struct gm_irqchip *irq)
{
	struct gm_routes *t = routes_alloc(GM_PIC_PINS + GM_IOAPIC_PINS);
	struct gm_irq_routing_entry e;
	unsigned int i;

	if (!t)
		return -ENOMEM;
	memset(&e, 0, sizeof(e));
	e.type = GM_IRQ_ROUTING_IRQCHIP;
	for (i = 0; i < GM_IOAPIC_PINS; i++) {
		e.gsi = i;
		e.irqchip.irqchip = GM_IRQCHIP_IOAPIC;
		e.irqchip.pin = i;
		routes_add(t, &e);
		if (i >= GM_PIC_PINS)
			continue;
		e.irqchip.irqchip = i < 8 ? GM_IRQCHIP_PIC_MASTER : GM_IRQCHIP_PIC_SLAVE;
		e.irqchip.pin = i & 7;
		routes_add(t, &e);
	}
	routes_replace(irq, t);
	return 0;
}

int gm_routes_set(struct gm_irqchip *irq, const struct gm_irq_routing __user *arg)
{
	struct gm_irq_routing head;
	struct gm_irq_routing_entry e;
	struct gm_routes *t;
	unsigned int i;
	int ret = 0;

	if (copy_from_user(&head, arg, sizeof(head)))
		return -EFAULT;
	if (head.nr > GM_MAX_GSIS || head.flags)
		return -EINVAL;
	t = routes_alloc(head.nr);
	if (!t)
		return -ENOMEM;
	for (i = 0; i < head.nr && !ret; i++)
		ret = copy_from_user(&e, &arg->entries[i], sizeof(e)) ? -EFAULT : routes_add(t, &e);
	if (ret)
		kvfree(t);
	else
		routes_replace(irq, t);
	return ret;
}

/* ---- signals ---- */

int gm_msi_send(struct gm_irqchip *irq, u32 addr, u32 data)
{
	struct gm_apic_msg msg;

	memset(&msg, 0, sizeof(msg));
	msg.dest = addr >> 12 & 0xff;
	msg.logical = addr >> 2 & 1;
	msg.mode = data >> 8 & 7;
	msg.vector = data;
	msg.level = (data >> 15 & 1) && msg.mode <= GM_APIC_LOWEST;
	/* The redirection hint asks for the least busy one. */
	if ((addr & 8) && msg.logical && msg.mode == GM_APIC_FIXED)
		msg.mode = GM_APIC_LOWEST;
	return gm_apic_deliver(irq, NULL, &msg);
}

/* The level of a pin is the "or" of its sources. */
static int pin_level(u8 *src, u8 source, int level)
{
	*src = level ? *src | source : *src & ~source;
	return *src != 0;
}

static int route_set(struct gm_irqchip *irq, const struct gm_irq_routing_entry *e, u8 source,
		     int level)
{
	unsigned int pin = e->irqchip.pin;

	if (e->type == GM_IRQ_ROUTING_MSI)
		return level ? gm_msi_send(irq, e->msi.address_lo, e->msi.data) : -1;
	if (e->irqchip.irqchip == GM_IRQCHIP_IOAPIC)
		return gm_ioapic_set(irq, pin, pin_level(&irq->ioapic_src[pin], source, level));
	pin += e->irqchip.irqchip == GM_IRQCHIP_PIC_SLAVE ? 8 : 0;
	return gm_pic_set(irq, pin, pin_level(&irq->pic_src[pin], source, level));
}

int gm_gsi_set(struct gm_irqchip *irq, u32 gsi, u8 source, int level)
{
	int i, r, ret = -1;

	if (gsi >= GM_MAX_GSIS)
		return -1;
	for (i = irq->routes->first[gsi]; i >= 0; i = irq->routes->r[i].next) {
		r = route_set(irq, &irq->routes->r[i].e, source, level);
		if (r >= 0)
			ret = max(ret, 0) + r;
	}
	return ret;
}

u64 gm_gsi_pins(struct gm_irqchip *irq, u32 gsi)
{
	const struct gm_irq_routing_entry *e;
	u64 pins = 0;
	int i;

	if (gsi >= GM_MAX_GSIS)
		return 0;
	for (i = irq->routes->first[gsi]; i >= 0; i = irq->routes->r[i].next) {
		e = &irq->routes->r[i].e;
		if (e->type == GM_IRQ_ROUTING_IRQCHIP)
			pins |= 1ull << (e->irqchip.pin +
					 (e->irqchip.irqchip == GM_IRQCHIP_IOAPIC ? 0 :
					  32 + 8 * e->irqchip.irqchip));
	}
	return pins;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * 8254 programmable interval timer and port 61h. Sources: Intel 8254 datasheet (231164-005); Intel
 * 82371SB datasheet, 2.5.5. State is kept in the ABI's form (struct gm_pit_state2).
 *
 * Counters are not stepped: what they show follows from the time since they were loaded. Channel 0
 * drives GSI 0 with pulses. With "reinject", a pulse that comes before the guest acknowledged the
 * last one waits for that, so that a guest that counts ticks keeps the time.
 */
#include "module/irq/irq.h"

#include <linux/slab.h>

#define PIT_HZ        1193182u
#define MIN_PERIOD_NS 200000ull
#define REFRESH_NS    15085u /* half period of the refresh toggle in port 61h */

#define FLAG_HPET_LEGACY 1u

enum { HALF_LOW = 1, HALF_HIGH, HALF_BOTH_LOW, HALF_BOTH_HIGH }; /* read_state, write_state */

static u64 ticks_since(const struct gm_pit_channel *c, u64 now)
{
	u64 ns = now - c->count_load_time;

	/* In two parts, so that no product overflows. */
	return div_u64(ns, 1000000000) * PIT_HZ +
	       div_u64((ns - div_u64(ns, 1000000000) * 1000000000) * PIT_HZ, 1000000000);
}

static u16 count_now(const struct gm_pit_channel *c, u64 now)
{
	u64 d = ticks_since(c, now), rest;

	switch (c->mode) {
	case 2:
		div64_u64_rem(d, c->count, &rest);
		return c->count - rest;
	case 3:
		div64_u64_rem(2 * d, c->count, &rest);
		return c->count - rest;
	}
	return c->count - d;
}

static int out_now(const struct gm_pit_channel *c, u64 now)
{
	u64 d = ticks_since(c, now), rest;

	div64_u64_rem(d, c->count, &rest);
	switch (c->mode) {
	case 0:
		return d >= c->count;
	case 1:
		return d < c->count;
	case 2:
		return rest != c->count - 1;
	case 3:
		return rest < (c->count + 1) / 2;
	}
	return d == c->count;
}

/* ---- channel 0: GSI 0 ---- */

static void pulse(struct gm_pit *p)
{
	int ret = gm_gsi_set(p->irq, 0, GM_SRC_PIT, 1);

	gm_gsi_set(p->irq, 0, GM_SRC_PIT, 0);
	p->waiting = ret > 0;
	if (ret <= 0)
		p->pending = 0; /* nobody listens */
}

static void tick(struct gm_pit *p)
{
	u32 limit = p->period ? max_t(u32, div64_u64(1000000000, p->period), 4) : 1;

	if (!p->reinject || !p->waiting)
		pulse(p);
	else if (p->pending < limit)
		p->pending++;
}

static void arm(struct gm_pit *p, ktime_t when)
{
	p->expires = when;
	p->armed = 1;
	hrtimer_start(&p->timer, when, HRTIMER_MODE_ABS);
}

static enum hrtimer_restart timer_fn(struct hrtimer *t)
{
	struct gm_pit *p = container_of(t, struct gm_pit, timer);
	unsigned long flags = gm_irq_lock(p->irq);
	s64 late;

	/* It may have been stopped or programmed anew while this waited for the lock. */
	if (p->armed && !hrtimer_is_queued(t)) {
		p->armed = 0;
		tick(p);
		if (p->period) {
			late = max_t(s64, ktime_to_ns(ktime_sub(ktime_get(), p->expires)), 0);
			arm(p, ktime_add_ns(p->expires, p->period * (div64_u64(late, p->period) + 1)));
		}
	}
	spin_unlock_irqrestore(&p->irq->lock, flags);
	return HRTIMER_NORESTART;
}

void gm_pit_acked(struct gm_irqchip *irq)
{
	struct gm_pit *p = irq->pit;

	if (!p || !p->reinject || !p->waiting || !(irq->acked & gm_gsi_pins(irq, 0)))
		return;
	p->waiting = 0;
	if (p->pending) {
		p->pending--;
		pulse(p);
	}
}

void gm_pit_unmasked(struct gm_irqchip *irq)
{
	if (irq->pit)
		irq->pit->waiting = irq->pit->pending = 0;
}

/* Channel 0 was loaded: its edges from now on. */
static void restart(struct gm_pit *p)
{
	struct gm_pit_channel *c = &p->s.channels[0];
	u64 ns = div_u64((u64)c->count * 1000000000, PIT_HZ);

	hrtimer_try_to_cancel(&p->timer);
	p->armed = p->waiting = p->pending = 0;
	p->period = 0;
	/* Modes 1 and 5 wait for a gate that the channel does not have. */
	if ((p->s.flags & FLAG_HPET_LEGACY) || c->mode == 1 || c->mode == 5)
		return;
	if (c->mode == 2 || c->mode == 3)
		p->period = max(ns, MIN_PERIOD_NS);
	arm(p, ktime_add_ns(ktime_get(), max(ns, MIN_PERIOD_NS)));
}

/* ---- registers ---- */

static void load(struct gm_pit *p, unsigned int n, u16 val)
{
	struct gm_pit_channel *c = &p->s.channels[n];

	c->count = val ? val : 0x10000;
	c->count_load_time = ktime_to_ns(ktime_get());
	if (n == 0)
		restart(p);
}

static void latch_count(struct gm_pit_channel *c, u64 now)
{
	if (c->count_latched)
		return;
	c->latched_count = count_now(c, now);
	c->count_latched = c->rw_mode;
}

static void latch_status(struct gm_pit_channel *c, u64 now)
{
	if (c->status_latched)
		return;
	c->status = out_now(c, now) << 7 | c->rw_mode << 4 | c->mode << 1 | c->bcd;
	c->status_latched = 1;
}

static void control(struct gm_pit *p, u8 val)
{
	u64 now = ktime_to_ns(ktime_get());
	struct gm_pit_channel *c;
	unsigned int n = val >> 6;

	if (n == 3) { /* read back */
		for (n = 0; n < 3; n++) {
			if (!(val & 2 << n))
				continue;
			if (!(val & 0x20))
				latch_count(&p->s.channels[n], now);
			if (!(val & 0x10))
				latch_status(&p->s.channels[n], now);
		}
		return;
	}
	c = &p->s.channels[n];
	if (!(val >> 4 & 3)) {
		latch_count(c, now);
		return;
	}
	c->rw_mode = c->read_state = c->write_state = val >> 4 & 3;
	c->mode = val >> 1 & 7;
	if (c->mode > 5)
		c->mode -= 4;
	c->bcd = val & 1;
}

static void channel_write(struct gm_pit *p, unsigned int n, u8 val)
{
	struct gm_pit_channel *c = &p->s.channels[n];

	switch (c->write_state) {
	case HALF_LOW:
		load(p, n, val);
		break;
	case HALF_HIGH:
		load(p, n, val << 8);
		break;
	case HALF_BOTH_LOW:
		c->write_latch = val;
		c->write_state = HALF_BOTH_HIGH;
		break;
	case HALF_BOTH_HIGH:
		load(p, n, c->write_latch | val << 8);
		c->write_state = HALF_BOTH_LOW;
		break;
	}
}

static u8 latched_read(struct gm_pit_channel *c)
{
	u8 val = c->latched_count;

	switch (c->count_latched) {
	case HALF_BOTH_LOW:
		c->count_latched = HALF_HIGH;
		return val;
	case HALF_HIGH:
		val = c->latched_count >> 8;
	}
	c->count_latched = 0;
	return val;
}

static u8 channel_read(struct gm_pit_channel *c)
{
	u16 val;

	if (c->status_latched) {
		c->status_latched = 0;
		return c->status;
	}
	if (c->count_latched)
		return latched_read(c);
	val = count_now(c, ktime_to_ns(ktime_get()));
	switch (c->read_state) {
	case HALF_HIGH:
		return val >> 8;
	case HALF_BOTH_LOW:
		c->read_state = HALF_BOTH_HIGH;
		return val;
	case HALF_BOTH_HIGH:
		c->read_state = HALF_BOTH_LOW;
		return val >> 8;
	}
	return val;
}

static u8 port61_read(struct gm_pit *p)
{
	const struct gm_pit_channel *c = &p->s.channels[2];
	u64 now = ktime_to_ns(ktime_get());

	return p->port61 | c->gate | (div_u64(now, REFRESH_NS) & 1) << 4 | out_now(c, now) << 5;
}

static void port61_write(struct gm_pit *p, u8 val)
{
	struct gm_pit_channel *c = &p->s.channels[2];

	p->port61 = val & 2;
	/* A gate that rises starts modes 1, 2, 3 and 5 again. */
	if ((val & 1) && !c->gate && c->mode != 0 && c->mode != 4)
		c->count_load_time = ktime_to_ns(ktime_get());
	c->gate = val & 1;
}

u8 gm_pit_read(struct gm_irqchip *irq, u16 port)
{
	if (port == 0x61)
		return port61_read(irq->pit);
	return port == 0x43 ? 0xff : channel_read(&irq->pit->s.channels[port & 3]);
}

void gm_pit_write(struct gm_irqchip *irq, u16 port, u8 val)
{
	if (port == 0x61)
		port61_write(irq->pit, val);
	else if (port == 0x43)
		control(irq->pit, val);
	else
		channel_write(irq->pit, port & 3, val);
}

/* ---- making, ending, the ABI's image ---- */

int gm_pit_create(struct gm_irqchip *irq, u32 flags)
{
	struct gm_pit *p = kzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);
	unsigned long irqflags;
	unsigned int i;

	if (!p)
		return -ENOMEM;
	p->irq = irq;
	p->reinject = 1;
	p->speaker = flags & GM_PIT_SPEAKER_DUMMY;
	hrtimer_setup(&p->timer, timer_fn, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
	for (i = 0; i < 3; i++) {
		p->s.channels[i].count = 0x10000;
		p->s.channels[i].mode = 3;
		p->s.channels[i].rw_mode = HALF_BOTH_LOW;
		p->s.channels[i].read_state = p->s.channels[i].write_state = HALF_BOTH_LOW;
		p->s.channels[i].gate = i != 2;
		p->s.channels[i].count_load_time = ktime_to_ns(ktime_get());
	}
	irqflags = gm_irq_lock(irq);
	irq->pit = p;
	gm_irq_unlock(irq, irqflags);
	return 0;
}

void gm_pit_free(struct gm_irqchip *irq)
{
	if (!irq->pit)
		return;
	hrtimer_cancel(&irq->pit->timer);
	kfree(irq->pit);
}

/* Counting begins anew. Fields that the program made up are brought into range. */
int gm_pit_restore(struct gm_irqchip *irq, const struct gm_pit_state2 *s)
{
	struct gm_pit *p = irq->pit;
	struct gm_pit_channel *c;
	unsigned int i;

	p->s = *s;
	memset(p->s.reserved, 0, sizeof(p->s.reserved));
	for (i = 0; i < 3; i++) {
		c = &p->s.channels[i];
		if (!c->count || c->count > 0x10000)
			c->count = 0x10000;
		c->mode = c->mode > 5 ? (c->mode & 1) + 2 : c->mode;
		c->rw_mode &= 3;
		c->bcd &= 1;
		c->gate &= 1;
		c->count_load_time = ktime_to_ns(ktime_get());
	}
	p->port61 = s->flags & GM_PIT_FLAGS_SPEAKER_DATA_ON ? 2 : 0;
	restart(p);
	return 0;
}

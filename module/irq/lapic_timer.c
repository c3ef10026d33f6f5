// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The local APIC's timer on a high-resolution timer: one-shot, periodic, TSC deadline. Source: Intel
 * SDM volume 3, 11.5.4. The bus clock is 1 GHz: the initial count stands for as many nanoseconds,
 * times the divisor.
 */
#include "module/irq/irq.h"

#include <asm/msr.h>
#include <asm/tsc.h>

/* Periodic interrupts no closer than this: a guest cannot keep a host CPU in its timer. */
#define MIN_PERIOD_NS 200000

static u32 divisor(const struct gm_lapic *l)
{
	u32 dcr = l->regs[LAPIC_DCR], n = (dcr & 3) | (dcr >> 1 & 4);

	return n == 7 ? 1 : 2u << n;
}

static u32 mode(const struct gm_lapic *l)
{
	return l->regs[LAPIC_LVT_TIMER] & (LVT_PERIODIC | LVT_DEADLINE);
}

static void arm_at(struct gm_lapic *l, ktime_t when)
{
	l->expires = when;
	l->armed = 1;
	hrtimer_start(&l->timer, when, HRTIMER_MODE_ABS);
}

static void arm(struct gm_lapic *l, u64 ns)
{
	arm_at(l, ktime_add_ns(ktime_get(), ns));
}

/* Periods that passed meanwhile are lost. */
static void next_period(struct gm_lapic *l)
{
	u64 period = max_t(u64, l->period, MIN_PERIOD_NS);
	s64 late = ktime_to_ns(ktime_sub(ktime_get(), l->expires));

	if (late > 0)
		period *= div64_u64(late, period) + 1;
	arm_at(l, ktime_add_ns(l->expires, period));
}

enum hrtimer_restart gm_lapic_timer_fn(struct hrtimer *t)
{
	struct gm_lapic *l = container_of(t, struct gm_lapic, timer);
	unsigned long flags = gm_irq_lock(l->irq);

	/* It may have been stopped or programmed anew while this waited for the lock. */
	if (l->armed && !hrtimer_is_queued(t)) {
		l->armed = 0;
		l->deadline = 0;
		gm_lapic_local(l, LAPIC_LVT_TIMER);
		if (mode(l) == LVT_PERIODIC && l->period)
			next_period(l);
	}
	spin_unlock_irqrestore(&l->irq->lock, flags);
	return HRTIMER_NORESTART;
}

static void disarm(struct gm_lapic *l)
{
	l->period = 0;
	l->armed = 0;
	hrtimer_try_to_cancel(&l->timer);
}

/* Counts down from the initial count. */
void gm_lapic_timer_start(struct gm_lapic *l)
{
	gm_lapic_timer_restore(l, l->regs[LAPIC_ICT]);
}

/* Counts down from `count`, then from the initial count if it is periodic. */
void gm_lapic_timer_restore(struct gm_lapic *l, u32 count)
{
	disarm(l);
	if (mode(l) & LVT_DEADLINE)
		return;
	l->period = (u64)l->regs[LAPIC_ICT] * divisor(l);
	l->expires = ktime_get();
	if (count)
		arm(l, (u64)count * divisor(l));
}

u32 gm_lapic_timer_count(const struct gm_lapic *l)
{
	s64 left;

	if ((mode(l) & LVT_DEADLINE) || !l->period)
		return 0;
	left = ktime_to_ns(ktime_sub(l->expires, ktime_get()));
	return left <= 0 ? 0 : (u32)min_t(u64, div_u64(left, divisor(l)), l->regs[LAPIC_ICT]);
}

/* The LVT entry was written: another mode stops the timer. */
void gm_lapic_timer_lvt(struct gm_lapic *l, u32 old)
{
	u32 changed = l->regs[LAPIC_LVT_TIMER] ^ old;

	if (changed & LVT_DEADLINE) {
		l->regs[LAPIC_ICT] = 0;
		l->deadline = 0;
		disarm(l);
	} else if (changed & LVT_PERIODIC) {
		gm_lapic_timer_restore(l, gm_lapic_timer_count(l));
	}
}

void gm_lapic_set_deadline(struct gm_lapic *l, u64 tsc)
{
	u64 now = gm_tsc_read(l->vcpu);

	if (!(mode(l) & LVT_DEADLINE))
		return;
	disarm(l);
	l->deadline = tsc;
	if (!tsc)
		return;
	if (tsc <= now) {
		l->deadline = 0;
		gm_lapic_local(l, LAPIC_LVT_TIMER);
		return;
	}
	/* A time too far off to compute is never. */
	if (tsc - now < 1ull << 43)
		arm(l, div_u64((tsc - now) * 1000000, l->vcpu->tsc_khz) + 1);
}

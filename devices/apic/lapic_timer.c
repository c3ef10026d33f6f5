// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The local APIC's timer (SDM volume 3, 11.5.4): one-shot, periodic and TSC-deadline mode.
 *
 * One input clock is one nanosecond of guest time, so that the count is a shift away from the
 * clock. The host's timer runs only while the LVT entry is not masked; what the registers show
 * never depends on it.
 *
 * Periodic interrupts that a guest could not take in time, because the host had other things to
 * do, are made up for at twice the rate, one second of them at most: some systems count them.
 */
#include "devices/apic/lapic_priv.h"

#define MIN_PERIOD_NS   20000 /* periodic interrupts are never delivered more often */
#define FAR_FUTURE_SEC  (100ULL * 365 * 86400)

static u64 lapic_now(const struct lapic *l)
{
	return gm_clock_now(l->dev.m->clock);
}

/* log2 of the divide configuration: bits 3, 1, 0; 111 divides by one. */
static unsigned int timer_shift(const struct lapic *l)
{
	return (((l->dcr >> 1 & 4) | (l->dcr & 3)) + 1) & 7;
}

static bool timer_is_deadline(const struct lapic *l)
{
	return l->lvt[LVT_TIMER] & LVT_DEADLINE;
}

static u32 timer_count(const struct lapic *l, u64 now)
{
	u64 elapsed;

	if (!l->ict || timer_is_deadline(l))
		return 0;
	elapsed = (now - l->timer_start) >> timer_shift(l);
	if (l->lvt[LVT_TIMER] & LVT_PERIODIC)
		return l->ict - (u32)(elapsed % l->ict);
	return elapsed < l->ict ? l->ict - (u32)elapsed : 0;
}

u32 lapic_timer_count(const struct lapic *l)
{
	return timer_count(l, lapic_now(l));
}

/* The guest's TSC. */
static u64 lapic_tsc(const struct lapic *l, u64 now)
{
	u64 tsc = gm_muldiv(now, l->cfg.tsc_hz, NSEC_PER_SEC);

	return l->cfg.tsc_offset ? tsc + l->cfg.tsc_offset(l->cfg.tsc_opaque) : tsc;
}

/* Guest time of the deadline; `now` or earlier when it has passed. */
static u64 deadline_to_ns(const struct lapic *l, u64 now)
{
	u64 tsc = lapic_tsc(l, now);

	if (l->deadline <= tsc)
		return now;
	if ((l->deadline - tsc) / l->cfg.tsc_hz >= FAR_FUTURE_SEC)
		return GM_TIME_NEVER;
	return now + gm_muldiv(l->deadline - tsc, NSEC_PER_SEC, l->cfg.tsc_hz) + 1;
}

/*
 * Time goes on between two readings of the clock, and the host's timer may be late: a one-shot end that
 * the host has yet to report stays due.
 */
static void timer_arm(struct lapic *l, u64 now)
{
	u64 period, elapsed, next = GM_TIME_NEVER;

	if (timer_is_deadline(l)) {
		if (l->deadline)
			next = deadline_to_ns(l, now);
	} else if (l->ict && !(l->lvt[LVT_TIMER] & LVT_MASKED)) {
		period = (u64)l->ict << timer_shift(l);
		elapsed = now - l->timer_start;
		if (l->lvt[LVT_TIMER] & LVT_PERIODIC) {
			next = now + (l->backlog ? period / 2 : period - elapsed % period);
			next = MAX(next, now + MIN_PERIOD_NS);
		} else if (elapsed < period || l->timer.expires == l->timer_start + period) {
			next = l->timer_start + period;
		}
	}
	if (next != l->timer.expires)
		gm_timer_set(&l->timer, next);
}

void lapic_timer_arm(struct lapic *l)
{
	timer_arm(l, lapic_now(l));
}

/* Counting begins anew, or nobody wanted the interrupts up to now. */
static void periods_forget(struct lapic *l, u64 now)
{
	u64 period = (u64)l->ict << timer_shift(l);

	l->ticks = period ? (now - l->timer_start) / period : 0;
	l->backlog = 0;
}

/* Adds the periods that have passed to the backlog; whether one may be delivered now. */
static bool periods_due(struct lapic *l)
{
	u64 period = (u64)l->ict << timer_shift(l), ticks, owed, most;

	if (!period)
		return false;
	ticks = (lapic_now(l) - l->timer_start) / period;
	owed = l->backlog + (ticks - l->ticks);
	most = MAX(NSEC_PER_SEC / period, 1ull);
	l->ticks = ticks;
	l->backlog = (u32)MIN(owed, most);
	if (!l->backlog || lapic_requested(l, (u8)l->lvt[LVT_TIMER]))
		return false;
	l->backlog--;
	return true;
}

void lapic_timer_fn(void *opaque)
{
	struct lapic *l = opaque;

	if (timer_is_deadline(l)) {
		if (deadline_to_ns(l, lapic_now(l)) > lapic_now(l)) {
			lapic_timer_arm(l);
			return;
		}
		l->deadline = 0;
	}
	if (!(l->lvt[LVT_TIMER] & LVT_PERIODIC) || periods_due(l))
		lapic_local_event(l, LVT_TIMER);
	lapic_timer_arm(l);
}

void lapic_timer_set_count(struct lapic *l, u32 ict)
{
	if (timer_is_deadline(l))
		return;
	l->ict = ict;
	l->timer_start = lapic_now(l);
	gm_timer_cancel(&l->timer);
	periods_forget(l, l->timer_start);
	timer_arm(l, l->timer_start);
}

/* The count goes on from where it is, at the new rate. */
void lapic_timer_set_divide(struct lapic *l, u32 dcr)
{
	u64 now = lapic_now(l);
	u32 count = timer_count(l, now);
	bool due = l->timer.expires <= now;

	l->dcr = dcr & 0xb;
	l->timer_start = now - ((u64)(l->ict - count) << timer_shift(l));
	periods_forget(l, now);
	if (!due)
		timer_arm(l, now);
}

/* The LVT entry changed: going to or from TSC-deadline mode disarms the timer. */
void lapic_timer_set_lvt(struct lapic *l, u32 old)
{
	u64 now = lapic_now(l);

	if ((old ^ l->lvt[LVT_TIMER]) & LVT_DEADLINE) {
		l->ict = 0;
		l->deadline = 0;
	}
	if ((old ^ l->lvt[LVT_TIMER]) & (LVT_DEADLINE | LVT_PERIODIC | LVT_MASKED))
		periods_forget(l, now);
	timer_arm(l, now);
}

void lapic_timer_set_deadline(struct lapic *l, u64 tsc)
{
	if (!timer_is_deadline(l))
		return;
	l->deadline = tsc;
	if (tsc && tsc <= lapic_tsc(l, lapic_now(l))) {
		l->deadline = 0;
		lapic_local_event(l, LVT_TIMER);
	}
	lapic_timer_arm(l);
}

u64 lapic_timer_deadline(const struct lapic *l)
{
	return timer_is_deadline(l) ? l->deadline : 0;
}

void lapic_tsc_changed(struct gm_dev *d)
{
	struct lapic *l = (struct lapic *)d;

	if (timer_is_deadline(l) && l->deadline)
		lapic_timer_arm(l);
}

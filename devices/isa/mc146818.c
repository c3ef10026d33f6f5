// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * MC146818 real-time clock and CMOS memory, with the second bank of 128 bytes that PIIX3 has.
 *
 * The calendar is not stepped: it follows from the guest time that has passed, and flags in
 * register C that nobody wants an interrupt for are found out when the register is read. One
 * timer serves the three interrupt sources. Periodic interrupts that the guest was too slow to
 * acknowledge are made up for (at most one second of them), since some systems count them.
 *
 * Sources: Motorola MC146818A datasheet; Intel 82371SB datasheet, section 2.5.6.
 * The century stands in byte 32h, which real boards leave to the BIOS.
 */
#include "devices/isa/mc146818.h"

#include <errno.h>
#include <time.h>

enum {
	R_SEC, R_SEC_ALARM, R_MIN, R_MIN_ALARM, R_HOUR, R_HOUR_ALARM, R_WDAY, R_MDAY, R_MONTH,
	R_YEAR, R_A, R_B, R_C, R_D,
	R_CENTURY = 0x32,
};

#define A_UIP        0x80
#define A_DV_RESET   0x60 /* both bits: the divider chain stands in reset */
#define A_RS         0x0f
#define B_SET        0x80
#define B_PIE        0x40
#define B_AIE        0x20
#define B_UIE        0x10
#define B_SQWE       0x08
#define B_BINARY     0x04
#define B_24H        0x02
#define C_IRQF       0x80
#define C_PF         0x40
#define C_AF         0x20
#define C_UF         0x10
#define D_VRT        0x80

#define UPDATE_NS    2228000 /* UIP stands for 244 us + 1984 us, then the time has changed */
#define CATCH_UP_NS  100000  /* from an acknowledge to the next made-up periodic interrupt */
#define DAY          86400
#define SECONDS_MAX  ((s64)9000000000) /* what may be set, s from 1970 */
#define TIME_MAX     ((s64)9200000000000000000) /* what can be reached, ns */

struct mc146818 {
	struct gm_dev dev;
	u8 ram[256];          /* clock registers hold raw values only where stopped */
	u8 index, ext_index;
	bool nmi_masked;
	u8 wday_shift;        /* the guest's day of week minus the calendar's, modulo 7 */
	s64 epoch;            /* ns: calendar time - guest time */
	s64 checked;          /* calendar second up to which alarm and update are in C */
	u64 periods;          /* periodic ticks up to which PF is in C */
	u32 backlog;          /* periodic interrupts still owed */
	struct gm_timer timer;
	s64 paused_at;        /* host's time, ns */
	struct mc146818_cfg cfg;
	struct gm_region *region;
};

struct calendar {
	s64 year;
	unsigned int month, mday, wday, hour, min, sec;
};

/* ---- calendar arithmetic (proleptic Gregorian, days from 1970-01-01) ---- */

static s64 days_from_date(s64 y, unsigned int m, unsigned int d)
{
	s64 era, yoe, doy;

	y -= m <= 2;
	era = (y >= 0 ? y : y - 399) / 400;
	yoe = y - era * 400;
	doy = (153 * ((s64)m + (m > 2 ? -3 : 9)) + 2) / 5 + (s64)d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void calendar_from_seconds(s64 t, struct calendar *c)
{
	s64 days = t / DAY, rest = t % DAY, era, doe, yoe, doy, mp;

	if (rest < 0) {
		rest += DAY;
		days--;
	}
	c->hour = rest / 3600;
	c->min = rest / 60 % 60;
	c->sec = rest % 60;
	c->wday = ((days % 7 + 7) % 7 + 4) % 7 + 1; /* 1 is Sunday; 1970 began on a Thursday */
	days += 719468;
	era = (days >= 0 ? days : days - 146096) / 146097;
	doe = days - era * 146097;
	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	mp = (5 * doy + 2) / 153;
	c->mday = doy - (153 * mp + 2) / 5 + 1;
	c->month = mp < 10 ? mp + 3 : mp - 9;
	c->year = yoe + era * 400 + (c->month <= 2);
}

/* ---- register formats ---- */

static u8 to_reg(const struct mc146818 *s, unsigned int v)
{
	return s->ram[R_B] & B_BINARY ? v : v / 10 << 4 | v % 10;
}

static unsigned int from_reg(const struct mc146818 *s, u8 v)
{
	return s->ram[R_B] & B_BINARY ? v : (v >> 4) * 10u + (v & 15);
}

static u8 hour_to_reg(const struct mc146818 *s, unsigned int h)
{
	if (s->ram[R_B] & B_24H)
		return to_reg(s, h);
	return to_reg(s, h % 12 ? h % 12 : 12) | (h >= 12 ? 0x80 : 0);
}

static unsigned int hour_from_reg(const struct mc146818 *s, u8 v)
{
	if (s->ram[R_B] & B_24H)
		return from_reg(s, v);
	return from_reg(s, v & 0x7f) % 12 + (v & 0x80 ? 12 : 0);
}

/* ---- time ---- */

static u64 rtc_now(struct mc146818 *s)
{
	return gm_clock_now(s->dev.m->clock);
}

/* Calendar time in ns, from 1678 to 2261. */
static s64 rtc_time(struct mc146818 *s)
{
	s64 t = (s64)((u64)s->epoch + rtc_now(s));

	return t < -TIME_MAX ? -TIME_MAX : MIN(t, TIME_MAX);
}

static s64 floor_sec(s64 ns)
{
	s64 sec = ns / (s64)NSEC_PER_SEC;

	return ns % (s64)NSEC_PER_SEC < 0 ? sec - 1 : sec;
}

static bool rtc_stopped(const struct mc146818 *s)
{
	return s->ram[R_B] & B_SET || (s->ram[R_A] & A_DV_RESET) == A_DV_RESET;
}

/* Puts the running time into the registers. */
static void regs_from_time(struct mc146818 *s)
{
	struct calendar c;

	calendar_from_seconds(floor_sec(rtc_time(s)), &c);
	s->ram[R_SEC] = to_reg(s, c.sec);
	s->ram[R_MIN] = to_reg(s, c.min);
	s->ram[R_HOUR] = hour_to_reg(s, c.hour);
	s->ram[R_WDAY] = to_reg(s, (c.wday - 1 + s->wday_shift) % 7 + 1);
	s->ram[R_MDAY] = to_reg(s, c.mday);
	s->ram[R_MONTH] = to_reg(s, c.month);
	s->ram[R_YEAR] = to_reg(s, c.year % 100);
	s->ram[R_CENTURY] = to_reg(s, c.year / 100 % 100);
}

/* Makes what stands in the registers the time; the fraction of the second goes on. */
static void time_from_regs(struct mc146818 *s)
{
	s64 now = rtc_time(s), fraction = now - floor_sec(now) * (s64)NSEC_PER_SEC, t;
	unsigned int month = from_reg(s, s->ram[R_MONTH]), wday = from_reg(s, s->ram[R_WDAY]);
	s64 year = from_reg(s, s->ram[R_CENTURY]) % 100 * 100 + from_reg(s, s->ram[R_YEAR]) % 100;
	struct calendar c;

	/* Out of range is undefined in the datasheet; the next valid value is as good as any. */
	month = month < 1 ? 1 : MIN(month, 12u);
	t = days_from_date(year, month, from_reg(s, s->ram[R_MDAY]) % 32) * DAY +
	    hour_from_reg(s, s->ram[R_HOUR]) % 24 * 3600 + from_reg(s, s->ram[R_MIN]) % 60 * 60 +
	    from_reg(s, s->ram[R_SEC]) % 60;
	t = t < -SECONDS_MAX ? -SECONDS_MAX : MIN(t, SECONDS_MAX);
	s->epoch = (s64)((u64)(t * (s64)NSEC_PER_SEC + fraction) - rtc_now(s));
	s->checked = t;
	calendar_from_seconds(t, &c);
	s->wday_shift = (wday + 7 - c.wday % 7) % 7;
}

static void regs_refresh(struct mc146818 *s)
{
	if (!rtc_stopped(s))
		regs_from_time(s);
}

/* ---- flags and interrupts ---- */

/* The first second after `from` at which the alarm strikes; INT64_MAX when it never does. */
static s64 alarm_next(const struct mc146818 *s, s64 from)
{
	u8 sec = s->ram[R_SEC_ALARM], min = s->ram[R_MIN_ALARM], hour = s->ram[R_HOUR_ALARM];
	unsigned int want_s = from_reg(s, sec), want_m = from_reg(s, min);
	unsigned int want_h = hour_from_reg(s, hour);
	s64 t = from + 1, day;

	/* At most 60 seconds, 60 minutes, 24 hours, 60 minutes and 60 seconds of steps. */
	for (int i = 0; i < 300; i++) {
		day = (t % DAY + DAY) % DAY;
		if (hour < 0xc0 && day / 3600 != want_h)
			t += 3600 - day % 3600;
		else if (min < 0xc0 && day / 60 % 60 != want_m)
			t += 60 - day % 60;
		else if (sec < 0xc0 && day % 60 != want_s)
			t++;
		else
			return t;
	}
	return INT64_MAX;
}

/* log2 of the periodic rate's period in 1/32768 s, or -1 when it is off. */
static int periodic_shift(const struct mc146818 *s)
{
	int rs = s->ram[R_A] & A_RS;

	if (!rs || (s->ram[R_A] & A_DV_RESET) == A_DV_RESET)
		return -1;
	return rs <= 2 ? rs + 6 : rs - 1;
}

static u64 periodic_ticks(struct mc146818 *s, int shift)
{
	return gm_muldiv(rtc_now(s), 32768, NSEC_PER_SEC) >> shift;
}

static void update_periodic(struct mc146818 *s)
{
	int shift = periodic_shift(s);
	u64 ticks, n;

	if (shift < 0)
		return;
	ticks = periodic_ticks(s, shift);
	n = ticks - s->periods;
	s->periods = ticks;
	if (!(s->ram[R_B] & B_PIE)) {
		s->backlog = 0;
		if (n)
			s->ram[R_C] |= C_PF;
		return;
	}
	n = MIN(n + s->backlog, 32768ULL >> shift);
	if (n && !(s->ram[R_C] & C_PF)) {
		s->ram[R_C] |= C_PF;
		n--;
	}
	s->backlog = n;
}

/* Brings register C up to date and the IRQ line with it. */
static void update_flags(struct mc146818 *s)
{
	s64 sec = floor_sec(rtc_time(s));
	u8 *c = &s->ram[R_C];

	update_periodic(s);
	if (!rtc_stopped(s) && sec > s->checked) {
		*c |= C_UF;
		if (alarm_next(s, s->checked) <= sec)
			*c |= C_AF;
		s->checked = sec;
	}
	if (*c & s->ram[R_B] & (C_PF | C_AF | C_UF))
		*c |= C_IRQF;
	else
		*c &= ~C_IRQF;
	gm_irq_set(&s->cfg.irq, *c >> 7);
}

static u64 second_to_guest(const struct mc146818 *s, s64 sec)
{
	return (u64)sec * NSEC_PER_SEC - (u64)s->epoch;
}

static void arm(struct mc146818 *s)
{
	u8 b = s->ram[R_B], c = s->ram[R_C];
	int shift = periodic_shift(s);
	u64 next = GM_TIME_NEVER, at;
	s64 sec;

	/* A flag that stands already has nothing to wait for. */
	if (b & B_PIE && shift >= 0) {
		at = gm_muldiv(((s->periods + 1) << shift), NSEC_PER_SEC, 32768) + 1;
		if (s->backlog && !(c & C_PF))
			at = MIN(at, rtc_now(s) + CATCH_UP_NS);
		next = at;
	}
	if (!rtc_stopped(s)) {
		if (b & B_UIE && !(c & C_UF))
			next = MIN(next, second_to_guest(s, s->checked + 1));
		if (b & B_AIE && !(c & C_AF)) {
			sec = alarm_next(s, s->checked);
			if (sec != INT64_MAX)
				next = MIN(next, second_to_guest(s, sec));
		}
	}
	gm_timer_set(&s->timer, next);
}

static void rtc_timer(void *opaque)
{
	update_flags(opaque);
	arm(opaque);
}

/* ---- registers ---- */

static u8 rtc_read_a(struct mc146818 *s)
{
	s64 t = rtc_time(s), fraction = t - floor_sec(t) * (s64)NSEC_PER_SEC;
	bool uip = !rtc_stopped(s) && fraction >= (s64)NSEC_PER_SEC - UPDATE_NS;

	return (s->ram[R_A] & ~A_UIP) | (uip ? A_UIP : 0);
}

static u8 rtc_read_c(struct mc146818 *s)
{
	u8 val;

	update_flags(s);
	val = s->ram[R_C];
	s->ram[R_C] = 0;
	gm_irq_set(&s->cfg.irq, 0);
	arm(s);
	return val;
}

static u8 cmos_read(struct mc146818 *s, unsigned int i)
{
	switch (i) {
	case R_A:
		return rtc_read_a(s);
	case R_C:
		return rtc_read_c(s);
	case R_D:
		return D_VRT;
	case R_SEC:
	case R_MIN:
	case R_HOUR:
	case R_WDAY ... R_YEAR:
	case R_CENTURY:
		regs_refresh(s);
	}
	return s->ram[i];
}

/* Register A or B changes; the clock may stop or start by it. */
static void rtc_write_control(struct mc146818 *s, unsigned int i, u8 val)
{
	bool was_stopped;

	update_flags(s);
	regs_refresh(s);
	was_stopped = rtc_stopped(s);
	if (i == R_A) {
		val &= ~A_UIP;
		if ((val ^ s->ram[R_A]) & (A_RS | A_DV_RESET))
			s->backlog = 0;
	} else if (val & B_SET) {
		val &= ~B_UIE;
	}
	s->ram[i] = val;
	if (periodic_shift(s) >= 0)
		s->periods = periodic_ticks(s, periodic_shift(s));
	if (was_stopped && !rtc_stopped(s))
		time_from_regs(s);
	update_flags(s);
	arm(s);
}

static void cmos_write(struct mc146818 *s, unsigned int i, u8 val)
{
	switch (i) {
	case R_SEC:
	case R_MIN:
	case R_HOUR:
	case R_WDAY ... R_YEAR:
	case R_CENTURY:
		update_flags(s);
		regs_refresh(s);
		s->ram[i] = val;
		if (!rtc_stopped(s)) {
			time_from_regs(s);
			arm(s);
		}
		break;
	case R_SEC_ALARM:
	case R_MIN_ALARM:
	case R_HOUR_ALARM:
		update_flags(s);
		s->ram[i] = val;
		arm(s);
		break;
	case R_A:
	case R_B:
		rtc_write_control(s, i, val);
		break;
	case R_C:
	case R_D:
		break;
	default:
		s->ram[i] = val;
	}
}

static u64 rtc_port_read(void *opaque, u64 off, unsigned int size)
{
	struct mc146818 *s = opaque;

	switch (off) {
	case 1:
		return cmos_read(s, s->index);
	case 3:
		return s->ram[128 + s->ext_index];
	}
	return 0xff; /* the index ports are write-only */
}

static void rtc_port_write(void *opaque, u64 off, unsigned int size, u64 val)
{
	struct mc146818 *s = opaque;

	switch (off) {
	case 0:
		s->index = val & 0x7f;
		s->nmi_masked = val & 0x80;
		break;
	case 1:
		cmos_write(s, s->index, (u8)val);
		break;
	case 2:
		s->ext_index = val & 0x7f;
		break;
	case 3:
		s->ram[128 + s->ext_index] = (u8)val;
		break;
	}
}

static const struct gm_region_ops rtc_ops = {
	.name = "rtc", .read = rtc_port_read, .write = rtc_port_write, .max_size = 1,
};

void cmos_set(struct gm_dev *d, unsigned int index, u8 val)
{
	struct mc146818 *s = (struct mc146818 *)d;

	if (index > R_D && index < sizeof(s->ram))
		s->ram[index] = val;
}

u8 cmos_get(struct gm_dev *d, unsigned int index)
{
	struct mc146818 *s = (struct mc146818 *)d;

	if (index >= sizeof(s->ram))
		return 0xff;
	if (index <= R_YEAR || index == R_CENTURY)
		regs_refresh(s);
	return s->ram[index];
}

bool cmos_nmi_masked(struct gm_dev *d)
{
	return ((struct mc146818 *)d)->nmi_masked;
}

/* ---- class ---- */

static s64 host_time(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (s64)ts.tv_sec * (s64)NSEC_PER_SEC + ts.tv_nsec;
}

/* What the clock shows at power-on, ns since 1970-01-01. */
static s64 start_time(const struct mc146818_cfg *cfg)
{
	s64 now = host_time();
	time_t sec = floor_sec(now);
	struct tm tm;

	if (cfg->base == MC146818_DATE) {
		s64 date = cfg->date < -SECONDS_MAX ? -SECONDS_MAX : cfg->date;

		return MIN(date, SECONDS_MAX) * (s64)NSEC_PER_SEC;
	}
	if (cfg->base == MC146818_LOCAL && localtime_r(&sec, &tm))
		now += (s64)tm.tm_gmtoff * (s64)NSEC_PER_SEC;
	return now;
}

static int mc146818_init(struct gm_dev *d, const void *cfg)
{
	struct mc146818 *s = (struct mc146818 *)d;

	s->cfg = *(const struct mc146818_cfg *)cfg;
	gm_timer_init(&s->timer, d->m->clock, rtc_timer, s);
	s->ram[R_A] = 0x26;
	s->ram[R_B] = B_24H;
	s->epoch = (s64)((u64)start_time(&s->cfg) - rtc_now(s));
	s->checked = floor_sec(rtc_time(s));
	s->region = gm_region_add(d->m->pio, 0x70, 4, &rtc_ops, s);
	return s->region ? 0 : -ENOMEM;
}

static void mc146818_fini(struct gm_dev *d)
{
	struct mc146818 *s = (struct mc146818 *)d;

	gm_timer_cancel(&s->timer);
	gm_region_remove(s->region);
}

/* The RESET pin leaves time, alarm and memory alone. */
static void mc146818_reset(struct gm_dev *d)
{
	struct mc146818 *s = (struct mc146818 *)d;

	s->ram[R_B] &= ~(B_PIE | B_AIE | B_UIE | B_SQWE);
	s->ram[R_C] = 0;
	s->backlog = 0;
	s->index = s->ext_index = 0;
	s->nmi_masked = false;
	gm_irq_set(&s->cfg.irq, 0);
	arm(s);
}

static void mc146818_pause(struct gm_dev *d)
{
	((struct mc146818 *)d)->paused_at = host_time();
}

/* Guest time stood still; the clock on the wall did not. */
static void mc146818_resume(struct gm_dev *d)
{
	struct mc146818 *s = (struct mc146818 *)d;

	if (s->cfg.base != MC146818_DATE && s->paused_at) {
		s->epoch = (s64)((u64)s->epoch + (u64)(host_time() - s->paused_at));
		s->checked = floor_sec(rtc_time(s));
		arm(s);
	}
	s->paused_at = 0;
}

static int mc146818_loaded(struct gm_dev *d)
{
	struct mc146818 *s = (struct mc146818 *)d;

	s64 now = floor_sec(rtc_time(s));

	if (s->index > 127 || s->ext_index > 127 || s->wday_shift > 6)
		return -EINVAL;
	if (s->checked < -TIME_MAX / (s64)NSEC_PER_SEC || s->checked > now)
		s->checked = now;
	return 0;
}

static const struct gm_field mc146818_fields[] = {
	GM_BYTES(struct mc146818, ram),
	GM_U8(struct mc146818, index),
	GM_U8(struct mc146818, ext_index),
	GM_BOOL(struct mc146818, nmi_masked),
	GM_U8(struct mc146818, wday_shift),
	GM_U64(struct mc146818, epoch),
	GM_U64(struct mc146818, checked),
	GM_U64(struct mc146818, periods),
	GM_U32(struct mc146818, backlog),
	GM_TIMER(struct mc146818, timer),
	GM_OMIT(struct mc146818, paused_at, "the host's time; only between pause and resume"),
	GM_OMIT(struct mc146818, cfg, "wiring, fixed at creation"),
	GM_OMIT(struct mc146818, region, "place on the bus, fixed at creation"),
	GM_FIELDS_END,
};

static const struct gm_state_desc mc146818_desc = {
	.name = "mc146818", .version = 1, .size = sizeof(struct mc146818),
	.fields = mc146818_fields,
};

const struct gm_dev_class mc146818_class = {
	.name = "mc146818",
	.title = "MC146818 real-time clock and CMOS memory",
	.size = sizeof(struct mc146818),
	.state = &mc146818_desc,
	.init = mc146818_init,
	.reset = mc146818_reset,
	.pause = mc146818_pause,
	.resume = mc146818_resume,
	.loaded = mc146818_loaded,
	.fini = mc146818_fini,
};

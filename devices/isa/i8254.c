// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * 8254 programmable interval timer and the NMI status and control port 61h.
 *
 * Counters are never stepped: what a counter shows follows from the guest time that has passed
 * since it was loaded. A timer runs for channel 0 only, at the edges that raise IRQ 0. When the
 * host was too busy to deliver edges in time, up to one second of them is made up for at twice the
 * rate, so that a guest which counts ticks keeps the time.
 *
 * Sources: Intel 8254 datasheet (231164-005); Intel 82371SB datasheet, section 2.5.5 (port 61h).
 * Loading a counter takes no clock here (one in the datasheet), and a new count in mode 3 is taken
 * over at the end of the whole period instead of the half.
 */
#include "devices/isa/i8254.h"

#include <errno.h>

#define MIN_EDGE_NS   20000 /* two IRQ 0 edges are never closer than this */
#define REFRESH_NS    15085 /* half period of the refresh toggle in port 61h */

#define P61_GATE2     0x01
#define P61_SPEAKER   0x02
#define P61_WRITABLE  0x0f
#define P61_REFRESH   0x10
#define P61_OUT2      0x20

struct channel {
	u64 start;     /* guest time at which counting began or went on */
	u64 held;      /* clocks counted before that */
	u64 switch_at; /* guest time at which `reload` replaces `count`; GM_TIME_NEVER */
	u32 count;     /* 1..65536 */
	u32 reload;
	u16 latch;
	u8 status, mode, rw, low_byte;
	bool bcd, gate;
	bool running;   /* the clock is counted */
	bool loaded;    /* a count was written since the control word */
	bool triggered; /* modes 1 and 5: the gate rose */
	bool write_high, read_high;
	bool count_latched, status_latched;
};

struct i8254 {
	struct gm_dev dev;
	struct channel ch[3];
	u8 port61;
	struct gm_timer timer; /* next edge of channel 0 */
	u64 edges;             /* of channel 0, since it was loaded, already seen */
	u64 backlog;           /* of those, not yet delivered */
	u64 last_edge;         /* guest time of the last delivery */
	struct i8254_cfg cfg;
	struct gm_region *region[2];
};

static u64 pit_now(struct i8254 *s)
{
	return gm_clock_now(s->dev.m->clock);
}

static u64 ticks_to_ns(u64 ticks)
{
	return gm_muldiv(ticks, NSEC_PER_SEC, PIT_HZ) + 1;
}

static u64 channel_ticks(const struct channel *c, u64 now)
{
	if (!c->running || now < c->start)
		return c->held;
	return c->held + gm_muldiv(now - c->start, PIT_HZ, NSEC_PER_SEC);
}

static bool is_periodic(const struct channel *c)
{
	return c->mode == 2 || c->mode == 3;
}

/* Takes over a new count whose time has come. */
static void channel_sync(struct channel *c, u64 now)
{
	if (now < c->switch_at)
		return;
	c->start = c->switch_at;
	c->held = 0;
	c->count = c->reload;
	c->switch_at = GM_TIME_NEVER;
}

static void channel_begin(struct channel *c, u64 now)
{
	c->start = now;
	c->held = 0;
	c->count = c->reload;
	c->switch_at = GM_TIME_NEVER;
}

static bool channel_out(struct channel *c, u64 now)
{
	u64 d;

	channel_sync(c, now);
	d = channel_ticks(c, now);
	switch (c->mode) {
	case 0:
		return c->loaded && d >= c->count;
	case 1:
		return !c->triggered || d >= c->count;
	case 2:
		return !c->running || d % c->count != c->count - 1;
	case 3:
		return !c->running || d % c->count < (c->count + 1) / 2;
	case 4:
		return !c->loaded || d != c->count;
	default:
		return !c->triggered || d != c->count;
	}
}

static u16 to_bcd(u32 v)
{
	return v % 10 | v / 10 % 10 << 4 | v / 100 % 10 << 8 | v / 1000 % 10 << 12;
}

static u32 from_bcd(u16 v)
{
	return (v & 15) + (v >> 4 & 15) * 10 + (v >> 8 & 15) * 100 + (v >> 12) * 1000;
}

/* The counting element as a read sees it. */
static u16 channel_value(struct channel *c, u64 now)
{
	u64 d, phase;
	u32 modulus = c->bcd ? 10000 : 65536, half, value;

	channel_sync(c, now);
	d = channel_ticks(c, now);
	switch (c->mode) {
	case 2:
		value = c->count - d % c->count;
		break;
	case 3:
		phase = d % c->count;
		half = (c->count + 1) / 2;
		value = (c->count & ~1u) - 2 * (phase < half ? phase : phase - half);
		break;
	default:
		value = (c->count % modulus + modulus - d % modulus) % modulus;
	}
	value %= modulus;
	return c->bcd ? to_bcd(value) : value;
}

/* ---- channel 0: IRQ 0 ---- */

/* Edges that have come up to `now` since the channel was loaded; GM_TIME_NEVER in *next when no
 * further one comes, otherwise the guest time of the next. */
static u64 channel_edges(struct channel *c, u64 now, u64 *next)
{
	u64 d = channel_ticks(c, now), n, at;

	*next = GM_TIME_NEVER;
	if (!c->running || !c->loaded)
		return 0;
	switch (c->mode) {
	case 0:
	case 4:
		at = c->mode == 0 ? c->count : c->count + 1;
		if (d >= at)
			return 1;
		*next = c->start + ticks_to_ns(at - c->held);
		return 0;
	case 2:
	case 3:
		n = d / c->count;
		*next = c->start + ticks_to_ns((n + 1) * c->count - c->held);
		return n;
	}
	return 0; /* modes 1 and 5 wait for a gate that channel 0 does not have */
}

static void irq0_arm(struct i8254 *s, u64 now, u64 next)
{
	struct channel *c = &s->ch[0];
	u64 soonest = MAX(s->last_edge + MIN_EDGE_NS, now + 1);

	/* Edges that come meanwhile join the backlog when the timer runs. */
	if (s->backlog)
		next = MAX(s->last_edge + ticks_to_ns(c->count) / 2, now + 1);
	if (next != GM_TIME_NEVER)
		next = MAX(next, soonest);
	gm_timer_set(&s->timer, next);
}

static void irq0_timer(void *opaque)
{
	struct i8254 *s = opaque;
	struct channel *c = &s->ch[0];
	u64 now = pit_now(s), next, n, limit;

	if (now >= c->switch_at) {
		n = channel_edges(c, c->switch_at, &next);
		s->backlog += n - MIN(n, s->edges);
		s->edges = 0;
		channel_sync(c, now);
	}
	n = channel_edges(c, now, &next);
	s->backlog += n - MIN(n, s->edges);
	s->edges = n;
	limit = MAX(PIT_HZ / c->count, 4u);
	s->backlog = MIN(s->backlog, limit);
	if (s->backlog && now >= s->last_edge + MIN_EDGE_NS) {
		s->backlog--;
		s->last_edge = now;
		/* The low part of the wave is as short as can be: only its end matters. */
		gm_irq_set(&s->cfg.irq, 0);
		gm_irq_set(&s->cfg.irq, 1);
	}
	irq0_arm(s, now, next);
}

/* Channel 0 was programmed: its output as it is now, and the next edge. */
static void irq0_restart(struct i8254 *s, u64 now)
{
	u64 next;

	s->edges = 0;
	s->backlog = 0;
	gm_irq_set(&s->cfg.irq, channel_out(&s->ch[0], now));
	channel_edges(&s->ch[0], now, &next);
	gm_timer_set(&s->timer, next);
}

/* ---- speaker ---- */

/* Port 61h's bit 1 AND the output of channel 2. A new count of a periodic mode is heard at once. */
static void speaker_update(struct i8254 *s)
{
	const struct channel *c = &s->ch[2];
	struct speaker_wave w = {.start = GM_TIME_NEVER};

	if (!s->cfg.speaker)
		return;
	if (!(s->port61 & P61_SPEAKER)) {
		s->cfg.speaker(s->cfg.speaker_opaque, &w);
		return;
	}
	if (is_periodic(c)) {
		w.start = c->running ? c->start : 0;
		w.period = c->running ? c->reload : 0;
		w.high = c->mode == 3 ? (c->reload + 1) / 2 : c->reload - 1;
	} else if (c->mode <= 1 && (c->mode ? c->triggered : c->loaded) && c->running) {
		w.start = c->start + ticks_to_ns(c->count - MIN(c->held, (u64)c->count));
	} else if (c->mode == 0) {
		w.start = c->loaded && c->held >= c->count ? 0 : GM_TIME_NEVER;
	} else {
		w.start = 0; /* a strobe of one clock is not heard */
	}
	s->cfg.speaker(s->cfg.speaker_opaque, &w);
}

static void channel_changed(struct i8254 *s, unsigned int n, u64 now)
{
	if (n == 0)
		irq0_restart(s, now);
	else if (n == 2)
		speaker_update(s);
}

/* ---- registers ---- */

static void channel_load(struct i8254 *s, unsigned int n, u16 val)
{
	struct channel *c = &s->ch[n];
	u64 now = pit_now(s), next;
	bool counting = c->loaded && c->running;

	channel_sync(c, now);
	c->reload = c->bcd ? from_bcd(val) : val;
	if (!c->reload)
		c->reload = c->bcd ? 10000 : 65536;
	c->loaded = true;
	if (is_periodic(c) && counting) {
		/* The period that runs is finished first. */
		channel_edges(c, now, &next);
		c->switch_at = next;
		if (n == 2)
			speaker_update(s);
		return;
	}
	if (c->mode != 1 && c->mode != 5) {
		channel_begin(c, now);
		c->running = c->gate;
	} else if (!c->triggered) {
		c->count = c->reload;
	}
	channel_changed(s, n, now);
}

static void channel_write(struct i8254 *s, unsigned int n, u8 val)
{
	struct channel *c = &s->ch[n];

	switch (c->rw) {
	case 1:
		channel_load(s, n, val);
		break;
	case 2:
		channel_load(s, n, val << 8);
		break;
	default:
		if (c->write_high) {
			c->write_high = false;
			channel_load(s, n, val << 8 | c->low_byte);
			break;
		}
		c->write_high = true;
		c->low_byte = val;
		if (c->mode == 0) {
			/* The first byte stops the counter and takes the output low. */
			c->held = channel_ticks(c, pit_now(s));
			c->running = false;
			c->loaded = false;
			channel_changed(s, n, pit_now(s));
		}
	}
}

static void latch_count(struct channel *c, u64 now)
{
	if (c->count_latched)
		return;
	c->latch = channel_value(c, now);
	c->count_latched = true;
}

static void latch_status(struct channel *c, u64 now)
{
	bool out, null;

	if (c->status_latched)
		return;
	out = channel_out(c, now);
	null = !c->loaded || c->switch_at != GM_TIME_NEVER;
	c->status = out << 7 | null << 6 | c->rw << 4 | c->mode << 1 | c->bcd;
	c->status_latched = true;
}

static void pit_read_back(struct i8254 *s, u8 val, u64 now)
{
	for (unsigned int n = 0; n < 3; n++) {
		if (!(val & 2 << n))
			continue;
		if (!(val & 0x20))
			latch_count(&s->ch[n], now);
		if (!(val & 0x10))
			latch_status(&s->ch[n], now);
	}
}

static void pit_control(struct i8254 *s, u8 val)
{
	unsigned int n = val >> 6, mode = val >> 1 & 7;
	u64 now = pit_now(s);
	struct channel *c;

	if (n == 3) {
		pit_read_back(s, val, now);
		return;
	}
	c = &s->ch[n];
	if (!(val >> 4 & 3)) {
		latch_count(c, now);
		return;
	}
	c->held = channel_ticks(c, now);
	c->switch_at = GM_TIME_NEVER;
	c->rw = val >> 4 & 3;
	c->mode = mode > 5 ? mode - 4 : mode;
	c->bcd = val & 1;
	c->running = c->loaded = c->triggered = false;
	c->write_high = c->read_high = false;
	c->count_latched = c->status_latched = false;
	channel_changed(s, n, now);
}

static u8 channel_read(struct i8254 *s, unsigned int n)
{
	struct channel *c = &s->ch[n];
	bool high;
	u16 value;

	if (c->status_latched) {
		c->status_latched = false;
		return c->status;
	}
	value = c->count_latched ? c->latch : channel_value(c, pit_now(s));
	high = c->rw == 2 || (c->rw == 3 && c->read_high);
	if (c->rw == 3)
		c->read_high = !c->read_high;
	if (c->rw != 3 || high)
		c->count_latched = false;
	return high ? value >> 8 : value & 0xff;
}

static u64 pit_read(void *opaque, u64 off, unsigned int size)
{
	return off < 3 ? channel_read(opaque, off) : 0xff;
}

static void pit_write(void *opaque, u64 off, unsigned int size, u64 val)
{
	if (off < 3)
		channel_write(opaque, off, (u8)val);
	else
		pit_control(opaque, (u8)val);
}

static void channel_gate(struct channel *c, bool gate, u64 now)
{
	bool rise = gate && !c->gate;

	if (gate == c->gate)
		return;
	channel_sync(c, now);
	c->gate = gate;
	if (c->mode == 1 || c->mode == 5) {
		if (rise && c->loaded) {
			channel_begin(c, now);
			c->running = c->triggered = true;
		}
	} else if (!c->loaded) {
		return;
	} else if (!gate) {
		c->held = channel_ticks(c, now);
		c->running = false;
	} else {
		if (is_periodic(c))
			channel_begin(c, now);
		c->start = now;
		c->running = true;
	}
}

static u64 port61_read(void *opaque, u64 off, unsigned int size)
{
	struct i8254 *s = opaque;
	u64 now = pit_now(s);
	u8 val = s->port61;

	if (now / REFRESH_NS & 1)
		val |= P61_REFRESH;
	if (channel_out(&s->ch[2], now))
		val |= P61_OUT2;
	return val;
}

static void port61_write(void *opaque, u64 off, unsigned int size, u64 val)
{
	struct i8254 *s = opaque;

	s->port61 = val & P61_WRITABLE;
	channel_gate(&s->ch[2], val & P61_GATE2, pit_now(s));
	speaker_update(s);
}

static const struct gm_region_ops pit_ops = {
	.name = "pit", .read = pit_read, .write = pit_write, .max_size = 1,
};
static const struct gm_region_ops port61_ops = {
	.name = "port61", .read = port61_read, .write = port61_write, .max_size = 1,
};

/* ---- class ---- */

static void i8254_fini(struct gm_dev *d)
{
	struct i8254 *s = (struct i8254 *)d;

	gm_timer_cancel(&s->timer);
	for (size_t i = 0; i < ARRAY_SIZE(s->region); i++)
		if (s->region[i])
			gm_region_remove(s->region[i]);
}

static void channel_reset(struct channel *c, bool gate)
{
	*c = (struct channel){
		.count = 65536,
		.reload = 65536,
		.switch_at = GM_TIME_NEVER,
		.rw = 3,
		.gate = gate,
	};
}

static int i8254_init(struct gm_dev *d, const void *cfg)
{
	struct i8254 *s = (struct i8254 *)d;

	s->cfg = *(const struct i8254_cfg *)cfg;
	gm_timer_init(&s->timer, d->m->clock, irq0_timer, s);
	s->region[0] = gm_region_add(d->m->pio, 0x40, 4, &pit_ops, s);
	s->region[1] = gm_region_add(d->m->pio, 0x61, 1, &port61_ops, s);
	if (!s->region[0] || !s->region[1]) {
		i8254_fini(d);
		return -ENOMEM;
	}
	for (int i = 0; i < 3; i++)
		channel_reset(&s->ch[i], i != 2);
	return 0;
}

static void i8254_reset(struct gm_dev *d)
{
	struct i8254 *s = (struct i8254 *)d;

	for (int i = 0; i < 3; i++)
		channel_reset(&s->ch[i], i != 2);
	s->port61 = 0;
	s->last_edge = 0;
	irq0_restart(s, pit_now(s));
	speaker_update(s);
}

static int i8254_loaded(struct gm_dev *d)
{
	struct i8254 *s = (struct i8254 *)d;

	for (int i = 0; i < 3; i++) {
		const struct channel *c = &s->ch[i];

		if (c->mode > 5 || c->rw < 1 || c->rw > 3 || !c->count || c->count > 65536 ||
		    !c->reload || c->reload > 65536 || c->held >> 48)
			return -EINVAL;
	}
	speaker_update(s);
	return 0;
}

static const struct gm_field channel_fields[] = {
	GM_U64(struct channel, start),
	GM_U64(struct channel, held),
	GM_U64(struct channel, switch_at),
	GM_U32(struct channel, count),
	GM_U32(struct channel, reload),
	GM_U16(struct channel, latch),
	GM_U8(struct channel, status),
	GM_U8(struct channel, mode),
	GM_U8(struct channel, rw),
	GM_U8(struct channel, low_byte),
	GM_BOOL(struct channel, bcd),
	GM_BOOL(struct channel, gate),
	GM_BOOL(struct channel, running),
	GM_BOOL(struct channel, loaded),
	GM_BOOL(struct channel, triggered),
	GM_BOOL(struct channel, write_high),
	GM_BOOL(struct channel, read_high),
	GM_BOOL(struct channel, count_latched),
	GM_BOOL(struct channel, status_latched),
	GM_FIELDS_END,
};

static const struct gm_state_desc channel_desc = {
	.name = "channel", .version = 1, .size = sizeof(struct channel), .fields = channel_fields,
};

static const struct gm_field i8254_fields[] = {
	GM_STRUCTS(struct i8254, ch, struct channel, &channel_desc),
	GM_U8(struct i8254, port61),
	GM_TIMER(struct i8254, timer),
	GM_U64(struct i8254, edges),
	GM_U64(struct i8254, backlog),
	GM_U64(struct i8254, last_edge),
	GM_OMIT(struct i8254, cfg, "wiring, fixed at creation"),
	GM_OMIT(struct i8254, region, "place on the bus, fixed at creation"),
	GM_FIELDS_END,
};

static const struct gm_state_desc i8254_desc = {
	.name = "i8254", .version = 1, .size = sizeof(struct i8254), .fields = i8254_fields,
};

const struct gm_dev_class i8254_class = {
	.name = "i8254",
	.title = "Intel 8254 programmable interval timer",
	.size = sizeof(struct i8254),
	.state = &i8254_desc,
	.init = i8254_init,
	.reset = i8254_reset,
	.loaded = i8254_loaded,
	.fini = i8254_fini,
};

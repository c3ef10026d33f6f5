// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * 16550A serial port.
 *
 * A transmitted byte leaves at once: the shift register and the transmit FIFO are empty whenever
 * the guest looks, but the "transmitter empty" interrupt is raised and withdrawn exactly as the
 * datasheet has it, since drivers count on its edges. Received bytes below the FIFO's trigger
 * level raise the timeout interrupt after four character times.
 *
 * Source: National Semiconductor PC16550D datasheet (June 1995), sections 8.0 to 8.10.
 */
#include "devices/isa/uart16550.h"

#include <errno.h>

#define FIFO_SIZE    16

#define IER_RDA      0x01
#define IER_THRE     0x02
#define IER_LINE     0x04
#define IER_MODEM    0x08

#define IIR_NONE     0x01
#define IIR_MODEM    0x00
#define IIR_THRE     0x02
#define IIR_RDA      0x04
#define IIR_LINE     0x06
#define IIR_TIMEOUT  0x0c
#define IIR_FIFO     0xc0

#define FCR_ENABLE   0x01
#define FCR_CLEAR_RX 0x02
#define FCR_CLEAR_TX 0x04

#define LCR_BREAK    0x40
#define LCR_DLAB     0x80

#define MCR_DTR      0x01
#define MCR_RTS      0x02
#define MCR_OUT1     0x04
#define MCR_OUT2     0x08
#define MCR_LOOP     0x10

#define LSR_DR       0x01
#define LSR_OE       0x02
#define LSR_BI       0x10
#define LSR_ERRORS   0x1e
#define LSR_THRE     0x20
#define LSR_TEMT     0x40
#define LSR_FIFO_ERR 0x80

#define MSR_CTS      0x10
#define MSR_DSR      0x20
#define MSR_RI       0x40
#define MSR_DCD      0x80

struct uart {
	struct gm_dev dev;
	u8 ier, fcr, lcr, mcr, lsr, msr, scr;
	u8 dll, dlm;
	u8 rbr;               /* the receive buffer without FIFO */
	u8 rx[FIFO_SIZE];
	u8 rx_break[FIFO_SIZE]; /* 1: this entry is a break */
	u8 rx_head, rx_count;
	bool thre_pending, timeout_pending;
	bool irq_level;
	struct gm_timer timeout;
	struct uart16550_cfg cfg;
	struct gm_region *region;
};

static bool fifo_on(const struct uart *u)
{
	return u->fcr & FCR_ENABLE;
}

static unsigned int rx_trigger(const struct uart *u)
{
	static const u8 level[4] = {1, 4, 8, 14};

	return fifo_on(u) ? level[u->fcr >> 6] : 1;
}

/* Time of one character on the wire, ns: the divisor counts 1.8432 MHz / 16. */
static u64 char_time(const struct uart *u)
{
	unsigned int divisor = u->dlm << 8 | u->dll, bits;

	bits = 1 + 5 + (u->lcr & 3) + (u->lcr >> 3 & 1) + 1 + (u->lcr >> 2 & 1);
	return gm_muldiv((u64)(divisor ? divisor : 1) * bits, NSEC_PER_SEC, 115200);
}

/* The identification of the pending interrupt of highest priority. */
static u8 uart_iir(const struct uart *u)
{
	if (u->ier & IER_LINE && u->lsr & LSR_ERRORS)
		return IIR_LINE;
	if (u->ier & IER_RDA && u->lsr & LSR_DR) {
		if (u->rx_count >= rx_trigger(u))
			return IIR_RDA;
		if (u->timeout_pending)
			return IIR_TIMEOUT;
	}
	if (u->ier & IER_THRE && u->thre_pending)
		return IIR_THRE;
	if (u->ier & IER_MODEM && u->msr & 0x0f)
		return IIR_MODEM;
	return IIR_NONE;
}

/* OUT2 gates the interrupt to the bus on a PC; in loopback it is disconnected. */
static void uart_update(struct uart *u)
{
	bool level = uart_iir(u) != IIR_NONE && u->mcr & MCR_OUT2 && !(u->mcr & MCR_LOOP);

	if (level != u->irq_level) {
		u->irq_level = level;
		gm_irq_set(&u->cfg.irq, level);
	}
}

/* ---- receiving ---- */

static void rx_timeout_restart(struct uart *u)
{
	u->timeout_pending = false;
	if (fifo_on(u) && u->rx_count)
		gm_timer_set(&u->timeout, gm_clock_now(u->dev.m->clock) + 4 * char_time(u));
	else
		gm_timer_cancel(&u->timeout);
}

static void rx_timeout(void *opaque)
{
	struct uart *u = opaque;

	if (fifo_on(u) && u->rx_count)
		u->timeout_pending = true;
	uart_update(u);
}

/* The state bits that belong to the byte which is read next. */
static void rx_expose(struct uart *u)
{
	u->lsr &= ~LSR_DR;
	if (!u->rx_count)
		return;
	u->lsr |= LSR_DR;
	if (u->rx_break[u->rx_head]) {
		u->rx_break[u->rx_head] = 0;
		u->lsr |= LSR_BI;
	}
}

static void rx_put(struct uart *u, u8 byte, bool is_break)
{
	unsigned int room = fifo_on(u) ? FIFO_SIZE : 1, at;

	if (u->rx_count >= room) {
		u->lsr |= LSR_OE;
		if (!fifo_on(u))
			u->rx[u->rx_head] = byte; /* overwritten; a full FIFO keeps its bytes */
		return;
	}
	at = (u->rx_head + u->rx_count) % FIFO_SIZE;
	u->rx[at] = byte;
	u->rx_break[at] = is_break;
	u->rx_count++;
	if (u->rx_count == 1)
		rx_expose(u);
	rx_timeout_restart(u);
}

static void rx_clear(struct uart *u)
{
	u->rx_head = u->rx_count = 0;
	memset(u->rx_break, 0, sizeof(u->rx_break));
	u->lsr &= ~(LSR_DR | LSR_FIFO_ERR);
	rx_timeout_restart(u);
}

static u8 rx_get(struct uart *u)
{
	if (u->rx_count) {
		u->rbr = u->rx[u->rx_head];
		u->rx_head = (u->rx_head + 1) % FIFO_SIZE;
		u->rx_count--;
		rx_expose(u);
		rx_timeout_restart(u);
		if (!(u->mcr & MCR_LOOP))
			gm_char_ready(u->cfg.chr);
	}
	return u->rbr;
}

static size_t chr_can_receive(void *opaque)
{
	struct uart *u = opaque;

	if (u->mcr & MCR_LOOP)
		return 0;
	return (fifo_on(u) ? FIFO_SIZE : 1u) - MIN(u->rx_count, fifo_on(u) ? FIFO_SIZE : 1u);
}

static void chr_receive(void *opaque, const u8 *buf, size_t len)
{
	struct uart *u = opaque;

	for (size_t i = 0; i < len; i++)
		rx_put(u, buf[i], false);
	uart_update(u);
}

static void chr_break(void *opaque)
{
	struct uart *u = opaque;

	if (!(u->mcr & MCR_LOOP))
		rx_put(u, 0, true);
	uart_update(u);
}

/* ---- modem lines ---- */

/* New inputs in the upper half of MSR; the lower half collects what changed. */
static void modem_inputs(struct uart *u, u8 lines)
{
	u8 old = u->msr & 0xf0, changed = old ^ lines;

	u->msr = (u->msr & 0x0f) | lines;
	u->msr |= changed >> 4 & 0x0b;
	if (old & MSR_RI && !(lines & MSR_RI))
		u->msr |= 0x04; /* the ring indicator counts at its trailing edge */
}

/* The inputs as they are wired: to the outputs in loopback, else to a peer that is ready. */
static void modem_refresh(struct uart *u)
{
	u8 mcr = u->mcr, lines = 0;

	if (mcr & MCR_LOOP) {
		lines |= mcr & MCR_RTS ? MSR_CTS : 0;
		lines |= mcr & MCR_DTR ? MSR_DSR : 0;
		lines |= mcr & MCR_OUT1 ? MSR_RI : 0;
		lines |= mcr & MCR_OUT2 ? MSR_DCD : 0;
	} else if (u->cfg.chr) {
		lines = MSR_CTS | MSR_DSR | MSR_DCD;
	}
	modem_inputs(u, lines);
}

/* ---- registers ---- */

static void write_thr(struct uart *u, u8 val)
{
	/* The byte passes through: the register is full for no time, so the interrupt goes
	 * away and comes back. */
	u->thre_pending = false;
	uart_update(u);
	if (u->mcr & MCR_LOOP)
		rx_put(u, val, false);
	else
		gm_char_write(u->cfg.chr, &val, 1);
	u->thre_pending = true;
}

static void write_ier(struct uart *u, u8 val)
{
	val &= 0x0f;
	/* Enabling the interrupt while the register is empty raises it at once. */
	if (val & IER_THRE && !(u->ier & IER_THRE))
		u->thre_pending = true;
	u->ier = val;
}

static void write_fcr(struct uart *u, u8 val)
{
	if ((val ^ u->fcr) & FCR_ENABLE)
		val |= FCR_CLEAR_RX | FCR_CLEAR_TX;
	if (!(val & FCR_ENABLE))
		val &= FCR_CLEAR_RX | FCR_CLEAR_TX; /* the other bits need bit 0 set */
	u->fcr = val & 0xc9;
	if (val & FCR_CLEAR_RX) {
		rx_clear(u);
		gm_char_ready(u->cfg.chr);
	}
	if (val & FCR_CLEAR_TX)
		u->thre_pending = true;
}

static void write_lcr(struct uart *u, u8 val)
{
	bool brk = val & ~u->lcr & LCR_BREAK;

	u->lcr = val;
	if (brk && u->mcr & MCR_LOOP)
		rx_put(u, 0, true);
}

static void uart_write(void *opaque, u64 off, unsigned int size, u64 v)
{
	struct uart *u = opaque;
	u8 val = (u8)v;

	switch (off) {
	case 0:
		if (u->lcr & LCR_DLAB)
			u->dll = val;
		else
			write_thr(u, val);
		break;
	case 1:
		if (u->lcr & LCR_DLAB)
			u->dlm = val;
		else
			write_ier(u, val);
		break;
	case 2:
		write_fcr(u, val);
		break;
	case 3:
		write_lcr(u, val);
		break;
	case 4:
		u->mcr = val & 0x1f;
		modem_refresh(u);
		if (!(u->mcr & MCR_LOOP))
			gm_char_ready(u->cfg.chr);
		break;
	case 7:
		u->scr = val;
		break;
	}
	uart_update(u);
}

static u8 read_iir(struct uart *u)
{
	u8 iir = uart_iir(u);

	if (iir == IIR_THRE)
		u->thre_pending = false;
	return iir | (fifo_on(u) ? IIR_FIFO : 0);
}

static u8 read_lsr(struct uart *u)
{
	u8 lsr = u->lsr | LSR_THRE | LSR_TEMT;

	if (fifo_on(u)) {
		for (unsigned int i = 0; i < u->rx_count; i++)
			if (u->rx_break[(u->rx_head + i) % FIFO_SIZE])
				lsr |= LSR_FIFO_ERR;
		if (lsr & LSR_BI)
			lsr |= LSR_FIFO_ERR;
	}
	u->lsr &= ~LSR_ERRORS;
	return lsr;
}

static u64 uart_read(void *opaque, u64 off, unsigned int size)
{
	struct uart *u = opaque;
	u8 val;

	switch (off) {
	case 0:
		val = u->lcr & LCR_DLAB ? u->dll : rx_get(u);
		break;
	case 1:
		val = u->lcr & LCR_DLAB ? u->dlm : u->ier;
		break;
	case 2:
		val = read_iir(u);
		break;
	case 3:
		val = u->lcr;
		break;
	case 4:
		val = u->mcr;
		break;
	case 5:
		val = read_lsr(u);
		break;
	case 6:
		val = u->msr;
		u->msr &= 0xf0;
		break;
	default:
		val = u->scr;
	}
	uart_update(u);
	return val;
}

static const struct gm_region_ops uart_ops = {
	.name = "uart", .read = uart_read, .write = uart_write, .max_size = 1,
};

/* ---- class ---- */

static int uart_init(struct gm_dev *d, const void *cfg)
{
	struct uart *u = (struct uart *)d;
	const struct gm_char_client client = {
		.can_receive = chr_can_receive,
		.receive = chr_receive,
		.break_received = chr_break,
		.opaque = u,
	};

	u->cfg = *(const struct uart16550_cfg *)cfg;
	u->lcr = 3;
	gm_timer_init(&u->timeout, d->m->clock, rx_timeout, u);
	u->region = gm_region_add(d->m->pio, u->cfg.base, 8, &uart_ops, u);
	if (!u->region)
		return -ENOMEM;
	if (u->cfg.chr)
		gm_char_set_client(u->cfg.chr, &client);
	return 0;
}

static void uart_fini(struct gm_dev *d)
{
	struct uart *u = (struct uart *)d;

	gm_timer_cancel(&u->timeout);
	if (u->cfg.chr)
		gm_char_set_client(u->cfg.chr, &(struct gm_char_client){0});
	gm_region_remove(u->region);
}

/* Master reset, table I of the datasheet; scratch and divisor are left alone. */
static void uart_reset(struct gm_dev *d)
{
	struct uart *u = (struct uart *)d;

	u->ier = u->fcr = u->lcr = u->mcr = u->lsr = 0;
	u->thre_pending = false;
	rx_clear(u);
	modem_refresh(u);
	u->msr &= 0xf0;
	uart_update(u);
}

static int uart_loaded(struct gm_dev *d)
{
	struct uart *u = (struct uart *)d;

	return u->rx_head < FIFO_SIZE && u->rx_count <= FIFO_SIZE ? 0 : -EINVAL;
}

static const struct gm_field uart_fields[] = {
	GM_U8(struct uart, ier),
	GM_U8(struct uart, fcr),
	GM_U8(struct uart, lcr),
	GM_U8(struct uart, mcr),
	GM_U8(struct uart, lsr),
	GM_U8(struct uart, msr),
	GM_U8(struct uart, scr),
	GM_U8(struct uart, dll),
	GM_U8(struct uart, dlm),
	GM_U8(struct uart, rbr),
	GM_BYTES(struct uart, rx),
	GM_BYTES(struct uart, rx_break),
	GM_U8(struct uart, rx_head),
	GM_U8(struct uart, rx_count),
	GM_BOOL(struct uart, thre_pending),
	GM_BOOL(struct uart, timeout_pending),
	GM_BOOL(struct uart, irq_level),
	GM_TIMER(struct uart, timeout),
	GM_OMIT(struct uart, cfg, "wiring, fixed at creation"),
	GM_OMIT(struct uart, region, "place on the bus, fixed at creation"),
	GM_FIELDS_END,
};

static const struct gm_state_desc uart_desc = {
	.name = "uart16550", .version = 1, .size = sizeof(struct uart), .fields = uart_fields,
};

const struct gm_dev_class uart16550_class = {
	.name = "uart16550",
	.title = "16550A serial port",
	.size = sizeof(struct uart),
	.state = &uart_desc,
	.init = uart_init,
	.reset = uart_reset,
	.loaded = uart_loaded,
	.fini = uart_fini,
};

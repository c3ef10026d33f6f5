// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * UHCI: a list of 1024 frames in memory, one a millisecond, each a chain of transfer descriptors
 * (TD) and queue heads (QH) that the controller walks.
 *
 * The guest gives no sign when it adds to the lists, so they are walked as long as the controller
 * runs: frame by frame while transfers are made, else several frames at a time, BREATHER_NS apart.
 * A frame is bounded in bytes, as on the wire, and in descriptors, for guests that make circles.
 *
 * Source: Universal Host Controller Interface (UHCI) Design Guide 1.1; Intel 82371SB datasheet,
 * section 2.4 (configuration space) and 3.7 (I/O registers).
 */
#include "devices/usb/uhci.h"

#include <errno.h>
#include "devices/usb/tablet.h"
#include "vmm/clock.h"

#define FRAME_NS     1000000ULL
#define BREATHER_NS  (20 * FRAME_NS)
#define BUSY_FRAMES  40   /* after the last transfer */
#define FRAMES_MAX   64   /* made good after a delay */
#define FRAME_BYTES  1280
#define FRAME_STEPS  128  /* descriptors looked at */
#define TABLET_NS    NSEC_PER_SEC /* without a poll: the guest does not listen */

#define CMD_RUN      0x0001
#define CMD_HCRESET  0x0002
#define CMD_GRESET   0x0004
#define CMD_MASK     0x00ff

#define STS_INT      0x0001
#define STS_ERROR    0x0002
#define STS_RESUME   0x0004
#define STS_HALTED   0x0020
#define STS_W1C      0x001f

#define INTR_ERROR   0x0001
#define INTR_RESUME  0x0002
#define INTR_IOC     0x0004
#define INTR_SHORT   0x0008

#define PORT_CONNECTED 0x0001
#define PORT_CHANGED   0x0002
#define PORT_ENABLED   0x0004
#define PORT_ENCHANGED 0x0008
#define PORT_LINE      0x0010 /* D+ is high: full speed */
#define PORT_ONE       0x0080
#define PORT_RESET     0x0200
#define PORT_SUSPEND   0x1000

#define LINK_END   1
#define LINK_QH    2
#define LINK_DEPTH 4
#define LINK_ADDR  0xfffffff0u

#define TD_NAK      (1u << 19)
#define TD_TIMEOUT  (1u << 18)
#define TD_BABBLE   (1u << 20)
#define TD_STALLED  (1u << 22)
#define TD_ACTIVE   (1u << 23)
#define TD_IOC      (1u << 24)
#define TD_ISO      (1u << 25)
#define TD_SPD      (1u << 29)
#define TD_STATUS   (0x00ff0000u | 0x7ff)
#define TD_ERRORS   (3u << 27)

#define PID_IN    0x69
#define PID_OUT   0xe1
#define PID_SETUP 0x2d

#define NPORTS 2

struct uhci {
	struct gm_pci_dev pci;
	u16 cmd, sts, intr, frnum;
	u32 flbase;
	u8 sofmod;
	u16 port[NPORTS];
	u8 cause;           /* of STS_INT: 1 IOC, 2 short packet */
	u64 frame_time;     /* guest time at which frame `frnum` begins */
	u32 busy;           /* frames to walk one by one */
	struct gm_timer timer;
	struct usb_tablet tablet;
};

struct td {
	u32 link, ctrl, token, buffer;
};

/* A walk through one frame. */
struct walk {
	unsigned int bytes, steps;
	bool progress;
	u32 seen[16];       /* queue heads passed since the last transfer */
	unsigned int nseen;
};

static struct uhci *uhci_of(struct gm_dev *d)
{
	return container_of(d, struct uhci, pci.dev);
}

static u64 now(const struct uhci *s)
{
	return gm_clock_now(s->pci.dev.m->clock);
}

static void irq_update(struct uhci *s)
{
	bool on = (s->cause & 1 && s->intr & INTR_IOC) || (s->cause & 2 && s->intr & INTR_SHORT) ||
		  (s->sts & STS_ERROR && s->intr & INTR_ERROR) ||
		  (s->sts & STS_RESUME && s->intr & INTR_RESUME);

	gm_pci_irq(&s->pci, on);
}

/* ---- transfers ---- */

static u32 dma_read32(struct uhci *s, u32 at)
{
	u8 b[4];

	gm_pci_dma_read(&s->pci, at, b, sizeof(b));
	return (u32)b[0] | (u32)b[1] << 8 | (u32)b[2] << 16 | (u32)b[3] << 24;
}

static void dma_write32(struct uhci *s, u32 at, u32 v)
{
	u8 b[4] = {(u8)v, (u8)(v >> 8), (u8)(v >> 16), (u8)(v >> 24)};

	gm_pci_dma_write(&s->pci, at, b, sizeof(b));
}

static void td_read(struct uhci *s, u32 at, struct td *td)
{
	td->link = dma_read32(s, at);
	td->ctrl = dma_read32(s, at + 4);
	td->token = dma_read32(s, at + 8);
	td->buffer = dma_read32(s, at + 12);
}

/* One transaction with the device that is addressed; bytes or USB_*. */
static int transact(struct uhci *s, const struct td *td, unsigned int max)
{
	unsigned int pid = td->token & 0xff, address = td->token >> 8 & 127,
		     endpoint = td->token >> 15 & 15;
	struct usb_tablet *t = &s->tablet;
	u8 buf[2048];
	int ret;

	if (!(s->port[0] & PORT_ENABLED) || address != t->address)
		return USB_NODEV;
	switch (pid) {
	case PID_IN:
		ret = usb_tablet_in(t, endpoint, buf, max, now(s));
		if (ret > 0)
			gm_pci_dma_write(&s->pci, td->buffer, buf, (size_t)ret);
		return ret;
	case PID_OUT:
	case PID_SETUP:
		gm_pci_dma_read(&s->pci, td->buffer, buf, max);
		return pid == PID_OUT ? usb_tablet_out(t, endpoint, buf, max) :
		       endpoint ? USB_STALL : usb_tablet_setup(t, buf, max);
	}
	return USB_NODEV; /* no packet: nobody answers it */
}

static void td_fail(struct uhci *s, struct td *td, u32 how)
{
	td->ctrl &= ~(TD_ACTIVE | TD_ERRORS);
	td->ctrl |= how;
	s->sts |= STS_ERROR;
	if (td->ctrl & TD_IOC) {
		s->sts |= STS_INT;
		s->cause |= 1;
	}
}

/* Carries out a TD. True: its queue goes on with the next one. */
static bool td_run(struct uhci *s, u32 at, struct td *td, struct walk *w)
{
	unsigned int max = ((td->token >> 21) + 1) & 0x7ff;
	bool next = true;
	int ret;

	if (!(td->ctrl & TD_ACTIVE) || td->ctrl & TD_ISO || max > FRAME_BYTES)
		return false;
	ret = transact(s, td, max);
	if (ret == USB_NAK) {
		if (!(td->ctrl & TD_NAK))
			dma_write32(s, at + 4, td->ctrl | TD_NAK);
		return false;
	}
	w->progress = true;
	w->nseen = 0;
	w->bytes += max + 16;
	td->ctrl &= ~TD_STATUS;
	if (ret < 0) {
		td->ctrl |= 0x7ff;
		td_fail(s, td, TD_STALLED | (ret == USB_NODEV ? TD_TIMEOUT : 0));
		next = false;
	} else {
		td->ctrl |= ((u32)ret - 1) & 0x7ff;
		if (td->ctrl & TD_IOC) {
			s->sts |= STS_INT;
			s->cause |= 1;
		}
		if ((td->token & 0xff) == PID_IN && (unsigned int)ret < max && td->ctrl & TD_SPD) {
			s->sts |= STS_INT;
			s->cause |= 2;
			next = false;
		}
	}
	dma_write32(s, at + 4, td->ctrl);
	return next;
}

/* ---- schedules ---- */

static bool seen_before(struct walk *w, u32 qh)
{
	unsigned int i;

	for (i = 0; i < w->nseen; i++)
		if (w->seen[i] == qh)
			return true;
	if (w->nseen < ARRAY_SIZE(w->seen))
		w->seen[w->nseen++] = qh;
	return false;
}

static bool walk_goes_on(struct walk *w)
{
	return ++w->steps < FRAME_STEPS && w->bytes < FRAME_BYTES;
}

/* The TDs of a queue, downwards as long as they say so; returns what stands beside it. */
static u32 queue_run(struct uhci *s, u32 at, struct walk *w)
{
	u32 beside = dma_read32(s, at), element = dma_read32(s, at + 4);
	struct td td;

	while (!(element & (LINK_END | LINK_QH))) {
		u32 td_at = element & LINK_ADDR;

		td_read(s, td_at, &td);
		if (!td_run(s, td_at, &td, w))
			break;
		element = td.link;
		dma_write32(s, at + 4, element);
		if (!(td.link & LINK_DEPTH) || !walk_goes_on(w))
			break;
	}
	return beside;
}

static void frame_run(struct uhci *s, struct walk *w)
{
	u32 link = dma_read32(s, s->flbase + 4 * (s->frnum & 1023u));
	struct td td;

	w->bytes = w->steps = w->nseen = 0;
	while (!(link & LINK_END) && walk_goes_on(w)) {
		if (link & LINK_QH) {
			if (seen_before(w, link))
				break;
			link = queue_run(s, link & LINK_ADDR, w);
		} else {
			td_read(s, link & LINK_ADDR, &td);
			td_run(s, link & LINK_ADDR, &td, w);
			link = td.link;
		}
	}
}

static void timer_arm(struct uhci *s)
{
	if (!(s->cmd & CMD_RUN))
		gm_timer_cancel(&s->timer);
	else
		gm_timer_set(&s->timer, s->frame_time + (s->busy ? FRAME_NS : BREATHER_NS));
}

static void frames_run(void *opaque)
{
	struct uhci *s = opaque;
	u64 due = (now(s) - s->frame_time) / FRAME_NS;
	struct walk w = {0};

	if (due > FRAMES_MAX) {
		s->frnum = (u16)(s->frnum + due - FRAMES_MAX);
		s->frame_time += (due - FRAMES_MAX) * FRAME_NS;
		due = FRAMES_MAX;
	}
	while (due--) {
		w.progress = false;
		if (gm_pci_bus_master(&s->pci))
			frame_run(s, &w);
		s->frnum = (s->frnum + 1) & 0x7ff;
		s->frame_time += FRAME_NS;
		if (w.progress)
			s->busy = BUSY_FRAMES;
		else if (s->busy)
			s->busy--;
	}
	s->frnum &= 0x7ff;
	irq_update(s);
	timer_arm(s);
}

/* Something to do soon: frames are walked one by one again. */
static void hurry(struct uhci *s)
{
	if (!(s->cmd & CMD_RUN) || s->busy)
		return;
	s->busy = BUSY_FRAMES;
	gm_timer_set(&s->timer, now(s));
}

/* ---- ports ---- */

static void port_write(struct uhci *s, unsigned int n, u16 val)
{
	u16 *p = &s->port[n], old = *p;

	*p &= (u16)~(val & (PORT_CHANGED | PORT_ENCHANGED));
	*p = (u16)((*p & ~(PORT_RESET | PORT_SUSPEND)) | (val & (PORT_RESET | PORT_SUSPEND)));
	if (val & PORT_RESET && !(old & PORT_RESET)) {
		*p &= (u16)~PORT_ENABLED;
		if (n == 0)
			usb_tablet_reset(&s->tablet);
	}
	if (!(val & PORT_RESET) && *p & PORT_CONNECTED)
		*p = (u16)((*p & ~PORT_ENABLED) | (val & PORT_ENABLED));
	hurry(s);
}

static u16 port_read(const struct uhci *s, unsigned int n)
{
	return s->port[n] | PORT_ONE | (s->port[n] & PORT_CONNECTED ? PORT_LINE : 0);
}

/* ---- registers ---- */

static void registers_reset(struct uhci *s)
{
	s->cmd = s->intr = s->frnum = 0;
	s->sts = STS_HALTED;
	s->flbase = 0;
	s->sofmod = 64;
	s->cause = 0;
	s->busy = 0;
	s->port[0] = PORT_CONNECTED | PORT_CHANGED;
	s->port[1] = 0;
	usb_tablet_reset(&s->tablet);
	gm_timer_cancel(&s->timer);
	irq_update(s);
}

static void cmd_write(struct uhci *s, u16 val)
{
	bool was = s->cmd & CMD_RUN;

	if (val & CMD_HCRESET) {
		registers_reset(s);
		return;
	}
	if (val & CMD_GRESET && !(s->cmd & CMD_GRESET)) {
		registers_reset(s);
		s->cmd = CMD_GRESET;
		return;
	}
	s->cmd = val & CMD_MASK;
	if (s->cmd & CMD_RUN) {
		s->sts &= (u16)~STS_HALTED;
		if (!was) {
			s->frame_time = now(s);
			s->busy = BUSY_FRAMES;
			timer_arm(s);
		}
	} else {
		s->sts |= STS_HALTED;
		gm_timer_cancel(&s->timer);
	}
}

static u16 frnum_read(const struct uhci *s)
{
	u64 ahead = s->cmd & CMD_RUN ? (now(s) - s->frame_time) / FRAME_NS : 0;

	return (u16)((s->frnum + ahead) & 0x7ff);
}

static u64 uhci_read(void *opaque, u64 off, unsigned int size)
{
	struct uhci *s = opaque;

	switch (off) {
	case 0x00:
		return s->cmd;
	case 0x02:
		return s->sts;
	case 0x04:
		return s->intr;
	case 0x06:
		return frnum_read(s);
	case 0x08:
		return s->flbase & 0xffff;
	case 0x0a:
		return s->flbase >> 16;
	case 0x0c:
		return s->sofmod;
	case 0x10:
	case 0x12:
		return port_read(s, (unsigned int)(off - 0x10) / 2);
	}
	return off < 0x10 ? 0 : 0xff7f; /* a port that is not there has bit 7 clear */
}

static void sts_write(struct uhci *s, u16 val)
{
	s->sts &= (u16)~(val & STS_W1C);
	if (val & STS_INT)
		s->cause = 0;
	irq_update(s);
}

static void uhci_write(void *opaque, u64 off, unsigned int size, u64 val)
{
	struct uhci *s = opaque;

	switch (off) {
	case 0x00:
		cmd_write(s, (u16)val);
		break;
	case 0x02:
		sts_write(s, (u16)val);
		break;
	case 0x04:
		s->intr = (u16)val & 0xf;
		irq_update(s);
		break;
	case 0x06:
		if (!(s->cmd & CMD_RUN))
			s->frnum = (u16)val & 0x7ff;
		break;
	case 0x08:
		s->flbase = (s->flbase & 0xffff0000) | ((u32)val & 0xf000);
		break;
	case 0x0a:
		s->flbase = (s->flbase & 0xffff) | (u32)val << 16;
		break;
	case 0x0c:
		s->sofmod = (u8)val & 0x7f;
		break;
	case 0x10:
	case 0x12:
		port_write(s, (unsigned int)(off - 0x10) / 2, (u16)val);
		break;
	}
}

static const struct gm_region_ops uhci_ops = {
	.name = "uhci",
	.read = uhci_read,
	.write = uhci_write,
	.min_size = 2,
	.max_size = 2,
};

/* ---- the tablet ---- */

static bool tablet_active(void *opaque)
{
	struct uhci *s = opaque;

	return s->cmd & CMD_RUN && s->tablet.configuration && s->tablet.polled &&
	       now(s) - s->tablet.polled < TABLET_NS;
}

static void tablet_move(void *opaque, unsigned int x, unsigned int y, int dz, unsigned int buttons)
{
	struct uhci *s = opaque;

	usb_tablet_move(&s->tablet, x, y, dz, buttons);
	hurry(s);
}

struct gm_tablet_sink gm_uhci_tablet(struct gm_dev *d)
{
	return (struct gm_tablet_sink){.active = tablet_active, .move = tablet_move,
				       .opaque = uhci_of(d)};
}

/* ---- class ---- */

static int uhci_init(struct gm_dev *d, const void *config)
{
	static const struct gm_pci_bar bar = {.size = 32, .flags = GM_PCI_BAR_IO, .ops = &uhci_ops};
	struct uhci *s = uhci_of(d);
	const struct gm_uhci_cfg *cfg = config;
	int err = gm_pci_init(&s->pci, &cfg->pci);

	if (err)
		return err;
	gm_timer_init(&s->timer, d->m->clock, frames_run, s);
	s->pci.wmask[0xc0] = 0xff;
	s->pci.wmask[0xc1] = 0x2f;
	return gm_pci_bar_add(&s->pci, 4, &bar, s);
}

static void uhci_reset(struct gm_dev *d)
{
	struct uhci *s = uhci_of(d);

	gm_pci_reset(&s->pci);
	s->pci.config[0x60] = 0x10;        /* USB 1.0 */
	gm_pci_set16(&s->pci, 0xc0, 0x2000); /* legacy support off */
	registers_reset(s);
}

static void uhci_fini(struct gm_dev *d)
{
	gm_timer_cancel(&uhci_of(d)->timer);
}

static int uhci_loaded(struct gm_dev *d)
{
	struct uhci *s = uhci_of(d);

	if (!usb_tablet_valid(&s->tablet) || s->frame_time > now(s) || s->busy > BUSY_FRAMES)
		return -EINVAL;
	s->frnum &= 0x7ff;
	s->flbase &= 0xfffff000;
	gm_pci_loaded(&s->pci);
	irq_update(s);
	return 0;
}

static const struct gm_field uhci_fields[] = {
	GM_STRUCT(struct uhci, pci, &gm_pci_state),
	GM_U16(struct uhci, cmd),
	GM_U16(struct uhci, sts),
	GM_U16(struct uhci, intr),
	GM_U16(struct uhci, frnum),
	GM_U32(struct uhci, flbase),
	GM_U8(struct uhci, sofmod),
	GM_U16(struct uhci, port),
	GM_U8(struct uhci, cause),
	GM_U64(struct uhci, frame_time),
	GM_U32(struct uhci, busy),
	GM_TIMER(struct uhci, timer),
	GM_STRUCT(struct uhci, tablet, &usb_tablet_desc),
	GM_FIELDS_END,
};

static const struct gm_state_desc uhci_state = {
	.name = "uhci", .version = 1, .size = sizeof(struct uhci), .fields = uhci_fields,
};

const struct gm_pci_class gm_uhci_class = {
	.dev = {
		.name = "uhci",
		.title = "USB controller (PIIX3) with a tablet",
		.size = sizeof(struct uhci),
		.state = &uhci_state,
		.init = uhci_init,
		.reset = uhci_reset,
		.loaded = uhci_loaded,
		.fini = uhci_fini,
	},
	.vendor = 0x8086,
	.device = 0x7020,
	.subvendor = 0x1af4,
	.subdevice = 0x1100,
	.class_code = 0x0c0300,
	.revision = 1,
	.int_pin = 4,
};

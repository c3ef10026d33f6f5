// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Keyboard controller with auxiliary (mouse) port, and port 92h.
 *
 * Bytes from the keyboard and the mouse arrive no faster than BYTE_NS after the one before was
 * read: drivers that read port 60h twice for one interrupt depend on it. The controller's own
 * answers are there at once.
 *
 * Sources: IBM PS/2 Hardware Interface Technical Reference, "Keyboard and Auxiliary Device
 * Controller"; Intel 8242PC datasheet; Intel 82371SB datasheet, section 2.5.5 (port 92h). There is
 * one A20 gate: the last write, to port 92h or through the output port, decides.
 */
#include "devices/isa/i8042.h"

#include <errno.h>

#include "devices/isa/ps2.h"

#define BYTE_NS       250000

#define STS_OBF       0x01
#define STS_SYSTEM    0x04
#define STS_COMMAND   0x08
#define STS_UNLOCKED  0x10
#define STS_AUX_OBF   0x20

#define CCB_IRQ_KBD   0x01
#define CCB_IRQ_AUX   0x02
#define CCB_SYSTEM    0x04
#define CCB_NO_KBD    0x10
#define CCB_NO_AUX    0x20
#define CCB_TRANSLATE 0x40

#define OUT_NO_RESET  0x01
#define OUT_A20       0x02
#define OUT_IRQ_KBD   0x10
#define OUT_IRQ_AUX   0x20
#define OUT_LINES     0xc0

#define P92_RESET     0x01
#define P92_A20       0x02

struct i8042 {
	struct gm_dev dev;
	u8 ram[32];          /* [0] is the command byte */
	u8 out;              /* output buffer */
	u8 command;          /* waits for its data byte; 0 for none */
	u8 port92;
	bool full, aux;      /* of the output buffer: occupied, from the mouse */
	bool from_device;    /* not the controller's own answer */
	bool last_command;   /* the last write went to port 64h */
	bool a20;
	bool break_prefix;   /* F0h was swallowed by the translation */
	struct ps2_fifo answers; /* the controller's own */
	u64 next_byte;       /* guest time from which a device's byte may arrive */
	struct ps2_kbd kbd;
	struct ps2_mouse mouse;
	struct gm_timer timer;
	struct i8042_cfg cfg;
	struct gm_region *region[3];
};

static void set_a20(struct i8042 *s, bool on)
{
	if (on == s->a20)
		return;
	s->a20 = on;
	if (s->cfg.a20)
		s->cfg.a20(s->cfg.opaque, on);
}

static void update_irqs(struct i8042 *s)
{
	gm_irq_set(&s->cfg.irq_kbd, s->full && !s->aux && s->ram[0] & CCB_IRQ_KBD);
	gm_irq_set(&s->cfg.irq_mouse, s->full && s->aux && s->ram[0] & CCB_IRQ_AUX);
}

/* ---- output buffer ---- */

static void fill(struct i8042 *s, u8 byte, bool aux, bool from_device)
{
	/* A byte that overwrites another is a new edge on its line. */
	s->full = false;
	update_irqs(s);
	s->out = byte;
	s->full = true;
	s->aux = aux;
	s->from_device = from_device;
	update_irqs(s);
}

/* The keyboard's next byte as the guest will see it; false when there is none. */
static bool next_key_byte(struct i8042 *s, u8 *byte)
{
	while (ps2_kbd_get(&s->kbd, byte)) {
		if (!(s->ram[0] & CCB_TRANSLATE))
			return true;
		if (*byte == 0xf0) {
			s->break_prefix = true;
			continue;
		}
		*byte = ps2_translate(*byte) | (s->break_prefix ? 0x80 : 0);
		s->break_prefix = false;
		return true;
	}
	return false;
}

/* Puts the next byte into an empty output buffer, or arms the timer for it. */
static void pump(struct i8042 *s)
{
	u64 now = gm_clock_now(s->dev.m->clock), due = GM_TIME_NEVER;
	u8 byte;

	if (s->full)
		return;
	if (ps2_fifo_get(&s->answers, &byte)) {
		fill(s, byte, false, false);
		return;
	}
	if (now >= s->next_byte) {
		if (!(s->ram[0] & CCB_NO_KBD) && next_key_byte(s, &byte)) {
			fill(s, byte, false, true);
			return;
		}
		if (!(s->ram[0] & CCB_NO_AUX) && ps2_mouse_get(&s->mouse, now, &byte)) {
			fill(s, byte, true, true);
			return;
		}
	}
	if (!(s->ram[0] & CCB_NO_KBD) && (s->kbd.reply.count || s->kbd.keys.count))
		due = s->next_byte;
	if (!(s->ram[0] & CCB_NO_AUX))
		due = MIN(due, MAX(ps2_mouse_due(&s->mouse), s->next_byte));
	gm_timer_set(&s->timer, due);
}

static void pump_timer(void *opaque)
{
	pump(opaque);
}

/* The controller's own answer goes before what devices have to say. */
static void answer(struct i8042 *s, u8 byte)
{
	ps2_fifo_put(&s->answers, byte);
	pump(s);
}

static u8 read_data(struct i8042 *s)
{
	if (!s->full)
		return s->out;
	s->full = false;
	if (s->from_device)
		s->next_byte = gm_clock_now(s->dev.m->clock) + BYTE_NS;
	update_irqs(s);
	s->aux = false;
	pump(s);
	return s->out;
}

/* ---- commands ---- */

static u8 output_port(const struct i8042 *s)
{
	u8 val = OUT_NO_RESET | OUT_LINES;

	if (s->a20)
		val |= OUT_A20;
	if (s->full)
		val |= s->aux ? OUT_IRQ_AUX : OUT_IRQ_KBD;
	return val;
}

static void write_output_port(struct i8042 *s, u8 val)
{
	set_a20(s, val & OUT_A20);
	if (!(val & OUT_NO_RESET))
		gm_machine_request_reset(s->dev.m);
}

static void write_ram(struct i8042 *s, unsigned int i, u8 val)
{
	s->ram[i] = val;
	if (i == 0) {
		update_irqs(s);
		pump(s);
	}
}

static void write_command(struct i8042 *s, u8 val)
{
	s->last_command = true;
	s->command = 0;
	switch (val) {
	case 0x20 ... 0x3f:
		answer(s, s->ram[val & 31]);
		break;
	case 0x60 ... 0x7f:
	case 0xd1 ... 0xd4:
		s->command = val;
		break;
	case 0xa4: /* is there a password? no */
		answer(s, 0xf1);
		break;
	case 0xa7:
	case 0xa8:
		write_ram(s, 0, val & 1 ? s->ram[0] | CCB_NO_AUX : s->ram[0] & ~CCB_NO_AUX);
		break;
	case 0xa9: /* tests of the two lines: no error */
	case 0xab:
	case 0xe0: /* test inputs: both low */
		answer(s, 0x00);
		break;
	case 0xaa:
		s->ram[0] |= CCB_SYSTEM;
		answer(s, 0x55);
		break;
	case 0xad:
	case 0xae:
		write_ram(s, 0, val & 1 ? s->ram[0] | CCB_NO_KBD : s->ram[0] & ~CCB_NO_KBD);
		break;
	case 0xc0: /* input port: not locked */
		answer(s, 0x80);
		break;
	case 0xca: /* PS/2 mode */
		answer(s, 0x01);
		break;
	case 0xd0:
		answer(s, output_port(s));
		break;
	case 0xdd:
	case 0xdf:
		set_a20(s, val & 2);
		break;
	case 0xf0 ... 0xff: /* pulses the low four output lines whose bit is 0 */
		if (!(val & OUT_NO_RESET))
			gm_machine_request_reset(s->dev.m);
		break;
	}
}

static void write_data(struct i8042 *s, u8 val)
{
	u8 command = s->command;

	s->last_command = false;
	s->command = 0;
	switch (command) {
	case 0:
		/* Talking to the keyboard switches its line on. */
		s->ram[0] &= ~CCB_NO_KBD;
		ps2_kbd_write(&s->kbd, val);
		pump(s);
		break;
	case 0xd1:
		write_output_port(s, val);
		break;
	case 0xd2: /* as if the keyboard, or the mouse, had sent it */
	case 0xd3:
		fill(s, val, command & 1, false);
		break;
	case 0xd4:
		ps2_mouse_write(&s->mouse, val);
		pump(s);
		break;
	default:
		write_ram(s, command & 31, val);
	}
}

/* ---- ports ---- */

static u64 data_read(void *opaque, u64 off, unsigned int size)
{
	return read_data(opaque);
}

static void data_write(void *opaque, u64 off, unsigned int size, u64 val)
{
	write_data(opaque, (u8)val);
}

static u64 status_read(void *opaque, u64 off, unsigned int size)
{
	struct i8042 *s = opaque;
	u8 val = STS_UNLOCKED;

	pump(s); /* a guest that polls need not wait for the timer */
	if (s->full)
		val |= STS_OBF | (s->aux ? STS_AUX_OBF : 0);
	if (s->ram[0] & CCB_SYSTEM)
		val |= STS_SYSTEM;
	if (s->last_command)
		val |= STS_COMMAND;
	return val;
}

static void command_write(void *opaque, u64 off, unsigned int size, u64 val)
{
	write_command(opaque, (u8)val);
}

static u64 port92_read(void *opaque, u64 off, unsigned int size)
{
	struct i8042 *s = opaque;

	return (s->port92 & ~P92_A20) | (s->a20 ? P92_A20 : 0);
}

static void port92_write(void *opaque, u64 off, unsigned int size, u64 val)
{
	struct i8042 *s = opaque;

	if (val & ~s->port92 & P92_RESET)
		gm_machine_request_reset(s->dev.m);
	s->port92 = val & P92_RESET;
	set_a20(s, val & P92_A20);
}

static const struct {
	u16 port;
	struct gm_region_ops ops;
} ports[3] = {
	{0x60, {.name = "i8042-data", .read = data_read, .write = data_write, .max_size = 1}},
	{0x64, {.name = "i8042-cmd", .read = status_read, .write = command_write, .max_size = 1}},
	{0x92, {.name = "port92", .read = port92_read, .write = port92_write, .max_size = 1}},
};

/* ---- input from the user ---- */

static void sink_key(void *opaque, unsigned int key, bool down)
{
	struct i8042 *s = opaque;

	ps2_kbd_key(&s->kbd, key, down);
	pump(s);
}

static void sink_pointer(void *opaque, int dx, int dy, int dz, unsigned int buttons)
{
	struct i8042 *s = opaque;

	ps2_mouse_move(&s->mouse, dx, dy, dz, buttons);
	pump(s);
}

static bool sink_ready(void *opaque)
{
	return ps2_kbd_room(&((struct i8042 *)opaque)->kbd);
}

static u8 sink_leds(void *opaque)
{
	return i8042_leds(opaque);
}

struct gm_input_sink i8042_input_sink(struct gm_dev *d)
{
	return (struct gm_input_sink){.key = sink_key, .pointer = sink_pointer,
				      .ready = sink_ready, .leds = sink_leds, .opaque = d};
}

u8 i8042_leds(struct gm_dev *d)
{
	return ((struct i8042 *)d)->kbd.leds;
}

/* ---- class ---- */

static void i8042_fini(struct gm_dev *d)
{
	struct i8042 *s = (struct i8042 *)d;

	gm_timer_cancel(&s->timer);
	for (size_t i = 0; i < ARRAY_SIZE(s->region); i++)
		if (s->region[i])
			gm_region_remove(s->region[i]);
}

static int i8042_init(struct gm_dev *d, const void *cfg)
{
	struct i8042 *s = (struct i8042 *)d;

	s->cfg = *(const struct i8042_cfg *)cfg;
	gm_timer_init(&s->timer, d->m->clock, pump_timer, s);
	ps2_kbd_reset(&s->kbd);
	ps2_mouse_reset(&s->mouse);
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
		s->region[i] = gm_region_add(d->m->pio, ports[i].port, 1, &ports[i].ops, s);
		if (!s->region[i]) {
			i8042_fini(d);
			return -ENOMEM;
		}
	}
	return 0;
}

/* The command byte is as firmware leaves it, for machines that start without firmware. */
static void i8042_reset(struct gm_dev *d)
{
	struct i8042 *s = (struct i8042 *)d;

	memset(s->ram, 0, sizeof(s->ram));
	s->ram[0] = CCB_IRQ_KBD | CCB_NO_AUX | CCB_TRANSLATE;
	s->out = s->command = s->port92 = 0;
	s->full = s->aux = s->from_device = s->last_command = s->break_prefix = false;
	ps2_fifo_clear(&s->answers);
	s->next_byte = 0;
	ps2_kbd_reset(&s->kbd);
	ps2_mouse_reset(&s->mouse);
	gm_timer_cancel(&s->timer);
	update_irqs(s);
	s->a20 = true;
	if (s->cfg.a20)
		s->cfg.a20(s->cfg.opaque, true);
}

static int i8042_loaded(struct gm_dev *d)
{
	struct i8042 *s = (struct i8042 *)d;

	if (!ps2_kbd_valid(&s->kbd) || !ps2_mouse_valid(&s->mouse) || !ps2_fifo_valid(&s->answers))
		return -EINVAL;
	if (s->cfg.a20)
		s->cfg.a20(s->cfg.opaque, s->a20);
	return 0;
}

static const struct gm_field i8042_fields[] = {
	GM_BYTES(struct i8042, ram),
	GM_U8(struct i8042, out),
	GM_U8(struct i8042, command),
	GM_U8(struct i8042, port92),
	GM_BOOL(struct i8042, full),
	GM_BOOL(struct i8042, aux),
	GM_BOOL(struct i8042, from_device),
	GM_BOOL(struct i8042, last_command),
	GM_BOOL(struct i8042, a20),
	GM_BOOL(struct i8042, break_prefix),
	GM_STRUCT(struct i8042, answers, &ps2_fifo_desc),
	GM_U64(struct i8042, next_byte),
	GM_STRUCT(struct i8042, kbd, &ps2_kbd_desc),
	GM_STRUCT(struct i8042, mouse, &ps2_mouse_desc),
	GM_TIMER(struct i8042, timer),
	GM_OMIT(struct i8042, cfg, "wiring, fixed at creation"),
	GM_OMIT(struct i8042, region, "place on the bus, fixed at creation"),
	GM_FIELDS_END,
};

static const struct gm_state_desc i8042_desc = {
	.name = "i8042", .version = 1, .size = sizeof(struct i8042), .fields = i8042_fields,
};

const struct gm_dev_class i8042_class = {
	.name = "i8042",
	.title = "keyboard controller with PS/2 keyboard and mouse",
	.size = sizeof(struct i8042),
	.state = &i8042_desc,
	.init = i8042_init,
	.reset = i8042_reset,
	.loaded = i8042_loaded,
	.fini = i8042_fini,
};

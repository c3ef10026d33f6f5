// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two 8237A DMA controllers (channels 0 to 3 move bytes, 5 to 7 words) and their page registers.
 *
 * A device calls dma_channel_transfer() while it holds its request; single, demand and block mode
 * do not differ for it, since nothing else competes for the bus. Channel 4 need not be programmed
 * as the cascade. Memory-to-memory transfers do not exist on a PC (channel 0's request belongs to
 * refresh): the command bit is kept without effect. Software requests show in the status register.
 *
 * Sources: Intel 8237A datasheet (231466-005); Intel 82371SB datasheet, section 2.5.1.
 */
#include "devices/isa/i8237.h"

#include <errno.h>

#define CMD_DISABLE   0x04

#define MODE_TYPE     0x0c
#define MODE_VERIFY   0x00
#define MODE_WRITE    0x04 /* to memory */
#define MODE_READ     0x08
#define MODE_AUTOINIT 0x10
#define MODE_DOWN     0x20
#define MODE_SELECT   0xc0
#define MODE_CASCADE  0xc0

struct dma_channel {
	u16 base_addr, base_count;
	u16 addr, count;
	u8 mode;
};

struct dma_chip {
	struct dma_channel ch[4];
	u8 command, mask;
	u8 request;   /* DREQ lines */
	u8 software;  /* request register */
	u8 done;      /* terminal count reached, until the status is read */
	bool high;    /* first/last flip-flop: the high byte is next */
};

struct i8237 {
	struct gm_dev dev;
	struct dma_chip chip[2];
	u8 page[16];  /* ports 80h to 8Fh; 80h is another device's */
	struct gm_region *region[3];
};

/* Page register (low nibble of its port) of each channel. */
static const u8 page_port[8] = {7, 3, 1, 2, 15, 11, 9, 10};

/* ---- the devices' side ---- */

static struct dma_channel *channel_of(struct gm_dev *d, unsigned int n, struct dma_chip **chip)
{
	struct i8237 *s = (struct i8237 *)d;

	if (n > 7 || n == 4)
		return NULL;
	*chip = &s->chip[n >> 2];
	return &(*chip)->ch[n & 3];
}

enum dma_dir dma_channel_direction(struct gm_dev *dma, unsigned int channel)
{
	struct dma_chip *chip;
	struct dma_channel *c = channel_of(dma, channel, &chip);

	if (!c || chip->command & CMD_DISABLE || chip->mask >> (channel & 3) & 1 ||
	    (c->mode & MODE_SELECT) == MODE_CASCADE)
		return DMA_IDLE;
	switch (c->mode & MODE_TYPE) {
	case MODE_VERIFY:
		return DMA_VERIFY;
	case MODE_WRITE:
		return DMA_TO_MEM;
	case MODE_READ:
		return DMA_FROM_MEM;
	}
	return DMA_IDLE;
}

u32 dma_channel_left(struct gm_dev *dma, unsigned int channel)
{
	struct dma_chip *chip;
	struct dma_channel *c = channel_of(dma, channel, &chip);

	return c ? (c->count + 1u) << (channel >> 2) : 0;
}

void dma_channel_request(struct gm_dev *dma, unsigned int channel, bool on)
{
	struct dma_chip *chip;

	if (!channel_of(dma, channel, &chip))
		return;
	if (on)
		chip->request |= BIT(channel & 3);
	else
		chip->request &= ~BIT(channel & 3);
}

static void move(struct i8237 *s, u64 gpa, u8 *buf, size_t len, enum dma_dir dir)
{
	if (dir == DMA_TO_MEM)
		gm_dma_write(s->dev.m->mem, gpa, buf, len);
	else if (dir == DMA_FROM_MEM)
		gm_dma_read(s->dev.m->mem, gpa, buf, len);
}

/* Moves `units` bytes or words; the 16-bit address wraps, the page stays. */
static void channel_move(struct i8237 *s, unsigned int n, struct dma_channel *c, u8 *buf,
			 u32 units, enum dma_dir dir)
{
	unsigned int shift = n >> 2;
	u64 page = (u64)(s->page[page_port[n]] & (shift ? 0xfe : 0xff)) << 16;
	u32 run;

	while (units) {
		run = c->mode & MODE_DOWN ? 1 : MIN(units, 0x10000u - c->addr);
		move(s, page + ((u32)c->addr << shift), buf, (size_t)run << shift, dir);
		c->addr += c->mode & MODE_DOWN ? -1 : (int)run;
		c->count -= run;
		buf += (size_t)run << shift;
		units -= run;
	}
}

static void terminal_count(struct dma_chip *chip, unsigned int n)
{
	struct dma_channel *c = &chip->ch[n];

	chip->done |= BIT(n);
	chip->software &= ~BIT(n);
	if (c->mode & MODE_AUTOINIT) {
		c->addr = c->base_addr;
		c->count = c->base_count;
	} else {
		chip->mask |= BIT(n);
	}
}

size_t dma_channel_transfer(struct gm_dev *dma, unsigned int channel, void *buf, size_t len,
			    bool *tc)
{
	struct i8237 *s = (struct i8237 *)dma;
	enum dma_dir dir = dma_channel_direction(dma, channel);
	struct dma_chip *chip = NULL;
	struct dma_channel *c = channel_of(dma, channel, &chip);
	unsigned int shift = channel >> 2;
	u32 units;

	*tc = false;
	if (dir == DMA_IDLE)
		return 0;
	units = MIN(len >> shift, (size_t)c->count + 1);
	if (!units)
		return 0;
	*tc = units == c->count + 1u;
	channel_move(s, channel, c, buf, units, dir);
	if (*tc)
		terminal_count(chip, channel & 3);
	return (size_t)units << shift;
}

/* ---- registers ---- */

static u8 chip_read_pair(struct dma_chip *chip, u16 val)
{
	u8 byte = chip->high ? val >> 8 : val & 0xff;

	chip->high = !chip->high;
	return byte;
}

static void chip_write_pair(struct dma_chip *chip, u16 *base, u16 *cur, u8 val)
{
	if (chip->high)
		*base = (*base & 0x00ff) | val << 8;
	else
		*base = (*base & 0xff00) | val;
	*cur = *base;
	chip->high = !chip->high;
}

static void set_bit(u8 *reg, u8 val)
{
	if (val & 4)
		*reg |= BIT(val & 3);
	else
		*reg &= ~BIT(val & 3);
}

static void chip_clear(struct dma_chip *chip)
{
	chip->command = chip->software = chip->done = 0;
	chip->mask = 0x0f;
	chip->high = false;
}

static void chip_write(struct dma_chip *chip, unsigned int reg, u8 val)
{
	struct dma_channel *c = &chip->ch[reg >> 1 & 3];

	switch (reg) {
	case 0 ... 7:
		if (reg & 1)
			chip_write_pair(chip, &c->base_count, &c->count, val);
		else
			chip_write_pair(chip, &c->base_addr, &c->addr, val);
		break;
	case 8:
		chip->command = val;
		break;
	case 9:
		set_bit(&chip->software, val);
		break;
	case 10:
		set_bit(&chip->mask, val);
		break;
	case 11:
		chip->ch[val & 3].mode = val & 0xfc;
		break;
	case 12:
		chip->high = false;
		break;
	case 13:
		chip_clear(chip);
		break;
	case 14:
		chip->mask = 0;
		break;
	case 15:
		chip->mask = val & 0x0f;
		break;
	}
}

static u8 chip_read(struct dma_chip *chip, unsigned int reg)
{
	struct dma_channel *c = &chip->ch[reg >> 1 & 3];
	u8 val;

	switch (reg) {
	case 0 ... 7:
		return chip_read_pair(chip, reg & 1 ? c->count : c->addr);
	case 8:
		val = (chip->request | chip->software) << 4 | chip->done;
		chip->done = 0;
		return val;
	case 13: /* temporary register: memory-to-memory only */
		return 0;
	case 15:
		return chip->mask | 0xf0;
	}
	return 0xff;
}

static u64 dma1_read(void *opaque, u64 off, unsigned int size)
{
	struct i8237 *s = opaque;

	return chip_read(&s->chip[0], (unsigned int)off);
}

static void dma1_write(void *opaque, u64 off, unsigned int size, u64 val)
{
	struct i8237 *s = opaque;

	chip_write(&s->chip[0], (unsigned int)off, (u8)val);
}

/* The second controller's registers stand at every other port. */
static u64 dma2_read(void *opaque, u64 off, unsigned int size)
{
	struct i8237 *s = opaque;

	return off & 1 ? 0xff : chip_read(&s->chip[1], (unsigned int)off >> 1);
}

static void dma2_write(void *opaque, u64 off, unsigned int size, u64 val)
{
	struct i8237 *s = opaque;

	if (!(off & 1))
		chip_write(&s->chip[1], (unsigned int)off >> 1, (u8)val);
}

static u64 page_read(void *opaque, u64 off, unsigned int size)
{
	return ((struct i8237 *)opaque)->page[(off + 1) & 15];
}

static void page_write(void *opaque, u64 off, unsigned int size, u64 val)
{
	((struct i8237 *)opaque)->page[(off + 1) & 15] = (u8)val;
}

static const struct {
	u16 base, len;
	struct gm_region_ops ops;
} ports[3] = {
	{0x00, 16, {.name = "dma1", .read = dma1_read, .write = dma1_write, .max_size = 1}},
	{0xc0, 32, {.name = "dma2", .read = dma2_read, .write = dma2_write, .max_size = 1}},
	{0x81, 15, {.name = "dma-page", .read = page_read, .write = page_write, .max_size = 1}},
};

/* ---- class ---- */

static void i8237_fini(struct gm_dev *d)
{
	struct i8237 *s = (struct i8237 *)d;

	for (size_t i = 0; i < ARRAY_SIZE(s->region); i++)
		if (s->region[i])
			gm_region_remove(s->region[i]);
}

static int i8237_init(struct gm_dev *d, const void *cfg)
{
	struct i8237 *s = (struct i8237 *)d;

	for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
		s->region[i] = gm_region_add(d->m->pio, ports[i].base, ports[i].len, &ports[i].ops,
					     s);
		if (!s->region[i]) {
			i8237_fini(d);
			return -ENOMEM;
		}
	}
	return 0;
}

static void i8237_reset(struct gm_dev *d)
{
	struct i8237 *s = (struct i8237 *)d;

	memset(s->chip, 0, sizeof(s->chip));
	memset(s->page, 0, sizeof(s->page));
	chip_clear(&s->chip[0]);
	chip_clear(&s->chip[1]);
}

static const struct gm_field channel_fields[] = {
	GM_U16(struct dma_channel, base_addr),
	GM_U16(struct dma_channel, base_count),
	GM_U16(struct dma_channel, addr),
	GM_U16(struct dma_channel, count),
	GM_U8(struct dma_channel, mode),
	GM_FIELDS_END,
};

static const struct gm_state_desc channel_desc = {
	.name = "channel", .version = 1, .size = sizeof(struct dma_channel),
	.fields = channel_fields,
};

static const struct gm_field chip_fields[] = {
	GM_STRUCTS(struct dma_chip, ch, struct dma_channel, &channel_desc),
	GM_U8(struct dma_chip, command),
	GM_U8(struct dma_chip, mask),
	GM_U8(struct dma_chip, request),
	GM_U8(struct dma_chip, software),
	GM_U8(struct dma_chip, done),
	GM_BOOL(struct dma_chip, high),
	GM_FIELDS_END,
};

static const struct gm_state_desc chip_desc = {
	.name = "chip", .version = 1, .size = sizeof(struct dma_chip), .fields = chip_fields,
};

static const struct gm_field i8237_fields[] = {
	GM_STRUCTS(struct i8237, chip, struct dma_chip, &chip_desc),
	GM_BYTES(struct i8237, page),
	GM_OMIT(struct i8237, region, "place on the bus, fixed at creation"),
	GM_FIELDS_END,
};

static const struct gm_state_desc i8237_desc = {
	.name = "i8237", .version = 1, .size = sizeof(struct i8237), .fields = i8237_fields,
};

const struct gm_dev_class i8237_class = {
	.name = "i8237",
	.title = "two Intel 8237A DMA controllers",
	.size = sizeof(struct i8237),
	.state = &i8237_desc,
	.init = i8237_init,
	.reset = i8237_reset,
	.fini = i8237_fini,
};

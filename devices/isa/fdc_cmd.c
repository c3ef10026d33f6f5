// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The floppy controller's commands: parameters in, results out, and those that move no data.
 * Follows the 82077AA data sheet (Intel 290166), section 5.
 */
#include "devices/isa/fdc_int.h"

void fdc_result(struct fdc *f, u8 n, bool irq)
{
	f->phase = FDC_RESULT;
	f->op = FDC_OP_NONE;
	f->fifo_pos = 0;
	f->fifo_len = n;
	if (irq)
		fdc_irq(f, true);
}

/* A command without result bytes is over. */
static void idle(struct fdc *f)
{
	f->phase = FDC_COMMAND;
	f->fifo_pos = f->fifo_len = 0;
}

void fdc_end(struct fdc *f, u8 st0, u8 st1, u8 st2)
{
	f->fifo[0] = (u8)(st0 | f->head << 2 | f->unit);
	f->fifo[1] = st1;
	f->fifo[2] = st2;
	f->fifo[3] = f->c;
	f->fifo[4] = f->h;
	f->fifo[5] = f->r;
	f->fifo[6] = f->n;
	fdc_result(f, 7, true);
}

static void invalid(struct fdc *f)
{
	f->fifo[0] = ST0_INVALID;
	fdc_result(f, 1, false);
}

/* ---- seeking ---- */

void fdc_seek(struct fdc *f, u8 unit, unsigned int track)
{
	struct fdc_drive *dr = fdc_drive(f, unit);

	if (!dr)
		return;
	dr->track = (u8)MIN(track, (unsigned int)FDC_TRACKS);
	/* A step pulse with a medium in the drive resets DSKCHG. */
	if (dr->blk)
		dr->changed = false;
}

static void seek_ended(struct fdc *f, u8 unit, u8 st0)
{
	/* It takes the place of what a reset left to be sensed. */
	if (f->after_reset)
		f->seek_done = 0;
	f->after_reset = false;
	f->seek_done |= (u8)(1 << unit);
	f->seek_st0[unit] = (u8)(st0 | unit);
	idle(f);
	fdc_irq(f, true);
}

static void cmd_recalibrate(struct fdc *f)
{
	u8 unit = f->fifo[1] & 3;
	struct fdc_drive *dr = fdc_drive(f, unit);

	/* No drive, or 79 steps were not enough: track 0 was not seen. */
	if (!dr || dr->track > 79) {
		if (dr)
			dr->track -= 79;
		seek_ended(f, unit, ST0_ABNORMAL | ST0_SE | ST0_EC);
		return;
	}
	fdc_seek(f, unit, 0);
	dr->pcn = 0;
	seek_ended(f, unit, ST0_SE);
}

static void cmd_seek(struct fdc *f)
{
	u8 unit = f->fifo[1] & 3, head = f->fifo[1] >> 2 & 1;
	struct fdc_drive *dr = fdc_drive(f, unit);
	int to;

	f->head = head;
	if (dr) {
		/* Relative to where the controller believes the heads are. */
		to = dr->track + f->fifo[2] - dr->pcn;
		fdc_seek(f, unit, (unsigned int)MAX(to, 0));
		dr->pcn = f->fifo[2];
	}
	seek_ended(f, unit, (u8)(ST0_SE | head << 2));
}

static void cmd_relative_seek(struct fdc *f)
{
	u8 unit = f->fifo[1] & 3, head = f->fifo[1] >> 2 & 1;
	struct fdc_drive *dr = fdc_drive(f, unit);
	int to;

	f->head = head;
	if (dr) {
		to = f->fifo[0] & 0x40 ? dr->track + f->fifo[2] : dr->track - f->fifo[2];
		fdc_seek(f, unit, (unsigned int)MAX(to, 0));
		dr->pcn = (u8)(f->fifo[0] & 0x40 ? dr->pcn + f->fifo[2] : dr->pcn - f->fifo[2]);
	}
	seek_ended(f, unit, (u8)(ST0_SE | head << 2));
}

static void cmd_sense_interrupt(struct fdc *f)
{
	struct fdc_drive *dr;
	u8 unit;

	if (!f->seek_done) {
		invalid(f);
		return;
	}
	unit = (u8)__builtin_ctz(f->seek_done);
	f->seek_done &= (u8)~(1 << unit);
	fdc_irq(f, false);
	dr = fdc_drive(f, unit);
	f->fifo[0] = f->seek_st0[unit];
	f->fifo[1] = dr ? dr->pcn : 0;
	fdc_result(f, 2, false);
}

/* ---- settings ---- */

static void cmd_sense_drive(struct fdc *f)
{
	u8 unit = f->fifo[1] & 3, head = f->fifo[1] >> 2 & 1;
	struct fdc_drive *dr = fdc_drive(f, unit);

	f->head = head;
	/* Bits 5 and 3, ready and two sides, are always 1. */
	f->fifo[0] = (u8)(0x28 | head << 2 | unit);
	if (dr && !dr->track)
		f->fifo[0] |= 0x10;
	if (dr && dr->blk && gm_blk_readonly(dr->blk))
		f->fifo[0] |= 0x40;
	fdc_result(f, 1, false);
}

static void cmd_specify(struct fdc *f)
{
	f->specify[0] = f->fifo[1];
	f->specify[1] = f->fifo[2];
	idle(f);
}

static void cmd_configure(struct fdc *f)
{
	memcpy(f->config, f->fifo + 1, 3);
	idle(f);
}

static void cmd_version(struct fdc *f)
{
	f->fifo[0] = 0x90;
	fdc_result(f, 1, false);
}

static void cmd_lock(struct fdc *f)
{
	f->lock = f->fifo[0] & 0x80;
	f->fifo[0] = f->lock ? 0x10 : 0;
	fdc_result(f, 1, false);
}

static void cmd_perpendicular(struct fdc *f)
{
	u8 v = f->fifo[1];

	/* The drives' bits change only with the overwrite bit. */
	f->perpendicular = (u8)((v & 0x80 ? v & 0x3c : f->perpendicular & 0x3c) | (v & 3));
	idle(f);
}

static void cmd_powerdown(struct fdc *f)
{
	f->powerdown = f->fifo[1] & 0x37;
	f->fifo[0] = f->powerdown;
	fdc_result(f, 1, false);
}

static void cmd_dumpreg(struct fdc *f)
{
	f->fifo[0] = f->drive[0].pcn;
	f->fifo[1] = f->drive[1].pcn;
	f->fifo[2] = f->fifo[3] = 0;
	f->fifo[4] = f->specify[0];
	f->fifo[5] = f->specify[1];
	f->fifo[6] = f->eot;
	f->fifo[7] = (u8)((f->lock ? 0x80 : 0) | (f->perpendicular & 0x3f));
	f->fifo[8] = f->config[1];
	f->fifo[9] = f->config[2];
	fdc_result(f, 10, false);
}

/* ---- data ---- */

static void cmd_read(struct fdc *f)
{
	fdc_transfer(f, FDC_OP_READ);
}

static void cmd_read_deleted(struct fdc *f)
{
	fdc_transfer(f, FDC_OP_READ_DELETED);
}

static void cmd_read_track(struct fdc *f)
{
	fdc_transfer(f, FDC_OP_READ_TRACK);
}

/* An image has no address marks: deleted data are written as data. */
static void cmd_write(struct fdc *f)
{
	fdc_transfer(f, FDC_OP_WRITE);
}

static void cmd_verify(struct fdc *f)
{
	fdc_transfer(f, FDC_OP_VERIFY);
}

static void cmd_format(struct fdc *f)
{
	fdc_transfer(f, FDC_OP_FORMAT);
}

static void cmd_scan_equal(struct fdc *f)
{
	fdc_transfer(f, FDC_OP_SCAN_EQUAL);
}

static void cmd_scan_low(struct fdc *f)
{
	fdc_transfer(f, FDC_OP_SCAN_LOW);
}

static void cmd_scan_high(struct fdc *f)
{
	fdc_transfer(f, FDC_OP_SCAN_HIGH);
}

/* The next address mark that passes under the head. */
static void cmd_read_id(struct fdc *f)
{
	struct fdc_drive *dr;

	f->unit = f->fifo[1] & 3;
	f->head = f->fifo[1] >> 2 & 1;
	dr = fdc_drive(f, f->unit);
	f->c = f->h = f->r = f->n = 0;
	if (!fdc_track_readable(f, f->unit, f->fifo[0] & 0x40) || f->head >= dr->fmt->heads) {
		fdc_end(f, ST0_ABNORMAL, ST1_MA, 0);
		return;
	}
	dr->id = (u8)(dr->id % dr->fmt->sectors + 1);
	f->c = fdc_cylinder(f, f->unit);
	f->h = f->head;
	f->r = dr->id;
	f->n = 2;
	fdc_end(f, 0, 0, 0);
}

static const struct fdc_cmd {
	u8 code, mask; /* the first byte, and which of its bits count */
	u8 params;     /* bytes after it */
	void (*fn)(struct fdc *f);
} cmds[] = {
	{0x06, 0x1f, 8, cmd_read},
	{0x0c, 0x1f, 8, cmd_read_deleted},
	{0x02, 0xbf, 8, cmd_read_track},
	{0x05, 0x3f, 8, cmd_write},
	{0x09, 0x3f, 8, cmd_write},
	{0x16, 0x1f, 8, cmd_verify},
	{0x0d, 0xbf, 5, cmd_format},
	{0x11, 0x1f, 8, cmd_scan_equal},
	{0x19, 0x1f, 8, cmd_scan_low},
	{0x1d, 0x1f, 8, cmd_scan_high},
	{0x07, 0xff, 1, cmd_recalibrate},
	{0x08, 0xff, 0, cmd_sense_interrupt},
	{0x03, 0xff, 2, cmd_specify},
	{0x04, 0xff, 1, cmd_sense_drive},
	{0x0f, 0xff, 2, cmd_seek},
	{0x8f, 0xbf, 2, cmd_relative_seek},
	{0x13, 0xff, 3, cmd_configure},
	{0x0e, 0xff, 0, cmd_dumpreg},
	{0x10, 0xff, 0, cmd_version},
	{0x12, 0xff, 1, cmd_perpendicular},
	{0x14, 0x7f, 0, cmd_lock},
	{0x17, 0xff, 1, cmd_powerdown},
	{0x0a, 0xbf, 1, cmd_read_id},
};

static const struct fdc_cmd *cmd_find(u8 code)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cmds); i++)
		if ((code & cmds[i].mask) == cmds[i].code)
			return &cmds[i];
	return NULL;
}

static void command_byte(struct fdc *f, u8 val)
{
	const struct fdc_cmd *c = cmd_find(f->fifo_pos ? f->fifo[0] : val);

	f->fifo[f->fifo_pos++] = val;
	if (!c) {
		invalid(f);
		return;
	}
	/* The interrupt of a reset or seek goes with SENSE INTERRUPT; others end with it, too. */
	if (f->fifo_pos == 1 && val != 0x08)
		fdc_irq(f, false);
	if (f->fifo_pos > c->params)
		c->fn(f);
}

void fdc_fifo_write(struct fdc *f, u8 val)
{
	if (f->phase == FDC_COMMAND) {
		command_byte(f, val);
	} else if (f->phase == FDC_PIO_OUT) {
		f->buf[f->buf_pos++] = val;
		fdc_pio_next(f);
	}
}

u8 fdc_fifo_read(struct fdc *f)
{
	u8 val;

	if (f->phase == FDC_PIO_IN) {
		val = f->buf[f->buf_pos++];
		fdc_pio_next(f);
		return val;
	}
	if (f->phase != FDC_RESULT)
		return 0;
	val = f->fifo[f->fifo_pos++];
	fdc_irq(f, false);
	if (f->fifo_pos == f->fifo_len)
		idle(f);
	return val;
}

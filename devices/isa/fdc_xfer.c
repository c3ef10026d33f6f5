// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Floppy commands that move sectors. Media formats follow the IBM PC's from 160 KB to 2.88 MB;
 * errors and the sector ID at the end follow the 82077AA data sheet (Intel 290166), sections 5.1
 * and 5.2 and table 5.
 *
 * Up to a side of a track is read or written by one request; by DMA it then moves in one go. An
 * image shorter than its format reads as zeros behind its end.
 */
#include <errno.h>
#include "devices/isa/fdc_int.h"
#include "devices/isa/i8237.h"

/* Data rate codes */
#define RATE_500 0
#define RATE_300 1
#define RATE_250 2
#define RATE_1M  3

static const struct fdc_format formats[] = {
	{160, 40, 1, 8, RATE_250, FDC_DRIVE_360K},
	{180, 40, 1, 9, RATE_250, FDC_DRIVE_360K},
	{320, 40, 2, 8, RATE_250, FDC_DRIVE_360K},
	{360, 40, 2, 9, RATE_250, FDC_DRIVE_360K},
	{640, 80, 2, 8, RATE_250, FDC_DRIVE_1440K},
	{720, 80, 2, 9, RATE_250, FDC_DRIVE_1440K},
	{800, 80, 2, 10, RATE_250, FDC_DRIVE_1440K},
	{1200, 80, 2, 15, RATE_500, FDC_DRIVE_1200K},
	{1440, 80, 2, 18, RATE_500, FDC_DRIVE_1440K},
	{1600, 80, 2, 20, RATE_500, FDC_DRIVE_1440K},
	{1680, 80, 2, 21, RATE_500, FDC_DRIVE_1440K},
	{1722, 82, 2, 21, RATE_500, FDC_DRIVE_1440K},
	{2880, 80, 2, 36, RATE_1M, FDC_DRIVE_2880K},
};

/* The format of exactly this size, or else one that it fits into: 1.44 or 2.88 MB. */
const struct fdc_format *fdc_format_find(u64 size)
{
	const struct fdc_format *fallback = NULL;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		if (size == formats[i].kib * KiB)
			return &formats[i];
		if (formats[i].kib == 1440 || (formats[i].kib == 2880 && size > 1440 * KiB))
			fallback = &formats[i];
	}
	return fallback;
}

/* ---- what is under the heads ---- */

/* A drive of 80 tracks steps twice for each cylinder of a medium of 40. */
static u8 steps(const struct fdc_drive *dr)
{
	return dr->type != FDC_DRIVE_360K && dr->fmt->cyls <= 42 ? 2 : 1;
}

/* The 1.2 MB drive turns faster: what is 250 kbit/s elsewhere is 300 there. */
static u8 rate(const struct fdc_drive *dr)
{
	if (dr->type == FDC_DRIVE_1200K && dr->fmt->rate == RATE_250)
		return RATE_300;
	return dr->fmt->rate;
}

u8 fdc_cylinder(const struct fdc *f, u8 unit)
{
	const struct fdc_drive *dr = &f->drive[unit];

	return (u8)(dr->track / steps(dr));
}

bool fdc_track_readable(struct fdc *f, u8 unit, bool mfm)
{
	struct fdc_drive *dr = fdc_drive(f, unit);

	return dr && dr->blk && mfm && f->ccr == rate(dr) && dr->track % steps(dr) == 0 &&
	       fdc_cylinder(f, unit) < dr->fmt->cyls;
}

static u64 sector_offset(struct fdc *f)
{
	const struct fdc_format *fmt = f->drive[f->unit].fmt;
	u64 cyl = fdc_cylinder(f, f->unit);

	return ((cyl * fmt->heads + f->head) * fmt->sectors + f->r - 1) * FDC_SECTOR;
}

/* ---- the end of a command ---- */

/* Table 5: the ID in the result is that of the sector after the last one handled. */
static void id_advance(struct fdc *f)
{
	if (f->r != f->eot) {
		f->r++;
		return;
	}
	f->r = 1;
	if (!f->mt) {
		f->c++;
		return;
	}
	if (f->h & 1)
		f->c++;
	f->h ^= 1;
}

static void xfer_end(struct fdc *f, u8 st0, u8 st1)
{
	fdc_end(f, st0, st1, f->st2);
}

static void exec_next(struct fdc *f);

/* n sectors from r on are done. Is there more to do? */
static void sectors_done(struct fdc *f, u16 n)
{
	bool last;

	f->r = (u8)(f->r + n - 1);
	last = f->r == f->eot;
	if (f->tc) {
		id_advance(f);
		xfer_end(f, 0, 0);
		return;
	}
	if (f->op == FDC_OP_VERIFY && f->count) {
		f->count = (u8)(f->count - MIN(n, f->count));
		if (!f->count) {
			id_advance(f);
			xfer_end(f, 0, 0);
			return;
		}
	}
	if (!last) {
		f->r++;
		exec_next(f);
		return;
	}
	if (f->mt && !f->head && f->drive[f->unit].fmt->heads > 1) {
		f->r = 1;
		f->head = 1;
		f->h |= 1;
		exec_next(f);
		return;
	}
	/* The end of the cylinder without terminal count. VERIFY has no such signal: it is done. */
	id_advance(f);
	if (f->op == FDC_OP_VERIFY)
		xfer_end(f, 0, 0);
	else
		xfer_end(f, ST0_ABNORMAL, ST1_EN);
}

/* ---- between the host and the buffer ---- */

static bool pio_mode(const struct fdc *f)
{
	return f->specify[1] & 1;
}

static void pio_begin(struct fdc *f, bool in, u16 len)
{
	f->phase = in ? FDC_PIO_IN : FDC_PIO_OUT;
	f->buf_pos = 0;
	f->buf_len = len;
	fdc_irq(f, true);
}

/* Moves len bytes by DMA; false, with the command ended, when nobody serves the request. */
static bool dma_move(struct fdc *f, u32 len, u32 *moved)
{
	bool tc = false;

	*moved = (u32)dma_channel_transfer(f->dma, f->dma_channel, f->buf, len, &tc);
	f->tc = tc;
	if (*moved == len || tc)
		return true;
	xfer_end(f, ST0_ABNORMAL, ST1_OR);
	return false;
}

static u16 sectors_of(u32 bytes)
{
	return (u16)((bytes + FDC_SECTOR - 1) / FDC_SECTOR);
}

/* ---- back end ---- */

static void blk_finished(struct fdc *f, int err);

static void blk_done(struct gm_blk_req *req, int err)
{
	struct fdc *f = req->opaque;

	f->inflight = false;
	if (!f->cancel)
		blk_finished(f, err);
}

static bool op_writes(const struct fdc *f)
{
	return f->op == FDC_OP_WRITE || f->op == FDC_OP_FORMAT;
}

/* Reads or writes `chunk` sectors from r on. */
static void blk_go(struct fdc *f)
{
	struct gm_blk *blk = f->drive[f->unit].blk;
	u64 off = sector_offset(f), len = f->chunk * FDC_SECTOR, size;

	f->phase = FDC_BLK;
	f->deferred = f->paused;
	if (f->paused)
		return;
	if (!blk) {
		xfer_end(f, ST0_ABNORMAL, ST1_MA);
		return;
	}
	size = gm_blk_size(blk);
	if (!op_writes(f)) {
		memset(f->buf, 0, len);
		off = MIN(off, size);
		len = MIN(len, size - off);
	}
	f->iov.iov_base = f->buf;
	f->iov.iov_len = len;
	f->req.op = op_writes(f) ? GM_BLK_WRITE : GM_BLK_READ;
	f->req.offset = off;
	f->req.len = len;
	f->req.iov = &f->iov;
	f->req.iovcnt = 1;
	f->req.done = blk_done;
	f->req.opaque = f;
	f->inflight = true;
	gm_blk_submit(blk, &f->req);
}

void fdc_resume_xfer(struct fdc *f)
{
	if (f->deferred)
		blk_go(f);
}

/* SCAN: compares the sector in `disk` with what the host sent; FFh matches anything. */
static bool scan_match(struct fdc *f, const u8 *disk)
{
	bool equal = true;
	u32 i;

	for (i = 0; i < FDC_SECTOR; i++) {
		u8 d = disk[i], h = f->buf[i];

		if (d == h || d == 0xff || h == 0xff)
			continue;
		equal = false;
		if (f->op == FDC_OP_SCAN_EQUAL || (f->op == FDC_OP_SCAN_LOW && d > h) ||
		    (f->op == FDC_OP_SCAN_HIGH && d < h))
			return false;
	}
	f->st2 = (u8)((f->st2 & ~ST2_SN) | (equal ? ST2_SH : 0));
	return true;
}

static void scan_finished(struct fdc *f)
{
	u8 disk[FDC_SECTOR];
	u32 moved;
	bool hit;

	memcpy(disk, f->buf, sizeof(disk));
	memset(f->buf, 0xff, FDC_SECTOR);
	if (!dma_move(f, FDC_SECTOR, &moved))
		return;
	f->st2 |= ST2_SN;
	hit = scan_match(f, disk);
	if (hit || (f->r == f->eot && (!f->mt || f->head))) {
		xfer_end(f, 0, 0);
		return;
	}
	sectors_done(f, 1);
}

static void read_finished(struct fdc *f)
{
	u32 moved;

	if (pio_mode(f)) {
		pio_begin(f, true, (u16)(f->chunk * FDC_SECTOR));
		return;
	}
	if (!dma_move(f, f->chunk * FDC_SECTOR, &moved))
		return;
	/* A sector with the other address mark is the last one. */
	if (f->op == FDC_OP_READ_DELETED) {
		id_advance(f);
		xfer_end(f, 0, 0);
		return;
	}
	sectors_done(f, sectors_of(MAX(moved, 1u)));
}

static void format_next(struct fdc *f);

static void blk_finished(struct fdc *f, int err)
{
	if (err) {
		f->st2 |= op_writes(f) ? 0 : ST2_DD;
		xfer_end(f, ST0_ABNORMAL, ST1_DE);
		return;
	}
	switch (f->op) {
	case FDC_OP_READ:
	case FDC_OP_READ_DELETED:
	case FDC_OP_READ_TRACK:
		read_finished(f);
		break;
	case FDC_OP_FORMAT:
		f->count--;
		format_next(f);
		break;
	case FDC_OP_WRITE:
	case FDC_OP_VERIFY:
		sectors_done(f, f->chunk);
		break;
	default:
		scan_finished(f);
	}
}

/* ---- execution ---- */

/* Looks for the ID c/h/r/n under the head; on failure ends the command with what is wrong. */
static bool id_find(struct fdc *f)
{
	const struct fdc_format *fmt = f->drive[f->unit].fmt;
	u8 cyl = fdc_cylinder(f, f->unit);

	if (f->c != cyl) {
		f->st2 |= f->c == 0xff ? ST2_BC | ST2_WC : ST2_WC;
		xfer_end(f, ST0_ABNORMAL, ST1_ND);
		return false;
	}
	if (f->head >= fmt->heads) {
		xfer_end(f, ST0_ABNORMAL, ST1_MA);
		return false;
	}
	if (f->h != f->head || !f->r || f->r > fmt->sectors || f->n != 2) {
		xfer_end(f, ST0_ABNORMAL, ST1_ND);
		return false;
	}
	return true;
}

static void write_next(struct fdc *f)
{
	u32 moved, len = f->chunk * FDC_SECTOR;

	memset(f->buf, 0, len);
	if (pio_mode(f)) {
		pio_begin(f, false, (u16)len);
		return;
	}
	if (!dma_move(f, len, &moved))
		return;
	/* The rest of a sector at terminal count is zeros. */
	f->chunk = sectors_of(MAX(moved, 1u));
	blk_go(f);
}

static void exec_next(struct fdc *f)
{
	const struct fdc_format *fmt = f->drive[f->unit].fmt;
	u8 last;

	if (!id_find(f))
		return;
	last = f->eot >= f->r ? MIN(f->eot, fmt->sectors) : fmt->sectors;
	f->chunk = (u16)(last - f->r + 1);
	if (f->op >= FDC_OP_SCAN_EQUAL || f->op == FDC_OP_READ_DELETED)
		f->chunk = 1;
	if (f->op == FDC_OP_VERIFY && f->count)
		f->chunk = MIN(f->chunk, (u16)f->count);
	if (f->op == FDC_OP_WRITE)
		write_next(f);
	else
		blk_go(f);
}

/* ---- FORMAT TRACK: the host sends the ID of each sector, which is then filled ---- */

static void format_sector(struct fdc *f)
{
	const struct fdc_format *fmt = f->drive[f->unit].fmt;

	f->c = f->buf[0];
	f->h = f->buf[1];
	f->r = f->buf[2];
	f->n = f->buf[3];
	/* An image holds the sectors of its format and no others. */
	if (f->head >= fmt->heads || f->c != fdc_cylinder(f, f->unit) || f->h != f->head ||
	    !f->r || f->r > fmt->sectors || f->n != 2) {
		xfer_end(f, ST0_ABNORMAL, ST1_MA);
		return;
	}
	memset(f->buf, f->filler, FDC_SECTOR);
	f->chunk = 1;
	blk_go(f);
}

static void format_next(struct fdc *f)
{
	u32 moved;

	if (!f->count || f->tc) {
		xfer_end(f, 0, 0);
		return;
	}
	memset(f->buf, 0, 4);
	if (pio_mode(f)) {
		pio_begin(f, false, 4);
		return;
	}
	if (dma_move(f, 4, &moved))
		format_sector(f);
}

/* ---- programmed I/O: another byte has passed ---- */

void fdc_pio_next(struct fdc *f)
{
	fdc_irq(f, false);
	if (f->buf_pos < f->buf_len) {
		fdc_irq(f, true);
		return;
	}
	if (f->op == FDC_OP_FORMAT)
		format_sector(f);
	else if (f->op == FDC_OP_WRITE)
		blk_go(f);
	else
		sectors_done(f, f->chunk);
}

/* ---- start ---- */

static void params_rw(struct fdc *f)
{
	const u8 *p = f->fifo;

	f->mt = p[0] & 0x80 && f->op != FDC_OP_READ_TRACK;
	f->skip = p[0] & 0x20;
	f->c = p[2];
	f->h = p[3];
	f->r = p[4];
	f->n = p[5];
	f->eot = p[6];
	/* VERIFY with EC: as many sectors as DTL says. */
	f->count = f->op == FDC_OP_VERIFY && p[1] & 0x80 ? p[8] : 0;
	if (f->op == FDC_OP_READ_TRACK)
		f->r = 1;
	if (f->config[1] & CONFIG_EIS && fdc_drive(f, f->unit) && f->drive[f->unit].fmt) {
		fdc_seek(f, f->unit, f->c * steps(&f->drive[f->unit]));
		f->drive[f->unit].pcn = f->drive[f->unit].track;
	}
}

static void params_format(struct fdc *f)
{
	f->mt = false;
	f->c = f->h = f->r = 0;
	f->n = f->fifo[2];
	f->eot = f->count = f->fifo[3];
	f->filler = f->fifo[5];
}

void fdc_transfer(struct fdc *f, enum fdc_op op)
{
	f->op = (u8)op;
	f->unit = f->fifo[1] & 3;
	f->head = f->fifo[1] >> 2 & 1;
	f->st2 = 0;
	f->tc = false;
	if (op == FDC_OP_FORMAT)
		params_format(f);
	else
		params_rw(f);
	if (!fdc_track_readable(f, f->unit, f->fifo[0] & 0x40)) {
		xfer_end(f, ST0_ABNORMAL, ST1_MA);
		return;
	}
	if (op_writes(f) && gm_blk_readonly(f->drive[f->unit].blk)) {
		xfer_end(f, ST0_ABNORMAL, ST1_NW);
		return;
	}
	/* All data of an image are plain data: skipping those leaves nothing to read. */
	if (op == FDC_OP_READ_DELETED) {
		f->st2 = ST2_CM;
		if (f->skip) {
			xfer_end(f, ST0_ABNORMAL, ST1_ND);
			return;
		}
	}
	/* SCAN compares with what comes by DMA only. */
	if (op >= FDC_OP_SCAN_EQUAL && pio_mode(f)) {
		xfer_end(f, ST0_ABNORMAL, ST1_OR);
		return;
	}
	if (op == FDC_OP_FORMAT)
		format_next(f);
	else
		exec_next(f);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Moves the data of a command between the host side (the data register or the bus master) and the
 * back end, in chunks. By PIO a chunk is buffered and passed on in DRQ blocks; by DMA the back end
 * reads and writes guest memory itself, unless the descriptors name other than RAM or cut units
 * in pieces: then it goes through the buffer.
 *
 * Every request to the back end can be made again from the saved fields (lba, left, chunk, buffer,
 * bm.cur), so that a machine can be stopped and saved at any time.
 * Follows ATA/ATAPI-6, section 9 (protocols).
 */
#include <errno.h>
#include "devices/ide/ide_int.h"

static void xfer_go(struct ide_channel *ch);

static void status_set(struct ide_drive *d, u8 set, u8 clear)
{
	d->status = (u8)((d->status & ~clear) | set);
}

void ide_complete(struct ide_channel *ch)
{
	struct ide_drive *d = ide_active(ch);

	if (ch->dma)
		bm_done(ch);
	ch->phase = IDE_IDLE;
	if (ch->packet) {
		atapi_done(d);
		return;
	}
	ch->op = IDE_OP_NONE;
	ata_ok(d);
}

static void xfer_fail(struct ide_channel *ch, int err)
{
	struct ide_drive *d = ide_active(ch);

	if (ch->dma)
		bm_done(ch);
	ch->phase = IDE_IDLE;
	ch->op = IDE_OP_NONE;
	if (ch->packet)
		atapi_failed(d, err);
	else
		ata_failed(d, err);
}

/* The drive has more data than the descriptors have room: it waits for ever, the bus master is
 * idle and there is no interrupt (82371SB, table in 3.5.3). */
static void xfer_stuck(struct ide_channel *ch)
{
	ch->bm.status &= ~BM_ACTIVE;
	ch->phase = IDE_STUCK;
	status_set(ide_active(ch), ST_DRQ | ST_DRDY, ST_BSY);
}

/* ---- PIO ---- */

/* Offers or asks for the next DRQ block of the buffer. */
static void drq_next(struct ide_channel *ch, bool in, bool irq)
{
	struct ide_drive *d = ide_active(ch);

	ch->phase = in ? IDE_PIO_IN : IDE_PIO_OUT;
	ch->drq_end = ch->buf_pos + MIN(ch->block, ch->buf_end - ch->buf_pos);
	status_set(d, ST_DRDY | ST_DSC | ST_DRQ, ST_BSY);
	if (ch->packet) {
		u32 n = ch->drq_end - ch->buf_pos;

		d->tf[R_NSECT] = in ? IREASON_IO : 0;
		d->tf[R_LBAM] = (u8)n;
		d->tf[R_LBAH] = (u8)(n >> 8);
	}
	if (irq)
		ide_irq_raise(d);
}

/* A chunk to be written is collected from the host. */
static void out_begin(struct ide_channel *ch, bool irq)
{
	ch->chunk = MIN(ch->left, (u32)(IDE_BUF / ch->unit));
	ch->buf_pos = 0;
	ch->buf_end = ch->chunk * ch->unit;
	drq_next(ch, false, irq);
}

static void accepted(struct ide_channel *ch)
{
	struct ide_drive *d = ide_active(ch);

	ch->phase = IDE_IDLE;
	status_set(d, 0, ST_DRQ);
	if (ch->packet)
		atapi_accepted(d);
	else
		ata_accepted(d);
}

/* The host has read a whole DRQ block. */
static void in_block_done(struct ide_channel *ch)
{
	struct ide_drive *d = ide_active(ch);

	status_set(d, 0, ST_DRQ);
	if (ch->buf_pos < ch->buf_end) {
		drq_next(ch, true, true);
	} else if (ch->op == IDE_OP_READ && ch->left) {
		xfer_go(ch);
	} else if (ch->packet) {
		ide_complete(ch);
	} else {
		/* PIO data-in ends with its last block, without another interrupt. */
		ch->phase = IDE_IDLE;
		ch->op = IDE_OP_NONE;
		status_set(d, ST_DRDY | ST_DSC, ST_BSY);
	}
}

static void out_block_done(struct ide_channel *ch)
{
	status_set(ide_active(ch), 0, ST_DRQ);
	if (ch->buf_pos < ch->buf_end)
		drq_next(ch, false, true);
	else if (ch->op == IDE_OP_ACCEPT)
		accepted(ch);
	else
		xfer_go(ch);
}

u32 ide_data_read(struct ide_channel *ch, unsigned int size)
{
	u32 val = 0, n;

	if (ch->phase != IDE_PIO_IN || ch->cmd_drive != ch->select)
		return ~0u;
	n = MIN((u32)size, ch->drq_end - ch->buf_pos);
	memcpy(&val, ch->buf + ch->buf_pos, n);
	ch->buf_pos += n;
	if (ch->buf_pos == ch->drq_end)
		in_block_done(ch);
	return val;
}

void ide_data_write(struct ide_channel *ch, unsigned int size, u32 val)
{
	u32 n;

	if (ch->phase != IDE_PIO_OUT || ch->cmd_drive != ch->select)
		return;
	n = MIN((u32)size, ch->drq_end - ch->buf_pos);
	memcpy(ch->buf + ch->buf_pos, &val, n);
	ch->buf_pos += n;
	if (ch->buf_pos == ch->drq_end)
		out_block_done(ch);
}

/* ---- the back end ---- */

static void units_done(struct ide_channel *ch)
{
	ch->lba += ch->chunk;
	ch->left -= MIN(ch->chunk, ch->left);
}

/* All data of a write are in the back end; on to stable storage if the command wants that. */
static void write_end(struct ide_channel *ch)
{
	if (ch->fua) {
		ch->fua = false;
		ch->op = IDE_OP_FLUSH;
		xfer_go(ch);
		return;
	}
	ide_complete(ch);
}

static void dma_blk_done(struct ide_channel *ch)
{
	if (ch->bounce && ch->op == IDE_OP_READ) {
		u32 len = ch->chunk * ch->out_unit;

		if (ch->out_unit != ch->unit)
			atapi_expand(ch, ch->chunk);
		if (bm_copy(ch, ch->buf, len, true) < len) {
			xfer_stuck(ch);
			return;
		}
	}
	ch->bm.cur = ch->bm.next;
	units_done(ch);
	if (ch->left)
		xfer_go(ch);
	else if (ch->op == IDE_OP_WRITE)
		write_end(ch);
	else
		ide_complete(ch);
}

static void pio_blk_done(struct ide_channel *ch)
{
	u32 n = ch->chunk;

	if (ch->op == IDE_OP_READ && ch->out_unit != ch->unit)
		atapi_expand(ch, n);
	units_done(ch);
	if (ch->op == IDE_OP_READ) {
		ch->buf_pos = 0;
		ch->buf_end = n * ch->out_unit;
		drq_next(ch, true, true);
	} else if (ch->left) {
		out_begin(ch, true);
	} else {
		write_end(ch);
	}
}

static void blk_done(struct gm_blk_req *req, int err)
{
	struct ide_channel *ch = req->opaque;

	ch->inflight = false;
	if (req->op == GM_BLK_READ && ch->dma && !ch->bounce)
		bm_dirty(ch);
	if (ch->cancel)
		return;
	if (err) {
		xfer_fail(ch, err);
		return;
	}
	switch (ch->op) {
	case IDE_OP_READ:
	case IDE_OP_WRITE:
		if (ch->dma)
			dma_blk_done(ch);
		else
			pio_blk_done(ch);
		break;
	case IDE_OP_VERIFY:
		units_done(ch);
		if (ch->left) {
			xfer_go(ch);
			break;
		}
		ide_complete(ch);
		break;
	case IDE_OP_TRIM:
		xfer_go(ch);
		break;
	default:
		ide_complete(ch);
	}
}

static void blk_submit(struct ide_channel *ch, enum gm_blk_op op, u64 off, u64 len)
{
	struct gm_blk *blk = ide_active(ch)->blk;

	if (!blk) {
		xfer_fail(ch, -ENOMEDIUM);
		return;
	}
	ch->req.op = op;
	ch->req.offset = off;
	ch->req.len = len;
	ch->req.iov = ch->iov;
	ch->req.iovcnt = ch->iovs;
	ch->req.done = blk_done;
	ch->req.opaque = ch;
	ch->inflight = true;
	gm_blk_submit(blk, &ch->req);
}

static void iov_buffer(struct ide_channel *ch, u32 len)
{
	ch->iov[0].iov_base = ch->buf;
	ch->iov[0].iov_len = len;
	ch->iovs = 1;
}

static void dma_submit(struct ide_channel *ch)
{
	bool in = ch->op == IDE_OP_READ;
	u32 want, n = 0;

	ch->bounce = false;
	if (ch->unit == ch->out_unit) {
		want = MIN(ch->left, IDE_DMA_MAX / ch->unit) * ch->unit;
		n = bm_gather(ch, want, ch->unit, in);
	}
	if (!n) {
		ch->bounce = true;
		want = MIN(ch->left, IDE_BUF / ch->out_unit);
		n = want * ch->unit;
		if (!in) {
			n = bm_copy(ch, ch->buf, n, false);
			n -= n % ch->unit;
		} else if (ch->bm.cur.eot && !ch->bm.cur.seg_left) {
			n = 0;
		}
		iov_buffer(ch, n);
	}
	if (!n || ch->bm.status & BM_ERROR) {
		xfer_stuck(ch);
		return;
	}
	ch->chunk = n / ch->unit;
	blk_submit(ch, in ? GM_BLK_READ : GM_BLK_WRITE, ch->lba * ch->unit, n);
}

static void pio_submit(struct ide_channel *ch)
{
	u32 len;

	if (ch->op != IDE_OP_WRITE)
		ch->chunk = MIN(ch->left, IDE_BUF / ch->out_unit);
	len = ch->chunk * ch->unit;
	iov_buffer(ch, len);
	blk_submit(ch, ch->op == IDE_OP_WRITE ? GM_BLK_WRITE : GM_BLK_READ, ch->lba * ch->unit,
		   len);
}

static void trim_submit(struct ide_channel *ch)
{
	u64 off, len;

	ch->iovs = 0;
	if (ata_trim_next(ide_active(ch), &off, &len))
		blk_submit(ch, GM_BLK_DISCARD, off, len);
	else
		ide_complete(ch);
}

/* Makes the next request of the command, or remembers to while the machine stands still. */
static void xfer_go(struct ide_channel *ch)
{
	ch->phase = IDE_BLK;
	status_set(ide_active(ch), ST_BSY, ST_DRQ);
	if (ch->dev->paused) {
		ch->deferred = true;
		return;
	}
	ch->deferred = false;
	switch (ch->op) {
	case IDE_OP_TRIM:
		trim_submit(ch);
		break;
	case IDE_OP_FLUSH:
		ch->iovs = 0;
		blk_submit(ch, GM_BLK_FLUSH, 0, 0);
		break;
	case IDE_OP_VERIFY:
		pio_submit(ch);
		break;
	default:
		if (ch->dma)
			dma_submit(ch);
		else
			pio_submit(ch);
	}
}

void ide_xfer_resume(struct ide_channel *ch)
{
	if (ch->deferred)
		xfer_go(ch);
}

/* ---- the start of commands ---- */

/* REPLY and ACCEPT by DMA are one copy. */
static void dma_buffer(struct ide_channel *ch)
{
	u32 len = ch->buf_end;

	if (bm_copy(ch, ch->buf, len, ch->op == IDE_OP_REPLY) < len) {
		xfer_stuck(ch);
		return;
	}
	ch->bm.cur = ch->bm.next;
	if (ch->op == IDE_OP_REPLY)
		ide_complete(ch);
	else
		accepted(ch);
}

void ide_xfer_dma_go(struct ide_channel *ch)
{
	if (ch->phase != IDE_DMA_WAIT || !bm_ready(ch))
		return;
	if (ch->op == IDE_OP_REPLY || ch->op == IDE_OP_ACCEPT)
		dma_buffer(ch);
	else
		xfer_go(ch);
}

static void dma_begin(struct ide_channel *ch)
{
	ch->phase = IDE_DMA_WAIT;
	status_set(ide_active(ch), ST_BSY, ST_DRQ);
	ide_xfer_dma_go(ch);
}

void ide_xfer_start(struct ide_channel *ch)
{
	if (ch->dma && (ch->op == IDE_OP_READ || ch->op == IDE_OP_WRITE))
		dma_begin(ch);
	else if (ch->op == IDE_OP_WRITE)
		out_begin(ch, false);
	else
		xfer_go(ch);
}

void ide_xfer_reply(struct ide_channel *ch, u32 len)
{
	ch->op = IDE_OP_REPLY;
	ch->left = 0;
	ch->buf_pos = 0;
	ch->buf_end = len;
	if (ch->dma)
		dma_begin(ch);
	else
		drq_next(ch, true, true);
}

void ide_xfer_accept(struct ide_channel *ch, u32 len, bool irq)
{
	ch->op = IDE_OP_ACCEPT;
	ch->left = 0;
	ch->buf_pos = 0;
	ch->buf_end = len;
	if (ch->dma)
		dma_begin(ch);
	else
		drq_next(ch, false, irq);
}

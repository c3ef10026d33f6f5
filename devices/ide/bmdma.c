// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The bus master of a PIIX3 IDE channel: its registers and the walk through the physical region
 * descriptor table. Follows the 82371FB/82371SB datasheet (Intel 290550), sections 2.7.8 to 2.7.10
 * and 3.5.3.
 *
 * That a region may not cross 64 KiB is the guest's obligation; a region that does is transferred
 * linearly. The walk is bounded by what the drive wants to move: each descriptor stands for at
 * least two bytes.
 */
#include "devices/ide/ide_int.h"

static struct gm_bus *mem(const struct ide_channel *ch)
{
	return ch->dev->pci.dev.m->mem;
}

bool bm_ready(const struct ide_channel *ch)
{
	return ch->bm.cmd & BM_START && ch->bm.status & BM_ACTIVE &&
	       gm_pci_bus_master(&ch->dev->pci);
}

/* Makes c->seg_left nonzero, from the next descriptor if need be. False at the table's end, or
 * when there is no memory where the table should be (BMISX: error). */
static bool segment_get(struct ide_channel *ch, struct bm_cursor *c)
{
	size_t len = 4;
	u32 e[2];

	if (c->seg_left)
		return true;
	if (c->eot)
		return false;
	if (!gm_dma_map(mem(ch), c->prd, &len, false)) {
		ch->bm.status |= BM_ERROR;
		return false;
	}
	gm_dma_read(mem(ch), c->prd, e, sizeof(e));
	c->prd += 8;
	c->seg_addr = e[0] & ~1u;
	c->seg_left = e[1] & 0xfffe ? e[1] & 0xfffe : 0x10000;
	c->eot = e[1] >> 31;
	return true;
}

static u32 segment_len(const struct bm_cursor *c, u32 want)
{
	u64 room = 0x100000000ULL - c->seg_addr;

	return (u32)MIN((u64)MIN(c->seg_left, want), room);
}

static void segment_advance(struct bm_cursor *c, u32 len)
{
	c->seg_addr += len;
	c->seg_left -= len;
}

u32 bm_gather(struct ide_channel *ch, u32 want, u32 unit, bool to_guest)
{
	struct bm_cursor c = ch->bm.cur;
	u32 total = 0;
	size_t len;
	void *p;

	ch->iovs = 0;
	while (total < want && ch->iovs < IDE_IOV && segment_get(ch, &c)) {
		len = segment_len(&c, want - total);
		p = gm_dma_map(mem(ch), c.seg_addr, &len, to_guest);
		if (!p || !len)
			return 0;
		ch->iov[ch->iovs].iov_base = p;
		ch->iov[ch->iovs].iov_len = len;
		ch->gpa[ch->iovs++] = c.seg_addr;
		segment_advance(&c, (u32)len);
		total += (u32)len;
	}
	if (total % unit)
		return 0;
	ch->bm.next = c;
	return total;
}

u32 bm_copy(struct ide_channel *ch, u8 *buf, u32 len, bool to_guest)
{
	struct bm_cursor c = ch->bm.cur;
	u32 done = 0, part;

	while (done < len && segment_get(ch, &c)) {
		part = segment_len(&c, len - done);
		if (to_guest)
			gm_dma_write(mem(ch), c.seg_addr, buf + done, part);
		else
			gm_dma_read(mem(ch), c.seg_addr, buf + done, part);
		segment_advance(&c, part);
		done += part;
	}
	ch->bm.next = c;
	return done;
}

void bm_dirty(struct ide_channel *ch)
{
	int i;

	for (i = 0; i < ch->iovs; i++)
		gm_dma_dirty(mem(ch), ch->gpa[i], ch->iov[i].iov_len);
}

/* The drive has all it wanted. "Active" stays set when the table describes more than that. */
void bm_done(struct ide_channel *ch)
{
	if (ch->bm.cur.eot && !ch->bm.cur.seg_left)
		ch->bm.status &= ~BM_ACTIVE;
}

/* ---- registers: BAR 4, eight bytes a channel; the bus splits accesses into bytes ---- */

static u64 bm_read(void *opaque, u64 off, unsigned int size)
{
	struct ide_dev *dev = opaque;
	struct ide_bm *bm = &dev->ch[off >> 3 & 1].bm;

	switch (off & 7) {
	case 0:
		return bm->cmd;
	case 2:
		return bm->status;
	case 4:
	case 5:
	case 6:
	case 7:
		return bm->dtpr >> (8 * (off & 3)) & 0xff;
	default:
		return 0;
	}
}

static void command_write(struct ide_channel *ch, u8 val)
{
	bool start = val & BM_START, was = ch->bm.cmd & BM_START;

	ch->bm.cmd = val & 0x09;
	if (start && !was) {
		ch->bm.cur = (struct bm_cursor){.prd = ch->bm.dtpr};
		ch->bm.status |= BM_ACTIVE;
		ide_xfer_dma_go(ch);
		return;
	}
	if (start || !was)
		return;
	/* Stopped: what has not been transferred yet waits for the next start. */
	ch->bm.status &= ~BM_ACTIVE;
	if (ch->phase == IDE_BLK && ch->dma && ch->inflight) {
		ch->cancel = true;
		gm_blk_abort(ch->req.blk);
		ch->cancel = false;
		ch->phase = IDE_DMA_WAIT;
	} else if (ch->phase == IDE_BLK && ch->dma && ch->deferred) {
		ch->deferred = false;
		ch->phase = IDE_DMA_WAIT;
	}
}

static void bm_write(void *opaque, u64 off, unsigned int size, u64 val)
{
	struct ide_dev *dev = opaque;
	struct ide_channel *ch = &dev->ch[off >> 3 & 1];
	struct ide_bm *bm = &ch->bm;
	unsigned int shift = 8 * (off & 3);

	switch (off & 7) {
	case 0:
		command_write(ch, (u8)val);
		break;
	case 2:
		/* Error and interrupt are cleared by ones, the "capable" bits are software's. */
		bm->status &= (u8)~(val & (BM_ERROR | BM_INT));
		bm->status = (u8)((bm->status & ~0x60) | (val & 0x60));
		break;
	case 4:
	case 5:
	case 6:
	case 7:
		bm->dtpr = (bm->dtpr & ~(0xffu << shift)) | (u32)(val & 0xff) << shift;
		bm->dtpr &= ~3u;
		break;
	}
}

const struct gm_region_ops bm_ops = {
	.name = "ide-busmaster",
	.read = bm_read,
	.write = bm_write,
	.max_size = 1,
};

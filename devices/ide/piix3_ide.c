// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The IDE function of the PIIX3 (82371SB, function 1): PCI configuration, the legacy ports of two
 * channels, bus-master registers in BAR 4. Follows the 82371FB/82371SB datasheet (Intel 290550),
 * section 2.3. The drive timing registers can be written and read; they change nothing.
 */
#include <errno.h>
#include "devices/ide/ide_int.h"

#define PCI_COMMAND 0x04
#define PCI_STATUS  0x06
#define IDETIM      0x40 /* one 16-bit register a channel; bit 15: the ports answer */
#define SIDETIM     0x44

static const u16 cmd_base[2] = {0x1f0, 0x170};
static const u16 ctl_base[2] = {0x3f6, 0x376};

static void ports_update(struct ide_dev *dev)
{
	bool io = dev->pci.config[PCI_COMMAND] & 1;
	int i;

	for (i = 0; i < 2; i++) {
		bool on = io && dev->pci.config[IDETIM + 2 * i + 1] & 0x80;

		gm_region_enable(dev->ch[i].r_cmd, on);
		gm_region_enable(dev->ch[i].r_ctl, on);
	}
}

static void ide_config_written(struct gm_pci_dev *pci, unsigned int off, unsigned int size)
{
	struct ide_dev *dev = container_of(pci, struct ide_dev, pci);
	int i;

	ports_update(dev);
	/* Bus mastering may just have been allowed. */
	for (i = 0; i < 2; i++)
		ide_xfer_dma_go(&dev->ch[i]);
}

static void ide_reset(struct gm_dev *d)
{
	struct ide_dev *dev = container_of(d, struct ide_dev, pci.dev);

	ide_channel_reset(&dev->ch[0]);
	ide_channel_reset(&dev->ch[1]);
	gm_pci_reset(&dev->pci);
	memset(dev->pci.config + IDETIM, 0, 5);
	gm_pci_set16(&dev->pci, PCI_STATUS, 0x0280);
	ports_update(dev);
}

static void ide_fini(struct gm_dev *d)
{
	struct ide_dev *dev = container_of(d, struct ide_dev, pci.dev);
	int i;

	for (i = 0; i < 2; i++) {
		ide_cancel(&dev->ch[i]);
		if (dev->ch[i].r_cmd)
			gm_region_remove(dev->ch[i].r_cmd);
		if (dev->ch[i].r_ctl)
			gm_region_remove(dev->ch[i].r_ctl);
	}
}

static int ide_init(struct gm_dev *d, const void *cfg_)
{
	static const struct gm_pci_bar bar = {.size = 16, .flags = GM_PCI_BAR_IO, .ops = &bm_ops};
	struct ide_dev *dev = container_of(d, struct ide_dev, pci.dev);
	const struct ide_cfg *cfg = cfg_;
	unsigned int i;
	int err;

	err = gm_pci_init(&dev->pci, &cfg->pci);
	if (err)
		return err;
	memset(dev->pci.wmask + IDETIM, 0xff, 5);
	dev->pci.wmask[IDETIM + 1] = dev->pci.wmask[IDETIM + 3] = 0xf3;
	err = gm_pci_bar_add(&dev->pci, 4, &bar, dev);
	if (err)
		return err;
	for (i = 0; i < 2; i++) {
		struct ide_channel *ch = &dev->ch[i];

		ide_channel_init(dev, i, cfg);
		ch->r_cmd = gm_region_add(d->m->pio, cmd_base[i], 8, &ide_cmd_ops, ch);
		ch->r_ctl = gm_region_add(d->m->pio, ctl_base[i], 1, &ide_ctl_ops, ch);
		if (!ch->r_cmd || !ch->r_ctl) {
			ide_fini(d);
			return -ENOMEM;
		}
	}
	ide_reset(d);
	return 0;
}

/* Requests under way come to their end (or are held back by the back end, after an error); the
 * next ones wait until the machine runs again. */
static void ide_pause(struct gm_dev *d)
{
	struct ide_dev *dev = container_of(d, struct ide_dev, pci.dev);
	int i;

	dev->paused = true;
	for (i = 0; i < 2; i++)
		if (dev->ch[i].inflight)
			gm_blk_drain(dev->ch[i].req.blk);
}

static void ide_resume(struct gm_dev *d)
{
	struct ide_dev *dev = container_of(d, struct ide_dev, pci.dev);
	int i;

	dev->paused = false;
	for (i = 0; i < 2; i++) {
		struct ide_channel *ch = &dev->ch[i];

		if (ch->inflight)
			gm_blk_resume(ch->req.blk);
		ide_xfer_resume(ch);
	}
}

static int channel_loaded(struct ide_channel *ch)
{
	int i;

	if (ch->select > 1 || ch->cmd_drive > 1 || ch->op > IDE_OP_TRIM ||
	    ch->phase > IDE_STUCK || ch->addr > ATA_LBA48)
		return -EINVAL;
	if (ch->buf_end > IDE_BUF || ch->drq_end > ch->buf_end || ch->buf_pos > ch->buf_end)
		return -EINVAL;
	if (ch->phase == IDE_PIO_IN || ch->phase == IDE_PIO_OUT)
		if (ch->drq_end <= ch->buf_pos || !ch->block)
			return -EINVAL;
	if (ch->phase == IDE_BLK || ch->phase == IDE_DMA_WAIT || ch->left)
		if ((ch->unit != 512 && ch->unit != 2048) || ch->out_unit < 1 ||
		    ch->out_unit > 2352 || ch->chunk > IDE_DMA_MAX / ch->unit ||
		    (!ch->dma && ch->chunk > IDE_BUF / ch->unit) || ch->lba >> 48 ||
		    ch->left > 1u << 24)
			return -EINVAL;
	for (i = 0; i < 2; i++) {
		struct ide_drive *d = &ch->drive[i];

		if (d->kind == IDE_DISK && (!d->heads || !d->sectors || d->mult > IDE_MULT_MAX))
			return -EINVAL;
		/* A disk's commands cannot go on without the disk. */
		if (d->kind == IDE_NONE && ch->cmd_drive == i && ch->phase != IDE_IDLE)
			return -EINVAL;
	}
	/* What was in flight is made again. */
	ch->deferred = ch->phase == IDE_BLK;
	return 0;
}

static int ide_loaded(struct gm_dev *d)
{
	struct ide_dev *dev = container_of(d, struct ide_dev, pci.dev);
	int i, err;

	for (i = 0; i < 2; i++) {
		err = channel_loaded(&dev->ch[i]);
		if (err)
			return err;
		gm_irq_set(&dev->ch[i].intr, dev->ch[i].line);
	}
	gm_pci_loaded(&dev->pci);
	ports_update(dev);
	return 0;
}

/* ---- for the board ---- */

static struct ide_drive *drive_get(struct gm_dev *d, unsigned int channel, unsigned int drive)
{
	struct ide_dev *dev = container_of(d, struct ide_dev, pci.dev);

	return channel < 2 && drive < 2 ? &dev->ch[channel].drive[drive] : NULL;
}

bool ide_drive_present(struct gm_dev *d, unsigned int channel, unsigned int drive, bool *cdrom)
{
	struct ide_drive *dr = drive_get(d, channel, drive);

	if (!dr || dr->kind == IDE_NONE)
		return false;
	if (cdrom)
		*cdrom = dr->kind == IDE_CD;
	return true;
}

bool ide_drive_geometry(struct gm_dev *d, unsigned int channel, unsigned int drive,
			struct ide_geometry *g)
{
	struct ide_drive *dr = drive_get(d, channel, drive);

	if (!dr || dr->kind != IDE_DISK)
		return false;
	g->cylinders = dr->def_cyls;
	g->heads = dr->def_heads;
	g->sectors = dr->def_sectors;
	g->total = gm_blk_size(dr->blk) / 512;
	/* INT 13h has ten bits for the cylinder. */
	g->lba_translation = dr->def_cyls > 1024;
	return true;
}

/* ---- state ---- */

static const struct gm_field drive_fields[] = {
	GM_OMIT(struct ide_drive, ch, "wiring"),
	GM_OMIT(struct ide_drive, unit, "wiring"),
	GM_OMIT(struct ide_drive, kind, "configuration"),
	GM_OMIT(struct ide_drive, blk, "configuration"),
	GM_OMIT(struct ide_drive, serial, "configuration"),
	GM_U8(struct ide_drive, status),
	GM_U8(struct ide_drive, error),
	GM_U8(struct ide_drive, tf),
	GM_U8(struct ide_drive, hob),
	GM_BOOL(struct ide_drive, irq),
	GM_OMIT(struct ide_drive, def_cyls, "from the disk's size"),
	GM_OMIT(struct ide_drive, def_heads, "from the disk's size"),
	GM_OMIT(struct ide_drive, def_sectors, "from the disk's size"),
	GM_U16(struct ide_drive, cyls),
	GM_U8(struct ide_drive, heads),
	GM_U8(struct ide_drive, sectors),
	GM_U8(struct ide_drive, mult),
	GM_U8(struct ide_drive, xfer_mode),
	GM_BOOL(struct ide_drive, wcache),
	GM_BOOL(struct ide_drive, lookahead),
	GM_BOOL(struct ide_drive, smart),
	GM_BOOL(struct ide_drive, standby),
	GM_U8(struct ide_drive, selftest),
	GM_OMIT(struct ide_drive, warned, "about a message to the user"),
	GM_U8(struct ide_drive, sense),
	GM_U8(struct ide_drive, asc),
	GM_U8(struct ide_drive, ascq),
	GM_BOOL(struct ide_drive, attention),
	GM_U8(struct ide_drive, ua_asc),
	GM_BOOL(struct ide_drive, open),
	GM_BOOL(struct ide_drive, locked),
	GM_U8(struct ide_drive, event),
	GM_BYTES(struct ide_drive, page01),
	GM_BYTES(struct ide_drive, page0e),
	GM_FIELDS_END,
};
static const struct gm_state_desc drive_state = {
	"ide-drive", 1, sizeof(struct ide_drive), drive_fields,
};

static const struct gm_field cursor_fields[] = {
	GM_U32(struct bm_cursor, prd),
	GM_U32(struct bm_cursor, seg_addr),
	GM_U32(struct bm_cursor, seg_left),
	GM_BOOL(struct bm_cursor, eot),
	GM_FIELDS_END,
};
static const struct gm_state_desc cursor_state = {
	"ide-prd-cursor", 1, sizeof(struct bm_cursor), cursor_fields,
};

static const struct gm_field bm_fields[] = {
	GM_U8(struct ide_bm, cmd),
	GM_U8(struct ide_bm, status),
	GM_U32(struct ide_bm, dtpr),
	GM_STRUCT(struct ide_bm, cur, &cursor_state),
	GM_OMIT(struct ide_bm, next, "of the request in flight, which is made again"),
	GM_FIELDS_END,
};
static const struct gm_state_desc bm_state = {
	"ide-busmaster", 1, sizeof(struct ide_bm), bm_fields,
};

static const struct gm_field channel_fields[] = {
	GM_OMIT(struct ide_channel, dev, "wiring"),
	GM_OMIT(struct ide_channel, idx, "wiring"),
	GM_OMIT(struct ide_channel, intr, "wiring"),
	GM_OMIT(struct ide_channel, r_cmd, "from the configuration space"),
	GM_OMIT(struct ide_channel, r_ctl, "from the configuration space"),
	GM_STRUCTS(struct ide_channel, drive, struct ide_drive, &drive_state),
	GM_U8(struct ide_channel, control),
	GM_U8(struct ide_channel, select),
	GM_BOOL(struct ide_channel, line),
	GM_U8(struct ide_channel, cmd_drive),
	GM_U8(struct ide_channel, cmd),
	GM_U8(struct ide_channel, op),
	GM_U8(struct ide_channel, phase),
	GM_BOOL(struct ide_channel, dma),
	GM_BOOL(struct ide_channel, fua),
	GM_U8(struct ide_channel, addr),
	GM_U64(struct ide_channel, lba),
	GM_U32(struct ide_channel, left),
	GM_U32(struct ide_channel, unit),
	GM_U32(struct ide_channel, out_unit),
	GM_U32(struct ide_channel, chunk),
	GM_U32(struct ide_channel, block),
	GM_U32(struct ide_channel, buf_pos),
	GM_U32(struct ide_channel, buf_end),
	GM_U32(struct ide_channel, drq_end),
	GM_BOOL(struct ide_channel, packet),
	GM_BOOL(struct ide_channel, cdb_wait),
	GM_U32(struct ide_channel, limit),
	GM_BYTES(struct ide_channel, cdb),
	GM_U8(struct ide_channel, raw),
	GM_OMIT(struct ide_channel, bounce, "of the request in flight, which is made again"),
	GM_OMIT(struct ide_channel, inflight, "the phase says it"),
	GM_OMIT(struct ide_channel, deferred, "the phase says it"),
	GM_OMIT(struct ide_channel, cancel, "set only inside one call"),
	GM_OMIT(struct ide_channel, req, "made again from the fields above"),
	GM_OMIT(struct ide_channel, iov, "made again from the bus master's cursor"),
	GM_OMIT(struct ide_channel, gpa, "made again from the bus master's cursor"),
	GM_OMIT(struct ide_channel, iovs, "made again from the bus master's cursor"),
	GM_STRUCT(struct ide_channel, bm, &bm_state),
	GM_BYTES(struct ide_channel, buf),
	GM_FIELDS_END,
};
static const struct gm_state_desc channel_state = {
	"ide-channel", 1, sizeof(struct ide_channel), channel_fields,
};

static const struct gm_field ide_fields[] = {
	GM_STRUCT(struct ide_dev, pci, &gm_pci_state),
	GM_OMIT(struct ide_dev, paused, "follows the machine"),
	GM_STRUCTS(struct ide_dev, ch, struct ide_channel, &channel_state),
	GM_FIELDS_END,
};
static const struct gm_state_desc ide_state = {
	"piix3-ide", 1, sizeof(struct ide_dev), ide_fields,
};

const struct gm_pci_class piix3_ide_class = {
	.dev = {
		.name = "piix3-ide",
		.title = "Intel PIIX3 IDE controller",
		.size = sizeof(struct ide_dev),
		.state = &ide_state,
		.init = ide_init,
		.reset = ide_reset,
		.pause = ide_pause,
		.resume = ide_resume,
		.loaded = ide_loaded,
		.fini = ide_fini,
	},
	.vendor = 0x8086,
	.device = 0x7010,
	.class_code = 0x010180,
	.config_written = ide_config_written,
};

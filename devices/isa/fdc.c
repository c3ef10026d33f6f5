// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The Intel 82077AA floppy disk controller: registers, interrupt, resets. Follows the 82077AA
 * data sheet (Intel 290166), section 2. Everything takes no time: seeks are done at once, sectors
 * when the back end has them.
 */
#include <errno.h>
#include "devices/isa/fdc_int.h"

#define MSR_RQM    0x80
#define MSR_DIO    0x40
#define MSR_NONDMA 0x20
#define MSR_BUSY   0x10

enum { REG_SRA, REG_SRB, REG_DOR, REG_TDR, REG_MSR, REG_FIFO };

/* INT and DRQ leave the chip through the DMA gate of DOR. */
void fdc_irq_update(struct fdc *f)
{
	bool level = f->irq && f->dor & DOR_DMAGATE;

	if (level == f->line)
		return;
	f->line = level;
	gm_irq_set(&f->intr, level);
}

void fdc_cancel(struct fdc *f)
{
	if (f->inflight) {
		f->cancel = true;
		gm_blk_abort(f->req.blk);
		f->cancel = false;
	}
	f->deferred = false;
	f->op = FDC_OP_NONE;
	f->fifo_pos = f->fifo_len = 0;
	f->buf_pos = f->buf_len = 0;
}

/* ---- resets ---- */

static void reset_begin(struct fdc *f)
{
	fdc_cancel(f);
	f->phase = FDC_RESET;
	f->seek_done = 0;
	f->st2 = 0;
	/* LOCK keeps the FIFO settings; gap and write gate of PERPENDICULAR go. */
	if (!f->lock) {
		f->config[1] = (f->config[1] & ~0x2f) | CONFIG_EFIFO;
		f->config[2] = 0;
	}
	f->config[1] &= ~CONFIG_POLL;
	f->perpendicular &= ~3;
	fdc_irq(f, false);
}

/*
 * After a reset, by DOR or DSR, the drives are polled until a new CONFIGURE says otherwise, whatever
 * the last one said: all four are reported as changed (82077AA data sheet, section 4.0). Linux
 * switches polling off and waits for this interrupt all the same.
 */
static void reset_end(struct fdc *f)
{
	u8 i;

	f->phase = FDC_COMMAND;
	f->seek_done = 0x0f;
	f->after_reset = true;
	for (i = 0; i < 4; i++)
		f->seek_st0[i] = ST0_CHANGED | i;
	fdc_irq(f, true);
}

static void fdc_reset(struct gm_dev *d)
{
	struct fdc *f = container_of(d, struct fdc, dev);
	int i;

	f->lock = false;
	reset_begin(f);
	f->dor = f->tdr = f->ccr = 0;
	f->dsr = 0x02;
	f->ccr = 2; /* 250 kbit/s */
	f->specify[0] = f->specify[1] = 0;
	f->config[0] = f->config[2] = 0;
	f->config[1] = CONFIG_EFIFO;
	f->perpendicular = f->powerdown = 0;
	for (i = 0; i < 2; i++) {
		f->drive[i].track = f->drive[i].pcn = f->drive[i].id = 0;
		f->drive[i].changed = f->drive[i].type != FDC_DRIVE_NONE;
	}
	fdc_irq_update(f);
}

/* ---- registers ---- */

static struct fdc_drive *selected(struct fdc *f)
{
	return fdc_drive(f, f->dor & 3);
}

/* PS/2 status register A; the signals of the drive are active low. */
static u8 sra_read(struct fdc *f)
{
	struct fdc_drive *dr = selected(f);
	u8 v = 0;

	v |= f->irq ? 0x80 : 0;
	v |= f->drive[1].type ? 0 : 0x40;
	v |= dr && !dr->track ? 0 : 0x10;
	v |= f->head ? 0x08 : 0;
	v |= 0x04;
	v |= dr && dr->blk && gm_blk_readonly(dr->blk) ? 0 : 0x02;
	return v;
}

static u8 srb_read(struct fdc *f)
{
	return (u8)(0xc0 | (f->dor & 1) << 5 | (f->dor >> 4 & 3));
}

static u8 msr_read(struct fdc *f)
{
	u8 seeking = f->after_reset ? 0 : f->seek_done & 0x0f;

	switch (f->phase) {
	case FDC_COMMAND:
		return (u8)(MSR_RQM | (f->fifo_pos ? MSR_BUSY : 0) | seeking);
	case FDC_BLK:
		return MSR_BUSY;
	case FDC_PIO_IN:
		return MSR_RQM | MSR_DIO | MSR_NONDMA | MSR_BUSY;
	case FDC_PIO_OUT:
		return MSR_RQM | MSR_NONDMA | MSR_BUSY;
	case FDC_RESULT:
		return (u8)(MSR_RQM | MSR_DIO | MSR_BUSY | seeking);
	default:
		return 0;
	}
}

static u64 low_read(void *opaque, u64 off, unsigned int size)
{
	struct fdc *f = opaque;

	switch (off) {
	case REG_SRA: return sra_read(f);
	case REG_SRB: return srb_read(f);
	case REG_DOR: return f->dor;
	case REG_TDR: return f->tdr;
	case REG_MSR: return msr_read(f);
	default: return fdc_fifo_read(f);
	}
}

static void dor_write(struct fdc *f, u8 val)
{
	u8 old = f->dor;

	f->dor = val;
	if (old & DOR_RESET && !(val & DOR_RESET))
		reset_begin(f);
	else if (!(old & DOR_RESET) && val & DOR_RESET)
		reset_end(f);
	fdc_irq_update(f);
}

/* Data rate select: bit 7 is a reset that ends by itself. */
static void dsr_write(struct fdc *f, u8 val)
{
	f->dsr = val & 0x7f;
	f->ccr = val & 3;
	if (val & 0x80 && f->dor & DOR_RESET) {
		reset_begin(f);
		reset_end(f);
	}
}

static void low_write(void *opaque, u64 off, unsigned int size, u64 val)
{
	struct fdc *f = opaque;

	switch (off) {
	case REG_DOR:
		dor_write(f, (u8)val);
		break;
	case REG_TDR:
		f->tdr = val & 3;
		break;
	case REG_MSR:
		dsr_write(f, (u8)val);
		break;
	case REG_FIFO:
		fdc_fifo_write(f, (u8)val);
		break;
	}
}

/* DIR: disk change. The other bits are not driven on an AT; the IDE controller's were there. */
static u64 dir_read(void *opaque, u64 off, unsigned int size)
{
	struct fdc_drive *dr = selected(opaque);

	return dr && dr->changed ? 0x80 : 0;
}

static void ccr_write(void *opaque, u64 off, unsigned int size, u64 val)
{
	struct fdc *f = opaque;

	f->ccr = val & 3;
}

static const struct gm_region_ops low_ops = {
	.name = "fdc",
	.read = low_read,
	.write = low_write,
	.max_size = 1,
};

static const struct gm_region_ops dir_ops = {
	.name = "fdc-dir",
	.read = dir_read,
	.write = ccr_write,
	.max_size = 1,
};

/* ---- set-up ---- */

static void fdc_fini(struct gm_dev *d)
{
	struct fdc *f = container_of(d, struct fdc, dev);

	fdc_cancel(f);
	if (f->r_low)
		gm_region_remove(f->r_low);
	if (f->r_dir)
		gm_region_remove(f->r_dir);
}

static int fdc_init(struct gm_dev *d, const void *cfg_)
{
	struct fdc *f = container_of(d, struct fdc, dev);
	const struct fdc_cfg *cfg = cfg_;
	int i;

	f->intr = cfg->irq;
	f->dma = cfg->dma;
	f->dma_channel = cfg->dma_channel;
	for (i = 0; i < 2; i++) {
		struct fdc_drive *dr = &f->drive[i];

		dr->blk = cfg->drive[i].blk;
		dr->type = (u8)cfg->drive[i].type;
		if (dr->blk)
			dr->fmt = fdc_format_find(gm_blk_size(dr->blk));
		if (dr->fmt && !dr->type)
			dr->type = dr->fmt->drive;
	}
	/* Port base + 6 is the IDE controller's. */
	f->r_low = gm_region_add(d->m->pio, cfg->base, 6, &low_ops, f);
	f->r_dir = gm_region_add(d->m->pio, cfg->base + 7u, 1, &dir_ops, f);
	if (!f->r_low || !f->r_dir) {
		fdc_fini(d);
		return -ENOMEM;
	}
	fdc_reset(d);
	return 0;
}

static void fdc_pause(struct gm_dev *d)
{
	struct fdc *f = container_of(d, struct fdc, dev);

	f->paused = true;
	if (f->inflight)
		gm_blk_drain(f->req.blk);
}

static void fdc_resume(struct gm_dev *d)
{
	struct fdc *f = container_of(d, struct fdc, dev);

	f->paused = false;
	if (f->inflight)
		gm_blk_resume(f->req.blk);
	fdc_resume_xfer(f);
}

static int fdc_loaded(struct gm_dev *d)
{
	struct fdc *f = container_of(d, struct fdc, dev);
	int i;

	if (f->phase > FDC_RESULT || f->op > FDC_OP_SCAN_HIGH || f->fifo_pos >= FDC_FIFO ||
	    f->fifo_len > FDC_FIFO || f->buf_len > FDC_BUF || f->buf_pos > f->buf_len ||
	    f->unit > 3 || f->head > 1 || f->chunk > FDC_BUF / FDC_SECTOR || f->ccr > 3)
		return -EINVAL;
	for (i = 0; i < 2; i++)
		if (f->drive[i].track > FDC_TRACKS)
			return -EINVAL;
	if (f->phase == FDC_BLK || f->phase == FDC_PIO_IN || f->phase == FDC_PIO_OUT)
		if (!fdc_drive(f, f->unit) || !f->drive[f->unit].fmt || !f->op)
			return -EINVAL;
	if ((f->phase == FDC_PIO_IN || f->phase == FDC_PIO_OUT) && f->buf_pos == f->buf_len)
		return -EINVAL;
	if (f->phase == FDC_RESULT && f->fifo_pos >= f->fifo_len)
		return -EINVAL;
	f->deferred = f->phase == FDC_BLK;
	gm_irq_set(&f->intr, f->line);
	return 0;
}

/* ---- for the board ---- */

enum fdc_drive_type fdc_drive_type(struct gm_dev *d, unsigned int drive)
{
	struct fdc *f = container_of(d, struct fdc, dev);

	return drive < 2 ? (enum fdc_drive_type)f->drive[drive].type : FDC_DRIVE_NONE;
}

int fdc_media_change(struct gm_dev *d, unsigned int drive, struct gm_blk *blk, struct gm_blk **old)
{
	struct fdc *f = container_of(d, struct fdc, dev);
	struct fdc_drive *dr;
	bool busy;

	if (drive > 1 || !f->drive[drive].type)
		return -ENODEV;
	dr = &f->drive[drive];
	busy = f->unit == drive && f->op &&
	       (f->phase == FDC_BLK || f->phase == FDC_PIO_IN || f->phase == FDC_PIO_OUT);
	if (busy)
		fdc_cancel(f);
	*old = dr->blk;
	dr->blk = blk;
	dr->fmt = blk ? fdc_format_find(gm_blk_size(blk)) : NULL;
	dr->changed = true;
	if (busy)
		fdc_end(f, ST0_ABNORMAL, ST1_MA, 0);
	return 0;
}

/* ---- state ---- */

static const struct gm_field drive_fields[] = {
	GM_OMIT(struct fdc_drive, blk, "configuration"),
	GM_OMIT(struct fdc_drive, type, "configuration"),
	GM_OMIT(struct fdc_drive, fmt, "from the medium"),
	GM_U8(struct fdc_drive, track),
	GM_U8(struct fdc_drive, pcn),
	GM_U8(struct fdc_drive, id),
	GM_BOOL(struct fdc_drive, changed),
	GM_FIELDS_END,
};
static const struct gm_state_desc drive_state = {
	"fdc-drive", 1, sizeof(struct fdc_drive), drive_fields,
};

static const struct gm_field fdc_fields[] = {
	GM_OMIT(struct fdc, dev, "set up at creation"),
	GM_OMIT(struct fdc, intr, "wiring"),
	GM_OMIT(struct fdc, dma, "wiring"),
	GM_OMIT(struct fdc, dma_channel, "wiring"),
	GM_OMIT(struct fdc, r_low, "wiring"),
	GM_OMIT(struct fdc, r_dir, "wiring"),
	GM_STRUCTS(struct fdc, drive, struct fdc_drive, &drive_state),
	GM_U8(struct fdc, dor),
	GM_U8(struct fdc, tdr),
	GM_U8(struct fdc, dsr),
	GM_U8(struct fdc, ccr),
	GM_U8(struct fdc, specify),
	GM_U8(struct fdc, config),
	GM_U8(struct fdc, perpendicular),
	GM_U8(struct fdc, powerdown),
	GM_BOOL(struct fdc, lock),
	GM_BOOL(struct fdc, irq),
	GM_BOOL(struct fdc, line),
	GM_U8(struct fdc, seek_done),
	GM_BOOL(struct fdc, after_reset),
	GM_U8(struct fdc, seek_st0),
	GM_U8(struct fdc, phase),
	GM_U8(struct fdc, op),
	GM_BYTES(struct fdc, fifo),
	GM_U8(struct fdc, fifo_pos),
	GM_U8(struct fdc, fifo_len),
	GM_U8(struct fdc, unit),
	GM_U8(struct fdc, head),
	GM_BOOL(struct fdc, mt),
	GM_BOOL(struct fdc, skip),
	GM_U8(struct fdc, c),
	GM_U8(struct fdc, h),
	GM_U8(struct fdc, r),
	GM_U8(struct fdc, n),
	GM_U8(struct fdc, eot),
	GM_U8(struct fdc, count),
	GM_U8(struct fdc, filler),
	GM_U8(struct fdc, st2),
	GM_BOOL(struct fdc, tc),
	GM_U16(struct fdc, chunk),
	GM_U16(struct fdc, buf_pos),
	GM_U16(struct fdc, buf_len),
	GM_OMIT(struct fdc, inflight, "the phase says it"),
	GM_OMIT(struct fdc, deferred, "the phase says it"),
	GM_OMIT(struct fdc, cancel, "set only inside one call"),
	GM_OMIT(struct fdc, paused, "follows the machine"),
	GM_OMIT(struct fdc, req, "made again from the fields above"),
	GM_OMIT(struct fdc, iov, "made again from the fields above"),
	GM_BYTES(struct fdc, buf),
	GM_FIELDS_END,
};
static const struct gm_state_desc fdc_state = {
	"fdc", 1, sizeof(struct fdc), fdc_fields,
};

const struct gm_dev_class fdc_class = {
	.name = "fdc",
	.title = "Intel 82077AA floppy disk controller",
	.size = sizeof(struct fdc),
	.state = &fdc_state,
	.init = fdc_init,
	.reset = fdc_reset,
	.pause = fdc_pause,
	.resume = fdc_resume,
	.loaded = fdc_loaded,
	.fini = fdc_fini,
};

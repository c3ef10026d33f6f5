// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An IDE channel: the command and control block registers of two drives, selection, interrupts
 * and resets. Follows ATA/ATAPI-6 (T13 1410D): sections 5.2 (signals), 7 (registers), 9.1 and 9.2
 * (resets), 9.12 (signatures), 9.16 (one drive answers for an absent one).
 */
#include <stdio.h>
#include "devices/ide/ide_int.h"

/* ---- interrupts ---- */

void ide_irq_update(struct ide_channel *ch)
{
	bool level = ide_selected(ch)->irq && !(ch->control & CTL_NIEN);

	/* 82371SB, BMISX bit 2: set by the rising edge of the drive's line. */
	if (level && !ch->line)
		ch->bm.status |= BM_INT;
	if (level == ch->line)
		return;
	ch->line = level;
	gm_irq_set(&ch->intr, level);
}

void ide_irq_raise(struct ide_drive *d)
{
	d->irq = true;
	ide_irq_update(d->ch);
}

/* ---- presence ---- */

static bool present(const struct ide_drive *d)
{
	return d->kind != IDE_NONE;
}

/* Who drives the bus when the selected drive is read: itself, or drive 0 for an absent drive 1;
 * NULL: nobody. */
static struct ide_drive *responder(struct ide_channel *ch)
{
	struct ide_drive *d = ide_selected(ch);

	if (present(d))
		return d;
	return ch->select && present(&ch->drive[0]) ? &ch->drive[0] : NULL;
}

/* An undriven data bus: DD7 has a pull-down resistor, so that nobody looks busy. */
#define FLOATING 0x7f

/* ---- resets ---- */

void ide_signature(struct ide_drive *d)
{
	d->tf[R_NSECT] = 1;
	d->tf[R_LBAL] = 1;
	d->tf[R_LBAM] = d->kind == IDE_CD ? 0x14 : 0;
	d->tf[R_LBAH] = d->kind == IDE_CD ? 0xeb : 0;
}

void ide_cancel(struct ide_channel *ch)
{
	if (ch->inflight) {
		ch->cancel = true;
		gm_blk_abort(ch->req.blk);
		ch->cancel = false;
	}
	ch->op = IDE_OP_NONE;
	ch->phase = IDE_IDLE;
	ch->deferred = false;
	ch->buf_pos = ch->buf_end = ch->drq_end = 0;
}

static void drive_reset(struct ide_drive *d, bool hard)
{
	d->irq = false;
	if (!present(d))
		return;
	memset(d->hob, 0, sizeof(d->hob));
	memset(d->tf, 0, sizeof(d->tf));
	d->tf[R_DEVICE] = 0xa0;
	ide_signature(d);
	d->error = 0x01; /* diagnostic code: passed */
	if (d->kind == IDE_DISK) {
		ata_reset(d, hard);
		d->status = ST_DRDY | ST_DSC;
	} else {
		/* A packet device is not ready before its first command. */
		atapi_reset(d, hard);
		d->status = 0;
	}
}

void ide_channel_reset(struct ide_channel *ch)
{
	ide_cancel(ch);
	ch->control = 0;
	ch->select = 0;
	drive_reset(&ch->drive[0], true);
	drive_reset(&ch->drive[1], true);
	memset(&ch->bm, 0, sizeof(ch->bm));
	memset(ch->cdb, 0, sizeof(ch->cdb));
	ide_irq_update(ch);
}

/* Device control register, SRST: drives are busy while it is set and show the signature after. */
static void soft_reset(struct ide_channel *ch, bool on)
{
	int i;

	if (on) {
		ide_cancel(ch);
		for (i = 0; i < 2; i++)
			if (present(&ch->drive[i]))
				ch->drive[i].status = ST_BSY;
		return;
	}
	ch->select = 0;
	drive_reset(&ch->drive[0], false);
	drive_reset(&ch->drive[1], false);
	ide_irq_update(ch);
}

/* EXECUTE DEVICE DIAGNOSTIC is done by both drives, whichever is selected. */
static void diagnostic(struct ide_channel *ch)
{
	int i;

	for (i = 0; i < 2; i++) {
		struct ide_drive *d = &ch->drive[i];

		if (!present(d))
			continue;
		d->tf[R_DEVICE] = 0xa0;
		ide_signature(d);
		d->error = 0x01;
		d->status = d->kind == IDE_CD ? 0 : ST_DRDY | ST_DSC;
	}
	ch->select = 0;
	if (present(&ch->drive[0]))
		ide_irq_raise(&ch->drive[0]);
}

/* DEVICE RESET, for packet devices only; taken even while busy. */
static void device_reset(struct ide_drive *d)
{
	if (d->ch->cmd_drive == d->unit)
		ide_cancel(d->ch);
	ide_signature(d);
	d->tf[R_DEVICE] &= DEV_SLAVE | 0xa0;
	d->error = 0x01;
	d->status = 0;
	d->irq = false;
	ide_irq_update(d->ch);
}

/* ---- registers ---- */

static void command_write(struct ide_channel *ch, u8 cmd)
{
	struct ide_drive *d = ide_selected(ch);
	bool busy = d->status & (ST_BSY | ST_DRQ);

	if (ch->control & CTL_SRST)
		return;
	if (cmd == 0x90 && !busy) {
		diagnostic(ch);
		return;
	}
	if (!present(d))
		return;
	if (cmd == 0x08 && d->kind == IDE_CD) {
		device_reset(d);
		return;
	}
	if (busy)
		return;
	d->irq = false;
	ide_irq_update(ch);
	ch->cmd_drive = ch->select;
	ch->cmd = cmd;
	ch->op = IDE_OP_NONE;
	ch->phase = IDE_IDLE;
	ch->dma = ch->fua = ch->bounce = ch->packet = ch->cdb_wait = false;
	ch->raw = 0;
	d->error = 0;
	d->status = (d->status & ~(ST_ERR | ST_DF)) | ST_DRDY | ST_DSC;
	ata_command(d, cmd);
}

/* Both drives take what is written; the previous content moves to the "high order byte". */
static void taskfile_write(struct ide_channel *ch, unsigned int reg, u8 val)
{
	int i;

	for (i = 0; i < 2; i++) {
		ch->drive[i].hob[reg] = ch->drive[i].tf[reg];
		ch->drive[i].tf[reg] = reg == R_DEVICE ? val | 0xa0 : val;
	}
	if (reg == R_DEVICE) {
		ch->select = val & DEV_SLAVE ? 1 : 0;
		ide_irq_update(ch);
	}
}

static void reg_write(struct ide_channel *ch, unsigned int reg, u8 val)
{
	ch->control &= ~CTL_HOB;
	if (reg == R_COMMAND) {
		command_write(ch, val);
		return;
	}
	if (ide_selected(ch)->status & (ST_BSY | ST_DRQ))
		return;
	taskfile_write(ch, reg, val);
}

static u8 status_read(struct ide_channel *ch, bool alternate)
{
	struct ide_drive *d = ide_selected(ch);

	if (!responder(ch))
		return FLOATING;
	/* Drive 0 answers 0 for an absent drive 1. */
	if (!present(d))
		return 0;
	if (!alternate) {
		d->irq = false;
		ide_irq_update(ch);
	}
	return d->status;
}

static u8 reg_read(struct ide_channel *ch, unsigned int reg)
{
	struct ide_drive *d = responder(ch);

	if (reg == R_COMMAND)
		return status_read(ch, false);
	if (!d)
		return FLOATING;
	if (ch->control & CTL_HOB && reg >= R_NSECT && reg <= R_LBAH)
		return d->hob[reg];
	return reg == R_FEATURE ? d->error : d->tf[reg];
}

static u64 cmd_read(void *opaque, u64 off, unsigned int size)
{
	struct ide_channel *ch = opaque;
	u64 val = 0;
	unsigned int i;

	if (off == R_DATA)
		return ide_data_read(ch, size);
	for (i = 0; i < size; i++)
		val |= (u64)reg_read(ch, (unsigned int)off + i) << (8 * i);
	return val;
}

static void cmd_write(void *opaque, u64 off, unsigned int size, u64 val)
{
	struct ide_channel *ch = opaque;
	unsigned int i;

	if (off == R_DATA) {
		ide_data_write(ch, size, (u32)val);
		return;
	}
	for (i = 0; i < size; i++)
		reg_write(ch, (unsigned int)off + i, (u8)(val >> (8 * i)));
}

static u64 ctl_read(void *opaque, u64 off, unsigned int size)
{
	return status_read(opaque, true);
}

static void ctl_write(void *opaque, u64 off, unsigned int size, u64 val)
{
	struct ide_channel *ch = opaque;
	u8 old = ch->control;

	ch->control = (u8)val & (CTL_NIEN | CTL_SRST | CTL_HOB);
	if ((old ^ ch->control) & CTL_SRST)
		soft_reset(ch, ch->control & CTL_SRST);
	ide_irq_update(ch);
}

const struct gm_region_ops ide_cmd_ops = {
	.name = "ide-command",
	.read = cmd_read,
	.write = cmd_write,
};

const struct gm_region_ops ide_ctl_ops = {
	.name = "ide-control",
	.read = ctl_read,
	.write = ctl_write,
	.max_size = 1,
};

/* ---- set-up ---- */

/* A serial number that stays the same for one image: FNV-1a of its path. */
static void serial_make(struct ide_drive *d)
{
	const char *p = d->blk ? gm_blk_path(d->blk) : "";
	u64 h = 0xcbf29ce484222325ULL;

	for (; *p; p++)
		h = (h ^ (u8)*p) * 0x100000001b3ULL;
	snprintf(d->serial, sizeof(d->serial), "GM%016llX", (unsigned long long)h);
}

/* At most 16383/16/63: what ATA lets a large disk report. */
static void geometry_make(struct ide_drive *d)
{
	u64 total = gm_blk_size(d->blk) / 512, cyls;

	d->def_heads = total >= 16 * 63 ? 16 : 1;
	d->def_sectors = total >= 63 ? 63 : (u8)MAX(total, (u64)1);
	cyls = total / (d->def_heads * d->def_sectors);
	d->def_cyls = (u16)MIN(cyls, (u64)16383);
}

void ide_channel_init(struct ide_dev *dev, unsigned int idx, const struct ide_cfg *cfg)
{
	struct ide_channel *ch = &dev->ch[idx];
	u8 i;

	ch->dev = dev;
	ch->idx = (u8)idx;
	ch->intr = cfg->irq[idx];
	for (i = 0; i < 2; i++) {
		struct ide_drive *d = &ch->drive[i];

		d->ch = ch;
		d->unit = i;
		d->blk = cfg->drive[idx][i].blk;
		if (cfg->drive[idx][i].cdrom)
			d->kind = IDE_CD;
		else if (d->blk)
			d->kind = IDE_DISK;
		if (d->kind == IDE_DISK)
			geometry_make(d);
		serial_make(d);
	}
}

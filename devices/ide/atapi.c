// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The CD/DVD-ROM drive: the PACKET protocol, sense data, media and reading. Follows ATA/ATAPI-6
 * (T13 1410D), sections 8.23 and 9.8 (PACKET), and MMC-3 (T10 1363D) for the commands; SFF-8020i
 * where older software expects it.
 */
#include <errno.h>
#include "devices/ide/ide_int.h"

/* ---- status ---- */

bool atapi_medium(const struct ide_drive *d)
{
	return d->blk && !d->open;
}

u32 atapi_blocks(const struct ide_drive *d)
{
	u64 n = d->blk ? gm_blk_size(d->blk) / 2048 : 0;

	return (u32)MIN(n, (u64)0xfffffffe);
}

static void status_phase(struct ide_drive *d, u8 status)
{
	struct ide_channel *ch = d->ch;

	if (ch->dma)
		bm_done(ch);
	ch->op = IDE_OP_NONE;
	ch->phase = IDE_IDLE;
	d->tf[R_NSECT] = IREASON_IO | IREASON_CD;
	d->status = status;
	ide_irq_raise(d);
}

void atapi_done(struct ide_drive *d)
{
	d->error = 0;
	status_phase(d, ST_DRDY | ST_DSC);
}

void atapi_sense(struct ide_drive *d, u8 key, u8 asc, u8 ascq)
{
	d->sense = key;
	d->asc = asc;
	d->ascq = ascq;
	d->error = (u8)(key << 4 | ER_ABRT);
	status_phase(d, ST_DRDY | ST_DSC | ST_ERR);
}

static void not_ready(struct ide_drive *d)
{
	/* MEDIUM NOT PRESENT, with the tray open or closed */
	atapi_sense(d, SK_NOT_READY, 0x3a, d->open ? 2 : 1);
}

void atapi_failed(struct ide_drive *d, int err)
{
	if (err == -ENOMEDIUM)
		not_ready(d);
	else if (err == -EINVAL)
		atapi_sense(d, SK_ILLEGAL_REQUEST, 0x21, 0);
	else
		atapi_sense(d, SK_MEDIUM_ERROR, 0x11, 0); /* unrecovered read error */
}

static void invalid_field(struct ide_drive *d)
{
	atapi_sense(d, SK_ILLEGAL_REQUEST, 0x24, 0);
}

/* Bytes of one DRQ block for `total`: the host's limit, which counts as even unless all fits. */
static void limit_apply(struct ide_channel *ch, u32 total)
{
	u32 limit = ch->limit ? ch->limit : 0xfffe;

	if (total > limit || limit == 0xffff)
		limit &= ~1u;
	ch->block = limit ? limit : 2;
}

void atapi_reply(struct ide_drive *d, u32 len, u32 alloc)
{
	len = MIN(len, alloc);
	if (!len) {
		atapi_done(d);
		return;
	}
	limit_apply(d->ch, len);
	ide_xfer_reply(d->ch, len);
}

/* ---- commands ---- */

static void cmd_test_unit_ready(struct ide_drive *d, const u8 *cdb)
{
	atapi_done(d);
}

static void cmd_request_sense(struct ide_drive *d, const u8 *cdb)
{
	u8 *b = d->ch->buf;

	if (!d->sense && d->attention) {
		d->sense = SK_UNIT_ATTENTION;
		d->asc = d->ua_asc;
		d->ascq = 0;
		d->attention = false;
	}
	memset(b, 0, 18);
	b[0] = 0x70;
	b[2] = d->sense;
	b[7] = 10;
	b[12] = d->asc;
	b[13] = d->ascq;
	d->sense = d->asc = d->ascq = 0;
	atapi_reply(d, 18, cdb[4]);
}

/* Starts reading n blocks from lba on; parts: READ CD's choice, or 0x10 for user data alone. */
static void read_start(struct ide_drive *d, u32 lba, u32 n, u8 parts)
{
	struct ide_channel *ch = d->ch;

	if (n > atapi_blocks(d) || lba > atapi_blocks(d) - n) {
		atapi_sense(d, SK_ILLEGAL_REQUEST, 0x21, 0); /* LBA out of range */
		return;
	}
	if (!n || !atapi_raw_size(parts)) {
		atapi_done(d);
		return;
	}
	ch->op = IDE_OP_READ;
	ch->lba = lba;
	ch->left = n;
	ch->unit = 2048;
	ch->raw = parts;
	ch->out_unit = atapi_raw_size(parts);
	limit_apply(ch, ch->out_unit > 0xffff / n ? 0x10000 : ch->out_unit * n);
	ide_xfer_start(ch);
}

static void cmd_read10(struct ide_drive *d, const u8 *cdb)
{
	read_start(d, be32(cdb + 2), be16(cdb + 7), 0x10);
}

static void cmd_read12(struct ide_drive *d, const u8 *cdb)
{
	read_start(d, be32(cdb + 2), be32(cdb + 6), 0x10);
}

static void read_cd(struct ide_drive *d, const u8 *cdb, u32 lba, u32 n)
{
	u8 type = cdb[1] >> 2 & 7;

	/* C2 error flags and subchannels are not read from an image. */
	if (cdb[9] & 0x06 || cdb[10] & 7) {
		invalid_field(d);
		return;
	}
	/* All sectors are mode 1: asked for any type, or this one. */
	if (type != 0 && type != 2) {
		atapi_sense(d, SK_ILLEGAL_REQUEST, 0x64, 0);
		return;
	}
	read_start(d, lba, n, cdb[9] & 0xf8);
}

static void cmd_read_cd(struct ide_drive *d, const u8 *cdb)
{
	read_cd(d, cdb, be32(cdb + 2), (u32)cdb[6] << 16 | be16(cdb + 7));
}

static bool msf_to_lba(const u8 *p, u32 *lba)
{
	u32 f = (p[0] * 60u + p[1]) * 75 + p[2];

	*lba = f - 150;
	return p[1] < 60 && p[2] < 75 && f >= 150;
}

static void cmd_read_cd_msf(struct ide_drive *d, const u8 *cdb)
{
	u32 from, to;

	if (!msf_to_lba(cdb + 3, &from) || !msf_to_lba(cdb + 6, &to) || to < from) {
		invalid_field(d);
		return;
	}
	read_cd(d, cdb, from, to - from);
}

static void cmd_read_capacity(struct ide_drive *d, const u8 *cdb)
{
	u8 *b = d->ch->buf;

	put_be32(b, atapi_blocks(d) - 1);
	put_be32(b + 4, 2048);
	atapi_reply(d, 8, 8);
}

static void cmd_seek(struct ide_drive *d, const u8 *cdb)
{
	if (be32(cdb + 2) >= atapi_blocks(d))
		atapi_sense(d, SK_ILLEGAL_REQUEST, 0x21, 0);
	else
		atapi_done(d);
}

static void medium_arrived(struct ide_drive *d)
{
	d->attention = true;
	d->ua_asc = 0x28; /* not ready to ready change, medium may have changed */
	d->event = CD_EVENT_NEW;
}

/* LoEj moves the tray, Start alone spins, which nothing here does. */
static void cmd_start_stop(struct ide_drive *d, const u8 *cdb)
{
	bool eject = (cdb[4] & 3) == 2, load = (cdb[4] & 3) == 3;

	if (cdb[4] >> 4) {
		atapi_done(d);
		return;
	}
	if (eject && d->locked && !d->open) {
		atapi_sense(d, SK_ILLEGAL_REQUEST, 0x53, 2); /* removal prevented */
		return;
	}
	if (eject && !d->open) {
		d->open = true;
		d->event = CD_EVENT_REMOVAL;
	} else if (load && d->open) {
		d->open = false;
		if (d->blk)
			medium_arrived(d);
	}
	atapi_done(d);
}

static void cmd_prevent_allow(struct ide_drive *d, const u8 *cdb)
{
	d->locked = cdb[4] & 1;
	atapi_done(d);
}

static void cmd_mode_select(struct ide_drive *d, const u8 *cdb)
{
	u32 len = be16(cdb + 7);

	/* Page format wanted, saving not possible. */
	if (!(cdb[1] & 0x10) || cdb[1] & 1) {
		invalid_field(d);
		return;
	}
	if (!len) {
		atapi_done(d);
		return;
	}
	limit_apply(d->ch, len);
	ide_xfer_accept(d->ch, len, true);
}

#define F_UA     1 /* is done even while UNIT ATTENTION is due */
#define F_MEDIUM 2 /* needs a medium */

static const struct atapi_cmd {
	void (*fn)(struct ide_drive *d, const u8 *cdb);
	u8 flags;
} atapi_cmds[256] = {
	[0x00] = {cmd_test_unit_ready, F_MEDIUM},
	[0x03] = {cmd_request_sense, F_UA},
	[0x12] = {atapi_cmd_inquiry, F_UA},
	[0x1b] = {cmd_start_stop, 0},
	[0x1e] = {cmd_prevent_allow, 0},
	[0x25] = {cmd_read_capacity, F_MEDIUM},
	[0x28] = {cmd_read10, F_MEDIUM},
	[0x2b] = {cmd_seek, F_MEDIUM},
	[0x42] = {atapi_cmd_read_subchannel, F_MEDIUM},
	[0x43] = {atapi_cmd_read_toc, F_MEDIUM},
	[0x44] = {atapi_cmd_read_header, F_MEDIUM},
	[0x46] = {atapi_cmd_get_configuration, F_UA},
	[0x4a] = {atapi_cmd_event_status, F_UA},
	[0x51] = {atapi_cmd_disc_info, F_MEDIUM},
	[0x52] = {atapi_cmd_track_info, F_MEDIUM},
	[0x55] = {cmd_mode_select, 0},
	[0x5a] = {atapi_cmd_mode_sense, 0},
	[0xa8] = {cmd_read12, F_MEDIUM},
	[0xad] = {atapi_cmd_dvd_structure, F_MEDIUM},
	[0xb9] = {cmd_read_cd_msf, F_MEDIUM},
	[0xbb] = {cmd_test_unit_ready, 0}, /* SET CD SPEED: there is one speed */
	[0xbd] = {atapi_cmd_mechanism_status, 0},
	[0xbe] = {cmd_read_cd, F_MEDIUM},
};

static void cdb_run(struct ide_drive *d)
{
	struct ide_channel *ch = d->ch;
	const struct atapi_cmd *c;

	memset(ch->cdb, 0, sizeof(ch->cdb));
	memcpy(ch->cdb, ch->buf, 12);
	ch->dma = d->tf[R_FEATURE] & 1;
	d->status = ST_BSY;
	c = &atapi_cmds[ch->cdb[0]];
	if (d->attention && !(c->fn && c->flags & F_UA)) {
		d->attention = false;
		atapi_sense(d, SK_UNIT_ATTENTION, d->ua_asc, 0);
		return;
	}
	if (ch->cdb[0] != 0x03)
		d->sense = d->asc = d->ascq = 0;
	if (!c->fn)
		atapi_sense(d, SK_ILLEGAL_REQUEST, 0x20, 0); /* invalid operation code */
	else if (c->flags & F_MEDIUM && !atapi_medium(d))
		not_ready(d);
	else
		c->fn(d, ch->cdb);
}

void atapi_accepted(struct ide_drive *d)
{
	struct ide_channel *ch = d->ch;

	if (ch->cdb_wait) {
		ch->cdb_wait = false;
		cdb_run(d);
		return;
	}
	/* Only MODE SELECT sends anything. */
	if (atapi_mode_select_data(d, ch->buf, ch->buf_end))
		atapi_done(d);
}

void atapi_packet(struct ide_drive *d)
{
	struct ide_channel *ch = d->ch;

	/* Neither overlap nor queueing. */
	if (d->tf[R_FEATURE] & 2) {
		ata_abort(d, ER_ABRT);
		return;
	}
	ch->limit = d->tf[R_LBAM] | (u32)d->tf[R_LBAH] << 8;
	ch->packet = ch->cdb_wait = true;
	ch->block = 12;
	ide_xfer_accept(ch, 12, false);
	d->tf[R_NSECT] = IREASON_CD;
}

void atapi_reset(struct ide_drive *d, bool hard)
{
	if (!hard)
		return;
	d->sense = d->asc = d->ascq = 0;
	d->attention = true;
	d->ua_asc = 0x29; /* power on or reset */
	d->open = d->locked = false;
	d->event = d->blk ? CD_EVENT_NEW : CD_EVENT_NONE;
	d->xfer_mode = 0;
	d->standby = false;
	atapi_mode_reset(d);
}

/* ---- the user changes the medium ---- */

int ide_cd_change(struct gm_dev *dev, unsigned int channel, unsigned int drive,
		  struct gm_blk *blk, bool force, struct gm_blk **old)
{
	struct ide_dev *ide = container_of(dev, struct ide_dev, pci.dev);
	struct ide_channel *ch;
	struct ide_drive *d;
	bool reading;

	if (channel > 1 || drive > 1 || ide->ch[channel].drive[drive].kind != IDE_CD)
		return -ENODEV;
	ch = &ide->ch[channel];
	d = &ch->drive[drive];
	if (d->locked && !d->open && d->blk && !force) {
		d->event = CD_EVENT_EJECT;
		return -EBUSY;
	}
	reading = ch->cmd_drive == drive && ch->op == IDE_OP_READ && ch->phase != IDE_IDLE;
	if (reading)
		ide_cancel(ch);
	*old = d->blk;
	d->blk = blk;
	d->open = false;
	if (blk) {
		medium_arrived(d);
	} else {
		d->locked = false;
		d->event = CD_EVENT_REMOVAL;
	}
	if (reading)
		not_ready(d);
	return 0;
}

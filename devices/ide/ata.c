// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ATA commands. Follows ATA/ATAPI-6 (T13 1410D), section 8, ATA8-ACS for DATA SET MANAGEMENT and
 * the FUA commands, and ATA-1 for the "without retry" forms. Packet devices answer most of these
 * with an abort and their signature (section 9.12), so that software tells them from disks.
 */
#include <errno.h>
#include "devices/ide/ide_int.h"

void ata_ok(struct ide_drive *d)
{
	d->status = ST_DRDY | ST_DSC;
	ide_irq_raise(d);
}

void ata_abort(struct ide_drive *d, u8 error)
{
	d->error = error;
	d->status = ST_DRDY | ST_DSC | ST_ERR;
	ide_irq_raise(d);
}

/* Writes an address back into the registers, in the form the command used. */
static void addr_put(struct ide_drive *d, u64 lba)
{
	u32 c, h, s;

	switch (d->ch->addr) {
	case ATA_LBA48:
		d->hob[R_LBAL] = (u8)(lba >> 24);
		d->hob[R_LBAM] = (u8)(lba >> 32);
		d->hob[R_LBAH] = (u8)(lba >> 40);
		break;
	case ATA_LBA28:
		d->tf[R_DEVICE] = (u8)((d->tf[R_DEVICE] & 0xf0) | (lba >> 24 & 15));
		break;
	default:
		s = (u32)(lba % d->sectors) + 1;
		h = (u32)(lba / d->sectors % d->heads);
		c = (u32)(lba / d->sectors / d->heads);
		lba = (u64)c << 8 | s;
		d->tf[R_DEVICE] = (u8)((d->tf[R_DEVICE] & 0xf0) | h);
	}
	d->tf[R_LBAL] = (u8)lba;
	d->tf[R_LBAM] = (u8)(lba >> 8);
	d->tf[R_LBAH] = (u8)(lba >> 16);
}

void ata_failed(struct ide_drive *d, int err)
{
	struct ide_channel *ch = d->ch;

	if (ch->cmd != 0xe7 && ch->cmd != 0xea)
		addr_put(d, ch->lba);
	/* A write that the host refuses has no error bit of its own. */
	if (err == -EINVAL)
		ata_abort(d, ER_IDNF);
	else
		ata_abort(d, ch->req.op == GM_BLK_READ ? ER_UNC : ER_ABRT);
}

static u64 sectors_total(const struct ide_drive *d)
{
	return gm_blk_size(d->blk) / 512;
}

/* Reads address and count from the registers. Aborts the command and returns false when they lie
 * beyond the disk. */
static bool addr_get(struct ide_drive *d, bool ext)
{
	struct ide_channel *ch = d->ch;
	u64 low = d->tf[R_LBAL] | (u32)d->tf[R_LBAM] << 8 | (u32)d->tf[R_LBAH] << 16;

	ch->unit = ch->out_unit = 512;
	if (ext) {
		ch->addr = ATA_LBA48;
		ch->lba = low | (u64)d->hob[R_LBAL] << 24 | (u64)d->hob[R_LBAM] << 32 |
			  (u64)d->hob[R_LBAH] << 40;
		ch->left = d->tf[R_NSECT] | (u32)d->hob[R_NSECT] << 8;
		ch->left = ch->left ? ch->left : 65536;
	} else {
		ch->left = d->tf[R_NSECT] ? d->tf[R_NSECT] : 256;
		if (d->tf[R_DEVICE] & DEV_LBA) {
			ch->addr = ATA_LBA28;
			ch->lba = low | (u64)(d->tf[R_DEVICE] & 15) << 24;
		} else {
			u32 s = d->tf[R_LBAL], h = d->tf[R_DEVICE] & 15, c = (u32)(low >> 8);

			ch->addr = ATA_CHS;
			if (!s || s > d->sectors || h >= d->heads || c >= d->cyls) {
				ata_abort(d, ER_IDNF);
				return false;
			}
			ch->lba = ((u64)c * d->heads + h) * d->sectors + s - 1;
		}
	}
	if (ch->left > sectors_total(d) || ch->lba > sectors_total(d) - ch->left) {
		ata_abort(d, ER_IDNF);
		return false;
	}
	return true;
}

/* ---- commands: what each opcode is made of stands in the table's flags ---- */

#define F_EXT   0x01 /* 48-bit addresses */
#define F_DMA   0x02
#define F_MULT  0x04 /* DRQ blocks of SET MULTIPLE's size */
#define F_WRITE 0x08
#define F_FUA   0x10
#define F_CD    0x20 /* packet devices know it, too */

static bool refuse_write(struct ide_drive *d)
{
	if (!gm_blk_readonly(d->blk))
		return false;
	if (!d->warned)
		gm_machine_warn(d->ch->dev->pci.dev.m,
				"%s: the guest writes to a disk that is readonly; it gets errors",
				gm_blk_path(d->blk));
	d->warned = true;
	ata_abort(d, ER_ABRT);
	return true;
}

static void cmd_rw(struct ide_drive *d, u8 flags)
{
	struct ide_channel *ch = d->ch;

	if (flags & F_MULT && !d->mult) {
		ata_abort(d, ER_ABRT);
		return;
	}
	if (!addr_get(d, flags & F_EXT) || (flags & F_WRITE && refuse_write(d)))
		return;
	ch->op = flags & F_WRITE ? IDE_OP_WRITE : IDE_OP_READ;
	ch->dma = flags & F_DMA;
	ch->block = 512u * (flags & F_MULT ? d->mult : 1);
	/* Without a write cache every write is on the medium when it is done. */
	ch->fua = flags & F_WRITE && (flags & F_FUA || !d->wcache);
	ide_xfer_start(ch);
}

static void cmd_verify(struct ide_drive *d, u8 flags)
{
	if (!addr_get(d, flags & F_EXT))
		return;
	d->ch->op = IDE_OP_VERIFY;
	ide_xfer_start(d->ch);
}

static void cmd_flush(struct ide_drive *d, u8 flags)
{
	d->ch->op = IDE_OP_FLUSH;
	ide_xfer_start(d->ch);
}

/* SEEK checks the address, as READ would. */
static void cmd_seek(struct ide_drive *d, u8 flags)
{
	u8 count = d->tf[R_NSECT];

	d->tf[R_NSECT] = 1;
	if (addr_get(d, false))
		ata_ok(d);
	d->tf[R_NSECT] = count;
}

static void cmd_recalibrate(struct ide_drive *d, u8 flags)
{
	d->tf[R_LBAM] = d->tf[R_LBAH] = 0;
	ata_ok(d);
}

static void cmd_nop(struct ide_drive *d, u8 flags)
{
	ata_abort(d, ER_ABRT);
}

static void cmd_identify(struct ide_drive *d, u8 flags)
{
	ata_identify(d, d->ch->buf);
	d->ch->block = 512;
	ide_xfer_reply(d->ch, 512);
}

static void cmd_identify_packet(struct ide_drive *d, u8 flags)
{
	if (d->kind != IDE_CD) {
		ata_abort(d, ER_ABRT);
		return;
	}
	atapi_identify(d, d->ch->buf);
	d->ch->block = 512;
	ide_xfer_reply(d->ch, 512);
}

static void cmd_packet(struct ide_drive *d, u8 flags)
{
	if (d->kind != IDE_CD) {
		ata_abort(d, ER_ABRT);
		return;
	}
	atapi_packet(d);
}

static void cmd_init_params(struct ide_drive *d, u8 flags)
{
	u64 cyls;

	if (!d->tf[R_NSECT]) {
		ata_abort(d, ER_ABRT);
		return;
	}
	d->sectors = d->tf[R_NSECT];
	d->heads = (d->tf[R_DEVICE] & 15) + 1;
	cyls = sectors_total(d) / (d->heads * d->sectors);
	d->cyls = (u16)MIN(cyls, (u64)65535);
	ata_ok(d);
}

static void cmd_set_multiple(struct ide_drive *d, u8 flags)
{
	u8 n = d->tf[R_NSECT];

	/* 0 switches the mode off; else a power of two that IDENTIFY allows. */
	if (n > IDE_MULT_MAX || n & (n - 1)) {
		d->mult = 0;
		ata_abort(d, ER_ABRT);
		return;
	}
	d->mult = n;
	ata_ok(d);
}

static bool xfer_mode_valid(u8 m)
{
	switch (m >> 3) {
	case 0: return m <= 1;
	case 1: return (m & 7) <= 4; /* PIO 0..4 */
	case 2: return (m & 7) <= 2; /* single word DMA */
	case 4: return (m & 7) <= 2; /* multiword DMA */
	case 8: return (m & 7) <= 5; /* Ultra DMA */
	default: return false;
	}
}

static void cmd_set_features(struct ide_drive *d, u8 flags)
{
	bool disk = d->kind == IDE_DISK;

	switch (d->tf[R_FEATURE]) {
	case 0x03:
		if (!xfer_mode_valid(d->tf[R_NSECT]))
			break;
		d->xfer_mode = d->tf[R_NSECT];
		ata_ok(d);
		return;
	case 0x02:
		if (!disk)
			break;
		d->wcache = true;
		ata_ok(d);
		return;
	case 0x82:
		if (!disk)
			break;
		/* What was cached is written before the cache is off. */
		d->wcache = false;
		cmd_flush(d, 0);
		return;
	case 0xaa:
	case 0x55:
		if (!disk)
			break;
		d->lookahead = d->tf[R_FEATURE] == 0xaa;
		ata_ok(d);
		return;
	case 0x66: /* keep, or not, these settings over a soft reset: they are kept */
	case 0xcc:
		ata_ok(d);
		return;
	}
	ata_abort(d, ER_ABRT);
}

/* IDLE, STANDBY, SLEEP, their immediate forms, and CHECK POWER MODE. Nothing spins here. */
static void cmd_power(struct ide_drive *d, u8 flags)
{
	switch (d->ch->cmd) {
	case 0xe5:
	case 0x98:
		d->tf[R_NSECT] = d->standby ? 0x00 : 0xff;
		break;
	case 0xe0:
	case 0xe2:
	case 0xe6:
	case 0x94:
	case 0x96:
	case 0x99:
		d->standby = true;
		if (d->kind == IDE_DISK) {
			/* A drive that spins down writes its cache first. */
			cmd_flush(d, 0);
			return;
		}
		break;
	default:
		d->standby = false;
	}
	ata_ok(d);
}

static void cmd_read_native_max(struct ide_drive *d, u8 flags)
{
	u64 last = sectors_total(d) - 1;

	if (flags & F_EXT) {
		d->ch->addr = ATA_LBA48;
	} else {
		d->ch->addr = d->tf[R_DEVICE] & DEV_LBA ? ATA_LBA28 : ATA_CHS;
		last = MIN(last, (u64)0x0ffffffe);
	}
	addr_put(d, last);
	ata_ok(d);
}

/* READ BUFFER, WRITE BUFFER: one sector that stays in the drive. */
static void cmd_read_buffer(struct ide_drive *d, u8 flags)
{
	d->ch->block = 512;
	ide_xfer_reply(d->ch, 512);
}

static void cmd_write_buffer(struct ide_drive *d, u8 flags)
{
	d->ch->block = 512;
	ide_xfer_accept(d->ch, 512, false);
}

/* DATA SET MANAGEMENT: one 512-byte block of ranges (IDENTIFY word 105) by DMA. */
static void cmd_dsm(struct ide_drive *d, u8 flags)
{
	struct ide_channel *ch = d->ch;

	if (d->tf[R_FEATURE] != 1 || d->tf[R_NSECT] != 1 || d->hob[R_NSECT]) {
		ata_abort(d, ER_ABRT);
		return;
	}
	if (refuse_write(d))
		return;
	ch->dma = true;
	ide_xfer_accept(ch, 512, false);
}

static void cmd_smart(struct ide_drive *d, u8 flags)
{
	ata_smart(d, d->ch->cmd);
}

bool ata_trim_next(struct ide_drive *d, u64 *off, u64 *len)
{
	struct ide_channel *ch = d->ch;
	u64 entry, lba, n;

	while (ch->buf_pos + 8 <= 512) {
		memcpy(&entry, ch->buf + ch->buf_pos, 8);
		ch->buf_pos += 8;
		lba = entry & 0xffffffffffffULL;
		n = entry >> 48;
		if (!n)
			continue;
		/* Beyond the disk: checked before the first range was discarded. */
		*off = lba * 512;
		*len = n * 512;
		return true;
	}
	return false;
}

static bool trim_valid(struct ide_drive *d)
{
	u64 entry, lba, n, total = sectors_total(d);
	unsigned int i;

	for (i = 0; i < 512; i += 8) {
		memcpy(&entry, d->ch->buf + i, 8);
		lba = entry & 0xffffffffffffULL;
		n = entry >> 48;
		if (n && (n > total || lba > total - n))
			return false;
	}
	return true;
}

void ata_accepted(struct ide_drive *d)
{
	struct ide_channel *ch = d->ch;

	if (ch->cmd != 0x06) {
		if (ch->dma)
			bm_done(ch);
		ata_ok(d);
		return;
	}
	if (!trim_valid(d)) {
		bm_done(ch);
		ata_abort(d, ER_IDNF);
		return;
	}
	ch->op = IDE_OP_TRIM;
	ch->buf_pos = 0;
	ide_xfer_start(ch);
}

static const struct ata_cmd {
	void (*fn)(struct ide_drive *d, u8 flags);
	u8 flags;
} ata_cmds[256] = {
	[0x00] = {cmd_nop, F_CD},
	[0x06] = {cmd_dsm, F_EXT | F_DMA | F_WRITE},
	[0x10 ... 0x1f] = {cmd_recalibrate, 0},
	[0x20] = {cmd_rw, 0},
	[0x21] = {cmd_rw, 0},
	[0x24] = {cmd_rw, F_EXT},
	[0x25] = {cmd_rw, F_EXT | F_DMA},
	[0x27] = {cmd_read_native_max, F_EXT},
	[0x29] = {cmd_rw, F_EXT | F_MULT},
	[0x30] = {cmd_rw, F_WRITE},
	[0x31] = {cmd_rw, F_WRITE},
	[0x34] = {cmd_rw, F_WRITE | F_EXT},
	[0x35] = {cmd_rw, F_WRITE | F_EXT | F_DMA},
	[0x39] = {cmd_rw, F_WRITE | F_EXT | F_MULT},
	[0x3c] = {cmd_rw, F_WRITE}, /* WRITE VERIFY */
	[0x3d] = {cmd_rw, F_WRITE | F_EXT | F_DMA | F_FUA},
	[0x40] = {cmd_verify, 0},
	[0x41] = {cmd_verify, 0},
	[0x42] = {cmd_verify, F_EXT},
	[0x70 ... 0x7f] = {cmd_seek, 0},
	[0x91] = {cmd_init_params, 0},
	[0x94] = {cmd_power, F_CD},
	[0x95] = {cmd_power, F_CD},
	[0x96] = {cmd_power, F_CD},
	[0x97] = {cmd_power, F_CD},
	[0x98] = {cmd_power, F_CD},
	[0x99] = {cmd_power, F_CD},
	[0xa0] = {cmd_packet, F_CD},
	[0xa1] = {cmd_identify_packet, F_CD},
	[0xb0] = {cmd_smart, 0},
	[0xc4] = {cmd_rw, F_MULT},
	[0xc5] = {cmd_rw, F_WRITE | F_MULT},
	[0xc6] = {cmd_set_multiple, 0},
	[0xc8] = {cmd_rw, F_DMA},
	[0xc9] = {cmd_rw, F_DMA},
	[0xca] = {cmd_rw, F_WRITE | F_DMA},
	[0xcb] = {cmd_rw, F_WRITE | F_DMA},
	[0xce] = {cmd_rw, F_WRITE | F_EXT | F_MULT | F_FUA},
	[0xe0] = {cmd_power, F_CD},
	[0xe1] = {cmd_power, F_CD},
	[0xe2] = {cmd_power, F_CD},
	[0xe3] = {cmd_power, F_CD},
	[0xe4] = {cmd_read_buffer, 0},
	[0xe5] = {cmd_power, F_CD},
	[0xe6] = {cmd_power, F_CD},
	[0xe7] = {cmd_flush, 0},
	[0xe8] = {cmd_write_buffer, 0},
	[0xea] = {cmd_flush, 0},
	[0xec] = {cmd_identify, 0},
	[0xef] = {cmd_set_features, F_CD},
	[0xf8] = {cmd_read_native_max, 0},
};

void ata_command(struct ide_drive *d, u8 cmd)
{
	const struct ata_cmd *c = &ata_cmds[cmd];

	if (d->kind == IDE_CD && !(c->fn && c->flags & F_CD)) {
		/* IDENTIFY DEVICE and READ SECTOR(S) make a packet device show what it is. */
		if (cmd == 0xec || cmd == 0x20)
			ide_signature(d);
		ata_abort(d, ER_ABRT);
		return;
	}
	if (!c->fn) {
		ata_abort(d, ER_ABRT);
		return;
	}
	if (c->fn != cmd_power)
		d->standby = false;
	c->fn(d, c->flags);
}

void ata_reset(struct ide_drive *d, bool hard)
{
	d->cyls = d->def_cyls;
	d->heads = d->def_heads;
	d->sectors = d->def_sectors;
	d->standby = false;
	if (!hard)
		return;
	/* What SET FEATURES set survives a soft reset only. */
	d->mult = 0;
	d->xfer_mode = 0;
	d->wcache = d->lookahead = d->smart = true;
	d->selftest = 0;
	d->warned = false;
}

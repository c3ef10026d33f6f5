// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * IDENTIFY DEVICE and IDENTIFY PACKET DEVICE data.
 * Follows ATA/ATAPI-6 (T13 1410D), sections 8.15 and 8.16; words 105, 169 and 217 ATA8-ACS.
 */
#include "devices/ide/ide_int.h"

static void put(u8 *buf, unsigned int word, u16 val)
{
	buf[2 * word] = (u8)val;
	buf[2 * word + 1] = (u8)(val >> 8);
}

static void put32(u8 *buf, unsigned int word, u32 val)
{
	put(buf, word, (u16)val);
	put(buf, word + 1, (u16)(val >> 16));
}

/* ATA strings: the first character in the high byte of each word, padded with blanks. */
static void put_string(u8 *buf, unsigned int word, unsigned int words, const char *s)
{
	unsigned int i;

	for (i = 0; i < 2 * words; i++)
		buf[2 * word + (i ^ 1)] = *s ? (u8)*s++ : ' ';
}

void ata_checksum(u8 *buf)
{
	u8 sum = 0;
	int i;

	for (i = 0; i < 511; i++)
		sum = (u8)(sum + buf[i]);
	buf[511] = (u8)-sum;
}

/* Words 62, 63 and 88: modes that can be, and which one SET FEATURES chose. */
static void put_modes(const struct ide_drive *d, u8 *buf)
{
	u8 n = d->xfer_mode & 7;
	u16 sw = 0x07, mw = 0x07, ultra = 0x3f;

	if (d->xfer_mode >> 3 == 2)
		sw |= (u16)(0x100 << n);
	else if (d->xfer_mode >> 3 == 4)
		mw |= (u16)(0x100 << n);
	else if (d->xfer_mode >> 3 == 8)
		ultra |= (u16)(0x100 << n);
	put(buf, 62, sw);
	put(buf, 63, mw);
	put(buf, 64, 0x03); /* PIO 3 and 4 */
	put(buf, 65, 120);  /* cycle times, ns */
	put(buf, 66, 120);
	put(buf, 67, 120);
	put(buf, 68, 120);
	put(buf, 88, ultra);
	/* Reset result: passed, 80-conductor cable, number by jumper. */
	put(buf, 93, d->unit ? 0x6b00 : 0x600b);
}

/* Words 82 to 87: what is supported and what is on. */
static void put_features(const struct ide_drive *d, u8 *buf)
{
	/* NOP, READ and WRITE BUFFER; look-ahead, write cache, power management, SMART */
	put(buf, 82, 0x7069);
	put(buf, 83, 0x7400); /* FLUSH CACHE EXT, FLUSH CACHE, 48-bit addresses */
	put(buf, 84, 0x4043); /* WRITE FUA, SMART self-test, SMART error log */
	put(buf, 85, (u16)(0x7008 | (d->smart ? 1 : 0) | (d->wcache ? 0x20 : 0) |
			   (d->lookahead ? 0x40 : 0)));
	put(buf, 86, 0x3400);
	put(buf, 87, 0x4043);
}

void ata_identify(struct ide_drive *d, u8 *buf)
{
	u64 total = gm_blk_size(d->blk) / 512;
	u32 chs = (u32)d->cyls * d->heads * d->sectors;

	memset(buf, 0, 512);
	put(buf, 0, 0x0040); /* fixed disk */
	put(buf, 1, d->def_cyls);
	put(buf, 3, d->def_heads);
	put(buf, 4, (u16)(512 * d->def_sectors));
	put(buf, 5, 512);
	put(buf, 6, d->def_sectors);
	put_string(buf, 10, 10, d->serial);
	put(buf, 20, 3); /* dual-ported buffer with read cache */
	put(buf, 21, IDE_BUF / 512);
	put(buf, 22, 4);
	put_string(buf, 23, 4, VMM_VERSION);
	put_string(buf, 27, 20, "GUESTMODE HARDDISK");
	put(buf, 47, 0x8000 | IDE_MULT_MAX);
	put(buf, 48, 1);      /* 32-bit data port */
	put(buf, 49, 0x0f00); /* IORDY, LBA, DMA */
	put(buf, 50, 0x4000);
	put(buf, 51, 0x0200);
	put(buf, 52, 0x0200);
	put(buf, 53, 0x0007); /* words 54-58, 64-70 and 88 are valid */
	put(buf, 54, d->cyls);
	put(buf, 55, d->heads);
	put(buf, 56, d->sectors);
	put32(buf, 57, chs);
	put(buf, 59, d->mult ? 0x0100 | d->mult : 0);
	put32(buf, 60, (u32)MIN(total, (u64)0x0fffffff));
	put_modes(d, buf);
	put(buf, 80, 0x00f0); /* ATA/ATAPI-4 to -7 */
	put(buf, 81, 0x0016);
	put_features(d, buf);
	put32(buf, 100, (u32)total);
	put32(buf, 102, (u32)(total >> 32));
	put(buf, 105, 1);      /* blocks of DATA SET MANAGEMENT ranges */
	put(buf, 106, 0x4000); /* 512-byte sectors */
	put(buf, 169, gm_blk_readonly(d->blk) ? 0 : 1); /* TRIM */
	put(buf, 217, 1);      /* does not rotate */
	buf[510] = 0xa5;
	ata_checksum(buf);
}

void atapi_identify(struct ide_drive *d, u8 *buf)
{
	memset(buf, 0, 512);
	/* CD-ROM, removable, DRQ within 50 us of PACKET without an interrupt, 12-byte packets */
	put(buf, 0, 0x85c0);
	put_string(buf, 10, 10, d->serial);
	put(buf, 20, 3);
	put(buf, 21, IDE_BUF / 512);
	put(buf, 22, 4);
	put_string(buf, 23, 4, VMM_VERSION);
	put_string(buf, 27, 20, "GUESTMODE DVD-ROM");
	put(buf, 48, 1);
	put(buf, 49, 0x0f00);
	put(buf, 51, 0x0200);
	put(buf, 52, 0x0200);
	put(buf, 53, 0x0007);
	put_modes(d, buf);
	put(buf, 71, 30); /* ns from PACKET to bus release, and from SERVICE: typical values */
	put(buf, 72, 30);
	put(buf, 80, 0x00f0);
	put(buf, 81, 0x0016);
	put(buf, 82, 0x4210); /* NOP, DEVICE RESET, PACKET */
	put(buf, 83, 0x4000);
	put(buf, 84, 0x4000);
	put(buf, 85, 0x4210);
	put(buf, 87, 0x4000);
}

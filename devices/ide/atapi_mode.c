// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Mode pages of the CD/DVD-ROM drive: error recovery (01h), CD-ROM (0Dh), audio control (0Eh) and
 * capabilities (2Ah). Follows MMC-3 (T10 1363D), section 6.3; the mode parameter header is that
 * of the ten-byte commands, without block descriptors.
 */
#include "devices/ide/ide_int.h"

#define PC_CHANGEABLE 1
#define PC_DEFAULT    2
#define PC_SAVED      3

static const u8 page01_default[8] = {0x01, 0x06, 0x00, 0x05};
static const u8 page01_mask[8] = {0x01, 0x06, 0xff, 0xff};
static const u8 page0d[8] = {0x0d, 0x06, 0x00, 0x0d, 0x00, 60, 0x00, 75};
/* Immediate; ports 0 and 1 at full volume on the two channels. */
static const u8 page0e_default[14] = {0x04, 0, 0, 0, 0, 0, 1, 0xff, 2, 0xff, 0, 0, 0, 0};
static const u8 page0e_mask[14] = {0, 0, 0, 0, 0, 0, 0x0f, 0xff, 0x0f, 0xff, 0, 0, 0, 0};

void atapi_mode_reset(struct ide_drive *d)
{
	memcpy(d->page01, page01_default, sizeof(d->page01));
	memcpy(d->page0e, page0e_default, sizeof(d->page0e));
}

static u8 *page01_put(struct ide_drive *d, u8 *p, u8 pc)
{
	memcpy(p, pc == PC_CHANGEABLE ? page01_mask : pc == PC_DEFAULT ? page01_default : d->page01,
	       8);
	return p + 8;
}

static u8 *page0d_put(struct ide_drive *d, u8 *p, u8 pc)
{
	memcpy(p, page0d, 8);
	if (pc == PC_CHANGEABLE)
		memset(p + 2, 0, 6);
	return p + 8;
}

static u8 *page0e_put(struct ide_drive *d, u8 *p, u8 pc)
{
	p[0] = p[1] = 0x0e;
	memcpy(p + 2,
	       pc == PC_CHANGEABLE ? page0e_mask : pc == PC_DEFAULT ? page0e_default : d->page0e,
	       14);
	return p + 16;
}

static u8 *page2a_put(struct ide_drive *d, u8 *p, u8 pc)
{
	memset(p, 0, 22);
	p[0] = 0x2a;
	p[1] = 20;
	if (pc == PC_CHANGEABLE)
		return p + 22;
	p[2] = 0x0b;                           /* reads CD-R, CD-RW and DVD-ROM */
	p[4] = 0x70;                           /* mode 2 forms 1 and 2, multisession */
	p[5] = 0;                              /* no digital audio */
	p[6] = (u8)(0x29 | (d->locked ? 2 : 0)); /* tray, ejects, locks */
	put_be16(p + 8, 706);                  /* top speed, kB/s: 4x */
	put_be16(p + 10, 2);                   /* volume levels */
	put_be16(p + 12, 512);                 /* buffer, KiB */
	put_be16(p + 14, 706);
	return p + 22;
}

static const struct mode_page {
	u8 code;
	u8 *(*put)(struct ide_drive *d, u8 *p, u8 pc);
} pages[] = {
	{0x01, page01_put},
	{0x0d, page0d_put},
	{0x0e, page0e_put},
	{0x2a, page2a_put},
};

void atapi_cmd_mode_sense(struct ide_drive *d, const u8 *cdb)
{
	u8 *b = d->ch->buf, *p = b + 8, pc = cdb[2] >> 6, code = cdb[2] & 0x3f;
	size_t i;

	if (pc == PC_SAVED) {
		atapi_sense(d, SK_ILLEGAL_REQUEST, 0x39, 0); /* saving not supported */
		return;
	}
	memset(b, 0, 8);
	/* Medium type: tray open, no disc, 120 mm data CD. */
	b[2] = d->open ? 0x71 : !d->blk ? 0x70 : 0x01;
	for (i = 0; i < ARRAY_SIZE(pages); i++)
		if (code == 0x3f || code == pages[i].code)
			p = pages[i].put(d, p, pc);
	if (p == b + 8) {
		atapi_sense(d, SK_ILLEGAL_REQUEST, 0x24, 0);
		return;
	}
	put_be16(b, (u32)(p - b) - 2);
	atapi_reply(d, (u32)(p - b), be16(cdb + 7));
}

static bool refuse(struct ide_drive *d, u8 asc)
{
	atapi_sense(d, SK_ILLEGAL_REQUEST, asc, 0);
	return false;
}

/* Takes over the bits that may change. */
static void masked(u8 *to, const u8 *from, const u8 *mask, u32 len)
{
	u32 i;

	for (i = 0; i < len; i++)
		to[i] = (u8)((to[i] & ~mask[i]) | (from[i] & mask[i]));
}

bool atapi_mode_select_data(struct ide_drive *d, const u8 *buf, u32 len)
{
	u32 pos, plen;

	if (len < 8)
		return refuse(d, 0x1a); /* parameter list length error */
	pos = 8u + be16(buf + 6);
	while (pos + 2 <= len) {
		const u8 *p = buf + pos;

		plen = 2u + p[1];
		if (plen > len - pos)
			return refuse(d, 0x1a);
		/* Error recovery is shorter in SFF-8020i than in later standards. */
		if ((p[0] & 0x3f) == 0x01 && plen >= 8)
			masked(d->page01 + 2, p + 2, page01_mask + 2, 6);
		else if ((p[0] & 0x3f) == 0x0e && plen == 16)
			masked(d->page0e, p + 2, page0e_mask, 14);
		else if ((p[0] & 0x3f) != 0x0d && (p[0] & 0x3f) != 0x2a)
			return refuse(d, 0x26); /* invalid field in parameter list */
		pos += plen;
	}
	return true;
}

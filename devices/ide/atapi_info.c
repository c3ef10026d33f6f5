// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a CD/DVD-ROM drive tells about itself and its disc: one data track in one session.
 * Follows MMC-3 (T10 1363D), section 6, and SPC-2 for INQUIRY.
 */
#include "devices/ide/ide_int.h"

#define DVD_BLOCKS 450000u /* more than any CD holds */

static void invalid_field(struct ide_drive *d)
{
	atapi_sense(d, SK_ILLEGAL_REQUEST, 0x24, 0);
}

static bool is_dvd(const struct ide_drive *d)
{
	return atapi_blocks(d) > DVD_BLOCKS;
}

/* An address field of four bytes, as LBA or as 0, minute, second, frame. */
static void put_addr(u8 *p, u32 lba, bool msf)
{
	if (!msf) {
		put_be32(p, lba);
		return;
	}
	p[0] = 0;
	atapi_msf(p + 1, lba);
}

void atapi_cmd_inquiry(struct ide_drive *d, const u8 *cdb)
{
	static const u8 text[] = "GUESTMODDVD-ROM         1.0 ";
	u8 *b = d->ch->buf;

	if (cdb[1] & 3 || cdb[2]) {
		invalid_field(d);
		return;
	}
	memset(b, 0, 36);
	b[0] = 0x05; /* CD/DVD */
	b[1] = 0x80; /* removable */
	b[3] = 0x21; /* ATAPI transport, response format 1 */
	b[4] = 31;
	memcpy(b + 8, text, 28);
	atapi_reply(d, 36, be16(cdb + 3));
}

static u32 toc_tracks(struct ide_drive *d, const u8 *cdb)
{
	bool msf = cdb[1] & 2;
	u8 *b = d->ch->buf, *p = b + 4;

	if (cdb[6] > 1 && cdb[6] != 0xaa)
		return 0;
	b[2] = b[3] = 1;
	if (cdb[6] <= 1) {
		p[1] = 0x14; /* data track */
		p[2] = 1;
		put_addr(p + 4, 0, msf);
		p += 8;
	}
	p[1] = 0x14;
	p[2] = 0xaa;
	put_addr(p + 4, atapi_blocks(d), msf);
	return (u32)(p + 8 - b);
}

static u32 toc_session(struct ide_drive *d, const u8 *cdb)
{
	u8 *b = d->ch->buf;

	b[2] = b[3] = 1;
	b[5] = 0x14;
	b[6] = 1;
	put_addr(b + 8, 0, cdb[1] & 2);
	return 12;
}

static u8 *toc_point(u8 *p, u8 point, u8 m, u8 s, u8 f)
{
	p[0] = 1;
	p[1] = 0x14;
	p[3] = point;
	p[8] = m;
	p[9] = s;
	p[10] = f;
	return p + 11;
}

/* The lead-in's Q subchannel. */
static u32 toc_full(struct ide_drive *d, const u8 *cdb)
{
	u8 *b = d->ch->buf, *p = b + 4, end[3];

	if (cdb[6] > 1)
		return 0;
	b[2] = b[3] = 1;
	atapi_msf(end, atapi_blocks(d));
	p = toc_point(p, 0xa0, 1, 0, 0); /* first track; disc type CD-ROM */
	p = toc_point(p, 0xa1, 1, 0, 0); /* last track */
	p = toc_point(p, 0xa2, end[0], end[1], end[2]);
	p = toc_point(p, 1, 0, 2, 0);
	return (u32)(p - b);
}

void atapi_cmd_read_toc(struct ide_drive *d, const u8 *cdb)
{
	/* SFF-8020i has the format in the control byte. */
	u8 *b = d->ch->buf, format = cdb[2] & 15 ? cdb[2] & 15 : cdb[9] >> 6;
	u32 len = 0;

	memset(b, 0, 64);
	if (format == 0)
		len = toc_tracks(d, cdb);
	else if (format == 1)
		len = toc_session(d, cdb);
	else if (format == 2)
		len = toc_full(d, cdb);
	if (!len) {
		invalid_field(d);
		return;
	}
	put_be16(b, len - 2);
	atapi_reply(d, len, be16(cdb + 7));
}

/* No audio has been played: status 15h. Format 1 is the current position. */
void atapi_cmd_read_subchannel(struct ide_drive *d, const u8 *cdb)
{
	u8 *b = d->ch->buf;
	u32 len = 4;

	memset(b, 0, 24);
	b[1] = 0x15;
	if (cdb[2] & 0x40) {
		if (cdb[3] < 1 || cdb[3] > 3) {
			invalid_field(d);
			return;
		}
		len = cdb[3] == 1 ? 16 : 24;
		b[4] = cdb[3];
		if (cdb[3] == 1) {
			b[5] = 0x14;
			b[6] = b[7] = 1;
			put_addr(b + 8, 0, cdb[1] & 2);
			put_addr(b + 12, 0, cdb[1] & 2);
		}
		put_be16(b + 2, len - 4);
	}
	atapi_reply(d, len, be16(cdb + 7));
}

void atapi_cmd_read_header(struct ide_drive *d, const u8 *cdb)
{
	u8 *b = d->ch->buf;
	u32 lba = be32(cdb + 2);

	if (lba >= atapi_blocks(d)) {
		atapi_sense(d, SK_ILLEGAL_REQUEST, 0x21, 0);
		return;
	}
	memset(b, 0, 8);
	b[0] = 1; /* mode 1 */
	put_addr(b + 4, lba, cdb[1] & 2);
	atapi_reply(d, 8, be16(cdb + 7));
}

/* ---- GET CONFIGURATION ---- */

#define FEATURE_MAX 16

static const struct feature {
	u16 code;
	u8 flags; /* bit 0 current, bit 1 persistent, bits 5:2 version */
	u8 len;
	u8 data[FEATURE_MAX];
} features[] = {
	{0x0000, 0x03, 8, {0x00, 0x10, 0, 0, 0x00, 0x08, 0, 0}}, /* profiles: DVD-ROM, CD-ROM */
	{0x0001, 0x03, 4, {0, 0, 0, 2}},                         /* core: ATAPI */
	{0x0002, 0x03, 4, {0}},                                  /* morphing: polled events */
	{0x0003, 0x03, 4, {0x29, 0, 0, 0}},                      /* removable: tray, eject, lock */
	{0x0010, 0x01, 8, {0, 0, 8, 0, 0, 1, 1, 0}},             /* random readable, 2048 bytes */
	{0x001e, 0x01, 0, {0}},                                  /* CD read */
	{0x001f, 0x01, 0, {0}},                                  /* DVD read */
	{0x0100, 0x03, 0, {0}},                                  /* power management */
	{0x0105, 0x03, 0, {0}},                                  /* time-out */
};

static bool feature_current(const struct ide_drive *d, u16 code)
{
	if (!(atapi_medium(d)))
		return code != 0x10 && code != 0x1e && code != 0x1f;
	return code != 0x1f || is_dvd(d);
}

void atapi_cmd_get_configuration(struct ide_drive *d, const u8 *cdb)
{
	u8 *b = d->ch->buf, *p = b + 8, rt = cdb[1] & 3;
	u16 start = be16(cdb + 2), profile = is_dvd(d) ? 0x10 : 0x08;
	bool current;
	size_t i;

	if (rt == 3) {
		invalid_field(d);
		return;
	}
	memset(b, 0, 8);
	put_be16(b + 6, atapi_medium(d) ? profile : 0);
	for (i = 0; i < ARRAY_SIZE(features); i++) {
		const struct feature *f = &features[i];

		current = feature_current(d, f->code);
		if ((rt == 2 ? f->code != start : f->code < start) || (rt == 1 && !current))
			continue;
		put_be16(p, f->code);
		p[2] = current ? f->flags | 1 : f->flags & ~1;
		p[3] = f->len;
		memcpy(p + 4, f->data, f->len);
		if (f->code == 0) {
			p[6] = be16(p + 4) == profile && atapi_medium(d);
			p[10] = be16(p + 8) == profile && atapi_medium(d);
		}
		p += 4 + f->len;
	}
	put_be32(b, (u32)(p - b) - 4);
	atapi_reply(d, (u32)(p - b), be16(cdb + 7));
}

void atapi_cmd_event_status(struct ide_drive *d, const u8 *cdb)
{
	static const u8 codes[] = {
		[CD_EVENT_NONE] = 0,
		[CD_EVENT_EJECT] = 1,
		[CD_EVENT_NEW] = 2,
		[CD_EVENT_REMOVAL] = 3,
	};
	u8 *b = d->ch->buf;

	/* Asynchronous operation is not there. */
	if (!(cdb[1] & 1)) {
		invalid_field(d);
		return;
	}
	memset(b, 0, 8);
	b[3] = 0x10; /* media events are all there is */
	if (!(cdb[4] & 0x10)) {
		b[1] = 2;
		b[2] = 0x80;
		atapi_reply(d, 4, be16(cdb + 7));
		return;
	}
	b[1] = 6;
	b[2] = 4;
	b[4] = d->event < ARRAY_SIZE(codes) ? codes[d->event] : 0;
	b[5] = (u8)((d->open ? 1 : 0) | (d->blk && !d->open ? 2 : 0));
	/* An event is told once, to whoever takes it all. */
	if (be16(cdb + 7) >= 8)
		d->event = CD_EVENT_NONE;
	atapi_reply(d, 8, be16(cdb + 7));
}

void atapi_cmd_disc_info(struct ide_drive *d, const u8 *cdb)
{
	u8 *b = d->ch->buf;

	memset(b, 0, 34);
	put_be16(b, 32);
	b[2] = 0x0e; /* last session complete, disc finalized */
	b[3] = 1;
	b[4] = 1;
	b[5] = 1;
	b[6] = 1;
	b[7] = 0x20; /* unrestricted use */
	memset(b + 16, 0xff, 8);
	atapi_reply(d, 34, be16(cdb + 7));
}

void atapi_cmd_track_info(struct ide_drive *d, const u8 *cdb)
{
	u8 *b = d->ch->buf;

	/* By address, or by track number. */
	if ((cdb[1] & 3) > 1 || ((cdb[1] & 3) == 1 && be32(cdb + 2) != 1)) {
		invalid_field(d);
		return;
	}
	memset(b, 0, 36);
	put_be16(b, 34);
	b[2] = 1;
	b[3] = 1;
	b[5] = 0x04; /* data track, uninterrupted */
	b[6] = 0x01; /* mode 1 */
	put_be32(b + 24, atapi_blocks(d));
	atapi_reply(d, 36, be16(cdb + 7));
}

void atapi_cmd_mechanism_status(struct ide_drive *d, const u8 *cdb)
{
	u8 *b = d->ch->buf;

	memset(b, 0, 8);
	b[1] = d->open ? 0x10 : 0;
	b[5] = 1; /* slots in the table, which has no entries: this is no changer */
	atapi_reply(d, 8, be16(cdb + 8));
}

/* Format 0, physical information of layer 0; the disc is a DVD-ROM, or this is an error. */
void atapi_cmd_dvd_structure(struct ide_drive *d, const u8 *cdb)
{
	u8 *b = d->ch->buf;

	if (!is_dvd(d)) {
		atapi_sense(d, SK_ILLEGAL_REQUEST, 0x30, 2); /* incompatible format */
		return;
	}
	if (cdb[7] || cdb[6]) {
		invalid_field(d);
		return;
	}
	memset(b, 0, 2052);
	put_be16(b, 2050);
	b[4] = 0x01; /* DVD-ROM, version 1 */
	b[5] = 0x0f; /* 120 mm, no maximum rate given */
	b[6] = 0x01; /* one layer, embossed */
	put_be32(b + 8, 0x30000);
	put_be32(b + 12, 0x30000 + atapi_blocks(d) - 1);
	atapi_reply(d, 2052, be16(cdb + 8));
}

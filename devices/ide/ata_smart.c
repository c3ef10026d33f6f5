// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SMART: a healthy disk's answers. Follows ATA/ATAPI-6 (T13 1410D), section 8.54; the attribute
 * layout, which the standard leaves to vendors, is SFF-8035i's.
 */
#include "devices/ide/ide_int.h"

static const struct smart_attr {
	u8 id;
	u16 flags; /* bit 0: prefailure, bit 1: collected online */
	u8 value, worst, threshold;
	u32 raw;
} attrs[] = {
	{1, 0x0003, 100, 100, 6, 0},     /* read error rate */
	{3, 0x0003, 100, 100, 0, 16},    /* spin-up time */
	{4, 0x0002, 100, 100, 20, 100},  /* start/stop count */
	{5, 0x0003, 100, 100, 36, 0},    /* reallocated sectors */
	{9, 0x0003, 100, 100, 0, 1},     /* power-on hours */
	{12, 0x0003, 100, 100, 0, 0},    /* power cycles */
	{190, 0x0003, 69, 69, 50, 31},   /* temperature */
};

static void data_make(struct ide_drive *d, u8 *b)
{
	size_t i;

	b[0] = 1;
	for (i = 0; i < ARRAY_SIZE(attrs); i++) {
		u8 *p = b + 2 + 12 * i;

		p[0] = attrs[i].id;
		p[1] = (u8)attrs[i].flags;
		p[3] = attrs[i].value;
		p[4] = attrs[i].worst;
		memcpy(p + 5, &attrs[i].raw, 4);
	}
	b[362] = 0x02;    /* offline collection done without error */
	b[364] = 10;      /* it takes this many seconds */
	b[367] = 0x19;    /* execute offline immediate, surface scan, self-test */
	b[368] = 0x03;    /* saves before power mode, autosaves */
	b[370] = 0x01;    /* error log */
	b[372] = 1;       /* minutes for a short and an extended self-test */
	b[373] = 1;
	ata_checksum(b);
}

static void thresholds_make(struct ide_drive *d, u8 *b)
{
	size_t i;

	b[0] = 1;
	for (i = 0; i < ARRAY_SIZE(attrs); i++) {
		b[2 + 12 * i] = attrs[i].id;
		b[3 + 12 * i] = attrs[i].threshold;
	}
	ata_checksum(b);
}

/* The logs: directory, summary of errors (none), self-tests (the last one). */
static bool log_make(struct ide_drive *d, u8 log, u8 *b)
{
	switch (log) {
	case 0x00:
		b[0] = 1;
		b[2 * 1] = 1;
		b[2 * 6] = 1;
		return true;
	case 0x01:
		b[0] = 1;
		break;
	case 0x06:
		b[0] = 1;
		if (d->selftest) {
			b[2] = d->selftest;
			b[508] = 1;
		}
		break;
	default:
		return false;
	}
	ata_checksum(b);
	return true;
}

/* Self-tests end at once and well. Captive ones (bit 7) differ in nothing then. */
static bool selftest(struct ide_drive *d, u8 type)
{
	switch (type & 0x7f) {
	case 0x00: /* offline data collection */
	case 0x7f: /* abort */
		return true;
	case 0x01:
	case 0x02:
	case 0x03:
		d->selftest = type;
		return true;
	default:
		return false;
	}
}

static void reply(struct ide_drive *d)
{
	d->ch->block = 512;
	ide_xfer_reply(d->ch, 512);
}

void ata_smart(struct ide_drive *d, u8 cmd)
{
	u8 *buf = d->ch->buf, sub = d->tf[R_FEATURE];

	if (d->tf[R_LBAM] != 0x4f || d->tf[R_LBAH] != 0xc2 || (!d->smart && sub != 0xd8)) {
		ata_abort(d, ER_ABRT);
		return;
	}
	memset(buf, 0, 512);
	switch (sub) {
	case 0xd0:
		data_make(d, buf);
		reply(d);
		return;
	case 0xd1:
		thresholds_make(d, buf);
		reply(d);
		return;
	case 0xd5:
		if (d->tf[R_NSECT] != 1 || !log_make(d, d->tf[R_LBAL], buf))
			break;
		reply(d);
		return;
	case 0xd4:
		if (!selftest(d, d->tf[R_LBAL]))
			break;
		ata_ok(d);
		return;
	case 0xd8:
	case 0xd9:
		d->smart = sub == 0xd8;
		ata_ok(d);
		return;
	case 0xd2: /* attribute autosave */
	case 0xd3: /* save attributes */
	case 0xda: /* return status: the signature stays as it is when all is well */
		ata_ok(d);
		return;
	}
	ata_abort(d, ER_ABRT);
}

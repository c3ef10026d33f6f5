// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * READ CD: the parts of a mode 1 sector around its 2048 bytes of user data: synchronization,
 * header, error detection and correction. Follows ECMA-130, sections 14 and 15 and annexes A
 * (the product code over GF(2^8)) and B.
 */
#include "devices/ide/ide_int.h"

#define PART_SYNC   0x80
#define PART_HEADER 0x20
#define PART_DATA   0x10
#define PART_EDC    0x08

#define SECTOR   2352
#define OFF_DATA 16
#define OFF_EDC  2064
#define OFF_P    2076
#define OFF_Q    2248

u32 atapi_raw_size(u8 parts)
{
	return (parts & PART_SYNC ? 12u : 0) + (parts & PART_HEADER ? 4u : 0) +
	       (parts & PART_DATA ? 2048u : 0) + (parts & PART_EDC ? 288u : 0);
}

void atapi_msf(u8 *out, u32 lba)
{
	lba += 150;
	out[0] = (u8)(lba / 75 / 60);
	out[1] = (u8)(lba / 75 % 60);
	out[2] = (u8)(lba % 75);
}

static u8 bcd(u8 v)
{
	return (u8)(v / 10 << 4 | v % 10);
}

/* CRC-32 with the polynomial (x^16+x^15+x^2+1)(x^16+x^2+x+1), bits reversed. */
static u32 edc(const u8 *p, size_t len)
{
	u32 crc = 0;
	int i;

	while (len--) {
		crc ^= *p++;
		for (i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0xd8018001 : 0);
	}
	return crc;
}

static u8 gf_double(u8 v)
{
	return (u8)(v << 1 ^ (v & 0x80 ? 0x1d : 0));
}

/* 1 / (alpha + 1) times v, by search: alpha + 1 times x is gf_double(x) ^ x. */
static void gf_inverse_table(u8 *inv)
{
	int i;

	for (i = 0; i < 256; i++)
		inv[gf_double((u8)i) ^ i] = (u8)i;
}

/* Two parity bytes for each of `words` code words of `len` bytes; consecutive bytes of a word lie
 * `step` apart, consecutive pairs of words `stride`, and indices wrap at words * len. */
static void parity(const u8 *src, u32 words, u32 len, u32 stride, u32 step, u8 *out)
{
	u32 w, i, pos, size = words * len;
	u8 inv[256], a, b;

	gf_inverse_table(inv);
	for (w = 0; w < words; w++) {
		pos = w / 2 * stride + w % 2;
		a = b = 0;
		for (i = 0; i < len; i++) {
			a = gf_double(a ^ src[pos]);
			b ^= src[pos];
			pos += step;
			if (pos >= size)
				pos -= size;
		}
		a = inv[gf_double(a) ^ b];
		out[w] = a;
		out[w + words] = a ^ b;
	}
}

static void sector_make(u8 *s, u32 lba)
{
	u8 msf[3];
	u32 crc;

	memset(s, 0xff, 12);
	s[0] = s[11] = 0;
	atapi_msf(msf, lba);
	s[12] = bcd(msf[0] % 100);
	s[13] = bcd(msf[1]);
	s[14] = bcd(msf[2]);
	s[15] = 1;
	crc = edc(s, OFF_EDC);
	memcpy(s + OFF_EDC, &crc, 4);
	memset(s + OFF_EDC + 4, 0, 8);
	/* The code covers the sector from its header on. */
	parity(s + 12, 86, 24, 2, 86, s + OFF_P);
	parity(s + 12, 52, 43, 86, 88, s + OFF_Q);
}

static void expand_one(u8 *dst, const u8 *src, u32 lba, u8 parts)
{
	u8 s[SECTOR];

	memcpy(s + OFF_DATA, src, 2048);
	sector_make(s, lba);
	if (parts & PART_SYNC) {
		memcpy(dst, s, 12);
		dst += 12;
	}
	if (parts & PART_HEADER) {
		memcpy(dst, s + 12, 4);
		dst += 4;
	}
	if (parts & PART_DATA) {
		memcpy(dst, s + OFF_DATA, 2048);
		dst += 2048;
	}
	if (parts & PART_EDC)
		memcpy(dst, s + OFF_EDC, 288);
}

void atapi_expand(struct ide_channel *ch, u32 n)
{
	u32 size = ch->out_unit, lba = (u32)ch->lba, i;

	/* The last one first where sectors grow, so that none is overwritten before its turn. */
	if (size > 2048) {
		for (i = n; i-- > 0;)
			expand_one(ch->buf + i * size, ch->buf + i * 2048, lba + i, ch->raw);
	} else {
		for (i = 0; i < n; i++)
			expand_one(ch->buf + i * size, ch->buf + i * 2048, lba + i, ch->raw);
	}
}

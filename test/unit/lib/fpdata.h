/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Operands for floating-point tests: the corners of each format and random ones, and random
 * control words. Uses the generator of native.h.
 */
#ifndef TEST_FPDATA_H
#define TEST_FPDATA_H

#include "test/unit/lib/native.h"

static const u32 fp_corners32[] = {
	0x00000000, 0x80000000, 0x3f800000, 0xbf800000, 0x00000001, 0x80000001, 0x007fffff,
	0x807fffff, 0x00800000, 0x80800000, 0x7f7fffff, 0xff7fffff, 0x7f800000, 0xff800000,
	0x7f800001, 0xff812345, 0x7fc00000, 0xffc00000, 0x7fc54321, 0x3f000000, 0xbf000000,
	0x3f000001, 0x3effffff, 0x3fc00000, 0x40200000, 0xc0200000, 0x4b000000, 0x4affffff,
	0x4b7fffff, 0x4effffff, 0x4f000000, 0xcf000000, 0xcf000001, 0x5effffff, 0x5f000000,
	0xdf000000, 0x3f7fffff, 0x33800000, 0x1f800000, 0x20000001, 0x5f3504f3, 0x40490fdb,
};

static const u64 fp_corners64[] = {
	0x0000000000000000, 0x8000000000000000, 0x3ff0000000000000, 0xbff0000000000000,
	0x0000000000000001, 0x8000000000000001, 0x000fffffffffffff, 0x800fffffffffffff,
	0x0010000000000000, 0x8010000000000000, 0x7fefffffffffffff, 0xffefffffffffffff,
	0x7ff0000000000000, 0xfff0000000000000, 0x7ff0000000000001, 0xfff123456789abcd,
	0x7ff8000000000000, 0xfff8000000000000, 0x7ffabcdef0123456, 0x3fe0000000000000,
	0xbfe0000000000000, 0x3fe0000000000001, 0x3fdfffffffffffff, 0x3ff8000000000000,
	0x4004000000000000, 0xc004000000000000, 0x4330000000000000, 0x432fffffffffffff,
	0x433fffffffffffff, 0x41dfffffffc00000, 0x41e0000000000000, 0xc1e0000000000000,
	0xc1e0000000200000, 0x43dfffffffffffff, 0x43e0000000000000, 0xc3e0000000000000,
	0x380fffffe0000000, 0x36a0000000000000, 0x3690000000000000, 0x47efffffe0000000,
	0x47effffff0000000, 0x47f0000000000000, 0x3810000000000000, 0x400921fb54442d18,
	0x1ff0000000000000, 0x2000000000000001, 0x5fe6a09e667f3bcd,
};

static const struct {
	u64 mant;
	u16 sexp;
} fp_corners80[] = {
	{ 0, 0 }, { 0, 0x8000 },                                       /* zeros */
	{ 1ull << 63, 0x3fff }, { 1ull << 63, 0xbfff },                /* ones */
	{ 1, 0 }, { ~0ull >> 1, 0x8000 },                              /* denormals */
	{ 1ull << 63, 0 }, { ~0ull, 0x8000 },                          /* pseudo-denormals */
	{ 1ull << 63, 1 }, { ~0ull, 0x7ffe }, { ~0ull, 0xfffe },       /* smallest, largest */
	{ 1ull << 63, 0x7fff }, { 1ull << 63, 0xffff },                /* infinities */
	{ (1ull << 63) + 1, 0x7fff }, { 0xbfffffffffffffff, 0xffff },  /* signalling NaNs */
	{ 0xc000000000000000, 0xffff }, { 0xc123456789abcdef, 0x7fff }, /* quiet NaNs */
	{ 0, 0x7fff }, { 1, 0xffff }, { 1ull << 62, 0x7fff },          /* pseudo-infinity, -NaNs */
	{ 1ull << 62, 0x4000 }, { 0, 0x3fff },                         /* unnormals */
	{ 0xc90fdaa22168c235, 0x4000 }, { 0xc90fdaa22168c235, 0xbffe }, /* pi, -pi / 4 */
	{ 0xc000000000000000, 0x3fff }, { 0xa000000000000000, 0x4000 }, /* 1.5, 2.5 */
	{ 1ull << 63, 0x3ffe }, { (1ull << 63) + 1, 0x3ffe },          /* 0.5 and a bit more */
	{ 0xffffffffffffffff, 0x3ffd }, { 1ull << 63, 0x403e },        /* 2^63 */
	{ 0xffffffff00000000, 0x401e }, { 1ull << 63, 0xc01e },
	{ 0xffffffffffffffff, 0x403d }, { 1ull << 63, 0xc03e }, { 1ull << 63, 0x403d },
	{ 0xffff000000000000, 0x400e }, { 1ull << 63, 0xc00e },
	{ 0xde0b6b3a763fffff, 0x403a }, { 0xde0b6b3a76400000, 0x403a }, /* about 10^18 */
	{ 1ull << 63, 0x3c01 }, { ~0ull, 0x3c00 }, { 1ull << 63, 0x3bcd },
	{ 1ull << 63, 0x3f81 }, { ~0ull, 0x3f80 }, { 1ull << 63, 0x3f6a },
	{ 0xfffffffffffff800, 0x43fe }, { 0xfffffffffffffc00, 0x43fe }, { 1ull << 63, 0x43ff },
	{ 0xffffff0000000000, 0x407e }, { 0xffffff8000000000, 0x407e }, { 1ull << 63, 0x407f },
	{ 0x8000000000000001, 0x4043 }, { 0xb504f333f9de6484, 0x3fff },
};

static u32 fp_random32(u64 *seed)
{
	u64 r = native_random(seed);

	if (r >> 40 & 3)
		return fp_corners32[(u32)r % ARRAY_SIZE(fp_corners32)];
	if (r >> 42 & 1) /* near one, so that sums and products stay finite */
		return ((u32)r & 0x807fffff) | (0x78 + (u32)(r >> 50 & 15)) << 23;
	return (u32)r;
}

static u64 fp_random64(u64 *seed)
{
	u64 r = native_random(seed);

	if (r & 3)
		return fp_corners64[(u32)(r >> 20) % ARRAY_SIZE(fp_corners64)];
	if (r & 4)
		return (r & 0x800fffffffffffff) | (0x3f8 + (r >> 55 & 15)) << 52;
	return r;
}

static void fp_random80(u64 *seed, u8 out[16])
{
	u64 r = native_random(seed), m;
	unsigned int i = (u32)(r >> 20) % ARRAY_SIZE(fp_corners80);
	u16 e;

	memset(out, 0, 16);
	if (r & 1) {
		m = fp_corners80[i].mant;
		e = fp_corners80[i].sexp;
	} else {
		m = native_random(seed) | 1ull << 63;
		if (r & 8)
			m &= ~0ull << (r >> 8 & 63);
		e = r & 4 ? (u16)(r >> 48) : (u16)((0x3ff8 + (r >> 48 & 15)) | (r >> 60 & 1) << 15);
	}
	memcpy(out, &m, 8);
	memcpy(out + 8, &e, 2);
}

static void fp_random_vector(u64 *seed, u8 out[16])
{
	u64 r = native_random(seed), v[2] = { native_random(seed), native_random(seed) };
	unsigned int i;

	switch (r & 3) {
	case 0:
		for (i = 0; i < 2; i++)
			v[i] = fp_random64(seed);
		break;
	case 1:
		for (i = 0; i < 2; i++)
			v[i] = fp_random32(seed) | (u64)fp_random32(seed) << 32;
		break;
	case 2: /* bytes that repeat, signs and zeros: for compares, strings, shift counts */
		for (i = 0; i < 2; i++)
			v[i] &= native_random(seed) & (r & 4 ? 0x8383838383838383 : 0x00010003007f80ff);
		break;
	}
	memcpy(out, v, 16);
}

/* A register state: vectors, x87 stack, control words. `open`: some exceptions are unmasked. */
static void fp_random_state(u64 *seed, struct native_state *s, bool open)
{
	u64 r = native_random(seed);
	u32 csr = 0x1f80 | (r & 0x6000) | (r >> 16 & 7 ? 0 : r & 0x8040) | (r >> 20 & 3 ? 0 : r & 0x3f);
	u16 cw = 0x037f, sw;
	unsigned int i;

	memset(s, 0, sizeof(*s));
	for (i = 0; i < 16; i++)
		fp_random_vector(seed, s->fx + 160 + 16 * i);
	for (i = 0; i < 8; i++)
		fp_random80(seed, s->fx + 32 + 16 * i);
	for (i = 0; i < 16; i++)
		s->gpr[i] = r & 1ull << i ? native_random(seed) : native_random(seed) & 31;
	if (r >> 24 & 1)
		cw = (cw & ~0x0f00) | (r >> 28 & 0x0f00);
	if ((cw & 0x300) == 0x100)
		cw |= 0x200;
	if (open) {
		csr &= ~(r >> 32 & 0x1f80);
		cw &= ~(r >> 40 & 0x3f);
	}
	/* Flags that are there already; those unmasked in x87 would be a pending exception. */
	sw = (r >> 46 & 0x3800) | (r >> 52 & 0x4700);
	if (r >> 25 & 1)
		sw |= r >> 56 & 0x7f & (cw | 0x40);
	memcpy(s->fx, &cw, 2);
	memcpy(s->fx + 2, &sw, 2);
	s->fx[4] = r >> 26 & 3 ? 0xff >> (r >> 34 & 7) << (r >> 37 & 3) : (u8)native_random(seed);
	memcpy(s->fx + 24, &csr, 4);
	s->rflags = 0x202 | (native_random(seed) & X86_FL_ARITH);
}

#endif

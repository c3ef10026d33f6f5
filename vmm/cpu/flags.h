/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arithmetic flags as data: struct cpu_lazy is written by three plain stores and read without
 * knowing which operation wrote it. The head of the struct in cpu.h gives the equations.
 */
#ifndef VMM_CPU_FLAGS_H
#define VMM_CPU_FLAGS_H

#include "vmm/cpu/mem.h"

#define CPU_CF_PFX 2u /* lazy.cf: inverts PF */
#define CPU_CF_SFX 4u /* lazy.cf: inverts SF */

static ALWAYS_INLINE unsigned int fl_cf(const struct cpu *c)
{
	return c->lf.cf & 1;
}
static ALWAYS_INLINE unsigned int fl_zf(const struct cpu *c)
{
	return c->lf.res == 0;
}
static ALWAYS_INLINE unsigned int fl_sf(const struct cpu *c)
{
	return (unsigned int)(c->lf.res >> 63) ^ (c->lf.cf >> 2 & 1);
}
static ALWAYS_INLINE unsigned int fl_of(const struct cpu *c)
{
	return (unsigned int)(c->lf.x >> 63) ^ (c->lf.cf & 1);
}
static ALWAYS_INLINE unsigned int fl_af(const struct cpu *c)
{
	return c->lf.x >> 4 & 1;
}
static ALWAYS_INLINE unsigned int fl_pf(const struct cpu *c)
{
	return (~__builtin_parity(c->lf.res & 0xff) & 1) ^ (c->lf.cf >> 1 & 1);
}

/* Condition `cc` of Jcc, SETcc, CMOVcc; a constant where this is to be fast. */
static ALWAYS_INLINE bool fl_cond(const struct cpu *c, unsigned int cc)
{
	unsigned int v = 0;

	switch (cc >> 1) {
	case 0: v = fl_of(c); break;
	case 1: v = fl_cf(c); break;
	case 2: v = fl_zf(c); break;
	case 3: v = fl_cf(c) | fl_zf(c); break;
	case 4: v = fl_sf(c); break;
	case 5: v = fl_pf(c); break;
	case 6: v = fl_sf(c) ^ fl_of(c); break;
	case 7: v = (fl_sf(c) ^ fl_of(c)) | fl_zf(c); break;
	}
	return v ^ (cc & 1);
}

/* RFLAGS bits of the six arithmetic flags. */
static inline u32 fl_pack(const struct cpu *c)
{
	return fl_cf(c) | fl_pf(c) << 2 | fl_af(c) << 4 | fl_zf(c) << 6 | fl_sf(c) << 7 |
	       fl_of(c) << 11;
}

/*
 * The reverse: any combination of flags. The result is 0 (of even parity) or 40h (of odd parity),
 * neither is negative; the bits of lazy.cf make up for what does not fit.
 */
static inline void fl_unpack(struct cpu *c, u32 fl)
{
	c->lf.res = ~fl & X86_FL_ZF;
	c->lf.x = (fl & X86_FL_AF) | (u64)((fl >> 11 ^ fl) & 1) << 63;
	c->lf.cf = (fl & X86_FL_CF) | ((fl >> 2 ^ fl >> 6) & 1) * CPU_CF_PFX |
		   (fl >> 7 & 1) * CPU_CF_SFX;
}

/* -- setters, one per kind of operation; operands are truncated to the width by the caller -- */

#define FL_WIDTH(w, sw)                                                                            \
	static ALWAYS_INLINE void fl_add##w(struct cpu *c, u##w a, u##w b, u##w r, bool carry)     \
	{                                                                                          \
		c->lf.res = (u64)(s64)(s##w)r;                                                     \
		c->lf.x = (u64)(s64)(s##w)(a ^ b ^ r);                                             \
		c->lf.cf = carry;                                                                  \
	}                                                                                          \
	static ALWAYS_INLINE void fl_logic##w(struct cpu *c, u##w r)                               \
	{                                                                                          \
		c->lf.res = (u64)(s64)(s##w)r;                                                     \
		c->lf.x = 0;                                                                       \
		c->lf.cf = 0;                                                                      \
	}                                                                                          \
	/* INC, DEC: CF stays; `wrap` is the carry that an addition would have given */            \
	static ALWAYS_INLINE void fl_inc##w(struct cpu *c, u##w a, u##w r, bool wrap)              \
	{                                                                                          \
		u32 cf = c->lf.cf & 1;                                                             \
		c->lf.res = (u64)(s64)(s##w)r;                                                     \
		c->lf.x = (u64)(s64)(s##w)(a ^ 1 ^ r) ^ (u64)(cf ^ wrap) << 63;                    \
		c->lf.cf = cf;                                                                     \
	}                                                                                          \
	/* Result with given CF and OF (shifts); AF clear. */                                      \
	static ALWAYS_INLINE void fl_cfof##w(struct cpu *c, u##w r, u32 cf, u32 of)                \
	{                                                                                          \
		c->lf.res = (u64)(s64)(s##w)r;                                                     \
		c->lf.x = (u64)(cf ^ of) << 63;                                                    \
		c->lf.cf = cf;                                                                     \
	}                                                                                          \
	/* Low half of a product, CF = OF = `wide`; ZF comes out clear (undefined in the manual) */\
	static ALWAYS_INLINE void fl_mul##w(struct cpu *c, u##w lo, u32 wide)                      \
	{                                                                                          \
		c->lf.res = (u64)(s64)(s##w)lo | (u64)(lo == 0) << 32;                             \
		c->lf.x = 0;                                                                       \
		c->lf.cf = wide;                                                                   \
	}

FL_WIDTH(8, 0)
FL_WIDTH(16, 0)
FL_WIDTH(32, 0)
FL_WIDTH(64, 0)
#undef FL_WIDTH

/* CF and OF only (rotates). */
static ALWAYS_INLINE void fl_set_cfof(struct cpu *c, u32 cf, u32 of)
{
	c->lf.x = (c->lf.x & ~(1ull << 63)) | (u64)(cf ^ of) << 63;
	c->lf.cf = (c->lf.cf & ~1u) | cf;
}

/* CF only. */
static ALWAYS_INLINE void fl_set_cf(struct cpu *c, u32 cf)
{
	u32 of = fl_of(c);

	fl_set_cfof(c, cf, of);
}

#endif

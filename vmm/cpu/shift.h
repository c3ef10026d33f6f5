/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shifts and rotates on values, with flags (Intel SDM volume 2: RCL/RCR/ROL/ROR, SAL/SAR/SHL/SHR,
 * SHLD, SHRD). Counts are already masked to 5 or 6 bits; 0 changes nothing. OF is undefined for counts
 * other than 1; here it follows the same formula as for 1, which is what processors do.
 */
#ifndef VMM_CPU_SHIFT_H
#define VMM_CPU_SHIFT_H

#include "vmm/cpu/flags.h"

#define SHIFT_WIDTH(w)                                                                             \
	static ALWAYS_INLINE u##w sh_shl##w(struct cpu *c, u##w a, unsigned int n)                 \
	{                                                                                          \
		u##w r;                                                                            \
		u32 cf;                                                                            \
		if (!n)                                                                            \
			return a;                                                                  \
		if (w < 32 && n > w) {                                                             \
			r = 0;                                                                     \
			cf = 0;                                                                    \
		} else {                                                                           \
			r = w < 32 ? (u##w)((u32)a << n) : (u##w)(a << (n & (w - 1)));             \
			cf = (u32)((u64)a >> (w - n)) & 1;                                         \
		}                                                                                  \
		fl_cfof##w(c, r, cf, (u32)(r >> (w - 1)) ^ cf);                                    \
		return r;                                                                          \
	}                                                                                          \
	static ALWAYS_INLINE u##w sh_shr##w(struct cpu *c, u##w a, unsigned int n)                 \
	{                                                                                          \
		u##w r;                                                                            \
		if (!n)                                                                            \
			return a;                                                                  \
		r = (u##w)((u64)a >> n);                                                           \
		fl_cfof##w(c, r, (u32)((u64)a >> (n - 1)) & 1,                                     \
			   (u32)((r ^ (u##w)(r << 1)) >> (w - 1)) & 1);                            \
		return r;                                                                          \
	}                                                                                          \
	static ALWAYS_INLINE u##w sh_sar##w(struct cpu *c, u##w a, unsigned int n)                 \
	{                                                                                          \
		s64 s = (s##w)a;                                                                   \
		if (!n)                                                                            \
			return a;                                                                  \
		fl_cfof##w(c, (u##w)(s >> n), (u32)(s >> (n - 1)) & 1, 0);                         \
		return (u##w)(s >> n);                                                             \
	}                                                                                          \
	static ALWAYS_INLINE u##w sh_rol##w(struct cpu *c, u##w a, unsigned int n)                 \
	{                                                                                          \
		unsigned int k = n & (w - 1);                                                      \
		u##w r = k ? (u##w)((u64)a << k | (u64)a >> (w - k)) : a;                          \
		if (n)                                                                             \
			fl_set_cfof(c, r & 1, (u32)(r >> (w - 1)) ^ (r & 1));                      \
		return r;                                                                          \
	}                                                                                          \
	static ALWAYS_INLINE u##w sh_ror##w(struct cpu *c, u##w a, unsigned int n)                 \
	{                                                                                          \
		unsigned int k = n & (w - 1);                                                      \
		u##w r = k ? (u##w)((u64)a >> k | (u64)a << (w - k)) : a;                          \
		u32 top = (u32)(r >> (w - 1));                                                     \
		if (n)                                                                             \
			fl_set_cfof(c, top, top ^ ((u32)(r >> (w - 2)) & 1));                      \
		return r;                                                                          \
	}                                                                                          \
	static inline u##w sh_rcl##w(struct cpu *c, u##w a, unsigned int n)                        \
	{                                                                                          \
		u32 cf = fl_cf(c);                                                                 \
		unsigned int k = n % (w + 1);                                                      \
		if (!n)                                                                            \
			return a;                                                                  \
		for (; k; k--) {                                                                   \
			u32 t = (u32)(a >> (w - 1)) & 1;                                           \
			a = (u##w)(a << 1 | cf);                                                   \
			cf = t;                                                                    \
		}                                                                                  \
		fl_set_cfof(c, cf, ((u32)(a >> (w - 1)) & 1) ^ cf);                                \
		return a;                                                                          \
	}                                                                                          \
	static inline u##w sh_rcr##w(struct cpu *c, u##w a, unsigned int n)                        \
	{                                                                                          \
		u32 cf = fl_cf(c);                                                                 \
		unsigned int k = n % (w + 1);                                                      \
		if (!n)                                                                            \
			return a;                                                                  \
		for (; k; k--) {                                                                   \
			u32 t = a & 1;                                                             \
			a = (u##w)((u##w)(a >> 1) | (u##w)((u##w)cf << (w - 1)));                  \
			cf = t;                                                                    \
		}                                                                                  \
		fl_set_cfof(c, cf, ((u32)(a >> (w - 1)) ^ (u32)(a >> (w - 2))) & 1);               \
		return a;                                                                          \
	}                                                                                          \
	static inline u##w sh_shift##w(struct cpu *c, unsigned int op, u##w a, unsigned int n)     \
	{                                                                                          \
		switch (op & 7) {                                                                  \
		case 0: return sh_rol##w(c, a, n);                                                 \
		case 1: return sh_ror##w(c, a, n);                                                 \
		case 2: return sh_rcl##w(c, a, n);                                                 \
		case 3: return sh_rcr##w(c, a, n);                                                 \
		case 5: return sh_shr##w(c, a, n);                                                 \
		case 7: return sh_sar##w(c, a, n);                                                 \
		default: return sh_shl##w(c, a, n);                                                \
		}                                                                                  \
	}                                                                                          \
	/* For 16 bits and counts above 16 processors shift in the first operand again. */         \
	static inline u##w sh_shld##w(struct cpu *c, u##w a, u##w b, unsigned int n)               \
	{                                                                                          \
		u##w r;                                                                            \
		u32 cf;                                                                            \
		if (!n)                                                                            \
			return a;                                                                  \
		if (w == 16) {                                                                     \
			u64 t = (u64)a << 32 | (u64)b << 16 | a;                                   \
			r = (u##w)(t >> (32 - n) );                                                \
			cf = (u32)(t >> (48 - n)) & 1;                                             \
		} else {                                                                           \
			r = (u##w)((u64)a << n | (u64)b >> (w - n));                               \
			cf = (u32)((u64)a >> (w - n)) & 1;                                         \
		}                                                                                  \
		fl_cfof##w(c, r, cf, (u32)((r ^ a) >> (w - 1)) & 1);                               \
		return r;                                                                          \
	}                                                                                          \
	static inline u##w sh_shrd##w(struct cpu *c, u##w a, u##w b, unsigned int n)               \
	{                                                                                          \
		u##w r;                                                                            \
		u32 cf;                                                                            \
		if (!n)                                                                            \
			return a;                                                                  \
		if (w == 16) {                                                                     \
			u64 t = (u64)a << 32 | (u64)b << 16 | a;                                   \
			r = (u##w)(t >> n);                                                        \
			cf = (u32)(t >> (n - 1)) & 1;                                              \
		} else {                                                                           \
			r = (u##w)((u64)a >> n | (u64)b << (w - n));                               \
			cf = (u32)((u64)a >> (n - 1)) & 1;                                         \
		}                                                                                  \
		fl_cfof##w(c, r, cf, (u32)((r ^ a) >> (w - 1)) & 1);                               \
		return r;                                                                          \
	}

SHIFT_WIDTH(8)
SHIFT_WIDTH(16)
SHIFT_WIDTH(32)
SHIFT_WIDTH(64)
#undef SHIFT_WIDTH

/* Shift counts use 5 bits, 6 with 64-bit operands. */
#define SH_MASK(w) ((w) == 64 ? 63u : 31u)

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shifts and rotates on values, with flags. SHL, SHR and SAR are busy and write the lazy flags
 * themselves; they must give what module/x86/alu.h gives, which does all others. Counts are already
 * masked to 5 or 6 bits; 0 changes nothing. OF is undefined for counts other than 1: it is
 * what a shift by 1 would have given. `imm`: the count is an immediate byte, not CL, which matters for
 * the OF of ROL and ROR.
 */
#ifndef VMM_CPU_OP_SHIFT_H
#define VMM_CPU_OP_SHIFT_H

#include "module/x86/alu.h"
#include "vmm/cpu/flags.h"

#define SHIFT_WIDTH(w)                                                                             \
	static ALWAYS_INLINE u##w sh_shl##w(struct cpu *c, u##w a, unsigned int n, bool imm)       \
	{                                                                                          \
		u##w r = 0;                                                                        \
		u32 cf = 0;                                                                        \
		if (!n)                                                                            \
			return a;                                                                  \
		if (w >= 32 || n <= w) {                                                           \
			r = w < 32 ? (u##w)((u32)a << n) : (u##w)(a << (n & (w - 1)));             \
			cf = (u32)((u64)a >> (w - n)) & 1;                                         \
		}                                                                                  \
		fl_cfof##w(c, r, cf, (u32)((a ^ (u##w)(a << 1)) >> (w - 1)) & 1);                  \
		return r;                                                                          \
	}                                                                                          \
	static ALWAYS_INLINE u##w sh_shr##w(struct cpu *c, u##w a, unsigned int n, bool imm)       \
	{                                                                                          \
		u##w r;                                                                            \
		if (!n)                                                                            \
			return a;                                                                  \
		r = (u##w)((u64)a >> n);                                                           \
		fl_cfof##w(c, r, (u32)((u64)a >> (n - 1)) & 1, (u32)(a >> (w - 1)));               \
		return r;                                                                          \
	}                                                                                          \
	static ALWAYS_INLINE u##w sh_sar##w(struct cpu *c, u##w a, unsigned int n, bool imm)       \
	{                                                                                          \
		s64 s = (s##w)a;                                                                   \
		if (!n)                                                                            \
			return a;                                                                  \
		fl_cfof##w(c, (u##w)(s >> n), (u32)(s >> (n - 1)) & 1, 0);                         \
		return (u##w)(s >> n);                                                             \
	}                                                                                          \
	static ALWAYS_INLINE u##w sh_rol##w(struct cpu *c, u##w a, unsigned int n, bool imm)       \
	{                                                                                          \
		u32 fl = fl_cf(c) | fl_of(c) << 11;                                                \
		u##w r = x86_rol##w(a, n, imm, &fl);                                               \
		fl_set_cfof(c, fl & X86_FL_CF, fl >> 11);                                          \
		return r;                                                                          \
	}                                                                                          \
	static ALWAYS_INLINE u##w sh_ror##w(struct cpu *c, u##w a, unsigned int n, bool imm)       \
	{                                                                                          \
		u32 fl = fl_cf(c) | fl_of(c) << 11;                                                \
		u##w r = x86_ror##w(a, n, imm, &fl);                                               \
		fl_set_cfof(c, fl & X86_FL_CF, fl >> 11);                                          \
		return r;                                                                          \
	}                                                                                          \
	static inline u##w sh_rcl##w(struct cpu *c, u##w a, unsigned int n, bool imm)              \
	{                                                                                          \
		u32 fl = fl_cf(c) | fl_of(c) << 11;                                                \
		u##w r = x86_rcl##w(a, n, &fl);                                                    \
		fl_set_cfof(c, fl & X86_FL_CF, fl >> 11);                                          \
		return r;                                                                          \
	}                                                                                          \
	static inline u##w sh_rcr##w(struct cpu *c, u##w a, unsigned int n, bool imm)              \
	{                                                                                          \
		u32 fl = fl_cf(c) | fl_of(c) << 11;                                                \
		u##w r = x86_rcr##w(a, n, &fl);                                                    \
		fl_set_cfof(c, fl & X86_FL_CF, fl >> 11);                                          \
		return r;                                                                          \
	}                                                                                          \
	/* op: 0 to 6 for ROL, ROR, RCL, RCR, SHL, SHR, SAR */                                     \
	static inline u##w sh_shift##w(struct cpu *c, unsigned int op, u##w a, unsigned int n,     \
				       bool imm)                                                   \
	{                                                                                          \
		switch (op & 7) {                                                                  \
		case 0: return sh_rol##w(c, a, n, imm);                                            \
		case 1: return sh_ror##w(c, a, n, imm);                                            \
		case 2: return sh_rcl##w(c, a, n, imm);                                            \
		case 3: return sh_rcr##w(c, a, n, imm);                                            \
		case 5: return sh_shr##w(c, a, n, imm);                                            \
		case 6: return sh_sar##w(c, a, n, imm);                                            \
		default: return sh_shl##w(c, a, n, imm);                                           \
		}                                                                                  \
	}

#define SHIFT_DOUBLE(name, w)                                                                      \
	static inline u##w sh_##name##w(struct cpu *c, u##w a, u##w b, unsigned int n)             \
	{                                                                                          \
		u32 fl = 0;                                                                        \
		u##w r;                                                                            \
		if (!n)                                                                            \
			return a;                                                                  \
		r = x86_##name##w(a, b, n, &fl);                                                   \
		fl_cfof##w(c, r, fl & X86_FL_CF, fl >> 11 & 1);                                    \
		return r;                                                                          \
	}

SHIFT_WIDTH(8)
SHIFT_WIDTH(16)
SHIFT_WIDTH(32)
SHIFT_WIDTH(64)
SHIFT_DOUBLE(shld, 16)
SHIFT_DOUBLE(shld, 32)
SHIFT_DOUBLE(shld, 64)
SHIFT_DOUBLE(shrd, 16)
SHIFT_DOUBLE(shrd, 32)
SHIFT_DOUBLE(shrd, 64)
#undef SHIFT_WIDTH
#undef SHIFT_DOUBLE

/* Shift counts use 5 bits, 6 with 64-bit operands. */
#define SH_MASK(w) ((w) == 64 ? 63u : 31u)

#endif

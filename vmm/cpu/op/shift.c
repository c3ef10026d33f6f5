// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Uops of shifts and rotates of registers, and the general read-modify-write of memory, which
 * serves LOCKed operations and all that are too rare for functions of their own.
 */
#include "vmm/cpu/op/op.h"
#include "vmm/cpu/op/shift.h"
#include "vmm/cpu/smp.h"

#define DEF_SH(name, w)                                                                            \
	static UOP(name##w##_ri)                                                                   \
	{                                                                                          \
		u##w r = sh_##name##w(c, RD##w(u->reg), (unsigned int)u->imm, true);               \
		WR##w(u->reg, r);                                                                  \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(name##w##_rcl)                                                                  \
	{                                                                                          \
		unsigned int n = (u8)c->gpr[X86_RCX] & SH_MASK(w);                                 \
		u##w r = sh_##name##w(c, RD##w(u->reg), n, false);                                 \
		WR##w(u->reg, r);                                                                  \
		NEXT(c, u);                                                                        \
	}
#define DEF_SH4(name) DEF_SH(name, 8) DEF_SH(name, 16) DEF_SH(name, 32) DEF_SH(name, 64)
DEF_SH4(rol)
DEF_SH4(ror)
DEF_SH4(rcl)
DEF_SH4(rcr)
DEF_SH4(shl)
DEF_SH4(shr)
DEF_SH4(sar)

#define W4(n, f) { n##8_##f, n##16_##f, n##32_##f, n##64_##f }
#define ALL(f) { W4(rol, f), W4(ror, f), W4(rcl, f), W4(rcr, f), W4(shl, f), W4(shr, f),           \
		 W4(shl, f), W4(sar, f) }
const uop_fn uop_shift_ri[8][4] = ALL(ri);
const uop_fn uop_shift_rcl[8][4] = ALL(rcl);

/* SHLD and SHRD; aux as in uop_rmw_m */
#define DEF_SHXD(w)                                                                                \
	static ALWAYS_INLINE u##w shxd##w(struct cpu *c, const struct uop *u, u##w a)              \
	{                                                                                          \
		unsigned int n = (unsigned int)(u->aux & RMW_CL ? c->gpr[X86_RCX] : u->imm);       \
		return (u->aux & 0x3f) == RMW_SHLD                                                 \
			       ? sh_shld##w(c, a, RD##w(u->reg), n & SH_MASK(w))                   \
			       : sh_shrd##w(c, a, RD##w(u->reg), n & SH_MASK(w));                  \
	}                                                                                          \
	static UOP(shxd_r##w)                                                                      \
	{                                                                                          \
		WR##w(u->rm, shxd##w(c, u, RD##w(u->rm)));                                         \
		NEXT(c, u);                                                                        \
	}
DEF_SHXD(16)
DEF_SHXD(32)
DEF_SHXD(64)

uop_fn uop_shxd_find(const struct x86_insn *i, struct uop *u)
{
	if (i->op != X86_OP_SHLD && i->op != X86_OP_SHRD)
		return NULL;
	u->aux = (u8)((i->op == X86_OP_SHLD ? RMW_SHLD : RMW_SHRD) |
		      (i->form == X86_FORM_RM_R_CL ? RMW_CL : 0));
	return i->mod == 3 ? PICK3(shxd_r) : uop_rmw_m[__builtin_ctz(i->opsize)];
}

/* There is no SHLD of bytes. */
#define shxd8(c, u, a) (a)

/* Result and flags of a general read-modify-write. */
#define DEF_RMW_CALC(w)                                                                            \
	static u##w rmw_calc##w(struct cpu *c, const struct uop *u, u##w a)                        \
	{                                                                                          \
		u##w b = u->aux & RMW_REG ? RD##w(u->reg) : (u##w)u->imm, r = a;                   \
		unsigned int n = (u->aux & RMW_CL ? (unsigned int)c->gpr[X86_RCX]                  \
						  : (unsigned int)u->imm) & SH_MASK(w);            \
		unsigned int op = u->aux & 0x3f;                                                   \
		u##w z = 0;                                                                        \
                                                                                                   \
		switch (op) {                                                                      \
		case RMW_ADD: ALU_ADD(w, a, b, r) break;                                           \
		case RMW_XADD: ALU_ADD(w, a, b, r) break;                                          \
		case RMW_OR: ALU_OR(w, a, b, r) break;                                             \
		case RMW_ADC: ALU_ADC(w, a, b, r) break;                                           \
		case RMW_SBB: ALU_SBB(w, a, b, r) break;                                           \
		case RMW_AND: ALU_AND(w, a, b, r) break;                                           \
		case RMW_SUB: ALU_SUB(w, a, b, r) break;                                           \
		case RMW_XOR: ALU_XOR(w, a, b, r) break;                                           \
		case RMW_NOT: r = (u##w)~a; break;                                                 \
		case RMW_NEG: ALU_SUB(w, z, a, r) break;                                           \
		case RMW_INC: r = (u##w)(a + 1); fl_inc##w(c, a, r, r == 0); break;                \
		case RMW_DEC: r = (u##w)(a - 1); fl_inc##w(c, a, r, a == 0); break;                \
		case RMW_SHLD:                                                                     \
		case RMW_SHRD: r = shxd##w(c, u, a); break;                                        \
		case RMW_BTS:                                                                      \
		case RMW_BTR:                                                                      \
		case RMW_BTC: r = bit_change##w(c, op, a, b); break;                               \
		case RMW_XCHG: r = RD##w(u->reg); break;                                           \
		default: r = sh_shift##w(c, op - RMW_ROL, a, n, !(u->aux & RMW_CL)); break;        \
		}                                                                                  \
		return r;                                                                          \
	}                                                                                          \
	static UOP(rmw##w##_m)                                                                     \
	{                                                                                          \
		u64 lin = cpu_lin(c, u, w / 8, true), bits;                                        \
		u##w##_una *p;                                                                     \
		u##w a, r;                                                                         \
		struct cpu_lazy old = c->lf, new;                                                  \
                                                                                                   \
		/* bit strings: the register's upper part moves the operand */                     \
		if (w > 8 && u->aux >= (RMW_BTS | RMW_REG) && u->aux <= (RMW_BTC | RMW_REG)) {     \
			bits = (u64)((s64)(s##w)RD##w(u->reg) >> (w == 64 ? 6 : w == 32 ? 5 : 4)); \
			lin = uop_lin_bits(c, u, bits * (w / 8), w / 8);                           \
		}                                                                                  \
		p = cpu_tlb_wr(c, lin, w / 8);                                                     \
		if (unlikely(!p))                                                                  \
			p = cpu_slow_rmw(c, u, lin, w / 8);                                        \
		if (unlikely(lin & (w / 8 - 1)) && u->flags & UOP_LOCK)                            \
			p = NULL;                                                                  \
		if (likely(p)) {                                                                   \
			a = *p;                                                                    \
			r = rmw_calc##w(c, u, a);                                                  \
			if (u->flags & UOP_LOCK) {                                                 \
				while (!__atomic_compare_exchange_n((u##w *)(uintptr_t)p, &a, r,   \
								    false, __ATOMIC_SEQ_CST,       \
								    __ATOMIC_SEQ_CST)) {           \
					c->lf = old;                                               \
					r = rmw_calc##w(c, u, a);                                  \
				}                                                                  \
			} else {                                                                   \
				*p = r;                                                            \
			}                                                                          \
		} else {                                                                           \
			cpu_lock_begin(c, u);                                                      \
			a = (u##w)cpu_slow_read(c, u, lin, w / 8);                                 \
			r = rmw_calc##w(c, u, a);                                                  \
			new = c->lf;                                                               \
			c->lf = old;                                                               \
			cpu_slow_write(c, u, lin, w / 8, r);                                       \
			cpu_lock_end(c);                                                           \
			c->lf = new;                                                               \
		}                                                                                  \
		if ((u->aux & 0x3f) == RMW_XADD || (u->aux & 0x3f) == RMW_XCHG)                    \
			WR##w(u->reg, a);                                                          \
		NEXT(c, u);                                                                        \
	}

/* Linear address of the memory operand moved by `add` bytes (the sum wraps at the address size). */
static u64 uop_lin_bits(struct cpu *c, const struct uop *u, u64 add, unsigned int size)
{
	u64 ea = cpu_ea(c, u) + add;

	if (u->am <= AM_64X)
		return ea + c->gpr[u->seg];
	if (u->am == AM_32)
		return (u32)(ea + c->gpr[u->seg]);
	return cpu_lin_seg(c, u, ea, size, true);
}

DEF_RMW_CALC(8)
DEF_RMW_CALC(16)
DEF_RMW_CALC(32)
DEF_RMW_CALC(64)
const uop_fn uop_rmw_m[4] = W4(rmw, m);

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Templates for uop handlers with a memory operand, and the tables of handlers that the
 * translator picks from.
 *
 * Each such handler exists once per addressing mode with nothing but the TLB lookup inline; a
 * miss goes by a tail call to a twin that does everything the slow way, so that the fast
 * function needs no stack frame.
 */
#ifndef VMM_CPU_UOPS_H
#define VMM_CPU_UOPS_H

#include "vmm/cpu/cache.h"
#include "vmm/cpu/flags.h"

/* Linear address for a compile-time addressing mode; *ok false: needs the checked path. */
static ALWAYS_INLINE u64 uop_lin(struct cpu *c, const struct uop *u, const enum uop_am am,
				 const unsigned int size, const bool wr, bool *ok)
{
	u64 ea;

	*ok = true;
	if (am == AM_64)
		return c->gpr[u->base] + (u64)(s64)u->disp;
	ea = c->gpr[u->base] + (c->gpr[u->index] << u->scale) + (u64)(s64)u->disp;
	if (am == AM_64X)
		return ea + c->gpr[u->seg];
	if (am == AM_32)
		return (u32)(ea + c->gpr[u->seg]);
	ea = u->flags & UOP_A16 ? (u16)ea : (u32)ea;
	*ok = (s64)(ea + size - 1) <= (wr ? c->seg_wmax[u->seg] : c->seg_rmax[u->seg]);
	return (u32)(ea + c->gpr[CPU_SEGBASE + u->seg]);
}

#define UOP_TLB(w, am, kind, wr, slow)                                                             \
	bool ok_;                                                                                  \
	u64 lin_ = uop_lin(c, u, am, (w) / 8, wr, &ok_);                                           \
	const struct cpu_tlb_entry *e_ =                                                           \
		&c->tlb->e[(lin_ >> CPU_PAGE_SHIFT) & (CPU_TLB_SIZE - 1)];                         \
	if (unlikely(((lin_ + (w) / 8 - 1) & CPU_PAGE_MASK) != e_->kind) || unlikely(!ok_))        \
		return slow(c, u);                                                                 \
	u##w##_una *p_ = (u##w##_una *)(uintptr_t)(lin_ + e_->add)

/* The body finds the operand in `v`. */
#define DEF_LOAD_AM(name, w, am, ...)                                                             \
	static UOP(name##_##am)                                                                    \
	{                                                                                          \
		UOP_TLB(w, am, rd, false, name##_slow);                                            \
		u##w v = *p_;                                                                      \
		__VA_ARGS__                                                                        \
		NEXT(c, u);                                                                        \
	}
#define DEF_LOAD(name, w, ...)                                                                    \
	static COLD UOP(name##_slow)                                                               \
	{                                                                                          \
		u##w v = cpu_load##w(c, u);                                                        \
		__VA_ARGS__                                                                        \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	DEF_LOAD_AM(name, w, AM_64, __VA_ARGS__)                                                          \
	DEF_LOAD_AM(name, w, AM_64X, __VA_ARGS__)                                                         \
	DEF_LOAD_AM(name, w, AM_32, __VA_ARGS__)                                                          \
	DEF_LOAD_AM(name, w, AM_SEG, __VA_ARGS__)
#define ROW(name) { name##_AM_64, name##_AM_64X, name##_AM_32, name##_AM_SEG }

/* The body gives the value to store as `r`. */
#define DEF_STORE_AM(name, w, am, ...)                                                            \
	static UOP(name##_##am)                                                                    \
	{                                                                                          \
		UOP_TLB(w, am, wr, true, name##_slow);                                             \
		u##w r;                                                                            \
		__VA_ARGS__                                                                        \
		*p_ = r;                                                                           \
		NEXT(c, u);                                                                        \
	}
#define DEF_STORE(name, w, ...)                                                                   \
	static COLD UOP(name##_slow)                                                               \
	{                                                                                          \
		u##w r;                                                                            \
		__VA_ARGS__                                                                        \
		cpu_store##w(c, u, r);                                                             \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	DEF_STORE_AM(name, w, AM_64, __VA_ARGS__)                                                         \
	DEF_STORE_AM(name, w, AM_64X, __VA_ARGS__)                                                        \
	DEF_STORE_AM(name, w, AM_32, __VA_ARGS__)                                                         \
	DEF_STORE_AM(name, w, AM_SEG, __VA_ARGS__)

/* The body makes `r` of the operand `v`; the slow twin takes its flags back if the store faults. */
#define DEF_RMW_AM(name, w, am, ...)                                                              \
	static UOP(name##_##am)                                                                    \
	{                                                                                          \
		UOP_TLB(w, am, wr, true, name##_slow);                                             \
		u##w v = *p_, r;                                                                   \
		__VA_ARGS__                                                                        \
		*p_ = r;                                                                           \
		NEXT(c, u);                                                                        \
	}
#define DEF_RMW(name, w, ...)                                                                     \
	static COLD UOP(name##_slow)                                                               \
	{                                                                                          \
		u64 lin = cpu_lin(c, u, w / 8, true);                                              \
		u##w##_una *p = cpu_slow_rmw(c, u, lin, w / 8);                                    \
		u##w v = p ? *p : (u##w)cpu_slow_read(c, u, lin, w / 8), r;                        \
		struct cpu_lazy old = c->lf;                                                       \
		__VA_ARGS__                                                                        \
		if (p) {                                                                           \
			*p = r;                                                                    \
		} else {                                                                           \
			struct cpu_lazy new = c->lf;                                               \
			c->lf = old;                                                               \
			cpu_slow_write(c, u, lin, w / 8, r);                                       \
			c->lf = new;                                                               \
		}                                                                                  \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	DEF_RMW_AM(name, w, AM_64, __VA_ARGS__)                                                           \
	DEF_RMW_AM(name, w, AM_64X, __VA_ARGS__)                                                          \
	DEF_RMW_AM(name, w, AM_32, __VA_ARGS__)                                                           \
	DEF_RMW_AM(name, w, AM_SEG, __VA_ARGS__)

/* Register operands of a width; 8-bit ones are byte offsets. */
#define RD8(r)      (*cpu_r8(c, r))
#define RD16(r)     ((u16)c->gpr[r])
#define RD32(r)     ((u32)c->gpr[r])
#define RD64(r)     (c->gpr[r])
#define WR8(r, v)   (*cpu_r8(c, r) = (v))
#define WR16(r, v)  cpu_set_r16(c, r, v)
#define WR32(r, v)  (c->gpr[r] = (u32)(v))
#define WR64(r, v)  (c->gpr[r] = (v))

/* Arithmetic: from a and b makes r and the flags. */
#define ALU_ADD(w, a, b, r)                                                                        \
	{                                                                                          \
		r = (u##w)(a + b);                                                                 \
		fl_add##w(c, a, b, r, r < a);                                                      \
	}
#define ALU_SUB(w, a, b, r)                                                                        \
	{                                                                                          \
		r = (u##w)(a - b);                                                                 \
		fl_add##w(c, a, b, r, a < b);                                                      \
	}
#define ALU_ADC(w, a, b, r)                                                                        \
	{                                                                                          \
		u32 ci_ = fl_cf(c);                                                                \
		r = (u##w)(a + b + ci_);                                                           \
		fl_add##w(c, a, b, r, ci_ ? r <= a : r < a);                                       \
	}
#define ALU_SBB(w, a, b, r)                                                                        \
	{                                                                                          \
		u32 ci_ = fl_cf(c);                                                                \
		r = (u##w)(a - b - ci_);                                                           \
		fl_add##w(c, a, b, r, ci_ ? a <= b : a < b);                                       \
	}
#define ALU_AND(w, a, b, r)                                                                        \
	{                                                                                          \
		r = a & b;                                                                         \
		fl_logic##w(c, r);                                                                 \
	}
#define ALU_OR(w, a, b, r)                                                                         \
	{                                                                                          \
		r = a | b;                                                                         \
		fl_logic##w(c, r);                                                                 \
	}
#define ALU_XOR(w, a, b, r)                                                                        \
	{                                                                                          \
		r = a ^ b;                                                                         \
		fl_logic##w(c, r);                                                                 \
	}

/* Order of the operations in the tables (and in the instruction set). */
enum { ALU_IDX_ADD, ALU_IDX_OR, ALU_IDX_ADC, ALU_IDX_SBB, ALU_IDX_AND, ALU_IDX_SUB, ALU_IDX_XOR,
       ALU_IDX_CMP, ALU_IDX_TEST, ALU_NIDX };

/* Tables: [operation][log2 of the width in bytes], memory ones [addressing mode] last. */
extern const uop_fn uop_alu_rr[ALU_NIDX][4], uop_alu_ri[ALU_NIDX][4];
extern const uop_fn uop_alu_rm[ALU_NIDX][4][AM_NR]; /* reg op= mem */
extern const uop_fn uop_alu_mr[ALU_NIDX][4][AM_NR]; /* mem op= reg; CMP, TEST read only */
extern const uop_fn uop_alu_mi[ALU_NIDX][4][AM_NR];
extern const uop_fn uop_logic_nf_rr[3][2], uop_logic_nf_ri[3][2]; /* AND OR XOR, 32 and 64, no flags */
extern const uop_fn uop_shift_nf_ri[3][2];                        /* SHL SHR SAR */
extern const uop_fn uop_inc_r[4], uop_dec_r[4], uop_neg_r[4], uop_not_r[4];
extern const uop_fn uop_inc_m[4][AM_NR], uop_dec_m[4][AM_NR];
extern const uop_fn uop_shift_ri[8][4], uop_shift_rcl[8][4]; /* by ModRM.reg order ROL..SAR */
extern const uop_fn uop_rmw_m[4]; /* anything rare on memory, LOCKed or not; aux: enum rmw_op */

enum rmw_op {
	RMW_ADD, RMW_OR, RMW_ADC, RMW_SBB, RMW_AND, RMW_SUB, RMW_XOR,
	RMW_NOT, RMW_NEG, RMW_INC, RMW_DEC,
	RMW_ROL, RMW_ROR, RMW_RCL, RMW_RCR, RMW_SHL, RMW_SHR, RMW_SAR,
	RMW_SHLD, RMW_SHRD, RMW_BTS, RMW_BTR, RMW_BTC, RMW_XADD, RMW_XCHG,
	/* operand from the register instead of imm */
	RMW_REG = 0x40,
	RMW_CL = 0x80,
};

extern const uop_fn uop_mov_rr[4], uop_mov_ri[4];
extern const uop_fn uop_mov_rm[4][AM_NR], uop_mov_mr[4][AM_NR], uop_mov_mi[4][AM_NR];
/* [sign][destination 16, 32, 64][source 8, 16, 32] */
extern const uop_fn uop_movx_rr[2][3][3];
extern const uop_fn uop_movx_rm[2][3][3][AM_NR];
extern const uop_fn uop_lea[4][3]; /* [width][address size 16, 32, 64] */
UOP(uop_lea64_bd);
extern const uop_fn uop_xchg_rr[4];
extern const uop_fn uop_cmov_rr[16][3], uop_cmov_rm[16][3];
extern const uop_fn uop_setcc_r[16], uop_setcc_m[16];
UOP(uop_push64_r); UOP(uop_push64_i); UOP(uop_push64_m); UOP(uop_pop64_r);
UOP(uop_push32_r); UOP(uop_push32_i); UOP(uop_push32_m); UOP(uop_pop32_r);
/* two pushes (rm, then reg) or pops; the second one's own uop follows */
UOP(uop_push64_rr); UOP(uop_pop64_rr); UOP(uop_push32_rr); UOP(uop_pop32_rr);
UOP(uop_leave64); UOP(uop_nop); UOP(uop_pause); UOP(uop_mfence); UOP(uop_mov_moffs);
UOP(uop_clflush);
/* the general forms: operand size and stack size at run time, all segments */
UOP(uop_push_gen_r); UOP(uop_push_gen_i); UOP(uop_push_gen_m); UOP(uop_pop_gen_r);
UOP(uop_pop_m); UOP(uop_leave_gen); UOP(uop_pushf); UOP(uop_popf);
UOP(uop_enter); UOP(uop_pusha); UOP(uop_popa);

/* op/misc.c: whatever is done by a plain function of the uop's fields */
uop_fn uop_misc_find(const struct x86_insn *i, struct uop *u, const struct cpu *c);

/* op/string.c */
UOP(uop_movs); UOP(uop_stos); UOP(uop_lods); UOP(uop_scas); UOP(uop_cmps); UOP(uop_ins);
UOP(uop_outs); UOP(uop_in); UOP(uop_out);
uop_fn uop_string_find(const struct x86_insn *i, struct uop *u);

/* op/branch.c; each of the first group is followed by a struct cpu_link */
extern const uop_fn uop_jcc_in[16];   /* imm: distance to the target from the block's start */
extern const uop_fn uop_jcc_out[16];  /* target in another page, or RIP wraps: masked */
UOP(uop_jmp_in); UOP(uop_jmp_out);
UOP(uop_call64_in); UOP(uop_call64_out); UOP(uop_call32_in); UOP(uop_call32_out);
UOP(uop_call_gen);
UOP(uop_jmp_ind_r); UOP(uop_jmp_ind_m); UOP(uop_call_ind_r); UOP(uop_call_ind_m);
UOP(uop_ret64); UOP(uop_ret32); UOP(uop_ret_gen); UOP(uop_loop); UOP(uop_jcxz);
UOP(uop_next_in);   /* the block is full: go on behind it */
UOP(uop_next_out);  /* the same, in the next page */
UOP(uop_debug);     /* a breakpoint of the debugger may be here */
UOP(uop_exit);      /* leave to the run loop, RIP = block + off */
UOP(uop_sys);       /* slow handler, imm: index of the decoded instruction */
UOP(uop_ud);
/* Fused compare and branch: [cc][form], see op/branch.c; NULL: no such pair */
enum { FUSE_CMP_RR, FUSE_CMP_RI, FUSE_CMP_MI, FUSE_CMP_RM, FUSE_CMP_MR, FUSE_TEST_RR, FUSE_TEST_RI,
       FUSE_TEST_MI, FUSE_NR };
uop_fn uop_fuse_find(unsigned int form, unsigned int wlog, unsigned int cc);

#endif

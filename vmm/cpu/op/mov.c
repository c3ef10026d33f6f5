// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Uops that move data: MOV, MOVZX, MOVSX, LEA, XCHG of registers, CMOVcc, SETcc, and the stack in its
 * flat 64-bit and 32-bit forms and in its general form. Semantics: Intel SDM volume 2.
 */
#include <sched.h>

#include "vmm/cpu/uops.h"

#define PAUSES_PER_YIELD 16

#define DEF_MOV(w)                                                                                 \
	static UOP(mov##w##_rr)                                                                    \
	{                                                                                          \
		WR##w(u->reg, RD##w(u->rm));                                                       \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(mov##w##_ri)                                                                    \
	{                                                                                          \
		WR##w(u->reg, (u##w)u->imm);                                                       \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(xchg##w##_rr)                                                                   \
	{                                                                                          \
		u##w a = RD##w(u->reg), b = RD##w(u->rm);                                          \
		WR##w(u->reg, b);                                                                  \
		WR##w(u->rm, a);                                                                   \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	DEF_LOAD(mov##w##_rm, w, { WR##w(u->reg, v); })                                            \
	DEF_STORE(mov##w##_mr, w, { r = RD##w(u->reg); })                                          \
	DEF_STORE(mov##w##_mi, w, { r = (u##w)u->imm; })
DEF_MOV(8)
DEF_MOV(16)
DEF_MOV(32)
DEF_MOV(64)

#define W4(n, f) { n##8_##f, n##16_##f, n##32_##f, n##64_##f }
#define W4ROW(n, f) { ROW(n##8_##f), ROW(n##16_##f), ROW(n##32_##f), ROW(n##64_##f) }
const uop_fn uop_mov_rr[4] = W4(mov, rr);
const uop_fn uop_mov_ri[4] = W4(mov, ri);
const uop_fn uop_xchg_rr[4] = W4(xchg, rr);
const uop_fn uop_mov_rm[4][AM_NR] = W4ROW(mov, rm);
const uop_fn uop_mov_mr[4][AM_NR] = W4ROW(mov, mr);
const uop_fn uop_mov_mi[4][AM_NR] = W4ROW(mov, mi);

#define DEF_MOVX(d, f)                                                                             \
	static UOP(movz_##d##_##f##_rr)                                                            \
	{                                                                                          \
		WR##d(u->reg, (u##d)RD##f(u->rm));                                                 \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(movs_##d##_##f##_rr)                                                            \
	{                                                                                          \
		WR##d(u->reg, (u##d)(s##d)(s##f)RD##f(u->rm));                                     \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	DEF_LOAD(movz_##d##_##f, f, { WR##d(u->reg, (u##d)v); })                                   \
	DEF_LOAD(movs_##d##_##f, f, { WR##d(u->reg, (u##d)(s##d)(s##f)v); })
DEF_MOVX(16, 8)
DEF_MOVX(16, 16)
DEF_MOVX(16, 32)
DEF_MOVX(32, 8)
DEF_MOVX(32, 16)
DEF_MOVX(32, 32)
DEF_MOVX(64, 8)
DEF_MOVX(64, 16)
DEF_MOVX(64, 32)
#define X3(k, d, f) { k##_##d##_8##f, k##_##d##_16##f, k##_##d##_32##f }
#define X3ROW(k, d) { ROW(k##_##d##_8), ROW(k##_##d##_16), ROW(k##_##d##_32) }
const uop_fn uop_movx_rr[2][3][3] = {
	{ X3(movz, 16, _rr), X3(movz, 32, _rr), X3(movz, 64, _rr) },
	{ X3(movs, 16, _rr), X3(movs, 32, _rr), X3(movs, 64, _rr) },
};
const uop_fn uop_movx_rm[2][3][3][AM_NR] = {
	{ X3ROW(movz, 16), X3ROW(movz, 32), X3ROW(movz, 64) },
	{ X3ROW(movs, 16), X3ROW(movs, 32), X3ROW(movs, 64) },
};

/* -- LEA -- */

#define DEF_LEA(w, as)                                                                             \
	static UOP(lea##w##_##as)                                                                  \
	{                                                                                          \
		WR##w(u->reg, (u##w)(u##as)cpu_ea(c, u));                                          \
		NEXT(c, u);                                                                        \
	}
DEF_LEA(16, 16)
DEF_LEA(16, 32)
DEF_LEA(16, 64)
DEF_LEA(32, 16)
DEF_LEA(32, 32)
DEF_LEA(32, 64)
DEF_LEA(64, 16)
DEF_LEA(64, 32)
DEF_LEA(64, 64)
const uop_fn uop_lea[4][3] = {
	{ lea16_16, lea16_32, lea16_64 },
	{ lea16_16, lea16_32, lea16_64 },
	{ lea32_16, lea32_32, lea32_64 },
	{ lea64_16, lea64_32, lea64_64 },
};
UOP(uop_lea64_bd)
{
	c->gpr[u->reg] = c->gpr[u->base] + (u64)(s64)u->disp;
	NEXT(c, u);
}

/* MOV with a 64-bit direct address: imm; aux: log2 of the width, bit 7: store. */
UOP(uop_mov_moffs)
{
	unsigned int wl = u->aux & 3, size = 1u << wl;
	u64 lin = u->imm + c->gpr[u->seg], v = 0;

	if (u->aux & 0x80) {
		v = c->gpr[X86_RAX];
		if (wl == 0)
			cpu_wr8(c, u, lin, (u8)v);
		else
			cpu_slow_write(c, u, lin, size, v);
		NEXT(c, u);
	}
	v = cpu_slow_read(c, u, lin, size);
	switch (wl) {
	case 0: WR8(0, (u8)v); break;
	case 1: WR16(0, (u16)v); break;
	case 2: WR32(0, v); break;
	default: WR64(0, v); break;
	}
	NEXT(c, u);
}

/* -- CMOVcc, SETcc -- */

#define DEF_CC(cc)                                                                                 \
	static UOP(cmov16_##cc##_r)                                                                \
	{                                                                                          \
		if (fl_cond(c, cc))                                                                \
			WR16(u->reg, RD16(u->rm));                                                 \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(cmov32_##cc##_r)                                                                \
	{                                                                                          \
		u32 v = fl_cond(c, cc) ? RD32(u->rm) : RD32(u->reg);                               \
		WR32(u->reg, v);                                                                   \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(cmov64_##cc##_r)                                                                \
	{                                                                                          \
		u64 v = fl_cond(c, cc) ? RD64(u->rm) : RD64(u->reg);                               \
		WR64(u->reg, v);                                                                   \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(cmov16_##cc##_m)                                                                \
	{                                                                                          \
		u16 v = cpu_load16(c, u);                                                          \
		if (fl_cond(c, cc))                                                                \
			WR16(u->reg, v);                                                           \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(cmov32_##cc##_m)                                                                \
	{                                                                                          \
		u32 v = cpu_load32(c, u);                                                          \
		WR32(u->reg, fl_cond(c, cc) ? v : RD32(u->reg));                                   \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(cmov64_##cc##_m)                                                                \
	{                                                                                          \
		u64 v = cpu_load64(c, u);                                                          \
		WR64(u->reg, fl_cond(c, cc) ? v : RD64(u->reg));                                   \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(setcc_##cc##_r)                                                                 \
	{                                                                                          \
		WR8(u->reg, fl_cond(c, cc));                                                       \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(setcc_##cc##_m)                                                                 \
	{                                                                                          \
		cpu_store8(c, u, fl_cond(c, cc));                                                  \
		NEXT(c, u);                                                                        \
	}
#define CC16(M) M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7) M(8) M(9) M(10) M(11) M(12) M(13) M(14) M(15)
CC16(DEF_CC)
#define CMOV_R(cc) { cmov16_##cc##_r, cmov32_##cc##_r, cmov64_##cc##_r },
#define CMOV_M(cc) { cmov16_##cc##_m, cmov32_##cc##_m, cmov64_##cc##_m },
#define SET_R(cc) setcc_##cc##_r,
#define SET_M(cc) setcc_##cc##_m,
const uop_fn uop_cmov_rr[16][3] = { CC16(CMOV_R) };
const uop_fn uop_cmov_rm[16][3] = { CC16(CMOV_M) };
const uop_fn uop_setcc_r[16] = { CC16(SET_R) };
const uop_fn uop_setcc_m[16] = { CC16(SET_M) };

UOP(uop_nop)
{
	NEXT(c, u);
}

/* Fewer host CPUs than vCPUs: what the guest spins for may need this one. */
UOP(uop_pause)
{
	if (++c->pauses % PAUSES_PER_YIELD == 0)
		sched_yield();
	NEXT(c, u);
}

UOP(uop_mfence)
{
	atomic_thread_fence(memory_order_seq_cst);
	NEXT(c, u);
}

/* CLFLUSH, CLFLUSHOPT, CLWB: caches are the host's affair, but the address faults like a read. */
UOP(uop_clflush)
{
	u64 lin = cpu_lin(c, u, 1, false);

	/* the read is only made where it faults: a device must not see it */
	if (unlikely(!cpu_tlb_rd(c, lin, 1)) && cpu_try_probe(c, lin, 1, X86_ACC_READ))
		cpu_slow_read(c, u, lin, 1);
	NEXT(c, u);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the emulator share: emul.c (operands, moves, arithmetic), emul_int.c, emul_ext.c,
 * emul_flow.c, emul_string.c.
 */
#ifndef GM_X86_EMUL_IMPL_H
#define GM_X86_EMUL_IMPL_H

#include "module/x86/alu.h"
#include "module/x86/emul.h"
#include "module/x86/seg.h"
#include "module/x86/xfer.h"

/* One iteration of a repeated string instruction is done and more are to come. */
#define X86_EMUL_AGAIN 1
/* ctx.rip is the target. */
#define X86_EMUL_JUMPED 2

u64 x86_emul_mask(unsigned int size);
u64 x86_emul_gpr(struct x86_emul *e, unsigned int r, unsigned int size, int high);
void x86_emul_set_gpr(struct x86_emul *e, unsigned int r, unsigned int size, int high, u64 v);
/* Reads or writes `size` (1 to 8) bytes at seg:off, with all checks. */
int x86_emul_mem(struct x86_emul *e, unsigned int seg, u64 off, unsigned int size, u64 *val,
		 int write);
void x86_emul_cmp(unsigned int size, u64 a, u64 b, u32 *fl);
u64 x86_emul_ea(struct x86_emul *e);
int x86_emul_rm_get(struct x86_emul *e, unsigned int size, u64 *val);
int x86_emul_rm_set(struct x86_emul *e, unsigned int size, u64 val);
int x86_emul_string(struct x86_emul *e);

/* emul_int.c, emul_flow.c, emul_ext.c: groups of instructions */
int x86_emul_shift(struct x86_emul *e);
int x86_emul_shift2(struct x86_emul *e);
int x86_emul_mul(struct x86_emul *e);
int x86_emul_div(struct x86_emul *e);
int x86_emul_extend(struct x86_emul *e);
int x86_emul_scan(struct x86_emul *e);
int x86_emul_bswap(struct x86_emul *e);
int x86_emul_lea(struct x86_emul *e);
int x86_emul_xlat(struct x86_emul *e);
int x86_emul_decimal(struct x86_emul *e);
int x86_emul_flag(struct x86_emul *e);
int x86_emul_cond(struct x86_emul *e);
int x86_emul_jump(struct x86_emul *e);
int x86_emul_loop(struct x86_emul *e);
int x86_emul_call(struct x86_emul *e);
int x86_emul_push(struct x86_emul *e);
int x86_emul_pop(struct x86_emul *e);
int x86_emul_pusha(struct x86_emul *e);
int x86_emul_leave(struct x86_emul *e);
int x86_emul_enter(struct x86_emul *e);
int x86_emul_port(struct x86_emul *e);
int x86_emul_sreg(struct x86_emul *e);
int x86_emul_lfp(struct x86_emul *e);
int x86_emul_far(struct x86_emul *e);
int x86_emul_int(struct x86_emul *e);
int x86_emul_if(struct x86_emul *e);
int x86_emul_pushf(struct x86_emul *e);
int x86_emul_table(struct x86_emul *e);
int x86_emul_selector(struct x86_emul *e);
int x86_emul_cmpxchg_wide(struct x86_emul *e);
int x86_emul_vec_move(struct x86_emul *e);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the two files of the emulator share: emul.c (operands, integer) and emul_string.c. */
#ifndef GM_X86_EMUL_IMPL_H
#define GM_X86_EMUL_IMPL_H

#include "module/x86/alu.h"
#include "module/x86/emul.h"
#include "module/x86/seg.h"
#include "module/x86/xfer.h"

/* One iteration of a repeated string instruction is done and more are to come. */
#define X86_EMUL_AGAIN 1

u64 x86_emul_mask(unsigned int size);
u64 x86_emul_gpr(struct x86_emul *e, unsigned int r, unsigned int size, int high);
void x86_emul_set_gpr(struct x86_emul *e, unsigned int r, unsigned int size, int high, u64 v);
/* Reads or writes `size` (1 to 8) bytes at seg:off, with all checks. */
int x86_emul_mem(struct x86_emul *e, unsigned int seg, u64 off, unsigned int size, u64 *val,
		 int write);
void x86_emul_cmp(unsigned int size, u64 a, u64 b, u32 *fl);
int x86_emul_string(struct x86_emul *e);

#endif

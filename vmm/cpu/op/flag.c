// SPDX-License-Identifier: GPL-2.0-or-later
/* Uops that read or write single flags. Semantics: Intel SDM volume 2. */
#include "vmm/cpu/op/op.h"

static UOP(clc) { fl_set_cf(c, 0); NEXT(c, u); }
static UOP(stc) { fl_set_cf(c, 1); NEXT(c, u); }
static UOP(cmc) { fl_set_cf(c, fl_cf(c) ^ 1); NEXT(c, u); }
static UOP(cld) { c->rflags &= ~(u64)X86_FL_DF; NEXT(c, u); }
static UOP(std) { c->rflags |= X86_FL_DF; NEXT(c, u); }
static UOP(salc) { WR8(0, fl_cf(c) ? 0xff : 0); NEXT(c, u); }
static UOP(lahf) { WR8(1, (u8)(fl_pack(c) | X86_FL_ONE)); NEXT(c, u); }

static UOP(sahf)
{
	u32 fl = (u32)*cpu_r8(c, 1) & ~X86_FL_OF;

	fl_unpack(c, (fl & (X86_FL_ARITH & 0xff)) | (fl_of(c) ? X86_FL_OF : 0));
	NEXT(c, u);
}

/* CLI and STI: #GP(0) where IOPL forbids it; CPL 3 and virtual-8086 mode have slow handlers. */
static void if_check(struct cpu *c, const struct uop *u)
{
	if (c->cpl > (c->rflags & X86_FL_IOPL) >> 12) {
		cpu_at(c, u);
		cpu_fault_err(c, X86_GP, 0);
	}
}

/* With an interrupt waiting STI leaves the block, so that it is taken after one more instruction. */
static UOP(sti_check)
{
	if_check(c, u);
	if (c->rflags & X86_FL_IF)
		NEXT(c, u);
	c->rflags |= X86_FL_IF;
	if (!atomic_load_explicit(&c->requests, memory_order_relaxed))
		NEXT(c, u);
	c->shadow = CPU_SHADOW_STI;
	c->rip = c->gpr[CPU_RIP] + u->off + u->len;
	return NULL;
}

static UOP(cli_check)
{
	if_check(c, u);
	c->rflags &= ~(u64)X86_FL_IF;
	NEXT(c, u);
}

uop_fn uop_flag_find(const struct x86_insn *i, const struct cpu *c)
{
	bool slow_if = c->mode & (CPU_MODE_VM | CPU_MODE_USER);

	switch (i->op) {
	case X86_OP_CLC: return clc;
	case X86_OP_STC: return stc;
	case X86_OP_CMC: return cmc;
	case X86_OP_CLD: return cld;
	case X86_OP_STD: return std;
	case X86_OP_SALC: return salc;
	case X86_OP_LAHF: return lahf;
	case X86_OP_SAHF: return sahf;
	case X86_OP_CLI: return slow_if ? NULL : cli_check;
	case X86_OP_STI: return slow_if ? NULL : sti_check;
	default: return NULL;
	}
}

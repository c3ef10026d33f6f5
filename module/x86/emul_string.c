// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The emulator's string instructions, with and without REP, memory and ports (see emul.h).
 *
 * Source: Intel SDM volume 2 (REP, MOVS, STOS, LODS, CMPS, SCAS, INS, OUTS).
 */
#include "module/x86/emul_impl.h"
#include "module/x86/task.h"

static u64 index_get(struct x86_emul *e, unsigned int r)
{
	return e->gpr[r] & x86_emul_mask(e->insn.addrsize);
}

static void index_step(struct x86_emul *e, unsigned int r)
{
	u64 step = e->ctx.rflags & X86_FL_DF ? (u64)0 - e->insn.opsize : e->insn.opsize;

	x86_emul_set_gpr(e, r, e->insn.addrsize, 0, index_get(e, r) + step);
}

static int source_read(struct x86_emul *e, u64 *v)
{
	return x86_emul_mem(e, e->insn.seg, index_get(e, X86_RSI), e->insn.opsize, v, 0);
}

static int dest_access(struct x86_emul *e, u64 *v, int write)
{
	return x86_emul_mem(e, X86_ES, index_get(e, X86_RDI), e->insn.opsize, v, write);
}

/* CMPS and SCAS. The flags change before the registers, both only on success. */
static int compare(struct x86_emul *e)
{
	u32 fl = (u32)e->ctx.rflags;
	u64 a, b;
	int ret = 0;

	if (e->insn.op == X86_OP_CMPS)
		ret = source_read(e, &a);
	else
		a = x86_emul_gpr(e, X86_RAX, e->insn.opsize, 0);
	if (!ret)
		ret = dest_access(e, &b, 0);
	if (ret)
		return ret;
	x86_emul_cmp(e->insn.opsize, a, b, &fl);
	e->ctx.rflags = (e->ctx.rflags & ~(u64)X86_FL_ARITH) | (fl & X86_FL_ARITH);
	return 0;
}

static int transfer(struct x86_emul *e)
{
	u16 port = (u16)e->gpr[X86_RDX];
	u64 v = 0, old;
	int ret;

	switch (e->insn.op) {
	case X86_OP_MOVS:
		ret = source_read(e, &v);
		return ret ? ret : dest_access(e, &v, 1);
	case X86_OP_LODS:
		ret = source_read(e, &v);
		if (!ret)
			x86_emul_set_gpr(e, X86_RAX, e->insn.opsize, 0, v);
		return ret;
	case X86_OP_STOS:
		v = x86_emul_gpr(e, X86_RAX, e->insn.opsize, 0);
		return dest_access(e, &v, 1);
	case X86_OP_INS:
		/* The port is read when it is sure that the value can be stored. */
		ret = x86_linear(&e->ctx, X86_ES, index_get(e, X86_RDI), e->insn.opsize,
				 X86_ACC_WRITE, &old);
		if (!ret)
			ret = e->ctx.ops->probe(&e->ctx, old, e->insn.opsize, X86_ACC_WRITE);
		if (!ret)
			ret = e->io->in(&e->ctx, port, e->insn.opsize, &v);
		return ret ? ret : dest_access(e, &v, 1);
	case X86_OP_OUTS:
		ret = source_read(e, &v);
		return ret ? ret : e->io->out(&e->ctx, port, e->insn.opsize, v);
	}
	return compare(e);
}

static int uses_source(unsigned int op)
{
	return op == X86_OP_MOVS || op == X86_OP_LODS || op == X86_OP_CMPS || op == X86_OP_OUTS;
}

static int uses_dest(unsigned int op)
{
	return op != X86_OP_LODS && op != X86_OP_OUTS;
}

int x86_emul_string(struct x86_emul *e)
{
	int rep = (e->insn.prefixes & (X86_PFX_REP | X86_PFX_REPNE)) != 0;
	unsigned int op = e->insn.op;
	u64 count = x86_emul_gpr(e, X86_RCX, e->insn.addrsize, 0);
	int ret;

	if (rep && !count)
		return 0;
	/* Another CPU may have put this instruction in the place of the one that was to be emulated. */
	ret = op == X86_OP_INS || op == X86_OP_OUTS ?
		      x86_io_check(&e->ctx, (u16)e->gpr[X86_RDX], e->insn.opsize) : 0;
	if (!ret)
		ret = transfer(e);
	if (ret)
		return ret;
	if (uses_source(op))
		index_step(e, X86_RSI);
	if (uses_dest(op))
		index_step(e, X86_RDI);
	if (!rep)
		return 0;
	x86_emul_set_gpr(e, X86_RCX, e->insn.addrsize, 0, count - 1);
	if (count == 1)
		return 0;
	if (op == X86_OP_CMPS || op == X86_OP_SCAS) {
		int equal = (e->ctx.rflags & X86_FL_ZF) != 0;

		if (equal != !!(e->insn.prefixes & X86_PFX_REP))
			return 0;
	}
	return X86_EMUL_AGAIN;
}

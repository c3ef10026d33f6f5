/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of slow handlers (sys_*.c) have in common: operands, checks, shared calls. */
#ifndef VMM_CPU_SYS_IMPL_H
#define VMM_CPU_SYS_IMPL_H

#include "module/x86/decode.h"
#include "module/x86/seg.h"
#include "vmm/cpu/sys.h"

static inline bool sys_code64(const struct cpu *c)
{
	return c->mode & CPU_MODE_CS64;
}

static inline void sys_need_cpl0(struct cpu *c)
{
	if (c->cpl)
		cpu_fault_err(c, X86_GP, 0);
}

/* Protected mode and not virtual-8086. */
static inline void sys_need_protected(struct cpu *c)
{
	if (!(c->cr0 & X86_CR0_PE) || (c->rflags & X86_FL_VM))
		cpu_fault(c, X86_UD);
}

/* Writes a general register as an operand of `size` bytes (2, 4, 8) does. */
static inline void sys_set_gpr(struct cpu *c, unsigned int r, unsigned int size, u64 val)
{
	if (size == 8)
		c->gpr[r] = val;
	else if (size == 4)
		c->gpr[r] = (u32)val;
	else
		c->gpr[r] = (c->gpr[r] & ~0xffffull) | (val & 0xffff);
}

/* The r/m operand, `size` bytes, zero-extended. */
static inline u64 sys_rm_read(struct cpu *c, const struct x86_insn *i, unsigned int size)
{
	u64 val = 0;

	if (i->mod == 3)
		return size == 8 ? c->gpr[i->rm] : c->gpr[i->rm] & ((1ull << size * 8) - 1);
	cpu_lin_read(c, cpu_insn_lin(c, i, size, false), &val, size);
	return val;
}

/* Stores a 16-bit system value: memory takes 2 bytes, a register the operand size. */
static inline void sys_rm_write16(struct cpu *c, const struct x86_insn *i, u64 val)
{
	u16 w = (u16)val;

	if (i->mod == 3)
		sys_set_gpr(c, i->rm, i->opsize, val);
	else
		cpu_lin_write(c, cpu_insn_lin(c, i, 2, true), &w, 2);
}

static inline void sys_set_flag(struct cpu *c, u64 flag, bool on)
{
	c->rflags = on ? c->rflags | flag : c->rflags & ~flag;
}

/*
 * Ends a call of the shared code: takes the registers back or raises the fault. A fault that a
 * task switch reports after it happened belongs to the new task's first instruction.
 */
static inline void sys_finish(struct cpu *c, struct x86_ctx *x, int ret)
{
	if (!ret || x->committed)
		cpu_ctx_done(c, x);
	if (!ret)
		return;
	if (x->committed) {
		c->insn_rip = c->rip;
		cpu_set_rflags(c, c->rflags);
	}
	c->fault = x->fault;
	cpu_raise(c);
}

#endif

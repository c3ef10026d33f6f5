/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The emulator of single instructions, for what a virtualizing CPU hands to its hypervisor: accesses
 * to device memory, string port I/O, moves to and from control and debug registers; and the integer
 * and system instructions that code runs through in states which a first-generation VT-x CPU cannot
 * hold. Not in it: x87, MMX, SSE, and what depends on the CPU model (CPUID, MSRs, HLT).
 *
 * It reaches memory and registers through struct x86_ops and ports through struct x86_emul_io only.
 * All reads of an instruction come before its first write, so an instruction whose read answered
 * X86_RETRY can be run again from its start once the value is known.
 *
 * Sources: Intel SDM volume 2, AMD APM volume 3.
 */
#ifndef GM_X86_EMUL_H
#define GM_X86_EMUL_H

#include "module/x86/decode.h"
#include "module/x86/x86.h"

/* The instruction is not one of those that the emulator knows. */
#define X86_EMUL_UNKNOWN (-4)

#define X86_EMUL_SHADOW 1

struct x86_emul_io {
	/* 0, X86_FAULT, or X86_RETRY when the value (or the device) is not there yet. */
	int (*in)(struct x86_ctx *ctx, u16 port, unsigned int size, u64 *val);
	int (*out)(struct x86_ctx *ctx, u16 port, unsigned int size, u64 val);
	/* INVLPG of a linear address. May be NULL: nothing is to be done. */
	void (*invlpg)(struct x86_ctx *ctx, u64 lin);
	/* LGDT (idt 0) and LIDT: 0 or X86_FAULT. */
	int (*set_table)(struct x86_ctx *ctx, int idt, const struct x86_dtr *t);
	/* Reads or writes an XMM register (16 bytes) or an MMX register (8); NULL: there are none. */
	void (*vec)(struct x86_ctx *ctx, unsigned int reg, int mmx, u8 *buf, int write);
};

struct x86_emul {
	struct x86_ctx ctx;          /* rip: of the instruction before, of the next one after */
	const struct x86_emul_io *io;
	struct x86_insn insn;
	struct x86_decoded *decoded; /* X86_DECODED entries that the caller keeps, or NULL */
	enum x86_mode mode;
	u8 shadow;                   /* out: X86_EMUL_SHADOW, the next instruction takes no interrupt */
	u64 gpr[16];                 /* ctx.gpr points here; the caller takes them back on success */
};

/*
 * Reads and decodes the instruction at ctx.rip into e->insn. `bytes` are the first `avail` bytes of
 * it when the CPU has handed them over, else avail is 0. 0, X86_FAULT (#UD included) or X86_RETRY.
 */
int x86_emul_decode(struct x86_emul *e, const u8 *bytes, unsigned int avail);

/*
 * Executes e->insn; of a string instruction with a REP prefix one iteration, and ctx.rip stays
 * while there are more to do. 0, X86_FAULT, X86_RETRY or X86_EMUL_UNKNOWN.
 */
int x86_emul_exec(struct x86_emul *e);

/*
 * Plain loads: MOV, MOVZX, MOVSX and MOVSXD of memory (or a register) to a register. What is left of one once its
 * operand `v` was read goes to gpr[] (of 16).
 */
int x86_emul_is_load(const struct x86_insn *in);
void x86_emul_load(const struct x86_insn *in, u64 *gpr, u64 v);
/* 1, and what a MOV of a register or a constant to memory (or a register) stores; 0: it is something else. */
int x86_emul_store(struct x86_emul *e, u64 *v);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Far transfers of control: JMP, CALL, RET, IRET through segments, call gates and task gates.
 *
 * ctx->rip is the address of the next instruction on entry and the target afterwards; CS, SS,
 * RSP, the flags, CPL (ops->set_cpl) and nullified data segments are changed on success. `osz`
 * is the operand size in bytes: 2, 4 or 8. All return 0, X86_FAULT or X86_RETRY; after a task
 * switch ctx->committed tells that the registers changed although a fault is reported.
 *
 * Sources: Intel SDM volume 2 (CALL, IRET, JMP, RET), volume 3, sections 5.8, 5.9, 7, 20.
 */
#ifndef GM_X86_XFER_H
#define GM_X86_XFER_H

#include "module/x86/seg.h"

int x86_far_jmp(struct x86_ctx *ctx, u16 sel, u64 off, unsigned int osz);
int x86_far_call(struct x86_ctx *ctx, u16 sel, u64 off, unsigned int osz);
/* `imm` bytes are released from the stack, from the caller's one too when RET changes level. */
int x86_far_ret(struct x86_ctx *ctx, unsigned int osz, u16 imm);
/* Clears ctx->nmi_blocked too. IOPL and VME rules of virtual-8086 mode are applied here. */
int x86_iret(struct x86_ctx *ctx, unsigned int osz);

/*
 * A push stack in the making: writes go to memory at once, RSP is changed by the caller at the
 * end. `acc` tells whether the pushes are user or supervisor accesses.
 */
struct x86_stack {
	struct x86_seg ss;
	u64 sp;
	u64 mask;         /* 0xffff, 0xffffffff or all ones: the width of SP */
	unsigned int acc; /* X86_ACC_SYSTEM for a level below 3, or 0 */
	u8 vec;           /* vector of a limit violation: #SS, or #TS where the manual says so */
	u8 has_sel;       /* the error code is the selector and `ext`, else 0 */
	u8 ext;
	u8 pad[5];
};

/* The current stack (SS:RSP of the running code). */
void x86_stack_current(struct x86_ctx *ctx, struct x86_stack *st);
/* Widths follow `ss`, and `code64` when the code that will own the stack is 64-bit. */
void x86_stack_set(struct x86_ctx *ctx, struct x86_stack *st, const struct x86_seg *ss, u64 sp,
		   int code64, unsigned int cpl);
int x86_push(struct x86_ctx *ctx, struct x86_stack *st, unsigned int size, u64 val);
int x86_pop(struct x86_ctx *ctx, struct x86_stack *st, unsigned int size, u64 *val);
/* Stores st->sp into RSP, in its width. */
void x86_stack_commit(struct x86_ctx *ctx, const struct x86_stack *st);

/* SS:ESP (RSP) of an inner level from the current TSS (SDM volume 3, section 5.8.5); the
 * selector is not yet checked. In long mode `*sel` is 0. Raises #TS(TR selector). */
int x86_tss_stack(struct x86_ctx *ctx, unsigned int cpl, unsigned int ext, u16 *sel, u64 *sp);

/*
 * Checks the target of a far transfer: the code descriptor `d` of `sel`, which will run at level
 * `cpl`, and the offset in it; sets the accessed bit and gives the segment to load. Privilege
 * and presence are the caller's business. Raises #GP(ext) for the offset.
 */
int x86_code_target(struct x86_ctx *ctx, u16 sel, struct x86_desc *d, unsigned int cpl, u64 off,
		    unsigned int ext, struct x86_seg *cs);

/* Reads the code descriptor that a gate names; #GP(sel) unless it is code with DPL <= CPL (in
 * long mode: 64-bit code), #NP(sel). The null selector is #GP(ext). */
int x86_gate_code(struct x86_ctx *ctx, u16 sel, unsigned int ext, struct x86_desc *d);

/* The code segment and target that RET or IRET pops, checked (section 5.8.6). */
int x86_return_code(struct x86_ctx *ctx, u16 sel, u64 rip, struct x86_seg *cs);
/* The stack segment popped for level `cpl`; null is good for 64-bit code below level 3. */
int x86_return_ss(struct x86_ctx *ctx, u16 sel, unsigned int cpl, int code64, struct x86_seg *ss);
/* Loads SS, RSP and, when it changes, CPL; then data segments that are now out of reach. */
void x86_return_outer(struct x86_ctx *ctx, unsigned int cpl, const struct x86_seg *ss, u64 sp,
		      int code64);

/* Makes ES, DS, FS and GS unusable where the new outer level `cpl` may not have them. */
void x86_seg_nullify_outer(struct x86_ctx *ctx, unsigned int cpl);

#endif

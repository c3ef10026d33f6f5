/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hardware task switch and the other uses of the task state segment.
 *
 * Source: Intel SDM volume 3, chapter 7; volume 1, section 19.5.2 (I/O permission bit map).
 */
#ifndef GM_X86_TASK_H
#define GM_X86_TASK_H

#include "module/x86/seg.h"

enum x86_task_source {
	X86_TASK_JMP,
	X86_TASK_CALL,
	X86_TASK_IRET,
	X86_TASK_INT, /* a task gate in the IDT */
};

/*
 * Switches to the task whose TSS selector is `sel`; not in long mode. DPL and RPL checks against
 * the TSS or gate descriptor are the caller's. ctx->rip is saved in the old TSS. `has_err`:
 * push `err` on the new task's stack. `ext`: bit 0 of error codes.
 *
 * Faults before the switch leave everything as it was. Once the new TSS is loaded
 * ctx->committed is 1: the registers, rip, rflags and CPL are the new task's and a fault that is
 * returned belongs to its first instruction. The debug trap of a TSS whose T flag is set is
 * returned in this way too (vector #DB, DR6.BT is set).
 */
int x86_task_switch(struct x86_ctx *ctx, u16 sel, enum x86_task_source src, unsigned int ext,
		    int has_err, u32 err);

/* As JMP, CALL do for a TSS or task gate descriptor `d` of selector `sel`: privilege checks,
 * then the switch. */
int x86_task_far(struct x86_ctx *ctx, u16 sel, const struct x86_desc *d,
		 enum x86_task_source src);

/*
 * May the running code do I/O of `len` bytes at `port`? Checks CPL, IOPL, VM and the TSS's bit
 * map. 0, or X86_FAULT with #GP(0) or a page fault.
 */
int x86_io_check(struct x86_ctx *ctx, u16 port, unsigned int len);

#endif

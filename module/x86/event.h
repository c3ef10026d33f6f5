/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Delivery of exceptions and interrupts.
 *
 * Sources: Intel SDM volume 3, chapter 6 (6.12 handler calls, 6.14 64-bit mode, 6.15 double
 * fault), chapter 7 (task gates), sections 20.1.4 and 20.3 (real and virtual-8086 mode);
 * volume 2, INT n.
 */
#ifndef GM_X86_EVENT_H
#define GM_X86_EVENT_H

#include "module/x86/seg.h"

enum x86_event_kind {
	X86_EV_EXCEPTION, /* found by the CPU; DPL of the gate is not checked; EXT is set on faults */
	X86_EV_EXTINT,    /* INTR */
	X86_EV_NMI,
	X86_EV_SOFT,      /* INT n: DPL is checked, v8086 mode looks at IOPL and the bitmap */
	X86_EV_SOFT_EXC,  /* INT3 and INTO: DPL is checked */
	X86_EV_ICEBP,     /* INT1: neither */
};

struct x86_event {
	u8 vector;
	u8 kind;    /* enum x86_event_kind */
	u8 has_err;
	u8 pad;
	u32 err;
	u64 cr2;    /* for a page fault */
};

/* x86_event_raise(): the double fault could not be delivered either (SDM volume 3, 6.15). */
#define X86_SHUTDOWN (-3)

/* How a second fault meets the delivery of a first event (SDM volume 3, table 6-5). */
enum x86_event_class {
	X86_EVC_SECOND,   /* forget the first, deliver the second */
	X86_EVC_DOUBLE,   /* #DF(0) */
	X86_EVC_SHUTDOWN, /* triple fault */
};
enum x86_event_class x86_event_combine(const struct x86_event *first,
				       const struct x86_fault *second);

/*
 * Delivers one event, in any mode. ctx->rip is what will be pushed: the address of the faulting
 * instruction for faults, of the next for traps and interrupts. RF is set in the pushed image of
 * fault-class exceptions. For a page fault, CR2 is set (ops->set_cr) first. Returns 0, or
 * X86_FAULT with the fault met on the way, nothing changed unless ctx->committed.
 */
int x86_event_deliver(struct x86_ctx *ctx, const struct x86_event *ev);

/* Delivers and, where delivery faults, goes on with the combined fault until one is delivered.
 * 0, X86_RETRY, or X86_SHUTDOWN. rip, rflags and cpl are to be taken back in every case. */
int x86_event_raise(struct x86_ctx *ctx, const struct x86_event *ev);

/* The event for ctx->fault, an exception raised by an instruction. */
void x86_event_from_fault(const struct x86_fault *f, struct x86_event *ev);

/*
 * INT n, INT3, INTO (kind X86_EV_SOFT, X86_EV_SOFT_EXC) and INT1 (X86_EV_ICEBP), executed by the
 * instruction: ctx->rip is the next instruction. As x86_event_deliver(); a fault it returns is
 * an exception of the instruction itself and is to be raised with the instruction's own address.
 */
int x86_event_soft(struct x86_ctx *ctx, u8 vector, unsigned int kind);

#endif

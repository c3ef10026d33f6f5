/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Segments: descriptors, loads of segment registers, the address check of a logical address.
 *
 * Every function reads all it needs and checks it before it changes a register, so that a
 * fault leaves the instruction restartable. Results are 0, X86_FAULT (ctx->fault is filled in)
 * or X86_RETRY, unless a function says otherwise.
 *
 * Sources: Intel SDM volume 3, chapters 3 (protected-mode memory management) and 5
 * (protection), section 20.1 (real-address mode); volume 2 for the instructions named.
 */
#ifndef GM_X86_SEG_H
#define GM_X86_SEG_H

#include "module/x86/x86.h"

/* System descriptor types (SDM volume 3, table 3-2); the two halves are 16 and 32/64 bit. */
enum x86_sys_type {
	X86_SYS_TSS16 = 1,
	X86_SYS_LDT = 2,
	X86_SYS_TSS16_BUSY = 3,
	X86_SYS_CALL16 = 4,
	X86_SYS_TASK_GATE = 5,
	X86_SYS_INT16 = 6,
	X86_SYS_TRAP16 = 7,
	X86_SYS_TSS32 = 9, /* 64-bit TSS in long mode */
	X86_SYS_TSS32_BUSY = 11,
	X86_SYS_CALL32 = 12,
	X86_SYS_INT32 = 14,
	X86_SYS_TRAP32 = 15,
};

/* A raw descriptor: the two words of all, and the upper half of 16-byte ones (else 0). */
struct x86_desc {
	u32 lo;
	u32 hi;
	u32 up_lo;
	u32 up_hi;
};

/* Attributes as in struct x86_seg, without the limit bits that lie between them. */
static inline unsigned int x86_desc_attr(const struct x86_desc *d)
{
	return (d->hi >> 8) & 0xf0ff;
}

static inline unsigned int x86_desc_type(const struct x86_desc *d)
{
	return (d->hi >> 8) & X86_SEG_TYPE;
}

static inline unsigned int x86_desc_dpl(const struct x86_desc *d)
{
	return (d->hi >> 13) & 3;
}

static inline unsigned int x86_seg_dpl(const struct x86_seg *s)
{
	return (s->attr & X86_SEG_DPL) >> X86_SEG_DPL_SHIFT;
}

static inline int x86_desc_is_code(const struct x86_desc *d)
{
	return (d->hi & 0x1800) == 0x1800;
}

static inline int x86_desc_is_data(const struct x86_desc *d)
{
	return (d->hi & 0x1800) == 0x1000;
}

static inline int x86_sel_is_null(u16 sel)
{
	return (sel & 0xfffc) == 0;
}

/* 48-bit virtual addresses (SDM volume 1, section 3.3.7.1). */
static inline int x86_is_canonical(u64 lin)
{
	return ((lin + ((u64)1 << 47)) >> 48) == 0;
}

/* The mode questions that many functions ask. */
static inline int x86_is_protected(struct x86_ctx *ctx)
{
	return (ctx->ops->get_cr(ctx, 0) & X86_CR0_PE) != 0;
}

static inline int x86_is_v86(struct x86_ctx *ctx)
{
	return (ctx->rflags & X86_FL_VM) != 0 && x86_is_protected(ctx);
}

/* Protected mode proper: segment registers are loaded from descriptor tables. */
static inline int x86_uses_descriptors(struct x86_ctx *ctx)
{
	return x86_is_protected(ctx) && !(ctx->rflags & X86_FL_VM);
}

/* CS selects 64-bit mode. */
int x86_is_code64(struct x86_ctx *ctx);

/*
 * Reads the descriptor of `sel` from the GDT or LDT (SDM volume 3, section 3.4 and 3.5). A
 * selector outside the table raises `vec` with the selector as error code and `ext` in bit 0.
 * `sel` must not be null. With `wide`, a system descriptor is read as 16 bytes in long mode.
 */
int x86_desc_read(struct x86_ctx *ctx, u16 sel, int wide, u8 vec, unsigned int ext,
		  struct x86_desc *d);

/* Sets the accessed bit of a code or data descriptor in memory and in `d`, when clear. */
int x86_desc_set_accessed(struct x86_ctx *ctx, u16 sel, struct x86_desc *d);

/* Writes the second word of the descriptor of `sel` (busy bit of a TSS). */
int x86_desc_write_hi(struct x86_ctx *ctx, u16 sel, u32 hi);

/* The linear address of the descriptor of `sel`; the table's limit is not checked. */
u64 x86_desc_linear(struct x86_ctx *ctx, u16 sel);

/* Fills the hidden part from a descriptor; system descriptors in long mode take the 64-bit base. */
void x86_desc_unpack(const struct x86_desc *d, u16 sel, struct x86_seg *s);

/* What real mode (`v86` 0) and virtual-8086 mode (1) load: base sel*16. Real mode keeps the
 * limit and attributes of `s` and makes it usable; v8086 mode fixes them. */
void x86_seg_real(struct x86_seg *s, u16 sel, int v86);

/* Flat 4 GiB segments as SYSCALL, SYSENTER and their returns load them. `l`: 64-bit code. */
void x86_seg_flat_code(struct x86_seg *s, u16 sel, unsigned int dpl, int l);
void x86_seg_flat_data(struct x86_seg *s, u16 sel, unsigned int dpl);

/* A register loaded with a null selector. */
void x86_seg_null(struct x86_seg *s, u16 sel);

/*
 * MOV, POP, LDS and friends to ES, SS, DS, FS, GS in any mode (SDM volume 2, MOV; volume 3,
 * section 5.6 and 5.7). CS is #UD. The interrupt shadow of SS is the caller's business.
 */
int x86_seg_load(struct x86_ctx *ctx, unsigned int seg, u16 sel);

/* Checks and unpacks SS for privilege level `cpl`, raising `vec` (#TS, #GP) with `ext`; a
 * segment that is not present raises #SS. Changes nothing but the accessed bit. */
int x86_seg_check_ss(struct x86_ctx *ctx, u16 sel, unsigned int cpl, u8 vec, unsigned int ext,
		     struct x86_seg *out);

/* The same for ES, DS, FS, GS; a null selector gives an unusable segment. */
int x86_seg_check_data(struct x86_ctx *ctx, u16 sel, unsigned int cpl, u8 vec, unsigned int ext,
		       struct x86_seg *out);

/* LLDT and LTR behind their privilege checks (CPL 0, protected mode), which are the caller's. */
int x86_seg_load_ldtr(struct x86_ctx *ctx, u16 sel);
int x86_seg_load_tr(struct x86_ctx *ctx, u16 sel);

/*
 * LAR, LSL, VERR and VERW (SDM volume 2). 1: the selector qualifies (ZF is set, the value is in
 * *out); 0: it does not; X86_FAULT or X86_RETRY from the read of the descriptor table.
 */
int x86_sel_lar(struct x86_ctx *ctx, u16 sel, u32 *out);
int x86_sel_lsl(struct x86_ctx *ctx, u16 sel, u32 *out);
int x86_sel_verify(struct x86_ctx *ctx, u16 sel, int write);

/*
 * Turns seg:off into a linear address, with limit, type and canonical checks (SDM volume 3,
 * section 5.3; volume 1, section 3.3.7). `acc` is X86_ACC_READ, _WRITE or _EXEC. Raises #SS(0)
 * for SS and #GP(0) for others. `len` at least 1.
 */
int x86_linear(struct x86_ctx *ctx, unsigned int seg, u64 off, unsigned int len, unsigned int acc,
	       u64 *lin);
/* The same with the segment in hand (a stack that is about to be loaded). */
int x86_linear_seg(struct x86_ctx *ctx, const struct x86_seg *s, int is_stack, u64 off,
		   unsigned int len, unsigned int acc, u64 *lin);

#endif

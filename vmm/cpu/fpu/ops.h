/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the x87, MMX and SSE handlers share: operand access, exceptions, and how a handler is found
 * by the translator. Internal to vmm/cpu.
 */
#ifndef VMM_CPU_FPU_OPS_H
#define VMM_CPU_FPU_OPS_H

#include "module/x86/decode.h"
#include "vmm/cpu/flags.h"
#include "vmm/cpu/mem.h"
#include "vmm/cpu/fpu/simd.h"

/* ---- x87 status and control words ---- */

#define X87_IE     0x0001u
#define X87_DE     0x0002u
#define X87_ZE     0x0004u
#define X87_OE     0x0008u
#define X87_UE     0x0010u
#define X87_PE     0x0020u
#define X87_FLAGS  0x003fu
#define X87_SF     0x0040u
#define X87_ES     0x0080u
#define X87_C0     0x0100u
#define X87_C1     0x0200u
#define X87_C2     0x0400u
#define X87_C3     0x4000u
#define X87_CC     0x4700u
#define X87_B      0x8000u
#define X87_SW_TOP 0x3800u
#define X87_CW_RESET 0x037fu

/* Waiting instructions deliver a pending exception: #MF, or FERR# for CR0.NE = 0. */
void x87_deliver(struct cpu *c, const struct uop *u);

static ALWAYS_INLINE void x87_wait(struct cpu *c, const struct uop *u)
{
	if (unlikely(c->fpu.sw & X87_ES))
		x87_deliver(c, u);
}

/* Recomputes ES and B from flags and masks; drives FERR# when they change. */
void x87_update_es(struct cpu *c);

/* ---- vectors ---- */

static ALWAYS_INLINE simd xmm_get(const struct cpu *c, unsigned int r)
{
	return _mm_load_si128((const simd *)&c->fpu.xmm[r]);
}

static ALWAYS_INLINE void xmm_set(struct cpu *c, unsigned int r, simd v)
{
	_mm_store_si128((simd *)&c->fpu.xmm[r], v);
}

static ALWAYS_INLINE simd mmx_get(const struct cpu *c, unsigned int r)
{
	return _mm_loadl_epi64((const simd *)&c->fpu.st[r & 7].mant);
}

static ALWAYS_INLINE void mmx_set(struct cpu *c, unsigned int r, simd v)
{
	struct cpu_f80 *st = &c->fpu.st[r & 7];

	_mm_storel_epi64((simd *)&st->mant, v);
	st->sexp = 0xffff;
}

/* What every MMX instruction does, after all that may fault: TOP 0, all registers valid. */
static ALWAYS_INLINE void mmx_touch(struct cpu *c)
{
	c->fpu.top = 0;
	c->fpu.tags = 0xff;
}

static ALWAYS_INLINE simd simd_from_u64(u64 v)
{
	return _mm_cvtsi64_si128((s64)v);
}

/*
 * The host address of the memory operand where the TLB has it and no segment limit is to be
 * checked; NULL: the general way. The common instructions have a handler that uses this and calls
 * nothing, so that it needs no stack frame, and hands all else to one named ..._slow.
 */
static ALWAYS_INLINE u64 fpu_simple_lin(const struct cpu *c, const struct uop *u)
{
	u64 lin = c->gpr[u->base] + (c->gpr[u->index] << u->scale) + (u64)(s64)u->disp +
		  c->gpr[u->seg];

	return unlikely(u->am == AM_32) ? (u32)lin : lin;
}

static ALWAYS_INLINE const void *fpu_mem_rd(struct cpu *c, const struct uop *u, unsigned int size,
					    bool align)
{
	u64 lin = fpu_simple_lin(c, u);

	if (unlikely(u->am > AM_32) || (align && unlikely(lin & 15)))
		return NULL;
	return cpu_tlb_rd(c, lin, size);
}

static ALWAYS_INLINE void *fpu_mem_wr(struct cpu *c, const struct uop *u, unsigned int size,
				      bool align)
{
	u64 lin = fpu_simple_lin(c, u);

	if (unlikely(u->am > AM_32) || (align && unlikely(lin & 15)))
		return NULL;
	return cpu_tlb_wr(c, lin, size);
}

static ALWAYS_INLINE simd simd_at128(const void *p)
{
	return _mm_loadu_si128(p);
}

static ALWAYS_INLINE simd simd_at64(const void *p)
{
	return _mm_loadl_epi64(p);
}

static ALWAYS_INLINE simd simd_at32(const void *p)
{
	return _mm_cvtsi32_si128((int)*(const u32_una *)p);
}

static COLD simd simd_load_slow(struct cpu *c, const struct uop *u, u64 lin)
{
	union simd_lanes v;

	cpu_slow_read_n(c, u, lin, &v, 16);
	return v.v;
}

static COLD void simd_store_slow(struct cpu *c, const struct uop *u, u64 lin, simd s)
{
	cpu_slow_write_n(c, u, lin, &s, 16);
}

static COLD _Noreturn void simd_misaligned(struct cpu *c, const struct uop *u)
{
	cpu_at(c, u);
	cpu_fault_err(c, X86_GP, 0);
}

/* The 16-byte memory operand; `align`: #GP(0) unless it is aligned. */
static ALWAYS_INLINE simd simd_load128(struct cpu *c, const struct uop *u, bool align)
{
	u64 lin = cpu_lin(c, u, 16, false);
	const simd *p = cpu_tlb_rd(c, lin, 16);

	if (align && unlikely(lin & 15))
		simd_misaligned(c, u);
	if (unlikely(!p))
		return simd_load_slow(c, u, lin);
	return _mm_loadu_si128(p);
}

static ALWAYS_INLINE void simd_store128(struct cpu *c, const struct uop *u, simd v, bool align)
{
	u64 lin = cpu_lin(c, u, 16, true);
	simd *p = cpu_tlb_wr(c, lin, 16);

	if (align && unlikely(lin & 15))
		simd_misaligned(c, u);
	if (unlikely(!p)) {
		simd_store_slow(c, u, lin, v);
		return;
	}
	_mm_storeu_si128(p, v);
}

static ALWAYS_INLINE simd simd_load64(struct cpu *c, const struct uop *u)
{
	return simd_from_u64(cpu_load64(c, u));
}

static ALWAYS_INLINE simd simd_load32(struct cpu *c, const struct uop *u)
{
	return _mm_cvtsi32_si128((int)cpu_load32(c, u));
}

/*
 * After SSE arithmetic and before its result is stored. With all exceptions masked the flags stay
 * in the host's MXCSR. Otherwise the host's flags were clear before the operation; sse_check()
 * looks at them and raises #XM (#UD without CR4.OSXMMEXCPT) for an unmasked one. `soft` are
 * exceptions that were found without the host's unit.
 */
void sse_check(struct cpu *c, const struct uop *u, u32 soft);

static ALWAYS_INLINE void sse_finish(struct cpu *c, const struct uop *u)
{
	if (unlikely(c->fpu.sse_strict))
		sse_check(c, u, 0);
}

/* ---- finding handlers ---- */

/*
 * A form with its register and memory variants (even, odd), as an index. The first four are
 * those of plain arithmetic, so that tables of it stay narrow.
 */
enum fpu_slot {
	SLOT_XR, SLOT_XM,         /* XMM_XMMM */
	SLOT_MR, SLOT_MM,         /* MM_MMM */
	SLOT_XI, SLOT_MI,         /* XMM_IMM, MM_IMM */
	SLOT_XSR, SLOT_XSM,       /* XMMM_XMM: stores */
	SLOT_MSR, SLOT_MSM,       /* MMM_MM */
	SLOT_X_GR, SLOT_X_GM,     /* XMM_RM */
	SLOT_G_XR, SLOT_G_XM,     /* RM_XMM */
	SLOT_R_XR, SLOT_R_XM,     /* R_XMMM */
	SLOT_X_MR, SLOT_X_MM,     /* XMM_MMM */
	SLOT_M_XR, SLOT_M_XM,     /* MM_XMMM */
	SLOT_M_GR, SLOT_M_GM,     /* MM_RM */
	SLOT_G_MR, SLOT_G_MM,     /* RM_MM */
	SLOT_R_MR, SLOT_R_MM,     /* R_MMM */
	SLOT_NONE,                /* NONE, MEM */
	SIMD_NSLOT,
};

/* The x87 forms have tables of their own. */
enum x87_slot {
	X87_NONE, X87_ST0_STI, X87_STI_ST0, X87_STI, X87_AX, X87_M32, X87_M64, X87_M80, X87_M16I,
	X87_M32I, X87_M64I, X87_BCD, X87_MEM, X87_NSLOT,
};

#define SIMD_FIRST X86_OP_EMMS
#define SIMD_COUNT (X86_OP_PCLMULQDQ - X86_OP_EMMS + 1)
#define X87_FIRST  X86_OP_FADD
#define X87_COUNT  (X86_OP_FCMOVCC - X86_OP_FADD + 1)

/* One per file of handlers; NULL when the operation is not there. `slot` below SIMD_NSLOT. */
uop_fn simd_int_find(unsigned int op, unsigned int slot);
uop_fn simd_imm_find(unsigned int op, unsigned int slot);
uop_fn simd_move_find(unsigned int op, unsigned int slot);
uop_fn simd_arith_find(unsigned int op, unsigned int slot);
uop_fn simd_convert_find(unsigned int op, unsigned int slot);
uop_fn x87_arith_find(unsigned int op, unsigned int slot);
uop_fn x87_func_find(unsigned int op, unsigned int slot);
uop_fn x87_move_find(unsigned int op, unsigned int slot);
uop_fn x87_control_find(unsigned int op, unsigned int slot);
uop_fn fpu_image_find(unsigned int op);
UOP(x87_uop_fwait);
UOP(x87_uop_ignore);

#endif

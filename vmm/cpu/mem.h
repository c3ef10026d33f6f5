/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest memory as uop handlers see it: effective addresses, the inline TLB lookup, loads and
 * stores. All accessors leave by cpu_fault() when the access faults, before anything is
 * stored, even where it crosses a page.
 *
 * Accesses that the TLB answers are single host accesses, as atomic as the guest may expect.
 */
#ifndef VMM_CPU_MEM_H
#define VMM_CPU_MEM_H

#include "vmm/cpu/cpu.h"

#define likely(x)    __builtin_expect(!!(x), 1)
#define unlikely(x)  __builtin_expect(!!(x), 0)
#define ALWAYS_INLINE inline __attribute__((always_inline))
#define NOINLINE     __attribute__((noinline))
#define COLD         __attribute__((noinline, cold))

/* -- slow paths, tlb.c; `u` is the uop that faults are accounted to -- */
u64 cpu_slow_read(struct cpu *c, const struct uop *u, u64 lin, unsigned int size);
void cpu_slow_write(struct cpu *c, const struct uop *u, u64 lin, unsigned int size, u64 val);
void cpu_slow_read_n(struct cpu *c, const struct uop *u, u64 lin, void *buf, unsigned int len);
void cpu_slow_write_n(struct cpu *c, const struct uop *u, u64 lin, const void *buf,
		      unsigned int len);
/*
 * For read-modify-write: checks that the operand is writable. Returns its host address
 * (code translated from it is already dropped), or NULL where it is not in one page of RAM, or
 * other CPUs have code there: then the caller reads with cpu_slow_read() and writes with
 * cpu_slow_write(), for a LOCKed operation between cpu_lock_begin() and cpu_lock_end().
 */
void *cpu_slow_rmw(struct cpu *c, const struct uop *u, u64 lin, unsigned int size);
/* AM_SEG: segment checks; `ea` is not yet masked. */
u64 cpu_lin_seg(struct cpu *c, const struct uop *u, u64 ea, unsigned int size, bool write);

/* Any segment and an offset that is masked already: limit, type and canonical check, base added. */
u64 cpu_seg_lin(struct cpu *c, const struct uop *u, unsigned int seg, u64 off, unsigned int size,
		bool write);

typedef u16 __attribute__((aligned(1), may_alias)) u16_una;
typedef u32 __attribute__((aligned(1), may_alias)) u32_una;
typedef u64 __attribute__((aligned(1), may_alias)) u64_una;

/* Host address for an access of `size` bytes at `lin`, or NULL: slow path. */
static ALWAYS_INLINE void *cpu_tlb_rd(struct cpu *c, u64 lin, unsigned int size)
{
	const struct cpu_tlb_entry *e = &c->tlb->e[(lin >> CPU_PAGE_SHIFT) & (CPU_TLB_SIZE - 1)];

	if (likely(((lin + size - 1) & CPU_PAGE_MASK) == e->rd))
		return (void *)(uintptr_t)(lin + e->add);
	return NULL;
}

static ALWAYS_INLINE void *cpu_tlb_wr(struct cpu *c, u64 lin, unsigned int size)
{
	const struct cpu_tlb_entry *e = &c->tlb->e[(lin >> CPU_PAGE_SHIFT) & (CPU_TLB_SIZE - 1)];

	if (likely(((lin + size - 1) & CPU_PAGE_MASK) == e->wr))
		return (void *)(uintptr_t)(lin + e->add);
	return NULL;
}

/* Effective address, not masked to the address size. */
static ALWAYS_INLINE u64 cpu_ea(struct cpu *c, const struct uop *u)
{
	return c->gpr[u->base] + (c->gpr[u->index] << u->scale) + (u64)(s64)u->disp;
}

/* Linear address of the uop's memory operand, whatever its addressing mode. */
static ALWAYS_INLINE u64 cpu_lin(struct cpu *c, const struct uop *u, unsigned int size, bool write)
{
	u64 ea = cpu_ea(c, u);

	if (likely(u->am <= AM_64X))
		return ea + c->gpr[u->seg];
	if (u->am == AM_32)
		return (u32)(ea + c->gpr[u->seg]);
	return cpu_lin_seg(c, u, ea, size, write);
}

#define CPU_RD(w)                                                                                  \
	static ALWAYS_INLINE u##w cpu_rd##w(struct cpu *c, const struct uop *u, u64 lin)           \
	{                                                                                          \
		u##w##_una *p = cpu_tlb_rd(c, lin, w / 8);                                         \
		return likely(p) ? *p : (u##w)cpu_slow_read(c, u, lin, w / 8);                     \
	}                                                                                          \
	static ALWAYS_INLINE void cpu_wr##w(struct cpu *c, const struct uop *u, u64 lin, u##w v)   \
	{                                                                                          \
		u##w##_una *p = cpu_tlb_wr(c, lin, w / 8);                                         \
		if (likely(p))                                                                     \
			*p = v;                                                                    \
		else                                                                               \
			cpu_slow_write(c, u, lin, w / 8, v);                                       \
	}                                                                                          \
	/* The uop's memory operand. */                                                            \
	static ALWAYS_INLINE u##w cpu_load##w(struct cpu *c, const struct uop *u)                  \
	{                                                                                          \
		return cpu_rd##w(c, u, cpu_lin(c, u, w / 8, false));                               \
	}                                                                                          \
	static ALWAYS_INLINE void cpu_store##w(struct cpu *c, const struct uop *u, u##w v)         \
	{                                                                                          \
		cpu_wr##w(c, u, cpu_lin(c, u, w / 8, true), v);                                    \
	}

typedef u8 u8_una;
CPU_RD(8)
CPU_RD(16)
CPU_RD(32)
CPU_RD(64)
#undef CPU_RD

/* An access whose size (1, 2, 4, 8) is known at run time only. */
static inline u64 cpu_rd_size(struct cpu *c, const struct uop *u, u64 lin, unsigned int size)
{
	switch (size) {
	case 1: return cpu_rd8(c, u, lin);
	case 2: return cpu_rd16(c, u, lin);
	case 4: return cpu_rd32(c, u, lin);
	default: return cpu_rd64(c, u, lin);
	}
}

static inline void cpu_wr_size(struct cpu *c, const struct uop *u, u64 lin, unsigned int size, u64 v)
{
	switch (size) {
	case 1: cpu_wr8(c, u, lin, (u8)v); break;
	case 2: cpu_wr16(c, u, lin, (u16)v); break;
	case 4: cpu_wr32(c, u, lin, (u32)v); break;
	default: cpu_wr64(c, u, lin, v); break;
	}
}

/* `len` bytes, 1 to 4096, at the uop's memory operand. */
static inline void cpu_load_n(struct cpu *c, const struct uop *u, void *buf, unsigned int len)
{
	cpu_slow_read_n(c, u, cpu_lin(c, u, len, false), buf, len);
}

static inline void cpu_store_n(struct cpu *c, const struct uop *u, const void *buf,
			       unsigned int len)
{
	cpu_slow_write_n(c, u, cpu_lin(c, u, len, true), buf, len);
}

/* 16 bytes; `align`: #GP(0) unless 16-byte aligned (legacy SSE operands, MOVAPS and alike). */
static ALWAYS_INLINE void cpu_load128(struct cpu *c, const struct uop *u, union cpu_xmm *v,
				      bool align)
{
	u64 lin = cpu_lin(c, u, 16, false);
	const u64_una *p = cpu_tlb_rd(c, lin, 16);

	if (align && unlikely(lin & 15)) {
		cpu_at(c, u);
		cpu_fault_err(c, X86_GP, 0);
	}
	if (unlikely(!p)) {
		cpu_slow_read_n(c, u, lin, v, 16);
		return;
	}
	v->q[0] = p[0];
	v->q[1] = p[1];
}

static ALWAYS_INLINE void cpu_store128(struct cpu *c, const struct uop *u, const union cpu_xmm *v,
				       bool align)
{
	u64 lin = cpu_lin(c, u, 16, true);
	u64_una *p = cpu_tlb_wr(c, lin, 16);

	if (align && unlikely(lin & 15)) {
		cpu_at(c, u);
		cpu_fault_err(c, X86_GP, 0);
	}
	if (unlikely(!p)) {
		cpu_slow_write_n(c, u, lin, v, 16);
		return;
	}
	p[0] = v->q[0];
	p[1] = v->q[1];
}

/* -- registers -- */

/* 8-bit register by byte offset (uop.reg, uop.rm of 8-bit integer uops). */
static ALWAYS_INLINE u8 *cpu_r8(struct cpu *c, unsigned int off)
{
	return (u8 *)c->gpr + off;
}

static ALWAYS_INLINE u16 cpu_r16(struct cpu *c, unsigned int r)
{
	return (u16)c->gpr[r];
}

static ALWAYS_INLINE void cpu_set_r16(struct cpu *c, unsigned int r, u16 v)
{
	u16_una *p = (void *)&c->gpr[r];

	*p = v;
}

#endif

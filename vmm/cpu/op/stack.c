// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Uops of the stack: PUSH, POP, LEAVE, ENTER, PUSHA, POPA, PUSHF, POPF. 64-bit mode and flat 32-bit
 * mode have forms of their own; the general forms take operand size and stack size at run time.
 * Semantics: Intel SDM volume 2; the widths: volume 1, section 6.2.
 */
#include "vmm/cpu/uops.h"

#define STACK_FLAT(w, MASK)                                                                        \
	static COLD const struct uop *push##w##_slow(struct cpu *c, const struct uop *u, u##w v)   \
	{                                                                                          \
		u64 sp = MASK(c->gpr[X86_RSP] - w / 8);                                            \
		cpu_slow_write(c, u, sp, w / 8, v);                                                \
		c->gpr[X86_RSP] = sp;                                                              \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static ALWAYS_INLINE const struct uop *push##w(struct cpu *c, const struct uop *u, u##w v) \
	{                                                                                          \
		u64 sp = MASK(c->gpr[X86_RSP] - w / 8);                                            \
		u##w##_una *p = cpu_tlb_wr(c, sp, w / 8);                                          \
		if (unlikely(!p))                                                                  \
			return push##w##_slow(c, u, v);                                            \
		*p = v;                                                                            \
		c->gpr[X86_RSP] = sp;                                                              \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	UOP(uop_push##w##_r)                                                                       \
	{                                                                                          \
		return push##w(c, u, (u##w)c->gpr[u->rm]);                                         \
	}                                                                                          \
	UOP(uop_push##w##_i)                                                                       \
	{                                                                                          \
		return push##w(c, u, (u##w)u->imm);                                                \
	}                                                                                          \
	UOP(uop_push##w##_m)                                                                       \
	{                                                                                          \
		u##w v = cpu_load##w(c, u);                                                        \
		return push##w(c, u, v);                                                           \
	}                                                                                          \
	static COLD UOP(pop##w##_slow)                                                             \
	{                                                                                          \
		u64 v = cpu_slow_read(c, u, MASK(c->gpr[X86_RSP]), w / 8);                         \
		c->gpr[X86_RSP] = MASK(c->gpr[X86_RSP] + w / 8);                                   \
		c->gpr[u->rm] = v;                                                                 \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	UOP(uop_pop##w##_r)                                                                        \
	{                                                                                          \
		const u##w##_una *p = cpu_tlb_rd(c, MASK(c->gpr[X86_RSP]), w / 8);                 \
		if (unlikely(!p))                                                                  \
			return pop##w##_slow(c, u);                                                \
		c->gpr[X86_RSP] = MASK(c->gpr[X86_RSP] + w / 8);                                   \
		c->gpr[u->rm] = *p;                                                                \
		NEXT(c, u);                                                                        \
	}
#define MASK64(x) (x)
#define MASK32(x) ((u32)(x))
STACK_FLAT(64, MASK64)
STACK_FLAT(32, MASK32)

/*
 * Two in a row. The second one has its own uop behind this; when the TLB does not answer for both
 * at once, this one does only the first.
 */
#define STACK_PAIR(w, MASK)                                                                        \
	UOP(uop_push##w##_rr)                                                                      \
	{                                                                                          \
		u64 sp = MASK(c->gpr[X86_RSP] - w / 4);                                            \
		u##w##_una *p = cpu_tlb_wr(c, sp, w / 4);                                          \
		if (unlikely(!p))                                                                  \
			return push##w(c, u, (u##w)c->gpr[u->rm]);                                 \
		p[1] = (u##w)c->gpr[u->rm];                                                        \
		p[0] = (u##w)c->gpr[u->reg];                                                       \
		c->gpr[X86_RSP] = sp;                                                              \
		GOTO_UOP(c, u + 2);                                                                \
	}                                                                                          \
	UOP(uop_pop##w##_rr)                                                                       \
	{                                                                                          \
		const u##w##_una *p = cpu_tlb_rd(c, MASK(c->gpr[X86_RSP]), w / 4);                 \
		u64 a, b;                                                                          \
		if (unlikely(!p))                                                                  \
			return uop_pop##w##_r(c, u);                                               \
		a = p[0];                                                                          \
		b = p[1];                                                                          \
		c->gpr[X86_RSP] = MASK(c->gpr[X86_RSP] + w / 4);                                   \
		c->gpr[u->rm] = a;                                                                 \
		c->gpr[u->reg] = b;                                                                \
		GOTO_UOP(c, u + 2);                                                                \
	}
STACK_PAIR(64, MASK64)
STACK_PAIR(32, MASK32)

UOP(uop_leave64)
{
	u64 bp = c->gpr[X86_RBP];
	u64 v = cpu_rd64(c, u, bp);

	c->gpr[X86_RSP] = bp + 8;
	c->gpr[X86_RBP] = v;
	NEXT(c, u);
}

/* -- general forms -- */

static u64 sp_mask(const struct cpu *c)
{
	if (c->mode & CPU_MODE_CS64)
		return ~0ull;
	return c->mode & CPU_MODE_SS32 ? 0xffffffffu : 0xffffu;
}

static void sp_set(struct cpu *c, u64 sp)
{
	u64 m = sp_mask(c);

	if (m == 0xffff)
		cpu_set_r16(c, X86_RSP, (u16)sp);
	else
		c->gpr[X86_RSP] = sp & m;
}

static unsigned int opsize(const struct uop *u)
{
	return u->flags & UOP_O16 ? 2 : u->flags & UOP_O64 ? 8 : 4;
}

static u64 trunc_to(u64 v, unsigned int size)
{
	return size == 8 ? v : v & ((1ull << size * 8) - 1);
}

static void push_at(struct cpu *c, const struct uop *u, u64 *sp, unsigned int size, u64 v)
{
	u64 n = (*sp - size) & sp_mask(c);

	cpu_wr_size(c, u, cpu_seg_lin(c, u, X86_SS, n, size, true), size, v);
	*sp = n;
}

static u64 pop_at(struct cpu *c, const struct uop *u, u64 *sp, unsigned int size)
{
	u64 at = *sp & sp_mask(c);
	u64 v = cpu_rd_size(c, u, cpu_seg_lin(c, u, X86_SS, at, size, false), size);

	*sp = (at + size) & sp_mask(c);
	return v;
}

static void push_gen(struct cpu *c, const struct uop *u, u64 v)
{
	u64 sp = c->gpr[X86_RSP];

	push_at(c, u, &sp, opsize(u), trunc_to(v, opsize(u)));
	sp_set(c, sp);
}

UOP(uop_push_gen_r)
{
	push_gen(c, u, c->gpr[u->rm]);
	NEXT(c, u);
}

UOP(uop_push_gen_i)
{
	push_gen(c, u, u->imm);
	NEXT(c, u);
}

UOP(uop_push_gen_m)
{
	unsigned int size = opsize(u);

	push_gen(c, u, cpu_rd_size(c, u, cpu_lin(c, u, size, false), size));
	NEXT(c, u);
}

static void write_reg(struct cpu *c, unsigned int r, unsigned int size, u64 v)
{
	if (size == 2)
		cpu_set_r16(c, r, (u16)v);
	else
		c->gpr[r] = size == 4 ? (u32)v : v;
}

UOP(uop_pop_gen_r)
{
	u64 sp = c->gpr[X86_RSP];
	u64 v = pop_at(c, u, &sp, opsize(u));

	sp_set(c, sp);
	write_reg(c, u->rm, opsize(u), v);
	NEXT(c, u);
}

/* The address is formed with the incremented stack pointer. */
UOP(uop_pop_m)
{
	u64 old = c->gpr[X86_RSP], sp = old, v, lin;
	unsigned int size = opsize(u);

	v = pop_at(c, u, &sp, size);
	sp_set(c, sp);
	sp = c->gpr[X86_RSP];
	/* a fault must leave RSP as it was: probe with the new value, then put the old one back */
	lin = cpu_ea(c, u);
	c->gpr[X86_RSP] = old;
	if (u->am <= AM_64X)
		lin += c->gpr[u->seg];
	else if (u->am == AM_32)
		lin = (u32)(lin + c->gpr[u->seg]);
	else
		lin = cpu_lin_seg(c, u, lin, size, true);
	cpu_wr_size(c, u, lin, size, v);
	c->gpr[X86_RSP] = sp;
	NEXT(c, u);
}

UOP(uop_leave_gen)
{
	unsigned int size = opsize(u);
	u64 sp = c->gpr[X86_RBP], v = pop_at(c, u, &sp, size);

	sp_set(c, sp);
	write_reg(c, X86_RBP, size, v);
	NEXT(c, u);
}

/* imm: frame size, aux: level */
UOP(uop_enter)
{
	unsigned int size = opsize(u), level = u->aux & 31, i;
	u64 sp = c->gpr[X86_RSP], bp = c->gpr[X86_RBP], frame, new_bp;

	push_at(c, u, &sp, size, trunc_to(bp, size));
	frame = sp;
	for (i = 1; i < level; i++) {
		u64 at;

		bp = (bp - size) & sp_mask(c);
		at = cpu_seg_lin(c, u, X86_SS, bp, size, false);
		push_at(c, u, &sp, size, cpu_rd_size(c, u, at, size));
	}
	if (level)
		push_at(c, u, &sp, size, trunc_to(frame, size));
	sp = (sp - u->imm) & sp_mask(c);
	/* the end of the frame must be writable */
	cpu_slow_rmw(c, u, cpu_seg_lin(c, u, X86_SS, sp, size, true), size);
	new_bp = frame;
	sp_set(c, sp);
	if (sp_mask(c) == 0xffff && size == 4)
		new_bp = (c->gpr[X86_RBP] & 0xffff0000u) | (frame & 0xffff);
	write_reg(c, X86_RBP, size, new_bp);
	NEXT(c, u);
}

UOP(uop_pusha)
{
	unsigned int size = opsize(u), i;
	u64 sp = c->gpr[X86_RSP], was = sp;

	for (i = 0; i < 8; i++)
		push_at(c, u, &sp, size, trunc_to(i == X86_RSP ? was : c->gpr[i], size));
	sp_set(c, sp);
	NEXT(c, u);
}

UOP(uop_popa)
{
	unsigned int size = opsize(u), i;
	u64 sp = c->gpr[X86_RSP], v[8];

	for (i = 8; i-- > 0;)
		v[i] = pop_at(c, u, &sp, size);
	for (i = 0; i < 8; i++)
		if (i != X86_RSP)
			write_reg(c, i, size, v[i]);
	sp_set(c, sp);
	NEXT(c, u);
}

/* Protected and real mode; virtual-8086 mode with IOPL below 3 goes through the slow handler. */
UOP(uop_pushf)
{
	push_gen(c, u, cpu_get_rflags(c) & ~(u64)(X86_FL_RF | X86_FL_VM));
	NEXT(c, u);
}

/* Returns to the run loop only where the change asks for it. */
UOP(uop_popf)
{
	unsigned int size = opsize(u), iopl = (c->rflags & X86_FL_IOPL) >> 12;
	u64 sp = c->gpr[X86_RSP];
	u32 can = X86_FL_ARITH | X86_FL_TF | X86_FL_DF | X86_FL_NT;
	u64 v = pop_at(c, u, &sp, size), old = c->rflags, new;

	if (size > 2)
		can |= X86_FL_AC | X86_FL_ID;
	if (c->cpl == 0)
		can |= X86_FL_IOPL;
	if (c->cpl <= iopl)
		can |= X86_FL_IF;
	sp_set(c, sp);
	new = (old & ~(u64)can & ~(u64)(size > 2 ? X86_FL_RF : 0)) | (v & can) | X86_FL_ONE;
	fl_unpack(c, (u32)v);
	c->rflags = new;
	if (!((old ^ new) & (X86_FL_TF | X86_FL_AC)) &&
	    (!(new & ~old & X86_FL_IF) ||
	     !atomic_load_explicit(&c->requests, memory_order_relaxed)))
		NEXT(c, u);
	c->rip = c->gpr[CPU_RIP] + u->off + u->len;
	cpu_mode_changed(c);
	return NULL;
}

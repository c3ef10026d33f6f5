// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Near control flow, ends of blocks, slow handlers, and compare-and-branch pairs.
 *
 * Every uop that leaves a block carries in aux the number of instructions from the block's start up
 * to and including itself. Only leaving costs: a conditional branch that is not taken just goes on. The count of
 * instructions left is what makes loops come back to run.c now and then to look at requests.
 * Semantics: Intel SDM volume 2.
 */
#include "module/x86/decode.h"
#include "vmm/cpu/uops.h"

#define LINK(u) ((struct cpu_link *)(uintptr_t)((u) + 1))

/* Out of the slice: c->gpr[CPU_RIP] is where to go on. */
static COLD const struct uop *leave(struct cpu *c)
{
	c->rip = c->gpr[CPU_RIP];
	return NULL;
}

/* Looks up c->gpr[CPU_RIP] and remembers it in the branch's link (in the same page). */
static COLD const struct uop *link_in(struct cpu *c, const struct uop *u, unsigned int slot)
{
	u64 flushes = c->cache->flushes;
	const struct uop *t;

	c->fault_uop = NULL;
	t = cpu_find(c);
	if (c->cache->flushes == flushes && !container_of(t, struct cpu_block, uops[0])->cross)
		LINK(u)->to[slot] = t;
	GOTO_UOP(c, t);
}

/* Branch targets outside CS or not canonical are #GP(0) of the branch itself. */
static void check_target(struct cpu *c, const struct uop *u, u64 rip)
{
	bool bad;

	if (c->mode & CPU_MODE_CS64)
		bad = (u64)((s64)(rip << 16) >> 16) != rip;
	else
		bad = rip > c->seg[X86_CS].limit;
	if (unlikely(bad)) {
		cpu_at(c, u);
		cpu_fault_err(c, X86_GP, 0);
	}
}

static COLD const struct uop *link_out(struct cpu *c, const struct uop *u, u64 rip)
{
	u64 flushes = c->cache->flushes;
	const struct cpu_jump *j;
	const struct uop *t;

	c->gpr[CPU_RIP] = rip;
	c->fault_uop = NULL;
	t = cpu_find(c);
	/* what the jump cache does not know is not to be kept */
	j = &c->jumps[cpu_jump_slot(rip)];
	if (c->cache->flushes == flushes && j->to == t && j->rip == rip) {
		LINK(u)->to[0] = t;
		LINK(u)->vrip = rip;
		LINK(u)->jtag = j->jtag;
	}
	GOTO_UOP(c, t);
}

static ALWAYS_INLINE const struct uop *go_in(struct cpu *c, const struct uop *u, u64 delta,
					     unsigned int slot)
{
	const struct uop *t = LINK(u)->to[slot];

	c->gpr[CPU_RIP] += delta;
	if (unlikely((c->ileft -= u->aux) < 0))
		return leave(c);
	if (unlikely(!t))
		return link_in(c, u, slot);
	GOTO_UOP(c, t);
}

static ALWAYS_INLINE u64 rip_mask(const struct uop *u, u64 rip)
{
	if (u->flags & UOP_LONG)
		return rip;
	return u->flags & UOP_O16 ? (u16)rip : (u32)rip;
}

static ALWAYS_INLINE const struct uop *go_out(struct cpu *c, const struct uop *u, u64 rip)
{
	const struct cpu_link *l = LINK(u);

	if (unlikely((c->ileft -= u->aux) < 0)) {
		c->gpr[CPU_RIP] = rip;
		return leave(c);
	}
	if (unlikely(l->vrip != rip || !cpu_tag_valid(c, l->jtag)))
		return link_out(c, u, rip);
	c->gpr[CPU_RIP] = rip;
	GOTO_UOP(c, l->to[0]);
}

/* To a computed target, which check_target() has let pass or the jump cache knows. */
static COLD const struct uop *go_find(struct cpu *c, u64 rip)
{
	c->gpr[CPU_RIP] = rip;
	c->fault_uop = NULL;
	GOTO_UOP(c, cpu_find(c));
}

static ALWAYS_INLINE const struct uop *go_to(struct cpu *c, const struct uop *u, u64 rip)
{
	const struct cpu_jump *j = &c->jumps[cpu_jump_slot(rip)];

	if (unlikely((c->ileft -= u->aux) < 0)) {
		c->gpr[CPU_RIP] = rip;
		return leave(c);
	}
	if (unlikely(j->rip != rip || !cpu_tag_valid(c, j->jtag)))
		return go_find(c, rip);
	c->gpr[CPU_RIP] = rip;
	GOTO_UOP(c, j->to);
}

static ALWAYS_INLINE bool jump_known(struct cpu *c, u64 rip)
{
	const struct cpu_jump *j = &c->jumps[cpu_jump_slot(rip)];

	return j->rip == rip && cpu_tag_valid(c, j->jtag);
}

/* -- direct branches -- */

#define DEF_JCC(cc)                                                                                \
	static UOP(jcc_in_##cc)                                                                    \
	{                                                                                          \
		if (fl_cond(c, cc))                                                                \
			return go_in(c, u, u->imm, 0);                                             \
		GOTO_UOP(c, u + 2);                                                                \
	}                                                                                          \
	static UOP(jcc_out_##cc)                                                                   \
	{                                                                                          \
		if (fl_cond(c, cc)) {                                                              \
			u64 rip = rip_mask(u, c->gpr[CPU_RIP] + u->imm);                           \
			if (unlikely(!(c->mode & CPU_MODE_CSFLAT)))                                \
				check_target(c, u, rip);                                           \
			return go_out(c, u, rip);                                                  \
		}                                                                                  \
		GOTO_UOP(c, u + 2);                                                                \
	}
#define CC16(M) M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7) M(8) M(9) M(10) M(11) M(12) M(13) M(14) M(15)
CC16(DEF_JCC)
#define JCC_IN(cc) jcc_in_##cc,
#define JCC_OUT(cc) jcc_out_##cc,
const uop_fn uop_jcc_in[16] = { CC16(JCC_IN) };
const uop_fn uop_jcc_out[16] = { CC16(JCC_OUT) };

UOP(uop_jmp_in)
{
	return go_in(c, u, u->imm, 0);
}

UOP(uop_jmp_out)
{
	u64 rip = rip_mask(u, c->gpr[CPU_RIP] + u->imm);

	if (unlikely(!(c->mode & CPU_MODE_CSFLAT)))
		check_target(c, u, rip);
	return go_out(c, u, rip);
}

/* LOOP, LOOPE, LOOPNE; seg: 0 LOOPNE, 1 LOOPE, 2 LOOP; UOP_A16, UOP_A32 as usual */
static u64 count_mask(const struct uop *u)
{
	return u->flags & UOP_A16 ? 0xffff : u->flags & UOP_A32 ? 0xffffffffu : ~0ull;
}

UOP(uop_loop)
{
	u64 m = count_mask(u), n = (c->gpr[X86_RCX] - 1) & m, rip;
	bool taken = n && (u->reg == 2 || fl_zf(c) == u->reg);

	if (taken) {
		rip = rip_mask(u, c->gpr[CPU_RIP] + u->imm);
		check_target(c, u, rip);
	}
	if (m == 0xffff)
		cpu_set_r16(c, X86_RCX, (u16)n);
	else
		c->gpr[X86_RCX] = n;
	if (taken)
		return go_out(c, u, rip);
	GOTO_UOP(c, u + 2);
}

UOP(uop_jcxz)
{
	u64 rip;

	if (c->gpr[X86_RCX] & count_mask(u))
		GOTO_UOP(c, u + 2);
	rip = rip_mask(u, c->gpr[CPU_RIP] + u->imm);
	check_target(c, u, rip);
	return go_out(c, u, rip);
}

/* -- calls and returns -- */

#define DEF_CALL(w, MASK)                                                                          \
	static COLD void call_slow##w(struct cpu *c, const struct uop *u, u64 sp, u##w ret)        \
	{                                                                                          \
		cpu_slow_write(c, u, sp, w / 8, ret);                                              \
	}                                                                                          \
	static COLD const struct uop *call_in_slow##w(struct cpu *c, const struct uop *u)          \
	{                                                                                          \
		u64 sp = MASK(c->gpr[X86_RSP] - w / 8);                                            \
		call_slow##w(c, u, sp, (u##w)(c->gpr[CPU_RIP] + u->off + u->len));                 \
		c->gpr[X86_RSP] = sp;                                                              \
		return go_in(c, u, u->imm, 0);                                                     \
	}                                                                                          \
	UOP(uop_call##w##_in)                                                                      \
	{                                                                                          \
		u64 sp = MASK(c->gpr[X86_RSP] - w / 8);                                            \
		u##w##_una *p = cpu_tlb_wr(c, sp, w / 8);                                          \
		if (unlikely(!p))                                                                  \
			return call_in_slow##w(c, u);                                              \
		*p = (u##w)(c->gpr[CPU_RIP] + u->off + u->len);                                    \
		c->gpr[X86_RSP] = sp;                                                              \
		return go_in(c, u, u->imm, 0);                                                     \
	}                                                                                          \
	static COLD const struct uop *call_out_slow##w(struct cpu *c, const struct uop *u)         \
	{                                                                                          \
		u64 sp = MASK(c->gpr[X86_RSP] - w / 8);                                            \
		call_slow##w(c, u, sp, (u##w)(c->gpr[CPU_RIP] + u->off + u->len));                 \
		c->gpr[X86_RSP] = sp;                                                              \
		return go_out(c, u, MASK(c->gpr[CPU_RIP] + u->imm));                               \
	}                                                                                          \
	UOP(uop_call##w##_out)                                                                     \
	{                                                                                          \
		u64 sp = MASK(c->gpr[X86_RSP] - w / 8);                                            \
		u##w##_una *p = cpu_tlb_wr(c, sp, w / 8);                                          \
		if (unlikely(!p))                                                                  \
			return call_out_slow##w(c, u);                                             \
		*p = (u##w)(c->gpr[CPU_RIP] + u->off + u->len);                                    \
		c->gpr[X86_RSP] = sp;                                                              \
		return go_out(c, u, MASK(c->gpr[CPU_RIP] + u->imm));                               \
	}                                                                                          \
	static COLD const struct uop *ret_slow##w(struct cpu *c, const struct uop *u)              \
	{                                                                                          \
		u64 rip = cpu_slow_read(c, u, MASK(c->gpr[X86_RSP]), w / 8);                       \
		check_target(c, u, rip);                                                           \
		c->gpr[X86_RSP] = MASK(c->gpr[X86_RSP] + w / 8 + u->imm);                          \
		return go_to(c, u, rip);                                                           \
	}                                                                                          \
	UOP(uop_ret##w)                                                                            \
	{                                                                                          \
		const u##w##_una *p = cpu_tlb_rd(c, MASK(c->gpr[X86_RSP]), w / 8);                 \
		if (unlikely(!p) || unlikely(!jump_known(c, *p)))                                  \
			return ret_slow##w(c, u);                                                  \
		c->gpr[X86_RSP] = MASK(c->gpr[X86_RSP] + w / 8 + u->imm);                          \
		return go_to(c, u, *p);                                                            \
	}
#define MASK64(x) (x)
#define MASK32(x) ((u32)(x))
DEF_CALL(64, MASK64)
DEF_CALL(32, MASK32)

static u64 sp_mask(const struct cpu *c)
{
	if (c->mode & CPU_MODE_CS64)
		return ~0ull;
	return c->mode & CPU_MODE_SS32 ? 0xffffffffu : 0xffffu;
}

static void sp_set(struct cpu *c, u64 sp)
{
	if (sp_mask(c) == 0xffff)
		cpu_set_r16(c, X86_RSP, (u16)sp);
	else
		c->gpr[X86_RSP] = sp & sp_mask(c);
}

static unsigned int opsize(const struct uop *u)
{
	return u->flags & UOP_LONG ? 8 : u->flags & UOP_O16 ? 2 : 4;
}

static void push_rip(struct cpu *c, const struct uop *u)
{
	unsigned int size = opsize(u);
	u64 sp = (c->gpr[X86_RSP] - size) & sp_mask(c);
	u64 ret = rip_mask(u, c->gpr[CPU_RIP] + u->off + u->len);

	cpu_wr_size(c, u, cpu_seg_lin(c, u, X86_SS, sp, size, true), size, ret);
	sp_set(c, sp);
}

UOP(uop_call_gen)
{
	u64 rip = rip_mask(u, c->gpr[CPU_RIP] + u->imm);

	check_target(c, u, rip);
	push_rip(c, u);
	return go_out(c, u, rip);
}

UOP(uop_ret_gen)
{
	unsigned int size = opsize(u);
	u64 sp = c->gpr[X86_RSP] & sp_mask(c);
	u64 rip = cpu_rd_size(c, u, cpu_seg_lin(c, u, X86_SS, sp, size, false), size);

	check_target(c, u, rip);
	sp_set(c, sp + size + u->imm);
	return go_to(c, u, rip);
}

static ALWAYS_INLINE u64 ind_target(struct cpu *c, const struct uop *u)
{
	if (u->flags & UOP_LONG)
		return cpu_load64(c, u);
	if (u->flags & UOP_O16)
		return cpu_load16(c, u);
	return cpu_load32(c, u);
}

/* CPUs store the return address before they find that the target is not canonical; RSP stays. */
static COLD void check_call(struct cpu *c, const struct uop *u, u64 rip)
{
	if (u->flags & UOP_LONG && (u64)((s64)(rip << 16) >> 16) != rip)
		cpu_slow_write(c, u, c->gpr[X86_RSP] - 8, 8, c->gpr[CPU_RIP] + u->off + u->len);
	check_target(c, u, rip);
}

static ALWAYS_INLINE const struct uop *call_ind(struct cpu *c, const struct uop *u, u64 rip)
{
	u64_una *p;
	u64 sp = c->gpr[X86_RSP] - 8;

	if (unlikely(!jump_known(c, rip)))
		check_call(c, u, rip);
	if (likely(u->flags & UOP_LONG) && likely((p = cpu_tlb_wr(c, sp, 8)) != NULL)) {
		*p = c->gpr[CPU_RIP] + u->off + u->len;
		c->gpr[X86_RSP] = sp;
	} else {
		push_rip(c, u);
	}
	return go_to(c, u, rip);
}

UOP(uop_jmp_ind_r)
{
	u64 rip = rip_mask(u, c->gpr[u->rm]);

	if (unlikely(!jump_known(c, rip)))
		check_target(c, u, rip);
	return go_to(c, u, rip);
}

UOP(uop_jmp_ind_m)
{
	u64 rip = ind_target(c, u);

	if (unlikely(!jump_known(c, rip)))
		check_target(c, u, rip);
	return go_to(c, u, rip);
}

UOP(uop_call_ind_r)
{
	return call_ind(c, u, rip_mask(u, c->gpr[u->rm]));
}

UOP(uop_call_ind_m)
{
	return call_ind(c, u, ind_target(c, u));
}

/* -- ends of blocks -- */

UOP(uop_next_in)
{
	return go_in(c, u, u->imm, 0);
}

UOP(uop_next_out)
{
	u64 rip = c->gpr[CPU_RIP] + u->imm;

	return go_out(c, u, u->flags & UOP_LONG ? rip : (u32)rip);
}

UOP(uop_exit)
{
	c->rip = c->gpr[CPU_RIP] + u->off;
	c->ileft -= u->aux;
	return NULL;
}

UOP(uop_ud)
{
	cpu_at(c, u);
	cpu_fault(c, X86_UD);
}

/* imm: the handler; the decoded instruction follows in two slots. */
UOP(uop_sys)
{
	const struct x86_insn *i = (const struct x86_insn *)(u + 1);
	cpu_sys_fn fn = (cpu_sys_fn)(uintptr_t)u->imm;

	c->fault_uop = u;
	if (i->props & X86_P_PRIV && c->cpl)
		cpu_fault_err(c, X86_GP, 0);
	c->insn_rip = c->gpr[CPU_RIP] + u->off;
	c->rip = c->insn_rip + u->len;
	if (!(u->flags & UOP_LONG))
		c->rip = (u32)c->rip;
	c->rflags = cpu_get_rflags(c);
	c->in_slow = 1;
	fn(c, i);
	c->in_slow = 0;
	fl_unpack(c, (u32)c->rflags);
	c->ileft -= u->aux;
	return NULL;
}

/* -- compare and branch -- */

#define CMP_B(w, a, b)   (a < b)
#define CMP_AE(w, a, b)  (a >= b)
#define CMP_Z(w, a, b)   (a == b)
#define CMP_NZ(w, a, b)  (a != b)
#define CMP_BE(w, a, b)  (a <= b)
#define CMP_A(w, a, b)   (a > b)
#define CMP_L(w, a, b)   ((s##w)a < (s##w)b)
#define CMP_GE(w, a, b)  ((s##w)a >= (s##w)b)
#define CMP_LE(w, a, b)  ((s##w)a <= (s##w)b)
#define CMP_G(w, a, b)   ((s##w)a > (s##w)b)
#define CMP_S(w, a, b)   ((s##w)(u##w)(a - b) < 0)
#define CMP_NS(w, a, b)  ((s##w)(u##w)(a - b) >= 0)

#define FUSE_END(taken)                                                                            \
	if (taken)                                                                                 \
		return go_in(c, u, LINK(u)->vrip, 0);                                              \
	GOTO_UOP(c, u + 2);
#define FUSE_MEM(name, w, A, COND)                                                                 \
	static COLD UOP(name##_slow)                                                               \
	{                                                                                          \
		u##w m = cpu_load##w(c, u), a, b, r;                                               \
		A                                                                                  \
		r = (u##w)(a - b);                                                                 \
		fl_add##w(c, a, b, r, a < b);                                                      \
		FUSE_END(COND(w, a, b))                                                            \
	}                                                                                          \
	static UOP(name)                                                                           \
	{                                                                                          \
		u64 lin = cpu_ea(c, u) + c->gpr[u->seg];                                           \
		const u##w##_una *p;                                                               \
		u##w a, b, r, m;                                                                   \
		if (u->am != AM_64X)                                                               \
			lin = (u32)lin;                                                            \
		p = cpu_tlb_rd(c, lin, w / 8);                                                     \
		if (unlikely(!p))                                                                  \
			return name##_slow(c, u);                                                  \
		m = *p;                                                                            \
		A                                                                                  \
		r = (u##w)(a - b);                                                                 \
		fl_add##w(c, a, b, r, a < b);                                                      \
		FUSE_END(COND(w, a, b))                                                            \
	}
#define FUSE_CC(w, NAME)                                                                           \
	static UOP(fuse_cmp##w##_rr_##NAME)                                                        \
	{                                                                                          \
		u##w a = RD##w(u->reg), b = RD##w(u->rm), r = (u##w)(a - b);                       \
		fl_add##w(c, a, b, r, a < b);                                                      \
		FUSE_END(CMP_##NAME(w, a, b))                                                      \
	}                                                                                          \
	static UOP(fuse_cmp##w##_ri_##NAME)                                                        \
	{                                                                                          \
		u##w a = RD##w(u->reg), b = (u##w)u->imm, r = (u##w)(a - b);                       \
		fl_add##w(c, a, b, r, a < b);                                                      \
		FUSE_END(CMP_##NAME(w, a, b))                                                      \
	}                                                                                          \
	FUSE_MEM(fuse_cmp##w##_mi_##NAME, w, a = m; b = (u##w)u->imm;, CMP_##NAME)                 \
	FUSE_MEM(fuse_cmp##w##_rm_##NAME, w, a = RD##w(u->reg); b = m;, CMP_##NAME)                \
	FUSE_MEM(fuse_cmp##w##_mr_##NAME, w, a = m; b = RD##w(u->reg);, CMP_##NAME)
#define TST_Z(w, r)   (r == 0)
#define TST_NZ(w, r)  (r != 0)
#define TST_S(w, r)   ((s##w)r < 0)
#define TST_NS(w, r)  ((s##w)r >= 0)
#define TST_LE(w, r)  ((s##w)r <= 0)
#define TST_G(w, r)   ((s##w)r > 0)
#define FUSE_TST(w, NAME)                                                                          \
	static UOP(fuse_test##w##_rr_##NAME)                                                       \
	{                                                                                          \
		u##w r = RD##w(u->reg) & RD##w(u->rm);                                             \
		fl_logic##w(c, r);                                                                 \
		FUSE_END(TST_##NAME(w, r))                                                         \
	}                                                                                          \
	static UOP(fuse_test##w##_ri_##NAME)                                                       \
	{                                                                                          \
		u##w r = RD##w(u->reg) & (u##w)u->imm;                                             \
		fl_logic##w(c, r);                                                                 \
		FUSE_END(TST_##NAME(w, r))                                                         \
	}                                                                                          \
	static COLD UOP(fuse_test##w##_mi_##NAME##_slow)                                           \
	{                                                                                          \
		u##w r = cpu_load##w(c, u) & (u##w)u->imm;                                         \
		fl_logic##w(c, r);                                                                 \
		FUSE_END(TST_##NAME(w, r))                                                         \
	}                                                                                          \
	static UOP(fuse_test##w##_mi_##NAME)                                                       \
	{                                                                                          \
		u64 lin = cpu_ea(c, u) + c->gpr[u->seg];                                           \
		const u##w##_una *p;                                                               \
		u##w r;                                                                            \
		if (u->am != AM_64X)                                                               \
			lin = (u32)lin;                                                            \
		p = cpu_tlb_rd(c, lin, w / 8);                                                     \
		if (unlikely(!p))                                                                  \
			return fuse_test##w##_mi_##NAME##_slow(c, u);                              \
		r = *p & (u##w)u->imm;                                                             \
		fl_logic##w(c, r);                                                                 \
		FUSE_END(TST_##NAME(w, r))                                                         \
	}
#define FUSE_CCS(w)                                                                                \
	FUSE_CC(w, B) FUSE_CC(w, AE) FUSE_CC(w, Z) FUSE_CC(w, NZ) FUSE_CC(w, BE) FUSE_CC(w, A)     \
	FUSE_CC(w, L) FUSE_CC(w, GE) FUSE_CC(w, LE) FUSE_CC(w, G) FUSE_CC(w, S) FUSE_CC(w, NS)     \
	FUSE_TST(w, Z) FUSE_TST(w, NZ) FUSE_TST(w, S) FUSE_TST(w, NS) FUSE_TST(w, LE) FUSE_TST(w, G)
FUSE_CCS(8)
FUSE_CCS(32)
FUSE_CCS(64)

#define F_CMP(w, f)                                                                                \
	{                                                                                          \
		[2] = fuse_cmp##w##_##f##_B, [3] = fuse_cmp##w##_##f##_AE,                         \
		[4] = fuse_cmp##w##_##f##_Z, [5] = fuse_cmp##w##_##f##_NZ,                         \
		[6] = fuse_cmp##w##_##f##_BE, [7] = fuse_cmp##w##_##f##_A,                         \
		[8] = fuse_cmp##w##_##f##_S, [9] = fuse_cmp##w##_##f##_NS,                         \
		[12] = fuse_cmp##w##_##f##_L, [13] = fuse_cmp##w##_##f##_GE,                       \
		[14] = fuse_cmp##w##_##f##_LE, [15] = fuse_cmp##w##_##f##_G,                       \
	}
#define F_TST(w, f)                                                                                \
	{                                                                                          \
		[4] = fuse_test##w##_##f##_Z, [5] = fuse_test##w##_##f##_NZ,                       \
		[8] = fuse_test##w##_##f##_S, [9] = fuse_test##w##_##f##_NS,                       \
		[12] = fuse_test##w##_##f##_S, [13] = fuse_test##w##_##f##_NS,                     \
		[14] = fuse_test##w##_##f##_LE, [15] = fuse_test##w##_##f##_G,                     \
	}
#define F_W(w)                                                                                     \
	{                                                                                          \
		[FUSE_CMP_RR] = F_CMP(w, rr), [FUSE_CMP_RI] = F_CMP(w, ri),                        \
		[FUSE_CMP_MI] = F_CMP(w, mi), [FUSE_CMP_RM] = F_CMP(w, rm),                        \
		[FUSE_CMP_MR] = F_CMP(w, mr), [FUSE_TEST_MI] = F_TST(w, mi),                       \
		[FUSE_TEST_RR] = F_TST(w, rr), [FUSE_TEST_RI] = F_TST(w, ri),                      \
	}
static const uop_fn fuse[4][FUSE_NR][16] = { [0] = F_W(8), [2] = F_W(32), [3] = F_W(64) };

uop_fn uop_fuse_find(unsigned int form, unsigned int wlog, unsigned int cc)
{
	return fuse[wlog][form][cc];
}

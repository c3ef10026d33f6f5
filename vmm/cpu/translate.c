// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From decoded instructions to uops: picks handlers, resolves addressing modes, joins compares
 * with branches and drops flags that nobody can see.
 *
 * Flags of a register operation are dropped when the next instructions up to one that sets all
 * of them only touch registers: then neither an instruction nor a fault can look at them.
 */
#include "module/x86/decode.h"
#include "vmm/cpu/model.h"
#include "vmm/cpu/smp.h"
#include "vmm/cpu/translate.h"

static const u8 alu_index[] = {
	[X86_OP_ADD] = ALU_IDX_ADD, [X86_OP_OR] = ALU_IDX_OR,   [X86_OP_ADC] = ALU_IDX_ADC,
	[X86_OP_SBB] = ALU_IDX_SBB, [X86_OP_AND] = ALU_IDX_AND, [X86_OP_SUB] = ALU_IDX_SUB,
	[X86_OP_XOR] = ALU_IDX_XOR, [X86_OP_CMP] = ALU_IDX_CMP, [X86_OP_TEST] = ALU_IDX_TEST,
};

struct uop *xl_slot(struct xl *x)
{
	struct uop *u = &x->b->uops[x->n++];

	memset(u, 0, sizeof(*u));
	return u;
}

/* The data slot behind a branch. */
struct cpu_link *xl_link(struct xl *x)
{
	unsigned int slot = x->n++;
	struct cpu_link *l = (struct cpu_link *)&x->b->uops[slot];

	x->b->data[slot / 64] |= 1ull << (slot & 63);
	memset(l, 0, sizeof(*l));
	l->vrip = ~0ull;
	l->jtag = CPU_TAG_NONE;
	return l;
}

static void set_mem(struct xl *x, const struct x86_insn *i, struct uop *u)
{
	u32 mode = x->c->mode;
	s64 disp = i->disp;

	u->base = i->base;   /* X86_NO_REG is CPU_ZERO, X86_RIP is CPU_RIP */
	u->index = i->index;
	u->scale = i->scale;
	u->seg = CPU_ZERO;
	if (i->base == X86_RIP)
		disp += x->off + i->len;
	u->disp = (s32)disp;
	if (i->addrsize == 8) {
		if (i->seg >= X86_FS)
			u->seg = (u8)(CPU_SEGBASE + i->seg);
		u->am = i->index == CPU_ZERO && u->seg == CPU_ZERO ? AM_64 : AM_64X;
		return;
	}
	u->am = AM_SEG;
	if (i->addrsize == 4 && i->seg < X86_FS && i->seg != X86_CS &&
	    mode & (CPU_MODE_FLAT | CPU_MODE_CS64)) {
		u->am = AM_32;
	} else if (i->addrsize == 4 && i->seg >= X86_FS && mode & CPU_MODE_FSGS) {
		u->am = AM_32;
		u->seg = (u8)(CPU_SEGBASE + i->seg);
	} else {
		u->seg = i->seg;
	}
}

static u8 r8_off(unsigned int r, bool high)
{
	return (u8)(r * 8 + high);
}

/* The fields that most handlers want; `wide` 1: byte registers. */
void xl_fields(struct xl *x, const struct x86_insn *i, struct uop *u, unsigned int wide)
{
	bool hr = i->props & X86_P_HIGH_REG, hm = i->props & X86_P_HIGH_RM;

	u->imm = i->imm;
	u->off = x->off;
	u->len = i->len;
	u->reg = wide == 1 ? r8_off(i->reg & 15, hr) : i->reg & 15;
	u->rm = wide == 1 ? r8_off(i->rm & 15, hm) : i->rm & 15;
	u->am = AM_NONE;
	u->base = u->index = u->seg = CPU_ZERO;
	u->flags = (i->addrsize == 2 ? UOP_A16 : i->addrsize == 4 ? UOP_A32 : 0) |
		   (i->opsize == 2 ? UOP_O16 : i->opsize == 8 ? UOP_O64 : 0) |
		   (i->prefixes & X86_PFX_LOCK ? UOP_LOCK : 0) |
		   (i->prefixes & X86_PFX_REP ? UOP_REP : 0) |
		   (i->prefixes & X86_PFX_REPNE ? UOP_REPNE : 0) |
		   (x->c->mode & CPU_MODE_CS64 ? UOP_LONG : 0);
	if (i->mod != 3)
		set_mem(x, i, u);
}

/* -- flags nobody sees -- */

/* Turns a register operation into one without flags. */
static void drop_flags(struct uop *u, const struct xl_pending *p)
{
	unsigned int q = p->wlog - 2, idx;
	s64 disp = (s64)u->imm;

	switch (p->op) {
	case X86_OP_SUB:
		if (p->rr)
			return;
		disp = -disp;
		goto lea;
	case X86_OP_INC:
		disp = 1;
		goto lea;
	case X86_OP_DEC:
		disp = -1;
		goto lea;
	case X86_OP_ADD:
lea:
		if (disp != (s32)disp)
			return;
		u->base = u->reg;
		u->index = p->rr ? u->rm : CPU_ZERO;
		u->scale = 0;
		u->disp = p->rr ? 0 : (s32)disp;
		u->fn = q && !p->rr ? uop_lea64_bd : uop_lea[p->wlog][2];
		return;
	case X86_OP_AND:
	case X86_OP_OR:
	case X86_OP_XOR:
		idx = p->op == X86_OP_AND ? 0 : p->op == X86_OP_OR ? 1 : 2;
		u->fn = p->rr ? uop_logic_nf_rr[idx][q] : uop_logic_nf_ri[idx][q];
		return;
	case X86_OP_SHL:
	case X86_OP_SHR:
	case X86_OP_SAR:
		idx = p->op == X86_OP_SHL ? 0 : p->op == X86_OP_SHR ? 1 : 2;
		u->fn = uop_shift_nf_ri[idx][q];
		return;
	default:
		return;
	}
}

/* Called for each instruction before it is emitted: may the pending flags be dropped or must they stay? */
static void track_flags(struct xl *x, const struct x86_insn *i)
{
	u32 all = X86_FL_ARITH;
	bool shift = i->op == X86_OP_SHL || i->op == X86_OP_SHR || i->op == X86_OP_SAR;
	bool reads = (i->fl_read & all) != 0;

	if (shift && i->form != X86_FORM_RM_CL && i->imm & (i->opsize == 8 ? 63 : 31))
		reads = false;
	if (!x->pending.u)
		return;
	if (i->mod != 3 && i->op != X86_OP_LEA) {
		x->pending.u = NULL; /* may fault (or is no plain register operation) */
		return;
	}
	if (reads || !x->plain) {
		x->pending.u = NULL;
		return;
	}
	if ((i->fl_write & all) == all) {
		drop_flags(x->pending.u, &x->pending);
		x->pending.u = NULL;
	}
}

static void note_pending(struct xl *x, const struct x86_insn *i, struct uop *u, bool rr)
{
	if (i->opsize < 4 || i->mod != 3)
		return;
	x->pending.u = u;
	x->pending.op = i->op;
	x->pending.rr = rr;
	x->pending.wlog = (u8)__builtin_ctz(i->opsize);
}

/* Instructions that only touch registers and cannot fault. */
static bool is_plain(const struct x86_insn *i)
{
	switch (i->op) {
	case X86_OP_ADD: case X86_OP_OR: case X86_OP_ADC: case X86_OP_SBB: case X86_OP_AND:
	case X86_OP_SUB: case X86_OP_XOR: case X86_OP_CMP: case X86_OP_TEST: case X86_OP_NOT:
	case X86_OP_NEG: case X86_OP_INC: case X86_OP_DEC: case X86_OP_SHL: case X86_OP_SHR:
	case X86_OP_SAR: case X86_OP_MOV: case X86_OP_MOVZX: case X86_OP_MOVSX:
	case X86_OP_MOVSXD: case X86_OP_IMUL: case X86_OP_XCHG: case X86_OP_BSWAP:
		return i->mod == 3;
	case X86_OP_LEA:
		return true;
	default:
		return false;
	}
}

/* -- groups of instructions: each returns the handler, NULL: not mine -- */

/* Only what writes no register can be fused with the jump that follows. */
static int fuse_form(unsigned int idx, int cmp, int test)
{
	return idx == ALU_IDX_CMP ? cmp : idx == ALU_IDX_TEST ? test : -1;
}

static uop_fn emit_alu(struct xl *x, const struct x86_insn *i, struct uop *u)
{
	unsigned int idx = alu_index[i->op], wl = (unsigned int)__builtin_ctz(i->opsize);
	bool writes = idx < ALU_IDX_CMP;

	x->cmp_form = -1;
	switch (i->form) {
	case X86_FORM_RM_IMM:
		if (i->mod == 3) {
			u->reg = u->rm;
			if (writes)
				note_pending(x, i, u, false);
			x->cmp_form = fuse_form(idx, FUSE_CMP_RI, FUSE_TEST_RI);
			return uop_alu_ri[idx][wl];
		}
		if (u->flags & UOP_LOCK) {
			u->aux = (u8)(RMW_ADD + idx);
			return uop_rmw_m[wl];
		}
		x->cmp_form = fuse_form(idx, FUSE_CMP_MI, FUSE_TEST_MI);
		return uop_alu_mi[idx][wl][u->am];
	case X86_FORM_RM_R:
		if (i->mod == 3) {
			u8 t = u->reg;

			u->reg = u->rm;
			u->rm = t;
			if (writes)
				note_pending(x, i, u, true);
			x->cmp_form = fuse_form(idx, FUSE_CMP_RR, FUSE_TEST_RR);
			return uop_alu_rr[idx][wl];
		}
		if (u->flags & UOP_LOCK) {
			u->aux = (u8)((RMW_ADD + idx) | RMW_REG);
			return uop_rmw_m[wl];
		}
		if (idx == ALU_IDX_CMP)
			x->cmp_form = FUSE_CMP_MR;
		return uop_alu_mr[idx][wl][u->am];
	case X86_FORM_R_RM:
		if (i->mod == 3) {
			if (writes)
				note_pending(x, i, u, true);
			x->cmp_form = fuse_form(idx, FUSE_CMP_RR, FUSE_TEST_RR);
			return uop_alu_rr[idx][wl];
		}
		if (idx == ALU_IDX_CMP)
			x->cmp_form = FUSE_CMP_RM;
		return uop_alu_rm[idx][wl][u->am];
	default:
		return NULL;
	}
}

static uop_fn emit_unary(struct xl *x, const struct x86_insn *i, struct uop *u)
{
	unsigned int wl = (unsigned int)__builtin_ctz(i->opsize);

	if (i->mod == 3) {
		u->reg = u->rm;
		switch (i->op) {
		case X86_OP_INC: note_pending(x, i, u, false); return uop_inc_r[wl];
		case X86_OP_DEC: note_pending(x, i, u, false); return uop_dec_r[wl];
		case X86_OP_NEG: return uop_neg_r[wl];
		default: return uop_not_r[wl];
		}
	}
	if (!(u->flags & UOP_LOCK) && i->op == X86_OP_INC)
		return uop_inc_m[wl][u->am];
	if (!(u->flags & UOP_LOCK) && i->op == X86_OP_DEC)
		return uop_dec_m[wl][u->am];
	u->aux = i->op == X86_OP_INC   ? RMW_INC
		 : i->op == X86_OP_DEC ? RMW_DEC
		 : i->op == X86_OP_NEG ? RMW_NEG
				       : RMW_NOT;
	return uop_rmw_m[wl];
}

static uop_fn emit_shift(struct xl *x, const struct x86_insn *i, struct uop *u)
{
	static const u8 order[] = { 0, 1, 2, 3, 4, 5, 7 }; /* ROL ROR RCL RCR SHL SHR SAR */
	unsigned int wl = (unsigned int)__builtin_ctz(i->opsize);
	unsigned int op = order[i->op - X86_OP_ROL];

	if (i->form == X86_FORM_RM_1)
		u->imm = 1;
	u->imm &= i->opsize == 8 ? 63 : 31;
	if (i->mod != 3) {
		u->aux = (u8)(RMW_ROL + (i->op - X86_OP_ROL));
		if (i->form == X86_FORM_RM_CL)
			u->aux |= RMW_CL;
		return uop_rmw_m[wl];
	}
	u->reg = u->rm;
	if (i->form == X86_FORM_RM_CL)
		return uop_shift_rcl[op][wl];
	if (op >= 4 && u->imm)
		note_pending(x, i, u, false);
	return uop_shift_ri[op][wl];
}

static uop_fn emit_mov(struct xl *x, const struct x86_insn *i, struct uop *u)
{
	unsigned int wl = (unsigned int)__builtin_ctz(i->opsize);

	if (i->mod != 3 && i->base == X86_NO_REG && i->index == X86_NO_REG &&
	    (i->addrsize == 8 ? i->disp != (s32)i->disp : false)) {
		u->imm = (u64)i->disp;
		u->disp = 0;
		u->aux = (u8)(wl | (i->form == X86_FORM_RM_R ? 0x80 : 0));
		return uop_mov_moffs;
	}
	switch (i->form) {
	case X86_FORM_RM_IMM:
		if (i->mod == 3) {
			u->reg = u->rm;
			return uop_mov_ri[wl];
		}
		return uop_mov_mi[wl][u->am];
	case X86_FORM_RM_R:
		if (i->mod == 3) {
			u8 t = u->reg;

			u->reg = u->rm;
			u->rm = t;
			return uop_mov_rr[wl];
		}
		return uop_mov_mr[wl][u->am];
	case X86_FORM_R_RM:
		return i->mod == 3 ? uop_mov_rr[wl] : uop_mov_rm[wl][u->am];
	default:
		return NULL;
	}
}

static uop_fn emit_movx(struct xl *x, const struct x86_insn *i, struct uop *u)
{
	unsigned int src = i->op == X86_OP_MOVSXD ? 2 : i->opcode & 1;
	unsigned int dst = i->opsize == 2 ? 0 : i->opsize == 4 ? 1 : 2;
	unsigned int sign = i->op != X86_OP_MOVZX;

	if (i->mod != 3)
		return uop_movx_rm[sign][dst][src][u->am];
	if (src == 0)
		u->rm = r8_off(i->rm, i->props & X86_P_HIGH_RM);
	return uop_movx_rr[sign][dst][src];
}

static uop_fn emit_data(struct xl *x, const struct x86_insn *i, struct uop *u)
{
	unsigned int wl = (unsigned int)__builtin_ctz(i->opsize | 16), q;

	switch (i->op) {
	case X86_OP_MOV:
	case X86_OP_MOVNTI:
		return emit_mov(x, i, u);
	case X86_OP_MOVZX:
	case X86_OP_MOVSX:
	case X86_OP_MOVSXD:
		return emit_movx(x, i, u);
	case X86_OP_LEA:
		/* no segment, no check: only the offset */
		if (i->addrsize == 8 && i->opsize == 8 && i->index == X86_NO_REG)
			return uop_lea64_bd;
		return uop_lea[wl][i->addrsize == 2 ? 0 : i->addrsize == 4 ? 1 : 2];
	case X86_OP_XCHG:
		if (i->mod == 3)
			return uop_xchg_rr[wl];
		u->flags |= UOP_LOCK;
		u->aux = RMW_XCHG | RMW_REG;
		return uop_rmw_m[wl];
	case X86_OP_CMOVCC:
		q = i->opsize == 2 ? 0 : i->opsize == 4 ? 1 : 2;
		return i->mod == 3 ? uop_cmov_rr[i->cc][q] : uop_cmov_rm[i->cc][q];
	case X86_OP_SETCC:
		if (i->mod != 3)
			return uop_setcc_m[i->cc];
		u->reg = r8_off(i->rm, i->props & X86_P_HIGH_RM);
		return uop_setcc_r[i->cc];
	case X86_OP_NOP:
	case X86_OP_PREFETCH:
	case X86_OP_PREFETCHW:
	case X86_OP_LFENCE:
	case X86_OP_SFENCE:
		return uop_nop;
	case X86_OP_PAUSE:
		return x->c->group && x->c->group->crowded ? uop_pause : uop_nop;
	case X86_OP_MFENCE:
		return uop_mfence;
	case X86_OP_CLFLUSH:
	case X86_OP_CLFLUSHOPT:
	case X86_OP_CLWB:
		return uop_clflush;
	default:
		return NULL;
	}
}

/* Joins a PUSH or POP of a register with the one before it. RSP itself must not take part. */
static uop_fn emit_pair(struct xl *x, struct uop *u, uop_fn one, uop_fn two)
{
	struct uop *prev = u - 1;
	unsigned int slot = (unsigned int)(prev - x->b->uops);

	if (u > x->b->uops && !(x->b->data[slot / 64] >> (slot & 63) & 1) && prev->fn == one &&
	    u->rm != X86_RSP && prev->rm != X86_RSP && prev->off + prev->len == u->off) {
		prev->fn = two;
		prev->reg = u->rm;
	}
	return one;
}

static uop_fn emit_stack(struct xl *x, const struct x86_insn *i, struct uop *u)
{
	u32 mode = x->c->mode;
	bool f64 = mode & CPU_MODE_CS64 && i->opsize == 8;
	bool f32 = !(mode & CPU_MODE_CS64) && mode & CPU_MODE_FLAT && mode & CPU_MODE_SS32 &&
		   i->opsize == 4;

	switch (i->op) {
	case X86_OP_PUSH:
		if (i->form == X86_FORM_IMM)
			return f64 ? uop_push64_i : f32 ? uop_push32_i : uop_push_gen_i;
		if (i->mod == 3 && f64)
			return emit_pair(x, u, uop_push64_r, uop_push64_rr);
		if (i->mod == 3)
			return f32 ? emit_pair(x, u, uop_push32_r, uop_push32_rr) : uop_push_gen_r;
		return f64 ? uop_push64_m : f32 ? uop_push32_m : uop_push_gen_m;
	case X86_OP_POP:
		if (i->mod != 3)
			return uop_pop_m;
		if (f64)
			return emit_pair(x, u, uop_pop64_r, uop_pop64_rr);
		return f32 ? emit_pair(x, u, uop_pop32_r, uop_pop32_rr) : uop_pop_gen_r;
	case X86_OP_LEAVE:
		return f64 ? uop_leave64 : uop_leave_gen;
	case X86_OP_ENTER:
		u->aux = (u8)i->imm2;
		return uop_enter;
	case X86_OP_PUSHA: return uop_pusha;
	case X86_OP_POPA: return uop_popa;
	case X86_OP_PUSHF: return mode & CPU_MODE_VM ? NULL : uop_pushf;
	case X86_OP_POPF: return mode & CPU_MODE_VM ? NULL : uop_popf;
	default: return NULL;
	}
}

/* A handler for anything that stays in the block; NULL: none of the groups knows it. */
uop_fn xl_plain(struct xl *x, const struct x86_insn *i, struct uop *u)
{
	uop_fn f = NULL;

	x->plain = is_plain(i);
	track_flags(x, i);
	x->cmp_form = -1;
	if (i->op < ARRAY_SIZE(alu_index) &&
	    (alu_index[i->op] || i->op == X86_OP_ADD))
		return emit_alu(x, i, u);
	if (i->op >= X86_OP_NOT && i->op <= X86_OP_DEC)
		return emit_unary(x, i, u);
	if (i->op >= X86_OP_ROL && i->op <= X86_OP_SAR)
		return emit_shift(x, i, u);
	f = emit_data(x, i, u);
	if (!f)
		f = emit_stack(x, i, u);
	if (!f)
		f = uop_misc_find(i, u, x->c);
	return f;
}

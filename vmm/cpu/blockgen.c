// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Makes a block: decodes instruction after instruction, lets translate.c pick handlers for those
 * that stay in the block, and writes the branches and ends itself.
 */
#include "module/x86/decode.h"
#include "vmm/cpu/debug.h"
#include "vmm/cpu/dma.h"
#include "vmm/cpu/model.h"
#include "vmm/cpu/translate.h"

static const struct uop *raise_gp(struct cpu *c, const struct uop *u)
{
	cpu_at(c, u);
	cpu_fault_err(c, X86_GP, 0);
}

/* Slots that one instruction may take, with the end of the block. */
#define XL_ROOM 10u

static enum x86_mode decode_mode(const struct cpu *c)
{
	if (c->mode & CPU_MODE_CS64)
		return X86_MODE_64;
	return c->mode & CPU_MODE_CS32 ? X86_MODE_32 : X86_MODE_16;
}

/* -- branches -- */

/* Does the target lie in the block's page, with nothing to check? */
static bool target_in(const struct xl *x, const struct x86_insn *i, s64 delta)
{
	s64 at = (s64)x->page_off + delta;

	if (!(x->c->mode & CPU_MODE_CSFLAT) || x->b->cross)
		return false;
	if (!(x->c->mode & CPU_MODE_CS64) && i->opsize == 2)
		return false;
	return at >= 0 && at < (s64)CPU_PAGE_SIZE;
}

static void emit_jcc(struct xl *x, const struct x86_insn *i, struct uop *u, s64 delta)
{
	uop_fn fuse = NULL;

	if (target_in(x, i, delta)) {
		if (x->cmp_form >= 0 && x->cmp->am != AM_SEG)
			fuse = uop_fuse_find((unsigned int)x->cmp_form, x->cmp_wlog, i->cc);
		if (fuse) {
			/* the compare takes over; this slot becomes its link */
			x->n--;
			x->cmp->fn = fuse;
			x->cmp->aux = (u8)x->ninsn;
			if (x->cmp->am == AM_64)
				x->cmp->am = AM_64X;
			xl_link(x)->vrip = (u64)delta;
			return;
		}
		u->fn = uop_jcc_in[i->cc];
	} else {
		u->fn = uop_jcc_out[i->cc];
	}
	xl_link(x);
}

/* Near branches. False: not one. *end: the block ends here. */
static bool emit_branch(struct xl *x, const struct x86_insn *i, struct uop *u, bool *end)
{
	u32 mode = x->c->mode;
	s64 delta = (s64)x->off + i->len + (s64)i->imm;
	bool in, f64 = mode & CPU_MODE_CS64;
	bool f32 = !f64 && mode & CPU_MODE_CSFLAT && mode & CPU_MODE_FLAT &&
		   mode & CPU_MODE_SS32 && i->opsize == 4;

	*end = true;
	u->aux = (u8)x->ninsn;
	switch (i->op) {
	case X86_OP_JCC:
		u->imm = (u64)delta;
		*end = false;
		emit_jcc(x, i, u, delta);
		return true;
	case X86_OP_JMP_NEAR_REL:
		u->imm = (u64)delta;
		u->fn = target_in(x, i, delta) ? uop_jmp_in : uop_jmp_out;
		xl_link(x);
		return true;
	case X86_OP_CALL_NEAR_REL:
		u->imm = (u64)delta;
		in = target_in(x, i, delta);
		if (f64)
			u->fn = in ? uop_call64_in : uop_call64_out;
		else if (f32)
			u->fn = in ? uop_call32_in : uop_call32_out;
		else
			u->fn = uop_call_gen;
		xl_link(x);
		return true;
	case X86_OP_LOOP:
	case X86_OP_LOOPE:
	case X86_OP_LOOPNE:
		u->imm = (u64)delta;
		u->reg = i->op == X86_OP_LOOP ? 2 : i->op == X86_OP_LOOPE;
		u->fn = uop_loop;
		xl_link(x);
		*end = false;
		return true;
	case X86_OP_JCXZ:
		u->imm = (u64)delta;
		u->fn = uop_jcxz;
		xl_link(x);
		*end = false;
		return true;
	case X86_OP_JMP_NEAR_IND:
		u->fn = i->mod == 3 ? uop_jmp_ind_r : uop_jmp_ind_m;
		return true;
	case X86_OP_CALL_NEAR_IND:
		u->fn = i->mod == 3 ? uop_call_ind_r : uop_call_ind_m;
		return true;
	case X86_OP_RET_NEAR:
		u->fn = f64 ? uop_ret64 : f32 ? uop_ret32 : uop_ret_gen;
		return true;
	default:
		return false;
	}
}

/* -- instructions with a copy of their decoded form behind the uop -- */

static void copy_insn(struct xl *x, const struct x86_insn *i)
{
	unsigned int slots = (sizeof(*i) + sizeof(struct uop) - 1) / sizeof(struct uop), k;

	memcpy(&x->b->uops[x->n], i, sizeof(*i));
	for (k = 0; k < slots; k++, x->n++)
		x->b->data[x->n / 64] |= 1ull << (x->n & 63);
}

#define INSN_SLOTS ((sizeof(struct x86_insn) + sizeof(struct uop) - 1) / sizeof(struct uop))

static const struct uop *fpu_guard(struct cpu *c, const struct uop *u)
{
	cpu_at(c, u);
	cpu_fpu_guard(c, (const struct x86_insn *)(u + 1));
	GOTO_UOP(c, u + 1 + INSN_SLOTS);
}

static bool is_fpu(const struct x86_insn *i)
{
	return (i->props & (X86_P_FPU | X86_P_MMX | X86_P_SSE)) || i->op >= X86_OP_FADD ||
	       i->op == X86_OP_FWAIT || (i->op >= X86_OP_FXSAVE && i->op <= X86_OP_XRSTORS);
}

/* x87, MMX, SSE. False: no such handler. */
static bool emit_fpu(struct xl *x, const struct x86_insn *i)
{
	unsigned int n = x->n;
	struct uop *u;

	if (!(x->c->mode & CPU_MODE_FPU)) {
		u = xl_slot(x);
		xl_fields(x, i, u, i->opsize);
		u->fn = fpu_guard;
		copy_insn(x, i);
	}
	u = xl_slot(x);
	xl_fields(x, i, u, 0);
	u->fn = cpu_fpu_uop(i, u);
	if (!u->fn)
		x->n = n;
	return u->fn != NULL;
}

/* One instruction. True: the block ends. */
static bool emit(struct xl *x, const struct x86_insn *i)
{
	struct uop *u;
	cpu_sys_fn sys;
	bool end;

	if (i->op == X86_OP_INVALID || !cpu_has(x->c, i->isa) ||
	    (i->props & X86_P_PROT && !(x->c->mode & CPU_MODE_PE))) {
		u = xl_slot(x);
		xl_fields(x, i, u, 0);
		u->fn = uop_ud;
		return true;
	}
	if (is_fpu(i)) {
		x->pending.u = NULL;
		x->cmp_form = -1;
		if (emit_fpu(x, i))
			return false;
	}
	u = xl_slot(x);
	xl_fields(x, i, u, i->opsize);
	if (emit_branch(x, i, u, &end)) {
		x->pending.u = NULL;
		x->cmp_form = -1;
		return end;
	}
	u->fn = xl_plain(x, i, u);
	if (u->fn) {
		x->cmp = u;
		x->cmp_wlog = (u8)__builtin_ctz(i->opsize | 16);
		return false;
	}
	x->pending.u = NULL;
	x->cmp_form = -1;
	u->fn = uop_string_find(i, u);
	if (u->fn)
		return u->fn == uop_in || u->fn == uop_out || u->fn == uop_ins || u->fn == uop_outs;
	sys = cpu_sys_find(i->op);
	u->fn = sys ? uop_sys : uop_ud;
	u->imm = (u64)(uintptr_t)sys;
	u->aux = (u8)x->ninsn;
	if (sys)
		copy_insn(x, i);
	return true;
}

/* -- the block -- */

static struct uop *end_slot(struct xl *x)
{
	struct uop *u = xl_slot(x);

	u->off = x->off;
	u->aux = (u8)x->ninsn;
	u->flags = x->c->mode & CPU_MODE_CS64 ? UOP_LONG : 0;
	u->am = AM_NONE;
	u->imm = x->off;
	return u;
}

/* Goes on behind the block's last byte, which is at distance x->off. */
static void end_block(struct xl *x, bool step)
{
	struct uop *u = end_slot(x);

	if (step) {
		u->fn = uop_exit;
		return;
	}
	u->fn = target_in(x, &(struct x86_insn){ .opsize = 4 }, x->off) ? uop_next_in
									 : uop_next_out;
	xl_link(x);
}

/* The first instruction reaches into the next page: its bytes, gathered in buf. */
static unsigned int gather(struct cpu *c, struct cpu_block *b, const u8 *code, unsigned int avail,
			   u8 *buf)
{
	u64 rip = c->gpr[CPU_RIP], lin, gpa;
	const u8 *hva;
	bool global;

	memcpy(buf, code, avail);
	lin = c->mode & CPU_MODE_CS64 ? rip + avail
				      : (u32)(rip + avail + c->seg[X86_CS].base);
	gpa = cpu_exec_gpa(c, lin, &hva, &global);
	cpu_dma_watch(c, gpa);
	cpu_phys_read(c, gpa, buf + avail, X86_INSN_MAX - avail);
	b->cross = 1;
	b->gpa2 = gpa & CPU_PAGE_MASK;
	return X86_INSN_MAX;
}

void cpu_translate(struct cpu *c, struct cpu_block *b, const u8 *code, unsigned int avail, bool step)
{
	struct xl x = { .c = c, .b = b, .cmp_form = -1,
			.page_off = (unsigned int)(b->gpa & ~CPU_PAGE_MASK) };
	unsigned int limit = avail, max = step ? 1 : CPU_BLOCK_INSNS;
	struct x86_insn insn;
	u8 buf[X86_INSN_MAX];
	bool end = false;
	int r;

	b->data[0] = b->data[1] = 0;
	b->cross = 0;
	if (!(c->mode & CPU_MODE_CSFLAT)) {
		u64 room = (u64)c->seg[X86_CS].limit - c->gpr[CPU_RIP] + 1;

		if (c->gpr[CPU_RIP] > c->seg[X86_CS].limit)
			room = 0;
		limit = room < limit ? (unsigned int)room : limit;
	}
	while (!end && x.ninsn < max && x.n + XL_ROOM < CPU_BLOCK_UOPS) {
		r = x86_decode(&insn, decode_mode(c), code + x.off, limit - x.off);
		if (r == X86_DECODE_MORE && x.ninsn)
			break;
		if (r == X86_DECODE_MORE && limit == avail) {
			limit = avail = gather(c, b, code, avail, buf);
			code = buf;
			max = 1;
			if (!(c->mode & CPU_MODE_CSFLAT)) {
				u64 room = (u64)c->seg[X86_CS].limit - c->gpr[CPU_RIP] + 1;

				limit = room < limit ? (unsigned int)room : limit;
			}
			r = x86_decode(&insn, decode_mode(c), code, limit);
		}
		if (r <= 0 || (r > 0 && (unsigned int)r > limit - x.off && insn.op != X86_OP_INVALID)) {
			if (x.ninsn)
				break;
			end_slot(&x)->fn = raise_gp; /* beyond the limit, or over 15 bytes */
			x.off = 1;
			end = true;
			break;
		}
		if (insn.op == X86_OP_TZCNT || insn.op == X86_OP_LZCNT)
			if (!cpu_has(c, insn.isa))
				x86_insn_demote(&insn);
		/* A breakpoint is checked at the beginning of a block. */
		if (unlikely(c->debug != NULL) && !step &&
		    cpu_debug_break_near(c, x.page_off + x.off)) {
			if (x.ninsn)
				break;
			end_slot(&x)->fn = uop_debug;
		}
		x.ninsn++;
		end = emit(&x, &insn);
		x.off = (u16)(x.off + insn.len);
		if (x.off >= limit)
			break;
	}
	if (!end)
		end_block(&x, step);
	else if (step)
		end_slot(&x)->fn = uop_exit;
	b->len = x.off ? x.off : 1;
	b->ninsn = (u16)x.ninsn;
	b->nuops = (u16)x.n;
	b->mode = (u16)c->mode;
	b->dead = 0;
	c->cache->translated += x.ninsn;
}

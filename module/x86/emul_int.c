// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The emulator's integer instructions that a virtualizing CPU never hands over for one access, but
 * that code runs through in states which such a CPU cannot hold (emul.h): shifts, multiplication,
 * jumps, the stack, decimal adjustment.
 *
 * Sources: Intel SDM volume 2 for each instruction.
 */
#include "module/x86/emul_impl.h"
#include "module/x86/task.h"

static void flags_put(struct x86_emul *e, u32 fl)
{
	e->ctx.rflags = (e->ctx.rflags & ~(u64)X86_FL_ARITH) | (fl & X86_FL_ARITH);
}

static u64 reg(struct x86_emul *e, unsigned int r)
{
	return x86_emul_gpr(e, r, e->insn.opsize, 0);
}

static void reg_put(struct x86_emul *e, unsigned int r, u64 v)
{
	x86_emul_set_gpr(e, r, e->insn.opsize, 0, v);
}

/* ---- shifts ---- */

#define SHIFT(w)                                                                                   \
	static u64 shift##w(unsigned int op, u64 a, unsigned int n, int imm, u32 *fl)              \
	{                                                                                          \
		switch (op) {                                                                      \
		case X86_OP_SHL: return x86_shl##w((u##w)a, n, fl);                                \
		case X86_OP_SHR: return x86_shr##w((u##w)a, n, fl);                                \
		case X86_OP_SAR: return x86_sar##w((u##w)a, n, fl);                                \
		case X86_OP_ROL: return x86_rol##w((u##w)a, n, imm, fl);                           \
		case X86_OP_ROR: return x86_ror##w((u##w)a, n, imm, fl);                           \
		case X86_OP_RCL: return x86_rcl##w((u##w)a, n, fl);                                \
		}                                                                                  \
		return x86_rcr##w((u##w)a, n, fl);                                                 \
	}
SHIFT(8)
SHIFT(16)
SHIFT(32)
SHIFT(64)

int x86_emul_shift(struct x86_emul *e)
{
	unsigned int n, op = e->insn.op;
	u32 fl = (u32)e->ctx.rflags;
	int imm = e->insn.form != X86_FORM_RM_CL, ret;
	u64 v;

	n = e->insn.form == X86_FORM_RM_1 ? 1 : imm ? (u8)e->insn.imm : (u8)e->gpr[X86_RCX];
	ret = x86_emul_rm_get(e, e->insn.opsize, &v);
	if (ret)
		return ret;
	switch (e->insn.opsize) {
	case 1: v = shift8(op, v, n, imm, &fl); break;
	case 2: v = shift16(op, v, n, imm, &fl); break;
	case 4: v = shift32(op, v, n, imm, &fl); break;
	default: v = shift64(op, v, n, imm, &fl);
	}
	ret = x86_emul_rm_set(e, e->insn.opsize, v);
	if (!ret)
		flags_put(e, fl);
	return ret;
}

int x86_emul_shift2(struct x86_emul *e)
{
	unsigned int n = e->insn.form == X86_FORM_RM_R_IMM ? (u8)e->insn.imm : (u8)e->gpr[X86_RCX];
	u32 fl = (u32)e->ctx.rflags;
	u64 a, b = reg(e, e->insn.reg);
	int left = e->insn.op == X86_OP_SHLD, ret = x86_emul_rm_get(e, e->insn.opsize, &a);

	if (ret)
		return ret;
	switch (e->insn.opsize) {
	case 2:
		a = left ? x86_shld16((u16)a, (u16)b, n, &fl) : x86_shrd16((u16)a, (u16)b, n, &fl);
		break;
	case 4:
		a = left ? x86_shld32((u32)a, (u32)b, n, &fl) : x86_shrd32((u32)a, (u32)b, n, &fl);
		break;
	default:
		a = left ? x86_shld64(a, b, n, &fl) : x86_shrd64(a, b, n, &fl);
	}
	ret = x86_emul_rm_set(e, e->insn.opsize, a);
	if (!ret)
		flags_put(e, fl);
	return ret;
}

/* ---- multiplication and division ---- */

static int imul2(struct x86_emul *e)
{
	int three = e->insn.form == X86_FORM_R_RM_IMM, ret;
	u32 fl = (u32)e->ctx.rflags;
	u64 a, b;

	ret = x86_emul_rm_get(e, e->insn.opsize, &a);
	if (ret)
		return ret;
	b = three ? e->insn.imm : reg(e, e->insn.reg);
	switch (e->insn.opsize) {
	case 2: a = x86_imul216((u16)a, (u16)b, &fl); break;
	case 4: a = x86_imul232((u32)a, (u32)b, &fl); break;
	default: a = x86_imul264(a, b, &fl);
	}
	reg_put(e, e->insn.reg, a);
	flags_put(e, fl);
	return 0;
}

/* AX = AL * b; else DX:AX = AX * b in the operand's size. */
#define MUL(w)                                                                                     \
	static int mul##w(struct x86_emul *e, u64 b, u32 *fl)                                      \
	{                                                                                          \
		u##w hi, lo, a = (u##w)e->gpr[X86_RAX];                                            \
		lo = e->insn.op == X86_OP_MUL ? x86_mul##w(a, (u##w)b, &hi, fl) :                  \
						x86_imul##w(a, (u##w)b, &hi, fl);                  \
		return x86_emul_pair(e, lo, hi);                                                   \
	}                                                                                          \
	static int div##w(struct x86_emul *e, u64 hi, u64 d)                                       \
	{                                                                                          \
		u##w quot, rem, lo = (u##w)e->gpr[X86_RAX];                                        \
		int ret = e->insn.op == X86_OP_DIV ?                                               \
				  x86_div##w((u##w)hi, lo, (u##w)d, &quot, &rem) :                 \
				  x86_idiv##w((u##w)hi, lo, (u##w)d, &quot, &rem);                 \
		return ret ? x86_raise(&e->ctx, X86_DE) : x86_emul_pair(e, quot, rem);             \
	}

static int x86_emul_pair(struct x86_emul *e, u64 lo, u64 hi)
{
	if (e->insn.opsize == 1) {
		x86_emul_set_gpr(e, X86_RAX, 2, 0, lo | hi << 8);
		return 0;
	}
	reg_put(e, X86_RAX, lo);
	reg_put(e, X86_RDX, hi);
	return 0;
}
MUL(8)
MUL(16)
MUL(32)
MUL(64)

int x86_emul_mul(struct x86_emul *e)
{
	u32 fl = (u32)e->ctx.rflags;
	u64 b;
	int ret;

	if (e->insn.form != X86_FORM_RM)
		return imul2(e);
	ret = x86_emul_rm_get(e, e->insn.opsize, &b);
	if (ret)
		return ret;
	switch (e->insn.opsize) {
	case 1: ret = mul8(e, b, &fl); break;
	case 2: ret = mul16(e, b, &fl); break;
	case 4: ret = mul32(e, b, &fl); break;
	default: ret = mul64(e, b, &fl);
	}
	flags_put(e, fl);
	return ret;
}

int x86_emul_div(struct x86_emul *e)
{
	u64 d;
	int ret = x86_emul_rm_get(e, e->insn.opsize, &d);

	if (ret)
		return ret;
	switch (e->insn.opsize) {
	case 1: return div8(e, e->gpr[X86_RAX] >> 8, d);
	case 2: return div16(e, e->gpr[X86_RDX], d);
	case 4: return div32(e, e->gpr[X86_RDX], d);
	}
	return div64(e, e->gpr[X86_RDX], d);
}

/* ---- registers ---- */

static u64 sign_extend(u64 v, unsigned int size)
{
	unsigned int n = 64 - 8 * size;

	return (u64)((s64)(v << n) >> n);
}

int x86_emul_extend(struct x86_emul *e)
{
	unsigned int size = e->insn.opsize;
	u64 a = e->gpr[X86_RAX];

	if (e->insn.op == X86_OP_CBW)
		reg_put(e, X86_RAX, sign_extend(a, size / 2));
	else
		reg_put(e, X86_RDX, sign_extend(a, size) >> 63 ? ~(u64)0 : 0);
	return 0;
}

int x86_emul_scan(struct x86_emul *e)
{
	u32 fl = (u32)e->ctx.rflags;
	u64 v;
	int ret = x86_emul_rm_get(e, e->insn.opsize, &v);

	if (ret)
		return ret;
	fl &= ~X86_FL_ZF;
	if (!v)
		fl |= X86_FL_ZF;
	else if (e->insn.op == X86_OP_BSF || e->insn.op == X86_OP_TZCNT)
		reg_put(e, e->insn.reg, x86_bit_low(v));
	else
		reg_put(e, e->insn.reg, x86_bit_high(v));
	flags_put(e, fl);
	return 0;
}

int x86_emul_bswap(struct x86_emul *e)
{
	u64 v = e->gpr[e->insn.rm & 15];

	reg_put(e, e->insn.rm, e->insn.opsize == 8 ? x86_bswap64(v) : x86_bswap32((u32)v));
	return 0;
}

int x86_emul_lea(struct x86_emul *e)
{
	reg_put(e, e->insn.reg, x86_emul_ea(e));
	return 0;
}

int x86_emul_xlat(struct x86_emul *e)
{
	u64 v, off = (e->gpr[X86_RBX] + (u8)e->gpr[X86_RAX]) & x86_emul_mask(e->insn.addrsize);
	int ret = x86_emul_mem(e, e->insn.seg, off, 1, &v, 0);

	if (!ret)
		x86_emul_set_gpr(e, X86_RAX, 1, 0, v);
	return ret;
}

int x86_emul_decimal(struct x86_emul *e)
{
	u32 fl = (u32)e->ctx.rflags;
	u16 ax = (u16)e->gpr[X86_RAX];

	switch (e->insn.op) {
	case X86_OP_DAA: ax = (u16)((ax & 0xff00) | x86_daa((u8)ax, &fl)); break;
	case X86_OP_DAS: ax = (u16)((ax & 0xff00) | x86_das((u8)ax, &fl)); break;
	case X86_OP_AAA: ax = x86_aaa(ax, &fl); break;
	case X86_OP_AAS: ax = x86_aas(ax, &fl); break;
	case X86_OP_AAD: ax = x86_aad(ax, (u8)e->insn.imm, &fl); break;
	case X86_OP_AAM:
		if (x86_aam(&ax, (u8)e->insn.imm, &fl))
			return x86_raise(&e->ctx, X86_DE);
		break;
	case X86_OP_SALC:
		ax = (u16)((ax & 0xff00) | (fl & X86_FL_CF ? 0xff : 0));
		break;
	}
	x86_emul_set_gpr(e, X86_RAX, 2, 0, ax);
	flags_put(e, fl);
	return 0;
}

/* ---- flags and conditions ---- */

int x86_emul_flag(struct x86_emul *e)
{
	u64 *fl = &e->ctx.rflags;

	switch (e->insn.op) {
	case X86_OP_CLC: *fl &= ~(u64)X86_FL_CF; break;
	case X86_OP_STC: *fl |= X86_FL_CF; break;
	case X86_OP_CMC: *fl ^= X86_FL_CF; break;
	case X86_OP_CLD: *fl &= ~(u64)X86_FL_DF; break;
	case X86_OP_STD: *fl |= X86_FL_DF; break;
	case X86_OP_LAHF:
		x86_emul_set_gpr(e, X86_RAX, 1, 1, (*fl & X86_LF_AH) | X86_FL_ONE);
		break;
	case X86_OP_SAHF:
		*fl = (*fl & ~(u64)X86_LF_AH) | ((e->gpr[X86_RAX] >> 8) & X86_LF_AH);
		break;
	}
	return 0; /* NOP, PAUSE and prefetches too */
}

int x86_emul_cond(struct x86_emul *e)
{
	int yes = x86_cond(e->insn.cc, (u32)e->ctx.rflags), ret;
	u64 v;

	if (e->insn.op == X86_OP_SETCC)
		return x86_emul_rm_set(e, 1, (u64)yes);
	ret = x86_emul_rm_get(e, e->insn.opsize, &v);
	if (!ret)
		reg_put(e, e->insn.reg, yes ? v : reg(e, e->insn.reg));
	return ret;
}

/* ---- jumps ---- */

/* The target in the operand's width; outside of the code segment it is #GP. */
static int jump(struct x86_emul *e, u64 to)
{
	u64 lin;
	int ret;

	to &= x86_emul_mask(e->mode == X86_MODE_64 ? 8 : e->insn.opsize);
	ret = x86_linear(&e->ctx, X86_CS, to, 1, X86_ACC_EXEC, &lin);
	if (ret)
		return ret;
	e->ctx.rip = to;
	return X86_EMUL_JUMPED;
}

static int jump_rel(struct x86_emul *e)
{
	return jump(e, e->ctx.rip + e->insn.len + e->insn.imm);
}

int x86_emul_jump(struct x86_emul *e)
{
	u64 to;
	int ret;

	switch (e->insn.op) {
	case X86_OP_JCC:
		return x86_cond(e->insn.cc, (u32)e->ctx.rflags) ? jump_rel(e) : 0;
	case X86_OP_JMP_NEAR_REL:
		return jump_rel(e);
	}
	ret = x86_emul_rm_get(e, e->insn.opsize, &to);
	return ret ? ret : jump(e, to);
}

int x86_emul_loop(struct x86_emul *e)
{
	unsigned int size = e->insn.addrsize;
	u64 n = e->gpr[X86_RCX] & x86_emul_mask(size);
	int ret, zf = !!(e->ctx.rflags & X86_FL_ZF);

	if (e->insn.op == X86_OP_JCXZ)
		return n ? 0 : jump_rel(e);
	n = (n - 1) & x86_emul_mask(size);
	ret = 0;
	if (n && (e->insn.op == X86_OP_LOOP || zf == (e->insn.op == X86_OP_LOOPE)))
		ret = jump_rel(e);
	if (ret >= 0)
		x86_emul_set_gpr(e, X86_RCX, size, 0, n);
	return ret;
}

int x86_emul_call(struct x86_emul *e)
{
	u64 to, back = e->ctx.rip + e->insn.len;
	struct x86_stack st;
	int ret;

	x86_stack_current(&e->ctx, &st);
	if (e->insn.op == X86_OP_RET_NEAR) {
		ret = x86_pop(&e->ctx, &st, e->insn.opsize, &to);
		st.sp = (st.sp & ~st.mask) | ((st.sp + e->insn.imm) & st.mask);
	} else {
		to = back + e->insn.imm;
		ret = e->insn.op == X86_OP_CALL_NEAR_IND ?
			      x86_emul_rm_get(e, e->insn.opsize, &to) : 0;
		if (!ret)
			ret = x86_push(&e->ctx, &st, e->insn.opsize,
				       back & x86_emul_mask(e->insn.opsize));
	}
	if (ret)
		return ret;
	ret = jump(e, to);
	if (ret >= 0)
		x86_stack_commit(&e->ctx, &st);
	return ret;
}

/* ---- the stack ---- */

int x86_emul_push(struct x86_emul *e)
{
	struct x86_stack st;
	u64 v = e->insn.imm & x86_emul_mask(e->insn.opsize);
	int ret = e->insn.form == X86_FORM_RM ? x86_emul_rm_get(e, e->insn.opsize, &v) : 0;

	if (ret)
		return ret;
	x86_stack_current(&e->ctx, &st);
	ret = x86_push(&e->ctx, &st, e->insn.opsize, v);
	if (!ret)
		x86_stack_commit(&e->ctx, &st);
	return ret;
}

/* The address of a memory operand is formed with the incremented stack pointer. */
int x86_emul_pop(struct x86_emul *e)
{
	u64 v, old = e->gpr[X86_RSP];
	struct x86_stack st;
	int ret;

	x86_stack_current(&e->ctx, &st);
	ret = x86_pop(&e->ctx, &st, e->insn.opsize, &v);
	if (ret)
		return ret;
	x86_stack_commit(&e->ctx, &st);
	ret = x86_emul_rm_set(e, e->insn.opsize, v);
	if (ret)
		e->gpr[X86_RSP] = old;
	return ret;
}

int x86_emul_pusha(struct x86_emul *e)
{
	struct x86_stack st;
	unsigned int i;
	u64 v[8];
	int ret = 0;

	x86_stack_current(&e->ctx, &st);
	if (e->insn.op == X86_OP_PUSHA) {
		for (i = 0; i < 8 && !ret; i++)
			ret = x86_push(&e->ctx, &st, e->insn.opsize, reg(e, i));
	} else {
		for (i = 8; i-- > 0 && !ret;)
			ret = x86_pop(&e->ctx, &st, e->insn.opsize, &v[i]);
		for (i = 0; i < 8 && !ret; i++)
			if (i != X86_RSP)
				reg_put(e, i, v[i]);
	}
	if (!ret)
		x86_stack_commit(&e->ctx, &st);
	return ret;
}

int x86_emul_leave(struct x86_emul *e)
{
	struct x86_stack st;
	u64 v;
	int ret;

	x86_stack_current(&e->ctx, &st);
	st.sp = e->gpr[X86_RBP];
	ret = x86_pop(&e->ctx, &st, e->insn.opsize, &v);
	if (ret)
		return ret;
	x86_stack_commit(&e->ctx, &st);
	reg_put(e, X86_RBP, v);
	return 0;
}

/* imm: the size of the frame, imm2: the level. */
int x86_emul_enter(struct x86_emul *e)
{
	unsigned int size = e->insn.opsize, level = e->insn.imm2 & 31, i;
	u64 frame, v, bp = e->gpr[X86_RBP];
	struct x86_stack st;
	int ret;

	x86_stack_current(&e->ctx, &st);
	ret = x86_push(&e->ctx, &st, size, reg(e, X86_RBP));
	frame = st.sp;
	for (i = 1; i < level && !ret; i++) {
		bp = (bp - size) & st.mask;
		ret = x86_emul_mem(e, X86_SS, bp, size, &v, 0);
		if (!ret)
			ret = x86_push(&e->ctx, &st, size, v);
	}
	if (level && !ret)
		ret = x86_push(&e->ctx, &st, size, frame & x86_emul_mask(size));
	if (ret)
		return ret;
	st.sp = (st.sp & ~st.mask) | ((st.sp - e->insn.imm) & st.mask);
	x86_stack_commit(&e->ctx, &st);
	x86_emul_set_gpr(e, X86_RBP, st.mask == 0xffff ? 2 : size, 0, frame);
	return 0;
}

/* ---- ports ---- */

int x86_emul_port(struct x86_emul *e)
{
	u16 port = e->insn.form == X86_FORM_IMM ? (u8)e->insn.imm : (u16)e->gpr[X86_RDX];
	unsigned int size = e->insn.opsize;
	int ret = x86_io_check(&e->ctx, port, size);
	u64 v;

	if (ret)
		return ret;
	if (e->insn.op == X86_OP_OUT)
		return e->io->out(&e->ctx, port, size, x86_emul_gpr(e, X86_RAX, size, 0));
	ret = e->io->in(&e->ctx, port, size, &v);
	if (!ret)
		x86_emul_set_gpr(e, X86_RAX, size, 0, v);
	return ret;
}

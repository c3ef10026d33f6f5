// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The emulator of single instructions (see emul.h): operands, integer instructions, control
 * registers. String instructions are in emul_string.c.
 *
 * Sources: Intel SDM volume 2, AMD APM volume 3; the checks of values for MOV CR are the owner's,
 * behind x86_ops.
 */
#include "module/x86/emul_impl.h"

/* As x86_decode(), which is asked only when the table does not have it. */
static int emul_decode(struct x86_emul *e, const u8 *bytes, unsigned int n)
{
	struct x86_decoded *d;
	u64 key[2];
	int ret;

	if (!e->decoded || n < X86_INSN_MAX)
		return x86_decode(&e->insn, e->mode, bytes, n);
	memcpy(&key[0], bytes, 8);
	memcpy(&key[1], bytes + 7, 8);
	d = &e->decoded[(key[0] ^ key[0] >> 11 ^ e->ctx.rip) & (X86_DECODED - 1)];
	if (d->mode == (u8)e->mode && d->key[0] == key[0] && d->key[1] == key[1]) {
		e->insn = d->insn;
		return d->insn.len;
	}
	ret = x86_decode(&e->insn, e->mode, bytes, n);
	if (ret > 0) {
		d->key[0] = key[0];
		d->key[1] = key[1];
		d->mode = (u8)e->mode;
		d->insn = e->insn;
	}
	return ret;
}

int x86_emul_decode(struct x86_emul *e, const u8 *bytes, unsigned int avail)
{
	u8 buf[X86_INSN_MAX];
	unsigned int n = 0, want;
	int ret;
	u64 lin;

	if (avail) {
		ret = emul_decode(e, bytes, avail);
		if (ret > 0)
			return e->insn.op == X86_OP_INVALID ? x86_raise(&e->ctx, X86_UD) : 0;
	}
	ret = x86_linear(&e->ctx, X86_CS, e->ctx.rip, 1, X86_ACC_EXEC, &lin);
	if (ret)
		return ret;
	/* Up to the end of the page first: what follows may not be needed and not be there. */
	want = 0x1000 - (unsigned int)(lin & 0xfff);
	if (want > X86_INSN_MAX)
		want = X86_INSN_MAX;
	do {
		ret = e->ctx.ops->read(&e->ctx, lin + n, buf + n, want - n, X86_ACC_EXEC);
		if (ret)
			return ret;
		n = want;
		want = X86_INSN_MAX;
		ret = emul_decode(e, buf, n);
	} while (ret == X86_DECODE_MORE && n < X86_INSN_MAX);
	if (ret < 0)
		return x86_raise_err(&e->ctx, X86_GP, 0);
	return e->insn.op == X86_OP_INVALID ? x86_raise(&e->ctx, X86_UD) : 0;
}

/* ---- operands ---- */

u64 x86_emul_mask(unsigned int size)
{
	return size >= 8 ? ~(u64)0 : ((u64)1 << (8 * size)) - 1;
}

u64 x86_emul_gpr(struct x86_emul *e, unsigned int r, unsigned int size, int high)
{
	return (high ? e->gpr[r & 15] >> 8 : e->gpr[r & 15]) & x86_emul_mask(size);
}

/* A 32-bit result clears the upper half in every mode that can see it. */
static void emul_gpr_set(u64 *g, unsigned int size, int high, u64 v)
{
	u64 mask = x86_emul_mask(size);

	if (high)
		*g = (*g & ~(u64)0xff00) | (v & 0xff) << 8;
	else if (size >= 4)
		*g = v & mask;
	else
		*g = (*g & ~mask) | (v & mask);
}

void x86_emul_set_gpr(struct x86_emul *e, unsigned int r, unsigned int size, int high, u64 v)
{
	emul_gpr_set(&e->gpr[r & 15], size, high, v);
}

u64 x86_emul_ea(struct x86_emul *e)
{
	const struct x86_insn *in = &e->insn;
	u64 ea = (u64)in->disp;

	if (in->base == X86_RIP)
		ea += e->ctx.rip + in->len;
	else if (in->base != X86_NO_REG)
		ea += e->gpr[in->base & 15];
	if (in->index != X86_NO_REG)
		ea += e->gpr[in->index & 15] << in->scale;
	return ea & x86_emul_mask(in->addrsize);
}

int x86_emul_mem(struct x86_emul *e, unsigned int seg, u64 off, unsigned int size, u64 *val,
		 int write)
{
	unsigned int acc = write ? X86_ACC_WRITE : X86_ACC_READ;
	u8 buf[8];
	unsigned int i;
	u64 lin;
	int ret = x86_linear(&e->ctx, seg, off, size, acc, &lin);

	if (ret)
		return ret;
	if (write) {
		for (i = 0; i < size; i++)
			buf[i] = (u8)(*val >> (8 * i));
		return e->ctx.ops->write(&e->ctx, lin, buf, size, acc);
	}
	ret = e->ctx.ops->read(&e->ctx, lin, buf, size, acc);
	for (*val = 0, i = 0; !ret && i < size; i++)
		*val |= (u64)buf[i] << (8 * i);
	return ret;
}

int x86_emul_rm_get(struct x86_emul *e, unsigned int size, u64 *val)
{
	if (e->insn.mod == 3) {
		*val = x86_emul_gpr(e, e->insn.rm, size, !!(e->insn.props & X86_P_HIGH_RM));
		return 0;
	}
	return x86_emul_mem(e, e->insn.seg, x86_emul_ea(e), size, val, 0);
}

int x86_emul_rm_set(struct x86_emul *e, unsigned int size, u64 val)
{
	if (e->insn.mod == 3) {
		x86_emul_set_gpr(e, e->insn.rm, size, !!(e->insn.props & X86_P_HIGH_RM), val);
		return 0;
	}
	return x86_emul_mem(e, e->insn.seg, x86_emul_ea(e), size, &val, 1);
}

static u64 emul_reg_get(struct x86_emul *e)
{
	return x86_emul_gpr(e, e->insn.reg, e->insn.opsize, !!(e->insn.props & X86_P_HIGH_REG));
}

static void emul_reg_set(struct x86_emul *e, u64 val)
{
	x86_emul_set_gpr(e, e->insn.reg, e->insn.opsize, !!(e->insn.props & X86_P_HIGH_REG), val);
}

/* ---- arithmetic ---- */

#define EMUL_BIN(name)                                                                             \
	static u64 emul_##name(unsigned int size, u64 a, u64 b, u32 *fl)                           \
	{                                                                                          \
		switch (size) {                                                                    \
		case 1: return x86_##name##8((u8)a, (u8)b, fl);                                    \
		case 2: return x86_##name##16((u16)a, (u16)b, fl);                                 \
		case 4: return x86_##name##32((u32)a, (u32)b, fl);                                 \
		}                                                                                  \
		return x86_##name##64(a, b, fl);                                                   \
	}
EMUL_BIN(add)
EMUL_BIN(adc)
EMUL_BIN(sub)
EMUL_BIN(sbb)
EMUL_BIN(and)
EMUL_BIN(or)
EMUL_BIN(xor)

void x86_emul_cmp(unsigned int size, u64 a, u64 b, u32 *fl)
{
	(void)emul_sub(size, a, b, fl);
}

/* INC and DEC leave CF alone. */
static u64 emul_incdec(unsigned int size, u64 a, int dec, u32 *fl)
{
	u32 cf = *fl & X86_FL_CF;
	u64 r = dec ? emul_sub(size, a, 1, fl) : emul_add(size, a, 1, fl);

	*fl = (*fl & ~X86_FL_CF) | cf;
	return r;
}

/* The second operand of a two-operand form: a register, memory or an immediate. */
static int emul_operands(struct x86_emul *e, u64 *a, u64 *b)
{
	unsigned int size = e->insn.opsize;
	int ret = x86_emul_rm_get(e, size, a);

	if (ret)
		return ret;
	switch (e->insn.form) {
	case X86_FORM_RM_R:
		*b = emul_reg_get(e);
		return 0;
	case X86_FORM_R_RM:
		*b = *a;
		*a = emul_reg_get(e);
		return 0;
	case X86_FORM_RM_IMM:
		*b = e->insn.imm & x86_emul_mask(size);
		return 0;
	case X86_FORM_RM:
		*b = 0;
		return 0;
	}
	return X86_EMUL_UNKNOWN;
}

static int emul_arith(struct x86_emul *e)
{
	unsigned int size = e->insn.opsize;
	u32 fl = (u32)e->ctx.rflags;
	u64 a, b, r = 0;
	int keep = 1, ret = emul_operands(e, &a, &b);

	if (ret)
		return ret;
	switch (e->insn.op) {
	case X86_OP_ADD: r = emul_add(size, a, b, &fl); break;
	case X86_OP_ADC: r = emul_adc(size, a, b, &fl); break;
	case X86_OP_SUB: r = emul_sub(size, a, b, &fl); break;
	case X86_OP_SBB: r = emul_sbb(size, a, b, &fl); break;
	case X86_OP_AND: r = emul_and(size, a, b, &fl); break;
	case X86_OP_OR: r = emul_or(size, a, b, &fl); break;
	case X86_OP_XOR: r = emul_xor(size, a, b, &fl); break;
	case X86_OP_INC: r = emul_incdec(size, a, 0, &fl); break;
	case X86_OP_DEC: r = emul_incdec(size, a, 1, &fl); break;
	case X86_OP_NEG: r = emul_sub(size, 0, a, &fl); break;
	case X86_OP_NOT: r = ~a; break;
	case X86_OP_CMP:
		x86_emul_cmp(size, a, b, &fl);
		keep = 0;
		break;
	case X86_OP_TEST:
		(void)emul_and(size, a, b, &fl);
		keep = 0;
		break;
	default:
		return X86_EMUL_UNKNOWN;
	}
	if (keep && e->insn.form == X86_FORM_R_RM)
		emul_reg_set(e, r);
	else if (keep)
		ret = x86_emul_rm_set(e, size, r);
	if (!ret)
		e->ctx.rflags = (e->ctx.rflags & ~(u64)X86_FL_ARITH) | (fl & X86_FL_ARITH);
	return ret;
}

/* BT, BTS, BTR, BTC. A register bit number reaches beyond the operand in memory. */
static int emul_bit(struct x86_emul *e)
{
	unsigned int size = e->insn.opsize;
	u64 bit, val, off = x86_emul_ea(e), mask;
	int ret, mem = e->insn.mod != 3;

	if (e->insn.form == X86_FORM_RM_R) {
		bit = emul_reg_get(e);
		if (mem) {
			s64 n = size == 2 ? (s16)bit : size == 4 ? (s32)bit : (s64)bit;

			off += (u64)(n >> (size == 2 ? 4 : size == 4 ? 5 : 6)) * size;
			off &= x86_emul_mask(e->insn.addrsize);
		}
	} else if (e->insn.form == X86_FORM_RM_IMM) {
		bit = e->insn.imm;
	} else {
		return X86_EMUL_UNKNOWN;
	}
	mask = (u64)1 << (bit & (8 * size - 1));
	ret = mem ? x86_emul_mem(e, e->insn.seg, off, size, &val, 0) : x86_emul_rm_get(e, size, &val);
	if (ret)
		return ret;
	bit = val & mask;
	switch (e->insn.op) {
	case X86_OP_BTS: val |= mask; break;
	case X86_OP_BTR: val &= ~mask; break;
	case X86_OP_BTC: val ^= mask; break;
	}
	if (e->insn.op != X86_OP_BT) {
		ret = mem ? x86_emul_mem(e, e->insn.seg, off, size, &val, 1) :
			    x86_emul_rm_set(e, size, val);
		if (ret)
			return ret;
	}
	e->ctx.rflags = (e->ctx.rflags & ~(u64)X86_FL_CF) | (bit ? X86_FL_CF : 0);
	return 0;
}

/* ---- moves ---- */

int x86_emul_is_load(const struct x86_insn *in)
{
	return in->form == X86_FORM_R_RM && (in->op == X86_OP_MOV || in->op == X86_OP_MOVZX ||
					     in->op == X86_OP_MOVSX || in->op == X86_OP_MOVSXD);
}

void x86_emul_load(const struct x86_insn *in, u64 *gpr, u64 v)
{
	if (in->op == X86_OP_MOVSX)
		v = in->opcode & 1 ? (u64)(s16)v : (u64)(s8)v;
	else if (in->op == X86_OP_MOVSXD)
		v = (u64)(s32)v;
	emul_gpr_set(&gpr[in->reg & 15], in->opsize, !!(in->props & X86_P_HIGH_REG), v);
}

int x86_emul_store(struct x86_emul *e, u64 *v)
{
	if (e->insn.op != X86_OP_MOV)
		return 0;
	if (e->insn.form == X86_FORM_RM_R)
		*v = emul_reg_get(e);
	else if (e->insn.form == X86_FORM_RM_IMM)
		*v = e->insn.imm;
	else
		return 0;
	return 1;
}

static int emul_load(struct x86_emul *e, unsigned int size)
{
	u64 v;
	int ret = x86_emul_is_load(&e->insn) ? x86_emul_rm_get(e, size, &v) : X86_EMUL_UNKNOWN;

	if (!ret)
		x86_emul_load(&e->insn, e->gpr, v);
	return ret;
}

static int emul_mov(struct x86_emul *e)
{
	unsigned int size = e->insn.opsize;
	u64 v;

	return x86_emul_store(e, &v) ? x86_emul_rm_set(e, size, v) : emul_load(e, size);
}

static int emul_movx(struct x86_emul *e)
{
	return emul_load(e, e->insn.op == X86_OP_MOVSXD ? 4 : e->insn.opcode & 1 ? 2 : 1);
}

/* XCHG and XADD with memory as one operand. The access to a device cannot be made atomic. */
static int emul_xchg(struct x86_emul *e)
{
	unsigned int size = e->insn.opsize;
	u32 fl = (u32)e->ctx.rflags;
	u64 m, r = emul_reg_get(e);
	int ret = x86_emul_rm_get(e, size, &m);

	if (ret)
		return ret;
	ret = x86_emul_rm_set(e, size, e->insn.op == X86_OP_XADD ? emul_add(size, m, r, &fl) : r);
	if (ret)
		return ret;
	/* With XADD of a register to itself the sum wins. */
	if (e->insn.mod != 3 || e->insn.op != X86_OP_XADD || e->insn.reg != e->insn.rm)
		emul_reg_set(e, m);
	e->ctx.rflags = (e->ctx.rflags & ~(u64)X86_FL_ARITH) | (fl & X86_FL_ARITH);
	return 0;
}

static int emul_cmpxchg(struct x86_emul *e)
{
	unsigned int size = e->insn.opsize;
	u64 acc = x86_emul_gpr(e, X86_RAX, size, 0), m;
	u32 fl = (u32)e->ctx.rflags;
	int ret = x86_emul_rm_get(e, size, &m);

	if (ret)
		return ret;
	x86_emul_cmp(size, acc, m, &fl);
	ret = x86_emul_rm_set(e, size, acc == m ? emul_reg_get(e) : m);
	if (ret)
		return ret;
	if (acc != m)
		x86_emul_set_gpr(e, X86_RAX, size, 0, m);
	e->ctx.rflags = (e->ctx.rflags & ~(u64)X86_FL_ARITH) | (fl & X86_FL_ARITH);
	return 0;
}

/* ---- system registers ---- */

#define DR6_BD 0x2000u
#define DR7_GD 0x2000u

static int emul_cr(struct x86_emul *e)
{
	const struct x86_ops *ops = e->ctx.ops;
	unsigned int size = e->mode == X86_MODE_64 ? 8 : 4;

	if (e->insn.form == X86_FORM_CR_R)
		return ops->set_cr(&e->ctx, e->insn.reg, x86_emul_gpr(e, e->insn.rm, size, 0));
	x86_emul_set_gpr(e, e->insn.rm, size, 0, ops->get_cr(&e->ctx, e->insn.reg));
	return 0;
}

/*
 * DR4 and DR5 are other names of DR6 and DR7, which CR4.DE takes away; DR7.GD traps each access: an intercept
 * comes before the CPU's own trap. (SDM volume 3, 18.2.2 and 18.2.4; 26.1.3)
 */
static int emul_dr(struct x86_emul *e)
{
	const struct x86_ops *ops = e->ctx.ops;
	unsigned int size = e->mode == X86_MODE_64 ? 8 : 4, dr = e->insn.reg;
	u64 v = x86_emul_gpr(e, e->insn.rm, size, 0), dr7 = ops->get_dr(&e->ctx, 7);

	if ((dr == 4 || dr == 5) && (ops->get_cr(&e->ctx, 4) & X86_CR4_DE))
		return x86_raise(&e->ctx, X86_UD);
	if (dr7 & DR7_GD) {
		ops->set_dr(&e->ctx, 7, dr7 & ~(u64)DR7_GD);
		ops->set_dr(&e->ctx, 6, ops->get_dr(&e->ctx, 6) | DR6_BD);
		return x86_raise(&e->ctx, X86_DB);
	}
	if (dr == 4 || dr == 5)
		dr += 2;
	if (e->insn.form == X86_FORM_R_DR) {
		x86_emul_set_gpr(e, e->insn.rm, size, 0, ops->get_dr(&e->ctx, dr));
		return 0;
	}
	if (dr >= 6 && v >> 32)
		return x86_raise_err(&e->ctx, X86_GP, 0);
	ops->set_dr(&e->ctx, dr, v);
	return 0;
}

static int emul_msw(struct x86_emul *e)
{
	u64 cr0 = e->ctx.ops->get_cr(&e->ctx, 0), v;
	int ret;

	if (e->insn.op == X86_OP_SMSW)
		return x86_emul_rm_set(e, e->insn.mod == 3 ? e->insn.opsize : 2, cr0);
	if (e->ctx.cpl)
		return x86_raise_err(&e->ctx, X86_GP, 0);
	if (e->insn.op == X86_OP_CLTS)
		return e->ctx.ops->set_cr(&e->ctx, 0, cr0 & ~(u64)X86_CR0_TS);
	ret = x86_emul_rm_get(e, 2, &v);
	if (ret)
		return ret;
	/* LMSW sets PE but never clears it. */
	return e->ctx.ops->set_cr(&e->ctx, 0, (cr0 & ~(u64)0xe) | (v & 0xf));
}

/* Without any check of the operand; not canonical is no address of any page. (SDM volume 2, INVLPG) */
static int emul_invlpg(struct x86_emul *e)
{
	u64 lin = x86_emul_ea(e);
	struct x86_seg seg;

	if (e->ctx.cpl)
		return x86_raise_err(&e->ctx, X86_GP, 0);
	e->ctx.ops->get_seg(&e->ctx, e->insn.seg, &seg);
	if (e->mode != X86_MODE_64)
		lin = (u32)(lin + seg.base);
	else if (e->insn.seg == X86_FS || e->insn.seg == X86_GS)
		lin += seg.base;
	if (e->io->invlpg)
		e->io->invlpg(&e->ctx, lin);
	return 0;
}

typedef int (*emul_fn)(struct x86_emul *e);

static const emul_fn emul_table[X86_OP_COUNT] = {
	[X86_OP_MOV] = emul_mov,
	[X86_OP_MOVNTI] = emul_mov,
	[X86_OP_MOVZX] = emul_movx,
	[X86_OP_MOVSX] = emul_movx,
	[X86_OP_MOVSXD] = emul_movx,
	[X86_OP_ADD] = emul_arith,
	[X86_OP_OR] = emul_arith,
	[X86_OP_ADC] = emul_arith,
	[X86_OP_SBB] = emul_arith,
	[X86_OP_AND] = emul_arith,
	[X86_OP_SUB] = emul_arith,
	[X86_OP_XOR] = emul_arith,
	[X86_OP_CMP] = emul_arith,
	[X86_OP_TEST] = emul_arith,
	[X86_OP_INC] = emul_arith,
	[X86_OP_DEC] = emul_arith,
	[X86_OP_NEG] = emul_arith,
	[X86_OP_NOT] = emul_arith,
	[X86_OP_BT] = emul_bit,
	[X86_OP_BTS] = emul_bit,
	[X86_OP_BTR] = emul_bit,
	[X86_OP_BTC] = emul_bit,
	[X86_OP_XCHG] = emul_xchg,
	[X86_OP_XADD] = emul_xchg,
	[X86_OP_CMPXCHG] = emul_cmpxchg,
	[X86_OP_CMPXCHG8B] = x86_emul_cmpxchg_wide,
	[X86_OP_CMPXCHG16B] = x86_emul_cmpxchg_wide,
	[X86_OP_SHL] = x86_emul_shift,
	[X86_OP_SHR] = x86_emul_shift,
	[X86_OP_SAR] = x86_emul_shift,
	[X86_OP_ROL] = x86_emul_shift,
	[X86_OP_ROR] = x86_emul_shift,
	[X86_OP_RCL] = x86_emul_shift,
	[X86_OP_RCR] = x86_emul_shift,
	[X86_OP_SHLD] = x86_emul_shift2,
	[X86_OP_SHRD] = x86_emul_shift2,
	[X86_OP_MUL] = x86_emul_mul,
	[X86_OP_IMUL] = x86_emul_mul,
	[X86_OP_DIV] = x86_emul_div,
	[X86_OP_IDIV] = x86_emul_div,
	[X86_OP_CBW] = x86_emul_extend,
	[X86_OP_CWD] = x86_emul_extend,
	[X86_OP_BSF] = x86_emul_scan,
	[X86_OP_BSR] = x86_emul_scan,
	[X86_OP_BSWAP] = x86_emul_bswap,
	[X86_OP_LEA] = x86_emul_lea,
	[X86_OP_XLAT] = x86_emul_xlat,
	[X86_OP_DAA] = x86_emul_decimal,
	[X86_OP_DAS] = x86_emul_decimal,
	[X86_OP_AAA] = x86_emul_decimal,
	[X86_OP_AAS] = x86_emul_decimal,
	[X86_OP_AAM] = x86_emul_decimal,
	[X86_OP_AAD] = x86_emul_decimal,
	[X86_OP_SALC] = x86_emul_decimal,
	[X86_OP_CLC] = x86_emul_flag,
	[X86_OP_STC] = x86_emul_flag,
	[X86_OP_CMC] = x86_emul_flag,
	[X86_OP_CLD] = x86_emul_flag,
	[X86_OP_STD] = x86_emul_flag,
	[X86_OP_LAHF] = x86_emul_flag,
	[X86_OP_SAHF] = x86_emul_flag,
	[X86_OP_NOP] = x86_emul_flag,
	[X86_OP_PAUSE] = x86_emul_flag,
	[X86_OP_PREFETCH] = x86_emul_flag,
	[X86_OP_PREFETCHW] = x86_emul_flag,
	[X86_OP_SETCC] = x86_emul_cond,
	[X86_OP_CMOVCC] = x86_emul_cond,
	[X86_OP_JCC] = x86_emul_jump,
	[X86_OP_JMP_NEAR_REL] = x86_emul_jump,
	[X86_OP_JMP_NEAR_IND] = x86_emul_jump,
	[X86_OP_LOOP] = x86_emul_loop,
	[X86_OP_LOOPE] = x86_emul_loop,
	[X86_OP_LOOPNE] = x86_emul_loop,
	[X86_OP_JCXZ] = x86_emul_loop,
	[X86_OP_CALL_NEAR_REL] = x86_emul_call,
	[X86_OP_CALL_NEAR_IND] = x86_emul_call,
	[X86_OP_RET_NEAR] = x86_emul_call,
	[X86_OP_PUSH] = x86_emul_push,
	[X86_OP_POP] = x86_emul_pop,
	[X86_OP_PUSHA] = x86_emul_pusha,
	[X86_OP_POPA] = x86_emul_pusha,
	[X86_OP_LEAVE] = x86_emul_leave,
	[X86_OP_ENTER] = x86_emul_enter,
	[X86_OP_IN] = x86_emul_port,
	[X86_OP_OUT] = x86_emul_port,
	[X86_OP_MOV_SREG] = x86_emul_sreg,
	[X86_OP_PUSH_SREG] = x86_emul_sreg,
	[X86_OP_POP_SREG] = x86_emul_sreg,
	[X86_OP_LFP] = x86_emul_lfp,
	[X86_OP_JMP_FAR_PTR] = x86_emul_far,
	[X86_OP_JMP_FAR_IND] = x86_emul_far,
	[X86_OP_CALL_FAR_PTR] = x86_emul_far,
	[X86_OP_CALL_FAR_IND] = x86_emul_far,
	[X86_OP_RET_FAR] = x86_emul_far,
	[X86_OP_IRET] = x86_emul_far,
	[X86_OP_INT] = x86_emul_int,
	[X86_OP_INT3] = x86_emul_int,
	[X86_OP_INT1] = x86_emul_int,
	[X86_OP_INTO] = x86_emul_int,
	[X86_OP_CLI] = x86_emul_if,
	[X86_OP_STI] = x86_emul_if,
	[X86_OP_PUSHF] = x86_emul_pushf,
	[X86_OP_POPF] = x86_emul_pushf,
	[X86_OP_LGDT] = x86_emul_table,
	[X86_OP_LIDT] = x86_emul_table,
	[X86_OP_SGDT] = x86_emul_table,
	[X86_OP_SIDT] = x86_emul_table,
	[X86_OP_LLDT] = x86_emul_selector,
	[X86_OP_LTR] = x86_emul_selector,
	[X86_OP_SLDT] = x86_emul_selector,
	[X86_OP_STR] = x86_emul_selector,
	[X86_OP_MOV_CR] = emul_cr,
	[X86_OP_MOV_DR] = emul_dr,
	[X86_OP_LMSW] = emul_msw,
	[X86_OP_SMSW] = emul_msw,
	[X86_OP_CLTS] = emul_msw,
	[X86_OP_INVLPG] = emul_invlpg,
	[X86_OP_MOVS] = x86_emul_string,
	[X86_OP_STOS] = x86_emul_string,
	[X86_OP_LODS] = x86_emul_string,
	[X86_OP_CMPS] = x86_emul_string,
	[X86_OP_SCAS] = x86_emul_string,
	[X86_OP_INS] = x86_emul_string,
	[X86_OP_OUTS] = x86_emul_string,
};

int x86_emul_exec(struct x86_emul *e)
{
	u64 start = e->ctx.rip, next = start + e->insn.len;
	emul_fn fn = e->insn.op < X86_OP_COUNT ? emul_table[e->insn.op] : NULL;
	int ret;

	e->shadow = 0;
	if ((e->insn.props & X86_P_PROT) && !x86_uses_descriptors(&e->ctx))
		return x86_raise(&e->ctx, X86_UD);
	if ((e->insn.props & X86_P_PRIV) && e->ctx.cpl)
		return x86_raise_err(&e->ctx, X86_GP, 0);
	ret = fn ? fn(e) : X86_EMUL_UNKNOWN;
	if (ret == X86_EMUL_UNKNOWN && (e->insn.props & (X86_P_SSE | X86_P_MMX)))
		ret = x86_emul_vec_move(e);
	if (ret == X86_EMUL_AGAIN || ret == X86_EMUL_JUMPED)
		return 0;
	if (!ret)
		e->ctx.rip = e->mode == X86_MODE_64 ? next : (u32)next;
	else if (!e->ctx.committed)
		e->ctx.rip = start;
	return ret;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The walk through the opcode tables: prefixes, opcode, ModRM and SIB, displacement, immediate,
 * then what follows from them (sizes, segment, flags, properties).
 *
 * Sources: Intel SDM volume 2, chapter 2 (instruction format) and appendix A; AMD APM volume 3,
 * chapter 1.
 */
#include "module/x86/optable.h"

struct x86_op_info {
	u16 fl_read;
	u16 fl_write;
	u8 access;
	u8 isa;
};

#define X86_OP_INFO(name, acc, rd, wr, isa) \
	{ X86_LF_##rd, X86_LF_##wr, X86_ACC_MASK_##acc, X86_ISA_##isa },
static const struct x86_op_info x86_op_info[X86_OP_COUNT] = { X86_OP_LIST(X86_OP_INFO) };

#define X86_OP_NAME(name, acc, rd, wr, isa) #name,
static const char *const x86_op_names[X86_OP_COUNT] = { X86_OP_LIST(X86_OP_NAME) };

struct x86_enc_info {
	u8 form;
	u8 size;
	u8 imm;
	u8 flags;
};

#define X86_ENC_INFO(name, form, size, imm, flags) \
	{ X86_FORM_##form, X86_SZ_##size, X86_IMM_##imm, flags },
static const struct x86_enc_info x86_enc_info[X86_ENC_COUNT] = { X86_ENC_LIST(X86_ENC_INFO) };

/* Flags that condition codes test, by cc / 2. */
static const u16 x86_cc_flags[8] = {
	X86_FL_OF, X86_FL_CF, X86_FL_ZF, X86_FL_CF | X86_FL_ZF,
	X86_FL_SF, X86_FL_PF, X86_FL_SF | X86_FL_OF, X86_FL_ZF | X86_FL_SF | X86_FL_OF,
};

/* The reader of one instruction. */
struct x86_dec {
	struct x86_insn *insn;
	const u8 *bytes;
	unsigned int avail;
	unsigned int pos;
	unsigned int mode;
	int rc;            /* the first X86_DECODE_* met; reading goes on giving zeros */
	u8 rep;            /* the last of F2 and F3, or 0 */
	u8 rex;
	u8 modrm;
	u8 have_modrm;
	u8 vex;
	u8 pfx;            /* column of the mandatory prefix: 0 none, 1 66, 2 F3, 3 F2 */
	u8 seg_override;   /* enum x86_seg_reg or X86_NSEG */
	u8 opsize66;
	u8 addr67;
};

const char *x86_op_name(unsigned int op)
{
	return op < X86_OP_COUNT ? x86_op_names[op] : "?";
}

static u8 x86_dec_byte(struct x86_dec *d)
{
	if (d->rc)
		return 0;
	if (d->pos >= X86_INSN_MAX) {
		d->rc = X86_DECODE_TOO_LONG;
		return 0;
	}
	if (d->pos >= d->avail) {
		d->rc = X86_DECODE_MORE;
		return 0;
	}
	return d->bytes[d->pos++];
}

/* A little-endian number of n bytes, zero-extended. */
static u64 x86_dec_uint(struct x86_dec *d, unsigned int n)
{
	u64 v = 0;
	unsigned int i;

	for (i = 0; i < n; i++)
		v |= (u64)x86_dec_byte(d) << (8 * i);
	return v;
}

static s64 x86_dec_sint(struct x86_dec *d, unsigned int n)
{
	u64 v = x86_dec_uint(d, n);

	switch (n) {
	case 1: return (s8)v;
	case 2: return (s16)v;
	case 4: return (s32)v;
	}
	return (s64)v;
}

static void x86_dec_need_modrm(struct x86_dec *d)
{
	if (d->have_modrm)
		return;
	d->modrm = x86_dec_byte(d);
	d->have_modrm = 1;
}

/* Takes the legacy prefixes and REX; returns the first opcode byte. REX counts only right before
 * the opcode. */
static u8 x86_dec_prefixes(struct x86_dec *d)
{
	struct x86_insn *in = d->insn;
	u8 b;

	for (;;) {
		b = x86_dec_byte(d);
		if (d->rc)
			return 0;
		if (d->mode == X86_MODE_64 && (b & 0xf0) == 0x40) {
			d->rex = b;
			continue;
		}
		switch (b) {
		case 0x26: case 0x2e: case 0x36: case 0x3e:
			if (d->mode != X86_MODE_64)
				d->seg_override = (b >> 3) & 3;
			break;
		case 0x64: case 0x65:
			d->seg_override = X86_FS + (b & 1);
			break;
		case 0x66:
			d->opsize66 = 1;
			break;
		case 0x67:
			d->addr67 = 1;
			break;
		case 0xf0:
			in->prefixes |= X86_PFX_LOCK;
			break;
		case 0xf2: case 0xf3:
			d->rep = b;
			break;
		default:
			return b;
		}
		d->rex = 0;
	}
}

/*
 * VEX: C5 RvvvvLpp, or C4 RXBmmmmm WvvvvLpp. Outside of 64-bit mode C4 and C5 are LES and LDS unless
 * the next byte looks like a register form. Returns the table of the map, NULL for none.
 */
static const struct x86_row4 *x86_dec_vex(struct x86_dec *d, u8 first)
{
	struct x86_insn *in = d->insn;
	u8 p0 = x86_dec_byte(d), p1;
	u8 map = 1, bits;

	if (d->rex || d->rep || d->opsize66 || (in->prefixes & X86_PFX_LOCK))
		return NULL;
	d->vex = 1;
	bits = 0x40 | (p0 & 0x80 ? 0 : 4);
	p1 = p0;
	if (first == 0xc4) {
		p1 = x86_dec_byte(d);
		bits |= (p0 & 0x40 ? 0 : 2) | (p0 & 0x20 ? 0 : 1) | (p1 & 0x80 ? 8 : 0);
		map = p0 & 0x1f;
	}
	/* W, B and the high bit of vvvv are ignored where there are eight registers of 32 bits */
	in->vvvv = (~p1 >> 3) & 15;
	if (d->mode != X86_MODE_64) {
		bits = 0x40;
		in->vvvv &= 7;
	}
	d->rex = bits;
	d->pfx = p1 & 3;
	/* pp: 1 is 66, 2 is F3, 3 is F2, as the table's columns. L must be 0: no 256-bit forms. */
	if (p1 & 4)
		return NULL;
	in->map = map;
	in->opcode = x86_dec_byte(d);
	in->props |= X86_P_VEX | X86_P_PROT;
	if (map == 2)
		return x86_vex_38;
	return map == 3 ? x86_vex_3a : NULL;
}

static const struct x86_slot x86_slot_undef = X86_UNDEF;
static const struct x86_slot x86_slot_movsxd = X86_LM(MOVSXD, GvEv, X86_MS_SXD, 0);
static const struct x86_slot x86_slot_nop = X86_L(NOP, NONE, 0);
static const struct x86_slot x86_slot_pause = X86_L(PAUSE, NONE, 0);

/* The slot of a one-byte opcode that depends on more than the tables say. */
static const struct x86_slot *x86_dec_map_1b(struct x86_dec *d, u8 b)
{
	if (b == 0x90 && d->rep == 0xf3)
		return &x86_slot_pause;
	if (b == 0x90 && !(d->rex & 1))
		return &x86_slot_nop;
	if (b == 0x63 && d->mode == X86_MODE_64)
		return &x86_slot_movsxd;
	return &x86_map_1b[b];
}

/* Reads the opcode and finds the first slot. */
static const struct x86_slot *x86_dec_opcode(struct x86_dec *d)
{
	struct x86_insn *in = d->insn;
	const struct x86_row4 *rows = NULL;
	u8 b = x86_dec_prefixes(d);

	d->pfx = d->rep == 0xf3 ? 2 : d->rep == 0xf2 ? 3 : d->opsize66;
	in->opcode = b;
	if (d->rc)
		return &x86_slot_undef;
	if (b == 0xc4 || b == 0xc5) {
		/* The byte decides, so it must be there. */
		if (d->mode != X86_MODE_64 && d->pos < d->avail && d->pos < X86_INSN_MAX &&
		    (d->bytes[d->pos] & 0xc0) != 0xc0)
			return &x86_map_1b[b];
		rows = x86_dec_vex(d, b);
		return rows ? &rows[in->opcode].s[d->pfx] : &x86_slot_undef;
	}
	if (b != 0x0f)
		return x86_dec_map_1b(d, b);
	b = x86_dec_byte(d);
	in->map = 1;
	if (b == 0x38 || b == 0x3a) {
		in->map = b == 0x38 ? 2 : 3;
		rows = b == 0x38 ? x86_pfx_38 : x86_pfx_3a;
		b = x86_dec_byte(d);
	} else if (x86_map_0f[b].enc == X86_ENC_BY_PFX) {
		rows = x86_pfx_0f;
	}
	in->opcode = b;
	return rows ? &rows[b].s[d->pfx] : &x86_map_0f[b];
}

/* Follows ModRM-indexed sub-tables down to a leaf. Flags on the way are collected. */
static const struct x86_slot *x86_dec_leaf(struct x86_dec *d, const struct x86_slot *slot,
					   u32 *flags)
{
	*flags = slot->flags;
	while (slot->enc > X86_ENC_BY_PFX) {
		x86_dec_need_modrm(d);
		if (slot->enc == X86_ENC_BY_MOD)
			slot = &x86_sub2[slot->op].s[d->modrm >= 0xc0];
		else if (slot->enc == X86_ENC_BY_REG)
			slot = &x86_sub8[slot->op].s[(d->modrm >> 3) & 7];
		else
			slot = &x86_sub8[slot->op].s[d->modrm & 7];
		*flags |= slot->flags;
	}
	return slot;
}

static unsigned int x86_dec_opsize(const struct x86_dec *d, unsigned int rule)
{
	int w = d->rex & 8;
	unsigned int v;

	if (d->mode == X86_MODE_16)
		v = d->opsize66 ? 4 : 2;
	else
		v = d->opsize66 ? 2 : 4;
	switch (rule) {
	case X86_SZ_B: return 1;
	case X86_SZ_W: return 2;
	case X86_SZ_D: return 4;
	case X86_SZ_Q: return 8;
	case X86_SZ_Z: return v;
	case X86_SZ_Y: return w ? 8 : 4;
	case X86_SZ_NAT: return d->mode == X86_MODE_64 ? 8 : 4;
	case X86_SZ_VEC: return 16;
	case X86_SZ_D64:
		if (d->mode == X86_MODE_64)
			return !w && d->opsize66 ? 2 : 8;
		return v;
	case X86_SZ_F64:
		return d->mode == X86_MODE_64 ? 8 : v;
	}
	return w ? 8 : v;
}

static unsigned int x86_dec_memsize(const struct x86_dec *d, unsigned int code, unsigned int opsize)
{
	switch (code) {
	case 0: return opsize;
	case X86_MS_NONE: return 0;
	case X86_MS_FAR: return opsize + 2;
	case X86_MS_DTR: return d->mode == X86_MODE_64 ? 10 : 6;
	case X86_MS_TWICE: return 2 * opsize;
	case X86_MS_FENV: return opsize == 2 ? 14 : 28;
	case X86_MS_FSTATE: return opsize == 2 ? 94 : 108;
	case X86_MS_512: return 512;
	case X86_MS_SXD: return opsize == 2 ? 2 : 4;
	}
	return code;
}

/* base | index << 4 of the eight 16-bit addressing forms; 15 is none */
static const u8 x86_mem16[8] = {
	X86_RBX | X86_RSI << 4, X86_RBX | X86_RDI << 4, X86_RBP | X86_RSI << 4,
	X86_RBP | X86_RDI << 4, X86_RSI | 0xf0, X86_RDI | 0xf0, X86_RBP | 0xf0, X86_RBX | 0xf0,
};

static void x86_dec_disp(struct x86_dec *d, unsigned int n)
{
	d->insn->disp = x86_dec_sint(d, n);
	d->insn->disp_len = n;
}

static void x86_dec_mem16(struct x86_dec *d)
{
	struct x86_insn *in = d->insn;
	unsigned int rm = d->modrm & 7;

	if (in->mod == 0 && rm == 6) {
		x86_dec_disp(d, 2);
		in->disp = (u16)in->disp;
		return;
	}
	in->base = x86_mem16[rm] & 15;
	if (rm < 4)
		in->index = x86_mem16[rm] >> 4;
	if (in->base == X86_RBP)
		in->seg = X86_SS;
	if (in->mod)
		x86_dec_disp(d, in->mod);
}

static void x86_dec_mem32(struct x86_dec *d)
{
	struct x86_insn *in = d->insn;
	unsigned int rm = d->modrm & 7, disp = 0;
	u8 sib;

	if (in->mod == 1)
		disp = 1;
	else if (in->mod == 2)
		disp = 4;
	in->base = rm | (d->rex & 1 ? 8 : 0);
	if (rm == 4) {
		sib = x86_dec_byte(d);
		in->scale = sib >> 6;
		in->index = ((sib >> 3) & 7) | (d->rex & 2 ? 8 : 0);
		if (in->index == X86_RSP)
			in->index = X86_NO_REG;
		in->base = (sib & 7) | (d->rex & 1 ? 8 : 0);
		if (in->mod == 0 && (sib & 7) == 5) {
			in->base = X86_NO_REG;
			disp = 4;
		}
	} else if (in->mod == 0 && rm == 5) {
		in->base = d->mode == X86_MODE_64 ? X86_RIP : X86_NO_REG;
		disp = 4;
	}
	if (in->base == X86_RSP || in->base == X86_RBP)
		in->seg = X86_SS;
	if (disp)
		x86_dec_disp(d, disp);
}

static void x86_dec_modrm(struct x86_dec *d, unsigned int eflags)
{
	struct x86_insn *in = d->insn;

	x86_dec_need_modrm(d);
	in->props |= X86_P_MODRM;
	in->mod = eflags & X86_EF_MOD3 ? 3 : d->modrm >> 6;
	in->reg = ((d->modrm >> 3) & 7) | (d->rex & 4 ? 8 : 0);
	in->rm = (d->modrm & 7) | (d->rex & 1 ? 8 : 0);
	if (in->mod == 3)
		return;
	if (in->addrsize == 2)
		x86_dec_mem16(d);
	else
		x86_dec_mem32(d);
}

/* Registers that are in the opcode or implied. */
static void x86_dec_opreg(struct x86_dec *d, unsigned int eflags)
{
	struct x86_insn *in = d->insn;

	if (eflags & X86_EF_OPREG)
		in->rm = (in->opcode & 7) | (d->rex & 1 ? 8 : 0);
	if (eflags & X86_EF_SREG)
		in->reg = (in->opcode >> 3) & 7;
}

/* AH, CH, DH, BH are byte registers 4 to 7 where no REX prefix is. */
static void x86_dec_high_bytes(struct x86_dec *d, unsigned int eflags)
{
	struct x86_insn *in = d->insn;

	if (d->rex)
		return;
	if ((eflags & X86_EF_BREG) && in->reg >= 4) {
		in->reg -= 4;
		in->props |= X86_P_HIGH_REG;
	}
	if ((eflags & X86_EF_BRM) && in->mod == 3 && in->rm >= 4) {
		in->rm -= 4;
		in->props |= X86_P_HIGH_RM;
	}
}

static void x86_dec_imm(struct x86_dec *d, unsigned int kind)
{
	struct x86_insn *in = d->insn;
	unsigned int start = d->pos, z = in->opsize == 2 ? 2 : 4;

	switch (kind) {
	case X86_IMM_NONE:
		return;
	case X86_IMM_IB:
	case X86_IMM_JB:
		in->imm = x86_dec_sint(d, 1);
		break;
	case X86_IMM_UB:
		in->imm = x86_dec_uint(d, 1);
		break;
	case X86_IMM_IW:
		in->imm = x86_dec_uint(d, 2);
		break;
	case X86_IMM_IZ:
	case X86_IMM_JZ:
		in->imm = x86_dec_sint(d, z);
		break;
	case X86_IMM_IV:
		in->imm = x86_dec_sint(d, in->opsize);
		break;
	case X86_IMM_FAR:
		in->imm = x86_dec_uint(d, z);
		in->imm2 = x86_dec_uint(d, 2);
		break;
	case X86_IMM_ENTER:
		in->imm = x86_dec_uint(d, 2);
		in->imm2 = x86_dec_uint(d, 1);
		break;
	case X86_IMM_MOFFS:
		in->disp = x86_dec_uint(d, in->addrsize);
		in->disp_len = in->addrsize;
		in->mod = 0;
		in->props |= X86_P_MOFFS;
		return;
	}
	in->props |= X86_P_IMM;
	in->imm_len = d->pos - start;
}

/* What the memory operand is used for, by the form's direction. */
static u32 x86_dec_mem_access(const struct x86_insn *in, unsigned int access)
{
	if (in->mod == 3 || !in->memsize)
		return 0;
	switch (in->form) {
	case X86_FORM_R_RM: case X86_FORM_R_RM_IMM: case X86_FORM_SREG_RM:
	case X86_FORM_R_VEX_RM: case X86_FORM_R_RM_VEX: case X86_FORM_VEX_RM:
	case X86_FORM_XMM_XMMM: case X86_FORM_XMM_RM: case X86_FORM_R_XMMM:
	case X86_FORM_XMM_MMM: case X86_FORM_MM_XMMM: case X86_FORM_MM_MMM: case X86_FORM_MM_RM:
	case X86_FORM_R_MMM:
		return X86_P_MEM_READ;
	}
	return (access & X86_ACC_MASK_R ? X86_P_MEM_READ : 0) |
	       (access & X86_ACC_MASK_W ? X86_P_MEM_WRITE : 0);
}

/* Which register files the form uses, hence what must be enabled. */
static u32 x86_dec_vector_props(const struct x86_insn *in, u32 flags)
{
	u32 p = 0;

	switch (in->form) {
	case X86_FORM_XMM_XMMM: case X86_FORM_XMMM_XMM:
		if (in->memsize == 16 && in->mod != 3 && !(flags & X86_T_UNAL))
			p = X86_P_ALIGN;
		X86_FALLTHROUGH;
	case X86_FORM_XMM_IMM: case X86_FORM_XMM_RM: case X86_FORM_RM_XMM: case X86_FORM_R_XMMM:
		return p | X86_P_SSE;
	case X86_FORM_MM_XMMM:
		if (in->memsize == 16 && in->mod != 3)
			p = X86_P_ALIGN;
		X86_FALLTHROUGH;
	case X86_FORM_XMM_MMM:
		return p | X86_P_SSE | X86_P_MMX;
	case X86_FORM_MM_MMM: case X86_FORM_MMM_MM: case X86_FORM_MM_IMM: case X86_FORM_MM_RM:
	case X86_FORM_RM_MM: case X86_FORM_R_MMM:
		return X86_P_MMX;
	}
	return 0;
}

/* An operation that exists for both register files came with SSE2 (or SSE4.1) to XMM registers. */
static u8 x86_dec_isa(const struct x86_insn *in, u8 isa)
{
	if ((in->props & X86_P_SSE) && in->op >= X86_OP_EMMS && in->op <= X86_OP_PALIGNR &&
	    (isa == X86_ISA_MMX || isa == X86_ISA_SSE))
		isa = in->map == 3 ? X86_ISA_SSE41 : X86_ISA_SSE2;
	if ((in->props & X86_P_PRIV) && in->op == X86_OP_MOV_CR && in->reg == 8)
		isa = X86_ISA_LM;
	return isa;
}

/* Shifts by a known count either write flags for sure or leave them all alone. ROL and ROR by an
 * immediate other than 1 leave OF; RCL and RCR may come round to no rotation at all. */
static void x86_dec_shift_flags(struct x86_insn *in)
{
	unsigned int count = in->form == X86_FORM_RM_1 ? 1 : in->imm & (in->opsize == 8 ? 63 : 31);

	if (in->form != X86_FORM_RM_1 && in->form != X86_FORM_RM_IMM && in->form != X86_FORM_RM_R_IMM)
		return;
	in->fl_read = 0;
	if (!count)
		in->fl_write = 0;
	else if (in->op == X86_OP_RCL || in->op == X86_OP_RCR)
		in->fl_read = X86_FL_CF | (count % (8 * in->opsize + 1) ? 0 : X86_FL_OF);
	else if (in->op == X86_OP_ROL || in->op == X86_OP_ROR)
		in->fl_read = count == 1 ? 0 : X86_FL_OF;
}

/* REX does not reach segment registers, x87 and MMX registers: there are eight at most. */
static void x86_dec_mask_regs(struct x86_insn *in)
{
	switch (in->form) {
	case X86_FORM_SREG_RM: case X86_FORM_RM_SREG: case X86_FORM_MM_XMMM: case X86_FORM_MM_RM:
	case X86_FORM_RM_MM:
		in->reg &= 7;
		break;
	case X86_FORM_XMM_MMM: case X86_FORM_R_MMM: case X86_FORM_MM_IMM:
	case X86_FORM_FP_ST0_STI: case X86_FORM_FP_STI_ST0: case X86_FORM_FP_STI:
		in->rm &= 7;
		break;
	case X86_FORM_MM_MMM: case X86_FORM_MMM_MM:
		in->reg &= 7;
		in->rm &= 7;
		break;
	}
}

/* What depends on the operation rather than on its encoding. */
static void x86_dec_details(struct x86_insn *in)
{
	switch (in->op) {
	case X86_OP_JCC: case X86_OP_SETCC: case X86_OP_CMOVCC:
		in->cc = in->opcode & 15;
		in->fl_read = x86_cc_flags[in->cc >> 1];
		break;
	case X86_OP_FCMOVCC:
		/* DA: B, E, BE, U; DB: their opposites. B is 2, E 4, BE 6, U (P) 10. */
		in->cc = (in->reg & 3) == 3 ? 10 : 2 + 2 * (in->reg & 3);
		in->cc |= in->opcode & 1;
		break;
	case X86_OP_ROL: case X86_OP_ROR: case X86_OP_RCL: case X86_OP_RCR: case X86_OP_SHL:
	case X86_OP_SHR: case X86_OP_SAR: case X86_OP_SHLD: case X86_OP_SHRD:
		if (in->form == X86_FORM_RM_IMM)
			in->isa = X86_ISA_186;
		x86_dec_shift_flags(in);
		break;
	case X86_OP_CMPS: case X86_OP_SCAS:
		if (!(in->prefixes & (X86_PFX_REP | X86_PFX_REPNE)))
			in->fl_read = X86_FL_DF;
		break;
	case X86_OP_CMPXCHG8B:
		if (in->opsize == 8) {
			in->op = X86_OP_CMPXCHG16B;
			in->isa = X86_ISA_CX16;
			in->props |= X86_P_ALIGN;
		}
		break;
	case X86_OP_PREFETCH: case X86_OP_PREFETCHW:
		in->imm2 = in->reg & 7;
		break;
	case X86_OP_LFP:
		in->imm2 = in->map ? in->opcode & 7 : in->opcode == 0xc4 ? X86_ES : X86_DS;
		break;
	case X86_OP_MOV_SREG:
		if (in->form == X86_FORM_SREG_RM && in->reg == X86_SS)
			in->props |= X86_P_END;
		break;
	}
}

/* Encodings that the tables allow and the manual does not. */
static int x86_dec_undefined(const struct x86_dec *d, u32 flags)
{
	const struct x86_insn *in = d->insn;

	if (in->op == X86_OP_INVALID)
		return 1;
	if ((flags & X86_T_MEM) || in->form == X86_FORM_MEM) {
		if (in->mod == 3)
			return 1;
	}
	if ((flags & X86_T_REG) && in->mod != 3)
		return 1;
	if ((in->prefixes & X86_PFX_LOCK) && (!(in->props & X86_P_LOCKABLE) || in->mod == 3))
		return 1;
	switch (in->op) {
	case X86_OP_MOV_SREG:
		return in->reg > X86_GS || (in->form == X86_FORM_SREG_RM && in->reg == X86_CS);
	case X86_OP_MOV_CR:
		return in->reg != 0 && (in->reg < 2 || in->reg > 4) && in->reg != 8;
	case X86_OP_MOV_DR:
		return in->reg > 7;
	case X86_OP_XGETBV: case X86_OP_XSETBV: case X86_OP_VMREAD: case X86_OP_VMWRITE:
		return d->pfx != 0;
	case X86_OP_RORX:
		return in->vvvv != 0;
	}
	return 0;
}

/* Fills in what the leaf says. Reads the rest of the instruction. */
static void x86_dec_operands(struct x86_dec *d, const struct x86_slot *leaf, u32 flags)
{
	const struct x86_enc_info *enc = &x86_enc_info[leaf->enc];
	const struct x86_op_info *info = &x86_op_info[leaf->op];
	struct x86_insn *in = d->insn;

	in->op = leaf->op;
	in->form = enc->form;
	in->opsize = x86_dec_opsize(d, enc->size);
	in->props |= flags & ~X86_T_MASK;
	in->fl_read = info->fl_read;
	in->fl_write = info->fl_write;
	if (enc->flags & X86_EF_MODRM)
		x86_dec_modrm(d, enc->flags);
	else
		x86_dec_opreg(d, enc->flags);
	x86_dec_imm(d, flags & X86_T_IB ? X86_IMM_UB : enc->imm);
	if (d->rc)
		return;
	x86_dec_high_bytes(d, enc->flags);
	x86_dec_mask_regs(in);
	if (in->mod != 3 || enc->size == X86_SZ_VEC)
		in->memsize = x86_dec_memsize(d, leaf->memsize, in->opsize);
	if (enc->size == X86_SZ_VEC) {
		in->opsize = in->memsize;
		if (in->mod == 3)
			in->memsize = 0;
	}
	in->props |= x86_dec_mem_access(in, info->access) | x86_dec_vector_props(in, flags);
	in->isa = x86_dec_isa(in, info->isa);
	if (d->seg_override != X86_NSEG)
		in->seg = d->seg_override;
	x86_dec_details(in);
}

static void x86_dec_finish_prefixes(struct x86_dec *d)
{
	struct x86_insn *in = d->insn;

	in->rex = d->rex;
	if (d->opsize66)
		in->prefixes |= X86_PFX_66;
	if (d->addr67)
		in->prefixes |= X86_PFX_67;
	if (d->seg_override != X86_NSEG)
		in->prefixes |= X86_PFX_SEG;
	/* As mandatory prefixes F2 and F3 are part of the opcode. */
	if (d->rep && in->map == 0)
		in->prefixes |= d->rep == 0xf3 ? X86_PFX_REP : X86_PFX_REPNE;
	in->addrsize = d->mode;
	if (d->addr67)
		in->addrsize = d->mode == X86_MODE_32 ? 2 : 4;
}

static int x86_dec_invalid(struct x86_dec *d)
{
	struct x86_insn *in = d->insn;

	in->op = X86_OP_INVALID;
	in->form = X86_FORM_NONE;
	in->props = X86_P_BRANCH;
	in->fl_read = 0;
	in->fl_write = 0;
	in->memsize = 0;
	in->isa = X86_ISA_BASE;
	in->len = d->pos;
	return d->pos;
}

int x86_decode(struct x86_insn *insn, enum x86_mode mode, const u8 *bytes, unsigned int avail)
{
	const struct x86_slot *slot;
	struct x86_dec d;
	u32 flags;

	memset(&d, 0, sizeof(d));
	memset(insn, 0, sizeof(*insn));
	d.insn = insn;
	d.bytes = bytes;
	d.avail = avail;
	d.mode = mode;
	d.seg_override = X86_NSEG;
	insn->seg = X86_DS;
	insn->base = X86_NO_REG;
	insn->index = X86_NO_REG;
	insn->mod = 3;

	slot = x86_dec_leaf(&d, x86_dec_opcode(&d), &flags);
	if (d.rc)
		return d.rc;
	x86_dec_finish_prefixes(&d);
	if (slot->op == X86_OP_INVALID || (flags & (mode == X86_MODE_64 ? X86_T_I64 : X86_T_O64)))
		return x86_dec_invalid(&d);
	x86_dec_operands(&d, slot, flags);
	if (d.rc)
		return d.rc;
	if (x86_dec_undefined(&d, flags))
		return x86_dec_invalid(&d);
	insn->len = d.pos;
	return d.pos;
}

void x86_insn_demote(struct x86_insn *insn)
{
	if (insn->op == X86_OP_TZCNT)
		insn->op = X86_OP_BSF;
	else if (insn->op == X86_OP_LZCNT)
		insn->op = X86_OP_BSR;
	else
		return;
	insn->isa = X86_ISA_386;
	insn->fl_read = x86_op_info[insn->op].fl_read;
	insn->fl_write = x86_op_info[insn->op].fl_write;
}

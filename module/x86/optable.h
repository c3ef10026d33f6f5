/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The form of the opcode tables; private to the decoder. A table slot is either a leaf (an
 * operation with the way its operands are encoded) or leads to a smaller table that is indexed by
 * mandatory prefix, by ModRM.reg, by "memory or register", or by ModRM.rm.
 *
 * A new opcode map (VEX for AVX, EVEX) is a new table of slots; the walk through them stays.
 */
#ifndef GM_X86_OPTABLE_H
#define GM_X86_OPTABLE_H

#include "module/x86/decode.h"

/* How the effective operand size follows from prefixes and mode. */
enum x86_size_rule {
	X86_SZ_V,   /* 2, 4 or 8 by 66 and REX.W */
	X86_SZ_B,
	X86_SZ_W,
	X86_SZ_D,
	X86_SZ_Q,
	X86_SZ_Z,   /* as V, but never 8 */
	X86_SZ_Y,   /* 4, or 8 by REX.W; 66 is ignored */
	X86_SZ_D64, /* as V outside of 64-bit mode, there 8 or (with 66) 2 */
	X86_SZ_F64, /* as V outside of 64-bit mode, there 8 */
	X86_SZ_NAT, /* 8 in 64-bit mode, else 4 */
	X86_SZ_VEC, /* what memsize is, 16 when nothing is said */
};

enum x86_imm_kind {
	X86_IMM_NONE,
	X86_IMM_IB,    /* sign-extended byte */
	X86_IMM_UB,    /* zero-extended byte */
	X86_IMM_IW,    /* zero-extended word */
	X86_IMM_IZ,    /* word, or sign-extended dword */
	X86_IMM_IV,    /* as wide as the operand */
	X86_IMM_JB,
	X86_IMM_JZ,
	X86_IMM_FAR,   /* offset, then selector */
	X86_IMM_ENTER, /* word, then byte */
	X86_IMM_MOFFS, /* direct address, into disp */
};

/* Operand encodings: names follow the SDM's appendix A where it has one. X(name, form, size rule,
 * immediate, flags) */
#define X86_EF_MODRM  0x01u
#define X86_EF_OPREG  0x02u /* rm is in the opcode's low bits */
#define X86_EF_ACC    0x04u /* rm is the accumulator */
#define X86_EF_BREG   0x08u /* reg is a byte register */
#define X86_EF_BRM    0x10u /* rm is a byte register */
#define X86_EF_MOD3   0x20u /* ModRM.mod is ignored, r/m is a register */
#define X86_EF_SREG   0x40u /* bits 3 to 5 of the opcode are the segment register */

#define X86_ENC_LIST(X) \
	X(NONE, NONE, V, NONE, 0) \
	X(NB, NONE, B, NONE, 0) \
	X(NW, NONE, W, NONE, 0) \
	X(ND, NONE, D, NONE, 0) \
	X(NZ, NONE, Z, NONE, 0) \
	X(NY, NONE, Y, NONE, 0) \
	X(N64, NONE, D64, NONE, 0) \
	X(NF64, NONE, F64, NONE, 0) \
	X(NM, NONE, V, NONE, X86_EF_MODRM) \
	X(EbGb, RM_R, B, NONE, X86_EF_MODRM | X86_EF_BREG | X86_EF_BRM) \
	X(EvGv, RM_R, V, NONE, X86_EF_MODRM) \
	X(EwGw, RM_R, W, NONE, X86_EF_MODRM) \
	X(EyGy, RM_R, Y, NONE, X86_EF_MODRM) \
	X(EnGn, RM_R, NAT, NONE, X86_EF_MODRM) \
	X(GbEb, R_RM, B, NONE, X86_EF_MODRM | X86_EF_BREG | X86_EF_BRM) \
	X(GvEv, R_RM, V, NONE, X86_EF_MODRM) \
	X(GvEb, R_RM, V, NONE, X86_EF_MODRM | X86_EF_BRM) \
	X(GdEb, R_RM, B, NONE, X86_EF_MODRM | X86_EF_BRM) \
	X(GyEy, R_RM, Y, NONE, X86_EF_MODRM) \
	X(GnEn, R_RM, NAT, NONE, X86_EF_MODRM) \
	X(AlIb, RM_IMM, B, IB, X86_EF_ACC) \
	X(AxIz, RM_IMM, V, IZ, X86_EF_ACC) \
	X(EbIb, RM_IMM, B, IB, X86_EF_MODRM | X86_EF_BRM) \
	X(EvIz, RM_IMM, V, IZ, X86_EF_MODRM) \
	X(EvIb, RM_IMM, V, IB, X86_EF_MODRM) \
	X(EbUb, RM_IMM, B, UB, X86_EF_MODRM | X86_EF_BRM) \
	X(EvUb, RM_IMM, V, UB, X86_EF_MODRM) \
	X(Eb1, RM_1, B, NONE, X86_EF_MODRM | X86_EF_BRM) \
	X(Ev1, RM_1, V, NONE, X86_EF_MODRM) \
	X(EbCl, RM_CL, B, NONE, X86_EF_MODRM | X86_EF_BRM) \
	X(EvCl, RM_CL, V, NONE, X86_EF_MODRM) \
	X(Eb, RM, B, NONE, X86_EF_MODRM | X86_EF_BRM) \
	X(Ew, RM, W, NONE, X86_EF_MODRM) \
	X(Ev, RM, V, NONE, X86_EF_MODRM) \
	X(Ey, RM, Y, NONE, X86_EF_MODRM) \
	X(En, RM, NAT, NONE, X86_EF_MODRM) \
	X(E64, RM, D64, NONE, X86_EF_MODRM) \
	X(EF64, RM, F64, NONE, X86_EF_MODRM) \
	X(Zv, RM, V, NONE, X86_EF_OPREG) \
	X(Zy, RM, Y, NONE, X86_EF_OPREG) \
	X(Z64, RM, D64, NONE, X86_EF_OPREG) \
	X(ZbIb, RM_IMM, B, IB, X86_EF_OPREG | X86_EF_BRM) \
	X(ZvIv, RM_IMM, V, IV, X86_EF_OPREG) \
	X(ZvAx, RM_R, V, NONE, X86_EF_OPREG) \
	X(GvEvIz, R_RM_IMM, V, IZ, X86_EF_MODRM) \
	X(GvEvIb, R_RM_IMM, V, IB, X86_EF_MODRM) \
	X(EvGvUb, RM_R_IMM, V, UB, X86_EF_MODRM) \
	X(EvGvCl, RM_R_CL, V, NONE, X86_EF_MODRM) \
	X(Ib64, IMM, D64, IB, 0) \
	X(Iz64, IMM, D64, IZ, 0) \
	X(Ub, IMM, V, UB, 0) \
	X(UbB, IMM, B, UB, 0) \
	X(UbZ, IMM, Z, UB, 0) \
	X(IwF64, IMM, F64, IW, 0) \
	X(IwV, IMM, V, IW, 0) \
	X(IwIb, IMM_IMM, D64, ENTER, 0) \
	X(Jb, REL, F64, JB, 0) \
	X(Jz, REL, F64, JZ, 0) \
	X(Ap, FARPTR, V, FAR, 0) \
	X(Sreg, SREG, D64, NONE, X86_EF_SREG) \
	X(EvSw, RM_SREG, V, NONE, X86_EF_MODRM) \
	X(SwEw, SREG_RM, W, NONE, X86_EF_MODRM) \
	X(AlOb, R_RM, B, MOFFS, 0) \
	X(AxOv, R_RM, V, MOFFS, 0) \
	X(ObAl, RM_R, B, MOFFS, 0) \
	X(OvAx, RM_R, V, MOFFS, 0) \
	X(RnCn, R_CR, NAT, NONE, X86_EF_MODRM | X86_EF_MOD3) \
	X(CnRn, CR_R, NAT, NONE, X86_EF_MODRM | X86_EF_MOD3) \
	X(RnDn, R_DR, NAT, NONE, X86_EF_MODRM | X86_EF_MOD3) \
	X(DnRn, DR_R, NAT, NONE, X86_EF_MODRM | X86_EF_MOD3) \
	X(M, MEM, V, NONE, X86_EF_MODRM) \
	X(My, MEM, Y, NONE, X86_EF_MODRM) \
	X(GyByEy, R_VEX_RM, Y, NONE, X86_EF_MODRM) \
	X(GyEyBy, R_RM_VEX, Y, NONE, X86_EF_MODRM) \
	X(ByEy, VEX_RM, Y, NONE, X86_EF_MODRM) \
	X(GyEyUb, R_RM_IMM, Y, UB, X86_EF_MODRM) \
	X(Fp, FP_NONE, V, NONE, X86_EF_MODRM) \
	X(Fp0i, FP_ST0_STI, V, NONE, X86_EF_MODRM) \
	X(Fpi0, FP_STI_ST0, V, NONE, X86_EF_MODRM) \
	X(Fpi, FP_STI, V, NONE, X86_EF_MODRM) \
	X(Fpax, FP_AX, W, NONE, X86_EF_MODRM) \
	X(Fm32, FP_M32, V, NONE, X86_EF_MODRM) \
	X(Fm64, FP_M64, V, NONE, X86_EF_MODRM) \
	X(Fm80, FP_M80, V, NONE, X86_EF_MODRM) \
	X(Fm16i, FP_M16I, V, NONE, X86_EF_MODRM) \
	X(Fm32i, FP_M32I, V, NONE, X86_EF_MODRM) \
	X(Fm64i, FP_M64I, V, NONE, X86_EF_MODRM) \
	X(Fbcd, FP_BCD, V, NONE, X86_EF_MODRM) \
	X(Fmem, FP_MEM, V, NONE, X86_EF_MODRM) \
	X(VxWx, XMM_XMMM, VEC, NONE, X86_EF_MODRM) \
	X(WxVx, XMMM_XMM, VEC, NONE, X86_EF_MODRM) \
	X(Ux, XMM_IMM, VEC, NONE, X86_EF_MODRM) \
	X(VxEy, XMM_RM, Y, NONE, X86_EF_MODRM) \
	X(VxEd, XMM_RM, D, NONE, X86_EF_MODRM) \
	X(EyVx, RM_XMM, Y, NONE, X86_EF_MODRM) \
	X(EdVx, RM_XMM, D, NONE, X86_EF_MODRM) \
	X(GyWx, R_XMMM, Y, NONE, X86_EF_MODRM) \
	X(GdUx, R_XMMM, D, NONE, X86_EF_MODRM) \
	X(VxQq, XMM_MMM, VEC, NONE, X86_EF_MODRM) \
	X(PqWx, MM_XMMM, VEC, NONE, X86_EF_MODRM) \
	X(PqQq, MM_MMM, Q, NONE, X86_EF_MODRM) \
	X(QqPq, MMM_MM, Q, NONE, X86_EF_MODRM) \
	X(Nq, MM_IMM, Q, NONE, X86_EF_MODRM) \
	X(PqEy, MM_RM, Y, NONE, X86_EF_MODRM) \
	X(PqEd, MM_RM, D, NONE, X86_EF_MODRM) \
	X(EyPq, RM_MM, Y, NONE, X86_EF_MODRM) \
	X(GdNq, R_MMM, D, NONE, X86_EF_MODRM)

#define X86_ENC_ENUM(name, form, size, imm, flags) X86_ENC_##name,
enum x86_enc {
	X86_ENC_LIST(X86_ENC_ENUM)
	X86_ENC_COUNT,
	/* Slots that lead to another table; `op` is its number. */
	X86_ENC_BY_PFX = X86_ENC_COUNT, /* x86_pfx_0f: none, 66, F3, F2 */
	X86_ENC_BY_REG,                 /* x86_sub8 by ModRM.reg */
	X86_ENC_BY_RM,                  /* x86_sub8 by ModRM.rm */
	X86_ENC_BY_MOD                  /* x86_sub2: memory, register */
};

/* Slot flags besides X86_P_*, which share the word. */
#define X86_T_MEM 0x80000000u /* #UD with a register */
#define X86_T_REG 0x40000000u /* #UD with memory */
#define X86_T_I64 0x20000000u /* #UD in 64-bit mode */
#define X86_T_O64 0x10000000u /* #UD outside of 64-bit mode */
#define X86_T_IB  0x08000000u /* a control byte follows */
#define X86_T_UNAL 0x04000000u /* 16 bytes of memory that need no alignment */
#define X86_T_MASK 0xff000000u

/* Sizes of the memory operand that a byte cannot say, in slot.memsize. 0: the operand size. */
#define X86_MS_NONE   255u
#define X86_MS_FAR    254u /* offset and selector */
#define X86_MS_DTR    253u /* 6 or 10 by mode */
#define X86_MS_TWICE  252u
#define X86_MS_FENV   251u /* 14 or 28 by operand size */
#define X86_MS_FSTATE 250u /* 94 or 108 */
#define X86_MS_512    249u
#define X86_MS_SXD    248u /* MOVSXD: 4, or 2 with operand size 2 */

struct x86_slot {
	u16 op;      /* enum x86_op, or the number of a sub-table */
	u8 enc;      /* enum x86_enc */
	u8 memsize;
	u32 flags;   /* X86_P_*, X86_T_* */
};

/* Sub-tables, by name. */
enum x86_sub2_id {
	X86_S2_GRP7_0, X86_S2_GRP7_1, X86_S2_GRP7_2, X86_S2_GRP7_3, X86_S2_GRP7_7,
	X86_S2_GRP15_NP, X86_S2_GRP9_NP, X86_S2_GRP9_66, X86_S2_GRP9_F3, X86_S2_GRP9_F2, X86_S2_PREFETCHW,
	X86_S2_PREFETCH, X86_S2_MOVLPS, X86_S2_MOVHPS,
	X86_S2_D8, X86_S2_D9, X86_S2_DA, X86_S2_DB, X86_S2_DC, X86_S2_DD, X86_S2_DE, X86_S2_DF,
	X86_S2_COUNT
};

enum x86_sub8_id {
	X86_S8_GRP1_EB, X86_S8_GRP1_EV, X86_S8_GRP1_EVIB, X86_S8_GRP1A,
	X86_S8_GRP2_EBUB, X86_S8_GRP2_EVUB, X86_S8_GRP2_EB1, X86_S8_GRP2_EV1,
	X86_S8_GRP2_EBCL, X86_S8_GRP2_EVCL, X86_S8_GRP3_EB, X86_S8_GRP3_EV,
	X86_S8_GRP4, X86_S8_GRP5, X86_S8_GRP6, X86_S8_GRP7, X86_S8_GRP7_0R, X86_S8_GRP7_1R,
	X86_S8_GRP7_2R, X86_S8_GRP7_3R, X86_S8_GRP7_7R, X86_S8_GRP8, X86_S8_GRP9_M,
	X86_S8_GRP9_R, X86_S8_GRP9_66M, X86_S8_GRP9_F3M, X86_S8_GRP9_F3R, X86_S8_GRP9_F2M,
	X86_S8_GRP11_EB, X86_S8_GRP11_EV,
	X86_S8_GRP12, X86_S8_GRP12_66, X86_S8_GRP13, X86_S8_GRP13_66, X86_S8_GRP14,
	X86_S8_GRP14_66, X86_S8_GRP15_NP_M, X86_S8_GRP15_NP_R, X86_S8_GRP15_66_M,
	X86_S8_GRP15_F3_R, X86_S8_GRP16, X86_S8_GRP17, X86_S8_PREFETCHW,
	X86_S8_D8M, X86_S8_D9M, X86_S8_DAM, X86_S8_DBM, X86_S8_DCM, X86_S8_DDM, X86_S8_DEM,
	X86_S8_DFM, X86_S8_D8R, X86_S8_D9R, X86_S8_DAR, X86_S8_DBR, X86_S8_DCR, X86_S8_DDR,
	X86_S8_DER, X86_S8_DFR, X86_S8_D9R2, X86_S8_D9R4, X86_S8_D9R5, X86_S8_D9R6, X86_S8_D9R7,
	X86_S8_DAR5, X86_S8_DBR4, X86_S8_DER3, X86_S8_DFR4,
	X86_S8_COUNT
};

/* Leaves and links. The memory operand's size comes third where it is not the operand size. */
#define X86_L(op, enc, flags)       { X86_OP_##op, X86_ENC_##enc, 0, (flags) }
#define X86_LM(op, enc, ms, flags)  { X86_OP_##op, X86_ENC_##enc, (ms), (flags) }
#define X86_BY_REG(id) { X86_S8_##id, X86_ENC_BY_REG, 0, 0 }
#define X86_BY_RM(id)  { X86_S8_##id, X86_ENC_BY_RM, 0, 0 }
#define X86_BY_MOD(id) { X86_S2_##id, X86_ENC_BY_MOD, 0, 0 }
#define X86_BY_PFX     { 0, X86_ENC_BY_PFX, 0, 0 }
#define X86_UNDEF      { X86_OP_INVALID, X86_ENC_NONE, 0, 0 }

struct x86_row2 { struct x86_slot s[2]; };
struct x86_row4 { struct x86_slot s[4]; };
struct x86_row8 { struct x86_slot s[8]; };

/* The one-byte and 0F maps; a slot BY_PFX of the latter continues in x86_pfx_0f[opcode]. */
extern const struct x86_slot x86_map_1b[256];
extern const struct x86_slot x86_map_0f[256];
/* Slots that depend on the mandatory prefix: none, 66, F3, F2. */
extern const struct x86_row4 x86_pfx_0f[256];
extern const struct x86_row4 x86_pfx_38[256];
extern const struct x86_row4 x86_pfx_3a[256];
/* VEX maps 2 and 3: the general-purpose ones. */
extern const struct x86_row4 x86_vex_38[256];
extern const struct x86_row4 x86_vex_3a[256];

extern const struct x86_row2 x86_sub2[X86_S2_COUNT];
extern const struct x86_row8 x86_sub8[X86_S8_COUNT];

#endif

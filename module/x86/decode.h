/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The instruction decoder: bytes in, one struct x86_insn out. No state, no memory access beyond
 * the bytes given, no knowledge of the CPU model: instructions of features that the model lacks
 * are for the caller to refuse by insn->isa.
 *
 * Sources: Intel SDM volume 2 (chapter 2: formats; appendix A: opcode maps), AMD APM volume 3.
 *
 * Operands are normalised, so that one operation has few forms:
 *   - mod == 3 means that r/m is the register `rm`; anything else means memory described by
 *     base, index, scale, disp and seg. Instructions without a ModRM byte whose operand is a
 *     register given in the opcode (INC r, PUSH r, MOV r,imm, BSWAP r, XCHG r,rAX) or that is
 *     the accumulator (ADD AL,imm; TEST; IN and OUT excepted) are given as mod == 3 with the
 *     register in rm, and have the same form as their ModRM sisters.
 *   - The effective address is base + (index << scale) + disp, truncated to addrsize; disp is
 *     sign-extended as far as its encoding says, so truncation is for the user to do.
 *   - MOV AL,moffs and its kind are R_RM and RM_R with reg = 0 and base = X86_NO_REG.
 *   - reg and rm include REX.R and REX.B. A byte register AH, CH, DH or BH is given as register
 *     0 to 3 with X86_P_HIGH_REG (for reg) or X86_P_HIGH_RM (for rm) in props.
 *   - Immediates are sign-extended to 64 bits from their encoded size unless the manual says
 *     zero-extended (shift counts, ports, ENTER, RET n, INT n, SSE control bytes);
 *     users truncate to opsize.
 */
#ifndef GM_X86_DECODE_H
#define GM_X86_DECODE_H

#include "module/x86/ops.h"
#include "module/x86/x86.h"

/* The code segment's mode: CS.D and EFER.LMA with CS.L. */
enum x86_mode {
	X86_MODE_16 = 2,
	X86_MODE_32 = 4,
	X86_MODE_64 = 8,
};

#define X86_OP_ENUM(name, access, rd, wr, isa) X86_OP_##name,
enum x86_op {
	X86_OP_LIST(X86_OP_ENUM)
	X86_OP_COUNT
};

/* Features, as a CPU model has them or not. BASE is what the 8086 had (and later encodings of it). */
enum x86_isa {
	X86_ISA_BASE, X86_ISA_186, X86_ISA_286, X86_ISA_386, X86_ISA_486, X86_ISA_FPU,
	X86_ISA_CPUID, X86_ISA_TSC, X86_ISA_MSR, X86_ISA_CX8, X86_ISA_SEP, X86_ISA_CMOV,
	X86_ISA_RDPMC, X86_ISA_MMX, X86_ISA_FXSR, X86_ISA_SSE, X86_ISA_SSE2, X86_ISA_SSE3,
	X86_ISA_MONITOR, X86_ISA_SSSE3, X86_ISA_SSE41, X86_ISA_SSE42, X86_ISA_POPCNT, X86_ISA_AES,
	X86_ISA_PCLMUL, X86_ISA_MOVBE, X86_ISA_CX16, X86_ISA_LM, X86_ISA_SYSCALL, X86_ISA_RDTSCP,
	X86_ISA_CLFLUSH, X86_ISA_CLFLUSHOPT, X86_ISA_CLWB, X86_ISA_XSAVE, X86_ISA_XSAVEOPT,
	X86_ISA_XSAVEC, X86_ISA_XSAVES, X86_ISA_LZCNT, X86_ISA_BMI1, X86_ISA_BMI2, X86_ISA_ADX,
	X86_ISA_RDRAND, X86_ISA_RDSEED, X86_ISA_FSGSBASE, X86_ISA_INVPCID, X86_ISA_SMAP,
	X86_ISA_RDPID, X86_ISA_VMX, X86_ISA_SVM,
	X86_ISA_COUNT
};

/*
 * Which operands there are; the destination comes first (the only one of RM, IMM and so on).
 * "VEX" is the register in vvvv.
 */
enum x86_form {
	X86_FORM_NONE,      /* nothing, or what the operation implies (string ops, CPUID, IN by DX) */
	X86_FORM_RM_R,
	X86_FORM_R_RM,
	X86_FORM_RM_IMM,
	X86_FORM_RM,        /* mod == 3: register rm; also PUSH r, INC r, BSWAP r, CALL r/m */
	X86_FORM_RM_1,      /* shift by one */
	X86_FORM_RM_CL,     /* shift by CL */
	X86_FORM_R_RM_IMM,  /* IMUL r,r/m,imm; RORX */
	X86_FORM_RM_R_IMM,  /* SHLD, SHRD */
	X86_FORM_RM_R_CL,   /* SHLD, SHRD */
	X86_FORM_IMM,       /* PUSH imm, INT n, RET n, AAM, AAD; IN and OUT with a port number */
	X86_FORM_IMM_IMM,   /* ENTER: imm is the frame size, imm2 the level */
	X86_FORM_REL,       /* imm: displacement from the next instruction */
	X86_FORM_FARPTR,    /* imm: offset (zero-extended), imm2: selector */
	X86_FORM_SREG,      /* PUSH, POP: reg is the enum x86_seg_reg */
	X86_FORM_SREG_RM,   /* MOV Sreg,r/m16 */
	X86_FORM_RM_SREG,   /* MOV r/m,Sreg: memory 2 bytes, register opsize */
	X86_FORM_R_CR, X86_FORM_CR_R, /* reg: number of the control register, rm: the GPR */
	X86_FORM_R_DR, X86_FORM_DR_R, /* the same with debug registers */
	X86_FORM_R_VEX_RM,  /* ANDN, PDEP, PEXT; MULX (reg: high, vvvv: low half) */
	X86_FORM_R_RM_VEX,  /* BEXTR, BZHI, SARX, SHLX, SHRX */
	X86_FORM_VEX_RM,    /* BLSI, BLSMSK, BLSR */
	X86_FORM_FP_NONE,   /* x87: ST(0) or nothing */
	X86_FORM_FP_ST0_STI, /* rm is i; destination ST(0) */
	X86_FORM_FP_STI_ST0, /* destination ST(i) */
	X86_FORM_FP_STI,    /* FLD, FST, FSTP, FXCH, FFREE, FUCOM, FCOM(P) by register */
	X86_FORM_FP_AX,     /* FNSTSW AX */
	X86_FORM_FP_M32, X86_FORM_FP_M64, X86_FORM_FP_M80,
	X86_FORM_FP_M16I, X86_FORM_FP_M32I, X86_FORM_FP_M64I,
	X86_FORM_FP_BCD,
	X86_FORM_FP_MEM,    /* control word, status word, environment, whole state: memsize bytes */
	X86_FORM_XMM_XMMM,  /* xmm, xmm/mem; X86_P_IMM tells of a control byte */
	X86_FORM_XMMM_XMM,
	X86_FORM_XMM_IMM,   /* rm is the register */
	X86_FORM_XMM_RM,    /* xmm, GPR/mem */
	X86_FORM_RM_XMM,    /* GPR/mem, xmm */
	X86_FORM_R_XMMM,    /* GPR, xmm/mem */
	X86_FORM_XMM_MMM,   /* CVTPI2PS, CVTPI2PD, MOVQ2DQ */
	X86_FORM_MM_XMMM,   /* CVTPS2PI, CVTPD2PI, MOVDQ2Q */
	X86_FORM_MM_MMM,
	X86_FORM_MMM_MM,
	X86_FORM_MM_IMM,    /* rm is the register */
	X86_FORM_MM_RM,
	X86_FORM_RM_MM,
	X86_FORM_R_MMM,
	X86_FORM_MEM,       /* memory only, size by memsize: LGDT, FXSAVE, CMPXCHG8B, INVLPG */
	X86_FORM_COUNT
};

/* insn->prefixes */
#define X86_PFX_LOCK  0x01u
#define X86_PFX_REP   0x02u /* F3, and it was not a mandatory prefix (REP, REPE) */
#define X86_PFX_REPNE 0x04u /* F2, likewise */
#define X86_PFX_66    0x08u
#define X86_PFX_67    0x10u
#define X86_PFX_SEG   0x20u /* a segment override that counts in this mode */

/* insn->props */
#define X86_P_LOCKABLE  0x00000001u
#define X86_P_BRANCH    0x00000002u /* changes RIP (also conditionally), never falls through blindly */
#define X86_P_END       0x00000004u /* ends a block: mode, paging or interrupt state changes */
/* #GP(0) when CPL is not 0 (real mode counts as 0). MONITOR, MWAIT, CLAC, STAC and RSM have
 * conditions for #UD instead, which the operation checks. */
#define X86_P_PRIV      0x00000008u
#define X86_P_IOPL      0x00000010u /* depends on IOPL: the operation decides */
#define X86_P_PROT      0x00000020u /* #UD in real and virtual-8086 mode */
#define X86_P_MEM_READ  0x00000040u /* reads its memory operand (base/index/disp) */
#define X86_P_MEM_WRITE 0x00000080u /* writes its memory operand */
#define X86_P_IMM       0x00000100u /* imm is there */
#define X86_P_HIGH_REG  0x00000200u /* reg is AH, CH, DH or BH (reg is 0 to 3) */
#define X86_P_HIGH_RM   0x00000400u /* rm is AH, CH, DH or BH (rm is 0 to 3) */
#define X86_P_ALIGN     0x00000800u /* a memory operand not aligned to memsize is #GP(0) */
#define X86_P_STRING    0x00001000u /* string operation: takes REP */
#define X86_P_STACK     0x00002000u /* uses the stack implicitly */
#define X86_P_FPU       0x00004000u /* x87: CR0.EM or TS is #NM, a pending error #MF */
#define X86_P_MMX       0x00008000u /* uses MMX registers: CR0.EM is #UD, TS is #NM, pending #MF */
#define X86_P_SSE       0x00010000u /* CR0.EM or no CR4.OSFXSR is #UD, TS is #NM */
#define X86_P_VEX       0x00020000u
#define X86_P_MODRM     0x00040000u /* it had a ModRM byte */
#define X86_P_MOFFS     0x00080000u /* R_RM or RM_R that was encoded with a direct address */
#define X86_P_FPU_NOWAIT 0x00100000u /* x87 control instruction that ignores pending errors */

/* Values of base and index besides enum x86_gpr */
#define X86_NO_REG 16u
#define X86_RIP    17u /* base: the address of the next instruction */

struct x86_insn {
	u64 imm;
	s64 disp;          /* of the memory operand; a direct address (moffs) too */
	u32 props;         /* X86_P_* */
	u16 op;            /* enum x86_op */
	u16 imm2;          /* far selector, ENTER's level, segment of LFP, reg field of PREFETCH* */
	u16 fl_read;       /* RFLAGS bits it reads or may leave unchanged */
	u16 fl_write;      /* RFLAGS bits it writes or leaves undefined */
	u16 memsize;       /* bytes of the memory operand; 0 when none is accessed (LEA, NOP) or when
			    * only the CPU's state tells (XSAVE) */
	u8 form;           /* enum x86_form */
	u8 len;            /* 1 to 15 */
	u8 isa;            /* enum x86_isa */
	u8 opsize;         /* effective operand size: 1, 2, 4, 8; vectors: bytes of the r/m operand (4, 8, 16)
			    * except where a GPR takes part, then the GPR's size */
	u8 addrsize;       /* 2, 4, 8 */
	u8 seg;            /* enum x86_seg_reg of the memory operand or string source */
	u8 prefixes;       /* X86_PFX_* */
	u8 rex;            /* the REX byte or 0; for VEX 0x40 with its W, R, X, B */
	u8 map;            /* opcode map: 0 one-byte, 1 0F, 2 0F38, 3 0F3A */
	u8 opcode;         /* last opcode byte */
	u8 mod;            /* 0 to 3; 3: rm is a register */
	u8 reg;            /* ModRM.reg with REX.R; for groups: whatever it was */
	u8 rm;             /* ModRM.rm with REX.B, when mod is 3 */
	u8 base;           /* enum x86_gpr, X86_NO_REG, X86_RIP */
	u8 index;          /* enum x86_gpr, X86_NO_REG */
	u8 scale;          /* shift: 0 to 3 */
	u8 cc;             /* condition of JCC, SETCC, CMOVCC, FCMOVCC: 0 O, 1 NO, 2 B ... 15 G */
	u8 vvvv;           /* VEX register */
	u8 imm_len;        /* bytes the immediate took in the encoding (all of them together) */
	u8 disp_len;       /* bytes the displacement took */
	u8 pad[4];
};

/* What x86_decode() returns instead of a length. */
#define X86_DECODE_MORE (-1)     /* `avail` bytes are not the whole instruction */
#define X86_DECODE_TOO_LONG (-2) /* more than 15 bytes: #GP(0) */

#define X86_INSN_MAX 15u

/*
 * An instruction that was decoded before: the same bytes in the same mode are the same instruction.
 * The 15 bytes are kept as two words that overlap by one. mode 0 (all zeroes) is an empty entry.
 */
struct x86_decoded {
	u64 key[2];
	u8 mode;
	struct x86_insn insn;
};
#define X86_DECODED 8 /* entries of a table; a power of two */

/*
 * Decodes the instruction at `bytes`, of which `avail` may be read (more than 15 are not looked
 * at). Returns its length, or one of X86_DECODE_*. An encoding that is not defined (in this mode)
 * gives op X86_OP_INVALID, to be answered with #UD, and a length for the record only. So does LOCK
 * on what must not be locked. *insn is complete only when the result is positive.
 *
 * Reading ahead: an instruction that is X86_OP_INVALID is reported as soon as its opcode is
 * known, so that no page fault of a following page takes the place of its #UD.
 *
 * F3 0F BC and F3 0F BD decode as TZCNT and LZCNT. A model without them (insn->isa tells) must
 * execute BSF and BSR instead: x86_insn_demote() makes the change.
 */
int x86_decode(struct x86_insn *insn, enum x86_mode mode, const u8 *bytes, unsigned int avail);

/* Turns TZCNT and LZCNT into BSF and BSR, as CPUs without the feature see them. */
void x86_insn_demote(struct x86_insn *insn);

/* The operation's name in capitals, "?" outside the enum. For logs and tests. */
const char *x86_op_name(unsigned int op);

#endif

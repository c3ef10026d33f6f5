/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opcodes that ModRM extends: the groups and the x87 escapes, as data.
 *
 * Sources: Intel SDM volume 2, appendix A, tables; AMD APM volume 3, appendix A.
 * The x87 encodings that no manual names but every CPU executes (DC D0, DF C8 and so on) are
 * those of the APM's notes and of the 80387.
 */
#include "module/x86/optable.h"

#define L_ X86_L
#define LM_ X86_LM
#define U_ X86_UNDEF
#define LK X86_P_LOCKABLE
#define BR X86_P_BRANCH
#define END X86_P_END
#define STK X86_P_STACK
#define PRIV X86_P_PRIV
#define PROT X86_P_PROT
#define VMXP (X86_P_PRIV | X86_P_PROT)
#define MEM X86_T_MEM
#define REG X86_T_REG
#define O64 X86_T_O64
#define FP X86_P_FPU
#define FNW (X86_P_FPU | X86_P_FPU_NOWAIT)
#define NOPM LM_(NOP, NM, X86_MS_NONE, 0)

#define X4(...) __VA_ARGS__, __VA_ARGS__, __VA_ARGS__, __VA_ARGS__
#define X8(...) X4(__VA_ARGS__), X4(__VA_ARGS__)

const struct x86_row2 x86_sub2[X86_S2_COUNT] = {
	[X86_S2_GRP7_0] = {{ LM_(SGDT, M, X86_MS_DTR, 0), X86_BY_RM(GRP7_0R) }},
	[X86_S2_GRP7_1] = {{ LM_(SIDT, M, X86_MS_DTR, 0), X86_BY_RM(GRP7_1R) }},
	[X86_S2_GRP7_2] = {{ LM_(LGDT, M, X86_MS_DTR, PRIV), X86_BY_RM(GRP7_2R) }},
	[X86_S2_GRP7_3] = {{ LM_(LIDT, M, X86_MS_DTR, PRIV), X86_BY_RM(GRP7_3R) }},
	[X86_S2_GRP7_7] = {{ LM_(INVLPG, M, X86_MS_NONE, PRIV | END), X86_BY_RM(GRP7_7R) }},
	[X86_S2_GRP15_NP] = {{ X86_BY_REG(GRP15_NP_M), X86_BY_REG(GRP15_NP_R) }},
	[X86_S2_GRP9_NP] = {{ X86_BY_REG(GRP9_M), X86_BY_REG(GRP9_R) }},
	[X86_S2_GRP9_66] = {{ X86_BY_REG(GRP9_66M), X86_BY_REG(GRP9_R) }},
	[X86_S2_GRP9_F3] = {{ X86_BY_REG(GRP9_F3M), X86_BY_REG(GRP9_F3R) }},
	[X86_S2_GRP9_F2] = {{ X86_BY_REG(GRP9_F2M), U_ }},
	[X86_S2_PREFETCHW] = {{ X86_BY_REG(PREFETCHW), NOPM }},
	[X86_S2_PREFETCH] = {{ X86_BY_REG(GRP16), NOPM }},
	[X86_S2_MOVLPS] = {{ LM_(MOVLPS, VxWx, 8, 0), LM_(MOVHLPS, VxWx, 16, 0) }},
	[X86_S2_MOVHPS] = {{ LM_(MOVHPS, VxWx, 8, 0), LM_(MOVLHPS, VxWx, 16, 0) }},
	[X86_S2_D8] = {{ X86_BY_REG(D8M), X86_BY_REG(D8R) }},
	[X86_S2_D9] = {{ X86_BY_REG(D9M), X86_BY_REG(D9R) }},
	[X86_S2_DA] = {{ X86_BY_REG(DAM), X86_BY_REG(DAR) }},
	[X86_S2_DB] = {{ X86_BY_REG(DBM), X86_BY_REG(DBR) }},
	[X86_S2_DC] = {{ X86_BY_REG(DCM), X86_BY_REG(DCR) }},
	[X86_S2_DD] = {{ X86_BY_REG(DDM), X86_BY_REG(DDR) }},
	[X86_S2_DE] = {{ X86_BY_REG(DEM), X86_BY_REG(DER) }},
	[X86_S2_DF] = {{ X86_BY_REG(DFM), X86_BY_REG(DFR) }},
};

#define GRP1(enc) {{ \
	L_(ADD, enc, LK), L_(OR, enc, LK), L_(ADC, enc, LK), L_(SBB, enc, LK), \
	L_(AND, enc, LK), L_(SUB, enc, LK), L_(XOR, enc, LK), L_(CMP, enc, 0) }}
/* /6 is a second SHL on every CPU. */
#define GRP2(enc) {{ \
	L_(ROL, enc, 0), L_(ROR, enc, 0), L_(RCL, enc, 0), L_(RCR, enc, 0), \
	L_(SHL, enc, 0), L_(SHR, enc, 0), L_(SHL, enc, 0), L_(SAR, enc, 0) }}
#define GRP3(enc, imm) {{ \
	L_(TEST, imm, 0), L_(TEST, imm, 0), L_(NOT, enc, LK), L_(NEG, enc, LK), \
	L_(MUL, enc, 0), L_(IMUL, enc, 0), L_(DIV, enc, 0), L_(IDIV, enc, 0) }}
#define FPARITH(enc, ms) {{ \
	LM_(FADD, enc, ms, FP), LM_(FMUL, enc, ms, FP), LM_(FCOM, enc, ms, FP), LM_(FCOMP, enc, ms, FP), \
	LM_(FSUB, enc, ms, FP), LM_(FSUBR, enc, ms, FP), LM_(FDIV, enc, ms, FP), LM_(FDIVR, enc, ms, FP) }}
#define FPL(op) L_(op, Fp, FP)

const struct x86_row8 x86_sub8[X86_S8_COUNT] = {
	[X86_S8_GRP1_EB] = GRP1(EbIb),
	[X86_S8_GRP1_EV] = GRP1(EvIz),
	[X86_S8_GRP1_EVIB] = GRP1(EvIb),
	[X86_S8_GRP1A] = {{ L_(POP, E64, STK), U_, U_, U_, U_, U_, U_, U_ }},
	[X86_S8_GRP2_EBUB] = GRP2(EbUb),
	[X86_S8_GRP2_EVUB] = GRP2(EvUb),
	[X86_S8_GRP2_EB1] = GRP2(Eb1),
	[X86_S8_GRP2_EV1] = GRP2(Ev1),
	[X86_S8_GRP2_EBCL] = GRP2(EbCl),
	[X86_S8_GRP2_EVCL] = GRP2(EvCl),
	[X86_S8_GRP3_EB] = GRP3(Eb, EbIb),
	[X86_S8_GRP3_EV] = GRP3(Ev, EvIz),
	[X86_S8_GRP4] = {{ L_(INC, Eb, LK), L_(DEC, Eb, LK), U_, U_, U_, U_, U_, U_ }},
	[X86_S8_GRP5] = {{ L_(INC, Ev, LK), L_(DEC, Ev, LK), L_(CALL_NEAR_IND, EF64, BR | STK),
			   LM_(CALL_FAR_IND, Ev, X86_MS_FAR, MEM | BR | STK), L_(JMP_NEAR_IND, EF64, BR),
			   LM_(JMP_FAR_IND, Ev, X86_MS_FAR, MEM | BR), L_(PUSH, E64, STK), U_ }},
	[X86_S8_GRP6] = {{ LM_(SLDT, Ev, 2, PROT), LM_(STR, Ev, 2, PROT), L_(LLDT, Ew, PROT | PRIV),
			   L_(LTR, Ew, PROT | PRIV), L_(VERR, Ew, PROT), L_(VERW, Ew, PROT), U_, U_ }},
	[X86_S8_GRP7] = {{ X86_BY_MOD(GRP7_0), X86_BY_MOD(GRP7_1), X86_BY_MOD(GRP7_2),
			   X86_BY_MOD(GRP7_3), LM_(SMSW, Ev, 2, 0), U_, L_(LMSW, Ew, PRIV | END),
			   X86_BY_MOD(GRP7_7) }},
	[X86_S8_GRP7_0R] = {{ U_, L_(VMCALL, NM, 0), L_(VMLAUNCH, NM, VMXP | BR),
			      L_(VMRESUME, NM, VMXP | BR), L_(VMXOFF, NM, VMXP), U_, U_, U_ }},
	[X86_S8_GRP7_1R] = {{ L_(MONITOR, NM, 0), L_(MWAIT, NM, END), L_(CLAC, NM, END),
			      L_(STAC, NM, END), U_, U_, U_, U_ }},
	[X86_S8_GRP7_2R] = {{ L_(XGETBV, NM, 0), L_(XSETBV, NM, PRIV | END), U_, U_, L_(VMFUNC, NM, 0),
			      U_, U_, U_ }},
	[X86_S8_GRP7_3R] = {{ L_(VMRUN, NM, VMXP | BR), L_(VMMCALL, NM, 0), L_(VMLOAD, NM, VMXP),
			      L_(VMSAVE, NM, VMXP), L_(STGI, NM, VMXP | END), L_(CLGI, NM, VMXP),
			      L_(SKINIT, NM, VMXP | BR), L_(INVLPGA, NM, VMXP | END) }},
	[X86_S8_GRP7_7R] = {{ L_(SWAPGS, NM, PRIV | O64), L_(RDTSCP, NM, 0), U_, U_, U_, U_, U_, U_ }},
	[X86_S8_GRP8] = {{ U_, U_, U_, U_, L_(BT, EvUb, 0), L_(BTS, EvUb, LK), L_(BTR, EvUb, LK),
			   L_(BTC, EvUb, LK) }},
	/* CMPXCHG16B with REX.W: see decode.c */
	[X86_S8_GRP9_M] = {{ U_, LM_(CMPXCHG8B, My, X86_MS_TWICE, LK), U_, LM_(XRSTORS, My, X86_MS_NONE, PRIV),
			     LM_(XSAVEC, My, X86_MS_NONE, 0), LM_(XSAVES, My, X86_MS_NONE, PRIV),
			     LM_(VMPTRLD, M, 8, VMXP), LM_(VMPTRST, M, 8, VMXP) }},
	[X86_S8_GRP9_66M] = {{ U_, LM_(CMPXCHG8B, My, X86_MS_TWICE, LK), U_, U_, U_, U_,
			       LM_(VMCLEAR, M, 8, VMXP), U_ }},
	[X86_S8_GRP9_F3M] = {{ U_, LM_(CMPXCHG8B, My, X86_MS_TWICE, LK), U_, U_, U_, U_,
			       LM_(VMXON, M, 8, VMXP), U_ }},
	[X86_S8_GRP9_F2M] = {{ U_, LM_(CMPXCHG8B, My, X86_MS_TWICE, LK), U_, U_, U_, U_, U_, U_ }},
	[X86_S8_GRP9_R] = {{ U_, U_, U_, U_, U_, U_, L_(RDRAND, Ev, 0), L_(RDSEED, Ev, 0) }},
	[X86_S8_GRP9_F3R] = {{ U_, U_, U_, U_, U_, U_, U_, L_(RDPID, En, 0) }},
	/* /1 is a second TEST only in group 3; here other values are undefined. */
	[X86_S8_GRP11_EB] = {{ L_(MOV, EbIb, 0), U_, U_, U_, U_, U_, U_, U_ }},
	[X86_S8_GRP11_EV] = {{ L_(MOV, EvIz, 0), U_, U_, U_, U_, U_, U_, U_ }},
	[X86_S8_GRP12] = {{ U_, U_, L_(PSRLW, Nq, REG | X86_T_IB), U_, L_(PSRAW, Nq, REG | X86_T_IB), U_,
			    L_(PSLLW, Nq, REG | X86_T_IB), U_ }},
	[X86_S8_GRP12_66] = {{ U_, U_, L_(PSRLW, Ux, REG | X86_T_IB), U_, L_(PSRAW, Ux, REG | X86_T_IB), U_,
			       L_(PSLLW, Ux, REG | X86_T_IB), U_ }},
	[X86_S8_GRP13] = {{ U_, U_, L_(PSRLD, Nq, REG | X86_T_IB), U_, L_(PSRAD, Nq, REG | X86_T_IB), U_,
			    L_(PSLLD, Nq, REG | X86_T_IB), U_ }},
	[X86_S8_GRP13_66] = {{ U_, U_, L_(PSRLD, Ux, REG | X86_T_IB), U_, L_(PSRAD, Ux, REG | X86_T_IB), U_,
			       L_(PSLLD, Ux, REG | X86_T_IB), U_ }},
	[X86_S8_GRP14] = {{ U_, U_, L_(PSRLQ, Nq, REG | X86_T_IB), U_, U_, U_,
			    L_(PSLLQ, Nq, REG | X86_T_IB), U_ }},
	[X86_S8_GRP14_66] = {{ U_, U_, L_(PSRLQ, Ux, REG | X86_T_IB), L_(PSRLDQ, Ux, REG | X86_T_IB), U_, U_,
			       L_(PSLLQ, Ux, REG | X86_T_IB), L_(PSLLDQ, Ux, REG | X86_T_IB) }},
	[X86_S8_GRP15_NP_M] = {{ LM_(FXSAVE, My, X86_MS_512, FNW), LM_(FXRSTOR, My, X86_MS_512, FNW),
				 LM_(LDMXCSR, M, 4, X86_P_SSE), LM_(STMXCSR, M, 4, X86_P_SSE),
				 LM_(XSAVE, My, X86_MS_NONE, 0), LM_(XRSTOR, My, X86_MS_NONE, 0),
				 LM_(XSAVEOPT, My, X86_MS_NONE, 0), LM_(CLFLUSH, M, 1, 0) }},
	[X86_S8_GRP15_NP_R] = {{ U_, U_, U_, U_, U_, L_(LFENCE, NM, 0), L_(MFENCE, NM, 0),
				 L_(SFENCE, NM, 0) }},
	[X86_S8_GRP15_66_M] = {{ U_, U_, U_, U_, U_, U_, LM_(CLWB, M, 1, MEM), LM_(CLFLUSHOPT, M, 1, MEM) }},
	[X86_S8_GRP15_F3_R] = {{ L_(RDFSBASE, Ey, REG | O64), L_(RDGSBASE, Ey, REG | O64),
				 L_(WRFSBASE, Ey, REG | O64), L_(WRGSBASE, Ey, REG | O64), U_, U_, U_, U_ }},
	[X86_S8_GRP16] = {{ X4(LM_(PREFETCH, NM, X86_MS_NONE, 0)), X4(NOPM) }},
	[X86_S8_GRP17] = {{ U_, L_(BLSR, ByEy, 0), L_(BLSMSK, ByEy, 0), L_(BLSI, ByEy, 0), U_, U_, U_, U_ }},
	[X86_S8_PREFETCHW] = {{ X8(LM_(PREFETCHW, NM, X86_MS_NONE, 0)) }},

	[X86_S8_D8M] = FPARITH(Fm32, 4),
	[X86_S8_D9M] = {{ LM_(FLD, Fm32, 4, FP), U_, LM_(FST, Fm32, 4, FP), LM_(FSTP, Fm32, 4, FP),
			  LM_(FLDENV, Fmem, X86_MS_FENV, FP), LM_(FLDCW, Fmem, 2, FP),
			  LM_(FNSTENV, Fmem, X86_MS_FENV, FNW), LM_(FNSTCW, Fmem, 2, FNW) }},
	[X86_S8_DAM] = FPARITH(Fm32i, 4),
	[X86_S8_DBM] = {{ LM_(FILD, Fm32i, 4, FP), LM_(FISTTP, Fm32i, 4, FP), LM_(FIST, Fm32i, 4, FP),
			  LM_(FISTP, Fm32i, 4, FP), U_, LM_(FLD, Fm80, 10, FP), U_, LM_(FSTP, Fm80, 10, FP) }},
	[X86_S8_DCM] = FPARITH(Fm64, 8),
	[X86_S8_DDM] = {{ LM_(FLD, Fm64, 8, FP), LM_(FISTTP, Fm64i, 8, FP), LM_(FST, Fm64, 8, FP),
			  LM_(FSTP, Fm64, 8, FP), LM_(FRSTOR, Fmem, X86_MS_FSTATE, FP), U_,
			  LM_(FNSAVE, Fmem, X86_MS_FSTATE, FNW), LM_(FNSTSW, Fmem, 2, FNW) }},
	[X86_S8_DEM] = FPARITH(Fm16i, 2),
	[X86_S8_DFM] = {{ LM_(FILD, Fm16i, 2, FP), LM_(FISTTP, Fm16i, 2, FP), LM_(FIST, Fm16i, 2, FP),
			  LM_(FISTP, Fm16i, 2, FP), LM_(FBLD, Fbcd, 10, FP), LM_(FILD, Fm64i, 8, FP),
			  LM_(FBSTP, Fbcd, 10, FP), LM_(FISTP, Fm64i, 8, FP) }},
	[X86_S8_D8R] = {{ L_(FADD, Fp0i, FP), L_(FMUL, Fp0i, FP), L_(FCOM, Fpi, FP), L_(FCOMP, Fpi, FP),
			  L_(FSUB, Fp0i, FP), L_(FSUBR, Fp0i, FP), L_(FDIV, Fp0i, FP), L_(FDIVR, Fp0i, FP) }},
	[X86_S8_D9R] = {{ L_(FLD, Fpi, FP), L_(FXCH, Fpi, FP), X86_BY_RM(D9R2), L_(FSTP, Fpi, FP),
			  X86_BY_RM(D9R4), X86_BY_RM(D9R5), X86_BY_RM(D9R6), X86_BY_RM(D9R7) }},
	[X86_S8_DAR] = {{ X4(L_(FCMOVCC, Fp0i, FP)), U_, X86_BY_RM(DAR5), U_, U_ }},
	[X86_S8_DBR] = {{ X4(L_(FCMOVCC, Fp0i, FP)), X86_BY_RM(DBR4), L_(FUCOMI, Fp0i, FP),
			  L_(FCOMI, Fp0i, FP), U_ }},
	[X86_S8_DCR] = {{ L_(FADD, Fpi0, FP), L_(FMUL, Fpi0, FP), L_(FCOM, Fpi, FP), L_(FCOMP, Fpi, FP),
			  L_(FSUBR, Fpi0, FP), L_(FSUB, Fpi0, FP), L_(FDIVR, Fpi0, FP), L_(FDIV, Fpi0, FP) }},
	[X86_S8_DDR] = {{ L_(FFREE, Fpi, FP), L_(FXCH, Fpi, FP), L_(FST, Fpi, FP), L_(FSTP, Fpi, FP),
			  L_(FUCOM, Fpi, FP), L_(FUCOMP, Fpi, FP), U_, U_ }},
	[X86_S8_DER] = {{ L_(FADDP, Fpi0, FP), L_(FMULP, Fpi0, FP), L_(FCOMP, Fpi, FP), X86_BY_RM(DER3),
			  L_(FSUBRP, Fpi0, FP), L_(FSUBP, Fpi0, FP), L_(FDIVRP, Fpi0, FP), L_(FDIVP, Fpi0, FP) }},
	[X86_S8_DFR] = {{ L_(FFREEP, Fpi, FP), L_(FXCH, Fpi, FP), L_(FSTP, Fpi, FP), L_(FSTP, Fpi, FP),
			  X86_BY_RM(DFR4), L_(FUCOMIP, Fp0i, FP), L_(FCOMIP, Fp0i, FP), U_ }},
	[X86_S8_D9R2] = {{ FPL(FNOP), U_, U_, U_, U_, U_, U_, U_ }},
	[X86_S8_D9R4] = {{ FPL(FCHS), FPL(FABS), U_, U_, FPL(FTST), FPL(FXAM), U_, U_ }},
	[X86_S8_D9R5] = {{ FPL(FLD1), FPL(FLDL2T), FPL(FLDL2E), FPL(FLDPI), FPL(FLDLG2), FPL(FLDLN2),
			   FPL(FLDZ), U_ }},
	[X86_S8_D9R6] = {{ FPL(F2XM1), FPL(FYL2X), FPL(FPTAN), FPL(FPATAN), FPL(FXTRACT), FPL(FPREM1),
			   FPL(FDECSTP), FPL(FINCSTP) }},
	[X86_S8_D9R7] = {{ FPL(FPREM), FPL(FYL2XP1), FPL(FSQRT), FPL(FSINCOS), FPL(FRNDINT), FPL(FSCALE),
			   FPL(FSIN), FPL(FCOS) }},
	[X86_S8_DAR5] = {{ U_, L_(FUCOMPP, Fp, FP), U_, U_, U_, U_, U_, U_ }},
	/* E0, E1, E4: FENI, FDISI of the 8087 and FSETPM of the 80287, without effect since the 387. */
	[X86_S8_DBR4] = {{ L_(FNOP, Fp, FNW), L_(FNOP, Fp, FNW), L_(FNCLEX, Fp, FNW), L_(FNINIT, Fp, FNW),
			   L_(FNOP, Fp, FNW), U_, U_, U_ }},
	[X86_S8_DER3] = {{ U_, L_(FCOMPP, Fp, FP), U_, U_, U_, U_, U_, U_ }},
	[X86_S8_DFR4] = {{ L_(FNSTSW, Fpax, FNW), U_, U_, U_, U_, U_, U_, U_ }},
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of operations that the decoder can name, one line each.
 *
 * X(name, access, fl_read, fl_write, isa)
 *   access    what the operation does with an r/m operand that is its destination:
 *             R reads, W writes, RW both, N touches no memory through it. Where r/m is the
 *             source (form ..._RM and alike) it is always read.
 *   fl_read   RFLAGS bits the result depends on, and those that may pass through unchanged
 *             though the operation can write them (a shift by CL that may be zero)
 *   fl_write  RFLAGS bits the operation writes or leaves undefined
 *   isa       the feature it belongs to; ops that exist for MMX and XMM registers name the
 *             MMX side, the decoder raises it for the XMM form
 * Lines are only ever appended to the end of the last group, so that numbers stay what they were.
 *
 * Sources: Intel SDM volume 2, AMD APM volumes 3 to 5.
 */
#ifndef GM_X86_OPS_H
#define GM_X86_OPS_H

#define X86_ACC_MASK_N 0
#define X86_ACC_MASK_R 1
#define X86_ACC_MASK_W 2
#define X86_ACC_MASK_RW 3

/* Flag sets, short for the sake of the list's lines. */
#define X86_LF_0    0u
#define X86_LF_C    0x001u
#define X86_LF_Z    0x040u
#define X86_LF_P    0x004u
#define X86_LF_S    0x080u
#define X86_LF_O    0x800u
#define X86_LF_D    0x400u
#define X86_LF_I    0x200u
#define X86_LF_A    0x8d5u /* all six arithmetic flags */
#define X86_LF_NC   0x8d4u /* arithmetic flags but CF */
#define X86_LF_CO   0x801u
#define X86_LF_CA   0x011u
#define X86_LF_ZPC  0x045u
#define X86_LF_AH   0x0d5u /* the five that LAHF stores */
#define X86_LF_AD   0xcd5u /* arithmetic flags and DF */
#define X86_LF_ALL  0xfd5u /* everything in the low word that an instruction can see */

#define X86_OP_LIST_INT(X) \
	X(INVALID, N, 0, 0, BASE) \
	X(ADD, RW, 0, A, BASE) \
	X(OR, RW, 0, A, BASE) \
	X(ADC, RW, C, A, BASE) \
	X(SBB, RW, C, A, BASE) \
	X(AND, RW, 0, A, BASE) \
	X(SUB, RW, 0, A, BASE) \
	X(XOR, RW, 0, A, BASE) \
	X(CMP, R, 0, A, BASE) \
	X(TEST, R, 0, A, BASE) \
	X(NOT, RW, 0, 0, BASE) \
	X(NEG, RW, 0, A, BASE) \
	X(INC, RW, 0, NC, BASE) \
	X(DEC, RW, 0, NC, BASE) \
	X(ROL, RW, CO, CO, BASE) \
	X(ROR, RW, CO, CO, BASE) \
	X(RCL, RW, CO, CO, BASE) \
	X(RCR, RW, CO, CO, BASE) \
	X(SHL, RW, A, A, BASE) \
	X(SHR, RW, A, A, BASE) \
	X(SAR, RW, A, A, BASE) \
	X(SHLD, RW, A, A, 386) \
	X(SHRD, RW, A, A, 386) \
	X(MUL, R, 0, A, BASE) \
	X(IMUL, R, 0, A, BASE) \
	X(DIV, R, A, A, BASE) \
	X(IDIV, R, A, A, BASE) \
	X(MOV, W, 0, 0, BASE) \
	X(MOVZX, R, 0, 0, 386) \
	X(MOVSX, R, 0, 0, 386) \
	X(MOVSXD, R, 0, 0, LM) \
	X(MOVBE, W, 0, 0, MOVBE) \
	X(LEA, N, 0, 0, BASE) \
	X(XCHG, RW, 0, 0, BASE) \
	X(CMPXCHG, RW, 0, A, 486) \
	X(CMPXCHG8B, RW, 0, Z, CX8) \
	X(CMPXCHG16B, RW, 0, Z, CX16) \
	X(XADD, RW, 0, A, 486) \
	X(BSWAP, RW, 0, 0, 486) \
	X(BT, R, A, A, 386) \
	X(BTS, RW, A, A, 386) \
	X(BTR, RW, A, A, 386) \
	X(BTC, RW, A, A, 386) \
	X(BSF, R, 0, A, 386) \
	X(BSR, R, 0, A, 386) \
	X(POPCNT, R, 0, A, POPCNT) \
	X(LZCNT, R, 0, A, LZCNT) \
	X(TZCNT, R, 0, A, BMI1) \
	X(CBW, N, 0, 0, BASE) /* CBW, CWDE, CDQE by opsize */ \
	X(CWD, N, 0, 0, BASE) /* CWD, CDQ, CQO by opsize */ \
	X(DAA, N, CA, A, BASE) \
	X(DAS, N, CA, A, BASE) \
	X(AAA, N, CA, A, BASE) \
	X(AAS, N, CA, A, BASE) \
	X(AAM, N, 0, A, BASE) \
	X(AAD, N, 0, A, BASE) \
	X(SALC, N, C, 0, BASE) \
	X(PUSH, R, 0, 0, BASE) \
	X(POP, W, 0, 0, BASE) \
	X(PUSHA, N, 0, 0, 186) \
	X(POPA, N, 0, 0, 186) \
	X(PUSHF, N, ALL, 0, BASE) \
	X(POPF, N, 0, ALL, BASE) \
	X(PUSH_SREG, N, 0, 0, BASE) \
	X(POP_SREG, N, 0, 0, BASE) \
	X(MOV_SREG, W, 0, 0, BASE) /* forms RM_SREG and SREG_RM */ \
	X(LFP, R, 0, 0, BASE) /* LES, LDS, LSS, LFS, LGS: imm2 is the enum x86_seg_reg */ \
	X(ENTER, N, 0, 0, 186) \
	X(LEAVE, N, 0, 0, 186) \
	X(LAHF, N, AH, 0, BASE) \
	X(SAHF, N, 0, AH, BASE) \
	X(XLAT, N, 0, 0, BASE) \
	X(JCC, N, A, 0, BASE) \
	X(SETCC, W, A, 0, 386) \
	X(CMOVCC, R, A, 0, CMOV) \
	X(JMP_NEAR_REL, N, 0, 0, BASE) \
	X(JMP_NEAR_IND, R, 0, 0, BASE) \
	X(JMP_FAR_PTR, N, 0, 0, BASE) \
	X(JMP_FAR_IND, R, 0, 0, BASE) \
	X(CALL_NEAR_REL, N, 0, 0, BASE) \
	X(CALL_NEAR_IND, R, 0, 0, BASE) \
	X(CALL_FAR_PTR, N, 0, 0, BASE) \
	X(CALL_FAR_IND, R, 0, 0, BASE) \
	X(RET_NEAR, N, 0, 0, BASE) /* imm: bytes to release */ \
	X(RET_FAR, N, 0, 0, BASE) \
	X(IRET, N, ALL, ALL, BASE) \
	X(INT, N, ALL, 0, BASE) \
	X(INT3, N, ALL, 0, BASE) \
	X(INT1, N, ALL, 0, BASE) \
	X(INTO, N, ALL, 0, BASE) \
	X(BOUND, R, 0, 0, 186) \
	X(LOOP, N, 0, 0, BASE) \
	X(LOOPE, N, Z, 0, BASE) \
	X(LOOPNE, N, Z, 0, BASE) \
	X(JCXZ, N, 0, 0, BASE) /* JCXZ, JECXZ, JRCXZ by addrsize */ \
	X(MOVS, N, D, 0, BASE) \
	X(CMPS, N, AD, A, BASE) \
	X(SCAS, N, AD, A, BASE) \
	X(LODS, N, D, 0, BASE) \
	X(STOS, N, D, 0, BASE) \
	X(INS, N, D, 0, 186) \
	X(OUTS, N, D, 0, 186) \
	X(IN, N, 0, 0, BASE) \
	X(OUT, N, 0, 0, BASE) \
	X(CLC, N, 0, C, BASE) \
	X(STC, N, 0, C, BASE) \
	X(CMC, N, C, C, BASE) \
	X(CLD, N, 0, D, BASE) \
	X(STD, N, 0, D, BASE) \
	X(CLI, N, 0, I, BASE) \
	X(STI, N, 0, I, BASE) \
	X(NOP, N, 0, 0, BASE) /* also the hint NOPs, ENDBR32/64 */ \
	X(PAUSE, N, 0, 0, BASE) \
	X(HLT, N, 0, 0, BASE) \
	X(FWAIT, N, 0, 0, FPU) \
	X(UD0, N, 0, 0, BASE) \
	X(UD1, N, 0, 0, BASE) \
	X(UD2, N, 0, 0, BASE) \
	X(ANDN, R, 0, A, BMI1) \
	X(BEXTR, R, 0, A, BMI1) \
	X(BLSI, R, 0, A, BMI1) \
	X(BLSMSK, R, 0, A, BMI1) \
	X(BLSR, R, 0, A, BMI1) \
	X(BZHI, R, 0, A, BMI2) \
	X(MULX, R, 0, 0, BMI2) \
	X(PDEP, R, 0, 0, BMI2) \
	X(PEXT, R, 0, 0, BMI2) \
	X(RORX, R, 0, 0, BMI2) \
	X(SARX, R, 0, 0, BMI2) \
	X(SHLX, R, 0, 0, BMI2) \
	X(SHRX, R, 0, 0, BMI2) \
	X(ADCX, R, C, C, ADX) \
	X(ADOX, R, O, O, ADX) \
	X(CRC32, R, 0, 0, SSE42) \
	X(RDRAND, N, 0, A, RDRAND) \
	X(RDSEED, N, 0, A, RDSEED) \
	X(PREFETCH, N, 0, 0, BASE) /* PREFETCHNTA/T0/T1/T2 by imm2 0..3 */ \
	X(PREFETCHW, N, 0, 0, BASE) /* 0F 0D: imm2 is the reg field */ \
	X(MOVNTI, W, 0, 0, SSE2)

#define X86_OP_LIST_SYS(X) \
	X(SGDT, W, 0, 0, 286) \
	X(SIDT, W, 0, 0, 286) \
	X(LGDT, R, 0, 0, 286) \
	X(LIDT, R, 0, 0, 286) \
	X(SLDT, W, 0, 0, 286) \
	X(STR, W, 0, 0, 286) \
	X(LLDT, R, 0, 0, 286) \
	X(LTR, R, 0, 0, 286) \
	X(VERR, R, 0, Z, 286) \
	X(VERW, R, 0, Z, 286) \
	X(LAR, R, 0, Z, 286) \
	X(LSL, R, 0, Z, 286) \
	X(ARPL, RW, 0, Z, 286) \
	X(SMSW, W, 0, 0, 286) \
	X(LMSW, R, 0, 0, 286) \
	X(CLTS, N, 0, 0, 286) \
	X(INVD, N, 0, 0, 486) \
	X(WBINVD, N, 0, 0, 486) \
	X(INVLPG, N, 0, 0, 486) \
	X(INVPCID, R, 0, 0, INVPCID) \
	X(MOV_CR, N, 0, 0, 386) /* forms R_CR and CR_R */ \
	X(MOV_DR, N, 0, 0, 386) /* forms R_DR and DR_R */ \
	X(RDMSR, N, 0, 0, MSR) \
	X(WRMSR, N, 0, 0, MSR) \
	X(RDTSC, N, 0, 0, TSC) \
	X(RDTSCP, N, 0, 0, RDTSCP) \
	X(RDPMC, N, 0, 0, RDPMC) \
	X(CPUID, N, 0, 0, CPUID) \
	X(SYSENTER, N, 0, I, SEP) \
	X(SYSEXIT, N, 0, 0, SEP) \
	X(SYSCALL, N, ALL, ALL, SYSCALL) \
	X(SYSRET, N, 0, ALL, SYSCALL) \
	X(SWAPGS, N, 0, 0, LM) \
	X(RDFSBASE, W, 0, 0, FSGSBASE) \
	X(RDGSBASE, W, 0, 0, FSGSBASE) \
	X(WRFSBASE, R, 0, 0, FSGSBASE) \
	X(WRGSBASE, R, 0, 0, FSGSBASE) \
	X(RDPID, W, 0, 0, RDPID) \
	X(CLAC, N, 0, 0, SMAP) \
	X(STAC, N, 0, 0, SMAP) \
	X(MONITOR, N, 0, 0, MONITOR) \
	X(MWAIT, N, 0, 0, MONITOR) \
	X(RSM, N, 0, ALL, BASE) \
	X(CLFLUSH, R, 0, 0, CLFLUSH) \
	X(CLFLUSHOPT, R, 0, 0, CLFLUSHOPT) \
	X(CLWB, R, 0, 0, CLWB) \
	X(LFENCE, N, 0, 0, SSE2) \
	X(MFENCE, N, 0, 0, SSE2) \
	X(SFENCE, N, 0, 0, SSE) \
	X(FXSAVE, W, 0, 0, FXSR) \
	X(FXRSTOR, R, 0, 0, FXSR) \
	X(XSAVE, RW, 0, 0, XSAVE) \
	X(XSAVEOPT, RW, 0, 0, XSAVEOPT) \
	X(XSAVEC, RW, 0, 0, XSAVEC) \
	X(XSAVES, RW, 0, 0, XSAVES) \
	X(XRSTOR, R, 0, 0, XSAVE) \
	X(XRSTORS, R, 0, 0, XSAVES) \
	X(XGETBV, N, 0, 0, XSAVE) \
	X(XSETBV, N, 0, 0, XSAVE) \
	X(LDMXCSR, R, 0, 0, SSE) \
	X(STMXCSR, W, 0, 0, SSE) \
	X(VMCALL, N, 0, A, VMX) \
	X(VMLAUNCH, N, 0, A, VMX) \
	X(VMRESUME, N, 0, A, VMX) \
	X(VMXOFF, N, 0, A, VMX) \
	X(VMXON, R, 0, A, VMX) \
	X(VMCLEAR, R, 0, A, VMX) \
	X(VMPTRLD, R, 0, A, VMX) \
	X(VMPTRST, W, 0, A, VMX) \
	X(VMREAD, W, 0, A, VMX) \
	X(VMWRITE, R, 0, A, VMX) \
	X(VMFUNC, N, 0, 0, VMX) \
	X(INVEPT, R, 0, A, VMX) \
	X(INVVPID, R, 0, A, VMX) \
	X(VMRUN, N, 0, 0, SVM) \
	X(VMMCALL, N, 0, 0, SVM) \
	X(VMLOAD, N, 0, 0, SVM) \
	X(VMSAVE, N, 0, 0, SVM) \
	X(STGI, N, 0, 0, SVM) \
	X(CLGI, N, 0, 0, SVM) \
	X(SKINIT, N, 0, 0, SVM) \
	X(INVLPGA, N, 0, 0, SVM)

/* x87: the integer forms FIADD, FICOM and so on are FADD, FCOM with a form ..._M16I or _M32I. */
#define X86_OP_LIST_FPU(X) \
	X(FADD, R, 0, 0, FPU) \
	X(FMUL, R, 0, 0, FPU) \
	X(FCOM, R, 0, 0, FPU) \
	X(FCOMP, R, 0, 0, FPU) \
	X(FSUB, R, 0, 0, FPU) \
	X(FSUBR, R, 0, 0, FPU) \
	X(FDIV, R, 0, 0, FPU) \
	X(FDIVR, R, 0, 0, FPU) \
	X(FADDP, N, 0, 0, FPU) \
	X(FMULP, N, 0, 0, FPU) \
	X(FCOMPP, N, 0, 0, FPU) \
	X(FSUBP, N, 0, 0, FPU) \
	X(FSUBRP, N, 0, 0, FPU) \
	X(FDIVP, N, 0, 0, FPU) \
	X(FDIVRP, N, 0, 0, FPU) \
	X(FLD, R, 0, 0, FPU) \
	X(FST, W, 0, 0, FPU) \
	X(FSTP, W, 0, 0, FPU) \
	X(FILD, R, 0, 0, FPU) \
	X(FIST, W, 0, 0, FPU) \
	X(FISTP, W, 0, 0, FPU) \
	X(FISTTP, W, 0, 0, SSE3) \
	X(FBLD, R, 0, 0, FPU) \
	X(FBSTP, W, 0, 0, FPU) \
	X(FXCH, N, 0, 0, FPU) \
	X(FLDENV, R, 0, 0, FPU) \
	X(FNSTENV, W, 0, 0, FPU) \
	X(FLDCW, R, 0, 0, FPU) \
	X(FNSTCW, W, 0, 0, FPU) \
	X(FRSTOR, R, 0, 0, FPU) \
	X(FNSAVE, W, 0, 0, FPU) \
	X(FNSTSW, W, 0, 0, FPU) /* forms FP_MEM and FP_AX */ \
	X(FNCLEX, N, 0, 0, FPU) \
	X(FNINIT, N, 0, 0, FPU) \
	X(FNOP, N, 0, 0, FPU) /* also FENI, FDISI, FSETPM */ \
	X(FCHS, N, 0, 0, FPU) \
	X(FABS, N, 0, 0, FPU) \
	X(FTST, N, 0, 0, FPU) \
	X(FXAM, N, 0, 0, FPU) \
	X(FLD1, N, 0, 0, FPU) \
	X(FLDL2T, N, 0, 0, FPU) \
	X(FLDL2E, N, 0, 0, FPU) \
	X(FLDPI, N, 0, 0, FPU) \
	X(FLDLG2, N, 0, 0, FPU) \
	X(FLDLN2, N, 0, 0, FPU) \
	X(FLDZ, N, 0, 0, FPU) \
	X(F2XM1, N, 0, 0, FPU) \
	X(FYL2X, N, 0, 0, FPU) \
	X(FPTAN, N, 0, 0, FPU) \
	X(FPATAN, N, 0, 0, FPU) \
	X(FXTRACT, N, 0, 0, FPU) \
	X(FPREM1, N, 0, 0, FPU) \
	X(FDECSTP, N, 0, 0, FPU) \
	X(FINCSTP, N, 0, 0, FPU) \
	X(FPREM, N, 0, 0, FPU) \
	X(FYL2XP1, N, 0, 0, FPU) \
	X(FSQRT, N, 0, 0, FPU) \
	X(FSINCOS, N, 0, 0, FPU) \
	X(FRNDINT, N, 0, 0, FPU) \
	X(FSCALE, N, 0, 0, FPU) \
	X(FSIN, N, 0, 0, FPU) \
	X(FCOS, N, 0, 0, FPU) \
	X(FFREE, N, 0, 0, FPU) \
	X(FFREEP, N, 0, 0, FPU) \
	X(FUCOM, N, 0, 0, FPU) \
	X(FUCOMP, N, 0, 0, FPU) \
	X(FUCOMPP, N, 0, 0, FPU) \
	X(FCOMI, N, 0, A, CMOV) \
	X(FCOMIP, N, 0, A, CMOV) \
	X(FUCOMI, N, 0, A, CMOV) \
	X(FUCOMIP, N, 0, A, CMOV) \
	X(FCMOVCC, N, ZPC, 0, CMOV) /* cc holds the x86 condition number (B, E, BE, P, ...) */

/* Integer operations on MMX or XMM registers, by the form. */
#define X86_OP_LIST_MMX(X) \
	X(EMMS, N, 0, 0, MMX) \
	X(MOVD, W, 0, 0, MMX) /* GPR or memory of 4 or 8 bytes (opsize) from or to a vector */ \
	X(MOVQ, W, 0, 0, MMX) /* vector to vector or memory, 8 bytes */ \
	X(PUNPCKLBW, R, 0, 0, MMX) \
	X(PUNPCKLWD, R, 0, 0, MMX) \
	X(PUNPCKLDQ, R, 0, 0, MMX) \
	X(PACKSSWB, R, 0, 0, MMX) \
	X(PCMPGTB, R, 0, 0, MMX) \
	X(PCMPGTW, R, 0, 0, MMX) \
	X(PCMPGTD, R, 0, 0, MMX) \
	X(PACKUSWB, R, 0, 0, MMX) \
	X(PUNPCKHBW, R, 0, 0, MMX) \
	X(PUNPCKHWD, R, 0, 0, MMX) \
	X(PUNPCKHDQ, R, 0, 0, MMX) \
	X(PACKSSDW, R, 0, 0, MMX) \
	X(PCMPEQB, R, 0, 0, MMX) \
	X(PCMPEQW, R, 0, 0, MMX) \
	X(PCMPEQD, R, 0, 0, MMX) \
	X(PSRLW, R, 0, 0, MMX) /* forms ..._IMM shift the rm register by imm */ \
	X(PSRLD, R, 0, 0, MMX) \
	X(PSRLQ, R, 0, 0, MMX) \
	X(PSRAW, R, 0, 0, MMX) \
	X(PSRAD, R, 0, 0, MMX) \
	X(PSLLW, R, 0, 0, MMX) \
	X(PSLLD, R, 0, 0, MMX) \
	X(PSLLQ, R, 0, 0, MMX) \
	X(PMULLW, R, 0, 0, MMX) \
	X(PMULHW, R, 0, 0, MMX) \
	X(PMADDWD, R, 0, 0, MMX) \
	X(PSUBUSB, R, 0, 0, MMX) \
	X(PSUBUSW, R, 0, 0, MMX) \
	X(PSUBSB, R, 0, 0, MMX) \
	X(PSUBSW, R, 0, 0, MMX) \
	X(PSUBB, R, 0, 0, MMX) \
	X(PSUBW, R, 0, 0, MMX) \
	X(PSUBD, R, 0, 0, MMX) \
	X(PADDUSB, R, 0, 0, MMX) \
	X(PADDUSW, R, 0, 0, MMX) \
	X(PADDSB, R, 0, 0, MMX) \
	X(PADDSW, R, 0, 0, MMX) \
	X(PADDB, R, 0, 0, MMX) \
	X(PADDW, R, 0, 0, MMX) \
	X(PADDD, R, 0, 0, MMX) \
	X(PAND, R, 0, 0, MMX) \
	X(PANDN, R, 0, 0, MMX) \
	X(POR, R, 0, 0, MMX) \
	X(PXOR, R, 0, 0, MMX) \
	X(PAVGB, R, 0, 0, SSE) \
	X(PAVGW, R, 0, 0, SSE) \
	X(PMINUB, R, 0, 0, SSE) \
	X(PMINSW, R, 0, 0, SSE) \
	X(PMAXUB, R, 0, 0, SSE) \
	X(PMAXSW, R, 0, 0, SSE) \
	X(PMULHUW, R, 0, 0, SSE) \
	X(PSADBW, R, 0, 0, SSE) \
	X(PSHUFW, R, 0, 0, SSE) \
	X(PINSRW, R, 0, 0, SSE) \
	X(PEXTRW, W, 0, 0, SSE) \
	X(PMOVMSKB, R, 0, 0, SSE) \
	X(MASKMOVQ, N, 0, 0, SSE) \
	X(MOVNTQ, W, 0, 0, SSE) \
	X(PADDQ, R, 0, 0, SSE2) \
	X(PSUBQ, R, 0, 0, SSE2) \
	X(PMULUDQ, R, 0, 0, SSE2) \
	X(PSHUFB, R, 0, 0, SSSE3) \
	X(PHADDW, R, 0, 0, SSSE3) \
	X(PHADDD, R, 0, 0, SSSE3) \
	X(PHADDSW, R, 0, 0, SSSE3) \
	X(PMADDUBSW, R, 0, 0, SSSE3) \
	X(PHSUBW, R, 0, 0, SSSE3) \
	X(PHSUBD, R, 0, 0, SSSE3) \
	X(PHSUBSW, R, 0, 0, SSSE3) \
	X(PSIGNB, R, 0, 0, SSSE3) \
	X(PSIGNW, R, 0, 0, SSSE3) \
	X(PSIGND, R, 0, 0, SSSE3) \
	X(PMULHRSW, R, 0, 0, SSSE3) \
	X(PABSB, R, 0, 0, SSSE3) \
	X(PABSW, R, 0, 0, SSSE3) \
	X(PABSD, R, 0, 0, SSSE3) \
	X(PALIGNR, R, 0, 0, SSSE3)

#define X86_OP_LIST_SSE(X) \
	X(MOVUPS, W, 0, 0, SSE) \
	X(MOVUPD, W, 0, 0, SSE2) \
	X(MOVSS, W, 0, 0, SSE) \
	X(MOVSD, W, 0, 0, SSE2) \
	X(MOVLPS, W, 0, 0, SSE) \
	X(MOVHLPS, R, 0, 0, SSE) \
	X(MOVLPD, W, 0, 0, SSE2) \
	X(MOVHPS, W, 0, 0, SSE) \
	X(MOVLHPS, R, 0, 0, SSE) \
	X(MOVHPD, W, 0, 0, SSE2) \
	X(MOVSLDUP, R, 0, 0, SSE3) \
	X(MOVSHDUP, R, 0, 0, SSE3) \
	X(MOVDDUP, R, 0, 0, SSE3) \
	X(UNPCKLPS, R, 0, 0, SSE) \
	X(UNPCKLPD, R, 0, 0, SSE2) \
	X(UNPCKHPS, R, 0, 0, SSE) \
	X(UNPCKHPD, R, 0, 0, SSE2) \
	X(MOVAPS, W, 0, 0, SSE) \
	X(MOVAPD, W, 0, 0, SSE2) \
	X(MOVNTPS, W, 0, 0, SSE) \
	X(MOVNTPD, W, 0, 0, SSE2) \
	X(MOVNTDQ, W, 0, 0, SSE2) \
	X(MOVNTDQA, R, 0, 0, SSE41) \
	X(MOVDQA, W, 0, 0, SSE2) \
	X(MOVDQU, W, 0, 0, SSE2) \
	X(LDDQU, R, 0, 0, SSE3) \
	X(MASKMOVDQU, N, 0, 0, SSE2) \
	X(MOVQ2DQ, R, 0, 0, SSE2) \
	X(MOVDQ2Q, R, 0, 0, SSE2) \
	X(MOVMSKPS, R, 0, 0, SSE) \
	X(MOVMSKPD, R, 0, 0, SSE2) \
	X(CVTPI2PS, R, 0, 0, SSE) \
	X(CVTPI2PD, R, 0, 0, SSE2) \
	X(CVTSI2SS, R, 0, 0, SSE) \
	X(CVTSI2SD, R, 0, 0, SSE2) \
	X(CVTTPS2PI, R, 0, 0, SSE) \
	X(CVTTPD2PI, R, 0, 0, SSE2) \
	X(CVTTSS2SI, R, 0, 0, SSE) \
	X(CVTTSD2SI, R, 0, 0, SSE2) \
	X(CVTPS2PI, R, 0, 0, SSE) \
	X(CVTPD2PI, R, 0, 0, SSE2) \
	X(CVTSS2SI, R, 0, 0, SSE) \
	X(CVTSD2SI, R, 0, 0, SSE2) \
	X(CVTPS2PD, R, 0, 0, SSE2) \
	X(CVTPD2PS, R, 0, 0, SSE2) \
	X(CVTSS2SD, R, 0, 0, SSE2) \
	X(CVTSD2SS, R, 0, 0, SSE2) \
	X(CVTDQ2PS, R, 0, 0, SSE2) \
	X(CVTPS2DQ, R, 0, 0, SSE2) \
	X(CVTTPS2DQ, R, 0, 0, SSE2) \
	X(CVTDQ2PD, R, 0, 0, SSE2) \
	X(CVTPD2DQ, R, 0, 0, SSE2) \
	X(CVTTPD2DQ, R, 0, 0, SSE2) \
	X(UCOMISS, R, 0, A, SSE) \
	X(UCOMISD, R, 0, A, SSE2) \
	X(COMISS, R, 0, A, SSE) \
	X(COMISD, R, 0, A, SSE2) \
	X(ADDPS, R, 0, 0, SSE) \
	X(ADDPD, R, 0, 0, SSE2) \
	X(ADDSS, R, 0, 0, SSE) \
	X(ADDSD, R, 0, 0, SSE2) \
	X(MULPS, R, 0, 0, SSE) \
	X(MULPD, R, 0, 0, SSE2) \
	X(MULSS, R, 0, 0, SSE) \
	X(MULSD, R, 0, 0, SSE2) \
	X(SUBPS, R, 0, 0, SSE) \
	X(SUBPD, R, 0, 0, SSE2) \
	X(SUBSS, R, 0, 0, SSE) \
	X(SUBSD, R, 0, 0, SSE2) \
	X(MINPS, R, 0, 0, SSE) \
	X(MINPD, R, 0, 0, SSE2) \
	X(MINSS, R, 0, 0, SSE) \
	X(MINSD, R, 0, 0, SSE2) \
	X(DIVPS, R, 0, 0, SSE) \
	X(DIVPD, R, 0, 0, SSE2) \
	X(DIVSS, R, 0, 0, SSE) \
	X(DIVSD, R, 0, 0, SSE2) \
	X(MAXPS, R, 0, 0, SSE) \
	X(MAXPD, R, 0, 0, SSE2) \
	X(MAXSS, R, 0, 0, SSE) \
	X(MAXSD, R, 0, 0, SSE2) \
	X(SQRTPS, R, 0, 0, SSE) \
	X(SQRTPD, R, 0, 0, SSE2) \
	X(SQRTSS, R, 0, 0, SSE) \
	X(SQRTSD, R, 0, 0, SSE2) \
	X(RSQRTPS, R, 0, 0, SSE) \
	X(RSQRTSS, R, 0, 0, SSE) \
	X(RCPPS, R, 0, 0, SSE) \
	X(RCPSS, R, 0, 0, SSE) \
	X(ANDPS, R, 0, 0, SSE) \
	X(ANDPD, R, 0, 0, SSE2) \
	X(ANDNPS, R, 0, 0, SSE) \
	X(ANDNPD, R, 0, 0, SSE2) \
	X(ORPS, R, 0, 0, SSE) \
	X(ORPD, R, 0, 0, SSE2) \
	X(XORPS, R, 0, 0, SSE) \
	X(XORPD, R, 0, 0, SSE2) \
	X(CMPPS, R, 0, 0, SSE) \
	X(CMPPD, R, 0, 0, SSE2) \
	X(CMPSS, R, 0, 0, SSE) \
	X(CMPSD, R, 0, 0, SSE2) \
	X(SHUFPS, R, 0, 0, SSE) \
	X(SHUFPD, R, 0, 0, SSE2) \
	X(PSHUFD, R, 0, 0, SSE2) \
	X(PSHUFHW, R, 0, 0, SSE2) \
	X(PSHUFLW, R, 0, 0, SSE2) \
	X(PSRLDQ, R, 0, 0, SSE2) \
	X(PSLLDQ, R, 0, 0, SSE2) \
	X(PUNPCKLQDQ, R, 0, 0, SSE2) \
	X(PUNPCKHQDQ, R, 0, 0, SSE2) \
	X(HADDPD, R, 0, 0, SSE3) \
	X(HADDPS, R, 0, 0, SSE3) \
	X(HSUBPD, R, 0, 0, SSE3) \
	X(HSUBPS, R, 0, 0, SSE3) \
	X(ADDSUBPD, R, 0, 0, SSE3) \
	X(ADDSUBPS, R, 0, 0, SSE3) \
	X(PBLENDVB, R, 0, 0, SSE41) \
	X(BLENDVPS, R, 0, 0, SSE41) \
	X(BLENDVPD, R, 0, 0, SSE41) \
	X(PTEST, R, 0, A, SSE41) \
	X(PMOVSXBW, R, 0, 0, SSE41) \
	X(PMOVSXBD, R, 0, 0, SSE41) \
	X(PMOVSXBQ, R, 0, 0, SSE41) \
	X(PMOVSXWD, R, 0, 0, SSE41) \
	X(PMOVSXWQ, R, 0, 0, SSE41) \
	X(PMOVSXDQ, R, 0, 0, SSE41) \
	X(PMOVZXBW, R, 0, 0, SSE41) \
	X(PMOVZXBD, R, 0, 0, SSE41) \
	X(PMOVZXBQ, R, 0, 0, SSE41) \
	X(PMOVZXWD, R, 0, 0, SSE41) \
	X(PMOVZXWQ, R, 0, 0, SSE41) \
	X(PMOVZXDQ, R, 0, 0, SSE41) \
	X(PMULDQ, R, 0, 0, SSE41) \
	X(PCMPEQQ, R, 0, 0, SSE41) \
	X(PACKUSDW, R, 0, 0, SSE41) \
	X(PMINSB, R, 0, 0, SSE41) \
	X(PMINSD, R, 0, 0, SSE41) \
	X(PMINUW, R, 0, 0, SSE41) \
	X(PMINUD, R, 0, 0, SSE41) \
	X(PMAXSB, R, 0, 0, SSE41) \
	X(PMAXSD, R, 0, 0, SSE41) \
	X(PMAXUW, R, 0, 0, SSE41) \
	X(PMAXUD, R, 0, 0, SSE41) \
	X(PMULLD, R, 0, 0, SSE41) \
	X(PHMINPOSUW, R, 0, 0, SSE41) \
	X(ROUNDPS, R, 0, 0, SSE41) \
	X(ROUNDPD, R, 0, 0, SSE41) \
	X(ROUNDSS, R, 0, 0, SSE41) \
	X(ROUNDSD, R, 0, 0, SSE41) \
	X(BLENDPS, R, 0, 0, SSE41) \
	X(BLENDPD, R, 0, 0, SSE41) \
	X(PBLENDW, R, 0, 0, SSE41) \
	X(PEXTRB, W, 0, 0, SSE41) \
	X(PEXTRD, W, 0, 0, SSE41) /* PEXTRD, PEXTRQ by opsize */ \
	X(EXTRACTPS, W, 0, 0, SSE41) \
	X(PINSRB, R, 0, 0, SSE41) \
	X(PINSRD, R, 0, 0, SSE41) /* PINSRD, PINSRQ by opsize */ \
	X(INSERTPS, R, 0, 0, SSE41) \
	X(DPPS, R, 0, 0, SSE41) \
	X(DPPD, R, 0, 0, SSE41) \
	X(MPSADBW, R, 0, 0, SSE41) \
	X(PCMPGTQ, R, 0, 0, SSE42) \
	X(PCMPESTRM, R, 0, A, SSE42) \
	X(PCMPESTRI, R, 0, A, SSE42) \
	X(PCMPISTRM, R, 0, A, SSE42) \
	X(PCMPISTRI, R, 0, A, SSE42) \
	X(AESIMC, R, 0, 0, AES) \
	X(AESENC, R, 0, 0, AES) \
	X(AESENCLAST, R, 0, 0, AES) \
	X(AESDEC, R, 0, 0, AES) \
	X(AESDECLAST, R, 0, 0, AES) \
	X(AESKEYGENASSIST, R, 0, 0, AES) \
	X(PCLMULQDQ, R, 0, 0, PCLMUL)

#define X86_OP_LIST(X) \
	X86_OP_LIST_INT(X) \
	X86_OP_LIST_SYS(X) \
	X86_OP_LIST_FPU(X) \
	X86_OP_LIST_MMX(X) \
	X86_OP_LIST_SSE(X)

#endif

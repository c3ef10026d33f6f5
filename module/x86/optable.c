/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one-byte and the 0F opcode maps, as data. What an SSE-style mandatory prefix selects stands in
 * optable_sse.c, groups and x87 in optable_grp.c.
 *
 * Sources: Intel SDM volume 2, appendix A, tables; AMD APM volume 3, appendix A.
 */
#include "module/x86/optable.h"

#define L_ X86_L
#define LM_ X86_LM
#define LK X86_P_LOCKABLE
#define BR X86_P_BRANCH
#define END X86_P_END
#define STK X86_P_STACK
#define STR X86_P_STRING
#define PRIV X86_P_PRIV
#define IOPL X86_P_IOPL
#define I64 X86_T_I64
#define O64 X86_T_O64

/* The six operand forms of an ALU operation. */
#define ALU6(op, lk) \
	L_(op, EbGb, lk), L_(op, EvGv, lk), L_(op, GbEb, 0), L_(op, GvEv, 0), \
	L_(op, AlIb, 0), L_(op, AxIz, 0)
#define X4(...) __VA_ARGS__, __VA_ARGS__, __VA_ARGS__, __VA_ARGS__
#define X8(...) X4(__VA_ARGS__), X4(__VA_ARGS__)
#define X16(...) X8(__VA_ARGS__), X8(__VA_ARGS__)

const struct x86_slot x86_map_1b[256] = {
	/* 00 */ ALU6(ADD, LK), L_(PUSH_SREG, Sreg, STK | I64), L_(POP_SREG, Sreg, STK | I64),
	/* 08 */ ALU6(OR, LK), L_(PUSH_SREG, Sreg, STK | I64), X86_UNDEF,
	/* 10 */ ALU6(ADC, LK), L_(PUSH_SREG, Sreg, STK | I64), L_(POP_SREG, Sreg, STK | END | I64),
	/* 18 */ ALU6(SBB, LK), L_(PUSH_SREG, Sreg, STK | I64), L_(POP_SREG, Sreg, STK | I64),
	/* 20 */ ALU6(AND, LK), X86_UNDEF, L_(DAA, NB, I64),
	/* 28 */ ALU6(SUB, LK), X86_UNDEF, L_(DAS, NB, I64),
	/* 30 */ ALU6(XOR, LK), X86_UNDEF, L_(AAA, NB, I64),
	/* 38 */ ALU6(CMP, 0), X86_UNDEF, L_(AAS, NB, I64),
	/* 40 */ X8(L_(INC, Zv, I64)),
	/* 48 */ X8(L_(DEC, Zv, I64)),
	/* 50 */ X8(L_(PUSH, Z64, STK)),
	/* 58 */ X8(L_(POP, Z64, STK)),
	/* 60 */ L_(PUSHA, NONE, STK | I64), L_(POPA, NONE, STK | I64),
	/* 62 */ LM_(BOUND, GvEv, X86_MS_TWICE, X86_T_MEM | I64),
	/* 63 */ L_(ARPL, EwGw, X86_P_PROT | I64), /* in 64-bit mode MOVSXD, see decode.c */
	/* 64 */ X4(X86_UNDEF),
	/* 68 */ L_(PUSH, Iz64, STK), L_(IMUL, GvEvIz, 0), L_(PUSH, Ib64, STK), L_(IMUL, GvEvIb, 0),
	/* 6C */ L_(INS, NB, STR | IOPL), L_(INS, NZ, STR | IOPL),
	/* 6E */ L_(OUTS, NB, STR | IOPL), L_(OUTS, NZ, STR | IOPL),
	/* 70 */ X16(L_(JCC, Jb, BR)),
	/* 80 */ X86_BY_REG(GRP1_EB), X86_BY_REG(GRP1_EV),
	/* 82 */ { X86_S8_GRP1_EB, X86_ENC_BY_REG, 0, I64 }, X86_BY_REG(GRP1_EVIB),
	/* 84 */ L_(TEST, EbGb, 0), L_(TEST, EvGv, 0), L_(XCHG, EbGb, LK), L_(XCHG, EvGv, LK),
	/* 88 */ L_(MOV, EbGb, 0), L_(MOV, EvGv, 0), L_(MOV, GbEb, 0), L_(MOV, GvEv, 0),
	/* 8C */ LM_(MOV_SREG, EvSw, 2, 0), LM_(LEA, GvEv, X86_MS_NONE, X86_T_MEM),
	/* 8E */ L_(MOV_SREG, SwEw, 0), X86_BY_REG(GRP1A),
	/* 90 */ X8(L_(XCHG, ZvAx, 0)), /* NOP and PAUSE: see decode.c */
	/* 98 */ L_(CBW, NONE, 0), L_(CWD, NONE, 0), L_(CALL_FAR_PTR, Ap, BR | STK | I64),
	/* 9B */ L_(FWAIT, NONE, X86_P_FPU), L_(PUSHF, N64, STK | IOPL), L_(POPF, N64, STK | IOPL | END),
	/* 9E */ L_(SAHF, NB, 0), L_(LAHF, NB, 0),
	/* A0 */ L_(MOV, AlOb, 0), L_(MOV, AxOv, 0), L_(MOV, ObAl, 0), L_(MOV, OvAx, 0),
	/* A4 */ L_(MOVS, NB, STR), L_(MOVS, NONE, STR), L_(CMPS, NB, STR), L_(CMPS, NONE, STR),
	/* A8 */ L_(TEST, AlIb, 0), L_(TEST, AxIz, 0), L_(STOS, NB, STR), L_(STOS, NONE, STR),
	/* AC */ L_(LODS, NB, STR), L_(LODS, NONE, STR), L_(SCAS, NB, STR), L_(SCAS, NONE, STR),
	/* B0 */ X8(L_(MOV, ZbIb, 0)),
	/* B8 */ X8(L_(MOV, ZvIv, 0)),
	/* C0 */ X86_BY_REG(GRP2_EBUB), X86_BY_REG(GRP2_EVUB),
	/* C2 */ L_(RET_NEAR, IwF64, BR | STK), L_(RET_NEAR, NF64, BR | STK),
	/* C4 */ LM_(LFP, GvEv, X86_MS_FAR, X86_T_MEM | I64), LM_(LFP, GvEv, X86_MS_FAR, X86_T_MEM | I64),
	/* C6 */ X86_BY_REG(GRP11_EB), X86_BY_REG(GRP11_EV),
	/* C8 */ L_(ENTER, IwIb, STK), L_(LEAVE, N64, STK),
	/* CA */ L_(RET_FAR, IwV, BR | STK), L_(RET_FAR, NONE, BR | STK),
	/* CC */ L_(INT3, NONE, BR | STK), L_(INT, Ub, BR | STK | IOPL), L_(INTO, NONE, BR | STK | I64),
	/* CF */ L_(IRET, NONE, BR | STK | IOPL),
	/* D0 */ X86_BY_REG(GRP2_EB1), X86_BY_REG(GRP2_EV1), X86_BY_REG(GRP2_EBCL), X86_BY_REG(GRP2_EVCL),
	/* D4 */ L_(AAM, UbB, I64), L_(AAD, UbB, I64), L_(SALC, NB, I64), L_(XLAT, NB, 0),
	/* D8 */ X86_BY_MOD(D8), X86_BY_MOD(D9), X86_BY_MOD(DA), X86_BY_MOD(DB),
	/* DC */ X86_BY_MOD(DC), X86_BY_MOD(DD), X86_BY_MOD(DE), X86_BY_MOD(DF),
	/* E0 */ L_(LOOPNE, Jb, BR), L_(LOOPE, Jb, BR), L_(LOOP, Jb, BR), L_(JCXZ, Jb, BR),
	/* E4 */ L_(IN, UbB, IOPL), L_(IN, UbZ, IOPL), L_(OUT, UbB, IOPL), L_(OUT, UbZ, IOPL),
	/* E8 */ L_(CALL_NEAR_REL, Jz, BR | STK), L_(JMP_NEAR_REL, Jz, BR), L_(JMP_FAR_PTR, Ap, BR | I64),
	/* EB */ L_(JMP_NEAR_REL, Jb, BR),
	/* EC */ L_(IN, NB, IOPL), L_(IN, NZ, IOPL), L_(OUT, NB, IOPL), L_(OUT, NZ, IOPL),
	/* F0 */ X86_UNDEF, L_(INT1, NONE, BR | STK), X86_UNDEF, X86_UNDEF,
	/* F4 */ L_(HLT, NONE, PRIV | END), L_(CMC, NONE, 0), X86_BY_REG(GRP3_EB), X86_BY_REG(GRP3_EV),
	/* F8 */ L_(CLC, NONE, 0), L_(STC, NONE, 0), L_(CLI, NONE, IOPL), L_(STI, NONE, IOPL | END),
	/* FC */ L_(CLD, NONE, 0), L_(STD, NONE, 0), X86_BY_REG(GRP4), X86_BY_REG(GRP5),
};

const struct x86_slot x86_map_0f[256] = {
	/* 00 */ X86_BY_REG(GRP6), X86_BY_REG(GRP7),
	/* 02 */ LM_(LAR, GvEv, 2, X86_P_PROT), LM_(LSL, GvEv, 2, X86_P_PROT),
	/* 04 */ X86_UNDEF, L_(SYSCALL, NY, BR), L_(CLTS, NONE, PRIV | END), L_(SYSRET, NY, BR | PRIV),
	/* 08 */ L_(INVD, NONE, PRIV), L_(WBINVD, NONE, PRIV), X86_UNDEF, L_(UD2, NONE, BR),
	/* 0C */ X86_UNDEF, X86_BY_MOD(PREFETCHW), X86_UNDEF, X86_UNDEF,
	/* 10 */ X8(X86_BY_PFX),
	/* 18 */ X86_BY_MOD(PREFETCH), LM_(NOP, NM, X86_MS_NONE, 0), LM_(NOP, NM, X86_MS_NONE, 0),
	/* 1B */ LM_(NOP, NM, X86_MS_NONE, 0), X4(LM_(NOP, NM, X86_MS_NONE, 0)),
	/* 20 */ L_(MOV_CR, RnCn, PRIV), L_(MOV_DR, RnDn, PRIV | END),
	/* 22 */ L_(MOV_CR, CnRn, PRIV | END), L_(MOV_DR, DnRn, PRIV | END),
	/* 24 */ X4(X86_UNDEF),
	/* 28 */ X8(X86_BY_PFX),
	/* 30 */ L_(WRMSR, NONE, PRIV | END), L_(RDTSC, NONE, 0), L_(RDMSR, NONE, PRIV), L_(RDPMC, NONE, 0),
	/* 34 */ L_(SYSENTER, NONE, BR), L_(SYSEXIT, NY, BR | PRIV), X86_UNDEF, X86_UNDEF,
	/* 38 */ X8(X86_UNDEF), /* 0F38 and 0F3A are maps of their own */
	/* 40 */ X16(L_(CMOVCC, GvEv, 0)),
	/* 50 */ X16(X86_BY_PFX),
	/* 60 */ X16(X86_BY_PFX),
	/* 70 */ X8(X86_BY_PFX),
	/* 78 */ L_(VMREAD, EnGn, PRIV | X86_P_PROT), L_(VMWRITE, GnEn, PRIV | X86_P_PROT), X86_UNDEF,
	/* 7B */ X86_UNDEF, X4(X86_BY_PFX),
	/* 80 */ X16(L_(JCC, Jz, BR)),
	/* 90 */ X16(L_(SETCC, Eb, 0)),
	/* A0 */ L_(PUSH_SREG, Sreg, STK), L_(POP_SREG, Sreg, STK), L_(CPUID, NONE, 0), L_(BT, EvGv, 0),
	/* A4 */ L_(SHLD, EvGvUb, 0), L_(SHLD, EvGvCl, 0), X86_UNDEF, X86_UNDEF,
	/* A8 */ L_(PUSH_SREG, Sreg, STK), L_(POP_SREG, Sreg, STK), L_(RSM, NONE, BR), L_(BTS, EvGv, LK),
	/* AC */ L_(SHRD, EvGvUb, 0), L_(SHRD, EvGvCl, 0), X86_BY_PFX, L_(IMUL, GvEv, 0),
	/* B0 */ L_(CMPXCHG, EbGb, LK), L_(CMPXCHG, EvGv, LK),
	/* B2 */ LM_(LFP, GvEv, X86_MS_FAR, X86_T_MEM | END), L_(BTR, EvGv, LK),
	/* B4 */ LM_(LFP, GvEv, X86_MS_FAR, X86_T_MEM), LM_(LFP, GvEv, X86_MS_FAR, X86_T_MEM),
	/* B6 */ LM_(MOVZX, GvEb, 1, 0), LM_(MOVZX, GvEv, 2, 0),
	/* B8 */ X86_BY_PFX, LM_(UD1, NM, X86_MS_NONE, BR), X86_BY_REG(GRP8), L_(BTC, EvGv, LK),
	/* BC */ X86_BY_PFX, X86_BY_PFX, LM_(MOVSX, GvEb, 1, 0), LM_(MOVSX, GvEv, 2, 0),
	/* C0 */ L_(XADD, EbGb, LK), L_(XADD, EvGv, LK), X86_BY_PFX, X86_BY_PFX,
	/* C4 */ X86_BY_PFX, X86_BY_PFX, X86_BY_PFX, X86_BY_PFX,
	/* C8 */ X8(L_(BSWAP, Zv, 0)),
	/* D0 */ X16(X86_BY_PFX),
	/* E0 */ X16(X86_BY_PFX),
	/* F0 */ X8(X86_BY_PFX),
	/* F8 */ X4(X86_BY_PFX), X86_BY_PFX, X86_BY_PFX, X86_BY_PFX, LM_(UD0, NM, X86_MS_NONE, BR),
};

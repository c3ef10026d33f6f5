/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The instruction decoder: fields of chosen encodings (from the manual's text), lengths of all
 * opcodes against GNU objdump, and behaviour on truncated and random bytes.
 *
 * Sources: Intel SDM volume 2, chapters 2 to 5 and appendix A.
 */
#include <check.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "module/x86/decode.h"

static unsigned int parse_hex(const char *hex, u8 *out)
{
	unsigned int n = 0;

	while (*hex) {
		if (*hex == ' ') {
			hex++;
			continue;
		}
		out[n++] = (u8)strtoul((char[]){ hex[0], hex[1], 0 }, NULL, 16);
		hex += 2;
	}
	return n;
}

struct fields {
	const char *bytes;
	int mode;
	int op, form, opsize, memsize;
	int mod, reg, rm, base, index, scale, seg;
	s64 disp;
	u64 imm;
	u32 props; /* bits that must be set */
	u32 unset; /* bits that must not be */
};

#define NOREG X86_NO_REG
#define REGS(reg_, rm_) .mod = 3, .reg = (reg_), .rm = (rm_), .base = NOREG, .index = NOREG, .seg = X86_DS
#define MEM(reg_, base_, index_, scale_, disp_, seg_) \
	.mod = -1, .reg = (reg_), .rm = -1, .base = (base_), .index = (index_), .scale = (scale_), \
	.disp = (disp_), .seg = (seg_)
#define OP(bytes_, mode_, op_, form_, opsize_, memsize_) \
	.bytes = bytes_, .mode = mode_, .op = X86_OP_##op_, .form = X86_FORM_##form_, \
	.opsize = opsize_, .memsize = memsize_

static const struct fields fields[] = {
	{ OP("00 c4", 64, ADD, RM_R, 1, 0), REGS(0, 0), .props = X86_P_HIGH_RM, .unset = X86_P_HIGH_REG },
	{ OP("40 00 c4", 64, ADD, RM_R, 1, 0), REGS(0, 4), .unset = X86_P_HIGH_RM },
	{ OP("45 00 c4", 64, ADD, RM_R, 1, 0), REGS(8, 12) },
	{ OP("00 20", 16, ADD, RM_R, 1, 1), MEM(0, X86_RBX, X86_RSI, 0, 0, X86_DS),
	  .props = X86_P_HIGH_REG | X86_P_MEM_READ | X86_P_MEM_WRITE },
	{ OP("01 4e fe", 16, ADD, RM_R, 2, 2), MEM(1, X86_RBP, NOREG, 0, -2, X86_SS) },
	{ OP("66 01 4e fe", 16, ADD, RM_R, 4, 4), MEM(1, X86_RBP, NOREG, 0, -2, X86_SS) },
	{ OP("03 06 34 f2", 16, ADD, R_RM, 2, 2), MEM(0, NOREG, NOREG, 0, 0xf234, X86_DS),
	  .props = X86_P_MEM_READ, .unset = X86_P_MEM_WRITE },
	{ OP("67 03 04 88", 16, ADD, R_RM, 2, 2), MEM(0, X86_RAX, X86_RCX, 2, 0, X86_DS) },
	{ OP("67 03 07", 32, ADD, R_RM, 4, 4), MEM(0, X86_RBX, NOREG, 0, 0, X86_DS) },
	{ OP("48 8b 05 fc ff ff ff", 64, MOV, R_RM, 8, 8), MEM(0, X86_RIP, NOREG, 0, -4, X86_DS) },
	{ OP("8b 05 fc ff ff ff", 32, MOV, R_RM, 4, 4), MEM(0, NOREG, NOREG, 0, -4, X86_DS) },
	{ OP("8b 04 25 00 10 00 00", 64, MOV, R_RM, 4, 4), MEM(0, NOREG, NOREG, 0, 0x1000, X86_DS) },
	{ OP("42 8b 04 20", 64, MOV, R_RM, 4, 4), MEM(0, X86_RAX, X86_R12, 0, 0, X86_DS) },
	{ OP("41 8b 04 24", 64, MOV, R_RM, 4, 4), MEM(0, X86_R12, NOREG, 0, 0, X86_DS) },
	{ OP("41 8b 45 00", 64, MOV, R_RM, 4, 4), MEM(0, X86_R13, NOREG, 0, 0, X86_DS) },
	{ OP("8b 44 24 08", 64, MOV, R_RM, 4, 4), MEM(0, X86_RSP, NOREG, 0, 8, X86_SS) },
	{ OP("36 8b 00", 64, MOV, R_RM, 4, 4), MEM(0, X86_RAX, NOREG, 0, 0, X86_DS) },
	{ OP("65 8b 45 00", 64, MOV, R_RM, 4, 4), MEM(0, X86_RBP, NOREG, 0, 0, X86_GS) },
	{ OP("26 8b 45 00", 32, MOV, R_RM, 4, 4), MEM(0, X86_RBP, NOREG, 0, 0, X86_ES) },
	/* REX counts only next to the opcode; 66 with REX.W is 64 bits */
	{ OP("48 66 01 c8", 64, ADD, RM_R, 2, 0), REGS(1, 0) },
	{ OP("66 48 01 c8", 64, ADD, RM_R, 8, 0), REGS(1, 0) },
	{ OP("66 48 81 c0 01 00 00 80", 64, ADD, RM_IMM, 8, 0), REGS(0, 0), .imm = 0xffffffff80000001u },
	{ OP("83 c8 ff", 32, OR, RM_IMM, 4, 0), REGS(1, 0), .imm = ~0ull },
	{ OP("05 78 56 34 12", 32, ADD, RM_IMM, 4, 0), REGS(0, 0), .imm = 0x12345678 },
	{ OP("b4 80", 16, MOV, RM_IMM, 1, 0), REGS(0, 0), .imm = 0xffffffffffffff80, .props = X86_P_HIGH_RM },
	{ OP("49 b9 08 07 06 05 04 03 02 81", 64, MOV, RM_IMM, 8, 0), REGS(0, 9), .imm = 0x8102030405060708 },
	{ OP("a1 08 07 06 05 04 03 02 01", 64, MOV, R_RM, 4, 4),
	  MEM(0, NOREG, NOREG, 0, 0x0102030405060708, X86_DS), .props = X86_P_MOFFS | X86_P_MEM_READ },
	{ OP("67 64 a2 01 02 03 84", 64, MOV, RM_R, 1, 1), MEM(0, NOREG, NOREG, 0, 0x84030201, X86_FS),
	  .props = X86_P_MEM_WRITE, .unset = X86_P_MEM_READ },
	{ OP("90", 64, NOP, NONE, 4, 0), REGS(0, 0) },
	{ OP("41 90", 64, XCHG, RM_R, 4, 0), REGS(0, 8) },
	{ OP("f3 90", 64, PAUSE, NONE, 4, 0), REGS(0, 0) },
	{ OP("66 90", 32, NOP, NONE, 2, 0), REGS(0, 0) },
	{ OP("f3 0f 1e fa", 64, NOP, NONE, 4, 0), .mod = 3, .reg = 7, .rm = 2, .base = NOREG,
	  .index = NOREG, .seg = X86_DS },
	{ OP("63 c8", 64, MOVSXD, R_RM, 4, 0), REGS(1, 0) },
	{ OP("48 63 08", 64, MOVSXD, R_RM, 8, 4), MEM(1, X86_RAX, NOREG, 0, 0, X86_DS) },
	{ OP("63 08", 32, ARPL, RM_R, 2, 2), MEM(1, X86_RAX, NOREG, 0, 0, X86_DS), .props = X86_P_PROT },
	{ OP("0f b6 cc", 32, MOVZX, R_RM, 4, 0), REGS(1, 0), .props = X86_P_HIGH_RM },
	{ OP("48 0f be 08", 64, MOVSX, R_RM, 8, 1), MEM(1, X86_RAX, NOREG, 0, 0, X86_DS) },
	{ OP("ff 30", 64, PUSH, RM, 8, 8), MEM(6, X86_RAX, NOREG, 0, 0, X86_DS), .props = X86_P_STACK },
	{ OP("66 ff 30", 64, PUSH, RM, 2, 2), MEM(6, X86_RAX, NOREG, 0, 0, X86_DS) },
	{ OP("41 57", 64, PUSH, RM, 8, 0), REGS(0, 15) },
	{ OP("6a fe", 64, PUSH, IMM, 8, 0), REGS(0, 0), .imm = -2ull },
	{ OP("8f 04 24", 64, POP, RM, 8, 8), MEM(0, X86_RSP, NOREG, 0, 0, X86_SS),
	  .props = X86_P_MEM_WRITE },
	{ OP("0f a1", 64, POP_SREG, SREG, 8, 0), .mod = 3, .reg = X86_FS, .base = NOREG, .index = NOREG,
	  .seg = X86_DS },
	{ OP("8e d8", 32, MOV_SREG, SREG_RM, 2, 0), REGS(X86_DS, 0), .unset = X86_P_END },
	{ OP("8e d0", 32, MOV_SREG, SREG_RM, 2, 0), REGS(X86_SS, 0), .props = X86_P_END },
	{ OP("48 8c 18", 64, MOV_SREG, RM_SREG, 8, 2), MEM(3, X86_RAX, NOREG, 0, 0, X86_DS) },
	{ OP("e8 fc ff", 16, CALL_NEAR_REL, REL, 2, 0), REGS(0, 0), .imm = -4ull },
	{ OP("66 e8 fc ff ff ff", 64, CALL_NEAR_REL, REL, 8, 0), REGS(0, 0), .imm = -4ull },
	{ OP("ff d0", 64, CALL_NEAR_IND, RM, 8, 0), REGS(2, 0), .props = X86_P_BRANCH },
	{ OP("48 ff 28", 64, JMP_FAR_IND, RM, 8, 10), MEM(5, X86_RAX, NOREG, 0, 0, X86_DS) },
	{ OP("ff 28", 32, JMP_FAR_IND, RM, 4, 6), MEM(5, X86_RAX, NOREG, 0, 0, X86_DS) },
	{ OP("ea 78 56 34 92 08 00", 32, JMP_FAR_PTR, FARPTR, 4, 0), REGS(0, 0), .imm = 0x92345678 },
	{ OP("c4 18", 32, LFP, R_RM, 4, 6), MEM(3, X86_RAX, NOREG, 0, 0, X86_DS) },
	{ OP("c8 10 80 05", 64, ENTER, IMM_IMM, 8, 0), REGS(0, 0), .imm = 0x8010 },
	{ OP("c2 08 80", 32, RET_NEAR, IMM, 4, 0), REGS(0, 0), .imm = 0x8008 },
	{ OP("e4 ff", 32, IN, IMM, 1, 0), REGS(0, 0), .imm = 0xff, .props = X86_P_IOPL },
	{ OP("48 ed", 64, IN, NONE, 4, 0), REGS(0, 0) },
	{ OP("65 48 a5", 64, MOVS, NONE, 8, 0), .mod = 3, .base = NOREG, .index = NOREG, .seg = X86_GS,
	  .props = X86_P_STRING },
	{ OP("0f 20 18", 32, MOV_CR, R_CR, 4, 0), REGS(3, 0), .props = X86_P_PRIV },
	{ OP("44 0f 22 c1", 64, MOV_CR, CR_R, 8, 0), REGS(8, 1), .props = X86_P_PRIV | X86_P_END },
	{ OP("0f 23 3f", 64, MOV_DR, DR_R, 8, 0), REGS(7, 7) },
	{ OP("0f 01 10", 64, LGDT, MEM, 4, 10), MEM(2, X86_RAX, NOREG, 0, 0, X86_DS), .props = X86_P_PRIV },
	{ OP("0f 01 10", 16, LGDT, MEM, 2, 6), MEM(2, X86_RBX, X86_RSI, 0, 0, X86_DS) },
	{ OP("0f 01 f8", 64, SWAPGS, NONE, 4, 0), .mod = 3, .reg = 7, .base = NOREG, .index = NOREG,
	  .seg = X86_DS },
	{ OP("0f c7 08", 64, CMPXCHG8B, MEM, 4, 8), MEM(1, X86_RAX, NOREG, 0, 0, X86_DS) },
	{ OP("f0 48 0f c7 08", 64, CMPXCHG16B, MEM, 8, 16), MEM(1, X86_RAX, NOREG, 0, 0, X86_DS) },
	{ OP("f3 0f bc c1", 32, TZCNT, R_RM, 4, 0), REGS(0, 1) },
	{ OP("66 f3 0f bd c1", 32, LZCNT, R_RM, 2, 0), REGS(0, 1) },
	{ OP("f3 48 0f b8 00", 64, POPCNT, R_RM, 8, 8), MEM(0, X86_RAX, NOREG, 0, 0, X86_DS) },
	{ OP("66 f2 0f 38 f1 c1", 32, CRC32, R_RM, 2, 0), REGS(0, 1) },
	{ OP("f2 48 0f 38 f0 c4", 64, CRC32, R_RM, 1, 0), REGS(0, 4) },
	{ OP("f2 0f 38 f0 c4", 64, CRC32, R_RM, 1, 0), REGS(0, 0), .props = X86_P_HIGH_RM },
	{ OP("66 0f 38 f1 00", 64, MOVBE, RM_R, 2, 2), MEM(0, X86_RAX, NOREG, 0, 0, X86_DS),
	  .props = X86_P_MEM_WRITE },
	{ OP("c4 e2 f0 f2 c2", 64, ANDN, R_VEX_RM, 8, 0), REGS(0, 2), .props = X86_P_VEX },
	{ OP("c4 62 73 f7 00", 64, SHRX, R_RM_VEX, 4, 4), MEM(8, X86_RAX, NOREG, 0, 0, X86_DS) },
	{ OP("c4 e3 7b f0 c1 05", 64, RORX, R_RM_IMM, 4, 0), REGS(0, 1), .imm = 5 },
	{ OP("c4 e2 70 f3 c9", 32, BLSR, VEX_RM, 4, 0), REGS(1, 1) },
	{ OP("0f 28 00", 64, MOVAPS, XMM_XMMM, 16, 16), MEM(0, X86_RAX, NOREG, 0, 0, X86_DS),
	  .props = X86_P_ALIGN | X86_P_SSE | X86_P_MEM_READ },
	{ OP("0f 10 00", 64, MOVUPS, XMM_XMMM, 16, 16), MEM(0, X86_RAX, NOREG, 0, 0, X86_DS),
	  .unset = X86_P_ALIGN },
	{ OP("f3 0f 58 c1", 64, ADDSS, XMM_XMMM, 4, 0), REGS(0, 1) },
	{ OP("0f d4 c1", 32, PADDQ, MM_MMM, 8, 0), REGS(0, 1), .props = X86_P_MMX, .unset = X86_P_SSE },
	{ OP("66 45 0f fc c1", 64, PADDB, XMM_XMMM, 16, 0), REGS(8, 9) },
	{ OP("45 0f fc c1", 64, PADDB, MM_MMM, 8, 0), REGS(0, 1) },
	{ OP("66 48 0f 7e c1", 64, MOVD, RM_XMM, 8, 0), REGS(0, 1) },
	{ OP("f2 48 0f 2d 00", 64, CVTSD2SI, R_XMMM, 8, 8), MEM(0, X86_RAX, NOREG, 0, 0, X86_DS) },
	{ OP("66 0f 73 d8 04", 64, PSRLDQ, XMM_IMM, 16, 0), REGS(3, 0), .imm = 4 },
	{ OP("66 0f 3a 14 00 03", 64, PEXTRB, RM_XMM, 4, 1), MEM(0, X86_RAX, NOREG, 0, 0, X86_DS),
	  .imm = 3, .props = X86_P_MEM_WRITE },
	{ OP("0f 12 c1", 64, MOVHLPS, XMM_XMMM, 16, 0), REGS(0, 1) },
	{ OP("0f 12 00", 64, MOVLPS, XMM_XMMM, 8, 8), MEM(0, X86_RAX, NOREG, 0, 0, X86_DS) },
	{ OP("d8 c1", 32, FADD, FP_ST0_STI, 4, 0), REGS(0, 1), .props = X86_P_FPU },
	{ OP("dc e9", 32, FSUB, FP_STI_ST0, 4, 0), REGS(5, 1) },
	{ OP("db 28", 32, FLD, FP_M80, 4, 10), MEM(5, X86_RAX, NOREG, 0, 0, X86_DS) },
	{ OP("de 08", 32, FMUL, FP_M16I, 4, 2), MEM(1, X86_RAX, NOREG, 0, 0, X86_DS) },
	{ OP("66 d9 30", 32, FNSTENV, FP_MEM, 2, 14), MEM(6, X86_RAX, NOREG, 0, 0, X86_DS),
	  .props = X86_P_FPU_NOWAIT },
	{ OP("dd 20", 32, FRSTOR, FP_MEM, 4, 108), MEM(4, X86_RAX, NOREG, 0, 0, X86_DS) },
	{ OP("0f ae 00", 64, FXSAVE, MEM, 4, 512), MEM(0, X86_RAX, NOREG, 0, 0, X86_DS) },
	{ OP("8d 40 7f", 64, LEA, R_RM, 4, 0), MEM(0, X86_RAX, NOREG, 0, 127, X86_DS),
	  .unset = X86_P_MEM_READ | X86_P_MEM_WRITE },
};

START_TEST(test_fields)
{
	const struct fields *t = &fields[_i];
	struct x86_insn in;
	u8 buf[16];
	unsigned int n = parse_hex(t->bytes, buf);
	int rc = x86_decode(&in, (enum x86_mode)(t->mode / 8), buf, n);

	ck_assert_msg(rc == (int)n, "%s: length %d, wanted %u", t->bytes, rc, n);
	ck_assert_msg(in.op == t->op, "%s: op %s", t->bytes, x86_op_name(in.op));
	if (t->op != X86_OP_NOP)
		ck_assert_msg(in.form == t->form, "%s: form %u", t->bytes, in.form);
	ck_assert_msg(in.opsize == t->opsize, "%s: opsize %u", t->bytes, in.opsize);
	ck_assert_msg(in.memsize == t->memsize, "%s: memsize %u", t->bytes, in.memsize);
	ck_assert_msg(t->mod < 0 ? in.mod != 3 : in.mod == 3, "%s: mod %u", t->bytes, in.mod);
	if (t->op != X86_OP_SWAPGS)
		ck_assert_msg(in.reg == t->reg, "%s: reg %u", t->bytes, in.reg);
	if (t->rm >= 0)
		ck_assert_msg(in.rm == t->rm, "%s: rm %u", t->bytes, in.rm);
	ck_assert_msg(in.base == t->base, "%s: base %u", t->bytes, in.base);
	ck_assert_msg(in.index == t->index, "%s: index %u", t->bytes, in.index);
	ck_assert_msg(in.scale == t->scale, "%s: scale %u", t->bytes, in.scale);
	ck_assert_msg(in.seg == t->seg, "%s: seg %u", t->bytes, in.seg);
	ck_assert_msg(in.disp == t->disp, "%s: disp %llx", t->bytes, (unsigned long long)in.disp);
	ck_assert_msg(in.imm == t->imm, "%s: imm %llx", t->bytes, (unsigned long long)in.imm);
	ck_assert_msg((in.props & t->props) == t->props, "%s: props %x", t->bytes, in.props);
	ck_assert_msg(!(in.props & t->unset), "%s: props %x", t->bytes, in.props);
}
END_TEST

static const struct {
	const char *bytes;
	int mode;
} invalid[] = {
	{ "06", 64 }, { "27", 64 }, { "60", 64 }, { "62 00", 64 }, { "82 c0 01", 64 }, { "9a", 64 },
	{ "c4 00 00 00", 64 }, { "ce", 64 }, { "d4 0a", 64 }, { "d6", 64 }, { "ea", 64 },
	{ "62 c0", 32 }, { "8d c0", 32 }, { "8e c8", 32 }, { "8e f0", 32 }, { "0f 20 c8", 32 },
	{ "0f 22 e8", 32 }, { "44 0f 21 c0", 64 }, { "0f 01 f8", 32 }, { "0f b2 c0", 32 },
	{ "ff f8", 32 }, { "fe d0", 32 }, { "8f c8", 32 }, { "c6 c8 00", 32 }, { "ff d8", 32 },
	/* LOCK where it must not be */
	{ "f0 01 c0", 32 }, { "f0 90", 32 }, { "f0 8b 00", 32 }, { "f0 38 00", 32 }, { "f0 0f a3 00", 32 },
	{ "f0 87 c0", 32 }, { "f0 d1 20", 32 }, { "f0 f6 00 01", 32 },
	/* mandatory prefixes: F2 and F3 win over 66, the last of them counts */
	{ "f3 f2 0f b8 c1", 64 }, { "66 f2 0f 38 f6 c0", 64 }, { "f2 0f 54 c0", 64 }, { "66 0f ae 00", 64 },
	{ "f2 0f c7 f0", 64 }, { "66 0f 01 d0", 64 }, { "66 0f 77", 64 }, { "66 0f 12 c0", 64 },
	/* VEX: 256 bits, prefixes before, unused vvvv, AVX */
	{ "c4 e2 74 f2 c0", 64 }, { "66 c4 e2 70 f2 c0", 64 }, { "48 c4 e2 70 f2 c0", 64 },
	{ "c4 e3 73 f0 c0 03", 64 }, { "c5 f8 58 c0", 64 }, { "f3 0f ae c0", 32 },
	{ "db e5", 32 }, { "d9 d1", 32 }, { "0f 0f c0 9e", 32 }, { "0f 38 c8 c0", 64 },
};

START_TEST(test_invalid)
{
	struct x86_insn in;
	u8 buf[16];
	unsigned int n = parse_hex(invalid[_i].bytes, buf);
	int rc = x86_decode(&in, (enum x86_mode)(invalid[_i].mode / 8), buf, n);

	ck_assert_msg(rc > 0 && rc <= (int)n, "%s: returned %d", invalid[_i].bytes, rc);
	ck_assert_msg(in.op == X86_OP_INVALID, "%s: %s", invalid[_i].bytes, x86_op_name(in.op));
}
END_TEST

static const struct {
	const char *bytes;
	int mode;
	u16 rd, wr;
	int cc;
} flags[] = {
	{ "01 c0", 32, 0, 0x8d5, 0 },
	{ "11 c0", 32, X86_FL_CF, 0x8d5, 0 },
	{ "40", 32, 0, 0x8d4, 0 },
	{ "8b c0", 32, 0, 0, 0 },
	{ "74 00", 32, X86_FL_ZF, 0, 4 },
	{ "0f 4e c0", 32, X86_FL_ZF | X86_FL_SF | X86_FL_OF, 0, 14 },
	{ "0f 9a c0", 32, X86_FL_PF, 0, 10 },
	{ "d3 e0", 32, 0x8d5, 0x8d5, 0 },
	{ "d1 e0", 32, 0, 0x8d5, 0 },
	{ "c1 e0 20", 32, 0, 0, 0 },
	{ "48 c1 e0 20", 64, 0, 0x8d5, 0 },
	{ "c1 c0 05", 32, X86_FL_OF, X86_FL_CF | X86_FL_OF, 0 },
	{ "d1 d0", 32, X86_FL_CF, X86_FL_CF | X86_FL_OF, 0 },
	{ "c0 d0 09", 32, X86_FL_CF | X86_FL_OF, X86_FL_CF | X86_FL_OF, 0 },
	{ "a6", 32, X86_FL_DF, 0x8d5, 0 },
	{ "f3 a6", 32, 0xcd5, 0x8d5, 0 },
	{ "da d1", 32, X86_FL_CF | X86_FL_PF | X86_FL_ZF, 0, 6 },
	{ "db d9", 32, X86_FL_CF | X86_FL_PF | X86_FL_ZF, 0, 11 },
};

START_TEST(test_flags)
{
	struct x86_insn in;
	u8 buf[16];
	unsigned int n = parse_hex(flags[_i].bytes, buf);

	ck_assert_int_eq(x86_decode(&in, (enum x86_mode)(flags[_i].mode / 8), buf, n), n);
	ck_assert_msg(in.fl_read == flags[_i].rd, "%s: reads %x", flags[_i].bytes, in.fl_read);
	ck_assert_msg(in.fl_write == flags[_i].wr, "%s: writes %x", flags[_i].bytes, in.fl_write);
	ck_assert_msg(in.cc == flags[_i].cc, "%s: condition %u", flags[_i].bytes, in.cc);
}
END_TEST

static const struct {
	const char *bytes;
	int mode, isa;
} isas[] = {
	{ "90", 32, X86_ISA_BASE }, { "c1 e0 01", 32, X86_ISA_186 }, { "0f a2", 32, X86_ISA_CPUID },
	{ "0f fc c1", 32, X86_ISA_MMX }, { "66 0f fc c1", 32, X86_ISA_SSE2 }, { "0f 58 c1", 32, X86_ISA_SSE },
	{ "66 0f e0 c1", 32, X86_ISA_SSE2 }, { "0f e0 c1", 32, X86_ISA_SSE },
	{ "66 0f 38 00 c1", 32, X86_ISA_SSSE3 }, { "66 0f 3a 15 c0 00", 32, X86_ISA_SSE41 },
	{ "66 0f c5 c0 00", 32, X86_ISA_SSE2 }, { "0f 44 c0", 32, X86_ISA_CMOV }, { "da d1", 32, X86_ISA_CMOV },
	{ "48 0f c7 08", 64, X86_ISA_CX16 }, { "f3 0f bd c1", 32, X86_ISA_LZCNT }, { "d9 c0", 32, X86_ISA_FPU },
};

START_TEST(test_isa)
{
	struct x86_insn in;
	u8 buf[16];
	unsigned int n = parse_hex(isas[_i].bytes, buf);

	ck_assert_int_eq(x86_decode(&in, (enum x86_mode)(isas[_i].mode / 8), buf, n), n);
	ck_assert_msg(in.isa == isas[_i].isa, "%s: isa %u", isas[_i].bytes, in.isa);
}
END_TEST

START_TEST(test_prefixes)
{
	static const u8 many[16] = { 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
				     0x66, 0x66, 0x66, 0x90, 0x90 };
	static const u8 rep_movs[] = { 0xf2, 0xf3, 0xa4 }, demote[] = { 0xf3, 0x0f, 0xbd, 0xc1 };
	struct x86_insn in;

	ck_assert_int_eq(x86_decode(&in, X86_MODE_64, many, 16), 15);
	ck_assert_int_eq(in.op, X86_OP_NOP);
	ck_assert_int_eq(x86_decode(&in, X86_MODE_64, many, 14), X86_DECODE_MORE);
	ck_assert_int_eq(x86_decode(&in, X86_MODE_64, rep_movs, 3), 3);
	ck_assert_int_eq(in.prefixes, X86_PFX_REP);
	ck_assert_int_eq(x86_decode(&in, X86_MODE_64, demote, 4), 4);
	ck_assert_int_eq(in.prefixes, 0);
	x86_insn_demote(&in);
	ck_assert_int_eq(in.op, X86_OP_BSR);
	ck_assert_int_eq(in.isa, X86_ISA_386);
}
END_TEST

START_TEST(test_too_long)
{
	u8 buf[32];
	struct x86_insn in;

	memset(buf, 0x66, sizeof(buf));
	ck_assert_int_eq(x86_decode(&in, X86_MODE_32, buf, 32), X86_DECODE_TOO_LONG);
	ck_assert_int_eq(x86_decode(&in, X86_MODE_32, buf, 15), X86_DECODE_TOO_LONG);
	/* 11 prefixes and mov dword [disp32], imm32 would be 21 bytes */
	memset(buf, 0x3e, 11);
	buf[11] = 0xc7;
	buf[12] = 0x05;
	ck_assert_int_eq(x86_decode(&in, X86_MODE_32, buf, 32), X86_DECODE_TOO_LONG);
}
END_TEST

struct corpus {
	int mode;
	const char *prefix, *escape;
	u8 modrm;
	const char *lengths;
};

static const struct corpus corpus[] = {
#include "test/unit/lib/decode_corpus.h"
};

START_TEST(test_corpus)
{
	static const u8 tail[] = { 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x08, 0x09, 0x0a, 0x0b, 0x90 };
	const struct corpus *c = &corpus[_i];
	unsigned int op, n;
	struct x86_insn in;
	u8 buf[32];

	ck_assert_uint_eq(strlen(c->lengths), 256);
	n = parse_hex(c->prefix, buf);
	n += parse_hex(c->escape, buf + n);
	buf[n + 1] = c->modrm;
	memcpy(buf + n + 2, tail, sizeof(tail));
	for (op = 0; op < 256; op++) {
		char want = c->lengths[op];
		int rc;

		if (want == '.')
			continue;
		buf[n] = op;
		rc = x86_decode(&in, (enum x86_mode)c->mode, buf, n + 2 + sizeof(tail));
		ck_assert_msg(rc > 0, "mode %d %s %s %02x %02x: %d", c->mode * 8, c->prefix, c->escape, op,
			      c->modrm, rc);
		if (want == '-')
			ck_assert_msg(in.op == X86_OP_INVALID, "mode %d %s %s %02x %02x: %s, wanted undefined",
				      c->mode * 8, c->prefix, c->escape, op, c->modrm, x86_op_name(in.op));
		else
			ck_assert_msg(in.op != X86_OP_INVALID && rc == (int)strtol((char[]){ want, 0 }, NULL, 16),
				      "mode %d %s %s %02x %02x: %s of %d, wanted %c", c->mode * 8, c->prefix,
				      c->escape, op, c->modrm, x86_op_name(in.op), rc, want);
	}
}
END_TEST

/* Random bytes against the end of a mapping: a read beyond `avail` dies. What comes out is bounded,
 * and does not change when more bytes are there. */
START_TEST(test_random)
{
	static const enum x86_mode modes[] = { X86_MODE_16, X86_MODE_32, X86_MODE_64 };
	long page = sysconf(_SC_PAGESIZE);
	u8 *map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct x86_insn in, in2;
	u64 seed = 88172645463325252ull;
	int i, k, rc, rc2;

	ck_assert_ptr_ne(map, MAP_FAILED);
	ck_assert_int_eq(mprotect(map + page, page, PROT_NONE), 0);
	for (i = 0; i < 300000; i++) {
		unsigned int avail = i % 18;
		u8 *p = map + page - avail, full[40];

		for (k = 0; k < 40; k++) {
			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			full[k] = seed >> 32;
		}
		if (i & 1)
			full[0] = 0x0f;
		memcpy(p, full, avail);
		rc = x86_decode(&in, modes[i % 3], p, avail);
		rc2 = x86_decode(&in2, modes[i % 3], full, 40);
		if (rc == X86_DECODE_MORE)
			continue;
		ck_assert_int_eq(rc, rc2);
		if (rc == X86_DECODE_TOO_LONG)
			continue;
		ck_assert(rc > 0 && rc <= 15 && rc <= (int)avail);
		ck_assert(in.op < X86_OP_COUNT && in.form < X86_FORM_COUNT && in.isa < X86_ISA_COUNT);
		ck_assert(in.reg < 16 && in.rm < 16 && in.base <= X86_RIP && in.index <= X86_NO_REG);
		ck_assert_mem_eq(&in, &in2, sizeof(in));
	}
	munmap(map, 2 * page);
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

int main(void)
{
	Suite *s = suite_create("decode");
	TCase *tc = tcase_create("decode");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_loop_test(tc, test_fields, 0, COUNT(fields));
	tcase_add_loop_test(tc, test_invalid, 0, COUNT(invalid));
	tcase_add_loop_test(tc, test_flags, 0, COUNT(flags));
	tcase_add_loop_test(tc, test_isa, 0, COUNT(isas));
	tcase_add_test(tc, test_prefixes);
	tcase_add_test(tc, test_too_long);
	tcase_add_loop_test(tc, test_corpus, 0, COUNT(corpus));
	tcase_add_test(tc, test_random);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

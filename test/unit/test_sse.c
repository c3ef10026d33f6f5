// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every MMX and SSE instruction against the host's CPU: random and corner operands, all rounding
 * modes, masked and unmasked exceptions, registers and memory. What the host lacks is skipped.
 */
#include "test/unit/lib/fpdata.h"
#include "vmm/cpu/fpu/simd_fp.h"

enum {
	F_M = 1,       /* has a memory form */
	F_R = 2,       /* has a register form */
	F_RM = 3,
	F_IMM = 4,
	F_MMX = 8,     /* reg and rm are MMX registers: REX bits are not drawn */
	F_GREG = 16,   /* reg is a general register */
	F_GRM = 32,    /* rm is one */
	F_W = 64,      /* REX.W may be drawn */
	F_MREG = 128,  /* only reg is an MMX register */
	F_MRM = 256,   /* only rm is one */
	F_ALIGN = 512, /* faults on an operand not aligned to 16 bytes */
	F_DIGIT = 1024, /* reg is `digit` */
	F_LEN = 2048,  /* RAX and RDX are string lengths */
};

struct op {
	const char *name;
	u8 pfx, map, opcode;
	u16 flags;
	u8 digit;
};

#define V(name, pfx, map, opc)   { name, pfx, map, opc, F_RM | F_ALIGN }
#define VI(name, pfx, map, opc)  { name, pfx, map, opc, F_RM | F_ALIGN | F_IMM }
#define VU(name, pfx, map, opc)  { name, pfx, map, opc, F_RM }
#define VUI(name, pfx, map, opc) { name, pfx, map, opc, F_RM | F_IMM }
#define MX(name, map, opc)       { name, 0, map, opc, F_RM | F_MMX }
#define BOTH(name, map, opc)     MX(name, map, opc), V(name " x", 0x66, map, opc)
#define BOTHI(name, map, opc)                                                                      \
	{ name, 0, map, opc, F_RM | F_MMX | F_IMM }, VI(name " x", 0x66, map, opc)
#define FP4(name, opc)                                                                             \
	V(name "ps", 0, 1, opc), V(name "pd", 0x66, 1, opc), VU(name "ss", 0xf3, 1, opc),          \
		VU(name "sd", 0xf2, 1, opc)
#define FP2(name, opc) V(name "ps", 0, 1, opc), V(name "pd", 0x66, 1, opc)
#define SH(name, opc, dig)                                                                         \
	{ name " imm", 0, 1, opc, F_R | F_MMX | F_IMM | F_DIGIT, dig },                            \
		{ name " imm x", 0x66, 1, opc, F_R | F_IMM | F_DIGIT, dig }

static const struct op ops_sse[] = {
	FP4("add", 0x58),
	FP4("mul", 0x59),
	FP4("sub", 0x5c),
	FP4("min", 0x5d),
	FP4("div", 0x5e),
	FP4("max", 0x5f),
	FP4("sqrt", 0x51),
	V("rsqrtps", 0, 1, 0x52),
	VU("rsqrtss", 0xf3, 1, 0x52),
	V("rcpps", 0, 1, 0x53),
	VU("rcpss", 0xf3, 1, 0x53),
	FP2("and", 0x54),
	FP2("andn", 0x55),
	FP2("or", 0x56),
	FP2("xor", 0x57),
	FP2("unpckl", 0x14),
	FP2("unpckh", 0x15),
	VI("cmpps", 0, 1, 0xc2),
	VI("cmppd", 0x66, 1, 0xc2),
	VUI("cmpss", 0xf3, 1, 0xc2),
	VUI("cmpsd", 0xf2, 1, 0xc2),
	VI("shufps", 0, 1, 0xc6),
	VI("shufpd", 0x66, 1, 0xc6),
	VU("ucomiss", 0, 1, 0x2e),
	VU("ucomisd", 0x66, 1, 0x2e),
	VU("comiss", 0, 1, 0x2f),
	VU("comisd", 0x66, 1, 0x2f),
	VU("cvtps2pd", 0, 1, 0x5a),
	V("cvtpd2ps", 0x66, 1, 0x5a),
	VU("cvtss2sd", 0xf3, 1, 0x5a),
	VU("cvtsd2ss", 0xf2, 1, 0x5a),
	V("cvtdq2ps", 0, 1, 0x5b),
	V("cvtps2dq", 0x66, 1, 0x5b),
	V("cvttps2dq", 0xf3, 1, 0x5b),
	V("cvttpd2dq", 0x66, 1, 0xe6),
	VU("cvtdq2pd", 0xf3, 1, 0xe6),
	V("cvtpd2dq", 0xf2, 1, 0xe6),
	{"cvtpi2ps", 0, 1, 0x2a, F_RM | F_MRM},
	{"cvtpi2pd", 0x66, 1, 0x2a, F_RM | F_MRM},
	{"cvtsi2ss", 0xf3, 1, 0x2a, F_RM | F_GRM | F_W},
	{"cvtsi2sd", 0xf2, 1, 0x2a, F_RM | F_GRM | F_W},
	{"cvttps2pi", 0, 1, 0x2c, F_RM | F_MREG},
	{"cvttpd2pi", 0x66, 1, 0x2c, F_RM | F_MREG | F_ALIGN},
	{"cvtps2pi", 0, 1, 0x2d, F_RM | F_MREG},
	{"cvtpd2pi", 0x66, 1, 0x2d, F_RM | F_MREG | F_ALIGN},
	{"cvttss2si", 0xf3, 1, 0x2c, F_RM | F_GREG | F_W},
	{"cvttsd2si", 0xf2, 1, 0x2c, F_RM | F_GREG | F_W},
	{"cvtss2si", 0xf3, 1, 0x2d, F_RM | F_GREG | F_W},
	{"cvtsd2si", 0xf2, 1, 0x2d, F_RM | F_GREG | F_W},
	VU("movups", 0, 1, 0x10),
	VU("movups st", 0, 1, 0x11),
	VU("movupd", 0x66, 1, 0x10),
	VU("movupd st", 0x66, 1, 0x11),
	VU("movss", 0xf3, 1, 0x10),
	VU("movss st", 0xf3, 1, 0x11),
	VU("movsd", 0xf2, 1, 0x10),
	VU("movsd st", 0xf2, 1, 0x11),
	VU("movlps", 0, 1, 0x12),
	{"movlps st", 0, 1, 0x13, F_M},
	{"movlpd", 0x66, 1, 0x12, F_M},
	{"movlpd st", 0x66, 1, 0x13, F_M},
	VU("movhps", 0, 1, 0x16),
	{"movhps st", 0, 1, 0x17, F_M},
	{"movhpd", 0x66, 1, 0x16, F_M},
	{"movhpd st", 0x66, 1, 0x17, F_M},
	V("movaps", 0, 1, 0x28),
	V("movaps st", 0, 1, 0x29),
	V("movapd", 0x66, 1, 0x28),
	V("movapd st", 0x66, 1, 0x29),
	{"movntps", 0, 1, 0x2b, F_M | F_ALIGN},
	{"movntpd", 0x66, 1, 0x2b, F_M | F_ALIGN},
	{"movntdq", 0x66, 1, 0xe7, F_M | F_ALIGN},
	{"movntq", 0, 1, 0xe7, F_M | F_MMX},
	V("movdqa", 0x66, 1, 0x6f),
	V("movdqa st", 0x66, 1, 0x7f),
	VU("movdqu", 0xf3, 1, 0x6f),
	VU("movdqu st", 0xf3, 1, 0x7f),
	MX("movq", 1, 0x6f),
	MX("movq st", 1, 0x7f),
	VU("movq x", 0xf3, 1, 0x7e),
	VU("movq x st", 0x66, 1, 0xd6),
	{"movd x", 0x66, 1, 0x6e, F_RM | F_GRM | F_W},
	{"movd x st", 0x66, 1, 0x7e, F_RM | F_GRM | F_W},
	{"movd", 0, 1, 0x6e, F_RM | F_GRM | F_W | F_MREG},
	{"movd st", 0, 1, 0x7e, F_RM | F_GRM | F_W | F_MREG},
	{"movq2dq", 0xf3, 1, 0xd6, F_R | F_MRM},
	{"movdq2q", 0xf2, 1, 0xd6, F_R | F_MREG},
	{"movmskps", 0, 1, 0x50, F_R | F_GREG},
	{"movmskpd", 0x66, 1, 0x50, F_R | F_GREG},
	{"pmovmskb x", 0x66, 1, 0xd7, F_R | F_GREG},
	{"pmovmskb", 0, 1, 0xd7, F_R | F_GREG | F_MRM},
	{"pinsrw", 0, 1, 0xc4, F_RM | F_GRM | F_MREG | F_IMM},
	{"pinsrw x", 0x66, 1, 0xc4, F_RM | F_GRM | F_IMM},
	{"pextrw", 0, 1, 0xc5, F_R | F_GREG | F_MRM | F_IMM},
	{"pextrw x", 0x66, 1, 0xc5, F_R | F_GREG | F_IMM},
	{"maskmovq", 0, 1, 0xf7, F_R | F_MMX},
	{"maskmovdqu", 0x66, 1, 0xf7, F_R},
	{"emms", 0, 1, 0x77, 0},
};

static const struct op ops_int[] = {
	BOTH("punpcklbw", 1, 0x60), BOTH("punpcklwd", 1, 0x61), BOTH("punpckldq", 1, 0x62),
	BOTH("packsswb", 1, 0x63), BOTH("pcmpgtb", 1, 0x64), BOTH("pcmpgtw", 1, 0x65),
	BOTH("pcmpgtd", 1, 0x66), BOTH("packuswb", 1, 0x67), BOTH("punpckhbw", 1, 0x68),
	BOTH("punpckhwd", 1, 0x69), BOTH("punpckhdq", 1, 0x6a), BOTH("packssdw", 1, 0x6b),
	V("punpcklqdq", 0x66, 1, 0x6c), V("punpckhqdq", 0x66, 1, 0x6d), BOTH("pcmpeqb", 1, 0x74),
	BOTH("pcmpeqw", 1, 0x75), BOTH("pcmpeqd", 1, 0x76), BOTH("psrlw", 1, 0xd1),
	BOTH("psrld", 1, 0xd2), BOTH("psrlq", 1, 0xd3), BOTH("paddq", 1, 0xd4),
	BOTH("pmullw", 1, 0xd5), BOTH("psubusb", 1, 0xd8), BOTH("psubusw", 1, 0xd9),
	BOTH("pminub", 1, 0xda), BOTH("pand", 1, 0xdb), BOTH("paddusb", 1, 0xdc),
	BOTH("paddusw", 1, 0xdd), BOTH("pmaxub", 1, 0xde), BOTH("pandn", 1, 0xdf),
	BOTH("pavgb", 1, 0xe0), BOTH("psraw", 1, 0xe1), BOTH("psrad", 1, 0xe2),
	BOTH("pavgw", 1, 0xe3), BOTH("pmulhuw", 1, 0xe4), BOTH("pmulhw", 1, 0xe5),
	BOTH("psubsb", 1, 0xe8), BOTH("psubsw", 1, 0xe9), BOTH("pminsw", 1, 0xea),
	BOTH("por", 1, 0xeb), BOTH("paddsb", 1, 0xec), BOTH("paddsw", 1, 0xed),
	BOTH("pmaxsw", 1, 0xee), BOTH("pxor", 1, 0xef), BOTH("psllw", 1, 0xf1),
	BOTH("pslld", 1, 0xf2), BOTH("psllq", 1, 0xf3), BOTH("pmuludq", 1, 0xf4),
	BOTH("pmaddwd", 1, 0xf5), BOTH("psadbw", 1, 0xf6), BOTH("psubb", 1, 0xf8),
	BOTH("psubw", 1, 0xf9), BOTH("psubd", 1, 0xfa), BOTH("psubq", 1, 0xfb),
	BOTH("paddb", 1, 0xfc), BOTH("paddw", 1, 0xfd), BOTH("paddd", 1, 0xfe),
	SH("psrlw", 0x71, 2), SH("psraw", 0x71, 4), SH("psllw", 0x71, 6), SH("psrld", 0x72, 2),
	SH("psrad", 0x72, 4), SH("pslld", 0x72, 6), SH("psrlq", 0x73, 2), SH("psllq", 0x73, 6),
	{ "psrldq", 0x66, 1, 0x73, F_R | F_IMM | F_DIGIT, 3 },
	{ "pslldq", 0x66, 1, 0x73, F_R | F_IMM | F_DIGIT, 7 },
	{ "pshufw", 0, 1, 0x70, F_RM | F_MMX | F_IMM }, VI("pshufd", 0x66, 1, 0x70),
	VI("pshufhw", 0xf3, 1, 0x70), VI("pshuflw", 0xf2, 1, 0x70),
};

static const struct op ops_sse3[] = {
	V("movsldup", 0xf3, 1, 0x12), V("movshdup", 0xf3, 1, 0x16), VU("movddup", 0xf2, 1, 0x12),
	V("haddpd", 0x66, 1, 0x7c), V("haddps", 0xf2, 1, 0x7c), V("hsubpd", 0x66, 1, 0x7d),
	V("hsubps", 0xf2, 1, 0x7d), V("addsubpd", 0x66, 1, 0xd0), V("addsubps", 0xf2, 1, 0xd0),
	{ "lddqu", 0xf2, 1, 0xf0, F_M },
};

static const struct op ops_ssse3[] = {
	BOTH("pshufb", 2, 0x00), BOTH("phaddw", 2, 0x01), BOTH("phaddd", 2, 0x02),
	BOTH("phaddsw", 2, 0x03), BOTH("pmaddubsw", 2, 0x04), BOTH("phsubw", 2, 0x05),
	BOTH("phsubd", 2, 0x06), BOTH("phsubsw", 2, 0x07), BOTH("psignb", 2, 0x08),
	BOTH("psignw", 2, 0x09), BOTH("psignd", 2, 0x0a), BOTH("pmulhrsw", 2, 0x0b),
	BOTH("pabsb", 2, 0x1c), BOTH("pabsw", 2, 0x1d), BOTH("pabsd", 2, 0x1e),
	BOTHI("palignr", 3, 0x0f),
};

static const struct op ops_sse41[] = {
	V("pblendvb", 0x66, 2, 0x10),
	V("blendvps", 0x66, 2, 0x14),
	V("blendvpd", 0x66, 2, 0x15),
	V("ptest", 0x66, 2, 0x17),
	VU("pmovsxbw", 0x66, 2, 0x20),
	VU("pmovsxbd", 0x66, 2, 0x21),
	VU("pmovsxbq", 0x66, 2, 0x22),
	VU("pmovsxwd", 0x66, 2, 0x23),
	VU("pmovsxwq", 0x66, 2, 0x24),
	VU("pmovsxdq", 0x66, 2, 0x25),
	V("pmuldq", 0x66, 2, 0x28),
	V("pcmpeqq", 0x66, 2, 0x29),
	{"movntdqa", 0x66, 2, 0x2a, F_M | F_ALIGN},
	V("packusdw", 0x66, 2, 0x2b),
	VU("pmovzxbw", 0x66, 2, 0x30),
	VU("pmovzxbd", 0x66, 2, 0x31),
	VU("pmovzxbq", 0x66, 2, 0x32),
	VU("pmovzxwd", 0x66, 2, 0x33),
	VU("pmovzxwq", 0x66, 2, 0x34),
	VU("pmovzxdq", 0x66, 2, 0x35),
	V("pminsb", 0x66, 2, 0x38),
	V("pminsd", 0x66, 2, 0x39),
	V("pminuw", 0x66, 2, 0x3a),
	V("pminud", 0x66, 2, 0x3b),
	V("pmaxsb", 0x66, 2, 0x3c),
	V("pmaxsd", 0x66, 2, 0x3d),
	V("pmaxuw", 0x66, 2, 0x3e),
	V("pmaxud", 0x66, 2, 0x3f),
	V("pmulld", 0x66, 2, 0x40),
	V("phminposuw", 0x66, 2, 0x41),
	VI("roundps", 0x66, 3, 0x08),
	VI("roundpd", 0x66, 3, 0x09),
	VUI("roundss", 0x66, 3, 0x0a),
	VUI("roundsd", 0x66, 3, 0x0b),
	VI("blendps", 0x66, 3, 0x0c),
	VI("blendpd", 0x66, 3, 0x0d),
	VI("pblendw", 0x66, 3, 0x0e),
	{"pextrb", 0x66, 3, 0x14, F_RM | F_GRM | F_IMM},
	{"pextrw", 0x66, 3, 0x15, F_RM | F_GRM | F_IMM},
	{"pextrd", 0x66, 3, 0x16, F_RM | F_GRM | F_IMM | F_W},
	{"extractps", 0x66, 3, 0x17, F_RM | F_GRM | F_IMM},
	{"pinsrb", 0x66, 3, 0x20, F_RM | F_GRM | F_IMM},
	VUI("insertps", 0x66, 3, 0x21),
	{"pinsrd", 0x66, 3, 0x22, F_RM | F_GRM | F_IMM | F_W},
	VI("dpps", 0x66, 3, 0x40),
	VI("dppd", 0x66, 3, 0x41),
	VI("mpsadbw", 0x66, 3, 0x42),
};

static const struct op ops_sse42[] = {
	V("pcmpgtq", 0x66, 2, 0x37),
	{ "pcmpestrm", 0x66, 3, 0x60, F_RM | F_IMM | F_W | F_LEN },
	{ "pcmpestri", 0x66, 3, 0x61, F_RM | F_IMM | F_W | F_LEN },
	VUI("pcmpistrm", 0x66, 3, 0x62), VUI("pcmpistri", 0x66, 3, 0x63),
};

static const struct op ops_aes[] = {
	V("aesimc", 0x66, 2, 0xdb),     V("aesenc", 0x66, 2, 0xdc),
	V("aesenclast", 0x66, 2, 0xdd), V("aesdec", 0x66, 2, 0xde),
	V("aesdeclast", 0x66, 2, 0xdf), VI("aeskeygenassist", 0x66, 3, 0xdf),
};

static const struct op ops_clmul[] = { VI("pclmulqdq", 0x66, 3, 0x44) };

/* ---- one case ---- */

/* Draws an encoding; returns its length. */
static unsigned int encode(const struct op *op, u64 *seed, bool mem, u8 *out)
{
	u64 r = native_random(seed);
	unsigned int n = 0, reg = r & 15, rm = r >> 4 & 15;
	u8 rex;

	if (op->flags & (F_MMX | F_MREG))
		reg &= 7;
	if (op->flags & (F_MMX | F_MRM))
		rm &= 7;
	if (op->flags & F_DIGIT)
		reg = op->digit;
	if ((op->flags & F_GREG) && reg == X86_RSP)
		reg = X86_RBX;
	if ((op->flags & F_GRM) && rm == X86_RSP)
		rm = X86_RBX;
	if (mem)
		rm = X86_RDI;
	rex = (op->flags & F_W && r >> 8 & 1 ? 8 : 0) | reg >> 3 << 2 | rm >> 3;
	if (op->pfx)
		out[n++] = op->pfx;
	if (rex)
		out[n++] = 0x40 | rex;
	out[n++] = 0x0f;
	if (op->map > 1)
		out[n++] = op->map == 2 ? 0x38 : 0x3a;
	out[n++] = op->opcode;
	if (op->flags & F_RM)
		out[n++] = (mem ? 0 : 0xc0) | (reg & 7) << 3 | (rm & 7);
	if (op->flags & F_IMM)
		out[n++] = r >> 9 & 1 ? r >> 10 : r >> 10 & 15;
	return n;
}

static void report(const struct op *op, const u8 *insn, unsigned int len, const char *what,
		   const struct native_state *in, const struct native_state *want,
		   const struct native_state *got)
{
	unsigned int i;

	fprintf(stderr, "%s:", op->name);
	for (i = 0; i < len; i++)
		fprintf(stderr, " %02x", insn[i]);
	fprintf(stderr, ": %s\n", what);
	for (i = 0; i < 416; i += 8) {
		u64 a, b, o;

		memcpy(&o, in->fx + i, 8);
		memcpy(&a, want->fx + i, 8);
		memcpy(&b, got->fx + i, 8);
		if (a != b)
			fprintf(stderr, "  fx+%u: before %016llx host %016llx here %016llx\n", i,
			        (unsigned long long)o, (unsigned long long)a,
			        (unsigned long long)b);
	}
	for (i = 0; i < 17; i++)
		if ((&want->gpr[0])[i] != (&got->gpr[0])[i])
			fprintf(stderr, "  gpr %u: before %llx host %llx here %llx\n", i,
				(unsigned long long)in->gpr[i], (unsigned long long)want->gpr[i],
				(unsigned long long)got->gpr[i]);
}

/* FIP, FDP and FOP are not changed by these instructions; host and image form may differ in them.
 */
static bool same_state(struct native_state *a, struct native_state *b)
{
	memset(a->fx + 5, 0, 19);
	memset(b->fx + 5, 0, 19);
	memset(a->fx + 28, 0, 4);
	memset(b->fx + 28, 0, 4);
	a->rflags &= X86_FL_ARITH;
	b->rflags &= X86_FL_ARITH;
	a->gpr[X86_RSP] = b->gpr[X86_RSP] = 0;
	return !memcmp(a->fx, b->fx, 416) && !memcmp(a->gpr, b->gpr, sizeof(a->gpr)) &&
	       a->rflags == b->rflags;
}

/*
 * With overflow or underflow unmasked the host sets PE when the result would be inexact with an
 * exponent without bounds. The handlers, which run masked, cannot tell and set it always.
 */
static void forgive_precision(struct native_state *host, struct native_state *here, u8 vector)
{
	u32 csr;

	memcpy(&csr, here->fx + 24, 4);
	if (vector == X86_XM && (csr & ~(csr >> 7) & (MXCSR_OE | MXCSR_UE))) {
		host->fx[24] &= ~MXCSR_PE;
		here->fx[24] &= ~MXCSR_PE;
	}
}

static bool run_case(struct native *n, const struct op *op, u64 *seed, bool mem, bool open)
{
	struct native_state in, host, here;
	u8 insn[16], data[NATIVE_MEM], after[NATIVE_MEM];
	unsigned int len = encode(op, seed, mem, insn), i, at;
	struct x86_insn d;
	struct uop u[2];
	u8 vector;

	fp_random_state(seed, &in, open);
	if (op->flags & F_LEN) {
		in.gpr[X86_RAX] = native_random(seed) % 40 - 20;
		in.gpr[X86_RDX] = native_random(seed) % 40 - 20;
	}
	for (i = 0; i < NATIVE_MEM; i += 16)
		fp_random_vector(seed, data + i);
	/* Aligned; misaligned; across the end of a page. */
	at = native_random(seed) & 3;
	at = at < 2 ? 256 : at == 2 ? 256 + (native_random(seed) & 15) : 4096 - 8;
	if (at & 15 && (op->flags & F_ALIGN) && native_random(seed) & 7)
		at = 256;
	in.gpr[X86_RDI] = (u64)(uintptr_t)n->mem + at;

	ck_assert_int_eq(x86_decode(&d, X86_MODE_64, insn, len), len);
	if (!native_uop(&d, u)) {
		fprintf(stderr, "%s: no handler for op %s form %u mod %u\n", op->name,
			x86_op_name(d.op), d.form, d.mod);
		return false;
	}
	native_build(n, insn, len);
	memcpy(n->mem + at - 64, data, NATIVE_MEM);
	host = in;
	native_run(n, &host);
	vector = n->vector;
	memcpy(after, n->mem + at - 64, NATIVE_MEM);
	memcpy(n->mem + at - 64, data, NATIVE_MEM);
	here = in;
	native_run_soft(n, &here, u);
	forgive_precision(&host, &here, vector);
	if (vector == n->vector && same_state(&host, &here) &&
	    !memcmp(after, n->mem + at - 64, NATIVE_MEM))
		return true;
	fprintf(stderr, "vector host %u here %u%s, mxcsr %x\n", vector, n->vector,
		memcmp(after, n->mem + at - 64, NATIVE_MEM) ? ", memory differs" : "",
		*(u32 *)(in.fx + 24));
	report(op, insn, len, "differs", &in, &host, &here);
	return false;
}

static unsigned int run_ops(const struct op *ops, size_t count, const char *name)
{
	unsigned int failed = 0, i, k;
	struct native n;
	u64 seed = 0x9e3779b97f4a7c15;

	native_init(&n);
	for (i = 0; i < count; i++) {
		const struct op *op = &ops[i];
		unsigned int bad = 0;

		for (k = 0; k < 600 && bad < 2; k++) {
			bool mem = op->flags & F_M && (k & 1 || !(op->flags & F_R));

			bad += !run_case(&n, op, &seed, mem, k % 5 == 4);
		}
		failed += !!bad;
	}
	native_free(&n);
	if (failed)
		fprintf(stderr, "%s: %u of %zu instructions differ\n", name, failed, count);
	return failed;
}

#define SSE_TEST(set, feature)                                                                     \
	START_TEST(test_##set)                                                                     \
	{                                                                                          \
		if (!__builtin_cpu_supports(feature)) {                                            \
			printf("skipped: this host has no %s\n", feature);                         \
			return;                                                                    \
		}                                                                                  \
		ck_assert_uint_eq(run_ops(ops_##set, ARRAY_SIZE(ops_##set), #set), 0);             \
	}                                                                                          \
	END_TEST

SSE_TEST(sse, "sse2")
SSE_TEST(int, "sse2")
SSE_TEST(sse3, "sse3")
SSE_TEST(ssse3, "ssse3")
SSE_TEST(sse41, "sse4.1")
SSE_TEST(sse42, "sse4.2")
SSE_TEST(aes, "aes")
SSE_TEST(clmul, "pclmul")

int main(void)
{
	Suite *s = suite_create("sse");
	TCase *t = tcase_create("against the host");
	SRunner *r;
	int failed;

	tcase_add_test(t, test_sse);
	tcase_add_test(t, test_int);
	tcase_add_test(t, test_sse3);
	tcase_add_test(t, test_ssse3);
	tcase_add_test(t, test_sse41);
	tcase_add_test(t, test_sse42);
	tcase_add_test(t, test_aes);
	tcase_add_test(t, test_clmul);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}

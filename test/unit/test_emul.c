/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The emulator of single instructions: operands, flags, strings, ports, and the rule that a read that
 * has to wait leaves no trace. Source: Intel SDM volume 2.
 */
#include <check.h>

#include "module/x86/emul.h"

#define MEM_SIZE 0x1000
#define DEVICE 0x2000 /* reads there answer X86_RETRY */

static u8 mem[MEM_SIZE];
static u64 out_val, out_port, cr4 = X86_CR4_OSFXSR, dr[8];

static int op_read(struct x86_ctx *ctx, u64 lin, void *buf, unsigned int len, unsigned int acc)
{
	if (lin == DEVICE)
		return X86_RETRY;
	if (lin + len > MEM_SIZE)
		return x86_raise_err(ctx, X86_PF, 0);
	memcpy(buf, mem + lin, len);
	return 0;
}

static int op_write(struct x86_ctx *ctx, u64 lin, const void *buf, unsigned int len, unsigned int acc)
{
	if (lin + len > MEM_SIZE)
		return x86_raise_err(ctx, X86_PF, 2);
	memcpy(mem + lin, buf, len);
	return 0;
}

static int op_probe(struct x86_ctx *ctx, u64 lin, unsigned int len, unsigned int acc)
{
	return lin + len > MEM_SIZE ? x86_raise_err(ctx, X86_PF, 2) : 0;
}

static void op_get_seg(struct x86_ctx *ctx, unsigned int seg, struct x86_seg *s)
{
	memset(s, 0, sizeof(*s));
	s->limit = 0xffffffff;
	s->attr = seg == X86_CS ? 0xc09b : 0xc093;
}

static u64 op_get_cr(struct x86_ctx *ctx, unsigned int cr)
{
	return cr == 4 ? cr4 : cr ? 0 : X86_CR0_PE;
}

static u64 op_get_dr(struct x86_ctx *ctx, unsigned int n)
{
	return dr[n];
}

static void op_set_dr(struct x86_ctx *ctx, unsigned int n, u64 val)
{
	dr[n] = val;
}

static u64 op_get_efer(struct x86_ctx *ctx)
{
	return 0;
}

static int io_in(struct x86_ctx *ctx, u16 port, unsigned int size, u64 *val)
{
	*val = 0x77;
	return 0;
}

static int io_out(struct x86_ctx *ctx, u16 port, unsigned int size, u64 val)
{
	out_port = port;
	out_val = val;
	return 0;
}

static const struct x86_ops ops = {
	.read = op_read, .write = op_write, .probe = op_probe, .get_seg = op_get_seg,
	.get_cr = op_get_cr, .get_dr = op_get_dr, .set_dr = op_set_dr, .get_efer = op_get_efer,
};
static u8 vec[16]; /* every vector register */

static void io_vec(struct x86_ctx *ctx, unsigned int reg, int mmx, u8 *buf, int write)
{
	if (write)
		memcpy(vec, buf, mmx ? 8 : 16);
	else
		memcpy(buf, vec, mmx ? 8 : 16);
}

static const struct x86_emul_io io = { .in = io_in, .out = io_out, .vec = io_vec };

/* Code at 0x100; EAX 0x11223344, ECX 2, EDX 0x3f8, EBX 0x800 (memory holds 0x80000001 there), ESI 0x800,
 * EDI 0x900, ESP 0xa00. `reg`, `addr`: the register and the four bytes looked at afterwards. */
static const struct {
	const char *name;
	const char *code;
	unsigned int len;
	int ret;
	unsigned int rip;
	unsigned int reg;
	u64 val;
	unsigned int addr;
	u32 word;
	u32 flags; /* arithmetic ones */
} cases[] = {
	{ "mov load", "\x8b\x03", 2, 0, 0x102, X86_RAX, 0x80000001, 0x800, 0x80000001, 0 },
	{ "mov store high byte", "\x88\x23", 2, 0, 0x102, X86_RAX, 0x11223344, 0x800, 0x80000033, 0 },
	{ "mov store imm16", "\x66\xc7\x03\x34\x12", 5, 0, 0x105, X86_RCX, 2, 0x800, 0x80001234, 0 },
	{ "movzx", "\x0f\xb6\x43\x03", 4, 0, 0x104, X86_RAX, 0x80, 0x800, 0x80000001, 0 },
	{ "movsx", "\x0f\xbe\x43\x03", 4, 0, 0x104, X86_RAX, 0xffffff80, 0x800, 0x80000001, 0 },
	{ "add to memory", "\x01\x1b", 2, 0, 0x102, X86_RBX, 0x800, 0x800, 0x80000801, X86_FL_SF },
	{ "cmp writes nothing", "\x83\x3b\x01", 3, 0, 0x103, X86_RBX, 0x800, 0x800, 0x80000001,
	  X86_FL_SF | X86_FL_PF },
	{ "dec keeps CF", "\xff\x0b", 2, 0, 0x102, X86_RBX, 0x800, 0x800, 0x80000000,
	  X86_FL_SF | X86_FL_PF },
	{ "xchg", "\x87\x03", 2, 0, 0x102, X86_RAX, 0x80000001, 0x800, 0x11223344, 0 },
	{ "cmpxchg, unequal", "\x0f\xb1\x0b", 3, 0, 0x103, X86_RAX, 0x80000001, 0x800, 0x80000001,
	  X86_FL_CF | X86_FL_SF | X86_FL_OF },
	{ "bts beyond the operand", "\x0f\xab\x0b", 3, 0, 0x103, X86_RBX, 0x800, 0x800, 0x80000005, 0 },
	{ "push memory", "\xff\x33", 2, 0, 0x102, X86_RSP, 0x9fc, 0x9fc, 0x80000001, 0 },
	{ "rep movs, one of two", "\xf3\xa5", 2, 0, 0x100, X86_RCX, 1, 0x900, 0x80000001, 0 },
	{ "stos", "\xab", 1, 0, 0x101, X86_RDI, 0x904, 0x900, 0x11223344, 0 },
	{ "ins", "\x6c", 1, 0, 0x101, X86_RDI, 0x901, 0x900, 0x77, 0 },
	{ "outs", "\x6e", 1, 0, 0x101, X86_RSI, 0x801, 0x800, 0x80000001, 0 },
	{ "a device read waits", "\xff\x05\x00\x20\x00\x00", 6, X86_RETRY, 0x100, X86_RAX, 0x11223344,
	  0x800, 0x80000001, 0 },
	{ "page fault", "\x89\x05\xfe\x0f\x00\x00", 6, X86_FAULT, 0x100, X86_RAX, 0x11223344, 0x800,
	  0x80000001, 0 },
	{ "shl by CL", "\xd3\x23", 2, 0, 0x102, X86_RCX, 2, 0x800, 4, X86_FL_OF },
	{ "rol by one", "\xd1\xc0", 2, 0, 0x102, X86_RAX, 0x22446688, 0x800, 0x80000001, 0 },
	{ "shrd", "\x0f\xac\xd0\x04", 4, 0, 0x104, X86_RAX, 0x81122334, 0x800, 0x80000001, X86_FL_SF },
	{ "mul", "\xf7\xe1", 2, 0, 0x102, X86_RAX, 0x22446688, 0x800, 0x80000001, X86_FL_PF },
	{ "imul with three operands", "\x6b\xc1\xfd", 3, 0, 0x103, X86_RAX, 0xfffffffa, 0x800, 0x80000001,
	  X86_FL_SF | X86_FL_PF },
	{ "div of bytes", "\xf6\xf1", 2, X86_FAULT, 0x100, X86_RAX, 0x11223344, 0x800, 0x80000001, 0 },
	{ "idiv", "\x99\xf7\xf9", 1, 0, 0x101, X86_RDX, 0, 0x800, 0x80000001, 0 },
	{ "cbw", "\x66\x98", 2, 0, 0x102, X86_RAX, 0x11220044, 0x800, 0x80000001, 0 },
	{ "bsr", "\x0f\xbd\xc1", 3, 0, 0x103, X86_RAX, 1, 0x800, 0x80000001, 0 },
	{ "bswap", "\x0f\xc8", 2, 0, 0x102, X86_RAX, 0x44332211, 0x800, 0x80000001, 0 },
	{ "lea", "\x8d\x44\x8b\x04", 4, 0, 0x104, X86_RAX, 0x80c, 0x800, 0x80000001, 0 },
	{ "movzx of a register's high byte", "\x0f\xb6\xc4", 3, 0, 0x103, X86_RAX, 0x33, 0x800, 0x80000001, 0 },
	{ "aam", "\xd4\x0a", 2, 0, 0x102, X86_RAX, 0x11220608, 0x800, 0x80000001, 0 },
	{ "aam 0", "\xd4\x00", 2, X86_FAULT, 0x100, X86_RAX, 0x11223344, 0x800, 0x80000001, 0 },
	{ "stc", "\xf9", 1, 0, 0x101, X86_RAX, 0x11223344, 0x800, 0x80000001, X86_FL_CF },
	{ "lahf", "\x9f", 1, 0, 0x101, X86_RAX, 0x11220244, 0x800, 0x80000001, 0 },
	{ "setnz", "\x0f\x95\x03", 3, 0, 0x103, X86_RAX, 0x11223344, 0x800, 0x80000001, 0 },
	{ "cmovz, not taken", "\x0f\x44\xc1", 3, 0, 0x103, X86_RAX, 0x11223344, 0x800, 0x80000001, 0 },
	{ "jz, not taken", "\x74\x10", 2, 0, 0x102, X86_RAX, 0x11223344, 0x800, 0x80000001, 0 },
	{ "jnz, taken, back", "\x75\xf0", 2, 0, 0xf2, X86_RAX, 0x11223344, 0x800, 0x80000001, 0 },
	{ "jmp to a register", "\xff\xe3", 2, 0, 0x800, X86_RAX, 0x11223344, 0x800, 0x80000001, 0 },
	{ "jmp with 16 bits", "\x66\xff\xe0", 3, 0, 0x3344, X86_RAX, 0x11223344, 0x800, 0x80000001, 0 },
	{ "loop", "\xe2\x10", 2, 0, 0x112, X86_RCX, 1, 0x800, 0x80000001, 0 },
	{ "loopz ends", "\xe1\x10", 2, 0, 0x102, X86_RCX, 1, 0x800, 0x80000001, 0 },
	{ "jcxz, not taken", "\xe3\x10", 2, 0, 0x102, X86_RCX, 2, 0x800, 0x80000001, 0 },
	{ "call", "\xe8\x00\x01\x00\x00", 5, 0, 0x205, X86_RSP, 0x9fc, 0x9fc, 0x105, 0 },
	{ "ret, releasing", "\xc2\x08\x00", 3, 0, 0, X86_RSP, 0xa0c, 0x800, 0x80000001, 0 },
	{ "push imm8", "\x6a\xff", 2, 0, 0x102, X86_RSP, 0x9fc, 0x9fc, 0xffffffff, 0 },
	{ "pop", "\x8f\x03", 2, 0, 0x102, X86_RSP, 0xa04, 0x800, 0, 0 },
	{ "pusha", "\x60", 1, 0, 0x101, X86_RSP, 0x9e0, 0x9ec, 0xa00, 0 },
	{ "popa", "\x61", 1, 0, 0x101, X86_RSP, 0xa20, 0x800, 0x80000001, 0 },
	{ "enter", "\xc8\x10\x00\x00", 4, 0, 0x104, X86_RSP, 0x9ec, 0x9fc, 0, 0 },
	{ "xlat", "\xd7", 1, 0, 0x101, X86_RAX, 0x11223300, 0x800, 0x80000001, 0 },
	{ "in", "\xe4\x60", 2, 0, 0x102, X86_RAX, 0x11223377, 0x800, 0x80000001, 0 },
	{ "pushf", "\x9c", 1, 0, 0x101, X86_RSP, 0x9fc, 0x9fc, 2, 0 },
	{ "mov from ds", "\x8c\xd8", 2, 0, 0x102, X86_RAX, 0, 0x800, 0x80000001, 0 },
	{ "cmpxchg8b, unequal", "\x0f\xc7\x0b", 3, 0, 0x103, X86_RAX, 0x80000001, 0x800, 0x80000001, 0 },
	{ "movdqu store", "\xf3\x0f\x7f\x0b", 4, 0, 0x104, X86_RAX, 0x11223344, 0x800, 0x5a5a5a5a, 0 },
	{ "movaps, misaligned", "\x0f\x28\x4b\x04", 4, X86_FAULT, 0x100, X86_RAX, 0x11223344, 0x800,
	  0x80000001, 0 },
	{ "movss store", "\xf3\x0f\x11\x4b\x01", 5, 0, 0x105, X86_RAX, 0x11223344, 0x800, 0x5a5a5a01, 0 },
	{ "movq mm store", "\x0f\x7f\x0b", 3, 0, 0x103, X86_RAX, 0x11223344, 0x804, 0x5a5a5a5a, 0 },
	{ "not known: fadd", "\xd8\x03", 2, X86_EMUL_UNKNOWN, 0x100, X86_RAX, 0x11223344, 0x800,
	  0x80000001, 0 },
};

START_TEST(instructions)
{
	struct x86_emul e;
	u32 word = 0x80000001;
	int ret;

	memset(&e, 0, sizeof(e));
	memset(mem, 0, sizeof(mem));
	memset(vec, 0x5a, sizeof(vec));
	memcpy(mem + 0x100, cases[_i].code, cases[_i].len);
	memcpy(mem + 0x800, &word, 4);
	e.ctx.ops = &ops;
	e.ctx.gpr = e.gpr;
	e.ctx.rip = 0x100;
	e.ctx.rflags = X86_FL_ONE;
	e.io = &io;
	e.mode = X86_MODE_32;
	e.gpr[X86_RAX] = 0x11223344;
	e.gpr[X86_RCX] = 2;
	e.gpr[X86_RDX] = 0x3f8;
	e.gpr[X86_RBX] = e.gpr[X86_RSI] = 0x800;
	e.gpr[X86_RDI] = 0x900;
	e.gpr[X86_RSP] = 0xa00;
	ck_assert_int_eq(x86_emul_decode(&e, NULL, 0), 0);
	ret = x86_emul_exec(&e);
	ck_assert_msg(ret == cases[_i].ret, "%s: result %d", cases[_i].name, ret);
	memcpy(&word, mem + cases[_i].addr, 4);
	ck_assert_msg(e.ctx.rip == cases[_i].rip, "%s: rip %#lx", cases[_i].name, e.ctx.rip);
	ck_assert_msg(e.gpr[cases[_i].reg] == cases[_i].val, "%s: register %#lx", cases[_i].name,
		      e.gpr[cases[_i].reg]);
	ck_assert_msg(word == cases[_i].word, "%s: memory %#x", cases[_i].name, word);
	ck_assert_msg((e.ctx.rflags & X86_FL_ARITH) == cases[_i].flags, "%s: flags %#lx",
		      cases[_i].name, e.ctx.rflags);
}
END_TEST

/* A table of decoded instructions changes nothing: not when it is empty, full, or has another mode's. */
START_TEST(remembered)
{
	static struct x86_decoded table[X86_DECODED];
	static const enum x86_mode modes[] = { X86_MODE_32, X86_MODE_16, X86_MODE_32, X86_MODE_64, X86_MODE_32 };
	struct x86_emul plain, e;
	unsigned int i;

	memset(mem, 0, sizeof(mem));
	memcpy(mem + 0x100, cases[_i].code, cases[_i].len);
	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		memset(&plain, 0, sizeof(plain));
		plain.ctx.ops = &ops;
		plain.ctx.rip = 0x100;
		plain.mode = modes[i];
		e = plain;
		e.decoded = table;
		ck_assert_int_eq(x86_emul_decode(&e, NULL, 0), x86_emul_decode(&plain, NULL, 0));
		ck_assert_msg(!memcmp(&e.insn, &plain.insn, sizeof(e.insn)), "%s: mode %u",
			      cases[_i].name, modes[i]);
	}
	/* One byte further it is something else. */
	mem[0x100] ^= 1;
	e = plain;
	e.decoded = table;
	ck_assert_int_eq(x86_emul_decode(&e, NULL, 0), x86_emul_decode(&plain, NULL, 0));
	ck_assert(!memcmp(&e.insn, &plain.insn, sizeof(e.insn)));
}
END_TEST

START_TEST(port_value)
{
	struct x86_emul e;

	memset(&e, 0, sizeof(e));
	memcpy(mem, "\x66\x6f", 2); /* outsw */
	memcpy(mem + 0x800, "\xcd\xab", 2);
	e.ctx.ops = &ops;
	e.ctx.gpr = e.gpr;
	e.io = &io;
	e.mode = X86_MODE_32;
	e.gpr[X86_RSI] = 0x800;
	e.gpr[X86_RDX] = 0x101f0;
	ck_assert_int_eq(x86_emul_decode(&e, NULL, 0), 0);
	ck_assert_int_eq(x86_emul_exec(&e), 0);
	ck_assert_uint_eq(out_port, 0x1f0);
	ck_assert_uint_eq(out_val, 0xabcd);
}
END_TEST

/* A program that may not use ports gets there by no string instruction either. */
START_TEST(port_refused)
{
	static const char *const code[] = { "\x6e", "\x6c", "\xf3\x6f", "\xee" }; /* outsb, insb, rep outsd, out */
	struct x86_emul e;

	memset(&e, 0, sizeof(e));
	memcpy(mem, code[_i], 2);
	out_port = 0;
	e.ctx.ops = &ops;
	e.ctx.gpr = e.gpr;
	e.ctx.cpl = 3;
	e.ctx.rflags = X86_FL_ONE;
	e.io = &io;
	e.mode = X86_MODE_32;
	e.gpr[X86_RSI] = e.gpr[X86_RDI] = 0x800;
	e.gpr[X86_RCX] = 2;
	e.gpr[X86_RDX] = 0x1f0;
	ck_assert_int_eq(x86_emul_decode(&e, NULL, 0), 0);
	ck_assert_int_eq(x86_emul_exec(&e), X86_FAULT);
	ck_assert_uint_eq(e.ctx.fault.vector, X86_GP);
	ck_assert_uint_eq(out_port, 0);
}
END_TEST

/* What a load leaves in the register: 16 bytes with memory 01 02 03 ..., the register 5a before. */
static const struct {
	const char *name;
	const char *code;
	unsigned int len;
	const char *want;
} loads[] = {
	{ "movups", "\x0f\x10\x0b", 3, "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10" },
	{ "movss", "\xf3\x0f\x10\x0b", 4, "\x01\x02\x03\x04\0\0\0\0\0\0\0\0\0\0\0" },
	{ "movq", "\xf3\x0f\x7e\x0b", 4, "\x01\x02\x03\x04\x05\x06\x07\x08\0\0\0\0\0\0\0" },
	{ "movhps", "\x0f\x16\x0b", 3, "ZZZZZZZZ\x01\x02\x03\x04\x05\x06\x07\x08" },
	{ "movlpd", "\x66\x0f\x12\x0b", 4, "\x01\x02\x03\x04\x05\x06\x07\x08ZZZZZZZZ" },
	{ "movd", "\x66\x0f\x6e\x0b", 4, "\x01\x02\x03\x04\0\0\0\0\0\0\0\0\0\0\0" },
};

START_TEST(vector_loads)
{
	struct x86_emul e;
	unsigned int i;

	memset(&e, 0, sizeof(e));
	memset(vec, 'Z', sizeof(vec));
	memcpy(mem, loads[_i].code, loads[_i].len);
	for (i = 0; i < 16; i++)
		mem[0x800 + i] = (u8)(i + 1);
	e.ctx.ops = &ops;
	e.ctx.gpr = e.gpr;
	e.io = &io;
	e.mode = X86_MODE_32;
	e.gpr[X86_RBX] = 0x800;
	ck_assert_int_eq(x86_emul_decode(&e, NULL, 0), 0);
	ck_assert_int_eq(x86_emul_exec(&e), 0);
	ck_assert_msg(!memcmp(vec, loads[_i].want, 16), "%s", loads[_i].name);
}
END_TEST

/* MOV with debug registers; before: DR6 0xffff0ff0, DR7 as given, EAX 0x1234. `vector`: the fault, 0: none. */
static const struct {
	const char *name;
	const char *code;
	u64 cr4, dr7;
	unsigned int cpl, vector;
	u64 want_eax, want_dr6, want_dr7;
} debugs[] = {
	{ "DR6 reads", "\x0f\x21\xf0", 0, 0x400, 0, 0, 0xffff0ff0, 0xffff0ff0, 0x400 },
	{ "DR4 is DR6", "\x0f\x21\xe0", 0, 0x400, 0, 0, 0xffff0ff0, 0xffff0ff0, 0x400 },
	{ "DR5 is DR7", "\x0f\x23\xe8", 0, 0x400, 0, 0, 0x1234, 0xffff0ff0, 0x1234 },
	{ "no DR4 with DE", "\x0f\x21\xe0", X86_CR4_DE, 0x400, 0, X86_UD, 0x1234, 0xffff0ff0, 0x400 },
	{ "no DR5 with DE", "\x0f\x23\xe8", X86_CR4_DE, 0x400, 0, X86_UD, 0x1234, 0xffff0ff0, 0x400 },
	{ "not for a user", "\x0f\x23\xf0", 0, 0x400, 3, X86_GP, 0x1234, 0xffff0ff0, 0x400 },
	{ "GD traps", "\x0f\x21\xc0", 0, 0x2401, 0, X86_DB, 0x1234, 0xffff2ff0, 0x401 },
};

START_TEST(debug_registers)
{
	struct x86_emul e;

	memset(&e, 0, sizeof(e));
	memcpy(mem, debugs[_i].code, 3);
	e.ctx.ops = &ops;
	e.ctx.gpr = e.gpr;
	e.ctx.cpl = (u8)debugs[_i].cpl;
	e.io = &io;
	e.mode = X86_MODE_32;
	e.gpr[X86_RAX] = 0x1234;
	cr4 = debugs[_i].cr4;
	dr[6] = 0xffff0ff0;
	dr[7] = debugs[_i].dr7;
	ck_assert_int_eq(x86_emul_decode(&e, NULL, 0), 0);
	ck_assert_int_eq(x86_emul_exec(&e), debugs[_i].vector ? X86_FAULT : 0);
	if (debugs[_i].vector)
		ck_assert_uint_eq(e.ctx.fault.vector, debugs[_i].vector);
	ck_assert_msg(e.gpr[X86_RAX] == debugs[_i].want_eax, "%s: EAX", debugs[_i].name);
	ck_assert_msg(dr[6] == debugs[_i].want_dr6, "%s: DR6", debugs[_i].name);
	ck_assert_msg(dr[7] == debugs[_i].want_dr7, "%s: DR7", debugs[_i].name);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("emul");
	TCase *t = tcase_create("emul");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, remembered, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_loop_test(t, instructions, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(t, port_value);
	tcase_add_loop_test(t, port_refused, 0, 4);
	tcase_add_loop_test(t, vector_loads, 0, sizeof(loads) / sizeof(loads[0]));
	tcase_add_loop_test(t, debug_registers, 0, sizeof(debugs) / sizeof(debugs[0]));
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}

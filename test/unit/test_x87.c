// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every x87 instruction against the host's CPU: all 80-bit classes, all rounding and precision
 * modes, empty and full stacks, masked and unmasked exceptions, memory operands of each format.
 */
#include "test/unit/lib/fpdata.h"
#include "vmm/cpu/fpu/ops.h"

enum {
	F_MEM = 1,    /* modrm is /digit of a memory form */
	F_STI = 2,    /* + i */
	F_ENV = 4,    /* loads an environment: the operand gets a plausible one */
	F_O16 = 8,    /* with an operand-size prefix */
	F_NOPTR = 16, /* the pointers are not compared in what it stores */
};

struct op {
	const char *name;
	u8 opcode, modrm;
	u8 flags;
};

#define R(name, opc, rm) { name, opc, rm, F_STI }
#define N(name, opc, rm) { name, opc, rm, 0 }
#define M(name, opc, dig) { name, opc, dig, F_MEM }
#define EIGHT(X, pre, sfx, opc)                                                                    \
	M(pre "add" sfx, opc, 0), M(pre "mul" sfx, opc, 1), M(pre "com" sfx, opc, 2),              \
		M(pre "comp" sfx, opc, 3), M(pre "sub" sfx, opc, 4), M(pre "subr" sfx, opc, 5),    \
		M(pre "div" sfx, opc, 6), M(pre "divr" sfx, opc, 7)

static const struct op ops_arith[] = {
	R("fadd", 0xd8, 0xc0),       R("fmul", 0xd8, 0xc8),        R("fcom", 0xd8, 0xd0),
	R("fcomp", 0xd8, 0xd8),      R("fsub", 0xd8, 0xe0),        R("fsubr", 0xd8, 0xe8),
	R("fdiv", 0xd8, 0xf0),       R("fdivr", 0xd8, 0xf8),       R("fadd i", 0xdc, 0xc0),
	R("fmul i", 0xdc, 0xc8),     R("fsubr i", 0xdc, 0xe0),     R("fsub i", 0xdc, 0xe8),
	R("fdivr i", 0xdc, 0xf0),    R("fdiv i", 0xdc, 0xf8),      R("faddp", 0xde, 0xc0),
	R("fmulp", 0xde, 0xc8),      N("fcompp", 0xde, 0xd9),      R("fsubrp", 0xde, 0xe0),
	R("fsubp", 0xde, 0xe8),      R("fdivrp", 0xde, 0xf0),      R("fdivp", 0xde, 0xf8),
	R("fucom", 0xdd, 0xe0),      R("fucomp", 0xdd, 0xe8),      N("fucompp", 0xda, 0xe9),
	R("fcomi", 0xdb, 0xf0),      R("fucomi", 0xdb, 0xe8),      R("fcomip", 0xdf, 0xf0),
	R("fucomip", 0xdf, 0xe8),    N("ftst", 0xd9, 0xe4),        EIGHT(M, "f", " m32", 0xd8),
	EIGHT(M, "f", " m64", 0xdc), EIGHT(M, "fi", " m32", 0xda), EIGHT(M, "fi", " m16", 0xde),
};

static const struct op ops_func[] = {
	N("fchs", 0xd9, 0xe0), N("fabs", 0xd9, 0xe1), N("fxam", 0xd9, 0xe5), N("fld1", 0xd9, 0xe8),
	N("fldl2t", 0xd9, 0xe9), N("fldl2e", 0xd9, 0xea), N("fldpi", 0xd9, 0xeb),
	N("fldlg2", 0xd9, 0xec), N("fldln2", 0xd9, 0xed), N("fldz", 0xd9, 0xee),
	N("f2xm1", 0xd9, 0xf0), N("fyl2x", 0xd9, 0xf1), N("fptan", 0xd9, 0xf2),
	N("fpatan", 0xd9, 0xf3), N("fxtract", 0xd9, 0xf4), N("fprem1", 0xd9, 0xf5),
	N("fdecstp", 0xd9, 0xf6), N("fincstp", 0xd9, 0xf7), N("fprem", 0xd9, 0xf8),
	N("fyl2xp1", 0xd9, 0xf9), N("fsqrt", 0xd9, 0xfa), N("fsincos", 0xd9, 0xfb),
	N("frndint", 0xd9, 0xfc), N("fscale", 0xd9, 0xfd), N("fsin", 0xd9, 0xfe),
	N("fcos", 0xd9, 0xff), N("fnop", 0xd9, 0xd0),
};

static const struct op ops_move[] = {
	R("fld", 0xd9, 0xc0),      R("fxch", 0xd9, 0xc8),    R("fst", 0xdd, 0xd0),
	R("fstp", 0xdd, 0xd8),     R("ffree", 0xdd, 0xc0),   R("ffreep", 0xdf, 0xc0),
	R("fcmovb", 0xda, 0xc0),   R("fcmove", 0xda, 0xc8),  R("fcmovbe", 0xda, 0xd0),
	R("fcmovu", 0xda, 0xd8),   R("fcmovnb", 0xdb, 0xc0), R("fcmovne", 0xdb, 0xc8),
	R("fcmovnbe", 0xdb, 0xd0), R("fcmovnu", 0xdb, 0xd8), M("fld m32", 0xd9, 0),
	M("fst m32", 0xd9, 2),     M("fstp m32", 0xd9, 3),   M("fld m64", 0xdd, 0),
	M("fst m64", 0xdd, 2),     M("fstp m64", 0xdd, 3),   M("fld m80", 0xdb, 5),
	M("fstp m80", 0xdb, 7),    M("fild m32", 0xdb, 0),   M("fist m32", 0xdb, 2),
	M("fistp m32", 0xdb, 3),   M("fild m16", 0xdf, 0),   M("fist m16", 0xdf, 2),
	M("fistp m16", 0xdf, 3),   M("fild m64", 0xdf, 5),   M("fistp m64", 0xdf, 7),
	M("fisttp m32", 0xdb, 1),  M("fisttp m64", 0xdd, 1), M("fisttp m16", 0xdf, 1),
	M("fbstp", 0xdf, 6),
};

static const struct op ops_control[] = {
	M("fldcw", 0xd9, 5), M("fnstcw", 0xd9, 7), M("fnstsw", 0xdd, 7), N("fnstsw ax", 0xdf, 0xe0),
	N("fnclex", 0xdb, 0xe2), N("fninit", 0xdb, 0xe3), N("feni", 0xdb, 0xe0),
	N("fdisi", 0xdb, 0xe1), N("fwait", 0x9b, 0),
	{ "fldenv", 0xd9, 4, F_MEM | F_ENV }, { "fnstenv", 0xd9, 6, F_MEM | F_NOPTR },
	{ "frstor", 0xdd, 4, F_MEM | F_ENV }, { "fnsave", 0xdd, 6, F_MEM | F_NOPTR },
	{ "fldenv 16", 0xd9, 4, F_MEM | F_ENV | F_O16 },
	{ "fnstenv 16", 0xd9, 6, F_MEM | F_NOPTR | F_O16 },
	{ "frstor 16", 0xdd, 4, F_MEM | F_ENV | F_O16 },
	{ "fnsave 16", 0xdd, 6, F_MEM | F_NOPTR | F_O16 },
};

static unsigned int encode(const struct op *op, u64 *seed, u8 *out)
{
	unsigned int n = 0, i = native_random(seed) & 7;

	if (op->flags & F_O16)
		out[n++] = 0x66;
	out[n++] = op->opcode;
	if (op->opcode == 0x9b)
		return n;
	if (op->flags & F_MEM)
		out[n++] = op->modrm << 3 | X86_RDI;
	else
		out[n++] = op->modrm + (op->flags & F_STI ? i : 0);
	return n;
}

static void random_operand(const struct op *op, u64 *seed, u8 data[NATIVE_MEM])
{
	u64 r = native_random(seed), v;
	u8 *p = data + 64;
	u32 w;

	memset(data, 0, NATIVE_MEM);
	if (op->flags & F_ENV) {
		unsigned int i;

		for (i = 0; i < 160; i += 8) {
			v = native_random(seed);
			memcpy(p + i, &v, 8);
		}
		w = (u32)(r & 0x1f00) | 0x7f;
		memcpy(p, &w, 2);
		return;
	}
	switch (r & 3) {
	case 0:
		w = fp_random32(seed);
		memcpy(p, &w, 4);
		break;
	case 1:
		v = fp_random64(seed);
		memcpy(p, &v, 8);
		break;
	case 2:
		fp_random80(seed, p);
		break;
	default:
		v = native_random(seed) >> (r >> 8 & 63);
		v = r & 4 ? -v : v;
		memcpy(p, &v, 8);
	}
}

static void report(const char *name, const u8 *insn, unsigned int len,
                   const struct native_state *in, const struct native_state *want,
                   const struct native_state *got)
{
	unsigned int i;

	fprintf(stderr, "%s:", name);
	for (i = 0; i < len; i++)
		fprintf(stderr, " %02x", insn[i]);
	fprintf(stderr, "\n");
	for (i = 0; i < 160; i += 8) {
		u64 a, b, o;

		memcpy(&o, in->fx + i, 8);
		memcpy(&a, want->fx + i, 8);
		memcpy(&b, got->fx + i, 8);
		if (a != b || i < 8)
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

/* FIP is compared; FDP and FOP, which the host and this CPU set with an unmasked exception only,
 * where `pointers` says so. */
static bool same_state(struct native_state *a, struct native_state *b, bool pointers)
{
	memset(a->fx + 28, 0, 4);
	memset(b->fx + 28, 0, 4);
	if (!pointers) {
		memset(a->fx + 6, 0, 18);
		memset(b->fx + 6, 0, 18);
	}
	a->rflags &= X86_FL_ARITH;
	b->rflags &= X86_FL_ARITH;
	a->gpr[X86_RSP] = b->gpr[X86_RSP] = 0;
	return !memcmp(a->fx, b->fx, 416) && !memcmp(a->gpr, b->gpr, sizeof(a->gpr)) &&
	       a->rflags == b->rflags;
}

/* What FNSTENV and FNSAVE wrote of FIP, FCS, FOP, FDP, FDS. */
static void forget_pointers(const struct op *op, u8 data[NATIVE_MEM])
{
	unsigned int step = op->flags & F_O16 ? 2 : 4;

	if (op->flags & F_NOPTR)
		memset(data + 64 + 3 * step, 0, 4 * step);
}

static bool run_case(struct native *n, const struct op *op, u64 *seed, bool open, bool pending)
{
	struct native_state in, host, here;
	u8 insn[16], data[NATIVE_MEM], want[NATIVE_MEM], got[NATIVE_MEM];
	unsigned int len = encode(op, seed, insn), at;
	struct x86_insn d;
	struct uop u[2];
	u8 vector;

	fp_random_state(seed, &in, open);
	if (pending) { /* an exception that is unmasked and not yet delivered */
		in.fx[0] &= ~0x04;
		in.fx[2] |= 0x84;
		in.fx[3] |= 0x80;
	}
	random_operand(op, seed, data);
	at = native_random(seed) & 7 ? 256 : 4096 - 5;
	in.gpr[X86_RDI] = (u64)(uintptr_t)n->mem + at;
	ck_assert_int_eq(x86_decode(&d, X86_MODE_64, insn, len), len);
	if (!native_uop(&d, u)) {
		fprintf(stderr, "%s: no handler for op %s form %u\n", op->name, x86_op_name(d.op),
			d.form);
		return false;
	}
	native_build(n, insn, len);
	memcpy(n->mem + at - 64, data, NATIVE_MEM);
	host = in;
	native_run(n, &host);
	vector = n->vector;
	memcpy(want, n->mem + at - 64, NATIVE_MEM);
	memcpy(n->mem + at - 64, data, NATIVE_MEM);
	here = in;
	native_run_soft(n, &here, u);
	memcpy(got, n->mem + at - 64, NATIVE_MEM);
	forget_pointers(op, want);
	forget_pointers(op, got);
	if (vector == n->vector && same_state(&host, &here, false) &&
	    !memcmp(want, got, NATIVE_MEM))
		return true;
	fprintf(stderr, "vector host %u here %u cw %x sw %x%s\n", vector, n->vector, *(u16 *)in.fx,
	        *(u16 *)(in.fx + 2), memcmp(want, got, NATIVE_MEM) ? ", memory" : "");
	for (at = 64; at < 200; at += 4)
		if (memcmp(want + at, got + at, 4))
			fprintf(stderr, "  mem+%u before %08x host %08x here %08x\n", at - 64,
				*(u32 *)(data + at), *(u32 *)(want + at), *(u32 *)(got + at));
	report(op->name, insn, len, &in, &host, &here);
	return false;
}

static unsigned int run_ops(const struct op *ops, size_t count)
{
	unsigned int failed = 0, i, k;
	struct native n;
	u64 seed = 0x9e3779b97f4a7c15;

	native_init(&n);
	for (i = 0; i < count; i++) {
		unsigned int bad = 0;

		for (k = 0; k < 1500 && bad < 2; k++)
			bad += !run_case(&n, &ops[i], &seed, k % 3 == 2, k % 50 == 49);
		failed += !!bad;
	}
	native_free(&n);
	if (failed)
		fprintf(stderr, "%u of %zu instructions differ\n", failed, count);
	return failed;
}

#define X87_TEST(set)                                                                              \
	START_TEST(test_##set)                                                                     \
	{                                                                                          \
		ck_assert_uint_eq(run_ops(ops_##set, ARRAY_SIZE(ops_##set)), 0);                   \
	}                                                                                          \
	END_TEST

X87_TEST(arith)
X87_TEST(func)
X87_TEST(move)
X87_TEST(control)

int main(void)
{
	Suite *s = suite_create("x87");
	TCase *t = tcase_create("against the host");
	SRunner *r;
	int failed;

	tcase_add_test(t, test_arith);
	tcase_add_test(t, test_func);
	tcase_add_test(t, test_move);
	tcase_add_test(t, test_control);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * When the floating-point units may be used (Intel SDM volume 3, section 2.5, table 2-2; section
 * 13.1), how x87 errors reach the guest (section 2.5, CR0.NE; volume 1, appendix D), and the
 * formats of the x87 environment in real and protected mode (volume 1, section 8.1.10).
 */
#include "test/unit/lib/native.h"
#include "vmm/cpu/fpu/ops.h"

#define OK NATIVE_NOVEC

static const struct {
	const char *name;
	u8 insn[5], len;
	u64 cr0, cr4;
	u8 vector;
} guards[] = {
	{ "fadd", { 0xd8, 0xc1 }, 2, 0, 0, OK },
	{ "fadd, EM", { 0xd8, 0xc1 }, 2, X86_CR0_EM, 0, X86_NM },
	{ "fadd, TS", { 0xd8, 0xc1 }, 2, X86_CR0_TS, 0, X86_NM },
	{ "fninit, TS", { 0xdb, 0xe3 }, 2, X86_CR0_TS, 0, X86_NM },
	{ "fwait, TS", { 0x9b }, 1, X86_CR0_TS, 0, OK },
	{ "fwait, MP", { 0x9b }, 1, X86_CR0_MP, 0, OK },
	{ "fwait, TS and MP", { 0x9b }, 1, X86_CR0_TS | X86_CR0_MP, 0, X86_NM },
	{ "fwait, EM", { 0x9b }, 1, X86_CR0_EM, 0, OK },
	{ "paddb", { 0x0f, 0xfc, 0xc1 }, 3, 0, 0, OK },
	{ "paddb, EM", { 0x0f, 0xfc, 0xc1 }, 3, X86_CR0_EM, 0, X86_UD },
	{ "paddb, TS", { 0x0f, 0xfc, 0xc1 }, 3, X86_CR0_TS, 0, X86_NM },
	{ "addps without OSFXSR", { 0x0f, 0x58, 0xc1 }, 3, 0, 0, X86_UD },
	{ "addps", { 0x0f, 0x58, 0xc1 }, 3, 0, X86_CR4_OSFXSR, OK },
	{ "addps, EM", { 0x0f, 0x58, 0xc1 }, 3, X86_CR0_EM, X86_CR4_OSFXSR, X86_UD },
	{ "addps, TS", { 0x0f, 0x58, 0xc1 }, 3, X86_CR0_TS, X86_CR4_OSFXSR, X86_NM },
	{ "addps, EM and TS", { 0x0f, 0x58, 0xc1 }, 3, X86_CR0_EM | X86_CR0_TS, X86_CR4_OSFXSR, X86_UD },
	{ "paddb xmm without OSFXSR", { 0x66, 0x0f, 0xfc, 0xc1 }, 4, 0, 0, X86_UD },
	{ "fxsave without OSFXSR", { 0x0f, 0xae, 0x07 }, 3, 0, 0, OK },
	{ "fxsave, EM", { 0x0f, 0xae, 0x07 }, 3, X86_CR0_EM, 0, X86_NM },
	{ "fxsave, TS", { 0x0f, 0xae, 0x07 }, 3, X86_CR0_TS, 0, X86_NM },
	{ "stmxcsr without OSFXSR", { 0x0f, 0xae, 0x1f }, 3, 0, 0, X86_UD },
};

START_TEST(test_guard)
{
	struct x86_insn d;
	struct native n;
	u8 vector;

	native_init(&n);
	ck_assert_int_eq(x86_decode(&d, X86_MODE_64, guards[_i].insn, guards[_i].len),
			 guards[_i].len);
	n.c->cr0 = guards[_i].cr0;
	n.c->cr4 = guards[_i].cr4;
	vector = OK;
	if (!setjmp(n.c->escape))
		cpu_fpu_guard(n.c, &d);
	else
		vector = n.c->fault.vector;
	ck_assert_msg(vector == guards[_i].vector, "%s: %u, wanted %u", guards[_i].name, vector,
		      guards[_i].vector);
	native_free(&n);
}
END_TEST

/* ---- FERR# ---- */

static void ferr(void *opaque, bool level)
{
	*(int *)opaque = level;
}

/* Runs an instruction as the CPU stands; returns the vector. */
static u8 step(struct native *n, const u8 *insn, unsigned int len, u8 flags)
{
	struct cpu *c = n->c;
	struct x86_insn d;
	struct uop u[2];
	volatile u8 vector = OK;

	ck_assert_int_eq(x86_decode(&d, X86_MODE_32, insn, len), (int)len);
	ck_assert(native_uop(&d, u));
	u->flags = (u->flags & ~UOP_LONG) | flags;
	c->gpr[CPU_ZERO] = 0;
	c->gpr[CPU_RIP] = 0x12345;
	cpu_fpu_enter(c);
	if (!setjmp(c->escape))
		u->fn(c, u);
	else
		vector = c->fault.vector;
	cpu_fpu_leave(c);
	return vector;
}

START_TEST(test_ferr)
{
	static const u8 fldz[] = { 0xd9, 0xee }, fld1[] = { 0xd9, 0xe8 }, fdiv[] = { 0xd8, 0xf1 },
			fnclex[] = { 0xdb, 0xe2 }, fwait[] = { 0x9b }, fnstsw[] = { 0xdf, 0xe0 };
	struct gm_cpu_host host = { .ferr = ferr };
	struct native n;
	int line = 0, ne;

	native_init(&n);
	n.c->host = &host;
	n.c->host_opaque = &line;
	for (ne = 0; ne < 2; ne++) {
		n.c->cr0 = X86_CR0_PE | (ne ? X86_CR0_NE : 0);
		cpu_fpu_reset(n.c);
		n.c->fpu.tags = 0;
		cpu_fpu_set_cw(n.c, 0x37b); /* division by zero is unmasked */
		line = 0;
		ck_assert_uint_eq(step(&n, fldz, 2, 0), OK);
		ck_assert_uint_eq(step(&n, fld1, 2, 0), OK);
		ck_assert_uint_eq(step(&n, fdiv, 2, 0), OK);
		ck_assert_uint_eq(n.c->fpu.sw & 0x80ff, 0x8084);
		ck_assert_uint_eq(n.c->fpu.st[n.c->fpu.top].sexp, 0x3fff);
		ck_assert_int_eq(line, !ne);
		ck_assert_uint_eq(step(&n, fnstsw, 2, 0), OK);
		ck_assert_uint_eq(step(&n, fwait, 1, 0), ne ? X86_MF : OK);
		ck_assert_uint_eq(step(&n, fnclex, 2, 0), OK);
		ck_assert_int_eq(line, 0);
		ck_assert_uint_eq(step(&n, fwait, 1, 0), OK);
	}
	native_free(&n);
}
END_TEST

/* ---- the environment ---- */

START_TEST(test_environment)
{
	static const struct {
		const char *name;
		bool real, o16;
		u32 want[7];
	} t[] = {
		{ "protected 32", false, false,
		  { 0xffff027f, 0xffff2001, 0xffff55ff, 0x00089abc, 0x02341008, 0x00123456,
		    0xffff2010 } },
		{ "real 32", true, false,
		  { 0xffff027f, 0xffff2001, 0xffff55ff, 0xffff9b3c, 0x00008234, 0xffff3556,
		    0x00012000 } },
		{ "protected 16", false, true,
		  { 0x2001027f, 0x9abc55ff, 0x34561008, 0x00002010 } },
		{ "real 16", true, true, { 0x2001027f, 0x9b3c55ff, 0x35568234, 0x00002000 } },
	};
	static const u8 fnstenv32[] = { 0xd9, 0x37 }, fnstenv16[] = { 0x66, 0xd9, 0x37 };
	struct native n;
	u32 got[7];
	unsigned int i;

	native_init(&n);
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		struct cpu *c = n.c;

		c->cr0 = t[i].real ? X86_CR0_NE : X86_CR0_NE | X86_CR0_PE;
		cpu_fpu_reset(c);
		cpu_fpu_set_cw(c, 0x27f);
		cpu_fpu_set_sw(c, 4 << 11 | 1);
		c->fpu.tags = 0xf0;
		c->fpu.fip = 0x89abc;
		c->fpu.fdp = 0x123456;
		c->fpu.fop = 0x234;
		/* In real mode the pointers are those of segments 8 and 10h. */
		c->fpu.fcs = t[i].real ? 0x0008 : 0x1008;
		c->fpu.fds = t[i].real ? 0x0010 : 0x2010;
		c->gpr[X86_RDI] = (u64)(uintptr_t)n.mem + 256;
		memset(n.mem, 0, 4096);
		if (t[i].o16)
			step(&n, fnstenv16, 3, 0);
		else
			step(&n, fnstenv32, 2, 0);
		memcpy(got, n.mem + 256, 28);
		ck_assert_msg(!memcmp(got, t[i].want, t[i].o16 ? 14 : 28),
			      "%s: %08x %08x %08x %08x %08x %08x %08x", t[i].name, got[0], got[1],
			      got[2], got[3], got[4], got[5], got[6]);
		ck_assert_uint_eq(c->fpu.cw, 0x27f);
	}
	native_free(&n);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("fpu_guard");
	TCase *t = tcase_create("guard");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, test_guard, 0, ARRAY_SIZE(guards));
	tcase_add_test(t, test_ferr);
	tcase_add_test(t, test_environment);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}

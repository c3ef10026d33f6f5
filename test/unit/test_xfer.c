/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Segment loads, far transfers and IRET of module/x86, from Intel SDM volumes 2 and 3. */
#include <check.h>

#include "module/x86/xfer.h"
#include "test/unit/lib/fake_x86.h"

/* Error codes of loads: {register, selector, cpl, vector or 0 for success, error code}. */
static const struct load_case {
	u8 seg, cpl;
	u16 sel;
	u8 vec;
	u16 err;
} loads[] = {
	{ X86_DS, 0, S_DATA0, 0, 0 },
	{ X86_DS, 0, 0, 0, 0 },
	{ X86_DS, 0, 3, 0, 0 },
	{ X86_DS, 3, S_DATA3, 0, 0 },
	{ X86_DS, 3, S_DATA0, X86_GP, S_DATA0 },
	{ X86_DS, 0, S_DATA0 | 3, X86_GP, S_DATA0 },
	{ X86_DS, 0, S_CODE0, 0, 0 },
	{ X86_DS, 3, S_CONF0 | 3, 0, 0 },
	{ X86_DS, 0, S_TSS, X86_GP, S_TSS },
	{ X86_DS, 0, 0x100, X86_GP, 0x100 },
	{ X86_DS, 0, 0x0c, X86_GP, 0x0c },
	{ X86_ES, 0, S_ABSENT, X86_NP, S_ABSENT },
	{ X86_CS, 0, S_CODE0, X86_UD, 0 },
	{ X86_SS, 0, S_DATA0, 0, 0 },
	{ X86_SS, 0, 0, X86_GP, 0 },
	{ X86_SS, 0, S_CODE0, X86_GP, S_CODE0 },
	{ X86_SS, 0, S_DATA3, X86_GP, S_DATA3 & ~3 },
	{ X86_SS, 3, S_DATA3, 0, 0 },
	{ X86_SS, 3, S_DATA3 & ~3, X86_GP, S_DATA3 & ~3 },
};

START_TEST(test_seg_load)
{
	const struct load_case *t = &loads[_i];
	struct fake *f = fake_new();
	int ret;

	fake_protected(f, t->cpl);
	ret = x86_seg_load(&f->ctx, t->seg, t->sel);
	ck_assert_int_eq(ret, t->vec ? X86_FAULT : 0);
	if (t->vec) {
		ck_assert_uint_eq(f->ctx.fault.vector, t->vec);
		ck_assert_uint_eq(f->ctx.fault.err, t->err);
	} else {
		ck_assert_uint_eq(f->seg[t->seg].sel, t->sel);
		ck_assert_uint_eq(f->seg[t->seg].unusable, t->sel < 4);
	}
	free(f);
}
END_TEST

START_TEST(test_seg_accessed)
{
	struct fake *f = fake_new();

	fake_protected(f, 0);
	fake_desc(f, S_DATA0, 0x12345678, 0xfffff, X86_SEG_P | X86_SEG_S | X86_TYPE_W);
	ck_assert_int_eq(x86_seg_load(&f->ctx, X86_FS, S_DATA0), 0);
	ck_assert_uint_eq(fake_get(f, FAKE_GDT + S_DATA0 + 5, 1), 0x93);
	ck_assert_uint_eq(f->seg[X86_FS].base, 0x12345678);
	ck_assert_uint_eq(f->seg[X86_FS].limit, 0xfffff);
	free(f);
}
END_TEST

/* Null SS is good for 64-bit code below level 3, with RPL equal to CPL. */
START_TEST(test_seg_null_ss_long)
{
	struct fake *f = fake_new();

	fake_long(f, 0);
	ck_assert_int_eq(x86_seg_load(&f->ctx, X86_SS, 0), 0);
	ck_assert_int_eq(x86_seg_load(&f->ctx, X86_SS, 3), X86_FAULT);
	fake_long(f, 3);
	ck_assert_int_eq(x86_seg_load(&f->ctx, X86_SS, 3), X86_FAULT);
	free(f);
}
END_TEST

START_TEST(test_linear)
{
	static const struct {
		u16 attr;
		u32 limit;
		u64 off;
		u32 len;
		u8 acc;
		bool ok;
	} t[] = {
		{ A_DATA, 0xfff, 0xffc, 4, X86_ACC_WRITE, true },
		{ A_DATA, 0xfff, 0xffd, 4, X86_ACC_WRITE, false },
		{ A_DATA, 0xfff, 0x1000, 1, X86_ACC_READ, false },
		{ A_DATA & ~X86_TYPE_W, 0xfff, 0, 1, X86_ACC_WRITE, false },
		{ A_DATA & ~X86_TYPE_W, 0xfff, 0, 1, X86_ACC_READ, true },
		{ A_CODE, 0xfff, 0, 1, X86_ACC_READ, true },
		{ A_CODE, 0xfff, 0, 1, X86_ACC_WRITE, false },
		{ A_CODE & ~X86_TYPE_W, 0xfff, 0, 1, X86_ACC_READ, false },
		{ A_DATA | X86_TYPE_E, 0xfff, 0xfff, 1, X86_ACC_READ, false },
		{ A_DATA | X86_TYPE_E, 0xfff, 0x1000, 4, X86_ACC_READ, true },
		{ A_DATA | X86_TYPE_E, 0xfff, 0xfffe, 4, X86_ACC_READ, false },
		{ A_DATA | X86_TYPE_E | X86_SEG_DB, 0xfff, 0xfffe, 4, X86_ACC_READ, true },
		{ A_DATA | A_BIG, ~0u, 0xfffffffd, 4, X86_ACC_READ, false },
	};
	struct fake *f = fake_new();
	unsigned int i;
	u64 lin;

	fake_protected(f, 0);
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		f->seg[X86_DS].attr = t[i].attr;
		f->seg[X86_DS].limit = t[i].limit;
		f->seg[X86_DS].base = 0x100;
		ck_assert_msg((x86_linear(&f->ctx, X86_DS, t[i].off, t[i].len, t[i].acc, &lin) == 0) ==
				      t[i].ok, "case %u", i);
		if (t[i].ok)
			ck_assert_uint_eq(lin, (u32)(t[i].off + 0x100));
	}
	fake_long(f, 0);
	ck_assert_int_eq(x86_linear(&f->ctx, X86_SS, 0x7ffffffffff9, 8, X86_ACC_READ, &lin),
			 X86_FAULT);
	ck_assert_uint_eq(f->ctx.fault.vector, X86_SSF);
	ck_assert_int_eq(x86_linear(&f->ctx, X86_DS, 0xffff800000000000, 8, X86_ACC_READ, &lin), 0);
	free(f);
}
END_TEST

START_TEST(test_lar_lsl)
{
	struct fake *f = fake_new();
	u32 v = 0;

	fake_protected(f, 3);
	ck_assert_int_eq(x86_sel_lar(&f->ctx, S_DATA3, &v), 1);
	ck_assert_uint_eq(v, 0x00cff300);
	ck_assert_int_eq(x86_sel_lar(&f->ctx, S_DATA0, &v), 0);
	ck_assert_int_eq(x86_sel_lar(&f->ctx, S_CONF0, &v), 1);
	ck_assert_int_eq(x86_sel_lar(&f->ctx, 0, &v), 0);
	ck_assert_int_eq(x86_sel_lar(&f->ctx, 0x7ff8, &v), 0);
	ck_assert_int_eq(x86_sel_lsl(&f->ctx, S_DATA3, &v), 1);
	ck_assert_uint_eq(v, ~0u);
	ck_assert_int_eq(x86_sel_verify(&f->ctx, S_DATA3, 1), 1);
	ck_assert_int_eq(x86_sel_verify(&f->ctx, S_CODE3, 1), 0);
	ck_assert_int_eq(x86_sel_verify(&f->ctx, S_CODE3, 0), 1);
	free(f);
}
END_TEST

START_TEST(test_ltr_lldt)
{
	struct fake *f = fake_new();

	fake_protected(f, 0);
	fake_desc(f, S_LDT, 0x5000, 0xff, X86_SEG_P | X86_SYS_LDT);
	ck_assert_int_eq(x86_seg_load_tr(&f->ctx, S_TSS), 0);
	ck_assert_uint_eq(fake_get(f, FAKE_GDT + S_TSS + 5, 1), 0x8b);
	ck_assert_int_eq(x86_seg_load_tr(&f->ctx, S_TSS), X86_FAULT);
	ck_assert_uint_eq(f->ctx.fault.err, S_TSS);
	ck_assert_int_eq(x86_seg_load_ldtr(&f->ctx, S_LDT), 0);
	ck_assert_uint_eq(f->seg[X86_LDTR].base, 0x5000);
	ck_assert_int_eq(x86_seg_load_ldtr(&f->ctx, S_DATA0), X86_FAULT);
	ck_assert_int_eq(x86_seg_load_ldtr(&f->ctx, 0), 0);
	ck_assert_uint_eq(f->seg[X86_LDTR].unusable, 1);
	free(f);
}
END_TEST

START_TEST(test_jmp_real)
{
	struct fake *f = fake_new();

	fake_real(f);
	ck_assert_int_eq(x86_far_jmp(&f->ctx, 0xf000, 0xfff0, 2), 0);
	ck_assert_uint_eq(f->seg[X86_CS].base, 0xf0000);
	ck_assert_uint_eq(f->ctx.rip, 0xfff0);
	ck_assert_int_eq(x86_far_jmp(&f->ctx, 0xf000, 0x10000, 4), X86_FAULT);
	free(f);
}
END_TEST

START_TEST(test_call_ret_real)
{
	struct fake *f = fake_new();

	fake_real(f);
	ck_assert_int_eq(x86_far_call(&f->ctx, 0x200, 0x10, 2), 0);
	ck_assert_uint_eq(f->gpr[X86_RSP], 0xffc);
	ck_assert_uint_eq(fake_get(f, 0x1020 + 0xffc, 4), 0x01010055);
	ck_assert_int_eq(x86_far_ret(&f->ctx, 2, 6), 0);
	ck_assert_uint_eq(f->ctx.rip, 0x55);
	ck_assert_uint_eq(f->seg[X86_CS].sel, 0x101);
	ck_assert_uint_eq(f->gpr[X86_RSP], 0x1006);
	free(f);
}
END_TEST

/* Far JMP in protected mode: {cpl, selector, offset, vector, error}. */
static const struct jmp_case {
	u8 cpl;
	u16 sel;
	u32 off;
	u8 vec;
	u16 err;
} jmps[] = {
	{ 0, S_CODE0, 0x4000, 0, 0 },
	{ 0, 0, 0x4000, X86_GP, 0 },
	{ 0, S_DATA0, 0x4000, X86_GP, S_DATA0 },
	{ 0, S_ABSENT, 0x4000, X86_NP, S_ABSENT },
	{ 0, S_CODE3, 0x4000, X86_GP, S_CODE3 & ~3 },
	{ 3, S_CODE0, 0x4000, X86_GP, S_CODE0 },
	{ 3, S_CONF0, 0x4000, 0, 0 },
	{ 3, S_CODE3, 0x4000, 0, 0 },
	{ 0, S_SMALL, 0x100, X86_GP, 0 },
	{ 0, S_SMALL, 0xff, 0, 0 },
};

START_TEST(test_jmp_protected)
{
	const struct jmp_case *t = &jmps[_i];
	struct fake *f = fake_new();
	int ret;

	fake_protected(f, t->cpl);
	ret = x86_far_jmp(&f->ctx, t->sel, t->off, 4);
	ck_assert_int_eq(ret, t->vec ? X86_FAULT : 0);
	if (t->vec) {
		ck_assert_uint_eq(f->ctx.fault.vector, t->vec);
		ck_assert_uint_eq(f->ctx.fault.err, t->err);
		ck_assert_uint_eq(f->ctx.rip, 0x1234);
	} else {
		ck_assert_uint_eq(f->ctx.rip, t->off);
		ck_assert_uint_eq(f->seg[X86_CS].sel, (t->sel & ~3) | t->cpl);
	}
	free(f);
}
END_TEST

START_TEST(test_call_gate_inner)
{
	struct fake *f = fake_new();

	fake_protected(f, 3);
	fake_gate(f, FAKE_GDT + S_GATE, S_CODE0, 0x6000, 0x80 | A_DPL(3) | X86_SYS_CALL32, 2);
	fake_put(f, 0x7000, 4, 0x11111111);
	fake_put(f, 0x7004, 4, 0x22222222);
	ck_assert_int_eq(x86_far_call(&f->ctx, S_GATE | 3, 0, 4), 0);
	ck_assert_uint_eq(f->ctx.rip, 0x6000);
	ck_assert_uint_eq(f->ctx.cpl, 0);
	ck_assert_uint_eq(f->gpr[X86_RSP], 0x8000 - 24);
	ck_assert_uint_eq(fake_get(f, 0x7ffc, 4), S_DATA3);
	ck_assert_uint_eq(fake_get(f, 0x7ff8, 4), 0x7000);
	ck_assert_uint_eq(fake_get(f, 0x7ff4, 4), 0x22222222);
	ck_assert_uint_eq(fake_get(f, 0x7ff0, 4), 0x11111111);
	ck_assert_uint_eq(fake_get(f, 0x7fec, 4), S_CODE3);
	ck_assert_uint_eq(fake_get(f, 0x7fe8, 4), 0x1234);
	/* And back, releasing the parameters of both stacks; DS is out of reach at level 3. */
	fake_load(f, X86_DS, S_DATA0);
	ck_assert_int_eq(x86_far_ret(&f->ctx, 4, 8), 0);
	ck_assert_uint_eq(f->ctx.cpl, 3);
	ck_assert_uint_eq(f->ctx.rip, 0x1234);
	ck_assert_uint_eq(f->gpr[X86_RSP], 0x7008);
	ck_assert_uint_eq(f->seg[X86_SS].sel, S_DATA3);
	ck_assert_uint_eq(f->seg[X86_DS].unusable, 1);
	ck_assert_uint_eq(f->seg[X86_ES].unusable, 0);
	free(f);
}
END_TEST

START_TEST(test_call_gate_checks)
{
	struct fake *f = fake_new();

	fake_protected(f, 3);
	fake_gate(f, FAKE_GDT + S_GATE, S_CODE0, 0x6000, 0x80 | X86_SYS_CALL32, 0);
	ck_assert_int_eq(x86_far_call(&f->ctx, S_GATE, 0, 4), X86_FAULT);
	ck_assert_uint_eq(f->ctx.fault.err, S_GATE);
	fake_gate(f, FAKE_GDT + S_GATE, S_CODE0, 0x6000, A_DPL(3) | X86_SYS_CALL32, 0);
	ck_assert_int_eq(x86_far_call(&f->ctx, S_GATE, 0, 4), X86_FAULT);
	ck_assert_uint_eq(f->ctx.fault.vector, X86_NP);
	/* A page fault on the new stack leaves everything as it was. */
	fake_gate(f, FAKE_GDT + S_GATE, S_CODE0, 0x6000, 0x80 | A_DPL(3) | X86_SYS_CALL32, 0);
	f->bad_from = 0x7ff0;
	f->bad_to = 0x7ff8;
	ck_assert_int_eq(x86_far_call(&f->ctx, S_GATE, 0, 4), X86_FAULT);
	ck_assert_uint_eq(f->ctx.fault.vector, X86_PF);
	ck_assert_uint_eq(f->ctx.cpl, 3);
	ck_assert_uint_eq(f->gpr[X86_RSP], 0x7000);
	ck_assert_uint_eq(f->seg[X86_CS].sel, S_CODE3);
	/* JMP through a gate cannot go inward. */
	ck_assert_int_eq(x86_far_jmp(&f->ctx, S_GATE, 0, 4), X86_FAULT);
	ck_assert_uint_eq(f->ctx.fault.err, S_CODE0);
	free(f);
}
END_TEST

START_TEST(test_call_gate64)
{
	struct fake *f = fake_new();

	fake_long(f, 3);
	fake_gate(f, FAKE_GDT + S_GATE64, S_CODE64, 0x6000, 0x80 | A_DPL(3) | X86_SYS_CALL32, 0);
	fake_put(f, FAKE_GDT + S_GATE64 + 8, 8, 0);
	ck_assert_int_eq(x86_far_call(&f->ctx, S_GATE64, 0, 4), 0);
	ck_assert_uint_eq(f->gpr[X86_RSP], 0x8000 - 32);
	ck_assert_uint_eq(f->seg[X86_SS].sel, 0);
	ck_assert_uint_eq(f->seg[X86_SS].unusable, 1);
	ck_assert_int_eq(x86_far_ret(&f->ctx, 8, 0), 0);
	ck_assert_uint_eq(f->ctx.cpl, 3);
	ck_assert_uint_eq(f->gpr[X86_RSP], 0x7000);
	free(f);
}
END_TEST

START_TEST(test_iret_real)
{
	struct fake *f = fake_new();

	fake_real(f);
	f->ctx.nmi_blocked = 1;
	fake_put(f, 0x1020 + 0x1000, 2, 0x77);
	fake_put(f, 0x1020 + 0x1002, 2, 0x400);
	fake_put(f, 0x1020 + 0x1004, 2, 0xffff);
	ck_assert_int_eq(x86_iret(&f->ctx, 2), 0);
	ck_assert_uint_eq(f->ctx.rip, 0x77);
	ck_assert_uint_eq(f->ctx.rflags, 0x7fd7);
	ck_assert_uint_eq(f->ctx.nmi_blocked, 0);
	ck_assert_uint_eq(f->gpr[X86_RSP], 0x1006);
	free(f);
}
END_TEST

static void put_iret32(struct fake *f, u32 ip, u32 cs, u32 fl, u32 sp, u32 ss)
{
	const u32 w[] = { ip, cs, fl, sp, ss };

	memcpy(f->mem + 0x7000, w, sizeof(w));
}

START_TEST(test_iret_outer)
{
	struct fake *f = fake_new();

	fake_protected(f, 0);
	put_iret32(f, 0x400000, S_CODE3, X86_FL_IF | X86_FL_IOPL | 2, 0x6f00, S_DATA3);
	ck_assert_int_eq(x86_iret(&f->ctx, 4), 0);
	ck_assert_uint_eq(f->ctx.cpl, 3);
	ck_assert_uint_eq(f->gpr[X86_RSP], 0x6f00);
	ck_assert_uint_eq(f->ctx.rflags, X86_FL_IF | X86_FL_IOPL | 2);
	ck_assert_uint_eq(f->seg[X86_DS].unusable, 1);
	/* At level 3 without IOPL neither IF nor IOPL change. */
	fake_protected(f, 3);
	f->ctx.rflags = 2;
	put_iret32(f, 0x400000, S_CODE3, X86_FL_IF | X86_FL_IOPL | X86_FL_CF, 0, 0);
	ck_assert_int_eq(x86_iret(&f->ctx, 4), 0);
	ck_assert_uint_eq(f->ctx.rflags, X86_FL_CF | 2);
	ck_assert_uint_eq(f->gpr[X86_RSP], 0x700c);
	/* Inward is not the way. */
	fake_protected(f, 3);
	put_iret32(f, 0x400000, S_CODE0, 2, 0, 0);
	ck_assert_int_eq(x86_iret(&f->ctx, 4), X86_FAULT);
	ck_assert_uint_eq(f->ctx.fault.err, S_CODE0);
	free(f);
}
END_TEST

START_TEST(test_iret_to_v86)
{
	static const u32 more[] = { 0x11, 0x22, 0x33, 0x44 };
	struct fake *f = fake_new();

	fake_protected(f, 0);
	put_iret32(f, 0x1000, 0x2000, X86_FL_VM | X86_FL_IF | 2, 0xfffe, 0x3000);
	memcpy(f->mem + 0x7014, more, sizeof(more));
	ck_assert_int_eq(x86_iret(&f->ctx, 4), 0);
	ck_assert_uint_eq(f->ctx.cpl, 3);
	ck_assert(x86_is_v86(&f->ctx));
	ck_assert_uint_eq(f->seg[X86_CS].base, 0x20000);
	ck_assert_uint_eq(f->seg[X86_SS].base, 0x30000);
	ck_assert_uint_eq(f->seg[X86_ES].sel, 0x11);
	ck_assert_uint_eq(f->seg[X86_DS].sel, 0x22);
	ck_assert_uint_eq(f->seg[X86_FS].sel, 0x33);
	ck_assert_uint_eq(f->seg[X86_GS].sel, 0x44);
	ck_assert_uint_eq(f->gpr[X86_RSP], 0xfffe);
	free(f);
}
END_TEST

START_TEST(test_iret_v86)
{
	struct fake *f = fake_new();

	fake_v86(f, 0);
	ck_assert_int_eq(x86_iret(&f->ctx, 2), X86_FAULT);
	ck_assert_uint_eq(f->ctx.fault.vector, X86_GP);
	/* VME: IF of the image becomes VIF. */
	f->cr[4] = X86_CR4_VME;
	f->ctx.rflags &= ~(u64)X86_FL_IF;
	fake_put(f, 0x1020 + 0x1000, 2, 0x77);
	fake_put(f, 0x1020 + 0x1002, 2, 0x400);
	fake_put(f, 0x1020 + 0x1004, 2, X86_FL_IF | X86_FL_CF | X86_FL_IOPL);
	ck_assert_int_eq(x86_iret(&f->ctx, 2), 0);
	ck_assert_uint_eq(f->ctx.rflags, X86_FL_VM | X86_FL_VIF | X86_FL_CF | 2);
	free(f);
}
END_TEST

START_TEST(test_iret_long)
{
	static const u64 frame[] = { 0x12345678, S_USER64, X86_FL_IF | 2, 0x9000, S_DATA3 };
	static const u64 compat[] = { 0x5678, S_CODE3, 2, 0x9000, S_DATA3 };
	static const u64 bad[] = { 0x800000000000, S_USER64, 2, 0x9000, S_DATA3 };
	struct fake *f = fake_new();

	fake_long(f, 0);
	memcpy(f->mem + 0x7000, frame, sizeof(frame));
	ck_assert_int_eq(x86_iret(&f->ctx, 8), 0);
	ck_assert_uint_eq(f->ctx.rip, 0x12345678);
	ck_assert_uint_eq(f->gpr[X86_RSP], 0x9000);
	ck_assert_uint_eq(f->ctx.cpl, 3);
	fake_long(f, 0);
	memcpy(f->mem + 0x7000, compat, sizeof(compat));
	ck_assert_int_eq(x86_iret(&f->ctx, 8), 0);
	ck_assert(!x86_is_code64(&f->ctx));
	fake_long(f, 0);
	memcpy(f->mem + 0x7000, bad, sizeof(bad));
	ck_assert_int_eq(x86_iret(&f->ctx, 8), X86_FAULT);
	ck_assert_uint_eq(f->ctx.fault.vector, X86_GP);
	ck_assert_uint_eq(f->ctx.cpl, 0);
	fake_long(f, 0);
	f->ctx.rflags |= X86_FL_NT;
	ck_assert_int_eq(x86_iret(&f->ctx, 8), X86_FAULT);
	free(f);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("xfer");
	TCase *tc = tcase_create("all");
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, tc);
	tcase_add_loop_test(tc, test_seg_load, 0, ARRAY_SIZE(loads));
	tcase_add_test(tc, test_seg_accessed);
	tcase_add_test(tc, test_seg_null_ss_long);
	tcase_add_test(tc, test_linear);
	tcase_add_test(tc, test_lar_lsl);
	tcase_add_test(tc, test_ltr_lldt);
	tcase_add_test(tc, test_jmp_real);
	tcase_add_test(tc, test_call_ret_real);
	tcase_add_loop_test(tc, test_jmp_protected, 0, ARRAY_SIZE(jmps));
	tcase_add_test(tc, test_call_gate_inner);
	tcase_add_test(tc, test_call_gate_checks);
	tcase_add_test(tc, test_call_gate64);
	tcase_add_test(tc, test_iret_real);
	tcase_add_test(tc, test_iret_outer);
	tcase_add_test(tc, test_iret_to_v86);
	tcase_add_test(tc, test_iret_v86);
	tcase_add_test(tc, test_iret_long);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Delivery of exceptions and interrupts of module/x86, from Intel SDM volume 3, chapter 6. */
#include <check.h>

#include "module/x86/event.h"
#include "test/unit/lib/fake_x86.h"

static int deliver(struct fake *f, u8 vector, u8 kind, int err)
{
	struct x86_event ev = { .vector = vector, .kind = kind, .has_err = err >= 0,
				.err = err >= 0 ? (u32)err : 0 };

	return x86_event_deliver(&f->ctx, &ev);
}

static void idt_gate(struct fake *f, u8 vector, u16 sel, u64 off, u32 attr)
{
	fake_gate(f, FAKE_IDT + vector * 8u, sel, off, attr, 0);
}

static void idt_gate64(struct fake *f, u8 vector, u16 sel, u64 off, u32 attr, u32 ist)
{
	fake_gate(f, FAKE_IDT + vector * 16u, sel, off, attr, ist);
	fake_put(f, FAKE_IDT + vector * 16u + 8, 8, off >> 32);
}

START_TEST(test_real)
{
	struct fake *f = fake_new();

	fake_real(f);
	f->ctx.rflags = X86_FL_IF | X86_FL_TF | X86_FL_CF | 2;
	fake_put(f, 0x21 * 4, 4, 0x12340056);
	ck_assert_int_eq(deliver(f, 0x21, X86_EV_SOFT, -1), 0);
	ck_assert_uint_eq(f->seg[X86_CS].sel, 0x1234);
	ck_assert_uint_eq(f->ctx.rip, 0x56);
	ck_assert_uint_eq(f->ctx.rflags, X86_FL_CF | 2);
	ck_assert_uint_eq(f->gpr[X86_RSP], 0xffa);
	ck_assert_uint_eq(fake_get(f, 0x1020 + 0xffa, 2), 0x55);
	ck_assert_uint_eq(fake_get(f, 0x1020 + 0xffc, 2), 0x101);
	ck_assert_uint_eq(fake_get(f, 0x1020 + 0xffe, 2), 0x303);
	/* Beyond the table's limit: #GP, and with a table that short, nothing can be delivered. */
	f->idt.limit = 3;
	ck_assert_int_eq(deliver(f, 0x21, X86_EV_SOFT, -1), X86_FAULT);
	ck_assert_uint_eq(f->ctx.fault.vector, X86_GP);
	free(f);
}
END_TEST

/* Gates of protected mode: what is wrong with them and what that raises. */
static const struct gate_case {
	u8 cpl, kind;
	u16 sel;
	u32 attr;
	u8 vec;
	u16 err;
} gates[] = {
	{ 0, X86_EV_EXTINT, S_CODE0, 0x80 | X86_SYS_INT32, 0, 0 },
	{ 0, X86_EV_EXTINT, S_CODE0, X86_SYS_INT32, X86_NP, 0x40 * 8 + 3 },
	{ 0, X86_EV_SOFT, S_CODE0, X86_SYS_INT32, X86_NP, 0x40 * 8 + 2 },
	{ 0, X86_EV_EXTINT, S_CODE0, 0x80 | X86_SYS_CALL32, X86_GP, 0x40 * 8 + 3 },
	{ 0, X86_EV_EXTINT, 0, 0x80 | X86_SYS_INT32, X86_GP, 1 },
	{ 0, X86_EV_EXTINT, S_DATA0, 0x80 | X86_SYS_INT32, X86_GP, S_DATA0 | 1 },
	{ 0, X86_EV_SOFT, S_CODE3, 0x80 | X86_SYS_INT32, X86_GP, S_CODE3 & ~3 },
	{ 0, X86_EV_EXTINT, S_ABSENT, 0x80 | X86_SYS_INT32, X86_NP, S_ABSENT | 1 },
	{ 3, X86_EV_SOFT, S_CODE0, 0x80 | X86_SYS_INT32, X86_GP, 0x40 * 8 + 2 },
	{ 3, X86_EV_SOFT_EXC, S_CODE0, 0x80 | X86_SYS_INT32, X86_GP, 0x40 * 8 + 2 },
	{ 3, X86_EV_ICEBP, S_CODE0, 0x80 | X86_SYS_INT32, 0, 0 },
	{ 3, X86_EV_SOFT, S_CODE0, 0x80 | A_DPL(3) | X86_SYS_INT32, 0, 0 },
	{ 3, X86_EV_SOFT, S_CODE0, 0x80 | A_DPL(3) | X86_SYS_INT32 | 0x10, X86_GP, 0x40 * 8 + 2 },
};

START_TEST(test_gate)
{
	const struct gate_case *t = &gates[_i];
	struct fake *f = fake_new();
	int ret;

	fake_protected(f, t->cpl);
	idt_gate(f, 0x40, t->sel, 0x5000, t->attr);
	ret = deliver(f, 0x40, t->kind, -1);
	ck_assert_int_eq(ret, t->vec ? X86_FAULT : 0);
	if (t->vec) {
		ck_assert_uint_eq(f->ctx.fault.vector, t->vec);
		ck_assert_uint_eq(f->ctx.fault.err, t->err);
		ck_assert_uint_eq(f->gpr[X86_RSP], 0x7000);
	} else {
		ck_assert_uint_eq(f->ctx.rip, 0x5000);
		ck_assert_uint_eq(f->ctx.cpl, 0);
	}
	free(f);
}
END_TEST

START_TEST(test_same_level)
{
	struct fake *f = fake_new();

	fake_protected(f, 0);
	f->ctx.rflags = X86_FL_IF | X86_FL_NT | X86_FL_TF | 2;
	idt_gate(f, X86_GP, S_CODE0, 0x12345678, 0x80 | X86_SYS_TRAP32);
	ck_assert_int_eq(deliver(f, X86_GP, X86_EV_EXCEPTION, 0x58), 0);
	ck_assert_uint_eq(f->ctx.rip, 0x12345678);
	ck_assert_uint_eq(f->ctx.rflags, X86_FL_IF | 2);
	ck_assert_uint_eq(f->gpr[X86_RSP], 0x6ff0);
	ck_assert_uint_eq(fake_get(f, 0x6ff0, 4), 0x58);
	ck_assert_uint_eq(fake_get(f, 0x6ff4, 4), 0x1234);
	ck_assert_uint_eq(fake_get(f, 0x6ff8, 4), S_CODE0);
	ck_assert_uint_eq(fake_get(f, 0x6ffc, 4),
			  X86_FL_RF | X86_FL_IF | X86_FL_NT | X86_FL_TF | 2);
	/* A 16-bit gate pushes words and has a 16-bit offset. */
	fake_protected(f, 0);
	idt_gate(f, 0x40, S_CODE0, 0x12345678, 0x80 | X86_SYS_INT16);
	f->ctx.rflags = X86_FL_IF | 2;
	ck_assert_int_eq(deliver(f, 0x40, X86_EV_EXTINT, -1), 0);
	ck_assert_uint_eq(f->ctx.rip, 0x5678);
	ck_assert_uint_eq(f->gpr[X86_RSP], 0x6ffa);
	ck_assert_uint_eq(f->ctx.rflags, 2);
	free(f);
}
END_TEST

START_TEST(test_inner_level)
{
	struct fake *f = fake_new();

	fake_protected(f, 3);
	idt_gate(f, X86_PF, S_CODE0, 0x5000, 0x80 | X86_SYS_INT32);
	ck_assert_int_eq(deliver(f, X86_PF, X86_EV_EXCEPTION, 6), 0);
	ck_assert_uint_eq(f->ctx.cpl, 0);
	ck_assert_uint_eq(f->seg[X86_SS].sel, S_DATA0);
	ck_assert_uint_eq(f->gpr[X86_RSP], 0x8000 - 24);
	ck_assert_uint_eq(fake_get(f, 0x7fe8, 4), 6);
	ck_assert_uint_eq(fake_get(f, 0x7ff8, 4), 0x7000);
	ck_assert_uint_eq(fake_get(f, 0x7ffc, 4), S_DATA3);
	/* A TSS too small for the stack, and one with a bad stack segment. */
	fake_protected(f, 3);
	f->seg[X86_TR].limit = 8;
	ck_assert_int_eq(deliver(f, X86_PF, X86_EV_EXCEPTION, 6), X86_FAULT);
	ck_assert_uint_eq(f->ctx.fault.vector, X86_TS);
	ck_assert_uint_eq(f->ctx.fault.err, S_TSS | 1);
	fake_protected(f, 3);
	fake_put(f, FAKE_TSS + 8, 2, S_DATA3);
	ck_assert_int_eq(deliver(f, X86_PF, X86_EV_EXCEPTION, 6), X86_FAULT);
	ck_assert_uint_eq(f->ctx.fault.err, (S_DATA3 & ~3) | 1);
	free(f);
}
END_TEST

START_TEST(test_long)
{
	struct fake *f = fake_new();

	fake_long(f, 0);
	f->gpr[X86_RSP] = 0x7008;
	idt_gate64(f, X86_GP, S_CODE64, 0xffff800000001000, 0x80 | X86_SYS_INT32, 0);
	ck_assert_int_eq(deliver(f, X86_GP, X86_EV_EXCEPTION, 0), 0);
	ck_assert_uint_eq(f->ctx.rip, 0xffff800000001000);
	ck_assert_uint_eq(f->gpr[X86_RSP], 0x7000 - 48);
	ck_assert_uint_eq(fake_get(f, 0x6ff8, 8), S_DATA0);
	ck_assert_uint_eq(fake_get(f, 0x6ff0, 8), 0x7008);
	/* From level 3, and through an interrupt stack, which is aligned too. */
	fake_long(f, 3);
	ck_assert_int_eq(deliver(f, X86_GP, X86_EV_EXCEPTION, 0), 0);
	ck_assert_uint_eq(f->gpr[X86_RSP], 0x8000 - 48);
	ck_assert_uint_eq(f->seg[X86_SS].sel, 0);
	ck_assert_uint_eq(fake_get(f, 0x8000 - 8, 8), S_DATA3);
	fake_long(f, 3);
	idt_gate64(f, 0x20, S_CODE64, 0x1000, 0x80 | X86_SYS_INT32, 1);
	ck_assert_int_eq(deliver(f, 0x20, X86_EV_EXTINT, -1), 0);
	ck_assert_uint_eq(f->gpr[X86_RSP], 0xa000 - 40);
	/* Handlers are 64-bit code. */
	fake_long(f, 0);
	idt_gate64(f, 0x20, S_CODE0, 0x1000, 0x80 | X86_SYS_INT32, 0);
	ck_assert_int_eq(deliver(f, 0x20, X86_EV_EXTINT, -1), X86_FAULT);
	ck_assert_uint_eq(f->ctx.fault.err, S_CODE0 | 1);
	/* 16-bit gates are gone. */
	idt_gate64(f, 0x20, S_CODE64, 0x1000, 0x80 | X86_SYS_INT16, 0);
	ck_assert_int_eq(deliver(f, 0x20, X86_EV_EXTINT, -1), X86_FAULT);
	ck_assert_uint_eq(f->ctx.fault.err, 0x20 * 8 + 3);
	free(f);
}
END_TEST

START_TEST(test_v86)
{
	struct fake *f = fake_new();

	/* An interrupt leaves v8086 mode with nine values on the stack of level 0. */
	fake_v86(f, 0);
	idt_gate(f, 0x20, S_CODE0, 0x5000, 0x80 | X86_SYS_INT32);
	ck_assert_int_eq(deliver(f, 0x20, X86_EV_EXTINT, -1), 0);
	ck_assert_uint_eq(f->ctx.rflags, 2);
	ck_assert_uint_eq(f->ctx.cpl, 0);
	ck_assert_uint_eq(f->gpr[X86_RSP], 0x8000 - 36);
	ck_assert_uint_eq(fake_get(f, 0x7ffc, 4), 0x105);
	ck_assert_uint_eq(fake_get(f, 0x7ff0, 4), 0x100);
	ck_assert_uint_eq(fake_get(f, 0x7fec, 4), 0x102);
	ck_assert_uint_eq(f->seg[X86_DS].unusable, 1);
	/* Its handler must be at level 0. */
	fake_v86(f, 0);
	idt_gate(f, 0x20, S_CODE1, 0x5000, 0x80 | X86_SYS_INT32);
	ck_assert_int_eq(deliver(f, 0x20, X86_EV_EXTINT, -1), X86_FAULT);
	ck_assert_uint_eq(f->ctx.fault.err, (S_CODE1 & ~3) | 1);
	/* INT n below IOPL 3. */
	fake_v86(f, 2);
	ck_assert_int_eq(deliver(f, 0x20, X86_EV_SOFT, -1), X86_FAULT);
	ck_assert_uint_eq(f->ctx.fault.vector, X86_GP);
	ck_assert_uint_eq(f->ctx.fault.err, 0);
	free(f);
}
END_TEST

START_TEST(test_v86_vme)
{
	struct fake *f = fake_new();

	fake_v86(f, 0);
	f->cr[4] = X86_CR4_VME;
	f->ctx.rflags |= X86_FL_VIF;
	fake_put(f, FAKE_TSS + 0x66, 2, 0x88);
	fake_put(f, 0x21 * 4, 4, 0x02000010);
	ck_assert_int_eq(deliver(f, 0x21, X86_EV_SOFT, -1), 0);
	ck_assert_uint_eq(f->seg[X86_CS].sel, 0x200);
	ck_assert_uint_eq(f->ctx.rip, 0x10);
	ck_assert_uint_eq(f->ctx.rflags, X86_FL_VM | X86_FL_IF | 2);
	ck_assert_uint_eq(fake_get(f, 0x1020 + 0xffe, 2), X86_FL_IOPL | X86_FL_IF | 2);
	/* With the vector's bit set the monitor gets it. */
	fake_v86(f, 0);
	fake_put(f, FAKE_TSS + 0x68 + 4, 1, 2);
	ck_assert_int_eq(deliver(f, 0x21, X86_EV_SOFT, -1), X86_FAULT);
	ck_assert_uint_eq(f->ctx.fault.vector, X86_GP);
	free(f);
}
END_TEST

/* SDM volume 3, table 6-5. */
static const struct combine_case {
	u8 kind, first, second, want;
} combos[] = {
	{ X86_EV_EXCEPTION, X86_UD, X86_GP, X86_EVC_SECOND },
	{ X86_EV_EXCEPTION, X86_DB, X86_PF, X86_EVC_SECOND },
	{ X86_EV_EXTINT, X86_GP, X86_GP, X86_EVC_SECOND },
	{ X86_EV_EXCEPTION, X86_GP, X86_NP, X86_EVC_DOUBLE },
	{ X86_EV_EXCEPTION, X86_DE, X86_TS, X86_EVC_DOUBLE },
	{ X86_EV_EXCEPTION, X86_GP, X86_PF, X86_EVC_SECOND },
	{ X86_EV_EXCEPTION, X86_PF, X86_PF, X86_EVC_DOUBLE },
	{ X86_EV_EXCEPTION, X86_PF, X86_SSF, X86_EVC_DOUBLE },
	{ X86_EV_EXCEPTION, X86_PF, X86_DB, X86_EVC_SECOND },
	{ X86_EV_EXCEPTION, X86_DF, X86_GP, X86_EVC_SHUTDOWN },
	{ X86_EV_EXCEPTION, X86_DF, X86_PF, X86_EVC_SHUTDOWN },
};

START_TEST(test_combine)
{
	const struct combine_case *t = &combos[_i];
	struct x86_event ev = { .vector = t->first, .kind = t->kind };
	struct x86_fault f = { .vector = t->second };

	ck_assert_int_eq(x86_event_combine(&ev, &f), t->want);
}
END_TEST

START_TEST(test_double_and_triple)
{
	struct x86_event ev = { .vector = X86_GP, .kind = X86_EV_EXCEPTION, .has_err = 1 };
	struct fake *f = fake_new();

	fake_protected(f, 0);
	idt_gate(f, X86_DF, S_CODE0, 0x5000, 0x80 | X86_SYS_INT32);
	ck_assert_int_eq(x86_event_raise(&f->ctx, &ev), 0);
	ck_assert_uint_eq(f->ctx.rip, 0x5000);
	ck_assert_uint_eq(fake_get(f, 0x6ff0, 4), 0);
	ck_assert_uint_eq(fake_get(f, 0x6ff4, 4), 0x1234);
	fake_protected(f, 0);
	f->idt.limit = 0;
	ck_assert_int_eq(x86_event_raise(&f->ctx, &ev), X86_SHUTDOWN);
	free(f);
}
END_TEST

START_TEST(test_page_fault_sets_cr2)
{
	struct x86_event ev = { .vector = X86_PF, .kind = X86_EV_EXCEPTION, .has_err = 1,
				.cr2 = 0xdead000 };
	struct fake *f = fake_new();

	fake_protected(f, 0);
	idt_gate(f, X86_PF, S_CODE0, 0x5000, 0x80 | X86_SYS_INT32);
	ck_assert_int_eq(x86_event_raise(&f->ctx, &ev), 0);
	ck_assert_uint_eq(f->cr[2], 0xdead000);
	free(f);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("event");
	TCase *tc = tcase_create("all");
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, tc);
	tcase_add_test(tc, test_real);
	tcase_add_loop_test(tc, test_gate, 0, ARRAY_SIZE(gates));
	tcase_add_test(tc, test_same_level);
	tcase_add_test(tc, test_inner_level);
	tcase_add_test(tc, test_long);
	tcase_add_test(tc, test_v86);
	tcase_add_test(tc, test_v86_vme);
	tcase_add_loop_test(tc, test_combine, 0, ARRAY_SIZE(combos));
	tcase_add_test(tc, test_double_and_triple);
	tcase_add_test(tc, test_page_fault_sets_cr2);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

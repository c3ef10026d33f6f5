/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hardware task switch and the I/O bit map of module/x86, from Intel SDM volume 3, chapter 7. */
#include <check.h>

#include "module/x86/event.h"
#include "module/x86/task.h"
#include "module/x86/xfer.h"
#include "test/unit/lib/fake_x86.h"

#define TSS2  0x10000u
#define TSS16 0x11000u

/* A 32-bit task at level 0 that starts at 0x9999. */
static struct fake *two_tasks(unsigned int cpl)
{
	static const u16 sel[] = { S_DATA0, S_CODE0, S_DATA0, S_DATA0, 0, S_DATA3 };
	struct fake *f = fake_new();
	unsigned int i;

	fake_protected(f, cpl);
	fake_desc(f, S_TSS, FAKE_TSS, 0x2067, X86_SEG_P | X86_SYS_TSS32_BUSY);
	fake_desc(f, S_TSS2, TSS2, 0x67, X86_SEG_P | A_DPL(3) | X86_SYS_TSS32);
	fake_put(f, TSS2 + 0x20, 4, 0x9999);
	fake_put(f, TSS2 + 0x24, 4, X86_FL_IF);
	for (i = 0; i < 8; i++)
		fake_put(f, TSS2 + 0x28 + i * 4, 4, 0x6000 + i * 0x100);
	for (i = 0; i < 6; i++)
		fake_put(f, TSS2 + 0x48 + i * 4, 4, sel[i]);
	f->gpr[X86_RBX] = 0xb0b0b0b0;
	return f;
}

static unsigned int busy(struct fake *f, u16 sel)
{
	return (fake_get(f, FAKE_GDT + sel + 5, 1) >> 1) & 1;
}

START_TEST(test_jmp)
{
	struct fake *f = two_tasks(0);

	ck_assert_int_eq(x86_far_jmp(&f->ctx, S_TSS2, 0, 4), 0);
	ck_assert_uint_eq(f->ctx.rip, 0x9999);
	ck_assert_uint_eq(f->ctx.rflags, X86_FL_IF | 2);
	ck_assert_uint_eq(f->gpr[X86_RSP], 0x6400);
	ck_assert_uint_eq(f->seg[X86_TR].sel, S_TSS2);
	ck_assert_uint_eq(f->seg[X86_GS].sel, S_DATA3);
	ck_assert_uint_eq(f->seg[X86_FS].unusable, 1);
	ck_assert_uint_eq(busy(f, S_TSS), 0);
	ck_assert_uint_eq(busy(f, S_TSS2), 1);
	ck_assert_uint_eq(f->cr[0] & X86_CR0_TS, X86_CR0_TS);
	ck_assert_uint_eq(fake_get(f, FAKE_TSS + 0x20, 4), 0x1234);
	ck_assert_uint_eq(fake_get(f, FAKE_TSS + 0x34, 4), 0xb0b0b0b0);
	ck_assert_uint_eq(fake_get(f, FAKE_TSS + 0x4c, 4), S_CODE0);
	free(f);
}
END_TEST

START_TEST(test_call_and_return)
{
	struct fake *f = two_tasks(0);

	ck_assert_int_eq(x86_far_call(&f->ctx, S_TSS2, 0, 4), 0);
	ck_assert_uint_eq(f->ctx.rflags & X86_FL_NT, X86_FL_NT);
	ck_assert_uint_eq(fake_get(f, TSS2, 2), S_TSS);
	ck_assert_uint_eq(busy(f, S_TSS), 1);
	ck_assert_uint_eq(busy(f, S_TSS2), 1);
	ck_assert_int_eq(x86_iret(&f->ctx, 4), 0);
	ck_assert_uint_eq(f->ctx.rip, 0x1234);
	ck_assert_uint_eq(f->gpr[X86_RBX], 0xb0b0b0b0);
	ck_assert_uint_eq(f->seg[X86_TR].sel, S_TSS);
	ck_assert_uint_eq(busy(f, S_TSS), 1);
	ck_assert_uint_eq(busy(f, S_TSS2), 0);
	/* NT is clear in what the nested task saved. */
	ck_assert_uint_eq(fake_get(f, TSS2 + 0x24, 4), X86_FL_IF | 2);
	free(f);
}
END_TEST

START_TEST(test_interrupt_gate)
{
	struct fake *f = two_tasks(3);
	struct x86_event ev = { .vector = 8, .kind = X86_EV_EXCEPTION, .has_err = 1, .err = 0x77 };

	fake_gate(f, FAKE_IDT + 8 * 8, S_TSS2, 0, 0x80 | X86_SYS_TASK_GATE, 0);
	ck_assert_int_eq(x86_event_deliver(&f->ctx, &ev), 0);
	ck_assert_uint_eq(f->ctx.rip, 0x9999);
	ck_assert_uint_eq(f->ctx.cpl, 0);
	ck_assert_uint_eq(f->gpr[X86_RSP], 0x63fc);
	ck_assert_uint_eq(fake_get(f, 0x63fc, 4), 0x77);
	ck_assert_uint_eq(fake_get(f, TSS2, 2), S_TSS);
	free(f);
}
END_TEST

START_TEST(test_before)
{
	/* What is wrong with the new TSS is found in the old task. */
	struct fake *f = two_tasks(0);

	fake_desc(f, S_TSS2, TSS2, 0x66, X86_SEG_P | X86_SYS_TSS32);
	ck_assert_int_eq(x86_far_jmp(&f->ctx, S_TSS2, 0, 4), X86_FAULT);
	ck_assert_uint_eq(f->ctx.fault.vector, X86_TS);
	ck_assert_uint_eq(f->ctx.fault.err, S_TSS2);
	fake_desc(f, S_TSS2, TSS2, 0x67, X86_SEG_P | X86_SYS_TSS32_BUSY);
	ck_assert_int_eq(x86_far_jmp(&f->ctx, S_TSS2, 0, 4), X86_FAULT);
	ck_assert_uint_eq(f->ctx.fault.vector, X86_GP);
	fake_desc(f, S_TSS2, TSS2, 0x67, X86_SYS_TSS32);
	ck_assert_int_eq(x86_far_jmp(&f->ctx, S_TSS2, 0, 4), X86_FAULT);
	ck_assert_uint_eq(f->ctx.fault.vector, X86_NP);
	fake_desc(f, S_TSS2, TSS2, 0x67, X86_SEG_P | X86_SYS_TSS32);
	f->bad_from = FAKE_TSS + 0x40;
	f->bad_to = FAKE_TSS + 0x44;
	ck_assert_int_eq(x86_far_jmp(&f->ctx, S_TSS2, 0, 4), X86_FAULT);
	ck_assert_uint_eq(f->ctx.fault.vector, X86_PF);
	ck_assert_uint_eq(f->ctx.rip, 0x1234);
	ck_assert_uint_eq(f->seg[X86_TR].sel, S_TSS);
	ck_assert_uint_eq(f->ctx.committed, 0);
	free(f);
}
END_TEST

START_TEST(test_after)
{
	/* A bad segment of the new task is the new task's fault. */
	struct fake *f = two_tasks(0);

	fake_put(f, TSS2 + 0x54, 4, S_CODE64 + 0xf000);
	ck_assert_int_eq(x86_far_jmp(&f->ctx, S_TSS2, 0, 4), X86_FAULT);
	ck_assert_uint_eq(f->ctx.fault.vector, X86_TS);
	ck_assert_uint_eq(f->ctx.committed, 1);
	ck_assert_uint_eq(f->ctx.rip, 0x9999);
	ck_assert_uint_eq(f->seg[X86_TR].sel, S_TSS2);
	ck_assert_uint_eq(f->seg[X86_CS].sel, S_CODE0);
	free(f);
}
END_TEST

START_TEST(test_trap_flag)
{
	struct fake *f = two_tasks(0);

	fake_put(f, TSS2 + 0x64, 2, 1);
	ck_assert_int_eq(x86_far_jmp(&f->ctx, S_TSS2, 0, 4), X86_FAULT);
	ck_assert_uint_eq(f->ctx.fault.vector, X86_DB);
	ck_assert_uint_eq(f->ctx.committed, 1);
	ck_assert_uint_eq(f->dr[6], 0x8000);
	free(f);
}
END_TEST

START_TEST(test_tss16)
{
	struct fake *f = two_tasks(0);

	fake_desc(f, S_TSS16, TSS16, 0x2b, X86_SEG_P | X86_SYS_TSS16);
	fake_put(f, TSS16 + 0x0e, 2, 0x4444);
	fake_put(f, TSS16 + 0x10, 2, X86_FL_CF);
	fake_put(f, TSS16 + 0x12, 2, 0xaaaa);
	fake_put(f, TSS16 + 0x22, 2, S_DATA0);
	fake_put(f, TSS16 + 0x24, 2, S_CODE0);
	fake_put(f, TSS16 + 0x26, 2, S_DATA0);
	fake_put(f, TSS16 + 0x28, 2, S_DATA0);
	ck_assert_int_eq(x86_far_jmp(&f->ctx, S_TSS16, 0, 4), 0);
	ck_assert_uint_eq(f->ctx.rip, 0x4444);
	ck_assert_uint_eq(f->ctx.rflags, X86_FL_CF | 2);
	ck_assert_uint_eq(f->gpr[X86_RAX], 0xffffaaaa);
	ck_assert_int_eq(x86_far_jmp(&f->ctx, S_TSS, 0, 4), 0);
	ck_assert_uint_eq(f->ctx.rip, 0x1234);
	ck_assert_uint_eq(fake_get(f, TSS16 + 0x0e, 2), 0x4444);
	free(f);
}
END_TEST

START_TEST(test_long_mode)
{
	struct fake *f = fake_new();

	fake_long(f, 0);
	ck_assert_int_eq(x86_far_jmp(&f->ctx, S_TSS, 0, 4), X86_FAULT);
	ck_assert_uint_eq(f->ctx.fault.vector, X86_GP);
	free(f);
}
END_TEST

/* {IOPL, port, length, allowed}; the map at 0x68 denies port 0x60 and 0x1f7. */
static const struct io_case {
	u8 cpl, iopl;
	u16 port;
	u8 len;
	bool ok;
} ios[] = {
	{ 0, 0, 0x60, 1, true },   { 3, 3, 0x60, 1, true },   { 3, 0, 0x60, 1, false },
	{ 3, 0, 0x61, 1, true },   { 3, 0, 0x5f, 1, true },   { 3, 0, 0x5f, 2, false },
	{ 3, 0, 0x5d, 4, false },  { 3, 0, 0x5c, 4, true },   { 3, 0, 0x1f7, 1, false },
	{ 3, 0, 0xffff, 1, true }, { 3, 0, 0x1f4, 4, false },
};

START_TEST(test_io)
{
	const struct io_case *t = &ios[_i];
	struct fake *f = fake_new();

	fake_protected(f, t->cpl);
	f->ctx.rflags |= (u64)t->iopl << 12;
	fake_put(f, FAKE_TSS + 0x66, 2, 0x68);
	f->seg[X86_TR].limit = 0x68 + 0x2000;
	fake_put(f, FAKE_TSS + 0x68 + 0x60 / 8, 1, 1);
	fake_put(f, FAKE_TSS + 0x68 + 0x1f7 / 8, 1, 0x80);
	ck_assert_int_eq(x86_io_check(&f->ctx, t->port, t->len), t->ok ? 0 : X86_FAULT);
	/* A map that ends before the port denies it. */
	f->seg[X86_TR].limit = 0x68;
	ck_assert_int_eq(x86_io_check(&f->ctx, t->port, t->len),
			 t->cpl <= t->iopl ? 0 : X86_FAULT);
	free(f);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("task");
	TCase *tc = tcase_create("all");
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, tc);
	tcase_add_test(tc, test_jmp);
	tcase_add_test(tc, test_call_and_return);
	tcase_add_test(tc, test_interrupt_gate);
	tcase_add_test(tc, test_before);
	tcase_add_test(tc, test_after);
	tcase_add_test(tc, test_trap_flag);
	tcase_add_test(tc, test_tss16);
	tcase_add_test(tc, test_long_mode);
	tcase_add_loop_test(tc, test_io, 0, ARRAY_SIZE(ios));
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MSRs, control and debug registers of the software CPU, from Intel SDM volumes 3 and 4. */
#include <check.h>

#include "test/unit/lib/cpu_rig.h"

/* What WRMSR of each value does: ok, and what is read back. */
static const struct msr_case {
	const char *model;
	u32 msr;
	u64 val;
	bool ok;
	u64 back;
} msrs[] = {
	{ "max", 0x277, 0x0007040600070406, true, 0x0007040600070406 },
	{ "max", 0x277, 0x0000000000000002, false, 0x0007040600070406 },
	{ "max", 0x2ff, 0xc06, true, 0xc06 },
	{ "max", 0x2ff, 0x1c06, false, 0 },
	{ "max", 0x2ff, 0xc02, false, 0 },
	{ "max", 0x200, 0x00000080000006, true, 0x00000080000006 },
	{ "max", 0x200, 1ull << 40, false, 0 },
	{ "max", 0x201, 0xff80000800, true, 0xff80000800 },
	{ "max", 0x250, 0x0606060606060606, true, 0x0606060606060606 },
	{ "max", 0x26f, 0x0506060606060606, true, 0x0506060606060606 },
	{ "max", 0x26f, 0x0306060606060606, false, 0 },
	{ "max", 0xfe, 0, false, 0x508 },
	{ "max", 0xc0000080, X86_EFER_SCE | X86_EFER_LME | X86_EFER_NXE, true, 0x901 },
	{ "max", 0xc0000080, 0x1000, false, 0 },
	{ "core2", 0xc0000080, X86_EFER_NXE, true, X86_EFER_NXE },
	{ "max", 0xc0000082, 0xffffffff81000000, true, 0xffffffff81000000 },
	{ "max", 0xc0000082, 0x0000800000000000, false, 0 },
	{ "max", 0xc0000084, 0x100000000, false, 0 },
	{ "max", 0xc0000100, 0x7fff12345678, true, 0x7fff12345678 },
	{ "max", 0xc0000101, 0x8000000000000000, false, 0 },
	{ "max", 0xc0000102, 0xffff888000000000, true, 0xffff888000000000 },
	{ "max", 0xc0000103, 7, true, 7 },
	{ "max", 0x174, 0x10, true, 0x10 },
	{ "max", 0x176, 0x0000900000000000, false, 0 },
	{ "max", 0x1b, 0xfee00800, true, 0xfee00800 },
	{ "max", 0x401, 0, true, 0 },
	{ "max", 0x401, 1, false, 0 },
	{ "max", 0x400, ~0ull, true, ~0ull },
	{ "max", 0x8b, 0, true, 1ull << 32 },
	{ "max", 0x3a, 5, false, 1 },
	{ "max", 0x48, 1, true, 1 },
	{ "max", 0x48, 0x401, true, 0x401 },
	{ "max", 0x48, 2, false, 0 },
};

START_TEST(test_write)
{
	const struct msr_case *t = &msrs[_i];
	struct rig *r = rig_new(t->model);
	u64 val = 0;

	ck_assert_msg((cpu_msr_write(r->c, t->msr, t->val) == 0) == t->ok, "msr %x", t->msr);
	ck_assert_int_eq(cpu_msr_read(r->c, t->msr, &val), 0);
	ck_assert_uint_eq(val, t->back);
	rig_free(r);
}
END_TEST

START_TEST(test_absent)
{
	static const struct {
		const char *model;
		u32 msr;
	} t[] = {
		{ "max", 0x12345 },   { "max", 0xc0010015 }, { "pentium3", 0xc0000080 },
		{ "pentium3", 0x1a0 }, { "pentium", 0x174 },  { "pentium", 0x277 },
		{ "core2", 0x6e0 },   { "core2", 0x48 },     { "max", 0xc1 },
		{ "pentium3", 0xc0000100 }, { "pentium", 0xfe }, { "core2", 0x3b },
	};
	unsigned int i;
	u64 val;

	for (i = 0; i < ARRAY_SIZE(t); i++) {
		struct rig *r = rig_new(t[i].model);

		ck_assert_int_eq(cpu_msr_read(r->c, t[i].msr, &val), -1);
		ck_assert_int_eq(cpu_msr_write(r->c, t[i].msr, 0), -1);
		rig_free(r);
	}
}
END_TEST

START_TEST(test_tsc)
{
	struct rig *r = rig_new("max");
	u64 val;

	/* RESET starts at 0. */
	ck_assert_uint_eq(cpu_tsc(r->c), 0);
	r->tsc += 500;
	ck_assert_uint_eq(cpu_tsc(r->c), 500);
	ck_assert_int_eq(cpu_msr_write(r->c, 0x10, 10000), 0);
	ck_assert_uint_eq(cpu_tsc(r->c), 10000);
	ck_assert_int_eq(cpu_msr_read(r->c, 0x3b, &val), 0);
	ck_assert_uint_eq(val, 9500);
	ck_assert_int_eq(cpu_msr_write(r->c, 0x3b, 0), 0);
	ck_assert_uint_eq(cpu_tsc(r->c), 500);
	ck_assert_uint_ge(r->tsc_changes, 2);
	rig_free(r);
}
END_TEST

/* MOV to CR from a given state: 0 or #GP. */
static const struct cr_case {
	const char *name;
	u64 cr0, cr3, cr4, efer;
	u8 cr;
	u64 val;
	bool ok;
} crs[] = {
	{ "PG without PE", 0x10, 0, 0, 0, 0, 0x80000010, false },
	{ "NW without CD", 0x10, 0, 0, 0, 0, 0x20000010, false },
	{ "PE", 0x10, 0, 0, 0, 0, 0x11, true },
	{ "PG", 0x11, 0, 0, 0, 0, 0x80000011, true },
	{ "upper half", 0x11, 0, 0, 0, 0, 0x100000011, false },
	{ "long without PAE", 0x11, 0, 0, 0x100, 0, 0x80000011, false },
	{ "long", 0x11, 0, 0x20, 0x100, 0, 0x80000011, true },
	{ "PAE, bad PDPTE", 0x11, 0x2000, 0x20, 0, 0, 0x80000011, false },
	{ "PAE, good PDPTE", 0x11, 0x1000, 0x20, 0, 0, 0x80000011, true },
	{ "PAE, CR3 to bad", 0x80000011, 0x1000, 0x20, 0, 3, 0x2000, false },
	{ "PAE, CR3 to good", 0x80000011, 0x1000, 0x20, 0, 3, 0x1000, true },
	{ "CR4 reserved", 0x11, 0, 0, 0, 4, 1 << 15, false },
	{ "CR4 VMXE", 0x11, 0, 0, 0, 4, 1 << 13, false },
	{ "PCIDE outside long", 0x11, 0, 0, 0, 4, 0x20020, false },
	{ "PCIDE", 0x80000011, 0, 0x20, 0x500, 4, 0x20020, true },
	{ "PCIDE, CR3 low bits", 0x80000011, 8, 0x20, 0x500, 4, 0x20020, false },
	{ "PAE off in long", 0x80000011, 0, 0x20, 0x500, 4, 0, false },
	{ "PG off with PCIDE", 0x80000011, 0, 0x20020, 0x500, 0, 0x11, false },
	{ "PG off, compat", 0x80000011, 0, 0x20, 0x500, 0, 0x11, true },
	{ "CR3 reserved", 0x80000011, 0, 0x20, 0x500, 3, 1ull << 40, false },
	{ "CR3 bit 63", 0x80000011, 0, 0x20, 0x500, 3, 1ull << 63, false },
	{ "CR3 bit 63, PCID", 0x80000011, 0, 0x20020, 0x500, 3, 1ull << 63 | 1, true },
	{ "CR8", 0x11, 0, 0, 0, 8, 15, true },
	{ "CR8 too large", 0x11, 0, 0, 0, 8, 16, false },
};

START_TEST(test_cr)
{
	const struct cr_case *t = &crs[_i];
	struct rig *r = rig_new("max");
	u64 good = 0x3001, bad = 0x3003;
	int ret;

	memcpy(r->ram + 0x1000, &good, 8);
	memcpy(r->ram + 0x2008, &bad, 8);
	r->c->cr0 = t->cr0;
	r->c->cr3 = t->cr3;
	r->c->cr4 = t->cr4;
	r->c->efer = t->efer;
	cpu_mode_changed(r->c);
	ret = cpu_cr_write(r->c, t->cr, t->val);
	ck_assert_msg((ret == 0) == t->ok, "%s: %d", t->name, ret);
	if (ret) {
		ck_assert_uint_eq(r->c->fault.vector, X86_GP);
		ck_assert_uint_eq(r->c->cr0, t->cr0);
		ck_assert_uint_eq(r->c->cr3, t->cr3);
		ck_assert_uint_eq(r->c->cr4, t->cr4);
		ck_assert_uint_eq(r->c->efer, t->efer);
	} else if (t->cr == 0) {
		ck_assert_uint_eq(!!(r->c->efer & X86_EFER_LMA),
				  (t->efer & X86_EFER_LME) && (t->val & X86_CR0_PG));
	} else if (t->cr == 8) {
		ck_assert_uint_eq(r->tpr, t->val);
	}
	rig_free(r);
}
END_TEST

START_TEST(test_cr4_by_model)
{
	struct rig *r = rig_new("pentium");

	ck_assert_int_eq(cpu_cr_write(r->c, 4, X86_CR4_PSE | X86_CR4_VME | X86_CR4_TSD), 0);
	ck_assert_int_eq(cpu_cr_write(r->c, 4, X86_CR4_PAE), X86_FAULT);
	ck_assert_int_eq(cpu_cr_write(r->c, 4, X86_CR4_OSFXSR), X86_FAULT);
	rig_free(r);
}
END_TEST

START_TEST(test_dr)
{
	struct rig *r = rig_new("max");

	ck_assert_uint_eq(cpu_dr_read(r->c, 6), 0xffff0ff0);
	ck_assert_uint_eq(cpu_dr_read(r->c, 7), 0x400);
	ck_assert_int_eq(cpu_dr_write(r->c, 6, 0xffff), 0);
	ck_assert_uint_eq(cpu_dr_read(r->c, 6), 0xffffefff);
	ck_assert_int_eq(cpu_dr_write(r->c, 7, 0xffff), 0);
	ck_assert_uint_eq(cpu_dr_read(r->c, 7), 0x27ff);
	ck_assert_int_eq(cpu_dr_write(r->c, 7, 0x100000000), X86_FAULT);
	ck_assert_int_eq(cpu_dr_write(r->c, 5, 1), 0);
	ck_assert_uint_eq(cpu_dr_read(r->c, 7), 0x401);
	ck_assert_int_eq(cpu_dr_write(r->c, 0, ~0ull), 0);
	ck_assert_uint_eq(cpu_dr_read(r->c, 0), ~0ull);
	rig_free(r);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("msr");
	TCase *tc = tcase_create("all");
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, tc);
	tcase_add_loop_test(tc, test_write, 0, ARRAY_SIZE(msrs));
	tcase_add_test(tc, test_absent);
	tcase_add_test(tc, test_tsc);
	tcase_add_loop_test(tc, test_cr, 0, ARRAY_SIZE(crs));
	tcase_add_test(tc, test_cr4_by_model);
	tcase_add_test(tc, test_dr);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

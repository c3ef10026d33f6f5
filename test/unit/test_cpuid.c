/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CPU models and CPUID, from Intel SDM volume 2, CPUID. */
#include <check.h>

#include "test/unit/lib/cpu_rig.h"

static u32 leaf(struct rig *r, u32 leaf, u32 sub, unsigned int reg)
{
	u32 out[4];

	cpu_cpuid(r->c, leaf, sub, out);
	return out[reg];
}

/* {model, leaf 1 EAX, features it has, features it lacks} */
static const struct model_case {
	const char *name;
	u32 signature;
	u16 has[4]; /* what is left out is 0, CPU_F_FPU */
	u16 lacks[4];
} cases[] = {
	{ "486", 0x480, { CPU_F_FPU }, { CPU_F_TSC, CPU_F_CX8, CPU_F_CMOV, CPU_F_MMX } },
	{ "pentium", 0x52c,
	  { CPU_F_TSC, CPU_F_CX8 },
	  { CPU_F_CMOV, CPU_F_MMX, CPU_F_PAE, CPU_F_SEP } },
	{ "pentium2", 0x652,
	  { CPU_F_CMOV, CPU_F_MMX, CPU_F_PAE, CPU_F_SEP },
	  { CPU_F_SSE, CPU_F_LM, CPU_F_NX, CPU_F_SSE2 } },
	{ "pentium3", 0x686,
	  { CPU_F_SSE, CPU_F_FXSR },
	  { CPU_F_SSE2, CPU_F_LM, CPU_F_NX, CPU_F_SSE3 } },
	{ "core2", 0x6fb,
	  { CPU_F_SSSE3, CPU_F_LM, CPU_F_NX, CPU_F_CX16 },
	  { CPU_F_SSE41, CPU_F_RDTSCP, CPU_F_XSAVE, CPU_F_PCID } },
	{ "max", 0x206b1,
	  { CPU_F_SSE42, CPU_F_XSAVE, CPU_F_BMI2, CPU_F_PDPE1GB },
	  { CPU_F_VMX, CPU_F_XSAVES, CPU_F_SVM, CPU_F_MONITOR } },
};

START_TEST(test_model)
{
	const struct model_case *t = &cases[_i];
	struct rig *r = rig_new(t->name);
	unsigned int i;

	ck_assert_uint_eq(leaf(r, 1, 0, 0), t->signature);
	ck_assert_uint_eq(cpu_model_signature(r->c->model), t->signature);
	for (i = 0; i < 4; i++) {
		ck_assert_msg(cpu_feature(r->c, t->has[i]), "%s has %u", t->name, t->has[i]);
		ck_assert_msg(!cpu_feature(r->c, t->lacks[i]), "%s lacks %u", t->name, t->lacks[i]);
	}
	rig_free(r);
}
END_TEST

START_TEST(test_names)
{
	unsigned int i;

	for (i = 0; cpu_model_at(i); i++)
		ck_assert_ptr_eq(cpu_model_find(cpu_model_at(i)->name), cpu_model_at(i));
	ck_assert_uint_ge(i, 6);
	ck_assert_ptr_null(cpu_model_find("z80"));
	ck_assert_str_eq(cpu_model_find(NULL)->name, "max");
}
END_TEST

START_TEST(test_isa)
{
	struct rig *r = rig_new("pentium");

	ck_assert(cpu_has(r->c, X86_ISA_BASE));
	ck_assert(cpu_has(r->c, X86_ISA_486));
	ck_assert(cpu_has(r->c, X86_ISA_FPU));
	ck_assert(cpu_has(r->c, X86_ISA_CX8));
	ck_assert(!cpu_has(r->c, X86_ISA_CMOV));
	ck_assert(!cpu_has(r->c, X86_ISA_RDPMC));
	ck_assert(!cpu_has(r->c, X86_ISA_SYSCALL));
	ck_assert(!cpu_has(r->c, X86_ISA_COUNT));
	rig_free(r);
}
END_TEST

START_TEST(test_vendor_and_limits)
{
	struct rig *r = rig_new("max");
	u32 out[4];

	cpu_cpuid(r->c, 0, 0, out);
	ck_assert_uint_eq(out[0], 0x16);
	ck_assert_mem_eq(&out[1], "Genu", 4);
	ck_assert_mem_eq(&out[3], "ineI", 4);
	ck_assert_mem_eq(&out[2], "ntel", 4);
	ck_assert_uint_eq(leaf(r, 0x80000000, 0, 0), 0x80000008);
	ck_assert_uint_eq(leaf(r, 0x80000008, 0, 0), 48 << 8 | 40);
	cpu_cpuid(r->c, 0x40000000, 0, out);
	ck_assert_mem_eq(&out[1], "GuestmodeVMM", 12);
	/* Beyond the last basic leaf comes that leaf again. */
	ck_assert_uint_eq(leaf(r, 0x17, 0, 2), leaf(r, 0x16, 0, 2));
	rig_free(r);
	r = rig_new("486");
	ck_assert_uint_eq(leaf(r, 0, 0, 0), 1);
	ck_assert_uint_eq(leaf(r, 0x80000000, 0, 0), leaf(r, 1, 0, 0));
	ck_assert_uint_eq(leaf(r, 0x40000000, 0, 0), leaf(r, 1, 0, 0));
	rig_free(r);
}
END_TEST

/* Bits that follow the CPU's state. */
START_TEST(test_dynamic)
{
	struct rig *r = rig_new("max");

	ck_assert_uint_eq(leaf(r, 1, 0, 2) >> 27 & 1, 0);
	ck_assert_int_eq(cpu_cr_write(r->c, 4, X86_CR4_OSXSAVE), 0);
	ck_assert_uint_eq(leaf(r, 1, 0, 2) >> 27 & 1, 1);
	ck_assert_uint_eq(leaf(r, 1, 0, 3) >> 9 & 1, 1);
	r->apic_base = 0xfee00100;
	ck_assert_uint_eq(leaf(r, 1, 0, 3) >> 9 & 1, 0);
	/* SYSCALL shows in 64-bit mode. */
	ck_assert_uint_eq(leaf(r, 0x80000001, 0, 3) >> 11 & 1, 0);
	rig_free(r);
}
END_TEST

START_TEST(test_topology)
{
	struct rig *r = rig_new("max");

	r->c->apic_id = 3;
	r->c->topology = (struct gm_topology){1, 6, 1};
	ck_assert_uint_eq(leaf(r, 0x0b, 0, 3), 3);
	ck_assert_uint_eq(leaf(r, 0x0b, 1, 0), 3);
	ck_assert_uint_eq(leaf(r, 0x0b, 1, 1), 6);
	ck_assert_uint_eq(leaf(r, 1, 0, 1) >> 24, 3);
	ck_assert_uint_eq(leaf(r, 4, 0, 0) & 0xff, 0x21);
	ck_assert_uint_eq(leaf(r, 4, 4, 0), 0);
	rig_free(r);
}
END_TEST

/* Fields of the APIC ID and what the leaves say of them; index: number of the vCPU. */
static const struct {
	struct gm_topology t;
	u32 index, apic_id, thread_shift, package_shift, per_package, cores_minus_1;
} spreads[] = {
	{{1, 1, 1}, 0, 0, 0, 0, 1, 0},    {{1, 4, 1}, 3, 3, 0, 2, 4, 3},
	{{2, 2, 2}, 7, 7, 1, 2, 4, 1},    {{2, 3, 2}, 6, 8, 1, 3, 6, 3},
	{{255, 1, 1}, 254, 254, 0, 0, 1, 0}, {{17, 5, 3}, 254, 530, 2, 5, 15, 7},
};

START_TEST(test_spread)
{
	struct gm_topology t = spreads[_i].t;
	struct rig *r = rig_new("max");
	u32 siblings = spreads[_i].per_package > 1 ? 1u << spreads[_i].package_shift : 0;

	r->c->topology = t;
	r->c->apic_id = gm_topology_apic_id(&t, spreads[_i].index);
	ck_assert_uint_eq(r->c->apic_id, spreads[_i].apic_id);
	ck_assert_uint_eq(leaf(r, 1, 0, 1) >> 24, spreads[_i].apic_id & 0xff);
	ck_assert_uint_eq(leaf(r, 1, 0, 1) >> 16 & 0xff, siblings);
	ck_assert_uint_eq(leaf(r, 1, 0, 3) >> 28 & 1, spreads[_i].per_package > 1);
	ck_assert_uint_eq(leaf(r, 4, 0, 0) >> 26, spreads[_i].cores_minus_1);
	ck_assert_uint_eq(leaf(r, 4, 0, 0) >> 14 & 0xfff, (1u << spreads[_i].thread_shift) - 1);
	ck_assert_uint_eq(leaf(r, 4, 3, 0) >> 14 & 0xfff, (1u << spreads[_i].package_shift) - 1);
	ck_assert_uint_eq(leaf(r, 0x0b, 0, 0), spreads[_i].thread_shift);
	ck_assert_uint_eq(leaf(r, 0x0b, 0, 1), t.threads);
	ck_assert_uint_eq(leaf(r, 0x0b, 1, 0), spreads[_i].package_shift);
	ck_assert_uint_eq(leaf(r, 0x0b, 1, 1), spreads[_i].per_package);
	ck_assert_uint_eq(leaf(r, 0x0b, 1, 3), spreads[_i].apic_id);
	rig_free(r);
}
END_TEST

START_TEST(test_clocks)
{
	struct rig *r = rig_new("max");
	u32 out[4];

	ck_assert_uint_eq(leaf(r, 0x15, 0, 0), 0);
	r->c->tsc_khz = 2000000;
	r->c->apic_khz = 1000000;
	cpu_cpuid(r->c, 0x15, 0, out);
	ck_assert_uint_eq((u64)out[2] * out[1] / out[0], 2000000000);
	ck_assert_uint_eq(leaf(r, 0x16, 0, 0), 2000);
	rig_free(r);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cpuid");
	TCase *tc = tcase_create("all");
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, tc);
	tcase_add_loop_test(tc, test_model, 0, ARRAY_SIZE(cases));
	tcase_add_test(tc, test_names);
	tcase_add_test(tc, test_isa);
	tcase_add_test(tc, test_vendor_and_limits);
	tcase_add_test(tc, test_dynamic);
	tcase_add_test(tc, test_topology);
	tcase_add_loop_test(tc, test_spread, 0, ARRAY_SIZE(spreads));
	tcase_add_test(tc, test_clocks);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * FXSAVE, XSAVE and their kin: the images against those of the host's CPU, the checks of XRSTOR
 * (Intel SDM volume 1, section 13.8), initial values, and the state in and out for other users.
 */
#include "test/unit/lib/fpdata.h"
#include "vmm/cpu/fpu/ops.h"

#define AREA 1024u

struct op {
	const char *name;
	u8 opcode, digit;
	bool wide;     /* REX.W */
	bool load;
	bool xsave;
	unsigned int align;
};

static const struct op ops[] = {
	{ "fxsave", 0xae, 0, false, false, false, 16 },
	{ "fxsave64", 0xae, 0, true, false, false, 16 },
	{ "fxrstor", 0xae, 1, false, true, false, 16 },
	{ "fxrstor64", 0xae, 1, true, true, false, 16 },
	{ "ldmxcsr", 0xae, 2, false, true, false, 1 },
	{ "stmxcsr", 0xae, 3, false, false, false, 1 },
	{ "xsave", 0xae, 4, false, false, true, 64 },
	{ "xsave64", 0xae, 4, true, false, true, 64 },
	{ "xrstor", 0xae, 5, false, true, true, 64 },
	{ "xrstor64", 0xae, 5, true, true, true, 64 },
};

static unsigned int encode(const struct op *op, u8 *out)
{
	unsigned int n = 0;

	if (op->wide)
		out[n++] = 0x48;
	out[n++] = 0x0f;
	out[n++] = op->opcode;
	out[n++] = op->digit << 3 | X86_RDI;
	return n;
}

/* A plausible image, with a wrong field now and then. */
static void random_image(const struct op *op, u64 *seed, u8 area[AREA])
{
	struct native_state s;
	u64 r = native_random(seed), v[8] = { 0 };
	unsigned int i;

	for (i = 0; i < AREA; i += 8) {
		u64 w = native_random(seed);

		memcpy(area + i, &w, 8);
	}
	fp_random_state(seed, &s, r & 1);
	memcpy(area, s.fx, 512);
	if (op->digit == 2)
		memcpy(area, s.fx + 24, 4);
	if (!(r >> 4 & 15))
		area[op->digit == 2 ? 2 : 26] |= 1; /* reserved bit of MXCSR */
	v[0] = r >> 8 & 3;
	if (!(r >> 12 & 15))
		v[0] |= 1ull << 62;
	if (!(r >> 16 & 15))
		v[1] = 1;
	if (!(r >> 20 & 15))
		v[2] = 1;
	if (op->xsave)
		memcpy(area + 512, v, 64);
}

/* What a host of another make, or one that tracks less of its state, may do otherwise. */
static void forgive(const struct op *op, u8 *host, u8 *here)
{
	/* Pointers: those of the host's own last instruction; MXCSR_MASK of an older host. */
	if (!op->load && op->digit != 3) {
		memset(host + 6, 0, 18);
		memset(here + 6, 0, 18);
		memset(host + 28, 0, 4);
		memset(here + 28, 0, 4);
	}
	/* XSTATE_BV: the host may count a component as in use that is not. */
	if (op->xsave && !op->load)
		host[512] = here[512] |= host[512];
}

static bool run_case(struct native *n, const struct op *op, u64 *seed)
{
	static u8 data[AREA], want[AREA], got[AREA];
	struct native_state in, host, here;
	unsigned int len, at = 1024;
	struct x86_insn d;
	struct uop u[2];
	u8 insn[16], vector;

	fp_random_state(seed, &in, native_random(seed) & 1);
	random_image(op, seed, data);
	if (!(native_random(seed) & 15))
		at += native_random(seed) & 63;
	in.gpr[X86_RDI] = (u64)(uintptr_t)n->mem + at;
	in.gpr[X86_RAX] = native_random(seed) & 3;
	in.gpr[X86_RDX] = 0;
	len = encode(op, insn);
	ck_assert_int_eq(x86_decode(&d, X86_MODE_64, insn, len), len);
	ck_assert_msg(native_uop(&d, u), "%s has no handler", op->name);
	native_build(n, insn, len);
	memcpy(n->mem + at, data, AREA);
	host = in;
	native_run(n, &host);
	vector = n->vector;
	memcpy(want, n->mem + at, AREA);
	memcpy(n->mem + at, data, AREA);
	here = in;
	n->c->xcr0 = 3;
	native_run_soft(n, &here, u);
	memcpy(got, n->mem + at, AREA);
	forgive(op, want, got);
	/* The pointers: 32-bit forms have selectors, which the host no longer keeps. */
	memset(host.fx + 6, 0, 18);
	memset(here.fx + 6, 0, 18);
	memset(host.fx + 28, 0, 4);
	memset(here.fx + 28, 0, 4);
	if (vector == n->vector && !memcmp(want, got, AREA) && !memcmp(host.fx, here.fx, 416))
		return true;
	fprintf(stderr, "%s rfbm %llx: vector host %u here %u\n", op->name,
		(unsigned long long)in.gpr[X86_RAX], vector, n->vector);
	for (at = 0; at < AREA; at += 8)
		if (memcmp(want + at, got + at, 8))
			fprintf(stderr, "  mem+%u: host %016llx here %016llx\n", at,
				*(unsigned long long *)(want + at), *(unsigned long long *)(got + at));
	for (at = 0; at < 416; at += 8)
		if (memcmp(host.fx + at, here.fx + at, 8))
			fprintf(stderr, "  fx+%u: host %016llx here %016llx\n", at,
				*(unsigned long long *)(host.fx + at),
				*(unsigned long long *)(here.fx + at));
	return false;
}

/* The host has XSAVE and its kernel has switched it on. */
static bool host_xsave(void)
{
	return __builtin_cpu_supports("avx");
}

START_TEST(test_images)
{
	unsigned int failed = 0, i, k;
	struct native n;
	u64 seed = 0x9e3779b97f4a7c15;

	native_init(&n);
	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		unsigned int bad = 0;

		if (ops[i].xsave && !host_xsave()) {
			printf("skipped: %s, not on this host\n", ops[i].name);
			continue;
		}
		for (k = 0; k < 500 && bad < 2; k++)
			bad += !run_case(&n, &ops[i], &seed);
		failed += !!bad;
	}
	native_free(&n);
	ck_assert_uint_eq(failed, 0);
}
END_TEST

/* Runs one instruction with [rdi] = the page's start + 1024; returns the vector. */
static u8 run_one(struct native *n, struct native_state *s, u8 digit, u8 map_byte)
{
	u8 insn[4] = { 0x0f, map_byte, (u8)(digit << 3 | X86_RDI) };
	struct x86_insn d;
	struct uop u[2];

	s->gpr[X86_RDI] = (u64)(uintptr_t)n->mem + 1024;
	ck_assert_int_eq(x86_decode(&d, X86_MODE_64, insn, 3), 3);
	ck_assert(native_uop(&d, u));
	native_run_soft(n, s, u);
	return n->vector;
}

/* A state with everything at its initial value: nothing is in use, and nothing but the header written. */
START_TEST(test_init_optimisation)
{
	static const struct {
		const char *name;
		u8 digit, opcode;
		bool writes; /* the legacy region though it is in its initial state */
		u64 comp;
	} t[] = {
		{ "xsave", 4, 0xae, true, 0 },
		{ "xsaveopt", 6, 0xae, false, 0 },
		{ "xsavec", 4, 0xc7, false, 3 | 1ull << 63 },
	};
	struct native_state s;
	struct native n;
	unsigned int i;
	u64 bv, comp;

	native_init(&n);
	n.c->xcr0 = 3;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		memset(&s, 0, sizeof(s));
		s.fx[0] = 0x7f;
		s.fx[1] = 0x03;
		s.fx[24] = 0x80;
		s.fx[25] = 0x1f;
		s.gpr[X86_RAX] = 3;
		memset(n.mem + 1024, 0xee, 512);
		memset(n.mem + 1536, 0, 64);
		ck_assert_uint_eq(run_one(&n, &s, t[i].digit, t[i].opcode), NATIVE_NOVEC);
		memcpy(&bv, n.mem + 1536, 8);
		memcpy(&comp, n.mem + 1544, 8);
		ck_assert_msg(!bv, "%s: XSTATE_BV %llx", t[i].name, (unsigned long long)bv);
		ck_assert_msg(comp == t[i].comp, "%s: XCOMP_BV %llx", t[i].name,
			      (unsigned long long)comp);
		ck_assert_msg((n.mem[1024] != 0xee) == t[i].writes, "%s writes x87", t[i].name);
		ck_assert_msg((n.mem[1024 + 160] != 0xee) == t[i].writes, "%s writes xmm", t[i].name);
	}
	native_free(&n);
}
END_TEST

/* Compacted images are checked as section 13.8.2 says and restore what XSAVEC saved. */
START_TEST(test_compacted)
{
	static const struct {
		const char *name;
		u64 bv, comp, rest;
		u8 vector;
	} t[] = {
		{ "both", 3, 3 | 1ull << 63, 0, NATIVE_NOVEC },
		{ "none in use", 0, 3 | 1ull << 63, 0, NATIVE_NOVEC },
		{ "component not enabled", 0, 7 | 1ull << 63, 0, X86_GP },
		{ "in use but not there", 2, 1 | 1ull << 63, 0, X86_GP },
		{ "reserved bytes", 3, 3 | 1ull << 63, 1, X86_GP },
	};
	struct native_state s;
	struct native n;
	unsigned int i;

	native_init(&n);
	n.c->xcr0 = 3;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		memset(&s, 0, sizeof(s));
		memset(s.fx + 160, 0x55, 256);
		s.gpr[X86_RAX] = 3;
		memset(n.mem + 1024, 0, AREA);
		n.mem[1024] = 0x7f;
		n.mem[1024 + 1] = 0x02;
		n.mem[1024 + 25] = 0x1f;
		n.mem[1024 + 160] = 0x77;
		memcpy(n.mem + 1536, &t[i].bv, 8);
		memcpy(n.mem + 1544, &t[i].comp, 8);
		memcpy(n.mem + 1592, &t[i].rest, 8);
		ck_assert_msg(run_one(&n, &s, 5, 0xae) == t[i].vector, "%s: vector %u", t[i].name,
			      n.vector);
		if (t[i].vector != NATIVE_NOVEC)
			continue;
		ck_assert_msg(s.fx[160] == (t[i].bv & 2 ? 0x77 : 0), "%s: xmm0", t[i].name);
		ck_assert_msg(s.fx[1] == (t[i].bv & 1 ? 2 : 3), "%s: control word", t[i].name);
		ck_assert_msg(s.fx[24] == (t[i].bv & 2 ? 0 : 0x80), "%s: mxcsr", t[i].name);
	}
	native_free(&n);
}
END_TEST

START_TEST(test_exchange)
{
	u8 a[CPU_XSAVE_SIZE] = { 0 }, b[CPU_XSAVE_SIZE];
	struct native_state s;
	struct native n;
	u64 seed = 7;
	unsigned int i;

	native_init(&n);
	for (i = 0; i < 200; i++) {
		fp_random_state(&seed, &s, true);
		memcpy(a, s.fx, 416);
		memset(a + 28, 0xff, 2);
		a[512] = 3;
		ck_assert_int_eq(cpu_fpu_set_xsave(n.c, a), 0);
		cpu_fpu_get_xsave(n.c, b);
		ck_assert_mem_eq(a, b, CPU_XSAVE_SIZE);
	}
	a[26] = 1;
	ck_assert_int_lt(cpu_fpu_set_xsave(n.c, a), 0);
	cpu_fpu_get_xsave(n.c, a);
	ck_assert_mem_eq(a, b, CPU_XSAVE_SIZE);
	native_free(&n);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("fpu_image");
	TCase *t = tcase_create("images");
	SRunner *r;
	int failed;

	tcase_add_test(t, test_images);
	tcase_add_test(t, test_init_optimisation);
	tcase_add_test(t, test_compacted);
	tcase_add_test(t, test_exchange);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}

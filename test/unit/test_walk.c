/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The page walk: each paging mode, rights, reserved bits, error codes, accessed and dirty bits, entries
 * that change under the walk. Source: Intel SDM volume 3, chapter 4.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "module/x86/walk.h"

#define MEM_SIZE 0x10000

/* Guest memory with a hook that changes an entry right before it is exchanged. */
struct mem {
	u8 bytes[MEM_SIZE];
	unsigned int writes;
	unsigned int disturb; /* that many exchanges find another value */
};

static int mem_read(void *opaque, u64 gpa, unsigned int size, u64 *val)
{
	struct mem *m = opaque;

	ck_assert_uint_eq(gpa % size, 0);
	if (gpa + size > MEM_SIZE)
		return -EFAULT;
	*val = 0;
	memcpy(val, m->bytes + gpa, size);
	return 0;
}

static int mem_cmpxchg(void *opaque, u64 gpa, unsigned int size, u64 old, u64 val)
{
	struct mem *m = opaque;
	u64 cur = 0;

	ck_assert_uint_le(gpa + size, MEM_SIZE);
	memcpy(&cur, m->bytes + gpa, size);
	if (m->disturb) {
		m->disturb--;
		cur ^= 0x200; /* an ignored bit */
		memcpy(m->bytes + gpa, &cur, size);
	}
	if (cur != old)
		return 0;
	memcpy(m->bytes + gpa, &val, size);
	m->writes++;
	return 1;
}

static const struct x86_walk_ops ops = { mem_read, mem_cmpxchg };

#define PG (X86_CR0_PG | X86_CR0_PE)
#define WP X86_CR0_WP
#define PAE X86_CR4_PAE
#define PSE X86_CR4_PSE
#define LONG (X86_EFER_LMA | X86_EFER_LME)
#define NXE X86_EFER_NXE
#define NX (1ull << 63)
#define R X86_ACC_READ
#define W X86_ACC_WRITE
#define X X86_ACC_EXEC
#define SYS X86_ACC_SYSTEM
#define F_ALL (X86_WALK_USER | X86_WALK_WRITE | X86_WALK_EXEC)

/*
 * Tables stand at 1000 (top), 2000, 3000, 4000 (page table); e[] is the entry of each level from the
 * top, "next" links are added by the test unless the entry is a leaf or not present.
 */
struct walk_case {
	const char *name;
	u32 cr0, cr4, efer;
	u64 e[4];
	u64 lin;
	unsigned int acc;
	int user, ac;
	int fault;         /* 1: #PF with err */
	u32 err;
	u64 gpa;
	u32 shift, flags;
	u8 phys_bits;      /* 0: 46 */
	u8 old;            /* no 1 GiB pages, no PSE-36 */
};

#define L4 .cr0 = PG | WP, .cr4 = PAE, .efer = LONG | NXE
#define P3 .cr0 = PG | WP, .cr4 = PAE, .efer = 0
#define P32 .cr0 = PG | WP, .cr4 = 0, .efer = 0
#define LIN64 0xffff800040201234ull /* indexes 256, 1, 1, 1 */
#define OK(gpa_, shift_, flags_) .gpa = gpa_, .shift = shift_, .flags = flags_
#define PF(err_) .fault = 1, .err = err_

static const struct walk_case cases[] = {
	{ "paging off", .lin = 0x123456789ull, .acc = W, OK(0x23456789, 32, F_ALL | X86_WALK_DIRTY) },
	/* 4 levels */
	{ "4K", L4, { 7, 7, 7, 0x5007 }, LIN64, R, 1, OK(0x5234, 12, F_ALL) },
	{ "4K write", L4, { 7, 7, 7, 0x5007 }, LIN64, W, 1, OK(0x5234, 12, F_ALL | X86_WALK_DIRTY) },
	{ "4K cache bits", L4, { 7, 7, 7, 0x509f }, LIN64, R, 1,
	  OK(0x5234, 12, F_ALL | X86_WALK_PWT | X86_WALK_PCD | X86_WALK_PAT) },
	{ "2M", L4, { 7, 7, 0x601087 }, LIN64, R, 1, OK(0x601234, 21, F_ALL | X86_WALK_PAT) },
	{ "1G", L4, { 7, 0x80000087 }, LIN64, R, 1, OK(0x80201234, 30, F_ALL) },
	{ "1G not there", L4, { 7, 0x80000087 }, LIN64, R, 0, PF(9), .old = 1 },
	{ "top not present", L4, { 6, 7, 7, 0x5007 }, LIN64, W, 1, PF(6) },
	{ "leaf not present", L4, { 7, 7, 7, 0x5006 }, LIN64, R, 0, PF(0) },
	{ "fetch not present", L4, { 7, 7, 7, 0 }, LIN64, X, 1, PF(0x14) },
	{ "user at supervisor page", L4, { 7, 7, 3, 0x5007 }, LIN64, R, 1, PF(5) },
	{ "user writes read-only", L4, { 7, 5, 7, 0x5007 }, LIN64, W, 1, PF(7) },
	{ "supervisor writes read-only", L4, { 7, 5, 7, 0x5003 }, LIN64, W, 0, PF(3) },
	{ "without WP", .cr0 = PG, .cr4 = PAE, .efer = LONG, { 7, 5, 7, 0x5003 }, LIN64, W, 0,
	  OK(0x5234, 12, X86_WALK_EXEC | X86_WALK_DIRTY) },
	{ "NX fetch", L4, { 7, 7 | NX, 7, 0x5007 }, LIN64, X, 0, PF(0x11) },
	{ "NX read", L4, { 7, 7 | NX, 7, 0x5007 }, LIN64, R, 0, OK(0x5234, 12, 3) },
	{ "NX reserved without NXE", .cr0 = PG, .cr4 = PAE, .efer = LONG, { 7, 7 | NX, 7, 0x5007 }, LIN64, R,
	  0, PF(9) },
	{ "reserved address bit", L4, { 7, 7, 7, 0x400000005007ull }, LIN64, W, 1, PF(0xf) },
	{ "highest address bit", L4, { 7, 7, 7, 0x200000005007ull }, LIN64, R, 1,
	  OK(0x200000005234ull, 12, F_ALL) },
	{ "52 bits", L4, { 7, 7, 7, 0x8000000005007ull }, LIN64, R, 1, OK(0x8000000005234ull, 12, F_ALL),
	  .phys_bits = 52 },
	{ "PS in the top level", L4, { 0x87, 7, 7, 0x5007 }, LIN64, R, 0, PF(9) },
	{ "2M low bits", L4, { 7, 7, 0x602087 }, LIN64, R, 0, PF(9) },
	{ "1G low bits", L4, { 7, 0x80200087 }, LIN64, R, 0, PF(9) },
	{ "ignored bits", L4, { 7, 7, 7, 0x7ff0000000005e07ull }, LIN64, R, 1, OK(0x5234, 12, F_ALL) },
	{ "global", .cr0 = PG, .cr4 = PAE | X86_CR4_PGE, .efer = LONG, { 7, 7, 7, 0x5107 }, LIN64, R, 1,
	  OK(0x5234, 12, F_ALL | X86_WALK_GLOBAL) },
	{ "global without PGE", L4, { 7, 7, 7, 0x5107 }, LIN64, R, 1, OK(0x5234, 12, F_ALL) },
	{ "not present before reserved", L4, { 7, 7, 7, 0x400000005006ull }, LIN64, R, 1, PF(4) },
	/* SMEP, SMAP */
	{ "SMEP", .cr0 = PG, .cr4 = PAE | X86_CR4_SMEP, .efer = LONG, { 7, 7, 7, 0x5007 }, LIN64, X, 0,
	  PF(0x11) },
	{ "SMEP, supervisor page", .cr0 = PG, .cr4 = PAE | X86_CR4_SMEP, .efer = LONG, { 7, 7, 7, 0x5003 },
	  LIN64, X, 0, OK(0x5234, 12, 6) },
	{ "SMEP, user", .cr0 = PG, .cr4 = PAE | X86_CR4_SMEP, .efer = LONG, { 7, 7, 7, 0x5007 }, LIN64, X, 1,
	  OK(0x5234, 12, F_ALL) },
	{ "SMAP", .cr0 = PG, .cr4 = PAE | X86_CR4_SMAP, .efer = LONG, { 7, 7, 7, 0x5007 }, LIN64, R, 0, PF(1) },
	{ "SMAP, AC", .cr0 = PG, .cr4 = PAE | X86_CR4_SMAP, .efer = LONG, { 7, 7, 7, 0x5007 }, LIN64, R, 0, 1,
	  OK(0x5234, 12, F_ALL) },
	{ "SMAP, implicit", .cr0 = PG, .cr4 = PAE | X86_CR4_SMAP, .efer = LONG, { 7, 7, 7, 0x5007 }, LIN64,
	  R | SYS, 1, 1, PF(1) },
	{ "implicit from user", L4, { 7, 7, 7, 0x5003 }, LIN64, W | SYS, 1,
	  OK(0x5234, 12, X86_WALK_WRITE | X86_WALK_EXEC | X86_WALK_DIRTY) },
	/* no NX, no SMEP: the fetch bit is not reported */
	{ "fetch, plain", .cr0 = PG, .cr4 = PAE, .efer = LONG, { 7, 7, 7, 0x5002 }, LIN64, X, 1, PF(4) },
	/* PAE: e[0] is the PDPTE */
	{ "PAE 4K", P3, { 1, 7, 0x5007 }, 0x40201234, W, 1, OK(0x5234, 12, F_ALL | X86_WALK_DIRTY) },
	{ "PAE 2M", P3, { 1, 0x12400087 }, 0x40201234, R, 1, OK(0x12401234, 21, F_ALL) },
	{ "PAE above 4G", P3, { 1, 0x212400087ull }, 0x40201234, R, 1, OK(0x212401234ull, 21, F_ALL) },
	{ "PAE no PDPTE", P3, { 0, 7, 0x5007 }, 0x40201234, W, 1, PF(6) },
	{ "PAE reserved", P3, { 1, 7, 0x10000000005007ull }, 0x40201234, R, 0, PF(9) },
	{ "PAE NX", .cr0 = PG, .cr4 = PAE, .efer = NXE, { 1, 7, 0x5007 | NX }, 0x40201234, X, 0, PF(0x11) },
	{ "PAE upper half ignored", P3, { 1, 7, 0x5007 }, 0xffffffff40201234ull, R, 1, OK(0x5234, 12, F_ALL) },
	/* 32 bits */
	{ "32 4K", P32, { 7, 0x5007 }, 0x00401234, R, 1, OK(0x5234, 12, F_ALL) },
	{ "32 PS without PSE", P32, { 0x87, 0x5007 }, 0x00401234, R, 1, OK(0x5234, 12, F_ALL) },
	{ "32 4M", .cr0 = PG, .cr4 = PSE, .efer = 0, { 0x7fc00087 }, 0x00401234, R, 1, OK(0x7fc01234, 22, F_ALL) },
	{ "PSE-36", .cr0 = PG, .cr4 = PSE, .efer = 0, { 0x7fc06087 }, 0x00401234, R, 1, OK(0x37fc01234ull, 22, F_ALL) },
	{ "PSE-36 beyond the CPU", .cr0 = PG, .cr4 = PSE, .efer = 0, { 0x7fc20087 }, 0x00401234, R, 0, PF(9),
	  .phys_bits = 36 },
	{ "PSE without 36", .cr0 = PG, .cr4 = PSE, .efer = 0, { 0x7fc02087 }, 0x00401234, R, 0, PF(9), .old = 1 },
	{ "PSE bit 21", .cr0 = PG, .cr4 = PSE, .efer = 0, { 0x7fe00087 }, 0x00401234, R, 0, PF(9) },
	{ "32 user", P32, { 7, 0x5003 }, 0x00401234, R, 1, PF(5) },
	{ "32 supervisor write", P32, { 5, 0x5007 }, 0x00401234, W, 0, PF(3) },
	{ "unreadable table", L4, { 7, 7, 0x7fff0007, 0 }, LIN64, R, 0, .fault = -EFAULT },
};

static void put(struct mem *m, u64 at, u64 val, unsigned int size)
{
	memcpy(m->bytes + at, &val, size);
}

/* Lays the tables of a case out. Returns the number of levels in memory. */
static int build(struct mem *m, struct x86_mmu *mmu, const struct walk_case *t)
{
	int wide = t->efer & X86_EFER_LMA || t->cr4 & X86_CR4_PAE;
	unsigned int size = wide ? 8 : 4, bits = wide ? 9 : 10;
	int levels = t->efer & X86_EFER_LMA ? 4 : wide ? 3 : 2, i;

	memset(m, 0, sizeof(*m));
	memset(mmu, 0, sizeof(*mmu));
	mmu->ops = &ops;
	mmu->opaque = m;
	mmu->cr0 = t->cr0;
	mmu->cr4 = t->cr4;
	mmu->efer = t->efer;
	mmu->cr3 = 0x1000 | (t->efer ? 0x18 : 0);
	mmu->phys_bits = t->phys_bits ? t->phys_bits : 46;
	mmu->has_1g = !t->old;
	mmu->has_pse36 = !t->old;
	for (i = 0; i < levels; i++) {
		u64 e = t->e[i];
		u64 lin = levels == 4 ? t->lin : (u32)t->lin;

		/* a table follows unless this maps a page or is broken on purpose */
		if (i < levels - 1 && e && !(e & 0xfffffff000ull) && t->e[i + 1])
			e |= 0x2000 + 0x1000 * i;
		if (levels == 3 && i == 0)
			mmu->pdpte[lin >> 30] = e;
		else
			put(m, 0x1000 + 0x1000 * i + ((lin >> (12 + bits * (levels - 1 - i))) & ((1 << bits) - 1)) * size,
			    e, size);
	}
	return levels;
}

START_TEST(test_cases)
{
	const struct walk_case *t = &cases[_i];
	static struct mem m, before;
	struct x86_walk_result out;
	struct x86_fault fault;
	struct x86_mmu mmu;
	int rc;

	build(&m, &mmu, t);
	before = m;
	rc = x86_walk(&mmu, t->lin, t->acc, t->user, t->ac, &out, &fault);
	if (t->fault) {
		ck_assert_msg(rc == (t->fault < 0 ? t->fault : X86_FAULT), "%s: returned %d", t->name, rc);
		ck_assert_msg(!memcmp(&m, &before, sizeof(m)), "%s: tables changed", t->name);
		if (t->fault < 0)
			return;
		ck_assert_msg(fault.vector == X86_PF && fault.has_err && fault.err == t->err, "%s: error %x",
			      t->name, fault.err);
		ck_assert_uint_eq(fault.cr2, t->efer & X86_EFER_LMA ? t->lin : (u32)t->lin);
		return;
	}
	ck_assert_msg(rc == 0, "%s: returned %d, error %x", t->name, rc, fault.err);
	ck_assert_msg(out.gpa == t->gpa, "%s: gpa %llx", t->name, (unsigned long long)out.gpa);
	ck_assert_msg(out.page_shift == t->shift, "%s: shift %u", t->name, out.page_shift);
	/* D as it was found or has been set */
	ck_assert_msg(out.flags == t->flags, "%s: flags %x", t->name, out.flags);
}
END_TEST

START_TEST(test_accessed_dirty)
{
	static const struct walk_case t = { "", L4, { 7, 7, 7, 0x5007 }, LIN64, R, 1, OK(0, 0, 0) };
	static struct mem m;
	struct x86_walk_result out;
	struct x86_fault fault;
	struct x86_mmu mmu;
	u64 e;

	build(&m, &mmu, &t);
	ck_assert_int_eq(x86_walk(&mmu, LIN64, R, 1, 0, &out, &fault), 0);
	ck_assert_uint_eq(m.writes, 4);
	memcpy(&e, m.bytes + 0x1000 + 256 * 8, 8);
	ck_assert_uint_eq(e, 0x2027);
	memcpy(&e, m.bytes + 0x4000 + 8, 8);
	ck_assert_uint_eq(e, 0x5027);
	ck_assert_int_eq(x86_walk(&mmu, LIN64, R, 1, 0, &out, &fault), 0);
	ck_assert_uint_eq(m.writes, 4);
	ck_assert_int_eq(x86_walk(&mmu, LIN64, W, 1, 0, &out, &fault), 0);
	ck_assert_uint_eq(m.writes, 5);
	memcpy(&e, m.bytes + 0x4000 + 8, 8);
	ck_assert_uint_eq(e, 0x5067);
	memcpy(&e, m.bytes + 0x1000 + 256 * 8, 8);
	ck_assert_uint_eq(e, 0x2027);
	ck_assert(out.flags & X86_WALK_DIRTY);
}
END_TEST

START_TEST(test_changing_tables)
{
	static const struct walk_case t = { "", L4, { 7, 7, 7, 0x5007 }, LIN64, R, 1, OK(0, 0, 0) };
	static struct mem m;
	struct x86_walk_result out;
	struct x86_fault fault;
	struct x86_mmu mmu;

	build(&m, &mmu, &t);
	m.disturb = 3;
	ck_assert_int_eq(x86_walk(&mmu, LIN64, W, 1, 0, &out, &fault), 0);
	ck_assert_uint_eq(out.gpa, 0x5234);
	build(&m, &mmu, &t);
	m.disturb = 1000000;
	ck_assert_int_eq(x86_walk(&mmu, LIN64, W, 1, 0, &out, &fault), X86_RETRY);
}
END_TEST

START_TEST(test_pdpte)
{
	static const struct {
		u64 e;
		int rc;
	} t[] = {
		{ 0x5001, 0 }, { 0x5019, 0 }, { 0x5e01, 0 }, { 0x5003, X86_FAULT }, { 0x5005, X86_FAULT },
		{ 0x5021, X86_FAULT }, { 0x5081, X86_FAULT }, { 0x5101, X86_FAULT },
		{ 0x400000005001ull, X86_FAULT }, { 0x200000005001ull, 0 }, { NX | 1, X86_FAULT },
		{ 0xfffffffffffffffeull, 0 },
	};
	static struct mem m;
	struct x86_mmu mmu;
	unsigned int i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		memset(&mmu, 0, sizeof(mmu));
		mmu.ops = &ops;
		mmu.opaque = &m;
		mmu.phys_bits = 46;
		put(&m, 0x1020 + 8 * (i % 4), t[i].e, 8);
		ck_assert_msg(x86_pdpte_load(&mmu, 0x103f) == t[i].rc, "case %u", i);
		ck_assert_uint_eq(mmu.pdpte[i % 4], t[i].rc ? 0 : t[i].e);
		put(&m, 0x1020 + 8 * (i % 4), 0, 8);
	}
	ck_assert_int_eq(x86_pdpte_load(&mmu, 0xfffff000), -EFAULT);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("walk");
	TCase *tc = tcase_create("walk");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_loop_test(tc, test_cases, 0, (int)(sizeof(cases) / sizeof(cases[0])));
	tcase_add_test(tc, test_accessed_dirty);
	tcase_add_test(tc, test_changing_tables);
	tcase_add_test(tc, test_pdpte);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

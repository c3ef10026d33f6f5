// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guest memory and the host's memory management: pages that are swapped out (MADV_PAGEOUT), merged by KSM, and pages
 * of 1 GiB, under a guest that uses them. The host has swap, KSM and such a page (init.sh, test_host).
 */
#include "test/rig/rig.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif
#define HUGE_1GB (30 << 26) /* of MAP_HUGETLB */

#define AREA  0x40000000ull /* guest-physical and linear */
#define PAGES 2048u
#define GIB   0x40000000ull

/* Of each step: adds the first word to RAX, counts in the second, leaves its address in the third. */
GUEST_CODE(visit, 64,
	   "1: add (%rsi), %rax; incq 8(%rsi); mov %rsi, 16(%rsi); add %rdi, %rsi; dec %rcx; jnz 1b; hlt");

static int visit_all(struct guest *g, uint64_t step, uint64_t n, uint64_t *sum)
{
	struct gm_regs r = { .rip = CODE, .rsp = CODE, .rflags = 2, .rsi = AREA, .rdi = step, .rcx = n };

	CHECK(ioctl(g->vcpu, GM_SET_REGS, &r) == 0);
	CHECK(guest_expect(g, GM_EXIT_HLT) == 0);
	CHECK(ioctl(g->vcpu, GM_GET_REGS, &r) == 0);
	*sum = r.rax;
	return 0;
}

static uint64_t *word(void *area, unsigned int page)
{
	return (uint64_t *)((char *)area + page * 4096ul);
}

static int area_open(struct guest *g, void **area, uint64_t size, int flags)
{
	CHECK(guest_long(g, visit, visit_end) == 0);
	*area = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
	CHECK(*area != MAP_FAILED);
	CHECK(guest_slot(g, 1, 0, AREA, size, *area) == 0);
	return 0;
}

/* KiB of this process that are swapped out. */
static long swapped(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[128];
	long n = -1;

	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "VmSwap: %ld", &n);
	if (f)
		fclose(f);
	return n;
}

struct pager {
	void *area;
	int stop;
};

static void *pager(void *arg)
{
	struct pager *p = arg;

	while (!__atomic_load_n(&p->stop, __ATOMIC_SEQ_CST))
		madvise(p->area, PAGES * 4096ul, MADV_PAGEOUT);
	return NULL;
}

static int visits_right(void *area, uint64_t rounds)
{
	unsigned int i;

	for (i = 0; i < PAGES; i++)
		if (word(area, i)[1] != rounds || word(area, i)[2] != AREA + i * 4096ull)
			return 0;
	return 1;
}

static int test_swap(struct guest *g)
{
	struct pager p = { NULL, 0 };
	uint64_t sum, want = 0;
	unsigned int i, bad = 0;
	pthread_t t;

	CHECK(area_open(g, &p.area, PAGES * 4096ul, 0) == 0);
	CHECK(madvise(p.area, PAGES * 4096ul, MADV_NOHUGEPAGE) == 0);
	for (i = 0; i < PAGES; i++)
		want += word(p.area, i)[0] = i * 77 + 1;
	CHECK(visit_all(g, 4096, PAGES, &sum) == 0 && sum == want);
	for (i = 0; i < 20 && swapped() < (long)PAGES * 2; i++)
		CHECK(madvise(p.area, PAGES * 4096ul, MADV_PAGEOUT) == 0);
	CHECK(swapped() >= (long)PAGES * 2);
	CHECK(visit_all(g, 4096, PAGES, &sum) == 0 && sum == want);
	CHECK(pthread_create(&t, NULL, pager, &p) == 0);
	for (i = 0; i < 10 && !bad; i++)
		bad = visit_all(g, 4096, PAGES, &sum) || sum != want;
	__atomic_store_n(&p.stop, 1, __ATOMIC_SEQ_CST);
	pthread_join(t, NULL);
	CHECK(!bad && visits_right(p.area, 12));
	CHECK(guest_slot(g, 1, 0, AREA, 0, p.area) == 0);
	munmap(p.area, PAGES * 4096ul);
	return 0;
}

static long ksm(const char *name, long value)
{
	char path[64], text[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/sys/kernel/mm/ksm/%s", name);
	f = fopen(path, value < 0 ? "r" : "w");
	if (!f)
		return -1;
	if (value >= 0)
		fprintf(f, "%ld\n", value);
	else if (!fgets(text, sizeof(text), f))
		text[0] = 0;
	fclose(f);
	return atol(text);
}

static int test_merge(struct guest *g)
{
	unsigned int i;
	uint64_t sum;
	void *area;

	CHECK(area_open(g, &area, PAGES * 4096ul, 0) == 0);
	for (i = 0; i < PAGES; i++)
		word(area, i)[0] = 5;
	CHECK(visit_all(g, 4096, PAGES, &sum) == 0 && sum == 5 * PAGES);
	/* All alike again, so that they can be merged. */
	for (i = 0; i < PAGES; i++)
		memset(word(area, i) + 1, 0, 16);
	CHECK(madvise(area, PAGES * 4096ul, MADV_MERGEABLE) == 0);
	CHECK(ksm("sleep_millisecs", 1) >= 0 && ksm("pages_to_scan", 5000) >= 0 && ksm("run", 1) >= 0);
	for (i = 0; i < 300 && ksm("pages_sharing", -1) < (long)PAGES / 2; i++)
		usleep(100000);
	CHECK(ksm("pages_sharing", -1) >= (long)PAGES / 2);
	for (i = 0; i < 4; i++)
		CHECK(visit_all(g, 4096, PAGES, &sum) == 0 && sum == 5 * PAGES);
	CHECK(visits_right(area, 4));
	ksm("run", 0);
	CHECK(guest_slot(g, 1, 0, AREA, 0, area) == 0);
	munmap(area, PAGES * 4096ul);
	return 0;
}

/* Whether the host was started with one: then it has to be there. */
static int huge_page_asked(void)
{
	FILE *f = fopen("/proc/cmdline", "r");
	char line[1024] = "";
	int asked = f && fgets(line, sizeof(line), f) && strstr(line, "hugepagesz=1G");

	if (f)
		fclose(f);
	return asked;
}

/* A page of 1 GiB is one mapping, where tables can have it: hardly a fault for all of it. */
static int test_huge(struct guest *g)
{
	uint64_t sum;
	long before;
	void *area;

	if (!huge_page_asked())
		test_skip("the host was not started with a page of 1 GiB");
	CHECK(area_open(g, &area, GIB, MAP_HUGETLB | HUGE_1GB) == 0);
	before = guest_stat(g, "vcpu0.exits_page");
	CHECK(visit_all(g, 0x201000, 500, &sum) == 0 && sum == 0);
	CHECK(*(uint64_t *)((char *)area + 499 * 0x201000ul + 8) == 1);
	if (guest_stat(g, "shadow_pages") == 0)
		CHECK(guest_stat(g, "vcpu0.exits_page") - before < 20);
	CHECK(guest_slot(g, 1, 0, AREA, 0, area) == 0);
	munmap(area, GIB);
	return 0;
}

const struct test tests_host[] = {
	{ "host: guest memory swapped out", test_swap },
	{ "host: guest memory merged", test_merge },
	{ "host: guest memory in pages of 1 GiB", test_huge },
	{ NULL, NULL },
};

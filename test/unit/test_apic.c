// SPDX-License-Identifier: GPL-2.0-or-later
/* Local APIC and I/O APIC: priorities, EOI, IPIs, LINT pins, timer modes, x2APIC, redirection. */
#include "test/unit/lib/fake_machine.h"
#include "devices/apic/ioapic.h"
#include "devices/apic/lapic.h"

#define TSC_HZ 2000000000ULL

enum { ID = 0x20, VER = 0x30, TPR = 0x80, APR = 0x90, PPR = 0xa0, EOI = 0xb0, LDR = 0xd0,
       DFR = 0xe0, SVR = 0xf0, ISR = 0x100, TMR = 0x180, IRR = 0x200, ESR = 0x280, ICR = 0x300,
       ICRH = 0x310, LVTT = 0x320, LINT0 = 0x350, LINT1 = 0x360, LVTE = 0x370, ICT = 0x380,
       CCT = 0x390, DCR = 0x3e0, SELF = 0x3f0 };

static struct gm_machine *m;
static struct gm_dev *apic[4], *ioapic;
static u64 tsc_offset;
static unsigned int inits, sipis, last_sipi, extint_acks;

static u64 get_tsc_offset(void *opaque)
{
	return tsc_offset;
}

static int extint_ack(void *opaque)
{
	extint_acks++;
	return 0x33;
}

static void on_init(void *opaque)
{
	inits++;
}

static void on_sipi(void *opaque, u8 vector)
{
	sipis++;
	last_sipi = vector;
}

static void w(int cpu, u32 reg, u32 val)
{
	gm_vcpu_current = m->vcpus[cpu];
	gm_bus_write(m->mem, LAPIC_BASE + reg, 4, val);
}

static u32 r(int cpu, u32 reg)
{
	gm_vcpu_current = m->vcpus[cpu];
	return (u32)gm_bus_read(m->mem, LAPIC_BASE + reg, 4);
}

static bool pending(int cpu)
{
	return m->vcpus[cpu]->intr_pending(m->vcpus[cpu]);
}

static int ack(int cpu)
{
	return pending(cpu) ? m->vcpus[cpu]->intr_ack(m->vcpus[cpu]) : -1;
}

static void setup_cfg(unsigned int n, bool absent)
{
	struct ioapic_cfg icfg = {.apic_id = 8};

	m = fake_new(n);
	m->clock->now = 5000000;
	ioapic = fake_device(m, &ioapic_class, &icfg);
	for (unsigned int i = 0; i < n; i++) {
		struct lapic_cfg cfg = {
			.vcpu = m->vcpus[i], .apic_id = i, .absent = absent, .x2apic = true,
			.tsc_deadline = true, .tsc_hz = TSC_HZ, .tsc_offset = get_tsc_offset,
			.extint_ack = extint_ack, .eoi = ioapic_eoi, .eoi_opaque = ioapic,
			.init_ipi = on_init, .sipi = on_sipi,
		};

		apic[i] = fake_device(m, &lapic_class, &cfg);
	}
	tsc_offset = 0;
	inits = sipis = last_sipi = extint_acks = 0;
}

static void setup(unsigned int n)
{
	setup_cfg(n, false);
	for (unsigned int i = 0; i < n; i++)
		w(i, SVR, 0x1ff);
}

START_TEST(test_reset_values)
{
	static const struct {
		u32 reg, val;
	} rows[] = {{ID, 0}, {VER, 0x60014}, {TPR, 0}, {APR, 0}, {PPR, 0}, {LDR, 0},
		    {DFR, 0xffffffff}, {SVR, 0xff}, {LVTT, 0x10000}, {LINT0, 0x10000},
		    {LINT1, 0x10000}, {LVTE, 0x10000}, {ICT, 0}, {CCT, 0}, {DCR, 0}, {ICR, 0}};
	u64 base;

	setup_cfg(2, false);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		ck_assert_msg(r(0, rows[i].reg) == rows[i].val, "register %#x is %#x", rows[i].reg,
			      r(0, rows[i].reg));
	ck_assert_uint_eq(r(1, ID), 1 << 24);
	ck_assert_int_eq(m->vcpus[0]->apic_msr_get(m->vcpus[0], 0x1b, &base), 0);
	ck_assert_uint_eq(base, 0xfee00900);
	ck_assert_int_eq(m->vcpus[1]->apic_msr_get(m->vcpus[1], 0x1b, &base), 0);
	ck_assert_uint_eq(base, 0xfee00800);
	/* software-disabled: fixed interrupts are not accepted, masks cannot be cleared */
	w(0, ICR, 0x40000 | 0x4050);
	ck_assert(!pending(0));
	w(0, LINT0, 0x700);
	ck_assert_uint_eq(r(0, LINT0), 0x10700);
	fake_free(m);
}
END_TEST

static void self(u8 vector)
{
	w(0, ICR, 0x44000 | vector);
}

START_TEST(test_priorities)
{
	setup(1);
	self(0x51);
	self(0x62);
	self(0x55);
	ck_assert_uint_eq(r(0, IRR + 0x20), 0x00220000);
	ck_assert_int_eq(ack(0), 0x62);
	ck_assert_uint_eq(r(0, ISR + 0x30), 4);
	ck_assert_uint_eq(r(0, PPR), 0x60);
	ck_assert(!pending(0)); /* 0x55 is of a lower class */
	self(0x6f);
	ck_assert(!pending(0)); /* the same class does not interrupt itself */
	self(0x70);
	ck_assert_int_eq(ack(0), 0x70);
	w(0, EOI, 0);
	ck_assert(!pending(0));
	w(0, EOI, 0);
	ck_assert_int_eq(ack(0), 0x6f);
	w(0, EOI, 0);
	ck_assert_int_eq(ack(0), 0x55);
	w(0, EOI, 0);
	w(0, TPR, 0x50);
	ck_assert(!pending(0));
	ck_assert_uint_eq(m->vcpus[0]->tpr_get(m->vcpus[0]), 5);
	fake_interrupts = 0;
	m->vcpus[0]->tpr_set(m->vcpus[0], 4);
	ck_assert_uint_eq(fake_interrupts, 1);
	ck_assert_uint_eq(r(0, TPR), 0x40);
	ck_assert_int_eq(ack(0), 0x51);
	w(0, EOI, 0);
	w(0, EOI, 0); /* nothing in service: no effect */
	ck_assert(!pending(0));
	fake_free(m);
}
END_TEST

START_TEST(test_errors)
{
	setup(1);
	w(0, LVTE, 0xfe);
	self(0x0f);
	ck_assert_uint_eq(r(0, ESR), 0);
	w(0, ESR, 0);
	ck_assert_uint_eq(r(0, ESR), 0x20);
	ck_assert_int_eq(ack(0), 0xfe);
	w(0, EOI, 0);
	w(0, ESR, 0);
	ck_assert_uint_eq(r(0, ESR), 0);
	r(0, 0x40);
	w(0, ESR, 0);
	ck_assert_uint_eq(r(0, ESR), 0x80);
	/* an error vector that is illegal itself */
	w(0, LVTE, 0x03);
	self(0x01);
	w(0, ESR, 0);
	ck_assert_uint_eq(r(0, ESR), 0x60);
	fake_free(m);
}
END_TEST

struct ipi {
	const char *name;
	u32 hi, lo;
	unsigned int got; /* bit per CPU that has the vector afterwards */
};

/* CPU 0 sends; four CPUs with flat logical IDs 1, 2, 4, 8. */
static const struct ipi ipis[] = {
	{"physical", 2u << 24, 0x4051, 1 << 2},
	{"physical broadcast", 0xffu << 24, 0x4051, 15},
	{"nobody there", 7u << 24, 0x4051, 0},
	{"self", 0, 0x44051, 1},
	{"all", 0, 0x84051, 15},
	{"all but self", 0, 0xc4051, 14},
	{"logical flat, two", 0x0au << 24, 0x4851, 10},
	{"lowest priority of three", 0x0eu << 24, 0x4951, 1 << 2},
};

START_TEST(test_ipi)
{
	const struct ipi *t = &ipis[_i];
	unsigned int got = 0;

	setup(4);
	for (int i = 0; i < 4; i++)
		w(i, LDR, 1u << (24 + i));
	w(1, TPR, 0x20);
	w(2, TPR, 0x10);
	w(3, TPR, 0x30);
	w(0, ICRH, t->hi);
	w(0, ICR, t->lo);
	for (int i = 0; i < 4; i++)
		got |= (r(i, IRR + 0x20) >> 17 & 1) << i;
	ck_assert_msg(got == t->got, "%s: %#x, wanted %#x", t->name, got, t->got);
	fake_free(m);
}
END_TEST

START_TEST(test_special_ipis)
{
	setup(2);
	w(0, ICRH, 1u << 24);
	w(0, ICR, 0xc500);
	ck_assert_uint_eq(inits, 1);
	w(0, ICR, 0x8500); /* level de-assert */
	ck_assert_uint_eq(inits, 1);
	w(0, ICR, 0x4699);
	ck_assert_uint_eq(sipis, 1);
	ck_assert_uint_eq(last_sipi, 0x99);
	w(0, ICR, 0x4400);
	ck_assert_uint_eq(m->vcpus[1]->nmi_request, 1);
	/* cluster model */
	w(1, DFR, 0x0fffffff);
	w(1, LDR, 0x32000000);
	w(0, ICRH, 0x32000000);
	w(0, ICR, 0x4851);
	w(0, ICRH, 0x22000000);
	w(0, ICR, 0x4852);
	w(0, ICRH, 0xf2000000);
	w(0, ICR, 0x4853);
	ck_assert_uint_eq(r(1, IRR + 0x20), 1 << 17 | 1 << 19);
	fake_free(m);
}
END_TEST

START_TEST(test_lint)
{
	setup_cfg(1, false);
	lapic_lint_set(apic[0], 0, 1);
	ck_assert(!pending(0)); /* masked after reset */
	lapic_set_virtual_wire(apic[0]);
	ck_assert_int_eq(ack(0), 0x33);
	ck_assert_uint_eq(extint_acks, 1);
	lapic_lint_set(apic[0], 0, 0);
	ck_assert(!pending(0));
	lapic_lint_set(apic[0], 1, 1);
	ck_assert_uint_eq(m->vcpus[0]->nmi_request, 1);
	/* fixed, edge */
	w(0, LINT0, 0x41);
	lapic_lint_set(apic[0], 0, 1);
	ck_assert_int_eq(ack(0), 0x41);
	w(0, EOI, 0);
	ck_assert(!pending(0));
	/* fixed, level: comes again until the pin falls */
	w(0, LINT0, 0x8041);
	ck_assert_uint_eq(r(0, LINT0), 0xc041);
	ck_assert_int_eq(ack(0), 0x41);
	w(0, EOI, 0);
	ck_assert_int_eq(ack(0), 0x41);
	lapic_lint_set(apic[0], 0, 0);
	w(0, EOI, 0);
	ck_assert(!pending(0));
	ck_assert_uint_eq(r(0, LINT0), 0x8041);
	fake_free(m);
}
END_TEST

START_TEST(test_absent)
{
	u64 val;

	setup_cfg(1, true);
	lapic_lint_set(apic[0], 0, 1);
	ck_assert_int_eq(ack(0), 0x33);
	lapic_lint_set(apic[0], 1, 1);
	ck_assert_uint_eq(fake_nmis, 1);
	ck_assert_int_eq(m->vcpus[0]->apic_msr_get(m->vcpus[0], 0x1b, &val), -1);
	ck_assert_uint_eq(r(0, VER), 0xffffffff);
	fake_free(m);
}
END_TEST

static unsigned int take_all(void)
{
	unsigned int n = 0;

	while (ack(0) >= 0) {
		w(0, EOI, 0);
		n++;
	}
	return n;
}

START_TEST(test_timer_one_shot)
{
	static const struct {
		u32 dcr, div;
	} rows[] = {{0, 2}, {1, 4}, {2, 8}, {3, 16}, {8, 32}, {9, 64}, {10, 128}, {11, 1}};
	u32 div = rows[_i].div;

	setup(1);
	w(0, DCR, rows[_i].dcr);
	w(0, LVTT, 0x40);
	w(0, ICT, 100000);
	ck_assert_uint_eq(r(0, CCT), 100000);
	fake_advance(m, 30000 * div);
	ck_assert_uint_eq(r(0, CCT), 70000);
	ck_assert(!pending(0));
	fake_advance(m, 70000 * div - 1);
	ck_assert_uint_eq(r(0, CCT), 1);
	ck_assert(!pending(0));
	fake_advance(m, 1);
	ck_assert_uint_eq(r(0, CCT), 0);
	ck_assert_int_eq(ack(0), 0x40);
	w(0, EOI, 0);
	fake_advance(m, NSEC_PER_SEC);
	ck_assert(!pending(0));
	fake_free(m);
}
END_TEST

/*
 * A slow host: the count is over before the write that starts it has been dealt with, or another
 * register is written before the end is noticed. The interrupt comes all the same, and once.
 */
START_TEST(test_timer_late)
{
	static const struct {
		u32 count, reg, val;
	} rows[] = {{1, ICT, 1}, {1000, ICT, 1000}, {100000, LVTT, 0x40}, {100000, DCR, 0xb}, {100000, DCR, 0}};

	setup(1);
	w(0, DCR, 0xb);
	w(0, LVTT, 0x40);
	m->clock->step = 5000;
	w(0, ICT, rows[_i].count);
	m->clock->now += rows[_i].count;
	w(0, rows[_i].reg, rows[_i].val);
	fake_advance(m, 10000);
	ck_assert_int_eq(ack(0), 0x40);
	w(0, EOI, 0);
	fake_advance(m, NSEC_PER_SEC);
	ck_assert(!pending(0));
	fake_free(m);
}
END_TEST

/* Interrupts that the guest did not take in time come later, one second of them at most. */
START_TEST(test_timer_backlog)
{
	static const struct {
		unsigned int late_ms;
	} rows[] = {{1}, {10}, {400}, {5000}};
	unsigned int n = 0;

	setup(1);
	w(0, DCR, 0xb);
	w(0, LVTT, 0x20040);
	w(0, ICT, 1000000);
	fake_advance(m, rows[_i].late_ms * 1000000ull);
	for (int i = 0; i < 1000000 && m->clock->now < 1000000ull * (rows[_i].late_ms + 1005); i++) {
		fake_advance(m, 100000);
		n += take_all();
	}
	/* 1000 that are due meanwhile and what was owed */
	ck_assert_uint_le(n, 1000 + MIN(rows[_i].late_ms, 1001u));
	ck_assert_uint_ge(n, 999 + MIN(rows[_i].late_ms, 1000u));
	fake_free(m);
}
END_TEST

START_TEST(test_timer_periodic)
{
	unsigned int n = 0;

	setup(1);
	w(0, DCR, 0xb);
	w(0, LVTT, 0x20040);
	w(0, ICT, 1000000);
	for (int i = 0; i < 1000; i++) {
		fake_advance(m, 100000);
		n += take_all();
	}
	ck_assert_uint_eq(n, 100);
	fake_advance(m, 250000);
	ck_assert_uint_eq(r(0, CCT), 750000);
	/* masked it counts on, without interrupts */
	w(0, LVTT, 0x30040);
	fake_advance(m, 5000000);
	ck_assert(!pending(0));
	ck_assert_uint_eq(r(0, CCT), 750000);
	w(0, LVTT, 0x20040);
	fake_advance(m, 750000);
	ck_assert_uint_eq(take_all(), 1);
	/* a divide change goes on from the count */
	fake_advance(m, 500000);
	w(0, DCR, 0);
	ck_assert_uint_eq(r(0, CCT), 500000);
	fake_advance(m, 999999);
	ck_assert_uint_eq(take_all(), 0);
	fake_advance(m, 1);
	ck_assert_uint_eq(take_all(), 1);
	w(0, ICT, 0);
	fake_advance(m, NSEC_PER_SEC);
	ck_assert_uint_eq(take_all(), 0);
	/* a period of one clock does not take the host down */
	w(0, DCR, 0xb);
	w(0, ICT, 1);
	fake_advance(m, 10000000);
	ck_assert_uint_eq(take_all(), 1);
	fake_free(m);
}
END_TEST

static int msr_set(u32 msr, u64 val)
{
	return m->vcpus[0]->apic_msr_set(m->vcpus[0], msr, val);
}

static u64 msr(u32 n)
{
	u64 val = 0;

	ck_assert_int_eq(m->vcpus[0]->apic_msr_get(m->vcpus[0], n, &val), 0);
	return val;
}

START_TEST(test_timer_deadline)
{
	u64 tsc;

	setup(1);
	ck_assert_int_eq(msr_set(0x6e0, 12345), 0);
	ck_assert_uint_eq(msr(0x6e0), 0); /* not in this mode */
	w(0, LVTT, 0x40040);
	w(0, ICT, 1000);
	ck_assert_uint_eq(r(0, CCT), 0);
	tsc_offset = 777;
	tsc = m->clock->now * 2 + 777;
	msr_set(0x6e0, tsc + 2000000);
	ck_assert_uint_eq(msr(0x6e0), tsc + 2000000);
	fake_advance(m, 999999);
	ck_assert(!pending(0));
	fake_advance(m, 2);
	ck_assert_int_eq(ack(0), 0x40);
	w(0, EOI, 0);
	ck_assert_uint_eq(msr(0x6e0), 0);
	/* past: at once; 0: disarmed; far away: never; TSC moved: computed anew */
	msr_set(0x6e0, 1);
	ck_assert_int_eq(ack(0), 0x40);
	w(0, EOI, 0);
	msr_set(0x6e0, tsc + 10000000);
	msr_set(0x6e0, 0);
	fake_advance(m, NSEC_PER_SEC);
	ck_assert(!pending(0));
	msr_set(0x6e0, ~0ULL);
	fake_advance(m, NSEC_PER_SEC);
	ck_assert(!pending(0));
	tsc = m->clock->now * 2 + tsc_offset;
	msr_set(0x6e0, tsc + 2 * NSEC_PER_SEC);
	tsc_offset += 2 * NSEC_PER_SEC - 1000;
	lapic_tsc_changed(apic[0]);
	fake_advance(m, 501);
	ck_assert_int_eq(ack(0), 0x40);
	w(0, EOI, 0);
	/* leaving the mode disarms */
	msr_set(0x6e0, ~0ULL >> 1);
	w(0, LVTT, 0x40);
	w(0, LVTT, 0x40040);
	ck_assert_uint_eq(msr(0x6e0), 0);
	fake_free(m);
}
END_TEST

struct msr_row {
	const char *name;
	u32 msr;
	u64 val;
	int want;
};

static const struct msr_row x2_writes[] = {
	{"TPR", 0x808, 0xff, 0},
	{"TPR reserved", 0x808, 0x100, -1},
	{"upper half", 0x808, 1ULL << 32, -1},
	{"ID is read-only", 0x802, 0, -1},
	{"version is read-only", 0x803, 0, -1},
	{"LDR is read-only", 0x80d, 0, -1},
	{"no DFR", 0x80e, 0, -1},
	{"EOI takes 0 only", 0x80b, 0, 0},
	{"EOI of 1", 0x80b, 1, -1},
	{"SVR", 0x80f, 0x1ff, 0},
	{"SVR reserved", 0x80f, 0x1400, -1},
	{"ESR", 0x828, 0, 0},
	{"ESR of 1", 0x828, 1, -1},
	{"ICR", 0x830, 0x4000000000000051ULL | 0x4000, 0},
	{"ICR reserved", 0x830, 0x20000, -1},
	{"no upper ICR", 0x831, 0, -1},
	{"timer", 0x832, 0x60040 & ~0x20000, 0},
	{"timer reserved", 0x832, 0x100, -1},
	{"LINT0", 0x835, 0x1a7ff, 0},
	{"divide", 0x83e, 0xb, 0},
	{"divide reserved", 0x83e, 0x4, -1},
	{"count is read-only", 0x839, 0, -1},
	{"self IPI", 0x83f, 0x51, 0},
	{"self IPI reserved", 0x83f, 0x151, -1},
	{"beyond", 0x840, 0, -1},
	{"last", 0x8ff, 0, -1},
};

START_TEST(test_x2apic_writes)
{
	const struct msr_row *t = &x2_writes[_i];

	setup(1);
	ck_assert_int_eq(msr_set(t->msr, t->val), -1); /* not in x2APIC mode yet */
	ck_assert_int_eq(msr_set(0x1b, 0xfee00d00), 0);
	ck_assert_msg(msr_set(t->msr, t->val) == t->want, "%s", t->name);
	fake_free(m);
}
END_TEST

START_TEST(test_x2apic)
{
	u64 val;

	setup(2);
	gm_vcpu_current = m->vcpus[1];
	ck_assert_int_eq(m->vcpus[1]->apic_msr_set(m->vcpus[1], 0x1b, 0xfee00c00), 0);
	ck_assert_int_eq(msr_set(0x1b, 0xfee00d00), 0);
	ck_assert_uint_eq(msr(0x802), 0);
	ck_assert_uint_eq(msr(0x80d), 1);
	ck_assert_int_eq(m->vcpus[1]->apic_msr_get(m->vcpus[1], 0x80d, &val), 0);
	ck_assert_uint_eq(val, 2);
	ck_assert_int_eq(m->vcpus[0]->apic_msr_get(m->vcpus[0], 0x80b, &val), -1);
	ck_assert_int_eq(m->vcpus[0]->apic_msr_get(m->vcpus[0], 0x83f, &val), -1);
	ck_assert_uint_eq(r(0, VER), 0xffffffff); /* the page is gone */
	msr_set(0x83f, 0x51);
	ck_assert_int_eq(ack(0), 0x51);
	msr_set(0x80b, 0);
	msr_set(0x830, 1ULL << 32 | 0x4052);
	ck_assert_uint_eq(msr(0x830), 1ULL << 32 | 0x4052);
	ck_assert(!pending(0));
	ck_assert_int_eq(ack(1), 0x52);
	msr_set(0x830, 3ULL << 32 | 0x4853); /* logical, cluster 0, both */
	ck_assert_int_eq(ack(0), 0x53);
	msr_set(0x830, 0xffffffff00004061ULL);
	ck_assert_int_eq(ack(0), 0x61);
	ck_assert_int_eq(ack(1), 0x61);
	/* illegal transitions */
	ck_assert_int_eq(msr_set(0x1b, 0xfee00900), -1);
	ck_assert_int_eq(msr_set(0x1b, 0xfee00500), -1);
	ck_assert_int_eq(msr_set(0x1b, 0xfee00d01), -1);
	ck_assert_int_eq(msr_set(0x1b, 1ULL << 40 | 0xfee00d00), -1);
	ck_assert_int_eq(msr_set(0x1b, 0xfee00100), 0);
	ck_assert_int_eq(msr_set(0x1b, 0xfee00d00), -1);
	ck_assert_int_eq(msr_set(0x1b, 0xfee00900), 0);
	ck_assert_uint_eq(r(0, SVR), 0xff);
	/* the page moves with its base */
	ck_assert_int_eq(msr_set(0x1b, 0xfed00900), 0);
	ck_assert_uint_eq(r(0, VER), 0xffffffff);
	ck_assert_uint_eq(gm_bus_read(m->mem, 0xfed00030, 4), 0x60014);
	fake_free(m);
}
END_TEST

/* ---- I/O APIC ---- */

static void iow(u8 reg, u32 val)
{
	gm_bus_write(m->mem, IOAPIC_BASE, 4, reg);
	gm_bus_write(m->mem, IOAPIC_BASE + 0x10, 4, val);
}

static u32 ior(u8 reg)
{
	gm_bus_write(m->mem, IOAPIC_BASE, 4, reg);
	return (u32)gm_bus_read(m->mem, IOAPIC_BASE + 0x10, 4);
}

START_TEST(test_ioapic_registers)
{
	setup(1);
	ck_assert_uint_eq(ior(0), 8u << 24);
	ck_assert_uint_eq(ior(1), 0x170011);
	ck_assert_uint_eq(ior(0x10), 0x10000);
	ck_assert_uint_eq(ior(0x3e), 0x10000);
	iow(0, 0xffffffff);
	ck_assert_uint_eq(ior(0), 0x0f000000);
	ck_assert_uint_eq(ior(2), 0x0f000000);
	iow(0x12, 0xffffffff);
	ck_assert_uint_eq(ior(0x12), 0x1afff);
	iow(0x13, 0xffffffff);
	ck_assert_uint_eq(ior(0x13), 0xff000000);
	iow(0xff, 0xffffffff);
	ck_assert_uint_eq(ior(0xff), 0);
	ck_assert_uint_eq(ior(0x40), 0);
	fake_free(m);
}
END_TEST

START_TEST(test_ioapic_edge_and_level)
{
	setup(1);
	iow(0x10 + 2 * 4, 0x45); /* pin 4, edge */
	ioapic_set_irq(ioapic, 4, 1);
	ck_assert_int_eq(ack(0), 0x45);
	w(0, EOI, 0);
	ck_assert(!pending(0));
	ioapic_set_irq(ioapic, 4, 0);
	iow(0x10 + 2 * 4, 0x10045);
	ioapic_set_irq(ioapic, 4, 1); /* an edge on a masked pin is lost */
	iow(0x10 + 2 * 4, 0x45);
	ck_assert(!pending(0));

	iow(0x10 + 2 * 10, 0x1804a); /* pin 10, level, masked */
	ioapic_set_irq(ioapic, 10, 1);
	ck_assert(!pending(0));
	iow(0x10 + 2 * 10, 0x804a); /* a level waits */
	ck_assert_uint_eq(ior(0x10 + 2 * 10), 0xc04a);
	ck_assert_uint_eq(r(0, TMR + 0x20), 1 << 10);
	ck_assert_int_eq(ack(0), 0x4a);
	ck_assert(!pending(0));
	w(0, EOI, 0);
	ck_assert_int_eq(ack(0), 0x4a); /* still high: again */
	ioapic_set_irq(ioapic, 10, 0);
	w(0, EOI, 0);
	ck_assert(!pending(0));
	ck_assert_uint_eq(ior(0x10 + 2 * 10), 0x804a);
	ioapic_set_irq(ioapic, 10, 1);
	ck_assert_int_eq(ack(0), 0x4a);
	/* to edge and back clears remote IRR */
	iow(0x10 + 2 * 10, 0x1004a);
	ck_assert_uint_eq(ior(0x10 + 2 * 10), 0x1004a);
	ioapic_set_irq(ioapic, -1, 1);
	ioapic_set_irq(ioapic, 24, 1);
	fake_free(m);
}
END_TEST

START_TEST(test_ioapic_destinations)
{
	setup(2);
	w(0, LDR, 1u << 24);
	w(1, LDR, 2u << 24);
	iow(0x13, 1u << 24);
	iow(0x12, 0x51); /* physical 1 */
	ioapic_set_irq(ioapic, 1, 1);
	ck_assert(!pending(0));
	ck_assert_int_eq(ack(1), 0x51);
	iow(0x15, 3u << 24);
	iow(0x14, 0x0852); /* logical, both */
	ioapic_set_irq(ioapic, 2, 1);
	ck_assert_int_eq(ack(0), 0x52);
	ck_assert(!pending(1)); /* 0x51 is in service there */
	w(1, EOI, 0);
	ck_assert_int_eq(ack(1), 0x52);
	iow(0x16, 0x0400); /* NMI to 0 */
	ioapic_set_irq(ioapic, 3, 1);
	ck_assert_uint_eq(m->vcpus[0]->nmi_request, 1);
	iow(0x10, 0x0700); /* ExtINT */
	ioapic_set_irq(ioapic, 0, 1);
	ck_assert_int_eq(ack(0), 0x33);
	ck_assert(!pending(0));
	/* MSI: physical 1, edge; then a level message that is not asserted */
	w(1, EOI, 0);
	apic_msi_send(m, 0xfee01000, 0x4061);
	ck_assert_int_eq(ack(1), 0x61);
	apic_msi_send(m, 0xfee01000, 0x8071);
	ck_assert(!pending(1));
	fake_free(m);
}
END_TEST

/* Any write anywhere: no trap, no endless loop. */
START_TEST(test_hostile)
{
	u32 x = 99;

	setup(2);
	for (int i = 0; i < 100000; i++) {
		x = x * 1664525 + 1013904223;
		switch (x >> 28) {
		case 0: iow(x >> 8, x * 7); break;
		case 1: ioapic_set_irq(ioapic, x >> 8 & 31, x >> 16 & 1); break;
		case 2: lapic_lint_set(apic[0], x >> 8 & 1, x >> 16 & 1); break;
		case 3: ack(x >> 8 & 1); break;
		case 4: fake_advance(m, x >> 16 & 0xff); break;
		case 5: msr_set(0x800 + (x >> 8 & 0x3f), x * 3); break;
		case 6: r(x >> 8 & 1, x >> 12 & 0xfff); break;
		default: w(x >> 8 & 1, x >> 12 & 0xff0, x * 11);
		}
	}
	fake_free(m);
}
END_TEST

int main(void)
{
	const struct fake_test tests[] = {
		{test_reset_values},
		{test_priorities},
		{test_errors},
		{test_ipi, ARRAY_SIZE(ipis)},
		{test_special_ipis},
		{test_lint},
		{test_absent},
		{test_timer_one_shot, 8},
		{test_timer_late, 5},
		{test_timer_periodic},
		{test_timer_backlog, 4},
		{test_timer_deadline},
		{test_x2apic_writes, ARRAY_SIZE(x2_writes)},
		{test_x2apic},
		{test_ioapic_registers},
		{test_ioapic_edge_and_level},
		{test_ioapic_destinations},
		{test_hostile},
	};

	return fake_run("apic", tests, ARRAY_SIZE(tests));
}

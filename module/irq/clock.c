// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The paravirtual clock and its relatives: MSRs 11h, 12h, 4b564d00h, 4b564d01h, 4b564d03h and 4b564d04h,
 * and the pages in guest memory that they name. Source: Linux, Documentation/virt/kvm/x86/{msr,cpuid,timekeeping}.rst.
 *
 * A guest's clock is the host's monotonic one plus vm->clock.offset. Where the host's TSC is good,
 * the clock follows the TSC from one reference point that all vCPUs share, and says that it is stable;
 * else each vCPU gets a new point whenever it comes to another CPU.
 */
#include "module/gm.h"
#include "module/irq/irq.h"

#include <linux/uaccess.h>
#include <asm/cpufeature.h>

#define MSR_WALL_OLD   0x11
#define MSR_SYSTEM_OLD 0x12
#define MSR_WALL       0x4b564d00
#define MSR_SYSTEM     0x4b564d01
#define MSR_STEAL      0x4b564d03
#define MSR_EOI        0x4b564d04

#define NS 1000000000ull

/* Layouts of the guest ABI. */
struct pv_time {
	u32 version;           /* odd while it is written */
	u32 pad0;
	u64 tsc;
	u64 ns;
	u32 mul;
	s8 shift;
	u8 flags;
	u8 pad[2];
};
#define PV_STABLE  1
#define PV_STOPPED 2

struct pv_wall {
	u32 version, sec, nsec;
};

struct pv_steal {
	u64 ns;
	u32 version;
	u32 flags;
	u8 preempted;
	u8 pad[47];
};

void gm_clock_init(struct gm_vm *vm)
{
	spin_lock_init(&vm->clock.lock);
	vm->clock.offset = -ktime_to_ns(ktime_get());
}

/* ---- the clock ---- */

static int host_tsc_good(void)
{
	return gm_tsc_stable();
}

static u64 real_ns(void)
{
	return ktime_to_ns(ktime_get_real());
}

/* Under clock_lock: a point of the guest's clock, and the host's TSC then. */
static void clock_point(struct gm_vm *vm, u64 *tsc, u64 *ns)
{
	unsigned long flags;

	local_irq_save(flags);
	*tsc = rdtsc();
	*ns = ktime_to_ns(ktime_get()) + vm->clock.offset;
	local_irq_restore(flags);
	if (!host_tsc_good())
		return;
	if (!vm->clock.ref_tsc) {
		vm->clock.ref_tsc = *tsc;
		vm->clock.ref_ns = *ns;
	}
	*tsc = vm->clock.ref_tsc;
	*ns = vm->clock.ref_ns;
}

/* ns = (ticks << shift) * mul >> 32 */
static void tsc_scale(u32 khz, u32 *mul, s8 *shift)
{
	u64 hz = (u64)khz * 1000;

	for (*shift = 0; hz > 2 * NS; hz >>= 1)
		--*shift;
	for (; hz <= NS; hz <<= 1)
		++*shift;
	*mul = div64_u64(NS << 32, hz);
}

static u64 ticks_to_ns(u64 ticks)
{
	u64 hz = (u64)gm_tsc_khz() * 1000, rest;
	u64 s = div64_u64_rem(ticks, hz, &rest);

	return s * NS + div64_u64(rest * NS, hz);
}

static u64 clock_now(struct gm_vm *vm)
{
	u64 tsc, ns;

	spin_lock(&vm->clock.lock);
	clock_point(vm, &tsc, &ns);
	spin_unlock(&vm->clock.lock);
	return host_tsc_good() ? ns + ticks_to_ns(rdtsc() - tsc) : ns;
}

/* ---- pages in the guest ---- */

static int guest_write(struct gm_vm *vm, u64 gpa, const void *buf, unsigned int len)
{
	const u8 *from = buf;
	unsigned int n;
	int ret = 0;

	for (; len && !ret; gpa += n, from += n, len -= n) {
		n = min_t(unsigned int, len, PAGE_SIZE - offset_in_page(gpa));
		ret = gm_mem_write(vm, gpa, from, n);
	}
	return ret;
}

static u32 guest_u32(struct gm_vm *vm, u64 gpa)
{
	u32 v = 0;

	gm_mem_read(vm, gpa, &v, sizeof(v));
	return v;
}

/* The version is odd while the rest is written. All addresses are multiples of 4. */
static void versioned_write(struct gm_vm *vm, u64 gpa, unsigned int at, void *buf, unsigned int len)
{
	u32 version = (guest_u32(vm, gpa + at) | 1) + 2;

	guest_write(vm, gpa + at, &version, 4);
	smp_wmb();
	memcpy((u8 *)buf + at, &version, 4);
	guest_write(vm, gpa, buf, len);
	smp_wmb();
	version++;
	guest_write(vm, gpa + at, &version, 4);
}

static void time_write(struct gm_vcpu *vcpu)
{
	struct gm_vm *vm = vcpu->vm;
	struct pv_time t;
	u64 tsc, ns;

	memset(&t, 0, sizeof(t));
	spin_lock(&vm->clock.lock);
	clock_point(vm, &tsc, &ns);
	spin_unlock(&vm->clock.lock);
	t.tsc = gm_tsc_scale(vcpu, tsc) + vcpu->tsc_offset;
	t.ns = ns;
	tsc_scale(vcpu->tsc_khz, &t.mul, &t.shift);
	/* Stable is what all vCPUs read alike: their counters must agree. */
	if (host_tsc_good() && vcpu->tsc_offset == vm->tsc_offset &&
	    !vm->clock.uneven)
		t.flags = PV_STABLE;
	if (vcpu->pv.stopped)
		t.flags |= PV_STOPPED;
	vcpu->pv.stopped = 0;
	versioned_write(vm, vcpu->pv.system & ~3ull, 0, &t, sizeof(t));
}

static void wall_write(struct gm_vm *vm, u64 gpa)
{
	u64 ns = real_ns() - clock_now(vm);
	struct pv_wall w;
	u32 rest;

	w.sec = div_u64_rem(ns, NS, &rest);
	w.nsec = rest;
	versioned_write(vm, gpa, 0, &w, sizeof(w));
}

/* Time that this thread waited for a CPU while it wanted to run. */
static void steal_write(struct gm_vcpu *vcpu, u64 delay)
{
	struct pv_steal s;

	memset(&s, 0, sizeof(s));
	gm_mem_read(vcpu->vm, (vcpu->pv.steal & ~63ull), &s.ns, sizeof(s.ns));
	s.ns += delay - vcpu->pv.delay;
	vcpu->pv.delay = delay;
	versioned_write(vcpu->vm, vcpu->pv.steal & ~63ull, offsetof(struct pv_steal, version), &s,
			offsetof(struct pv_steal, pad));
}

void gm_clock_service(struct gm_vcpu *vcpu)
{
	int cpu = raw_smp_processor_id();
	int write = test_and_clear_bit(GM_REQ_CLOCK, &vcpu->requests);
	u64 delay = gm_run_delay();
	int time = (vcpu->pv.system & 1) && (write || (!host_tsc_good() && cpu != vcpu->pv.cpu));
	int steal = (vcpu->pv.steal & 1) && delay != vcpu->pv.delay;

	vcpu->pv.cpu = cpu;
	if (!time && !steal)
		return;
	down_read(&vcpu->vm->slots_sem);
	if (time)
		time_write(vcpu);
	if (steal)
		steal_write(vcpu, delay);
	up_read(&vcpu->vm->slots_sem);
}

/* ---- MSRs ---- */

static u64 *msr_at(struct gm_vcpu *vcpu, u32 index)
{
	switch (index) {
	case MSR_SYSTEM_OLD: case MSR_SYSTEM:
		return &vcpu->pv.system;
	case MSR_WALL_OLD: case MSR_WALL:
		return &vcpu->vm->clock.wall;
	case MSR_STEAL:
		return &vcpu->pv.steal;
	case MSR_EOI:
		return &vcpu->pv.eoi; /* nothing comes of it without a local APIC in the kernel */
	}
	return NULL;
}

/* A register whose bit of leaf 0x40000001 the guest was not given, where the program wants that kept. */
static int msr_hidden(struct gm_vcpu *vcpu, u32 index)
{
	static const struct {
		u32 index;
		u8 bit;
	} announced[] = {
		{ MSR_SYSTEM_OLD, 0 }, { MSR_WALL_OLD, 0 }, { MSR_SYSTEM, 3 },
		{ MSR_WALL, 3 },       { MSR_STEAL, 5 },    { MSR_EOI, 6 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(announced); i++)
		if (announced[i].index == index)
			return vcpu->pv.enforce && !(vcpu->pv.announced >> announced[i].bit & 1);
	return 0;
}

int gm_clock_msr_get(struct gm_vcpu *vcpu, u32 index, u64 *val, int host)
{
	u64 *p = msr_at(vcpu, index);

	if (!p)
		return -ENOENT;
	if (!host && msr_hidden(vcpu, index))
		return -EINVAL;
	*val = *p;
	return 0;
}

int gm_clock_msr_set(struct gm_vcpu *vcpu, u32 index, u64 val, int host)
{
	u64 *p = msr_at(vcpu, index);

	if (!p)
		return -ENOENT;
	if (!host && msr_hidden(vcpu, index))
		return -EINVAL;
	if (p == &vcpu->pv.steal && (val & 0x3e))
		return -EINVAL;
	if (p == &vcpu->vm->clock.wall) {
		*p = val;
		if (!val) /* QEMU writes that at a reset: nothing is asked for, least of all at address 0 */
			return 0;
		down_read(&vcpu->vm->slots_sem);
		wall_write(vcpu->vm, val & ~3ull);
		up_read(&vcpu->vm->slots_sem);
		return 0;
	}
	if (p == &vcpu->pv.eoi && (val & 2))
		return -EINVAL;
	*p = val;
	vcpu->pv.delay = gm_run_delay();
	set_bit(GM_REQ_CLOCK, &vcpu->requests);
	return 0;
}

/* A vCPU's counter was moved. */
void gm_clock_tsc_moved(struct gm_vcpu *vcpu, int by_guest)
{
	if (by_guest)
		WRITE_ONCE(vcpu->vm->clock.uneven, 1);
	set_bit(GM_REQ_CLOCK, &vcpu->requests);
}

/* ---- ioctls ---- */

static void all_write(struct gm_vm *vm)
{
	unsigned int i;

	mutex_lock(&vm->lock);
	for (i = 0; i < GM_MAX_VCPUS; i++)
		if (vm->vcpus[i])
			gm_vcpu_request(vm->vcpus[i], GM_REQ_CLOCK);
	mutex_unlock(&vm->lock);
}

static long set_clock(struct gm_vm *vm, const struct gm_clock_data __user *arg)
{
	struct gm_clock_data d;
	s64 diff;

	if (copy_from_user(&d, arg, sizeof(d)))
		return -EFAULT;
	if (d.flags & ~(GM_CLOCK_TSC_STABLE | GM_CLOCK_REALTIME | GM_CLOCK_HOST_TSC))
		return -EINVAL;
	/* Saved at a known time: what has passed since counts. */
	diff = real_ns() - d.realtime;
	if ((d.flags & GM_CLOCK_REALTIME) && diff > 0)
		d.clock += diff;
	spin_lock(&vm->clock.lock);
	vm->clock.offset = d.clock - ktime_to_ns(ktime_get());
	vm->clock.ref_tsc = 0;
	spin_unlock(&vm->clock.lock);
	all_write(vm);
	return 0;
}

static long get_clock(struct gm_vm *vm, struct gm_clock_data __user *arg)
{
	struct gm_clock_data d;

	memset(&d, 0, sizeof(d));
	d.clock = clock_now(vm);
	d.realtime = real_ns();
	d.host_tsc = rdtsc();
	d.flags = GM_CLOCK_REALTIME | GM_CLOCK_HOST_TSC;
	if (host_tsc_good() && !vm->clock.uneven)
		d.flags |= GM_CLOCK_TSC_STABLE;
	return copy_to_user(arg, &d, sizeof(d)) ? -EFAULT : 0;
}

long gm_clock_ioctl(struct gm_vm *vm, unsigned int cmd, void __user *arg)
{
	switch (cmd) {
	case GM_SET_CLOCK:
		return set_clock(vm, arg);
	case GM_GET_CLOCK:
		return get_clock(vm, arg);
	}
	return -ENOTTY;
}

/* The program says that the guest was stopped: it will not take that for a hang. */
int gm_clock_stopped(struct gm_vcpu *vcpu)
{
	if (!(vcpu->pv.system & 1))
		return -EINVAL;
	vcpu->pv.stopped = 1;
	gm_vcpu_request(vcpu, GM_REQ_CLOCK);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* The ABI's numbers, memory slots, signals, state ioctls, hostile arguments. */
#include "test/rig/rig.h"

#include <errno.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/* The same numbers and layouts as the ABI's first implementation. */
#define SAME(a, b) _Static_assert((a) == (b), #a)
SAME(GM_GET_API_VERSION, KVM_GET_API_VERSION);
SAME(GM_CREATE_VM, KVM_CREATE_VM);
SAME(GM_GET_MSR_INDEX_LIST, KVM_GET_MSR_INDEX_LIST);
SAME(GM_CHECK_EXTENSION, KVM_CHECK_EXTENSION);
SAME(GM_GET_VCPU_MMAP_SIZE, KVM_GET_VCPU_MMAP_SIZE);
SAME(GM_GET_SUPPORTED_CPUID, KVM_GET_SUPPORTED_CPUID);
SAME(GM_CREATE_VCPU, KVM_CREATE_VCPU);
SAME(GM_SET_USER_MEMORY_REGION, KVM_SET_USER_MEMORY_REGION);
SAME(GM_GET_DIRTY_LOG, KVM_GET_DIRTY_LOG);
SAME(GM_SET_TSS_ADDR, KVM_SET_TSS_ADDR);
SAME(GM_SET_IDENTITY_MAP_ADDR, KVM_SET_IDENTITY_MAP_ADDR);
SAME(GM_RUN, KVM_RUN);
SAME(GM_GET_REGS, KVM_GET_REGS);
SAME(GM_SET_REGS, KVM_SET_REGS);
SAME(GM_GET_SREGS, KVM_GET_SREGS);
SAME(GM_SET_SREGS, KVM_SET_SREGS);
SAME(GM_INTERRUPT, KVM_INTERRUPT);
SAME(GM_GET_MSRS, KVM_GET_MSRS);
SAME(GM_SET_MSRS, KVM_SET_MSRS);
SAME(GM_SET_SIGNAL_MASK, KVM_SET_SIGNAL_MASK);
SAME(GM_GET_FPU, KVM_GET_FPU);
SAME(GM_SET_FPU, KVM_SET_FPU);
SAME(GM_SET_CPUID2, KVM_SET_CPUID2);
SAME(GM_GET_CPUID2, KVM_GET_CPUID2);
SAME(GM_GET_MP_STATE, KVM_GET_MP_STATE);
SAME(GM_SET_MP_STATE, KVM_SET_MP_STATE);
SAME(GM_NMI, KVM_NMI);
SAME(GM_GET_VCPU_EVENTS, KVM_GET_VCPU_EVENTS);
SAME(GM_SET_VCPU_EVENTS, KVM_SET_VCPU_EVENTS);
SAME(GM_GET_DEBUGREGS, KVM_GET_DEBUGREGS);
SAME(GM_SET_DEBUGREGS, KVM_SET_DEBUGREGS);
SAME(GM_GET_TSC_KHZ, KVM_GET_TSC_KHZ);
SAME(GM_GET_XSAVE, KVM_GET_XSAVE);
SAME(GM_SET_XSAVE, KVM_SET_XSAVE);
SAME(GM_GET_XCRS, KVM_GET_XCRS);
SAME(GM_SET_XCRS, KVM_SET_XCRS);
SAME(sizeof(struct gm_run), sizeof(struct kvm_run));
SAME(__builtin_offsetof(struct gm_run, apic_base), __builtin_offsetof(struct kvm_run, apic_base));
SAME(__builtin_offsetof(struct gm_run, io), __builtin_offsetof(struct kvm_run, io));
SAME(__builtin_offsetof(struct gm_run, mmio.len), __builtin_offsetof(struct kvm_run, mmio.len));
SAME(__builtin_offsetof(struct gm_sregs, cr0), __builtin_offsetof(struct kvm_sregs, cr0));
SAME(__builtin_offsetof(struct gm_fpu, mxcsr), __builtin_offsetof(struct kvm_fpu, mxcsr));
SAME(sizeof(struct gm_cpuid_entry), sizeof(struct kvm_cpuid_entry2));

static int test_version(struct guest *g)
{
	CHECK(ioctl(g->dev, GM_GET_API_VERSION, 0) == 12);
	CHECK(ioctl(g->dev, GM_GET_API_VERSION, 1) == -1 && errno == EINVAL);
	CHECK(ioctl(g->dev, GM_CHECK_EXTENSION, GM_CAP_USER_MEMORY) == 1);
	CHECK(ioctl(g->dev, GM_CHECK_EXTENSION, KVM_CAP_SPLIT_IRQCHIP) == 0);
	CHECK(ioctl(g->vm, GM_CHECK_EXTENSION, GM_CAP_READONLY_MEM) == 1);
	CHECK(ioctl(g->vm, KVM_SET_TSS_ADDR + 0x30, 0) == -1 && errno == ENOTTY);
	CHECK(ioctl(g->vcpu, 0xae00 + 250, 0) == -1 && errno == ENOTTY);
	return 0;
}

GUEST_CODE(load_store, 32, "1: mov 0x400000, %eax; mov %eax, 0x400010; hlt; jmp 1b");

/* A read-only slot reads as memory; its write, and all when it is gone, go to the program. */
static int test_slots(struct guest *g)
{
	uint8_t *rom = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(rom != MAP_FAILED);
	memcpy(rom, "ROMS", 4);
	CHECK(guest_slot(g, 3, GM_MEM_READONLY, 0x400000, 4096, rom) == 0);
	CHECK(guest_slot(g, 4, 0, 0x400000, 4096, rom) == -EEXIST);
	CHECK(guest_prot(g, load_store, load_store_end) == 0);
	CHECK(guest_run(g) == GM_EXIT_MMIO && g->run->mmio.is_write);
	CHECK(g->run->mmio.phys_addr == 0x400010 && !memcmp(g->run->mmio.data, "ROMS", 4));
	CHECK(guest_run(g) == GM_EXIT_HLT);
	/* Of a slot that goes, the address does not count: this one is in another slot. */
	CHECK(guest_slot(g, 3, 0, 0x1000, 0, rom) == 0);
	CHECK(guest_run(g) == GM_EXIT_MMIO && !g->run->mmio.is_write);
	memcpy(g->run->mmio.data, "\1\2\3\4", 4);
	CHECK(guest_run(g) == GM_EXIT_MMIO && g->run->mmio.is_write);
	/* Now writable, and moved there from elsewhere. */
	CHECK(guest_slot(g, 3, 0, 0x800000, 8192, rom) == 0);
	CHECK(guest_slot(g, 3, 0, 0x400000, 8192, rom) == 0);
	CHECK(guest_run(g) == GM_EXIT_HLT);
	CHECK(guest_run(g) == GM_EXIT_HLT);
	CHECK(memcmp(rom + 16, "ROMS", 4) == 0);
	munmap(rom, 8192);
	return 0;
}

/* What a process does to its memory is what the guest meets. */
static int test_unmap(struct guest *g)
{
	uint8_t *p = g->mem + DATA;

	if (!ioctl(g->dev, GM_CHECK_EXTENSION, GM_CAP_SYNC_MMU))
		test_skip("guest memory is pinned on this kernel");
	memcpy(p, "old", 4);
	CHECK(guest_prot(g, load_store, load_store_end) == 0);
	CHECK(guest_slot(g, 3, 0, 0x400000, 4096, p) == 0);
	CHECK(guest_run(g) == GM_EXIT_HLT);
	CHECK(munmap(p, 4096) == 0);
	CHECK(guest_run(g) == -EFAULT);
	CHECK(mmap(p, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p);
	memcpy(p, "new", 4);
	CHECK(guest_run(g) == GM_EXIT_HLT);
	CHECK(memcmp(p + 16, "new", 4) == 0);
	return 0;
}

static int test_dirty_log(struct guest *g)
{
	uint8_t *p = mmap(NULL, 0x10000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t bits = 0;
	struct gm_dirty_log log = { .slot = 3, .bitmap = (uintptr_t)&bits };

	CHECK(guest_prot(g, load_store, load_store_end) == 0);
	CHECK(guest_slot(g, 3, 0, 0x3f8000, 0x10000, p) == 0);
	CHECK(ioctl(g->vm, GM_GET_DIRTY_LOG, &log) == -1 && errno == ENOENT);
	CHECK(guest_run(g) == GM_EXIT_HLT);
	CHECK(guest_slot(g, 3, GM_MEM_LOG_DIRTY, 0x3f8000, 0x10000, p) == 0);
	CHECK(ioctl(g->vm, GM_GET_DIRTY_LOG, &log) == 0 && bits == 0);
	CHECK(guest_run(g) == GM_EXIT_HLT);
	CHECK(ioctl(g->vm, GM_GET_DIRTY_LOG, &log) == 0 && bits == 1 << 8);
	CHECK(ioctl(g->vm, GM_GET_DIRTY_LOG, &log) == 0 && bits == 0);
	CHECK(guest_run(g) == GM_EXIT_HLT);
	CHECK(guest_slot(g, 5, 0, 0x1000000, 0x1000, p) == 0);
	CHECK(guest_slot(g, 5, 0, 0x1000000, 0, p) == 0); /* forgets all mappings */
	CHECK(ioctl(g->vm, GM_GET_DIRTY_LOG, &log) == 0 && bits == 1 << 8);
	return 0;
}

GUEST_CODE(spin_off, 16, "cli; 1: jmp 1b");
GUEST_CODE(spin, 64, "1: incq 0x7000; jmp 1b");

static void on_alarm(int sig)
{
	(void)sig;
}

static int test_signal(struct guest *g)
{
	struct itimerval t = { .it_value.tv_usec = 50000 };
	struct sigaction sa = { .sa_handler = on_alarm };

	sigaction(SIGALRM, &sa, NULL);
	CHECK(guest_long(g, spin, spin_end) == 0);
	setitimer(ITIMER_REAL, &t, NULL);
	CHECK(guest_run(g) == -EINTR);
	CHECK(g->run->exit_reason == GM_EXIT_INTR && *(uint64_t *)(g->mem + 0x7000) > 100);
	g->run->immediate_exit = 1;
	CHECK(guest_run(g) == -EINTR);
	return 0;
}

static volatile sig_atomic_t last_signal;

static void on_timer(int sig)
{
	last_signal = sig;
}

/*
 * Linux sends a timer of CPU time (ITIMER_PROF, RLIMIT_CPU) from the way back to user mode, which a guest
 * that needs nobody never takes. The other timer is there to fail with.
 */
static int test_cpu_timer(struct guest *g)
{
	struct itimerval cpu = { .it_value.tv_usec = 50000 }, real = { .it_value.tv_sec = 30 }, none = { 0 };
	struct sigaction sa = { .sa_handler = on_timer };
	int ret;

	last_signal = 0;
	sigaction(SIGPROF, &sa, NULL);
	sigaction(SIGALRM, &sa, NULL);
	CHECK(guest_long(g, spin, spin_end) == 0);
	setitimer(ITIMER_REAL, &real, NULL);
	setitimer(ITIMER_PROF, &cpu, NULL);
	ret = guest_run(g);
	setitimer(ITIMER_REAL, &none, NULL);
	CHECK(ret == -EINTR && last_signal == SIGPROF && g->run->exit_reason == GM_EXIT_INTR);
	return 0;
}

/*
 * What the CPU would refuse at entry is refused before, whatever CPUID says; what is taken runs, and ends by
 * the host's interrupts though the guest has its own off.
 */
static int test_refused(struct guest *g)
{
	struct itimerval t = { .it_value.tv_usec = 10000 };
	struct sigaction sa = { .sa_handler = on_alarm };
	struct {
		struct gm_cpuid2 head;
		struct gm_cpuid_entry e[2];
	} all = { .head.nent = 2 };
	struct gm_sregs s;
	unsigned int i;

	sigaction(SIGALRM, &sa, NULL);
	CHECK(guest_real(g, spin_off, spin_off_end) == 0);
	for (i = 0; i < 2; i++)
		all.e[i] = (struct gm_cpuid_entry){ .function = i * 6 + 1, .ecx = ~0u, .edx = ~0u, .ebx = ~0u };
	CHECK(ioctl(g->vcpu, GM_SET_CPUID2, &all) == 0);
	CHECK(ioctl(g->vcpu, GM_GET_SREGS, &s) == 0);
	for (i = 0; i < 64; i++) {
		s.cr3 = 0;
		s.cr4 = i < 32 ? 1ull << i : 0;
		CHECK(ioctl(g->vcpu, GM_SET_SREGS, &s) == 0 || i > 10);
		setitimer(ITIMER_REAL, &t, NULL);
		CHECK(guest_run(g) == -EINTR);
		s.cr3 = 1ull << i;
		if (ioctl(g->vcpu, GM_SET_SREGS, &s))
			continue;
		CHECK(i < 52);
		setitimer(ITIMER_REAL, &t, NULL);
		CHECK(guest_run(g) == -EINTR);
	}
	return 0;
}

GUEST_CODE(fpu, 64, "movups %xmm3, 0x7000; fld1; movups 0x7010, %xmm5; mov $1, %eax; cpuid; mov %ecx, %esi;"
		    "mov $0x80000000, %eax; cpuid; hlt");

static int test_fpu(struct guest *g)
{
	struct gm_xsave x, y;
	struct gm_sregs s;
	struct gm_regs r;
	uint8_t *b = (uint8_t *)&x;

	CHECK(guest_long(g, fpu, fpu_end) == 0);
	CHECK(ioctl(g->vcpu, GM_GET_SREGS, &s) == 0);
	s.cr4 |= 0x200;
	CHECK(ioctl(g->vcpu, GM_SET_SREGS, &s) == 0);
	CHECK(ioctl(g->vcpu, GM_GET_XSAVE, &x) == 0);
	memcpy(b + 160 + 3 * 16, "the third of XMM", 16);
	CHECK(ioctl(g->vcpu, GM_SET_XSAVE, &x) == 0);
	memcpy(g->mem + 0x7010, "and the fifth...", 16);
	CHECK(guest_run(g) == GM_EXIT_HLT);
	CHECK(memcmp(g->mem + 0x7000, "the third of XMM", 16) == 0);
	CHECK(ioctl(g->vcpu, GM_GET_XSAVE, &y) == 0);
	CHECK(memcmp((uint8_t *)&y + 160 + 5 * 16, "and the fifth...", 16) == 0);
	CHECK(((uint8_t *)&y)[32 + 9] == 0x3f && ((uint8_t *)&y)[32 + 7] == 0x80);
	CHECK(ioctl(g->vcpu, GM_GET_REGS, &r) == 0);
	CHECK(r.rax >= 0x80000008 && (r.rsi & 1) && !(r.rsi & 1u << 27));
	/* What XRSTOR would fault on. */
	x.region[128] = 0xffffffff;
	CHECK(ioctl(g->vcpu, GM_SET_XSAVE, &x) == -1 && errno == EINVAL);
	x.region[128] = 3;
	x.region[130] = 1;
	CHECK(ioctl(g->vcpu, GM_SET_XSAVE, &x) == -1 && errno == EINVAL);
	x.region[130] = 0;
	x.region[6] = 0xffffffff;
	CHECK(ioctl(g->vcpu, GM_SET_XSAVE, &x) == -1 && errno == EINVAL);
	return 0;
}

static int test_round_trip(struct guest *g)
{
	struct gm_sregs s, s2;
	struct gm_regs r, r2;
	struct gm_vcpu_events e, e2;
	struct gm_debugregs d, d2;
	struct {
		struct gm_msrs h;
		struct gm_msr_entry e[2];
	} m = { .h.nmsrs = 2, .e = { { .index = 0xc0000082, .data = 0x123456 },
				     { .index = 0xc0000102, .data = 0xffff800000001000 } } };

	CHECK(guest_long(g, spin, spin_end) == 0);
	CHECK(ioctl(g->vcpu, GM_GET_SREGS, &s) == 0 && ioctl(g->vcpu, GM_SET_SREGS, &s) == 0);
	CHECK(ioctl(g->vcpu, GM_GET_SREGS, &s2) == 0 && !memcmp(&s, &s2, sizeof(s)));
	memset(&r, 0x5a, sizeof(r));
	r.rflags = 0x246;
	CHECK(ioctl(g->vcpu, GM_SET_REGS, &r) == 0 && ioctl(g->vcpu, GM_GET_REGS, &r2) == 0);
	CHECK(!memcmp(&r, &r2, sizeof(r)));
	CHECK(ioctl(g->vcpu, GM_GET_VCPU_EVENTS, &e) == 0);
	e.nmi.pending = e.nmi.masked = e.interrupt.shadow = 1;
	CHECK(ioctl(g->vcpu, GM_SET_VCPU_EVENTS, &e) == 0);
	CHECK(ioctl(g->vcpu, GM_GET_VCPU_EVENTS, &e2) == 0 && !memcmp(&e, &e2, sizeof(e)));
	CHECK(ioctl(g->vcpu, GM_GET_DEBUGREGS, &d) == 0);
	d.db[2] = 0x1234;
	CHECK(ioctl(g->vcpu, GM_SET_DEBUGREGS, &d) == 0);
	CHECK(ioctl(g->vcpu, GM_GET_DEBUGREGS, &d2) == 0 && !memcmp(&d, &d2, sizeof(d)));
	CHECK(ioctl(g->vcpu, GM_SET_MSRS, &m) == 2);
	m.e[0].data = m.e[1].data = 0;
	CHECK(ioctl(g->vcpu, GM_GET_MSRS, &m) == 2);
	CHECK(m.e[0].data == 0x123456 && m.e[1].data == 0xffff800000001000);
	m.e[1].data = 0x0080000000000000; /* not canonical */
	CHECK(ioctl(g->vcpu, GM_SET_MSRS, &m) == 1);
	return 0;
}

static int test_hostile(struct guest *g)
{
	struct gm_sregs s;
	uint32_t nr, size;
	pid_t pid;
	int status;

	CHECK(guest_slot(g, 64, 0, 0x400000, 4096, g->mem) == -EINVAL);
	CHECK(guest_slot(g, 5, 8, 0x400000, 4096, g->mem) == -EINVAL);
	CHECK(guest_slot(g, 5, 0, 0x400001, 4096, g->mem) == -EINVAL);
	CHECK(guest_slot(g, 5, 0, 0x400000, 4096, g->mem + 1) == -EINVAL);
	CHECK(guest_slot(g, 5, 0, ~0ull << 12, 8192, g->mem) == -EINVAL);
	CHECK(guest_slot(g, 5, 0, 0x400000, ~0ull << 12, g->mem) == -EINVAL);
	CHECK(guest_slot(g, 5, 0, 0x400000, 4096, (void *)(~0ul << 12)) == -EINVAL);
	CHECK(guest_slot(g, 5, 0, 0x400000, 0, g->mem) == -EINVAL);
	/* All addresses of a 32-bit host, the kernel's among them. */
	CHECK(sizeof(long) == 8 || guest_slot(g, 5, 0, 1ull << 32, 1ull << 32, NULL) == -EINVAL);
	CHECK(ioctl(g->vm, GM_CREATE_VCPU, 0) == -1 && errno == EEXIST);
	CHECK(ioctl(g->vm, GM_CREATE_VCPU, 64) == -1 && errno == EINVAL);
	CHECK(ioctl(g->vcpu, GM_GET_SREGS, &s) == 0);
	s.cr4 = ~0ull;
	CHECK(ioctl(g->vcpu, GM_SET_SREGS, &s) == -1 && errno == EINVAL);
	s.cr4 = 0;
	s.efer = 0x1000;
	CHECK(ioctl(g->vcpu, GM_SET_SREGS, &s) == -1 && errno == EINVAL);
	for (nr = 0; nr < 256; nr++)
		for (size = 0; size < 1024; size += size ? size : 8) {
			if (nr == 0x80)
				continue;
			ioctl(g->vcpu, _IOC(_IOC_READ | _IOC_WRITE, GM_IO, nr, size), 16);
			ioctl(g->vcpu, _IOC(_IOC_WRITE, GM_IO, nr, size), 16);
			ioctl(g->vm, _IOC(_IOC_WRITE, GM_IO, nr, size), 16);
		}
	/* Another process has no business with this VM. */
	pid = fork();
	if (pid == 0)
		_exit(ioctl(g->vcpu, GM_GET_SREGS, &s) == -1 && errno == EIO &&
		      guest_slot(g, 5, 0, 0x400000, 4096, g->mem) == -EIO ? 0 : 1);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	return 0;
}

/* Registers full of rubbish: any exit will do, as long as the host lives. */
static int test_random_state(struct guest *g)
{
	struct gm_sregs s;
	struct gm_regs r;
	unsigned int i, k;

	srandom(1);
	CHECK(ioctl(g->vcpu, GM_GET_SREGS, &s) == 0);
	for (i = 0; i < 300; i++) {
		uint8_t *b = (uint8_t *)&s;

		for (k = 0; k < __builtin_offsetof(struct gm_sregs, gdt); k++)
			if (random() % 3 == 0)
				b[k] = random();
		s.cr0 = random() & 1 ? 0x11 : 0x10;
		s.cr3 = random();
		s.cs.l = 0;
		for (k = 0; k < sizeof(r); k++)
			((uint8_t *)&r)[k] = random();
		r.rip &= 0xfffff;
		for (k = 0; k < MEM_SIZE; k += 97)
			g->mem[k] = random();
		CHECK(ioctl(g->vcpu, GM_SET_SREGS, &s) == 0);
		CHECK(ioctl(g->vcpu, GM_SET_REGS, &r) == 0);
		for (k = 0; k < 5; k++) {
			struct itimerval t = { .it_value.tv_usec = 3000 };
			int ret;

			setitimer(ITIMER_REAL, &t, NULL);
			ret = guest_run(g);
			CHECK(ret > 0 || ret == -EINTR);
			if (ret != GM_EXIT_IO && ret != GM_EXIT_MMIO)
				break;
		}
	}
	return 0;
}

const struct test tests_state[] = {
	{ "version, capabilities, unknown ioctls", test_version },
	{ "memory slots: read-only, delete, move", test_slots },
	{ "memory unmapped under the guest", test_unmap },
	{ "dirty log", test_dirty_log },
	{ "a signal ends RUN", test_signal },
	{ "a signal of a timer of CPU time", test_cpu_timer },
	{ "refused registers, and a signal", test_refused },
	{ "FPU state, CPUID", test_fpu },
	{ "registers survive set and get", test_round_trip },
	{ "hostile arguments", test_hostile },
	{ "random state", test_random_state },
	{ NULL, NULL },
};

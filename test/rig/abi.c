// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What programs that were made for the KVM ABI use besides plain running: debugging, registers in the
 * shared page, hypercalls, MSRs and CPUID. The same on our device and on in-tree KVM's.
 */
#include "test/rig/rig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int debug_set(struct guest *g, uint32_t control, uint64_t db0, uint64_t dr7)
{
	struct gm_guest_debug d = { .control = control, .debugreg = { db0, [7] = dr7 } };

	return ioctl(g->vcpu, GM_SET_GUEST_DEBUG, &d);
}

/* At CODE: 0 nop, 1 cpuid, 3 out, 5 nop, 6 int3, 7 nop, 8 hlt */
GUEST_CODE(steps, 32, "nop; cpuid; out %al, $0x10; nop; int3; nop; hlt");

static int test_step(struct guest *g)
{
	static const uint64_t at[] = { CODE + 1, CODE + 3 };
	struct gm_regs r;
	unsigned int i;

	CHECK(guest_prot(g, steps, steps_end) == 0);
	CHECK(debug_set(g, GM_DEBUG_ENABLE | GM_DEBUG_STEP, 0, 0) == 0);
	for (i = 0; i < 2; i++) {
		CHECK(guest_run(g) == GM_EXIT_DEBUG);
		CHECK(g->run->debug.pc == at[i] && g->run->debug.exception == 1);
		CHECK(g->run->debug.dr6 & 0x4000);
	}
	CHECK(ioctl(g->vcpu, GM_GET_REGS, &r) == 0 && !(r.rflags & 0x100));
	CHECK(debug_set(g, 0, 0, 0) == 0);
	CHECK(ioctl(g->dev, GM_CHECK_EXTENSION, GM_CAP_ROBUST_SINGLESTEP) == 1);
	CHECK(guest_run(g) == GM_EXIT_IO && g->run->io.port == 0x10);
	return 0;
}

/*
 * A step may end behind the next instruction in the shadows of STI and MOV SS.
 * At CODE: 0 sti, 1 nop, 2 mov, 4 mov, 6 nop, 7 hlt
 */
GUEST_CODE(shadows, 16, "sti; nop; mov %ss, %ax; mov %ax, %ss; nop; hlt");

static int test_step_shadow(struct guest *g)
{
	struct gm_regs r;
	unsigned int i;

	CHECK(guest_real(g, shadows, shadows_end) == 0);
	for (i = 0; i < 10; i++) {
		CHECK(debug_set(g, GM_DEBUG_ENABLE | GM_DEBUG_STEP, 0, 0) == 0);
		CHECK(guest_expect(g, GM_EXIT_DEBUG) == 0);
		CHECK(ioctl(g->vcpu, GM_GET_REGS, &r) == 0 && !(r.rflags & 0x100));
		if (r.rip == CODE + 7)
			break;
	}
	CHECK(i >= 2 && i <= 4);
	return 0;
}

/* QEMU 7.2's emulated CPU does not switch breakpoints at VMRUN and has no intercepts of INT3 and XSETBV. */
static int is_tcg(void)
{
	uint32_t a, b, c, d;

	__asm__("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(0x40000000), "c"(0));
	return b == 0x54474354;
}

static int test_hw_breakpoint(struct guest *g)
{
	struct gm_debugregs d;

	if (is_tcg())
		return 0;
	CHECK(guest_prot(g, steps, steps_end) == 0);
	CHECK(debug_set(g, GM_DEBUG_ENABLE | GM_DEBUG_HW_BP, CODE + 5, 0x402) == 0);
	CHECK(guest_run(g) == GM_EXIT_IO);
	CHECK(guest_run(g) == GM_EXIT_DEBUG && g->run->debug.pc == CODE + 5);
	CHECK((g->run->debug.dr6 & 0xf) == 1 && g->run->debug.exception == 1);
	CHECK(ioctl(g->vcpu, GM_GET_DEBUGREGS, &d) == 0);
	CHECK(!d.db[0] && (d.dr7 & 0xff) == 0 && !(d.dr6 & 0xf));
	return 0;
}

static int test_sw_breakpoint(struct guest *g)
{
	if (is_tcg())
		return 0;
	CHECK(guest_prot(g, steps, steps_end) == 0);
	CHECK(guest_run(g) == GM_EXIT_IO);
	CHECK(debug_set(g, GM_DEBUG_ENABLE | GM_DEBUG_SW_BP, 0, 0) == 0);
	CHECK(guest_run(g) == GM_EXIT_DEBUG && g->run->debug.pc == CODE + 6);
	CHECK(g->run->debug.exception == 3);
	CHECK(debug_set(g, 0x80000000u, 0, 0) == -1 && errno == EINVAL);
	return 0;
}

/* A program with breakpoints met one of the guest's own, and gives it to the guest. */
GUEST_CODE(own_int3, 16, "movw $0x1000 + 2f - own_int3, 0xc; movw $0, 0xe; hlt; int3; hlt; 2: incb 0x7000; iret");

static int test_inject_int3(struct guest *g)
{
	CHECK(guest_real(g, own_int3, own_int3_end) == 0);
	CHECK(guest_run(g) == GM_EXIT_HLT);
	CHECK(debug_set(g, GM_DEBUG_ENABLE | GM_DEBUG_SW_BP | GM_DEBUG_INJECT_BP, 0, 0) == 0);
	CHECK(guest_run(g) == GM_EXIT_HLT && g->mem[0x7000] == 1);
	return 0;
}

GUEST_CODE(sync_code, 32, "out %al, $0x10; add $1, %ebx; out %al, $0x11; hlt");

static int test_sync(struct guest *g)
{
	struct gm_sync_regs *s = (void *)g->run->sync_regs;

	CHECK(guest_prot(g, sync_code, sync_code_end) == 0);
	g->run->valid_regs = 8;
	CHECK(guest_run(g) == -EINVAL);
	g->run->valid_regs = GM_SYNC_REGS | GM_SYNC_SREGS;
	CHECK(guest_run(g) == GM_EXIT_IO);
	CHECK(s->regs.rip == CODE + 2 || s->regs.rip == CODE);
	CHECK(s->sregs.cr0 & 1);
	s->regs.rbx = 41;
	g->run->dirty_regs = GM_SYNC_REGS;
	CHECK(guest_run(g) == GM_EXIT_IO && g->run->io.port == 0x11);
	CHECK(s->regs.rbx == 42 && !g->run->dirty_regs);
	s->sregs.cr0 = 0x80000000;
	g->run->dirty_regs = GM_SYNC_SREGS;
	CHECK(guest_run(g) == -EINVAL);
	g->run->valid_regs = g->run->dirty_regs = 0;
	return 0;
}

GUEST_CODE(calls, 32, "mov $-1, %eax; vmcall; mov %eax, 0x7000; mov $-1, %eax; vmmcall; mov %eax, 0x7004; hlt");

static int test_hypercall(struct guest *g)
{
	CHECK(guest_prot(g, calls, calls_end) == 0);
	CHECK(guest_run(g) == GM_EXIT_HLT);
	CHECK(*(int32_t *)(g->mem + 0x7000) == -1000 && *(int32_t *)(g->mem + 0x7004) == -1000);
	return 0;
}

static int test_translate(struct guest *g)
{
	struct gm_translation t = { .linear_address = 0x123456 };

	CHECK(guest_long(g, calls, calls_end) == 0);
	CHECK(ioctl(g->vcpu, GM_TRANSLATE, &t) == 0);
	CHECK(t.valid && t.physical_address == 0x123456);
	t.linear_address = 0x8000000000ull;
	CHECK(ioctl(g->vcpu, GM_TRANSLATE, &t) == 0);
	CHECK(!t.valid);
	return 0;
}

/* A register of a leaf of what guests can be offered; 0 where it is not there. */
static uint32_t offered(struct guest *g, uint32_t leaf, uint32_t index, unsigned int reg)
{
	struct gm_cpuid2 *c = calloc(1, sizeof(*c) + 128 * sizeof(c->entries[0]));
	uint32_t ret = 0;
	unsigned int i;

	if (!c)
		return 0;
	c->nent = 128;
	if (ioctl(g->dev, GM_GET_SUPPORTED_CPUID, c) == 0)
		for (i = 0; i < c->nent; i++) {
			const struct gm_cpuid_entry *e = &c->entries[i];
			const uint32_t v[4] = { e->eax, e->ebx, e->ecx, e->edx };

			if (e->function == leaf && e->index == index)
				ret = v[reg];
		}
	free(c);
	return ret;
}

/* A bit of index 0; reg: 0 EAX to 3 EDX. */
static int offers(struct guest *g, uint32_t leaf, unsigned int reg, unsigned int bit)
{
	return offered(g, leaf, 0, reg) >> bit & 1;
}

/* Write TSC_AUX, read it by RDTSCP. */
GUEST_CODE(tsc_code, 64, "1: rdtsc; shl $32, %rdx; or %rdx, %rax; hlt; jmp 1b");

static uint64_t host_tsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return lo | (uint64_t)hi << 32;
}

/* The guest's counter at half the host's rate; the readings of the host's on both sides give the bounds. */
static int test_tsc_rate(struct guest *g)
{
	struct gm_device_attr a = { .group = GM_VCPU_TSC_CTRL, .attr = GM_VCPU_TSC_OFFSET };
	uint64_t host[4], guest[2];
	struct gm_regs r;
	int khz = ioctl(g->vcpu, GM_GET_TSC_KHZ, 0), i;

	a.addr = (uintptr_t)&guest[0];
	CHECK(ioctl(g->vcpu, GM_GET_DEVICE_ATTR, &a) == 0);
	guest[0] += 1ull << 40;
	CHECK(ioctl(g->vcpu, GM_SET_DEVICE_ATTR, &a) == 0);
	a.addr = (uintptr_t)&guest[1];
	CHECK(ioctl(g->vcpu, GM_GET_DEVICE_ATTR, &a) == 0 && guest[1] == guest[0]);
	a.attr = 1;
	CHECK(ioctl(g->vcpu, GM_HAS_DEVICE_ATTR, &a) == -1 && errno == ENXIO);
	CHECK(khz > 0 && ioctl(g->vcpu, GM_SET_TSC_KHZ, 0) == 0);
	CHECK(ioctl(g->vcpu, GM_SET_TSC_KHZ, 1) == -1 && errno == EINVAL);
	if (ioctl(g->dev, GM_CHECK_EXTENSION, GM_CAP_TSC_CONTROL) <= 0) {
		CHECK(ioctl(g->vcpu, GM_SET_TSC_KHZ, khz / 2) == -1 && errno == EINVAL);
		printf("    this CPU has no TSC scaling\n");
		return 0;
	}
	CHECK(ioctl(g->vcpu, GM_SET_TSC_KHZ, khz / 2) == 0);
	CHECK(ioctl(g->vcpu, GM_GET_TSC_KHZ, 0) == khz / 2);
	CHECK(guest_long(g, tsc_code, tsc_code_end) == 0);
	for (i = 0; i < 2; i++) {
		host[2 * i] = host_tsc();
		CHECK(guest_run(g) == GM_EXIT_HLT);
		host[2 * i + 1] = host_tsc();
		CHECK(ioctl(g->vcpu, GM_GET_REGS, &r) == 0);
		guest[i] = r.rax;
		while (host_tsc() < host[1] + 10000ull * khz / 1000)
			;
	}
	CHECK(guest[1] - guest[0] >= (host[2] - host[1]) / 2 - 2);
	CHECK(guest[1] - guest[0] <= (host[3] - host[0]) / 2 + 2);
	return 0;
}

GUEST_CODE(aux_code, 64, "mov $0xc0000103, %ecx; xor %edx, %edx; mov $0x1234, %eax; wrmsr; rdtscp;"
			 "mov %ecx, 0x7000; hlt");

static int check_aux(struct guest *g)
{
	struct {
		struct gm_msrs h;
		struct gm_msr_entry e[1];
	} m = { .h = { .nmsrs = 1 }, .e = { { .index = 0xc0000103 } } };

	CHECK(guest_long(g, aux_code, aux_code_end) == 0);
	CHECK(guest_run(g) == GM_EXIT_HLT);
	CHECK(*(uint32_t *)(g->mem + 0x7000) == 0x1234);
	CHECK(ioctl(g->vcpu, GM_GET_MSRS, &m) == 1 && m.e[0].data == 0x1234);
	m.e[0].data = 1ull << 32;
	CHECK(ioctl(g->vcpu, GM_SET_MSRS, &m) == 0);
	return 0;
}

/* TSC_ADJUST follows a write of the TSC. */
GUEST_CODE(adjust_code, 64, "mov $0x3b, %ecx; rdmsr; mov %eax, %esi;"
			    "mov $0x10, %ecx; rdmsr; add $0x10000000, %eax; adc $0, %edx; wrmsr;"
			    "mov $0x3b, %ecx; rdmsr; sub %esi, %eax; mov %eax, 0x7004; hlt");

static int check_adjust(struct guest *g)
{
	struct {
		struct gm_msrs h;
		struct gm_msr_entry e[1];
	} m = { .h = { .nmsrs = 1 }, .e = { { .index = 0x3b } } };
	uint32_t moved;

	CHECK(guest_long(g, adjust_code, adjust_code_end) == 0);
	CHECK(guest_run(g) == GM_EXIT_HLT);
	moved = *(uint32_t *)(g->mem + 0x7004);
	CHECK(moved > 0x0f000000 && moved <= 0x10000000);
	CHECK(ioctl(g->vcpu, GM_GET_MSRS, &m) == 1);
	return 0;
}

static int test_msrs(struct guest *g)
{
	if (offers(g, 0x80000001, 3, 27) && check_aux(g))
		return -1;
	return offers(g, 7, 1, 1) ? check_adjust(g) : 0;
}

GUEST_CODE(pv_code, 32, "mov $0x4b564d01, %ecx; 1: rdmsr; out %al, $0x10; jmp 1b");

/* A CPUID of one leaf announces no MSR of the paravirtual clock; that hides it once the program says so. */
static int test_enforce(struct guest *g)
{
	struct gm_enable_cap cap = { .cap = GM_CAP_ENFORCE_PV_CPUID };
	struct {
		struct gm_cpuid2 h;
		struct gm_cpuid_entry e[1];
	} c = { .h = { .nent = 1 } };

	CHECK(ioctl(g->vcpu, GM_SET_CPUID2, &c) == 0);
	CHECK(guest_prot(g, pv_code, pv_code_end) == 0);
	CHECK(guest_run(g) == GM_EXIT_IO);
	CHECK(ioctl(g->vcpu, GM_ENABLE_CAP, &cap) == 0);
	CHECK(guest_run(g) == GM_EXIT_IO);
	cap.args[0] = 1;
	CHECK(ioctl(g->vcpu, GM_ENABLE_CAP, &cap) == 0);
	CHECK(guest_run(g) == GM_EXIT_SHUTDOWN);
	cap.cap = GM_CAP_USER_MEMORY;
	CHECK(ioctl(g->vcpu, GM_ENABLE_CAP, &cap) == -1 && errno == EINVAL);
	return 0;
}

/* What is in use as XCR0 says, before and after the write of what EDI asks for. */
GUEST_CODE(xcr0_code, 64, "mov %edi, %esi; mov %cr4, %rax; or $0x40000, %rax; mov %rax, %cr4;"
			  "mov $0xd, %eax; xor %ecx, %ecx; cpuid; mov %ebx, 0x7000;"
			  "xor %ecx, %ecx; xor %edx, %edx; mov %esi, %eax; xsetbv; mov $0xd, %eax; cpuid; mov %ebx, 0x7004;"
			  "xor %ecx, %ecx; xgetbv; mov %eax, 0x7008; hlt");

static int test_xcr0(struct guest *g)
{
	uint32_t mask = offered(g, 0xd, 0, 0), size = 576, end;
	struct gm_regs r;
	unsigned int i;

	if (!mask || is_tcg())
		return 0;
	for (i = 2; i < 32; i++) {
		end = mask >> i & 1 ? offered(g, 0xd, i, 0) + offered(g, 0xd, i, 1) : 0;
		size = end > size ? end : size;
	}
	CHECK(guest_long(g, xcr0_code, xcr0_code_end) == 0);
	CHECK(ioctl(g->vcpu, GM_GET_REGS, &r) == 0);
	r.rdi = mask;
	CHECK(ioctl(g->vcpu, GM_SET_REGS, &r) == 0);
	CHECK(guest_run(g) == GM_EXIT_HLT);
	CHECK(*(uint32_t *)(g->mem + 0x7000) == 576);
	CHECK(*(uint32_t *)(g->mem + 0x7008) == mask);
	CHECK(*(uint32_t *)(g->mem + 0x7004) == size);
	return 0;
}

/* MXCSR with "denormals are zeroes", where the CPU has that; never with a reserved bit. */
static int test_mxcsr(struct guest *g)
{
	static uint8_t image[512] __attribute__((aligned(16)));
	static struct gm_xsave x;
	uint32_t mask, v = 0x1fc0;

	__asm__("fxsave %0" : "=m"(image));
	memcpy(&mask, image + 28, 4);
	CHECK(ioctl(g->vcpu, GM_GET_XSAVE, &x) == 0);
	memcpy((uint8_t *)&x + 24, &v, 4);
	CHECK(ioctl(g->vcpu, GM_SET_XSAVE, &x) == (mask & 0x40 ? 0 : -1));
	v = 0x80001f80;
	memcpy((uint8_t *)&x + 24, &v, 4);
	CHECK(ioctl(g->vcpu, GM_SET_XSAVE, &x) == -1 && errno == EINVAL);
	return 0;
}

/* PKRU blocks every access to a user page with key 1. */
GUEST_CODE(pkey_code, 64, "mov %cr4, %rax; or $0x400000, %rax; mov %rax, %cr4; xor %ecx, %ecx; xor %edx, %edx;"
			  "mov $4, %eax; wrpkru; rdpkru; mov %eax, 0x7000; out %al, $0x10;"
			  "xor %ecx, %ecx; rdpkru; mov %eax, 0x7004; movb $1, 0x400000; hlt");

static int test_pkey(struct guest *g)
{
	uint64_t *t = (uint64_t *)(g->mem + 0x100000);

	if (!offers(g, 7, 2, 3))
		return 0;
	CHECK(guest_long(g, pkey_code, pkey_code_end) == 0);
	t[0] |= 4;
	t[512] |= 4;
	t[1024 + 2] = 0x83 | 4 | 1ull << 59;
	CHECK(guest_run(g) == GM_EXIT_IO);
	CHECK(*(uint32_t *)(g->mem + 0x7000) == 4);
	/* No table of interrupts: the fault ends the guest. */
	CHECK(guest_run(g) == GM_EXIT_SHUTDOWN);
	CHECK(*(uint32_t *)(g->mem + 0x7004) == 4);
	return 0;
}

/* The value that a counter's name ends in; -1: no such counter. */
static int64_t counter(int fd, const char *name)
{
	struct gm_stats_header h;
	struct {
		struct gm_stats_desc d;
		char name[64];
	} d;
	uint64_t v;
	unsigned int i;

	if (pread(fd, &h, sizeof(h), 0) != sizeof(h) || h.name_size > sizeof(d.name))
		return -1;
	for (i = 0; i < h.num_desc; i++) {
		if (pread(fd, &d, sizeof(d.d) + h.name_size,
			  h.desc_offset + i * (sizeof(d.d) + h.name_size)) < 0)
			return -1;
		if (!strcmp(d.name, name))
			return pread(fd, &v, 8, h.data_offset + d.d.offset) == 8 ? (int64_t)v : -1;
	}
	return -1;
}

static int test_counters(struct guest *g)
{
	const char *name = strcmp(g->path, "/dev/kvm") ? "exits_io" : "io_exits";
	int fd = ioctl(g->vcpu, GM_GET_STATS_FD, 0);

	CHECK(fd >= 0);
	CHECK(counter(fd, name) == 0);
	CHECK(guest_prot(g, sync_code, sync_code_end) == 0);
	CHECK(guest_run(g) == GM_EXIT_IO && guest_run(g) == GM_EXIT_IO);
	CHECK(counter(fd, name) == 2);
	CHECK(counter(fd, "none") == -1);
	/* It outlives the vCPU's own descriptor. */
	close(g->vcpu);
	CHECK(counter(fd, name) == 2);
	g->vcpu = fd;
	return 0;
}

/* While a copy of a closed descriptor holds a VM, another one may get its number: the file stays the first's. */
static int test_counters_number(struct guest *g)
{
	int copy = dup(g->vm);

	CHECK(copy >= 0);
	CHECK(guest_prot(g, sync_code, sync_code_end) == 0);
	CHECK(guest_run(g) == GM_EXIT_IO);
	if (guest_stat(g, "vcpu0.runs") != 1)
		return strcmp(g->path, "/dev/guestmode") ? 0 : -1;
	close(g->vm);
	CHECK(ioctl(g->dev, GM_CREATE_VM, 0) == g->vm);
	CHECK(guest_stat(g, "vcpu0.runs") == 1);
	close(g->vm);
	CHECK(guest_stat(g, "vcpu0.runs") == 1);
	CHECK(dup2(copy, g->vm) == g->vm);
	close(copy);
	return 0;
}

/* Without a local APIC in the kernel its timer's register can still be saved and restored with the others. */
static int test_deadline(struct guest *g)
{
	struct { struct gm_msrs head; struct gm_msr_entry e; } m = { .head.nmsrs = 1, .e.index = 0x6e0, .e.data = 1 };

	CHECK(ioctl(g->vcpu, GM_GET_MSRS, &m) == 1 && m.e.data == 0);
	CHECK(ioctl(g->vcpu, GM_SET_MSRS, &m) == 1);
	return 0;
}

/* Machine checks are the host's to switch on and off; the guest sees what it wrote. */
GUEST_CODE(mce_code, 32, "mov %cr4, %eax; mov %eax, %ebx; or $0x40, %eax; mov %eax, %cr4; mov %cr4, %ecx;"
			 "and $~0x40, %eax; mov %eax, %cr4; mov %cr4, %edx; hlt");

static int test_mce_bit(struct guest *g)
{
	struct gm_sregs s;
	struct gm_regs r;

	CHECK(guest_prot(g, mce_code, mce_code_end) == 0);
	CHECK(guest_run(g) == GM_EXIT_HLT);
	CHECK(ioctl(g->vcpu, GM_GET_REGS, &r) == 0 && ioctl(g->vcpu, GM_GET_SREGS, &s) == 0);
	/* A timer that does not stop: programs look for its leaf. */
	CHECK(offered(g, 0, 0, 0) < 10 || offers(g, 6, 0, 2));
	CHECK(!(r.rbx & 0x40) && r.rcx == (r.rbx | 0x40) && r.rdx == r.rbx && s.cr4 == r.rbx);
	return 0;
}

const struct test tests_abi[] = {
	{ "debug: single steps", test_step },
	{ "debug: single steps in the shadows of STI and MOV SS", test_step_shadow },
	{ "debug: hardware breakpoint", test_hw_breakpoint },
	{ "debug: INT3", test_sw_breakpoint },
	{ "debug: INT3, given to the guest", test_inject_int3 },
	{ "registers in the shared page", test_sync },
	{ "hypercalls of both vendors", test_hypercall },
	{ "address translation", test_translate },
	{ "TSC: offset, another rate", test_tsc_rate },
	{ "TSC_AUX and TSC_ADJUST", test_msrs },
	{ "paravirtual MSRs as CPUID says", test_enforce },
	{ "the timer's MSR without a local APIC", test_deadline },
	{ "CR4.MCE; CPUID's leaf 6", test_mce_bit },
	{ "XCR0 and the size that follows", test_xcr0 },
	{ "MXCSR", test_mxcsr },
	{ "protection keys", test_pkey },
	{ "counters", test_counters },
	{ "counters of two VMs with one number", test_counters_number },
	{ NULL, NULL },
};

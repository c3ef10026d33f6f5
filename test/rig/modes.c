// SPDX-License-Identifier: GPL-2.0-or-later
/* Guest code in every mode: ports, device memory, HLT, interrupts, NMI, shutdown. */
#include "test/rig/rig.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

static uint8_t *pio(struct guest *g)
{
	return (uint8_t *)g->run + g->run->io.data_offset;
}

GUEST_CODE(real_io, 16, "mov $0x3f8, %dx; mov $0x41, %al; out %al, %dx; in $0x70, %al;"
			"add $1, %al; out %al, $0x80; in %dx, %ax; outw %ax, $0x82; hlt");

static int test_real_io(struct guest *g)
{
	struct gm_regs r;

	CHECK(guest_real(g, real_io, real_io_end) == 0);
	CHECK(guest_run(g) == GM_EXIT_IO);
	CHECK(g->run->io.direction == GM_IO_OUT && g->run->io.port == 0x3f8 &&
	      g->run->io.size == 1 && g->run->io.count == 1 && *pio(g) == 0x41);
	CHECK(guest_run(g) == GM_EXIT_IO);
	CHECK(g->run->io.direction == GM_IO_IN && g->run->io.port == 0x70);
	*pio(g) = 0x23;
	CHECK(guest_run(g) == GM_EXIT_IO);
	CHECK(g->run->io.port == 0x80 && *pio(g) == 0x24);
	CHECK(guest_run(g) == GM_EXIT_IO);
	CHECK(g->run->io.size == 2 && g->run->io.direction == GM_IO_IN);
	memcpy(pio(g), "\x34\x12", 2);
	CHECK(guest_run(g) == GM_EXIT_IO);
	CHECK(g->run->io.port == 0x82 && pio(g)[0] == 0x34 && pio(g)[1] == 0x12);
	CHECK(guest_run(g) == GM_EXIT_HLT);
	CHECK(ioctl(g->vcpu, GM_GET_REGS, &r) == 0);
	CHECK(r.rip == CODE + (uint64_t)(real_io_end - real_io) && (r.rax & 0xffff) == 0x1234);
	return 0;
}

GUEST_CODE(string_io, 16, "cld; mov $3, %cx; mov $0x1f0, %dx; rep outsb; mov $2, %cx; rep insw; hlt");

static int test_string_io(struct guest *g)
{
	unsigned int i;

	memcpy(g->mem + DATA, "xyz", 3);
	CHECK(guest_real(g, string_io, string_io_end) == 0);
	/* A program must take any split. */
	for (i = 0; i < 3; i += g->run->io.count) {
		CHECK(guest_run(g) == GM_EXIT_IO && g->run->io.port == 0x1f0);
		CHECK(g->run->io.count <= 3 - i && g->run->io.size == 1);
		CHECK(memcmp(pio(g), "xyz" + i, g->run->io.count) == 0);
	}
	for (i = 0; i < 2; i += g->run->io.count) {
		CHECK(guest_run(g) == GM_EXIT_IO && g->run->io.direction == GM_IO_IN);
		CHECK(g->run->io.size == 2 && g->run->io.count <= 2 - i);
		memcpy(pio(g), "abcd" + 2 * i, 2 * g->run->io.count);
	}
	CHECK(guest_run(g) == GM_EXIT_HLT);
	CHECK(memcmp(g->mem + DATA + 0x1000, "abcd", 4) == 0);
	return 0;
}

GUEST_CODE(prot_mmio, 32, "mov $0x10000000, %ebx; mov (%ebx), %eax; mov %al, 5(%ebx);"
			  "addw $3, 8(%ebx); movzbl 12(%ebx), %ecx; movl $7, 16(%ebx);"
			  "push 20(%ebx); pop %edx; hlt");

static int mmio_read(struct guest *g, uint64_t addr, unsigned int len, uint32_t val)
{
	CHECK(guest_run(g) == GM_EXIT_MMIO);
	CHECK(!g->run->mmio.is_write && g->run->mmio.phys_addr == addr && g->run->mmio.len == len);
	memcpy(g->run->mmio.data, &val, 4);
	return 0;
}

static int mmio_write(struct guest *g, uint64_t addr, unsigned int len, uint64_t val)
{
	uint64_t got = 0;

	CHECK(guest_run(g) == GM_EXIT_MMIO);
	CHECK(g->run->mmio.is_write && g->run->mmio.phys_addr == addr && g->run->mmio.len == len);
	memcpy(&got, g->run->mmio.data, len);
	CHECK(got == val);
	return 0;
}

static int test_prot_mmio(struct guest *g)
{
	struct gm_regs r;

	CHECK(guest_prot(g, prot_mmio, prot_mmio_end) == 0);
	CHECK(mmio_read(g, MMIO, 4, 0x12345678) == 0);
	CHECK(mmio_write(g, MMIO + 5, 1, 0x78) == 0);
	CHECK(mmio_read(g, MMIO + 8, 2, 0xffff) == 0);
	CHECK(mmio_write(g, MMIO + 8, 2, 2) == 0);
	CHECK(mmio_read(g, MMIO + 12, 1, 0x99) == 0);
	CHECK(mmio_write(g, MMIO + 16, 4, 7) == 0);
	CHECK(mmio_read(g, MMIO + 20, 4, 0xabcd) == 0);
	CHECK(guest_run(g) == GM_EXIT_HLT);
	CHECK(ioctl(g->vcpu, GM_GET_REGS, &r) == 0);
	CHECK(r.rax == 0x12345678 && r.rcx == 0x99 && r.rdx == 0xabcd && r.rsp == CODE);
	return 0;
}

GUEST_CODE(long_mmio, 64, "mov $0x10000000, %rbx; mov (%rbx), %rax; mov %rax, 0xffe(%rbx);"
			  "mov %rbx, %rdi; mov $2, %ecx; cld; rep movsl; xchg %eax, (%rbx); hlt");

static int test_long_mmio(struct guest *g)
{
	struct gm_regs r;

	memcpy(g->mem + DATA, "\1\0\0\0\2\0\0\0", 8);
	CHECK(guest_long(g, long_mmio, long_mmio_end) == 0);
	CHECK(guest_run(g) == GM_EXIT_MMIO && g->run->mmio.len == 8);
	memcpy(g->run->mmio.data, "\x11\x22\x33\x44\x55\x66\x77\x88", 8);
	/* A write across a page boundary comes in two pieces. */
	CHECK(mmio_write(g, MMIO + 0xffe, 2, 0x2211) == 0);
	CHECK(mmio_write(g, MMIO + 0x1000, 6, 0x887766554433) == 0);
	CHECK(mmio_write(g, MMIO, 4, 1) == 0);
	CHECK(mmio_write(g, MMIO + 4, 4, 2) == 0);
	CHECK(mmio_read(g, MMIO, 4, 0x5a5a) == 0);
	CHECK(mmio_write(g, MMIO, 4, 0x44332211) == 0);
	CHECK(guest_run(g) == GM_EXIT_HLT);
	CHECK(ioctl(g->vcpu, GM_GET_REGS, &r) == 0);
	CHECK(r.rax == 0x5a5a && r.rcx == 0 && r.rsi == DATA + 8);
	return 0;
}

/* Long enough for others to run on this CPU meanwhile, whose registers for SYSCALL are others. */
GUEST_CODE(syscalls, 64,
	   "mov $0xc0000080, %ecx; rdmsr; or $1, %eax; wrmsr; mov $0xc0000082, %ecx; lea 2f(%rip), %eax; xor %edx, %edx;"
	   "wrmsr; dec %ecx; xor %eax, %eax; mov $8, %edx; wrmsr; mov $0xc0000084, %ecx; mov $0x200, %eax; xor %edx, %edx;"
	   "wrmsr; mov $2000000, %ebx; xor %esi, %esi; 1: syscall; dec %ebx; jnz 1b; hlt; 2: inc %esi; jmp *%rcx");

static int test_syscalls(struct guest *g)
{
	struct gm_regs r;

	CHECK(guest_long(g, syscalls, syscalls_end) == 0);
	CHECK(guest_expect(g, GM_EXIT_HLT) == 0);
	CHECK(ioctl(g->vcpu, GM_GET_REGS, &r) == 0 && r.rsi == 2000000);
	return 0;
}

/* From real mode to long mode by its own means, with CR0 as after a reset (caches off). */
GUEST_CODE(climb, 16,
	   "lgdtl 0x1800; mov $0x20, %eax; mov %eax, %cr4; mov $0x100000, %eax; mov %eax, %cr3;"
	   "mov $0xc0000080, %ecx; rdmsr; or $0x100, %eax; wrmsr;"
	   "mov %cr0, %eax; mov %eax, %esi; or $0x80000001, %eax; mov %eax, %cr0;"
	   "ljmpl $8, $0x1000 + 1f - climb\n.code64\n1: mov %cr0, %rbx; mov $1, %eax; shl $40, %rax;"
	   "wbinvd; mov $0xc0000080, %ecx; push %rax; rdmsr; mov %eax, %edi; pop %rax; hlt");

static int test_climb(struct guest *g)
{
	static const uint64_t gdt[] = { 0, 0x00af9b000000ffff, 0x00cf93000000ffff };
	struct gm_sregs s;
	struct gm_regs r;

	CHECK(guest_long(g, climb, climb_end) == 0); /* for its page tables */
	CHECK(guest_real(g, climb, climb_end) == 0);
	CHECK(ioctl(g->vcpu, GM_GET_SREGS, &s) == 0);
	s.cr0 = 0x60000010;
	s.cr3 = s.cr4 = s.efer = 0;
	CHECK(ioctl(g->vcpu, GM_SET_SREGS, &s) == 0);
	memcpy(g->mem + 0x1810, gdt, sizeof(gdt));
	memcpy(g->mem + 0x1800, "\x17\0\x10\x18\0\0", 6);
	CHECK(guest_run(g) == GM_EXIT_HLT);
	CHECK(ioctl(g->vcpu, GM_GET_REGS, &r) == 0);
	CHECK(r.rsi == 0x60000010 && r.rbx == 0xe0000011);
	CHECK(r.rax == 1ull << 40 && r.rdi == 0x500);
	CHECK(ioctl(g->vcpu, GM_GET_SREGS, &s) == 0);
	CHECK(s.cs.l && s.efer == 0x500 && s.cr0 == 0xe0000011);
	return 0;
}

/* IDT in memory at 0: each INT n runs its handler once, with the return address behind it. */
GUEST_CODE(softs, 16, "movw $0x1000 + 2f - softs, 0x84; movw $0, 0x86; mov $0x1234, %ax; sti; int $0x21; int $0x21; hlt;"
		      "2: incw 0x7000; mov $0x5678, %ax; iret");

static int test_real_int(struct guest *g)
{
	struct gm_regs r;

	CHECK(guest_real(g, softs, softs_end) == 0);
	CHECK(guest_run(g) == GM_EXIT_HLT && g->mem[0x7000] == 2);
	CHECK(ioctl(g->vcpu, GM_GET_REGS, &r) == 0 && (uint16_t)r.rax == 0x5678 && (r.rflags & 0x200));
	return 0;
}

/* The handler of vector 0x30 counts at 0x7000; the code spins with interrupts on. */
GUEST_CODE(irqs, 16, "movw $0x1000 + 2f - irqs, 0xc0; movw $0, 0xc2; nop; cli; hlt; sti; nop;"
		     "1: out %al, $0x10; jmp 1b; 2: incw 0x7000; iret");

static int test_interrupts(struct guest *g)
{
	struct gm_interrupt irq = { .irq = 0x30 };
	unsigned int i;

	CHECK(guest_real(g, irqs, irqs_end) == 0);
	CHECK(guest_run(g) == GM_EXIT_HLT);
	CHECK(!g->run->if_flag && !g->run->ready_for_interrupt_injection);
	g->run->request_interrupt_window = 1;
	CHECK(guest_run(g) == GM_EXIT_IRQ_WINDOW_OPEN);
	CHECK(g->run->if_flag && g->run->ready_for_interrupt_injection);
	CHECK(ioctl(g->vcpu, GM_INTERRUPT, &irq) == 0);
	CHECK(ioctl(g->vcpu, GM_INTERRUPT, &irq) == -1 && errno == EEXIST);
	g->run->request_interrupt_window = 0;
	CHECK(guest_run(g) == GM_EXIT_IO);
	CHECK(g->mem[0x7000] == 1);
	for (i = 0; i < 100; i++) {
		CHECK(ioctl(g->vcpu, GM_INTERRUPT, &irq) == 0);
		CHECK(guest_run(g) == GM_EXIT_IO);
	}
	CHECK(g->mem[0x7000] == 101);
	return 0;
}

/* An interrupt handed over while the guest has them off comes when it turns them on. */
static int test_interrupt_waits(struct guest *g)
{
	struct gm_interrupt irq = { .irq = 0x30 };

	CHECK(guest_real(g, irqs, irqs_end) == 0);
	CHECK(guest_run(g) == GM_EXIT_HLT);
	CHECK(ioctl(g->vcpu, GM_INTERRUPT, &irq) == 0);
	CHECK(guest_run(g) == GM_EXIT_IO);
	CHECK(g->mem[0x7000] == 1);
	return 0;
}

GUEST_CODE(nmis, 16, "movw $0x1000 + 2f - nmis, 8; movw $0, 10; 1: out %al, $0x10; jmp 1b;"
		     "2: incw 0x7000; out %al, $0x11; iret");

static int test_nmi(struct guest *g)
{
	unsigned int i;

	CHECK(guest_real(g, nmis, nmis_end) == 0);
	CHECK(guest_run(g) == GM_EXIT_IO && g->run->io.port == 0x10);
	CHECK(ioctl(g->vcpu, GM_NMI, 0) == 0);
	CHECK(guest_run(g) == GM_EXIT_IO && g->run->io.port == 0x11);
	/* Another one waits for the IRET. */
	CHECK(ioctl(g->vcpu, GM_NMI, 0) == 0);
	CHECK(g->mem[0x7000] == 1);
	for (i = 0; i < 4 && g->mem[0x7000] == 1; i++)
		CHECK(guest_run(g) == GM_EXIT_IO);
	CHECK(g->mem[0x7000] == 2);
	return 0;
}

/* The first IRET is for Bochs: to it NMIs are still blocked if the guest before ended in a handler (docs/driver.md). */
GUEST_CODE(nmi_loop, 16, "movw $0x1000 + 2f - nmi_loop, 8; movw $0, 10; pushf; push %cs; push $0x1000 + 3f - nmi_loop;"
			 "iret; 3: out %al, $0x10; 1: incw 0x7002; jmp 1b; 2: out %al, $0x11; iret");

/* No exit and no instruction comes between the IRET and the NMI that waits for it. */
static int test_nmi_at_once(struct guest *g)
{
	uint16_t before;

	CHECK(guest_real(g, nmi_loop, nmi_loop_end) == 0);
	CHECK(guest_run(g) == GM_EXIT_IO && g->run->io.port == 0x10);
	CHECK(ioctl(g->vcpu, GM_NMI, 0) == 0);
	CHECK(guest_run(g) == GM_EXIT_IO && g->run->io.port == 0x11);
	memcpy(&before, g->mem + 0x7002, 2);
	CHECK(ioctl(g->vcpu, GM_NMI, 0) == 0);
	CHECK(guest_run(g) == GM_EXIT_IO && g->run->io.port == 0x11);
	CHECK(!memcmp(&before, g->mem + 0x7002, 2));
	return 0;
}

GUEST_CODE(nmi_mask, 16, "movw $0x1000 + 2f - nmi_mask, 8; movw $0, 10; 1: out %al, $0x10; cmpb $0, 0x7004; je 1b;"
			 "pushf; push %cs; push $0x1000 + 1b - nmi_mask; iret; 2: incb 0x7000; out %al, $0x11; iret");

/* A vCPU that is taken over inside an NMI handler: the mask that comes with it ends with IRET too. */
static int test_nmi_masked(struct guest *g)
{
	struct gm_vcpu_events e;

	CHECK(guest_real(g, nmi_mask, nmi_mask_end) == 0);
	CHECK(guest_run(g) == GM_EXIT_IO && g->run->io.port == 0x10);
	CHECK(ioctl(g->vcpu, GM_GET_VCPU_EVENTS, &e) == 0);
	e.nmi.masked = 1;
	CHECK(ioctl(g->vcpu, GM_SET_VCPU_EVENTS, &e) == 0);
	CHECK(ioctl(g->vcpu, GM_NMI, 0) == 0);
	CHECK(guest_run(g) == GM_EXIT_IO && g->run->io.port == 0x10);
	g->mem[0x7004] = 1;
	CHECK(guest_run(g) == GM_EXIT_IO && g->run->io.port == 0x11);
	CHECK(g->mem[0x7000] == 1);
	return 0;
}

GUEST_CODE(triple, 32, "ud2");

static int test_shutdown(struct guest *g)
{
	CHECK(guest_prot(g, triple, triple_end) == 0);
	CHECK(guest_run(g) == GM_EXIT_SHUTDOWN);
	return 0;
}

GUEST_CODE(faults, 16, "movw $0x1000 + 2f - faults, 0x18; movw $0, 0x1a; movw $0x1000 + 3f - faults, 0x34;"
		       "movw $0, 0x36; rsm; nop; hlt; mov $0x12345, %ecx; rdmsr; hlt;"
		       "2: pop %ax; add $3, %ax; push %ax; incb 0x7000; iret;"
		       "3: pop %ax; add $2, %ax; push %ax; incb 0x7001; iret");

static int test_faults(struct guest *g)
{
	CHECK(guest_real(g, faults, faults_end) == 0);
	CHECK(guest_run(g) == GM_EXIT_HLT);
	CHECK(g->mem[0x7000] == 1 && g->mem[0x7001] == 0);
	CHECK(guest_run(g) == GM_EXIT_HLT);
	CHECK(g->mem[0x7000] == 1 && g->mem[0x7001] == 1);
	return 0;
}

GUEST_CODE(user_x87, 32, "fldl 0x10000000; hlt");

/* An instruction on device memory that is not emulated: a program of the guest gets #UD, which here has no handler. */
static int test_user_unknown(struct guest *g)
{
	struct gm_sregs s;

	CHECK(guest_prot(g, user_x87, user_x87_end) == 0);
	CHECK(guest_run(g) == GM_EXIT_INTERNAL_ERROR);
	CHECK(ioctl(g->vcpu, GM_GET_SREGS, &s) == 0);
	s.cs.selector |= 3;
	s.ss.selector |= 3;
	s.cs.dpl = s.ss.dpl = 3;
	s.idt.limit = 0;
	CHECK(ioctl(g->vcpu, GM_SET_SREGS, &s) == 0);
	CHECK(guest_run(g) == GM_EXIT_SHUTDOWN);
	return 0;
}

const struct test tests_modes[] = {
	{ "real mode: ports, HLT", test_real_io },
	{ "real mode: string I/O", test_string_io },
	{ "real mode: INT n", test_real_int },
	{ "protected mode: device memory", test_prot_mmio },
	{ "long mode: device memory, page crossing, strings", test_long_mmio },
	{ "long mode: SYSCALL, again and again", test_syscalls },
	{ "real mode to long mode, caches off", test_climb },
	{ "interrupts and the window", test_interrupts },
	{ "an interrupt waits for STI", test_interrupt_waits },
	{ "NMI, and the next waits for IRET", test_nmi },
	{ "NMI, and the next right behind the IRET", test_nmi_at_once },
	{ "NMI masked by the program, until an IRET", test_nmi_masked },
	{ "triple fault is SHUTDOWN", test_shutdown },
	{ "#UD and #GP of intercepted instructions", test_faults },
	{ "what is not emulated, for the kernel and for a program", test_user_unknown },
	{ NULL, NULL },
};

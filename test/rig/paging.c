// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guest programs that use the processor's own tables: PAE and 32-bit paging, interrupts whose delivery
 * faults, tasks, code that changes itself, control, debug and model-specific registers.
 */
#include "test/rig/rig.h"

#include <string.h>
#include <sys/ioctl.h>

#define IDT 0x5000u
#define GDT 0x5800u

static void put32(struct guest *g, uint32_t gpa, uint32_t v)
{
	memcpy(g->mem + gpa, &v, 4);
}

static void put64(struct guest *g, uint32_t gpa, uint64_t v)
{
	memcpy(g->mem + gpa, &v, 8);
}

static uint32_t get32(struct guest *g, uint32_t gpa)
{
	uint32_t v;

	memcpy(&v, g->mem + gpa, 4);
	return v;
}

static void gate(struct guest *g, uint32_t idt, unsigned int vector, unsigned int size, uint32_t handler)
{
	put64(g, idt + vector * size, (handler & 0xffff) | 8ull << 16 | 0x8e00ull << 32);
	if (size == 16)
		put64(g, idt + vector * size + 8, 0);
}

/* Descriptor tables; `code` is CS's descriptor. */
static int tables_set(struct guest *g, uint64_t code, uint32_t idt, uint32_t gdt_limit)
{
	struct gm_sregs s;

	put64(g, GDT + 8, code);
	put64(g, GDT + 16, 0x00cf93000000ffff);
	CHECK(ioctl(g->vcpu, GM_GET_SREGS, &s) == 0);
	s.gdt.base = GDT;
	s.gdt.limit = gdt_limit;
	s.idt.base = idt;
	s.idt.limit = 0x7ff;
	CHECK(ioctl(g->vcpu, GM_SET_SREGS, &s) == 0);
	return 0;
}

/* ---- an interrupt whose gate is in a page that is not there ---- */

/* #PF: makes the page present. Vector 30h counts. */
GUEST_CODE(late, 64, "sti; 1: out %al, $0x10; jmp 1b");
GUEST_CODE(late_pf, 64, "incb 0x7000; movq $0x13007, 0x106000; add $8, %rsp; iretq");
GUEST_CODE(late_irq, 64, "incb 0x7001; iretq");

#define LATE_IDT 0x1ffe00u /* 32 gates, then the next page: linear 2 MiB, by the table at 106000h */

static int test_late(struct guest *g)
{
	struct gm_interrupt irq = { .irq = 0x30 };
	unsigned int i;

	CHECK(guest_long(g, late, late_end) == 0);
	memcpy(g->mem + 0x2000, late_pf, late_pf_end - late_pf);
	memcpy(g->mem + 0x2800, late_irq, late_irq_end - late_irq);
	gate(g, LATE_IDT, 14, 16, 0x2000);
	gate(g, 0x13000 - 0x200, 0x30, 16, 0x2800);
	put64(g, 0x102008, 0x106007);
	put64(g, 0x106000, 0);
	CHECK(tables_set(g, 0x00af9b000000ffff, LATE_IDT, 0x17) == 0);
	CHECK(guest_expect(g, GM_EXIT_IO) == 0);
	CHECK(ioctl(g->vcpu, GM_INTERRUPT, &irq) == 0);
	for (i = 0; i < 3; i++)
		CHECK(guest_expect(g, GM_EXIT_IO) == 0);
	CHECK(g->mem[0x7000] == 1);
	/* With nested paging the CPU itself handles the fault, and may forget the interrupt. */
	if (guest_stat(g, "shadow_pages") > 0)
		CHECK(g->mem[0x7001] == 1);
	return 0;
}

/* ---- 32-bit guests with paging ---- */

/* Through a large page, through a rewritten entry after INVLPG, through a top entry after a load of CR3. */
GUEST_CODE(pae, 32,
	   "mov $0x20, %eax; mov %eax, %cr4; mov $0x20000, %eax; mov %eax, %cr3; mov %cr0, %eax;"
	   "or $0x80000000, %eax; mov %eax, %cr0; movl $0x1234, 0x40030000; mov 0x30000, %ebx;"
	   "mov 0x31000, %ecx; movl $0x32003, 0x22188; invlpg 0x31000; mov 0x31000, %esi;"
	   "movl $0x23001, 0x20010; mov %cr3, %eax; mov %eax, %cr3; mov 0x80030000, %edi; hlt");

static int test_pae(struct guest *g)
{
	struct gm_regs r;
	unsigned int i;

	CHECK(guest_prot(g, pae, pae_end) == 0);
	put64(g, 0x20000, 0x21001);
	put64(g, 0x20008, 0x23001);
	put64(g, 0x20010, 0);
	put64(g, 0x20018, 0);
	put64(g, 0x21000, 0x22003);
	put64(g, 0x23000, 0x83);
	for (i = 0; i < 512; i++)
		put64(g, 0x22000 + 8 * i, (i << 12) | 3);
	put32(g, 0x31000, 0x1111);
	put32(g, 0x32000, 0x2222);
	CHECK(guest_expect(g, GM_EXIT_HLT) == 0);
	CHECK(ioctl(g->vcpu, GM_GET_REGS, &r) == 0);
	CHECK(r.rbx == 0x1234 && r.rcx == 0x1111 && r.rsi == 0x2222 && r.rdi == 0x1234);
	CHECK((get32(g, 0x23000) & 0x60) == 0x60); /* A and D */
	CHECK((get32(g, 0x22188) & 0x60) == 0x20);
	return 0;
}

/* A supervisor's writes to a read-only page without CR0.WP, then with it. */
GUEST_CODE(small, 32,
	   "mov $0x10, %eax; mov %eax, %cr4; mov $0x20000, %eax; mov %eax, %cr3; mov %cr0, %eax;"
	   "or $0x80000000, %eax; mov %eax, %cr0; movl $0x55, 0x30000; mov 0x430000, %ebx;"
	   "or $0x10000, %eax; mov %eax, %cr0; movl $0x66, 0x30000; mov 0x430000, %esi; hlt");
GUEST_CODE(small_pf, 32, "incl 0x7000; mov %cr2, %edi; orl $2, 0x210c0; invlpg 0x30000; pop 0x7004; iretl");

static int test_small(struct guest *g)
{
	struct gm_regs r;
	unsigned int i;

	CHECK(guest_prot(g, small, small_end) == 0);
	memcpy(g->mem + 0x2000, small_pf, small_pf_end - small_pf);
	gate(g, IDT, 14, 8, 0x2000);
	CHECK(tables_set(g, 0x00cf9b000000ffff, IDT, 0x17) == 0);
	put32(g, 0x20000, 0x21003);
	put32(g, 0x20004, 0x83);
	for (i = 0; i < 512; i++)
		put32(g, 0x21000 + 4 * i, (i << 12) | (i == 0x30 ? 1 : 3));
	CHECK(guest_expect(g, GM_EXIT_HLT) == 0);
	CHECK(ioctl(g->vcpu, GM_GET_REGS, &r) == 0);
	CHECK(r.rbx == 0x55 && r.rsi == 0x66 && r.rdi == 0x30000);
	CHECK(get32(g, 0x7000) == 1 && get32(g, 0x7004) == 3);
	return 0;
}

/* ---- tasks ---- */

GUEST_CODE(tasks, 32, "mov $0x18, %ax; ltr %ax; lcall $0x20, $0; incl 0x7008; ljmp $0x20, $0");
GUEST_CODE(tasks_b, 32, "incl 0x7000; pushf; popl 0x7004; iretl; incl 0x700c; hlt");

static uint64_t tss_desc(uint32_t base)
{
	return 0x67 | (uint64_t)base << 16 | 0x89ull << 40;
}

/* QEMU's own CPU switches tasks without the exit that was asked for, and takes CR3 from the TSS. */
static int switches_by_itself(struct guest *g)
{
	uint32_t name[4] = { 0 };

	__asm__("cpuid" : "=a"(name[0]), "=b"(name[1]), "=c"(name[2]), "=d"(name[3]) : "a"(0x40000000), "c"(0));
	return guest_stat(g, "shadow_pages") > 0 && !memcmp(&name[1], "TCGTCGTCGTCG", 12);
}

static int test_tasks(struct guest *g)
{
	struct gm_sregs s;
	unsigned int i;
	int ret;

	CHECK(guest_prot(g, tasks, tasks_end) == 0);
	memcpy(g->mem + 0x2000, tasks_b, tasks_b_end - tasks_b);
	put64(g, GDT + 0x18, tss_desc(0x6000));
	put64(g, GDT + 0x20, tss_desc(0x6100));
	CHECK(tables_set(g, 0x00cf9b000000ffff, IDT, 0x27) == 0);
	put32(g, 0x6100 + 0x20, 0x2000); /* EIP */
	put32(g, 0x6100 + 0x24, 2);
	put32(g, 0x6100 + 0x38, 0x4000); /* ESP */
	for (i = 0; i < 6; i++) /* ES, CS, SS, DS, FS, GS */
		put32(g, 0x6100 + 0x48 + 4 * i, i == 1 ? 8 : 16);
	ret = guest_run(g);
	if (switches_by_itself(g))
		return 0;
	CHECK(ret == GM_EXIT_HLT);
	CHECK(get32(g, 0x7000) == 1 && (get32(g, 0x7004) & 0x4000));
	CHECK(get32(g, 0x7008) == 1 && get32(g, 0x700c) == 1);
	CHECK(ioctl(g->vcpu, GM_GET_SREGS, &s) == 0);
	CHECK(s.tr.selector == 0x20 && s.tr.base == 0x6100);
	CHECK(g->mem[GDT + 0x1d] == 0x89 && g->mem[GDT + 0x25] == 0x8b);
	return 0;
}

/* ---- the rest ---- */

/* Each round adds one more. */
GUEST_CODE(itself, 64, "mov $10, %ecx; xor %ebx, %ebx; 1: .byte 0x83, 0xc3, 1; incb 1b+2(%rip); loop 1b; hlt");

static int test_itself(struct guest *g)
{
	struct gm_regs r;

	CHECK(guest_long(g, itself, itself_end) == 0);
	CHECK(guest_expect(g, GM_EXIT_HLT) == 0);
	CHECK(ioctl(g->vcpu, GM_GET_REGS, &r) == 0);
	CHECK(r.rbx == 55);
	return 0;
}

GUEST_CODE(regs, 64,
	   "mov %cr0, %rax; or $8, %rax; mov %rax, %cr0; mov %cr0, %rbx; clts; mov %cr0, %r8;"
	   "mov $0x6a0, %eax; mov %rax, %cr4; mov %cr4, %rsi; mov $0x1234567, %eax; mov %rax, %dr2;"
	   "mov $0x400, %eax; mov %rax, %dr7; mov %dr2, %rdi; mov %dr7, %r9;"
	   "mov $0xc0000082, %ecx; mov $0x89abcdef, %eax; mov $0xffff8000, %edx; wrmsr; xor %eax, %eax; rdmsr;"
	   "mov %eax, %r10d; mov %edx, %r11d; mov $0xc0000102, %ecx; mov $0x5000, %eax; xor %edx, %edx; wrmsr;"
	   "swapgs; dec %ecx; rdmsr; mov %eax, %r12d; hlt");

static int test_regs(struct guest *g)
{
	struct gm_regs r;

	CHECK(guest_long(g, regs, regs_end) == 0);
	CHECK(guest_expect(g, GM_EXIT_HLT) == 0);
	CHECK(ioctl(g->vcpu, GM_GET_REGS, &r) == 0);
	CHECK(r.rbx == (r.r8 | 8) && !(r.r8 & 8));
	CHECK(r.rsi == 0x6a0 && r.rdi == 0x1234567 && r.r9 == 0x400);
	CHECK(r.r10 == 0x89abcdef && r.r11 == 0xffff8000 && r.r12 == 0x5000);
	return 0;
}

const struct test tests_paging[] = {
	{ "an interrupt whose delivery faults", test_late },
	{ "PAE paging", test_pae },
	{ "32-bit paging, write protection", test_small },
	{ "task switches", test_tasks },
	{ "code that changes itself", test_itself },
	{ "control, debug, model-specific registers", test_regs },
	{ NULL, NULL },
};

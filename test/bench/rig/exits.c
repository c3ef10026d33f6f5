// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What an exit costs, in units of the time-stamp counter, for each device file that is named. In
 * an emulated host whose virtual time counts instructions (QEMU -icount shift=0) one unit is one
 * instruction, so that the figures are exact and repeat. The same guest code runs everywhere.
 * Usage: [ROW=NAME] exits DEVICE [DEVICE]; exits tsc prints the counter.
 */
#include "test/rig/rig.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define ROUNDS 1000u
#define FILL_GPA 0x20000000ull
#define FILL_PAGES 4096u

static uint64_t tsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return lo | (uint64_t)hi << 32;
}

/* Each loop: ROUNDS times, then OUT to port 0x80. */
#define LOOP(body) "mov $1000, %esi; 1: " body " dec %esi; jnz 1b; out %al, $0x80; hlt"

GUEST_CODE(loop_empty, 64, LOOP("nop;"));
GUEST_CODE(loop_cpuid, 64, LOOP("xor %eax, %eax; cpuid;"));
GUEST_CODE(loop_rdmsr, 64, LOOP("mov $0x1b, %ecx; rdmsr;"));
GUEST_CODE(loop_wrmsr, 64, LOOP("mov $0x277, %ecx; mov $0x00070406, %eax; mov %eax, %edx; wrmsr;"));
GUEST_CODE(loop_cr0, 64, LOOP("mov %cr0, %rax; xor $8, %rax; mov %rax, %cr0;"));
GUEST_CODE(loop_cr4, 64, LOOP("mov %cr4, %rax; xor $0x80, %rax; mov %rax, %cr4;"));
GUEST_CODE(loop_out, 64, LOOP("out %al, $0x10;"));
GUEST_CODE(loop_in, 64, LOOP("in $0x10, %al;"));
GUEST_CODE(loop_mmio_write, 64, "mov $0x10000000, %ebx;" LOOP("mov %eax, (%rbx);"));
GUEST_CODE(loop_mmio_read, 64, "mov $0x10000000, %ebx;" LOOP("mov (%rbx), %eax;"));
GUEST_CODE(loop_hlt, 64, LOOP("sti; hlt; cli;"));
GUEST_CODE(loop_fill, 64, "mov $0x20000000, %ebx; mov $4096, %esi; 1: mov (%rbx), %eax;"
			  "add $4096, %rbx; dec %esi; jnz 1b; out %al, $0x80; hlt");
GUEST_CODE(loop_fill_write, 64, "mov $0x20000000, %ebx; mov $4096, %esi; 1: mov %eax, (%rbx);"
				"add $4096, %rbx; dec %esi; jnz 1b; out %al, $0x80; hlt");
GUEST_CODE(irq_handler, 64, "iretq");

/* With the kernel's interrupt controllers: local APIC at (%rdi), its timer at one count per nanosecond. */
#define WITH_APIC "mov $0xfee00000, %edi; movl $0x1ff, 0xf0(%rdi); movl $0xb, 0x3e0(%rdi); movl $0x30, 0x320(%rdi);"
GUEST_CODE(loop_pic, 64, LOOP("out %al, $0x21;"));
GUEST_CODE(loop_apic, 64, WITH_APIC LOOP("movl $0, 0x80(%rdi);"));
GUEST_CODE(loop_ipi, 64, WITH_APIC LOOP("movl $0x40030, 0x300(%rdi); sti; nop; cli;"));
GUEST_CODE(loop_timer, 64, WITH_APIC LOOP("mov %ebp, %edx; movl $1, 0x380(%rdi); sti; 2: cmp %ebp, %edx; je 2b; cli;"));
GUEST_CODE(eoi_handler, 64, "inc %ebp; movl $0, 0xb0(%rdi); iretq");

/* A 64-bit interrupt gate for vector 0x30, handler at CODE + 0x800. */
static int idt_set(struct guest *g)
{
	const char *code = g->irqchip ? eoi_handler : irq_handler;
	struct gm_sregs s;
	uint64_t *gate = (uint64_t *)(g->mem + 0x6000 + 0x30 * 16);

	memcpy(g->mem + CODE + 0x800, code, (g->irqchip ? eoi_handler_end : irq_handler_end) - code);
	gate[0] = ((CODE + 0x800) & 0xffff) | 8ull << 16 | 0x8e00ull << 32;
	gate[1] = 0;
	/* The gate's selector: code at 8. */
	((uint64_t *)(g->mem + 0x7000))[1] = 0x00af9b000000ffffull;
	((uint64_t *)(g->mem + 0x7000))[2] = 0x00cf93000000ffffull;
	CHECK(ioctl(g->vcpu, GM_GET_SREGS, &s) == 0);
	s.idt.base = 0x6000;
	s.idt.limit = 0xfff;
	s.gdt.base = 0x7000;
	s.gdt.limit = 0x1f;
	CHECK(ioctl(g->vcpu, GM_SET_SREGS, &s) == 0);
	return 0;
}

/* Answers exits until the OUT to 0x80; with `irq`, a halted guest gets interrupt 0x30. */
static int run_to_end(struct guest *g, uint64_t *ticks)
{
	struct gm_interrupt irq = { .irq = 0x30 };
	uint64_t begin = tsc();

	for (;;) {
		int why = guest_run(g);

		if (why == GM_EXIT_HLT) {
			CHECK(ioctl(g->vcpu, GM_INTERRUPT, &irq) == 0);
			continue;
		}
		CHECK(why == GM_EXIT_IO || why == GM_EXIT_MMIO);
		if (why == GM_EXIT_IO && g->run->io.port == 0x80)
			break;
	}
	*ticks = tsc() - begin;
	return 0;
}

struct row {
	const char *name, *from, *to;
	unsigned int rounds;
	int fill; /* needs FILL_PAGES pages at FILL_GPA that no table has yet */
	int irqchip;
};

#define ROW(name, code, rounds, fill) { name, code, code##_end, rounds, fill, 0 }
#define ROW_IRQCHIP(name, code) { name, code, code##_end, ROUNDS, 0, 1 }
static const struct row rows[] = {
	ROW("CPUID", loop_cpuid, ROUNDS, 0),
	ROW("RDMSR (APIC_BASE)", loop_rdmsr, ROUNDS, 0),
	ROW("WRMSR (PAT)", loop_wrmsr, ROUNDS, 0),
	ROW("CR0.WP toggle", loop_cr0, ROUNDS, 0),
	ROW("CR4.PGE toggle", loop_cr4, ROUNDS, 0),
	ROW("port write to user space", loop_out, ROUNDS, 0),
	ROW("port read from user space", loop_in, ROUNDS, 0),
	ROW("MMIO write to user space", loop_mmio_write, ROUNDS, 0),
	ROW("MMIO read from user space", loop_mmio_read, ROUNDS, 0),
	ROW("HLT, interrupt, IRET", loop_hlt, ROUNDS, 0),
	ROW("page fill, read", loop_fill, FILL_PAGES, 1),
	ROW("page fill, write", loop_fill_write, FILL_PAGES, 1),
	ROW_IRQCHIP("port write to the kernel", loop_pic),
	ROW_IRQCHIP("local APIC write (TPR)", loop_apic),
	ROW_IRQCHIP("IPI to itself, EOI", loop_ipi),
	ROW_IRQCHIP("timer interrupt, EOI", loop_timer),
};

/* One run of a row with a fresh guest: ticks in all, after a round that warms everything up. */
static int measure(const char *path, const struct row *row, uint64_t *ticks)
{
	size_t size = (size_t)FILL_PAGES << 12;
	struct guest g = { .path = path, .irqchip = row->irqchip };
	void *mem = MAP_FAILED;
	int ret = guest_open(&g);

	if (!ret && row->fill) {
		mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
		ret = mem == MAP_FAILED ? -1 : madvise(mem, size, MADV_NOHUGEPAGE);
		if (!ret)
			memset(mem, 1, size);
		if (!ret)
			ret = guest_slot(&g, 1, 0, FILL_GPA, size, mem);
	}
	if (!ret && !row->fill)
		ret = guest_long(&g, row->from, row->to) || idt_set(&g) || run_to_end(&g, ticks);
	if (!ret)
		ret = guest_long(&g, row->from, row->to) || idt_set(&g) || run_to_end(&g, ticks);
	guest_close(&g);
	if (mem != MAP_FAILED)
		munmap(mem, size);
	return ret;
}

int main(int argc, char **argv)
{
	const char *only = getenv("ROW");
	const struct row empty = ROW("", loop_empty, ROUNDS, 0);
	uint64_t base, ticks, first = 0;
	unsigned int i;
	int d, failed = 0;

	if (argc == 2 && !strcmp(argv[1], "tsc")) {
		printf("%llu\n", (unsigned long long)tsc());
		return 0;
	}
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (only && strcmp(only, rows[i].name))
			continue;
		printf("%-28s", rows[i].name);
		for (d = 1; d < argc; d++) {
			if (measure(argv[d], &empty, &base) || measure(argv[d], &rows[i], &ticks)) {
				printf("     failed");
				failed = 1;
				continue;
			}
			ticks = (ticks - base) / rows[i].rounds;
			printf(" %10llu", (unsigned long long)ticks);
			if (d == 1)
				first = ticks;
			else
				printf("  %.2f", (double)ticks / (double)first);
		}
		printf("\n");
		fflush(stdout);
	}
	return failed;
}

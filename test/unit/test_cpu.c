// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The interpreter's core: blocks and self-modifying code, TLB, page crossings, faults, string
 * instructions, debug traps, interrupts. Programs are a few bytes of machine code in real mode, or in 32-bit
 * protected mode with paging. Behaviour: Intel SDM volumes 2 and 3.
 */
#include <check.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "vmm/cpu/cpu.h"

#define RAM_SIZE  0x800000u
#define CODE      0x1000u
#define HANDLERS  0x5000u /* vector n halts at HANDLERS + n */
#define PAGE_DIR  0x100000u
#define PAGE_TAB  0x101000u
#define MMIO      0xb0000u

static u8 *ram;
static struct cpu *c;
static int irq_vector;
static u64 mmio_addr, mmio_val;
static unsigned int mmio_len, page_calls;

static void page(void *o, u64 gpa, bool write, struct cpu_page *p)
{
	page_calls++;
	p->hva = gpa < RAM_SIZE && gpa != MMIO ? ram + gpa : NULL;
	p->readonly = gpa == 0xc0000;
}

static u64 mmio_read(void *o, u64 gpa, unsigned int len)
{
	mmio_addr = gpa;
	mmio_len = len;
	return 0x1122334455667788ull;
}

static void mmio_write(void *o, u64 gpa, unsigned int len, u64 val)
{
	mmio_addr = gpa;
	mmio_len = len;
	mmio_val = val;
}

static u32 pio_in(void *o, u16 port, unsigned int len) { return port; }
static void pio_out(void *o, u16 port, unsigned int len, u32 val) {}

static int irq_ack(void *o)
{
	int v = irq_vector;

	irq_vector = -1;
	cpu_clear(c, CPU_REQ_IRQ);
	return v;
}

static int rdmsr(void *o, u32 msr, u64 *v) { *v = 0; return 0; }
static int wrmsr(void *o, u32 msr, u64 v) { return 0; }
static unsigned int get_tpr(void *o) { return 0; }
static void set_tpr(void *o, unsigned int v) {}
static u64 tsc(void *o) { return 0; }
static void ferr(void *o, bool l) {}

static const struct gm_cpu_host host = {
	.page = page, .mmio_read = mmio_read, .mmio_write = mmio_write, .pio_in = pio_in,
	.pio_out = pio_out, .irq_ack = irq_ack, .apic_rdmsr = rdmsr, .apic_wrmsr = wrmsr,
	.get_tpr = get_tpr, .set_tpr = set_tpr, .tsc = tsc, .ferr = ferr,
};

static void setup(void)
{
	unsigned int i;

	ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(ram, MAP_FAILED);
	c = cpu_new(&host, NULL, NULL);
	ck_assert_ptr_nonnull(c);
	for (i = 0; i < 256; i++) {
		u32 vec = HANDLERS + i;

		memcpy(ram + i * 4, &vec, 2);
		ram[HANDLERS + i] = 0xf4;
	}
	irq_vector = -1;
}

static void teardown(void)
{
	cpu_free(c);
	munmap(ram, RAM_SIZE);
}

static void real_mode(void)
{
	struct x86_seg s = { .limit = 0xffff, .attr = 0x93 };
	unsigned int i;

	for (i = 0; i < 6; i++)
		cpu_set_seg(c, i, &s);
	s.attr = 0x9b;
	cpu_set_seg(c, X86_CS, &s);
	c->gpr[X86_RSP] = 0x8000;
	c->rip = CODE;
}

/* Flat 32-bit segments, paging one to one over the RAM; IDT of 32-bit interrupt gates. */
static void paged_mode(void)
{
	struct x86_seg code = { .limit = 0xffffffff, .sel = 8, .attr = 0xc09b };
	struct x86_seg data = { .limit = 0xffffffff, .sel = 16, .attr = 0xc093 };
	u32 *dir = (u32 *)(ram + PAGE_DIR), *tab = (u32 *)(ram + PAGE_TAB);
	u64 *idt = (u64 *)(ram + 0x2000), *gdt = (u64 *)(ram + 0x3000);
	unsigned int i;

	for (i = 0; i < 256; i++)
		idt[i] = (HANDLERS + i) | 8u << 16 | 0x8e00ull << 32;
	gdt[1] = 0x00cf9b000000ffffull;
	gdt[2] = 0x00cf93000000ffffull;
	dir[0] = PAGE_TAB | 7;
	dir[1] = (PAGE_TAB + 0x1000) | 7;
	for (i = 0; i < 2048; i++)
		tab[i] = i << 12 | 7;
	for (i = 0; i < 6; i++)
		cpu_set_seg(c, i, i == X86_CS ? &code : &data);
	c->idt.base = 0x2000;
	c->idt.limit = 0x7ff;
	c->gdt.base = 0x3000;
	c->gdt.limit = 0xff;
	c->cr0 |= X86_CR0_PE | X86_CR0_PG | X86_CR0_WP;
	c->cr3 = PAGE_DIR;
	cpu_tlb_flush_all(c);
	cpu_mode_changed(c);
	c->gpr[X86_RSP] = 0x8000;
	c->rip = CODE;
}

static void load(u32 at, const char *bytes, size_t len)
{
	memcpy(ram + at, bytes, len);
}
#define LOAD(at, bytes) load(at, bytes, sizeof(bytes) - 1)

/* Runs to a HLT; returns where it halted (behind the HLT). */
static u64 run(void)
{
	ck_assert_int_eq(cpu_run(c, 1000000), CPU_EXIT_HALT);
	return c->rip;
}

#define HALTED_AT_VECTOR(n) (HANDLERS + (n) + 1)

/* ---- code that changes ---- */

/* Each writes a new immediate into a later MOV AL,imm8 and must see it. */
static const struct {
	const char *name, *code;
	size_t len;
	u8 al;
} smc[] = {
	/* movb $7, next+1; mov $1, %al: in the same block */
	{ "next instruction", "\xc6\x06\x06\x10\x07\xb0\x01\xf4", 8, 7 },
	/* movw writes opcode and immediate of the instruction that follows (INC AX becomes HLT) */
	{ "opcode", "\xb0\x05\xc7\x06\x08\x10\xf4\xf4\x40\x40\xf4", 11, 5 },
	/* stosb over the instruction behind it: mov $CODE+9,%di; mov $9,%al; stosb; nop; mov $1,%al; hlt */
	{ "stos", "\xbf\x08\x10\xb0\x09\xaa\x90\xb0\x01\xf4", 10, 9 },
	/* push over it: mov $0x100a,%sp; mov $0xf403,%ax; push %ax; mov $1,%al.. (imm, hlt) */
	{ "push", "\xbc\x0a\x10\xb8\x03\xf4\x50\xb0\x01\x40\xf4", 11, 3 },
};

START_TEST(test_smc)
{
	real_mode();
	load(CODE, smc[_i].code, smc[_i].len);
	run();
	ck_assert_msg((u8)c->gpr[0] == smc[_i].al, "%s: AL is %u", smc[_i].name, (u8)c->gpr[0]);
}
END_TEST

/* A loop that increments the immediate of an instruction in itself ten times. */
START_TEST(test_smc_loop)
{
	real_mode();
	/* mov $10,%cx; l: add $0,%bx; incb imm; loop l; hlt */
	LOAD(CODE, "\xb9\x0a\x00\x83\xc3\x00\xfe\x06\x05\x10\xe2\xf7\xf4");
	run();
	ck_assert_uint_eq(c->gpr[X86_RBX], 45);
}
END_TEST

/* Data next to code in one page: the code stays translated. */
START_TEST(test_code_and_data)
{
	real_mode();
	/* mov $1000,%cx; l: incw 0x1800; loop l; hlt */
	LOAD(CODE, "\xb9\xe8\x03\xff\x06\x00\x18\xe2\xfa\xf4");
	run();
	ck_assert_uint_eq(*(u16 *)(ram + 0x1800), 1000);
}
END_TEST

START_TEST(test_dma)
{
	real_mode();
	LOAD(CODE, "\xb0\x01\xf4");
	run();
	ck_assert_uint_eq((u8)c->gpr[0], 1);
	ram[CODE + 1] = 2;
	cpu_phys_written(c, CODE + 1, 1);
	c->halted = 0;
	c->rip = CODE;
	run();
	ck_assert_uint_eq((u8)c->gpr[0], 2);
}
END_TEST

/* ---- pages ---- */

START_TEST(test_crossing_code)
{
	paged_mode();
	/* mov $0x12345678,%eax over the end of a page */
	LOAD(0x6ffd, "\xb8\x78\x56\x34\x12\xf4");
	c->rip = 0x6ffd;
	run();
	ck_assert_uint_eq(c->gpr[0], 0x12345678);
	/* the second page changes */
	ram[0x7001] = 0x99;
	cpu_phys_written(c, 0x7001, 1);
	c->halted = 0;
	c->rip = 0x6ffd;
	run();
	ck_assert_uint_eq(c->gpr[0], 0x99345678);
	/* another page is mapped there */
	memcpy(ram + 0x9000, ram + 0x7000, 16);
	ram[0x9001] = 0x55;
	((u32 *)(ram + PAGE_TAB))[7] = 0x9007;
	cpu_tlb_flush_page(c, 0x7000);
	c->halted = 0;
	c->rip = 0x6ffd;
	run();
	ck_assert_uint_eq(c->gpr[0], 0x55345678);
}
END_TEST

/* A fetch that runs into a page that is not present: the fault names the second page. */
START_TEST(test_crossing_fetch_fault)
{
	paged_mode();
	LOAD(0x6ffd, "\xb8\x78\x56\x34\x12\xf4");
	((u32 *)(ram + PAGE_TAB))[7] = 0;
	c->rip = 0x6ffd;
	c->gpr[X86_RSP] = 0xa000;
	ck_assert_uint_eq(run(), HALTED_AT_VECTOR(X86_PF));
	ck_assert_uint_eq(c->cr2, 0x7000);
	ck_assert_uint_eq(*(u32 *)(ram + 0xa000 - 12), 0x6ffd);
}
END_TEST

START_TEST(test_crossing_write_fault)
{
	paged_mode();
	memset(ram + 0x6ff0, 0xaa, 32);
	((u32 *)(ram + PAGE_TAB))[7] = 0x7005; /* read-only */
	c->gpr[X86_RSP] = 0xa000;
	/* movl $0x11223344, 0x6ffe */
	LOAD(CODE, "\xc7\x05\xfe\x6f\x00\x00\x44\x33\x22\x11\xf4");
	ck_assert_uint_eq(run(), HALTED_AT_VECTOR(X86_PF));
	ck_assert_uint_eq(c->cr2, 0x7000);
	ck_assert_uint_eq(ram[0x6ffe], 0xaa);
	/* error code: present, write */
	ck_assert_uint_eq(*(u32 *)(ram + 0xa000 - 16), 3);
}
END_TEST

START_TEST(test_crossing_data)
{
	paged_mode();
	((u32 *)(ram + PAGE_TAB))[0x21] = 0x30007;
	/* movl $0x11223344, 0x20ffe; mov 0x20ffe, %eax; lock incl 0x20ffe; hlt */
	LOAD(CODE, "\xc7\x05\xfe\x0f\x02\x00\x44\x33\x22\x11\xa1\xfe\x0f\x02\x00"
		   "\xf0\xff\x05\xfe\x0f\x02\x00\xf4");
	run();
	ck_assert_uint_eq(c->gpr[0], 0x11223344);
	ck_assert_uint_eq(*(u16 *)(ram + 0x20ffe), 0x3345);
	ck_assert_uint_eq(*(u16 *)(ram + 0x30000), 0x1122);
}
END_TEST

/* A translation stays in force until INVLPG, then the new one is seen; so are dirty bits. */
START_TEST(test_invlpg)
{
	u32 *tab = (u32 *)(ram + PAGE_TAB);

	paged_mode();
	ram[0x20000] = 1;
	ram[0x30000] = 2;
	/* mov 0x20000,%al; movl $0x30007, tab[0x20]; invlpg 0x20000; mov 0x20000,%ah; movb $3,0x20000; hlt */
	LOAD(CODE, "\xa0\x00\x00\x02\x00\xc7\x05\x80\x10\x10\x00\x07\x00\x03\x00"
		   "\x0f\x01\x3d\x00\x00\x02\x00\x8a\x25\x00\x00\x02\x00"
		   "\xc6\x05\x00\x00\x02\x00\x03\xf4");
	run();
	ck_assert_uint_eq((u16)c->gpr[0], 0x0201);
	ck_assert_uint_eq(ram[0x30000], 3);
	ck_assert_uint_eq(tab[0x20], 0x30067);
}
END_TEST

START_TEST(test_a20)
{
	real_mode();
	ram[0] = 0x5a;
	ram[0x100000] = 0xa5;
	/* mov $0xffff,%ax; mov %ax,%ds; mov 0x10,%al; hlt */
	LOAD(CODE, "\xb8\xff\xff\x8e\xd8\xa0\x10\x00\xf4");
	run();
	ck_assert_uint_eq((u8)c->gpr[0], 0xa5);
	cpu_set_a20(c, false);
	c->halted = 0;
	c->rip = CODE;
	run();
	ck_assert_uint_eq((u8)c->gpr[0], 0x5a);
}
END_TEST

START_TEST(test_mmio)
{
	real_mode();
	/* mov $0xb000,%ax; mov %ax,%ds; mov %eax,6 (unaligned); mov 4,%ebx; hlt */
	LOAD(CODE, "\xb8\x00\xb0\x8e\xd8\x66\xa3\x06\x00\x66\x8b\x1e\x04\x00\xf4");
	run();
	ck_assert_uint_eq(mmio_addr, MMIO + 4);
	ck_assert_uint_eq(mmio_len, 4);
	ck_assert_uint_eq(mmio_val, 0xb000);
	ck_assert_uint_eq(c->gpr[X86_RBX], 0x55667788);
}
END_TEST

/* ---- faults of segments ---- */

static const struct {
	const char *name, *code;
	size_t len;
	unsigned int vector;
} seg_faults[] = {
	{ "word at 0xffff", "\xa1\xff\xff\xf4", 4, X86_GP },
	{ "stack", "\xbd\xff\xff\x8b\x46\x00\xf4", 7, X86_SSF },
	{ "dword at 0xfffd", "\x66\xc7\x06\xfd\xff\x00\x00\x00\x00\xf4", 10, X86_GP },
	{ "divide", "\xb1\x00\xf6\xf1\xf4", 5, X86_DE },
	{ "undefined", "\x0f\x0b\xf4", 3, X86_UD },
	{ "lock on a register", "\xf0\x40\xf4", 3, X86_UD },
	{ "jump beyond the limit", "\x66\xe9\x00\x00\x01\x00\xf4", 7, X86_GP },
	{ "16 bytes", "\x2e\x2e\x2e\x2e\x2e\x2e\x2e\x2e\x2e\x2e\x2e\x2e\x2e\x2e\x2e\x90\xf4", 17, X86_GP },
};

START_TEST(test_seg_fault)
{
	real_mode();
	load(CODE, seg_faults[_i].code, seg_faults[_i].len);
	ck_assert_msg(run() == HALTED_AT_VECTOR(seg_faults[_i].vector), "%s: halted at %lx",
		      seg_faults[_i].name, c->rip);
}
END_TEST

/* ---- strings ---- */

START_TEST(test_movs_overlap)
{
	unsigned int i;

	paged_mode();
	ram[0x10ff0] = 0x77;
	/* cld; mov $0x10ff0,%esi; mov $0x10ff1,%edi; mov $0x2000,%ecx; rep movsb; hlt: fills */
	LOAD(CODE, "\xfc\xbe\xf0\x0f\x01\x00\xbf\xf1\x0f\x01\x00\xb9\x00\x20\x00\x00\xf3\xa4\xf4");
	run();
	for (i = 0; i <= 0x2000; i++)
		ck_assert_uint_eq(ram[0x10ff0 + i], 0x77);
	ck_assert_uint_eq(ram[0x10ff0 + 0x2001], 0);
	ck_assert_uint_eq(c->gpr[X86_RCX], 0);
	ck_assert_uint_eq(c->gpr[X86_RDI], 0x12ff1);
}
END_TEST

static const struct {
	const char *name;
	u32 from, to, count;
	u8 opcode;
	bool down;
} copies[] = {
	{ "bytes up, apart", 0x10123, 0x20456, 0x2100, 0xa4, false },
	{ "bytes down, apart", 0x13123, 0x23456, 0x2100, 0xa4, true },
	{ "dwords up, apart", 0x10120, 0x20457, 0xa00, 0xa5, false },
	{ "dwords down, apart", 0x13124, 0x23450, 0xa00, 0xa5, true },
	{ "dwords down, misaligned", 0x13123, 0x23451, 0xa00, 0xa5, true },
	{ "bytes up onto themselves", 0x10123, 0x10126, 0x2100, 0xa4, false },
	{ "bytes down onto themselves", 0x13126, 0x13123, 0x2100, 0xa4, true },
	{ "dwords up onto themselves", 0x10120, 0x10126, 0xa00, 0xa5, false },
	{ "dwords down onto themselves", 0x13126, 0x13120, 0xa00, 0xa5, true },
	{ "down by one, as memmove", 0x13123, 0x13124, 0x2100, 0xa4, true },
	{ "up by minus one, as memmove", 0x10124, 0x10123, 0x2100, 0xa4, false },
	{ "up, of one TLB entry", 0x110000, 0x110000 + (CPU_TLB_SIZE << 13), 0x1000, 0xa5, false },
	{ "down, of one TLB entry", 0x114ffc, 0x114ffc + (CPU_TLB_SIZE << 13), 0x1000, 0xa5, true },
};

/* One element after the other, as the manual has it. */
START_TEST(test_movs_copies)
{
	const u32 from = copies[_i].from, to = copies[_i].to, n = copies[_i].count;
	const unsigned int size = copies[_i].opcode == 0xa4 ? 1 : 4;
	const s64 step = copies[_i].down ? -(s64)size : size;
	u8 *want = malloc(RAM_SIZE);
	/* Beyond the first 4 MiB, a second table maps what is 128 KiB farther. */
	const u32 to_phys = to < RAM_SIZE ? to : (to & 0x3fffff) + 0x20000;
	unsigned int i;

	paged_mode();
	for (i = 0; to >= RAM_SIZE && i < 512; i++)
		((u32 *)(ram + PAGE_TAB))[0x400 + i] = (i + 0x20) << 12 | 7;
	if (to >= RAM_SIZE)
		((u32 *)(ram + PAGE_DIR))[to >> 22] = (PAGE_TAB + 0x1000) | 7;
	for (i = 0x10000; i < 0x30000; i++)
		ram[i] = (u8)(i * 7 + (i >> 8));
	for (i = 0x110000; i < 0x120000; i++)
		ram[i] = (u8)(i * 5 + (i >> 8));
	memcpy(want, ram, RAM_SIZE);
	for (i = 0; i < n; i++)
		memmove(want + to_phys + i * step, want + from + i * step, size);
	/* cld or std; rep movs; hlt */
	ram[CODE] = copies[_i].down ? 0xfd : 0xfc;
	ram[CODE + 1] = 0xf3;
	ram[CODE + 2] = copies[_i].opcode;
	ram[CODE + 3] = 0xf4;
	c->gpr[X86_RSI] = from;
	c->gpr[X86_RDI] = to;
	c->gpr[X86_RCX] = n;
	page_calls = 0;
	run();
	ck_assert_msg(!memcmp(want + 0x10000, ram + 0x10000, 0xf0000) &&
		      !memcmp(want + 0x110000, ram + 0x110000, RAM_SIZE - 0x110000),
		      "%s: not what was copied", copies[_i].name);
	ck_assert_uint_eq(c->gpr[X86_RCX], 0);
	ck_assert_uint_eq(c->gpr[X86_RSI], (u32)(from + n * step));
	ck_assert_uint_eq(c->gpr[X86_RDI], (u32)(to + n * step));
	/* a few for each of the pages, not for each element */
	ck_assert_msg(page_calls < 100, "%s: the host was asked %u times", copies[_i].name,
		      page_calls);
	free(want);
}
END_TEST

START_TEST(test_movs_fault)
{
	paged_mode();
	memset(ram + 0x10000, 0x33, 0x2000);
	((u32 *)(ram + PAGE_TAB))[0x22] = 0;
	/* rep movsl to 0x20ff8..: stops at the page that is not there, 0x22000, after 0x402 of 0x500 */
	LOAD(CODE, "\xfc\xbe\x00\x00\x01\x00\xbf\xf8\x0f\x02\x00\xb9\x00\x05\x00\x00\xf3\xa5\xf4");
	ck_assert_uint_eq(run(), HALTED_AT_VECTOR(X86_PF));
	ck_assert_uint_eq(c->gpr[X86_RCX], 0x500 - 0x402);
	ck_assert_uint_eq(c->gpr[X86_RDI], 0x22000);
	ck_assert_uint_eq(c->cr2, 0x22000);
	ck_assert_uint_eq(*(u32 *)(ram + 0x8000 - 12), CODE + 16);
}
END_TEST

START_TEST(test_scas_cmps)
{
	paged_mode();
	memset(ram + 0x10f00, 'x', 0x300);
	ram[0x11080] = 'y';
	memset(ram + 0x20f00, 'x', 0x300);
	/* mov $0x10f00,%edi; mov $0x300,%ecx; mov $'y',%al; repne scasb; mov %edi,%ebx; setz %dl;
	 * mov $0x10f00,%esi; mov $0x20f00,%edi; mov $0x300,%ecx; repe cmpsb; hlt */
	LOAD(CODE, "\xbf\x00\x0f\x01\x00\xb9\x00\x03\x00\x00\xb0\x79\xf2\xae\x89\xfb\x0f\x94\xc2"
		   "\xbe\x00\x0f\x01\x00\xbf\x00\x0f\x02\x00\xb9\x00\x03\x00\x00\xf3\xa6\xf4");
	run();
	ck_assert_uint_eq(c->gpr[X86_RBX], 0x11081);
	ck_assert_uint_eq((u8)c->gpr[X86_RDX], 1);
	ck_assert_uint_eq(c->gpr[X86_RDI], 0x21081);
	ck_assert_uint_eq(cpu_get_rflags(c) & (X86_FL_ZF | X86_FL_CF), 0);
}
END_TEST

START_TEST(test_stos_down)
{
	real_mode();
	/* std; mov $0x7fff,%di; mov $16,%cx; mov $0x1234,%ax; rep stosw; hlt */
	LOAD(CODE, "\xfd\xbf\xfe\x7f\xb9\x10\x00\xb8\x34\x12\xf3\xab\xf4");
	run();
	ck_assert_uint_eq(c->gpr[X86_RDI], 0x7fde);
	ck_assert_uint_eq(*(u16 *)(ram + 0x7fe0), 0x1234);
	ck_assert_uint_eq(*(u16 *)(ram + 0x7fde), 0);
}
END_TEST

/* ---- debug ---- */

START_TEST(test_single_step)
{
	u16 *frame = (u16 *)(ram + 0x8000 - 6);

	real_mode();
	LOAD(CODE, "\xb0\x01\x40\x40\xf4");
	cpu_set_rflags(c, X86_FL_ONE | X86_FL_TF);
	ck_assert_uint_eq(run(), HALTED_AT_VECTOR(X86_DB));
	ck_assert_uint_eq(frame[0], CODE + 2);
	ck_assert_uint_ne(c->dr[6] & 1 << 14, 0);
	ck_assert_uint_eq(c->rflags & X86_FL_TF, 0);
}
END_TEST

START_TEST(test_single_step_rep)
{
	real_mode();
	/* a repeated instruction traps after each iteration */
	LOAD(CODE, "\xf3\xaa\xf4");
	c->gpr[X86_RCX] = 5;
	c->gpr[X86_RDI] = 0x3000;
	cpu_set_rflags(c, X86_FL_ONE | X86_FL_TF);
	ck_assert_uint_eq(run(), HALTED_AT_VECTOR(X86_DB));
	ck_assert_uint_eq(c->gpr[X86_RCX], 4);
	ck_assert_uint_eq(*(u16 *)(ram + 0x8000 - 6), CODE);
}
END_TEST

START_TEST(test_breakpoint)
{
	real_mode();
	LOAD(CODE, "\x40\x40\x40\xf4");
	c->dr[0] = CODE + 2;
	c->dr[7] = 0x402;
	cpu_mode_changed(c);
	ck_assert_uint_eq(run(), HALTED_AT_VECTOR(X86_DB));
	ck_assert_uint_eq(c->gpr[0], 2);
	ck_assert_uint_eq(c->dr[6] & 15, 1);
	ck_assert_uint_eq(*(u16 *)(ram + 0x8000 - 6), CODE + 2);
}
END_TEST

START_TEST(test_watchpoint)
{
	real_mode();
	/* mov %al,0x3001; mov %al,0x3004; hlt: DR1 watches writes of 0x3004..7 */
	LOAD(CODE, "\xa2\x01\x30\xa2\x04\x30\xf4");
	c->dr[1] = 0x3004;
	c->dr[7] = 0x400 | 2 << 2 | 0xdu << 20;
	cpu_mode_changed(c);
	ck_assert_uint_eq(run(), HALTED_AT_VECTOR(X86_DB));
	ck_assert_uint_eq(c->dr[6] & 15, 2);
	ck_assert_uint_eq(*(u16 *)(ram + 0x8000 - 6), CODE + 6);
}
END_TEST

/* ---- interrupts ---- */

START_TEST(test_sti_shadow)
{
	real_mode();
	/* cli; sti; inc %ax; inc %ax; hlt: the interrupt waits for one instruction */
	LOAD(CODE, "\xfa\xfb\x40\x40\xf4");
	irq_vector = 0x40;
	cpu_request(c, CPU_REQ_IRQ);
	ck_assert_uint_eq(run(), HALTED_AT_VECTOR(0x40));
	ck_assert_uint_eq(c->gpr[0], 1);
}
END_TEST

START_TEST(test_sti_hlt)
{
	real_mode();
	LOAD(CODE, "\xfb\xf4\x90\xf4");
	irq_vector = 0x41;
	cpu_request(c, CPU_REQ_IRQ);
	/* HLT is entered and left for the interrupt: the frame points behind it */
	ck_assert_uint_eq(run(), HALTED_AT_VECTOR(0x41));
	ck_assert_uint_eq(*(u16 *)(ram + 0x8000 - 6), CODE + 2);
}
END_TEST

START_TEST(test_masked_then_popf)
{
	real_mode();
	/* inc %ax; push $0x200; popf; inc %ax; hlt */
	LOAD(CODE, "\x40\x68\x00\x02\x9d\x40\xf4");
	irq_vector = 0x42;
	cpu_request(c, CPU_REQ_IRQ);
	ck_assert_uint_eq(run(), HALTED_AT_VECTOR(0x42));
	ck_assert_uint_eq(c->gpr[0], 1);
}
END_TEST

START_TEST(test_kick)
{
	real_mode();
	LOAD(CODE, "\xeb\xfe");
	cpu_request(c, CPU_REQ_KICK);
	ck_assert_int_eq(cpu_run(c, 1ll << 40), CPU_EXIT_KICK);
	/* an endless loop uses up its budget */
	ck_assert_int_eq(cpu_run(c, 100000), CPU_EXIT_KICK);
	ck_assert_uint_ge(c->icount, 100000);
	ck_assert_uint_lt(c->icount, 110000);
}
END_TEST

START_TEST(test_triple_fault)
{
	paged_mode();
	c->idt.limit = 0;
	LOAD(CODE, "\x0f\x0b");
	ck_assert_int_eq(cpu_run(c, 1000), CPU_EXIT_TRIPLE);
}
END_TEST

/* More code than the arena holds: it is emptied and the program goes on. */
START_TEST(test_arena_full)
{
	u32 at = MMIO + 0x1000, end = 0x3f0000, n = 0;

	paged_mode();
	c->cr0 &= ~X86_CR0_PG;
	cpu_tlb_flush_all(c);
	cpu_mode_changed(c);
	for (; at < end; at += 3, n++)
		memcpy(ram + at, "\x40\x74\x00", 3); /* inc %eax; jz .+2 */
	ram[at] = 0xf4;
	c->rip = MMIO + 0x1000;
	ck_assert_int_eq(cpu_run(c, 1ll << 30), CPU_EXIT_HALT);
	ck_assert_uint_eq(c->rip, at + 1);
	ck_assert_uint_eq(c->gpr[0], n);
}
END_TEST

static void add(TCase *tc)
{
	tcase_add_loop_test(tc, test_smc, 0, ARRAY_SIZE(smc));
	tcase_add_test(tc, test_smc_loop);
	tcase_add_test(tc, test_code_and_data);
	tcase_add_test(tc, test_dma);
	tcase_add_test(tc, test_crossing_code);
	tcase_add_test(tc, test_crossing_fetch_fault);
	tcase_add_test(tc, test_crossing_write_fault);
	tcase_add_test(tc, test_crossing_data);
	tcase_add_test(tc, test_invlpg);
	tcase_add_test(tc, test_a20);
	tcase_add_test(tc, test_mmio);
	tcase_add_loop_test(tc, test_seg_fault, 0, ARRAY_SIZE(seg_faults));
	tcase_add_test(tc, test_movs_overlap);
	tcase_add_loop_test(tc, test_movs_copies, 0, ARRAY_SIZE(copies));
	tcase_add_test(tc, test_movs_fault);
	tcase_add_test(tc, test_scas_cmps);
	tcase_add_test(tc, test_stos_down);
	tcase_add_test(tc, test_single_step);
	tcase_add_test(tc, test_single_step_rep);
	tcase_add_test(tc, test_breakpoint);
	tcase_add_test(tc, test_watchpoint);
	tcase_add_test(tc, test_sti_shadow);
	tcase_add_test(tc, test_sti_hlt);
	tcase_add_test(tc, test_masked_then_popf);
	tcase_add_test(tc, test_kick);
	tcase_add_test(tc, test_triple_fault);
	tcase_add_test(tc, test_arena_full);
}

int main(void)
{
	Suite *su = suite_create("cpu");
	TCase *tc = tcase_create("core");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 20);
	add(tc);
	suite_add_tcase(su, tc);
	sr = srunner_create(su);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Several vCPUs on the software CPU: LOCKed operations, locks, code that another CPU writes, and
 * their start by INIT and start-up messages. The guest programs are written in 16-bit code below.
 */
#include "test/unit/lib/run.h"

#include <pthread.h>
#include <stdlib.h>
#include "devices/apic/lapic.h"
#include "test/unit/lib/cpu_rig.h"
#include "vmm/bus.h"
#include "vmm/clock.h"
#include "vmm/cpu/smp.h"
#include "vmm/vcpu.h"

#define ROUNDS  3000
#define CODE    0x1000
#define DONE    0xf4 /* a write to this port ends a program */
#define VAR(n)  (0xe000 + (n))

/* ---- guest programs; EBX is the number of the CPU, ECX the rounds, EDI the CPUs ---- */

#define PROGRAM(name, text)                                                                        \
	extern const u8 name##_start[], name##_end[];                                              \
	__asm__(".pushsection .rodata\n.code16\n" #name "_start:\n" text                           \
		"mov $0, %al\nout %al, $0xf4\n9: hlt\njmp 9b\n" #name                              \
		"_end:\n.code64\n.popsection\n")

/* Counters: aligned, across a cache line and aligned in the half of that, across a page, by
 * exchange and add, by compare and exchange. */
PROGRAM(count, "1: lock incl 0xe000\n lock addl $0x10000, 0xe03e\n lock incw 0xe040\n lock addl $1, 0xefff\n"
	       "mov $1, %eax\n lock xadd %eax, 0xe008\n"
	       "2: mov 0xe010, %eax\n lea 1(%eax), %edx\n lock cmpxchg %edx, 0xe010\n jnz 2b\n"
	       "dec %ecx\n jnz 1b\n");
/* A lock by XCHG around a plain addition. */
PROGRAM(spin, "1: mov $1, %eax\n2: xchg %eax, 0xe000\n test %eax, %eax\n jz 3f\n pause\n jmp 2b\n"
	      "3: incl 0xe100\n movl $0, 0xe000\n dec %ecx\n jnz 1b\n");
/* LOCKed operations on memory that lies beside the code itself. */
PROGRAM(beside, "jmp 1f\n nop\n nop\n .long 0\n"
		"1: lock incl 0x1004\n dec %ecx\n jnz 1b\n mov 0x1004, %eax\n mov %eax, 0xe000\n");
/*
 * CPU 0 writes the immediate of a function, then tells the number of the round in 0xe000; the
 * others serialize, call it, and answer in 0xe080 with an addition. 0xe100 counts wrong results.
 * The functions of eight successive rounds are in eight pages.
 */
PROGRAM(modify, "mov $1, %esi\n"
		"1: mov %si, %bp\n and $7, %bp\n shl $12, %bp\n add $0x4000, %bp\n"
		"test %ebx, %ebx\n jnz 4f\n"
		"movw $0xb866, (%bp)\n mov %esi, 2(%bp)\n movb $0xc3, 6(%bp)\n"
		"mov %esi, 0xe000\n"
		"lea -1(%edi), %eax\n mul %esi\n mov %eax, %edx\n"
		"2: pause\n cmp %edx, 0xe080\n jne 2b\n jmp 5f\n"
		"4: pause\n cmp %esi, 0xe000\n jne 4b\n"
		"push %ebx\n push %ecx\n xor %eax, %eax\n cpuid\n pop %ecx\n pop %ebx\n"
		"call *%bp\n cmp %esi, %eax\n je 6f\n lock incl 0xe100\n"
		"6: lock incl 0xe080\n"
		"5: inc %esi\n cmp %ecx, %esi\n jbe 1b\n");

struct program {
	const char *name;
	const u8 *start, *end;
	unsigned int cpus;
};

#define P(n, c) {#n, n##_start, n##_end, c}
static const struct program programs[] = {
	P(count, 1), P(count, 2), P(count, 4), P(spin, 2),   P(spin, 4),
	P(beside, 1), P(beside, 3), P(modify, 2), P(modify, 3),
};

/* What a variable must hold afterwards: `per` for each round of each CPU. */
static const struct {
	const char *name;
	u32 at, per;
} wanted[] = {
	{"count", VAR(0), 1},     {"count", VAR(0x3e), 0x20000}, {"count", VAR(0xfff), 1},
	{"count", VAR(8), 1},     {"count", VAR(0x10), 1}, {"spin", VAR(0x100), 1},
	{"beside", 0x1004, 1},    {"modify", VAR(0x100), 0},
};

struct smp {
	u8 *ram;
	struct cpu *c[4];
	_Atomic u32 done[4];
};

struct port_of {
	struct smp *s;
	unsigned int n;
};

static void smp_page(void *opaque, u64 gpa, bool write, struct cpu_page *out)
{
	struct port_of *p = opaque;

	out->readonly = false;
	out->hva = gpa < RIG_RAM ? p->s->ram + (gpa & CPU_PAGE_MASK) : NULL;
}

static void smp_pio_out(void *opaque, u16 port, unsigned int len, u32 val)
{
	struct port_of *p = opaque;

	if (port == DONE)
		atomic_store(&p->s->done[p->n], 1);
	cpu_request(p->s->c[p->n], CPU_REQ_KICK);
}

static u64 smp_tsc(void *opaque)
{
	return 0;
}

static const struct gm_cpu_host smp_host = {
	.page = smp_page,
	.mmio_read = rig_mmio_read,
	.mmio_write = rig_mmio_write,
	.pio_in = rig_pio_in,
	.pio_out = smp_pio_out,
	.irq_ack = rig_irq_ack,
	.tsc = smp_tsc,
};

static void *smp_thread(void *arg)
{
	struct port_of *p = arg;

	while (!atomic_load(&p->s->done[p->n]))
		cpu_run(p->s->c[p->n], 1 << 20);
	return NULL;
}

static u32 ram32(const u8 *ram, u32 at)
{
	u32 v;

	memcpy(&v, ram + at, 4);
	return v;
}

START_TEST(test_programs)
{
	const struct program *prog = &programs[_i];
	struct cpu_group *g = prog->cpus > 1 ? cpu_group_new(prog->cpus, RIG_RAM) : NULL;
	struct x86_seg cs = {.limit = 0xffff, .attr = X86_SEG_P | X86_SEG_S | X86_TYPE_CODE | 3};
	struct port_of port[4];
	struct smp s = {.ram = aligned_alloc(4096, RIG_RAM)};
	pthread_t t[4];
	unsigned int i;

	ck_assert_ptr_nonnull(s.ram);
	memset(s.ram, 0, RIG_RAM);
	memcpy(s.ram + CODE, prog->start, (size_t)(prog->end - prog->start));
	for (i = 0; i < prog->cpus; i++) {
		port[i] = (struct port_of){.s = &s, .n = i};
		s.c[i] = cpu_new(&smp_host, &port[i], NULL);
		ck_assert_ptr_nonnull(s.c[i]);
		cpu_set_seg(s.c[i], X86_CS, &cs);
		s.c[i]->rip = CODE;
		s.c[i]->gpr[X86_RBX] = i;
		s.c[i]->gpr[X86_RCX] = ROUNDS;
		s.c[i]->gpr[X86_RDI] = prog->cpus;
		s.c[i]->gpr[X86_RSP] = 0xd000 + 0x100 * i;
		if (g)
			cpu_group_add(g, s.c[i]);
	}
	for (i = 0; i < prog->cpus; i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, smp_thread, &port[i]), 0);
	for (i = 0; i < prog->cpus; i++)
		pthread_join(t[i], NULL);
	for (i = 0; i < ARRAY_SIZE(wanted); i++)
		if (!strcmp(wanted[i].name, prog->name))
			ck_assert_msg(ram32(s.ram, wanted[i].at) ==
					      wanted[i].per * ROUNDS * prog->cpus,
				      "%s, %u CPUs: [%x] is %u", prog->name, prog->cpus,
				      wanted[i].at, ram32(s.ram, wanted[i].at));
	for (i = 0; i < prog->cpus; i++)
		cpu_free(s.c[i]);
	cpu_group_free(g);
	free(s.ram);
}
END_TEST

/* ---- a whole machine: INIT, start-up, NMI ---- */

/*
 * The first CPU starts all others at 0x8000 twice, each time with INIT before, waits until 0xe000
 * counts them, then sends all of them an NMI and waits for 0xe004 to count those. The local APIC
 * is used in x2APIC mode, which 16-bit code can reach.
 */
PROGRAM(first, "cli\n xor %ax, %ax\n mov %ax, %ds\n mov %ax, %ss\n mov $0x7000, %sp\n"
	       "mov $0x1b, %ecx\n rdmsr\n or $0x400, %eax\n wrmsr\n"
	       "mov $0x80f, %ecx\n mov $0x1ff, %eax\n xor %edx, %edx\n wrmsr\n"
	       "mov $0x830, %ecx\n"
	       "mov $2, %esi\n xor %ebx, %ebx\n"
	       "1: mov $0xc4500, %eax\n xor %edx, %edx\n wrmsr\n"
	       "mov $0xc4608, %eax\n wrmsr\n wrmsr\n"
	       "add 0xe00c, %ebx\n"
	       "2: pause\n cmp %ebx, 0xe000\n jne 2b\n"
	       "dec %esi\n jnz 1b\n"
	       "mov $0xc4400, %eax\n wrmsr\n"
	       "mov 0xe00c, %ebx\n"
	       "3: pause\n cmp %ebx, 0xe004\n jne 3b\n");
PROGRAM(other, "cli\n xor %ax, %ax\n mov %ax, %ds\n mov %ax, %ss\n"
	       "mov $1, %eax\n lock xadd %eax, 0xe000\n and $15, %ax\n shl $8, %ax\n"
	       "add $0x2000, %ax\n mov %ax, %sp\n"
	       "1: hlt\n jmp 1b\n");
PROGRAM(nmi, "lock incl 0xe004\n iret\n");

static u64 port_read(void *opaque, u64 off, unsigned int size)
{
	return 0xff;
}

static void port_write(void *opaque, u64 off, unsigned int size, u64 val)
{
	gm_machine_end(opaque, GM_END_POWEROFF, "done");
}

static const struct gm_region_ops port_ops = {
	.name = "done", .read = port_read, .write = port_write, .max_size = 1,
};

static void send_init(void *opaque)
{
	gm_vcpu_init(opaque);
}

static void send_sipi(void *opaque, u8 vector)
{
	gm_vcpu_sipi(opaque, vector);
}

static void setup(void *opaque, struct gm_vcpu *v)
{
	struct lapic_cfg cfg = {.vcpu = v, .apic_id = v->apic_id, .tsc_hz = v->m->tsc_hz,
				.x2apic = true, .tsc_deadline = true, .init_ipi = send_init,
				.sipi = send_sipi, .ipi_opaque = v};
	struct gm_dev *d = NULL;

	v->has_x2apic = true;
	ck_assert_int_eq(gm_dev_create(v->m, &lapic_class, v->lapic_name, &cfg, &d), 0);
}

static struct gm_machine *machine_new(unsigned int ncpus)
{
	static const u8 jump[] = {0xea, 0x00, 0x10, 0x00, 0x00}; /* jmp 0:0x1000 */
	struct gm_accel_options o = {0};
	struct gm_machine *m = gm_machine_new("test");
	struct gm_ram *top;
	char err[128];
	u32 others = ncpus - 1, vector = 0x9000;

	ck_assert_ptr_nonnull(m);
	ck_assert_int_eq(gm_accel_open(m, "soft", &o, err, sizeof(err)), 0);
	gm_lock(m);
	ck_assert_int_eq(gm_machine_add_ram(m, 2 * MiB), 0);
	top = gm_ram_new(m->mem, "rom", 64 * KiB, 0);
	ck_assert_ptr_nonnull(gm_ram_map(m->mem, top, 0, 0xffff0000, 64 * KiB, GM_PRIO_RAM, true));
	memcpy(top->host + 0xfff0, jump, sizeof(jump));
	memcpy(m->ram->host + CODE, first_start, (size_t)(first_end - first_start));
	memcpy(m->ram->host + 0x8000, other_start, (size_t)(other_end - other_start));
	memcpy(m->ram->host + 0x9000, nmi_start, (size_t)(nmi_end - nmi_start));
	memcpy(m->ram->host + 0xe00c, &others, 4);
	memcpy(m->ram->host + 8, &vector, 4); /* NMI: 0:9000h */
	ck_assert_ptr_nonnull(gm_region_add(m->pio, DONE, 1, &port_ops, m));
	m->nvcpus = ncpus;
	ck_assert_int_eq(gm_vcpus_create(m, setup, NULL), 0);
	gm_unlock(m);
	return m;
}

START_TEST(test_start)
{
	static const unsigned int ncpus[] = {2, 4, 16};
	unsigned int n = ncpus[_i];
	struct gm_machine *m = machine_new(n);

	ck_assert_int_eq(gm_machine_run(m), GM_END_POWEROFF);
	ck_assert_uint_eq(ram32(m->ram->host, 0xe000), 2 * (n - 1));
	ck_assert_uint_eq(ram32(m->ram->host, 0xe004), n - 1);
	gm_machine_free(m);
}
END_TEST

/* Registers of all vCPUs, taken and put back: those that wait for their start still do. */
START_TEST(test_save)
{
	struct gm_regs *r = calloc(4, sizeof(*r)), *again = calloc(1, sizeof(*again));
	struct gm_machine *m = machine_new(4);
	unsigned int i;

	gm_lock(m);
	gm_vcpus_reset(m);
	gm_vcpu_sipi(m->vcpus[2], 0x42);
	for (i = 0; i < 4; i++)
		ck_assert_int_eq(gm_vcpu_regs_get(m->vcpus[i], GM_REGS_ALL, &r[i]), 0);
	ck_assert(!r[0].evt.wait_sipi && r[1].evt.wait_sipi && !r[1].evt.sipi_pending);
	ck_assert(r[2].evt.sipi_pending && r[2].evt.sipi_vector == 0x42);
	for (i = 1; i < 4; i++) /* all TSCs began together */
		ck_assert_uint_eq(m->vcpus[i]->tsc_offset, m->vcpus[0]->tsc_offset);
	r[1].rip = 0x1234;
	r[3].evt.wait_sipi = 0;
	for (i = 0; i < 4; i++) {
		ck_assert_int_eq(gm_vcpu_regs_set(m->vcpus[i], GM_REGS_ALL, &r[i]), 0);
		ck_assert_int_eq(gm_vcpu_regs_get(m->vcpus[i], GM_REGS_ALL, again), 0);
		ck_assert_mem_eq(&again->evt, &r[i].evt, sizeof(r[i].evt));
		ck_assert_uint_eq(again->rip, r[i].rip);
	}
	gm_unlock(m);
	gm_machine_free(m);
	free(again);
	free(r);
}
END_TEST

int main(void)
{
	const struct fake_test tests[] = {
		{test_programs, ARRAY_SIZE(programs)},
		{test_start, 3},
		{test_save, 1},
	};

	return fake_run("smp", tests, ARRAY_SIZE(tests));
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Interrupt controllers, timers and several vCPUs with the kernel's irqchip. The guest runs in long
 * mode with an IDT of 256 entries, which all lead to one handler: it counts the vector's interrupts
 * at COUNTS and ends the interrupt as the byte at EOI_KIND says. An OUT to port 99h ends a test's guest.
 */
#include "test/rig/rig.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define GDT      0x2800
#define IDT      0x3000 /* 4 KiB */
#define STUBS    0x4000 /* 16 bytes for each vector */
#define HANDLER  0x5000
#define COUNTS   0x7000 /* a 32-bit counter for each vector */
#define EOI_KIND 0x6ff0 /* 0: local APIC's page, 1: x2APIC, 2: both PICs, 3: none */
#define AP_CODE  0x9000

GUEST_CODE(handler, 64,
	   "push %rax; push %rcx; push %rdx; movzbl 24(%rsp), %eax; lock incl 0x7000(,%rax,4);"
	   "movzbl 0x6ff0, %eax; cmp $1, %al; ja 2f; je 1f; mov $0xfee000b0, %ecx; movl $0, (%rcx); jmp 9f;"
	   "1: mov $0x80b, %ecx; xor %eax, %eax; xor %edx, %edx; wrmsr; jmp 9f;"
	   "2: cmp $3, %al; je 9f; mov $0x20, %al; out %al, $0xa0; out %al, $0x20;"
	   "9: pop %rdx; pop %rcx; pop %rax; add $8, %rsp; iretq");

static uint32_t count(struct guest *g, unsigned int vector)
{
	return __atomic_load_n((uint32_t *)(g->mem + COUNTS) + vector, __ATOMIC_SEQ_CST);
}

static int cpuid_all(struct guest *g, int vcpu, uint32_t id)
{
	struct gm_cpuid2 *c = calloc(1, sizeof(*c) + 128 * sizeof(c->entries[0]));
	unsigned int i;

	CHECK(c);
	c->nent = 128;
	CHECK(ioctl(g->dev, GM_GET_SUPPORTED_CPUID, c) == 0);
	for (i = 0; i < c->nent; i++)
		if (c->entries[i].function == 1) {
			c->entries[i].ebx = (c->entries[i].ebx & 0xffffff) | id << 24;
			c->entries[i].ecx |= 1 << 24; /* TSC deadline */
		}
	CHECK(ioctl(vcpu, GM_SET_CPUID2, c) == 0);
	free(c);
	return 0;
}

/* The same guest again, with the interrupt controllers in the kernel. */
static int irq_open(struct guest *g)
{
	munmap(g->run, ioctl(g->dev, GM_GET_VCPU_MMAP_SIZE, 0));
	close(g->vcpu);
	close(g->vm);
	g->vm = ioctl(g->dev, GM_CREATE_VM, 0);
	CHECK(g->vm >= 0);
	CHECK(guest_slot(g, 0, 0, 0, MEM_SIZE, g->mem) == 0);
	CHECK(ioctl(g->vm, GM_SET_TSS_ADDR, 0xfffbd000) == 0);
	CHECK(ioctl(g->vm, GM_CREATE_IRQCHIP, 0) == 0);
	g->vcpu = ioctl(g->vm, GM_CREATE_VCPU, 0);
	CHECK(g->vcpu >= 0);
	g->run = mmap(NULL, ioctl(g->dev, GM_GET_VCPU_MMAP_SIZE, 0), PROT_READ | PROT_WRITE,
		      MAP_SHARED, g->vcpu, 0);
	CHECK(g->run != MAP_FAILED);
	return cpuid_all(g, g->vcpu, 0);
}

static void on_signal(int sig)
{
	(void)sig; /* RUN ends with EINTR */
}

static int irq_start(struct guest *g, const char *from, const char *to, int eoi)
{
	struct sigaction sa = { .sa_handler = on_signal };
	static const uint64_t gdt[] = { 0, 0x00af9b000000ffff, 0x00cf93000000ffff };
	struct gm_sregs s;
	unsigned int v;

	/* An interrupt that never comes is a failure, not a wait for ever. */
	sigaction(SIGALRM, &sa, NULL);
	alarm(30);
	CHECK(guest_long(g, from, to) == 0);
	memcpy(g->mem + GDT, gdt, sizeof(gdt));
	memcpy(g->mem + HANDLER, handler, handler_end - handler);
	g->mem[EOI_KIND] = eoi;
	for (v = 0; v < 256; v++) {
		uint8_t *code = g->mem + STUBS + v * 16;
		uint32_t at = STUBS + v * 16;
		int32_t rel = HANDLER - (int32_t)(at + 10);
		uint64_t gate = (at & 0xffff) | 8ull << 16 | 0x8e00ull << 32;

		code[0] = 0x68; /* push imm32; jmp rel32 */
		memcpy(code + 1, &v, 4);
		code[5] = 0xe9;
		memcpy(code + 6, &rel, 4);
		memcpy(g->mem + IDT + v * 16, &gate, 8);
		memset(g->mem + IDT + v * 16 + 8, 0, 8);
	}
	CHECK(ioctl(g->vcpu, GM_GET_SREGS, &s) == 0);
	s.gdt.base = GDT;
	s.gdt.limit = sizeof(gdt) - 1;
	s.idt.base = IDT;
	s.idt.limit = 4095;
	CHECK(ioctl(g->vcpu, GM_SET_SREGS, &s) == 0);
	return 0;
}

static int at_port(struct guest *g, unsigned int port)
{
	CHECK(guest_run(g) == GM_EXIT_IO);
	CHECK(g->run->io.direction == GM_IO_OUT && g->run->io.port == port);
	return 0;
}

static int line(struct guest *g, unsigned int gsi, int level)
{
	struct gm_irq_level l = { .irq = gsi, .level = level };

	return ioctl(g->vm, GM_IRQ_LINE_STATUS, &l) ? -100 : l.status;
}

static uint32_t lapic_reg(struct guest *g, unsigned int off)
{
	struct gm_lapic_state s;
	uint32_t v;

	if (ioctl(g->vcpu, GM_GET_LAPIC, &s))
		return 0xdeadbeef;
	memcpy(&v, s.regs + off, 4);
	return v;
}

/* ---- making ---- */

static int test_create(struct guest *g)
{
	struct gm_irq_level l = { .irq = 4, .level = 1 };
	struct gm_interrupt i = { 0x30 };
	struct gm_mp_state m;
	struct gm_lapic_state s;
	uint32_t id;
	int ap;

	CHECK(ioctl(g->vm, GM_IRQ_LINE, &l) == -1 && errno == ENXIO);
	CHECK(ioctl(g->vcpu, GM_GET_LAPIC, &s) == -1 && errno == EINVAL);
	CHECK(ioctl(g->vm, GM_CREATE_IRQCHIP, 0) == -1 && errno == EINVAL);
	CHECK(irq_open(g) == 0);
	CHECK(ioctl(g->vm, GM_CREATE_IRQCHIP, 0) == -1 && errno == EEXIST);
	CHECK(ioctl(g->vm, GM_SET_BOOT_CPU_ID, 1) == -1 && errno == EBUSY);
	CHECK(ioctl(g->vcpu, GM_INTERRUPT, &i) == -1 && errno == ENXIO);
	ap = ioctl(g->vm, GM_CREATE_VCPU, 3);
	CHECK(ap >= 0);
	CHECK(ioctl(ap, GM_GET_MP_STATE, &m) == 0 && m.mp_state == GM_MP_UNINITIALIZED);
	CHECK(ioctl(g->vcpu, GM_GET_MP_STATE, &m) == 0 && m.mp_state == GM_MP_RUNNABLE);
	CHECK(ioctl(ap, GM_GET_LAPIC, &s) == 0);
	memcpy(&id, s.regs + 0x20, 4);
	CHECK(id == 3 << 24);
	CHECK(lapic_reg(g, 0xf0) == 0xff && lapic_reg(g, 0xe0) == 0xffffffff);
	CHECK((lapic_reg(g, 0x30) & 0xff) == 0x14);
	close(ap);
	return 0;
}

/* ---- PIC ---- */

/* Both initialized for vectors 20h and 28h, lines 3 and 9 open; HLT until there was a 23h and a 29h. */
GUEST_CODE(pic_guest, 64,
	   "mov $0x11, %al; out %al, $0x20; out %al, $0xa0; mov $0x20, %al; out %al, $0x21;"
	   "mov $0x28, %al; out %al, $0xa1; mov $4, %al; out %al, $0x21; mov $2, %al; out %al, $0xa1;"
	   "mov $1, %al; out %al, $0x21; out %al, $0xa1; mov $0xf3, %al; out %al, $0x21; mov $0xfd, %al;"
	   "out %al, $0xa1; in $0x21, %al; mov %al, %bl; out %al, $0x99;"
	   "1: sti; hlt; cli; cmpl $0, 0x708c; je 1b; out %al, $0x99;"
	   "2: sti; hlt; cli; cmpl $0, 0x70a4; je 2b; mov $0x0b, %al; out %al, $0x20; in $0x20, %al; out %al, $0x99");

static int test_pic(struct guest *g)
{
	struct gm_irqchip_state c = { .chip_id = GM_IRQCHIP_PIC_SLAVE };
	struct gm_lapic_state s;
	struct gm_regs r;
	uint32_t lvt0 = 0x700;

	CHECK(irq_open(g) == 0);
	CHECK(irq_start(g, pic_guest, pic_guest_end, 2) == 0);
	CHECK(ioctl(g->vcpu, GM_GET_LAPIC, &s) == 0);
	memcpy(s.regs + 0x350, &lvt0, 4);
	CHECK(ioctl(g->vcpu, GM_SET_LAPIC, &s) == 0);
	CHECK(at_port(g, 0x99) == 0);
	CHECK(ioctl(g->vcpu, GM_GET_REGS, &r) == 0 && (r.rbx & 0xff) == 0xf3);
	CHECK(line(g, 3, 1) == 1);
	CHECK(line(g, 3, 0) >= 0);
	CHECK(line(g, 5, 1) == -1 || line(g, 5, 1) <= 0); /* masked in both */
	CHECK(line(g, 5, 0) <= 1);
	CHECK(at_port(g, 0x99) == 0);
	CHECK(count(g, 0x23) == 1 && count(g, 0x29) == 0);
	CHECK(line(g, 9, 1) == 1);
	CHECK(line(g, 9, 0) >= 0);
	CHECK(at_port(g, 0x99) == 0);
	CHECK(count(g, 0x23) == 1 && count(g, 0x29) == 1);
	CHECK(*((uint8_t *)g->run + g->run->io.data_offset) == 0);
	CHECK(ioctl(g->vm, GM_GET_IRQCHIP, &c) == 0);
	CHECK(c.pic.imr == 0xfd && c.pic.irq_base == 0x28 && c.pic.isr == 0 && c.pic.irr == 0);
	CHECK(c.pic.elcr_mask == 0xde && c.pic.init_state == 0);
	c.pic.imr = 0x12;
	c.pic.elcr = 0x02;
	CHECK(ioctl(g->vm, GM_SET_IRQCHIP, &c) == 0);
	memset(&c.pic, 0, sizeof(c.pic));
	CHECK(ioctl(g->vm, GM_GET_IRQCHIP, &c) == 0 && c.pic.imr == 0x12 && c.pic.elcr == 0x02);
	c.chip_id = 3;
	CHECK(ioctl(g->vm, GM_GET_IRQCHIP, &c) == -1 && errno == EINVAL);
	return 0;
}

/* ---- I/O APIC ---- */

/* Enables the local APIC; pin 18 level-triggered at vector 45h, pin 5 edge at 46h. */
GUEST_CODE(ioapic_guest, 64,
	   "mov $0xfee00000, %rbx; movl $0x1ff, 0xf0(%rbx); mov $0xfec00000, %rdx;"
	   "movl $0x35, (%rdx); movl $0, 0x10(%rdx); movl $0x34, (%rdx); movl $0x8045, 0x10(%rdx);"
	   "movl $0x1b, (%rdx); movl $0, 0x10(%rdx); movl $0x1a, (%rdx); movl $0x46, 0x10(%rdx);"
	   "movl $1, (%rdx); mov 0x10(%rdx), %esi; out %al, $0x99;"
	   "1: sti; hlt; cli; out %al, $0x99; jmp 1b");

static int test_ioapic(struct guest *g)
{
	struct gm_irqchip_state c = { .chip_id = GM_IRQCHIP_IOAPIC };
	struct gm_regs r;

	CHECK(irq_open(g) == 0);
	CHECK(irq_start(g, ioapic_guest, ioapic_guest_end, 3) == 0);
	CHECK(line(g, 18, 1) == -1); /* masked */
	CHECK(line(g, 18, 0) >= 0);
	CHECK(at_port(g, 0x99) == 0);
	CHECK(ioctl(g->vcpu, GM_GET_REGS, &r) == 0 && (uint32_t)r.rsi == 0x170011);
	CHECK(line(g, 18, 1) == 1);
	CHECK(ioctl(g->vm, GM_GET_IRQCHIP, &c) == 0 && c.ioapic.redirtbl[18] == 0xc045);
	CHECK(c.ioapic.irr == 1 << 18);
	CHECK(line(g, 18, 1) <= 0); /* waits for its EOI */
	CHECK(at_port(g, 0x99) == 0);
	CHECK(count(g, 0x45) == 1);
	CHECK(lapic_reg(g, 0x100 + 0x20) == 0x20 && lapic_reg(g, 0x180 + 0x20) == 0x20);
	/* An edge of the same priority class waits. */
	CHECK(line(g, 5, 1) >= 1);
	CHECK(line(g, 5, 0) >= 0);
	CHECK(lapic_reg(g, 0x200 + 0x20) & 0x40);
	return 0;
}

GUEST_CODE(level_guest, 64,
	   "mov $0xfee00000, %rbx; movl $0x1ff, 0xf0(%rbx); mov $0xfec00000, %rdx;"
	   "movl $0x34, (%rdx); movl $0x8045, 0x10(%rdx); out %al, $0x99;"
	   "1: sti; nop; cmpl $3, 0x7114; jb 1b; cli; out %al, $0x99");

/* The device behind the line is content after the third interrupt. */
static void *level_device(void *arg)
{
	struct guest *g = arg;
	struct timespec t = { .tv_nsec = 1000000 };
	unsigned int i;

	for (i = 0; i < 10000 && count(g, 0x45) < 3; i++)
		nanosleep(&t, NULL);
	line(g, 18, 0);
	return NULL;
}

static int test_level(struct guest *g)
{
	struct gm_irqchip_state c = { .chip_id = GM_IRQCHIP_IOAPIC };
	pthread_t device;

	CHECK(irq_open(g) == 0);
	CHECK(irq_start(g, level_guest, level_guest_end, 0) == 0);
	CHECK(at_port(g, 0x99) == 0);
	CHECK(line(g, 18, 1) == 1);
	CHECK(pthread_create(&device, NULL, level_device, g) == 0);
	CHECK(at_port(g, 0x99) == 0);
	pthread_join(device, NULL);
	CHECK(count(g, 0x45) >= 3);
	CHECK(ioctl(g->vm, GM_GET_IRQCHIP, &c) == 0 && c.ioapic.irr == 0);
	return 0;
}

/* ---- routes, messages, irqfd ---- */

GUEST_CODE(wait_guest, 64,
	   "mov $0xfee00000, %rbx; movl $0x1ff, 0xf0(%rbx); out %al, $0x99;"
	   "1: sti; hlt; cli; out %al, $0x99; jmp 1b");

static int test_msi(struct guest *g)
{
	struct gm_msi m = { .address_lo = 0xfee00000, .data = 0x51 };
	struct {
		struct gm_irq_routing h;
		struct gm_irq_routing_entry e[2];
	} r = { .h.nr = 2,
		.e = { { .gsi = 30, .type = GM_IRQ_ROUTING_MSI, .msi = { 0xfee00000, 0, 0x52, 0 } },
		       { .gsi = 30, .type = GM_IRQ_ROUTING_MSI, .msi = { 0xfee00000, 0, 0x53, 0 } } } };

	CHECK(irq_open(g) == 0);
	CHECK(irq_start(g, wait_guest, wait_guest_end, 0) == 0);
	CHECK(at_port(g, 0x99) == 0);
	CHECK(ioctl(g->vm, GM_SIGNAL_MSI, &m) == 1);
	CHECK(at_port(g, 0x99) == 0 && count(g, 0x51) == 1);
	m.address_lo = 0xfee07000; /* nobody there */
	CHECK(ioctl(g->vm, GM_SIGNAL_MSI, &m) == 0);
	CHECK(ioctl(g->vm, GM_SET_GSI_ROUTING, &r) == -1 && errno == EINVAL);
	r.h.nr = 1;
	CHECK(ioctl(g->vm, GM_SET_GSI_ROUTING, &r) == 0);
	CHECK(line(g, 30, 1) == 1);
	CHECK(at_port(g, 0x99) == 0 && count(g, 0x52) == 1);
	CHECK(line(g, 4, 1) == -1); /* no route any more */
	r.e[0].msi.data = 0x453; /* NMI */
	CHECK(ioctl(g->vm, GM_SET_GSI_ROUTING, &r) == 0);
	CHECK(line(g, 30, 1) == 1);
	m.address_lo = 0xfee00000;
	CHECK(ioctl(g->vm, GM_SIGNAL_MSI, &m) == 1); /* the NMI comes before the HLT */
	CHECK(at_port(g, 0x99) == 0 && count(g, 2) == 1 && count(g, 0x51) == 2);
	r.e[0].type = GM_IRQ_ROUTING_IRQCHIP;
	r.e[0].irqchip.irqchip = GM_IRQCHIP_IOAPIC;
	r.e[0].irqchip.pin = 24;
	CHECK(ioctl(g->vm, GM_SET_GSI_ROUTING, &r) == -1 && errno == EINVAL);
	return 0;
}

/* Kernels before 2.6.34 have no event descriptors that the driver could use. */
static int need_eventfds(struct guest *g)
{
	struct gm_irqfd f = { .fd = -1 };

	if (ioctl(g->dev, GM_CHECK_EXTENSION, GM_CAP_IRQFD))
		return 0;
	CHECK(!ioctl(g->dev, GM_CHECK_EXTENSION, GM_CAP_IOEVENTFD));
	CHECK(ioctl(g->vm, GM_IRQFD, &f) == -1 && errno == ENOTTY);
	test_skip("no event descriptors on this kernel");
}

static int test_irqfd(struct guest *g)
{
	struct {
		struct gm_irq_routing h;
		struct gm_irq_routing_entry e[1];
	} r = { .h.nr = 1,
		.e = { { .gsi = 40, .type = GM_IRQ_ROUTING_MSI, .msi = { 0xfee00000, 0, 0x61, 0 } } } };
	struct gm_irqfd f = { .fd = eventfd(0, EFD_CLOEXEC), .gsi = 40 };
	uint64_t one = 1;

	CHECK(need_eventfds(g) == 0);
	CHECK(irq_open(g) == 0);
	CHECK(irq_start(g, wait_guest, wait_guest_end, 0) == 0);
	CHECK(ioctl(g->vm, GM_SET_GSI_ROUTING, &r) == 0);
	CHECK(at_port(g, 0x99) == 0);
	CHECK(ioctl(g->vm, GM_IRQFD, &f) == 0);
	CHECK(ioctl(g->vm, GM_IRQFD, &f) == -1 && errno == EBUSY);
	CHECK(write(f.fd, &one, 8) == 8);
	CHECK(at_port(g, 0x99) == 0 && count(g, 0x61) == 1);
	f.flags = GM_IRQFD_DEASSIGN;
	CHECK(ioctl(g->vm, GM_IRQFD, &f) == 0);
	CHECK(write(f.fd, &one, 8) == 8); /* nobody hears it, until it is assigned again */
	CHECK(lapic_reg(g, 0x200 + 0x30) == 0);
	f.flags = 0;
	CHECK(ioctl(g->vm, GM_IRQFD, &f) == 0);
	CHECK(at_port(g, 0x99) == 0 && count(g, 0x61) == 2);
	close(f.fd);
	f.fd = 0;
	f.flags = 4;
	CHECK(ioctl(g->vm, GM_IRQFD, &f) == -1 && errno == EINVAL);
	f.flags = 0;
	CHECK(ioctl(g->vm, GM_IRQFD, &f) == -1); /* not an eventfd */
	return 0;
}

GUEST_CODE(resample_guest, 64,
	   "mov $0xfee00000, %rbx; movl $0x1ff, 0xf0(%rbx); mov $0xfec00000, %rdx;"
	   "movl $0x34, (%rdx); movl $0x8045, 0x10(%rdx); out %al, $0x99;"
	   "1: sti; hlt; cli; out %al, $0x99; jmp 1b");

static int test_resample(struct guest *g)
{
	int again = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct gm_irqfd f = { .fd = eventfd(0, EFD_CLOEXEC), .gsi = 18, .flags = GM_IRQFD_RESAMPLE,
			      .resamplefd = again };
	uint64_t one = 1, n = 0;

	CHECK(need_eventfds(g) == 0);
	CHECK(irq_open(g) == 0);
	CHECK(irq_start(g, resample_guest, resample_guest_end, 0) == 0);
	CHECK(at_port(g, 0x99) == 0);
	CHECK(ioctl(g->vm, GM_IRQFD, &f) == 0);
	CHECK(read(again, &n, 8) == -1);
	CHECK(write(f.fd, &one, 8) == 8);
	CHECK(at_port(g, 0x99) == 0 && count(g, 0x45) == 1);
	CHECK(read(again, &n, 8) == 8 && n == 1);
	CHECK(write(f.fd, &one, 8) == 8);
	CHECK(at_port(g, 0x99) == 0 && count(g, 0x45) == 2);
	CHECK(read(again, &n, 8) == 8 && n == 1);
	close(f.fd);
	close(again);
	return 0;
}

/* ---- the in-kernel bus ---- */

GUEST_CODE(bus_guest, 64,
	   "mov $0x10000000, %rbx; movl $5, (%rbx); movl $6, (%rbx); movw $5, (%rbx); movb $1, 8(%rbx);"
	   "movl $9, 8(%rbx); mov $7, %al; out %al, $0x70; movl $0x1234, 0x100(%rbx); movb $3, 0x104(%rbx);"
	   "out %al, $0x99");

static int ioeventfd(struct guest *g, int fd, uint64_t addr, unsigned int len, unsigned int flags,
		     uint64_t match)
{
	struct gm_ioeventfd e = { .addr = addr, .len = len, .fd = fd, .flags = flags,
				  .datamatch = match };

	return ioctl(g->vm, GM_IOEVENTFD, &e) ? -errno : 0;
}

static int test_bus(struct guest *g)
{
	int a = eventfd(0, EFD_NONBLOCK), b = eventfd(0, EFD_NONBLOCK), c = eventfd(0, EFD_NONBLOCK);
	int page = ioctl(g->dev, GM_CHECK_EXTENSION, GM_CAP_COALESCED_MMIO);
	struct gm_coalesced_ring *ring = (void *)((uint8_t *)g->run + page * 4096);
	struct gm_coalesced_zone z = { .addr = MMIO + 0x100, .size = 0x10 };
	uint64_t n;

	CHECK(need_eventfds(g) == 0);
	CHECK(ioeventfd(g, a, MMIO, 4, GM_IOEVENTFD_DATAMATCH, 5) == 0);
	CHECK(ioeventfd(g, a, MMIO, 4, GM_IOEVENTFD_DATAMATCH, 5) == -EEXIST);
	CHECK(ioeventfd(g, b, MMIO + 8, 0, 0, 0) == 0);
	CHECK(ioeventfd(g, b, MMIO + 8, 4, 0, 0) == -EEXIST);
	CHECK(ioeventfd(g, c, 0x70, 1, GM_IOEVENTFD_PIO, 0) == 0);
	CHECK(ioeventfd(g, c, 0x71, 3, GM_IOEVENTFD_PIO, 0) == -EINVAL);
	CHECK(ioeventfd(g, c, 0x71, 0, GM_IOEVENTFD_DATAMATCH, 0) == -EINVAL);
	CHECK(ioeventfd(g, c, ~0ull, 4, 0, 0) == -EINVAL);
	CHECK(ioctl(g->vm, GM_REGISTER_COALESCED_MMIO, &z) == 0);
	CHECK(guest_long(g, bus_guest, bus_guest_end) == 0);
	CHECK(guest_run(g) == GM_EXIT_MMIO && g->run->mmio.data[0] == 6);
	CHECK(guest_run(g) == GM_EXIT_MMIO && g->run->mmio.len == 2);
	CHECK(at_port(g, 0x99) == 0);
	CHECK(read(a, &n, 8) == 8 && n == 1);
	CHECK(read(b, &n, 8) == 8 && n == 2);
	CHECK(read(c, &n, 8) == 8 && n == 1);
	CHECK(ring->first == 0 && ring->last == 2 && ring->entries[0].phys_addr == MMIO + 0x100);
	CHECK(ring->entries[0].len == 4 && ring->entries[0].data[1] == 0x12);
	CHECK(ring->entries[1].len == 1 && ring->entries[1].data[0] == 3);
	/* A program that writes rubbish into the ring gets exits. */
	ring->last = 0xffffff00;
	CHECK(ioeventfd(g, a, MMIO, 4, GM_IOEVENTFD_DATAMATCH | GM_IOEVENTFD_DEASSIGN, 6) == -ENOENT);
	CHECK(ioeventfd(g, a, MMIO, 4, GM_IOEVENTFD_DATAMATCH | GM_IOEVENTFD_DEASSIGN, 5) == 0);
	CHECK(guest_long(g, bus_guest, bus_guest_end) == 0);
	CHECK(guest_run(g) == GM_EXIT_MMIO && g->run->mmio.data[0] == 5);
	ring->first = ring->last = 0;
	CHECK(ioctl(g->vm, GM_UNREGISTER_COALESCED_MMIO, &z) == 0);
	close(a);
	close(b);
	close(c);
	return 0;
}

/* ---- timers ---- */

/*
 * Without HLT where only one interrupt comes: QEMU 7.2 forgets the shadow of STI at VMRUN, and one that comes between
 * STI and HLT would be waited for in vain.
 */
GUEST_CODE(timer_guest, 64,
	   "mov $0xfee00000, %rbx; movl $0x1ff, 0xf0(%rbx); movl $0xb, 0x3e0(%rbx);"
	   "movl $0x70, 0x320(%rbx); movl $200000, 0x380(%rbx); mov 0x390(%rbx), %esi;"
	   "1: sti; nop; cli; cmpl $1, 0x71c0; jb 1b; mov 0x390(%rbx), %edi; out %al, $0x99;"
	   "movl $0x20071, 0x320(%rbx); movl $500000, 0x380(%rbx);"
	   "2: sti; hlt; cli; cmpl $3, 0x71c4; jb 2b; movl $0x10071, 0x320(%rbx); out %al, $0x99;"
	   "movl $0x40072, 0x320(%rbx); mfence; mov $0x6e0, %ecx; rdtsc; add $1000000, %eax; adc $0, %edx; wrmsr;"
	   "3: sti; nop; cli; cmpl $1, 0x71c8; jb 3b; rdmsr; mov %eax, %esi; out %al, $0x99;");

static int test_timer(struct guest *g)
{
	struct gm_regs r;

	CHECK(irq_open(g) == 0);
	CHECK(irq_start(g, timer_guest, timer_guest_end, 0) == 0);
	CHECK(at_port(g, 0x99) == 0);
	CHECK(count(g, 0x70) == 1);
	CHECK(ioctl(g->vcpu, GM_GET_REGS, &r) == 0 && r.rsi <= 200000 && r.rdi == 0);
	CHECK(at_port(g, 0x99) == 0);
	CHECK(count(g, 0x70) == 1 && count(g, 0x71) >= 3);
	CHECK(at_port(g, 0x99) == 0);
	CHECK(count(g, 0x72) == 1);
	CHECK(ioctl(g->vcpu, GM_GET_REGS, &r) == 0 && r.rsi == 0);
	return 0;
}

/* Channel 0 at 1 kHz through the PIC; then channel 2 by its gate. */
GUEST_CODE(pit_guest, 64,
	   "mov $0x11, %al; out %al, $0x20; mov $0x20, %al; out %al, $0x21; mov $4, %al; out %al, $0x21;"
	   "mov $1, %al; out %al, $0x21; mov $0xfe, %al; out %al, $0x21; mov $0x34, %al; out %al, $0x43;"
	   "mov $0xa9, %al; out %al, $0x40; mov $4, %al; out %al, $0x40;"
	   "1: sti; hlt; cli; cmpl $4, 0x7080; jb 1b; out %al, $0x99;"
	   "mov $0xb0, %al; out %al, $0x43; mov $0xff, %al; out %al, $0x42; mov $2, %al; out %al, $0x42;"
	   "mov $1, %al; out %al, $0x61; 2: in $0x61, %al; test $0x20, %al; jz 2b;"
	   "mov $0xe8, %al; out %al, $0x43; in $0x42, %al; out %al, $0x99");

static int test_pit(struct guest *g)
{
	struct gm_pit_config c = { .flags = GM_PIT_SPEAKER_DUMMY };
	struct gm_pit_state2 s;
	struct gm_lapic_state l;
	uint32_t lvt0 = 0x700;

	CHECK(irq_open(g) == 0);
	CHECK(ioctl(g->vm, GM_GET_PIT2, &s) == -1 && errno == ENXIO);
	CHECK(ioctl(g->vm, GM_CREATE_PIT2, &c) == 0);
	CHECK(ioctl(g->vm, GM_CREATE_PIT2, &c) == -1 && errno == EEXIST);
	CHECK(irq_start(g, pit_guest, pit_guest_end, 2) == 0);
	CHECK(ioctl(g->vcpu, GM_GET_LAPIC, &l) == 0);
	memcpy(l.regs + 0x350, &lvt0, 4);
	CHECK(ioctl(g->vcpu, GM_SET_LAPIC, &l) == 0);
	CHECK(at_port(g, 0x99) == 0);
	CHECK(count(g, 0x20) >= 4);
	CHECK(ioctl(g->vm, GM_GET_PIT2, &s) == 0);
	CHECK(s.channels[0].count == 0x4a9 && s.channels[0].mode == 2);
	CHECK(at_port(g, 0x99) == 0);
	/* Status: output up, both bytes, mode 0. */
	CHECK((*((uint8_t *)g->run + g->run->io.data_offset) & 0xbf) == 0xb0);
	s.channels[0].count = 0;
	s.channels[1].mode = 0xff;
	CHECK(ioctl(g->vm, GM_SET_PIT2, &s) == 0);
	return 0;
}

/* ---- several vCPUs ---- */

struct ap {
	struct guest g;
	pthread_t thread;
	int ret, done;
};

static void *ap_main(void *arg)
{
	struct ap *a = arg;

	do {
		a->ret = guest_run(&a->g);
	} while (a->ret == -EAGAIN || (a->ret == -EINTR && !a->g.run->immediate_exit));
	__atomic_store_n(&a->done, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static int ap_start(struct guest *g, struct ap *a, unsigned int id)
{
	struct sigaction sa = { .sa_handler = on_signal };

	sigaction(SIGUSR1, &sa, NULL);
	a->g = *g;
	a->done = 0;
	a->g.vcpu = ioctl(g->vm, GM_CREATE_VCPU, id);
	CHECK(a->g.vcpu >= 0);
	a->g.run = mmap(NULL, ioctl(g->dev, GM_GET_VCPU_MMAP_SIZE, 0), PROT_READ | PROT_WRITE,
			MAP_SHARED, a->g.vcpu, 0);
	CHECK(a->g.run != MAP_FAILED);
	CHECK(cpuid_all(&a->g, a->g.vcpu, id) == 0);
	CHECK(pthread_create(&a->thread, NULL, ap_main, a) == 0);
	return 0;
}

/* Its thread may be anywhere: outside of RUN, in guest mode, blocked. */
static int ap_stop(struct ap *a)
{
	struct timespec t = { .tv_nsec = 1000000 };

	a->g.run->immediate_exit = 1;
	while (!__atomic_load_n(&a->done, __ATOMIC_SEQ_CST)) {
		pthread_kill(a->thread, SIGUSR1);
		nanosleep(&t, NULL);
	}
	pthread_join(a->thread, NULL);
	munmap(a->g.run, ioctl(a->g.dev, GM_GET_VCPU_MMAP_SIZE, 0));
	close(a->g.vcpu);
	return 0;
}

/* INIT, start-up at 9000h; each message to APIC id 1 with vector 40h brings one of vector 41h. */
GUEST_CODE(bsp, 64,
	   "mov $0xfee00000, %rbx; movl $0x1ff, 0xf0(%rbx);"
	   "movl $0x1000000, 0x310(%rbx); movl $0x4500, 0x300(%rbx); movl $0x4609, 0x300(%rbx);"
	   "1: pause; cmpl $1, 0x6f00; jne 1b;"
	   "xor %esi, %esi; 2: inc %esi; movl $0x1000000, 0x310(%rbx); movl $0x4040, 0x300(%rbx);"
	   "3: sti; pause; cli; cmp %esi, 0x7104; jb 3b; cmp $200, %esi; jb 2b; out %al, $0x99;"
	   "movl $0xc4042, 0x300(%rbx); 4: pause; cmpl $1, 0x6f04; jb 4b; out %al, $0x99");
/* Real mode with the x2APIC, whose registers are MSRs; interrupts wake it from HLT. */
GUEST_CODE(ap_code, 16,
	   "xor %ax, %ax; mov %ax, %ds; mov %ax, %ss; mov $0x8f00, %sp;"
	   "mov $0x1b, %ecx; rdmsr; or $0xc00, %eax; wrmsr; mov $0x80f, %ecx; mov $0x1ff, %eax; xor %edx, %edx; wrmsr;"
	   "movw $0x9100, 0x100; movw $0, 0x102; movw $0x9180, 0x108; movw $0, 0x10a;"
	   "movl $1, 0x6f00; 1: sti; hlt; jmp 1b");
GUEST_CODE(ap_int40, 16,
	   "push %eax; push %ecx; push %edx; xor %edx, %edx; xor %eax, %eax; mov $0x80b, %ecx; wrmsr;"
	   "mov $0x830, %ecx; mov $0x4041, %eax; wrmsr; pop %edx; pop %ecx; pop %eax; iretw");
GUEST_CODE(ap_int42, 16,
	   "push %eax; push %ecx; push %edx; xor %edx, %edx; xor %eax, %eax; mov $0x80b, %ecx; wrmsr;"
	   "lock incl 0x6f04; pop %edx; pop %ecx; pop %eax; iretw");

static int test_smp(struct guest *g)
{
	struct gm_mp_state m;
	struct ap a;
	int ret;

	CHECK(irq_open(g) == 0);
	CHECK(irq_start(g, bsp, bsp_end, 0) == 0);
	memset(g->mem + 0x6f00, 0, 8);
	memcpy(g->mem + AP_CODE, ap_code, ap_code_end - ap_code);
	memcpy(g->mem + 0x9100, ap_int40, ap_int40_end - ap_int40);
	memcpy(g->mem + 0x9180, ap_int42, ap_int42_end - ap_int42);
	CHECK(ap_start(g, &a, 1) == 0);
	ret = at_port(g, 0x99);
	if (!ret)
		ret = at_port(g, 0x99);
	CHECK(ap_stop(&a) == 0);
	CHECK(ret == 0);
	CHECK(count(g, 0x41) == 200 && *(uint32_t *)(g->mem + 0x6f04) == 1);
	CHECK(ioctl(g->vcpu, GM_GET_MP_STATE, &m) == 0 && m.mp_state == GM_MP_RUNNABLE);
	return 0;
}

/* A vCPU that waits for its start-up, one that is halted: a signal ends RUN. */
static int test_blocked(struct guest *g)
{
	struct itimerval t = { .it_value.tv_usec = 20000 };
	struct sigaction sa = { .sa_handler = on_signal };
	struct gm_mp_state m = { GM_MP_UNINITIALIZED };

	sigaction(SIGALRM, &sa, NULL);
	CHECK(ioctl(g->vcpu, GM_SET_MP_STATE, &m) == -1 && errno == EINVAL);
	CHECK(irq_open(g) == 0);
	CHECK(irq_start(g, wait_guest, wait_guest_end, 0) == 0);
	CHECK(ioctl(g->vcpu, GM_SET_MP_STATE, &m) == 0);
	setitimer(ITIMER_REAL, &t, NULL);
	CHECK(guest_run(g) == -EINTR);
	m.mp_state = GM_MP_RUNNABLE;
	CHECK(ioctl(g->vcpu, GM_SET_MP_STATE, &m) == 0);
	CHECK(at_port(g, 0x99) == 0);
	setitimer(ITIMER_REAL, &t, NULL);
	CHECK(guest_run(g) == -EINTR);
	CHECK(ioctl(g->vcpu, GM_GET_MP_STATE, &m) == 0 && m.mp_state == GM_MP_HALTED);
	m.mp_state = 77;
	CHECK(ioctl(g->vcpu, GM_SET_MP_STATE, &m) == -1 && errno == EINVAL);
	return 0;
}

/* ---- x2APIC, priorities ---- */

GUEST_CODE(x2_guest, 64,
	   "mov $0x1b, %ecx; rdmsr; or $0x400, %eax; wrmsr; mov $0x80f, %ecx; mov $0x1ff, %eax; xor %edx, %edx; wrmsr;"
	   "mov $0x80d, %ecx; rdmsr; mov %eax, %esi; mov $0xfee00020, %edi; mov (%rdi), %edi;"
	   "mov $0x83f, %ecx; mov $0x55, %eax; wrmsr; mov $0x66, %eax; wrmsr; mov $0x808, %ecx; mov $0x60, %eax; wrmsr;"
	   "sti; nop; nop; nop; out %al, $0x99; xor %eax, %eax; wrmsr; nop; nop; out %al, $0x99");

/* The same by CR8. */
GUEST_CODE(cr8_guest, 64,
	   "mov $0xfee00000, %rbx; movl $0x1ff, 0xf0(%rbx); mov $6, %eax; mov %rax, %cr8;"
	   "movl $0x40055, 0x300(%rbx); movl $0x40076, 0x300(%rbx); sti; nop; nop; out %al, $0x99;"
	   "xor %eax, %eax; mov %rax, %cr8; nop; nop; out %al, $0x99");

static int test_x2apic(struct guest *g)
{
	struct gm_regs r;

	CHECK(irq_open(g) == 0);
	CHECK(irq_start(g, x2_guest, x2_guest_end, 1) == 0);
	CHECK(at_port(g, 0x99) == 0);
	CHECK(ioctl(g->vcpu, GM_GET_REGS, &r) == 0 && (uint32_t)r.rsi == 1 && (uint32_t)r.rdi == 0xffffffff);
	CHECK(g->run->cr8 == 6);
	CHECK(count(g, 0x66) == 0 && count(g, 0x55) == 0);
	CHECK(at_port(g, 0x99) == 0);
	CHECK(count(g, 0x66) == 1 && count(g, 0x55) == 1);
	CHECK((lapic_reg(g, 0x20) >> 24) == 0 && lapic_reg(g, 0xd0) == 1);
	return 0;
}

static int test_cr8(struct guest *g)
{
	/* QEMU 7.2 ends when a guest that runs nested writes CR8 unintercepted, as in-tree KVM lets it. */
	if (strcmp(g->path, "/dev/guestmode"))
		return 0;
	CHECK(irq_open(g) == 0);
	CHECK(irq_start(g, cr8_guest, cr8_guest_end, 0) == 0);
	CHECK(at_port(g, 0x99) == 0);
	CHECK(g->run->cr8 == 6 && lapic_reg(g, 0x80) == 0x60);
	CHECK(count(g, 0x76) == 1 && count(g, 0x55) == 0);
	CHECK(at_port(g, 0x99) == 0);
	CHECK(count(g, 0x76) == 1 && count(g, 0x55) == 1);
	return 0;
}

/* Task priority in the local APIC's page, which then moves: the old place is the program's. */
GUEST_CODE(tpr_guest, 64,
	   "mov $0xfee00000, %rbx; movl $0x1ff, 0xf0(%rbx); movl $0x2f, 0x80(%rbx); mov 0x80(%rbx), %esi;"
	   "mov %cr8, %rdi; movl $0x40025, 0x300(%rbx); sti; nop; nop; out %al, $0x99;"
	   "movl $0x1f, 0x80(%rbx); nop; nop; out %al, $0x99;"
	   "mov $0x1b, %ecx; rdmsr; mov $0xfed10900, %eax; wrmsr; mov 0x20(%rbx), %esi;"
	   "mov $0xfed10000, %ebx; mov 0x80(%rbx), %edi; out %al, $0x99");

static int test_tpr(struct guest *g)
{
	struct gm_regs r;
	uint32_t v = 0x5a;

	CHECK(irq_open(g) == 0);
	CHECK(irq_start(g, tpr_guest, tpr_guest_end, 0) == 0);
	CHECK(at_port(g, 0x99) == 0);
	CHECK(ioctl(g->vcpu, GM_GET_REGS, &r) == 0 && r.rsi == 0x2f && r.rdi == 2);
	CHECK(count(g, 0x25) == 0 && lapic_reg(g, 0x80) == 0x2f);
	CHECK(at_port(g, 0x99) == 0);
	CHECK(count(g, 0x25) == 1 && lapic_reg(g, 0x80) == 0x1f);
	if (strcmp(g->path, "/dev/guestmode"))
		return 0;
	CHECK(guest_run(g) == GM_EXIT_MMIO && g->run->mmio.phys_addr == 0xfee00020 && !g->run->mmio.is_write);
	memcpy(g->run->mmio.data, &v, 4);
	CHECK(at_port(g, 0x99) == 0);
	CHECK(ioctl(g->vcpu, GM_GET_REGS, &r) == 0 && r.rsi == 0x5a && r.rdi == 0x1f);
	return 0;
}

static int test_lapic_image(struct guest *g)
{
	struct gm_lapic_state s, t;
	uint32_t v;

	CHECK(irq_open(g) == 0);
	CHECK(irq_start(g, wait_guest, wait_guest_end, 0) == 0);
	CHECK(at_port(g, 0x99) == 0);
	CHECK(ioctl(g->vcpu, GM_GET_LAPIC, &s) == 0);
	v = 0x44;
	memcpy(s.regs + 0x80, &v, 4);
	v = 1 << 5;
	memcpy(s.regs + 0x200 + 0x20, &v, 4); /* 45h waits */
	CHECK(ioctl(g->vcpu, GM_SET_LAPIC, &s) == 0);
	CHECK(ioctl(g->vcpu, GM_GET_LAPIC, &t) == 0);
	memcpy(&v, t.regs + 0x80, 4);
	CHECK(v == 0x44);
	v = 0;
	memcpy(s.regs + 0x80, &v, 4);
	CHECK(ioctl(g->vcpu, GM_SET_LAPIC, &s) == 0);
	CHECK(at_port(g, 0x99) == 0 && count(g, 0x45) == 1);
	/* Rubbish does no harm. */
	memset(&s, 0xff, sizeof(s));
	ioctl(g->vcpu, GM_SET_LAPIC, &s);
	CHECK(ioctl(g->vcpu, GM_GET_LAPIC, &t) == 0);
	return 0;
}

/* ---- the paravirtual clock ---- */

/* Clock page at a000h, wall clock at a100h; each OUT shows RDTSC in RAX. */
GUEST_CODE(clock_guest, 64,
	   "mov $0x4b564d01, %ecx; mov $0xa001, %eax; xor %edx, %edx; wrmsr;"
	   "mov $0x4b564d00, %ecx; mov $0xa100, %eax; wrmsr; 1: rdtsc; shl $32, %rdx; or %rdx, %rax; out %al, $0x99; jmp 1b");

struct pv_time {
	uint32_t version, pad0;
	uint64_t tsc, ns;
	uint32_t mul;
	int8_t shift;
	uint8_t flags, pad[2];
};

/* What the guest would read, in ns. */
static uint64_t clock_of(struct guest *g)
{
	struct pv_time *t = (struct pv_time *)(g->mem + 0xa000);
	struct gm_regs r;
	uint64_t d;

	if (ioctl(g->vcpu, GM_GET_REGS, &r) || (t->version & 1) || !t->version)
		return ~0ull;
	d = r.rax - t->tsc;
	d = t->shift < 0 ? d >> -t->shift : d << t->shift;
	return t->ns + (d >> 32) * t->mul + ((d & 0xffffffff) * t->mul >> 32);
}

#define SECOND 1000000000ull

static int test_clock(struct guest *g)
{
	struct gm_clock_data d = { .clock = 5000 * SECOND }, now;
	uint32_t wall[3];
	uint64_t a, b;

	CHECK(ioctl(g->vcpu, GM_KVMCLOCK_CTRL, 0) == -1 && errno == EINVAL);
	CHECK(guest_long(g, clock_guest, clock_guest_end) == 0);
	CHECK(at_port(g, 0x99) == 0 && at_port(g, 0x99) == 0);
	a = clock_of(g);
	CHECK(ioctl(g->vm, GM_GET_CLOCK, &now) == 0);
	CHECK(a < 100 * SECOND && now.clock + SECOND > a && now.clock < a + 20 * SECOND);
	memcpy(wall, g->mem + 0xa100, 12);
	CHECK(!(wall[0] & 1) && wall[2] < SECOND);
	CHECK(wall[1] + 200ull > (uint64_t)time(NULL) && wall[1] < (uint64_t)time(NULL) + 2);
	CHECK(at_port(g, 0x99) == 0);
	b = clock_of(g);
	CHECK(b > a && b < a + 20 * SECOND);
	CHECK(ioctl(g->vm, GM_SET_CLOCK, &d) == 0);
	CHECK(at_port(g, 0x99) == 0);
	b = clock_of(g);
	CHECK(b >= d.clock && b < d.clock + 20 * SECOND);
	CHECK(ioctl(g->vcpu, GM_KVMCLOCK_CTRL, 0) == 0);
	CHECK(at_port(g, 0x99) == 0);
	CHECK(((struct pv_time *)(g->mem + 0xa000))->flags & 2);
	d.flags = 0x100;
	CHECK(ioctl(g->vm, GM_SET_CLOCK, &d) == -1 && errno == EINVAL);
	return 0;
}

const struct test tests_irq[] = {
	{ "irqchip: paravirtual clock", test_clock },
	{ "irqchip: making it", test_create },
	{ "irqchip: PIC pair", test_pic },
	{ "irqchip: I/O APIC", test_ioapic },
	{ "irqchip: a level that stays comes again", test_level },
	{ "irqchip: messages and routes", test_msi },
	{ "irqchip: irqfd", test_irqfd },
	{ "irqchip: irqfd with resampling", test_resample },
	{ "ioeventfd, coalesced writes", test_bus },
	{ "irqchip: local APIC timer", test_timer },
	{ "irqchip: PIT", test_pit },
	{ "irqchip: INIT, start-up, IPIs", test_smp },
	{ "irqchip: signals and blocked vCPUs", test_blocked },
	{ "irqchip: x2APIC", test_x2apic },
	{ "irqchip: CR8", test_cr8 },
	{ "irqchip: TPR in memory, the page moves", test_tpr },
	{ "irqchip: local APIC's image", test_lapic_image },
	{ NULL, NULL },
};

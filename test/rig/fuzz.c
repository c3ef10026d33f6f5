// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A hostile program: every ioctl with hostile arguments from many threads, while memory slots and their
 * memory come and go under running vCPUs. It has no wanted result but that the host survives; run it on
 * a kernel with checks (test/rig/run.sh --kernel debug). The seed makes a thread's choices repeatable.
 */
#include "test/rig/rig.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NVM      2
#define NVCPU    4
#define NEVENT   4
#define ARENA    (8u << 20) /* whose pages slots name */
#define NTHREADS 10

struct fuzz {
	int dev;
	int vm[NVM];
	int vcpu[NVM * NVCPU];
	struct gm_run *run[NVM * NVCPU]; /* mapped once, by whichever vCPU was there first */
	int event[NEVENT];
	uint8_t *arena;
	time_t end;
	pthread_t threads[NTHREADS];
};

struct worker {
	struct fuzz *f;
	uint64_t rng;
	unsigned int index;
	unsigned long done;
};

static uint64_t rnd(struct worker *w)
{
	w->rng ^= w->rng << 13;
	w->rng ^= w->rng >> 7;
	w->rng ^= w->rng << 17;
	return w->rng;
}

static unsigned int pick(struct worker *w, unsigned int n)
{
	return (unsigned int)(rnd(w) >> 33) % n;
}

/* Numbers at which checks go wrong. */
static uint64_t value(struct worker *w)
{
	static const uint64_t edge[] = {
		0, 1, 2, 3, 4, 8, 15, 16, 31, 32, 63, 64, 127, 128, 255, 256, 0xfff, 0x1000, 0x1001,
		0x7fff, 0xffff, 0x10000, 0x200000, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000ull,
		0xfee00000, 0xfec00000, 0x7fffffffffffffffull, 0x8000000000000000ull, ~0ull, ~0xfffull,
		0x00007ffffffff000ull, 0xffff800000000000ull, 0xffff888000000000ull, 0x80000011,
		0x500, 0xd01, 0x6000000000000ull,
	};

	switch (pick(w, 6)) {
	case 0: return rnd(w);
	case 1: return rnd(w) & 0xff;
	case 2: return (uintptr_t)w->f->arena + (rnd(w) & (ARENA - 1) & ~0xfffull);
	case 3: return (unsigned int)w->f->event[pick(w, NEVENT)];
	}
	return edge[pick(w, sizeof(edge) / sizeof(edge[0]))];
}

static void fill(struct worker *w, uint8_t *buf, size_t len)
{
	uint64_t v;
	size_t i;

	for (i = 0; i + 8 <= len; i += 8) {
		v = value(w);
		if (pick(w, 2)) /* two small fields */
			v = (v & 0xffffffff) | value(w) << 32;
		memcpy(buf + i, &v, 8);
	}
}

/* Who answers it, and the command that gives an argument to start from (0: none). */
enum { ON_DEV = 1, ON_VM = 2, ON_VCPU = 4 };

struct command {
	unsigned long cmd;
	unsigned long get;
	unsigned int on;
	unsigned int size; /* of what the argument points to; 0: a number, or as the command says */
};

static const struct command commands[] = {
	{ GM_GET_API_VERSION, 0, ON_DEV, 0 },
	{ GM_CHECK_EXTENSION, 0, ON_DEV | ON_VM, 0 },
	{ GM_GET_VCPU_MMAP_SIZE, 0, ON_DEV, 0 },
	{ GM_GET_MSR_INDEX_LIST, 0, ON_DEV, 2048 },
	{ GM_GET_MSR_FEATURE_INDEX_LIST, 0, ON_DEV, 2048 },
	{ GM_GET_SUPPORTED_CPUID, 0, ON_DEV, 8192 },
	{ GM_X86_GET_MCE_CAP_SUPPORTED, 0, ON_DEV, 0 },
	{ GM_SET_USER_MEMORY_REGION, 0, ON_VM, 0 },
	{ GM_GET_DIRTY_LOG, 0, ON_VM, 0 },
	{ GM_ENABLE_CAP, 0, ON_VM | ON_VCPU, 0 },
	{ GM_SET_TSS_ADDR, 0, ON_VM, 0 },
	{ GM_SET_IDENTITY_MAP_ADDR, 0, ON_VM, 0 },
	{ GM_GET_TSC_KHZ, 0, ON_VM | ON_VCPU, 0 },
	{ GM_IOEVENTFD, 0, ON_VM, 0 },
	{ GM_REGISTER_COALESCED_MMIO, 0, ON_VM, 0 },
	{ GM_UNREGISTER_COALESCED_MMIO, 0, ON_VM, 0 },
	{ GM_GET_REGS, 0, ON_VCPU, 0 },
	{ GM_SET_REGS, GM_GET_REGS, ON_VCPU, 0 },
	{ GM_GET_SREGS, 0, ON_VCPU, 0 },
	{ GM_SET_SREGS, GM_GET_SREGS, ON_VCPU, 0 },
	{ GM_INTERRUPT, 0, ON_VCPU, 0 },
	{ GM_GET_MSRS, 0, ON_DEV | ON_VCPU, 4104 },
	{ GM_SET_MSRS, GM_GET_MSRS, ON_VCPU, 4104 },
	{ GM_SET_SIGNAL_MASK, 0, ON_VCPU, 16 },
	{ GM_GET_FPU, 0, ON_VCPU, 0 },
	{ GM_SET_FPU, GM_GET_FPU, ON_VCPU, 0 },
	{ GM_SET_CPUID2, GM_GET_CPUID2, ON_VCPU, 8192 },
	{ GM_GET_CPUID2, 0, ON_VCPU, 8192 },
	{ GM_GET_MP_STATE, 0, ON_VCPU, 0 },
	{ GM_SET_MP_STATE, 0, ON_VCPU, 0 },
	{ GM_NMI, 0, ON_VCPU, 0 },
	{ GM_GET_VCPU_EVENTS, 0, ON_VCPU, 0 },
	{ GM_SET_VCPU_EVENTS, GM_GET_VCPU_EVENTS, ON_VCPU, 0 },
	{ GM_GET_DEBUGREGS, 0, ON_VCPU, 0 },
	{ GM_SET_DEBUGREGS, GM_GET_DEBUGREGS, ON_VCPU, 0 },
	{ GM_GET_XSAVE, 0, ON_VCPU, 0 },
	{ GM_SET_XSAVE, GM_GET_XSAVE, ON_VCPU, 0 },
	{ GM_GET_XSAVE2, 0, ON_VCPU, 0 },
	{ GM_GET_XCRS, 0, ON_VCPU, 0 },
	{ GM_SET_XCRS, GM_GET_XCRS, ON_VCPU, 0 },
	{ GM_TRANSLATE, 0, ON_VCPU, 0 },
	{ GM_SET_GUEST_DEBUG, 0, ON_VCPU, 0 },
	{ GM_X86_SETUP_MCE, 0, ON_VCPU, 0 },
	{ GM_X86_SET_MCE, 0, ON_VCPU, 0 },
	{ GM_SET_VAPIC_ADDR, 0, ON_VCPU, 0 },
	{ GM_CLEAR_DIRTY_LOG, 0, ON_VM, 0 },
	{ GM_CREATE_IRQCHIP, 0, ON_VM, 0 },
	{ GM_CREATE_PIT, 0, ON_VM, 0 },
	{ GM_CREATE_PIT2, 0, ON_VM, 0 },
	{ GM_SET_BOOT_CPU_ID, 0, ON_VM, 0 },
	{ GM_IRQ_LINE, 0, ON_VM, 0 },
	{ GM_IRQ_LINE_STATUS, 0, ON_VM, 0 },
	{ GM_SIGNAL_MSI, 0, ON_VM, 0 },
	{ GM_GET_IRQCHIP, 0, ON_VM, sizeof(struct gm_irqchip_state) },
	{ GM_SET_IRQCHIP, GM_GET_IRQCHIP, ON_VM, sizeof(struct gm_irqchip_state) },
	{ GM_GET_PIT2, 0, ON_VM, 0 },
	{ GM_SET_PIT2, GM_GET_PIT2, ON_VM, 0 },
	{ GM_SET_PIT, GM_GET_PIT, ON_VM, 128 },
	{ GM_REINJECT_CONTROL, 0, ON_VM, 0 },
	{ GM_SET_GSI_ROUTING, 0, ON_VM, 4104 },
	{ GM_IRQFD, 0, ON_VM, 0 },
	{ GM_GET_CLOCK, 0, ON_VM, 0 },
	{ GM_SET_CLOCK, GM_GET_CLOCK, ON_VM, 0 },
	{ GM_GET_LAPIC, 0, ON_VCPU, 0 },
	{ GM_SET_LAPIC, GM_GET_LAPIC, ON_VCPU, 0 },
	{ GM_KVMCLOCK_CTRL, 0, ON_VCPU, 0 },
	{ GM_SET_TSC_KHZ, 0, ON_VCPU, 0 },
	{ GM_SET_DEVICE_ATTR, 0, ON_VCPU, 0 },
	{ GM_GET_DEVICE_ATTR, 0, ON_VCPU, 0 },
	{ GM_HAS_DEVICE_ATTR, 0, ON_VCPU, 0 },
};

/*
 * QEMU (7.2) ends guest mode without the host's paging if the guest had EFER.LME set and neither CR4.PAE nor
 * CR0.PG: that would be the end of the emulated host, with any driver.
 */
static void spare_emulator(unsigned long cmd, uint8_t *buf, size_t size)
{
	struct gm_sregs *s = (struct gm_sregs *)buf;

	if (cmd == GM_SET_SREGS && size == sizeof(*s) && !(s->cr4 & 0x20))
		s->efer &= ~0x100ull;
}

/* The argument: mostly a filled buffer, now and then a bad pointer or one that ends in a hole. */
static unsigned long argument(struct worker *w, uint8_t *page, const struct command *c, int fd)
{
	size_t size = c->size ? c->size : _IOC_SIZE(c->cmd);
	uint8_t *buf = page + 8192 - size;
	unsigned int i;

	if (!size)
		return pick(w, 4) ? value(w) : 0;
	switch (pick(w, 16)) {
	case 0: return value(w);
	case 1: return (unsigned long)page + 8192 - pick(w, size);
	}
	fill(w, buf, size);
	if (size > 2048 || pick(w, 2)) /* counts at the start */
		memcpy(buf, &(uint32_t){ pick(w, 4) ? pick(w, 128) : rnd(w) }, 4);
	if (c->get && pick(w, 8)) {
		ioctl(fd, c->get, buf);
		for (i = pick(w, 4); i; i--)
			buf[pick(w, size)] ^= 1u << pick(w, 8);
	}
	spare_emulator(c->cmd, buf, size);
	return (unsigned long)buf;
}

static int target(struct worker *w, unsigned int on)
{
	struct fuzz *f = w->f;

	if ((on & ON_DEV) && !pick(w, 2))
		return f->dev;
	if ((on & ON_VM) && (!(on & ON_VCPU) || pick(w, 2)))
		return f->vm[pick(w, NVM)];
	return on & ON_VCPU ? f->vcpu[pick(w, NVM * NVCPU)] : f->dev;
}

static void do_ioctl(struct worker *w, uint8_t *page)
{
	const struct command *c = &commands[pick(w, sizeof(commands) / sizeof(commands[0]))];
	int fd = target(w, c->on);
	struct command any = { .on = 7, .size = 64 };

	if (!pick(w, 32)) { /* on the wrong descriptor, or any number */
		any.cmd = pick(w, 2) ? c->cmd : _IOC(pick(w, 4), GM_IO, pick(w, 256), pick(w, 4096));
		if (_IOC_NR(any.cmd) == _IOC_NR(GM_CREATE_VM) ||
		    _IOC_NR(any.cmd) == _IOC_NR(GM_CREATE_VCPU) ||
		    _IOC_NR(any.cmd) == _IOC_NR(GM_GET_STATS_FD) ||
		    _IOC_NR(any.cmd) == _IOC_NR(GM_RUN))
			return;
		c = &any;
		fd = target(w, 1u << pick(w, 3));
	}
	ioctl(fd, c->cmd, argument(w, page, c, fd));
}

static void do_slot(struct worker *w)
{
	struct fuzz *f = w->f;
	uint64_t off = rnd(w) & (ARENA - 1) & ~0xfffull;
	struct gm_memory_region r = {
		.slot = pick(w, 4), .flags = pick(w, 4), .guest_phys_addr = (uint64_t)pick(w, 64) << 12,
		.memory_size = (uint64_t)pick(w, 512) << 12, .userspace_addr = (uintptr_t)f->arena + off,
	};

	if (!r.slot && pick(w, 4)) { /* most of the time there is memory at 0 */
		r.guest_phys_addr = 0;
		r.flags = 0;
		r.memory_size = 0x200000;
		r.userspace_addr = (uintptr_t)f->arena;
	}
	ioctl(f->vm[pick(w, NVM)], GM_SET_USER_MEMORY_REGION, &r);
}

/* The process' own view changes under the guest. */
static void do_memory(struct worker *w)
{
	uint8_t *p = w->f->arena + (rnd(w) & (ARENA - 1) & ~0xfffull);
	size_t len = (size_t)(1 + pick(w, 16)) << 12, i;

	if (p + len > w->f->arena + ARENA)
		return;
	switch (pick(w, 5)) {
	case 0:
		madvise(p, len, MADV_DONTNEED);
		break;
	case 1:
		mprotect(p, len, PROT_READ);
		mprotect(p, len, PROT_READ | PROT_WRITE);
		break;
	case 2:
		mmap(p, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		break;
	case 3:
		madvise(p, len, pick(w, 2) ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
		break;
	}
	/* Code: mostly whole instructions that leave guest mode or touch memory. */
	for (i = 0; i + 4 <= 256; i += 4) {
		static const uint32_t ops[] = { 0xf4909090, 0x00b0a20f, 0x80e68866, 0x6c6e6fa5, 0xa4f3aaf3,
						0x90d9010f, 0xa4010f66, 0x00a20f90, 0x300f320f, 0x220fc020 };
		uint32_t op = pick(w, 2) ? ops[pick(w, 10)] : (uint32_t)rnd(w);

		memcpy(w->f->arena + (pick(w, 512) << 12) + pick(w, 4090), &op, 4);
	}
}

/* Descriptors close and open; another vCPU may take the number while somebody uses it. */
static void do_descriptors(struct worker *w)
{
	struct fuzz *f = w->f;
	unsigned int i = pick(w, NVM * NVCPU), v = i / NVCPU;
	int fd;

	if (!pick(w, 8)) {
		close(f->vm[v]);
		f->vm[v] = ioctl(f->dev, GM_CREATE_VM, 0);
		if (pick(w, 4))
			ioctl(f->vm[v], GM_CREATE_IRQCHIP, 0);
		if (pick(w, 2))
			ioctl(f->vm[v], GM_CREATE_PIT2, &(struct gm_pit_config){ 0 });
	}
	close(f->vcpu[i]);
	f->vcpu[i] = ioctl(f->vm[v], GM_CREATE_VCPU, pick(w, 16) ? i % NVCPU : value(w));
	fd = ioctl(pick(w, 2) ? f->vm[v] : f->vcpu[i], GM_GET_STATS_FD, 0);
	if (fd >= 0) {
		uint8_t buf[256];

		if (pread(fd, buf, sizeof(buf), value(w)) < 0)
			errno = 0;
		close(fd);
	}
	if (!f->run[i] && f->vcpu[i] >= 0) {
		void *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, f->vcpu[i], 0);

		f->run[i] = p == MAP_FAILED ? NULL : p;
	}
}

/* Interrupts that arrive: routes, eventfds bound to them, lines, messages, local APICs that are on. */
static void do_irq(struct worker *w)
{
	struct fuzz *f = w->f;
	int vm = f->vm[pick(w, NVM)], event = f->event[pick(w, NEVENT)], vcpu = f->vcpu[pick(w, NVM * NVCPU)];
	uint64_t one = 1;
	struct gm_irqfd fd = { .fd = event, .gsi = pick(w, 32), .flags = pick(w, 4),
			       .resamplefd = f->event[pick(w, NEVENT)] };
	struct gm_irq_level line = { .irq = pick(w, 32), .level = pick(w, 2) };
	struct gm_msi msi = { .address_lo = 0xfee00000 | pick(w, 8) << 12 | pick(w, 4) << 2,
			      .data = pick(w, 0x800) };
	struct {
		struct gm_irq_routing head;
		struct gm_irq_routing_entry e[8];
	} r = { .head.nr = pick(w, 8) };
	struct gm_lapic_state l;
	unsigned int i;

	switch (pick(w, 6)) {
	case 0:
		for (i = 0; i < r.head.nr; i++) {
			r.e[i] = (struct gm_irq_routing_entry){ .gsi = pick(w, 32), .type = 1 + pick(w, 2) };
			r.e[i].msi.address_lo = r.e[i].type == 1 ? pick(w, 3) : msi.address_lo;
			r.e[i].msi.data = r.e[i].type == 1 ? pick(w, 24) : msi.data;
			if (r.e[i].type == 1) {
				r.e[i].irqchip.irqchip = pick(w, 3);
				r.e[i].irqchip.pin = pick(w, 24);
			}
		}
		ioctl(vm, GM_SET_GSI_ROUTING, &r);
		break;
	case 1: ioctl(vm, GM_IRQFD, &fd); break;
	case 2: ioctl(vm, GM_IRQ_LINE, &line); break;
	case 3: ioctl(vm, GM_SIGNAL_MSI, &msi); break;
	case 4:
		if (write(event, &one, sizeof(one)) < 0)
			errno = 0;
		break;
	case 5:
		if (ioctl(vcpu, GM_GET_LAPIC, &l))
			break;
		memcpy(l.regs + 0xf0, &(uint32_t){ 0x1ff }, 4);
		memcpy(l.regs + 0x320, &(uint32_t){ pick(w, 256) | pick(w, 4) << 17 }, 4);
		memcpy(l.regs + 0x380, &(uint32_t){ pick(w, 1 << 20) }, 4);
		memcpy(l.regs + 0x390, &(uint32_t){ pick(w, 1 << 20) }, 4);
		ioctl(vcpu, GM_SET_LAPIC, &l);
		break;
	}
}

static void do_run(struct worker *w)
{
	struct fuzz *f = w->f;
	unsigned int i = pick(w, NVM * NVCPU);
	struct gm_run *run = f->run[i];
	struct gm_sync_regs *sync = run ? (void *)run->sync_regs : NULL;

	if (run && !pick(w, 8)) {
		run->request_interrupt_window = pick(w, 2);
		run->immediate_exit = !pick(w, 8);
		run->cr8 = pick(w, 20);
		run->valid_regs = pick(w, 4) ? 0 : pick(w, 16);
		run->dirty_regs = pick(w, 4) ? 0 : pick(w, 16);
		fill(w, run->sync_regs, sizeof(*sync));
		spare_emulator(GM_SET_SREGS, (uint8_t *)&sync->sregs, sizeof(sync->sregs));
	}
	ioctl(f->vcpu[i], GM_RUN, 0);
}

static void do_fork(struct worker *w)
{
	pid_t pid = fork();

	if (!pid) {
		ioctl(w->f->vm[0], GM_CREATE_VCPU, 9);
		ioctl(w->f->vcpu[0], GM_RUN, 0);
		_exit(0);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

static time_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

static void *worker(void *arg)
{
	struct worker *w = arg;
	uint8_t *page = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(page + 8192, 4096);
	while (now() < w->f->end) {
		switch (w->index) {
		case 0: case 1: case 2: do_run(w); break;
		case 3: do_slot(w); break;
		case 4: do_memory(w); break;
		case 5: pick(w, 64) ? do_descriptors(w) : do_fork(w); break;
		case 6:
			usleep(2000);
			pthread_kill(w->f->threads[pick(w, 3)], SIGUSR1);
			break;
		case 7: do_irq(w); break;
		default: do_ioctl(w, page);
		}
		w->done++;
	}
	return NULL;
}

static void on_signal(int nr)
{
	(void)nr;
}

int rig_fuzz(const char *device, unsigned int seconds, uint64_t seed)
{
	struct sigaction sa = { .sa_handler = on_signal };
	static struct fuzz f;
	static struct worker w[NTHREADS];
	unsigned int i;

	f.dev = open(device, O_RDWR | O_CLOEXEC);
	f.arena = mmap(NULL, ARENA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (f.dev < 0 || f.arena == MAP_FAILED)
		return 1;
	sigaction(SIGUSR1, &sa, NULL);
	for (i = 0; i < NEVENT; i++)
		f.event[i] = eventfd(0, EFD_NONBLOCK);
	for (i = 0; i < NVM; i++)
		f.vm[i] = ioctl(f.dev, GM_CREATE_VM, 0);
	for (i = 0; i < NVM * NVCPU; i++)
		f.vcpu[i] = -1;
	f.end = now() + seconds;
	for (i = 0; i < NTHREADS; i++) {
		w[i] = (struct worker){ &f, (seed + i) * 0x9e3779b97f4a7c15ull | 1, i, 0 };
		pthread_create(&f.threads[i], NULL, worker, &w[i]);
	}
	/*
	 * A guest that loops ends with a signal, also after the thread that sends them. One whose RUN was given
	 * a mask of all signals ends with the process.
	 */
	for (i = 0; i < NTHREADS; i++) {
		while (now() < f.end + 1)
			sleep(1);
		while (now() < f.end + 10 && pthread_tryjoin_np(f.threads[i], NULL)) {
			pthread_kill(f.threads[i], SIGUSR1);
			usleep(10000);
		}
	}
	printf("    fuzz: seed %llu, %lu runs, %lu slots, %lu interrupts, %lu ioctls\n", (unsigned long long)seed,
	       w[0].done + w[1].done + w[2].done, w[3].done, w[7].done, w[8].done + w[9].done);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* The guest of the tests and of the benchmark: one vCPU, some memory, code in each mode. */
#include "test/rig/rig.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

int guest_slot(struct guest *g, unsigned int slot, unsigned int flags, uint64_t gpa, uint64_t size,
	       const void *host)
{
	struct gm_memory_region r = { .slot = slot, .flags = flags, .guest_phys_addr = gpa,
				      .memory_size = size, .userspace_addr = (uintptr_t)host };

	return ioctl(g->vm, GM_SET_USER_MEMORY_REGION, &r) ? -errno : 0;
}

static int cpuid_set(struct guest *g)
{
	struct gm_cpuid2 *c = calloc(1, sizeof(*c) + 128 * sizeof(c->entries[0]));

	CHECK(c);
	c->nent = 128;
	CHECK(ioctl(g->dev, GM_GET_SUPPORTED_CPUID, c) == 0);
	CHECK(ioctl(g->vcpu, GM_SET_CPUID2, c) == 0);
	free(c);
	return 0;
}

int guest_open(struct guest *g)
{
	g->dev = open(g->path, O_RDWR | O_CLOEXEC);
	CHECK(g->dev >= 0);
	g->vm = ioctl(g->dev, GM_CREATE_VM, 0);
	CHECK(g->vm >= 0);
	g->mem = mmap(NULL, MEM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(g->mem != MAP_FAILED);
	CHECK(guest_slot(g, 0, 0, 0, MEM_SIZE, g->mem) == 0);
	CHECK(!g->irqchip || ioctl(g->vm, GM_CREATE_IRQCHIP, 0) == 0);
	g->vcpu = ioctl(g->vm, GM_CREATE_VCPU, 0);
	CHECK(g->vcpu >= 0);
	g->run = mmap(NULL, ioctl(g->dev, GM_GET_VCPU_MMAP_SIZE, 0), PROT_READ | PROT_WRITE,
		      MAP_SHARED, g->vcpu, 0);
	CHECK(g->run != MAP_FAILED);
	return cpuid_set(g);
}

void guest_close(struct guest *g)
{
	munmap(g->run, ioctl(g->dev, GM_GET_VCPU_MMAP_SIZE, 0));
	munmap(g->mem, MEM_SIZE);
	close(g->vcpu);
	close(g->vm);
	close(g->dev);
}

static int start(struct guest *g, const struct gm_sregs *s, const char *from, const char *to)
{
	struct gm_regs r = { .rip = CODE, .rsp = CODE, .rflags = 2, .rsi = DATA, .rdi = DATA + 0x1000 };
	/* The last guest may have been in the middle of an NMI. */
	struct gm_vcpu_events e = { .flags = GM_EVENTS_NMI_PENDING | GM_EVENTS_SHADOW };

	memcpy(g->mem + CODE, from, to - from);
	CHECK(ioctl(g->vcpu, GM_SET_VCPU_EVENTS, &e) == 0);
	CHECK(ioctl(g->vcpu, GM_SET_SREGS, s) == 0);
	CHECK(ioctl(g->vcpu, GM_SET_REGS, &r) == 0);
	return 0;
}

static int sregs_flat(struct guest *g, struct gm_sregs *s, int bits)
{
	struct gm_segment d = { .limit = bits == 16 ? 0xffff : 0xffffffff, .type = 3, .present = 1,
				.s = 1, .db = bits == 32, .g = bits != 16, .selector = 16 };

	CHECK(ioctl(g->vcpu, GM_GET_SREGS, s) == 0);
	if (bits == 16)
		d.selector = 0;
	s->ds = s->es = s->fs = s->gs = s->ss = d;
	d.type = 11;
	d.l = bits == 64;
	d.selector = bits == 16 ? 0 : 8;
	s->cs = d;
	s->cr0 = bits == 16 ? 0x10 : 0x11;
	s->cr3 = s->cr4 = s->efer = 0;
	return 0;
}

int guest_real(struct guest *g, const char *from, const char *to)
{
	struct gm_sregs s;

	return sregs_flat(g, &s, 16) || start(g, &s, from, to) ? -1 : 0;
}

int guest_prot(struct guest *g, const char *from, const char *to)
{
	struct gm_sregs s;

	return sregs_flat(g, &s, 32) || start(g, &s, from, to) ? -1 : 0;
}

/* Identity map of the first 4 GiB with 2 MiB pages, tables from 0x100000 on. */
int guest_long(struct guest *g, const char *from, const char *to)
{
	uint64_t *t = (uint64_t *)(g->mem + 0x100000), i;
	struct gm_sregs s;

	if (sizeof(long) < 8)
		test_skip("a 32-bit host has no 64-bit guests");
	if (sregs_flat(g, &s, 64))
		return -1;
	t[0] = 0x101003;
	for (i = 0; i < 4; i++)
		t[512 + i] = 0x102003 + (i << 12);
	for (i = 0; i < 2048; i++)
		t[1024 + i] = (i << 21) | 0x83;
	s.cr3 = 0x100000;
	s.cr4 = 0x20;
	s.cr0 = 0x80000011;
	s.efer = 0x500;
	return start(g, &s, from, to);
}

int guest_run(struct guest *g)
{
	return ioctl(g->vcpu, GM_RUN, 0) ? -errno : (int)g->run->exit_reason;
}

int guest_expect(struct guest *g, int reason)
{
	int ret = guest_run(g);
	struct gm_regs r;

	if (ret == reason || ioctl(g->vcpu, GM_GET_REGS, &r))
		return ret == reason ? 0 : -1;
	printf("    RUN gave %d, not %d; rip %llx rflags %llx\n", ret, reason, (unsigned long long)r.rip,
	       (unsigned long long)r.rflags);
	if (ret == GM_EXIT_INTERNAL_ERROR)
		printf("    suberror %u: %llx\n", g->run->internal.suberror,
		       (unsigned long long)g->run->internal.data[0]);
	return -1;
}

long guest_stat(struct guest *g, const char *name)
{
	char path[64], line[80];
	size_t len = strlen(name);
	long ret = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/kernel/debug/guestmode/%d-%d", getpid(), g->vm);
	f = strcmp(g->path, "/dev/guestmode") ? NULL : fopen(path, "r");
	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, name, len) && line[len] == ' ')
			ret = atol(line + len);
	fclose(f);
	return ret;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The whole board, without a CPU: the input is a list of register accesses, pieces of memory,
 * steps of time and events from outside, as a hostile guest might make them. Disks, CD and floppy
 * are real back ends on files in memory; the clock moves only when the input says so.
 */
#include "devices/dev.h"
#include "test/fuzz/fuzz.h"
#include "test/fuzz/fuzz_clock.h"
#include "vmm/accel/accel.h"
#include "vmm/loop.h"
#include "vmm/machine_pc.h"

#define STEPS_MAX 400

/* ---- what the input can do ---- */

static const u16 ports[] = {
	0x00, 0x01, 0x04, 0x05, 0x08, 0x0a, 0x0b, 0x0c, 0x0d, 0x0f, 0x20, 0x21, 0x40, 0x41, 0x42,
	0x43, 0x60, 0x61, 0x64, 0x70, 0x71, 0x80, 0x81, 0x92, 0xa0, 0xa1, 0xc0, 0xd0, 0xd4, 0xd6,
	0xd8, 0xda, 0xf0, 0x170, 0x171, 0x172, 0x173, 0x174, 0x175, 0x176, 0x177, 0x1ce, 0x1cf,
	0x1d0, 0x1f0, 0x1f1, 0x1f2, 0x1f3, 0x1f4, 0x1f5, 0x1f6, 0x1f7, 0x2f8, 0x2f9, 0x2fa, 0x2fb,
	0x2fc, 0x376, 0x378, 0x379, 0x37a, 0x3b4, 0x3b5, 0x3c0, 0x3c1, 0x3c2, 0x3c4, 0x3c5, 0x3c6,
	0x3c7, 0x3c8, 0x3c9, 0x3ce, 0x3cf, 0x3d4, 0x3d5, 0x3da, 0x3f2, 0x3f4, 0x3f5, 0x3f6, 0x3f7,
	0x3f8, 0x3f9, 0x3fa, 0x3fb, 0x3fc, 0x402, 0x4d0, 0x4d1, 0x510, 0x511, 0x514, 0x518, 0xcf8,
	0xcf9, 0xcfc, 0xc000, 0xc002, 0xc004, 0xc008, 0xc00a, 0xc00c, 0xb000, 0xb002, 0xb004,
	0xb008, 0xb100, 0xb102, 0xb104,
};

static const u64 windows[] = {0xa0000, 0xb0000, 0xb8000, 0xc0000, 0xf0000, 0xfec00000, 0xfec00010,
			      0xfee00000, 0xe0000000, 0xe1000000, 0xfffff000, 0x100000};
static const u8 devfns[] = {0x00, 0x08, 0x09, 0x0b, 0x10};
static const u8 sizes[] = {1, 2, 4, 1, 8, 2, 4, 1};

struct board {
	struct gm_machine *m;
	struct pc *pc;
	u64 since;
	struct gm_screen screen;
};

static void pci_config(struct board *b, struct fuzz_in *in, unsigned int op)
{
	u8 devfn = devfns[fuzz_get(in, 1) % ARRAY_SIZE(devfns)], reg = (u8)fuzz_get(in, 1);
	unsigned int size = sizes[op >> 4 & 3];

	gm_bus_write(b->m->pio, 0xcf8, 4, 0x80000000u | (u32)devfn << 8 | (reg & 0xfcu));
	if (op & 8)
		gm_bus_read(b->m->pio, 0xcfc + (reg & 3u), size);
	else
		gm_bus_write(b->m->pio, 0xcfc + (reg & 3u), size, fuzz_get(in, size));
}

static void reset_all(struct gm_machine *m)
{
	struct gm_dev *d;

	for (d = m->devices; d; d = d->next)
		if (d->cls->reset)
			d->cls->reset(d);
	m->vm->accel->vcpu_reset(m->vcpus[0], false);
}

static void from_cpu(struct board *b, struct fuzz_in *in, unsigned int op)
{
	struct gm_vcpu *v = b->m->vcpus[0];
	u64 val;

	switch (op >> 4) {
	case 0: v->apic_msr_get(v, 0x800 + (u32)fuzz_get(in, 1), &val); break;
	case 1: v->apic_msr_set(v, 0x800 + (u32)fuzz_get(in, 1), fuzz_get(in, 8)); break;
	case 2: v->apic_msr_set(v, 0x1b, fuzz_get(in, 8)); break;
	case 3: v->apic_msr_set(v, 0x6e0, b->m->clock->now + fuzz_get(in, 3)); break;
	case 4: v->tpr_set(v, fuzz_get(in, 1) & 15); break;
	case 5: reset_all(b->m); break;
	default:
		if (v->intr_pending(v))
			v->intr_ack(v);
	}
}

static void from_outside(struct board *b, struct fuzz_in *in, unsigned int op)
{
	u8 bytes[4];

	switch (op >> 4) {
	case 0:
	case 1: b->pc->input.key(b->pc->input.opaque, (unsigned int)fuzz_get(in, 1), op & 16); break;
	case 2:
	case 3:
		b->pc->input.pointer(b->pc->input.opaque, (s16)fuzz_get(in, 2),
				     (s16)fuzz_get(in, 2), (s8)fuzz_get(in, 1), op & 7);
		break;
	case 4:
		memcpy(bytes, &(u32){(u32)fuzz_get(in, 4)}, 4);
		gm_char_input(b->pc->serial[0], bytes, sizeof(bytes));
		break;
	case 5: gm_char_send_break(b->pc->serial[0]); break;
	default:
		b->pc->display.snapshot(b->pc->display.opaque, &b->screen, op & 8, &b->since);
	}
}

static void pass_time(struct board *b, u64 ns)
{
	b->m->clock->now += ns;
	gm_clock_run(b->m->clock);
	gm_loop_drain(b->m->loop);
}

static void step(struct board *b, struct fuzz_in *in)
{
	unsigned int op = (unsigned int)fuzz_get(in, 1), size = sizes[op >> 4 & 7], i;
	u64 at;

	switch (op & 7) {
	case 0:
		at = ports[fuzz_get(in, 1) % ARRAY_SIZE(ports)];
		/* Data ports are worked in bursts. */
		for (i = 0; i < (op & 8 ? 300u : 1u); i++)
			gm_bus_write(b->m->pio, at, size, i ? i * 0x01010101u : fuzz_get(in, size));
		break;
	case 1:
		at = ports[fuzz_get(in, 1) % ARRAY_SIZE(ports)];
		for (i = 0; i < (op & 8 ? 300u : 1u); i++)
			gm_bus_read(b->m->pio, at, size);
		break;
	case 2:
		at = windows[fuzz_get(in, 1) % ARRAY_SIZE(windows)] + fuzz_get(in, 2);
		if (op & 8)
			gm_bus_read(b->m->mem, at, size);
		else
			gm_bus_write(b->m->mem, at, size, fuzz_get(in, size));
		break;
	case 3: pci_config(b, in, op); break;
	case 4:
		at = fuzz_get(in, 2);
		gm_bus_write(b->m->mem, at, 8, fuzz_get(in, 8));
		break;
	case 5: from_cpu(b, in, op); break;
	case 6: from_outside(b, in, op); break;
	case 7: pass_time(b, fuzz_get(in, 1) << (op >> 3)); break;
	}
}

static int open_board(struct board *b, struct config *c)
{
	struct gm_accel_options o = {0};
	char path[64], err[512];
	int fd[3], ret;

	fd[0] = fuzz_file(path, (const u8 *)"disk", 4, MiB);
	ret = config_set(c, "disk", path, err, sizeof(err));
	fd[1] = fuzz_file(path, (const u8 *)"cd", 2, MiB);
	ret |= config_set(c, "cdrom", path, err, sizeof(err));
	fd[2] = fuzz_file(path, (const u8 *)"floppy", 6, 1440 * KiB);
	ret |= config_set(c, "floppy", path, err, sizeof(err));
	ret |= config_set(c, "memory", "16M", err, sizeof(err));
	ret |= config_set(c, "serial", "screen", err, sizeof(err));
	b->m = gm_machine_new("fuzz");
	if (ret || !b->m || gm_accel_open(b->m, "soft", &o, err, sizeof(err)) ||
	    pc_create(b->m, c, &b->pc, err, sizeof(err))) {
		fprintf(stderr, "%s\n", err);
		abort();
	}
	close(fd[0]);
	close(fd[1]);
	close(fd[2]);
	return 0;
}

static void quiet(void *opaque, const char *text)
{
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	struct fuzz_in in = {data, data + len};
	struct board b = {0};
	struct config c;
	int left = STEPS_MAX;

	config_init(&c);
	open_board(&b, &c);
	b.m->warn = quiet;
	gm_lock(b.m);
	reset_all(b.m);
	while (in.p < in.end && left--)
		step(&b, &in);
	pass_time(&b, 1000000);
	gm_unlock(b.m);
	gm_screen_fini(&b.screen);
	gm_machine_free(b.m);
	config_fini(&c);
	return 0;
}

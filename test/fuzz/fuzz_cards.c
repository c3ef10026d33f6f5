// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Network cards and virtio devices as a hostile guest might use them: the input is a list of
 * register accesses, pieces of memory (rings, descriptors, packets), frames from the wire and steps
 * of time. The cards are found at fixed addresses, and memory that rings live in is small, so that
 * inputs hit it.
 */
#include "devices/dev.h"
#include "test/fuzz/fuzz.h"
#include "test/fuzz/fuzz_clock.h"
#include "vmm/accel/accel.h"
#include "vmm/loop.h"
#include "vmm/machine_pc.h"
#include "vmm/net/net_int.h"

#define STEPS_MAX 400
#define NCARDS    9
#define RINGS     0x100000u /* where the input writes, and where queues are put */

struct board {
	struct gm_machine *m;
	struct pc *pc;
};

static void cfg_write(struct board *b, unsigned int slot, u8 reg, unsigned int size, u32 val)
{
	gm_bus_write(b->m->pio, 0xcf8, 4, 0x80000000u | slot << 11 | (reg & 0xfcu));
	gm_bus_write(b->m->pio, 0xcfc + (reg & 3u), size, val);
}

static u32 cfg_read(struct board *b, unsigned int slot, u8 reg, unsigned int size)
{
	gm_bus_write(b->m->pio, 0xcf8, 4, 0x80000000u | slot << 11 | (reg & 0xfcu));
	return (u32)gm_bus_read(b->m->pio, 0xcfc + (reg & 3u), size);
}

/* Slot s: memory BARs from E0000000h + s * 1 MiB (64 KiB each; a large one takes what it needs),
 * I/O BARs from C000h + s * 100h. */
static void map_cards(struct board *b)
{
	unsigned int slot, n;

	for (slot = 3; slot < 3 + NCARDS; slot++) {
		for (n = 0; n < 6; n++) {
			u8 reg = (u8)(0x10 + 4 * n);
			u32 bar = cfg_read(b, slot, reg, 4);

			cfg_write(b, slot, reg, 4, 0xffffffff);
			if (!cfg_read(b, slot, reg, 4))
				continue;
			if (bar & 1)
				cfg_write(b, slot, reg, 4, 0xc000 + slot * 0x100);
			else
				cfg_write(b, slot, reg, 4, 0xe0000000 + slot * 0x100000 + n * 0x20000);
			if ((bar & 6) == 4)
				cfg_write(b, slot, (u8)(0x14 + 4 * n++), 4, 0);
		}
		cfg_write(b, slot, 4, 2, 7);
	}
}

static u32 bar_of(unsigned int slot, unsigned int n)
{
	return 0xe0000000 + slot * 0x100000 + n * 0x20000;
}

/* What a driver does before it uses a virtio device: the way to the rings is long. */
static void virtio_start(struct board *b, struct fuzz_in *in, unsigned int slot)
{
	u32 bar = bar_of(slot, 4), features = (u32)fuzz_get(in, 4), high = 1;
	unsigned int q;

	high |= fuzz_get(in, 1) & 4;
	gm_bus_write(b->m->mem, bar + 0x14, 1, 0);
	gm_bus_write(b->m->mem, bar + 0x08, 4, 0);
	gm_bus_write(b->m->mem, bar + 0x0c, 4, features & gm_bus_read(b->m->mem, bar + 4, 4));
	gm_bus_write(b->m->mem, bar + 0x08, 4, 1);
	gm_bus_write(b->m->mem, bar + 0x0c, 4, high);
	gm_bus_write(b->m->mem, bar + 0x14, 1, 11);
	for (q = 0; q < 3; q++) {
		gm_bus_write(b->m->mem, bar + 0x16, 2, q);
		gm_bus_write(b->m->mem, bar + 0x18, 2, 8);
		gm_bus_write(b->m->mem, bar + 0x20, 4, RINGS + 0x1000 * q);
		gm_bus_write(b->m->mem, bar + 0x28, 4, RINGS + 0x1000 * q + 0x400);
		gm_bus_write(b->m->mem, bar + 0x30, 4, RINGS + 0x1000 * q + 0x800);
		gm_bus_write(b->m->mem, bar + 0x1a, 2, q);
		gm_bus_write(b->m->mem, bar + 0x1c, 2, 1);
	}
	gm_bus_write(b->m->mem, bar + 0x14, 1, 15);
}

/* A split descriptor, and a place for it in the available ring. */
static void virtio_offer(struct board *b, struct fuzz_in *in, unsigned int slot)
{
	u8 q = (u8)fuzz_get(in, 1) % 3, i = (u8)fuzz_get(in, 1) & 7;
	u64 ring = RINGS + 0x1000 * q, desc = ring + 16 * i;
	u16 idx;

	gm_bus_write(b->m->mem, desc, 4, RINGS + 0x4000 + (fuzz_get(in, 1) << 8));
	gm_bus_write(b->m->mem, desc + 4, 4, 0);
	gm_bus_write(b->m->mem, desc + 8, 4, fuzz_get(in, 2));
	gm_bus_write(b->m->mem, desc + 12, 4, fuzz_get(in, 4));
	idx = (u16)gm_bus_read(b->m->mem, ring + 0x402, 2);
	gm_bus_write(b->m->mem, ring + 0x404 + 2 * (idx & 7u), 2, i);
	gm_bus_write(b->m->mem, ring + 0x402, 2, idx + 1u);
	gm_bus_write(b->m->mem, bar_of(slot, 4) + 0x3000 + 4 * q, 2, q);
}

static void wire(struct board *b, struct fuzz_in *in, unsigned int op)
{
	struct gm_net *n = b->pc->cards.nets[(op >> 3) % 5];
	u8 frame[GM_NET_FRAME_MAX];
	size_t len = fuzz_get(in, 2) % sizeof(frame), i;

	for (i = 0; i < len && i < 64; i++)
		frame[i] = (u8)fuzz_get(in, 1);
	memset(frame + i, 0x55, sizeof(frame) - i);
	net_deliver(n, frame, len);
}

static void pass_time(struct board *b, u64 ns)
{
	b->m->clock->now += ns;
	gm_clock_run(b->m->clock);
	gm_loop_drain(b->m->loop);
}

static void step(struct board *b, struct fuzz_in *in)
{
	static const u8 sizes[] = {1, 2, 4, 4};
	unsigned int op = (unsigned int)fuzz_get(in, 1), size = sizes[op >> 6], slot, k;
	u64 at;

	switch (op & 7) {
	case 0:
	case 1: /* a register in memory space */
		slot = 3 + (unsigned int)fuzz_get(in, 1) % NCARDS;
		at = bar_of(slot, op >> 3 & 7) + fuzz_get(in, 2);
		if (op & 1)
			gm_bus_read(b->m->mem, at, size);
		else
			gm_bus_write(b->m->mem, at, size, fuzz_get(in, size));
		break;
	case 2: /* in I/O space */
		at = (op & 32 ? 0x300 : 0xc000 + (3 + fuzz_get(in, 1) % NCARDS) * 0x100) +
		     fuzz_get(in, 1);
		if (op & 16)
			gm_bus_read(b->m->pio, at, size);
		else
			gm_bus_write(b->m->pio, at, size, fuzz_get(in, size));
		break;
	case 3: /* memory */
		at = RINGS + fuzz_get(in, 2);
		for (k = 0; k < 1u + (op >> 3 & 7); k++)
			gm_bus_write(b->m->mem, at + 4 * k, 4, fuzz_get(in, 4));
		break;
	case 4: wire(b, in, op); break;
	case 5: pass_time(b, fuzz_get(in, 1) << (op >> 3 & 31)); break;
	case 6:
		slot = 3 + (op >> 3) % NCARDS;
		if (op & 0x80)
			virtio_start(b, in, slot);
		else
			virtio_offer(b, in, slot);
		break;
	case 7: /* configuration space; the cable */
		slot = 3 + (op >> 3) % NCARDS;
		at = fuzz_get(in, 1);
		if (at == 0xff)
			net_link_set(b->pc->cards.nets[slot % 5], op & 0x80);
		else
			cfg_write(b, slot, (u8)at, size, (u32)fuzz_get(in, size));
		break;
	}
}

static void open_board(struct board *b, struct config *c)
{
	static const char *const settings[][2] = {
		{"net", "none,model=e1000"}, {"net", "none,model=rtl8139"},
		{"net", "none,model=ne2000"}, {"net", "none,model=virtio"},
		{"net", "none,model=ne2000-isa"}, {"device", "virtio-rng"},
		{"device", "virtio-balloon"}, {"device", "virtio-console,chardev=screen"},
		{"memory", "16M"}, {"serial", "screen"},
	};
	struct gm_accel_options o = {0};
	char path[64], disk[96], err[512];
	int fd[2], ret = 0, i;
	size_t k;

	for (i = 0; i < 2; i++) {
		fd[i] = fuzz_file(path, (const u8 *)"disk", 4, MiB);
		snprintf(disk, sizeof(disk), "%s,if=virtio%s", path, i ? ",readonly" : ",queues=2");
		ret |= config_set(c, "disk", disk, err, sizeof(err));
	}
	for (k = 0; k < ARRAY_SIZE(settings); k++)
		ret |= config_set(c, settings[k][0], settings[k][1], err, sizeof(err));
	b->m = gm_machine_new("fuzz");
	if (ret || !b->m || gm_accel_open(b->m, "soft", &o, err, sizeof(err)) ||
	    pc_create(b->m, c, &b->pc, err, sizeof(err))) {
		fprintf(stderr, "%s\n", err);
		abort();
	}
	close(fd[0]);
	close(fd[1]);
}

static void quiet(void *opaque, const char *text)
{
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	struct fuzz_in in = {data, data + len};
	struct board b = {0};
	struct gm_dev *d;
	struct config c;
	int left = STEPS_MAX, i;

	config_init(&c);
	open_board(&b, &c);
	b.m->warn = quiet;
	gm_lock(b.m);
	for (d = b.m->devices; d; d = d->next)
		if (d->cls->reset)
			d->cls->reset(d);
	map_cards(&b);
	b.m->state = GM_STATE_RUNNING;
	for (i = 0; i < 5; i++)
		b.pc->cards.nets[i]->link = true;
	while (in.p < in.end && left--)
		step(&b, &in);
	pass_time(&b, 1000000);
	gm_unlock(b.m);
	gm_machine_free(b.m);
	config_fini(&c);
	return 0;
}

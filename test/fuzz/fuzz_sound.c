// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sound cards as a hostile guest might use them: the first byte chooses the card, the rest is a list
 * of register accesses, pieces of memory (samples, buffer lists), programs of the DMA controller and
 * of the timer, steps of time, and states that are loaded.
 */
#include "devices/dev.h"
#include "test/fuzz/fuzz.h"
#include "test/fuzz/fuzz_clock.h"
#include "vmm/accel/accel.h"
#include "vmm/loop.h"
#include "vmm/machine_pc.h"

#define STEPS_MAX 400
#define LISTS     0x100000u /* where the input writes */
#define NAM       0xc000u
#define NABM      0xc400u
#define SB        0x220u

struct board {
	struct gm_machine *m;
	struct pc *pc;
};

static void out(struct board *b, u32 port, unsigned int size, u64 val)
{
	gm_bus_write(b->m->pio, port, size, val);
}

static void map_card(struct board *b)
{
	static const u32 regs[][2] = {{0x10, NAM}, {0x14, NABM}, {4, 5}};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(regs); i++) {
		out(b, 0xcf8, 4, 0x80000000u | 3 << 11 | regs[i][0]);
		out(b, 0xcfc, 4, regs[i][1]);
	}
}

/* The channel that a Sound Blaster has, at LISTS; mode and count are the input's. */
static void dma_program(struct board *b, struct fuzz_in *in, bool wide)
{
	u32 base = wide ? 0xc0 : 0, step = wide ? 2 : 1, addr = wide ? LISTS >> 1 : LISTS;

	out(b, base + 12 * step, 1, 0);
	out(b, base + 11 * step, 1, (fuzz_get(in, 1) & 0xfc) | 1);
	out(b, base + 2 * step, 1, addr & 0xff);
	out(b, base + 2 * step, 1, addr >> 8 & 0xff);
	out(b, base + 3 * step, 1, fuzz_get(in, 1));
	out(b, base + 3 * step, 1, fuzz_get(in, 1));
	out(b, wide ? 0x8b : 0x83, 1, LISTS >> 16);
	out(b, base + 10 * step, 1, 1);
}

static void state_load(struct board *b, struct fuzz_in *in)
{
	const char *id = fuzz_get(in, 1) & 1 ? "sound0" : "pit";
	struct gm_dev *d;
	size_t len, at;
	u8 *buf;

	for (d = b->m->devices; d && strcmp(d->id, id); d = d->next)
		;
	if (!d)
		return;
	len = gm_state_size(d->cls->state);
	buf = malloc(len);
	if (!buf)
		return;
	gm_state_save(d->cls->state, d, buf);
	for (at = fuzz_get(in, 2) % len; at < len && in->p < in->end; at++)
		buf[at] = (u8)fuzz_get(in, 1);
	if (gm_state_load(d->cls->state, d, buf, len) || (d->cls->loaded && d->cls->loaded(d)))
		d->cls->reset(d);
	free(buf);
}

static void pass_time(struct board *b, u64 ns)
{
	b->m->clock->now += ns;
	gm_clock_run(b->m->clock);
}

static void step(struct board *b, struct fuzz_in *in)
{
	static const u8 sizes[] = {1, 2, 4, 1};
	static const u8 pit[] = {0x42, 0x43, 0x61};
	unsigned int op = (unsigned int)fuzz_get(in, 1), size = sizes[op >> 6], i;
	u32 at;

	switch (op & 7) {
	case 0: /* the bus master's registers */
		at = NABM + (fuzz_get(in, 1) & 0x3f);
		if (op & 8)
			gm_bus_read(b->m->pio, at, size);
		else
			out(b, at, size, fuzz_get(in, size));
		break;
	case 1: /* the codec's */
		at = NAM + ((u32)fuzz_get(in, 1) & 0xfe);
		if (op & 8)
			gm_bus_read(b->m->pio, at, 2);
		else
			out(b, at, 2, fuzz_get(in, 2));
		break;
	case 2: /* the Sound Blaster's */
		at = SB + (op >> 3 & 15);
		if (op & 0x80)
			gm_bus_read(b->m->pio, at, 1);
		else
			out(b, at, 1, fuzz_get(in, 1));
		break;
	case 3: /* a command with its parameters */
		for (i = 0; i < 4; i++)
			out(b, SB + 0xc, 1, fuzz_get(in, 1));
		break;
	case 4:
		at = LISTS + (u32)fuzz_get(in, 1) * 8;
		for (i = 0; i < 1 + (op >> 5); i++)
			gm_bus_write(b->m->mem, at + 8 * i, 8, fuzz_get(in, 8));
		break;
	case 5:
		pass_time(b, fuzz_get(in, 1) << (op >> 3));
		break;
	case 6:
		out(b, pit[(op >> 3) % 3], 1, fuzz_get(in, 1));
		break;
	case 7:
		if (op & 0x80)
			state_load(b, in);
		else
			dma_program(b, in, op & 8);
		break;
	}
}

static void open_board(struct board *b, struct config *c, const char *card)
{
	struct gm_accel_options o = {0};
	char err[512];
	int ret;

	ret = config_set(c, "sound", card, err, sizeof(err));
	ret |= config_set(c, "memory", "16M", err, sizeof(err));
	ret |= config_set(c, "serial", "screen", err, sizeof(err));
	b->m = gm_machine_new("fuzz");
	if (ret || !b->m || gm_accel_open(b->m, "soft", &o, err, sizeof(err)) ||
	    pc_create(b->m, c, &b->pc, err, sizeof(err))) {
		fprintf(stderr, "%s\n", err);
		abort();
	}
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
	int left = STEPS_MAX;

	config_init(&c);
	open_board(&b, &c, fuzz_get(&in, 1) & 1 ? "sb16,mute" : "ac97,mute");
	b.m->warn = quiet;
	gm_lock(b.m);
	for (d = b.m->devices; d; d = d->next)
		if (d->cls->reset)
			d->cls->reset(d);
	map_card(&b);
	b.m->state = GM_STATE_RUNNING;
	while (in.p < in.end && left--)
		step(&b, &in);
	pass_time(&b, NSEC_PER_SEC / 10);
	gm_unlock(b.m);
	gm_machine_free(b.m);
	config_fini(&c);
	return 0;
}

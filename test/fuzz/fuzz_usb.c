// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The USB controller and its tablet: the input is a list of register writes, pieces of memory
 * (frame list, queues, transfers, buffers), movements and steps of time. Addresses fall into 64
 * KiB, so that what is written is found.
 */
#include "devices/usb/uhci.h"
#include "test/fuzz/fuzz.h"
#include "test/unit/lib/manual_clock.h"
#include "vmm/machine.h"

#define IO        0xc000u
#define STEPS_MAX 300
#define MEMORY    0xfffcu

void gm_clock_free(struct gm_clock *c)
{
	fuzz_check(!c || !c->timers, "a timer outlived its device");
	free(c);
}

u64 gm_clock_run(struct gm_clock *c)
{
	int left = 1000;

	while (left-- && c->timers && c->timers->expires <= c->now) {
		struct gm_timer *t = c->timers;

		c->timers = t->next;
		t->expires = GM_TIME_NEVER;
		t->fn(t->opaque);
	}
	fuzz_check(left > 0, "a timer rearms itself without end");
	return GM_TIME_NEVER;
}

static int route(void *opaque, u8 fn, int pin)
{
	return pin;
}

static void set_irq(void *opaque, int line, int level)
{
}

static void put(struct gm_machine *m, u32 at, u32 val)
{
	memcpy(m->ram->host + (at & MEMORY), &val, 4);
}

/* A transfer at `at`, with what makes most of them meaningful. */
static void put_td(struct gm_machine *m, struct fuzz_in *in)
{
	static const u8 pids[4] = {0x69, 0xe1, 0x2d, 0x69};
	u32 at = (u32)fuzz_get(in, 2) & 0xfff0, kind = (u32)fuzz_get(in, 1);

	put(m, at, (u32)fuzz_get(in, 2) & 0xffff);
	put(m, at + 4, 1u << 23 | (kind & 4) << 22 | (kind & 8) << 26);
	put(m, at + 8, pids[kind & 3] | (kind >> 4 & 1) << 15 | (u32)fuzz_get(in, 1) << 8 |
		       (u32)fuzz_get(in, 1) << 21);
	put(m, at + 12, (u32)fuzz_get(in, 2));
}

static void step(struct gm_machine *m, struct gm_tablet_sink *tablet, struct fuzz_in *in)
{
	u32 at;

	switch (fuzz_get(in, 1) % 8) {
	case 0:
		at = IO + ((u32)fuzz_get(in, 1) & 31);
		gm_bus_write(m->pio, at, 2, fuzz_get(in, 2));
		break;
	case 1:
		gm_bus_read(m->pio, IO + (fuzz_get(in, 1) & 31), 2);
		break;
	case 2:
		at = (u32)fuzz_get(in, 2);
		put(m, at, (u32)fuzz_get(in, 4));
		break;
	case 3:
		put_td(m, in);
		break;
	case 4: /* the frame list, all of it */
		at = (u32)fuzz_get(in, 2);
		for (u32 i = 0; i < 1024; i++)
			put(m, 0xf000 + 4 * i, at);
		break;
	case 5:
		tablet->move(tablet->opaque, (u32)fuzz_get(in, 2), (u32)fuzz_get(in, 2),
			     (s8)fuzz_get(in, 1), (u32)fuzz_get(in, 1));
		tablet->active(tablet->opaque);
		break;
	default:
		m->clock->now += (fuzz_get(in, 1) + 1) * 500000;
		gm_clock_run(m->clock);
	}
}

/* As a driver leaves it: mapped, port 1 reset and enabled, running. */
static void start(struct gm_machine *m, struct gm_pci_bus *bus)
{
	static const struct {
		u8 off;
		u16 val;
	} regs[] = {{8, 0xf000}, {4, 0xf}, {0x10, 0x200}, {0x10, 0}, {0x10, 0x0e}, {0, 0x41}};
	size_t i;

	gm_pci_config_write(bus, 0x0a20, 4, IO);
	gm_pci_config_write(bus, 0x0a04, 2, 5);
	for (i = 0; i < ARRAY_SIZE(regs); i++)
		gm_bus_write(m->pio, IO + regs[i].off, 2, regs[i].val);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	struct gm_pci_bus_ops ops = {.route = route, .set_irq = set_irq};
	struct gm_uhci_cfg cfg = {.pci = {.devfn = GM_PCI_DEVFN(1, 2)}};
	struct fuzz_in in = {.p = data, .end = data + len};
	struct gm_machine *m = gm_machine_new("fuzz");
	struct gm_pci_bus *bus = gm_pci_bus_new(m);
	struct gm_tablet_sink tablet;
	struct gm_dev *d;
	int steps = STEPS_MAX;

	gm_lock(m);
	gm_pci_bus_set_ops(bus, &ops);
	cfg.pci.bus = bus;
	if (gm_machine_add_ram(m, MiB) || gm_dev_create(m, &gm_uhci_class.dev, "usb", &cfg, &d))
		abort();
	gm_uhci_class.dev.reset(d);
	tablet = gm_uhci_tablet(d);
	start(m, bus);
	while (in.p < in.end && steps--)
		step(m, &tablet, &in);
	gm_unlock(m);
	gm_machine_free(m);
	gm_pci_bus_free(bus);
	return 0;
}

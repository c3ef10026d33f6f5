// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * All ISA devices and APICs wired as on the board, under random port and memory accesses and with
 * random bytes for state: nothing may trap, hang or rearm its timers without end. The sanitizers
 * watch when they are built in. A failing run prints nothing random: the seeds are the rows.
 */
#include <linux/input-event-codes.h>

#include "test/unit/lib/fake_machine.h"
#include "devices/apic/ioapic.h"
#include "devices/apic/lapic.h"
#include "devices/isa/debugcon.h"
#include "devices/isa/i8042.h"
#include "devices/isa/i8237.h"
#include "devices/isa/i8254.h"
#include "devices/isa/i8259.h"
#include "devices/isa/mc146818.h"
#include "devices/isa/parallel.h"
#include "devices/isa/port80.h"
#include "devices/isa/uart16550.h"

static struct gm_machine *m;
static struct gm_dev *pic, *ioapic, *dma, *kbc;
static struct gm_char chr;
static u32 seed;

static u32 rnd(void)
{
	seed = seed * 1664525 + 1013904223;
	return seed >> 8 ^ seed << 13;
}

static void both(void *opaque, int line, int level)
{
	pic_set_irq(pic, line, level);
	ioapic_set_irq(ioapic, line ? line : 2, level);
}

static struct gm_irq gsi(int line)
{
	return (struct gm_irq){.set = both, .line = line};
}

static void board(void)
{
	struct ioapic_cfg ioapic_cfg = {0};
	struct i8259_cfg pic_cfg = {0};
	struct i8254_cfg pit_cfg = {.irq = gsi(0)};
	struct mc146818_cfg rtc_cfg = {.irq = gsi(8), .base = MC146818_DATE, .date = 1000000000};
	struct i8042_cfg kbc_cfg = {.irq_kbd = gsi(1), .irq_mouse = gsi(12)};
	struct uart16550_cfg uart_cfg = {.base = 0x3f8, .irq = gsi(4), .chr = &chr};
	struct parallel_cfg lpt_cfg = {.base = 0x378, .irq = gsi(7), .chr = &chr};
	struct debugcon_cfg dbg_cfg = {.chr = &chr};
	struct lapic_cfg lapic_cfg = {
		.x2apic = true, .tsc_deadline = true, .tsc_hz = 3000000000ULL,
		.extint_ack = pic_ack, .eoi = ioapic_eoi,
	};

	memset(&chr, 0, sizeof(chr));
	m = fake_new(1);
	m->clock->now = 1000000000;
	ioapic = fake_device(m, &ioapic_class, &ioapic_cfg);
	lapic_cfg.vcpu = m->vcpus[0];
	lapic_cfg.eoi_opaque = ioapic;
	pic = fake_device(m, &i8259_class, &pic_cfg);
	lapic_cfg.extint_opaque = pic;
	fake_device(m, &lapic_class, &lapic_cfg);
	fake_device(m, &i8254_class, &pit_cfg);
	fake_device(m, &mc146818_class, &rtc_cfg);
	kbc = fake_device(m, &i8042_class, &kbc_cfg);
	fake_device(m, &uart16550_class, &uart_cfg);
	fake_device(m, &parallel_class, &lpt_cfg);
	fake_device(m, &debugcon_class, &dbg_cfg);
	fake_device(m, &port80_class, NULL);
	dma = fake_device(m, &i8237_class, NULL);
}

static u16 some_port(void)
{
	static const u16 base[] = {0x00, 0x20, 0x40, 0x60, 0x70, 0x80, 0x92, 0xa0, 0xc0, 0xe8,
				   0x378, 0x3f8, 0x402, 0x4d0};

	return base[rnd() % ARRAY_SIZE(base)] + rnd() % 16;
}

static void poke(void)
{
	static u8 buf[300];
	struct gm_input_sink sink = i8042_input_sink(kbc);
	struct gm_vcpu *v = m->vcpus[0];
	u64 val;
	bool tc;

	switch (rnd() % 16) {
	case 0 ... 5:
		gm_bus_write(m->pio, some_port(), 1u << rnd() % 3, rnd());
		break;
	case 6 ... 8:
		gm_bus_read(m->pio, some_port(), 1u << rnd() % 3);
		break;
	case 9:
		gm_bus_write(m->mem, LAPIC_BASE + rnd() % 0x400, 1u << rnd() % 4, rnd());
		break;
	case 10:
		gm_bus_write(m->mem, IOAPIC_BASE + rnd() % 2 * 16, 4, rnd() % 64);
		break;
	case 11:
		v->apic_msr_set(v, rnd() % 2 ? 0x6e0 : 0x800 + rnd() % 64, rnd());
		v->apic_msr_get(v, 0x800 + rnd() % 64, &val);
		break;
	case 12:
		fake_stall(m, rnd() % 50000000);
		break;
	case 13:
		if (v->intr_pending(v))
			v->intr_ack(v);
		break;
	case 14:
		sink.key(sink.opaque, rnd() % 300, rnd() & 1);
		sink.pointer(sink.opaque, (int)rnd(), (int)rnd(), (int)rnd(), rnd());
		if (chr.client.can_receive(chr.client.opaque))
			chr.client.receive(chr.client.opaque, buf, 1);
		break;
	default:
		dma_channel_transfer(dma, rnd() % 9, buf, rnd() % sizeof(buf), &tc);
	}
	chr.nout = 0;
}

START_TEST(test_random_accesses)
{
	seed = _i * 7919 + 1;
	board();
	for (int i = 0; i < 100000; i++)
		poke();
	fake_free(m);
}
END_TEST

/* Loads random bytes into every device; those that refuse are reset. */
START_TEST(test_random_state)
{
	unsigned int taken = 0;

	seed = _i * 104729 + 1;
	for (int round = 0; round < 200; round++) {
		board();
		for (struct gm_dev *d = m->devices; d; d = d->next) {
			size_t n = gm_state_size(d->cls->state);
			u8 *buf = malloc(n + 1);

			ck_assert_ptr_nonnull(buf);
			gm_state_save(d->cls->state, d, buf);
			for (size_t k = 0; k < n; k++)
				if (rnd() % 8 == 0)
					buf[k] = (u8)rnd();
			ck_assert_int_eq(gm_state_load(d->cls->state, d, buf, n), 0);
			free(buf);
			if (d->cls->loaded && d->cls->loaded(d))
				d->cls->reset(d);
			else
				taken++;
		}
		for (int i = 0; i < 200; i++)
			poke();
		fake_free(m);
	}
	ck_assert_uint_gt(taken, 400);
}
END_TEST

int main(void)
{
	const struct fake_test tests[] = {
		{test_random_accesses, 4},
		{test_random_state, 4},
	};

	return fake_run("isa_hostile", tests, ARRAY_SIZE(tests));
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A software CPU with a megabyte of RAM and a host that records what reaches it, for tests. */
#ifndef TEST_CPU_RIG_H
#define TEST_CPU_RIG_H

#include <stdlib.h>

#include "vmm/cpu/sys.h"

#define RIG_RAM 0x100000u

struct rig {
	struct cpu *c;
	u64 tsc;
	u64 apic_base;
	unsigned int tpr;
	unsigned int tsc_changes;
	u32 out_val;
	u16 out_port;
	u8 out_len;
	u8 *ram;
};

static void rig_page(void *opaque, u64 gpa, bool write, struct cpu_page *out)
{
	struct rig *r = opaque;

	out->readonly = false;
	out->hva = gpa < RIG_RAM ? r->ram + (gpa & CPU_PAGE_MASK) : NULL;
}

static u64 rig_mmio_read(void *opaque, u64 gpa, unsigned int len)
{
	return ~0ull;
}

static void rig_mmio_write(void *opaque, u64 gpa, unsigned int len, u64 val)
{
}

static u32 rig_pio_in(void *opaque, u16 port, unsigned int len)
{
	return 0x12345600u | (port & 0xff);
}

static void rig_pio_out(void *opaque, u16 port, unsigned int len, u32 val)
{
	struct rig *r = opaque;

	r->out_port = port;
	r->out_len = (u8)len;
	r->out_val = val;
}

static int rig_irq_ack(void *opaque)
{
	return -1;
}

static int rig_apic_rdmsr(void *opaque, u32 msr, u64 *val)
{
	struct rig *r = opaque;

	*val = r->apic_base;
	return msr == 0x1b ? 0 : -1;
}

static int rig_apic_wrmsr(void *opaque, u32 msr, u64 val)
{
	struct rig *r = opaque;

	r->apic_base = val;
	return msr == 0x1b ? 0 : -1;
}

static unsigned int rig_get_tpr(void *opaque)
{
	return ((struct rig *)opaque)->tpr;
}

static void rig_set_tpr(void *opaque, unsigned int tpr)
{
	((struct rig *)opaque)->tpr = tpr;
}

static u64 rig_tsc(void *opaque)
{
	return ((struct rig *)opaque)->tsc;
}

static void rig_tsc_changed(void *opaque)
{
	((struct rig *)opaque)->tsc_changes++;
}

static void rig_ferr(void *opaque, bool level)
{
}

static const struct gm_cpu_host rig_host = {
	.page = rig_page,
	.mmio_read = rig_mmio_read,
	.mmio_write = rig_mmio_write,
	.pio_in = rig_pio_in,
	.pio_out = rig_pio_out,
	.irq_ack = rig_irq_ack,
	.apic_rdmsr = rig_apic_rdmsr,
	.apic_wrmsr = rig_apic_wrmsr,
	.get_tpr = rig_get_tpr,
	.set_tpr = rig_set_tpr,
	.tsc = rig_tsc,
	.tsc_changed = rig_tsc_changed,
	.ferr = rig_ferr,
};

static inline struct rig *rig_new(const char *model)
{
	struct rig *r = calloc(1, sizeof(*r));

	if (!r)
		abort();
	r->ram = aligned_alloc(CPU_PAGE_SIZE, RIG_RAM);
	if (!r->ram)
		abort();
	memset(r->ram, 0, RIG_RAM);
	r->apic_base = 0xfee00900;
	r->tsc = 1000000;
	r->c = cpu_new(&rig_host, r, cpu_model_find(model));
	if (!r->c)
		abort();
	return r;
}

static inline void rig_free(struct rig *r)
{
	cpu_free(r->c);
	free(r->ram);
	free(r);
}

#endif

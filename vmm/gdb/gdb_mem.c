// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory for gdb: through the chosen vCPU's page tables, without touching their accessed and dirty
 * bits; RAM and ROM only, as reading a device's registers has effects.
 */
#include "module/x86/walk.h"
#include "vmm/bus.h"
#include "vmm/gdb/gdb_int.h"

#include <stdlib.h>

#define PAGE 4096u

static int entry_read(void *opaque, u64 gpa, unsigned int size, u64 *val)
{
	struct gm_gdb *g = opaque;
	const struct gm_flat *f = gm_bus_lookup(g->m->mem, gpa);

	*val = 0;
	if (f && f->ram)
		gm_dma_read(g->m->mem, gpa, val, size);
	return 0;
}

/* The walk takes accessed and dirty bits as set; nothing is written. */
static int entry_keep(void *opaque, u64 gpa, unsigned int size, u64 old, u64 val)
{
	return 1;
}

static const struct x86_walk_ops walk_ops = {entry_read, entry_keep};

/* False where nothing is mapped. */
static bool translate(struct gm_gdb *g, const struct gm_regs *r, u64 lin, u64 *gpa)
{
	struct x86_mmu m = {.ops = &walk_ops, .opaque = g, .cr3 = r->cr3, .cr0 = (u32)r->cr0,
			    .cr4 = (u32)r->cr4, .efer = (u32)r->efer, .phys_bits = 52, .has_1g = 1,
			    .has_pse36 = 1};
	struct x86_walk_result w;
	struct x86_fault fault;
	int ret, tries;

	*gpa = lin;
	if (g->physical || !(r->cr0 & X86_CR0_PG))
		return true;
	if (!(r->efer & X86_EFER_LMA))
		lin = (u32)lin;
	else if ((u64)((s64)(lin << 16) >> 16) != lin)
		return false;
	if (!(r->efer & X86_EFER_LMA) && r->cr4 & X86_CR4_PAE && x86_pdpte_load(&m, r->cr3))
		return false;
	for (tries = 0; tries < 4; tries++) {
		ret = x86_walk(&m, lin, X86_ACC_READ | X86_ACC_SYSTEM, false, true, &w, &fault);
		if (ret != X86_RETRY)
			break;
	}
	if (ret)
		return false;
	*gpa = w.gpa;
	return true;
}

static bool page_access(struct gm_gdb *g, u64 gpa, u8 *buf, size_t len, bool write)
{
	const struct gm_flat *f = gm_bus_lookup(g->m->mem, gpa);

	if (!f || !f->ram || f->end - gpa < len || (write && f->readonly))
		return false;
	if (write)
		gm_dma_write(g->m->mem, gpa, buf, len);
	else
		gm_dma_read(g->m->mem, gpa, buf, len);
	return true;
}

size_t gdb_mem_access(struct gm_gdb *g, u64 addr, u8 *buf, size_t len, bool write)
{
	struct gm_regs *r = calloc(1, sizeof(*r));
	struct gm_vcpu *v = g->m->vcpus[g->cpu];
	size_t done = 0, n;
	u64 gpa;

	if (!r || g->m->vm->accel->regs_get(v, GM_REGS_GPR | GM_REGS_SYS, r)) {
		free(r);
		return 0;
	}
	for (; done < len; done += n) {
		n = MIN(len - done, (size_t)(PAGE - (addr + done) % PAGE));
		if (!translate(g, r, addr + done, &gpa) ||
		    !page_access(g, gpa, buf + done, n, write))
			break;
	}
	free(r);
	return done;
}

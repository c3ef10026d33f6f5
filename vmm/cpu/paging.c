// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How the software CPU uses the shared page walk (module/x86/walk.c): table entries are reached
 * through the host page lookup, and a result becomes an address with XP_* bits for the TLBs.
 * The PDPTE registers of PAE paging are filled here. Source: Intel SDM volume 3, chapter 4.
 */
#include "vmm/cpu/model.h"
#include "vmm/cpu/smp.h"
#include "vmm/cpu/tlb.h"

/* Entries are aligned, so that none crosses a page. */
static int entry_read(void *opaque, u64 gpa, unsigned int size, u64 *val)
{
	struct cpu *c = opaque;
	struct cpu_page pg;
	const void *p;

	cpu_host_page(c, gpa, false, &pg);
	if (unlikely(!pg.hva)) {
		*val = 0;
		cpu_phys_read(c, gpa, val, size);
		return 0;
	}
	p = (const u8 *)pg.hva + (gpa & ~CPU_PAGE_MASK);
	if (size == 4)
		*val = __atomic_load_n((const u32 *)p, __ATOMIC_RELAXED);
	else
		*val = __atomic_load_n((const u64 *)p, __ATOMIC_RELAXED);
	return 0;
}

/* Tables in ROM and device registers do not take accessed and dirty bits; the walk goes on. */
static int entry_cmpxchg(void *opaque, u64 gpa, unsigned int size, u64 old, u64 val)
{
	struct cpu *c = opaque;
	struct cpu_page pg;
	u32 old32 = (u32)old;
	bool done;
	void *p;

	cpu_host_page(c, gpa, true, &pg);
	if (!pg.hva || pg.readonly)
		return 1;
	cpu_code_written(c, gpa, size, NULL);
	p = (u8 *)pg.hva + (gpa & ~CPU_PAGE_MASK);
	if (size == 4)
		done = __atomic_compare_exchange_n((u32 *)p, &old32, (u32)val, false,
						   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	else
		done = __atomic_compare_exchange_n((u64 *)p, &old, val, false, __ATOMIC_SEQ_CST,
						   __ATOMIC_SEQ_CST);
	if (c->group)
		cpu_smp_written(c, gpa, size, NULL);
	return done;
}

static const struct x86_walk_ops walk_ops = { entry_read, entry_cmpxchg };

static void mmu_init(struct cpu *c, struct x86_mmu *m)
{
	m->ops = &walk_ops;
	m->opaque = c;
	m->cr0 = (u32)c->cr0;
	m->cr3 = c->cr3;
	m->cr4 = (u32)c->cr4;
	m->efer = (u32)c->efer;
	m->phys_bits = c->model->phys_bits;
	m->has_1g = cpu_feature(c, CPU_F_PDPE1GB);
	m->has_pse36 = cpu_feature(c, CPU_F_PSE36);
	memcpy(m->pdpte, c->pdpte, sizeof(m->pdpte));
}

int cpu_pdpte_load(struct cpu *c, u64 cr3)
{
	struct x86_mmu m;

	mmu_init(c, &m);
	if (x86_pdpte_load(&m, cr3)) {
		c->fault.vector = X86_GP;
		c->fault.has_err = 1;
		c->fault.err = 0;
		return X86_FAULT;
	}
	memcpy(c->pdpte, m.pdpte, sizeof(m.pdpte));
	c->pdpte_stale = 0;
	return 0;
}

/* After CR3 was set from outside. Entries that MOV to CR3 would have refused map nothing. */
static void pdpte_renew(struct cpu *c)
{
	struct x86_mmu m;

	mmu_init(c, &m);
	memset(m.pdpte, 0, sizeof(m.pdpte));
	x86_pdpte_load(&m, c->cr3);
	memcpy(c->pdpte, m.pdpte, sizeof(m.pdpte));
	c->pdpte_stale = 0;
}

int cpu_walk(struct cpu *c, u64 lin, unsigned int acc, bool user, u64 *val)
{
	struct x86_walk_result w;
	struct x86_mmu m;
	int r;

	if (unlikely(c->pdpte_stale) && !(c->efer & X86_EFER_LMA) && c->cr4 & X86_CR4_PAE)
		pdpte_renew(c);
	mmu_init(c, &m);
	/* X86_RETRY: somebody else keeps changing the tables, and so gets on */
	do {
		r = x86_walk(&m, lin, acc, user, (c->rflags & X86_FL_AC) != 0, &w, &c->fault);
	} while (unlikely(r == X86_RETRY));
	if (r)
		return r;
	*val = (w.gpa & CPU_PAGE_MASK) | (w.flags & (XP_W | XP_U | XP_X | XP_D | XP_GLOBAL)) |
	       (w.page_shift > CPU_PAGE_SHIFT ? XP_LARGE : 0);
	return 0;
}

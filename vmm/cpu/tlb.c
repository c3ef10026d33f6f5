// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The software TLB. First level: one direct-mapped table per privilege, host addresses, emptied
 * whenever the address space changes. Second level: physical addresses with an address-space number,
 * so that global pages outlive CR3 loads and address spaces with a PCID come back.
 * What must be flushed when: Intel SDM volume 3, section 4.10.
 */
#include <stdlib.h>

#include "vmm/cpu/smp.h"
#include "vmm/cpu/tlb.h"

int cpu_tlb_init(struct cpu *c)
{
	c->tlbs = aligned_alloc(64, sizeof(struct cpu_tlb) * CPU_NTLB);
	c->tlb2 = calloc(1, sizeof(*c->tlb2));
	if (!c->tlbs || !c->tlb2)
		return -1;
	memset(&c->tlbs[CPU_TLB_EMPTY], 0xff, sizeof(struct cpu_tlb));
	c->phys_mask = ~0ull;
	c->tlb = &c->tlbs[CPU_TLB_SUPER];
	c->tlb2->asid = 1;
	c->tlb2->next_asid = 2;
	memset(c->tlb2->used, 1, sizeof(c->tlb2->used));
	cpu_host_forget(c);
	cpu_tlb_flush_all(c);
	return 0;
}

void cpu_tlb_fini(struct cpu *c)
{
	free(c->tlbs);
	free(c->tlb2);
	c->tlbs = NULL;
	c->tlb2 = NULL;
}

static void flush_first(struct cpu *c)
{
	struct cpu_tlb2 *t = c->tlb2;
	unsigned int i;

	for (i = 0; i < CPU_TLB_EMPTY; i++) {
		if (t->used[i])
			memset(&c->tlbs[i], 0xff, sizeof(struct cpu_tlb));
		t->used[i] = 0;
	}
	memset(t->x, 0xff, sizeof(t->x));
}

#define JTAG_MODE 12 /* bits of cpu.mode in a tag, then 12 of the address space */

void cpu_tags_update(struct cpu *c)
{
	u64 gen = c->tlb2->gen << (2 * JTAG_MODE);

	c->gtag = gen | c->mode;
	c->jtag = c->gtag | (u64)c->tlb2->asid << JTAG_MODE;
}

void cpu_tags_renew(struct cpu *c)
{
	c->tlb2->gen++;
	memset(c->tlb2->exec, 0, sizeof(c->tlb2->exec));
	cpu_tags_update(c);
}

static void new_asid(struct cpu *c)
{
	struct cpu_tlb2 *t = c->tlb2;

	if (t->next_asid == 4096) {
		memset(t->e, 0, sizeof(t->e));
		memset(t->pcids, 0, sizeof(t->pcids));
		memset(t->large, 0, sizeof(t->large));
		t->next_asid = 1;
		cpu_tags_renew(c);
	}
	t->asid = t->next_asid++;
}

void cpu_tlb_flush_all(struct cpu *c)
{
	struct cpu_tlb2 *t = c->tlb2;

	memset(t->e, 0, sizeof(t->e));
	memset(t->pcids, 0, sizeof(t->pcids));
	memset(t->large, 0, sizeof(t->large));
	t->next_asid = 1;
	new_asid(c);
	flush_first(c);
	cpu_tags_renew(c);
}

static unsigned int pcid_find(const struct cpu_tlb2 *t, unsigned int pcid)
{
	unsigned int i;

	for (i = 0; i < CPU_NPCID; i++)
		if (t->pcids[i].asid && t->pcids[i].pcid == pcid)
			return i;
	return CPU_NPCID;
}

void cpu_tlb_flush_cr3(struct cpu *c, bool keep)
{
	struct cpu_tlb2 *t = c->tlb2;
	unsigned int pcid = c->cr3 & 0xfff, i;

	flush_first(c);
	if (!(c->cr4 & X86_CR4_PCIDE)) {
		new_asid(c);
		cpu_tags_update(c);
		return;
	}
	i = pcid_find(t, pcid);
	if (keep && i < CPU_NPCID) {
		t->asid = t->pcids[i].asid;
	} else {
		new_asid(c);
		if (i == CPU_NPCID)
			i = t->pcid_next++ % CPU_NPCID;
		t->pcids[i].pcid = (u16)pcid;
		t->pcids[i].asid = (u16)t->asid;
	}
	cpu_tags_update(c);
}

static struct cpu_tlb2_entry *slot2(struct cpu_tlb2 *t, u64 lin)
{
	u64 vpn = lin >> CPU_PAGE_SHIFT;

	return &t->e[(vpn ^ vpn >> 12) & (CPU_TLB2_SIZE - 1)];
}

static unsigned int large_bit(u64 lin)
{
	u64 n = lin >> 21;

	return (unsigned int)(n ^ n >> 12 ^ n >> 24) & 4095;
}

static unsigned int exec_bit(u64 lin)
{
	u64 n = lin >> CPU_PAGE_SHIFT;

	return (unsigned int)(n ^ n >> 12 ^ n >> 24) & 4095;
}

void cpu_tlb_flush_page(struct cpu *c, u64 lin)
{
	struct cpu_tlb2 *t = c->tlb2;
	unsigned int i, bit = large_bit(lin);
	u64 page = lin & CPU_PAGE_MASK;
	struct cpu_tlb2_entry *e = slot2(t, page);

	if (t->large[bit / 64] >> (bit & 63) & 1) {
		/* a large page may be in here in pieces */
		cpu_tlb_flush_all(c);
		return;
	}
	if ((e->tag & CPU_PAGE_MASK) == page)
		memset(e, 0, sizeof(*e));
	for (i = 0; i < CPU_TLB_EMPTY; i++)
		memset(&c->tlbs[i].e[(page >> CPU_PAGE_SHIFT) & (CPU_TLB_SIZE - 1)], 0xff,
		       sizeof(struct cpu_tlb_entry));
	for (i = 0; i < 2; i++) {
		struct cpu_etlb_entry *x = &t->x[i][(page >> CPU_PAGE_SHIFT) & (CPU_ETLB_SIZE - 1)];

		if (x->tag == page)
			x->tag = ~0ull;
	}
	/* only where code may have been fetched from it can there be links into the page */
	bit = exec_bit(page);
	if (t->exec[bit / 64] >> (bit & 63) & 1)
		cpu_tags_renew(c);
}

void cpu_tlb_flush_pcid(struct cpu *c, unsigned int type, unsigned int pcid, u64 lin)
{
	struct cpu_tlb2 *t = c->tlb2;
	unsigned int i = pcid_find(t, pcid);

	if (type > 1 || pcid == (c->cr3 & 0xfff)) {
		cpu_tlb_flush_all(c);
		return;
	}
	/* another address space: it gets a new number when it comes back */
	if (i < CPU_NPCID)
		t->pcids[i].asid = 0;
}

void cpu_host_page(struct cpu *c, u64 gpa, bool write, struct cpu_page *pg)
{
	struct cpu_phys_entry *e;

	gpa &= c->phys_mask & CPU_PAGE_MASK;
	e = &c->tlb2->phys[(gpa >> CPU_PAGE_SHIFT) & (CPU_PHYS_SIZE - 1)];
	if (e->tag == gpa && (!write || e->written)) {
		pg->hva = e->hva;
		pg->readonly = e->readonly;
		return;
	}
	pg->hva = NULL;
	pg->readonly = false;
	c->host->page(c->host_opaque, gpa, write, pg);
	if (!pg->hva)
		return;
	e->tag = gpa;
	e->hva = pg->hva;
	e->readonly = pg->readonly;
	e->written = write;
}

void cpu_host_forget(struct cpu *c)
{
	memset(c->tlb2->phys, 0xff, sizeof(c->tlb2->phys));
}

static bool is_user(const struct cpu *c, unsigned int acc)
{
	return c->cpl == 3 && !(acc & X86_ACC_SYSTEM);
}

int cpu_translate_lin(struct cpu *c, u64 lin, unsigned int acc, u64 *val)
{
	struct cpu_tlb2 *t = c->tlb2;
	struct cpu_tlb2_entry *e;
	u64 page = lin & CPU_PAGE_MASK;
	bool user = is_user(c, acc);
	int r;

	if (!(c->cr0 & X86_CR0_PG)) {
		*val = ((u32)lin & CPU_PAGE_MASK & c->phys_mask) | XP_W | XP_U | XP_X | XP_D;
		return 0;
	}
	if (c->efer & X86_EFER_LMA && (u64)((s64)(lin << 16) >> 16) != lin) {
		c->fault.vector = X86_GP;
		c->fault.has_err = 1;
		c->fault.err = 0;
		return X86_FAULT;
	}
	e = slot2(t, page);
	if ((e->tag == (page | t->asid) || (e->tag == page && e->val & XP_GLOBAL)) &&
	    cpu_walk_allowed(c, e->val, acc, user) && (!(acc & X86_ACC_WRITE) || e->val & XP_D)) {
		*val = e->val;
		return 0;
	}
	r = cpu_walk(c, lin, acc, user, val);
	if (r)
		return r;
	*val &= c->phys_mask;
	e->tag = page | (*val & XP_GLOBAL ? 0 : t->asid);
	e->val = *val;
	if (*val & XP_LARGE) {
		unsigned int bit = large_bit(lin);

		t->large[bit / 64] |= 1ull << (bit & 63);
	}
	return 0;
}

void cpu_tlb_fill(struct cpu *c, u64 lin, u64 val, bool write, const struct cpu_page *pg)
{
	struct cpu_tlb_entry *e = &c->tlb->e[(lin >> CPU_PAGE_SHIFT) & (CPU_TLB_SIZE - 1)];
	unsigned int which = (unsigned int)(c->tlb - c->tlbs);
	u64 page = lin & CPU_PAGE_MASK;

	if (which == CPU_TLB_EMPTY)
		return;
	c->tlb2->used[which] = 1;
	e->rd = page;
	e->add = (u64)(uintptr_t)pg->hva - page;
	e->gpa = val & CPU_PAGE_MASK;
	e->wr = write && !pg->readonly && !cpu_code_find(c, val) &&
				(!c->group || cpu_smp_writable(c, val & CPU_PAGE_MASK))
			? page
			: ~0ull;
}

void cpu_tlb_protect(struct cpu *c, u64 gpa)
{
	unsigned int t, i;

	gpa &= CPU_PAGE_MASK;
	for (t = 0; t < CPU_TLB_EMPTY; t++)
		for (i = 0; c->tlb2->used[t] && i < CPU_TLB_SIZE; i++)
			if (c->tlbs[t].e[i].gpa == gpa)
				c->tlbs[t].e[i].wr = ~0ull;
}

void cpu_tlb_protect_all(struct cpu *c)
{
	unsigned int t, i;

	for (t = 0; t < CPU_TLB_EMPTY; t++)
		for (i = 0; c->tlb2->used[t] && i < CPU_TLB_SIZE; i++)
			c->tlbs[t].e[i].wr = ~0ull;
}

u64 cpu_exec_gpa(struct cpu *c, u64 lin, const u8 **hva, bool *global)
{
	struct cpu_tlb2 *t = c->tlb2;
	struct cpu_etlb_entry *e = &t->x[c->cpl == 3][(lin >> CPU_PAGE_SHIFT) & (CPU_ETLB_SIZE - 1)];
	unsigned int bit = exec_bit(lin);
	struct cpu_page pg;
	u64 val;

	if (e->tag != (lin & CPU_PAGE_MASK)) {
		if (cpu_translate_lin(c, lin, X86_ACC_EXEC, &val))
			cpu_raise(c);
		cpu_host_page(c, val, false, &pg);
		e->tag = lin & CPU_PAGE_MASK;
		e->gpa = val & (CPU_PAGE_MASK | XP_GLOBAL);
		e->hva = pg.hva;
	}
	t->exec[bit / 64] |= 1ull << (bit & 63);
	*hva = e->hva;
	*global = e->gpa & XP_GLOBAL;
	return (e->gpa & CPU_PAGE_MASK) | (lin & ~CPU_PAGE_MASK);
}

void cpu_map_changed(struct cpu *c)
{
	cpu_host_forget(c);
	cpu_tlb_flush_all(c);
	cpu_cache_remapped(c);
}

void cpu_phys_protect(struct cpu *c, u64 gpa, u64 len)
{
	unsigned int t, i;

	for (i = 0; i < CPU_PHYS_SIZE; i++)
		if (c->tlb2->phys[i].tag + CPU_PAGE_SIZE > gpa && c->tlb2->phys[i].tag < gpa + len)
			c->tlb2->phys[i].written = 0;
	for (t = 0; t < CPU_TLB_EMPTY; t++)
		for (i = 0; c->tlb2->used[t] && i < CPU_TLB_SIZE; i++)
			if (c->tlbs[t].e[i].gpa + CPU_PAGE_SIZE > gpa &&
			    c->tlbs[t].e[i].gpa < gpa + len)
				c->tlbs[t].e[i].wr = ~0ull;
}

void cpu_set_a20(struct cpu *c, bool on)
{
	u64 mask = on ? ~0ull : ~(1ull << 20);

	if (mask == c->phys_mask)
		return;
	c->phys_mask = mask;
	cpu_tlb_flush_all(c);
}

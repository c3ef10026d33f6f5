/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The page walk. One loop over the levels serves all formats; they differ in a small table.
 *
 * The entries are collected on the way down, rights are judged, and only then A and D are set, so
 * that a fault leaves the tables as they were.
 *
 * Source: Intel SDM volume 3, sections 4.3 (32-bit), 4.4 (PAE), 4.5 (4-level), 4.6 (rights),
 * 4.7 (error code), 4.8 (accessed and dirty).
 */
#include "module/x86/walk.h"

#define PTE_P   0x001ull
#define PTE_W   0x002ull
#define PTE_U   0x004ull
#define PTE_PWT 0x008ull
#define PTE_PCD 0x010ull
#define PTE_A   0x020ull
#define PTE_D   0x040ull
#define PTE_PS  0x080ull
#define PTE_G   0x100ull
#define PTE_PAT_LARGE 0x1000ull
#define PTE_NX  (1ull << 63)
#define PTE_ADDR 0x000ffffffffff000ull

#define PF_P    0x01u
#define PF_W    0x02u
#define PF_U    0x04u
#define PF_RSVD 0x08u
#define PF_I    0x10u

/* Tries before a walk whose tables keep changing gives up. */
#define X86_WALK_TRIES 64

/* A table format; level 0 is the page table. */
struct x86_pg_format {
	u8 levels;
	u8 index_bits;
	u8 entry_size;
};

static const struct x86_pg_format x86_pg_32 = { 2, 10, 4 };
static const struct x86_pg_format x86_pg_pae = { 2, 9, 8 }; /* below the PDPTE registers */
static const struct x86_pg_format x86_pg_64 = { 4, 9, 8 };

/* One walk on its way. */
struct x86_walk {
	const struct x86_mmu *mmu;
	const struct x86_pg_format *fmt;
	u64 lin;
	u64 entry[4];      /* by level */
	u64 gpa[4];
	int leaf;          /* level of the entry that maps the page */
	u32 flags;
};

static int x86_walk_nx(const struct x86_mmu *mmu)
{
	return (mmu->efer & X86_EFER_NXE) && (mmu->cr4 & X86_CR4_PAE);
}

static int x86_walk_fault(const struct x86_mmu *mmu, u64 lin, unsigned int acc, int user, u32 why,
			  struct x86_fault *fault)
{
	fault->vector = X86_PF;
	fault->has_err = 1;
	fault->err = why;
	if (acc & X86_ACC_WRITE)
		fault->err |= PF_W;
	if (user && !(acc & X86_ACC_SYSTEM))
		fault->err |= PF_U;
	if ((acc & X86_ACC_EXEC) && (x86_walk_nx(mmu) || (mmu->cr4 & X86_CR4_SMEP)))
		fault->err |= PF_I;
	fault->cr2 = lin;
	return X86_FAULT;
}

/* Bits 51 to MAXPHYADDR */
static u64 x86_high_bits(const struct x86_mmu *mmu)
{
	if (mmu->phys_bits >= 52)
		return 0;
	return PTE_ADDR & ~((1ull << mmu->phys_bits) - 1);
}

/* Bits that must be 0 in a present entry. (SDM figures 4-4, 4-7, 4-11) */
static u64 x86_reserved(const struct x86_walk *w, int level, u64 e)
{
	const struct x86_mmu *mmu = w->mmu;
	u64 rsvd;

	if (w->fmt->entry_size == 4) {
		if (level != 1 || !(e & PTE_PS) || !(mmu->cr4 & X86_CR4_PSE))
			return 0;
		if (!mmu->has_pse36)
			return 0x3fe000;
		/* bits 20 to 13 are address bits 39 to 32 as far as those exist */
		if (mmu->phys_bits >= 40)
			return 0x200000;
		return 0x3fe000 & ~((1ull << (mmu->phys_bits - 32 + 13)) - 1);
	}
	rsvd = x86_high_bits(mmu);
	if (!x86_walk_nx(mmu))
		rsvd |= PTE_NX;
	if (w->fmt == &x86_pg_pae)
		rsvd |= 0x7ff0000000000000ull;
	if (level == 3)
		rsvd |= PTE_PS;
	if (!(e & PTE_PS))
		return rsvd;
	if (level == 2)
		rsvd |= mmu->has_1g ? 0x3fffe000ull : PTE_PS;
	else if (level == 1)
		rsvd |= 0x1fe000ull;
	return rsvd;
}

static int x86_is_leaf(const struct x86_walk *w, int level, u64 e)
{
	if (!level)
		return 1;
	if (!(e & PTE_PS) || level > 2)
		return 0;
	return w->fmt->entry_size == 8 || (w->mmu->cr4 & X86_CR4_PSE);
}

/* Follows the tables. 0 with w filled in; X86_FAULT with *why; or a callback's return. */
static int x86_walk_down(struct x86_walk *w, u64 table, u32 *why)
{
	const struct x86_pg_format *fmt = w->fmt;
	u64 e, index;
	int level, rc;

	w->flags = X86_WALK_USER | X86_WALK_WRITE | X86_WALK_EXEC;
	for (level = fmt->levels - 1; ; level--) {
		index = w->lin >> (12 + level * fmt->index_bits);
		index &= (1u << fmt->index_bits) - 1;
		w->gpa[level] = table + index * fmt->entry_size;
		rc = w->mmu->ops->read(w->mmu->opaque, w->gpa[level], fmt->entry_size, &e);
		if (rc)
			return rc;
		w->entry[level] = e;
		*why = 0;
		if (!(e & PTE_P))
			return X86_FAULT;
		*why = PF_P | PF_RSVD;
		if (e & x86_reserved(w, level, e))
			return X86_FAULT;
		if (!(e & PTE_W))
			w->flags &= ~X86_WALK_WRITE;
		if (!(e & PTE_U))
			w->flags &= ~X86_WALK_USER;
		if (fmt->entry_size == 8 && (e & PTE_NX))
			w->flags &= ~X86_WALK_EXEC;
		if (x86_is_leaf(w, level, e))
			break;
		table = fmt->entry_size == 4 ? e & 0xfffff000ull : e & PTE_ADDR;
	}
	w->leaf = level;
	return 0;
}

/* Sets A everywhere and D in the leaf of a write. 1: done, 0: something changed. */
static int x86_walk_mark(struct x86_walk *w, int write)
{
	const struct x86_mmu *mmu = w->mmu;
	u64 set, e;
	int level, rc;

	for (level = w->fmt->levels - 1; level >= w->leaf; level--) {
		set = PTE_A;
		if (level == w->leaf && write)
			set |= PTE_D;
		e = w->entry[level];
		if ((e & set) == set)
			continue;
		/* In parentheses: kernels have a macro of that name. */
		rc = (mmu->ops->cmpxchg)(mmu->opaque, w->gpa[level], w->fmt->entry_size, e, e | set);
		if (rc <= 0)
			return rc;
		w->entry[level] = e | set;
	}
	return 1;
}

static void x86_walk_finish(const struct x86_walk *w, struct x86_walk_result *out)
{
	u64 e = w->entry[w->leaf], mask, base;

	out->page_shift = 12 + w->leaf * w->fmt->index_bits;
	mask = (1ull << out->page_shift) - 1;
	base = e & PTE_ADDR & ~mask;
	if (w->fmt->entry_size == 4) {
		base = e & 0xffffffffull & ~mask;
		if (w->leaf && w->mmu->has_pse36)
			base |= (e & 0x1fe000) << 19;
	}
	out->gpa = base | (w->lin & mask);
	out->flags = w->flags;
	if (e & PTE_D)
		out->flags |= X86_WALK_DIRTY;
	if ((e & PTE_G) && (w->mmu->cr4 & X86_CR4_PGE))
		out->flags |= X86_WALK_GLOBAL;
	if (e & PTE_PWT)
		out->flags |= X86_WALK_PWT;
	if (e & PTE_PCD)
		out->flags |= X86_WALK_PCD;
	if (e & (w->leaf ? PTE_PAT_LARGE : PTE_PS))
		out->flags |= X86_WALK_PAT;
}

/* The format and the first table. 0, or X86_FAULT for a PDPTE that is not present. */
static int x86_walk_root(struct x86_walk *w, u64 *table)
{
	const struct x86_mmu *mmu = w->mmu;
	u64 pdpte;

	if (mmu->efer & X86_EFER_LMA) {
		w->fmt = &x86_pg_64;
		*table = mmu->cr3 & PTE_ADDR;
		return 0;
	}
	w->lin = (u32)w->lin;
	if (!(mmu->cr4 & X86_CR4_PAE)) {
		w->fmt = &x86_pg_32;
		*table = mmu->cr3 & 0xfffff000ull;
		return 0;
	}
	w->fmt = &x86_pg_pae;
	pdpte = mmu->pdpte[w->lin >> 30];
	*table = pdpte & PTE_ADDR;
	return pdpte & PTE_P ? 0 : X86_FAULT;
}

/* w: zeroes; the way is left in it. */
static inline int x86_walk_run(struct x86_walk *w, const struct x86_mmu *mmu, u64 lin,
			       unsigned int acc, int user, int ac, struct x86_walk_result *out,
			       struct x86_fault *fault)
{
	int tries, rc;
	u64 table;
	u32 why = 0;

	if (!(mmu->cr0 & X86_CR0_PG)) {
		out->gpa = (u32)lin;
		out->page_shift = 32;
		out->flags = X86_WALK_USER | X86_WALK_WRITE | X86_WALK_EXEC | X86_WALK_DIRTY;
		return 0;
	}
	w->mmu = mmu;
	w->lin = lin;
	if (x86_walk_root(w, &table))
		return x86_walk_fault(mmu, w->lin, acc, user, 0, fault);
	for (tries = 0; tries < X86_WALK_TRIES; tries++) {
		rc = x86_walk_down(w, table, &why);
		if (rc == X86_FAULT)
			return x86_walk_fault(mmu, w->lin, acc, user, why, fault);
		if (rc)
			return rc;
		if (!x86_walk_allowed(mmu->cr0, mmu->cr4, w->flags, acc, user, ac))
			return x86_walk_fault(mmu, w->lin, acc, user, PF_P, fault);
		rc = x86_walk_mark(w, !!(acc & X86_ACC_WRITE));
		if (rc < 0)
			return rc;
		if (rc) {
			x86_walk_finish(w, out);
			return 0;
		}
	}
	return X86_RETRY;
}

int x86_walk(const struct x86_mmu *mmu, u64 lin, unsigned int acc, int user, int ac,
	     struct x86_walk_result *out, struct x86_fault *fault)
{
	struct x86_walk w;

	memset(&w, 0, sizeof(w));
	return x86_walk_run(&w, mmu, lin, acc, user, ac, out, fault);
}

int x86_walk_trail(const struct x86_mmu *mmu, u64 lin, unsigned int acc, int user, int ac,
		   struct x86_walk_result *out, struct x86_fault *fault,
		   struct x86_walk_trail *trail)
{
	struct x86_walk w;
	int rc;

	memset(&w, 0, sizeof(w));
	rc = x86_walk_run(&w, mmu, lin, acc, user, ac, out, fault);
	memcpy(trail->entry, w.entry, sizeof(trail->entry));
	memcpy(trail->gpa, w.gpa, sizeof(trail->gpa));
	trail->leaf = (u8)w.leaf;
	trail->levels = w.fmt ? w.fmt->levels : 0;
	trail->entry_size = w.fmt ? w.fmt->entry_size : 0;
	return rc;
}

int x86_pdpte_load(struct x86_mmu *mmu, u64 cr3)
{
	/* Reserved: bits 1, 2, 5 to 8 and all above MAXPHYADDR. */
	u64 rsvd = x86_high_bits(mmu) | 0xfff0000000000000ull | 0x1e6, pdpte[4];
	int i, rc;

	for (i = 0; i < 4; i++) {
		rc = mmu->ops->read(mmu->opaque, (cr3 & 0xffffffe0ull) + 8 * i, 8, &pdpte[i]);
		if (rc)
			return rc;
		if ((pdpte[i] & PTE_P) && (pdpte[i] & rsvd))
			return X86_FAULT;
	}
	memcpy(mmu->pdpte, pdpte, sizeof(pdpte));
	return 0;
}

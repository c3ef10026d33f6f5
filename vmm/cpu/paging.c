// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The page walk: 32-bit, PAE and 4-level paging, accessed and dirty bits, page faults.
 * Source: Intel SDM volume 3, chapter 4.
 */
#include "vmm/cpu/model.h"
#include "vmm/cpu/tlb.h"

#define PTE_P   0x001ull
#define PTE_W   0x002ull
#define PTE_U   0x004ull
#define PTE_A   0x020ull
#define PTE_D   0x040ull
#define PTE_PS  0x080ull
#define PTE_G   0x100ull
#define PTE_NX  (1ull << 63)

#define PF_P    0x01u
#define PF_W    0x02u
#define PF_U    0x04u
#define PF_RSVD 0x08u
#define PF_I    0x10u

/* One kind of page table. */
struct shape {
	u8 levels;
	u8 bits;      /* of index per level */
	u8 entry;     /* bytes */
};

int cpu_walk_fault(struct cpu *c, u64 lin, unsigned int acc, bool user, u32 bits)
{
	u32 err = bits | (acc & X86_ACC_WRITE ? PF_W : 0) | (user ? PF_U : 0);

	if (acc & X86_ACC_EXEC && (c->cr4 & X86_CR4_SMEP ||
				   (c->efer & X86_EFER_NXE && c->cr4 & X86_CR4_PAE)))
		err |= PF_I;
	c->fault.vector = X86_PF;
	c->fault.has_err = 1;
	c->fault.err = err;
	c->fault.cr2 = lin;
	return X86_FAULT;
}

bool cpu_walk_allowed(const struct cpu *c, u64 val, unsigned int acc, bool user)
{
	if (user) {
		if (!(val & XP_U))
			return false;
		if (acc & X86_ACC_WRITE && !(val & XP_W))
			return false;
		return !(acc & X86_ACC_EXEC) || val & XP_X;
	}
	if (acc & X86_ACC_EXEC)
		return val & XP_X && !(val & XP_U && c->cr4 & X86_CR4_SMEP);
	if (val & XP_U && c->cr4 & X86_CR4_SMAP &&
	    (acc & X86_ACC_SYSTEM || !(c->rflags & X86_FL_AC)))
		return false;
	return !(acc & X86_ACC_WRITE) || val & XP_W || !(c->cr0 & X86_CR0_WP);
}

static u64 read_entry(struct cpu *c, u64 gpa, unsigned int size, void **at)
{
	struct cpu_page pg;
	u64 v = 0;

	cpu_host_page(c, gpa, false, &pg);
	*at = NULL;
	if (!pg.hva) {
		cpu_phys_read(c, gpa, &v, size);
		return v;
	}
	*at = (u8 *)pg.hva + (gpa & ~CPU_PAGE_MASK);
	if (pg.readonly) {
		v = size == 4 ? *(u32_una *)*at : *(u64_una *)*at;
		*at = NULL;
		return v;
	}
	return size == 4 ? *(u32 *)*at : *(u64 *)*at;
}

/* Sets bits in an entry that is still what was read. False: it changed, walk again. */
static bool update_entry(struct cpu *c, u64 gpa, void *at, unsigned int size, u64 old, u64 set)
{
	struct cpu_page pg;

	if (!at)
		return true;
	cpu_host_page(c, gpa, true, &pg);
	cpu_code_written(c, gpa, size, NULL);
	if (size == 4) {
		u32 o = (u32)old;

		return __atomic_compare_exchange_n((u32 *)at, &o, (u32)(old | set), false,
						   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	}
	return __atomic_compare_exchange_n((u64 *)at, &old, old | set, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST);
}

/* Bits that must be clear in an entry of a level (0: page table). */
static u64 reserved(const struct cpu *c, const struct shape *s, unsigned int level, u64 e)
{
	u64 high = ~((1ull << c->model->phys_bits) - 1) & 0x000fffffffffffffull, r = 0;

	if (s->entry == 4)
		return level == 1 && e & PTE_PS && c->cr4 & X86_CR4_PSE ? 1ull << 21 : 0;
	r = high;
	if (!(c->efer & X86_EFER_NXE))
		r |= PTE_NX;
	if (s->levels == 3) {
		r |= 0x7ff0000000000000ull;
		if (level == 2)
			return (high | PTE_NX | 0x7ff0000000000000ull | 0x1e6);
	}
	if (level == 3)
		r |= PTE_PS;
	if (level == 2 && e & PTE_PS)
		r |= cpu_feature(c, CPU_F_PDPE1GB) ? 0x3fffe000ull : PTE_PS;
	if (level == 1 && e & PTE_PS)
		r |= 0x1fe000ull;
	return r;
}

/* Physical page and permissions of a leaf at a level. */
static u64 leaf(const struct shape *s, unsigned int level, u64 e, u64 lin, u64 perm)
{
	unsigned int shift = CPU_PAGE_SHIFT + level * s->bits;
	u64 mask = (1ull << shift) - 1, base = e & 0x000ffffffffff000ull & ~mask;

	if (s->entry == 4) {
		base = (u32)e & ~mask;
		if (level == 1) /* PSE-36 */
			base |= (e >> 13 & 0xff) << 32;
	}
	if (e & PTE_G)
		perm |= XP_GLOBAL;
	if (level)
		perm |= XP_LARGE;
	return ((base | (lin & mask)) & CPU_PAGE_MASK) | perm;
}

/* One try; 1: an entry changed under it. */
static int walk_once(struct cpu *c, const struct shape *s, u64 lin, unsigned int acc, bool user,
		     u64 *val)
{
	u64 table = c->cr3 & (s->entry == 4 ? 0xfffff000ull : 0x000ffffffffff000ull), e, at, set, v;
	u64 perm = XP_W | XP_U | XP_X;
	unsigned int level = s->levels;
	void *p;

	if (s->levels == 3)
		table = c->cr3 & 0xffffffe0ull;
	for (;;) {
		bool big, pdpte;

		level--;
		at = table + (lin >> (CPU_PAGE_SHIFT + level * s->bits) & ((1u << s->bits) - 1)) *
				     s->entry;
		if (s->levels == 3 && level == 2)
			at = table + (lin >> 30 & 3) * 8;
		e = read_entry(c, at, s->entry, &p);
		pdpte = s->levels == 3 && level == 2;
		if (!(e & PTE_P))
			return cpu_walk_fault(c, lin, acc, user, 0);
		if (e & reserved(c, s, level, e))
			return cpu_walk_fault(c, lin, acc, user, PF_P | PF_RSVD);
		if (!pdpte) {
			if (!(e & PTE_W))
				perm &= ~(u64)XP_W;
			if (!(e & PTE_U))
				perm &= ~(u64)XP_U;
			if (s->entry == 8 && e & PTE_NX)
				perm &= ~(u64)XP_X;
		}
		big = !level || (!pdpte && level < 3 && e & PTE_PS &&
				 (s->entry == 8 || c->cr4 & X86_CR4_PSE));
		if (big)
			break;
		if (!pdpte && !(e & PTE_A) && !update_entry(c, at, p, s->entry, e, PTE_A))
			return 1;
		table = e & (s->entry == 4 ? 0xfffff000ull : 0x000ffffffffff000ull);
	}
	v = leaf(s, level, e, lin, perm);
	if (!(c->cr4 & X86_CR4_PGE))
		v &= ~(u64)XP_GLOBAL;
	if (!cpu_walk_allowed(c, v, acc, user))
		return cpu_walk_fault(c, lin, acc, user, PF_P);
	set = PTE_A | (acc & X86_ACC_WRITE ? PTE_D : 0);
	if ((e & set) != set && !update_entry(c, at, p, s->entry, e, set))
		return 1;
	if ((e | set) & PTE_D)
		v |= XP_D;
	*val = v;
	return 0;
}

int cpu_walk(struct cpu *c, u64 lin, unsigned int acc, bool user, u64 *val)
{
	static const struct shape shapes[3] = { { 2, 10, 4 }, { 3, 9, 8 }, { 4, 9, 8 } };
	const struct shape *s = &shapes[0];
	int r;

	if (c->efer & X86_EFER_LMA)
		s = &shapes[2];
	else if (c->cr4 & X86_CR4_PAE)
		s = &shapes[1];
	do {
		r = walk_once(c, s, lin, acc, user, val);
	} while (r > 0);
	return r;
}

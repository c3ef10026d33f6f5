/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The page walk: a linear address through the guest's page tables, for all paging modes without
 * and with long mode, with accessed and dirty bits and exact error codes. Guest memory is reached
 * only through two callbacks. Nothing is allocated, nothing is kept between calls.
 *
 * Source: Intel SDM volume 3, chapter 4.
 */
#ifndef GM_X86_WALK_H
#define GM_X86_WALK_H

#include "module/x86/x86.h"

/*
 * How page-table entries are reached; `size` is 4 or 8, gpa is aligned to it. Negative returns
 * other than X86_FAULT (the table is not in memory that can be read, for instance) end the walk and
 * are handed through.
 */
struct x86_walk_ops {
	int (*read)(void *opaque, u64 gpa, unsigned int size, u64 *val);
	/* Atomically replaces `old` by `val`. 1: done; 0: the entry was no longer `old`. */
	int (*cmpxchg)(void *opaque, u64 gpa, unsigned int size, u64 old, u64 val);
};

/* What decides about a walk besides the address. */
struct x86_mmu {
	const struct x86_walk_ops *ops;
	void *opaque;
	u64 cr3;
	u64 pdpte[4];      /* PAE paging outside of long mode: as x86_pdpte_load() left them */
	u32 cr0;
	u32 cr4;
	u32 efer;
	u8 phys_bits;      /* MAXPHYADDR: 32 to 52 */
	u8 has_1g;         /* 1 GiB pages exist */
	u8 has_pse36;
	u8 pad;
};

/* x86_walk_result.flags: rights are those of all levels together. */
#define X86_WALK_USER   0x01u
#define X86_WALK_WRITE  0x02u
#define X86_WALK_EXEC   0x04u
#define X86_WALK_GLOBAL 0x08u /* G in the leaf, CR4.PGE set */
#define X86_WALK_DIRTY  0x10u /* D is set in the leaf: a write needs no new walk */
#define X86_WALK_PWT    0x20u
#define X86_WALK_PCD    0x40u
#define X86_WALK_PAT    0x80u

struct x86_walk_result {
	u64 gpa;           /* of the address itself, not of its page */
	u32 page_shift;    /* 12, 21, 22 or 30; 32 with paging off */
	u32 flags;
};

/*
 * Whether an access is allowed by rights that a walk (or a TLB entry) gave. acc: X86_ACC_*; user: CPL
 * is 3; ac: RFLAGS.AC. X86_ACC_SYSTEM makes the access a supervisor's, whatever `user` is. (SDM 4.6)
 */
static inline int x86_walk_allowed(u32 cr0, u32 cr4, u32 flags, unsigned int acc, int user, int ac)
{
	if (user && !(acc & X86_ACC_SYSTEM)) {
		if (!(flags & X86_WALK_USER))
			return 0;
		if ((acc & X86_ACC_WRITE) && !(flags & X86_WALK_WRITE))
			return 0;
		return !(acc & X86_ACC_EXEC) || (flags & X86_WALK_EXEC);
	}
	if (acc & X86_ACC_EXEC)
		return (flags & X86_WALK_EXEC) &&
		       !((flags & X86_WALK_USER) && (cr4 & X86_CR4_SMEP));
	if ((flags & X86_WALK_USER) && (cr4 & X86_CR4_SMAP) && ((acc & X86_ACC_SYSTEM) || !ac))
		return 0;
	return !(acc & X86_ACC_WRITE) || (flags & X86_WALK_WRITE) || !(cr0 & X86_CR0_WP);
}

/*
 * Translates `lin` (canonical in long mode; the upper half is ignored elsewhere) for an access. 0 with
 * *out filled and A and D set in the tables; X86_FAULT with *fault a #PF (cr2 and error code
 * included) and the tables untouched; or what a callback returned. An entry that another CPU changes
 * meanwhile makes the walk start again; after a bounded number of times X86_RETRY is returned.
 */
int x86_walk(const struct x86_mmu *mmu, u64 lin, unsigned int acc, int user, int ac,
	     struct x86_walk_result *out, struct x86_fault *fault);

/*
 * The way that a walk took: entries with the A and D bits that it set, by level, 0 being the page
 * table; `leaf` is the level of the one that maps the page. levels is 0 with paging off.
 */
struct x86_walk_trail {
	u64 entry[4];
	u64 gpa[4];
	u8 leaf;
	u8 levels;
	u8 entry_size;
	u8 pad[5];
};

/* As x86_walk(), and says how it went when it returns 0. */
int x86_walk_trail(const struct x86_mmu *mmu, u64 lin, unsigned int acc, int user, int ac,
		   struct x86_walk_result *out, struct x86_fault *fault,
		   struct x86_walk_trail *trail);

/*
 * Loads the four PDPTEs that CR3 points at, as MOV to CR3, CR0 and CR4 do under PAE paging. 0;
 * X86_FAULT when a present one has reserved bits set (the caller raises #GP(0)), pdpte unchanged then;
 * or what the callback returned. (SDM 4.4.1)
 */
int x86_pdpte_load(struct x86_mmu *mmu, u64 cr3);

#endif

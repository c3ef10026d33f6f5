/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Translation of linear addresses behind the inline TLB; shared by tlb.c, paging.c and access.c. */
#ifndef VMM_CPU_TLB_H
#define VMM_CPU_TLB_H

#include "module/x86/walk.h"
#include "vmm/cpu/cache.h"

/* Permissions of a translation, in the low bits of its address. */
#define XP_W      X86_WALK_WRITE
#define XP_U      X86_WALK_USER
#define XP_X      X86_WALK_EXEC
#define XP_D      X86_WALK_DIRTY
#define XP_GLOBAL X86_WALK_GLOBAL
#define XP_LARGE  0x800u /* a piece of a larger page */

#define CPU_TLB2_SIZE 4096u
#define CPU_ETLB_SIZE 64u
#define CPU_NPCID     8u
#define CPU_PHYS_SIZE 4096u

/* Second level: tag is the linear page with an address-space number in its low bits, 0: global. */
struct cpu_tlb2_entry {
	u64 tag;
	u64 val; /* physical page and XP_* */
};

struct cpu_etlb_entry {
	u64 tag;
	u64 gpa;       /* and XP_GLOBAL */
	const u8 *hva; /* of the page, NULL: no memory */
};

/* What the host said about a physical page; good until it says that its map changed. */
struct cpu_phys_entry {
	u64 tag;   /* page, all ones: none */
	void *hva;
	u32 readonly;
	u32 written; /* asked with `write` set since the last cpu_phys_protect() */
};

struct cpu_tlb2 {
	struct cpu_tlb2_entry e[CPU_TLB2_SIZE];
	struct cpu_etlb_entry x[2][CPU_ETLB_SIZE]; /* instruction fetch: supervisor, user */
	u64 large[64];       /* hash bits of 2 MiB regions that have large pages in here */
	u64 exec[64];        /* hash bits of pages that code was fetched from in this generation */
	u64 gen;             /* of cpu.jtag: changes whenever links must not be trusted any more */
	u32 asid;            /* of the current CR3: 1..4095 */
	u32 next_asid;
	struct {
		u16 pcid, asid; /* asid 0: free */
	} pcids[CPU_NPCID];
	u32 pcid_next;
	struct cpu_phys_entry phys[CPU_PHYS_SIZE];
	u8 used[CPU_NTLB];   /* first-level tables with something in them */
};

/*
 * paging.c: walks the page tables for an access (X86_ACC_*, `user`: by CPL 3), setting accessed
 * and dirty bits. 0 and *val (page and XP_*), or X86_FAULT with c->fault.
 */
int cpu_walk(struct cpu *c, u64 lin, unsigned int acc, bool user, u64 *val);
/* May the access use a translation? Dirty bits aside. */
static inline bool cpu_walk_allowed(const struct cpu *c, u64 val, unsigned int acc, bool user)
{
	return x86_walk_allowed((u32)c->cr0, (u32)c->cr4, (u32)val & ~(u32)CPU_PAGE_MASK, acc, user,
				(c->rflags & X86_FL_AC) != 0);
}

/* tlb.c: linear to physical with permission checks; 0 or X86_FAULT. */
int cpu_translate_lin(struct cpu *c, u64 lin, unsigned int acc, u64 *val);
/* Makes a first-level entry for a page of memory. */
void cpu_tlb_fill(struct cpu *c, u64 lin, u64 val, bool write, const struct cpu_page *pg);
/* Forgets what the host said about physical pages. */
void cpu_host_forget(struct cpu *c);
void cpu_host_page(struct cpu *c, u64 gpa, bool write, struct cpu_page *pg);

#endif

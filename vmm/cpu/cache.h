/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Blocks of translated code and how they are found. Only block.c, translate*.c, op/branch.c and
 * run.c know this.
 *
 * A block is a run of instructions that starts at one physical address and stays in one page; it
 * goes on behind conditional branches that are not taken. Blocks lie in an arena that is handed
 * out from bottom to top and emptied as a whole when full. A block that became stale
 * keeps its memory until then, its uops are replaced by exits.
 *
 * The page tables here (struct cpu_code_page) say which 64-byte lines of a guest page were
 * translated; they do not depend on what the translation consists of.
 */
#ifndef VMM_CPU_CACHE_H
#define VMM_CPU_CACHE_H

#include "vmm/cpu/mem.h"

#define CPU_ARENA_SIZE   (9u << 19)
#define CPU_BLOCK_HASH   8192u
#define CPU_PAGE_HASH    1024u
#define CPU_JUMP_BITS    11
#define CPU_JUMP_SIZE    (1u << CPU_JUMP_BITS)
#define CPU_BLOCK_INSNS  24u   /* instructions in a block at most */
#define CPU_BLOCK_UOPS   128u  /* uops, the tail included */
#define CPU_SLICE        2048  /* instructions between two looks at cpu.requests */

/*
 * Follows a branch uop in its block. `to[0]` is the target of the taken branch, NULL while not
 * known. Where the target lies in another page the link holds only for `vrip` (the target's RIP)
 * under the mapping `jtag`.
 */
struct cpu_link {
	const struct uop *to[2];
	u64 vrip;
	u64 jtag;
};
_Static_assert(sizeof(struct cpu_link) == sizeof(struct uop), "a link takes the place of a uop");

struct cpu_block {
	/* next in the hash chain, in the list of the first and of the last page: see cpu_block_at() */
	u32 hash_next, page_next, page2_next;
	u16 mode;      /* cpu.mode it was made for */
	u16 len;       /* bytes */
	u64 gpa;       /* of the first byte */
	u64 gpa2;      /* page of the last byte, where that is another one */
	u16 nuops;
	u8 cross;      /* one instruction that reaches into a second page: no link within a page */
	u8 dead;
	u16 ninsn;
	u64 data[2];   /* bit i: slot i is data of the uop before it */
	u64 pad;
	struct uop uops[];
};
_Static_assert(offsetof(struct cpu_block, uops) % 32 == 0, "uops do not straddle cache lines");

/* A guest page that holds translated code. */
struct cpu_code_page {
	struct cpu_code_page *hash_next;
	u32 blocks;
	u32 tails;     /* blocks whose last instruction ends here */
	u64 gpa;
	u64 lines;     /* bit i: bytes [64i, 64i+64) are in a block */
	const u8 *hva; /* the memory that was translated */
	u8 shared;     /* the group of CPUs counts this CPU in: smp.c */
};

struct cpu_jump {
	u64 rip;
	u64 jtag;
	const struct uop *to;
	u64 pad;
};
#define CPU_TAG_NONE ~0ull

struct cpu_cache {
	u32 hash[CPU_BLOCK_HASH];
	struct cpu_code_page *pages[CPU_PAGE_HASH];
	struct cpu_jump jumps[CPU_JUMP_SIZE];
	u8 *arena;
	size_t used;
	u64 flushes;      /* times the arena was emptied */
	u64 translated;   /* instructions, for statistics */
	u64 lookups;
	struct cpu_block *step; /* scratch for single instructions */
};

/* Blocks refer to each other by their place in the arena; 0: none. */
static ALWAYS_INLINE struct cpu_block *cpu_block_at(const struct cpu_cache *k, u32 ref)
{
	return ref ? (struct cpu_block *)(k->arena + ref) : NULL;
}

static ALWAYS_INLINE u32 cpu_block_ref(const struct cpu_cache *k, const struct cpu_block *b)
{
	return (u32)((const u8 *)b - k->arena);
}

static ALWAYS_INLINE unsigned int cpu_jump_slot(u64 rip)
{
	return (rip ^ rip >> CPU_JUMP_BITS) & (CPU_JUMP_SIZE - 1);
}

/* The first uop for c->gpr[CPU_RIP]; translates when there is none. May fault (fetch). block.c */
const struct uop *cpu_find(struct cpu *c);
/* A block of the one instruction at c->gpr[CPU_RIP], not cached. */
const struct uop *cpu_find_step(struct cpu *c);
/* Drops every block. */
void cpu_cache_flush(struct cpu *c);
/* The map of physical memory may have changed: drops the code of pages that are elsewhere now. */
void cpu_cache_remapped(struct cpu *c);
int cpu_cache_init(struct cpu *c);
void cpu_cache_fini(struct cpu *c);
/* Is there code in the page? Then writes to it must come by cpu_code_written(). */
struct cpu_code_page *cpu_code_find(struct cpu *c, u64 gpa);
/* [gpa, gpa + len) within one page is about to be written; `u`: the running uop or NULL. */
void cpu_code_written(struct cpu *c, u64 gpa, unsigned int len, const struct uop *u);

/*
 * translate.c: translates the code at c->gpr[CPU_RIP] into `b`, which has room for CPU_BLOCK_UOPS.
 * `code`: the bytes from there on, `avail` of them in this page; when the first instruction is
 * longer than that, the function reads on in the next page (and may fault) and sets b->cross.
 * `step`: one instruction, then an exit.
 */
void cpu_translate(struct cpu *c, struct cpu_block *b, const u8 *code, unsigned int avail, bool step);

/*
 * Linear address -> physical for execution; faults. Sets *hva to the page's memory or NULL and
 * *global for a page that is the same in all address spaces. tlb.c
 */
u64 cpu_exec_gpa(struct cpu *c, u64 lin, const u8 **hva, bool *global);
/* Takes the write permission of a page out of the TLBs. tlb.c */
void cpu_tlb_protect(struct cpu *c, u64 gpa);
void cpu_tlb_protect_all(struct cpu *c);
/* cpu.jtag and gtag from generation, address space and mode; a new generation. tlb.c */
void cpu_tags_update(struct cpu *c);
void cpu_tags_renew(struct cpu *c);
static ALWAYS_INLINE bool cpu_tag_valid(const struct cpu *c, u64 tag)
{
	return tag == c->jtag || tag == c->gtag;
}
int cpu_tlb_init(struct cpu *c);
void cpu_tlb_fini(struct cpu *c);

#endif

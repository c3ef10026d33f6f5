// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The block cache: finding blocks by RIP and by physical address, and forgetting those whose
 * code was written.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "module/x86/decode.h"
#include "vmm/cpu/dma.h"
#include "vmm/cpu/smp.h"
#include "vmm/cpu/tlb.h"
#include "vmm/cpu/uops.h"

#define BLOCK_MAX (sizeof(struct cpu_block) + CPU_BLOCK_UOPS * sizeof(struct uop))
#define ALIGN32(n) (((n) + 31) & ~(size_t)31)

int cpu_cache_init(struct cpu *c)
{
	struct cpu_cache *k = mmap(NULL, sizeof(*k) + CPU_ARENA_SIZE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (k == MAP_FAILED)
		return -1;
	c->cache = k;
	c->jumps = k->jumps;
	k->arena = (u8 *)k + sizeof(*k);
	k->step = (struct cpu_block *)k->arena;
	k->used = ALIGN32(BLOCK_MAX);
	return 0;
}

void cpu_cache_fini(struct cpu *c)
{
	if (c->cache)
		munmap(c->cache, sizeof(*c->cache) + CPU_ARENA_SIZE);
	c->cache = NULL;
}

void cpu_cache_flush(struct cpu *c)
{
	struct cpu_cache *k = c->cache;
	struct cpu_code_page *p;
	unsigned int i;

	for (i = 0; c->group && i < CPU_PAGE_HASH; i++)
		for (p = k->pages[i]; p; p = p->hash_next)
			cpu_smp_disclaim(c, p);
	memset(k->hash, 0, sizeof(k->hash));
	memset(k->pages, 0, sizeof(k->pages));
	k->used = ALIGN32(BLOCK_MAX);
	k->flushes++;
	cpu_tags_renew(c);
}

static void *arena_alloc(struct cpu *c, size_t len)
{
	struct cpu_cache *k = c->cache;
	void *p = k->arena + k->used;

	k->used += ALIGN32(len);
	return p;
}

static unsigned int page_slot(u64 gpa)
{
	return (unsigned int)(gpa >> CPU_PAGE_SHIFT) & (CPU_PAGE_HASH - 1);
}

static unsigned int block_slot(u64 gpa, u32 mode)
{
	return (unsigned int)((gpa ^ gpa >> 13 ^ (u64)mode << 5) & (CPU_BLOCK_HASH - 1));
}

struct cpu_code_page *cpu_code_find(struct cpu *c, u64 gpa)
{
	struct cpu_code_page *p = c->cache->pages[page_slot(gpa)];

	gpa &= CPU_PAGE_MASK;
	while (p && p->gpa != gpa)
		p = p->hash_next;
	return p && p->lines ? p : NULL;
}

static struct cpu_code_page *page_get(struct cpu *c, u64 gpa)
{
	struct cpu_code_page **head = &c->cache->pages[page_slot(gpa)], *p = *head;

	gpa &= CPU_PAGE_MASK;
	while (p && p->gpa != gpa)
		p = p->hash_next;
	if (!p) {
		p = arena_alloc(c, sizeof(*p));
		p->gpa = gpa;
		p->lines = 0;
		p->shared = 0;
		p->blocks = p->tails = 0;
		p->hash_next = *head;
		*head = p;
	}
	return p;
}

/* 64-byte lines that [off, off + len) of a page touches. */
static u64 line_mask(unsigned int off, unsigned int len)
{
	unsigned int a = off / 64, b = (off + len - 1) / 64;

	if (b > 63)
		b = 63;
	return (b == 63 ? ~0ull : (1ull << (b + 1)) - 1) & ~((1ull << a) - 1);
}

static void mark_code(struct cpu *c, struct cpu_code_page *p, unsigned int off, unsigned int len)
{
	if (!p->lines)
		cpu_tlb_protect(c, p->gpa);
	p->lines |= line_mask(off, len);
}

/* The head of a block that is no longer valid, met by a link or the jump cache. */
static const struct uop *stale(struct cpu *c, const struct uop *u)
{
	struct cpu_jump *j = &c->jumps[cpu_jump_slot(c->gpr[CPU_RIP])];

	if (j->to == u)
		j->jtag = CPU_TAG_NONE;
	c->fault_uop = NULL;
	GOTO_UOP(c, cpu_find(c));
}

/* Lists a block at the page where it ends. */
static void add_tail(struct cpu *c, struct cpu_block *b, unsigned int len)
{
	struct cpu_code_page *p = page_get(c, b->gpa2);
	struct cpu_page pg;

	cpu_host_page(c, b->gpa2, false, &pg);
	p->hva = pg.hva;
	mark_code(c, p, 0, len);
	b->page2_next = p->tails;
	p->tails = cpu_block_ref(c->cache, b);
}

/* Bytes that a block may be made of: 24 instructions of 15. */
#define BLOCK_BYTES (CPU_BLOCK_INSNS * X86_INSN_MAX)

/*
 * Where there are other CPUs: translates a copy of the code, has the memory watched, and sees
 * whether the copy is still good. Returns the block, which is not yet accounted for in the arena.
 */
static struct cpu_block *translate_shared(struct cpu *c, u64 gpa, const u8 *hva)
{
	unsigned int off = (unsigned int)(gpa & ~CPU_PAGE_MASK), avail = CPU_PAGE_SIZE - off, len;
	struct cpu_cache *k = c->cache;
	struct cpu_code_page *p = page_get(c, gpa);
	u8 copy[BLOCK_BYTES];
	struct cpu_block *b;
	bool again;
	size_t used;

	do {
		b = (struct cpu_block *)(k->arena + k->used);
		b->gpa = gpa;
		b->gpa2 = 0;
		memcpy(copy, hva + off, MIN(avail, BLOCK_BYTES));
		cpu_translate(c, b, copy, avail, false);
		len = MIN((unsigned int)b->len, avail);
		again = cpu_smp_claim(c, p, off, len) && memcmp(copy, hva + off, len);
		if (b->cross && !again) {
			used = k->used;
			len = b->len > avail ? b->len - avail : 1;
			again = cpu_smp_claim(c, page_get(c, b->gpa2), 0, len) || k->used != used;
		}
	} while (again);
	return b;
}

static struct cpu_block *make_block(struct cpu *c, u64 gpa, const u8 *hva)
{
	struct cpu_cache *k = c->cache;
	unsigned int off = (unsigned int)(gpa & ~CPU_PAGE_MASK), in_page;
	struct cpu_code_page *p;
	struct cpu_block *b;

	if (k->used + 2 * BLOCK_MAX + 4 * 64 > CPU_ARENA_SIZE)
		cpu_cache_flush(c);
	cpu_dma_watch(c, gpa);
	if (c->group) {
		b = translate_shared(c, gpa, hva);
	} else {
		b = (struct cpu_block *)(k->arena + k->used);
		b->gpa = gpa;
		b->gpa2 = 0;
		cpu_translate(c, b, hva + off, CPU_PAGE_SIZE - off, false);
	}
	k->used += ALIGN32(sizeof(*b) + b->nuops * sizeof(struct uop));

	p = page_get(c, gpa);
	p->hva = hva;
	in_page = MIN((unsigned int)b->len, CPU_PAGE_SIZE - off);
	mark_code(c, p, off, in_page);
	b->page_next = p->blocks;
	p->blocks = cpu_block_ref(k, b);
	if (b->cross)
		add_tail(c, b, b->len > in_page ? b->len - in_page : 1);
	b->hash_next = k->hash[block_slot(gpa, c->mode)];
	k->hash[block_slot(gpa, c->mode)] = cpu_block_ref(k, b);
	return b;
}

static struct cpu_block *lookup(struct cpu *c, u64 gpa)
{
	struct cpu_cache *k = c->cache;
	struct cpu_block *b = cpu_block_at(k, k->hash[block_slot(gpa, c->mode)]);

	while (b && (b->gpa != gpa || b->mode != c->mode || b->dead))
		b = cpu_block_at(k, b->hash_next);
	return b;
}

static u64 code_lin(const struct cpu *c)
{
	u64 rip = c->gpr[CPU_RIP];

	return c->mode & CPU_MODE_CS64 ? rip : (u32)(rip + c->seg[X86_CS].base);
}

/* One instruction, in scratch memory. */
static const struct uop *find_uncached(struct cpu *c, u64 gpa, const u8 *hva)
{
	struct cpu_block *b = c->cache->step;
	unsigned int off = (unsigned int)(gpa & ~CPU_PAGE_MASK), avail = CPU_PAGE_SIZE - off;
	u8 buf[16];

	b->gpa = gpa;
	if (hva) {
		cpu_translate(c, b, hva + off, avail, true);
	} else {
		avail = MIN(avail, 16u);
		cpu_phys_read(c, gpa, buf, avail);
		cpu_translate(c, b, buf, avail, true);
	}
	b->cross = 1;
	return b->uops;
}

const struct uop *cpu_find_step(struct cpu *c)
{
	const u8 *hva;
	bool global;
	u64 gpa = cpu_exec_gpa(c, code_lin(c), &hva, &global);

	return find_uncached(c, gpa, hva);
}

/* A block that ends in another page: is that page still the one it was made from? */
static bool tail_matches(struct cpu *c, const struct cpu_block *b, u64 lin, bool *global)
{
	u64 next = (lin & CPU_PAGE_MASK) + CPU_PAGE_SIZE;
	const u8 *hva;
	bool g;

	if (!(c->mode & CPU_MODE_CS64))
		next = (u32)next;
	if (cpu_exec_gpa(c, next, &hva, &g) != b->gpa2)
		return false;
	*global = *global && g;
	return true;
}

const struct uop *cpu_find(struct cpu *c)
{
	u64 rip = c->gpr[CPU_RIP], gpa, lin;
	struct cpu_jump *j = &c->jumps[cpu_jump_slot(rip)];
	struct cpu_block *b;
	const u8 *hva;
	bool global;

	if (j->rip == rip && cpu_tag_valid(c, j->jtag))
		return j->to;
	lin = code_lin(c);
	gpa = cpu_exec_gpa(c, lin, &hva, &global);
	b = lookup(c, gpa);
	if (b && !(c->mode & CPU_MODE_CSFLAT) && rip + b->len - 1 > c->seg[X86_CS].limit)
		b = NULL;
	if (b && b->cross && !tail_matches(c, b, lin, &global)) {
		b->dead = 1;
		b = NULL;
	}
	if (!b && !hva) {
		c->ileft = MIN(c->ileft, (s64)0);
		return find_uncached(c, gpa, hva);
	}
	if (!b) {
		b = make_block(c, gpa, hva);
		global = global && !b->cross;
	}
	j->rip = rip;
	j->to = b->uops;
	j->jtag = global ? c->gtag : c->jtag;
	return b->uops;
}

/* Takes a block out of use; `u` is the running uop, or NULL. */
static void kill_block(struct cpu *c, struct cpu_block *b, const struct uop *u)
{
	unsigned int k;

	b->dead = 1;
	if (u >= b->uops && u < b->uops + b->nuops) {
		/* it is running: it ends after the present instruction */
		for (k = 0; k < b->nuops; k++) {
			bool data = b->data[k / 64] >> (k & 63) & 1;

			if (!data && b->uops[k].off > u->off) {
				b->uops[k].fn = uop_exit;
				b->uops[k].aux = 0;
			}
		}
	}
	b->uops[0].fn = stale;
}

void cpu_code_written(struct cpu *c, u64 gpa, unsigned int len, const struct uop *u)
{
	struct cpu_code_page *p = cpu_code_find(c, gpa);
	unsigned int off = (unsigned int)(gpa & ~CPU_PAGE_MASK);
	struct cpu_block *b;
	u64 keep = 0;
	u32 *link;
	unsigned int tail;

	if (!p || !(p->lines & line_mask(off, len)))
		return;
	for (link = &p->blocks; (b = cpu_block_at(c->cache, *link)) != NULL;) {
		unsigned int at = (unsigned int)(b->gpa & ~CPU_PAGE_MASK);

		if (at < off + len && off < at + b->len) {
			*link = b->page_next;
			kill_block(c, b, u);
		} else {
			keep |= line_mask(at, MIN((unsigned int)b->len, CPU_PAGE_SIZE - at));
			link = &b->page_next;
		}
	}
	for (link = &p->tails; (b = cpu_block_at(c->cache, *link)) != NULL;) {
		tail = b->len - (CPU_PAGE_SIZE - (unsigned int)(b->gpa & ~CPU_PAGE_MASK));
		if (off < tail) {
			*link = b->page2_next;
			kill_block(c, b, u);
		} else {
			keep |= line_mask(0, tail);
			link = &b->page2_next;
		}
	}
	p->lines = keep;
	if (!keep && c->group)
		cpu_smp_disclaim(c, p);
}

void cpu_cache_remapped(struct cpu *c)
{
	struct cpu_code_page *p;
	struct cpu_page pg;
	unsigned int i;

	for (i = 0; i < CPU_PAGE_HASH; i++)
		for (p = c->cache->pages[i]; p; p = p->hash_next) {
			if (!p->lines)
				continue;
			cpu_host_page(c, p->gpa, false, &pg);
			if (pg.hva != p->hva)
				cpu_code_written(c, p->gpa, CPU_PAGE_SIZE, NULL);
		}
}

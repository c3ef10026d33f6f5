/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shadow pages, as mmu_shadow_page.c keeps them and mmu_shadow.c fills them. */
#ifndef GM_MMU_SHADOW_H
#define GM_MMU_SHADOW_H

#include "module/mmu_internal.h"

#include <linux/bitmap.h>
#include <linux/mm.h>

#define GM_HASH_BITS 10
/* A fault fills the entries of a group, as far as nothing has to be waited for. A power of two. */
#define GM_GROUP 8
#define GM_GROUPS (512 / GM_GROUP)

enum { MODE_DIRECT, MODE_32, MODE_PAE, MODE_64 };

union gm_role {
	u32 word;
	struct {
		u32 level : 3;    /* 1 to 4; GM_TOP_LEVEL: a vCPU's top */
		u32 quadrant : 2; /* MODE_32: which part of the guest's table */
		u32 direct : 1;
		u32 access : 3;   /* X86_WALK_* of the levels above */
		u32 mode : 2;
		u32 nx : 1;       /* EFER.NXE */
		u32 wp : 1;       /* CR0.WP */
		u32 smep : 1;     /* of CR4; these two count without WP only */
		u32 smap : 1;
		u32 pse : 1;
	} f;
};
#define GM_TOP_LEVEL 5

/* Entries are named by number: of the shadow page in the pool, times 512, plus index. 0: none. */
struct gm_link {
	u32 next, prev;
};

struct gm_shadow {
	struct hlist_node hash;
	struct list_head list;   /* in mmu.used, oldest first, or mmu.free */
	struct list_head unsync; /* in mmu.unsync while the guest may write to its table */
	u64 gfn;                 /* of the guest's table; direct: first frame of the range */
	union gm_role role;
	u32 parents;             /* first entry that points here */
	u8 writes;
	DECLARE_BITMAP(live, GM_GROUPS); /* groups that have had entries; without a bit there are none */
	u64 *table;              /* what the CPU walks */
	u64 *guest;              /* the guest's entry that each entry was made from */
	struct gm_link *link;
};

static inline struct gm_shadow *gm_shadow_child(struct gm_vm *vm, u64 entry)
{
	return &vm->mmu.pool[page_private(virt_to_page(gm_entry_table(entry)))];
}

/* The frame that an entry of level 1 maps. */
static inline u64 gm_shadow_leaf_gfn(const struct gm_shadow *sp, unsigned int i)
{
	if (sp->role.f.direct)
		return sp->gfn + i;
	return (sp->guest[i] & GM_PT_ADDR) >> PAGE_SHIFT;
}

static inline struct hlist_head *gm_shadow_hash(struct gm_vm *vm, u64 gfn)
{
	return &vm->mmu.hash[(gfn ^ gfn >> GM_HASH_BITS) & ((1u << GM_HASH_BITS) - 1)];
}

/* Walks the shadow pages of one bucket; the current one may be zapped. */
#define GM_SHADOW_BUCKET(vm, gfn, node, next, sp)                                                  \
	for ((node) = gm_shadow_hash(vm, gfn)->first;                                              \
	     (node) && ((sp) = hlist_entry(node, struct gm_shadow, hash), (next) = (node)->next, 1); \
	     (node) = (next))

/* Walks the groups of entries that are not empty. */
#define GM_SHADOW_LIVE(sp, g)                                                                      \
	for ((g) = 0; ((g) = find_next_bit((sp)->live, GM_GROUPS, g)) < GM_GROUPS; (g)++)

/* All of these under mmu_lock, but where it is said. */

/* Fills an entry that is not present; for one of level 1, sp->guest[i] is set already. */
void gm_shadow_link(struct gm_vm *vm, struct gm_shadow *sp, unsigned int i, u64 entry);
/* Empties an entry. The caller knows that no CPU has it cached, or sets mmu.stale, as the next one does. */
void gm_shadow_unlink(struct gm_vm *vm, struct gm_shadow *sp, unsigned int i);
void gm_shadow_drop(struct gm_vm *vm, struct gm_shadow *sp, unsigned int i);

/* The shadow page of a table, or of a range, in a role; it becomes the youngest. NULL: there is none. */
struct gm_shadow *gm_shadow_find(struct gm_vm *vm, u64 gfn, union gm_role role);
/* Empties a shadow page and forgets what it was for. */
void gm_shadow_zap(struct gm_vm *vm, struct gm_shadow *sp);
void gm_shadow_zap_all(struct gm_vm *vm);
/* Sees to it that a fault finds enough free shadow pages. May sleep; without mmu_lock. 0 or -ENOMEM. */
int gm_shadow_reserve(struct gm_vm *vm);

/* Of struct gm_mmu_ops. */
void gm_shadow_unmap(struct gm_vm *vm, struct gm_slot *slot, u64 first, u64 n);
void gm_shadow_protect(struct gm_vm *vm, struct gm_slot *slot, u64 first, u64 n);
int gm_shadow_young(struct gm_vm *vm, struct gm_slot *slot, u64 first, u64 n, int clear);
int gm_shadow_init(struct gm_vm *vm);
void gm_shadow_fini(struct gm_vm *vm);
int gm_shadow_vcpu_init(struct gm_vcpu *vcpu);
void gm_shadow_vcpu_fini(struct gm_vcpu *vcpu);

#endif

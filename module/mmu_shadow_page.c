// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The shadow pages of a VM: a pool of them, from which the oldest give way; a hash by the guest's frame; and
 * the chains of entries. Every present entry hangs on one chain: an entry for a page on the chain of that
 * page (slot->rmap), an entry for a table on the chain of that shadow page's parents. So whatever is to be
 * taken away is found from either end.
 */
#include "module/mmu_shadow.h"

#include <linux/gfp.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>

static unsigned int shadow_pages = 4096;
module_param(shadow_pages, uint, 0444);
MODULE_PARM_DESC(shadow_pages, "shadow paging: page tables of a VM that are kept, 12 KiB each");

#define MIN_POOL 256
#define MAX_POOL (1u << 22)
/* What one fault needs at most: a page for each level, and one to spare. */
#define FAULT_PAGES 5

/* ---- entries and their chains ---- */

static u32 entry_id(struct gm_vm *vm, struct gm_shadow *sp, unsigned int i)
{
	return (u32)(sp - vm->mmu.pool) << 9 | i;
}

static struct gm_shadow *id_shadow(struct gm_vm *vm, u32 id)
{
	return &vm->mmu.pool[id >> 9];
}

static struct gm_link *id_link(struct gm_vm *vm, u32 id)
{
	return &id_shadow(vm, id)->link[id & 511];
}

static u32 *entry_chain(struct gm_vm *vm, struct gm_shadow *sp, unsigned int i)
{
	struct gm_slot *slot;
	u64 gfn;

	if (sp->role.f.level > 1)
		return &gm_shadow_child(vm, sp->table[i])->parents;
	gfn = gm_shadow_leaf_gfn(sp, i);
	slot = gm_slot_find(vm, gfn);
	return &slot->rmap[gfn - slot->gfn];
}

void gm_shadow_link(struct gm_vm *vm, struct gm_shadow *sp, unsigned int i, u64 entry)
{
	u32 id = entry_id(vm, sp, i), *chain;

	gm_entry_set(&sp->table[i], entry);
	__set_bit(i / GM_GROUP, sp->live);
	chain = entry_chain(vm, sp, i);
	sp->link[i].prev = 0;
	sp->link[i].next = *chain;
	if (*chain)
		id_link(vm, *chain)->prev = id;
	*chain = id;
}

void gm_shadow_unlink(struct gm_vm *vm, struct gm_shadow *sp, unsigned int i)
{
	struct gm_link *link = &sp->link[i];

	if (!(sp->table[i] & GM_PT_P))
		return;
	if (link->prev)
		id_link(vm, link->prev)->next = link->next;
	else
		*entry_chain(vm, sp, i) = link->next;
	if (link->next)
		id_link(vm, link->next)->prev = link->prev;
	gm_entry_set(&sp->table[i], 0);
}

void gm_shadow_drop(struct gm_vm *vm, struct gm_shadow *sp, unsigned int i)
{
	if (!(sp->table[i] & GM_PT_P))
		return;
	gm_shadow_unlink(vm, sp, i);
	vm->mmu.stale = 1;
}

/* ---- chains of pages ---- */

void gm_shadow_unmap(struct gm_vm *vm, struct gm_slot *slot, u64 first, u64 n)
{
	u32 *chain = &slot->rmap[first];

	for (; n; n--, chain++)
		while (*chain)
			gm_shadow_drop(vm, id_shadow(vm, *chain), *chain & 511);
}

void gm_shadow_protect(struct gm_vm *vm, struct gm_slot *slot, u64 first, u64 n)
{
	u32 *chain = &slot->rmap[first], id;
	u64 *entry;

	for (; n; n--, chain++)
		for (id = *chain; id; id = id_link(vm, id)->next) {
			entry = &id_shadow(vm, id)->table[id & 511];
			if (!(*entry & GM_PT_W))
				continue;
			gm_entry_set(entry, *entry & ~GM_PT_W);
			vm->mmu.stale = 1;
		}
}

int gm_shadow_young(struct gm_vm *vm, struct gm_slot *slot, u64 first, u64 n, int clear)
{
	u32 *chain = &slot->rmap[first], id;
	u64 *entry;
	int young = 0;

	for (; n; n--, chain++)
		for (id = *chain; id; id = id_link(vm, id)->next) {
			entry = &id_shadow(vm, id)->table[id & 511];
			if (!(*entry & GM_PT_A))
				continue;
			young = 1;
			if (clear)
				gm_entry_set(entry, *entry & ~GM_PT_A);
		}
	return young;
}

/* ---- shadow pages ---- */

static void sp_free_pages(struct gm_shadow *sp)
{
	if (sp->table)
		set_page_private(virt_to_page(sp->table), 0);
	free_page((unsigned long)sp->table);
	free_page((unsigned long)sp->guest);
	free_page((unsigned long)sp->link);
	sp->table = sp->guest = NULL;
	sp->link = NULL;
}

static int sp_alloc_pages(struct gm_vm *vm, struct gm_shadow *sp, gfp_t where)
{
	sp->table = (u64 *)__get_free_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO | where);
	sp->guest = (u64 *)__get_free_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	sp->link = (struct gm_link *)__get_free_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!sp->table || !sp->guest || !sp->link) {
		sp_free_pages(sp);
		return -ENOMEM;
	}
	set_page_private(virt_to_page(sp->table), sp - vm->mmu.pool);
	INIT_LIST_HEAD(&sp->unsync);
	return 0;
}

void gm_shadow_zap(struct gm_vm *vm, struct gm_shadow *sp)
{
	unsigned int g, i;

	GM_SHADOW_LIVE(sp, g)
		for (i = g * GM_GROUP; i < (g + 1) * GM_GROUP; i++)
			gm_shadow_drop(vm, sp, i);
	bitmap_zero(sp->live, GM_GROUPS);
	while (sp->parents)
		gm_shadow_drop(vm, id_shadow(vm, sp->parents), sp->parents & 511);
	hlist_del(&sp->hash);
	list_del_init(&sp->unsync);
	list_move(&sp->list, &vm->mmu.free);
	sp->role.word = 0;
	vm->mmu.nfree++;
	vm->stats.shadow_pages--;
	vm->mmu.stale = 1;
}

void gm_shadow_zap_all(struct gm_vm *vm)
{
	while (!list_empty(&vm->mmu.used))
		gm_shadow_zap(vm, list_entry(vm->mmu.used.next, struct gm_shadow, list));
}

int gm_shadow_reserve(struct gm_vm *vm)
{
	struct gm_vm_mmu *m = &vm->mmu;
	struct gm_shadow *sp;
	int ret = 0;

	if (READ_ONCE(m->nfree) >= FAULT_PAGES)
		return 0;
	down(&m->grow);
	while (!ret && m->nused < m->npool && READ_ONCE(m->nfree) < 2 * FAULT_PAGES) {
		sp = &m->pool[m->nused];
		ret = sp_alloc_pages(vm, sp, 0);
		if (ret)
			break;
		spin_lock(&vm->mmu_lock);
		list_add(&sp->list, &m->free);
		m->nfree++;
		m->nused++;
		spin_unlock(&vm->mmu_lock);
	}
	up(&m->grow);
	spin_lock(&vm->mmu_lock);
	for (; m->nfree < 2 * FAULT_PAGES && !list_empty(&m->used); vm->stats.shadow_recycled++)
		gm_shadow_zap(vm, list_entry(m->used.next, struct gm_shadow, list));
	ret = m->nfree >= FAULT_PAGES ? 0 : -ENOMEM;
	gm_mmu_unlock(vm);
	return ret;
}

struct gm_shadow *gm_shadow_find(struct gm_vm *vm, u64 gfn, union gm_role role)
{
	struct hlist_node *node, *next;
	struct gm_shadow *sp;

	GM_SHADOW_BUCKET(vm, gfn, node, next, sp)
		if (sp->gfn == gfn && sp->role.word == role.word) {
			list_move_tail(&sp->list, &vm->mmu.used);
			sp->writes = 0;
			return sp;
		}
	return NULL;
}

/* ---- VMs and vCPUs ---- */

int gm_shadow_init(struct gm_vm *vm)
{
	struct gm_vm_mmu *m = &vm->mmu;

	INIT_LIST_HEAD(&m->used);
	INIT_LIST_HEAD(&m->free);
	INIT_LIST_HEAD(&m->unsync);
	sema_init(&m->grow, 1);
	m->nused = 1 + GM_MAX_VCPUS;
	m->npool = m->nused + clamp_t(unsigned int, shadow_pages, MIN_POOL, MAX_POOL - m->nused);
	m->pool = kvcalloc(m->npool, sizeof(*m->pool), GFP_KERNEL_ACCOUNT);
	m->hash = kvcalloc(1u << GM_HASH_BITS, sizeof(*m->hash), GFP_KERNEL_ACCOUNT);
	return m->pool && m->hash ? 0 : -ENOMEM;
}

void gm_shadow_fini(struct gm_vm *vm)
{
	unsigned int i;

	for (i = 0; vm->mmu.pool && i < vm->mmu.nused; i++)
		sp_free_pages(&vm->mmu.pool[i]);
	kvfree(vm->mmu.pool);
	kvfree(vm->mmu.hash);
}

/* Tops are the first in the pool. The CPU's CR3 has 32 bits outside of long mode. */
int gm_shadow_vcpu_init(struct gm_vcpu *vcpu)
{
	struct gm_vm_mmu *m = &vcpu->vm->mmu;
	struct gm_shadow *top;
	int ret = -ENOMEM;

	down(&m->grow);
	for (top = &m->pool[1]; top <= &m->pool[GM_MAX_VCPUS] && top->table; top++)
		;
	if (top <= &m->pool[GM_MAX_VCPUS])
		ret = sp_alloc_pages(vcpu->vm, top, GM_GFP_DMA32);
	up(&m->grow);
	if (ret)
		return ret;
	top->role.word = 0;
	top->role.f.level = GM_TOP_LEVEL;
	vcpu->mmu.top = top;
	return 0;
}

void gm_shadow_vcpu_fini(struct gm_vcpu *vcpu)
{
	struct gm_vm_mmu *m = &vcpu->vm->mmu;
	unsigned int i;

	if (!vcpu->mmu.top)
		return;
	spin_lock(&vcpu->vm->mmu_lock);
	for (i = 0; i < 4; i++)
		gm_shadow_unlink(vcpu->vm, vcpu->mmu.top, i);
	spin_unlock(&vcpu->vm->mmu_lock);
	down(&m->grow);
	sp_free_pages(vcpu->mmu.top);
	up(&m->grow);
}

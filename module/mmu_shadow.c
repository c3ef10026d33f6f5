// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Shadow paging: tables for the CPU, linear to host-physical, made from the guest's own and kept across
 * loads of CR3. 64-bit guests have shadows of 4 levels, all others of PAE's two below four top entries.
 *
 * A shadow page (mmu_shadow_page.c) stands for one guest table (for half or a quarter of one with 32-bit
 * paging) as seen through one role: level, paging mode, rights of the levels above. Under a large guest
 * page, and without paging, it is `direct` and stands for a range of frames.
 *
 * Guest tables that have shadows are write-protected, so shadows stay true:
 *   - a write to a table of level 2 or more, or to one that is also used as such, is emulated, and drops the
 *     entries that it changes (shadow_written());
 *   - a table used at level 1 only goes "unsync" at its first write: the guest writes to it
 *     freely, and the shadow is compared with it when the guest flushes translations, which is when
 *     the manual lets a change take effect (Intel SDM volume 3, 4.10.4).
 * A leaf is writable only after the guest's own entry has D set, and exists only after it has A set;
 * when the guest clears them the entry is dropped.
 *
 * CR0.WP = 0: a supervisor's write to a read-only page makes an entry that is writable and a supervisor's
 * only; a user's access to it faults and changes it back. With SMAP such writes are emulated.
 *
 * All under mmu_lock. Zapped shadow pages are not used anew before vCPUs were flushed.
 */
#include "module/mmu_shadow.h"

#include <linux/uaccess.h>
#include <asm/cpufeature.h>
#include <asm/io.h>
#include <asm/pgtable.h>

/* Emulated writes to a table, without its being used, after which it is taken for a table no more. */
#define WRITES_MAX 4

/* Of a guest entry, what its shadow depends on; A and D only if they were set. */
#define GUEST_MASK (GM_PT_P | GM_PT_W | GM_PT_U | GM_PT_PS | GM_PT_NX | GM_PT_ADDR)

/* Nobody but the calling vCPU may go on with what was taken away. */
static void flush_now(struct gm_vm *vm)
{
	if (vm->mmu.stale)
		gm_mmu_flush(vm);
}

static void gfn_protect(struct gm_vm *vm, u64 gfn)
{
	struct gm_slot *slot = gm_slot_find(vm, gfn);

	if (slot)
		gm_shadow_protect(vm, slot, gfn - slot->gfn, 1);
}

/* ---- the guest's tables ---- */

/*
 * n entries, each at once as a CPU reads it: other vCPUs may be writing there. Without sleeping; the
 * process' page may be away.
 */
static int guest_read(struct gm_vm *vm, u64 gpa, void *buf, unsigned int size, unsigned int n)
{
	unsigned long hva = gm_mem_hva(vm, gpa);
	int ret = hva ? 0 : -ENOENT;

	pagefault_disable();
	for (; n && !ret; n--, hva += size, buf = (u8 *)buf + size)
		ret = gm_user_read(hva, buf, size);
	pagefault_enable();
	return ret;
}

/* Of a guest's entry, in bytes. */
static unsigned int guest_size(const struct gm_shadow *sp)
{
	return sp->role.f.mode == MODE_32 ? 4 : 8;
}

/* Where in the guest's table an entry of a shadow that is not direct comes from, in bytes. */
static unsigned int guest_offset(const struct gm_shadow *sp, unsigned int i)
{
	if (sp->role.f.mode != MODE_32)
		return i * 8;
	return (sp->role.f.level == 1 ? sp->role.f.quadrant * 512 + i :
					sp->role.f.quadrant * 256 + i / 2) * 4;
}

/* Entries of a guest's table of level 1 that belong to a group. */
union gm_group {
	u32 e32[GM_GROUP];
	u64 e64[GM_GROUP];
};

static int group_read(struct gm_vm *vm, const struct gm_shadow *sp, unsigned int g, union gm_group *buf)
{
	return guest_read(vm, (sp->gfn << PAGE_SHIFT) + guest_offset(sp, g * GM_GROUP), buf,
			  guest_size(sp), GM_GROUP);
}

static u64 group_entry(const struct gm_shadow *sp, const union gm_group *buf, unsigned int i)
{
	return sp->role.f.mode == MODE_32 ? buf->e32[i % GM_GROUP] : buf->e64[i % GM_GROUP];
}

/* An entry made from `was` would be made from `now` too; A and D may have come, not gone. */
static int guest_same(u64 was, u64 now)
{
	return !((was ^ now) & GUEST_MASK) && !(was & ~now & (GM_PT_A | GM_PT_D));
}

/* Also if that cannot be told. */
static int guest_changed(struct gm_vm *vm, const struct gm_shadow *sp, unsigned int i)
{
	u64 now = 0;

	return guest_read(vm, (sp->gfn << PAGE_SHIFT) + guest_offset(sp, i), &now, guest_size(sp), 1) ||
	       !guest_same(sp->guest[i], now);
}

/* Compares an unsync page with its table, which nobody writes to any more, and makes it sync. */
static void sp_sync(struct gm_vm *vm, struct gm_shadow *sp)
{
	union gm_group now;
	unsigned int g, i;

	list_del_init(&sp->unsync);
	GM_SHADOW_LIVE(sp, g) {
		if (group_read(vm, sp, g, &now)) {
			gm_shadow_zap(vm, sp);
			return;
		}
		for (i = g * GM_GROUP; i < (g + 1) * GM_GROUP; i++)
			if ((sp->table[i] & GM_PT_P) && !guest_same(sp->guest[i], group_entry(sp, &now, i)))
				gm_shadow_drop(vm, sp, i);
	}
}

static void sync_all(struct gm_vm *vm)
{
	struct gm_shadow *sp;

	if (list_empty(&vm->mmu.unsync))
		return;
	list_for_each_entry(sp, &vm->mmu.unsync, unsync)
		gfn_protect(vm, sp->gfn);
	flush_now(vm);
	while (!list_empty(&vm->mmu.unsync))
		sp_sync(vm, list_entry(vm->mmu.unsync.next, struct gm_shadow, unsync));
}

/* Finds or makes a shadow page. NULL: no free one. */
static struct gm_shadow *sp_get(struct gm_vm *vm, u64 gfn, union gm_role role)
{
	struct gm_shadow *sp = gm_shadow_find(vm, gfn, role), *other;
	struct hlist_node *node, *next;

	if (sp)
		return sp;
	if (list_empty(&vm->mmu.free))
		return NULL;
	sp = list_entry(vm->mmu.free.next, struct gm_shadow, list);
	flush_now(vm); /* it may have been in use until now */
	list_move_tail(&sp->list, &vm->mmu.used);
	vm->mmu.nfree--;
	vm->stats.shadow_pages++;
	sp->gfn = gfn;
	sp->role = role;
	sp->parents = sp->writes = 0;
	if (!role.f.direct) {
		gfn_protect(vm, gfn);
		flush_now(vm);
		GM_SHADOW_BUCKET(vm, gfn, node, next, other)
			if (other->gfn == gfn && !list_empty(&other->unsync))
				sp_sync(vm, other);
	}
	hlist_add_head(&sp->hash, gm_shadow_hash(vm, gfn));
	return sp;
}

/*
 * Whether a frame that is about to be mapped writable is a table with shadows that forbid it. Shadows at
 * level 1 do not: they go unsync.
 */
static int gfn_is_table(struct gm_vm *vm, u64 gfn)
{
	struct hlist_node *node, *next;
	struct gm_shadow *sp;

	GM_SHADOW_BUCKET(vm, gfn, node, next, sp)
		if (sp->gfn == gfn && !sp->role.f.direct && sp->role.f.level > 1)
			return 1;
	GM_SHADOW_BUCKET(vm, gfn, node, next, sp)
		if (sp->gfn == gfn && !sp->role.f.direct && list_empty(&sp->unsync))
			list_add_tail(&sp->unsync, &vm->mmu.unsync);
	return 0;
}

/* ---- a fault ---- */

/* What a walk of the guest's tables found, and the access it was for. */
struct walked {
	u64 lin;
	u32 acc;
	union gm_role role; /* of every table on the way */
	struct x86_walk_result r;
	struct x86_walk_trail t;
};

static union gm_role role_of(struct gm_vcpu *vcpu)
{
	union gm_role role;

	role.word = 0;
	if (!(vcpu->cr0 & X86_CR0_PG)) {
		role.f.direct = 1;
		return role;
	}
	role.f.mode = vcpu->efer & EFER_LMA ? MODE_64 : vcpu->cr4 & X86_CR4_PAE ? MODE_PAE : MODE_32;
	role.f.nx = role.f.mode != MODE_32 && (vcpu->efer & EFER_NX);
	role.f.wp = !!(vcpu->cr0 & X86_CR0_WP);
	role.f.smep = !role.f.wp && (vcpu->cr4 & GM_CR4_SMEP);
	role.f.smap = !role.f.wp && (vcpu->cr4 & GM_CR4_SMAP);
	role.f.pse = role.f.mode == MODE_32 && (vcpu->cr4 & X86_CR4_PSE);
	return role;
}

static unsigned int root_level(struct gm_vcpu *vcpu)
{
	return vcpu->efer & EFER_LMA ? 4 : 2;
}

static unsigned int entry_index(struct gm_vcpu *vcpu, u64 lin, unsigned int level)
{
	if (level > root_level(vcpu))
		return level == 5 ? 0 : (u32)lin >> 30;
	return (lin >> (PAGE_SHIFT + 9 * (level - 1))) & 511;
}

static u32 guest_rights(u64 entry)
{
	return (entry & GM_PT_U ? X86_WALK_USER : 0) | (entry & GM_PT_W ? X86_WALK_WRITE : 0) |
	       (entry & GM_PT_NX ? 0 : X86_WALK_EXEC);
}

/* Which shadow page serves the walk at a level (below the top); `access` are the rights above it. */
static struct gm_shadow *walked_shadow(struct gm_vm *vm, const struct walked *w, unsigned int level,
				       u32 access)
{
	union gm_role role = w->role;
	u64 gfn;

	role.f.level = level;
	if (role.f.mode == MODE_DIRECT || level <= w->t.leaf) {
		/* Writable only once the large page's entry has D: a new shadow comes with it. */
		if (role.f.mode != MODE_DIRECT && !(w->r.flags & X86_WALK_DIRTY))
			access &= ~X86_WALK_WRITE;
		role.f.direct = 1;
		gfn = (w->r.gpa >> PAGE_SHIFT) & ~((1ull << (9 * level)) - 1);
	} else {
		gfn = w->t.gpa[level - 1] >> PAGE_SHIFT;
		if (role.f.mode == MODE_32)
			role.f.quadrant = level == 2 ? w->lin >> 30 & 3 : w->lin >> 21 & 1;
	}
	role.f.access = access;
	return sp_get(vm, gfn, role);
}

/* The guest's entry is still what the walk saw; its table is write-protected or unsync. */
static int walked_true(struct gm_vm *vm, const struct gm_shadow *sp, const struct walked *w)
{
	unsigned int level = sp->role.f.level;
	u64 now = 0;

	if (sp->role.f.direct || level == GM_TOP_LEVEL)
		return 1;
	if (guest_read(vm, w->t.gpa[level - 1], &now, w->t.entry_size, 1))
		return 0;
	return guest_same(w->t.entry[level - 1], now);
}

/* The shadow page of level 1 for a walk, made as needed. NULL: try again. */
static struct gm_shadow *walked_leaf(struct gm_vcpu *vcpu, const struct walked *w)
{
	u32 access = X86_WALK_USER | X86_WALK_WRITE | X86_WALK_EXEC;
	struct gm_shadow *sp = vcpu->mmu.top, *child;
	unsigned int level, i;
	u64 entry;

	for (level = root_level(vcpu); level; level--) {
		i = entry_index(vcpu, w->lin, level + 1);
		child = walked_shadow(vcpu->vm, w, level, access);
		/* A table that cannot be compared is zapped: it may be the one that we come from. */
		if (!child || !sp->role.f.level)
			return NULL;
		entry = virt_to_phys(child->table) | GM_PT_P;
		if (sp->role.f.level != GM_TOP_LEVEL)
			entry |= GM_PT_W | GM_PT_U | GM_PT_A;
		if ((sp->table[i] ^ entry) & (GM_PT_P | GM_PT_ADDR)) {
			if (!walked_true(vcpu->vm, sp, w))
				return NULL;
			gm_shadow_drop(vcpu->vm, sp, i);
			if (sp->role.f.level != GM_TOP_LEVEL && !sp->role.f.direct)
				sp->guest[i] = w->t.entry[level];
			gm_shadow_link(vcpu->vm, sp, i, entry);
		}
		sp = child;
		if (w->t.levels && level > w->t.leaf)
			access &= guest_rights(w->t.entry[level - 1]);
	}
	return sp;
}

/* The entry for a page, without the right to write. */
static u64 leaf_entry(const struct gm_fill *f, u32 rights)
{
	u64 entry = (u64)f->pfn << PAGE_SHIFT | GM_PT_P | GM_PT_A;

	if (rights & X86_WALK_USER)
		entry |= GM_PT_U;
	if (!(rights & X86_WALK_EXEC) && boot_cpu_has(X86_FEATURE_NX))
		entry |= GM_PT_NX;
	return entry;
}

/* A supervisor writes without CR0.WP to what is read-only. */
static int write_unprotected(const struct walked *w)
{
	return (w->acc & GM_PF_WRITE) && !(w->r.flags & X86_WALK_WRITE);
}

static int gfn_has_shadow(struct gm_vm *vm, u64 gfn)
{
	struct hlist_node *node, *next;
	struct gm_shadow *sp;

	GM_SHADOW_BUCKET(vm, gfn, node, next, sp)
		if (sp->gfn == gfn && !sp->role.f.direct)
			return 1;
	return 0;
}

/* The rights that a guest's entry of level 1 gives, with those above; 0: a walk has to tell. */
static u32 prefetch_rights(const struct gm_shadow *sp, u64 entry)
{
	u64 rsvd = ~((1ull << gm_phys_bits()) - 1) & GM_PT_ADDR;
	u32 rights = sp->role.f.access & guest_rights(entry);

	if (!sp->role.f.nx)
		rsvd |= sp->role.f.mode == MODE_32 ? 0 : GM_PT_NX;
	if (sp->role.f.mode == MODE_PAE)
		rsvd |= 0x7ffull << 52;
	if ((entry & (GM_PT_P | GM_PT_A)) != (GM_PT_P | GM_PT_A) || (entry & rsvd))
		return 0;
	if (!(entry & GM_PT_D))
		rights &= ~X86_WALK_WRITE;
	return rights | X86_WALK_DIRTY;
}

/*
 * Fills the empty entries around one of level 1: those that the guest has used already, and whose
 * pages the process has mapped. The CPU sets A in them when it does use them.
 */
static void shadow_prefetch(struct gm_vm *vm, struct gm_shadow *sp, unsigned int i,
			    struct gm_fill f)
{
	unsigned int j = i & ~(GM_GROUP - 1), end = j + GM_GROUP;
	u64 guest = 0, gfn, entry;
	u32 rights = sp->role.f.access;
	union gm_group now;

	if (!sp->role.f.direct && group_read(vm, sp, i / GM_GROUP, &now))
		return;
	for (; j < end; j++) {
		if (sp->table[j] & GM_PT_P)
			continue;
		if (!sp->role.f.direct) {
			guest = group_entry(sp, &now, j);
			rights = prefetch_rights(sp, guest);
			if (!rights)
				continue;
		}
		gfn = sp->role.f.direct ? sp->gfn + j : (guest & GM_PT_ADDR) >> PAGE_SHIFT;
		if (!gm_fill_peek(vm, &f, gfn))
			continue;
		entry = leaf_entry(&f, rights) & ~GM_PT_A;
		if (f.writable && (rights & X86_WALK_WRITE) && !gfn_has_shadow(vm, f.gfn))
			entry |= GM_PT_W | GM_PT_D;
		sp->guest[j] = guest;
		gm_shadow_link(vm, sp, j, entry);
	}
}

static int shadow_map(struct gm_vcpu *vcpu, const struct walked *w, struct gm_fill *f)
{
	struct gm_vm *vm = vcpu->vm;
	struct gm_shadow *sp = walked_leaf(vcpu, w);
	unsigned int i = entry_index(vcpu, w->lin, 1);
	u32 rights = w->r.flags;
	u64 entry, old, gone;
	int ret = 0;

	if (!sp || !walked_true(vm, sp, w))
		return -EAGAIN;
	if (write_unprotected(w)) {
		if (rights & X86_WALK_USER && vcpu->cr4 & GM_CR4_SMEP)
			rights &= ~X86_WALK_EXEC;
		rights &= ~X86_WALK_USER;
	} else if (!(rights & X86_WALK_WRITE) || !(rights & X86_WALK_DIRTY)) {
		f->writable = 0;
	}
	entry = leaf_entry(f, rights);
	if (f->writable && gfn_is_table(vm, f->gfn)) {
		f->writable = 0;
		if (f->write) {
			vcpu->mmu.table_gfn = f->gfn;
			ret = -ENOENT;
		}
	}
	if (f->writable) {
		entry |= GM_PT_W | GM_PT_D;
		gm_slot_dirty(f->slot, f->gfn - f->slot->gfn);
	}
	old = sp->table[i];
	if (!(old & GM_PT_P) || gm_shadow_leaf_gfn(sp, i) != f->gfn) {
		gm_shadow_drop(vm, sp, i);
		if (!sp->role.f.direct)
			sp->guest[i] = w->t.entry[0];
		gm_shadow_link(vm, sp, i, entry);
		shadow_prefetch(vm, sp, i, *f);
		return ret;
	}
	if (!sp->role.f.direct)
		sp->guest[i] = w->t.entry[0];
	gone = ((old ^ entry) & (GM_PT_ADDR | GM_PT_NX)) | (old & ~entry & (GM_PT_W | GM_PT_U));
	gm_entry_set(&sp->table[i], entry);
	vm->mmu.stale |= !!gone;
	return ret;
}

/* What a fault was for, as X86_ACC_*. */
static unsigned int fault_access(struct gm_vcpu *vcpu, u32 acc)
{
	return (acc & GM_PF_WRITE ? X86_ACC_WRITE : X86_ACC_READ) |
	       (acc & GM_PF_FETCH ? X86_ACC_EXEC : 0) |
	       (!(acc & GM_PF_USER) && gm_backend->get_cpl(vcpu) == 3 ? X86_ACC_SYSTEM : 0);
}

/* 0; X86_FAULT with the guest's own fault queued; -errno. */
static int walk_guest(struct gm_vcpu *vcpu, struct walked *w, unsigned int acc)
{
	int user = !!(w->acc & GM_PF_USER), ret;
	struct x86_fault fault;
	struct x86_mmu mmu;

	ret = gm_walk_setup(vcpu, &mmu);
	if (ret)
		return ret;
	ret = x86_walk_trail(&mmu, w->lin, acc, user, !!(vcpu->rflags & X86_EFLAGS_AC), &w->r, &fault,
			     &w->t);
	if (ret == X86_FAULT) {
		vcpu->cr2 = fault.cr2;
		gm_queue_exception(vcpu, fault.vector, fault.has_err, fault.err);
	}
	return ret == X86_RETRY ? -EAGAIN : ret;
}

static int shadow_fault(struct gm_vcpu *vcpu, u64 lin, u32 acc)
{
	struct gm_vm *vm = vcpu->vm;
	unsigned int access = fault_access(vcpu, acc);
	struct walked w;
	struct gm_fill f;
	int ret;

	if (access <= X86_ACC_WRITE &&
	    gm_fetch_find(vcpu, lin, access, !!(acc & GM_PF_USER), &vcpu->mmu.fault_gpa)) {
		vcpu->mmu.table_gfn = GM_NO_GFN;
		return -ENOENT;
	}
	memset(&w, 0, sizeof(w));
	w.lin = root_level(vcpu) == 4 ? lin : (u32)lin;
	w.acc = acc;
	w.role = role_of(vcpu);
	vcpu->mmu.table_gfn = GM_NO_GFN;
	vcpu->mmu.fault_gpa = GM_NO_GPA;
	ret = walk_guest(vcpu, &w, access);
	if (ret == X86_FAULT)
		return 0;
	if (!ret && !(acc & GM_PF_FETCH))
		vcpu->mmu.fault_gpa = w.r.gpa;
	if (!ret && write_unprotected(&w) && (w.r.flags & X86_WALK_USER) && (vcpu->cr4 & GM_CR4_SMAP))
		ret = -ENOENT;
	if (!ret)
		ret = gm_shadow_reserve(vm);
	if (!ret)
		ret = gm_fill_begin(vm, &f, w.r.gpa, !!(acc & GM_PF_WRITE));
	/* A device's, which is likely to be used again. */
	if (ret == -ENOENT && access <= X86_ACC_WRITE && !gm_slot_find(vm, w.r.gpa >> PAGE_SHIFT))
		gm_fetch_keep(vcpu, lin, access, !!(acc & GM_PF_USER), &w.r, &w.t);
	if (ret)
		return ret;
	ret = shadow_map(vcpu, &w, &f);
	gm_fill_end(vm, &f);
	return ret;
}

/* ---- what the guest does to its translations ---- */

/* A CPU has checked them when the guest loaded CR3; bad ones map nothing. */
static void pdptes_load(struct gm_vcpu *vcpu)
{
	struct x86_mmu mmu;

	memset(vcpu->mmu.pdpte, 0, sizeof(vcpu->mmu.pdpte));
	if (!(vcpu->cr0 & X86_CR0_PG) || !(vcpu->cr4 & X86_CR4_PAE) || (vcpu->efer & EFER_LMA))
		return;
	gm_walk_setup(vcpu, &mmu);
	if (!x86_pdpte_load(&mmu, vcpu->cr3))
		memcpy(vcpu->mmu.pdpte, mmu.pdpte, sizeof(mmu.pdpte));
}

/* CR0, CR3, CR4 or EFER changed: compare what is unsync, and look for a root that is there already. */
static void shadow_reload(struct gm_vcpu *vcpu)
{
	struct gm_vm *vm = vcpu->vm;
	struct gm_shadow *top = vcpu->mmu.top, *root;
	union gm_role role = role_of(vcpu);
	unsigned int i, n = root_level(vcpu) == 4 ? 1 : 4;
	u64 table;

	pdptes_load(vcpu);
	role.f.level = root_level(vcpu);
	role.f.access = X86_WALK_USER | X86_WALK_WRITE | X86_WALK_EXEC;
	spin_lock(&vm->mmu_lock);
	/* The vCPU flushes its own translations at the next entry; nobody else uses its top. */
	for (i = 0; i < 4; i++)
		gm_shadow_unlink(vm, top, i);
	if (vcpu->mmu.reload & GM_RELOAD_ALL)
		gm_shadow_zap_all(vm);
	sync_all(vm);
	for (i = 0; i < n && role.f.mode != MODE_DIRECT; i++) {
		table = role.f.mode == MODE_PAE ? vcpu->mmu.pdpte[i] : vcpu->cr3 | GM_PT_P;
		role.f.quadrant = role.f.mode == MODE_32 ? i : 0;
		root = table & GM_PT_P ? gm_shadow_find(vm, (table & GM_PT_ADDR) >> PAGE_SHIFT, role) : NULL;
		if (root)
			gm_shadow_link(vm, top, i, virt_to_phys(root->table) | GM_PT_P);
	}
	gm_mmu_unlock(vm);
}

static void shadow_invlpg(struct gm_vcpu *vcpu, u64 lin)
{
	struct gm_vm *vm = vcpu->vm;
	struct gm_shadow *sp = vcpu->mmu.top;
	unsigned int level, i;

	spin_lock(&vm->mmu_lock);
	for (level = root_level(vcpu) + 1; level > 1 && sp; level--) {
		i = entry_index(vcpu, lin, level);
		sp = sp->table[i] & GM_PT_P ? gm_shadow_child(vm, sp->table[i]) : NULL;
	}
	i = entry_index(vcpu, lin, 1);
	if (sp && !list_empty(&sp->unsync) && (sp->table[i] & GM_PT_P) && guest_changed(vm, sp, i))
		gm_shadow_drop(vm, sp, i);
	gm_mmu_unlock(vm);
}

/* The entries of a sync shadow page that come from bytes [from, to) of its table. */
static void sp_written(struct gm_vm *vm, struct gm_shadow *sp, unsigned int from, unsigned int to)
{
	unsigned int size = guest_size(sp), base = guest_offset(sp, 0) / size;
	unsigned int twice = sp->role.f.mode == MODE_32 && sp->role.f.level > 1, i, end;

	from = max(from / size, base);
	to = (to - 1) / size + 1;
	end = to > base ? min((to - base) << twice, 512u) : 0;
	for (i = (from - base) << twice; i < end; i++)
		if ((sp->table[i] & GM_PT_P) && guest_changed(vm, sp, i))
			gm_shadow_drop(vm, sp, i);
}

static void shadow_written(struct gm_vm *vm, u64 gpa, unsigned int len)
{
	u64 gfn = gpa >> PAGE_SHIFT;
	struct hlist_node *node, *next;
	struct gm_shadow *sp;

	spin_lock(&vm->mmu_lock);
	GM_SHADOW_BUCKET(vm, gfn, node, next, sp) {
		if (sp->gfn != gfn || sp->role.f.direct || !list_empty(&sp->unsync))
			continue;
		if (++sp->writes > WRITES_MAX)
			gm_shadow_zap(vm, sp);
		else
			sp_written(vm, sp, offset_in_page(gpa), offset_in_page(gpa) + len);
	}
	gm_mmu_unlock(vm);
}

static int shadow_unprotect(struct gm_vcpu *vcpu)
{
	struct gm_vm *vm = vcpu->vm;
	u64 gfn = vcpu->mmu.table_gfn;
	struct hlist_node *node, *next;
	struct gm_shadow *sp;

	vcpu->mmu.table_gfn = GM_NO_GFN;
	if (gfn == GM_NO_GFN || (gfn == vcpu->mmu.tried_gfn && vcpu->rip == vcpu->mmu.tried_rip))
		return 0;
	vcpu->mmu.tried_gfn = gfn;
	vcpu->mmu.tried_rip = vcpu->rip;
	spin_lock(&vm->mmu_lock);
	GM_SHADOW_BUCKET(vm, gfn, node, next, sp)
		if (sp->gfn == gfn && !sp->role.f.direct)
			gm_shadow_zap(vm, sp);
	gm_mmu_unlock(vm);
	return 1;
}

/* ---- VMs and vCPUs ---- */

/* A vCPU's CR3: the root itself, or with PAE the four top entries. */
static u64 shadow_root(struct gm_vcpu *vcpu)
{
	u64 *table = vcpu->mmu.top->table, entry;

	if (root_level(vcpu) == 2)
		return virt_to_phys(table);
	entry = READ_ONCE(table[0]);
	return entry & GM_PT_P ? entry & GM_PT_ADDR : gm_zero_page();
}

static void shadow_zap_vm(struct gm_vm *vm)
{
	spin_lock(&vm->mmu_lock);
	gm_shadow_zap_all(vm);
	gm_mmu_unlock(vm);
}

const struct gm_mmu_ops gm_mmu_shadow = {
	.init = gm_shadow_init,
	.fini = gm_shadow_fini,
	.vcpu_init = gm_shadow_vcpu_init,
	.vcpu_fini = gm_shadow_vcpu_fini,
	.fault = shadow_fault,
	.reload = shadow_reload,
	.invlpg = shadow_invlpg,
	.written = shadow_written,
	.unprotect = shadow_unprotect,
	.root = shadow_root,
	.zap = shadow_zap_vm,
	.unmap = gm_shadow_unmap,
	.protect = gm_shadow_protect,
	.young = gm_shadow_young,
};

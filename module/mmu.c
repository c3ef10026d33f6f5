// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guest memory as the CPU sees it: what nested (mmu_nested.c) and shadow paging (mmu_shadow.c) share.
 *
 * Mappings name pages of the process that nobody holds for them. They stay true because the
 * process' memory management tells (notifier.c) before it takes a page away: a fault looks at
 * notify_seq, then for the page, and makes its mapping under mmu_lock only if nothing was told meanwhile.
 *
 * Sources: Intel SDM volume 3, chapters 4 and 29; AMD APM volume 2, 5 and 15.25.
 */
#include "module/mmu_internal.h"

#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/smp.h>
#include <asm/cpufeature.h>
#include <asm/io.h>
#include <asm/msr.h>

struct gm_paging gm_paging;
static const struct gm_mmu_ops *ops;

/* ---- the VM ---- */

int gm_mmu_init(struct gm_vm *vm)
{
	int ret;

	ops = gm_paging.nested ? &gm_mmu_nested : &gm_mmu_shadow;
	spin_lock_init(&vm->mmu_lock);
	ret = ops->init(vm);
	if (ret)
		gm_mmu_fini(vm);
	return ret;
}

void gm_mmu_fini(struct gm_vm *vm)
{
	ops->fini(vm);
	free_page((unsigned long)vm->mmu.apic);
	while (vm->mmu.nspare)
		free_page((unsigned long)vm->mmu.spare[--vm->mmu.nspare]);
}

int gm_mmu_vcpu_init(struct gm_vcpu *vcpu)
{
	vcpu->mmu.reload = 1;
	vcpu->mmu.table_gfn = GM_NO_GFN;
	vcpu->mmu.fault_gpa = GM_NO_GPA;
	return ops->vcpu_init ? ops->vcpu_init(vcpu) : 0;
}

void gm_mmu_vcpu_fini(struct gm_vcpu *vcpu)
{
	spin_lock(&vcpu->vm->mmu_lock); /* gm_mmu_flush() may be looking at it */
	spin_unlock(&vcpu->vm->mmu_lock);
	if (ops->vcpu_fini)
		ops->vcpu_fini(vcpu);
}

int gm_mmu_spare(struct gm_vm *vm, unsigned int want)
{
	u64 *page;

	while (READ_ONCE(vm->mmu.nspare) < want) {
		page = (u64 *)__get_free_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
		if (!page)
			return -ENOMEM;
		spin_lock(&vm->mmu_lock);
		if (vm->mmu.nspare < GM_SPARE_PAGES) {
			vm->mmu.spare[vm->mmu.nspare++] = page;
			page = NULL;
		}
		spin_unlock(&vm->mmu_lock);
		free_page((unsigned long)page);
	}
	return 0;
}

u64 *gm_mmu_spare_take(struct gm_vm *vm)
{
	return vm->mmu.nspare ? vm->mmu.spare[--vm->mmu.nspare] : NULL;
}

/* ---- translations that are no longer true ---- */

static void flush_ack(void *unused)
{
	/* The interrupt itself is what makes guest mode end. */
}

void gm_mmu_flush(struct gm_vm *vm)
{
	struct gm_vcpu *vcpu;
	int i, cpu, self = get_cpu();

	vm->mmu.stale = 0;
	vm->stats.flushes++;
	atomic_inc(&vm->flush_gen);
	smp_mb(); /* pairs with the one in gm_vcpu_may_enter() */
	for (i = 0; i < GM_MAX_VCPUS; i++) {
		/* gm_mmu_vcpu_fini() waits for mmu_lock, so it stays. */
		vcpu = READ_ONCE(vm->vcpus[i]);
		cpu = vcpu ? READ_ONCE(vcpu->guest_cpu) : -1;
		if (cpu >= 0 && cpu != self)
			gm_call_cpu(cpu, flush_ack, NULL);
	}
	put_cpu();
}

void gm_mmu_unlock(struct gm_vm *vm)
{
	if (vm->mmu.stale)
		gm_mmu_flush(vm);
	spin_unlock(&vm->mmu_lock);
}

void gm_mmu_zap(struct gm_vm *vm)
{
	vm->stats.zaps++;
	ops->zap(vm);
}

void gm_mmu_protect(struct gm_vm *vm, struct gm_slot *slot, u64 first, u64 n)
{
	ops->protect(vm, slot, first, n);
}

/* ---- what the process' memory management tells ---- */

/* The part of a slot that lies in [start, end) of the process' memory. 0: there is none. */
static u64 slot_part(const struct gm_slot *slot, unsigned long start, unsigned long end, u64 *first)
{
	unsigned long from = max(start, slot->hva);
	unsigned long to = min(end, slot->hva + (unsigned long)(slot->npages << PAGE_SHIFT));

	if (!slot->npages || from >= to)
		return 0;
	*first = (from - slot->hva) >> PAGE_SHIFT;
	return ((to - slot->hva + PAGE_SIZE - 1) >> PAGE_SHIFT) - *first;
}

/* So many at once, then others may have the lock, and the CPU. */
#define UNMAP_PAGES ((u64)0x10000)

/*
 * Where the lock was given up a slot may be another one afterwards, but nothing new is mapped: notify_count.
 */
static void slot_unmap(struct gm_vm *vm, struct gm_slot *slot, unsigned long start, unsigned long end,
		       int sleep)
{
	u64 first, n;

	while ((n = slot_part(slot, start, end, &first)) != 0) {
		n = min(n, UNMAP_PAGES);
		ops->unmap(vm, slot, first, n);
		start = slot->hva + (unsigned long)((first + n) << PAGE_SHIFT);
		if (sleep && n == UNMAP_PAGES)
			cond_resched_lock(&vm->mmu_lock);
	}
}

void gm_mmu_notify_start(struct gm_vm *vm, unsigned long start, unsigned long end, int sleep)
{
	unsigned int i;

	spin_lock(&vm->mmu_lock);
	vm->mmu.notify_count++;
	for (i = 0; i < GM_MAX_SLOTS; i++)
		slot_unmap(vm, &vm->slots[i], start, end, sleep);
	gm_mmu_unlock(vm);
}

void gm_mmu_notify_end(struct gm_vm *vm)
{
	spin_lock(&vm->mmu_lock);
	vm->mmu.notify_seq++;
	vm->mmu.notify_count--;
	spin_unlock(&vm->mmu_lock);
}

int gm_mmu_notify_young(struct gm_vm *vm, unsigned long start, unsigned long end, int clear,
			int flush)
{
	unsigned int i;
	int ret = 0;
	u64 first, n;

	spin_lock(&vm->mmu_lock);
	for (i = 0; i < GM_MAX_SLOTS; i++) {
		n = slot_part(&vm->slots[i], start, end, &first);
		if (n)
			ret |= ops->young(vm, &vm->slots[i], first, n, clear);
	}
	vm->mmu.stale |= ret && flush;
	gm_mmu_unlock(vm);
	return ret;
}

/* ---- a page for a mapping ---- */

/*
 * Bits of the host's entries, of any version, that pages have which are not ordinary memory (special, device),
 * and protection keys, whose rights are not looked at.
 */
#define HOST_SPECIAL (1ull << 9 | 0x1full << 58)

#ifdef CONFIG_X86_64
/*
 * The entry of the process' own page tables that maps an address; 0: none, else its level. What the tables
 * map stays: mmu_lock is held, and nobody has told that he is about to take something from them. Who only
 * puts a large page in the place of a table tells nobody in some kernels; he frees the table after all
 * CPUs have answered an interrupt, so none is taken here.
 */
static unsigned int host_entry(struct mm_struct *mm, unsigned long hva, u64 *entry)
{
	unsigned int level = __read_cr4() & GM_CR4_LA57 ? 5 : 4;
	u64 *table = (u64 *)mm->pgd;
	unsigned long flags;

	local_irq_save(flags);
	for (;; level--) {
		*entry = READ_ONCE(table[(hva >> (PAGE_SHIFT + 9 * (level - 1))) & 511]);
		if (!(*entry & GM_PT_P)) {
			level = 0;
			break;
		}
		if (level == 1 || (level <= 3 && (*entry & GM_PT_PS)))
			break;
		table = (u64 *)__va(*entry & GM_PT_ADDR);
	}
	local_irq_restore(flags);
	return level;
}
#else
static unsigned int host_entry(struct mm_struct *mm, unsigned long hva, u64 *entry)
{
	return 0;
}
#endif

static u64 level_pages(unsigned int level)
{
	return 1ull << (9 * (level - 1));
}

/*
 * Looks up the page of f->slot and f->gfn in the process' own tables: pfn, writable, level. 0: it has none
 * there that can be taken as it is. Needs mmu_lock, and that nobody is taking something away.
 */
static int fill_from_host(struct gm_vm *vm, struct gm_fill *f)
{
	struct gm_slot *slot = f->slot;
	u64 index = f->gfn - slot->gfn, hfn = (slot->hva >> PAGE_SHIFT) + index, entry, mask;
	unsigned int level = host_entry(vm->mm, hfn << PAGE_SHIFT, &entry);

	if (!level || !(entry & GM_PT_U) || (entry & HOST_SPECIAL))
		return 0;
	mask = level_pages(level) - 1;
	f->pfn = ((entry & GM_PT_ADDR) >> PAGE_SHIFT & ~mask) + (hfn & mask);
	f->writable = (entry & (GM_PT_W | GM_PT_D)) == (GM_PT_W | GM_PT_D);
	for (; level > 1; level--) {
		mask = level_pages(level) - 1;
		if (!((hfn ^ f->gfn) & mask) && (f->gfn & ~mask) >= slot->gfn &&
		    (f->gfn | mask) < slot->gfn + slot->npages)
			break;
	}
	f->level = level;
	return pfn_valid(f->pfn) && gm_slot_has_page(slot, index, f->pfn);
}

/* The local APIC's page, for which guests meet a page of ours. */
static int fill_apic(struct gm_vm *vm, struct gm_fill *f)
{
	f->pfn = virt_to_phys(vm->mmu.apic) >> PAGE_SHIFT;
	f->writable = 1;
	f->level = 1;
	spin_lock(&vm->mmu_lock);
	return 0;
}

/* Has the process map the page, and then takes it from there. 0 with mmu_lock, or -errno. */
static int fill_slow(struct gm_vm *vm, struct gm_fill *f)
{
	unsigned long seq = READ_ONCE(vm->mmu.notify_seq);
	u64 pfn;

	smp_rmb(); /* notify_seq before the page */
	f->page = gm_slot_page(f->slot, f->gfn - f->slot->gfn, f->write);
	if (!f->page)
		return -EFAULT;
	spin_lock(&vm->mmu_lock);
	if (vm->mmu.notify_count || vm->mmu.notify_seq != seq) {
		gm_fill_end(vm, f);
		return -EAGAIN;
	}
	pfn = page_to_pfn(f->page);
	if (!fill_from_host(vm, f) || f->pfn != pfn || f->writable < f->write) {
		f->pfn = pfn;
		f->writable = f->write;
		f->level = 1;
	}
	return 0;
}

int gm_fill_begin(struct gm_vm *vm, struct gm_fill *f, u64 gpa, int write)
{
	int ret;

	memset(f, 0, sizeof(*f));
	f->gfn = gpa >> PAGE_SHIFT;
	f->write = write;
	f->slot = gm_slot_find(vm, f->gfn);
	if (!f->slot && f->gfn == GM_APIC_GFN && vm->mmu.apic && !vm->mmu.apic_off)
		return fill_apic(vm, f);
	if (!f->slot || (write && (f->slot->flags & GM_MEM_READONLY)))
		return -ENOENT;
	/* Most pages are there already. A written one has D set, so whoever cleans it tells us first. */
	spin_lock(&vm->mmu_lock);
	if (vm->mmu.notify_count || !fill_from_host(vm, f) || f->writable < write) {
		spin_unlock(&vm->mmu_lock);
		ret = fill_slow(vm, f);
		if (ret)
			return ret;
	}
	if (f->slot->flags & GM_MEM_READONLY)
		f->writable = 0;
	if (f->slot->dirty) {
		f->level = 1;
		f->writable = write;
	}
	return 0;
}

int gm_fill_peek(struct gm_vm *vm, struct gm_fill *f, u64 gfn)
{
	struct gm_slot *slot = f->slot;

	if (gfn - slot->gfn >= slot->npages)
		slot = gm_slot_find(vm, gfn);
	if (!slot)
		return 0;
	f->slot = slot;
	f->gfn = gfn;
	f->write = 0;
	if (!fill_from_host(vm, f))
		return 0;
	if (slot->dirty || (slot->flags & GM_MEM_READONLY))
		f->writable = 0;
	return 1;
}

void gm_fill_end(struct gm_vm *vm, struct gm_fill *f)
{
	gm_mmu_unlock(vm);
	if (f->page)
		gm_slot_page_put(f->slot, f->page, f->write);
}

int gm_mmu_apic_init(struct gm_vm *vm)
{
	if (!gm_paging.apic_page || vm->mmu.apic)
		return 0;
	vm->mmu.apic = (void *)__get_free_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	return vm->mmu.apic ? 0 : -ENOMEM;
}

void gm_mmu_apic_off(struct gm_vm *vm)
{
	if (!vm->mmu.apic || READ_ONCE(vm->mmu.apic_off))
		return;
	down_write(&vm->slots_sem);
	vm->mmu.apic_off = 1;
	gm_mmu_zap(vm);
	up_write(&vm->slots_sem);
}

/* ---- vCPUs ---- */

int gm_mmu_fault(struct gm_vcpu *vcpu, u64 addr, u32 acc)
{
	int ret = ops->fault(vcpu, addr, acc);

	/* Something changed meanwhile: the guest meets the fault again. */
	return ret == -EAGAIN ? 0 : ret;
}

int gm_mmu_reload(struct gm_vcpu *vcpu)
{
	down_read(&vcpu->vm->slots_sem);
	if (ops->reload)
		ops->reload(vcpu);
	up_read(&vcpu->vm->slots_sem);
	vcpu->mmu.reload = 0;
	return 0;
}

void gm_mmu_invlpg(struct gm_vcpu *vcpu, u64 lin)
{
	if (ops->invlpg)
		ops->invlpg(vcpu, lin);
	vcpu->seen_gen--;
}

void gm_mmu_written(struct gm_vm *vm, u64 gpa, unsigned int len)
{
	if (ops->written)
		ops->written(vm, gpa, len);
}

int gm_mmu_unprotect(struct gm_vcpu *vcpu)
{
	return ops->unprotect ? ops->unprotect(vcpu) : 0;
}

u64 gm_mmu_root(struct gm_vcpu *vcpu)
{
	return ops->root(vcpu);
}

/* A guest that has its caches off would crawl: hide it from the CPU, not from the guest. */
u64 gm_mmu_cr0(struct gm_vcpu *vcpu)
{
	u64 cr0 = vcpu->cr0 & ~(u64)(X86_CR0_CD | X86_CR0_NW);

	return gm_paging.nested ? cr0 : cr0 | X86_CR0_PG | X86_CR0_WP;
}

u64 gm_mmu_cr4(struct gm_vcpu *vcpu)
{
	u64 off = X86_CR4_PSE | X86_CR4_PGE | GM_CR4_PKE;

	if (gm_paging.nested)
		return vcpu->cr4;
	/* Without paging all mappings are a user's. */
	if (!(vcpu->cr0 & X86_CR0_PG))
		off |= GM_CR4_SMEP | GM_CR4_SMAP;
	return (vcpu->cr4 & ~off) | X86_CR4_PAE;
}

u64 gm_mmu_efer(struct gm_vcpu *vcpu)
{
	u64 efer = vcpu->efer;

	if (gm_paging.nested)
		return efer;
	if (!(efer & EFER_LMA))
		efer &= ~(u64)EFER_LME;
	return boot_cpu_has(X86_FEATURE_NX) ? efer | EFER_NX : efer;
}

/* ---- the guest's own tables ---- */

/* A table that is in no memory reads as zeroes: nothing is mapped by it. */
static int walk_read(void *opaque, u64 gpa, unsigned int size, u64 *val)
{
	struct gm_vcpu *vcpu = opaque;
	int ret;

	*val = 0;
	ret = gm_mem_read(vcpu->vm, gpa, val, size);
	return ret == -ENOENT ? 0 : ret;
}

static int walk_cmpxchg(void *opaque, u64 gpa, unsigned int size, u64 old, u64 val)
{
	struct gm_vcpu *vcpu = opaque;
	int ret = gm_mem_cmpxchg(vcpu->vm, gpa, size, old, val);

	/* Tables in read-only memory keep their bits. */
	return ret == -ENOENT ? 1 : ret;
}

static const struct x86_walk_ops walk_ops = { .read = walk_read, .cmpxchg = walk_cmpxchg };

int gm_walk_setup(struct gm_vcpu *vcpu, struct x86_mmu *mmu)
{
	memset(mmu, 0, sizeof(*mmu));
	mmu->ops = &walk_ops;
	mmu->opaque = vcpu;
	mmu->cr0 = vcpu->cr0;
	mmu->cr3 = vcpu->cr3;
	mmu->cr4 = vcpu->cr4;
	mmu->efer = vcpu->efer;
	mmu->phys_bits = min_t(unsigned int, gm_phys_bits(), 48);
	mmu->has_1g = boot_cpu_has(X86_FEATURE_GBPAGES);
	mmu->has_pse36 = 1;
	if (!(vcpu->cr0 & X86_CR0_PG) || !(vcpu->cr4 & X86_CR4_PAE) || (vcpu->efer & EFER_LMA))
		return 0;
	/* The CPU has these and checked them; an emulated one was seen to set A there, a reserved bit. */
	if (gm_paging.nested)
		return gm_mem_read(vcpu->vm, vcpu->cr3 & 0xffffffe0, mmu->pdpte, sizeof(mmu->pdpte));
	memcpy(mmu->pdpte, vcpu->mmu.pdpte, sizeof(mmu->pdpte));
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where the code of an emulated instruction is. A guest emulates the same few instructions over and over: the
 * last walk for code is kept with the entries that it met, and holds as long as those read the same. Reading
 * them again is what makes this right at every moment: nobody has to tell when a guest changes its tables.
 * Long mode only, as its four levels are what costs.
 */
#include "module/gm.h"
#include "module/x86/walk.h"

static int same_state(const struct gm_fetch *f, const struct gm_vcpu *vcpu, u64 lin, int user)
{
	return f->levels && !((f->lin ^ lin) & PAGE_MASK) && f->cr3 == vcpu->cr3 && f->cr0 == vcpu->cr0 &&
	       f->cr4 == vcpu->cr4 && f->efer == vcpu->efer && f->user == user &&
	       f->slots_gen == vcpu->vm->slots_gen;
}

/* slots_sem is held. 1 with the guest-physical address of `lin`, which may be executed; 0: not known. */
int gm_fetch_find(struct gm_vcpu *vcpu, u64 lin, int user, u64 *gpa)
{
	const struct gm_fetch *f = &vcpu->fetch;
	unsigned int i;
	u64 e;

	if (!same_state(f, vcpu, lin, user))
		return 0;
	for (i = 0; i < f->levels; i++)
		if (gm_user_read(f->hva[i], &e, sizeof(e)) || e != f->entry[i])
			return 0;
	*gpa = f->gpa | (lin & ~PAGE_MASK);
	return 1;
}

/* slots_sem is held. Walks for code; what it finds is kept. 0, X86_FAULT or X86_RETRY, or -errno. */
int gm_fetch_walk(struct gm_vcpu *vcpu, const struct x86_mmu *mmu, u64 lin, int user,
		  struct x86_walk_result *out, struct x86_fault *fault)
{
	struct gm_fetch *f = &vcpu->fetch;
	struct x86_walk_trail t;
	int level, ret = x86_walk_trail(mmu, lin, X86_ACC_EXEC, user, 0, out, fault, &t);

	f->levels = 0;
	if (ret || t.levels != 4)
		return ret;
	for (level = 3; level >= t.leaf; level--) {
		f->hva[3 - level] = gm_mem_hva(vcpu->vm, t.gpa[level]);
		f->entry[3 - level] = t.entry[level];
		if (!f->hva[3 - level])
			return 0;
	}
	f->lin = lin & PAGE_MASK;
	f->gpa = out->gpa & PAGE_MASK;
	f->cr0 = vcpu->cr0;
	f->cr3 = vcpu->cr3;
	f->cr4 = vcpu->cr4;
	f->efer = vcpu->efer;
	f->slots_gen = vcpu->vm->slots_gen;
	f->user = user;
	f->levels = 4 - t.leaf;
	return 0;
}

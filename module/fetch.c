// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where the code of an emulated instruction is, and the device register that it is about. A guest emulates the same few
 * instructions over and over: the last walk for each is kept with the entries that it met, and holds as long as
 * those read the same. Reading them again is what makes this right at every moment: nobody has to tell when a
 * guest changes its tables. Long mode only, as its four levels are what costs.
 */
#include "module/gm.h"
#include "module/x86/walk.h"

/* Rights of code do not depend on WP. */
static u64 cr0_of(const struct gm_vcpu *vcpu, unsigned int acc)
{
	return vcpu->cr0 & (acc & X86_ACC_EXEC ? X86_CR0_PG : X86_CR0_PG | X86_CR0_WP);
}

/* What may be written may be read. */
static int same_state(const struct gm_fetch *f, const struct gm_vcpu *vcpu, u64 lin,
		      unsigned int acc, int user)
{
	return f->levels && !((f->lin ^ lin) & PAGE_MASK) && f->cr3 == vcpu->cr3 &&
	       f->cr0 == cr0_of(vcpu, f->acc) && f->cr4 == vcpu->cr4 && f->efer == vcpu->efer &&
	       f->user == user && (f->acc == acc || (f->acc == X86_ACC_WRITE && acc == X86_ACC_READ)) &&
	       f->ac == (vcpu->rflags & X86_FL_AC) && f->slots_gen == vcpu->vm->slots_gen;
}

/* slots_sem is held. 1 with the guest-physical address of `lin`, where `acc` is allowed; 0: not known. */
int gm_fetch_find(struct gm_vcpu *vcpu, u64 lin, unsigned int acc, int user, u64 *gpa)
{
	const struct gm_fetch *f = &vcpu->fetch[!(acc & X86_ACC_EXEC)];
	unsigned int i;
	u64 e;

	if (!same_state(f, vcpu, lin, acc, user))
		return 0;
	for (i = 0; i < f->levels; i++)
		if (gm_user_read(f->hva[i], &e, sizeof(e)) || e != f->entry[i])
			return 0;
	*gpa = f->gpa | (lin & ~PAGE_MASK);
	return 1;
}

/* slots_sem is held. Keeps a walk that succeeded. acc: X86_ACC_EXEC, READ or WRITE alone. */
void gm_fetch_keep(struct gm_vcpu *vcpu, u64 lin, unsigned int acc, int user,
		   const struct x86_walk_result *r, const struct x86_walk_trail *t)
{
	struct gm_fetch *f = &vcpu->fetch[!(acc & X86_ACC_EXEC)];
	int level;

	f->levels = 0;
	if (t->levels != 4)
		return;
	for (level = 3; level >= t->leaf; level--) {
		f->hva[3 - level] = gm_mem_hva(vcpu->vm, t->gpa[level]);
		f->entry[3 - level] = t->entry[level];
		if (!f->hva[3 - level])
			return;
	}
	f->lin = lin & PAGE_MASK;
	f->gpa = r->gpa & PAGE_MASK;
	f->cr0 = cr0_of(vcpu, acc);
	f->cr3 = vcpu->cr3;
	f->cr4 = vcpu->cr4;
	f->efer = vcpu->efer;
	f->ac = vcpu->rflags & X86_FL_AC;
	f->slots_gen = vcpu->vm->slots_gen;
	f->acc = acc;
	f->user = user;
	f->levels = 4 - t->leaf;
}

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

/* The walk that is kept for `lin`, where `acc` is allowed, as long as its entries read the same; or NULL. */
static const struct gm_fetch *kept(struct gm_vcpu *vcpu, u64 lin, unsigned int acc, int user)
{
	const struct gm_fetch *f = &vcpu->fetch[!(acc & X86_ACC_EXEC)];
	unsigned int i;
	u64 e;

	if (!same_state(f, vcpu, lin, acc, user))
		return NULL;
	for (i = 0; i < f->levels; i++)
		if (gm_user_read(f->hva[i], &e, sizeof(e)) || e != f->entry[i])
			return NULL;
	return f;
}

int gm_fetch_find(struct gm_vcpu *vcpu, u64 lin, unsigned int acc, int user, u64 *gpa)
{
	const struct gm_fetch *f = kept(vcpu, lin, acc, user);

	if (!f)
		return 0;
	*gpa = f->gpa | (lin & ~PAGE_MASK);
	return 1;
}

int gm_fetch_code(struct gm_vcpu *vcpu, u64 lin, int user, void *buf, unsigned int len)
{
	unsigned int off = lin & ~PAGE_MASK;
	const struct gm_fetch *f;

	if (off + len > PAGE_SIZE)
		return 0;
	f = kept(vcpu, lin, X86_ACC_EXEC, user);
	return f && !gm_user_read(f->code + off, buf, len);
}

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
	f->code = acc & X86_ACC_EXEC ? gm_mem_hva(vcpu->vm, r->gpa & PAGE_MASK) : 0;
	if ((acc & X86_ACC_EXEC) && !f->code)
		return;
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

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registers of the software CPU in the format of accel.h. The vCPU stands still. */
#include "vmm/accel/soft_priv.h"

#include <errno.h>

/* MSRs that make up a CPU's state beyond what struct gm_regs names. Those that the model lacks
 * are left out. */
static const u32 msrs[] = {
	0x10,       0x3b,       0x48,       0x174,      0x175,      0x176,      0x17a,      0x1a0,
	0x1d9,      0x200,      0x201,      0x202,      0x203,      0x204,      0x205,      0x206,
	0x207,      0x208,      0x209,      0x20a,      0x20b,      0x20c,      0x20d,      0x20e,
	0x20f,      0x250,      0x258,      0x259,      0x268,      0x269,      0x26a,      0x26b,
	0x26c,      0x26d,      0x26e,      0x26f,      0x277,      0x2ff,      0x6e0,      0xc0000081,
	0xc0000082, 0xc0000083, 0xc0000084, 0xc0000102, 0xc0000103,
};
_Static_assert(ARRAY_SIZE(msrs) <= GM_NMSRS, "MSRs");

static void sys_get(struct gm_vcpu *v, struct cpu *c, struct gm_regs *r)
{
	memcpy(r->seg, c->seg, sizeof(r->seg));
	r->gdt = c->gdt;
	r->idt = c->idt;
	r->cr0 = c->cr0;
	r->cr2 = c->cr2;
	r->cr3 = c->cr3;
	r->cr4 = c->cr4;
	r->cr8 = v->tpr_get ? v->tpr_get(v) : c->cr8;
	r->efer = c->efer;
	r->xcr0 = c->xcr0;
	memcpy(r->dr, c->dr, sizeof(r->dr));
	if (v->apic_msr_get)
		v->apic_msr_get(v, 0x1b, &r->apic_base);
}

static void msrs_get(struct gm_vcpu *v, struct cpu *c, struct gm_regs *r)
{
	unsigned int i;
	u64 val;

	r->nmsrs = 0;
	for (i = 0; i < ARRAY_SIZE(msrs); i++) {
		/* The local APIC's is asked for with the machine lock that we hold. */
		if (msrs[i] == 0x6e0 ? !v->apic_msr_get || v->apic_msr_get(v, msrs[i], &val) :
				       cpu_msr_read(c, msrs[i], &val))
			continue;
		r->msrs[r->nmsrs++] = (struct gm_msr_entry){ .index = msrs[i], .value = val };
	}
}

static void events_get(struct cpu *c, struct gm_regs *r)
{
	memset(&r->evt, 0, sizeof(r->evt));
	r->evt.interrupt_shadow = c->shadow;
	r->evt.nmi_blocked = c->nmi_blocked;
	r->evt.nmi_pending = !!(c->requests & CPU_REQ_NMI);
	r->evt.halted = c->halted;
}

int soft_regs_get(struct gm_vcpu *v, unsigned int groups, struct gm_regs *r)
{
	struct cpu *c = soft_cpu(v);

	if (groups & GM_REGS_GPR) {
		memcpy(r->gpr, c->gpr, sizeof(r->gpr));
		r->rip = c->rip;
		r->rflags = cpu_get_rflags(c);
	}
	if (groups & GM_REGS_SYS)
		sys_get(v, c, r);
	if (groups & GM_REGS_FPU)
		cpu_fpu_get_xsave(c, r->xsave);
	if (groups & GM_REGS_MSR)
		msrs_get(v, c, r);
	if (groups & GM_REGS_EVT)
		events_get(c, r);
	return 0;
}

static void sys_set(struct gm_vcpu *v, struct cpu *c, const struct gm_regs *r)
{
	unsigned int i;

	c->cr0 = r->cr0;
	c->cr2 = r->cr2;
	c->cr3 = r->cr3;
	c->pdpte_stale = 1;
	c->cr4 = r->cr4;
	c->cr8 = r->cr8;
	c->efer = r->efer;
	c->xcr0 = r->xcr0 | 1;
	c->gdt = r->gdt;
	c->idt = r->idt;
	memcpy(c->dr, r->dr, sizeof(c->dr));
	for (i = 0; i < X86_NSEG; i++)
		cpu_set_seg(c, i, &r->seg[i]);
	/* In every mode the level is that of SS (real mode loads it with 0). */
	cpu_set_cpl(c, (r->seg[X86_SS].attr & X86_SEG_DPL) >> X86_SEG_DPL_SHIFT);
	cpu_tlb_flush_all(c);
	cpu_mode_changed(c);
	if (v->apic_msr_set)
		v->apic_msr_set(v, 0x1b, r->apic_base);
	if (v->tpr_set)
		v->tpr_set(v, r->cr8);
}

static int msrs_set(struct gm_vcpu *v, struct cpu *c, const struct gm_regs *r)
{
	int bad = 0;
	u32 i;

	if (r->nmsrs > GM_NMSRS)
		return -EINVAL;
	for (i = 0; i < r->nmsrs; i++) {
		const struct gm_msr_entry *e = &r->msrs[i];

		if (e->index == 0x6e0)
			bad |= !v->apic_msr_set || v->apic_msr_set(v, e->index, e->value);
		else
			bad |= cpu_msr_write(c, e->index, e->value);
	}
	return bad ? -EINVAL : 0;
}

int soft_regs_set(struct gm_vcpu *v, unsigned int groups, const struct gm_regs *r)
{
	struct cpu *c = soft_cpu(v);
	int ret = 0;

	if (groups & GM_REGS_GPR)
		memcpy(c->gpr, r->gpr, sizeof(r->gpr));
	if (groups & GM_REGS_SYS)
		sys_set(v, c, r);
	if (groups & GM_REGS_GPR) {
		c->rip = r->rip;
		cpu_set_rflags(c, r->rflags);
	}
	if (groups & GM_REGS_FPU)
		ret = cpu_fpu_set_xsave(c, r->xsave);
	if (!ret && groups & GM_REGS_MSR)
		ret = msrs_set(v, c, r);
	if (groups & GM_REGS_EVT) {
		c->shadow = r->evt.interrupt_shadow;
		c->nmi_blocked = r->evt.nmi_blocked;
		c->halted = r->evt.halted;
		if (r->evt.nmi_pending)
			cpu_request(c, CPU_REQ_NMI);
	}
	return ret;
}

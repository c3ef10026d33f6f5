// SPDX-License-Identifier: GPL-2.0-or-later
/* Registers of a vCPU behind the KVM ABI, in the format of accel.h. */
#include "vmm/accel/kvm.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>

/* ---- segments ---- */

static void seg_from_kvm(struct x86_seg *d, const struct kvm_segment *s)
{
	d->base = s->base;
	d->limit = s->limit;
	d->sel = s->selector;
	d->unusable = s->unusable;
	d->attr = (u16)(s->type | s->s << 4 | s->dpl << 5 | s->present << 7 | s->avl << 12 |
			s->l << 13 | s->db << 14 | s->g << 15);
}

static void seg_to_kvm(struct kvm_segment *d, const struct x86_seg *s)
{
	*d = (struct kvm_segment){.base = s->base, .limit = s->limit, .selector = s->sel,
				  .type = s->attr & 15, .s = s->attr >> 4 & 1,
				  .dpl = s->attr >> 5 & 3, .present = s->attr >> 7 & 1,
				  .avl = s->attr >> 12 & 1, .l = s->attr >> 13 & 1,
				  .db = s->attr >> 14 & 1, .g = s->attr >> 15 & 1,
				  .unusable = s->unusable};
}

/* In the order of enum x86_seg_reg. */
static struct kvm_segment *sregs_seg(struct kvm_sregs *s, unsigned int i)
{
	struct kvm_segment *const map[X86_NSEG] = {&s->es, &s->cs, &s->ss,  &s->ds,
						   &s->fs, &s->gs, &s->ldt, &s->tr};

	return map[i];
}

/* ---- groups ---- */

/* In the order of enum x86_gpr; the kernel's structure begins with another order. */
static void gpr_exchange(struct kvm_regs *k, u64 *gpr, bool to_kvm)
{
	__u64 *const map[16] = {&k->rax, &k->rcx, &k->rdx, &k->rbx, &k->rsp, &k->rbp,
				&k->rsi, &k->rdi, &k->r8,  &k->r9,  &k->r10, &k->r11,
				&k->r12, &k->r13, &k->r14, &k->r15};
	unsigned int i;

	for (i = 0; i < 16; i++) {
		if (to_kvm)
			*map[i] = gpr[i];
		else
			gpr[i] = *map[i];
	}
}

static int sys_get(struct kvm_vcpu *k, struct gm_regs *r)
{
	struct kvm_sregs s;
	struct kvm_debugregs d;
	struct kvm_xcrs x;
	unsigned int i;

	if (ioctl(k->fd, KVM_GET_SREGS, &s))
		return -errno;
	for (i = 0; i < X86_NSEG; i++)
		seg_from_kvm(&r->seg[i], sregs_seg(&s, i));
	r->gdt = (struct x86_dtr){.base = s.gdt.base, .limit = s.gdt.limit};
	r->idt = (struct x86_dtr){.base = s.idt.base, .limit = s.idt.limit};
	r->cr0 = s.cr0;
	r->cr2 = s.cr2;
	r->cr3 = s.cr3;
	r->cr4 = s.cr4;
	r->cr8 = s.cr8;
	r->efer = s.efer;
	r->apic_base = s.apic_base;
	if (ioctl(k->fd, KVM_GET_DEBUGREGS, &d) == 0) {
		memcpy(r->dr, d.db, 4 * sizeof(u64));
		r->dr[6] = d.dr6;
		r->dr[7] = d.dr7;
	}
	r->xcr0 = 1;
	if (ioctl(k->fd, KVM_GET_XCRS, &x) == 0 && x.nr_xcrs)
		r->xcr0 = x.xcrs[0].value;
	return 0;
}

static int sys_set(struct kvm_vcpu *k, const struct gm_regs *r)
{
	struct kvm_debugregs d = {.dr6 = r->dr[6], .dr7 = r->dr[7]};
	struct kvm_xcrs x = {.nr_xcrs = 1, .xcrs[0].value = r->xcr0};
	struct kvm_sregs s;
	unsigned int i;

	if (ioctl(k->fd, KVM_GET_SREGS, &s))
		return -errno;
	for (i = 0; i < X86_NSEG; i++)
		seg_to_kvm(sregs_seg(&s, i), &r->seg[i]);
	s.gdt.base = r->gdt.base;
	s.gdt.limit = r->gdt.limit;
	s.idt.base = r->idt.base;
	s.idt.limit = r->idt.limit;
	s.cr0 = r->cr0;
	s.cr2 = r->cr2;
	s.cr3 = r->cr3;
	s.cr4 = r->cr4;
	s.cr8 = r->cr8;
	s.efer = r->efer;
	s.apic_base = r->apic_base;
	memset(s.interrupt_bitmap, 0, sizeof(s.interrupt_bitmap));
	if (ioctl(k->fd, KVM_SET_SREGS, &s))
		return -errno;
	memcpy(d.db, r->dr, 4 * sizeof(u64));
	ioctl(k->fd, KVM_SET_DEBUGREGS, &d);
	ioctl(k->fd, KVM_SET_XCRS, &x);
	return 0;
}

static int msrs_exchange(struct kvm_vcpu *k, unsigned long cmd, struct gm_regs *r)
{
	struct kvm_msrs *m = calloc(1, sizeof(*m) + GM_NMSRS * sizeof(m->entries[0]));
	u32 i, n = MIN(r->nmsrs, (u32)GM_NMSRS);
	int ret;

	if (!m)
		return -ENOMEM;
	m->nmsrs = n;
	for (i = 0; i < n; i++)
		m->entries[i] = (struct kvm_msr_entry){.index = r->msrs[i].index,
						       .data = r->msrs[i].value};
	ret = ioctl(k->fd, cmd, m);
	for (i = 0; i < n; i++)
		r->msrs[i].value = m->entries[i].data;
	free(m);
	return ret < 0 ? -errno : (u32)ret == n ? 0 : -EINVAL;
}

/* The caller names the MSRs that it wants in r->msrs[].index. */
int kvm_regs_get(struct gm_vcpu *v, unsigned int groups, struct gm_regs *r)
{
	struct kvm_vcpu *k = v->priv;
	int err = 0;

	if (groups & GM_REGS_GPR) {
		struct kvm_regs g;

		if (ioctl(k->fd, KVM_GET_REGS, &g))
			return -errno;
		gpr_exchange(&g, r->gpr, false);
		r->rip = g.rip;
		r->rflags = g.rflags;
	}
	if (groups & GM_REGS_SYS)
		err = sys_get(k, r);
	if (!err && groups & GM_REGS_FPU && ioctl(k->fd, KVM_GET_XSAVE, r->xsave))
		err = -errno;
	if (!err && groups & GM_REGS_MSR)
		err = msrs_exchange(k, KVM_GET_MSRS, r);
	if (!err && groups & GM_REGS_EVT) {
		struct kvm_vcpu_events e;

		if (ioctl(k->fd, KVM_GET_VCPU_EVENTS, &e))
			return -errno;
		r->evt.exception_pending = e.exception.injected || e.exception.pending;
		r->evt.exception_vector = e.exception.nr;
		r->evt.exception_has_err = e.exception.has_error_code;
		r->evt.exception_err = e.exception.error_code;
		r->evt.interrupt_pending = e.interrupt.injected;
		r->evt.interrupt_vector = e.interrupt.nr;
		r->evt.interrupt_soft = e.interrupt.soft;
		r->evt.interrupt_shadow = e.interrupt.shadow;
		r->evt.nmi_pending = e.nmi.pending || e.nmi.injected;
		r->evt.nmi_blocked = e.nmi.masked;
		r->evt.halted = k->halted;
	}
	return err;
}

int kvm_regs_set(struct gm_vcpu *v, unsigned int groups, const struct gm_regs *r)
{
	struct kvm_vcpu *k = v->priv;
	int err = 0;

	if (groups & GM_REGS_SYS)
		err = sys_set(k, r);
	if (!err && groups & GM_REGS_GPR) {
		struct kvm_regs g = {.rip = r->rip, .rflags = r->rflags};
		u64 gpr[16];

		memcpy(gpr, r->gpr, sizeof(gpr));
		gpr_exchange(&g, gpr, true);
		if (ioctl(k->fd, KVM_SET_REGS, &g))
			return -errno;
	}
	if (!err && groups & GM_REGS_FPU && ioctl(k->fd, KVM_SET_XSAVE, r->xsave))
		err = -errno;
	if (!err && groups & GM_REGS_MSR) {
		struct gm_regs *copy = malloc(sizeof(*copy));

		if (!copy)
			return -ENOMEM;
		memcpy(copy, r, sizeof(*copy));
		err = msrs_exchange(k, KVM_SET_MSRS, copy);
		free(copy);
	}
	if (!err && groups & GM_REGS_EVT) {
		struct kvm_vcpu_events e = {
			.exception = {.injected = r->evt.exception_pending,
				      .nr = r->evt.exception_vector,
				      .has_error_code = r->evt.exception_has_err,
				      .error_code = r->evt.exception_err},
			.interrupt = {.injected = r->evt.interrupt_pending,
				      .nr = r->evt.interrupt_vector,
				      .soft = r->evt.interrupt_soft,
				      .shadow = r->evt.interrupt_shadow},
			.nmi = {.pending = r->evt.nmi_pending, .masked = r->evt.nmi_blocked},
			.flags = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW,
		};

		if (ioctl(k->fd, KVM_SET_VCPU_EVENTS, &e))
			return -errno;
		k->halted = r->evt.halted;
	}
	return err;
}

/* ---- reset ---- */

static struct x86_seg reset_seg(u16 sel, u64 base, u16 attr)
{
	return (struct x86_seg){.sel = sel, .base = base, .limit = 0xffff, .attr = attr};
}

/* SDM volume 3, table 9-1. FPU and MSRs other than these keep what the kernel gave them at
 * creation when it is an INIT; a machine reset sets them too. */
void kvm_vcpu_reset(struct gm_vcpu *v, bool init)
{
	struct kvm_vcpu *k = v->priv;
	struct gm_regs *r = calloc(1, sizeof(*r));
	unsigned int i, groups = GM_REGS_GPR | GM_REGS_SYS | GM_REGS_EVT;

	if (!r)
		return;
	for (i = 0; i < 6; i++)
		r->seg[i] = reset_seg(0, 0, 0x93);
	r->seg[X86_CS] = reset_seg(0xf000, 0xffff0000, 0x9b);
	r->seg[X86_LDTR] = reset_seg(0, 0, 0x82);
	r->seg[X86_TR] = reset_seg(0, 0, 0x8b);
	r->gdt.limit = r->idt.limit = 0xffff;
	r->rip = 0xfff0;
	r->rflags = X86_FL_ONE;
	r->gpr[X86_RDX] = 0x600;
	r->cr0 = X86_CR0_ET | X86_CR0_CD | X86_CR0_NW;
	r->dr[6] = 0xffff0ff0;
	r->dr[7] = 0x400;
	r->xcr0 = 1;
	r->apic_base = 0xfee00800 | (v->index ? 0 : 0x100);
	if (!init) {
		/* FCW and MXCSR of the XSAVE image's legacy area */
		r->xsave[0] = 0x7f;
		r->xsave[1] = 0x03;
		r->xsave[24] = 0x80;
		r->xsave[25] = 0x1f;
		r->xsave[512] = 3;
		groups |= GM_REGS_FPU;
	}
	k->halted = false;
	if (kvm_regs_set(v, groups, r) || (!init && k->vm->vm.irqchip && kvm_irqchip_reset(v)))
		gm_machine_end(v->m, GM_END_ERROR, "vCPU %u: cannot reset its registers",
			       v->index);
	free(r);
}

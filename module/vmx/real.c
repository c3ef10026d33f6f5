// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guests on a CPU without unrestricted guests (Intel SDM volume 3, 27.3.1.2, 24.8): VM entry wants
 * protection and paging on, and segments as protected mode would have loaded them.
 *
 *   HOLD_DIRECT  the CPU takes the guest's state as it is
 *   HOLD_V86     real mode whose segments are all of its kind: runs in virtual-8086 mode with IOPL 0, so
 *                that everything that this mode does otherwise faults, and is emulated
 *   HOLD_NOT     big real mode, the moments between modes: the emulator, one instruction at a time
 *
 * In the last two events go through the guest's tables in software.
 */
#include "module/vmx/vmx.h"

#include "module/x86/event.h"

#define TYPE(s) ((s)->attr & X86_SEG_TYPE)
#define DPL(s)  ((s)->attr >> X86_SEG_DPL_SHIFT & 3)
#define RPL(s)  ((s)->sel & 3)
#define V86_AR  0xf3u

static int fits_v86(const struct gm_seg *s)
{
	return s->base == (u64)s->sel << 4 && s->limit == 0xffff;
}

/* G clear means a limit below 1 MiB, G set one that ends with a page. */
static int limit_ok(const struct gm_seg *s)
{
	if (s->attr & X86_SEG_G)
		return (s->limit & 0xfff) == 0xfff;
	return !(s->limit >> 20);
}

static int present(const struct gm_seg *s, u32 kind)
{
	return (s->attr & (X86_SEG_S | X86_SEG_P)) == (kind | X86_SEG_P) && limit_ok(s);
}

static int cs_ok(const struct gm_seg *cs, const struct gm_seg *ss)
{
	if (cs->unusable || !present(cs, X86_SEG_S) || !(TYPE(cs) & X86_TYPE_CODE))
		return 0;
	return TYPE(cs) & X86_TYPE_E ? DPL(cs) <= DPL(ss) : DPL(cs) == DPL(ss);
}

static int ss_ok(const struct gm_seg *ss, const struct gm_seg *cs)
{
	if (RPL(ss) != RPL(cs) || DPL(ss) != RPL(ss))
		return 0;
	return ss->unusable ||
	       (present(ss, X86_SEG_S) && (TYPE(ss) & (X86_TYPE_CODE | X86_TYPE_W)) == X86_TYPE_W);
}

static int data_ok(const struct gm_seg *s)
{
	u32 type = TYPE(s);

	if (s->unusable)
		return 1;
	if (!present(s, X86_SEG_S) || (type & (X86_TYPE_CODE | X86_TYPE_W)) == X86_TYPE_CODE)
		return 0;
	return (type & (X86_TYPE_CODE | X86_TYPE_E)) == (X86_TYPE_CODE | X86_TYPE_E) ||
	       DPL(s) >= RPL(s);
}

static int system_ok(const struct gm_seg *s, u32 type)
{
	return present(s, 0) && (TYPE(s) | 2) == type && !(s->sel & 4);
}

static int protected_ok(const struct gm_seg *s)
{
	u32 tss = TYPE(&s[GM_TR]) & 8 ? 11 : 3;

	return cs_ok(&s[GM_CS], &s[GM_SS]) && ss_ok(&s[GM_SS], &s[GM_CS]) && data_ok(&s[GM_DS]) &&
	       data_ok(&s[GM_ES]) && data_ok(&s[GM_FS]) && data_ok(&s[GM_GS]) &&
	       !s[GM_TR].unusable && system_ok(&s[GM_TR], tss) &&
	       (s[GM_LDTR].unusable || system_ok(&s[GM_LDTR], 2));
}

static int hold_of(struct gm_vcpu *vcpu)
{
	const struct gm_seg *s = vmx_of(vcpu)->seg;
	unsigned int i;

	if ((vcpu->cr0 & X86_CR0_PE) && !(vcpu->rflags & X86_EFLAGS_VM))
		return protected_ok(s) ? HOLD_DIRECT : HOLD_NOT;
	for (i = GM_ES; i <= GM_GS; i++)
		if (!fits_v86(&s[i]))
			return HOLD_NOT;
	if (!(vcpu->cr0 & X86_CR0_PE))
		return HOLD_V86;
	for (i = GM_ES; i <= GM_GS; i++)
		if ((s[i].attr & 0xff) != V86_AR)
			return HOLD_NOT;
	return HOLD_DIRECT;
}

/*
 * Segments that came from the CPU are as it wants them; looked at again are those that somebody
 * wrote, and all when the mode is another one. All of them are written when the way is another one.
 */
static void hold_update(struct gm_vcpu *vcpu)
{
	struct vmx_vcpu *v = vmx_of(vcpu);
	int pe = !!(vcpu->cr0 & X86_CR0_PE), hold;

	if (!v->fresh && !v->dirty && v->pe == pe && v->hold != HOLD_NOT)
		return;
	vmx_segs_fetch(vcpu);
	v->pe = pe;
	hold = hold_of(vcpu);
	if (hold != v->hold) {
		v->update = 1;
		v->dirty = VMX_ALL_SEGS;
	}
	v->hold = hold;
}

/* The next event that the guest can take; 0 if there is none. */
static int event_take(struct gm_vcpu *vcpu, struct x86_event *ev)
{
	memset(ev, 0, sizeof(*ev));
	if (vcpu->exc.valid) {
		ev->vector = vcpu->exc.nr;
		ev->kind = X86_EV_EXCEPTION;
		ev->has_err = vcpu->exc.has_err;
		ev->err = vcpu->exc.err;
		ev->cr2 = vcpu->cr2;
		vcpu->exc.valid = 0;
		if (ev->vector == X86_BP || ev->vector == X86_OF) {
			ev->kind = X86_EV_SOFT_EXC;
			vcpu->rip++; /* behind the instruction */
		}
		return 1;
	}
	if (vcpu->nmi_injected || (vcpu->nmi_pending && !vcpu->nmi_masked && !vcpu->int_shadow)) {
		ev->vector = X86_NMI;
		ev->kind = X86_EV_NMI;
		vcpu->nmi_pending -= !vcpu->nmi_injected;
		vcpu->nmi_injected = 0;
		vcpu->nmi_masked = 1;
		return 1;
	}
	if (vcpu->irq_injected < 0 && vcpu->irq_pending >= 0 && (vcpu->rflags & X86_EFLAGS_IF) &&
	    !vcpu->int_shadow && !(vcpu->debug & GM_DEBUG_BLOCK_IRQ)) {
		vcpu->irq_injected = vcpu->irq_pending;
		vcpu->irq_pending = -1;
	}
	if (vcpu->irq_injected < 0)
		return 0;
	ev->vector = vcpu->irq_injected;
	ev->kind = X86_EV_EXTINT;
	vcpu->irq_injected = -1;
	return 1;
}

int vmx_hold_prepare(struct gm_vcpu *vcpu, struct gm_exit *x)
{
	struct vmx_vcpu *v = vmx_of(vcpu);
	struct x86_event ev;
	int ret;

	if (vmx_caps.unrestricted)
		return 1;
	hold_update(vcpu);
	if (v->hold == HOLD_DIRECT)
		return 1;
	if (event_take(vcpu, &ev)) {
		ret = gm_deliver(vcpu, &ev);
		if (ret) {
			x->kind = ret == -ECANCELED ? GM_X_SHUTDOWN : GM_X_UNKNOWN;
			return 0;
		}
		hold_update(vcpu);
	}
	if (v->hold == HOLD_V86 || v->hold == HOLD_DIRECT)
		return 1;
	x->kind = GM_X_EMULATE;
	return 0;
}

/* ---- virtual-8086 mode in place of real mode ---- */

void vmx_v86_segs_write(struct vmx_vcpu *v)
{
	unsigned int i;

	for (i = GM_ES; i <= GM_GS; i++) {
		vmx_write(VMCS_GUEST_SEL + 2 * i, v->seg[i].sel);
		vmx_write(VMCS_GUEST_BASE + 2 * i, (unsigned long)v->seg[i].sel << 4);
		vmx_write(VMCS_GUEST_LIMIT + 2 * i, 0xffff);
		vmx_write(VMCS_GUEST_AR + 2 * i, V86_AR);
	}
	/* A task without an I/O bitmap: ports fault. */
	vmx_write(VMCS_GUEST_SEL + 2 * GM_TR, 0);
	vmx_write(VMCS_GUEST_BASE + 2 * GM_TR, 0);
	vmx_write(VMCS_GUEST_LIMIT + 2 * GM_TR, 0);
	vmx_write(VMCS_GUEST_AR + 2 * GM_TR, 0x8b);
	vmx_write(VMCS_GUEST_SEL + 2 * GM_LDTR, 0);
	vmx_write(VMCS_GUEST_AR + 2 * GM_LDTR, VMX_AR_UNUSABLE);
	vmx_write(VMCS_GUEST_BASE + 2 * GM_GDTR, v->seg[GM_GDTR].base);
	vmx_write(VMCS_GUEST_LIMIT + 2 * GM_GDTR, v->seg[GM_GDTR].limit);
	vmx_write(VMCS_GUEST_BASE + 2 * GM_IDTR, v->seg[GM_IDTR].base);
	vmx_write(VMCS_GUEST_LIMIT + 2 * GM_IDTR, v->seg[GM_IDTR].limit);
	v->dirty = 0;
}

void vmx_v86_segs_read(struct vmx_vcpu *v)
{
	unsigned int i;

	for (i = GM_ES; i <= GM_GS; i++) {
		struct gm_seg *s = &v->seg[i];

		s->sel = vmx_read(VMCS_GUEST_SEL + 2 * i);
		s->base = (u64)s->sel << 4;
		s->limit = 0xffff;
		s->attr = i == GM_CS ? 0x9b : 0x93;
		s->unusable = 0;
	}
}

u64 vmx_v86_flags_load(u64 rflags)
{
	return (rflags & ~(u64)X86_FL_IOPL) | X86_EFLAGS_VM;
}

/* POPF, which would change IOPL, is emulated: the guest's is the old one. */
u64 vmx_v86_flags_read(u64 now, u64 old)
{
	return (now & ~(u64)(X86_EFLAGS_VM | X86_FL_IOPL)) | (old & X86_FL_IOPL);
}

void vmx_v86_exception(struct gm_vcpu *vcpu, struct gm_exit *x, u32 info)
{
	switch (info & 0xff) {
	case X86_BP:
	case X86_OF:
	case X86_SSF:
	case X86_GP:
		/* What is not allowed in this mode; or a fault, which the emulator finds as well. */
		x->kind = GM_X_EMULATE;
		return;
	}
	gm_queue_exception(vcpu, info & 0xff, 0, 0);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ioctls that read and write a vCPU's state (uapi/guestmode.h). Called with vcpu->mutex held;
 * all arguments are hostile, structures given out are cleared first.
 */
#include "module/gm.h"

#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/tsc.h>

/* The registers of struct gm_regs in its order, as numbers of enum x86_gpr. */
static const u8 gpr_order[16] = { 0, 3, 1, 2, 6, 7, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15 };

#define RFLAGS_SETTABLE 0x003f7fd7ull

/* What RESET and INIT have in common (SDM volume 3, table 10-1); CR0's cache bits survive an INIT. */
void gm_vcpu_init(struct gm_vcpu *vcpu)
{
	struct gm_seg s;
	unsigned int i;

	memset(&s, 0, sizeof(s));
	s.limit = 0xffff;
	for (i = GM_ES; i <= GM_IDTR; i++) {
		s.attr = i == GM_CS ? 0x9b : i == GM_LDTR ? 0x82 : i == GM_TR ? 0x8b : 0x93;
		s.sel = i == GM_CS ? 0xf000 : 0;
		s.base = i == GM_CS ? 0xffff0000 : 0;
		gm_backend->set_seg(vcpu, i, &s);
	}
	vcpu->rip = 0xfff0;
	vcpu->rflags = X86_EFLAGS_FIXED;
	memset(vcpu->gpr, 0, sizeof(vcpu->gpr));
	vcpu->gpr[2] = 0x600;
	vcpu->cr0 = X86_CR0_ET | (vcpu->cr0 & (X86_CR0_CD | X86_CR0_NW));
	vcpu->cr2 = vcpu->cr3 = vcpu->cr4 = vcpu->cr8 = 0;
	vcpu->efer = 0;
	memset(vcpu->db, 0, sizeof(vcpu->db));
	vcpu->dr6 = 0xffff0ff0;
	vcpu->dr7 = 0x400;
	vcpu->int_shadow = 0;
	vcpu->exc.valid = 0;
	vcpu->irq_injected = -1;
	vcpu->irq_pending = -1;
	vcpu->nmi_injected = vcpu->nmi_pending = vcpu->nmi_masked = 0;
	gm_mmu_changed(vcpu);
}

void gm_vcpu_reset(struct gm_vcpu *vcpu)
{
	vcpu->cr0 = X86_CR0_CD | X86_CR0_NW;
	gm_vcpu_init(vcpu);
	vcpu->apic_base = 0xfee00800 | (vcpu->id == vcpu->vm->bsp ? 0x100 : 0);
	vcpu->pat = 0x0007040600070406ull;
	vcpu->misc_enable = 0x1801; /* fast strings; no BTS, no PEBS */
	vcpu->platform_info = 1ull << 31;
	gm_msr_feature(MSR_IA32_UCODE_REV, &vcpu->ucode_rev);
	gm_msr_feature(0x10a, &vcpu->arch_caps);
	gm_msr_feature(0xc0011029, &vcpu->de_cfg);
	gm_fpu_reset(vcpu);
	gm_cpuid_apply(vcpu);
}

/* A start-up message: real mode at vector * 4096. */
void gm_vcpu_sipi(struct gm_vcpu *vcpu, u8 vector)
{
	struct gm_seg s;

	gm_backend->get_seg(vcpu, GM_CS, &s);
	s.sel = vector << 8;
	s.base = (u32)vector << 12;
	gm_backend->set_seg(vcpu, GM_CS, &s);
	vcpu->rip = 0;
}

/* ---- registers ---- */

static long get_regs(struct gm_vcpu *vcpu, struct gm_regs *r)
{
	u64 *g = &r->rax;
	unsigned int i;

	for (i = 0; i < 16; i++)
		g[i] = vcpu->gpr[gpr_order[i]];
	r->rip = vcpu->rip;
	r->rflags = vcpu->rflags;
	return 0;
}

static long set_regs(struct gm_vcpu *vcpu, const struct gm_regs *r)
{
	const u64 *g = &r->rax;
	unsigned int i;

	for (i = 0; i < 16; i++)
		vcpu->gpr[gpr_order[i]] = g[i];
	vcpu->rip = r->rip;
	vcpu->rflags = (r->rflags & RFLAGS_SETTABLE) | X86_EFLAGS_FIXED;
	vcpu->exc.valid = 0;
	return 0;
}

static void seg_get(struct gm_vcpu *vcpu, unsigned int seg, struct gm_segment *o)
{
	struct gm_seg s;

	gm_backend->get_seg(vcpu, seg, &s);
	o->base = s.base;
	o->limit = s.limit;
	o->selector = s.sel;
	o->type = s.attr & 15;
	o->s = s.attr >> 4 & 1;
	o->dpl = s.attr >> 5 & 3;
	o->present = s.attr >> 7 & 1;
	o->avl = s.attr >> 12 & 1;
	o->l = s.attr >> 13 & 1;
	o->db = s.attr >> 14 & 1;
	o->g = s.attr >> 15 & 1;
	o->unusable = s.unusable;
}

static void seg_set(struct gm_vcpu *vcpu, unsigned int seg, const struct gm_segment *in)
{
	struct gm_seg s;

	s.base = in->base;
	s.limit = in->limit;
	s.sel = in->selector;
	s.attr = (in->type & 15) | (in->s & 1) << 4 | (in->dpl & 3) << 5 |
		 (in->present & 1) << 7 | (in->avl & 1) << 12 | (in->l & 1) << 13 |
		 (in->db & 1) << 14 | (in->g & 1) << 15;
	s.unusable = in->unusable || !in->present;
	gm_backend->set_seg(vcpu, seg, &s);
}

static void table_get(struct gm_vcpu *vcpu, unsigned int seg, struct gm_dtable *o)
{
	struct gm_seg s;

	gm_backend->get_seg(vcpu, seg, &s);
	o->base = s.base;
	o->limit = s.limit;
}

static void table_set(struct gm_vcpu *vcpu, unsigned int seg, const struct gm_dtable *in)
{
	struct gm_seg s;

	memset(&s, 0, sizeof(s));
	s.base = in->base;
	s.limit = in->limit;
	gm_backend->set_seg(vcpu, seg, &s);
}

static struct gm_segment *sregs_seg(struct gm_sregs *s, unsigned int i)
{
	struct gm_segment *const map[] = { &s->es, &s->cs, &s->ss, &s->ds,
					   &s->fs, &s->gs, &s->ldt, &s->tr };

	return map[i];
}

static long get_sregs(struct gm_vcpu *vcpu, struct gm_sregs *s)
{
	unsigned int i;
	int irq = vcpu->irq_pending >= 0 ? vcpu->irq_pending : vcpu->irq_injected;

	for (i = GM_ES; i <= GM_TR; i++)
		seg_get(vcpu, i, sregs_seg(s, i));
	table_get(vcpu, GM_GDTR, &s->gdt);
	table_get(vcpu, GM_IDTR, &s->idt);
	s->cr0 = vcpu->cr0;
	s->cr2 = vcpu->cr2;
	s->cr3 = vcpu->cr3;
	s->cr4 = vcpu->cr4;
	s->cr8 = vcpu->cr8;
	s->efer = vcpu->efer;
	s->apic_base = vcpu->apic_base;
	if (irq >= 0 && !(irq == vcpu->irq_injected && vcpu->irq_soft))
		s->interrupt_bitmap[irq / 64] |= 1ull << (irq % 64);
	return 0;
}

static long set_sregs(struct gm_vcpu *vcpu, struct gm_sregs *s)
{
	unsigned int i;

	vcpu->emulated.valid = 0;
	if (!gm_sregs_valid(vcpu, s) || gm_lapic_set_base(vcpu, s->apic_base, 1))
		return -EINVAL;
	for (i = GM_ES; i <= GM_TR; i++)
		seg_set(vcpu, i, sregs_seg(s, i));
	table_set(vcpu, GM_GDTR, &s->gdt);
	table_set(vcpu, GM_IDTR, &s->idt);
	vcpu->cr0 = s->cr0 | X86_CR0_ET;
	vcpu->cr2 = s->cr2;
	vcpu->cr3 = s->cr3;
	vcpu->cr4 = s->cr4;
	gm_lapic_set_cr8(vcpu, s->cr8);
	vcpu->efer = s->efer;
	gm_mmu_changed(vcpu);
	vcpu->mmu.reload |= GM_RELOAD_ALL;
	vcpu->irq_pending = -1;
	for (i = 0; i < 256; i++)
		if (s->interrupt_bitmap[i / 64] >> (i % 64) & 1)
			vcpu->irq_pending = i;
	return 0;
}

static long get_debugregs(struct gm_vcpu *vcpu, struct gm_debugregs *d)
{
	memcpy(d->db, vcpu->db, sizeof(d->db));
	d->dr6 = vcpu->dr6;
	d->dr7 = vcpu->dr7;
	return 0;
}

static long set_debugregs(struct gm_vcpu *vcpu, const struct gm_debugregs *d)
{
	if (d->flags || d->dr6 >> 32 || d->dr7 >> 32)
		return -EINVAL;
	memcpy(vcpu->db, d->db, sizeof(d->db));
	vcpu->dr6 = (d->dr6 & 0xe00f) | 0xffff0ff0;
	vcpu->dr7 = (d->dr7 & 0xffff23ff) | 0x400;
	return 0;
}

/* ---- events ---- */

static long get_events(struct gm_vcpu *vcpu, struct gm_vcpu_events *e)
{
	int irq = vcpu->irq_injected >= 0 ? vcpu->irq_injected : vcpu->irq_pending;

	e->exception.injected = vcpu->exc.valid;
	e->exception.nr = vcpu->exc.nr;
	e->exception.has_error_code = vcpu->exc.has_err;
	e->exception.error_code = vcpu->exc.err;
	e->interrupt.injected = irq >= 0;
	e->interrupt.nr = irq >= 0 ? irq : 0;
	e->interrupt.soft = vcpu->irq_injected >= 0 && vcpu->irq_soft;
	e->interrupt.shadow = vcpu->int_shadow;
	e->nmi.injected = vcpu->nmi_injected;
	e->nmi.pending = vcpu->nmi_pending;
	e->nmi.masked = vcpu->nmi_masked;
	e->flags = GM_EVENTS_NMI_PENDING | GM_EVENTS_SHADOW;
	return 0;
}

static long set_events(struct gm_vcpu *vcpu, const struct gm_vcpu_events *e)
{
	/* System management mode: not here. */
	if (e->flags & ~(GM_EVENTS_NMI_PENDING | GM_EVENTS_SIPI | GM_EVENTS_SHADOW))
		return -EINVAL;
	if (e->exception.injected && (e->exception.nr > 31 || e->exception.nr == 2))
		return -EINVAL;
	vcpu->exc.valid = !!e->exception.injected;
	vcpu->exc.nr = e->exception.nr;
	vcpu->exc.has_err = !!e->exception.has_error_code;
	vcpu->exc.err = e->exception.error_code;
	vcpu->irq_injected = e->interrupt.injected ? e->interrupt.nr : -1;
	vcpu->irq_soft = !!e->interrupt.soft;
	if (vcpu->irq_injected >= 0)
		vcpu->irq_pending = -1;
	if (e->flags & GM_EVENTS_SHADOW)
		vcpu->int_shadow = !!e->interrupt.shadow;
	vcpu->nmi_injected = !!e->nmi.injected;
	if (e->flags & GM_EVENTS_NMI_PENDING)
		vcpu->nmi_pending = !!e->nmi.pending;
	vcpu->nmi_masked = !!e->nmi.masked;
	if (vcpu->lapic) {
		if (e->flags & GM_EVENTS_SIPI)
			gm_lapic_set_sipi(vcpu, e->sipi_vector);
		gm_vcpu_request(vcpu, GM_REQ_IRQ);
	}
	return 0;
}

static long set_interrupt(struct gm_vcpu *vcpu, const struct gm_interrupt *i)
{
	if (vcpu->lapic)
		return -ENXIO;
	if (i->irq > 255)
		return -EINVAL;
	if (vcpu->irq_pending >= 0)
		return -EEXIST;
	vcpu->irq_pending = i->irq;
	vcpu->mp_state = GM_MP_RUNNABLE;
	return 0;
}

static long set_mp_state(struct gm_vcpu *vcpu, const struct gm_mp_state *m)
{
	if (m->mp_state > GM_MP_SIPI_RECEIVED ||
	    (!vcpu->lapic && m->mp_state != GM_MP_RUNNABLE && m->mp_state != GM_MP_HALTED))
		return -EINVAL;
	vcpu->mp_state = m->mp_state;
	if (m->mp_state == GM_MP_SIPI_RECEIVED) {
		vcpu->mp_state = GM_MP_INIT_RECEIVED;
		gm_vcpu_request(vcpu, GM_REQ_SIPI);
	}
	if (vcpu->lapic)
		gm_vcpu_request(vcpu, GM_REQ_IRQ);
	return 0;
}

static long get_mp_state(struct gm_vcpu *vcpu, struct gm_mp_state *m)
{
	m->mp_state = vcpu->mp_state;
	return 0;
}

/* ---- FPU ---- */

static long get_fpu(struct gm_vcpu *vcpu, struct gm_fpu *f)
{
	const u8 *x = vcpu->fpu;

	memcpy(&f->fcw, x, 2);
	memcpy(&f->fsw, x + 2, 2);
	f->ftwx = x[4];
	memcpy(&f->last_opcode, x + 6, 2);
	memcpy(&f->last_ip, x + 8, 8);
	memcpy(&f->last_dp, x + 16, 8);
	memcpy(f->fpr, x + 32, sizeof(f->fpr));
	memcpy(f->xmm, x + 160, sizeof(f->xmm));
	memcpy(&f->mxcsr, x + 24, 4);
	return 0;
}

/* The CPU would fault on bits of MXCSR that it has not. */
static int mxcsr_valid(const u8 *p)
{
	u32 v;

	memcpy(&v, p, 4);
	return !(v & ~gm_mxcsr_mask);
}

static long set_fpu(struct gm_vcpu *vcpu, const struct gm_fpu *f)
{
	u8 *x = vcpu->fpu;

	if (!mxcsr_valid((const u8 *)&f->mxcsr))
		return -EINVAL;
	memcpy(x, &f->fcw, 2);
	memcpy(x + 2, &f->fsw, 2);
	x[4] = f->ftwx;
	x[5] = 0;
	memcpy(x + 6, &f->last_opcode, 2);
	memcpy(x + 8, &f->last_ip, 8);
	memcpy(x + 16, &f->last_dp, 8);
	memcpy(x + 32, f->fpr, sizeof(f->fpr));
	memcpy(x + 160, f->xmm, sizeof(f->xmm));
	memcpy(x + 24, &f->mxcsr, 4);
	x[512] |= 3;
	return 0;
}

static long get_xsave(struct gm_vcpu *vcpu, struct gm_xsave *x)
{
	memcpy(x, vcpu->fpu, sizeof(*x));
	return 0;
}

/* Refuses what XRSTOR would fault on: components not offered, the compacted format, reserved bytes. */
static long set_xsave(struct gm_vcpu *vcpu, const struct gm_xsave *x)
{
	const u8 *p = (const u8 *)x;
	u64 header[8];

	memcpy(header, p + 512, sizeof(header));
	if (!mxcsr_valid(p + 24) || memchr_inv(&header[1], 0, 7 * 8))
		return -EINVAL;
	if (header[0] & ~(gm_fpu_mask() ? gm_fpu_mask() : 3))
		return -EINVAL;
	memcpy(vcpu->fpu, x, sizeof(*x));
	return 0;
}

static long get_xcrs(struct gm_vcpu *vcpu, struct gm_xcrs *x)
{
	if (!gm_fpu_mask())
		return -EINVAL;
	x->nr_xcrs = 1;
	x->xcrs[0].value = vcpu->xcr0;
	return 0;
}

static long set_xcrs(struct gm_vcpu *vcpu, const struct gm_xcrs *x)
{
	unsigned int i;

	if (!gm_fpu_mask() || x->nr_xcrs > ARRAY_SIZE(x->xcrs) || x->flags)
		return -EINVAL;
	for (i = 0; i < x->nr_xcrs; i++)
		if (x->xcrs[i].xcr == 0)
			return gm_set_xcr0(vcpu, x->xcrs[i].value);
	return 0;
}

/* ---- debugging the guest from outside ---- */

#define DEBUG_FLAGS                                                                                \
	(GM_DEBUG_ENABLE | GM_DEBUG_STEP | GM_DEBUG_SW_BP | GM_DEBUG_HW_BP | GM_DEBUG_INJECT_DB |  \
	 GM_DEBUG_INJECT_BP | GM_DEBUG_BLOCK_IRQ)

static long set_guest_debug(struct gm_vcpu *vcpu, const struct gm_guest_debug *d)
{
	if ((d->control & ~DEBUG_FLAGS) || d->debugreg[7] >> 32)
		return -EINVAL;
	if (d->control & (GM_DEBUG_INJECT_DB | GM_DEBUG_INJECT_BP)) {
		if (vcpu->exc.valid)
			return -EBUSY;
		gm_queue_exception(vcpu, d->control & GM_DEBUG_INJECT_DB ? 1 : 3, 0, 0);
	}
	vcpu->debug = d->control & GM_DEBUG_ENABLE ? d->control : 0;
	vcpu->debug_hit = 0;
	memcpy(vcpu->debug_db, d->debugreg, sizeof(vcpu->debug_db));
	vcpu->debug_dr7 = (d->debugreg[7] & 0xffff03ff) | 0x400;
	gm_backend->update(vcpu);
	return 0;
}

static long get_translation(struct gm_vcpu *vcpu, struct gm_translation *t)
{
	t->valid = !gm_translate(vcpu, t->linear_address, &t->physical_address);
	if (!t->valid)
		t->physical_address = ~0ull;
	t->writeable = 1;
	t->usermode = 0;
	return 0;
}

/* ---- registers in the shared page ---- */

long gm_sync_in(struct gm_vcpu *vcpu)
{
	struct gm_sync_regs *page = (void *)vcpu->run->sync_regs;
	u64 dirty = READ_ONCE(vcpu->run->dirty_regs);
	union {
		struct gm_regs regs;
		struct gm_sregs sregs;
		struct gm_vcpu_events events;
	} copy;
	long ret = 0;

	if ((dirty | READ_ONCE(vcpu->run->valid_regs)) & ~(u64)GM_SYNC_ALL)
		return -EINVAL;
	if (dirty & GM_SYNC_REGS) {
		copy.regs = page->regs;
		ret = set_regs(vcpu, &copy.regs);
	}
	if (!ret && (dirty & GM_SYNC_SREGS)) {
		copy.sregs = page->sregs;
		ret = set_sregs(vcpu, &copy.sregs);
	}
	if (!ret && (dirty & GM_SYNC_EVENTS)) {
		copy.events = page->events;
		ret = set_events(vcpu, &copy.events);
	}
	if (!ret)
		vcpu->run->dirty_regs = 0;
	return ret;
}

void gm_sync_out(struct gm_vcpu *vcpu)
{
	struct gm_sync_regs *page = (void *)vcpu->run->sync_regs;
	u64 valid = READ_ONCE(vcpu->run->valid_regs);

	if (valid & GM_SYNC_REGS)
		get_regs(vcpu, &page->regs);
	if (valid & GM_SYNC_SREGS) {
		memset(page->sregs.interrupt_bitmap, 0, sizeof(page->sregs.interrupt_bitmap));
		get_sregs(vcpu, &page->sregs);
	}
	if (valid & GM_SYNC_EVENTS)
		get_events(vcpu, &page->events);
}

/* ---- lists ---- */

static long msrs(struct gm_vcpu *vcpu, struct gm_msrs __user *arg, int set)
{
	struct gm_msr_entry e;
	u32 n, i;
	int ret;

	if (get_user(n, &arg->nmsrs))
		return -EFAULT;
	if (n > GM_MAX_MSRS)
		return -E2BIG;
	for (i = 0; i < n; i++) {
		if (copy_from_user(&e, &arg->entries[i], sizeof(e)))
			return -EFAULT;
		ret = set ? gm_msr_set(vcpu, e.index, e.data, 1) :
			    gm_msr_get(vcpu, e.index, &e.data, 1);
		if (ret)
			break;
		if (!set && put_user(e.data, &arg->entries[i].data))
			return -EFAULT;
	}
	return i;
}

/* What the guest would see is the same. */
static int cpuid_same(struct gm_vcpu *vcpu, const struct gm_cpuid_entry *e, u32 n)
{
	struct gm_cpuid_entry now, then;
	u32 i;

	for (i = 0; i < n; i++) {
		now = e[i];
		then = vcpu->cpuid[i];
		gm_cpuid_live(vcpu, &now);
		gm_cpuid_live(vcpu, &then);
		if (memcmp(&now, &then, offsetof(struct gm_cpuid_entry, padding)))
			return 0;
	}
	return n == vcpu->ncpuid;
}

static long set_cpuid(struct gm_vcpu *vcpu, struct gm_cpuid2 __user *arg)
{
	struct gm_cpuid_entry *e;
	u32 n;

	if (get_user(n, &arg->nent))
		return -EFAULT;
	if (n > GM_MAX_CPUID)
		return -E2BIG;
	e = kcalloc(GM_MAX_CPUID, sizeof(*e), GFP_KERNEL);
	if (!e)
		return -ENOMEM;
	if (copy_from_user(e, arg->entries, n * sizeof(*e))) {
		kfree(e);
		return -EFAULT;
	}
	/* A guest that has run knows its CPU. */
	if (vcpu->last_cpu >= 0) {
		long ret = cpuid_same(vcpu, e, n) ? 0 : -EINVAL;

		kfree(e);
		return ret;
	}
	memcpy(vcpu->cpuid, e, n * sizeof(*e));
	vcpu->ncpuid = n;
	kfree(e);
	gm_cpuid_apply(vcpu);
	return 0;
}

static long get_cpuid(struct gm_vcpu *vcpu, struct gm_cpuid2 __user *arg)
{
	struct gm_cpuid_entry e;
	u32 n, i;

	if (get_user(n, &arg->nent) || put_user(vcpu->ncpuid, &arg->nent))
		return -EFAULT;
	if (n < vcpu->ncpuid)
		return -E2BIG;
	for (i = 0; i < vcpu->ncpuid; i++) {
		e = vcpu->cpuid[i];
		gm_cpuid_live(vcpu, &e);
		if (copy_to_user(&arg->entries[i], &e, sizeof(e)))
			return -EFAULT;
	}
	return 0;
}

static long device_attr(struct gm_vcpu *vcpu, unsigned int cmd, void __user *arg)
{
	struct gm_device_attr a;
	void __user *p;
	u64 offset = vcpu->tsc_offset;

	if (copy_from_user(&a, arg, sizeof(a)))
		return -EFAULT;
	if (a.flags || a.group != GM_VCPU_TSC_CTRL || a.attr != GM_VCPU_TSC_OFFSET)
		return -ENXIO;
	p = (void __user *)(unsigned long)a.addr;
	if (cmd == GM_GET_DEVICE_ATTR)
		return copy_to_user(p, &offset, sizeof(offset)) ? -EFAULT : 0;
	if (cmd == GM_SET_DEVICE_ATTR) {
		if (copy_from_user(&offset, p, sizeof(offset)))
			return -EFAULT;
		gm_tsc_set_offset(vcpu, offset);
	}
	return 0;
}

static long enable_cap(struct gm_vcpu *vcpu, void __user *arg)
{
	struct gm_enable_cap c;

	if (copy_from_user(&c, arg, sizeof(c)))
		return -EFAULT;
	if (c.flags || c.cap != GM_CAP_ENFORCE_PV_CPUID)
		return -EINVAL;
	vcpu->pv.enforce = !!c.args[0];
	return 0;
}

/* ---- dispatch ---- */

struct state_op {
	unsigned int cmd; /* its direction and size tell what is copied */
	long (*fn)(struct gm_vcpu *vcpu, void *arg);
};

#define WRAP(fn, type)                                                                             \
	static long fn##_op(struct gm_vcpu *vcpu, void *arg)                                       \
	{                                                                                          \
		return fn(vcpu, (struct type *)arg);                                               \
	}
WRAP(get_regs, gm_regs)
WRAP(set_regs, gm_regs)
WRAP(get_sregs, gm_sregs)
WRAP(set_sregs, gm_sregs)
WRAP(get_debugregs, gm_debugregs)
WRAP(set_debugregs, gm_debugregs)
WRAP(get_events, gm_vcpu_events)
WRAP(set_events, gm_vcpu_events)
WRAP(get_fpu, gm_fpu)
WRAP(set_fpu, gm_fpu)
WRAP(get_xsave, gm_xsave)
WRAP(set_xsave, gm_xsave)
WRAP(get_xcrs, gm_xcrs)
WRAP(set_xcrs, gm_xcrs)
WRAP(get_mp_state, gm_mp_state)
WRAP(set_mp_state, gm_mp_state)
WRAP(set_interrupt, gm_interrupt)
WRAP(gm_mce_inject, gm_mce)
WRAP(gm_lapic_get, gm_lapic_state)
WRAP(gm_lapic_put, gm_lapic_state)
WRAP(set_guest_debug, gm_guest_debug)
WRAP(get_translation, gm_translation)

static long setup_mce_op(struct gm_vcpu *vcpu, void *arg)
{
	return gm_mce_setup(vcpu, *(u64 *)arg);
}

static const struct state_op ops[] = {
	{ GM_GET_REGS, get_regs_op },
	{ GM_SET_REGS, set_regs_op },
	{ GM_GET_SREGS, get_sregs_op },
	{ GM_SET_SREGS, set_sregs_op },
	{ GM_GET_DEBUGREGS, get_debugregs_op },
	{ GM_SET_DEBUGREGS, set_debugregs_op },
	{ GM_GET_VCPU_EVENTS, get_events_op },
	{ GM_SET_VCPU_EVENTS, set_events_op },
	{ GM_GET_FPU, get_fpu_op },
	{ GM_SET_FPU, set_fpu_op },
	{ GM_GET_XSAVE, get_xsave_op },
	{ GM_SET_XSAVE, set_xsave_op },
	{ GM_GET_XCRS, get_xcrs_op },
	{ GM_SET_XCRS, set_xcrs_op },
	{ GM_GET_MP_STATE, get_mp_state_op },
	{ GM_SET_MP_STATE, set_mp_state_op },
	{ GM_INTERRUPT, set_interrupt_op },
	{ GM_GET_LAPIC, gm_lapic_get_op },
	{ GM_SET_LAPIC, gm_lapic_put_op },
	{ GM_SET_GUEST_DEBUG, set_guest_debug_op },
	{ GM_X86_SETUP_MCE, setup_mce_op },
	{ GM_X86_SET_MCE, gm_mce_inject_op },
	{ GM_TRANSLATE, get_translation_op },
	{ GM_GET_XSAVE2, get_xsave_op },
};

static long copied_op(struct gm_vcpu *vcpu, const struct state_op *op, void __user *arg)
{
	unsigned int size = _IOC_SIZE(op->cmd);
	void *buf = kzalloc(size, GFP_KERNEL);
	long ret = -EFAULT;

	if (!buf)
		return -ENOMEM;
	if ((_IOC_DIR(op->cmd) & _IOC_WRITE) && copy_from_user(buf, arg, size))
		goto out;
	ret = op->fn(vcpu, buf);
	if (!ret && (_IOC_DIR(op->cmd) & _IOC_READ) && copy_to_user(arg, buf, size))
		ret = -EFAULT;
out:
	kfree(buf);
	return ret;
}

long gm_state_ioctl(struct gm_vcpu *vcpu, unsigned int cmd, void __user *arg)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ops); i++)
		if (ops[i].cmd == cmd)
			return copied_op(vcpu, &ops[i], arg);
	switch (cmd) {
	case GM_GET_MSRS:
		return msrs(vcpu, arg, 0);
	case GM_SET_MSRS:
		return msrs(vcpu, arg, 1);
	case GM_SET_CPUID2:
		return set_cpuid(vcpu, arg);
	case GM_GET_CPUID2:
		return get_cpuid(vcpu, arg);
	case GM_SET_DEVICE_ATTR:
	case GM_GET_DEVICE_ATTR:
	case GM_HAS_DEVICE_ATTR:
		return device_attr(vcpu, cmd, arg);
	case GM_ENABLE_CAP:
		return enable_cap(vcpu, arg);
	case GM_SET_VAPIC_ADDR:
		return 0;
	case GM_NMI:
		vcpu->nmi_pending = min(vcpu->nmi_pending + 1, 2);
		/* A processor that waits for its start-up message goes on waiting. */
		if (vcpu->mp_state == GM_MP_HALTED)
			vcpu->mp_state = GM_MP_RUNNABLE;
		return 0;
	case GM_KVMCLOCK_CTRL:
		return gm_clock_stopped(vcpu);
	case GM_GET_TSC_KHZ:
		return vcpu->tsc_khz;
	case GM_SET_TSC_KHZ:
		return gm_tsc_set_khz(vcpu, (unsigned long)arg);
	}
	return -ENOTTY;
}

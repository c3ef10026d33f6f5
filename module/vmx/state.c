// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guest's registers to and from the VMCS (Intel SDM volume 3, 25.4, 27.3). The VMCS can be read and
 * written inside the run window only: segments are fetched when somebody asks for them, and what was
 * changed is written before the next entry.
 */
#include "module/vmx/vmx.h"

#include <linux/gfp.h>
#include <asm/cpufeature.h>
#include <asm/io.h>
#include <asm/msr.h>
#include <asm/tsc.h>

/* Bits of CR0 and CR4 that a guest with nested paging changes without an exit. */
#define CR0_OWNED (X86_CR0_TS | X86_CR0_MP | X86_CR0_EM | X86_CR0_AM | X86_CR0_WP)
#define CR4_OWNED (X86_CR4_VME | X86_CR4_PVI | X86_CR4_TSD | X86_CR4_DE | X86_CR4_PSE | \
		   X86_CR4_PGE | X86_CR4_PCE | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT)
/* Changes of these load the top entries of PAE paging (4.4.1). */
#define CR0_RELOADS (X86_CR0_CD | X86_CR0_NW | X86_CR0_PG)
#define CR4_RELOADS (X86_CR4_PAE | X86_CR4_PGE | X86_CR4_PSE | X86_CR4_SMEP)
#define DB_VECTOR 1
#define BP_VECTOR 3
#define UD_VECTOR 6
#define PF_VECTOR 14
#define AC_VECTOR 17
#define MC_VECTOR 18
#define PDPTE_BITS 0x000ffffffffff019ull

static u8 *msr_bitmap;

static unsigned long cr0_owned(void)
{
	return gm_paging.nested ? CR0_OWNED : X86_CR0_TS;
}

static unsigned long cr4_owned(void)
{
	return gm_paging.nested ? CR4_OWNED : 0;
}

void vmx_state_cleanup(void)
{
	free_page((unsigned long)msr_bitmap);
	msr_bitmap = NULL;
}

/* Four bitmaps of 8,192 bits: read low, read high, write low, write high (25.6.9). */
static void msr_pass(u32 index)
{
	u32 n = (index & 0x1fff) + (index >= 0xc0000000 ? 0x2000 : 0);

	__clear_bit(n, (unsigned long *)msr_bitmap);
	__clear_bit(n + 0x4000, (unsigned long *)msr_bitmap);
}

int vmx_state_setup(void)
{
	msr_bitmap = (u8 *)__get_free_page(GFP_KERNEL);
	if (!msr_bitmap)
		return -ENOMEM;
	memset(msr_bitmap, 0xff, PAGE_SIZE);
	if (IS_ENABLED(CONFIG_X86_64)) {
		msr_pass(MSR_FS_BASE);
		msr_pass(MSR_GS_BASE);
		msr_pass(MSR_KERNEL_GS_BASE);
	}
	return 0;
}

/* ---- segments ---- */

static void segs_read(struct vmx_vcpu *v)
{
	unsigned int i;
	u32 ar;

	if (v->hold == HOLD_V86) {
		/* The rest of the guest's own is here, and cannot change in this mode. */
		vmx_v86_segs_read(v);
		v->valid = VMX_ALL_SEGS;
		return;
	}
	for (i = 0; i <= GM_IDTR; i++) {
		struct gm_seg *s = &v->seg[i];

		if (v->valid >> i & 1)
			continue;
		s->base = vmx_read(VMCS_GUEST_BASE + 2 * i);
		s->limit = vmx_read(VMCS_GUEST_LIMIT + 2 * i);
		s->sel = s->attr = s->unusable = 0;
		if (i > GM_TR)
			continue;
		s->sel = vmx_read(VMCS_GUEST_SEL + 2 * i);
		ar = vmx_read(VMCS_GUEST_AR + 2 * i);
		s->attr = ar;
		s->unusable = !!(ar & VMX_AR_UNUSABLE);
	}
	v->valid = VMX_ALL_SEGS;
}

/* Outside of the run window, for whoever needs segments. */
void vmx_segs_fetch(struct gm_vcpu *vcpu)
{
	struct vmx_vcpu *v = vmx_of(vcpu);
	u64 pa = virt_to_phys(v->vmcs);
	struct vmx_window w;
	unsigned long flags;

	if (v->valid == VMX_ALL_SEGS)
		return;
	local_irq_save(flags);
	if (!vmx_open(&w, pa)) {
		segs_read(v);
		vmx_close(&w, pa);
	}
	local_irq_restore(flags);
}

void vmx_get_seg(struct gm_vcpu *vcpu, unsigned int seg, struct gm_seg *out)
{
	vmx_segs_fetch(vcpu);
	*out = vmx_of(vcpu)->seg[seg];
}

void vmx_set_seg(struct gm_vcpu *vcpu, unsigned int seg, const struct gm_seg *in)
{
	struct vmx_vcpu *v = vmx_of(vcpu);

	v->seg[seg] = *in;
	v->valid |= 1u << seg;
	v->dirty |= 1u << seg;
}

unsigned int vmx_get_cpl(struct gm_vcpu *vcpu)
{
	if (!(vcpu->cr0 & X86_CR0_PE))
		return 0;
	if (vcpu->rflags & X86_EFLAGS_VM)
		return 3;
	vmx_segs_fetch(vcpu);
	return vmx_of(vcpu)->seg[GM_SS].attr >> 5 & 3;
}

/* Code and data segments are accessed, TR is busy: VM entry wants them so (27.3.1.2). */
static u32 seg_rights(const struct gm_seg *s, unsigned int i)
{
	u32 ar = s->attr & 0xf0ff;

	if (i == GM_TR)
		return ar | 2;
	if (s->unusable)
		return ar | VMX_AR_UNUSABLE;
	return ar & 0x10 ? ar | 1 : ar;
}

static void segs_write(struct vmx_vcpu *v)
{
	unsigned int i;

	for (i = 0; i <= GM_IDTR && v->dirty; i++) {
		const struct gm_seg *s = &v->seg[i];

		if (!(v->dirty >> i & 1))
			continue;
		vmx_write(VMCS_GUEST_BASE + 2 * i, s->base);
		vmx_write(VMCS_GUEST_LIMIT + 2 * i, s->limit);
		if (i > GM_TR)
			continue;
		vmx_write(VMCS_GUEST_SEL + 2 * i, s->sel);
		vmx_write(VMCS_GUEST_AR + 2 * i, seg_rights(s, i));
	}
	v->dirty = 0;
}

u64 *vmx_msr(struct gm_vcpu *vcpu, u32 index)
{
	struct vmx_vcpu *v = vmx_of(vcpu);

	switch (index) {
	case MSR_FS_BASE:
	case MSR_GS_BASE:
		vmx_segs_fetch(vcpu);
		v->dirty |= 1u << (index == MSR_FS_BASE ? GM_FS : GM_GS);
		return &v->seg[index == MSR_FS_BASE ? GM_FS : GM_GS].base;
	case MSR_KERNEL_GS_BASE: return &v->msr[VMX_KERNEL_GS];
	case MSR_STAR: return &v->msr[VMX_STAR];
	case MSR_LSTAR: return &v->msr[VMX_LSTAR];
	case MSR_CSTAR: return &v->msr[VMX_CSTAR];
	case MSR_SYSCALL_MASK: return &v->msr[VMX_SFMASK];
	case MSR_IA32_SYSENTER_CS:
	case MSR_IA32_SYSENTER_ESP:
	case MSR_IA32_SYSENTER_EIP:
		v->sysenter_dirty = 1;
		return &v->sysenter[index - MSR_IA32_SYSENTER_CS];
	}
	return NULL;
}

/* ---- the rest ---- */

/* What never changes; the VMCS is current and was cleared. */
void vmx_constants_write(struct gm_vcpu *vcpu)
{
	const struct vmx_caps *c = &vmx_caps;
	struct vmx_vcpu *v = vmx_of(vcpu);

	vmx_write(VMCS_PIN, c->pin);
	vmx_write(VMCS_CPU, c->cpu);
	v->cpu_ctl = c->cpu;
	if (c->cpu2 & VMX_CPU2_VPID)
		vmx_write(VMCS_VPID, VMX_VPID);
	vmx_write(VMCS_EXIT, c->exit);
	vmx_write(VMCS_PF_MASK, 0);
	vmx_write(VMCS_PF_MATCH, 0);
	vmx_write(VMCS_CR3_TARGETS, 0);
	vmx_write(VMCS_EXIT_STORES, 0);
	vmx_write(VMCS_EXIT_LOADS, 0);
	vmx_write(VMCS_ENTRY_LOADS, 0);
	if (c->cpu & VMX_CPU_MSR_BITMAP)
		vmx_write64(VMCS_MSR_BITMAP, virt_to_phys(msr_bitmap));
	if (v->vapic)
		vmx_write64(VMCS_VIRTUAL_APIC, virt_to_phys(v->vapic));
	if (vcpu->vm->mmu.apic)
		vmx_write64(VMCS_APIC_ACCESS, virt_to_phys(vcpu->vm->mmu.apic));
	vmx_write64(VMCS_LINK, ~0ull);
	vmx_write64(VMCS_GUEST_DEBUGCTL, 0);
	vmx_write(VMCS_ACTIVITY, 0);
	vmx_write(VMCS_PENDING_DBG, 0);
	vmx_write(VMCS_CR0_MASK, ~cr0_owned());
	vmx_write(VMCS_CR4_MASK, ~cr4_owned());
	vmx_write(VMCS_HOST_CS, __KERNEL_CS);
	vmx_write(VMCS_HOST_SS, __KERNEL_DS);
	vmx_write(VMCS_HOST_DS, IS_ENABLED(CONFIG_X86_64) ? 0 : __KERNEL_DS);
	vmx_write(VMCS_HOST_ES, IS_ENABLED(CONFIG_X86_64) ? 0 : __KERNEL_DS);
	vmx_write(VMCS_HOST_FS, 0);
	vmx_write(VMCS_HOST_GS, 0);
	vmx_write(VMCS_HOST_RIP, (unsigned long)gm_vmx_exited);
	v->dirty = VMX_ALL_SEGS;
	v->update = 1;
	v->sysenter_dirty = 1;
	v->host_cpu = -1;
	v->cr0 = v->cr0_shadow = v->cr3 = v->cr4 = v->cr4_shadow = v->efer = ~0ull;
	v->dr7 = v->pat = v->tsc_offset = v->tsc_ratio = v->eptp = ~0ull;
}

void vmx_update(struct gm_vcpu *vcpu)
{
	vmx_of(vcpu)->update = 1;
}

/*
 * What depends on the guest's CPUID and on debugging. Machine checks are the host's. #DB and #AC can
 * be raised again by their own delivery, for ever and without an interrupt being taken: each one comes
 * through here. #UD may be a hypercall of the other vendor's kind.
 */
static void update_write(struct gm_vcpu *vcpu)
{
	u32 exc = 1u << DB_VECTOR | 1u << UD_VECTOR | 1u << AC_VECTOR | 1u << MC_VECTOR;
	u32 cpu2 = vmx_caps.cpu2;

	if (!gm_paging.nested)
		exc |= 1u << PF_VECTOR;
	if (vmx_of(vcpu)->hold == HOLD_V86)
		exc = ~0u;
	if (vcpu->debug & GM_DEBUG_SW_BP)
		exc |= 1u << BP_VECTOR;
	vmx_write(VMCS_EXC_BITMAP, exc);
	if (vcpu->features & GM_G_RDTSCP)
		cpu2 |= VMX_CPU2_RDTSCP;
	if (vcpu->features & GM_G_INVPCID)
		cpu2 |= VMX_CPU2_INVPCID;
	if (vcpu->vm->mmu.apic)
		cpu2 |= VMX_CPU2_APIC;
	if (vmx_caps.cpu & VMX_CPU_SECONDARY)
		vmx_write(VMCS_CPU2, cpu2 & vmx_caps.cpu2_can);
	vmx_of(vcpu)->update = 0;
}

/* PAE paging: the CPU has the four top entries of its own (4.4.1). */
static int is_pae(struct gm_vcpu *vcpu)
{
	return gm_paging.nested && (vcpu->cr0 & X86_CR0_PG) && (vcpu->cr4 & X86_CR4_PAE) &&
	       !(vcpu->efer & EFER_LMA);
}

/* Before the window: what needs guest memory. */
void vmx_state_prepare(struct gm_vcpu *vcpu)
{
	struct vmx_vcpu *v = vmx_of(vcpu);
	unsigned int i;

	if (!is_pae(vcpu) || (!v->fresh && v->cr3 == vcpu->cr3 && v->efer == vcpu->efer &&
			      !((v->cr0_shadow ^ vcpu->cr0) & CR0_RELOADS) &&
			      !((v->cr4_shadow ^ vcpu->cr4) & CR4_RELOADS)))
		return;
	down_read(&vcpu->vm->slots_sem);
	if (gm_mem_read(vcpu->vm, vcpu->cr3 & 0xffffffe0, v->pdpte, sizeof(v->pdpte)))
		memset(v->pdpte, 0, sizeof(v->pdpte));
	up_read(&vcpu->vm->slots_sem);
	for (i = 0; i < 4; i++)
		v->pdpte[i] = v->pdpte[i] & 1 ? v->pdpte[i] & PDPTE_BITS &
			      ((1ull << gm_phys_bits()) - 1) : 0;
	v->pdpte_dirty = 1;
}

static void changed(u64 *have, u64 val, unsigned long field)
{
	if (*have == val)
		return;
	*have = val;
	vmx_write(field, val);
}

static void changed64(u64 *have, u64 val, unsigned long field)
{
	if (*have == val)
		return;
	*have = val;
	vmx_write64(field, val);
}

/* In virtual-8086 mode it would let CLI, INT and others through. */
static unsigned long cr4_hidden(const struct vmx_vcpu *v)
{
	return v->hold == HOLD_V86 ? X86_CR4_VME : 0;
}

static void crs_write(struct gm_vcpu *vcpu, struct vmx_vcpu *v)
{
	unsigned int i;
	u64 efer = gm_mmu_efer(vcpu);

	changed(&v->cr0, (gm_mmu_cr0(vcpu) | vmx_caps.cr0_set) & vmx_caps.cr0_can,
		VMCS_GUEST_CR0);
	changed(&v->cr0_shadow, vcpu->cr0, VMCS_CR0_SHADOW);
	changed(&v->cr4, ((gm_mmu_cr4(vcpu) & ~cr4_hidden(v)) | vmx_caps.cr4_set) & vmx_caps.cr4_can,
		VMCS_GUEST_CR4);
	changed(&v->cr4_shadow, vcpu->cr4, VMCS_CR4_SHADOW);
	if (gm_paging.nested)
		changed(&v->cr3, vcpu->cr3, VMCS_GUEST_CR3);
	/* Where paging is on for the CPU alone, LME and LMA agree all the same (27.3.1.1). */
	if (!(efer & EFER_LMA) && (v->cr0 & X86_CR0_PG))
		efer &= ~(u64)EFER_LME;
	if (v->efer != efer) {
		v->efer = efer;
		vmx_write(VMCS_ENTRY, vmx_caps.entry | (efer & EFER_LMA ? VMX_ENTRY_LONG : 0));
		if (vmx_caps.entry & VMX_ENTRY_LOAD_EFER)
			vmx_write64(VMCS_GUEST_EFER, efer);
	}
	for (i = 0; v->pdpte_dirty && i < 4; i++)
		vmx_write64(VMCS_GUEST_PDPTE + 2 * i, v->pdpte[i]);
	v->pdpte_dirty = 0;
}

void vmx_state_write(struct gm_vcpu *vcpu)
{
	struct vmx_vcpu *v = vmx_of(vcpu);

	u64 fl = vcpu->rflags | (vcpu->debug & GM_DEBUG_STEP ? X86_EFLAGS_TF : 0);

	if (v->update)
		update_write(vcpu);
	if (v->hold != HOLD_V86)
		segs_write(v);
	else if (v->dirty)
		vmx_v86_segs_write(v);
	crs_write(vcpu, v);
	/* Traps that waited at the old instruction are not the new one's. */
	if (vcpu->rip != v->exit_rip)
		vmx_write(VMCS_PENDING_DBG, 0);
	vmx_write(VMCS_GUEST_RIP, vcpu->rip);
	vmx_write(VMCS_GUEST_RSP, vcpu->gpr[4]);
	vmx_write(VMCS_GUEST_RFLAGS, v->hold == HOLD_V86 ? vmx_v86_flags_load(fl) : fl);
	changed(&v->dr7, gm_loaded_dr7(vcpu), VMCS_GUEST_DR7);
	changed64(&v->tsc_offset, vcpu->tsc_offset, VMCS_TSC_OFFSET);
	if (gm_tsc_scaling) /* 48 bits behind the point */
		changed64(&v->tsc_ratio, vcpu->tsc_ratio << 16, VMCS_TSC_MULTIPLIER);
	if (vmx_caps.entry & VMX_ENTRY_LOAD_PAT)
		changed64(&v->pat, vcpu->pat, VMCS_GUEST_PAT);
	if (v->sysenter_dirty) {
		v->sysenter_dirty = 0;
		vmx_write(VMCS_GUEST_SYSENTER_CS, v->sysenter[0]);
		vmx_write(VMCS_GUEST_SYSENTER_ESP, v->sysenter[1]);
		vmx_write(VMCS_GUEST_SYSENTER_EIP, v->sysenter[2]);
	}
	if (vmx_caps.pin & VMX_PIN_TIMER)
		vmx_write(VMCS_TIMER, (10ull * gm_tsc_khz()) >> vmx_caps.timer_shift);
}

void vmx_state_read(struct gm_vcpu *vcpu)
{
	struct vmx_vcpu *v = vmx_of(vcpu);
	u64 fl = vmx_read(VMCS_GUEST_RFLAGS);

	v->valid = 0;
	vcpu->rip = v->exit_rip = vmx_read(VMCS_GUEST_RIP);
	vcpu->gpr[4] = vmx_read(VMCS_GUEST_RSP);
	vcpu->rflags = v->hold == HOLD_V86 ? vmx_v86_flags_read(fl, vcpu->rflags) : fl;
	if (vcpu->debug & GM_DEBUG_STEP)
		vcpu->rflags &= ~(u64)X86_EFLAGS_TF;
	v->cr0 = vmx_read(VMCS_GUEST_CR0);
	vcpu->cr0 = (vcpu->cr0 & ~cr0_owned()) | (v->cr0 & cr0_owned());
	if (gm_paging.nested) {
		v->cr3 = vcpu->cr3 = vmx_read(VMCS_GUEST_CR3);
		v->cr4 = vmx_read(VMCS_GUEST_CR4);
		vcpu->cr4 = (vcpu->cr4 & ~cr4_owned()) | (v->cr4 & cr4_owned());
	}
	v->interruptibility = vmx_read(VMCS_INTERRUPTIBILITY);
	vcpu->int_shadow = !!(v->interruptibility & (VMX_INT_STI | VMX_INT_MOVSS));
	if (vmx_caps.pin & VMX_PIN_VNMI)
		vcpu->nmi_masked = !!(v->interruptibility & VMX_INT_NMI);
	else if ((vcpu->rflags & X86_EFLAGS_IF) && !vcpu->int_shadow)
		vcpu->nmi_masked = 0;
}

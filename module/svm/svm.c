// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * AMD-V with nested paging. AMD APM volume 2, chapter 15.
 *
 * The run window (svm_run): everything that the CPU must have for guest mode is put in place with
 * interrupts off and taken back before they are on again: EFER.SVME, VM_HSAVE_PA, the guest's FPU
 * and debug registers. Between two entries the CPU is as the kernel, or kvm_amd, left it; so CPU
 * hotplug, suspend and reboot need no care.
 *
 * All guests share one ASID, flushed whenever another vCPU, or somebody else's guest, may have used it.
 */
#include "module/gm.h"
#include "module/svm/vmcb.h"
#include "module/x86/task.h"

#include <linux/cpumask.h>
#include <linux/gfp.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <asm/cpufeature.h>
#include <asm/debugreg.h>
#include <asm/fpu/api.h>
#include <asm/io.h>
#include <asm/msr.h>
#include <asm/pgtable.h>

#define SVM_LEAF 0x8000000au
#define SME_LEAF 0x8000001fu
#define SVM_NPT          (1u << 0)
#define SVM_NRIPS        (1u << 3)
#define SVM_TSCRATE      (1u << 4)
#define SVM_FLUSHBYASID  (1u << 6)
#define SVM_DECODEASSIST (1u << 7)

#define VM_CR_SVMDIS 0x10
#define MSR_TSC_RATIO 0xc0000104
#define CACHE_OFF ((u64)(X86_CR0_CD | X86_CR0_NW))
/* The upper half of a task switch's second word */
#define TASK_IRET 0x0010u
#define TASK_JMP  0x0040u
#define TASK_ERR  0x1000u
/* Bits of CR0 whose writes VMCB_1_CR0_SEL lets pass. */
#define CR0_OWN ((u64)(X86_CR0_TS | X86_CR0_MP))
#define DB_ENABLED 0xffu /* of DR7 */
#define DR6_NONE 0xffff0ff0u

#define DB_VECTOR 1
#define BP_VECTOR 3
#define OF_VECTOR 4
#define UD_VECTOR 6
#define PF_VECTOR 14
#define AC_VECTOR 17
#define MC_VECTOR 18

#define IOPM_ORDER 2 /* 12 KiB */
#define MSRPM_ORDER 1

/*
 * VMCBs and what VM_HSAVE_PA names are the second page of a pair: CPUs with SNP on take one that begins a
 * large page for all of it, and fault on others' accesses (Linux guards its own in the same way).
 */
#define PAIR_ORDER 1

struct svm_vcpu {
	u8 *host_save;    /* the first page of the pair */
	struct vmcb *vmcb;
};

static u32 svm_features;
static u32 svm_asid;
static int has_spec_ctrl;
static u64 host_mce; /* CR4.MCE, without which a machine check of the host in guest mode is a shutdown */
static u8 *iopm, *msrpm;
static DEFINE_PER_CPU(u8 *, hsave); /* a pair of pages */
static DEFINE_PER_CPU(u64, last_serial);

asmlinkage void gm_svm_enter(u64 *gpr, unsigned long vmcb_pa, unsigned long host_pa);

static struct svm_vcpu *svm_of(struct gm_vcpu *vcpu)
{
	return vcpu->arch;
}

/* ---- the module ---- */

/* The host encrypts its memory: all addresses that the CPU gets carry a bit then (APM 7.10). */
static int memory_encrypted(void)
{
	unsigned long cr3;

	if (cpuid_eax(0x80000000) < SME_LEAF || !(cpuid_eax(SME_LEAF) & 1))
		return 0;
	asm volatile("mov %%cr3, %0" : "=r"(cr3));
	return (u64)cr3 >> (cpuid_ebx(SME_LEAF) & 63) & 1;
}

static int svm_probe(void)
{
	u64 vm_cr = 0;

	if (!boot_cpu_has(X86_FEATURE_SVM))
		return -ENODEV;
	if (rdmsrl_safe(MSR_VM_CR, &vm_cr) || (vm_cr & VM_CR_SVMDIS)) {
		pr_err("guestmode: AMD-V is switched off in the firmware\n");
		return -ENODEV;
	}
	if (memory_encrypted()) {
		pr_err("guestmode: a host with mem_encrypt=on is not supported on AMD-V\n");
		return -ENODEV;
	}
	svm_features = cpuid_edx(SVM_LEAF);
	svm_asid = cpuid_ebx(SVM_LEAF) - 1;
	gm_tsc_scaling = !!(svm_features & SVM_TSCRATE);
	host_mce = __read_cr4() & X86_CR4_MCE;
	has_spec_ctrl = boot_cpu_has(X86_FEATURE_MSR_SPEC_CTRL);
	return (s32)svm_asid > 0 ? 0 : -ENODEV;
}

/* Two bits per register, read and write; three ranges of 8,192 (APM 15.11). */
static void msr_pass(u32 index)
{
	u32 n = (index & 0x1fff) * 2 + (index >= 0xc0000000 ? 0x4000 : 0);

	__clear_bit(n, (unsigned long *)msrpm);
	__clear_bit(n + 1, (unsigned long *)msrpm);
}

static void svm_cleanup(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		free_pages((unsigned long)per_cpu(hsave, cpu), PAIR_ORDER);
		per_cpu(hsave, cpu) = NULL;
	}
	free_pages((unsigned long)iopm, IOPM_ORDER);
	free_pages((unsigned long)msrpm, MSRPM_ORDER);
}

/*
 * Nested tables have the format of the host's own, and as many levels (APM 15.25.3, 15.25.5). The two and
 * three of a 32-bit host are not made here.
 */
static void paging_setup(void)
{
	gm_paging.nested = IS_ENABLED(CONFIG_X86_64) && gm_nested && (svm_features & SVM_NPT);
	gm_paging.levels = 4;
#ifdef X86_CR4_LA57
	if (__read_cr4() & X86_CR4_LA57)
		gm_paging.levels = 5;
#endif
	gm_paging.max_level = boot_cpu_has(X86_FEATURE_GBPAGES) ? 3 : 2;
	gm_paging.table = _PAGE_PRESENT | _PAGE_RW | _PAGE_USER | _PAGE_ACCESSED;
	gm_paging.leaf = _PAGE_PRESENT | _PAGE_USER;
	gm_paging.write = _PAGE_RW;
	gm_paging.large = _PAGE_PSE;
	gm_paging.accessed = _PAGE_ACCESSED;
}

static int svm_setup(void)
{
	static const u32 pass[] = {
		MSR_FS_BASE, MSR_GS_BASE, MSR_KERNEL_GS_BASE, MSR_STAR, MSR_LSTAR, MSR_CSTAR,
		MSR_SYSCALL_MASK, MSR_IA32_SYSENTER_CS, MSR_IA32_SYSENTER_ESP,
		MSR_IA32_SYSENTER_EIP,
	};
	unsigned int i;
	int cpu;

	iopm = (u8 *)__get_free_pages(GFP_KERNEL, IOPM_ORDER);
	msrpm = (u8 *)__get_free_pages(GFP_KERNEL, MSRPM_ORDER);
	if (!iopm || !msrpm)
		goto fail;
	memset(iopm, 0xff, PAGE_SIZE << IOPM_ORDER);
	memset(msrpm, 0xff, PAGE_SIZE << MSRPM_ORDER);
	for (i = 0; i < ARRAY_SIZE(pass); i++)
		msr_pass(pass[i]);
	for_each_possible_cpu(cpu) {
		per_cpu(hsave, cpu) = (u8 *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, PAIR_ORDER);
		if (!per_cpu(hsave, cpu))
			goto fail;
	}
	paging_setup();
	return 0;
fail:
	svm_cleanup();
	return -ENOMEM;
}

/* ---- a vCPU ---- */

static void svm_vcpu_fini(struct gm_vcpu *vcpu)
{
	struct svm_vcpu *s = svm_of(vcpu);

	free_pages((unsigned long)s->host_save, PAIR_ORDER);
	kfree(s);
	vcpu->arch = NULL;
}

static int svm_vcpu_init(struct gm_vcpu *vcpu)
{
	struct svm_vcpu *s = kzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);
	struct vmcb *v;

	BUILD_BUG_ON(sizeof(struct vmcb) != PAGE_SIZE);
	if (!s)
		return -ENOMEM;
	vcpu->arch = s;
	s->host_save = (void *)__get_free_pages(GFP_KERNEL_ACCOUNT | __GFP_ZERO, PAIR_ORDER);
	if (!s->host_save) {
		svm_vcpu_fini(vcpu);
		return -ENOMEM;
	}
	v = s->vmcb = (struct vmcb *)(s->host_save + PAGE_SIZE);
	v->intercept_dr = 0xffffffff;
	v->intercept1 = VMCB_1_INTR | VMCB_1_NMI | VMCB_1_SMI | VMCB_1_INIT | VMCB_1_RDPMC |
			VMCB_1_CPUID | VMCB_1_RSM | VMCB_1_INVD | VMCB_1_HLT | VMCB_1_INVLPGA |
			VMCB_1_IOIO | VMCB_1_MSR | VMCB_1_FERR | VMCB_1_SHUTDOWN;
	v->iopm_pa = virt_to_phys(iopm);
	v->msrpm_pa = virt_to_phys(msrpm);
	v->asid = svm_asid;
	v->nested_ctl = gm_paging.nested;
	if (!gm_paging.nested)
		v->intercept1 |= VMCB_1_CR0_SEL | VMCB_1_INVLPG | VMCB_1_TASK;
	return 0;
}

/*
 * Machine checks are the host's. #DB and #AC can be raised again by their own delivery, for ever and
 * without an interrupt being taken: each one comes through here. #UD may be a hypercall of the other
 * vendor's kind.
 */
static void svm_update(struct gm_vcpu *vcpu)
{
	struct vmcb *v = svm_of(vcpu)->vmcb;

	v->intercept_exc = 1u << MC_VECTOR | 1u << DB_VECTOR | 1u << AC_VECTOR | 1u << UD_VECTOR;
	if (vcpu->debug & GM_DEBUG_SW_BP)
		v->intercept_exc |= 1u << BP_VECTOR;
	if (!gm_paging.nested)
		v->intercept_exc |= 1u << PF_VECTOR;
	v->intercept2 = VMCB_2_ALWAYS;
	if (vcpu->features & GM_G_RDTSCP)
		v->intercept2 &= ~VMCB_2_RDTSCP;
	v->intercept3 = vcpu->features & GM_G_INVPCID ? 0 : VMCB_3_INVPCID;
}

static struct vmcb_seg *svm_seg(struct gm_vcpu *vcpu, unsigned int seg)
{
	static const u16 at[] = {
		offsetof(struct vmcb, es),   offsetof(struct vmcb, cs), offsetof(struct vmcb, ss),
		offsetof(struct vmcb, ds),   offsetof(struct vmcb, fs), offsetof(struct vmcb, gs),
		offsetof(struct vmcb, ldtr), offsetof(struct vmcb, tr), offsetof(struct vmcb, gdtr),
		offsetof(struct vmcb, idtr),
	};

	return (void *)((u8 *)svm_of(vcpu)->vmcb + at[seg]);
}

static void svm_get_seg(struct gm_vcpu *vcpu, unsigned int seg, struct gm_seg *out)
{
	const struct vmcb_seg *s = svm_seg(vcpu, seg);

	out->base = s->base;
	out->limit = s->limit;
	out->sel = s->sel;
	out->attr = (s->attr & 0xff) | (s->attr & 0xf00) << 4;
	out->unusable = !(s->attr & 0x80);
}

static void svm_set_seg(struct gm_vcpu *vcpu, unsigned int seg, const struct gm_seg *in)
{
	struct vmcb_seg *s = svm_seg(vcpu, seg);

	s->base = in->base;
	s->limit = in->limit;
	s->sel = in->sel;
	s->attr = in->unusable ? 0 : (in->attr & 0xff) | (in->attr >> 4 & 0xf00);
	/* The privilege level is SS's; a segment that cannot be used keeps it (APM 15.5.1). */
	if (seg == GM_SS)
		svm_of(vcpu)->vmcb->cpl = in->attr >> 5 & 3;
}

static unsigned int svm_get_cpl(struct gm_vcpu *vcpu)
{
	return svm_of(vcpu)->vmcb->cpl & 3;
}

static u64 *svm_msr(struct gm_vcpu *vcpu, u32 index)
{
	struct vmcb *v = svm_of(vcpu)->vmcb;

	switch (index) {
	case MSR_FS_BASE: return &v->fs.base;
	case MSR_GS_BASE: return &v->gs.base;
	case MSR_KERNEL_GS_BASE: return &v->kernel_gs_base;
	case MSR_STAR: return &v->star;
	case MSR_LSTAR: return &v->lstar;
	case MSR_CSTAR: return &v->cstar;
	case MSR_SYSCALL_MASK: return &v->sfmask;
	case MSR_IA32_SYSENTER_CS: return &v->sysenter_cs;
	case MSR_IA32_SYSENTER_ESP: return &v->sysenter_esp;
	case MSR_IA32_SYSENTER_EIP: return &v->sysenter_eip;
	}
	return NULL;
}

/* ---- events ---- */

/* INT3 and INTO. RIP is at the instruction, which has one byte. */
static int is_trap(u8 nr)
{
	return nr == BP_VECTOR || nr == OF_VECTOR;
}

/* For a trap the CPU pushes next_rip, or RIP if it does not have that (APM 15.20). */
static void inject_exception(struct gm_vcpu *vcpu, struct vmcb *v)
{
	v->event_inj = vcpu->exc.nr | VMCB_EV_EXC | VMCB_EV_VALID | (vcpu->exc.has_err ? VMCB_EV_ERR : 0);
	v->event_err = vcpu->exc.err;
	if (!is_trap(vcpu->exc.nr))
		return;
	v->next_rip = vcpu->rip + 1;
	if (!(svm_features & SVM_NRIPS))
		v->rip = v->next_rip;
}

static void inject_nmi(struct gm_vcpu *vcpu, struct vmcb *v)
{
	v->event_inj = 2 | VMCB_EV_NMI | VMCB_EV_VALID;
	vcpu->nmi_masked = 1;
	vcpu->nmi_injected = 1;
}

static void inject_irq(struct gm_vcpu *vcpu, struct vmcb *v)
{
	v->event_inj = (u8)vcpu->irq_injected | VMCB_EV_VALID |
		       (vcpu->irq_soft ? VMCB_EV_SOFT : VMCB_EV_INTR);
}

/* What was interrupted comes first, then new events, as far as the guest can take them. */
static void prepare_events(struct gm_vcpu *vcpu, struct vmcb *v)
{
	int want_window;

	v->event_inj = 0;
	v->int_state = vcpu->int_shadow;
	if (vcpu->exc.valid) {
		inject_exception(vcpu, v);
	} else if (vcpu->nmi_injected) {
		inject_nmi(vcpu, v);
	} else if (vcpu->irq_injected >= 0) {
		inject_irq(vcpu, v);
	} else if (vcpu->nmi_pending && !vcpu->nmi_masked && !vcpu->int_shadow) {
		vcpu->nmi_pending--;
		inject_nmi(vcpu, v);
	} else if (vcpu->irq_pending >= 0 && (vcpu->rflags & X86_EFLAGS_IF) &&
		   !(vcpu->debug & GM_DEBUG_BLOCK_IRQ) &&
		   !vcpu->int_shadow) {
		vcpu->irq_injected = vcpu->irq_pending;
		vcpu->irq_soft = 0;
		vcpu->irq_pending = -1;
		inject_irq(vcpu, v);
	}
	want_window = vcpu->irq_pending >= 0 || vcpu->irq_window ||
		      (!vcpu->lapic && READ_ONCE(vcpu->run->request_interrupt_window));
	/* Anew each time: a refused entry may have changed it, and a guest would keep the host's interrupts off. */
	v->int_control = VMCB_V_MASKING;
	v->intercept1 &= ~VMCB_1_VINTR;
	if (want_window) {
		v->int_control |= VMCB_V_IRQ | VMCB_V_PRIO_MAX | VMCB_V_IGN_TPR;
		v->intercept1 |= VMCB_1_VINTR;
	}
	v->int_vector = 0;
	/*
	 * NMIs stay masked until the IRET after one (APM 15.13.4 has no help for this). That IRET is emulated, so
	 * that an NMI which waits comes right behind it.
	 */
	if (vcpu->nmi_masked)
		v->intercept1 |= VMCB_1_IRET;
	else
		v->intercept1 &= ~VMCB_1_IRET;
}

/* Software interrupts and INT3, INTO need nothing: RIP is still at the instruction, or is put there. */
static void collect_events(struct gm_vcpu *vcpu, struct vmcb *v)
{
	u32 info = v->exit_int_info;
	int moved = vcpu->exc.valid && is_trap(vcpu->exc.nr) && !(svm_features & SVM_NRIPS);
	u8 nr = info;

	vcpu->exc.valid = 0;
	vcpu->nmi_injected = 0;
	vcpu->irq_injected = -1;
	if (!(info & VMCB_EV_VALID))
		return;
	switch (info & VMCB_EV_TYPE) {
	case VMCB_EV_INTR:
		vcpu->irq_injected = nr;
		vcpu->irq_soft = 0;
		break;
	case VMCB_EV_NMI:
		vcpu->nmi_injected = 1;
		break;
	case VMCB_EV_EXC:
		if (is_trap(nr)) {
			vcpu->rip -= moved;
			break;
		}
		vcpu->exc.valid = 1;
		vcpu->exc.nr = nr;
		vcpu->exc.has_err = !!(info & VMCB_EV_ERR);
		vcpu->exc.err = v->exit_int_err;
		break;
	}
}

/* ---- the run window ---- */

/* Registers that the CPU has other values of than the guest are read through us. */
static u32 cr_intercepts(struct gm_vcpu *vcpu, struct vmcb *v)
{
	u32 cr = VMCB_CR_WRITE(4) | VMCB_CR_READ(8) | VMCB_CR_WRITE(8);

	/* VMCB_1_CR0_SEL compares with the CPU's value. */
	if (v->cr0 != vcpu->cr0)
		cr |= VMCB_CR_READ(0) | VMCB_CR_WRITE(0);
	if (v->cr4 != vcpu->cr4)
		cr |= VMCB_CR_READ(4);
	return gm_paging.nested ? cr : cr | VMCB_CR_READ(3) | VMCB_CR_WRITE(3);
}

static void regs_to_vmcb(struct gm_vcpu *vcpu, struct vmcb *v)
{
	v->cr0 = gm_mmu_cr0(vcpu);
	v->cr2 = vcpu->cr2;
	v->cr3 = vcpu->cr3;
	v->cr4 = gm_mmu_cr4(vcpu) | host_mce;
	v->intercept_cr = cr_intercepts(vcpu, v);
	v->efer = gm_mmu_efer(vcpu) | EFER_SVME;
	v->rax = vcpu->gpr[0];
	v->rsp = vcpu->gpr[4];
	v->rip = vcpu->rip;
	v->rflags = vcpu->rflags | (vcpu->debug & GM_DEBUG_STEP ? X86_EFLAGS_TF : 0);
	v->dr6 = vcpu->dr6;
	v->dr7 = gm_loaded_dr7(vcpu);
	v->g_pat = vcpu->pat;
	v->tsc_offset = vcpu->tsc_offset;
	v->clean = 0;
}

static void regs_from_vmcb(struct gm_vcpu *vcpu, struct vmcb *v)
{
	vcpu->cr2 = v->cr2;
	if (gm_paging.nested) {
		vcpu->cr0 = v->cr0 | (vcpu->cr0 & CACHE_OFF);
		vcpu->cr3 = v->cr3;
		vcpu->efer = v->efer & ~(u64)EFER_SVME;
	} else {
		/* The others are as the guest set them through us. */
		vcpu->cr0 = (vcpu->cr0 & ~CR0_OWN) | (v->cr0 & CR0_OWN);
	}
	vcpu->gpr[0] = v->rax;
	vcpu->gpr[4] = v->rsp;
	vcpu->rip = v->rip;
	vcpu->rflags = v->rflags;
	if (vcpu->debug & GM_DEBUG_STEP)
		vcpu->rflags &= ~(u64)X86_EFLAGS_TF;
	vcpu->int_shadow = v->int_state & 1;
}

/* Which translations may be stale. Interrupts are off: see gm_mmu_flush(). */
static u8 flush_control(struct gm_vcpu *vcpu, int foreign)
{
	int gen = atomic_read(&vcpu->vm->flush_gen), cpu = smp_processor_id();
	int other = __this_cpu_read(last_serial) != vcpu->serial;

	if (other)
		gm_branch_barrier();
	__this_cpu_write(last_serial, vcpu->serial);
	if (!other && !foreign && vcpu->last_cpu == cpu && vcpu->seen_gen == gen)
		return 0;
	vcpu->last_cpu = cpu;
	vcpu->seen_gen = gen;
	return svm_features & SVM_FLUSHBYASID ? 3 : 1;
}

static void debug_load(struct gm_vcpu *vcpu)
{
	const u64 *db = gm_loaded_db(vcpu);

	if (!(gm_loaded_dr7(vcpu) & DB_ENABLED))
		return;
	set_debugreg((unsigned long)db[0], 0);
	set_debugreg((unsigned long)db[1], 1);
	set_debugreg((unsigned long)db[2], 2);
	set_debugreg((unsigned long)db[3], 3);
}

/* A register that guest mode does not switch: puts `want` there, leaves in *old what was. */
static void msr_swap(u32 index, int used, u64 want, u64 *old)
{
	u64 now;

	if (!used)
		return;
	rdmsrl(index, now);
	if (now != want)
		wrmsrl(index, want);
	*old = now;
}

/* EFER and VM_HSAVE_PA around the entry; kvm_amd may have its own values there. */
static void enter(struct gm_vcpu *vcpu, struct svm_vcpu *s)
{
	u64 efer, old_hsave, our_hsave = virt_to_phys(__this_cpu_read(hsave) + PAGE_SIZE);
	u64 host_aux = 0, host_spec = 0, host_ratio = 0, debugctl;
	struct gm_debug host_debug;

	efer = gm_rdmsr(MSR_EFER);
	if (!(efer & EFER_SVME))
		gm_wrmsr(MSR_EFER, efer | EFER_SVME);
	old_hsave = gm_rdmsr(MSR_VM_HSAVE_PA);
	gm_wrmsr(MSR_VM_HSAVE_PA, our_hsave);
	s->vmcb->tlb_control = flush_control(vcpu, !!(efer & EFER_SVME));
	if (gm_paging.nested)
		s->vmcb->nested_cr3 = gm_mmu_root(vcpu);
	else
		s->vmcb->cr3 = gm_mmu_root(vcpu);
	gm_debug_save(&host_debug);
	debug_load(vcpu);
	/* Traps of bus locks and of branches that the host asked for are not the guest's. */
	debugctl = gm_rdmsr(MSR_IA32_DEBUGCTLMSR);
	if (debugctl)
		gm_wrmsr(MSR_IA32_DEBUGCTLMSR, 0);
	msr_swap(MSR_TSC_AUX, vcpu->features & GM_G_TSC_AUX, vcpu->tsc_aux, &host_aux);
	msr_swap(MSR_IA32_SPEC_CTRL, has_spec_ctrl, vcpu->spec_ctrl, &host_spec);
	msr_swap(MSR_TSC_RATIO, gm_tsc_scaling, vcpu->tsc_ratio, &host_ratio);
	gm_svm_enter(vcpu->gpr, virt_to_phys(s->vmcb), virt_to_phys(s->host_save));
	msr_swap(MSR_TSC_RATIO, gm_tsc_scaling, host_ratio, &host_ratio);
	msr_swap(MSR_IA32_SPEC_CTRL, has_spec_ctrl, host_spec, &host_spec);
	msr_swap(MSR_TSC_AUX, vcpu->features & GM_G_TSC_AUX, host_aux, &host_aux);
	if (debugctl)
		gm_wrmsr(MSR_IA32_DEBUGCTLMSR, debugctl);
	/* An exit leaves the guest's there (APM 15.6); the kernel would take its bits for its own. */
	if (s->vmcb->dr6 != DR6_NONE)
		GM_DR_PUT(6, (unsigned long)DR6_NONE);
	gm_debug_restore(&host_debug);
	gm_wrmsr(MSR_VM_HSAVE_PA, old_hsave);
	if (!(efer & EFER_SVME))
		gm_wrmsr(MSR_EFER, efer);
}

/* ---- exits ---- */

/* By exit code, where that alone tells; the rest is GM_X_UNKNOWN. */
static const u8 exit_kinds[VMEXIT_COUNT] = {
	[VMEXIT_CR ... VMEXIT_EXC - 1] = GM_X_EMULATE,
	[VMEXIT_EXC + DB_VECTOR] = GM_X_DB,
	[VMEXIT_EXC + BP_VECTOR] = GM_X_BP,
	[VMEXIT_EXC + UD_VECTOR] = GM_X_UD_INSN,
	[VMEXIT_EXC + AC_VECTOR] = GM_X_NONE,
	[VMEXIT_EXC + MC_VECTOR] = GM_X_NONE,
	[VMEXIT_EXC + PF_VECTOR] = GM_X_PAGE,
	[VMEXIT_INTR ... VMEXIT_VINTR] = GM_X_NONE, /* NMI, SMI, INIT too */
	[VMEXIT_CR0_SEL] = GM_X_EMULATE,
	[VMEXIT_RDPMC] = GM_X_GP,
	[VMEXIT_CPUID] = GM_X_CPUID,
	[VMEXIT_RSM] = GM_X_UD,
	[VMEXIT_IRET] = GM_X_EMULATE,
	[VMEXIT_INVD] = GM_X_SKIP,
	[VMEXIT_HLT] = GM_X_HLT,
	[VMEXIT_INVLPG] = GM_X_EMULATE,
	[VMEXIT_INVLPGA] = GM_X_UD,
	[VMEXIT_TASK] = GM_X_TASK,
	[VMEXIT_FERR] = GM_X_NONE,
	[VMEXIT_SHUTDOWN] = GM_X_SHUTDOWN,
	[VMEXIT_VMRUN] = GM_X_UD,
	[VMEXIT_VMMCALL] = GM_X_HYPERCALL,
	[VMEXIT_VMMCALL + 1 ... VMEXIT_RDTSCP] = GM_X_UD, /* the rest of SVM */
	[VMEXIT_WBINVD] = GM_X_SKIP,
	[VMEXIT_MONITOR ... VMEXIT_MWAIT2] = GM_X_UD,
	[VMEXIT_XSETBV] = GM_X_XSETBV,
	[VMEXIT_RDPRU] = GM_X_UD,
	[VMEXIT_INVPCID] = GM_X_UD,
};

static void exit_io(struct vmcb *v, struct gm_exit *x)
{
	u32 info = v->exit_info1;

	if (info & 4) {
		x->kind = GM_X_EMULATE;
		return;
	}
	x->kind = GM_X_IO;
	x->in = info & 1;
	x->size = info >> 4 & 7;
	x->port = info >> 16;
	x->next_rip = v->exit_info2;
}

/* APM 15.14.1. RIP is at the instruction, or where the event came. */
static void exit_task(struct gm_vcpu *vcpu, struct vmcb *v, struct gm_exit *x)
{
	u32 how = v->exit_info2 >> 32;

	x->task.sel = v->exit_info1;
	x->task.source = how & TASK_IRET ? X86_TASK_IRET : how & TASK_JMP ? X86_TASK_JMP : X86_TASK_CALL;
	x->task.has_err = !!(how & TASK_ERR);
	x->task.err = v->exit_info2;
	if (x->in_event) {
		x->task.source = X86_TASK_INT;
		if ((v->exit_int_info & VMCB_EV_TYPE) != VMCB_EV_SOFT)
			x->next_rip = vcpu->rip;
	}
	vcpu->exc.valid = 0;
	vcpu->nmi_injected = 0;
	vcpu->irq_injected = -1;
}

static void exit_decode(struct gm_vcpu *vcpu, struct vmcb *v, struct gm_exit *x)
{
	u64 code = v->exit_code;

	x->code = code;
	x->kind = code < VMEXIT_COUNT ? exit_kinds[code] : GM_X_UNKNOWN;
	x->in_event = !!(v->exit_int_info & VMCB_EV_VALID);
	x->next_rip = svm_features & SVM_NRIPS ? v->next_rip : 0;
	if (code == VMEXIT_NPF || code == VMEXIT_EXC + PF_VECTOR) {
		x->kind = GM_X_PAGE;
		x->addr = v->exit_info2;
		x->acc = v->exit_info1;
		/* Not one of the guest's tables (APM 15.25.6). */
		x->data_gpa = gm_paging.nested && (v->exit_info1 >> 32 & 1);
		if (svm_features & SVM_DECODEASSIST) {
			x->ninsn = min_t(u8, v->insn_len, sizeof(x->insn));
			memcpy(x->insn, v->insn_bytes, sizeof(x->insn));
		}
	} else if (code == VMEXIT_IOIO) {
		exit_io(v, x);
	} else if (code == VMEXIT_TASK) {
		exit_task(vcpu, v, x);
	} else if (code == VMEXIT_EXC + DB_VECTOR) {
		x->code = v->dr6;
	} else if (code == VMEXIT_MSR) {
		x->kind = v->exit_info1 & 1 ? GM_X_WRMSR : GM_X_RDMSR;
	}
}

static int svm_run(struct gm_vcpu *vcpu, struct gm_exit *x)
{
	struct svm_vcpu *s = svm_of(vcpu);
	struct vmcb *v = s->vmcb;

	x->kind = GM_X_NONE;
	regs_to_vmcb(vcpu, v);
	preempt_disable();
	local_irq_disable();
	/* Whatever asks for this thread's attention after this sends an interrupt. */
	if (!gm_vcpu_may_enter(vcpu)) {
		local_irq_enable();
		preempt_enable();
		return 0;
	}
	prepare_events(vcpu, v);
	v->exit_int_info = 0;
	kernel_fpu_begin();
	gm_fpu_load(vcpu);
	enter(vcpu, s);
	gm_fpu_save(vcpu);
	kernel_fpu_end();
	gm_vcpu_left(vcpu);
	if (v->exit_code == VMEXIT_EXC + MC_VECTOR)
		gm_host_machine_check();
	local_irq_enable();
	preempt_enable();

	/* Refused: the guest's registers are as they were, and what is in the VMCB may be the host's. */
	if ((u32)v->exit_code == VMEXIT_INVALID) {
		x->kind = GM_X_FAIL;
		x->code = v->exit_code;
		return 0;
	}
	regs_from_vmcb(vcpu, v);
	collect_events(vcpu, v);
	if (v->exit_code == VMEXIT_EXC + AC_VECTOR)
		gm_queue_exception(vcpu, AC_VECTOR, 1, 0);
	exit_decode(vcpu, v, x);
	return 0;
}

const struct gm_backend gm_backend_svm = {
	.name = "AMD-V",
	.probe = svm_probe,
	.setup = svm_setup,
	.cleanup = svm_cleanup,
	.vcpu_init = svm_vcpu_init,
	.vcpu_fini = svm_vcpu_fini,
	.run = svm_run,
	.get_seg = svm_get_seg,
	.set_seg = svm_set_seg,
	.get_cpl = svm_get_cpl,
	.update = svm_update,
	.msr = svm_msr,
};

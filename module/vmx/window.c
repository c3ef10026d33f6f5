// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The run window: VMX operation with our VMCS in it, from vmx_open() to vmx_close(), interrupts off.
 * Afterwards the CPU is as it was found, so that the kernel's idea of CR4, a loaded kvm_intel, CPU
 * hotplug, suspend and reboot need no care (Intel SDM volume 3, 24.7, 27.2, 28.5).
 *
 * When VMX operation was on, somebody else has it: his current VMCS is remembered and made current
 * again. A VMCS of ours is never left active: it is cleared before the window ends, so that a vCPU can
 * go on on any CPU.
 */
#include "module/vmx/vmx.h"

#include <linux/cpumask.h>
#include <linux/gfp.h>
#include <linux/percpu.h>
#include <asm/asm.h>
#include <asm/cpufeature.h>
#include <asm/debugreg.h>
#include <asm/io.h>
#include <asm/msr.h>
#include <asm/segment.h>

#define DB_ENABLED 0xffu /* of DR7 */
#define MSR_PEBS_ENABLE 0x3f1
#define NO_VMCS (~0ull)
#define FAULTED 1ull     /* no address of a VMCS */

/* What the files of one CPU share: the VMXON region, a GDT to load TR from. */
struct cpu_area {
	void *vmxon;
	struct desc_struct *gdt;
	u64 last_serial;
};
static DEFINE_PER_CPU(struct cpu_area, area);

static u8 flush_l1d, verw, has_spec_ctrl, has_pebs;

void vmx_window_cleanup(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct cpu_area *a = &per_cpu(area, cpu);

		free_page((unsigned long)a->vmxon);
		free_page((unsigned long)a->gdt);
		a->vmxon = NULL;
		a->gdt = NULL;
	}
}

int vmx_window_setup(void)
{
	int cpu;

	flush_l1d = vmx_caps.unrestricted && GM_CPU_L1TF &&
		    boot_cpu_has(X86_FEATURE_FLUSH_L1D);
	has_spec_ctrl = boot_cpu_has(X86_FEATURE_MSR_SPEC_CTRL);
#ifdef X86_FEATURE_PEBS
	has_pebs = boot_cpu_has(X86_FEATURE_PEBS);
#endif
	verw = gm_cpu_clear_buffers();
	for_each_possible_cpu(cpu) {
		struct cpu_area *a = &per_cpu(area, cpu);

		a->vmxon = (void *)get_zeroed_page(GFP_KERNEL);
		a->gdt = (void *)get_zeroed_page(GFP_KERNEL);
		if (!a->vmxon || !a->gdt) {
			vmx_window_cleanup();
			return -ENOMEM;
		}
		*(u32 *)a->vmxon = vmx_caps.revision;
	}
	return 0;
}

/* ---- VMX operation ---- */

static unsigned long cr4_get(void)
{
	unsigned long v;

	asm volatile("mov %%cr4, %0" : "=r"(v));
	return v;
}

/* Past the kernel's copy of CR4, which need not know: nobody else runs before it is back. */
static void cr4_put(unsigned long v)
{
	asm volatile("mov %0, %%cr4" : : "r"(v) : "memory");
}

/* Also fails where it faults: on a CPU whose firmware did not allow it (after a sleep, say). */
static int vmxon(u64 pa)
{
	u8 failed = 1;

	asm volatile("1: vmxon %1; setbe %0\n2:\n" _ASM_EXTABLE(1b, 2b)
		     : "+qm"(failed) : "m"(pa) : "cc", "memory");
	return failed;
}

static int vmptrld(u64 pa)
{
	u8 failed;

	asm volatile("vmptrld %1; setbe %0" : "=qm"(failed) : "m"(pa) : "cc", "memory");
	return failed;
}

static void vmclear(u64 pa)
{
	asm volatile("vmclear %0" : : "m"(pa) : "cc", "memory");
}

/* FAULTED if the CPU is not in VMX operation. */
static u64 vmptrst(void)
{
	u64 pa = FAULTED;

	asm volatile("1: vmptrst %0\n2:\n" _ASM_EXTABLE(1b, 2b) : "+m"(pa) : : "cc", "memory");
	return pa;
}

int vmx_open(struct vmx_window *w, u64 vmcs)
{
	w->cr4 = cr4_get();
	w->prev = FAULTED;
	if (w->cr4 & X86_CR4_VMXE)
		w->prev = vmptrst();
	else
		cr4_put(w->cr4 | X86_CR4_VMXE);
	w->borrowed = w->prev != FAULTED;
	if (!w->borrowed && vmxon(virt_to_phys(gm_this_cpu(area)->vmxon))) {
		cr4_put(w->cr4);
		return -EBUSY;
	}
	if (!vmptrld(vmcs))
		return 0;
	vmx_close(w, vmcs);
	return -EIO;
}

void vmx_close(struct vmx_window *w, u64 vmcs)
{
	vmclear(vmcs);
	if (!w->borrowed) {
		asm volatile("vmxoff" : : : "cc", "memory");
		cr4_put(w->cr4);
	} else if (w->prev != NO_VMCS) {
		vmptrld(w->prev);
	}
}

/* ---- the host's state in the VMCS ---- */

static unsigned long desc_base(const struct desc_ptr *gdt, u16 sel)
{
	const u32 *d = (void *)(gdt->address + (sel & ~7));
	unsigned long base = d[0] >> 16 | (d[1] & 0xff) << 16 | (d[1] & 0xff000000);

#ifdef CONFIG_X86_64
	base |= (u64)d[2] << 32;
#endif
	return base;
}

#ifndef CONFIG_X86_64
/*
 * 32-bit kernels reach per-CPU data and the stack's canary through FS and GS, which the way back from
 * an exit needs before segs_restore(). A selector of a program's (RPL or TI set) cannot stand here.
 */
static void host_seg_write(u32 field, u32 base_field, const struct desc_ptr *gdt, u16 sel)
{
	if (sel & 7)
		sel = 0;
	vmx_write(field, sel);
	vmx_write(base_field, sel && sel < gdt->size ? desc_base(gdt, sel) : 0);
}
#endif

/* What is each CPU's own and does not change. */
static void host_cpu_write(void)
{
	struct desc_ptr gdt, idt;
	u64 v;
	u16 sel;

	asm volatile("sgdt %0" : "=m"(gdt));
	memcpy(gm_this_cpu(area)->gdt, (void *)gdt.address, min_t(u32, gdt.size + 1, PAGE_SIZE));
	asm volatile("sidt %0" : "=m"(idt));
	asm volatile("str %0" : "=r"(sel));
	vmx_write(VMCS_HOST_GDTR, gdt.address);
	vmx_write(VMCS_HOST_IDTR, idt.address);
	vmx_write(VMCS_HOST_TR, sel);
	vmx_write(VMCS_HOST_TR_BASE, desc_base(&gdt, sel));
#ifdef CONFIG_X86_64
	rdmsrl(MSR_GS_BASE, v);
	vmx_write(VMCS_HOST_GS_BASE, v);
#else
	savesegment(fs, sel);
	host_seg_write(VMCS_HOST_FS, VMCS_HOST_FS_BASE, &gdt, sel);
	savesegment(gs, sel);
	host_seg_write(VMCS_HOST_GS, VMCS_HOST_GS_BASE, &gdt, sel);
#endif
	rdmsrl(MSR_IA32_SYSENTER_CS, v);
	vmx_write(VMCS_HOST_SYSENTER_CS, v);
	rdmsrl(MSR_IA32_SYSENTER_ESP, v);
	vmx_write(VMCS_HOST_SYSENTER_ESP, v);
	rdmsrl(MSR_IA32_SYSENTER_EIP, v);
	vmx_write(VMCS_HOST_SYSENTER_EIP, v);
	if (vmx_caps.exit & VMX_EXIT_LOAD_PAT) {
		rdmsrl(MSR_IA32_CR_PAT, v);
		vmx_write64(VMCS_HOST_PAT, v);
	}
	if (vmx_caps.exit & VMX_EXIT_LOAD_EFER) {
		rdmsrl(MSR_EFER, v);
		vmx_write64(VMCS_HOST_EFER, v);
	}
}

void vmx_host_write(struct gm_vcpu *vcpu, struct vmx_window *w)
{
	struct vmx_vcpu *v = vmx_of(vcpu);
	unsigned long val;

	if (v->host_cpu != smp_processor_id()) {
		host_cpu_write();
		v->host_cpu = smp_processor_id();
	}
	asm volatile("mov %%cr0, %0" : "=r"(val));
	vmx_write(VMCS_HOST_CR0, val);
	asm volatile("mov %%cr3, %0" : "=r"(val));
	vmx_write(VMCS_HOST_CR3, val);
	vmx_write(VMCS_HOST_CR4, w->cr4 | X86_CR4_VMXE);
#ifdef CONFIG_X86_64
	rdmsrl(MSR_FS_BASE, val);
	vmx_write(VMCS_HOST_FS_BASE, val);
#endif
}

/* ---- around the entry ---- */

/* An exit leaves segments that the VMCS cannot hold, and limits that are not the host's (28.5.2). */
struct host_segs {
	struct desc_ptr gdt, idt;
	u16 ds, es, fs, gs, ldt, tr;
	u64 fs_base, kernel_gs;
};

static void segs_save(struct host_segs *s)
{
	asm volatile("sgdt %0" : "=m"(s->gdt));
	asm volatile("sidt %0" : "=m"(s->idt));
	asm volatile("sldt %0" : "=r"(s->ldt));
	asm volatile("str %0" : "=r"(s->tr));
	savesegment(ds, s->ds);
	savesegment(es, s->es);
	savesegment(fs, s->fs);
	savesegment(gs, s->gs);
#ifdef CONFIG_X86_64
	rdmsrl(MSR_KERNEL_GS_BASE, s->kernel_gs);
	if (s->fs)
		rdmsrl(MSR_FS_BASE, s->fs_base);
#endif
}

/*
 * TR with its real limit: from a copy of the GDT (host_cpu_write()), as the host's is read-only and says
 * "busy". An NMI that comes meanwhile finds the kernel's segments there.
 */
static void tr_reload(const struct host_segs *s)
{
	struct cpu_area *a = gm_this_cpu(area);
	struct desc_ptr ours = { .size = s->gdt.size, .address = (unsigned long)a->gdt };

	((u8 *)a->gdt)[s->tr + 5] &= ~2; /* not busy */
	asm volatile("lgdt %0" : : "m"(ours));
	asm volatile("ltr %0" : : "r"(s->tr));
}

static void segs_restore(const struct host_segs *s)
{
	tr_reload(s);
	asm volatile("lgdt %0" : : "m"(s->gdt));
	asm volatile("lidt %0" : : "m"(s->idt));
	if (s->ldt)
		asm volatile("lldt %0" : : "r"(s->ldt));
#ifdef CONFIG_X86_64
	if (s->ds)
		loadsegment(ds, s->ds);
	if (s->es)
		loadsegment(es, s->es);
	if (s->fs) {
		loadsegment(fs, s->fs);
		wrmsrl(MSR_FS_BASE, s->fs_base);
	}
	/* Before GS: the kernel's way to load it swaps the bases, and the guest's must not become the kernel's. */
	wrmsrl(MSR_KERNEL_GS_BASE, s->kernel_gs);
	if (s->gs) {
		gm_gs_load(s->gs);
		wrmsrl(MSR_KERNEL_GS_BASE, s->kernel_gs);
	}
#else
	loadsegment(ds, s->ds);
	loadsegment(es, s->es);
	loadsegment(fs, s->fs);
	loadsegment(gs, s->gs);
#endif
}

/* SYSCALL's registers matter to a guest that has it on, or has the host's EFER. */
static int wants_syscall(struct gm_vcpu *vcpu)
{
	return IS_ENABLED(CONFIG_X86_64) &&
	       ((vcpu->efer & EFER_SCE) || !(vmx_caps.entry & VMX_ENTRY_LOAD_EFER));
}

static void msr_swap(u32 index, u64 from, u64 to)
{
	if (from != to)
		wrmsrl(index, to);
}

/* A register whose host's value is not known: leaves it in *old. */
static void msr_exchange(u32 index, int used, u64 want, u64 *old)
{
	u64 now;

	if (!used)
		return;
	rdmsrl(index, now);
	msr_swap(index, now, want);
	*old = now;
}

/*
 * SYSCALL's registers are left as they are found, which need not be the host's: kvm_intel leaves its guest's there
 * until a thread goes back to user mode, and remembers that. And LSTAR is each CPU's own on Linux 4.15 to 4.20.
 */
struct syscall_msrs {
	u64 star, lstar, sfmask;
};

static void msrs_load(struct gm_vcpu *vcpu, struct syscall_msrs *host)
{
	const u64 *m = vmx_of(vcpu)->msr;
	int used = wants_syscall(vcpu);

	msr_exchange(MSR_STAR, used, m[VMX_STAR], &host->star);
	msr_exchange(MSR_LSTAR, used, m[VMX_LSTAR], &host->lstar);
	msr_exchange(MSR_SYSCALL_MASK, used, m[VMX_SFMASK], &host->sfmask);
#ifdef CONFIG_X86_64
	wrmsrl(MSR_KERNEL_GS_BASE, m[VMX_KERNEL_GS]);
#endif
}

static void msrs_unload(struct gm_vcpu *vcpu, const struct syscall_msrs *host)
{
	u64 *m = vmx_of(vcpu)->msr;

#ifdef CONFIG_X86_64
	rdmsrl(MSR_KERNEL_GS_BASE, m[VMX_KERNEL_GS]);
#endif
	if (wants_syscall(vcpu)) {
		msr_swap(MSR_STAR, m[VMX_STAR], host->star);
		msr_swap(MSR_LSTAR, m[VMX_LSTAR], host->lstar);
		msr_swap(MSR_SYSCALL_MASK, m[VMX_SFMASK], host->sfmask);
	}
}

static void invept(u64 eptp)
{
	struct { u64 eptp, zero; } op = { eptp, 0 };
	unsigned long type = vmx_caps.ept & VMX_EPT_INVEPT_ONE ? 1 : 2;

	asm volatile("invept %0, %1" : : "m"(op), "r"(type) : "cc", "memory");
}

static void invvpid(u16 vpid)
{
	struct { u64 vpid, linear; } op = { vpid, 0 };
	unsigned long type = 1;

	asm volatile("invvpid %0, %1" : : "m"(op), "r"(type) : "cc", "memory");
}

/*
 * Translations that may be stale go. All guests share one VPID. Interrupts are off: see
 * gm_mmu_flush(). Branch predictors are cleaned between guests.
 */
static void flush(struct gm_vcpu *vcpu, u64 eptp)
{
	int gen = atomic_read(&vcpu->vm->flush_gen), cpu = smp_processor_id();
	u64 *last = &gm_this_cpu(area)->last_serial;
	int other = *last != vcpu->serial;

	if (other)
		gm_branch_barrier();
	*last = vcpu->serial;
	if (flush_l1d)
		wrmsrl(MSR_IA32_FLUSH_CMD, L1D_FLUSH);
	if (!other && vcpu->last_cpu == cpu && vcpu->seen_gen == gen)
		return;
	vcpu->last_cpu = cpu;
	vcpu->seen_gen = gen;
	if (gm_paging.nested)
		invept(eptp);
	if (vmx_caps.cpu2 & VMX_CPU2_VPID)
		invvpid(VMX_VPID);
}

static void root_write(struct gm_vcpu *vcpu)
{
	struct vmx_vcpu *v = vmx_of(vcpu);
	u64 root;

	if (!gm_paging.nested) {
		flush(vcpu, 0);
		vmx_write(VMCS_GUEST_CR3, gm_mmu_root(vcpu));
		return;
	}
	root = gm_mmu_root(vcpu) | vmx_caps.eptp;
	if (v->eptp != root)
		vmx_write64(VMCS_EPTP, root);
	v->eptp = root;
	flush(vcpu, root);
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

static unsigned long cr2_get(void)
{
	unsigned long v;

	asm volatile("mov %%cr2, %0" : "=r"(v));
	return v;
}

int vmx_enter(struct gm_vcpu *vcpu)
{
	struct vmx_vcpu *v = vmx_of(vcpu);
	struct syscall_msrs msrs;
	struct host_segs segs;
	struct gm_debug host_debug;
	u64 debugctl, aux = 0, spec = 0, pebs = 0;
	int failed, has_aux = vcpu->features & GM_G_TSC_AUX;

	/* perf's samples would be written to the guest's memory, at the host's address. */
	msr_exchange(MSR_PEBS_ENABLE, has_pebs, 0, &pebs);
	root_write(vcpu);
	rdmsrl(MSR_IA32_DEBUGCTLMSR, debugctl);
	segs_save(&segs);
	gm_debug_save(&host_debug);
	debug_load(vcpu);
	msrs_load(vcpu, &msrs);
	if (cr2_get() != vcpu->cr2)
		asm volatile("mov %0, %%cr2" : : "r"((unsigned long)vcpu->cr2));
	msr_exchange(MSR_TSC_AUX, has_aux, vcpu->tsc_aux, &aux);
	msr_exchange(MSR_IA32_SPEC_CTRL, has_spec_ctrl, vcpu->spec_ctrl, &spec);
	failed = gm_vmx_enter(vcpu->gpr, (v->launched ? VMX_F_RESUME : 0) |
					 (verw ? VMX_F_VERW : 0));
	msr_exchange(MSR_IA32_SPEC_CTRL, has_spec_ctrl, spec, &spec);
	msr_exchange(MSR_TSC_AUX, has_aux, aux, &aux);
	vcpu->cr2 = cr2_get();
	msrs_unload(vcpu, &msrs);
	segs_restore(&segs);
	if (debugctl)
		wrmsrl(MSR_IA32_DEBUGCTLMSR, debugctl);
	msr_swap(MSR_PEBS_ENABLE, 0, pebs);
	gm_debug_restore(&host_debug);
	v->launched |= !failed;
	return failed;
}

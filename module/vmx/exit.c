// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Events that go into the guest (Intel SDM volume 3, 27.6) and what an exit means (28.2, appendix C).
 */
#include "module/vmx/vmx.h"
#include "module/x86/task.h"

#include <asm/apicdef.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>

#define DB_VECTOR 1
#define BP_VECTOR 3
#define OF_VECTOR 4
#define UD_VECTOR 6
#define DF_VECTOR 8

#define PF_VECTOR 14
#define AC_VECTOR 17
#define MC_VECTOR 18
#define DR6_EVENTS 0xe00full /* of an exit's qualification */
#define DR6_HITS 0xfull
#define DR7_GD 0x2000ull
#define PENDING_BS 0x4000ul
#define VAPIC_TPR 0x80 /* of a virtual APIC page */
/* Exceptions that push an error code: 8, 10 to 14, 17. */
#define WITH_ERROR 0x27d00u

/* ---- into the guest ---- */

static u32 exception(struct gm_vcpu *vcpu)
{
	u32 info = vcpu->exc.nr | VMX_EV_EXC | VMX_EV_VALID;

	/* Traps: RIP is at INT3 or INTO, of one byte. */
	if (vcpu->exc.nr == BP_VECTOR || vcpu->exc.nr == OF_VECTOR) {
		vmx_write(VMCS_ENTRY_LEN, 1);
		return vcpu->exc.nr | VMX_EV_SOFT_EXC | VMX_EV_VALID;
	}
	if (!(vcpu->cr0 & X86_CR0_PE) || !(WITH_ERROR >> vcpu->exc.nr & 1))
		return info;
	vmx_write(VMCS_ENTRY_ERR, vcpu->exc.err & 0x7fff);
	return info | VMX_EV_ERR;
}

static u32 nmi(struct gm_vcpu *vcpu)
{
	vcpu->nmi_injected = 1;
	vcpu->nmi_masked = 1;
	return NMI_VECTOR | VMX_EV_NMI | VMX_EV_VALID;
}

static u32 irq(struct gm_vcpu *vcpu)
{
	/* RIP is at a software interrupt's instruction, INT n. */
	if (vcpu->irq_soft)
		vmx_write(VMCS_ENTRY_LEN, vmx_of(vcpu)->soft_len);
	return (u8)vcpu->irq_injected | VMX_EV_VALID | (vcpu->irq_soft ? VMX_EV_SOFT : VMX_EV_INTR);
}

/* What was interrupted comes first, then new events, as far as the guest can take them. */
static u32 next_event(struct gm_vcpu *vcpu)
{
	if (vcpu->exc.valid)
		return exception(vcpu);
	if (vcpu->nmi_injected)
		return nmi(vcpu);
	if (vcpu->irq_injected >= 0)
		return irq(vcpu);
	if (vcpu->int_shadow)
		return 0;
	if (vcpu->nmi_pending && !vcpu->nmi_masked) {
		vcpu->nmi_pending--;
		return nmi(vcpu);
	}
	if (vcpu->irq_pending < 0 || !(vcpu->rflags & X86_EFLAGS_IF) ||
	    (vcpu->debug & GM_DEBUG_BLOCK_IRQ))
		return 0;
	vcpu->irq_injected = vcpu->irq_pending;
	vcpu->irq_soft = 0;
	vcpu->irq_pending = -1;
	return irq(vcpu);
}

static u32 interruptibility(struct gm_vcpu *vcpu, u32 event)
{
	u32 type = event & VMX_EV_TYPE, i = 0;

	/* With a trap flag of ours it would want a trap that waits, which came before the instruction (27.3.1.5). */
	if (vcpu->int_shadow && !(vcpu->debug & GM_DEBUG_STEP) && (!event || type == VMX_EV_EXC)) {
		i = vmx_of(vcpu)->interruptibility & (VMX_INT_STI | VMX_INT_MOVSS);
		if (i != VMX_INT_STI || !(vcpu->rflags & X86_EFLAGS_IF))
			i = VMX_INT_MOVSS;
	}
	if ((vmx_caps.pin & VMX_PIN_VNMI) && vcpu->nmi_masked && !(event && type == VMX_EV_NMI))
		i |= VMX_INT_NMI;
	return i;
}

/*
 * With a local APIC in the kernel the guest's task priority, of which CR8 is the upper half, is in the
 * virtual APIC page; there is an exit when it falls below the priority of an interrupt that waits for that
 * (25.6.8, 30.1).
 */
static u32 cr8_write(struct gm_vcpu *vcpu, u32 cpu)
{
	u8 *vapic = vmx_of(vcpu)->vapic;

	if (!vapic || !vcpu->lapic)
		return cpu;
	vapic[VAPIC_TPR] = gm_lapic_tpr(vcpu);
	vmx_write(VMCS_TPR_THRESHOLD, gm_lapic_threshold(vcpu));
	return (cpu | VMX_CPU_TPR_SHADOW) & ~(VMX_CPU_CR8_LOAD | VMX_CPU_CR8_STORE);
}

/* After the window. */
void vmx_cr8_take(struct gm_vcpu *vcpu)
{
	u8 *vapic = vmx_of(vcpu)->vapic;

	if (vapic && vcpu->lapic && vapic[VAPIC_TPR] != gm_lapic_tpr(vcpu))
		gm_lapic_set_tpr(vcpu, vapic[VAPIC_TPR]);
}

void vmx_events_write(struct gm_vcpu *vcpu)
{
	struct vmx_vcpu *v = vmx_of(vcpu);
	/* What virtual-8086 mode stands in for gets its events in software. */
	u32 event = v->hold == HOLD_V86 ? 0 : next_event(vcpu), i = interruptibility(vcpu, event);
	u32 cpu = cr8_write(vcpu, vmx_caps.cpu);

	vmx_write(VMCS_ENTRY_INFO, event);
	vmx_write(VMCS_INTERRUPTIBILITY, i);
	/* A trap flag in a shadow: the trap is pending (27.3.1.5). */
	if ((i & (VMX_INT_STI | VMX_INT_MOVSS)) && (vcpu->rflags & X86_EFLAGS_TF))
		vmx_write(VMCS_PENDING_DBG, vmx_read(VMCS_PENDING_DBG) | PENDING_BS);
	if (vcpu->irq_pending >= 0 || vcpu->irq_window ||
	    (!vcpu->lapic && READ_ONCE(vcpu->run->request_interrupt_window)))
		cpu |= VMX_CPU_INTR_WINDOW;
	/* The first CPUs do not know when an NMI's handler ends: it does at the latest where interrupts are on. */
	if (vcpu->nmi_pending)
		cpu |= vmx_caps.pin & VMX_PIN_VNMI ? VMX_CPU_NMI_WINDOW : VMX_CPU_INTR_WINDOW;
	if (v->cpu_ctl != cpu)
		vmx_write(VMCS_CPU, cpu);
	v->cpu_ctl = cpu;
}

/* ---- out of it ---- */

/*
 * Software exceptions need nothing: RIP is still at the instruction. So it is with a software interrupt, but it
 * comes before an interrupt that waits, also where the shadow of STI is gone.
 */
static void collect_event(struct gm_vcpu *vcpu, u32 info)
{
	u8 nr = info;

	vcpu->exc.valid = 0;
	vcpu->nmi_injected = 0;
	vcpu->irq_injected = -1;
	if (!(info & VMX_EV_VALID))
		return;
	switch (info & VMX_EV_TYPE) {
	case VMX_EV_INTR:
		vcpu->irq_injected = nr;
		vcpu->irq_soft = 0;
		break;
	case VMX_EV_SOFT:
		/*
		 * In real mode it is emulated, after the #GP of virtual-8086 mode: that comes before the delivery,
		 * but Bochs says that it was under way.
		 */
		if (vmx_of(vcpu)->hold == HOLD_V86)
			break;
		vcpu->irq_injected = nr;
		vcpu->irq_soft = 1;
		vmx_of(vcpu)->soft_len = vmx_read(VMCS_INSN_LEN);
		break;
	case VMX_EV_NMI:
		vcpu->nmi_injected = 1;
		break;
	case VMX_EV_EXC:
		vcpu->exc.valid = 1;
		vcpu->exc.nr = nr;
		vcpu->exc.has_err = !!(info & VMX_EV_ERR);
		vcpu->exc.err = info & VMX_EV_ERR ? vmx_read(VMCS_IDT_ERR) : 0;
		break;
	}
}

static const u8 kinds[] = {
	[VMX_R_INTR] = GM_X_NONE,       [VMX_R_TRIPLE] = GM_X_SHUTDOWN,
	[VMX_R_INIT] = GM_X_NONE,       [VMX_R_SIPI] = GM_X_NONE,
	[5] = GM_X_UNKNOWN,             [6] = GM_X_UNKNOWN,
	[VMX_R_INTR_WINDOW] = GM_X_NONE, [VMX_R_NMI_WINDOW] = GM_X_NONE,
	[VMX_R_TASK] = GM_X_TASK,       [VMX_R_CPUID] = GM_X_CPUID,
	[VMX_R_GETSEC] = GM_X_UD,       [VMX_R_HLT] = GM_X_HLT,
	[VMX_R_INVD] = GM_X_SKIP,       [VMX_R_INVLPG] = GM_X_INVLPG,
	[VMX_R_RDPMC] = GM_X_GP,        [16] = GM_X_UNKNOWN,
	[VMX_R_RSM] = GM_X_UD,          [VMX_R_VMCALL] = GM_X_HYPERCALL,
	[VMX_R_VMCALL + 1 ... VMX_R_VMXON] = GM_X_UD,
	[VMX_R_CR] = GM_X_EMULATE,      [VMX_R_DR] = GM_X_EMULATE,
	[VMX_R_IO] = GM_X_IO,           [VMX_R_RDMSR] = GM_X_RDMSR,
	[VMX_R_WRMSR] = GM_X_WRMSR,     [VMX_R_BAD_GUEST ... 35] = GM_X_UNKNOWN,
	[VMX_R_MWAIT] = GM_X_UD,        [37 ... 38] = GM_X_UNKNOWN,
	[VMX_R_MONITOR] = GM_X_UD,      [VMX_R_PAUSE] = GM_X_SKIP,
	[VMX_R_MCE_ENTRY ... 42] = GM_X_UNKNOWN,
	[VMX_R_TPR] = GM_X_NONE,        [VMX_R_APIC ... 47] = GM_X_UNKNOWN,
	[VMX_R_EPT] = GM_X_PAGE,        [VMX_R_EPT_MISCONFIG] = GM_X_UNKNOWN,
	[VMX_R_INVEPT] = GM_X_UD,       [VMX_R_RDTSCP] = GM_X_UD,
	[VMX_R_TIMER] = GM_X_NONE,      [VMX_R_INVVPID] = GM_X_UD,
	[VMX_R_WBINVD] = GM_X_SKIP,     [VMX_R_XSETBV] = GM_X_XSETBV,
	[56 ... 57] = GM_X_UNKNOWN,     [VMX_R_INVPCID] = GM_X_UD,
	[VMX_R_VMFUNC] = GM_X_UD,       [60 ... 62] = GM_X_UNKNOWN,
	[VMX_R_XSAVES] = GM_X_UD,       [VMX_R_XRSTORS] = GM_X_UD,
};

/* Else it is a split lock, which the host wants to hear of in its own programs (TEST_CTRL), or real mode. */
static int ac_is_guests(struct gm_vcpu *vcpu)
{
	return (vcpu->cr0 & X86_CR0_AM) && (vcpu->rflags & X86_EFLAGS_AC) && vmx_of(vcpu)->hold != HOLD_V86 &&
	       (vmx_read(VMCS_GUEST_AR + 2 * GM_SS) >> 5 & 3) == 3;
}

/* An IRET that was under way has ended the blocking of NMIs, and is to be executed again (28.2.3). */
static void nmi_block(struct gm_vcpu *vcpu, const struct gm_exit *x, u32 info)
{
	if ((vmx_caps.pin & VMX_PIN_VNMI) && (info & VMX_EV_UNBLOCKED) && !x->in_event)
		vcpu->nmi_masked = 1;
}

static void exit_exception(struct gm_vcpu *vcpu, struct gm_exit *x)
{
	u32 info = vmx_read(VMCS_EXIT_INFO);
	unsigned long qual;

	x->kind = GM_X_NONE;
	if ((u8)info != DF_VECTOR)
		nmi_block(vcpu, x, info);
	switch ((u8)info) {
	case DB_VECTOR:
		qual = vmx_read(VMCS_QUALIFICATION);
		x->kind = GM_X_DB;
		x->code = (vcpu->dr6 & ~DR6_HITS) | (qual & DR6_EVENTS);
		vcpu->dr7 &= ~DR7_GD;
		/* All of it is told; Bochs keeps it pending all the same. */
		vmx_write(VMCS_PENDING_DBG, 0);
		if ((info & VMX_EV_TYPE) == VMX_EV_ICEBP)
			vcpu->rip += vmx_read(VMCS_INSN_LEN);
		break;
	case BP_VECTOR:
		x->kind = vcpu->debug & GM_DEBUG_SW_BP ? GM_X_BP : GM_X_EMULATE;
		break;
	case UD_VECTOR:
		x->kind = GM_X_UD_INSN;
		break;
	case AC_VECTOR:
		if (ac_is_guests(vcpu))
			gm_queue_exception(vcpu, AC_VECTOR, 1, 0);
		else
			x->kind = GM_X_EMULATE;
		break;
	case PF_VECTOR:
		x->kind = GM_X_PAGE;
		x->addr = vmx_read(VMCS_QUALIFICATION);
		x->acc = vmx_read(VMCS_EXIT_ERR);
		break;
	case NMI_VECTOR:
	case MC_VECTOR:
		x->host_vector = info;
		break;
	default:
		if (vmx_of(vcpu)->hold == HOLD_V86)
			vmx_v86_exception(vcpu, x, info);
		else
			x->kind = GM_X_UNKNOWN;
	}
}

static void exit_io(struct gm_exit *x)
{
	u32 qual = vmx_read(VMCS_QUALIFICATION);

	if (qual & 0x10) {
		x->kind = GM_X_EMULATE;
		return;
	}
	x->in = qual >> 3 & 1;
	x->size = (qual & 7) + 1;
	x->port = qual >> 16;
}

/* A task switch: also what an event wanted whose vector is a task gate. */
static void exit_task(struct gm_vcpu *vcpu, struct gm_exit *x, u32 idt)
{
	static const u8 sources[] = { X86_TASK_CALL, X86_TASK_IRET, X86_TASK_JMP, X86_TASK_INT };
	u32 qual = vmx_read(VMCS_QUALIFICATION), type = idt & VMX_EV_TYPE;

	x->task.sel = qual;
	x->task.source = sources[qual >> 30];
	x->task.has_err = x->in_event && (idt & VMX_EV_ERR);
	x->task.err = x->task.has_err ? vmx_read(VMCS_IDT_ERR) : 0;
	/* RIP is at the instruction that asked for it; at nothing of the kind when an event did. */
	if (x->in_event && type != VMX_EV_SOFT && type != VMX_EV_SOFT_EXC && type != VMX_EV_ICEBP)
		x->next_rip = vcpu->rip;
	vcpu->exc.valid = 0;
	vcpu->nmi_injected = 0;
	vcpu->irq_injected = -1;
}

/* In the local APIC's page, as the CPU has found: an operand, or else what makes no sense there (28.2.1). */
static void exit_apic(struct gm_exit *x)
{
	u32 qual = vmx_read(VMCS_QUALIFICATION);

	if (qual >> 12 & 14)
		return;
	x->kind = GM_X_EMULATE;
	x->addr = APIC_DEFAULT_PHYS_BASE | (qual & ~PAGE_MASK);
	x->acc = qual >> 12 & 1 ? GM_PF_WRITE : 0;
	x->data_gpa = 1;
}

static void exit_ept(struct gm_vcpu *vcpu, struct gm_exit *x)
{
	u32 qual = vmx_read(VMCS_QUALIFICATION);

	x->addr = vmx_read64(VMCS_GUEST_PA);
	/* Of the access itself, not of a walk to it. */
	x->data_gpa = (qual & 0x184) == 0x180;
	x->acc = (qual & 2 ? GM_PF_WRITE : 0) | (qual & 4 ? GM_PF_FETCH : 0);
	nmi_block(vcpu, x, qual);
}

/*
 * An exit leaves no trap pending but what MOV SS holds back, or what INIT or a machine check came before
 * (28.3.4). Bochs leaves the single step that it was about to make, which would end before the instruction.
 */
static void traps_drop(struct gm_vcpu *vcpu, u32 reason)
{
	if (!(vcpu->rflags & X86_EFLAGS_TF) && !(vcpu->debug & GM_DEBUG_STEP))
		return;
	if ((vmx_of(vcpu)->interruptibility & VMX_INT_MOVSS) || reason == VMX_R_INIT ||
	    (reason == VMX_R_EXC && (u8)vmx_read(VMCS_EXIT_INFO) == MC_VECTOR))
		return;
	vmx_write(VMCS_PENDING_DBG, 0);
}

static void next_rip(struct gm_vcpu *vcpu, struct gm_exit *x)
{
	x->next_rip = vcpu->rip + vmx_read(VMCS_INSN_LEN);
	if (!(vcpu->efer & EFER_LMA))
		x->next_rip = (u32)x->next_rip;
}

void vmx_exit_read(struct gm_vcpu *vcpu, struct gm_exit *x)
{
	u32 reason = vmx_read(VMCS_REASON), idt = vmx_read(VMCS_IDT_INFO);

	x->code = reason;
	if (reason & VMX_REASON_FAILED) {
		x->kind = GM_X_FAIL;
		if ((u16)reason == VMX_R_MCE_ENTRY)
			x->host_vector = MC_VECTOR;
		return;
	}
	traps_drop(vcpu, reason);
	collect_event(vcpu, idt);
	x->in_event = !!(idt & VMX_EV_VALID);
	x->kind = reason < ARRAY_SIZE(kinds) ? kinds[reason] : GM_X_UNKNOWN;
	switch (reason) {
	case VMX_R_EXC:
		exit_exception(vcpu, x);
		return;
	case VMX_R_EPT:
		exit_ept(vcpu, x);
		return;
	case VMX_R_IO:
		exit_io(x);
		break;
	case VMX_R_APIC:
		exit_apic(x);
		return;
	case VMX_R_INVLPG:
		x->addr = vmx_read(VMCS_QUALIFICATION);
		break;
	}
	if (x->kind != GM_X_NONE)
		next_rip(vcpu, x);
	if (reason == VMX_R_TASK)
		exit_task(vcpu, x, idt);
}

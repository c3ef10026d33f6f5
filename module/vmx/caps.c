// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What this CPU's VT-x can do: every control is checked against its capability register (Intel SDM
 * volume 3, appendix A). Nested paging (EPT) is used with unrestricted guests only: without them a guest with
 * paging off needs tables of ours anyway, and gets them by shadow paging.
 */
#include "module/vmx/vmx.h"

#include <asm/cpufeature.h>
#include <asm/msr.h>

#define BASIC_TRUE    (1ull << 55)
#define BASIC_SIZE(b) ((u32)((b) >> 32) & 0x1fff)
#define CTLS2_CAPS    ((u64)VMX_CPU_SECONDARY << 32)

#define CR4_FRED 32

struct vmx_caps vmx_caps;

int vmx_probe(void)
{
	u64 ctl = 0;

	if (!boot_cpu_has(X86_FEATURE_VMX))
		return -ENODEV;
	/* host_vector() would be an event that the kernel does not know, and the end of it. */
	if ((u64)__read_cr4() >> CR4_FRED & 1) {
		pr_err("guestmode: a host with FRED is not supported on VT-x: boot it with fred=off\n");
		return -ENODEV;
	}
	if (rdmsrl_safe(MSR_IA32_FEAT_CTL, &ctl) || !(ctl & FEAT_CTL_LOCKED) ||
	    !(ctl & FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX)) {
		pr_err("guestmode: VT-x is switched off in the firmware\n");
		return -ENODEV;
	}
	return vmx_caps_setup();
}

/* The controls of a capability register: what must be on, all of `need`, what there is of `like`. */
static int controls(u32 index, u32 need, u32 like, u32 *out)
{
	u32 must, may;

	rdmsr(index, must, may);
	*out = ((need | like) & may) | must;
	return need & ~*out ? -ENODEV : 0;
}

static int primary(u64 basic)
{
	const u32 shift = basic & BASIC_TRUE ? MSR_IA32_VMX_TRUE_PINBASED_CTLS -
					       MSR_IA32_VMX_PINBASED_CTLS : 0;
	struct vmx_caps *c = &vmx_caps;
	u32 host = IS_ENABLED(CONFIG_X86_64) ? VMX_EXIT_HOST_64 : 0;

	return controls(MSR_IA32_VMX_PINBASED_CTLS + shift, VMX_PIN_INTR | VMX_PIN_NMI,
			VMX_PIN_VNMI | VMX_PIN_TIMER, &c->pin) ||
	       controls(MSR_IA32_VMX_PROCBASED_CTLS + shift,
			VMX_CPU_TSC_OFFSET | VMX_CPU_HLT | VMX_CPU_INVLPG | VMX_CPU_MWAIT |
			VMX_CPU_RDPMC | VMX_CPU_CR8_LOAD * !!host | VMX_CPU_CR8_STORE * !!host |
			VMX_CPU_MOV_DR | VMX_CPU_IO | VMX_CPU_MONITOR | VMX_CPU_CR3_LOAD |
			VMX_CPU_CR3_STORE,
			VMX_CPU_MSR_BITMAP | VMX_CPU_SECONDARY | VMX_CPU_TPR_SHADOW * !!host, &c->cpu) ||
	       controls(MSR_IA32_VMX_EXIT_CTLS + shift, VMX_EXIT_SAVE_DEBUG | host,
			VMX_EXIT_LOAD_PAT | VMX_EXIT_LOAD_EFER, &c->exit) ||
	       controls(MSR_IA32_VMX_ENTRY_CTLS + shift, VMX_ENTRY_LOAD_DEBUG,
			VMX_ENTRY_LOAD_PAT | VMX_ENTRY_LOAD_EFER, &c->entry) ? -ENODEV : 0;
}

/* PAT and EFER are switched both ways or not at all. */
static void pair(u32 exit, u32 entry)
{
	struct vmx_caps *c = &vmx_caps;

	if (!(c->exit & exit) || !(c->entry & entry)) {
		c->exit &= ~exit;
		c->entry &= ~entry;
	}
}

static int ept_usable(u32 may)
{
	const u64 need = VMX_EPT_WALK4 | VMX_EPT_WB | VMX_EPT_INVEPT;
	struct vmx_caps *c = &vmx_caps;

	return gm_nested && (may & VMX_CPU2_EPT) && (may & VMX_CPU2_UNRESTRICTED) &&
	       (c->ept & need) == need && (c->ept & (VMX_EPT_INVEPT_ONE | VMX_EPT_INVEPT_ALL)) &&
	       (c->entry & VMX_ENTRY_LOAD_EFER) && (c->entry & VMX_ENTRY_LOAD_PAT);
}

static int secondary(void)
{
	struct vmx_caps *c = &vmx_caps;
	u32 must, may, want = VMX_CPU2_WBINVD;

	if (!(c->cpu & VMX_CPU_SECONDARY))
		return 0;
	rdmsr(MSR_IA32_VMX_PROCBASED_CTLS2, must, may);
	if (may & (VMX_CPU2_EPT | VMX_CPU2_VPID))
		rdmsrl(MSR_IA32_VMX_EPT_VPID_CAP, c->ept);
	if (ept_usable(may)) {
		want |= VMX_CPU2_EPT | VMX_CPU2_UNRESTRICTED;
		c->unrestricted = 1;
		c->eptp = EPTP_WB | EPTP_WALK4 | (c->ept & VMX_EPT_AD ? EPTP_AD : 0);
		c->cpu &= ~(VMX_CPU_CR3_LOAD | VMX_CPU_CR3_STORE | VMX_CPU_INVLPG);
	}
	if ((c->ept & VMX_EPT_INVVPID) && (c->ept & VMX_EPT_INVVPID_ONE))
		want |= VMX_CPU2_VPID;
	gm_tsc_scaling = !!(may & VMX_CPU2_TSC_SCALING);
	want |= VMX_CPU2_TSC_SCALING;
	c->cpu2 = (want & may) | must;
	c->cpu2_can = may;
	return 0;
}

static void paging_setup(void)
{
	struct gm_paging *p = &gm_paging;

	p->nested = vmx_caps.unrestricted;
	p->levels = 4;
	p->max_level = vmx_caps.ept & VMX_EPT_1G ? 3 : vmx_caps.ept & VMX_EPT_2M ? 2 : 1;
	p->table = EPT_READ | EPT_WRITE | EPT_EXEC;
	p->leaf = EPT_READ | EPT_EXEC | EPT_WB | EPT_IPAT;
	p->write = EPT_WRITE;
	p->large = EPT_LARGE;
	p->apic_page = p->nested && (vmx_caps.cpu2_can & VMX_CPU2_APIC);
	p->small_only = gm_cpu_itlb_multihit() ? EPT_EXEC : 0;
	p->accessed = vmx_caps.ept & VMX_EPT_AD ? EPT_A : 0;
}

int vmx_caps_setup(void)
{
	struct vmx_caps *c = &vmx_caps;
	u64 basic, misc;

	memset(c, 0, sizeof(*c));
	rdmsrl(MSR_IA32_VMX_BASIC, basic);
	rdmsrl(MSR_IA32_VMX_MISC, misc);
	if (BASIC_SIZE(basic) > PAGE_SIZE || primary(basic))
		return -ENODEV;
	pair(VMX_EXIT_LOAD_PAT, VMX_ENTRY_LOAD_PAT);
	pair(VMX_EXIT_LOAD_EFER, VMX_ENTRY_LOAD_EFER);
	c->revision = basic & 0x7fffffff;
	c->timer_shift = misc & 31;
	/* For vCPUs with a local APIC in the kernel: vmx_events_write(). */
	c->tpr_shadow = !!(c->cpu & VMX_CPU_TPR_SHADOW);
	c->cpu &= ~VMX_CPU_TPR_SHADOW;
	if (secondary())
		return -ENODEV;
	/* Shadow tables are made for the host's PAT. */
	if (!c->unrestricted) {
		c->exit &= ~VMX_EXIT_LOAD_PAT;
		c->entry &= ~VMX_ENTRY_LOAD_PAT;
	}
	rdmsrl(MSR_IA32_VMX_CR0_FIXED0, c->cr0_set);
	rdmsrl(MSR_IA32_VMX_CR0_FIXED1, c->cr0_can);
	rdmsrl(MSR_IA32_VMX_CR4_FIXED0, c->cr4_set);
	rdmsrl(MSR_IA32_VMX_CR4_FIXED1, c->cr4_can);
	/* Without it a machine check of the host in guest mode is a shutdown. */
	c->cr4_set |= __read_cr4() & X86_CR4_MCE;
	if (c->unrestricted)
		c->cr0_set &= ~(u64)(X86_CR0_PE | X86_CR0_PG);
	paging_setup();
	return 0;
}

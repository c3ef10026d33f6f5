// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Intel VT-x. Intel SDM volume 3, chapters 24 to 29. vmx.h tells what is in which file.
 */
#include "module/vmx/vmx.h"

#include <linux/gfp.h>
#include <linux/slab.h>
#include <asm/fpu/api.h>
#include <asm/io.h>

#define MC_VECTOR 18

static int vmx_setup(void)
{
	int ret = vmx_window_setup();

	if (ret)
		return ret;
	ret = vmx_state_setup();
	if (ret)
		vmx_window_cleanup();
	return ret;
}

static void vmx_cleanup(void)
{
	vmx_state_cleanup();
	vmx_window_cleanup();
}

static void vmx_vcpu_fini(struct gm_vcpu *vcpu)
{
	struct vmx_vcpu *v = vmx_of(vcpu);

	free_page((unsigned long)v->vmcs);
	free_page((unsigned long)v->vapic);
	kfree(v);
	vcpu->arch = NULL;
}

static int vmx_vcpu_init(struct gm_vcpu *vcpu)
{
	struct vmx_vcpu *v = kzalloc(sizeof(*v), GFP_KERNEL_ACCOUNT);

	if (!v)
		return -ENOMEM;
	vcpu->arch = v;
	v->vmcs = (void *)__get_free_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (vmx_caps.tpr_shadow)
		v->vapic = (u8 *)__get_free_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!v->vmcs || (vmx_caps.tpr_shadow && !v->vapic)) {
		vmx_vcpu_fini(vcpu);
		return -ENOMEM;
	}
	*(u32 *)v->vmcs = vmx_caps.revision;
	v->fresh = 1;
	v->soft_len = 2;
	v->valid = VMX_ALL_SEGS;
	return 0;
}

/* One entry, in an open window. */
static void run_open(struct gm_vcpu *vcpu, struct vmx_window *w, struct gm_exit *x)
{
	struct vmx_vcpu *v = vmx_of(vcpu);

	v->launched = 0;
	if (v->fresh)
		vmx_constants_write(vcpu);
	v->fresh = 0;
	vmx_state_write(vcpu);
	vmx_events_write(vcpu);
	vmx_host_write(vcpu, w);
	if (vmx_enter(vcpu)) {
		x->kind = GM_X_FAIL;
		x->code = vmx_read(VMCS_INSN_ERROR);
		return;
	}
	vmx_state_read(vcpu);
	vmx_exit_read(vcpu, x);
}

/*
 * What an exit has taken from the host's interrupt table is handed to it. The exit blocks NMIs as
 * an NMI does, until the IRET of the handler.
 */
static void host_vector(u8 vector)
{
	if (vector == NMI_VECTOR)
		asm volatile("int $2");
	else if (vector == MC_VECTOR)
		gm_host_machine_check();
}

static int vmx_run(struct gm_vcpu *vcpu, struct gm_exit *x)
{
	u64 pa = virt_to_phys(vmx_of(vcpu)->vmcs);
	struct vmx_window w;
	int ret;

	x->kind = GM_X_NONE;
	if (!vmx_hold_prepare(vcpu, x))
		return 0;
	vmx_state_prepare(vcpu);
	preempt_disable();
	local_irq_disable();
	/* Whatever asks for this thread's attention after this sends an interrupt. */
	if (!gm_vcpu_may_enter(vcpu)) {
		local_irq_enable();
		preempt_enable();
		return 0;
	}
	kernel_fpu_begin();
	gm_fpu_load(vcpu);
	ret = vmx_open(&w, pa);
	if (!ret) {
		run_open(vcpu, &w, x);
		vmx_close(&w, pa);
	}
	gm_fpu_save(vcpu);
	kernel_fpu_end();
	gm_vcpu_left(vcpu);
	host_vector(x->host_vector);
	local_irq_enable();
	preempt_enable();
	if (!ret)
		vmx_cr8_take(vcpu);
	return ret;
}

const struct gm_backend gm_backend_vmx = {
	.name = "VT-x",
	.probe = vmx_probe,
	.setup = vmx_setup,
	.cleanup = vmx_cleanup,
	.vcpu_init = vmx_vcpu_init,
	.vcpu_fini = vmx_vcpu_fini,
	.run = vmx_run,
	.get_seg = vmx_get_seg,
	.set_seg = vmx_set_seg,
	.get_cpl = vmx_get_cpl,
	.msr = vmx_msr,
	.update = vmx_update,
};

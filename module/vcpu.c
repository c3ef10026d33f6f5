// SPDX-License-Identifier: GPL-2.0-or-later
/* A vCPU: its descriptor, its mapping, and RUN. */
#include "module/gm.h"
#include "module/trace.h"

#include <linux/fs.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

static void vcpu_free(struct gm_vcpu *vcpu)
{
	gm_lapic_free(vcpu);
	gm_mmu_vcpu_fini(vcpu);
	if (vcpu->arch)
		gm_backend->vcpu_fini(vcpu);
	free_page((unsigned long)vcpu->fpu);
	vfree(vcpu->run);
	kvfree(vcpu);
}

static int vcpu_release(struct inode *inode, struct file *file)
{
	struct gm_vcpu *vcpu = file->private_data;
	struct gm_vm *vm = vcpu->vm;

	mutex_lock(&vm->lock);
	vm->vcpus[vcpu->id] = NULL;
	vm->nvcpus--;
	mutex_unlock(&vm->lock);
	vcpu_free(vcpu);
	gm_vm_put(vm);
	return 0;
}

static int vcpu_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct gm_vcpu *vcpu = file->private_data;
	unsigned long addr, index = vma->vm_pgoff;
	struct page *page;
	int ret = 0;

	if (index + vma_pages(vma) > GM_RUN_PAGES + 1)
		return -EINVAL;
	for (addr = vma->vm_start; addr < vma->vm_end && !ret; addr += PAGE_SIZE, index++) {
		if (index == GM_RUN_PAGES)
			page = virt_to_page(vcpu->vm->ring);
		else
			page = vmalloc_to_page((u8 *)vcpu->run + index * PAGE_SIZE);
		ret = vm_insert_page(vma, addr, page);
	}
	return ret;
}

/* ---- attention ---- */

void gm_vcpu_request(struct gm_vcpu *vcpu, unsigned int req)
{
	int cpu;

	set_bit(req, &vcpu->requests);
	smp_mb(); /* pairs with the one in gm_vcpu_may_enter() */
	preempt_disable();
	cpu = READ_ONCE(vcpu->guest_cpu);
	/* On this CPU it is not in guest mode: we run. */
	if (cpu >= 0 && cpu != smp_processor_id())
		gm_cpu_kick(cpu);
	preempt_enable();
	if (waitqueue_active(&vcpu->wq))
		wake_up(&vcpu->wq);
}

/* Sleeps until there is a request or a signal. */
static void vcpu_block(struct gm_vcpu *vcpu)
{
	wait_event_interruptible(vcpu->wq, READ_ONCE(vcpu->requests) ||
					   READ_ONCE(vcpu->run->immediate_exit));
}

/* INIT and start-up messages (SDM volume 3, 9.4); the boot processor starts by itself. */
static void service_init(struct gm_vcpu *vcpu)
{
	if (test_and_clear_bit(GM_REQ_INIT, &vcpu->requests)) {
		gm_vcpu_init(vcpu);
		gm_lapic_reset(vcpu);
		vcpu->pending = GM_PEND_NONE;
		vcpu->mp_state = vcpu->apic_base & 0x100 ? GM_MP_RUNNABLE : GM_MP_INIT_RECEIVED;
	}
	if (test_and_clear_bit(GM_REQ_SIPI, &vcpu->requests) &&
	    vcpu->mp_state == GM_MP_INIT_RECEIVED) {
		gm_vcpu_sipi(vcpu, gm_lapic_sipi(vcpu));
		vcpu->mp_state = GM_MP_RUNNABLE;
	}
}

/* The next interrupt, if the guest can take one now; HLT ends with it. */
static void service_irq(struct gm_vcpu *vcpu)
{
	int can = (vcpu->mp_state == GM_MP_RUNNABLE || vcpu->mp_state == GM_MP_HALTED) &&
		  gm_can_inject(vcpu) && !(vcpu->nmi_pending && !vcpu->nmi_masked);
	int v = gm_irq_take(vcpu, can);

	if (v < 0)
		return;
	vcpu->irq_injected = v;
	vcpu->irq_soft = 0;
	vcpu->mp_state = GM_MP_RUNNABLE;
}

/* The guest's pages are to be written though nobody asked: another CPU, or time that was stolen. */
static int clock_waits(struct gm_vcpu *vcpu)
{
	return ((vcpu->pv.system & 1) && vcpu->pv.cpu != raw_smp_processor_id()) ||
	       ((vcpu->pv.steal & 1) && vcpu->pv.delay != gm_run_delay());
}

/* Answers requests, before an entry. */
static void vcpu_service(struct gm_vcpu *vcpu)
{
	clear_bit(GM_REQ_KICK, &vcpu->requests);
	gm_clock_service(vcpu);
	if (!vcpu->lapic)
		return;
	service_init(vcpu);
	if (test_and_clear_bit(GM_REQ_NMI, &vcpu->requests)) {
		vcpu->nmi_pending = min(vcpu->nmi_pending + gm_lapic_nmis(vcpu), 2u);
		if (vcpu->mp_state == GM_MP_HALTED && !vcpu->nmi_masked)
			vcpu->mp_state = GM_MP_RUNNABLE;
	}
	clear_bit(GM_REQ_IRQ, &vcpu->requests);
	smp_mb(); /* what asks anew after this is looked at again */
	service_irq(vcpu);
}

/* An external interrupt handed over now would be accepted and delivered at the next entry. */
int gm_can_inject(struct gm_vcpu *vcpu)
{
	return (vcpu->rflags & X86_EFLAGS_IF) && !vcpu->int_shadow && !vcpu->exc.valid &&
	       !vcpu->nmi_injected && vcpu->irq_injected < 0 && vcpu->irq_pending < 0;
}

int gm_run_loop(struct gm_vcpu *vcpu)
{
	struct gm_exit exit;
	int ret;

	if (!vcpu->lapic)
		vcpu->mp_state = GM_MP_RUNNABLE;
	ret = gm_exit_complete(vcpu);
	while (ret > 0) {
		if (signal_pending(current) || READ_ONCE(vcpu->run->immediate_exit)) {
			/* Who asks for an immediate exit still wants to see the last one's reason. */
			if (signal_pending(current))
				vcpu->run->exit_reason = GM_EXIT_INTR;
			vcpu->stats.signals++;
			return -EINTR;
		}
		if (gm_user_work()) {
			vcpu->run->exit_reason = GM_EXIT_INTR;
			return -ERESTARTNOHAND;
		}
		if (!vcpu->lapic && READ_ONCE(vcpu->run->request_interrupt_window) &&
		    gm_can_inject(vcpu)) {
			vcpu->run->exit_reason = GM_EXIT_IRQ_WINDOW_OPEN;
			return 0;
		}
		if (READ_ONCE(vcpu->requests) || vcpu->irq_window || clock_waits(vcpu))
			vcpu_service(vcpu);
		if (vcpu->mp_state != GM_MP_RUNNABLE) {
			vcpu_block(vcpu);
			continue;
		}
		cond_resched();
		memset(&exit, 0, sizeof(exit));
		exit.kind = GM_X_NONE;
		ret = vcpu->mmu.reload ? gm_mmu_reload(vcpu) : 0;
		if (!ret)
			ret = gm_backend->run(vcpu, &exit);
		if (vcpu->pv.eoi_offered)
			gm_lapic_pv_eoi(vcpu);
		if (!ret)
			ret = gm_exit_handle(vcpu, &exit);
	}
	return ret;
}

static long vcpu_run(struct gm_vcpu *vcpu)
{
	struct gm_run *run = vcpu->run;
	u64 cr8 = READ_ONCE(run->cr8);
	sigset_t saved;
	long ret;

	if (!vcpu->lapic) {
		if (cr8 > 15)
			return -EINVAL;
		vcpu->cr8 = cr8;
	}
	ret = gm_sync_in(vcpu);
	if (ret)
		return ret;
	if (vcpu->sigset_active)
		sigprocmask(SIG_SETMASK, &vcpu->sigset, &saved);
	vcpu->stats.runs++;
	ret = gm_run_loop(vcpu);
	gm_user_barrier();
	trace_gm_return(vcpu->id, run->exit_reason, ret);
	run->ready_for_interrupt_injection = gm_can_inject(vcpu);
	run->if_flag = !!(vcpu->rflags & X86_EFLAGS_IF);
	run->flags = 0;
	run->cr8 = vcpu->cr8;
	run->apic_base = vcpu->apic_base;
	gm_sync_out(vcpu);
	if (vcpu->sigset_active)
		sigprocmask(SIG_SETMASK, &saved, NULL);
	/* Done on the way out, then RUN is called again, unless a signal was handled: then it is EINTR. */
	if (ret == -ERESTARTNOHAND)
		set_thread_flag(TIF_SIGPENDING);
	return ret;
}

static long set_signal_mask(struct gm_vcpu *vcpu, struct gm_signal_mask __user *arg)
{
	sigset_t set;
	u32 len;

	if (!arg) {
		vcpu->sigset_active = 0;
		return 0;
	}
	if (get_user(len, &arg->len))
		return -EFAULT;
	if (len != sizeof(set))
		return -EINVAL;
	if (copy_from_user(&set, arg->sigset, sizeof(set)))
		return -EFAULT;
	sigdelsetmask(&set, sigmask(SIGKILL) | sigmask(SIGSTOP));
	vcpu->sigset = set;
	vcpu->sigset_active = 1;
	return 0;
}

static long vcpu_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct gm_vcpu *vcpu = file->private_data;
	long ret;

	if (vcpu->vm->mm != current->mm)
		return -EIO;
	if (cmd == GM_GET_STATS_FD)
		return gm_stats_fd_vcpu(file, vcpu);
	if (mutex_lock_killable(&vcpu->mutex))
		return -EINTR;
	switch (cmd) {
	case GM_RUN:
		ret = arg ? -EINVAL : vcpu_run(vcpu);
		break;
	case GM_SET_SIGNAL_MASK:
		ret = set_signal_mask(vcpu, (void __user *)arg);
		break;
	default:
		ret = gm_state_ioctl(vcpu, cmd, (void __user *)arg);
	}
	mutex_unlock(&vcpu->mutex);
	return ret;
}

static const struct file_operations vcpu_fops = {
	.owner = THIS_MODULE,
	.release = vcpu_release,
	.unlocked_ioctl = vcpu_ioctl,
	.compat_ioctl = gm_compat_ioctl,
	.mmap = vcpu_mmap,
	.llseek = noop_llseek,
};

static struct gm_vcpu *vcpu_alloc(struct gm_vm *vm, unsigned int id)
{
	struct gm_vcpu *vcpu = kvzalloc(sizeof(*vcpu), GFP_KERNEL_ACCOUNT);

	if (!vcpu)
		return NULL;
	mutex_init(&vcpu->mutex);
	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->serial = gm_serial_next();
	vcpu->last_cpu = -1;
	vcpu->guest_cpu = -1;
	init_waitqueue_head(&vcpu->wq);
	vcpu->tsc_offset = vm->tsc_offset;
	vcpu->tsc_ratio = GM_TSC_RATIO_ONE;
	vcpu->tsc_khz = gm_tsc_khz();
	vcpu->run = vmalloc_user(GM_RUN_PAGES * PAGE_SIZE);
	vcpu->fpu = (u8 *)__get_free_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!vcpu->run || !vcpu->fpu || gm_mmu_vcpu_init(vcpu) || gm_backend->vcpu_init(vcpu)) {
		vcpu_free(vcpu);
		return NULL;
	}
	gm_vcpu_reset(vcpu);
	return vcpu;
}

int gm_vcpu_create(struct gm_vm *vm, struct file *from, unsigned long id)
{
	struct gm_vcpu *vcpu;
	int fd = -EEXIST;

	if (id >= GM_MAX_VCPUS || id >= READ_ONCE(vm->max_vcpu_id))
		return -EINVAL;
	vcpu = vcpu_alloc(vm, id);
	if (!vcpu)
		return -ENOMEM;
	/* The descriptor is visible to other threads at once, so all that it needs comes before. */
	mutex_lock(&vm->lock);
	if (vm->vcpus[id])
		goto fail;
	fd = gm_lapic_create(vcpu);
	if (fd)
		goto fail;
	kref_get(&vm->refs);
	vm->vcpus[id] = vcpu;
	vm->nvcpus++;
	fd = gm_fd_get(from, "guestmode-vcpu", &vcpu_fops, vcpu);
	if (fd >= 0) {
		mutex_unlock(&vm->lock);
		return fd;
	}
	vm->vcpus[id] = NULL;
	vm->nvcpus--;
	/* Not the last reference: the caller's descriptor of the VM holds one. */
	gm_vm_put(vm);
fail:
	mutex_unlock(&vm->lock);
	vcpu_free(vcpu);
	return fd;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* A virtual machine and its ioctls (uapi/guestmode.h). */
#include "module/gm.h"

#include <linux/fs.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

static void vm_free(struct kref *refs)
{
	struct gm_vm *vm = container_of(refs, struct gm_vm, refs);

	gm_stats_vm_end(vm);
	gm_notifier_fini(vm);
	/* No vCPU is left, so nobody uses the tables. */
	gm_mmu_fini(vm);
	gm_slots_free(vm);
	gm_bus_fini(vm);
	gm_irqchip_free(vm);
	gm_mm_drop(vm->mm);
	kvfree(vm);
}

void gm_vm_put(struct gm_vm *vm)
{
	kref_put(&vm->refs, vm_free);
}

static int vm_release(struct inode *inode, struct file *file)
{
	/* Its number is free for another one; vCPUs may keep the VM. */
	gm_stats_vm_end(file->private_data);
	/* They are the program's way in, and hold references. */
	gm_irqfds_end(file->private_data);
	gm_vm_put(file->private_data);
	return 0;
}

static long set_memory_region(struct gm_vm *vm, void __user *arg)
{
	struct gm_memory_region r;

	if (copy_from_user(&r, arg, sizeof(r)))
		return -EFAULT;
	return gm_slot_set(vm, &r);
}

static long get_dirty_log(struct gm_vm *vm, void __user *arg)
{
	struct gm_dirty_log log;

	if (copy_from_user(&log, arg, sizeof(log)))
		return -EFAULT;
	return gm_dirty_log(vm, &log);
}

static long cap_dirty_log(struct gm_vm *vm, u64 arg)
{
	if (arg > 1)
		return -EINVAL;
	down_write(&vm->slots_sem);
	vm->dirty_manual = arg;
	up_write(&vm->slots_sem);
	return 0;
}

static long cap_max_vcpu_id(struct gm_vm *vm, u64 arg)
{
	long ret = 0;

	if (!arg || arg > GM_MAX_VCPUS)
		return -EINVAL;
	mutex_lock(&vm->lock);
	if (vm->nvcpus)
		ret = -EBUSY;
	else if (vm->max_vcpu_id != GM_MAX_VCPUS && vm->max_vcpu_id != arg)
		ret = -EINVAL;
	else
		vm->max_vcpu_id = arg;
	mutex_unlock(&vm->lock);
	return ret;
}

static long enable_cap(struct gm_vm *vm, void __user *arg)
{
	struct gm_enable_cap c;

	if (copy_from_user(&c, arg, sizeof(c)))
		return -EFAULT;
	if (c.flags)
		return -EINVAL;
	switch (c.cap) {
	case GM_CAP_MANUAL_DIRTY_LOG:
		return cap_dirty_log(vm, c.args[0]);
	case GM_CAP_MAX_VCPU_ID:
		return cap_max_vcpu_id(vm, c.args[0]);
	case GM_CAP_MSR_PLATFORM_INFO:
		vm->hide_platform_info = !c.args[0];
		return 0;
	}
	return -EINVAL;
}

static long clear_dirty_log(struct gm_vm *vm, void __user *arg)
{
	struct gm_clear_dirty_log log;

	if (copy_from_user(&log, arg, sizeof(log)))
		return -EFAULT;
	return gm_dirty_clear(vm, &log);
}

static long vm_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct gm_vm *vm = file->private_data;

	if (vm->mm != current->mm)
		return -EIO;
	switch (cmd) {
	case GM_GET_STATS_FD:
		return gm_stats_fd_vm(file, vm);
	case GM_CREATE_VCPU:
		return gm_vcpu_create(vm, file, arg);
	case GM_SET_USER_MEMORY_REGION:
		return set_memory_region(vm, (void __user *)arg);
	case GM_GET_DIRTY_LOG:
		return get_dirty_log(vm, (void __user *)arg);
	case GM_ENABLE_CAP:
		return enable_cap(vm, (void __user *)arg);
	case GM_CLEAR_DIRTY_LOG:
		return clear_dirty_log(vm, (void __user *)arg);
	case GM_SET_TSS_ADDR:
	case GM_SET_IDENTITY_MAP_ADDR:
		return 0;
	case GM_CHECK_EXTENSION:
		return gm_check_extension(arg);
	case GM_GET_TSC_KHZ:
		return gm_tsc_khz();
	}
	return gm_bus_ioctl(vm, cmd, (void __user *)arg);
}

static const struct file_operations vm_fops = {
	.owner = THIS_MODULE,
	.release = vm_release,
	.unlocked_ioctl = vm_ioctl,
	.compat_ioctl = gm_compat_ioctl,
	.llseek = noop_llseek,
};

int gm_vm_create(struct file *from)
{
	struct gm_vm *vm = kvzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	int fd, ret = -ENOMEM;

	if (!vm)
		return -ENOMEM;
	kref_init(&vm->refs);
	mutex_init(&vm->lock);
	init_rwsem(&vm->slots_sem);
	gm_clock_init(vm);
	vm->max_vcpu_id = GM_MAX_VCPUS;
	vm->tsc_offset = 0 - rdtsc();
	vm->mm = current->mm;
	if (gm_bus_init(vm))
		goto fail;
	ret = gm_mmu_init(vm);
	if (ret)
		goto fail_bus;
	ret = gm_notifier_init(vm);
	if (ret)
		goto fail_mmu;
	gm_mm_hold(vm->mm);
	/* Another thread may close the descriptor as soon as it is there. */
	kref_get(&vm->refs);
	fd = gm_fd_get(from, "guestmode-vm", &vm_fops, vm);
	if (fd < 0)
		gm_vm_put(vm);
	else
		gm_stats_vm(vm, fd);
	gm_vm_put(vm);
	return fd;
fail_mmu:
	gm_mmu_fini(vm);
fail_bus:
	gm_bus_fini(vm);
fail:
	kvfree(vm);
	return ret;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The module and its character device. Ioctls are documented in uapi/guestmode.h.
 */
#include "module/gm.h"
#include "module/compat/eventfd.h"

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

static char *device = "guestmode";
module_param(device, charp, 0444);
MODULE_PARM_DESC(device, "name of the device file in /dev");

bool gm_nested = true;
module_param_named(nested, gm_nested, bool, 0444);
MODULE_PARM_DESC(nested, "0: shadow paging, even where the CPU has nested paging");

const struct gm_backend *gm_backend;

static const struct gm_backend *const backends[] = { &gm_backend_svm, &gm_backend_vmx };

static const struct {
	unsigned int cap;
	int value;
} caps[] = {
	{ GM_CAP_USER_MEMORY, 1 },
	{ GM_CAP_SET_TSS_ADDR, 1 },
	{ GM_CAP_EXT_CPUID, 1 },
	{ GM_CAP_NR_VCPUS, GM_MAX_VCPUS },
	{ GM_CAP_NR_MEMSLOTS, GM_MAX_SLOTS },
	{ GM_CAP_MP_STATE, 1 },
#ifdef GM_MMU_NOTIFIERS
	{ GM_CAP_SYNC_MMU, 1 },
#endif
	{ GM_CAP_DESTROY_MEMORY_REGION_WORKS, 1 },
	{ GM_CAP_MANUAL_DIRTY_LOG, 1 },
	{ GM_CAP_USER_NMI, 1 },
	{ GM_CAP_JOIN_MEMORY_REGIONS_WORKS, 1 },
	{ GM_CAP_SET_IDENTITY_MAP_ADDR, 1 },
	{ GM_CAP_MCE, GM_MAX_MCE_BANKS },
	{ GM_CAP_SET_GUEST_DEBUG, 1 },
	{ GM_CAP_INTERNAL_ERROR_DATA, 1 },
	{ GM_CAP_VCPU_EVENTS, 1 },
	{ GM_CAP_INTR_SHADOW, 1 },
	{ GM_CAP_DEBUGREGS, 1 },
	{ GM_CAP_ROBUST_SINGLESTEP, 1 },
	{ GM_CAP_XSAVE, 1 },
	{ GM_CAP_GET_TSC_KHZ, 1 },
	{ GM_CAP_MAX_VCPUS, GM_MAX_VCPUS },
	{ GM_CAP_READONLY_MEM, 1 },
	{ GM_CAP_CHECK_EXTENSION_VM, 1 },
	{ GM_CAP_VCPU_ATTRIBUTES, 1 },
	{ GM_CAP_MAX_VCPU_ID, GM_MAX_VCPUS },
	{ GM_CAP_IMMEDIATE_EXIT, 1 },
	{ GM_CAP_SYNC_REGS, GM_SYNC_ALL },
	{ GM_CAP_GET_MSR_FEATURES, 1 },
	{ GM_CAP_MSR_PLATFORM_INFO, 1 },
	{ GM_CAP_SET_GUEST_DEBUG2, GM_DEBUG_ENABLE | GM_DEBUG_STEP | GM_DEBUG_SW_BP | GM_DEBUG_HW_BP |
				   GM_DEBUG_INJECT_DB | GM_DEBUG_INJECT_BP | GM_DEBUG_BLOCK_IRQ },
	{ GM_CAP_ENFORCE_PV_CPUID, 1 },
	{ GM_CAP_BINARY_STATS_FD, 1 },
	{ GM_CAP_ENABLE_CAP_VM, 1 },
	{ GM_CAP_XSAVE2, sizeof(struct gm_xsave) },
	{ GM_CAP_IRQCHIP, 1 },
	{ GM_CAP_CLOCKSOURCE, 1 },
	{ GM_CAP_ADJUST_CLOCK, GM_CLOCK_TSC_STABLE | GM_CLOCK_REALTIME | GM_CLOCK_HOST_TSC },
	{ GM_CAP_KVMCLOCK_CTRL, 1 },
	{ GM_CAP_HLT, 1 },
	{ GM_CAP_PIT, 1 },
	{ GM_CAP_REINJECT_CONTROL, 1 },
	{ GM_CAP_IRQ_ROUTING, GM_MAX_GSIS },
	{ GM_CAP_IRQ_INJECT_STATUS, 1 },
	{ GM_CAP_IRQFD, GM_EVENTFDS },
	{ GM_CAP_PIT2, 1 },
	{ GM_CAP_SET_BOOT_CPU_ID, 1 },
	{ GM_CAP_PIT_STATE2, 1 },
	{ GM_CAP_TSC_DEADLINE_TIMER, 1 },
	{ GM_CAP_SIGNAL_MSI, 1 },
	{ GM_CAP_IRQFD_RESAMPLE, GM_EVENTFDS },
	{ GM_CAP_IOEVENTFD, GM_EVENTFDS },
	{ GM_CAP_IOEVENTFD_ANY_LENGTH, GM_EVENTFDS },
	{ GM_CAP_COALESCED_MMIO, GM_RUN_PAGES },
	{ GM_CAP_COALESCED_PIO, 1 },
};

int gm_check_extension(unsigned long cap)
{
	unsigned int i;

	if (cap == GM_CAP_XCRS)
		return gm_fpu_mask() != 0;
	if (cap == GM_CAP_TSC_CONTROL)
		return gm_tsc_scaling;
	for (i = 0; i < ARRAY_SIZE(caps); i++)
		if (caps[i].cap == cap)
			return caps[i].value;
	return 0;
}

static long get_msr_list(struct gm_msr_list __user *arg, const u32 *list, u32 n)
{
	u32 room;

	if (get_user(room, &arg->nmsrs) || put_user(n, &arg->nmsrs))
		return -EFAULT;
	if (room < n)
		return -E2BIG;
	if (copy_to_user(arg->indices, list, n * sizeof(u32)))
		return -EFAULT;
	return 0;
}

static long get_feature_msrs(struct gm_msrs __user *arg)
{
	struct gm_msr_entry e;
	u32 n, i;

	if (get_user(n, &arg->nmsrs))
		return -EFAULT;
	if (n > GM_MAX_MSRS)
		return -E2BIG;
	for (i = 0; i < n; i++) {
		if (copy_from_user(&e, &arg->entries[i], sizeof(e)))
			return -EFAULT;
		if (gm_msr_feature(e.index, &e.data))
			break;
		if (put_user(e.data, &arg->entries[i].data))
			return -EFAULT;
	}
	return i;
}

static long get_mce_cap(u64 __user *arg)
{
	u64 cap = gm_mce_supported();

	return copy_to_user(arg, &cap, sizeof(cap)) ? -EFAULT : 0;
}

static long get_supported_cpuid(struct gm_cpuid2 __user *arg)
{
	struct gm_cpuid_entry *e;
	u32 room;
	long ret;

	if (get_user(room, &arg->nent))
		return -EFAULT;
	e = kcalloc(GM_MAX_CPUID, sizeof(*e), GFP_KERNEL);
	if (!e)
		return -ENOMEM;
	ret = gm_cpuid_supported(e, min_t(u32, room, GM_MAX_CPUID));
	if (ret >= 0) {
		if (copy_to_user(arg->entries, e, ret * sizeof(*e)) ||
		    put_user((u32)ret, &arg->nent))
			ret = -EFAULT;
		else
			ret = 0;
	}
	kfree(e);
	return ret;
}

static long dev_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case GM_GET_API_VERSION:
		return arg ? -EINVAL : GM_API_VERSION;
	case GM_CREATE_VM:
		return arg ? -EINVAL : gm_vm_create(file);
	case GM_CHECK_EXTENSION:
		return gm_check_extension(arg);
	case GM_GET_VCPU_MMAP_SIZE:
		return arg ? -EINVAL : (GM_RUN_PAGES + 1) * PAGE_SIZE;
	case GM_GET_MSR_INDEX_LIST:
		return get_msr_list((void __user *)arg, gm_msr_list, gm_msr_count);
	case GM_GET_MSR_FEATURE_INDEX_LIST:
		return get_msr_list((void __user *)arg, gm_msr_features, gm_msr_nfeatures);
	case GM_X86_GET_MCE_CAP_SUPPORTED:
		return get_mce_cap((void __user *)arg);
	case GM_GET_MSRS:
		return get_feature_msrs((void __user *)arg);
	case GM_GET_SUPPORTED_CPUID:
		return get_supported_cpuid((void __user *)arg);
	}
	return -ENOTTY;
}

static const struct file_operations dev_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = dev_ioctl,
	.compat_ioctl = gm_compat_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice dev = {
	.minor = MISC_DYNAMIC_MINOR,
	.fops = GM_FOPS(&dev_fops),
};

static int __init gm_init(void)
{
	unsigned int i;
	int ret = -ENODEV;

	for (i = 0; i < ARRAY_SIZE(backends) && ret; i++) {
		gm_backend = backends[i];
		ret = gm_backend->probe();
	}
	if (ret) {
		pr_err("guestmode: no usable AMD-V or VT-x on this machine\n");
		return ret;
	}
	ret = gm_backend->setup();
	if (ret)
		return ret;
	gm_fpu_setup();
	gm_msr_setup();
	ret = gm_irqfd_setup();
	if (ret)
		goto fail;
	gm_stats_init();
	dev.name = device;
	ret = misc_register(&dev);
	if (!ret)
		return 0;
	gm_stats_exit();
	gm_irqfd_cleanup();
fail:
	gm_backend->cleanup();
	return ret;
}

static void __exit gm_exit(void)
{
	misc_deregister(&dev);
	gm_stats_exit();
	gm_irqfd_cleanup();
	gm_backend->cleanup();
}

module_init(gm_init);
module_exit(gm_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Guest mode for Linux: runs virtual machines with AMD-V and VT-x");

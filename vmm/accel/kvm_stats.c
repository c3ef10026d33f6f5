// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel's counters of a machine and its vCPUs. The descriptors are opened with the machine: asking for one waits
 * for the vCPU with some kernels.
 *
 * Source: Linux, Documentation/virt/kvm/api.rst (KVM_GET_STATS_FD has the file's layout).
 */
#include "vmm/accel/kvm.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define STATS_MAX 1024
#define NAME_MAX_LEN 256

int kvm_stats_open(const struct kvm_vm *vm, int fd)
{
	if (ioctl(vm->devfd, KVM_CHECK_EXTENSION, KVM_CAP_BINARY_STATS_FD) <= 0)
		return -1;
	return ioctl(fd, KVM_GET_STATS_FD, 0);
}

/* Counters that are one number; histograms are left out. */
static void stats_read(int fd, gm_accel_stat_fn *fn, void *opaque)
{
	struct kvm_stats_header h;
	struct kvm_stats_desc *d;
	size_t size;
	u32 i;
	u64 value;

	if (fd < 0 || pread(fd, &h, sizeof(h), 0) != sizeof(h) || h.name_size > NAME_MAX_LEN ||
	    h.num_desc > STATS_MAX)
		return;
	size = sizeof(*d) + h.name_size;
	d = calloc(1, size + 1); /* a name always ends */
	for (i = 0; d && i < h.num_desc; i++) {
		if (pread(fd, d, size, h.desc_offset + (off_t)(i * size)) != (ssize_t)size)
			break;
		if (d->size == 1 && (d->flags & KVM_STATS_TYPE_MASK) <= KVM_STATS_TYPE_PEAK &&
		    pread(fd, &value, sizeof(value), h.data_offset + (off_t)d->offset) == sizeof(value))
			fn(opaque, d->name, value);
	}
	free(d);
}

void kvm_stats(struct gm_vm *v, const struct gm_vcpu *vcpu, gm_accel_stat_fn *fn, void *opaque)
{
	const struct kvm_vm *vm = container_of(v, struct kvm_vm, vm);
	const struct kvm_vcpu *k = vcpu ? vcpu->priv : NULL;

	stats_read(k ? k->stats_fd : vm->stats_fd, fn, opaque);
}

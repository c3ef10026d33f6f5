// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A debugger's points by KVM_SET_GUEST_DEBUG: the four debug registers of the host's CPU, and its
 * trap flag. Source: Linux, Documentation/virt/kvm/api.rst, section 4.87; Intel SDM volume 3, 17.2.
 */
#include <errno.h>
#include <sys/ioctl.h>
#include "vmm/accel/kvm.h"

#define DR6_BS (1u << 14)

/* R/W and LEN fields of DR7; there is no "read only": such a point also sees writes. */
static u64 dr7_bits(const struct gm_point *p, unsigned int n)
{
	static const u8 rw[] = {[GM_POINT_EXEC] = 0, [GM_POINT_WRITE] = 1, [GM_POINT_READ] = 3,
				[GM_POINT_ACCESS] = 3};
	u64 len = p->kind == GM_POINT_EXEC || p->len == 1 ? 0 : p->len == 2 ? 1 :
		  p->len == 8 ? 2 : 3;

	return 2ull << (2 * n) | (u64)(rw[p->kind] | len << 2) << (16 + 4 * n);
}

int kvm_debug_set(struct gm_vcpu *v, const struct gm_debug *d)
{
	struct kvm_vcpu *k = v->priv;
	struct kvm_guest_debug g = {0};
	unsigned int i;

	if (d && d->npoints > ARRAY_SIZE(k->points))
		return -ENOSPC;
	for (i = 0; d && i < d->npoints; i++) {
		const struct gm_point *p = &d->points[i];

		if (p->len != 1 && p->len != 2 && p->len != 4 && p->len != 8)
			return -EINVAL;
		if (p->addr & (p->len - 1))
			return -EINVAL;
		k->points[i] = *p;
		g.arch.debugreg[i] = p->addr;
		g.arch.debugreg[7] |= dr7_bits(p, i);
	}
	if (d && (d->npoints || d->step))
		g.control = KVM_GUESTDBG_ENABLE | (d->npoints ? KVM_GUESTDBG_USE_HW_BP : 0) |
			    (d->step ? KVM_GUESTDBG_SINGLESTEP : 0);
	if (!g.control && !k->debug.control)
		return 0;
	if (ioctl(k->fd, KVM_SET_GUEST_DEBUG, &g))
		return -errno;
	k->debug = g;
	return 0;
}

void kvm_debug_exit(struct kvm_vcpu *k, struct gm_exit *e)
{
	u64 dr6 = k->run->debug.arch.dr6;
	unsigned int i;

	e->reason = GM_EXIT_DEBUG;
	e->debug.why = GM_DEBUG_STEP;
	for (i = 0; i < ARRAY_SIZE(k->points) && !(dr6 & DR6_BS); i++) {
		if (!(dr6 >> i & 1))
			continue;
		e->debug.why = k->points[i].kind == GM_POINT_EXEC ? GM_DEBUG_BREAK : GM_DEBUG_WATCH;
		e->debug.addr = k->points[i].addr;
		e->debug.write = k->points[i].kind == GM_POINT_WRITE;
		break;
	}
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The in-kernel bus: who answers a guest's access to a port or to device memory before the program is
 * asked. First the interrupt controllers and timers (irq.h), then ioeventfds (a write becomes a
 * signal on an eventfd), then zones of coalesced writes (a write goes into a ring that the program
 * reads at its next exit). ABI: uapi/guestmode.h.
 */
#include "module/gm.h"
#include "module/compat/eventfd.h"
#include "module/irq/irq.h"

#include <linux/list.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#define MAX_BUS_ENTRIES 1000

struct ioeventfd {
	struct list_head list;
	struct eventfd_ctx *ctx;
	u64 addr;
	u64 datamatch;
	u32 len;   /* 0: any */
	u8 kind;   /* enum gm_frag_kind */
	u8 match;  /* datamatch counts */
};

struct bus_zone {
	struct list_head list;
	u64 addr;
	u32 size;
	u8 kind;
};

/* ---- accesses ---- */

static int ioeventfd_write(struct gm_vm *vm, int kind, u64 addr, unsigned int len, u64 val)
{
	struct ioeventfd *e;

	list_for_each_entry(e, &vm->ioeventfds, list) {
		if (e->kind != kind || e->addr != addr)
			continue;
		if (e->len && (e->len != len || (e->match && e->datamatch != val)))
			continue;
		gm_eventfd_signal(e->ctx);
		return 0;
	}
	return -ENOENT;
}

/* The ring is shared with a hostile program: its indices are checked, and one full ring is no error. */
static int ring_write(struct gm_vm *vm, int kind, u64 addr, unsigned int len, const void *val)
{
	struct gm_coalesced_ring *ring = vm->ring;
	struct gm_coalesced_entry *e;
	unsigned int last, next;
	int ret = -ENOENT;

	spin_lock(&vm->ring_lock);
	last = READ_ONCE(ring->last);
	next = (last + 1) % GM_COALESCED_MAX;
	if (last < GM_COALESCED_MAX && next != READ_ONCE(ring->first)) {
		e = &ring->entries[last];
		e->phys_addr = addr;
		e->len = len;
		e->pio = kind == GM_FRAG_PIO;
		memcpy(e->data, val, len);
		smp_wmb(); /* the entry before the index that hands it over */
		ring->last = next;
		ret = 0;
	}
	spin_unlock(&vm->ring_lock);
	return ret;
}

static int zone_write(struct gm_vm *vm, int kind, u64 addr, unsigned int len, const void *val)
{
	struct bus_zone *z;

	list_for_each_entry(z, &vm->zones, list)
		if (z->kind == kind && addr >= z->addr && len <= z->size &&
		    addr - z->addr <= z->size - len)
			return ring_write(vm, kind, addr, len, val);
	return -ENOENT;
}

int gm_bus_read(struct gm_vcpu *vcpu, int kind, u64 addr, unsigned int len, void *val)
{
	return gm_irq_read(vcpu, kind, addr, len, val);
}

/* On the safe side, and without bus_sem, which whoever asks may not take. */
int gm_bus_has_port(struct gm_vm *vm, u16 port)
{
	if (READ_ONCE(vm->nbus))
		return 1;
	if (!READ_ONCE(vm->irq))
		return 0;
	/* The two 8259, their ELCR, the 8254 and its gate. */
	return (port & ~0x81) == 0x20 || (port & ~3) == 0x40 || port == 0x61 || (port & ~1) == 0x4d0;
}

int gm_bus_write(struct gm_vcpu *vcpu, int kind, u64 addr, unsigned int len, const void *val)
{
	struct gm_vm *vm = vcpu->vm;
	u64 v = 0;
	int ret = gm_irq_write(vcpu, kind, addr, len, val);

	if (!ret || !READ_ONCE(vm->nbus))
		return ret;
	memcpy(&v, val, len);
	down_read(&vm->bus_sem);
	ret = ioeventfd_write(vm, kind, addr, len, v);
	if (ret)
		ret = zone_write(vm, kind, addr, len, val);
	up_read(&vm->bus_sem);
	return ret;
}

/* ---- ioeventfds ---- */

static int ioeventfd_collides(struct gm_vm *vm, const struct ioeventfd *n)
{
	struct ioeventfd *e;

	list_for_each_entry(e, &vm->ioeventfds, list) {
		if (e->kind != n->kind || e->addr != n->addr)
			continue;
		if (!e->len || !n->len)
			return 1;
		if (e->len == n->len && (!e->match || !n->match || e->datamatch == n->datamatch))
			return 1;
	}
	return 0;
}

static int ioeventfd_add(struct gm_vm *vm, struct ioeventfd *n)
{
	int ret = -ENOSPC;

	down_write(&vm->bus_sem);
	if (ioeventfd_collides(vm, n)) {
		ret = -EEXIST;
	} else if (vm->nbus < MAX_BUS_ENTRIES) {
		list_add_tail(&n->list, &vm->ioeventfds);
		vm->nbus++;
		ret = 0;
	}
	up_write(&vm->bus_sem);
	return ret;
}

static void ioeventfd_free(struct ioeventfd *e)
{
	eventfd_ctx_put(e->ctx);
	kfree(e);
}

/* Takes away the one that was set with the same values. */
static int ioeventfd_del(struct gm_vm *vm, const struct ioeventfd *n)
{
	struct ioeventfd *e, *next;
	int ret = -ENOENT;

	down_write(&vm->bus_sem);
	list_for_each_entry_safe(e, next, &vm->ioeventfds, list) {
		if (e->kind != n->kind || e->addr != n->addr || e->len != n->len ||
		    e->ctx != n->ctx || e->match != n->match ||
		    (e->match && e->datamatch != n->datamatch))
			continue;
		list_del(&e->list);
		vm->nbus--;
		ioeventfd_free(e);
		ret = 0;
		break;
	}
	up_write(&vm->bus_sem);
	return ret;
}

static int ioeventfd_args(const struct gm_ioeventfd *a)
{
	if (a->flags & ~(GM_IOEVENTFD_DATAMATCH | GM_IOEVENTFD_PIO | GM_IOEVENTFD_DEASSIGN))
		return -EINVAL;
	if (a->len > 8 || (a->len & (a->len - 1)) || a->addr + a->len < a->addr)
		return -EINVAL;
	return !a->len && (a->flags & GM_IOEVENTFD_DATAMATCH) ? -EINVAL : 0;
}

static long ioeventfd(struct gm_vm *vm, void __user *arg)
{
	struct gm_ioeventfd a;
	struct ioeventfd *n;
	int ret;

	if (copy_from_user(&a, arg, sizeof(a)))
		return -EFAULT;
	ret = ioeventfd_args(&a);
	if (ret)
		return ret;
	n = kzalloc(sizeof(*n), GFP_KERNEL_ACCOUNT);
	if (!n)
		return -ENOMEM;
	n->addr = a.addr;
	n->len = a.len;
	n->kind = a.flags & GM_IOEVENTFD_PIO ? GM_FRAG_PIO : GM_FRAG_MMIO;
	n->match = !!(a.flags & GM_IOEVENTFD_DATAMATCH);
	n->datamatch = a.datamatch;
	n->ctx = eventfd_ctx_fdget(a.fd);
	if (IS_ERR(n->ctx)) {
		ret = PTR_ERR(n->ctx);
		kfree(n);
		return ret;
	}
	if (a.flags & GM_IOEVENTFD_DEASSIGN)
		ret = ioeventfd_del(vm, n);
	else
		ret = ioeventfd_add(vm, n);
	if (ret || (a.flags & GM_IOEVENTFD_DEASSIGN))
		ioeventfd_free(n);
	return ret;
}

/* ---- zones of coalesced writes ---- */

static int zone_add(struct gm_vm *vm, const struct gm_coalesced_zone *a)
{
	struct bus_zone *z = kzalloc(sizeof(*z), GFP_KERNEL_ACCOUNT);
	int ret = -ENOSPC;

	if (!z)
		return -ENOMEM;
	z->addr = a->addr;
	z->size = a->size;
	z->kind = a->pio ? GM_FRAG_PIO : GM_FRAG_MMIO;
	down_write(&vm->bus_sem);
	if (vm->nbus < MAX_BUS_ENTRIES) {
		list_add_tail(&z->list, &vm->zones);
		vm->nbus++;
		ret = 0;
	}
	up_write(&vm->bus_sem);
	if (ret)
		kfree(z);
	return ret;
}

/* All zones inside the given range; that there is none is no error. */
static void zones_del(struct gm_vm *vm, const struct gm_coalesced_zone *a)
{
	struct bus_zone *z, *next;
	int kind = a->pio ? GM_FRAG_PIO : GM_FRAG_MMIO;

	down_write(&vm->bus_sem);
	list_for_each_entry_safe(z, next, &vm->zones, list) {
		if (z->kind != kind || z->addr < a->addr || z->size > a->size ||
		    z->addr - a->addr > a->size - z->size)
			continue;
		list_del(&z->list);
		vm->nbus--;
		kfree(z);
	}
	up_write(&vm->bus_sem);
}

static long coalesced(struct gm_vm *vm, unsigned int cmd, void __user *arg)
{
	struct gm_coalesced_zone a;

	if (copy_from_user(&a, arg, sizeof(a)))
		return -EFAULT;
	if (a.pio > 1)
		return -EINVAL;
	if (cmd == GM_REGISTER_COALESCED_MMIO)
		return zone_add(vm, &a);
	zones_del(vm, &a);
	return 0;
}

/* ---- the VM's side ---- */

int gm_bus_init(struct gm_vm *vm)
{
	BUILD_BUG_ON(sizeof(struct gm_coalesced_ring) +
		     GM_COALESCED_MAX * sizeof(struct gm_coalesced_entry) > GM_PAGE_BYTES);
	init_rwsem(&vm->bus_sem);
	INIT_LIST_HEAD(&vm->ioeventfds);
	INIT_LIST_HEAD(&vm->zones);
	spin_lock_init(&vm->ring_lock);
	vm->ring = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	return vm->ring ? 0 : -ENOMEM;
}

void gm_bus_fini(struct gm_vm *vm)
{
	struct ioeventfd *e, *enext;
	struct bus_zone *z, *znext;

	list_for_each_entry_safe(e, enext, &vm->ioeventfds, list)
		ioeventfd_free(e);
	list_for_each_entry_safe(z, znext, &vm->zones, list)
		kfree(z);
	free_page((unsigned long)vm->ring);
}

long gm_bus_ioctl(struct gm_vm *vm, unsigned int cmd, void __user *arg)
{
	switch (cmd) {
	case GM_IOEVENTFD:
		return ioeventfd(vm, arg);
	case GM_REGISTER_COALESCED_MMIO:
	case GM_UNREGISTER_COALESCED_MMIO:
		return coalesced(vm, cmd, arg);
	}
	return gm_irq_ioctl(vm, cmd, arg);
}

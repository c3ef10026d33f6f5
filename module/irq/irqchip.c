// SPDX-License-Identifier: GPL-2.0-or-later
/* The interrupt controllers of a VM: their making, their registers on the bus, their ioctls. */
#include "module/irq/irq.h"

#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

void gm_irq_unlock(struct gm_irqchip *irq, unsigned long flags)
{
	u64 acked = irq->acked;
	unsigned int nresample = irq->nresample;

	irq->acked = 0;
	spin_unlock_irqrestore(&irq->lock, flags);
	if (acked && nresample)
		gm_irqfd_resample(irq, acked);
}

/* ---- registers on the bus ---- */

static const struct {
	u16 first, last;
	u8 pit; /* 1: channels and control, 2: the speaker's port */
	u8 (*read)(struct gm_irqchip *irq, u16 port);
	void (*write)(struct gm_irqchip *irq, u16 port, u8 val);
} ports[] = {
	{ 0x20, 0x21, 0, gm_pic_read, gm_pic_write },
	{ 0xa0, 0xa1, 0, gm_pic_read, gm_pic_write },
	{ 0x4d0, 0x4d1, 0, gm_pic_read, gm_pic_write },
	{ 0x40, 0x43, 1, gm_pit_read, gm_pit_write },
	{ 0x61, 0x61, 2, gm_pit_read, gm_pit_write },
};

static int port_find(const struct gm_irqchip *irq, u64 port)
{
	int i;

	for (i = 0; i < (int)ARRAY_SIZE(ports); i++)
		if (port >= ports[i].first && port <= ports[i].last)
			return !ports[i].pit || (irq->pit && (ports[i].pit == 1 || irq->pit->speaker)) ?
				       i : -1;
	return -1;
}

/* Registers are bytes; a wider access is one to each of its ports. */
static void ports_read(struct gm_irqchip *irq, u16 port, unsigned int len, u8 *val)
{
	unsigned int i;
	int n;

	for (i = 0; i < len; i++) {
		n = port_find(irq, port + i);
		val[i] = n < 0 ? 0xff : ports[n].read(irq, port + i);
	}
}

static void ports_write(struct gm_irqchip *irq, u16 port, unsigned int len, const u8 *val)
{
	unsigned int i;
	int n;

	for (i = 0; i < len; i++) {
		n = port_find(irq, port + i);
		if (n >= 0)
			ports[n].write(irq, port + i, val[i]);
	}
}

static int is_ours(struct gm_irqchip *irq, int kind, u64 addr)
{
	if (kind == GM_FRAG_PIO)
		return port_find(irq, addr) >= 0;
	return addr >= GM_IOAPIC_BASE && addr < GM_IOAPIC_BASE + 0x100;
}

int gm_irq_read(struct gm_vcpu *vcpu, int kind, u64 addr, unsigned int len, void *val)
{
	struct gm_irqchip *irq = vcpu->vm->irq;
	unsigned long flags;
	u32 v;

	if (!irq)
		return -ENOENT;
	if (kind == GM_FRAG_MMIO && !gm_lapic_mmio_read(vcpu, addr, len, val))
		return 0;
	if (!is_ours(irq, kind, addr))
		return -ENOENT;
	flags = gm_irq_lock(irq);
	if (kind == GM_FRAG_PIO) {
		ports_read(irq, addr, len, val);
	} else {
		v = gm_ioapic_read(irq, addr & 0xff);
		memset(val, 0, len);
		memcpy(val, &v, min(len, 4u));
	}
	gm_irq_unlock(irq, flags);
	return 0;
}

int gm_irq_write(struct gm_vcpu *vcpu, int kind, u64 addr, unsigned int len, const void *val)
{
	struct gm_irqchip *irq = vcpu->vm->irq;
	unsigned long flags;
	u32 v = 0;

	if (!irq)
		return -ENOENT;
	if (kind == GM_FRAG_MMIO && !gm_lapic_mmio_write(vcpu, addr, len, val))
		return 0;
	if (!is_ours(irq, kind, addr))
		return -ENOENT;
	flags = gm_irq_lock(irq);
	if (kind == GM_FRAG_PIO) {
		ports_write(irq, addr, len, val);
	} else {
		memcpy(&v, val, min(len, 4u));
		gm_ioapic_write(irq, addr & 0xff, v);
	}
	gm_irq_unlock(irq, flags);
	return 0;
}

/* ---- making and ending ---- */

static long create(struct gm_vm *vm)
{
	struct gm_irqchip *irq;
	long ret = -EEXIST;

	mutex_lock(&vm->lock);
	if (vm->irq)
		goto out;
	ret = -EINVAL;
	if (vm->nvcpus)
		goto out;
	ret = -ENOMEM;
	irq = kzalloc(sizeof(*irq), GFP_KERNEL_ACCOUNT);
	if (!irq)
		goto out;
	spin_lock_init(&irq->lock);
	INIT_LIST_HEAD(&irq->irqfds);
	irq->vm = vm;
	irq->bsp = vm->bsp;
	gm_pic_reset(irq);
	gm_ioapic_reset(irq);
	ret = gm_mmu_apic_init(vm);
	if (!ret)
		ret = gm_routes_default(irq);
	if (ret) {
		kfree(irq);
		goto out;
	}
	smp_wmb(); /* all of it before it can be found */
	vm->irq = irq;
out:
	mutex_unlock(&vm->lock);
	return ret;
}

void gm_irqchip_free(struct gm_vm *vm)
{
	if (!vm->irq)
		return;
	gm_pit_free(vm->irq);
	kvfree(vm->irq->routes);
	kfree(vm->irq);
}

static long pit_create(struct gm_vm *vm, u32 flags)
{
	long ret = -ENOENT;

	if (flags & ~GM_PIT_SPEAKER_DUMMY)
		return -EINVAL;
	mutex_lock(&vm->lock);
	if (vm->irq)
		ret = vm->irq->pit ? -EEXIST : gm_pit_create(vm->irq, flags);
	mutex_unlock(&vm->lock);
	return ret;
}

static long set_boot_cpu(struct gm_vm *vm, unsigned long id)
{
	long ret = -EBUSY;

	if (id >= GM_MAX_VCPUS)
		return -EINVAL;
	mutex_lock(&vm->lock);
	if (!vm->nvcpus) {
		vm->bsp = id;
		if (vm->irq)
			vm->irq->bsp = id;
		ret = 0;
	}
	mutex_unlock(&vm->lock);
	return ret;
}

/* ---- ioctls with an argument, copied in and out; all need the irqchip ---- */

static long irq_line(struct gm_irqchip *irq, struct gm_irq_level *a)
{
	unsigned long flags = gm_irq_lock(irq);

	a->status = gm_gsi_set(irq, a->irq, GM_SRC_USER, !!a->level);
	gm_irq_unlock(irq, flags);
	return 0;
}

static long signal_msi(struct gm_irqchip *irq, struct gm_msi *a)
{
	unsigned long flags;
	long ret;

	if (a->flags)
		return -EINVAL;
	flags = gm_irq_lock(irq);
	ret = gm_msi_send(irq, a->address_lo, a->data);
	gm_irq_unlock(irq, flags);
	return max(ret, 0L);
}

/* Of the I/O APIC's pins, the levels that matter after a restore are those of level-triggered ones. */
static u32 level_pins(const struct gm_irqchip *irq)
{
	u32 pins = 0;
	unsigned int i;

	for (i = 0; i < GM_IOAPIC_PINS; i++)
		if (irq->ioapic.redirtbl[i] & 0x8000)
			pins |= 1u << i;
	return pins;
}

static long get_irqchip(struct gm_irqchip *irq, struct gm_irqchip_state *a)
{
	unsigned long flags;
	u32 id = a->chip_id;

	memset(a, 0, sizeof(*a));
	a->chip_id = id;
	if (id > GM_IRQCHIP_IOAPIC)
		return -EINVAL;
	flags = gm_irq_lock(irq);
	if (id == GM_IRQCHIP_IOAPIC) {
		a->ioapic = irq->ioapic;
		a->ioapic.irr = irq->ioapic_lines & level_pins(irq);
	} else {
		a->pic = irq->pic[id];
	}
	gm_irq_unlock(irq, flags);
	return 0;
}

static long set_irqchip(struct gm_irqchip *irq, struct gm_irqchip_state *a)
{
	unsigned long flags;

	if (a->chip_id > GM_IRQCHIP_IOAPIC)
		return -EINVAL;
	flags = gm_irq_lock(irq);
	if (a->chip_id == GM_IRQCHIP_IOAPIC)
		gm_ioapic_restore(irq, &a->ioapic);
	else
		gm_pic_restore(irq, a->chip_id, &a->pic);
	gm_irq_unlock(irq, flags);
	return 0;
}

static long get_pit(struct gm_irqchip *irq, struct gm_pit_state2 *a)
{
	unsigned long flags;

	if (!irq->pit)
		return -ENXIO;
	flags = gm_irq_lock(irq);
	*a = irq->pit->s;
	a->flags &= ~GM_PIT_FLAGS_SPEAKER_DATA_ON;
	a->flags |= irq->pit->port61 & 2 ? GM_PIT_FLAGS_SPEAKER_DATA_ON : 0;
	gm_irq_unlock(irq, flags);
	return 0;
}

static long set_pit(struct gm_irqchip *irq, struct gm_pit_state2 *a)
{
	unsigned long flags;

	if (!irq->pit)
		return -ENXIO;
	flags = gm_irq_lock(irq);
	gm_pit_restore(irq, a);
	gm_irq_unlock(irq, flags);
	return 0;
}

/* The older form: the channels only. */
static long set_pit1(struct gm_irqchip *irq, struct gm_pit_state2 *a)
{
	if (!irq->pit)
		return -ENXIO;
	a->flags = irq->pit->s.flags;
	return set_pit(irq, a);
}

static long reinject(struct gm_irqchip *irq, struct gm_reinject_control *a)
{
	unsigned long flags;

	if (!irq->pit)
		return -ENXIO;
	flags = gm_irq_lock(irq);
	irq->pit->reinject = !!a->pit_reinject;
	gm_pit_unmasked(irq);
	gm_irq_unlock(irq, flags);
	return 0;
}

#define WRAP(fn, type)                                                                             \
	static long fn##_op(struct gm_irqchip *irq, void *arg)                                     \
	{                                                                                          \
		return fn(irq, (struct type *)arg);                                                \
	}
WRAP(irq_line, gm_irq_level)
WRAP(signal_msi, gm_msi)
WRAP(get_irqchip, gm_irqchip_state)
WRAP(set_irqchip, gm_irqchip_state)
WRAP(get_pit, gm_pit_state2)
WRAP(set_pit, gm_pit_state2)
WRAP(set_pit1, gm_pit_state2)
WRAP(reinject, gm_reinject_control)

#define SIZE_PIT1 (sizeof(struct gm_pit_channel) * 3)

/* Directions in some of the numbers are not what is copied, so it stands here. */
static const struct {
	unsigned int cmd;
	u16 in, out;
	long (*fn)(struct gm_irqchip *irq, void *arg);
} ops[] = {
	{ GM_IRQ_LINE, sizeof(struct gm_irq_level), 0, irq_line_op },
	{ GM_IRQ_LINE_STATUS, sizeof(struct gm_irq_level), sizeof(struct gm_irq_level), irq_line_op },
	{ GM_SIGNAL_MSI, sizeof(struct gm_msi), 0, signal_msi_op },
	{ GM_GET_IRQCHIP, sizeof(struct gm_irqchip_state), sizeof(struct gm_irqchip_state),
	  get_irqchip_op },
	{ GM_SET_IRQCHIP, sizeof(struct gm_irqchip_state), 0, set_irqchip_op },
	{ GM_GET_PIT2, 0, sizeof(struct gm_pit_state2), get_pit_op },
	{ GM_SET_PIT2, sizeof(struct gm_pit_state2), 0, set_pit_op },
	{ GM_GET_PIT, 0, SIZE_PIT1, get_pit_op },
	{ GM_SET_PIT, SIZE_PIT1, 0, set_pit1_op },
	{ GM_REINJECT_CONTROL, sizeof(struct gm_reinject_control), 0, reinject_op },
};

static long copied_op(struct gm_vm *vm, unsigned int i, void __user *arg)
{
	void *buf;
	long ret = -EFAULT;

	if (!vm->irq)
		return -ENXIO;
	buf = kzalloc(sizeof(struct gm_irqchip_state), GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	if (copy_from_user(buf, arg, ops[i].in))
		goto out;
	ret = ops[i].fn(vm->irq, buf);
	if (ret >= 0 && copy_to_user(arg, buf, ops[i].out))
		ret = -EFAULT;
out:
	kfree(buf);
	return ret;
}

long gm_irq_ioctl(struct gm_vm *vm, unsigned int cmd, void __user *arg)
{
	u32 flags;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ops); i++)
		if (ops[i].cmd == cmd)
			return copied_op(vm, i, arg);
	switch (cmd) {
	case GM_CREATE_IRQCHIP:
		return create(vm);
	case GM_CREATE_PIT:
		return pit_create(vm, GM_PIT_SPEAKER_DUMMY);
	case GM_CREATE_PIT2:
		return get_user(flags, (u32 __user *)arg) ? -EFAULT : pit_create(vm, flags);
	case GM_SET_BOOT_CPU_ID:
		return set_boot_cpu(vm, (unsigned long)arg);
	case GM_SET_GSI_ROUTING:
		return vm->irq ? gm_routes_set(vm->irq, arg) : -EINVAL;
	case GM_IRQFD:
		return gm_irqfd_ioctl(vm, arg);
	}
	return gm_clock_ioctl(vm, cmd, arg);
}

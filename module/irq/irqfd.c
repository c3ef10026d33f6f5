// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * irqfds: an eventfd's signal becomes an interrupt. A plain one is a pulse; one with a resample
 * eventfd holds its line up until the guest ends the interrupt, and then signals the other.
 *
 * The wakeup function runs under the eventfd's own lock, so irq->lock is inside of that: nothing
 * signals an eventfd under irq->lock. An eventfd that is closed ends its irqfd from a work item.
 */
#include "module/irq/irq.h"

#include "module/compat/eventfd.h"
#include <linux/file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#if GM_EVENTFDS

#define MAX_IRQFDS 4096

struct irqfd {
	struct list_head list;     /* bus_sem */
	struct list_head next_gone;    /* of him who takes it away */
	struct gm_irqchip *irq;
	u32 gsi;
	struct eventfd_ctx *ctx;
	struct eventfd_ctx *resample;  /* or NULL */
	wait_queue_entry_t wait;
	poll_table pt;
	struct work_struct gone;   /* the eventfd was closed */
};

/* Our own, so that unloading can wait for it. */
static struct workqueue_struct *closed_wq;

int gm_irqfd_setup(void)
{
	closed_wq = create_singlethread_workqueue("guestmode");
	return closed_wq ? 0 : -ENOMEM;
}

void gm_irqfd_cleanup(void)
{
	destroy_workqueue(closed_wq);
}

static void signal(struct irqfd *f)
{
	struct gm_irqchip *irq = f->irq;
	unsigned long flags = gm_irq_lock(irq);

	if (f->resample) {
		gm_gsi_set(irq, f->gsi, GM_SRC_RESAMPLE, 1);
	} else {
		gm_gsi_set(irq, f->gsi, GM_SRC_USER, 1);
		gm_gsi_set(irq, f->gsi, GM_SRC_USER, 0);
	}
	spin_unlock_irqrestore(&irq->lock, flags);
}

static int on_wakeup(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
	struct irqfd *f = container_of(wait, struct irqfd, wait);
	__poll_t events = key_to_poll(key);

	if (events & EPOLLIN)
		signal(f);
	if (events & EPOLLHUP)
		queue_work(closed_wq, &f->gone);
	return 0;
}

static void on_queue(struct file *file, wait_queue_head_t *wqh, poll_table *pt)
{
	struct irqfd *f = container_of(pt, struct irqfd, pt);

	add_wait_queue(wqh, &f->wait);
}

/* Takes one out of the list and of its eventfd's queue; no wakeup comes after that. bus_sem held. */
static void unlink(struct irqfd *f)
{
	unsigned long flags;
	u64 count;

	list_del_init(&f->list);
	f->irq->nirqfds--;
	eventfd_ctx_remove_wait_queue(f->ctx, &f->wait, &count);
	if (!f->resample)
		return;
	flags = gm_irq_lock(f->irq);
	f->irq->nresample--;
	gm_gsi_set(f->irq, f->gsi, GM_SRC_RESAMPLE, 0);
	spin_unlock_irqrestore(&f->irq->lock, flags);
}

static void release(struct irqfd *f)
{
	eventfd_ctx_put(f->ctx);
	if (f->resample)
		eventfd_ctx_put(f->resample);
	gm_vm_put(f->irq->vm);
	kfree(f);
}

static void on_gone(struct work_struct *work)
{
	struct irqfd *f = container_of(work, struct irqfd, gone);
	struct gm_vm *vm = f->irq->vm;
	int mine;

	down_write(&vm->bus_sem);
	mine = !list_empty(&f->list);
	if (mine)
		unlink(f);
	up_write(&vm->bus_sem);
	if (mine)
		release(f);
}

/* After unlink(), outside of bus_sem: the work item may be running. */
static void finish(struct irqfd *f)
{
	cancel_work_sync(&f->gone);
	release(f);
}

static int add(struct gm_irqchip *irq, struct irqfd *f, struct file *file)
{
	struct gm_vm *vm = irq->vm;
	struct irqfd *o;
	unsigned long flags;
	__poll_t events;
	int ret = 0;

	down_write(&vm->bus_sem);
	list_for_each_entry(o, &irq->irqfds, list)
		if (o->ctx == f->ctx)
			ret = -EBUSY;
	if (irq->nirqfds >= MAX_IRQFDS)
		ret = -ENOSPC;
	if (ret) {
		up_write(&vm->bus_sem);
		return ret;
	}
	list_add_tail(&f->list, &irq->irqfds);
	irq->nirqfds++;
	if (f->resample) {
		flags = gm_irq_lock(irq);
		irq->nresample++;
		spin_unlock_irqrestore(&irq->lock, flags);
	}
	/* What was signalled before counts too. */
	events = gm_eventfd_poll(file, &f->pt);
	if (events & EPOLLIN)
		signal(f);
	up_write(&vm->bus_sem);
	return 0;
}

static int assign(struct gm_irqchip *irq, const struct gm_irqfd *a)
{
	struct irqfd *f = kzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);
	struct file *file;
	int ret;

	if (!f)
		return -ENOMEM;
	f->irq = irq;
	f->gsi = a->gsi;
	INIT_LIST_HEAD(&f->list);
	INIT_WORK(&f->gone, on_gone);
	init_waitqueue_func_entry(&f->wait, on_wakeup);
	init_poll_funcptr(&f->pt, on_queue);
	file = eventfd_fget(a->fd);
	if (IS_ERR(file)) {
		kfree(f);
		return PTR_ERR(file);
	}
	f->ctx = eventfd_ctx_fileget(file);
	ret = IS_ERR(f->ctx) ? PTR_ERR(f->ctx) : 0;
	if (ret)
		goto fail;
	if (a->flags & GM_IRQFD_RESAMPLE) {
		f->resample = eventfd_ctx_fdget(a->resamplefd);
		ret = IS_ERR(f->resample) ? PTR_ERR(f->resample) : 0;
		if (ret)
			goto fail_ctx;
	}
	kref_get(&irq->vm->refs);
	ret = add(irq, f, file);
	fput(file);
	if (ret)
		release(f);
	return ret;
fail_ctx:
	eventfd_ctx_put(f->ctx);
fail:
	fput(file);
	kfree(f);
	return ret;
}

/* Those of one eventfd and GSI, or all. */
static void end(struct gm_irqchip *irq, const struct eventfd_ctx *ctx, u32 gsi)
{
	struct irqfd *f, *next;
	LIST_HEAD(gone);

	down_write(&irq->vm->bus_sem);
	list_for_each_entry_safe(f, next, &irq->irqfds, list) {
		if (ctx && (f->ctx != ctx || f->gsi != gsi))
			continue;
		unlink(f);
		list_add(&f->next_gone, &gone);
	}
	up_write(&irq->vm->bus_sem);
	list_for_each_entry_safe(f, next, &gone, next_gone)
		finish(f);
}

static int deassign(struct gm_irqchip *irq, const struct gm_irqfd *a)
{
	struct eventfd_ctx *ctx = eventfd_ctx_fdget(a->fd);

	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	end(irq, ctx, a->gsi);
	eventfd_ctx_put(ctx);
	return 0;
}

void gm_irqfds_end(struct gm_vm *vm)
{
	if (vm->irq)
		end(vm->irq, NULL, 0);
}

long gm_irqfd_ioctl(struct gm_vm *vm, void __user *arg)
{
	struct gm_irqfd a;

	if (copy_from_user(&a, arg, sizeof(a)))
		return -EFAULT;
	if ((a.flags & ~(GM_IRQFD_DEASSIGN | GM_IRQFD_RESAMPLE)) || a.gsi >= GM_MAX_GSIS)
		return -EINVAL;
	if (!vm->irq)
		return -EAGAIN;
	return a.flags & GM_IRQFD_DEASSIGN ? deassign(vm->irq, &a) : assign(vm->irq, &a);
}

void gm_irqfd_resample(struct gm_irqchip *irq, u64 pins)
{
	unsigned long flags;
	struct irqfd *f;
	int mine;

	down_read(&irq->vm->bus_sem);
	list_for_each_entry(f, &irq->irqfds, list) {
		if (!f->resample)
			continue;
		flags = gm_irq_lock(irq);
		mine = !!(gm_gsi_pins(irq, f->gsi) & pins);
		if (mine)
			gm_gsi_set(irq, f->gsi, GM_SRC_RESAMPLE, 0);
		spin_unlock_irqrestore(&irq->lock, flags);
		if (mine)
			gm_eventfd_signal(f->resample);
	}
	up_read(&irq->vm->bus_sem);
}

#else

int gm_irqfd_setup(void)
{
	return 0;
}

void gm_irqfd_cleanup(void)
{
}

void gm_irqfds_end(struct gm_vm *vm)
{
}

long gm_irqfd_ioctl(struct gm_vm *vm, void __user *arg)
{
	return -ENOTTY;
}

void gm_irqfd_resample(struct gm_irqchip *irq, u64 pins)
{
}

#endif

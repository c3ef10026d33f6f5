// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The accelerators behind a device file that speaks the KVM ABI: /dev/guestmode and /dev/kvm.
 * Interrupt controllers and the local APIC are the VMM's own, and the kernel runs guest code only; or,
 * when asked for, the kernel's (kvm_irq.c).
 *
 * Source: Linux, Documentation/virt/kvm/api.rst. Register exchange is in kvm_regs.c, CPUID in kvm_cpuid.c.
 */
#include "vmm/accel/kvm.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "vmm/bus.h"
#include "vmm/clock.h"

#define KVM_API 12
/* Three pages that VT-x without unrestricted guest wants, in the hole below the firmware. */
#define KVM_TSS_ADDR      0xfeffd000UL
#define KVM_IDENTITY_ADDR 0xfeffc000UL

/* ---- the device ---- */

static int device_probe(const char *path, char *why, size_t len)
{
	int fd = open(path, O_RDWR | O_CLOEXEC), version;

	if (fd < 0) {
		snprintf(why, len, "%s: %s", path, strerror(errno));
		return -errno;
	}
	version = ioctl(fd, KVM_GET_API_VERSION, 0);
	close(fd);
	if (version != KVM_API) {
		snprintf(why, len, "%s: API version %d, wanted %d", path, version, KVM_API);
		return -ENODEV;
	}
	return 0;
}

static int guestmode_probe(char *why, size_t len)
{
	return device_probe("/dev/guestmode", why, len);
}

static int kvm_probe(char *why, size_t len)
{
	return device_probe("/dev/kvm", why, len);
}

static void kick_signal(int sig)
{
	(void)sig; /* its only effect is that KVM_RUN returns */
}

static int vm_open_device(struct gm_machine *m, const char *path, bool irqchip, struct gm_vm **out,
			  char *err, size_t errlen)
{
	struct sigaction sa = {.sa_handler = kick_signal};
	struct kvm_vm *vm = calloc(1, sizeof(*vm));
	u64 ident = KVM_IDENTITY_ADDR;
	int ret, khz;

	if (!vm) {
		snprintf(err, errlen, "out of memory");
		return -ENOMEM;
	}
	vm->vmfd = -1;
	vm->devfd = open(path, O_RDWR | O_CLOEXEC);
	if (vm->devfd >= 0)
		vm->vmfd = ioctl(vm->devfd, KVM_CREATE_VM, 0);
	if (vm->vmfd < 0) {
		ret = -errno;
		snprintf(err, errlen, "%s: cannot make a virtual machine: %s", path,
			 strerror(errno));
		if (vm->devfd >= 0)
			close(vm->devfd);
		free(vm);
		return ret;
	}
	vm->readonly_slots = ioctl(vm->devfd, KVM_CHECK_EXTENSION, KVM_CAP_READONLY_MEM) > 0;
	/* Both are refused by devices that have no need of them. */
	ioctl(vm->vmfd, KVM_SET_TSS_ADDR, KVM_TSS_ADDR);
	ioctl(vm->vmfd, KVM_SET_IDENTITY_MAP_ADDR, &ident);
	khz = ioctl(vm->vmfd, KVM_GET_TSC_KHZ, 0);
	if (irqchip) {
		ret = kvm_irqchip_open(vm, err, errlen);
		if (ret) {
			close(vm->vmfd);
			close(vm->devfd);
			free(vm);
			return ret;
		}
	}
	vm->stats_fd = kvm_stats_open(vm, vm->vmfd);
	if (khz > 0)
		m->tsc_hz = (u64)khz * 1000;
	sigaction(SIGUSR1, &sa, NULL);
	*out = &vm->vm;
	return 0;
}

static int guestmode_vm_open(struct gm_machine *m, const struct gm_accel_options *o,
			     struct gm_vm **out, char *err, size_t errlen)
{
	return vm_open_device(m, o->device ? o->device : "/dev/guestmode", o->irqchip, out,
			      err, errlen);
}

static int kvm_vm_open(struct gm_machine *m, const struct gm_accel_options *o, struct gm_vm **out,
		       char *err, size_t errlen)
{
	return vm_open_device(m, o->device ? o->device : "/dev/kvm", o->irqchip, out, err, errlen);
}

static void kvm_vm_close(struct gm_vm *v)
{
	struct kvm_vm *vm = container_of(v, struct kvm_vm, vm);

	if (vm->stats_fd >= 0)
		close(vm->stats_fd);
	close(vm->vmfd);
	close(vm->devfd);
	free(vm);
}

/* ---- memory ---- */

static int slot_set(struct kvm_vm *vm, unsigned int i, const struct kvm_slot *s)
{
	struct kvm_userspace_memory_region r = {.slot = i};

	if (s) {
		r.guest_phys_addr = s->gpa;
		r.memory_size = s->len;
		r.userspace_addr = (u64)(uintptr_t)(s->ram->host + s->off);
		r.flags = (s->readonly ? KVM_MEM_READONLY : 0) |
			  (s->ram->dirty ? KVM_MEM_LOG_DIRTY_PAGES : 0);
	}
	return ioctl(vm->vmfd, KVM_SET_USER_MEMORY_REGION, &r) ? -errno : 0;
}

static bool slot_equal(const struct kvm_slot *a, const struct kvm_slot *b)
{
	return a->gpa == b->gpa && a->len == b->len && a->ram == b->ram && a->off == b->off &&
	       a->readonly == b->readonly;
}

static void slot_sync_dirty(struct kvm_vm *vm, unsigned int i)
{
	struct kvm_slot *s = &vm->slots[i];
	u64 pages = s->len / 4096, n, first = s->off / 4096;
	struct kvm_dirty_log log = {.slot = i};
	u64 *bits = calloc((pages + 63) / 64, sizeof(u64));

	if (!bits)
		return;
	log.dirty_bitmap = bits;
	if (ioctl(vm->vmfd, KVM_GET_DIRTY_LOG, &log) == 0)
		for (n = 0; n < pages; n++)
			if (bits[n / 64] >> (n % 64) & 1)
				__atomic_or_fetch(&s->ram->dirty[(first + n) / 64],
						  1ULL << ((first + n) % 64), __ATOMIC_RELAXED);
	free(bits);
}

/* Slots that are no longer wanted go first, so that new ones never overlap them. */
static void kvm_memory_changed(struct gm_vm *v)
{
	struct kvm_vm *vm = container_of(v, struct kvm_vm, vm);
	struct kvm_slot want[KVM_SLOTS];
	unsigned int nwant = 0, i, j;
	size_t n, k;
	const struct gm_flat *f = gm_bus_flat(v->m->mem, &n);

	for (k = 0; k < n; k++) {
		if (!f[k].ram || (f[k].readonly && !vm->readonly_slots))
			continue;
		if (nwant == KVM_SLOTS) {
			gm_machine_end(v->m, GM_END_ERROR,
				       "more than %d pieces of memory: too many for this accelerator",
				       KVM_SLOTS);
			break;
		}
		want[nwant++] = (struct kvm_slot){.gpa = f[k].start, .len = f[k].end - f[k].start,
						  .ram = f[k].ram, .off = f[k].ram_off,
						  .readonly = f[k].readonly};
	}
	for (i = 0; i < KVM_SLOTS; i++) {
		if (!vm->slots[i].ram)
			continue;
		for (j = 0; j < nwant && !slot_equal(&vm->slots[i], &want[j]); j++)
			;
		if (j < nwant) {
			want[j].ram = NULL; /* stays as it is */
			continue;
		}
		if (vm->slots[i].ram->dirty)
			slot_sync_dirty(vm, i);
		slot_set(vm, i, NULL);
		vm->slots[i].ram = NULL;
	}
	for (j = 0, i = 0; j < nwant; j++) {
		int err;

		if (!want[j].ram)
			continue;
		while (i < KVM_SLOTS && vm->slots[i].ram)
			i++;
		if (i == KVM_SLOTS)
			break;
		err = slot_set(vm, i, &want[j]);
		if (err)
			gm_machine_end(v->m, GM_END_ERROR, "memory at %#lx refused: %s",
				       want[j].gpa, strerror(-err));
		else
			vm->slots[i] = want[j];
	}
}

static void kvm_dirty_sync(struct gm_vm *v, struct gm_ram *ram, u64 first, u64 npages)
{
	struct kvm_vm *vm = container_of(v, struct kvm_vm, vm);
	unsigned int i;

	for (i = 0; i < KVM_SLOTS; i++)
		if (vm->slots[i].ram == ram)
			slot_sync_dirty(vm, i);
}

static void kvm_a20(struct gm_vm *v, bool enabled)
{
	/* Hardware virtualization has no A20 gate: it stays enabled, as on newer PCs. */
}

/* ---- vCPUs ---- */

static int kvm_vcpu_open(struct gm_vm *vm_, struct gm_vcpu *v)
{
	struct kvm_vm *vm = container_of(vm_, struct kvm_vm, vm);
	struct kvm_vcpu *k = calloc(1, sizeof(*k));
	int err;

	if (!k)
		return -ENOMEM;
	k->run_size = ioctl(vm->devfd, KVM_GET_VCPU_MMAP_SIZE, 0);
	k->fd = ioctl(vm->vmfd, KVM_CREATE_VCPU,
		      vm->vm.irqchip ? v->apic_id : v->index);
	if (k->fd < 0) {
		err = -errno;
		goto fail;
	}
	k->run = mmap(NULL, (size_t)k->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, k->fd, 0);
	if (k->run == MAP_FAILED) {
		err = -errno;
		goto fail_close;
	}
	k->vm = vm;
	v->priv = k;
	err = kvm_cpuid_setup(v);
	if (!err && vm->vm.irqchip)
		err = kvm_irqchip_vcpu_open(k);
	if (err)
		goto fail_unmap;
	k->stats_fd = kvm_stats_open(vm, k->fd);
	return 0;

fail_unmap:
	munmap(k->run, (size_t)k->run_size);
fail_close:
	close(k->fd);
fail:
	free(k);
	v->priv = NULL;
	return err;
}

static void kvm_vcpu_close(struct gm_vcpu *v)
{
	struct kvm_vcpu *k = v->priv;

	munmap(k->run, (size_t)k->run_size);
	if (k->stats_fd >= 0)
		close(k->stats_fd);
	close(k->fd);
	free(k);
	v->priv = NULL;
}

static void kvm_kick(struct gm_vcpu *v)
{
	struct kvm_vcpu *k = v->priv;

	__atomic_store_n(&k->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&k->running, __ATOMIC_SEQ_CST) && v != gm_vcpu_current)
		pthread_kill(k->thread, SIGUSR1);
}

/* ---- running ---- */

static void exit_io(struct gm_vcpu *v, struct kvm_run *run)
{
	u8 *data = (u8 *)run + run->io.data_offset;
	u32 i;

	gm_lock(v->m);
	for (i = 0; i < run->io.count; i++, data += run->io.size) {
		u64 val = 0;

		if (run->io.direction == KVM_EXIT_IO_OUT) {
			memcpy(&val, data, run->io.size);
			gm_bus_write(v->m->pio, run->io.port, run->io.size, val);
		} else {
			val = gm_bus_read(v->m->pio, run->io.port, run->io.size);
			memcpy(data, &val, run->io.size);
		}
	}
	gm_unlock(v->m);
}

static void exit_mmio(struct gm_vcpu *v, struct kvm_run *run)
{
	u64 val = 0;

	gm_lock(v->m);
	if (run->mmio.is_write) {
		memcpy(&val, run->mmio.data, run->mmio.len);
		gm_bus_write(v->m->mem, run->mmio.phys_addr, run->mmio.len, val);
	} else {
		val = gm_bus_read(v->m->mem, run->mmio.phys_addr, run->mmio.len);
		memcpy(run->mmio.data, &val, run->mmio.len);
	}
	gm_unlock(v->m);
}

/* Injects what can be injected now, else asks for an interrupt window. Returns true if the vCPU
 * has something to wake up for. */
static bool inject(struct gm_vcpu *v, struct kvm_vcpu *k)
{
	struct kvm_run *run = k->run;
	bool woken = false;

	run->request_interrupt_window = 0;
	if (__atomic_exchange_n(&v->nmi_request, 0, __ATOMIC_SEQ_CST)) {
		ioctl(k->fd, KVM_NMI, 0);
		woken = true;
	}
	if (!__atomic_exchange_n(&v->irq_request, 0, __ATOMIC_SEQ_CST) || k->vm->vm.irqchip)
		return woken;
	gm_lock(v->m);
	if (v->intr_pending(v)) {
		if (run->ready_for_interrupt_injection && run->if_flag) {
			struct kvm_interrupt irq = {.irq = (u32)v->intr_ack(v)};

			if ((int)irq.irq >= 0)
				ioctl(k->fd, KVM_INTERRUPT, &irq);
			woken = true;
		}
		if (v->intr_pending(v)) {
			run->request_interrupt_window = 1;
			__atomic_store_n(&v->irq_request, 1, __ATOMIC_SEQ_CST);
		}
	}
	gm_unlock(v->m);
	return woken;
}

/* The task priority of our local APIC, which the guest reads and writes as CR8. */
static void tpr_in(struct gm_vcpu *v, struct kvm_run *run)
{
	gm_lock(v->m);
	run->cr8 = v->tpr_get(v);
	gm_unlock(v->m);
}

static void tpr_out(struct gm_vcpu *v, const struct kvm_run *run)
{
	gm_lock(v->m);
	if (run->cr8 != v->tpr_get(v))
		v->tpr_set(v, run->cr8);
	gm_unlock(v->m);
}

static void run_once(struct gm_vcpu *v, struct kvm_vcpu *k, struct gm_exit *e, bool *again)
{
	struct kvm_run *run = k->run;
	int ret;

	if (!k->vm->vm.irqchip)
		tpr_in(v, run);
	ret = ioctl(k->fd, KVM_RUN, 0) ? -errno : 0;
	if (!k->vm->vm.irqchip)
		tpr_out(v, run);
	if (ret == -EINTR || ret == -EAGAIN)
		return;
	if (ret) {
		e->reason = GM_EXIT_ERROR;
		snprintf(e->text, sizeof(e->text), "KVM_RUN: %s", strerror(-ret));
		return;
	}
	*again = true;
	switch (run->exit_reason) {
	case KVM_EXIT_IO: exit_io(v, run); break;
	case KVM_EXIT_MMIO: exit_mmio(v, run); break;
	case KVM_EXIT_IRQ_WINDOW_OPEN: break;
	case KVM_EXIT_SET_TPR: break;
	case KVM_EXIT_INTR: *again = false; break;
	case KVM_EXIT_HLT:
		k->halted = true;
		break;
	case KVM_EXIT_DEBUG:
		kvm_debug_exit(k, e);
		*again = false;
		break;
	case KVM_EXIT_SHUTDOWN:
		e->reason = GM_EXIT_SHUTDOWN;
		*again = false;
		break;
	default:
		e->reason = GM_EXIT_ERROR;
		snprintf(e->text, sizeof(e->text), "exit %u from the kernel (suberror %u)",
			 run->exit_reason, run->internal.suberror);
		*again = false;
	}
}

static void kvm_run_vcpu(struct gm_vcpu *v, struct gm_exit *e)
{
	struct kvm_vcpu *k = v->priv;
	bool again = true;

	e->reason = GM_EXIT_KICKED;
	k->thread = pthread_self();
	__atomic_store_n(&k->running, 1, __ATOMIC_SEQ_CST);
	while (again) {
		again = false;
		if (inject(v, k))
			k->halted = false;
		if (k->halted) {
			e->reason = GM_EXIT_HALTED;
			break;
		}
		run_once(v, k, e, &again);
		/* An interrupt that came meanwhile is in irq_request: look there, then go on. */
		if (__atomic_exchange_n(&k->run->immediate_exit, 0, __ATOMIC_SEQ_CST))
			again = false;
	}
	__atomic_store_n(&k->running, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&k->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
}

#define KVM_ACCEL_COMMON                                                                           \
	.vm_close = kvm_vm_close, .memory_changed = kvm_memory_changed,                            \
	.dirty_sync = kvm_dirty_sync, .a20 = kvm_a20, .vcpu_open = kvm_vcpu_open,                  \
	.vcpu_close = kvm_vcpu_close, .vcpu_reset = kvm_vcpu_reset, .run = kvm_run_vcpu,           \
	.kick = kvm_kick, .debug_set = kvm_debug_set, .regs_get = kvm_regs_get,                    \
	.regs_set = kvm_regs_set, .pause = kvm_pause, .stats = kvm_stats, .irq_line = kvm_irq_line, .msi = kvm_msi

const struct gm_accel gm_accel_guestmode = {
	.name = "guestmode",
	.probe = guestmode_probe,
	.vm_open = guestmode_vm_open,
	KVM_ACCEL_COMMON,
};

const struct gm_accel gm_accel_kvm = {
	.name = "kvm",
	.probe = kvm_probe,
	.vm_open = kvm_vm_open,
	KVM_ACCEL_COMMON,
};

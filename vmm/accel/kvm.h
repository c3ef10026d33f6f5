/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What kvm.c (running), kvm_regs.c (registers) and kvm_cpuid.c share. */
#ifndef VMM_ACCEL_KVM_H
#define VMM_ACCEL_KVM_H

#include <linux/kvm.h>
#include <pthread.h>
#include "vmm/accel/accel.h"
#include "vmm/vcpu.h"

#define KVM_SLOTS 32

struct kvm_slot {
	u64 gpa, len;
	struct gm_ram *ram; /* NULL: not used */
	u64 off;
	bool readonly;
};

struct kvm_vm {
	struct gm_vm vm;
	int devfd, vmfd;
	int stats_fd; /* -1: the kernel has none */
	bool readonly_slots;
	struct kvm_irqchip chip_made[3]; /* with vm.irqchip: their state after a reset */
	struct kvm_slot slots[KVM_SLOTS]; /* machine lock */
	/* While paused, kvm_clock.c: host TSC then, the first vCPU's TSC, the paravirtual clock. */
	u64 paused_at, tsc;
	struct kvm_clock_data clock;
	bool tsc_valid, clock_valid;
};

struct kvm_vcpu {
	struct kvm_vm *vm;
	int fd;
	int stats_fd;
	int run_size;
	struct kvm_run *run;
	pthread_t thread; /* valid while running */
	int running;      /* atomic */
	struct kvm_guest_debug debug; /* as last set */
	struct gm_point points[4];    /* by debug register */
	struct kvm_lapic_state lapic_made; /* with vm.irqchip: its state after a reset */
	bool halted;      /* HLT executed, not yet woken; owned by the vCPU thread */
};

/* kvm_irq.c */
int kvm_irqchip_open(struct kvm_vm *vm, char *err, size_t errlen);
int kvm_irqchip_vcpu_open(struct kvm_vcpu *k);
int kvm_irqchip_reset(struct gm_vcpu *v);
void kvm_irq_line(struct gm_vm *v, unsigned int line, int level);
void kvm_msi(struct gm_vm *v, u64 addr, u32 data);

/* kvm_cpuid.c */
int kvm_cpuid_setup(struct gm_vcpu *v);
/* kvm_regs.c */
void kvm_vcpu_reset(struct gm_vcpu *v, bool init);
int kvm_regs_get(struct gm_vcpu *v, unsigned int groups, struct gm_regs *r);
int kvm_regs_set(struct gm_vcpu *v, unsigned int groups, const struct gm_regs *r);

/* kvm_debug.c */
int kvm_debug_set(struct gm_vcpu *v, const struct gm_debug *d);
void kvm_debug_exit(struct kvm_vcpu *k, struct gm_exit *e);
/* kvm_stats.c; a descriptor for counters, or -1 */
int kvm_stats_open(const struct kvm_vm *vm, int fd);
void kvm_stats(struct gm_vm *v, const struct gm_vcpu *vcpu, gm_accel_stat_fn *fn, void *opaque);
/* kvm_clock.c */
void kvm_pause(struct gm_vm *vm, bool paused);

#endif

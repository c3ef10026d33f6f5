/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Local APIC (xAPIC and x2APIC), one per vCPU, and the message bus between them and the I/O APIC.
 * Intel SDM volume 3, chapter 11 ("Advanced Programmable Interrupt Controller").
 *
 * Machine lock held in every function here.
 */
#ifndef DEVICES_APIC_LAPIC_H
#define DEVICES_APIC_LAPIC_H

#include "devices/dev.h"
#include "vmm/vcpu.h"

#define LAPIC_BASE     0xfee00000u
#define LAPIC_TIMER_HZ 1000000000u /* before the divide configuration */

struct lapic_cfg {
	struct gm_vcpu *vcpu; /* init sets vcpu->lapic and the callbacks of struct gm_vcpu */
	u32 apic_id;
	bool absent;          /* the CPU model has no APIC: INTR and NMI pins only */
	bool x2apic;          /* may be switched to x2APIC mode */
	bool tsc_deadline;    /* the timer has the TSC-deadline mode */
	u64 tsc_hz;           /* guest TSC = guest time * tsc_hz + tsc_offset() */
	u64 (*tsc_offset)(void *opaque); /* optional, ticks modulo 2^64 */
	void *tsc_opaque;
	u8 phys_bits;         /* width of physical addresses, 36 when 0 */

	/* Interrupt acknowledge of the 8259A behind LINT0: pic_ack. */
	int (*extint_ack)(void *opaque);
	void *extint_opaque;
	/* End of a level-triggered interrupt: ioapic_eoi. */
	void (*eoi)(void *opaque, u8 vector);
	void *eoi_opaque;
	/* INIT and start-up IPIs for this vCPU; optional. */
	void (*init_ipi)(void *opaque);
	void (*sipi)(void *opaque, u8 vector);
	void *ipi_opaque;
};

extern const struct gm_dev_class lapic_class;

/* Pins LINT0 (line 0) and LINT1 (line 1). Fits struct gm_irq with opaque = the struct gm_dev; to
 * be wired to pic's INTR and to NMI. */
void lapic_lint_set(void *opaque, int line, int level);
/* LINT0 to ExtINT and LINT1 to NMI, software-enabled: what a BIOS leaves behind ("virtual wire
 * mode"). For machines that start an operating system without firmware. */
void lapic_set_virtual_wire(struct gm_dev *d);
/* The vCPU's INIT: all but the APIC ID and APIC_BASE. The class's reset does those too. */
void lapic_init_reset(struct gm_dev *d);
/* tsc_offset() gives another value from now on: computes the TSC deadline anew. */
void lapic_tsc_changed(struct gm_dev *d);

/* Registers by their offset in the 4 KiB page, for the vCPU of `d`. The bus region does it for
 * gm_vcpu_current. 32-bit accesses. */
u32 lapic_mmio_read(struct gm_dev *d, u32 off);
void lapic_mmio_write(struct gm_dev *d, u32 off, u32 val);

/* What struct gm_vcpu asks (see there). */
bool lapic_intr_pending(struct gm_vcpu *v);
int lapic_intr_ack(struct gm_vcpu *v);
u64 lapic_tpr_get(struct gm_vcpu *v);
void lapic_tpr_set(struct gm_vcpu *v, u64 cr8);
int lapic_msr_get(struct gm_vcpu *v, u32 msr, u64 *val);
int lapic_msr_set(struct gm_vcpu *v, u32 msr, u64 val);

/* ---- interrupt messages ---- */

enum apic_mode {
	APIC_FIXED,
	APIC_LOWEST,
	APIC_SMI,
	APIC_RESERVED,
	APIC_NMI,
	APIC_INIT,
	APIC_STARTUP,
	APIC_EXTINT,
};

struct apic_msg {
	u32 dest;      /* APIC ID or logical destination; 0xff (xAPIC) or ~0 is all */
	bool logical;
	bool level;    /* trigger mode */
	u8 mode;       /* enum apic_mode */
	u8 vector;
};

/* Delivers to the local APICs it addresses. Returns whether any accepted it. */
bool apic_deliver(struct gm_machine *m, const struct apic_msg *msg);
/* A message-signalled interrupt: a PCI function writes data to addr (FEExxxxxh). */
void apic_msi_send(struct gm_machine *m, u64 addr, u32 data);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupt controllers and timers of a VM, for the files of this folder. All state is under
 * irq->lock, a spinlock taken with interrupts off; functions say when they take it themselves.
 * Eventfds are signalled, and guest memory is touched, outside of it.
 *
 * The way of an interrupt: a line (IRQ_LINE, irqfd, PIT) or a message comes to gm_gsi_set(); its route
 * leads to the PIC pair, the I/O APIC or a message; the latter two to gm_apic_deliver(), which
 * finds the local APICs, sets their request bits and gm_vcpu_request()s their vCPUs. The vCPU
 * takes it in gm_irq_take() before it enters guest mode.
 */
#ifndef GM_IRQ_H
#define GM_IRQ_H

#include "module/compat/time.h"
#include "module/gm.h"

#include <linux/list.h>
#include <linux/spinlock.h>

#define GM_PIC_PINS    16
#define GM_IOAPIC_PINS 24
#define GM_IOAPIC_BASE 0xfec00000u

/* Who drives a line: its level is the "or" of all. */
enum { GM_SRC_USER = 1, GM_SRC_RESAMPLE = 2, GM_SRC_PIT = 4 };

enum gm_apic_mode {
	GM_APIC_FIXED,
	GM_APIC_LOWEST,
	GM_APIC_SMI,
	GM_APIC_RESERVED,
	GM_APIC_NMI,
	GM_APIC_INIT,
	GM_APIC_STARTUP,
	GM_APIC_EXTINT,
};

/* An interrupt message, with the fields of the ICR, a redirection entry or an MSI. */
struct gm_apic_msg {
	u32 dest;
	u8 logical;
	u8 level;      /* trigger mode */
	u8 mode;       /* enum gm_apic_mode */
	u8 vector;
	u8 shorthand;
};

struct gm_route {
	struct gm_irq_routing_entry e;
	s16 next;      /* of the same GSI, or -1 */
};

struct gm_routes {
	s16 first[GM_MAX_GSIS];
	unsigned int n;
	struct gm_route r[];
};

struct gm_pit {
	struct gm_pit_state2 s;    /* count_load_time: ns on the host's monotonic clock */
	struct hrtimer timer;      /* the next edge of channel 0 */
	u64 period;                /* ns; 0: one shot */
	ktime_t expires;
	u32 pending;               /* edges that wait for the guest to acknowledge the last one */
	u8 waiting;                /* for that acknowledge */
	u8 reinject;
	u8 armed;                  /* the timer counts */
	u8 speaker;                /* port 61h is ours */
	u8 port61;
	struct gm_irqchip *irq;
};

struct gm_irqchip {
	spinlock_t lock;
	struct gm_vm *vm;
	struct gm_lapic *lapics[GM_MAX_VCPUS]; /* by index of the vCPU */
	unsigned int nlapics;      /* entries to look at */
	unsigned int lowest;       /* where the last lowest-priority arbitration ended */
	u32 bsp;                   /* the boot processor's vCPU id */
	struct gm_pic_state pic[2];
	u8 pic_lines[2];           /* levels */
	u8 pic_out;                /* INTR of the master */
	u8 pic_src[GM_PIC_PINS];   /* GM_SRC_* that hold the pin up */
	struct gm_ioapic_state ioapic;
	u32 ioapic_lines;
	u8 ioapic_src[GM_IOAPIC_PINS];
	struct gm_routes *routes;
	struct gm_pit *pit;
	/* Pins whose interrupt was ended while somebody wants to know: I/O APIC, from bit 32 on PIC. */
	u64 acked;
	unsigned int nresample;
	/* bus_sem: */
	struct list_head irqfds;
	unsigned int nirqfds;
};

struct gm_lapic {
	struct gm_vcpu *vcpu;
	struct gm_irqchip *irq;
	struct hrtimer timer;
	u64 base;                  /* IA32_APIC_BASE */
	u64 deadline;              /* TSC value, 0: not armed */
	ktime_t expires;           /* of a counting timer */
	u64 period;                /* ns that the initial count stands for */
	u32 id;                    /* the initial one, and that of x2APIC mode */
	u32 esr_pending;
	u8 armed;                  /* the timer counts */
	u8 nmis;                   /* arrived, at most 2 */
	u8 sipi_vector;
	u32 regs[GM_LAPIC_REGS];   /* one per 16 bytes of the page's first 1,024 */
};

static inline unsigned long gm_irq_lock(struct gm_irqchip *irq)
{
	unsigned long flags;

	spin_lock_irqsave(&irq->lock, flags);
	return flags;
}

/* Drops the lock, then tells those who wait for the end of an interrupt. Process context. */
void gm_irq_unlock(struct gm_irqchip *irq, unsigned long flags);

/* lapic.c: the page of registers. -ENOENT: not there. Take the lock. */
int gm_lapic_mmio_read(struct gm_vcpu *vcpu, u64 addr, unsigned int len, void *val);
int gm_lapic_mmio_write(struct gm_vcpu *vcpu, u64 addr, unsigned int len, const void *val);

/* irqchip.c */
int gm_irq_read(struct gm_vcpu *vcpu, int kind, u64 addr, unsigned int len, void *val);
int gm_irq_write(struct gm_vcpu *vcpu, int kind, u64 addr, unsigned int len, const void *val);
long gm_irq_ioctl(struct gm_vm *vm, unsigned int cmd, void __user *arg);

/* pic.c. pin: 0 to 15. Results as of gm_gsi_set(). */
void gm_pic_reset(struct gm_irqchip *irq);
int gm_pic_set(struct gm_irqchip *irq, unsigned int pin, int level);
int gm_pic_ack(struct gm_irqchip *irq); /* INTA: the vector */
u8 gm_pic_read(struct gm_irqchip *irq, u16 port);
void gm_pic_write(struct gm_irqchip *irq, u16 port, u8 val);
void gm_pic_restore(struct gm_irqchip *irq, unsigned int chip, const struct gm_pic_state *s);

/* ioapic.c */
void gm_ioapic_reset(struct gm_irqchip *irq);
int gm_ioapic_set(struct gm_irqchip *irq, unsigned int pin, int level);
void gm_ioapic_eoi(struct gm_irqchip *irq, u8 vector, int level);
u32 gm_ioapic_read(struct gm_irqchip *irq, u32 off);
void gm_ioapic_write(struct gm_irqchip *irq, u32 off, u32 val);
void gm_ioapic_restore(struct gm_irqchip *irq, const struct gm_ioapic_state *s);

/* lapic_msg.c: number of local APICs that took it, or -1 when there is none. */
int gm_apic_deliver(struct gm_irqchip *irq, const struct gm_lapic *from,
		    const struct gm_apic_msg *msg);
void gm_lapic_icr(struct gm_lapic *l);

/* lapic.c */
int gm_lapic_accept(struct gm_lapic *l, u8 vector, int level);
int gm_lapic_local(struct gm_lapic *l, unsigned int lvt);
int gm_lapic_enabled(const struct gm_lapic *l); /* by IA32_APIC_BASE */
int gm_lapic_x2(const struct gm_lapic *l);
u32 gm_lapic_ppr(const struct gm_lapic *l);
int gm_lapic_takes_pic(const struct gm_lapic *l);
void gm_lapic_error(struct gm_lapic *l, u32 bit);

/* lapic_timer.c */
enum hrtimer_restart gm_lapic_timer_fn(struct hrtimer *t);
void gm_lapic_timer_start(struct gm_lapic *l);
u32 gm_lapic_timer_count(const struct gm_lapic *l);
void gm_lapic_timer_lvt(struct gm_lapic *l, u32 old);
void gm_lapic_timer_restore(struct gm_lapic *l, u32 count);
void gm_lapic_set_deadline(struct gm_lapic *l, u64 tsc);

/* Register numbers: offset in the page / 16, MSR number - 0x800. Intel SDM volume 3, table 11-1. */
enum {
	LAPIC_ID = 0x02, LAPIC_VERSION = 0x03, LAPIC_TPR = 0x08, LAPIC_APR = 0x09, LAPIC_PPR = 0x0a,
	LAPIC_EOI = 0x0b, LAPIC_LDR = 0x0d, LAPIC_DFR = 0x0e, LAPIC_SVR = 0x0f, LAPIC_ISR = 0x10,
	LAPIC_TMR = 0x18, LAPIC_IRR = 0x20, LAPIC_ESR = 0x28, LAPIC_ICR = 0x30, LAPIC_ICR_HI = 0x31,
	LAPIC_LVT_TIMER = 0x32, LAPIC_LVT_THERMAL, LAPIC_LVT_PERF, LAPIC_LVT_LINT0, LAPIC_LVT_LINT1,
	LAPIC_LVT_ERROR, LAPIC_ICT, LAPIC_CCT, LAPIC_DCR = 0x3e, LAPIC_SELF_IPI = 0x3f,
};
#define LVT_MASKED   (1u << 16)
#define LVT_PERIODIC (1u << 17)
#define LVT_DEADLINE (1u << 18)

/* route.c */
int gm_routes_default(struct gm_irqchip *irq);
int gm_routes_set(struct gm_irqchip *irq, const struct gm_irq_routing __user *arg);
/* Level 0 or 1 of a source. -1: nobody can take it; 0: it was asked for already; else the number of takers. */
int gm_gsi_set(struct gm_irqchip *irq, u32 gsi, u8 source, int level);
int gm_msi_send(struct gm_irqchip *irq, u32 addr, u32 data);
/* Pins of a GSI, as in irq->acked. */
u64 gm_gsi_pins(struct gm_irqchip *irq, u32 gsi);

/* pit.c */
int gm_pit_create(struct gm_irqchip *irq, u32 flags);
void gm_pit_free(struct gm_irqchip *irq);
u8 gm_pit_read(struct gm_irqchip *irq, u16 port);
void gm_pit_write(struct gm_irqchip *irq, u16 port, u8 val);
/* Some interrupt was ended (irq->acked); who drives its pin changed its mind about masks. */
void gm_pit_acked(struct gm_irqchip *irq);
void gm_pit_unmasked(struct gm_irqchip *irq);
int gm_pit_restore(struct gm_irqchip *irq, const struct gm_pit_state2 *s);

/* irqfd.c */
long gm_irqfd_ioctl(struct gm_vm *vm, void __user *arg);
/* An interrupt of these pins was ended. Takes bus_sem and the lock. */
void gm_irqfd_resample(struct gm_irqchip *irq, u64 pins);

#endif

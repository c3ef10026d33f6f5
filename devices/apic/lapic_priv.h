/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of the local APIC, for its own files: lapic.c (registers, priorities, pins), lapic_msr.c
 * (MSR interface), lapic_timer.c and lapic_msg.c (messages). Section numbers are those of Intel
 * SDM volume 3, chapter 11.
 */
#ifndef DEVICES_APIC_LAPIC_PRIV_H
#define DEVICES_APIC_LAPIC_PRIV_H

#include "devices/apic/lapic.h"

/* Register numbers: offset in the page / 16 = x2APIC MSR - 800h. */
enum {
	LAPIC_ID = 0x02,
	LAPIC_VERSION = 0x03,
	LAPIC_TPR = 0x08,
	LAPIC_APR = 0x09,
	LAPIC_PPR = 0x0a,
	LAPIC_EOI = 0x0b,
	LAPIC_LDR = 0x0d,
	LAPIC_DFR = 0x0e,
	LAPIC_SVR = 0x0f,
	LAPIC_ISR = 0x10,
	LAPIC_TMR = 0x18,
	LAPIC_IRR = 0x20,
	LAPIC_ESR = 0x28,
	LAPIC_CMCI = 0x2f,
	LAPIC_ICR = 0x30,
	LAPIC_ICR_HI = 0x31,
	LAPIC_LVT = 0x32, /* timer, thermal, performance, LINT0, LINT1, error */
	LAPIC_ICT = 0x38,
	LAPIC_CCT = 0x39,
	LAPIC_DCR = 0x3e,
	LAPIC_SELF_IPI = 0x3f,
};

enum lapic_lvt {
	LVT_TIMER,
	LVT_THERMAL,
	LVT_PERF,
	LVT_LINT0,
	LVT_LINT1,
	LVT_ERROR,
	LVT_CMCI,
	LVT_COUNT,
};

#define LVT_MODE_SHIFT   8
#define LVT_REMOTE_IRR   BIT(14)
#define LVT_LEVEL        BIT(15)
#define LVT_MASKED       BIT(16)
#define LVT_PERIODIC     BIT(17)
#define LVT_DEADLINE     BIT(18)

#define SVR_ENABLE       BIT(8)

#define ESR_SEND_VECTOR  BIT(5)
#define ESR_RECV_VECTOR  BIT(6)
#define ESR_ILLEGAL_REG  BIT(7)

#define APIC_BASE_BSP    BIT(8)
#define APIC_BASE_EXTD   BIT(10)
#define APIC_BASE_ENABLE BIT(11)
#define APIC_BASE_FLAGS  0xfffULL

struct lapic {
	struct gm_dev dev;
	u64 base;            /* IA32_APIC_BASE */
	u32 id;              /* as the register shows it: bits 31:24, or all in x2APIC mode */
	u32 ldr, dfr, svr;
	u32 esr, esr_pending;
	u32 icr_lo, icr_hi;
	u32 lvt[LVT_COUNT];
	u32 isr[8], tmr[8], irr[8];
	u32 ict, dcr;
	u8 tpr;
	u8 lint[2];          /* levels of the pins */
	bool extint;         /* an ExtINT message waits */
	s16 isrv;            /* highest vector in service, -1 for none */
	u64 timer_start;     /* guest time at which ict was loaded */
	u64 deadline;        /* TSC value; 0 when disarmed */
	u64 ticks;           /* periods since timer_start that were looked at */
	u32 backlog;         /* of those, interrupts not yet delivered */
	struct gm_timer timer;
	struct lapic_cfg cfg;
	struct gm_region *region; /* that of vCPU 0 serves all */
};

static inline struct lapic *lapic_of(const struct gm_vcpu *v)
{
	return v->lapic;
}

static inline bool lapic_x2(const struct lapic *l)
{
	return l->base & APIC_BASE_EXTD;
}

static inline bool lapic_hw_enabled(const struct lapic *l)
{
	return l->base & APIC_BASE_ENABLE;
}

/* lapic.c */
/* The vector waits to be taken: the same one again would be lost. */
bool lapic_requested(const struct lapic *l, u8 vector);
bool lapic_accept(struct lapic *l, u8 vector, bool level);
void lapic_error(struct lapic *l, u32 esr_bit);
/* An LVT entry's event happened. */
void lapic_local_event(struct lapic *l, enum lapic_lvt n);
/* Wakes the CPU if something can be delivered. */
void lapic_update(struct lapic *l);
u32 lapic_ppr(const struct lapic *l);
u32 lapic_reg_read(struct lapic *l, unsigned int reg);
void lapic_reg_write(struct lapic *l, unsigned int reg, u32 val);
void lapic_place(struct lapic *l);

/* lapic_timer.c */
void lapic_timer_fn(void *opaque);
void lapic_timer_arm(struct lapic *l);
u32 lapic_timer_count(const struct lapic *l);
void lapic_timer_set_count(struct lapic *l, u32 ict);
void lapic_timer_set_divide(struct lapic *l, u32 dcr);
void lapic_timer_set_lvt(struct lapic *l, u32 old);
void lapic_timer_set_deadline(struct lapic *l, u64 tsc);
u64 lapic_timer_deadline(const struct lapic *l);

/* lapic_msg.c */
void lapic_icr_send(struct lapic *l);
void lapic_self_ipi(struct lapic *l, u8 vector);

#endif

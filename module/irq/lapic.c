// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Local APICs: registers, priorities, acceptance of interrupts; xAPIC and x2APIC. Source: Intel SDM
 * volume 3, chapter 11 ("Advanced Programmable Interrupt Controller"). LINT0 is wired to the PIC
 * pair's output, LINT1 to nothing.
 */
#include "module/irq/irq.h"

#include <linux/slab.h>
#include <asm/apicdef.h>
#include <asm/msr.h>

#define SVR_ENABLE      0x100u
#define BASE_BSP        0x100ull
#define BASE_X2         0x400ull
#define BASE_ENABLE     0x800ull
#define ICR_BUSY        (1u << 12)
#define ESR_RECV_VECTOR (1u << 6)
#define ESR_ILLEGAL_REG (1u << 7)

#define X2_MSR_FIRST 0x800u
#define X2_MSR_LAST  0x8ffu

/* Writable bits of the LVT entries from LAPIC_LVT_TIMER on (figure 11-8). */
static const u32 lvt_writable[] = { 0x700ff, 0x107ff, 0x107ff, 0x1a7ff, 0x1a7ff, 0x100ff };

/* ---- vector bitmaps ---- */

static int vec_test(const u32 *map, u8 v)
{
	return map[v >> 5] >> (v & 31) & 1;
}

static void vec_set(u32 *map, u8 v)
{
	map[v >> 5] |= 1u << (v & 31);
}

static void vec_clear(u32 *map, u8 v)
{
	map[v >> 5] &= ~(1u << (v & 31));
}

static int vec_highest(const u32 *map)
{
	int i;

	for (i = 7; i >= 0; i--)
		if (map[i])
			return i * 32 + fls(map[i]) - 1;
	return -1;
}

/* ---- priorities ---- */

int gm_lapic_enabled(const struct gm_lapic *l)
{
	return !!(l->base & BASE_ENABLE);
}

int gm_lapic_x2(const struct gm_lapic *l)
{
	return (l->base & (BASE_ENABLE | BASE_X2)) == (BASE_ENABLE | BASE_X2);
}

u32 gm_lapic_ppr(const struct gm_lapic *l)
{
	int isrv = max(vec_highest(l->regs + LAPIC_ISR), 0);
	u32 tpr = l->regs[LAPIC_TPR];

	return tpr >> 4 >= (u32)isrv >> 4 ? tpr : (u32)isrv & 0xf0;
}

/* Arbitration priority, 11.6.2.4. */
static u32 lapic_apr(const struct gm_lapic *l)
{
	u32 irrv = max(vec_highest(l->regs + LAPIC_IRR), 0);
	u32 isrv = max(vec_highest(l->regs + LAPIC_ISR), 0);
	u32 tpr = l->regs[LAPIC_TPR];

	if (tpr >> 4 >= irrv >> 4 && tpr >> 4 > isrv >> 4)
		return tpr;
	return max(irrv, isrv) & 0xf0;
}

/* The vector that the processor should take now, or -1. */
static int deliverable(const struct gm_lapic *l)
{
	int irrv = vec_highest(l->regs + LAPIC_IRR);

	return gm_lapic_enabled(l) && irrv >= 0 && (u32)irrv >> 4 > gm_lapic_ppr(l) >> 4 ? irrv : -1;
}

u8 gm_lapic_threshold(struct gm_vcpu *vcpu)
{
	const struct gm_lapic *l = vcpu->lapic;
	int irrv = vec_highest(l->regs + LAPIC_IRR);

	return gm_lapic_enabled(l) && irrv >> 4 > 0 && (u64)irrv >> 4 <= vcpu->cr8 ? irrv >> 4 : 0;
}

int gm_lapic_takes_pic(const struct gm_lapic *l)
{
	u32 lvt = l->regs[LAPIC_LVT_LINT0];

	/* Switched off, its pin is the processor's INTR; that of the boot processor is connected. */
	if (!gm_lapic_enabled(l))
		return l->vcpu->id == l->irq->bsp;
	return !(lvt & LVT_MASKED) && (lvt >> 8 & 7) == GM_APIC_EXTINT;
}

static int pending(const struct gm_lapic *l)
{
	return (l->irq->pic_out && gm_lapic_takes_pic(l)) || deliverable(l) >= 0;
}

static void pv_eoi_offer(struct gm_vcpu *vcpu, int vector);

int gm_irq_take(struct gm_vcpu *vcpu, int can)
{
	struct gm_lapic *l = vcpu->lapic;
	struct gm_irqchip *irq = l->irq;
	unsigned long flags = gm_irq_lock(irq);
	int v = -1, offer = 0;

	if (can && irq->pic_out && gm_lapic_takes_pic(l)) {
		v = gm_pic_ack(irq);
	} else if (can) {
		v = deliverable(l);
		if (v >= 0) {
			vec_clear(l->regs + LAPIC_IRR, v);
			vec_set(l->regs + LAPIC_ISR, v);
			offer = vcpu->pv.eoi & 1;
		}
	}
	vcpu->irq_window = pending(l);
	gm_irq_unlock(irq, flags);
	if (offer)
		pv_eoi_offer(vcpu, v);
	return v;
}

unsigned int gm_lapic_nmis(struct gm_vcpu *vcpu)
{
	unsigned long flags = gm_irq_lock(vcpu->lapic->irq);
	unsigned int n = vcpu->lapic->nmis;

	vcpu->lapic->nmis = 0;
	spin_unlock_irqrestore(&vcpu->lapic->irq->lock, flags);
	return n;
}

u8 gm_lapic_sipi(struct gm_vcpu *vcpu)
{
	return READ_ONCE(vcpu->lapic->sipi_vector);
}

void gm_lapic_set_sipi(struct gm_vcpu *vcpu, u8 vector)
{
	WRITE_ONCE(vcpu->lapic->sipi_vector, vector);
}

int gm_lapic_accept(struct gm_lapic *l, u8 vector, int level)
{
	if (!gm_lapic_enabled(l) || !(l->regs[LAPIC_SVR] & SVR_ENABLE))
		return 0;
	if (vector < 16) {
		gm_lapic_error(l, ESR_RECV_VECTOR);
		return 0;
	}
	vec_set(l->regs + LAPIC_IRR, vector);
	if (level)
		vec_set(l->regs + LAPIC_TMR, vector);
	else
		vec_clear(l->regs + LAPIC_TMR, vector);
	gm_vcpu_request(l->vcpu, GM_REQ_IRQ);
	return 1;
}

/* ---- local sources ---- */

void gm_lapic_error(struct gm_lapic *l, u32 bit)
{
	int again = l->esr_pending & bit;

	l->esr_pending |= bit;
	/* An illegal vector in the error entry itself must not come back here without end. */
	if (!again)
		gm_lapic_local(l, LAPIC_LVT_ERROR);
}

int gm_lapic_local(struct gm_lapic *l, unsigned int lvt)
{
	u32 v = l->regs[lvt];
	unsigned int mode = v >> 8 & 7;

	if (!gm_lapic_enabled(l) || (v & LVT_MASKED))
		return 0;
	if (lvt == LAPIC_LVT_TIMER || lvt == LAPIC_LVT_ERROR || mode == GM_APIC_FIXED)
		return gm_lapic_accept(l, v, 0);
	if (mode == GM_APIC_NMI) {
		l->nmis = min(l->nmis + 1, 2);
		gm_vcpu_request(l->vcpu, GM_REQ_NMI);
		return 1;
	}
	return 0;
}

/* ---- registers ---- */

/* The end of this interrupt is nobody's business but the local APIC's. */
static int eoi_is_private(const struct gm_lapic *l, u8 vector)
{
	const struct gm_irqchip *irq = l->irq;

	return !vec_test(l->regs + LAPIC_TMR, vector) && !irq->nresample && !(irq->pit && irq->pit->reinject);
}

static void eoi(struct gm_lapic *l)
{
	struct gm_irqchip *irq = l->irq;
	int v = vec_highest(l->regs + LAPIC_ISR);
	int level;

	if (v < 0)
		return;
	vec_clear(l->regs + LAPIC_ISR, v);
	level = vec_test(l->regs + LAPIC_TMR, v);
	if (!eoi_is_private(l, v))
		gm_ioapic_eoi(irq, v, level);
	set_bit(GM_REQ_IRQ, &l->vcpu->requests);
}

/*
 * Paravirtual EOI (Linux, Documentation/virt/kvm/x86/msr.rst, 4b564d04h): a bit in guest memory, set with an
 * interrupt after which nothing waits, tells the guest to clear it in place of writing EOI. After the next
 * exit it is either clear, and the interrupt is ended here, or taken back.
 */
#define PV_EOI_ADDR(vcpu) ((vcpu)->pv.eoi & ~3ull)

static void pv_eoi_offer(struct gm_vcpu *vcpu, int vector)
{
	struct gm_lapic *l = vcpu->lapic;
	u32 one = 1;
	unsigned long flags = gm_irq_lock(l->irq);
	int alone = vec_highest(l->regs + LAPIC_ISR) == vector && vec_highest(l->regs + LAPIC_IRR) < 0 &&
		    eoi_is_private(l, vector);

	gm_irq_unlock(l->irq, flags);
	if (!alone)
		return;
	down_read(&vcpu->vm->slots_sem);
	vcpu->pv.eoi_offered = !gm_mem_write(vcpu->vm, PV_EOI_ADDR(vcpu), &one, sizeof(one));
	up_read(&vcpu->vm->slots_sem);
}

void gm_lapic_pv_eoi(struct gm_vcpu *vcpu)
{
	struct gm_lapic *l = vcpu->lapic;
	unsigned long flags;
	int ret;

	vcpu->pv.eoi_offered = 0;
	down_read(&vcpu->vm->slots_sem);
	ret = gm_mem_cmpxchg(vcpu->vm, PV_EOI_ADDR(vcpu), 4, 1, 0);
	up_read(&vcpu->vm->slots_sem);
	if (ret)
		return;
	flags = gm_irq_lock(l->irq);
	eoi(l);
	gm_irq_unlock(l->irq, flags);
}

static u32 reg_read(struct gm_lapic *l, unsigned int reg)
{
	switch (reg) {
	case LAPIC_ID:
		return gm_lapic_x2(l) ? l->id : l->regs[reg];
	case LAPIC_APR:
		return lapic_apr(l);
	case LAPIC_PPR:
		return gm_lapic_ppr(l);
	case LAPIC_CCT:
		return gm_lapic_timer_count(l);
	case LAPIC_EOI:
		return 0;
	}
	return l->regs[reg];
}

static void write_lvt(struct gm_lapic *l, unsigned int reg, u32 val)
{
	u32 old = l->regs[reg];

	val &= lvt_writable[reg - LAPIC_LVT_TIMER];
	if (reg == LAPIC_LVT_TIMER && (val & LVT_DEADLINE))
		val &= ~LVT_PERIODIC; /* both together are reserved */
	if (!(l->regs[LAPIC_SVR] & SVR_ENABLE))
		val |= LVT_MASKED;
	l->regs[reg] = val;
	if (reg == LAPIC_LVT_TIMER)
		gm_lapic_timer_lvt(l, old);
	else if (reg == LAPIC_LVT_LINT0)
		set_bit(GM_REQ_IRQ, &l->vcpu->requests);
}

static void write_svr(struct gm_lapic *l, u32 val)
{
	unsigned int i;

	l->regs[LAPIC_SVR] = val & 0x3ff;
	if (val & SVR_ENABLE)
		return;
	for (i = LAPIC_LVT_TIMER; i <= LAPIC_LVT_ERROR; i++)
		l->regs[i] |= LVT_MASKED;
}

static void set_tpr(struct gm_lapic *l, u8 tpr)
{
	l->regs[LAPIC_TPR] = tpr;
	l->vcpu->cr8 = tpr >> 4;
	set_bit(GM_REQ_IRQ, &l->vcpu->requests);
}

static void reg_write(struct gm_lapic *l, unsigned int reg, u32 val)
{
	u32 count;

	switch (reg) {
	case LAPIC_EOI:
		eoi(l);
		break;
	case LAPIC_TPR:
		set_tpr(l, val);
		break;
	case LAPIC_ICR:
		l->regs[reg] = val & ~ICR_BUSY; /* sent at once; reserved bits are kept, as programs expect */
		gm_lapic_icr(l);
		break;
	case LAPIC_ICR_HI:
		l->regs[reg] = val & 0xff000000;
		break;
	case LAPIC_LVT_TIMER: case LAPIC_LVT_THERMAL: case LAPIC_LVT_PERF:
	case LAPIC_LVT_LINT0: case LAPIC_LVT_LINT1: case LAPIC_LVT_ERROR:
		write_lvt(l, reg, val);
		break;
	case LAPIC_ICT:
		if (l->regs[LAPIC_LVT_TIMER] & LVT_DEADLINE)
			break;
		l->regs[reg] = val;
		gm_lapic_timer_start(l);
		break;
	case LAPIC_DCR:
		val &= 0xb;
		count = gm_lapic_timer_count(l);
		l->regs[reg] = val;
		gm_lapic_timer_restore(l, count);
		break;
	case LAPIC_SVR:
		write_svr(l, val);
		break;
	case LAPIC_ID:
		l->regs[reg] = val & 0xff000000;
		break;
	case LAPIC_LDR:
		l->regs[reg] = val & 0xff000000;
		break;
	case LAPIC_DFR:
		l->regs[reg] = val | 0x0fffffff;
		break;
	case LAPIC_ESR:
		l->regs[reg] = l->esr_pending;
		l->esr_pending = 0;
		break;
	default:
		gm_lapic_error(l, ESR_ILLEGAL_REG);
	}
}

/* ---- the page ---- */

static int in_page(const struct gm_lapic *l, u64 addr)
{
	return l && gm_lapic_enabled(l) && (addr ^ l->base) >> PAGE_SHIFT == 0;
}

/* 32-bit registers at multiples of 16; the rest of the page reads as zero. */
int gm_lapic_mmio_read(struct gm_vcpu *vcpu, u64 addr, unsigned int len, void *val)
{
	struct gm_lapic *l = vcpu->lapic;
	unsigned int off = addr & (PAGE_SIZE - 1);
	unsigned long flags;
	u32 v;

	if (!in_page(l, addr))
		return -ENOENT;
	memset(val, gm_lapic_x2(l) ? 0xff : 0, len);
	if (gm_lapic_x2(l) || (off & 15) + len > 4 || off >> 4 >= GM_LAPIC_REGS)
		return 0;
	flags = gm_irq_lock(l->irq);
	v = reg_read(l, off >> 4);
	gm_irq_unlock(l->irq, flags);
	memcpy(val, (u8 *)&v + (off & 3), len);
	return 0;
}

int gm_lapic_mmio_write(struct gm_vcpu *vcpu, u64 addr, unsigned int len, const void *val)
{
	struct gm_lapic *l = vcpu->lapic;
	unsigned int off = addr & (PAGE_SIZE - 1);
	unsigned long flags;
	u32 v;

	if (!in_page(l, addr))
		return -ENOENT;
	if (gm_lapic_x2(l) || (off & 15) || len != 4)
		return 0;
	memcpy(&v, val, 4);
	flags = gm_irq_lock(l->irq);
	reg_write(l, off >> 4, v);
	gm_irq_unlock(l->irq, flags);
	return 0;
}

/* ---- MSRs and CR8 ---- */

/* Registers that x2APIC mode has (table 11-6): 1 read, 2 write, 4 write of zero only. */
static unsigned int x2_access(unsigned int reg)
{
	switch (reg) {
	case LAPIC_ID: case LAPIC_VERSION: case LAPIC_PPR: case LAPIC_LDR: case LAPIC_CCT:
		return 1;
	case LAPIC_EOI:
		return 6;
	case LAPIC_ESR:
		return 7;
	case LAPIC_SELF_IPI:
		return 2;
	case LAPIC_TPR: case LAPIC_SVR: case LAPIC_ICR: case LAPIC_ICT: case LAPIC_DCR:
		return 3;
	}
	if (reg >= LAPIC_LVT_TIMER && reg <= LAPIC_LVT_ERROR)
		return 3;
	return reg >= LAPIC_ISR && reg < LAPIC_ESR;
}

static int x2_read(struct gm_lapic *l, unsigned int reg, u64 *val)
{
	if (!gm_lapic_x2(l) || !(x2_access(reg) & 1))
		return -EINVAL;
	*val = reg_read(l, reg);
	if (reg == LAPIC_ICR)
		*val |= (u64)l->regs[LAPIC_ICR_HI] << 32;
	return 0;
}

/* Reserved bits of the registers that have some; the upper halves are all reserved. */
static int x2_reserved(unsigned int reg, u64 val)
{
	switch (reg) {
	case LAPIC_TPR: case LAPIC_SELF_IPI:
		return val >> 8 != 0;
	case LAPIC_SVR:
		return (val & ~0x13ffull) != 0;
	case LAPIC_ICR:
		return (val & 0xfff32000ull) != 0;
	case LAPIC_DCR:
		return (val & ~0xbull) != 0;
	}
	return val >> 32 != 0;
}

static int x2_write(struct gm_lapic *l, unsigned int reg, u64 val)
{
	unsigned int access = x2_access(reg);

	if (!gm_lapic_x2(l) || !(access & 2) || ((access & 4) && val) || x2_reserved(reg, val))
		return -EINVAL;
	if (reg == LAPIC_SELF_IPI) {
		gm_lapic_accept(l, val, 0);
		return 0;
	}
	if (reg == LAPIC_ICR)
		l->regs[LAPIC_ICR_HI] = val >> 32;
	reg_write(l, reg, val);
	return 0;
}

static void set_x2_ldr(struct gm_lapic *l)
{
	l->regs[LAPIC_LDR] = (l->id >> 4) << 16 | 1u << (l->id & 15);
}

/* All but the id; what INIT does (11.4.7.3). */
static void reset_regs(struct gm_lapic *l)
{
	u32 id = l->regs[LAPIC_ID];
	unsigned int i;

	memset(l->regs, 0, sizeof(l->regs));
	l->regs[LAPIC_ID] = id;
	l->regs[LAPIC_VERSION] = 5 << 16 | 0x14;
	l->regs[LAPIC_DFR] = 0xffffffff;
	l->regs[LAPIC_SVR] = 0xff;
	for (i = LAPIC_LVT_TIMER; i <= LAPIC_LVT_ERROR; i++)
		l->regs[i] = LVT_MASKED;
	/* The boot processor hears the PIC pair from the start, as programs of this ABI expect. */
	if (l->vcpu->id == l->irq->bsp)
		l->regs[LAPIC_LVT_LINT0] = GM_APIC_EXTINT << 8;
	if (gm_lapic_x2(l))
		set_x2_ldr(l);
	l->esr_pending = 0;
	l->deadline = 0;
	l->vcpu->cr8 = 0;
	gm_lapic_timer_start(l);
}

static int set_base(struct gm_lapic *l, u64 val, int host)
{
	u64 mode = val & (BASE_ENABLE | BASE_X2), was = l->base & (BASE_ENABLE | BASE_X2);

	if ((val >> gm_phys_bits()) || (val & 0x2ff) || mode == BASE_X2 ||
	    ((mode & BASE_X2) && !(l->vcpu->features & GM_G_X2APIC)))
		return -EINVAL;
	/* x2APIC mode is entered from xAPIC mode and left by switching off (figure 11-25). */
	if (!host && ((mode & BASE_X2) != (was & BASE_X2)) &&
	    (was & BASE_X2 ? mode != 0 : was != BASE_ENABLE))
		return -EINVAL;
	l->base = val;
	l->vcpu->apic_base = val;
	if (!(mode & BASE_ENABLE) && (was & BASE_ENABLE) && !host)
		reset_regs(l);
	if ((mode & BASE_X2) && !(was & BASE_X2))
		set_x2_ldr(l);
	else if (!(mode & BASE_X2) && (was & BASE_X2))
		l->regs[LAPIC_ID] = l->id << 24;
	set_bit(GM_REQ_IRQ, &l->vcpu->requests);
	return 0;
}

int gm_lapic_set_base(struct gm_vcpu *vcpu, u64 val, int host)
{
	struct gm_lapic *l = vcpu->lapic;
	unsigned long flags;
	int ret;

	if (!l) {
		vcpu->apic_base = val;
		return 0;
	}
	flags = gm_irq_lock(l->irq);
	ret = set_base(l, val, host);
	gm_irq_unlock(l->irq, flags);
	if ((vcpu->apic_base & ~(u64)BASE_BSP) != (APIC_DEFAULT_PHYS_BASE | BASE_ENABLE))
		gm_mmu_apic_off(vcpu->vm);
	return ret;
}

void gm_lapic_set_cr8(struct gm_vcpu *vcpu, u64 cr8)
{
	vcpu->cr8 = cr8;
	if (vcpu->lapic)
		gm_lapic_set_tpr(vcpu, cr8 << 4);
}

u8 gm_lapic_tpr(const struct gm_vcpu *vcpu)
{
	return vcpu->lapic->regs[LAPIC_TPR];
}

void gm_lapic_set_tpr(struct gm_vcpu *vcpu, u8 tpr)
{
	unsigned long flags = gm_irq_lock(vcpu->lapic->irq);

	set_tpr(vcpu->lapic, tpr);
	gm_irq_unlock(vcpu->lapic->irq, flags);
}

static int is_apic_msr(u32 index)
{
	return index == MSR_IA32_APICBASE || index == MSR_IA32_TSC_DEADLINE ||
	       (index >= X2_MSR_FIRST && index <= X2_MSR_LAST);
}

int gm_lapic_msr_get(struct gm_vcpu *vcpu, u32 index, u64 *val)
{
	struct gm_lapic *l = vcpu->lapic;
	unsigned long flags;
	int ret = 0;

	/* Programs restore it by the list of MSRs, though the local APIC is theirs. */
	*val = 0;
	if (!l || !is_apic_msr(index))
		return index == MSR_IA32_TSC_DEADLINE ? 0 : -ENOENT;
	flags = gm_irq_lock(l->irq);
	if (index == MSR_IA32_APICBASE)
		*val = l->base;
	else if (index == MSR_IA32_TSC_DEADLINE)
		*val = l->deadline;
	else
		ret = x2_read(l, index - X2_MSR_FIRST, val);
	gm_irq_unlock(l->irq, flags);
	return ret;
}

int gm_lapic_msr_set(struct gm_vcpu *vcpu, u32 index, u64 val, int host)
{
	struct gm_lapic *l = vcpu->lapic;
	unsigned long flags;
	int ret = 0;

	if (!l || !is_apic_msr(index))
		return index == MSR_IA32_TSC_DEADLINE ? 0 : -ENOENT;
	if (index == MSR_IA32_APICBASE)
		return gm_lapic_set_base(vcpu, val, host);
	flags = gm_irq_lock(l->irq);
	if (index == MSR_IA32_TSC_DEADLINE)
		gm_lapic_set_deadline(l, val);
	else
		ret = x2_write(l, index - X2_MSR_FIRST, val);
	gm_irq_unlock(l->irq, flags);
	return ret;
}

/* ---- making, ending, the ABI's image ---- */

void gm_lapic_reset(struct gm_vcpu *vcpu)
{
	unsigned long flags;

	if (!vcpu->lapic)
		return;
	vcpu->pv.eoi = 0;
	flags = gm_irq_lock(vcpu->lapic->irq);
	reset_regs(vcpu->lapic);
	gm_irq_unlock(vcpu->lapic->irq, flags);
}

int gm_lapic_create(struct gm_vcpu *vcpu)
{
	struct gm_irqchip *irq = vcpu->vm->irq;
	struct gm_lapic *l;
	unsigned long flags;

	if (!irq)
		return 0;
	l = kzalloc(sizeof(*l), GFP_KERNEL_ACCOUNT);
	if (!l)
		return -ENOMEM;
	hrtimer_setup(&l->timer, gm_lapic_timer_fn, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
	l->vcpu = vcpu;
	l->irq = irq;
	l->id = vcpu->id;
	l->regs[LAPIC_ID] = vcpu->id << 24;
	l->base = APIC_DEFAULT_PHYS_BASE | BASE_ENABLE | (vcpu->id == irq->bsp ? BASE_BSP : 0);
	vcpu->lapic = l;
	vcpu->apic_base = l->base;
	vcpu->mp_state = vcpu->id == irq->bsp ? GM_MP_RUNNABLE : GM_MP_UNINITIALIZED;
	flags = gm_irq_lock(irq);
	reset_regs(l);
	irq->lapics[vcpu->id] = l;
	irq->nlapics = max(irq->nlapics, vcpu->id + 1);
	gm_irq_unlock(irq, flags);
	return 0;
}

void gm_lapic_free(struct gm_vcpu *vcpu)
{
	struct gm_lapic *l = vcpu->lapic;
	unsigned long flags;

	if (!l)
		return;
	flags = gm_irq_lock(l->irq);
	if (l->irq->lapics[vcpu->id] == l)
		l->irq->lapics[vcpu->id] = NULL;
	gm_irq_unlock(l->irq, flags);
	hrtimer_cancel(&l->timer);
	vcpu->lapic = NULL;
	kfree(l);
}

long gm_lapic_get(struct gm_vcpu *vcpu, struct gm_lapic_state *s)
{
	struct gm_lapic *l = vcpu->lapic;
	unsigned long flags;
	unsigned int i;

	if (!l)
		return -EINVAL;
	flags = gm_irq_lock(l->irq);
	for (i = 0; i < GM_LAPIC_REGS; i++)
		memcpy(s->regs + i * 16, &l->regs[i], 4);
	i = gm_lapic_timer_count(l);
	memcpy(s->regs + LAPIC_CCT * 16, &i, 4);
	i = gm_lapic_ppr(l);
	memcpy(s->regs + LAPIC_PPR * 16, &i, 4);
	if (gm_lapic_x2(l)) {
		i = l->id << 24;
		memcpy(s->regs + LAPIC_ID * 16, &i, 4);
	}
	gm_irq_unlock(l->irq, flags);
	return 0;
}

/*
 * Everything is the program's to choose; what the hardware cannot hold is dropped. Vectors below 16 have
 * priority class 0: such a request waits for ever.
 */
long gm_lapic_put(struct gm_vcpu *vcpu, const struct gm_lapic_state *s)
{
	struct gm_lapic *l = vcpu->lapic;
	unsigned long flags;
	unsigned int i;

	if (!l)
		return -EINVAL;
	flags = gm_irq_lock(l->irq);
	for (i = 0; i < GM_LAPIC_REGS; i++)
		memcpy(&l->regs[i], s->regs + i * 16, 4);
	for (i = LAPIC_LVT_TIMER; i <= LAPIC_LVT_ERROR; i++)
		l->regs[i] &= lvt_writable[i - LAPIC_LVT_TIMER];
	l->regs[LAPIC_VERSION] = 5 << 16 | 0x14;
	l->regs[LAPIC_SVR] &= 0x3ff;
	l->regs[LAPIC_DCR] &= 0xb;
	if (gm_lapic_x2(l))
		set_x2_ldr(l);
	set_tpr(l, l->regs[LAPIC_TPR]);
	gm_lapic_timer_restore(l, l->regs[LAPIC_CCT]);
	gm_lapic_set_deadline(l, l->deadline);
	gm_irq_unlock(l->irq, flags);
	return 0;
}

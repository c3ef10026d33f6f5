// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The run loop: events between instructions, blocks, single steps, faults.
 *
 * Order of events at an instruction boundary: Intel SDM volume 3, section 6.9. Debug exceptions:
 * sections 17.3 and 6.15.
 */
#include "module/x86/event.h"
#include "vmm/cpu/debug.h"
#include "vmm/cpu/dma.h"
#include "vmm/cpu/smp.h"
#include "vmm/cpu/tlb.h"

#define DR6_BS (1u << 14)

static void deliver(struct cpu *c, const struct x86_event *ev)
{
	struct x86_ctx ctx;

	cpu_ctx_init(c, &ctx);
	if (x86_event_raise(&ctx, ev) == X86_SHUTDOWN)
		c->shutdown = 1;
	cpu_ctx_done(c, &ctx);
	c->shadow = 0;
	c->halted = 0;
}

/* cpu_fault() was called: c->fault, with the RIP of the instruction that raised it. */
static void deliver_fault(struct cpu *c)
{
	struct x86_event ev;

	if (c->in_slow)
		c->rip = c->insn_rip;
	else
		c->rip = c->gpr[CPU_RIP] + (c->fault_uop ? c->fault_uop->off : 0);
	if (!(c->mode & CPU_MODE_CS64))
		c->rip = (u32)c->rip;
	c->in_slow = 0;
	c->db_pending = 0;
	x86_event_from_fault(&c->fault, &ev);
	deliver(c, &ev);
}

static void debug_trap(struct cpu *c, u32 dr6)
{
	struct x86_event ev = { .vector = X86_DB, .kind = X86_EV_EXCEPTION };

	c->dr[6] |= dr6;
	deliver(c, &ev);
}

static u64 code_lin(const struct cpu *c)
{
	return c->mode & CPU_MODE_CS64 ? c->rip : (u32)(c->rip + c->seg[X86_CS].base);
}

/* Instruction breakpoints at c->rip: DR6 bits. */
static u32 breakpoints(const struct cpu *c)
{
	u64 lin = code_lin(c);
	unsigned int i;
	u32 hit = 0;

	for (i = 0; i < 4; i++)
		if (c->dr[7] >> (2 * i) & 3 && !(c->dr[7] >> (16 + 4 * i) & 3) && c->dr[i] == lin)
			hit |= 1u << i;
	return hit;
}

static void run_uops(struct cpu *c, const struct uop *u)
{
	while (u)
		u = u->fn(c, u);
}

static void run_block(struct cpu *c)
{
	s64 slice = c->budget < CPU_SLICE ? c->budget : CPU_SLICE;

	c->budget -= slice;
	c->icount += (u64)slice;
	c->ileft = slice;
	c->gpr[CPU_RIP] = c->rip;
	c->fault_uop = NULL;
	run_uops(c, cpu_find(c));
}

/* What of the slice was not used goes back; at least one instruction counts. */
static void settle(struct cpu *c)
{
	if (c->ileft > 0) {
		s64 left = c->ileft - 1;

		c->budget += left;
		c->icount -= (u64)left;
	} else {
		c->icount += (u64)-c->ileft;
		c->budget += c->ileft;
	}
	c->ileft = 0;
}

/* One instruction, with all that watches single instructions. */
static void run_step(struct cpu *c)
{
	u64 fl = c->rflags;
	u32 hit = fl & X86_FL_RF ? 0 : breakpoints(c);
	u32 trap;

	/* A step leaves the place where the debugger's breakpoint is. */
	if (c->debug && !c->debug->step && cpu_debug_break_at(c, code_lin(c))) {
		c->debug->hit = CPU_DEBUG_BREAK;
		return;
	}
	if (hit) {
		debug_trap(c, hit);
		return;
	}
	c->rflags &= ~(u64)X86_FL_RF;
	c->shadow = 0;
	c->db_pending = 0;
	c->ileft = 0;
	c->budget--;
	c->icount++;
	c->gpr[CPU_RIP] = c->rip;
	c->fault_uop = NULL;
	run_uops(c, cpu_find_step(c));
	c->ileft = 0;
	trap = c->db_pending;
	c->db_pending = 0;
	if (fl & X86_FL_TF)
		trap |= DR6_BS;
	if (trap && c->shadow != CPU_SHADOW_SS)
		debug_trap(c, trap);
}

/* After an instruction, or the fault or interrupt that came in its place. */
static void debug_stepped(struct cpu *c)
{
	if (c->debug && c->debug->step && !c->debug->hit)
		c->debug->hit = CPU_DEBUG_STEP;
}

static bool needs_step(const struct cpu *c)
{
	if (unlikely(c->debug != NULL) && (c->debug->step || c->debug->nwatches))
		return true;
	return c->shadow || c->rflags & (X86_FL_TF | X86_FL_RF) || c->dr[7] & 0xff;
}

/* Requests and interrupts. True: leave cpu_run() with *e. */
static bool events(struct cpu *c, enum cpu_exit *e)
{
	u32 req = atomic_load(&c->requests);
	struct x86_event ev = { 0 };
	int vec;

	if (req & CPU_REQ_A20) {
		cpu_clear(c, CPU_REQ_A20);
		cpu_set_a20(c, !atomic_load(&c->a20_off));
	}
	if (req & CPU_REQ_FLUSH) {
		cpu_clear(c, CPU_REQ_FLUSH);
		cpu_map_changed(c);
	}
	if (req & CPU_REQ_PHYS) {
		cpu_clear(c, CPU_REQ_PHYS);
		cpu_dma_run(c);
	}
	if (req & CPU_REQ_SYNC)
		cpu_smp_sync(c);
	if (req & CPU_REQ_KICK) {
		cpu_clear(c, CPU_REQ_KICK);
		*e = CPU_EXIT_KICK;
		return true;
	}
	if (c->shutdown) {
		*e = CPU_EXIT_TRIPLE;
		return true;
	}
	if (req & CPU_REQ_NMI && !c->nmi_blocked && c->shadow != CPU_SHADOW_SS) {
		cpu_clear(c, CPU_REQ_NMI);
		ev.vector = X86_NMI;
		ev.kind = X86_EV_NMI;
		deliver(c, &ev);
		c->nmi_blocked = 1;
		return false;
	}
	if (req & CPU_REQ_IRQ && c->rflags & X86_FL_IF && !c->shadow &&
	    !(c->debug && c->debug->step && !c->halted)) {
		vec = c->host->irq_ack(c->host_opaque);
		if (vec >= 0) {
			ev.vector = (u8)vec;
			ev.kind = X86_EV_EXTINT;
			deliver(c, &ev);
			return false;
		}
	}
	if (c->halted) {
		*e = CPU_EXIT_HALT;
		return true;
	}
	return false;
}

static enum cpu_exit run_loop(struct cpu *c, s64 budget)
{
	enum cpu_exit e = CPU_EXIT_KICK;

	c->budget = budget;
	c->ileft = 0;
	if (setjmp(c->escape)) {
		cpu_lock_end(c);
		settle(c);
		deliver_fault(c);
		debug_stepped(c);
	}
	while (c->budget > 0) {
		if (unlikely(c->debug != NULL) && c->debug->hit)
			return CPU_EXIT_DEBUG;
		if ((atomic_load_explicit(&c->requests, memory_order_relaxed) || c->halted ||
		     c->shutdown) &&
		    events(c, &e))
			return e;
		if (needs_step(c)) {
			run_step(c);
			debug_stepped(c);
		} else {
			run_block(c);
			settle(c);
		}
	}
	return CPU_EXIT_KICK;
}

enum cpu_exit cpu_run(struct cpu *c, s64 budget)
{
	enum cpu_exit e;

	if (c->group)
		cpu_smp_enter(c);
	cpu_fpu_enter(c);
	e = run_loop(c, budget);
	cpu_fpu_leave(c);
	if (c->group)
		cpu_smp_leave(c);
	return e;
}

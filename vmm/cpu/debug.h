/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A debugger outside of the guest: breakpoints, watchpoints and single steps that the guest does
 * not see. Breakpoints are checks that the translator puts before the instructions in question,
 * so that code without them runs at full speed; with watchpoints every instruction is run by
 * itself.
 */
#ifndef VMM_CPU_DEBUG_H
#define VMM_CPU_DEBUG_H

#include "vmm/cpu/mem.h"

#define CPU_DEBUG_BREAKS  64
#define CPU_DEBUG_WATCHES 16

enum cpu_debug_hit { CPU_DEBUG_NONE, CPU_DEBUG_STEP, CPU_DEBUG_BREAK, CPU_DEBUG_WATCH };

struct cpu_debug_watch {
	u64 addr;
	u32 len;
	bool read, write;
};

struct cpu_debug {
	bool step;             /* stop after one instruction; device interrupts wait */
	unsigned int nbreaks, nwatches;
	u64 breaks[CPU_DEBUG_BREAKS]; /* linear addresses */
	struct cpu_debug_watch watches[CPU_DEBUG_WATCHES];
	enum cpu_debug_hit hit; /* why cpu_run() came back with CPU_EXIT_DEBUG */
	u64 addr;               /* the address that a watchpoint saw */
	bool write;
};

/* Takes the points and the step flag over (hit is ignored); NULL: no debugger. The CPU stands
 * still. -ENOMEM. */
int cpu_debug_set(struct cpu *c, const struct cpu_debug *d);

/* For the run loop, the translator and the memory accessors. */
bool cpu_debug_break_at(const struct cpu *c, u64 lin);
/* May an instruction at this offset of any page be one with a breakpoint? */
bool cpu_debug_break_near(const struct cpu *c, unsigned int page_off);
void cpu_debug_access(struct cpu *c, u64 lin, unsigned int size, bool write);

#endif

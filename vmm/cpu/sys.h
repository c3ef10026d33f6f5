/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The system side of the software CPU: control and debug registers, MSRs, CPUID and the time
 * stamp counter, for the slow handlers and for whoever resets, saves or shows a CPU.
 *
 * All of it runs on the CPU's own thread. Functions that check return 0 or X86_FAULT with
 * c->fault filled in, and change nothing then.
 */
#ifndef VMM_CPU_SYS_H
#define VMM_CPU_SYS_H

#include "vmm/cpu/cpu.h"
#include "vmm/cpu/model.h"

/*
 * MOV to CR0, CR2, CR3, CR4, CR8 with all checks and consequences, privilege excepted (Intel SDM
 * volume 2, MOV to control registers; volume 3, sections 2.5, 4.10.4.1, 9.8.5). Other numbers
 * raise #UD.
 */
int cpu_cr_write(struct cpu *c, unsigned int cr, u64 val);
u64 cpu_cr_read(struct cpu *c, unsigned int cr);

/* DR0 to DR7; 4 and 5 stand for 6 and 7. Reserved bits read as the SDM says (section 17.2). */
int cpu_dr_write(struct cpu *c, unsigned int dr, u64 val);
u64 cpu_dr_read(struct cpu *c, unsigned int dr);

/* RDMSR and WRMSR behind their privilege check: 0, or -1 for #GP(0). */
int cpu_msr_read(struct cpu *c, u32 msr, u64 *val);
int cpu_msr_write(struct cpu *c, u32 msr, u64 val);
/* MSRs as after RESET; `init` keeps what INIT keeps. Part of cpu_reset(). */
void cpu_msr_reset(struct cpu *c, bool init);

/* The time stamp counter, offset included. */
u64 cpu_tsc(struct cpu *c);

/* CPUID: EAX, EBX, ECX, EDX in out[0] to out[3], as this CPU answers in its present state. */
void cpu_cpuid(struct cpu *c, u32 leaf, u32 sub, u32 out[4]);

/* The slow handlers, one table a file: {op, handler}, ended by the array's size. */
struct cpu_sys_entry {
	u16 op; /* enum x86_op */
	cpu_sys_fn fn;
};
struct cpu_sys_table {
	const struct cpu_sys_entry *e;
	unsigned int n;
};
extern const struct cpu_sys_table cpu_sys_regs;  /* sys_regs.c: CR, DR, descriptor tables, TLB */
extern const struct cpu_sys_table cpu_sys_flow;  /* sys_flow.c: segments, far transfers, flags */
extern const struct cpu_sys_table cpu_sys_misc;  /* sys_misc.c: SYSCALL, MSR, time, I/O, .. */

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * State of the x87, MMX and SSE units, and how it is taken out and put back.
 *
 * The host is an x86-64 too: arithmetic runs on its own units, under the guest's rounding,
 * precision, FTZ and DAZ with all exceptions masked. Between cpu_fpu_enter() and cpu_fpu_leave()
 * the host's control registers are set so, and exception flags that the guest has not
 * been shown yet may stand in the host's MXCSR only: cpu_fpu_mxcsr() puts both together.
 *
 * Sources: Intel SDM volume 1 chapters 8 to 13.
 */
#ifndef VMM_CPU_FPU_H
#define VMM_CPU_FPU_H

#include "vmm/types.h"

struct cpu;

/* An 80-bit register; the MMX register of the same number is `mant`. */
struct cpu_f80 {
	u64 mant;
	u16 sexp;
	u16 pad[3];
};

union cpu_xmm {
	u8 b[16];
	u16 w[8];
	u32 d[4];
	u64 q[2];
	float f[4];
	double g[2];
} __attribute__((aligned(16)));

struct cpu_fpu {
	union cpu_xmm xmm[16];
	struct cpu_f80 st[8]; /* physical registers: ST(i) is st[(top + i) & 7] */
	u16 cw;
	u16 sw;               /* without TOP, which is in `top` */
	u8 top;
	u8 tags;              /* bit i set: physical register i is not empty (as in FXSAVE) */
	u8 x87_strict;        /* the guest has unmasked an x87 exception */
	u8 sse_strict;        /* the guest has unmasked a SIMD exception */
	u16 fop;
	u16 fcs, fds;
	u8 entered;           /* between cpu_fpu_enter() and cpu_fpu_leave() */
	u8 pad;
	u32 mxcsr;
	u32 host_mxcsr;       /* of the caller of cpu_fpu_enter() */
	u64 fip, fdp;
	u16 host_cw;
	u16 pad2[3];
};

/* Bits of XCR0 and of the XSAVE header. */
#define CPU_XCR0_X87 0x1u
#define CPU_XCR0_SSE 0x2u

/* The XSAVE area in its standard form with these two components: legacy region and header. */
#define CPU_XSAVE_SIZE 576u

/*
 * Puts the guest's control words in force on this thread; takes back the host's. Pairs do not
 * nest. Called around guest execution, and leave/enter around a call out that may use
 * floating point.
 */
void cpu_fpu_enter(struct cpu *c);
void cpu_fpu_leave(struct cpu *c);

/* MXCSR as the guest sees it; sets it (a valid value). In guest execution or outside it. */
u32 cpu_fpu_mxcsr(struct cpu *c);
void cpu_fpu_set_mxcsr(struct cpu *c, u32 val);
/* Sets control and status word with all that follows from them. */
void cpu_fpu_set_cw(struct cpu *c, u16 cw);
void cpu_fpu_set_sw(struct cpu *c, u16 sw);

/*
 * The whole state as an XSAVE area in standard form, for other accelerators and saved machines.
 * Loading checks the image: 0, or -EINVAL with the state unchanged (reserved MXCSR bits, header).
 */
void cpu_fpu_get_xsave(struct cpu *c, u8 image[CPU_XSAVE_SIZE]);
int cpu_fpu_set_xsave(struct cpu *c, const u8 image[CPU_XSAVE_SIZE]);

#endif

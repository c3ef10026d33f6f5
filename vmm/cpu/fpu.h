/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * State of the x87, MMX and SSE units. Layout rules follow the FXSAVE image (Intel SDM volume 1,
 * section 10.5) where that costs nothing.
 */
#ifndef VMM_CPU_FPU_H
#define VMM_CPU_FPU_H

#include "vmm/types.h"

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
	u16 fop;
	u16 fcs, fds;
	u32 mxcsr;
	u64 fip, fdp;
};

#endif

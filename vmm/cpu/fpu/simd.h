/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SIMD operations as functions of their operands: the inline ones, and those too long for that. */
#ifndef VMM_CPU_FPU_SIMD_H
#define VMM_CPU_FPU_SIMD_H

#include "vmm/cpu/fpu/simd_fp.h"
#include "vmm/cpu/fpu/simd_int.h"

/* simd_crypt.c. The soft_ ones need nothing of the host and are what the x_ ones fall back to. */
simd x_aesenc(simd d, simd s);
simd x_aesenclast(simd d, simd s);
simd x_aesdec(simd d, simd s);
simd x_aesdeclast(simd d, simd s);
simd soft_aesenc(simd d, simd s);
simd soft_aesenclast(simd d, simd s);
simd soft_aesdec(simd d, simd s);
simd soft_aesdeclast(simd d, simd s);
simd x_aesimc(simd d, simd s);
simd x_aeskeygenassist(simd d, simd s, unsigned int imm);
simd x_pclmulqdq(simd d, simd s, unsigned int imm);
simd soft_clmul(u64 a, u64 b);

/* simd_str.c */
struct simd_str_result {
	simd mask;          /* for XMM0 */
	unsigned int index; /* for ECX */
};

/* Both return the arithmetic flags. The lengths are those of the registers, sign-extended. */
u32 simd_str_implicit(simd a, simd b, unsigned int imm, struct simd_str_result *out);
u32 simd_str_explicit(simd a, s64 la, simd b, s64 lb, unsigned int imm,
		      struct simd_str_result *out);

#endif

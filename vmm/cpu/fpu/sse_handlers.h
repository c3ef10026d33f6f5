/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The four handlers of an SSE instruction that makes an XMM register from another and one operand:
 * register and memory form, each with a cold twin that looks at exceptions and faults. f_##fn is the
 * operation; load_##size, fast_##size and at_##size, which the including file names, read the operand.
 */
#ifndef VMM_CPU_FPU_SSE_HANDLERS_H
#define VMM_CPU_FPU_SSE_HANDLERS_H

#include "vmm/cpu/fpu/ops.h"

#define SSE_XMM_HANDLERS(OP, fn, size)                                                             \
	static COLD UOP(xr_##OP##_slow)                                                            \
	{                                                                                          \
		simd r = f_##fn(xmm_get(c, u->reg), xmm_get(c, u->rm));                            \
                                                                                                   \
		sse_finish(c, u);                                                                  \
		xmm_set(c, u->reg, r);                                                             \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static COLD UOP(xm_##OP##_slow)                                                            \
	{                                                                                          \
		simd s = load_##size(c, u);                                                        \
		simd r = f_##fn(xmm_get(c, u->reg), s);                                            \
                                                                                                   \
		sse_finish(c, u);                                                                  \
		xmm_set(c, u->reg, r);                                                             \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(xr_##OP)                                                                        \
	{                                                                                          \
		if (unlikely(c->fpu.sse_strict))                                                   \
			return xr_##OP##_slow(c, u);                                               \
		xmm_set(c, u->reg, f_##fn(xmm_get(c, u->reg), xmm_get(c, u->rm)));                 \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(xm_##OP)                                                                        \
	{                                                                                          \
		const void *p = fast_##size(c, u);                                                 \
                                                                                                   \
		if (unlikely(!p || c->fpu.sse_strict))                                             \
			return xm_##OP##_slow(c, u);                                               \
		xmm_set(c, u->reg, f_##fn(xmm_get(c, u->reg), at_##size(p)));                      \
		NEXT(c, u);                                                                        \
	}

#endif

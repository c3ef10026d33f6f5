// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Handlers of the conversions between floating point, integers and MMX registers.
 *
 * Source: Intel SDM volume 2.
 */
#include "vmm/cpu/fpu/ops.h"
#include "vmm/cpu/fpu/sse_handlers.h"

#define load_128(c, u) simd_load128(c, u, true)
#define load_64(c, u)  simd_load64(c, u)
#define load_32(c, u)  simd_load32(c, u)

#define fast_128(c, u) fpu_mem_rd(c, u, 16, true)
#define fast_64(c, u)  fpu_mem_rd(c, u, 8, false)
#define fast_32(c, u)  fpu_mem_rd(c, u, 4, false)
#define at_128(p) simd_at128(p)
#define at_64(p)  simd_at64(p)
#define at_32(p)  simd_at32(p)

/* XMM to XMM: name, function, bits of a memory operand */
#define CVT_XMM(X)                                                                                 \
	X(CVTPS2PD, cvtps2pd, 64) X(CVTPD2PS, cvtpd2ps, 128) X(CVTSS2SD, cvtss2sd, 32)             \
	X(CVTSD2SS, cvtsd2ss, 64) X(CVTDQ2PS, cvtdq2ps, 128) X(CVTPS2DQ, cvtps2dq, 128)            \
	X(CVTTPS2DQ, cvttps2dq, 128) X(CVTDQ2PD, cvtdq2pd, 64) X(CVTPD2DQ, cvtpd2dq, 128)          \
	X(CVTTPD2DQ, cvttpd2dq, 128)

CVT_XMM(SSE_XMM_HANDLERS)

/* General register or memory to XMM; aux is the integer's size. */
#define CVT_FROM_GPR(X) X(CVTSI2SS, cvtsi2ss) X(CVTSI2SD, cvtsi2sd)

#define CVT_FROM_GPR_HANDLERS(OP, fn)                                                              \
	static COLD UOP(gr_##OP##_slow)                                                            \
	{                                                                                          \
		simd d = xmm_get(c, u->reg);                                                       \
                                                                                                   \
		d = u->aux == 8 ? f_##fn##_64(d, c->gpr[u->rm]) :                                  \
				  f_##fn##_32(d, (u32)c->gpr[u->rm]);                              \
		sse_finish(c, u);                                                                  \
		xmm_set(c, u->reg, d);                                                             \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(gm_##OP)                                                                        \
	{                                                                                          \
		u64 v = u->aux == 8 ? cpu_load64(c, u) : cpu_load32(c, u);                         \
		simd d = xmm_get(c, u->reg);                                                       \
                                                                                                   \
		d = u->aux == 8 ? f_##fn##_64(d, v) : f_##fn##_32(d, (u32)v);                      \
		sse_finish(c, u);                                                                  \
		xmm_set(c, u->reg, d);                                                             \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(gr_##OP)                                                                        \
	{                                                                                          \
		simd d = xmm_get(c, u->reg);                                                       \
                                                                                                   \
		if (unlikely(c->fpu.sse_strict))                                                   \
			return gr_##OP##_slow(c, u);                                               \
		d = u->aux == 8 ? f_##fn##_64(d, c->gpr[u->rm]) :                                  \
				  f_##fn##_32(d, (u32)c->gpr[u->rm]);                              \
		xmm_set(c, u->reg, d);                                                             \
		NEXT(c, u);                                                                        \
	}

CVT_FROM_GPR(CVT_FROM_GPR_HANDLERS)

/* XMM or memory to a general register; aux is the register's size. */
#define CVT_TO_GPR(X)                                                                              \
	X(CVTSS2SI, cvtss2si, 32) X(CVTTSS2SI, cvttss2si, 32) X(CVTSD2SI, cvtsd2si, 64)            \
	X(CVTTSD2SI, cvttsd2si, 64)

#define CVT_TO_GPR_HANDLERS(OP, fn, bits)                                                          \
	static COLD UOP(xr_##OP##_slow)                                                            \
	{                                                                                          \
		simd s = xmm_get(c, u->rm);                                                        \
		u64 v = u->aux == 8 ? f_##fn##_64(s) : f_##fn##_32(s);                             \
                                                                                                   \
		sse_finish(c, u);                                                                  \
		c->gpr[u->reg] = v;                                                                \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static COLD UOP(xm_##OP##_slow)                                                            \
	{                                                                                          \
		simd s = load_##bits(c, u);                                                        \
		u64 v = u->aux == 8 ? f_##fn##_64(s) : f_##fn##_32(s);                             \
                                                                                                   \
		sse_finish(c, u);                                                                  \
		c->gpr[u->reg] = v;                                                                \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(xr_##OP)                                                                        \
	{                                                                                          \
		simd s = xmm_get(c, u->rm);                                                        \
                                                                                                   \
		if (unlikely(c->fpu.sse_strict))                                                   \
			return xr_##OP##_slow(c, u);                                               \
		c->gpr[u->reg] = u->aux == 8 ? f_##fn##_64(s) : f_##fn##_32(s);                    \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(xm_##OP)                                                                        \
	{                                                                                          \
		const void *p = fast_##bits(c, u);                                                 \
                                                                                                   \
		if (unlikely(!p || c->fpu.sse_strict))                                             \
			return xm_##OP##_slow(c, u);                                               \
		c->gpr[u->reg] = u->aux == 8 ? f_##fn##_64(at_##bits(p)) :                         \
					       f_##fn##_32(at_##bits(p));                          \
		NEXT(c, u);                                                                        \
	}

CVT_TO_GPR(CVT_TO_GPR_HANDLERS)

/* XMM or memory to MMX. The MMX state is entered even where the conversion raises #XM. */
#define CVT_TO_MMX(X)                                                                              \
	X(CVTPS2PI, cvtps2pi, 64) X(CVTTPS2PI, cvttps2pi, 64) X(CVTPD2PI, cvtpd2dq, 128)           \
	X(CVTTPD2PI, cvttpd2dq, 128)

#define CVT_TO_MMX_HANDLERS(OP, fn, bits)                                                          \
	static UOP(xr_##OP)                                                                        \
	{                                                                                          \
		simd r;                                                                            \
                                                                                                   \
		x87_wait(c, u);                                                                    \
		r = f_##fn(_mm_setzero_si128(), xmm_get(c, u->rm));                                \
		mmx_touch(c);                                                                      \
		sse_finish(c, u);                                                                  \
		mmx_set(c, u->reg, r);                                                             \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(xm_##OP)                                                                        \
	{                                                                                          \
		simd s, r;                                                                         \
                                                                                                   \
		x87_wait(c, u);                                                                    \
		s = load_##bits(c, u);                                                             \
		r = f_##fn(_mm_setzero_si128(), s);                                                \
		mmx_touch(c);                                                                      \
		sse_finish(c, u);                                                                  \
		mmx_set(c, u->reg, r);                                                             \
		NEXT(c, u);                                                                        \
	}

CVT_TO_MMX(CVT_TO_MMX_HANDLERS)

static UOP(mr_CVTPI2PS)
{
	simd r;

	x87_wait(c, u);
	r = f_cvtpi2ps(xmm_get(c, u->reg), mmx_get(c, u->rm));
	mmx_touch(c);
	sse_finish(c, u);
	xmm_set(c, u->reg, r);
	NEXT(c, u);
}

/* With its operand in memory this does not touch the MMX state. */
static UOP(mm_CVTPI2PS)
{
	simd s = simd_load64(c, u), r;

	r = f_cvtpi2ps(xmm_get(c, u->reg), s);
	sse_finish(c, u);
	xmm_set(c, u->reg, r);
	NEXT(c, u);
}

static UOP(mr_CVTPI2PD)
{
	x87_wait(c, u);
	mmx_touch(c);
	xmm_set(c, u->reg, f_cvtdq2pd(xmm_get(c, u->reg), mmx_get(c, u->rm)));
	NEXT(c, u);
}

static UOP(mm_CVTPI2PD)
{
	simd s = simd_load64(c, u);

	xmm_set(c, u->reg, f_cvtdq2pd(s, s));
	NEXT(c, u);
}

#define CVT_ROW(OP, slot, r, m)                                                                    \
	[X86_OP_##OP - SIMD_FIRST][slot] = r##_##OP,                                               \
	[X86_OP_##OP - SIMD_FIRST][slot + 1] = m##_##OP,
#define CVT_XMM_ROW(OP, ...)      CVT_ROW(OP, SLOT_XR, xr, xm)
#define CVT_FROM_GPR_ROW(OP, ...) CVT_ROW(OP, SLOT_X_GR, gr, gm)
#define CVT_TO_GPR_ROW(OP, ...)   CVT_ROW(OP, SLOT_R_XR, xr, xm)
#define CVT_TO_MMX_ROW(OP, ...)   CVT_ROW(OP, SLOT_M_XR, xr, xm)

static const uop_fn convert_table[SIMD_COUNT][SLOT_M_XM + 1] = {
	CVT_XMM(CVT_XMM_ROW)
	CVT_FROM_GPR(CVT_FROM_GPR_ROW)
	CVT_TO_GPR(CVT_TO_GPR_ROW)
	CVT_TO_MMX(CVT_TO_MMX_ROW)
	CVT_ROW(CVTPI2PS, SLOT_X_MR, mr, mm)
	CVT_ROW(CVTPI2PD, SLOT_X_MR, mr, mm)
};

uop_fn simd_convert_find(unsigned int op, unsigned int slot)
{
	return slot <= SLOT_M_XM ? convert_table[op - SIMD_FIRST][slot] : NULL;
}

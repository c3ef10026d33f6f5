// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Handlers of moves between vector registers, general registers and memory; insertion and
 * extraction of lanes; masked stores; EMMS.
 *
 * Source: Intel SDM volume 2; alignment: volume 1 section 10.4.1.
 */
#include "vmm/cpu/fpu/ops.h"

/* ---- whole registers ---- */

static UOP(xr_move)
{
	xmm_set(c, u->reg, xmm_get(c, u->rm));
	NEXT(c, u);
}

static UOP(xsr_move)
{
	xmm_set(c, u->rm, xmm_get(c, u->reg));
	NEXT(c, u);
}

static COLD UOP(xm_load_aligned_slow)
{
	xmm_set(c, u->reg, simd_load128(c, u, true));
	NEXT(c, u);
}

static UOP(xm_load_aligned)
{
	const void *p = fpu_mem_rd(c, u, 16, true);

	if (unlikely(!p))
		return xm_load_aligned_slow(c, u);
	xmm_set(c, u->reg, simd_at128(p));
	NEXT(c, u);
}

static COLD UOP(xm_load_slow)
{
	xmm_set(c, u->reg, simd_load128(c, u, false));
	NEXT(c, u);
}

static UOP(xm_load)
{
	const void *p = fpu_mem_rd(c, u, 16, false);

	if (unlikely(!p))
		return xm_load_slow(c, u);
	xmm_set(c, u->reg, simd_at128(p));
	NEXT(c, u);
}

static COLD UOP(xm_store_aligned_slow)
{
	simd_store128(c, u, xmm_get(c, u->reg), true);
	NEXT(c, u);
}

static UOP(xm_store_aligned)
{
	void *p = fpu_mem_wr(c, u, 16, true);

	if (unlikely(!p))
		return xm_store_aligned_slow(c, u);
	_mm_storeu_si128(p, xmm_get(c, u->reg));
	NEXT(c, u);
}

static COLD UOP(xm_store_slow)
{
	simd_store128(c, u, xmm_get(c, u->reg), false);
	NEXT(c, u);
}

static UOP(xm_store)
{
	void *p = fpu_mem_wr(c, u, 16, false);

	if (unlikely(!p))
		return xm_store_slow(c, u);
	_mm_storeu_si128(p, xmm_get(c, u->reg));
	NEXT(c, u);
}

/* ---- parts of a register ---- */

static ALWAYS_INLINE simd merge_low32(simd d, simd s)
{
	return _mm_castps_si128(_mm_move_ss(_mm_castsi128_ps(d), _mm_castsi128_ps(s)));
}

static ALWAYS_INLINE simd merge_low64(simd d, simd s)
{
	return _mm_castpd_si128(_mm_move_sd(_mm_castsi128_pd(d), _mm_castsi128_pd(s)));
}

static UOP(xr_MOVSS)
{
	xmm_set(c, u->reg, merge_low32(xmm_get(c, u->reg), xmm_get(c, u->rm)));
	NEXT(c, u);
}

static UOP(xsr_MOVSS)
{
	xmm_set(c, u->rm, merge_low32(xmm_get(c, u->rm), xmm_get(c, u->reg)));
	NEXT(c, u);
}

static COLD UOP(xm_load32_slow)
{
	xmm_set(c, u->reg, simd_load32(c, u));
	NEXT(c, u);
}

static UOP(xm_load32)
{
	const void *p = fpu_mem_rd(c, u, 4, false);

	if (unlikely(!p))
		return xm_load32_slow(c, u);
	xmm_set(c, u->reg, simd_at32(p));
	NEXT(c, u);
}

static COLD UOP(xm_store32_slow)
{
	cpu_store32(c, u, c->fpu.xmm[u->reg].d[0]);
	NEXT(c, u);
}

static UOP(xm_store32)
{
	void *p = fpu_mem_wr(c, u, 4, false);

	if (unlikely(!p))
		return xm_store32_slow(c, u);
	*(u32_una *)p = c->fpu.xmm[u->reg].d[0];
	NEXT(c, u);
}

static UOP(xr_MOVSD)
{
	xmm_set(c, u->reg, merge_low64(xmm_get(c, u->reg), xmm_get(c, u->rm)));
	NEXT(c, u);
}

static UOP(xsr_MOVSD)
{
	xmm_set(c, u->rm, merge_low64(xmm_get(c, u->rm), xmm_get(c, u->reg)));
	NEXT(c, u);
}

static COLD UOP(xm_load64_slow)
{
	xmm_set(c, u->reg, simd_load64(c, u));
	NEXT(c, u);
}

static UOP(xm_load64)
{
	const void *p = fpu_mem_rd(c, u, 8, false);

	if (unlikely(!p))
		return xm_load64_slow(c, u);
	xmm_set(c, u->reg, simd_at64(p));
	NEXT(c, u);
}

static COLD UOP(xm_store_low_slow)
{
	cpu_store64(c, u, c->fpu.xmm[u->reg].q[0]);
	NEXT(c, u);
}

static UOP(xm_store_low)
{
	void *p = fpu_mem_wr(c, u, 8, false);

	if (unlikely(!p))
		return xm_store_low_slow(c, u);
	*(u64_una *)p = c->fpu.xmm[u->reg].q[0];
	NEXT(c, u);
}

static COLD UOP(xm_load_low_slow)
{
	simd s = simd_load64(c, u);

	xmm_set(c, u->reg, merge_low64(xmm_get(c, u->reg), s));
	NEXT(c, u);
}

static UOP(xm_load_low)
{
	const void *p = fpu_mem_rd(c, u, 8, false);

	if (unlikely(!p))
		return xm_load_low_slow(c, u);
	xmm_set(c, u->reg, merge_low64(xmm_get(c, u->reg), simd_at64(p)));
	NEXT(c, u);
}

static COLD UOP(xm_load_high_slow)
{
	simd s = simd_load64(c, u);

	xmm_set(c, u->reg, _mm_unpacklo_epi64(xmm_get(c, u->reg), s));
	NEXT(c, u);
}

static UOP(xm_load_high)
{
	const void *p = fpu_mem_rd(c, u, 8, false);

	if (unlikely(!p))
		return xm_load_high_slow(c, u);
	xmm_set(c, u->reg, _mm_unpacklo_epi64(xmm_get(c, u->reg), simd_at64(p)));
	NEXT(c, u);
}

static COLD UOP(xm_store_high_slow)
{
	cpu_store64(c, u, c->fpu.xmm[u->reg].q[1]);
	NEXT(c, u);
}

static UOP(xm_store_high)
{
	void *p = fpu_mem_wr(c, u, 8, false);

	if (unlikely(!p))
		return xm_store_high_slow(c, u);
	*(u64_una *)p = c->fpu.xmm[u->reg].q[1];
	NEXT(c, u);
}

static UOP(xr_MOVHLPS)
{
	c->fpu.xmm[u->reg].q[0] = c->fpu.xmm[u->rm].q[1];
	NEXT(c, u);
}

static UOP(xr_MOVLHPS)
{
	xmm_set(c, u->reg, _mm_unpacklo_epi64(xmm_get(c, u->reg), xmm_get(c, u->rm)));
	NEXT(c, u);
}

#define MOVE_DUP(OP, expr, load)                                                                   \
	static UOP(xr_##OP)                                                                        \
	{                                                                                          \
		simd s = xmm_get(c, u->rm);                                                        \
                                                                                                   \
		xmm_set(c, u->reg, expr);                                                          \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(xm_##OP)                                                                        \
	{                                                                                          \
		simd s = load;                                                                     \
                                                                                                   \
		xmm_set(c, u->reg, expr);                                                          \
		NEXT(c, u);                                                                        \
	}

MOVE_DUP(MOVSLDUP, _mm_shuffle_epi32(s, 0xa0), simd_load128(c, u, true))
MOVE_DUP(MOVSHDUP, _mm_shuffle_epi32(s, 0xf5), simd_load128(c, u, true))
MOVE_DUP(MOVDDUP, _mm_unpacklo_epi64(s, s), simd_load64(c, u))

/* ---- MOVD, MOVQ ---- */

static UOP(xr_MOVQ)
{
	xmm_set(c, u->reg, _mm_move_epi64(xmm_get(c, u->rm)));
	NEXT(c, u);
}

static UOP(xsr_MOVQ)
{
	xmm_set(c, u->rm, _mm_move_epi64(xmm_get(c, u->reg)));
	NEXT(c, u);
}

static UOP(mr_MOVQ)
{
	x87_wait(c, u);
	mmx_touch(c);
	mmx_set(c, u->reg, mmx_get(c, u->rm));
	NEXT(c, u);
}

static UOP(msr_MOVQ)
{
	x87_wait(c, u);
	mmx_touch(c);
	mmx_set(c, u->rm, mmx_get(c, u->reg));
	NEXT(c, u);
}

static UOP(mm_MOVQ)
{
	simd s;

	x87_wait(c, u);
	s = simd_load64(c, u);
	mmx_touch(c);
	mmx_set(c, u->reg, s);
	NEXT(c, u);
}

static UOP(msm_MOVQ)
{
	x87_wait(c, u);
	cpu_store64(c, u, c->fpu.st[u->reg & 7].mant);
	mmx_touch(c);
	NEXT(c, u);
}

/* aux: 4 or 8 bytes, the size of the general register or memory operand */
static ALWAYS_INLINE u64 gpr_get(const struct cpu *c, const struct uop *u, unsigned int r)
{
	return u->aux == 8 ? c->gpr[r] : (u32)c->gpr[r];
}

static UOP(x_gr_MOVD)
{
	xmm_set(c, u->reg, simd_from_u64(gpr_get(c, u, u->rm)));
	NEXT(c, u);
}

static UOP(x_gm_MOVD)
{
	xmm_set(c, u->reg, simd_from_u64(u->aux == 8 ? cpu_load64(c, u) : cpu_load32(c, u)));
	NEXT(c, u);
}

static UOP(g_xr_MOVD)
{
	u64 v = c->fpu.xmm[u->reg].q[0];

	c->gpr[u->rm] = u->aux == 8 ? v : (u32)v;
	NEXT(c, u);
}

static UOP(g_xm_MOVD)
{
	u64 v = c->fpu.xmm[u->reg].q[0];

	if (u->aux == 8)
		cpu_store64(c, u, v);
	else
		cpu_store32(c, u, (u32)v);
	NEXT(c, u);
}

static UOP(m_gr_MOVD)
{
	x87_wait(c, u);
	mmx_touch(c);
	mmx_set(c, u->reg, simd_from_u64(gpr_get(c, u, u->rm)));
	NEXT(c, u);
}

static UOP(m_gm_MOVD)
{
	u64 v;

	x87_wait(c, u);
	v = u->aux == 8 ? cpu_load64(c, u) : cpu_load32(c, u);
	mmx_touch(c);
	mmx_set(c, u->reg, simd_from_u64(v));
	NEXT(c, u);
}

static UOP(g_mr_MOVD)
{
	u64 v = c->fpu.st[u->reg & 7].mant;

	x87_wait(c, u);
	mmx_touch(c);
	c->gpr[u->rm] = u->aux == 8 ? v : (u32)v;
	NEXT(c, u);
}

static UOP(g_mm_MOVD)
{
	u64 v = c->fpu.st[u->reg & 7].mant;

	x87_wait(c, u);
	if (u->aux == 8)
		cpu_store64(c, u, v);
	else
		cpu_store32(c, u, (u32)v);
	mmx_touch(c);
	NEXT(c, u);
}

static UOP(x_mr_MOVQ2DQ)
{
	x87_wait(c, u);
	mmx_touch(c);
	xmm_set(c, u->reg, mmx_get(c, u->rm));
	NEXT(c, u);
}

static UOP(m_xr_MOVDQ2Q)
{
	x87_wait(c, u);
	mmx_touch(c);
	mmx_set(c, u->reg, xmm_get(c, u->rm));
	NEXT(c, u);
}

/* ---- sign masks ---- */

static UOP(r_xr_MOVMSKPS)
{
	c->gpr[u->reg] = (u32)_mm_movemask_ps(_mm_castsi128_ps(xmm_get(c, u->rm)));
	NEXT(c, u);
}

static UOP(r_xr_MOVMSKPD)
{
	c->gpr[u->reg] = (u32)_mm_movemask_pd(_mm_castsi128_pd(xmm_get(c, u->rm)));
	NEXT(c, u);
}

static UOP(r_xr_PMOVMSKB)
{
	c->gpr[u->reg] = (u32)_mm_movemask_epi8(xmm_get(c, u->rm));
	NEXT(c, u);
}

static UOP(r_mr_PMOVMSKB)
{
	x87_wait(c, u);
	mmx_touch(c);
	c->gpr[u->reg] = (u32)_mm_movemask_epi8(mmx_get(c, u->rm)) & 0xff;
	NEXT(c, u);
}

/* ---- one lane ---- */

static UOP(x_gr_PINSRW)
{
	c->fpu.xmm[u->reg].w[u->imm & 7] = (u16)c->gpr[u->rm];
	NEXT(c, u);
}

static UOP(x_gm_PINSRW)
{
	c->fpu.xmm[u->reg].w[u->imm & 7] = cpu_load16(c, u);
	NEXT(c, u);
}

static ALWAYS_INLINE void mmx_insert16(struct cpu *c, const struct uop *u, u16 v)
{
	unsigned int at = (u->imm & 3) * 16;
	u64 old = c->fpu.st[u->reg & 7].mant & ~(0xffffull << at);

	mmx_touch(c);
	mmx_set(c, u->reg, simd_from_u64(old | (u64)v << at));
}

static UOP(m_gr_PINSRW)
{
	x87_wait(c, u);
	mmx_insert16(c, u, (u16)c->gpr[u->rm]);
	NEXT(c, u);
}

static UOP(m_gm_PINSRW)
{
	x87_wait(c, u);
	mmx_insert16(c, u, cpu_load16(c, u));
	NEXT(c, u);
}

static UOP(x_gr_PINSRB)
{
	c->fpu.xmm[u->reg].b[u->imm & 15] = (u8)c->gpr[u->rm];
	NEXT(c, u);
}

static UOP(x_gm_PINSRB)
{
	c->fpu.xmm[u->reg].b[u->imm & 15] = cpu_load8(c, u);
	NEXT(c, u);
}

static UOP(x_gr_PINSRD)
{
	if (u->aux == 8)
		c->fpu.xmm[u->reg].q[u->imm & 1] = c->gpr[u->rm];
	else
		c->fpu.xmm[u->reg].d[u->imm & 3] = (u32)c->gpr[u->rm];
	NEXT(c, u);
}

static UOP(x_gm_PINSRD)
{
	if (u->aux == 8)
		c->fpu.xmm[u->reg].q[u->imm & 1] = cpu_load64(c, u);
	else
		c->fpu.xmm[u->reg].d[u->imm & 3] = cpu_load32(c, u);
	NEXT(c, u);
}

static UOP(r_xr_PEXTRW)
{
	c->gpr[u->reg] = c->fpu.xmm[u->rm].w[u->imm & 7];
	NEXT(c, u);
}

static UOP(r_mr_PEXTRW)
{
	x87_wait(c, u);
	mmx_touch(c);
	c->gpr[u->reg] = (u16)(c->fpu.st[u->rm & 7].mant >> (u->imm & 3) * 16);
	NEXT(c, u);
}

static UOP(g_xr_PEXTRW)
{
	c->gpr[u->rm] = c->fpu.xmm[u->reg].w[u->imm & 7];
	NEXT(c, u);
}

static UOP(g_xm_PEXTRW)
{
	cpu_store16(c, u, c->fpu.xmm[u->reg].w[u->imm & 7]);
	NEXT(c, u);
}

static UOP(g_xr_PEXTRB)
{
	c->gpr[u->rm] = c->fpu.xmm[u->reg].b[u->imm & 15];
	NEXT(c, u);
}

static UOP(g_xm_PEXTRB)
{
	cpu_store8(c, u, c->fpu.xmm[u->reg].b[u->imm & 15]);
	NEXT(c, u);
}

static UOP(g_xr_PEXTRD)
{
	const union cpu_xmm *s = &c->fpu.xmm[u->reg];

	c->gpr[u->rm] = u->aux == 8 ? s->q[u->imm & 1] : s->d[u->imm & 3];
	NEXT(c, u);
}

static UOP(g_xm_PEXTRD)
{
	const union cpu_xmm *s = &c->fpu.xmm[u->reg];

	if (u->aux == 8)
		cpu_store64(c, u, s->q[u->imm & 1]);
	else
		cpu_store32(c, u, s->d[u->imm & 3]);
	NEXT(c, u);
}

static UOP(g_xr_EXTRACTPS)
{
	c->gpr[u->rm] = c->fpu.xmm[u->reg].d[u->imm & 3];
	NEXT(c, u);
}

static UOP(g_xm_EXTRACTPS)
{
	cpu_store32(c, u, c->fpu.xmm[u->reg].d[u->imm & 3]);
	NEXT(c, u);
}

/* Control byte: source lane (registers only), destination lane, lanes to clear. */
static ALWAYS_INLINE void insertps(struct cpu *c, const struct uop *u, u32 v)
{
	union cpu_xmm *d = &c->fpu.xmm[u->reg];
	unsigned int i;

	d->d[u->imm >> 4 & 3] = v;
	for (i = 0; i < 4; i++)
		if (u->imm >> i & 1)
			d->d[i] = 0;
}

static UOP(xr_INSERTPS)
{
	insertps(c, u, c->fpu.xmm[u->rm].d[u->imm >> 6 & 3]);
	NEXT(c, u);
}

static UOP(xm_INSERTPS)
{
	insertps(c, u, cpu_load32(c, u));
	NEXT(c, u);
}

/* ---- masked stores, EMMS ---- */

/*
 * The memory operand is DS:rDI, given by the uop's addressing fields. Bytes whose mask is clear
 * are neither written nor checked; with no mask bit set nothing is accessed.
 */
static void masked_store(struct cpu *c, const struct uop *u, const u8 *v, const u8 *mask,
			 unsigned int len)
{
	u64 lin = cpu_lin(c, u, len, true);
	unsigned int i, n;

	for (i = 0; i < len; i += n) {
		for (n = 0; i + n < len && (mask[i + n] & 0x80); n++)
			;
		if (n)
			cpu_slow_write_n(c, u, lin + i, v + i, n);
		else
			n = 1;
	}
}

static UOP(xr_MASKMOVDQU)
{
	masked_store(c, u, c->fpu.xmm[u->reg].b, c->fpu.xmm[u->rm].b, 16);
	NEXT(c, u);
}

static UOP(mr_MASKMOVQ)
{
	x87_wait(c, u);
	masked_store(c, u, (const u8 *)&c->fpu.st[u->reg & 7].mant,
		     (const u8 *)&c->fpu.st[u->rm & 7].mant, 8);
	mmx_touch(c);
	NEXT(c, u);
}

static UOP(none_EMMS)
{
	x87_wait(c, u);
	c->fpu.top = 0;
	c->fpu.tags = 0;
	NEXT(c, u);
}

#define AT(OP, slot) [X86_OP_##OP - SIMD_FIRST][slot]
#define MOVE_FULL(OP, ld, st)                                                                      \
	AT(OP, SLOT_XR) = xr_move, AT(OP, SLOT_XM) = ld, AT(OP, SLOT_XSR) = xsr_move,              \
	AT(OP, SLOT_XSM) = st,
#define MOVE_HALF(OP, ld, st) AT(OP, SLOT_XM) = ld, AT(OP, SLOT_XSM) = st,

static const uop_fn move_table[SIMD_COUNT][SIMD_NSLOT] = {
	MOVE_FULL(MOVUPS, xm_load, xm_store)
	MOVE_FULL(MOVUPD, xm_load, xm_store)
	MOVE_FULL(MOVDQU, xm_load, xm_store)
	MOVE_FULL(MOVAPS, xm_load_aligned, xm_store_aligned)
	MOVE_FULL(MOVAPD, xm_load_aligned, xm_store_aligned)
	MOVE_FULL(MOVDQA, xm_load_aligned, xm_store_aligned)
	AT(LDDQU, SLOT_XM) = xm_load,
	AT(MOVNTDQA, SLOT_XM) = xm_load_aligned,
	AT(MOVNTPS, SLOT_XSM) = xm_store_aligned,
	AT(MOVNTPD, SLOT_XSM) = xm_store_aligned,
	AT(MOVNTDQ, SLOT_XSM) = xm_store_aligned,
	AT(MOVSS, SLOT_XR) = xr_MOVSS, AT(MOVSS, SLOT_XSR) = xsr_MOVSS,
	MOVE_HALF(MOVSS, xm_load32, xm_store32)
	AT(MOVSD, SLOT_XR) = xr_MOVSD, AT(MOVSD, SLOT_XSR) = xsr_MOVSD,
	MOVE_HALF(MOVSD, xm_load64, xm_store_low)
	MOVE_HALF(MOVLPS, xm_load_low, xm_store_low)
	MOVE_HALF(MOVLPD, xm_load_low, xm_store_low)
	MOVE_HALF(MOVHPS, xm_load_high, xm_store_high)
	MOVE_HALF(MOVHPD, xm_load_high, xm_store_high)
	AT(MOVHLPS, SLOT_XR) = xr_MOVHLPS,
	AT(MOVLHPS, SLOT_XR) = xr_MOVLHPS,
	AT(MOVSLDUP, SLOT_XR) = xr_MOVSLDUP, AT(MOVSLDUP, SLOT_XM) = xm_MOVSLDUP,
	AT(MOVSHDUP, SLOT_XR) = xr_MOVSHDUP, AT(MOVSHDUP, SLOT_XM) = xm_MOVSHDUP,
	AT(MOVDDUP, SLOT_XR) = xr_MOVDDUP, AT(MOVDDUP, SLOT_XM) = xm_MOVDDUP,
	AT(MOVQ, SLOT_XR) = xr_MOVQ, AT(MOVQ, SLOT_XSR) = xsr_MOVQ,
	MOVE_HALF(MOVQ, xm_load64, xm_store_low)
	AT(MOVQ, SLOT_MR) = mr_MOVQ, AT(MOVQ, SLOT_MM) = mm_MOVQ,
	AT(MOVQ, SLOT_MSR) = msr_MOVQ, AT(MOVQ, SLOT_MSM) = msm_MOVQ,
	AT(MOVNTQ, SLOT_MSM) = msm_MOVQ,
	AT(MOVD, SLOT_X_GR) = x_gr_MOVD, AT(MOVD, SLOT_X_GM) = x_gm_MOVD,
	AT(MOVD, SLOT_G_XR) = g_xr_MOVD, AT(MOVD, SLOT_G_XM) = g_xm_MOVD,
	AT(MOVD, SLOT_M_GR) = m_gr_MOVD, AT(MOVD, SLOT_M_GM) = m_gm_MOVD,
	AT(MOVD, SLOT_G_MR) = g_mr_MOVD, AT(MOVD, SLOT_G_MM) = g_mm_MOVD,
	AT(MOVQ2DQ, SLOT_X_MR) = x_mr_MOVQ2DQ,
	AT(MOVDQ2Q, SLOT_M_XR) = m_xr_MOVDQ2Q,
	AT(MOVMSKPS, SLOT_R_XR) = r_xr_MOVMSKPS,
	AT(MOVMSKPD, SLOT_R_XR) = r_xr_MOVMSKPD,
	AT(PMOVMSKB, SLOT_R_XR) = r_xr_PMOVMSKB, AT(PMOVMSKB, SLOT_R_MR) = r_mr_PMOVMSKB,
	AT(PINSRW, SLOT_X_GR) = x_gr_PINSRW, AT(PINSRW, SLOT_X_GM) = x_gm_PINSRW,
	AT(PINSRW, SLOT_M_GR) = m_gr_PINSRW, AT(PINSRW, SLOT_M_GM) = m_gm_PINSRW,
	AT(PINSRB, SLOT_X_GR) = x_gr_PINSRB, AT(PINSRB, SLOT_X_GM) = x_gm_PINSRB,
	AT(PINSRD, SLOT_X_GR) = x_gr_PINSRD, AT(PINSRD, SLOT_X_GM) = x_gm_PINSRD,
	AT(PEXTRW, SLOT_R_XR) = r_xr_PEXTRW, AT(PEXTRW, SLOT_R_MR) = r_mr_PEXTRW,
	AT(PEXTRW, SLOT_G_XR) = g_xr_PEXTRW, AT(PEXTRW, SLOT_G_XM) = g_xm_PEXTRW,
	AT(PEXTRB, SLOT_G_XR) = g_xr_PEXTRB, AT(PEXTRB, SLOT_G_XM) = g_xm_PEXTRB,
	AT(PEXTRD, SLOT_G_XR) = g_xr_PEXTRD, AT(PEXTRD, SLOT_G_XM) = g_xm_PEXTRD,
	AT(EXTRACTPS, SLOT_G_XR) = g_xr_EXTRACTPS, AT(EXTRACTPS, SLOT_G_XM) = g_xm_EXTRACTPS,
	AT(INSERTPS, SLOT_XR) = xr_INSERTPS, AT(INSERTPS, SLOT_XM) = xm_INSERTPS,
	AT(MASKMOVDQU, SLOT_XR) = xr_MASKMOVDQU, AT(MASKMOVDQU, SLOT_NONE) = xr_MASKMOVDQU,
	AT(MASKMOVQ, SLOT_MR) = mr_MASKMOVQ, AT(MASKMOVQ, SLOT_NONE) = mr_MASKMOVQ,
	AT(EMMS, SLOT_NONE) = none_EMMS,
};

uop_fn simd_move_find(unsigned int op, unsigned int slot)
{
	return slot < SIMD_NSLOT ? move_table[op - SIMD_FIRST][slot] : NULL;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The state images in memory: FXSAVE, FXRSTOR, XSAVE, XSAVEOPT, XSAVEC, XRSTOR, LDMXCSR, STMXCSR;
 * and the whole state for other users. Components are x87 and SSE.
 *
 * Source: Intel SDM volume 1 section 10.5 (FXSAVE) and chapter 13 (XSAVE).
 */
#include <errno.h>

#include "vmm/cpu/fpu/x87.h"

#define FX_SIZE     512u
#define FX_WRITTEN  416u /* of the FXSAVE image; the rest belongs to software or is reserved */
#define FX_ST       32u
#define FX_XMM      160u
#define XS_HEADER   512u
#define XS_BV       512u
#define XS_COMP     520u
#define XS_SIZE     576u
#define XS_COMPACT  (1ull << 63)

struct fx_head {
	u16 cw, sw;
	u8 tags, pad;
	u16 fop;
	u64 fip, fdp; /* 32-bit form: offset, then selector */
	u32 mxcsr, mxcsr_mask;
};
_Static_assert(sizeof(struct fx_head) == FX_ST, "FXSAVE layout");

static u64 pointer_pack(u64 off, u16 sel, bool wide)
{
	return wide ? off : (u32)off | (u64)sel << 32;
}

static void x87_to_image(struct cpu *c, u8 *image, bool wide)
{
	const struct cpu_fpu *f = &c->fpu;
	struct fx_head h;
	unsigned int i;

	memcpy(&h, image, sizeof(h));
	h.cw = f->cw;
	h.sw = f->sw | f->top << 11;
	h.tags = f->tags;
	h.pad = 0;
	h.fop = f->fop;
	h.fip = pointer_pack(f->fip, f->fcs, wide);
	h.fdp = pointer_pack(f->fdp, f->fds, wide);
	memcpy(image, &h, sizeof(h));
	for (i = 0; i < 8; i++) {
		f80 r = *x87_st(c, i);

		memset(r.pad, 0, sizeof(r.pad));
		memcpy(image + FX_ST + 16 * i, &r, 16);
	}
}

static void x87_from_image(struct cpu *c, const u8 *image, bool wide)
{
	struct cpu_fpu *f = &c->fpu;
	struct fx_head h;
	unsigned int i;

	memcpy(&h, image, sizeof(h));
	cpu_fpu_set_cw(c, h.cw);
	cpu_fpu_set_sw(c, h.sw);
	f->tags = h.tags;
	f->fop = h.fop & 0x7ff;
	f->fip = wide ? h.fip : (u32)h.fip;
	f->fdp = wide ? h.fdp : (u32)h.fdp;
	f->fcs = wide ? 0 : (u16)(h.fip >> 32);
	f->fds = wide ? 0 : (u16)(h.fdp >> 32);
	for (i = 0; i < 8; i++)
		memcpy(x87_st(c, i), image + FX_ST + 16 * i, 10);
}

static void x87_init_state(struct cpu *c)
{
	struct cpu_fpu *f = &c->fpu;

	cpu_fpu_set_cw(c, X87_CW_RESET);
	cpu_fpu_set_sw(c, 0);
	f->tags = 0;
	f->fip = f->fdp = 0;
	f->fop = f->fcs = f->fds = 0;
	memset(f->st, 0, sizeof(f->st));
}

static bool x87_in_use(const struct cpu *c)
{
	static const struct cpu_f80 zero[8];
	const struct cpu_fpu *f = &c->fpu;

	return f->cw != X87_CW_RESET || f->sw || f->top || f->tags || f->fip || f->fdp || f->fop ||
	       f->fcs || f->fds || memcmp(f->st, zero, sizeof(zero));
}

static bool sse_in_use(const struct cpu *c, unsigned int nreg)
{
	static const union cpu_xmm zero[16];

	return memcmp(c->fpu.xmm, zero, nreg * sizeof(zero[0]));
}

static void mxcsr_to_image(struct cpu *c, u8 *image)
{
	u32 v[2] = { cpu_fpu_mxcsr(c), MXCSR_VALID };

	memcpy(image + 24, v, 8);
}

static u32 mxcsr_in_image(const u8 *image)
{
	u32 v;

	memcpy(&v, image + 24, 4);
	return v;
}

/* Sixteen XMM registers are visible in 64-bit mode, else eight. */
static unsigned int xmm_count(const struct uop *u)
{
	return u->flags & UOP_LONG ? 16 : 8;
}

static _Noreturn void image_gp(struct cpu *c, const struct uop *u)
{
	cpu_at(c, u);
	cpu_fault_err(c, X86_GP, 0);
}

static u64 image_lin(struct cpu *c, const struct uop *u, unsigned int size, unsigned int align,
		     bool write)
{
	u64 lin = cpu_lin(c, u, size, write);

	if (lin & (align - 1))
		image_gp(c, u);
	return lin;
}

/* ---- FXSAVE ---- */

static UOP(mem_FXSAVE)
{
	u64 lin = image_lin(c, u, FX_SIZE, 16, true);
	unsigned int len = FX_XMM + 16 * xmm_count(u);
	u8 image[FX_WRITTEN] = { 0 };

	x87_to_image(c, image, u->flags & UOP_O64);
	mxcsr_to_image(c, image);
	memcpy(image + FX_XMM, c->fpu.xmm, len - FX_XMM);
	cpu_slow_write_n(c, u, lin, image, len);
	NEXT(c, u);
}

static UOP(mem_FXRSTOR)
{
	u64 lin = image_lin(c, u, FX_SIZE, 16, false);
	unsigned int len = FX_XMM + 16 * xmm_count(u);
	u8 image[FX_SIZE];

	cpu_slow_read_n(c, u, lin, image, FX_SIZE);
	if (mxcsr_in_image(image) & ~MXCSR_VALID)
		image_gp(c, u);
	x87_from_image(c, image, u->flags & UOP_O64);
	cpu_fpu_set_mxcsr(c, mxcsr_in_image(image));
	memcpy(c->fpu.xmm, image + FX_XMM, len - FX_XMM);
	NEXT(c, u);
}

static UOP(mem_LDMXCSR)
{
	u32 v = cpu_load32(c, u);

	if (v & ~MXCSR_VALID)
		image_gp(c, u);
	cpu_fpu_set_mxcsr(c, v);
	NEXT(c, u);
}

static UOP(mem_STMXCSR)
{
	cpu_store32(c, u, cpu_fpu_mxcsr(c));
	NEXT(c, u);
}

/* ---- XSAVE ---- */

/* The requested components that are enabled. */
static u64 xsave_rfbm(struct cpu *c, const struct uop *u)
{
	u64 want = (u32)c->gpr[X86_RAX] | c->gpr[X86_RDX] << 32;

	if (!(c->cr4 & X86_CR4_OSXSAVE)) {
		cpu_at(c, u);
		cpu_fault(c, X86_UD);
	}
	return want & c->xcr0 & (CPU_XCR0_X87 | CPU_XCR0_SSE);
}

static u64 xsave_in_use(struct cpu *c, const struct uop *u)
{
	return (x87_in_use(c) ? CPU_XCR0_X87 : 0) |
	       (sse_in_use(c, xmm_count(u)) ? CPU_XCR0_SSE : 0);
}

static u64 image_u64(const u8 *image, unsigned int at)
{
	u64 v;

	memcpy(&v, image + at, 8);
	return v;
}

/*
 * Writes the components of `put` to the area; `csr`: MXCSR goes with them. Bytes that belong to no
 * component written stay as they are in memory: pieces are stored one by one, after a
 * check that all of it is writable.
 */
static void xsave_put(struct cpu *c, const struct uop *u, u64 lin, u64 put, bool csr)
{
	u8 image[FX_WRITTEN] = { 0 };

	if (put & CPU_XCR0_X87) {
		x87_to_image(c, image, u->flags & UOP_O64);
		cpu_slow_write_n(c, u, lin, image, 24);
		cpu_slow_write_n(c, u, lin + FX_ST, image + FX_ST, FX_XMM - FX_ST);
	}
	if (csr) {
		mxcsr_to_image(c, image);
		cpu_slow_write_n(c, u, lin + 24, image + 24, 8);
	}
	if (put & CPU_XCR0_SSE)
		cpu_slow_write_n(c, u, lin + FX_XMM, c->fpu.xmm, 16 * xmm_count(u));
}

static const struct uop *xsave_standard(struct cpu *c, const struct uop *u, bool optimised)
{
	u64 rfbm = xsave_rfbm(c, u), lin = image_lin(c, u, XS_SIZE, 64, true), bv, used;

	bv = cpu_rd64(c, u, lin + XS_BV);
	used = xsave_in_use(c, u);
	bv = (bv & ~rfbm) | (rfbm & used);
	/* First, so that a page fault on the far part comes before anything is written. */
	cpu_wr64(c, u, lin + XS_BV, bv);
	xsave_put(c, u, lin, optimised ? rfbm & used : rfbm, rfbm & CPU_XCR0_SSE);
	NEXT(c, u);
}

static UOP(mem_XSAVE)
{
	return xsave_standard(c, u, false);
}

static UOP(mem_XSAVEOPT)
{
	return xsave_standard(c, u, true);
}

/* The compacted form; with these two components its layout is that of the standard one. */
static UOP(mem_XSAVEC)
{
	u64 rfbm = xsave_rfbm(c, u), lin = image_lin(c, u, XS_SIZE, 64, true), head[2], used;

	used = xsave_in_use(c, u);
	if (cpu_fpu_mxcsr(c) != MXCSR_RESET)
		used |= CPU_XCR0_SSE;
	head[0] = rfbm & used;
	head[1] = rfbm | XS_COMPACT;
	cpu_slow_write_n(c, u, lin + XS_HEADER, head, sizeof(head));
	xsave_put(c, u, lin, rfbm & used, rfbm & used & CPU_XCR0_SSE);
	NEXT(c, u);
}

/* False: #GP. */
static bool xrstor_header_ok(const struct cpu *c, const u8 *image)
{
	static const u8 zero[48];
	u64 bv = image_u64(image, XS_BV), comp = image_u64(image, XS_COMP);

	if (comp & XS_COMPACT)
		return !(comp & ~XS_COMPACT & ~c->xcr0) && !(bv & ~comp) &&
		       !memcmp(image + XS_HEADER + 16, zero, 48);
	return !(bv & ~c->xcr0) && !comp && !image_u64(image, XS_HEADER + 16);
}

static UOP(mem_XRSTOR)
{
	u64 rfbm = xsave_rfbm(c, u), lin = image_lin(c, u, XS_SIZE, 64, false), bv;
	u8 image[XS_SIZE];
	bool compact;
	u32 csr;

	cpu_slow_read_n(c, u, lin, image, XS_SIZE);
	if (!xrstor_header_ok(c, image))
		image_gp(c, u);
	bv = image_u64(image, XS_BV);
	compact = image_u64(image, XS_COMP) & XS_COMPACT;
	/* The standard form takes MXCSR from memory whatever XSTATE_BV says. */
	csr = compact && !(bv & CPU_XCR0_SSE) ? MXCSR_RESET : mxcsr_in_image(image);
	if ((rfbm & CPU_XCR0_SSE) && (csr & ~MXCSR_VALID))
		image_gp(c, u);
	if (rfbm & CPU_XCR0_X87) {
		if (bv & CPU_XCR0_X87)
			x87_from_image(c, image, u->flags & UOP_O64);
		else
			x87_init_state(c);
	}
	if (rfbm & CPU_XCR0_SSE) {
		cpu_fpu_set_mxcsr(c, csr);
		if (bv & CPU_XCR0_SSE)
			memcpy(c->fpu.xmm, image + FX_XMM, 16 * xmm_count(u));
		else
			memset(c->fpu.xmm, 0, 16 * xmm_count(u));
	}
	NEXT(c, u);
}

/* ---- for other users ---- */

void cpu_fpu_get_xsave(struct cpu *c, u8 image[CPU_XSAVE_SIZE])
{
	u64 bv = CPU_XCR0_X87 | CPU_XCR0_SSE;

	memset(image, 0, CPU_XSAVE_SIZE);
	x87_to_image(c, image, true);
	mxcsr_to_image(c, image);
	memcpy(image + FX_XMM, c->fpu.xmm, sizeof(c->fpu.xmm));
	memcpy(image + XS_BV, &bv, 8);
}

int cpu_fpu_set_xsave(struct cpu *c, const u8 image[CPU_XSAVE_SIZE])
{
	u64 bv = image_u64(image, XS_BV);

	if (image_u64(image, XS_COMP) || (mxcsr_in_image(image) & ~MXCSR_VALID))
		return -EINVAL;
	if (bv & CPU_XCR0_X87)
		x87_from_image(c, image, true);
	else
		x87_init_state(c);
	cpu_fpu_set_mxcsr(c, mxcsr_in_image(image));
	if (bv & CPU_XCR0_SSE)
		memcpy(c->fpu.xmm, image + FX_XMM, sizeof(c->fpu.xmm));
	else
		memset(c->fpu.xmm, 0, sizeof(c->fpu.xmm));
	return 0;
}

#define AT(OP) [X86_OP_##OP - X86_OP_FXSAVE]

static const uop_fn image_table[] = {
	AT(FXSAVE) = mem_FXSAVE,
	AT(FXRSTOR) = mem_FXRSTOR,
	AT(XSAVE) = mem_XSAVE,
	AT(XSAVEOPT) = mem_XSAVEOPT,
	AT(XSAVEC) = mem_XSAVEC,
	AT(XRSTOR) = mem_XRSTOR,
	AT(LDMXCSR) = mem_LDMXCSR,
	AT(STMXCSR) = mem_STMXCSR,
};

uop_fn fpu_image_find(unsigned int op)
{
	if (op < X86_OP_FXSAVE || op - X86_OP_FXSAVE >= ARRAY_SIZE(image_table))
		return NULL;
	return image_table[op - X86_OP_FXSAVE];
}

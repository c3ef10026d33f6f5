/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A CPU for tests of the shared x86 code: flat memory, plain registers, no paging but for one
 * range of addresses that page-faults.
 */
#ifndef TEST_FAKE_X86_H
#define TEST_FAKE_X86_H

#include <stdlib.h>

#include "module/x86/seg.h"
#include "vmm/types.h"

#define FAKE_MEM 0x40000u
#define FAKE_GDT 0x1000u
#define FAKE_IDT 0x2000u
#define FAKE_TSS 0x3000u

struct fake {
	struct x86_ctx ctx;
	u64 gpr[16];
	struct x86_seg seg[X86_NSEG];
	struct x86_dtr gdt, idt;
	u64 cr[9], dr[8], efer;
	u64 bad_from, bad_to;
	u8 mem[FAKE_MEM];
};

static inline struct fake *fake_of(struct x86_ctx *ctx)
{
	return ctx->cpu;
}

static int fake_access(struct fake *f, u64 lin, unsigned int len, unsigned int acc)
{
	bool bad = lin < f->bad_to && lin + len > f->bad_from;

	if (lin + len <= FAKE_MEM && !bad)
		return 0;
	f->ctx.fault.cr2 = lin;
	return x86_raise_err(&f->ctx, X86_PF, acc & X86_ACC_WRITE ? 2 : 0);
}

static int fake_read(struct x86_ctx *ctx, u64 lin, void *buf, unsigned int len, unsigned int acc)
{
	if (fake_access(fake_of(ctx), lin, len, acc))
		return X86_FAULT;
	memcpy(buf, fake_of(ctx)->mem + lin, len);
	return 0;
}

static int fake_write(struct x86_ctx *ctx, u64 lin, const void *buf, unsigned int len,
		      unsigned int acc)
{
	if (fake_access(fake_of(ctx), lin, len, acc))
		return X86_FAULT;
	memcpy(fake_of(ctx)->mem + lin, buf, len);
	return 0;
}

static int fake_probe(struct x86_ctx *ctx, u64 lin, unsigned int len, unsigned int acc)
{
	return fake_access(fake_of(ctx), lin, len, acc);
}

static void fake_get_seg(struct x86_ctx *ctx, unsigned int seg, struct x86_seg *out)
{
	*out = fake_of(ctx)->seg[seg];
}

static void fake_set_seg(struct x86_ctx *ctx, unsigned int seg, const struct x86_seg *in)
{
	fake_of(ctx)->seg[seg] = *in;
}

static void fake_get_gdt(struct x86_ctx *ctx, struct x86_dtr *out)
{
	*out = fake_of(ctx)->gdt;
}

static void fake_get_idt(struct x86_ctx *ctx, struct x86_dtr *out)
{
	*out = fake_of(ctx)->idt;
}

static u64 fake_get_cr(struct x86_ctx *ctx, unsigned int cr)
{
	return fake_of(ctx)->cr[cr];
}

static int fake_set_cr(struct x86_ctx *ctx, unsigned int cr, u64 val)
{
	fake_of(ctx)->cr[cr] = val;
	return 0;
}

static u64 fake_get_dr(struct x86_ctx *ctx, unsigned int dr)
{
	return fake_of(ctx)->dr[dr];
}

static void fake_set_dr(struct x86_ctx *ctx, unsigned int dr, u64 val)
{
	fake_of(ctx)->dr[dr] = val;
}

static u64 fake_get_efer(struct x86_ctx *ctx)
{
	return fake_of(ctx)->efer;
}

static void fake_set_cpl(struct x86_ctx *ctx, unsigned int cpl)
{
}

static const struct x86_ops fake_ops = {
	.read = fake_read,
	.write = fake_write,
	.probe = fake_probe,
	.get_seg = fake_get_seg,
	.set_seg = fake_set_seg,
	.get_gdt = fake_get_gdt,
	.get_idt = fake_get_idt,
	.get_cr = fake_get_cr,
	.set_cr = fake_set_cr,
	.get_dr = fake_get_dr,
	.set_dr = fake_set_dr,
	.get_efer = fake_get_efer,
	.set_cpl = fake_set_cpl,
};

static inline u64 fake_get(struct fake *f, u64 at, unsigned int len)
{
	u64 v = 0;

	memcpy(&v, f->mem + at, len);
	return v;
}

static inline void fake_put(struct fake *f, u64 at, unsigned int len, u64 val)
{
	memcpy(f->mem + at, &val, len);
}

/* A descriptor: attributes as in struct x86_seg. */
static inline void fake_desc(struct fake *f, u16 sel, u32 base, u32 limit, u32 attr)
{
	if (attr & X86_SEG_G)
		limit >>= 12;
	fake_put(f, FAKE_GDT + (sel & ~7u), 4, (base << 16) | (limit & 0xffff));
	fake_put(f, FAKE_GDT + (sel & ~7u) + 4, 4,
		 (base & 0xff000000) | (limit & 0xf0000) | ((attr & 0xf0ff) << 8) |
			 ((base >> 16) & 0xff));
}

/* A gate at `at`: type with present bit and DPL in `attr`, IST or parameter count in `low`. */
static inline void fake_gate(struct fake *f, u64 at, u16 sel, u64 off, u32 attr, u32 low)
{
	fake_put(f, at, 4, (u32)sel << 16 | (off & 0xffff));
	fake_put(f, at + 4, 4, (off & 0xffff0000) | attr << 8 | low);
}

/* Selectors of the standard GDT below. */
enum {
	S_CODE0 = 0x08,
	S_DATA0 = 0x10,
	S_CODE3 = 0x1b,
	S_DATA3 = 0x23,
	S_CODE64 = 0x28,
	S_USER64 = 0x33,
	S_CONF0 = 0x38,
	S_ABSENT = 0x40,
	S_GATE = 0x48,
	S_GATE64 = 0x50,
	S_TSS = 0x60,
	S_TSS2 = 0x70,
	S_TSS16 = 0x80,
	S_LDT = 0x90,
	S_SMALL = 0x98, /* 16-bit code, limit 0xff */
	S_CODE1 = 0xa1,
	S_DATA1 = 0xa9,
};

#define A_CODE (X86_SEG_P | X86_SEG_S | 0xb)
#define A_DATA (X86_SEG_P | X86_SEG_S | 0x3)
#define A_BIG  (X86_SEG_G | X86_SEG_DB)
#define A_DPL(n) ((n) << X86_SEG_DPL_SHIFT)

static inline struct fake *fake_new(void)
{
	struct fake *f = calloc(1, sizeof(*f));

	if (!f)
		abort();
	f->ctx.ops = &fake_ops;
	f->ctx.cpu = f;
	f->ctx.gpr = f->gpr;
	f->ctx.rflags = X86_FL_ONE;
	f->gdt.base = FAKE_GDT;
	f->gdt.limit = 0xff;
	f->idt.base = FAKE_IDT;
	f->idt.limit = 0xfff;
	fake_desc(f, S_CODE0, 0, ~0u, A_CODE | A_BIG);
	fake_desc(f, S_DATA0, 0, ~0u, A_DATA | A_BIG);
	fake_desc(f, S_CODE3, 0, ~0u, A_CODE | A_BIG | A_DPL(3));
	fake_desc(f, S_DATA3, 0, ~0u, A_DATA | A_BIG | A_DPL(3));
	fake_desc(f, S_CODE64, 0, ~0u, A_CODE | X86_SEG_G | X86_SEG_L);
	fake_desc(f, S_USER64, 0, ~0u, A_CODE | X86_SEG_G | X86_SEG_L | A_DPL(3));
	fake_desc(f, S_CONF0, 0, ~0u, A_CODE | X86_TYPE_E | A_BIG);
	fake_desc(f, S_ABSENT, 0, ~0u, (A_CODE | A_BIG) & ~X86_SEG_P);
	fake_desc(f, S_TSS, FAKE_TSS, 0x2067, X86_SEG_P | X86_SYS_TSS32);
	fake_desc(f, S_SMALL, 0, 0xff, A_CODE);
	fake_desc(f, S_CODE1, 0, ~0u, A_CODE | A_BIG | A_DPL(1));
	fake_desc(f, S_DATA1, 0, ~0u, A_DATA | A_BIG | A_DPL(1));
	return f;
}

/* Loads the hidden part of a segment register from the GDT without checks. */
static inline void fake_load(struct fake *f, unsigned int seg, u16 sel)
{
	struct x86_desc d = { 0 };

	d.lo = (u32)fake_get(f, FAKE_GDT + (sel & ~7u), 4);
	d.hi = (u32)fake_get(f, FAKE_GDT + (sel & ~7u) + 4, 4);
	x86_desc_unpack(&d, sel, &f->seg[seg]);
}

/* Protected mode at `cpl` with flat segments and the task S_TSS. */
static inline void fake_protected(struct fake *f, unsigned int cpl)
{
	u16 data = cpl == 3 ? S_DATA3 : cpl == 1 ? S_DATA1 : S_DATA0;
	unsigned int i;

	f->cr[0] = X86_CR0_PE;
	f->ctx.cpl = (u8)cpl;
	for (i = 0; i < 6; i++)
		fake_load(f, i, i == X86_CS ? (cpl == 3 ? S_CODE3 : cpl == 1 ? S_CODE1 : S_CODE0) :
					      data);
	fake_load(f, X86_TR, S_TSS);
	f->seg[X86_TR].attr |= 2;
	f->seg[X86_LDTR].unusable = 1;
	fake_put(f, FAKE_TSS + 4, 4, 0x8000);
	fake_put(f, FAKE_TSS + 8, 2, S_DATA0);
	fake_put(f, FAKE_TSS + 12, 4, 0x9000);
	fake_put(f, FAKE_TSS + 16, 2, S_DATA1);
	f->gpr[X86_RSP] = 0x7000;
	f->ctx.rip = 0x1234;
}

static inline void fake_long(struct fake *f, unsigned int cpl)
{
	fake_protected(f, cpl);
	f->cr[0] |= X86_CR0_PG;
	f->cr[4] = X86_CR4_PAE;
	f->efer = X86_EFER_LMA | X86_EFER_LME;
	f->ctx.long_mode = 1;
	fake_load(f, X86_CS, cpl == 3 ? S_USER64 : S_CODE64);
	fake_put(f, FAKE_TSS + 4, 8, 0x8000);
	fake_put(f, FAKE_TSS + 0x24, 8, 0xa008);
}

static inline void fake_v86(struct fake *f, unsigned int iopl)
{
	unsigned int i;

	fake_protected(f, 3);
	f->ctx.rflags |= X86_FL_VM | X86_FL_IF | iopl << 12;
	for (i = 0; i < 6; i++)
		x86_seg_real(&f->seg[i], (u16)(0x100 + i), 1);
	f->ctx.rip = 0x55;
	f->gpr[X86_RSP] = 0x1000;
}

static inline void fake_real(struct fake *f)
{
	unsigned int i;

	for (i = 0; i < 6; i++) {
		f->seg[i].limit = 0xffff;
		x86_seg_real(&f->seg[i], (u16)(0x100 + i), 0);
	}
	f->idt.base = 0;
	f->idt.limit = 0x3ff;
	f->ctx.rip = 0x55;
	f->gpr[X86_RSP] = 0x1000;
}

#endif

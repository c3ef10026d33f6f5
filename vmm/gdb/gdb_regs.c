// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The gdb server's registers: their description for gdb (target.xml) and their values.
 *
 * The program counter is given as a linear address (CS base added), as gdb knows no segments: so it
 * agrees with the addresses of breakpoints and memory also in real mode.
 *
 * Source: the manual "Debugging with GDB", appendix G (i386 features); Intel SDM volume 1, 13.4
 * for the XSAVE image.
 */
#include "vmm/gdb/gdb_int.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define XMM_OFF 160
#define ST_OFF  32
#define CORE    "org.gnu.gdb.i386.core"
#define SSE     "org.gnu.gdb.i386.sse"
#define SEGS    "org.gnu.gdb.i386.segments"
#define SYSTEM  "org.guestmode.system"

static void add(struct gm_gdb *g, const char *feature, const char *type, unsigned int bits,
		enum gdb_reg_kind kind, unsigned int index, const char *fmt, ...)
	__attribute__((format(printf, 7, 8)));
static void add(struct gm_gdb *g, const char *feature, const char *type, unsigned int bits,
		enum gdb_reg_kind kind, unsigned int index, const char *fmt, ...)
{
	struct gdb_reg *d = &g->regs[g->nregs++];
	va_list ap;

	*d = (struct gdb_reg){.type = type, .feature = feature, .bits = (u8)bits, .kind = (u8)kind,
			      .index = (u8)index};
	va_start(ap, fmt);
	vsnprintf(d->name, sizeof(d->name), fmt, ap);
	va_end(ap);
}

static void add_general(struct gm_gdb *g, bool wide)
{
	static const u8 order64[] = {0, 3, 1, 2, 6, 7, 5, 4}; /* rax rbx rcx rdx rsi rdi rbp rsp */
	static const char *const names[] = {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di"};
	unsigned int i, n, bits = wide ? 64 : 32;
	const char *type;

	for (i = 0; i < 8; i++) {
		n = wide ? order64[i] : i;
		type = n == X86_RSP || n == X86_RBP ? "data_ptr" : wide ? "int64" : "int32";
		add(g, CORE, type, bits, GDB_GPR, n, "%c%s", wide ? 'r' : 'e', names[n]);
	}
	for (i = 8; wide && i < 16; i++)
		add(g, CORE, "int64", 64, GDB_GPR, i, "r%u", i);
	add(g, CORE, "code_ptr", bits, GDB_PC, 0, wide ? "rip" : "eip");
	add(g, CORE, "int32", 32, GDB_FLAGS, 0, "eflags");
}

static void add_fpu(struct gm_gdb *g, bool wide)
{
	static const struct {
		const char *name;
		enum gdb_reg_kind kind;
	} ctl[] = {{"fctrl", GDB_FCTRL}, {"fstat", GDB_FSTAT}, {"ftag", GDB_FTAG},
		   {"fiseg", GDB_FZERO}, {"fioff", GDB_FZERO}, {"foseg", GDB_FZERO},
		   {"fooff", GDB_FZERO}, {"fop", GDB_FOP}};
	unsigned int i;

	for (i = 0; i < 8; i++)
		add(g, CORE, "i387_ext", 80, GDB_ST, i, "st%u", i);
	for (i = 0; i < ARRAY_SIZE(ctl); i++)
		add(g, CORE, "int", 32, ctl[i].kind, 0, "%s", ctl[i].name);
	for (i = 0; i < (wide ? 16 : 8); i++)
		add(g, SSE, "uint128", 128, GDB_XMM, i, "xmm%u", i);
	add(g, SSE, "int", 32, GDB_MXCSR, 0, "mxcsr");
}

static void add_system(struct gm_gdb *g, bool wide)
{
	static const struct {
		const char *name;
		u8 seg;
	} segs[] = {{"cs", X86_CS}, {"ss", X86_SS}, {"ds", X86_DS}, {"es", X86_ES}};
	static const u8 crs[] = {0, 2, 3, 4, 8};
	unsigned int i, bits = wide ? 64 : 32;
	const char *type = wide ? "uint64" : "uint32";

	if (wide) {
		add(g, SEGS, "int", 64, GDB_SEG_BASE, X86_FS, "fs_base");
		add(g, SEGS, "int", 64, GDB_SEG_BASE, X86_GS, "gs_base");
	}
	for (i = 0; i < ARRAY_SIZE(segs); i++)
		add(g, SYSTEM, type, bits, GDB_SEG_BASE, segs[i].seg, "%s_base", segs[i].name);
	for (i = 0; i < ARRAY_SIZE(crs); i++)
		add(g, SYSTEM, type, bits, GDB_CR, crs[i], "cr%u", crs[i]);
	add(g, SYSTEM, type, bits, GDB_EFER, 0, "efer");
}

static void layout_make(struct gm_gdb *g)
{
	static const struct {
		const char *name;
		u8 seg;
	} segs[] = {{"cs", X86_CS}, {"ss", X86_SS}, {"ds", X86_DS}, {"es", X86_ES},
		    {"fs", X86_FS}, {"gs", X86_GS}};
	bool wide = g->arch == GDB_X86_64;
	unsigned int i;

	g->nregs = 0;
	add_general(g, wide);
	for (i = 0; i < ARRAY_SIZE(segs); i++)
		add(g, CORE, "int32", 32, GDB_SEG, segs[i].seg, "%s", segs[i].name);
	add_fpu(g, wide);
	add_system(g, wide);
}

static int xml_make(struct gm_gdb *g)
{
	static const char *const archs[] = {[GDB_I8086] = "i8086", [GDB_I386] = "i386",
					    [GDB_X86_64] = "i386:x86-64"};
	const char *feature = NULL;
	unsigned int i;
	FILE *f;

	free(g->xml);
	g->xml = NULL;
	f = open_memstream(&g->xml, &g->xml_len);
	if (!f)
		return -ENOMEM;
	fprintf(f, "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\">"
		   "<target version=\"1.0\"><architecture>%s</architecture>", archs[g->arch]);
	for (i = 0; i < g->nregs; i++) {
		const struct gdb_reg *d = &g->regs[i];

		if (d->feature != feature) {
			fprintf(f, "%s<feature name=\"%s\">", feature ? "</feature>" : "",
				d->feature);
			feature = d->feature;
		}
		fprintf(f, "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\" regnum=\"%u\"%s/>",
			d->name, d->bits, d->type, i,
			d->kind >= GDB_SEG_BASE ? " group=\"system\"" : "");
	}
	fprintf(f, "</feature></target>");
	return fclose(f) ? -ENOMEM : 0;
}

/* What the CPU is in when gdb connects, unless the user said. */
int gdb_regs_init(struct gm_gdb *g)
{
	struct gm_regs *r = calloc(1, sizeof(*r));
	struct gm_vcpu *v = g->m->vcpus[0];

	if (!r)
		return -ENOMEM;
	g->arch = g->arch_wanted;
	if (g->arch == GDB_AUTO) {
		g->arch = GDB_X86_64;
		if (!g->m->vm->accel->regs_get(v, GM_REGS_GPR | GM_REGS_SYS, r))
			g->arch = r->efer & X86_EFER_LMA ? GDB_X86_64 :
				  r->cr0 & X86_CR0_PE ? GDB_I386 : GDB_I8086;
	}
	free(r);
	layout_make(g);
	return xml_make(g);
}

unsigned int gdb_regs_size(const struct gm_gdb *g)
{
	unsigned int i, n = 0;

	for (i = 0; i < g->nregs; i++)
		n += g->regs[i].bits / 8;
	return n;
}

/* ---- values ---- */

static u64 linear_pc(const struct gm_regs *r)
{
	if (r->efer & X86_EFER_LMA && r->seg[X86_CS].attr & X86_SEG_L)
		return r->rip;
	return (u32)(r->rip + r->seg[X86_CS].base);
}

/* Two bits for each register: 3 is empty, 0 holds a number; the image has one bit for each. */
static u32 full_tag(const u8 *x)
{
	u32 tag = 0;
	unsigned int i;

	for (i = 0; i < 8; i++)
		if (!(x[4] >> i & 1))
			tag |= 3u << (2 * i);
	return tag;
}

static u64 *cr_field(struct gm_regs *r, unsigned int n)
{
	switch (n) {
	case 0: return &r->cr0;
	case 2: return &r->cr2;
	case 3: return &r->cr3;
	case 4: return &r->cr4;
	default: return &r->cr8;
	}
}

static u64 scalar_get(const struct gdb_reg *d, struct gm_regs *r)
{
	bool fpu = r->xsave[512] & 1;

	switch (d->kind) {
	case GDB_GPR: return r->gpr[d->index];
	case GDB_PC: return linear_pc(r);
	case GDB_FLAGS: return r->rflags;
	case GDB_SEG: return r->seg[d->index].sel;
	case GDB_FCTRL: return fpu ? (u64)(r->xsave[0] | r->xsave[1] << 8) : 0x37f;
	case GDB_FSTAT: return fpu ? (u64)(r->xsave[2] | r->xsave[3] << 8) : 0;
	case GDB_FTAG: return fpu ? full_tag(r->xsave) : 0xffff;
	case GDB_FOP: return fpu ? (u64)(r->xsave[6] | r->xsave[7] << 8) : 0;
	case GDB_MXCSR: return (u64)(r->xsave[24] | r->xsave[25] << 8);
	case GDB_SEG_BASE: return r->seg[d->index].base;
	case GDB_CR: return *cr_field(r, d->index);
	case GDB_EFER: return r->efer;
	default: return 0;
	}
}

void gdb_reg_get(const struct gdb_reg *d, const struct gm_regs *r, u8 *out)
{
	u64 v;

	memset(out, 0, d->bits / 8);
	if (d->kind == GDB_ST) {
		if (r->xsave[512] & 1)
			memcpy(out, r->xsave + ST_OFF + 16 * d->index, 10);
		return;
	}
	if (d->kind == GDB_XMM) {
		if (r->xsave[512] & 2)
			memcpy(out, r->xsave + XMM_OFF + 16 * d->index, 16);
		return;
	}
	v = scalar_get(d, (struct gm_regs *)r);
	memcpy(out, &v, MIN(d->bits / 8, 8));
}

static void fpu_set(const struct gdb_reg *d, struct gm_regs *r, const u8 *in)
{
	unsigned int i;

	/* Parts that are in their initial state have no meaning in the image: give them one. */
	if (!(r->xsave[512] & 1)) {
		memset(r->xsave, 0, 24);
		memset(r->xsave + ST_OFF, 0, 128);
		r->xsave[0] = 0x7f;
		r->xsave[1] = 0x03;
	}
	if (!(r->xsave[512] & 2))
		memset(r->xsave + XMM_OFF, 0, 256);
	r->xsave[512] |= 3;
	switch (d->kind) {
	case GDB_ST: memcpy(r->xsave + ST_OFF + 16 * d->index, in, 10); break;
	case GDB_XMM: memcpy(r->xsave + XMM_OFF + 16 * d->index, in, 16); break;
	case GDB_FCTRL: memcpy(r->xsave, in, 2); break;
	case GDB_FSTAT: memcpy(r->xsave + 2, in, 2); break;
	case GDB_FOP: memcpy(r->xsave + 6, in, 2); break;
	case GDB_MXCSR:
		r->xsave[24] = in[0];
		r->xsave[25] = in[1];
		break;
	case GDB_FTAG:
		for (i = 0, r->xsave[4] = 0; i < 8; i++)
			if ((in[i / 4] >> (2 * (i & 3)) & 3) != 3)
				r->xsave[4] |= (u8)(1u << i);
		break;
	}
}

/* Segment registers and what lies behind them stay as they are: a selector alone says too little. */
void gdb_reg_set(const struct gdb_reg *d, struct gm_regs *r, const u8 *in)
{
	u64 v = 0;

	memcpy(&v, in, MIN(d->bits / 8, 8));
	switch (d->kind) {
	case GDB_GPR:
		/* A 32-bit view leaves the upper half alone when its own half did not change. */
		if (d->bits == 64 || (u32)r->gpr[d->index] != (u32)v)
			r->gpr[d->index] = v;
		break;
	case GDB_PC:
		if (v != linear_pc(r))
			r->rip = r->efer & X86_EFER_LMA && r->seg[X86_CS].attr & X86_SEG_L
					 ? v : (u32)(v - r->seg[X86_CS].base);
		break;
	case GDB_FLAGS: r->rflags = v | X86_FL_ONE; break;
	case GDB_SEG:
	case GDB_SEG_BASE:
	case GDB_CR:
	case GDB_EFER:
	case GDB_FZERO: break;
	default: fpu_set(d, r, in); break;
	}
}

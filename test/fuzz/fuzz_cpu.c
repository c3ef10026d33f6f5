// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The interpreter: the input is guest code, run for some thousand instructions in the mode that
 * its first byte chooses, with registers from the bytes after it. Exceptions go back into the
 * code, so that it goes on.
 */
#include "test/fuzz/fuzz.h"
#include "test/unit/lib/cpu_rig.h"

#define CODE   0x2000u
#define IDT    0x1000u
#define GDT    0x800u
#define STACK  0x9000u
#define TABLES 0x80000u
#define STEPS  3000

enum { MODE_16, MODE_32, MODE_32_PAGED, MODE_64, NMODES };

static void segment(struct cpu *c, unsigned int seg, u16 sel, u32 limit, u16 attr)
{
	struct x86_seg s = {.limit = limit, .sel = sel, .attr = attr};

	cpu_set_seg(c, seg, &s);
}

static void put(struct rig *r, u32 at, u64 v)
{
	memcpy(r->ram + at, &v, 8);
}

/* Memory mapped to itself, for both widths of tables; the second MiB is not there. */
static void map_memory(struct rig *r, bool wide)
{
	u32 i;

	for (i = 0; i < 256; i++)
		if (wide)
			put(r, TABLES + 0x3000 + 8 * i, (u64)i << 12 | 7);
		else
			memcpy(r->ram + TABLES + 0x1000 + 4 * i, &(u32){i << 12 | 7}, 4);
	put(r, TABLES, (TABLES + 0x1000) | 7);
	if (!wide)
		return;
	put(r, TABLES + 0x1000, (TABLES + 0x2000) | 7);
	put(r, TABLES + 0x2000, (TABLES + 0x3000) | 7);
}

static void enter(struct rig *r, unsigned int mode, bool user)
{
	static const u64 gdt[] = {0, 0x00cf9b000000ffffull, 0x00cf93000000ffffull,
				  0x00af9b000000ffffull, 0x00cffb000000ffffull,
				  0x00cff3000000ffffull, 0x00affb000000ffffull};
	bool wide = mode == MODE_64;
	u16 dpl = user ? 0x60 : 0, cs = wide ? 0x18 : 0x08, ss = 0x10, i;
	struct cpu *c = r->c;

	c->rip = CODE;
	c->cr4 = X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT | (wide ? X86_CR4_PAE : 0);
	if (mode == MODE_16) {
		segment(c, X86_CS, 0, 0xffff, X86_SEG_P | X86_SEG_S | 0xb);
		cpu_mode_changed(c);
		return;
	}
	memcpy(r->ram + GDT, gdt, sizeof(gdt));
	for (i = 0; i < 32; i++)
		put(r, IDT + (wide ? 16u : 8u) * i, (CODE + i) | 0x08ull << 16 | 0xee00ull << 32 |
							    (wide ? 0x10ull << 16 : 0));
	map_memory(r, wide);
	c->gdt.base = GDT;
	c->gdt.limit = sizeof(gdt) - 1;
	c->idt.base = IDT;
	c->idt.limit = 0xfff;
	c->cr3 = TABLES;
	c->cr0 = X86_CR0_PE | X86_CR0_NE | X86_CR0_ET | X86_CR0_MP |
		 (mode >= MODE_32_PAGED ? X86_CR0_PG | X86_CR0_WP : 0);
	if (wide)
		c->efer = X86_EFER_LME | X86_EFER_LMA | X86_EFER_SCE | X86_EFER_NXE;
	segment(c, X86_CS, user ? (wide ? 0x33 : 0x23) : cs, 0xffffffff,
		X86_SEG_G | (wide ? X86_SEG_L : X86_SEG_DB) | X86_SEG_P | dpl | X86_SEG_S | 0xb);
	for (i = 0; i < X86_NSEG; i++)
		if (i != X86_CS && i <= X86_GS)
			segment(c, i, user ? 0x2b : ss, 0xffffffff,
				X86_SEG_G | X86_SEG_DB | X86_SEG_P | dpl | X86_SEG_S | 3);
	cpu_set_cpl(c, user ? 3 : 0);
	cpu_mode_changed(c);
	cpu_tlb_flush_all(c);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	struct fuzz_in in = {data, data + len};
	unsigned int how = (unsigned int)fuzz_get(&in, 1), i;
	struct rig *r;

	if (len < 20)
		return 0;
	r = rig_new(NULL);
	for (i = 0; i < 16; i++)
		r->c->gpr[i] = (u64)(s64)(s8)fuzz_get(&in, 1) << (i & 3) * 4;
	r->c->gpr[X86_RSP] = STACK;
	memcpy(r->ram + CODE, in.p, MIN((size_t)(in.end - in.p), (size_t)0x4000));
	enter(r, how % NMODES, how & 0x10);
	if (how & 0x20)
		cpu_set_rflags(r->c, X86_FL_TF | 2);
	for (i = 0; i < 4; i++) {
		if (cpu_run(r->c, STEPS / 4) != CPU_EXIT_KICK)
			break;
		if (how & 0x40)
			cpu_request(r->c, CPU_REQ_NMI);
		if (how & 0x80)
			cpu_phys_written(r->c, CODE, 4096);
	}
	rig_free(r);
	return 0;
}

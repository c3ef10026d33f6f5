/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A software CPU in 64-bit user mode over the same linear addresses that native.h uses: a code page
 * and a data region. Exceptions reach a HLT in supervisor mode through a real IDT and TSS, so their
 * delivery is under test as well.
 *
 * Guest-physical layout: 1000 IDT, 2000 GDT, 3000 TSS, 4000 supervisor stack, 5000 the HLTs, 8000 page
 * tables, 20000 code page, 21000 data.
 */
#ifndef TEST_CPU_USER_H
#define TEST_CPU_USER_H

#include "test/unit/lib/cpu_rig.h"
#include "test/unit/lib/native_gpr.h"

#define USER_DATA 0x10000000ull  /* linear address of the data region */
#define USER_DATA_PAGES 4        /* writable ones; before and after them nothing is mapped */
#define USER_DATA_SIZE (USER_DATA_PAGES * 4096u)

#define USER_IDT 0x1000
#define USER_GDT 0x2000
#define USER_TSS 0x3000
#define USER_STACK_TOP 0x5000
#define USER_HLT 0x5000
#define USER_TABLES 0x8000
#define USER_CODE_GPA 0x20000
#define USER_DATA_GPA 0x21000

struct user {
	struct rig *rig;
	struct native nat;
	u8 *data;            /* the native data region, at USER_DATA */
	u64 tables;          /* next free page-table page */
};

static inline u64 *user_entry(struct user *u, u64 table, u64 lin, int level)
{
	return (u64 *)(u->rig->ram + table) + ((lin >> (12 + 9 * level)) & 511);
}

static inline void user_map(struct user *u, u64 lin, u64 gpa, u64 bits)
{
	u64 table = USER_TABLES, *e;
	int level;

	for (level = 3; level > 0; level--) {
		e = user_entry(u, table, lin, level);
		if (!*e) {
			*e = u->tables | 7;
			u->tables += 4096;
		}
		table = *e & ~0xfffull;
	}
	*user_entry(u, table, lin, 0) = gpa | bits;
}

static inline void user_segment(struct cpu *c, unsigned int seg, u16 sel, u16 attr)
{
	struct x86_seg s = { .limit = 0xffffffff, .sel = sel, .attr = attr, .unusable = !attr };

	cpu_set_seg(c, seg, &s);
}

static inline void user_gate(struct user *u, unsigned int vector)
{
	u64 at = USER_HLT + vector, gate[2];

	gate[0] = (at & 0xffff) | 0x10ull << 16 | 0xee00ull << 32;
	gate[1] = 0;
	memcpy(u->rig->ram + USER_IDT + 16 * vector, gate, 16);
	u->rig->ram[at] = 0xf4;
}

static inline void user_open(struct user *u)
{
	static const u64 gdt[] = { 0, 0, 0x00af9b000000ffffull, 0x00cf93000000ffffull,
				    0x00cffb000000ffffull, 0x00cff3000000ffffull, 0x00affb000000ffffull };
	u64 rsp0 = USER_STACK_TOP;
	u16 no_bitmap = 0xffff;
	struct cpu *c;
	unsigned int i;

	memset(u, 0, sizeof(*u));
	if (native_open(&u->nat))
		abort();
	u->data = mmap((void *)(uintptr_t)USER_DATA, USER_DATA_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (u->data != (u8 *)(uintptr_t)USER_DATA)
		abort();
	u->rig = rig_new(NULL);
	u->tables = USER_TABLES + 4096;
	for (i = 0; i < 8; i++)
		user_map(u, i * 4096, i * 4096, 3);
	user_map(u, (u64)(uintptr_t)u->nat.exec, USER_CODE_GPA, 5);
	for (i = 0; i < USER_DATA_PAGES; i++)
		user_map(u, USER_DATA + 4096 * i, USER_DATA_GPA + 4096 * i, 7 | 1ull << 63);
	for (i = 0; i < 32; i++)
		user_gate(u, i);
	memcpy(u->rig->ram + USER_GDT, gdt, sizeof(gdt));
	memcpy(u->rig->ram + USER_TSS + 4, &rsp0, 8);
	memcpy(u->rig->ram + USER_TSS + 0x66, &no_bitmap, 2);
	c = u->rig->c;
	c->cr0 = X86_CR0_PE | X86_CR0_PG | X86_CR0_WP | X86_CR0_NE | X86_CR0_ET | X86_CR0_MP;
	c->cr4 = X86_CR4_PAE | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT;
	c->cr3 = USER_TABLES;
	c->efer = X86_EFER_LME | X86_EFER_LMA | X86_EFER_NXE | X86_EFER_SCE;
	c->gdt.base = USER_GDT;
	c->gdt.limit = 0x7f;
	c->idt.base = USER_IDT;
	c->idt.limit = 0xfff;
	cpu_mode_changed(c);
	cpu_tlb_flush_all(c);
}

/* Loads code for both sides; the guest's copy ends in UD2. */
static inline void user_load(struct user *u, const u8 *code, unsigned int len)
{
	u8 *page = u->rig->ram + USER_CODE_GPA;

	native_load(&u->nat, code, len);
	memset(page, 0xcc, 4096);
	if (len)
		memcpy(page + u->nat.body, code, len);
	page[u->nat.body + len] = 0x0f;
	page[u->nat.body + len + 1] = 0x0b;
	cpu_phys_written(u->rig->c, USER_CODE_GPA, 4096);
}

static inline void user_enter(struct user *u, const struct native_regs *r)
{
	struct cpu *c = u->rig->c;
	struct x86_seg tr = { .base = USER_TSS, .limit = 0x67, .sel = 0x40, .attr = 0x8b };

	user_segment(c, X86_CS, 0x33, X86_SEG_G | X86_SEG_L | X86_SEG_P | 0x60 | X86_SEG_S | 0xb);
	user_segment(c, X86_SS, 0x2b, X86_SEG_G | X86_SEG_DB | X86_SEG_P | 0x60 | X86_SEG_S | 3);
	user_segment(c, X86_DS, 0, 0);
	user_segment(c, X86_ES, 0, 0);
	user_segment(c, X86_FS, 0, 0);
	user_segment(c, X86_GS, 0, 0);
	cpu_set_seg(c, X86_TR, &tr);
	cpu_set_cpl(c, 3);
	memcpy(c->gpr, r->gpr, sizeof(r->gpr));
	cpu_set_rflags(c, r->flags);
	c->rip = (u64)(uintptr_t)u->nat.exec + u->nat.body;
	c->halted = 0;
	c->shadow = 0;
	c->shutdown = 0;
	c->cr2 = 0;
}

/*
 * Runs the loaded code in the guest, in the manner of native_run(): 0 when the end was reached, the
 * vector + 1 of an exception, -1 when neither came to pass.
 */
static inline int user_run(struct user *u, struct native_regs *r, unsigned int len)
{
	/* vectors that push an error code */
	static const u32 with_error = 1u << 8 | 1u << 10 | 1u << 11 | 1u << 12 | 1u << 13 | 1u << 14 | 1u << 17;
	struct cpu *c = u->rig->c;
	u64 frame[5];
	unsigned int vector;

	user_enter(u, r);
	if (cpu_run(c, 1000000) != CPU_EXIT_HALT || c->rip <= USER_HLT || c->rip > USER_HLT + 32)
		return -1;
	vector = (unsigned int)(c->rip - 1 - USER_HLT);
	memcpy(frame, u->rig->ram + USER_STACK_TOP - 40, 40);
	if (c->gpr[X86_RSP] != (u64)USER_STACK_TOP - 40 - (with_error >> vector & 1 ? 8 : 0))
		return -1;
	memcpy(r->gpr, c->gpr, sizeof(r->gpr));
	r->gpr[X86_RSP] = frame[3];
	r->flags = frame[2];
	r->rip = frame[0] - (u64)(uintptr_t)u->nat.exec - u->nat.body;
	r->addr = vector == X86_PF ? c->cr2 : 0;
	return vector == X86_UD && r->rip == len ? 0 : (int)vector + 1;
}

#endif

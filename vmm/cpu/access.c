// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory accesses that the inline TLB lookup does not answer: misses, page crossings, MMIO, code
 * pages, alignment checks, data breakpoints; linear and physical access for slow handlers.
 */
#include "module/x86/decode.h"
#include "vmm/cpu/debug.h"
#include "vmm/cpu/smp.h"
#include "vmm/cpu/tlb.h"
#include "vmm/cpu/uops.h"

static u64 next_lin(const struct cpu *c, u64 lin)
{
	return c->efer & X86_EFER_LMA ? lin : (u32)lin;
}

/* #AC of CPL 3 (SDM volume 3, 6.15, interrupt 17), and data breakpoints (17.2.5). */
static void check_special(struct cpu *c, const struct uop *u, u64 lin, unsigned int size,
			  bool write)
{
	unsigned int i;

	if (c->cpl == 3 && c->cr0 & X86_CR0_AM && c->rflags & X86_FL_AC && size <= 8 &&
	    lin & (size - 1)) {
		cpu_at(c, u);
		cpu_fault_err(c, X86_AC, 0);
	}
	for (i = 0; i < 4; i++) {
		unsigned int rw = c->dr[7] >> (16 + 4 * i) & 3, len = c->dr[7] >> (18 + 4 * i) & 3;
		u64 base = c->dr[i];

		if (!(c->dr[7] >> (2 * i) & 3) || !(rw & 1) || (!write && rw == 1))
			continue;
		len = len == 2 ? 8 : len + 1;
		base &= ~(u64)(len - 1);
		if (lin < base + len && base < lin + size)
			c->db_pending |= 1u << i;
	}
	if (c->debug && c->debug->nwatches)
		cpu_debug_access(c, lin, size, write);
}

static void enter(struct cpu *c, const struct uop *u, u64 lin, unsigned int size, bool write)
{
	c->fault_uop = u;
	if (c->tlb == &c->tlbs[CPU_TLB_EMPTY])
		check_special(c, u, lin, size, write);
}

/*
 * #GP of a stack access that is not canonical is #SS: operands addressed by RSP or RBP, and what
 * PUSH, POP, CALL, RET (around RSP) and LEAVE (at RBP) do on their own.
 */
static _Noreturn void raise_access(struct cpu *c, const struct uop *u, u64 lin)
{
	u64 below = c->gpr[X86_RSP] - lin;
	bool near_sp = below == 0 || below == 2 || below == 8, stack;

	if (u->am == AM_NONE)
		stack = near_sp || (u->fn == uop_leave64 && lin == c->gpr[X86_RBP]);
	else if (u->fn == uop_push64_m || u->fn == uop_push_gen_m || u->fn == uop_pop_m ||
		 u->fn == uop_call_ind_m)
		stack = near_sp || u->base == X86_RSP || u->base == X86_RBP;
	else
		stack = u->am <= AM_64X && u->seg == CPU_ZERO &&
			(u->base == X86_RSP || u->base == X86_RBP);
	if (c->fault.vector == X86_GP && stack)
		c->fault.vector = X86_SSF;
	cpu_raise(c);
}

static void translate(struct cpu *c, const struct uop *u, u64 lin, unsigned int acc, u64 *val)
{
	if (!cpu_translate_lin(c, lin, acc, val))
		return;
	if (u)
		raise_access(c, u, lin);
	cpu_raise(c);
}

/* Reads within one page. */
static void read_page(struct cpu *c, u64 gpa, const struct cpu_page *pg, void *buf, unsigned int len)
{
	u8 *to = buf;

	if (pg->hva) {
		const u8 *p = (const u8 *)pg->hva + (gpa & ~CPU_PAGE_MASK);

		switch (len) {
		case 1: *to = *p; break;
		case 2: *(u16_una *)to = *(const u16_una *)p; break;
		case 4: *(u32_una *)to = *(const u32_una *)p; break;
		case 8: *(u64_una *)to = *(const u64_una *)p; break;
		default: memcpy(buf, p, len); break;
		}
		return;
	}
	/* a device may have asked for something: come back to the run loop soon */
	c->ileft = MIN(c->ileft, (s64)0);
	while (len) {
		unsigned int n = len >= 8 ? 8 : len >= 4 ? 4 : len >= 2 ? 2 : 1;
		u64 v = c->host->mmio_read(c->host_opaque, gpa, n);

		memcpy(to, &v, n);
		to += n;
		gpa += n;
		len -= n;
	}
}

static void write_page(struct cpu *c, u64 gpa, const struct cpu_page *pg, const void *buf,
		       unsigned int len, const struct uop *u)
{
	const u8 *from = buf;

	if (pg->hva && !pg->readonly) {
		u8 *p = (u8 *)pg->hva + (gpa & ~CPU_PAGE_MASK);

		cpu_code_written(c, gpa, len, u);
		switch (len) {
		case 1: *p = *from; break;
		case 2: *(u16_una *)p = *(const u16_una *)from; break;
		case 4: *(u32_una *)p = *(const u32_una *)from; break;
		case 8: *(u64_una *)p = *(const u64_una *)from; break;
		default: memcpy(p, from, len); break;
		}
		if (c->group)
			cpu_smp_written(c, gpa, len, u);
		return;
	}
	c->ileft = MIN(c->ileft, (s64)0);
	while (len) {
		unsigned int n = len >= 8 ? 8 : len >= 4 ? 4 : len >= 2 ? 2 : 1;
		u64 v = 0;

		memcpy(&v, from, n);
		c->host->mmio_write(c->host_opaque, gpa, n, v);
		from += n;
		gpa += n;
		len -= n;
	}
}

static unsigned int in_page(u64 lin, unsigned int len)
{
	unsigned int room = CPU_PAGE_SIZE - (unsigned int)(lin & ~CPU_PAGE_MASK);

	return len < room ? len : room;
}

static u64 phys(u64 val, u64 lin)
{
	return (val & CPU_PAGE_MASK) | (lin & ~CPU_PAGE_MASK);
}

void cpu_slow_read_n(struct cpu *c, const struct uop *u, u64 lin, void *buf, unsigned int len)
{
	unsigned int n = in_page(lin, len);
	u64 lin2 = next_lin(c, lin + n), val, val2 = 0;
	struct cpu_page pg;

	enter(c, u, lin, len, false);
	translate(c, u, lin, X86_ACC_READ, &val);
	if (n < len)
		translate(c, u, lin2, X86_ACC_READ, &val2);
	cpu_host_page(c, val, false, &pg);
	if (pg.hva)
		cpu_tlb_fill(c, lin, val, false, &pg);
	read_page(c, phys(val, lin), &pg, buf, n);
	if (n < len) {
		cpu_host_page(c, val2, false, &pg);
		read_page(c, phys(val2, lin2), &pg, (u8 *)buf + n, len - n);
	}
}

void cpu_slow_write_n(struct cpu *c, const struct uop *u, u64 lin, const void *buf,
		      unsigned int len)
{
	unsigned int n = in_page(lin, len);
	u64 lin2 = next_lin(c, lin + n), val, val2 = 0;
	struct cpu_page pg;

	enter(c, u, lin, len, true);
	translate(c, u, lin, X86_ACC_WRITE, &val);
	if (n < len)
		translate(c, u, lin2, X86_ACC_WRITE, &val2);
	cpu_host_page(c, val, true, &pg);
	write_page(c, phys(val, lin), &pg, buf, n, u);
	if (pg.hva)
		cpu_tlb_fill(c, lin, val, true, &pg);
	if (n < len) {
		cpu_host_page(c, val2, true, &pg);
		write_page(c, phys(val2, lin2), &pg, (const u8 *)buf + n, len - n, u);
	}
}

u64 cpu_slow_read(struct cpu *c, const struct uop *u, u64 lin, unsigned int size)
{
	u64 v = 0;

	cpu_slow_read_n(c, u, lin, &v, size);
	return v;
}

void cpu_slow_write(struct cpu *c, const struct uop *u, u64 lin, unsigned int size, u64 val)
{
	cpu_slow_write_n(c, u, lin, &val, size);
}

void *cpu_slow_rmw(struct cpu *c, const struct uop *u, u64 lin, unsigned int size)
{
	unsigned int n = in_page(lin, size);
	struct cpu_page pg;
	u64 val, val2;

	enter(c, u, lin, size, true);
	translate(c, u, lin, X86_ACC_WRITE, &val);
	if (n < size) {
		translate(c, u, next_lin(c, lin + n), X86_ACC_WRITE, &val2);
		return NULL;
	}
	cpu_host_page(c, val, true, &pg);
	if (!pg.hva || pg.readonly)
		return NULL;
	if (c->group && !cpu_smp_writable(c, val & CPU_PAGE_MASK))
		return NULL;
	cpu_code_written(c, phys(val, lin), size, u);
	cpu_tlb_fill(c, lin, val, true, &pg);
	return (u8 *)pg.hva + (lin & ~CPU_PAGE_MASK);
}

/* -- segments -- */

static _Noreturn void seg_fault(struct cpu *c, const struct uop *u, unsigned int seg)
{
	cpu_at(c, u);
	cpu_fault_err(c, seg == X86_SS ? X86_SSF : X86_GP, 0);
}

u64 cpu_seg_lin(struct cpu *c, const struct uop *u, unsigned int seg, u64 off, unsigned int size,
		bool write)
{
	const struct x86_seg *s = &c->seg[seg];
	u64 last = off + size - 1, top;

	if (c->mode & CPU_MODE_CS64) {
		u64 lin = off + (seg >= X86_FS ? s->base : 0);

		if ((u64)((s64)(lin << 16) >> 16) != lin)
			seg_fault(c, u, seg);
		return lin;
	}
	if ((s64)last <= (write ? c->seg_wmax[seg] : c->seg_rmax[seg]))
		return (u32)(off + s->base);
	if (s->unusable)
		seg_fault(c, u, seg);
	if (c->mode & CPU_MODE_PE) {
		if (s->attr & X86_TYPE_CODE) {
			if (write || !(s->attr & X86_TYPE_W))
				seg_fault(c, u, seg);
		} else if (write && !(s->attr & X86_TYPE_W)) {
			seg_fault(c, u, seg);
		}
	}
	if (!(s->attr & X86_TYPE_CODE) && s->attr & X86_TYPE_E) {
		top = s->attr & X86_SEG_DB ? 0xffffffffu : 0xffffu;
		if (off <= s->limit || last > top)
			seg_fault(c, u, seg);
	} else if (last > s->limit) {
		/* a wrapped access of a 4 GiB segment is fine, as there is no limit to exceed */
		if (s->limit != 0xffffffffu)
			seg_fault(c, u, seg);
	}
	return (u32)(off + s->base);
}

u64 cpu_lin_seg(struct cpu *c, const struct uop *u, u64 ea, unsigned int size, bool write)
{
	if (u->flags & UOP_A16)
		ea = (u16)ea;
	else if (u->flags & UOP_A32)
		ea = (u32)ea;
	return cpu_seg_lin(c, u, u->seg, ea, size, write);
}

u64 cpu_insn_ea(struct cpu *c, const struct x86_insn *i)
{
	u64 ea = (u64)i->disp;

	if (i->base == X86_RIP)
		ea += c->insn_rip + i->len;
	else if (i->base != X86_NO_REG)
		ea += c->gpr[i->base];
	if (i->index != X86_NO_REG)
		ea += c->gpr[i->index] << i->scale;
	return i->addrsize == 2 ? (u16)ea : i->addrsize == 4 ? (u32)ea : ea;
}

u64 cpu_insn_lin(struct cpu *c, const struct x86_insn *i, unsigned int size, bool write)
{
	return cpu_seg_lin(c, c->fault_uop, i->seg, cpu_insn_ea(c, i), size, write);
}

/* -- for slow handlers and the shared code -- */

void cpu_lin_read(struct cpu *c, u64 lin, void *buf, unsigned int len)
{
	cpu_slow_read_n(c, c->fault_uop, lin, buf, len);
}

void cpu_lin_write(struct cpu *c, u64 lin, const void *buf, unsigned int len)
{
	cpu_slow_write_n(c, c->fault_uop, lin, buf, len);
}

int cpu_try_probe(struct cpu *c, u64 lin, unsigned int len, unsigned int acc)
{
	u64 val;

	while (len) {
		unsigned int n = in_page(lin, len);

		if (cpu_translate_lin(c, lin, acc, &val))
			return X86_FAULT;
		lin = next_lin(c, lin + n);
		len -= n;
	}
	return 0;
}

int cpu_try_read(struct cpu *c, u64 lin, void *buf, unsigned int len, unsigned int acc)
{
	struct cpu_page pg;
	u8 *to = buf;
	u64 val;

	while (len) {
		unsigned int n = in_page(lin, len);

		if (cpu_translate_lin(c, lin, acc, &val))
			return X86_FAULT;
		cpu_host_page(c, val, false, &pg);
		read_page(c, phys(val, lin), &pg, to, n);
		lin = next_lin(c, lin + n);
		to += n;
		len -= n;
	}
	return 0;
}

int cpu_try_write(struct cpu *c, u64 lin, const void *buf, unsigned int len, unsigned int acc)
{
	struct cpu_page pg;
	const u8 *from = buf;
	u64 val;

	if (cpu_try_probe(c, lin, len, acc | X86_ACC_WRITE))
		return X86_FAULT;
	while (len) {
		unsigned int n = in_page(lin, len);

		if (cpu_translate_lin(c, lin, acc | X86_ACC_WRITE, &val))
			return X86_FAULT;
		cpu_host_page(c, val, true, &pg);
		write_page(c, phys(val, lin), &pg, from, n, NULL);
		lin = next_lin(c, lin + n);
		from += n;
		len -= n;
	}
	return 0;
}

void cpu_phys_read(struct cpu *c, u64 gpa, void *buf, unsigned int len)
{
	struct cpu_page pg;
	u8 *to = buf;

	while (len) {
		unsigned int n = in_page(gpa, len);

		cpu_host_page(c, gpa, false, &pg);
		read_page(c, gpa & c->phys_mask, &pg, to, n);
		gpa += n;
		to += n;
		len -= n;
	}
}

void cpu_phys_write(struct cpu *c, u64 gpa, const void *buf, unsigned int len)
{
	struct cpu_page pg;
	const u8 *from = buf;

	while (len) {
		unsigned int n = in_page(gpa, len);

		cpu_host_page(c, gpa, true, &pg);
		write_page(c, gpa & c->phys_mask, &pg, from, n, NULL);
		gpa += n;
		from += n;
		len -= n;
	}
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * String instructions. A repeated one runs in pieces that stay within one page on both sides and
 * within the segment limits; registers are brought up to date after each piece, so that faults
 * and interrupts find the state that the manual promises (Intel SDM volume 2, REP).
 *
 * uop.aux is the log2 of the element size, uop.seg the source segment (enum x86_seg_reg).
 */
#include "module/x86/decode.h"
#include "module/x86/task.h"
#include "vmm/cpu/uops.h"

#define REP_ANY (UOP_REP | UOP_REPNE)

static ALWAYS_INLINE u64 amask(const struct uop *u)
{
	return u->flags & UOP_A16 ? 0xffff : u->flags & UOP_A32 ? 0xffffffffu : ~0ull;
}

static ALWAYS_INLINE void set_areg(struct cpu *c, const struct uop *u, unsigned int r, u64 v)
{
	if (u->flags & UOP_A16)
		cpu_set_r16(c, r, (u16)v);
	else
		c->gpr[r] = v & amask(u);
}

static u64 str_lin(struct cpu *c, const struct uop *u, unsigned int seg, u64 off,
		   unsigned int size, bool write)
{
	if (u->flags & UOP_LONG)
		return off + c->gpr[CPU_SEGBASE + seg];
	return cpu_seg_lin(c, u, seg, off, size, write);
}

/* Bytes from `off` on that lie in one page and in the segment; `lin` is its linear address. */
static u64 str_run(struct cpu *c, const struct uop *u, unsigned int seg, u64 off, u64 lin,
		   bool write)
{
	u64 n = CPU_PAGE_SIZE - (lin & ~CPU_PAGE_MASK);
	s64 max;

	if (u->flags & UOP_LONG)
		return n;
	max = write ? c->seg_wmax[seg] : c->seg_rmax[seg];
	if (max < (s64)off)
		return 0;
	n = MIN(n, (u64)max - off + 1);
	return MIN(n, amask(u) - off + 1);
}

/* How many elements from `off` downwards lie in one page and in the segment. */
static u64 str_run_down(struct cpu *c, const struct uop *u, unsigned int seg, u64 off, u64 lin,
			bool write)
{
	u64 n = ((lin & ~CPU_PAGE_MASK) >> u->aux) + 1;

	if (u->flags & UOP_LONG)
		return n;
	if ((write ? c->seg_wmax[seg] : c->seg_rmax[seg]) < (s64)off)
		return 0;
	return MIN(n, (off >> u->aux) + 1);
}

/* The instruction goes on later: more iterations are left and somebody wants the CPU. */
static bool str_yield(struct cpu *c, u64 done)
{
	c->ileft -= (s64)done;
	return c->ileft < 0;
}

static const struct uop *str_again(struct cpu *c, const struct uop *u)
{
	c->rip = c->gpr[CPU_RIP] + u->off;
	return NULL;
}

static u64 host_read(const void *p, unsigned int wl)
{
	switch (wl) {
	case 0: return *(const u8 *)p;
	case 1: return *(const u16_una *)p;
	case 2: return *(const u32_una *)p;
	default: return *(const u64_una *)p;
	}
}

static void host_write(void *p, unsigned int wl, u64 v)
{
	switch (wl) {
	case 0: *(u8 *)p = (u8)v; break;
	case 1: *(u16_una *)p = (u16)v; break;
	case 2: *(u32_una *)p = (u32)v; break;
	default: *(u64_una *)p = v; break;
	}
}

static u64 read_elem(struct cpu *c, const struct uop *u, u64 lin)
{
	const void *p = cpu_tlb_rd(c, lin, 1u << u->aux);

	return p ? host_read(p, u->aux) : cpu_slow_read(c, u, lin, 1u << u->aux);
}

static void write_elem(struct cpu *c, const struct uop *u, u64 lin, u64 v)
{
	void *p = cpu_tlb_wr(c, lin, 1u << u->aux);

	if (p)
		host_write(p, u->aux, v);
	else
		cpu_slow_write(c, u, lin, 1u << u->aux, v);
}

/* memcpy() one element after the other, as overlapping operands show it. */
static void copy_up(u8 *d, const u8 *s, u64 bytes, unsigned int wl)
{
	u64 i;

	if ((uintptr_t)d - (uintptr_t)s >= bytes) {
		memmove(d, s, bytes);
		return;
	}
	for (i = 0; i < bytes; i += 1u << wl)
		host_write(d + i, wl, host_read(s + i, wl));
}

/* The same from the last element downwards; `d` and `s` are where the last ones are. */
static void copy_down(u8 *d, const u8 *s, u64 bytes, unsigned int wl)
{
	u64 i, rest = bytes - (1u << wl);

	if ((uintptr_t)s - (uintptr_t)d >= bytes) {
		memmove(d - rest, s - rest, bytes);
		return;
	}
	for (i = 0; i < bytes; i += 1u << wl)
		host_write(d - i, wl, host_read(s - i, wl));
}

/* Copies as many of `cnt` elements as lie in one page on both sides; returns how many. */
static u64 movs_run(struct cpu *c, const struct uop *u, u8 *d, const u8 *s, u64 to, u64 tl, u64 so,
		    u64 sl, u64 cnt)
{
	u64 n;

	if (c->rflags & X86_FL_DF) {
		n = MIN(str_run_down(c, u, u->seg, so, sl, false),
			str_run_down(c, u, X86_ES, to, tl, true));
		n = MAX(MIN(n, cnt), 1ull);
		copy_down(d, s, n << u->aux, u->aux);
	} else {
		n = MIN(str_run(c, u, u->seg, so, sl, false),
			str_run(c, u, X86_ES, to, tl, true)) >> u->aux;
		n = MAX(MIN(n, cnt), 1ull);
		copy_up(d, s, n << u->aux, u->aux);
	}
	return n;
}

static void fill_up(u8 *d, u64 v, u64 bytes, unsigned int wl)
{
	u64 i;

	if (wl == 0 || (wl == 3 && v == 0) || v == (v & 0xff) * 0x0101010101010101ull) {
		memset(d, (int)(v & 0xff), bytes);
		return;
	}
	for (i = 0; i < bytes; i += 1u << wl)
		host_write(d + i, wl, v);
}

UOP(uop_movs)
{
	const unsigned int size = 1u << u->aux, rep = u->flags & REP_ANY;
	const bool down = c->rflags & X86_FL_DF;
	const u64 m = amask(u);
	u64 cnt = rep ? c->gpr[X86_RCX] & m : 1, n, v = 0;

	while (cnt) {
		u64 so = c->gpr[X86_RSI] & m, to = c->gpr[X86_RDI] & m;
		u64 sl = str_lin(c, u, u->seg, so, size, false);
		u64 tl = str_lin(c, u, X86_ES, to, size, true);
		u8 *s = cpu_tlb_rd(c, sl, size), *d = cpu_tlb_wr(c, tl, size);

		/* Both pages may want the same TLB entry: keep `d` over what fills it for `s`,
		 * or each would evict the other at every element. Reading RAM moves no RAM. */
		if (!s) {
			v = cpu_slow_read(c, u, sl, size);
			s = cpu_tlb_rd(c, sl, size);
		} else {
			v = host_read(s, u->aux);
		}
		n = 1;
		if (s && d && cnt > 1)
			n = movs_run(c, u, d, s, to, tl, so, sl, cnt);
		else
			write_elem(c, u, tl, v);
		set_areg(c, u, X86_RSI, down ? so - (n << u->aux) : so + (n << u->aux));
		set_areg(c, u, X86_RDI, down ? to - (n << u->aux) : to + (n << u->aux));
		if (!rep)
			break;
		cnt -= n;
		set_areg(c, u, X86_RCX, cnt);
		if (str_yield(c, 1) && cnt)
			return str_again(c, u);
	}
	NEXT(c, u);
}

UOP(uop_stos)
{
	const unsigned int size = 1u << u->aux, rep = u->flags & REP_ANY;
	const bool down = c->rflags & X86_FL_DF;
	const u64 m = amask(u);
	u64 cnt = rep ? c->gpr[X86_RCX] & m : 1, n, v = c->gpr[X86_RAX];

	if (size < 8)
		v &= (1ull << size * 8) - 1;
	while (cnt) {
		u64 to = c->gpr[X86_RDI] & m;
		u64 tl = str_lin(c, u, X86_ES, to, size, true);
		u8 *d = cpu_tlb_wr(c, tl, size);

		n = 1;
		if (d && !down && cnt > 1) {
			n = MAX(MIN(str_run(c, u, X86_ES, to, tl, true) >> u->aux, cnt), 1ull);
			fill_up(d, v, n << u->aux, u->aux);
		} else {
			write_elem(c, u, tl, v);
		}
		set_areg(c, u, X86_RDI, down ? to - size : to + (n << u->aux));
		if (!rep)
			break;
		cnt -= n;
		set_areg(c, u, X86_RCX, cnt);
		if (str_yield(c, 1) && cnt)
			return str_again(c, u);
	}
	NEXT(c, u);
}

UOP(uop_lods)
{
	const unsigned int size = 1u << u->aux, rep = u->flags & REP_ANY;
	const u64 m = amask(u), step = c->rflags & X86_FL_DF ? -(u64)size : size;
	u64 cnt = rep ? c->gpr[X86_RCX] & m : 1;

	while (cnt) {
		u64 so = c->gpr[X86_RSI] & m;
		u64 v = read_elem(c, u, str_lin(c, u, u->seg, so, size, false));

		switch (u->aux) {
		case 0: WR8(0, (u8)v); break;
		case 1: WR16(0, (u16)v); break;
		case 2: WR32(0, v); break;
		default: WR64(0, v); break;
		}
		set_areg(c, u, X86_RSI, so + step);
		if (!rep)
			break;
		set_areg(c, u, X86_RCX, --cnt);
		if (str_yield(c, 1) && cnt)
			return str_again(c, u);
	}
	NEXT(c, u);
}

static void cmp_flags(struct cpu *c, unsigned int wl, u64 a64, u64 b64)
{
	switch (wl) {
	case 0: {
		u8 a = (u8)a64, b = (u8)b64, r;
		ALU_SUB(8, a, b, r)
		break;
	}
	case 1: {
		u16 a = (u16)a64, b = (u16)b64, r;
		ALU_SUB(16, a, b, r)
		break;
	}
	case 2: {
		u32 a = (u32)a64, b = (u32)b64, r;
		ALU_SUB(32, a, b, r)
		break;
	}
	default: {
		u64 r;
		ALU_SUB(64, a64, b64, r)
		break;
	}
	}
}

/* SCAS (the accumulator against ES:DI) and CMPS (source segment:SI against ES:DI). */
static ALWAYS_INLINE const struct uop *compare(struct cpu *c, const struct uop *u, const bool cmps)
{
	const unsigned int size = 1u << u->aux, rep = u->flags & REP_ANY;
	const u64 m = amask(u), step = c->rflags & X86_FL_DF ? -(u64)size : size;
	const bool want = u->flags & UOP_REP;
	u64 cnt = rep ? c->gpr[X86_RCX] & m : 1, a = c->gpr[X86_RAX], b, left = 0, done = 0;
	const u8 *pa = NULL, *pb = NULL;

	if (!cnt)
		NEXT(c, u);
	if (size < 8)
		a &= (1ull << size * 8) - 1;
	for (;;) {
		u64 so = c->gpr[X86_RSI] & m, to = c->gpr[X86_RDI] & m;

		if (!left) {
			u64 sl = cmps ? str_lin(c, u, u->seg, so, size, false) : 0;
			u64 tl = str_lin(c, u, X86_ES, to, size, false);

			pa = cmps ? cpu_tlb_rd(c, sl, size) : NULL;
			pb = cpu_tlb_rd(c, tl, size);
			if (pb && (!cmps || pa) && step == size && cnt > 1) {
				left = str_run(c, u, X86_ES, to, tl, false);
				if (cmps)
					left = MIN(left, str_run(c, u, u->seg, so, sl, false));
				left >>= u->aux;
			}
			/* the order in which CPUs fault */
			b = read_elem(c, u, tl);
			if (cmps)
				a = read_elem(c, u, sl);
		} else {
			if (cmps)
				a = host_read(pa, u->aux);
			b = host_read(pb, u->aux);
		}
		if (left) {
			left--;
			pb += size;
			if (cmps)
				pa += size;
		}
		if (cmps)
			set_areg(c, u, X86_RSI, so + step);
		set_areg(c, u, X86_RDI, to + step);
		if (!rep)
			break;
		set_areg(c, u, X86_RCX, --cnt);
		if (!cnt || (a == b) != want)
			break;
		if ((++done & 63) == 0 && str_yield(c, 16)) {
			cmp_flags(c, u->aux, a, b);
			return str_again(c, u);
		}
	}
	cmp_flags(c, u->aux, a, b);
	NEXT(c, u);
}

UOP(uop_scas)
{
	return compare(c, u, false);
}

UOP(uop_cmps)
{
	return compare(c, u, true);
}

/* -- port strings; the block ends behind them, as devices may have changed anything -- */

static void io_check(struct cpu *c, const struct uop *u, u16 port, unsigned int size)
{
	struct x86_ctx ctx;

	cpu_at(c, u);
	if (c->cpl <= (c->rflags & X86_FL_IOPL) >> 12 && !(c->mode & CPU_MODE_VM))
		return;
	cpu_ctx_init(c, &ctx);
	if (x86_io_check(&ctx, port, size)) {
		c->fault = ctx.fault;
		cpu_at(c, u);
		cpu_raise(c);
	}
}

static const struct uop *io_done(struct cpu *c, const struct uop *u)
{
	c->rip = c->gpr[CPU_RIP] + u->off + u->len;
	if (!(u->flags & UOP_LONG))
		c->rip = (u32)c->rip;
	return NULL;
}

UOP(uop_ins)
{
	const unsigned int size = 1u << u->aux, rep = u->flags & REP_ANY;
	const u64 m = amask(u), step = c->rflags & X86_FL_DF ? -(u64)size : size;
	u64 cnt = rep ? c->gpr[X86_RCX] & m : 1;
	u16 port = (u16)c->gpr[X86_RDX];

	io_check(c, u, port, size);
	while (cnt) {
		u64 to = c->gpr[X86_RDI] & m;
		u64 tl = str_lin(c, u, X86_ES, to, size, true);

		if (!cpu_tlb_wr(c, tl, size))
			cpu_slow_rmw(c, u, tl, size);
		write_elem(c, u, tl, c->host->pio_in(c->host_opaque, port, size));
		set_areg(c, u, X86_RDI, to + step);
		if (!rep)
			break;
		set_areg(c, u, X86_RCX, --cnt);
		if (str_yield(c, 4) && cnt)
			return str_again(c, u);
	}
	return io_done(c, u);
}

UOP(uop_outs)
{
	const unsigned int size = 1u << u->aux, rep = u->flags & REP_ANY;
	const u64 m = amask(u), step = c->rflags & X86_FL_DF ? -(u64)size : size;
	u64 cnt = rep ? c->gpr[X86_RCX] & m : 1;
	u16 port = (u16)c->gpr[X86_RDX];

	io_check(c, u, port, size);
	while (cnt) {
		u64 so = c->gpr[X86_RSI] & m;
		u64 v = read_elem(c, u, str_lin(c, u, u->seg, so, size, false));

		c->host->pio_out(c->host_opaque, port, size, (u32)v);
		set_areg(c, u, X86_RSI, so + step);
		if (!rep)
			break;
		set_areg(c, u, X86_RCX, --cnt);
		if (str_yield(c, 4) && cnt)
			return str_again(c, u);
	}
	return io_done(c, u);
}

/* IN and OUT; imm: the port, or aux bit 7: it is DX */
UOP(uop_in)
{
	const unsigned int wl = u->aux & 3;
	u16 port = u->aux & 0x80 ? (u16)c->gpr[X86_RDX] : (u16)u->imm;
	u32 v;

	io_check(c, u, port, 1u << wl);
	v = c->host->pio_in(c->host_opaque, port, 1u << wl);
	if (wl == 0)
		WR8(0, (u8)v);
	else if (wl == 1)
		WR16(0, (u16)v);
	else
		WR32(0, v);
	c->ileft--;
	return io_done(c, u);
}

UOP(uop_out)
{
	const unsigned int wl = u->aux & 3;
	u16 port = u->aux & 0x80 ? (u16)c->gpr[X86_RDX] : (u16)u->imm;
	u32 v = (u32)c->gpr[X86_RAX];

	io_check(c, u, port, 1u << wl);
	if (wl < 2)
		v &= (1u << (8u << wl)) - 1;
	c->host->pio_out(c->host_opaque, port, 1u << wl, v);
	c->ileft--;
	return io_done(c, u);
}

uop_fn uop_string_find(const struct x86_insn *i, struct uop *u)
{
	u->aux = (u8)__builtin_ctz(i->opsize);
	u->seg = i->seg;
	switch (i->op) {
	case X86_OP_MOVS: return uop_movs;
	case X86_OP_STOS: return uop_stos;
	case X86_OP_LODS: return uop_lods;
	case X86_OP_SCAS: return uop_scas;
	case X86_OP_CMPS: return uop_cmps;
	case X86_OP_INS: return uop_ins;
	case X86_OP_OUTS: return uop_outs;
	case X86_OP_IN:
	case X86_OP_OUT:
		if (i->form == X86_FORM_NONE)
			u->aux |= 0x80;
		return i->op == X86_OP_IN ? uop_in : uop_out;
	default: return NULL;
	}
}

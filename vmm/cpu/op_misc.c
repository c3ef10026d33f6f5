// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Integer instructions that need no function per addressing mode: multiplication and division,
 * bit operations, CMPXCHG, conversions, flag instructions, BMI, decimal adjustments.
 * Semantics: Intel SDM volume 2; flags that the manual leaves undefined are what current processors do.
 */
#include "module/x86/decode.h"
#include "vmm/cpu/shift.h"
#include "vmm/cpu/uops.h"

/* The r/m operand of a width: register rm or memory. */
#define RM_READ(w)                                                                                 \
	static ALWAYS_INLINE u##w rm_read##w(struct cpu *c, const struct uop *u)                   \
	{                                                                                          \
		return u->am == AM_NONE ? RD##w(u->rm) : cpu_load##w(c, u);                        \
	}
RM_READ(8)
RM_READ(16)
RM_READ(32)
RM_READ(64)

/* -- multiplication and division -- */

#define DEF_IMUL(w, wide)                                                                          \
	static ALWAYS_INLINE u##w imul_flags##w(struct cpu *c, s##w a, s##w b)                     \
	{                                                                                          \
		wide p = (wide)a * b;                                                              \
		u32 of = p != (s##w)p;                                                             \
		fl_cfof##w(c, (u##w)p, of, of);                                                    \
		return (u##w)p;                                                                    \
	}                                                                                          \
	static UOP(imul_rr##w)                                                                     \
	{                                                                                          \
		u##w v = rm_read##w(c, u);                                                         \
		WR##w(u->reg, imul_flags##w(c, (s##w)RD##w(u->reg), (s##w)v));                     \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(imul_rri##w)                                                                    \
	{                                                                                          \
		u##w v = rm_read##w(c, u);                                                         \
		WR##w(u->reg, imul_flags##w(c, (s##w)v, (s##w)u->imm));                            \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(imul##w)                                                                        \
	{                                                                                          \
		wide p = (wide)(s##w)RD##w(0) * (s##w)rm_read##w(c, u);                            \
		u32 of = p != (s##w)p;                                                             \
		WR##w(X86_RAX, (u##w)p);                                                           \
		WR##w(X86_RDX, (u##w)(p >> w));                                                    \
		fl_cfof##w(c, (u##w)p, of, of);                                                    \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(mul##w)                                                                         \
	{                                                                                          \
		u##wide p = (u##wide)RD##w(0) * rm_read##w(c, u);                                  \
		u32 of = (p >> w) != 0;                                                            \
		WR##w(X86_RAX, (u##w)p);                                                           \
		WR##w(X86_RDX, (u##w)(p >> w));                                                    \
		fl_cfof##w(c, (u##w)p, of, of);                                                    \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(div##w)                                                                         \
	{                                                                                          \
		u##w d = rm_read##w(c, u);                                                         \
		u##wide n = (u##wide)RD##w(X86_RDX) << w | RD##w(X86_RAX);                         \
		if (unlikely(RD##w(X86_RDX) >= d)) {                                               \
			cpu_at(c, u);                                                              \
			cpu_fault(c, X86_DE);                                                      \
		}                                                                                  \
		WR##w(X86_RAX, (u##w)(n / d));                                                     \
		WR##w(X86_RDX, (u##w)(n % d));                                                     \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(idiv##w)                                                                        \
	{                                                                                          \
		s##w d = (s##w)rm_read##w(c, u);                                                   \
		wide n = (wide)((u##wide)RD##w(X86_RDX) << w | RD##w(X86_RAX)), q = 0;             \
		/* the most negative dividend by -1 would trap in the host too */                  \
		bool bad = d == 0 || (d == -1 && n == (wide)((u##wide)1 << (2 * w - 1)));          \
		if (!bad) {                                                                        \
			q = n / d;                                                                 \
			bad = q != (s##w)q;                                                        \
		}                                                                                  \
		if (unlikely(bad)) {                                                               \
			cpu_at(c, u);                                                              \
			cpu_fault(c, X86_DE);                                                      \
		}                                                                                  \
		WR##w(X86_RAX, (u##w)q);                                                           \
		WR##w(X86_RDX, (u##w)(n % d));                                                     \
		NEXT(c, u);                                                                        \
	}
typedef __int128 s128;
typedef unsigned __int128 u128;
typedef u128 us128;
typedef u32 us32;
typedef u64 us64;
DEF_IMUL(16, s32)
DEF_IMUL(32, s64)
DEF_IMUL(64, s128)

static UOP(mul8)
{
	u16 p = (u16)((u8)c->gpr[0] * rm_read8(c, u));
	u32 of = p > 0xff;

	WR16(0, p);
	fl_cfof8(c, (u8)p, of, of);
	NEXT(c, u);
}

static UOP(imul8)
{
	s16 p = (s16)((s8)c->gpr[0] * (s8)rm_read8(c, u));
	u32 of = p != (s8)p;

	WR16(0, (u16)p);
	fl_cfof8(c, (u8)p, of, of);
	NEXT(c, u);
}

static UOP(div8)
{
	unsigned int d = rm_read8(c, u), n = (u16)c->gpr[0];

	if (d == 0 || n / d > 0xff) {
		cpu_at(c, u);
		cpu_fault(c, X86_DE);
	}
	WR16(0, (u16)((n % d) << 8 | n / d));
	NEXT(c, u);
}

static UOP(idiv8)
{
	int d = (s8)rm_read8(c, u), n = (s16)c->gpr[0];

	if (d == 0 || n / d != (s8)(n / d)) {
		cpu_at(c, u);
		cpu_fault(c, X86_DE);
	}
	WR16(0, (u16)((u8)(n % d) << 8 | (u8)(n / d)));
	NEXT(c, u);
}

/* -- bits -- */

#define DEF_BITS(w)                                                                                \
	static UOP(bt_i##w)                                                                        \
	{                                                                                          \
		fl_set_cf(c, (u32)(rm_read##w(c, u) >> (u->imm & (w - 1))) & 1);                   \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(bt_rr##w)                                                                       \
	{                                                                                          \
		fl_set_cf(c, (u32)(RD##w(u->rm) >> (RD##w(u->reg) & (w - 1))) & 1);                \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(bt_mr##w)                                                                       \
	{                                                                                          \
		u##w n = RD##w(u->reg);                                                            \
		u64 ea = cpu_ea(c, u) + (u64)((s64)(s##w)n >> __builtin_ctz(w)) * (w / 8), lin;    \
		if (u->am <= AM_64X)                                                               \
			lin = ea + c->gpr[u->seg];                                                 \
		else if (u->am == AM_32)                                                           \
			lin = (u32)(ea + c->gpr[u->seg]);                                          \
		else                                                                               \
			lin = cpu_lin_seg(c, u, ea, w / 8, false);                                 \
		fl_set_cf(c, (u32)(cpu_rd##w(c, u, lin) >> (n & (w - 1))) & 1);                    \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	/* BTS, BTR, BTC of a register; aux: enum rmw_op, RMW_REG: the bit's number is in reg */   \
	static UOP(btx_r##w)                                                                       \
	{                                                                                          \
		u64 n = (u->aux & RMW_REG ? c->gpr[u->reg] : u->imm) & (w - 1);                    \
		u##w a = RD##w(u->rm), bit = (u##w)((u##w)1 << n);                                 \
		fl_set_cf(c, (a & bit) != 0);                                                      \
		switch (u->aux & 0x3f) {                                                           \
		case RMW_BTS: a |= bit; break;                                                     \
		case RMW_BTR: a &= (u##w)~bit; break;                                              \
		default: a ^= bit; break;                                                          \
		}                                                                                  \
		WR##w(u->rm, a);                                                                   \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	/* source 0: the destination stays, ZF is set */                                           \
	static UOP(bsf##w)                                                                         \
	{                                                                                          \
		u64 v = rm_read##w(c, u);                                                          \
		fl_logic64(c, v);                                                                  \
		if (v)                                                                             \
			WR##w(u->reg, (u##w)__builtin_ctzll(v));                                   \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(bsr##w)                                                                         \
	{                                                                                          \
		u64 v = rm_read##w(c, u);                                                          \
		fl_logic64(c, v);                                                                  \
		if (v)                                                                             \
			WR##w(u->reg, (u##w)(63 - __builtin_clzll(v)));                            \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(tzcnt##w)                                                                       \
	{                                                                                          \
		u64 v = rm_read##w(c, u);                                                          \
		u##w r = v ? (u##w)__builtin_ctzll(v) : w;                                         \
		fl_cfof##w(c, r, v == 0, 0);                                                       \
		WR##w(u->reg, r);                                                                  \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(lzcnt##w)                                                                       \
	{                                                                                          \
		u64 v = rm_read##w(c, u);                                                          \
		u##w r = v ? (u##w)(__builtin_clzll(v) - (64 - w)) : w;                            \
		fl_cfof##w(c, r, v == 0, 0);                                                       \
		WR##w(u->reg, r);                                                                  \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(popcnt##w)                                                                      \
	{                                                                                          \
		u64 v = rm_read##w(c, u);                                                          \
		WR##w(u->reg, (u##w)__builtin_popcountll(v));                                      \
		fl_unpack(c, v ? 0 : X86_FL_ZF);                                                   \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(shxd_r##w) /* SHLD, SHRD; aux as in uop_rmw_m */                                \
	{                                                                                          \
		unsigned int n = (u->aux & RMW_CL ? (unsigned int)c->gpr[X86_RCX]                  \
						  : (unsigned int)u->imm) & SH_MASK(w);            \
		u##w r = (u->aux & 0x3f) == RMW_SHLD                                               \
				 ? sh_shld##w(c, RD##w(u->rm), RD##w(u->reg), n)                   \
				 : sh_shrd##w(c, RD##w(u->rm), RD##w(u->reg), n);                  \
		WR##w(u->rm, r);                                                                   \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(movbe_rm##w)                                                                    \
	{                                                                                          \
		WR##w(u->reg, __builtin_bswap##w(cpu_load##w(c, u)));                              \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(movbe_mr##w)                                                                    \
	{                                                                                          \
		cpu_store##w(c, u, __builtin_bswap##w(RD##w(u->reg)));                             \
		NEXT(c, u);                                                                        \
	}
DEF_BITS(16)
DEF_BITS(32)
DEF_BITS(64)

static UOP(bswap16)
{
	WR16(u->rm, 0); /* undefined; processors clear the register's low half */
	NEXT(c, u);
}

static UOP(bswap32)
{
	WR32(u->rm, __builtin_bswap32(RD32(u->rm)));
	NEXT(c, u);
}

static UOP(bswap64)
{
	WR64(u->rm, __builtin_bswap64(RD64(u->rm)));
	NEXT(c, u);
}

/* -- compare and exchange, exchange and add of registers -- */

#define DEF_CMPXCHG(w)                                                                             \
	static UOP(cmpxchg_r##w)                                                                   \
	{                                                                                          \
		u##w a = RD##w(0), b = RD##w(u->rm), r;                                            \
		ALU_SUB(w, a, b, r)                                                                \
		if (r == 0)                                                                        \
			WR##w(u->rm, RD##w(u->reg));                                               \
		else                                                                               \
			WR##w(0, b);                                                               \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	/* always locked: nobody uses it for anything else */                                      \
	static UOP(cmpxchg_m##w)                                                                   \
	{                                                                                          \
		u64 lin = cpu_lin(c, u, w / 8, true);                                              \
		u##w##_una *p = cpu_tlb_wr(c, lin, w / 8);                                         \
		u##w a = RD##w(0), b = a, r;                                                       \
		if (unlikely(!p))                                                                  \
			p = cpu_slow_rmw(c, u, lin, w / 8);                                        \
		if (likely(p)) {                                                                   \
			__atomic_compare_exchange_n((u##w *)(uintptr_t)p, &b, RD##w(u->reg),       \
						    false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);    \
		} else {                                                                           \
			b = (u##w)cpu_slow_read(c, u, lin, w / 8);                                 \
			cpu_slow_write(c, u, lin, w / 8, b == a ? RD##w(u->reg) : b);              \
		}                                                                                  \
		ALU_SUB(w, a, b, r)                                                                \
		if (r)                                                                             \
			WR##w(0, b);                                                               \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(xadd_r##w)                                                                      \
	{                                                                                          \
		u##w a = RD##w(u->rm), b = RD##w(u->reg), r;                                       \
		ALU_ADD(w, a, b, r)                                                                \
		WR##w(u->reg, a);                                                                  \
		WR##w(u->rm, r);                                                                   \
		NEXT(c, u);                                                                        \
	}
DEF_CMPXCHG(8)
DEF_CMPXCHG(16)
DEF_CMPXCHG(32)
DEF_CMPXCHG(64)

static void set_zf(struct cpu *c, bool zf)
{
	fl_unpack(c, (fl_pack(c) & ~X86_FL_ZF) | (zf ? X86_FL_ZF : 0));
}

static UOP(cmpxchg8b)
{
	u64 lin = cpu_lin(c, u, 8, true);
	u64_una *p = cpu_tlb_wr(c, lin, 8);
	u64 want = (u64)(u32)c->gpr[X86_RDX] << 32 | (u32)c->gpr[X86_RAX], have = want;
	u64 new = (u64)(u32)c->gpr[X86_RCX] << 32 | (u32)c->gpr[X86_RBX];

	if (!p)
		p = cpu_slow_rmw(c, u, lin, 8);
	if (p) {
		__atomic_compare_exchange_n((u64 *)(uintptr_t)p, &have, new, false,
					    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	} else {
		have = cpu_slow_read(c, u, lin, 8);
		cpu_slow_write(c, u, lin, 8, have == want ? new : have);
	}
	set_zf(c, have == want);
	if (have != want) {
		WR32(X86_RAX, have);
		WR32(X86_RDX, have >> 32);
	}
	NEXT(c, u);
}

/* CMPXCHG16B of the host, which every x86-64 host but the first ones has. */
static bool host_cas16(void *p, u64 *lo, u64 *hi, u64 new_lo, u64 new_hi)
{
#ifdef __x86_64__
	bool ok;

	__asm__ volatile("lock cmpxchg16b %1"
			 : "=@ccz"(ok), "+m"(*(unsigned __int128 *)p), "+a"(*lo), "+d"(*hi)
			 : "b"(new_lo), "c"(new_hi)
			 : "memory");
	return ok;
#else
	u64 *q = p;
	bool ok = q[0] == *lo && q[1] == *hi;

	if (ok) {
		q[0] = new_lo;
		q[1] = new_hi;
	} else {
		*lo = q[0];
		*hi = q[1];
	}
	return ok;
#endif
}

static UOP(cmpxchg16b)
{
	u64 lin = cpu_lin(c, u, 16, true), lo = c->gpr[X86_RAX], hi = c->gpr[X86_RDX], v[2];
	void *p;
	bool same;

	if (lin & 15) {
		cpu_at(c, u);
		cpu_fault_err(c, X86_GP, 0);
	}
	p = cpu_tlb_wr(c, lin, 16);
	if (!p)
		p = cpu_slow_rmw(c, u, lin, 16);
	if (p) {
		same = host_cas16(p, &lo, &hi, c->gpr[X86_RBX], c->gpr[X86_RCX]);
	} else {
		cpu_slow_read_n(c, u, lin, v, 16);
		same = v[0] == lo && v[1] == hi;
		lo = v[0];
		hi = v[1];
		if (same) {
			v[0] = c->gpr[X86_RBX];
			v[1] = c->gpr[X86_RCX];
		}
		cpu_slow_write_n(c, u, lin, v, 16);
	}
	set_zf(c, same);
	if (!same) {
		c->gpr[X86_RAX] = lo;
		c->gpr[X86_RDX] = hi;
	}
	NEXT(c, u);
}

/* -- conversions and flags -- */

static UOP(cbw16) { WR16(0, (u16)(s8)c->gpr[0]); NEXT(c, u); }
static UOP(cbw32) { WR32(0, (u32)(s16)c->gpr[0]); NEXT(c, u); }
static UOP(cbw64) { WR64(0, (u64)(s64)(s32)c->gpr[0]); NEXT(c, u); }
static UOP(cwd16) { WR16(2, (u16)((s16)c->gpr[0] >> 15)); NEXT(c, u); }
static UOP(cwd32) { WR32(2, (u32)((s32)c->gpr[0] >> 31)); NEXT(c, u); }
static UOP(cwd64) { WR64(2, (u64)((s64)c->gpr[0] >> 63)); NEXT(c, u); }
static UOP(clc) { fl_set_cf(c, 0); NEXT(c, u); }
static UOP(stc) { fl_set_cf(c, 1); NEXT(c, u); }
static UOP(cmc) { fl_set_cf(c, fl_cf(c) ^ 1); NEXT(c, u); }
static UOP(cld) { c->rflags &= ~(u64)X86_FL_DF; NEXT(c, u); }
static UOP(std) { c->rflags |= X86_FL_DF; NEXT(c, u); }
static UOP(salc) { WR8(0, fl_cf(c) ? 0xff : 0); NEXT(c, u); }
static UOP(lahf) { WR8(1, (u8)(fl_pack(c) | X86_FL_ONE)); NEXT(c, u); }

static UOP(sahf)
{
	u32 fl = (u32)*cpu_r8(c, 1) & ~X86_FL_OF;

	fl_unpack(c, (fl & (X86_FL_ARITH & 0xff)) | (fl_of(c) ? X86_FL_OF : 0));
	NEXT(c, u);
}

/* seg: enum x86_seg_reg */
static UOP(xlat)
{
	u64 ea = c->gpr[X86_RBX] + (u8)c->gpr[X86_RAX];

	if (u->flags & UOP_A16)
		ea = (u16)ea;
	else if (u->flags & UOP_A32)
		ea = (u32)ea;
	WR8(0, cpu_rd8(c, u, cpu_seg_lin(c, u, u->seg, ea, 1, false)));
	NEXT(c, u);
}

/* CLI and STI: #GP(0) where IOPL forbids it; CPL 3 and virtual-8086 mode have slow handlers. */
static void if_check(struct cpu *c, const struct uop *u)
{
	if (c->cpl > (c->rflags & X86_FL_IOPL) >> 12) {
		cpu_at(c, u);
		cpu_fault_err(c, X86_GP, 0);
	}
}

/* With an interrupt waiting STI leaves the block, so that it is taken after one more instruction. */
static UOP(sti_check)
{
	if_check(c, u);
	if (c->rflags & X86_FL_IF)
		NEXT(c, u);
	c->rflags |= X86_FL_IF;
	if (!atomic_load_explicit(&c->requests, memory_order_relaxed))
		NEXT(c, u);
	c->shadow = CPU_SHADOW_STI;
	c->rip = c->gpr[CPU_RIP] + u->off + u->len;
	return NULL;
}

static UOP(cli_check)
{
	if_check(c, u);
	c->rflags &= ~(u64)X86_FL_IF;
	NEXT(c, u);
}

/* -- decimal -- */

/* Flags of a decimal adjustment: result flags of AL, CF and AF given. */
static void decimal_flags(struct cpu *c, u8 al, bool cf, bool af)
{
	fl_cfof8(c, al, cf, 0);
	c->lf.x |= af ? X86_FL_AF : 0;
}

static UOP(daa)
{
	u8 al = (u8)c->gpr[0], old = al;
	bool cf = fl_cf(c), af = (al & 15) > 9 || fl_af(c), high = old > 0x99 || cf;

	if (af)
		al += 6;
	if (high)
		al += 0x60;
	WR8(0, al);
	decimal_flags(c, al, high, af);
	NEXT(c, u);
}

static UOP(das)
{
	u8 al = (u8)c->gpr[0], old = al;
	bool cf = fl_cf(c), af = (al & 15) > 9 || fl_af(c), high = old > 0x99 || cf;
	bool borrow = cf;

	if (af) {
		borrow = cf || al < 6;
		al -= 6;
	}
	if (high) {
		al -= 0x60;
		borrow = true;
	}
	WR8(0, al);
	decimal_flags(c, al, borrow, af);
	NEXT(c, u);
}

static UOP(aaa)
{
	bool adj = (c->gpr[0] & 15) > 9 || fl_af(c);
	u16 ax = (u16)c->gpr[0];

	if (adj)
		ax += 0x106;
	ax &= 0xff0f;
	WR16(0, ax);
	decimal_flags(c, (u8)ax, adj, adj);
	NEXT(c, u);
}

static UOP(aas)
{
	bool adj = (c->gpr[0] & 15) > 9 || fl_af(c);
	u16 ax = (u16)c->gpr[0];

	if (adj)
		ax -= 0x106;
	ax &= 0xff0f;
	WR16(0, ax);
	decimal_flags(c, (u8)ax, adj, adj);
	NEXT(c, u);
}

static UOP(aam)
{
	u8 al = (u8)c->gpr[0], base = (u8)u->imm;

	if (!base) {
		cpu_at(c, u);
		cpu_fault(c, X86_DE);
	}
	WR16(0, (u16)((al / base) << 8 | al % base));
	fl_logic8(c, al % base);
	NEXT(c, u);
}

static UOP(aad)
{
	u8 al = (u8)((u8)c->gpr[0] + (u8)(c->gpr[0] >> 8) * (u8)u->imm);

	WR16(0, al);
	fl_logic8(c, al);
	NEXT(c, u);
}

/* -- BMI, ADX, CRC32; aux of VEX forms: the vvvv register -- */

#define DEF_BMI(w)                                                                                 \
	static UOP(andn##w)                                                                        \
	{                                                                                          \
		u##w r = (u##w)(~RD##w(u->aux) & rm_read##w(c, u));                                \
		fl_logic##w(c, r);                                                                 \
		WR##w(u->reg, r);                                                                  \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(bextr##w)                                                                       \
	{                                                                                          \
		u##w v = rm_read##w(c, u), r;                                                      \
		unsigned int start = (u8)c->gpr[u->aux], len = (u8)(c->gpr[u->aux] >> 8);          \
		r = start < w ? (u##w)(v >> start) : 0;                                            \
		if (len < w)                                                                       \
			r &= (u##w)(((u##w)1 << len) - 1);                                         \
		fl_logic##w(c, r);                                                                 \
		WR##w(u->reg, r);                                                                  \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(blsi##w)                                                                        \
	{                                                                                          \
		u##w v = rm_read##w(c, u), r = (u##w)(v & -v);                                     \
		fl_cfof##w(c, r, v != 0, 0);                                                       \
		WR##w(u->aux, r);                                                                  \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(blsmsk##w)                                                                      \
	{                                                                                          \
		u##w v = rm_read##w(c, u), r = (u##w)(v ^ (v - 1));                                \
		fl_cfof##w(c, r, v == 0, 0);                                                       \
		WR##w(u->aux, r);                                                                  \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(blsr##w)                                                                        \
	{                                                                                          \
		u##w v = rm_read##w(c, u), r = (u##w)(v & (v - 1));                                \
		fl_cfof##w(c, r, v == 0, 0);                                                       \
		WR##w(u->aux, r);                                                                  \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(bzhi##w)                                                                        \
	{                                                                                          \
		u##w r = rm_read##w(c, u);                                                         \
		unsigned int n = (u8)c->gpr[u->aux];                                               \
		if (n < w)                                                                         \
			r &= (u##w)(((u##w)1 << n) - 1);                                           \
		fl_cfof##w(c, r, n >= w, 0);                                                       \
		WR##w(u->reg, r);                                                                  \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(pdep##w)                                                                        \
	{                                                                                          \
		u##w mask = rm_read##w(c, u), src = RD##w(u->aux), r = 0;                          \
		for (; mask; mask &= mask - 1, src >>= 1)                                          \
			if (src & 1)                                                               \
				r |= mask & -mask;                                                 \
		WR##w(u->reg, r);                                                                  \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(pext##w)                                                                        \
	{                                                                                          \
		u##w mask = rm_read##w(c, u), src = RD##w(u->aux), r = 0, bit = 1;                 \
		for (; mask; mask &= mask - 1, bit <<= 1)                                          \
			if (src & mask & -mask)                                                    \
				r |= bit;                                                          \
		WR##w(u->reg, r);                                                                  \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(rorx##w)                                                                        \
	{                                                                                          \
		u##w v = rm_read##w(c, u);                                                         \
		unsigned int n = u->imm & (w - 1);                                                 \
		WR##w(u->reg, n ? (u##w)(v >> n | v << (w - n)) : v);                              \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(sarx##w)                                                                        \
	{                                                                                          \
		s##w v = (s##w)rm_read##w(c, u);                                                   \
		WR##w(u->reg, (u##w)(v >> (c->gpr[u->aux] & (w - 1))));                            \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(shlx##w)                                                                        \
	{                                                                                          \
		u##w v = rm_read##w(c, u);                                                         \
		WR##w(u->reg, (u##w)(v << (c->gpr[u->aux] & (w - 1))));                            \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(shrx##w)                                                                        \
	{                                                                                          \
		u##w v = rm_read##w(c, u);                                                         \
		WR##w(u->reg, (u##w)(v >> (c->gpr[u->aux] & (w - 1))));                            \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(adcx##w)                                                                        \
	{                                                                                          \
		u##w a = RD##w(u->reg), b = rm_read##w(c, u);                                      \
		u32 ci = fl_cf(c);                                                                 \
		u##w r = (u##w)(a + b + ci);                                                       \
		fl_set_cf(c, ci ? r <= a : r < a);                                                 \
		WR##w(u->reg, r);                                                                  \
		NEXT(c, u);                                                                        \
	}                                                                                          \
	static UOP(adox##w)                                                                        \
	{                                                                                          \
		u##w a = RD##w(u->reg), b = rm_read##w(c, u);                                      \
		u32 ci = fl_of(c);                                                                 \
		u##w r = (u##w)(a + b + ci);                                                       \
		fl_set_cfof(c, fl_cf(c), ci ? r <= a : r < a);                                     \
		WR##w(u->reg, r);                                                                  \
		NEXT(c, u);                                                                        \
	}
DEF_BMI(32)
DEF_BMI(64)

static UOP(mulx32)
{
	u64 p = (u64)RD32(X86_RDX) * rm_read32(c, u);

	WR32(u->aux, p);
	WR32(u->reg, p >> 32);
	NEXT(c, u);
}

static UOP(mulx64)
{
	u128 p = (u128)c->gpr[X86_RDX] * rm_read64(c, u);

	c->gpr[u->aux] = (u64)p;
	c->gpr[u->reg] = (u64)(p >> 64);
	NEXT(c, u);
}

/* CRC-32C, reflected polynomial 82F63B78h. */
static u32 crc32c(u32 crc, u64 v, unsigned int bytes)
{
	unsigned int i;

	for (; bytes; bytes--, v >>= 8) {
		crc ^= (u8)v;
		for (i = 0; i < 8; i++)
			crc = crc >> 1 ^ (0x82f63b78u & -(crc & 1));
	}
	return crc;
}

/* aux: source bytes; an 8-bit source register is a byte offset in rm */
static UOP(crc32)
{
	u64 v;

	switch (u->aux) {
	case 1: v = rm_read8(c, u); break;
	case 2: v = rm_read16(c, u); break;
	case 4: v = rm_read32(c, u); break;
	default: v = rm_read64(c, u); break;
	}
	WR32(u->reg, crc32c(RD32(u->reg), v, u->aux));
	NEXT(c, u);
}

/* MOV r/m,Sreg: a register gets the operand size, memory 16 bits. */
static UOP(mov_from_sreg)
{
	u16 sel = c->seg[u->reg].sel;

	if (u->am != AM_NONE)
		cpu_store16(c, u, sel);
	else if (u->flags & UOP_O16)
		WR16(u->rm, sel);
	else
		c->gpr[u->rm] = sel;
	NEXT(c, u);
}

/* -- which handler -- */

#define PICK3(n) pick3(i, n##16, n##32, n##64)

static uop_fn pick3(const struct x86_insn *i, uop_fn w16, uop_fn w32, uop_fn w64)
{
	return i->opsize == 2 ? w16 : i->opsize == 8 ? w64 : w32;
}

static uop_fn pick4(const struct x86_insn *i, uop_fn w8, uop_fn w16, uop_fn w32, uop_fn w64)
{
	return i->opsize == 1 ? w8 : pick3(i, w16, w32, w64);
}

static uop_fn find_vex(const struct x86_insn *i, struct uop *u)
{
	bool q = i->opsize == 8;

	u->aux = i->vvvv;
	switch (i->op) {
	case X86_OP_ANDN: return q ? andn64 : andn32;
	case X86_OP_BEXTR: return q ? bextr64 : bextr32;
	case X86_OP_BLSI: return q ? blsi64 : blsi32;
	case X86_OP_BLSMSK: return q ? blsmsk64 : blsmsk32;
	case X86_OP_BLSR: return q ? blsr64 : blsr32;
	case X86_OP_BZHI: return q ? bzhi64 : bzhi32;
	case X86_OP_MULX: return q ? mulx64 : mulx32;
	case X86_OP_PDEP: return q ? pdep64 : pdep32;
	case X86_OP_PEXT: return q ? pext64 : pext32;
	case X86_OP_RORX: return q ? rorx64 : rorx32;
	case X86_OP_SARX: return q ? sarx64 : sarx32;
	case X86_OP_SHLX: return q ? shlx64 : shlx32;
	case X86_OP_SHRX: return q ? shrx64 : shrx32;
	case X86_OP_ADCX: return q ? adcx64 : adcx32;
	case X86_OP_ADOX: return q ? adox64 : adox32;
	default: return NULL;
	}
}

static uop_fn find_flag(const struct x86_insn *i, struct uop *u)
{
	switch (i->op) {
	case X86_OP_CLC: return clc;
	case X86_OP_STC: return stc;
	case X86_OP_CMC: return cmc;
	case X86_OP_CLD: return cld;
	case X86_OP_STD: return std;
	case X86_OP_SALC: return salc;
	case X86_OP_LAHF: return lahf;
	case X86_OP_SAHF: return sahf;
	case X86_OP_DAA: return daa;
	case X86_OP_DAS: return das;
	case X86_OP_AAA: return aaa;
	case X86_OP_AAS: return aas;
	case X86_OP_AAM: return aam;
	case X86_OP_AAD: return aad;
	default: return NULL;
	}
}

static uop_fn find_bits(const struct x86_insn *i, struct uop *u)
{
	bool reg_bit = i->form == X86_FORM_RM_R;

	switch (i->op) {
	case X86_OP_BT:
		if (!reg_bit)
			return PICK3(bt_i);
		return i->mod == 3 ? PICK3(bt_rr) : PICK3(bt_mr);
	case X86_OP_BTS:
	case X86_OP_BTR:
	case X86_OP_BTC:
		u->aux = (u8)((i->op == X86_OP_BTS ? RMW_BTS : i->op == X86_OP_BTR ? RMW_BTR : RMW_BTC) |
			      (reg_bit ? RMW_REG : 0));
		if (i->mod == 3)
			return PICK3(btx_r);
		return uop_rmw_m[__builtin_ctz(i->opsize)];
	case X86_OP_BSF: return PICK3(bsf);
	case X86_OP_BSR: return PICK3(bsr);
	case X86_OP_TZCNT: return PICK3(tzcnt);
	case X86_OP_LZCNT: return PICK3(lzcnt);
	case X86_OP_POPCNT: return PICK3(popcnt);
	case X86_OP_BSWAP: return PICK3(bswap);
	case X86_OP_SHLD:
	case X86_OP_SHRD:
		u->aux = (u8)((i->op == X86_OP_SHLD ? RMW_SHLD : RMW_SHRD) |
			      (i->form == X86_FORM_RM_R_CL ? RMW_CL : 0));
		return i->mod == 3 ? PICK3(shxd_r) : uop_rmw_m[__builtin_ctz(i->opsize)];
	default: return NULL;
	}
}

uop_fn uop_misc_find(const struct x86_insn *i, struct uop *u, const struct cpu *c)
{
	uop_fn f;

	switch (i->op) {
	case X86_OP_MUL: return pick4(i, mul8, mul16, mul32, mul64);
	case X86_OP_DIV: return pick4(i, div8, div16, div32, div64);
	case X86_OP_IDIV: return pick4(i, idiv8, idiv16, idiv32, idiv64);
	case X86_OP_IMUL:
		if (i->form == X86_FORM_R_RM)
			return PICK3(imul_rr);
		if (i->form == X86_FORM_R_RM_IMM)
			return PICK3(imul_rri);
		return pick4(i, imul8, imul16, imul32, imul64);
	case X86_OP_CMPXCHG:
		if (i->mod == 3)
			return pick4(i, cmpxchg_r8, cmpxchg_r16, cmpxchg_r32, cmpxchg_r64);
		return pick4(i, cmpxchg_m8, cmpxchg_m16, cmpxchg_m32, cmpxchg_m64);
	case X86_OP_XADD:
		if (i->mod == 3)
			return pick4(i, xadd_r8, xadd_r16, xadd_r32, xadd_r64);
		u->aux = RMW_XADD | RMW_REG;
		return uop_rmw_m[__builtin_ctz(i->opsize)];
	case X86_OP_CMPXCHG8B: return cmpxchg8b;
	case X86_OP_CMPXCHG16B: return cmpxchg16b;
	case X86_OP_CBW: return PICK3(cbw);
	case X86_OP_CWD: return PICK3(cwd);
	case X86_OP_XLAT:
		u->seg = i->seg;
		return xlat;
	case X86_OP_MOVBE:
		return i->form == X86_FORM_R_RM ? PICK3(movbe_rm) : PICK3(movbe_mr);
	case X86_OP_MOV_SREG:
		return i->form == X86_FORM_RM_SREG ? mov_from_sreg : NULL;
	case X86_OP_CRC32:
		u->reg = i->reg;
		u->rm = (u8)(i->opcode != 0xf0 ? i->rm
					       : i->rm * 8 + !!(i->props & X86_P_HIGH_RM));
		u->aux = i->opcode == 0xf0		   ? 1
			 : i->rex & 8		    ? 8
			 : i->prefixes & X86_PFX_66 ? 2
						    : 4;
		return crc32;
	case X86_OP_CLI:
		return c->mode & (CPU_MODE_VM | CPU_MODE_USER) ? NULL : cli_check;
	case X86_OP_STI:
		return c->mode & (CPU_MODE_VM | CPU_MODE_USER) ? NULL : sti_check;
	default: break;
	}
	f = find_flag(i, u);
	if (!f)
		f = find_bits(i, u);
	if (!f)
		f = find_vex(i, u);
	return f;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Uops of compare and exchange, and exchange and add. CMPXCHG of memory is always locked;
 * XADD of memory is one of the read-modify-writes of shift.c. Locks are busy code, so that flags are
 * written in the lazy form. Semantics: Intel SDM volume 2.
 */
#include "vmm/cpu/op/op.h"
#include "vmm/cpu/smp.h"

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
		if (likely(p) && likely(!(lin & (w / 8 - 1)))) {                                   \
			__atomic_compare_exchange_n((u##w *)(uintptr_t)p, &b, RD##w(u->reg),       \
						    false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);    \
		} else {                                                                           \
			cpu_lock_begin(c, u);                                                      \
			b = (u##w)cpu_slow_read(c, u, lin, w / 8);                                 \
			cpu_slow_write(c, u, lin, w / 8, b == a ? RD##w(u->reg) : b);              \
			cpu_lock_end(c);                                                           \
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
	if (p && !(lin & 7)) {
		__atomic_compare_exchange_n((u64 *)(uintptr_t)p, &have, new, false,
					    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	} else {
		cpu_lock_begin(c, u);
		have = cpu_slow_read(c, u, lin, 8);
		cpu_slow_write(c, u, lin, 8, have == want ? new : have);
		cpu_lock_end(c);
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
		cpu_lock_begin(c, u);
		cpu_slow_read_n(c, u, lin, v, 16);
		same = v[0] == lo && v[1] == hi;
		lo = v[0];
		hi = v[1];
		if (same) {
			v[0] = c->gpr[X86_RBX];
			v[1] = c->gpr[X86_RCX];
		}
		cpu_slow_write_n(c, u, lin, v, 16);
		cpu_lock_end(c);
	}
	set_zf(c, same);
	if (!same) {
		c->gpr[X86_RAX] = lo;
		c->gpr[X86_RDX] = hi;
	}
	NEXT(c, u);
}

uop_fn uop_cmpxchg_find(const struct x86_insn *i, struct uop *u)
{
	switch (i->op) {
	case X86_OP_CMPXCHG: return i->mod == 3 ? PICK4(cmpxchg_r) : PICK4(cmpxchg_m);
	case X86_OP_XADD:
		if (i->mod == 3)
			return PICK4(xadd_r);
		u->aux = RMW_XADD | RMW_REG;
		return uop_rmw_m[__builtin_ctz(i->opsize)];
	case X86_OP_CMPXCHG8B: return cmpxchg8b;
	case X86_OP_CMPXCHG16B: return cmpxchg16b;
	default: return NULL;
	}
}

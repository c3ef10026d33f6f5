/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * x87 operations as functions of their operands, run by the host's x87 unit, and the stack that
 * handlers keep in struct cpu_fpu. The host's own stack is used only within one asm statement.
 *
 * Two versions of an operation:
 *  - fast, while the guest masks all exceptions: the host's control word is the guest's
 *    already; exception flags accumulate in the host's status word, whose flags are always a
 *    subset of the guest's.
 *  - strict, when one is unmasked: the guest's own control word is loaded around the operation,
 *    so that the host behaves as the guest's unit would (it delivers nothing, because only
 *    non-waiting instructions follow until the flags are cleared). FNINIT leaves the host's
 *    stack empty whatever was or was not pushed and popped.
 *
 * Source: Intel SDM volume 1 chapter 8.
 */
#ifndef VMM_CPU_FPU_X87_H
#define VMM_CPU_FPU_X87_H

#include "vmm/cpu/fpu/ops.h"

typedef struct cpu_f80 f80;

static const f80 x87_indefinite = { .mant = 0xc000000000000000ull, .sexp = 0xffff };

/* The control word in force on the host between operations. */
static ALWAYS_INLINE u16 x87_host_cw(const struct cpu *c)
{
	return (c->fpu.cw & 0x0f00) | 0x007f;
}

/* ---- the guest's stack ---- */

static ALWAYS_INLINE unsigned int x87_phys(const struct cpu *c, unsigned int i)
{
	return (c->fpu.top + i) & 7;
}

static ALWAYS_INLINE bool x87_valid(const struct cpu *c, unsigned int i)
{
	return c->fpu.tags >> x87_phys(c, i) & 1;
}

static ALWAYS_INLINE f80 *x87_st(struct cpu *c, unsigned int i)
{
	return &c->fpu.st[x87_phys(c, i)];
}

static ALWAYS_INLINE void x87_pop(struct cpu *c)
{
	c->fpu.tags &= ~(1u << c->fpu.top);
	c->fpu.top = (c->fpu.top + 1) & 7;
}

/* In two parts, as FSTPT has stored them: one 16-byte load would wait for both stores. */
static ALWAYS_INLINE void x87_copy(f80 *d, const f80 *s)
{
	d->mant = s->mant;
	d->sexp = s->sexp;
}

/* ST(i) has been written. */
static ALWAYS_INLINE void x87_mark(struct cpu *c, unsigned int i)
{
	c->fpu.tags |= 1u << x87_phys(c, i);
}

/* ST(7) has been written and becomes ST(0). */
static ALWAYS_INLINE void x87_push_done(struct cpu *c)
{
	c->fpu.top = (c->fpu.top - 1) & 7;
	c->fpu.tags |= 1u << c->fpu.top;
}

static ALWAYS_INLINE void x87_push(struct cpu *c, const f80 *v)
{
	x87_push_done(c);
	x87_copy(&c->fpu.st[c->fpu.top], v);
}

static ALWAYS_INLINE void x87_set(struct cpu *c, unsigned int i, const f80 *v)
{
	x87_mark(c, i);
	x87_copy(x87_st(c, i), v);
}

/* Notes the instruction for the last instruction pointer. Its operand and opcode are
 * noted only with an unmasked exception (CPUID: FDP_EXCPTN_ONLY). */
static ALWAYS_INLINE void x87_begin(struct cpu *c, const struct uop *u)
{
	x87_wait(c, u);
	c->fpu.fip = c->gpr[CPU_RIP] + u->off;
}

/* The same where nothing is pending, which is so while all exceptions are masked. */
static ALWAYS_INLINE void x87_begin_fast(struct cpu *c, const struct uop *u)
{
	c->fpu.fip = c->gpr[CPU_RIP] + u->off;
}

/* All exceptions masked, and registers 0 and i are not empty: nothing can go wrong. */
static ALWAYS_INLINE bool x87_fast(const struct cpu *c, unsigned int i)
{
	return likely(!c->fpu.x87_strict) && likely(x87_valid(c, 0)) && likely(x87_valid(c, i));
}

/* The same for a push: register 7 is empty. */
static ALWAYS_INLINE bool x87_fast_push(const struct cpu *c)
{
	return likely(!c->fpu.x87_strict) && likely(!x87_valid(c, 7));
}

/* An unmasked exception was found: sets ES, notes opcode and operand, drives FERR#. */
void x87_unmasked(struct cpu *c, const struct uop *u);

static ALWAYS_INLINE void x87_take_status(struct cpu *c, u16 sw, u16 cc)
{
	c->fpu.sw = (c->fpu.sw & ~(X87_C1 | cc)) | (sw & (X87_FLAGS | X87_C1 | cc));
}

#define X87_STOP_REG (X87_IE | X87_DE | X87_ZE)
#define X87_STOP_MEM (X87_IE | X87_DE | X87_ZE | X87_OE | X87_UE)

/*
 * Takes over the host's status after an operation: exceptions and C1, and with `cc` the other
 * condition bits. False: an unmasked exception of `stop` forbids storing the result.
 */
static ALWAYS_INLINE bool x87_end_cc(struct cpu *c, const struct uop *u, u16 sw, u16 cc, u16 stop)
{
	u16 open;

	x87_take_status(c, sw, cc);
	if (likely(!c->fpu.x87_strict))
		return true;
	open = sw & X87_FLAGS & ~c->fpu.cw;
	if (!open)
		return true;
	x87_unmasked(c, u);
	return !(open & stop);
}

/* The same with the result: *r = *t where it may be stored. */
static inline bool x87_end_strict(struct cpu *c, const struct uop *u, u16 sw, u16 cc, u16 stop,
				  f80 *r, const f80 *t)
{
	if (!x87_end_cc(c, u, sw, cc, stop))
		return false;
	*r = *t;
	return true;
}

static ALWAYS_INLINE bool x87_end(struct cpu *c, const struct uop *u, u16 sw)
{
	return x87_end_cc(c, u, sw, 0, X87_STOP_REG);
}

/*
 * Stack fault: an operand is empty (`over` false) or the register to push to is not. True when
 * it is masked: the instruction goes on with the indefinite value.
 */
bool x87_stack_fault(struct cpu *c, const struct uop *u, bool over);

/* ---- operations ---- */

#define X87_FN    static ALWAYS_INLINE __attribute__((unused)) bool
#define X87_SW_FN static ALWAYS_INLINE __attribute__((unused)) u16

/* FNSTSW comes before the result is stored: AX must not be part of an operand's address ("=&a"). */
#define X87_STRICT_IN  "fnclex\n\tfldcw %[cw]\n\t"
#define X87_STRICT_OUT "fnstsw %[sw]\n\tfnclex\n\tfldcw %[host]\n\t"
#define X87_STRICT_END "fninit\n\tfldcw %[host]"

/*
 * r = op(a, b), with b below a on the stack and both left there. Like the next three: the
 * status is taken over, with the condition bits of `cc`; false where an unmasked exception
 * forbids the result, and *r is as before. The fast version stores straight to the register,
 * because a copy would read sixteen bytes right after ten were stored.
 */
#define X87_BINARY(name, insn)                                                                     \
	static COLD bool x87_##name##_strict(struct cpu *c, const struct uop *u, f80 *r,           \
					     const f80 *a, const f80 *b, u16 cc)                   \
	{                                                                                          \
		u16 sw, host = x87_host_cw(c);                                                     \
		f80 t;                                                                             \
                                                                                                   \
		__asm__ volatile(X87_STRICT_IN "fldt %[b]\n\tfldt %[a]\n\t" insn                   \
				 "\n\t" X87_STRICT_OUT "fstpt %[r]\n\t" X87_STRICT_END             \
				 : [sw] "=&a"(sw), [r] "=m"(t)                                     \
				 : [a] "m"(*a), [b] "m"(*b), [cw] "m"(c->fpu.cw),                  \
				   [host] "m"(host));                                              \
		return x87_end_strict(c, u, sw, cc, X87_STOP_REG, r, &t);                          \
	}                                                                                          \
	X87_FN x87_##name(struct cpu *c, const struct uop *u, f80 *r, const f80 *a, const f80 *b,  \
			  u16 cc)                                                                  \
	{                                                                                          \
		u16 sw;                                                                            \
                                                                                                   \
		if (unlikely(c->fpu.x87_strict))                                                   \
			return x87_##name##_strict(c, u, r, a, b, cc);                             \
		__asm__ volatile("fldt %[b]\n\tfldt %[a]\n\t" insn                                 \
				 "\n\tfnstsw %[sw]\n\tfstpt %[r]\n\tfstp %%st(0)"                  \
				 : [sw] "=&a"(sw), [r] "=m"(*r)                                    \
				 : [a] "m"(*a), [b] "m"(*b));                                      \
		x87_take_status(c, sw, cc);                                                        \
		return true;                                                                       \
	}

/* r = op(a, m) with m in memory of another type. */
#define X87_MEMORY(name, insn, type)                                                               \
	static COLD bool x87_##name##_strict(struct cpu *c, const struct uop *u, f80 *r,           \
					     const f80 *a, const type *m)                          \
	{                                                                                          \
		u16 sw, host = x87_host_cw(c);                                                     \
		f80 t;                                                                             \
                                                                                                   \
		__asm__ volatile(X87_STRICT_IN "fldt %[a]\n\t" insn                                \
					       " %[m]\n\t" X87_STRICT_OUT                          \
					       "fstpt %[r]\n\t" X87_STRICT_END                     \
				 : [sw] "=&a"(sw), [r] "=m"(t)                                     \
				 : [a] "m"(*a), [m] "m"(*m), [cw] "m"(c->fpu.cw),                  \
				   [host] "m"(host));                                              \
		return x87_end_strict(c, u, sw, 0, X87_STOP_REG, r, &t);                           \
	}                                                                                          \
	X87_FN x87_##name(struct cpu *c, const struct uop *u, f80 *r, const f80 *a, const type *m) \
	{                                                                                          \
		u16 sw;                                                                            \
                                                                                                   \
		if (unlikely(c->fpu.x87_strict))                                                   \
			return x87_##name##_strict(c, u, r, a, m);                                 \
		__asm__ volatile("fldt %[a]\n\t" insn " %[m]\n\tfnstsw %[sw]\n\tfstpt %[r]"        \
				 : [sw] "=&a"(sw), [r] "=m"(*r)                                    \
				 : [a] "m"(*a), [m] "m"(*m));                                      \
		x87_take_status(c, sw, 0);                                                         \
		return true;                                                                       \
	}

/* r = op(a) */
#define X87_UNARY(name, insn)                                                                      \
	static COLD bool x87_##name##_strict(struct cpu *c, const struct uop *u, f80 *r,           \
					     const f80 *a, u16 cc)                                 \
	{                                                                                          \
		u16 sw, host = x87_host_cw(c);                                                     \
		f80 t;                                                                             \
                                                                                                   \
		__asm__ volatile(X87_STRICT_IN "fldt %[a]\n\t" insn "\n\t" X87_STRICT_OUT          \
					       "fstpt %[r]\n\t" X87_STRICT_END                     \
				 : [sw] "=&a"(sw), [r] "=m"(t)                                     \
				 : [a] "m"(*a), [cw] "m"(c->fpu.cw), [host] "m"(host));            \
		return x87_end_strict(c, u, sw, cc, X87_STOP_REG, r, &t);                          \
	}                                                                                          \
	X87_FN x87_##name(struct cpu *c, const struct uop *u, f80 *r, const f80 *a, u16 cc)        \
	{                                                                                          \
		u16 sw;                                                                            \
                                                                                                   \
		if (unlikely(c->fpu.x87_strict))                                                   \
			return x87_##name##_strict(c, u, r, a, cc);                                \
		__asm__ volatile("fldt %[a]\n\t" insn "\n\tfnstsw %[sw]\n\tfstpt %[r]"             \
				 : [sw] "=&a"(sw), [r] "=m"(*r)                                    \
				 : [a] "m"(*a));                                                   \
		x87_take_status(c, sw, cc);                                                        \
		return true;                                                                       \
	}

/* r = the memory operand, converted. An unmasked denormal is loaded nevertheless. */
#define X87_LOAD(name, insn, type)                                                                 \
	static COLD bool x87_##name##_strict(struct cpu *c, const struct uop *u, f80 *r,           \
					     const type *m)                                        \
	{                                                                                          \
		u16 sw, host = x87_host_cw(c);                                                     \
		f80 t;                                                                             \
                                                                                                   \
		__asm__ volatile(X87_STRICT_IN insn " %[m]\n\t" X87_STRICT_OUT                     \
						    "fstpt %[r]\n\t" X87_STRICT_END                \
				 : [sw] "=&a"(sw), [r] "=m"(t)                                     \
				 : [m] "m"(*m), [cw] "m"(c->fpu.cw), [host] "m"(host));            \
		return x87_end_strict(c, u, sw, 0, X87_IE, r, &t);                                 \
	}                                                                                          \
	X87_FN x87_##name(struct cpu *c, const struct uop *u, f80 *r, const type *m)               \
	{                                                                                          \
		u16 sw;                                                                            \
                                                                                                   \
		if (unlikely(c->fpu.x87_strict))                                                   \
			return x87_##name##_strict(c, u, r, m);                                    \
		__asm__ volatile(insn " %[m]\n\tfnstsw %[sw]\n\tfstpt %[r]"                        \
				 : [sw] "=&a"(sw), [r] "=m"(*r)                                    \
				 : [m] "m"(*m));                                                   \
		x87_take_status(c, sw, 0);                                                         \
		return true;                                                                       \
	}

/* The status word after comparing a with b. */
#define X87_COMPARE(name, insn)                                                                    \
	X87_SW_FN x87_##name(const struct cpu *c, const f80 *a, const f80 *b)                      \
	{                                                                                          \
		u16 sw, host;                                                                      \
                                                                                                   \
		if (likely(!c->fpu.x87_strict)) {                                                  \
			__asm__ volatile("fldt %[b]\n\tfldt %[a]\n\t" insn                         \
					 "\n\tfnstsw %[sw]\n\tfstp %%st(0)\n\tfstp %%st(0)"        \
					 : [sw] "=&a"(sw)                                          \
					 : [a] "m"(*a), [b] "m"(*b));                              \
			return sw;                                                                 \
		}                                                                                  \
		host = x87_host_cw(c);                                                             \
		__asm__ volatile(X87_STRICT_IN "fldt %[b]\n\tfldt %[a]\n\t" insn                   \
					       "\n\t" X87_STRICT_OUT X87_STRICT_END                \
				 : [sw] "=&a"(sw)                                                  \
				 : [a] "m"(*a), [b] "m"(*b), [cw] "m"(c->fpu.cw),                  \
				   [host] "m"(host));                                              \
		return sw;                                                                         \
	}

#define X87_COMPARE_MEMORY(name, insn, type)                                                       \
	X87_SW_FN x87_##name(const struct cpu *c, const f80 *a, const type *m)                     \
	{                                                                                          \
		u16 sw, host;                                                                      \
                                                                                                   \
		if (likely(!c->fpu.x87_strict)) {                                                  \
			__asm__ volatile("fldt %[a]\n\t" insn                                      \
					 " %[m]\n\tfnstsw %[sw]\n\tfstp %%st(0)"                   \
					 : [sw] "=&a"(sw)                                          \
					 : [a] "m"(*a), [m] "m"(*m));                              \
			return sw;                                                                 \
		}                                                                                  \
		host = x87_host_cw(c);                                                             \
		__asm__ volatile(X87_STRICT_IN "fldt %[a]\n\t" insn                                \
					       " %[m]\n\t" X87_STRICT_OUT X87_STRICT_END           \
				 : [sw] "=&a"(sw)                                                  \
				 : [a] "m"(*a), [m] "m"(*m), [cw] "m"(c->fpu.cw),                  \
				   [host] "m"(host));                                              \
		return sw;                                                                         \
	}

/* *m = a, converted; as before where an unmasked exception forbids the store. */
#define X87_STORE(name, insn, type)                                                                \
	X87_SW_FN x87_##name(const struct cpu *c, type *m, const f80 *a)                           \
	{                                                                                          \
		u16 sw, host;                                                                      \
                                                                                                   \
		if (likely(!c->fpu.x87_strict)) {                                                  \
			__asm__ volatile("fldt %[a]\n\t" insn " %[m]\n\tfnstsw %[sw]"              \
					 : [sw] "=&a"(sw), [m] "+m"(*m)                            \
					 : [a] "m"(*a));                                           \
			return sw;                                                                 \
		}                                                                                  \
		host = x87_host_cw(c);                                                             \
		__asm__ volatile(X87_STRICT_IN "fldt %[a]\n\t" insn                                \
					       " %[m]\n\t" X87_STRICT_OUT X87_STRICT_END           \
				 : [sw] "=&a"(sw), [m] "+m"(*m)                                    \
				 : [a] "m"(*a), [cw] "m"(c->fpu.cw), [host] "m"(host));            \
		return sw;                                                                         \
	}

#endif

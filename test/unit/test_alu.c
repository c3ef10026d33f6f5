/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The integer functions of module/x86/alu.h against the host's CPU: each instruction runs natively with
 * random and corner operands, results and all arithmetic flags are compared. Flags that the manual
 * leaves undefined are compared only on Intel CPUs, whose behaviour the functions follow.
 */
#include <check.h>
#include <cpuid.h>
#include <stdlib.h>

#include "module/x86/alu.h"
#include "test/unit/lib/native_gpr.h"

static struct native nat;
static u8 *stack;
static int intel;

/* RAX, RCX, RDX are the operands: RAX first, RCX second; RDX is the high half or the result's high. */
struct in {
	u64 a, c, d;
};

struct op {
	const char *name;
	const char *code;      /* at width 32; see `width` */
	unsigned int len;
	unsigned int bits;
	void (*fn)(struct in *in, u32 *fl); /* the model; sets a, c, d as the instruction would */
	u32 undefined;         /* flags the manual leaves undefined */
	int de;                /* may raise #DE */
};

static int model_de;

/* Writes a register of `bits`: 32-bit results clear the upper half. */
static void put(u64 *reg, unsigned int bits, u64 v)
{
	if (bits == 64)
		*reg = v;
	else if (bits == 32)
		*reg = (u32)v;
	else if (bits == 16)
		*reg = (*reg & ~0xffffull) | (u16)v;
	else
		*reg = (*reg & ~0xffull) | (u8)v;
}

#define FN2(name, bits) \
	static void m_##name##bits(struct in *in, u32 *fl) \
	{ put(&in->a, bits, x86_##name##bits((u##bits)in->a, (u##bits)in->c, fl)); }
#define FNCL(name, bits) \
	static void m_##name##bits(struct in *in, u32 *fl) \
	{ put(&in->a, bits, x86_##name##bits((u##bits)in->a, (u8)in->c, fl)); }
#define FNROT(name, bits) \
	static void m_##name##bits(struct in *in, u32 *fl) \
	{ put(&in->a, bits, x86_##name##bits((u##bits)in->a, (u8)in->c, 0, fl)); } \
	static void m_##name##bits##_5(struct in *in, u32 *fl) \
	{ put(&in->a, bits, x86_##name##bits((u##bits)in->a, 5, 1, fl)); }
#define FNCMP(name, bits) \
	static void m_##name##bits(struct in *in, u32 *fl) \
	{ x86_##name##bits((u##bits)in->a, (u##bits)in->c, fl); }
#define FN1(name, bits) \
	static void m_##name##bits(struct in *in, u32 *fl) \
	{ put(&in->a, bits, x86_##name##bits((u##bits)in->a, fl)); }
#define FN1C(name, bits) \
	static void m_##name##bits(struct in *in, u32 *fl) \
	{ put(&in->a, bits, x86_##name##bits((u##bits)in->c, fl)); }
#define FNBS(name, bits) \
	static void m_##name##bits(struct in *in, u32 *fl) \
	{ if (in->c << (64 - bits)) put(&in->a, bits, x86_##name##bits((u##bits)in->c, 0, fl)); \
	  else x86_##name##bits(0, 0, fl); }
#define FNMUL(name, bits) \
	static void m_##name##bits(struct in *in, u32 *fl) \
	{ u##bits hi, lo = x86_##name##bits((u##bits)in->a, (u##bits)in->c, &hi, fl); \
	  if (bits == 8) { put(&in->a, 16, (u16)hi << 8 | (u8)lo); return; } \
	  put(&in->a, bits, lo); put(&in->d, bits, hi); }
#define FNDIV(name, bits) \
	static void m_##name##bits(struct in *in, u32 *fl) \
	{ u##bits q, r, hi = bits == 8 ? (u##bits)(in->a >> 8) : (u##bits)in->d; \
	  model_de = x86_##name##bits(hi, (u##bits)in->a, (u##bits)in->c, &q, &r); \
	  if (model_de) return; \
	  if (bits == 8) { put(&in->a, 16, (u16)r << 8 | (u8)q); return; } \
	  put(&in->a, bits, q); put(&in->d, bits, r); }
#define FNSHD(name, bits) \
	static void m_##name##bits(struct in *in, u32 *fl) \
	{ put(&in->a, bits, x86_##name##bits((u##bits)in->a, (u##bits)in->d, (u8)in->c, fl)); }

#define ALL(M, name) M(name, 8) M(name, 16) M(name, 32) M(name, 64)
#define WIDE(M, name) M(name, 16) M(name, 32) M(name, 64)
#define BMI(M, name) M(name, 32) M(name, 64)

ALL(FN2, add) ALL(FN2, adc) ALL(FN2, sub) ALL(FN2, sbb) ALL(FN2, and) ALL(FN2, or) ALL(FN2, xor)
ALL(FNCMP, cmp) ALL(FNCMP, test)
ALL(FN1, inc) ALL(FN1, dec) ALL(FN1, neg)
ALL(FNCL, shl) ALL(FNCL, shr) ALL(FNCL, sar) ALL(FNROT, rol) ALL(FNROT, ror) ALL(FNCL, rcl) ALL(FNCL, rcr)
WIDE(FNSHD, shld) WIDE(FNSHD, shrd)
ALL(FNMUL, mul) ALL(FNMUL, imul) WIDE(FN2, imul2) ALL(FNDIV, div) ALL(FNDIV, idiv)
WIDE(FNBS, bsf) WIDE(FNBS, bsr) WIDE(FN1C, popcnt) WIDE(FN1C, tzcnt) WIDE(FN1C, lzcnt)
WIDE(FNCMP, bt) WIDE(FN2, bts) WIDE(FN2, btr) WIDE(FN2, btc)
BMI(FN2, andn) BMI(FN2, bextr) BMI(FN2, bzhi) BMI(FN1C, blsi) BMI(FN1C, blsr) BMI(FN1C, blsmsk)

#define M(name, expr) static void m_##name(struct in *in, u32 *fl) { (void)fl; expr; }
M(mulx64, put(&in->a, 64, x86_mulx64(in->d, in->c, &in->d)))
M(rorx32, put(&in->a, 32, x86_rorx32((u32)in->c, 7)))
M(sarx64, put(&in->a, 64, x86_sarx64(in->a, (u8)in->c)))
M(shlx32, put(&in->a, 32, x86_shlx32((u32)in->a, (u8)in->c)))
M(shrx64, put(&in->a, 64, x86_shrx64(in->a, (u8)in->c)))
M(pdep64, in->a = x86_pdep(in->a, in->c))
M(pext64, in->a = x86_pext(in->a, in->c))
M(pdep32, in->a = x86_pdep((u32)in->a, (u32)in->c))
M(adcx64, in->a = x86_adx(in->a, in->c, 64, X86_FL_CF, fl))
M(adox64, in->a = x86_adx(in->a, in->c, 64, X86_FL_OF, fl))
M(adcx32, in->a = x86_adx(in->a, in->c, 32, X86_FL_CF, fl))
M(crc8, in->a = x86_crc32c((u32)in->a, in->c, 1))
M(crc16, in->a = x86_crc32c((u32)in->a, in->c, 2))
M(crc32, in->a = x86_crc32c((u32)in->a, in->c, 4))
M(crc64, in->a = x86_crc32c((u32)in->a, in->c, 8))
M(bswap32, in->a = x86_bswap32((u32)in->a))
M(bswap64, in->a = x86_bswap64(in->a))
M(setcc, in->a = (in->a & ~0xffull) | (unsigned int)x86_cond(in->c & 15, *fl))

#define AF X86_FL_AF
#define OF X86_FL_OF
#define NOT_CO (X86_FL_SF | X86_FL_ZF | X86_FL_AF | X86_FL_PF)
#define NOT_Z (X86_FL_ARITH & ~X86_FL_ZF)
#define BIT (X86_FL_OF | X86_FL_SF | X86_FL_AF | X86_FL_PF)
#define PA (X86_FL_PF | X86_FL_AF)
#define CODE(s) s, sizeof(s) - 1

/* An instruction with byte opcode o8 and wide opcode o, both with the same ModRM. */
#define OPS_ALL(name, o8, o, modrm, undef, de) \
	{ #name "8", CODE(o8 modrm), 8, m_##name##8, undef, de }, \
	{ #name "16", CODE("\x66" o modrm), 16, m_##name##16, undef, de }, \
	{ #name "32", CODE(o modrm), 32, m_##name##32, undef, de }, \
	{ #name "64", CODE("\x48" o modrm), 64, m_##name##64, undef, de }
#define OPS_WIDE(name, o, undef) \
	{ #name "16", CODE("\x66" o), 16, m_##name##16, undef, 0 }, \
	{ #name "32", CODE(o), 32, m_##name##32, undef, 0 }, \
	{ #name "64", CODE("\x48" o), 64, m_##name##64, undef, 0 }
#define OPS_F3(name, o, undef) \
	{ #name "16", CODE("\x66\xf3" o), 16, m_##name##16, undef, 0 }, \
	{ #name "32", CODE("\xf3" o), 32, m_##name##32, undef, 0 }, \
	{ #name "64", CODE("\xf3\x48" o), 64, m_##name##64, undef, 0 }
#define OPS_ROT(name, o) \
	OPS_ALL(name, "\xd2", "\xd3", o, OF, 0), \
	{ #name "8, 5", CODE("\xc0" o "\x05"), 8, m_##name##8_5, OF, 0 }, \
	{ #name "16, 5", CODE("\x66\xc1" o "\x05"), 16, m_##name##16_5, OF, 0 }, \
	{ #name "32, 5", CODE("\xc1" o "\x05"), 32, m_##name##32_5, OF, 0 }, \
	{ #name "64, 5", CODE("\x48\xc1" o "\x05"), 64, m_##name##64_5, OF, 0 }
#define VEX(name, bits, code, undef) { #name #bits, CODE(code), bits, m_##name##bits, undef, 0 }
#define ONE(name, bits, code) { #name, CODE(code), bits, m_##name, 0, 0 }

static const struct op ops[] = {
	OPS_ALL(add, "\x00", "\x01", "\xc8", 0, 0),
	OPS_ALL(adc, "\x10", "\x11", "\xc8", 0, 0),
	OPS_ALL(sub, "\x28", "\x29", "\xc8", 0, 0),
	OPS_ALL(sbb, "\x18", "\x19", "\xc8", 0, 0),
	OPS_ALL(and, "\x20", "\x21", "\xc8", AF, 0),
	OPS_ALL(or, "\x08", "\x09", "\xc8", AF, 0),
	OPS_ALL(xor, "\x30", "\x31", "\xc8", AF, 0),
	OPS_ALL(cmp, "\x38", "\x39", "\xc8", 0, 0),
	OPS_ALL(test, "\x84", "\x85", "\xc8", AF, 0),
	OPS_ALL(inc, "\xfe", "\xff", "\xc0", 0, 0),
	OPS_ALL(dec, "\xfe", "\xff", "\xc8", 0, 0),
	OPS_ALL(neg, "\xf6", "\xf7", "\xd8", 0, 0),
	OPS_ALL(shl, "\xd2", "\xd3", "\xe0", AF | OF | X86_FL_CF, 0),
	OPS_ALL(shr, "\xd2", "\xd3", "\xe8", AF | OF | X86_FL_CF, 0),
	OPS_ALL(sar, "\xd2", "\xd3", "\xf8", AF | OF | X86_FL_CF, 0),
	OPS_ROT(rol, "\xc0"),
	OPS_ROT(ror, "\xc8"),
	OPS_ALL(rcl, "\xd2", "\xd3", "\xd0", OF, 0),
	OPS_ALL(rcr, "\xd2", "\xd3", "\xd8", OF, 0),
	OPS_WIDE(shld, "\x0f\xa5\xd0", AF | OF),
	OPS_WIDE(shrd, "\x0f\xad\xd0", AF | OF),
	OPS_ALL(mul, "\xf6", "\xf7", "\xe1", NOT_CO, 0),
	OPS_ALL(imul, "\xf6", "\xf7", "\xe9", NOT_CO, 0),
	OPS_WIDE(imul2, "\x0f\xaf\xc1", NOT_CO),
	OPS_ALL(div, "\xf6", "\xf7", "\xf1", X86_FL_ARITH, 1),
	OPS_ALL(idiv, "\xf6", "\xf7", "\xf9", X86_FL_ARITH, 1),
	OPS_WIDE(bsf, "\x0f\xbc\xc1", NOT_Z),
	OPS_WIDE(bsr, "\x0f\xbd\xc1", NOT_Z),
	OPS_F3(popcnt, "\x0f\xb8\xc1", 0),
	OPS_F3(tzcnt, "\x0f\xbc\xc1", BIT),
	OPS_F3(lzcnt, "\x0f\xbd\xc1", BIT),
	OPS_WIDE(bt, "\x0f\xa3\xc8", BIT),
	OPS_WIDE(bts, "\x0f\xab\xc8", BIT),
	OPS_WIDE(btr, "\x0f\xb3\xc8", BIT),
	OPS_WIDE(btc, "\x0f\xbb\xc8", BIT),
	VEX(andn, 32, "\xc4\xe2\x78\xf2\xc1", PA), VEX(andn, 64, "\xc4\xe2\xf8\xf2\xc1", PA),
	VEX(bextr, 32, "\xc4\xe2\x70\xf7\xc0", PA | X86_FL_SF),
	VEX(bextr, 64, "\xc4\xe2\xf0\xf7\xc0", PA | X86_FL_SF),
	VEX(bzhi, 32, "\xc4\xe2\x70\xf5\xc0", PA), VEX(bzhi, 64, "\xc4\xe2\xf0\xf5\xc0", PA),
	VEX(blsi, 32, "\xc4\xe2\x78\xf3\xd9", PA), VEX(blsi, 64, "\xc4\xe2\xf8\xf3\xd9", PA),
	VEX(blsr, 32, "\xc4\xe2\x78\xf3\xc9", PA), VEX(blsr, 64, "\xc4\xe2\xf8\xf3\xc9", PA),
	VEX(blsmsk, 32, "\xc4\xe2\x78\xf3\xd1", PA), VEX(blsmsk, 64, "\xc4\xe2\xf8\xf3\xd1", PA),
	ONE(mulx64, 64, "\xc4\xe2\xfb\xf6\xd1\x90"),
	ONE(rorx32, 32, "\xc4\xe3\x7b\xf0\xc1\x07"),
	ONE(sarx64, 64, "\xc4\xe2\xf2\xf7\xc0"),
	ONE(shlx32, 32, "\xc4\xe2\x71\xf7\xc0"),
	ONE(shrx64, 64, "\xc4\xe2\xf3\xf7\xc0"),
	ONE(pdep64, 64, "\xc4\xe2\xfb\xf5\xc1"),
	ONE(pext64, 64, "\xc4\xe2\xfa\xf5\xc1"),
	ONE(pdep32, 32, "\xc4\xe2\x7b\xf5\xc1"),
	ONE(adcx64, 64, "\x66\x48\x0f\x38\xf6\xc1"),
	ONE(adox64, 64, "\xf3\x48\x0f\x38\xf6\xc1"),
	ONE(adcx32, 32, "\x66\x0f\x38\xf6\xc1"),
	ONE(crc8, 32, "\xf2\x0f\x38\xf0\xc1"),
	ONE(crc16, 32, "\x66\xf2\x0f\x38\xf1\xc1"),
	ONE(crc32, 32, "\xf2\x0f\x38\xf1\xc1"),
	ONE(crc64, 64, "\xf2\x48\x0f\x38\xf1\xc1"),
	ONE(bswap32, 32, "\x0f\xc8"),
	ONE(bswap64, 64, "\x48\x0f\xc8"),
};

static u64 seed = 88172645463325252ull;

static u64 rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* Half of the operands are corners. */
static u64 operand(void)
{
	static const u64 corners[] = {
		0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000u,
		0xffffffffu, 0x7fffffffffffffffull, 0x8000000000000000ull, ~0ull, ~0ull - 1, 0x10, 8, 9, 17, 33,
	};
	u64 r = rnd();

	switch (r & 7) {
	case 0: case 1: case 2:
		return corners[(r >> 8) % (sizeof(corners) / sizeof(corners[0]))];
	case 3:
		return rnd() & 0xff;
	case 4:
		return (u64)(s64)(s32)rnd() >> (r >> 58);
	}
	return rnd();
}

static int cpu_has(const struct op *op)
{
	unsigned int a = 0, b = 0, c = 0, d = 0, b7 = 0;
	u8 first = (u8)op->code[0];

	if (__get_cpuid_count(7, 0, &a, &b, &c, &d))
		b7 = b;
	__get_cpuid(1, &a, &b, &c, &d);
	if (first == 0xc4)
		return (b7 & (1 << 3)) && (b7 & (1 << 8));
	if (strstr(op->name, "ad") == op->name && strchr(op->name, 'x'))
		return !!(b7 & (1 << 19));
	if (!strncmp(op->name, "crc", 3))
		return !!(c & (1 << 20));
	if (!strncmp(op->name, "popcnt", 6))
		return !!(c & (1 << 23));
	if (!strncmp(op->name, "tzcnt", 5))
		return !!(b7 & (1 << 3));
	if (!strncmp(op->name, "lzcnt", 5))
		return __get_cpuid(0x80000001, &a, &b, &c, &d) && (c & (1 << 5));
	return 1;
}

static void setup(void)
{
	unsigned int a = 0, b = 0, c = 0, d = 0;

	ck_assert_int_eq(native_open(&nat), 0);
	stack = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(stack, MAP_FAILED);
	__get_cpuid(0, &a, &b, &c, &d);
	intel = b == 0x756e6547;
}

/* One run on both; fails the test with everything that helps to see why. */
static void compare(const struct op *op, const struct in *in, u32 fl0)
{
	struct native_regs r;
	struct in want = *in;
	u32 fl = fl0, mask = X86_FL_ARITH;
	int rc;

	memset(&r, 0, sizeof(r));
	r.gpr[X86_RAX] = in->a;
	r.gpr[X86_RCX] = in->c;
	r.gpr[X86_RDX] = in->d;
	r.gpr[X86_RSP] = (u64)(uintptr_t)stack + 0x8000;
	r.flags = 0x202 | fl0;
	rc = native_run(&nat, &r);
	model_de = 0;
	op->fn(&want, &fl);
	if (op->de) {
		ck_assert_msg(!rc == !model_de && (!rc || rc == X86_DE + 1), "%s: %llx:%llx / %llx: native %d, model %d",
			      op->name, (unsigned long long)in->d, (unsigned long long)in->a,
			      (unsigned long long)in->c, rc, model_de);
		mask = 0;
		if (rc)
			return;
	} else {
		ck_assert_msg(rc == 0, "%s: exception %d", op->name, rc - 1);
	}
	if (!intel)
		mask &= ~op->undefined;
	ck_assert_msg(r.gpr[X86_RAX] == want.a && r.gpr[X86_RDX] == want.d && ((r.flags ^ fl) & mask) == 0,
		      "%s: a %llx c %llx d %llx flags %x: native %llx %llx %x, model %llx %llx %x", op->name,
		      (unsigned long long)in->a, (unsigned long long)in->c, (unsigned long long)in->d, fl0,
		      (unsigned long long)r.gpr[X86_RAX], (unsigned long long)r.gpr[X86_RDX],
		      (u32)r.flags & X86_FL_ARITH, (unsigned long long)want.a, (unsigned long long)want.d,
		      fl & X86_FL_ARITH);
}

START_TEST(test_op)
{
	const struct op *op = &ops[_i];
	int i;

	if (!cpu_has(op))
		return;
	native_load(&nat, (const u8 *)op->code, op->len);
	for (i = 0; i < 6000; i++) {
		struct in in = { operand(), operand(), operand() };

		if (op->de && (i & 1))
			in.d = i & 2 ? 0 : (u64)((s64)in.a >> 63);
		if (op->de && op->bits == 32 && (i & 8))
			in.d = (u32)in.d % ((u32)in.c | 1);
		compare(op, &in, rnd() & X86_FL_ARITH);
	}
}
END_TEST

START_TEST(test_conditions)
{
	static const struct op setcc = { "setcc", "\x0f\x90\xc0", 3, 8, m_setcc, 0, 0 };
	u32 fl, cc;

	for (cc = 0; cc < 16; cc++) {
		u8 code[3] = { 0x0f, (u8)(0x90 + cc), 0xc0 };

		native_load(&nat, code, 3);
		for (fl = 0; fl < 0x1000; fl++) {
			struct in in = { 0x1234, cc, 0 };

			if (!(fl & ~X86_FL_ARITH))
				compare(&setcc, &in, fl);
		}
	}
}
END_TEST

/* The portable halves of what has inline assembly or 128-bit types on this host. */
START_TEST(test_wide)
{
	u64 a, b, hi, lo, q, r;
	int i;

	for (i = 0; i < 20000; i++) {
		a = operand();
		b = operand();
		lo = x86_umul128(a, b, &hi);
		ck_assert(lo == a * b);
		ck_assert(hi == (u64)(((unsigned __int128)a * b) >> 64));
		if (!b || hi >= b)
			continue;
		q = x86_udiv128(hi, lo, b, &r);
		ck_assert(q == a && r == 0);
		ck_assert_uint_eq(x86_bit_count(a), __builtin_popcountll(a));
	}
}
END_TEST

/* What 64-bit mode cannot run: examples of the manual and edges. */
static const struct {
	const char *name;
	u16 ax;
	u32 fl;
	u16 want;
	u32 want_fl;  /* of CF and AF for the adjusts */
	int op;       /* 0 DAA, 1 DAS, 2 AAA, 3 AAS, 4 AAM 10, 5 AAD 10 */
} decimal[] = {
	{ "79 + 35 = AE, DAA", 0xae, 0, 0x14, 0x11, 0 }, { "DAA none", 0x45, 0, 0x45, 0, 0 },
	{ "DAA CF", 0x12, 1, 0x72, 1, 0 }, { "DAA AF", 0x10, 0x10, 0x16, 0x10, 0 },
	{ "DAA 9A", 0x9a, 0, 0x00, 0x11, 0 }, { "35 - 47 = EE, DAS", 0xee, 0x11, 0x88, 0x11, 1 },
	{ "DAS none", 0x45, 0, 0x45, 0, 1 }, { "DAS borrow", 0x03, 0x10, 0xfd, 0x11, 1 },
	{ "AAA", 0x000b, 0, 0x0101, 0x11, 2 }, { "AAA carry into AH", 0x00fb, 0, 0x0201, 0x11, 2 },
	{ "AAA none", 0x0175, 0, 0x0105, 0, 2 }, { "AAS", 0x02ff, 0x10, 0x0109, 0x11, 3 },
	{ "AAS none", 0x0234, 0, 0x0204, 0, 3 }, { "AAM", 0x00ff, 0, 0x1905, 0, 4 },
	{ "AAD", 0x1905, 0, 0x00ff, 0, 5 },
};

START_TEST(test_decimal)
{
	u32 fl = decimal[_i].fl;
	u16 ax = decimal[_i].ax;

	switch (decimal[_i].op) {
	case 0: ax = x86_daa((u8)ax, &fl); break;
	case 1: ax = x86_das((u8)ax, &fl); break;
	case 2: ax = x86_aaa(ax, &fl); break;
	case 3: ax = x86_aas(ax, &fl); break;
	case 4: ck_assert_int_eq(x86_aam(&ax, 10, &fl), 0); break;
	case 5: ax = x86_aad(ax, 10, &fl); break;
	}
	ck_assert_msg(ax == decimal[_i].want, "%s: %x", decimal[_i].name, ax);
	ck_assert_msg((fl & 0x11) == decimal[_i].want_fl, "%s: flags %x", decimal[_i].name, fl);
	ck_assert_int_eq(x86_aam(&ax, 0, &fl), X86_ALU_DE);
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

int main(void)
{
	Suite *s = suite_create("alu");
	TCase *tc = tcase_create("alu");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_loop_test(tc, test_op, 0, COUNT(ops));
	tcase_add_test(tc, test_conditions);
	tcase_add_test(tc, test_wide);
	tcase_add_loop_test(tc, test_decimal, 0, COUNT(decimal));
	tcase_set_timeout(tc, 60);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The string comparisons of SSE4.2: PCMPESTRI, PCMPESTRM, PCMPISTRI, PCMPISTRM.
 *
 * Source: Intel SDM volume 2B section 4.1 ("Imm8 control byte operation").
 */
#include "vmm/cpu/fpu/simd.h"
#include "module/x86/x86.h"

#define STR_WORDS     0x01u
#define STR_SIGNED    0x02u
#define STR_AGGREGATE 0x0cu
#define STR_NEGATE    0x10u
#define STR_MASKED    0x20u
#define STR_MSB       0x40u /* index: the last one instead of the first; mask: whole elements */

struct str_args {
	s32 a[16], b[16];    /* elements of operand 1 and operand 2 */
	unsigned int la, lb; /* how many are valid */
	unsigned int n;      /* how many there are: 16 bytes or 8 words */
};

static void str_unpack(s32 out[16], simd v, unsigned int imm)
{
	union simd_lanes l = { .v = v };
	unsigned int i;

	for (i = 0; i < 16; i++) {
		if (imm & STR_WORDS)
			out[i] = imm & STR_SIGNED ? l.sw[i & 7] : l.w[i & 7];
		else
			out[i] = imm & STR_SIGNED ? l.sb[i] : l.b[i];
	}
}

static unsigned int str_implicit_length(const s32 *e, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n && e[i]; i++)
		;
	return i;
}

static unsigned int str_explicit_length(s64 len, unsigned int n)
{
	u64 magnitude = len < 0 ? -(u64)len : (u64)len;

	return magnitude > n ? n : magnitude;
}

static bool str_equal_any(const struct str_args *s, unsigned int j)
{
	unsigned int i;

	for (i = 0; i < s->la; i++)
		if (s->a[i] == s->b[j])
			return j < s->lb;
	return false;
}

static bool str_ranges(const struct str_args *s, unsigned int j)
{
	unsigned int i;

	for (i = 0; i + 1 < s->la; i += 2)
		if (s->b[j] >= s->a[i] && s->b[j] <= s->a[i + 1])
			return j < s->lb;
	return false;
}

static bool str_equal_each(const struct str_args *s, unsigned int j)
{
	if (j >= s->la || j >= s->lb)
		return j >= s->la && j >= s->lb;
	return s->a[j] == s->b[j];
}

static bool str_equal_ordered(const struct str_args *s, unsigned int j)
{
	unsigned int i;

	for (i = 0; i < s->la && i + j < s->n; i++)
		if (i + j >= s->lb || s->a[i] != s->b[i + j])
			return false;
	return true;
}

static unsigned int str_aggregate(const struct str_args *s, unsigned int imm)
{
	static bool (*const fn[4])(const struct str_args *, unsigned int) = {
		str_equal_any, str_ranges, str_equal_each, str_equal_ordered,
	};
	unsigned int j, res = 0;

	for (j = 0; j < s->n; j++)
		res |= (unsigned int)fn[(imm & STR_AGGREGATE) >> 2](s, j) << j;
	if (imm & STR_NEGATE)
		res ^= imm & STR_MASKED ? (1u << s->lb) - 1 : (1u << s->n) - 1;
	return res;
}

static u32 str_compare(struct str_args *s, unsigned int imm, struct simd_str_result *out)
{
	unsigned int res = str_aggregate(s, imm), i;
	union simd_lanes mask = { .q = { res, 0 } };

	if (!res)
		out->index = s->n;
	else
		out->index = imm & STR_MSB ? 31 - __builtin_clz(res) : __builtin_ctz(res);
	if (imm & STR_MSB) {
		for (i = 0; i < 16; i++)
			mask.sb[i] = -(int)(res >> (imm & STR_WORDS ? i / 2 : i) & 1);
	}
	out->mask = mask.v;
	return (res ? X86_FL_CF : 0) | (s->lb < s->n ? X86_FL_ZF : 0) |
	       (s->la < s->n ? X86_FL_SF : 0) | (res & 1 ? X86_FL_OF : 0);
}

u32 simd_str_implicit(simd a, simd b, unsigned int imm, struct simd_str_result *out)
{
	struct str_args s = { .n = imm & STR_WORDS ? 8 : 16 };

	str_unpack(s.a, a, imm);
	str_unpack(s.b, b, imm);
	s.la = str_implicit_length(s.a, s.n);
	s.lb = str_implicit_length(s.b, s.n);
	return str_compare(&s, imm, out);
}

u32 simd_str_explicit(simd a, s64 la, simd b, s64 lb, unsigned int imm, struct simd_str_result *out)
{
	struct str_args s = { .n = imm & STR_WORDS ? 8 : 16 };

	str_unpack(s.a, a, imm);
	str_unpack(s.b, b, imm);
	s.la = str_explicit_length(la, s.n);
	s.lb = str_explicit_length(lb, s.n);
	return str_compare(&s, imm, out);
}

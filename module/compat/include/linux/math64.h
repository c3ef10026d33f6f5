/* SPDX-License-Identifier: GPL-2.0-or-later */
/* 64-bit division, which has had a header since 2.6.26. */
#ifndef GM_LINUX_MATH64_H
#define GM_LINUX_MATH64_H

#include <linux/types.h>
#include <asm/div64.h>

static inline u64 div_u64_rem(u64 n, u32 d, u32 *rest)
{
	*rest = do_div(n, d);
	return n;
}

static inline u64 div_u64(u64 n, u32 d)
{
	do_div(n, d);
	return n;
}

static inline u64 div64_u64(u64 n, u64 d)
{
#if BITS_PER_LONG == 64
	return n / d;
#else
	u64 q = 0, rest = 0;
	int i;

	if (!(d >> 32))
		return div_u64(n, d);
	/* Bit by bit; the divisor's upper bit may be set, so what is shifted out of `rest` counts. */
	for (i = 63; i >= 0; i--) {
		int carry = rest >> 63;

		rest = rest << 1 | (n >> i & 1);
		if (carry || rest >= d) {
			rest -= d;
			q |= 1ull << i;
		}
	}
	return q;
#endif
}

#endif

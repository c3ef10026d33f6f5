// SPDX-License-Identifier: GPL-2.0-or-later
/* Samples of sound cards to 16-bit stereo frames. */
#include "vmm/audio/audio.h"

static s16 sample(struct gm_sample_format f, const u8 *in)
{
	u16 v = f.bits16 ? (u16)(in[0] | in[1] << 8) : (u16)(in[0] << 8);

	return (s16)(f.is_signed ? v : v ^ 0x8000);
}

void gm_sample_convert(struct gm_sample_format f, const u8 *in, gm_frame *out, size_t n)
{
	unsigned int size = gm_sample_frame_size(f);
	size_t i;

	for (i = 0; i < n; i++, in += size) {
		out[i][0] = sample(f, in);
		out[i][1] = f.stereo ? sample(f, in + size / 2) : out[i][0];
	}
}

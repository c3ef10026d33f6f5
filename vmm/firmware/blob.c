/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Growing little-endian byte buffers, out of which firmware tables are made. */
#include <stdlib.h>

#include "vmm/firmware/tables.h"

#define BLOB_MAX (16u << 20)

u32 gm_blob_add(struct gm_blob *b, const void *data, u32 len)
{
	u32 at = b->len;

	if (b->failed)
		return 0;
	if (len > BLOB_MAX - b->len) {
		b->failed = true;
		return 0;
	}
	if (b->len + len > b->cap) {
		u32 cap = MAX(2 * (b->len + len), 256u);
		u8 *p = realloc(b->data, cap);

		if (!p) {
			b->failed = true;
			return 0;
		}
		b->data = p;
		b->cap = cap;
	}
	if (data)
		memcpy(b->data + at, data, len);
	else
		memset(b->data + at, 0, len);
	b->len += len;
	return at;
}

void gm_blob_put(struct gm_blob *b, u32 off, u64 v, unsigned int size)
{
	unsigned int i;

	if (b->failed || off > b->len || size > b->len - off)
		return;
	for (i = 0; i < size; i++)
		b->data[off + i] = (u8)(v >> 8 * i);
}

static u32 blob_int(struct gm_blob *b, u64 v, unsigned int size)
{
	u32 at = gm_blob_add(b, NULL, size);

	gm_blob_put(b, at, v, size);
	return at;
}

u32 gm_blob_u8(struct gm_blob *b, u8 v)
{
	return blob_int(b, v, 1);
}

u32 gm_blob_u16(struct gm_blob *b, u16 v)
{
	return blob_int(b, v, 2);
}

u32 gm_blob_u32(struct gm_blob *b, u32 v)
{
	return blob_int(b, v, 4);
}

u32 gm_blob_u64(struct gm_blob *b, u64 v)
{
	return blob_int(b, v, 8);
}

void gm_blob_align(struct gm_blob *b, u32 align)
{
	if (b->len % align)
		gm_blob_add(b, NULL, align - b->len % align);
}

void gm_blob_free(struct gm_blob *b)
{
	free(b->data);
	memset(b, 0, sizeof(*b));
}

u8 gm_blob_checksum(const struct gm_blob *b, u32 off, u32 len)
{
	u8 sum = 0;

	if (b->failed || off > b->len || len > b->len - off)
		return 0;
	while (len--)
		sum = (u8)(sum + b->data[off++]);
	return (u8)-sum;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small virtio driver for tests: finds the device's registers through its capabilities, sets up
 * one queue (split or packed, in memory that is its own) and offers buffers.
 */
#ifndef TEST_VIRTIO_DRIVER_H
#define TEST_VIRTIO_DRIVER_H

#include "devices/virtio/devices.h"
#include "test/unit/lib/fake_board.h"

#define DRV_BAR   0xe0000000u /* BAR 4 */
#define DRV_MSIX  0xe0010000u /* BAR 1 */
#define DRV_IO    0xc000u     /* BAR 0 */
#define DRV_SIZE  16          /* entries of a queue */

/* Where a queue's parts and buffers are in guest memory; queue q is 64 KiB further. */
#define DRV_DESC  0x100000u
#define DRV_AVAIL 0x101000u
#define DRV_USED  0x102000u
#define DRV_BUF   0x200000u

#define D_NEXT     1
#define D_WRITE    2
#define D_INDIRECT 4

#define DRV_READY 15 /* ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK */

static const u8 drv_fn = GM_PCI_DEVFN(3, 0);
static bool drv_packed;
static struct {
	u16 avail, used;
	bool wrap, used_wrap;
} drv_q[VIRTIO_QUEUES];

static inline u32 drv_read(u32 off, unsigned int size)
{
	return (u32)gm_bus_read(m->mem, DRV_BAR + off, size);
}

static inline void drv_write(u32 off, unsigned int size, u32 val)
{
	gm_bus_write(m->mem, DRV_BAR + off, size, val);
}

static inline void mem_w(u64 gpa, u64 val, unsigned int size)
{
	memcpy(m->ram->host + gpa, &val, size);
}

static inline u64 mem_r(u64 gpa, unsigned int size)
{
	u64 val = 0;

	memcpy(&val, m->ram->host + gpa, size);
	return val;
}

static inline void drv_map(void)
{
	cfg_write(drv_fn, 0x10, 4, DRV_IO);
	cfg_write(drv_fn, 0x14, 4, DRV_MSIX);
	cfg_write(drv_fn, 0x20, 4, DRV_BAR);
	cfg_write(drv_fn, 0x24, 4, 0);
	cfg_write(drv_fn, 0x04, 2, 7);
}

/* Feature negotiation; the status it ends with. */
static inline u8 drv_features(u64 want)
{
	drv_write(0x14, 1, 0);
	drv_write(0x14, 1, 3);
	drv_write(0x08, 4, 0);
	drv_write(0x0c, 4, (u32)want);
	drv_write(0x08, 4, 1);
	drv_write(0x0c, 4, (u32)(want >> 32));
	drv_write(0x14, 1, 11);
	return (u8)drv_read(0x14, 1);
}

static inline void drv_queue_at(unsigned int q, u64 desc, u64 avail, u64 used)
{
	drv_write(0x16, 2, q);
	drv_write(0x18, 2, DRV_SIZE);
	drv_write(0x20, 4, (u32)desc);
	drv_write(0x24, 4, (u32)(desc >> 32));
	drv_write(0x28, 4, (u32)avail);
	drv_write(0x2c, 4, 0);
	drv_write(0x30, 4, (u32)used);
	drv_write(0x34, 4, 0);
	drv_write(0x1c, 2, 1);
	drv_q[q].avail = drv_q[q].used = 0;
	drv_q[q].wrap = drv_q[q].used_wrap = true;
}

static inline u32 drv_base(unsigned int q)
{
	return q * 0x10000;
}

/* Everything for queues 0 to n - 1, with these features besides VERSION_1. */
static inline void drv_start(unsigned int n, u64 features)
{
	unsigned int q;

	drv_map();
	features |= 1ULL << VIRTIO_F_VERSION_1 | (u64)drv_packed << VIRTIO_F_PACKED;
	ck_assert_uint_eq(drv_features(features), 11);
	for (q = 0; q < n; q++) {
		memset(m->ram->host + DRV_DESC + drv_base(q), 0, 0x3000);
		drv_queue_at(q, DRV_DESC + drv_base(q), DRV_AVAIL + drv_base(q),
			     DRV_USED + drv_base(q));
	}
	drv_write(0x14, 1, DRV_READY);
	ck_assert_uint_eq(drv_read(0x14, 1), DRV_READY);
}

struct drv_seg {
	u64 gpa;
	u32 len;
	u16 flags; /* D_WRITE, D_INDIRECT; D_NEXT is set where one follows */
};

static inline void drv_desc_split(u64 at, u64 gpa, u32 len, u16 flags, u16 next)
{
	mem_w(at, gpa, 8);
	mem_w(at + 8, len, 4);
	mem_w(at + 12, flags, 2);
	mem_w(at + 14, next, 2);
}

/* Offers n segments as one chain (at descriptors 0 up, in a split ring). No notification. */
static inline void drv_offer(unsigned int q, const struct drv_seg *s, unsigned int n)
{
	u64 desc = DRV_DESC + drv_base(q), avail = DRV_AVAIL + drv_base(q);
	unsigned int i;

	for (i = 0; i < n && !drv_packed; i++)
		drv_desc_split(desc + 16 * i, s[i].gpa, s[i].len,
			       (u16)(s[i].flags | (i + 1 < n ? D_NEXT : 0)), (u16)(i + 1));
	if (!drv_packed) {
		mem_w(avail + 4 + 2 * (drv_q[q].avail % DRV_SIZE), 0, 2);
		mem_w(avail + 2, ++drv_q[q].avail, 2);
		return;
	}
	for (i = 0; i < n; i++) {
		u64 at = desc + 16 * drv_q[q].avail;
		u16 flags = (u16)(s[i].flags | (i + 1 < n ? D_NEXT : 0));

		flags |= drv_q[q].wrap ? 0x80 : 0x8000;
		mem_w(at, s[i].gpa, 8);
		mem_w(at + 8, s[i].len, 4);
		mem_w(at + 12, 5, 2); /* the buffer's id */
		mem_w(at + 14, flags, 2);
		if (++drv_q[q].avail == DRV_SIZE) {
			drv_q[q].avail = 0;
			drv_q[q].wrap = !drv_q[q].wrap;
		}
	}
}

static inline void drv_kick(unsigned int q)
{
	drv_write(0x3000 + 4 * q, 2, q);
}

/* The next used buffer of a chain of n descriptors: its written length, or -1. */
static inline s64 drv_used(unsigned int q, unsigned int n)
{
	u64 used = DRV_USED + drv_base(q), at;
	u16 flags;

	if (!drv_packed) {
		if ((u16)mem_r(used + 2, 2) == drv_q[q].used)
			return -1;
		at = used + 4 + 8 * (drv_q[q].used++ % DRV_SIZE);
		return (s64)mem_r(at + 4, 4);
	}
	at = DRV_DESC + drv_base(q) + 16 * drv_q[q].used;
	flags = (u16)mem_r(at + 14, 2);
	if (!!(flags & 0x80) != drv_q[q].used_wrap || !!(flags & 0x8000) != drv_q[q].used_wrap)
		return -1;
	ck_assert_uint_eq(mem_r(at + 12, 2), 5);
	drv_q[q].used = (u16)(drv_q[q].used + n);
	if (drv_q[q].used >= DRV_SIZE) {
		drv_q[q].used -= DRV_SIZE;
		drv_q[q].used_wrap = !drv_q[q].used_wrap;
	}
	return (s64)mem_r(at + 8, 4);
}

#endif

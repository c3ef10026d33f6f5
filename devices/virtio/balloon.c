// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * virtio balloon (traditional): the guest gives pages back, and the host's memory behind them is
 * freed. Source: VIRTIO 1.2, section 5.5.
 */
#include <sys/mman.h>

#include "devices/virtio/devices.h"

#define F_MUST_TELL_HOST 0
#define F_DEFLATE_ON_OOM 2

enum { Q_INFLATE, Q_DEFLATE, Q_COUNT };

#define PAGE       4096
#define PFNS_ROUND 256

struct vballoon {
	struct virtio v;
	u32 wanted; /* pages that the guest shall give back */
	u32 actual; /* pages that it says it gave */
};

/* The page reads as zeros from now on; a host that cannot free it keeps it. */
static void page_free(struct vballoon *s, u32 pfn)
{
	size_t len = PAGE;
	u64 gpa = (u64)pfn * PAGE;
	void *p = gm_dma_map(s->v.pci.dev.m->mem, gpa, &len, true);

	if (p && len == PAGE && !madvise(p, PAGE, MADV_DONTNEED))
		gm_dma_dirty(s->v.pci.dev.m->mem, gpa, PAGE);
}

static void vballoon_kick(struct virtio *v, unsigned int q)
{
	struct vballoon *s = container_of(v, struct vballoon, v);
	struct vq_chain c;
	u32 pfn[PFNS_ROUND];
	size_t n, i;
	u64 at;

	while (vq_pop(v, q, &c)) {
		for (at = 0; at < 65536 && (n = vq_read(v, &c, at, pfn, sizeof(pfn))); at += n)
			for (i = 0; q == Q_INFLATE && i < n / 4; i++)
				page_free(s, pfn[i]);
		vq_push(v, q, c.id, c.slots, 0);
	}
	vq_notify(v, q);
}

static void vballoon_config_get(struct virtio *v, u8 *buf)
{
	struct vballoon *s = container_of(v, struct vballoon, v);

	memcpy(buf, &s->wanted, 4);
	memcpy(buf + 4, &s->actual, 4);
}

static void vballoon_config_set(struct virtio *v, unsigned int off, unsigned int size, u32 val)
{
	struct vballoon *s = container_of(v, struct vballoon, v);

	if (off >= 4 && off + size <= 8)
		memcpy((u8 *)&s->actual + off - 4, &val, size);
}

static void vballoon_soft_reset(struct virtio *v)
{
	container_of(v, struct vballoon, v)->actual = 0;
}

static const struct virtio_ops vballoon_ops = {
	.type = VIRTIO_BALLOON,
	.nqueues = Q_COUNT,
	.config_len = 8,
	.config_get = vballoon_config_get,
	.config_set = vballoon_config_set,
	.kick = vballoon_kick,
	.reset = vballoon_soft_reset,
};

void virtio_balloon_set(struct gm_dev *d, u32 mib)
{
	struct vballoon *s = container_of(d, struct vballoon, v.pci.dev);

	s->wanted = (u32)MIN((u64)mib * MiB / PAGE, d->m->ram_size / PAGE);
	virtio_config_changed(&s->v);
}

u32 virtio_balloon_wanted(struct gm_dev *d)
{
	return (u32)((u64)container_of(d, struct vballoon, v.pci.dev)->wanted * PAGE / MiB);
}

u32 virtio_balloon_get(struct gm_dev *d)
{
	return (u32)((u64)container_of(d, struct vballoon, v.pci.dev)->actual * PAGE / MiB);
}

static int vballoon_init(struct gm_dev *d, const void *cfg_)
{
	struct vballoon *s = container_of(d, struct vballoon, v.pci.dev);
	const struct virtio_balloon_cfg *cfg = cfg_;

	return virtio_init(&s->v, &cfg->v, &vballoon_ops, Q_COUNT,
			   1ULL << F_MUST_TELL_HOST | 1ULL << F_DEFLATE_ON_OOM);
}

static const struct gm_field vballoon_fields[] = {
	GM_STRUCT(struct vballoon, v, &virtio_state),
	GM_U32(struct vballoon, wanted),
	GM_U32(struct vballoon, actual),
	GM_FIELDS_END,
};

static const struct gm_state_desc vballoon_state = {
	.name = "virtio-balloon",
	.version = 1,
	.size = sizeof(struct vballoon),
	.fields = vballoon_fields,
};

const struct gm_pci_class virtio_balloon_class = {
	.dev = {
		.name = "virtio-balloon",
		.title = "virtio memory balloon",
		.size = sizeof(struct vballoon),
		.state = &vballoon_state,
		.init = vballoon_init,
		.reset = virtio_reset,
		.pause = virtio_pause,
		.resume = virtio_resume,
		.loaded = virtio_loaded,
	},
	.vendor = 0x1af4,
	.device = 0x1002,
	.subvendor = 0x1af4,
	.subdevice = VIRTIO_BALLOON,
	.class_code = 0x00ff00,
	.int_pin = 1,
	.config_written = virtio_config_written,
	.config_read = virtio_config_read,
};

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The PCI transport of virtio devices: the modern registers in memory BAR 4, found through vendor
 * capabilities (VIRTIO 1.2, section 4.1.4), and the legacy ones in I/O BAR 0 of a transitional
 * device (4.1.4.10). BAR 1 has the MSI-X table.
 */
#include "devices/virtio/virtio.h"

#include <errno.h>

/* Configuration space. */
#define CAP_MSIX      0x40
#define CAP_COMMON    0x50
#define CAP_ISR       0x60
#define CAP_DEVICE    0x70
#define CAP_NOTIFY    0x80
#define CAP_PCI       0x94
#define CAP_PCI_DATA  (CAP_PCI + 16)
#define CAP_ID_VENDOR 0x09

enum { CFG_COMMON = 1, CFG_NOTIFY, CFG_ISR, CFG_DEVICE, CFG_PCI };

/* BAR 4: a page for each. */
#define BAR_MODERN    4
#define AT_COMMON     0x0000
#define AT_ISR        0x1000
#define AT_DEVICE     0x2000
#define AT_NOTIFY     0x3000
#define MODERN_SIZE   0x4000
#define NOTIFY_STEP   4

#define LEGACY_SIZE   128
#define LEGACY_CONFIG 20 /* without MSI-X; with it 4 bytes later */
#define LEGACY_ALIGN  4096

static u32 field(u64 val, unsigned int off, unsigned int size)
{
	u32 mask = size >= 4 ? UINT32_MAX : (1u << 8 * size) - 1;

	return (u32)(val >> 8 * off) & mask;
}

/* Replaces size bytes at off of a register. */
static u64 merge(u64 old, unsigned int off, unsigned int size, u32 val)
{
	u64 mask = (size >= 4 ? 0xffffffffULL : (1ULL << 8 * size) - 1) << 8 * off;

	return (old & ~mask) | ((u64)val << 8 * off & mask);
}

static struct virtqueue *selected(struct virtio *v)
{
	return v->queue_sel < v->nqueues ? &v->vq[v->queue_sel] : NULL;
}

/* ---- the device's configuration structure ---- */

static u32 device_read(struct virtio *v, unsigned int off, unsigned int size)
{
	u8 buf[VIRTIO_CONFIG_MAX] = {0};
	u32 val = 0;

	if (off + size > v->ops->config_len)
		return 0;
	v->ops->config_get(v, buf);
	memcpy(&val, buf + off, size);
	return val;
}

static void device_write(struct virtio *v, unsigned int off, unsigned int size, u32 val)
{
	if (off + size <= v->ops->config_len && v->ops->config_set)
		v->ops->config_set(v, off, size, val);
}

static u32 isr_read(struct virtio *v)
{
	u32 val = v->isr;

	v->isr = 0;
	gm_pci_irq(&v->pci, 0);
	return val;
}

/* ---- modern registers ---- */

struct reg {
	u8 off, size;
	u64 (*get)(struct virtio *v, const struct virtqueue *q);
	/* q is NULL for a queue that is not there; val has the whole register. */
	void (*set)(struct virtio *v, struct virtqueue *q, u64 val);
};

static u16 vector_valid(const struct virtio *v, u64 val)
{
	return val < v->msix.vectors ? (u16)val : GM_MSIX_NONE;
}

#define GET(name, expr)                                                                            \
	static u64 get_##name(struct virtio *v, const struct virtqueue *q)                         \
	{                                                                                          \
		return expr;                                                                       \
	}
#define SET(name, action)                                                                          \
	static void set_##name(struct virtio *v, struct virtqueue *q, u64 val)                     \
	{                                                                                          \
		action;                                                                            \
	}

GET(device_sel, v->device_sel)
SET(device_sel, v->device_sel = (u32)val)
GET(device_features, v->device_sel < 2 ? v->offered >> 32 * v->device_sel & 0xffffffff : 0)
GET(driver_sel, v->driver_sel)
SET(driver_sel, v->driver_sel = (u32)val)
GET(driver_features, v->driver_sel < 2 ? v->driver_features >> 32 * v->driver_sel & 0xffffffff : 0)
GET(config_vector, v->config_vector)
SET(config_vector, v->config_vector = vector_valid(v, val))
GET(num_queues, v->nqueues)
GET(status, v->status)
SET(status, virtio_status_set(v, (u8)val, false))
GET(generation, v->generation)
GET(queue_sel, v->queue_sel)
SET(queue_sel, v->queue_sel = (u16)val)
GET(queue_size, q ? q->size : 0)
GET(queue_vector, q ? q->vector : GM_MSIX_NONE)
GET(queue_enable, q ? q->enabled : 0)
GET(queue_notify, v->queue_sel)
GET(queue_desc, q ? q->desc : 0)
GET(queue_driver, q ? q->avail : 0)
GET(queue_device, q ? q->used : 0)

/* The guest's choice stands once FEATURES_OK is set. */
static void set_driver_features(struct virtio *v, struct virtqueue *q, u64 val)
{
	if (v->driver_sel < 2 && !(v->status & 8))
		v->driver_features = merge(v->driver_features, 4 * v->driver_sel, 4, (u32)val);
}

static void set_queue_size(struct virtio *v, struct virtqueue *q, u64 val)
{
	bool power = val && !(val & (val - 1));

	if (q && !q->enabled && val && val <= VIRTIO_QUEUE_SIZE &&
	    (power || virtio_has(v, VIRTIO_F_PACKED)))
		q->size = (u16)val;
}

static void set_queue_vector(struct virtio *v, struct virtqueue *q, u64 val)
{
	if (q)
		q->vector = vector_valid(v, val);
}

static void set_queue_enable(struct virtio *v, struct virtqueue *q, u64 val)
{
	if (q && val == 1 && !q->enabled)
		vq_start(v, v->queue_sel);
}

/* Addresses of a queue in use stay. */
static void set_queue_desc(struct virtio *v, struct virtqueue *q, u64 val)
{
	if (q && !q->enabled)
		q->desc = val;
}

static void set_queue_driver(struct virtio *v, struct virtqueue *q, u64 val)
{
	if (q && !q->enabled)
		q->avail = val;
}

static void set_queue_device(struct virtio *v, struct virtqueue *q, u64 val)
{
	if (q && !q->enabled)
		q->used = val;
}

/* 4.1.4.3 */
static const struct reg common_regs[] = {
	{0x00, 4, get_device_sel, set_device_sel},
	{0x04, 4, get_device_features, NULL},
	{0x08, 4, get_driver_sel, set_driver_sel},
	{0x0c, 4, get_driver_features, set_driver_features},
	{0x10, 2, get_config_vector, set_config_vector},
	{0x12, 2, get_num_queues, NULL},
	{0x14, 1, get_status, set_status},
	{0x15, 1, get_generation, NULL},
	{0x16, 2, get_queue_sel, set_queue_sel},
	{0x18, 2, get_queue_size, set_queue_size},
	{0x1a, 2, get_queue_vector, set_queue_vector},
	{0x1c, 2, get_queue_enable, set_queue_enable},
	{0x1e, 2, get_queue_notify, NULL},
	{0x20, 8, get_queue_desc, set_queue_desc},
	{0x28, 8, get_queue_driver, set_queue_driver},
	{0x30, 8, get_queue_device, set_queue_device},
};

/* The register that has all of the bytes, or NULL. */
static const struct reg *common_find(unsigned int off, unsigned int size)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(common_regs); i++) {
		const struct reg *r = &common_regs[i];

		if (off >= r->off && off + size <= (u32)(r->off + r->size))
			return r;
	}
	return NULL;
}

static u32 common_read(struct virtio *v, unsigned int off, unsigned int size)
{
	const struct reg *r = common_find(off, size);

	return r ? field(r->get(v, selected(v)), off - r->off, size) : 0;
}

static void common_write(struct virtio *v, unsigned int off, unsigned int size, u32 val)
{
	const struct reg *r = common_find(off, size);

	if (r && r->set)
		r->set(v, selected(v), merge(r->get(v, selected(v)), off - r->off, size, val));
}

static u64 modern_read(void *opaque, u64 off, unsigned int size)
{
	struct virtio *v = opaque;
	unsigned int in = off & 0xfff;

	switch (off & ~0xfffULL) {
	case AT_COMMON: return common_read(v, in, size);
	case AT_ISR: return in ? 0 : isr_read(v);
	case AT_DEVICE: return device_read(v, in, size);
	default: return 0;
	}
}

static void modern_write(void *opaque, u64 off, unsigned int size, u64 val)
{
	struct virtio *v = opaque;
	unsigned int in = off & 0xfff;

	switch (off & ~0xfffULL) {
	case AT_COMMON: common_write(v, in, size, (u32)val); break;
	case AT_DEVICE: device_write(v, in, size, (u32)val); break;
	case AT_NOTIFY: virtio_kick(v, in / NOTIFY_STEP); break;
	}
}

static const struct gm_region_ops modern_ops = {
	.name = "virtio",
	.read = modern_read,
	.write = modern_write,
	.min_size = 1,
	.max_size = 4,
};

/* ---- legacy registers ---- */

static unsigned int legacy_config_at(const struct virtio *v)
{
	return LEGACY_CONFIG + (gm_msix_enabled(&v->msix) ? 4 : 0);
}

/* 4.1.4.10: the registers' offsets and sizes are fixed; other accesses read as 0. */
static u64 legacy_read(void *opaque, u64 off, unsigned int size)
{
	struct virtio *v = opaque;
	const struct virtqueue *q = selected(v);

	if (off >= legacy_config_at(v))
		return device_read(v, (unsigned int)off - legacy_config_at(v), size);
	switch (off) {
	case 0: return v->offered & 0xffffffff;
	case 4: return v->driver_features & 0xffffffff;
	case 8: return q ? q->pfn : 0;
	case 12: return q ? VIRTIO_QUEUE_SIZE : 0;
	case 14: return v->queue_sel;
	case 18: return v->status;
	case 19: return isr_read(v);
	case 20: return v->config_vector;
	case 22: return q ? q->vector : GM_MSIX_NONE;
	default: return 0;
	}
}

/* One address for all three parts (2.7.2). */
static void legacy_queue_set(struct virtio *v, struct virtqueue *q, u32 pfn)
{
	u64 base = (u64)pfn * LEGACY_ALIGN;

	if (!q)
		return;
	if (!pfn) {
		/* The guest lets go of it; requests under way must not come back to it. */
		v->ops->reset(v);
		vq_reset(q);
		return;
	}
	v->legacy = true;
	v->features = v->driver_features & v->offered & 0xffffffff;
	q->pfn = pfn;
	q->size = VIRTIO_QUEUE_SIZE;
	q->desc = base;
	q->avail = base + 16ULL * q->size;
	q->used = (q->avail + 4 + 2ULL * q->size + 2 + LEGACY_ALIGN - 1) & ~(u64)(LEGACY_ALIGN - 1);
	vq_start(v, v->queue_sel);
}

static void legacy_write(void *opaque, u64 off, unsigned int size, u64 val)
{
	struct virtio *v = opaque;
	struct virtqueue *q = selected(v);

	if (off >= legacy_config_at(v)) {
		device_write(v, (unsigned int)off - legacy_config_at(v), size, (u32)val);
		return;
	}
	switch (off) {
	case 4: v->driver_features = val & v->offered & 0xffffffff; break;
	case 8: legacy_queue_set(v, q, (u32)val); break;
	case 14: v->queue_sel = (u16)val; break;
	case 16: virtio_kick(v, (unsigned int)(val & 0xffff)); break;
	case 18: virtio_status_set(v, (u8)val, true); break;
	case 20: v->config_vector = vector_valid(v, val); break;
	case 22:
		if (q)
			q->vector = vector_valid(v, val);
		break;
	}
}

static const struct gm_region_ops legacy_ops = {
	.name = "virtio-legacy",
	.read = legacy_read,
	.write = legacy_write,
	.min_size = 1,
	.max_size = 4,
	.unaligned = true,
};

/* ---- access through configuration space (4.1.4.9) ---- */

/* Where the window points, if it points into BAR 4 in a way that the registers allow. */
static bool window_at(const struct virtio *v, u32 *off, unsigned int *size)
{
	const u8 *c = v->pci.config + CAP_PCI;

	memcpy(off, c + 8, 4);
	*size = c[12];
	return c[4] == BAR_MODERN && (*size == 1 || *size == 2 || *size == 4) && !c[13] && !c[14] &&
	       !c[15] && *off <= MODERN_SIZE - 4 && !(*off & (*size - 1));
}

u32 virtio_config_read(struct gm_pci_dev *d, unsigned int off, unsigned int size, u32 val)
{
	struct virtio *v = container_of(d, struct virtio, pci);
	unsigned int n;
	u32 at;

	if (off < CAP_PCI_DATA || off >= CAP_PCI_DATA + 4 || !window_at(v, &at, &n))
		return val;
	return field(modern_read(v, at, n), off - CAP_PCI_DATA, size);
}

void virtio_config_written(struct gm_pci_dev *d, unsigned int off, unsigned int size)
{
	struct virtio *v = container_of(d, struct virtio, pci);
	unsigned int n;
	u32 at, val;

	gm_msix_config_written(&v->msix, off, size);
	if (off < CAP_PCI_DATA || off >= CAP_PCI_DATA + 4 || !window_at(v, &at, &n))
		return;
	memcpy(&val, d->config + CAP_PCI_DATA, 4);
	modern_write(v, at, n, field(val, 0, n));
}

/* ---- setting up ---- */

static void cap_fill(struct virtio *v, u8 at, u8 len, u8 type, u32 off, u32 n)
{
	u8 *c = v->pci.config + at;

	gm_pci_cap_add(&v->pci, at, CAP_ID_VENDOR);
	c[2] = len;
	c[3] = type;
	c[4] = BAR_MODERN;
	memcpy(c + 8, &off, 4);
	memcpy(c + 12, &n, 4);
}

int virtio_pci_init(struct virtio *v)
{
	static const struct gm_pci_bar modern = {.size = MODERN_SIZE, .ops = &modern_ops,
						 .flags = GM_PCI_BAR_64 | GM_PCI_BAR_PREFETCH};
	static const struct gm_pci_bar legacy = {.size = LEGACY_SIZE, .ops = &legacy_ops,
						 .flags = GM_PCI_BAR_IO};
	int err = v->modern ? 0 : gm_pci_bar_add(&v->pci, 0, &legacy, v);

	if (!err)
		err = gm_pci_bar_add(&v->pci, BAR_MODERN, &modern, v);
	if (err)
		return err;
	cap_fill(v, CAP_PCI, 20, CFG_PCI, 0, 0);
	cap_fill(v, CAP_NOTIFY, 20, CFG_NOTIFY, AT_NOTIFY, 0x1000);
	v->pci.config[CAP_NOTIFY + 16] = NOTIFY_STEP;
	cap_fill(v, CAP_DEVICE, 16, CFG_DEVICE, AT_DEVICE, VIRTIO_CONFIG_MAX);
	cap_fill(v, CAP_ISR, 16, CFG_ISR, AT_ISR, 1);
	cap_fill(v, CAP_COMMON, 16, CFG_COMMON, AT_COMMON, 0x38);
	/* The window's place and size are the guest's to choose. */
	v->pci.wmask[CAP_PCI + 4] = 0xff;
	memset(v->pci.wmask + CAP_PCI + 8, 0xff, 12);
	return gm_msix_init(&v->msix, &v->pci, CAP_MSIX, 1, (u8)(v->nqueues + 1));
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What all virtio devices do: status, feature negotiation, interrupts, reset, saved state.
 * Source: VIRTIO 1.2, chapters 2 and 3.
 */
#include "devices/virtio/virtio.h"

#include <errno.h>

#define STATUS_DRIVER_OK    4
#define STATUS_FEATURES_OK  8
#define STATUS_NEEDS_RESET  64

#define RING_FEATURES (1ULL << VIRTIO_F_INDIRECT | 1ULL << VIRTIO_F_EVENT_IDX)
#define PCI_COMMAND_MASTER 4

/* ---- state ---- */

static const struct gm_field vq_fields[] = {
	GM_BOOL(struct virtqueue, enabled),
	GM_U16(struct virtqueue, size),
	GM_U16(struct virtqueue, vector),
	GM_U64(struct virtqueue, desc),
	GM_U64(struct virtqueue, avail),
	GM_U64(struct virtqueue, used),
	GM_U16(struct virtqueue, last_avail),
	GM_U16(struct virtqueue, used_idx),
	GM_U16(struct virtqueue, signalled),
	GM_BOOL(struct virtqueue, avail_wrap),
	GM_BOOL(struct virtqueue, used_wrap),
	GM_BOOL(struct virtqueue, signalled_valid),
	GM_U32(struct virtqueue, pfn),
	GM_FIELDS_END,
};

static const struct gm_state_desc vq_state = {
	.name = "virtqueue",
	.version = 1,
	.size = sizeof(struct virtqueue),
	.fields = vq_fields,
};

static const struct gm_field virtio_fields[] = {
	GM_STRUCT(struct virtio, pci, &gm_pci_state),
	GM_STRUCT(struct virtio, msix, &gm_msix_state),
	GM_STRUCTS(struct virtio, vq, struct virtqueue, &vq_state),
	GM_U64(struct virtio, features),
	GM_U64(struct virtio, driver_features),
	GM_U32(struct virtio, device_sel),
	GM_U32(struct virtio, driver_sel),
	GM_U16(struct virtio, queue_sel),
	GM_U16(struct virtio, config_vector),
	GM_U8(struct virtio, status),
	GM_U8(struct virtio, isr),
	GM_U8(struct virtio, generation),
	GM_BOOL(struct virtio, legacy),
	GM_BOOL(struct virtio, broken),
	GM_OMIT(struct virtio, ops, "constant of the class"),
	GM_OMIT(struct virtio, offered, "machine configuration"),
	GM_OMIT(struct virtio, nqueues, "machine configuration"),
	GM_OMIT(struct virtio, modern, "machine configuration"),
	GM_OMIT(struct virtio, paused, "state of the machine"),
	GM_FIELDS_END,
};

const struct gm_state_desc virtio_state = {
	.name = "virtio",
	.version = 1,
	.size = sizeof(struct virtio),
	.fields = virtio_fields,
};

static bool queue_valid(const struct virtio *v, const struct virtqueue *vq)
{
	if (!vq->size || vq->size > VIRTIO_QUEUE_SIZE)
		return false;
	if (!virtio_has(v, VIRTIO_F_PACKED))
		return !(vq->size & (vq->size - 1));
	return vq->last_avail < vq->size && vq->used_idx < vq->size;
}

int virtio_loaded(struct gm_dev *d)
{
	struct virtio *v = container_of(d, struct virtio, pci.dev);
	unsigned int i;

	if (v->features & ~v->offered)
		return -EINVAL;
	for (i = 0; i < VIRTIO_QUEUES; i++) {
		if (i >= v->nqueues)
			v->vq[i].enabled = false;
		if (v->vq[i].enabled && !queue_valid(v, &v->vq[i]))
			return -EINVAL;
	}
	gm_pci_loaded(&v->pci);
	return 0;
}

/* ---- status and features ---- */

bool virtio_running(const struct virtio *v)
{
	return !v->broken && !v->paused && (v->status & STATUS_DRIVER_OK || v->legacy);
}

void virtio_interrupt(struct virtio *v, u16 vector, u8 isr)
{
	if (gm_msix_enabled(&v->msix)) {
		gm_msix_notify(&v->msix, vector);
		return;
	}
	v->isr |= isr;
	gm_pci_irq(&v->pci, 1);
}

void virtio_config_changed(struct virtio *v)
{
	v->generation++;
	if (v->status & STATUS_DRIVER_OK)
		virtio_interrupt(v, v->config_vector, 3);
}

void virtio_break(struct virtio *v)
{
	if (v->broken)
		return;
	v->broken = true;
	if (!virtio_has(v, VIRTIO_F_VERSION_1))
		return;
	v->status |= STATUS_NEEDS_RESET;
	virtio_config_changed(v);
}

void virtio_soft_reset(struct virtio *v)
{
	unsigned int i;

	v->ops->reset(v);
	for (i = 0; i < VIRTIO_QUEUES; i++)
		vq_reset(&v->vq[i]);
	v->features = v->driver_features = 0;
	v->device_sel = v->driver_sel = 0;
	v->queue_sel = 0;
	v->config_vector = GM_MSIX_NONE;
	v->status = v->isr = 0;
	v->legacy = v->broken = false;
	gm_pci_irq(&v->pci, 0);
}

/* The features are settled with FEATURES_OK; a legacy driver has no such step (3.1.2). */
static void features_settle(struct virtio *v, u8 *status, bool legacy)
{
	u64 want = v->driver_features;

	if (legacy) {
		v->features = want & v->offered & 0xffffffff;
		return;
	}
	if (!(*status & STATUS_FEATURES_OK) || v->status & STATUS_FEATURES_OK)
		return;
	if (want & ~v->offered || !(want >> VIRTIO_F_VERSION_1 & 1))
		*status &= (u8)~STATUS_FEATURES_OK;
	else
		v->features = want;
}

void virtio_status_set(struct virtio *v, u8 status, bool legacy)
{
	unsigned int i;

	if (!status) {
		virtio_soft_reset(v);
		return;
	}
	status |= v->status & STATUS_NEEDS_RESET;
	features_settle(v, &status, legacy);
	/* Early drivers forget to allow bus mastering. */
	if (legacy && status & STATUS_DRIVER_OK)
		v->pci.config[4] |= PCI_COMMAND_MASTER;
	v->status = status;
	if (v->ops->ready)
		v->ops->ready(v);
	if (!(status & STATUS_DRIVER_OK))
		return;
	/* Buffers offered before, whose notification was not for a driver yet. */
	for (i = 0; i < v->nqueues; i++)
		virtio_kick(v, i);
}

void virtio_kick(struct virtio *v, unsigned int q)
{
	if (q < v->nqueues && v->vq[q].enabled && virtio_running(v))
		v->ops->kick(v, q);
}

/* ---- class callbacks ---- */

int virtio_init(struct virtio *v, const struct virtio_cfg *cfg, const struct virtio_ops *ops,
		u8 nqueues, u64 offered)
{
	int err = gm_pci_init(&v->pci, &cfg->pci);

	if (err)
		return err;
	if (nqueues > VIRTIO_QUEUES)
		return -EINVAL;
	v->ops = ops;
	v->nqueues = nqueues;
	v->modern = cfg->modern;
	v->offered = offered | RING_FEATURES | 1ULL << VIRTIO_F_VERSION_1;
	if (!cfg->split)
		v->offered |= 1ULL << VIRTIO_F_PACKED;
	return virtio_pci_init(v);
}

void virtio_reset(struct gm_dev *d)
{
	struct virtio *v = container_of(d, struct virtio, pci.dev);

	gm_pci_reset(&v->pci);
	if (v->modern) {
		gm_pci_set16(&v->pci, 0x02, VIRTIO_MODERN_ID + v->ops->type);
		v->pci.config[0x08] = 1;
	}
	gm_msix_reset(&v->msix);
	virtio_soft_reset(v);
	v->generation = 0;
}

void virtio_pause(struct gm_dev *d)
{
	container_of(d, struct virtio, pci.dev)->paused = true;
}

void virtio_resume(struct gm_dev *d)
{
	struct virtio *v = container_of(d, struct virtio, pci.dev);
	unsigned int i;

	v->paused = false;
	for (i = 0; i < v->nqueues; i++)
		virtio_kick(v, i);
}

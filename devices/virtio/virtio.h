/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio devices on PCI: what block, net, console, rng and balloon have in common.
 * Source: Virtual I/O Device (VIRTIO) Version 1.2, OASIS: chapters 2 (basic facilities) and 4.1
 * (PCI); its parts on legacy and transitional devices.
 *
 * The guest owns the rings and may change them at any time: every descriptor is read once, into a
 * copy that is checked and then used. A ring that makes no sense stops the device until the guest
 * resets it. Machine lock held in every function here.
 */
#ifndef GM_VIRTIO_H
#define GM_VIRTIO_H

#include "devices/pci/msix.h"

#define VIRTIO_QUEUES     9   /* of a device, at most */
#define VIRTIO_QUEUE_SIZE 256 /* entries of a queue, and descriptors of a chain, at most */
#define VIRTIO_CONFIG_MAX 64

/* Feature bits of every device (2.2 and chapter 6). */
#define VIRTIO_F_INDIRECT  28
#define VIRTIO_F_EVENT_IDX 29
#define VIRTIO_F_VERSION_1 32
#define VIRTIO_F_PACKED    34

#define VIRTIO_MODERN_ID 0x1040 /* plus the type: PCI device id without transitional interface */

/* Device types (chapter 5). */
#define VIRTIO_NET     1
#define VIRTIO_BLK     2
#define VIRTIO_CONSOLE 3
#define VIRTIO_RNG     4
#define VIRTIO_BALLOON 5

struct virtio;

struct vq_seg {
	u64 gpa;
	u32 len;
};

/* A chain of buffers as the guest offered it: first those the device reads, then those it writes.
 * Every segment ends within the address space. */
struct vq_chain {
	u16 id;          /* split: index of its head; packed: the buffer's id */
	u16 slots;       /* packed: places that it takes in the ring */
	unsigned int nout, nin;
	u64 out_len, in_len; /* bytes */
	struct vq_seg seg[VIRTIO_QUEUE_SIZE];
};

struct virtqueue {
	bool enabled;
	u16 size;         /* entries; split: a power of two */
	u16 vector;
	u64 desc, avail, used; /* split: the three parts; packed: ring, driver and device events */
	u16 last_avail, used_idx, signalled;
	bool avail_wrap, used_wrap; /* packed: ring wrap counters */
	bool signalled_valid;
	u32 pfn;          /* legacy: queue address as written */
};

struct virtio_ops {
	u16 type;
	u8 nqueues;
	u16 config_len;
	/* What the configuration structure holds now, config_len bytes, little-endian. */
	void (*config_get)(struct virtio *v, u8 *buf);
	/* optional: the guest wrote size bytes at off */
	void (*config_set)(struct virtio *v, unsigned int off, unsigned int size, u32 val);
	/* The guest notified queue q (or the device runs again and looks by itself). */
	void (*kick)(struct virtio *v, unsigned int q);
	/* optional: the guest wrote the status: DRIVER_OK may be new */
	void (*ready)(struct virtio *v);
	/* The device's own state to its defaults; nothing of it may refer to a queue afterwards. */
	void (*reset)(struct virtio *v);
};

/* What every virtio device's structure begins with. */
struct virtio {
	struct gm_pci_dev pci;
	struct gm_msix msix;
	const struct virtio_ops *ops;
	struct virtqueue vq[VIRTIO_QUEUES];
	u64 offered, features;  /* feature bits of the device; what the driver took */
	u64 driver_features;    /* as written, before FEATURES_OK */
	u32 device_sel, driver_sel;
	u16 queue_sel, config_vector;
	u8 nqueues;             /* this device's; at most ops->nqueues */
	u8 status, isr, generation;
	bool legacy;  /* the driver came through the legacy registers */
	bool broken;            /* a ring made no sense: wait for a reset */
	bool modern;            /* no transitional interface */
	bool paused;
};

/* What every virtio device's configuration begins with. */
struct virtio_cfg {
	struct gm_pci_cfg pci;
	bool modern;            /* without the transitional interface */
	bool split;             /* do not offer packed rings */
};

/* In the class's init: puts it on the bus. offered: the device's own feature bits; those of rings
 * are added. -errno. */
int virtio_init(struct virtio *v, const struct virtio_cfg *cfg, const struct virtio_ops *ops,
		u8 nqueues, u64 offered);
/* The class's reset, pause, resume, loaded and config_written. */
void virtio_reset(struct gm_dev *d);
void virtio_pause(struct gm_dev *d);
void virtio_resume(struct gm_dev *d);
int virtio_loaded(struct gm_dev *d);
void virtio_config_written(struct gm_pci_dev *d, unsigned int off, unsigned int size);
u32 virtio_config_read(struct gm_pci_dev *d, unsigned int off, unsigned int size, u32 val);

extern const struct gm_state_desc virtio_state;

static inline bool virtio_has(const struct virtio *v, unsigned int bit)
{
	return v->features >> bit & 1;
}

/* Whether the driver has set the device up and it is not broken. */
bool virtio_running(const struct virtio *v);
/* Tells the guest that the configuration structure has changed. */
void virtio_config_changed(struct virtio *v);
/* The guest broke the rules: nothing works until it resets the device. */
void virtio_break(struct virtio *v);

/* ---- queues ---- */

/* Takes the next chain. False when there is none (or the ring made no sense); then the guest is
 * asked for a notification. */
bool vq_pop(struct virtio *v, unsigned int q, struct vq_chain *c);
/* Takes back the chain that vq_pop() gave last: it will be given again. */
void vq_unpop(struct virtio *v, unsigned int q, const struct vq_chain *c);
/* Gives a chain back with `written` bytes in its device-writable part. Several can be given back
 * before one vq_notify(). */
void vq_push(struct virtio *v, unsigned int q, u16 id, u16 slots, u32 written);
/* The interrupt, if the guest wants one for what was pushed. */
void vq_notify(struct virtio *v, unsigned int q);

/* Copies from the readable (writable) part of a chain at offset off; returns the bytes copied,
 * less than len at its end. */
size_t vq_read(struct virtio *v, const struct vq_chain *c, u64 off, void *buf, size_t len);
size_t vq_write(struct virtio *v, const struct vq_chain *c, u64 off, const void *buf, size_t len);

/* ---- between virtio.c and virtio_pci.c ---- */

/* A queue's addresses are set: from now on it is used. */
void vq_start(struct virtio *v, unsigned int q);
void vq_reset(struct virtqueue *vq);
/* Accepts or refuses the driver's features; the status byte that results. */
void virtio_status_set(struct virtio *v, u8 status, bool legacy);
void virtio_soft_reset(struct virtio *v);
void virtio_kick(struct virtio *v, unsigned int q);
void virtio_interrupt(struct virtio *v, u16 vector, u8 isr);
int virtio_pci_init(struct virtio *v);

#endif

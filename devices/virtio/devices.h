/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The virtio devices and their configurations. */
#ifndef GM_VIRTIO_DEVICES_H
#define GM_VIRTIO_DEVICES_H

#include "devices/virtio/virtio.h"
#include "vmm/block/block.h"
#include "vmm/net/net.h"
#include "vmm/ui/chardev.h"

#define VIRTIO_BLK_QUEUES 8

struct virtio_blk_cfg {
	struct virtio_cfg v;
	struct gm_blk *blk;  /* stays the caller's */
	u8 queues;           /* 1 to VIRTIO_BLK_QUEUES; 0: 1 */
	const char *serial;  /* at most 20 characters; NULL: the device's id */
};
extern const struct gm_pci_class virtio_blk_class;

struct virtio_net_cfg {
	struct virtio_cfg v;
	struct gm_net *net;  /* or NULL: no cable */
	struct gm_ram *rom;  /* boot ROM, or NULL */
	u8 mac[6];
};
extern const struct gm_pci_class virtio_net_class;

struct virtio_console_cfg {
	struct virtio_cfg v;
	struct gm_char *chr; /* or NULL: not connected */
};
extern const struct gm_pci_class virtio_console_class;

struct virtio_rng_cfg {
	struct virtio_cfg v;
};
extern const struct gm_pci_class virtio_rng_class;

struct virtio_balloon_cfg {
	struct virtio_cfg v;
};
extern const struct gm_pci_class virtio_balloon_class;
/* How many MiB the guest shall give back, as it was set, and how many it has given. */
void virtio_balloon_set(struct gm_dev *d, u32 mib);
u32 virtio_balloon_wanted(struct gm_dev *d);
u32 virtio_balloon_get(struct gm_dev *d);

#endif

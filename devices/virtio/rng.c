// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * virtio entropy device: fills buffers with bytes of the host's generator. Source: VIRTIO 1.2,
 * section 5.4.
 */
#include <sys/random.h>

#include "devices/virtio/devices.h"

#define BYTES_MAX 4096 /* of one buffer; a device may give less than was asked for */

struct vrng {
	struct virtio v;
};

static void vrng_config_get(struct virtio *v, u8 *buf)
{
}

static void vrng_kick(struct virtio *v, unsigned int q)
{
	u8 buf[BYTES_MAX];
	struct vq_chain c;

	while (vq_pop(v, q, &c)) {
		ssize_t n = getrandom(buf, (size_t)MIN(c.in_len, (u64)sizeof(buf)), 0);

		n = n < 0 ? 0 : n;
		vq_push(v, q, c.id, c.slots, (u32)vq_write(v, &c, 0, buf, (size_t)n));
	}
	vq_notify(v, q);
}

static void vrng_soft_reset(struct virtio *v)
{
}

static const struct virtio_ops vrng_ops = {
	.type = VIRTIO_RNG,
	.nqueues = 1,
	.config_get = vrng_config_get,
	.kick = vrng_kick,
	.reset = vrng_soft_reset,
};

static int vrng_init(struct gm_dev *d, const void *cfg_)
{
	struct vrng *s = container_of(d, struct vrng, v.pci.dev);
	const struct virtio_rng_cfg *cfg = cfg_;

	return virtio_init(&s->v, &cfg->v, &vrng_ops, 1, 0);
}

static const struct gm_field vrng_fields[] = {
	GM_STRUCT(struct vrng, v, &virtio_state),
	GM_FIELDS_END,
};

static const struct gm_state_desc vrng_state = {
	.name = "virtio-rng",
	.version = 1,
	.size = sizeof(struct vrng),
	.fields = vrng_fields,
};

const struct gm_pci_class virtio_rng_class = {
	.dev = {
		.name = "virtio-rng",
		.title = "virtio entropy device",
		.size = sizeof(struct vrng),
		.state = &vrng_state,
		.init = vrng_init,
		.reset = virtio_reset,
		.pause = virtio_pause,
		.resume = virtio_resume,
		.loaded = virtio_loaded,
	},
	.vendor = 0x1af4,
	.device = 0x1005,
	.subvendor = 0x1af4,
	.subdevice = VIRTIO_RNG,
	.class_code = 0x00ff00,
	.int_pin = 1,
	.config_written = virtio_config_written,
	.config_read = virtio_config_read,
};

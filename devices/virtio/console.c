// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * virtio console, one port: hvc0 in a Linux guest. Source: VIRTIO 1.2, section 5.3.
 */
#include "devices/virtio/devices.h"

#define F_EMERG_WRITE 2

enum { Q_RX, Q_TX, Q_COUNT };

struct vcon {
	struct virtio v;
	struct gm_char *chr;
};

/* Bytes that the guest's next buffer takes: it is looked at and put back. */
static size_t vcon_can_receive(void *opaque)
{
	struct vcon *s = opaque;
	struct vq_chain c;

	if (!virtio_running(&s->v) || !vq_pop(&s->v, Q_RX, &c))
		return 0;
	vq_unpop(&s->v, Q_RX, &c);
	return (size_t)MIN(c.in_len, (u64)4096);
}

static void vcon_receive(void *opaque, const u8 *buf, size_t len)
{
	struct vcon *s = opaque;
	struct vq_chain c;
	size_t n;

	while (len && vq_pop(&s->v, Q_RX, &c)) {
		n = vq_write(&s->v, &c, 0, buf, len);
		vq_push(&s->v, Q_RX, c.id, c.slots, (u32)n);
		buf += n;
		len -= n;
	}
	vq_notify(&s->v, Q_RX);
}

static void vcon_kick(struct virtio *v, unsigned int q)
{
	struct vcon *s = container_of(v, struct vcon, v);
	struct vq_chain c;
	u8 buf[1024];
	size_t n;
	u64 at;

	if (q == Q_RX) {
		gm_char_ready(s->chr);
		return;
	}
	while (vq_pop(v, q, &c)) {
		/* What one chain can make the host do is bounded. */
		for (at = 0; at < 65536 && (n = vq_read(v, &c, at, buf, sizeof(buf))); at += n)
			gm_char_write(s->chr, buf, n);
		vq_push(v, q, c.id, c.slots, 0);
	}
	vq_notify(v, q);
}

/* cols, rows, max_nr_ports, emerg_wr: only the last has a meaning without the features. */
static void vcon_config_get(struct virtio *v, u8 *buf)
{
	memset(buf, 0, 12);
	buf[4] = 1;
}

static void vcon_config_set(struct virtio *v, unsigned int off, unsigned int size, u32 val)
{
	struct vcon *s = container_of(v, struct vcon, v);
	u8 byte = (u8)val;

	if (off == 8)
		gm_char_write(s->chr, &byte, 1);
}

static void vcon_soft_reset(struct virtio *v)
{
}

static const struct virtio_ops vcon_ops = {
	.type = VIRTIO_CONSOLE,
	.nqueues = Q_COUNT,
	.config_len = 12,
	.config_get = vcon_config_get,
	.config_set = vcon_config_set,
	.kick = vcon_kick,
	.reset = vcon_soft_reset,
};

static int vcon_init(struct gm_dev *d, const void *cfg_)
{
	struct vcon *s = container_of(d, struct vcon, v.pci.dev);
	const struct virtio_console_cfg *cfg = cfg_;
	struct gm_char_client client = {.can_receive = vcon_can_receive, .receive = vcon_receive,
					.opaque = s};
	int err = virtio_init(&s->v, &cfg->v, &vcon_ops, Q_COUNT, 1ULL << F_EMERG_WRITE);

	s->chr = cfg->chr;
	if (!err && s->chr)
		gm_char_set_client(s->chr, &client);
	return err;
}

static const struct gm_field vcon_fields[] = {
	GM_STRUCT(struct vcon, v, &virtio_state),
	GM_OMIT(struct vcon, chr, "machine configuration"),
	GM_FIELDS_END,
};

static const struct gm_state_desc vcon_state = {
	.name = "virtio-console",
	.version = 1,
	.size = sizeof(struct vcon),
	.fields = vcon_fields,
};

const struct gm_pci_class virtio_console_class = {
	.dev = {
		.name = "virtio-console",
		.title = "virtio console",
		.size = sizeof(struct vcon),
		.state = &vcon_state,
		.init = vcon_init,
		.reset = virtio_reset,
		.pause = virtio_pause,
		.resume = virtio_resume,
		.loaded = virtio_loaded,
	},
	.vendor = 0x1af4,
	.device = 0x1003,
	.subvendor = 0x1af4,
	.subdevice = VIRTIO_CONSOLE,
	.class_code = 0x078000,
	.int_pin = 1,
	.config_written = virtio_config_written,
	.config_read = virtio_config_read,
};

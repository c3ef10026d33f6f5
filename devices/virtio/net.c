// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * virtio network device: checksum and TCP segmentation for the driver, mergeable receive buffers,
 * control queue (filters, address). Source: VIRTIO 1.2, section 5.1.
 */
#include <errno.h>

#include "devices/net/offload.h"
#include "devices/virtio/devices.h"

#define F_CSUM          0
#define F_GUEST_CSUM    1
#define F_MAC           5
#define F_HOST_TSO4     11
#define F_HOST_TSO6     12
#define F_MRG_RXBUF     15
#define F_STATUS        16
#define F_CTRL_VQ       17
#define F_CTRL_RX       18
#define F_CTRL_VLAN     19
#define F_CTRL_MAC_ADDR 23

enum { Q_RX, Q_TX, Q_CTRL, Q_COUNT };

#define HDR_NEEDS_CSUM  1
#define HDR_DATA_VALID  2
#define GSO_NONE        0
#define GSO_TCPV4       1
#define GSO_TCPV6       4
#define GSO_ECN         0x80

#define MACS_MAX        64
#define TX_ROUND        256 /* packets sent in one go */
#define CTRL_DATA_MAX   (4 + 6 * MACS_MAX)

#define CTRL_OK         0
#define CTRL_ERR        1

struct net_hdr {
	u8 flags, gso_type;
	u16 hdr_len, gso_size, csum_start, csum_offset;
	u16 num_buffers; /* with VERSION_1 or MRG_RXBUF */
} __attribute__((packed));

enum { RX_PROMISC, RX_ALLMULTI, RX_ALLUNI, RX_NOMULTI, RX_NOUNI, RX_NOBCAST, RX_MODES };

struct vnet {
	struct virtio v;
	struct gm_net *net;
	struct gm_timer more;      /* goes on sending */
	u8 mac[6], default_mac[6];
	bool mode[RX_MODES];
	u8 macs[MACS_MAX][6];      /* unicast first */
	u16 nuni, nmulti;
	bool overflow_uni, overflow_multi; /* more than the table holds: let all pass */
	u8 vlans[4096 / 8];
	bool rx_wait;              /* a frame waits for a buffer */
	u8 tx[NET_TX_MAX];
};

static size_t hdr_len(const struct virtio *v)
{
	return virtio_has(v, VIRTIO_F_VERSION_1) || virtio_has(v, F_MRG_RXBUF) ? 12 : 10;
}

/* ---- sending ---- */

/* Header offsets for net_tso_send() from the frame itself: the header's hdr_len is a hint only. */
static bool tso_layout(const u8 *p, size_t len, const struct net_hdr *h, struct net_tso *t)
{
	t->l3 = 14;
	if (len >= 18 && net_get16(p + 12) == NET_VLAN_TYPE)
		t->l3 = 18;
	t->l4 = h->csum_start;
	t->mss = h->gso_size;
	if (t->l4 + 20 > len || t->l4 <= t->l3)
		return false;
	t->hdr = t->l4 + (p[t->l4 + 12] >> 4) * 4u;
	return t->hdr >= t->l4 + 20;
}

static void tx_frame(struct vnet *s, size_t len, const struct net_hdr *h)
{
	unsigned int gso = h->gso_type & ~GSO_ECN;
	struct net_tso t;

	if (gso == GSO_TCPV4 || gso == GSO_TCPV6) {
		if (tso_layout(s->tx, len, h, &t))
			net_tso_send(s->net, s->tx, len, &t);
		return;
	}
	if (gso != GSO_NONE)
		return;
	if (h->flags & HDR_NEEDS_CSUM)
		net_csum_store(s->tx, len, h->csum_start, (size_t)h->csum_start + h->csum_offset,
			       len);
	gm_net_send(s->net, s->tx, len);
}

static void tx_run(struct vnet *s)
{
	struct virtio *v = &s->v;
	size_t hlen = hdr_len(v), len;
	unsigned int left = TX_ROUND;
	struct net_hdr h;
	struct vq_chain c;

	while (left && vq_pop(v, Q_TX, &c)) {
		left--;
		if (vq_read(v, &c, 0, &h, hlen) == hlen) {
			len = vq_read(v, &c, hlen, s->tx, sizeof(s->tx));
			/* Longer than any packet: nothing to send in part. */
			if (c.out_len - hlen == len)
				tx_frame(s, len, &h);
		}
		vq_push(v, Q_TX, c.id, c.slots, 0);
	}
	vq_notify(v, Q_TX);
	if (!left && !gm_timer_active(&s->more))
		gm_timer_set(&s->more, gm_clock_now(v->pci.dev.m->clock));
}

static void tx_more(void *opaque)
{
	struct vnet *s = opaque;

	if (virtio_running(&s->v) && s->v.vq[Q_TX].enabled)
		tx_run(s);
}

/* ---- receiving ---- */

static bool mac_listed(const struct vnet *s, const u8 *mac, unsigned int from, unsigned int n)
{
	unsigned int i;

	for (i = from; i < from + n; i++)
		if (!memcmp(s->macs[i], mac, 6))
			return true;
	return false;
}

/* 5.1.6.5: which frames are the guest's. */
static bool rx_wanted(const struct vnet *s, const u8 *p, size_t len)
{
	if (s->mode[RX_PROMISC])
		return true;
	if (virtio_has(&s->v, F_CTRL_VLAN) && len >= 16 && net_get16(p + 12) == NET_VLAN_TYPE) {
		unsigned int id = net_get16(p + 14) & 0xfff;

		if (!(s->vlans[id / 8] >> id % 8 & 1))
			return false;
	}
	if (net_is_broadcast(p))
		return !s->mode[RX_NOBCAST];
	if (p[0] & 1)
		return !s->mode[RX_NOMULTI] && (s->mode[RX_ALLMULTI] || s->overflow_multi ||
						mac_listed(s, p, s->nuni, s->nmulti));
	return !s->mode[RX_NOUNI] && (s->mode[RX_ALLUNI] || s->overflow_uni ||
				      !memcmp(p, s->mac, 6) || mac_listed(s, p, 0, s->nuni));
}

static u8 rx_flags(const struct vnet *s, const u8 *p, size_t len)
{
	if (!virtio_has(&s->v, F_GUEST_CSUM))
		return 0;
	return net_csum_check(p, len) & NET_L4_GOOD ? HDR_DATA_VALID : 0;
}

/*
 * A frame over as many chains as it takes. All are pushed at the end: without enough buffers they
 * are taken back in the reverse order and the frame waits.
 */
static bool rx_store(struct vnet *s, const u8 *p, size_t len)
{
	struct virtio *v = &s->v;
	struct net_hdr h = {.flags = rx_flags(s, p, len)};
	struct {
		u16 id, slots;
		u32 written;
	} used[64];
	size_t hlen = hdr_len(v), done = 0, n;
	struct vq_chain c, first;
	unsigned int count = 0, i;

	while (!count || done < len) {
		size_t at = count ? 0 : hlen;

		if (count == ARRAY_SIZE(used) || (count && !virtio_has(v, F_MRG_RXBUF)))
			break;
		if (!vq_pop(v, Q_RX, &c))
			goto wait;
		if (c.in_len <= at) {
			virtio_break(v);
			return true;
		}
		n = vq_write(v, &c, at, p + done, len - done);
		done += n;
		used[count].id = c.id;
		used[count].slots = c.slots;
		used[count].written = (u32)(at + n);
		if (!count++)
			first = c;
	}
	/* A buffer too small for the frame takes none of it: it is lost. */
	if (done < len) {
		while (count--)
			vq_unpop(v, Q_RX, &(struct vq_chain){.slots = used[count].slots});
		return true;
	}
	h.num_buffers = (u16)count;
	vq_write(v, &first, 0, &h, hlen);
	for (i = 0; i < count; i++)
		vq_push(v, Q_RX, used[i].id, used[i].slots, used[i].written);
	vq_notify(v, Q_RX);
	return true;
wait:
	while (count--)
		vq_unpop(v, Q_RX, &(struct vq_chain){.slots = used[count].slots});
	return v->broken;
}

static bool vnet_receive(void *opaque, const u8 *frame, size_t len)
{
	struct vnet *s = opaque;

	if (s->v.paused)
		return false;
	/* No driver: nobody hears it. */
	if (!virtio_running(&s->v) || !s->v.vq[Q_RX].enabled || !rx_wanted(s, frame, len))
		return true;
	if (rx_store(s, frame, len))
		return true;
	s->rx_wait = true;
	return false;
}

/* ---- control queue ---- */

static bool ctrl_rx(struct vnet *s, u8 cmd, const u8 *data, size_t len)
{
	if (cmd >= RX_MODES || len != 1)
		return false;
	s->mode[cmd] = data[0];
	return true;
}

/* Two lists, unicast and multicast: u32 count, then the addresses. */
static bool ctrl_mac_table(struct vnet *s, const u8 *data, size_t len, u64 total)
{
	unsigned int list, n = 0;
	size_t at = 0;
	u32 count;

	s->nuni = s->nmulti = 0;
	s->overflow_uni = s->overflow_multi = false;
	for (list = 0; list < 2; list++) {
		u16 *have = list ? &s->nmulti : &s->nuni;
		bool *over = list ? &s->overflow_multi : &s->overflow_uni;

		if (at + 4 > len)
			return total > len && (s->overflow_multi = true);
		memcpy(&count, data + at, 4);
		at += 4;
		if (count > MACS_MAX - n || at + 6ULL * count > len) {
			*over = true;
			/* The second list may lie beyond what was copied. */
			if (!list)
				s->overflow_multi = true;
			return 6ULL * count <= total;
		}
		memcpy(s->macs[n], data + at, 6 * count);
		*have = (u16)count;
		n += count;
		at += 6 * count;
	}
	return true;
}

static bool ctrl_mac(struct vnet *s, u8 cmd, const u8 *data, size_t len, u64 total)
{
	if (cmd == 0)
		return ctrl_mac_table(s, data, len, total);
	if (cmd != 1 || len != 6)
		return false;
	memcpy(s->mac, data, 6);
	return true;
}

static bool ctrl_vlan(struct vnet *s, u8 cmd, const u8 *data, size_t len)
{
	unsigned int id;

	if (cmd > 1 || len != 2)
		return false;
	id = data[0] | (data[1] & 15u) << 8;
	if (cmd)
		s->vlans[id / 8] &= (u8)~(1u << id % 8);
	else
		s->vlans[id / 8] |= (u8)(1u << id % 8);
	return true;
}

static void ctrl_run(struct vnet *s)
{
	struct virtio *v = &s->v;
	u8 head[2], data[CTRL_DATA_MAX], ack;
	struct vq_chain c;

	while (vq_pop(v, Q_CTRL, &c)) {
		bool ok = false;
		size_t len;

		if (vq_read(v, &c, 0, head, 2) != 2 || !c.in_len) {
			virtio_break(v);
			return;
		}
		len = vq_read(v, &c, 2, data, sizeof(data));
		if (head[0] == 0)
			ok = ctrl_rx(s, head[1], data, len);
		else if (head[0] == 1)
			ok = ctrl_mac(s, head[1], data, len, c.out_len - 2);
		else if (head[0] == 2)
			ok = ctrl_vlan(s, head[1], data, len);
		ack = ok ? CTRL_OK : CTRL_ERR;
		vq_write(v, &c, 0, &ack, 1);
		vq_push(v, Q_CTRL, c.id, c.slots, 1);
	}
	vq_notify(v, Q_CTRL);
}

static void vnet_kick(struct virtio *v, unsigned int q)
{
	struct vnet *s = container_of(v, struct vnet, v);

	if (q == Q_TX) {
		tx_run(s);
	} else if (q == Q_CTRL) {
		ctrl_run(s);
	} else if (s->rx_wait) {
		s->rx_wait = false;
		gm_net_ready(s->net);
	}
}

/* ---- configuration ---- */

static void vnet_config_get(struct virtio *v, u8 *buf)
{
	struct vnet *s = container_of(v, struct vnet, v);

	memcpy(buf, s->mac, 6);
	buf[6] = gm_net_link(s->net);
	buf[7] = 0;
	buf[8] = 1; /* max_virtqueue_pairs */
	buf[9] = 0;
}

/* A legacy driver may set the address here. */
static void vnet_config_set(struct virtio *v, unsigned int off, unsigned int size, u32 val)
{
	struct vnet *s = container_of(v, struct vnet, v);

	if (!virtio_has(v, VIRTIO_F_VERSION_1) && off + size <= 6)
		memcpy(s->mac + off, &val, size);
}

static void vnet_link_changed(void *opaque, bool up)
{
	struct vnet *s = opaque;

	virtio_config_changed(&s->v);
}

static void vnet_soft_reset(struct virtio *v)
{
	struct vnet *s = container_of(v, struct vnet, v);

	gm_timer_cancel(&s->more);
	memcpy(s->mac, s->default_mac, 6);
	memset(s->mode, 0, sizeof(s->mode));
	s->mode[RX_PROMISC] = true; /* until the driver says otherwise */
	s->nuni = s->nmulti = 0;
	s->overflow_uni = s->overflow_multi = false;
	memset(s->vlans, 0, sizeof(s->vlans));
	s->rx_wait = false;
	gm_net_ready(s->net);
}

static const struct virtio_ops vnet_ops = {
	.type = VIRTIO_NET,
	.nqueues = Q_COUNT,
	.config_len = 10,
	.config_get = vnet_config_get,
	.config_set = vnet_config_set,
	.kick = vnet_kick,
	.reset = vnet_soft_reset,
};

/* ---- class ---- */

static int vnet_init(struct gm_dev *d, const void *cfg_)
{
	struct vnet *s = container_of(d, struct vnet, v.pci.dev);
	const struct virtio_net_cfg *cfg = cfg_;
	u64 offered = 1ULL << F_CSUM | 1ULL << F_GUEST_CSUM | 1ULL << F_MAC | 1ULL << F_HOST_TSO4 |
		      1ULL << F_HOST_TSO6 | 1ULL << F_MRG_RXBUF | 1ULL << F_STATUS |
		      1ULL << F_CTRL_VQ | 1ULL << F_CTRL_RX | 1ULL << F_CTRL_VLAN |
		      1ULL << F_CTRL_MAC_ADDR;
	struct gm_net_client client = {.receive = vnet_receive, .link_changed = vnet_link_changed,
				       .opaque = s};
	int err;

	s->net = cfg->net;
	memcpy(s->default_mac, cfg->mac, 6);
	gm_timer_init(&s->more, d->m->clock, tx_more, s);
	err = virtio_init(&s->v, &cfg->v, &vnet_ops, Q_COUNT, offered);
	if (!err && cfg->rom)
		err = gm_pci_bar_add(&s->v.pci, GM_PCI_ROM,
				     &(struct gm_pci_bar){.size = cfg->rom->size, .ram = cfg->rom},
				     NULL);
	if (!err)
		gm_net_set_client(s->net, &client);
	return err;
}

static void vnet_resume(struct gm_dev *d)
{
	struct vnet *s = container_of(d, struct vnet, v.pci.dev);

	virtio_resume(d);
	gm_net_ready(s->net);
}

static int vnet_loaded(struct gm_dev *d)
{
	struct vnet *s = container_of(d, struct vnet, v.pci.dev);

	if (s->nuni + s->nmulti > MACS_MAX)
		return -EINVAL;
	return virtio_loaded(d);
}

static void vnet_fini(struct gm_dev *d)
{
	gm_timer_cancel(&container_of(d, struct vnet, v.pci.dev)->more);
}

static const struct gm_field vnet_fields[] = {
	GM_STRUCT(struct vnet, v, &virtio_state),
	GM_TIMER(struct vnet, more),
	GM_BYTES(struct vnet, mac),
	GM_BOOL(struct vnet, mode),
	GM_BYTES(struct vnet, macs),
	GM_U16(struct vnet, nuni),
	GM_U16(struct vnet, nmulti),
	GM_BOOL(struct vnet, overflow_uni),
	GM_BOOL(struct vnet, overflow_multi),
	GM_BYTES(struct vnet, vlans),
	GM_BOOL(struct vnet, rx_wait),
	GM_OMIT(struct vnet, net, "machine configuration"),
	GM_OMIT(struct vnet, default_mac, "machine configuration"),
	GM_OMIT(struct vnet, tx, "a buffer that is empty between packets"),
	GM_FIELDS_END,
};

static const struct gm_state_desc vnet_state = {
	.name = "virtio-net",
	.version = 1,
	.size = sizeof(struct vnet),
	.fields = vnet_fields,
};

const struct gm_pci_class virtio_net_class = {
	.dev = {
		.name = "virtio-net",
		.title = "virtio network card",
		.size = sizeof(struct vnet),
		.state = &vnet_state,
		.init = vnet_init,
		.reset = virtio_reset,
		.pause = virtio_pause,
		.resume = vnet_resume,
		.loaded = vnet_loaded,
		.fini = vnet_fini,
	},
	.vendor = 0x1af4,
	.device = 0x1000,
	.subvendor = 0x1af4,
	.subdevice = VIRTIO_NET,
	.class_code = 0x020000,
	.int_pin = 1,
	.config_written = virtio_config_written,
	.config_read = virtio_config_read,
};

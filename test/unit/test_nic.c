// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Network cards through their registers: e1000 and virtio-net; and what cards
 * compute for their drivers (checksums, segments, tags).
 */
#include "test/unit/lib/nic_board.h"

/* ---- what cards compute ---- */

static const struct {
	const char *name;
	u8 bytes[9];
	size_t len;
	u16 want;
} sums[] = {
	{"RFC 1071's example", {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}, 8, 0xddf2},
	{"nothing", {0}, 0, 0},
	{"odd length", {0x12, 0x34, 0x56}, 3, 0x6834},
	{"carry", {0xff, 0xff, 0x00, 0x01}, 4, 0x0001},
};

START_TEST(test_sum)
{
	ck_assert_msg(net_sum(sums[_i].bytes, sums[_i].len, 0) == sums[_i].want, "%s: %#x",
		      sums[_i].name, net_sum(sums[_i].bytes, sums[_i].len, 0));
}
END_TEST

START_TEST(test_crc)
{
	ck_assert_uint_eq(net_crc32((const u8 *)"123456789", 9), 0xcbf43926);
	/* The upper bits of the CRC in the order of the wire: computed from zlib's, bits reversed. */
	ck_assert_uint_eq(net_mac_hash(group), 31);
}
END_TEST

static const struct {
	const char *name;
	size_t payload;
	unsigned int mss;
	size_t l3, l4, hdr;
	unsigned int frames; /* 0: refused */
} segments[] = {
	{"exact", 2000, 1000, 14, 34, 54, 2},
	{"rest", 2001, 1000, 14, 34, 54, 3},
	{"one", 10, 1000, 14, 34, 54, 1},
	{"no payload", 0, 1000, 14, 34, 54, 0},
	{"no segment size", 2000, 0, 14, 34, 54, 0},
	{"segments of a byte", 4000, 1, 14, 34, 54, 0},
	{"headers in the wrong order", 2000, 1000, 34, 14, 54, 0},
	{"header length before the TCP header", 2000, 1000, 14, 34, 40, 0},
	{"headers longer than the frame", 10, 1000, 14, 34, 2000, 0},
	{"segment larger than any frame", 2000, 20000, 14, 34, 54, 0},
};

START_TEST(test_segments)
{
	struct net_tso t = {segments[_i].l3, segments[_i].l4, segments[_i].hdr, segments[_i].mss};
	u8 p[8192];
	size_t sum = 0;
	unsigned int i;
	u32 seq;

	net = calloc(1, sizeof(*net));
	fake_tcp(p, other, segments[_i].payload);
	ck_assert_msg(net_tso_send(net, p, 54 + segments[_i].payload, &t) == !!segments[_i].frames,
		      "%s", segments[_i].name);
	ck_assert_msg(net->nsent == segments[_i].frames, "%s: %u frames", segments[_i].name,
		      net->nsent);
	for (i = 0; i < net->nsent; i++) {
		const u8 *f = net->sent[i].data;
		size_t n = net->sent[i].len - 54;

		ck_assert_uint_eq(tcp_check(f, net->sent[i].len), NET_IP_GOOD | NET_L4_GOOD);
		ck_assert_uint_eq(net_get16(f + 16), 40 + n);
		ck_assert_uint_eq(net_get16(f + 18), i);
		seq = (u32)net_get16(f + 38) << 16 | net_get16(f + 40);
		ck_assert_uint_eq(seq, 1000 + sum);
		/* FIN and PSH are the last one's. */
		ck_assert_uint_eq(f[47], i + 1 == net->nsent ? 0x19 : 0x10);
		ck_assert(!memcmp(f + 54, p + 54 + sum, n));
		sum += n;
	}
	ck_assert_uint_eq(sum, segments[_i].frames ? segments[_i].payload : 0);
	free(net);
}
END_TEST

static const struct {
	const char *name;
	unsigned int at;
	u8 flip;
	size_t len;
	unsigned int want;
} checks[] = {
	{"good", 0, 0, 154, NET_IP_CHECKED | NET_IP_GOOD | NET_L4_CHECKED | NET_L4_GOOD},
	{"payload", 100, 1, 154, NET_IP_CHECKED | NET_IP_GOOD | NET_L4_CHECKED},
	{"TTL", 22, 1, 154, NET_IP_CHECKED | NET_L4_CHECKED | NET_L4_GOOD},
	{"not IP", 12, 1, 154, 0},
	{"header length of 60", 14, 0x0a, 154, NET_IP_CHECKED | NET_L4_CHECKED},
	{"cut off", 0, 0, 100, NET_IP_CHECKED},
	{"only a header", 0, 0, 14, 0},
	{"fragment", 20, 0x20, 154, NET_IP_CHECKED},
	{"other protocol", 23, 0x40, 154, NET_IP_CHECKED},
};

START_TEST(test_check)
{
	u8 p[256];
	struct net_tso t = {14, 34, 54, 1000};

	net = calloc(1, sizeof(*net));
	fake_tcp(p, other, 100);
	net_tso_send(net, p, 154, &t);
	memcpy(p, net->sent[0].data, 154);
	p[checks[_i].at] ^= checks[_i].flip;
	ck_assert_msg(net_csum_check(p, checks[_i].len) == checks[_i].want, "%s: %#x",
		      checks[_i].name, net_csum_check(p, checks[_i].len));
	free(net);
}
END_TEST

/* ---- e1000 ---- */

static u32 er(u32 off)
{
	return (u32)gm_bus_read(m->mem, MMIO + off, 4);
}

static void ew(u32 off, u32 val)
{
	gm_bus_write(m->mem, MMIO + off, 4, val);
}

static void e1000_setup(void)
{
	setup(&e1000_class);
	cfg_write(drv_fn, 0x10, 4, MMIO);
	cfg_write(drv_fn, 0x14, 4, IO);
	cfg_write(drv_fn, 0x04, 2, 7);
}

/* Receive ring of 8 descriptors with 2 KiB buffers, transmit ring of 8. */
static void e1000_rings(u32 rctl)
{
	unsigned int i;

	for (i = 0; i < 8; i++)
		mem_w(RING + 16 * i, BUF + 0x1000 * i, 8);
	ew(0x2800, RING);
	ew(0x2808, 128);
	ew(0x2810, 0);
	ew(0x2818, 7);
	ew(0x100, rctl);
	ew(0x3800, RING + 0x1000);
	ew(0x3808, 128);
	ew(0x3810, 0);
	ew(0x400, 2);
	ew(0xd0, 0x1ffff);
}

static const struct {
	const char *name;
	u32 off, write, want;
} e1000_regs[] = {
	{"status: link, full duplex, 1000", 0x08, 0, 0x283},
	{"address low", 0x5400, 0x12005452, 0x12005452},
	{"EERD, word 0", 0x14, 0x0001, 0x54520010},
	{"EERD, word 1", 0x14, 0x0101, 0x12000110},
	{"EERD, word 64", 0x14, 0x4001, 0xffff4010},
	{"MDIC, PHY id", 0x20, 0x08220000, 0x18220141},
	{"MDIC, another PHY", 0x20, 0x08420000, 0x58420000},
	{"MDIC, neither read nor write", 0x20, 0x00220000, 0x50220000},
	{"RDLEN is a multiple of 128", 0x2808, 0xffffffff, 0xfff80},
	{"IMC reads as 0", 0xd8, 0, 0},
	{"nothing there", 0x6000, 0xffffffff, 0},
	{"multicast table", 0x53fc, 0x12345678, 0x12345678},
};

START_TEST(test_e1000_regs)
{
	e1000_setup();
	ew(e1000_regs[_i].off, e1000_regs[_i].write);
	ck_assert_msg(er(e1000_regs[_i].off) == e1000_regs[_i].want, "%s: %#x", e1000_regs[_i].name,
		      er(e1000_regs[_i].off));
	/* The same through the I/O window. */
	gm_bus_write(m->pio, IO, 4, e1000_regs[_i].off);
	ck_assert_uint_eq(gm_bus_read(m->pio, IO + 4, 4), e1000_regs[_i].want);
	finish();
}
END_TEST

/* The serial EEPROM, bit by bit: start, read, six bits of address, sixteen of data. */
static u16 eeprom_bits(u8 addr)
{
	u32 cmd = 6u << 6 | addr, val = 0;
	int i;

	ew(0x10, 0x40 | 2);
	for (i = 8; i >= 0; i--) {
		ew(0x10, 0x42 | (cmd >> i & 1) << 2);
		ew(0x10, 0x43 | (cmd >> i & 1) << 2);
		ew(0x10, 0x42 | (cmd >> i & 1) << 2);
	}
	for (i = 0; i < 16; i++) {
		ew(0x10, 0x43);
		val = val << 1 | (er(0x10) >> 3 & 1);
		ew(0x10, 0x42);
	}
	ew(0x10, 0x40);
	return (u16)val;
}

START_TEST(test_e1000_eeprom)
{
	u16 sum = 0;
	u8 i;

	e1000_setup();
	ck_assert_uint_eq(eeprom_bits(0), 0x5452);
	ck_assert_uint_eq(eeprom_bits(2), 0x5634);
	ck_assert_uint_eq(er(0x10) & 0x180, 0x180); /* present, granted */
	for (i = 0; i < 64; i++)
		sum = (u16)(sum + eeprom_bits(i));
	ck_assert_uint_eq(sum, 0xbaba);
	finish();
}
END_TEST

static void tx_desc(unsigned int i, u64 addr, u32 lower, u32 upper)
{
	mem_w(RING + 0x1000 + 16 * i, addr, 8);
	mem_w(RING + 0x1000 + 16 * i + 8, lower, 4);
	mem_w(RING + 0x1000 + 16 * i + 12, upper, 4);
}

START_TEST(test_e1000_tx)
{
	e1000_setup();
	e1000_rings(0);
	/* A packet in two pieces; the second reports. */
	fake_frame(m->ram->host + BUF, 100, other);
	tx_desc(0, BUF, 0x00000000 | 40, 0);
	tx_desc(1, BUF + 40, 0x0b000000 | 60, 0);
	ew(0x3818, 2);
	ck_assert_uint_eq(net->nsent, 1);
	ck_assert_uint_eq(net->sent[0].len, 100);
	ck_assert(!memcmp(net->sent[0].data, m->ram->host + BUF, 100));
	ck_assert_uint_eq(mem_r(RING + 0x1000 + 12, 1), 0);
	ck_assert_uint_eq(mem_r(RING + 0x1000 + 28, 1), 1);
	ck_assert_int_eq(line_level, 1);
	ck_assert_uint_eq(er(0xc0), 3); /* TXDW, TXQE; cleared by the read */
	ck_assert_int_eq(line_level, 0);
	ck_assert_uint_eq(er(0xc0), 0);
	ck_assert_uint_eq(er(0x3810), 2);
	ck_assert_uint_eq(er(0x4080), 1); /* packets sent; also cleared */
	ck_assert_uint_eq(er(0x4080), 0);
	finish();
}
END_TEST

/* Context and data descriptors: TCP segmentation of 3000 bytes with a VLAN tag. */
START_TEST(test_e1000_tso)
{
	unsigned int i;

	e1000_setup();
	ew(0x00, 1u << 30);
	e1000_rings(0);
	fake_tcp(m->ram->host + BUF, other, 3000);
	tx_desc(0, 34ULL << 32 | 50ULL << 40 | 14 | 24 << 8 | 33ULL << 16, 0x27000000 | 3000,
		1000u << 16 | 54 << 8);
	tx_desc(1, BUF, 0x6f100000 | 3054, 7u << 16 | 3 << 8);
	ew(0x3818, 2);
	ck_assert_uint_eq(net->nsent, 3);
	for (i = 0; i < 3; i++) {
		ck_assert_uint_eq(net->sent[i].len, 1058);
		ck_assert_uint_eq(net_get16(net->sent[i].data + 12), 0x8100);
		ck_assert_uint_eq(net_get16(net->sent[i].data + 14), 7);
		ck_assert_uint_eq(tcp_check(net->sent[i].data, 1058), NET_IP_GOOD | NET_L4_GOOD);
	}
	finish();
}
END_TEST

/* Checksum insertion without segmentation. */
START_TEST(test_e1000_csum)
{
	u8 *p;

	e1000_setup();
	e1000_rings(0);
	p = m->ram->host + BUF;
	fake_tcp(p, other, 100);
	/* The driver leaves the pseudo header's sum. */
	net_put16(p + 50, net_sum(p + 26, 8, 6 + 120));
	tx_desc(0, 34ULL << 32 | 50ULL << 40 | 14 | 24 << 8 | 33ULL << 16, 0x20000000, 0);
	tx_desc(1, BUF, 0x2b100000 | 154, 3 << 8);
	ew(0x3818, 2);
	ck_assert_uint_eq(net->nsent, 1);
	ck_assert_uint_eq(tcp_check(net->sent[0].data, 154), NET_IP_GOOD | NET_L4_GOOD);
	finish();
}
END_TEST

static const struct {
	const char *name;
	u32 rctl;
	const u8 *to;
	size_t len;
	u16 want; /* length with CRC; 0: not received */
} e1000_rx[] = {
	{"own address", 2, mac, 100, 104},
	{"short frame is filled up", 2, mac, 20, 64},
	{"without CRC", 2 | 1u << 26, mac, 100, 100},
	{"another address", 2, other, 100, 0},
	{"another address, promiscuous", 2 | 8, other, 100, 104},
	{"broadcast", 2 | 0x8000, all, 100, 104},
	{"broadcast not wanted", 2, all, 100, 0},
	{"multicast not in the table", 2, group, 100, 0},
	{"multicast promiscuous", 2 | 0x10, group, 100, 104},
	{"receiver off", 0, mac, 100, 0},
	{"long frame", 2, mac, 1600, 0},
	{"long frame allowed", 2 | 0x20, mac, 1600, 1604},
};

START_TEST(test_e1000_rx)
{
	u8 p[2048];

	e1000_setup();
	e1000_rings(e1000_rx[_i].rctl);
	fake_frame(p, e1000_rx[_i].len, e1000_rx[_i].to);
	ck_assert(fake_net_give(net, p, e1000_rx[_i].len));
	ck_assert_msg(mem_r(RING + 8, 2) == e1000_rx[_i].want, "%s: %llu", e1000_rx[_i].name,
		      (unsigned long long)mem_r(RING + 8, 2));
	ck_assert_uint_eq(er(0x2810), e1000_rx[_i].want ? 1 : 0);
	ck_assert_int_eq(line_level, !!e1000_rx[_i].want);
	if (e1000_rx[_i].want) {
		ck_assert_uint_eq(mem_r(RING + 12, 1) & 3, 3);
		ck_assert(!memcmp(m->ram->host + BUF, p, e1000_rx[_i].len));
		ck_assert_uint_eq(er(0xc0) & 0x80, 0x80);
	}
	finish();
}
END_TEST

/* Frames wait while the ring is full; a new tail lets them in. */
START_TEST(test_e1000_full)
{
	unsigned int i;
	u8 p[100];

	e1000_setup();
	e1000_rings(2);
	fake_frame(p, sizeof(p), mac);
	for (i = 0; i < 7; i++)
		ck_assert(fake_net_give(net, p, sizeof(p)));
	net->ready = 0;
	ck_assert(!fake_net_give(net, p, sizeof(p)));
	ck_assert_uint_eq(net->ready, 0);
	ew(0x2818, 3);
	ck_assert_uint_eq(net->ready, 1);
	ck_assert(fake_net_give(net, p, sizeof(p)));
	/* A frame that no ring of this size can hold is not waited for. */
	ew(0x2808, 0);
	ck_assert(fake_net_give(net, p, sizeof(p)));
	finish();
}
END_TEST

/* A frame over several buffers; checksum indication; a stripped VLAN tag. */
START_TEST(test_e1000_offload)
{
	struct net_tso t = {14, 34, 54, 1400};
	size_t len;
	u8 p[2048];

	e1000_setup();
	ew(0x00, 1u << 30);
	ew(0x5000, 0x300);
	ew(0x38, 0x8100);
	e1000_rings(2 | 2u << 16); /* buffers of 512 bytes */
	fake_tcp(p, mac, 1000);
	net_tso_send(net, p, 1054, &t);
	memcpy(p, net->sent[0].data, 1054);
	len = 1054;
	net_vlan_insert(p, &len, 0x123);
	ck_assert(fake_net_give(net, p, len));
	ck_assert_uint_eq(er(0x2810), 3);
	ck_assert_uint_eq(mem_r(RING + 8, 2), 512);
	ck_assert_uint_eq(mem_r(RING + 12, 1), 1);
	ck_assert_uint_eq(mem_r(RING + 32 + 8, 2), 1058 - 1024);
	/* DD, EOP, VP, TCPCS, IPCS; no errors; the tag. */
	ck_assert_uint_eq(mem_r(RING + 32 + 12, 4), 0x6b | 0x123u << 16);
	p[len - 1] ^= 1;
	ck_assert(fake_net_give(net, p, len));
	ck_assert_uint_eq(mem_r(RING + 80 + 13, 1), 0x20);
	finish();
}
END_TEST

/* ITR: no second interrupt before its interval; RDTR: one for several frames. */
START_TEST(test_e1000_moderation)
{
	u8 p[100];

	e1000_setup();
	fake_frame(p, sizeof(p), mac);
	ew(0xc4, 1000); /* 256 us */
	e1000_rings(2);
	ew(0xd8, 0x1ff7f); /* the packet timer's cause only */
	fake_net_give(net, p, sizeof(p));
	ck_assert_int_eq(line_level, 1);
	er(0xc0);
	fake_net_give(net, p, sizeof(p));
	ck_assert_int_eq(line_level, 0);
	fake_advance(m, 255000);
	ck_assert_int_eq(line_level, 0);
	fake_advance(m, 2000);
	ck_assert_int_eq(line_level, 1);
	er(0xc0);
	fake_advance(m, 1000000);
	ew(0xc4, 0);
	ew(0x2820, 100); /* 102.4 us after the last frame */
	ew(0x282c, 150); /* but at most 153.6 us after the first */
	fake_net_give(net, p, sizeof(p));
	fake_advance(m, 80000);
	fake_net_give(net, p, sizeof(p));
	fake_advance(m, 70000);
	ck_assert_int_eq(line_level, 0);
	fake_advance(m, 5000);
	ck_assert_int_eq(line_level, 1);
	er(0xc0);
	fake_advance(m, 1000000);
	ck_assert_int_eq(line_level, 0);
	finish();
}
END_TEST

/* The cable is pulled and plugged in. */
START_TEST(test_e1000_link)
{
	e1000_setup();
	ew(0xd0, 4);
	net->down = true;
	net->client.link_changed(net->client.opaque, false);
	ck_assert_int_eq(line_level, 1);
	ck_assert_uint_eq(er(0x08) & 2, 0);
	ew(0x20, 0x08210000);
	ck_assert_uint_eq(er(0x20) & 4, 0);
	ck_assert_uint_eq(er(0xc0), 4);
	net->down = false;
	net->client.link_changed(net->client.opaque, true);
	ck_assert_uint_eq(er(0x08) & 2, 2);
	finish();
}
END_TEST

/* Rings that make no sense send nothing and end. */
START_TEST(test_e1000_hostile)
{
	unsigned int i;

	e1000_setup();
	e1000_rings(2);
	ew(0x3818, 100);
	ew(0x3810, 200);
	ew(0x3818, 5);
	ck_assert_uint_eq(net->nsent, 0);
	/* A packet without end: its buffer has one. */
	ew(0x3810, 0);
	for (i = 0; i < 8; i++)
		tx_desc(i, BUF, 0x0000ffff, 0);
	for (i = 0; i < 40; i++)
		ew(0x3818, (i + 1) * 4 % 8);
	tx_desc(0, BUF, 0x01000000 | 60, 0);
	ew(0x3810, 0);
	ew(0x3818, 1);
	ck_assert_uint_eq(net->nsent, 0);
	/* The next packet is as good as any. */
	ew(0x3810, 0);
	ew(0x3818, 1);
	ck_assert_uint_eq(net->nsent, 1);
	finish();
}
END_TEST

/* ---- virtio-net ---- */

static void vnet_setup(u64 features)
{
	struct virtio_net_cfg cfg = {.v.pci.devfn = drv_fn};

	board();
	drv_packed = false;
	cfg.net = net;
	cfg.v.pci.bus = bus;
	memcpy(cfg.mac, mac, 6);
	fake_device(m, &virtio_net_class.dev, &cfg);
	drv_start(3, features);
}

#define HDR_AT (BUF + 0x8000)

static void vnet_send(const u8 *frame, size_t len, u8 flags, u8 gso, u16 mss, u16 start, u16 off)
{
	struct drv_seg s[] = {{HDR_AT, 12, 0}, {BUF, (u32)len, 0}};
	u8 hdr[12] = {flags, gso, 0, 0, (u8)mss, (u8)(mss >> 8), (u8)start, 0, (u8)off, 0, 0, 0};

	memcpy(m->ram->host + HDR_AT, hdr, 12);
	memcpy(m->ram->host + BUF, frame, len);
	drv_offer(1, s, 2);
	drv_kick(1);
	ck_assert_int_eq(drv_used(1, 2), 0);
}

START_TEST(test_vnet_tx)
{
	u8 p[4096];

	vnet_setup(1 | 1 << 11);
	fake_frame(p, 100, other);
	vnet_send(p, 100, 0, 0, 0, 0, 0);
	ck_assert_uint_eq(net->nsent, 1);
	ck_assert_uint_eq(net->sent[0].len, 100);
	ck_assert(!memcmp(net->sent[0].data, p, 100));
	/* The TCP checksum only: the pseudo header's sum is there already. */
	fake_tcp(p, other, 100);
	net_put16(p + 24, (u16)~net_sum(p + 14, 20, 0));
	net_put16(p + 50, net_sum(p + 26, 8, 6 + 120));
	vnet_send(p, 154, 1, 0, 0, 34, 16);
	ck_assert_uint_eq(tcp_check(net->sent[1].data, 154), NET_IP_GOOD | NET_L4_GOOD);
	/* Segments. */
	fake_tcp(p, other, 2500);
	vnet_send(p, 2554, 1, 1, 1000, 34, 16);
	ck_assert_uint_eq(net->nsent, 5);
	ck_assert_uint_eq(net->sent[4].len, 554);
	/* Offsets outside the packet: it is sent as it is, or not at all. */
	vnet_send(p, 60, 1, 0, 0, 200, 200);
	vnet_send(p, 60, 1, 1, 1000, 200, 16);
	vnet_send(p, 60, 1, 77, 1000, 200, 16);
	finish();
}
END_TEST

/* A frame over two mergeable buffers, and one that waits for a buffer. */
START_TEST(test_vnet_rx)
{
	struct drv_seg s = {BUF, 100, D_WRITE};
	u8 p[150];
	unsigned int i;

	vnet_setup(1 << 15);
	fake_frame(p, sizeof(p), other);
	net->ready = 0;
	ck_assert(!fake_net_give(net, p, sizeof(p)));
	/* Both chains are descriptor 0 and so the same buffer: the second part lies over it. */
	for (i = 0; i < 2; i++)
		drv_offer(0, &s, 1);
	drv_kick(0);
	ck_assert_uint_eq(net->ready, 1);
	ck_assert(fake_net_give(net, p, sizeof(p)));
	ck_assert_int_eq(drv_used(0, 1), 100);
	ck_assert_int_eq(drv_used(0, 1), 150 - 88);
	ck_assert_uint_eq(mem_r(BUF + 10, 2), 2); /* two buffers */
	ck_assert(!memcmp(m->ram->host + BUF + 12, p + 100, 50));
	/* One buffer is not enough: none is used. */
	drv_offer(0, &s, 1);
	drv_kick(0);
	ck_assert(!fake_net_give(net, p, sizeof(p)));
	ck_assert_int_eq(drv_used(0, 1), -1);
	drv_offer(0, &s, 1);
	ck_assert(fake_net_give(net, p, sizeof(p)));
	ck_assert_int_eq(drv_used(0, 1), 100);
	finish();
}
END_TEST

static u8 vnet_ctrl(u8 cls, u8 cmd, const void *data, u32 len)
{
	struct drv_seg s[] = {{HDR_AT, 2, 0}, {HDR_AT + 16, len, 0}, {HDR_AT + 0x800, 1, D_WRITE}};

	mem_w(HDR_AT, cls | cmd << 8, 2);
	memcpy(m->ram->host + HDR_AT + 16, data, len);
	mem_w(HDR_AT + 0x800, 0xee, 1);
	drv_offer(2, s, 3);
	drv_kick(2);
	ck_assert_int_eq(drv_used(2, 3), 1);
	return (u8)mem_r(HDR_AT + 0x800, 1);
}

static const struct {
	const char *name;
	u8 cls, cmd, data[24];
	u32 len;
	u8 ack;
	bool own, unicast, multicast, broadcast; /* received afterwards */
} ctrls[] = {
	{"promiscuous off", 0, 0, {0}, 1, 0, true, false, false, true},
	{"all multicast", 0, 1, {1}, 1, 0, true, false, true, true},
	{"all unicast", 0, 2, {1}, 1, 0, true, true, false, true},
	{"no broadcast", 0, 5, {1}, 1, 0, true, false, false, false},
	{"unknown mode", 0, 6, {1}, 1, 1, true, false, false, true},
	{"mode of two bytes", 0, 1, {1, 1}, 2, 1, true, false, false, true},
	{"table with a unicast address", 1, 0, {1, 0, 0, 0, 0x52, 0x54, 0, 0x99, 0x99, 0x99}, 14, 0,
	 true, true, false, true},
	{"table with a multicast address", 1, 0, {0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0x5e, 0, 0, 1}, 14,
	 0, true, false, true, true},
	{"table that claims too much", 1, 0, {0xff, 0xff, 0xff, 0xff}, 8, 1, true, true, true, true},
	{"own address", 1, 1, {0x52, 0x54, 0, 0x99, 0x99, 0x99}, 6, 0, false, true, false, true},
	{"unknown class", 9, 0, {0}, 1, 1, true, false, false, true},
};

START_TEST(test_vnet_ctrl)
{
	struct drv_seg s = {BUF, 2000, D_WRITE};
	const u8 *to[4] = {mac, other, group, all};
	bool want[4] = {ctrls[_i].own, ctrls[_i].unicast, ctrls[_i].multicast, ctrls[_i].broadcast};
	unsigned int i;
	u8 p[100];

	vnet_setup(1 << 15 | 1 << 17 | 1 << 18 | 1 << 23);
	ck_assert_uint_eq(vnet_ctrl(0, 0, "", 1), 0); /* not promiscuous */
	ck_assert_msg(vnet_ctrl(ctrls[_i].cls, ctrls[_i].cmd, ctrls[_i].data, ctrls[_i].len) ==
			      ctrls[_i].ack, "%s", ctrls[_i].name);
	for (i = 0; i < 4; i++) {
		drv_offer(0, &s, 1);
		fake_frame(p, sizeof(p), to[i]);
		ck_assert(fake_net_give(net, p, sizeof(p)));
		ck_assert_msg((drv_used(0, 1) > 0) == want[i], "%s: address %u", ctrls[_i].name, i);
	}
	finish();
}
END_TEST

int main(void)
{
	const struct fake_test tests[] = {
		{test_sum, ARRAY_SIZE(sums)},
		{test_crc},
		{test_segments, ARRAY_SIZE(segments)},
		{test_check, ARRAY_SIZE(checks)},
		{test_e1000_regs, ARRAY_SIZE(e1000_regs)},
		{test_e1000_eeprom},
		{test_e1000_tx},
		{test_e1000_tso},
		{test_e1000_csum},
		{test_e1000_rx, ARRAY_SIZE(e1000_rx)},
		{test_e1000_full},
		{test_e1000_offload},
		{test_e1000_moderation},
		{test_e1000_link},
		{test_e1000_hostile},
		{test_vnet_tx},
		{test_vnet_rx},
		{test_vnet_ctrl, ARRAY_SIZE(ctrls)},
	};

	return fake_run("nic", tests, ARRAY_SIZE(tests));
}

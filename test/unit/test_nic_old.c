// SPDX-License-Identifier: GPL-2.0-or-later
/* RTL8139C+ and NE2000 through their registers. */
#include "test/unit/lib/nic_board.h"

/* ---- RTL8139C+ ---- */

static u32 rr(u8 off, unsigned int size)
{
	return (u32)gm_bus_read(m->pio, IO + off, size);
}

static void rw(u8 off, unsigned int size, u32 val)
{
	gm_bus_write(m->pio, IO + off, size, val);
}

static void rtl_setup(void)
{
	setup(&rtl8139_class);
	cfg_write(drv_fn, 0x10, 4, IO);
	cfg_write(drv_fn, 0x14, 4, MMIO);
	cfg_write(drv_fn, 0x04, 2, 7);
}

START_TEST(test_rtl_regs)
{
	rtl_setup();
	ck_assert_uint_eq(rr(0, 4), 0x12005452);
	ck_assert_uint_eq(rr(4, 2), 0x5634);
	rw(0, 1, 0xaa); /* locked */
	ck_assert_uint_eq(rr(0, 1), 0x52);
	rw(0x50, 1, 0xc0);
	rw(0, 1, 0xaa);
	ck_assert_uint_eq(rr(0, 1), 0xaa);
	ck_assert_uint_eq(rr(0x40, 4) & 0x7cc00000, 0x74800000);
	ck_assert_uint_eq(rr(0x37, 1), 1); /* nothing to read */
	ck_assert_uint_eq(rr(0x58, 1) & 4, 0);
	net->down = true;
	ck_assert_uint_eq(rr(0x58, 1) & 4, 4);
	ck_assert_uint_eq(rr(0x64, 2) & 4, 0);
	finish();
}
END_TEST

/* TCTR at 33 MHz, and the interrupt at TimerInt. */
START_TEST(test_rtl_timer)
{
	rtl_setup();
	rw(0x3c, 2, 0x4000);
	rw(0x48, 4, 0);
	fake_advance(m, 3000000);
	ck_assert_uint_eq(rr(0x48, 4) / 1000, 99);
	rw(0x54, 4, 200000);
	fake_advance(m, 2999000);
	ck_assert_int_eq(line_level, 0);
	fake_advance(m, 2000);
	ck_assert_int_eq(line_level, 1);
	rw(0x3e, 2, 0x4000);
	ck_assert_int_eq(line_level, 0);
	finish();
}
END_TEST

/* C mode: four slots to send from, a ring to receive into. */
START_TEST(test_rtl_c)
{
	u8 p[200];

	rtl_setup();
	rw(0x37, 1, 0x0c);
	rw(0x3c, 2, 0xffff);
	fake_frame(m->ram->host + BUF, 100, other);
	rw(0x24, 4, BUF);
	rw(0x14, 4, 100);
	ck_assert_uint_eq(net->nsent, 1);
	ck_assert_uint_eq(net->sent[0].len, 100);
	ck_assert_uint_eq(rr(0x14, 4) & 0xa000, 0xa000);
	ck_assert_uint_eq(rr(0x3e, 2), 4);
	rw(0x3e, 2, 4);
	ck_assert_int_eq(line_level, 0);
	rw(0x30, 4, RING);
	rw(0x44, 4, 0x0a); /* physical match, broadcast; 8 KiB */
	fake_frame(p, 100, mac);
	ck_assert(fake_net_give(net, p, 100));
	ck_assert_uint_eq(rr(0x37, 1) & 1, 0);
	ck_assert_uint_eq(mem_r(RING, 4), 0x4001 | 104u << 16);
	ck_assert(!memcmp(m->ram->host + RING + 4, p, 100));
	ck_assert_uint_eq(rr(0x3a, 2), 108);
	fake_frame(p, 100, other);
	ck_assert(fake_net_give(net, p, 100));
	ck_assert_uint_eq(rr(0x3a, 2), 108);
	rw(0x38, 2, 108 - 16);
	ck_assert_uint_eq(rr(0x37, 1) & 1, 1);
	finish();
}
END_TEST

START_TEST(test_rtl_c_full)
{
	unsigned int n = 0;
	u8 p[1000];

	rtl_setup();
	rw(0x37, 1, 0x0c);
	rw(0x30, 4, RING);
	rw(0x44, 4, 0x0a);
	fake_frame(p, sizeof(p), mac);
	while (n < 100 && fake_net_give(net, p, sizeof(p)))
		n++;
	ck_assert_uint_eq(n, 8);
	ck_assert_uint_eq(rr(0x3e, 2) & 0x10, 0x10);
	net->ready = 0;
	rw(0x38, 2, 1008 - 16);
	ck_assert_uint_eq(net->ready, 1);
	ck_assert(fake_net_give(net, p, sizeof(p)));
	/* It went round the end of the ring. */
	ck_assert_uint_eq(rr(0x3a, 2), 9 * 1008 - 8192);
	finish();
}
END_TEST

static void cp_desc(u32 at, u32 opts1, u32 opts2, u64 addr)
{
	mem_w(at, opts1, 4);
	mem_w(at + 4, opts2, 4);
	mem_w(at + 8, addr, 8);
}

/* C+ mode: segmentation and tag on the way out, checksum indication on the way in. */
START_TEST(test_rtl_cp)
{
	u8 p[1200];

	rtl_setup();
	rw(0xe0, 2, 0x63);
	rw(0x20, 4, RING);
	rw(0x24, 4, 0);
	rw(0xe4, 4, RING + 0x1000);
	rw(0xe8, 4, 0);
	rw(0x37, 1, 0x0c);
	rw(0x44, 4, 0x0a);
	rw(0x3c, 2, 0xffff);
	fake_tcp(m->ram->host + BUF, other, 2000);
	cp_desc(RING, 0xf0000000 | 1u << 27 | 1000u << 16 | 2054, 1u << 17 | 0x0700, BUF);
	rw(0xd9, 1, 0x40);
	ck_assert_uint_eq(net->nsent, 2);
	ck_assert_uint_eq(net_get16(net->sent[1].data + 14), 7);
	ck_assert_uint_eq(tcp_check(net->sent[1].data, net->sent[1].len), NET_IP_GOOD | NET_L4_GOOD);
	ck_assert_uint_eq(mem_r(RING, 4) >> 28, 7); /* given back */
	ck_assert_uint_eq(rr(0x3e, 2) & 0x84, 0x84);
	/* Checksums without segmentation. */
	fake_tcp(m->ram->host + BUF, other, 100);
	cp_desc(RING, 0xf0000000 | 1u << 18 | 1u << 16 | 154, 0, BUF);
	rw(0xd9, 1, 0x40);
	ck_assert_uint_eq(net->nsent, 3);
	ck_assert_uint_eq(tcp_check(net->sent[2].data, 154), NET_IP_GOOD | NET_L4_GOOD);
	/* The same frame comes back. */
	memcpy(p, net->sent[2].data, 154);
	memcpy(p, mac, 6);
	ck_assert(!fake_net_give(net, p, 154)); /* no descriptor yet */
	cp_desc(RING + 0x1000, 0xc0000000 | 0x700, 0, BUF + 0x1000);
	net->ready = 0;
	rw(0x3e, 2, 0xffff);
	ck_assert_uint_eq(net->ready, 1);
	ck_assert(fake_net_give(net, p, 154));
	ck_assert_uint_eq(mem_r(RING + 0x1000, 4), 0x70000000 | 1u << 26 | 1u << 16 | 158);
	ck_assert(!memcmp(m->ram->host + BUF + 0x1000, p, 154));
	finish();
}
END_TEST

/* ---- NE2000 ---- */

static void nw(u8 reg, u8 val)
{
	gm_bus_write(m->pio, IO + reg, 1, val);
}

static u8 nr(u8 reg)
{
	return (u8)gm_bus_read(m->pio, IO + reg, 1);
}

static void ne_dma(u16 addr, u16 len, u8 cmd)
{
	nw(0x0a, (u8)len);
	nw(0x0b, (u8)(len >> 8));
	nw(0x08, (u8)addr);
	nw(0x09, (u8)(addr >> 8));
	nw(0x00, cmd);
}

/* As a driver does it: receive pages 46h to 7fh, sending from 40h. */
static void ne_setup(void)
{
	unsigned int i;

	setup(&ne2000_class);
	cfg_write(drv_fn, 0x10, 4, IO);
	cfg_write(drv_fn, 0x04, 2, 7);
	nr(0x1f);
	ck_assert_uint_eq(nr(0x07) & 0x80, 0x80);
	nw(0x00, 0x21);
	nw(0x0e, 0x49);
	nw(0x0c, 0x04);
	nw(0x0d, 0x00);
	nw(0x01, 0x46);
	nw(0x02, 0x80);
	nw(0x03, 0x46);
	nw(0x07, 0xff);
	nw(0x0f, 0x7f);
	nw(0x00, 0x61);
	for (i = 0; i < 6; i++)
		nw((u8)(1 + i), mac[i]);
	nw(0x07, 0x47);
	nw(0x00, 0x22);
}

START_TEST(test_ne_prom)
{
	unsigned int i;

	ne_setup();
	ne_dma(0, 32, 0x0a);
	for (i = 0; i < 6; i++)
		ck_assert_uint_eq(gm_bus_read(m->pio, IO + 0x10, 2), mac[i] * 0x101u);
	for (i = 6; i < 16; i++)
		ck_assert_uint_eq(gm_bus_read(m->pio, IO + 0x10, 2), i < 14 ? 0 : 0x5757);
	ck_assert_uint_eq(nr(0x07), 0x40); /* remote DMA complete */
	ck_assert_int_eq(line_level, 1);
	nw(0x07, 0x40);
	ck_assert_int_eq(line_level, 0);
	ck_assert_uint_eq(nr(0x0a), 0x50);
	ck_assert_uint_eq(nr(0x0b), 0x43);
	finish();
}
END_TEST

START_TEST(test_ne_tx)
{
	unsigned int i;
	u8 p[100];

	ne_setup();
	fake_frame(p, sizeof(p), other);
	ne_dma(0x4000, 100, 0x12);
	for (i = 0; i < 100; i += 2)
		gm_bus_write(m->pio, IO + 0x10, 2, p[i] | p[i + 1] << 8);
	nw(0x04, 0x40);
	nw(0x05, 100);
	nw(0x06, 0);
	nw(0x00, 0x26);
	ck_assert_uint_eq(net->nsent, 1);
	ck_assert_uint_eq(net->sent[0].len, 100);
	ck_assert(!memcmp(net->sent[0].data, p, 100));
	ck_assert_uint_eq(nr(0x07) & 2, 2);
	ck_assert_uint_eq(nr(0x04) & 1, 1);
	ck_assert_uint_eq(nr(0x00) & 4, 0);
	finish();
}
END_TEST

START_TEST(test_ne_rx)
{
	u8 p[300], got[8];
	unsigned int i, n = 0;

	ne_setup();
	fake_frame(p, sizeof(p), mac);
	nw(0x00, 0x00); /* neither starts nor stops it */
	ck_assert(fake_net_give(net, p, sizeof(p)));
	ck_assert_uint_eq(nr(0x07), 1);
	ne_dma(0x4700, 8, 0x0a);
	for (i = 0; i < 8; i++)
		got[i] = nr(0x10);
	ck_assert_uint_eq(got[0], 1);
	ck_assert_uint_eq(got[1], 0x49);
	ck_assert_uint_eq(got[2] | got[3] << 8, 304);
	ck_assert(!memcmp(got + 4, p, 4));
	fake_frame(p, sizeof(p), other);
	ck_assert(fake_net_give(net, p, sizeof(p)));
	nw(0x00, 0x62);
	ck_assert_uint_eq(nr(0x07), 0x49);
	nw(0x00, 0x22);
	/* Until the ring is full; then a page that is given back lets the next in. */
	fake_frame(p, sizeof(p), all);
	while (n < 100 && fake_net_give(net, p, sizeof(p)))
		n++;
	ck_assert_uint_eq(n, 27);
	/* A driver that ends the interrupt after its last look is told again: nothing else comes. */
	net->ready = 0;
	nw(0x07, 0x41);
	ck_assert_int_eq(line_level, 0);
	ck_assert_uint_eq(net->ready, 1);
	ck_assert(!fake_net_give(net, p, sizeof(p)));
	ck_assert_int_eq(line_level, 1);
	net->ready = 0;
	nw(0x03, 0x60);
	ck_assert_uint_eq(net->ready, 1);
	ck_assert(fake_net_give(net, p, sizeof(p)));
	finish();
}
END_TEST

/* Ring boundaries that make no sense: nothing is stored, nothing hangs. */
START_TEST(test_ne_hostile)
{
	static const u8 rings[][4] = {{0x80, 0x46, 0x46, 0x47}, {0x00, 0x00, 0x00, 0x00},
				      {0x46, 0x80, 0x10, 0x47}, {0x46, 0x80, 0x46, 0xff},
				      {0x00, 0xff, 0x00, 0x01}, {0x46, 0x47, 0x46, 0x46}};
	u8 p[300];
	unsigned int i;

	ne_setup();
	nw(0x01, rings[_i][0]);
	nw(0x02, rings[_i][1]);
	nw(0x03, rings[_i][2]);
	nw(0x00, 0x62);
	nw(0x07, rings[_i][3]);
	nw(0x00, 0x22);
	fake_frame(p, sizeof(p), mac);
	for (i = 0; i < 300; i++)
		fake_net_give(net, p, sizeof(p));
	ne_dma(0xfff0, 0xffff, 0x0a);
	for (i = 0; i < 70000; i++)
		nr(0x10);
	nw(0x04, 0xff);
	nw(0x05, 0xff);
	nw(0x06, 0xff);
	nw(0x00, 0x26);
	finish();
}
END_TEST

int main(void)
{
	const struct fake_test tests[] = {
		{test_rtl_regs},
		{test_rtl_timer},
		{test_rtl_c},
		{test_rtl_c_full},
		{test_rtl_cp},
		{test_ne_prom},
		{test_ne_tx},
		{test_ne_rx},
		{test_ne_hostile, 6},
	};

	return fake_run("nic_old", tests, ARRAY_SIZE(tests));
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A board with one network card in slot 3, plugged into a port that records. */
#ifndef TEST_NIC_BOARD_H
#define TEST_NIC_BOARD_H

#include "devices/net/nic.h"
#include "devices/net/offload.h"
#include "test/unit/lib/fake_net.h"
#include "test/unit/lib/virtio_driver.h"

#define MMIO 0xe1000000u
#define IO   0xc000u
#define RING 0x100000u
#define BUF  0x200000u

static const u8 mac[6] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};
static const u8 __attribute__((unused)) other[6] = {0x52, 0x54, 0x00, 0x99, 0x99, 0x99};
static const u8 __attribute__((unused)) all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static const u8 __attribute__((unused)) group[6] = {0x01, 0x00, 0x5e, 0x00, 0x00, 0x01};
static struct gm_net *net;
static int line_level;

static int route(void *opaque, u8 fn, int pin)
{
	return 0;
}

static void set_irq(void *opaque, int line, int level)
{
	line_level = level;
}

static inline void board(void)
{
	struct gm_pci_bus_ops ops = {.route = route, .set_irq = set_irq};

	board_new(8 * MiB);
	gm_pci_bus_set_ops(bus, &ops);
	memset(m->ram->host + RING, 0, 0x200000);
	line_level = 0;
	net = calloc(1, sizeof(*net));
}

static inline void setup(const struct gm_pci_class *cls)
{
	struct nic_cfg cfg = {.pci = {.devfn = drv_fn}};

	board();
	cfg.net = net;
	cfg.pci.bus = bus;
	memcpy(cfg.mac, mac, 6);
	fake_device(m, &cls->dev, &cfg);
}

static inline void finish(void)
{
	board_free();
	free(net);
}

/* IP and TCP checksums of a frame are both right. */
static inline u16 tcp_check(const u8 *p, size_t len)
{
	return (u16)(net_csum_check(p, len) & (NET_IP_GOOD | NET_L4_GOOD));
}

#endif

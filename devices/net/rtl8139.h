/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Realtek RTL8139C+: what its files share (rtl8139.c registers and the C mode, rtl8139_cp.c the
 * C+ mode with descriptor rings). Sources: RTL8139C(L) data sheet 1.4, section 5 (registers);
 * RTL8139C(L)+ data sheet 1.6, sections 5 and 8 (descriptors).
 */
#ifndef GM_RTL8139_H
#define GM_RTL8139_H

#include "devices/net/nic.h"
#include "devices/net/offload.h"

#define CR_RESET   0x10
#define CR_RX_ON   0x08
#define CR_TX_ON   0x04
#define CR_EMPTY   0x01

#define ISR_ROK    0x0001
#define ISR_TOK    0x0004
#define ISR_RXOVW  0x0010
#define ISR_LINK   0x0020
#define ISR_TDU    0x0080
#define ISR_TIMER  0x4000

#define CPCR_TX_ON   0x0001
#define CPCR_RX_ON   0x0002
#define CPCR_RX_CSUM 0x0020
#define CPCR_RX_VLAN 0x0040

#define TCR_LOOP   (3u << 17)

struct rtl8139 {
	struct gm_pci_dev pci;
	struct gm_net *net;
	struct eeprom93 eeprom;
	u8 idr[8], mar[8];
	u32 tsd[4], tsad[4];       /* C mode; C+: ring addresses of transmission */
	u32 rbstart, tcr, rcr;
	u16 capr, cbr, imr, isr;
	u8 cr, cfg9346, config[6]; /* CONFIG0, 1, 3, 4, 5 and one unused */
	u16 bmcr, anar;
	u16 cpcr;
	u64 rdsar;                 /* C+: receive ring */
	u32 timer_int;
	u64 timer_base;            /* guest time at which TCTR was 0 */
	struct gm_timer timer, tx_more;
	u16 tx_next, rx_next;      /* C+: next descriptor */
	bool rx_wait;
	bool tx_drop;
	u32 tx_len;                /* C+: of the packet that is being put together */
	u32 tx_opts1, tx_opts2;    /* of its first descriptor */
	u8 mac[6];
	u8 tx[NET_TX_MAX + 4];
};

void rtl8139_cause(struct rtl8139 *s, u16 causes);
void rtl8139_send(struct rtl8139 *s, u8 *frame, size_t len);
bool rtl8139_wanted(const struct rtl8139 *s, const u8 *frame);

/* rtl8139_cp.c */
void rtl8139_cp_tx(struct rtl8139 *s);
bool rtl8139_cp_rx(struct rtl8139 *s, const u8 *frame, size_t len);

#endif

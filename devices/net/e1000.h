/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Intel 82540EM: what its files share (e1000.c registers, e1000_tx.c, e1000_rx.c).
 * Source: Intel PCI/PCI-X Family of Gigabit Ethernet Controllers Software Developer's Manual
 * (317453), "SDM" below: section 3 (receive and transmit), 5 (EEPROM), 13 (registers).
 */
#ifndef GM_E1000_H
#define GM_E1000_H

#include "devices/net/nic.h"
#include "devices/net/offload.h"

#define E1000_REGS 0x6000 /* bytes of registers that hold something */

#define R_CTRL   0x0000
#define R_STATUS 0x0008
#define R_EECD   0x0010
#define R_EERD   0x0014
#define R_CTRLX  0x0018
#define R_MDIC   0x0020
#define R_FCAL   0x0028
#define R_FCAH   0x002c
#define R_FCT    0x0030
#define R_VET    0x0038
#define R_ICR    0x00c0
#define R_ITR    0x00c4
#define R_ICS    0x00c8
#define R_IMS    0x00d0
#define R_IMC    0x00d8
#define R_RCTL   0x0100
#define R_FCTTV  0x0170
#define R_TXCW   0x0178
#define R_TCTL   0x0400
#define R_TIPG   0x0410
#define R_AIT    0x0458
#define R_LEDCTL 0x0e00
#define R_PBA    0x1000
#define R_FCRTL  0x2160
#define R_FCRTH  0x2168
#define R_RDBAL  0x2800
#define R_RDBAH  0x2804
#define R_RDLEN  0x2808
#define R_RDH    0x2810
#define R_RDT    0x2818
#define R_RDTR   0x2820
#define R_RXDCTL 0x2828
#define R_RADV   0x282c
#define R_TDBAL  0x3800
#define R_TDBAH  0x3804
#define R_TDLEN  0x3808
#define R_TDH    0x3810
#define R_TDT    0x3818
#define R_TIDV   0x3820
#define R_TXDCTL 0x3828
#define R_TADV   0x382c
#define R_STATS  0x4000 /* to 40fc: counters that a read clears */
#define R_MPC    0x4010
#define R_GPRC   0x4074
#define R_BPRC   0x4078
#define R_MPRC   0x407c
#define R_GPTC   0x4080
#define R_GORCL  0x4088
#define R_GOTCL  0x4090
#define R_RNBC   0x40a0
#define R_TORL   0x40c0
#define R_TOTL   0x40c8
#define R_TPR    0x40d0
#define R_TPT    0x40d4
#define R_RXCSUM 0x5000
#define R_MTA    0x5200
#define R_RA     0x5400
#define R_VFTA   0x5600

#define CTRL_VME    (1u << 30)
#define CTRL_RST    (1u << 26)
#define CTRL_PHYRST (1u << 31)
#define STATUS_LU   2u

#define ICR_TXDW    0x0001
#define ICR_TXQE    0x0002
#define ICR_LSC     0x0004
#define ICR_RXDMT0  0x0010
#define ICR_RXO     0x0040
#define ICR_RXT0    0x0080
#define ICR_MDAC    0x0200

/* A context descriptor: what offloads apply to the packets behind it (SDM 3.3.6). */
struct e1000_ctx {
	u8 ipcss, ipcso, tucss, tucso;
	u16 ipcse, tucse;
	u32 paylen;
	u8 tucmd, hdrlen;
	u16 mss;
};

struct e1000 {
	struct gm_pci_dev pci;
	struct gm_net *net;
	u32 reg[E1000_REGS / 4];
	u16 phy[32];
	struct eeprom93 eeprom;
	u32 ioaddr;
	/* moderation */
	struct gm_timer throttle;            /* no interrupt before it has expired */
	struct gm_timer rdtr, radv, tidv, tadv;
	bool irq;                            /* the line's level */
	/* transmission */
	struct gm_timer tx_more;
	struct e1000_ctx ctx[2];             /* plain, segmentation */
	u32 tx_len;
	u32 tx_cmd;                          /* OR of the packet's commands, first popts */
	u8 tx_popts;
	u16 tx_special;
	u8 tx_css, tx_cso;
	bool tx_open, tx_drop;               /* inside a packet; it is too long */
	bool rx_wait;                        /* a frame waits for descriptors */
	u8 mac[6];
	u8 tx[NET_TX_MAX + 4];
};

static inline u32 *e1000_reg(struct e1000 *s, u32 off)
{
	return &s->reg[off / 4];
}

/* e1000.c: raises causes; the line follows after moderation. */
void e1000_cause(struct e1000 *s, u32 causes);
/* Raises a cause after the delay of a packet timer (and at the latest after the absolute one),
 * whose registers hold units of 1.024 us. */
void e1000_cause_delayed(struct e1000 *s, u32 cause, struct gm_timer *packet, u32 packet_reg,
			 struct gm_timer *absolute, u32 absolute_reg);
void e1000_count(struct e1000 *s, u32 counter, u64 n);

/* e1000_tx.c: works the ring from head to tail. */
void e1000_tx_run(struct e1000 *s);
void e1000_tx_more(void *opaque);

/* e1000_rx.c */
bool e1000_receive(void *opaque, const u8 *frame, size_t len);
/* The driver gave descriptors, or switched the receiver. */
void e1000_rx_ready(struct e1000 *s);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The network cards that follow a data sheet, and their configurations. */
#ifndef GM_NIC_H
#define GM_NIC_H

#include "devices/pci/pci.h"
#include "vmm/net/net.h"

struct nic_cfg {
	struct gm_pci_cfg pci;
	struct gm_net *net;  /* or NULL: no cable */
	struct gm_ram *rom;  /* boot ROM, or NULL; its size is a power of two */
	u8 mac[6];
};

/* Each takes a struct nic_cfg. */
extern const struct gm_pci_class e1000_class;
extern const struct gm_pci_class rtl8139_class;
extern const struct gm_pci_class ne2000_class;

struct ne2000_isa_cfg {
	u16 base;            /* 32 ports */
	struct gm_irq irq;
	struct gm_net *net;
	u8 mac[6];
};
extern const struct gm_dev_class ne2000_isa_class;

/* A 93C46 serial EEPROM, 64 words of 16 bits, on three wires. Source: Microchip 93C46 data sheet,
 * section 2 (functional description). */
struct eeprom93 {
	u16 word[64];
	u16 shift;      /* command as it comes in, or data going out */
	u8 count;       /* bits of it */
	u8 addr;
	bool cs, sk, reading, out;
};

/* The levels of the three inputs are set; .out is the output. */
void eeprom93_set(struct eeprom93 *e, bool cs, bool sk, bool di);
extern const struct gm_state_desc eeprom93_state;

#endif

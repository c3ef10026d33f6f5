/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MSI-X: interrupts as memory writes, each with an address and a datum that the guest chooses.
 * Source: PCI Local Bus Specification 3.0, section 6.8.2.
 *
 * Machine lock held in every function here.
 */
#ifndef GM_PCI_MSIX_H
#define GM_PCI_MSIX_H

#include "devices/pci/pci.h"

#define GM_MSIX_VECTORS 16 /* of a device, at most */
#define GM_MSIX_NONE    0xffff

struct gm_msix {
	u8 table[16 * GM_MSIX_VECTORS]; /* address low, high, data, control: little-endian */
	u32 pending;                    /* bit per vector */
	struct gm_pci_dev *pci;
	u8 cap;                         /* offset of the capability; 0: the device has none */
	u8 vectors;
};

/* Declares the capability at config offset `cap` and the tables in 4 KiB of memory BAR `bar`.
 * In init. -errno. */
int gm_msix_init(struct gm_msix *x, struct gm_pci_dev *d, u8 cap, unsigned int bar, u8 vectors);
/* In the device's reset, after gm_pci_reset(). */
void gm_msix_reset(struct gm_msix *x);
/* In the device's config_written: masks may have gone. */
void gm_msix_config_written(struct gm_msix *x, unsigned int off, unsigned int size);
/* Whether messages take the place of the INTx# line. */
bool gm_msix_enabled(const struct gm_msix *x);
/* Sends the vector's message, or remembers it while masked. GM_MSIX_NONE and vectors that are not
 * there do nothing. */
void gm_msix_notify(struct gm_msix *x, unsigned int vector);

extern const struct gm_state_desc gm_msix_state;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The cards in the board's PCI slots that the user asked for: network, virtio disks, sound and others;
 * the back ends of all cards. */
#ifndef VMM_MACHINE_CARDS_H
#define VMM_MACHINE_CARDS_H

#include "vmm/config.h"
#include "vmm/irq.h"
#include "vmm/machine.h"
#include "vmm/ui/chardev.h"

struct gm_pci_bus;

struct pc_cards {
	struct gm_net *nets[CONFIG_NNETS];
	struct gm_dev *net_devs[CONFIG_NNETS]; /* the cards plugged into them */
	struct gm_char *consoles[CONFIG_NDEVICES];
	struct gm_dev *balloon;
	struct gm_audio *audio; /* NULL: no sound */
	/* For the boot order: slots of the virtio disks and of cards with a boot ROM. */
	u8 disk_slots[CONFIG_NDISKS], net_slots[CONFIG_NNETS];
	unsigned int ndisk_slots, nnet_slots;
};

/* Opens the back ends, and gives up privileges that only this needed. -errno with a message. */
int pc_cards_open(struct pc_cards *k, struct gm_machine *m, const struct config *c, char *err,
		  size_t errlen);
/* Puts the cards into slots 3 and up: networks, disks, others, sound. disks are those of c->disks.
 * ne2000_irq: the line of an ISA card. Machine lock held. -errno with a message. */
int pc_cards_add(struct pc_cards *k, struct gm_machine *m, const struct config *c,
		 struct gm_pci_bus *bus, struct gm_blk *const *disks,
		 const struct gm_irq *ne2000_irq, char *err, size_t errlen);
void pc_cards_close(struct pc_cards *k);

#endif

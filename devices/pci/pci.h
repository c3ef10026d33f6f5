/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI 2.x conventional bus: configuration mechanism 1, devices and their BARs.
 * Sources: PCI Local Bus Specification 2.2; Intel 440FX (82441FX) datasheet, section 3.
 */
#ifndef GM_PCI_H
#define GM_PCI_H

#include "devices/dev.h"

#define GM_PCI_CONFIG_SIZE 256
#define GM_PCI_DEVFN(d, f) ((d) << 3 | (f))

struct gm_pci_bus;
struct gm_pci_dev;

struct gm_pci_bar {
	u64 size;  /* a power of two; 0: BAR not there */
	u8 flags;  /* GM_PCI_BAR_* */
	/* What decodes it: registers, or a RAM block. The bus moves and enables it as the guest
	 * programs the BAR and the command register. */
	const struct gm_region_ops *ops;
	struct gm_ram *ram;
};
#define GM_PCI_BAR_IO       1
#define GM_PCI_BAR_PREFETCH 2
#define GM_PCI_BAR_64       4
#define GM_PCI_NBARS        6
#define GM_PCI_ROM          6 /* index of the expansion ROM BAR */

/* What a PCI device class adds to struct gm_dev_class: it embeds it as first member. */
struct gm_pci_class {
	struct gm_dev_class dev;
	u16 vendor, device, subvendor, subdevice;
	u32 class_code;  /* base, sub, interface: 0x010180 */
	u8 revision;
	u8 header_type;  /* 0x80 on function 0 of a multi-function device */
	u8 int_pin;      /* 0 none, 1 INTA# ... */
	/* optional: called after a guest write to configuration space took effect */
	void (*config_written)(struct gm_pci_dev *d, unsigned int off, unsigned int size);
	/* optional: override what a read of `size` bytes at off gives */
	u32 (*config_read)(struct gm_pci_dev *d, unsigned int off, unsigned int size, u32 val);
};

struct gm_pci_dev {
	struct gm_dev dev;
	const struct gm_pci_class *pci;
	struct gm_pci_bus *bus;
	u8 devfn;
	u8 config[GM_PCI_CONFIG_SIZE];
	u8 wmask[GM_PCI_CONFIG_SIZE]; /* bits that the guest may write */
	u8 w1cmask[GM_PCI_CONFIG_SIZE]; /* bits that a written one clears */
	struct gm_pci_bar bars[GM_PCI_NBARS + 1];
	struct gm_region *regions[GM_PCI_NBARS + 1];
	u8 caps;   /* offset of the first capability; 0: none */
	bool irq_level;
};

/* Every PCI device's configuration begins with this. */
struct gm_pci_cfg {
	struct gm_pci_bus *bus;
	u8 devfn;
};

/* Puts the device on the bus: fills in the header from its class. Called first in init.
 * -EBUSY when devfn is taken. */
int gm_pci_init(struct gm_pci_dev *d, const struct gm_pci_cfg *cfg);
/* Declares BAR `n`; in init, after gm_pci_init(). opaque goes to ops. */
int gm_pci_bar_add(struct gm_pci_dev *d, unsigned int n, const struct gm_pci_bar *bar,
		   void *opaque);
/* Puts `size` bytes of a capability with this id in front of the list, at off (a multiple of 4, 40h
 * or more, chosen by the device). Its bytes from off + 2 on are the device's; their defaults are
 * set in its reset, after gm_pci_reset(). In init. Source: PCI 2.2, 6.7. */
void gm_pci_cap_add(struct gm_pci_dev *d, u8 off, u8 id);
/* Default configuration space state: command 0, BARs 0 ...; called from the device's reset. */
void gm_pci_reset(struct gm_pci_dev *d);
/* Drives the device's INTx# line (level). Honours the command register's INTx disable. */
void gm_pci_irq(struct gm_pci_dev *d, int level);
/* After state was loaded: maps BARs again. */
void gm_pci_loaded(struct gm_pci_dev *d);
/* May it do DMA (command register's bus master bit)? */
static inline bool gm_pci_bus_master(const struct gm_pci_dev *d)
{
	return d->config[4] & 4;
}
/* DMA to and from memory, of a device that may be a bus master. Registers are not reached this
 * way: a guest could make a device call itself without end. What is not RAM reads as all ones and
 * takes no writes. */
void gm_pci_dma_read(struct gm_pci_dev *d, u64 gpa, void *buf, size_t len);
void gm_pci_dma_write(struct gm_pci_dev *d, u64 gpa, const void *buf, size_t len);
/* Current base of a BAR, or UINT64_MAX when not decoded. */
u64 gm_pci_bar_base(const struct gm_pci_dev *d, unsigned int n);

static inline u16 gm_pci_get16(const struct gm_pci_dev *d, unsigned int off)
{
	return (u16)(d->config[off] | d->config[off + 1] << 8);
}

static inline void gm_pci_set16(struct gm_pci_dev *d, unsigned int off, u16 v)
{
	d->config[off] = (u8)v;
	d->config[off + 1] = (u8)(v >> 8);
}

/* The description of struct gm_pci_dev's saved part, to embed with GM_STRUCT. */
extern const struct gm_state_desc gm_pci_state;

/* The bus. route(opaque, devfn, pin 0..3) gives the interrupt line 0..3 (PIRQA..D); set_irq is
 * called with the OR of all devices on that line. */
struct gm_pci_bus_ops {
	int (*route)(void *opaque, u8 devfn, int pin);
	void (*set_irq)(void *opaque, int line, int level);
	void *opaque;
};
struct gm_pci_bus *gm_pci_bus_new(struct gm_machine *m);
void gm_pci_bus_set_ops(struct gm_pci_bus *b, const struct gm_pci_bus_ops *ops);
void gm_pci_bus_free(struct gm_pci_bus *b);
struct gm_pci_dev *gm_pci_bus_find(struct gm_pci_bus *b, u8 devfn);

/* Levels of PIRQA..D: bit n is set while a device holds line n. */
unsigned int gm_pci_bus_lines(const struct gm_pci_bus *b);

/* One configuration access of 1, 2 or 4 bytes (not across a dword), as the host bridge makes it;
 * addr is bus << 16 | devfn << 8 | register. No device there: reads give all ones. */
u32 gm_pci_config_read(struct gm_pci_bus *b, u32 addr, unsigned int size);
void gm_pci_config_write(struct gm_pci_bus *b, u32 addr, unsigned int size, u32 val);

/* Port CF9h lies inside the host bridge's dword CF8h but belongs to the south bridge: byte
 * accesses to it go here. */
struct gm_pci_cf9 {
	u8 (*read)(void *opaque);
	void (*write)(void *opaque, u8 val);
	void *opaque;
};
void gm_pci_bus_set_cf9(struct gm_pci_bus *b, const struct gm_pci_cf9 *cf9);
const struct gm_pci_cf9 *gm_pci_bus_cf9(const struct gm_pci_bus *b);

#endif

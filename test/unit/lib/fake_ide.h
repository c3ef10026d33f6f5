/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For the tests of the IDE controller: a PIIX3 IDE function on a PCI bus, driven by its ports. */
#ifndef TEST_FAKE_IDE_H
#define TEST_FAKE_IDE_H

#include "test/unit/lib/fake_blk.h"
#include "devices/ide/ide_int.h"

#define CMD    0x1f0
#define CTL    0x3f6
#define BM     0xc000
#define DEVFN  GM_PCI_DEVFN(1, 1)
#define PRDT   0x1000 /* where the tests put descriptor tables */

static struct gm_machine *m;
static struct gm_pci_bus *bus;
static struct gm_dev *ide;
static struct fake_line irq[2];
static struct gm_ram *ram;

static inline void pci_write(unsigned int off, unsigned int size, u32 val)
{
	gm_pci_config_write(bus, 0x80000000u | DEVFN << 8 | off, size, val);
}

/* What firmware does: decode the ports, put the bus master somewhere, allow it. */
static inline void ide_enable(void)
{
	pci_write(0x20, 4, BM);
	pci_write(0x04, 2, 5);
	pci_write(0x40, 4, 0x80008000);
}

/* m must be there; drives as in struct ide_cfg. */
static inline void ide_new(struct ide_cfg *cfg)
{
	bus = gm_pci_bus_new(m);
	cfg->pci.bus = bus;
	cfg->pci.devfn = DEVFN;
	irq[0] = irq[1] = (struct fake_line){0};
	cfg->irq[0] = fake_irq(&irq[0]);
	cfg->irq[1] = fake_irq(&irq[1]);
	ram = gm_ram_new(m->mem, "ram", 4 * MiB, 0);
	gm_ram_map(m->mem, ram, 0, 0, 4 * MiB, GM_PRIO_RAM, false);
	ide = fake_device(m, &piix3_ide_class.dev, cfg);
	ide_enable();
}

static inline void ide_free(void)
{
	fake_blk_machine_free(m);
	gm_pci_bus_free(bus);
}

static inline u8 in(u16 port)
{
	return fake_inb(m, port);
}

static inline void out(u16 port, u8 val)
{
	fake_outb(m, port, val);
}

/* Lets the back end work until the selected drive is not busy; gives the alternate status. */
static inline u8 settle(void)
{
	pump(m);
	return in(CTL);
}

/* Writes the task file and the command. */
static inline void command(u8 dev, u8 cmd, u32 lba, u8 count)
{
	out(CMD + 6, dev | (lba >> 24 & 15));
	out(CMD + 2, count);
	out(CMD + 3, (u8)lba);
	out(CMD + 4, (u8)(lba >> 8));
	out(CMD + 5, (u8)(lba >> 16));
	out(CMD + 7, cmd);
}

static inline void command_ext(u8 dev, u8 cmd, u64 lba, u16 count)
{
	out(CMD + 6, dev | 0x40);
	out(CMD + 2, count >> 8);
	out(CMD + 2, (u8)count);
	out(CMD + 3, (u8)(lba >> 24));
	out(CMD + 4, (u8)(lba >> 32));
	out(CMD + 5, (u8)(lba >> 40));
	out(CMD + 3, (u8)lba);
	out(CMD + 4, (u8)(lba >> 8));
	out(CMD + 5, (u8)(lba >> 16));
	out(CMD + 7, cmd);
}

static inline void data_in(void *buf, u32 len)
{
	for (u32 i = 0; i < len; i += 2) {
		u16 v = (u16)gm_bus_read(m->pio, CMD, 2);

		memcpy((u8 *)buf + i, &v, MIN(2u, len - i));
	}
}

static inline void data_out(const void *buf, u32 len)
{
	for (u32 i = 0; i < len; i += 2) {
		u16 v = 0;

		memcpy(&v, (const u8 *)buf + i, MIN(2u, len - i));
		gm_bus_write(m->pio, CMD, 2, v);
	}
}

static inline void mem_write(u64 gpa, const void *buf, size_t len)
{
	gm_dma_write(m->mem, gpa, buf, len);
}

static inline void mem_read(u64 gpa, void *buf, size_t len)
{
	gm_dma_read(m->mem, gpa, buf, len);
}

struct prd {
	u32 addr, count;
};
#define EOT 0x80000000u

static inline void prd_write(const struct prd *p, unsigned int n)
{
	mem_write(PRDT, p, n * sizeof(*p));
	gm_bus_write(m->pio, BM + 4, 4, PRDT);
	out(BM + 2, 0x06);
}

static inline u16 word(const u8 *buf, unsigned int n)
{
	return (u16)(buf[2 * n] | buf[2 * n + 1] << 8);
}

#endif

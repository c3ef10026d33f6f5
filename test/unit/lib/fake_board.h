/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A fake machine with memory and a PCI bus behind a 440FX host bridge. */
#ifndef TEST_FAKE_BOARD_H
#define TEST_FAKE_BOARD_H

#include "devices/pci/i440fx.h"
#include "test/unit/lib/fake_machine.h"

static unsigned int fake_poweroffs;

void gm_machine_request_poweroff(struct gm_machine *m)
{
	fake_poweroffs++;
}

static struct gm_machine *m;
static struct gm_pci_bus *bus;
static struct gm_ram *rom;

/* RAM holds 5Ah everywhere, the ROM the low byte of its own offset's page number. */
static inline void board_new(u64 ram)
{
	u64 i;

	m = fake_new(1);
	m->ram_size = m->ram_below_4g = ram;
	m->ram = gm_ram_new(m->mem, "ram", ram, 0);
	ck_assert_ptr_nonnull(m->ram);
	memset(m->ram->host, 0x5a, ram);
	gm_ram_map(m->mem, m->ram, 0, 0, ram, GM_PRIO_RAM, false);
	rom = gm_ram_new(m->mem, "bios", 256 * KiB, 0);
	for (i = 0; i < rom->size; i++)
		rom->host[i] = (u8)(i >> 12);
	bus = gm_pci_bus_new(m);
	fake_device(m, &gm_i440fx_class.dev,
		    &(struct gm_i440fx_cfg){.pci = {.bus = bus, .devfn = 0}, .rom = rom});
	fake_poweroffs = 0;
}

static inline void board_free(void)
{
	fake_free(m);
	gm_pci_bus_free(bus);
}

/* Configuration space through the ports, as software does it. */
static inline u32 cfg_read(u8 devfn, u8 reg, unsigned int size)
{
	gm_bus_write(m->pio, 0xcf8, 4, 0x80000000u | (u32)devfn << 8 | (reg & 0xfc));
	return (u32)gm_bus_read(m->pio, 0xcfc + (reg & 3), size);
}

static inline void cfg_write(u8 devfn, u8 reg, unsigned int size, u32 val)
{
	gm_bus_write(m->pio, 0xcf8, 4, 0x80000000u | (u32)devfn << 8 | (reg & 0xfc));
	gm_bus_write(m->pio, 0xcfc + (reg & 3), size, val);
}

#endif

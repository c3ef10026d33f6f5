/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intel 82441FX host bridge: configuration mechanism 1 (ports CF8h..CFFh), the memory attributes
 * of C0000h..FFFFFh (PAM registers: shadow RAM) and of the SMRAM window at A0000h.
 * Main memory is mapped by the machine; this file lays the holes and windows over it.
 * Source: Intel 440FX PCIset datasheet (290549), sections 3.1 and 3.2.
 */
#include <errno.h>

#include "devices/pci/i440fx.h"

#define REG_PMCCFG   0x50
#define REG_PAM0     0x59
#define REG_DRB0     0x60
#define REG_SMRAM    0x72

#define PAM_RE       1 /* reads go to DRAM */
#define PAM_WE       2 /* writes go to DRAM */

#define SMRAM_DOPEN  0x40
#define SMRAM_DCLS   0x20
#define SMRAM_DLCK   0x10
#define SMRAM_ENABLE 0x08
#define SMRAM_BASE   0x02 /* C_BASE_SEG: A0000h, the only value there is */

#define HOLE_BASE    0xa0000
#define HOLE_END     0x100000
#define SHADOW_BASE  0xc0000
#define SMRAM_ADDR   0xa0000
#define SMRAM_LEN    0x20000
#define ROM_LOW_MAX  0x20000 /* E0000h..FFFFFh */
#define DRB_UNIT     (8 * MiB)

/* The 13 segments: which register, which nibble, and what it covers. */
static const struct pam_segment {
	u8 reg, shift;
	u32 base, len;
} pam_segments[] = {
	{0x59, 4, 0xf0000, 0x10000},
	{0x5a, 0, 0xc0000, 0x4000},
	{0x5a, 4, 0xc4000, 0x4000},
	{0x5b, 0, 0xc8000, 0x4000},
	{0x5b, 4, 0xcc000, 0x4000},
	{0x5c, 0, 0xd0000, 0x4000},
	{0x5c, 4, 0xd4000, 0x4000},
	{0x5d, 0, 0xd8000, 0x4000},
	{0x5d, 4, 0xdc000, 0x4000},
	{0x5e, 0, 0xe0000, 0x4000},
	{0x5e, 4, 0xe4000, 0x4000},
	{0x5f, 0, 0xe8000, 0x4000},
	{0x5f, 4, 0xec000, 0x4000},
};
#define PAM_SEGMENTS 13

struct i440fx;

/* A segment's write-only view: reads see the ROM, writes fill the RAM beneath. */
struct pam_window {
	struct i440fx *s;
	const struct pam_segment *seg;
	struct gm_region *ram, *wo;
};

struct i440fx {
	struct gm_pci_dev pci;
	u32 address; /* CONFADD */
	struct gm_ram *rom;
	u64 rom_low_base, rom_low_len;
	struct pam_window pam[PAM_SEGMENTS];
	struct gm_region *smram;
};

/* ---- configuration mechanism 1 ---- */

static u64 i440fx_port_read(void *opaque, u64 off, unsigned int size)
{
	struct i440fx *s = opaque;
	const struct gm_pci_cf9 *cf9 = gm_pci_bus_cf9(s->pci.bus);

	if (off >= 4) {
		if (!(s->address & 0x80000000))
			return UINT64_MAX;
		return gm_pci_config_read(s->pci.bus,
					  (s->address & 0xfffffc) | (u32)(off & 3), size);
	}
	if (off == 0 && size == 4)
		return s->address;
	if (off == 1 && size == 1 && cf9->read)
		return cf9->read(cf9->opaque);
	return UINT64_MAX;
}

/* CONFADD takes whole dwords only; smaller accesses pass through to the bus (section 3.1.1). */
static void i440fx_port_write(void *opaque, u64 off, unsigned int size, u64 val)
{
	struct i440fx *s = opaque;
	const struct gm_pci_cf9 *cf9 = gm_pci_bus_cf9(s->pci.bus);

	if (off >= 4) {
		if (s->address & 0x80000000)
			gm_pci_config_write(s->pci.bus,
					    (s->address & 0xfffffc) | (u32)(off & 3), size,
					    (u32)val);
		return;
	}
	if (off == 0 && size == 4)
		s->address = (u32)val & 0x80fffffc;
	else if (off == 1 && size == 1 && cf9->write)
		cf9->write(cf9->opaque, (u8)val);
}

static const struct gm_region_ops i440fx_port_ops = {
	.name = "i440fx config",
	.read = i440fx_port_read,
	.write = i440fx_port_write,
	.min_size = 1,
	.max_size = 4,
};

/* ---- memory attributes ---- */

static u64 hole_read(void *opaque, u64 off, unsigned int size)
{
	return UINT64_MAX;
}

static void hole_write(void *opaque, u64 off, unsigned int size, u64 val)
{
}

static const struct gm_region_ops hole_ops = {
	.name = "i440fx hole",
	.read = hole_read,
	.write = hole_write,
	.min_size = 1,
	.max_size = 8,
};

static u64 pam_wo_read(void *opaque, u64 off, unsigned int size)
{
	struct pam_window *w = opaque;
	struct i440fx *s = w->s;
	u64 gpa = w->seg->base + off;
	u64 val = UINT64_MAX;

	if (s->rom_low_len && gpa >= s->rom_low_base && gpa + size <= HOLE_END)
		memcpy(&val, s->rom->host + (s->rom->size - (HOLE_END - gpa)), size);
	return val;
}

static void pam_wo_write(void *opaque, u64 off, unsigned int size, u64 val)
{
	struct pam_window *w = opaque;
	struct gm_machine *m = w->s->pci.dev.m;
	u64 gpa = w->seg->base + off;

	if (gpa + size <= m->ram->size)
		memcpy(m->ram->host + gpa, &val, size);
}

static const struct gm_region_ops pam_wo_ops = {
	.name = "i440fx write-only shadow",
	.read = pam_wo_read,
	.write = pam_wo_write,
	.min_size = 1,
	.max_size = 8,
};

static void i440fx_pam_update(struct i440fx *s)
{
	unsigned int i;

	for (i = 0; i < PAM_SEGMENTS; i++) {
		struct pam_window *w = &s->pam[i];
		u8 attr = s->pci.config[w->seg->reg] >> w->seg->shift & (PAM_RE | PAM_WE);

		gm_region_enable(w->wo, attr == PAM_WE);
		if (attr & PAM_RE)
			gm_ram_remap(w->ram, s->pci.dev.m->ram, w->seg->base, !(attr & PAM_WE));
		gm_region_enable(w->ram, attr & PAM_RE);
	}
}

static void i440fx_smram_update(struct i440fx *s)
{
	u8 v = s->pci.config[REG_SMRAM];

	gm_region_enable(s->smram, (v & (SMRAM_DOPEN | SMRAM_ENABLE | SMRAM_DCLS)) ==
					   (SMRAM_DOPEN | SMRAM_ENABLE));
}

/* D_LCK makes SMRAM read-only until reset and closes the window (section 3.2.20). */
static void i440fx_smram_lock(struct i440fx *s)
{
	u8 *v = &s->pci.config[REG_SMRAM];

	if (*v & SMRAM_DLCK) {
		*v &= (u8)~SMRAM_DOPEN;
		s->pci.wmask[REG_SMRAM] = SMRAM_DCLS;
	} else {
		s->pci.wmask[REG_SMRAM] = SMRAM_DOPEN | SMRAM_DCLS | SMRAM_DLCK | SMRAM_ENABLE;
	}
}

static void i440fx_config_written(struct gm_pci_dev *d, unsigned int off, unsigned int size)
{
	struct i440fx *s = container_of(d, struct i440fx, pci);

	if (off + size > REG_PAM0 && off <= REG_PAM0 + 6)
		i440fx_pam_update(s);
	if (off <= REG_SMRAM && off + size > REG_SMRAM) {
		i440fx_smram_lock(s);
		i440fx_smram_update(s);
	}
}

/* ---- class ---- */

static int i440fx_map_rom(struct i440fx *s)
{
	struct gm_machine *m = s->pci.dev.m;
	struct gm_ram *rom = s->rom;

	if (!rom)
		return 0;
	s->rom_low_len = MIN(rom->size, (u64)ROM_LOW_MAX);
	s->rom_low_base = HOLE_END - s->rom_low_len;
	if (!gm_ram_map(m->mem, rom, 0, 4 * GiB - rom->size, rom->size, GM_PRIO_FIXED, true) ||
	    !gm_ram_map(m->mem, rom, rom->size - s->rom_low_len, s->rom_low_base, s->rom_low_len,
			GM_PRIO_FIXED, true))
		return -ENOMEM;
	return 0;
}

static int i440fx_map_pam(struct i440fx *s)
{
	struct gm_machine *m = s->pci.dev.m;
	unsigned int i;

	for (i = 0; i < PAM_SEGMENTS; i++) {
		struct pam_window *w = &s->pam[i];
		const struct pam_segment *g = &pam_segments[i];

		w->s = s;
		w->seg = g;
		w->ram = gm_ram_map(m->mem, m->ram, g->base, g->base, g->len, GM_PRIO_SHADOW, true);
		w->wo = gm_region_add_prio(m->mem, g->base, g->len, GM_PRIO_SHADOW, &pam_wo_ops, w);
		if (!w->ram || !w->wo)
			return -ENOMEM;
		gm_region_enable(w->ram, false);
		gm_region_enable(w->wo, false);
	}
	return 0;
}

static int i440fx_init(struct gm_dev *d, const void *cfg)
{
	struct i440fx *s = container_of(d, struct i440fx, pci.dev);
	const struct gm_i440fx_cfg *c = cfg;
	struct gm_machine *m = d->m;
	int rc;

	if (m->ram_size < 1 * MiB || (c->rom && c->rom->size > 16 * MiB))
		return -EINVAL;
	rc = gm_pci_init(&s->pci, &c->pci);
	if (rc)
		return rc;
	s->rom = c->rom;
	memset(s->pci.wmask + REG_PMCCFG, 0xff, 2);
	memset(s->pci.wmask + REG_PAM0, 0x77, 7);
	memset(s->pci.wmask + REG_DRB0, 0xff, 8);
	if (!gm_region_add(m->pio, 0xcf8, 8, &i440fx_port_ops, s) ||
	    !gm_region_add_prio(m->mem, HOLE_BASE, HOLE_END - HOLE_BASE, GM_PRIO_PCI, &hole_ops,
				s))
		return -ENOMEM;
	s->smram = gm_ram_map(m->mem, m->ram, SMRAM_ADDR, SMRAM_ADDR, SMRAM_LEN, GM_PRIO_SHADOW,
			      false);
	if (!s->smram)
		return -ENOMEM;
	gm_region_enable(s->smram, false);
	rc = i440fx_map_rom(s);
	return rc ? rc : i440fx_map_pam(s);
}

static void i440fx_reset(struct gm_dev *d)
{
	struct i440fx *s = container_of(d, struct i440fx, pci.dev);
	u64 rows = d->m->ram_below_4g / DRB_UNIT;
	u8 *c = s->pci.config;

	gm_pci_reset(&s->pci);
	memset(c + 0x40, 0, 0xc0);
	s->address = 0;
	gm_pci_set16(&s->pci, 0x04, 0x0006); /* memory and bus master, hardwired on */
	gm_pci_set16(&s->pci, 0x06, 0x0280); /* medium DEVSEL#, fast back-to-back */
	memset(c + REG_DRB0, (int)MIN(rows, 0xffULL), 8);
	c[REG_SMRAM] = SMRAM_BASE;
	i440fx_smram_lock(s);
	i440fx_smram_update(s);
	i440fx_pam_update(s);
}

static int i440fx_loaded(struct gm_dev *d)
{
	struct i440fx *s = container_of(d, struct i440fx, pci.dev);

	s->address &= 0x80fffffc;
	gm_pci_loaded(&s->pci);
	i440fx_smram_lock(s);
	i440fx_smram_update(s);
	i440fx_pam_update(s);
	return 0;
}

static const struct gm_field i440fx_fields[] = {
	GM_STRUCT(struct i440fx, pci, &gm_pci_state),
	GM_U32(struct i440fx, address),
	GM_OMIT(struct i440fx, rom, "machine configuration"),
	GM_OMIT(struct i440fx, rom_low_base, "machine configuration"),
	GM_OMIT(struct i440fx, rom_low_len, "machine configuration"),
	GM_OMIT(struct i440fx, pam, "follows from the PAM registers"),
	GM_OMIT(struct i440fx, smram, "follows from the SMRAM register"),
	GM_FIELDS_END,
};

static const struct gm_state_desc i440fx_state = {
	.name = "i440fx",
	.version = 1,
	.size = sizeof(struct i440fx),
	.fields = i440fx_fields,
};

/* SeaBIOS and Linux know this board by the subsystem ids of its host bridge. */
const struct gm_pci_class gm_i440fx_class = {
	.dev = {
		.name = "i440fx",
		.title = "Intel 440FX host bridge",
		.size = sizeof(struct i440fx),
		.state = &i440fx_state,
		.init = i440fx_init,
		.reset = i440fx_reset,
		.loaded = i440fx_loaded,
	},
	.vendor = 0x8086,
	.device = 0x1237,
	.subvendor = 0x1af4,
	.subdevice = 0x1100,
	.class_code = 0x060000,
	.revision = 0x02,
	.config_written = i440fx_config_written,
};

// SPDX-License-Identifier: GPL-2.0-or-later
/* MSI-X capability, table and pending bits. Source: PCI 3.0, section 6.8.2. */
#include "devices/pci/msix.h"

#include <errno.h>

#include "devices/apic/lapic.h"

#define CAP_ID_MSIX   0x11
#define CAP_LEN       12
#define MSG_CTRL      2      /* in the capability */
#define CTRL_ENABLE   0x8000
#define CTRL_MASK_ALL 0x4000

#define BAR_SIZE      4096
#define PBA_OFFSET    0x800
#define ENTRY_CTRL    12     /* in a table entry; bit 0: masked */

static const struct gm_field msix_fields[] = {
	GM_BYTES(struct gm_msix, table),
	GM_U32(struct gm_msix, pending),
	GM_OMIT(struct gm_msix, pci, "set up at creation"),
	GM_OMIT(struct gm_msix, cap, "constant of the device"),
	GM_OMIT(struct gm_msix, vectors, "constant of the device"),
	GM_FIELDS_END,
};

const struct gm_state_desc gm_msix_state = {
	.name = "msix",
	.version = 1,
	.size = sizeof(struct gm_msix),
	.fields = msix_fields,
};

static u32 msix_get32(const struct gm_msix *x, unsigned int off)
{
	u32 v;

	memcpy(&v, x->table + off, 4);
	return v;
}

static u16 msix_ctrl(const struct gm_msix *x)
{
	return gm_pci_get16(x->pci, x->cap + MSG_CTRL);
}

bool gm_msix_enabled(const struct gm_msix *x)
{
	return x->cap && msix_ctrl(x) & CTRL_ENABLE;
}

static bool msix_masked(const struct gm_msix *x, unsigned int vector)
{
	return msix_ctrl(x) & CTRL_MASK_ALL || x->table[16 * vector + ENTRY_CTRL] & 1;
}

/* A message is a write of 32 bits to memory; those to FEExxxxxh are interrupts. */
static void msix_send(struct gm_msix *x, unsigned int vector)
{
	u64 addr = msix_get32(x, 16 * vector) | (u64)msix_get32(x, 16 * vector + 4) << 32;
	u32 data = msix_get32(x, 16 * vector + 8);

	if (!gm_pci_bus_master(x->pci))
		return;
	if (addr >> 20 == LAPIC_BASE >> 20)
		apic_msi_send(x->pci->dev.m, addr, data);
	else
		gm_pci_dma_write(x->pci, addr & ~3ULL, &data, sizeof(data));
}

void gm_msix_notify(struct gm_msix *x, unsigned int vector)
{
	if (vector >= x->vectors || !gm_msix_enabled(x))
		return;
	if (msix_masked(x, vector))
		x->pending |= 1u << vector;
	else
		msix_send(x, vector);
}

static void msix_unmask(struct gm_msix *x)
{
	unsigned int i;

	if (!gm_msix_enabled(x))
		return;
	for (i = 0; i < x->vectors && x->pending; i++) {
		if (!(x->pending >> i & 1) || msix_masked(x, i))
			continue;
		x->pending &= ~(1u << i);
		msix_send(x, i);
	}
}

static u64 msix_read(void *opaque, u64 off, unsigned int size)
{
	const struct gm_msix *x = opaque;

	if (off < 16u * x->vectors)
		return msix_get32(x, (unsigned int)off);
	return off == PBA_OFFSET ? x->pending : 0;
}

static void msix_write(void *opaque, u64 off, unsigned int size, u64 val)
{
	struct gm_msix *x = opaque;
	u32 v = (u32)val;

	if (off >= 16u * x->vectors)
		return;
	if (off % 16 == 0)
		v &= ~3u;
	if (off % 16 == ENTRY_CTRL)
		v &= 1;
	memcpy(x->table + off, &v, 4);
	msix_unmask(x);
}

static const struct gm_region_ops msix_ops = {
	.name = "msix",
	.read = msix_read,
	.write = msix_write,
	.min_size = 4,
	.max_size = 4,
};

int gm_msix_init(struct gm_msix *x, struct gm_pci_dev *d, u8 cap, unsigned int bar, u8 vectors)
{
	static const struct gm_pci_bar desc = {.size = BAR_SIZE, .ops = &msix_ops};
	int err;

	if (!vectors || vectors > GM_MSIX_VECTORS)
		return -EINVAL;
	err = gm_pci_bar_add(d, bar, &desc, x);
	if (err)
		return err;
	x->pci = d;
	x->cap = cap;
	x->vectors = vectors;
	gm_pci_cap_add(d, cap, CAP_ID_MSIX);
	gm_pci_set16(d, cap + MSG_CTRL, (u16)(vectors - 1));
	d->wmask[cap + MSG_CTRL + 1] = (CTRL_ENABLE | CTRL_MASK_ALL) >> 8;
	d->config[cap + 4] = (u8)bar;
	gm_pci_set16(d, cap + 8, (u16)(PBA_OFFSET | bar));
	return 0;
}

void gm_msix_reset(struct gm_msix *x)
{
	unsigned int i;

	if (!x->cap)
		return;
	gm_pci_set16(x->pci, x->cap + MSG_CTRL, (u16)(x->vectors - 1));
	memset(x->table, 0, sizeof(x->table));
	for (i = 0; i < x->vectors; i++)
		x->table[16 * i + ENTRY_CTRL] = 1;
	x->pending = 0;
}

void gm_msix_config_written(struct gm_msix *x, unsigned int off, unsigned int size)
{
	if (x->cap && off < x->cap + (u32)CAP_LEN && off + size > x->cap)
		msix_unmask(x);
}

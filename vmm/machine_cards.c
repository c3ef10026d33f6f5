// SPDX-License-Identifier: GPL-2.0-or-later
/* Cards in PCI slots 3 and up; see machine_cards.h. */
#include "vmm/machine_cards.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "devices/net/nic.h"
#include "devices/sound/sound.h"
#include "devices/virtio/devices.h"
#include "vmm/loader/bios.h"

#define FIRST_SLOT 3
#define SLOTS      32
#define ROM_MIN    512
#define ROM_MAX    (256 * KiB)

/* Where ISA NE2000 cards are looked for first; the interrupt line is the board's choice. */
#define NE2000_BASE 0x300

struct cards {
	struct pc_cards *k;
	struct gm_machine *m;
	const struct config *c;
	struct gm_pci_bus *bus;
	char *err;
	size_t errlen;
};

static int fail(struct cards *b, int ret, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static int fail(struct cards *b, int ret, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(b->err, b->errlen, fmt, ap);
	va_end(ap);
	return ret;
}

static const char *const net_ids[CONFIG_NNETS] = {"net0", "net1", "net2", "net3",
						  "net4", "net5", "net6", "net7"};
static const char *const disk_ids[CONFIG_NDISKS] = {"disk0", "disk1", "disk2", "disk3",
						    "disk4", "disk5", "disk6", "disk7"};
static const char *const dev_ids[CONFIG_NDEVICES] = {"dev0", "dev1", "dev2", "dev3",
						     "dev4", "dev5", "dev6", "dev7"};

/* ---- back ends ---- */

int pc_cards_open(struct pc_cards *k, struct gm_machine *m, const struct config *c, char *err,
		  size_t errlen)
{
	unsigned int i;
	int ret;

	for (i = 0; i < c->nnets; i++) {
		struct gm_net_options o = c->nets[i].o;

		o.id = net_ids[i];
		k->nets[i] = gm_net_open(m, &o, err, errlen);
		if (!k->nets[i])
			return -EINVAL;
	}
	for (i = 0; i < c->ndevices; i++) {
		if (!c->devices[i].chardev)
			continue;
		k->consoles[i] = gm_char_open(m, c->devices[i].chardev, err, errlen);
		if (!k->consoles[i])
			return -EINVAL;
	}
	if (c->sound.card != CONFIG_SOUND_NONE) {
		struct gm_audio_options o = {.out = c->sound.out, .path = c->sound.wav};

		k->audio = gm_audio_open(m, &o, err, errlen);
		if (!k->audio)
			return -EINVAL;
	}
	ret = c->nnets ? gm_net_drop_privileges() : 0;
	if (ret)
		snprintf(err, errlen, "privileges cannot be given up: %s", strerror(-ret));
	return ret;
}

void pc_cards_close(struct pc_cards *k)
{
	unsigned int i;

	for (i = 0; i < CONFIG_NNETS; i++)
		gm_net_close(k->nets[i]);
	for (i = 0; i < CONFIG_NDEVICES; i++)
		gm_char_close(k->consoles[i]);
	gm_audio_close(k->audio);
}

/* ---- boot ROMs ---- */

static const char *const rom_dirs[] = {
	"/usr/lib/ipxe/qemu", /* Debian */
	"/usr/share/ipxe",    /* Fedora */
	"/usr/share/qemu",    /* Arch, openSUSE */
};

static const char *const rom_names[] = {
	[CONFIG_NIC_E1000] = "pxe-e1000.rom",
	[CONFIG_NIC_RTL8139] = "pxe-rtl8139.rom",
	[CONFIG_NIC_NE2000] = "pxe-ne2k_pci.rom",
	[CONFIG_NIC_VIRTIO] = "pxe-virtio.rom",
};

#define ROM_CHECKSUM 6    /* a byte that iPXE leaves for it */
#define ROM_PCIR     0x18 /* where the PCI data structure is (PCI Firmware 3.0, 5.1.2) */

/* One ROM serves cards of several ids: it gets those of the card that it is plugged into, as the
 * firmware compares them. */
static void rom_set_ids(u8 *data, u32 len, const u16 ids[2])
{
	u32 at = data[ROM_PCIR] | (u32)data[ROM_PCIR + 1] << 8, i, size = data[2] * 512u;
	u8 sum = 0;

	if (at + 8 > len || memcmp(data + at, "PCIR", 4))
		return;
	memcpy(data + at + 4, ids, 4);
	data[ROM_CHECKSUM] = 0;
	for (i = 0; i < size; i++)
		sum = (u8)(sum + data[i]);
	data[ROM_CHECKSUM] = (u8)-sum;
}

static int rom_read(struct cards *b, const char *path, const char *id, const u16 ids[2],
		    struct gm_ram **out)
{
	const char *bad;
	u64 size = 4096;
	u8 *data;
	u32 len;
	int ret = gm_file_read(path, "boot ROM", ROM_MIN, ROM_MAX, &data, &len, b->err, b->errlen);

	if (ret)
		return ret;
	bad = gm_optrom_check(data, len);
	if (!bad)
		rom_set_ids(data, len, ids);
	while (size < len)
		size *= 2;
	if (bad) {
		ret = fail(b, -EINVAL, "boot ROM %s: %s", path, bad);
	} else {
		*out = gm_ram_new(b->m->mem, id, size, 0);
		if (*out)
			memcpy((*out)->host, data, len);
		else
			ret = fail(b, -ENOMEM, "boot ROM %s: out of memory", path);
	}
	free(data);
	return ret;
}

/* Cards have their boot ROM when the network is in the boot order: it takes its time at start. */
static int rom_load(struct cards *b, unsigned int i, const u16 ids[2], struct gm_ram **out)
{
	const struct config_net *n = &b->c->nets[i];
	char path[256];
	size_t d;

	*out = NULL;
	if (!b->c->boot || !strchr(b->c->boot, 'n') || n->no_rom ||
	    n->model == CONFIG_NIC_NE2000_ISA)
		return 0;
	for (d = 0; d < ARRAY_SIZE(rom_dirs); d++) {
		snprintf(path, sizeof(path), "%s/%s", rom_dirs[d], rom_names[n->model]);
		if (!access(path, R_OK))
			return rom_read(b, path, net_ids[i], ids, out);
	}
	return fail(b, -ENOENT, "--boot: %s is not installed: install the package 'ipxe-qemu' "
		    "(Debian, Ubuntu) or 'ipxe-roms-qemu' (Fedora)", rom_names[n->model]);
}

/* ---- slots ---- */

static int slot_next(struct cards *b, struct gm_pci_cfg *cfg)
{
	unsigned int slot;

	for (slot = FIRST_SLOT; slot < SLOTS; slot++) {
		if (gm_pci_bus_find(b->bus, GM_PCI_DEVFN(slot, 0)))
			continue;
		*cfg = (struct gm_pci_cfg){.bus = b->bus, .devfn = (u8)GM_PCI_DEVFN(slot, 0)};
		return (int)slot;
	}
	return fail(b, -ENOSPC, "there are more cards than PCI slots");
}

static int card(struct cards *b, const struct gm_dev_class *cls, const char *id, const void *cfg,
		struct gm_dev **out)
{
	int ret = gm_dev_create(b->m, cls, id, cfg, out);

	return ret ? fail(b, ret, "%s: cannot be set up: %s", cls->title, strerror(-ret)) : 0;
}

/* ---- network cards ---- */

/* Addresses of one machine differ, and so do those of machines with other names; each stays the
 * same from run to run. */
static void mac_default(const struct cards *b, unsigned int index, u8 mac[6])
{
	u32 hash = 2166136261u;
	const char *p;

	for (p = b->m->name ? b->m->name : ""; *p; p++)
		hash = (hash ^ (u8)*p) * 16777619u;
	hash += index;
	memcpy(mac, (u8[]){0x52, 0x54, 0x00, (u8)(hash >> 16), (u8)(hash >> 8), (u8)hash}, 6);
}

static int add_ne2000_isa(struct cards *b, unsigned int i, const u8 *mac, const struct gm_irq *irq)
{
	struct ne2000_isa_cfg cfg = {.base = NE2000_BASE, .irq = *irq, .net = b->k->nets[i]};

	memcpy(cfg.mac, mac, 6);
	return card(b, &ne2000_isa_class, net_ids[i], &cfg, &b->k->net_devs[i]);
}

static int add_net(struct cards *b, unsigned int i, const struct gm_irq *irq)
{
	static const struct gm_pci_class *const classes[] = {
		[CONFIG_NIC_E1000] = &e1000_class,
		[CONFIG_NIC_RTL8139] = &rtl8139_class,
		[CONFIG_NIC_NE2000] = &ne2000_class,
		[CONFIG_NIC_VIRTIO] = &virtio_net_class,
	};
	const struct config_net *n = &b->c->nets[i];
	struct nic_cfg nic = {.net = b->k->nets[i]};
	struct virtio_net_cfg vnet = {.v = {.modern = n->modern, .split = n->split},
				      .net = b->k->nets[i]};
	u16 ids[2];
	int slot, ret;

	if (n->has_mac)
		memcpy(nic.mac, n->mac, 6);
	else
		mac_default(b, i, nic.mac);
	if (n->model == CONFIG_NIC_NE2000_ISA)
		return add_ne2000_isa(b, i, nic.mac, irq);
	slot = slot_next(b, &nic.pci);
	if (slot < 0)
		return slot;
	ids[0] = classes[n->model]->vendor;
	ids[1] = n->model == CONFIG_NIC_VIRTIO && n->modern ? VIRTIO_MODERN_ID + VIRTIO_NET
							    : classes[n->model]->device;
	ret = rom_load(b, i, ids, &nic.rom);
	if (ret)
		return ret;
	if (nic.rom)
		b->k->net_slots[b->k->nnet_slots++] = (u8)slot;
	if (n->model != CONFIG_NIC_VIRTIO)
		return card(b, &classes[n->model]->dev, net_ids[i], &nic, &b->k->net_devs[i]);
	vnet.v.pci = nic.pci;
	vnet.rom = nic.rom;
	memcpy(vnet.mac, nic.mac, 6);
	return card(b, &virtio_net_class.dev, net_ids[i], &vnet, &b->k->net_devs[i]);
}

/* ---- disks and others ---- */

static int add_disk(struct cards *b, unsigned int i, struct gm_blk *blk)
{
	const struct config_disk *d = &b->c->disks[i];
	unsigned int wanted = d->queues ? d->queues : MIN(b->m->nvcpus, 8u);
	unsigned int queues = MAX(wanted, 1u);
	struct virtio_blk_cfg cfg = {.v = {.modern = d->modern, .split = d->split}, .blk = blk,
				     .queues = (u8)queues};
	int slot = slot_next(b, &cfg.v.pci);

	if (slot < 0)
		return slot;
	b->k->disk_slots[b->k->ndisk_slots++] = (u8)slot;
	return card(b, &virtio_blk_class.dev, disk_ids[i], &cfg, NULL);
}

static int add_device(struct cards *b, unsigned int i)
{
	const struct config_device *d = &b->c->devices[i];
	struct virtio_cfg v = {.modern = d->modern, .split = d->split};
	int slot = slot_next(b, &v.pci);

	if (slot < 0)
		return slot;
	switch (d->kind) {
	case CONFIG_DEV_VIRTIO_RNG:
		return card(b, &virtio_rng_class.dev, dev_ids[i], &(struct virtio_rng_cfg){v},
			    NULL);
	case CONFIG_DEV_VIRTIO_BALLOON:
		return card(b, &virtio_balloon_class.dev, dev_ids[i],
			    &(struct virtio_balloon_cfg){v}, &b->k->balloon);
	case CONFIG_DEV_VIRTIO_CONSOLE:
		return card(b, &virtio_console_class.dev, dev_ids[i],
			    &(struct virtio_console_cfg){v, b->k->consoles[i]}, NULL);
	}
	return -EINVAL;
}

static int add_sound(struct cards *b)
{
	struct ac97_cfg cfg = {.audio = b->k->audio};
	int slot = slot_next(b, &cfg.pci);

	return slot < 0 ? slot : card(b, &ac97_class.dev, "sound0", &cfg, NULL);
}

int pc_cards_add(struct pc_cards *k, struct gm_machine *m, const struct config *c,
		 struct gm_pci_bus *bus, struct gm_blk *const *disks,
		 const struct gm_irq *ne2000_irq, char *err, size_t errlen)
{
	struct cards b = {.k = k, .m = m, .c = c, .bus = bus, .err = err, .errlen = errlen};
	unsigned int i;
	int ret = 0;

	for (i = 0; i < c->nnets && !ret; i++)
		ret = add_net(&b, i, ne2000_irq);
	for (i = 0; i < c->ndisks && !ret; i++)
		if (c->disks[i].virtio)
			ret = add_disk(&b, i, disks[i]);
	for (i = 0; i < c->ndevices && !ret; i++)
		ret = add_device(&b, i);
	if (c->sound.card == CONFIG_SOUND_AC97 && !ret)
		ret = add_sound(&b);
	return ret;
}

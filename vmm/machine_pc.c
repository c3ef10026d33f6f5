// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The PC: which devices there are, at which addresses, and which wire goes where. Addresses and
 * interrupt lines are those of the PC/AT and of the 82371SB (PIIX3) datasheet.
 */
#include "vmm/machine_pc.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "devices/apic/ioapic.h"
#include "devices/apic/lapic.h"
#include "devices/fw_cfg/fw_cfg.h"
#include "devices/ide/ide.h"
#include "devices/isa/debugcon.h"
#include "devices/isa/fdc.h"
#include "devices/isa/i8042.h"
#include "devices/isa/i8237.h"
#include "devices/isa/i8254.h"
#include "devices/isa/i8259.h"
#include "devices/isa/mc146818.h"
#include "devices/isa/parallel.h"
#include "devices/isa/port80.h"
#include "devices/isa/uart16550.h"
#include "devices/pci/i440fx.h"
#include "devices/pci/piix3.h"
#include "devices/pci/piix4pm.h"
#include "devices/sound/sound.h"
#include "devices/usb/uhci.h"
#include "devices/vga/vga.h"
#include "vmm/accel/accel.h"
#include "vmm/cpu/model.h"
#include "vmm/firmware/firmware.h"
#include "vmm/loader/bios.h"
#include "vmm/trace.h"
#include "vmm/vcpu.h"

/* What the steps of building share. */
struct build {
	struct pc *pc;
	const struct config *c;
	struct gm_ram *bios;
	unsigned int nlapics;
	u8 ide_disks, ide_cds; /* bit 2 * channel + drive */
	char *err;
	size_t errlen;
};

static int fail(struct build *b, int ret, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static int fail(struct build *b, int ret, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(b->err, b->errlen, fmt, ap);
	va_end(ap);
	return ret;
}

static int device(struct build *b, const struct gm_dev_class *cls, const char *id, const void *cfg,
		  struct gm_dev **out)
{
	int err = gm_dev_create(b->pc->m, cls, id, cfg, out);

	return err ? fail(b, err, "%s: cannot be set up: %s", cls->title, strerror(-err)) : 0;
}

/* ---- wires ---- */

/* ISA interrupt lines go to the 8259As and to the I/O APIC, IRQ 0 to its pin 2. */
static void isa_irq_set(void *opaque, int line, int level)
{
	struct pc *pc = opaque;

	if (gm_trace_on(pc->m, GM_TRACE_IRQ))
		gm_trace_put(pc->m, GM_TRACE_IRQ, "line %d %s", line, level ? "up" : "down");
	if (pc->m->vm->irqchip) {
		pc->m->vm->accel->irq_line(pc->m->vm, (unsigned int)line, level);
		return;
	}
	pic_set_irq(pc->pic, line, level);
	ioapic_set_irq(pc->ioapic, line ? line : 2, level);
}

static struct gm_irq isa_irq(struct pc *pc, int line)
{
	return (struct gm_irq){.set = isa_irq_set, .opaque = pc, .line = line};
}

/* INTR of the 8259As goes to LINT0. */
static void intr_set(void *opaque, int line, int level)
{
	struct pc *pc = opaque;

	if (pc->lapic)
		lapic_lint_set(pc->lapic, 0, level);
}

static void a20_set(void *opaque, bool on)
{
	struct pc *pc = opaque;

	pc->a20 = on;
	pc->m->vm->accel->a20(pc->m->vm, on);
}

static void ferr_set(struct gm_vcpu *v, int level)
{
	isa_irq_set(v->board, 13, level);
}

/* ---- back ends ---- */

static int open_chars(struct build *b)
{
	const struct config *c = b->c;
	struct pc *pc = b->pc;
	unsigned int i;

	for (i = 0; i < c->nserials; i++) {
		pc->serial[i] = gm_char_open(pc->m, c->serials[i], b->err, b->errlen);
		if (!pc->serial[i])
			return -EINVAL;
	}
	if (c->parallel) {
		pc->parallel = gm_char_open(pc->m, c->parallel, b->err, b->errlen);
		if (!pc->parallel)
			return -EINVAL;
	}
	if (c->debugcon) {
		pc->debugcon = gm_char_open(pc->m, c->debugcon, b->err, b->errlen);
		if (!pc->debugcon)
			return -EINVAL;
	}
	return 0;
}

static int open_drives(struct build *b, const struct config_disk *list, unsigned int n, bool share,
		       struct gm_blk **out)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		struct gm_blk_options o = {.path = list[i].path, .format = list[i].format,
					   .readonly = list[i].readonly,
					   .snapshot = list[i].snapshot, .share = share,
					   .on_error = b->c->on_disk_error};

		if (!o.path)
			continue;
		out[i] = gm_blk_open(b->pc->m, &o, b->err, b->errlen);
		if (!out[i])
			return -EINVAL;
	}
	return 0;
}

static int open_media(struct build *b)
{
	const struct config *c = b->c;
	struct pc *pc = b->pc;
	int err = open_drives(b, c->disks, c->ndisks, false, pc->disks);

	if (!err)
		err = open_drives(b, c->cdroms, c->ncdroms, true, pc->cdroms);
	if (!err)
		err = open_drives(b, c->floppies, c->nfloppies, false, pc->floppies);
	return err;
}

/* ---- the board ---- */

/* The speaker hangs on the timer. */
static int add_pit(struct build *b)
{
	struct pc *pc = b->pc;
	struct i8254_cfg pit = {.irq = isa_irq(pc, 0)};
	struct speaker_cfg speaker = {.audio = pc->cards.audio};
	struct gm_dev *d = NULL;
	int err = speaker.audio ? device(b, &speaker_class, "speaker", &speaker, &d) : 0;

	if (err)
		return err;
	if (d)
		pit.speaker = speaker_wave_set;
	pit.speaker_opaque = d;
	return device(b, &i8254_class, "pit", &pit, NULL);
}

static int add_sb16(struct build *b)
{
	struct pc *pc = b->pc;
	struct sb16_cfg cfg = {.base = 0x220, .audio = pc->cards.audio, .dma = pc->dma,
			       .irq = {isa_irq(pc, 9), isa_irq(pc, 5), isa_irq(pc, 7),
				       isa_irq(pc, 10)}};

	return device(b, &sb16_class, "sound0", &cfg, NULL);
}

static int add_isa(struct build *b)
{
	static const u16 uart_base[CONFIG_NSERIALS] = {0x3f8, 0x2f8};
	static const int uart_irq[CONFIG_NSERIALS] = {4, 3};
	static const char *const uart_id[CONFIG_NSERIALS] = {"serial0", "serial1"};
	struct pc *pc = b->pc;
	struct i8259_cfg pic = {.intr = {.set = intr_set, .opaque = pc}};
	struct ioapic_cfg ioapic = {.apic_id = gm_ioapic_id(pc->m->nvcpus)};
	struct mc146818_cfg rtc = {.irq = isa_irq(pc, 8), .base = (enum mc146818_base)b->c->clock,
				   .date = b->c->clock_date};
	struct i8042_cfg kbd = {.irq_kbd = isa_irq(pc, 1), .irq_mouse = isa_irq(pc, 12),
				.a20 = a20_set, .opaque = pc};
	struct parallel_cfg lpt = {.base = 0x378, .irq = isa_irq(pc, 7), .chr = pc->parallel};
	struct debugcon_cfg dbg = {.chr = pc->debugcon};
	struct fdc_cfg fdc = {.base = 0x3f0, .irq = isa_irq(pc, 6), .dma_channel = 2};
	unsigned int i;
	int err;

	if ((err = device(b, &i8259_class, "pic", &pic, &pc->pic)) ||
	    (err = device(b, &ioapic_class, "ioapic", &ioapic, &pc->ioapic)) ||
	    (err = add_pit(b)) ||
	    (err = device(b, &mc146818_class, "rtc", &rtc, &pc->cmos)) ||
	    (err = device(b, &i8237_class, "dma", NULL, &pc->dma)) ||
	    (err = device(b, &i8042_class, "kbd", &kbd, &pc->kbd)) ||
	    (err = device(b, &parallel_class, "parallel0", &lpt, NULL)) ||
	    (err = device(b, &debugcon_class, "debugcon", &dbg, NULL)) ||
	    (err = device(b, &port80_class, "port80", NULL, NULL)) ||
	    (err = b->c->sound.card == CONFIG_SOUND_SB16 ? add_sb16(b) : 0))
		return err;
	for (i = 0; i < CONFIG_NSERIALS; i++) {
		struct uart16550_cfg uart = {.base = uart_base[i], .irq = isa_irq(pc, uart_irq[i]),
					     .chr = pc->serial[i]};

		err = device(b, &uart16550_class, uart_id[i], &uart, NULL);
		if (err)
			return err;
	}
	pc->input = i8042_input_sink(pc->kbd);
	fdc.dma = pc->dma;
	pc->nfloppies = b->c->nfloppies;
	for (i = 0; i < ARRAY_SIZE(fdc.drive) && i < b->c->nfloppies; i++) {
		fdc.drive[i].blk = pc->floppies[i];
		/* A drive without a disk takes the usual ones. */
		fdc.drive[i].type = pc->floppies[i] ? FDC_DRIVE_NONE : FDC_DRIVE_1440K;
	}
	return device(b, &fdc_class, "fdc", &fdc, &pc->fdc);
}

static int add_vga(struct build *b)
{
	struct pc *pc = b->pc;
	struct gm_vga_cfg vga = {.pci = {.bus = pc->pci, .devfn = GM_PCI_DEVFN(2, 0)}};
	u8 *rom = NULL;
	u32 len = 0;
	int err = gm_vgabios_load(b->c->vgabios, &rom, &len, b->err, b->errlen);

	if (err)
		return err;
	vga.rom = rom;
	vga.rom_len = len;
	err = device(b, &gm_vga_class.dev, "vga", &vga, &pc->vga);
	free(rom);
	if (!err)
		gm_vga_display_source(pc->vga, &pc->display);
	return err;
}

/* Disks from the primary master on; CD-ROMs from the secondary master on, where there is room.
 * The firmware is told where they went. */
static int add_ide(struct build *b)
{
	static const u8 cd_order[4] = {2, 3, 1, 0};
	struct pc *pc = b->pc;
	struct ide_cfg ide = {.pci = {.bus = pc->pci, .devfn = GM_PCI_DEVFN(1, 1)},
			      .irq = {isa_irq(pc, 14), isa_irq(pc, 15)}};
	unsigned int i, n, place;

	for (i = 0, n = 0; i < b->c->ndisks; i++) {
		if (b->c->disks[i].virtio)
			continue;
		ide.drive[n / 2][n % 2].blk = pc->disks[i];
		b->ide_disks |= 1u << n++;
	}
	for (i = 0, n = 0; i < b->c->ncdroms && n < ARRAY_SIZE(cd_order); n++) {
		place = cd_order[n];
		if (b->ide_disks & 1u << place)
			continue;
		pc->cd_place[i] = (u8)place;
		pc->ncdroms = i + 1;
		ide.drive[place / 2][place % 2].blk = pc->cdroms[i++];
		ide.drive[place / 2][place % 2].cdrom = true;
		b->ide_cds |= 1u << place;
	}
	return device(b, &piix3_ide_class.dev, "ide", &ide, &pc->ide);
}

/* A pointer that needs no capture, where the screen is shown to people with one. */
static int add_usb(struct build *b)
{
	const struct config_display *display = &b->c->display;
	struct pc *pc = b->pc;
	struct gm_uhci_cfg usb = {.pci = {.bus = pc->pci, .devfn = GM_PCI_DEVFN(1, 2)}};
	struct gm_dev *uhci;
	int err;

	if (!display->kind || display->no_tablet ||
	    (strcmp(display->kind, "vnc") && strcmp(display->kind, "sdl")))
		return 0;
	err = device(b, &gm_uhci_class.dev, "usb", &usb, &uhci);
	if (!err)
		pc->tablet = gm_uhci_tablet(uhci);
	return err;
}

static int add_pci(struct build *b)
{
	struct pc *pc = b->pc;
	struct gm_i440fx_cfg host = {.pci = {.devfn = GM_PCI_DEVFN(0, 0)}, .rom = b->bios};
	struct gm_piix3_cfg isa = {.pci = {.devfn = GM_PCI_DEVFN(1, 0)}};
	struct gm_piix4pm_cfg pm = {.pci = {.devfn = GM_PCI_DEVFN(1, 3)}};
	struct gm_irq ne2000 = isa_irq(pc, 3); /* as its jumpers came; COM2 yields */
	int err, i;

	pc->pci = gm_pci_bus_new(pc->m);
	if (!pc->pci)
		return fail(b, -ENOMEM, "out of memory");
	host.pci.bus = isa.pci.bus = pm.pci.bus = pc->pci;
	for (i = 0; i < 16; i++)
		isa.irq[i] = isa_irq(pc, i);
	err = device(b, &gm_i440fx_class.dev, "host", &host, NULL);
	if (!err)
		err = device(b, &gm_piix3_class.dev, "isa", &isa, &pc->bridge);
	if (err)
		return err;
	pm.sci = (struct gm_irq){.set = gm_piix3_set_sci, .opaque = pc->bridge};
	err = device(b, &gm_piix4pm_class.dev, "pm", &pm, &pc->pm);
	if (!err)
		err = add_ide(b);
	if (!err)
		err = add_usb(b);
	if (!err)
		err = add_vga(b);
	return err ? err : pc_cards_add(&pc->cards, pc->m, b->c, pc->pci, pc->disks, &ne2000,
					b->err, b->errlen);
}

static u64 tsc_offset(void *opaque)
{
	return ((struct gm_vcpu *)opaque)->tsc_offset;
}

static void tsc_changed(struct gm_vcpu *v)
{
	lapic_tsc_changed(v->lapic);
}

static void init_ipi(void *opaque)
{
	gm_vcpu_init(opaque);
}

static void start_ipi(void *opaque, u8 vector)
{
	gm_vcpu_sipi(opaque, vector);
}

static void vcpu_setup(void *opaque, struct gm_vcpu *v)
{
	struct build *b = opaque;
	struct pc *pc = b->pc;
	const struct cpu_model *model = cpu_model_find(b->c->cpu);
	struct lapic_cfg cfg = {.vcpu = v, .apic_id = v->apic_id, .tsc_hz = pc->m->tsc_hz,
				.tsc_offset = tsc_offset, .tsc_opaque = v,
				.x2apic = true, .tsc_deadline = true,
				.absent = model && !cpu_model_has(model, CPU_F_APIC),
				.extint_ack = pic_ack, .extint_opaque = pc->pic,
				.eoi = ioapic_eoi, .eoi_opaque = pc->ioapic,
				.init_ipi = init_ipi, .sipi = start_ipi, .ipi_opaque = v};
	struct gm_dev *lapic = NULL;

	v->board = pc;
	v->ferr = ferr_set;
	v->has_x2apic = v->has_tsc_deadline = true;
	v->tsc_changed = tsc_changed;
	b->nlapics += !device(b, &lapic_class, v->lapic_name, &cfg, &lapic);
	if (!v->index)
		pc->lapic = lapic; /* the one that the 8259A's INTR leads to */
}

static int add_cpu(struct build *b)
{
	struct gm_machine *m = b->pc->m;
	int err = gm_vcpus_create(m, vcpu_setup, b);

	if (!err && b->nlapics < m->nvcpus)
		return -ENOMEM; /* with vcpu_setup()'s message */
	return err ? fail(b, err, "the vCPUs cannot be made: %s", strerror(-err)) : 0;
}

/* Floppy drive types (10h), equipment (14h: FPU, mouse, floppies), and how the BIOS translates the
 * addresses of each hard disk (39h, two bits each: 0 none, 1 LBA). */
static void cmos_setup_drives(struct build *b)
{
	struct gm_dev *cmos = b->pc->cmos;
	u8 type0 = fdc_drive_type(b->pc->fdc, 0), type1 = fdc_drive_type(b->pc->fdc, 1);
	u8 equipment = 0x06, translation = 0;
	struct ide_geometry g;
	unsigned int i;

	if (type0 || type1)
		equipment |= (u8)(1 | (type0 && type1 ? 0x40 : 0));
	for (i = 0; i < 4; i++)
		if (ide_drive_geometry(b->pc->ide, i / 2, i % 2, &g) && g.lba_translation)
			translation |= (u8)(1 << 2 * i);
	cmos_set(cmos, 0x10, (u8)(type0 << 4 | type1));
	cmos_set(cmos, 0x14, equipment);
	cmos_set(cmos, 0x39, translation);
}

static void cmos_setup(struct build *b)
{
	struct gm_machine *m = b->pc->m;
	u64 ext = MIN(m->ram_below_4g, 64 * MiB) > MiB ?
			  MIN(m->ram_below_4g - MiB, 63 * MiB) / KiB : 0;
	u64 above16 = m->ram_below_4g > 16 * MiB ? (m->ram_below_4g - 16 * MiB) / (64 * KiB) : 0;
	u64 above4g = (m->ram_size - m->ram_below_4g) / (64 * KiB);
	struct gm_dev *cmos = b->pc->cmos;

	cmos_set(cmos, 0x15, 640 & 0xff);
	cmos_set(cmos, 0x16, 640 >> 8);
	cmos_set(cmos, 0x17, (u8)ext);
	cmos_set(cmos, 0x18, (u8)(ext >> 8));
	cmos_set(cmos, 0x30, (u8)ext);
	cmos_set(cmos, 0x31, (u8)(ext >> 8));
	cmos_set(cmos, 0x34, (u8)above16);
	cmos_set(cmos, 0x35, (u8)(above16 >> 8));
	cmos_set(cmos, 0x5b, (u8)above4g);
	cmos_set(cmos, 0x5c, (u8)(above4g >> 8));
	cmos_set(cmos, 0x5d, (u8)(above4g >> 16));
	cmos_set(cmos, 0x5f, (u8)(m->nvcpus - 1));
	cmos_setup_drives(b);
}

static int add_firmware(struct build *b)
{
	const struct config *c = b->c;
	struct gm_firmware_cfg fw = {
		.fw_cfg = b->pc->fw_cfg,
		.ncpus = b->pc->m->nvcpus,
		.topology = b->pc->m->topology,
		.legacy = GM_HAS_COM1 | GM_HAS_COM2 | GM_HAS_LPT1 |
			  (c->nfloppies ? GM_HAS_FLOPPY : 0),
		.boot = c->boot ? c->boot : "cda",
		.ide_disks = b->ide_disks,
		.ide_cds = b->ide_cds,
		.virtio_first = c->ndisks && c->disks[0].virtio,
		.virtio_slots = b->pc->cards.disk_slots,
		.nvirtio = b->pc->cards.ndisk_slots,
		.net_slots = b->pc->cards.net_slots,
		.nnets = b->pc->cards.nnet_slots,
		.kernel = {.kernel = c->kernel, .initrd = c->initrd, .append = c->append},
	};

	if (c->entry)
		gm_boot_entry_parse(c->entry, &fw.kernel.entry);
	return gm_firmware_setup(b->pc->m, &fw, b->err, b->errlen);
}

static int cpus_check(struct build *b)
{
	const struct cpu_model *model = cpu_model_find(b->c->cpu);
	struct gm_machine *m = b->pc->m;

	m->topology = b->c->cpus;
	m->nvcpus = m->topology.sockets * m->topology.cores * m->topology.threads;
	if (m->nvcpus > 1 && b->c->cpu && model && !cpu_model_has(model, CPU_F_APIC))
		return fail(b, -EINVAL, "--cpus: CPU model %s has no local APIC, so only one fits",
			    b->c->cpu);
	return 0;
}

static int build(struct build *b)
{
	struct pc *pc = b->pc;
	int err = cpus_check(b);

	if (err)
		return err;
	err = gm_machine_add_ram(pc->m, b->c->memory);
	if (err)
		return fail(b, err, "--memory: %lluM cannot be had from this host",
			    (unsigned long long)(b->c->memory / MiB));
	if ((err = gm_bios_load(pc->m, b->c->bios, &b->bios, b->err, b->errlen)) ||
	    (err = open_chars(b)) || (err = open_media(b)) ||
	    (err = pc_cards_open(&pc->cards, pc->m, b->c, b->err, b->errlen)))
		return err;
	if ((err = add_isa(b)) || (err = add_pci(b)) ||
	    (err = device(b, &gm_fw_cfg_class, "fw_cfg", NULL, &pc->fw_cfg)) ||
	    (err = add_cpu(b)))
		return err;
	cmos_setup(b);
	return add_firmware(b);
}

static void pc_fini(void *opaque)
{
	struct pc *pc = opaque;
	unsigned int i;

	for (i = 0; i < CONFIG_NDISKS; i++)
		if (pc->disks[i])
			gm_blk_close(pc->disks[i]);
	for (i = 0; i < CONFIG_NCDROMS; i++)
		if (pc->cdroms[i])
			gm_blk_close(pc->cdroms[i]);
	for (i = 0; i < CONFIG_NFLOPPIES; i++)
		if (pc->floppies[i])
			gm_blk_close(pc->floppies[i]);
	for (i = 0; i < CONFIG_NSERIALS; i++)
		gm_char_close(pc->serial[i]);
	pc_cards_close(&pc->cards);
	gm_char_close(pc->parallel);
	gm_char_close(pc->debugcon);
	if (pc->pci)
		gm_pci_bus_free(pc->pci);
	free(pc);
}

int pc_create(struct gm_machine *m, const struct config *c, struct pc **out, char *err,
	      size_t errlen)
{
	struct build b = {.c = c, .err = err, .errlen = errlen};
	int ret;

	snprintf(err, errlen, "out of memory");
	b.pc = calloc(1, sizeof(*b.pc));
	if (!b.pc)
		return -ENOMEM;
	*out = b.pc;
	b.pc->m = m;
	m->board = b.pc;
	m->board_fini = pc_fini;
	gm_lock(m);
	ret = build(&b);
	gm_unlock(m);
	return ret;
}

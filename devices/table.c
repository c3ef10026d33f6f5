// SPDX-License-Identifier: GPL-2.0-or-later
/* Every device class there is, in one explicit list. */
#include "devices/dev.h"
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
#include "devices/net/nic.h"
#include "devices/pci/i440fx.h"
#include "devices/pci/piix3.h"
#include "devices/pci/piix4pm.h"
#include "devices/sound/sound.h"
#include "devices/usb/uhci.h"
#include "devices/vga/vga.h"
#include "devices/virtio/devices.h"

const struct gm_dev_class *const gm_dev_classes[] = {
	&ac97_class.dev,
	&debugcon_class,
	&e1000_class.dev,
	&fdc_class,
	&gm_fw_cfg_class,
	&gm_i440fx_class.dev,
	&gm_piix3_class.dev,
	&gm_piix4pm_class.dev,
	&gm_uhci_class.dev,
	&gm_vga_class.dev,
	&i8042_class,
	&i8237_class,
	&i8254_class,
	&i8259_class,
	&ioapic_class,
	&lapic_class,
	&mc146818_class,
	&ne2000_class.dev,
	&ne2000_isa_class,
	&parallel_class,
	&piix3_ide_class.dev,
	&port80_class,
	&rtl8139_class.dev,
	&sb16_class,
	&speaker_class,
	&uart16550_class,
	&virtio_balloon_class.dev,
	&virtio_blk_class.dev,
	&virtio_console_class.dev,
	&virtio_net_class.dev,
	&virtio_rng_class.dev,
	NULL,
};

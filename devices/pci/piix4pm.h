/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Power management and SMBus function of Intel 82371AB (PIIX4), function 00:01.3. */
#ifndef GM_PIIX4PM_H
#define GM_PIIX4PM_H

#include "devices/pci/pci.h"

#define GM_PM_IO_BASE    0x600 /* where SeaBIOS puts the block: FADT and DSDT name it */
#define GM_PM_SMB_BASE   0x700
#define GM_PM_SMI_CMD    0xb2
#define GM_PM_ACPI_ON    0xf1 /* written to the SMI command port */
#define GM_PM_ACPI_OFF   0xf0
#define GM_PM_TIMER_HZ   3579545
/* SLP_TYP value of S5 (soft off), as the DSDT's \_S5 package says. */
#define GM_PM_SLP_TYP_S5 0
#define GM_PM_SCI_IRQ    9

struct gm_piix4pm_cfg {
	struct gm_pci_cfg pci;
	struct gm_irq sci; /* level */
	/* The CPUs have system management mode and `smi` triggers an SMI. Without it the
	 * function says that SMM is set up already, and firmware leaves it alone. */
	bool smm;
	struct gm_irq smi;
};

extern const struct gm_pci_class gm_piix4pm_class;

/* Presses the power button: sets PWRBTN_STS and raises the SCI if enabled. Returns false when
 * the guest has not enabled ACPI and so will not see it. Machine lock held. */
bool gm_piix4pm_power_button(struct gm_dev *d);

#endif

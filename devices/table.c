// SPDX-License-Identifier: GPL-2.0-or-later
/* Every device class there is, in one explicit list. */
#include "devices/dev.h"
#include "devices/isa/i8254.h"
#include "devices/isa/i8259.h"

const struct gm_dev_class *const gm_dev_classes[] = {
	&i8254_class,
	&i8259_class,
	NULL,
};

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For kernels before 6.18: part of <asm/processor.h> there. */
#include <asm/processor.h>

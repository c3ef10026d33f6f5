/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For kernels before 3.4. */
#include <asm/system.h>

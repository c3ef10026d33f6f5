/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For kernels before 4.2. */
#include <asm/i387.h>

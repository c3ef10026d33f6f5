/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For kernels before 2.6.18 (i386) and 2.6.23 (x86_64). */
#include <asm/timex.h>

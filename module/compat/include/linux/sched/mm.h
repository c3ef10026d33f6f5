/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For kernels before 4.11: part of <linux/sched.h> there. */
#include <linux/sched.h>

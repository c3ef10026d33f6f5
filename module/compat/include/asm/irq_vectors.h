/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For kernels before 2.6.27. */
#ifndef NMI_VECTOR
#define NMI_VECTOR 2
#endif

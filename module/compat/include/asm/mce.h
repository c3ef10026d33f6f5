/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For kernels before 2.6.18 on i386. */

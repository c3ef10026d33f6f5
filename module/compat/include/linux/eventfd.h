/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For kernels before 2.6.22, which have no eventfd. */

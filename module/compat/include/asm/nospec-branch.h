/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For kernels that know nothing of speculation. */

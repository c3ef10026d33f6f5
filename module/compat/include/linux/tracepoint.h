/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For kernels before 2.6.28, which have no tracepoints. */

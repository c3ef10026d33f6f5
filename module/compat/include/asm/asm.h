/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For kernels before 2.6.25: where a fault in an instruction goes on. */
#ifndef GM_ASM_H
#define GM_ASM_H

#ifdef CONFIG_X86_64
#define _ASM_EXTABLE(from, to)                                                                     \
	".section __ex_table,\"a\"\n.align 8\n.quad " #from "," #to "\n.previous\n"
#else
#define _ASM_EXTABLE(from, to)                                                                     \
	".section __ex_table,\"a\"\n.align 4\n.long " #from "," #to "\n.previous\n"
#endif

#endif

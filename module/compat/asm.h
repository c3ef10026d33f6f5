/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What assembler files need of the kernel's headers, made up for where it lacks. */
#ifndef GM_COMPAT_ASM_H
#define GM_COMPAT_ASM_H

#include <linux/linkage.h>
#include <asm/nospec-branch.h>

#ifndef SYM_FUNC_START /* before 5.5 */
#define SYM_FUNC_START(name)                                                                       \
	.globl name;                                                                               \
	.p2align 4;                                                                                \
	.type name, @function;                                                                     \
name:
#define SYM_FUNC_END(name) .size name, .- name
#endif

#ifndef RET /* before 5.17 */
#define RET ret
#endif

#ifndef RSB_CLEAR_LOOPS /* before 4.15 and its like in stable series */
#define RSB_CLEAR_LOOPS 32
.macro FILL_RETURN_BUFFER reg, nr, feature
.endm
#endif

/* Where an address of code is kept, kernels with IBT want this, though nothing branches there. */
#ifdef CONFIG_X86_KERNEL_IBT
#define GM_ENDBR .byte 0xf3, 0x0f, 0x1e, 0xfa
#else
#define GM_ENDBR
#endif

/* Assemblers of the time of the oldest kernels do not know these. */
#define GM_VMRUN  .byte 0x0f, 0x01, 0xd8
#define GM_VMLOAD .byte 0x0f, 0x01, 0xda
#define GM_VMSAVE .byte 0x0f, 0x01, 0xdb
#define GM_STGI   .byte 0x0f, 0x01, 0xdc
#define GM_CLGI   .byte 0x0f, 0x01, 0xdd

#endif

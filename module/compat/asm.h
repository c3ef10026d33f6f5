/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What assembler files need of the kernel's headers, made up for where it lacks. */
#ifndef GM_COMPAT_ASM_H
#define GM_COMPAT_ASM_H

#include <linux/linkage.h>
#include <asm/nospec-branch.h>

#include "compat_config.h"

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

/*
 * Between an exit and the first RET: nothing of ours may be predicted from what the guest did. Which of
 * it this CPU needs the kernel has decided at its start (its Documentation/admin-guide/hw-vuln):
 * returns (RSB), Retbleed and SRSO of AMD, a barrier at every exit, branch history of Intel.
 * Changes RAX (whose name is given), RCX, RDX and flags.
 */
.macro GM_EXIT_BARRIER ax
#ifdef X86_FEATURE_RSB_VMEXIT_LITE
	FILL_RETURN_BUFFER \ax, RSB_CLEAR_LOOPS, X86_FEATURE_RSB_VMEXIT, X86_FEATURE_RSB_VMEXIT_LITE
#else
	FILL_RETURN_BUFFER \ax, RSB_CLEAR_LOOPS, X86_FEATURE_RETPOLINE
#endif
#if defined(X86_FEATURE_SRSO_ALIAS) && defined(GM_EXPORTS_ENTRY_UNTRAIN_RET) && \
	defined(GM_EXPORTS_SRSO_ALIAS_UNTRAIN_RET)
	ALTERNATIVE_2 "", "call entry_untrain_ret", X86_FEATURE_UNRET, \
			  "call srso_alias_untrain_ret", X86_FEATURE_SRSO_ALIAS
#endif
#ifdef X86_FEATURE_IBPB_ON_VMEXIT
	ALTERNATIVE "jmp .Lgm_no_ibpb_\@", "", X86_FEATURE_IBPB_ON_VMEXIT
	mov $0x49, %ecx /* MSR_IA32_PRED_CMD, IBPB */
	mov $1, %eax
	xor %edx, %edx
	wrmsr
.Lgm_no_ibpb_\@:
#endif
#ifdef GM_EXPORTS_CLEAR_BHB_LOOP
	CLEAR_BRANCH_HISTORY_VMEXIT
#endif
.endm

/* Right before guest mode: what is left of us in the CPU's buffers, where an AMD CPU needs that. Changes ZF. */
.macro GM_CLEAR_BUFFERS
#ifdef X86_FEATURE_CLEAR_CPU_BUF_VM
	ALTERNATIVE "jmp .Lgm_no_verw_\@", "", X86_FEATURE_CLEAR_CPU_BUF_VM
#ifdef CONFIG_X86_64
	verw gm_verw_sel(%rip)
#else
	verw %cs:gm_verw_sel
#endif
.Lgm_no_verw_\@:
#endif
.endm

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

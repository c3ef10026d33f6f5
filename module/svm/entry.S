/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The switch into an AMD-V guest and back. AMD APM volume 2, 15.5 (VMRUN), 15.14 (GIF).
 *
 * asmlinkage void gm_svm_enter(u64 *gpr, unsigned long vmcb_pa, unsigned long host_pa)
 *   gpr      the guest's registers in the order of enum x86_gpr; RAX and RSP are in the VMCB
 *   host_pa  a VMCB page that keeps the host's FS, GS, TR, LDTR, SYSCALL and SYSENTER state
 * Interrupts are off on entry and on return; inside, GIF holds them back while they are "on", so
 * that an interrupt that comes leaves guest mode. Between the two VMLOADs the per-CPU base is the guest's.
 */
#include "module/gprs.h"
#include "module/compat/asm.h"

.section .rodata
gm_verw_sel:
	.word 0x18 /* __KERNEL_DS: any writable segment */

.text
#ifdef CONFIG_X86_64
SYM_FUNC_START(gm_svm_enter)
	push %rbp
	mov %rsp, %rbp
	push %rbx
	push %r12
	push %r13
	push %r14
	push %r15
	push %rdx
	push %rdi
	push %rsi

	GM_CLGI
	sti
	mov %rdx, %rax
	GM_VMSAVE

	mov %rdi, %rax
	GM_LOAD_GPRS
	pop %rax
	GM_VMLOAD
	GM_CLEAR_BUFFERS
	GM_VMRUN
	GM_VMSAVE

	pop %rax
	GM_STORE_GPRS
	pop %rax
	GM_VMLOAD

	GM_EXIT_BARRIER %rax
	/* Nothing of the guest's stays in registers that a mispredicted path could use. */
	xor %eax, %eax
	xor %ecx, %ecx
	xor %edx, %edx
	xor %esi, %esi
	xor %edi, %edi
	xor %r8d, %r8d
	xor %r9d, %r9d
	xor %r10d, %r10d
	xor %r11d, %r11d
	cli
	GM_STGI
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbx
	pop %rbp
	RET
SYM_FUNC_END(gm_svm_enter)
#else /* the same; arguments on the stack, upper halves of the registers stay zero */
SYM_FUNC_START(gm_svm_enter)
	push %ebp
	mov %esp, %ebp
	push %ebx
	push %esi
	push %edi
	push 16(%ebp) /* host_pa */
	push 8(%ebp)  /* gpr */
	push 12(%ebp) /* vmcb_pa */

	GM_CLGI
	sti
	mov 16(%ebp), %eax
	GM_VMSAVE

	mov 8(%ebp), %eax
	mov 8(%eax), %ecx
	mov 16(%eax), %edx
	mov 24(%eax), %ebx
	mov 40(%eax), %ebp
	mov 48(%eax), %esi
	mov 56(%eax), %edi
	pop %eax
	GM_VMLOAD
	GM_CLEAR_BUFFERS
	GM_VMRUN
	GM_VMSAVE

	pop %eax
	mov %ecx, 8(%eax)
	mov %edx, 16(%eax)
	mov %ebx, 24(%eax)
	mov %ebp, 40(%eax)
	mov %esi, 48(%eax)
	mov %edi, 56(%eax)
	pop %eax
	GM_VMLOAD

	GM_EXIT_BARRIER %eax
	xor %eax, %eax
	xor %ecx, %ecx
	xor %edx, %edx
	cli
	GM_STGI
	pop %edi
	pop %esi
	pop %ebx
	pop %ebp
	RET
SYM_FUNC_END(gm_svm_enter)
#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The switch into a VT-x guest and back. Intel SDM volume 3, 27 (VM entry), 28 (VM exit).
 *
 * asmlinkage int gm_vmx_enter(u64 *gpr, unsigned int flags)
 *   gpr      the guest's registers in the order of enum x86_gpr; RSP is in the VMCS
 *   flags    VMX_F_RESUME: the VMCS was launched before; VMX_F_VERW: empty the CPU's buffers before
 *   returns 1 if the CPU refused (no exit happened), else 0
 * Interrupts are off. An exit comes to gm_vmx_exited with CF and ZF clear (28.5.3); an instruction
 * that fails sets one of them and falls through to the same place.
 */
#include "module/gprs.h"
#include "module/compat/asm.h"

.section .rodata
verw_sel:
	.word 0x18 /* __KERNEL_DS: any writable segment */

.text
#ifdef CONFIG_X86_64
SYM_FUNC_START(gm_vmx_enter)
	push %rbp
	mov %rsp, %rbp
	push %rbx
	push %r12
	push %r13
	push %r14
	push %r15
	push %rdi

	mov $0x6c14, %eax /* VMCS_HOST_RSP */
	vmwrite %rsp, %rax
	test $2, %sil
	jz 1f
	verw verw_sel(%rip)
1:	test $1, %sil
	mov %rdi, %rax
	GM_LOAD_GPRS
	mov (%rax), %rax
	jnz 2f
	vmlaunch
	jmp 3f
2:	vmresume
3:
.globl gm_vmx_exited
gm_vmx_exited:
	GM_ENDBR
	push %rax
	setbe %al
	movzbl %al, %eax
	push %rax
	mov 16(%rsp), %rax
	GM_STORE_GPRS
	pop %rbx
	pop %rcx
	mov %rcx, (%rax)
	add $8, %rsp

	GM_EXIT_BARRIER %rax
	mov %ebx, %eax
	/* Nothing of the guest's stays in registers that a mispredicted path could use. */
	xor %ecx, %ecx
	xor %edx, %edx
	xor %esi, %esi
	xor %edi, %edi
	xor %r8d, %r8d
	xor %r9d, %r9d
	xor %r10d, %r10d
	xor %r11d, %r11d
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbx
	pop %rbp
	RET
SYM_FUNC_END(gm_vmx_enter)
#else /* the same; arguments on the stack, upper halves of the registers stay zero */
SYM_FUNC_START(gm_vmx_enter)
	push %ebp
	mov %esp, %ebp
	push %ebx
	push %esi
	push %edi
	push 8(%ebp)

	mov $0x6c14, %eax /* VMCS_HOST_RSP */
	vmwrite %esp, %eax
	mov 12(%ebp), %edx
	test $2, %dl
	jz 1f
	verw verw_sel
1:	test $1, %dl
	mov 8(%ebp), %eax
	mov 8(%eax), %ecx
	mov 16(%eax), %edx
	mov 24(%eax), %ebx
	mov 40(%eax), %ebp
	mov 48(%eax), %esi
	mov 56(%eax), %edi
	mov (%eax), %eax
	jnz 2f
	vmlaunch
	jmp 3f
2:	vmresume
3:
.globl gm_vmx_exited
gm_vmx_exited:
	GM_ENDBR
	push %eax
	setbe %al
	movzbl %al, %eax
	push %eax
	mov 8(%esp), %eax
	mov %ecx, 8(%eax)
	mov %edx, 16(%eax)
	mov %ebx, 24(%eax)
	mov %ebp, 40(%eax)
	mov %esi, 48(%eax)
	mov %edi, 56(%eax)
	pop %ebx
	pop %ecx
	mov %ecx, (%eax)
	add $4, %esp

	GM_EXIT_BARRIER %eax
	mov %ebx, %eax
	xor %ecx, %ecx
	xor %edx, %edx
	pop %edi
	pop %esi
	pop %ebx
	pop %ebp
	RET
SYM_FUNC_END(gm_vmx_enter)
#endif

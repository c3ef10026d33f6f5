/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A boot sector that sets a VESA mode of 1024 by 768 by 32 with a linear frame buffer and says R on the serial line.
 * For each byte N that comes there it writes eight pixels of the grey N at the start of line 16 * N, and says D.
 * Source: VESA BIOS Extension 2.0, functions 01h and 02h (offset 28h of the mode's block: the frame buffer).
 */
	.set MODE, 0x144
	.set INFO, 0x8000
	.set COM1, 0x3f8

	.code16
	.globl start
start:	cli
	xorw %ax, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movw $0x7000, %sp
	movw $0x4f01, %ax
	movw $MODE, %cx
	movw $INFO, %di
	int $0x10
	movw $0x4f02, %ax
	movw $(0x4000 | MODE), %bx
	int $0x10
	cli
	lgdtw table
	movl %cr0, %eax
	orb $1, %al
	movl %eax, %cr0
	ljmpw $8, $prot

	.code32
prot:	movw $16, %ax
	movw %ax, %ds
	movw %ax, %es
	movl INFO + 0x28, %ebx
	movb $'R', %al
say:	movw $COM1, %dx
	outb %al, %dx
wait:	movw $(COM1 + 5), %dx
	inb %dx, %al
	testb $1, %al
	jz wait
	movw $COM1, %dx
	inb %dx, %al
	movzbl %al, %eax
	movl %eax, %edi
	shll $16, %edi
	addl %ebx, %edi
	imull $0x010101, %eax, %eax
	movl $8, %ecx
	cld
	rep stosl
	movb $'D', %al
	jmp say

	.align 8
gdt:	.quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
table:	.word . - gdt - 1
	.long gdt
	.org 510
	.word 0xaa55

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The boot ROM: an option ROM that the firmware offers as a boot device. It has the firmware
 * configuration device copy the pieces of a kernel to their places and enters the kernel. All
 * that depends on the kernel stands in the plan at offset 40h, which vmm/loader/plan.c fills in.
 *
 * Real-mode code, assembled for offset 0. Memory below 7C00h is ours while this runs:
 * stack from 7C00h down, DMA command at 7000h, memory map entry at 7100h, room left at 7120h.
 * Sources: Plug and Play BIOS Specification 1.0A, section 3; fw_cfg's DMA interface; INT 15h
 * function E820h as ACPI 2.0, section 14.1, describes it.
 */
	.code16
	.section .text
	.globl _start

	.set	DMA_CMD, 0x7000
	.set	MAP_ENTRY, 0x7100
	.set	MAP_LEFT, 0x7120
	.set	STACK, 0x7c00
	.set	PORT_DMA_HI, 0x514
	.set	PORT_DMA_LO, 0x518
	.set	SMAP, 0x534d4150

_start:
	.byte	0x55, 0xaa
	.byte	0			/* length in 512 bytes: by the loader */
	jmp	init
	.org	0x06
	.byte	0			/* checksum: by the loader */
	.org	0x18
	.word	0			/* no PCI data structure */
	.word	pnp
	.org	0x1c
	.ascii	"guestmode boot ROM"

/* ---- the plan; offsets are known to vmm/loader/plan.c ---- */
	.org	0x40
plan_nsegs:	.word	0
plan_mode:	.byte	0		/* 0: real mode, 1: protected, 2: long */
		.byte	0
plan_seg:	.word	0		/* real mode: data segment; code is 20h further */
plan_sp:	.word	0
plan_entry:	.long	0		/* the others: address */
plan_eax:	.long	0
plan_ebx:	.long	0
plan_esi:	.long	0
plan_gdtr:	.word	0		/* limit and base */
		.long	0
		.word	0
plan_cr3:	.long	0
plan_map:	.long	0		/* where memory map entries go, or 0 */
plan_stride:	.word	0		/* bytes from one entry to the next */
plan_prefix:	.word	0		/* 4: entries begin with their size */
plan_max:	.word	0		/* entries that fit */
plan_unit:	.word	0		/* what each entry adds to the count */
plan_count:	.long	0		/* where the count goes */
plan_rsdp:	.long	0		/* where the RSDP's address goes (64 bits), or 0 */
plan_cursor:	.long	0		/* where the cursor position goes, or 0 */
	.org	0x80
plan_segs:	.fill	40 * 16, 1, 0	/* DMA commands as the device wants them */

	.balign	16
pnp:
	.ascii	"$PnP"
	.byte	1, 2			/* version, length / 16 */
	.word	0			/* no further header */
	.byte	0
	.byte	0			/* checksum: by the loader */
	.long	0
	.word	0
	.word	product
	.byte	0, 0, 0
	.byte	0x14			/* IPL device, not needed for the screen */
	.word	0
	.word	0
	.word	boot			/* bootstrap entry vector */
	.word	0
	.word	0
product:
	.asciz	"guestmode kernel"

/* Called when the ROM is found: there is nothing to initialize; an IPL device is attached. */
init:
	movw	$0x20, %ax
	lretw

failed:
	movw	$message, %si
1:	lodsb
	testb	%al, %al
	jz	2f
	movb	$0x0e, %ah
	movw	$7, %bx
	int	$0x10
	jmp	1b
2:	hlt
	jmp	2b
message:
	.asciz	"guestmode: the kernel could not be read\r\n"

/* es:di = linear address in edi */
linear:
	movl	%edi, %eax
	shrl	$4, %eax
	movw	%ax, %es
	andw	$15, %di
	ret

/* ---- boot ---- */
boot:
	cli
	cld
	xorl	%eax, %eax
	movw	%ax, %ss
	movl	$STACK, %esp
	movw	%cs, %ax
	movw	%ax, %ds

	/* Copy every piece. */
	movw	plan_nsegs, %cx
	movw	$plan_segs, %si
	jcxz	map
1:	xorw	%ax, %ax
	movw	%ax, %es
	movw	$DMA_CMD, %di
	pushw	%cx
	movw	$8, %cx
	rep movsw
	popw	%cx
	xorl	%eax, %eax
	movw	$PORT_DMA_HI, %dx
	outl	%eax, %dx
	movl	$DMA_CMD, %eax
	bswapl	%eax
	movw	$PORT_DMA_LO, %dx
	outl	%eax, %dx
2:	movl	%es:DMA_CMD, %eax
	testl	%eax, %eax
	jz	3f
	testl	$0x01000000, %eax	/* the error bit, big-endian */
	jnz	failed
	jmp	2b
3:	loop	1b

	/* The firmware's memory map, entry by entry into the kernel's table. */
map:
	movl	plan_map, %edi
	testl	%edi, %edi
	jz	rsdp
	xorl	%ebx, %ebx
	xorl	%ebp, %ebp		/* the count */
	movw	%bp, %es
	movw	plan_max, %ax
	movw	%ax, %es:MAP_LEFT
1:	pushl	%edi
	xorw	%ax, %ax
	movw	%ax, %es
	movw	$MAP_ENTRY, %di
	movl	$0xe820, %eax
	movl	$20, %ecx
	movl	$SMAP, %edx
	sti
	int	$0x15
	cli
	popl	%edi
	jc	3f
	cmpl	$SMAP, %eax
	jne	3f
	pushl	%edi
	call	linear
	movl	$20, %eax
	cmpw	$0, plan_prefix
	je	2f
	stosl
2:	pushw	%ds
	xorw	%ax, %ax
	movw	%ax, %ds
	movw	$MAP_ENTRY, %si
	movw	$10, %cx
	rep movsw
	popw	%ds
	popl	%edi
	movzwl	plan_stride, %eax
	addl	%eax, %edi
	movzwl	plan_unit, %eax
	addl	%eax, %ebp
	xorw	%ax, %ax
	movw	%ax, %fs
	decw	%fs:MAP_LEFT
	jz	3f
	testl	%ebx, %ebx
	jnz	1b
3:	movl	plan_count, %edi
	call	linear
	movl	%ebp, %es:(%di)

	/* ACPI's root pointer: on a 16-byte boundary from E0000h to FFFFFh. */
rsdp:
	movl	plan_rsdp, %edi
	testl	%edi, %edi
	jz	cursor
	call	linear
	movw	$0xe000, %bx
1:	movw	%bx, %fs
	cmpl	$0x20445352, %fs:0	/* "RSD " */
	jne	2f
	cmpl	$0x20525450, %fs:4	/* "PTR " */
	jne	2f
	movzwl	%bx, %eax
	shll	$4, %eax
	movl	%eax, %es:(%di)
	movl	$0, %es:4(%di)
	jmp	cursor
2:	incw	%bx
	jnz	1b

cursor:
	movl	plan_cursor, %edi
	testl	%edi, %edi
	jz	enter
	call	linear
	xorw	%ax, %ax
	movw	%ax, %fs
	movw	%fs:0x450, %ax		/* column and row of page 0 */
	movw	%ax, %es:(%di)

enter:
	cmpb	$0, plan_mode
	jne	1f

	/* Real mode: all data segments alike, code 512 bytes further. */
	movw	plan_seg, %ax
	movzwl	plan_sp, %ecx
	movw	%ax, %es
	movw	%ax, %fs
	movw	%ax, %gs
	movw	%ax, %ss
	movl	%ecx, %esp
	movw	%ax, %ds
	addw	$0x20, %ax
	pushw	%ax
	pushw	$0
	lretw

	/* Protected mode: selectors 10h (code) and 18h (data); SS is flat already, so the stack stays. */
1:	lgdtl	plan_gdtr
	movb	plan_mode, %dl
	movl	plan_eax, %eax
	movl	plan_ebx, %ebx
	movl	plan_esi, %esi
	movl	plan_cr3, %edi
	pushl	$0x10
	pushl	plan_entry
	pushl	%eax
	cmpb	$2, %dl
	je	2f
	movl	%cr0, %eax
	orb	$1, %al
	jmp	3f

2:	movl	%edi, %cr3
	movl	%cr4, %eax
	orb	$0x20, %al		/* PAE */
	movl	%eax, %cr4
	movl	$0xc0000080, %ecx	/* EFER */
	rdmsr
	orb	$1, %ah			/* LME */
	wrmsr
	movl	%cr0, %eax
	orl	$0x80000001, %eax	/* PG, PE */
3:	xorl	%edi, %edi
	xorl	%ebp, %ebp
	xorl	%edx, %edx
	movl	$0x18, %ecx
	movl	%eax, %cr0
	jmp	4f
4:	movw	%cx, %ds
	movw	%cx, %es
	movw	%cx, %fs
	movw	%cx, %gs
	movw	%cx, %ss
	popl	%eax
	lretl
	.globl _end
_end:

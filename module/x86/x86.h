/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Architectural names and the interface between the shared x86 code and whoever owns a CPU.
 *
 * The shared code (decoder users, segment loads, far transfers, event delivery, task switches,
 * page walk) sees a CPU only as an opaque pointer with struct x86_ops. The software CPU
 * (vmm/cpu/) and the driver's emulator each fill in one const table.
 *
 * Sources: Intel SDM volume 3 (chapters 2, 3, 5, 6, 7), AMD APM volume 2.
 */
#ifndef GM_X86_H
#define GM_X86_H

#include "module/x86/port.h"

enum x86_gpr {
	X86_RAX, X86_RCX, X86_RDX, X86_RBX, X86_RSP, X86_RBP, X86_RSI, X86_RDI,
	X86_R8, X86_R9, X86_R10, X86_R11, X86_R12, X86_R13, X86_R14, X86_R15,
};

/* Numbers of the first six are those of the instruction set's sreg field. */
enum x86_seg_reg {
	X86_ES, X86_CS, X86_SS, X86_DS, X86_FS, X86_GS, X86_LDTR, X86_TR,
	X86_NSEG,
};

/* Vectors of architectural exceptions. */
enum x86_vector {
	X86_DE, X86_DB, X86_NMI, X86_BP, X86_OF, X86_BR, X86_UD, X86_NM,
	X86_DF, X86_CSO, X86_TS, X86_NP, X86_SSF, X86_GP, X86_PF,
	X86_MF = 16, X86_AC, X86_MC, X86_XM,
};

/* RFLAGS */
#define X86_FL_CF   0x000001u
#define X86_FL_ONE  0x000002u
#define X86_FL_PF   0x000004u
#define X86_FL_AF   0x000010u
#define X86_FL_ZF   0x000040u
#define X86_FL_SF   0x000080u
#define X86_FL_TF   0x000100u
#define X86_FL_IF   0x000200u
#define X86_FL_DF   0x000400u
#define X86_FL_OF   0x000800u
#define X86_FL_IOPL 0x003000u
#define X86_FL_NT   0x004000u
#define X86_FL_RF   0x010000u
#define X86_FL_VM   0x020000u
#define X86_FL_AC   0x040000u
#define X86_FL_VIF  0x080000u
#define X86_FL_VIP  0x100000u
#define X86_FL_ID   0x200000u
#define X86_FL_ARITH (X86_FL_CF | X86_FL_PF | X86_FL_AF | X86_FL_ZF | X86_FL_SF | X86_FL_OF)

/* CR0, CR4, EFER. A kernel's own headers, which must come first, have the same names for the
 * bits of CR0 and CR4. */
#ifndef X86_CR0_PE
#define X86_CR0_PE 0x00000001u
#define X86_CR0_MP 0x00000002u
#define X86_CR0_EM 0x00000004u
#define X86_CR0_TS 0x00000008u
#define X86_CR0_ET 0x00000010u
#define X86_CR0_NE 0x00000020u
#define X86_CR0_WP 0x00010000u
#define X86_CR0_AM 0x00040000u
#define X86_CR0_NW 0x20000000u
#define X86_CR0_CD 0x40000000u
#define X86_CR0_PG 0x80000000u
#endif

#ifndef X86_CR4_VME
#define X86_CR4_VME        0x000001u
#define X86_CR4_PVI        0x000002u
#define X86_CR4_TSD        0x000004u
#define X86_CR4_DE         0x000008u
#define X86_CR4_PSE        0x000010u
#define X86_CR4_PAE        0x000020u
#define X86_CR4_MCE        0x000040u
#define X86_CR4_PGE        0x000080u
#define X86_CR4_PCE        0x000100u
#define X86_CR4_OSFXSR     0x000200u
#define X86_CR4_OSXMMEXCPT 0x000400u
#define X86_CR4_UMIP       0x000800u
#define X86_CR4_FSGSBASE   0x010000u
#define X86_CR4_PCIDE      0x020000u
#define X86_CR4_OSXSAVE    0x040000u
#define X86_CR4_SMEP       0x100000u
#define X86_CR4_SMAP       0x200000u
#endif

#define X86_EFER_SCE 0x0001u
#define X86_EFER_LME 0x0100u
#define X86_EFER_LMA 0x0400u
#define X86_EFER_NXE 0x0800u

/* Attributes of a segment: bits 8..15 and 20..23 of a descriptor's second word, shifted down by 8. */
#define X86_SEG_TYPE  0x000fu
#define X86_SEG_S     0x0010u /* code or data, not system */
#define X86_SEG_DPL   0x0060u
#define X86_SEG_P     0x0080u
#define X86_SEG_AVL   0x1000u
#define X86_SEG_L     0x2000u
#define X86_SEG_DB    0x4000u
#define X86_SEG_G     0x8000u
#define X86_SEG_DPL_SHIFT 5
/* Type bits of code and data segments */
#define X86_TYPE_A    0x1u /* accessed */
#define X86_TYPE_W    0x2u /* data: writable; code: readable */
#define X86_TYPE_E    0x4u /* data: expand down; code: conforming */
#define X86_TYPE_CODE 0x8u

/* A segment register with its hidden part. */
struct x86_seg {
	u64 base;
	u32 limit;     /* in bytes, granularity applied */
	u16 sel;
	u16 attr;      /* X86_SEG_*; 0 with `unusable` for a null selector */
	u8 unusable;   /* loaded with a null selector: any access through it faults */
	u8 pad[7];
};

struct x86_dtr {
	u64 base;
	u16 limit;
	u16 pad[3];
};

/* A fault on its way to delivery. */
struct x86_fault {
	u8 vector;
	u8 has_err;
	u8 pad[2];
	u32 err;
	u64 cr2;       /* for X86_PF */
};

/* How a linear access is checked. */
enum x86_access {
	X86_ACC_READ = 0,
	X86_ACC_WRITE = 1,
	X86_ACC_EXEC = 2,
	X86_ACC_SYSTEM = 4, /* implicit supervisor access (descriptor tables, TSS), whatever CPL is */
};

/* What shared code returns: 0, or this with ctx->fault filled in. No register has changed then
 * except where the manual says that the fault comes after the change (task switch). */
#define X86_FAULT (-1)
/* The access cannot be completed now; the owner of the CPU has recorded why (driver only). */
#define X86_RETRY (-2)

struct x86_ctx;

/*
 * What the shared code asks of a CPU. Memory functions take linear addresses, check paging with
 * `acc`, may cross pages, and fill ctx->fault when they return X86_FAULT. Nothing here sleeps on
 * a lock of the caller.
 */
struct x86_ops {
	int (*read)(struct x86_ctx *ctx, u64 lin, void *buf, unsigned int len, unsigned int acc);
	int (*write)(struct x86_ctx *ctx, u64 lin, const void *buf, unsigned int len,
		     unsigned int acc);
	/* Checks that `len` bytes could be written (or read) without storing anything. */
	int (*probe)(struct x86_ctx *ctx, u64 lin, unsigned int len, unsigned int acc);
	void (*get_seg)(struct x86_ctx *ctx, unsigned int seg, struct x86_seg *out);
	void (*set_seg)(struct x86_ctx *ctx, unsigned int seg, const struct x86_seg *in);
	void (*get_gdt)(struct x86_ctx *ctx, struct x86_dtr *out);
	void (*get_idt)(struct x86_ctx *ctx, struct x86_dtr *out);
	u64 (*get_cr)(struct x86_ctx *ctx, unsigned int cr);
	/* Checked as MOV to CR checks; used by task switches. 0 or X86_FAULT. */
	int (*set_cr)(struct x86_ctx *ctx, unsigned int cr, u64 val);
	u64 (*get_dr)(struct x86_ctx *ctx, unsigned int dr);
	void (*set_dr)(struct x86_ctx *ctx, unsigned int dr, u64 val);
	u64 (*get_efer)(struct x86_ctx *ctx);
	/* The privilege level changed; the owner recomputes what depends on it. */
	void (*set_cpl)(struct x86_ctx *ctx, unsigned int cpl);
};

/*
 * The working registers of one operation. The owner loads rip, rflags, cpl before the call and
 * takes them back after success; gpr points at its sixteen registers, changed in place.
 */
struct x86_ctx {
	const struct x86_ops *ops;
	void *cpu;             /* opaque to the shared code */
	u64 *gpr;              /* indexed by enum x86_gpr */
	u64 rip;               /* of the next instruction, unless a function says otherwise */
	u64 rflags;
	u8 cpl;
	u8 nmi_blocked;        /* cleared by IRET */
	u8 long_mode;          /* EFER.LMA */
	u8 committed;          /* set with a fault that came after a task switch: take rip, rflags
				* and cpl back all the same; the owner clears it before a call */
	u8 pad[4];
	struct x86_fault fault;
};

static inline int x86_raise(struct x86_ctx *ctx, u8 vector)
{
	ctx->fault.vector = vector;
	ctx->fault.has_err = 0;
	ctx->fault.err = 0;
	return X86_FAULT;
}

static inline int x86_raise_err(struct x86_ctx *ctx, u8 vector, u32 err)
{
	ctx->fault.vector = vector;
	ctx->fault.has_err = 1;
	ctx->fault.err = err;
	return X86_FAULT;
}

#endif

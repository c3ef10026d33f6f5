/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The virtual machine control block of AMD-V. AMD APM volume 2, appendix B and C. */
#ifndef GM_SVM_VMCB_H
#define GM_SVM_VMCB_H

#include <linux/types.h>

struct vmcb_seg {
	u16 sel;
	u16 attr; /* type, S, DPL, P, then AVL, L, D/B, G from bit 8 on */
	u32 limit;
	u64 base;
};

struct vmcb {
	u32 intercept_cr;      /* 000: reads in the low half, writes in the high one */
	u32 intercept_dr;
	u32 intercept_exc;
	u32 intercept1;        /* 00c */
	u32 intercept2;
	u32 intercept3;        /* 014 */
	u8 reserved1[0x40 - 0x18];
	u64 iopm_pa;           /* 040 */
	u64 msrpm_pa;
	u64 tsc_offset;
	u32 asid;              /* 058 */
	u8 tlb_control;
	u8 reserved2[3];
	u32 int_control;       /* 060 */
	u32 int_vector;
	u64 int_state;         /* 068: bit 0 is the interrupt shadow */
	u64 exit_code;         /* 070 */
	u64 exit_info1;
	u64 exit_info2;
	u32 exit_int_info;     /* 088 */
	u32 exit_int_err;
	u64 nested_ctl;        /* 090 */
	u8 reserved3[0xa8 - 0x98];
	u32 event_inj;         /* 0a8 */
	u32 event_err;
	u64 nested_cr3;        /* 0b0 */
	u64 lbr_ctl;
	u32 clean;             /* 0c0 */
	u32 reserved4;
	u64 next_rip;          /* 0c8 */
	u8 insn_len;           /* 0d0 */
	u8 insn_bytes[15];
	u8 reserved5[0x400 - 0xe0];
	struct vmcb_seg es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr; /* 400 */
	u8 reserved6[0x4cb - 0x4a0];
	u8 cpl;                /* 4cb */
	u8 reserved7[4];
	u64 efer;              /* 4d0 */
	u8 reserved8[0x548 - 0x4d8];
	u64 cr4;               /* 548 */
	u64 cr3;
	u64 cr0;
	u64 dr7;               /* 560 */
	u64 dr6;
	u64 rflags;
	u64 rip;               /* 578 */
	u8 reserved9[0x5d8 - 0x580];
	u64 rsp;               /* 5d8 */
	u8 reserved10[0x5f8 - 0x5e0];
	u64 rax;               /* 5f8 */
	u64 star;              /* 600 */
	u64 lstar;
	u64 cstar;
	u64 sfmask;
	u64 kernel_gs_base;    /* 620 */
	u64 sysenter_cs;
	u64 sysenter_esp;
	u64 sysenter_eip;
	u64 cr2;               /* 640 */
	u8 reserved11[0x668 - 0x648];
	u64 g_pat;             /* 668 */
	u8 reserved12[0x1000 - 0x670];
} __packed;

#define VMCB_CR_READ(n)  (1u << (n))
#define VMCB_CR_WRITE(n) (1u << (16 + (n)))

#define VMCB_1_INTR     (1u << 0)
#define VMCB_1_NMI      (1u << 1)
#define VMCB_1_SMI      (1u << 2)
#define VMCB_1_INIT     (1u << 3)
#define VMCB_1_VINTR    (1u << 4)
#define VMCB_1_CR0_SEL  (1u << 5) /* writes of CR0 that change more than TS and MP */
#define VMCB_1_RDPMC    (1u << 15)
#define VMCB_1_CPUID    (1u << 18)
#define VMCB_1_RSM      (1u << 19)
#define VMCB_1_IRET     (1u << 20)
#define VMCB_1_INVD     (1u << 22)
#define VMCB_1_HLT      (1u << 24)
#define VMCB_1_INVLPG   (1u << 25)
#define VMCB_1_INVLPGA  (1u << 26)
#define VMCB_1_IOIO     (1u << 27)
#define VMCB_1_MSR      (1u << 28)
#define VMCB_1_TASK     (1u << 29)
#define VMCB_1_FERR     (1u << 30)
#define VMCB_1_SHUTDOWN (1u << 31)
/* VMRUN VMMCALL VMLOAD VMSAVE STGI CLGI SKINIT RDTSCP WBINVD MONITOR MWAIT (both) XSETBV RDPRU */
#define VMCB_2_ALWAYS   0x7effu
#define VMCB_2_RDTSCP   (1u << 7)
#define VMCB_3_INVPCID  (1u << 2)

#define VMCB_V_IRQ      (1u << 8)
#define VMCB_V_PRIO_MAX (15u << 16)
#define VMCB_V_IGN_TPR  (1u << 20)
#define VMCB_V_MASKING  (1u << 24)

#define VMCB_EV_INTR  (0u << 8)
#define VMCB_EV_NMI   (2u << 8)
#define VMCB_EV_EXC   (3u << 8)
#define VMCB_EV_SOFT  (4u << 8)
#define VMCB_EV_TYPE  (7u << 8)
#define VMCB_EV_ERR   (1u << 11)
#define VMCB_EV_VALID (1u << 31)

#define VMEXIT_CR     0x00
#define VMEXIT_DR     0x20
#define VMEXIT_EXC    0x40
#define VMEXIT_INTR   0x60
#define VMEXIT_NMI    0x61
#define VMEXIT_SMI    0x62
#define VMEXIT_INIT   0x63
#define VMEXIT_VINTR  0x64
#define VMEXIT_CR0_SEL 0x65
#define VMEXIT_RDPMC  0x6f
#define VMEXIT_CPUID  0x72
#define VMEXIT_RSM    0x73
#define VMEXIT_IRET   0x74
#define VMEXIT_INVD   0x76
#define VMEXIT_HLT    0x78
#define VMEXIT_INVLPG 0x79
#define VMEXIT_INVLPGA 0x7a
#define VMEXIT_IOIO   0x7b
#define VMEXIT_MSR    0x7c
#define VMEXIT_TASK   0x7d
#define VMEXIT_FERR   0x7e
#define VMEXIT_SHUTDOWN 0x7f
#define VMEXIT_VMRUN  0x80
#define VMEXIT_VMMCALL 0x81
#define VMEXIT_RDTSCP 0x87
#define VMEXIT_WBINVD 0x89
#define VMEXIT_MONITOR 0x8a
#define VMEXIT_MWAIT  0x8b
#define VMEXIT_MWAIT2 0x8c
#define VMEXIT_XSETBV 0x8d
#define VMEXIT_RDPRU  0x8e
#define VMEXIT_INVPCID 0xa2
#define VMEXIT_COUNT  0xa3
#define VMEXIT_NPF    0x400
#define VMEXIT_INVALID (~0u) /* the lower half: emulators leave the upper one empty */

#endif

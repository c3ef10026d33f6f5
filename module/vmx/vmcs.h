/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtual machine control structure of VT-x: field encodings, controls, exit reasons. Intel SDM
 * volume 3, chapters 25 (controls) and 28 (exits), appendices A (capabilities), B (fields) and C (reasons).
 */
#ifndef GM_VMX_VMCS_H
#define GM_VMX_VMCS_H

/* Fields; those of segments have the order of enum gm_seg's numbers and stand 2 apart. */
enum {
	VMCS_VPID = 0x0000,
	VMCS_GUEST_SEL = 0x0800,
	VMCS_HOST_ES = 0x0c00, VMCS_HOST_CS = 0x0c02, VMCS_HOST_SS = 0x0c04,
	VMCS_HOST_DS = 0x0c06, VMCS_HOST_FS = 0x0c08, VMCS_HOST_GS = 0x0c0a, VMCS_HOST_TR = 0x0c0c,

	VMCS_MSR_BITMAP = 0x2004,
	VMCS_TSC_OFFSET = 0x2010,
	VMCS_VIRTUAL_APIC = 0x2012,
	VMCS_APIC_ACCESS = 0x2014,
	VMCS_EPTP = 0x201a,
	VMCS_GUEST_PA = 0x2400,
	VMCS_TSC_MULTIPLIER = 0x2032,
	VMCS_LINK = 0x2800,
	VMCS_GUEST_DEBUGCTL = 0x2802, VMCS_GUEST_PAT = 0x2804, VMCS_GUEST_EFER = 0x2806,
	VMCS_GUEST_PDPTE = 0x280a,
	VMCS_HOST_PAT = 0x2c00, VMCS_HOST_EFER = 0x2c02,

	VMCS_PIN = 0x4000, VMCS_CPU = 0x4002, VMCS_EXC_BITMAP = 0x4004,
	VMCS_PF_MASK = 0x4006, VMCS_PF_MATCH = 0x4008, VMCS_CR3_TARGETS = 0x400a,
	VMCS_EXIT = 0x400c, VMCS_EXIT_STORES = 0x400e, VMCS_EXIT_LOADS = 0x4010,
	VMCS_ENTRY = 0x4012, VMCS_ENTRY_LOADS = 0x4014,
	VMCS_ENTRY_INFO = 0x4016, VMCS_ENTRY_ERR = 0x4018, VMCS_ENTRY_LEN = 0x401a,
	VMCS_TPR_THRESHOLD = 0x401c,
	VMCS_CPU2 = 0x401e,
	VMCS_INSN_ERROR = 0x4400, VMCS_REASON = 0x4402,
	VMCS_EXIT_INFO = 0x4404, VMCS_EXIT_ERR = 0x4406,
	VMCS_IDT_INFO = 0x4408, VMCS_IDT_ERR = 0x440a,
	VMCS_INSN_LEN = 0x440c,
	VMCS_GUEST_LIMIT = 0x4800, /* up to IDTR */
	VMCS_GUEST_AR = 0x4814,    /* up to TR */
	VMCS_INTERRUPTIBILITY = 0x4824, VMCS_ACTIVITY = 0x4826,
	VMCS_GUEST_SYSENTER_CS = 0x482a, VMCS_TIMER = 0x482e,
	VMCS_HOST_SYSENTER_CS = 0x4c00,

	VMCS_CR0_MASK = 0x6000, VMCS_CR4_MASK = 0x6002,
	VMCS_CR0_SHADOW = 0x6004, VMCS_CR4_SHADOW = 0x6006,
	VMCS_QUALIFICATION = 0x6400,
	VMCS_GUEST_CR0 = 0x6800, VMCS_GUEST_CR3 = 0x6802, VMCS_GUEST_CR4 = 0x6804,
	VMCS_GUEST_BASE = 0x6806, /* up to IDTR */
	VMCS_GUEST_DR7 = 0x681a, VMCS_GUEST_RSP = 0x681c, VMCS_GUEST_RIP = 0x681e,
	VMCS_GUEST_RFLAGS = 0x6820, VMCS_PENDING_DBG = 0x6822,
	VMCS_GUEST_SYSENTER_ESP = 0x6824, VMCS_GUEST_SYSENTER_EIP = 0x6826,
	VMCS_HOST_CR0 = 0x6c00, VMCS_HOST_CR3 = 0x6c02, VMCS_HOST_CR4 = 0x6c04,
	VMCS_HOST_FS_BASE = 0x6c06, VMCS_HOST_GS_BASE = 0x6c08, VMCS_HOST_TR_BASE = 0x6c0a,
	VMCS_HOST_GDTR = 0x6c0c, VMCS_HOST_IDTR = 0x6c0e,
	VMCS_HOST_SYSENTER_ESP = 0x6c10, VMCS_HOST_SYSENTER_EIP = 0x6c12,
	VMCS_HOST_RSP = 0x6c14, VMCS_HOST_RIP = 0x6c16,
};

#define VMX_PIN_INTR  (1u << 0)
#define VMX_PIN_NMI   (1u << 3)
#define VMX_PIN_VNMI  (1u << 5)
#define VMX_PIN_TIMER (1u << 6)

#define VMX_CPU_INTR_WINDOW (1u << 2)
#define VMX_CPU_TSC_OFFSET  (1u << 3)
#define VMX_CPU_HLT         (1u << 7)
#define VMX_CPU_INVLPG      (1u << 9)
#define VMX_CPU_MWAIT       (1u << 10)
#define VMX_CPU_RDPMC       (1u << 11)
#define VMX_CPU_CR3_LOAD    (1u << 15)
#define VMX_CPU_CR3_STORE   (1u << 16)
#define VMX_CPU_CR8_LOAD    (1u << 19)
#define VMX_CPU_CR8_STORE   (1u << 20)
#define VMX_CPU_TPR_SHADOW  (1u << 21)
#define VMX_CPU_NMI_WINDOW  (1u << 22)
#define VMX_CPU_MOV_DR      (1u << 23)
#define VMX_CPU_IO          (1u << 24)
#define VMX_CPU_MSR_BITMAP  (1u << 28)
#define VMX_CPU_MONITOR     (1u << 29)
#define VMX_CPU_SECONDARY   (1u << 31)

#define VMX_CPU2_APIC         (1u << 0)
#define VMX_CPU2_EPT          (1u << 1)
#define VMX_CPU2_RDTSCP       (1u << 3)
#define VMX_CPU2_VPID         (1u << 5)
#define VMX_CPU2_WBINVD       (1u << 6)
#define VMX_CPU2_UNRESTRICTED (1u << 7)
#define VMX_CPU2_INVPCID      (1u << 12)
#define VMX_CPU2_TSC_SCALING  (1u << 25)

#define VMX_EXIT_SAVE_DEBUG (1u << 2)
#define VMX_EXIT_HOST_64    (1u << 9)
#define VMX_EXIT_SAVE_PAT   (1u << 18)
#define VMX_EXIT_LOAD_PAT   (1u << 19)
#define VMX_EXIT_SAVE_EFER  (1u << 20)
#define VMX_EXIT_LOAD_EFER  (1u << 21)

#define VMX_ENTRY_LOAD_DEBUG (1u << 2)
#define VMX_ENTRY_LONG       (1u << 9)
#define VMX_ENTRY_LOAD_PAT   (1u << 14)
#define VMX_ENTRY_LOAD_EFER  (1u << 15)

/* IA32_VMX_EPT_VPID_CAP */
#define VMX_EPT_WALK4      (1ull << 6)
#define VMX_EPT_WB         (1ull << 14)
#define VMX_EPT_2M         (1ull << 16)
#define VMX_EPT_1G         (1ull << 17)
#define VMX_EPT_INVEPT     (1ull << 20)
#define VMX_EPT_AD         (1ull << 21)
#define VMX_EPT_INVEPT_ONE (1ull << 25)
#define VMX_EPT_INVEPT_ALL (1ull << 26)
#define VMX_EPT_INVVPID    (1ull << 32)
#define VMX_EPT_INVVPID_ONE (1ull << 41)

/* An EPT pointer and entries (29.3) */
#define EPTP_WB    6ull
#define EPTP_WALK4 (3ull << 3)
#define EPTP_AD    (1ull << 6)
#define EPT_READ   1ull
#define EPT_WRITE  2ull
#define EPT_EXEC   4ull
#define EPT_WB     (6ull << 3)
#define EPT_IPAT   (1ull << 6)
#define EPT_LARGE  (1ull << 7)
#define EPT_A      (1ull << 8)

/* Access rights have the layout of gm_seg.attr, and this. */
#define VMX_AR_UNUSABLE (1u << 16)

#define VMX_INT_STI   1u
#define VMX_INT_MOVSS 2u
#define VMX_INT_NMI   8u

#define VMX_EV_INTR  (0u << 8)
#define VMX_EV_NMI   (2u << 8)
#define VMX_EV_EXC   (3u << 8)
#define VMX_EV_SOFT  (4u << 8)
#define VMX_EV_ICEBP (5u << 8)
#define VMX_EV_SOFT_EXC (6u << 8)
#define VMX_EV_TYPE  (7u << 8)
#define VMX_EV_ERR   (1u << 11)
#define VMX_EV_UNBLOCKED (1u << 12) /* of exits: an IRET had ended the blocking of NMIs */
#define VMX_EV_VALID (1u << 31)

#define VMX_REASON_FAILED (1u << 31)
enum {
	VMX_R_EXC = 0, VMX_R_INTR = 1, VMX_R_TRIPLE = 2, VMX_R_INIT = 3, VMX_R_SIPI = 4,
	VMX_R_INTR_WINDOW = 7, VMX_R_NMI_WINDOW = 8, VMX_R_TASK = 9, VMX_R_CPUID = 10,
	VMX_R_GETSEC = 11, VMX_R_HLT = 12, VMX_R_INVD = 13, VMX_R_INVLPG = 14, VMX_R_RDPMC = 15,
	VMX_R_RSM = 17, VMX_R_VMCALL = 18, VMX_R_VMXON = 27, VMX_R_CR = 28, VMX_R_DR = 29,
	VMX_R_IO = 30, VMX_R_RDMSR = 31, VMX_R_WRMSR = 32, VMX_R_BAD_GUEST = 33,
	VMX_R_MWAIT = 36, VMX_R_MONITOR = 39, VMX_R_PAUSE = 40, VMX_R_MCE_ENTRY = 41,
	VMX_R_TPR = 43, VMX_R_APIC = 44,
	VMX_R_EPT = 48, VMX_R_EPT_MISCONFIG = 49, VMX_R_INVEPT = 50, VMX_R_RDTSCP = 51,
	VMX_R_TIMER = 52, VMX_R_INVVPID = 53, VMX_R_WBINVD = 54, VMX_R_XSETBV = 55,
	VMX_R_INVPCID = 58, VMX_R_VMFUNC = 59, VMX_R_XSAVES = 63, VMX_R_XRSTORS = 64,
};

#endif

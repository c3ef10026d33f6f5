/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The software CPU: its state and the contracts between its parts.
 *
 *  block.c translate*.c   decode guest code once into blocks of uops, find and drop blocks
 *  op_*.c                 one small function per uop (integer, moves, strings, branches)
 *  mem.h tlb.c            guest memory through a software TLB
 *  run.c world.c          the loop, faults and interrupts, struct x86_ops for the shared slow paths
 *  smp.c                  several CPUs in one machine
 *  sys*.c msr.c cpuid.c   system instructions (struct cpu_sys_op table)
 *  x87*.c sse*.c mmx.c    floating point and vector instructions
 *
 * One thread runs a struct cpu. Other threads touch it only through cpu_request(), cpu_clear(),
 * cpu_phys_written() and what smp.h says.
 *
 * Where the truth is while a block runs:
 *  - general registers: gpr[]. In 32-bit and 16-bit modes the upper halves may hold anything a
 *    32-bit write left there (zero); handlers truncate addresses instead.
 *  - RIP: gpr[CPU_RIP] is RIP (EIP, IP) of the block's first instruction; uop.off is the distance
 *    of the uop's instruction from there. c->rip is valid only outside blocks and in slow handlers.
 *  - arithmetic flags: c->lf, see flags.h. Other flags: c->rflags, whose arithmetic bits are stale.
 */
#ifndef VMM_CPU_CPU_H
#define VMM_CPU_CPU_H

#include <setjmp.h>
#include <stdatomic.h>

#include "module/x86/x86.h"
#include "vmm/cpu/fpu/fpu.h"
#include "vmm/topology.h"
#include "vmm/types.h"

struct cpu;
struct cpu_cache;
struct cpu_block;
struct cpu_group;
struct uop;
struct x86_insn;

/* Entries of cpu.gpr[] beyond the sixteen registers. */
enum {
	CPU_ZERO = 16,  /* always 0: stands for "no base", "no index", "no segment base" */
	CPU_RIP = 17,   /* RIP of the first instruction of the running block */
	CPU_SEGBASE = 18, /* + enum x86_seg_reg (ES..GS): copies of seg[].base */
	CPU_NREG = 24,
};

/* ---- uops ---- */

typedef const struct uop *(*uop_fn)(struct cpu *c, const struct uop *u);

/* How uop.base/index/scale/disp/seg make a linear address. */
enum uop_am {
	AM_64,   /* gpr[base] + disp */
	AM_64X,  /* gpr[base] + (gpr[index] << scale) + disp + gpr[seg] */
	AM_32,   /* the low 32 bits of the same sum: 32-bit address size, no limit to check */
	AM_SEG,  /* everything else: ea masked to amask, segment limit and type checked */
	AM_NR,
	AM_NONE = AM_NR, /* no memory operand: rm is a register */
};

/* uop.flags */
#define UOP_A16   0x01 /* address size 16 (AM_SEG) */
#define UOP_A32   0x02 /* address size 32 (AM_SEG); neither: 64 */
#define UOP_LOCK  0x04
#define UOP_REP   0x08 /* F3 */
#define UOP_REPNE 0x10 /* F2 */
#define UOP_O16   0x20 /* operand size 16 */
#define UOP_O64   0x40 /* operand size 64; neither: 32 */
#define UOP_LONG  0x80 /* 64-bit mode */

/*
 * One predecoded operation: 32 bytes, so that two share a cache line.
 * `reg` and `rm` are register numbers; in handlers with 8-bit operands that use cpu_r8() they are
 * byte offsets into gpr[] (AH is 1), which the translator has put there.
 */
struct uop {
	uop_fn fn;
	u64 imm;
	s32 disp;
	u16 off;  /* of this instruction from the start of the block */
	u8 len;   /* of this instruction */
	u8 seg;   /* AM_64X, AM_32: index in gpr[]; AM_SEG: enum x86_seg_reg */
	u8 base;  /* index in gpr[], CPU_ZERO for none, CPU_RIP for RIP-relative (disp adjusted) */
	u8 index; /* index in gpr[], CPU_ZERO for none */
	u8 scale; /* 0..3 */
	u8 reg;
	u8 rm;
	u8 am;    /* enum uop_am */
	u8 flags; /* UOP_* */
	u8 aux;   /* free for the handler */
};
_Static_assert(sizeof(struct uop) == 32, "uop size");

/*
 * How a handler ends: control goes to the next uop by a tail call. Sanitized and unoptimised
 * builds, where the compiler makes no sibling calls, return to a loop in run.c instead.
 */
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(CPU_LOOP_DISPATCH)
#define CPU_TAIL_CALLS 1
#define GOTO_UOP(c, u) return (u)->fn((c), (u))
#else
#define CPU_TAIL_CALLS 0
#define GOTO_UOP(c, u) return (u)
#endif
#define NEXT(c, u) GOTO_UOP(c, (u) + 1)
#define UOP(name) const struct uop *name(struct cpu *c, const struct uop *u)

/* ---- flags ---- */

/*
 * Arithmetic flags as data (flags.h reads and writes them):
 *  ZF = res == 0, SF = res bit 63 ^ cf bit 2, PF = parity of res's low byte ^ cf bit 1,
 *  CF = cf bit 0, AF = x bit 4, OF = x bit 63 ^ CF.
 * `res` is the sign-extended result, `x` the sign-extended vector of carries into each bit.
 */
struct cpu_lazy {
	u64 res;
	u64 x;
	u32 cf;
	u32 pad;
};

/* ---- memory ---- */

#define CPU_PAGE_SHIFT 12
#define CPU_PAGE_SIZE  4096u
#define CPU_PAGE_MASK  (~4095ull)
#define CPU_TLB_BITS   10
#define CPU_TLB_SIZE   (1u << CPU_TLB_BITS)

/* A page of linear memory that is plain host memory. Tags are linear page addresses; all ones: none. */
struct cpu_tlb_entry {
	u64 rd;   /* tag for reads */
	u64 wr;   /* tag for writes: absent for read-only, clean, code and watched pages */
	u64 add;  /* host address = linear address + add */
	u64 gpa;  /* of the page */
};

struct cpu_tlb {
	struct cpu_tlb_entry e[CPU_TLB_SIZE];
};

/* Who accesses: each has a TLB of its own, so that ring changes flush nothing. */
enum {
	CPU_TLB_SUPER,    /* supervisor; with SMAP on and AC clear: no user pages */
	CPU_TLB_SUPER_AC, /* supervisor with RFLAGS.AC set and SMAP on */
	CPU_TLB_USER,
	CPU_TLB_EMPTY,    /* never filled: every access is checked for alignment or watchpoints */
	CPU_NTLB,
};

/* What the host knows of one guest page. */
struct cpu_page {
	void *hva;     /* host memory of the page, NULL: MMIO (or nothing) there */
	bool readonly; /* writes go to mmio_write (ROM) */
};

/*
 * What lies outside the CPU; the vCPU thread calls all of these, holding no lock of the CPU.
 * They run under the guest's MXCSR and x87 control word: what they call must not compute in floating
 * point, or do so between cpu_fpu_leave() and cpu_fpu_enter().
 * Lengths of accesses are 1..8 and never cross a page.
 */
struct gm_cpu_host {
	/*
	 * What is at the page that holds `gpa` (A20 already applied). `write` says that the page
	 * is about to be written: called for the first write after cpu_phys_protect(), so the
	 * owner can keep a dirty log.
	 */
	void (*page)(void *opaque, u64 gpa, bool write, struct cpu_page *out);
	u64 (*mmio_read)(void *opaque, u64 gpa, unsigned int len);
	void (*mmio_write)(void *opaque, u64 gpa, unsigned int len, u64 val);
	u32 (*pio_in)(void *opaque, u16 port, unsigned int len);
	void (*pio_out)(void *opaque, u16 port, unsigned int len, u32 val);
	/* Acknowledges an interrupt (INTA cycle): its vector, or -1 when none is deliverable. */
	int (*irq_ack)(void *opaque);
	/*
	 * MSRs of the local APIC: IA32_APIC_BASE (0x1b), IA32_TSC_DEADLINE (0x6e0) and x2APIC
	 * (0x800..0x8ff). 0, or -1 for #GP.
	 */
	int (*apic_rdmsr)(void *opaque, u32 msr, u64 *val);
	int (*apic_wrmsr)(void *opaque, u32 msr, u64 val);
	/* Task priority as CR8 shows it (0..15). */
	unsigned int (*get_tpr)(void *opaque);
	void (*set_tpr)(void *opaque, unsigned int tpr);
	/* Host clock that the TSC is made of, in TSC ticks; cpu.tsc_offset is added to it. */
	u64 (*tsc)(void *opaque);
	/* cpu.tsc_offset has changed; may be NULL. */
	void (*tsc_changed)(void *opaque);
	/* FERR# of the x87 unit, which PCs wire to IRQ 13 (CR0.NE clear). */
	void (*ferr)(void *opaque, bool level);
};

/* ---- the CPU ---- */

/* cpu.mode: all that a translated block depends on, part of its key. */
#define CPU_MODE_CS32   0x001u /* CS.D */
#define CPU_MODE_CS64   0x002u /* 64-bit mode */
#define CPU_MODE_SS32   0x004u /* stack pointer is ESP (SS.B) */
#define CPU_MODE_FLAT   0x008u /* DS, ES, SS: base 0, no limit to check, writable */
#define CPU_MODE_CSFLAT 0x010u /* CS: base 0, limit 4G (or 64-bit mode) */
#define CPU_MODE_PE     0x020u /* protected mode, not virtual-8086 */
#define CPU_MODE_VM     0x040u
#define CPU_MODE_USER   0x080u /* CPL 3 */
#define CPU_MODE_FPU    0x100u /* x87, MMX and SSE usable: CR0.EM, TS clear, CR4.OSFXSR set */
#define CPU_MODE_LMA    0x200u /* EFER.LMA */
#define CPU_MODE_FSGS   0x400u /* FS, GS flat but for the base (32-bit TLS) */

/* cpu.requests: what other threads (and devices) ask for; cpu_request() sets, the CPU clears. */
#define CPU_REQ_KICK  0x01u /* leave cpu_run() */
#define CPU_REQ_IRQ   0x02u /* level of INTR; cleared by cpu_clear() only */
#define CPU_REQ_NMI   0x04u
#define CPU_REQ_PHYS  0x08u /* memory was written behind the CPU's back: see cpu_phys_written() */
#define CPU_REQ_FLUSH 0x10u /* memory map or A20 changed: drop TLBs */
#define CPU_REQ_SYNC  0x20u /* another CPU waits for this one to be between two blocks: smp.h */
#define CPU_REQ_A20   0x40u  /* cpu.a20_off changed */

/* MSRs and CPUID model: the fields belong to msr.c and cpuid.c. */
struct cpu_msr {
	u64 star, lstar, cstar, sfmask;
	u64 kernel_gs_base;
	u64 tsc_aux;
	u64 sysenter_cs, sysenter_esp, sysenter_eip;
	u64 pat;
	u64 mtrr_def, mtrr_fixed[11], mtrr_phys[16];
	u64 misc_enable;
	u64 mcg_status, mc[32];
	u64 debugctl;
	u64 spec_ctrl;
	u64 tsc_adjust;
};

struct cpu_model; /* cpuid.c */

/* What cpu_run() came back for. */
enum cpu_exit {
	CPU_EXIT_KICK,   /* CPU_REQ_KICK, or the budget of instructions is used up */
	CPU_EXIT_HALT,   /* halted with nothing pending: sleep until a request */
	CPU_EXIT_TRIPLE, /* shutdown (triple fault) */
	CPU_EXIT_DEBUG,  /* a point of the debugger: c->debug->hit */
};

/* cpu.shadow */
#define CPU_SHADOW_SS  1 /* MOV SS, POP SS: debug traps wait too */
#define CPU_SHADOW_STI 2

struct cpu {
	/* -- hot: registers and what every block touches -- */
	u64 gpr[CPU_NREG];
	struct cpu_lazy lf;
	struct cpu_tlb *tlb;          /* of the current privilege: one of tlbs */
	s64 ileft;                    /* instructions left of cpu_run()'s budget */
	u32 mode;                     /* CPU_MODE_* */
	u32 cs_limit;                 /* CS as the tags know it */
	u64 cs_base;
	/*
	 * Tags of valid jump-cache entries and cross-page links: mapping generation, number of the
	 * address space, mode. gtag is for targets in global pages.
	 */
	u64 jtag, gtag;
	struct cpu_jump *jumps;       /* jump cache by virtual RIP */
	u64 rip;
	u64 rflags;                   /* see the head comment; IF, TF, AC .. are always right here */
	/* Highest offset readable, writable through a segment; -1: take the checked path. */
	s64 seg_rmax[X86_NSEG], seg_wmax[X86_NSEG];

	/* -- architectural state -- */
	struct x86_seg seg[X86_NSEG];
	struct x86_dtr gdt, idt;
	u64 cr0, cr2, cr3, cr4, cr8;
	u64 pdpte[4];                 /* PAE paging outside of long mode: as loaded with CR3 */
	u64 efer, xcr0;
	u64 dr[8];
	u8 cpl;
	u8 halted;
	u8 shadow;                    /* interrupts blocked for one instruction: CPU_SHADOW_* */
	u8 nmi_blocked;
	u8 db_pending;                /* DR6 bits 0..3 of breakpoints hit by the instruction */
	u8 in_slow;                   /* inside a slow handler: rip, insn_rip, rflags are synced */
	u8 shutdown;                  /* triple fault: only RESET, INIT (and NMI) help */
	u8 pdpte_stale;               /* cr3 was set from outside: load pdpte[] before a walk */
	u64 insn_rip;                 /* slow handlers: RIP of the instruction itself */
	s64 tsc_offset;
	struct cpu_msr msr;
	struct cpu_fpu fpu;
	const struct cpu_model *model;
	u32 tsc_khz, apic_khz;        /* for CPUID leaf 0x15, set by the owner; 0: not told */
	u32 apic_id;                  /* topology leaves, likewise */
	struct gm_topology topology;
	u64 rnd[16];                  /* host random numbers not yet used by RDRAND, RDSEED */
	u32 rnd_left;
	u32 cpuid_hide;               /* bits of leaf 1 ECX that the board around has no use for */

	/* -- faults -- */
	struct x86_fault fault;       /* of the last X86_FAULT or cpu_fault() */
	jmp_buf escape;               /* where cpu_fault() goes */
	const struct uop *fault_uop;  /* uop whose memory access is in the slow path */

	/* -- translation of addresses -- */
	u64 phys_mask;                /* A20: all ones, or without bit 20 */
	struct cpu_tlb *tlbs;         /* [CPU_NTLB] */
	struct cpu_tlb2 *tlb2;        /* second level, tagged: tlb.c */
	struct cpu_cache *cache;      /* blocks: block.c */

	/* -- the world -- */
	_Atomic u32 requests;
	struct cpu_group *group;      /* with other CPUs, or NULL: smp.h */
	_Atomic u32 busy;             /* may be inside of a memory access */
	_Atomic u32 a20_off;          /* what phys_mask will be made of */
	u8 exclusive;                 /* all others stand still */
	u8 pauses;                    /* PAUSE instructions, modulo 256 */
	const struct gm_cpu_host *host;
	void *host_opaque;
	struct cpu_debug *debug;      /* NULL: nobody debugs */
	struct cpu_dma *dma;          /* ranges written by others */
	u64 icount;                   /* instructions run */
	s64 budget;                   /* of this call of cpu_run(), behind the present slice */
};

/* Allocates a CPU in its reset state. `model` NULL: the largest one. NULL without memory. */
struct cpu *cpu_new(const struct gm_cpu_host *host, void *opaque, const struct cpu_model *model);
void cpu_free(struct cpu *c);
/* Power-on or RESET state (SDM volume 3, table 9-1); `init`: the INIT form, which keeps the FPU and MSRs. */
void cpu_reset(struct cpu *c, bool init);
/* Runs at most about `budget` instructions. */
enum cpu_exit cpu_run(struct cpu *c, s64 budget);

/* -- callable from any thread -- */
void cpu_request(struct cpu *c, u32 req);
void cpu_clear(struct cpu *c, u32 req);
/* [gpa, gpa + len) was written by a device or another CPU: translated code there is stale. */
void cpu_phys_written(struct cpu *c, u64 gpa, u64 len);

/* -- on the CPU's own thread -- */
/* The next write to a page of [gpa, gpa + len) asks host->page(write = true) again. */
void cpu_phys_protect(struct cpu *c, u64 gpa, u64 len);
/* The map of physical memory changed: forgets all host addresses. */
void cpu_map_changed(struct cpu *c);
void cpu_set_a20(struct cpu *c, bool on);

/*
 * Called after a change of CR0, CR4, EFER, CPL, CS/SS/DS/ES/FS/GS or RFLAGS.AC/VM/TF, DR7:
 * recomputes mode, tlb, segment shortcuts. cpu_set_seg() and cpu_set_cpl() below do it themselves.
 */
void cpu_mode_changed(struct cpu *c);
/* Stores a loaded descriptor in a segment register (no checks). */
void cpu_set_seg(struct cpu *c, unsigned int seg, const struct x86_seg *s);
void cpu_set_cpl(struct cpu *c, unsigned int cpl);
/* Base of FS or GS only (WRMSR, WRFSBASE, SWAPGS): cheap. */
void cpu_set_seg_base(struct cpu *c, unsigned int seg, u64 base);

/*
 * Loads the PDPTE registers from the table at `cr3`, as PAE paging does with CR3. X86_FAULT with #GP(0)
 * in c->fault when a present entry has reserved bits set (SDM volume 3, 4.4.1).
 */
int cpu_pdpte_load(struct cpu *c, u64 cr3);

/* TLB maintenance. */
void cpu_tlb_flush_all(struct cpu *c);       /* global entries too: CR0.PG, CR4.PGE/PAE.. changes */
void cpu_tlb_flush_cr3(struct cpu *c, bool keep); /* CR3 was loaded; keep: PCID with bit 63 set */
void cpu_tlb_flush_page(struct cpu *c, u64 lin);  /* INVLPG */
/* INVPCID types 0, 1, 3 for one PCID (lin used by type 0). */
void cpu_tlb_flush_pcid(struct cpu *c, unsigned int type, unsigned int pcid, u64 lin);

/* -- faults: never return. For uop handlers and slow handlers alike -- */
_Noreturn void cpu_fault(struct cpu *c, u8 vector);
_Noreturn void cpu_fault_err(struct cpu *c, u8 vector, u32 err);
/* Raises c->fault as it stands (after a shared function returned X86_FAULT: copy ctx->fault). */
_Noreturn void cpu_raise(struct cpu *c);
/* In a uop handler, before cpu_fault(): says whose fault it is. Memory accessors do it themselves. */
static inline void cpu_at(struct cpu *c, const struct uop *u)
{
	c->fault_uop = u;
}

/* -- flags -- */
u64 cpu_get_rflags(struct cpu *c);          /* all of RFLAGS, from c->lf and c->rflags */
void cpu_set_rflags(struct cpu *c, u64 val); /* all of them; calls cpu_mode_changed() when needed */
void cpu_set_arith(struct cpu *c, u32 fl);  /* CF PF AF ZF SF OF from `fl` (X86_FL_*), others kept */

/* -- the shared code of module/x86 -- */
/* Fills a context for a call from a slow handler; after success cpu_ctx_done() takes rip, rflags, cpl back. */
void cpu_ctx_init(struct cpu *c, struct x86_ctx *ctx);
void cpu_ctx_done(struct cpu *c, const struct x86_ctx *ctx);
extern const struct x86_ops cpu_x86_ops;

/*
 * Slow handlers: system instructions and all that is too rare for a uop of its own.
 * Before the call: c->rip is the NEXT instruction, c->insn_rip this one, c->rflags complete
 * (arithmetic bits too). The handler changes c->rip, c->rflags, registers and whatever else
 * (cpu_mode_changed() when due);
 * arithmetic flags are taken from c->rflags afterwards. It may fault by cpu_fault(): RIP
 * is then insn_rip and flags are those of before; registers must not have changed yet. Set
 * c->rip = c->insn_rip before a trap-like cpu_fault only if the instruction is to be run again.
 * The block ends after the instruction, so interrupts are looked at and code is found anew.
 */
typedef void (*cpu_sys_fn)(struct cpu *c, const struct x86_insn *i);
/* The handler of an instruction, by enum x86_op; NULL: none (the translator then raises #UD). sys.c. */
cpu_sys_fn cpu_sys_find(unsigned int op);

/* Linear address of the instruction's memory operand, segment checked for `size` bytes (slow handlers). */
u64 cpu_insn_lin(struct cpu *c, const struct x86_insn *i, unsigned int size, bool write);
/* Its effective address (LEA). */
u64 cpu_insn_ea(struct cpu *c, const struct x86_insn *i);
/* Linear memory with current privilege, faulting; any length up to 4096, any crossing. */
void cpu_lin_read(struct cpu *c, u64 lin, void *buf, unsigned int len);
void cpu_lin_write(struct cpu *c, u64 lin, const void *buf, unsigned int len);
/* The same with X86_ACC_* and returning X86_FAULT with c->fault filled in instead of leaving. */
int cpu_try_read(struct cpu *c, u64 lin, void *buf, unsigned int len, unsigned int acc);
int cpu_try_write(struct cpu *c, u64 lin, const void *buf, unsigned int len, unsigned int acc);
int cpu_try_probe(struct cpu *c, u64 lin, unsigned int len, unsigned int acc);
/* Physical memory (page-table entries, descriptor caches); RAM, ROM or MMIO. */
void cpu_phys_read(struct cpu *c, u64 gpa, void *buf, unsigned int len);
void cpu_phys_write(struct cpu *c, u64 gpa, const void *buf, unsigned int len);

/*
 * x87, MMX, SSE and later vectors: the uop function of an instruction, NULL: #UD. The uop's
 * fields are filled in: reg (ModRM.reg with REX.R), rm (ModRM.rm with REX.B, register form),
 * imm (the immediate), memory operand, flags; the function may change imm and aux. It is called
 * only for instructions whose class cpu_fpu_guard() lets pass. Handlers read and write memory with
 * cpu_load*() of mem.h and end with NEXT(c, u).
 */
uop_fn cpu_fpu_uop(const struct x86_insn *i, struct uop *u);
/*
 * Checks that the unit may be used: #NM for CR0.TS/EM, #UD for CR4.OSFXSR. Run before the
 * instruction when the mode lacks CPU_MODE_FPU. Faults with cpu_fault(), or returns.
 */
void cpu_fpu_guard(struct cpu *c, const struct x86_insn *i);
void cpu_fpu_reset(struct cpu *c);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Slow handlers: fast system calls, MSRs and time, CPUID, halt, port I/O, segment bases, XCR0,
 * random numbers.
 *
 * Follows Intel SDM volume 2 for each instruction (Intel's behaviour of SYSCALL and SYSENTER),
 * volume 1, section 13.3 (XCR0) and chapter 19 (I/O).
 */
#include <sys/random.h>

#include "module/x86/task.h"
#include "vmm/cpu/sys_impl.h"

#define XCR0_VALID 3ull /* x87 and SSE state */

/* Both segments and CPL change together, so derived state is worked out once: system calls are frequent. */
static void set_flat(struct cpu *c, unsigned int cpl, u16 cs, u16 ss, bool code64)
{
	x86_seg_flat_code(&c->seg[X86_CS], cs, cpl, code64);
	x86_seg_flat_data(&c->seg[X86_SS], ss, cpl);
	c->cpl = (u8)cpl;
	cpu_mode_changed(c);
}

static void syscall_(struct cpu *c, const struct x86_insn *i)
{
	u16 sel = (u16)(c->msr.star >> 32) & 0xfffc;

	if (!(c->efer & X86_EFER_SCE) || !sys_code64(c))
		cpu_fault(c, X86_UD);
	c->gpr[X86_RCX] = c->rip;
	c->gpr[X86_R11] = c->rflags & ~(u64)X86_FL_RF;
	c->rip = c->msr.lstar;
	c->rflags &= ~(c->msr.sfmask | X86_FL_RF);
	c->rflags |= X86_FL_ONE;
	set_flat(c, 0, sel, (u16)(sel + 8), true);
}

static void sysret(struct cpu *c, const struct x86_insn *i)
{
	u16 sel = (u16)(c->msr.star >> 48);
	bool to64 = i->opsize == 8;

	if (!(c->efer & X86_EFER_SCE) || !sys_code64(c))
		cpu_fault(c, X86_UD);
	sys_need_cpl0(c);
	if (to64 && !x86_is_canonical(c->gpr[X86_RCX]))
		cpu_fault_err(c, X86_GP, 0);
	c->rip = to64 ? c->gpr[X86_RCX] : (u32)c->gpr[X86_RCX];
	c->rflags = (c->gpr[X86_R11] & 0x3c7fd7) | X86_FL_ONE;
	set_flat(c, 3, (u16)((sel + (to64 ? 16 : 0)) | 3), (u16)((sel + 8) | 3), to64);
}

static void sysenter(struct cpu *c, const struct x86_insn *i)
{
	u16 sel = (u16)c->msr.sysenter_cs & 0xfffc;
	bool lma = c->efer & X86_EFER_LMA;

	if (!(c->cr0 & X86_CR0_PE) || !sel)
		cpu_fault_err(c, X86_GP, 0);
	c->rflags &= ~(u64)(X86_FL_VM | X86_FL_IF | X86_FL_RF);
	c->gpr[X86_RSP] = lma ? c->msr.sysenter_esp : (u32)c->msr.sysenter_esp;
	c->rip = lma ? c->msr.sysenter_eip : (u32)c->msr.sysenter_eip;
	set_flat(c, 0, sel, (u16)(sel + 8), lma);
}

static void sysexit(struct cpu *c, const struct x86_insn *i)
{
	u16 sel = (u16)c->msr.sysenter_cs & 0xfffc;
	bool to64 = i->opsize == 8;
	u64 rip = c->gpr[X86_RDX], rsp = c->gpr[X86_RCX];

	if (!(c->cr0 & X86_CR0_PE) || !sel)
		cpu_fault_err(c, X86_GP, 0);
	sys_need_cpl0(c);
	if (to64 && (!x86_is_canonical(rip) || !x86_is_canonical(rsp)))
		cpu_fault_err(c, X86_GP, 0);
	c->rip = to64 ? rip : (u32)rip;
	c->gpr[X86_RSP] = to64 ? rsp : (u32)rsp;
	sel = (u16)(sel + (to64 ? 32 : 16));
	set_flat(c, 3, sel | 3, (u16)((sel + 8) | 3), to64);
}

static void swapgs(struct cpu *c, const struct x86_insn *i)
{
	u64 base = c->seg[X86_GS].base;

	if (!sys_code64(c))
		cpu_fault(c, X86_UD);
	sys_need_cpl0(c);
	cpu_set_seg_base(c, X86_GS, c->msr.kernel_gs_base);
	c->msr.kernel_gs_base = base;
}

static void need_fsgsbase(struct cpu *c)
{
	if (!sys_code64(c) || !(c->cr4 & X86_CR4_FSGSBASE))
		cpu_fault(c, X86_UD);
}

static void read_base(struct cpu *c, const struct x86_insn *i)
{
	need_fsgsbase(c);
	sys_set_gpr(c, i->rm, i->opsize,
		    c->seg[i->op == X86_OP_RDFSBASE ? X86_FS : X86_GS].base);
}

static void write_base(struct cpu *c, const struct x86_insn *i)
{
	u64 val = i->opsize == 8 ? c->gpr[i->rm] : (u32)c->gpr[i->rm];

	need_fsgsbase(c);
	if (!x86_is_canonical(val))
		cpu_fault_err(c, X86_GP, 0);
	cpu_set_seg_base(c, i->op == X86_OP_WRFSBASE ? X86_FS : X86_GS, val);
}

static void set_edx_eax(struct cpu *c, u64 val)
{
	c->gpr[X86_RAX] = (u32)val;
	c->gpr[X86_RDX] = val >> 32;
}

static u64 edx_eax(const struct cpu *c)
{
	return (u32)c->gpr[X86_RAX] | c->gpr[X86_RDX] << 32;
}

static void rdmsr(struct cpu *c, const struct x86_insn *i)
{
	u64 val;

	sys_need_cpl0(c);
	if (cpu_msr_read(c, (u32)c->gpr[X86_RCX], &val))
		cpu_fault_err(c, X86_GP, 0);
	set_edx_eax(c, val);
}

static void wrmsr(struct cpu *c, const struct x86_insn *i)
{
	sys_need_cpl0(c);
	if (cpu_msr_write(c, (u32)c->gpr[X86_RCX], edx_eax(c)))
		cpu_fault_err(c, X86_GP, 0);
}

static void need_tsc(struct cpu *c)
{
	if (c->cpl && (c->cr4 & X86_CR4_TSD))
		cpu_fault_err(c, X86_GP, 0);
}

static void rdtsc(struct cpu *c, const struct x86_insn *i)
{
	need_tsc(c);
	set_edx_eax(c, cpu_tsc(c));
}

static void rdtscp(struct cpu *c, const struct x86_insn *i)
{
	need_tsc(c);
	set_edx_eax(c, cpu_tsc(c));
	c->gpr[X86_RCX] = (u32)c->msr.tsc_aux;
}

static void rdpid(struct cpu *c, const struct x86_insn *i)
{
	c->gpr[i->rm] = (u32)c->msr.tsc_aux;
}

/* There are no performance counters, so every index is wrong. */
static void rdpmc(struct cpu *c, const struct x86_insn *i)
{
	cpu_fault_err(c, X86_GP, 0);
}

static void cpuid(struct cpu *c, const struct x86_insn *i)
{
	u32 out[4];

	cpu_cpuid(c, (u32)c->gpr[X86_RAX], (u32)c->gpr[X86_RCX], out);
	c->gpr[X86_RAX] = out[0];
	c->gpr[X86_RBX] = out[1];
	c->gpr[X86_RCX] = out[2];
	c->gpr[X86_RDX] = out[3];
}

static void hlt(struct cpu *c, const struct x86_insn *i)
{
	sys_need_cpl0(c);
	c->halted = 1;
}

/* MWAIT may end at any time for reasons of its own; here it always ends at once. */
static void monitor_mwait(struct cpu *c, const struct x86_insn *i)
{
	if (c->cpl)
		cpu_fault(c, X86_UD);
	if ((u32)c->gpr[X86_RCX] & (i->op == X86_OP_MWAIT ? ~1u : ~0u))
		cpu_fault_err(c, X86_GP, 0);
}

static void clac_stac(struct cpu *c, const struct x86_insn *i)
{
	if (c->cpl)
		cpu_fault(c, X86_UD);
	sys_set_flag(c, X86_FL_AC, i->op == X86_OP_STAC);
	cpu_mode_changed(c);
}

static void xgetbv(struct cpu *c, const struct x86_insn *i)
{
	u32 index = (u32)c->gpr[X86_RCX];

	if (!(c->cr4 & X86_CR4_OSXSAVE))
		cpu_fault(c, X86_UD);
	if (index > 1 || (index == 1 && !cpu_feature(c, CPU_F_XGETBV1)))
		cpu_fault_err(c, X86_GP, 0);
	set_edx_eax(c, c->xcr0);
}

static void xsetbv(struct cpu *c, const struct x86_insn *i)
{
	u64 val = edx_eax(c);

	if (!(c->cr4 & X86_CR4_OSXSAVE))
		cpu_fault(c, X86_UD);
	sys_need_cpl0(c);
	if ((u32)c->gpr[X86_RCX] || !(val & 1) || (val & ~XCR0_VALID))
		cpu_fault_err(c, X86_GP, 0);
	c->xcr0 = val;
}

/* RDRAND and RDSEED from the host kernel's generator, a buffer at a time; CF: it had some. */
static void rdrand(struct cpu *c, const struct x86_insn *i)
{
	u64 val = 0;

	if (!c->rnd_left && getrandom(c->rnd, sizeof(c->rnd), 0) == (ssize_t)sizeof(c->rnd))
		c->rnd_left = ARRAY_SIZE(c->rnd);
	c->rflags &= ~(u64)X86_FL_ARITH;
	if (c->rnd_left) {
		val = c->rnd[--c->rnd_left];
		c->rnd[c->rnd_left] = 0;
		c->rflags |= X86_FL_CF;
	}
	sys_set_gpr(c, i->rm, i->opsize, val);
}

static u16 io_port(struct cpu *c, const struct x86_insn *i)
{
	u16 port = i->form == X86_FORM_IMM ? (u8)i->imm : (u16)c->gpr[X86_RDX];
	struct x86_ctx x;
	int ret;

	cpu_ctx_init(c, &x);
	ret = x86_io_check(&x, port, i->opsize);
	if (ret)
		sys_finish(c, &x, ret);
	return port;
}

static void in(struct cpu *c, const struct x86_insn *i)
{
	u16 port = io_port(c, i);
	u32 val = c->host->pio_in(c->host_opaque, port, i->opsize);

	if (i->opsize == 1)
		c->gpr[X86_RAX] = (c->gpr[X86_RAX] & ~0xffull) | (val & 0xff);
	else
		sys_set_gpr(c, X86_RAX, i->opsize, val);
}

static void out(struct cpu *c, const struct x86_insn *i)
{
	u16 port = io_port(c, i);
	u32 val = (u32)c->gpr[X86_RAX];

	if (i->opsize < 4)
		val &= (1u << i->opsize * 8) - 1;
	c->host->pio_out(c->host_opaque, port, i->opsize, val);
}

static const struct cpu_sys_entry entries[] = {
	{ X86_OP_SYSCALL, syscall_ },
	{ X86_OP_SYSRET, sysret },
	{ X86_OP_SYSENTER, sysenter },
	{ X86_OP_SYSEXIT, sysexit },
	{ X86_OP_SWAPGS, swapgs },
	{ X86_OP_RDFSBASE, read_base },
	{ X86_OP_RDGSBASE, read_base },
	{ X86_OP_WRFSBASE, write_base },
	{ X86_OP_WRGSBASE, write_base },
	{ X86_OP_RDMSR, rdmsr },
	{ X86_OP_WRMSR, wrmsr },
	{ X86_OP_RDTSC, rdtsc },
	{ X86_OP_RDTSCP, rdtscp },
	{ X86_OP_RDPID, rdpid },
	{ X86_OP_RDPMC, rdpmc },
	{ X86_OP_CPUID, cpuid },
	{ X86_OP_HLT, hlt },
	{ X86_OP_MONITOR, monitor_mwait },
	{ X86_OP_MWAIT, monitor_mwait },
	{ X86_OP_CLAC, clac_stac },
	{ X86_OP_STAC, clac_stac },
	{ X86_OP_XGETBV, xgetbv },
	{ X86_OP_XSETBV, xsetbv },
	{ X86_OP_RDRAND, rdrand },
	{ X86_OP_RDSEED, rdrand },
	{ X86_OP_IN, in },
	{ X86_OP_OUT, out },
};

const struct cpu_sys_table cpu_sys_misc = { entries, ARRAY_SIZE(entries) };

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What follows when guest mode was left, for every vendor: one handler per kind of exit. A handler
 * returns 1 to go on in the guest, 0 to return to the program with run->exit_reason set, or -errno.
 */
#include "module/gm.h"
#include "module/trace.h"

#include <asm/msr.h>

enum { RAX, RCX, RDX, RBX, RSP }; /* of enum x86_gpr */

#define DB_VECTOR 1
#define BP_VECTOR 3
#define UD_VECTOR 6
#define DF_VECTOR 8
#define GP_VECTOR 13

#define FAULTS 0x3b7ce1u /* the vectors of exceptions that are faults */

#define HYPERCALL_NONE 1000
#define CS_LONG 0x2000 /* of gm_seg.attr */

int gm_internal_error(struct gm_vcpu *vcpu, u32 suberror, u64 info)
{
	struct gm_run *run = vcpu->run;

	run->exit_reason = GM_EXIT_INTERNAL_ERROR;
	run->internal.suberror = suberror;
	run->internal.ndata = 2;
	run->internal.data[0] = info;
	run->internal.data[1] = vcpu->rip;
	return 0;
}

/* 1: contributory, 2: page fault (Intel SDM volume 3, table 6-4) */
static int exc_class(unsigned int nr)
{
	if (nr == 14)
		return 2;
	return nr == 0 || (nr >= 10 && nr <= 13);
}

/* An interrupt or NMI whose delivery met a fault comes after the fault, when the guest can take it. */
static void event_postpone(struct gm_vcpu *vcpu)
{
	if (vcpu->nmi_injected) {
		vcpu->nmi_injected = 0;
		vcpu->nmi_masked = 0;
		vcpu->nmi_pending = min(vcpu->nmi_pending + 1, 2);
	}
	/* A software interrupt is executed again. */
	if (vcpu->irq_injected >= 0 && !vcpu->irq_soft && vcpu->irq_pending < 0)
		vcpu->irq_pending = vcpu->irq_injected;
	vcpu->irq_injected = -1;
}

/* A fault met while an exception is delivered may make a double fault of both, and a third one ends it. */
void gm_queue_exception(struct gm_vcpu *vcpu, unsigned int nr, int has_err, u32 err)
{
	int first = vcpu->exc.valid ? exc_class(vcpu->exc.nr) : 0, second = exc_class(nr);

	if (vcpu->exc.valid && vcpu->exc.nr == DF_VECTOR && second) {
		vcpu->triple_fault = 1;
	} else if ((first == 1 && second == 1) || (first == 2 && second)) {
		nr = DF_VECTOR;
		has_err = 1;
		err = 0;
	}
	event_postpone(vcpu);
	vcpu->exc.valid = 1;
	vcpu->exc.nr = nr;
	vcpu->exc.has_err = has_err && (vcpu->cr0 & X86_CR0_PE);
	vcpu->exc.err = err;
	/* A fault pushes RF, so that its instruction meets no breakpoint twice (SDM 18.3.1.1). */
	if (FAULTS >> nr & 1)
		vcpu->rflags |= X86_EFLAGS_RF;
}

static int raise(struct gm_vcpu *vcpu, unsigned int nr)
{
	gm_queue_exception(vcpu, nr, nr == GP_VECTOR, 0);
	return 1;
}

/* Behind the instruction, or the fault that reading it met. */
static int advance(struct gm_vcpu *vcpu, const struct gm_exit *x)
{
	int ret = gm_skip(vcpu, x->next_rip);

	return ret < 0 ? gm_internal_error(vcpu, GM_INTERNAL_EMULATION, x->code) : 1;
}

static int on_none(struct gm_vcpu *vcpu, const struct gm_exit *x)
{
	return 1;
}

/* To the program: a breakpoint or step of its own. */
static int debug_exit(struct gm_vcpu *vcpu, unsigned int exception, u64 dr6)
{
	struct gm_run *run = vcpu->run;
	struct gm_seg cs;

	gm_backend->get_seg(vcpu, GM_CS, &cs);
	vcpu->debug_hit = 0;
	run->exit_reason = GM_EXIT_DEBUG;
	run->debug.exception = exception;
	run->debug.pad = 0;
	run->debug.pc = cs.base + vcpu->rip;
	run->debug.dr6 = dr6 | 0xffff0ff0;
	run->debug.dr7 = gm_loaded_dr7(vcpu);
	return 0;
}

static int on_cpuid(struct gm_vcpu *vcpu, const struct gm_exit *x)
{
	u32 a = vcpu->gpr[RAX], b, c = vcpu->gpr[RCX], d;

	if ((vcpu->misc_features & 1) && gm_backend->get_cpl(vcpu))
		return raise(vcpu, GP_VECTOR);
	gm_cpuid(vcpu, &a, &b, &c, &d);
	vcpu->gpr[RAX] = a;
	vcpu->gpr[RBX] = b;
	vcpu->gpr[RCX] = c;
	vcpu->gpr[RDX] = d;
	return advance(vcpu, x);
}

static int on_hlt(struct gm_vcpu *vcpu, const struct gm_exit *x)
{
	int ret = advance(vcpu, x);

	if (ret <= 0 || vcpu->exc.valid)
		return ret;
	if ((vcpu->irq_pending >= 0 && (vcpu->rflags & X86_EFLAGS_IF)) ||
	    (vcpu->nmi_pending && !vcpu->nmi_masked))
		return 1;
	vcpu->mp_state = GM_MP_HALTED;
	if (vcpu->lapic)
		return 1;
	vcpu->run->exit_reason = GM_EXIT_HLT;
	return 0;
}

/* IN: 32 bits clear the upper half, fewer leave the rest. */
static void in_result(struct gm_vcpu *vcpu, const void *data, unsigned int size)
{
	if (size == 4)
		vcpu->gpr[RAX] = 0;
	memcpy(&vcpu->gpr[RAX], data, size);
}

static int on_io(struct gm_vcpu *vcpu, const struct gm_exit *x)
{
	struct gm_run *run = vcpu->run;
	int ret = advance(vcpu, x);
	u64 v = 0;

	if (ret <= 0 || vcpu->exc.valid)
		return ret;
	if (x->in && !gm_bus_read(vcpu, GM_FRAG_PIO, x->port, x->size, &v)) {
		in_result(vcpu, &v, x->size);
		return 1;
	}
	if (!x->in && !gm_bus_write(vcpu, GM_FRAG_PIO, x->port, x->size, &vcpu->gpr[RAX]))
		return 1;
	run->exit_reason = GM_EXIT_IO;
	run->io.direction = x->in ? GM_IO_IN : GM_IO_OUT;
	run->io.size = x->size;
	run->io.port = x->port;
	run->io.count = 1;
	run->io.data_offset = GM_PIO_OFFSET;
	if (x->in) {
		vcpu->pending = GM_PEND_IN;
		vcpu->in_size = x->size;
	} else {
		memcpy((u8 *)run + GM_PIO_OFFSET, &vcpu->gpr[RAX], x->size);
	}
	return 0;
}

static int on_emulate(struct gm_vcpu *vcpu, const struct gm_exit *x)
{
	return gm_emulate(vcpu, x);
}

static int on_rdmsr(struct gm_vcpu *vcpu, const struct gm_exit *x)
{
	u64 v;

	if (gm_msr_get(vcpu, vcpu->gpr[RCX], &v, 0))
		return raise(vcpu, GP_VECTOR);
	vcpu->gpr[RAX] = (u32)v;
	vcpu->gpr[RDX] = v >> 32;
	return advance(vcpu, x);
}

static int on_wrmsr(struct gm_vcpu *vcpu, const struct gm_exit *x)
{
	if (gm_msr_set(vcpu, vcpu->gpr[RCX], (u32)vcpu->gpr[RAX] | vcpu->gpr[RDX] << 32, 0))
		return raise(vcpu, GP_VECTOR);
	return advance(vcpu, x);
}

static int on_page(struct gm_vcpu *vcpu, const struct gm_exit *x)
{
	int ret;

	down_read(&vcpu->vm->slots_sem);
	ret = gm_mmu_fault(vcpu, x->addr, x->acc);
	up_read(&vcpu->vm->slots_sem);
	if (ret != -ENOENT)
		return ret ? ret : 1;
	if (x->in_event && gm_mmu_unprotect(vcpu))
		return 1;
	if (x->in_event)
		return gm_internal_error(vcpu, GM_INTERNAL_DELIVERY, x->addr);
	return gm_emulate(vcpu, x);
}

static int on_invlpg(struct gm_vcpu *vcpu, const struct gm_exit *x)
{
	down_read(&vcpu->vm->slots_sem);
	gm_mmu_invlpg(vcpu, x->addr);
	up_read(&vcpu->vm->slots_sem);
	return advance(vcpu, x);
}

static int on_ud(struct gm_vcpu *vcpu, const struct gm_exit *x)
{
	return raise(vcpu, UD_VECTOR);
}

/*
 * A hypercall: number in RAX, result there too (Documentation/virt/kvm/x86/hypercalls.rst). None is
 * offered, which is what guests are told.
 */
static void hypercall(struct gm_vcpu *vcpu)
{
	struct gm_seg cs;
	u64 ret = -(u64)HYPERCALL_NONE;

	gm_backend->get_seg(vcpu, GM_CS, &cs);
	if (gm_backend->get_cpl(vcpu))
		ret = -(u64)EPERM;
	if (!(vcpu->efer & EFER_LMA) || !(cs.attr & CS_LONG))
		ret = (u32)ret;
	vcpu->gpr[RAX] = ret;
}

static int on_hypercall(struct gm_vcpu *vcpu, const struct gm_exit *x)
{
	hypercall(vcpu);
	return advance(vcpu, x);
}

static int on_ud_insn(struct gm_vcpu *vcpu, const struct gm_exit *x)
{
	if (!gm_is_hypercall(vcpu))
		return raise(vcpu, UD_VECTOR);
	hypercall(vcpu);
	return 1;
}

static int on_db(struct gm_vcpu *vcpu, const struct gm_exit *x)
{
	if (vcpu->debug & (GM_DEBUG_STEP | GM_DEBUG_HW_BP))
		return debug_exit(vcpu, DB_VECTOR, x->code);
	vcpu->dr6 = x->code;
	return raise(vcpu, DB_VECTOR);
}

static int on_bp(struct gm_vcpu *vcpu, const struct gm_exit *x)
{
	if (vcpu->debug & GM_DEBUG_SW_BP)
		return debug_exit(vcpu, BP_VECTOR, 0);
	gm_queue_exception(vcpu, BP_VECTOR, 0, 0);
	return 1;
}

static int on_gp(struct gm_vcpu *vcpu, const struct gm_exit *x)
{
	return raise(vcpu, GP_VECTOR);
}

static int on_xsetbv(struct gm_vcpu *vcpu, const struct gm_exit *x)
{
	u64 v = (u32)vcpu->gpr[RAX] | vcpu->gpr[RDX] << 32;

	if (gm_backend->get_cpl(vcpu) || (u32)vcpu->gpr[RCX] || gm_set_xcr0(vcpu, v))
		return raise(vcpu, GP_VECTOR);
	return advance(vcpu, x);
}

static int on_shutdown(struct gm_vcpu *vcpu, const struct gm_exit *x)
{
	vcpu->run->exit_reason = GM_EXIT_SHUTDOWN;
	return 0;
}

static int on_fail(struct gm_vcpu *vcpu, const struct gm_exit *x)
{
	vcpu->run->exit_reason = GM_EXIT_FAIL_ENTRY;
	vcpu->run->fail_entry.hardware_entry_failure_reason = x->code;
	vcpu->run->fail_entry.cpu = vcpu->last_cpu;
	return 0;
}

static int on_unknown(struct gm_vcpu *vcpu, const struct gm_exit *x)
{
	return gm_internal_error(vcpu, GM_INTERNAL_UNEXPECTED, x->code);
}

static int (*const handlers[GM_X_COUNT])(struct gm_vcpu *vcpu, const struct gm_exit *x) = {
	[GM_X_NONE] = on_none,
	[GM_X_CPUID] = on_cpuid,
	[GM_X_HLT] = on_hlt,
	[GM_X_IO] = on_io,
	[GM_X_EMULATE] = on_emulate,
	[GM_X_RDMSR] = on_rdmsr,
	[GM_X_WRMSR] = on_wrmsr,
	[GM_X_PAGE] = on_page,
	[GM_X_INVLPG] = on_invlpg,
	[GM_X_SKIP] = advance,
	[GM_X_UD] = on_ud,
	[GM_X_UD_INSN] = on_ud_insn,
	[GM_X_HYPERCALL] = on_hypercall,
	[GM_X_DB] = on_db,
	[GM_X_BP] = on_bp,
	[GM_X_GP] = on_gp,
	[GM_X_XSETBV] = on_xsetbv,
	[GM_X_TASK] = gm_task_switch,
	[GM_X_SHUTDOWN] = on_shutdown,
	[GM_X_FAIL] = on_fail,
	[GM_X_UNKNOWN] = on_unknown,
};

int gm_exit_handle(struct gm_vcpu *vcpu, const struct gm_exit *exit)
{
	int ret;

	vcpu->stats.exits[exit->kind]++;
	trace_gm_exit(vcpu->id, exit->kind, vcpu->rip, exit->code);
	ret = handlers[exit->kind](vcpu, exit);
	if (vcpu->triple_fault && ret == 1) {
		vcpu->triple_fault = 0;
		return on_shutdown(vcpu, NULL);
	}
	return ret == 1 && vcpu->debug_hit ? debug_exit(vcpu, DB_VECTOR, vcpu->debug_hit) : ret;
}

/* ---- what the program's answer completes ---- */

static void frag_exit(struct gm_vcpu *vcpu, const struct gm_frag *f, int write)
{
	struct gm_run *run = vcpu->run;

	if (f->kind == GM_FRAG_PIO) {
		run->exit_reason = GM_EXIT_IO;
		run->io.direction = write ? GM_IO_OUT : GM_IO_IN;
		run->io.size = f->len;
		run->io.port = f->addr;
		run->io.count = 1;
		run->io.data_offset = GM_PIO_OFFSET;
		memcpy((u8 *)run + GM_PIO_OFFSET, f->data, f->len);
		return;
	}
	run->exit_reason = GM_EXIT_MMIO;
	run->mmio.phys_addr = f->addr;
	run->mmio.len = f->len;
	run->mmio.is_write = write;
	memcpy(run->mmio.data, f->data, sizeof(run->mmio.data));
}

/* The next piece of an emulated write that is not the kernel's, or back to the guest. */
static int next_write(struct gm_vcpu *vcpu)
{
	struct gm_frag *f;

	while (vcpu->wrote < vcpu->nwrite) {
		f = &vcpu->writes[vcpu->wrote++];
		if (!gm_bus_write(vcpu, f->kind, f->addr, f->len, f->data))
			continue;
		vcpu->pending = GM_PEND_WRITE;
		frag_exit(vcpu, f, 1);
		return 0;
	}
	vcpu->pending = GM_PEND_NONE;
	return 1;
}

int gm_exit_frags(struct gm_vcpu *vcpu)
{
	vcpu->wrote = 0;
	return next_write(vcpu);
}

int gm_exit_read(struct gm_vcpu *vcpu)
{
	vcpu->pending = GM_PEND_READ;
	frag_exit(vcpu, &vcpu->reads[vcpu->nread], 0);
	return 0;
}

static int answer_take(struct gm_vcpu *vcpu)
{
	struct gm_run *run = vcpu->run;
	struct gm_frag *f = &vcpu->reads[vcpu->nread];

	switch (vcpu->pending) {
	case GM_PEND_IN:
		in_result(vcpu, (u8 *)run + GM_PIO_OFFSET, vcpu->in_size);
		vcpu->pending = GM_PEND_NONE;
		return 1;
	case GM_PEND_INS:
		vcpu->pending = GM_PEND_NONE;
		return gm_emulate_ins(vcpu);
	case GM_PEND_READ:
		memcpy(f->data, f->kind == GM_FRAG_PIO ? (u8 *)run + GM_PIO_OFFSET : run->mmio.data,
		       f->len);
		vcpu->nread++;
		vcpu->pending = GM_PEND_NONE;
		return gm_emulate_load(vcpu) ? 1 : gm_emulate(vcpu, NULL);
	case GM_PEND_WRITE:
		return next_write(vcpu);
	case GM_PEND_NONE:
		break;
	}
	return 1;
}

int gm_exit_complete(struct gm_vcpu *vcpu)
{
	int ret = answer_take(vcpu);

	if (vcpu->triple_fault) {
		vcpu->triple_fault = 0;
		return on_shutdown(vcpu, NULL);
	}
	return ret == 1 && vcpu->debug_hit ? debug_exit(vcpu, DB_VECTOR, vcpu->debug_hit) : ret;
}

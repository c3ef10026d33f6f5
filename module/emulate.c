// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Between the emulator (x86/emul.c) and a vCPU. Memory that is not in a slot, and ports, are the
 * program's: a read ends the attempt; with the value that came the instruction is run again, or ends at once where
 * it is a plain load. Writes are queued and handed over when the instruction is done.
 */
#include "module/gm.h"

#include "module/x86/emul_impl.h"
#include "module/x86/event.h"
#include "module/x86/seg.h"
#include "module/x86/task.h"
#include "module/x86/walk.h"

/* An access that can be neither memory nor device (code outside memory, too many pieces). */
#define EMUL_FAIL (-5)

struct attempt {
	struct x86_emul e;
	struct gm_vcpu *vcpu;
	struct x86_mmu mmu;
	struct x86_seg cs; /* asked for at every access */
	u8 has_cs;
	u8 has_mmu; /* set up, which takes time and is not always needed */
};

static struct gm_vcpu *vcpu_of(struct x86_ctx *ctx)
{
	return ((struct attempt *)ctx->cpu)->vcpu;
}

/*
 * The CPU has walked the tables for the operand already, with all checks. Which access it did that for is certain
 * when there can be only one: not with string instructions and those that use the stack too.
 */
static int operand_known(const struct attempt *a, u64 lin, unsigned int acc)
{
	const struct gm_emulated *k = &a->vcpu->emulated;

	return k->has_gpa && !((lin ^ k->gpa) & ~PAGE_MASK) && !(acc & (X86_ACC_EXEC | X86_ACC_SYSTEM)) &&
	       (k->gpa_write || !(acc & X86_ACC_WRITE)) &&
	       !(a->e.insn.props & (X86_P_STRING | X86_P_STACK));
}

static int translate(struct x86_ctx *ctx, u64 lin, unsigned int acc, u64 *gpa)
{
	int ret, user = ctx->cpl == 3;
	struct attempt *a = ctx->cpu;
	struct x86_walk_result r;
	struct x86_walk_trail t;

	if (operand_known(a, lin, acc)) {
		*gpa = a->vcpu->emulated.gpa;
		return 0;
	}
	ret = a->has_mmu ? 0 : gm_walk_setup(a->vcpu, &a->mmu);
	if (ret)
		return ret;
	a->has_mmu = 1;
	ret = x86_walk_trail(&a->mmu, lin, acc, user, !!(ctx->rflags & X86_FL_AC), &r, &ctx->fault, &t);
	if (acc == X86_ACC_EXEC && !ret)
		gm_fetch_keep(a->vcpu, lin, acc, user, &r, &t);
	*gpa = r.gpa;
	return ret;
}

/* ---- accesses ---- */

static int frag_read(struct gm_vcpu *vcpu, u64 addr, void *buf, unsigned int len, int kind)
{
	struct gm_frag *f = &vcpu->reads[vcpu->pos];

	if (vcpu->pos == GM_MAX_FRAGS)
		return EMUL_FAIL;
	if (vcpu->pos < vcpu->nread && f->addr == addr && f->len == len && f->kind == kind) {
		memcpy(buf, f->data, len);
		vcpu->pos++;
		return 0;
	}
	/* The first that is not known yet (or the instruction is another one now). */
	vcpu->nread = vcpu->pos;
	memset(f, 0, sizeof(*f));
	f->addr = addr;
	f->len = len;
	f->kind = kind;
	if (!gm_bus_read(vcpu, kind, addr, len, f->data)) {
		memcpy(buf, f->data, len);
		vcpu->nread = ++vcpu->pos;
		return 0;
	}
	vcpu->want_read = 1;
	return X86_RETRY;
}

static int frag_write(struct gm_vcpu *vcpu, u64 addr, const void *buf, unsigned int len, int kind)
{
	struct gm_frag *f = &vcpu->writes[vcpu->nwrite];

	if (vcpu->nwrite == GM_MAX_FRAGS)
		return EMUL_FAIL;
	memset(f, 0, sizeof(*f));
	f->addr = addr;
	f->len = len;
	f->kind = kind;
	memcpy(f->data, buf, len);
	vcpu->nwrite++;
	return 0;
}

/* Within one page. */
static int piece(struct gm_vcpu *vcpu, u64 gpa, u8 *buf, unsigned int len, unsigned int acc)
{
	unsigned int n;
	int ret;

	ret = acc & X86_ACC_WRITE ? gm_mem_write(vcpu->vm, gpa, buf, len) :
				    gm_mem_read(vcpu->vm, gpa, buf, len);
	if (ret != -ENOENT)
		return ret;
	if (acc & X86_ACC_EXEC)
		return EMUL_FAIL;
	for (ret = 0; len && !ret; gpa += n, buf += n, len -= n) {
		n = min(len, 8u);
		ret = acc & X86_ACC_WRITE ? frag_write(vcpu, gpa, buf, n, GM_FRAG_MMIO) :
					    frag_read(vcpu, gpa, buf, n, GM_FRAG_MMIO);
	}
	return ret;
}

static int access(struct x86_ctx *ctx, u64 lin, u8 *buf, unsigned int len, unsigned int acc)
{
	unsigned int n;
	u64 gpa;
	int ret;

	for (; len; lin += n, buf += n, len -= n) {
		n = min_t(unsigned int, len, PAGE_SIZE - (lin & ~PAGE_MASK));
		ret = translate(ctx, lin, acc, &gpa);
		if (!ret)
			ret = piece(vcpu_of(ctx), gpa, buf, n, acc);
		if (ret)
			return ret;
	}
	return 0;
}

static int op_read(struct x86_ctx *ctx, u64 lin, void *buf, unsigned int len, unsigned int acc)
{
	if (acc == X86_ACC_EXEC && gm_fetch_code(vcpu_of(ctx), lin, ctx->cpl == 3, buf, len))
		return 0;
	return access(ctx, lin, buf, len, acc);
}

static int op_probe(struct x86_ctx *ctx, u64 lin, unsigned int len, unsigned int acc)
{
	u64 gpa;
	int ret = translate(ctx, lin, acc, &gpa);

	if (!ret && ((lin + len - 1) ^ lin) & PAGE_MASK)
		ret = translate(ctx, lin + len - 1, acc, &gpa);
	return ret;
}

/* Both pages are checked before the first is written. A task switch saves ten registers at once. */
static int op_write(struct x86_ctx *ctx, u64 lin, const void *buf, unsigned int len,
		    unsigned int acc)
{
	u8 copy[64];
	u64 gpa;
	int ret;

	if (len <= 8 && !(((lin + len - 1) ^ lin) & PAGE_MASK)) {
		ret = translate(ctx, lin, acc, &gpa);
		memcpy(copy, buf, len);
		return ret ? ret : piece(vcpu_of(ctx), gpa, copy, len, acc);
	}
	ret = len > sizeof(copy) ? EMUL_FAIL : op_probe(ctx, lin, len, acc);
	if (ret)
		return ret;
	memcpy(copy, buf, len);
	return access(ctx, lin, copy, len, acc);
}

static int io_in(struct x86_ctx *ctx, u16 port, unsigned int size, u64 *val)
{
	*val = 0;
	return frag_read(vcpu_of(ctx), port, val, size, GM_FRAG_PIO);
}

static int io_out(struct x86_ctx *ctx, u16 port, unsigned int size, u64 val)
{
	return frag_write(vcpu_of(ctx), port, &val, size, GM_FRAG_PIO);
}

static void io_invlpg(struct x86_ctx *ctx, u64 lin)
{
	gm_mmu_invlpg(vcpu_of(ctx), lin);
}

/* In the image of FXSAVE; what is not marked there as in use is in its initial state. */
static void io_vec(struct x86_ctx *ctx, unsigned int reg, int mmx, u8 *buf, int write)
{
	u8 *fpu = vcpu_of(ctx)->fpu, *p = mmx ? fpu + 32 + 16 * (reg & 7) : fpu + 160 + 16 * (reg & 15);
	u8 bit = mmx ? 1 : 2;

	if (!(fpu[512] & bit)) {
		memset(p, 0, 16);
		if (write && mmx)
			memset(fpu + 32, 0, 128);
		else if (write)
			memset(fpu + 160, 0, 256);
	}
	if (!write) {
		memcpy(buf, p, mmx ? 8 : 16);
		return;
	}
	memcpy(p, buf, mmx ? 8 : 16);
	fpu[512] |= bit;
	if (mmx) { /* exponent all ones, top of stack 0, all registers valid */
		memset(p + 8, 0xff, 2);
		fpu[3] &= ~0x38;
		fpu[4] = 0xff;
	}
}

/* ---- registers ---- */

static void op_get_seg(struct x86_ctx *ctx, unsigned int seg, struct x86_seg *out)
{
	struct attempt *a = ctx->cpu;
	struct gm_seg s;

	if (seg == X86_CS && a->has_cs) {
		*out = a->cs;
		return;
	}
	gm_backend->get_seg(a->vcpu, seg, &s);
	memset(out, 0, sizeof(*out));
	out->base = s.base;
	out->limit = s.limit;
	out->sel = s.sel;
	out->attr = s.attr;
	out->unusable = s.unusable;
}

static u64 op_get_cr(struct x86_ctx *ctx, unsigned int cr)
{
	struct gm_vcpu *vcpu = vcpu_of(ctx);

	switch (cr) {
	case 0: return vcpu->cr0;
	case 2: return vcpu->cr2;
	case 3: return vcpu->cr3;
	case 4: return vcpu->cr4;
	case 8: return vcpu->cr8;
	}
	return 0;
}

static int op_set_cr(struct x86_ctx *ctx, unsigned int cr, u64 val)
{
	struct gm_vcpu *vcpu = vcpu_of(ctx);
	int ret = 0;

	((struct attempt *)ctx->cpu)->has_mmu = 0;
	switch (cr) {
	case 0: ret = gm_set_cr0(vcpu, val); break;
	case 2: vcpu->cr2 = val; break;
	case 3: ret = gm_set_cr3(vcpu, val); break;
	case 4: ret = gm_set_cr4(vcpu, val); break;
	case 8:
		if (val > 15)
			ret = -EINVAL;
		else
			gm_lapic_set_cr8(vcpu, val);
		break;
	default: return x86_raise(ctx, X86_UD);
	}
	return ret ? x86_raise_err(ctx, X86_GP, 0) : 0;
}

static u64 op_get_dr(struct x86_ctx *ctx, unsigned int dr)
{
	struct gm_vcpu *vcpu = vcpu_of(ctx);

	if (dr < 4)
		return vcpu->db[dr];
	return dr & 1 ? vcpu->dr7 : vcpu->dr6;
}

static void op_set_dr(struct x86_ctx *ctx, unsigned int dr, u64 val)
{
	struct gm_vcpu *vcpu = vcpu_of(ctx);

	if (dr < 4)
		vcpu->db[dr] = val;
	else if (dr & 1)
		vcpu->dr7 = (val & 0xffff23ff) | 0x400;
	else
		vcpu->dr6 = (val & 0xe00f) | 0xffff0ff0;
}

static u64 op_get_efer(struct x86_ctx *ctx)
{
	return vcpu_of(ctx)->efer;
}

static void op_set_seg(struct x86_ctx *ctx, unsigned int seg, const struct x86_seg *in)
{
	struct gm_seg s;

	s.base = in->base;
	s.limit = in->limit;
	s.sel = in->sel;
	s.attr = in->attr;
	s.unusable = in->unusable;
	gm_backend->set_seg(vcpu_of(ctx), seg, &s);
	((struct attempt *)ctx->cpu)->has_cs = 0;
}

static void table_get(struct gm_vcpu *vcpu, unsigned int seg, struct x86_dtr *out)
{
	struct gm_seg s;

	gm_backend->get_seg(vcpu, seg, &s);
	memset(out, 0, sizeof(*out));
	out->base = s.base;
	out->limit = s.limit;
}

static void op_get_gdt(struct x86_ctx *ctx, struct x86_dtr *out)
{
	table_get(vcpu_of(ctx), GM_GDTR, out);
}

static void op_get_idt(struct x86_ctx *ctx, struct x86_dtr *out)
{
	table_get(vcpu_of(ctx), GM_IDTR, out);
}

static int io_set_table(struct x86_ctx *ctx, int idt, const struct x86_dtr *t)
{
	struct gm_seg s;

	memset(&s, 0, sizeof(s));
	s.base = t->base;
	s.limit = t->limit;
	gm_backend->set_seg(vcpu_of(ctx), idt ? GM_IDTR : GM_GDTR, &s);
	return 0;
}

/* The level is SS's, or the mode's: there is nothing more to keep in step. */
static void op_set_cpl(struct x86_ctx *ctx, unsigned int cpl)
{
	ctx->cpl = cpl;
}

static const struct x86_emul_io emul_io = {
	.in = io_in, .out = io_out, .invlpg = io_invlpg, .set_table = io_set_table,
	.vec = io_vec,
};

static const struct x86_ops emul_ops = {
	.read = op_read,
	.write = op_write,
	.probe = op_probe,
	.get_seg = op_get_seg,
	.set_seg = op_set_seg,
	.get_gdt = op_get_gdt,
	.get_idt = op_get_idt,
	.get_cr = op_get_cr,
	.set_cr = op_set_cr,
	.get_dr = op_get_dr,
	.set_dr = op_set_dr,
	.get_efer = op_get_efer,
	.set_cpl = op_set_cpl,
};

/* ---- one instruction ---- */

static void attempt_start(struct attempt *a, struct gm_vcpu *vcpu)
{
	struct x86_ctx *ctx = &a->e.ctx;

	a->vcpu = vcpu;
	a->e.insn.props = 0;
	a->e.insn.op = X86_OP_INVALID; /* what an internal error says before anything is decoded */
	memset(ctx, 0, sizeof(*ctx));
	ctx->ops = &emul_ops;
	ctx->cpu = a;
	ctx->gpr = a->e.gpr;
	memcpy(a->e.gpr, vcpu->gpr, sizeof(a->e.gpr));
	ctx->rip = vcpu->rip;
	ctx->rflags = vcpu->rflags;
	ctx->cpl = gm_backend->get_cpl(vcpu);
	ctx->long_mode = !!(vcpu->efer & X86_EFER_LMA);
	ctx->nmi_blocked = vcpu->nmi_masked;
	a->e.io = &emul_io;
	a->e.decoded = vcpu->decoded;
	a->has_mmu = a->has_cs = 0;
	op_get_seg(ctx, X86_CS, &a->cs);
	a->has_cs = 1;
	if (ctx->long_mode && (a->cs.attr & X86_SEG_L))
		a->e.mode = X86_MODE_64;
	else if ((vcpu->cr0 & X86_CR0_PE) && !(vcpu->rflags & X86_FL_VM) && (a->cs.attr & X86_SEG_DB))
		a->e.mode = X86_MODE_32;
	else
		a->e.mode = X86_MODE_16;
}

void gm_step_trap(struct gm_vcpu *vcpu)
{
	if (vcpu->debug & GM_DEBUG_STEP) {
		vcpu->debug_hit = 0x4000;
		return;
	}
	vcpu->dr6 |= 0x4000;
	gm_queue_exception(vcpu, X86_DB, 0, 0);
}

static void fault_queue(struct gm_vcpu *vcpu, const struct x86_fault *f)
{
	if (f->vector == X86_PF)
		vcpu->cr2 = f->cr2;
	gm_queue_exception(vcpu, f->vector, f->has_err, f->err);
}

/* An instruction is done. A trap flag that was set before it traps after it. */
static void retire(struct gm_vcpu *vcpu, u64 rip, u64 rflags, u8 shadow)
{
	u64 tf = vcpu->rflags & X86_FL_TF;

	vcpu->stats.emulated++;
	vcpu->rip = rip;
	vcpu->rflags = rflags & ~(u64)X86_FL_RF;
	vcpu->int_shadow = shadow;
	if (tf || (vcpu->debug & GM_DEBUG_STEP))
		gm_step_trap(vcpu);
}

/* Takes the results over. */
static void commit(struct attempt *a)
{
	struct gm_vcpu *vcpu = a->vcpu;

	memcpy(vcpu->gpr, a->e.gpr, sizeof(vcpu->gpr));
	vcpu->nmi_masked = a->e.ctx.nmi_blocked;
	retire(vcpu, a->e.ctx.rip, a->e.ctx.rflags, a->e.shadow);
}

/* Instructions that the core handles as exits; the emulator has checked their privilege. */
static const struct {
	u16 op;
	u8 kind;
} exits[] = {
	{ X86_OP_CPUID, GM_X_CPUID },   { X86_OP_HLT, GM_X_HLT },
	{ X86_OP_RDMSR, GM_X_RDMSR },   { X86_OP_WRMSR, GM_X_WRMSR },
	{ X86_OP_INVD, GM_X_SKIP },     { X86_OP_WBINVD, GM_X_SKIP },
	{ X86_OP_XSETBV, GM_X_XSETBV }, { X86_OP_VMCALL, GM_X_HYPERCALL },
	{ X86_OP_VMMCALL, GM_X_HYPERCALL },
};

/*
 * What is not known to the emulator ends RUN; but a program in the guest could choose such an instruction to end the
 * whole guest: it gets #UD.
 */
static int not_emulated(struct attempt *a)
{
	/* A write to a shadowed table need not be emulated. */
	if (gm_mmu_unprotect(a->vcpu))
		return 1;
	if (!a->e.ctx.cpl)
		return gm_internal_error(a->vcpu, GM_INTERNAL_EMULATION, a->e.insn.op);
	gm_queue_exception(a->vcpu, X86_UD, 0, 0);
	return 1;
}

static int other_insn(struct attempt *a)
{
	struct gm_vcpu *vcpu = a->vcpu;
	struct gm_exit x;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(exits); i++) {
		if (exits[i].op != a->e.insn.op)
			continue;
		memset(&x, 0, sizeof(x));
		x.kind = exits[i].kind;
		x.next_rip = vcpu->rip + a->e.insn.len;
		return gm_exit_handle(vcpu, &x);
	}
	return not_emulated(a);
}

static int finish(struct attempt *a, int ret)
{
	struct gm_vcpu *vcpu = a->vcpu;

	if (ret == X86_RETRY && vcpu->want_read)
		return gm_exit_read(vcpu);
	vcpu->nread = 0;
	vcpu->emulated.valid = vcpu->emulated.has_gpa = 0;
	switch (ret) {
	case 0:
		commit(a);
		return vcpu->nwrite ? gm_exit_frags(vcpu) : 1;
	case X86_RETRY:
		return 1;
	case X86_FAULT:
		if (a->e.ctx.committed)
			commit(a);
		fault_queue(vcpu, &a->e.ctx.fault);
		return 1;
	case X86_EMUL_UNKNOWN:
		return other_insn(a);
	}
	return not_emulated(a);
}

/* The instruction's bytes, or what the last attempt kept of them. */
static int insn_get(struct attempt *a, const struct gm_exit *exit)
{
	struct gm_vcpu *vcpu = a->vcpu;
	struct gm_emulated *k = &vcpu->emulated;
	int ret;

	if (!exit && k->valid && k->rip == vcpu->rip && k->mode == a->e.mode) {
		a->e.insn = k->insn;
		return 0;
	}
	k->has_gpa = 0;
	ret = x86_emul_decode(&a->e, exit ? exit->insn : NULL, exit ? exit->ninsn : 0);
	if (ret)
		return ret;
	k->valid = 1;
	k->rip = vcpu->rip;
	k->mode = a->e.mode;
	k->insn = a->e.insn;
	/* The CPU's walk, or the one of shadow paging after its fault. */
	if (exit && (exit->data_gpa || (exit->kind == GM_X_PAGE && vcpu->mmu.fault_gpa != GM_NO_GPA))) {
		k->has_gpa = 1;
		k->gpa = exit->data_gpa ? exit->addr : vcpu->mmu.fault_gpa;
		k->gpa_write = !!(exit->acc & GM_PF_WRITE);
	}
	return 0;
}

/*
 * A plain load or store at a device, which the CPU or the walk after a shadow fault has come to with all
 * checks: what is left is the value. X86_EMUL_UNKNOWN: it is something else.
 */
static int plain_move(struct attempt *a)
{
	const struct gm_emulated *k = &a->vcpu->emulated;
	const struct x86_insn *in = &a->e.insn;
	unsigned int n = in->memsize;
	u64 v = 0, lin;
	struct x86_seg s;
	int ret;

	if (!k->has_gpa || in->mod == 3 || (k->gpa & ~PAGE_MASK) + n > PAGE_SIZE ||
	    !(k->gpa_write ? x86_emul_store(&a->e, &v) : x86_emul_is_load(in)))
		return X86_EMUL_UNKNOWN;
	lin = x86_emul_ea(&a->e);
	if (a->e.mode != X86_MODE_64 || in->seg >= X86_FS) {
		op_get_seg(&a->e.ctx, in->seg, &s);
		lin += s.base;
	}
	if (((lin ^ k->gpa) & ~PAGE_MASK) || gm_slot_find(a->vcpu->vm, k->gpa >> PAGE_SHIFT))
		return X86_EMUL_UNKNOWN;
	if (k->gpa_write)
		ret = frag_write(a->vcpu, k->gpa, &v, n, GM_FRAG_MMIO);
	else
		ret = frag_read(a->vcpu, k->gpa, &v, n, GM_FRAG_MMIO);
	if (ret)
		return ret;
	if (!k->gpa_write)
		x86_emul_load(in, a->e.gpr, v);
	a->e.shadow = 0;
	a->e.ctx.rip += in->len;
	if (a->e.mode != X86_MODE_64)
		a->e.ctx.rip = (u32)a->e.ctx.rip;
	return 0;
}

/* ---- repeated INS and OUTS, as many elements as one page gives in one exit ---- */

static int is_batch(const struct attempt *a)
{
	return (a->e.insn.op == X86_OP_INS || a->e.insn.op == X86_OP_OUTS) &&
	       (a->e.insn.prefixes & (X86_PFX_REP | X86_PFX_REPNE)) &&
	       !(a->e.ctx.rflags & X86_FL_DF);
}

/* How many elements fit, and where their memory is. 0: it faults, or they span pages. */
static unsigned int batch_span(struct attempt *a, u64 *gpa)
{
	int in = a->e.insn.op == X86_OP_INS;
	unsigned int size = a->e.insn.opsize, acc = in ? X86_ACC_WRITE : X86_ACC_READ, n;
	unsigned int seg = in ? X86_ES : a->e.insn.seg;
	u64 mask = x86_emul_mask(a->e.insn.addrsize);
	u64 count = a->e.gpr[X86_RCX] & mask, off = a->e.gpr[in ? X86_RDI : X86_RSI] & mask, lin;
	struct x86_ctx *ctx = &a->e.ctx;

	if (!count || x86_linear(ctx, seg, off, size, acc, &lin))
		return 0;
	n = min_t(u64, count, (unsigned int)(PAGE_SIZE - (lin & ~PAGE_MASK)) / size);
	if (!n || off + n * size - 1 > mask || x86_linear(ctx, seg, off, n * size, acc, &lin) ||
	    translate(ctx, lin, acc, gpa))
		return 0;
	return n;
}

static void batch_advance(struct attempt *a, unsigned int n)
{
	unsigned int size = a->e.insn.addrsize, index = a->e.insn.op == X86_OP_INS ? X86_RDI : X86_RSI;
	u64 mask = x86_emul_mask(size), count = (a->e.gpr[X86_RCX] & mask) - n;
	u64 next = a->e.ctx.rip + a->e.insn.len;

	a->e.shadow = 0;
	x86_emul_set_gpr(&a->e, index, size, 0, a->e.gpr[index] + n * a->e.insn.opsize);
	x86_emul_set_gpr(&a->e, X86_RCX, size, 0, count);
	if (!count)
		a->e.ctx.rip = a->e.mode == X86_MODE_64 ? next : (u32)next;
	commit(a);
}

/* 1: the exit is prepared; 0: not a batch. */
static int batch_start(struct attempt *a)
{
	struct gm_vcpu *vcpu = a->vcpu;
	struct gm_run *run = vcpu->run;
	u8 *data = (u8 *)run + GM_PIO_OFFSET;
	unsigned int n, size = a->e.insn.opsize;
	u16 port = (u16)a->e.gpr[X86_RDX];
	u64 gpa;

	if (!is_batch(a) || gm_bus_has_port(vcpu->vm, port))
		return 0;
	/* A fault of either is found again by the emulator. */
	if (x86_io_check(&a->e.ctx, port, size))
		return 0;
	n = batch_span(a, &gpa);
	if (n < 2)
		return 0;
	if (a->e.insn.op == X86_OP_OUTS ? gm_mem_read(vcpu->vm, gpa, data, n * size) :
					  !gm_mem_writable(vcpu->vm, gpa))
		return 0;
	run->exit_reason = GM_EXIT_IO;
	run->io.direction = a->e.insn.op == X86_OP_INS ? GM_IO_IN : GM_IO_OUT;
	run->io.size = size;
	run->io.port = port;
	run->io.count = n;
	run->io.data_offset = GM_PIO_OFFSET;
	if (a->e.insn.op == X86_OP_OUTS) {
		batch_advance(a, n);
	} else {
		vcpu->pending = GM_PEND_INS;
		vcpu->ins_count = n;
	}
	return 1;
}

/* The program has read the port: everything is looked at anew, as registers may have changed. */
int gm_emulate_ins(struct gm_vcpu *vcpu)
{
	struct attempt a;
	unsigned int n = 0;
	u64 gpa;
	int ret;

	down_read(&vcpu->vm->slots_sem);
	attempt_start(&a, vcpu);
	ret = x86_emul_decode(&a.e, NULL, 0);
	if (!ret && a.e.insn.op == X86_OP_INS && is_batch(&a))
		n = min_t(unsigned int, batch_span(&a, &gpa), vcpu->ins_count);
	if (n)
		ret = gm_mem_write(vcpu->vm, gpa, (u8 *)vcpu->run + GM_PIO_OFFSET, n * a.e.insn.opsize);
	up_read(&vcpu->vm->slots_sem);
	/* Is it another instruction now, or has it no elements left, so be it. */
	if (n && !ret)
		batch_advance(&a, n);
	return 1;
}

int gm_emulate(struct gm_vcpu *vcpu, const struct gm_exit *exit)
{
	struct attempt a;
	u64 cr8 = vcpu->cr8;
	int batch, ret;

	vcpu->pos = vcpu->nwrite = vcpu->want_read = 0;
	down_read(&vcpu->vm->slots_sem);
	attempt_start(&a, vcpu);
	ret = insn_get(&a, exit);
	/* What other vCPUs must see done at once is left to the CPU where that is possible. */
	if (!ret && ((a.e.insn.prefixes & X86_PFX_LOCK) || a.e.insn.op == X86_OP_XCHG) &&
	    gm_mmu_unprotect(vcpu))
		ret = X86_RETRY;
	batch = !ret && exit && batch_start(&a);
	if (!ret && !batch)
		ret = plain_move(&a);
	if (ret == X86_EMUL_UNKNOWN)
		ret = x86_emul_exec(&a.e);
	up_read(&vcpu->vm->slots_sem);
	if (batch) {
		vcpu->emulated.valid = vcpu->emulated.has_gpa = 0;
		return 0;
	}
	ret = finish(&a, ret);
	if (ret == 1 && vcpu->cr8 < cr8 && !vcpu->lapic) {
		vcpu->run->exit_reason = GM_EXIT_SET_TPR;
		return 0;
	}
	return ret;
}

int gm_emulate_load(struct gm_vcpu *vcpu)
{
	struct gm_emulated *k = &vcpu->emulated;
	const struct gm_frag *f = &vcpu->reads[0];
	u64 v = 0, rip = vcpu->rip + k->insn.len;

	/* A program that set registers meanwhile has made k->valid 0. */
	if (!k->valid || k->rip != vcpu->rip || vcpu->nread != 1 || f->len != k->insn.memsize ||
	    !x86_emul_is_load(&k->insn))
		return 0;
	memcpy(&v, f->data, f->len);
	x86_emul_load(&k->insn, vcpu->gpr, v);
	k->valid = k->has_gpa = 0;
	vcpu->nread = 0;
	retire(vcpu, k->mode == X86_MODE_64 ? rip : (u32)rip, vcpu->rflags, 0);
	return 1;
}

int gm_deliver(struct gm_vcpu *vcpu, const struct x86_event *ev)
{
	struct attempt a;
	int ret;

	vcpu->pos = vcpu->nwrite = vcpu->want_read = 0;
	a.e.shadow = 0;
	down_read(&vcpu->vm->slots_sem);
	attempt_start(&a, vcpu);
	ret = x86_event_raise(&a.e.ctx, ev);
	up_read(&vcpu->vm->slots_sem);
	if (ret)
		return ret == X86_SHUTDOWN ? -ECANCELED : -EIO;
	memcpy(vcpu->gpr, a.e.gpr, sizeof(vcpu->gpr));
	vcpu->rip = a.e.ctx.rip;
	vcpu->rflags = a.e.ctx.rflags;
	vcpu->int_shadow = 0;
	return 0;
}

int gm_task_switch(struct gm_vcpu *vcpu, const struct gm_exit *x)
{
	struct attempt a;
	int ret = 0;

	vcpu->pos = vcpu->nwrite = vcpu->want_read = 0;
	a.e.shadow = 0;
	down_read(&vcpu->vm->slots_sem);
	attempt_start(&a, vcpu);
	if (!x->next_rip)
		ret = x86_emul_decode(&a.e, NULL, 0);
	a.e.ctx.rip = x->next_rip ? x->next_rip : vcpu->rip + a.e.insn.len;
	if (!ret)
		ret = x86_task_switch(&a.e.ctx, x->task.sel, x->task.source,
				      x->task.source == X86_TASK_INT, x->task.has_err, x->task.err);
	up_read(&vcpu->vm->slots_sem);
	return finish(&a, ret);
}

/* Where the next instruction is when the CPU did not say. Apart: most exits do without this much stack. */
static noinline int next_find(struct gm_vcpu *vcpu, u64 *next_rip)
{
	struct attempt a;
	int ret;

	vcpu->pos = vcpu->nwrite = vcpu->want_read = 0;
	down_read(&vcpu->vm->slots_sem);
	attempt_start(&a, vcpu);
	ret = x86_emul_decode(&a.e, NULL, 0);
	up_read(&vcpu->vm->slots_sem);
	if (ret == X86_FAULT)
		fault_queue(vcpu, &a.e.ctx.fault);
	if (ret)
		return ret;
	*next_rip = vcpu->rip + a.e.insn.len;
	if (a.e.mode != X86_MODE_64)
		*next_rip = (u32)*next_rip;
	return 0;
}

int gm_skip(struct gm_vcpu *vcpu, u64 next_rip)
{
	int ret = next_rip ? 0 : next_find(vcpu, &next_rip);

	if (ret)
		return ret == X86_FAULT ? 0 : -EINVAL;
	vcpu->rip = next_rip;
	vcpu->int_shadow = 0;
	if ((vcpu->rflags & X86_FL_TF) || (vcpu->debug & GM_DEBUG_STEP))
		gm_step_trap(vcpu);
	return 0;
}

/* VMCALL or VMMCALL: the one that this CPU does not have raises #UD. */
int gm_is_hypercall(struct gm_vcpu *vcpu)
{
	struct attempt a;
	u8 code[3] = { 0, 0, 0 };
	u64 lin;
	int ret;

	down_read(&vcpu->vm->slots_sem);
	attempt_start(&a, vcpu);
	ret = x86_linear(&a.e.ctx, X86_CS, vcpu->rip, sizeof(code), X86_ACC_EXEC, &lin);
	if (!ret)
		ret = access(&a.e.ctx, lin, code, sizeof(code), X86_ACC_EXEC);
	up_read(&vcpu->vm->slots_sem);
	if (ret || code[0] != 0x0f || code[1] != 0x01 || (code[2] != 0xc1 && code[2] != 0xd9))
		return 0;
	gm_skip(vcpu, vcpu->rip + sizeof(code));
	return 1;
}

int gm_translate(struct gm_vcpu *vcpu, u64 lin, u64 *gpa)
{
	struct attempt a;
	int ret;

	down_read(&vcpu->vm->slots_sem);
	attempt_start(&a, vcpu);
	a.e.ctx.cpl = 0;
	ret = translate(&a.e.ctx, lin, X86_ACC_READ, gpa);
	up_read(&vcpu->vm->slots_sem);
	return ret ? -EINVAL : 0;
}

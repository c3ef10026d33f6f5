/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a few instruction bytes on the host's CPU with all general registers and flags given, and
 * tells what they left behind or which fault they took. The yardstick of the CPU tests.
 *
 * The code page is written and executed through two mappings of one file, data that the
 * instructions may use is the caller's affair. Not for more than one thread.
 */
#ifndef TEST_NATIVE_GPR_H
#define TEST_NATIVE_GPR_H

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "module/x86/x86.h"

/*
 * Fixed, so that a run is the same each time: an address that the code under test makes up of random
 * registers and displacements must not meet these pages in one run and miss them in the next.
 */
#define NATIVE_EXEC 0x3a000000ul
#define NATIVE_REGS 0x3b000000ul

struct native_regs {
	u64 gpr[16];  /* enum x86_gpr */
	u64 flags;
	u64 host_rsp;
	u64 rip;      /* of a fault, relative to the first instruction byte */
	u64 addr;     /* si_addr of a fault */
	int sig;      /* 0, or the signal the code died of */
	int trapno;   /* exception vector of the fault */
};

struct native {
	u8 *write, *exec;   /* the code page, twice */
	struct native_regs *regs;
	unsigned int body;  /* offset of the instructions under test */
	sigjmp_buf jmp;
};

/* A signal handler has no other way to find its state. */
static struct native *native_active;

static void native_signal(int sig, siginfo_t *info, void *uc_)
{
	static const int order[16] = {
		REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
		REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
	};
	ucontext_t *uc = uc_;
	struct native *n = native_active;
	int i;

	if (!n)
		_exit(99);
	for (i = 0; i < 16; i++)
		n->regs->gpr[i] = uc->uc_mcontext.gregs[order[i]];
	n->regs->flags = uc->uc_mcontext.gregs[REG_EFL];
	n->regs->rip = uc->uc_mcontext.gregs[REG_RIP] - (u64)(uintptr_t)n->exec - n->body;
	n->regs->trapno = uc->uc_mcontext.gregs[REG_TRAPNO];
	n->regs->addr = (u64)(uintptr_t)info->si_addr;
	n->regs->sig = sig;
	siglongjmp(n->jmp, 1);
}

static inline int native_open(struct native *n)
{
	static const int sigs[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP };
	struct sigaction sa;
	stack_t ss;
	unsigned int i;
	int fd = memfd_create("native", 0);

	if (fd < 0 || ftruncate(fd, 4096))
		return -errno;
	n->write = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	n->exec = mmap((void *)NATIVE_EXEC, 4096, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);
	n->regs = mmap((void *)NATIVE_REGS, 4096, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	close(fd);
	ss.ss_size = 1 << 16;
	ss.ss_flags = 0;
	ss.ss_sp = mmap(NULL, ss.ss_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (n->write == MAP_FAILED || n->exec == MAP_FAILED || n->regs == MAP_FAILED ||
	    ss.ss_sp == MAP_FAILED)
		return -ENOMEM;
	sigaltstack(&ss, NULL);
	memset(&sa, 0, sizeof(sa));
	sa.sa_sigaction = native_signal;
	sa.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
	for (i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		sigaction(sigs[i], &sa, NULL);
	return 0;
}

/* mov between a register and [r11 + disp32] or [rdi + disp32] */
static inline u8 *native_mov(u8 *p, int store, unsigned int reg, unsigned int base, u32 disp)
{
	*p++ = 0x48 | (reg & 8 ? 4 : 0) | (base & 8 ? 1 : 0);
	*p++ = store ? 0x89 : 0x8b;
	*p++ = 0x80 | (reg & 7) << 3 | (base & 7);
	memcpy(p, &disp, 4);
	return p + 4;
}

/*
 * Puts `len` bytes of code between a part that loads the registers and one that stores them.
 * RSP is loaded like every other register, so the code may use a stack of its own.
 */
static inline void native_load(struct native *n, const u8 *code, unsigned int len)
{
	static const u8 saves[] = { 0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57 };
	static const u8 restores[] = { 0x41, 0x5f, 0x41, 0x5e, 0x41, 0x5d, 0x41, 0x5c, 0x5d, 0x5b, 0xfc, 0xc3 };
	u64 at = (u64)(uintptr_t)n->regs;
	u8 *p = n->write;
	unsigned int i;

	memcpy(p, saves, sizeof(saves));
	p = native_mov(p + sizeof(saves), 1, X86_RSP, X86_RDI, offsetof(struct native_regs, host_rsp));
	*p++ = 0xff; /* push [rdi + flags]; popfq */
	*p++ = 0xb7;
	i = offsetof(struct native_regs, flags);
	memcpy(p, &i, 4);
	p[4] = 0x9d;
	p += 5;
	for (i = 0; i < 16; i++)
		if (i != X86_RDI)
			p = native_mov(p, 0, i, X86_RDI, 8 * i);
	p = native_mov(p, 0, X86_RDI, X86_RDI, 8 * X86_RDI);
	n->body = p - n->write;
	if (len)
		memcpy(p, code, len);
	p += len;
	*p++ = 0x48; /* mov [regs.rax], rax, by absolute address; mov rax, regs */
	*p++ = 0xa3;
	memcpy(p, &at, 8);
	p += 8;
	*p++ = 0x48;
	*p++ = 0xb8;
	memcpy(p, &at, 8);
	p += 8;
	for (i = 1; i < 16; i++)
		p = native_mov(p, 1, i, X86_RAX, 8 * i);
	p = native_mov(p, 0, X86_RSP, X86_RAX, offsetof(struct native_regs, host_rsp));
	*p++ = 0x9c; /* pushfq; pop [rax + flags] */
	*p++ = 0x8f;
	*p++ = 0x80;
	i = offsetof(struct native_regs, flags);
	memcpy(p, &i, 4);
	memcpy(p + 4, restores, sizeof(restores));
}

/* Runs what was loaded. Returns 0, or the exception's vector + 1. */
static inline int native_run(struct native *n, struct native_regs *regs)
{
	void (*fn)(struct native_regs *);

	*n->regs = *regs;
	n->regs->sig = 0;
	n->regs->trapno = 0;
	native_active = n;
	memcpy(&fn, &n->exec, sizeof(fn));
	if (!sigsetjmp(n->jmp, 1))
		fn(n->regs);
	native_active = NULL;
	*regs = *n->regs;
	return regs->sig ? regs->trapno + 1 : 0;
}

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guest's FPU, SSE and AVX state and XCR0 (Intel SDM volume 1, chapter 13; AMD APM volume 2,
 * 11.5). Loaded and saved by hand inside kernel_fpu_begin() and kernel_fpu_end(), which keep the
 * process' own state. PKRU is a component too, but one that kernel_fpu_end() leaves alone, so the host's
 * value is put back by hand.
 */
#include "module/gm.h"

#include <asm/cpufeature.h>
#include <asm/fpu/api.h>
#include <asm/msr.h>

/* The forms that keep 64-bit pointers of the x87 unit. */
#ifdef CONFIG_X86_64
#define GM_REX64 "64"
#else
#define GM_REX64 ""
#endif

/* x87, SSE, AVX, AVX-512, PKRU */
#define XCR0_OFFERED 0x2e7ull
#define XCR0_PKRU    0x200ull
#define CR4_PKE      (1ul << 22)

static u64 fpu_mask;  /* XCR0 bits of a guest; 0: FXSAVE only */
static u64 host_xcr0;
static u64 host_xss;
u32 gm_mxcsr_mask;

static u64 xcr_read(void)
{
	u32 lo, hi;

	asm volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return lo | (u64)hi << 32;
}

static void xcr_write(u64 v)
{
	asm volatile("xsetbv" : : "a"((u32)v), "d"((u32)(v >> 32)), "c"(0));
}

/* Instruction names that assemblers before 2.25 do not know. */
static u32 pkru_read(void)
{
	u32 v, d;

	asm volatile(".byte 0x0f, 0x01, 0xee" : "=a"(v), "=d"(d) : "c"(0));
	return v;
}

static void pkru_write(u32 v)
{
	asm volatile(".byte 0x0f, 0x01, 0xef" : : "a"(v), "c"(0), "d"(0));
}

u64 gm_fpu_mask(void)
{
	return fpu_mask;
}

/* FXSAVE tells; 0 is what CPUs without "denormals are zeroes" leave there (Intel SDM volume 1, 11.6.6). */
static void mxcsr_mask_read(void)
{
	static u8 image[512] __attribute__((aligned(16)));

	kernel_fpu_begin();
	asm volatile("fxsave %0" : "=m"(image));
	kernel_fpu_end();
	memcpy(&gm_mxcsr_mask, image + 28, sizeof(gm_mxcsr_mask));
	if (!gm_mxcsr_mask)
		gm_mxcsr_mask = 0xffbf;
}

void gm_fpu_setup(void)
{
	mxcsr_mask_read();
	if (!boot_cpu_has(X86_FEATURE_OSXSAVE))
		return;
	host_xcr0 = xcr_read();
	fpu_mask = host_xcr0 & XCR0_OFFERED;
	if ((fpu_mask & 0xe4) != 0xe4)
		fpu_mask &= ~0xe0ull;
	if (!(fpu_mask & 4))
		fpu_mask &= 3;
	/* Shadow tables carry no protection keys. */
	if (!(__read_cr4() & CR4_PKE) || !gm_paging.nested)
		fpu_mask &= ~XCR0_PKRU;
	if (boot_cpu_has(X86_FEATURE_XSAVES))
		rdmsrl_safe(MSR_IA32_XSS, &host_xss);
}

/* FCW and MXCSR after a reset, all components in their initial state but x87 and SSE. */
void gm_fpu_reset(struct gm_vcpu *vcpu)
{
	memset(vcpu->fpu, 0, PAGE_SIZE);
	vcpu->fpu[0] = 0x7f;
	vcpu->fpu[1] = 0x03;
	vcpu->fpu[24] = 0x80;
	vcpu->fpu[25] = 0x1f;
	vcpu->fpu[512] = 3;
	vcpu->xcr0 = 1;
}

/*
 * AMD CPUs without XSAVEERPTR restore the pointers of the x87 unit only while an exception is pending (APM
 * volume 2, 11.4.4): the guest would find the host's. These instructions leave others there.
 */
static void pointers_clear(struct gm_vcpu *vcpu)
{
#ifdef X86_BUG_FXSAVE_LEAK
	if (boot_cpu_has_bug(X86_BUG_FXSAVE_LEAK))
		asm volatile("fnclex\n\temms\n\tfildl %0" : : "m"(vcpu->id));
#endif
}

void gm_fpu_load(struct gm_vcpu *vcpu)
{
	pointers_clear(vcpu);
	if (!fpu_mask) {
		asm volatile("fxrstor" GM_REX64 " %0" : : "m"(*(u8(*)[512])vcpu->fpu));
		return;
	}
	if (fpu_mask & XCR0_PKRU)
		vcpu->host_pkru = pkru_read();
	asm volatile("xrstor" GM_REX64 " %0"
		     :
		     : "m"(*(u8(*)[4096])vcpu->fpu), "a"((u32)fpu_mask), "d"(0));
	if (vcpu->xcr0 != host_xcr0)
		xcr_write(vcpu->xcr0);
	if (host_xss)
		wrmsrl(MSR_IA32_XSS, 0);
}

void gm_fpu_save(struct gm_vcpu *vcpu)
{
	if (!fpu_mask) {
		asm volatile("fxsave" GM_REX64 " %0" : "=m"(*(u8(*)[512])vcpu->fpu));
		return;
	}
	if (vcpu->xcr0 != host_xcr0)
		xcr_write(host_xcr0);
	if (host_xss)
		wrmsrl(MSR_IA32_XSS, host_xss);
	asm volatile("xsave" GM_REX64 " %0"
		     : "+m"(*(u8(*)[4096])vcpu->fpu)
		     : "a"((u32)fpu_mask), "d"(0));
	if (fpu_mask & XCR0_PKRU)
		pkru_write(vcpu->host_pkru);
}

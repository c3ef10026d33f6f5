/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the driver's tests in an emulated host share: a guest with some memory and one vCPU. */
#ifndef TEST_RIG_H
#define TEST_RIG_H

#include <stdint.h>
#include <stdio.h>
#include "module/uapi/guestmode.h"

#define MEM_SIZE 0x200000u /* slot 0, at 0 */
#define CODE     0x1000u
#define DATA     0x8000u
#define MMIO     0x10000000u /* no slot there */

struct guest {
	const char *path; /* device file */
	int irqchip; /* guest_open() creates the kernel's interrupt controllers */
	int dev, vm, vcpu;
	uint8_t *mem;
	struct gm_run *run;
};

/* Fails the running test with the line and the expression. */
#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			printf("    %s:%d: %s\n", __FILE__, __LINE__, #cond);                      \
			return -1;                                                                 \
		}                                                                                  \
	} while (0)

int guest_open(struct guest *g);
void guest_close(struct guest *g);
int guest_slot(struct guest *g, unsigned int slot, unsigned int flags, uint64_t gpa, uint64_t size,
	       const void *host);
/* Code from `from` to `to` at CODE; registers for the mode, stack below CODE. */
int guest_real(struct guest *g, const char *from, const char *to);
int guest_prot(struct guest *g, const char *from, const char *to);
/* On a 32-bit host the test is skipped. */
int guest_long(struct guest *g, const char *from, const char *to);
/* Ends the running test: the host cannot have such guests. */
void test_skip(const char *why) __attribute__((noreturn));
/* RUN; returns the exit reason, or -errno. */
int guest_run(struct guest *g);
/* The same; 0 if it gives `reason`, else says what happened. */
int guest_expect(struct guest *g, int reason);

#ifdef __x86_64__
#define HOST_BITS "64"
#else
#define HOST_BITS "32"
#endif

/* One of the driver's counters in debugfs (docs/driver.md); -1: not known. */
long guest_stat(struct guest *g, const char *name);

/* Guest code: defines the symbols name and name_end. */
#define GUEST_CODE(name, bits, text)                                                               \
	extern const char name[], name##_end[];                                                    \
	__asm__(".pushsection .rodata\n.code" #bits "\n" #name ":\n" text "\n" #name               \
		"_end:\n.code" HOST_BITS "\n.popsection")

/* fuzz.c. 0 when it came to its end. */
int rig_fuzz(const char *device, unsigned int seconds, uint64_t seed);

/* screen.c: --accel's name. 0 when the client has seen all that the guest wrote. */
int rig_screen(const char *accel);

struct test {
	const char *name;
	int (*fn)(struct guest *g);
};
extern const struct test tests_modes[], tests_abi[], tests_memory[], tests_paging[], tests_irq[], tests_state[], tests_host[];

#endif

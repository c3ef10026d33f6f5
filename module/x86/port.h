/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one file of module/x86/ that knows whether it is built for the kernel or for a program.
 * Everything else in this folder is freestanding: no libc, no floating point, no allocation.
 */
#ifndef GM_X86_PORT_H
#define GM_X86_PORT_H

#ifdef __KERNEL__
#include <linux/types.h>
#include <linux/string.h>
#else
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#if __STDC_HOSTED__
#include <string.h>
#else
void *memset(void *dst, int c, size_t n);
void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
int memcmp(const void *a, const void *b, size_t n);
#endif
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;
#endif

/* For compilers that want to be told that a case goes on into the next. */
#if defined(__GNUC__) && __GNUC__ >= 7
#define X86_FALLTHROUGH __attribute__((__fallthrough__))
#else
#define X86_FALLTHROUGH do { } while (0)
#endif

#endif

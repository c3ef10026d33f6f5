/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ELF kernels, read with libelf. */
#ifndef VMM_LOADER_ELF_H
#define VMM_LOADER_ELF_H

#include "vmm/loader/plan.h"

bool elf_is(const u8 *data, u32 len);
/* Places every PT_LOAD segment at its physical address. *entry gets the entry point as a
 * physical address. -EINVAL or what plan_add() says. */
int elf_load(struct plan *p, const struct plan_file *k, u64 *entry);
/* Value of the note (name, type) of 4 or 8 bytes; false when the file has none. */
bool elf_note(const struct plan_file *k, const char *name, u32 type, u64 *value);

#endif

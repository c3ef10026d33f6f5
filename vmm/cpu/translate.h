/* SPDX-License-Identifier: GPL-2.0-or-later */
/* State of one translation, shared by translate.c (instructions) and blockgen.c (blocks). */
#ifndef VMM_CPU_TRANSLATE_H
#define VMM_CPU_TRANSLATE_H

#include "vmm/cpu/uops.h"

/* A register operation whose flags may yet turn out to be invisible. */
struct xl_pending {
	struct uop *u;
	u16 op;
	u8 rr;
	u8 wlog;
};

struct xl {
	struct cpu *c;
	struct cpu_block *b;
	unsigned int n;       /* slots used */
	unsigned int ninsn;   /* instructions so far, the present one included */
	unsigned int page_off; /* of the block in its page */
	u16 off;              /* of the present instruction in the block */
	bool plain;
	int cmp_form;         /* FUSE_* of the last instruction, -1: it was no compare */
	struct uop *cmp;
	u8 cmp_wlog;
	struct xl_pending pending;
};

struct uop *xl_slot(struct xl *x);
struct cpu_link *xl_link(struct xl *x);
void xl_fields(struct xl *x, const struct x86_insn *i, struct uop *u, unsigned int wide);
uop_fn xl_plain(struct xl *x, const struct x86_insn *i, struct uop *u);

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
/* The instruction decoder: lengths, operands within their ranges, and no byte read too many. */
#include "module/x86/decode.h"
#include "test/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	static const enum x86_mode modes[] = {X86_MODE_16, X86_MODE_32, X86_MODE_64};
	struct x86_insn insn, again;
	unsigned int m;
	int n;

	for (m = 0; m < 3; m++) {
		n = x86_decode(&insn, modes[m], data, (unsigned int)MIN(len, (size_t)64));
		if (n <= 0)
			continue;
		fuzz_check(n <= 15 && n == insn.len && (size_t)n <= len, "length");
		fuzz_check(insn.op < X86_OP_COUNT && insn.form < X86_FORM_COUNT, "op or form");
		fuzz_check(insn.reg < 16 && insn.rm < 16 && insn.base <= X86_RIP, "register");
		fuzz_check(insn.index <= X86_NO_REG && insn.scale < 4 && insn.cc < 16, "operand");
		fuzz_check(insn.seg < X86_NSEG && insn.isa < X86_ISA_COUNT, "segment or feature");
		if (insn.op == X86_OP_INVALID)
			continue;
		/* Exactly its own bytes give the same again. */
		fuzz_check(x86_decode(&again, modes[m], data, (unsigned int)n) == n, "own bytes");
		fuzz_check(again.op == insn.op && again.imm == insn.imm, "same instruction");
		x86_insn_demote(&insn);
	}
	return 0;
}

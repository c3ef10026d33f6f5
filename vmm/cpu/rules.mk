# SPDX-License-Identifier: GPL-2.0-or-later
# Handlers of single instructions keep no buffers on the stack that a guest could fill beyond
# their end; the check would cost them a tenth of their time.
$(foreach f,$(wildcard vmm/cpu/sse_*.c) vmm/cpu/x87_arith.c vmm/cpu/x87_move.c vmm/cpu/x87_func.c,\
	$(eval CFLAGS_$(f) := -fno-stack-protector))

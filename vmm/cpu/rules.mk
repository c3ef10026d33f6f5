# SPDX-License-Identifier: GPL-2.0-or-later
# Handlers of single instructions keep no buffers on the stack that a guest could fill beyond
# their end; the check would cost them a tenth of their time.
$(foreach f,$(wildcard vmm/cpu/sse_*.c) vmm/cpu/x87_arith.c vmm/cpu/x87_move.c vmm/cpu/x87_func.c,\
	$(eval CFLAGS_$(f) := -fno-stack-protector))

# What the guest's programs do to guest memory races as they please: that is no race of ours. The
# files whose memory accesses are the guest's are built without the thread sanitizer; what CPUs share
# among themselves (smp.c, dma.c, run.c, tlb.c, block.c ...) stays under its eyes.
ifeq ($(SANITIZE),thread)
CFLAGS_ALL += -DCPU_LOOP_DISPATCH -Wno-tsan
$(foreach f,$(wildcard vmm/cpu/op_*.c vmm/cpu/sse_*.c vmm/cpu/x87_*.c vmm/cpu/simd_*.c) vmm/cpu/access.c,\
	$(eval CFLAGS_$(f) += -fno-sanitize=thread))
endif

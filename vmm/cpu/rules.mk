# SPDX-License-Identifier: GPL-2.0-or-later
# Handlers of single instructions keep no buffers on the stack that a guest could fill beyond
# their end; the check would cost them a tenth of their time.
$(foreach f,$(wildcard vmm/cpu/fpu/sse_*.c) $(addprefix vmm/cpu/fpu/x87_,arith.c move.c func.c),\
	$(eval CFLAGS_$(f) := -fno-stack-protector))

# What the guest's programs do to guest memory races as they please: that is no race of ours. The
# files whose memory accesses are the guest's are built without the thread sanitizer; what CPUs share
# among themselves (smp.c, dma.c, run.c, tlb.c, block.c ...) stays under its eyes.
ifeq ($(SANITIZE),thread)
CFLAGS_ALL += -DCPU_LOOP_DISPATCH -Wno-tsan
$(foreach f,$(wildcard $(addprefix vmm/cpu/,op/*.c fpu/sse_*.c fpu/x87_*.c fpu/simd_*.c)) vmm/cpu/access.c,\
	$(eval CFLAGS_$(f) += -fno-sanitize=thread))
endif

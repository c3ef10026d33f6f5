# SPDX-License-Identifier: GPL-2.0-or-later
# The names of the system calls, for the message about one that the sandbox stopped.
GENERATED += $(BUILD)/sandbox/syscalls.h

$(BUILD)/sandbox/syscalls.h: vmm/sandbox/rules.mk
	$(say) GEN $@
	$(Q)mkdir -p $(@D)
	$(Q)echo '#include <sys/syscall.h>' | $(CC) -E -dM - | \
		sed -n 's/^#define SYS_\([a-z0-9_]*\) .*/	[SYS_\1] = "\1",/p' >$@

# SPDX-License-Identifier: GPL-2.0-or-later
# lint-x86: the shared code of module/x86/ must compile as the oldest supported kernels would
# compile it, for both word sizes, without the compiler using vector registers.
X86_LINT := $(wildcard module/x86/*.c)
lint-x86:
	$(Q)for m in -m32 -m64; do for f in $(X86_LINT); do \
		$(CC) -std=gnu89 -Wall -Wextra -Werror -Wdeclaration-after-statement -Wstrict-prototypes \
			-Wmissing-prototypes -Wno-unused-parameter -Wno-missing-field-initializers \
			-ffreestanding -mno-sse -mno-mmx -msoft-float -O2 $$m -I. -fsyntax-only $$f || exit 1; \
	done; done
.PHONY: lint-x86

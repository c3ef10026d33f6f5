# SPDX-License-Identifier: GPL-2.0-or-later
# fuzz: runs every harness test/fuzz/fuzz_*.c under libFuzzer (clang) for FUZZ_SECONDS each; what
# it finds lies in build-fuzz/. check-fuzz: the stored inputs once more, without clang.
FUZZ_SECONDS ?= 60
FUZZ_TARGETS := $(patsubst test/fuzz/fuzz_%.c,%,$(wildcard test/fuzz/fuzz_*.c))
FUZZ_FLAGS := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

fuzz:
	$(Q)$(MAKE) --no-print-directory BUILD=build-fuzz CC=clang OPT=-O1 SANFLAGS="$(FUZZ_FLAGS)" \
		WARN=-w CFLAGS="-fsanitize=fuzzer-no-link -DCPU_LOOP_DISPATCH" \
		$(FUZZ_TARGETS:%=build-fuzz/fuzz/%)
	$(Q)for t in $(FUZZ_TARGETS); do \
		mkdir -p build-fuzz/found/$$t test/fuzz/corpus/$$t; \
		build-fuzz/fuzz/$$t -max_total_time=$(FUZZ_SECONDS) -timeout=20 -rss_limit_mb=4096 \
			-artifact_prefix=build-fuzz/$$t- build-fuzz/found/$$t test/fuzz/corpus/$$t \
			|| exit 1; \
	done

build-fuzz/fuzz/%: test/fuzz/fuzz_%.c $(LIB)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) -fsanitize=fuzzer $(LDFLAGS_ALL) -o $@ $< $(LIB) $(LDLIBS_ALL)

FUZZ_REPLAY := $(FUZZ_TARGETS:%=$(BUILD)/replay/%)
$(BUILD)/replay/%: test/fuzz/fuzz_%.c test/fuzz/replay.c $(LIB)
	$(say) TEST $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $< test/fuzz/replay.c $(LIB) $(LDLIBS_ALL)

check-fuzz: $(FUZZ_REPLAY)
	$(Q)n=0; for t in $(FUZZ_TARGETS); do \
		timeout 300 $(BUILD)/replay/$$t test/fuzz/corpus/$$t/* || { echo "$$n passed, 1 failed"; exit 1; }; \
		n=$$((n + $$(ls test/fuzz/corpus/$$t | wc -l))); \
	done; echo "$$n passed, 0 failed"
.PHONY: fuzz check-fuzz

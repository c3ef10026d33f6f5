# SPDX-License-Identifier: GPL-2.0-or-later
# Guestmode: the VMM, its tests and its installation. `make help` lists the targets.

VERSION  := $(shell cat VERSION)
BUILD    ?= build
PREFIX   ?= /usr/local
DESTDIR  ?=
CC       ?= gcc
V        ?= 0

ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @printf '  %-7s %s\n'
endif

# SANITIZE=address,undefined builds into its own folder, so that it never mixes with the plain build.
ifdef SANITIZE
BUILD   := build-$(subst $(shell printf ','),-,$(SANITIZE))
SANFLAGS := -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
OPT     ?= -O1
endif
OPT     ?= -O2

WARN := -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
        -Wpointer-arith -Wvla -Wno-unused-parameter -Wno-missing-field-initializers
# Libraries that are used where they are: HAVE_SDL2 and so on say that their headers were there. They
# are loaded when they are asked for (vmm/dl.h).
OPTIONAL := $(foreach p,sdl2 libvncserver,$(shell pkg-config --exists $(p) 2>/dev/null && echo $(p)))
PKGS := libelf libcap-ng libseccomp ncursesw libpng zlib inih jansson libzstd
CFLAGS_ALL := -std=gnu11 $(OPT) -g -D_GNU_SOURCE -DVMM_VERSION='"$(VERSION)"' -I. -I$(BUILD) $(WARN) \
        -fno-strict-aliasing -fno-common -fstack-protector-strong -pthread $(SANFLAGS) \
        $(foreach p,$(OPTIONAL),-DHAVE_$(shell echo $(p) | tr a-z A-Z)) \
        $(shell pkg-config --cflags $(PKGS) $(OPTIONAL) 2>/dev/null) $(CPPFLAGS) $(CFLAGS)
LDFLAGS_ALL := -pthread $(SANFLAGS) $(LDFLAGS)
# slirp.pc asks for the development files of glib, which nothing here needs.
LDLIBS_ALL := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lslirp -ldl -lm $(LDLIBS)

SRC  := $(wildcard module/x86/*.c vmm/*.c vmm/*/*.c vmm/*/*/*.c devices/*.c devices/*/*.c)
OBJ  := $(SRC:%.c=$(BUILD)/obj/%.o)
LIB  := $(BUILD)/libvmm.a
.DEFAULT_GOAL := all
# Whole-folder settings that a subsystem needs (generated headers, per-file options) stand beside it.
-include $(wildcard vmm/*/rules.mk devices/*/rules.mk test/*/rules.mk packaging/rules.mk)

all: $(BUILD)/vmm

$(BUILD)/vmm: $(BUILD)/obj/vmm/main.o $(LIB)
	$(say) LINK $@
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LDLIBS_ALL)

$(LIB): $(filter-out $(BUILD)/obj/vmm/main.o,$(OBJ))
	$(say) AR $@
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/obj/%.o: %.c | $(GENERATED)
	$(say) CC $<
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) $(CFLAGS_$<) -MMD -MP -c -o $@ $<

-include $(OBJ:.o=.d)

# Unit tests: every test/unit/test_*.c is one Check program of its own.
UNIT := $(patsubst test/unit/%.c,$(BUILD)/test/%,$(wildcard test/unit/test_*.c))
unit: $(UNIT)
$(BUILD)/test/%: test/unit/%.c $(LIB)
	$(say) TEST $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) $(CFLAGS_$<) $(shell pkg-config --cflags check) -MMD -MP -MF $@.d $(LDFLAGS_ALL) \
		-o $@ $< $(LIB) $(LDLIBS_ALL) $(shell pkg-config --libs check)
-include $(wildcard $(BUILD)/test/*.d)

## Targets:
##   all (default)  build/vmm
##   run            set up what is missing, build, make a demonstration disk, boot it
##   check          set up what is missing, build, run all tests of a usual change (half an hour)
##   check-unit     unit tests only (SANITIZE=address,undefined runs them sanitized)
##   check-tsan     several vCPUs, VNC and a window under the thread sanitizer (ten minutes)
##   check-cli      the command line, signals and host faults
##   fuzz           libFuzzer (clang) on every harness of test/fuzz/, FUZZ_SECONDS each
##   check-fuzz     the stored inputs of the fuzzers (SANITIZE=address,undefined)
##   check-rig-debug  the driver under a fuzzer in a kernel with checks (FUZZ=SECONDS)
##   check-rig      the driver in an emulated AMD-V machine (two minutes)
##   check-kernels  the driver against the headers of every kernel that Debian has (KDIRS="DIR..." for other trees)
##   check-guests   boot every test guest (5 to 20 minutes once they are made)
##   bench          compare with native, QEMU TCG and Bochs; prints tables
##   check-rig-vmx  the driver in an emulated VT-x machine (six minutes)
##   check-rig-full the driver on every emulated machine (an hour or two; RIG_ONLY=TEXT: those with TEXT in their line)
##   bench-rig      what exits cost with the in-tree KVM driver and ours, in counted instructions
##   lint, format   static checks; clang-format in place
##   install        to $(DESTDIR)$(PREFIX); install-dkms: the driver's sources for DKMS
##   dist, deb, rpm a tarball, Debian packages, RPM packages, into build/packages/
##   check-packages builds and checks the packages, installs them in a Debian root, boots what they installed
## Variables: V=1 (show commands), SANITIZE=, PREFIX=, DESTDIR=, CACHE= (downloads, guests)
export CACHE ?= $(CURDIR)/cache

check-unit: $(UNIT)
	$(Q)test/run-unit.sh $(UNIT)

# What runs before anything can be built cannot use what pkg-config says: hence the second make.
run:
	$(Q)scripts/setup.sh build run
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) all
	$(Q)scripts/demo-disk.sh $(CACHE)/guests/demo-disk
	$(Q)scripts/run-demo.sh $(BUILD)/vmm $(CACHE)/guests/demo-disk

check:
	$(Q)scripts/setup.sh build run test rig
	$(Q)MAKE="$(MAKE)" test/run-all.sh

check-tsan:
	$(Q)scripts/setup.sh build run test
	$(Q)$(MAKE) --no-print-directory SANITIZE=thread all build-thread/test/test_smp
	$(Q)test/tsan.sh build-thread

check-cli: all
	$(Q)test/cli/run.py

# The fuzzer in a kernel with KASAN, lockdep, UBSAN, kmemleak (built on first use: half an hour).
check-rig-debug:
	$(Q)scripts/setup.sh build run rig debug
	$(Q)$(MAKE) --no-print-directory all
	$(Q)RIG_MEMORY=2048 RIG_TIMEOUT=$$(($(or $(FUZZ),300) * 3 + 600)) test/rig/run.sh --kernel debug --cpus 2 \
		--only "programs fuzz" --fuzz $(or $(FUZZ),300) $(BUILD)/vmm

check-rig:
	$(Q)scripts/setup.sh build run rig
	$(Q)$(MAKE) --no-print-directory all
	$(Q)test/rig/run.sh --cpus $(or $(RIG_CPUS),1) $(BUILD)/vmm

check-kernels:
	$(Q)scripts/setup.sh build rig
	$(Q)test/compat/check-kernels.sh $(KDIRS)

check-guests:
	$(Q)scripts/setup.sh build run test
	$(Q)$(MAKE) --no-print-directory all
	$(Q)test/guest/run.py --all

bench:
	$(Q)scripts/setup.sh build run test bench
	$(Q)$(MAKE) --no-print-directory all
	$(Q)test/bench/run.py

check-rig-vmx:
	$(Q)scripts/setup.sh build run rig
	$(Q)$(MAKE) --no-print-directory all
	$(Q)RIG_TIMEOUT=$${RIG_TIMEOUT:-900} test/rig/run.sh --engine bochs --only "programs shadow boot coexist" $(BUILD)/vmm

check-rig-full:
	$(Q)scripts/setup.sh build run rig
	$(Q)$(MAKE) --no-print-directory all
	$(Q)test/rig/full.sh $(BUILD)/vmm "$(RIG_ONLY)"

.PHONY: check-rig-vmx check-rig-full

bench-rig:
	$(Q)scripts/setup.sh build run rig
	$(Q)$(MAKE) --no-print-directory all
	$(Q)test/bench/rig/run.sh $(BUILD)/vmm

# Tables whose columns mean something stay as they are.
TABLES = module/x86/optable% module/x86/ops.h test/unit/lib/decode_corpus.h
SOURCES = $(filter-out $(TABLES),$(shell git ls-files '*.c' '*.h'))
format:
	$(Q)clang-format -i $(SOURCES)

lint:
	$(Q)scripts/setup.sh build lint
	$(Q)scripts/lint.sh $(SOURCES)

clean:
	rm -rf build build-*

help:
	@sed -n 's/^## \{0,1\}//p' Makefile

# One line per target: no list to keep in step.
.PHONY: all
.PHONY: bench
.PHONY: bench-rig
.PHONY: check
.PHONY: check-cli
.PHONY: check-guests
.PHONY: check-kernels
.PHONY: check-rig check-rig-debug
.PHONY: check-tsan
.PHONY: check-unit
.PHONY: clean
.PHONY: format
.PHONY: help
.PHONY: lint
.PHONY: run
.PHONY: unit
.SECONDARY:
.DELETE_ON_ERROR:

# SPDX-License-Identifier: GPL-2.0-or-later
# The boot ROM is assembled for real mode at offset 0 and built in as bytes:
# static const unsigned char gm_bootrom[].

LD      ?= ld
OBJCOPY ?= objcopy
GENERATED += $(BUILD)/loader/bootrom.h

$(BUILD)/loader/bootrom.bin: bios/bootrom.S
	$(say) AS $<
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -m32 -c -o $(@:.bin=.o) $<
	$(Q)$(LD) -m elf_i386 -Ttext=0 -e 0 -o $(@:.bin=.elf) $(@:.bin=.o)
	$(Q)$(OBJCOPY) -O binary -j .text $(@:.bin=.elf) $@

$(BUILD)/loader/bootrom.h: $(BUILD)/loader/bootrom.bin
	$(Q)printf '%s\n' '/* Made from bios/bootrom.S. */' 'static const unsigned char gm_bootrom[] = {' >$@
	$(Q)od -An -v -tx1 $< | sed 's/ \([0-9a-f][0-9a-f]\)/0x\1,/g' >>$@
	$(Q)echo '};' >>$@

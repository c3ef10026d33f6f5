# SPDX-License-Identifier: GPL-2.0-or-later
# The DSDT is written in ASL and built in as bytes: static const unsigned char gm_dsdt_aml[].

IASL ?= iasl
GENERATED += $(BUILD)/firmware/dsdt.h

$(BUILD)/firmware/dsdt.aml: vmm/firmware/dsdt.asl
	$(say) IASL $<
	$(Q)mkdir -p $(@D)
	$(Q)$(IASL) -vs -we -p $(@:.aml=) $< >$(@D)/dsdt.log 2>&1 || { cat $(@D)/dsdt.log; exit 1; }

$(BUILD)/firmware/dsdt.h: $(BUILD)/firmware/dsdt.aml
	$(Q)printf '%s\n' '/* Made from vmm/firmware/dsdt.asl. */' 'static const unsigned char gm_dsdt_aml[] = {' >$@
	$(Q)od -An -v -tx1 $< | sed 's/ \([0-9a-f][0-9a-f]\)/0x\1,/g' >>$@
	$(Q)echo '};' >>$@

# SPDX-License-Identifier: GPL-2.0-or-later
# Installation and packages. The version is in VERSION and nowhere else.
LIBDIR   = $(DESTDIR)$(PREFIX)/lib
SHAREDIR = $(DESTDIR)$(PREFIX)/share
DKMSDIR  = $(DESTDIR)/usr/src/guestmode-$(VERSION)
PACKAGES = $(BUILD)/packages
DIST     = $(PACKAGES)/guestmode-$(VERSION).tar.gz
MODULE_FILES = $(shell cd $(CURDIR) && find module -type f \( -name '*.[chS]' -o -name Kbuild -o -name '*.sh' \) ! -name compat_config.h ! -name '*.mod.c' | LC_ALL=C sort)

.PHONY: install
install: all
	install -D -m 755 $(BUILD)/vmm $(DESTDIR)$(PREFIX)/bin/vmm
	install -D -m 755 scripts/vmm-ifup $(DESTDIR)$(PREFIX)/bin/vmm-ifup
	install -D -m 644 docs/vmm.1 $(SHAREDIR)/man/man1/vmm.1
	install -D -m 644 docs/vmm-ifup.8 $(SHAREDIR)/man/man8/vmm-ifup.8
	install -D -m 644 packaging/vmm.bash-completion $(SHAREDIR)/bash-completion/completions/vmm
	install -D -m 644 packaging/60-guestmode.rules $(LIBDIR)/udev/rules.d/60-guestmode.rules
	install -D -m 644 packaging/modules-load.conf $(LIBDIR)/modules-load.d/guestmode.conf
	install -D -m 644 packaging/sysusers.conf $(LIBDIR)/sysusers.d/guestmode.conf
	install -d $(LIBDIR)/systemd/system
	sed 's,/usr/bin/,$(PREFIX)/bin/,' packaging/vmm@.service >$(LIBDIR)/systemd/system/vmm@.service
	chmod 644 $(LIBDIR)/systemd/system/vmm@.service

# The driver's sources where DKMS finds them; then: dkms install guestmode/VERSION
.PHONY: install-dkms
install-dkms:
	for f in $(MODULE_FILES); do install -D -m 644 "$$f" "$(DKMSDIR)/$$f" || exit 1; done
	install -d $(DKMSDIR)
	sed 's/#MODULE_VERSION#/$(VERSION)/' packaging/dkms.conf >$(DKMSDIR)/dkms.conf
	chmod 644 $(DKMSDIR)/dkms.conf

# What is committed, packed the same way each time; Debian's files are not part of it.
.PHONY: dist
dist: $(DIST)
.PHONY: $(DIST)
$(DIST):
	$(Q)git rev-parse HEAD >/dev/null 2>&1 || { echo "dist: not a git checkout" >&2; exit 1; }
	$(Q)mkdir -p $(PACKAGES)
	$(Q)git archive --prefix=guestmode-$(VERSION)/ HEAD | gzip -9n >$@
	$(say) DIST $@

.PHONY: deb
deb: $(DIST)
	$(Q)scripts/setup.sh build deb
	$(Q)packaging/build-deb.sh $(abspath $(DIST)) $(abspath $(PACKAGES))

.PHONY: rpm
rpm: $(DIST)
	$(Q)scripts/setup.sh build rpm
	$(Q)packaging/build-rpm.sh $(abspath $(DIST)) $(abspath $(PACKAGES))

.PHONY: check-packages
check-packages:
	$(Q)scripts/setup.sh build run test rig deb rpm
	$(Q)test/packages/run.sh
